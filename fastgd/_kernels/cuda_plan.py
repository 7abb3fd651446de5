"""The plan of an optimizer state whose arrays are on a GPU: what `_plan.pyx` is for those in host memory, with the same methods.

Each step is `bind(gradients)`, then `square_sum()` where the norm is wanted, then `sweep(scalars)`, then `release()`. The table of chunks
stays on the device and is sent again only when an address has changed. The scalars of a step are those that the processor's kernels get,
computed by the same code; they travel with the control block in one copy.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastgd._kernels import cuda, cuda_arrays, cuda_coded, cuda_memory, cuda_source, rules
from fastgd._kernels._jit_source import signature
from fastgd._kernels._plan import Cohort
from fastgd._kernels.cuda_arrays import DeviceArray
from fastgd._kernels.cuda_source import ALIGNED, CHUNK, COHORT, CONTROL, CONTROL_SIZE, SCALARS, SUMS, KernelText
from fastgd._kernels.ranges import LARGEST_SQUARED
from fastgd._kernels.vecio import BYTES, LANES, SIZES
from fastgd._validation import ArgumentTypeError, ArgumentValueError


class Segment(NamedTuple):
    """The chunks that one launch updates: those of the parameters with the same rule and dtype."""

    kind: str
    compute: str
    update: Any
    norm: Any
    measure: Any
    words: int
    owners: np.ndarray  # of each chunk: the number of its parameter
    starts: np.ndarray  # its first element
    counts: np.ndarray
    first: int  # the number of its first chunk among those of all segments
    place: int  # where its rows begin in the table, in bytes


class Tables:
    """The chunk tables, the control block, the scalars' rows and the partial sums, in device memory, and the launches over them.

    Parameters
    ----------
    arrays, states : list of DeviceArray, list of list of DeviceArray
        The parameters, and the state arrays of each.
    kernels : list of (rule, measure)
        Of each parameter; the measure may be None.
    """

    def __init__(self, arrays: list[DeviceArray], states: list[list[DeviceArray]], kernels: list[tuple]):
        self.arrays, self.states = arrays, states
        self.segments: list[Segment] = []
        self.n_chunks = self.size = 0
        keys = [(rule, measure, a.kind, tuple(s.kind for s in slots))
                for (rule, measure), a, slots in zip(kernels, arrays, states, strict=True)]  # fmt: skip
        for key in dict.fromkeys(keys):
            members = [i for i, k in enumerate(keys) if k == key and arrays[i].size]
            if members:
                self._add_segment(members, *key)
        self.memory = cuda_memory.Memory(self.size)
        self.control = cuda_memory.Memory(CONTROL_SIZE)
        cuda_memory.clear(self.control.address, CONTROL_SIZE)
        self.partials = cuda_memory.Memory(8 * SUMS * self.n_chunks)
        self.limits = cuda_memory.Memory(8)
        self.rows: dict[str, cuda_memory.Memory] = {}
        self._sent: tuple | None = None

    def _add_segment(
        self, members: list[int], rule: Callable, measure: Callable | None, kind: str, kinds: tuple[str, ...]
    ) -> None:
        compute, _ = cuda_source.computing(kind)
        words = cuda_source.row_words(len(kinds))
        rows = [
            (i, start, min(CHUNK, self.arrays[i].size - start))
            for i in members
            for start in range(0, self.arrays[i].size, CHUNK)
        ]
        rows.sort(key=lambda row: -row[2])  # the longest first: short work comes last
        owners, starts, counts = np.array(rows, np.int64).T
        block = cuda.BLOCK
        self.segments.append(
            Segment(
                kind,
                compute,
                cuda.kernel(_update(rule, kind, kinds)),
                cuda.kernel(cuda_source.norm(kind, block, words)),
                cuda.kernel(cuda_source.measured(measure, rule, kind, block)) if measure else None,
                words,
                owners,
                starts,
                counts,
                self.n_chunks,
                self.size,
            )
        )
        self.n_chunks += len(rows)
        self.size += 8 * words * len(rows)

    # ------------------------------------------------------------------------------------------------------------ what is sent

    def send_table(self, gradients: np.ndarray, cohorts: np.ndarray, stream: int) -> None:
        """Bring the table up to date: gradients' addresses (0 where there is none) and cohorts of the parameters."""
        now = gradients.tobytes(), cohorts.tobytes()
        if now == self._sent:
            return
        table = np.zeros(self.size, np.uint8)
        for s in self.segments:
            rows = table[s.place : s.place + 8 * s.words * len(s.owners)].view(np.int64).reshape(-1, s.words)
            width = SIZES[s.kind] * LANES[s.kind]
            columns = [(np.array([a.address for a in self.arrays]), s.kind), (gradients, s.kind)]
            columns += [
                (np.array([found[k].address if k < len(found) else 0 for found in self.states]), slot.kind)
                for k, slot in enumerate(self.states[int(s.owners[0])])
            ]
            n_coded = sum(kind in BYTES for _, kind in columns)
            aligned = np.ones(len(s.owners), bool)
            for k, (addresses, kind) in enumerate(columns[: len(columns) - n_coded]):
                rows[:, k] = addresses[s.owners] + s.starts * SIZES[kind]
                aligned &= rows[:, k] % (SIZES[kind] * LANES[s.kind] if kind != s.kind else width) == 0
            for k in range(len(columns) - n_coded, len(columns)):  # the scales come last
                rows[:, k] = columns[k][0][s.owners] + s.starts // cuda_coded.BLOCK * SIZES["f32"]
            counts = np.where(gradients[s.owners] != 0, s.counts, 0)
            rows[:, -1] = counts | (cohorts[s.owners] << COHORT) | (aligned.astype(np.int64) << ALIGNED)
        cuda_memory.upload(self.memory.address, table, stream)
        self._sent = now

    def send_rows(self, wide: np.ndarray, stream: int) -> None:
        """Send scalars, (n_steps, n_cohorts, SCALARS) in float64, to those kernels that read them, in their precision."""
        for compute in dict.fromkeys(s.compute for s in self.segments):
            with np.errstate(over="ignore"):
                values = np.ascontiguousarray(wide, np.float64 if compute == "f64" else np.float32)
            self._send(compute, values, stream)

    def _send(self, name: str, values: np.ndarray, stream: int) -> None:
        memory = self.rows.get(name)
        if memory is None or memory.n_bytes < values.nbytes:
            cuda_memory.synchronize(stream)  # a kernel may still read what is about to be freed
            memory = self.rows[name] = cuda_memory.Memory(values.nbytes)
        cuda_memory.upload(memory.address, values, stream)

    def send_control(self, stream: int, **words: float) -> None:
        """Set the control block: the given words, factor and power 1, the others 0."""
        block = np.zeros(CONTROL_SIZE // 8, np.int64)
        reals = block.view(np.float64)
        for name, value in ({"power": 1.0, "factor": 1.0} | words).items():
            target = reals if name in ("sum", "norm", "power", "factor") else block
            target[CONTROL[name] // 8] = value
        cuda_memory.upload(self.control.address, block, stream)

    def read_control(self, stream: int) -> dict[str, float]:
        """Return the words of the control block, once the device has come so far."""
        block = np.zeros(CONTROL_SIZE // 8, np.int64)
        cuda_memory.download(self.control.address, block, stream)
        reals = block.view(np.float64)
        names = ("sum", "norm", "power", "factor")
        return {n: float(reals[at // 8]) if n in names else int(block[at // 8]) for n, at in CONTROL.items()}

    def clear_counts(self, stream: int) -> None:
        """Set what is counted from one look of the host to the next back to 0."""
        for name in ("skipped", "overrun", "nonfinite"):
            cuda_memory.clear(self.control.address + CONTROL[name], 8, stream)

    # ---------------------------------------------------------------------------------------------------------------- launches

    def launch_norm(self, limits: int, stream: int) -> None:
        """Sum the squares of all gradients; the last launch goes on to decide what the step does, by the limits at that address."""
        for s in self.segments:
            final = self.n_chunks if s is self.segments[-1] else 0
            arguments = (self.partials.address, s.first, final, self.control.address, limits)
            self._launch(s.norm, s, stream, self.memory.address + s.place, len(s.owners), *arguments)

    def launch_begin(self, limits: int, stream: int) -> None:
        """Decide what a step does that needs no norm."""
        cuda_memory.launch(cuda.begin(), 1, 1, stream, self.control.address, limits)

    def launch_update(self, n_cohorts: int, stream: int) -> None:
        """Apply the rules to all parameters that have a gradient."""
        for s in self.segments:
            stride = n_cohorts * SCALARS * SIZES[s.compute]
            arguments = (self.rows[s.compute].address, stride, self.control.address)
            self._launch(s.update, s, stream, self.memory.address + s.place, len(s.owners), *arguments)

    def measure(self, wide: np.ndarray, cohorts: np.ndarray, stream: int) -> list[list[float]]:
        """Return the sums of each cohort's measure; chunk by chunk on the device, then here, by a fixed tree."""
        cuda_memory.clear(self.partials.address, 8 * SUMS * self.n_chunks, stream)
        self._send("measures", wide, stream)
        for s in self.segments:
            arguments = (self.rows["measures"].address, self.partials.address, s.first)
            if s.measure is not None:
                self._launch(s.measure, s, stream, self.memory.address + s.place, len(s.owners), *arguments)
        found = np.zeros((self.n_chunks, SUMS))
        cuda_memory.download(self.partials.address, found, stream)
        owners = np.concatenate([cohorts[s.owners] for s in self.segments])
        return [[float(found[owners == c, k].sum()) for k in range(SUMS)] for c in range(len(wide))]

    def _launch(self, kernel: Any, segment: Segment, stream: int, *arguments: int) -> None:
        cuda_memory.launch(kernel, cuda.blocks(kernel, len(segment.owners)), cuda.BLOCK, stream, *arguments)


def _update(rule: Callable, kind: str, kinds: tuple[str, ...]) -> KernelText:
    """Return the kernel for parameters of one kind, and state arrays of these, whose scales, if they have any, come last."""
    n_slots = len(signature(rule)[0]) - 2
    if len(kinds) > n_slots:
        return cuda_coded.update(rule, kind, kinds[:n_slots], cuda.BLOCK)
    compute, _ = cuda_source.computing(kind)
    others = [k for k in kinds if k != compute]
    return cuda_source.update(rule, kind, others[0] if others else None)


def square_sum(arrays: list[DeviceArray]) -> float:
    """Return the sum of the squares of all arrays; not finite where an element is not."""
    tables = Tables(arrays, [[] for _ in arrays], [(rules.sgd, None)] * len(arrays))
    if not tables.segments:
        return 0.0
    stream = cuda_arrays.stream_of(arrays[0].owner)
    tables.send_table(np.array([a.address for a in arrays], np.int64), np.zeros(len(arrays), np.int64), stream)
    tables.send_control(stream, policy=1)
    tables.launch_norm(tables.limits.address, stream)
    return tables.read_control(stream)["sum"]


class CudaPlan:
    """The arrays of one optimizer state on a GPU.

    Parameters
    ----------
    tree : array, list, tuple or dict
        The parameters as the user holds them.
    leaves : list
        Its leaves; each step looks whether they are still the same, at the same addresses.
    arrays : list of DeviceArray
        The views of them that are computed on.
    states : list of list of DeviceArray
        The state arrays of each parameter.
    kernels : list of (rule, measure)
        Of each parameter.
    groups : list of int
        Each parameter's group.
    guard : object
        Words the errors that are the same wherever arrays live; see `_plan.pyx`.
    """

    def __init__(
        self, tree: Any, leaves: list, arrays: list, states: list, kernels: list, groups: list[int], guard: Any
    ):
        self.tree, self.leaves, self.arrays, self.states, self.guard = tree, leaves, arrays, states, guard
        self.n, self.t, self.n_live, self.holder = len(arrays), 0, 0, None
        self.measuring = any(measure for _, measure in kernels)
        self.singles = any(a.kind != "f64" for a in arrays)
        self.tables = Tables(arrays, states, kernels)
        self.gradients: list[DeviceArray | None] = [None] * self.n
        self.kept: list[Any] = []  # what the last launches read, until the next step
        self.stream = cuda_arrays.stream_of(leaves[0])
        self.finite = self.settled = False
        spans = sorted(
            (a.address, a.address + a.nbytes) for a in [*arrays, *(s for found in states for s in found)] if a.size
        )
        self.lows = np.array([low for low, _ in spans], np.int64)
        self.highs = np.maximum.accumulate(np.array([high for _, high in spans], np.int64))
        self.cohorts: list[Cohort] = []
        self.set_cohorts([Cohort(group) for group in range(max(groups) + 1)], groups)

    def set_cohorts(self, cohorts: list[Cohort], members: Any) -> None:
        """Take cohorts, and for each parameter the number of its own."""
        self.cohorts, self.members = cohorts, np.array([members[i] for i in range(self.n)], np.int64)

    def cohort_of(self, i: int) -> Cohort:
        """Return the cohort of parameter i."""
        return self.cohorts[self.members[i]]

    # ------------------------------------------------------------------------------------------------------------ each step

    def bind(self, holder: Any, gradients: Any, cast: bool = False) -> int:
        """Check the gradients and take hold of them; return how many are not None. `release` must follow, also after an error."""
        if self.holder is not None:
            self.guard.busy()
        self.holder, self.n_live, self.finite = holder, 0, False
        if not self.settled:
            cuda_memory.wait()  # for the state arrays' first values, which were set on no stream in particular
            self.settled = True
        stream = self.now_stream()
        if stream != self.stream:
            cuda_memory.synchronize(self.stream)
            self.stream = stream
        if self._walk(self.tree, gradients, 0, (), cast) != self.n:
            self.guard.structure((), self.tree, gradients)
        self._refuse_overlaps()
        addresses = np.array([0 if g is None else g.address for g in self.gradients], np.int64)
        self.tables.send_table(addresses, self.members, self.stream)
        return self.n_live

    def now_stream(self) -> int:
        """Return the stream on which the parameters' producer works now."""
        return cuda_arrays.stream_of(self.leaves[0])

    def _walk(self, tree: Any, gradients: Any, i: int, path: tuple, cast: bool) -> int:
        if isinstance(tree, (dict, list, tuple)):
            kinds = dict if isinstance(tree, dict) else (list, tuple)
            if not isinstance(gradients, kinds) or len(gradients) != len(tree):
                self.guard.structure(path, tree, gradients)
            for key in tree if isinstance(tree, dict) else range(len(tree)):
                if isinstance(tree, dict) and key not in gradients:
                    self.guard.structure(path, tree, gradients)
                i = self._walk(tree[key], gradients[key], i, (*path, key), cast)
            return i
        self._bind_leaf(i, tree, gradients, cast)
        return i + 1

    def _bind_leaf(self, i: int, leaf: Any, gradient: Any, cast: bool) -> None:
        if i >= self.n or leaf is not self.leaves[i]:
            self.guard.changed(min(i, self.n - 1))
        name, param = self.guard.names[i], self.arrays[i]
        now = cuda_arrays.view(f"param {name!r}", leaf, True)
        if (now.address, now.shape, now.dtype) != (param.address, param.shape, param.dtype):
            self.guard.changed(i)
        if gradient is None:
            return
        if not cuda_arrays.is_on_device(gradient):
            raise ArgumentTypeError(
                f"grad of {name!r} is a {type(gradient).__name__} in host memory; the param is on a GPU: move the gradient there"
            )
        found = cuda_arrays.view(f"grad of {name!r}", gradient, False)
        if found.shape != param.shape:
            raise ArgumentValueError(f"grad of {name!r} has shape {found.shape}; the param has shape {param.shape}")
        if found.dtype != param.dtype:
            fix = "convert it on the GPU" + ("; cast=True is for arrays in host memory" if cast else "")
            raise ArgumentTypeError(
                f"grad of {name!r} has dtype {found.dtype}; the param has dtype {param.dtype}: {fix}"
            )
        source = cuda_arrays.stream_of(gradient)
        if source != self.stream:
            cuda_memory.synchronize(source)  # its producer may still be writing
        self.gradients[i] = found
        self.n_live += 1

    def _refuse_overlaps(self) -> None:
        """Raise where a gradient lies in the memory of a parameter or state array."""
        live = [(i, g) for i, g in enumerate(self.gradients) if g is not None and g.size]
        if not live:
            return
        lows = np.array([g.address for _, g in live], np.int64)
        highs = np.array([g.address + g.nbytes for _, g in live], np.int64)
        last = np.searchsorted(self.lows, highs) - 1  # the last span that begins below the gradient's end
        bad = np.flatnonzero((last >= 0) & (self.highs[np.maximum(last, 0)] > lows))
        if bad.size:
            name = self.guard.names[live[int(bad[0])][0]]
            raise ArgumentValueError(
                f"grad of {name!r} shares memory with a param or its state, which the step overwrites: pass a copy"
            )

    def live_gradients(self) -> list[tuple[int, DeviceArray]]:
        """Return a list of (index, gradient) for the gradients of this step that are not None."""
        return [(i, g) for i, g in enumerate(self.gradients) if g is not None]

    def substitute(self, i: int, gradient: np.ndarray) -> None:
        """Put a host array, of the parameter's shape and dtype, in the place of a bound gradient."""
        found = cuda_arrays.zeros(gradient.shape, gradient.dtype, self.stream)
        found[...] = gradient
        self.gradients[i] = found
        addresses = np.array([0 if g is None else g.address for g in self.gradients], np.int64)
        self.tables.send_table(addresses, self.members, self.stream)

    def square_sum(self) -> float:
        """Return the sum of all squares: not finite exactly where an element is not, or a float64 square overflows."""
        if not self.tables.segments or not self.n_live:
            return 0.0
        self.tables.send_control(self.stream, policy=1)
        self.tables.launch_norm(self.tables.limits.address, self.stream)
        total = self.tables.read_control(self.stream)["sum"]
        self.finite = math.isfinite(total)
        return total

    def wide_rows(self, scalars: list, squares: list, check: bool = True) -> np.ndarray:
        """Return scalars as the kernels take them, in float64, (n_cohorts, SCALARS); raise where float32 cannot hold one."""
        wide = np.zeros((len(self.cohorts), SCALARS))
        for c, row in enumerate(scalars):
            wide[c, : len(row)] = row
            for k, x in enumerate(row[2:] if check and self.singles else ()):
                single = float(np.float32(x)) if abs(x) < 3.4e38 else math.inf
                if not math.isfinite(single) or (single == 0 and x != 0):
                    self.guard.scalar(self.cohorts[c].group, k, x)
            if squares[c]:
                wide[c, 1] = min(wide[c, 1], LARGEST_SQUARED["float32" if self.singles else "float64"])
        return wide

    def measure(self, scalars: list, squares: list) -> list[list[float]]:
        """Return, for each cohort, the sums of its measure; the arguments are as for `sweep`."""
        if not self.tables.segments:
            return [[0.0] * SUMS for _ in self.cohorts]
        wide = self.wide_rows(scalars, squares, check=False)
        return self.tables.measure(wide, self.members, self.stream)

    def sweep(self, scalars: list, carries: list, squares: list, look: bool = False) -> int:
        """Update all bound parameters in one pass; return how many gradient elements were not finite.

        Parameters
        ----------
        scalars : list of tuple of float
            For each cohort: scale, limit, and the rule's hyperparameters.
        carries : list
            For each cohort: what its next step needs to know of the past.
        squares : list of bool
            For each cohort: whether its rule squares gradients, which are then limited so that squares stay finite.
        look : bool
            False: monitors of states on a GPU are refused.
        """
        wide, tables = self.wide_rows(scalars, squares), self.tables
        nonfinite = 0
        if tables.segments and self.n_live:
            tables.send_control(self.stream)
            tables.send_rows(wide[None], self.stream)
            self.launch_update()
            nonfinite = 0 if self.finite else int(tables.read_control(self.stream)["nonfinite"])
        self.kept = self.live_gradients()
        self.t += 1
        self._age(carries)
        return nonfinite

    def launch_update(self) -> None:
        """Apply the rules to all parameters that have a gradient, when their scalars have been sent."""
        self.tables.launch_update(len(self.cohorts), self.stream)

    def _age(self, carries: list) -> None:
        """Age the parameters that had a gradient, not the others, and gather equals again; where they are measured, they stay apart."""
        found: dict[Any, int] = {}
        members = []
        for i in range(self.n):
            own = int(self.members[i])
            cohort = self.cohorts[own]
            after = (cohort.group, cohort.age, cohort.carry)
            if self.gradients[i] is not None:
                after = (cohort.group, cohort.age + 1, carries[own])
            key = (after, own if self.measuring else None)
            members.append(found.setdefault(key, len(found)))
        self.set_cohorts([Cohort(*after) for after, _ in found], members)

    def release(self, holder: Any) -> None:
        """Let go of the gradients, if `holder` holds the plan."""
        if self.holder is holder:
            self.gradients = [None] * self.n
            self.holder = None
