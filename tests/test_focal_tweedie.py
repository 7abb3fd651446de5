"""The losses with a shape parameter: focal and Tweedie, as formulas in both precisions and as estimators."""

import ctypes
import decimal
import itertools
import math

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import TweedieRegressor
from sklearn.metrics import mean_tweedie_deviance

from fastgd._kernels import execute
from fastgd.learning_rate import sweep
from fastgd.linear_model import SGDClassifier, SGDRegressor

from .executors import LEVELS

D = decimal.Decimal
DTYPES = (np.float32, np.float64)


def compiled(name, dtype, z, y, parameter, level=LEVELS[-1]):
    """Return values and slopes by the compiled loop over 16 lanes."""
    address = execute.lane_table(level).LOSSES[name, np.dtype(dtype).name, 16]
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5)(address)
    z, y = (np.resize(np.asarray(a, dtype), -(-len(z) // 16) * 16) for a in (z, y))
    hyper, value, slope = np.full(16, parameter, dtype), np.empty_like(z), np.empty_like(z)
    for k in range(0, len(z), 16):
        call(*(a.ctypes.data for a in (z[k:], y[k:], hyper, value[k:], slope[k:])))
    return value, slope


def exact_focal(z, y, gamma):
    """Return value and slope in 200 digits: -(1 - p)**gamma log(p), and its derivative by a central difference."""
    with decimal.localcontext() as context:
        context.prec = 200

        def value(z):
            margin = z if y else -z
            other = 1 / (1 + margin.exp())  # 1 - p
            return (D(gamma) * other.ln()).exp() * (1 + (-margin).exp()).ln()

        z, h = D(float(z)), D("1e-60")
        return float(value(z)), float((value(z + h) - value(z - h)) / (2 * h))


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_focal_is_exact_from_near_to_far(gamma, dtype):
    """Relative to the value itself where that is a normal number, though it falls to 1e-260: nothing cancels."""
    z = np.array([0, 1e-6, 0.3, -0.3, 1, -1, 3, -3, 10, -10, 14, -14, 200, -200], dtype)
    eps = np.finfo(dtype).eps
    for y in (0.0, 1.0):
        found = compiled("focal", dtype, z, np.full(len(z), y), gamma)
        for k, each in enumerate(z):
            for got, expected in zip(found, exact_focal(each, y, gamma), strict=True):
                amplified = 8 * (2 + gamma * abs(float(each)))  # the exponential doubles an error of its argument
                assert abs(got[k] - expected) <= amplified * eps * abs(expected) + np.finfo(dtype).tiny


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
def test_focal_is_finite_at_any_prediction(dtype):
    sizes = [0.0, 1e-30, 80.0, 90.0, 800.0, 1e10, 1e30]
    z, y = np.array(list(itertools.product([s * x for s in (1, -1) for x in sizes], [0.0, 1.0]))).T
    for gamma, level in itertools.product((0.0, 0.5, 2.0, 100.0), LEVELS):
        value, slope = (a[: len(z)] for a in compiled("focal", dtype, z, y, gamma, level))
        assert np.isfinite(value).all() and np.isfinite(slope).all()
        assert (value >= 0).all() and (slope * (1 - 2 * y) >= 0).all()
        wrong = (2 * y - 1) * z < -1000
        np.testing.assert_allclose(value[wrong], abs(z[wrong]), rtol=1e-6)
        assert (slope[wrong] == 1 - 2 * y[wrong]).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
def test_focal_of_gamma_0_is_log_loss(dtype):
    z = np.random.default_rng(0).normal(size=4000) * 5
    y = np.arange(4000) % 2
    eps = np.finfo(dtype).eps
    for a, b in zip(compiled("focal", dtype, z, y, 0.0), compiled("log_loss", dtype, z, y, 0.0), strict=True):
        assert (abs(a - b) <= 4 * eps * np.resize(1 + abs(z), len(a))).all()


@pytest.mark.parametrize("power", [1.01, 1.5, 1.99, 2.5, 3.0])
def test_tweedie_is_half_the_deviance_of_scikit_learn(power):
    """Up to what depends on the target alone: differences between two predictions are compared."""
    generator = np.random.default_rng(0)
    y = generator.gamma(2.0, size=64)
    y[::4] *= power > 2  # zeros where they have a probability
    y[::4] += (power > 2) * 0.1
    z = generator.normal(size=64)
    value, _ = compiled("tweedie", np.float64, z, y, power)
    base, _ = compiled("tweedie", np.float64, np.zeros(64), y, power)
    half = [
        mean_tweedie_deviance([t], [math.exp(a)], power=power) / 2 - mean_tweedie_deviance([t], [1.0], power=power) / 2
        for t, a in zip(y, z, strict=True)
    ]
    np.testing.assert_allclose(value - base, half, rtol=1e-9, atol=1e-10 / min(abs(power - 1), abs(power - 2)))


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
def test_tweedie_of_zeros_is_never_nan(dtype):
    """Where the mean is so small that the other factor is infinite, a target of 0 still counts as 0."""
    z = np.array([-1e30, -1e5, -2000.0, -200.0, 200.0, 1e5])
    for level in LEVELS:
        value, slope = (a[: len(z)] for a in compiled("tweedie", dtype, z, np.zeros(len(z)), 1.5, level))
        assert not np.isnan(value).any() and not np.isnan(slope).any()
        assert (slope >= 0).all() and (slope[:3] == 0).all()


def tweedie_data(n=3000):
    """Return rows and targets of power 1.5 and dispersion 1: a Poisson number of gamma variables, many of them zero."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(n, 3))
    mean = np.exp(X @ [0.5, -0.3, 0.0] + 0.2)
    count = generator.poisson(2 * np.sqrt(mean))
    return X, generator.gamma(np.maximum(count, 1), np.sqrt(mean) / 2) * (count > 0)


def test_tweedie_regression_is_scikit_learns():
    """SGD comes to the minimum of the same objective, and `predict` is its mean."""
    X, y = tweedie_data()
    assert (y == 0).mean() > 0.1
    expected = TweedieRegressor(power=1.5, alpha=0.01, link="log", tol=1e-10, max_iter=1000).fit(X, y)
    model = SGDRegressor("tweedie", alpha=0.01, learning_rate=0.01, average=3000, max_iter=60, tol=None, random_state=0)
    model.fit(X, y)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=0.01)
    np.testing.assert_allclose(model.intercept_, expected.intercept_, atol=0.01)
    np.testing.assert_array_equal(model.predict(X), np.exp(X @ model.coef_ + model.intercept_))


def test_powers_that_are_other_losses_are_refused():
    X, y = tweedie_data(50)
    for power, words in [(1, "Use loss='poisson'"), (2.0, "Use loss='gamma'"), (0.5, "above 2"), (-1, "above 2")]:
        model = SGDRegressor("tweedie", power=power)
        for call in (model.fit, model.partial_fit, lambda X, y, m=model: sweep(m, X, y)):
            with pytest.raises(ValueError, match=words):
                call(X, y)
        SGDRegressor(power=power, max_iter=1, tol=None).fit(X, y)  # other losses do not look at it
    with pytest.raises(ValueError, match="'power' parameter"):
        SGDRegressor("tweedie", power="high").fit(X, y)
    with pytest.raises(ValueError, match="y must be > 0 for the loss 'tweedie'"):
        SGDRegressor("tweedie", power=3).fit(X, y)
    assert SGDRegressor("tweedie", power=3, learning_rate=1e-3).fit(X, y + 0.1).predict(X).min() > 0


def two_classes(n=2000):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(n, 3))
    return X, generator.random(n) < expit(2 * X[:, 0] - X[:, 1] - 1)


def test_focal_classification():
    """Averaged SGD comes to a point where the gradient of the penalised mean focal loss vanishes."""
    X, y = two_classes()
    common = {"alpha": 0.01, "learning_rate": 0.05, "average": 2000, "max_iter": 30, "tol": None, "random_state": 0}
    for gamma in (0.5, 2.0):
        model = SGDClassifier("focal", gamma=gamma, **common).fit(X, y)
        p = np.where(y, *model.predict_proba(X).T[::-1])
        slope = (1 - p) ** gamma * (gamma * p * np.log(p) + p - 1) * np.where(y, 1, -1)
        gradient = np.append(slope @ X / len(X) + 0.01 * model.coef_[0], slope.mean())
        assert abs(gradient).max() < 2e-3
        assert model.score(X, y) > 0.8
    zero, plain = (SGDClassifier(loss, gamma=0.0, **common).fit(X, y) for loss in ("focal", "log_loss"))
    np.testing.assert_allclose(zero.coef_, plain.coef_, atol=1e-7)  # a long average loses half of the digits
    np.testing.assert_allclose(zero.predict_proba(X), plain.predict_proba(X), atol=1e-7)


def test_probabilities_of_focal_are_the_logistic_function():
    X, y = two_classes(300)
    model = SGDClassifier("focal", random_state=0, max_iter=5, tol=None).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], expit(model.decision_function(X)))
    np.testing.assert_array_equal(model.predict_log_proba(X), np.log(model.predict_proba(X)))
    three = SGDClassifier("focal", random_state=0, max_iter=5, tol=None).fit(X, y + 1 * (X[:, 2] > 1))
    np.testing.assert_allclose(three.predict_proba(X).sum(axis=1), 1)
    assert not hasattr(SGDClassifier("hinge"), "predict_proba")


@pytest.mark.parametrize("gamma", [-0.1, "2", np.nan])
def test_a_gamma_that_is_none_is_refused(gamma):
    with pytest.raises(ValueError, match="'gamma' parameter"):
        SGDClassifier("focal", gamma=gamma).fit(*two_classes(50))
