"""What all engines of lanes need: checks of what they and an epoch are given, aligned arrays, the hyperparameter of a loss."""

import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastgd._kernels import execute, losses
from fastgd._training.rows import Rows
from fastgd._validation import type_error, value_error
from fastgd.optimizers._base import Optimizer

BUILT_IN = "fastgd.optimizers."  # where optimizers are defined that are not users' rules


def aligned(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return zeros that begin at a cache line, so that the lanes of a feature never straddle two."""
    size = math.prod(shape) * dtype.itemsize
    raw = np.zeros(size + 64, np.uint8)
    first = -raw.ctypes.data % 64
    return raw[first : first + size].view(dtype).reshape(shape)


def checked_rows(owner: str, rows: Rows, dtype: np.dtype, n_features: int) -> None:
    """Refuse rows of another dtype or number of features than the lanes'."""
    if rows.dtype != dtype or rows.n_features != n_features:
        raise value_error(owner, "rows", f"{dtype} with {n_features} features", (str(rows.dtype), rows.n_features))


def checked_order(owner: str, order: Any, n_rows: int) -> np.ndarray:
    """Return the numbers of the rows to see, all of them for None."""
    if order is None or isinstance(order, range):
        order = np.arange(n_rows) if order is None else np.arange(order.start, order.stop)
    order = np.ascontiguousarray(order, np.int64)
    if len(order) and not 0 <= order.min() <= order.max() < n_rows:
        raise value_error(owner, "order", f"row numbers from 0 to {n_rows - 1}", [int(order.min()), int(order.max())])
    return order


def checked_state(owner: str, state: dict[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse a state without arrays of these names and shapes, which another optimizer or another model has left."""
    for name, shape in shapes.items():
        if getattr(state.get(name), "shape", None) != shape:
            fix = "Go on with the optimizer that has trained, or fit anew."
            raise value_error(owner, "state", f"an array {name} of shape {shape}", sorted(state), fix)


def loss_parameter_of(owner: str, loss: str, given: Any) -> Any:
    """Return the loss's hyperparameter, of each lane or of all: 0 for a loss that has none."""
    names = _hyper_names(loss)
    if names == ("log2",):
        return math.log(2)
    if names and given is None:
        raise type_error(owner, "loss_parameter", f"the {names[0]} of each lane", None)
    return given if names else 0


@functools.cache
def _hyper_names(loss: str) -> tuple[str, ...]:
    return execute.hyper_names(getattr(losses, loss))


def accepted_optimizer(
    owner: str,
    optimizer: Any,
    *,
    users_rules: bool = False,
    maximize: bool = False,
    on_nonfinite: tuple[str, ...] = ("raise",),
    in_lanes: bool = True,
) -> Optimizer:
    """Return the optimizer if lanes can run it.

    Parameters
    ----------
    owner : str
        The class of lanes, for messages.
    optimizer : Optimizer
    users_rules, maximize : bool
        Whether users' rules, and going uphill, are accepted.
    on_nonfinite : tuple of str
        Which of these policies are.
    in_lanes : bool
        Whether it must do with each element's own gradient and state.
    """
    if not isinstance(optimizer, Optimizer):
        raise type_error(owner, "optimizer", "an optimizer of fastgd.optimizers, or None", optimizer)
    name = type(optimizer).__name__
    if optimizer.needs_rows:
        fix = "It trains SGDClassifier and SGDRegressor."
        raise value_error(owner, "optimizer", "one that steps by gradients, and not by the rows of data", name, fix)
    if not (users_rules or type(optimizer).__module__.startswith(BUILT_IN)):
        raise value_error(owner, "optimizer", "a built-in optimizer", name, "Users' rules run in Optimizer.init().")
    if in_lanes and not optimizer.in_lanes:
        fix = "The functions of own_lanes.py take any."
        raise value_error(owner, "optimizer", "one that measures nothing on the way", name, fix)
    if optimizer.maximize and not maximize:
        raise value_error(owner, "optimizer", "one that minimizes", optimizer, "Set maximize=False.")
    if optimizer.on_nonfinite not in on_nonfinite:
        accepted = f"one with on_nonfinite={' or '.join(map(repr, on_nonfinite))}"
        raise value_error(owner, "optimizer", accepted, optimizer, f"Set on_nonfinite={on_nonfinite[0]!r}.")
    for option, _, schedule in optimizer.schedules():
        if option != "lr" and (schedule.is_stateful or not schedule.is_resolved):
            accepted = f"one whose {option} is a number or a function of the step"
            fix = "Only the learning rate may follow the loss; resolve durations with schedule.resolve()."
            raise value_error(owner, "optimizer", accepted, schedule, fix)
    return optimizer
