"""The cumulative L1 penalty of a block of lanes, and what has to be kept up to date beside the weights for it and for averages."""
from libc.math cimport copysign, fabs

from fastgd._kernels.lane_rows cimport ABSOLUTES, AVERAGED, L2, MOST, OWED, SCALE, SQUARES, block, column, index, real


cdef inline void add_tracking(
    Py_ssize_t n, const real *x, const index *ix, real *w, const real *step, double *averages, double *state, block *lanes_
) noexcept nogil:
    """Add a multiple of a row; keep the sum of sizes of weights, and their sum over time, ``averages + averaged * w``, as they are."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef Py_ssize_t k, l
    cdef real[MOST] own
    cdef double[MOST] averaged, grown, moved
    cdef real old, new, value
    cdef real *lane
    cdef double *mean
    for l in range(K):
        own[l] = step[l]
    for l in range(K):
        averaged[l], grown[l] = state[AVERAGED * K + l], 0
    for k in range(n):
        lane = w + K * column(ix, k)
        value = x[k]
        for l in range(K):
            old = lane[l]
            new = old + value * own[l]
            lane[l] = new
            moved[l] = <double> new - old
            grown[l] += fabs(new) - fabs(old)
        if averages != NULL:
            mean = averages + K * column(ix, k)
            for l in range(K):
                mean[l] -= averaged[l] * moved[l]
    for l in range(K):
        state[ABSOLUTES * K + l] += grown[l]


cdef inline void collect(
    Py_ssize_t n, const index *ix, real *w, double *paid, double *averages, double *state, bint can_wait, block *lanes_
) noexcept nogil:
    """Collect the L1 penalty that the weights of a row owe: move them towards 0, not beyond (Tsuruoka et al., 2009).

    Where it can wait until a row touches these weights again, lanes with L2 beside it do not wait: it would decay the debt.
    """
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef Py_ssize_t k, l
    cdef double[MOST] scale, inverse, owed, averaged, squares, grown, moved
    cdef double old, rest, sign, new
    cdef real *lane
    cdef double *credit
    cdef double *mean
    for l in range(K):
        scale[l], owed[l], averaged[l] = state[SCALE * K + l], state[OWED * K + l], state[AVERAGED * K + l]
        inverse[l] = 0 if can_wait and state[L2 * K + l] == 0 else 1 / scale[l]
        squares[l], grown[l] = 0, 0
    for k in range(n):
        lane = w + K * column(ix, k)
        credit = paid + K * column(ix, k)
        for l in range(K):
            old = lane[l]
            sign = copysign(1, old)
            rest = fabs(old) - (owed[l] + sign * credit[l]) * inverse[l]
            rest = fabs(old) if fabs(old) < rest else rest  # rounding may have it that too much was paid
            rest = 0 if rest < 0 else rest
            lane[l] = <real> (sign * rest + 0.0)
            new = lane[l]
            moved[l] = new - old
            squares[l] += new * new - old * old
            grown[l] += fabs(new) - fabs(old)
        for l in range(K):
            credit[l] += scale[l] * moved[l]
        if averages != NULL:
            mean = averages + K * column(ix, k)
            for l in range(K):
                mean[l] -= averaged[l] * moved[l]
    for l in range(K):
        state[SQUARES * K + l] += squares[l]
        state[ABSOLUTES * K + l] += grown[l]
