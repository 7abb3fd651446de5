"""The classic catalogue, part one: a horizon or a time constant (constant, linear, cosine, ...)."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from fastgd._kernels._shapes import between, half_wave, scaled_power
from fastgd._validation import choice, value_error
from fastgd.schedules._algebra import factory
from fastgd.schedules._arguments import (
    Durations,
    Fraction,
    Positive,
    Rate,
    Rates,
    Steps,
    Time,
    base_and_duration,
)
from fastgd.schedules._durations import Context
from fastgd.schedules.base import Schedule


@dataclass(frozen=True, repr=False)
class Constant(Schedule, kind="constant"):
    """`a0` at every step."""

    a0: Rate

    def _at(self, t: int, memory) -> float:
        return self.a0

    def _values(self, first: int, count: int, memory) -> np.ndarray:
        return np.full(count, self.a0)


@factory
def constant(a0: float) -> Schedule:
    """Return the constant schedule ``a_t = a0``.

    Parameters
    ----------
    a0 : float
        The rate.

    Examples
    --------
    >>> from fastgd.schedules import constant
    >>> constant(0.1)(2**53)
    0.1
    """
    return Constant(a0)


@dataclass(frozen=True, repr=False)
class Linear(Schedule, kind="linear"):
    """A straight line."""

    a0: Rate
    T: Steps
    end: Rate = 0.0
    _length_field = "T"
    _unit_base = True

    def _at(self, t: int, memory) -> float:
        if t >= self.T:
            return self.end
        value = self.a0 + (self.end - self.a0) * (t / self.T)
        return value if self.end == 0.0 else between(value, self.a0, self.end)

    def _values(self, first: int, count: int, memory) -> np.ndarray:
        t = np.arange(first, first + count, dtype=np.float64)
        line = self.a0 + (self.end - self.a0) * (t / self.T)
        return np.where(t < self.T, np.clip(line, min(self.a0, self.end), max(self.a0, self.end)), self.end)


@factory
def linear(a0: "float | int | str" = 1.0, T: "int | str | None" = None, end: float = 0.0) -> Schedule:
    """Return the straight line from `a0` to `end`: ``a_t = a0 + (end - a0) * min(t, T) / T``.

    The textbook case is ``a0 * (1 - t/T)``.

    Parameters
    ----------
    a0 : float
        The rate at step 0. It may be left out: ``linear("95%")`` starts at 1.
    T : int or str
        The duration.
    end : float
        The rate from step `T` on.

    References
    ----------
    I. Goodfellow, Y. Bengio, A. Courville, Deep Learning, MIT Press 2016, section 8.3.1.

    Examples
    --------
    >>> from fastgd.schedules import linear
    >>> linear(0.5, 4, end=0.25).values(6)
    array([0.5   , 0.4375, 0.375 , 0.3125, 0.25  , 0.25  ])
    """
    return Linear(*base_and_duration("linear", a0, T), end)


@dataclass(frozen=True, repr=False)
class Polynomial(Schedule, kind="polynomial"):
    """A power of the remaining share of the horizon."""

    a0: Rate
    T: Steps
    power: Positive
    end: Rate = 0.0
    _length_field = "T"

    def _at(self, t: int, memory) -> float:
        if t >= self.T:
            return self.end
        if t == 0:
            return self.a0
        value = (self.a0 - self.end) * ((self.T - t) / self.T) ** self.power + self.end
        return between(value, self.a0, self.end)


@factory
def polynomial(a0: float, T: "int | str", power: float, end: float = 0.0) -> Schedule:
    """Return ``a_t = (a0 - end) * (1 - min(t, T)/T)**power + end``.

    Parameters
    ----------
    a0, end : float
        The rates at step 0 and from step `T` on.
    T : int or str
        The duration.
    power : float
        Positive; 1 is the straight line.

    References
    ----------
    W. Liu, A. Rabinovich, A. C. Berg, ParseNet: Looking Wider to See Better, 2015 (the "poly" policy); L.-C. Chen et al.,
    DeepLab, 2016.

    Examples
    --------
    >>> from fastgd.schedules import polynomial
    >>> polynomial(1.0, 4, power=2).values(5)
    array([1.    , 0.5625, 0.25  , 0.0625, 0.    ])
    """
    return Polynomial(a0, T, power, end)


@dataclass(frozen=True, repr=False)
class Cosine(Schedule, kind="cosine"):
    """Half a cosine wave."""

    a0: Rate
    T: Steps
    end: Rate = 0.0
    _length_field = "T"
    _unit_base = True

    def _at(self, t: int, memory) -> float:
        T, end = self.T, self.end
        if t >= T:
            return end
        value = (self.a0 - end) * half_wave((T - t) / T) + end
        if end == 0.0:
            return value
        return between(value, self.a0, end) if t else self.a0


@factory
def cosine(a0: "float | int | str" = 1.0, T: "int | str | None" = None, end: float = 0.0) -> Schedule:
    """Return half a cosine wave from `a0` to `end`: ``a_t = end + (a0 - end) * (1 + cos(pi * min(t, T)/T)) / 2``.

    Parameters
    ----------
    a0 : float
        The rate at step 0. It may be left out: ``cosine("95%")`` starts at 1.
    T : int or str
        The duration.
    end : float
        The rate from step `T` on.

    References
    ----------
    I. Loshchilov, F. Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017, equation 5.

    Examples
    --------
    >>> from fastgd.schedules import cosine
    >>> [round(x, 12) for x in cosine(1e-3, 4).values(5).tolist()]
    [0.001, 0.000853553391, 0.0005, 0.000146446609, 0.0]
    """
    return Cosine(*base_and_duration("cosine", a0, T), end)


def _shape(value: object, owner: str, name: str) -> str:
    return choice(value, owner, name, ("linear", "exponential"))


@dataclass(frozen=True, repr=False)
class Warmup(Schedule, kind="warmup"):
    """A ramp from `start` to 1; a sequence scales it to the start of the following part."""

    T: Steps
    start_factor: Fraction = 0.0
    shape: Annotated[str, _shape] = "linear"
    _length_field = "T"

    def _prepare(self) -> None:
        if self.shape == "exponential" and self.start_factor == 0:
            raise value_error("warmup", "start_factor", "> 0 where shape='exponential'", 0.0, "Try start_factor=0.01.")

    def _at(self, t: int, memory) -> float:
        if t >= self.T:
            return 1.0
        if self.shape == "exponential":
            return scaled_power(1.0, self.start_factor, (self.T - t) / self.T)
        return min(self.start_factor + (1.0 - self.start_factor) * (t / self.T), 1.0)

    def _values(self, first: int, count: int, memory) -> np.ndarray:
        if self.shape == "exponential":
            return super()._values(first, count, memory)
        t = np.arange(first, first + count, dtype=np.float64)
        return np.where(t < self.T, np.minimum(self.start_factor + (1.0 - self.start_factor) * (t / self.T), 1.0), 1.0)


@factory
def warmup(T: "int | str", start_factor: float = 0.0, shape: str = "linear") -> Schedule:
    """Return a ramp to the start of the following part: ``warmup(500) >> cosine(1e-3, 10_000)``.

    With f = `start_factor` and b the first value of the following part (1 where there is none), for t < T

    * linear: ``a_t = b * (f + (1 - f) * t/T)``
    * exponential: ``a_t = b * f**(1 - t/T)``

    and ``a_t = b`` from step `T` on. By itself or in a product it is a factor that rises to 1.

    Parameters
    ----------
    T : int or str
        The duration.
    start_factor : float
        The share of `b` at step 0, in [0, 1]; positive for the exponential shape.
    shape : {"linear", "exponential"}
        The ramp.

    References
    ----------
    P. Goyal et al., Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour, 2017, section 2.2.

    Examples
    --------
    >>> from fastgd.schedules import cosine, warmup
    >>> (warmup(4) >> cosine(1.0, 100)).values(5)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    >>> warmup(2, start_factor=0.01, shape="exponential").values(3)
    array([0.01, 0.1 , 1.  ])
    """
    return Warmup(T, start_factor, shape)


@dataclass(frozen=True, repr=False)
class Piecewise(Schedule, kind="piecewise"):
    """Constant between boundaries."""

    boundaries: Durations
    rates: Rates

    def _prepare(self) -> None:
        if len(self.rates) != len(self.boundaries) + 1:
            accepted = f"of {len(self.boundaries) + 1} numbers, one more than there are boundaries"
            raise value_error("piecewise", "rates", accepted, self.rates)
        if self.is_resolved and list(self.boundaries) != sorted(self.boundaries):
            raise value_error("piecewise", "boundaries", "in ascending order", self.boundaries)

    def _at(self, t: int, memory) -> float:
        for boundary, value in zip(self.boundaries, self.rates, strict=False):
            if t < boundary:
                return value
        return self.rates[-1]

    def _values(self, first: int, count: int, memory) -> np.ndarray:
        t = np.arange(first, first + count)
        return np.array(self.rates)[np.searchsorted(np.array(self.boundaries, dtype=np.int64), t, side="right")]

    def _resolve(self, context: Context, position) -> Schedule:
        return Piecewise(tuple(context.steps(each, position) for each in self.boundaries), self.rates)


@factory
def piecewise(boundaries: "list[int | str]", rates: "list[float]") -> Schedule:
    """Return ``rates[i]`` where ``boundaries[i - 1] <= t < boundaries[i]``: constant between the boundaries.

    Parameters
    ----------
    boundaries : list of int or str
        Ascending durations since step 0, such as ``[1000, 2000]`` or ``["50%", "75%"]``.
    rates : list of float
        One more than there are boundaries.

    References
    ----------
    A. Krizhevsky, I. Sutskever, G. E. Hinton, ImageNet Classification with Deep Convolutional Neural Networks, 2012, section 5
    (the rate divided by 10 at chosen moments).

    Examples
    --------
    >>> from fastgd.schedules import piecewise
    >>> piecewise([2, 4], [0.1, 0.01, 0.001]).values(6)
    array([0.1  , 0.1  , 0.01 , 0.01 , 0.001, 0.001])
    """
    return Piecewise(boundaries, rates)


@dataclass(frozen=True, repr=False)
class InverseTime(Schedule, kind="inverse_time"):
    """A hyperbola in time."""

    a0: Rate
    T: Time

    def _at(self, t: int, memory) -> float:
        return self.a0 / (1.0 + t / self.T)

    def _values(self, first: int, count: int, memory) -> np.ndarray:
        return self.a0 / (1.0 + np.arange(first, first + count, dtype=np.float64) / self.T)


@factory
def inverse_time(a0: float, T: "float | str") -> Schedule:
    """Return ``a_t = a0 / (1 + t/T)``, which some texts call exponential decay.

    scikit-learn's ``learning_rate="optimal"``, ``1 / (alpha * (t0 + t))``, is ``inverse_time(1 / (alpha * t0), t0)``.

    Parameters
    ----------
    a0 : float
        The rate at step 0.
    T : float or str
        The time after which the rate has halved; it need not be whole.

    References
    ----------
    H. Robbins, S. Monro, A Stochastic Approximation Method, 1951; L. Bottou, Stochastic Gradient Descent Tricks, 2012,
    section 5.2.

    Examples
    --------
    >>> from fastgd.schedules import inverse_time
    >>> inverse_time(0.5, 10)(10)
    0.25
    """
    return InverseTime(a0, T)
