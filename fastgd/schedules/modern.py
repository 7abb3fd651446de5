"""What practice added to the classics: milestones, interpolation, warm-up with a root, tails of various shapes."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Annotated

from fastgd._kernels._shapes import between, half_wave, scaled_power
from fastgd._validation import choice, real, value_error
from fastgd.schedules._algebra import factory
from fastgd.schedules._arguments import (
    Durations,
    Positive,
    Rate,
    Rates,
    Steps,
    StepsOrZero,
    Time,
    base_and_duration,
)
from fastgd.schedules._durations import Context, exact
from fastgd.schedules.base import Schedule

TAILS = ("linear", "1-sqrt", "cosine")


@dataclass(frozen=True, repr=False)
class Multistep(Schedule, kind="multistep"):
    """A factor at each milestone."""

    a0: Rate
    milestones: Durations
    rate: Rate = 0.1

    def _prepare(self) -> None:
        if self.is_resolved:
            _ascending("multistep", "milestones", self.milestones)

    def _at(self, t: int, memory) -> float:
        return scaled_power(self.a0, self.rate, bisect_right(self.milestones, t))

    def _resolve(self, context: Context, position) -> Schedule:
        return Multistep(self.a0, tuple(context.steps(each, position) for each in self.milestones), self.rate)


def _ascending(owner: str, name: str, times: tuple) -> None:
    if list(times) != sorted(times):
        raise value_error(owner, name, "in ascending order", times)


@factory
def multistep(a0: float, milestones: "list[int | str]", rate: float = 0.1) -> Schedule:
    """Return ``a_t = a0 * rate**m`` where m is the number of milestones up to step t.

    ``torch.optim.lr_scheduler.MultiStepLR`` has the same values at the same step.

    Parameters
    ----------
    a0 : float
        The rate at first.
    milestones : list of int or str
        Ascending durations since step 0.
    rate : float
        The factor at each of them, not negative.

    References
    ----------
    K. He et al., Deep Residual Learning for Image Recognition, 2015, section 4.2.

    Examples
    --------
    >>> from fastgd.schedules import multistep
    >>> multistep(1.0, [2, 4], rate=0.5).values(6)
    array([1.  , 1.  , 0.5 , 0.5 , 0.25, 0.25])
    """
    return Multistep(a0, milestones, rate)


@dataclass(frozen=True, repr=False)
class Interpolate(Schedule, kind="interpolate"):
    """Straight lines between points."""

    times: Durations
    rates: Rates

    def _prepare(self) -> None:
        if len(self.rates) != len(self.times) + 1:
            accepted = f"of {len(self.times) + 1} numbers: that at step 0, and one for each time"
            raise value_error("interpolate", "rates", accepted, self.rates)
        if self.is_resolved:
            _ascending("interpolate", "times", self.times)
            self._set(_points=(0, *self.times))

    def _at(self, t: int, memory) -> float:
        k = bisect_right(self._points, t)
        if k == len(self._points):
            return self.rates[-1]
        low, high = self._points[k - 1], self._points[k]
        a, b = self.rates[k - 1], self.rates[k]
        return between(a + (b - a) * ((t - low) / (high - low)), a, b)

    def _length(self, context: Context | None):
        return exact(self.times[-1], context) if self.times else None

    def _resolve(self, context: Context, position) -> Schedule:
        return Interpolate(tuple(context.steps(each, position) for each in self.times), self.rates)


@factory
def interpolate(times: "list[int | str]", rates: "list[float]") -> Schedule:
    """Return straight lines through ``(0, rates[0])``, ``(times[0], rates[1])``, ...; constant after the last.

    Parameters
    ----------
    times : list of int or str
        Ascending durations since step 0, such as ``[500, 1000]`` or ``["5%", "100%"]``.
    rates : list of float
        One more than there are times.

    References
    ----------
    D. Page, How to Train Your ResNet, 2018 (``PiecewiseLinear``).

    Examples
    --------
    >>> from fastgd.schedules import interpolate
    >>> interpolate([2, 6], [0.0, 1.0, 0.0]).values(8)
    array([0.  , 0.5 , 1.  , 0.75, 0.5 , 0.25, 0.  , 0.  ])
    """
    return Interpolate(times, rates)


@dataclass(frozen=True, repr=False)
class InverseSqrt(Schedule, kind="inverse_sqrt"):
    """A falling root."""

    a0: Rate
    T: Time

    def _at(self, t: int, memory) -> float:
        return self.a0 / math.sqrt(1.0 + t / self.T)


@factory
def inverse_sqrt(a0: float, T: "float | str") -> Schedule:
    """Return ``a_t = a0 / sqrt(1 + t/T)``.

    After a warm-up of the same length, ``warmup(T) >> inverse_sqrt(a0, T)``, the rate is ``a0 * sqrt(T/s)`` at step s of the run: the
    usual schedule of translation models.

    Parameters
    ----------
    a0 : float
        The rate at step 0.
    T : float or str
        The time scale; it need not be whole.

    References
    ----------
    M. Ott et al., fairseq: A Fast, Extensible Toolkit for Sequence Modeling, NAACL 2019; X. Zhai et al., Scaling Vision Transformers,
    CVPR 2022.

    Examples
    --------
    >>> from fastgd.schedules import inverse_sqrt
    >>> inverse_sqrt(1.0, 1)(3)
    0.5
    """
    return InverseSqrt(a0, T)


@dataclass(frozen=True, repr=False)
class Noam(Schedule, kind="noam"):
    """The Transformer's rate."""

    width: Positive
    T: Steps
    factor: Positive = 1.0

    def _prepare(self) -> None:
        if self.is_resolved:
            self._set(_scale=self.factor / math.sqrt(self.width), _slope=self.T * math.sqrt(self.T))

    def _at(self, t: int, memory) -> float:
        s = t + 1
        falling, rising = 1.0 / math.sqrt(s), s / self._slope
        return self._scale * (rising if rising < falling else falling)


@factory
def noam(width: float, T: "int | str", factor: float = 1.0) -> Schedule:
    """Return the rate of the Transformer: ``a_t = factor * width**-0.5 * min(s**-0.5, s * T**-1.5)`` with ``s = t + 1``.

    Steps are counted from 1 in the paper, from 0 here, hence s.

    Parameters
    ----------
    width : float
        The width of the model, d_model, positive.
    T : int or str
        The warm-up, after which the rate falls.
    factor : float
        A factor of the whole.

    References
    ----------
    A. Vaswani et al., Attention Is All You Need, 2017, equation 3.

    Examples
    --------
    >>> from fastgd.schedules import noam
    >>> noam(4, 4).values(5).round(4)
    array([0.0625, 0.125 , 0.1875, 0.25  , 0.2236])
    """
    return Noam(width, T, factor)


def _tail(value: object, owner: str, name: str) -> str:
    return choice(value, owner, name, TAILS)


@dataclass(frozen=True, repr=False)
class WarmupStableDecay(Schedule, kind="wsd"):
    """A trapezium."""

    a0: Rate
    T: Steps
    warmup: StepsOrZero
    decay: Steps
    tail: Annotated[str, _tail] = "1-sqrt"
    end: Rate = 0.0
    _length_field = "T"

    def _prepare(self) -> None:
        if self.is_resolved and self.warmup + self.decay > self.T:
            accepted = f"at most T = {self.T} together with decay = {self.decay}"
            raise value_error("wsd", "warmup", accepted, self.warmup)

    def _at(self, t: int, memory) -> float:
        if t < self.warmup:
            return self.a0 * (t / self.warmup)
        left = self.T - t
        if left >= self.decay:
            return self.a0
        if left <= 0:
            return self.end
        share = (self.decay - left) / self.decay
        height = {"linear": 1.0 - share, "1-sqrt": 1.0 - math.sqrt(share)}.get(self.tail)
        if height is None:
            height = half_wave(1.0 - share)
        return between(self.end + (self.a0 - self.end) * height, self.a0, self.end)


@factory
def wsd(
    a0: float,
    T: "int | str",
    warmup: "int | str" = "5%",
    decay: "int | str" = "20%",
    tail: str = "1-sqrt",
    end: float = 0.0,
) -> Schedule:
    """Return warm-up, stable, decay: a straight line up, a plateau at `a0`, and a tail down to `end`.

    With x the share of the decay that has passed, the tail is ``end + (a0 - end) * h`` where h is ``1 - x`` ("linear"), ``1 - sqrt(x)``
    ("1-sqrt") or ``(1 + cos(pi*x))/2`` ("cosine").

    Parameters
    ----------
    a0 : float
        The rate of the plateau.
    T : int or str
        The duration of the whole.
    warmup, decay : int or str
        The lengths of the first and of the last part. Per cent are of the whole run.
    tail : {"linear", "1-sqrt", "cosine"}
        The shape of the decay.
    end : float
        The rate from step `T` on.

    References
    ----------
    S. Hu et al., MiniCPM, 2024; A. Hägele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations, 2024.

    Examples
    --------
    >>> from fastgd.schedules import wsd
    >>> wsd(1.0, 8, warmup=2, decay=4).values(9).round(3)
    array([0.   , 0.5  , 1.   , 1.   , 1.   , 0.5  , 0.293, 0.134, 0.   ])
    """
    return WarmupStableDecay(a0, T, warmup, decay, tail, end)


@dataclass(frozen=True, repr=False)
class Rex(Schedule, kind="rex"):
    """A decay that holds on, then falls."""

    a0: Rate
    T: Steps
    end: Rate = 0.0
    _length_field = "T"
    _unit_base = True

    def _at(self, t: int, memory) -> float:
        if t >= self.T:
            return self.end
        left = (self.T - t) / self.T
        return between(self.end + (self.a0 - self.end) * (2 * left / (1.0 + left)), self.a0, self.end)


@factory
def rex(a0: "float | int | str" = 1.0, T: "int | str | None" = None, end: float = 0.0) -> Schedule:
    """Return the reflected exponential: ``a_t = end + (a0 - end) * r / (1/2 + r/2)`` with ``r = 1 - min(t, T)/T``.

    Parameters
    ----------
    a0 : float
        The rate at step 0. It may be left out.
    T : int or str
        The duration.
    end : float
        The rate from step `T` on.

    References
    ----------
    J. Chen, C. Wolfe, A. Kyrillidis, REX: Revisiting Budgeted Training with an Improved Schedule, MLSys 2022.

    Examples
    --------
    >>> from fastgd.schedules import rex
    >>> rex(1.0, 4).values(5).round(3)
    array([1.   , 0.857, 0.667, 0.4  , 0.   ])
    """
    return Rex(*base_and_duration("rex", a0, T), end)


def _number(value: object, owner: str, name: str) -> float:
    return real(value, owner, name)


@dataclass(frozen=True, repr=False)
class Tanh(Schedule, kind="tanh"):
    """A hyperbolic tangent."""

    a0: Rate
    T: Steps
    lower: Annotated[float, _number] = -6.0
    upper: Annotated[float, _number] = 3.0
    end: Rate = 0.0
    _length_field = "T"
    _unit_base = True

    def _at(self, t: int, memory) -> float:
        share = t / self.T if t < self.T else 1.0
        height = (1.0 - math.tanh(self.lower * (1.0 - share) + self.upper * share)) / 2
        return self.end + (self.a0 - self.end) * height


@factory
def tanh(
    a0: "float | int | str" = 1.0,
    T: "int | str | None" = None,
    lower: float = -6.0,
    upper: float = 3.0,
    end: float = 0.0,
) -> Schedule:
    """Return the hyperbolic-tangent decay: ``a_t = end + (a0 - end) * (1 - tanh(L*(1 - x) + U*x)) / 2`` with ``x = min(t, T)/T``.

    With the default bounds it begins within 1e-5 of `a0` and ends at 0.25 % of it.

    Parameters
    ----------
    a0 : float
        The rate that it falls from. It may be left out.
    T : int or str
        The duration.
    lower, upper : float
        L and U, the arguments of tanh at the two ends.
    end : float
        The rate that it falls towards.

    References
    ----------
    B. Y. Hsueh, W. Li, I.-C. Wu, Stochastic Gradient Descent with Hyperbolic-Tangent Decay on Classification, WACV 2019.

    Examples
    --------
    >>> from fastgd.schedules import tanh
    >>> tanh(1.0, 3).values(4).round(4)
    array([1.    , 0.9975, 0.5   , 0.0025])
    """
    return Tanh(*base_and_duration("tanh", a0, T), lower, upper, end)


@dataclass(frozen=True, repr=False)
class KDecay(Schedule, kind="k_decay"):
    """A polynomial decay that is held back."""

    a0: Rate
    T: Steps
    k: Positive = 2.0
    power: Positive = 1.0
    end: Rate = 0.0
    _length_field = "T"
    _unit_base = True

    def _at(self, t: int, memory) -> float:
        if t >= self.T:
            return self.end
        height = (1.0 - (t / self.T) ** self.k) ** self.power
        return between(self.end + (self.a0 - self.end) * height, self.a0, self.end)


@factory
def k_decay(
    a0: "float | int | str" = 1.0,
    T: "int | str | None" = None,
    k: float = 2.0,
    power: float = 1.0,
    end: float = 0.0,
) -> Schedule:
    """Return the k-decay of a polynomial: ``a_t = end + (a0 - end) * (1 - (min(t, T)/T)**k)**power``.

    ``k = 1`` is `polynomial`; the larger k is, the longer the rate stays high.

    Parameters
    ----------
    a0 : float
        The rate at step 0. It may be left out.
    T : int or str
        The duration.
    k, power : float
        The two exponents, positive.
    end : float
        The rate from step `T` on.

    References
    ----------
    T. Zhang, W. Li, k-decay: A New Method for Learning Rate Schedule, 2020.

    Examples
    --------
    >>> from fastgd.schedules import k_decay
    >>> k_decay(1.0, 4).values(5)
    array([1.    , 0.9375, 0.75  , 0.4375, 0.    ])
    """
    return KDecay(*base_and_duration("k_decay", a0, T), k, power, end)
