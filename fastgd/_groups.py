"""Groups of parameters with the same hyperparameters, and those hyperparameters at the present step."""

import math
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from fastgd import _validation as check
from fastgd._kernels import execute
from fastgd._kernels._ahead import Scheduled
from fastgd.optimizers import storage
from fastgd.optimizers._base import Optimizer

ORIGINS = {
    "l2": "weight_decay", "decay": "weight_decay", "lr_g": "lr", "lr_m": "lr", "last_lr": "lr", "last_beta": "beta",
    "b1": "betas", "b1_c": "betas", "b2": "betas", "b2_c": "betas", "debias": "betas", "mu": "momentum", "mu_c": "dampening",
    "alpha_c": "alpha", "rho_c": "rho", "eta_minus": "etas", "eta_plus": "etas", "smallest": "step_sizes",
    "largest": "step_sizes", "keep": "t0", "adapt": "betas", "plain": "betas",
    "b3": "betas", "b3_c": "betas", "lr_d": "lr", "lr_slow": "alpha", "known": "betas", "now": "nus", "past": "nus",
    "lowest": "final_lr", "highest": "final_lr", "d": "d0", "d_m": "d0", "lr_s": "lr", "pull": "lr", "push": "lr", "g_c": "lr",
    "lamb": "lr", "c": "momentum",
}  # fmt: skip
"""The options behind those scalars of the rules that have other names, for messages."""


class Group:
    """Parameters with the same hyperparameters: the optimizer as described, and as it stands at the present step.

    `current` is a private copy of the optimizer in which every scheduled hyperparameter is replaced by its present number.
    """

    def __init__(self, optimizer: Optimizer):
        self.optimizer = optimizer
        self.scheduled = optimizer.schedules()
        entries = [(*each, *optimizer._interval(each[0]).ends) for each in self.scheduled]
        self._ahead = Scheduled(entries, self._refuse)
        self.factor = 1.0
        self.current: Any = optimizer.replace() if self.scheduled else optimizer
        self.rule = optimizer._rule()
        self.measure = optimizer._measure()
        self.pick = _picker(execute.hyper_names(self.rule))
        self.pick_measured = _picker(execute.hyper_names(self.measure) if self.measure else ())
        self.advance(0, self.start())

    def option_names(self) -> tuple[str, list[str]]:
        """Return the optimizer's name and, for each scalar of the rule, the option that it comes from."""
        own = self.optimizer.__dataclass_fields__
        names = [n if n in own else ORIGINS.get(n, n) for n in execute.hyper_names(self.rule)]
        return type(self.optimizer).__name__, names

    def start(self) -> list:
        """Return the memory of each schedule before anything was observed."""
        return [schedule.start() for _, _, schedule in self.scheduled]

    def advance(self, t: int, memories: list) -> None:
        """Set the scheduled hyperparameters to their values at step t."""
        self._ahead.advance(t, memories, self.current.__dict__, self.factor)

    def _refuse(self, name: str, value: float, t: int) -> None:
        """Raise that a schedule has left what its hyperparameter may be."""
        owner = type(self.optimizer).__name__
        self.optimizer._interval(name).number(value, owner, f"{name} (its schedule, at step {t})")

    def row(self, scale: float, age: int, carry: Any) -> tuple[float, ...]:
        """Return the scalars of a sweep, (scale, limit, *hyper), for the step number `age` of parameters, at the present options."""
        now = self.current
        limit = math.inf if now.clip_value is None or now.factored else now.clip_value
        sign = -1 if now.maximize and not now.factored else 1  # directions have been clipped and turned
        row = (sign * scale, limit, *self.pick(now._scalars(age, carry)))
        return row if now.state_dtype is None else storage.with_dither(row, age)

    def set_rate(self, lr: float) -> None:
        """Let `current` have this rate."""
        if self.current is self.optimizer:
            self.current = self.optimizer.replace()
        object.__setattr__(self.current, "lr", lr)

    @property
    def rate(self) -> float:
        """The present learning rate; NaN where a user's rule has none."""
        return getattr(self.current, "lr", math.nan)

    def slow(self, factor: float) -> None:
        """Let the rate be this multiple of what the optimizer says, where it has one."""
        self.factor = factor
        lr = getattr(self.optimizer, "lr", None)
        if lr is not None and not any(name == "lr" for name, _, _ in self.scheduled):
            self.set_rate(factor * lr)

    def observed(self, memories: list, loss: float, t: int) -> list:
        """Return the schedules' memories after a measured loss."""
        return [
            s.observe(m, loss, t) if s.is_stateful else m for (_, _, s), m in zip(self.scheduled, memories, strict=True)
        ]


def _picker(names: tuple[str, ...]) -> Callable[[dict[str, float]], tuple[float, ...]]:
    """Return the function that takes the values of these names, in this order, from a dict."""
    return itemgetter(*names) if len(names) > 1 else lambda scalars: tuple(scalars[name] for name in names)


def overridden(
    optimizer: Optimizer, names: list[str], overrides: Mapping[str, Mapping[str, Any]] | None
) -> list[Optimizer]:
    """Return each parameter's optimizer."""
    from fnmatch import fnmatchcase

    if overrides is None:
        return [optimizer] * len(names)
    if not isinstance(overrides, Mapping) or not all(isinstance(o, Mapping) for o in overrides.values()):
        raise check.type_error("init", "overrides", "a dict from name pattern to a dict of hyperparameters", overrides)
    for pattern, changes in overrides.items():
        if not any(fnmatchcase(name, pattern) for name in names):
            raise check.value_error("init", "overrides", "patterns that match a parameter", pattern, f"Names: {names}")
        for common in ("clip_norm", "on_nonfinite", "extras"):
            if common in changes:
                raise check.value_error(
                    "init", "overrides", f"without {common}, which is for all gradients together", pattern
                )
    changed = []
    for name in names:
        changes = {k: v for pattern, o in overrides.items() if fnmatchcase(name, pattern) for k, v in o.items()}
        changed.append(optimizer.replace(**changes) if changes else optimizer)
    return changed
