"""Whole epochs of small neural networks, without the GIL; compiled for each processor level.

A step is: forward through the layers, loss and slope of each head, backward, penalty and norm, then one sweep of the optimizer's rule over
all parameters of the network, which lie in one array: weights ``(n_in, n_out)`` and biases of the first layer, of the second, and so on.

Networks are trained one beside the other on the same batches, each by one thread, and none knows of the others: K networks are K runs, bit
for bit, for any number of threads. They gain by sharing: a batch stays in the cache while all networks of a thread see it.
"""
cimport numpy as cnp
from libc.math cimport sqrt
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from fastgd._kernels.network_parts cimport (
    CLIPPED, CODES, DEAD, GRADIENT, LOSS, NONFINITE, NORM, PADDING, PENALTY, PROBABILITIES, REPORTS, SCALARS, SINGLE, SLOTS, SUMS, UPDATE,
    WEIGHT, WEIGHTED_LOSS, Head, Layer, Work, absolute_sum, add_penalty, constrain, dead, decay, distance, keep, pool_init, pool_run,
    raise_to_zero, real, shrink, square_sum,
)
from fastgd._kernels.network_pass cimport (
    MOST_HEADS, MOST_LAYERS, MOST_THREADS, Job, backward, forward, measure, network, sweep_function, units,
)

cnp.import_array()

cdef enum:
    SWEPT = 1 << 14  # parameters that a thread takes at a time

pool_init()


cdef double penalise(const Job *job, Py_ssize_t k, const real *p, real *g, double n, const real *real_) noexcept nogil:
    """Add the penalty's gradient where it is coupled; return the penalty: for the batch where it is coupled, else for each of its rows."""
    cdef double value = 0, share = 1.0 / n
    cdef const Layer *layer
    cdef Py_ssize_t l, size
    for l in range(job.n_layers):
        layer = &job.layers[l]
        size = layer.n_in * layer.n_out
        if not job.decoupled:
            add_penalty(size, p + layer.weights, g + layer.weights, <real> (share * job.l2[k]), <real> (share * job.l1[k]))
        value += 0.5 * job.l2[k] * square_sum(size, p + layer.weights)
        if job.l1[k] != 0:
            value += job.l1[k] * absolute_sum(size, p + layer.weights)
    return value * n if job.decoupled else value


cdef void constrained(const Job *job, real *p, double rate, double l2, double l1, bint after, real *space) noexcept nogil:
    """What acts on weights alone beside the optimizer's step: decoupled L2 before it, L1 and the constraints after it."""
    cdef const Layer *layer
    cdef Py_ssize_t l, size
    for l in range(job.n_layers):
        layer = &job.layers[l]
        size = layer.n_in * layer.n_out
        if job.decoupled and not after and l2 != 0:
            decay(size, p + layer.weights, <real> (rate * l2))
        if job.decoupled and after and l1 != 0:
            shrink(size, p + layer.weights, <real> (rate * l1))
        if after and job.non_negative:
            raise_to_zero(size, p + layer.weights)
        if after and job.max_norm > 0:
            constrain(layer, p + layer.weights, job.max_norm, space)


# One sweep that threads share.
cdef struct Sweep:
    const Job *job
    void **arrays
    const void *scalars
    Py_ssize_t itemsize
    Py_ssize_t *nonfinite


cdef void sweep_part(void *context, Py_ssize_t k) noexcept nogil:
    cdef const Sweep *s = <const Sweep *> context
    cdef void *arrays[SLOTS + 2]
    cdef Py_ssize_t j, first = k * SWEPT
    for j in range(s.job.n_slots + 2):
        arrays[j] = <char *> s.arrays[j] + first * s.itemsize
    s.nonfinite[k] = s.job.sweep(min(SWEPT, s.job.n_parameters - first), arrays, s.scalars)


cdef Py_ssize_t sweep(const Job *job, const Work *w, void **arrays, const real *scalars) noexcept nogil:
    """Let the rule see all parameters; return how many gradients are not finite."""
    cdef Sweep s
    cdef Py_ssize_t k, found = 0, parts = (job.n_parameters + SWEPT - 1) // SWEPT
    if job.threads < 2 or parts < 4:
        return job.sweep(job.n_parameters, arrays, scalars)
    s.job, s.arrays, s.scalars, s.itemsize, s.nonfinite = job, arrays, scalars, sizeof(real), <Py_ssize_t *> w.counts
    pool_run(sweep_part, &s, parts, job.threads)
    for k in range(parts):
        found += s.nonfinite[k]
    return found


cdef void update(const Job *job, const Work *w, Py_ssize_t k, Py_ssize_t step, double n, const real *real_) noexcept nogil:
    """Let the optimizer take a step."""
    cdef real *p = network(job.parameters, job, k, real_)
    cdef real *g = <real *> w.gradient
    cdef real[SCALARS] scalars
    cdef void *arrays[SLOTS + 2]
    cdef double *sums = job.sums + k * SUMS
    cdef double rate = job.rates[step * job.n_networks + k], norm
    cdef Py_ssize_t j
    memcpy(scalars, <const real *> job.scalars + (step * job.n_networks + k) * job.n_scalars, job.n_scalars * sizeof(real))
    if job.kept != NULL:
        keep(job.n_parameters, job.kept, g)  # as if they were not there, for the norm too
    if job.has_penalty:
        sums[PENALTY] += penalise(job, k, p, g, n, real_)
    norm = sqrt(square_sum(job.n_parameters, g))
    sums[NORM] += norm
    if norm > job.clip[step]:
        sums[CLIPPED] += 1
        scalars[0] *= <real> (job.clip[step] / norm)
    if job.decoupled:
        constrained(job, p, rate, job.l2[k], job.l1[k], False, <real *> w.spare)
    arrays[0], arrays[1] = p, g
    for j in range(job.n_slots):
        arrays[2 + j] = network(job.slots[j], job, k, real_)
    sums[NONFINITE] += sweep(job, w, arrays, <const real *> scalars)
    if job.decoupled or job.max_norm > 0 or job.non_negative:
        constrained(job, p, rate, job.l2[k], job.l1[k], True, <real *> w.spare)
    if job.kept != NULL:
        keep(job.n_parameters, job.kept, p)  # what the rule remembers of them may have moved them


cdef void report(const Job *job, const Work *w, Py_ssize_t k, Py_ssize_t n, const real *real_) noexcept nogil:
    """Measure each layer after a step: norm of its gradient, size of the update against that of the weights, units without gradient."""
    cdef const real *p = network(job.parameters, job, k, real_)
    cdef const real *g = <const real *> w.gradient
    cdef const real *before = <const real *> w.before
    cdef const Layer *layer
    cdef double *out
    cdef double size
    cdef Py_ssize_t l, count
    for l in range(job.n_layers):
        layer = &job.layers[l]
        count = (layer.n_in + 1) * layer.n_out
        out = job.reports + (k * job.n_layers + l) * REPORTS
        out[GRADIENT] = sqrt(square_sum(count, g + layer.weights))
        size = sqrt(square_sum(count, before + layer.weights))
        out[UPDATE] = sqrt(distance(count, p + layer.weights, before + layer.weights)) / size if size > 0 else 0
        out[DEAD] = dead(n, layer.n_out, units(w, layer.slopes, real_), <real *> w.spare) if layer.activation != NULL else 0


cdef void run(const Job *job, Py_ssize_t worker, const real *real_) noexcept nogil:
    """Let every n-th network see the rows, batch after batch: each batch stays in the cache for all of them."""
    cdef const Work *w = &job.works[worker]
    cdef Py_ssize_t n_steps = (job.n_rows + job.batch_size - 1) // job.batch_size
    cdef Py_ssize_t step, k, low, n
    cdef bint last
    for step in range(n_steps):
        low, last = step * job.batch_size, step == n_steps - 1
        n = min(job.batch_size, job.n_rows - low)
        for k in range(job.n_networks):
            if k % job.n_works != worker:
                continue
            forward(job, w, k, low, n, job.t + step, real_)
            if job.outputs != NULL:
                memcpy(
                    <real *> job.outputs + (k * job.n_rows + low) * job.n_outputs,
                    units(w, job.layers[job.n_layers - 1].values, real_), n * job.n_outputs * sizeof(real),
                )
                continue
            measure(job, w, k, low, n, real_)
            if not job.learns:
                continue
            backward(job, w, k, low, n, real_)
            if last:
                memcpy(w.before, network(job.parameters, job, k, real_), job.n_parameters * sizeof(real))
            update(job, w, k, step, n, real_)
            if last:
                report(job, w, k, n, real_)


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
        How many share the larger products and steps where `works` is for one.
    """
    cdef Job job
    cdef object held
    cdef bint double_

    def __init__(
        self, list layers, list heads, cnp.ndarray parameters, list slots, size_t sweep, tuple penalty, kept, cnp.ndarray seeds,
        list works, int threads,
    ):
        cdef Job *job = &self.job
        if len(layers) > MOST_LAYERS or len(heads) > MOST_HEADS or len(slots) > SLOTS or len(works) > MOST_THREADS:
            raise ValueError("too many layers, heads, state arrays or threads")
        self.held = parameters, slots, penalty, kept, seeds, works
        self.double_ = parameters.dtype.itemsize == 8
        job.parameters, job.n_networks, job.stride = cnp.PyArray_DATA(parameters), parameters.shape[0], parameters.shape[1]
        job.n_slots, job.sweep, job.seeds = len(slots), <sweep_function> sweep, <const uint64_t *> cnp.PyArray_DATA(seeds)
        for k, slot in enumerate(slots):
            job.slots[<int> k] = address(slot)
        l2, l1, job.decoupled, job.max_norm, job.non_negative = penalty
        job.kept = <const unsigned char *> address(kept)
        job.l2, job.l1, job.has_penalty = <const double *> address(l2), <const double *> address(l1), l2.any() or l1.any()
        for k, arrays in enumerate(works):
            self.add_work(k, arrays)
        job.n_works, job.threads = len(works), threads if len(works) == 1 else 1
        self.describe(layers, heads)

    cdef void describe(self, list layers, list heads):
        cdef Job *job = &self.job
        cdef Layer *layer
        cdef Head *head
        cdef Py_ssize_t place = 0
        job.n_layers, job.n_heads, job.n_outputs, job.n_targets = len(layers), len(heads), 0, 0
        for l, (n_in, n_out, activation, values, slopes, hyper, dropped, kept) in enumerate(layers):
            layer = &job.layers[<int> l]
            layer.n_in, layer.n_out, layer.activation = n_in, n_out, <void *> <size_t> activation
            layer.weights, layer.biases = place, place + layer.n_in * layer.n_out
            place = layer.biases + layer.n_out
            layer.values, layer.slopes, layer.dropped, layer.kept = values, slopes, dropped, kept
            layer.hyper[0], layer.hyper[1] = hyper
        for h, (kind, first, n_out, target, weight, parameter, loss) in enumerate(heads):
            head = &job.heads[<int> h]
            head.kind, head.first, head.n_out, head.target = kind, first, n_out, target
            head.weight, head.parameter, head.loss = weight, parameter, <void *> <size_t> loss
            job.n_outputs += n_out
            job.n_targets += 1 if kind == CODES else n_out
        job.n_parameters = place

    cdef void add_work(self, int k, tuple arrays):
        cdef Work *work = &self.job.works[k]
        values, gradient, spare, turned, heads, before, rows, counts = arrays
        work.units, work.gradient, work.spare, work.turned = address(values), address(gradient), address(spare), address(turned)
        work.heads, work.before, work.rows, work.counts = address(heads), address(before), <void **> address(rows), address(counts)

    cdef void see(self, rows, cnp.ndarray order, Py_ssize_t batch_size):
        cdef Job *job = &self.job
        job.data, job.row_stride = cnp.PyArray_DATA(rows.data), rows.row_stride
        job.indices, job.indptr = address(rows.indices), address(rows.indptr)
        job.index_size = 0 if rows.indices is None else rows.indices.dtype.itemsize
        job.order, job.n_rows, job.batch_size = <const int64_t *> cnp.PyArray_DATA(order), order.shape[0], batch_size

    cdef void start(self, int threads):
        with nogil:
            pool_run(run_double if self.double_ else run_float, &self.job, self.job.n_works, threads)

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
        if steps is not None:
            scalars, clip, rates = steps
            job.scalars, job.n_scalars = address(scalars), scalars.shape[2]
            job.clip, job.rates = <const double *> address(clip), <const double *> address(rates)
        job.sums, job.reports = <double *> cnp.PyArray_DATA(sums), <double *> cnp.PyArray_DATA(reports)
        self.start(job.n_works)
        if job.learns:
            t[0] += (job.n_rows + batch_size - 1) // batch_size

    def decide(self, rows, cnp.ndarray order, Py_ssize_t batch_size, cnp.ndarray out):
        """Write the raw outputs for these rows to `out`, ``(n_networks, n, n_outputs)``."""
        self.see(rows, order, batch_size)
        self.job.learns, self.job.outputs = False, cnp.PyArray_DATA(out)
        self.start(self.job.n_works)


KINDS = {"codes": CODES, "probabilities": PROBABILITIES, "single": SINGLE}
FIELDS = {
    "loss": LOSS, "weighted_loss": WEIGHTED_LOSS, "weight": WEIGHT, "penalty": PENALTY, "gradient": NORM, "clipped": CLIPPED,
    "nonfinite": NONFINITE,
}
MEASURES = {"gradient": GRADIENT, "update": UPDATE, "dead": DEAD}
N_SUMS, N_REPORTS, SLACK, SWEEP = SUMS, REPORTS, PADDING, SWEPT
