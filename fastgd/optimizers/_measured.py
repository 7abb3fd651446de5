"""What optimizers share that measure sums over all elements in each step: they carry numbers from step to step."""

import math
from dataclasses import dataclass
from typing import ClassVar

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
