# Generated from activations.py by emit_activations.py. Do not edit: change the activation, then run `python -m fastgd._kernels.emit`.
"""Every activation as an inline function and one loop per dtype; `ACTIVATIONS` holds the loops' addresses."""
from cython cimport floating
cimport fastgd._kernels.lane_math as math

cdef extern from *:
    """
    typedef float *__restrict float32_array;
    typedef double *__restrict float64_array;
    """
    ctypedef float *float32_array
    ctypedef double *float64_array


cdef inline (floating, floating) identity(
    floating z
) noexcept nogil:
    return z, z * <floating> 0 + <floating> 1


cdef void identity_float32(Py_ssize_t n_, float *z_, float *slope_, const float *hyper_) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = identity(z[i_])


cdef void identity_float64(Py_ssize_t n_, double *z_, double *slope_, const double *hyper_) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = identity(z[i_])


cdef inline (floating, floating) logistic(
    floating z
) noexcept nogil:
    cdef floating e, p
    e = math.exp(-math.fabs(z))
    p = (<floating> 1 if z >= <floating> 0 else e) / (<floating> 1 + e)
    return p, e / ((<floating> 1 + e) * (<floating> 1 + e))


cdef void logistic_float32(Py_ssize_t n_, float *z_, float *slope_, const float *hyper_) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = logistic(z[i_])


cdef void logistic_float64(Py_ssize_t n_, double *z_, double *slope_, const double *hyper_) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = logistic(z[i_])


cdef inline (floating, floating) tanh(
    floating z
) noexcept nogil:
    cdef floating e, far, near, q, size, value
    size = math.fabs(z)
    q = z * z
    near = z * (<floating> 945 + q * (<floating> 105 + q)) / (<floating> 945 + q * (<floating> 420 + q * <floating> 15))
    e = math.exp(-<floating> 2 * size)
    far = (<floating> 1 - e) / (<floating> 1 + e)
    value = near if <floating> 8 * size < <floating> 1 else (far if z > <floating> 0 else -far)
    return value, <floating> 4 * e / ((<floating> 1 + e) * (<floating> 1 + e))


cdef void tanh_float32(Py_ssize_t n_, float *z_, float *slope_, const float *hyper_) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = tanh(z[i_])


cdef void tanh_float64(Py_ssize_t n_, double *z_, double *slope_, const double *hyper_) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = tanh(z[i_])


cdef inline (floating, floating) relu(
    floating z
) noexcept nogil:
    return z * <floating> 0 if z < <floating> 0 else z, <floating> 1 if z > <floating> 0 else z * <floating> 0


cdef void relu_float32(Py_ssize_t n_, float *z_, float *slope_, const float *hyper_) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = relu(z[i_])


cdef void relu_float64(Py_ssize_t n_, double *z_, double *slope_, const double *hyper_) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = relu(z[i_])


cdef inline (floating, floating) leaky_relu(
    floating z, floating negative
) noexcept nogil:
    return z if z > <floating> 0 else negative * z, <floating> 1 if z > <floating> 0 else negative


cdef void leaky_relu_float32(Py_ssize_t n_, float *z_, float *slope_, const float *hyper_) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array slope = <float32_array> slope_
    cdef float negative = hyper_[0]
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = leaky_relu(z[i_], negative)


cdef void leaky_relu_float64(Py_ssize_t n_, double *z_, double *slope_, const double *hyper_) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array slope = <float64_array> slope_
    cdef double negative = hyper_[0]
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = leaky_relu(z[i_], negative)


cdef inline (floating, floating) elu(
    floating z, floating alpha
) noexcept nogil:
    cdef floating below, e, half, q, t
    half = z / <floating> 2
    q = half * half
    t = half * (<floating> 945 + q * (<floating> 105 + q)) / (<floating> 945 + q * (<floating> 420 + q * <floating> 15))
    e = math.exp(z if z < <floating> 0 else z * <floating> 0)
    below = <floating> 2 * t / (<floating> 1 - t) if -z * <floating> 4 < <floating> 1 else e - <floating> 1
    return z if z > <floating> 0 else alpha * below, <floating> 1 if z > <floating> 0 else alpha * e


cdef void elu_float32(Py_ssize_t n_, float *z_, float *slope_, const float *hyper_) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array slope = <float32_array> slope_
    cdef float alpha = hyper_[0]
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = elu(z[i_], alpha)


cdef void elu_float64(Py_ssize_t n_, double *z_, double *slope_, const double *hyper_) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array slope = <float64_array> slope_
    cdef double alpha = hyper_[0]
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = elu(z[i_], alpha)


cdef inline (floating, floating) silu(
    floating z
) noexcept nogil:
    cdef floating e, p
    e = math.exp(-math.fabs(z))
    p = (<floating> 1 if z >= <floating> 0 else e) / (<floating> 1 + e)
    return z * p, p + z * (e / ((<floating> 1 + e) * (<floating> 1 + e)))


cdef void silu_float32(Py_ssize_t n_, float *z_, float *slope_, const float *hyper_) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = silu(z[i_])


cdef void silu_float64(Py_ssize_t n_, double *z_, double *slope_, const double *hyper_) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = silu(z[i_])


cdef inline (floating, floating) gelu(
    floating z, floating root, floating cubic
) noexcept nogil:
    cdef floating e, p, u
    u = root * (z + cubic * (z * z * z))
    e = math.exp(-math.fabs(u))
    p = (<floating> 1 if u >= <floating> 0 else e) / (<floating> 1 + e)
    return z * p, p + z * (e / ((<floating> 1 + e) * (<floating> 1 + e))) * (root * (<floating> 1 + <floating> 3 * cubic * (z * z)))


cdef void gelu_float32(Py_ssize_t n_, float *z_, float *slope_, const float *hyper_) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array slope = <float32_array> slope_
    cdef float root = hyper_[0]
    cdef float cubic = hyper_[1]
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = gelu(z[i_], root, cubic)


cdef void gelu_float64(Py_ssize_t n_, double *z_, double *slope_, const double *hyper_) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array slope = <float64_array> slope_
    cdef double root = hyper_[0]
    cdef double cubic = hyper_[1]
    cdef Py_ssize_t i_
    for i_ in range(n_):
        z[i_], slope[i_] = gelu(z[i_], root, cubic)


ACTIVATIONS = {
    ("identity", "float32"): <size_t> &identity_float32,
    ("identity", "float64"): <size_t> &identity_float64,
    ("logistic", "float32"): <size_t> &logistic_float32,
    ("logistic", "float64"): <size_t> &logistic_float64,
    ("tanh", "float32"): <size_t> &tanh_float32,
    ("tanh", "float64"): <size_t> &tanh_float64,
    ("relu", "float32"): <size_t> &relu_float32,
    ("relu", "float64"): <size_t> &relu_float64,
    ("leaky_relu", "float32"): <size_t> &leaky_relu_float32,
    ("leaky_relu", "float64"): <size_t> &leaky_relu_float64,
    ("elu", "float32"): <size_t> &elu_float32,
    ("elu", "float64"): <size_t> &elu_float64,
    ("silu", "float32"): <size_t> &silu_float32,
    ("silu", "float64"): <size_t> &silu_float64,
    ("gelu", "float32"): <size_t> &gelu_float32,
    ("gelu", "float64"): <size_t> &gelu_float64,
}
