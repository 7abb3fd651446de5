"""Pictures of learning rates, in scikit-learn's manner: `Display` classes with ``from_...`` and ``.plot(ax=)``; they need matplotlib.

    fastgd.plot.LearningCurveDisplay.from_estimator(model)
    fastgd.plot.SweepDisplay.from_result(fastgd.sweep(model, X, y)).figure_.savefig("sweep.png")

A display keeps what it draws. Drawing sets `ax_` and `figure_` and changes no setting of matplotlib's; without `ax` it opens a figure of
pyplot's. Curves differ by colours that the colour-blind can tell apart, and by dashes or markers. Legends stand to the right of the axes,
which ``layout="constrained"`` leaves room for in figures of one's own.
"""

from fastgd.plot._gallery import schedule_gallery
from fastgd.plot._heatmap import RateScheduleHeatmapDisplay
from fastgd.plot._history import GradientHealthDisplay, LearningCurveDisplay
from fastgd.plot._results import LRFinderDisplay, ScheduleDisplay, SweepDisplay
from fastgd.plot._surfaces import SURFACES, Surface, quadratic
from fastgd.plot._trajectories import TrajectoryDisplay
from fastgd.plot._triptych import TriptychDisplay

__all__ = [
    "SURFACES",
    "GradientHealthDisplay",
    "LRFinderDisplay",
    "LearningCurveDisplay",
    "RateScheduleHeatmapDisplay",
    "ScheduleDisplay",
    "Surface",
    "SweepDisplay",
    "TrajectoryDisplay",
    "TriptychDisplay",
    "quadratic",
    "schedule_gallery",
]
