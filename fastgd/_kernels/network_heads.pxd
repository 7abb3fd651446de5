"""The losses of a network's outputs with their slopes, one head after the other."""
from libc.stdint cimport int64_t
from libc.string cimport memcpy
cimport fastgd._kernels.lane_math as math
from fastgd._kernels.network_parts cimport CODES, SINGLE, Head, real

ctypedef Py_ssize_t (*loss_function)(Py_ssize_t n, void **arrays, const void *scalars) noexcept nogil


cdef enum:
    BESIDE = 16  # rows side by side: a vector of float32, or several


cdef inline void log_above_one(Py_ssize_t most, real *x) noexcept nogil:
    """Take the logarithms of BESIDE numbers, 1 <= x <= most: sums of exponentials whose largest is 1."""
    cdef real[BESIDE] halvings
    cdef Py_ssize_t i, reached = 2
    for i in range(BESIDE):
        halvings[i] = 0
    while reached <= most:
        for i in range(BESIDE):
            halvings[i] += <real> 1 if x[i] >= 2 else <real> 0
            x[i] *= <real> 0.5 if x[i] >= 2 else <real> 1
        reached *= 2
    for i in range(BESIDE):
        x[i] = halvings[i] * <real> 0.6931471805599453 + math.log1p(x[i] - <real> 1)


cdef inline void exponentials(Py_ssize_t m, real T, real *z, real *total) noexcept nogil:
    """Turn BESIDE columns of `m` numbers into ``(z - max(z)) / T``, then in another copy behind them exp of that; add these up."""
    cdef real[BESIDE] top
    cdef real *e = z + m * BESIDE
    cdef Py_ssize_t i, j
    for i in range(BESIDE):
        top[i], total[i] = z[i], 0
    for j in range(1, m):
        for i in range(BESIDE):
            top[i] = z[j * BESIDE + i] if z[j * BESIDE + i] > top[i] else top[i]
    for j in range(m):
        for i in range(BESIDE):
            z[j * BESIDE + i] = (z[j * BESIDE + i] - top[i]) / T
    for i in range(m * BESIDE):
        e[i] = math.exp(z[i])
    for j in range(m):
        for i in range(BESIDE):
            total[i] += e[j * BESIDE + i]


cdef inline void softmax(
    const Head *head, Py_ssize_t n, const int64_t *order, const real *targets, Py_ssize_t n_targets, const real *outputs,
    Py_ssize_t n_outputs, real *value, real *slopes, real *z,
) noexcept nogil:
    """Cross-entropy of at most BESIDE rows, whose targets are classes or `n_out` probabilities. They stand in columns, for vectors.

    At temperature T the loss is ``T**2`` times that of ``z / T`` (Hinton, Vinyals and Dean, 2015), so that slopes keep their size.
    `z` is memory for 2 * BESIDE * n_out numbers.
    """
    cdef Py_ssize_t i, j, m = head.n_out
    cdef real T = <real> head.parameter, weight = <real> head.weight
    cdef real[BESIDE] total, mass, own
    cdef real *e = z + m * BESIDE
    cdef const real *y
    for i in range(BESIDE):
        own[i], mass[i] = 0, 1
        for j in range(m):
            z[j * BESIDE + i] = outputs[i * n_outputs + j] if i < n else <real> 0
    exponentials(m, T, z, total)
    for i in range(n):
        y = targets + order[i] * n_targets
        if head.kind == CODES:
            own[i] = -z[<Py_ssize_t> y[0] * BESIDE + i]
        else:
            mass[i] = 0
            for j in range(m):
                own[i] -= y[j] * z[j * BESIDE + i]
                mass[i] += y[j]
    for j in range(m):
        for i in range(BESIDE):
            e[j * BESIDE + i] = T * mass[i] * (e[j * BESIDE + i] / total[i])
    log_above_one(m, total)
    for i in range(n):
        y = targets + order[i] * n_targets
        value[i] += weight * (T * T * (own[i] + mass[i] * total[i]))
        if head.kind == CODES:
            e[<Py_ssize_t> y[0] * BESIDE + i] -= T
        else:
            for j in range(m):
                e[j * BESIDE + i] -= T * y[j]
        for j in range(m):
            slopes[i * n_outputs + j] = weight * e[j * BESIDE + i]


cdef inline void single(const Head *head, Py_ssize_t n, real *z, real *y, real *value, real *slope, real *each) noexcept nogil:
    """A loss of single outputs, added up over a row's outputs."""
    cdef Py_ssize_t i, j, m = head.n_out
    cdef real parameter = <real> head.parameter
    cdef void *arrays[4]
    arrays[0], arrays[1], arrays[2], arrays[3] = z, y, each, slope
    (<loss_function> head.loss)(n * m, arrays, &parameter)
    for i in range(n):
        value[i] = 0
        for j in range(m):
            value[i] += each[i * m + j]


cdef inline void measure_head(
    const Head *head, Py_ssize_t n, const int64_t *order, const real *targets, Py_ssize_t n_targets, const real *outputs,
    Py_ssize_t n_outputs, real *value, real *slopes, real *space,
) noexcept nogil:
    """Add the losses of a head to `value`, (n,), and write its slopes to its columns of `slopes`, (n, n_outputs).

    `space` holds four arrays of n times n_out numbers, and one of n, n being rounded up to a multiple of BESIDE.
    """
    cdef Py_ssize_t i, j, block, m = head.n_out
    cdef real *z = space
    cdef real *y = space + n * m
    cdef real *slope = space + 2 * n * m
    cdef real *each = space + 3 * n * m
    cdef real *own = space + 4 * n * m
    cdef real weight = <real> head.weight
    targets += head.target
    outputs += head.first
    slopes += head.first
    if head.kind != SINGLE:
        for block in range((n + BESIDE - 1) // BESIDE):
            i = block * BESIDE
            softmax(
                head, min(n - i, <Py_ssize_t> BESIDE), order + i, targets, n_targets, outputs + i * n_outputs, n_outputs, value + i,
                slopes + i * n_outputs, space,
            )
        return
    for i in range(n):
        memcpy(z + i * m, outputs + i * n_outputs, m * sizeof(real))
        memcpy(y + i * m, targets + order[i] * n_targets, m * sizeof(real))
    single(head, n, z, y, own, slope, each)
    for i in range(n):
        value[i] += weight * own[i]
        for j in range(m):
            slopes[i * n_outputs + j] = weight * slope[i * m + j]
