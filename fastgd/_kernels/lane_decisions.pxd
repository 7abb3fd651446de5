"""Raw predictions for sparse rows that nobody has checked: each row is looked at before its indices are followed."""
from libc.stdint cimport int32_t, int64_t

from fastgd._kernels.lane_rows cimport INTERCEPT, LINE, MOST, PREFETCH, SCALE, Slice, block, dot, index, real

cdef extern from *:
    r"""
    #include <stdint.h>
    /* Whether all of these features are there: of a negative number, and of `last` less one beyond it, the highest bit is set. */
    #define NAMED(NAME, SIGNED, UNSIGNED, TOP) \
    static inline int NAME(Py_ssize_t n, const SIGNED *ix, Py_ssize_t last) { \
        UNSIGNED bits[16] = {0}, most = (UNSIGNED)(last < TOP ? last : TOP); \
        Py_ssize_t k = 0; \
        for (; k + 16 <= n; k += 16) \
            for (int p = 0; p < 16; p++) bits[p] |= (UNSIGNED) ix[k + p] | (most - (UNSIGNED) ix[k + p]); \
        for (; k < n; k++) bits[0] |= (UNSIGNED) ix[k] | (most - (UNSIGNED) ix[k]); \
        for (int p = 1; p < 16; p++) bits[0] |= bits[p]; \
        return bits[0] <= (UNSIGNED) TOP; \
    }
    NAMED(NAMED_32, int32_t, uint32_t, INT32_MAX)
    NAMED(NAMED_64, int64_t, uint64_t, INT64_MAX)
    """
    bint NAMED_32(Py_ssize_t n, const int32_t *ix, Py_ssize_t last) noexcept nogil
    bint NAMED_64(Py_ssize_t n, const int64_t *ix, Py_ssize_t last) noexcept nogil


cdef inline bint sound(const Slice *s, Py_ssize_t i, const index *index_) noexcept nogil:
    """Say whether the i-th sparse row lies within the arrays and names features that there are."""
    cdef const index *indptr = <const index *> s.indptr
    cdef const index *indices = <const index *> s.indices
    cdef Py_ssize_t low = indptr[i], high = indptr[i + 1]
    if not 0 <= low <= high <= s.stored:
        return False
    if index is int32_t:
        return NAMED_32(high - low, indices + low, s.n_features - 1)
    elif index is int64_t:
        return NAMED_64(high - low, indices + low, s.n_features - 1)
    else:
        return True


cdef inline void decide(Slice *s, const real *real_, const index *index_, block *lanes_) noexcept nogil:
    """Write the raw predictions for `n` rows from `first` on to `targets`; `first` counts on, and stays at a row that is not sound."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef const index *indptr = <const index *> s.indptr
    cdef const index *indices = <const index *> s.indices
    cdef const real *w = <const real *> s.w
    cdef real[MOST] dots
    cdef real *out
    cdef Py_ssize_t i = s.first, last = s.first + s.n, k, l
    cdef bint good = i < last and sound(s, i, index_)
    while good:
        good = i + 1 < last and sound(s, i + 1, index_)
        if good and K * sizeof(real) >= LINE // 2:  # the next row's weights
            for k in range(indptr[i + 1], indptr[i + 2]):
                PREFETCH(w + K * <Py_ssize_t> indices[k])
                if K * sizeof(real) > LINE:
                    PREFETCH(<const char *> (w + K * <Py_ssize_t> indices[k]) + LINE)
        dot(indptr[i + 1] - indptr[i], <const real *> s.data + indptr[i], indices + indptr[i], w, dots, lanes_)
        out = <real *> s.targets + i * s.targets_stride
        for l in range(min(s.n_lanes, K)):
            out[l] = <real> (s.state[SCALE * K + l] * dots[l] + s.state[INTERCEPT * K + l])
        i += 1
    s.first = i
