"""Mini-batch gradient descent of linear models in lanes, with any rule; compiled for each processor level.

A step predicts a batch, sums its gradient, and runs the rule over all features, or over those that sparse rows name; see
`batch_lazy.pxd` for the others. Weights, gradient and the rule's state are ``(n_features + 1, stride)``, the intercept being the last row;
`stride` is 1, 4, 8 or a multiple of 16, and loops run over tiles of at most 16 lanes, a number that the compiler knows. Every sum has a
fixed order: a lane has the same bits beside any others and on every processor.
"""
cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

import numpy as np

from fastgd._kernels._drive cimport run_pool
from fastgd._kernels.batch_lazy cimport average_feature, catch_up, remember_penalty
from fastgd._kernels.batch_losses cimport add_up, measure
from fastgd._kernels.batch_products cimport add_dense, predict_dense
from fastgd._kernels.batch_rows cimport count_size, fetch, measure_norms, n_updated, weigh
from fastgd._kernels.batch_state cimport (
    ABSOLUTES, BIAS, CLIP, CLIPPED, DRIFT, FIELDS, GRADIENT, L1, L2, LOSS, MEAN_WEIGHT, MOST_SCALARS, PENALTY, SQUARES, WEIGHT,
    WEIGHTED_LOSS, WIDEST, Batch, apply_rule, backward_of, forward_of, lane_rule, row_of, scalars_of,
)
from fastgd._kernels.lane_rows cimport Eight, Four, One, Sixteen, add, block, dot_sparse, index, real, schar

cnp.import_array()

cdef enum Task:
    LEARN, DECIDE, SETTLE, WEIGH


cdef inline void touch(Batch *s, Py_ssize_t feature, const real *real_, block *lanes_) noexcept nogil:
    """Make a feature ready for this batch: caught up, its gradient 0."""
    if s.seen[feature] > s.now:
        return
    if s.penalised:
        count_size(s, feature, -1, real_, lanes_)
    catch_up(s, feature, real_, lanes_)
    s.seen[feature] = s.now + 1
    memset(<real *> s.arrays[1] + feature * s.stride, 0, s.stride * sizeof(real))
    s.touched[s.n_touched] = feature
    s.n_touched += 1


cdef inline void multiply(Batch *s, Py_ssize_t first, Py_ssize_t n, const real *real_, const index *index_, block *lanes_) noexcept nogil:
    """Multiply a chunk of sparse rows with the weights."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef const index *indptr = <const index *> s.indptr
    cdef real *z = <real *> s.z
    cdef Py_ssize_t r, k, tile
    cdef int64_t i
    for r in range(n):
        i = s.order[first + r]
        fetch(s, first + r, real_, index_)
        if s.learning:
            for k in range(<Py_ssize_t> indptr[i], <Py_ssize_t> indptr[i + 1]):
                touch(s, (<const index *> s.indices)[k], real_, lanes_)
        for tile in range(s.n_tiles):
            dot_sparse(
                indptr[i + 1] - indptr[i], <const real *> s.data + indptr[i], <const index *> s.indices + indptr[i],
                row_of(s, 0, 0, tile, real_, lanes_), s.stride, <const index *> NULL, 0, z + r * s.stride + tile * K, lanes_,
            )


cdef inline void add_sparse(Batch *s, Py_ssize_t first, Py_ssize_t n, const real *real_, const index *index_, block *lanes_) noexcept nogil:
    """Add what a chunk of sparse rows contributes to the gradient."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef const index *indptr = <const index *> s.indptr
    cdef const real *slope = <const real *> s.slope
    cdef Py_ssize_t r, tile
    cdef int64_t i
    for r in range(n):
        i = s.order[first + r]
        for tile in range(s.n_tiles):
            add(
                indptr[i + 1] - indptr[i], <const real *> s.data + indptr[i], <const index *> s.indices + indptr[i],
                row_of(s, 1, 0, tile, real_, lanes_), s.stride, slope + r * s.stride + tile * K, lanes_,
            )


cdef void add_penalty(Batch *s, const real *real_, block *lanes_) noexcept nogil:
    """Add the penalty of the weights before this step, once for each row of its batch."""
    cdef double *state = s.state
    cdef const real *bias = <const real *> s.arrays[0] + s.n_features * s.stride
    cdef Py_ssize_t K = s.stride, l
    if s.touched == NULL and s.penalised:
        weigh(s, real_, lanes_)
    for l in range(K):
        state[PENALTY * K + l] += s.batch_rows * (
            0.5 * state[L2 * K + l] * state[SQUARES * K + l] + state[L1 * K + l] * state[ABSOLUTES * K + l]
            + state[DRIFT * K + l] * bias[l]
        )


cdef void update_intercept(Batch *s, Py_ssize_t tile, const real *real_, block *lanes_) noexcept nogil:
    """Run the rule on the intercept, without penalties; of a one-class SVM, let it drift."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef real[MOST_SCALARS * WIDEST] own
    cdef const real *scalars = scalars_of(s, s.now, tile, real_, lanes_)
    cdef real *g = row_of(s, 1, s.n_features, tile, real_, lanes_)
    cdef real *bias = row_of(s, 0, s.n_features, tile, real_, lanes_)
    cdef Py_ssize_t j, l
    for j in range(s.n_scalars):
        for l in range(K):
            own[j * K + l] = <real> (scalars[j * K + l] * s.intercept_factors[j])
    for l in range(K):
        g[l] = <real> s.state[BIAS * s.stride + tile * K + l]
    apply_rule(s, 1, NULL, 0, 0, s.n_features, tile, NULL, <const real *> own, lanes_)
    if s.drifts != NULL:
        for l in range(K):
            bias[l] = <real> (bias[l] - s.drifts[s.now * s.stride + tile * K + l])


cdef void update(Batch *s, const real *real_, block *lanes_) noexcept nogil:
    """Update the features of the batch and the intercept; count them into the averages."""
    cdef Py_ssize_t n = n_updated(s), tile, i
    cdef bint average = s.averages != NULL and s.shares[s.now] != 0
    for tile in range(s.n_tiles):
        apply_rule(s, n, s.touched, s.stride, 0, 0, tile, NULL, scalars_of(s, s.now, tile, real_, lanes_), lanes_)
        if s.fit_intercept:
            update_intercept(s, tile, real_, lanes_)
        if s.touched != NULL and s.penalised:
            remember_penalty(s, tile, real_, lanes_)
        if average:
            for i in range(n):
                average_feature(s, i if s.touched == NULL else s.touched[i], s.now, tile, real_, lanes_)
            average_feature(s, s.n_features, s.now, tile, real_, lanes_)
    if s.touched != NULL and s.penalised:
        for i in range(n):
            count_size(s, s.touched[i], 1, real_, lanes_)


cdef void begin(Batch *s, const real *real_) noexcept nogil:
    """Begin a batch: no gradient yet."""
    cdef Py_ssize_t l
    s.batch_rows = min(s.batch_size, s.rows_left)
    s.n_touched = 0
    if s.touched == NULL and s.learning:
        memset(s.arrays[1], 0, s.n_features * s.stride * sizeof(real))
    for l in range(s.stride):
        s.state[BIAS * s.stride + l] = 0


cdef void learn(Batch *s, const real *real_, const index *index_, block *lanes_) noexcept nogil:
    """See the rows of a call, which may begin and end within a batch."""
    cdef Py_ssize_t done = 0, n
    while done < s.n:
        if s.filled == 0:
            begin(s, real_)
            add_penalty(s, real_, lanes_)
        n = min(min(s.chunk, s.n - done), s.batch_rows - s.filled)
        if index is schar:
            predict_dense(s, done, n, real_)
        else:
            multiply(s, done, n, real_, index_, lanes_)
            measure(s, done, 0, n, real_)
        add_up(s, done, n, real_)
        if s.learning:
            if index is schar:
                add_dense(s, n, real_)
            else:
                add_sparse(s, done, n, real_, index_, lanes_)
        done += n
        s.filled += n
        if s.filled == s.batch_rows:
            if s.learning:
                measure_norms(s, real_, lanes_)
                update(s, real_, lanes_)
                s.now += 1
            s.rows_left -= s.batch_rows
            s.filled = 0
            s.steps += 1
            s.t += 1


cdef void decide(Batch *s, const real *real_, const index *index_, block *lanes_) noexcept nogil:
    """Write the raw predictions for the sparse rows of the call to `targets`."""
    cdef const real *bias = <const real *> s.arrays[0] + s.n_features * s.stride
    cdef real *out = <real *> s.targets
    cdef const real *z = <const real *> s.z
    cdef Py_ssize_t first = 0, n, r, l
    while first < s.n:
        n = min(s.chunk, s.n - first)
        multiply(s, first, n, real_, index_, lanes_)
        for r in range(n):
            for l in range(s.lanes):
                out[(first + r) * s.targets_columns + l] = z[r * s.stride + l] + bias[l]
        first += n


cdef void act(Batch *s, Task task, const real *real_, const index *index_, block *lanes_) noexcept nogil:
    cdef Py_ssize_t k
    if task == LEARN:
        learn(s, real_, index_, lanes_)
    elif task == DECIDE:
        if index is not schar:
            decide(s, real_, index_, lanes_)
    elif task == SETTLE:
        for k in range(s.n_features):
            catch_up(s, k, real_, lanes_)
            s.seen[k] = 0
        s.now = 0
    else:
        weigh(s, real_, lanes_)


cdef void act_by_lanes(Batch *s, Task task, const real *real_, const index *index_) noexcept nogil:
    if s.stride == 1:
        act(s, task, real_, index_, <One *> NULL)
    elif s.stride == 4:
        act(s, task, real_, index_, <Four *> NULL)
    elif s.stride == 8:
        act(s, task, real_, index_, <Eight *> NULL)
    else:
        act(s, task, real_, index_, <Sixteen *> NULL)


cdef void act_by_index(Batch *s, Task task, const real *real_, int index_size) noexcept nogil:
    if index_size == 4:
        act_by_lanes(s, task, real_, <const int32_t *> NULL)
    elif index_size == 8:
        act_by_lanes(s, task, real_, <const int64_t *> NULL)
    else:
        act_by_lanes(s, task, real_, <const schar *> NULL)


# Blocks of lanes that do the same with the same rows, none knowing of the others.
cdef struct Job:
    Batch **blocks
    Task task
    bint double_
    int index_size


cdef void act_on_block(void *context, Py_ssize_t k) noexcept nogil:
    cdef const Job *job = <const Job *> context
    if job.double_:
        act_by_index(job.blocks[k], job.task, <const double *> NULL, job.index_size)
    else:
        act_by_index(job.blocks[k], job.task, <const float *> NULL, job.index_size)


cdef void *address(array):
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray> array)


cdef class Batches:
    """A block of lanes that are trained together by batches: the arrays that one compiled loop works on.

    Parameters
    ----------
    arrays : list of ndarray (n_features + 1, stride)
        Weights, gradient, and the rule's state, all of the weights' dtype, in C order.
    lanes : ndarray (FIELDS, stride), float64
        The numbers of each lane; see `Field`.
    averages : ndarray (n_features + 1, stride), float64, or None
    first, n_lanes, n_outputs : int
        The column of the block's first lane in targets and weights; the lanes without padding; how many of them are one model's classes,
        1 for every loss but softmax.
    loss : int
        The address of the loss's loop over 16 lanes; 0 for softmax.
    hyper : ndarray
        The loss's hyperparameter of each lane, at least 16 numbers.
    rule : int
        The address of the rule's loop over a tile's lanes.
    most_rows : int
        How many rows may be predicted at once.
    fit_intercept, penalised, has_l1 : bool
        Whether intercepts are learnt; whether there is a penalty or decay; whether any is L1.
    intercept_factors : ndarray (n_scalars,), float64
        What an intercept's scalars are, as multiples of a weight's.
    """
    cdef Batch s
    cdef int index_size
    cdef bint double_
    cdef Py_ssize_t first, most_rows
    cdef object held, tables, lazy, rows, call, weights  # the arrays behind the pointers

    def __init__(
        self, list arrays, cnp.ndarray lanes, averages, Py_ssize_t first, Py_ssize_t n_lanes, Py_ssize_t n_outputs, size_t loss,
        cnp.ndarray hyper, size_t rule, Py_ssize_t most_rows, bint fit_intercept, bint penalised, bint has_l1,
        cnp.ndarray intercept_factors,
    ):
        cdef cnp.ndarray w = arrays[0]
        cdef Py_ssize_t stride = w.shape[1], size = (most_rows * stride + WIDEST - 1) // WIDEST * WIDEST
        buffers = [np.zeros(size, w.dtype) for _ in range(4)]
        pointers, norms = np.zeros(most_rows, np.intp), np.zeros(stride)
        self.held = arrays, lanes, averages, hyper, intercept_factors, buffers, pointers, norms
        self.double_ = w.dtype.itemsize == 8
        self.s.n_features, self.s.stride, self.s.lanes, self.s.n_outputs = w.shape[0] - 1, stride, n_lanes, n_outputs
        self.s.n_tiles = max(<Py_ssize_t> 1, stride // WIDEST)
        self.s.n_arrays = len(arrays)
        for k, array in enumerate(arrays):
            self.s.arrays[k] = address(array)
        self.s.state, self.s.averages = <double *> address(lanes), <double *> address(averages)
        self.s.loss, self.s.hyper, self.s.rule = <void *> loss, address(hyper), <lane_rule> <void *> rule
        self.most_rows, self.first = most_rows, first
        self.s.fit_intercept, self.s.penalised, self.s.has_l1 = fit_intercept, penalised, has_l1
        self.s.intercept_factors = <const double *> address(intercept_factors)
        self.s.z, self.s.y = address(buffers[0]), address(buffers[1])
        self.s.value, self.s.slope = address(buffers[2]), address(buffers[3])
        self.s.x, self.s.norms = <const void **> address(pointers), <double *> address(norms)
        self.s.forward = forward_of(self.double_, min(stride, WIDEST))
        self.s.backward = backward_of(self.double_, min(stride, WIDEST))

    def use_tables(self, cnp.ndarray scalars, cnp.ndarray shares, drifts):
        """Set what each step does.

        `scalars`, ``(n_tiles, capacity, n_scalars, width)`` of the weights' dtype, are the rule's; `shares`, ``(capacity,)``, the share of
        each step in the averages, 0 before they begin; `drifts`, ``(capacity, stride)`` or None, what is taken from the intercepts.
        """
        self.tables = scalars, shares, drifts
        self.s.capacity, self.s.n_scalars, self.s.scalars = scalars.shape[1], scalars.shape[2], cnp.PyArray_DATA(scalars)
        self.s.shares, self.s.drifts = <const double *> address(shares), <const double *> address(drifts)

    def use_history(
        self, cnp.ndarray seen, cnp.ndarray touched, cnp.ndarray history, cnp.ndarray fades, cnp.ndarray zeros, Py_ssize_t head,
        Py_ssize_t tail,
    ):
        """Keep features that no row names for later: see the Batch struct; `head` and `tail` count steps that are run one by one."""
        self.lazy = seen, touched, history, fades, zeros
        self.s.seen, self.s.history = <int64_t *> address(seen), <double *> address(history)
        self.s.fades, self.s.zeros = <const double *> address(fades), address(zeros)
        self.s.head, self.s.tail = head, tail

    @property
    def t(self):
        """The number of the next step, from 1; it and `now` are kept here, where no interrupt comes between them and the weights."""
        return self.s.t

    @t.setter
    def t(self, double value):
        self.s.t = value

    @property
    def now(self):
        """The next step's place in the tables."""
        return self.s.now

    @now.setter
    def now(self, Py_ssize_t value):
        self.s.now = value

    def open(self, rows, Py_ssize_t batch_size, Py_ssize_t n_rows, bint learning, Py_ssize_t chunk, int threads):
        """Begin `n_rows` rows of an epoch; without `learning` they are only measured.

        `chunk` rows are predicted at once, dense ones by so many threads together.
        """
        self.see(rows)
        self.s.batch_size, self.s.rows_left, self.s.learning = batch_size, n_rows, learning
        self.s.chunk, self.s.threads = min(chunk, self.most_rows), threads
        self.s.filled = self.s.steps = 0

    @staticmethod
    def learn(list blocks, cnp.ndarray order, cnp.ndarray targets, weights, int threads):
        """Let blocks see these rows, at most so many of them at a time, without the GIL.

        `order` (int64) names the rows; `targets` (of the weights' dtype) and `weights` (float64 or None), with a column for all lanes or
        one for each, are theirs, in that order; all in C order.
        """
        cdef Batches each
        for each in blocks:
            each.call_on(order, targets)
            each.weigh_rows(weights)
        act_together(blocks, LEARN, threads)

    @staticmethod
    def decide(list blocks, rows, cnp.ndarray order, cnp.ndarray out, int threads):
        """Write the raw predictions for these sparse rows to `out`, of the weights' dtype, with a column for each lane."""
        cdef Batches each
        for each in blocks:
            each.open(rows, 1, 0, False, each.most_rows, 1)
            each.call_on(order, out)
        act_together(blocks, DECIDE, threads)

    def settle(self):
        """Let every feature catch up, and begin the tables anew."""
        act_together([self], SETTLE, 1)

    def weigh(self):
        """Measure the weights, from which the penalty follows."""
        act_together([self], WEIGH, 1)

    def close(self):
        """Drop a batch that has been cut off; return how many steps have been done since `open`."""
        cdef Py_ssize_t k
        if self.s.filled and self.s.touched != NULL:
            for k in range(self.s.n_touched):
                self.s.seen[self.s.touched[k]] = self.s.now
        self.s.filled = self.s.n_touched = 0
        return self.s.steps

    cdef void see(self, rows):
        self.rows = rows
        self.s.data, self.s.row_stride = cnp.PyArray_DATA(rows.data), rows.row_stride
        self.s.indices, self.s.indptr = address(rows.indices), address(rows.indptr)
        self.index_size = 0 if rows.indices is None else rows.indices.dtype.itemsize
        self.s.touched = NULL if rows.indices is None or self.lazy is None else <int64_t *> address(self.lazy[1])

    cdef void call_on(self, cnp.ndarray order, cnp.ndarray targets):
        self.call = order, targets
        self.s.n, self.s.order = order.shape[0], <const int64_t *> cnp.PyArray_DATA(order)
        self.s.targets_columns = targets.shape[1]
        self.s.targets = cnp.PyArray_BYTES(targets) + (self.first * cnp.PyArray_ITEMSIZE(targets) if targets.shape[1] > 1 else 0)

    cdef void weigh_rows(self, weights):
        self.weights = weights
        self.s.weights, self.s.weights_columns = <const double *> address(weights), 1 if weights is None else weights.shape[1]
        if self.s.weights_columns > 1:
            self.s.weights += self.first


cdef void act_together(list blocks, Task task, int threads):
    """Let blocks of the same dtype do a task, at most so many of them at a time, without the GIL."""
    cdef cnp.ndarray addresses = np.empty(len(blocks), np.intp)
    cdef Batches each = blocks[0]
    cdef Job job = Job(<Batch **> cnp.PyArray_DATA(addresses), task, each.double_, each.index_size)
    cdef Py_ssize_t k, n = len(blocks)
    for k in range(n):
        each = blocks[k]
        job.blocks[k] = &each.s
    with nogil:
        run_pool(act_on_block, &job, n, threads, False)


STATE = {
    "l2": L2, "l1": L1, "drift": DRIFT, "clip": CLIP, "mean_weight": MEAN_WEIGHT, "squares": SQUARES, "absolutes": ABSOLUTES, "loss": LOSS,
    "weighted_loss": WEIGHTED_LOSS, "weight": WEIGHT, "penalty": PENALTY, "gradient": GRADIENT, "clipped": CLIPPED,
}
N_STATE = FIELDS
