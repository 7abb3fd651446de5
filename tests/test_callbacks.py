"""Functions that fit calls after each epoch, and what verbose prints. scikit-learn's callbacks: test_sklearn_callbacks.py."""

import dataclasses
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

import fastgd
from fastgd._estimators.callbacks import CallbackObserver
from fastgd._training import fit
from fastgd.linear_model import EpochInfo, Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning")

EPOCHS = {"max_iter": 4, "tol": None, "random_state": 3}
MODELS = {
    "classifier": SGDClassifier(**EPOCHS),
    "averaged": SGDClassifier(loss="log_loss", average=130, **EPOCHS),
    "L1": SGDClassifier(penalty="l1", learning_rate=0.05, **EPOCHS),
    "perceptron": Perceptron(**EPOCHS),
    "regressor": SGDRegressor(average=True, **EPOCHS),
    "one class": SGDOneClassSVM(**EPOCHS),
}
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(80, 5))
Y3 = np.searchsorted([-0.5, 0.5], X @ np.arange(5.0) / 5 + 0.2 * GENERATOR.normal(size=80))
Y2 = (Y3 > 0).astype(int)


def weights(model):
    return model.coef_, model.offset_ if isinstance(model, SGDOneClassSVM) else model.intercept_


def same(a, b):
    return all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("y", [Y2, Y3], ids=["one lane", "three lanes"])
@pytest.mark.parametrize("name", MODELS)
def test_an_epoch_is_what_training_that_long_gives(name, y):
    """The weights told after epoch k are, bit for bit, those of a fit of k epochs; what is measured is the row of the history."""
    seen = []
    model = clone(MODELS[name]).fit(X, y, callbacks=[lambda info: seen.append((info, info.coef, info.intercept))])
    assert [info.epoch for info, *_ in seen] == [1, 2, 3, 4]
    for k, (info, *told) in enumerate(seen):
        shorter = clone(MODELS[name]).set_params(max_iter=k + 1).fit(X, y)
        assert same(told, weights(shorter))
        for key, column in model.history_.items():
            np.testing.assert_array_equal(getattr(info, key), column[k], err_msg=key)
    assert same(weights(model), weights(clone(MODELS[name]).fit(X, y)))


def test_one_lane_is_told_in_floats_and_several_in_arrays():
    infos = []
    SGDClassifier(**EPOCHS).fit(X, Y2, X_val=X, y_val=Y2, callbacks=[infos.append])
    SGDClassifier(**EPOCHS).fit(X, Y3, callbacks=[infos.append])
    one, several = infos[0], infos[-1]
    assert [type(v) for v in (one.loss, one.val_loss, one.val_score, one.grad_norm, one.seconds)] == [float] * 5
    assert several.loss.shape == several.learning_rate.shape == (3,)
    assert several.val_loss is None and several.clipped is None


def test_lanes_that_have_stopped_are_told_as_they_were():
    seen = []
    model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.05, tol=1e-2, random_state=0)
    model.fit(X, Y3, callbacks=[lambda info: seen.append((info.loss, info.coef, info.intercept))])
    losses = np.array([loss for loss, _, _ in seen])
    n_epochs = np.isfinite(losses).sum(axis=0)
    assert len(set(n_epochs)) > 1, "the lanes must stop at different times for this test to say anything"
    for _, coef, intercept in seen[n_epochs.min() :]:
        for lane in np.flatnonzero(n_epochs == n_epochs.min()):
            assert np.array_equal(coef[lane], model.coef_[lane]) and intercept[lane] == model.intercept_[lane]
    assert same(seen[-1][1:], weights(model))


@pytest.mark.parametrize("name", MODELS)
def test_true_stops_and_training_goes_on_exactly(name):
    model = clone(MODELS[name]).fit(X, Y2, callbacks=[lambda info: info.epoch == 2])
    assert (model.stop_reason_, model.n_iter_, len(model.history_["loss"])) == ("callback", 2, 2)
    assert same(weights(model), weights(clone(MODELS[name]).set_params(max_iter=2).fit(X, Y2)))
    infos = []
    model.partial_fit(X, Y2, n_epochs=2, callbacks=[infos.append])
    assert [(info.epoch, info.step) for info in infos] == [(1, 240), (2, 320)]
    assert same(weights(model), weights(clone(MODELS[name]).fit(X, Y2)))
    model.partial_fit(X, Y2, n_epochs=9, callbacks=[lambda info: True])
    assert (model.n_iter_, model.t_) == (1, 401)


def test_all_are_called_and_only_true_stops():
    calls = []
    answers = [lambda info: calls.append("a") or np.True_, lambda info: calls.append("b") or False]
    assert SGDRegressor(**EPOCHS).fit(X, Y2, callbacks=answers).n_iter_ == 1
    assert calls == ["a", "b"]
    for other in (1, 0.5, "yes", [0], np.float64(1)):
        model = SGDRegressor(**EPOCHS).fit(X, Y2, callbacks=(lambda info, o=other: o,))
        assert (model.n_iter_, model.stop_reason_) == (4, "max_iter")


def test_what_stopped_a_lane_first_is_its_reason():
    model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.05, tol=1e-2, random_state=0)
    model.fit(X, Y3, callbacks=[lambda info: np.isnan(info.loss).any()])
    assert set(model.stop_reason_.split(", ")) == {"tol", "callback"}
    model = SGDRegressor(max_iter=2, tol=None, random_state=0)
    assert model.fit(X, Y2, callbacks=[lambda info: info.epoch == 2]).stop_reason_ == "callback"


@pytest.mark.filterwarnings("ignore::fastgd.GradientHealthWarning")
def test_the_best_weights_are_kept_when_a_callback_stops():
    options = {"restore_best": True, "random_state": 0, "tol": None, "learning_rate": 0.5}
    seen = []
    model = SGDRegressor(max_iter=20, **options).fit(
        X, Y2, X_val=X, y_val=Y2, callbacks=[lambda info: seen.append((info.val_score, info.coef)) or info.epoch == 6]
    )
    assert model.n_iter_ == 6
    best = max(seen, key=lambda pair: pair[0])[1]
    assert np.array_equal(best, model.coef_)
    assert not all(np.array_equal(best, coef) for _, coef in seen)


def test_an_epoch_cannot_be_changed_nor_read_too_late():
    infos, kept = [], []
    SGDClassifier(**EPOCHS).fit(X, Y3, callbacks=[infos.append, lambda info: kept.append(info.coef)])
    first = infos[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.loss = 0.0
    for array in (first.coef, first.loss):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    assert first.coef is kept[0], "made once"
    assert np.array_equal(pickle.loads(pickle.dumps(first)).coef, kept[0])
    late = []
    SGDClassifier(**EPOCHS).fit(X, Y3, callbacks=[late.append])
    with pytest.raises(RuntimeError, match=r"weights of epoch 1 are gone.*while the callback runs"):
        _ = late[0].coef
    assert isinstance(pickle.loads(pickle.dumps(late[0])), EpochInfo)
    assert "coef" not in repr(first) and "loss=" in repr(first)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("fitted", [False, True])
def test_an_error_leaves_the_estimator_as_it_was(name, fitted):
    class OwnError(Exception):
        pass

    def fails(info):
        if info.epoch == 2:
            raise OwnError("mine")

    model = clone(MODELS[name])
    if fitted:
        model.fit(X, Y2)
    before = pickle.dumps(model)
    with pytest.raises(OwnError, match="mine"):
        model.fit(X, Y3, callbacks=[fails])
    assert pickle.dumps(model) == before
    classes = {"classes": [0, 1]} if name in ("classifier", "averaged", "L1", "perceptron") else {}
    with pytest.raises(OwnError):
        model.partial_fit(X, Y2, n_epochs=2, callbacks=[fails], **classes)
    assert pickle.dumps(model) == before


@pytest.mark.parametrize("name", MODELS)
def test_what_is_no_callback_is_refused_by_its_index(name):
    model = clone(MODELS[name])
    before = pickle.dumps(model)
    for bad, message in (
        ([print, 3], r"'callbacks\[1\]' argument of \w+ must be a function of one argument.*got 3"),
        ([None], r"'callbacks\[0\]' argument.*got None"),
        (print, r"'callbacks' argument of \w+ must be a list; got <built-in.*callbacks=\[callback\]"),
        ("print", "must be a list; got 'print'"),
    ):
        for call in (model.fit, model.partial_fit):
            with pytest.raises(TypeError, match=message):
                call(X, Y2, callbacks=bad)
    assert pickle.dumps(model) == before
    model.fit(X, Y2, callbacks=[])


def test_rows_that_all_weigh_nothing_are_no_epoch():
    model, calls = SGDClassifier(), []
    model.partial_fit(X, Y2, classes=[0, 1], sample_weight=np.zeros(80), callbacks=[calls.append])
    assert calls == [] and model.t_ == 1


def test_without_callbacks_nobody_looks_on(monkeypatch):
    """What no callback costs: a comparison with None per epoch."""
    seen, train = [], fit.train

    def spy(*args, **kwargs):
        seen.append(any(isinstance(each, CallbackObserver) for each in (*args, *kwargs.values())))
        return train(*args, **kwargs)

    monkeypatch.setattr(fit, "train", spy)
    SGDRegressor(**EPOCHS).fit(X, Y2).partial_fit(X, Y2).fit(X, Y2, callbacks=[]).fit(X, Y2, callbacks=[id])
    assert seen == [False, False, False, True]


def test_verbose_2_prints_a_table(capsys):
    SGDClassifier(verbose=2, **EPOCHS).fit(X, Y3)
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split("  ")[0] == "epoch"
    assert [h for h in map(str.strip, header.split("  ")) if h] == [
        "epoch",
        "learning rate",
        "loss",
        "gradient norm",
        "rows/s",
    ]
    assert len(rows) == 4 and {len(row) for row in rows} == {len(header)}
    model = SGDRegressor(verbose=2, learning_rate="pa1", loss="epsilon_insensitive", **EPOCHS)
    model.fit(X, Y2, X_val=X, y_val=Y2)
    header, *rows = capsys.readouterr().out.splitlines()
    assert "val loss" in header and "val score" in header
    assert {len(row) for row in rows} == {len(header)}
    for row, loss, val_loss in zip(rows, model.history_["loss"], model.history_["val_loss"], strict=True):
        cells = row.split()
        assert cells[1] == "nan"  # the rate depends on the row
        assert [float(cells[2]), float(cells[3])] == pytest.approx([loss, val_loss], rel=1e-5)


INTERRUPTED = """
import json, os, signal, sys, threading, time
import numpy as np
from fastgd.linear_model import SGDClassifier

X, y = np.broadcast_to(np.ones(64, np.float32), (400_000, 64)), np.arange(400_000) % 2
model = SGDClassifier(max_iter=10**6, tol=None, shuffle=False)
if sys.argv[1] == "scikit-learn":
    from sklearn.callback import ProgressBar
    model.set_callbacks(ProgressBar())
before, waited = set(vars(model)), []
for attempt in range(3):
    sent = []

    def interrupt():
        time.sleep(0.3 + 0.05 * attempt)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    try:
        model.fit(X, y, callbacks=[lambda info: info.coef is None])
    except KeyboardInterrupt:
        waited.append(time.perf_counter() - sent[0])
print(json.dumps([min(waited), len(waited), set(vars(model)) == before]))
"""


@pytest.mark.parametrize("kind", ["functions", "scikit-learn"])
def test_ctrl_c_is_answered_at_once(kind):
    """Row 106: within 0.25 s (the best of three, for others use the machine too), and the estimator is as before."""
    environment = {"PYTHONPATH": str(Path(fastgd.__file__).parents[1]), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, kind], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == 0, done.stderr
    waited, interrupted, unchanged = json.loads(done.stdout.splitlines()[-1])
    assert (interrupted, unchanged) == (3, True)
    assert waited < 0.25
