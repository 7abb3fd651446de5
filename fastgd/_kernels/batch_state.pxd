"""What a mini-batch step works on: the rows, the lanes, and the tables of what each step does."""
from libc.stdint cimport int64_t

from fastgd._kernels.lane_rows cimport block, real

cdef extern from "_tiles.h":
    ctypedef void (*tile_forward)(
        Py_ssize_t n, Py_ssize_t n_features, const void *const *x, const void *w, Py_ssize_t stride, void *z
    ) noexcept nogil
    ctypedef void (*tile_backward)(
        Py_ssize_t n, Py_ssize_t low, Py_ssize_t high, const void *const *x, const void *slope, Py_ssize_t stride, void *g
    ) noexcept nogil
    tile_forward forward_of(int is_double, int lanes) noexcept nogil
    tile_backward backward_of(int is_double, int lanes) noexcept nogil

cdef enum:
    WIDEST = 16  # lanes in a tile
    MOST_STATES = 8
    MOST_SCALARS = 32
    PARTS = 8  # partial sums of a norm

# Numbers per lane, float64; those from LOSS on are sums over a call of `epoch`.
cdef enum Field:
    L2, L1, DRIFT, CLIP, MEAN_WEIGHT, SQUARES, ABSOLUTES, BIAS, LOSS, WEIGHTED_LOSS, WEIGHT, PENALTY, GRADIENT, CLIPPED, FIELDS

# The first scalars of a rule in lanes; see emit.py.
cdef enum Scalar:
    SCALE, LIMIT, SHARE, THRESHOLD, HYPER

# A feature's history of penalties, as one map |w| -> max(0, factor * |w| - debt); see batch_lazy.pxd.
cdef enum History:
    MANTISSA, EXPONENT, DEBT, HISTORY

ctypedef void (*lane_rule)(
    Py_ssize_t n, const int64_t *which, Py_ssize_t stride, Py_ssize_t advance, void **arrays, const void *scalars
) noexcept nogil

cdef struct Batch:
    # the rows; for each row of the call, in their order, its number, targets and weights
    Py_ssize_t n, n_features, row_stride, targets_columns, weights_columns
    const void *data
    const void *indices
    const void *indptr
    const int64_t *order
    const void *targets
    const double *weights
    # where in its batch the call is
    Py_ssize_t batch_size, batch_rows, filled, rows_left, chunk, steps
    double t
    int threads  # that share a chunk of dense rows
    # the lanes: weights, gradient and the rule's state, (n_features + 1, stride), the last row being the intercept's
    Py_ssize_t lanes, stride, n_tiles, n_outputs
    void *arrays[MOST_STATES + 2]
    int n_arrays
    double *averages
    double *state
    double *norms  # of the gradient, squared
    bint fit_intercept, penalised, has_l1, learning
    # the tables, of whose steps `now` is the next: (n_tiles, capacity, n_scalars, width), (capacity,), (capacity, stride)
    Py_ssize_t now, capacity, n_scalars
    void *scalars
    const double *shares
    const double *drifts
    const double *intercept_factors
    # sparse rows: how many steps of the tables each feature has seen; the features of this batch; how to catch up
    int64_t *seen
    int64_t *touched
    Py_ssize_t n_touched, head, tail
    double *history
    const double *fades
    const void *zeros
    # the loss, and for a chunk of rows: addresses, (chunk, stride) each of predictions, targets, values, slopes
    void *loss
    const void *hyper
    lane_rule rule
    tile_forward forward
    tile_backward backward
    const void **x
    void *z
    void *y
    void *value
    void *slope


cdef inline real *row_of(Batch *s, int array, Py_ssize_t feature, Py_ssize_t tile, const real *real_, block *lanes_) noexcept nogil:
    """Return the address of one feature's lanes of a tile: of array 0 the weights, 1 the gradient, from 2 on the rule's state."""
    return <real *> s.arrays[array] + feature * s.stride + tile * <Py_ssize_t> sizeof(lanes_[0])


cdef inline real *scalars_of(Batch *s, Py_ssize_t step, Py_ssize_t tile, const real *real_, block *lanes_) noexcept nogil:
    return <real *> s.scalars + (tile * s.capacity + step) * s.n_scalars * <Py_ssize_t> sizeof(lanes_[0])


cdef inline void apply_rule(
    Batch *s, Py_ssize_t n, const int64_t *which, Py_ssize_t stride, Py_ssize_t advance, Py_ssize_t feature, Py_ssize_t tile,
    const void *gradient, const real *scalars, block *lanes_
) noexcept nogil:
    """Run the rule on features from `feature` on; where `gradient` is not NULL, with that one for each of them."""
    cdef void *arrays[MOST_STATES + 2]
    cdef int a
    for a in range(s.n_arrays):
        arrays[a] = row_of(s, a, feature, tile, scalars, lanes_)
    if gradient != NULL:
        arrays[1] = <void *> gradient
    s.rule(n, which, stride, advance, arrays, scalars)
