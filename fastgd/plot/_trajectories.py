"""The paths that optimizers take over a surface."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np

from fastgd import _drawing as drawing
from fastgd._validation import integer, type_error, value_error
from fastgd.optimizers import Optimizer
from fastgd.plot._surfaces import Surface, checked_start, checked_surface, descend, draw_contours


class TrajectoryDisplay:
    """The paths of optimizers over a surface of two parameters, on its contours.

    Made by `from_optimizers` as a rule.

    Parameters
    ----------
    surface : Surface or {"rosenbrock", "beale", "ravine", "saddle"}
        What they descend.
    paths : dict of array-like of shape (n_steps + 1, 2)
        The points of each path, the start first, by the name of what took it; convertible to float64.
    n_steps : int, optional
        How many steps were asked for: a shorter path has diverged. By default those of the longest path.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Line2D
        The paths.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import fastgd
    >>> paths = {"straight on": [[-4.0, 1.0], [0.0, 0.0]]}
    >>> display = fastgd.plot.TrajectoryDisplay(surface="ravine", paths=paths).plot(Figure().add_subplot())
    >>> display.ax_.get_title(loc="left")
    'a ravine: straight on gets lowest in 1 step'
    """

    def __init__(self, *, surface: Surface | str, paths: Mapping[str, Any], n_steps: int | None = None):
        self.surface, self.paths, self.n_steps = surface, paths, n_steps

    def plot(self, ax: Any = None) -> "TrajectoryDisplay":
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        TrajectoryDisplay
            Itself.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> display = fastgd.plot.TrajectoryDisplay(surface="saddle", paths={"down": [[-1.0, 0.0], [0.0, 1.0]]})
        >>> display.plot(Figure().add_subplot()).lines_[0].get_xdata().tolist()
        [-1.0, 0.0]
        """
        surface = checked_surface(self.surface, "TrajectoryDisplay")
        paths = {name: _checked_path(name, path) for name, path in self.paths.items()}
        n_steps = max(map(len, paths.values()), default=1) - 1 if self.n_steps is None else self.n_steps
        self.ax_ = drawing.axes(ax, "TrajectoryDisplay.plot")
        draw_contours(self.ax_, surface)
        self.lines_ = [
            draw_path(self.ax_, path, style, _labelled(name, path, surface, n_steps))
            for (name, path), style in zip(paths.items(), cycle(drawing.STYLES), strict=False)
        ]
        drawing.finish(self.ax_, _title(surface, paths, n_steps), *surface.parameters)
        drawing.legend(self.ax_)
        self.figure_ = self.ax_.figure
        return self

    @classmethod
    def from_optimizers(
        cls,
        optimizers: Mapping[str, Optimizer],
        *,
        surface: Surface | str = "rosenbrock",
        start: Any = None,
        n_steps: int = 200,
        ax: Any = None,
    ) -> "TrajectoryDisplay":
        """Let optimizers descend a surface, and draw their paths.

        Parameters
        ----------
        optimizers : dict of Optimizer
            Who descends, by name.
        surface : Surface or {"rosenbrock", "beale", "ravine", "saddle"}
            What they descend: a narrow curved valley, a plateau with steep walls, an ill-conditioned quadratic, or a saddle between
            two minima.
        start : array-like of shape (2,), optional
            Where they begin, convertible to float64; each surface has a place of its own.
        n_steps : int, default=200
            How many steps they have.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        TrajectoryDisplay
            Drawn.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            There is no such surface, or something else is no optimizer, no start, no number of steps.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> import fastgd
        >>> racers = {"SGD": fastgd.SGD(lr=0.035), "momentum": fastgd.SGD(lr=0.02, momentum=0.7)}
        >>> display = fastgd.plot.TrajectoryDisplay.from_optimizers(racers, surface="ravine", n_steps=40)
        >>> display.ax_.get_title(loc="left")
        'a ravine: momentum gets lowest in 40 steps'
        >>> matplotlib.pyplot.close(display.figure_)
        """
        where = checked_surface(surface, cls.__name__)
        begin = checked_start(start, where, cls.__name__)
        n_steps = integer(n_steps, cls.__name__, "n_steps", 1)
        if not isinstance(optimizers, Mapping) or not all(isinstance(o, Optimizer) for o in optimizers.values()):
            raise type_error(cls.__name__, "optimizers", 'a dict like {"SGD": fastgd.SGD(1e-3)}', optimizers)
        if not optimizers:
            raise value_error(cls.__name__, "optimizers", "a dict with at least one optimizer", optimizers)
        paths = {name: descend(optimizer, where, begin, n_steps) for name, optimizer in optimizers.items()}
        return cls(surface=where, paths=paths, n_steps=n_steps).plot(ax)


def draw_path(ax: Any, path: np.ndarray, style: drawing.Style, label: str | None, every: int | None = None) -> Any:
    """Draw a path of two parameters with a ring at its start and a larger marker at its end; return the line."""
    every = every or max(1, len(path) // 12)
    look = {"color": style.color, "ls": style.linestyle, "marker": style.marker, "markevery": every}
    line = ax.plot(*path.T, lw=drawing.LINE, ms=6, label=label, zorder=3, **look)[0]
    ax.plot(*path[-1], style.marker, ms=12, color=style.color, mec="white", mew=1.5, zorder=5)
    ax.plot(*path[0], "o", ms=12, mfc="white", mec="black", mew=2, zorder=5)
    return line


def _checked_path(name: str, given: Any) -> np.ndarray:
    path = np.array(given, np.float64)
    if path.ndim != 2 or path.shape[1] != 2 or not len(path) or not np.isfinite(path).all():
        accepted = "a dict of finite arrays of shape (n_steps + 1, 2)"
        raise value_error("TrajectoryDisplay", f"paths[{name!r}]", accepted, path.shape)
    return path


def _labelled(name: str, path: np.ndarray, surface: Surface, n_steps: int) -> str:
    if len(path) <= n_steps:
        n = len(path) - 1
        return f"{name}\ndiverged after {n} step{'s' * (n != 1)}"
    return f"{name}\n{surface.value(path[-1]) - surface.lowest:.2g} above the minimum"


def _title(surface: Surface, paths: Mapping[str, np.ndarray], n_steps: int) -> str:
    ends = {name: float(surface.value(path[-1])) for name, path in paths.items() if len(path) > n_steps}
    if not ends:
        return f"{surface.name}: all diverged" if paths else surface.name
    best = min(ends, key=ends.__getitem__)
    return f"{surface.name}: {best} gets lowest in {n_steps} step{'s' * (n_steps != 1)}"
