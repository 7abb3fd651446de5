"""Passes over arrays on a GPU that are no update: copies from one dtype to another, and sums array by array.

As the updates, they walk a table of chunks, so that one launch serves any number of arrays of the same dtypes. Sums are float64, chunk by
chunk on the device and then here, by fixed trees: the same bits on every GPU.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastgd._kernels import cuda, cuda_launch, cuda_memory
from fastgd._kernels.cuda_arrays import DeviceArray
from fastgd._kernels.cuda_source import (
    ALIGNED,
    CHUNK,
    ELEMENTS,
    KernelText,
    addresses,
    computing,
    lines_of,
    square_terms,
    tree,
)
from fastgd._kernels.vecio import LANES, SIZES

COPY = (
    """\
def {name}(table, n_chunks):
    tid = i64(cuda.threadIdx.x)
    nt = i64(cuda.blockDim.x)
    c = i64(cuda.blockIdx.x)
    while c < n_chunks:
        row = table + c * {width}
{addresses}
        n = packed & 0xFFFFFFFF
"""
    + ELEMENTS
    + """\
        c += i64(cuda.gridDim.x)
"""
)

SUMS = (
    """\
def {name}(table, n_chunks, partials):
    shared = cuda.shared.array({shared}, dtype=shared_type)
    every = True
    tid = i64(cuda.threadIdx.x)
    nt = i64(cuda.blockDim.x)
    c = i64(cuda.blockIdx.x)
    while c < n_chunks:
        row = table + c * {width}
{addresses}
        n = packed & 0xFFFFFFFF
{begin}
        {sums} = {zeros}
"""
    + ELEMENTS
    + """\
        {store}
{tree}
        if tid == 0:
            place = partials + c * {partial_bytes}
            {write}
        cuda.syncthreads()
        c += i64(cuda.gridDim.x)
"""
)

SHRINK, GROW = cuda.RANGES["shrink"], cuda.RANGES["grow"]
WORDS = 4  # of a row of the table: up to two addresses, a number, and what is packed


def _both(columns: Sequence[tuple[str, str]], lanes: int, terms: Callable[[str], list[str]]) -> tuple[str, str]:
    """Return the statements that load columns, (name, kind) each, and then do something with each element: of a vector, of a single one."""

    def lines(suffixes: list[str], wide: str) -> list[str]:
        loads = [
            f"{', '.join(f'e_{name}{s}' for s in suffixes)} = ld_{kind}{wide}(a_{name} + i * {SIZES[kind] * len(suffixes)})"
            for name, kind in columns
        ]
        return [*loads, *(line for s in suffixes for line in terms(s))]

    return lines_of(lines([str(k) for k in range(lanes)], f"x{lanes}"), 16), lines_of(lines([""], ""), 12)


@functools.cache
def copy(target: str, source: str) -> KernelText:
    """Return the kernel that copies arrays of one kind to arrays of another, computed in the same dtype; rounded once."""
    compute, dtype = computing(target)
    lanes, name = LANES[target], f"copy_{source}_{target}"

    def stores(suffixes: list[str], wide: str) -> str:
        values = ", ".join(f"e_source{s}" for s in suffixes)
        return f"st_{target}{wide}(a_target + i * {SIZES[target] * len(suffixes)}, {values})"

    vector, single = _both([("source", source)], lanes, lambda s: [])
    body = COPY.format(
        name=name, width=8 * WORDS, aligned=ALIGNED, lanes=lanes,
        addresses=lines_of(addresses(["target", "source"], WORDS), 8),
        vector=vector + "\n" + lines_of([stores([str(k) for k in range(lanes)], f"x{lanes}")], 16),
        single=single + "\n" + lines_of([stores([""], "")], 12),
    )  # fmt: skip
    return KernelText(body, name, dtype, compute, 2)


def _sums(
    name: str, kinds: Sequence[str], block: int, begin: str, n_sums: int, terms: Callable[[str], list[str]]
) -> KernelText:
    """Return the kernel that sums terms over each chunk of arrays; the terms add to s0, s1, ..."""
    compute, dtype = computing(kinds[0])
    columns = list(zip(("a", "b"), kinds, strict=False))
    vector, single = _both(columns, LANES[kinds[0]], terms)
    every = range(n_sums)
    body = SUMS.format(
        name=name, width=8 * WORDS, aligned=ALIGNED, lanes=LANES[kinds[0]], vector=vector, single=single,
        shared=n_sums * block, begin=lines_of([begin] if begin else [], 8), partial_bytes=8 * n_sums, tree=tree(8, n_sums),
        addresses=lines_of(addresses(["a", "b"][: len(kinds)], WORDS), 8),
        sums=", ".join(f"s{k}" for k in every), zeros=", ".join("zero" for _ in every),
        store="; ".join(f"shared[{k} * nt + tid] = s{k}" for k in every),
        write="; ".join(f"st_f64(place + {8 * k}, shared[{k} * nt])" for k in every),
    )  # fmt: skip
    return KernelText(body, name, dtype, compute, 3)


def n_ranges(kind: str) -> int:
    """Return how many sums a norm takes: squares of float64 are summed in three ranges."""
    return 3 if kind == "f64" else 1


@functools.cache
def look(kind: str, block: int) -> KernelText:
    """Return the kernel that sums the squares of weights as they were, and of what was added to them, which is rounded as they are."""
    n = n_ranges(kind)
    own, added = [[f"s{j + k}" for k in range(3)] for j in (0, n)]

    def terms(s: str) -> list[str]:
        return [
            f"change{s} = e_b{s} - e_a{s}",
            *square_terms(f"e_a{s}", kind, own),
            *square_terms(f"change{s}", kind, added),
        ]

    return _sums(f"look_{kind}", (kind, kind), block, "", 2 * n, terms)


@functools.cache
def beyond(kind: str, block: int) -> KernelText:
    """Return the kernel that counts the elements whose absolute value is greater than a limit, its bits being the row's number."""

    def terms(s: str) -> list[str]:
        return [f"s0 += f64(1) if abs(f64(e_a{s})) > limit else zero"]

    return _sums(f"beyond_{kind}", (kind,), block, "limit = ld_f64(row + 16)", 1, terms)


class Pass:
    """The same kernel over arrays side by side, launched once for those of each combination of dtypes.

    Parameters
    ----------
    kernel_of : callable
        Returns the text for the kinds of the arrays.
    columns : list of list of DeviceArray
        The first array of each place, perhaps the second one; those of a place have the same size.
    numbers : list of float, optional
        Of each place, for kernels that take one.
    """

    def __init__(self, kernel_of: Callable[..., KernelText], columns: list[list[DeviceArray]], numbers: Any = None):
        places = list(zip(*columns, strict=True))
        self.n_places = len(places)
        self.launches: list[tuple[Any, str, np.ndarray, np.ndarray]] = []
        self._memories: list[cuda_memory.Memory] = []
        for kinds in dict.fromkeys(tuple(a.kind for a in each) for each in places):
            members = [k for k, each in enumerate(places) if tuple(a.kind for a in each) == kinds and each[0].size]
            if members:
                owners, table = _table(members, places, numbers)
                self.launches.append((cuda_launch.kernel(kernel_of(*kinds)), kinds[0], owners, table))
                self._memories.append(cuda_memory.Memory(table.nbytes))
        self._is_sent = False

    def send(self, stream: int) -> None:
        """Send the tables, unless that was done."""
        if not self._is_sent:
            for (_, _, _, table), memory in zip(self.launches, self._memories, strict=True):
                cuda_memory.upload(memory.address, table, stream)
        self._is_sent = True

    def run(self, stream: int) -> None:
        """Launch kernels that sum nothing and take nothing beside the table."""
        cuda_launch.run(self.ready(stream), [])

    def ready(self, stream: int, more: Callable[[str], tuple] = lambda kind: ()) -> list[cuda_launch.Launch]:
        """Return what launches kernels that sum nothing; `more` returns what those of a kind take beside the table."""
        self.send(stream)
        return [
            (kernel, len(owners), stream, (memory.address, len(owners), *more(kind)))
            for (kernel, kind, owners, _), memory in zip(self.launches, self._memories, strict=True)
        ]

    def sums(self, n_sums: Callable[[str], int], stream: int) -> list[list[float]]:
        """Launch kernels that sum, and return the sums of each place, as many as its kind has; 0 for arrays without elements."""
        self.send(stream)
        found: list[list[float]] = [[0.0] for _ in range(self.n_places)]
        for (kernel, kind, owners, _), memory in zip(self.launches, self._memories, strict=True):
            n, width = len(owners), n_sums(kind)
            partials = cuda_memory.Memory(8 * width * n)
            kernel(n, stream, memory.address, n, partials.address)
            values = np.zeros((n, width))
            cuda_memory.download(partials.address, values, stream)
            for place, sums in summed_by(owners, values):
                found[place] = sums
        return found


def _table(members: list[int], places: list[tuple], numbers: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the place of each chunk, those of one place side by side, and the table."""
    rows = [(k, start) for k in members for start in range(0, places[k][0].size, CHUNK)]
    owners, starts = np.array(rows, np.int64).T
    sizes = np.array([each[0].size for each in places])[owners]
    table = np.zeros((len(rows), WORDS), np.int64)
    aligned = np.ones(len(rows), bool)
    for k, array in enumerate(places[members[0]]):
        first = np.array([each[k].address for each in places])[owners]
        table[:, k] = first + starts * array.itemsize
        aligned &= table[:, k] % (array.itemsize * LANES[array.kind]) == 0
    if numbers is not None:
        table[:, 2] = np.array(numbers, np.float64)[owners].view(np.int64)
    table[:, 3] = np.minimum(CHUNK, sizes - starts) | (aligned.astype(np.int64) << ALIGNED)
    return owners, table


def summed_by(owners: np.ndarray, values: np.ndarray) -> list[tuple[int, list[float]]]:
    """Return each owner of rows of numbers, and the sums of its rows."""
    order = np.argsort(owners, kind="stable")
    found, starts = np.unique(owners[order], return_index=True)
    return list(zip(found.tolist(), np.add.reduceat(values[order], starts, axis=0).tolist(), strict=True))


def norm_of_ranges(sums: Sequence[float]) -> float:
    """Return the norm from sums of squares: one, or those of three ranges, as `cuda.DECIDE` has it."""
    s0, s1, s2 = (*sums, 0.0, 0.0)[:3]
    if s1 > 0:
        return math.sqrt(s1) / SHRINK  # of which the others are not a part that float64 holds
    if s2 > 0:
        return math.sqrt(s0 + s2 / GROW / GROW) if s0 > 0 else math.sqrt(s2) / GROW
    return math.sqrt(s0)
