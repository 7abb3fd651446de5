"""Too small, right, too large: the verdicts against what really happens, and the pictures against the paths."""

import matplotlib
import matplotlib.figure
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgd import plot


def axes():
    return matplotlib.figure.Figure().subplots(2, 3)


@pytest.mark.parametrize("curvature", [[1.0], [3.0], [1.0, 8.0], [2.0, 2.0]])
def test_the_default_rates_are_what_they_are_called(curvature):
    display = plot.TriptychDisplay.from_quadratic(curvature, ax=axes())
    assert display.verdicts_ == ["too small", "right", "too large"]
    left = [display.surface.value(path[-1]) / display.surface.value(path[0]) for path in display.paths_]
    assert 0.1 < left[0] < 1 and left[1] < 0.1 and left[2] > 1


def test_the_best_rate_is_the_best():
    """2 / (m + L) multiplies the slowest direction by less than any other rate."""
    rates = np.linspace(0.02, 0.24, 111)

    def worst(rate):
        return np.abs(1 - rate * np.array([1.0, 8.0])).max()

    display = plot.TriptychDisplay.from_quadratic([1.0, 8.0], ax=axes())
    best = display.learning_rate[1]
    assert best == pytest.approx(2 / 9)
    assert worst(best) <= min(map(worst, rates)) + 1e-12


@settings(max_examples=15, deadline=None)
@given(
    curvature=st.lists(st.floats(0.1, 10), min_size=1, max_size=2),
    shares=st.tuples(st.floats(0.01, 0.9), st.floats(1.05, 3)),
)
def test_training_diverges_from_two_over_the_largest_curvature_on(curvature, shares):
    edge = 2 / max(curvature)
    rates = [shares[0] * edge, 0.95 * edge, shares[1] * edge]
    display = plot.TriptychDisplay.from_quadratic(curvature, learning_rate=rates, n_steps=60, ax=axes())
    steepest = int(np.argmax(curvature))
    for path, below in zip(display.paths_, (True, True, False), strict=True):
        assert (abs(path[-1][steepest]) < abs(path[0][steepest])) == below
    assert display.verdicts_[0] != "too large" and display.verdicts_[2] == "too large"


def test_a_stable_rate_that_swings_is_not_called_small():
    display = plot.TriptychDisplay.from_quadratic([1.0], learning_rate=[0.01, 1.99, 2.5], ax=axes())
    assert display.verdicts_ == ["too small", "large: it overshoots", "too large"]


def test_regression_descends_half_the_mean_squared_error():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 2, 30)
    y = 1 + 2 * x + 0.3 * rng.standard_normal(30)
    display = plot.TriptychDisplay.from_regression(x[:, None], y, n_steps=5, ax=axes())
    slope, intercept = np.polyfit(x, y, 1)
    np.testing.assert_allclose(display.surface.minima[0], (slope, intercept))
    w = np.array([0.5, -0.3])
    assert display.surface.value(w) == pytest.approx(0.5 * np.mean((w[0] * x + w[1] - y) ** 2))
    w, rate = np.zeros(2), display.learning_rate[1]
    for point in display.paths_[1]:
        np.testing.assert_allclose(point, w, atol=1e-12)
        error = w[0] * x + w[1] - y
        w = w - rate * np.array([np.mean(error * x), np.mean(error)])
    assert display.axes_[0, 0].get_xlabel() == "slope" and display.axes_[0, 0].get_ylabel() == "intercept"


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 1000.0])
def test_the_default_rates_are_what_they_are_called_for_data_as_it_comes(scale):
    """Where one direction is far steeper, the rate that suits the slowest one would swing to and fro and leave more than a small one."""
    rng = np.random.default_rng(5)
    x = scale * (3 + rng.standard_normal(40))
    display = plot.TriptychDisplay.from_regression(x, 2 * x + 0.1 * rng.standard_normal(40), ax=axes())
    assert display.verdicts_ == ["too small", "right", "too large"]
    lowest = display.surface.lowest
    ends = [display.surface.value(path[-1]) - lowest for path in display.paths_]
    assert ends[1] < ends[0] < ends[2]


def test_one_parameter_without_an_intercept():
    display = plot.TriptychDisplay.from_regression([1.0, 2.0], [2.0, 4.0], fit_intercept=False, ax=axes())
    assert display.surface.minima == ((2.0,),)
    assert display.axes_[0, 0].get_ylabel() == "half the MSE"


def test_the_losses_drawn_are_those_of_the_paths():
    display = plot.TriptychDisplay.from_quadratic([1.0, 8.0], ax=axes())
    for ax, path, rate in zip(display.axes_[1], display.paths_, display.learning_rate, strict=True):
        loss = [0.5 * (p[0] ** 2 + 8 * p[1] ** 2) for p in path]
        np.testing.assert_allclose(ax.lines[0].get_ydata(), loss)
        assert ax.get_yscale() == "log" and ax.get_xlabel() == "step"
        decay = np.abs(1 - rate * np.array([1.0, 8.0])) ** (len(path) - 1)
        np.testing.assert_allclose(np.abs(path[-1]), 2 * decay, rtol=1e-9)
    titles = [ax.get_title(loc="left") for ax in display.axes_[0]]
    assert [title.partition(":")[0] for title in titles] == ["too small", "right", "too large"]


def test_a_diverging_path_is_drawn_until_it_leaves_the_picture():
    display = plot.TriptychDisplay.from_quadratic([1.0, 8.0], ax=axes())
    drawn = display.axes_[0, 2].lines[1].get_xydata()
    low, high = np.array([display.axes_[0, 2].get_xlim(), display.axes_[0, 2].get_ylim()]).T
    outside = ((drawn < low) | (drawn > high)).any(axis=1)
    assert outside[-1] and not outside[:-1].any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.quadratic([0.0, 1.0]), "'hessian' .* positive definite"),
        (lambda: plot.quadratic([1.0, 2.0, 3.0]), "'hessian' .* positive definite"),
        (lambda: plot.TriptychDisplay.from_quadratic([1.0], learning_rate=[0.1, 0.2]), "'learning_rate' .* three"),
        (lambda: plot.TriptychDisplay.from_quadratic([1.0], learning_rate=[0.1, 0.2, -1]), "'learning_rate' .* three"),
        (lambda: plot.TriptychDisplay.from_quadratic([1.0], learning_rate="abc"), "'learning_rate' .* three"),
        (lambda: plot.TriptychDisplay.from_quadratic([1.0], n_steps=0), "'n_steps'"),
        (lambda: plot.TriptychDisplay.from_quadratic([1.0], ax=axes()[0]), "'ax' .* shape \\(2, 3\\)"),
        (lambda: plot.TriptychDisplay.from_regression([1.0, 2.0], [1.0]), "'X' .* one feature of 1 rows"),
        (lambda: plot.TriptychDisplay.from_regression([1.0, np.nan], [1.0, 2.0]), "'X' .* finite"),
        (lambda: plot.TriptychDisplay.from_regression([1.0, 1.0], [1.0, 2.0]), "'X' .* two different values"),
    ],
)
def test_refusals(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
