"""Warnings about gradients: what is said, when, and that healthy training is silent."""

import re
import warnings

import numpy as np
import pytest

import fastgd
from fastgd._training.health import troubles
from fastgd.linear_model import SGDClassifier, SGDRegressor
from fastgd.neural_network import MLPClassifier, MLPRegressor
from fastgd.schedules import linear

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(200, 5))
Y = X @ [1.0, -1.0, 0.5, 0.0, 0.0]
LABELS = np.where(Y > 0, "yes", "no")
BASE = {"tol": None, "random_state": 0, "batch_size": 50}


def warnings_of(model, X=X, y=Y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    assert all(each.category is fastgd.GradientHealthWarning for each in caught)
    assert all("tests/test_health" in each.filename or "sklearn" in each.filename for each in caught)
    return [str(each.message) for each in caught]


def test_a_rising_loss_is_told_with_the_last_stable_rate():
    rising = linear(0.05, 40, 8.0)
    for model in (
        SGDRegressor(learning_rate=rising, max_iter=10, tol=None, random_state=0, batch_size=50),
        MLPRegressor(hidden_layer_sizes=(), solver="sgd", momentum=0, learning_rate=rising, max_iter=10, **BASE),
    ):
        said = warnings_of(model)[0]  # of the network others too
        found = re.fullmatch(
            r"loss rose (\S+)x in (\d+) steps at learning rate (\S+): past the stability edge; last stable (\S+)", said
        )
        times, steps, rate, stable = map(float, found.groups())
        history = model.history_
        assert times == pytest.approx(history["loss"][-1] / history["loss"].min(), rel=0.01)
        assert steps == 4 * (9 - history["loss"].argmin())
        assert history["learning_rate"][history["loss"].argmin() - 1] == pytest.approx(stable, rel=0.05)
        assert history["learning_rate"][-2] == pytest.approx(rate, rel=0.05)


def test_vanishing_gradients_are_told():
    deep = MLPClassifier((20,) * 8, activation="logistic", max_iter=5, **BASE)
    (said,) = warnings_of(deep, y=LABELS)
    assert re.match(r"layer 1: gradient norm \S+, vanishing \(\S+ of the last layer's\)", said)
    assert deep.history_["layer_gradient"][-1, 0] < 1e-4 * deep.history_["layer_gradient"][-1, -1]
    assert warnings_of(deep.set_params(activation="relu", init="he_uniform"), y=LABELS) == []


def test_exploding_gradients_are_told():
    model = MLPRegressor(
        hidden_layer_sizes=(20,) * 3, activation="tanh", optimizer=fastgd.SignSGD(lr=2.0), max_iter=4, **BASE
    )
    said = warnings_of(model)
    assert any(re.match(r"layer \d: .*, exploding", each) for each in said), (said, model.history_)


def test_dead_units_are_told():
    model = MLPClassifier((20, 10), solver="sgd", learning_rate_init=50.0, momentum=0, max_iter=10, **BASE)
    said = warnings_of(model, y=LABELS)
    assert any(re.match(r"layer \d: 1?\d\d% of the units are dead: no row sends", each) for each in said), said
    few = MLPClassifier(
        (20, 10), solver="sgd", learning_rate_init=50.0, momentum=0, max_iter=3, **BASE | {"batch_size": 1}
    )
    assert not any("dead" in each for each in warnings_of(few, X[:20], LABELS[:20])), "too few rows to judge"


@pytest.mark.parametrize("batch_size", [1, 20, 200])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "gelu"])
def test_healthy_training_is_silent(batch_size, activation):
    options = {"activation": activation, "random_state": 0, "tol": None, "max_iter": 30, "batch_size": batch_size}
    for options["solver"] in ("adam", "sgd"):
        assert warnings_of(MLPRegressor(hidden_layer_sizes=(30, 10), **options)) == []
        assert warnings_of(MLPClassifier((30, 10), dropout=0.3, **options), y=LABELS) == []


def test_what_is_learnt_perfectly_is_not_dead():
    separable = np.sign(X[:, :1]) * 50
    model = MLPClassifier((8,), max_iter=300, learning_rate_init=0.05, **BASE)
    assert warnings_of(model, separable.astype(np.float32), separable[:, 0] > 0) == []


def test_each_kind_is_told_once():
    """For several classes too; a loss that has been low and rises a little is no news."""
    history = {"loss": np.array([[1.0, 2.0], [0.5, 3.0], [30.0, 90.0]]), "step": np.arange(3)}
    history["learning_rate"] = np.full((3, 2), 0.5)
    assert troubles(history) == [
        "loss rose 60x in 1 steps at learning rate 0.5: past the stability edge; use a smaller one"
    ]
    history["loss"] = np.array([1.0, 1e-9, 1e-3])
    assert troubles(history | {"learning_rate": np.full(3, 0.5)}) == []
    assert troubles(history | {"learning_rate": np.full(3, np.nan), "loss": np.array([1.0, 1e-9, 9.0])}) == []


def test_the_linear_models_are_silent_where_all_is_well():
    assert warnings_of(SGDRegressor(max_iter=20, tol=None, random_state=0)) == []
    assert warnings_of(SGDClassifier(max_iter=20, tol=None, random_state=0), y=LABELS) == []


def test_columns_that_no_rate_suits_are_told():
    model = SGDClassifier(loss="log_loss", learning_rate="auto", random_state=0)
    rows = np.random.default_rng(1).normal(size=(500, 5))
    labels = np.where(rows[:, 0] + rows[:, 1] > 0, "yes", "no")
    sizes = np.array([1e-4, 1.0, 1.0, 1e4, 1.0])
    (said,) = warnings_of(model, rows * sizes, labels)
    assert re.search(r"fell from \S+ to \S+ only, and column 3 varies \S+e\+0[78] times as much as column 0", said), (
        said
    )
    (said,) = warnings_of(model, rows + np.array([0, 1e4, 0, 0, 0]), labels)
    assert re.search(r"column 1 has mean 1e\+04 and standard deviation \S+: .* StandardScaler", said), said
    assert warnings_of(model, rows, labels) == []
    assert warnings_of(model, rows, labels[::-1]) == []  # nothing to learn, but not for the columns' sake
    constant = np.column_stack([rows, np.full(500, 0.1)])  # whose computed deviation is not quite 0
    assert constant.std(axis=0)[-1] > 0
    assert warnings_of(model, constant, labels[::-1]) == []


def test_a_rate_that_is_far_too_large_from_the_first_row_on_is_told():
    """The loss does not rise from epoch to epoch any more, but it is absurd."""
    too_fast = SGDRegressor(learning_rate=5.0, max_iter=3, tol=None, random_state=0)
    (said,) = warnings_of(too_fast)
    assert said.endswith("past the stability edge. Use a smaller learning rate")
    (said,) = warnings_of(SGDRegressor(max_iter=3, tol=None, random_state=0), X=X * [1, 1, 1e4, 1, 1])
    assert re.search(r"Scale X, .*\(column 2 has values of \S+\), or use a smaller", said)
    assert warnings_of(too_fast.set_params(learning_rate=0.05)) == []


def test_large_losses_that_are_no_divergence_are_not_told():
    """Targets of any size, and rates that each row has its own of."""
    small = {"max_iter": 3, "tol": None, "random_state": 0}
    assert warnings_of(SGDRegressor(**small), y=1e8 * Y) == []
    assert (
        warnings_of(SGDRegressor(loss="epsilon_insensitive", learning_rate="pa1", eta0=1.0, **small), X=100 * X) == []
    )
    assert warnings_of(SGDClassifier(loss="perceptron", learning_rate=1.0, **small), X=1e4 * X, y=LABELS) == []
    assert warnings_of(SGDClassifier(loss="log_loss", learning_rate=1e-3, **small), X=10 * X, y=LABELS) == []
