"""Step sizes from the loss itself, Polyak's, and from the change of the gradient, Barzilai and Borwein's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd._kernels import measures, rules
from fastgd.optimizers._base import ANY, FRACTION, NONNEGATIVE, POSITIVE, Hyper, Interval
from fastgd.optimizers._measured import _Carrying


@dataclass(frozen=True, repr=False)
class _Polyak(_Carrying):
    """What both share: the loss above its least value, the sum of squared gradients."""

    needs_loss: ClassVar[bool] = True
    squares: ClassVar[bool] = True
    carried: ClassVar[tuple[str, ...]] = ("step_size",)

    def _measure(self):
        return measures.grad_sums

    def _gap(self, loss):
        """Return how far the loss is from its best value, 0 where it is better."""
        return max(0.0, self.f_min - loss if self.maximize else loss - self.f_min)


@dataclass(frozen=True, repr=False)
class SPS(_Polyak):
    """Stochastic Polyak step size: as far as the gradient must be followed until a linear loss has its least value.

    .. math::
        p \\leftarrow p - \\min\\left(\\frac{f(p) - f^*}{c \\lVert g \\rVert^2 + \\epsilon},\\; \\alpha\\right) g

    Each step needs the loss: ``state.step(grads, loss=...)``, of the same data as the gradients.

    Parameters
    ----------
    lr : float or Schedule
        The largest step size :math:`\\alpha \\ge 0`.
    c : float or Schedule
        The caution :math:`c > 0`; 1 is Polyak's own step.
    f_min : float or Schedule
        The best loss that a batch can have, :math:`f^*`: 0 where all rows can be fitted.
    eps : float or Schedule
        :math:`\\epsilon > 0`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`. The gradients measured are the
        clipped ones.

    Notes
    -----
    No state arrays; `State.estimates` tells step_size. Sources: B. T. Polyak, Introduction to optimization (1987); N. Loizou et al.,
    Stochastic Polyak step-size for SGD: an adaptive learning rate for fast convergence (2021).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, -2.0])
    >>> state = fastgd.SPS(c=1.0).init(w)
    >>> for _ in range(20):
    ...     info = state.step(2 * w, loss=w @ w)
    >>> bool(abs(w).max() < 1e-3)
    True
    """

    lr: Hyper = 1.0
    c: Hyper = 0.5
    f_min: Hyper = 0.0
    eps: Hyper = 1e-8

    intervals: ClassVar[dict[str, Interval]] = {"lr": NONNEGATIVE, "c": POSITIVE, "f_min": ANY, "eps": POSITIVE}

    def _rule(self) -> Callable:
        return rules.sgd

    def _informed(self, age, carry, sums, loss):
        return (min(self._gap(loss) / (self.c * sums[0] + self.eps), self.lr),)

    def _scalars(self, age, carry):
        return {"lr": carry[0], "l2": 0.0}


@dataclass(frozen=True, repr=False)
class AliG(_Polyak):
    """Adaptive learning rates for interpolation with gradients: Polyak's step for models that can fit every row, with momentum.

    .. math::
        \\eta = \\min\\left(\\frac{f(p) - f^*}{\\lVert g \\rVert^2 + \\epsilon},\\; \\alpha\\right), \\quad
        b \\leftarrow \\mu b - \\eta g, \\quad p \\leftarrow p - \\eta g + \\mu b

    Each step needs the loss: ``state.step(grads, loss=...)``, of the same data as the gradients.

    Parameters
    ----------
    lr : float or Schedule
        The largest step size :math:`\\alpha \\ge 0`, the one number to choose.
    momentum : float or Schedule
        :math:`\\mu` in [0, 1). Zero keeps no state array.
    f_min : float or Schedule
        The best loss that a batch can have, :math:`f^*`.
    eps : float or Schedule
        :math:`\\epsilon > 0`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`. The gradients measured are the
        clipped ones.

    Notes
    -----
    State arrays, each of the parameter's shape: ``momentum_buffer`` (with momentum). `State.estimates` tells step_size. Source: L.
    Berrada, A. Zisserman and M. P. Kumar, Training neural networks for and by interpolation (2020).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, -2.0])
    >>> state = fastgd.AliG(lr=1.0).init(w)
    >>> for _ in range(20):
    ...     info = state.step(2 * w, loss=w @ w)
    >>> bool(abs(w).max() < 0.01)
    True
    """

    lr: Hyper = 0.1
    momentum: Hyper = 0.0
    f_min: Hyper = 0.0
    eps: Hyper = 1e-5

    intervals: ClassVar[dict[str, Interval]] = {"lr": NONNEGATIVE, "momentum": FRACTION, "f_min": ANY, "eps": POSITIVE}

    def _rule(self) -> Callable:
        return rules.alig if self.momentum != 0 else rules.sgd

    def _informed(self, age, carry, sums, loss):
        return (min(self._gap(loss) / (sums[0] + self.eps), self.lr),)

    def _scalars(self, age, carry):
        return {"lr": carry[0], "l2": 0.0, "mu": self.momentum}


@dataclass(frozen=True, repr=False)
class BarzilaiBorwein(_Carrying):
    """Gradient descent with the step of a secant: the last step over the change of the gradient along it.

    .. math::
        s = -\\alpha_\\text{last} \\eta_\\text{last}\\, g_\\text{last}, \\quad y = g - g_\\text{last}, \\quad
        \\eta = \\frac{\\langle s, s \\rangle}{\\langle s, y \\rangle} \\;\\text{(long)}\\quad\\text{or}\\quad
        \\frac{\\langle s, y \\rangle}{\\langle y, y \\rangle} \\;\\text{(short)}, \\quad p \\leftarrow p - \\alpha \\eta g

    For gradients without noise. Where :math:`\\langle s, y \\rangle \\le 0`, the curvature is not positive and the last :math:`\\eta` is
    kept; it grows by at most `growth_rate` a step. Sums are over all parameters that have the same hyperparameters and have had the
    same steps.

    Parameters
    ----------
    lr : float or Schedule
        A factor :math:`\\alpha \\ge 0` on the step found; less than 1 is more cautious.
    first : float or Schedule
        The first :math:`\\eta > 0`.
    short : bool
        Whether to take the short step, the more cautious one.
    growth_rate : float or Schedule
        The largest factor by which :math:`\\eta` grows in a step, at least 1.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``prev_grad``. `State.estimates` tells step_size, and rate, with the factor. Source: J.
    Barzilai and J. M. Borwein, Two-point step size gradient methods (1988).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w, scale = np.array([3.0, -2.0]), np.array([1.0, 50.0])
    >>> state = fastgd.BarzilaiBorwein().init(w)
    >>> for _ in range(40):
    ...     info = state.step(scale * w)
    >>> bool(abs(w).max() < 1e-6)
    True
    """

    lr: Hyper = 1.0
    first: Hyper = 1e-3
    short: bool = False
    growth_rate: Hyper = 10.0

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "first": POSITIVE,
        "growth_rate": Interval(1),
    }
    flags: ClassVar[tuple[str, ...]] = ("short",)
    squares: ClassVar[bool] = True
    carried: ClassVar[tuple[str, ...]] = ("step_size", "rate")

    def _rule(self) -> Callable:
        return rules.secant

    def _measure(self):
        return measures.secant_sums

    def _informed(self, age, carry, sums, loss):
        (last, rate), (size, product, change) = carry, sums[:3]
        step = self.first if age == 1 else last
        if age > 1 and rate * product < 0:  # the curvature along the last step, which was -rate times the last gradient
            found = -rate * product / change if self.short else -rate * size / product
            step = min(found, self.growth_rate * last)
        return step, self.lr * step

    def _scalars(self, age, carry):
        return {"lr": carry[1]}
