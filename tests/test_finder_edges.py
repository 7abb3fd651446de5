"""The range test where there is little or nothing to find: rows of any size, one row, no slope, losses and gradients that break."""

import json

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastgd
from fastgd.learning_rate import LRFinderResult, lr_find, sweep
from fastgd.linear_model import SGDClassifier, SGDRegressor
from fastgd.neural_network import MLPRegressor


def line(n=400, seed=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    return X, X @ [1.0, -2.0, 3.0, 0.5] + rng.normal(size=n)


def bowl(w, batch):
    return float(w @ w), 2 * w


@pytest.mark.parametrize("scale", [1e3, 1e8, 1e100])
@pytest.mark.parametrize("model", [SGDRegressor(random_state=0), SGDClassifier(loss="log_loss", random_state=0)])
def test_large_rows_want_small_rates(scale, model):
    """Rates a million times smaller for rows a thousand times larger: what is suggested trains as well as with rows of size 1."""
    X, y = line()
    y = y if isinstance(model, SGDRegressor) else (y > 0).astype(int)
    plain, large = lr_find(model, X, y), lr_find(model, X * scale, y)
    assert large.edge is not None
    assert large.suggest() < large.edge
    assert 0.1 < large.suggest() * scale**2 / plain.suggest() < 10
    losses = [
        sweep(model, rows, y, learning_rate=[rate]).val_loss[-1, 0]
        for rows, rate in ((X, plain.suggest()), (X * scale, large.suggest()))
    ]
    assert losses[1] < 1.1 * losses[0]


def test_rates_that_were_asked_for_stay_and_divergence_at_once_is_called_so():
    X, y = line()
    result = lr_find(SGDRegressor(random_state=0), 1e6 * X, y, low=1e-3, high=1.0)
    assert result.edge == result.learning_rate[0] < 2e-3
    assert len(result.curve) == 0
    assert all("diverged at once" in each.reason for each in result.suggestions.values())
    assert result.suggest() == pytest.approx(result.learning_rate[0] / 10)


def test_a_network_whose_first_weights_lose_much_has_not_diverged():
    X, y = line()
    result = lr_find(MLPRegressor(hidden_layer_sizes=(4,), random_state=0), 1e6 * X, y, n_seeds=2)
    assert len(result.curve) > 10


def test_one_row_is_enough_for_a_range_test():
    result = lr_find(SGDRegressor(random_state=0), [[1.0, 2.0]], [3.0])
    assert result.trial is None
    assert result.default_rule == "valley"
    assert 0 < result.suggest() < result.edge


@pytest.mark.parametrize("X, y", [(np.zeros((60, 3)), np.arange(60.0)), (line(60)[0], np.zeros(60))])
def test_where_nothing_can_be_learnt_no_rule_pretends_to_know(X, y):
    result = lr_find(SGDRegressor(fit_intercept=False, random_state=0), X, y)
    assert result.trial is None
    assert all("nothing to learn" in each.reason for each in result.suggestions.values())


@pytest.mark.parametrize("loss", [3, 0.1, -1e30])
def test_rounding_is_no_fall(loss):
    result = lr_find(np.ones(3), lambda w, batch: (loss, np.zeros(3)), [None], n_points=40)
    assert all("never fell" in each.reason for each in result.suggestions.values())


@pytest.mark.parametrize("value, slope", [(np.nan, 1.0), (np.inf, 1.0), (1.0, np.nan), (1.0, np.inf)])
def test_a_loss_or_gradient_that_is_not_finite_at_once_is_divergence(value, slope):
    w = np.ones(3)
    result = lr_find(w, lambda w, batch: (value, np.full(3, slope)), [None], n_seeds=2)
    assert result.edge == result.learning_rate[0 if not np.isfinite(value) else 1]
    assert all("diverged at once" in each.reason for each in result.suggestions.values())
    assert (w == 1).all()
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize("optimizer", [fastgd.SPS(), fastgd.AliG(), fastgd.Armijo()])
def test_optimizers_that_need_the_loss_get_it(optimizer):
    w = np.ones(3)
    result = lr_find(w, bowl, [None], optimizer=optimizer, n_points=30, n_seeds=1)
    assert result.loss[-1] < result.loss[0]
    assert (w == 1).all()


@pytest.mark.parametrize("params", [None, "abc", [np.ones(2), None]])
def test_parameters_that_are_none_are_named(params):
    with pytest.raises(fastgd.ArgumentTypeError, match="must be a NumPy array"):
        lr_find(params, bowl, [None])


def test_weights_of_rows_are_not_ignored():
    with pytest.raises(fastgd.ArgumentValueError, match="sample_weight"):
        lr_find(np.ones(3), bowl, [None], sample_weight=np.ones(3))


def test_a_pipeline_is_tested_as_its_last_step_sees_the_rows():
    X, y = line()
    X = 1e3 * X + 5e3
    pipeline = make_pipeline(StandardScaler(), SGDRegressor(random_state=0))
    alone = lr_find(SGDRegressor(random_state=0), StandardScaler().fit_transform(X), y)
    found = lr_find(pipeline, X, y)
    np.testing.assert_array_equal(found.loss, alone.loss)
    assert found.suggest() == alone.suggest()
    assert lr_find(make_pipeline(SGDRegressor(random_state=0)), X, y).suggest() < 1e-4
    assert not hasattr(pipeline[0], "mean_")
    with pytest.raises(fastgd.ArgumentTypeError, match="Give it the last step"):
        sweep(pipeline, X, y)


def test_pictures_of_results_that_have_no_curve():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    rates = np.geomspace(1e-3, 10, 20)
    for loss in (np.full((20, 1), np.nan), np.full((20, 3), np.inf), np.ones((20, 2))):
        ax = LRFinderResult(rates, loss, 0.1).plot()
        ax.figure.canvas.draw()
        low, high = ax.get_xlim()
        assert low <= rates[0] < high
        matplotlib.pyplot.close(ax.figure)
