"""What a block of contiguous memory needs besides the rules: sums of squares, and float16 and bfloat16 to float32 and back.

Compiled once per processor level, like the sweeps; `BLOCKS` holds the addresses.
"""
from libc.stdint cimport uint16_t, uint32_t

cdef enum:
    LANES = 16  # partial sums side by side: their order is fixed here, so it is the same for every vector width

ctypedef fused real:
    float
    double

cdef union Bits:
    float f
    uint32_t u


cdef inline double folded(double *sums) noexcept nogil:
    """Return the sum of the lanes."""
    cdef Py_ssize_t j, width = LANES
    while width > 1:
        width = width // 2
        for j in range(width):
            sums[j] += sums[j + width]
    return sums[0]


cdef inline double square_sum(Py_ssize_t n, const real *x) noexcept nogil:
    """Sum of squares in float64: no float32 can overflow or underflow it, and NaN or infinity make it non-finite."""
    cdef double sums[LANES]
    cdef Py_ssize_t i, j, whole = n // LANES
    for j in range(LANES):
        sums[j] = 0
    for i in range(whole):
        for j in range(LANES):
            sums[j] += <double> x[i * LANES + j] * <double> x[i * LANES + j]
    for i in range(whole * LANES, n):
        sums[i - whole * LANES] += <double> x[i] * <double> x[i]
    return folded(sums)


cdef inline double change_sum(Py_ssize_t n, const real *new, const real *old) noexcept nogil:
    """Sum of squares of what was added, in the same way."""
    cdef double sums[LANES]
    cdef Py_ssize_t i, j, whole = n // LANES
    for j in range(LANES):
        sums[j] = 0
    for i in range(whole):
        for j in range(LANES):
            sums[j] += squared(<double> (new[i * LANES + j] - old[i * LANES + j]))
    for i in range(whole * LANES, n):
        sums[i - whole * LANES] += squared(<double> (new[i] - old[i]))
    return folded(sums)


cdef inline double squared(double x) noexcept nogil:
    return x * x


cdef double square_sum_float32(Py_ssize_t n, const void *x) noexcept nogil:
    return square_sum[float](n, <const float *> x)


cdef double square_sum_float64(Py_ssize_t n, const void *x) noexcept nogil:
    return square_sum[double](n, <const double *> x)


cdef double change_sum_float32(Py_ssize_t n, const void *new, const void *old) noexcept nogil:
    return change_sum[float](n, <const float *> new, <const float *> old)


cdef double change_sum_float64(Py_ssize_t n, const void *new, const void *old) noexcept nogil:
    return change_sum[double](n, <const double *> new, <const double *> old)


cdef inline float widened_float16(uint16_t half) noexcept nogil:
    """Shift the bits into place and multiply by 2**112, which also normalises subnormals; infinity and NaN keep their exponent."""
    cdef Bits x, magic
    cdef uint32_t magnitude = half & 0x7fff
    x.u = magnitude << 13
    magic.u = (254 - 15) << 23
    x.f = x.f * magic.f
    x.u = x.u | (<uint32_t> 0x7f800000 if magnitude >= 0x7c00 else 0) | (<uint32_t> (half & 0x8000) << 16)
    return x.f


cdef inline uint16_t narrowed_float16(float value) noexcept nogil:
    """Round to nearest, ties to even. Subnormals: let the adder round by adding a number whose last bit is float16's smallest."""
    cdef Bits x, subnormal, magic
    cdef uint32_t sign, normal, special
    x.f = value
    sign = x.u & <uint32_t> 0x80000000
    x.u = x.u ^ sign
    normal = (x.u - ((127 - 15) << 23) + 0xfff + ((x.u >> 13) & 1)) >> 13
    magic.u = ((127 - 15) + (23 - 10) + 1) << 23
    subnormal.f = x.f + magic.f
    special = 0x7e00 if x.u > 0x7f800000 else 0x7c00
    normal = special if x.u >= ((127 + 16) << 23) else normal
    normal = subnormal.u - magic.u if x.u < ((127 - 14) << 23) else normal
    return <uint16_t> (normal | (sign >> 16))


cdef inline float widened_bfloat16(uint16_t half) noexcept nogil:
    cdef Bits x
    x.u = <uint32_t> half << 16
    return x.f


cdef inline uint16_t narrowed_bfloat16(float value) noexcept nogil:
    """Round to nearest, ties to even; a NaN stays a (quiet) NaN."""
    cdef Bits x
    cdef uint32_t rounded
    x.f = value
    rounded = (x.u + 0x7fff + ((x.u >> 16) & 1)) >> 16
    return <uint16_t> (((x.u >> 16) | 0x40) if (x.u & 0x7fffffff) > 0x7f800000 else rounded)


cdef void widen_float16(Py_ssize_t n, const void *source, float *target) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        target[i] = widened_float16((<const uint16_t *> source)[i])


cdef void narrow_float16(Py_ssize_t n, const float *source, void *target) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        (<uint16_t *> target)[i] = narrowed_float16(source[i])


cdef void widen_bfloat16(Py_ssize_t n, const void *source, float *target) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        target[i] = widened_bfloat16((<const uint16_t *> source)[i])


cdef void narrow_bfloat16(Py_ssize_t n, const float *source, void *target) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        (<uint16_t *> target)[i] = narrowed_bfloat16(source[i])


BLOCKS = {
    ("square_sum", "float32"): <size_t> &square_sum_float32,
    ("square_sum", "float64"): <size_t> &square_sum_float64,
    ("change_sum", "float32"): <size_t> &change_sum_float32,
    ("change_sum", "float64"): <size_t> &change_sum_float64,
    ("widen", "float16"): <size_t> &widen_float16,
    ("narrow", "float16"): <size_t> &narrow_float16,
    ("widen", "bfloat16"): <size_t> &widen_bfloat16,
    ("narrow", "bfloat16"): <size_t> &narrow_bfloat16,
}
