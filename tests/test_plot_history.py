"""Pictures of a training that is over: the curves are those of the history."""

from itertools import pairwise

import matplotlib
import matplotlib.figure
import numpy as np
import pytest

from fastgd import plot
from fastgd.linear_model import SGDClassifier, SGDRegressor

matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 4))
Y = X @ [1.0, -2.0, 3.0, 0.5] + 0.1 * RNG.standard_normal(300)


def regressor():
    return SGDRegressor(random_state=0, tol=None, max_iter=6)


@pytest.fixture(scope="module")
def fitted():
    return regressor().fit(X[100:], Y[100:], X_val=X[:100], y_val=Y[:100])


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


def test_learning_curve_draws_the_history(fitted):
    display = plot.LearningCurveDisplay.from_estimator(fitted, x="step")
    for line, name in zip(display.lines_, ("loss", "val_loss", "learning_rate"), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), fitted.history_["step"])
        np.testing.assert_array_equal(line.get_ydata(), fitted.history_[name])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("step", "mean loss per row")
    assert display.rate_ax_.get_ylabel() == "learning rate"


def test_learning_curve_scales_and_title():
    display = plot.LearningCurveDisplay(
        x=[1, 2, 3], loss=[9.0, 2.0, 1.0], val_loss=[3.0, 1.5, 2.0], learning_rate=[0.1, 0.05, 0.02]
    ).plot()
    assert display.ax_.get_yscale() == "linear" and display.rate_ax_.get_yscale() == "linear"
    assert display.ax_.get_title(loc="left") == "validation loss lowest at epoch 2: 1.5"
    plain = plot.LearningCurveDisplay(x=[1, 2, 3], loss=[9.0, 2.0, 0.5], xlabel="step").plot()
    assert plain.ax_.get_yscale() == "log" and plain.rate_ax_ is None
    assert plain.ax_.get_title(loc="left") == "loss from 9 to 0.5, lowest at the last step"


def test_several_models_are_mean_and_range_and_stay_where_they_stopped():
    loss = [[1.0, 5.0], [0.5, np.nan], [0.1, np.nan]]
    display = plot.LearningCurveDisplay(x=[1, 2, 3], loss=loss).plot()
    np.testing.assert_allclose(display.lines_[0].get_ydata(), [3.0, 2.75, 2.55])
    heights = display.ax_.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (0.1, 5.0)


def test_multiclass_history_is_drawn():
    model = SGDClassifier(random_state=0, tol=None, max_iter=3).fit(X, np.digitize(Y, [-1, 1]))
    display = plot.LearningCurveDisplay.from_estimator(model)
    np.testing.assert_allclose(display.lines_[0].get_ydata(), model.history_["loss"].mean(axis=1))


def test_a_constant_rate_is_seen_against_zero():
    display = plot.LearningCurveDisplay(x=[1, 2], loss=[2.0, 1.0], learning_rate=[2e-4, 2e-4]).plot()
    assert display.rate_ax_.get_ylim() == pytest.approx((0, 2.1e-4))


def test_ticks_of_many_steps_do_not_run_into_each_other():
    display = plot.LearningCurveDisplay(x=np.arange(1, 13) * 30_000, loss=np.ones(12), xlabel="step")
    display.plot(matplotlib.figure.Figure(figsize=(7, 4), layout="constrained").add_subplot())
    display.figure_.draw_without_rendering()
    boxes = [tick.get_window_extent() for tick in display.ax_.get_xticklabels() if tick.get_text()]
    assert len(boxes) > 1 and all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_gradient_health_draws_norm_and_share():
    display = plot.GradientHealthDisplay(x=[1, 2, 3], grad_norm=[90.0, 2.0, 1.0], clipped=[0.5, 0.25, 0.0]).plot()
    assert display.ax_.lines[0].get_ydata().tolist() == [90.0, 2.0, 1.0]
    assert display.clipped_ax_.lines[0].get_ydata().tolist() == [50.0, 25.0, 0.0]
    assert display.ax_.get_yscale() == "log" and display.clipped_ax_.get_ylabel() == "steps clipped (%)"
    assert display.ax_.get_title(loc="left") == "gradient norm from 90 to 1; 25 % of all steps clipped"


def test_gradient_health_of_an_estimator(fitted):
    display = plot.GradientHealthDisplay.from_estimator(fitted)
    np.testing.assert_array_equal(display.ax_.lines[0].get_ydata(), fitted.history_["grad_norm"])
    assert display.clipped_ax_ is None


@pytest.mark.parametrize("display", [plot.LearningCurveDisplay, plot.GradientHealthDisplay])
def test_estimators_that_cannot_be_drawn(display):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    for unfitted in (SGDRegressor(), make_pipeline(SGDRegressor()), GridSearchCV(SGDRegressor(), {})):
        with pytest.raises(ValueError, match=r"'estimator' argument of \w+Display must be fitted.*Call its fit first"):
            display.from_estimator(unfitted)
    for other in (LogisticRegression(), None, "SGD"):
        with pytest.raises(TypeError, match=r"must be an estimator of fastgd\.linear_model"):
            display.from_estimator(other)
    assert plt.get_fignums() == []


def test_pipelines_and_searches_are_looked_into():
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    search = GridSearchCV(make_pipeline(StandardScaler(), regressor()), {"sgdregressor__eta0": [0.01]}, cv=2).fit(X, Y)
    history = search.best_estimator_[-1].history_
    drawn = plot.LearningCurveDisplay.from_estimator(search).lines_[0].get_ydata()
    np.testing.assert_array_equal(drawn, history["loss"])


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"loss": [1.0]}, "loss"),
        ({"loss": [1.0, 2.0], "val_loss": [1.0]}, "val_loss"),
        ({"loss": [1.0, 2.0], "learning_rate": [[[1.0]]] * 2}, "learning_rate"),
    ],
)
def test_impossible_histories_are_refused_before_a_figure_is_opened(options, named):
    with pytest.raises(ValueError, match=f"'{named}' argument of LearningCurveDisplay"):
        plot.LearningCurveDisplay(x=[1, 2], **options).plot()
    assert plt.get_fignums() == []


def test_unknown_horizontal_axis(fitted):
    with pytest.raises(ValueError, match=r"'x' argument of LearningCurveDisplay .*'epoch', 'step'"):
        plot.LearningCurveDisplay.from_estimator(fitted, x="epochs")
