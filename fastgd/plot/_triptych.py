"""Too small, right, too large: the picture of the first lecture on learning rates."""

from typing import Any

import numpy as np

from fastgd import _drawing as drawing
from fastgd._validation import ArgumentTypeError, integer, shortened, value_error
from fastgd.optimizers import SGD
from fastgd.plot._surfaces import Surface, descend, draw_contours, quadratic
from fastgd.plot._trajectories import draw_path

COLUMNS = 3
STILL_FAR = 0.1  # of the excess loss left: too small
SHARES = (0.04, 1.0, 1.1)  # of the best rate, of the best rate, and of the largest stable rate
REACH = 1.6  # times as far as the start: what is shown


class TriptychDisplay:
    """Gradient descent with a rate that is too small, one that is right, and one that is too large: its path above, its loss below.

    Made by `from_quadratic` or `from_regression` as a rule.

    Parameters
    ----------
    surface : Surface
        A quadratic of one or two parameters.
    learning_rate : array-like of shape (3,)
        The rates, convertible to float64.
    n_steps : int
        How many steps each takes.
    loss_name : str
        What the surface is.

    Attributes
    ----------
    axes_ : ndarray of Axes, shape (2, 3), dtype object
        The axes: the paths above, the losses below.
    figure_ : matplotlib Figure
        The figure.
    paths_ : list of ndarray of float64, shape (n_steps + 1, n)
        The points that each rate comes through.
    verdicts_ : list of str
        "too small", "right" where no more than a tenth of the loss is left, "too large" or "large: it overshoots": with curvatures from
        m to L, a step multiplies the error by at most max(abs(1 - rate m), abs(1 - rate L)), which is smallest at 2/(m + L); from 2/L
        on it diverges.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import fastgd
    >>> surface = fastgd.plot.quadratic([1.0])
    >>> display = fastgd.plot.TriptychDisplay(surface=surface, learning_rate=[0.01, 0.9, 2.1]).plot()
    >>> display.verdicts_
    ['too small', 'right', 'too large']
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, *, surface: Surface, learning_rate: Any, n_steps: int = 15, loss_name: str = "loss"):
        self.surface, self.learning_rate, self.n_steps, self.loss_name = surface, learning_rate, n_steps, loss_name

    def plot(self, ax: Any = None) -> "TriptychDisplay":
        """Draw.

        Parameters
        ----------
        ax : ndarray of Axes, shape (2, 3), dtype object, optional
            Where to draw, as from ``plt.subplots(2, 3)``; a new figure by default.

        Returns
        -------
        TriptychDisplay
            Itself.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> display = fastgd.plot.TriptychDisplay(surface=fastgd.plot.quadratic([1.0]), learning_rate=[0.01, 0.9, 2.1])
        >>> display.plot(Figure().subplots(2, 3)).axes_[1, 0].get_yscale()
        'log'
        """
        owner = "TriptychDisplay"
        rates = _checked_rates(self.learning_rate, owner)
        n_steps = integer(self.n_steps, owner, "n_steps", 1)
        if ax is not None and np.shape(ax) != (2, COLUMNS):
            raise value_error(owner, "ax", "an array of axes of shape (2, 3), as from plt.subplots(2, 3)", np.shape(ax))
        start = np.array(self.surface.start)
        self.paths_ = [descend(SGD(lr=rate), self.surface, start, n_steps) for rate in rates]
        self.verdicts_ = [
            verdict(rate, curvatures(self.surface), left(path, self.surface))
            for rate, path in zip(rates, self.paths_, strict=True)
        ]
        if ax is None:
            options = {"figsize": (14.0, 8.0), "layout": "constrained", "sharey": "row", "sharex": "row"}
            ax = drawing.pyplot(f"{owner}.plot").subplots(2, COLUMNS, **options)[1]
        self.axes_ = np.asarray(ax)
        window = self._window()
        for k, (path, rate) in enumerate(zip(self.paths_, rates, strict=True)):
            title = f"{self.verdicts_[k]}: rate {rate:.3g}"
            self._draw_path(
                self.axes_[0, k], _until_outside(path, window), window, drawing.STYLES[k], title, first=k == 0
            )
            self._draw_loss(self.axes_[1, k], path, drawing.STYLES[k], first=k == 0)
        self.figure_ = self.axes_[0, 0].figure
        return self

    def _window(self) -> list[tuple[float, float]]:
        """Return what shows the minimum, the start, and somewhat further: a diverging path leaves it."""
        points = np.concatenate(self.paths_)
        centre = np.array(self.surface.minima[0])
        start = np.abs(np.array(self.surface.start) - centre)
        reach = np.clip(np.abs(points - centre).max(axis=0), 0.5 * start.max(), REACH * start.max())
        return [(float(c - 1.15 * r), float(c + 1.15 * r)) for c, r in zip(centre, reach, strict=True)]

    def _draw_path(self, ax: Any, path: np.ndarray, window: Any, style: drawing.Style, title: str, first: bool) -> None:
        names = self.surface.parameters
        if len(names) == 2:
            draw_contours(ax, self.surface, window)
            draw_path(ax, path, style, None, every=1)
            drawing.finish(ax, title, names[0], names[1] if first else "")
            return
        w = np.linspace(window[0][0], window[0][1], 201)
        height = self.surface.value(w[None])
        ax.plot(w, height, color="0.6", lw=drawing.LINE)
        draw_path(ax, np.stack([path[:, 0], self.surface.value(path.T)], axis=1), style, None, every=1)
        room = 0.08 * (height.max() - height.min())
        limits = {"xlim": window[0], "ylim": (height.min() - room, height.max() + room)}
        drawing.finish(ax, title, names[0], self.loss_name if first else "", **limits)

    def _draw_loss(self, ax: Any, path: np.ndarray, style: drawing.Style, first: bool) -> None:
        excess = np.maximum(self.surface.value(path.T) - self.surface.lowest, 0)
        look = {"color": style.color, "ls": style.linestyle, "marker": style.marker}
        ax.plot(np.arange(len(excess)), excess, lw=drawing.LINE, ms=drawing.MARKER, **look)
        begin = max(excess[0], np.finfo(float).tiny)
        title = _progress(excess[-1] / begin)
        ylabel = f"{self.loss_name} above its minimum" if first else ""
        drawing.finish(ax, title, "step", ylabel, yscale="log", ylim=(1e-5 * begin, 1e4 * begin))
        ax.minorticks_off()  # of nine decades they would be a blur

    @classmethod
    def from_quadratic(
        cls, curvature: Any = (1.0, 8.0), *, learning_rate: Any = None, n_steps: int = 15, ax: Any = None
    ) -> "TriptychDisplay":
        """Descend a quadratic of one or two parameters.

        Parameters
        ----------
        curvature : array-like of shape (1,) or (2,), default=(1, 8)
            The second derivatives > 0, convertible to float64.
        learning_rate : array-like of shape (3,), optional
            Rates > 0, convertible to float64; by default a 25th of the best, the best of 2/(m + L) and 1/L (with one
            curvature half of it, which arrives in one step), and 1.1 times the largest that is stable.
        n_steps : int, default=15
            How many steps each takes.
        ax : ndarray of Axes, shape (2, 3), dtype object, optional
            Where to draw; a new figure by default.

        Returns
        -------
        TriptychDisplay
            Drawn.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> display = fastgd.plot.TriptychDisplay.from_quadratic([2.0], ax=Figure().subplots(2, 3))
        >>> [ax.get_title(loc="left") for ax in display.axes_[0]]
        ['too small: rate 0.01', 'right: rate 0.25', 'too large: rate 1.1']
        """
        H = np.diag(np.atleast_1d(np.asarray(curvature, np.float64)))
        return cls._of(quadratic(H), learning_rate, n_steps, "loss", ax)

    @classmethod
    def from_regression(
        cls,
        X: Any,
        y: Any,
        *,
        fit_intercept: bool = True,
        learning_rate: Any = None,
        n_steps: int = 15,
        ax: Any = None,
    ) -> "TriptychDisplay":
        """Fit a straight line by gradient descent over all rows, from zero: of half the mean squared error.

        Parameters
        ----------
        X : array-like of shape (n_samples,) or (n_samples, 1)
            One feature, convertible to float64.
        y : array-like of shape (n_samples,)
            Targets, convertible to float64.
        fit_intercept : bool, default=True
            Two parameters, slope and intercept, instead of the slope alone.
        learning_rate : array-like of shape (3,), optional
            Rates > 0; by default a 25th of the best, the best of 2/(m + L) and 1/L (with one
            curvature half of it, which arrives in one step), and 1.1 times the largest that is stable.
        n_steps : int, default=15
            How many steps each takes.
        ax : ndarray of Axes, shape (2, 3), dtype object, optional
            Where to draw; a new figure by default.

        Returns
        -------
        TriptychDisplay
            Drawn.

        Raises
        ------
        ArgumentValueError
            The rows do not fit each other, or do not determine a line.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> figure = Figure()
        >>> display = fastgd.plot.TriptychDisplay.from_regression([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], ax=figure.subplots(2, 3))
        >>> [round(each, 6) for each in display.surface.minima[0]]
        [2.0, 1.0]
        """
        surface = _regression(X, y, fit_intercept)
        return cls._of(surface, learning_rate, n_steps, "half the MSE", ax)

    @classmethod
    def _of(cls, surface: Surface, learning_rate: Any, n_steps: int, loss_name: str, ax: Any) -> "TriptychDisplay":
        if learning_rate is None:
            n_steps = integer(n_steps, cls.__name__, "n_steps", 1)
            best = best_rate(surface, n_steps)
            learning_rate = np.array([best, best, 2 / curvatures(surface)[-1]]) * SHARES
        display = cls(surface=surface, learning_rate=learning_rate, n_steps=n_steps, loss_name=loss_name)
        return display.plot(ax)


def _progress(left: float) -> str:
    """Say which share of the loss is left."""
    if left > 1:
        return f"the loss grows {left:,.3g}-fold" if left < 100 else f"the loss grows {left:,.0f}-fold"
    return f"{100 * left:.2g} % of the loss is left" if left >= 1e-4 else "less than 0.01 % of the loss is left"


def _until_outside(path: np.ndarray, window: list[tuple[float, float]]) -> np.ndarray:
    """Return the path as far as the first point outside of the window."""
    low, high = np.array(window).T
    outside = ((path < low) | (path > high)).any(axis=1)
    return path[: int(outside.argmax()) + 1] if outside.any() else path


def curvatures(surface: Surface) -> np.ndarray:
    """Return the second derivatives of a quadratic along its axes, ascending: its gradient is linear."""
    centre = np.array(surface.minima[0])
    return np.linalg.eigvalsh(np.stack([surface.gradient(centre + unit) for unit in np.eye(len(centre))]))


def left(path: np.ndarray, surface: Surface) -> float:
    """Return the share of the excess loss that is left at the end of a path."""
    begin, end = np.maximum(surface.value(path[[0, -1]].T) - surface.lowest, 0)
    return float(end / max(begin, np.finfo(float).tiny))


def best_rate(surface: Surface, n_steps: int) -> float:
    """Return 2 / (m + L), at which the slowest direction is fastest, or 1 / L, which does not swing: what leaves less of this loss."""
    low, high = curvatures(surface)[[0, -1]]
    if low == high:
        return 1 / (2 * high)  # 1 / high would arrive in one step, and show nothing
    start = np.array(surface.start)
    return float(
        min(2 / (low + high), 1 / high, key=lambda r: left(descend(SGD(lr=r), surface, start, n_steps), surface))
    )


def verdict(rate: float, eigenvalues: np.ndarray, share: float) -> str:
    """Say what a rate is for a quadratic with these curvatures, where this share of the loss was left."""
    if np.abs(1 - rate * eigenvalues).max() >= 1:
        return "too large"
    if share <= STILL_FAR:
        return "right"
    return "too small" if rate <= 2 / (eigenvalues.min() + eigenvalues.max()) else "large: it overshoots"


def _checked_rates(given: Any, owner: str) -> list[float]:
    try:
        rates = np.array(given, np.float64)
    except (TypeError, ValueError):
        message = (
            f"the 'learning_rate' argument of {owner} must be three numbers > 0; got {shortened(repr(given), 80)}."
        )
        raise ArgumentTypeError(message) from None
    if rates.shape != (COLUMNS,) or not (np.isfinite(rates) & (rates > 0)).all():
        raise value_error(owner, "learning_rate", "three numbers > 0", given)
    return rates.tolist()


def _regression(X: Any, y: Any, fit_intercept: bool) -> Surface:
    """Return half the mean squared error of a straight line as a surface."""
    owner = "TriptychDisplay.from_regression"
    x, y = np.asarray(X, np.float64), np.asarray(y, np.float64)
    n = len(np.atleast_1d(y))
    if y.ndim != 1 or x.size != n or x.shape not in ((n,), (n, 1)):
        raise value_error(owner, "X", f"one feature of {n} rows, like y", x.shape)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise value_error(owner, "X", "finite, like y", X)
    features = np.stack([x.ravel(), np.ones(n)], axis=1)[:, : 1 + bool(fit_intercept)]
    best, _, rank, _ = np.linalg.lstsq(features, y, rcond=None)
    if rank < features.shape[1]:
        raise value_error(owner, "X", "of rows that determine the line", X, "Give at least two different values.")
    H = features.T @ features / n
    lowest = 0.5 * float(np.mean((features @ best - y) ** 2))
    start, names = np.zeros(len(best)), ("slope", "intercept")
    return quadratic(H, best, start=start, lowest=lowest, name="linear regression", parameters=names)
