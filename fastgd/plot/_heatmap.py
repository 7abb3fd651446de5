"""Learning rate x schedule: where the validation loss is low."""

from collections.abc import Mapping
from textwrap import fill
from typing import Any

import numpy as np

from fastgd import _drawing as drawing
from fastgd._validation import shortened, type_error, value_error
from fastgd.learning_rate import sweep
from fastgd.schedules import Schedule, as_schedule

BY_NAME = ("constant", "invscaling", "adaptive")  # scikit-learn's, whose base rate a sweep varies
LETTER = 0.65  # of the size of a font, in width
MOST_RATES = 16  # with a tick
NAME = 24  # characters, of a line of a schedule's name
LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)


class RateScheduleHeatmapDisplay:
    """The validation loss for every learning rate with every schedule, as a map of cells.

    Made by `from_estimator` as a rule.

    Parameters
    ----------
    learning_rate : array-like of shape (n_rates,)
        The rates, ascending, convertible to float64.
    schedules : list of str
        The names of the schedules.
    val_loss : array-like of shape (n_schedules, n_rates)
        The validation loss after training, convertible to float64; NaN where it diverged or was worse than untrained.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    mesh_ : matplotlib QuadMesh
        The cells.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import fastgd
    >>> display = fastgd.plot.RateScheduleHeatmapDisplay(
    ...     learning_rate=[0.01, 0.1], schedules=["constant", "cosine"], val_loss=[[2.0, 3.0], [2.5, 1.0]]
    ... ).plot()
    >>> display.ax_.get_title(loc="left")
    'best: cosine at a rate of 0.1, validation loss 1'
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, *, learning_rate: Any, schedules: Any, val_loss: Any):
        self.learning_rate, self.schedules, self.val_loss = learning_rate, schedules, val_loss

    def plot(self, ax: Any = None) -> "RateScheduleHeatmapDisplay":
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        RateScheduleHeatmapDisplay
            Itself.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> display = fastgd.plot.RateScheduleHeatmapDisplay(learning_rate=[0.1], schedules=["cosine"], val_loss=[[1.0]])
        >>> display.plot(Figure().add_subplot()).mesh_.get_array().tolist()
        [[1.0]]
        """
        rates, names, loss = np.asarray(self.learning_rate), list(self.schedules), np.array(self.val_loss, np.float64)
        if loss.shape != (len(names), len(rates)) or not np.isfinite(loss).any():
            accepted = f"of shape ({len(names)}, {len(rates)}), a row for each schedule, with a finite number"
            raise value_error("RateScheduleHeatmapDisplay", "val_loss", accepted, self.val_loss)
        self.ax_ = drawing.axes(ax, "RateScheduleHeatmapDisplay.plot")
        self._draw_cells(np.ma.masked_invalid(loss))
        best = np.unravel_index(np.nanargmin(loss), loss.shape)
        corner = (best[1] - 0.5, best[0] - 0.5)
        from matplotlib.patches import Rectangle

        self.ax_.add_patch(Rectangle(corner, 1, 1, fill=False, ec=drawing.VERMILLION, lw=4, clip_on=False, zorder=5))
        numbers = {cell: f"{value:#.3g}".rstrip(".") for cell, value in np.ndenumerate(loss) if np.isfinite(value)}
        if self._width() / len(rates) > LETTER * drawing.SMALL * max(map(len, numbers.values())):
            self._write_numbers(loss, numbers)
        else:
            bar = self.ax_.figure.colorbar(self.mesh_, ax=self.ax_)
            drawing.finish(bar.ax, "", "", "validation loss")
        title = f"best: {shortened(names[best[0]], NAME)} at a rate of {rates[best[1]]:.3g}, validation loss {loss[best]:.4g}"
        note = "" if np.isfinite(loss).all() else " (hatched: diverged, or worse than untrained)"
        labels = [fill(name, NAME) for name in names]
        room = drawing.TITLE - max(len(line) for label in labels for line in label.split("\n"))
        drawing.finish(self.ax_, title, f"learning rate{note}", "schedule", characters=room)
        ticks = range(0, len(rates), -(-len(rates) // MOST_RATES))
        self.ax_.set_xticks(ticks, [f"{rates[k]:.2g}" for k in ticks], rotation=45)
        self.ax_.set_yticks(range(len(names)), labels)
        self.figure_ = self.ax_.figure
        return self

    def _draw_cells(self, loss: np.ma.MaskedArray) -> None:
        from matplotlib.colors import LogNorm, Normalize

        scaled = LogNorm if drawing.scale(loss.compressed()) == "log" else Normalize
        low, high = float(loss.min()), float(loss.max())
        self.ax_.set_facecolor("white")
        self.ax_.patch.set(hatch="///", edgecolor="0.6")
        across, down = (np.arange(n + 1) - 0.5 for n in loss.shape[::-1])
        self.mesh_ = self.ax_.pcolormesh(across, down, loss, cmap="cividis_r", norm=scaled(low, high))
        self.ax_.invert_yaxis()

    def _width(self) -> float:
        """Return the width of the axes in points."""
        return 72 * self.ax_.get_position().width * self.ax_.figure.get_figwidth()

    def _write_numbers(self, loss: np.ndarray, numbers: dict[tuple[int, ...], str]) -> None:
        for (row, column), text in numbers.items():
            light = np.dot(self.mesh_.to_rgba(loss[row, column])[:3], LUMINANCE) > 0.45
            look = {"ha": "center", "va": "center", "color": "black" if light else "white"}
            self.ax_.text(column, row, text, fontsize=drawing.SMALL, **look)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        learning_rate: Any = None,
        schedules: Mapping[str, Schedule | str | float],
        n_epochs: int = 5,
        random_state: Any = None,
        ax: Any = None,
        **options: Any,
    ) -> "RateScheduleHeatmapDisplay":
        """Run `fastgd.sweep` with each schedule, on the same rows in the same order, and draw the losses; the estimator is not changed.

        Parameters
        ----------
        estimator : SGDClassifier, SGDRegressor or Perceptron
            Of `fastgd.linear_model`.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : array-like of shape (n_samples,), or (n_samples, n_outputs) for regression
            Targets.
        learning_rate : array-like of shape (n_rates,), optional
            The rates, which each schedule is multiplied by; by default ``np.geomspace(1e-4, 10, 16)``.
        schedules : dict of Schedule, str or float
            The schedules by name: objects, their text such as "cosine(100%)", or "constant", "invscaling" and "adaptive".
        n_epochs : int, default=5
            How often to go through the rows.
        random_state : int, RandomState or numpy Generator, optional
            Takes the place of the estimator's; one seed for all schedules.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **options
            Further ones of `fastgd.sweep`.

        Returns
        -------
        RateScheduleHeatmapDisplay
            Drawn.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            The schedules are none, or what `fastgd.sweep` refuses.
        DivergedError
            Everything diverged, or ended worse than untrained.

        Examples
        --------
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> from fastgd.linear_model import SGDRegressor
        >>> X = np.random.default_rng(0).normal(size=(200, 3))
        >>> display = fastgd.plot.RateScheduleHeatmapDisplay.from_estimator(
        ...     SGDRegressor(random_state=0), X, X @ [1.0, 2.0, 3.0], learning_rate=[1e-3, 1e-2, 1e3],
        ...     schedules={"constant": "constant", "cosine": "cosine(100%)"}, ax=Figure().add_subplot(),
        ... )
        >>> np.isnan(display.val_loss).tolist()
        [[False, False, True], [False, False, True]]
        """
        from sklearn.base import clone

        from fastgd.linear_model import DivergedError

        if not isinstance(schedules, Mapping) or not schedules:
            accepted = 'a dict like {"cosine": "cosine(100%)"}'
            raise type_error(cls.__name__, "schedules", accepted, schedules)
        named = {name: _checked_schedule(name, each, cls.__name__) for name, each in schedules.items()}
        rates = np.geomspace(1e-4, 10, 16) if learning_rate is None else learning_rate
        seed, rows = _one_seed(estimator, random_state), []
        for each in named.values():
            model = clone(estimator).set_params(learning_rate=each)
            try:
                result = sweep(model, X, y, learning_rate=rates, n_epochs=n_epochs, random_state=seed, **options)
                rows.append(np.where(result.diverged, np.nan, result.val_loss[-1]))
            except DivergedError:
                rows.append(np.full(len(rates), np.nan))
        if np.isnan(rows).all():
            lowest = (
                f"from {np.min(rates):.3g} on, all rates diverged or ended worse than untrained, with every schedule"
            )
            raise DivergedError(f"{lowest}; try smaller ones.")
        return cls(learning_rate=np.unique(rates), schedules=list(named), val_loss=np.array(rows)).plot(ax)


def _checked_schedule(name: str, given: Any, owner: str) -> Any:
    return given if isinstance(given, str) and given in BY_NAME else as_schedule(given, owner, f"schedules[{name!r}]")


def _one_seed(estimator: Any, random_state: Any) -> int:
    """Return one seed for all sweeps: schedules are compared on the same rows in the same order."""
    from sklearn.utils import check_random_state

    given = getattr(estimator, "random_state", None) if random_state is None else random_state
    if isinstance(given, np.random.Generator):
        return int(given.integers(2**31 - 1))
    return int(given) if isinstance(given, int) else int(check_random_state(given).randint(2**31 - 1))
