"""One memory for all contenders of a large comparison.

Where an array lies in physical memory decides up to 40 % of a streaming step's time, on virtual machines above all: two states of the
same optimizer differ by that much, and stay so. So all contenders that can (fastgd, torch, the streams) work on the same parameter and
the same state arrays, in turns; how far their results are apart is looked at on a small problem, each with its own arrays.
"""

import contextlib
from collections.abc import Iterator
from unittest import mock

import numpy as np

import fastgd._params

MOST_SLOTS = 3
_param: np.ndarray | None = None
_slots: list[np.ndarray] = []


@contextlib.contextmanager
def one_memory(start: list[np.ndarray]) -> Iterator[None]:
    """Inside the block contenders of this one parameter's size are made on the same arrays."""
    global _param, _slots
    _param, _slots = start[0].copy(), [np.zeros_like(start[0]) for _ in range(MOST_SLOTS)]
    for slot in _slots:
        slot[...] = 0  # every page written
    try:
        yield
    finally:
        _param, _slots = None, []


def params_like(start: list[np.ndarray]) -> list[np.ndarray]:
    """Return the shared parameter, or copies of `start` where nothing is shared."""
    return [a.copy() for a in start] if _param is None else [_param]


def slots_like(params: list[np.ndarray], n: int) -> list[np.ndarray] | None:
    """Return n shared state arrays, or None where nothing is shared."""
    return None if _param is None or params[0] is not _param else _slots[:n]


@contextlib.contextmanager
def lent_state() -> Iterator[None]:
    """Inside the block a fastgd state takes the shared arrays instead of its own."""
    if _param is None:
        yield
        return
    slots = iter(_slots)
    with mock.patch.object(fastgd._params, "zeros_in_order", lambda like, axes, dtype: next(slots)):
        yield
