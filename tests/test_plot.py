"""The pictures: what is drawn is what was given, it can be read, and nothing else is touched."""

import sys

import matplotlib
import matplotlib.figure
import numpy as np
import pytest

import fastgd
from fastgd import plot, schedules
from fastgd.linear_model import DivergedError, SGDRegressor

matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")

OKABE_ITO = {"#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"}
RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 4))
Y = X @ [1.0, -2.0, 3.0, 0.5] + 0.1 * RNG.standard_normal(300)
RATES = [1e-3, 1e-2, 1e-1]


def regressor(**options):
    return SGDRegressor(random_state=0, tol=None, max_iter=6, **options)


@pytest.fixture(scope="module")
def fitted():
    return regressor().fit(X[100:], Y[100:], X_val=X[:100], y_val=Y[:100])


@pytest.fixture(scope="module")
def swept():
    return fastgd.sweep(regressor(), X, Y, learning_rate=[*RATES, 1e3], n_epochs=3)


@pytest.fixture(scope="module")
def found():
    return fastgd.lr_find(regressor(), X, Y, n_seeds=3, n_points=40)


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


def learning_curve(**options):
    return plot.LearningCurveDisplay(
        x=[1, 2, 3], loss=[9.0, 2.0, 1.0], val_loss=[3.0, 1.5, 2.0], learning_rate=[0.1, 0.05, 0.01], **options
    )


def gradient_health():
    return plot.GradientHealthDisplay(x=[1, 2, 3], grad_norm=[90.0, 2.0, 1.0], clipped=[0.5, 0.25, 0.0])


def heatmap():
    return plot.RateScheduleHeatmapDisplay(
        learning_rate=RATES, schedules=["a", "b"], val_loss=[[5, 2, np.nan], [40, 3, 1]]
    )


def trajectory():
    return plot.TrajectoryDisplay(surface="ravine", paths={"A": [[-4, 1], [0, 0]], "B": [[-4, 1], [-2, 0], [-1, 0]]})


def schedule():
    return plot.ScheduleDisplay(schedule=schedules.cosine(0.1, 50))


SINGLE = [learning_curve, gradient_health, heatmap, trajectory, schedule]
each_single = pytest.mark.parametrize("make", SINGLE, ids=lambda make: make.__name__)


def every_display(swept, found):
    yield from (make().plot() for make in SINGLE)
    yield plot.SweepDisplay.from_result(swept)
    yield plot.LRFinderDisplay.from_result(found)
    yield plot.TriptychDisplay.from_quadratic([1.0])
    yield plot.TriptychDisplay.from_regression([0.0, 1.0, 2.0], [1.0, 2.9, 5.2])


def labels(ax):
    return ax.get_xlabel(), ax.get_ylabel()


# What everyone can read


def test_lines_are_thick_fonts_large_colours_safe(swept, found):
    for display in every_display(swept, found):
        for ax in display.figure_.axes:
            texts = [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts]
            texts += ax.get_legend().get_texts() if ax.get_legend() else []
            assert min(text.get_fontsize() for text in texts) >= 11, type(display)
            lines = [line for line in ax.lines if len(line.get_xdata()) > 1]
            assert min((line.get_linewidth() for line in lines), default=2) >= 2, type(display)
            for line in lines:
                r, g, b = matplotlib.colors.to_rgb(line.get_color())
                assert r == g == b or matplotlib.colors.to_hex((r, g, b)) in OKABE_ITO


def test_curves_differ_without_colour(fitted):
    display = plot.LearningCurveDisplay.from_estimator(fitted)
    dashes = {str(line.get_linestyle()) + str(line._dash_pattern) for line in display.lines_}
    assert len(dashes) == len(display.lines_) == 3


def test_legends_cover_no_data(swept, found):
    for display in every_display(swept, found):
        if isinstance(display, plot.TriptychDisplay | plot.ScheduleDisplay | plot.RateScheduleHeatmapDisplay):
            continue
        display.figure_.draw_without_rendering()
        texts = [text for ax in display.figure_.axes for text in (*ax.get_yticklabels(), ax.yaxis.label)]
        right = max(each.get_window_extent().x1 for each in (*display.figure_.axes, *texts))
        assert display.ax_.get_legend().get_window_extent().x0 >= right, type(display)


def test_every_picture_names_its_axes_and_its_finding(swept, found):
    for display in every_display(swept, found):
        axes = display.axes_.ravel() if isinstance(display, plot.TriptychDisplay) else [display.ax_]
        assert all(ax.get_title(loc="left") and ax.get_xlabel() for ax in axes), type(display)
        assert axes[0].get_ylabel()


# Axes are the caller's, and nothing else is touched


@each_single
def test_given_axes_are_drawn_on_and_pyplot_stays_as_it_was(make):
    current = plt.figure()
    settings_before = matplotlib.rcParams.copy()
    figure = matplotlib.figure.Figure()
    ax, other = figure.subplots(1, 2)
    display = make()
    assert display.plot(ax) is display
    assert display.ax_ is ax and display.figure_ is figure
    assert not other.lines and not other.collections
    assert plt.get_fignums() == [current.number] and plt.gcf() is current
    assert matplotlib.rcParams == settings_before


@each_single
def test_without_axes_there_is_one_new_figure(make):
    display = make().plot()
    assert plt.get_fignums() == [display.figure_.number]


def test_results_draw_on_given_axes(swept, found):
    ax, other = matplotlib.figure.Figure().subplots(1, 2)
    assert plot.SweepDisplay.from_result(swept, ax=ax).ax_ is ax
    assert plot.LRFinderDisplay.from_result(found, ax=other).ax_ is other
    assert plt.get_fignums() == []


def test_triptych_and_gallery_draw_where_they_are_told():
    figure = matplotlib.figure.Figure()
    axes = figure.subplots(2, 3)
    display = plot.TriptychDisplay.from_quadratic(ax=axes)
    assert display.figure_ is figure and (display.axes_ == axes).all()
    other = matplotlib.figure.Figure(figsize=(18, 20))
    assert plot.schedule_gallery(other) is other
    assert plt.get_fignums() == []


def test_inputs_are_not_changed():
    loss = np.array([[2.0, 3.0], [1.0, np.nan]])
    kept = loss.copy()
    plot.LearningCurveDisplay(x=[1, 2], loss=loss).plot()
    np.testing.assert_array_equal(loss, kept)


@each_single
def test_missing_matplotlib_is_one_clear_error(make, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"^\w+\.plot needs matplotlib: pip install fastgd\[plot\]$"):
        make().plot()


def test_missing_matplotlib_in_the_other_pictures(monkeypatch, swept, found):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    wanted = pytest.raises(ImportError, match=r"needs matplotlib: pip install fastgd\[plot\]")
    for draw in (plot.schedule_gallery, swept.plot, found.plot, plot.TriptychDisplay.from_quadratic):
        with wanted:
            draw()


# Results and schedules


def test_sweep_draws_every_epoch(swept):
    display = plot.SweepDisplay.from_result(swept)
    for line, epoch in zip(display.ax_.lines, swept.val_loss, strict=False):
        np.testing.assert_array_equal(line.get_xdata(), swept.learning_rate)
        np.testing.assert_array_equal(line.get_ydata(), epoch)
    assert display.ax_.get_xscale() == "log" and labels(display.ax_) == ("learning rate", "validation loss")
    assert f"best learning rate {swept.best_learning_rate:.3g}" in display.ax_.get_title(loc="left")
    low, high = display.ax_.get_ylim()
    assert low < np.nanmin(swept.val_loss[-1]) < high


def test_finder_draws_curve_band_and_suggestions(found):
    display = plot.LRFinderDisplay.from_result(found)
    np.testing.assert_array_equal(display.ax_.lines[0].get_ydata(), found.curve)
    drawn = [line.get_xdata()[0] for line in display.ax_.lines[1 : 1 + len(found.suggestions)]]
    assert drawn == [each.learning_rate for each in found.suggestions.values()]
    assert display.ax_.get_xscale() == "log" and display.ax_.get_xlabel() == "learning rate"
    low, high = display.ax_.get_ylim()
    assert low < found.curve.min() and high < 2 * found.curve[0]


def test_displays_from_estimators_run_the_same_search(found, swept):
    display = plot.LRFinderDisplay.from_estimator(regressor(), X, Y, n_seeds=3, n_points=40)
    np.testing.assert_array_equal(display.result.loss, found.loss)
    display = plot.SweepDisplay.from_estimator(regressor(), X, Y, learning_rate=[*RATES, 1e3], n_epochs=3)
    np.testing.assert_array_equal(display.result.val_loss, swept.val_loss)


@pytest.mark.parametrize("display", [plot.LRFinderDisplay, plot.SweepDisplay])
def test_what_is_no_result_is_refused(display):
    with pytest.raises(TypeError, match=r"'result' argument of \w+Display must be a \w+Result; got 3"):
        display.from_result(3)


def test_schedule_draws_its_values():
    display = plot.ScheduleDisplay.from_schedule("warmup(10%) >> cosine(0.1, 90%)", total_steps=50)
    text = schedules.parse("warmup(5) >> cosine(0.1, 45)")
    assert display.ax_.lines[0].get_ydata().tolist() == text.values(50).tolist()
    assert labels(display.ax_) == ("step", "learning rate")
    with pytest.raises(ValueError, match="total_steps"):
        plot.ScheduleDisplay.from_schedule("cosine(0.1, 90%)")
    with pytest.raises(TypeError, match="'schedule' argument of ScheduleDisplay"):
        plot.ScheduleDisplay(schedule=3).plot()


def test_measured_schedules_follow_the_losses_they_are_shown():
    loss = [3.0, 2.0, 2.0, 2.0, 1.0, 1.0]
    display = plot.ScheduleDisplay.from_schedule("plateau(1, 0.5, 0)", loss=loss)
    assert display.ax_.lines[0].get_ydata().tolist() == [1.0, 1.0, 1.0, 0.5, 0.25, 0.25]


def test_gallery_shows_every_schedule():
    figure = plot.schedule_gallery(matplotlib.figure.Figure(figsize=(18, 20)))
    titles = " ".join(ax.get_title(loc="left") for ax in figure.axes)
    known = set(schedules.__all__) - {"Schedule", "as_schedule", "from_dict", "parse"}
    assert {name for name in known if f"{name}(" not in titles} == set()
    for ax in figure.axes:
        values = schedules.parse(ax.get_title(loc="left"))
        if not values.is_stateful:
            np.testing.assert_array_equal(ax.lines[0].get_ydata(), values.values(100))


def test_a_second_schedule_on_the_same_axes_looks_different():
    ax = schedules.cosine(1, 10).plot(matplotlib.figure.Figure().add_subplot())
    schedules.linear(1, 10).plot(ax)
    assert ax.lines[0].get_color() != ax.lines[1].get_color()
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()


# Heat map


def test_heatmap_draws_its_numbers():
    display = heatmap().plot()
    drawn = display.mesh_.get_array()
    assert drawn.filled(-1).tolist() == [[5, 2, -1], [40, 3, 1]]
    assert [text.get_text() for text in display.ax_.texts] == ["5.00", "2.00", "40.0", "3.00", "1.00"]
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["a", "b"]
    assert isinstance(display.mesh_.norm, matplotlib.colors.LogNorm)
    assert display.ax_.get_title(loc="left") == "best: b at a rate of 0.1, validation loss 1"
    assert display.ax_.get_xlabel() == "learning rate (hatched: diverged, or worse than untrained)"


def test_many_cells_get_a_colour_bar_instead_of_numbers():
    display = plot.RateScheduleHeatmapDisplay(
        learning_rate=np.geomspace(1e-4, 1, 130), schedules=["a"], val_loss=np.ones((1, 130))
    ).plot(matplotlib.figure.Figure().add_subplot())
    assert not display.ax_.texts and display.figure_.axes[1].get_ylabel() == "validation loss"


def test_heatmap_trains_every_schedule_on_the_same_rows():
    cosine = schedules.cosine(1.0, "100%")
    named = {"text": "cosine(100%)", "object": cosine, "fixed": "constant", "inv": "invscaling"}
    options = {"learning_rate": [*RATES, 1e3], "n_epochs": 2}
    display = plot.RateScheduleHeatmapDisplay.from_estimator(
        SGDRegressor(random_state=np.random.RandomState(3)), X, Y, schedules=named, **options
    )
    rows = dict(zip(named, display.val_loss, strict=True))
    np.testing.assert_array_equal(rows["text"], rows["object"])
    assert np.isnan(display.val_loss[:, -1]).all()
    again = plot.RateScheduleHeatmapDisplay.from_estimator(regressor(), X, Y, schedules=named, **options)
    expected = fastgd.sweep(regressor(learning_rate=cosine), X, Y, **options)
    np.testing.assert_array_equal(again.val_loss[1][:3], expected.val_loss[-1][:3])


def test_heatmap_refusals():
    draw = plot.RateScheduleHeatmapDisplay.from_estimator
    for wrong in ({}, ["cosine(100%)"], None):
        with pytest.raises(TypeError, match="'schedules' argument of RateScheduleHeatmapDisplay"):
            draw(regressor(), X, Y, schedules=wrong)
    with pytest.raises(ValueError, match="cosin"):
        draw(regressor(), X, Y, schedules={"typo": "cosin(100%)"})
    with pytest.raises(DivergedError, match=r"from 1e\+05 on, .* try smaller ones"):
        draw(regressor(), X, Y, schedules={"c": "constant"}, learning_rate=[1e5, 1e6])
    with pytest.raises(ValueError, match="'val_loss' argument"):
        plot.RateScheduleHeatmapDisplay(learning_rate=RATES, schedules=["a"], val_loss=[[1.0]]).plot()
    assert plt.get_fignums() == []
