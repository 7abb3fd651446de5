"""What optimizers share that measure sums over all elements in each step: they carry numbers from step to step."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fastgd import _validation as check
from fastgd.optimizers._base import Optimizer


def larger(d: float, estimate: float, growth_rate: float | None) -> float:
    """Return d, raised to a larger estimate, by at most the factor `growth_rate`."""
    return max(d, estimate if growth_rate is None else min(estimate, d * growth_rate))


@dataclass(frozen=True, repr=False)
class _Carrying(Optimizer):
    """An optimizer whose carry is a tuple of finite numbers, named by `carried`, computed by `_informed`."""

    in_lanes: ClassVar[bool] = False

    def _first_carry(self):
        return (0.0,) * len(self.carried)

    def _next_carry(self, age, carry):
        return carry

    def _check_carry(self, age, carry):
        numbers = isinstance(carry, tuple) and all(type(x) is float and math.isfinite(x) for x in carry)
        if not numbers or len(carry) != len(self.carried):
            accepted = f"{len(self.carried)} finite numbers: {', '.join(self.carried)}"
            raise check.value_error(type(self).__name__, "carry", accepted, carry)


LEAST_SHARE = 1e-3
"""The steps that remain of a cautious optimizer are enlarged by at most the inverse of this."""


@dataclass(frozen=True, repr=False)
class _Cautious(Optimizer):
    """An optimizer with an option `cautious`, by which only those elements move whose step agrees in sign with the gradient.

    The others' share of the step goes to them: the rate is divided by the share of elements that move, in each array by itself.
    """

    if TYPE_CHECKING:
        cautious: bool  # a field of each subclass, which gives it its place

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cautious:
            for name, value in (("in_lanes", False), ("apart", True), ("carried", ("share",))):
                object.__setattr__(self, name, value)

    def _first_carry(self):
        return (1.0,) if self.cautious else None

    def _next_carry(self, age, carry):
        return carry

    def _check_carry(self, age, carry):
        if not self.cautious:
            super()._check_carry(age, carry)
        elif not (isinstance(carry, tuple) and len(carry) == 1 and type(carry[0]) is float and 0 < carry[0] <= 1):
            raise check.value_error(type(self).__name__, "carry", "one number in (0, 1]: share", carry)

    def _informed(self, age, carry, sums, loss):
        agreeing, opposing = sums[:2]
        return (max(agreeing / (agreeing + opposing), LEAST_SHARE) if agreeing + opposing else 1.0,)
