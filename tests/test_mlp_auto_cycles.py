"""``learning_rate="auto"`` for networks, cycle by cycle: a trial, a new beginning, steps back; and the data it must live with."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.datasets import load_digits, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

from fastgd._training import cycles, race
from fastgd._training.folds import FEW
from fastgd.linear_model import SGDClassifier
from fastgd.neural_network import Head, MLPClassifier, MLPMultiTask, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore:.*Maximum (number of )?iteration:sklearn.exceptions.ConvergenceWarning")
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(400, 6))
CLASSES = X[:, :3].argmax(axis=1)
NUMBERS = np.sin(X[:, 0]) + X[:, 1]
BASE = {"hidden_layer_sizes": (8,), "random_state": 0, "learning_rate": "auto", "max_iter": 12, "batch_size": 32}


def same_weights(one, other):
    return [a.tobytes() for a in one.coefs_ + one.intercepts_] == [
        a.tobytes() for a in other.coefs_ + other.intercepts_
    ]


# ----------------------------------------------------------------------------------------------------------------- cycles


@pytest.mark.parametrize(
    ("max_iter", "lengths"),
    [
        (1, [1]),
        (2, [2]),
        (3, [1, 2]),
        (5, [1, 4]),
        (9, [1, 8]),
        (10, [1, 4, 5]),
        (39, [1, 4, 5, 10, 19]),
        (50, [2, 8, 10, 30]),
    ],
)
def test_a_trial_then_a_new_beginning(max_iter, lengths):
    model = MLPClassifier(**BASE | {"max_iter": max_iter}, tol=None).fit(X, CLASSES)
    found = model.race_.cycles
    assert [cycle.n_epochs for cycle in found] == lengths and model.n_iter_ == max_iter
    assert [cycle.anew for cycle in found] == [k == 1 for k in range(len(found))]
    if len(found) > 1:
        tried = found[0].learning_rate[found[0].best]
        np.testing.assert_allclose(
            found[1].learning_rate, [tried / np.sqrt(lengths[1] / lengths[0]), tried], rtol=1e-12
        )
    assert model.race_.to_dict()["cycles"][-1]["anew"] == (len(found) == 2)


def test_the_trial_is_no_part_of_the_models_schedule():
    learnt, rest = (X[:300], CLASSES[:300]), {"X_val": X[300:], "y_val": CLASSES[300:]}
    model = MLPClassifier(**BASE).fit(*learnt, **rest)
    found = model.race_
    assert found.n_kept > 1 and found.n_epochs == sum(cycle.n_epochs for cycle in found.cycles[1 : found.n_kept])
    plain = clone(model).set_params(learning_rate=found.schedule, tol=None, max_iter=found.n_epochs).fit(*learnt)
    assert same_weights(model, plain)


def test_rates_of_the_trial_go_by_how_much_longer_it_is():
    ahead = cycles.of_networks(1, 0, 10.0)
    np.testing.assert_allclose(ahead.near, np.array([0.5, 1, 2]) / np.sqrt(10))
    assert not ahead.anew and cycles.of_networks(1, 1, 10.0).near.tolist() == [1.0]


def test_a_trial_has_enough_steps_but_is_short():
    """Within a handful of steps, rates that are far too large look best."""
    assert cycles.trial(n_steps=100, max_iter=200) == cycles.trial(64, 200) == 1
    assert cycles.trial(63, 200) == 2 and cycles.trial(7, 200) == 10  # 70 steps
    assert cycles.trial(1, 200) == 10 and cycles.trial(1, 19) == 1  # a twentieth of the training


def test_few_steps_an_epoch_do_not_lead_to_rates_that_kill_units():
    """Images as they are, not scaled, in batches so large that an epoch is six steps."""
    rows, labels = load_digits(return_X_y=True)
    for seed in range(3, 6):
        model = MLPClassifier((32,), learning_rate="auto", max_iter=100, random_state=seed).fit(
            rows[:1000], labels[:1000]
        )
        assert model.score(rows[1000:], labels[1000:]) > 0.88


def test_too_large_rates_are_stepped_back_from():
    """Momentum carries an epoch's best rate over the edge in the next ones, where targets are large."""
    for seed in range(3):
        model = MLPRegressor(**BASE | {"random_state": seed, "batch_size": 200}, solver="sgd").fit(X, 1e3 * NUMBERS)
        assert model.score(X, 1e3 * NUMBERS) > 0.9 and model.stop_reason_ == "max_iter"
        assert model.learning_rate_ < model.race_.cycles[0].learning_rate.min() / 2


def test_a_cycle_that_gains_nothing_does_not_lead_to_ever_smaller_rates():
    """This network finds the straight line in its trial and for long no more: then smaller rates only leave more of the loss."""
    rows, numbers = make_friedman1(3000, 10, noise=1.0, random_state=3)
    learnt, _, numbers, _ = train_test_split(rows, numbers, test_size=0.3, random_state=2)
    model = MLPRegressor(learning_rate="auto", random_state=2).fit(learnt, numbers)
    trial, anew = model.race_.cycles[:2]
    assert anew.learning_rate.min() > trial.learning_rate.min() / 100
    assert anew.val_loss[-1].min() < 1.1 * trial.val_loss[-1].min()


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_the_unit_of_the_target_does_not_end_training(solver):
    """tol is a share of the targets' variance, and squared errors of thousandths are millionths."""
    rows, numbers = make_friedman1(2000, 10, noise=1.0, random_state=0)
    for unit in (1.0, 0.003):
        model = MLPRegressor(learning_rate="auto", solver=solver, random_state=0).fit(scale(rows), unit * numbers)
        assert model.score(scale(rows), unit * numbers) > 0.6


@pytest.mark.parametrize("stop", [{"max_time": 1e-9}, {"callbacks": [lambda info: True]}])
def test_an_end_in_the_trial_leaves_a_model(stop):
    callbacks = {"callbacks": stop.pop("callbacks")} if "callbacks" in stop else {}
    model = MLPRegressor(**BASE, **stop, solver="sgd").fit(X, 1e3 * NUMBERS, **callbacks)
    assert model.n_iter_ == 1 and model.stop_reason_ in ("max_time", "callback")
    assert np.isfinite(model.predict(X)).all()


# ----------------------------------------------------------------------------------------------------------------- data


@pytest.mark.parametrize("n_val", [10, FEW - 1])
def test_few_validation_rows_of_ones_own(n_val):
    """All given rows are learnt from then, in folds beside the model."""
    own = {"X_val": X[:n_val], "y_val": CLASSES[:n_val]}
    for model in (MLPClassifier(**BASE), SGDClassifier(learning_rate="auto", random_state=0, max_iter=12)):
        assert model.fit(X[100:], CLASSES[100:], **own).score(X, CLASSES) > 0.9


def test_a_class_that_is_not_held_out():
    there = CLASSES[300:] < 2
    model = MLPClassifier(**BASE).fit(X[:300], CLASSES[:300], X_val=X[300:][there], y_val=CLASSES[300:][there])
    assert model.score(X, CLASSES) > 0.9
    rare = np.where(np.arange(400) == 7, 2, X[:, 0] > 0)
    assert MLPClassifier(**BASE).fit(X, rare).classes_.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="y_val has labels"):
        MLPClassifier(**BASE).fit(X[CLASSES < 2], CLASSES[CLASSES < 2], X_val=X, y_val=CLASSES)


@pytest.mark.parametrize("n", [20, 40])
def test_tiny_data(n):
    options = BASE | {"max_iter": 40, "batch_size": 8}
    assert MLPClassifier(**options).fit(X[:n], X[:n, 0] > 0).score(X[:n], X[:n, 0] > 0) > 0.8
    assert MLPRegressor(**options).fit(X[:n], NUMBERS[:n]).score(X[:n], NUMBERS[:n]) > 0.5
    with pytest.raises(ValueError, match="Pass X_val and y_val"):
        MLPClassifier(**BASE).fit(X[:5], X[:5, 0] > 0)


def test_sparse_rows_are_dense_rows():
    rows = np.where(np.abs(X) > 0.5, X, 0)
    dense, sparse = MLPClassifier(**BASE).fit(rows, CLASSES), MLPClassifier(**BASE).fit(sp.csr_array(rows), CLASSES)
    assert same_weights(dense, sparse) and dense.learning_rate_ == sparse.learning_rate_


def test_rows_of_weight_zero_are_not_there():
    own = {"X_val": X[300:], "y_val": CLASSES[300:]}
    keep = np.arange(300) % 3 > 0
    weighted = MLPClassifier(**BASE, alpha=0).fit(X[:300], CLASSES[:300], keep * 1.0, **own)
    without = MLPClassifier(**BASE, alpha=0).fit(X[:300][keep], CLASSES[:300][keep], **own)
    assert weighted.race_.n_rows == without.race_.n_rows == keep.sum()
    assert weighted.learning_rate_ == pytest.approx(without.learning_rate_) and weighted.score(X, CLASSES) > 0.9


def test_several_heads():
    targets = {"kind": CLASSES, "height": NUMBERS}
    options = {name: value for name, value in BASE.items() if name != "batch_size"}
    model = MLPMultiTask({"kind": "log_loss", "height": Head("huber", weight=0.5)}, **options).fit(X, targets)
    assert min(model.scores(X, targets).values()) > 0.8 and model.race_.cycles[1].anew
    assert same_weights(model, pickle.loads(pickle.dumps(model)))


def test_early_stopping_goes_by_the_loss():
    model = MLPClassifier(**BASE, early_stopping=True).fit(X, CLASSES)
    assert model.validation_scores_ is None and model.best_validation_score_ is None
    assert model.best_loss_ == min(model.loss_curve_) and len(model.history_["val_loss"]) == model.n_iter_
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping"):
        model.partial_fit(X, CLASSES)


# ----------------------------------------------------------------------------------------------------------------- interruption


def test_ctrl_c_leaves_the_estimator_as_it_was(monkeypatch):
    model = MLPClassifier(**BASE).fit(X, CLASSES)
    before, weights = dict(vars(model)), [coef.copy() for coef in model.coefs_]
    epoch, calls = race._Course._epoch, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return epoch(*arguments)

    monkeypatch.setattr(race._Course, "_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[::2], CLASSES[::2])
    assert vars(model) == before and all(map(np.array_equal, model.coefs_, weights))


def test_saved_and_loaded(tmp_path):
    with pytest.warns(ConvergenceWarning):
        model = MLPClassifier(**BASE).fit(X, CLASSES)
    model.save(tmp_path / "model.safetensors")
    loaded = MLPClassifier.load(tmp_path / "model.safetensors")
    assert loaded.race_.schedule == model.race_.schedule and [cycle.anew for cycle in loaded.race_.cycles][1]
    assert same_weights(loaded.partial_fit(X, CLASSES), model.partial_fit(X, CLASSES))


def test_columns_that_no_rate_suits_are_named():
    rows = X * [1, 1, 1e4, 1, 1, 1]
    with pytest.warns(UserWarning, match="column 2 varies .* times as much as column .*StandardScaler"):
        MLPClassifier(**BASE, solver="sgd").fit(rows, CLASSES)
