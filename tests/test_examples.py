"""The models of `examples/`: their gradients against finite differences, and that they are fit to be read."""

import doctest
import math
from pathlib import Path

import numpy as np
import pytest

import fastgd
from fastgd.examples import learning_rate_pictures, models

MODELS = [models.SoftmaxRegression(6, 4), models.ReLUNetwork(6, 5, 4)]
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)


@pytest.fixture
def problem():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((30, 6))
    return X, (X[:, :4] + 0.1 * rng.standard_normal((30, 4))).argmax(axis=1)


def random_params(model, dtype=np.float64):
    rng = np.random.default_rng(2)
    return {name: rng.standard_normal(p.shape).astype(dtype) for name, p in model.init(rng).items()}


@each_model
def test_gradient_is_the_slope_of_the_loss(model, problem):
    X, y = problem
    params = random_params(model)
    _, grads = model.loss_and_gradient(params, X, y)
    for name, p in params.items():
        for index in np.ndindex(p.shape):
            before, h = p[index], 1e-6
            p[index] = before + h
            above, _ = model.loss_and_gradient(params, X, y)
            p[index] = before - h
            below, _ = model.loss_and_gradient(params, X, y)
            p[index] = before
            assert grads[name][index] == pytest.approx((above - below) / (2 * h), abs=1e-8, rel=1e-6)


@each_model
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_match_the_parameters_and_change_no_input(model, problem, dtype):
    X, y = problem[0].astype(dtype), problem[1]
    params = random_params(model, dtype)
    kept = {name: p.copy() for name, p in params.items()}, X.copy(), y.copy()
    loss, grads = model.loss_and_gradient(params, X, y)
    assert isinstance(loss, float)
    assert {name: (g.shape, g.dtype) for name, g in grads.items()} == {
        name: (p.shape, p.dtype) for name, p in params.items()
    }
    for name, p in params.items():
        np.testing.assert_array_equal(p, kept[0][name])
    np.testing.assert_array_equal(X, kept[1])
    np.testing.assert_array_equal(y, kept[2])


@each_model
def test_init_is_float32_and_repeatable(model):
    first, second = (model.init(np.random.default_rng(5)) for _ in range(2))
    assert all(p.dtype == np.float32 for p in first.values())
    for name, p in first.items():
        np.testing.assert_array_equal(p, second[name])


def test_network_starts_with_weights_of_variance_two_over_fan_in():
    params = models.ReLUNetwork(1000, 200, 10).init(np.random.default_rng(0))
    assert params["weight1"].std() == pytest.approx(math.sqrt(2 / 1000), rel=0.02)
    assert params["weight2"].std() == pytest.approx(math.sqrt(2 / 200), rel=0.1)


def test_untrained_softmax_regression_knows_nothing(problem):
    X, y = problem
    model = models.SoftmaxRegression(6, 4)
    loss, _ = model.loss_and_gradient(model.init(None), X, y)
    assert loss == pytest.approx(math.log(4))


def test_cross_entropy_survives_huge_scores():
    z = np.array([[1e4, 0.0], [0.0, -1e4]], np.float32)
    loss, slope = models.cross_entropy(z, np.array([0, 1]))
    assert loss == pytest.approx(5e3)
    np.testing.assert_allclose(slope, [[0, 0], [0.5, -0.5]])


@each_model
def test_model_learns_with_an_optimizer_of_fastgd(model, problem):
    X, y = problem[0].astype(np.float32), problem[1]
    params = model.init(np.random.default_rng(0))
    state = fastgd.Adam(lr=0.05).init(params)
    for _ in range(200):
        _, grads = model.loss_and_gradient(params, X, y)
        state.step(grads)
    assert (model.predict(params, X) == y).mean() == 1.0


def test_the_file_stays_short_enough_to_read_in_a_class():
    assert len(Path(models.__file__).read_text(encoding="utf-8").splitlines()) <= 120


def test_the_example_in_the_docstring_runs():
    result = doctest.testmod(models)
    assert result.attempted > 5
    assert result.failed == 0


def test_the_pictures_are_written_one_file_each(tmp_path):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    before = plt.get_fignums()  # what other tests have left open
    paths = learning_rate_pictures.write(tmp_path / "pictures")
    assert {p.stem for p in paths} == {*learning_rate_pictures.PICTURES, "schedules"}
    assert all(p.read_bytes().startswith(b"\x89PNG") and p.stat().st_size > 10_000 for p in paths)
    assert plt.get_fignums() == before


def test_the_example_in_the_docstring_of_the_pictures_runs():
    result = doctest.testmod(learning_rate_pictures)
    assert result.attempted > 2
    assert result.failed == 0
