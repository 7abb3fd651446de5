"""What the epoch of a network is made of: its description, and the loops that are not matrix products.

Sums over many numbers have a fixed order, so that they are the same on every processor.
"""
from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
cimport fastgd._kernels.lane_math as math

cdef enum:
    SUMS_WIDE = 16  # partial sums side by side
    SHORT = 2048  # squares of float32 in sums of their own width
    SHORT_WIDE = 64  # of these side by side
    PADDING = 64  # elements behind every operand of a product, which it may read
    SLOTS = 8  # state arrays of a rule, at most
    SCALARS = 32  # scalars of a rule, at most
    GROUPS = 4  # of features, at most, whose sums the first layer adds up

cdef extern from "_products.h" nogil:
    void fetch "PRODUCTS_FETCH"(const void *address) noexcept nogil
    void product_float(
        Py_ssize_t n, Py_ssize_t skip, Py_ssize_t n_k, Py_ssize_t n_columns, const float **a, const float *b, const float *start,
        float *c
    ) noexcept nogil
    void product_double(
        Py_ssize_t n, Py_ssize_t skip, Py_ssize_t n_k, Py_ssize_t n_columns, const double **a, const double *b, const double *start,
        double *c
    ) noexcept nogil
    void product_across_float(
        Py_ssize_t low, Py_ssize_t high, Py_ssize_t n_k, Py_ssize_t n_columns, const float **a, const float *b, float *c,
        const float **next
    ) noexcept nogil
    void product_across_double(
        Py_ssize_t low, Py_ssize_t high, Py_ssize_t n_k, Py_ssize_t n_columns, const double **a, const double *b, double *c,
        const double **next
    ) noexcept nogil

cdef extern from *:
    """
    #include <float.h>
    #define SHORT_LEAST 1e-30
    #define SHORT_MOST 1e36
    """
    double SHORT_LEAST, SHORT_MOST  # of a float32: what the mean and the sum of squares must lie between
    float FLT_MIN
    double DBL_MIN

ctypedef fused real:
    float
    double
ctypedef fused index:
    int32_t
    int64_t

# What an epoch adds up for each network: the steps' losses, weights, penalties, gradient norms, clippings, bad gradients.
cdef enum:
    LOSS, WEIGHTED_LOSS, WEIGHT, PENALTY, NORM, CLIPPED, NONFINITE, SUMS

# What is measured of each layer on the last step of a slice.
cdef enum:
    GRADIENT, UPDATE, DEAD, REPORTS

# What is measured of each stretch of the parameters in a step.
cdef enum:
    SQUARE, WORTH, BAD, MEASURED

cdef enum Kind:
    CODES, PROBABILITIES, SINGLE

cdef struct Layer:
    Py_ssize_t n_in, n_out
    Py_ssize_t weights, biases  # where they begin among the parameters
    Py_ssize_t values, slopes  # where those of its units begin in `Work.units`
    Py_ssize_t first_part, n_parts, rows_of_part  # its parameters in stretches of so many rows of weights, biases with the last
    void *activation  # NULL for the outputs
    double[2] hyper
    uint32_t dropped  # units of 2**24
    double kept  # the factor of the others

cdef struct Head:
    Kind kind
    Py_ssize_t first, n_out, target  # its outputs, and its first column of the targets
    double weight, parameter  # the loss's: a temperature, or its hyperparameter
    void *loss  # the loop of a loss of single outputs

# What one thread writes to.
cdef struct Work:
    void *units
    void *gradient
    void *spare  # the slope of the loss for the values of a layer
    void *turned  # the weights of each layer but the first, transposed, at their distance from the second layer's
    void *heads  # raw predictions, targets, losses and slopes of one head
    void *before  # the parameters before a step
    void *losses  # of each row of the batch
    void *ahead  # (GROUPS, rows, units of the first layer): its sums over each group of features; NULL for those too many for a cache
    void **rows  # the addresses of the rows that go into each layer, then those of each layer's slopes, then the next batch's rows
    double *parts  # (n_parts, MEASURED): what is measured of each stretch of the parameters


cdef inline uint64_t mixed64(uint64_t x) noexcept nogil:
    """SplitMix64's output function (Steele, Lea and Flood, 2014)."""
    x += <uint64_t> 0x9E3779B97F4A7C15
    x = (x ^ (x >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * <uint64_t> 0x94D049BB133111EB
    return x ^ (x >> 31)


cdef inline uint32_t mixed32(uint32_t x) noexcept nogil:
    """A bijection of 32 bits with low bias (C. Wellons, hash-prospector), which vectorises."""
    x = (x ^ (x >> 16)) * <uint32_t> 0x7feb352d
    x = (x ^ (x >> 15)) * <uint32_t> 0x846ca68b
    return x ^ (x >> 16)


cdef inline void drop(
    uint64_t seed, int64_t step, Py_ssize_t l, const Layer *layer, Py_ssize_t first, Py_ssize_t n, real *value, real *slope
) noexcept nogil:
    """Inverted dropout: a pure function of seed, step, layer, and the unit's place in the batch (from `first` on) says which are 0."""
    cdef uint64_t key = mixed64(mixed64(mixed64(seed) + <uint64_t> step) + <uint64_t> l)
    cdef uint32_t low = <uint32_t> key, high = <uint32_t> (key >> 32), dropped = layer.dropped
    cdef real kept = <real> layer.kept, factor
    cdef Py_ssize_t i
    for i in range(n):
        factor = kept if (mixed32(mixed32(<uint32_t> (first + i) ^ low) ^ high) >> 8) >= dropped else 0
        value[i] *= factor
        slope[i] *= factor


cdef inline double added(double *sums) noexcept nogil:
    cdef Py_ssize_t j, width = SUMS_WIDE
    while width > 1:
        width = width // 2
        for j in range(width):
            sums[j] += sums[j + width]
    return sums[0]


cdef inline double wide_square_sum(Py_ssize_t n, const real *x) noexcept nogil:
    cdef double[SUMS_WIDE] sums
    cdef Py_ssize_t i, j, whole = n - n % SUMS_WIDE
    for j in range(SUMS_WIDE):
        sums[j] = 0
    for i in range(n // SUMS_WIDE):
        for j in range(SUMS_WIDE):
            sums[j] += <double> x[i * SUMS_WIDE + j] * <double> x[i * SUMS_WIDE + j]
    for i in range(whole, n):
        sums[i - whole] += <double> x[i] * <double> x[i]
    return added(sums)


cdef inline double short_square_sum(Py_ssize_t n, const float *x) noexcept nogil:
    """Return the sum of at most SHORT squares, n being a multiple of SHORT_WIDE."""
    cdef float[SHORT_WIDE] sums
    cdef double[SUMS_WIDE] wide
    cdef Py_ssize_t i, j
    for j in range(SHORT_WIDE):
        sums[j] = 0
    for i in range(n // SHORT_WIDE):
        for j in range(SHORT_WIDE):
            sums[j] += x[i * SHORT_WIDE + j] * x[i * SHORT_WIDE + j]
    for j in range(SUMS_WIDE):
        wide[j] = sums[j]
    for i in range(1, SHORT_WIDE // SUMS_WIDE):
        for j in range(SUMS_WIDE):
            wide[j] += sums[i * SUMS_WIDE + j]
    return added(wide)


cdef inline double square_sum(Py_ssize_t n, const real *x) noexcept nogil:
    """Return the sum of squares; of float32 in short sums of their own width, unless one overflows or much of it may have vanished."""
    cdef double total = 0
    cdef Py_ssize_t first = 0, whole = n - n % SHORT_WIDE
    if real is double:
        return wide_square_sum(n, x)
    while first < whole:
        total += short_square_sum(min(whole - first, SHORT), <const float *> x + first)
        first += SHORT
    total += wide_square_sum(n - whole, x + whole)
    return total if n * SHORT_LEAST < total < SHORT_MOST else wide_square_sum(n, x)


cdef inline double absolute_sum(Py_ssize_t n, const real *x) noexcept nogil:
    cdef double[SUMS_WIDE] sums
    cdef Py_ssize_t i, j, whole = n - n % SUMS_WIDE
    for j in range(SUMS_WIDE):
        sums[j] = 0
    for i in range(n // SUMS_WIDE):
        for j in range(SUMS_WIDE):
            sums[j] += math.fabs(<double> x[i * SUMS_WIDE + j])
    for i in range(whole, n):
        sums[i - whole] += math.fabs(<double> x[i])
    return added(sums)


cdef inline double distance(Py_ssize_t n, const real *x, const real *y) noexcept nogil:
    """Return the squared distance of two arrays."""
    cdef double[SUMS_WIDE] sums
    cdef double d
    cdef Py_ssize_t i, j, whole = n - n % SUMS_WIDE
    for j in range(SUMS_WIDE):
        sums[j] = 0
    for i in range(n // SUMS_WIDE):
        for j in range(SUMS_WIDE):
            d = <double> x[i * SUMS_WIDE + j] - <double> y[i * SUMS_WIDE + j]
            sums[j] += d * d
    for i in range(whole, n):
        d = <double> x[i] - <double> y[i]
        sums[i - whole] += d * d
    return added(sums)


cdef inline void add_penalty(Py_ssize_t n, const real *w, real *g, real l2, real l1) noexcept nogil:
    """Add the gradient of ``l2 |w|**2 / 2 + l1 |w|_1``, that of the latter being 0 at 0."""
    cdef Py_ssize_t i
    if l1 == 0:
        for i in range(n):
            g[i] += l2 * w[i]
    else:
        for i in range(n):
            g[i] += l2 * w[i] + (l1 if w[i] > 0 else (-l1 if w[i] < 0 else <real> 0))


cdef inline void decay(Py_ssize_t n, real *w, real share) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        w[i] -= share * w[i]


cdef inline void shrink(Py_ssize_t n, real *w, real amount) noexcept nogil:
    """Move each weight towards 0, not beyond: the proximal step of an L1 penalty."""
    cdef Py_ssize_t i
    for i in range(n):
        w[i] = w[i] - amount if w[i] > amount else (w[i] + amount if w[i] < -amount else <real> 0 * w[i])


cdef inline void flush(Py_ssize_t n, real *x) noexcept nogil:
    """Make subnormal numbers 0."""
    cdef real least = <real> FLT_MIN if real is float else <real> DBL_MIN
    cdef Py_ssize_t i
    for i in range(n):
        x[i] = <real> 0 if math.fabs(x[i]) < least else x[i]


cdef inline void constrain(const Layer *layer, real *w, double largest, real *squares) noexcept nogil:
    """Scale the weights into each unit so that their norm is `largest` at most."""
    cdef Py_ssize_t i, j
    for j in range(layer.n_out):
        squares[j] = 0
    for i in range(layer.n_in):
        for j in range(layer.n_out):
            squares[j] += w[i * layer.n_out + j] * w[i * layer.n_out + j]
    for j in range(layer.n_out):
        squares[j] = <real> (largest / sqrt(squares[j])) if squares[j] > largest * largest else <real> 1
    for i in range(layer.n_in):
        for j in range(layer.n_out):
            w[i * layer.n_out + j] *= squares[j]


cdef inline void raise_to_zero(Py_ssize_t n, real *w) noexcept nogil:
    """Set negative weights to 0."""
    cdef Py_ssize_t i
    for i in range(n):
        w[i] = <real> 0 if w[i] < 0 else w[i]


cdef inline void keep(Py_ssize_t n, const unsigned char *kept, real *x) noexcept nogil:
    """Set the others to 0."""
    cdef Py_ssize_t i
    for i in range(n):
        x[i] = x[i] if kept[i] else <real> 0


cdef inline void turn(Py_ssize_t first, Py_ssize_t stop, Py_ssize_t n_in, Py_ssize_t n_out, const real *w, real *turned) noexcept nogil:
    """Transpose the rows from `first` to `stop`."""
    cdef Py_ssize_t i, j
    for j in range(n_out):
        for i in range(first, stop):
            turned[j * n_in + i] = w[i * n_out + j]


cdef inline void add_rows(Py_ssize_t n, Py_ssize_t n_out, const real *slopes, real *total) noexcept nogil:
    """Add up rows: the gradient of the biases."""
    cdef Py_ssize_t i, j
    for j in range(n_out):
        total[j] = 0
    for i in range(n):
        for j in range(n_out):
            total[j] += slopes[i * n_out + j]


cdef inline double dead(Py_ssize_t n, Py_ssize_t n_out, const real *slopes, real *sizes) noexcept nogil:
    """Return the share of units through which no row of the batch sends a gradient."""
    cdef Py_ssize_t i, j, count = 0
    for j in range(n_out):
        sizes[j] = 0
    for i in range(n):
        for j in range(n_out):
            sizes[j] += math.fabs(slopes[i * n_out + j])
    for j in range(n_out):
        count += sizes[j] == 0
    return <double> count / n_out


cdef inline void add_to(Py_ssize_t n, const real *x, real *total) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        total[i] += x[i]


cdef inline void start_rows(Py_ssize_t n, Py_ssize_t n_out, const real *start, real *z) noexcept nogil:
    """Set n rows to the biases."""
    cdef Py_ssize_t i, j
    for i in range(n):
        for j in range(n_out):
            z[i * n_out + j] = start[j]


cdef inline void sparse_product(
    Py_ssize_t n, Py_ssize_t n_out, const int64_t *order, const real *data, const index *indices, const index *indptr, const real *w,
    real *z, real *sums, const Py_ssize_t *bounds,
) noexcept nogil:
    """Add the first layer's sums on sparse rows to z, a group of features after the other, each in the order of the stored values."""
    cdef Py_ssize_t r, j, g
    cdef index k
    cdef const real *row
    cdef real x
    for r in range(n):
        g = 0
        for j in range(n_out):
            sums[j] = 0
        for k in range(indptr[order[r]], indptr[order[r] + 1]):
            if not bounds[g] <= indices[k] < bounds[g + 1]:
                add_to(n_out, sums, z + r * n_out)
                for j in range(n_out):
                    sums[j] = 0
                g = 0
                while bounds[g + 1] <= indices[k]:
                    g += 1
            row, x = w + indices[k] * n_out, data[k]
            for j in range(n_out):
                sums[j] += x * row[j]
        add_to(n_out, sums, z + r * n_out)


cdef inline void sparse_product_across(
    Py_ssize_t n, Py_ssize_t n_out, const int64_t *order, const real *data, const index *indices, const index *indptr, const real *slopes,
    real *g,
) noexcept nogil:
    """Add the gradient of the first layer's weights on sparse rows to what is there."""
    cdef Py_ssize_t r, j
    cdef index k
    cdef real *row
    cdef const real *slope
    cdef real x
    for r in range(n):
        slope = slopes + r * n_out
        for k in range(indptr[order[r]], indptr[order[r] + 1]):
            row, x = g + indices[k] * n_out, data[k]
            for j in range(n_out):
                row[j] += x * slope[j]
