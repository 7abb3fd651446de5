"""One row against the weights of a block of lanes: fetch it, multiply it, add it; and the types that this takes.

Every loop over lanes has a length that the compiler knows, so it becomes a few vector instructions; every sum over a row's features has a
fixed number of partial sums, so that its bits do not depend on the processor or on the other lanes.
"""
from libc.stdint cimport int32_t, int64_t

cdef extern from *:
    """
    /* gcc takes a function that does nothing but prefetch for one that does nothing, and drops it; an empty asm is something. */
    static inline void PREFETCH(const void *address) { __builtin_prefetch(address, 1, 3); __asm__ volatile(""); }
    static inline void FETCH(const void *low, const void *high) {
        for (const char *line = (const char *)((size_t) low & ~(size_t) 63); line < (const char *) high; line += 64) PREFETCH(line);
    }
    """
    void FETCH(const void *low, const void *high) noexcept nogil
    void PREFETCH(const void *address) noexcept nogil

cdef enum:
    MOST = 16  # lanes in a block
    DENSE_SUMS = 16
    LINE = 64  # bytes
    NEAR = 4  # rows ahead whose values are fetched
    FAR = 16  # rows ahead whose place is fetched
    MOST_FETCHED = 1024  # stored values of a row: the processor itself goes on, and the nearer caches are small

cdef enum Field:
    SCALE, INTERCEPT, L2, L1, DRIFT, OWED, SQUARES, ABSOLUTES, AVERAGED, DIVISOR, MEAN_INTERCEPT, LOSS,
    WEIGHTED_LOSS, WEIGHT, PENALTY, GRADIENT, FIELDS

cdef enum Rate:
    GIVEN, PA1, PA2

# A number of lanes as a type: `sizeof` tells it to the compiler.
cdef struct One:
    char lane[1]
cdef struct Four:
    char lane[4]
cdef struct Eight:
    char lane[8]
cdef struct Sixteen:
    char lane[16]

ctypedef signed char schar
ctypedef fused real:
    float
    double
ctypedef fused index:
    int32_t
    int64_t
    schar  # no indices: the row is dense
ctypedef fused block:
    One
    Four
    Eight
    Sixteen

cdef struct Slice:
    # the rows, and the order in which to see them
    Py_ssize_t n, n_features, row_stride
    const int64_t *order
    const void *data
    const void *indices
    const void *indptr
    const double *squares
    # for each row of the slice, in that order
    const void *targets
    const double *weights
    const double *rates
    Py_ssize_t targets_lanes, weights_lanes, rates_stride
    # the lanes
    void *w
    double *paid
    double *averages
    double *state
    const void *hyper
    void *loss
    # the same for all lanes
    Rate rate
    bint signed_by_target, fit_intercept
    double intercept_decay, least_scale, t
    Py_ssize_t average


cdef inline Py_ssize_t column(const index *ix, Py_ssize_t k) noexcept nogil:
    if index is int32_t or index is int64_t:
        return ix[k]
    else:
        return k


cdef inline void fetch(Slice *s, Py_ssize_t r, const real *real_, const index *index_, block *lanes_) noexcept nogil:
    """Ask for the memory that coming rows need: where a row lies, its values, its weights, each a while before it is used."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef const index *indptr = <const index *> s.indptr
    cdef const index *indices = <const index *> s.indices
    cdef const real *data = <const real *> s.data
    cdef const real *w = <const real *> s.w
    cdef Py_ssize_t k, low, high
    if r + FAR < s.n:
        PREFETCH(&indptr[s.order[r + FAR]])
    if r + NEAR < s.n:
        low = indptr[s.order[r + NEAR]]
        high = min(<Py_ssize_t> indptr[s.order[r + NEAR] + 1], low + MOST_FETCHED)
        FETCH(data + low, data + high)
        FETCH(indices + low, indices + high)
    if K * sizeof(real) >= LINE // 2 and r + 1 < s.n:
        low = indptr[s.order[r + 1]]
        high = min(<Py_ssize_t> indptr[s.order[r + 1] + 1], low + MOST_FETCHED)
        for k in range(low, high):
            PREFETCH(w + K * <Py_ssize_t> indices[k])
            if K * sizeof(real) > LINE:
                PREFETCH(<const char *> (w + K * <Py_ssize_t> indices[k]) + LINE)
            if s.paid != NULL:
                FETCH(s.paid + K * <Py_ssize_t> indices[k], s.paid + K * (<Py_ssize_t> indices[k] + 1))


cdef inline void multiply(real x, const real *lane, real *sums, block *lanes_) noexcept nogil:
    cdef Py_ssize_t l
    for l in range(<Py_ssize_t> sizeof(lanes_[0])):
        sums[l] += x * lane[l]


cdef inline void dot_sparse(Py_ssize_t n, const real *x, const index *ix, const real *w, real *out, block *lanes_) noexcept nogil:
    """Multiply a row with the weights of each lane; four partial sums hide the latency of an addition."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef real[MOST] a, b, c, d
    cdef Py_ssize_t k, l, whole = n - n % 4
    for l in range(K):
        a[l] = 0
    for l in range(K):
        b[l] = 0
    for l in range(K):
        c[l] = 0
    for l in range(K):
        d[l] = 0
    for k in range(0, whole, 4):
        multiply(x[k], w + K * <Py_ssize_t> ix[k], a, lanes_)
        multiply(x[k + 1], w + K * <Py_ssize_t> ix[k + 1], b, lanes_)
        multiply(x[k + 2], w + K * <Py_ssize_t> ix[k + 2], c, lanes_)
        multiply(x[k + 3], w + K * <Py_ssize_t> ix[k + 3], d, lanes_)
    if whole < n:
        multiply(x[whole], w + K * <Py_ssize_t> ix[whole], a, lanes_)
    if whole + 1 < n:
        multiply(x[whole + 1], w + K * <Py_ssize_t> ix[whole + 1], b, lanes_)
    if whole + 2 < n:
        multiply(x[whole + 2], w + K * <Py_ssize_t> ix[whole + 2], c, lanes_)
    for l in range(K):
        out[l] = (a[l] + c[l]) + (b[l] + d[l])


cdef inline void dot_dense(Py_ssize_t n, const real *x, const real *w, real *out, block *lanes_) noexcept nogil:
    """The same for a row without indices; sixteen partial sums fill a vector where there is one lane."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef real[DENSE_SUMS * MOST] sums
    cdef Py_ssize_t k, m, p, l, whole = n - n % DENSE_SUMS, half = DENSE_SUMS
    for l in range(DENSE_SUMS * K):
        sums[l] = 0
    for m in range(n // DENSE_SUMS):
        for p in range(DENSE_SUMS):
            k = m * DENSE_SUMS + p
            for l in range(K):
                sums[p * K + l] += x[k] * w[k * K + l]
    for k in range(whole, n):
        for l in range(K):
            sums[(k - whole) * K + l] += x[k] * w[k * K + l]
    while half > 1:
        half = half // 2
        for l in range(half * K):
            sums[l] += sums[half * K + l]
    for l in range(K):
        out[l] = sums[l]


cdef inline void dot(Py_ssize_t n, const real *x, const index *ix, const real *w, real *out, block *lanes_) noexcept nogil:
    if index is int32_t or index is int64_t:
        dot_sparse(n, x, ix, w, out, lanes_)
    else:
        dot_dense(n, x, w, out, lanes_)


cdef inline double square_norm(Py_ssize_t n, const real *x) noexcept nogil:
    cdef real[DENSE_SUMS] sums
    cdef Py_ssize_t k, m, p, half = DENSE_SUMS, whole = n - n % DENSE_SUMS
    for p in range(DENSE_SUMS):
        sums[p] = 0
    for m in range(n // DENSE_SUMS):
        for p in range(DENSE_SUMS):
            sums[p] += x[m * DENSE_SUMS + p] * x[m * DENSE_SUMS + p]
    for k in range(whole, n):
        sums[k - whole] += x[k] * x[k]
    while half > 1:
        half = half // 2
        for p in range(half):
            sums[p] += sums[half + p]
    return sums[0]


cdef inline void add(Py_ssize_t n, const real *x, const index *ix, real *w, const real *step, block *lanes_) noexcept nogil:
    """Add a multiple of a row to the weights of each lane."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef real[MOST] own  # the compiler sees that writing weights cannot change it
    cdef real value
    cdef Py_ssize_t k, l
    cdef real *lane
    for l in range(K):
        own[l] = step[l]
    for k in range(n):
        lane = w + K * column(ix, k)
        value = x[k]
        for l in range(K):
            lane[l] += value * own[l]
