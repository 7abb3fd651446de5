"""Forward and backward through one network with some rows of a batch: from rows to losses, from losses to the slopes of all units."""
from libc.stdint cimport int32_t, int64_t, uint64_t

from fastgd._kernels.network_heads cimport measure_head
from fastgd._kernels.network_parts cimport (
    GROUPS, SLOTS, Head, Layer, Work, add_to, drop, fetch, product_across_double, product_across_float, product_double, product_float,
    real, sparse_product, start_rows,
)

cdef enum:
    MOST_LAYERS = 64
    MOST_HEADS = 64
    MOST_THREADS = 256
    TRIED = 16  # steps together, then alone

ctypedef Py_ssize_t (*sweep_function)(Py_ssize_t n, void **arrays, const void *scalars) noexcept nogil
ctypedef void (*activation_float)(Py_ssize_t n, float *z, float *slope, const float *hyper) noexcept nogil
ctypedef void (*activation_double)(Py_ssize_t n, double *z, double *slope, const double *hyper) noexcept nogil

# Whether sharing its steps pays for a network now: threads may be busy with other things, or far from each other.
cdef struct Pace:
    int64_t steps  # so far
    double[TRIED] shared  # seconds of the last steps that were tried so
    int wins  # of these over as many steps alone
    bint sharing  # has won

# Everything that the compiled code knows.
cdef struct Job:
    # the networks
    Layer[MOST_LAYERS] layers
    Head[MOST_HEADS] heads
    Py_ssize_t n_layers, n_heads, n_networks, n_parameters, stride  # elements from one network's parameters to the next one's
    Py_ssize_t n_groups  # of features: each has whole stretches of the first layer's weights
    Py_ssize_t bounds[GROUPS + 1]  # the first feature of each group, and the number of features
    Py_ssize_t n_parts, widest, most_rows  # stretches of the parameters; units of the widest layer; rows of a batch at most
    void *parameters
    void *slots[SLOTS]
    Py_ssize_t n_slots, n_scalars
    sweep_function sweep
    const uint64_t *seeds
    const double *l2
    const double *l1
    bint decoupled, has_penalty, non_negative, flushed
    double max_norm
    const unsigned char *kept  # (n_parameters,): 0 for parameters that stay 0; NULL where all may change
    # the rows
    const void *data
    const void *indices
    const void *indptr
    int index_size
    Py_ssize_t row_stride, n_rows
    const int64_t *order
    const void *targets
    Py_ssize_t n_targets, n_outputs, batch_size
    const double *weights
    Py_ssize_t weights_columns
    const double *mean_weight
    # the steps
    int64_t t
    const void *scalars  # (n_steps, n_networks, n_scalars)
    const double *clip  # (n_steps,)
    const double *rates  # (n_steps, n_networks)
    bint learns, begins  # steps begin the next one's as soon as they can
    # what comes out
    double *sums
    double *reports  # (n_networks, n_layers, REPORTS)
    void *outputs
    # who does it
    Work[MOST_THREADS] works
    int n_works
    int threads  # that may share a step of a single network
    int sharing  # those for which this epoch's steps are large enough
    Pace *pace
    Py_ssize_t together  # steps that a network takes before the next one's turn

# One step of one network.
cdef struct Step:
    const Job *job
    const Work *work
    int threads
    Py_ssize_t k, number, low, n  # the network's number, the step's, its first row's, and how many they are
    Py_ssize_t rows_of_task
    const void *scalars
    bint at_once  # each stretch of the parameters can take its step as soon as its own gradient is known
    bint begun  # the first layer's sums over each group of features are there
    bint goes_on  # those of the next batch are wanted as soon as the group's weights have taken their step


cdef inline real *units(const Work *w, Py_ssize_t first, const real *real_) noexcept nogil:
    return <real *> w.units + first


cdef inline real *network(const void *base, const Job *job, Py_ssize_t k, const real *real_) noexcept nogil:
    return <real *> base + k * job.stride


cdef inline real *turned(const Job *job, const Work *w, Py_ssize_t l, const real *real_) noexcept nogil:
    """Return where the transposed weights of a layer lie."""
    return <real *> w.turned + (job.layers[l].weights - job.layers[1].weights)


cdef inline void **inputs(const Job *job, const Work *w, Py_ssize_t l) noexcept nogil:
    """Return the addresses of the rows that go into a layer."""
    return w.rows + l * job.most_rows


cdef inline void **slope_rows(const Job *job, const Work *w, Py_ssize_t l) noexcept nogil:
    return w.rows + (job.n_layers + l) * job.most_rows


cdef inline void **next_rows(const Job *job, const Work *w) noexcept nogil:
    return w.rows + 2 * job.n_layers * job.most_rows


cdef inline void product(
    Py_ssize_t n, Py_ssize_t skip, Py_ssize_t n_k, Py_ssize_t m, void **a, const real *b, const real *start, real *c
) noexcept nogil:
    """C = start + A B, of n rows and m columns, without the first `skip` columns of A."""
    if real is float:
        product_float(n, skip, n_k, m, <const float **> a, b, start, c)
    else:
        product_double(n, skip, n_k, m, <const double **> a, b, start, c)


cdef inline void product_across(
    Py_ssize_t low, Py_ssize_t high, Py_ssize_t n_k, Py_ssize_t m, void **a, const real *b, real *c, void **next_
) noexcept nogil:
    """The rows from `low` to `high` of C = A' B, of m columns, to `c`; see _products_of.h for `next_`."""
    if real is float:
        product_across_float(low, high, n_k, m, <const float **> a, b, c, <const float **> next_)
    else:
        product_across_double(low, high, n_k, m, <const double **> a, b, c, <const double **> next_)


cdef inline void address_batch(const Job *job, const Work *w, Py_ssize_t low, Py_ssize_t n, const real *real_) noexcept nogil:
    """Find the dense rows of a batch and those of the next one, this one's in place of those that are missing.

    They are used in place: copying them first was slower, from memory as from a cache.
    """
    cdef void **next_ = next_rows(job, w)
    cdef Py_ssize_t i
    for i in range(n):
        w.rows[i] = <real *> job.data + job.order[low + i] * job.row_stride
        next_[i] = <real *> job.data + job.order[low + i + n] * job.row_stride if low + i + n < job.n_rows else w.rows[i]


cdef inline real *ahead(const Job *job, const Work *w, Py_ssize_t g, const real *real_) noexcept nogil:
    return <real *> w.ahead + g * job.most_rows * job.layers[0].n_out


cdef inline void group_product(const Step *s, Py_ssize_t g, Py_ssize_t n, void **rows, real *z) noexcept nogil:
    """The first layer's sums over one group of features for n rows."""
    cdef const Job *job = s.job
    cdef const Layer *layer = &job.layers[0]
    cdef Py_ssize_t low = job.bounds[g]
    cdef const real *w = network(job.parameters, job, s.k, z) + layer.weights + low * layer.n_out
    product(n, low, job.bounds[g + 1] - low, layer.n_out, rows, w, <real *> NULL, z)


cdef inline void begin_next(const Step *s, Py_ssize_t g, const real *real_) noexcept nogil:
    """Take a group's sums for the next batch, while its weights and the next batch's features are in this processor's cache."""
    cdef const Job *job = s.job
    group_product(s, g, min(job.batch_size, job.n_rows - s.low - s.n), next_rows(job, s.work), ahead(job, s.work, g, real_))


cdef inline void first_layer(const Step *s, Py_ssize_t first, Py_ssize_t n, real *z, const real *real_) noexcept nogil:
    """The first layer's values before the activation: sums over groups of features, so that threads can share these out."""
    cdef const Job *job = s.job
    cdef const Work *w = s.work
    cdef const Layer *layer = &job.layers[0]
    cdef const int64_t *order = job.order + s.low + first
    cdef const real *data = <const real *> job.data
    cdef const real *p = network(job.parameters, job, s.k, real_)
    cdef real *sums = <real *> w.spare + first * job.widest
    cdef Py_ssize_t g, count = n * layer.n_out
    start_rows(n, layer.n_out, p + layer.biases, z)
    if job.index_size == 4:
        sparse_product(
            n, layer.n_out, order, data, <const int32_t *> job.indices, <const int32_t *> job.indptr, p + layer.weights, z, sums,
            job.bounds,
        )
    elif job.index_size == 8:
        sparse_product(
            n, layer.n_out, order, data, <const int64_t *> job.indices, <const int64_t *> job.indptr, p + layer.weights, z, sums,
            job.bounds,
        )
    elif s.begun:
        for g in range(job.n_groups):
            add_to(count, ahead(job, w, g, real_) + first * layer.n_out, z)
    else:
        for g in range(job.n_groups):
            group_product(s, g, n, w.rows + first, sums)
            add_to(count, sums, z)


cdef inline void forward(const Step *s, Py_ssize_t first, Py_ssize_t n, const real *real_) noexcept nogil:
    """Compute all layers' values, and the slopes of the activations, for n rows of the batch."""
    cdef const Job *job = s.job
    cdef const Work *w = s.work
    cdef real *p = network(job.parameters, job, s.k, real_)
    cdef real[2] hyper
    cdef real *z
    cdef real *slope
    cdef const Layer *layer
    cdef Py_ssize_t l, at
    for l in range(job.n_layers):
        layer = &job.layers[l]
        at = first * layer.n_out
        z, slope = units(w, layer.values + at, real_), units(w, layer.slopes + at, real_)
        if l == 0:
            first_layer(s, first, n, z, real_)
        else:
            product(n, 0, layer.n_in, layer.n_out, inputs(job, w, l) + first, p + layer.weights, p + layer.biases, z)
        if layer.activation != NULL:
            hyper[0], hyper[1] = <real> layer.hyper[0], <real> layer.hyper[1]
            if real is float:
                (<activation_float> layer.activation)(n * layer.n_out, z, slope, hyper)
            else:
                (<activation_double> layer.activation)(n * layer.n_out, z, slope, hyper)
            if layer.dropped and job.learns:
                drop(job.seeds[s.k], job.t + s.number, l, layer, at, n * layer.n_out, z, slope)


cdef inline double weight_of(const Job *job, Py_ssize_t k, Py_ssize_t row) noexcept nogil:
    return 1 if job.weights == NULL else job.weights[row * job.weights_columns + (0 if job.weights_columns == 1 else k)]


cdef inline void measure(const Step *s, Py_ssize_t first, Py_ssize_t n, const real *real_) noexcept nogil:
    """Find the losses of n rows of the batch, and make the outputs' slopes those of the batch's mean loss."""
    cdef const Job *job = s.job
    cdef const Work *w = s.work
    cdef const Layer *last = &job.layers[job.n_layers - 1]
    cdef const int64_t *order = job.order + s.low + first
    cdef real *slopes = units(w, last.slopes + first * job.n_outputs, real_)
    cdef real *losses = <real *> w.losses + first
    cdef double divisor = s.n * job.mean_weight[s.k]
    cdef real factor
    cdef Py_ssize_t i, j
    for i in range(n):
        losses[i] = 0
    for i in range(min(n, job.n_rows - s.low - first - s.n)):
        fetch(<const real *> job.targets + order[s.n + i] * job.n_targets)  # of the next batch
    for i in range(job.n_heads):
        measure_head(
            &job.heads[i], n, order, <const real *> job.targets, job.n_targets, units(w, last.values + first * job.n_outputs, real_),
            job.n_outputs, losses, slopes, <real *> w.heads + first * (4 * job.widest + 1),
        )
    for i in range(n):
        factor = <real> (weight_of(job, s.k, order[i]) / divisor)
        for j in range(job.n_outputs):
            slopes[i * job.n_outputs + j] *= factor


cdef inline void backward(const Step *s, Py_ssize_t first, Py_ssize_t n, const real *real_) noexcept nogil:
    """Compute the slopes of the loss for the units of all hidden layers from those of the outputs, for n rows of the batch."""
    cdef const Job *job = s.job
    cdef const Work *w = s.work
    cdef real *spare = <real *> w.spare + first * job.widest
    cdef real *before
    cdef const Layer *layer
    cdef Py_ssize_t l, i
    for l in range(job.n_layers - 1, 0, -1):
        layer = &job.layers[l]
        product(n, 0, layer.n_out, layer.n_in, slope_rows(job, w, l) + first, turned(job, w, l, real_), <real *> NULL, spare)
        before = units(w, job.layers[l - 1].slopes + first * layer.n_in, real_)
        for i in range(n * layer.n_in):
            before[i] *= spare[i]
