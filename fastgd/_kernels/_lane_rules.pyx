# Generated from rules.py by emit.py. Do not edit: change the rule, then run `python -m fastgd._kernels.emit`.
"""Every rule, with the penalty, over features and a fixed number of lanes; `LANE_RULES` holds the loops' addresses."""
from cython cimport floating
from libc.stdint cimport int64_t

from fastgd._kernels cimport cmath as math
from fastgd._kernels.batch_penalty cimport decayed, thresholded

cdef extern from *:
    """
    typedef float *__restrict float32_array;
    typedef double *__restrict float64_array;
    """
    ctypedef float *float32_array
    ctypedef double *float64_array


cdef inline floating clipped(
    floating g, floating scale, floating limit
) noexcept nogil:
    g = scale * (g if g - g == <floating> 0 else <floating> 0)
    g = limit if limit < g else g  # one instruction each, in this order of operands
    return -limit if g < -limit else g


cdef inline floating sgd(
    floating p, floating g, floating lr, floating l2
) noexcept nogil:
    return p - lr * (g + l2 * p)


cdef void sgd_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_] = sgd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), scalars[4], scalars[5]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_] = sgd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                scalars[4 * 1 + l_], scalars[5 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void sgd_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_] = sgd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                scalars[4 * 4 + l_], scalars[5 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void sgd_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_] = sgd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                scalars[4 * 8 + l_], scalars[5 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void sgd_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_] = sgd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), scalars[4 * 16 + l_],
                scalars[5 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void sgd_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_] = sgd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), scalars[4], scalars[5]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_] = sgd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                scalars[4 * 1 + l_], scalars[5 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void sgd_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_] = sgd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                scalars[4 * 4 + l_], scalars[5 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void sgd_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_] = sgd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                scalars[4 * 8 + l_], scalars[5 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void sgd_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_] = sgd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), scalars[4 * 16 + l_],
                scalars[5 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating) momentum(
    floating p, floating g, floating momentum_buffer, floating lr, floating l2, floating mu, floating mu_c
) noexcept nogil:
    momentum_buffer = mu * momentum_buffer + mu_c * (g + l2 * p)
    return p - lr * momentum_buffer, momentum_buffer


cdef void momentum_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], momentum_buffer[i_] = momentum(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), momentum_buffer[i_], scalars[4],
                scalars[5], scalars[6], scalars[7]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], momentum_buffer[k_ + l_] = momentum(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void momentum_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], momentum_buffer[k_ + l_] = momentum(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void momentum_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], momentum_buffer[k_ + l_] = momentum(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void momentum_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], momentum_buffer[k_ + l_] = momentum(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), momentum_buffer[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void momentum_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], momentum_buffer[i_] = momentum(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), momentum_buffer[i_], scalars[4],
                scalars[5], scalars[6], scalars[7]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], momentum_buffer[k_ + l_] = momentum(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void momentum_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], momentum_buffer[k_ + l_] = momentum(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void momentum_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], momentum_buffer[k_ + l_] = momentum(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void momentum_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], momentum_buffer[k_ + l_] = momentum(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), momentum_buffer[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating) nesterov(
    floating p, floating g, floating momentum_buffer, floating lr, floating l2, floating mu
) noexcept nogil:
    g = g + l2 * p
    momentum_buffer = mu * momentum_buffer + g
    return p - lr * (g + mu * momentum_buffer), momentum_buffer


cdef void nesterov_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], momentum_buffer[i_] = nesterov(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), momentum_buffer[i_], scalars[4],
                scalars[5], scalars[6]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], momentum_buffer[k_ + l_] = nesterov(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void nesterov_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], momentum_buffer[k_ + l_] = nesterov(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void nesterov_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], momentum_buffer[k_ + l_] = nesterov(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void nesterov_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], momentum_buffer[k_ + l_] = nesterov(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), momentum_buffer[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void nesterov_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], momentum_buffer[i_] = nesterov(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), momentum_buffer[i_], scalars[4],
                scalars[5], scalars[6]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], momentum_buffer[k_ + l_] = nesterov(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void nesterov_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], momentum_buffer[k_ + l_] = nesterov(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void nesterov_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], momentum_buffer[k_ + l_] = nesterov(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void nesterov_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], momentum_buffer[k_ + l_] = nesterov(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), momentum_buffer[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating) adagrad(
    floating p, floating g, floating sum, floating lr, floating l2, floating eps
) noexcept nogil:
    g = g + l2 * p
    sum = sum + g * g
    return p - lr * g / (math.sqrt(sum) + eps), sum


cdef void adagrad_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array sum = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], sum[i_] = adagrad(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), sum[i_], scalars[4], scalars[5],
                scalars[6]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], sum[k_ + l_] = adagrad(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                sum[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adagrad_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array sum = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], sum[k_ + l_] = adagrad(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                sum[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adagrad_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array sum = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], sum[k_ + l_] = adagrad(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                sum[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adagrad_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array sum = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], sum[k_ + l_] = adagrad(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), sum[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void adagrad_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array sum = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], sum[i_] = adagrad(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), sum[i_], scalars[4], scalars[5],
                scalars[6]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], sum[k_ + l_] = adagrad(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                sum[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adagrad_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array sum = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], sum[k_ + l_] = adagrad(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                sum[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adagrad_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array sum = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], sum[k_ + l_] = adagrad(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                sum[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adagrad_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array sum = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], sum[k_ + l_] = adagrad(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), sum[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating) rmsprop(
    floating p, floating g, floating square_avg, floating lr, floating l2, floating alpha, floating alpha_c,
    floating eps
) noexcept nogil:
    g = g + l2 * p
    square_avg = alpha * square_avg + alpha_c * (g * g)
    return p - lr * g / (math.sqrt(square_avg) + eps), square_avg


cdef void rmsprop_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], square_avg[i_] = rmsprop(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), square_avg[i_], scalars[4],
                scalars[5], scalars[6], scalars[7], scalars[8]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], square_avg[k_ + l_] = rmsprop(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                square_avg[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_],
                scalars[8 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void rmsprop_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], square_avg[k_ + l_] = rmsprop(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                square_avg[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_],
                scalars[8 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void rmsprop_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], square_avg[k_ + l_] = rmsprop(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                square_avg[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_],
                scalars[8 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void rmsprop_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], square_avg[k_ + l_] = rmsprop(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), square_avg[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void rmsprop_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], square_avg[i_] = rmsprop(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), square_avg[i_], scalars[4],
                scalars[5], scalars[6], scalars[7], scalars[8]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], square_avg[k_ + l_] = rmsprop(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                square_avg[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_],
                scalars[8 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void rmsprop_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], square_avg[k_ + l_] = rmsprop(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                square_avg[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_],
                scalars[8 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void rmsprop_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], square_avg[k_ + l_] = rmsprop(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                square_avg[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_],
                scalars[8 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void rmsprop_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], square_avg[k_ + l_] = rmsprop(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), square_avg[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating) rmsprop_momentum(
    floating p, floating g, floating square_avg, floating momentum_buffer, floating lr, floating l2, floating alpha,
    floating alpha_c, floating eps, floating mu
) noexcept nogil:
    g = g + l2 * p
    square_avg = alpha * square_avg + alpha_c * (g * g)
    momentum_buffer = mu * momentum_buffer + g / (math.sqrt(square_avg) + eps)
    return p - lr * momentum_buffer, square_avg, momentum_buffer


cdef void rmsprop_momentum_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array momentum_buffer = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], square_avg[i_], momentum_buffer[i_] = rmsprop_momentum(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), square_avg[i_], momentum_buffer[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], square_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_momentum(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                square_avg[k_ + l_], momentum_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_],
                scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void rmsprop_momentum_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array momentum_buffer = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], square_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_momentum(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                square_avg[k_ + l_], momentum_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_],
                scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void rmsprop_momentum_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array momentum_buffer = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], square_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_momentum(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                square_avg[k_ + l_], momentum_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_],
                scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void rmsprop_momentum_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array momentum_buffer = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], square_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_momentum(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), square_avg[k_ + l_],
                momentum_buffer[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_],
                scalars[7 * 16 + l_], scalars[8 * 16 + l_], scalars[9 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void rmsprop_momentum_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array momentum_buffer = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], square_avg[i_], momentum_buffer[i_] = rmsprop_momentum(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), square_avg[i_], momentum_buffer[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], square_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_momentum(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                square_avg[k_ + l_], momentum_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_],
                scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void rmsprop_momentum_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array momentum_buffer = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], square_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_momentum(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                square_avg[k_ + l_], momentum_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_],
                scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void rmsprop_momentum_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array momentum_buffer = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], square_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_momentum(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                square_avg[k_ + l_], momentum_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_],
                scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void rmsprop_momentum_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array momentum_buffer = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], square_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_momentum(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), square_avg[k_ + l_],
                momentum_buffer[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_],
                scalars[7 * 16 + l_], scalars[8 * 16 + l_], scalars[9 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating) rmsprop_centered(
    floating p, floating g, floating square_avg, floating grad_avg, floating lr, floating l2, floating alpha,
    floating alpha_c, floating eps
) noexcept nogil:
    cdef floating variance
    g = g + l2 * p
    square_avg = alpha * square_avg + alpha_c * (g * g)
    grad_avg = alpha * grad_avg + alpha_c * g
    variance = square_avg - grad_avg * grad_avg
    variance = variance if variance > <floating> 0 else variance - variance
    return p - lr * g / (math.sqrt(variance) + eps), square_avg, grad_avg


cdef void rmsprop_centered_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array grad_avg = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], square_avg[i_], grad_avg[i_] = rmsprop_centered(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), square_avg[i_], grad_avg[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_] = rmsprop_centered(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                square_avg[k_ + l_], grad_avg[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void rmsprop_centered_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array grad_avg = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_] = rmsprop_centered(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                square_avg[k_ + l_], grad_avg[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void rmsprop_centered_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array grad_avg = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_] = rmsprop_centered(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                square_avg[k_ + l_], grad_avg[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void rmsprop_centered_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array grad_avg = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_] = rmsprop_centered(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), square_avg[k_ + l_], grad_avg[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void rmsprop_centered_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array grad_avg = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], square_avg[i_], grad_avg[i_] = rmsprop_centered(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), square_avg[i_], grad_avg[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_] = rmsprop_centered(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                square_avg[k_ + l_], grad_avg[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void rmsprop_centered_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array grad_avg = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_] = rmsprop_centered(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                square_avg[k_ + l_], grad_avg[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void rmsprop_centered_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array grad_avg = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_] = rmsprop_centered(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                square_avg[k_ + l_], grad_avg[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void rmsprop_centered_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array grad_avg = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_] = rmsprop_centered(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), square_avg[k_ + l_], grad_avg[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating, floating) rmsprop_centered_momentum(
    floating p, floating g, floating square_avg, floating grad_avg, floating momentum_buffer, floating lr, floating l2,
    floating alpha, floating alpha_c, floating eps, floating mu
) noexcept nogil:
    cdef floating variance
    g = g + l2 * p
    square_avg = alpha * square_avg + alpha_c * (g * g)
    grad_avg = alpha * grad_avg + alpha_c * g
    variance = square_avg - grad_avg * grad_avg
    variance = variance if variance > <floating> 0 else variance - variance
    momentum_buffer = mu * momentum_buffer + g / (math.sqrt(variance) + eps)
    return p - lr * momentum_buffer, square_avg, grad_avg, momentum_buffer


cdef void rmsprop_centered_momentum_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array grad_avg = <float32_array> arrays_[3]
    cdef float32_array momentum_buffer = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], square_avg[i_], grad_avg[i_], momentum_buffer[i_] = rmsprop_centered_momentum(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), square_avg[i_], grad_avg[i_],
                momentum_buffer[i_], scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_centered_momentum(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_], scalars[4 * 1 + l_],
                scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void rmsprop_centered_momentum_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array grad_avg = <float32_array> arrays_[3]
    cdef float32_array momentum_buffer = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_centered_momentum(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_], scalars[4 * 4 + l_],
                scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void rmsprop_centered_momentum_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array grad_avg = <float32_array> arrays_[3]
    cdef float32_array momentum_buffer = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_centered_momentum(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_], scalars[4 * 8 + l_],
                scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void rmsprop_centered_momentum_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array grad_avg = <float32_array> arrays_[3]
    cdef float32_array momentum_buffer = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_centered_momentum(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), square_avg[k_ + l_], grad_avg[k_ + l_],
                momentum_buffer[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_],
                scalars[7 * 16 + l_], scalars[8 * 16 + l_], scalars[9 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void rmsprop_centered_momentum_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array grad_avg = <float64_array> arrays_[3]
    cdef float64_array momentum_buffer = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], square_avg[i_], grad_avg[i_], momentum_buffer[i_] = rmsprop_centered_momentum(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), square_avg[i_], grad_avg[i_],
                momentum_buffer[i_], scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_centered_momentum(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_], scalars[4 * 1 + l_],
                scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void rmsprop_centered_momentum_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array grad_avg = <float64_array> arrays_[3]
    cdef float64_array momentum_buffer = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_centered_momentum(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_], scalars[4 * 4 + l_],
                scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void rmsprop_centered_momentum_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array grad_avg = <float64_array> arrays_[3]
    cdef float64_array momentum_buffer = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_centered_momentum(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_], scalars[4 * 8 + l_],
                scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void rmsprop_centered_momentum_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array grad_avg = <float64_array> arrays_[3]
    cdef float64_array momentum_buffer = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], square_avg[k_ + l_], grad_avg[k_ + l_], momentum_buffer[k_ + l_] = rmsprop_centered_momentum(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), square_avg[k_ + l_], grad_avg[k_ + l_],
                momentum_buffer[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_],
                scalars[7 * 16 + l_], scalars[8 * 16 + l_], scalars[9 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


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


cdef void adadelta_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array acc_delta = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], square_avg[i_], acc_delta[i_] = adadelta(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), square_avg[i_], acc_delta[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], square_avg[k_ + l_], acc_delta[k_ + l_] = adadelta(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                square_avg[k_ + l_], acc_delta[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adadelta_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array acc_delta = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], square_avg[k_ + l_], acc_delta[k_ + l_] = adadelta(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                square_avg[k_ + l_], acc_delta[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adadelta_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array acc_delta = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], square_avg[k_ + l_], acc_delta[k_ + l_] = adadelta(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                square_avg[k_ + l_], acc_delta[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adadelta_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array acc_delta = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], square_avg[k_ + l_], acc_delta[k_ + l_] = adadelta(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), square_avg[k_ + l_],
                acc_delta[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_],
                scalars[7 * 16 + l_], scalars[8 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void adadelta_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array acc_delta = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], square_avg[i_], acc_delta[i_] = adadelta(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), square_avg[i_], acc_delta[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], square_avg[k_ + l_], acc_delta[k_ + l_] = adadelta(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                square_avg[k_ + l_], acc_delta[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adadelta_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array acc_delta = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], square_avg[k_ + l_], acc_delta[k_ + l_] = adadelta(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                square_avg[k_ + l_], acc_delta[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adadelta_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array acc_delta = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], square_avg[k_ + l_], acc_delta[k_ + l_] = adadelta(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                square_avg[k_ + l_], acc_delta[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adadelta_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array acc_delta = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], square_avg[k_ + l_], acc_delta[k_ + l_] = adadelta(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), square_avg[k_ + l_],
                acc_delta[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_],
                scalars[7 * 16 + l_], scalars[8 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating) adam(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating lr, floating l2, floating decay,
    floating b1, floating b1_c, floating b2, floating b2_c, floating debias, floating eps
) noexcept nogil:
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    return p - (decay * p + lr * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps)), exp_avg, exp_avg_sq


cdef void adam_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = adam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adam_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adam_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adam_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void adam_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = adam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adam_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adam_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adam_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


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


cdef void amsgrad_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array max_exp_avg_sq = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_], max_exp_avg_sq[i_] = amsgrad(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                max_exp_avg_sq[i_], scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10],
                scalars[11], scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_] = amsgrad(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_], scalars[4 * 1 + l_],
                scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_],
                scalars[10 * 1 + l_], scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void amsgrad_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array max_exp_avg_sq = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_] = amsgrad(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_], scalars[4 * 4 + l_],
                scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_],
                scalars[10 * 4 + l_], scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void amsgrad_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array max_exp_avg_sq = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_] = amsgrad(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_], scalars[4 * 8 + l_],
                scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_],
                scalars[10 * 8 + l_], scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void amsgrad_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array max_exp_avg_sq = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_] = amsgrad(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                max_exp_avg_sq[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_],
                scalars[7 * 16 + l_], scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_],
                scalars[11 * 16 + l_], scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void amsgrad_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array max_exp_avg_sq = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_], max_exp_avg_sq[i_] = amsgrad(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                max_exp_avg_sq[i_], scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10],
                scalars[11], scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_] = amsgrad(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_], scalars[4 * 1 + l_],
                scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_],
                scalars[10 * 1 + l_], scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void amsgrad_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array max_exp_avg_sq = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_] = amsgrad(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_], scalars[4 * 4 + l_],
                scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_],
                scalars[10 * 4 + l_], scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void amsgrad_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array max_exp_avg_sq = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_] = amsgrad(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_], scalars[4 * 8 + l_],
                scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_],
                scalars[10 * 8 + l_], scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void amsgrad_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array max_exp_avg_sq = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], max_exp_avg_sq[k_ + l_] = amsgrad(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                max_exp_avg_sq[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_],
                scalars[7 * 16 + l_], scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_],
                scalars[11 * 16 + l_], scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


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


cdef void adamax_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_inf = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_inf[i_] = adamax(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_inf[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_inf[k_ + l_] = adamax(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_inf[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adamax_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_inf = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_inf[k_ + l_] = adamax(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_inf[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adamax_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_inf = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_inf[k_ + l_] = adamax(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_inf[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adamax_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_inf = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_inf[k_ + l_] = adamax(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_inf[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void adamax_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_inf = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_inf[i_] = adamax(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_inf[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_inf[k_ + l_] = adamax(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_inf[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adamax_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_inf = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_inf[k_ + l_] = adamax(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_inf[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adamax_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_inf = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_inf[k_ + l_] = adamax(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_inf[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adamax_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_inf = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_inf[k_ + l_] = adamax(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_inf[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


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


cdef void nadam_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = nadam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12], scalars[13]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = nadam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void nadam_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = nadam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void nadam_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = nadam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void nadam_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = nadam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_], scalars[13 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void nadam_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = nadam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12], scalars[13]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = nadam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void nadam_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = nadam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void nadam_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = nadam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void nadam_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = nadam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_], scalars[13 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


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


cdef void radam_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = radam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12], scalars[13]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = radam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void radam_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = radam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void radam_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = radam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void radam_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = radam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_], scalars[13 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void radam_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = radam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12], scalars[13]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = radam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void radam_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = radam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void radam_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = radam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void radam_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = radam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_], scalars[13 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating) lion(
    floating p, floating g, floating exp_avg, floating lr, floating decay, floating b1, floating b1_c, floating b2,
    floating b2_c
) noexcept nogil:
    cdef floating step, u
    u = b1 * exp_avg + b1_c * g
    exp_avg = b2 * exp_avg + b2_c * g
    step = lr if u > <floating> 0 else (-lr if u < <floating> 0 else u)
    return p - (decay * p + step), exp_avg


cdef void lion_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_] = lion(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], scalars[4], scalars[5],
                scalars[6], scalars[7], scalars[8], scalars[9]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_] = lion(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_],
                scalars[8 * 1 + l_], scalars[9 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void lion_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_] = lion(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_],
                scalars[8 * 4 + l_], scalars[9 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void lion_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_] = lion(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_],
                scalars[8 * 8 + l_], scalars[9 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void lion_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_] = lion(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_], scalars[8 * 16 + l_],
                scalars[9 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void lion_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_] = lion(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], scalars[4], scalars[5],
                scalars[6], scalars[7], scalars[8], scalars[9]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_] = lion(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_],
                scalars[8 * 1 + l_], scalars[9 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void lion_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_] = lion(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_],
                scalars[8 * 4 + l_], scalars[9 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void lion_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_] = lion(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_],
                scalars[8 * 8 + l_], scalars[9 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void lion_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_] = lion(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_], scalars[8 * 16 + l_],
                scalars[9 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline floating signsgd(
    floating p, floating g, floating lr, floating l2
) noexcept nogil:
    g = g + l2 * p
    return p - (lr if g > <floating> 0 else (-lr if g < <floating> 0 else g))


cdef void signsgd_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_] = signsgd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), scalars[4], scalars[5]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_] = signsgd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                scalars[4 * 1 + l_], scalars[5 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void signsgd_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_] = signsgd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                scalars[4 * 4 + l_], scalars[5 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void signsgd_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_] = signsgd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                scalars[4 * 8 + l_], scalars[5 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void signsgd_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_] = signsgd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), scalars[4 * 16 + l_],
                scalars[5 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void signsgd_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_] = signsgd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), scalars[4], scalars[5]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_] = signsgd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                scalars[4 * 1 + l_], scalars[5 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void signsgd_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_] = signsgd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                scalars[4 * 4 + l_], scalars[5 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void signsgd_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_] = signsgd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                scalars[4 * 8 + l_], scalars[5 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void signsgd_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_] = signsgd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), scalars[4 * 16 + l_],
                scalars[5 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating) signum(
    floating p, floating g, floating momentum_buffer, floating lr, floating l2, floating mu, floating mu_c
) noexcept nogil:
    cdef floating step
    momentum_buffer = mu * momentum_buffer + mu_c * (g + l2 * p)
    step = lr if momentum_buffer > <floating> 0 else (-lr if momentum_buffer < <floating> 0 else momentum_buffer)
    return p - step, momentum_buffer


cdef void signum_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], momentum_buffer[i_] = signum(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), momentum_buffer[i_], scalars[4],
                scalars[5], scalars[6], scalars[7]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], momentum_buffer[k_ + l_] = signum(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void signum_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], momentum_buffer[k_ + l_] = signum(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void signum_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], momentum_buffer[k_ + l_] = signum(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void signum_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], momentum_buffer[k_ + l_] = signum(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), momentum_buffer[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void signum_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], momentum_buffer[i_] = signum(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), momentum_buffer[i_], scalars[4],
                scalars[5], scalars[6], scalars[7]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], momentum_buffer[k_ + l_] = signum(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void signum_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], momentum_buffer[k_ + l_] = signum(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void signum_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], momentum_buffer[k_ + l_] = signum(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void signum_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], momentum_buffer[k_ + l_] = signum(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), momentum_buffer[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating) rprop(
    floating p, floating g, floating prev, floating step_size, floating eta_minus, floating eta_plus, floating smallest,
    floating largest
) noexcept nogil:
    cdef floating agreement, grown
    agreement = g if prev > <floating> 0 else (-g if prev < <floating> 0 else prev)
    grown = eta_plus * step_size if agreement > <floating> 0 else (eta_minus * step_size if agreement < <floating> 0 else step_size)
    grown = smallest if grown < smallest else grown
    step_size = largest if grown > largest else grown
    prev = g - g if agreement < <floating> 0 else g
    return p - (step_size if prev > <floating> 0 else (-step_size if prev < <floating> 0 else prev)), prev, step_size


cdef void rprop_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array prev = <float32_array> arrays_[2]
    cdef float32_array step_size = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], prev[i_], step_size[i_] = rprop(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), prev[i_], step_size[i_], scalars[4],
                scalars[5], scalars[6], scalars[7]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], prev[k_ + l_], step_size[k_ + l_] = rprop(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                prev[k_ + l_], step_size[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void rprop_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array prev = <float32_array> arrays_[2]
    cdef float32_array step_size = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], prev[k_ + l_], step_size[k_ + l_] = rprop(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                prev[k_ + l_], step_size[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void rprop_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array prev = <float32_array> arrays_[2]
    cdef float32_array step_size = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], prev[k_ + l_], step_size[k_ + l_] = rprop(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                prev[k_ + l_], step_size[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void rprop_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array prev = <float32_array> arrays_[2]
    cdef float32_array step_size = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], prev[k_ + l_], step_size[k_ + l_] = rprop(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), prev[k_ + l_], step_size[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void rprop_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array prev = <float64_array> arrays_[2]
    cdef float64_array step_size = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], prev[i_], step_size[i_] = rprop(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), prev[i_], step_size[i_], scalars[4],
                scalars[5], scalars[6], scalars[7]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], prev[k_ + l_], step_size[k_ + l_] = rprop(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                prev[k_ + l_], step_size[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void rprop_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array prev = <float64_array> arrays_[2]
    cdef float64_array step_size = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], prev[k_ + l_], step_size[k_ + l_] = rprop(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                prev[k_ + l_], step_size[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void rprop_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array prev = <float64_array> arrays_[2]
    cdef float64_array step_size = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], prev[k_ + l_], step_size[k_ + l_] = rprop(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                prev[k_ + l_], step_size[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void rprop_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array prev = <float64_array> arrays_[2]
    cdef float64_array step_size = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], prev[k_ + l_], step_size[k_ + l_] = rprop(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), prev[k_ + l_], step_size[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating) ftrl(
    floating p, floating g, floating z, floating n, floating lr, floating beta, floating last_lr, floating last_beta,
    floating l1, floating l2
) noexcept nogil:
    cdef floating last, now, pull
    last = (last_beta + math.sqrt(n)) / last_lr
    n = n + g * g
    now = (beta + math.sqrt(n)) / lr
    z = z + (g - (now - last) * p)
    pull = l1 - z if z > l1 else (-l1 - z if z < -l1 else z - z)
    return pull / (now + l2), z, n


cdef void ftrl_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array n = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], z[i_], n[i_] = ftrl(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), z[i_], n[i_], scalars[4],
                scalars[5], scalars[6], scalars[7], scalars[8], scalars[9]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], z[k_ + l_], n[k_ + l_] = ftrl(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                z[k_ + l_], n[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void ftrl_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array n = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], z[k_ + l_], n[k_ + l_] = ftrl(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                z[k_ + l_], n[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void ftrl_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array n = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], z[k_ + l_], n[k_ + l_] = ftrl(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                z[k_ + l_], n[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void ftrl_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array n = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], z[k_ + l_], n[k_ + l_] = ftrl(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), z[k_ + l_], n[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void ftrl_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array n = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], z[i_], n[i_] = ftrl(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), z[i_], n[i_], scalars[4],
                scalars[5], scalars[6], scalars[7], scalars[8], scalars[9]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], z[k_ + l_], n[k_ + l_] = ftrl(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                z[k_ + l_], n[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void ftrl_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array n = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], z[k_ + l_], n[k_ + l_] = ftrl(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                z[k_ + l_], n[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void ftrl_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array n = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], z[k_ + l_], n[k_ + l_] = ftrl(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                z[k_ + l_], n[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void ftrl_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array n = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], z[k_ + l_], n[k_ + l_] = ftrl(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), z[k_ + l_], n[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating) asgd(
    floating p, floating g, floating ax, floating lr, floating l2, floating decay, floating keep
) noexcept nogil:
    p = p - (decay * p + lr * (g + l2 * p))
    return p, p + keep * (ax - p)


cdef void asgd_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array ax = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], ax[i_] = asgd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), ax[i_], scalars[4], scalars[5],
                scalars[6], scalars[7]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], ax[k_ + l_] = asgd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                ax[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void asgd_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array ax = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], ax[k_ + l_] = asgd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                ax[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void asgd_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array ax = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], ax[k_ + l_] = asgd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                ax[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void asgd_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array ax = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], ax[k_ + l_] = asgd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), ax[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void asgd_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array ax = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], ax[i_] = asgd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), ax[i_], scalars[4], scalars[5],
                scalars[6], scalars[7]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], ax[k_ + l_] = asgd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                ax[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void asgd_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array ax = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], ax[k_ + l_] = asgd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                ax[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void asgd_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array ax = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], ax[k_ + l_] = asgd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                ax[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void asgd_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array ax = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], ax[k_ + l_] = asgd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), ax[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


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


cdef void adabelief_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_var = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_var[i_] = adabelief(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_var[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_var[k_ + l_] = adabelief(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_var[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adabelief_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_var = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_var[k_ + l_] = adabelief(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_var[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adabelief_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_var = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_var[k_ + l_] = adabelief(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_var[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adabelief_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_var = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_var[k_ + l_] = adabelief(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_var[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void adabelief_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_var = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_var[i_] = adabelief(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_var[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_var[k_ + l_] = adabelief(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_var[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adabelief_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_var = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_var[k_ + l_] = adabelief(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_var[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adabelief_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_var = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_var[k_ + l_] = adabelief(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_var[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adabelief_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_var = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_var[k_ + l_] = adabelief(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_var[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


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


cdef void yogi_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = yogi(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = yogi(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void yogi_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = yogi(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void yogi_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = yogi(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void yogi_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = yogi(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void yogi_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = yogi(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = yogi(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void yogi_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = yogi(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void yogi_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = yogi(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void yogi_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = yogi(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


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


cdef void adabound_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = adabound(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12], scalars[13]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adabound(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adabound_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adabound(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adabound_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adabound(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adabound_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adabound(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_], scalars[13 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void adabound_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = adabound(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12], scalars[13]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adabound(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adabound_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adabound(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adabound_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adabound(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adabound_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adabound(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_], scalars[13 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating) laprop(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating lr, floating l2, floating decay,
    floating b1, floating b1_c, floating b2, floating b2_c, floating debias, floating eps
) noexcept nogil:
    g = g + l2 * p
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    exp_avg = b1 * exp_avg + b1_c * (g / (debias * math.sqrt(exp_avg_sq) + eps))
    return p - (decay * p + lr * exp_avg), exp_avg, exp_avg_sq


cdef void laprop_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = laprop(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = laprop(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void laprop_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = laprop(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void laprop_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = laprop(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void laprop_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = laprop(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void laprop_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = laprop(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = laprop(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void laprop_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = laprop(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void laprop_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = laprop(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void laprop_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = laprop(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


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


cdef void adopt_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = adopt(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adopt(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adopt_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adopt(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adopt_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adopt(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adopt_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adopt(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void adopt_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = adopt(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adopt(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adopt_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adopt(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adopt_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adopt(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adopt_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = adopt(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating, floating, floating) adan(
    floating p, floating g, floating exp_avg, floating exp_avg_diff, floating exp_avg_sq, floating prev_grad,
    floating lr, floating lr_d, floating decay, floating known, floating b1, floating b1_c, floating b2, floating b2_c,
    floating b3, floating b3_c, floating debias, floating eps
) noexcept nogil:
    cdef floating d, step, u
    d = known * (g - prev_grad)
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_diff = b2 * exp_avg_diff + b2_c * d
    u = g + b2 * d
    exp_avg_sq = b3 * exp_avg_sq + b3_c * (u * u)
    step = (lr * exp_avg + lr_d * exp_avg_diff) / (debias * math.sqrt(exp_avg_sq) + eps)
    return p - (decay * p + step), exp_avg, exp_avg_diff, exp_avg_sq, g


cdef void adan_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_diff = <float32_array> arrays_[3]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[4]
    cdef float32_array prev_grad = <float32_array> arrays_[5]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_diff[i_], exp_avg_sq[i_], prev_grad[i_] = adan(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_diff[i_],
                exp_avg_sq[i_], prev_grad[i_], scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9],
                scalars[10], scalars[11], scalars[12], scalars[13], scalars[14], scalars[15]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_] = adan(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_], scalars[4 * 1 + l_],
                scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_],
                scalars[10 * 1 + l_], scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_],
                scalars[14 * 1 + l_], scalars[15 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adan_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_diff = <float32_array> arrays_[3]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[4]
    cdef float32_array prev_grad = <float32_array> arrays_[5]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_] = adan(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_], scalars[4 * 4 + l_],
                scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_],
                scalars[10 * 4 + l_], scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_],
                scalars[14 * 4 + l_], scalars[15 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adan_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_diff = <float32_array> arrays_[3]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[4]
    cdef float32_array prev_grad = <float32_array> arrays_[5]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_] = adan(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_], scalars[4 * 8 + l_],
                scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_],
                scalars[10 * 8 + l_], scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_],
                scalars[14 * 8 + l_], scalars[15 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adan_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_diff = <float32_array> arrays_[3]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[4]
    cdef float32_array prev_grad = <float32_array> arrays_[5]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_] = adan(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_],
                exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_], scalars[8 * 16 + l_],
                scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_], scalars[12 * 16 + l_],
                scalars[13 * 16 + l_], scalars[14 * 16 + l_], scalars[15 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void adan_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_diff = <float64_array> arrays_[3]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[4]
    cdef float64_array prev_grad = <float64_array> arrays_[5]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_diff[i_], exp_avg_sq[i_], prev_grad[i_] = adan(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_diff[i_],
                exp_avg_sq[i_], prev_grad[i_], scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9],
                scalars[10], scalars[11], scalars[12], scalars[13], scalars[14], scalars[15]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_] = adan(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_], scalars[4 * 1 + l_],
                scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_],
                scalars[10 * 1 + l_], scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_],
                scalars[14 * 1 + l_], scalars[15 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void adan_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_diff = <float64_array> arrays_[3]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[4]
    cdef float64_array prev_grad = <float64_array> arrays_[5]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_] = adan(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_], scalars[4 * 4 + l_],
                scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_],
                scalars[10 * 4 + l_], scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_],
                scalars[14 * 4 + l_], scalars[15 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void adan_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_diff = <float64_array> arrays_[3]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[4]
    cdef float64_array prev_grad = <float64_array> arrays_[5]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_] = adan(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_], scalars[4 * 8 + l_],
                scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_],
                scalars[10 * 8 + l_], scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_],
                scalars[14 * 8 + l_], scalars[15 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void adan_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_diff = <float64_array> arrays_[3]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[4]
    cdef float64_array prev_grad = <float64_array> arrays_[5]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_] = adan(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_],
                exp_avg_diff[k_ + l_], exp_avg_sq[k_ + l_], prev_grad[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_], scalars[8 * 16 + l_],
                scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_], scalars[12 * 16 + l_],
                scalars[13 * 16 + l_], scalars[14 * 16 + l_], scalars[15 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


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


cdef void ademamix_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_slow = <float32_array> arrays_[3]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_slow[i_], exp_avg_sq[i_] = ademamix(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_slow[i_],
                exp_avg_sq[i_], scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10],
                scalars[11], scalars[12], scalars[13], scalars[14]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_] = ademamix(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_],
                scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_],
                scalars[10 * 1 + l_], scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_],
                scalars[14 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void ademamix_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_slow = <float32_array> arrays_[3]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_] = ademamix(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_],
                scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_],
                scalars[10 * 4 + l_], scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_],
                scalars[14 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void ademamix_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_slow = <float32_array> arrays_[3]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_] = ademamix(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_],
                scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_],
                scalars[10 * 8 + l_], scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_],
                scalars[14 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void ademamix_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_slow = <float32_array> arrays_[3]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_] = ademamix(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_],
                exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_],
                scalars[6 * 16 + l_], scalars[7 * 16 + l_], scalars[8 * 16 + l_], scalars[9 * 16 + l_],
                scalars[10 * 16 + l_], scalars[11 * 16 + l_], scalars[12 * 16 + l_], scalars[13 * 16 + l_],
                scalars[14 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void ademamix_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_slow = <float64_array> arrays_[3]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_slow[i_], exp_avg_sq[i_] = ademamix(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_slow[i_],
                exp_avg_sq[i_], scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10],
                scalars[11], scalars[12], scalars[13], scalars[14]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_] = ademamix(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_],
                scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_],
                scalars[10 * 1 + l_], scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_],
                scalars[14 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void ademamix_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_slow = <float64_array> arrays_[3]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_] = ademamix(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_],
                scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_],
                scalars[10 * 4 + l_], scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_],
                scalars[14 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void ademamix_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_slow = <float64_array> arrays_[3]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_] = ademamix(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_],
                scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_],
                scalars[10 * 8 + l_], scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_],
                scalars[14 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void ademamix_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_slow = <float64_array> arrays_[3]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_] = ademamix(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_],
                exp_avg_slow[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_],
                scalars[6 * 16 + l_], scalars[7 * 16 + l_], scalars[8 * 16 + l_], scalars[9 * 16 + l_],
                scalars[10 * 16 + l_], scalars[11 * 16 + l_], scalars[12 * 16 + l_], scalars[13 * 16 + l_],
                scalars[14 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


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


cdef void qhadam_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = qhadam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12], scalars[13], scalars[14]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = qhadam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_], scalars[14 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void qhadam_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = qhadam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_], scalars[14 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void qhadam_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = qhadam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_], scalars[14 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void qhadam_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = qhadam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_], scalars[13 * 16 + l_], scalars[14 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void qhadam_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = qhadam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12], scalars[13], scalars[14]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = qhadam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_], scalars[14 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void qhadam_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = qhadam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_], scalars[14 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void qhadam_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = qhadam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_], scalars[14 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void qhadam_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = qhadam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_], scalars[13 * 16 + l_], scalars[14 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating) dog(
    floating p, floating g, floating init_buffer, floating lr, floating l2
) noexcept nogil:
    return p - lr * (g + l2 * p), init_buffer


cdef void dog_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array init_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], init_buffer[i_] = dog(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), init_buffer[i_], scalars[4],
                scalars[5]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], init_buffer[k_ + l_] = dog(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                init_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void dog_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array init_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], init_buffer[k_ + l_] = dog(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                init_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void dog_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array init_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], init_buffer[k_ + l_] = dog(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                init_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void dog_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array init_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], init_buffer[k_ + l_] = dog(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), init_buffer[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void dog_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array init_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], init_buffer[i_] = dog(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), init_buffer[i_], scalars[4],
                scalars[5]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], init_buffer[k_ + l_] = dog(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                init_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void dog_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array init_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], init_buffer[k_ + l_] = dog(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                init_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void dog_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array init_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], init_buffer[k_ + l_] = dog(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                init_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void dog_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array init_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], init_buffer[k_ + l_] = dog(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), init_buffer[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating) dadapt_sgd(
    floating p, floating g, floating s, floating x0, floating lr, floating l2, floating mu_c
) noexcept nogil:
    s = s + lr * (g + l2 * p)
    return p - mu_c * (p - (x0 - s)), s, x0


cdef void dadapt_sgd_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array s = <float32_array> arrays_[2]
    cdef float32_array x0 = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], s[i_], x0[i_] = dadapt_sgd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), s[i_], x0[i_], scalars[4],
                scalars[5], scalars[6]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], s[k_ + l_], x0[k_ + l_] = dadapt_sgd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                s[k_ + l_], x0[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void dadapt_sgd_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array s = <float32_array> arrays_[2]
    cdef float32_array x0 = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], s[k_ + l_], x0[k_ + l_] = dadapt_sgd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                s[k_ + l_], x0[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void dadapt_sgd_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array s = <float32_array> arrays_[2]
    cdef float32_array x0 = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], s[k_ + l_], x0[k_ + l_] = dadapt_sgd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                s[k_ + l_], x0[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void dadapt_sgd_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array s = <float32_array> arrays_[2]
    cdef float32_array x0 = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], s[k_ + l_], x0[k_ + l_] = dadapt_sgd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), s[k_ + l_], x0[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void dadapt_sgd_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array s = <float64_array> arrays_[2]
    cdef float64_array x0 = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], s[i_], x0[i_] = dadapt_sgd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), s[i_], x0[i_], scalars[4],
                scalars[5], scalars[6]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], s[k_ + l_], x0[k_ + l_] = dadapt_sgd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                s[k_ + l_], x0[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void dadapt_sgd_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array s = <float64_array> arrays_[2]
    cdef float64_array x0 = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], s[k_ + l_], x0[k_ + l_] = dadapt_sgd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                s[k_ + l_], x0[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void dadapt_sgd_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array s = <float64_array> arrays_[2]
    cdef float64_array x0 = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], s[k_ + l_], x0[k_ + l_] = dadapt_sgd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                s[k_ + l_], x0[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void dadapt_sgd_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array s = <float64_array> arrays_[2]
    cdef float64_array x0 = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], s[k_ + l_], x0[k_ + l_] = dadapt_sgd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), s[k_ + l_], x0[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating, floating) dadapt_adam(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating s, floating l2, floating decay, floating b1,
    floating lr_m, floating b2, floating b2_c, floating b3, floating lr_s, floating eps
) noexcept nogil:
    g = g + l2 * p
    exp_avg = b1 * exp_avg + lr_m * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    s = b3 * s + lr_s * g
    return p - (decay * p + exp_avg / (math.sqrt(exp_avg_sq) + eps)), exp_avg, exp_avg_sq, s


cdef void dadapt_adam_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array s = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_], s[i_] = dadapt_adam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_], s[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_] = dadapt_adam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_],
                scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_],
                scalars[10 * 1 + l_], scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void dadapt_adam_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array s = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_] = dadapt_adam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_],
                scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_],
                scalars[10 * 4 + l_], scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void dadapt_adam_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array s = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_] = dadapt_adam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_],
                scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_],
                scalars[10 * 8 + l_], scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void dadapt_adam_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array s = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_] = dadapt_adam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                s[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void dadapt_adam_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array s = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_], s[i_] = dadapt_adam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_], s[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_] = dadapt_adam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_],
                scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_],
                scalars[10 * 1 + l_], scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void dadapt_adam_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array s = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_] = dadapt_adam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_],
                scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_],
                scalars[10 * 4 + l_], scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void dadapt_adam_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array s = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_] = dadapt_adam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_],
                scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_],
                scalars[10 * 8 + l_], scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void dadapt_adam_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array s = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_] = dadapt_adam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                s[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating, floating, floating) prodigy(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating s, floating p0, floating lr, floating l2,
    floating decay, floating b1, floating d_m, floating b2, floating d, floating b2_c, floating b3, floating lr_s,
    floating eps
) noexcept nogil:
    g = g + l2 * p
    exp_avg = b1 * exp_avg + d_m * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * ((d * g) * (d * g))
    s = b3 * s + lr_s * g
    return p - (decay * p + lr * exp_avg / (math.sqrt(exp_avg_sq) + eps)), exp_avg, exp_avg_sq, s, p0


cdef void prodigy_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array s = <float32_array> arrays_[4]
    cdef float32_array p0 = <float32_array> arrays_[5]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_], s[i_], p0[i_] = prodigy(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_], s[i_],
                p0[i_], scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10],
                scalars[11], scalars[12], scalars[13], scalars[14]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_] = prodigy(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_], scalars[4 * 1 + l_],
                scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_],
                scalars[10 * 1 + l_], scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_],
                scalars[14 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void prodigy_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array s = <float32_array> arrays_[4]
    cdef float32_array p0 = <float32_array> arrays_[5]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_] = prodigy(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_], scalars[4 * 4 + l_],
                scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_],
                scalars[10 * 4 + l_], scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_],
                scalars[14 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void prodigy_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array s = <float32_array> arrays_[4]
    cdef float32_array p0 = <float32_array> arrays_[5]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_] = prodigy(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_], scalars[4 * 8 + l_],
                scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_],
                scalars[10 * 8 + l_], scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_],
                scalars[14 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void prodigy_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array s = <float32_array> arrays_[4]
    cdef float32_array p0 = <float32_array> arrays_[5]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_] = prodigy(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                s[k_ + l_], p0[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_],
                scalars[7 * 16 + l_], scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_],
                scalars[11 * 16 + l_], scalars[12 * 16 + l_], scalars[13 * 16 + l_], scalars[14 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void prodigy_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array s = <float64_array> arrays_[4]
    cdef float64_array p0 = <float64_array> arrays_[5]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_], s[i_], p0[i_] = prodigy(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_], s[i_],
                p0[i_], scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10],
                scalars[11], scalars[12], scalars[13], scalars[14]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_] = prodigy(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_], scalars[4 * 1 + l_],
                scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_],
                scalars[10 * 1 + l_], scalars[11 * 1 + l_], scalars[12 * 1 + l_], scalars[13 * 1 + l_],
                scalars[14 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void prodigy_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array s = <float64_array> arrays_[4]
    cdef float64_array p0 = <float64_array> arrays_[5]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_] = prodigy(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_], scalars[4 * 4 + l_],
                scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_],
                scalars[10 * 4 + l_], scalars[11 * 4 + l_], scalars[12 * 4 + l_], scalars[13 * 4 + l_],
                scalars[14 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void prodigy_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array s = <float64_array> arrays_[4]
    cdef float64_array p0 = <float64_array> arrays_[5]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_] = prodigy(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_], scalars[4 * 8 + l_],
                scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_],
                scalars[10 * 8 + l_], scalars[11 * 8 + l_], scalars[12 * 8 + l_], scalars[13 * 8 + l_],
                scalars[14 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void prodigy_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array s = <float64_array> arrays_[4]
    cdef float64_array p0 = <float64_array> arrays_[5]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], s[k_ + l_], p0[k_ + l_] = prodigy(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                s[k_ + l_], p0[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_],
                scalars[7 * 16 + l_], scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_],
                scalars[11 * 16 + l_], scalars[12 * 16 + l_], scalars[13 * 16 + l_], scalars[14 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating) schedule_free_sgd(
    floating p, floating g, floating z, floating lr, floating l2, floating pull, floating push
) noexcept nogil:
    g = g + l2 * p
    return p - (pull * (p - z) + push * g), z - lr * g


cdef void schedule_free_sgd_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], z[i_] = schedule_free_sgd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), z[i_], scalars[4], scalars[5],
                scalars[6], scalars[7]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], z[k_ + l_] = schedule_free_sgd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                z[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void schedule_free_sgd_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], z[k_ + l_] = schedule_free_sgd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                z[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void schedule_free_sgd_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], z[k_ + l_] = schedule_free_sgd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                z[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void schedule_free_sgd_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], z[k_ + l_] = schedule_free_sgd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), z[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void schedule_free_sgd_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], z[i_] = schedule_free_sgd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), z[i_], scalars[4], scalars[5],
                scalars[6], scalars[7]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], z[k_ + l_] = schedule_free_sgd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                z[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void schedule_free_sgd_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], z[k_ + l_] = schedule_free_sgd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                z[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void schedule_free_sgd_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], z[k_ + l_] = schedule_free_sgd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                z[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void schedule_free_sgd_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], z[k_ + l_] = schedule_free_sgd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), z[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating) schedule_free_adamw(
    floating p, floating g, floating z, floating exp_avg_sq, floating lr, floating weight_decay, floating pull,
    floating push, floating b2, floating b2_c, floating debias, floating eps
) noexcept nogil:
    cdef floating u
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    u = g / (debias * math.sqrt(exp_avg_sq) + eps) + weight_decay * p
    return p - (pull * (p - z) + push * u), z - lr * u, exp_avg_sq


cdef void schedule_free_adamw_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], z[i_], exp_avg_sq[i_] = schedule_free_adamw(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), z[i_], exp_avg_sq[i_], scalars[4],
                scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], z[k_ + l_], exp_avg_sq[k_ + l_] = schedule_free_adamw(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                z[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void schedule_free_adamw_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], z[k_ + l_], exp_avg_sq[k_ + l_] = schedule_free_adamw(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                z[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void schedule_free_adamw_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], z[k_ + l_], exp_avg_sq[k_ + l_] = schedule_free_adamw(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                z[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void schedule_free_adamw_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], z[k_ + l_], exp_avg_sq[k_ + l_] = schedule_free_adamw(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), z[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void schedule_free_adamw_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], z[i_], exp_avg_sq[i_] = schedule_free_adamw(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), z[i_], exp_avg_sq[i_], scalars[4],
                scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], z[k_ + l_], exp_avg_sq[k_ + l_] = schedule_free_adamw(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                z[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void schedule_free_adamw_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], z[k_ + l_], exp_avg_sq[k_ + l_] = schedule_free_adamw(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                z[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void schedule_free_adamw_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], z[k_ + l_], exp_avg_sq[k_ + l_] = schedule_free_adamw(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                z[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void schedule_free_adamw_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], z[k_ + l_], exp_avg_sq[k_ + l_] = schedule_free_adamw(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), z[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating) alig(
    floating p, floating g, floating momentum_buffer, floating lr, floating mu
) noexcept nogil:
    momentum_buffer = mu * momentum_buffer - lr * g
    return p - (lr * g - mu * momentum_buffer), momentum_buffer


cdef void alig_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], momentum_buffer[i_] = alig(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), momentum_buffer[i_], scalars[4],
                scalars[5]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], momentum_buffer[k_ + l_] = alig(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void alig_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], momentum_buffer[k_ + l_] = alig(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void alig_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], momentum_buffer[k_ + l_] = alig(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void alig_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], momentum_buffer[k_ + l_] = alig(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), momentum_buffer[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void alig_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], momentum_buffer[i_] = alig(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), momentum_buffer[i_], scalars[4],
                scalars[5]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], momentum_buffer[k_ + l_] = alig(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void alig_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], momentum_buffer[k_ + l_] = alig(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void alig_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], momentum_buffer[k_ + l_] = alig(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void alig_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], momentum_buffer[k_ + l_] = alig(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), momentum_buffer[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating) secant(
    floating p, floating g, floating prev_grad, floating lr
) noexcept nogil:
    return p - lr * g, g


cdef void secant_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array prev_grad = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], prev_grad[i_] = secant(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), prev_grad[i_], scalars[4]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], prev_grad[k_ + l_] = secant(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                prev_grad[k_ + l_], scalars[4 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void secant_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array prev_grad = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], prev_grad[k_ + l_] = secant(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                prev_grad[k_ + l_], scalars[4 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void secant_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array prev_grad = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], prev_grad[k_ + l_] = secant(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                prev_grad[k_ + l_], scalars[4 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void secant_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array prev_grad = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], prev_grad[k_ + l_] = secant(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), prev_grad[k_ + l_],
                scalars[4 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void secant_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array prev_grad = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], prev_grad[i_] = secant(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), prev_grad[i_], scalars[4]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], prev_grad[k_ + l_] = secant(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                prev_grad[k_ + l_], scalars[4 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void secant_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array prev_grad = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], prev_grad[k_ + l_] = secant(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                prev_grad[k_ + l_], scalars[4 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void secant_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array prev_grad = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], prev_grad[k_ + l_] = secant(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                prev_grad[k_ + l_], scalars[4 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void secant_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array prev_grad = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], prev_grad[k_ + l_] = secant(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), prev_grad[k_ + l_],
                scalars[4 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating, floating, floating, floating) cocob(
    floating p, floating g, floating L, floating grad_norm_sum, floating gradients_sum, floating tilde_w,
    floating reward, floating lr, floating alpha
) noexcept nogil:
    cdef floating gain, size, spread, w
    size = math.fabs(g)
    L = size if size > L else L
    grad_norm_sum = grad_norm_sum + size
    gradients_sum = gradients_sum + g
    gain = reward - g * tilde_w
    reward = gain if gain > <floating> 0 else gain - gain
    spread = grad_norm_sum + L if grad_norm_sum + L > alpha * L else alpha * L
    w = -lr * (gradients_sum / (L * spread) * (reward + L))
    return p - (tilde_w - w), L, grad_norm_sum, gradients_sum, w, reward


cdef void cocob_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array L = <float32_array> arrays_[2]
    cdef float32_array grad_norm_sum = <float32_array> arrays_[3]
    cdef float32_array gradients_sum = <float32_array> arrays_[4]
    cdef float32_array tilde_w = <float32_array> arrays_[5]
    cdef float32_array reward = <float32_array> arrays_[6]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], L[i_], grad_norm_sum[i_], gradients_sum[i_], tilde_w[i_], reward[i_] = cocob(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), L[i_], grad_norm_sum[i_],
                gradients_sum[i_], tilde_w[i_], reward[i_], scalars[4], scalars[5]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_] = cocob(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_],
                scalars[4 * 1 + l_], scalars[5 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void cocob_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array L = <float32_array> arrays_[2]
    cdef float32_array grad_norm_sum = <float32_array> arrays_[3]
    cdef float32_array gradients_sum = <float32_array> arrays_[4]
    cdef float32_array tilde_w = <float32_array> arrays_[5]
    cdef float32_array reward = <float32_array> arrays_[6]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_] = cocob(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_],
                scalars[4 * 4 + l_], scalars[5 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void cocob_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array L = <float32_array> arrays_[2]
    cdef float32_array grad_norm_sum = <float32_array> arrays_[3]
    cdef float32_array gradients_sum = <float32_array> arrays_[4]
    cdef float32_array tilde_w = <float32_array> arrays_[5]
    cdef float32_array reward = <float32_array> arrays_[6]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_] = cocob(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_],
                scalars[4 * 8 + l_], scalars[5 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void cocob_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array L = <float32_array> arrays_[2]
    cdef float32_array grad_norm_sum = <float32_array> arrays_[3]
    cdef float32_array gradients_sum = <float32_array> arrays_[4]
    cdef float32_array tilde_w = <float32_array> arrays_[5]
    cdef float32_array reward = <float32_array> arrays_[6]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_] = cocob(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), L[k_ + l_], grad_norm_sum[k_ + l_],
                gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void cocob_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array L = <float64_array> arrays_[2]
    cdef float64_array grad_norm_sum = <float64_array> arrays_[3]
    cdef float64_array gradients_sum = <float64_array> arrays_[4]
    cdef float64_array tilde_w = <float64_array> arrays_[5]
    cdef float64_array reward = <float64_array> arrays_[6]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], L[i_], grad_norm_sum[i_], gradients_sum[i_], tilde_w[i_], reward[i_] = cocob(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), L[i_], grad_norm_sum[i_],
                gradients_sum[i_], tilde_w[i_], reward[i_], scalars[4], scalars[5]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_] = cocob(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_],
                scalars[4 * 1 + l_], scalars[5 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void cocob_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array L = <float64_array> arrays_[2]
    cdef float64_array grad_norm_sum = <float64_array> arrays_[3]
    cdef float64_array gradients_sum = <float64_array> arrays_[4]
    cdef float64_array tilde_w = <float64_array> arrays_[5]
    cdef float64_array reward = <float64_array> arrays_[6]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_] = cocob(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_],
                scalars[4 * 4 + l_], scalars[5 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void cocob_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array L = <float64_array> arrays_[2]
    cdef float64_array grad_norm_sum = <float64_array> arrays_[3]
    cdef float64_array gradients_sum = <float64_array> arrays_[4]
    cdef float64_array tilde_w = <float64_array> arrays_[5]
    cdef float64_array reward = <float64_array> arrays_[6]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_] = cocob(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_],
                scalars[4 * 8 + l_], scalars[5 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void cocob_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array L = <float64_array> arrays_[2]
    cdef float64_array grad_norm_sum = <float64_array> arrays_[3]
    cdef float64_array gradients_sum = <float64_array> arrays_[4]
    cdef float64_array tilde_w = <float64_array> arrays_[5]
    cdef float64_array reward = <float64_array> arrays_[6]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], L[k_ + l_], grad_norm_sum[k_ + l_], gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_] = cocob(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), L[k_ + l_], grad_norm_sum[k_ + l_],
                gradients_sum[k_ + l_], tilde_w[k_ + l_], reward[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating) novograd(
    floating p, floating g, floating exp_avg, floating lr, floating b1, floating g_c, floating decay
) noexcept nogil:
    exp_avg = b1 * exp_avg + (g_c * g + decay * p)
    return p - lr * exp_avg, exp_avg


cdef void novograd_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_] = novograd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], scalars[4], scalars[5],
                scalars[6], scalars[7]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_] = novograd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void novograd_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_] = novograd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void novograd_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_] = novograd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void novograd_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_] = novograd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void novograd_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_] = novograd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], scalars[4], scalars[5],
                scalars[6], scalars[7]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_] = novograd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void novograd_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_] = novograd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void novograd_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_] = novograd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void novograd_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_] = novograd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating) qhm(
    floating p, floating g, floating momentum_buffer, floating lr_g, floating lr_m, floating l2, floating mu,
    floating mu_c
) noexcept nogil:
    g = g + l2 * p
    momentum_buffer = mu * momentum_buffer + mu_c * g
    return p - (lr_g * g + lr_m * momentum_buffer), momentum_buffer


cdef void qhm_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], momentum_buffer[i_] = qhm(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), momentum_buffer[i_], scalars[4],
                scalars[5], scalars[6], scalars[7], scalars[8]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], momentum_buffer[k_ + l_] = qhm(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void qhm_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], momentum_buffer[k_ + l_] = qhm(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void qhm_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], momentum_buffer[k_ + l_] = qhm(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void qhm_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], momentum_buffer[k_ + l_] = qhm(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), momentum_buffer[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void qhm_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], momentum_buffer[i_] = qhm(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), momentum_buffer[i_], scalars[4],
                scalars[5], scalars[6], scalars[7], scalars[8]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], momentum_buffer[k_ + l_] = qhm(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void qhm_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], momentum_buffer[k_ + l_] = qhm(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void qhm_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], momentum_buffer[k_ + l_] = qhm(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                momentum_buffer[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void qhm_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], momentum_buffer[k_ + l_] = qhm(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), momentum_buffer[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating, floating) mechanic_sgd(
    floating p, floating g, floating momentum_buffer, floating delta, floating ref, floating lr, floating mu, floating s
) noexcept nogil:
    momentum_buffer = mu * momentum_buffer + g
    delta = delta + lr * momentum_buffer
    return ref - s * delta, momentum_buffer, delta, ref


cdef void mechanic_sgd_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array delta = <float32_array> arrays_[3]
    cdef float32_array ref = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], momentum_buffer[i_], delta[i_], ref[i_] = mechanic_sgd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), momentum_buffer[i_], delta[i_],
                ref[i_], scalars[4], scalars[5], scalars[6]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_sgd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_],
                scalars[6 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void mechanic_sgd_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array delta = <float32_array> arrays_[3]
    cdef float32_array ref = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_sgd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_],
                scalars[6 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void mechanic_sgd_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array delta = <float32_array> arrays_[3]
    cdef float32_array ref = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_sgd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_],
                scalars[6 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void mechanic_sgd_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array delta = <float32_array> arrays_[3]
    cdef float32_array ref = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_sgd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), momentum_buffer[k_ + l_],
                delta[k_ + l_], ref[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void mechanic_sgd_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array delta = <float64_array> arrays_[3]
    cdef float64_array ref = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], momentum_buffer[i_], delta[i_], ref[i_] = mechanic_sgd(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), momentum_buffer[i_], delta[i_],
                ref[i_], scalars[4], scalars[5], scalars[6]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_sgd(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_],
                scalars[6 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void mechanic_sgd_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array delta = <float64_array> arrays_[3]
    cdef float64_array ref = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_sgd(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_],
                scalars[6 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void mechanic_sgd_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array delta = <float64_array> arrays_[3]
    cdef float64_array ref = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_sgd(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_],
                scalars[6 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void mechanic_sgd_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array delta = <float64_array> arrays_[3]
    cdef float64_array ref = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], momentum_buffer[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_sgd(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), momentum_buffer[k_ + l_],
                delta[k_ + l_], ref[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating, floating, floating) mechanic_adam(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating delta, floating ref, floating lr,
    floating b1, floating b1_c, floating b2, floating b2_c, floating debias, floating eps, floating s
) noexcept nogil:
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    delta = delta + lr * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps)
    return ref - s * delta, exp_avg, exp_avg_sq, delta, ref


cdef void mechanic_adam_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array delta = <float32_array> arrays_[4]
    cdef float32_array ref = <float32_array> arrays_[5]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_], delta[i_], ref[i_] = mechanic_adam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                delta[i_], ref[i_], scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10],
                scalars[11]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_adam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_], scalars[4 * 1 + l_],
                scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_],
                scalars[10 * 1 + l_], scalars[11 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void mechanic_adam_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array delta = <float32_array> arrays_[4]
    cdef float32_array ref = <float32_array> arrays_[5]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_adam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_], scalars[4 * 4 + l_],
                scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_],
                scalars[10 * 4 + l_], scalars[11 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void mechanic_adam_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array delta = <float32_array> arrays_[4]
    cdef float32_array ref = <float32_array> arrays_[5]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_adam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_], scalars[4 * 8 + l_],
                scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_],
                scalars[10 * 8 + l_], scalars[11 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void mechanic_adam_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array delta = <float32_array> arrays_[4]
    cdef float32_array ref = <float32_array> arrays_[5]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_adam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                delta[k_ + l_], ref[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_],
                scalars[7 * 16 + l_], scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_],
                scalars[11 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void mechanic_adam_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array delta = <float64_array> arrays_[4]
    cdef float64_array ref = <float64_array> arrays_[5]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_], delta[i_], ref[i_] = mechanic_adam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                delta[i_], ref[i_], scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10],
                scalars[11]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_adam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_], scalars[4 * 1 + l_],
                scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_],
                scalars[10 * 1 + l_], scalars[11 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void mechanic_adam_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array delta = <float64_array> arrays_[4]
    cdef float64_array ref = <float64_array> arrays_[5]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_adam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_], scalars[4 * 4 + l_],
                scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_],
                scalars[10 * 4 + l_], scalars[11 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void mechanic_adam_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array delta = <float64_array> arrays_[4]
    cdef float64_array ref = <float64_array> arrays_[5]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_adam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_], scalars[4 * 8 + l_],
                scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_],
                scalars[10 * 8 + l_], scalars[11 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void mechanic_adam_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array delta = <float64_array> arrays_[4]
    cdef float64_array ref = <float64_array> arrays_[5]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_], delta[k_ + l_], ref[k_ + l_] = mechanic_adam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                delta[k_ + l_], ref[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_],
                scalars[7 * 16 + l_], scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_],
                scalars[11 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


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


cdef void cautious_adam_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = cautious_adam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = cautious_adam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void cautious_adam_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = cautious_adam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void cautious_adam_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = cautious_adam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void cautious_adam_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = cautious_adam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void cautious_adam_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_], exp_avg_sq[i_] = cautious_adam(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], exp_avg_sq[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8], scalars[9], scalars[10], scalars[11],
                scalars[12]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = cautious_adam(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_],
                scalars[7 * 1 + l_], scalars[8 * 1 + l_], scalars[9 * 1 + l_], scalars[10 * 1 + l_],
                scalars[11 * 1 + l_], scalars[12 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void cautious_adam_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = cautious_adam(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_],
                scalars[7 * 4 + l_], scalars[8 * 4 + l_], scalars[9 * 4 + l_], scalars[10 * 4 + l_],
                scalars[11 * 4 + l_], scalars[12 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void cautious_adam_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = cautious_adam(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], exp_avg_sq[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_],
                scalars[7 * 8 + l_], scalars[8 * 8 + l_], scalars[9 * 8 + l_], scalars[10 * 8 + l_],
                scalars[11 * 8 + l_], scalars[12 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void cautious_adam_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_], exp_avg_sq[k_ + l_] = cautious_adam(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], exp_avg_sq[k_ + l_],
                scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_], scalars[9 * 16 + l_], scalars[10 * 16 + l_], scalars[11 * 16 + l_],
                scalars[12 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


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


cdef void cautious_lion_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_] = cautious_lion(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], scalars[4], scalars[5],
                scalars[6], scalars[7], scalars[8], scalars[9]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_] = cautious_lion(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_],
                scalars[8 * 1 + l_], scalars[9 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void cautious_lion_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_] = cautious_lion(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_],
                scalars[8 * 4 + l_], scalars[9 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void cautious_lion_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_] = cautious_lion(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_],
                scalars[8 * 8 + l_], scalars[9 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void cautious_lion_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_] = cautious_lion(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_], scalars[8 * 16 + l_],
                scalars[9 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void cautious_lion_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], exp_avg[i_] = cautious_lion(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), exp_avg[i_], scalars[4], scalars[5],
                scalars[6], scalars[7], scalars[8], scalars[9]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], exp_avg[k_ + l_] = cautious_lion(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                exp_avg[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_], scalars[6 * 1 + l_], scalars[7 * 1 + l_],
                scalars[8 * 1 + l_], scalars[9 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void cautious_lion_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], exp_avg[k_ + l_] = cautious_lion(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                exp_avg[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_], scalars[6 * 4 + l_], scalars[7 * 4 + l_],
                scalars[8 * 4 + l_], scalars[9 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void cautious_lion_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], exp_avg[k_ + l_] = cautious_lion(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                exp_avg[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_], scalars[6 * 8 + l_], scalars[7 * 8 + l_],
                scalars[8 * 8 + l_], scalars[9 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void cautious_lion_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], exp_avg[k_ + l_] = cautious_lion(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), exp_avg[k_ + l_], scalars[4 * 16 + l_],
                scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_], scalars[8 * 16 + l_],
                scalars[9 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef inline (floating, floating, floating, floating) madgrad(
    floating p, floating g, floating grad_sum_sq, floating s, floating x0, floating lamb, floating l2, floating decay,
    floating c, floating eps
) noexcept nogil:
    cdef floating fourth, rest, root, sixteenth, v, w
    g = g + l2 * p
    grad_sum_sq = grad_sum_sq + lamb * (g * g)
    s = s + lamb * g
    # The cube root: 1/3 = 1/4 + 1/16 + 1/64 + 1/256 + ..., then Halley's method; square roots vectorise, libm's cbrt does not.
    v = grad_sum_sq if grad_sum_sq > <floating> 0 else <floating> 1
    fourth = math.sqrt(math.sqrt(v))
    sixteenth = math.sqrt(math.sqrt(fourth))
    rest = math.sqrt(math.sqrt(sixteenth))
    root = fourth * sixteenth * rest * math.sqrt(math.sqrt(rest))
    w = v / (root * root * root)
    root = root * (<floating> 1 + <floating> 2 * w) / (<floating> 2 + w)
    w = v / (root * root * root)
    root = root * (<floating> 1 + <floating> 2 * w) / (<floating> 2 + w)
    w = v / (root * root * root)
    root = root * (<floating> 1 + <floating> 2 * w) / (<floating> 2 + w)
    w = v / (root * root * root)
    root = root * (<floating> 1 + <floating> 2 * w) / (<floating> 2 + w)
    root = root if grad_sum_sq > <floating> 0 else grad_sum_sq
    return p - (decay * p + c * (p - (x0 - s / (root + eps)))), grad_sum_sq, s, x0


cdef void madgrad_float32_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array grad_sum_sq = <float32_array> arrays_[2]
    cdef float32_array s = <float32_array> arrays_[3]
    cdef float32_array x0 = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], grad_sum_sq[i_], s[i_], x0[i_] = madgrad(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), grad_sum_sq[i_], s[i_], x0[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_] = madgrad(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_],
                scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void madgrad_float32_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array grad_sum_sq = <float32_array> arrays_[2]
    cdef float32_array s = <float32_array> arrays_[3]
    cdef float32_array x0 = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_] = madgrad(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_],
                scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void madgrad_float32_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array grad_sum_sq = <float32_array> arrays_[2]
    cdef float32_array s = <float32_array> arrays_[3]
    cdef float32_array x0 = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_] = madgrad(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_],
                scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void madgrad_float32_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array grad_sum_sq = <float32_array> arrays_[2]
    cdef float32_array s = <float32_array> arrays_[3]
    cdef float32_array x0 = <float32_array> arrays_[4]
    cdef float32_array scalars = <float32_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_] = madgrad(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), grad_sum_sq[k_ + l_], s[k_ + l_],
                x0[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


cdef void madgrad_float64_1(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array grad_sum_sq = <float64_array> arrays_[2]
    cdef float64_array s = <float64_array> arrays_[3]
    cdef float64_array x0 = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    if which_ == NULL and stride_ == 1:
        for i_ in range(n_):
            p[i_], grad_sum_sq[i_], s[i_], x0[i_] = madgrad(
                decayed(p[i_], scalars[2]), clipped(g[i_], scalars[0], scalars[1]), grad_sum_sq[i_], s[i_], x0[i_],
                scalars[4], scalars[5], scalars[6], scalars[7], scalars[8]
            )
            p[i_] = thresholded(p[i_], scalars[3])
        return
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(1):
            p[k_ + l_], grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_] = madgrad(
                decayed(p[k_ + l_], scalars[2 * 1 + l_]), clipped(g[k_ + l_], scalars[0 * 1 + l_], scalars[1 * 1 + l_]),
                grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_], scalars[4 * 1 + l_], scalars[5 * 1 + l_],
                scalars[6 * 1 + l_], scalars[7 * 1 + l_], scalars[8 * 1 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 1 + l_])
        scalars += advance_


cdef void madgrad_float64_4(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array grad_sum_sq = <float64_array> arrays_[2]
    cdef float64_array s = <float64_array> arrays_[3]
    cdef float64_array x0 = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(4):
            p[k_ + l_], grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_] = madgrad(
                decayed(p[k_ + l_], scalars[2 * 4 + l_]), clipped(g[k_ + l_], scalars[0 * 4 + l_], scalars[1 * 4 + l_]),
                grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_], scalars[4 * 4 + l_], scalars[5 * 4 + l_],
                scalars[6 * 4 + l_], scalars[7 * 4 + l_], scalars[8 * 4 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 4 + l_])
        scalars += advance_


cdef void madgrad_float64_8(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array grad_sum_sq = <float64_array> arrays_[2]
    cdef float64_array s = <float64_array> arrays_[3]
    cdef float64_array x0 = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(8):
            p[k_ + l_], grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_] = madgrad(
                decayed(p[k_ + l_], scalars[2 * 8 + l_]), clipped(g[k_ + l_], scalars[0 * 8 + l_], scalars[1 * 8 + l_]),
                grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_], scalars[4 * 8 + l_], scalars[5 * 8 + l_],
                scalars[6 * 8 + l_], scalars[7 * 8 + l_], scalars[8 * 8 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 8 + l_])
        scalars += advance_


cdef void madgrad_float64_16(
    Py_ssize_t n_, const int64_t *which_, Py_ssize_t stride_, Py_ssize_t advance_, void **arrays_, const void *scalars_
) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array grad_sum_sq = <float64_array> arrays_[2]
    cdef float64_array s = <float64_array> arrays_[3]
    cdef float64_array x0 = <float64_array> arrays_[4]
    cdef float64_array scalars = <float64_array> scalars_
    cdef Py_ssize_t i_, k_, l_
    for i_ in range(n_):
        k_ = stride_ * (i_ if which_ == NULL else which_[i_])
        for l_ in range(16):
            p[k_ + l_], grad_sum_sq[k_ + l_], s[k_ + l_], x0[k_ + l_] = madgrad(
                decayed(p[k_ + l_], scalars[2 * 16 + l_]),
                clipped(g[k_ + l_], scalars[0 * 16 + l_], scalars[1 * 16 + l_]), grad_sum_sq[k_ + l_], s[k_ + l_],
                x0[k_ + l_], scalars[4 * 16 + l_], scalars[5 * 16 + l_], scalars[6 * 16 + l_], scalars[7 * 16 + l_],
                scalars[8 * 16 + l_]
            )
            p[k_ + l_] = thresholded(p[k_ + l_], scalars[3 * 16 + l_])
        scalars += advance_


LANE_RULES = {
    ("sgd", "float32", 1): <size_t> &sgd_float32_1,
    ("sgd", "float32", 4): <size_t> &sgd_float32_4,
    ("sgd", "float32", 8): <size_t> &sgd_float32_8,
    ("sgd", "float32", 16): <size_t> &sgd_float32_16,
    ("sgd", "float64", 1): <size_t> &sgd_float64_1,
    ("sgd", "float64", 4): <size_t> &sgd_float64_4,
    ("sgd", "float64", 8): <size_t> &sgd_float64_8,
    ("sgd", "float64", 16): <size_t> &sgd_float64_16,
    ("momentum", "float32", 1): <size_t> &momentum_float32_1,
    ("momentum", "float32", 4): <size_t> &momentum_float32_4,
    ("momentum", "float32", 8): <size_t> &momentum_float32_8,
    ("momentum", "float32", 16): <size_t> &momentum_float32_16,
    ("momentum", "float64", 1): <size_t> &momentum_float64_1,
    ("momentum", "float64", 4): <size_t> &momentum_float64_4,
    ("momentum", "float64", 8): <size_t> &momentum_float64_8,
    ("momentum", "float64", 16): <size_t> &momentum_float64_16,
    ("nesterov", "float32", 1): <size_t> &nesterov_float32_1,
    ("nesterov", "float32", 4): <size_t> &nesterov_float32_4,
    ("nesterov", "float32", 8): <size_t> &nesterov_float32_8,
    ("nesterov", "float32", 16): <size_t> &nesterov_float32_16,
    ("nesterov", "float64", 1): <size_t> &nesterov_float64_1,
    ("nesterov", "float64", 4): <size_t> &nesterov_float64_4,
    ("nesterov", "float64", 8): <size_t> &nesterov_float64_8,
    ("nesterov", "float64", 16): <size_t> &nesterov_float64_16,
    ("adagrad", "float32", 1): <size_t> &adagrad_float32_1,
    ("adagrad", "float32", 4): <size_t> &adagrad_float32_4,
    ("adagrad", "float32", 8): <size_t> &adagrad_float32_8,
    ("adagrad", "float32", 16): <size_t> &adagrad_float32_16,
    ("adagrad", "float64", 1): <size_t> &adagrad_float64_1,
    ("adagrad", "float64", 4): <size_t> &adagrad_float64_4,
    ("adagrad", "float64", 8): <size_t> &adagrad_float64_8,
    ("adagrad", "float64", 16): <size_t> &adagrad_float64_16,
    ("rmsprop", "float32", 1): <size_t> &rmsprop_float32_1,
    ("rmsprop", "float32", 4): <size_t> &rmsprop_float32_4,
    ("rmsprop", "float32", 8): <size_t> &rmsprop_float32_8,
    ("rmsprop", "float32", 16): <size_t> &rmsprop_float32_16,
    ("rmsprop", "float64", 1): <size_t> &rmsprop_float64_1,
    ("rmsprop", "float64", 4): <size_t> &rmsprop_float64_4,
    ("rmsprop", "float64", 8): <size_t> &rmsprop_float64_8,
    ("rmsprop", "float64", 16): <size_t> &rmsprop_float64_16,
    ("rmsprop_momentum", "float32", 1): <size_t> &rmsprop_momentum_float32_1,
    ("rmsprop_momentum", "float32", 4): <size_t> &rmsprop_momentum_float32_4,
    ("rmsprop_momentum", "float32", 8): <size_t> &rmsprop_momentum_float32_8,
    ("rmsprop_momentum", "float32", 16): <size_t> &rmsprop_momentum_float32_16,
    ("rmsprop_momentum", "float64", 1): <size_t> &rmsprop_momentum_float64_1,
    ("rmsprop_momentum", "float64", 4): <size_t> &rmsprop_momentum_float64_4,
    ("rmsprop_momentum", "float64", 8): <size_t> &rmsprop_momentum_float64_8,
    ("rmsprop_momentum", "float64", 16): <size_t> &rmsprop_momentum_float64_16,
    ("rmsprop_centered", "float32", 1): <size_t> &rmsprop_centered_float32_1,
    ("rmsprop_centered", "float32", 4): <size_t> &rmsprop_centered_float32_4,
    ("rmsprop_centered", "float32", 8): <size_t> &rmsprop_centered_float32_8,
    ("rmsprop_centered", "float32", 16): <size_t> &rmsprop_centered_float32_16,
    ("rmsprop_centered", "float64", 1): <size_t> &rmsprop_centered_float64_1,
    ("rmsprop_centered", "float64", 4): <size_t> &rmsprop_centered_float64_4,
    ("rmsprop_centered", "float64", 8): <size_t> &rmsprop_centered_float64_8,
    ("rmsprop_centered", "float64", 16): <size_t> &rmsprop_centered_float64_16,
    ("rmsprop_centered_momentum", "float32", 1): <size_t> &rmsprop_centered_momentum_float32_1,
    ("rmsprop_centered_momentum", "float32", 4): <size_t> &rmsprop_centered_momentum_float32_4,
    ("rmsprop_centered_momentum", "float32", 8): <size_t> &rmsprop_centered_momentum_float32_8,
    ("rmsprop_centered_momentum", "float32", 16): <size_t> &rmsprop_centered_momentum_float32_16,
    ("rmsprop_centered_momentum", "float64", 1): <size_t> &rmsprop_centered_momentum_float64_1,
    ("rmsprop_centered_momentum", "float64", 4): <size_t> &rmsprop_centered_momentum_float64_4,
    ("rmsprop_centered_momentum", "float64", 8): <size_t> &rmsprop_centered_momentum_float64_8,
    ("rmsprop_centered_momentum", "float64", 16): <size_t> &rmsprop_centered_momentum_float64_16,
    ("adadelta", "float32", 1): <size_t> &adadelta_float32_1,
    ("adadelta", "float32", 4): <size_t> &adadelta_float32_4,
    ("adadelta", "float32", 8): <size_t> &adadelta_float32_8,
    ("adadelta", "float32", 16): <size_t> &adadelta_float32_16,
    ("adadelta", "float64", 1): <size_t> &adadelta_float64_1,
    ("adadelta", "float64", 4): <size_t> &adadelta_float64_4,
    ("adadelta", "float64", 8): <size_t> &adadelta_float64_8,
    ("adadelta", "float64", 16): <size_t> &adadelta_float64_16,
    ("adam", "float32", 1): <size_t> &adam_float32_1,
    ("adam", "float32", 4): <size_t> &adam_float32_4,
    ("adam", "float32", 8): <size_t> &adam_float32_8,
    ("adam", "float32", 16): <size_t> &adam_float32_16,
    ("adam", "float64", 1): <size_t> &adam_float64_1,
    ("adam", "float64", 4): <size_t> &adam_float64_4,
    ("adam", "float64", 8): <size_t> &adam_float64_8,
    ("adam", "float64", 16): <size_t> &adam_float64_16,
    ("amsgrad", "float32", 1): <size_t> &amsgrad_float32_1,
    ("amsgrad", "float32", 4): <size_t> &amsgrad_float32_4,
    ("amsgrad", "float32", 8): <size_t> &amsgrad_float32_8,
    ("amsgrad", "float32", 16): <size_t> &amsgrad_float32_16,
    ("amsgrad", "float64", 1): <size_t> &amsgrad_float64_1,
    ("amsgrad", "float64", 4): <size_t> &amsgrad_float64_4,
    ("amsgrad", "float64", 8): <size_t> &amsgrad_float64_8,
    ("amsgrad", "float64", 16): <size_t> &amsgrad_float64_16,
    ("adamax", "float32", 1): <size_t> &adamax_float32_1,
    ("adamax", "float32", 4): <size_t> &adamax_float32_4,
    ("adamax", "float32", 8): <size_t> &adamax_float32_8,
    ("adamax", "float32", 16): <size_t> &adamax_float32_16,
    ("adamax", "float64", 1): <size_t> &adamax_float64_1,
    ("adamax", "float64", 4): <size_t> &adamax_float64_4,
    ("adamax", "float64", 8): <size_t> &adamax_float64_8,
    ("adamax", "float64", 16): <size_t> &adamax_float64_16,
    ("nadam", "float32", 1): <size_t> &nadam_float32_1,
    ("nadam", "float32", 4): <size_t> &nadam_float32_4,
    ("nadam", "float32", 8): <size_t> &nadam_float32_8,
    ("nadam", "float32", 16): <size_t> &nadam_float32_16,
    ("nadam", "float64", 1): <size_t> &nadam_float64_1,
    ("nadam", "float64", 4): <size_t> &nadam_float64_4,
    ("nadam", "float64", 8): <size_t> &nadam_float64_8,
    ("nadam", "float64", 16): <size_t> &nadam_float64_16,
    ("radam", "float32", 1): <size_t> &radam_float32_1,
    ("radam", "float32", 4): <size_t> &radam_float32_4,
    ("radam", "float32", 8): <size_t> &radam_float32_8,
    ("radam", "float32", 16): <size_t> &radam_float32_16,
    ("radam", "float64", 1): <size_t> &radam_float64_1,
    ("radam", "float64", 4): <size_t> &radam_float64_4,
    ("radam", "float64", 8): <size_t> &radam_float64_8,
    ("radam", "float64", 16): <size_t> &radam_float64_16,
    ("lion", "float32", 1): <size_t> &lion_float32_1,
    ("lion", "float32", 4): <size_t> &lion_float32_4,
    ("lion", "float32", 8): <size_t> &lion_float32_8,
    ("lion", "float32", 16): <size_t> &lion_float32_16,
    ("lion", "float64", 1): <size_t> &lion_float64_1,
    ("lion", "float64", 4): <size_t> &lion_float64_4,
    ("lion", "float64", 8): <size_t> &lion_float64_8,
    ("lion", "float64", 16): <size_t> &lion_float64_16,
    ("signsgd", "float32", 1): <size_t> &signsgd_float32_1,
    ("signsgd", "float32", 4): <size_t> &signsgd_float32_4,
    ("signsgd", "float32", 8): <size_t> &signsgd_float32_8,
    ("signsgd", "float32", 16): <size_t> &signsgd_float32_16,
    ("signsgd", "float64", 1): <size_t> &signsgd_float64_1,
    ("signsgd", "float64", 4): <size_t> &signsgd_float64_4,
    ("signsgd", "float64", 8): <size_t> &signsgd_float64_8,
    ("signsgd", "float64", 16): <size_t> &signsgd_float64_16,
    ("signum", "float32", 1): <size_t> &signum_float32_1,
    ("signum", "float32", 4): <size_t> &signum_float32_4,
    ("signum", "float32", 8): <size_t> &signum_float32_8,
    ("signum", "float32", 16): <size_t> &signum_float32_16,
    ("signum", "float64", 1): <size_t> &signum_float64_1,
    ("signum", "float64", 4): <size_t> &signum_float64_4,
    ("signum", "float64", 8): <size_t> &signum_float64_8,
    ("signum", "float64", 16): <size_t> &signum_float64_16,
    ("rprop", "float32", 1): <size_t> &rprop_float32_1,
    ("rprop", "float32", 4): <size_t> &rprop_float32_4,
    ("rprop", "float32", 8): <size_t> &rprop_float32_8,
    ("rprop", "float32", 16): <size_t> &rprop_float32_16,
    ("rprop", "float64", 1): <size_t> &rprop_float64_1,
    ("rprop", "float64", 4): <size_t> &rprop_float64_4,
    ("rprop", "float64", 8): <size_t> &rprop_float64_8,
    ("rprop", "float64", 16): <size_t> &rprop_float64_16,
    ("ftrl", "float32", 1): <size_t> &ftrl_float32_1,
    ("ftrl", "float32", 4): <size_t> &ftrl_float32_4,
    ("ftrl", "float32", 8): <size_t> &ftrl_float32_8,
    ("ftrl", "float32", 16): <size_t> &ftrl_float32_16,
    ("ftrl", "float64", 1): <size_t> &ftrl_float64_1,
    ("ftrl", "float64", 4): <size_t> &ftrl_float64_4,
    ("ftrl", "float64", 8): <size_t> &ftrl_float64_8,
    ("ftrl", "float64", 16): <size_t> &ftrl_float64_16,
    ("asgd", "float32", 1): <size_t> &asgd_float32_1,
    ("asgd", "float32", 4): <size_t> &asgd_float32_4,
    ("asgd", "float32", 8): <size_t> &asgd_float32_8,
    ("asgd", "float32", 16): <size_t> &asgd_float32_16,
    ("asgd", "float64", 1): <size_t> &asgd_float64_1,
    ("asgd", "float64", 4): <size_t> &asgd_float64_4,
    ("asgd", "float64", 8): <size_t> &asgd_float64_8,
    ("asgd", "float64", 16): <size_t> &asgd_float64_16,
    ("adabelief", "float32", 1): <size_t> &adabelief_float32_1,
    ("adabelief", "float32", 4): <size_t> &adabelief_float32_4,
    ("adabelief", "float32", 8): <size_t> &adabelief_float32_8,
    ("adabelief", "float32", 16): <size_t> &adabelief_float32_16,
    ("adabelief", "float64", 1): <size_t> &adabelief_float64_1,
    ("adabelief", "float64", 4): <size_t> &adabelief_float64_4,
    ("adabelief", "float64", 8): <size_t> &adabelief_float64_8,
    ("adabelief", "float64", 16): <size_t> &adabelief_float64_16,
    ("yogi", "float32", 1): <size_t> &yogi_float32_1,
    ("yogi", "float32", 4): <size_t> &yogi_float32_4,
    ("yogi", "float32", 8): <size_t> &yogi_float32_8,
    ("yogi", "float32", 16): <size_t> &yogi_float32_16,
    ("yogi", "float64", 1): <size_t> &yogi_float64_1,
    ("yogi", "float64", 4): <size_t> &yogi_float64_4,
    ("yogi", "float64", 8): <size_t> &yogi_float64_8,
    ("yogi", "float64", 16): <size_t> &yogi_float64_16,
    ("adabound", "float32", 1): <size_t> &adabound_float32_1,
    ("adabound", "float32", 4): <size_t> &adabound_float32_4,
    ("adabound", "float32", 8): <size_t> &adabound_float32_8,
    ("adabound", "float32", 16): <size_t> &adabound_float32_16,
    ("adabound", "float64", 1): <size_t> &adabound_float64_1,
    ("adabound", "float64", 4): <size_t> &adabound_float64_4,
    ("adabound", "float64", 8): <size_t> &adabound_float64_8,
    ("adabound", "float64", 16): <size_t> &adabound_float64_16,
    ("laprop", "float32", 1): <size_t> &laprop_float32_1,
    ("laprop", "float32", 4): <size_t> &laprop_float32_4,
    ("laprop", "float32", 8): <size_t> &laprop_float32_8,
    ("laprop", "float32", 16): <size_t> &laprop_float32_16,
    ("laprop", "float64", 1): <size_t> &laprop_float64_1,
    ("laprop", "float64", 4): <size_t> &laprop_float64_4,
    ("laprop", "float64", 8): <size_t> &laprop_float64_8,
    ("laprop", "float64", 16): <size_t> &laprop_float64_16,
    ("adopt", "float32", 1): <size_t> &adopt_float32_1,
    ("adopt", "float32", 4): <size_t> &adopt_float32_4,
    ("adopt", "float32", 8): <size_t> &adopt_float32_8,
    ("adopt", "float32", 16): <size_t> &adopt_float32_16,
    ("adopt", "float64", 1): <size_t> &adopt_float64_1,
    ("adopt", "float64", 4): <size_t> &adopt_float64_4,
    ("adopt", "float64", 8): <size_t> &adopt_float64_8,
    ("adopt", "float64", 16): <size_t> &adopt_float64_16,
    ("adan", "float32", 1): <size_t> &adan_float32_1,
    ("adan", "float32", 4): <size_t> &adan_float32_4,
    ("adan", "float32", 8): <size_t> &adan_float32_8,
    ("adan", "float32", 16): <size_t> &adan_float32_16,
    ("adan", "float64", 1): <size_t> &adan_float64_1,
    ("adan", "float64", 4): <size_t> &adan_float64_4,
    ("adan", "float64", 8): <size_t> &adan_float64_8,
    ("adan", "float64", 16): <size_t> &adan_float64_16,
    ("ademamix", "float32", 1): <size_t> &ademamix_float32_1,
    ("ademamix", "float32", 4): <size_t> &ademamix_float32_4,
    ("ademamix", "float32", 8): <size_t> &ademamix_float32_8,
    ("ademamix", "float32", 16): <size_t> &ademamix_float32_16,
    ("ademamix", "float64", 1): <size_t> &ademamix_float64_1,
    ("ademamix", "float64", 4): <size_t> &ademamix_float64_4,
    ("ademamix", "float64", 8): <size_t> &ademamix_float64_8,
    ("ademamix", "float64", 16): <size_t> &ademamix_float64_16,
    ("qhadam", "float32", 1): <size_t> &qhadam_float32_1,
    ("qhadam", "float32", 4): <size_t> &qhadam_float32_4,
    ("qhadam", "float32", 8): <size_t> &qhadam_float32_8,
    ("qhadam", "float32", 16): <size_t> &qhadam_float32_16,
    ("qhadam", "float64", 1): <size_t> &qhadam_float64_1,
    ("qhadam", "float64", 4): <size_t> &qhadam_float64_4,
    ("qhadam", "float64", 8): <size_t> &qhadam_float64_8,
    ("qhadam", "float64", 16): <size_t> &qhadam_float64_16,
    ("dog", "float32", 1): <size_t> &dog_float32_1,
    ("dog", "float32", 4): <size_t> &dog_float32_4,
    ("dog", "float32", 8): <size_t> &dog_float32_8,
    ("dog", "float32", 16): <size_t> &dog_float32_16,
    ("dog", "float64", 1): <size_t> &dog_float64_1,
    ("dog", "float64", 4): <size_t> &dog_float64_4,
    ("dog", "float64", 8): <size_t> &dog_float64_8,
    ("dog", "float64", 16): <size_t> &dog_float64_16,
    ("dadapt_sgd", "float32", 1): <size_t> &dadapt_sgd_float32_1,
    ("dadapt_sgd", "float32", 4): <size_t> &dadapt_sgd_float32_4,
    ("dadapt_sgd", "float32", 8): <size_t> &dadapt_sgd_float32_8,
    ("dadapt_sgd", "float32", 16): <size_t> &dadapt_sgd_float32_16,
    ("dadapt_sgd", "float64", 1): <size_t> &dadapt_sgd_float64_1,
    ("dadapt_sgd", "float64", 4): <size_t> &dadapt_sgd_float64_4,
    ("dadapt_sgd", "float64", 8): <size_t> &dadapt_sgd_float64_8,
    ("dadapt_sgd", "float64", 16): <size_t> &dadapt_sgd_float64_16,
    ("dadapt_adam", "float32", 1): <size_t> &dadapt_adam_float32_1,
    ("dadapt_adam", "float32", 4): <size_t> &dadapt_adam_float32_4,
    ("dadapt_adam", "float32", 8): <size_t> &dadapt_adam_float32_8,
    ("dadapt_adam", "float32", 16): <size_t> &dadapt_adam_float32_16,
    ("dadapt_adam", "float64", 1): <size_t> &dadapt_adam_float64_1,
    ("dadapt_adam", "float64", 4): <size_t> &dadapt_adam_float64_4,
    ("dadapt_adam", "float64", 8): <size_t> &dadapt_adam_float64_8,
    ("dadapt_adam", "float64", 16): <size_t> &dadapt_adam_float64_16,
    ("prodigy", "float32", 1): <size_t> &prodigy_float32_1,
    ("prodigy", "float32", 4): <size_t> &prodigy_float32_4,
    ("prodigy", "float32", 8): <size_t> &prodigy_float32_8,
    ("prodigy", "float32", 16): <size_t> &prodigy_float32_16,
    ("prodigy", "float64", 1): <size_t> &prodigy_float64_1,
    ("prodigy", "float64", 4): <size_t> &prodigy_float64_4,
    ("prodigy", "float64", 8): <size_t> &prodigy_float64_8,
    ("prodigy", "float64", 16): <size_t> &prodigy_float64_16,
    ("schedule_free_sgd", "float32", 1): <size_t> &schedule_free_sgd_float32_1,
    ("schedule_free_sgd", "float32", 4): <size_t> &schedule_free_sgd_float32_4,
    ("schedule_free_sgd", "float32", 8): <size_t> &schedule_free_sgd_float32_8,
    ("schedule_free_sgd", "float32", 16): <size_t> &schedule_free_sgd_float32_16,
    ("schedule_free_sgd", "float64", 1): <size_t> &schedule_free_sgd_float64_1,
    ("schedule_free_sgd", "float64", 4): <size_t> &schedule_free_sgd_float64_4,
    ("schedule_free_sgd", "float64", 8): <size_t> &schedule_free_sgd_float64_8,
    ("schedule_free_sgd", "float64", 16): <size_t> &schedule_free_sgd_float64_16,
    ("schedule_free_adamw", "float32", 1): <size_t> &schedule_free_adamw_float32_1,
    ("schedule_free_adamw", "float32", 4): <size_t> &schedule_free_adamw_float32_4,
    ("schedule_free_adamw", "float32", 8): <size_t> &schedule_free_adamw_float32_8,
    ("schedule_free_adamw", "float32", 16): <size_t> &schedule_free_adamw_float32_16,
    ("schedule_free_adamw", "float64", 1): <size_t> &schedule_free_adamw_float64_1,
    ("schedule_free_adamw", "float64", 4): <size_t> &schedule_free_adamw_float64_4,
    ("schedule_free_adamw", "float64", 8): <size_t> &schedule_free_adamw_float64_8,
    ("schedule_free_adamw", "float64", 16): <size_t> &schedule_free_adamw_float64_16,
    ("alig", "float32", 1): <size_t> &alig_float32_1,
    ("alig", "float32", 4): <size_t> &alig_float32_4,
    ("alig", "float32", 8): <size_t> &alig_float32_8,
    ("alig", "float32", 16): <size_t> &alig_float32_16,
    ("alig", "float64", 1): <size_t> &alig_float64_1,
    ("alig", "float64", 4): <size_t> &alig_float64_4,
    ("alig", "float64", 8): <size_t> &alig_float64_8,
    ("alig", "float64", 16): <size_t> &alig_float64_16,
    ("secant", "float32", 1): <size_t> &secant_float32_1,
    ("secant", "float32", 4): <size_t> &secant_float32_4,
    ("secant", "float32", 8): <size_t> &secant_float32_8,
    ("secant", "float32", 16): <size_t> &secant_float32_16,
    ("secant", "float64", 1): <size_t> &secant_float64_1,
    ("secant", "float64", 4): <size_t> &secant_float64_4,
    ("secant", "float64", 8): <size_t> &secant_float64_8,
    ("secant", "float64", 16): <size_t> &secant_float64_16,
    ("cocob", "float32", 1): <size_t> &cocob_float32_1,
    ("cocob", "float32", 4): <size_t> &cocob_float32_4,
    ("cocob", "float32", 8): <size_t> &cocob_float32_8,
    ("cocob", "float32", 16): <size_t> &cocob_float32_16,
    ("cocob", "float64", 1): <size_t> &cocob_float64_1,
    ("cocob", "float64", 4): <size_t> &cocob_float64_4,
    ("cocob", "float64", 8): <size_t> &cocob_float64_8,
    ("cocob", "float64", 16): <size_t> &cocob_float64_16,
    ("novograd", "float32", 1): <size_t> &novograd_float32_1,
    ("novograd", "float32", 4): <size_t> &novograd_float32_4,
    ("novograd", "float32", 8): <size_t> &novograd_float32_8,
    ("novograd", "float32", 16): <size_t> &novograd_float32_16,
    ("novograd", "float64", 1): <size_t> &novograd_float64_1,
    ("novograd", "float64", 4): <size_t> &novograd_float64_4,
    ("novograd", "float64", 8): <size_t> &novograd_float64_8,
    ("novograd", "float64", 16): <size_t> &novograd_float64_16,
    ("qhm", "float32", 1): <size_t> &qhm_float32_1,
    ("qhm", "float32", 4): <size_t> &qhm_float32_4,
    ("qhm", "float32", 8): <size_t> &qhm_float32_8,
    ("qhm", "float32", 16): <size_t> &qhm_float32_16,
    ("qhm", "float64", 1): <size_t> &qhm_float64_1,
    ("qhm", "float64", 4): <size_t> &qhm_float64_4,
    ("qhm", "float64", 8): <size_t> &qhm_float64_8,
    ("qhm", "float64", 16): <size_t> &qhm_float64_16,
    ("mechanic_sgd", "float32", 1): <size_t> &mechanic_sgd_float32_1,
    ("mechanic_sgd", "float32", 4): <size_t> &mechanic_sgd_float32_4,
    ("mechanic_sgd", "float32", 8): <size_t> &mechanic_sgd_float32_8,
    ("mechanic_sgd", "float32", 16): <size_t> &mechanic_sgd_float32_16,
    ("mechanic_sgd", "float64", 1): <size_t> &mechanic_sgd_float64_1,
    ("mechanic_sgd", "float64", 4): <size_t> &mechanic_sgd_float64_4,
    ("mechanic_sgd", "float64", 8): <size_t> &mechanic_sgd_float64_8,
    ("mechanic_sgd", "float64", 16): <size_t> &mechanic_sgd_float64_16,
    ("mechanic_adam", "float32", 1): <size_t> &mechanic_adam_float32_1,
    ("mechanic_adam", "float32", 4): <size_t> &mechanic_adam_float32_4,
    ("mechanic_adam", "float32", 8): <size_t> &mechanic_adam_float32_8,
    ("mechanic_adam", "float32", 16): <size_t> &mechanic_adam_float32_16,
    ("mechanic_adam", "float64", 1): <size_t> &mechanic_adam_float64_1,
    ("mechanic_adam", "float64", 4): <size_t> &mechanic_adam_float64_4,
    ("mechanic_adam", "float64", 8): <size_t> &mechanic_adam_float64_8,
    ("mechanic_adam", "float64", 16): <size_t> &mechanic_adam_float64_16,
    ("cautious_adam", "float32", 1): <size_t> &cautious_adam_float32_1,
    ("cautious_adam", "float32", 4): <size_t> &cautious_adam_float32_4,
    ("cautious_adam", "float32", 8): <size_t> &cautious_adam_float32_8,
    ("cautious_adam", "float32", 16): <size_t> &cautious_adam_float32_16,
    ("cautious_adam", "float64", 1): <size_t> &cautious_adam_float64_1,
    ("cautious_adam", "float64", 4): <size_t> &cautious_adam_float64_4,
    ("cautious_adam", "float64", 8): <size_t> &cautious_adam_float64_8,
    ("cautious_adam", "float64", 16): <size_t> &cautious_adam_float64_16,
    ("cautious_lion", "float32", 1): <size_t> &cautious_lion_float32_1,
    ("cautious_lion", "float32", 4): <size_t> &cautious_lion_float32_4,
    ("cautious_lion", "float32", 8): <size_t> &cautious_lion_float32_8,
    ("cautious_lion", "float32", 16): <size_t> &cautious_lion_float32_16,
    ("cautious_lion", "float64", 1): <size_t> &cautious_lion_float64_1,
    ("cautious_lion", "float64", 4): <size_t> &cautious_lion_float64_4,
    ("cautious_lion", "float64", 8): <size_t> &cautious_lion_float64_8,
    ("cautious_lion", "float64", 16): <size_t> &cautious_lion_float64_16,
    ("madgrad", "float32", 1): <size_t> &madgrad_float32_1,
    ("madgrad", "float32", 4): <size_t> &madgrad_float32_4,
    ("madgrad", "float32", 8): <size_t> &madgrad_float32_8,
    ("madgrad", "float32", 16): <size_t> &madgrad_float32_16,
    ("madgrad", "float64", 1): <size_t> &madgrad_float64_1,
    ("madgrad", "float64", 4): <size_t> &madgrad_float64_4,
    ("madgrad", "float64", 8): <size_t> &madgrad_float64_8,
    ("madgrad", "float64", 16): <size_t> &madgrad_float64_16,
}
