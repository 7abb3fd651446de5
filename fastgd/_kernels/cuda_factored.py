"""The plan of an optimizer state on a GPU whose second moments are numbers of rows and columns: `Adafactor` and `SM3`.

Any number of arrays of one dtype takes five launches with `Adafactor` (sums by rows and columns, means, the size of the step, its factor,
the step) and two with `SM3` (the step, with the maxima it finds; these become the state). What they need beside the state, about 4 % of a
float32 parameter's bytes for `Adafactor` and one more number a row and column for `SM3`, is allocated once.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastgd._kernels import cuda, cuda_factored_source, cuda_launch, cuda_memory
from fastgd._kernels.cuda_arrays import DeviceArray
from fastgd._kernels.cuda_launch import Launch
from fastgd._kernels.cuda_plan import CudaPlan
from fastgd._kernels.cuda_source import computing
from fastgd._kernels.cuda_tiles import MORE, PARTS, QUADS, ROWS, STRETCH, WORDS
from fastgd._kernels.vecio import BYTES, LANES, SIZES
from fastgd._validation import ArgumentValueError


class Team:
    """The arrays that are updated together: those with the same rule and dtypes. What their kernels need, and the launches.

    Parameters
    ----------
    rule : function
        What is applied to directions.
    members : list of int
        The numbers of the parameters.
    arrays, slots : list of DeviceArray
        The parameters, and the momentum of each (None without it).
    factors : list of dict of str to DeviceArray
        The state arrays of each that are not of its shape, by name.
    """

    def __init__(self, rule: Callable, members: list[int], arrays: list, slots: list, factors: list[dict]):
        self.rule, self.members, self.arrays = rule, np.array(members, np.int64), arrays
        self.kind, self.slot_kind = arrays[0].kind, slots[0].kind if slots[0] is not None else None
        self.compute = computing(self.kind)[0]
        self.maxima = "accumulator_0" in factors[0]
        self.columns = QUADS * LANES[self.kind]
        self.table = np.zeros((len(arrays), len(WORDS)), np.int64)
        self.owners: list[int] = []  # of each tile
        self.stretches: list[Any] = []
        self.axes: list[tuple[int, list]] = []  # the leading dimensions of arrays, by number
        self.scratch = 0  # bytes that were asked for so far
        for k, (array, slot, found) in enumerate(zip(arrays, slots, factors, strict=True)):
            self._describe(k, array, slot, list(found.values()))
        sums = 0 if self.maxima else self._take(8 * PARTS * len(self.owners))
        self.memory = cuda_memory.Memory(self.scratch)
        cuda_memory.clear(self.memory.address, self.scratch)
        self._place_scratch()
        self.sums = self.memory.address + sums
        self.rows_of_arrays = cuda_memory.Memory(self.table.nbytes)
        self.rows_of_tiles = _uploaded(np.array(self.owners, np.int64))
        self.rows_of_stretches = _uploaded(np.array(self.stretches, np.int64))
        self.kernels: dict[str, list] = {}
        self.kernels_for(self.kind)
        self._sent = b""

    def kernels_for(self, gradient: str) -> list[Any]:
        """Return the kernels for gradients of a kind, in the order in which they are launched."""
        write, rule, kind, block = cuda_factored_source, self.rule, self.kind, cuda.BLOCK
        if gradient in self.kernels:
            return self.kernels[gradient]
        if self.maxima:
            texts = [write.covered(rule, kind, gradient, self.slot_kind, block), write.take(kind)]
        else:
            texts = [write.gather(rule, kind, gradient, block), write.means(rule, kind, block)]
            texts += [write.sizes(rule, kind, gradient, block), write.factors(rule, kind, block)]
            texts += [write.scaled(rule, kind, gradient, block)]
        self.kernels[gradient] = [cuda_launch.kernel(text) for text in texts]
        return self.kernels[gradient]

    def _take(self, n_bytes: int) -> int:
        """Return where so many bytes of the scratch memory will begin."""
        at, self.scratch = self.scratch, self.scratch + -(-n_bytes // 32) * 32
        return at

    def _set(self, k: int, **words: int) -> None:
        for name, value in words.items():
            self.table[k, WORDS.index(name)] = value

    def _describe(self, k: int, array: DeviceArray, slot: DeviceArray | None, factors: list[DeviceArray]) -> None:
        """Fill the row of an array but for what changes from step to step, and count its tiles."""
        plain = array.ndim < 2
        m = self.columns if plain else array.shape[-1]
        n = -(-array.size // m) if plain or self.maxima else array.shape[-2]
        n_matrices = 1 if plain else array.size // (n * m)
        n_down, n_across = -(-n // ROWS), -(-m // self.columns)
        n_tiles = n_matrices * n_down * n_across
        self._set(
            k, p=array.address, slot=slot.address if slot is not None else 0, second=factors[-1].address, leading=factors[0].address,
            size=array.size, n=n, m=m, n_down=n_down, n_across=n_across, plain=plain, first_tile=len(self.owners), n_tiles=n_tiles,
            first_stretch=len(self.stretches),
        )  # fmt: skip
        self.owners += [k] * n_tiles
        if self.maxima:
            self._describe_maxima(k, array, factors, plain)
            return
        self._set(k, factor=self._take(8))
        if not plain:
            n_stretches = n_matrices * -(-n // STRETCH)
            self._set(k, mean=self._take(SIZES[self.compute] * n_matrices))
            self._set(k, row_parts=self._take(8 * n_matrices * n * n_across), mean_parts=self._take(8 * n_stretches))
            self._set(k, column_parts=self._take(8 * n_matrices * n_down * m))
            self.stretches += [k] * (n_stretches + n_matrices * -(-m // STRETCH))

    def _describe_maxima(self, k: int, array: DeviceArray, factors: list[DeviceArray], plain: bool) -> None:
        """Note the accumulators of an array, those of all dimensions but the last from the inner to the outer ones."""
        if plain:
            return
        size = SIZES[self.compute]
        places = [self._take(a.nbytes) for a in factors]
        for accumulator, place in zip(factors, places, strict=True):
            for start in range(0, accumulator.size, STRETCH):
                count = min(STRETCH, accumulator.size - start)
                self.stretches.append((k, accumulator.address + start * size, place + start * size, count))
        axes = list(range(array.ndim - 1))[::-1]
        self._set(k, n_axes=len(axes), new=places[-1], axes=self._take(32 * len(axes)))
        self.axes.append((k, [(array.shape[a], factors[a].address, places[a], 0) for a in axes]))

    def _place_scratch(self) -> None:
        """Turn places in the scratch memory into addresses, and send what is known of the accumulators."""
        scratch = ("new", "axes") if self.maxima else ("factor", "mean", "row_parts", "mean_parts", "column_parts")
        for name in scratch:
            self.table[:, WORDS.index(name)] += self.memory.address
        if self.maxima:
            self.stretches = [(k, old, new + self.memory.address, n) for k, old, new, n in self.stretches]
            for k, axes in self.axes:
                rows = np.array(axes, np.int64)
                rows[:, 2] += self.memory.address
                cuda_memory.upload(int(self.table[k, WORDS.index("axes")]), rows)

    # ---------------------------------------------------------------------------------------------------------------- each step

    def send(self, gradients: np.ndarray, gradient: str, cohorts: np.ndarray, stream: int) -> None:
        """Bring the table up to date: gradients' addresses, 0 where there is none, their kind, and the cohorts of all parameters."""
        column = WORDS.index
        self.table[:, column("g")] = gradients[self.members]
        self.table[:, column("cohort")] = cohorts[self.members]
        wide = (self.table[:, column("m")] % LANES[self.kind]) == 0
        for name, kind in (
            ("p", self.kind),
            ("g", gradient),
            ("slot", self.slot_kind or self.compute),
            ("second", self.compute),
        ):
            wide &= self.table[:, column(name)] % (SIZES[kind] * LANES[self.kind]) == 0
        self.table[:, column("wide")] = wide
        now = self.table.tobytes()
        if now != self._sent:
            cuda_memory.upload(self.rows_of_arrays.address, self.table, stream)
            self._sent = now

    def launches(self, gradient: str, rows: int, more: int, wide: int, control: int, stream: int) -> list[Launch]:
        """Return what updates the arrays: at these addresses are the scalars of the rule, and of the direction, these in float64 too."""
        arrays, n_arrays = self.rows_of_arrays.address, len(self.table)
        stretches, n_stretches = self.rows_of_stretches.address, len(self.stretches)
        tiles = arrays, self.rows_of_tiles.address, len(self.owners), rows, more, self.sums, control
        if self.maxima:
            work = [(len(self.owners), tiles), (n_stretches, (arrays, stretches, n_stretches))]
        else:
            means = n_stretches, (arrays, stretches, n_stretches, more)
            factors = n_arrays, (arrays, n_arrays, wide, self.sums)
            over_tiles = len(self.owners), tiles
            work = [over_tiles, means, over_tiles, factors, over_tiles]
        return [
            (kernel, n, stream, arguments)
            for kernel, (n, arguments) in zip(self.kernels_for(gradient), work, strict=True)
            if n
        ]


def _uploaded(values: np.ndarray) -> cuda_memory.Memory:
    memory = cuda_memory.Memory(values.nbytes)
    cuda_memory.upload(memory.address, values)
    return memory


class FactoredPlan(CudaPlan):
    """A plan whose rules see directions in the place of gradients.

    Parameters
    ----------
    factors : list of dict of str to DeviceArray
        The state arrays of each parameter that are not of its shape, by name.
    **parts
        See `CudaPlan`.
    """

    by_tables = False

    def __init__(self, factors: list[dict[str, DeviceArray]], **parts: Any):
        super().__init__(**parts)
        for name, slots in zip(self.guard.names, self.states, strict=True):
            if any(slot.kind in BYTES for slot in slots):
                accepted = "None or 'bfloat16' where state arrays of rows and columns are on a GPU"
                raise ArgumentValueError(f"the 'state_dtype' argument must be {accepted}; param {name!r} has 'int8'")
        slots = [found[0] if found else None for found in self.states]
        keys = [(rule, a.kind, s.kind if s is not None else None)
                for (rule, _), a, s in zip(parts["kernels"], self.arrays, slots, strict=True)]  # fmt: skip
        self.teams = []
        for key in dict.fromkeys(keys):
            members = [i for i, k in enumerate(keys) if k == key and self.arrays[i].size]
            if members:
                chosen = ([each[i] for i in members] for each in (self.arrays, slots, factors))
                self.teams.append(Team(key[0], members, *chosen))
        self.more = cuda_memory.Memory(0)
        self.directions: dict[str, np.ndarray] = {}

    def first_members(self) -> list[int]:
        """Return the number of the first parameter of each cohort."""
        return np.unique(self.members, return_index=True)[1].tolist()

    def direct(self, directions: dict[str, list[tuple[float, ...]]]) -> None:
        """Take what is fixed for the directions of this step.

        Parameters
        ----------
        directions : dict of str to list of tuple of float
            By the dtype of computation, of each cohort: scale, limit, and the optimizer's own.
        """
        self.directions = {name: np.zeros((len(rows), MORE)) for name, rows in directions.items()}
        for name, rows in directions.items():
            for c, row in enumerate(rows):
                self.directions[name][c, : len(row)] = row

    def _send_directions(self) -> dict[str, tuple[int, int]]:
        """Send those scalars; return where they are, by the kind of computation: in its dtype, and in float64."""
        single, double = self.directions["float32"], self.directions["float64"]
        with np.errstate(over="ignore"):
            rounded = single.astype(np.float32)
        parts = [np.frombuffer(part.tobytes(), np.uint8) for part in (single, double, rounded)]
        more = np.concatenate(parts)
        if self.more.n_bytes < more.nbytes:
            cuda_memory.synchronize(self.stream)  # a kernel may still read what is about to be freed
            self.more = cuda_memory.Memory(more.nbytes)
        cuda_memory.upload(self.more.address, more, self.stream)
        second, third = self.more.address + single.nbytes, self.more.address + single.nbytes + double.nbytes
        return {"f32": (third, self.more.address), "f64": (second, second)}

    def updates(self) -> list[Launch]:
        """Return what applies the rules to the directions of all parameters that have a gradient."""
        gradients = np.zeros(self.n, np.int64)
        kinds = [a.kind for a in self.arrays]
        for i, g in self.live_gradients():
            gradients[i], kinds[i] = g.address, g.kind
        places = self._send_directions()
        launches = []
        for team in self.teams:
            live = [kinds[i] for i in team.members if gradients[i]]
            if live:
                team.send(gradients, live[0], self.members, self.stream)  # all are as they were given, or none is
                rows, control = self.tables.rows[team.compute], self.tables.control.address
                launches += team.launches(live[0], rows, *places[team.compute], control, self.stream)
        return launches
