"""What a batch fetches ahead, and the norms of what it touches."""
from libc.math cimport fabs, isfinite, sqrt
from libc.stdint cimport int64_t

from fastgd._kernels.batch_state cimport (
    ABSOLUTES, BIAS, CLIP, CLIPPED, GRADIENT, PARTS, SCALE, SQUARES, WIDEST, Batch, row_of, scalars_of,
)
from fastgd._kernels.lane_rows cimport FAR, FETCH, MOST_FETCHED, NEAR, PREFETCH, block, index, real


cdef inline void fetch(Batch *s, Py_ssize_t r, const real *real_, const index *index_) noexcept nogil:
    """Ask for the memory that the rows after row `r` of the call need, each a while before it is used; as in lane_rows.pxd."""
    cdef const index *indptr = <const index *> s.indptr
    cdef const index *indices = <const index *> s.indices
    cdef const real *data = <const real *> s.data
    cdef Py_ssize_t k, low, high
    if r + FAR < s.n:
        PREFETCH(&indptr[s.order[r + FAR]])
    if r + NEAR < s.n:
        low = indptr[s.order[r + NEAR]]
        high = min(<Py_ssize_t> indptr[s.order[r + NEAR] + 1], low + MOST_FETCHED)
        FETCH(data + low, data + high)
        FETCH(indices + low, indices + high)
    if r + 1 < s.n:
        low = indptr[s.order[r + 1]]
        high = min(<Py_ssize_t> indptr[s.order[r + 1] + 1], low + MOST_FETCHED)
        for k in range(low, high):
            PREFETCH(<const real *> s.arrays[0] + s.stride * <Py_ssize_t> indices[k])
            if s.learning:
                PREFETCH(s.seen + indices[k])


cdef inline void square_sums(
    Py_ssize_t n, const int64_t *which, const real *values, Py_ssize_t stride, double *out, block *lanes_
) noexcept nogil:
    """Sum the squares of a tile's features, of those in `which` or of all, in float64."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef double[PARTS * WIDEST] sums
    cdef const real *lane
    cdef Py_ssize_t i, p, l, half = PARTS
    for l in range(PARTS * K):
        sums[l] = 0
    if which == NULL and stride == K:
        for i in range(n // PARTS):
            lane = values + i * PARTS * K
            for l in range(PARTS * K):
                sums[l] += <double> lane[l] * lane[l]
        lane = values + n // PARTS * PARTS * K
        for l in range(n % PARTS * K):
            sums[l] += <double> lane[l] * lane[l]
    else:
        for i in range(n):
            lane = values + stride * (i if which == NULL else which[i])
            p = i % PARTS
            for l in range(K):
                sums[p * K + l] += <double> lane[l] * lane[l]
    while half > 1:
        half = half // 2
        for l in range(half * K):
            sums[l] += sums[half * K + l]
    for l in range(K):
        out[l] = sums[l]


cdef inline Py_ssize_t n_updated(Batch *s) noexcept nogil:
    """Return how many features the batch updates: all of dense rows."""
    return s.n_features if s.touched == NULL else s.n_touched


cdef inline void measure_norms(Batch *s, const real *real_, block *lanes_) noexcept nogil:
    """Find the norm of each lane's gradient, of a model's lanes together, and from it the scale that clips."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef Py_ssize_t tile, l, first, model
    cdef double *state = s.state
    cdef double[WIDEST] squares
    cdef double norm, total
    for tile in range(s.n_tiles):
        square_sums(n_updated(s), s.touched, row_of(s, 1, 0, tile, real_, lanes_), s.stride, squares, lanes_)
        for l in range(min(K, s.lanes - tile * K)):
            total = state[BIAS * s.stride + tile * K + l] if s.fit_intercept else 0
            state[BIAS * s.stride + tile * K + l] = total
            s.norms[tile * K + l] = squares[l] + total * total
    for model in range(s.lanes // s.n_outputs):
        first, total = model * s.n_outputs, 0
        for l in range(first, first + s.n_outputs):
            total += s.norms[l]
        norm = sqrt(total)
        for l in range(first, first + s.n_outputs):
            state[GRADIENT * s.stride + l] += norm
            total = 1
            if norm > state[CLIP * s.stride + l]:
                total = state[CLIP * s.stride + l] / norm
                state[CLIPPED * s.stride + l] += 1
            # a rule takes what is not finite for 0; a lane that has diverged shall say so
            scalars_of(s, s.now, l // K, real_, lanes_)[SCALE * K + l % K] = <real> (total if isfinite(norm) else norm - norm)


cdef inline void count_size(Batch *s, Py_ssize_t feature, double sign, const real *real_, block *lanes_) noexcept nogil:
    """Add a feature to the sums of the weights' squares and sizes, or with a sign of -1 take it from them."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef Py_ssize_t tile, l
    cdef const real *w
    cdef double *squares
    cdef double *sizes
    for tile in range(s.n_tiles):
        w = row_of(s, 0, feature, tile, real_, lanes_)
        squares, sizes = s.state + SQUARES * s.stride + tile * K, s.state + ABSOLUTES * s.stride + tile * K
        for l in range(K):
            squares[l] += sign * (<double> w[l] * w[l])
        for l in range(K):
            sizes[l] += sign * fabs(w[l])


cdef inline void weigh(Batch *s, const real *real_, block *lanes_) noexcept nogil:
    """Sum squares of all weights afresh, and their sizes where L1 asks for them."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef Py_ssize_t tile, k, l
    cdef const real *w
    cdef double *sizes
    for tile in range(s.n_tiles):
        w = row_of(s, 0, 0, tile, real_, lanes_)
        square_sums(s.n_features, NULL, w, s.stride, s.state + SQUARES * s.stride + tile * K, lanes_)
        sizes = s.state + ABSOLUTES * s.stride + tile * K
        for l in range(K):
            sizes[l] = 0
        if s.has_l1:
            for k in range(s.n_features):
                for l in range(K):
                    sizes[l] += fabs(w[k * s.stride + l])
