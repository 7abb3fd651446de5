"""The classic catalogue, part two: powers and recursions, every one in closed form."""

import math
from dataclasses import dataclass
from functools import lru_cache

from fastgd._kernels._shapes import scaled_power
from fastgd._validation import value_error
from fastgd.schedules._algebra import factory
from fastgd.schedules._arguments import (
    Positive,
    Rate,
    Steps,
    StepsOrZero,
    Switch,
    Time,
)
from fastgd.schedules.base import Schedule


@dataclass(frozen=True, repr=False)
class Exponential(Schedule, kind="exponential"):
    """A power of the time."""

    a0: Rate
    rate: Rate
    T: Time
    staircase: Switch = False

    def _at(self, t: int, memory) -> float:
        return scaled_power(self.a0, self.rate, t // self.T if self.staircase else t / self.T)


@factory
def exponential(a0: float, rate: float, T: "float | str", staircase: bool = False) -> Schedule:
    """Return ``a_t = a0 * rate**(t/T)``, or ``a0 * rate**floor(t/T)`` as a staircase.

    Parameters
    ----------
    a0 : float
        The rate at step 0.
    rate : float
        The factor per `T` steps, not negative.
    T : float or str
        The time in which the rate is multiplied by `rate` once.
    staircase : bool
        Whether to fall in steps, every `T`.

    References
    ----------
    M. Abadi et al., TensorFlow: Large-Scale Machine Learning on Heterogeneous Systems, 2015 (``exponential_decay``).

    Examples
    --------
    >>> from fastgd.schedules import exponential
    >>> exponential(0.1, 0.25, 10).values(11)[[0, 5, 10]]
    array([0.1  , 0.05 , 0.025])
    >>> exponential(0.1, 0.25, 10, staircase=True)(9)
    0.1
    """
    return Exponential(a0, rate, T, staircase)


@dataclass(frozen=True, repr=False)
class CompoundingStaircase(Schedule, kind="compounding_staircase"):
    """The staircase whose every step multiplies the last rate, not the first."""

    a0: Rate
    rate: Rate
    T: Steps

    def _at(self, t: int, memory) -> float:
        q, r = divmod(t, self.T)
        return scaled_power(self.a0, self.rate, self.T * (q * (q - 1) // 2) + q * (r + 1))


@factory
def compounding_staircase(a0: float, rate: float, T: "int | str") -> Schedule:
    """Return the recursion ``a_t = a_{t-1} * rate**floor(t/T)``, taken literally.

    With ``q = floor(t/T)`` and ``r = t - q*T`` its closed form is ``a0 * rate**(T*q*(q-1)/2 + q*(r+1))``: constant for `T`
    steps, then a factor `rate` per step, then `rate` squared per step, and so on.

    Parameters
    ----------
    a0 : float
        The rate at step 0.
    rate : float
        The base of the factor, not negative.
    T : int or str
        The length of a period.

    References
    ----------
    The misreading of TensorFlow's staircase decay that many tutorials print; `exponential` has the intended one.

    Examples
    --------
    >>> from fastgd.schedules import compounding_staircase
    >>> compounding_staircase(1.0, 0.5, 2).values(6)
    array([1.      , 1.      , 0.5     , 0.25    , 0.0625  , 0.015625])
    """
    return CompoundingStaircase(a0, rate, T)


@dataclass(frozen=True, repr=False)
class Geometric(Schedule, kind="geometric"):
    """A constant factor per step."""

    a0: Rate
    eta: Rate
    T: Time

    def _prepare(self) -> None:
        if not self.is_resolved:
            return
        if self.eta > self.T:
            raise value_error("geometric", "eta", f"at most T = {self.T}, or the rate would change its sign", self.eta)
        # The factor 1 - eta/T, and what rounding took from it relative to itself: at t = 2**53 the loss would be a factor e.
        (n, d), (N, D) = self.eta.as_integer_ratio(), self.T.as_integer_ratio()
        numerator, denominator = d * N - n * D, d * N
        base = numerator / denominator
        b, B = base.as_integer_ratio()
        self._set(_base=base, _lost=(numerator * B - b * denominator) / (b * denominator) if base else 0.0)

    def _at(self, t: int, memory) -> float:
        return self.a0 * self._base**t * math.exp(t * self._lost)


@factory
def geometric(a0: float, eta: float, T: "float | str") -> Schedule:
    """Return the recursion ``a_t = a_{t-1} * (1 - eta/T)``, that is ``a0 * (1 - eta/T)**t``.

    Parameters
    ----------
    a0 : float
        The rate at step 0.
    eta : float
        The share lost in about `T` steps, in [0, T].
    T : float or str
        The period.

    References
    ----------
    The explicit Euler discretisation of ``da/dt = -(eta/T) a``.

    Examples
    --------
    >>> from fastgd.schedules import geometric
    >>> geometric(1.0, 1.0, 2).values(4)
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    return Geometric(a0, eta, T)


@dataclass(frozen=True, repr=False)
class Power(Schedule, kind="power"):
    """A power law in time."""

    a0: Rate
    T: Time
    beta: Rate

    def _at(self, t: int, memory) -> float:
        return self.a0 * (1.0 + t / self.T) ** -self.beta


@factory
def power(a0: float, T: "float | str", beta: float) -> Schedule:
    """Return ``a_t = a0 / (1 + t/T)**beta``, which some texts call step decay.

    scikit-learn's ``learning_rate="invscaling"``, ``eta0 / t**power_t`` counted from t = 1, is ``power(eta0, 1, power_t)``;
    ``beta = 1`` is `inverse_time`.

    Parameters
    ----------
    a0 : float
        The rate at step 0.
    T : float or str
        The time scale; it need not be whole.
    beta : float
        The exponent, not negative.

    References
    ----------
    W. Xu, Towards Optimal One Pass Large Scale Learning with Averaged Stochastic Gradient Descent, 2011.

    Examples
    --------
    >>> from fastgd.schedules import power
    >>> power(1.0, 1, 0.5)(3)
    0.5
    """
    return Power(a0, T, beta)


@dataclass(frozen=True, repr=False)
class Saturating(Schedule, kind="saturating"):
    """A rise towards `a0`."""

    a0: Rate
    decay_rate: Rate
    decay_step: Rate

    def _at(self, t: int, memory) -> float:
        return self.a0 / (1.0 + self.decay_rate / (1.0 + self.decay_step * t))


@factory
def saturating(a0: float, decay_rate: float, decay_step: float) -> Schedule:
    """Return ``a_t = a0 / (1 + decay_rate/(1 + decay_step*t))``, which rises from ``a0/(1 + decay_rate)`` to `a0`.

    Parameters
    ----------
    a0 : float
        The limit.
    decay_rate : float
        How far below the limit it starts, not negative.
    decay_step : float
        How fast it rises per step, not negative.

    References
    ----------
    A formula of tutorials, meant as a decay with ``decay_rate * t / decay_step`` in the denominator and printed the other way
    up; for the decay use `inverse_time`.

    Examples
    --------
    >>> from fastgd.schedules import saturating
    >>> s = saturating(1.0, 1.0, 1.0)
    >>> s(0), s(2), s(2**53)
    (0.5, 0.75, 1.0)
    """
    return Saturating(a0, decay_rate, decay_step)


@dataclass(frozen=True, repr=False)
class Step(Schedule, kind="step"):
    """A staircase of factors."""

    a0: Rate
    every: Steps
    rate: Rate = 0.1
    start_: StepsOrZero = 0  # `start` is a method

    def _at(self, t: int, memory) -> float:
        return self.a0 if t < self.start_ else scaled_power(self.a0, self.rate, t // self.every)


@factory
def step(a0: float, every: "int | str", rate: float = 0.1, start: "int | str" = 0) -> Schedule:
    """Return `a0` before step `start`, then ``a_t = a0 * rate**floor(t/every)``.

    Parameters
    ----------
    a0 : float
        The rate at first.
    every : int or str
        The length of a stair.
    rate : float
        The factor per stair, not negative.
    start : int or str
        Until when `a0` is held. Stairs are counted from step 0, whatever `start` is.

    References
    ----------
    K. He et al., Deep Residual Learning for Image Recognition, 2015, section 3.4.

    Examples
    --------
    A tenth every 10 epochs of 100 steps:

    >>> from fastgd.schedules import step
    >>> s = step(0.1, "10 epochs").resolve(steps_per_epoch=100)
    >>> s(999), round(s(1000), 15)
    (0.1, 0.01)
    """
    return Step(a0, every, rate, start)


@dataclass(frozen=True, repr=False)
class CompoundingPolynomial(Schedule, kind="compounding_polynomial"):
    """The product of all the factors of a polynomial decay so far."""

    a0: Rate
    T: Steps
    beta: Positive
    every: Steps = 1
    _length_field = "T"

    def _at(self, t: int, memory) -> float:
        m = t // self.every
        return self.a0 * math.exp(self.beta * falling(m, self.every, self.T)) if m * self.every < self.T else 0.0


@factory
def compounding_polynomial(a0: float, T: "int | str", beta: float, every: "int | str" = 1) -> Schedule:
    """Return the rate that is multiplied by ``(1 - t/T)**beta`` at every multiple of `every`.

    ``a_t = a0 * prod((1 - k*every/T)**beta for k = 1, ..., floor(t/every))``, and 0 as soon as ``k*every`` has reached `T`. Long
    products are evaluated by Stirling's series.

    Parameters
    ----------
    a0 : float
        The rate at step 0.
    T : int or str
        The horizon, which is also the duration.
    beta : float
        The exponent, positive.
    every : int or str
        The number of steps between multiplications.

    References
    ----------
    The recursion ``a_t = a_{t-1} * (1 - t/T)**beta`` of tutorials, taken literally; `polynomial` is the decay they mean.

    Examples
    --------
    >>> from fastgd.schedules import compounding_polynomial
    >>> compounding_polynomial(1.0, 4, 1.0, every=1).values(5)
    array([1.     , 0.75   , 0.375  , 0.09375, 0.     ])
    """
    return CompoundingPolynomial(a0, T, beta, every)


@lru_cache(maxsize=8)
def falling(m: int, every: int, T: int) -> float:
    """Return the logarithm of the product of 1 - k*every/T over k = 1, ..., m, for m*every < T.

    With n = T/every and l = n - m the product is Gamma(n) / (Gamma(l) * n**m). Stirling's series for both Gammas, written so
    that nothing cancels, is accurate where l is large; products of up to 32 factors, and the last ones where l is small, are
    summed factor by factor.
    """
    explicit = m if m <= 32 else max(0, min(m, m - (T // every - 32)))
    tail = math.fsum(math.log((T - k * every) / T) for k in range(m - explicit + 1, m + 1))
    long = m - explicit
    if not long:
        return tail
    n, left = T / every, (T - long * every) / every
    x = long * every / T
    log = math.log(left / n) if x > 0.5 else math.log1p(-x)
    return math.fsum((-n * _bend(x), 0.5 * log, _stirling(n), -_stirling(left), tail))


def _bend(x: float) -> float:
    """Return (1 - x) * log(1 - x) + x, for 0 <= x < 1, without cancellation: the sum of x**k / (k*(k-1)) from k = 2."""
    if x > 0.5:
        return (1.0 - x) * math.log1p(-x) + x
    total, term, k = 0.0, x * x, 2
    while term > 1e-18 * total:
        total += term / (k * (k - 1))
        term *= x
        k += 1
    return total


def _stirling(z: float) -> float:
    """Return the tail of Stirling's series for log Gamma(z), for z >= 16."""
    w = 1.0 / (z * z)
    return (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w / 1188)))) / z
