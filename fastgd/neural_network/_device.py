"""Networks whose X is on a GPU: what they take there."""

from typing import Any

from fastgd._estimators.device_inputs import TO_HOST, check_optimizer
from fastgd._validation import ArgumentValueError


def check(model: Any) -> None:
    """Refuse parameters that training on a GPU has no answer to."""
    if model.solver == "lbfgs":
        raise ArgumentValueError(
            f"solver='lbfgs' takes its steps on the host; use 'adam' or 'sgd' for X on a GPU, {TO_HOST}."
        )
    check_optimizer(model.optimizer, users_rules=True)
