"""Optimizers that tune themselves, in the estimators: the same as by hand on NumPy gradients, exactly resumable, or refused in words."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.metrics import log_loss
from sklearn.preprocessing import scale

import fastgd
from fastgd._training.fit import DivergedError
from fastgd._training.own_lanes import OwnBatchLanes, OwnNetworkLanes
from fastgd._training.rates import RateTable
from fastgd.learning_rate import lr_find, sweep
from fastgd.linear_model import SGDClassifier, SGDRegressor
from fastgd.model_selection import LaneSearchCV
from fastgd.neural_network import MLPClassifier, MLPRegressor
from fastgd.optimizers import Optimizer
from tests.steps_by_hand import ALPHA, STEPS, NetworkByHand, assert_as_by_hand, by_hand

OWN = {name: kind for name, kind in Optimizer.registry.items() if not (kind.in_lanes or kind.needs_rows)}


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)
    X[np.abs(X) < 0.2] = 0  # for sparse rows to be sparse
    return X, y


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), y


@pytest.mark.parametrize("rows", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", OWN)
def test_as_by_hand(name, rows, cancer):
    X, y = cancer
    options = {"loss": "log_loss", "alpha": ALPHA, "max_iter": 3, "shuffle": False, **STEPS}
    model = SGDClassifier(optimizer=OWN[name](), **options).fit(rows(X), y)
    assert np.abs(model.coef_).max() > 0
    assert_as_by_hand(model, by_hand(OWN[name](), X, y, "log_loss", 3))


@pytest.mark.parametrize("name", ["DoG", "LDoG", "Prodigy", "SPS", "AdamWScheduleFree", "MechanicSGD", "Armijo"])
def test_regression_with_weights_and_clipping_as_by_hand(name, cancer):
    X = cancer[0]
    y = X @ np.linspace(-1, 1, X.shape[1]) + 2
    weight = np.random.default_rng(0).uniform(0.1, 2, len(X))
    options = {"alpha": ALPHA, "max_iter": 3, "shuffle": False, **STEPS}
    model = SGDRegressor(optimizer=OWN[name](), clip_norm=0.7, **options).fit(X, y, sample_weight=weight)
    optimizer = OWN[name](clip_norm=0.7)
    assert_as_by_hand(model, by_hand(optimizer, X, y, "squared_error", 3, weight=weight))
    assert 0 < model.history_["clipped"].max() <= 1


@pytest.mark.parametrize("name", ["DoG", "SPS", "SGDScheduleFree", "LAMB", "Armijo", "Adafactor"])
def test_classes_as_by_hand(name, iris):
    """Softmax is one model of several columns; one-vs-rest is a model for each class, with distances of its own."""
    X, y = iris
    options = {"optimizer": OWN[name](), "alpha": ALPHA, "max_iter": 4, "shuffle": False, **STEPS}
    softmax = SGDClassifier(loss="softmax", **options).fit(X, y)
    assert_as_by_hand(softmax, by_hand(OWN[name](), X, y, "softmax", 4, n_outputs=3))
    each = SGDClassifier(loss="log_loss", **options).fit(X, y)
    for k in range(3):
        coef, intercept, _ = by_hand(OWN[name](), X, (y == k) * 1.0, "log_loss", 4)
        np.testing.assert_allclose(each.coef_[k], coef[0], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(each.intercept_[k], intercept[0], rtol=1e-6, atol=1e-9)


def test_the_rate_takes_the_place_of_the_optimizers(cancer):
    X, y = cancer
    options = {"loss": "log_loss", "alpha": ALPHA, "max_iter": 2, "shuffle": False, **STEPS}
    falling = fastgd.schedules.linear(2.0, 30)
    model = SGDClassifier(optimizer=fastgd.DoG(), learning_rate=falling, **options).fit(X, y)
    assert_as_by_hand(model, by_hand(fastgd.DoG(lr=falling), X, y, "log_loss", 2))
    own = SGDClassifier(optimizer=fastgd.SGDHD(lr=0.1, momentum=falling * 0.3), **options).fit(X, y)
    assert_as_by_hand(own, by_hand(fastgd.SGDHD(lr=0.1, momentum=falling * 0.3), X, y, "log_loss", 2))


# ---------------------------------------------------------------------------------------------------------------------------------
# Networks


@pytest.mark.parametrize("name", OWN)
def test_networks_as_by_hand(name, iris):
    X, y = iris
    architecture, options = (4, [(6, "tanh")], [(3, "softmax")]), {"batch_size": 50, "alpha": 0.5, "seed": 3}
    lanes = OwnNetworkLanes("float64", *architecture, optimizer=OWN[name](), **options)
    start = lanes.coef
    hand = NetworkByHand(*architecture, **options)
    targets = y[:, None].astype(float)
    order = np.random.default_rng(0).permutation(150)
    state = OWN[name]().init(hand.params)
    for _ in range(2):
        lanes.epoch(X, targets, order, RateTable.constant(OWN[name]().lr))
        for low in range(0, 150, 50):
            batch = X[order[low : low + 50]], targets[order[low : low + 50]]
            state.step(hand.measured(*batch)[1], loss=lambda batch=batch: hand.measured(*batch)[0])
    found = np.concatenate([p.ravel() for p in state.evaluation_params()])
    np.testing.assert_allclose(lanes.coef[:, 0], found, rtol=1e-6, atol=1e-9)
    assert np.abs(lanes.coef - start).max() > 0


@pytest.mark.parametrize("name", OWN)
def test_networks_learn_and_continue_exactly(name, cancer):
    X, y = cancer
    options = {"hidden_layer_sizes": (8,), "optimizer": OWN[name](), "clip_norm": 10.0, **STEPS}
    whole = MLPClassifier(max_iter=6, **options).fit(X, y)
    part = MLPClassifier(max_iter=2, **options).fit(X, y)
    part = pickle.loads(pickle.dumps(part)).partial_fit(X, y, n_epochs=4)
    for found, expected in zip([*part.coefs_, *part.intercepts_], [*whole.coefs_, *whole.intercepts_], strict=True):
        assert np.array_equal(found, expected)
    assert whole.history_["loss"].min() < whole.history_["loss"][0]
    assert (whole.history_["update_ratio"][:, 0] > 0).all()


def test_networks_evaluate_the_average(cancer):
    X, y = cancer
    options = {"hidden_layer_sizes": (8,), "optimizer": fastgd.SGDScheduleFree(lr=0.5), "max_iter": 4, **STEPS}
    model = MLPClassifier(**options).fit(X, y, X_val=X, y_val=y)
    shown = log_loss(y, model.predict_proba(X))
    assert model.history_["val_loss"][-1] == pytest.approx(shown, rel=1e-9)
    assert model.score(X, y) > 0.95


# ---------------------------------------------------------------------------------------------------------------------------------
# Training


@pytest.mark.parametrize("name", OWN)
def test_learns_real_data(name, cancer):
    """With every option at its default; those that must be given a rate, or that begin slowly, only have to be on their way."""
    slow = {"Adafactor": 0.66, "SGDHD": 0.5, "AdamHD": 0.3, "LAMB": 0.6931, "AdamWScheduleFree": 0.3, "LARS": 0.3}
    X, y = cancer
    model = SGDClassifier(loss="log_loss", optimizer=OWN[name](), max_iter=20, **STEPS).fit(X, y)
    assert model.history_["loss"][-1] < slow.get(name, 0.1)
    assert model.score(X, y) > (0.9 if name in slow else 0.97)


@pytest.mark.parametrize("rows", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", OWN)
def test_continuing_is_exact(name, rows, iris):
    X, y = iris
    options = {"loss": "log_loss", "optimizer": OWN[name](), **STEPS}
    whole = SGDClassifier(max_iter=6, **options).fit(rows(X), y)
    part = SGDClassifier(max_iter=2, **options).fit(rows(X), y)
    part = pickle.loads(pickle.dumps(part)).partial_fit(rows(X), y, n_epochs=4)
    assert np.array_equal(part.coef_, whole.coef_)
    assert np.array_equal(part.intercept_, whole.intercept_)
    assert part.t_ == whole.t_


def test_continuing_with_another_optimizer(cancer):
    """Other hyperparameters of the same one are taken; another one cannot know what this one remembers."""
    X, y = cancer
    options = {"loss": "log_loss", "max_iter": 2, **STEPS}
    model = SGDClassifier(optimizer=fastgd.DoG(), **options).fit(X, y)
    before, same = model.coef_.copy(), pickle.loads(pickle.dumps(model))
    with pytest.raises(ValueError, match="state of DoG, not of SPS"):
        model.set_params(optimizer=fastgd.SPS()).partial_fit(X, y)
    assert np.array_equal(model.coef_, before)
    model.set_params(optimizer=fastgd.DoG(eps=1e6)).partial_fit(X, y)
    assert not np.array_equal(model.coef_, same.partial_fit(X, y).coef_)


@pytest.mark.parametrize("rows", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
def test_float32(rows, cancer):
    X, y = cancer
    X = X.astype(np.float32)
    options = {"loss": "log_loss", "optimizer": fastgd.Prodigy(), "alpha": ALPHA, "shuffle": False, **STEPS}
    whole = SGDClassifier(max_iter=4, **options).fit(rows(X), y)
    part = SGDClassifier(max_iter=1, **options).fit(rows(X), y).partial_fit(rows(X), y, n_epochs=3)
    assert whole.coef_.dtype == np.float32
    assert np.array_equal(part.coef_, whole.coef_)
    wide = SGDClassifier(max_iter=4, **options).fit(rows(X.astype(float)), y)
    np.testing.assert_allclose(whole.coef_, wide.coef_, rtol=1e-2, atol=1e-3)


def test_changed_weights_begin_anew(cancer):
    X, y = cancer
    model = SGDClassifier(loss="log_loss", optimizer=fastgd.SGDScheduleFree(), max_iter=2, **STEPS).fit(X, y)
    model.coef_ = np.zeros_like(model.coef_)
    model.intercept_ = np.zeros(1)
    model.partial_fit(X, y)
    assert np.abs(model.coef_).max() > 0


def test_schedule_free_publishes_the_average(cancer):
    X, y = cancer
    options = {"loss": "log_loss", "optimizer": fastgd.SGDScheduleFree(lr=0.5), "max_iter": 3, "alpha": 0, **STEPS}
    model = SGDClassifier(**options).fit(X, y, X_val=X, y_val=y)
    state = model._training["state"]
    trained = state["weights"][:-1, 0]
    assert np.abs(trained - model.coef_[0]).max() > 1e-3
    assert model.history_["val_loss"][-1] == pytest.approx(log_loss(y, model.predict_proba(X)), rel=1e-9)


@pytest.mark.parametrize("rows", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
def test_average_of_the_iterates(rows, cancer):
    """DoG's authors average: by hand, one epoch after another."""
    X, y = cancer
    options = {"loss": "log_loss", "optimizer": fastgd.DoG(), "max_iter": 1, "shuffle": False, "tol": None}
    n = 200
    averaged = SGDClassifier(batch_size=n, average=True, **options).fit(rows(X[:n]), y[:n])
    for _ in range(3):
        averaged = pickle.loads(pickle.dumps(averaged)).partial_fit(rows(X[:n]), y[:n])
    plain = SGDClassifier(batch_size=n, **options).fit(rows(X[:n]), y[:n])
    iterates = [plain.coef_.copy()]
    for _ in range(3):
        iterates.append(plain.partial_fit(rows(X[:n]), y[:n]).coef_.copy())
    np.testing.assert_allclose(averaged.coef_, np.mean(iterates, axis=0), rtol=1e-9)


def test_early_stopping_and_the_best_weights(cancer):
    X, y = cancer
    options = {"loss": "log_loss", "early_stopping": True, "restore_best": True, "batch_size": 32, "random_state": 0}
    model = SGDClassifier(optimizer=fastgd.DoWG(), max_iter=100, **options).fit(X, y)
    assert model.stop_reason_ == "tol"
    assert model.history_["val_score"].max() > 0.95
    model.partial_fit(X, y)
    assert model.score(X, y) > 0.95


def test_users_rules_take_their_own_steps_in_linear_models(cancer):
    @fastgd.rule
    def plain(p, g, /, lr=0.1):
        return p - lr * g

    X, y = cancer
    options = {"loss": "log_loss", "alpha": ALPHA, "max_iter": 2, "shuffle": False, **STEPS}
    ours = SGDClassifier(optimizer=plain(), **options).fit(X, y)
    assert_as_by_hand(ours, by_hand(fastgd.SGD(lr=0.1), X, y, "log_loss", 2))
    with pytest.raises(ValueError, match="finds no rate for plain"):
        ours.set_params(learning_rate="auto").fit(X, y)


# ---------------------------------------------------------------------------------------------------------------------------------
# Lanes


@pytest.mark.parametrize("loss", ["log_loss", "softmax"])
@pytest.mark.parametrize("name", ["DoG", "SPS", "LAMB", "SGDScheduleFree", "Armijo"])
def test_a_lane_of_a_sweep_is_fit_with_its_rate(name, loss, iris):
    X, y = iris
    model = SGDClassifier(loss=loss, optimizer=OWN[name](), max_iter=3, **STEPS)
    result = sweep(model, X, y, learning_rate=[0.1, 0.5, 1.0], n_epochs=3, X_val=X, y_val=y)
    rate = result.best_learning_rate
    alone = SGDClassifier(**{**model.get_params(), "learning_rate": rate}).fit(X, y)
    assert np.array_equal(result.best_estimator.coef_, alone.coef_)


def test_networks_sweep(iris):
    X, y = iris
    model = MLPClassifier((5,), optimizer=fastgd.DoG(), max_iter=3, **STEPS)
    result = sweep(model, X, y, learning_rate=[0.1, 0.5, 1.0], n_epochs=3, X_val=X, y_val=y)
    alone = MLPClassifier(**{**model.get_params(), "learning_rate": result.best_learning_rate}).fit(X, y)
    for found, expected in zip(result.best_estimator.coefs_, alone.coefs_, strict=True):
        assert np.array_equal(found, expected)


def test_lane_search_and_the_finder(cancer):
    X, y = cancer
    model = SGDClassifier(loss="log_loss", optimizer=fastgd.DoWG(), max_iter=5, **STEPS)
    search = LaneSearchCV(model, {"alpha": [1e-4, 1e-2, 1.0]}, cv=3).fit(X, y)
    assert search.best_params_["alpha"] < 1
    assert search.best_score_ > 0.95
    found = lr_find(SGDClassifier(loss="log_loss", optimizer=fastgd.SGDHD(), **STEPS), X, y)
    assert found.suggest() > 1e-3


def test_a_lane_that_diverges_takes_no_other_along(cancer):
    X, y = cancer[0], cancer[1][:, None].astype(float)
    X = X * 1e3
    two = {"alpha": [0.0, 0.0], "l1_ratio": 0.0, "batch_size": 32}
    both = OwnBatchLanes("float64", X.shape[1], "squared_error", optimizer=fastgd.SGDHD(), **two)
    with np.errstate(all="ignore"):
        for _ in range(20):
            result = both.epoch(X, y, None, RateTable.constant([1e300, 1e-9]))
    assert result.finite_lanes.tolist() == [False, True]
    alone = OwnBatchLanes(
        "float64", X.shape[1], "squared_error", optimizer=fastgd.SGDHD(), alpha=[0.0], l1_ratio=0.0, batch_size=32
    )
    for _ in range(20):
        alone.epoch(X, y, None, RateTable.constant(1e-9))
    assert np.array_equal(both.coef[:, 1:], alone.coef)


def test_one_class_pulls_the_intercept_down(cancer):
    """Alpha times the intercept belongs to the loss."""
    X = cancer[0][:60]
    params = {"coef": np.zeros(X.shape[1]), "intercept": np.zeros(1)}
    state, alpha = fastgd.SPS(f_min=-10.0).init(params), 0.3
    for _ in range(3):
        w, b = params["coef"], params["intercept"]
        margin = X @ w + b
        slopes = np.where(margin <= 1, -1.0, 0.0) / len(X)
        loss = np.maximum(0, 1 - margin).mean() + alpha / 2 * (w @ w) + alpha * b[0]
        state.step({"coef": X.T @ slopes + alpha * w, "intercept": np.array([slopes.sum() + alpha])}, loss=float(loss))
    options = {
        "alpha": alpha,
        "l1_ratio": 0.0,
        "one_class": True,
        "batch_size": 60,
        "optimizer": fastgd.SPS(f_min=-10.0),
    }
    lanes = OwnBatchLanes("float64", X.shape[1], "hinge", **options)
    for _ in range(3):
        lanes.epoch(X, np.ones((60, 1)), None, RateTable.constant(1.0))
    np.testing.assert_allclose(lanes.coef[:, 0], params["coef"], rtol=1e-9)
    np.testing.assert_allclose(lanes.intercept, params["intercept"], rtol=1e-9)


def test_divergence_leaves_the_estimator_as_it_was(cancer):
    X, y = cancer
    model = SGDRegressor(optimizer=fastgd.SGDHD(hypergrad_lr=1e-8), max_iter=2, **STEPS).fit(X, y)
    before = model.coef_.copy()
    with pytest.raises(DivergedError), np.errstate(all="ignore"):
        model.set_params(learning_rate=1e6).fit(X * 1e6, y)
    assert np.array_equal(model.coef_, before)


# ---------------------------------------------------------------------------------------------------------------------------------
# Refusals


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"penalty": "l1"}, "0 with DoG, whose step sizes are its own.*penalty='l2'"),
        ({"penalty": "elasticnet"}, "l1_ratio"),
        ({"learning_rate": "auto"}, "finds no rate for DoG"),
        ({"optimizer": fastgd.SGDScheduleFree(), "average": True}, "averages weights itself"),
        ({"optimizer": fastgd.DoG(maximize=True)}, "maximize=False"),
        ({"optimizer": fastgd.DoG(on_nonfinite="skip")}, "on_nonfinite='raise'"),
        ({"optimizer": fastgd.DoG(reps_rel=fastgd.schedules.linear(1, "5 epochs"))}, "resolve"),
        ({"learning_rate": "pa1"}, "single row"),
    ],
    ids=str,
)
def test_refusals(options, said, cancer):
    X, y = cancer
    model = SGDClassifier(**{"optimizer": fastgd.DoG(), "batch_size": 32, **options})
    with pytest.raises(ValueError, match=said):
        model.fit(X, y)
    assert not hasattr(model, "coef_")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"decoupled_weight_decay": True}, "part of the gradient with DoG.*decoupled_weight_decay=False"),
        ({"max_norm": 1.0}, "max_norm"),
        ({"learning_rate": "auto"}, "finds no rate for DoG"),
        ({"optimizer": fastgd.DoG(maximize=True)}, "maximize=False"),
    ],
    ids=str,
)
def test_refusals_of_networks(options, said, cancer):
    X, y = cancer
    model = MLPRegressor(**{"optimizer": fastgd.DoG(), "batch_size": 32, "alpha": 0.1, **options})
    with pytest.raises(ValueError, match=said):
        model.fit(X, y.astype(float))
    assert not hasattr(model, "coefs_")


def test_state_of_another_number_of_models_is_refused(iris):
    X, y = iris
    options = {"l1_ratio": 0.0, "batch_size": 32, "optimizer": fastgd.DoG()}
    lanes = OwnBatchLanes("float64", 4, "log_loss", alpha=np.zeros(2), **options)
    lanes.epoch(X, (y[:, None] > 0) * 1.0, None, RateTable.constant(1.0))
    state = lanes.state()
    with pytest.raises(ValueError, match="own steps of 2 models"):
        lanes.set_state({**state, "own": state["own"][:1]})
