"""The tables of chunks in device memory, and the launches over them: for optimizer states, and for whoever else steps on a GPU."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastgd._kernels import cuda, cuda_arrays, cuda_coded, cuda_launch, cuda_memory, cuda_source, rules
from fastgd._kernels._jit_source import signature
from fastgd._kernels.cuda_arrays import DeviceArray
from fastgd._kernels.cuda_launch import Kernel, Launch
from fastgd._kernels.cuda_source import ALIGNED, CHUNK, COHORT, CONTROL, CONTROL_SIZE, SCALARS, SUMS, KernelText
from fastgd._kernels.vecio import BYTES, LANES, SIZES

GRADIENT, PACKED = 1, -1  # the columns of a table that change from step to step


REALS = ("sum", "norm", "power", "factor")  # the words of a control block that are float64
IDLE = {"power": 1.0, "factor": 1.0, "policy": 1}  # those of one that lets no step begin: a norm can be taken


class Segment(NamedTuple):
    """The chunks that one launch updates: those of the parameters with the same rule and dtype."""

    kind: str
    gradient: str  # the kind of the gradients
    compute: str
    update: Any  # a Kernel; None where others update
    norm: Kernel
    measure: Kernel | None
    owners: np.ndarray  # of each chunk: the number of its parameter
    starts: np.ndarray  # where it begins in the gradient, in bytes
    counts: np.ndarray  # its elements
    aligned: np.ndarray  # whether all addresses but the gradient's suit vector access
    rows: np.ndarray  # the table as it was last sent
    first: int  # the number of its first chunk among those of all segments
    place: int  # where its rows begin in device memory, in bytes


class Tables:
    """The chunk tables, the control block, the scalars' rows and the partial sums, in device memory, and the launches over them.

    Parameters
    ----------
    arrays, states : list of DeviceArray, list of list of DeviceArray
        The parameters, and the state arrays of each.
    kernels : list of (rule, measure)
        Of each parameter; the measure may be None.
    gradients : list of str, optional
        The kind of each gradient, where that is not the parameter's: of the same number of lanes.
    updates : bool
        Whether `updates` will be asked for: else nothing is compiled for it.
    """

    def __init__(
        self,
        arrays: list[DeviceArray],
        states: list[list[DeviceArray]],
        kernels: list[tuple],
        gradients: list[str] | None = None,
        updates: bool = True,
    ):
        self.segments: list[Segment] = []
        self.n_chunks = self.size = 0
        keys = [(rule, measure, a.kind, tuple(s.kind for s in slots), g) for (rule, measure), a, slots, g
                in zip(kernels, arrays, states, gradients or [a.kind for a in arrays], strict=True)]  # fmt: skip
        for key in dict.fromkeys(keys):
            members = [i for i, k in enumerate(keys) if k == key and arrays[i].size]
            if members:
                self._add_segment(members, arrays, states, updates, *key)
        self.computes = list(dict.fromkeys(s.compute for s in self.segments))
        self.memory = cuda_memory.Memory(self.size)
        self.control = cuda_memory.Memory(CONTROL_SIZE)  # and behind it the scalars' rows
        self.partials = cuda_memory.Memory(8 * SUMS * self.n_chunks)
        self.limits = cuda_memory.Memory(8)
        self.rows: dict[str, int] = {}  # where those of each precision are
        self._measures: cuda_memory.Memory | None = None
        self._sent: tuple | None = None
        self._is_idle = False  # whether the control block is such that a norm is all that kernels find out

    def _add_segment(
        self,
        members: list[int],
        arrays: list[DeviceArray],
        states: list[list[DeviceArray]],
        updates: bool,
        rule: Callable,
        measure: Callable | None,
        kind: str,
        kinds: tuple[str, ...],
        gradient: str,
    ) -> None:
        compute, _ = cuda_source.computing(kind)
        words = cuda_source.row_words(len(kinds))
        chunks = [(i, start, min(CHUNK, arrays[i].size - start))
                  for i in members for start in range(0, arrays[i].size, CHUNK)]  # fmt: skip
        chunks.sort(key=lambda chunk: -chunk[2])  # the longest first: short work comes last
        owners, starts, counts = np.array(chunks, np.int64).T
        rows = np.zeros((len(chunks), words), np.int64)
        rows[:, 0] = [arrays[i].address for i in owners] + starts * SIZES[kind]
        aligned = rows[:, 0] % (SIZES[kind] * LANES[kind]) == 0
        n_scales = sum(slot in BYTES for slot in kinds)  # which come last
        for k, slot in enumerate(kinds, 2):
            rows[:, k] = [states[i][k - 2].address for i in owners]
            if k < 2 + len(kinds) - n_scales:
                rows[:, k] += starts * SIZES[slot]
                aligned &= rows[:, k] % (SIZES[slot] * LANES[kind]) == 0
            else:
                rows[:, k] += starts // cuda_coded.BLOCK * SIZES[slot]
        block = cuda.BLOCK
        self.segments.append(
            Segment(
                kind,
                gradient,
                compute,
                cuda_launch.kernel(_update(rule, kind, kinds, gradient)) if updates else None,
                cuda_launch.kernel(cuda_source.norm(gradient, block, words)),
                cuda_launch.kernel(cuda_source.measured(measure, rule, kind, block, gradient)) if measure else None,
                owners,
                starts * SIZES[gradient],
                counts,
                aligned,
                rows,
                self.n_chunks,
                self.size,
            )
        )
        self.n_chunks += len(rows)
        self.size += rows.nbytes

    # ------------------------------------------------------------------------------------------------------------ what is sent

    def send_table(self, gradients: np.ndarray, cohorts: np.ndarray, stream: int) -> None:
        """Bring the table up to date: gradients' addresses (0 where there is none) and cohorts of the parameters."""
        now = gradients.tobytes(), cohorts.tobytes()
        if now == self._sent:
            return
        for s in self.segments:
            whole, width = gradients[s.owners], SIZES[s.gradient] * LANES[s.kind]
            s.rows[:, GRADIENT] = whole + s.starts
            aligned = s.aligned & (s.rows[:, GRADIENT] % width == 0)
            counts = np.where(whole != 0, s.counts, 0)
            s.rows[:, PACKED] = counts | (cohorts[s.owners] << COHORT) | (aligned.astype(np.int64) << ALIGNED)
            cuda_memory.upload(self.memory.address + s.place, s.rows, stream)
        self._sent = now

    def send_step(self, wide: np.ndarray, stream: int, **words: float) -> None:
        """Send, in one copy, what steps read: the control block, and scalars, (n_steps, n_cohorts, SCALARS) in float64, in each precision.

        Of the control block the words are set that are given, beside factor and power 1 and policy 1; the others become 0.
        """
        parts, places, size = [_control(words)], {}, CONTROL_SIZE
        for compute in self.computes:
            with np.errstate(over="ignore"):
                values = np.ascontiguousarray(wide, np.float64 if compute == "f64" else np.float32)
            parts.append(values.view(np.uint8).reshape(-1))
            places[compute], size = size, size + values.nbytes
        if size > self.control.n_bytes:
            cuda_memory.synchronize(stream)  # a kernel may still read what is about to be freed
            self.control = cuda_memory.Memory(size)
        self.rows = {compute: self.control.address + place for compute, place in places.items()}
        self._is_idle = False
        cuda_memory.upload(self.control.address, np.concatenate(parts), stream)
        self._is_idle = not words.get("end")

    def read_control(self, stream: int) -> dict[str, float]:
        """Return the words of the control block, once the device has come so far."""
        block = np.zeros(CONTROL_SIZE // 8, np.int64)
        cuda_memory.download(self.control.address, block, stream)
        reals = block.view(np.float64)
        return {n: float(reals[at // 8]) if n in REALS else int(block[at // 8]) for n, at in CONTROL.items()}

    def read_word(self, name: str, stream: int) -> float:
        """Return one of them."""
        word = np.zeros(1, np.float64 if name in REALS else np.int64)
        cuda_memory.download(self.control.address + CONTROL[name], word, stream)
        return word[0].item()

    def clear_counts(self, stream: int) -> None:
        """Set what is counted from one look of the host to the next back to 0."""
        for name in ("skipped", "overrun", "nonfinite"):
            cuda_memory.clear(self.control.address + CONTROL[name], 8, stream)

    # ---------------------------------------------------------------------------------------------------------------- launches

    def norms(self, limits: int, stream: int) -> list[Launch]:
        """Sum the squares of all gradients; the last launch goes on to decide what the step does, by the limits at that address."""
        launches = []
        for s in self.segments:
            final = self.n_chunks if s is self.segments[-1] else 0
            arguments = (self.partials.address, s.first, final, self.control.address, limits)
            launches.append((s.norm, *self._work(s, stream, *arguments)))
        return launches

    def _work(self, s: Segment, stream: int, *arguments: int) -> tuple[int, int, tuple[int, ...]]:
        """Return what a launch over a segment's chunks needs beside its kernel."""
        n = len(s.owners)
        return n, stream, (self.memory.address + s.place, n, *arguments)

    def square_sum(self, stream: int) -> float:
        """Return the sum of the squares of all gradients; not finite where an element is not."""
        if not self._is_idle:
            cuda_memory.upload(self.control.address, _control({}), stream)
            self._is_idle = True
        cuda_launch.run(self.norms(self.limits.address, stream), [])
        return self.read_word("sum", stream)

    @functools.cached_property
    def begin(self) -> Kernel:
        """The kernel that begins a step without a norm; most states never need it."""
        return cuda_launch.begin()

    def begins(self, limits: int, stream: int) -> list[Launch]:
        """Decide what a step does that needs no norm."""
        return [(self.begin, 1, stream, (self.control.address, limits))]

    def updates(self, n_cohorts: int, stream: int) -> list[Launch]:
        """Apply the rules to all parameters that have a gradient."""
        launches = []
        for s in self.segments:
            stride = n_cohorts * SCALARS * SIZES[s.compute]
            arguments = (self.rows[s.compute], stride, self.control.address)
            launches.append((s.update, *self._work(s, stream, *arguments)))
        return launches

    def measure(self, wide: np.ndarray, cohorts: np.ndarray, stream: int) -> list[list[float]]:
        """Return the sums of each cohort's measure; chunk by chunk on the device, then here, by a fixed tree."""
        cuda_memory.clear(self.partials.address, 8 * SUMS * self.n_chunks, stream)
        if self._measures is None or self._measures.n_bytes < wide.nbytes:
            cuda_memory.synchronize(stream)  # a kernel may still read what is about to be freed
            self._measures = cuda_memory.Memory(wide.nbytes)
        cuda_memory.upload(self._measures.address, wide, stream)
        arguments = self._measures.address, self.partials.address
        cuda_launch.run(
            [(s.measure, *self._work(s, stream, *arguments, s.first)) for s in self.segments if s.measure], []
        )
        found = np.zeros((self.n_chunks, SUMS))
        cuda_memory.download(self.partials.address, found, stream)
        owners = np.concatenate([cohorts[s.owners] for s in self.segments])
        return [[float(found[owners == c, k].sum()) for k in range(SUMS)] for c in range(len(wide))]


def _control(words: dict[str, float]) -> np.ndarray:
    """Return the bytes of a control block."""
    block = np.zeros(CONTROL_SIZE // 8, np.int64)
    for name, value in (IDLE | words).items():
        (block.view(np.float64) if name in REALS else block)[CONTROL[name] // 8] = value
    return block.view(np.uint8)


def _update(rule: Callable, kind: str, kinds: tuple[str, ...], gradient: str) -> KernelText:
    """Return the kernel for parameters and gradients of these kinds, and state arrays, whose scales, if they have any, come last."""
    n_slots = len(signature(rule)[0]) - 2
    if len(kinds) > n_slots:
        return cuda_coded.update(rule, kind, kinds[:n_slots], cuda.BLOCK, gradient)
    compute, _ = cuda_source.computing(kind)
    others = [k for k in kinds if k != compute]
    return cuda_source.update(rule, kind, others[0] if others else None, gradient)


def square_sum(arrays: list[DeviceArray]) -> float:
    """Return the sum of the squares of all arrays; not finite where an element is not."""
    tables = Tables(arrays, [[] for _ in arrays], [(rules.sgd, None)] * len(arrays), updates=False)
    if not tables.segments:
        return 0.0
    stream = cuda_arrays.stream_of(arrays[0].owner)
    tables.send_table(np.array([a.address for a in arrays], np.int64), np.zeros(len(arrays), np.int64), stream)
    return tables.square_sum(stream)
