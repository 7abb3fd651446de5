"""An optimizer's rule on the weights of lanes where they lie: on a GPU by the CUDA kernels, else by those of the processor.

Lanes are rows of the weights here, so that each is an array of its own to the kernels, with its own scalars; where all lanes have the same
ones, all weights are one array. On a GPU the scalars of many steps wait on the device: a step is two launches and nothing else.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastgd._kernels import execute
from fastgd._validation import ArgumentValueError

__all__ = ["steps_of"]

Parameter = Sequence[Any]
"""What a rule works on: a parameter's weights, its gradient, then its state arrays, of one shape (K, ...), C-contiguous."""


def steps_of(rule: Callable, parameters: Sequence[Parameter], shared: bool) -> Any:
    """Return how to take the steps of a rule.

    Parameters
    ----------
    rule : callable
        A function of ``rules.py``.
    parameters : list of Parameter
    shared : bool
        All lanes have the same scalars.

    Returns
    -------
    object
        ``fill(scalars)`` takes the scalars of the next steps, (n_steps, n_scalars, K) of each parameter; ``step()`` takes one of them.
    """
    kind = DeviceSteps if execute.is_on_device(parameters[0][0]) else HostSteps
    return kind(rule, parameters, shared)


def _rows(scalars: list[np.ndarray], shared: bool) -> np.ndarray:
    """Return the scalars as (n_steps, n_arrays, n_scalars): of all lanes of the first parameter, then of the next."""
    return np.concatenate([(s[..., :1] if shared else s).transpose(0, 2, 1) for s in scalars], axis=1)


class DeviceSteps:
    """Steps on a GPU, on the stream on which the arrays' producer works; the arguments are those of `steps_of`."""

    def __init__(self, rule: Callable, parameters: Sequence[Parameter], shared: bool):
        from fastgd._kernels import cuda_arrays, cuda_memory, cuda_tables

        self.shared, self.first = shared, parameters[0][0]
        cut: Any = (lambda view: [view]) if shared else _lanes
        views = [[cut(cuda_arrays.view("weights", array, True)) for array in each] for each in parameters]
        each = [
            list(arrays) for parameter in views for arrays in zip(*parameter, strict=True)
        ]  # weights, gradient, state
        self.gradients = np.array([arrays[1].address for arrays in each], np.int64)
        self.tables = cuda_tables.Tables([a[0] for a in each], [a[2:] for a in each], [(rule, None)] * len(each))
        self.limits: Any = None
        cuda_memory.wait()  # for the tables' first values, which were set on no stream in particular

    def fill(self, scalars: list[np.ndarray]) -> None:
        """Send the scalars of the next steps to the device."""
        from fastgd._kernels import cuda_arrays
        from fastgd._kernels.cuda_source import SCALARS

        rows, tables, stream = _rows(scalars, self.shared), self.tables, cuda_arrays.stream_of(self.first)
        n, self.n_cohorts, n_scalars = rows.shape
        if self.limits is None or self.limits.size < n:
            self.limits = cuda_arrays.zeros((n,), np.dtype(np.float64), stream)  # of norms, which nobody measures here
        wide = np.zeros((n, self.n_cohorts, SCALARS))
        wide[..., :n_scalars] = rows
        tables.send_table(self.gradients, np.arange(self.n_cohorts), stream)
        tables.send_step(wide, stream, end=n)

    def step(self) -> None:
        """Launch the next step."""
        from fastgd._kernels import cuda_arrays, cuda_launch

        stream, tables = cuda_arrays.stream_of(self.first), self.tables
        cuda_launch.run(tables.begins(self.limits.address, stream) + tables.updates(self.n_cohorts, stream), [])


def _lanes(view: Any) -> list[Any]:
    """Return views of the rows of an array on a GPU."""
    from fastgd._kernels.cuda_arrays import DeviceArray

    size = view.nbytes // view.shape[0]
    return [DeviceArray(view.address + k * size, view.shape[1:], view.dtype, view.owner) for k in range(view.shape[0])]


class _Guard:
    """Words what a plan may refuse; what else it looks for cannot happen here."""

    def __init__(self, names: tuple[str, ...]):
        self.names = names

    def scalar(self, group: int, k: int, value: float) -> None:
        raise ArgumentValueError(
            f"{self.names[k]} of a step is {value!r}, which float32 cannot hold; use float64 data."
        )


class HostSteps:
    """Steps in host memory, whichever library the arrays are of; the arguments are those of `steps_of`."""

    def __init__(self, rule: Callable, parameters: Sequence[Parameter], shared: bool):
        self.shared = shared
        seen = [[_seen(array) for array in each] for each in parameters]
        each = [list(a) for p in seen for a in ([p] if shared else zip(*(list(_split(a)) for a in p), strict=True))]
        leaves, self.gradients = [a[0] for a in each], [a[1] for a in each]
        members, kernels = list(range(len(each))), [(rule, None)] * len(each)
        states = [a[2:] for a in each]
        self.plan = execute.plan(leaves, leaves, leaves, states, kernels, members, _Guard(execute.hyper_names(rule)))

    def fill(self, scalars: list[np.ndarray]) -> None:
        """Take the scalars of the next steps."""
        self.rows = iter(_rows(scalars, self.shared).tolist())

    def step(self) -> None:
        """Take the next step."""
        rows = [tuple(row) for row in next(self.rows)]
        self.plan.bind(self, self.gradients)
        try:
            self.plan.sweep(rows, [None] * len(rows), [False] * len(rows))
        finally:
            self.plan.release(self)


def _seen(array: Any) -> np.ndarray:
    """Return a view of an array in host memory, to write to."""
    return array.numpy() if hasattr(array, "detach") else np.from_dlpack(array)  # which may be read-only, of torch


def _split(array: np.ndarray) -> list[np.ndarray]:
    """Return views of an array's rows."""
    return [array[k : k + 1] for k in range(len(array))]
