"""The plan of an optimizer state whose arrays are on a GPU: what `_plan.pyx` is for those in host memory, with the same methods.

Each step is `bind(gradients)`, then `square_sum()` where the norm is wanted, then `sweep(scalars)`, then `release()`. The table of chunks
stays on the device and is sent again only when an address has changed. The scalars of a step are those that the processor's kernels get,
computed by the same code.
"""

import math
from typing import Any

import numpy as np

from fastgd._kernels import _cuda_launch, cuda_arrays, cuda_launch, cuda_memory, cuda_passes
from fastgd._kernels._cuda_look import Look
from fastgd._kernels._plan import Cohort
from fastgd._kernels.cuda_arrays import DeviceArray
from fastgd._kernels.cuda_launch import Launch
from fastgd._kernels.cuda_looks import StepLook, array_sums
from fastgd._kernels.cuda_passes import Pass
from fastgd._kernels.cuda_source import SCALARS, SUMS
from fastgd._kernels.cuda_tables import Tables
from fastgd._kernels.ranges import LARGEST_SQUARED
from fastgd._validation import ArgumentTypeError, ArgumentValueError


class Checks:
    """The look in full at a parameter or gradient: where it is new, or something is not as expected.

    Parameters
    ----------
    arrays : list of DeviceArray
        The parameters, as they must still be.
    guard : object
        See `CudaPlan`.
    """

    def __init__(self, arrays: list[DeviceArray], guard: Any):
        self.arrays, self.guard = arrays, guard

    def param(self, i: int, leaf: Any) -> None:
        """Raise unless parameter i is what it was when the state was made."""
        now, param = cuda_arrays.view(f"param {self.guard.names[i]!r}", leaf, True), self.arrays[i]
        if (now.address, now.shape, now.dtype) != (param.address, param.shape, param.dtype):
            self.guard.changed(i)

    def gradient(self, i: int, gradient: Any, cast: bool) -> DeviceArray:
        """Return the view of a gradient of parameter i, or raise what is wrong with it; `cast` is the step's argument."""
        name, param = self.guard.names[i], self.arrays[i]
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
        return found


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

    Attributes
    ----------
    by_tables : bool
        Whether the kernels of the tables of chunks update the parameters; if not, the tables are for norms.
    """

    by_tables = True

    def __init__(
        self, tree: Any, leaves: list, arrays: list, states: list, kernels: list, groups: list[int], guard: Any
    ):
        self.leaves, self.arrays, self.states, self.guard = leaves, arrays, states, guard
        self.n, self.t, self.holder = len(arrays), 0, None
        self.measuring = any(measure for _, measure in kernels)
        self.singles = any(a.kind != "f64" for a in arrays)
        self.kernels = kernels
        # Of the gradients that are bound.
        self.tables = self.own_tables = Tables(arrays, states, kernels, updates=self.by_tables)
        self.device = cuda_memory.current_device()
        place = cuda_arrays.CUDA_DEVICES[0], self.device
        self.look = Look(tree, leaves, arrays, place, guard, Checks(arrays, guard))
        self.substitutes: dict[int, DeviceArray] = {}
        self.kept: list[Any] = []  # what the last launches read, until the next step
        self.stream = cuda_arrays.stream_of(leaves[0])
        self.waits = not all(map(cuda_arrays.is_ordered, leaves))  # for each step, as the parameters' library will not
        self.finite = self.settled = self.trying = False
        self._copies: list[Pass] = []  # to our memory, and back
        self.looked: list[tuple[float, float]] = []
        self.sizes = np.array([a.nbytes for a in arrays], np.int64)
        self.apart = np.zeros(self.n, np.int64)  # gradients' addresses that were seen to be apart from what is written
        spans = sorted(
            (a.address, a.address + a.nbytes) for a in [*arrays, *(s for found in states for s in found)] if a.size
        )
        self.lows = np.array([low for low, _ in spans], np.int64)
        self.highs = np.maximum.accumulate(np.array([high for _, high in spans], np.int64))
        self.cohorts: list[Cohort] = []
        self.set_cohorts([Cohort(group) for group in range(max(groups) + 1)], groups)

    def set_cohorts(self, cohorts: list[Cohort], members: Any) -> None:
        """Take cohorts, and for each parameter the number of its own."""
        self.cohorts, self.members = cohorts, np.array(members, np.int64)

    def cohort_of(self, i: int) -> Cohort:
        """Return the cohort of parameter i."""
        return self.cohorts[self.members[i]]

    # ------------------------------------------------------------------------------------------------------------ each step

    def bind(self, holder: Any, gradients: Any, cast: bool = False) -> int:
        """Check the gradients and take hold of them; return how many are not None. `release` must follow, also after an error."""
        if self.holder is not None:
            self.guard.busy()
        self.holder, self.finite = holder, False
        if not self.settled:
            cuda_memory.wait()  # for the state arrays' first values, which were set on no stream in particular
            self.settled = True
        cuda_arrays.refuse_elsewhere("the state", self.device)
        stream = self.now_stream()
        if stream != self.stream:
            cuda_memory.synchronize(self.stream)
            self.stream = stream
        if self.trying:
            self.put_back()  # which was interrupted
        self.look.look(gradients, cast)
        for producers in self.look.streams - {stream}:
            cuda_memory.synchronize(producers)  # gradients may still be written there
        self._refuse_overlaps()
        self.tables.send_table(self.look.addresses, self.members, stream)
        return self.look.n_live

    def now_stream(self) -> int:
        """Return the stream on which the parameters' producer works now."""
        return cuda_arrays.stream_of(self.leaves[0])

    def _refuse_overlaps(self) -> None:
        """Raise where a gradient lies in the memory of a parameter or state array."""
        lows = self.look.addresses
        if np.array_equal(lows, self.apart):
            return
        highs = lows + self.sizes
        last = np.searchsorted(self.lows, highs) - 1  # the last span that begins below the gradient's end
        bad = np.flatnonzero((lows != 0) & (self.sizes != 0) & (last >= 0) & (self.highs[np.maximum(last, 0)] > lows))
        if bad.size:
            name = self.guard.names[int(bad[0])]
            raise ArgumentValueError(
                f"grad of {name!r} shares memory with a param or its state, which the step overwrites: pass a copy"
            )
        self.apart = lows.copy()

    def live_gradients(self) -> list[tuple[int, DeviceArray]]:
        """Return a list of (index, gradient) for the gradients of this step that are not None."""
        return [(i, self._gradient(i)) for i in np.flatnonzero(self.look.live).tolist()]

    def _gradient(self, i: int) -> DeviceArray:
        if i in self.substitutes:
            return self.substitutes[i]
        param, address = self.arrays[i], int(self.look.addresses[i])
        return DeviceArray(address, param.shape, param.dtype, self.look.gradients[i], writeable=False)

    def substitute(self, i: int, gradient: np.ndarray) -> None:
        """Put a host array, of the parameter's shape and dtype, in the place of a bound gradient."""
        found = cuda_arrays.zeros(gradient.shape, gradient.dtype, self.stream)
        found[...] = gradient
        self.substitutes[i] = found
        self.tables.send_table(self.addresses(), self.members, self.stream)

    def substitute_all(self, gradients: list[DeviceArray], tables: Tables) -> None:
        """Put these in the place of the bound gradients, and tables of their kinds in the place of the plan's, until `release`."""
        self.substitutes = {i: gradients[i] for i in np.flatnonzero(self.look.live).tolist()}
        self.tables = tables
        tables.send_table(self.addresses(), self.members, self.stream)

    def addresses(self) -> np.ndarray:
        """Return where the gradients of this step lie; 0 stands for none."""
        found = self.look.addresses.copy()
        found[list(self.substitutes)] = [g.address for g in self.substitutes.values()]
        return found

    def square_sum(self) -> float:
        """Return the sum of all squares: not finite exactly where an element is not, or a float64 square overflows."""
        if not self.tables.segments or not self.look.n_live:
            return 0.0
        total = self.tables.square_sum(self.stream)
        self.finite = math.isfinite(total)
        return total

    def array_sums(self) -> list[float]:
        """Return the sums of squares of the single arrays, as the last `square_sum` found them."""
        return array_sums(self.tables, self.n, self.stream)

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

    def sweep(self, scalars: list, carries: list, squares: list, look: bool = False, trial: bool = False) -> int:
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
            Whether to leave in `looked`, for each gradient, the norms of the weights before and of what was added to them.
        trial : bool
            The step will be undone, by `put_back`: the counters stay, and scalars may leave float32.
        """
        wide, tables = self.wide_rows(scalars, squares, check=not trial), self.tables
        self.trying, moves = trial, bool(tables.segments and self.look.n_live)
        seen = StepLook([self.arrays[i] for i, _ in self.live_gradients()], self.stream) if look else None
        if moves:
            tables.send_step(wide[None], self.stream)
        launches = self.updates() if moves else []
        cohorts, members = (self.cohorts, self.members) if trial else self._aged(carries)
        # A step is taken and counted in one call, which no signal interrupts; what waits for the device comes after it.
        counted = {"cohorts": cohorts, "members": members, "t": self.t + (not trial), "kept": self._to_keep()}
        cuda_launch.run(launches, [(self, name, value) for name, value in counted.items()])
        if trial:
            self.finish()
            return 0
        nonfinite = int(tables.read_word("nonfinite", self.stream)) if moves and not self.finite else 0
        self.looked = seen.norms() if seen else []
        return nonfinite

    def updates(self) -> list[Launch]:
        """Return what applies the rules to all parameters that have a gradient, when their scalars have been sent."""
        return self.tables.updates(len(self.cohorts), self.stream)

    def _to_keep(self) -> list[Any]:
        """Return what must outlive this call, as launches will read it: gradients, unless they are freed in the order of our stream."""
        ordered = self.look.ordered and self.look.streams <= {self.stream}
        return [self.substitutes] if ordered else [self.look.gradients, self.substitutes]

    def finish(self) -> None:
        """End what was begun, where others would change gradients or read parameters before: their streams do not wait for ours."""
        if self.waits or self.look.streams - {self.stream}:
            cuda_memory.synchronize(self.stream)

    def keep(self) -> None:
        """Copy the parameters, on the device, to memory that stays for later steps."""
        if not self._copies:
            kept = [cuda_arrays.zeros(a.shape, a.dtype, self.stream) for a in self.arrays]
            self._copies = [Pass(cuda_passes.copy, each) for each in ([kept, self.arrays], [self.arrays, kept])]
        self._copies[0].run(self.stream)

    def put_back(self) -> None:
        """Let the parameters be what they were at `keep`; `release` does so where an error or an interrupt came before this."""
        self._copies[1].run(self.stream)
        self.trying = False

    def _aged(self, carries: list) -> tuple[list[Cohort], np.ndarray]:
        """Return the cohorts, and each parameter's, when those that have a gradient are a step older.

        Equals are gathered again; where they are measured, they stay apart.
        """
        if self.look.n_live == self.n:
            pairs = zip(self.cohorts, carries, strict=True)
            return [Cohort(c.group, c.age + 1, carry) for c, carry in pairs], self.members
        ages = 2 * self.members + self.look.live  # twice the number of each parameter's cohort, and whether it ages
        kinds, first, inverse = np.unique(ages, return_index=True, return_inverse=True)
        found: dict[Any, int] = {}
        numbers = np.zeros(len(kinds), np.int64)
        for k in np.argsort(first):  # cohorts are numbered in the order of their first parameters
            own, live = divmod(int(kinds[k]), 2)
            cohort = self.cohorts[own]
            after = (cohort.group, cohort.age + live, carries[own] if live else cohort.carry)
            numbers[k] = found.setdefault((after, own if self.measuring else None), len(found))
        return [Cohort(*after) for after, _ in found], numbers[inverse]

    release = _cuda_launch.release
