# Generated from rules.py and codecs.py by emit_stored.py. Do not edit: change the formula, then run `python -m fastgd._kernels.emit`.
"""Rules over state arrays that are stored in fewer bits; `STORED` holds the loops' addresses."""
from cython cimport floating
from libc.stdint cimport int8_t, uint8_t, uint16_t, uint32_t

from fastgd._kernels cimport cmath as math

cdef extern from *:
    """
    typedef float *__restrict float32_array;
    typedef signed char *__restrict int8_array;
    typedef unsigned char *__restrict uint8_array;
    typedef unsigned short *__restrict bfloat16_array;
    """
    ctypedef float *float32_array
    ctypedef int8_t *int8_array
    ctypedef uint8_t *uint8_array
    ctypedef uint16_t *bfloat16_array

cdef enum:
    BLOCK = 256  # elements that share a scale
    DITHER = 31  # of the scalars

# Added to a number below 2**22, it leaves the nearest integer, ties to even, in the last bits.
cdef float ROUNDING = 12582912

cdef union Bits:
    float f
    uint32_t u


cdef inline float wide(uint16_t half) noexcept nogil:
    cdef Bits bits
    bits.u = <uint32_t> half << 16
    return bits.f


cdef inline uint16_t coarse(float x, uint32_t offset) noexcept nogil:
    """Add the dither, in units of the last bit that is kept, and cut off; a NaN stays a (quiet) NaN."""
    cdef Bits bits
    bits.f = x
    return <uint16_t> (((bits.u >> 16) | 0x40) if (bits.u & 0x7fffffff) > 0x7f800000 else (bits.u + offset) >> 16)


cdef inline uint8_t low_byte(float x) noexcept nogil:
    """Round to nearest, ties to even; the integer must fit into a byte, signed or not."""
    cdef Bits bits
    bits.f = x + ROUNDING
    return <uint8_t> (bits.u & 0xff)


cdef inline floating int8_size(
    floating x
) noexcept nogil:
    x = math.fabs(x)
    return x if x > <floating> 0 else <floating> 0  # a NaN too, on every executor


cdef inline floating int8_root(
    floating x, floating root
) noexcept nogil:
    return root if x > <floating> 0 else -root


cdef inline floating int8_code(
    floating root, floating per_root, floating dither
) noexcept nogil:
    cdef floating code
    code = root * per_root + dither
    code = code if code < <floating> 127 else <floating> 127
    return code if code > -<floating> 127 else -<floating> 127


cdef inline floating int8_value(
    floating root, floating power
) noexcept nogil:
    return -power if root < <floating> 0 else power


cdef inline floating uint8_size(
    floating x
) noexcept nogil:
    return x


cdef inline floating uint8_root(
    floating x, floating root
) noexcept nogil:
    return root if x > <floating> 0 else <floating> 0


cdef inline floating uint8_code(
    floating root, floating per_root, floating dither
) noexcept nogil:
    cdef floating code
    code = root * per_root + dither
    code = code if code > <floating> 1 else <floating> 1
    code = code if code < <floating> 255 else <floating> 255
    return code if root > <floating> 0 else <floating> 0


cdef inline floating uint8_value(
    floating root, floating power
) noexcept nogil:
    return power


cdef inline floating code_root(
    floating largest_root, floating share
) noexcept nogil:
    return largest_root * share


cdef inline floating codes_per_root(
    floating scale
) noexcept nogil:
    return <floating> 1 / (scale if scale > <floating> 0 else <floating> 1)


cdef inline floating clipped(
    floating g, floating scale, floating limit
) noexcept nogil:
    g = scale * (g if g - g == <floating> 0 else <floating> 0)
    g = limit if limit < g else g  # one instruction each, in this order of operands
    return -limit if g < -limit else g


cdef inline float root_int8(float x) noexcept nogil:
    cdef Bits bits, of_zero
    bits.f = int8_size(x)
    of_zero.u = 0x1fc00000
    bits.u = (bits.u >> 1) + of_zero.u
    return int8_root(x, bits.f - of_zero.f)


cdef inline float decode_int8(float code, float scale) noexcept nogil:
    cdef Bits bits, of_zero
    cdef float root = code * scale
    of_zero.u = 0x1fc00000
    bits.f = math.fabs(root) + of_zero.f
    bits.u = (bits.u - of_zero.u) << 1
    return int8_value(root, bits.f)


cdef inline float encode_int8(Py_ssize_t n, float *x_, float dither, int8_t *codes_) noexcept nogil:
    # Encode a block and return its scale. Sizes, which are no NaN, are in the order of their bits: a maximum of integers vectorises.
    cdef float32_array x = <float32_array> x_
    cdef int8_array codes = <int8_array> codes_
    cdef Bits size, largest
    cdef float scale, per_root
    cdef Py_ssize_t i
    largest.u = 0
    for i in range(n):
        x[i] = root_int8(x[i])
    for i in range(n):
        size.f = math.fabs(x[i])
        largest.u = size.u if size.u > largest.u else largest.u
    scale = code_root(largest.f, <float> 0.007874015748031496)
    per_root = codes_per_root(scale)
    for i in range(n):
        codes[i] = <int8_t> low_byte(int8_code(x[i], per_root, dither))
    return scale


cdef inline float root_uint8(float x) noexcept nogil:
    cdef Bits bits, of_zero
    bits.f = uint8_size(x)
    of_zero.u = 0x2fa00000
    bits.u = (bits.u >> 2) + of_zero.u
    return uint8_root(x, bits.f - of_zero.f)


cdef inline float decode_uint8(float code, float scale) noexcept nogil:
    cdef Bits bits, of_zero
    cdef float root = code * scale
    of_zero.u = 0x2fa00000
    bits.f = math.fabs(root) + of_zero.f
    bits.u = (bits.u - of_zero.u) << 2
    return uint8_value(root, bits.f)


cdef inline float encode_uint8(Py_ssize_t n, float *x_, float dither, uint8_t *codes_) noexcept nogil:
    # Encode a block and return its scale. Sizes, which are no NaN, are in the order of their bits: a maximum of integers vectorises.
    cdef float32_array x = <float32_array> x_
    cdef uint8_array codes = <uint8_array> codes_
    cdef Bits size, largest
    cdef float scale, per_root
    cdef Py_ssize_t i
    largest.u = 0
    for i in range(n):
        x[i] = root_uint8(x[i])
    for i in range(n):
        size.f = math.fabs(x[i])
        largest.u = size.u if size.u > largest.u else largest.u
    scale = code_root(largest.f, <float> 0.00392156862745098)
    per_root = codes_per_root(scale)
    for i in range(n):
        codes[i] = <uint8_t> low_byte(uint8_code(x[i], per_root, dither))
    return scale


cdef inline (floating, floating) momentum(
    floating p, floating g, floating momentum_buffer, floating lr, floating l2, floating mu, floating mu_c
) noexcept nogil:
    momentum_buffer = mu * momentum_buffer + mu_c * (g + l2 * p)
    return p - lr * momentum_buffer, momentum_buffer


cdef Py_ssize_t momentum_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array momentum_buffer = <bfloat16_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float mu = (<const float *> scalars_)[4]
    cdef float mu_c = (<const float *> scalars_)[5]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float momentum_buffer_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer_new_ = momentum(
            p[i_], clipped(g[i_], scale, limit), wide(momentum_buffer[i_]), lr, l2, mu, mu_c
        )
        momentum_buffer[i_] = coarse(momentum_buffer_new_, offset_)
    return nonfinite_


cdef Py_ssize_t momentum_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array momentum_buffer = <int8_array> arrays_[2]
    cdef float32_array momentum_buffer_scales_ = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float mu = (<const float *> scalars_)[4]
    cdef float mu_c = (<const float *> scalars_)[5]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float momentum_buffer_old_
    cdef float[BLOCK] momentum_buffer_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        momentum_buffer_old_ = momentum_buffer_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], momentum_buffer_new_[i_] = momentum(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> momentum_buffer[i_], momentum_buffer_old_), lr,
                l2, mu, mu_c
            )
        momentum_buffer_scales_[block_] = encode_int8(count_, momentum_buffer_new_, dither_, momentum_buffer)
        p += BLOCK
        g += BLOCK
        momentum_buffer += BLOCK
    return nonfinite_


cdef inline (floating, floating) nesterov(
    floating p, floating g, floating momentum_buffer, floating lr, floating l2, floating mu
) noexcept nogil:
    g = g + l2 * p
    momentum_buffer = mu * momentum_buffer + g
    return p - lr * (g + mu * momentum_buffer), momentum_buffer


cdef Py_ssize_t nesterov_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array momentum_buffer = <bfloat16_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float mu = (<const float *> scalars_)[4]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float momentum_buffer_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer_new_ = nesterov(
            p[i_], clipped(g[i_], scale, limit), wide(momentum_buffer[i_]), lr, l2, mu
        )
        momentum_buffer[i_] = coarse(momentum_buffer_new_, offset_)
    return nonfinite_


cdef Py_ssize_t nesterov_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array momentum_buffer = <int8_array> arrays_[2]
    cdef float32_array momentum_buffer_scales_ = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float mu = (<const float *> scalars_)[4]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float momentum_buffer_old_
    cdef float[BLOCK] momentum_buffer_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        momentum_buffer_old_ = momentum_buffer_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], momentum_buffer_new_[i_] = nesterov(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> momentum_buffer[i_], momentum_buffer_old_), lr,
                l2, mu
            )
        momentum_buffer_scales_[block_] = encode_int8(count_, momentum_buffer_new_, dither_, momentum_buffer)
        p += BLOCK
        g += BLOCK
        momentum_buffer += BLOCK
    return nonfinite_


cdef inline (floating, floating) rmsprop(
    floating p, floating g, floating square_avg, floating lr, floating l2, floating alpha, floating alpha_c,
    floating eps
) noexcept nogil:
    g = g + l2 * p
    square_avg = alpha * square_avg + alpha_c * (g * g)
    return p - lr * g / (math.sqrt(square_avg) + eps), square_avg


cdef Py_ssize_t rmsprop_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array square_avg = <bfloat16_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float alpha = (<const float *> scalars_)[4]
    cdef float alpha_c = (<const float *> scalars_)[5]
    cdef float eps = (<const float *> scalars_)[6]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float square_avg_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], square_avg_new_ = rmsprop(
            p[i_], clipped(g[i_], scale, limit), wide(square_avg[i_]), lr, l2, alpha, alpha_c, eps
        )
        square_avg[i_] = coarse(square_avg_new_, offset_)
    return nonfinite_


cdef Py_ssize_t rmsprop_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef uint8_array square_avg = <uint8_array> arrays_[2]
    cdef float32_array square_avg_scales_ = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float alpha = (<const float *> scalars_)[4]
    cdef float alpha_c = (<const float *> scalars_)[5]
    cdef float eps = (<const float *> scalars_)[6]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float square_avg_old_
    cdef float[BLOCK] square_avg_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        square_avg_old_ = square_avg_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], square_avg_new_[i_] = rmsprop(
                p[i_], clipped(g[i_], scale, limit), decode_uint8(<float> square_avg[i_], square_avg_old_), lr, l2,
                alpha, alpha_c, eps
            )
        square_avg_scales_[block_] = encode_uint8(count_, square_avg_new_, dither_, square_avg)
        p += BLOCK
        g += BLOCK
        square_avg += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating) rmsprop_momentum(
    floating p, floating g, floating square_avg, floating momentum_buffer, floating lr, floating l2, floating alpha,
    floating alpha_c, floating eps, floating mu
) noexcept nogil:
    g = g + l2 * p
    square_avg = alpha * square_avg + alpha_c * (g * g)
    momentum_buffer = mu * momentum_buffer + g / (math.sqrt(square_avg) + eps)
    return p - lr * momentum_buffer, square_avg, momentum_buffer


cdef Py_ssize_t rmsprop_momentum_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array square_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array momentum_buffer = <bfloat16_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float alpha = (<const float *> scalars_)[4]
    cdef float alpha_c = (<const float *> scalars_)[5]
    cdef float eps = (<const float *> scalars_)[6]
    cdef float mu = (<const float *> scalars_)[7]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float square_avg_new_, momentum_buffer_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], square_avg_new_, momentum_buffer_new_ = rmsprop_momentum(
            p[i_], clipped(g[i_], scale, limit), wide(square_avg[i_]), wide(momentum_buffer[i_]), lr, l2, alpha,
            alpha_c, eps, mu
        )
        square_avg[i_] = coarse(square_avg_new_, offset_)
        momentum_buffer[i_] = coarse(momentum_buffer_new_, offset_)
    return nonfinite_


cdef Py_ssize_t rmsprop_momentum_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef uint8_array square_avg = <uint8_array> arrays_[2]
    cdef int8_array momentum_buffer = <int8_array> arrays_[3]
    cdef float32_array square_avg_scales_ = <float32_array> arrays_[4]
    cdef float32_array momentum_buffer_scales_ = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float alpha = (<const float *> scalars_)[4]
    cdef float alpha_c = (<const float *> scalars_)[5]
    cdef float eps = (<const float *> scalars_)[6]
    cdef float mu = (<const float *> scalars_)[7]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float square_avg_old_, momentum_buffer_old_
    cdef float[BLOCK] square_avg_new_, momentum_buffer_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        square_avg_old_ = square_avg_scales_[block_]
        momentum_buffer_old_ = momentum_buffer_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], square_avg_new_[i_], momentum_buffer_new_[i_] = rmsprop_momentum(
                p[i_], clipped(g[i_], scale, limit), decode_uint8(<float> square_avg[i_], square_avg_old_),
                decode_int8(<float> momentum_buffer[i_], momentum_buffer_old_), lr, l2, alpha, alpha_c, eps, mu
            )
        square_avg_scales_[block_] = encode_uint8(count_, square_avg_new_, dither_, square_avg)
        momentum_buffer_scales_[block_] = encode_int8(count_, momentum_buffer_new_, dither_, momentum_buffer)
        p += BLOCK
        g += BLOCK
        square_avg += BLOCK
        momentum_buffer += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating) adadelta(
    floating p, floating g, floating square_avg, floating acc_delta, floating lr, floating l2, floating rho,
    floating rho_c, floating eps
) noexcept nogil:
    cdef floating delta
    g = g + l2 * p
    square_avg = rho * square_avg + rho_c * (g * g)
    delta = math.sqrt(acc_delta + eps) / math.sqrt(square_avg + eps) * g
    acc_delta = rho * acc_delta + rho_c * (delta * delta)
    return p - lr * delta, square_avg, acc_delta


cdef Py_ssize_t adadelta_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array square_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array acc_delta = <bfloat16_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float rho = (<const float *> scalars_)[4]
    cdef float rho_c = (<const float *> scalars_)[5]
    cdef float eps = (<const float *> scalars_)[6]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float square_avg_new_, acc_delta_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], square_avg_new_, acc_delta_new_ = adadelta(
            p[i_], clipped(g[i_], scale, limit), wide(square_avg[i_]), wide(acc_delta[i_]), lr, l2, rho, rho_c, eps
        )
        square_avg[i_] = coarse(square_avg_new_, offset_)
        acc_delta[i_] = coarse(acc_delta_new_, offset_)
    return nonfinite_


cdef Py_ssize_t adadelta_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef uint8_array square_avg = <uint8_array> arrays_[2]
    cdef uint8_array acc_delta = <uint8_array> arrays_[3]
    cdef float32_array square_avg_scales_ = <float32_array> arrays_[4]
    cdef float32_array acc_delta_scales_ = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float rho = (<const float *> scalars_)[4]
    cdef float rho_c = (<const float *> scalars_)[5]
    cdef float eps = (<const float *> scalars_)[6]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float square_avg_old_, acc_delta_old_
    cdef float[BLOCK] square_avg_new_, acc_delta_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        square_avg_old_ = square_avg_scales_[block_]
        acc_delta_old_ = acc_delta_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], square_avg_new_[i_], acc_delta_new_[i_] = adadelta(
                p[i_], clipped(g[i_], scale, limit), decode_uint8(<float> square_avg[i_], square_avg_old_),
                decode_uint8(<float> acc_delta[i_], acc_delta_old_), lr, l2, rho, rho_c, eps
            )
        square_avg_scales_[block_] = encode_uint8(count_, square_avg_new_, dither_, square_avg)
        acc_delta_scales_[block_] = encode_uint8(count_, acc_delta_new_, dither_, acc_delta)
        p += BLOCK
        g += BLOCK
        square_avg += BLOCK
        acc_delta += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating) adam(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating lr, floating l2, floating decay,
    floating b1, floating b1_c, floating b2, floating b2_c, floating debias, floating eps
) noexcept nogil:
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    return p - (decay * p + lr * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps)), exp_avg, exp_avg_sq


cdef Py_ssize_t adam_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array exp_avg_sq = <bfloat16_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float debias = (<const float *> scalars_)[9]
    cdef float eps = (<const float *> scalars_)[10]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_, exp_avg_sq_new_ = adam(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), wide(exp_avg_sq[i_]), lr, l2, decay, b1, b1_c, b2,
            b2_c, debias, eps
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
        exp_avg_sq[i_] = coarse(exp_avg_sq_new_, offset_)
    return nonfinite_


cdef Py_ssize_t adam_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef uint8_array exp_avg_sq = <uint8_array> arrays_[3]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[4]
    cdef float32_array exp_avg_sq_scales_ = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float debias = (<const float *> scalars_)[9]
    cdef float eps = (<const float *> scalars_)[10]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_, exp_avg_sq_old_
    cdef float[BLOCK] exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        exp_avg_sq_old_ = exp_avg_sq_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_], exp_avg_sq_new_[i_] = adam(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_),
                decode_uint8(<float> exp_avg_sq[i_], exp_avg_sq_old_), lr, l2, decay, b1, b1_c, b2, b2_c, debias, eps
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        exp_avg_sq_scales_[block_] = encode_uint8(count_, exp_avg_sq_new_, dither_, exp_avg_sq)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
        exp_avg_sq += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating, floating) amsgrad(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating max_exp_avg_sq, floating lr, floating l2,
    floating decay, floating b1, floating b1_c, floating b2, floating b2_c, floating debias, floating eps
) noexcept nogil:
    cdef floating step
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    max_exp_avg_sq = exp_avg_sq if exp_avg_sq > max_exp_avg_sq else max_exp_avg_sq
    step = lr * exp_avg / (debias * math.sqrt(max_exp_avg_sq) + eps)
    return p - (decay * p + step), exp_avg, exp_avg_sq, max_exp_avg_sq


cdef Py_ssize_t amsgrad_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array exp_avg_sq = <bfloat16_array> arrays_[3]
    cdef bfloat16_array max_exp_avg_sq = <bfloat16_array> arrays_[4]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float debias = (<const float *> scalars_)[9]
    cdef float eps = (<const float *> scalars_)[10]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_, exp_avg_sq_new_, max_exp_avg_sq_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_, exp_avg_sq_new_, max_exp_avg_sq_new_ = amsgrad(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), wide(exp_avg_sq[i_]), wide(max_exp_avg_sq[i_]), lr,
            l2, decay, b1, b1_c, b2, b2_c, debias, eps
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
        exp_avg_sq[i_] = coarse(exp_avg_sq_new_, offset_)
        max_exp_avg_sq[i_] = coarse(max_exp_avg_sq_new_, offset_)
    return nonfinite_


cdef Py_ssize_t amsgrad_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef uint8_array exp_avg_sq = <uint8_array> arrays_[3]
    cdef uint8_array max_exp_avg_sq = <uint8_array> arrays_[4]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[5]
    cdef float32_array exp_avg_sq_scales_ = <float32_array> arrays_[6]
    cdef float32_array max_exp_avg_sq_scales_ = <float32_array> arrays_[7]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float debias = (<const float *> scalars_)[9]
    cdef float eps = (<const float *> scalars_)[10]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_, exp_avg_sq_old_, max_exp_avg_sq_old_
    cdef float[BLOCK] exp_avg_new_, exp_avg_sq_new_, max_exp_avg_sq_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        exp_avg_sq_old_ = exp_avg_sq_scales_[block_]
        max_exp_avg_sq_old_ = max_exp_avg_sq_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_], exp_avg_sq_new_[i_], max_exp_avg_sq_new_[i_] = amsgrad(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_),
                decode_uint8(<float> exp_avg_sq[i_], exp_avg_sq_old_),
                decode_uint8(<float> max_exp_avg_sq[i_], max_exp_avg_sq_old_), lr, l2, decay, b1, b1_c, b2, b2_c,
                debias, eps
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        exp_avg_sq_scales_[block_] = encode_uint8(count_, exp_avg_sq_new_, dither_, exp_avg_sq)
        max_exp_avg_sq_scales_[block_] = encode_uint8(count_, max_exp_avg_sq_new_, dither_, max_exp_avg_sq)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
        exp_avg_sq += BLOCK
        max_exp_avg_sq += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating) adamax(
    floating p, floating g, floating exp_avg, floating exp_inf, floating lr, floating l2, floating b1, floating b1_c,
    floating b2, floating eps
) noexcept nogil:
    cdef floating size
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    size = math.fabs(g) + eps
    exp_inf = size if size > b2 * exp_inf else b2 * exp_inf
    return p - lr * exp_avg / exp_inf, exp_avg, exp_inf


cdef Py_ssize_t adamax_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array exp_inf = <bfloat16_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float b1 = (<const float *> scalars_)[4]
    cdef float b1_c = (<const float *> scalars_)[5]
    cdef float b2 = (<const float *> scalars_)[6]
    cdef float eps = (<const float *> scalars_)[7]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_, exp_inf_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_, exp_inf_new_ = adamax(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), wide(exp_inf[i_]), lr, l2, b1, b1_c, b2, eps
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
        exp_inf[i_] = coarse(exp_inf_new_, offset_)
    return nonfinite_


cdef Py_ssize_t adamax_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef uint8_array exp_inf = <uint8_array> arrays_[3]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[4]
    cdef float32_array exp_inf_scales_ = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float b1 = (<const float *> scalars_)[4]
    cdef float b1_c = (<const float *> scalars_)[5]
    cdef float b2 = (<const float *> scalars_)[6]
    cdef float eps = (<const float *> scalars_)[7]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_, exp_inf_old_
    cdef float[BLOCK] exp_avg_new_, exp_inf_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        exp_inf_old_ = exp_inf_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_], exp_inf_new_[i_] = adamax(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_),
                decode_uint8(<float> exp_inf[i_], exp_inf_old_), lr, l2, b1, b1_c, b2, eps
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        exp_inf_scales_[block_] = encode_uint8(count_, exp_inf_new_, dither_, exp_inf)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
        exp_inf += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating) nadam(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating lr_g, floating lr_m, floating l2,
    floating decay, floating b1, floating b1_c, floating b2, floating b2_c, floating debias, floating eps
) noexcept nogil:
    cdef floating step
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    step = (lr_g * g + lr_m * exp_avg) / (debias * math.sqrt(exp_avg_sq) + eps)
    return p - (decay * p + step), exp_avg, exp_avg_sq


cdef Py_ssize_t nadam_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array exp_avg_sq = <bfloat16_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr_g = (<const float *> scalars_)[2]
    cdef float lr_m = (<const float *> scalars_)[3]
    cdef float l2 = (<const float *> scalars_)[4]
    cdef float decay = (<const float *> scalars_)[5]
    cdef float b1 = (<const float *> scalars_)[6]
    cdef float b1_c = (<const float *> scalars_)[7]
    cdef float b2 = (<const float *> scalars_)[8]
    cdef float b2_c = (<const float *> scalars_)[9]
    cdef float debias = (<const float *> scalars_)[10]
    cdef float eps = (<const float *> scalars_)[11]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_, exp_avg_sq_new_ = nadam(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), wide(exp_avg_sq[i_]), lr_g, lr_m, l2, decay, b1,
            b1_c, b2, b2_c, debias, eps
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
        exp_avg_sq[i_] = coarse(exp_avg_sq_new_, offset_)
    return nonfinite_


cdef Py_ssize_t nadam_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef uint8_array exp_avg_sq = <uint8_array> arrays_[3]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[4]
    cdef float32_array exp_avg_sq_scales_ = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr_g = (<const float *> scalars_)[2]
    cdef float lr_m = (<const float *> scalars_)[3]
    cdef float l2 = (<const float *> scalars_)[4]
    cdef float decay = (<const float *> scalars_)[5]
    cdef float b1 = (<const float *> scalars_)[6]
    cdef float b1_c = (<const float *> scalars_)[7]
    cdef float b2 = (<const float *> scalars_)[8]
    cdef float b2_c = (<const float *> scalars_)[9]
    cdef float debias = (<const float *> scalars_)[10]
    cdef float eps = (<const float *> scalars_)[11]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_, exp_avg_sq_old_
    cdef float[BLOCK] exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        exp_avg_sq_old_ = exp_avg_sq_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_], exp_avg_sq_new_[i_] = nadam(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_),
                decode_uint8(<float> exp_avg_sq[i_], exp_avg_sq_old_), lr_g, lr_m, l2, decay, b1, b1_c, b2, b2_c,
                debias, eps
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        exp_avg_sq_scales_[block_] = encode_uint8(count_, exp_avg_sq_new_, dither_, exp_avg_sq)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
        exp_avg_sq += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating) radam(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating lr, floating l2, floating decay,
    floating b1, floating b1_c, floating b2, floating b2_c, floating adapt, floating plain, floating eps
) noexcept nogil:
    cdef floating step
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    step = lr * exp_avg / (adapt * (math.sqrt(exp_avg_sq) + eps) + plain)
    return p - (decay * p + step), exp_avg, exp_avg_sq


cdef Py_ssize_t radam_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array exp_avg_sq = <bfloat16_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float adapt = (<const float *> scalars_)[9]
    cdef float plain = (<const float *> scalars_)[10]
    cdef float eps = (<const float *> scalars_)[11]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_, exp_avg_sq_new_ = radam(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), wide(exp_avg_sq[i_]), lr, l2, decay, b1, b1_c, b2,
            b2_c, adapt, plain, eps
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
        exp_avg_sq[i_] = coarse(exp_avg_sq_new_, offset_)
    return nonfinite_


cdef Py_ssize_t radam_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef uint8_array exp_avg_sq = <uint8_array> arrays_[3]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[4]
    cdef float32_array exp_avg_sq_scales_ = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float adapt = (<const float *> scalars_)[9]
    cdef float plain = (<const float *> scalars_)[10]
    cdef float eps = (<const float *> scalars_)[11]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_, exp_avg_sq_old_
    cdef float[BLOCK] exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        exp_avg_sq_old_ = exp_avg_sq_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_], exp_avg_sq_new_[i_] = radam(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_),
                decode_uint8(<float> exp_avg_sq[i_], exp_avg_sq_old_), lr, l2, decay, b1, b1_c, b2, b2_c, adapt, plain,
                eps
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        exp_avg_sq_scales_[block_] = encode_uint8(count_, exp_avg_sq_new_, dither_, exp_avg_sq)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
        exp_avg_sq += BLOCK
    return nonfinite_


cdef inline (floating, floating) lion(
    floating p, floating g, floating exp_avg, floating lr, floating decay, floating b1, floating b1_c, floating b2,
    floating b2_c
) noexcept nogil:
    cdef floating step, u
    u = b1 * exp_avg + b1_c * g
    exp_avg = b2 * exp_avg + b2_c * g
    step = lr if u > <floating> 0 else (-lr if u < <floating> 0 else u)
    return p - (decay * p + step), exp_avg


cdef Py_ssize_t lion_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float decay = (<const float *> scalars_)[3]
    cdef float b1 = (<const float *> scalars_)[4]
    cdef float b1_c = (<const float *> scalars_)[5]
    cdef float b2 = (<const float *> scalars_)[6]
    cdef float b2_c = (<const float *> scalars_)[7]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_ = lion(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), lr, decay, b1, b1_c, b2, b2_c
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
    return nonfinite_


cdef Py_ssize_t lion_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float decay = (<const float *> scalars_)[3]
    cdef float b1 = (<const float *> scalars_)[4]
    cdef float b1_c = (<const float *> scalars_)[5]
    cdef float b2 = (<const float *> scalars_)[6]
    cdef float b2_c = (<const float *> scalars_)[7]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_
    cdef float[BLOCK] exp_avg_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_] = lion(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_), lr, decay, b1,
                b1_c, b2, b2_c
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
    return nonfinite_


cdef inline (floating, floating) signum(
    floating p, floating g, floating momentum_buffer, floating lr, floating l2, floating mu, floating mu_c
) noexcept nogil:
    cdef floating step
    momentum_buffer = mu * momentum_buffer + mu_c * (g + l2 * p)
    step = lr if momentum_buffer > <floating> 0 else (-lr if momentum_buffer < <floating> 0 else momentum_buffer)
    return p - step, momentum_buffer


cdef Py_ssize_t signum_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array momentum_buffer = <bfloat16_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float mu = (<const float *> scalars_)[4]
    cdef float mu_c = (<const float *> scalars_)[5]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float momentum_buffer_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer_new_ = signum(
            p[i_], clipped(g[i_], scale, limit), wide(momentum_buffer[i_]), lr, l2, mu, mu_c
        )
        momentum_buffer[i_] = coarse(momentum_buffer_new_, offset_)
    return nonfinite_


cdef Py_ssize_t signum_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array momentum_buffer = <int8_array> arrays_[2]
    cdef float32_array momentum_buffer_scales_ = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float mu = (<const float *> scalars_)[4]
    cdef float mu_c = (<const float *> scalars_)[5]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float momentum_buffer_old_
    cdef float[BLOCK] momentum_buffer_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        momentum_buffer_old_ = momentum_buffer_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], momentum_buffer_new_[i_] = signum(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> momentum_buffer[i_], momentum_buffer_old_), lr,
                l2, mu, mu_c
            )
        momentum_buffer_scales_[block_] = encode_int8(count_, momentum_buffer_new_, dither_, momentum_buffer)
        p += BLOCK
        g += BLOCK
        momentum_buffer += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating) adabelief(
    floating p, floating g, floating exp_avg, floating exp_avg_var, floating lr, floating l2, floating decay,
    floating b1, floating b1_c, floating b2, floating b2_c, floating debias, floating eps
) noexcept nogil:
    cdef floating surprise
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    surprise = g - exp_avg
    exp_avg_var = b2 * exp_avg_var + b2_c * (surprise * surprise) + eps
    return p - (decay * p + lr * exp_avg / (debias * math.sqrt(exp_avg_var) + eps)), exp_avg, exp_avg_var


cdef Py_ssize_t adabelief_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array exp_avg_var = <bfloat16_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float debias = (<const float *> scalars_)[9]
    cdef float eps = (<const float *> scalars_)[10]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_, exp_avg_var_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_, exp_avg_var_new_ = adabelief(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), wide(exp_avg_var[i_]), lr, l2, decay, b1, b1_c, b2,
            b2_c, debias, eps
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
        exp_avg_var[i_] = coarse(exp_avg_var_new_, offset_)
    return nonfinite_


cdef Py_ssize_t adabelief_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef uint8_array exp_avg_var = <uint8_array> arrays_[3]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[4]
    cdef float32_array exp_avg_var_scales_ = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float debias = (<const float *> scalars_)[9]
    cdef float eps = (<const float *> scalars_)[10]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_, exp_avg_var_old_
    cdef float[BLOCK] exp_avg_new_, exp_avg_var_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        exp_avg_var_old_ = exp_avg_var_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_], exp_avg_var_new_[i_] = adabelief(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_),
                decode_uint8(<float> exp_avg_var[i_], exp_avg_var_old_), lr, l2, decay, b1, b1_c, b2, b2_c, debias, eps
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        exp_avg_var_scales_[block_] = encode_uint8(count_, exp_avg_var_new_, dither_, exp_avg_var)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
        exp_avg_var += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating) yogi(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating lr, floating l2, floating decay,
    floating b1, floating b1_c, floating b2_c, floating debias, floating eps
) noexcept nogil:
    cdef floating change, square
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    square = g * g
    change = b2_c * square
    change = change if exp_avg_sq < square else (-change if exp_avg_sq > square else change - change)
    exp_avg_sq = exp_avg_sq + change
    return p - (decay * p + lr * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps)), exp_avg, exp_avg_sq


cdef Py_ssize_t yogi_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array exp_avg_sq = <bfloat16_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2_c = (<const float *> scalars_)[7]
    cdef float debias = (<const float *> scalars_)[8]
    cdef float eps = (<const float *> scalars_)[9]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_, exp_avg_sq_new_ = yogi(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), wide(exp_avg_sq[i_]), lr, l2, decay, b1, b1_c, b2_c,
            debias, eps
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
        exp_avg_sq[i_] = coarse(exp_avg_sq_new_, offset_)
    return nonfinite_


cdef Py_ssize_t yogi_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef uint8_array exp_avg_sq = <uint8_array> arrays_[3]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[4]
    cdef float32_array exp_avg_sq_scales_ = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2_c = (<const float *> scalars_)[7]
    cdef float debias = (<const float *> scalars_)[8]
    cdef float eps = (<const float *> scalars_)[9]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_, exp_avg_sq_old_
    cdef float[BLOCK] exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        exp_avg_sq_old_ = exp_avg_sq_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_], exp_avg_sq_new_[i_] = yogi(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_),
                decode_uint8(<float> exp_avg_sq[i_], exp_avg_sq_old_), lr, l2, decay, b1, b1_c, b2_c, debias, eps
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        exp_avg_sq_scales_[block_] = encode_uint8(count_, exp_avg_sq_new_, dither_, exp_avg_sq)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
        exp_avg_sq += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating) adabound(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating lr, floating l2, floating decay,
    floating b1, floating b1_c, floating b2, floating b2_c, floating eps, floating lowest, floating highest
) noexcept nogil:
    cdef floating rate
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    rate = lr / (math.sqrt(exp_avg_sq) + eps)
    rate = lowest if rate < lowest else (highest if rate > highest else rate)
    return p - (decay * p + rate * exp_avg), exp_avg, exp_avg_sq


cdef Py_ssize_t adabound_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array exp_avg_sq = <bfloat16_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float eps = (<const float *> scalars_)[9]
    cdef float lowest = (<const float *> scalars_)[10]
    cdef float highest = (<const float *> scalars_)[11]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_, exp_avg_sq_new_ = adabound(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), wide(exp_avg_sq[i_]), lr, l2, decay, b1, b1_c, b2,
            b2_c, eps, lowest, highest
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
        exp_avg_sq[i_] = coarse(exp_avg_sq_new_, offset_)
    return nonfinite_


cdef Py_ssize_t adabound_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef uint8_array exp_avg_sq = <uint8_array> arrays_[3]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[4]
    cdef float32_array exp_avg_sq_scales_ = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float eps = (<const float *> scalars_)[9]
    cdef float lowest = (<const float *> scalars_)[10]
    cdef float highest = (<const float *> scalars_)[11]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_, exp_avg_sq_old_
    cdef float[BLOCK] exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        exp_avg_sq_old_ = exp_avg_sq_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_], exp_avg_sq_new_[i_] = adabound(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_),
                decode_uint8(<float> exp_avg_sq[i_], exp_avg_sq_old_), lr, l2, decay, b1, b1_c, b2, b2_c, eps, lowest,
                highest
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        exp_avg_sq_scales_[block_] = encode_uint8(count_, exp_avg_sq_new_, dither_, exp_avg_sq)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
        exp_avg_sq += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating) laprop(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating lr, floating l2, floating decay,
    floating b1, floating b1_c, floating b2, floating b2_c, floating debias, floating eps
) noexcept nogil:
    g = g + l2 * p
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    exp_avg = b1 * exp_avg + b1_c * (g / (debias * math.sqrt(exp_avg_sq) + eps))
    return p - (decay * p + lr * exp_avg), exp_avg, exp_avg_sq


cdef Py_ssize_t laprop_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array exp_avg_sq = <bfloat16_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float debias = (<const float *> scalars_)[9]
    cdef float eps = (<const float *> scalars_)[10]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_, exp_avg_sq_new_ = laprop(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), wide(exp_avg_sq[i_]), lr, l2, decay, b1, b1_c, b2,
            b2_c, debias, eps
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
        exp_avg_sq[i_] = coarse(exp_avg_sq_new_, offset_)
    return nonfinite_


cdef Py_ssize_t laprop_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef uint8_array exp_avg_sq = <uint8_array> arrays_[3]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[4]
    cdef float32_array exp_avg_sq_scales_ = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float debias = (<const float *> scalars_)[9]
    cdef float eps = (<const float *> scalars_)[10]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_, exp_avg_sq_old_
    cdef float[BLOCK] exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        exp_avg_sq_old_ = exp_avg_sq_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_], exp_avg_sq_new_[i_] = laprop(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_),
                decode_uint8(<float> exp_avg_sq[i_], exp_avg_sq_old_), lr, l2, decay, b1, b1_c, b2, b2_c, debias, eps
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        exp_avg_sq_scales_[block_] = encode_uint8(count_, exp_avg_sq_new_, dither_, exp_avg_sq)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
        exp_avg_sq += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating) adopt(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating lr, floating l2, floating decay,
    floating b1, floating b1_c, floating b2, floating b2_c, floating eps, floating largest
) noexcept nogil:
    cdef floating size, u
    g = g + l2 * p
    size = math.sqrt(exp_avg_sq)
    u = g / (size if size > eps else eps)
    u = largest if u > largest else (-largest if u < -largest else u)
    exp_avg = b1 * exp_avg + b1_c * u
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    return p - (decay * p + lr * exp_avg), exp_avg, exp_avg_sq


cdef Py_ssize_t adopt_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array exp_avg_sq = <bfloat16_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float eps = (<const float *> scalars_)[9]
    cdef float largest = (<const float *> scalars_)[10]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_, exp_avg_sq_new_ = adopt(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), wide(exp_avg_sq[i_]), lr, l2, decay, b1, b1_c, b2,
            b2_c, eps, largest
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
        exp_avg_sq[i_] = coarse(exp_avg_sq_new_, offset_)
    return nonfinite_


cdef Py_ssize_t adopt_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef uint8_array exp_avg_sq = <uint8_array> arrays_[3]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[4]
    cdef float32_array exp_avg_sq_scales_ = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float eps = (<const float *> scalars_)[9]
    cdef float largest = (<const float *> scalars_)[10]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_, exp_avg_sq_old_
    cdef float[BLOCK] exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        exp_avg_sq_old_ = exp_avg_sq_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_], exp_avg_sq_new_[i_] = adopt(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_),
                decode_uint8(<float> exp_avg_sq[i_], exp_avg_sq_old_), lr, l2, decay, b1, b1_c, b2, b2_c, eps, largest
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        exp_avg_sq_scales_[block_] = encode_uint8(count_, exp_avg_sq_new_, dither_, exp_avg_sq)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
        exp_avg_sq += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating, floating) ademamix(
    floating p, floating g, floating exp_avg, floating exp_avg_slow, floating exp_avg_sq, floating lr, floating lr_slow,
    floating decay, floating b1, floating b1_c, floating b2, floating b2_c, floating b3, floating b3_c, floating debias,
    floating eps
) noexcept nogil:
    cdef floating step
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_slow = b3 * exp_avg_slow + b3_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    step = (lr * exp_avg + lr_slow * exp_avg_slow) / (debias * math.sqrt(exp_avg_sq) + eps)
    return p - (decay * p + step), exp_avg, exp_avg_slow, exp_avg_sq


cdef Py_ssize_t ademamix_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array exp_avg_slow = <bfloat16_array> arrays_[3]
    cdef bfloat16_array exp_avg_sq = <bfloat16_array> arrays_[4]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float lr_slow = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float b3 = (<const float *> scalars_)[9]
    cdef float b3_c = (<const float *> scalars_)[10]
    cdef float debias = (<const float *> scalars_)[11]
    cdef float eps = (<const float *> scalars_)[12]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_, exp_avg_slow_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_, exp_avg_slow_new_, exp_avg_sq_new_ = ademamix(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), wide(exp_avg_slow[i_]), wide(exp_avg_sq[i_]), lr,
            lr_slow, decay, b1, b1_c, b2, b2_c, b3, b3_c, debias, eps
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
        exp_avg_slow[i_] = coarse(exp_avg_slow_new_, offset_)
        exp_avg_sq[i_] = coarse(exp_avg_sq_new_, offset_)
    return nonfinite_


cdef Py_ssize_t ademamix_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef int8_array exp_avg_slow = <int8_array> arrays_[3]
    cdef uint8_array exp_avg_sq = <uint8_array> arrays_[4]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[5]
    cdef float32_array exp_avg_slow_scales_ = <float32_array> arrays_[6]
    cdef float32_array exp_avg_sq_scales_ = <float32_array> arrays_[7]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float lr_slow = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float b3 = (<const float *> scalars_)[9]
    cdef float b3_c = (<const float *> scalars_)[10]
    cdef float debias = (<const float *> scalars_)[11]
    cdef float eps = (<const float *> scalars_)[12]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_, exp_avg_slow_old_, exp_avg_sq_old_
    cdef float[BLOCK] exp_avg_new_, exp_avg_slow_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        exp_avg_slow_old_ = exp_avg_slow_scales_[block_]
        exp_avg_sq_old_ = exp_avg_sq_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_], exp_avg_slow_new_[i_], exp_avg_sq_new_[i_] = ademamix(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_),
                decode_int8(<float> exp_avg_slow[i_], exp_avg_slow_old_),
                decode_uint8(<float> exp_avg_sq[i_], exp_avg_sq_old_), lr, lr_slow, decay, b1, b1_c, b2, b2_c, b3, b3_c,
                debias, eps
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        exp_avg_slow_scales_[block_] = encode_int8(count_, exp_avg_slow_new_, dither_, exp_avg_slow)
        exp_avg_sq_scales_[block_] = encode_uint8(count_, exp_avg_sq_new_, dither_, exp_avg_sq)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
        exp_avg_slow += BLOCK
        exp_avg_sq += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating) qhadam(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating lr_g, floating lr_m, floating l2,
    floating decay, floating b1, floating b1_c, floating b2, floating b2_c, floating now, floating past, floating eps
) noexcept nogil:
    cdef floating step
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    step = (lr_g * g + lr_m * exp_avg) / (math.sqrt(now * (g * g) + past * exp_avg_sq) + eps)
    return p - (decay * p + step), exp_avg, exp_avg_sq


cdef Py_ssize_t qhadam_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array exp_avg_sq = <bfloat16_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr_g = (<const float *> scalars_)[2]
    cdef float lr_m = (<const float *> scalars_)[3]
    cdef float l2 = (<const float *> scalars_)[4]
    cdef float decay = (<const float *> scalars_)[5]
    cdef float b1 = (<const float *> scalars_)[6]
    cdef float b1_c = (<const float *> scalars_)[7]
    cdef float b2 = (<const float *> scalars_)[8]
    cdef float b2_c = (<const float *> scalars_)[9]
    cdef float now = (<const float *> scalars_)[10]
    cdef float past = (<const float *> scalars_)[11]
    cdef float eps = (<const float *> scalars_)[12]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_, exp_avg_sq_new_ = qhadam(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), wide(exp_avg_sq[i_]), lr_g, lr_m, l2, decay, b1,
            b1_c, b2, b2_c, now, past, eps
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
        exp_avg_sq[i_] = coarse(exp_avg_sq_new_, offset_)
    return nonfinite_


cdef Py_ssize_t qhadam_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef uint8_array exp_avg_sq = <uint8_array> arrays_[3]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[4]
    cdef float32_array exp_avg_sq_scales_ = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr_g = (<const float *> scalars_)[2]
    cdef float lr_m = (<const float *> scalars_)[3]
    cdef float l2 = (<const float *> scalars_)[4]
    cdef float decay = (<const float *> scalars_)[5]
    cdef float b1 = (<const float *> scalars_)[6]
    cdef float b1_c = (<const float *> scalars_)[7]
    cdef float b2 = (<const float *> scalars_)[8]
    cdef float b2_c = (<const float *> scalars_)[9]
    cdef float now = (<const float *> scalars_)[10]
    cdef float past = (<const float *> scalars_)[11]
    cdef float eps = (<const float *> scalars_)[12]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_, exp_avg_sq_old_
    cdef float[BLOCK] exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        exp_avg_sq_old_ = exp_avg_sq_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_], exp_avg_sq_new_[i_] = qhadam(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_),
                decode_uint8(<float> exp_avg_sq[i_], exp_avg_sq_old_), lr_g, lr_m, l2, decay, b1, b1_c, b2, b2_c, now,
                past, eps
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        exp_avg_sq_scales_[block_] = encode_uint8(count_, exp_avg_sq_new_, dither_, exp_avg_sq)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
        exp_avg_sq += BLOCK
    return nonfinite_


cdef inline (floating, floating) alig(
    floating p, floating g, floating momentum_buffer, floating lr, floating mu
) noexcept nogil:
    momentum_buffer = mu * momentum_buffer - lr * g
    return p - (lr * g - mu * momentum_buffer), momentum_buffer


cdef Py_ssize_t alig_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array momentum_buffer = <bfloat16_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float mu = (<const float *> scalars_)[3]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float momentum_buffer_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer_new_ = alig(
            p[i_], clipped(g[i_], scale, limit), wide(momentum_buffer[i_]), lr, mu
        )
        momentum_buffer[i_] = coarse(momentum_buffer_new_, offset_)
    return nonfinite_


cdef Py_ssize_t alig_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array momentum_buffer = <int8_array> arrays_[2]
    cdef float32_array momentum_buffer_scales_ = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float mu = (<const float *> scalars_)[3]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float momentum_buffer_old_
    cdef float[BLOCK] momentum_buffer_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        momentum_buffer_old_ = momentum_buffer_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], momentum_buffer_new_[i_] = alig(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> momentum_buffer[i_], momentum_buffer_old_), lr,
                mu
            )
        momentum_buffer_scales_[block_] = encode_int8(count_, momentum_buffer_new_, dither_, momentum_buffer)
        p += BLOCK
        g += BLOCK
        momentum_buffer += BLOCK
    return nonfinite_


cdef inline (floating, floating) novograd(
    floating p, floating g, floating exp_avg, floating lr, floating b1, floating g_c, floating decay
) noexcept nogil:
    exp_avg = b1 * exp_avg + (g_c * g + decay * p)
    return p - lr * exp_avg, exp_avg


cdef Py_ssize_t novograd_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float b1 = (<const float *> scalars_)[3]
    cdef float g_c = (<const float *> scalars_)[4]
    cdef float decay = (<const float *> scalars_)[5]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_ = novograd(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), lr, b1, g_c, decay
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
    return nonfinite_


cdef Py_ssize_t novograd_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float b1 = (<const float *> scalars_)[3]
    cdef float g_c = (<const float *> scalars_)[4]
    cdef float decay = (<const float *> scalars_)[5]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_
    cdef float[BLOCK] exp_avg_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_] = novograd(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_), lr, b1, g_c, decay
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
    return nonfinite_


cdef inline (floating, floating) qhm(
    floating p, floating g, floating momentum_buffer, floating lr_g, floating lr_m, floating l2, floating mu,
    floating mu_c
) noexcept nogil:
    g = g + l2 * p
    momentum_buffer = mu * momentum_buffer + mu_c * g
    return p - (lr_g * g + lr_m * momentum_buffer), momentum_buffer


cdef Py_ssize_t qhm_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array momentum_buffer = <bfloat16_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr_g = (<const float *> scalars_)[2]
    cdef float lr_m = (<const float *> scalars_)[3]
    cdef float l2 = (<const float *> scalars_)[4]
    cdef float mu = (<const float *> scalars_)[5]
    cdef float mu_c = (<const float *> scalars_)[6]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float momentum_buffer_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer_new_ = qhm(
            p[i_], clipped(g[i_], scale, limit), wide(momentum_buffer[i_]), lr_g, lr_m, l2, mu, mu_c
        )
        momentum_buffer[i_] = coarse(momentum_buffer_new_, offset_)
    return nonfinite_


cdef Py_ssize_t qhm_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array momentum_buffer = <int8_array> arrays_[2]
    cdef float32_array momentum_buffer_scales_ = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr_g = (<const float *> scalars_)[2]
    cdef float lr_m = (<const float *> scalars_)[3]
    cdef float l2 = (<const float *> scalars_)[4]
    cdef float mu = (<const float *> scalars_)[5]
    cdef float mu_c = (<const float *> scalars_)[6]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float momentum_buffer_old_
    cdef float[BLOCK] momentum_buffer_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        momentum_buffer_old_ = momentum_buffer_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], momentum_buffer_new_[i_] = qhm(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> momentum_buffer[i_], momentum_buffer_old_),
                lr_g, lr_m, l2, mu, mu_c
            )
        momentum_buffer_scales_[block_] = encode_int8(count_, momentum_buffer_new_, dither_, momentum_buffer)
        p += BLOCK
        g += BLOCK
        momentum_buffer += BLOCK
    return nonfinite_


cdef inline (floating, floating, floating) cautious_adam(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating lr, floating l2, floating decay,
    floating b1, floating b1_c, floating b2, floating b2_c, floating debias, floating eps
) noexcept nogil:
    cdef floating agreement, step
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    agreement = exp_avg if g > <floating> 0 else (-exp_avg if g < <floating> 0 else g)
    step = lr * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps)
    return p - (decay * p + (step if agreement > <floating> 0 else <floating> 0)), exp_avg, exp_avg_sq


cdef Py_ssize_t cautious_adam_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef bfloat16_array exp_avg_sq = <bfloat16_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float debias = (<const float *> scalars_)[9]
    cdef float eps = (<const float *> scalars_)[10]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_, exp_avg_sq_new_ = cautious_adam(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), wide(exp_avg_sq[i_]), lr, l2, decay, b1, b1_c, b2,
            b2_c, debias, eps
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
        exp_avg_sq[i_] = coarse(exp_avg_sq_new_, offset_)
    return nonfinite_


cdef Py_ssize_t cautious_adam_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef uint8_array exp_avg_sq = <uint8_array> arrays_[3]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[4]
    cdef float32_array exp_avg_sq_scales_ = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float b1_c = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float b2_c = (<const float *> scalars_)[8]
    cdef float debias = (<const float *> scalars_)[9]
    cdef float eps = (<const float *> scalars_)[10]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_, exp_avg_sq_old_
    cdef float[BLOCK] exp_avg_new_, exp_avg_sq_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        exp_avg_sq_old_ = exp_avg_sq_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_], exp_avg_sq_new_[i_] = cautious_adam(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_),
                decode_uint8(<float> exp_avg_sq[i_], exp_avg_sq_old_), lr, l2, decay, b1, b1_c, b2, b2_c, debias, eps
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        exp_avg_sq_scales_[block_] = encode_uint8(count_, exp_avg_sq_new_, dither_, exp_avg_sq)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
        exp_avg_sq += BLOCK
    return nonfinite_


cdef inline (floating, floating) cautious_lion(
    floating p, floating g, floating exp_avg, floating lr, floating decay, floating b1, floating b1_c, floating b2,
    floating b2_c
) noexcept nogil:
    cdef floating agreement, step, u
    u = b1 * exp_avg + b1_c * g
    exp_avg = b2 * exp_avg + b2_c * g
    agreement = u if g > <floating> 0 else (-u if g < <floating> 0 else g)
    step = lr if u > <floating> 0 else -lr
    return p - (decay * p + (step if agreement > <floating> 0 else <floating> 0)), exp_avg


cdef Py_ssize_t cautious_lion_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef bfloat16_array exp_avg = <bfloat16_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float decay = (<const float *> scalars_)[3]
    cdef float b1 = (<const float *> scalars_)[4]
    cdef float b1_c = (<const float *> scalars_)[5]
    cdef float b2 = (<const float *> scalars_)[6]
    cdef float b2_c = (<const float *> scalars_)[7]
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float exp_avg_new_
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg_new_ = cautious_lion(
            p[i_], clipped(g[i_], scale, limit), wide(exp_avg[i_]), lr, decay, b1, b1_c, b2, b2_c
        )
        exp_avg[i_] = coarse(exp_avg_new_, offset_)
    return nonfinite_


cdef Py_ssize_t cautious_lion_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef int8_array exp_avg = <int8_array> arrays_[2]
    cdef float32_array exp_avg_scales_ = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float decay = (<const float *> scalars_)[3]
    cdef float b1 = (<const float *> scalars_)[4]
    cdef float b1_c = (<const float *> scalars_)[5]
    cdef float b2 = (<const float *> scalars_)[6]
    cdef float b2_c = (<const float *> scalars_)[7]
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float exp_avg_old_
    cdef float[BLOCK] exp_avg_new_
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
        exp_avg_old_ = exp_avg_scales_[block_]
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            p[i_], exp_avg_new_[i_] = cautious_lion(
                p[i_], clipped(g[i_], scale, limit), decode_int8(<float> exp_avg[i_], exp_avg_old_), lr, decay, b1,
                b1_c, b2, b2_c
            )
        exp_avg_scales_[block_] = encode_int8(count_, exp_avg_new_, dither_, exp_avg)
        p += BLOCK
        g += BLOCK
        exp_avg += BLOCK
    return nonfinite_


STORED = {
    ("momentum", "bfloat16"): <size_t> &momentum_bfloat16,
    ("momentum", "int8"): <size_t> &momentum_int8,
    ("nesterov", "bfloat16"): <size_t> &nesterov_bfloat16,
    ("nesterov", "int8"): <size_t> &nesterov_int8,
    ("rmsprop", "bfloat16"): <size_t> &rmsprop_bfloat16,
    ("rmsprop", "int8"): <size_t> &rmsprop_int8,
    ("rmsprop_momentum", "bfloat16"): <size_t> &rmsprop_momentum_bfloat16,
    ("rmsprop_momentum", "int8"): <size_t> &rmsprop_momentum_int8,
    ("adadelta", "bfloat16"): <size_t> &adadelta_bfloat16,
    ("adadelta", "int8"): <size_t> &adadelta_int8,
    ("adam", "bfloat16"): <size_t> &adam_bfloat16,
    ("adam", "int8"): <size_t> &adam_int8,
    ("amsgrad", "bfloat16"): <size_t> &amsgrad_bfloat16,
    ("amsgrad", "int8"): <size_t> &amsgrad_int8,
    ("adamax", "bfloat16"): <size_t> &adamax_bfloat16,
    ("adamax", "int8"): <size_t> &adamax_int8,
    ("nadam", "bfloat16"): <size_t> &nadam_bfloat16,
    ("nadam", "int8"): <size_t> &nadam_int8,
    ("radam", "bfloat16"): <size_t> &radam_bfloat16,
    ("radam", "int8"): <size_t> &radam_int8,
    ("lion", "bfloat16"): <size_t> &lion_bfloat16,
    ("lion", "int8"): <size_t> &lion_int8,
    ("signum", "bfloat16"): <size_t> &signum_bfloat16,
    ("signum", "int8"): <size_t> &signum_int8,
    ("adabelief", "bfloat16"): <size_t> &adabelief_bfloat16,
    ("adabelief", "int8"): <size_t> &adabelief_int8,
    ("yogi", "bfloat16"): <size_t> &yogi_bfloat16,
    ("yogi", "int8"): <size_t> &yogi_int8,
    ("adabound", "bfloat16"): <size_t> &adabound_bfloat16,
    ("adabound", "int8"): <size_t> &adabound_int8,
    ("laprop", "bfloat16"): <size_t> &laprop_bfloat16,
    ("laprop", "int8"): <size_t> &laprop_int8,
    ("adopt", "bfloat16"): <size_t> &adopt_bfloat16,
    ("adopt", "int8"): <size_t> &adopt_int8,
    ("ademamix", "bfloat16"): <size_t> &ademamix_bfloat16,
    ("ademamix", "int8"): <size_t> &ademamix_int8,
    ("qhadam", "bfloat16"): <size_t> &qhadam_bfloat16,
    ("qhadam", "int8"): <size_t> &qhadam_int8,
    ("alig", "bfloat16"): <size_t> &alig_bfloat16,
    ("alig", "int8"): <size_t> &alig_int8,
    ("novograd", "bfloat16"): <size_t> &novograd_bfloat16,
    ("novograd", "int8"): <size_t> &novograd_int8,
    ("qhm", "bfloat16"): <size_t> &qhm_bfloat16,
    ("qhm", "int8"): <size_t> &qhm_int8,
    ("cautious_adam", "bfloat16"): <size_t> &cautious_adam_bfloat16,
    ("cautious_adam", "int8"): <size_t> &cautious_adam_int8,
    ("cautious_lion", "bfloat16"): <size_t> &cautious_lion_bfloat16,
    ("cautious_lion", "int8"): <size_t> &cautious_lion_int8,
}
