"""From the slopes of all units to the next parameters: gradient, penalty, norm and the optimizer's step, one stretch after the other.

A stretch is some rows of a layer's weights, with the last of them the biases: few enough numbers that its gradient is still in the nearest
cache when the optimizer's rule asks for it. Sums are taken over each stretch, then over the stretches in order: the same for any threads.
"""
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from fastgd._kernels.network_parts cimport (
    BAD, MEASURED, SLOTS, SQUARE, WORTH, Layer, absolute_sum, add_penalty, add_rows, constrain, decay, flush, keep,
    raise_to_zero, real, shrink, sparse_product_across, square_sum, turn,
)
from fastgd._kernels.network_pass cimport Job, Step, begin_next, inputs, network, next_rows, product_across, turned, units

cdef enum:
    FLUSHED = 64  # steps from one flush of the state arrays to the next

# Where a stretch lies: its layer, its rows of weights, its place among the parameters, and how many they are.
cdef struct Stretch:
    Py_ssize_t l, first, stop, place, size, count  # weights alone, and with the biases


cdef inline Stretch stretch_of(const Job *job, Py_ssize_t part) noexcept nogil:
    cdef Stretch found
    cdef const Layer *layer
    found.l = 0
    while part >= job.layers[found.l].first_part + job.layers[found.l].n_parts:
        found.l += 1
    layer = &job.layers[found.l]
    part -= layer.first_part
    found.first = part * layer.rows_of_part
    found.stop = layer.n_in if part == layer.n_parts - 1 else found.first + layer.rows_of_part
    found.place = layer.weights + found.first * layer.n_out
    found.size = (found.stop - found.first) * layer.n_out
    found.count = found.size + (layer.n_out if part == layer.n_parts - 1 else 0)
    return found


cdef inline void turn_part(const Step *s, Py_ssize_t part, const real *real_) noexcept nogil:
    """Transpose what backward asks for of a layer's weights."""
    cdef Stretch at = stretch_of(s.job, part)
    cdef const Layer *layer = &s.job.layers[at.l]
    cdef real *p = network(s.job.parameters, s.job, s.k, real_)
    turn(at.first, at.stop, layer.n_in, layer.n_out, p + layer.weights, turned(s.job, s.work, at.l, real_))


cdef inline void sparse_gradient(const Step *s, const real *real_) noexcept nogil:
    """The gradient of the first layer's weights, whose rows are not those of the sparse data."""
    cdef const Job *job = s.job
    cdef const Layer *layer = &job.layers[0]
    cdef real *g = <real *> s.work.gradient
    cdef const real *slopes = units(s.work, layer.slopes, real_)
    cdef const int64_t *order = job.order + s.low
    memset(g, 0, layer.n_in * layer.n_out * sizeof(real))
    if job.index_size == 4:
        sparse_product_across(
            s.n, layer.n_out, order, <const real *> job.data, <const int32_t *> job.indices, <const int32_t *> job.indptr, slopes, g
        )
    else:
        sparse_product_across(
            s.n, layer.n_out, order, <const real *> job.data, <const int64_t *> job.indices, <const int64_t *> job.indptr, slopes, g
        )


cdef inline double penalise(const Job *job, Py_ssize_t k, Py_ssize_t size, const real *p, real *g, double n) noexcept nogil:
    """Add the penalty's gradient where it is coupled; return the penalty of these weights."""
    cdef double value = 0.5 * job.l2[k] * square_sum(size, p), share = 1.0 / n
    if not job.decoupled:
        add_penalty(size, p, g, <real> (share * job.l2[k]), <real> (share * job.l1[k]))
    if job.l1[k] != 0:
        value += job.l1[k] * absolute_sum(size, p)
    return value


cdef inline void step_stretch(const Step *s, const Stretch *at, real *g, double *measured) noexcept nogil:
    """Let the optimizer take a step, decoupled L2 before it and L1 after it.

    A unit without gradient leaves averages that shrink until they are subnormal and stay so: 0.9 times the least number is rounded to it
    again. Processors take several times longer for them, and one is enough to delay its neighbours.
    """
    cdef const Job *job = s.job
    cdef real *p = network(job.parameters, job, s.k, g) + at.place
    cdef double rate = job.rates[s.number * job.n_networks + s.k], l2 = job.l2[s.k], l1 = job.l1[s.k]
    cdef void *arrays[SLOTS + 2]
    cdef Py_ssize_t j
    if job.decoupled and l2 != 0:
        decay(at.size, p, <real> (rate * l2))
    arrays[0], arrays[1] = p, g
    for j in range(job.n_slots):
        arrays[2 + j] = network(job.slots[j], job, s.k, g) + at.place
    measured[BAD] = job.sweep(at.count, arrays, s.scalars)
    if job.flushed and (job.t + s.number) % FLUSHED == 0:
        for j in range(job.n_slots):
            flush(at.count, <real *> arrays[2 + j])
    if job.decoupled and l1 != 0:
        shrink(at.size, p, <real> (rate * l1))
    if job.kept != NULL:
        keep(at.count, job.kept + at.place, p)  # what the rule remembers of them may have moved them


cdef inline void step_part(const Step *s, Py_ssize_t part, const real *real_) noexcept nogil:
    cdef Stretch at = stretch_of(s.job, part)
    step_stretch(s, &at, <real *> s.work.gradient + at.place, s.work.parts + part * MEASURED)


cdef inline void learn_part(const Step *s, Py_ssize_t part, Py_ssize_t space, const real *real_) noexcept nogil:
    """Find the gradient of a stretch, where that of the stretch `space` would lie, and take its step if that needs no more."""
    cdef const Job *job = s.job
    cdef Stretch at = stretch_of(job, part)
    cdef const Layer *layer = &job.layers[at.l]
    cdef real *g = <real *> s.work.gradient + stretch_of(job, space).place
    cdef double *measured = s.work.parts + part * MEASURED
    cdef const real *slopes = units(s.work, layer.slopes, real_)
    if at.l > 0 or job.index_size == 0:
        product_across(
            at.first, at.stop, s.n, layer.n_out, inputs(job, s.work, at.l), slopes, g, next_rows(job, s.work) if at.l == 0 else NULL
        )
    if at.count > at.size:
        add_rows(s.n, layer.n_out, slopes, g + at.size)
    if job.kept != NULL:
        keep(at.count, job.kept + at.place, g)  # as if they were not there, for the norm too
    if job.has_penalty:
        measured[WORTH] = penalise(job, s.k, at.size, network(job.parameters, job, s.k, real_) + at.place, g, s.n)
    measured[SQUARE] = square_sum(at.count, g)
    if s.at_once:
        step_stretch(s, &at, g, measured)


cdef inline Py_ssize_t n_shares_of(const Step *s) noexcept nogil:
    """Return how many tasks update the first layer: one for each group of features where each goes on with the next batch."""
    return s.job.n_groups if s.goes_on else s.job.layers[0].n_parts


cdef inline Py_ssize_t n_tasks_of(const Step *s) noexcept nogil:
    return n_shares_of(s) + s.job.n_parts - s.job.layers[0].n_parts


cdef inline void update_task(const Step *s, Py_ssize_t task, bint learns, const real *real_) noexcept nogil:
    """Find the gradients of a stretch of a layer behind the first, or of a share of the first, or take their steps.

    If there are no more to come, go on with the next batch. Nobody asks for the gradient later then, and the stretches of a share use the
    same memory, in the cache. The layers behind the first begin: those of a small network stay with the thread that runs through them.
    """
    cdef const Job *job = s.job
    cdef Py_ssize_t n_first = job.layers[0].n_parts, n_inner = job.n_parts - n_first, n_shares = n_shares_of(s)
    cdef Py_ssize_t share = task - n_inner, first = n_first + task, stop = first + 1, part
    cdef bint ends = s.goes_on and (s.at_once or not learns)
    if share >= 0:
        first, stop = share * n_first // n_shares, (share + 1) * n_first // n_shares
    for part in range(first, stop):
        if learns:
            learn_part(s, part, first if ends else part, real_)
        else:
            step_part(s, part, real_)
    if share >= 0 and ends:
        begin_next(s, share, real_)


cdef inline void constrain_all(const Step *s, const real *real_) noexcept nogil:
    """Raise negative weights to 0, and scale the weights into each unit down to the largest norm allowed, as far as either is asked for."""
    cdef const Job *job = s.job
    cdef const Layer *layer
    cdef real *w
    cdef Py_ssize_t l
    for l in range(job.n_layers):
        layer = &job.layers[l]
        w = network(job.parameters, job, s.k, real_) + layer.weights
        if job.non_negative:
            raise_to_zero(layer.n_in * layer.n_out, w)
        if job.max_norm > 0:
            constrain(layer, w, job.max_norm, <real *> s.work.spare)
