"""Stochastic gradient descent of linear models, row by row, for 1, 4, 8 or 16 lanes at once; compiled for each processor level.

A block of lanes is one array of weights ``(n_features, lanes)``, the lanes of a feature side by side, and a table of numbers per lane,
``state``, whose rows `Field` names. Every loop over lanes has a length that the compiler knows, so it becomes a few vector instructions;
every sum over a row's features has a fixed number of partial sums, so a lane has the same bits beside any others, in a block of any width,
on every processor.

The weights of a lane are ``scale * w``, so that L2 decay is one multiplication a row; the L1 penalty is Tsuruoka's cumulative one: a lane
knows how much penalty every weight owed so far, each weight how much it has paid, and the debt is collected where a row touches it.
"""
cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t, uint8_t

from fastgd._kernels.lane_decisions cimport decide
from fastgd._kernels.lane_measure cimport add_losses, losses_and_slopes, measure
from fastgd._kernels.lane_penalty cimport add_tracking, collect
from fastgd._kernels.lane_rows cimport (
    ABSOLUTES, AVERAGED, DIVISOR, DRIFT, FIELDS, GIVEN, GRADIENT, INTERCEPT, L1, L2, LOSS, MEAN_INTERCEPT, MOST, MOST_FETCHED, OWED, PA1,
    PENALTY, SCALE, SQUARES, WEIGHT, WEIGHTED_LOSS, AddAndMultiply, Eight, Four, One, Rate, Sixteen, Slice, add, block, dot, fetch, index,
    pass_dense, real, schar, square_norm,
)

cnp.import_array()

cdef enum Task:
    LEARN, DECIDE, SETTLE, WEIGH, SQUARE


cdef void rescale(Slice *s, const real *real_, Py_ssize_t K, Py_ssize_t l) noexcept nogil:
    """Make the scale of one lane 1 again, without changing its weights and averages."""
    cdef real *w = <real *> s.w
    cdef double *state = s.state
    cdef double scale = state[SCALE * K + l], divisor = state[DIVISOR * K + l], averaged = state[AVERAGED * K + l]
    cdef Py_ssize_t j, k
    for k in range(s.n_features):
        j = k * K + l
        if s.averages != NULL:
            s.averages[j] = (s.averages[j] + averaged * w[j]) / divisor
        w[j] = <real> (scale * w[j] + 0.0)  # -0.0 becomes 0.0: adding 0 to a weight never changes a bit
    state[SCALE * K + l], state[DIVISOR * K + l], state[AVERAGED * K + l] = 1, 1, 0
    state[SQUARES * K + l] *= scale * scale
    state[ABSOLUTES * K + l] *= scale


cdef inline bint decay(
    Slice *s, const double *eta, const double *change, real *dots, double square, real *step, block *lanes_
) noexcept nogil:
    """Decay the weights of each lane and set the multiple of the row to add to them; say whether any lane adds something."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef double *state = s.state
    cdef double[MOST] inverse
    cdef double g, scale
    cdef Py_ssize_t l
    cdef bint moves = False, small = False
    for l in range(K):
        g = 1 - eta[l] * state[L2 * K + l]
        state[SCALE * K + l] *= g if g > 0 else 0
        small |= state[SCALE * K + l] < s.least_scale
    if small:
        for l in range(K):
            if state[SCALE * K + l] < s.least_scale:
                dots[l] = <real> (state[SCALE * K + l] * dots[l])
                rescale(s, <const real *> NULL, K, l)
    for l in range(K):
        inverse[l] = 1 / state[SCALE * K + l]  # this does not wait for the prediction, and a division takes long
    for l in range(K):
        step[l] = <real> (change[l] * inverse[l])
        moves |= step[l] != 0
        scale = step[l]
        state[SQUARES * K + l] += scale * (2 * <double> dots[l] + scale * square)
    if s.fit_intercept:
        for l in range(K):
            state[INTERCEPT * K + l] += (change[l] - eta[l] * state[DRIFT * K + l]) * s.intercept_decay
    return moves


cdef inline void average(Slice *s, block *lanes_) noexcept nogil:
    """Count the present weights and intercept into the averages."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef double *state = s.state
    cdef double share = 1 / (s.t - s.average + 1)
    cdef Py_ssize_t l
    for l in range(K):
        if share < 1:
            state[DIVISOR * K + l] /= 1 - share
        state[AVERAGED * K + l] += share * state[DIVISOR * K + l] * state[SCALE * K + l]
        state[MEAN_INTERCEPT * K + l] += (state[INTERCEPT * K + l] - state[MEAN_INTERCEPT * K + l]) * share


cdef void run(Slice *s, const real *real_, const index *index_, block *lanes_) noexcept nogil:
    """See the rows of a slice one after the other."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef const real *x
    cdef const index *ix = NULL
    cdef const index *coming = NULL
    cdef const index *indptr = <const index *> s.indptr
    cdef real *w = <real *> s.w
    cdef double *state = s.state
    cdef const double *eta
    cdef real[MOST] dots, step, z, y, value, slope
    cdef double[MOST] change, weight
    cdef double square
    cdef Py_ssize_t r, l, n, n_coming = 0, p = 0
    cdef int64_t i, i_next
    cdef bint moves, multiplied = False  # dense rows: `dots` holds this row's already
    for l in range(MOST):
        z[l], y[l] = 0, 0
    for r in range(s.n):
        i = s.order[r]
        fetch(s, r, w, <const index *> NULL, lanes_)
        if index is int32_t or index is int64_t:
            x = <const real *> s.data + indptr[i]
            ix = <const index *> s.indices + indptr[i]
            n = indptr[i + 1] - indptr[i]
            i_next = s.order[min(r + 1, s.ahead - 1)]
            coming = <const index *> s.indices + indptr[i_next]
            n_coming = min(<Py_ssize_t> (indptr[i_next + 1] - indptr[i_next]), <Py_ssize_t> MOST_FETCHED)
            if s.paid != NULL:
                collect(n, ix, w, s.paid, s.averages, state, False, lanes_)
        else:
            x = <const real *> s.data + i * s.row_stride
            n = s.n_features
        square = (<const real *> s.squares)[i] if s.squares != NULL else <real> square_norm(n, x)
        if not multiplied:
            dot(n, x, ix, w, coming, n_coming, dots, lanes_)
        multiplied = False
        if s.rate == PA1 and square == 0:  # nothing to learn; scikit-learn does not count such a row
            continue
        eta = s.rates + r * s.rates_stride
        measure(s, i, r, eta, square, dots, z + p, y + p, weight + p, change, lanes_)
        moves = decay(s, eta, change, dots, square, step, lanes_)
        if moves and s.paid == NULL and s.averages == NULL:
            if index is schar:
                if r + 1 < s.n:
                    multiplied = True
                    pass_dense(
                        n, x, step, <const real *> s.data + s.order[r + 1] * s.row_stride,
                        <const real *> s.data + s.order[min(r + 2, s.n - 1)] * s.row_stride, w, dots, lanes_, <AddAndMultiply *> NULL,
                    )
            if not multiplied:
                add(n, x, ix, w, K, step, lanes_)
        elif moves:
            add_tracking(n, x, ix, w, step, s.averages, state, lanes_)
        if block is One and s.rate == GIVEN:  # the losses of one lane: many rows at a time, off the path from row to row
            p += 1
            if p == MOST or r + 1 == s.n:
                losses_and_slopes(s, s.losses, z, y, value, slope, lanes_)
                add_losses(s, p, value, weight, lanes_)
                p = 0
        if 0 < s.average <= s.t:
            average(s, lanes_)
        if s.paid != NULL:
            for l in range(K):
                state[OWED * K + l] += eta[l] * state[L1 * K + l]
            if index is schar or s.averages != NULL:
                collect(n, ix, w, s.paid, s.averages, state, False, lanes_)
            elif not s.all_wait:
                collect(n, ix, w, s.paid, s.averages, state, True, lanes_)
        s.t += 1


cdef void square_rows(Slice *s, const real *real_, const index *index_) noexcept nogil:
    """Write the squared norm of every row to `targets`."""
    cdef const real *data = <const real *> s.data
    cdef const index *indptr = <const index *> s.indptr
    cdef real *out = <real *> s.targets
    cdef Py_ssize_t i
    for i in range(s.n):
        if index is int32_t or index is int64_t:
            out[i] = <real> square_norm(indptr[i + 1] - indptr[i], data + indptr[i])
        else:
            out[i] = <real> square_norm(s.n_features, data + i * s.row_stride)


cdef void weigh(Slice *s, const real *real_, block *lanes_) noexcept nogil:
    """Sum squares and absolute values of the weights afresh: what `run` keeps up to date gathers rounding errors."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef const real *w = <const real *> s.w
    cdef double *state = s.state
    cdef Py_ssize_t k, l
    for l in range(K):
        state[SQUARES * K + l], state[ABSOLUTES * K + l] = 0, 0
    for k in range(s.n_features):
        for l in range(K):
            state[SQUARES * K + l] += <double> w[k * K + l] * w[k * K + l]
            state[ABSOLUTES * K + l] += w[k * K + l] if w[k * K + l] > 0 else -w[k * K + l]


cdef void act(Slice *s, Task task, const real *real_, const index *index_, block *lanes_) noexcept nogil:
    if task == LEARN:
        run(s, real_, index_, lanes_)
    elif task == DECIDE:
        decide(s, real_, index_, lanes_)
    elif task == SETTLE:
        collect(s.n_features, <const schar *> NULL, <real *> s.w, s.paid, s.averages, s.state, False, lanes_)
    elif task == WEIGH:
        weigh(s, real_, lanes_)
    else:
        square_rows(s, real_, index_)


cdef void act_by_lanes(Slice *s, Task task, const real *real_, const index *index_, int lanes) noexcept nogil:
    if lanes == 1:
        act(s, task, real_, index_, <One *> NULL)
    elif lanes == 4:
        act(s, task, real_, index_, <Four *> NULL)
    elif lanes == 8:
        act(s, task, real_, index_, <Eight *> NULL)
    else:
        act(s, task, real_, index_, <Sixteen *> NULL)


cdef void act_by_index(Slice *s, Task task, const real *real_, int index_size, int lanes) noexcept nogil:
    if index_size == 4:
        act_by_lanes(s, task, real_, <const int32_t *> NULL, lanes)
    elif index_size == 8:
        act_by_lanes(s, task, real_, <const int64_t *> NULL, lanes)
    else:
        act_by_lanes(s, task, real_, <const schar *> NULL, lanes)


cdef void *address(array):
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray> array)


cdef class Block:
    """Lanes that are trained together: the arrays that one compiled loop works on.

    Parameters
    ----------
    w : ndarray (n_features, lanes)
        The weights, float32 or float64, in C order; `lanes` is 1, 4, 8 or 16.
    state : ndarray (FIELDS, lanes), float64
        The numbers of each lane; see `Field`.
    hyper : ndarray (1, 16)
        The loss's hyperparameter, of the weights' dtype: of each lane and of those that pad the block; of one lane, sixteen times.
    losses : tuple of 3 int
        Addresses: of the loss's loop for this dtype and number of lanes; for one lane, of its slope, and of the loop for 16 rows.
    paid, averages : ndarray (n_features, lanes), float64, or None
        The L1 penalty that each weight has paid; the running sums of averaging.
    n_lanes, n_outputs : int
        The lanes without those that pad the block; how many of them side by side are the classes of one softmax, 1 for every other loss.
    """
    cdef Slice s
    cdef int lanes
    cdef bint double_
    cdef object held  # the arrays behind the pointers

    def __init__(
        self, cnp.ndarray w, cnp.ndarray state, cnp.ndarray hyper, losses, paid, averages, Py_ssize_t n_lanes, Py_ssize_t n_outputs,
    ):
        self.s.n_lanes, self.s.n_outputs = n_lanes, n_outputs
        self.held = w, state, hyper, paid, averages
        self.lanes = w.shape[1]
        self.double_ = w.dtype.itemsize == 8
        self.s.n_features = w.shape[0]
        self.s.w = cnp.PyArray_DATA(w)
        self.s.state = <double *> cnp.PyArray_DATA(state)
        self.s.hyper = cnp.PyArray_DATA(hyper)
        self.s.loss, self.s.slope = <void *> <size_t> losses[0], <void *> <size_t> losses[1]
        self.s.losses = <void *> <size_t> losses[2]
        self.s.paid = <double *> address(paid)
        self.s.averages = <double *> address(averages)
        self.s.least_scale = 1e-9 if self.double_ else 1e-6

    def options(self, int rate, bint signed_by_target, bint fit_intercept, double intercept_decay, Py_ssize_t average):
        """Set what all lanes share: the kind of rate, and how intercept and averages are treated."""
        self.s.rate, self.s.signed_by_target = <Rate> rate, signed_by_target
        self.s.fit_intercept, self.s.intercept_decay, self.s.average = fit_intercept, intercept_decay, average
        self.s.all_wait = True
        for lane in range(self.lanes):
            self.s.all_wait &= self.s.state[L2 * self.lanes + lane] == 0

    def learn(
        self, rows, cnp.ndarray order, Py_ssize_t n, squares, cnp.ndarray targets, code, weights, cnp.ndarray rates, double t,
        bint targets_by_step, bint weights_by_step,
    ):
        """See the first `n` rows that `order` (int64) names, without the GIL; return the step counter after them.

        The other rows of `order` come next. `squares` (of the weights' dtype, ``(n_rows,)``) are the squared norms of all rows, or None;
        `targets` (of the weights' dtype) and `weights` (float64 or None) have a row for each of them, or by step one for each step, and one
        column, or one for each lane but those that pad the block, side by side; `code` (uint8, ``(n_rows,)``, or None) says which row of
        the targets is a row's; `rates` (float64) is ``(n, lanes)`` or ``(1, lanes)``, in C order.
        """
        cdef int index_size = see(&self.s, rows)
        self.s.n, self.s.ahead, self.s.t = n, order.shape[0], t
        self.s.order, self.s.squares = <const int64_t *> cnp.PyArray_DATA(order), address(squares)
        self.s.targets, self.s.targets_lanes = cnp.PyArray_DATA(targets), targets.shape[1]
        self.s.targets_stride, self.s.code = targets.strides[0] // targets.itemsize, <const uint8_t *> address(code)
        self.s.targets_by_step, self.s.weights_by_step = targets_by_step, weights_by_step
        self.s.weights = <const double *> address(weights)
        if weights is not None:
            self.s.weights_lanes, self.s.weights_stride = weights.shape[1], weights.strides[0] // weights.itemsize
        self.s.rates, self.s.rates_stride = <const double *> cnp.PyArray_DATA(rates), 0 if rates.shape[0] == 1 else self.lanes
        self.act(&self.s, LEARN, index_size)
        return self.s.t

    def decide(self, rows, Py_ssize_t start, Py_ssize_t stop, cnp.ndarray out):
        """Write the raw predictions for the sparse rows from `start` to `stop` to `out`, without the GIL; return where it ends.

        That is `stop`, or a row that does not lie within its arrays or names a feature that is not there. `out`, of the weights' dtype or
        float64, has a row for all rows, and a column for each lane but those that pad the block, side by side.
        """
        cdef Slice s = self.s  # several threads may ask at once
        cdef int index_size = see(&s, rows)
        s.n, s.first, s.stored = stop - start, start, min(len(rows.data), len(rows.indices))
        s.targets, s.targets_stride = cnp.PyArray_DATA(out), out.strides[0] // out.itemsize
        s.decides_in_double = out.itemsize == 8
        self.act(&s, DECIDE, index_size)
        return s.first

    def square(self, rows, cnp.ndarray out):
        """Write the squared norm of every row to `out`, ``(n_rows,)`` of the weights' dtype."""
        cdef int index_size = see(&self.s, rows)
        self.s.n, self.s.targets = rows.n_rows, cnp.PyArray_DATA(out)
        self.act(&self.s, SQUARE, index_size)

    def settle(self):
        """Collect all L1 penalties that are owed."""
        if self.s.paid != NULL:
            self.act(&self.s, SETTLE, 0)

    def weigh(self):
        """Measure the norms of the weights, from which the penalty follows."""
        self.act(&self.s, WEIGH, 0)

    cdef void act(self, Slice *s, Task task, int index_size):
        with nogil:
            if self.double_:
                act_by_index(s, task, <const double *> NULL, index_size, self.lanes)
            else:
                act_by_index(s, task, <const float *> NULL, index_size, self.lanes)


cdef int see(Slice *s, rows):
    """Point to the arrays of these rows, which the caller keeps alive; return the bytes of an index."""
    s.data, s.row_stride = cnp.PyArray_DATA(rows.data), rows.row_stride
    s.indices, s.indptr = address(rows.indices), address(rows.indptr)
    return 0 if rows.indices is None else rows.indices.dtype.itemsize


STATE = {
    "scale": SCALE, "intercept": INTERCEPT, "l2": L2, "l1": L1, "drift": DRIFT, "owed": OWED, "divisor": DIVISOR, "averaged": AVERAGED,
    "mean_intercept": MEAN_INTERCEPT, "loss": LOSS, "weighted_loss": WEIGHTED_LOSS, "weight": WEIGHT, "penalty": PENALTY,
    "gradient": GRADIENT,
}
N_STATE = FIELDS
