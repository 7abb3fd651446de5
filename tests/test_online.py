"""Normalised, adaptive, importance-aware updates by rows: against the papers, their invariances, sparse and dense, exact continuation."""

import math
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_iris

import fastgd
from fastgd._kernels._online import MOVES, move
from fastgd._training.online import OnlineLanes
from fastgd._training.rates import RateTable
from fastgd.learning_rate import sweep
from fastgd.linear_model import SGDClassifier, SGDRegressor
from fastgd.model_selection import LaneSearchCV
from fastgd.neural_network import MLPClassifier
from fastgd.optimizers import NormalizedOnline
from tests.naive_online import SLOPES, Online

PARAMETERS = {"huber": 0.7, "epsilon_insensitive": 0.2, "squared_epsilon_insensitive": 0.2, "quantile": 0.3}
TARGETS = {"poisson": (0.0, 1.0, 3.0), "gamma": (0.5, 2.0), "log_loss": (0.0, 1.0)} | dict.fromkeys(
    ("hinge", "squared_hinge", "modified_huber"), (-1.0, 1.0)
)
KINDS = [(True, True, True), (True, True, False), (True, False, True), (False, True, True), (False, False, False)]
every_loss = pytest.mark.parametrize("loss", MOVES)


def targets(loss):
    return st.sampled_from(TARGETS[loss]) if loss in TARGETS else st.floats(-4, 4)


def end(loss, z, y, u):
    """Return where a prediction is after the time u."""
    q = PARAMETERS.get(loss, 0.0)
    slope = SLOPES[loss](z, y, q)
    return z - move(MOVES[loss], z, y, q, slope, u) if slope else z


# ---------------------------------------------------------------------------------------------------------------------------------
# The size of a step


def test_every_closed_form_has_its_slope_in_the_oracle():
    assert set(MOVES) == set(SLOPES)


@every_loss
@pytest.mark.parametrize("u", [1e-3, 0.3, 4.0])
def test_a_step_is_the_limit_of_many_small_ones(loss, u):
    """The definition: an importance weight of h is n updates of h / n each, as n grows."""
    n = 10_000
    for z in (-3.0, -0.4, 0.05, 2.5):
        for y in TARGETS.get(loss, (-1.0, 0.1, 2.0)):
            p = z
            for _ in range(n):
                p -= u / n * SLOPES[loss](p, y, PARAMETERS.get(loss, 0.0))
            assert end(loss, z, y, u) == pytest.approx(p, abs=1e-3)


@every_loss
@given(data=st.data(), z=st.floats(-6, 6), u=st.floats(1e-12, 1e3), share=st.floats(0.01, 0.99))
def test_steps_add_up(loss, data, z, u, share):
    """Weight a, then weight b, is weight a + b: as if the row had been seen more often."""
    y = data.draw(targets(loss))
    once, twice = end(loss, z, y, u), end(loss, end(loss, z, y, share * u), y, (1 - share) * u)
    assert once == pytest.approx(twice, rel=1e-9, abs=1e-9)


@every_loss
@given(data=st.data(), z=st.floats(-30, 30), u=st.floats(0, 1e12))
def test_a_step_falls_and_never_passes_the_target(loss, data, z, u):
    y, q = data.draw(targets(loss)), PARAMETERS.get(loss, 0.0)
    before, after = SLOPES[loss](z, y, q), SLOPES[loss](end(loss, z, y, u), y, q)
    assert math.isfinite(after)
    if loss not in ("hinge", "quantile", "epsilon_insensitive"):  # whose slope is anything at the kink itself
        assert after * np.sign(before) >= -1e-9 and abs(after) <= abs(before) * (1 + 1e-9)


@pytest.mark.parametrize("z", [-800.0, -700.0, 700.0, 800.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
@pytest.mark.parametrize("u", [1e-300, 1.0, 1e300])
def test_logistic_steps_of_any_size_are_finite(z, y, u):
    assert math.isfinite(move(MOVES["log_loss"], z, y, 0, 1 / (1 + math.exp(min(-z, 709))) - y, u))


# ---------------------------------------------------------------------------------------------------------------------------------
# Training, as in the papers


def problem(loss, n=60, n_features=7, seed=0):
    """Return rows with holes and scales from 1e-3 to 1e3, targets in the loss's coding, weights with zeros."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features)) * (rng.random((n, n_features)) < 0.6) * np.geomspace(1e-3, 1e3, n_features)
    y = X @ (rng.normal(size=n_features) / np.geomspace(1e-3, 1e3, n_features)) + 0.3 + 0.1 * rng.normal(size=n)
    if loss in TARGETS:
        few, many = TARGETS[loss][0], TARGETS[loss][-1]
        y = np.where(y > 0, many, few)
    return X, y, rng.choice([0.0, 0.5, 1.0, 2.0], n)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "".join("anw"[k] if on else "-" for k, on in enumerate(kind)))
@pytest.mark.parametrize("penalty", [(0.0, 0.0), (0.05, 0.0), (0.0, 0.05), (0.04, 0.02)])
@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "hinge", "quantile"])
def test_is_the_papers(loss, penalty, kind):
    """Dense, sparse, and beside another lane; rates that fall; two epochs, read in between."""
    names = dict(zip(("adaptive", "normalized", "importance_aware"), kind, strict=True))
    X, y, weight = problem(loss)
    X = X if kind[1] else X / np.abs(X).max(axis=0)
    l2, l1 = penalty
    rates, q = 0.4 / np.sqrt(1 + np.arange(len(X))), PARAMETERS.get(loss, 0.0)
    naive = Online(X.shape[1], loss, q, l2, l1, **names)
    for _ in range(2):
        for x, target, h, eta in zip(X, y, weight, rates, strict=True):
            if h:
                naive.see(x, target, h, eta)
    found = []
    for rows in (X, sp.csr_matrix(X)):
        options = {"alpha": [l2 + l1, 1.0], "l1_ratio": [l1 / (l2 + l1) if l1 else 0.0, 0.5]}
        parameter = {"loss_parameter": q} if loss in PARAMETERS else {}
        lanes = OnlineLanes("float64", X.shape[1], loss, optimizer=NormalizedOnline(**names), **options, **parameter)
        for _ in range(2):
            lanes.epoch(rows, y[:, None], None, RateTable.steps(rates), weight[:, None])
            found.append(lanes.coef)
        np.testing.assert_allclose(lanes.coef[:, 0], naive.w[:-1], rtol=1e-9, atol=1e-12)
        assert lanes.intercept[0] == pytest.approx(naive.w[-1], rel=1e-9)
        shown = lanes.decision(rows)
        np.testing.assert_allclose(shown, X @ lanes.coef + lanes.intercept, rtol=1e-9, atol=1e-9)
    assert np.array_equal(found[0], found[2]) and np.array_equal(found[1], found[3])  # sparse rows: the same bits


@pytest.mark.parametrize("loss", ["huber", "poisson", "modified_huber", "epsilon_insensitive", "perceptron", "logcosh"])
def test_the_other_losses_learn(loss):
    X, y, _ = problem(loss, 400)
    y = np.where(y > 0, 1.0, -1.0) if loss == "perceptron" else y
    aware = loss not in ("perceptron", "logcosh")
    parameter = {"loss_parameter": PARAMETERS[loss]} if loss in PARAMETERS else {}
    optimizer = NormalizedOnline(importance_aware=aware)
    lanes = OnlineLanes("float64", X.shape[1], loss, optimizer=optimizer, alpha=[0.0], l1_ratio=0.0, **parameter)
    first, *_, last = [lanes.epoch(X, y[:, None], None, RateTable.constant(0.5)) for _ in range(8)]
    assert last.loss_sum[0] < 0.9 * first.loss_sum[0]


def test_weight_two_is_the_row_twice():
    """For plain updates, in exact arithmetic; any whole weights."""
    X, y, _ = problem("log_loss")
    X /= np.abs(X).max(axis=0)
    weight = np.random.default_rng(1).integers(0, 4, len(X))
    plain = NormalizedOnline(adaptive=False, normalized=False, lr=0.5)
    options = {"optimizer": plain, "penalty": None, "max_iter": 3, "tol": None, "shuffle": False, "loss": "log_loss"}
    weighted = SGDClassifier(**options).fit(X, y, sample_weight=weight)
    repeated = SGDClassifier(**options).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-9)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, rtol=1e-9)


@pytest.mark.parametrize("adaptive", [True, False])
def test_scales_of_features_do_not_matter(adaptive):
    """Columns times powers of two: the same predictions, to the bit."""
    X, y, _ = problem("squared_error")
    scales = 2.0 ** np.random.default_rng(0).integers(-30, 30, X.shape[1])
    options = {"optimizer": NormalizedOnline(adaptive=adaptive, lr=0.1), "penalty": None, "max_iter": 3, "tol": None}
    one, other = (SGDRegressor(random_state=0, **options).fit(rows, y) for rows in (X, X * scales))
    assert np.array_equal(one.coef_, other.coef_ * scales)


def test_no_scaler_is_needed():
    X, y = load_breast_cancer(return_X_y=True)
    options = {"loss": "log_loss", "max_iter": 20, "tol": None, "random_state": 0}
    assert SGDClassifier(optimizer=NormalizedOnline(), **options).fit(X, y).score(X, y) > 0.93
    assert SGDClassifier(optimizer=fastgd.SGD(lr=0.01), **options).fit(X, y).score(X, y) < 0.9


# ---------------------------------------------------------------------------------------------------------------------------------
# In the estimators


@pytest.mark.parametrize("rows", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_continuing_is_exact(rows, dtype, tmp_path):
    X, y = load_iris(return_X_y=True)
    X = rows(X.astype(dtype))
    options = {"loss": "log_loss", "optimizer": NormalizedOnline(), "penalty": "elasticnet", "alpha": 1e-3, "tol": None}
    options["random_state"] = 0
    whole = SGDClassifier(max_iter=6, **options).fit(X, y)
    part = SGDClassifier(max_iter=2, **options).fit(X, y)
    part = pickle.loads(pickle.dumps(part)).partial_fit(X, y, n_epochs=1)
    part.save(tmp_path / "model")
    part = SGDClassifier.load(tmp_path / "model").partial_fit(X, y, n_epochs=3)
    assert np.array_equal(part.coef_, whole.coef_) and np.array_equal(part.intercept_, whole.intercept_)
    assert whole.coef_.dtype == dtype and part.t_ == whole.t_


def test_a_class_is_a_lane_of_its_own():
    X, y = load_iris(return_X_y=True)
    options = {"loss": "hinge", "optimizer": NormalizedOnline(), "max_iter": 4, "tol": None, "random_state": 0}
    together = SGDClassifier(**options).fit(X, y)
    for k in range(3):
        alone = SGDClassifier(**options).fit(X, y == k)
        assert np.array_equal(together.coef_[k], alone.coef_[0])


def test_sweep_and_search_and_schedules():
    X, y = load_breast_cancer(return_X_y=True)
    options = {"loss": "log_loss", "optimizer": NormalizedOnline(), "max_iter": 4, "tol": None, "random_state": 0}
    model = SGDClassifier(**options)
    result = sweep(model, X, y, learning_rate=[0.1, 0.5, 2.0], n_epochs=4, X_val=X, y_val=y)
    alone = SGDClassifier(**{**model.get_params(), "learning_rate": result.best_learning_rate}).fit(X, y)
    assert np.array_equal(result.best_estimator.coef_, alone.coef_)
    search = LaneSearchCV(model, {"alpha": [1e-6, 1e-1]}, cv=3).fit(X, y)
    assert search.best_params_["alpha"] == 1e-6 and search.best_score_ > 0.9
    falling = fastgd.schedules.power(0.5, 100, 0.5)
    one = SGDClassifier(**{**options, "optimizer": NormalizedOnline(lr=falling)}).fit(X, y)
    other = SGDClassifier(learning_rate=falling, **options).fit(X, y)
    assert np.array_equal(one.coef_, other.coef_)
    assert one.history_["learning_rate"][-1] < 0.3


def test_measuring_changes_nothing():
    X, y, _ = problem("log_loss")
    lanes = OnlineLanes("float64", X.shape[1], "log_loss", optimizer=NormalizedOnline(), alpha=[0.1], l1_ratio=0.0)
    lanes.epoch(X, y[:, None], None, RateTable.constant(0.5))
    before = lanes.state()
    measured = lanes.epoch(X, y[:, None], None, RateTable.constant(0.0))
    z = X @ before["weights"][:-1, 0] + before["weights"][-1, 0]
    np.testing.assert_allclose(measured.loss_sum[0], np.sum(np.logaddexp(0, z) - y * z))
    for name in ("weights", "squares", "sizes", "rates", "clocks"):
        assert np.array_equal(before[name], lanes.state()[name])
    assert np.array_equal(before["lanes"][:3], lanes.state()["lanes"][:3])


def test_stretches_of_an_epoch_are_the_epoch():
    X, y, weight = problem("log_loss")
    options = {"optimizer": NormalizedOnline(), "alpha": [0.1], "l1_ratio": 0.5}
    one, other = (OnlineLanes("float64", X.shape[1], "log_loss", **options) for _ in range(2))
    whole = one.epoch(X, y[:, None], None, RateTable.constant(0.5), weight[:, None])
    other.epoch(X, y[:, None], None, RateTable.constant(0.5), weight[:, None], 0, 17)
    rest = other.epoch(X, y[:, None], None, RateTable.constant(0.5), weight[:, None], 17, None, 1.0)
    for name in ("loss_sum", "weighted_loss_sum", "weight_sum", "penalty", "grad_norm"):
        assert np.array_equal(getattr(whole, name), getattr(rest, name))
    assert np.array_equal(one.coef, other.coef)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss": "softmax"}, "loss"),
        ({"loss": "perceptron"}, "importance_aware=False"),
        ({"batch_size": 32}, "batch_size"),
        ({"clip_norm": 1.0}, "clip_norm"),
        ({"average": True}, "average"),
        ({"learning_rate": "auto"}, "finds no rate for NormalizedOnline"),
    ],
)
def test_what_it_cannot_do_is_refused(options, words):
    X, y = load_iris(return_X_y=True)
    model = SGDClassifier(**{"loss": "log_loss", "optimizer": NormalizedOnline(), **options})
    with pytest.raises(ValueError, match=words):
        model.fit(X, y)
    assert not hasattr(model, "coef_")


def test_other_models_and_arrays_are_refused():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="one_class"):
        OnlineLanes("float64", 4, "hinge", optimizer=NormalizedOnline(), alpha=[0.1], l1_ratio=0.0, one_class=True)
    with pytest.raises(ValueError, match="rows of data"):
        MLPClassifier((3,), optimizer=NormalizedOnline()).fit(X, y)
    with pytest.raises(TypeError, match="rows of data"):
        NormalizedOnline().init(np.ones(3))
    with pytest.raises(ValueError, match="clip_value"):
        NormalizedOnline(clip_value=1.0)
    with pytest.raises(ValueError, match="sample_weight"):
        SGDClassifier(optimizer=NormalizedOnline()).fit(X, y, sample_weight=-np.ones(len(y)))
    with pytest.raises(ValueError, match="state"):
        model = SGDClassifier(optimizer=NormalizedOnline(), max_iter=1, tol=None).fit(X, y)
        model.set_params(optimizer=fastgd.DoG()).partial_fit(X, y)


# ---------------------------------------------------------------------------------------------------------------------------------
# Vowpal Wabbit


@pytest.mark.parametrize(
    "flags", [(True, True), (True, False), (False, True)], ids=["default", "adaptive", "normalized"]
)
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_is_vowpal_wabbit(loss, flags):
    """Its first row has the largest value of each feature: later ones would be met in another order. Its squared loss is twice ours."""
    vowpalwabbit = pytest.importorskip("vowpalwabbit", reason="a peer: pip install vowpalwabbit")
    adaptive, normalized = flags
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5)).round(3)
    X[0] = 10.0
    y = np.where(X @ rng.normal(size=5) > 0, 1.0, -1.0) if loss == "logistic" else X @ rng.normal(size=5)
    words = [word for word, on in zip(("--adaptive", "--normalized"), flags, strict=True) if on]
    peer = vowpalwabbit.Workspace(
        f"--invariant {' '.join(words)} --loss_function {loss} -l 0.5 --power_t 0.5 --min_prediction -1e9 --max_prediction 1e9 "
        "--noconstant --quiet"
    )
    for x, target in zip(X, y, strict=True):
        peer.learn(f"{target} | " + " ".join(f"{k}:{value}" for k, value in enumerate(x)))
    theirs = [peer.predict("| " + " ".join(f"{k}:{value}" for k, value in enumerate(x))) for x in X]
    ours = {"squared": "squared_error", "logistic": "log_loss"}[loss]
    optimizer = NormalizedOnline(adaptive=adaptive, normalized=normalized)
    lanes = OnlineLanes("float64", 5, ours, optimizer=optimizer, alpha=[0.0], l1_ratio=0.0, fit_intercept=False)
    rate = (0.5 if adaptive or loss == "logistic" else 1.0) / (1.0 if adaptive else np.sqrt(1 + np.arange(len(X))))
    rates = np.broadcast_to(rate, len(X)).copy()
    lanes.epoch(X, (y > 0 if loss == "logistic" else y)[:, None].astype(float), None, RateTable.steps(rates))
    np.testing.assert_allclose(lanes.decision(X)[:, 0], theirs, rtol=2e-3, atol=2e-3)
