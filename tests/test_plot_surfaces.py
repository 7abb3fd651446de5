"""Surfaces and the paths over them: gradients against differences, paths against the literal recursion."""

from itertools import pairwise

import matplotlib
import matplotlib.figure
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgd
from fastgd import plot, schedules

matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", plot.SURFACES)
@settings(max_examples=25, deadline=None)
@given(point=st.tuples(st.floats(-2, 2), st.floats(-2, 2)))
def test_gradient_is_the_slope_of_the_surface(name, point):
    surface, w = plot.SURFACES[name], np.array(point)
    h = 1e-6
    slope = [(surface.value(w + h * e) - surface.value(w - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(surface.gradient(w), slope, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", plot.SURFACES)
def test_minima_are_minima_and_in_sight(name):
    surface = plot.SURFACES[name]
    for minimum in surface.minima:
        np.testing.assert_allclose(surface.gradient(np.array(minimum)), 0, atol=1e-12)
        assert surface.value(np.array(minimum)) == pytest.approx({"saddle": -1.0}.get(name, 0.0))
    grid = np.stack(np.meshgrid(*(np.linspace(*ends, 60) for ends in surface.window)))
    assert surface.value(grid).min() >= surface.lowest
    for point in (*surface.minima, surface.start):
        assert all(low < at < high for at, (low, high) in zip(point, surface.window, strict=True))


def test_trajectory_is_the_literal_recursion():
    display = plot.TrajectoryDisplay.from_optimizers(
        {"SGD": fastgd.SGD(lr=1e-3)}, surface="rosenbrock", start=[0.5, -0.5], n_steps=20
    )
    w, points = np.array([0.5, -0.5]), [[0.5, -0.5]]
    for _ in range(20):
        x, y = w
        w = w - 1e-3 * np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])
        points.append(w)
    np.testing.assert_allclose(display.lines_[0].get_xydata(), points, rtol=1e-12)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("x", "y")


def test_diverging_paths_say_so_and_do_not_win():
    racers = {"wild": fastgd.SGD(lr=1.0), "calm": fastgd.SGD(lr=1e-2)}
    display = plot.TrajectoryDisplay.from_optimizers(racers, surface="ravine", n_steps=60)
    first, second = (text.get_text() for text in display.ax_.get_legend().get_texts()[1:])
    assert first.startswith("wild\ndiverged after") and second.startswith("calm\n")
    assert "calm gets lowest in 60 steps" in display.ax_.get_title(loc="left")
    both = plot.TrajectoryDisplay.from_optimizers({"wild": fastgd.SGD(lr=1.0)}, surface="ravine")
    assert both.ax_.get_title(loc="left") == "a ravine: all diverged"


def test_percent_schedules_know_the_number_of_steps():
    falling = fastgd.SGD(lr=schedules.linear(0.03, "100%"))
    display = plot.TrajectoryDisplay.from_optimizers({"falling": falling}, surface="ravine", n_steps=10)
    steps = [np.abs(b - a).max() for a, b in pairwise(display.paths["falling"])]
    assert steps[-1] < 0.2 * steps[0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"surface": "rosenbrok"}, ValueError, "'surface' .*Did you mean 'rosenbrock'"),
        ({"surface": plot.quadratic([1.0])}, ValueError, "'surface' .* two parameters"),
        ({"surface": None}, TypeError, "'surface' .* a Surface or one of 'rosenbrock'"),
        ({"start": [1.0]}, ValueError, "'start' .* 2 finite numbers"),
        ({"start": "origin"}, TypeError, "'start' .* numbers"),
        ({"n_steps": 0}, ValueError, "'n_steps' .* >= 1"),
        ({"optimizers": {}}, ValueError, "'optimizers' .* at least one"),
        ({"optimizers": {"SGD": 0.1}}, TypeError, "'optimizers' .* a dict like"),
    ],
)
def test_trajectory_refusals(options, error, message):
    options = {"optimizers": {"SGD": fastgd.SGD(lr=1e-3)}, **options}
    with pytest.raises(error, match=message):
        plot.TrajectoryDisplay.from_optimizers(options.pop("optimizers"), **options)
    assert plt.get_fignums() == []
