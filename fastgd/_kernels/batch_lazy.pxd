"""Features that a batch does not touch: what they missed is done when a row names them next, with the same result.

Without a gradient a step is the penalty and what the rule does for g = 0. The penalty's decay by a share a and threshold b is, for the
size of a weight, ``max(0, (1 - a) * |w| - b)``; such maps in a row are one such map, and the map from any step to any other follows from
those from the beginning to both, which `History` keeps: products of ``1 - a`` as mantissa and power of 2**512, so that they never leave
the range of float64, and debts. The rule's state shrinks by a power. A rule that moves without a gradient is run step by step, as far as
that can change a bit (`head`, `tail`); and so are all while weights are averaged.
"""
from libc.math cimport copysign, fabs

from fastgd._kernels.batch_state cimport DEBT, EXPONENT, HISTORY, MANTISSA, SHARE, THRESHOLD, Batch, apply_rule, row_of, scalars_of
from fastgd._kernels.lane_rows cimport block, real


cdef inline double *history_of(Batch *s, Py_ssize_t step, Py_ssize_t tile, block *lanes_) noexcept nogil:
    return s.history + (tile * (s.capacity + 1) + step) * HISTORY * <Py_ssize_t> sizeof(lanes_[0])


cdef inline void remember_penalty(Batch *s, Py_ssize_t tile, const real *real_, block *lanes_) noexcept nogil:
    """Put the present step's penalty behind those since the beginning of the tables."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef double *old = history_of(s, s.now, tile, lanes_)
    cdef double *new = history_of(s, s.now + 1, tile, lanes_)
    cdef const real *scalars = scalars_of(s, s.now, tile, real_, lanes_)
    cdef double kept, mantissa, exponent
    cdef Py_ssize_t l
    for l in range(K):
        kept = 1 - <double> scalars[SHARE * K + l]
        mantissa, exponent = old[MANTISSA * K + l] * kept, old[EXPONENT * K + l]
        if kept <= 0:
            mantissa, exponent = 1, exponent + 2  # two powers apart: the factor is 0
        elif mantissa < 2.0**-512:
            mantissa, exponent = mantissa * 2.0**512, exponent + 1
        new[MANTISSA * K + l], new[EXPONENT * K + l] = mantissa, exponent
        new[DEBT * K + l] = old[DEBT * K + l] * kept + scalars[THRESHOLD * K + l]


cdef inline void penalise(Batch *s, real *w, Py_ssize_t first, Py_ssize_t last, Py_ssize_t tile, block *lanes_) noexcept nogil:
    """Apply the penalty of the steps from `first` to before `last` to a weight."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef const double *before = history_of(s, first, tile, lanes_)
    cdef const double *after = history_of(s, last, tile, lanes_)
    cdef double factor, powers, size
    cdef Py_ssize_t l
    for l in range(K):
        powers = after[EXPONENT * K + l] - before[EXPONENT * K + l]
        factor = after[MANTISSA * K + l] / before[MANTISSA * K + l]
        factor = factor if powers == 0 else (factor * 2.0**-512 if powers == 1 else 0)
        size = fabs(w[l]) * factor - (after[DEBT * K + l] - before[DEBT * K + l] * factor)
        size = 0 if size < 0 else size
        w[l] = <real> (copysign(size, w[l]) + 0.0)


cdef inline void replay(
    Batch *s, Py_ssize_t feature, Py_ssize_t first, Py_ssize_t last, Py_ssize_t tile, const real *real_, block *lanes_
) noexcept nogil:
    """Run the steps from `first` to before `last` on a feature, without a gradient."""
    cdef Py_ssize_t advance = s.n_scalars * <Py_ssize_t> sizeof(lanes_[0])
    apply_rule(s, last - first, NULL, 0, advance, feature, tile, s.zeros, scalars_of(s, first, tile, real_, lanes_), lanes_)


cdef inline void average_feature(
    Batch *s, Py_ssize_t feature, Py_ssize_t step, Py_ssize_t tile, const real *real_, block *lanes_
) noexcept nogil:
    """Count a feature's weights after a step into the average."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef double *average = s.averages + feature * s.stride + tile * K
    cdef const real *w = row_of(s, 0, feature, tile, real_, lanes_)
    cdef double share = s.shares[step]
    cdef Py_ssize_t l
    for l in range(K):
        average[l] += share * (w[l] - average[l])


cdef inline void fade(Batch *s, Py_ssize_t feature, Py_ssize_t steps, Py_ssize_t tile, const real *real_, block *lanes_) noexcept nogil:
    """Let the rule's state shrink as in so many steps without a gradient."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef Py_ssize_t l
    cdef double factor
    cdef real *state
    cdef int a
    for a in range(2, s.n_arrays):
        factor = s.fades[(a - 2) * (s.capacity + 1) + steps]
        if factor != 1:
            state = row_of(s, a, feature, tile, real_, lanes_)
            for l in range(K):
                state[l] = <real> (state[l] * factor)


cdef inline void catch_up(Batch *s, Py_ssize_t feature, const real *real_, block *lanes_) noexcept nogil:
    """Do what a feature has missed up to the present step."""
    cdef Py_ssize_t first = s.seen[feature], last = s.now
    cdef Py_ssize_t tile, step, fast, slow
    if first == last:
        return
    s.seen[feature] = last
    for tile in range(s.n_tiles):
        if s.averages != NULL and s.shares[last - 1] != 0:
            for step in range(first, last):
                replay(s, feature, step, step + 1, tile, real_, lanes_)
                average_feature(s, feature, step, tile, real_, lanes_)
            continue
        fast = min(first + s.head, last)
        slow = max(last - s.tail, fast)
        if first < fast:
            replay(s, feature, first, fast, tile, real_, lanes_)
        if fast < slow:
            if s.penalised:
                penalise(s, row_of(s, 0, feature, tile, real_, lanes_), fast, slow, tile, lanes_)
            fade(s, feature, slow - fast, tile, real_, lanes_)
        if slow < last:
            replay(s, feature, slow, last, tile, real_, lanes_)
