"""What a row's predictions say in each lane: loss, penalty, size of the gradient, and how far the predictions are to move."""
from libc.math cimport fabs, sqrt

from fastgd._kernels.lane_rows cimport (
    ABSOLUTES, DRIFT, GIVEN, GRADIENT, INTERCEPT, L1, L2, LOSS, MOST, PA1, PENALTY, SCALE, SQUARES, WEIGHT, WEIGHTED_LOSS, One, Slice,
    block, real,
)
from fastgd._kernels.lane_softmax cimport softmax_lanes

ctypedef void (*loss_float)(const float *, const float *, const float *, float *, float *) noexcept nogil
ctypedef void (*loss_double)(const double *, const double *, const double *, double *, double *) noexcept nogil
ctypedef float (*slope_float)(float, float, const float *) noexcept nogil
ctypedef double (*slope_double)(double, double, const double *) noexcept nogil


cdef inline void spread(const real *values, Py_ssize_t n, real *out, block *lanes_) noexcept nogil:
    """Copy a row of a table to a value for each lane: one for all, one each, or fewer and the rest 0."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef Py_ssize_t l
    if n == 1:
        for l in range(K):
            out[l] = values[0]
    elif n == K:
        for l in range(K):
            out[l] = values[l]
    else:
        for l in range(K):
            out[l] = 0
        for l in range(n):
            out[l] = values[l]


cdef inline double passive_aggressive(const Slice *s, double eta, double value, double square, double z, double y) noexcept nogil:
    """Return the step of Crammer et al. (2006): just far enough to correct the row, limited by the aggressiveness `eta`."""
    cdef double size = value / square if s.rate == PA1 else value / (square + 0.5 / eta)
    if s.rate == PA1 and size > eta:
        size = eta
    if s.signed_by_target:
        return size * y
    return -size if y < z else size


cdef inline void norms_of_models(const Slice *s, double *norm) noexcept nogil:
    """Replace the sizes of slopes by the norm of those of a model, in all its lanes."""
    cdef Py_ssize_t model, first, l
    cdef double total
    for model in range(s.n_lanes // s.n_outputs):
        first, total = model * s.n_outputs, 0
        for l in range(first, first + s.n_outputs):
            total += norm[l] * norm[l]
        for l in range(first, first + s.n_outputs):
            norm[l] = sqrt(total)


cdef inline void losses_and_slopes(
    const Slice *s, void *loss, const real *z, const real *y, real *value, real *slope, block *lanes_
) noexcept nogil:
    if s.n_outputs > 1:
        softmax_lanes(s.n_lanes // s.n_outputs, s.n_outputs, z, y, value, slope, lanes_)
    elif real is float:
        (<loss_float> loss)(z, y, <const real *> s.hyper, value, slope)
    else:
        (<loss_double> loss)(z, y, <const real *> s.hyper, value, slope)


cdef inline real slope_of_one(const Slice *s, real z, real y) noexcept nogil:
    if real is float:
        return (<slope_float> s.slope)(z, y, <const real *> s.hyper)
    else:
        return (<slope_double> s.slope)(z, y, <const real *> s.hyper)


cdef inline void add_losses(Slice *s, Py_ssize_t n, const real *value, const double *weight, block *lanes_) noexcept nogil:
    """Add up the losses of `n` rows, one row after the other."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef double *state = s.state
    cdef Py_ssize_t k, l
    for k in range(n):
        for l in range(K):
            state[LOSS * K + l] += value[k * K + l]
        if s.weights != NULL:
            for l in range(K):
                state[WEIGHTED_LOSS * K + l] += weight[k * K + l] * value[k * K + l]
                state[WEIGHT * K + l] += weight[k * K + l]


cdef inline void measure(
    Slice *s, Py_ssize_t i, Py_ssize_t r, const double *eta, double square, const real *dots, real *z, real *y, double *weight,
    double *change, block *lanes_,
) noexcept nogil:
    """Add up loss and penalty of each lane at row `i`, step `r` of the slice, and find how far its prediction is to move along it.

    Predictions, targets and weights stay in `z`, `y`, `weight`. The loss of one lane does not, as only the slope is waited for: see `run`.
    """
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef real[MOST] value, slope
    cdef double[MOST] norm
    cdef double *state = s.state
    cdef double scale, g, length = sqrt(square + s.fit_intercept)
    cdef Py_ssize_t l, known = r if s.targets_by_step else (i if s.code == NULL else s.code[i])
    spread(<const real *> s.targets + known * s.targets_stride, s.targets_lanes, y, lanes_)
    if s.weights != NULL:
        spread(s.weights + (r if s.weights_by_step else i) * s.weights_stride, s.weights_lanes, weight, lanes_)
    else:
        for l in range(K):
            weight[l] = 1
    for l in range(K):
        z[l] = <real> (state[SCALE * K + l] * dots[l] + state[INTERCEPT * K + l])
    if block is One and s.rate == GIVEN:
        slope[0] = slope_of_one(s, z[0], y[0])
    else:
        losses_and_slopes(s, s.loss, z, y, value, slope, lanes_)
        add_losses(s, 1, value, weight, lanes_)
    for l in range(K):
        g = slope[l]
        g = -1e12 if g < -1e12 else (1e12 if g > 1e12 else g)
        change[l] = g * (-eta[l] * weight[l])
        norm[l] = fabs(g)
    if s.n_outputs > 1:
        norms_of_models(s, norm)
    for l in range(K):
        state[GRADIENT * K + l] += norm[l] * weight[l] * length
    if s.rate != GIVEN:
        for l in range(K):
            change[l] = passive_aggressive(s, eta[l], value[l], square, z[l], y[l]) * weight[l]
    for l in range(K):
        scale = state[SCALE * K + l]
        state[PENALTY * K + l] += (
            0.5 * state[L2 * K + l] * scale * scale * state[SQUARES * K + l] + state[L1 * K + l] * scale * state[ABSOLUTES * K + l]
            + state[DRIFT * K + l] * state[INTERCEPT * K + l]
        )
