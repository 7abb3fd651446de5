"""Drive the compiled loops over a whole list of arrays: one call a step, no Python per array.

`_plan.pyx` describes parameters and gradients as `Memory` and cuts them into tasks; this module runs the tasks. Memory that is
contiguous, aligned and of the computing dtype is used in place; everything else (strides, float16, bfloat16) passes
through a block of scratch memory on the stack, and is written back through the caller's own strides.
"""
cimport numpy as cnp
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.math cimport sqrt
from libc.string cimport memcpy

cnp.import_array()

cdef extern from "_pool.h" nogil:
    void pool_init()
    void pool_run(pool_task task, void *context, Py_ssize_t n, int threads, int linger)

cdef extern from *:
    """
    #if defined(__x86_64__) && defined(__GNUC__)
    static int processor_level(void) {
        __builtin_cpu_init();
        if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))) return 1;
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) return 4;
        return 3;
    }
    #else
    static int processor_level(void) { return 1; }
    #endif
    """
    int processor_level()

cdef extern from *:
    """
    static void add_count(Py_ssize_t *total, Py_ssize_t more) { __atomic_fetch_add(total, more, __ATOMIC_RELAXED); }
    """
    void add_count(Py_ssize_t *total, Py_ssize_t more) noexcept nogil

cdef enum:
    NORM = 3  # sums of one norm: LOOKS are those of two

ctypedef unsigned short[BLOCK] uint16_block
ctypedef double (*change_function)(Py_ssize_t n, const void *new, const void *old) noexcept nogil

CODES = {"float32": FLOAT32, "float64": FLOAT64, "float16": FLOAT16, "bfloat16": BFLOAT16}
MOST_SLOTS, MOST_SCALARS, ELEMENTS_PER_SCALE = SLOTS, SCALARS, BYTES_BLOCK
cdef Py_ssize_t[4] SIZES = [4, 8, 2, 2]
cdef double[2] SAFE = [1e-280, 1e300]  # sums of squares between them have neither overflowed nor lost anything to underflow
cdef double SHIFT = 2.0 ** 540
SAFE_SQUARES = SAFE[0], SAFE[1]
cdef sum_function[2] square_sum
cdef change_function[2] change_sum
cdef widen_function[4] widen
cdef narrow_function[4] narrow


pool_init()


cdef void run_pool(pool_task task, void *context, Py_ssize_t n, int threads, bint linger) noexcept nogil:
    """Call ``task(context, k)`` for each k < n, on so many threads at most, the caller's among them; see `_pool.h`.

    `linger` says that the next call follows at once, so that it pays to look for it before falling asleep.
    """
    pool_run(task, context, n, threads, linger)


def use_level(dict blocks):
    """Take the block functions of one processor level: the `BLOCKS` of its `_blocks` module."""
    for name in ("float32", "float64"):
        square_sum[CODES[name]] = <sum_function> <size_t> blocks["square_sum", name]
        change_sum[CODES[name]] = <change_function> <size_t> blocks["change_sum", name]
    for name in ("float16", "bfloat16"):
        widen[CODES[name]] = <widen_function> <size_t> blocks["widen", name]
        narrow[CODES[name]] = <narrow_function> <size_t> blocks["narrow", name]


def best_level():
    """Return the highest x86-64 level (1, 3 or 4) that this processor and operating system run."""
    return processor_level()


def run_sweep(size_t address, list arrays, scalars):
    """Run one compiled loop on 1-D contiguous arrays of one dtype and equal length, for tests and small tools."""
    cdef void *pointers[SLOTS + 2]
    cdef double[SCALARS] wide
    cdef float[SCALARS] single
    cdef cnp.ndarray first = arrays[0]
    if len(arrays) > SLOTS + 2 or len(scalars) > SCALARS:
        raise ValueError("too many arrays or scalars")
    for k, array in enumerate(arrays):
        if array.shape != (first.size,) or array.dtype != first.dtype or not array.flags.carray:
            raise ValueError(f"array {k} is not contiguous, writeable, and of the first one's length and dtype")
        pointers[k] = cnp.PyArray_DATA(array)
    for k, x in enumerate(scalars):
        wide[k] = x
        single[k] = <float> wide[k]
    return (<sweep_function> address)(first.size, pointers, <void *> wide if first.itemsize == 8 else <void *> single)


cdef void *allocate(Py_ssize_t n, Py_ssize_t size) except NULL:
    """Return zeros for n + 1 items, never none."""
    cdef void *memory = PyMem_Calloc(n + 1, size)
    if memory == NULL:
        raise MemoryError()
    return memory


# ---------------------------------------------------------------------------------------------------------------------------------
# Strided memory


cdef void span_of(const Memory *m, Py_ssize_t itemsize, char **low, char **high) noexcept:
    """Find between which addresses all elements lie."""
    cdef Py_ssize_t reach
    cdef int d
    low[0], high[0] = m.data, m.data + (m.n if m.view == NULL else 1) * itemsize
    for d in range(m.view.ndim if m.view != NULL else 0):
        reach = (m.view.shape[d] - 1) * m.view.strides[d]
        if reach < 0:
            low[0] += reach
        else:
            high[0] += reach


cdef View *new_view(cnp.ndarray array, tuple axes) except? NULL:
    """Return the view of `array` with its axes in the given order, joined; NULL where that leaves its elements side by side."""
    cdef View *view = <View *> PyMem_Calloc(1, sizeof(View))
    cdef Py_ssize_t length, stride, k = -1
    if view == NULL:
        raise MemoryError()
    for axis in axes:
        length, stride = array.shape[<int> axis], array.strides[<int> axis]
        if length == 1:
            continue
        if k >= 0 and view.strides[k] == length * stride:
            view.shape[k] *= length
        else:
            k += 1
            view.shape[k] = length
        view.strides[k] = stride
    if k < 0:
        view.shape[0], view.strides[0], k = 1, array.itemsize, 0
    view.ndim = <int> k + 1
    if view.ndim == 1 and view.strides[0] == array.itemsize and cnp.PyArray_ISALIGNED(array):
        PyMem_Free(view)
        return NULL
    return view


cdef inline void copy_run(char *a, Py_ssize_t stride_a, char *b, Py_ssize_t stride_b, Py_ssize_t n, Py_ssize_t size) noexcept nogil:
    """Copy n elements from a to b; memcpy of a constant size is one unaligned move."""
    cdef Py_ssize_t i
    if size == 4:
        for i in range(n):
            memcpy(b + i * stride_b, a + i * stride_a, 4)
    elif size == 8:
        for i in range(n):
            memcpy(b + i * stride_b, a + i * stride_a, 8)
    else:
        for i in range(n):
            memcpy(b + i * stride_b, a + i * stride_a, 2)


cdef void copy_view(const Memory *m, Py_ssize_t start, Py_ssize_t count, char *packed, bint store) noexcept nogil:
    """Copy elements start .. start + count of a view to contiguous memory, or back where `store`."""
    cdef Py_ssize_t[DIMENSIONS] index
    cdef Py_ssize_t size = SIZES[m.dtype], rest = start, run
    cdef char *at = m.data
    cdef int d, last = m.view.ndim - 1
    for d in range(last, -1, -1):
        index[d] = rest % m.view.shape[d]
        rest = rest // m.view.shape[d]
        at += index[d] * m.view.strides[d]
    while count > 0:
        run = min(m.view.shape[last] - index[last], count)
        if store:
            copy_run(packed, size, at, m.view.strides[last], run, size)
        else:
            copy_run(at, m.view.strides[last], packed, size, run, size)
        packed += run * size
        count -= run
        index[last] += run
        at += run * m.view.strides[last]
        d = last
        while d > 0 and index[d] == m.view.shape[d]:
            at += m.view.strides[d - 1] - index[d] * m.view.strides[d]
            index[d] = 0
            d -= 1
            index[d] += 1


cdef inline bint in_place(const Memory *m) noexcept nogil:
    return m.view == NULL and m.dtype <= FLOAT64


cdef void *load(const Memory *m, Py_ssize_t start, Py_ssize_t count, double *scratch) noexcept nogil:
    """Return elements start .. start + count in the computing dtype: where they lie, or copied to scratch (count <= BLOCK)."""
    cdef uint16_block raw
    cdef char *source = m.data + start * SIZES[m.dtype]
    if in_place(m):
        return source
    if m.view != NULL:
        source = <char *> raw if m.dtype > FLOAT64 else <char *> scratch
        copy_view(m, start, count, source, False)
    if m.dtype > FLOAT64:
        widen[m.dtype](count, source, <float *> scratch)
    return scratch


cdef void store(const Memory *m, Py_ssize_t start, Py_ssize_t count, const double *scratch) noexcept nogil:
    """Write back what `load` copied to scratch, rounded once where the memory is narrower."""
    cdef uint16_block raw
    cdef char *target = m.data + start * SIZES[m.dtype]
    if in_place(m):
        return
    if m.dtype > FLOAT64:
        narrow[m.dtype](count, <const float *> scratch, <void *> raw if m.view != NULL else target)
    if m.view != NULL:
        copy_view(m, start, count, <char *> raw if m.dtype > FLOAT64 else <char *> scratch, True)


cdef int attach_states(Parameter *parameter, list states) except -1:
    """Give a parameter its state arrays; those of bytes are followed, after all of them, by their scales."""
    first_scale = len(states) - sum(each.itemsize == 1 for each in states)
    parameter.n_slots = len(states)
    for k in range(parameter.n_slots):
        parameter.state[k] = cnp.PyArray_DATA(states[k])
        parameter.widths[k] = states[k].itemsize if k < first_scale else 0
    return 0


# ---------------------------------------------------------------------------------------------------------------------------------
# What one thread does with one task: a stretch of about TASK elements, over one array or many


cdef void sum_squares(Memory *m, Py_ssize_t low, Py_ssize_t high, double *block_sums) noexcept nogil:
    """Sum the squares of each block of `m` between the elements low (a multiple of BLOCK) and high."""
    cdef double[BLOCK] scratch
    cdef Py_ssize_t count
    while low < high:
        count = min(high - low, BLOCK)
        block_sums[low // BLOCK] = square_sum[m.dtype == FLOAT64](count, load(m, low, count, scratch))
        low += count


cdef Py_ssize_t update(Parameter *a, Py_ssize_t low, Py_ssize_t high, const void *scalars) noexcept nogil:
    """Run the rule over the elements low .. high of one parameter."""
    cdef double[BLOCK] p_scratch, g_scratch
    cdef void *arrays[SLOTS + 2]
    cdef Py_ssize_t count, nonfinite = 0
    cdef bint whole = in_place(&a.p) and in_place(&a.g)
    cdef int k
    while low < high:
        count = high - low if whole else min(high - low, BLOCK)
        arrays[0] = load(&a.p, low, count, p_scratch)
        arrays[1] = load(&a.g, low, count, g_scratch)
        for k in range(a.n_slots):
            arrays[2 + k] = <char *> a.state[k] + (low * a.widths[k] if a.widths[k] else low // BYTES_BLOCK * sizeof(float))
        nonfinite += a.sweep(count, arrays, scalars)
        store(&a.p, low, count, p_scratch)
        low += count
    return nonfinite


cdef inline Py_ssize_t end_of(const Job *job, Py_ssize_t k, Py_ssize_t array) noexcept nogil:
    """Return where task k ends within an array."""
    return job.tasks[k + 1].offset if array == job.tasks[k + 1].array else job.parameters[array].p.n


cdef void norm_task(void *context, Py_ssize_t k) noexcept nogil:
    cdef Job *job = <Job *> context
    cdef Py_ssize_t a = job.tasks[k].array, low = job.tasks[k].offset
    while a < job.tasks[k + 1].array or (a == job.tasks[k + 1].array and low < job.tasks[k + 1].offset):
        if job.parameters[a].g.data != NULL:
            sum_squares(&job.parameters[a].g, low, end_of(job, k, a), job.block_sums + job.parameters[a].first_block)
        a, low = a + 1, 0


cdef void measure(Parameter *a, Py_ssize_t low, Py_ssize_t high, const double *scalars, double *measured) noexcept nogil:
    """Take the sums of each block of one parameter between the elements low (a multiple of BLOCK) and high."""
    cdef double[BLOCK] p_scratch, g_scratch
    cdef void *arrays[SLOTS + 2]
    cdef Py_ssize_t count, size = 8 if a.p.dtype == FLOAT64 else 4
    cdef int k
    while low < high:
        count = min(high - low, BLOCK)
        arrays[0] = load(&a.p, low, count, p_scratch)
        arrays[1] = load(&a.g, low, count, g_scratch)
        for k in range(a.n_slots):
            arrays[2 + k] = <char *> a.state[k] + low * size
        a.measure(count, arrays, scalars, measured + low // BLOCK * SUMS)
        low += count


cdef void measure_task(void *context, Py_ssize_t k) noexcept nogil:
    cdef Job *job = <Job *> context
    cdef Py_ssize_t a = job.tasks[k].array, low = job.tasks[k].offset
    cdef Parameter *parameter
    while a < job.tasks[k + 1].array or (a == job.tasks[k + 1].array and low < job.tasks[k + 1].offset):
        parameter = &job.parameters[a]
        if parameter.g.data != NULL:
            measure(
                parameter, low, end_of(job, k, a), job.scalars64 + parameter.cohort * SCALARS,
                job.measured + parameter.first_block * SUMS,
            )
        a, low = a + 1, 0


cdef inline Py_ssize_t sweep(const Job *job, Parameter *a, Py_ssize_t low, Py_ssize_t high) noexcept nogil:
    """Update the elements low .. high of one parameter, with the scalars of its cohort."""
    if a.p.dtype == FLOAT64:
        return update(a, low, high, job.scalars64 + a.cohort * SCALARS)
    return update(a, low, high, job.scalars32 + a.cohort * SCALARS)


cdef Py_ssize_t sweep_and_look(const Job *job, Parameter *a, Py_ssize_t low, Py_ssize_t high) noexcept nogil:
    """Do the same block by block, and measure each block's weights and how they change, while they are in the cache."""
    cdef double[BLOCK] before, after
    cdef Py_ssize_t count, nonfinite = 0
    cdef double *sums
    cdef void *new
    while low < high:
        count = min(high - low, BLOCK)
        sums = job.looks + (a.first_block + low // BLOCK) * LOOKS
        new = load(&a.p, low, count, before)
        if new != <void *> before:
            memcpy(before, new, count * SIZES[a.p.dtype])
        nonfinite += sweep(job, a, low, low + count)
        new = load(&a.p, low, count, after)
        sums[0] = square_sum[a.p.dtype == FLOAT64](count, before)
        sums[NORM] = change_sum[a.p.dtype == FLOAT64](count, new, before)
        if a.p.dtype == FLOAT64:
            scaled_sums(count, before, NULL, sums)
            scaled_sums(count, <double *> new, before, sums + NORM)
        low += count
    return nonfinite


cdef void scaled_sums(Py_ssize_t n, const double *x, const double *less, double *sums) noexcept nogil:
    """Beside the sum of squares of x (less another array), put that of x times SHIFT and that of x over SHIFT.

    One of the three has neither overflowed nor underflowed.
    """
    cdef Py_ssize_t i
    cdef double y
    if SAFE[0] < sums[0] < SAFE[1]:
        sums[1], sums[2] = sums[0] * SHIFT * SHIFT, sums[0] / SHIFT / SHIFT
        return
    sums[1] = sums[2] = 0
    for i in range(n):
        y = x[i] if less == NULL else x[i] - less[i]
        sums[1] += (y * SHIFT) * (y * SHIFT)
        sums[2] += (y / SHIFT) * (y / SHIFT)


cdef double norm_of(const double *looks, Py_ssize_t n_blocks, int dtype, double *column) noexcept:
    """Return the norm of an array from the sums of its blocks; the column is room for them."""
    cdef double totals[NORM]
    cdef Py_ssize_t block
    cdef int k
    for k in range(NORM):
        for block in range(n_blocks):
            column[block] = looks[block * LOOKS + k]
        totals[k] = pairwise(column, n_blocks)
    if dtype != FLOAT64 or SAFE[0] < totals[0] < SAFE[1]:
        return sqrt(totals[0])
    return sqrt(totals[1]) / SHIFT if totals[0] <= SAFE[0] else sqrt(totals[2]) * SHIFT


cdef list looked(Job *job, Py_ssize_t n):
    """Return (norm of the weights, norm of the update) of each parameter, of n, that has a gradient; end the look."""
    cdef Py_ssize_t i, n_blocks
    cdef Parameter *a
    cdef double *looks
    found = []
    for i in range(n):
        a = &job.parameters[i]
        if a.g.data == NULL:
            continue
        n_blocks, looks = (a.p.n + BLOCK - 1) // BLOCK, job.looks + a.first_block * LOOKS
        found.append((
            norm_of(looks, n_blocks, a.p.dtype, job.block_sums), norm_of(looks + NORM, n_blocks, a.p.dtype, job.block_sums),
        ))
    PyMem_Free(job.looks)
    job.looks = NULL
    return found


cdef void sweep_task(void *context, Py_ssize_t backwards) noexcept nogil:
    """Sweep from the last task to the first: the end of the gradients is what `norm` left in the cache."""
    cdef Job *job = <Job *> context
    cdef Py_ssize_t k = job.n_tasks - 1 - backwards
    cdef Py_ssize_t a = job.tasks[k].array, low = job.tasks[k].offset, nonfinite = 0
    while a < job.tasks[k + 1].array or (a == job.tasks[k + 1].array and low < job.tasks[k + 1].offset):
        if job.parameters[a].g.data != NULL:
            if job.looks == NULL:
                nonfinite += sweep(job, &job.parameters[a], low, end_of(job, k, a))
            else:
                nonfinite += sweep_and_look(job, &job.parameters[a], low, end_of(job, k, a))
        a, low = a + 1, 0
    if nonfinite:
        add_count(&job.nonfinite, nonfinite)


cdef double pairwise(const double *x, Py_ssize_t n) noexcept nogil:
    """Sum by a fixed binary tree: the same bits for any number of threads, and an error that grows with log n."""
    if n <= 2:
        return (x[0] if n else 0) + (x[1] if n == 2 else 0)
    return pairwise(x, n - n // 2) + pairwise(x + (n - n // 2), n // 2)


cdef void run(pool_task task, Job *job, int threads) noexcept nogil:
    """Run a task over all stretches of a job, on as many threads as are allowed."""
    pool_run(task, job, job.n_tasks, threads, False)


cdef void measure_all(Job *job, Py_ssize_t n, int threads, double *totals) noexcept nogil:
    """Add to the SUMS totals of each cohort the sums over its parameters, of n, that have a gradient."""
    cdef Py_ssize_t i, k, block, n_blocks
    cdef double *column
    cdef double *source
    cdef Parameter *parameter
    run(measure_task, job, threads)
    for i in range(n):
        parameter = &job.parameters[i]
        if parameter.g.data == NULL:
            continue
        n_blocks = (parameter.p.n + BLOCK - 1) // BLOCK
        column, source = job.block_sums + parameter.first_block, job.measured + parameter.first_block * SUMS
        for k in range(SUMS):
            for block in range(n_blocks):
                column[block] = source[block * SUMS + k]
            totals[parameter.cohort * SUMS + k] += pairwise(column, n_blocks)
