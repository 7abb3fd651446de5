"""Normalised, adaptive and importance-aware updates of linear models, row by row, each lane with scales and rates of its own.

S. Ross, P. Mineiro and J. Langford, Normalized online learning (2013), algorithms NG and NAG; N. Karampatziakis and J. Langford (2011)
for the size of a step. A lane is an array of cells, one for each feature and a last one for the intercept, whose feature is always 1.

Penalties are collected where a row touches a weight: the lane's clock counts ``eta * c``, the part of all rates that features have in
common, and a weight with the rate `d` of its own has in the time `dt` flowed along ``dw/dt = -d (l2 w + l1 sign(w))``, which has a closed
form. So sparse and dense rows give the same bits.
"""
cimport numpy as cnp
from libc.math cimport expm1, fabs, sqrt
from libc.stdint cimport int32_t, int64_t

from fastgd._kernels.lane_rows cimport PREFETCH, column, index, real, schar
from fastgd._kernels.online_moves cimport (
    EPSILON_INSENSITIVE, GAMMA, HINGE, HUBER, LOG_LOSS, MODIFIED_HUBER, POISSON, QUANTILE, SQUARED_EPSILON_INSENSITIVE,
    SQUARED_ERROR, SQUARED_HINGE, Move, moved,
)

cnp.import_array()

ctypedef void (*loss_double)(const double *, const double *, const double *, double *, double *) noexcept nogil

cdef struct Cell:
    double w
    double square  # sum of the squared gradients, with adaptive rates
    double size  # the largest value of the feature so far, with normalised ones
    double rate  # d: what the two make of the rate
    double clock  # when penalties were last collected

cdef struct Lane:
    double weight  # of the rows so far
    double norm  # sum of the squared normalised rows, each times its weight
    double clock
    # measured in this epoch
    double loss
    double weighted_loss
    double seen
    double gradient

CELL = ("weights", "squares", "sizes", "rates", "clocks")
LANE = ("weight", "norm", "clock", "loss", "weighted_loss", "seen", "gradient")
MOVES = {
    "squared_error": SQUARED_ERROR, "huber": HUBER, "epsilon_insensitive": EPSILON_INSENSITIVE,
    "squared_epsilon_insensitive": SQUARED_EPSILON_INSENSITIVE, "quantile": QUANTILE, "poisson": POISSON, "gamma": GAMMA,
    "log_loss": LOG_LOSS, "hinge": HINGE, "squared_hinge": SQUARED_HINGE, "modified_huber": MODIFIED_HUBER,
}

cdef struct Task:
    bint adaptive, normalized, fit_intercept, learning
    Move move
    loss_double loss
    double intercept_decay


cdef inline void settle(Cell *cell, double clock, double l2, double l1) noexcept nogil:
    """Collect the penalty of a weight since the last time."""
    cdef double time = cell.rate * (clock - cell.clock), decay = l2 * time, change, size
    cell.clock = clock
    if cell.w != 0 and time > 0:
        change = expm1(-decay) if decay > 0 else 0
        size = fabs(cell.w) * (1 + change)
        if l1 > 0:
            size -= l1 * (-change / l2 if decay > 0 else time)
        size = size if size > 0 else 0
        cell.w = size if cell.w > 0 else -size


cdef inline double entered(Cell *cell, double x, const Task *task) noexcept nogil:
    """Take in the value of a feature; return its square in units of the largest one so far."""
    cdef double size = fabs(x), shrink
    if not task.normalized:
        return x * x
    if size > cell.size:
        if cell.size > 0:  # otherwise the weight is 0, or one that training began with
            shrink = cell.size / size
            cell.w *= shrink if task.adaptive else shrink * shrink
        cell.size = size
    return (x / cell.size) * (x / cell.size)


cdef inline double rated(Cell *cell, double x, double gradient_square, const Task *task) noexcept nogil:
    """Let the feature's rate be that after this gradient; return its part of the row's squared length in the metric of rates."""
    cdef double rate = 1
    if task.adaptive:
        cell.square += gradient_square * x * x
        rate /= sqrt(cell.square)
    if task.normalized:
        rate /= cell.size if task.adaptive else cell.size * cell.size
    cell.rate = rate if rate < 1e300 else 0  # the squares of such gradients were 0
    return cell.rate * x * x


cdef inline double common_rate(const Lane *lane, const Task *task) noexcept nogil:
    """Return the factor of all rates that makes the average row of length 1."""
    if not task.normalized or lane.norm == 0:
        return 1
    return sqrt(lane.weight / lane.norm) if task.adaptive else lane.weight / lane.norm


cdef void see(
    Py_ssize_t n, const real *x, const index *ix, Cell *cells, Py_ssize_t bias, Lane *lane, double y, double weight, double eta,
    const double *hyper, double l2, double l1, const Task *task,
) noexcept nogil:
    """Let one lane see one row: measure, and where it learns also update."""
    cdef double z = 0, norm = 0, squares = 0, length = 0, common, value, slope, step
    cdef Cell *cell
    cdef Py_ssize_t k
    for k in range(n):
        if x[k] != 0:
            cell = cells + column(ix, k)
            if task.learning:
                settle(cell, lane.clock, l2, l1)
                norm += entered(cell, x[k], task)
            z += cell.w * x[k]
            squares += <double> x[k] * x[k]
    if task.fit_intercept:
        if task.learning:
            norm += entered(cells + bias, 1, task)
        z += cells[bias].w
    task.loss(&z, &y, hyper, &value, &slope)
    slope = -1e12 if slope < -1e12 else (1e12 if slope > 1e12 else slope)
    lane.loss += value
    lane.weighted_loss += weight * value
    lane.seen += weight
    lane.gradient += fabs(slope) * weight * sqrt(squares + task.fit_intercept)
    if not task.learning:
        return
    lane.weight += weight
    lane.norm += weight * norm
    common = common_rate(lane, task)
    lane.clock += eta * common
    if slope == 0:
        return
    for k in range(n):
        if x[k] != 0:
            length += rated(cells + column(ix, k), x[k], weight * slope * slope, task)
    if task.fit_intercept:
        length += rated(cells + bias, 1, weight * slope * slope, task) * task.intercept_decay
    if length == 0:
        return
    step = moved(task.move, z, y, hyper[0], slope, weight * eta * common * length) / length
    for k in range(n):
        if x[k] != 0:
            cell = cells + column(ix, k)
            cell.w -= step * cell.rate * x[k]
    if task.fit_intercept:
        cells[bias].w -= step * cells[bias].rate * task.intercept_decay


cdef void *address(array):
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray> array)


cdef class Online:
    """Lanes on these arrays, of float64 and in C order.

    Parameters
    ----------
    cells : ndarray (n_lanes, n_features + 1, len(CELL))
    lanes : ndarray (n_lanes, len(LANE))
    hyper, l2, l1 : ndarray (n_lanes,)
        The loss's hyperparameter, and the strengths of both penalties.
    loss : int
        The address of the loss's loop for one lane of float64.
    move : int
        One of `MOVES`, or 0: steps in proportion to the importance weight.
    adaptive, normalized, fit_intercept : bool
    intercept_decay : float
        Factor of the intercept's rate.
    """
    cdef object held
    cdef Cell *cells
    cdef Lane *lanes
    cdef const double *hyper
    cdef const double *l2
    cdef const double *l1
    cdef Py_ssize_t n_lanes, n_cells
    cdef Task task

    def __init__(
        self, cnp.ndarray cells, cnp.ndarray lanes, cnp.ndarray hyper, cnp.ndarray l2, cnp.ndarray l1, size_t loss, int move,
        bint adaptive, bint normalized, bint fit_intercept, double intercept_decay,
    ):
        self.held = cells, lanes, hyper, l2, l1
        self.cells, self.lanes = <Cell *> cnp.PyArray_DATA(cells), <Lane *> cnp.PyArray_DATA(lanes)
        self.hyper, self.l2, self.l1 = <double *> address(hyper), <double *> address(l2), <double *> address(l1)
        self.n_lanes, self.n_cells = cells.shape[0], cells.shape[1]
        self.task.loss, self.task.move = <loss_double> <void *> loss, <Move> move
        self.task.adaptive, self.task.normalized = adaptive, normalized
        self.task.fit_intercept, self.task.intercept_decay = fit_intercept, intercept_decay

    def see(self, rows, cnp.ndarray order, cnp.ndarray targets, weights, cnp.ndarray rates, bint learning):
        """See these rows (int64) in this order, without the GIL.

        `targets` (float64) and `weights` (the same, or None) have a row for each step and one column or one for each lane; `rates`
        (float64) one row or one for each step, and as many columns. Rows of weight 0 do not exist for a lane.
        """
        self.task.learning = learning
        if rows.dtype.itemsize == 8:
            self._by_index(rows, order, targets, weights, rates, <const double *> NULL)
        else:
            self._by_index(rows, order, targets, weights, rates, <const float *> NULL)

    cdef _by_index(self, rows, cnp.ndarray order, cnp.ndarray targets, weights, cnp.ndarray rates, const real *real_):
        if rows.indices is None:
            self._see(rows, order, targets, weights, rates, real_, <const schar *> NULL)
        elif rows.indices.dtype.itemsize == 8:
            self._see(rows, order, targets, weights, rates, real_, <const int64_t *> NULL)
        else:
            self._see(rows, order, targets, weights, rates, real_, <const int32_t *> NULL)

    cdef _see(
        self, rows, cnp.ndarray order, cnp.ndarray targets, weights, cnp.ndarray rates, const real *real_, const index *index_
    ):
        cdef const real *data = <const real *> address(rows.data)
        cdef const index *indices = <const index *> address(rows.indices)
        cdef const index *indptr = <const index *> address(rows.indptr)
        cdef const int64_t *which = <const int64_t *> address(order)
        cdef const double *y = <const double *> address(targets)
        cdef const double *h = <const double *> address(weights)
        cdef const double *eta = <const double *> address(rates)
        cdef Py_ssize_t n_targets = targets.shape[1], n_weights = 0 if weights is None else weights.shape[1], n_rates = rates.shape[1]
        cdef Py_ssize_t rates_stride = 0 if rates.shape[0] == 1 else n_rates, n_steps = order.shape[0], stride = rows.row_stride
        cdef Py_ssize_t low, n, r, l, k
        cdef double weight = 1
        with nogil:
            for r in range(n_steps):
                if index is int32_t or index is int64_t:
                    low, n = indptr[which[r]], indptr[which[r] + 1] - indptr[which[r]]
                    if r + 1 < n_steps:
                        for l in range(self.n_lanes):
                            for k in range(indptr[which[r + 1]], indptr[which[r + 1] + 1]):
                                PREFETCH(self.cells + l * self.n_cells + indices[k])
                else:
                    low, n = which[r] * stride, self.n_cells - 1
                for l in range(self.n_lanes):
                    if n_weights > 0:
                        weight = h[r * n_weights + (l if n_weights > 1 else 0)]
                        if weight == 0:
                            continue
                    see(
                        n, data + low, indices + (low if indices != NULL else 0), self.cells + l * self.n_cells, self.n_cells - 1,
                        self.lanes + l, y[r * n_targets + (l if n_targets > 1 else 0)], weight,
                        eta[r * rates_stride + (l if n_rates > 1 else 0)], self.hyper + l, self.l2[l], self.l1[l], &self.task,
                    )

    def settle(self):
        """Collect all penalties."""
        cdef Py_ssize_t k, l
        for l in range(self.n_lanes):
            for k in range(self.n_cells - 1):
                settle(self.cells + l * self.n_cells + k, self.lanes[l].clock, self.l2[l], self.l1[l])


def move(int move_, double z, double y, double parameter, double slope, double u):
    """Return by how much a prediction falls: `moved`, for tests."""
    return moved(<Move> move_, z, y, parameter, slope, u)
