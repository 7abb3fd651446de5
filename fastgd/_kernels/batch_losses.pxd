"""From predictions to slopes: the loss of every row and lane of a chunk, softmax among them, and their sums."""
from fastgd._kernels.batch_state cimport BIAS, L1, LOSS, MEAN_WEIGHT, WEIGHT, WEIGHTED_LOSS, WIDEST, Batch
from fastgd._kernels.lane_rows cimport real
from fastgd._kernels.lane_softmax cimport softmax

ctypedef void (*loss_float)(const float *, const float *, const float *, float *, float *) noexcept nogil
ctypedef void (*loss_double)(const double *, const double *, const double *, double *, double *) noexcept nogil


cdef inline void expand_targets(Batch *s, Py_ssize_t first, Py_ssize_t low, Py_ssize_t high, const real *real_) noexcept nogil:
    """Lay out the targets of some rows of a chunk as the predictions are."""
    cdef const real *targets = <const real *> s.targets + first * s.targets_columns
    cdef real *y = <real *> s.y
    cdef Py_ssize_t r, l
    for r in range(low, high):
        if s.targets_columns == 1:
            for l in range(s.lanes):
                y[r * s.stride + l] = targets[r]
        else:
            for l in range(s.lanes):
                y[r * s.stride + l] = targets[r * s.targets_columns + l]


cdef inline void weigh_slopes(Batch *s, Py_ssize_t first, Py_ssize_t low, Py_ssize_t high, const real *real_) noexcept nogil:
    """Limit the slopes of some rows of a chunk, and make each its share of the batch's mean."""
    cdef Py_ssize_t K = s.stride, r, l
    cdef real *slope
    cdef const double *weight
    cdef double g
    for r in range(low, high):
        slope = <real *> s.slope + r * K
        for l in range(s.lanes, K):
            slope[l] = 0
        if s.weights == NULL:
            for l in range(K):
                g = slope[l]
                g = -1e12 if g < -1e12 else (1e12 if g > 1e12 else g)
                slope[l] = <real> (g / s.batch_rows)
            continue
        weight = s.weights + (first + r) * s.weights_columns
        for l in range(s.lanes):
            g = slope[l]
            g = -1e12 if g < -1e12 else (1e12 if g > 1e12 else g)
            g = g * weight[0 if s.weights_columns == 1 else l]
            slope[l] = <real> (g / (s.batch_rows * s.state[MEAN_WEIGHT * K + l]))


cdef inline void measure(Batch *s, Py_ssize_t first, Py_ssize_t low, Py_ssize_t high, const real *real_) noexcept nogil:
    """Set value and slope of the rows from `low` to before `high` of the chunk that begins at row `first` of the call.

    `low` is a multiple of WIDEST, so that no vector has rows of two calls.
    """
    cdef real *z = <real *> s.z
    cdef real *y = <real *> s.y
    cdef real *value = <real *> s.value
    cdef real *slope = <real *> s.slope
    cdef const real *bias = <const real *> s.arrays[0] + s.n_features * s.stride
    cdef const real *hyper = <const real *> s.hyper
    cdef Py_ssize_t r, l, i
    for r in range(low, high):
        for l in range(s.stride):
            z[r * s.stride + l] += bias[l]
    if s.n_outputs > 1:
        for r in range(low, high):
            for l in range(s.lanes // s.n_outputs):
                i = r * s.stride + l * s.n_outputs
                softmax(s.n_outputs, z + i, <Py_ssize_t> (<const real *> s.targets)[first + r], value + i, slope + i)
    else:
        expand_targets(s, first, low, high, real_)
        for r in range(low * s.stride // WIDEST, (high * s.stride + WIDEST - 1) // WIDEST):
            i = r * WIDEST  # vectors full of rows: a lane's loss has the same bits in any place
            if real is float:
                (<loss_float> s.loss)(z + i, y + i, hyper + i % s.stride, value + i, slope + i)
            else:
                (<loss_double> s.loss)(z + i, y + i, hyper + i % s.stride, value + i, slope + i)
    weigh_slopes(s, first, low, high, real_)


cdef inline void add_up(Batch *s, Py_ssize_t first, Py_ssize_t n, const real *real_) noexcept nogil:
    """Add up what the call reports of a chunk, and the intercept's gradient, row by row."""
    cdef Py_ssize_t K = s.stride, r, l
    cdef const real *value
    cdef const real *slope
    cdef const double *weight
    cdef double *state = s.state
    for r in range(n):
        value, slope = <const real *> s.value + r * K, <const real *> s.slope + r * K
        for l in range(K):
            state[BIAS * K + l] += slope[l]
        for l in range(K):
            state[LOSS * K + l] += value[l]
        if s.weights != NULL:
            weight = s.weights + (first + r) * s.weights_columns
            for l in range(s.lanes):
                state[WEIGHTED_LOSS * K + l] += weight[0 if s.weights_columns == 1 else l] * value[l]
                state[WEIGHT * K + l] += weight[0 if s.weights_columns == 1 else l]
