"""Forward and backward through one network with some rows of a batch: from rows to losses, from losses to the slopes of all units."""
from libc.stdint cimport int32_t, int64_t, uint64_t

from fastgd._kernels.network_heads cimport measure_head
from fastgd._kernels.network_parts cimport (
    SLOTS, Head, Layer, Work, drop, product_across_double, product_across_float, product_double, product_float, real, sparse_product,
)

cdef enum:
    MOST_LAYERS = 64
    MOST_HEADS = 64
    MOST_THREADS = 256

ctypedef Py_ssize_t (*sweep_function)(Py_ssize_t n, void **arrays, const void *scalars) noexcept nogil
ctypedef void (*activation_float)(Py_ssize_t n, float *z, float *slope, const float *hyper) noexcept nogil
ctypedef void (*activation_double)(Py_ssize_t n, double *z, double *slope, const double *hyper) noexcept nogil

# Whether sharing its steps pays for a network now: threads may be busy with other things, or far from each other.
cdef struct Pace:
    int64_t steps  # so far
    double alone, shared  # seconds of the last steps that were tried so
    bint sharing  # has won

# Everything that the compiled code knows.
cdef struct Job:
    # the networks
    Layer[MOST_LAYERS] layers
    Head[MOST_HEADS] heads
    Py_ssize_t n_layers, n_heads, n_networks, n_parameters, stride  # elements from one network's parameters to the next one's
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
    bint learns
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


cdef inline void product(
    Py_ssize_t n, Py_ssize_t n_k, Py_ssize_t m, void **a, const real *b, const real *start, real *c
) noexcept nogil:
    """C = start + A B, of n rows and m columns."""
    if real is float:
        product_float(n, n_k, m, <const float **> a, b, start, c)
    else:
        product_double(n, n_k, m, <const double **> a, b, start, c)


cdef inline void product_across(
    Py_ssize_t low, Py_ssize_t high, Py_ssize_t n_k, Py_ssize_t m, void **a, const real *b, real *c
) noexcept nogil:
    """The rows from `low` to `high` of C = A' B, of m columns."""
    if real is float:
        product_across_float(low, high, n_k, m, <const float **> a, b, c)
    else:
        product_across_double(low, high, n_k, m, <const double **> a, b, c)


cdef inline void address_batch(const Job *job, const Work *w, Py_ssize_t low, Py_ssize_t n, const real *real_) noexcept nogil:
    """Find the dense rows of a batch. They are used in place: copying them first was slower, from memory as from a cache."""
    cdef Py_ssize_t i
    for i in range(n):
        w.rows[i] = <real *> job.data + job.order[low + i] * job.row_stride


cdef inline void forward(const Step *s, Py_ssize_t first, Py_ssize_t n, const real *real_) noexcept nogil:
    """Compute all layers' values, and the slopes of the activations, for n rows of the batch."""
    cdef const Job *job = s.job
    cdef const Work *w = s.work
    cdef real *p = network(job.parameters, job, s.k, real_)
    cdef real[2] hyper
    cdef real *z
    cdef real *slope
    cdef const Layer *layer
    cdef const int64_t *order = job.order + s.low + first
    cdef Py_ssize_t l, at
    for l in range(job.n_layers):
        layer = &job.layers[l]
        at = first * layer.n_out
        z, slope = units(w, layer.values + at, real_), units(w, layer.slopes + at, real_)
        if l == 0 and job.index_size == 4:
            sparse_product(
                n, layer.n_out, order, <const real *> job.data, <const int32_t *> job.indices, <const int32_t *> job.indptr,
                p + layer.weights, p + layer.biases, z,
            )
        elif l == 0 and job.index_size == 8:
            sparse_product(
                n, layer.n_out, order, <const real *> job.data, <const int64_t *> job.indices, <const int64_t *> job.indptr,
                p + layer.weights, p + layer.biases, z,
            )
        else:
            product(n, layer.n_in, layer.n_out, inputs(job, w, l) + first, p + layer.weights, p + layer.biases, z)
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
        product(n, layer.n_out, layer.n_in, slope_rows(job, w, l) + first, turned(job, w, l, real_), <real *> NULL, spare)
        before = units(w, job.layers[l - 1].slopes + first * layer.n_in, real_)
        for i in range(n * layer.n_in):
            before[i] *= spare[i]
