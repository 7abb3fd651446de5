"""Softmax: the loss of models whose classes are lanes side by side.

The largest prediction is taken from all before, so that no exponential overflows. Exponentials are taken one by one or all lanes at once,
with the same bits; what combines the classes of a model stands once, and in order.
"""
cimport fastgd._kernels.lane_math as math
from libc.math cimport frexp

from fastgd._kernels.lane_rows cimport MOST, block, real


cdef inline double log_of(double x) noexcept nogil:
    """Return the logarithm of a number that is at least 1: of its power of two and of its mantissa, between 1 and 2."""
    cdef int exponent
    cdef double mantissa = 2 * frexp(x, &exponent)
    return (exponent - 1) * 0.6931471805599453 + math.log1p(mantissa - 1)


cdef inline real largest_of(Py_ssize_t n, const real *z) noexcept nogil:
    cdef real largest = z[0]
    cdef Py_ssize_t k
    for k in range(1, n):
        largest = z[k] if z[k] > largest else largest
    return largest


cdef inline void from_exponentials(Py_ssize_t n, const real *z, real largest, Py_ssize_t y, real *value, real *slope) noexcept nogil:
    """Multinomial logistic loss of one row: ``log(sum(exp(z))) - z[y]`` in ``value[0]``, else 0; slope ``exp(z) / sum(exp(z)) - (k == y)``.

    `slope` holds ``exp(z - largest)`` before.
    """
    cdef real total = 0
    cdef Py_ssize_t k
    for k in range(n):
        total += slope[k]
    for k in range(n):
        slope[k] = slope[k] / total
        value[k] = 0
    value[0] = <real> (log_of(total) + (<double> largest - z[y]))
    slope[y] -= 1


cdef inline void softmax(Py_ssize_t n, const real *z, Py_ssize_t y, real *value, real *slope) noexcept nogil:
    """Set the loss and the slopes of one model of class `y`."""
    cdef real largest = largest_of(n, z)
    cdef Py_ssize_t k
    for k in range(n):
        slope[k] = math.exp(z[k] - largest)
    from_exponentials(n, z, largest, y, value, slope)


cdef inline void softmax_lanes(
    Py_ssize_t n_models, Py_ssize_t n_outputs, const real *z, const real *y, real *value, real *slope, block *lanes_
) noexcept nogil:
    """Set the losses and slopes of all models of a block, `n_outputs` lanes each; `y` has a model's class in its first lane."""
    cdef Py_ssize_t K = sizeof(lanes_[0])
    cdef real[MOST] largest
    cdef Py_ssize_t l, model, first
    for l in range(K):
        largest[l], value[l] = z[l], 0
    for model in range(n_models):
        first = model * n_outputs
        largest[first] = largest_of(n_outputs, z + first)
        for l in range(first + 1, first + n_outputs):
            largest[l] = largest[first]
    for l in range(K):
        slope[l] = math.exp(z[l] - largest[l])
    for model in range(n_models):
        first = model * n_outputs
        from_exponentials(n_outputs, z + first, largest[first], <Py_ssize_t> y[first], value + first, slope + first)
    for l in range(n_models * n_outputs, K):
        slope[l] = 0
