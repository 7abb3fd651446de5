"""The plan of an optimizer state: where parameters, gradients and state arrays lie, checked once a step, swept in one call.

Each step is `bind(gradients)`, then `square_sum()` where the norm is wanted, then `sweep(scalars)`, then `release()`. `bind` checks all
that can be wrong, so that nothing can fail once the sweep has begun; `sweep` also advances the step counters, within one call that no
signal handler can interrupt: parameters and counters always belong together.
"""
cimport numpy as cnp
import numpy as np
from cpython.mem cimport PyMem_Free
from libc.math cimport isfinite
from libc.string cimport memcmp, memcpy

from fastgd._kernels._drive cimport (
    BLOCK, FLOAT32, FLOAT64, LOOKS, SCALARS, SUMS, TASK, Job, Memory, Parameter, Position, allocate, attach_states, looked,
    measure_all, measure_function, new_view, norm_task, pairwise, run, span_of, sweep_function, sweep_task,
)

cnp.import_array()

cdef enum:
    # Fewer elements than this are swept by the calling thread alone: waking a helper costs 5 to 50 us, milliseconds on a busy machine,
    # and 2**20 elements of AdamW take about a millisecond.
    THREADS_PAY = 1 << 20

# Limits of gradients that a rule will square and add up.
cdef double LARGEST64 = 1e150
cdef float LARGEST32 = 1e16


cdef class Cohort:
    """Parameters that share hyperparameters (their group) and have been stepped equally often (their age)."""
    cdef public Py_ssize_t group
    cdef public object age, carry

    def __init__(self, group, age=0, carry=None):
        self.group, self.age, self.carry = group, age, carry


cdef class Bundle:
    """Arrays laid out for the driver: described, cut into tasks, ready to be summed.

    Parameters
    ----------
    arrays : list of ndarray
        Float arrays of any strides.
    axes : list of tuple
        The axes of each array in the order in which it lies in memory, outermost first.
    dtypes : list of int
        The driver's code of each array's dtype.
    threads : callable
        Returns how many threads may work.
    """
    cdef Parameter *parameters
    cdef Position *tasks
    cdef double *sums
    cdef Job job
    cdef Py_ssize_t n, n_elements, n_blocks
    cdef list arrays, axes
    cdef object threads

    def __init__(self, list arrays, list axes, list dtypes, threads):
        self.arrays, self.axes, self.threads, self.n = arrays, axes, threads, len(arrays)
        self.parameters = self.job.parameters = <Parameter *> allocate(self.n, sizeof(Parameter))
        self.sums = <double *> allocate(self.n, sizeof(double))
        for i in range(self.n):
            self._place(i, arrays[i], dtypes[i])
        self._cut_tasks()
        self.job.block_sums = <double *> allocate(self.n_blocks, sizeof(double))

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.n if self.parameters != NULL else 0):
            if self.parameters[i].g.view != self.parameters[i].p.view:
                PyMem_Free(self.parameters[i].g.view)
            PyMem_Free(self.parameters[i].p.view)
        PyMem_Free(self.parameters)
        PyMem_Free(self.tasks)
        PyMem_Free(self.sums)
        PyMem_Free(self.job.block_sums)

    cdef int _place(self, Py_ssize_t i, cnp.ndarray array, int dtype) except -1:
        """Describe an array, as what is summed and as what a rule would update."""
        cdef Parameter *parameter = &self.parameters[i]
        parameter.p.data = <char *> cnp.PyArray_DATA(array)
        parameter.p.n, parameter.p.dtype = array.size, dtype
        parameter.p.view = new_view(array, self.axes[i])
        parameter.g = parameter.p
        parameter.first_block = self.n_blocks
        self.n_blocks += (array.size + BLOCK - 1) // BLOCK
        self.n_elements += array.size
        return 0

    cdef int _cut_tasks(self) except -1:
        """Cut the arrays, end to end, into stretches of about TASK elements, each beginning at a block of its array."""
        cdef Py_ssize_t i, low, step, taken = TASK, n_tasks = 0, most = self.n_elements // TASK + 2
        self.tasks = self.job.tasks = <Position *> allocate(most, sizeof(Position))
        for i in range(self.n):
            low = 0
            while low < self.parameters[i].p.n:
                if taken >= TASK:
                    self.tasks[n_tasks].array, self.tasks[n_tasks].offset = i, low
                    n_tasks, taken = n_tasks + 1, 0
                step = min(self.parameters[i].p.n - low, (TASK - taken + BLOCK - 1) // BLOCK * BLOCK)
                low, taken = low + step, taken + step
        self.tasks[n_tasks].array, self.tasks[n_tasks].offset = self.n, 0
        self.job.n_tasks = n_tasks
        return 0

    cdef int _threads(self) except -1:
        return self.threads() if self.n_elements >= THREADS_PAY else 1

    def square_sum(self):
        """Return the sum of all squares: not finite exactly where an element is not, or a float64 square overflows."""
        cdef Py_ssize_t i
        cdef int threads = self._threads()
        cdef double total
        cdef Memory *g
        with nogil:
            run(norm_task, &self.job, threads)
            for i in range(self.n):
                g = &self.parameters[i].g
                self.sums[i] = 0
                if g.data != NULL:
                    self.sums[i] = pairwise(self.job.block_sums + self.parameters[i].first_block, (g.n + BLOCK - 1) // BLOCK)
            total = pairwise(self.sums, self.n)
        return total

    def array_sums(self):
        """Return the sums of squares of the single arrays, as the last `square_sum` found them."""
        return [self.sums[i] for i in range(self.n)]


cdef class Plan(Bundle):
    """The arrays of one optimizer state.

    Parameters
    ----------
    tree : array, list, tuple or dict
        The parameters as the user holds them; each step looks whether its leaves are still the same.
    leaves, arrays : list
        The leaves of `tree`, and the base-class views of them that are computed on.
    axes, dtypes, threads
        See `Bundle`.
    states : list of list of ndarray
        The state arrays of each parameter, side by side in its own order of axes: of the computing dtype, or as its rule stores them.
    rules : list of tuple of int
        The addresses of each parameter's compiled rule and measure; 0 where it has no measure.
    groups : list of int
        Each parameter's group.
    guard : object
        Its methods `busy()`, `changed(i)`, `structure(path, tree, gradients)`, `gradient(i, gradient, cast)`, `overlap(i, gradient)` and
        `scalar(group, k, value)` raise the errors that this module notices, or return what can be used.
    """
    cdef object tree, guard, holder
    cdef list leaves, states, gradients
    cdef Py_ssize_t n_intervals, n_live
    cdef int *types
    cdef bint *plain
    cdef readonly bint measuring   # whether the rules need sums over all elements
    cdef bint singles              # whether any parameter is computed in float32
    cdef Py_ssize_t **layouts      # of each parameter: its number of axes, its shape, its strides
    cdef char **lows
    cdef char **highs
    cdef bint cast
    cdef public object t
    cdef public list cohorts
    cdef readonly list looked      # what a sweep that looked has seen

    def __init__(self, tree, list leaves, list arrays, list axes, list dtypes, list states, list rules, list groups, guard, threads):
        super().__init__(arrays, axes, dtypes, threads)
        self.tree, self.leaves, self.states, self.guard, self.t = tree, leaves, states, guard, 0
        self.gradients = [None] * self.n
        self.singles = any(dtype != FLOAT64 for dtype in dtypes)
        self.types = <int *> allocate(self.n, sizeof(int))
        self.plain = <bint *> allocate(self.n, sizeof(bint))
        self.layouts = <Py_ssize_t **> allocate(self.n, sizeof(Py_ssize_t *))
        for i in range(self.n):
            self._attach(i, leaves[i], states[i], rules[i][0], rules[i][1])
        self.measuring = any(measure for _, measure in rules)
        if self.measuring:
            self.job.measured = <double *> allocate(self.n_blocks * SUMS, sizeof(double))
        self._note_intervals()
        self.set_cohorts([Cohort(group) for group in range(max(groups) + 1)], groups)

    def __dealloc__(self):
        cdef Py_ssize_t i
        for i in range(self.n if self.layouts != NULL else 0):
            PyMem_Free(self.layouts[i])
        PyMem_Free(self.layouts)
        PyMem_Free(self.types)
        PyMem_Free(self.plain)
        PyMem_Free(self.lows)
        PyMem_Free(self.highs)
        PyMem_Free(self.job.scalars64)
        PyMem_Free(self.job.scalars32)
        PyMem_Free(self.job.measured)
        PyMem_Free(self.job.looks)

    # ------------------------------------------------------------------------------------------------------------ made once

    cdef int _attach(self, Py_ssize_t i, cnp.ndarray p, list states, size_t sweep, size_t measure) except -1:
        """Give a parameter its rule, measure and state arrays; its gradient comes with each step."""
        cdef Parameter *parameter = &self.parameters[i]
        parameter.g.data, parameter.g.view = NULL, NULL
        parameter.sweep, parameter.measure = <sweep_function> sweep, <measure_function> measure
        attach_states(parameter, states)
        self.types[i] = cnp.PyArray_TYPE(p)
        self.plain[i] = cnp.PyArray_IS_C_CONTIGUOUS(p)
        self.layouts[i] = <Py_ssize_t *> allocate(1 + 2 * p.ndim, sizeof(Py_ssize_t))
        self.layouts[i][0] = p.ndim
        if p.ndim:
            memcpy(self.layouts[i] + 1, cnp.PyArray_DIMS(p), p.ndim * sizeof(Py_ssize_t))
            memcpy(self.layouts[i] + 1 + p.ndim, cnp.PyArray_STRIDES(p), p.ndim * sizeof(Py_ssize_t))
        return 0

    cdef bint _changed(self, Py_ssize_t i, cnp.ndarray p) noexcept:
        """Say whether a parameter's memory, layout, dtype or permission is not what it was."""
        cdef Py_ssize_t *layout = self.layouts[i]
        cdef Py_ssize_t size = layout[0] * sizeof(Py_ssize_t)
        return (
            <char *> cnp.PyArray_DATA(p) != self.parameters[i].p.data
            or cnp.PyArray_NDIM(p) != layout[0]
            or (size and memcmp(cnp.PyArray_DIMS(p), layout + 1, size) != 0)
            or (size and memcmp(cnp.PyArray_STRIDES(p), layout + 1 + layout[0], size) != 0)
            or cnp.PyArray_TYPE(p) != self.types[i]
            or not cnp.PyArray_ISWRITEABLE(p)
        )

    cdef int _note_intervals(self) except -1:
        """Note the memory of all parameters and state arrays, by address, to see at each step whether a gradient lies in it."""
        cdef Py_ssize_t k
        from numpy.lib.array_utils import byte_bounds

        bounds = sorted(byte_bounds(a) for a in [*self.arrays, *(s for states in self.states for s in states)] if a.size)
        self.n_intervals = len(bounds)
        self.lows = <char **> allocate(self.n_intervals, sizeof(char *))
        self.highs = <char **> allocate(self.n_intervals, sizeof(char *))
        highest = 0
        for k in range(self.n_intervals):
            highest = max(highest, bounds[k][1])
            self.lows[k] = <char *> <size_t> bounds[k][0]
            self.highs[k] = <char *> <size_t> highest
        return 0

    def set_cohorts(self, list cohorts, members):
        """Take cohorts, and for each parameter the number of its own."""
        cdef Py_ssize_t i
        cdef double *wide = <double *> allocate(len(cohorts) * SCALARS, sizeof(double))
        cdef float *single = <float *> allocate(len(cohorts) * SCALARS, sizeof(float))
        PyMem_Free(self.job.scalars64)
        PyMem_Free(self.job.scalars32)
        self.job.scalars64, self.job.scalars32 = wide, single
        self.cohorts = cohorts
        for i in range(self.n):
            self.parameters[i].cohort = members[i]

    def cohort_of(self, Py_ssize_t i):
        """Return the cohort of parameter i."""
        return self.cohorts[self.parameters[i].cohort]

    # ------------------------------------------------------------------------------------------------------------ each step

    def bind(self, holder, gradients, bint cast=False):
        """Check the gradients and take hold of them; return how many are not None. `release` must follow, also after an error.

        The holder, any object, says who holds the plan: `release` by another one has no effect, so that whoever finds the plan busy
        cannot free it.
        """
        if self.holder is not None:
            self.guard.busy()
        self.holder, self.cast, self.n_live = holder, cast, 0
        if self._walk(self.tree, gradients, 0, ()) != self.n:
            self.guard.structure((), self.tree, gradients)
        return self.n_live

    cdef Py_ssize_t _walk(self, tree, gradients, Py_ssize_t i, tuple path) except -1:
        if isinstance(tree, dict):
            if not isinstance(gradients, dict) or len(gradients) != len(tree):
                self.guard.structure(path, tree, gradients)
            for key, branch in tree.items():
                if key not in gradients:
                    self.guard.structure(path, tree, gradients)
                i = self._walk(branch, gradients[key], i, path + (key,))
            return i
        if isinstance(tree, (list, tuple)):
            if not isinstance(gradients, (list, tuple)) or len(gradients) != len(tree):
                self.guard.structure(path, tree, gradients)
            for k in range(len(tree)):
                branch = tree[k]
                if isinstance(branch, (list, tuple, dict)):
                    i = self._walk(branch, gradients[k], i, path + (k,))
                else:
                    self._bind_leaf(i, branch, gradients[k])
                    i += 1
            return i
        self._bind_leaf(i, tree, gradients)
        return i + 1

    cdef int _bind_leaf(self, Py_ssize_t i, leaf, gradient) except -1:
        cdef cnp.ndarray p, g
        cdef Parameter *parameter
        if i >= self.n or leaf is not self.leaves[i]:
            self.guard.changed(min(i, self.n - 1))
        p, parameter = leaf, &self.parameters[i]
        if self._changed(i, p):
            self.guard.changed(i)
        if gradient is None:
            return 0
        if not (
            cnp.PyArray_CheckExact(gradient)
            and cnp.PyArray_TYPE(gradient) == self.types[i]
            and cnp.PyArray_SAMESHAPE(gradient, p)
            and cnp.PyArray_ISNOTSWAPPED(gradient)
        ):
            gradient = self.guard.gradient(i, gradient, self.cast)
        g = gradient
        self.gradients[i] = g
        if not (self.plain[i] and cnp.PyArray_IS_C_CONTIGUOUS(g) and cnp.PyArray_ISALIGNED(g)):
            parameter.g.view = new_view(g, self.axes[i])
        parameter.g.data = <char *> cnp.PyArray_DATA(g)
        if parameter.g.n and self._may_overlap(&parameter.g, g.itemsize):
            self.guard.overlap(i, g)
        self.n_live += 1
        return 0

    cdef bint _may_overlap(self, const Memory *g, Py_ssize_t itemsize) noexcept:
        """Say whether the span of a gradient meets the span of any parameter or state array."""
        cdef char *low
        cdef char *high
        cdef Py_ssize_t first = 0, last = self.n_intervals, middle
        span_of(g, itemsize, &low, &high)
        while first < last:
            middle = (first + last) // 2
            if self.lows[middle] < high:
                first = middle + 1
            else:
                last = middle
        return first > 0 and self.highs[first - 1] > low

    def live_gradients(self):
        """Return a list of (index, gradient) for the gradients of this step that are not None."""
        return [(i, g) for i, g in enumerate(self.gradients) if g is not None]

    def substitute(self, Py_ssize_t i, cnp.ndarray gradient):
        """Put another array, C-contiguous, of the same shape and of the same or the computing dtype, in the place of a bound gradient."""
        PyMem_Free(self.parameters[i].g.view)
        self.parameters[i].g.dtype = self.parameters[i].p.dtype if cnp.PyArray_TYPE(gradient) == self.types[i] else FLOAT32
        self.parameters[i].g.view = NULL if self.plain[i] else new_view(gradient, self.axes[i])
        self.parameters[i].g.data = <char *> cnp.PyArray_DATA(gradient)
        self.gradients[i] = gradient

    def measure(self, list scalars, list squares):
        """Return, for each cohort, the SUMS sums of its measure, whose hyperparameters are among the scalars; else as for `sweep`."""
        cdef int threads = self._threads()
        cdef cnp.ndarray totals = np.zeros((len(self.cohorts), SUMS))
        cdef double *row = self.job.scalars64
        for hyper, square in zip(scalars, squares, strict=True):
            for k, x in enumerate(<tuple> hyper):
                row[<Py_ssize_t> k] = x
            row[1] = min(row[1], LARGEST32 if self.singles else LARGEST64) if square else row[1]
            row += SCALARS
        with nogil:
            measure_all(&self.job, self.n, threads, <double *> cnp.PyArray_DATA(totals))
        return totals.tolist()

    def sweep(self, list scalars, list carries, list squares, bint look=False, bint trial=False):
        """Update all bound parameters in one pass and advance the counters; return how many gradient elements were not finite.

        Parameters
        ----------
        scalars : list of tuple of float
            For each cohort: scale, limit, and the rule's hyperparameters.
        carries : list
            For each cohort: what its next step needs to know of the past (a number, a tuple of numbers or None).
        squares : list of bool
            For each cohort: whether its rule squares gradients, which are then limited so that squares stay finite.
        look : bool
            Whether to leave in `looked`, for each gradient, the norms of the weights before and of what was added to them.
        trial : bool
            The step will be undone: the counters stay, and scalars may leave float32.
        """
        cdef Py_ssize_t c, k
        cdef int threads = self._threads()
        cdef double x
        cdef double *wide
        cdef float *single
        for c in range(len(self.cohorts)):
            row = <tuple> scalars[c]
            if len(row) > SCALARS:
                raise ValueError("too many scalars")
            wide, single = self.job.scalars64 + c * SCALARS, self.job.scalars32 + c * SCALARS
            for k in range(len(row)):
                x = row[k]
                wide[k], single[k] = x, <float> x
                if k >= 2 and self.singles and not trial and (not isfinite(single[k]) or (single[k] == 0 and x != 0)):
                    self.guard.scalar((<Cohort> self.cohorts[c]).group, k - 2, x)
            if squares[c]:
                wide[1], single[1] = min(wide[1], LARGEST64), min(single[1], LARGEST32)
        ages = [cohort.age + 1 for cohort in self.cohorts]
        self.job.nonfinite = 0
        if look:
            self.job.looks = <double *> allocate(self.n_blocks * LOOKS, sizeof(double))
        with nogil:
            run(sweep_task, &self.job, threads)
        if trial:
            return self.job.nonfinite
        self.t = self.t + 1
        if self.n_live < self.n:
            self._split_cohorts(carries)
        else:
            for c in range(len(ages)):
                cohort = <Cohort> self.cohorts[c]
                cohort.age, cohort.carry = ages[c], carries[c]
        if look:
            self.looked = looked(&self.job, self.n)
        return self.job.nonfinite

    cdef int _split_cohorts(self, list carries) except -1:
        """Age the parameters that had a gradient, not the others, and gather equals again; where they are measured, they stay apart."""
        found, cohorts, members = {}, [], []
        for i in range(self.n):
            cohort = <Cohort> self.cohorts[self.parameters[i].cohort]
            after = (cohort.group, cohort.age, cohort.carry)
            if self.parameters[i].g.data != NULL:
                after = (cohort.group, cohort.age + 1, carries[self.parameters[i].cohort])
            key = (after, self.parameters[i].cohort if self.measuring else None)
            if key not in found:
                found[key] = len(cohorts)
                cohorts.append(Cohort(*after))
            members.append(found[key])
        self.set_cohorts(cohorts, members)
        return 0

    def release(self, holder):
        """Let go of the gradients, if `holder` holds the plan."""
        cdef Py_ssize_t i
        cdef Parameter *parameter
        if self.holder is not holder:
            return
        for i in range(self.n):
            parameter = &self.parameters[i]
            if parameter.g.data != NULL:
                parameter.g.data, parameter.g.dtype = NULL, parameter.p.dtype
                self.gradients[i] = None
                if parameter.g.view != NULL:
                    PyMem_Free(parameter.g.view)
                    parameter.g.view = NULL
        self.holder = None
