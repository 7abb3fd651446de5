"""Whole epochs of small neural networks, without the GIL; compiled for each processor level.

A step is: forward through the layers, loss and slope of each head, and backward, for some rows of the batch at a time; then gradient,
penalty, norm and the optimizer's rule, for a stretch of the parameters at a time. The parameters lie in one array: weights
``(n_in, n_out)`` and biases of the first layer, of the second, and so on.

The first layer's values are sums over groups of features. Whoever updates a group's weights goes on with its sums for the next batch:
with two threads the first layer's weights do not leave their processor's cache, and the threads of a small network meet once a step.

Threads share the rows and then the stretches or groups of a single network. Several networks are trained one beside the other on the same
batches, each by one thread, and none knows of the others: K networks are K runs, bit for bit, for any number of threads. They gain by
sharing: a batch stays in the cache while all networks of a thread see it.
"""
cimport numpy as cnp
from libc.math cimport INFINITY, sqrt
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from fastgd._kernels._drive cimport run_pool
from fastgd._kernels.network_parts cimport (
    BAD, CLIPPED, CODES, DEAD, GRADIENT, GROUPS, LOSS, MEASURED, NONFINITE, NORM, PADDING, PENALTY, PROBABILITIES, REPORTS, SCALARS,
    SINGLE, SLOTS, SQUARE, SUMS, UPDATE, WEIGHT, WEIGHTED_LOSS, WORTH, Head, Layer, Work, dead, distance, real, square_sum,
)
from fastgd._kernels.network_pass cimport (
    MOST_HEADS, MOST_LAYERS, MOST_THREADS, TRIED, Job, Pace, Step, address_batch, backward, forward, inputs, measure, network, slope_rows,
    sweep_function, units, weight_of,
)
from fastgd._kernels.network_update cimport constrain_all, n_tasks_of, sparse_gradient, turn_part, update_task

cnp.import_array()

cdef extern from *:
    """
    #include <time.h>
    static double seconds(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
    }
    """
    double seconds() noexcept nogil

cdef enum:
    STRETCH = 2048  # parameters that a thread takes at a time: they and their gradient stay in the nearest cache
    TILE = 16  # rows at which products are cut, for whole tiles
    ROWS = 32  # of a batch that a thread takes at a time
    SHARED_WORK = 1 << 17  # multiplications of a batch with all parameters from which on threads share steps
    SHARED_INNER = 1 << 16  # with those behind the first layer, from which on threads share these too
    GROUP = 64  # features of a group, at least
    AGAIN = 1024  # steps: so often both are tried
    SEEN = 1 << 21  # bytes of rows that stay in a cache for several networks

cdef inline void rows_task(const Step *s, Py_ssize_t task, const real *real_) noexcept nogil:
    """Forward and backward with some rows of the batch."""
    cdef const Job *job = s.job
    cdef Py_ssize_t first = task * s.rows_of_task, n = min(s.rows_of_task, s.n - first)
    forward(s, first, n, real_)
    if job.outputs != NULL:
        memcpy(
            <real *> job.outputs + (s.k * job.n_rows + s.low + first) * job.n_outputs,
            units(s.work, job.layers[job.n_layers - 1].values + first * job.n_outputs, real_), n * job.n_outputs * sizeof(real),
        )
        return
    measure(s, first, n, real_)
    if job.learns:
        backward(s, first, n, real_)


cdef void rows_float(void *step, Py_ssize_t k) noexcept nogil:
    rows_task(<const Step *> step, k, <const float *> NULL)


cdef void rows_double(void *step, Py_ssize_t k) noexcept nogil:
    rows_task(<const Step *> step, k, <const double *> NULL)


cdef void learn_float(void *step, Py_ssize_t k) noexcept nogil:
    update_task(<const Step *> step, k, True, <const float *> NULL)


cdef void learn_double(void *step, Py_ssize_t k) noexcept nogil:
    update_task(<const Step *> step, k, True, <const double *> NULL)


cdef void sweep_float(void *step, Py_ssize_t k) noexcept nogil:
    update_task(<const Step *> step, k, False, <const float *> NULL)


cdef void sweep_double(void *step, Py_ssize_t k) noexcept nogil:
    update_task(<const Step *> step, k, False, <const double *> NULL)


cdef void turn_float(void *step, Py_ssize_t k) noexcept nogil:
    turn_part(<const Step *> step, (<const Step *> step).job.layers[1].first_part + k, <const float *> NULL)


cdef void turn_double(void *step, Py_ssize_t k) noexcept nogil:
    turn_part(<const Step *> step, (<const Step *> step).job.layers[1].first_part + k, <const double *> NULL)


cdef void see_rows(Step *s, const real *real_) noexcept nogil:
    """Forward and backward with the batch."""
    cdef const Job *job = s.job
    cdef const Layer *second = &job.layers[1]
    cdef Py_ssize_t n_turned, inner = job.n_parameters - job.layers[0].biases - job.layers[0].n_out
    cdef int threads = 1 if s.begun and s.n * inner < SHARED_INNER else s.threads
    s.rows_of_task = TILE if threads > 1 and s.n <= threads * ROWS else ROWS
    if job.index_size == 0:
        address_batch(job, s.work, s.low, s.n, real_)
    if job.learns and job.n_layers > 1:
        n_turned = job.n_parts - second.first_part
        run_pool(turn_float if real is float else turn_double, s, n_turned, threads if n_turned > 4 else 1, True)
    run_pool(rows_float if real is float else rows_double, s, (s.n + s.rows_of_task - 1) // s.rows_of_task, threads, True)


cdef void add_losses(const Step *s, const real *real_) noexcept nogil:
    cdef const real *losses = <const real *> s.work.losses
    cdef double *sums = s.job.sums + s.k * SUMS
    cdef double weight
    cdef Py_ssize_t i
    for i in range(s.n):
        weight = weight_of(s.job, s.k, s.job.order[s.low + i])
        sums[LOSS] += losses[i]
        sums[WEIGHTED_LOSS] += weight * losses[i]
        sums[WEIGHT] += weight


cdef double added_parts(const Step *s, Py_ssize_t what) noexcept nogil:
    cdef double total = 0
    cdef Py_ssize_t part
    for part in range(s.job.n_parts):
        total += s.work.parts[part * MEASURED + what]
    return total


cdef void update(Step *s, const real *real_) noexcept nogil:
    """Take the step, at once where nothing depends on the norm of the whole gradient."""
    cdef const Job *job = s.job
    cdef real[SCALARS] scalars
    cdef double *sums = job.sums + s.k * SUMS
    cdef double norm, clip = job.clip[s.number]
    cdef Py_ssize_t n_tasks = n_tasks_of(s)
    s.scalars = <const real *> job.scalars + (s.number * job.n_networks + s.k) * job.n_scalars
    s.at_once = clip == INFINITY
    if job.index_size > 0:
        sparse_gradient(s, real_)
    run_pool(learn_float if real is float else learn_double, s, n_tasks, s.threads, True)
    norm = sqrt(added_parts(s, SQUARE))
    sums[NORM] += norm
    if job.has_penalty:
        sums[PENALTY] += added_parts(s, WORTH) * (s.n if job.decoupled else 1)
    if not s.at_once:
        if norm > clip:
            sums[CLIPPED] += 1
            memcpy(scalars, s.scalars, job.n_scalars * sizeof(real))
            scalars[0] *= <real> (clip / norm)
            s.scalars = scalars
        run_pool(sweep_float if real is float else sweep_double, s, n_tasks, s.threads, True)
    sums[NONFINITE] += added_parts(s, BAD)
    if job.max_norm > 0 or job.non_negative:
        constrain_all(s, real_)


cdef void report(const Step *s, const real *real_) noexcept nogil:
    """Measure each layer after a step: norm of its gradient, size of the update against that of the weights, units without gradient."""
    cdef const Job *job = s.job
    cdef const Work *w = s.work
    cdef const real *p = network(job.parameters, job, s.k, real_)
    cdef const real *g = <const real *> w.gradient
    cdef const real *before = <const real *> w.before
    cdef const Layer *layer
    cdef double *out
    cdef double size
    cdef Py_ssize_t l, count
    for l in range(job.n_layers):
        layer = &job.layers[l]
        count = (layer.n_in + 1) * layer.n_out
        out = job.reports + (s.k * job.n_layers + l) * REPORTS
        out[GRADIENT] = sqrt(square_sum(count, g + layer.weights))
        size = sqrt(square_sum(count, before + layer.weights))
        out[UPDATE] = sqrt(distance(count, p + layer.weights, before + layer.weights)) / size if size > 0 else 0
        out[DEAD] = dead(s.n, layer.n_out, units(w, layer.slopes, real_), <real *> w.spare) if layer.activation != NULL else 0


cdef bint take_step(
    const Job *job, const Work *w, int threads, Py_ssize_t k, Py_ssize_t number, bint begun, bint goes_on, const real *real_
) noexcept nogil:
    """Let one network see one batch. Say whether its next step, which follows at once where it `goes_on`, is begun."""
    cdef Step s
    cdef bint last
    s.threads = threads
    s.job, s.work, s.k, s.number, s.low = job, w, k, number, number * job.batch_size
    s.n = min(job.batch_size, job.n_rows - s.low)
    last = s.low + s.n == job.n_rows
    s.begun, s.goes_on = begun, goes_on and job.begins and not last and threads <= job.n_groups
    see_rows(&s, real_)
    if job.outputs != NULL:
        return False
    add_losses(&s, real_)
    if not job.learns:
        return False
    if last:
        memcpy(w.before, network(job.parameters, job, k, real_), job.n_parameters * sizeof(real))
    update(&s, real_)
    if last:
        report(&s, real_)
    return s.goes_on


cdef bint pace_step(const Job *job, Py_ssize_t number, bint begun, bint goes_on, const real *real_) noexcept nogil:
    """Let the one network see one batch, with as many threads as are faster: now and then some steps try both. No bit depends on it.

    Steps are compared one by one, so that an interruption of the whole process does not decide."""
    cdef Pace *pace = job.pace
    cdef int64_t at = pace.steps % AGAIN
    cdef bint sharing = at < TRIED or (at >= 2 * TRIED and pace.sharing)
    cdef double start = seconds() if at < 2 * TRIED else 0, passed
    begun = take_step(job, &job.works[0], job.sharing if sharing else 1, 0, number, begun, goes_on, real_)
    passed = seconds() - start if at < 2 * TRIED else 0
    if at == 0:
        pace.wins = 0
    if at < TRIED:
        pace.shared[at] = passed
    elif at < 2 * TRIED:
        pace.wins += pace.shared[at - TRIED] < passed
        pace.sharing = 2 * pace.wins > TRIED
    pace.steps += 1
    return begun


cdef void run(const Job *job, Py_ssize_t worker, const real *real_) noexcept nogil:
    """Let every n-th network see the rows, some batches in turn: rows stay in a cache for all, a network's parameters in a nearer one."""
    cdef Py_ssize_t n_steps = (job.n_rows + job.batch_size - 1) // job.batch_size
    cdef Py_ssize_t turn, step, stop, k
    cdef bint begun
    for turn in range((n_steps + job.together - 1) // job.together):
        stop = min((turn + 1) * job.together, n_steps)
        for k in range(job.n_networks):
            if k % job.n_works != worker:
                continue
            begun = False
            for step in range(turn * job.together, stop):
                if job.sharing > 1 and job.n_networks == 1:
                    begun = pace_step(job, step, begun, step + 1 < stop, real_)
                else:
                    begun = take_step(job, &job.works[worker], job.sharing, k, step, begun, step + 1 < stop, real_)


cdef void run_float(void *context, Py_ssize_t worker) noexcept nogil:
    run(<const Job *> context, worker, <const float *> NULL)


cdef void run_double(void *context, Py_ssize_t worker) noexcept nogil:
    run(<const Job *> context, worker, <const double *> NULL)


cdef void *address(array):
    return NULL if array is None else cnp.PyArray_DATA(<cnp.ndarray> array)


cdef class Networks:
    """The compiled epoch on given arrays; `_training/network.py` makes and checks them.

    Parameters
    ----------
    layers : list of tuple
        ``(n_in, n_out, activation's address or 0, hyperparameters (2), dropped, kept)``.
    heads : list of tuple
        ``(kind, first, n_out, target, weight, parameter, address of a loss's loop or 0)``.
    parameters : ndarray (n_networks, stride)
        The parameters of each network, with at least PADDING numbers behind them.
    slots : list of ndarray (n_networks, stride)
        The state arrays of the optimizer's rule.
    sweep : int
        The address of the rule's loop.
    penalty : tuple
        ``(l2 (n_networks,), l1 (n_networks,), decoupled, max_norm or 0, non_negative)``.
    kept : ndarray (n_parameters,), uint8, or None
        0 for parameters that stay 0.
    seeds : ndarray (n_networks,), uint64
    works : list of tuple of ndarray
        For each thread that has networks of its own what `Work` names, in that order.
    threads : int
        How many share the larger steps where `works` is for one.
    flushed : bool
        Whether subnormal numbers in state arrays become 0 now and then.
    """
    cdef Job job
    cdef Pace pace
    cdef object held
    cdef bint double_

    def __init__(
        self, list layers, list heads, cnp.ndarray parameters, list slots, size_t sweep, tuple penalty, kept, cnp.ndarray seeds,
        list works, int threads, bint flushed,
    ):
        cdef Job *job = &self.job
        if len(layers) > MOST_LAYERS or len(heads) > MOST_HEADS or len(slots) > SLOTS or len(works) > MOST_THREADS:
            raise ValueError("too many layers, heads, state arrays or threads")
        job.pace = &self.pace
        self.held = parameters, slots, penalty, kept, seeds, works
        self.double_ = parameters.dtype.itemsize == 8
        job.parameters, job.n_networks, job.stride = cnp.PyArray_DATA(parameters), parameters.shape[0], parameters.shape[1]
        job.n_slots, job.sweep, job.seeds = len(slots), <sweep_function> sweep, <const uint64_t *> cnp.PyArray_DATA(seeds)
        for k, slot in enumerate(slots):
            job.slots[<int> k] = address(slot)
        l2, l1, job.decoupled, job.max_norm, job.non_negative = penalty
        job.kept = <const unsigned char *> address(kept)
        job.flushed = flushed
        job.l2, job.l1, job.has_penalty = <const double *> address(l2), <const double *> address(l1), l2.any() or l1.any()
        self.describe(layers, heads)
        for k, arrays in enumerate(works):
            self.add_work(k, arrays)
        job.n_works, job.threads = len(works), threads if len(works) == 1 else 1

    cdef void describe(self, list layers, list heads):
        cdef Job *job = &self.job
        cdef Layer *layer
        cdef Head *head
        cdef Py_ssize_t place = 0
        job.n_layers, job.n_heads, job.n_outputs, job.n_targets, job.n_parts, job.widest = len(layers), len(heads), 0, 0, 0, 0
        for l, (n_in, n_out, activation, values, slopes, hyper, dropped, kept) in enumerate(layers):
            layer = &job.layers[<int> l]
            layer.n_in, layer.n_out, layer.activation = n_in, n_out, <void *> <size_t> activation
            layer.weights, layer.biases = place, place + layer.n_in * layer.n_out
            place = layer.biases + layer.n_out
            layer.values, layer.slopes, layer.dropped, layer.kept = values, slopes, dropped, kept
            layer.hyper[0], layer.hyper[1] = hyper
            layer.rows_of_part = max(TILE, STRETCH // layer.n_out // TILE * TILE)
            layer.first_part, layer.n_parts = job.n_parts, (layer.n_in + layer.rows_of_part - 1) // layer.rows_of_part
            job.n_parts += layer.n_parts
            job.widest = max(job.widest, layer.n_out)
        for h, (kind, first, n_out, target, weight, parameter, loss) in enumerate(heads):
            head = &job.heads[<int> h]
            head.kind, head.first, head.n_out, head.target = kind, first, n_out, target
            head.weight, head.parameter, head.loss = weight, parameter, <void *> <size_t> loss
            job.n_outputs += n_out
            job.n_targets += 1 if kind == CODES else n_out
        job.n_parameters = place
        layer = &job.layers[0]
        job.n_groups = max(1, min(GROUPS, layer.n_in // GROUP, layer.n_parts))
        for g in range(job.n_groups + 1):
            job.bounds[<int> g] = min(layer.n_in, g * layer.n_parts // job.n_groups * layer.rows_of_part)

    cdef void add_work(self, int k, tuple arrays):
        cdef Job *job = &self.job
        cdef Work *work = &job.works[k]
        cdef Py_ssize_t l, i, size = 8 if self.double_ else 4
        values, gradient, spare, turned, heads, before, losses, ahead, rows, parts = arrays
        work.units, work.gradient, work.spare, work.turned = address(values), address(gradient), address(spare), address(turned)
        work.heads, work.before, work.losses, work.ahead = address(heads), address(before), address(losses), address(ahead)
        work.rows, work.parts, job.most_rows = <void **> address(rows), <double *> address(parts), rows.shape[1]
        for l in range(job.n_layers):
            for i in range(job.most_rows):
                slope_rows(job, work, l)[i] = <char *> work.units + (job.layers[l].slopes + i * job.layers[l].n_out) * size
                if l > 0:
                    inputs(job, work, l)[i] = <char *> work.units + (job.layers[l - 1].values + i * job.layers[l].n_in) * size

    cdef void see(self, rows, cnp.ndarray order, Py_ssize_t batch_size):
        cdef Job *job = &self.job
        cdef Py_ssize_t stored = rows.data.size // max(1, rows.n_rows)  # numbers of a row
        cdef Py_ssize_t inner = job.n_parameters - job.layers[0].biases
        job.data, job.row_stride = cnp.PyArray_DATA(rows.data), rows.row_stride
        job.indices, job.indptr = address(rows.indices), address(rows.indptr)
        job.index_size = 0 if rows.indices is None else rows.indices.dtype.itemsize
        job.order, job.n_rows, job.batch_size = <const int64_t *> cnp.PyArray_DATA(order), order.shape[0], batch_size
        job.sharing = job.threads if min(batch_size, job.n_rows) * (inner + stored * job.layers[0].n_out) >= SHARED_WORK else 1
        job.together = max(1, job.n_rows)
        if job.n_networks > 1:
            job.together = max(1, SEEN // (batch_size * max(1, stored) * (8 if self.double_ else 4)))

    cdef void start(self):
        with nogil:
            run_pool(run_double if self.double_ else run_float, &self.job, self.job.n_works, self.job.n_works, False)

    def learn(
        self, rows, cnp.ndarray order, Py_ssize_t batch_size, cnp.ndarray targets, weights, cnp.ndarray mean_weight, cnp.ndarray clock,
        steps, cnp.ndarray sums, cnp.ndarray reports,
    ):
        """See the rows in this order, batch after batch, without the GIL.

        `steps` is ``(scalars (n_steps, n_networks, n_scalars) of the parameters' dtype, clip (n_steps,), rates (n_steps, n_networks))``, or
        None to measure the losses alone. `clock` (float64, (1,)) is the number of the first step, from 1, and becomes that of the next one
        before a signal can be looked at. `targets` has as many columns as the heads ask for, `weights` (float64) one or n_networks, or is
        None. Adds to `sums` (n_networks, SUMS) and overwrites `reports` (n_networks, n_layers, REPORTS), both float64.
        """
        cdef Job *job = &self.job
        cdef double *t = <double *> cnp.PyArray_DATA(clock)
        self.see(rows, order, batch_size)
        job.targets, job.mean_weight, job.t = cnp.PyArray_DATA(targets), <const double *> cnp.PyArray_DATA(mean_weight), <int64_t> t[0]
        job.weights, job.weights_columns = <const double *> address(weights), 0 if weights is None else weights.shape[1]
        job.learns, job.outputs = steps is not None, NULL
        job.begins = job.index_size == 0 and job.works[0].ahead != NULL and job.max_norm == 0 and not job.non_negative
        if steps is not None:
            scalars, clip, rates = steps
            job.scalars, job.n_scalars = address(scalars), scalars.shape[2]
            job.clip, job.rates = <const double *> address(clip), <const double *> address(rates)
        job.sums, job.reports = <double *> cnp.PyArray_DATA(sums), <double *> cnp.PyArray_DATA(reports)
        self.start()
        if job.learns:
            t[0] += (job.n_rows + batch_size - 1) // batch_size

    def decide(self, rows, cnp.ndarray order, Py_ssize_t batch_size, cnp.ndarray out):
        """Write the raw outputs for these rows to `out`, ``(n_networks, n, n_outputs)``."""
        self.see(rows, order, batch_size)
        self.job.learns, self.job.begins, self.job.outputs = False, False, cnp.PyArray_DATA(out)
        self.start()


KINDS = {"codes": CODES, "probabilities": PROBABILITIES, "single": SINGLE}
FIELDS = {
    "loss": LOSS, "weighted_loss": WEIGHTED_LOSS, "weight": WEIGHT, "penalty": PENALTY, "gradient": NORM, "clipped": CLIPPED,
    "nonfinite": NONFINITE,
}
MEASURES = {"gradient": GRADIENT, "update": UPDATE, "dead": DEAD}
N_SUMS, N_REPORTS, N_MEASURED, SLACK, LEAST_ROWS, MOST_GROUPS = SUMS, REPORTS, MEASURED, PADDING, TILE, GROUPS
