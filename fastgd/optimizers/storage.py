"""State arrays that are stored in fewer bits than they are computed in: the option ``state_dtype``."""

from typing import Any

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import execute

STATE_DTYPES = ("bfloat16", "int8")
SMALLEST = 4096
"""Of fewer elements ``"int8"`` leaves the state as it is computed, as bitsandbytes does: there is next to nothing to save."""
SCALE = "_scale"
"""What the name of the scales adds to that of their state array."""


def check_state_dtype(optimizer: Any) -> None:
    """Raise unless all state arrays of an optimizer may be stored as it asks."""
    owner, value = type(optimizer).__name__, optimizer.state_dtype
    if value not in STATE_DTYPES:
        accepted = f"None or one of {', '.join(map(repr, STATE_DTYPES))}"
        raise check.value_error(owner, "state_dtype", accepted, value, check.nearest(str(value), STATE_DTYPES))
    slots = () if optimizer.needs_rows else execute.slot_names(optimizer._rule())
    others = [slot for slot in slots if slot not in optimizer.averages]
    why = "" if slots else "it keeps no state arrays"
    why = f"its state array {others[0]!r} is no moving average" if others else why
    why = "each step sums over its state arrays" if optimizer._measure() else why
    if why:
        fix = "Adam, AdamW, Lion, RMSprop and SGD with momentum are some that take it."
        raise check.value_error(owner, "state_dtype", f"None here: {why}", value, fix)


def state_arrays(optimizer: Any, name: str, p: Any) -> dict[str, Any]:
    """Return the state arrays of a parameter by name, all 0: those of the rule in order, then the scales of those stored in bytes.

    Parameters
    ----------
    optimizer : Optimizer
        That of the parameter.
    name : str
        The parameter's, for messages.
    p : array
        The parameter, in host memory or on a GPU.
    """
    slots, compute = execute.slot_names(optimizer._rule()), execute.compute_dtype(p.dtype)
    how = optimizer.state_dtype
    if how is not None and compute != np.float32:
        fix = "Use float32 parameters, or leave it out for this one by overrides=."
        accepted = f"None for parameters of {p.dtype}, as {name!r} is"
        raise check.value_error(type(optimizer).__name__, "state_dtype", accepted, how, fix)
    if how is None or (how == "int8" and p.size < SMALLEST):
        return {slot: execute.zeros(p, compute) for slot in slots}
    if how == "bfloat16":
        return {slot: execute.zeros(p, _bfloat16()) for slot in slots}
    _refuse_other_order(optimizer, name, p)
    arrays = {slot: execute.zeros(p, np.dtype(optimizer.averages[slot])) for slot in slots}
    n_blocks = -(-p.size // execute.BYTES_BLOCK)
    return arrays | {slot + SCALE: execute.zeros(p, compute, (n_blocks,)) for slot in slots}


def _refuse_other_order(optimizer: Any, name: str, p: Any) -> None:
    """Raise where elements lie in memory in another order than C: the blocks would be others after a checkpoint is loaded elsewhere."""
    order = execute.memory_order(p)
    if [axis for axis in order if p.shape[axis] > 1] != [axis for axis in range(p.ndim) if p.shape[axis] > 1]:
        fix = "Use a copy in C order, 'bfloat16', or leave it out for this one by overrides=."
        accepted = f"None or 'bfloat16' for param {name!r}, which lies in memory in another order than that of its axes"
        raise check.value_error(type(optimizer).__name__, "state_dtype", accepted, "int8", fix)


def _bfloat16() -> np.dtype:
    try:
        from ml_dtypes import bfloat16
    except ImportError:
        raise check.ArgumentTypeError(
            "state_dtype='bfloat16' needs a package from which NumPy learns it: pip install ml_dtypes"
        ) from None
    return np.dtype(bfloat16)


def dither(age: int) -> float:
    """Return what is added before rounding in the step number `age`, in units of what is rounded to: evenly spread over (-1/2, 1/2).

    The multiples of the golden ratio, modulo 1, fill the interval more evenly than random numbers: whatever an average loses in some
    steps it gains in others, and the errors do not add up. In 16 bits, which float32 holds exactly.
    """
    return (2 * (40503 * age % 65536) + 1) / 131072 - 0.5


def with_dither(row: tuple[float, ...], age: int) -> tuple[float, ...]:
    """Return the scalars of a step with the dither at the end, where the kernels expect it."""
    return (*row, *(0.0,) * (execute.MOST_SCALARS - 1 - len(row)), dither(age))
