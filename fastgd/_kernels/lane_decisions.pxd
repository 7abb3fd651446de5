"""Raw predictions for sparse rows that nobody has checked: a few rows are looked at before their indices are followed."""
from libc.stdint cimport int32_t, int64_t

from fastgd._kernels.lane_rows cimport INTERCEPT, MOST, SCALE, One, Slice, block, dot, dot_one, index, real

cdef extern from *:
    r"""
    #include <stdint.h>
    /* Whether all of these features are there: of a negative number, and of `last` less one beyond it, the highest bit is set. And whether
       no row ends before it begins. Sixteen side by side, which the compiler makes a few vector instructions; four such, because what is
       found is kept in memory, which is waited for. */
    #define BEYOND(k) ((uint_) ix[k] | (most - (uint_) ix[k]))
    #define CHECKS(SIZE, SIGNED, UNSIGNED, TOP) \
    static inline int NAMED_##SIZE(Py_ssize_t n, const SIGNED *ix, Py_ssize_t last) { \
        typedef UNSIGNED uint_; \
        uint_ bits[16] = {0}, any = 0, most = (uint_)(last < TOP ? last : TOP); \
        Py_ssize_t k = 0; \
        for (; k + 64 <= n; k += 64) \
            for (int p = 0; p < 16; p++) bits[p] |= BEYOND(k + p) | BEYOND(k + p + 16) | BEYOND(k + p + 32) | BEYOND(k + p + 48); \
        for (; k < n; k++) any |= BEYOND(k); \
        for (int p = 0; p < 16; p++) any |= bits[p]; \
        return any <= (uint_) TOP; \
    } \
    static inline int ASCENDING_##SIZE(Py_ssize_t n, const SIGNED *begins) { \
        UNSIGNED falls[16] = {0}, any = 0; \
        Py_ssize_t k = 0; \
        for (; k + 16 <= n; k += 16) \
            for (int p = 0; p < 16; p++) falls[p] |= begins[k + p + 1] < begins[k + p]; \
        for (; k < n; k++) any |= begins[k + 1] < begins[k]; \
        for (int p = 0; p < 16; p++) any |= falls[p]; \
        return !any; \
    }
    CHECKS(32, int32_t, uint32_t, INT32_MAX)
    CHECKS(64, int64_t, uint64_t, INT64_MAX)
    /* What is read once is asked for past the second cache, where the weights are. Rows follow each other: a line that this leaves out at
       the end of one, the next one begins in. */
    static inline void ASK_ONCE(const void *low, const void *high) {
        const char *line = low;
        do { __builtin_prefetch(line, 0, 0); __asm__ volatile(""); line += 64; } while (line < (const char *) high);
    }
    """
    void ASK_ONCE(const void *low, const void *high) noexcept nogil
    bint NAMED_32(Py_ssize_t n, const int32_t *ix, Py_ssize_t last) noexcept nogil
    bint NAMED_64(Py_ssize_t n, const int64_t *ix, Py_ssize_t last) noexcept nogil
    bint ASCENDING_32(Py_ssize_t n, const int32_t *begins) noexcept nogil
    bint ASCENDING_64(Py_ssize_t n, const int64_t *begins) noexcept nogil

cdef enum:
    TOGETHER = 64  # rows that are looked at before any of them is multiplied
    NEAREST = 1024  # stored values of these rows, unless one alone has more: they and those asked for stay in the nearest cache


cdef inline bint sound(const Slice *s, Py_ssize_t first, Py_ssize_t last, const index *index_) noexcept nogil:
    """Say whether the sparse rows from `first` to `last` lie within the arrays and name features that there are."""
    cdef const index *begins = <const index *> s.indptr + first
    cdef const index *indices = <const index *> s.indices
    cdef Py_ssize_t n = last - first, low = begins[0], high = begins[n]
    if not 0 <= low <= high <= s.stored:
        return False
    if index is int32_t:
        return ASCENDING_32(n, begins) and NAMED_32(high - low, indices + low, s.n_features - 1)
    elif index is int64_t:
        return ASCENDING_64(n, begins) and NAMED_64(high - low, indices + low, s.n_features - 1)
    else:
        return True


cdef inline Py_ssize_t rows_together(const Slice *s, Py_ssize_t first, Py_ssize_t last, const index *index_) noexcept nogil:
    """Return how many rows from `first` on to look at."""
    cdef const index *begins = <const index *> s.indptr + first
    cdef Py_ssize_t n = min(<Py_ssize_t> TOGETHER, last - first)
    while n > 1 and <Py_ssize_t> begins[n] - begins[0] > NEAREST:
        n = n // 2
    return n


cdef inline void decide(Slice *s, const real *real_, const index *index_, block *lanes_) noexcept nogil:
    """Write the raw predictions for `n` rows from `first` on; `first` counts on, and stays at a row that is not sound."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef const index *indptr = <const index *> s.indptr
    cdef const index *indices = <const index *> s.indices
    cdef const real *data = <const real *> s.data
    cdef const real *w = <const real *> s.w
    cdef real[MOST] dots
    cdef real *out = <real *> s.targets
    cdef double *wide = <double *> s.targets if s.decides_in_double else NULL
    cdef Py_ssize_t place = s.first * s.targets_stride
    cdef Py_ssize_t i = s.first, last = s.first + s.n, good, ahead, low, high, n_coming, l
    cdef Py_ssize_t n_lanes = 1 if block is One else min(s.n_lanes, K)
    cdef double[MOST] scale, bias, scores
    for l in range(K):
        scale[l], bias[l] = s.state[SCALE * K + l], s.state[INTERCEPT * K + l]
    while i < last:
        good = i + rows_together(s, i, last, index_)
        if not sound(s, i, good, index_):
            good = i + 1  # of these, one by one up to the damaged row
            if not sound(s, i, good, index_):
                break
        low = indptr[i]
        ahead = indptr[good] - low
        while i < good:
            high = indptr[i + 1]
            n_coming = indptr[i + 2] - high if i + 1 < good else 0
            ASK_ONCE(indices + low + ahead, indices + high + ahead)
            ASK_ONCE(data + low + ahead, data + high + ahead)
            if block is One:
                dots[0] = dot_one(high - low, data + low, indices + low, w, 1)
            else:
                dot(high - low, data + low, indices + low, w, indices + high, n_coming, dots, lanes_)
            for l in range(K):
                scores[l] = scale[l] * dots[l] + bias[l]
            if wide != NULL:
                for l in range(n_lanes):
                    wide[place + l] = scores[l]
            else:
                for l in range(n_lanes):
                    out[place + l] = <real> scores[l]
            place += s.targets_stride
            low = high
            i += 1
    s.first = i
