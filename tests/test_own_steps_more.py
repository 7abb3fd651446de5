"""Line searches, extras, learned limits, cautious steps, pruned and non-negative networks where optimizers take their own steps."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.metrics import log_loss
from sklearn.preprocessing import scale

import fastgd
from fastgd._training.own_lanes import OwnBatchLanes, OwnNetworkLanes
from fastgd._training.own_steps import OwnSteps
from fastgd._training.rates import RateTable
from fastgd.linear_model import SGDClassifier
from fastgd.model_selection import LaneSearchCV
from fastgd.neural_network import MLPClassifier, MLPRegressor
from tests.steps_by_hand import ALPHA, STEPS, NetworkByHand, assert_as_by_hand, by_hand

AFTER = (fastgd.Lookahead(k=3), fastgd.EMA(0.9, warmup=True))
BEFORE = (fastgd.GradientCentralization(), fastgd.AdaptiveGradientClipping(0.05), fastgd.ArrayNormClipping(0.02))
OPTIMIZERS = [
    fastgd.Adam(lr=0.01, cautious=True),
    fastgd.AdamW(lr=0.01, cautious=True),
    fastgd.Lion(cautious=True),
    fastgd.SGD(lr=0.1, momentum=0.9, extras=fastgd.EMA(0.9)),
    fastgd.AdamW(lr=0.01, extras=fastgd.Lookahead(k=2)),
    *(fastgd.SGD(lr=0.1, extras=extra) for extra in BEFORE),
    fastgd.Adam(lr=0.01, extras=(*BEFORE, *AFTER)),
    fastgd.SGD(lr=0.1, clip_norm=fastgd.AutoClip(50, window=5)),
    fastgd.Adam(lr=0.01, clip_norm=fastgd.ZClip(0.5, z_thresh=0.1, warmup_steps=4)),
    fastgd.DoG(reps_rel=1e-2, extras=AFTER, clip_norm=fastgd.AutoClip()),
    fastgd.Armijo(c=0.5, extras=AFTER, clip_norm=0.1),
    fastgd.Adafactor(lr=0.1, eps=(1e-12, 0.1), extras=AFTER),
    fastgd.MADGRAD(extras=BEFORE),
    fastgd.SM3(extras=BEFORE),
]
CONSTRAINED = [fastgd.Armijo(), fastgd.AdamWScheduleFree(), fastgd.MechanicSGD(), *OPTIMIZERS[3:]]
ARCHITECTURE = (4, [(6, "tanh"), (5, "relu")], [(3, "softmax")])


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


# ---------------------------------------------------------------------------------------------------------------------------------
# Linear models


@pytest.mark.parametrize("rows", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_as_by_hand(optimizer, rows, cancer):
    """What is shown is what ``with state.averaged()`` shows."""
    X, y = cancer
    options = {"loss": "log_loss", "alpha": ALPHA, "max_iter": 2, "shuffle": False, **STEPS}
    model = SGDClassifier(optimizer=optimizer, **options).fit(rows(X), y)
    assert np.abs(model.coef_).max() > 0
    assert_as_by_hand(model, by_hand(optimizer, X, y, "log_loss", 2))
    if optimizer.clip_norm is not None:
        assert model.history_["clipped"].max() > 0


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_softmax_as_by_hand(optimizer, iris):
    """Classes are the units, and the columns of the weights."""
    X, y = iris
    model = SGDClassifier(optimizer=optimizer, loss="softmax", alpha=ALPHA, max_iter=3, shuffle=False, **STEPS)
    assert_as_by_hand(model.fit(X, y), by_hand(optimizer, X, y, "softmax", 3, n_outputs=3))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_continuing_is_exact(optimizer, iris):
    X, y = iris
    options = {"loss": "log_loss", "optimizer": optimizer, **STEPS}
    whole = SGDClassifier(max_iter=6, **options).fit(X, y)
    part = SGDClassifier(max_iter=2, **options).fit(X, y)
    for _ in range(2):
        part = pickle.loads(pickle.dumps(part)).partial_fit(X, y, n_epochs=2)
    assert np.array_equal(part.coef_, whole.coef_)
    assert np.array_equal(part.intercept_, whole.intercept_)


def test_averages_are_shown_and_evaluated(cancer):
    X, y = cancer
    options = {"optimizer": fastgd.SGD(lr=0.5, extras=fastgd.EMA(0.99)), "max_iter": 3, **STEPS}
    model = SGDClassifier(loss="log_loss", **options).fit(X, y, X_val=X, y_val=y)
    trained = model._training["state"]["weights"][:-1, 0]
    assert np.abs(trained - model.coef_[0]).max() > 1e-3
    network = MLPClassifier((8,), **options).fit(X, y, X_val=X, y_val=y)
    for each in (model, network):
        assert each.history_["val_loss"][-1] == pytest.approx(log_loss(y, each.predict_proba(X)), rel=1e-9)


def test_another_learned_limit_begins_anew(iris):
    """What AutoClip remembers would mean something else to ZClip."""
    X, y = iris
    model = SGDClassifier(optimizer=fastgd.SGD(clip_norm=fastgd.AutoClip()), max_iter=2, **STEPS).fit(X, y)
    model.set_params(optimizer=fastgd.SGD(clip_norm=fastgd.ZClip(warmup_steps=100))).partial_fit(X, y)
    norms = model._training["state"]["own"][0][1]["norms"]
    assert norms[0] == -(-len(X) // STEPS["batch_size"])  # the count of one epoch's steps


def test_a_search_in_lanes_with_folds(cancer):
    """Rows of other folds weigh nothing, in trials either."""
    X, y = cancer
    model = SGDClassifier(loss="log_loss", optimizer=fastgd.Armijo(), max_iter=5, **STEPS)
    search = LaneSearchCV(model, {"alpha": [1e-4, 1e-2, 1.0]}, cv=3).fit(X, y)
    assert search.best_params_["alpha"] < 1
    assert search.best_score_ > 0.95


# ---------------------------------------------------------------------------------------------------------------------------------
# Networks


def network_by_hand(optimizer, X, targets, constrained, **options):
    """Return the parameters after three epochs, each array constrained after each step and where they are shown."""
    hand = NetworkByHand(*ARCHITECTURE, batch_size=50, seed=3, **options)
    state = optimizer.init(hand.params)
    for _ in range(3):
        for low in range(0, len(X), 50):
            batch = X[low : low + 50], targets[low : low + 50]

            def loss(batch=batch):
                before = [p.copy() for p in hand.params]
                for p, c in zip(hand.params, constrained(hand.params), strict=True):
                    p[...] = c
                found = hand.measured(*batch)[0]
                for p, b in zip(hand.params, before, strict=True):
                    p[...] = b
                return found

            given = hand.measured(*batch)
            known = [given[0]]
            state.step(given[1], loss=lambda known=known, loss=loss: known.pop() if known else loss())
            for p, c in zip(hand.params, constrained(hand.params), strict=True):
                p[...] = c
    return np.concatenate([p.ravel() for p in constrained(state.evaluation_params())])


def networks(optimizer, X, targets, **options):
    lanes = OwnNetworkLanes("float64", *ARCHITECTURE, optimizer=optimizer, batch_size=50, seed=3, **options)
    for _ in range(3):
        lanes.epoch(X, targets, None, RateTable.constant(optimizer.lr))
    return lanes


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_networks_as_by_hand(optimizer, iris):
    X, targets = iris[0], iris[1][:, None].astype(float)
    found = networks(optimizer, X, targets, alpha=0.5).coef[:, 0]
    expected = network_by_hand(optimizer, X, targets, list, alpha=0.5)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("optimizer", CONSTRAINED, ids=repr)
def test_what_is_not_kept_stays_zero(optimizer, iris):
    X, targets = iris[0], iris[1][:, None].astype(float)
    kept = np.random.default_rng(0).random(83) < 0.6
    lanes = networks(optimizer, X, targets, kept=kept)
    assert not lanes.coef[~kept].any()
    assert not lanes._parameters[:, :83][:, ~kept].any()

    def masked(params):
        parts = np.split(kept, np.cumsum([p.size for p in params])[:-1])
        return [np.where(part.reshape(p.shape), p, 0) for part, p in zip(parts, params, strict=True)]

    expected = network_by_hand(optimizer, X, targets, masked, kept=kept)
    np.testing.assert_allclose(lanes.coef[:, 0], expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("optimizer", [each for each in CONSTRAINED if not each.searches], ids=repr)
def test_weights_that_must_not_be_negative(optimizer, iris):
    X, targets = iris[0], iris[1][:, None].astype(float)
    lanes = networks(optimizer, X, targets, non_negative=True)

    def raised(params):
        return [np.maximum(p, 0) if p.ndim == 2 else p for p in params]

    expected = network_by_hand(optimizer, X, targets, raised)
    np.testing.assert_allclose(lanes.coef[:, 0], expected, rtol=1e-6, atol=1e-9)
    assert all((weights >= 0).all() for weights, _ in lanes.weights()[0])
    biases = np.concatenate([bias for _, bias in lanes.weights()[0]])
    assert (biases < 0).any()


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_networks_continue_exactly(optimizer, cancer):
    X, y = cancer
    options = {"optimizer": optimizer, "dropout": 0.2, "non_negative": not optimizer.searches, **STEPS}
    whole = MLPClassifier((8,), max_iter=4, **options).fit(X, y)
    part = MLPClassifier((8,), max_iter=2, **options).fit(X, y)
    part = pickle.loads(pickle.dumps(part)).partial_fit(X, y, n_epochs=2)
    for found, expected in zip([*part.coefs_, *part.intercepts_], [*whole.coefs_, *whole.intercepts_], strict=True):
        assert np.array_equal(found, expected)
    assert optimizer.searches or all((coef >= 0).all() for coef in whole.coefs_)


@pytest.mark.parametrize("optimizer", CONSTRAINED, ids=repr)
def test_pruned_networks_are_trained_on(optimizer, cancer):
    """They keep their zeros; what the optimizer remembers is of the network before, so it begins anew."""
    X, y = cancer
    model = MLPClassifier((8,), optimizer=optimizer, max_iter=2, **STEPS).fit(X, y)
    model.prune(0.5)
    before = [coef.copy() for coef in model.coefs_]
    steps = 2 * -(-len(X) // STEPS["batch_size"])
    for n_epochs in (2, 4):
        model = pickle.loads(pickle.dumps(model)).partial_fit(X, y, n_epochs=2)
        assert model._training["state"]["own"][0][1]["t"] == n_epochs * steps / 2
    for found, old in zip(model.coefs_, before, strict=True):
        assert not found[old == 0].any()
        assert (found != old)[old != 0].any()
    whole = pickle.loads(pickle.dumps(model))
    whole.prune(0.5)
    for found, now in zip(model.coefs_, whole.coefs_, strict=True):
        assert np.array_equal(found, now)  # nothing else was pruned


def test_a_search_with_dropout(iris):
    """Trials drop the same units, so that steps are found that make the loss of the batch fall."""
    X, y = iris
    options = {"dropout": 0.5, "alpha": 0.1, "optimizer": fastgd.Armijo(), "max_iter": 20, **STEPS}
    model = MLPRegressor(hidden_layer_sizes=(16,), **options).fit(X, y.astype(float))
    assert model.history_["loss"].min() < 0.6 * model.history_["loss"][0]


# ---------------------------------------------------------------------------------------------------------------------------------
# Trials of line searches


def line_lanes():
    options = {"alpha": [0.1, 0.0], "l1_ratio": 0.0, "batch_size": 40, "optimizer": fastgd.Armijo()}
    return OwnBatchLanes("float64", 4, "log_loss", **options)


def softmax_lanes():
    options = {"alpha": [0.1] * 3 + [0.5] * 3, "l1_ratio": 0.0, "batch_size": 40, "optimizer": fastgd.Armijo()}
    return OwnBatchLanes("float64", 4, "softmax", n_outputs=3, **options)


def network_lanes():
    options = {"alpha": [0.1, 0.0], "l1": [0.0, 0.2], "seed": [1, 2], "dropout": 0.5, "non_negative": False}
    layers = [(20, "relu")]
    return OwnNetworkLanes("float64", 4, layers, [(3, "softmax")], batch_size=40, optimizer=fastgd.Armijo(), **options)


@pytest.mark.parametrize("rows", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("make", [line_lanes, softmax_lanes, network_lanes])
def test_a_trial_measures_the_loss_of_the_gradient_and_changes_nothing(make, rows, iris, monkeypatch):
    """With penalties, weights of rows and dropout: at the start a trial gives the loss that came with the gradient."""
    X, y = iris
    targets = (y > 0)[:, None] * 1.0 if make is line_lanes else y[:, None] * 1.0
    weight = np.random.default_rng(0).uniform(0, 2, (150, 2))
    plain, seen = OwnSteps._told, []

    def told(steps, k, due, loss):
        for _ in range(3):
            seen.append((due.tried(k) if due.along is None else due.along(k, [], 1.0)(0.0), loss))
        return plain(steps, k, due, loss)

    def trained():
        lanes = make()
        results = [lanes.epoch(rows(X), targets, None, RateTable.constant(1.0), weight) for _ in range(3)]
        return lanes.coef, [result.loss_sum for result in results]

    expected = trained()
    monkeypatch.setattr(OwnSteps, "_told", told)
    found = trained()
    assert len(seen) == 3 * 3 * 4 * 2
    np.testing.assert_allclose(*np.transpose(seen), rtol=1e-12)
    assert np.array_equal(found[0], expected[0])
    assert np.array_equal(found[1], expected[1])


# ---------------------------------------------------------------------------------------------------------------------------------
# Refusals


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"optimizer": fastgd.SGD(extras=fastgd.EMA()), "average": True}, "averages weights itself"),
        ({"optimizer": fastgd.SGD(extras=fastgd.Lookahead()), "average": 5}, "averages weights itself"),
        ({"optimizer": fastgd.Armijo(), "penalty": "l1"}, "0 with Armijo.*penalty='l2'"),
        ({"optimizer": fastgd.SGD(extras=fastgd.EMA()), "learning_rate": "auto"}, "finds no rate for SGD.*EMA"),
        ({"optimizer": fastgd.SGD(), "clip_norm": fastgd.AutoClip()}, "'clip_norm' parameter"),
        ({"optimizer": fastgd.Armijo(maximize=True)}, "maximize=False"),
    ],
    ids=str,
)
def test_refusals(options, said, cancer):
    X, y = cancer
    model = SGDClassifier(**{"batch_size": 32, **options})
    with pytest.raises(ValueError, match=said):
        model.fit(X, y)
    assert not hasattr(model, "coef_")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"non_negative": True}, "'non_negative'.* must be False with Armijo.*DoG or Adam"),
        ({"max_norm": 1.0}, "'max_norm'.* must be None with Armijo"),
        ({"alpha": 0.1, "decoupled_weight_decay": True}, "part of the gradient with Armijo"),
    ],
    ids=str,
)
def test_refusals_of_networks(options, said, iris):
    X, y = iris
    model = MLPClassifier((5,), optimizer=fastgd.Armijo(), **STEPS, **options)
    with pytest.raises(ValueError, match=said):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


def test_extras_cannot_be_added_on_the_way(iris):
    X, y = iris
    for estimator in (SGDClassifier(**STEPS), MLPClassifier((5,), **STEPS)):
        model = estimator.set_params(optimizer=fastgd.DoG(), max_iter=2).fit(X, y)
        model.set_params(optimizer=fastgd.DoG(extras=fastgd.EMA()))
        with pytest.raises(ValueError, match=r"do not fit DoG\(extras=.*missing.*ema"):
            model.partial_fit(X, y)


@pytest.mark.parametrize("estimator", [SGDClassifier(**STEPS), MLPClassifier((5,), **STEPS)], ids=["lines", "networks"])
def test_compiled_steps_cannot_become_own_ones(estimator, iris):
    X, y = iris
    model = estimator.set_params(optimizer=fastgd.SGD(), max_iter=2).fit(X, y)
    model.set_params(optimizer=fastgd.SGD(extras=fastgd.EMA()))
    with pytest.raises(ValueError, match=r"own steps of \d models with SGD.*fit anew"):
        model.partial_fit(X, y)
