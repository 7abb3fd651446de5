"""Step sizes from the distance travelled: DoG and its relatives need no learning rate."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from fastgd._kernels import measures, rules
from fastgd.optimizers._base import NONNEGATIVE, POSITIVE, Hyper, Interval
from fastgd.optimizers._measured import _Carrying


@dataclass(frozen=True, repr=False)
class DoG(_Carrying):
    """Distance over gradients: the step is the largest distance from the start so far over the root of all squared gradients.

    .. math::
        \\bar r \\leftarrow \\max(\\bar r, \\lVert p - p_0 \\rVert), \\quad G \\leftarrow G + \\lVert g \\rVert^2, \\quad
        p \\leftarrow p - \\alpha \\frac{\\bar r}{\\sqrt{G + \\epsilon}}\\, g

    where :math:`\\bar r` starts from :math:`r_\\epsilon (1 + \\lVert p_0 \\rVert)`. Norms are over all parameters that have the same
    hyperparameters and have had the same steps. The last iterate of stochastic gradients is noisy: the authors average iterates.

    Parameters
    ----------
    lr : float or Schedule
        A factor :math:`\\alpha \\ge 0` on the step found; leave it at 1.
    reps_rel : float or Schedule
        :math:`r_\\epsilon > 0`, the first distance relative to the parameters' norm: small enough for a first step that cannot harm.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    eps : float or Schedule
        :math:`\\epsilon > 0`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``init_buffer``, the start. `State.estimates` tells rbar, G, and the step size eta. Source:
    M. Ivgi, O. Hinder and Y. Carmon, DoG is SGD's best friend: a parameter-free dynamic step size schedule (2023).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, -2.0])
    >>> state = fastgd.DoG().init(w)
    >>> for _ in range(200):
    ...     info = state.step(2 * w)
    >>> bool(abs(w).max() < 1e-3)
    True
    """

    lr: Hyper = 1.0
    reps_rel: Hyper = 1e-6
    weight_decay: Hyper = 0.0
    eps: Hyper = 1e-8

    intervals: ClassVar[dict[str, Interval]] = {
        "lr": NONNEGATIVE,
        "reps_rel": POSITIVE,
        "weight_decay": NONNEGATIVE,
        "eps": POSITIVE,
    }
    squares: ClassVar[bool] = True
    carried: ClassVar[tuple[str, ...]] = ("rbar", "G", "eta")

    def _rule(self) -> Callable:
        return rules.dog

    def _measure(self):
        return measures.dog_sums

    def _measuring(self, age, carry):
        return {"l2": self.weight_decay}

    def _informed(self, age, carry, sums, loss):
        (rbar, total, _), (square, distance, start) = carry, sums[:3]
        rbar = max(rbar, math.sqrt(distance)) if age > 1 else self.reps_rel * (1 + math.sqrt(start))
        total = total + square
        return rbar, total, self.lr * rbar / math.sqrt(total + self.eps)

    def _scalars(self, age, carry):
        return {"lr": carry[2], "l2": self.weight_decay}

    def _initial(self, slot, p):
        return p


@dataclass(frozen=True, repr=False)
class LDoG(DoG):
    """Layer-wise distance over gradients: `DoG` for each array by itself.

    .. math::
        \\bar r_i \\leftarrow \\max(\\bar r_i, \\lVert p_i - p_{i,0} \\rVert), \\quad G_i \\leftarrow G_i + \\lVert g_i \\rVert^2, \\quad
        p_i \\leftarrow p_i - \\alpha \\frac{\\bar r_i}{\\sqrt{G_i + \\epsilon}}\\, g_i

    Parameters
    ----------
    lr : float or Schedule
        A factor :math:`\\alpha \\ge 0` on the steps found; leave it at 1.
    reps_rel : float or Schedule
        :math:`r_\\epsilon > 0`, the first distance relative to each array's norm.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    eps : float or Schedule
        :math:`\\epsilon > 0`.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``init_buffer``, the start. Source: M. Ivgi, O. Hinder and Y. Carmon, DoG is SGD's best
    friend: a parameter-free dynamic step size schedule (2023).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> params = {"large": np.array([300.0]), "small": np.array([0.03])}
    >>> state = fastgd.LDoG().init(params)
    >>> for _ in range(200):
    ...     info = state.step({name: 2 * w for name, w in params.items()})
    >>> bool(abs(params["large"][0]) < 0.1), bool(abs(params["small"][0]) < 1e-5)
    (True, True)
    """

    apart: ClassVar[bool] = True


@dataclass(frozen=True, repr=False)
class DoWG(_Carrying):
    """Distance over weighted gradients: `DoG` in which gradients far from the start count more, which adapts to smoothness.

    .. math::
        \\bar r^2 \\leftarrow \\max(\\bar r^2, \\lVert p - p_0 \\rVert^2), \\quad
        v \\leftarrow v + \\bar r^2 \\lVert g \\rVert^2, \\quad
        p \\leftarrow p - \\alpha \\frac{\\bar r^2}{\\sqrt{v} + \\epsilon}\\, g

    where :math:`\\bar r^2` starts from :math:`\\epsilon`.

    Parameters
    ----------
    lr : float or Schedule
        A factor :math:`\\alpha \\ge 0` on the step found; leave it at 1.
    weight_decay : float or Schedule
        The L2 penalty :math:`\\lambda`.
    eps : float or Schedule
        :math:`\\epsilon > 0`, the first squared distance, also added to the root.
    **options
        `clip_norm`, `clip_value`, `on_nonfinite`, `maximize`, `extras`, `state_dtype`: see `Optimizer`.

    Notes
    -----
    State arrays, each of the parameter's shape: ``init_buffer``, the start. `State.estimates` tells rt2, vt, and the step size eta. Source:
    A. Khaled, K. Mishchenko and C. Jin, DoWG unleashed: an efficient universal parameter-free gradient descent method (2023).

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> w = np.array([3.0, -2.0])
    >>> state = fastgd.DoWG().init(w)
    >>> for _ in range(200):
    ...     info = state.step(2 * w)
    >>> bool(abs(w).max() < 1e-3)
    True
    """

    lr: Hyper = 1.0
    weight_decay: Hyper = 0.0
    eps: Hyper = 1e-4

    intervals: ClassVar[dict[str, Interval]] = {"lr": NONNEGATIVE, "weight_decay": NONNEGATIVE, "eps": POSITIVE}
    squares: ClassVar[bool] = True
    carried: ClassVar[tuple[str, ...]] = ("rt2", "vt", "eta")

    def _rule(self) -> Callable:
        return rules.dog

    def _measure(self):
        return measures.dog_sums

    def _measuring(self, age, carry):
        return {"l2": self.weight_decay}

    def _informed(self, age, carry, sums, loss):
        (rt2, vt, _), (square, distance) = carry, sums[:2]
        rt2 = max(rt2, distance) if age > 1 else self.eps
        vt = vt + rt2 * square
        return rt2, vt, self.lr * rt2 / (math.sqrt(vt) + self.eps)

    def _scalars(self, age, carry):
        return {"lr": carry[2], "l2": self.weight_decay}

    def _initial(self, slot, p):
        return p
