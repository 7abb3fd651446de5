"""Predictions, slopes and gradient of a chunk of dense rows, whose products threads may share.

First each of them takes some rows, then each some features: a prediction and an element of the gradient are summed by one thread, in the
order that one thread alone sums them, so that no bit depends on how many there are.
"""
from fastgd._kernels._drive cimport run_pool
from fastgd._kernels.batch_losses cimport measure
from fastgd._kernels.batch_state cimport WIDEST, Batch
from fastgd._kernels.lane_rows cimport real

cdef enum:
    PIECES = 2  # of a product for each thread: one that comes late takes fewer

# The rows from `first` on of a call.
cdef struct Chunk:
    Batch *s
    Py_ssize_t first, n, pieces


cdef inline Py_ssize_t cut(Py_ssize_t n, Py_ssize_t k, Py_ssize_t pieces) noexcept nogil:
    """Return where piece `k` of `n` rows or features begins, for whole vectors of a loss or of features."""
    return n if k == pieces else n * k // pieces // WIDEST * WIDEST


cdef inline void predict_piece(const Chunk *c, Py_ssize_t k, const real *real_) noexcept nogil:
    cdef Batch *s = c.s
    cdef Py_ssize_t low = cut(c.n, k, c.pieces), high = cut(c.n, k + 1, c.pieces), r, tile
    for r in range(low, high):
        s.x[r] = <const real *> s.data + s.order[c.first + r] * s.row_stride
    for tile in range(s.n_tiles):
        s.forward(
            high - low, s.n_features, s.x + low, <const real *> s.arrays[0] + tile * WIDEST, s.stride,
            <real *> s.z + low * s.stride + tile * WIDEST,
        )
    measure(s, c.first, low, high, real_)


cdef inline void predict_float(void *chunk, Py_ssize_t k) noexcept nogil:
    predict_piece(<const Chunk *> chunk, k, <const float *> NULL)


cdef inline void predict_double(void *chunk, Py_ssize_t k) noexcept nogil:
    predict_piece(<const Chunk *> chunk, k, <const double *> NULL)


cdef inline void add_piece(const Chunk *c, Py_ssize_t k, const real *real_) noexcept nogil:
    cdef Batch *s = c.s
    cdef Py_ssize_t low = cut(s.n_features, k, c.pieces), high = cut(s.n_features, k + 1, c.pieces), tile
    for tile in range(s.n_tiles):
        s.backward(
            c.n, low, high, s.x, <const real *> s.slope + tile * WIDEST, s.stride, <real *> s.arrays[1] + tile * WIDEST
        )


cdef inline void add_float(void *chunk, Py_ssize_t k) noexcept nogil:
    add_piece(<const Chunk *> chunk, k, <const float *> NULL)


cdef inline void add_double(void *chunk, Py_ssize_t k) noexcept nogil:
    add_piece(<const Chunk *> chunk, k, <const double *> NULL)


cdef inline void predict_dense(Batch *s, Py_ssize_t first, Py_ssize_t n, const real *real_) noexcept nogil:
    """Set prediction, value and slope of each row of a chunk."""
    cdef Chunk c = Chunk(s, first, n, 1 if s.threads < 2 else PIECES * s.threads)
    run_pool(predict_float if real is float else predict_double, &c, c.pieces, s.threads, True)


cdef inline void add_dense(Batch *s, Py_ssize_t n, const real *real_) noexcept nogil:
    """Add what the chunk that `predict_dense` has seen contributes to the gradient."""
    cdef Chunk c = Chunk(s, 0, n, 1 if s.threads < 2 else PIECES * s.threads)
    run_pool(add_float if real is float else add_double, &c, c.pieces, s.threads, True)
