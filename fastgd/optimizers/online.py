"""Updates of linear models by single rows, as in Vowpal Wabbit: they know the row itself, not only its gradient."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import ClassVar, NoReturn

from fastgd import _validation as check
from fastgd.optimizers._base import NONNEGATIVE, Hyper, Interval, Optimizer


@dataclass(frozen=True, repr=False)
class NormalizedOnline(Optimizer):
    """Vowpal Wabbit's updates of linear models: no scaler is needed, and weight 2 is seeing the row twice.

    With the scale of each feature so far, :math:`s_i`, a row :math:`x` of weight :math:`h` at step :math:`t` does

    .. math::
        w_i \\leftarrow w_i s_i / |x_i|, \\quad s_i \\leftarrow |x_i| \\quad\\text{where}\\quad |x_i| > s_i, \\qquad
        N \\leftarrow N + h \\textstyle\\sum_i x_i^2 / s_i^2

    .. math::
        G_i \\leftarrow G_i + h (\\ell' x_i)^2, \\quad d_i = \\sqrt{T / N} \\, / \\, (s_i \\sqrt{G_i}), \\quad
        w_i \\leftarrow w_i - \\sigma\\, d_i x_i

    where :math:`T` is the sum of the weights and :math:`\\ell'` the loss's slope at the prediction :math:`z`. The step :math:`\\sigma` is
    :math:`\\eta h \\ell'`, or where it is `importance_aware` that of infinitely many updates of infinitely small weight, which never
    passes the target:

    .. math::
        \\sigma = (z(0) - z(\\eta h q)) / q, \\qquad dz/du = -\\ell'(z), \\qquad q = \\textstyle\\sum_i d_i x_i^2

    Parameters
    ----------
    lr : float or Schedule
        :math:`\\eta \\ge 0`.
    adaptive : bool
        Rates by the squared gradients :math:`G_i` of each feature. Without, :math:`d_i = T / (N s_i^2)`, the weight shrinks by
        :math:`(s_i / x_i)^2`, and the rate should fall, such as ``schedules.power(0.5, 1, 0.5)``.
    normalized : bool
        Rates by the scales. Without, :math:`s_i = 1` and :math:`T / N = 1`.
    importance_aware : bool
        Closed forms of the step: for ``squared_error``, ``huber``, ``epsilon_insensitive``, ``squared_epsilon_insensitive``, ``quantile``,
        ``poisson``, ``gamma``, ``log_loss``, ``hinge``, ``squared_hinge`` and ``modified_huber``. Without, any loss but ``softmax``.
    **options
        `on_nonfinite`: see `Optimizer`. `clip_norm`, `clip_value`, `maximize`, `extras` and `state_dtype` stay at their defaults.

    Notes
    -----
    For `SGDClassifier` and `SGDRegressor`, dense and sparse, row by row: the optimizer's `init` refuses arrays, for scales cannot be told
    from gradients. The intercept is the weight of a feature that is always 1. Penalties are the flow
    :math:`dw_i/dt = -d_i (\\lambda_2 w_i + \\lambda_1 \\operatorname{sign} w_i)` over the rate of each step, in closed form. Weight 2 is
    exactly twice the row with a constant rate, no penalty, and neither `adaptive` nor `normalized`: these remember the row once.
    Sources: S. Ross, P. Mineiro and J. Langford, Normalized online learning (2013), algorithms 1 (NG) and 2 (NAG); N. Karampatziakis and
    J. Langford, Online importance weight aware updates (2011); H. McMahan and M. Streeter, Adaptive bound optimization for online convex
    optimization (2010). Vowpal Wabbit shrinks weights after the prediction instead of before it, and counts a row of loss 0 nowhere.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> from fastgd.linear_model import SGDRegressor
    >>> X = np.random.default_rng(0).normal(size=(500, 2)) * [1e-3, 1e3]
    >>> y = X @ [2e3, -3e-3] + 1
    >>> model = SGDRegressor(optimizer=fastgd.NormalizedOnline(), alpha=0, max_iter=20, tol=None, random_state=0).fit(X, y)
    >>> round(model.score(X, y), 3)
    1.0
    """

    lr: Hyper = 0.5
    adaptive: bool = True
    normalized: bool = True
    importance_aware: bool = True

    intervals: ClassVar[dict[str, Interval]] = {"lr": NONNEGATIVE}
    flags: ClassVar[tuple[str, ...]] = ("adaptive", "normalized", "importance_aware")
    in_lanes: ClassVar[bool] = False
    needs_rows: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, default in (("clip_norm", None), ("clip_value", None), ("maximize", False), ("extras", ())):
            if given[name] != default:
                raise check.value_error(type(self).__name__, name, f"{default}: a step has its own size", given[name])

    def _rule(self) -> Callable:
        self._refuse_gradients("init")

    def _refuse_gradients(self, owner: str) -> NoReturn:
        fix = "Use SGDClassifier(optimizer=...) or SGDRegressor(optimizer=...); for gradients alone, Adagrad or COCOB."
        name = type(self).__name__
        raise check.type_error(
            owner, "optimizer", "one that steps by gradients, and not by the rows of data", name, fix
        )
