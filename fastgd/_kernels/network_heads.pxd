"""The losses of a network's outputs with their slopes, one head after the other."""
from libc.stdint cimport int64_t
from libc.string cimport memcpy
cimport fastgd._kernels.lane_math as math
from fastgd._kernels.network_parts cimport CODES, SINGLE, Head, real

ctypedef Py_ssize_t (*loss_function)(Py_ssize_t n, void **arrays, const void *scalars) noexcept nogil


cdef inline real log_above_one(real x) noexcept nogil:
    """Return log(x) for x >= 1, a sum of exponentials whose largest is 1."""
    cdef real halvings = 0
    if x - x != 0:
        return x
    while x >= 2:
        x *= <real> 0.5
        halvings += 1
    return halvings * <real> 0.6931471805599453 + math.log1p(x - <real> 1)


cdef inline void softmax(const Head *head, Py_ssize_t n, const real *z, const real *y, real *value, real *slope) noexcept nogil:
    """Cross-entropy of `n` rows: `z` and `slope` are (n, n_out), `value` is (n,), `y` holds (n,) classes or (n, n_out) probabilities.

    At temperature T the loss is ``T**2`` times that of ``z / T`` (Hinton, Vinyals and Dean, 2015), so that slopes keep their size.
    """
    cdef Py_ssize_t i, j, m = head.n_out
    cdef real T = <real> head.parameter, top, total, mass, log_total
    for i in range(n):
        top = z[i * m]
        for j in range(1, m):
            top = z[i * m + j] if z[i * m + j] > top else top
        for j in range(m):
            slope[i * m + j] = (z[i * m + j] - top) / T
        value[i] = -slope[i * m + <Py_ssize_t> y[i]] if head.kind == CODES else <real> 0
        if head.kind != CODES:
            for j in range(m):
                value[i] -= y[i * m + j] * slope[i * m + j]
    for i in range(n * m):
        slope[i] = math.exp(slope[i])
    for i in range(n):
        total, mass = 0, 1
        for j in range(m):
            total += slope[i * m + j]
        if head.kind != CODES:
            mass = 0
            for j in range(m):
                mass += y[i * m + j]
        log_total = log_above_one(total)
        value[i] = T * T * (value[i] + mass * log_total)
        for j in range(m):
            slope[i * m + j] = T * mass * (slope[i * m + j] / total)
        if head.kind == CODES:
            slope[i * m + <Py_ssize_t> y[i]] -= T
        else:
            for j in range(m):
                slope[i * m + j] -= T * y[i * m + j]


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

    `space` holds four arrays of n times n_out numbers, and one of n.
    """
    cdef Py_ssize_t i, j, m = head.n_out, columns = 1 if head.kind == CODES else m
    cdef real *z = space
    cdef real *y = space + n * m
    cdef real *slope = space + 2 * n * m
    cdef real *each = space + 3 * n * m
    cdef real *own = space + 4 * n * m
    cdef real weight = <real> head.weight
    for i in range(n):
        memcpy(z + i * m, outputs + i * n_outputs + head.first, m * sizeof(real))
        memcpy(y + i * columns, targets + order[i] * n_targets + head.target, columns * sizeof(real))
    if head.kind == SINGLE:
        single(head, n, z, y, own, slope, each)
    else:
        softmax(head, n, z, y, own, slope)
    for i in range(n):
        value[i] += weight * own[i]
        for j in range(m):
            slopes[i * n_outputs + head.first + j] = weight * slope[i * m + j]
