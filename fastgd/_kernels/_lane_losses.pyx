# Generated from losses.py by emit.py. Do not edit: change the loss, then run `python -m fastgd._kernels.emit`.
"""Every loss over a fixed number of lanes, whose loop the compiler vectorises; `LANE_LOSSES` holds the loops' addresses.

`LANE_SLOPES` holds those of the slopes alone, of one lane: its numbers stay in registers.
"""
from cython cimport floating
cimport fastgd._kernels.lane_math as math

cdef extern from *:
    """
    typedef float *__restrict float32_array;
    typedef double *__restrict float64_array;
    """
    ctypedef float *float32_array
    ctypedef double *float64_array


cdef inline (floating, floating) squared_error(
    floating z, floating y
) noexcept nogil:
    cdef floating r
    r = z - y
    return r * r / <floating> 2, r


cdef float squared_error_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return squared_error(z, y)[1]


cdef double squared_error_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return squared_error(z, y)[1]


cdef void squared_error_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = squared_error(z[i_], y[i_])


cdef void squared_error_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = squared_error(z[i_], y[i_])


cdef void squared_error_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = squared_error(z[i_], y[i_])


cdef void squared_error_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = squared_error(z[i_], y[i_])


cdef void squared_error_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = squared_error(z[i_], y[i_])


cdef void squared_error_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = squared_error(z[i_], y[i_])


cdef void squared_error_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = squared_error(z[i_], y[i_])


cdef void squared_error_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = squared_error(z[i_], y[i_])


cdef inline (floating, floating) huber(
    floating z, floating y, floating epsilon
) noexcept nogil:
    cdef floating r, size, value
    r = z - y
    size = math.fabs(r)
    value = r * r / <floating> 2 if size <= epsilon else epsilon * (size - epsilon / <floating> 2)
    return value, epsilon if r > epsilon else (-epsilon if r < -epsilon else r)


cdef float huber_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return huber(z, y, hyper[0])[1]


cdef double huber_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return huber(z, y, hyper[0])[1]


cdef void huber_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = huber(z[i_], y[i_], hyper[0 + i_])


cdef void huber_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = huber(z[i_], y[i_], hyper[0 + i_])


cdef void huber_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = huber(z[i_], y[i_], hyper[0 + i_])


cdef void huber_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = huber(z[i_], y[i_], hyper[0 + i_])


cdef void huber_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = huber(z[i_], y[i_], hyper[0 + i_])


cdef void huber_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = huber(z[i_], y[i_], hyper[0 + i_])


cdef void huber_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = huber(z[i_], y[i_], hyper[0 + i_])


cdef void huber_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = huber(z[i_], y[i_], hyper[0 + i_])


cdef inline (floating, floating) epsilon_insensitive(
    floating z, floating y, floating epsilon
) noexcept nogil:
    cdef floating excess, r, slope
    r = z - y
    excess = math.fabs(r) - epsilon
    slope = <floating> 1 if r > epsilon else (-<floating> 1 if r < -epsilon else r * <floating> 0)
    return excess if excess > <floating> 0 else excess * <floating> 0, slope


cdef float epsilon_insensitive_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return epsilon_insensitive(z, y, hyper[0])[1]


cdef double epsilon_insensitive_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return epsilon_insensitive(z, y, hyper[0])[1]


cdef void epsilon_insensitive_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void epsilon_insensitive_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void epsilon_insensitive_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void epsilon_insensitive_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void epsilon_insensitive_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void epsilon_insensitive_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void epsilon_insensitive_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void epsilon_insensitive_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef inline (floating, floating) squared_epsilon_insensitive(
    floating z, floating y, floating epsilon
) noexcept nogil:
    cdef floating excess, r
    r = z - y
    excess = r - epsilon if r > epsilon else (r + epsilon if r < -epsilon else r * <floating> 0)
    return excess * excess, <floating> 2 * excess


cdef float squared_epsilon_insensitive_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return squared_epsilon_insensitive(z, y, hyper[0])[1]


cdef double squared_epsilon_insensitive_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return squared_epsilon_insensitive(z, y, hyper[0])[1]


cdef void squared_epsilon_insensitive_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = squared_epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void squared_epsilon_insensitive_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = squared_epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void squared_epsilon_insensitive_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = squared_epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void squared_epsilon_insensitive_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = squared_epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void squared_epsilon_insensitive_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = squared_epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void squared_epsilon_insensitive_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = squared_epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void squared_epsilon_insensitive_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = squared_epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef void squared_epsilon_insensitive_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = squared_epsilon_insensitive(z[i_], y[i_], hyper[0 + i_])


cdef inline (floating, floating) quantile(
    floating z, floating y, floating q
) noexcept nogil:
    cdef floating r
    r = y - z
    return q * r if r >= <floating> 0 else (q - <floating> 1) * r, -q if r >= <floating> 0 else <floating> 1 - q


cdef float quantile_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return quantile(z, y, hyper[0])[1]


cdef double quantile_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return quantile(z, y, hyper[0])[1]


cdef void quantile_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = quantile(z[i_], y[i_], hyper[0 + i_])


cdef void quantile_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = quantile(z[i_], y[i_], hyper[0 + i_])


cdef void quantile_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = quantile(z[i_], y[i_], hyper[0 + i_])


cdef void quantile_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = quantile(z[i_], y[i_], hyper[0 + i_])


cdef void quantile_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = quantile(z[i_], y[i_], hyper[0 + i_])


cdef void quantile_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = quantile(z[i_], y[i_], hyper[0 + i_])


cdef void quantile_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = quantile(z[i_], y[i_], hyper[0 + i_])


cdef void quantile_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = quantile(z[i_], y[i_], hyper[0 + i_])


cdef inline (floating, floating) logcosh(
    floating z, floating y, floating log2
) noexcept nogil:
    cdef floating e, r, size, slope
    r = z - y
    size = math.fabs(r)
    e = math.exp(-<floating> 2 * size)
    slope = (<floating> 1 - e) / (<floating> 1 + e)
    return size + math.log1p(e) - log2, slope if r > <floating> 0 else -slope


cdef float logcosh_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return logcosh(z, y, hyper[0])[1]


cdef double logcosh_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return logcosh(z, y, hyper[0])[1]


cdef void logcosh_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = logcosh(z[i_], y[i_], hyper[0 + i_])


cdef void logcosh_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = logcosh(z[i_], y[i_], hyper[0 + i_])


cdef void logcosh_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = logcosh(z[i_], y[i_], hyper[0 + i_])


cdef void logcosh_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = logcosh(z[i_], y[i_], hyper[0 + i_])


cdef void logcosh_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = logcosh(z[i_], y[i_], hyper[0 + i_])


cdef void logcosh_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = logcosh(z[i_], y[i_], hyper[0 + i_])


cdef void logcosh_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = logcosh(z[i_], y[i_], hyper[0 + i_])


cdef void logcosh_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = logcosh(z[i_], y[i_], hyper[0 + i_])


cdef inline (floating, floating) poisson(
    floating z, floating y
) noexcept nogil:
    cdef floating rate
    rate = math.exp(z)
    return rate - y * z, rate - y


cdef float poisson_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return poisson(z, y)[1]


cdef double poisson_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return poisson(z, y)[1]


cdef void poisson_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = poisson(z[i_], y[i_])


cdef void poisson_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = poisson(z[i_], y[i_])


cdef void poisson_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = poisson(z[i_], y[i_])


cdef void poisson_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = poisson(z[i_], y[i_])


cdef void poisson_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = poisson(z[i_], y[i_])


cdef void poisson_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = poisson(z[i_], y[i_])


cdef void poisson_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = poisson(z[i_], y[i_])


cdef void poisson_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = poisson(z[i_], y[i_])


cdef inline (floating, floating) gamma(
    floating z, floating y
) noexcept nogil:
    cdef floating ratio
    ratio = y * math.exp(-z)
    return z + ratio, <floating> 1 - ratio


cdef float gamma_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return gamma(z, y)[1]


cdef double gamma_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return gamma(z, y)[1]


cdef void gamma_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = gamma(z[i_], y[i_])


cdef void gamma_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = gamma(z[i_], y[i_])


cdef void gamma_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = gamma(z[i_], y[i_])


cdef void gamma_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = gamma(z[i_], y[i_])


cdef void gamma_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = gamma(z[i_], y[i_])


cdef void gamma_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = gamma(z[i_], y[i_])


cdef void gamma_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = gamma(z[i_], y[i_])


cdef void gamma_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = gamma(z[i_], y[i_])


cdef inline (floating, floating) tweedie(
    floating z, floating y, floating power
) noexcept nogil:
    cdef floating rate, ratio
    rate = math.exp((<floating> 2 - power) * z)
    ratio = y * math.exp((<floating> 1 - power) * z) if y > <floating> 0 else y * <floating> 0  # far out the exponential is infinite
    return rate / (<floating> 2 - power) - ratio / (<floating> 1 - power), rate - ratio


cdef float tweedie_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return tweedie(z, y, hyper[0])[1]


cdef double tweedie_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return tweedie(z, y, hyper[0])[1]


cdef void tweedie_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = tweedie(z[i_], y[i_], hyper[0 + i_])


cdef void tweedie_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = tweedie(z[i_], y[i_], hyper[0 + i_])


cdef void tweedie_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = tweedie(z[i_], y[i_], hyper[0 + i_])


cdef void tweedie_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = tweedie(z[i_], y[i_], hyper[0 + i_])


cdef void tweedie_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = tweedie(z[i_], y[i_], hyper[0 + i_])


cdef void tweedie_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = tweedie(z[i_], y[i_], hyper[0 + i_])


cdef void tweedie_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = tweedie(z[i_], y[i_], hyper[0 + i_])


cdef void tweedie_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = tweedie(z[i_], y[i_], hyper[0 + i_])


cdef inline (floating, floating) log_loss(
    floating z, floating y
) noexcept nogil:
    cdef floating e, p
    e = math.exp(-math.fabs(z))
    p = (<floating> 1 if z >= <floating> 0 else e) / (<floating> 1 + e)
    return math.log1p(e) + (z if z > <floating> 0 else z * <floating> 0) - y * z, p - y


cdef float log_loss_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return log_loss(z, y)[1]


cdef double log_loss_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return log_loss(z, y)[1]


cdef void log_loss_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = log_loss(z[i_], y[i_])


cdef void log_loss_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = log_loss(z[i_], y[i_])


cdef void log_loss_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = log_loss(z[i_], y[i_])


cdef void log_loss_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = log_loss(z[i_], y[i_])


cdef void log_loss_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = log_loss(z[i_], y[i_])


cdef void log_loss_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = log_loss(z[i_], y[i_])


cdef void log_loss_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = log_loss(z[i_], y[i_])


cdef void log_loss_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = log_loss(z[i_], y[i_])


cdef inline (floating, floating) focal(
    floating z, floating y, floating gamma
) noexcept nogil:
    cdef floating e, margin, near, p, q, surprise, weight
    margin = (<floating> 2 * y - <floating> 1) * z
    e = math.exp(-math.fabs(margin))
    near = math.log1p(e)
    surprise = near - (margin if margin < <floating> 0 else margin * <floating> 0)  # -log p, p the probability of the target
    p = (<floating> 1 if margin >= <floating> 0 else e) / (<floating> 1 + e)
    q = (e if margin >= <floating> 0 else <floating> 1) / (<floating> 1 + e)
    weight = math.exp(-gamma * (near + (margin if margin > <floating> 0 else margin * <floating> 0)))  # q**gamma
    return weight * surprise, (<floating> 1 - <floating> 2 * y) * weight * (q + gamma * p * surprise)


cdef float focal_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return focal(z, y, hyper[0])[1]


cdef double focal_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return focal(z, y, hyper[0])[1]


cdef void focal_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = focal(z[i_], y[i_], hyper[0 + i_])


cdef void focal_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = focal(z[i_], y[i_], hyper[0 + i_])


cdef void focal_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = focal(z[i_], y[i_], hyper[0 + i_])


cdef void focal_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef float32_array hyper = <float32_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = focal(z[i_], y[i_], hyper[0 + i_])


cdef void focal_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = focal(z[i_], y[i_], hyper[0 + i_])


cdef void focal_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = focal(z[i_], y[i_], hyper[0 + i_])


cdef void focal_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = focal(z[i_], y[i_], hyper[0 + i_])


cdef void focal_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef float64_array hyper = <float64_array> hyper_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = focal(z[i_], y[i_], hyper[0 + i_])


cdef inline (floating, floating) hinge(
    floating z, floating y
) noexcept nogil:
    cdef floating short
    short = <floating> 1 - y * z
    return short if short > <floating> 0 else short * <floating> 0, -y if short >= <floating> 0 else y * <floating> 0


cdef float hinge_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return hinge(z, y)[1]


cdef double hinge_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return hinge(z, y)[1]


cdef void hinge_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = hinge(z[i_], y[i_])


cdef void hinge_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = hinge(z[i_], y[i_])


cdef void hinge_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = hinge(z[i_], y[i_])


cdef void hinge_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = hinge(z[i_], y[i_])


cdef void hinge_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = hinge(z[i_], y[i_])


cdef void hinge_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = hinge(z[i_], y[i_])


cdef void hinge_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = hinge(z[i_], y[i_])


cdef void hinge_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = hinge(z[i_], y[i_])


cdef inline (floating, floating) squared_hinge(
    floating z, floating y
) noexcept nogil:
    cdef floating short
    short = <floating> 1 - y * z
    short = short if short > <floating> 0 else short * <floating> 0
    return short * short, -<floating> 2 * y * short


cdef float squared_hinge_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return squared_hinge(z, y)[1]


cdef double squared_hinge_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return squared_hinge(z, y)[1]


cdef void squared_hinge_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = squared_hinge(z[i_], y[i_])


cdef void squared_hinge_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = squared_hinge(z[i_], y[i_])


cdef void squared_hinge_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = squared_hinge(z[i_], y[i_])


cdef void squared_hinge_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = squared_hinge(z[i_], y[i_])


cdef void squared_hinge_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = squared_hinge(z[i_], y[i_])


cdef void squared_hinge_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = squared_hinge(z[i_], y[i_])


cdef void squared_hinge_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = squared_hinge(z[i_], y[i_])


cdef void squared_hinge_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = squared_hinge(z[i_], y[i_])


cdef inline (floating, floating) perceptron(
    floating z, floating y
) noexcept nogil:
    cdef floating margin
    margin = y * z
    return -margin if margin <= <floating> 0 else margin * <floating> 0, -y if margin <= <floating> 0 else y * <floating> 0


cdef float perceptron_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return perceptron(z, y)[1]


cdef double perceptron_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return perceptron(z, y)[1]


cdef void perceptron_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = perceptron(z[i_], y[i_])


cdef void perceptron_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = perceptron(z[i_], y[i_])


cdef void perceptron_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = perceptron(z[i_], y[i_])


cdef void perceptron_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = perceptron(z[i_], y[i_])


cdef void perceptron_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = perceptron(z[i_], y[i_])


cdef void perceptron_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = perceptron(z[i_], y[i_])


cdef void perceptron_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = perceptron(z[i_], y[i_])


cdef void perceptron_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = perceptron(z[i_], y[i_])


cdef inline (floating, floating) modified_huber(
    floating z, floating y
) noexcept nogil:
    cdef floating margin, short, slope
    margin = y * z
    short = <floating> 1 - margin
    short = short if short > <floating> 0 else short * <floating> 0
    slope = -<floating> 4 * y if margin < -<floating> 1 else -<floating> 2 * y * short
    return -<floating> 4 * margin if margin < -<floating> 1 else short * short, slope


cdef float modified_huber_float32_slope(float z, float y, const float *hyper) noexcept nogil:
    return modified_huber(z, y)[1]


cdef double modified_huber_float64_slope(double z, double y, const double *hyper) noexcept nogil:
    return modified_huber(z, y)[1]


cdef void modified_huber_float32_1(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = modified_huber(z[i_], y[i_])


cdef void modified_huber_float32_4(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = modified_huber(z[i_], y[i_])


cdef void modified_huber_float32_8(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = modified_huber(z[i_], y[i_])


cdef void modified_huber_float32_16(
    const float *z_, const float *y_, const float *hyper_, float *value_, float *slope_
) noexcept nogil:
    cdef float32_array z = <float32_array> z_
    cdef float32_array y = <float32_array> y_
    cdef float32_array value = <float32_array> value_
    cdef float32_array slope = <float32_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = modified_huber(z[i_], y[i_])


cdef void modified_huber_float64_1(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(1):
        value[i_], slope[i_] = modified_huber(z[i_], y[i_])


cdef void modified_huber_float64_4(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(4):
        value[i_], slope[i_] = modified_huber(z[i_], y[i_])


cdef void modified_huber_float64_8(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(8):
        value[i_], slope[i_] = modified_huber(z[i_], y[i_])


cdef void modified_huber_float64_16(
    const double *z_, const double *y_, const double *hyper_, double *value_, double *slope_
) noexcept nogil:
    cdef float64_array z = <float64_array> z_
    cdef float64_array y = <float64_array> y_
    cdef float64_array value = <float64_array> value_
    cdef float64_array slope = <float64_array> slope_
    cdef Py_ssize_t i_
    for i_ in range(16):
        value[i_], slope[i_] = modified_huber(z[i_], y[i_])


LANE_LOSSES = {
    ("squared_error", "float32", 1): <size_t> &squared_error_float32_1,
    ("squared_error", "float32", 4): <size_t> &squared_error_float32_4,
    ("squared_error", "float32", 8): <size_t> &squared_error_float32_8,
    ("squared_error", "float32", 16): <size_t> &squared_error_float32_16,
    ("squared_error", "float64", 1): <size_t> &squared_error_float64_1,
    ("squared_error", "float64", 4): <size_t> &squared_error_float64_4,
    ("squared_error", "float64", 8): <size_t> &squared_error_float64_8,
    ("squared_error", "float64", 16): <size_t> &squared_error_float64_16,
    ("huber", "float32", 1): <size_t> &huber_float32_1,
    ("huber", "float32", 4): <size_t> &huber_float32_4,
    ("huber", "float32", 8): <size_t> &huber_float32_8,
    ("huber", "float32", 16): <size_t> &huber_float32_16,
    ("huber", "float64", 1): <size_t> &huber_float64_1,
    ("huber", "float64", 4): <size_t> &huber_float64_4,
    ("huber", "float64", 8): <size_t> &huber_float64_8,
    ("huber", "float64", 16): <size_t> &huber_float64_16,
    ("epsilon_insensitive", "float32", 1): <size_t> &epsilon_insensitive_float32_1,
    ("epsilon_insensitive", "float32", 4): <size_t> &epsilon_insensitive_float32_4,
    ("epsilon_insensitive", "float32", 8): <size_t> &epsilon_insensitive_float32_8,
    ("epsilon_insensitive", "float32", 16): <size_t> &epsilon_insensitive_float32_16,
    ("epsilon_insensitive", "float64", 1): <size_t> &epsilon_insensitive_float64_1,
    ("epsilon_insensitive", "float64", 4): <size_t> &epsilon_insensitive_float64_4,
    ("epsilon_insensitive", "float64", 8): <size_t> &epsilon_insensitive_float64_8,
    ("epsilon_insensitive", "float64", 16): <size_t> &epsilon_insensitive_float64_16,
    ("squared_epsilon_insensitive", "float32", 1): <size_t> &squared_epsilon_insensitive_float32_1,
    ("squared_epsilon_insensitive", "float32", 4): <size_t> &squared_epsilon_insensitive_float32_4,
    ("squared_epsilon_insensitive", "float32", 8): <size_t> &squared_epsilon_insensitive_float32_8,
    ("squared_epsilon_insensitive", "float32", 16): <size_t> &squared_epsilon_insensitive_float32_16,
    ("squared_epsilon_insensitive", "float64", 1): <size_t> &squared_epsilon_insensitive_float64_1,
    ("squared_epsilon_insensitive", "float64", 4): <size_t> &squared_epsilon_insensitive_float64_4,
    ("squared_epsilon_insensitive", "float64", 8): <size_t> &squared_epsilon_insensitive_float64_8,
    ("squared_epsilon_insensitive", "float64", 16): <size_t> &squared_epsilon_insensitive_float64_16,
    ("quantile", "float32", 1): <size_t> &quantile_float32_1,
    ("quantile", "float32", 4): <size_t> &quantile_float32_4,
    ("quantile", "float32", 8): <size_t> &quantile_float32_8,
    ("quantile", "float32", 16): <size_t> &quantile_float32_16,
    ("quantile", "float64", 1): <size_t> &quantile_float64_1,
    ("quantile", "float64", 4): <size_t> &quantile_float64_4,
    ("quantile", "float64", 8): <size_t> &quantile_float64_8,
    ("quantile", "float64", 16): <size_t> &quantile_float64_16,
    ("logcosh", "float32", 1): <size_t> &logcosh_float32_1,
    ("logcosh", "float32", 4): <size_t> &logcosh_float32_4,
    ("logcosh", "float32", 8): <size_t> &logcosh_float32_8,
    ("logcosh", "float32", 16): <size_t> &logcosh_float32_16,
    ("logcosh", "float64", 1): <size_t> &logcosh_float64_1,
    ("logcosh", "float64", 4): <size_t> &logcosh_float64_4,
    ("logcosh", "float64", 8): <size_t> &logcosh_float64_8,
    ("logcosh", "float64", 16): <size_t> &logcosh_float64_16,
    ("poisson", "float32", 1): <size_t> &poisson_float32_1,
    ("poisson", "float32", 4): <size_t> &poisson_float32_4,
    ("poisson", "float32", 8): <size_t> &poisson_float32_8,
    ("poisson", "float32", 16): <size_t> &poisson_float32_16,
    ("poisson", "float64", 1): <size_t> &poisson_float64_1,
    ("poisson", "float64", 4): <size_t> &poisson_float64_4,
    ("poisson", "float64", 8): <size_t> &poisson_float64_8,
    ("poisson", "float64", 16): <size_t> &poisson_float64_16,
    ("gamma", "float32", 1): <size_t> &gamma_float32_1,
    ("gamma", "float32", 4): <size_t> &gamma_float32_4,
    ("gamma", "float32", 8): <size_t> &gamma_float32_8,
    ("gamma", "float32", 16): <size_t> &gamma_float32_16,
    ("gamma", "float64", 1): <size_t> &gamma_float64_1,
    ("gamma", "float64", 4): <size_t> &gamma_float64_4,
    ("gamma", "float64", 8): <size_t> &gamma_float64_8,
    ("gamma", "float64", 16): <size_t> &gamma_float64_16,
    ("tweedie", "float32", 1): <size_t> &tweedie_float32_1,
    ("tweedie", "float32", 4): <size_t> &tweedie_float32_4,
    ("tweedie", "float32", 8): <size_t> &tweedie_float32_8,
    ("tweedie", "float32", 16): <size_t> &tweedie_float32_16,
    ("tweedie", "float64", 1): <size_t> &tweedie_float64_1,
    ("tweedie", "float64", 4): <size_t> &tweedie_float64_4,
    ("tweedie", "float64", 8): <size_t> &tweedie_float64_8,
    ("tweedie", "float64", 16): <size_t> &tweedie_float64_16,
    ("log_loss", "float32", 1): <size_t> &log_loss_float32_1,
    ("log_loss", "float32", 4): <size_t> &log_loss_float32_4,
    ("log_loss", "float32", 8): <size_t> &log_loss_float32_8,
    ("log_loss", "float32", 16): <size_t> &log_loss_float32_16,
    ("log_loss", "float64", 1): <size_t> &log_loss_float64_1,
    ("log_loss", "float64", 4): <size_t> &log_loss_float64_4,
    ("log_loss", "float64", 8): <size_t> &log_loss_float64_8,
    ("log_loss", "float64", 16): <size_t> &log_loss_float64_16,
    ("focal", "float32", 1): <size_t> &focal_float32_1,
    ("focal", "float32", 4): <size_t> &focal_float32_4,
    ("focal", "float32", 8): <size_t> &focal_float32_8,
    ("focal", "float32", 16): <size_t> &focal_float32_16,
    ("focal", "float64", 1): <size_t> &focal_float64_1,
    ("focal", "float64", 4): <size_t> &focal_float64_4,
    ("focal", "float64", 8): <size_t> &focal_float64_8,
    ("focal", "float64", 16): <size_t> &focal_float64_16,
    ("hinge", "float32", 1): <size_t> &hinge_float32_1,
    ("hinge", "float32", 4): <size_t> &hinge_float32_4,
    ("hinge", "float32", 8): <size_t> &hinge_float32_8,
    ("hinge", "float32", 16): <size_t> &hinge_float32_16,
    ("hinge", "float64", 1): <size_t> &hinge_float64_1,
    ("hinge", "float64", 4): <size_t> &hinge_float64_4,
    ("hinge", "float64", 8): <size_t> &hinge_float64_8,
    ("hinge", "float64", 16): <size_t> &hinge_float64_16,
    ("squared_hinge", "float32", 1): <size_t> &squared_hinge_float32_1,
    ("squared_hinge", "float32", 4): <size_t> &squared_hinge_float32_4,
    ("squared_hinge", "float32", 8): <size_t> &squared_hinge_float32_8,
    ("squared_hinge", "float32", 16): <size_t> &squared_hinge_float32_16,
    ("squared_hinge", "float64", 1): <size_t> &squared_hinge_float64_1,
    ("squared_hinge", "float64", 4): <size_t> &squared_hinge_float64_4,
    ("squared_hinge", "float64", 8): <size_t> &squared_hinge_float64_8,
    ("squared_hinge", "float64", 16): <size_t> &squared_hinge_float64_16,
    ("perceptron", "float32", 1): <size_t> &perceptron_float32_1,
    ("perceptron", "float32", 4): <size_t> &perceptron_float32_4,
    ("perceptron", "float32", 8): <size_t> &perceptron_float32_8,
    ("perceptron", "float32", 16): <size_t> &perceptron_float32_16,
    ("perceptron", "float64", 1): <size_t> &perceptron_float64_1,
    ("perceptron", "float64", 4): <size_t> &perceptron_float64_4,
    ("perceptron", "float64", 8): <size_t> &perceptron_float64_8,
    ("perceptron", "float64", 16): <size_t> &perceptron_float64_16,
    ("modified_huber", "float32", 1): <size_t> &modified_huber_float32_1,
    ("modified_huber", "float32", 4): <size_t> &modified_huber_float32_4,
    ("modified_huber", "float32", 8): <size_t> &modified_huber_float32_8,
    ("modified_huber", "float32", 16): <size_t> &modified_huber_float32_16,
    ("modified_huber", "float64", 1): <size_t> &modified_huber_float64_1,
    ("modified_huber", "float64", 4): <size_t> &modified_huber_float64_4,
    ("modified_huber", "float64", 8): <size_t> &modified_huber_float64_8,
    ("modified_huber", "float64", 16): <size_t> &modified_huber_float64_16,
}


LANE_SLOPES = {
    ("squared_error", "float32"): <size_t> &squared_error_float32_slope,
    ("squared_error", "float64"): <size_t> &squared_error_float64_slope,
    ("huber", "float32"): <size_t> &huber_float32_slope,
    ("huber", "float64"): <size_t> &huber_float64_slope,
    ("epsilon_insensitive", "float32"): <size_t> &epsilon_insensitive_float32_slope,
    ("epsilon_insensitive", "float64"): <size_t> &epsilon_insensitive_float64_slope,
    ("squared_epsilon_insensitive", "float32"): <size_t> &squared_epsilon_insensitive_float32_slope,
    ("squared_epsilon_insensitive", "float64"): <size_t> &squared_epsilon_insensitive_float64_slope,
    ("quantile", "float32"): <size_t> &quantile_float32_slope,
    ("quantile", "float64"): <size_t> &quantile_float64_slope,
    ("logcosh", "float32"): <size_t> &logcosh_float32_slope,
    ("logcosh", "float64"): <size_t> &logcosh_float64_slope,
    ("poisson", "float32"): <size_t> &poisson_float32_slope,
    ("poisson", "float64"): <size_t> &poisson_float64_slope,
    ("gamma", "float32"): <size_t> &gamma_float32_slope,
    ("gamma", "float64"): <size_t> &gamma_float64_slope,
    ("tweedie", "float32"): <size_t> &tweedie_float32_slope,
    ("tweedie", "float64"): <size_t> &tweedie_float64_slope,
    ("log_loss", "float32"): <size_t> &log_loss_float32_slope,
    ("log_loss", "float64"): <size_t> &log_loss_float64_slope,
    ("focal", "float32"): <size_t> &focal_float32_slope,
    ("focal", "float64"): <size_t> &focal_float64_slope,
    ("hinge", "float32"): <size_t> &hinge_float32_slope,
    ("hinge", "float64"): <size_t> &hinge_float64_slope,
    ("squared_hinge", "float32"): <size_t> &squared_hinge_float32_slope,
    ("squared_hinge", "float64"): <size_t> &squared_hinge_float64_slope,
    ("perceptron", "float32"): <size_t> &perceptron_float32_slope,
    ("perceptron", "float64"): <size_t> &perceptron_float64_slope,
    ("modified_huber", "float32"): <size_t> &modified_huber_float32_slope,
    ("modified_huber", "float64"): <size_t> &modified_huber_float64_slope,
}
