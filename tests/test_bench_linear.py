"""The benchmarks of the linear models: data, the measure of loss, and one tiny run from end to end."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from sklearn.metrics import log_loss

import fastgd

ROOT = Path(fastgd.__file__).parent.parent
if not (ROOT / "bench" / "linear.py").exists():
    pytest.skip("installed without bench/", allow_module_level=True)
sys.path.insert(0, str(ROOT))

from bench import linear, linear_contenders, linear_data, linear_speed, time_to_loss  # noqa: E402
from bench.time_to_loss import Ladder, Point  # noqa: E402

FIRST = Ladder(rungs=1, rounds=1)


@pytest.fixture(scope="module")
def binary():
    """Sparse rows whose classes a linear model tells apart."""
    rng = np.random.default_rng(0)
    X = scipy.sparse.random(600, 30, density=0.3, format="csr", dtype=np.float32, random_state=0)
    y = (X @ rng.normal(size=30) > 0).astype(np.int64)
    return linear_data.Task("tiny", "Tiny", X[:500], y[:500], X[500:], y[500:], alpha=1e-4)


@pytest.fixture(scope="module")
def three_classes():
    X = np.random.default_rng(0).normal(size=(600, 4)).astype(np.float32)
    y = X[:, :3].argmax(axis=1)
    return linear_data.Task("dense", "Dense", X[:500], y[:500], X[500:], y[500:], alpha=1e-4)


# ------------------------------------------------------------------------------------------------------------------------- measures


def test_losses_are_scikit_learns_of_the_probabilities():
    rng = np.random.default_rng(0)
    y, scores = rng.integers(2, size=50), 5 * rng.normal(size=50)
    chance = 1 / (1 + np.exp(-scores))
    assert time_to_loss.losses(scores, y, False).mean() == pytest.approx(log_loss(y, chance))
    y, scores = rng.integers(3, size=50), 2 * rng.normal(size=(50, 3))
    softmax = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert time_to_loss.losses(scores, y, True).mean() == pytest.approx(log_loss(y, softmax))
    each = 1 / (1 + np.exp(-scores))
    assert time_to_loss.losses(scores, y, False).mean() == pytest.approx(
        log_loss(y, each / each.sum(axis=1, keepdims=True))
    )


def test_losses_of_wild_scores_are_finite():
    assert np.isfinite(time_to_loss.losses(np.full((2, 3), -1e4), np.array([0, 2]), False)).all()
    assert time_to_loss.losses(np.array([1e4, -1e4]), np.array([1, 1]), False) == pytest.approx([0, 1e4])


def point(name, seconds, loss, accuracy=0.5):
    learner = linear_contenders.Learner(name, None, (1,))
    return Point(learner, 1, [seconds], [loss], [accuracy])


def test_the_loss_to_reach_is_a_peers():
    points = [point("fastgd", 1.0, 0.1), point("peer", 2.0, 0.5), point("peer", 9.0, 0.4)]
    assert time_to_loss.given_loss(points) == pytest.approx(0.404)
    assert time_to_loss.reaching(points[1:], 0.404) is points[2]
    assert time_to_loss.reaching(points[1:], 0.3) is None


def test_speed_counts_only_at_no_higher_loss():
    theirs = point(linear_contenders.GRID, 20.0, 0.3)
    good, fast = point("fastgd", 2.0, 0.29), point("fastgd", 1.0, 0.31)
    assert linear._as_good([fast, good], theirs, 20.0).value == 10
    assert linear._as_good([fast], theirs, 20.0).verdict == "MISSED"


def test_accuracy_that_is_never_reached_is_missed():
    theirs = point(linear_contenders.LBFGS, 10.0, 0.4, 0.845)
    met, missed = ([point("fastgd", 1.0, 0.4, found), theirs] for found in (0.841, 0.839))
    assert [linear._to_accuracy(points)[0].verdict for points in (met, missed)] == ["met", "MISSED"]


# ----------------------------------------------------------------------------------------------------------------------------- data


def test_data_that_is_not_there_says_how_to_get_it(tmp_path):
    with pytest.raises(linear_data.NotInstalledError, match="libsvmtools"):
        linear_data.a9a([tmp_path], False)


def test_a9a_is_read_with_classes_0_and_1(tmp_path):
    (tmp_path / "a9a").write_text("-1 3:1 123:1\n+1 1:1\n")
    (tmp_path / "a9a.t").write_text("+1 2:1\n")
    task = linear_data.a9a([tmp_path], False)
    assert task.X_train.shape == (2, 123)
    assert task.X_train[0].indices.tolist() == [2, 122]
    assert task.X_train.indices.dtype == task.X_train.indptr.dtype == np.int32
    assert (task.y_train.tolist(), task.y_test.tolist()) == ([0, 1], [1])


def test_flights_stand_in_says_so_and_has_rows_of_norm_1():
    task = linear_data.flights([], True)
    assert "synthetic" in task.title
    assert task.X_train.shape[1] == task.X_test.shape[1]
    assert scipy.sparse.linalg.norm(task.X_test, axis=1) == pytest.approx(1)
    assert 0.1 < task.y_train.mean() < 0.4
    task.X_train.check_format(full_check=True)
    assert (
        task.bytes
        == task.X_train.data.nbytes + task.X_train.indices.nbytes + task.X_train.indptr.nbytes + task.y_train.nbytes
    )


def test_one_hot_columns_do_not_overlap():
    X_train, X_test, order = linear_data._encoded(
        [np.array(c) for c in ([0, 1], [6, 6], [0, 23], [5, 5], [0, 1], [1, 0], [0, 1])], 1
    )
    rows = scipy.sparse.vstack([X_train, X_test]).toarray()[np.argsort(order)]
    assert (rows > 0).sum(axis=1).tolist() == [10, 10]
    assert np.flatnonzero((rows[0] > 0) & (rows[1] > 0)).tolist() == [12 + 6, 12 + 7 + 24 + 5]  # weekday and distance


# ------------------------------------------------------------------------------------------------------------------------ contenders


def test_everybody_learns(binary, three_classes):
    for task, chance in ((binary, np.log(2)), (three_classes, np.log(3))):
        found = linear_contenders.learners(task)
        quick = [replace(each, rungs=each.rungs[-1:]) for each in found]
        points, failures = time_to_loss.curves(task, quick, FIRST)
        assert failures == {}
        assert [p.learner.name for p in points] == [each.name for each in found]
        assert {p.learner.name: p.loss for p in points if not p.loss < chance} == {}
        assert all(p.time > 0 for p in points)


def test_the_sweep_stands_in_for_auto(monkeypatch, binary):
    monkeypatch.setattr(linear_contenders, "accepts", lambda **parameters: False)
    names = [each.name for each in linear_contenders.learners(binary) if each.ours]
    assert names[0] == "fastgd, sweep of 16 rates + fit"
    monkeypatch.setattr(linear_contenders, "accepts", lambda **parameters: "learning_rate" in parameters)
    names = [each.name for each in linear_contenders.learners(binary) if each.ours]
    assert names[0] == "fastgd, auto"
    assert names[-1] == "fastgd, sweep of 16 rates + fit"


def test_accepts_asks_the_constructor_and_a_fit():
    assert linear_contenders.accepts(loss="log_loss")
    assert not linear_contenders.accepts(no_such_parameter=1)
    assert not linear_contenders.accepts(loss="no such loss")


def test_slow_rungs_end_the_ladder_and_are_not_repeated(monkeypatch, binary):
    def measured(point, task, seed):
        point.seconds.append(float(point.rung))
        point.losses.append(0.5)
        point.accuracies.append(0.5)

    monkeypatch.setattr(time_to_loss, "measure", measured)
    exact = linear_contenders.Learner("exact", None, (1, 2, 6, 20))
    most = linear_contenders.Learner("at most", None, (1, 6, 20), "epochs at most")
    points, _ = time_to_loss.curves(binary, [exact, most], Ladder(longest=10.0, rounds=3, repeated=5.0))
    assert [(p.learner.name, p.rung, len(p.seconds)) for p in points] == [
        *(("exact", rung, times) for rung, times in ((1, 3), (2, 3), (6, 1))),
        *(("at most", rung, times) for rung, times in ((1, 3), (6, 1))),
    ]


def test_who_fails_does_not_take_the_others_along(binary):
    def fails(task, rung, seed):
        raise RuntimeError("no licence")

    def learns(task, rung, seed):
        return [linear_contenders.linear_scores(np.zeros((1, 30)), np.zeros(1))]

    two = [linear_contenders.Learner("broken", fails, (1,)), linear_contenders.Learner("whole", learns, (1,))]
    points, failures = time_to_loss.curves(binary, two, FIRST)
    assert [(p.learner.name, p.loss) for p in points] == [("whole", pytest.approx(np.log(2)))]
    assert failures == {"broken": "RuntimeError: no licence"}


# ----------------------------------------------------------------------------------------------------------------------- end to end


def test_memory_of_a_fit_is_measured_in_a_child(binary):
    result = linear_speed.memory(binary)
    assert [row[0] for row in result.rows] == ["fastgd", "scikit-learn"]
    assert result.figures[0].value >= 0


def test_the_whole_report(tmp_path, monkeypatch, capsys, binary, three_classes):
    tasks = {
        "rcv1": replace(binary, name="rcv1"),
        "fashion": replace(three_classes, name="fashion"),
        "a9a": linear_data.a9a,
    }
    loaders = {
        name: each if callable(each) else (lambda folders, quick, each=each: each) for name, each in tasks.items()
    }
    monkeypatch.setattr(linear, "TASKS", loaders)
    monkeypatch.setattr(linear, "QUICK_WORK", replace(linear.QUICK_WORK, ladder=FIRST))
    monkeypatch.delenv("FASTGD_DATA", raising=False)
    file, pictures = tmp_path / "all.json", tmp_path / "pictures"
    options = ["--quick", "--alpha", "1e-3", "--json", str(file), "--curves", str(pictures)]
    assert linear.main(["--data", "rcv1", "fashion", "a9a", *options]) == 0
    out = capsys.readouterr().out
    for part in ("## Tiny", "## Dense", "alpha 0.001", "Skipped: a9a is not there", ">= 20x", "0.84 test accuracy"):
        assert part in out
    content = json.loads(file.read_text())
    assert set(content["results"]) == {"rcv1", "fashion"}
    assert {path.name for path in pictures.iterdir()} == {"rcv1.png", "fashion.png"}


def test_the_command_line_says_what_it_does(capsys):
    with pytest.raises(SystemExit):
        linear.main(["--help"])
    out = capsys.readouterr().out
    assert all(option in out for option in ("--data", "--quick", "--folder", "--curves"))
