"""``math`` for lanes: made of additions, multiplications, divisions and shifts, so that loops over lanes vectorise.

The polynomials are added up in pairs, not one after the other, because each addition waits for the last (Estrin's scheme). IEEE 754
fixes the last bit of each of these, so that results are the same on every processor and for every number of lanes; they are within 3 ulp
of the exact ones. Each literal has its type: beside a float, Cython takes an integer for a double.
"""
from cython cimport floating
from libc cimport math as c

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    /* 2**n, for an n that was rounded to an integer by adding 1.5 * 2**23 (or 2**52): its last bits then are those of the integer. */
    static inline float power_of_two_float(float n) {
        uint32_t bits; n += 12582912.0f; memcpy(&bits, &n, 4); bits = (bits << 23) + 0x3f800000u; memcpy(&n, &bits, 4); return n;
    }
    static inline double power_of_two_double(double n) {
        uint64_t bits; n += 6755399441055744.0; memcpy(&bits, &n, 8); bits = (bits << 52) + 0x3ff0000000000000u; memcpy(&n, &bits, 8);
        return n;
    }
    """
    float power_of_two_float(float n) noexcept nogil
    double power_of_two_double(double n) noexcept nogil


cdef inline floating fabs(floating x) noexcept nogil:
    return c.fabsf(x) if floating is float else c.fabs(x)


cdef inline float exp_float(float x) noexcept nogil:
    cdef float n, half, r, q, y
    x = <float> -104 if x < <float> -104 else (<float> 89 if x > <float> 89 else x)
    n = (x * <float> 1.44269504 + <float> 12582912) - <float> 12582912
    r = (x - n * <float> 0.693359375) + n * <float> 2.12194440e-4
    q = r * r
    y = (<float> 1 / <float> 24 + r * (<float> 1 / <float> 120)) + q * (<float> 1 / <float> 720 + r * (<float> 1 / <float> 5040))
    y = (<float> 1 / <float> 2 + r * (<float> 1 / <float> 6)) + q * y
    y = (q * y + r) + <float> 1
    half = (n * <float> 0.5 + <float> 12582912) - <float> 12582912  # in two factors: 2**n alone may be subnormal or infinite
    return y * power_of_two_float(half) * power_of_two_float(n - half)


cdef inline double exp_double(double x) noexcept nogil:
    cdef double n, half, r, q, q2, y
    x = -746 if x < -746 else (710 if x > 710 else x)
    n = (x * 1.4426950408889634 + 6755399441055744.0) - 6755399441055744.0
    r = (x - n * 0.693145751953125) - n * 1.42860682030941723212e-6
    q = r * r
    q2 = q * q
    y = (1.0 / 3628800.0 + r * (1.0 / 39916800.0)) + q * (1.0 / 479001600.0 + r * (1.0 / 6227020800.0))
    y = ((1.0 / 720.0 + r * (1.0 / 5040.0)) + q * (1.0 / 40320.0 + r * (1.0 / 362880.0))) + q2 * y
    y = ((1.0 / 2.0 + r * (1.0 / 6.0)) + q * (1.0 / 24.0 + r * (1.0 / 120.0))) + q2 * y
    y = (q * y + r) + 1
    half = (n * 0.5 + 6755399441055744.0) - 6755399441055744.0
    return y * power_of_two_double(half) * power_of_two_double(n - half)


cdef inline floating exp(floating x) noexcept nogil:
    """Return e**x: x = n ln 2 + r, the series for r; 0 and infinity beyond the range of the dtype."""
    if floating is float:
        return exp_float(x)
    else:
        return exp_double(x)


cdef inline floating log1p(floating x) noexcept nogil:
    """Return log(1 + x) for x from 0 to 1, which is what losses need: 2 artanh(s) with s = x / (2 + x), by its series."""
    cdef floating s = x / (<floating> 2 + x)
    cdef floating q = s * s
    cdef floating q2 = q * q
    cdef floating y
    if floating is float:
        y = <float> 1 / <float> 11 + q * (<float> 1 / <float> 13)
    else:
        y = (1.0 / 27.0 + q * (1.0 / 29.0)) + q2 * (1.0 / 31.0)
        y = ((1.0 / 19.0 + q * (1.0 / 21.0)) + q2 * (1.0 / 23.0 + q * (1.0 / 25.0))) + (q2 * q2) * y
        y = ((1.0 / 11.0 + q * (1.0 / 13.0)) + q2 * (1.0 / 15.0 + q * (1.0 / 17.0))) + (q2 * q2) * y
    y = (<floating> 1 / <floating> 7 + q * (<floating> 1 / <floating> 9)) + q2 * y
    y = (<floating> 1 / <floating> 3 + q * (<floating> 1 / <floating> 5)) + q2 * y
    s = s + s
    return s + s * (q * y)
