"""Optimizers that step by the sign of the gradient or of its average."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd import _validation as check
from fastgd._kernels import measures, rules
from fastgd.optimizers._base import FRACTION, NONNEGATIVE, POSITIVE, Hyper, Interval, Optimizer
from fastgd.optimizers._measured import _Cautious


@dataclass(frozen=True, repr=False)
class SignSGD(Optimizer):
    """Step by the sign of the gradient: :math:`p \\leftarrow p - \\alpha\\,\\mathrm{sign}(g)`.

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`: what every element moves by, whatever the size of its gradient.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays of the parameter's shape: none. Source: J. Bernstein et al., signSGD: compressed optimisation for non-convex problems
    (2018).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, -1.0, 0.0])
    >>> info = fastgd.SignSGD(lr=0.25).init(w).step(np.array([1e6, -1e-6, 0.0]))
    >>> w
    array([ 0.75, -0.75,  0.  ])
    """

    lr: Hyper = 1e-3
    weight_decay: Hyper = 0.0

    intervals: ClassVar[dict[str, Interval]] = {"lr": NONNEGATIVE, "weight_decay": NONNEGATIVE}

    def _rule(self) -> Callable:
        return rules.signsgd

    def _scalars(self, age, carry):
        return {"lr": self.lr, "l2": self.weight_decay}


@dataclass(frozen=True, repr=False)
class Signum(Optimizer):
    """Step by the sign of the averaged gradient.

    .. math:: b \\leftarrow \\mu b + (1 - \\mu) g, \\qquad p \\leftarrow p - \\alpha\\,\\mathrm{sign}(b)

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`.
    momentum : float or Schedule
        :math:`\\mu` in [0, 1). Zero keeps no state array.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``momentum_buffer`` (with momentum). Source: J. Bernstein et al., signSGD:
    compressed optimisation for non-convex problems (2018), algorithm 2.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, -1.0])
    >>> info = fastgd.Signum(lr=0.25).init(w).step(np.array([10.0, -0.1]))
    >>> w
    array([ 0.75, -0.75])
    """

    lr: Hyper = 1e-3
    momentum: Hyper = 0.9
    weight_decay: Hyper = 0.0

    intervals: ClassVar[dict[str, Interval]] = {"lr": NONNEGATIVE, "momentum": FRACTION, "weight_decay": NONNEGATIVE}

    def _rule(self) -> Callable:
        return rules.signum if self.momentum != 0 else rules.signsgd

    def _scalars(self, age, carry):
        return {"lr": self.lr, "l2": self.weight_decay, "mu": self.momentum, "mu_c": 1 - self.momentum}


@dataclass(frozen=True, repr=False)
class Lion(_Cautious):
    """Evolved sign momentum, with decoupled weight decay.

    .. math::
        p \\leftarrow p - \\alpha\\lambda p - \\alpha\\,\\mathrm{sign}(\\beta_1 m + (1 - \\beta_1) g), \\qquad
        m \\leftarrow \\beta_2 m + (1 - \\beta_2) g

    Parameters
    ----------
    lr : float or Schedule
        The learning rate :math:`\\alpha \\ge 0`; the paper advises a third to a tenth of AdamW's.
    betas : pair of float or Schedule
        :math:`\\beta_1, \\beta_2` in [0, 1).
    weight_decay : float or Schedule
        The decoupled decay :math:`\\lambda`; the paper advises three to ten times AdamW's.
    cautious : bool
        Whether only those elements move whose step agrees in sign with the gradient, by so much more in the mean. The decay applies to
        all.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``exp_avg``. Sources: X. Chen et al., Symbolic discovery of optimization algorithms (2023);
    K. Liang et al., Cautious optimizers: improving training with one line of code (2024). Cautious, `State.estimates` tells the share of
    each array's elements that moved.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0, -1.0])
    >>> info = fastgd.Lion(lr=0.25).init(w).step(np.array([10.0, -0.1]))
    >>> w
    array([ 0.75, -0.75])
    """

    lr: Hyper = 1e-4
    betas: tuple[Hyper, Hyper] = (0.9, 0.99)
    weight_decay: Hyper = 0.0
    cautious: bool = False

    intervals: ClassVar[dict[str, Interval]] = {"lr": NONNEGATIVE, "betas": FRACTION, "weight_decay": NONNEGATIVE}
    pairs: ClassVar[tuple[str, ...]] = ("betas",)
    flags: ClassVar[tuple[str, ...]] = ("cautious",)

    def _rule(self) -> Callable:
        return rules.cautious_lion if self.cautious else rules.lion

    def _measure(self):
        return measures.cautious_lion_sums if self.cautious else None

    def _measuring(self, age, carry):
        return {"b1": self.betas[0], "b1_c": 1 - self.betas[0]}

    def _scalars(self, age, carry):
        b1, b2 = self.betas
        rate = self.lr / carry[0] if self.cautious else self.lr
        return {"lr": rate, "decay": self.lr * self.weight_decay, "b1": b1, "b1_c": 1 - b1, "b2": b2, "b2_c": 1 - b2}


@dataclass(frozen=True, repr=False)
class Rprop(Optimizer):
    """Resilient backpropagation: every element has its own step size, which grows while the sign of its gradient stays.

    .. math::
        s \\leftarrow \\mathrm{clip}(s\\,\\eta^{\\pm}, s_{\\min}, s_{\\max}), \\qquad p \\leftarrow p - s\\,\\mathrm{sign}(g)

    with :math:`\\eta^+` where the sign is that of the previous gradient, and :math:`\\eta^-`, no step, and a forgotten gradient where it
    changed. For full-batch training. The same as `torch.optim.Rprop`.

    Parameters
    ----------
    lr : float or Schedule
        The initial step size; a schedule gives its value at step 0.
    etas : pair of float or Schedule
        :math:`0 < \\eta^- < 1 < \\eta^+`.
    step_sizes : pair of float or Schedule
        The smallest and the largest step size.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``prev``, the previous gradient, and ``step_size``. Source: M. Riedmiller and H. Braun, A
    direct adaptive method for faster backpropagation learning: the RPROP algorithm (1993).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([1.0])
    >>> state = fastgd.Rprop(lr=0.1).init(w)
    >>> for _ in range(3):
    ...     info = state.step(2 * w)
    >>> w.round(3)
    array([0.636])
    """

    lr: Hyper = 1e-2
    etas: tuple[Hyper, Hyper] = (0.5, 1.2)
    step_sizes: tuple[Hyper, Hyper] = (1e-6, 50.0)

    intervals: ClassVar[dict[str, Interval]] = {"lr": NONNEGATIVE, "etas": POSITIVE, "step_sizes": NONNEGATIVE}
    pairs: ClassVar[tuple[str, ...]] = ("etas", "step_sizes")

    def __post_init__(self) -> None:
        super().__post_init__()
        minus, plus = self.etas
        if (isinstance(minus, float) and minus >= 1) or (isinstance(plus, float) and plus <= 1):
            raise check.value_error("Rprop", "etas", "a pair with 0 < etas[0] < 1 < etas[1]", self.etas)

    def _rule(self) -> Callable:
        return rules.rprop

    def _scalars(self, age, carry):
        (minus, plus), (smallest, largest) = self.etas, self.step_sizes
        return {"eta_minus": minus, "eta_plus": plus, "smallest": smallest, "largest": largest}

    def _initial(self, slot, p):
        return self.lr if slot == "step_size" else 0.0
