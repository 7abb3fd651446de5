"""Rates that rise and fall: warm restarts, triangular cycles, the one-cycle policy, Chebyshev steps."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Annotated

from fastgd._kernels._shapes import between, falling_wave, scaled_power
from fastgd._validation import choice, integer, value_error
from fastgd.schedules._algebra import factory
from fastgd.schedules._arguments import Fraction, Positive, Rate, Steps, Switch, base_and_duration
from fastgd.schedules._durations import LAST_STEP, Context
from fastgd.schedules.base import Schedule

DAMPING = ("triangular", "triangular2", "exp_range")
MOST_CHEBYSHEV = 2**20


def _multiple(value: object, owner: str, name: str) -> int:
    return integer(value, owner, name, 1)


@dataclass(frozen=True, repr=False)
class CosineRestarts(Schedule, kind="cosine_restarts"):
    """Half cosine waves one after the other."""

    a0: Rate
    T: Steps
    T_mult: Annotated[int, _multiple] = 1
    end: Rate = 0.0
    decay: Fraction = 1.0
    _unit_base = True

    def _prepare(self) -> None:
        if not self.is_resolved:
            return
        starts = [0, self.T]  # of the cycles, where they grow
        while self.T_mult > 1 and starts[-1] <= LAST_STEP:
            starts.append(starts[-1] + (starts[-1] - starts[-2]) * self.T_mult)
        self._set(_starts=starts)

    def _at(self, t: int, memory) -> float:
        if self.T_mult == 1:
            (cycle, r), length = divmod(t, self.T), self.T
        else:
            cycle = bisect_right(self._starts, t) - 1
            r, length = t - self._starts[cycle], self._starts[cycle + 1] - self._starts[cycle]
        top = self.end + scaled_power(self.a0 - self.end, self.decay, cycle)
        return falling_wave(top, self.end, r / length) if r else top


@factory
def cosine_restarts(
    a0: "float | int | str" = 1.0,
    T: "int | str | None" = None,
    T_mult: int = 1,
    end: float = 0.0,
    decay: float = 1.0,
) -> Schedule:
    """Return cosine annealing with warm restarts (SGDR).

    In cycle i, of length ``T * T_mult**i``, r steps after its beginning:
    ``a_t = end + (a0 - end) * decay**i * (1 + cos(pi * r / (T * T_mult**i))) / 2``.

    ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`` has the same values at the same step.

    Parameters
    ----------
    a0 : float
        The rate at the first restart. It may be left out.
    T : int or str
        The length of the first cycle.
    T_mult : int
        How many times longer each cycle is than the one before.
    end : float
        The rate that each cycle falls to.
    decay : float
        The factor of the height from cycle to cycle, in [0, 1].

    References
    ----------
    I. Loshchilov, F. Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017.

    Examples
    --------
    >>> from fastgd.schedules import cosine_restarts
    >>> cosine_restarts(1.0, 2, T_mult=2).values(7).round(3)
    array([1.   , 0.5  , 1.   , 0.854, 0.5  , 0.146, 1.   ])
    """
    return CosineRestarts(*base_and_duration("cosine_restarts", a0, T), T_mult, end, decay)


def _damping(value: object, owner: str, name: str) -> str:
    return choice(value, owner, name, DAMPING)


@dataclass(frozen=True, repr=False)
class Cyclic(Schedule, kind="cyclic"):
    """Triangles between two rates."""

    low: Rate
    high: Rate
    up: Steps
    down: Steps
    mode: Annotated[str, _damping] = "triangular"
    gamma: Positive = 1.0

    def _prepare(self) -> None:
        if self.low > self.high:
            raise value_error("cyclic", "low", f"at most high = {self.high!r}", self.low)

    def _at(self, t: int, memory) -> float:
        cycle, r = divmod(t, self.up + self.down)
        height = r / self.up if r <= self.up else (self.up + self.down - r) / self.down
        if self.mode == "triangular2":
            height = math.ldexp(height, -min(cycle, 2000))
        elif self.mode == "exp_range":
            height = scaled_power(height, self.gamma, t)
        return self.low + (self.high - self.low) * height


@factory
def cyclic(
    low: float,
    high: float,
    up: "int | str",
    down: "int | str | None" = None,
    mode: str = "triangular",
    gamma: float = 1.0,
) -> Schedule:
    """Return triangular cycles: from `low` to `high` in `up` steps, and back in `down`.

    ``a_t = low + (high - low) * h_t * d_t`` with the height h_t of the triangle, from 0 to 1, and d_t = 1 ("triangular"),
    ``2**-i`` in cycle i ("triangular2") or ``gamma**t`` ("exp_range").

    ``torch.optim.lr_scheduler.CyclicLR`` has the same values at the same step.

    Parameters
    ----------
    low, high : float
        The rates between which it moves.
    up, down : int or str
        The lengths of the two sides; `down` is `up` where it is left out.
    mode : {"triangular", "triangular2", "exp_range"}
        How the peaks fall.
    gamma : float
        The factor per step of "exp_range".

    References
    ----------
    L. N. Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017.

    Examples
    --------
    >>> from fastgd.schedules import cyclic
    >>> cyclic(0.0, 1.0, 2).values(6)
    array([0. , 0.5, 1. , 0.5, 0. , 0.5])
    """
    return Cyclic(low, high, up, up if down is None else down, mode, gamma)


def _curve(value: object, owner: str, name: str) -> str:
    return choice(value, owner, name, ("cosine", "linear"))


@dataclass(frozen=True, repr=False)
class OneCycle(Schedule, kind="one_cycle"):
    """Up, down, and further down."""

    a0: Rate
    T: Steps
    rise: Fraction = 0.3
    divide: Positive = 25.0
    final_divide: Positive = 1e4
    shape: Annotated[str, _curve] = "cosine"
    three_phase: Switch = False
    _length_field = "T"
    _unit_base = True

    def _prepare(self) -> None:
        if not self.is_resolved:
            return
        first = self.a0 / self.divide
        peak = self.rise * self.T - 1
        ends = [(peak, self.a0)]
        if self.three_phase:
            ends.append((2 * peak, first))
        ends.append((self.T - 1, first / self.final_divide))
        self._set(_first=first, _ends=[(max(0.0, min(float(end), self.T - 1.0)), value) for end, value in ends])

    def _at(self, t: int, memory) -> float:
        begin, start = 0.0, self._first
        for end, value in self._ends:
            if t <= end and end > begin:
                share = (t - begin) / (end - begin)
                if self.shape == "linear":
                    return between(start + (value - start) * share, start, value)
                return falling_wave(start, value, share)
            begin, start = end, value
        return start


@factory
def one_cycle(
    a0: "float | int | str" = 1.0,
    T: "int | str | None" = None,
    rise: float = 0.3,
    divide: float = 25.0,
    final_divide: float = 1e4,
    shape: str = "cosine",
    three_phase: bool = False,
) -> Schedule:
    """Return the one-cycle policy: from ``a0/divide`` up to `a0`, then down to ``a0/(divide * final_divide)``.

    The peak is at step ``rise*T - 1`` and the end at ``T - 1``, as in ``torch.optim.lr_scheduler.OneCycleLR``, which has the same values
    at the same step. With `three_phase` it falls to ``a0/divide`` as fast as it rose before the last descent.

    The policy cycles momentum the other way round: ``one_cycle(0.85, T, divide=0.85/0.95, final_divide=1)`` falls from 0.95 to 0.85 and
    rises again.

    Parameters
    ----------
    a0 : float
        The highest rate. It may be left out.
    T : int or str
        The duration.
    rise : float
        The share of the duration before the peak, in [0, 1].
    divide, final_divide : float
        What `a0` is divided by at the beginning, and the beginning by at the end.
    shape : {"cosine", "linear"}
        The shape of each phase.
    three_phase : bool
        Whether the descent has two parts.

    References
    ----------
    L. N. Smith, N. Topin, Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates, 2018.

    Examples
    --------
    >>> from fastgd.schedules import one_cycle
    >>> one_cycle(1.0, 10, shape="linear", divide=10, final_divide=10).values(10).round(3)
    array([0.1  , 0.55 , 1.   , 0.859, 0.717, 0.576, 0.434, 0.293, 0.151,
           0.01 ])
    """
    return OneCycle(*base_and_duration("one_cycle", a0, T), rise, divide, final_divide, shape, three_phase)


@dataclass(frozen=True, repr=False)
class Chebyshev(Schedule, kind="chebyshev"):
    """The step sizes of the Chebyshev iteration, again and again."""

    low: Positive
    high: Positive
    T: Steps
    fractal: Switch = True

    def _prepare(self) -> None:
        if self.low > self.high:
            raise value_error("chebyshev", "low", f"at most high = {self.high!r}", self.low)
        if not self.is_resolved:
            return
        if self.T > MOST_CHEBYSHEV:
            raise value_error("chebyshev", "T", f"at most {MOST_CHEBYSHEV}", self.T)
        if self.fractal and self.T & (self.T - 1):
            fix = "Take one, or fractal=False."
            raise value_error("chebyshev", "T", "a power of 2 for the fractal order", self.T, fix)
        steep, flat = 1.0 / self.low, 1.0 / self.high
        self._set(_order=fractal_order(self.T) if self.fractal else None)
        self._set(_middle=(steep + flat) / 2, _reach=(steep - flat) / 2)

    def _at(self, t: int, memory) -> float:
        k = t % self.T
        if self._order is not None:
            k = self._order[k]
        node = self._middle - self._reach * math.cos(math.pi * (2 * k + 1) / (2 * self.T))
        return between(1.0 / node, self.low, self.high)

    def _length(self, context: Context | None):
        return None


def fractal_order(n: int) -> list[int]:
    """Return the fractal permutation of 0, ..., n - 1 (n a power of 2): each doubling puts its mirror image behind every element."""
    order = [0]
    while len(order) < n:
        order = [k for each in order for k in (each, 2 * len(order) - 1 - each)]
    return order


@factory
def chebyshev(low: float, high: float, T: "int | str", fractal: bool = True) -> Schedule:
    """Return the rates of the Chebyshev iteration, whose product of `T` steps shrinks a quadratic fastest.

    For a quadratic with curvatures from ``m = 1/high`` to ``M = 1/low`` the rates are the inverse Chebyshev nodes
    ``a_k = 1 / ((M + m)/2 - (M - m)/2 * cos(pi*(2k + 1)/(2T)))``, repeated every `T` steps. In the fractal order no stretch of steps
    blows rounding errors or noise up; otherwise the rates fall from long to short.

    Parameters
    ----------
    low, high : float
        The inverse of the largest and of the smallest curvature, positive.
    T : int or str
        The number of rates; a power of 2 for the fractal order, at most 2**20.
    fractal : bool
        Whether to reorder them.

    References
    ----------
    D. Young, On Richardson's Method for Solving Linear Systems with Positive Definite Matrices, 1953; N. Agarwal, S. Goel, C. Zhang,
    Acceleration via Fractal Learning Rate Schedules, ICML 2021.

    Examples
    --------
    >>> from fastgd.schedules import chebyshev
    >>> chebyshev(0.1, 1.0, 4).values(4).round(3)
    array([0.745, 0.104, 0.265, 0.138])
    """
    return Chebyshev(low, high, T, fractal)
