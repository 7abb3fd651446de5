"""Networks whose X is on a GPU: what they take there."""

from typing import Any

from fastgd._estimators.device_inputs import TO_HOST
from fastgd._training.own_lanes import runs_in_networks
from fastgd._validation import ArgumentValueError


def check(model: Any) -> None:
    """Refuse parameters that training on a GPU has no answer to."""
    if model.solver == "lbfgs":
        raise ArgumentValueError(
            f"solver='lbfgs' takes its steps on the host; use 'adam' or 'sgd' for X on a GPU, {TO_HOST}."
        )
    if not runs_in_networks(model.optimizer):
        fix = f"Use one whose step size is given, such as fastgd.Adam(), {TO_HOST}."
        raise ArgumentValueError(
            f"optimizer must be one that measures nothing on the way for X on a GPU; got {type(model.optimizer).__name__}. {fix}"
        )
