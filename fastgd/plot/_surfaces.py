"""Surfaces to descend: each written once, with its gradient, the place to start, and the part worth looking at."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastgd._validation import NonFiniteError, choice, shortened, type_error, value_error
from fastgd.optimizers import Optimizer

FAR = 1e6  # times the size of the window: diverged


@dataclass(frozen=True, repr=False)
class Surface:
    """A function of one or two parameters, to be minimised.

    Parameters
    ----------
    name, formula : str
        What titles say.
    value : callable
        ``value(w)`` of a float64 array of shape (n,), or (n, ...) for many points at once.
    gradient : callable
        ``gradient(w)``, of shape (n,), for w of that shape.
    minima : tuple of tuples
        The lowest points.
    start : tuple
        Where paths begin.
    window : tuple of pairs
        From where to where to look, in each parameter.
    parameters : tuple of str
        Their names.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgd
    >>> surface = fastgd.plot.SURFACES["rosenbrock"]
    >>> float(surface.value(np.array([1.0, 1.0]))), surface.gradient(np.array([0.0, 0.0])).tolist()
    (0.0, [-2.0, 0.0])
    """

    name: str
    formula: str
    value: Callable[[np.ndarray], Any]
    gradient: Callable[[np.ndarray], np.ndarray]
    minima: tuple[tuple[float, ...], ...]
    start: tuple[float, ...]
    window: tuple[tuple[float, float], ...]
    parameters: tuple[str, ...] = ("x", "y")

    @property
    def lowest(self) -> float:
        """The value at the minima."""
        return float(self.value(np.array(self.minima[0])))

    def __repr__(self) -> str:
        return f"Surface({self.name}: {self.formula})"


def quadratic(
    hessian: Any,
    minimum: Any = None,
    *,
    start: Any = None,
    lowest: float = 0.0,
    name: str = "a quadratic",
    parameters: tuple[str, ...] = ("x", "y"),
) -> Surface:
    """Return the quadratic with a given matrix of second derivatives: the surface on which everything about the rate can be calculated.

    .. math:: f(w) = \\tfrac12 (w - c)^T H (w - c) + f_0

    Parameters
    ----------
    hessian : array-like of shape (n,) or (n, n)
        H, symmetric and positive definite with n of 1 or 2, or its diagonal; convertible to float64.
    minimum : array-like of shape (n,), optional
        c; the origin by default.
    start : array-like of shape (n,), optional
        Where paths begin; by default at a distance of 2 from the minimum in each parameter.
    lowest : float
        The value at the minimum.
    name : str
        What titles say.
    parameters : tuple of str
        The names of the parameters.

    Returns
    -------
    Surface
        The surface.

    Raises
    ------
    ArgumentValueError
        The matrix is not positive definite, or not of 1 or 2 parameters.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgd
    >>> surface = fastgd.plot.quadratic([1.0, 10.0])
    >>> surface.gradient(np.array([2.0, 1.0]))
    array([ 2., 10.])
    """
    H = np.array(hessian, np.float64)
    H = np.diag(H) if H.ndim == 1 else H
    n = len(H) if H.ndim == 2 else 0
    if n not in (1, 2) or H.shape != (n, n) or not (np.isfinite(H).all() and np.linalg.eigvalsh(H)[0] > 0):
        accepted = "a positive definite matrix of shape (1, 1) or (2, 2), or its diagonal"
        raise value_error("quadratic", "hessian", accepted, hessian)
    c = np.zeros(n) if minimum is None else np.array(minimum, np.float64).reshape(n)
    begin = c + np.array([-2.0, 2.0])[:n] if start is None else np.array(start, np.float64).reshape(n)

    def value(w: np.ndarray) -> Any:
        d = w - c.reshape((n,) + (1,) * (np.ndim(w) - 1))
        return 0.5 * np.einsum("i...,ij,j...->...", d, H, d) + lowest

    reach = 1.3 * max(float(np.abs(begin - c).max()), 1e-12)
    window = tuple((float(m - reach), float(m + reach)) for m in c)

    def gradient(w: np.ndarray) -> np.ndarray:
        return H @ (w - c)

    formula = "curvature " + " and ".join(f"{each:.3g}" for each in np.linalg.eigvalsh(H))
    points = (tuple(c.tolist()),), tuple(begin.tolist())
    return Surface(name, formula, value, gradient, *points, window, parameters[:n])


def _rosenbrock_gradient(w: np.ndarray) -> np.ndarray:
    x, y = w
    return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])


BEALE = (1.5, 2.25, 2.625)


def _beale(w: np.ndarray) -> Any:
    x, y = w
    return sum((a - x + x * y**k) ** 2 for k, a in enumerate(BEALE, 1))


def _beale_gradient(w: np.ndarray) -> np.ndarray:
    x, y = w
    terms = [(a - x + x * y**k, y**k - 1, k * x * y ** (k - 1)) for k, a in enumerate(BEALE, 1)]
    return np.array([sum(2 * r * dx for r, dx, _ in terms), sum(2 * r * dy for r, _, dy in terms)])


def _saddle_gradient(w: np.ndarray) -> np.ndarray:
    x, y = w
    return np.array([2 * x, y**3 - 2 * y])


def _rosenbrock(w: np.ndarray) -> Any:
    return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2


def _saddle(w: np.ndarray) -> Any:
    return w[0] ** 2 - w[1] ** 2 + w[1] ** 4 / 4


SURFACES = {
    "rosenbrock": Surface(
        "Rosenbrock's valley",
        "(1 - x)² + 100 (y - x²)²",
        _rosenbrock,
        _rosenbrock_gradient,
        ((1.0, 1.0),),
        (-1.0, -0.5),
        ((-2.0, 2.0), (-1.0, 3.0)),
    ),
    "beale": Surface(
        "Beale's function",
        "(1.5 - x + xy)² + (2.25 - x + xy²)² + (2.625 - x + xy³)²",
        _beale,
        _beale_gradient,
        ((3.0, 0.5),),
        (1.0, 1.5),
        ((-0.5, 4.0), (-1.8, 2.2)),
    ),
    "ravine": replace(quadratic([1.0, 50.0], start=(-4.0, 1.0), name="a ravine"), window=((-4.5, 1.5), (-1.3, 1.3))),
    "saddle": Surface(
        "a saddle",
        "x² - y² + y⁴/4",
        _saddle,
        _saddle_gradient,
        ((0.0, 2**0.5), (0.0, -(2**0.5))),
        (-1.5, 0.01),
        ((-2.0, 2.0), (-2.0, 2.0)),
    ),
}
"""The surfaces of the pictures, by name: "rosenbrock", "beale", "ravine" (an ill-conditioned quadratic), "saddle"."""


def checked_surface(given: Any, owner: str) -> Surface:
    """Return a surface, or the one of a name, of two parameters."""
    if isinstance(given, str):
        return SURFACES[choice(given, owner, "surface", tuple(SURFACES))]
    if not isinstance(given, Surface):
        accepted = f"a Surface or one of {', '.join(map(repr, SURFACES))}"
        raise type_error(owner, "surface", accepted, given)
    if len(given.start) != 2:
        raise value_error(owner, "surface", "a surface of two parameters", given)
    return given


def checked_start(given: Any, surface: Surface, owner: str) -> np.ndarray:
    """Return the start of paths, (n,), by default the surface's."""
    try:
        start = np.array(surface.start if given is None else given, np.float64)
    except (TypeError, ValueError):
        raise type_error(owner, "start", "numbers", shortened(repr(given), 80)) from None
    if start.shape != (len(surface.start),) or not np.isfinite(start).all():
        raise value_error(owner, "start", f"{len(surface.start)} finite numbers", given)
    return start


def descend(optimizer: Optimizer, surface: Surface, start: np.ndarray, n_steps: int) -> np.ndarray:
    """Return the points that an optimizer comes through, (n_done + 1, n): as far as it stays anywhere near."""
    w = start.copy()
    state = optimizer.init(w, total_steps=n_steps)
    path = [w.copy()]
    too_far = FAR * max(abs(end) for pair in surface.window for end in pair)
    for _ in range(n_steps):
        try:
            state.step(surface.gradient(w), loss=float(surface.value(w)))  # which some optimizers set their step by
        except NonFiniteError:
            break
        if not np.abs(w).max() < too_far:
            break
        path.append(w.copy())
    return np.array(path)


def draw_contours(ax: Any, surface: Surface, window: Any = None) -> None:
    """Draw the surface in grey, lighter towards the bottom, in levels of equal ratio, and its minima as stars."""
    (left, right), (bottom, top) = surface.window if window is None else window
    x, y = np.meshgrid(np.linspace(left, right, 201), np.linspace(bottom, top, 201))
    height = surface.value(np.stack([x, y])) - surface.lowest
    levels = np.log10(np.maximum(height, 1e-4 * height.max()))
    ax.contourf(x, y, levels, 12, cmap="Greys", alpha=0.25, zorder=0, antialiased=True)
    ax.contour(x, y, levels, 12, colors="0.7", linestyles="solid", linewidths=1, zorder=0)
    for k, (u, v) in enumerate(surface.minima):
        label = None if k else "minimum"
        ax.plot(u, v, "*", ms=20, color="black", mec="white", zorder=6, ls="none", label=label)
    ax.set(xlim=(left, right), ylim=(bottom, top))
