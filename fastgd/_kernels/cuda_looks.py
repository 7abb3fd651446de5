"""What monitors see of a step on a GPU: norms array by array, of gradients, of weights and of what a step adds to them.

Only a step that is looked at does anything for it: a copy of the weights before, one pass over both after it, and a wait for the sums.
"""

from typing import Any

import numpy as np

from fastgd._kernels import cuda, cuda_arrays, cuda_memory, cuda_passes
from fastgd._kernels.cuda_arrays import DeviceArray
from fastgd._kernels.cuda_passes import Pass, n_ranges, norm_of_ranges, summed_by
from fastgd._kernels.cuda_source import SUMS


def array_sums(tables: Any, n: int, stream: int) -> list[float]:
    """Return the sums of squares of the single gradients, of n, as the last norm has left them chunk by chunk on the device."""
    found = [0.0] * n
    if not tables.segments:
        return found
    values = np.zeros((tables.n_chunks, SUMS))
    cuda_memory.download(tables.partials.address, values, stream)
    for i, (s0, s1, s2, _) in summed_by(np.concatenate([s.owners for s in tables.segments]), values):
        norm = norm_of_ranges((s0, s1, s2))
        found[i] = s0 if s1 == s2 == 0 else norm * norm
    return found


class StepLook:
    """One look at what a step does to weights: made before the step, asked for `norms` after it.

    Parameters
    ----------
    weights : list of DeviceArray
        Those that the step will change.
    stream : int
        On which the step runs.
    """

    def __init__(self, weights: list[DeviceArray], stream: int):
        self.weights, self.stream = weights, stream
        self.before = [cuda_arrays.copy_of(p, stream) for p in weights]
        self._pass = Pass(lambda kind, _: cuda_passes.look(kind, cuda.BLOCK), [self.before, weights])

    def norms(self) -> list[tuple[float, float]]:
        """Return the norms of each array of weights as it was, and of what was added to it."""
        found = []
        for p, sums in zip(self.weights, self._pass.sums(lambda kind: 2 * n_ranges(kind), self.stream), strict=True):
            n = n_ranges(p.kind)
            found.append((norm_of_ranges(sums[:n]), norm_of_ranges(sums[n:] or [0.0])))
        return found


def count_beyond(arrays: list[DeviceArray], limits: list[float], stream: int) -> list[int]:
    """Return how many elements of each array exceed its limit, in absolute value, as NumPy compares them: in the array's dtype."""
    with np.errstate(over="ignore"):
        rounded = [float(a.dtype.type(limit)) for a, limit in zip(arrays, limits, strict=True)]
    counts = Pass(lambda kind: cuda_passes.beyond(kind, cuda.BLOCK), [arrays], rounded)
    found = counts.sums(lambda kind: 1, stream)
    return [int(sums[0]) for sums in found]
