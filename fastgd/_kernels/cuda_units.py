"""What extras do to gradients on a GPU before the step, unit by unit: take off their mean, or limit their norm.

A unit is what lies at one index along an axis, or a whole array. Three launches serve any number of arrays: sums over chunks of units, then
over the chunks of each unit, then the new gradients, in the dtype in which steps are computed. The threads of a block lie over
neighbouring units where those are neighbours in memory, else along a unit. Sums are float64 with a fixed order: the same bits on every GPU,
and those of the processor to rounding; what is made of them is computed in float64, as there, and rounded once.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastgd._kernels import cuda, cuda_arrays, cuda_launch, cuda_memory
from fastgd._kernels.cuda_arrays import DeviceArray
from fastgd._kernels.cuda_source import CHUNK, computing
from fastgd._kernels.cuda_tables import Tables
from fastgd._kernels.cuda_unit_source import FIELDS, VALUES, changed, n_sums, numbers, sums

WIDEST = 32  # units side by side


class Work(NamedTuple):
    """What is done to one array: its extra's kind, the axis of its units (None: one unit; ``nothing``: none), and the extra's numbers."""

    what: str
    axis: int | None
    limit: float
    eps: float
    nothing: bool = False


class _Group(NamedTuple):
    """Arrays of the same kinds that the same launches change."""

    kernels: tuple[Any, Any, Any]
    rows: np.ndarray  # of the table, (n, fields): chunks of tiles of units
    owners: np.ndarray
    tiles: np.ndarray  # the rows of all chunks of a tile together
    table: cuda_memory.Memory
    second: cuda_memory.Memory
    partials: cuda_memory.Memory
    values: cuda_memory.Memory


class UnitPass:
    """What one extra does to the gradients of some arrays.

    Parameters
    ----------
    works : list of Work
        Of each array.
    kinds : list of str
        Of the gradients as this pass gets them.
    weights, outs : list of DeviceArray
        The parameters, and where the new gradients go.
    """

    def __init__(self, works: list[Work], kinds: list[str], weights: list[DeviceArray], outs: list[DeviceArray]):
        self.groups: list[_Group] = []
        self._sent: bytes | None = None
        keys = [(work.what, g, p.kind) for work, g, p in zip(works, kinds, weights, strict=True)]
        for what, gradient, kind in dict.fromkeys(keys):
            members = [i for i, k in enumerate(keys) if k == (what, gradient, kind) and weights[i].size]
            if members:
                block = cuda.BLOCK
                texts = (
                    sums(what, gradient, kind, block),
                    numbers(what, kind, block),
                    changed(what, gradient, kind, block),
                )
                self._add(members, works, weights, outs, tuple(map(cuda_launch.kernel, texts)), n_sums(what, kind))

    def _add(self, members: list[int], works: Any, weights: Any, outs: Any, kernels: Any, width: int) -> None:
        rows: list[np.ndarray] = []
        tiles: list[np.ndarray] = []
        owners: list[int] = []
        n_values = n_partials = 0
        for i in members:
            p, work = weights[i], works[i]
            shape = _Shape.of(p.shape, work.axis)
            found, tile = shape.rows()
            for r in (found, tile):
                r[:, [1, 2, 3]] = p.address, outs[i].address, n_values
                r[:, FIELDS.index("partial")] += n_partials
                r[:, FIELDS.index("limit")] = np.array(work.limit).view(np.int64)
                r[:, FIELDS.index("eps")] = np.array(work.eps).view(np.int64)
                r[:, FIELDS.index("count")] = np.array(float(shape.length)).view(np.int64)
            tile[:, FIELDS.index("chunks")] *= not work.nothing
            n_values += shape.units
            n_partials += shape.units * shape.chunks
            rows.append(found)
            tiles.append(tile)
            owners.extend([i] * len(found))
        every, second = np.concatenate(rows), np.concatenate(tiles)
        memories = [
            cuda_memory.Memory(n) for n in (every.nbytes, second.nbytes, 8 * width * n_partials, 8 * VALUES * n_values)
        ]
        self.groups.append(_Group(kernels, every, np.array(owners), second, *memories))

    def run(self, addresses: np.ndarray, stream: int) -> None:
        """Change the gradients at these addresses; 0 stands for none."""
        if addresses.tobytes() != self._sent:
            for group in self.groups:
                rows = group.rows.copy()
                rows[:, 0] = addresses[group.owners]
                rows[:, FIELDS.index("end")] *= rows[:, 0] != 0
                cuda_memory.upload(group.table.address, rows, stream)
                cuda_memory.upload(group.second.address, group.tiles, stream)
            self._sent = addresses.tobytes()
        for group in self.groups:
            first, second, third = group.kernels
            n, n_tiles = len(group.rows), len(group.tiles)
            memories = group.partials.address, group.values.address
            for kernel, table, count in (
                (first, group.table, n),
                (second, group.second, n_tiles),
                (third, group.table, n),
            ):
                kernel(count, stream, table.address, count, *memories)


class Transforms:
    """What the extras of a state do to its gradients, one after the other; `Plan.sweep` then sees what they have made of them.

    Parameters
    ----------
    works : list of list of Work
        Of each extra, of each parameter.
    plan : CudaPlan
    """

    def __init__(self, works: list[list[Work]], plan: Any):
        weights = plan.arrays
        kinds = [computing(p.kind)[0] for p in weights]
        self.outs = [cuda_arrays.zeros(p.shape, computing(p.kind)[1], plan.stream) for p in weights]
        self.addresses = np.array([out.address for out in self.outs], np.int64)
        self.passes = [UnitPass(each, [p.kind for p in weights] if k == 0 else kinds, weights, self.outs)
                       for k, each in enumerate(works)]  # fmt: skip
        self.given: list[Any] = []
        self.tables = Tables(weights, plan.states, plan.kernels, kinds, plan.by_tables)
        cuda_memory.wait()  # for the tables' first values, which were set on no stream in particular

    def run(self, plan: Any) -> None:
        """Put new gradients in the place of the bound ones."""
        given = plan.addresses()
        self.given = plan.live_gradients()  # kept as long as a launch may read them
        now = np.where(given != 0, self.addresses, 0)
        for k, each in enumerate(self.passes):
            each.run(now if k else given, plan.stream)
        plan.substitute_all(self.outs, self.tables)


class _Shape(NamedTuple):
    """An array as (outer, units, inner), and how blocks lie over it."""

    outer: int
    units: int
    inner: int

    @classmethod
    def of(cls, shape: Sequence[int], axis: int | None) -> "_Shape":
        """Return how an array's units lie in memory; all of it is one where the axis is None."""
        if axis is None:
            return cls(1, 1, int(np.prod(shape)))
        return cls(int(np.prod(shape[:axis])), shape[axis], int(np.prod(shape[axis + 1 :])))

    @property
    def length(self) -> int:
        """The elements of a unit."""
        return self.outer * self.inner

    @property
    def wide(self) -> int:
        """How many units lie side by side in a block, a power of 2."""
        most = min(WIDEST, cuda.BLOCK, self.units) if self.inner == 1 else 1
        return 1 << (most.bit_length() - 1)

    @property
    def step(self) -> int:
        """How many elements of each unit a chunk has."""
        return max(1, CHUNK // self.wide)

    @property
    def chunks(self) -> int:
        """How many chunks a unit has."""
        return -(-self.length // self.step)

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of the table, and those of all chunks together."""
        firsts = np.arange(0, self.units, self.wide)
        n = len(firsts)
        row = dict.fromkeys(FIELDS, 0) | {
            "chunks": self.chunks,
            "wide": self.wide,
            "units": self.units,
            "inner": self.inner,
        }
        found = np.tile(np.array([row[name] for name in FIELDS], np.int64), (n * self.chunks, 1))
        chunk = np.repeat(np.arange(self.chunks), n)
        found[:, FIELDS.index("first")] = np.tile(firsts, self.chunks)
        found[:, FIELDS.index("partial")] = chunk * self.units
        found[:, FIELDS.index("begin")] = chunk * self.step
        found[:, FIELDS.index("end")] = np.minimum((chunk + 1) * self.step, self.length)
        return found, found[:n].copy()
