"""The sweep over learning rates: lanes are separate fits, the best is chosen on rows held out, divergence is told."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

from fastgd._training.fit import DivergedError
from fastgd._validation import ArgumentTypeError, ArgumentValueError
from fastgd.learning_rate import sweep
from fastgd.linear_model import Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor
from fastgd.schedules import cosine

RATES = np.geomspace(1e-4, 1, 7)
ESTIMATORS = {
    "optimal": SGDClassifier(loss="log_loss"),
    "schedule": SGDClassifier(loss="log_loss", learning_rate=cosine("100%"), penalty="l1"),
    "invscaling": SGDRegressor(),
    "averaged": SGDRegressor(learning_rate=0.1, average=True),
    "pa1": SGDClassifier(learning_rate="pa1"),
    "weighted": SGDClassifier(class_weight="balanced"),
    "perceptron": Perceptron(penalty="l2"),
}


def data(n=150, n_classes=2, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, 5)) * (generator.random((n, 5)) < 0.7)
    score = X @ np.arange(5) + 0.5 * generator.normal(size=n)
    return X, np.searchsorted(np.quantile(score, np.arange(1, n_classes) / n_classes), score)


@pytest.mark.filterwarnings("ignore::fastgd.GradientHealthWarning")  # of the largest rates
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_lane_is_a_separate_fit(name, form, n_classes):
    """The best lane is `fit` with its rate, bit for bit; the curves of all lanes are the histories of such fits."""
    (X, y), (X_val, y_val) = data(n_classes=n_classes), data(n_classes=n_classes, seed=1)
    X, X_val = form(X), form(X_val)
    estimator = ESTIMATORS[name].set_params(random_state=3)
    before = estimator.get_params()
    weight = np.linspace(0.1, 2, len(y))
    validation = {"X_val": X_val, "y_val": y_val}
    result = sweep(estimator, X, y, learning_rate=RATES, n_epochs=3, sample_weight=weight, **validation)
    assert estimator.get_params() == before and not hasattr(estimator, "coef_")
    best = result.best_estimator
    for k, rate in enumerate(RATES):
        model = type(best)(**before).set_params(**best._with_rate(1.0)).set_params(**estimator._with_rate(rate))
        model.set_params(max_iter=3, tol=None).fit(X, y, sample_weight=weight, **validation)
        for key in ("loss", "val_loss"):
            curve = model.history_[key].reshape(3, -1).sum(axis=1)
            np.testing.assert_allclose(getattr(result, key)[:, k], curve, rtol=1e-12)
        if rate == result.best_learning_rate:
            assert model.coef_.tobytes() == best.coef_.tobytes()
            assert model.intercept_.tobytes() == best.intercept_.tobytes()
            assert (model.n_iter_, model.t_) == (best.n_iter_, best.t_)
    assert best.score(X_val, y_val) > 0.4
    assert np.isfinite(best.partial_fit(X, y).coef_).all()


def test_the_choice_and_what_is_as_good():
    X, y = data(n=600)
    result = sweep(SGDClassifier(loss="log_loss", random_state=0), X, y, learning_rate=RATES[::-1])
    assert np.array_equal(result.learning_rate, RATES)
    assert result.val_loss.shape == result.loss.shape == (5, 7)
    assert result.best_learning_rate == RATES[result.val_loss[-1].argmin()]
    low, high = result.band
    assert low <= result.best_learning_rate <= high
    assert result.edge is None and not result.diverged.any()
    assert result.best_estimator.learning_rate == result.best_learning_rate
    assert "7 rates, 5 epochs: best" in repr(result)


def test_defaults_and_the_description():
    X, y = data()
    result = sweep(SGDClassifier(loss="log_loss"), X, y, random_state=1)
    assert np.array_equal(result.learning_rate, np.geomspace(1e-4, 10, 16))
    again = sweep(SGDClassifier(loss="log_loss", random_state=1), X, y)
    assert np.array_equal(again.val_loss, result.val_loss)
    described = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert described["best_learning_rate"] == result.best_learning_rate
    assert np.array_equal(described["val_loss"], result.val_loss)
    assert result.seconds > 0


def test_where_even_the_best_rate_is_worse_than_none():
    X, y = data()
    result = sweep(SGDRegressor(random_state=0, penalty=None), 1e4 * X, y, learning_rate=[1e-4, 1e-3, 1e-2])
    assert result.diverged.all() and result.edge == 1e-4


def test_rates_that_diverge_are_told():
    X, y = data()
    result = sweep(SGDRegressor(random_state=0, penalty=None), X, y, learning_rate=[1e-3, 1e-2, 1e3, 1e300])
    assert result.diverged.tolist() == [False, False, True, True]
    assert result.edge == 1e3
    assert np.isnan(result.val_loss[-1, 3]) and np.isfinite(result.val_loss[:, :2]).all()
    assert "diverged from 1e+03 on" in repr(result)
    assert np.isfinite(result.best_estimator.coef_).all()
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["val_loss"][-1][3] is None
    with pytest.raises(DivergedError, match="all learning rates from 1e\\+299 to 1e\\+300 diverged"):
        sweep(SGDRegressor(random_state=0, penalty=None), X, y, learning_rate=[1e299, 1e300])


@pytest.mark.parametrize("rates", [[], [0.1, 0.1], [0.0], [-1.0], [np.nan], [np.inf], 0.1, [[0.1]]], ids=str)
def test_rates_that_are_none_are_refused(rates):
    with pytest.raises(ArgumentValueError, match="learning_rate"):
        sweep(SGDClassifier(), *data(), learning_rate=rates)


def test_other_arguments_are_refused():
    with pytest.raises(ArgumentTypeError, match="learning_rate"):
        sweep(SGDClassifier(), *data(), learning_rate=["fast"])
    for estimator in (SGDOneClassSVM(), object(), SGDClassifier):
        with pytest.raises(ArgumentTypeError, match="estimator"):
            sweep(estimator, *data(), learning_rate=RATES)
    with pytest.raises(ArgumentValueError, match="n_epochs"):
        sweep(SGDClassifier(), *data(), learning_rate=RATES, n_epochs=0)
    with pytest.raises(ValueError, match="alpha"):
        sweep(SGDClassifier(alpha=-1), *data(), learning_rate=RATES)
    with pytest.raises(ValueError, match="inconsistent"):
        sweep(SGDClassifier(), data()[0], data()[1][:-1], learning_rate=RATES)
