"""Pictures of what goes wrong or hardly begins: losses beyond all bounds, one epoch, one rate, very many rates, long names."""

import warnings
from itertools import pairwise

import matplotlib
import numpy as np
import pytest

from fastgd import plot
from fastgd.learning_rate import sweep
from fastgd.linear_model import SGDClassifier, SGDRegressor

matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")

X = np.random.default_rng(0).standard_normal((200, 4))
Y = X @ [1.0, -2.0, 3.0, 0.5]


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


def drawn(display):
    """Draw, so that what matplotlib has to warn of becomes an error; return the display."""
    display.figure_.canvas.draw()
    return display


def test_a_training_that_diverged_is_drawn():
    with np.errstate(over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of scikit-learn's score
        model = SGDRegressor(random_state=0, tol=None, max_iter=4).fit(X, 1e200 * Y, X_val=X, y_val=1e200 * Y)
    assert np.isinf(model.history_["loss"]).all()
    display = drawn(plot.LearningCurveDisplay.from_estimator(model))
    assert display.ax_.get_title(loc="left") == "validation loss beyond all bounds"
    drawn(plot.GradientHealthDisplay.from_estimator(model))


def test_what_cannot_be_drawn_is_a_gap():
    display = drawn(plot.LearningCurveDisplay(x=[1, 2, 3, 4], loss=[2.0, 1e300, np.inf, -np.inf]).plot())
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), [2.0, np.nan, np.nan, np.nan])
    assert display.ax_.get_title(loc="left") == "loss lowest at epoch 1: 2, beyond all bounds at the last epoch"
    late = drawn(plot.LearningCurveDisplay(x=[1, 2, 3], loss=[np.inf, 3.0, 2.0], learning_rate=[np.nan] * 3).plot())
    assert late.ax_.get_title(loc="left") == "loss lowest at epoch 3: 2"
    health = drawn(
        plot.GradientHealthDisplay(x=[1, 2, 3], grad_norm=[3.0, 1e150, np.inf], clipped=[0.5, np.nan, 1.0]).plot()
    )
    assert health.ax_.get_title(loc="left") == "gradient norm from 3 to 3; 67 % of all steps clipped"
    lost = drawn(plot.GradientHealthDisplay(x=[1, 2], grad_norm=[np.inf, np.inf]).plot())
    assert lost.ax_.get_title(loc="left") == "gradient norm beyond all bounds"


def test_one_epoch_is_seen_and_its_tick_is_a_whole_number():
    model = SGDClassifier(random_state=0, tol=None, max_iter=1, learning_rate=0.1, clip_norm=0.1).fit(X, Y > 0)
    curve = drawn(plot.LearningCurveDisplay.from_estimator(model))
    assert all(line.get_marker() != "None" and line.get_markersize() > 3 for line in curve.lines_)
    low, high = curve.ax_.get_xlim()
    assert [tick for tick in curve.ax_.get_xticks() if low <= tick <= high] == [1]
    health = drawn(plot.GradientHealthDisplay.from_estimator(model))
    assert health.clipped_ax_.lines[0].get_markersize() > 3


@pytest.mark.parametrize(
    "options",
    [{"learning_rate": [0.1], "n_epochs": 1}, {"learning_rate": [0.1, 1.0]}, {"learning_rate": [1e-3, 1e200]}],
)
@pytest.mark.parametrize("y", [Y, 0 * Y])
def test_sweeps_of_hardly_anything(options, y):
    display = drawn(plot.SweepDisplay.from_estimator(SGDRegressor(random_state=0), X, y, **options))
    low, high = display.ax_.get_ylim()
    assert low <= np.nanmin(display.result.val_loss) < high


def test_what_diverged_does_not_flatten_the_rest():
    y = np.random.default_rng(1).poisson(5, len(X)).astype(float)
    result = sweep(SGDRegressor(loss="poisson", random_state=0), X, y, learning_rate=np.geomspace(1e-4, 10, 16))
    last = result.val_loss[-1]
    assert last.min() < 0 < result.diverged.sum() and np.nanmax(last[result.diverged]) > 100
    low, high = result.plot().get_ylim()
    good = last[~result.diverged]
    assert high - low < 2 * np.ptp([*good, *result.val_loss[0][~result.diverged]])


@pytest.mark.parametrize("n", [3, 16, 40, 150])
def test_neither_numbers_nor_ticks_of_a_heat_map_run_into_each_other(n):
    rng = np.random.default_rng(2)
    loss = rng.uniform(0.1, 99, (3, n))
    rates, names = (
        np.geomspace(1e-7, 10, n),
        ["constant", "cosine", "a schedule with quite a long name to it, longer than its line"],
    )
    display = drawn(plot.RateScheduleHeatmapDisplay(learning_rate=rates, schedules=names, val_loss=loss).plot())
    top = [text.get_window_extent() for text in display.ax_.texts if text.get_position()[1] == 0]
    assert all(a.x1 < b.x0 for a, b in pairwise(top))
    assert bool(top) == (n == 3)
    ticks = display.ax_.get_xticks()
    assert len(ticks) <= 16
    width = display.ax_.get_window_extent().width / n * (ticks[1] - ticks[0])
    assert width > 1.3 * display.ax_.get_xticklabels()[0].get_fontsize() * display.figure_.dpi / 72, (
        "turned by 45 degrees"
    )
    title = display.ax_._left_title.get_window_extent()
    assert title.x1 <= display.figure_.bbox.width
