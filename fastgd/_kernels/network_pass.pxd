"""Forward and backward through one network with one batch: from rows to losses, from losses to the gradient of all parameters."""
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memset

from fastgd._kernels.network_heads cimport measure_head
from fastgd._kernels.network_parts cimport (
    LOSS, SLOTS, SUMS, WEIGHT, WEIGHTED_LOSS, Head, Layer, Work, add_rows, drop, pool_run, product_across_double, product_across_float,
    product_double, product_float, real, sparse_product, sparse_product_across, turn,
)

cdef enum:
    MOST_LAYERS = 64
    MOST_HEADS = 64
    MOST_THREADS = 256
    PARTS = 8  # of one product that threads share
    TILE = 8  # rows at which a product is cut, for whole tiles
    SHARED_WORK = 1 << 22  # multiplications from which on waking a thread pays

ctypedef Py_ssize_t (*sweep_function)(Py_ssize_t n, void **arrays, const void *scalars) noexcept nogil
ctypedef void (*activation_float)(Py_ssize_t n, float *z, float *slope, const float *hyper) noexcept nogil
ctypedef void (*activation_double)(Py_ssize_t n, double *z, double *slope, const double *hyper) noexcept nogil

# Everything that the compiled code knows.
cdef struct Job:
    # the networks
    Layer[MOST_LAYERS] layers
    Head[MOST_HEADS] heads
    Py_ssize_t n_layers, n_heads, n_networks, n_parameters, stride  # elements from one network's parameters to the next one's
    void *parameters
    void *slots[SLOTS]
    Py_ssize_t n_slots, n_scalars
    sweep_function sweep
    const uint64_t *seeds
    const double *l2
    const double *l1
    bint decoupled, has_penalty, non_negative
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
    Work[MOST_THREADS] works
    int n_works
    int threads  # that share the products and the step of a single network


cdef inline real *units(const Work *w, Py_ssize_t first, const real *real_) noexcept nogil:
    return <real *> w.units + first


cdef inline real *network(const void *base, const Job *job, Py_ssize_t k, const real *real_) noexcept nogil:
    return <real *> base + k * job.stride


# A product that threads share: C's rows in stretches, each of which has the bits that it has alone.
cdef struct Shared:
    Py_ssize_t n, n_k, m
    void **a
    const void *b
    const void *start
    void *c
    bint across


cdef inline void stretch(const Shared *s, Py_ssize_t low, Py_ssize_t high, const real *real_) noexcept nogil:
    cdef const real *b = <const real *> s.b
    cdef const real *start = <const real *> s.start
    cdef real *c = <real *> s.c
    if real is float and s.across:
        product_across_float(low, high, s.n_k, s.m, <const float **> s.a, b, s.m, c, s.m)
    elif real is float:
        product_float(low, high, s.n_k, s.m, <const float **> s.a, b, s.m, start, c, s.m)
    elif s.across:
        product_across_double(low, high, s.n_k, s.m, <const double **> s.a, b, s.m, c, s.m)
    else:
        product_double(low, high, s.n_k, s.m, <const double **> s.a, b, s.m, start, c, s.m)


cdef inline void stretch_float(void *shared, Py_ssize_t k) noexcept nogil:
    cdef const Shared *s = <const Shared *> shared
    stretch(s, s.n * k // PARTS // TILE * TILE, s.n if k == PARTS - 1 else s.n * (k + 1) // PARTS // TILE * TILE, <const float *> NULL)


cdef inline void stretch_double(void *shared, Py_ssize_t k) noexcept nogil:
    cdef const Shared *s = <const Shared *> shared
    stretch(s, s.n * k // PARTS // TILE * TILE, s.n if k == PARTS - 1 else s.n * (k + 1) // PARTS // TILE * TILE, <const double *> NULL)


cdef inline void share(const Job *job, Shared *s, const real *real_) noexcept nogil:
    if job.threads < 2 or s.n * s.n_k * s.m < SHARED_WORK:
        stretch(s, 0, s.n, real_)
    elif real is float:
        pool_run(stretch_float, s, PARTS, job.threads)
    else:
        pool_run(stretch_double, s, PARTS, job.threads)


cdef inline void product(
    const Job *job, Py_ssize_t n, Py_ssize_t n_k, Py_ssize_t m, void **a, const real *b, const real *start, real *c
) noexcept nogil:
    """C = start + A B, of n rows and m columns."""
    cdef Shared s
    s.n, s.n_k, s.m, s.a, s.b, s.start, s.c, s.across = n, n_k, m, a, b, start, c, False
    share(job, &s, c)


cdef inline void product_across(
    const Job *job, Py_ssize_t n, Py_ssize_t n_k, Py_ssize_t m, void **a, const real *b, real *c
) noexcept nogil:
    """C = A' B, of n rows and m columns."""
    cdef Shared s
    s.n, s.n_k, s.m, s.a, s.b, s.start, s.c, s.across = n, n_k, m, a, b, NULL, c, True
    share(job, &s, c)


cdef inline void address_rows(Py_ssize_t n, real *first, Py_ssize_t stride, void **rows) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        rows[i] = first + i * stride


cdef inline void address_batch(const Job *job, const Work *w, Py_ssize_t low, Py_ssize_t n, const real *real_) noexcept nogil:
    """Find the dense rows of a batch. They are used in place: copying them first was slower, from memory as from a cache."""
    cdef Py_ssize_t i
    for i in range(n):
        w.rows[i] = <real *> job.data + job.order[low + i] * job.row_stride


cdef inline void forward(
    const Job *job, const Work *w, Py_ssize_t k, Py_ssize_t low, Py_ssize_t n, int64_t t, const real *real_
) noexcept nogil:
    """Compute all layers' values, and the slopes of the activations, for the rows from `low` on."""
    cdef real *p = network(job.parameters, job, k, real_)
    cdef real[2] hyper
    cdef real *z
    cdef real *slope
    cdef const Layer *layer
    cdef const int64_t *order = job.order + low
    cdef Py_ssize_t l
    if job.index_size == 0:
        address_batch(job, w, low, n, real_)
    for l in range(job.n_layers):
        layer = &job.layers[l]
        z, slope = units(w, layer.values, real_), units(w, layer.slopes, real_)
        if l > 0:
            address_rows(n, units(w, job.layers[l - 1].values, real_), layer.n_in, w.rows)
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
            product(job, n, layer.n_in, layer.n_out, w.rows, p + layer.weights, p + layer.biases, z)
        if layer.activation != NULL:
            hyper[0], hyper[1] = <real> layer.hyper[0], <real> layer.hyper[1]
            if real is float:
                (<activation_float> layer.activation)(n * layer.n_out, z, slope, hyper)
            else:
                (<activation_double> layer.activation)(n * layer.n_out, z, slope, hyper)
            if layer.dropped and job.learns:
                drop(job.seeds[k], t, l, layer, n * layer.n_out, z, slope)


cdef inline void measure(const Job *job, const Work *w, Py_ssize_t k, Py_ssize_t low, Py_ssize_t n, const real *real_) noexcept nogil:
    """Add up the losses, and make the outputs' slopes those of the batch's mean loss."""
    cdef const Layer *last = &job.layers[job.n_layers - 1]
    cdef const int64_t *order = job.order + low
    cdef real *slopes = units(w, last.slopes, real_)
    cdef real *value = <real *> w.spare
    cdef double *sums = job.sums + k * SUMS
    cdef double weight = 1, divisor = n * job.mean_weight[k]
    cdef real factor
    cdef Py_ssize_t i, j
    for i in range(n):
        value[i] = 0
    for i in range(job.n_heads):
        measure_head(
            &job.heads[i], n, order, <const real *> job.targets, job.n_targets, units(w, last.values, real_), job.n_outputs, value, slopes,
            <real *> w.heads,
        )
    for i in range(n):
        if job.weights != NULL:
            weight = job.weights[order[i] * job.weights_columns + (0 if job.weights_columns == 1 else k)]
        sums[LOSS] += value[i]
        sums[WEIGHTED_LOSS] += weight * value[i]
        sums[WEIGHT] += weight
        factor = <real> (weight / divisor)
        for j in range(job.n_outputs):
            slopes[i * job.n_outputs + j] *= factor


cdef inline void backward(const Job *job, const Work *w, Py_ssize_t k, Py_ssize_t low, Py_ssize_t n, const real *real_) noexcept nogil:
    """Compute the gradient of all parameters from the slopes of the outputs."""
    cdef real *p = network(job.parameters, job, k, real_)
    cdef real *g = <real *> w.gradient
    cdef real *spare = <real *> w.spare
    cdef real *slope
    cdef real *before
    cdef const Layer *layer
    cdef const int64_t *order = job.order + low
    cdef Py_ssize_t l, i
    for l in range(job.n_layers - 1, -1, -1):
        layer = &job.layers[l]
        slope = units(w, layer.slopes, real_)
        add_rows(n, layer.n_out, slope, g + layer.biases)
        if l == 0 and job.index_size > 0:
            memset(g + layer.weights, 0, layer.n_in * layer.n_out * sizeof(real))
            if job.index_size == 4:
                sparse_product_across(
                    n, layer.n_out, order, <const real *> job.data, <const int32_t *> job.indices, <const int32_t *> job.indptr, slope,
                    g + layer.weights,
                )
            else:
                sparse_product_across(
                    n, layer.n_out, order, <const real *> job.data, <const int64_t *> job.indices, <const int64_t *> job.indptr, slope,
                    g + layer.weights,
                )
            return
        if l == 0:
            address_batch(job, w, low, n, real_)
        else:
            address_rows(n, units(w, job.layers[l - 1].values, real_), layer.n_in, w.rows)
        product_across(job, layer.n_in, n, layer.n_out, w.rows, slope, g + layer.weights)
        if l > 0:
            turn(layer.n_in, layer.n_out, p + layer.weights, <real *> w.turned)
            address_rows(n, slope, layer.n_out, w.rows)
            product(job, n, layer.n_out, layer.n_in, w.rows, <real *> w.turned, <real *> NULL, spare)
            before = units(w, job.layers[l - 1].slopes, real_)
            for i in range(n * layer.n_in):
                before[i] *= spare[i]
