"""One row against the weights of a block of lanes: fetch it, multiply it, add it; and the types that this takes.

Every loop over lanes has a length that the compiler knows, so it becomes a few vector instructions; every sum over a row's features has a
fixed number of partial sums, so that its bits do not depend on the processor or on the other lanes.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t

cdef extern from *:
    """
    /* gcc takes a function that does nothing but prefetch for one that does nothing, and drops it; an empty asm is something. Rows are
       asked into the second cache: the first can wait for few lines at a time, and asking for one more stops everything. */
    static inline void PREFETCH(const void *address) { __builtin_prefetch(address, 0, 2); __asm__ volatile(""); }
    /* First and last line without a branch: whether a short row lies in one line or in two is a coin toss. */
    static inline void FETCH(const void *low, const void *high) {
        const char *last = (const char *) high - 1;
        PREFETCH(low); PREFETCH(last);
        for (const char *line = (const char *) low + 64; line < last; line += 64) PREFETCH(line);
    }
    /* In a loop this keeps gcc from vectorising it. */
    static inline void SCALAR(void) { __asm__ volatile(""); }
    """
    void FETCH(const void *low, const void *high) noexcept nogil
    void PREFETCH(const void *address) noexcept nogil
    void SCALAR() noexcept nogil

cdef extern from "_dense_pass.h":
    bint HAS_WIDE_PASS
    void WIDE_PASS(
        Py_ssize_t n_groups, const float *old, const float *step, const float *x, const float *coming, float *w, float *out
    ) noexcept nogil

cdef enum:
    MOST = 16  # lanes in a block
    DENSE_SUMS = 16
    LINE = 64  # bytes
    NEAR = 4  # rows ahead whose values are fetched
    FAR = 16  # rows ahead whose place, target and weight are fetched
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

# What a pass over the weights does, as a type for the same reason.
cdef struct Multiply:
    char nothing
cdef struct AddAndMultiply:
    char nothing
ctypedef fused work:
    Multiply
    AddAndMultiply

cdef struct Slice:
    # the rows, and the order in which to see them
    Py_ssize_t n, first, ahead, n_features, row_stride  # `order` names `ahead` rows, beyond the slice too: they come next
    const int64_t *order
    const void *data
    const void *indices
    const void *indptr
    Py_ssize_t stored  # values of sparse rows that there are in all
    const void *squares  # NULL: rows are so short that their norms are computed at each step
    # for each row of the data, or with `code` for each class of rows
    const void *targets  # or where predictions go
    bint decides_in_double
    const uint8_t *code
    const double *weights
    Py_ssize_t targets_stride, targets_lanes, weights_stride, weights_lanes
    bint targets_by_step, weights_by_step  # the table has a row for each step of the slice, not for each row of the data
    # for each row of the slice
    const double *rates
    Py_ssize_t rates_stride
    # the lanes
    void *w
    double *paid
    double *averages
    double *state
    const void *hyper
    void *loss  # of a row in all lanes, with its slope
    void *slope  # of a row in one lane, the slope alone
    void *losses  # of `MOST` rows in one lane
    # the same for all lanes
    Py_ssize_t n_lanes, n_outputs  # without those that pad the block; how many of them side by side are one softmax
    Rate rate
    bint signed_by_target, fit_intercept
    bint all_wait  # no lane has L2 beside L1: what weights owe after an update waits until a row touches them again
    double intercept_decay, least_scale, t
    Py_ssize_t average


cdef inline Py_ssize_t column(const index *ix, Py_ssize_t k) noexcept nogil:
    if index is int32_t or index is int64_t:
        return ix[k]
    else:
        return k


cdef inline void fetch(Slice *s, Py_ssize_t r, const real *real_, const index *index_, block *lanes_) noexcept nogil:
    """Ask for the memory that coming rows need, each a while before it is used: their place and target, their values, their penalties.

    Not for weights, which `dot_sparse` asks for, and not for the values of dense rows: `pass_dense` does.
    """
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef const index *indptr = <const index *> s.indptr
    cdef const index *indices = <const index *> s.indices
    cdef const real *data = <const real *> s.data
    cdef Py_ssize_t i, k, low, high
    if r + FAR < s.ahead:
        i = s.order[r + FAR]
        if index is int32_t or index is int64_t:
            PREFETCH(&indptr[i])
        if s.code != NULL:
            PREFETCH(s.code + i)
        else:
            PREFETCH(<const real *> s.targets + i * s.targets_stride)
        if s.squares != NULL:
            PREFETCH(<const real *> s.squares + i)
        if s.weights != NULL:
            PREFETCH(s.weights + i * s.weights_stride)
    if index is schar:
        return
    if r + NEAR < s.ahead:
        i = s.order[r + NEAR]
        low = indptr[i]
        high = min(<Py_ssize_t> indptr[i + 1], low + MOST_FETCHED)
        FETCH(data + low, data + high)
        FETCH(indices + low, indices + high)
    if s.paid != NULL and K * sizeof(real) >= LINE // 2 and r + 1 < s.ahead:
        i = s.order[r + 1]
        low = indptr[i]
        high = min(<Py_ssize_t> indptr[i + 1], low + MOST_FETCHED)
        for k in range(low, high):
            FETCH(s.paid + K * <Py_ssize_t> indices[k], s.paid + K * (<Py_ssize_t> indices[k] + 1))


cdef inline void ask(Py_ssize_t column, const real *w, Py_ssize_t stride, block *lanes_) noexcept nogil:
    """Ask for the weights of a feature."""
    cdef const char *lane = <const char *> (w + stride * column)
    PREFETCH(lane)
    if sizeof(lanes_[0]) * sizeof(real) > LINE:
        PREFETCH(lane + LINE)


cdef inline void multiply(real x, const real *lane, real *sums, block *lanes_) noexcept nogil:
    cdef Py_ssize_t l
    for l in range(<Py_ssize_t> sizeof(lanes_[0])):
        sums[l] += x * lane[l]


cdef inline real dot_one(Py_ssize_t n, const real *x, const index *ix, const real *w, Py_ssize_t stride) noexcept nogil:
    """`dot_sparse` for one lane, whose weights are near anyway: numbers, which as vectors would be mostly shuffling."""
    cdef real a = 0, b = 0, c = 0, d = 0
    cdef Py_ssize_t k, whole = n - n % 4
    for k in range(0, whole, 4):
        SCALAR()
        a += x[k] * w[stride * <Py_ssize_t> ix[k]]
        b += x[k + 1] * w[stride * <Py_ssize_t> ix[k + 1]]
        c += x[k + 2] * w[stride * <Py_ssize_t> ix[k + 2]]
        d += x[k + 3] * w[stride * <Py_ssize_t> ix[k + 3]]
    if whole < n:
        a += x[whole] * w[stride * <Py_ssize_t> ix[whole]]
    if whole + 1 < n:
        b += x[whole + 1] * w[stride * <Py_ssize_t> ix[whole + 1]]
    if whole + 2 < n:
        c += x[whole + 2] * w[stride * <Py_ssize_t> ix[whole + 2]]
    return (a + c) + (b + d)


cdef inline void dot_sparse(
    Py_ssize_t n, const real *x, const index *ix, const real *w, Py_ssize_t stride, const index *coming, Py_ssize_t n_coming, real *out,
    block *lanes_,
) noexcept nogil:
    """Multiply a row with the weights of each lane, those of a feature `stride` after the last one's.

    Four partial sums hide the latency of an addition. Meanwhile the weights of the features `coming` next are asked for, a few at a time:
    many at once would stop everything.
    """
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef real[MOST] a, b, c, d
    cdef Py_ssize_t k, l, whole = n - n % 4, beside = 0
    if block is One:
        out[0] = dot_one(n, x, ix, w, stride)
        return
    if K * sizeof(real) >= LINE // 2:
        beside = min(whole, n_coming - n_coming % 4)
    for l in range(K):
        a[l] = 0
    for l in range(K):
        b[l] = 0
    for l in range(K):
        c[l] = 0
    for l in range(K):
        d[l] = 0
    for k in range(0, whole, 4):
        if k < beside:
            ask(coming[k], w, stride, lanes_)
            ask(coming[k + 1], w, stride, lanes_)
            ask(coming[k + 2], w, stride, lanes_)
            ask(coming[k + 3], w, stride, lanes_)
        multiply(x[k], w + stride * <Py_ssize_t> ix[k], a, lanes_)
        multiply(x[k + 1], w + stride * <Py_ssize_t> ix[k + 1], b, lanes_)
        multiply(x[k + 2], w + stride * <Py_ssize_t> ix[k + 2], c, lanes_)
        multiply(x[k + 3], w + stride * <Py_ssize_t> ix[k + 3], d, lanes_)
    if whole < n:
        multiply(x[whole], w + stride * <Py_ssize_t> ix[whole], a, lanes_)
    if whole + 1 < n:
        multiply(x[whole + 1], w + stride * <Py_ssize_t> ix[whole + 1], b, lanes_)
    if whole + 2 < n:
        multiply(x[whole + 2], w + stride * <Py_ssize_t> ix[whole + 2], c, lanes_)
    if K * sizeof(real) >= LINE // 2:
        for k in range(beside, n_coming):
            ask(coming[k], w, stride, lanes_)
    for l in range(K):
        out[l] = (a[l] + c[l]) + (b[l] + d[l])


cdef inline void fold(real *sums, Py_ssize_t width) noexcept nogil:
    """Add up partial sums, `width` of each, in a tree: the result is in the first."""
    cdef Py_ssize_t half = DENSE_SUMS, l
    while half > 1:
        half = half // 2
        for l in range(half * width):
            sums[l] += sums[half * width + l]


cdef inline void pass_one(
    Py_ssize_t n, const real *old, real step, const real *x, const real *coming, real *w, real *out, work *work_
) noexcept nogil:
    """`pass_dense` for one lane: sixteen partial sums fill a vector."""
    cdef real[DENSE_SUMS] sums, new
    cdef Py_ssize_t k, m, p, whole = n - n % DENSE_SUMS
    for p in range(DENSE_SUMS):
        sums[p] = 0
    for m in range(n // DENSE_SUMS):
        k = m * DENSE_SUMS
        PREFETCH(coming + k)
        if work is AddAndMultiply:
            for p in range(DENSE_SUMS):
                new[p] = w[k + p] + old[k + p] * step
            for p in range(DENSE_SUMS):
                w[k + p] = new[p]
            for p in range(DENSE_SUMS):
                sums[p] += x[k + p] * new[p]
        else:
            for p in range(DENSE_SUMS):
                sums[p] += x[k + p] * w[k + p]
    for k in range(whole, n):
        if work is AddAndMultiply:
            w[k] += old[k] * step
        sums[k - whole] += x[k] * w[k]
    fold(sums, 1)
    out[0] = sums[0]


cdef inline void pass_feature(
    Py_ssize_t k, const real *old, const real *step, const real *x, real *w, real *sums, block *lanes_, work *work_
) noexcept nogil:
    """`pass_dense` for one feature."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef Py_ssize_t l
    cdef real *lane = w + K * k
    cdef real new, value = x[k], other
    if work is AddAndMultiply:
        other = old[k]
        for l in range(K):
            new = lane[l] + other * step[l]
            lane[l] = new
            sums[l] += value * new
    else:
        for l in range(K):
            sums[l] += value * lane[l]


cdef inline void pass_dense(
    Py_ssize_t n, const real *old, const real *step, const real *x, const real *coming, real *w, real *out, block *lanes_,
    work *work_,
) noexcept nogil:
    """Multiply a dense row with the weights of each lane; before that, in the same pass over them, add a multiple of another row.

    `coming` is the row after the next: it is asked for a line at a time, because many at once would stop everything. There are sixteen
    partial sums, the k-th over the features k, k + 16, ..., so that one lane fills a vector. Of many lanes each partial sum is a vector:
    four at a time stay in registers.
    """
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef real[DENSE_SUMS * MOST] sums
    cdef real[MOST] own, a, b, c, d
    cdef Py_ssize_t k, m, p, l, whole = n - n % DENSE_SUMS
    if block is One:
        pass_one(n, old, step[0], x, coming, w, out, work_)
        return
    for l in range(K):
        own[l] = step[l]
    if block is Sixteen and real is float and work is AddAndMultiply:
        if HAS_WIDE_PASS:
            WIDE_PASS(n // DENSE_SUMS, old, own, x, coming, w, sums)
            for k in range(whole, n):
                pass_feature(k, old, own, x, w, sums + K * (k - whole), lanes_, work_)
            fold(sums, K)
            for l in range(K):
                out[l] = sums[l]
            return
    for p in range(0, DENSE_SUMS, 4):
        for l in range(K):
            a[l] = 0
        for l in range(K):
            b[l] = 0
        for l in range(K):
            c[l] = 0
        for l in range(K):
            d[l] = 0
        for m in range(n // DENSE_SUMS):
            k = m * DENSE_SUMS + p
            if p == 0:
                PREFETCH(coming + k)
            pass_feature(k, old, own, x, w, a, lanes_, work_)
            pass_feature(k + 1, old, own, x, w, b, lanes_, work_)
            pass_feature(k + 2, old, own, x, w, c, lanes_, work_)
            pass_feature(k + 3, old, own, x, w, d, lanes_, work_)
        if whole + p < n:
            pass_feature(whole + p, old, own, x, w, a, lanes_, work_)
        if whole + p + 1 < n:
            pass_feature(whole + p + 1, old, own, x, w, b, lanes_, work_)
        if whole + p + 2 < n:
            pass_feature(whole + p + 2, old, own, x, w, c, lanes_, work_)
        if whole + p + 3 < n:
            pass_feature(whole + p + 3, old, own, x, w, d, lanes_, work_)
        for l in range(K):
            sums[p * K + l] = a[l]
        for l in range(K):
            sums[(p + 1) * K + l] = b[l]
        for l in range(K):
            sums[(p + 2) * K + l] = c[l]
        for l in range(K):
            sums[(p + 3) * K + l] = d[l]
    fold(sums, K)
    for l in range(K):
        out[l] = sums[l]


cdef inline void dot(
    Py_ssize_t n, const real *x, const index *ix, const real *w, const index *coming, Py_ssize_t n_coming, real *out, block *lanes_
) noexcept nogil:
    if index is int32_t or index is int64_t:
        dot_sparse(n, x, ix, w, sizeof(lanes_[0]), coming, n_coming, out, lanes_)
    else:
        pass_dense(n, x, out, x, x, <real *> w, out, lanes_, <Multiply *> NULL)


cdef inline double square_norm(Py_ssize_t n, const real *x) noexcept nogil:
    cdef real a = 0, b = 0, c = 0, d = 0
    cdef Py_ssize_t k, whole = n - n % 4
    for k in range(0, whole, 4):
        SCALAR()  # most rows are short, and partial sums of vectors would have to be taken apart
        a += x[k] * x[k]
        b += x[k + 1] * x[k + 1]
        c += x[k + 2] * x[k + 2]
        d += x[k + 3] * x[k + 3]
    if whole < n:
        a += x[whole] * x[whole]
    if whole + 1 < n:
        b += x[whole + 1] * x[whole + 1]
    if whole + 2 < n:
        c += x[whole + 2] * x[whole + 2]
    return (a + c) + (b + d)


cdef inline void add(
    Py_ssize_t n, const real *x, const index *ix, real *w, Py_ssize_t stride, const real *step, block *lanes_
) noexcept nogil:
    """Add a multiple of a row to the weights of each lane, or to a gradient, those of a feature `stride` after the last one's."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef real[MOST] own  # the compiler sees that writing weights cannot change it
    cdef real value
    cdef Py_ssize_t k, l
    cdef real *lane
    for l in range(K):
        own[l] = step[l]
    for k in range(n):
        lane = w + stride * column(ix, k)
        value = x[k]
        for l in range(K):
            lane[l] += value * own[l]
