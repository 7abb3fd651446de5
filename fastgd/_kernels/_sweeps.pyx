# Generated from rules.py, losses.py and measures.py by emit.py. Do not edit: change the rule, then run `python -m fastgd._kernels.emit`.
"""Every rule, loss and measure as an inline function and one loop per dtype; `RULES`, `LOSSES`, `MEASURES` hold their addresses."""
from cython cimport floating
from fastgd._kernels cimport cmath as math

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


cdef Py_ssize_t sgd_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_] = sgd(
            p[i_], clipped(g[i_], scale, limit), lr, l2
        )
    return nonfinite_


cdef Py_ssize_t sgd_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_] = sgd(
            p[i_], clipped(g[i_], scale, limit), lr, l2
        )
    return nonfinite_


cdef inline (floating, floating) momentum(
    floating p, floating g, floating momentum_buffer, floating lr, floating l2, floating mu, floating mu_c
) noexcept nogil:
    momentum_buffer = mu * momentum_buffer + mu_c * (g + l2 * p)
    return p - lr * momentum_buffer, momentum_buffer


cdef Py_ssize_t momentum_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float mu = (<const float *> scalars_)[4]
    cdef float mu_c = (<const float *> scalars_)[5]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer[i_] = momentum(
            p[i_], clipped(g[i_], scale, limit), momentum_buffer[i_], lr, l2, mu, mu_c
        )
    return nonfinite_


cdef Py_ssize_t momentum_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double mu = (<const double *> scalars_)[4]
    cdef double mu_c = (<const double *> scalars_)[5]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer[i_] = momentum(
            p[i_], clipped(g[i_], scale, limit), momentum_buffer[i_], lr, l2, mu, mu_c
        )
    return nonfinite_


cdef inline (floating, floating) nesterov(
    floating p, floating g, floating momentum_buffer, floating lr, floating l2, floating mu
) noexcept nogil:
    g = g + l2 * p
    momentum_buffer = mu * momentum_buffer + g
    return p - lr * (g + mu * momentum_buffer), momentum_buffer


cdef Py_ssize_t nesterov_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float mu = (<const float *> scalars_)[4]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer[i_] = nesterov(
            p[i_], clipped(g[i_], scale, limit), momentum_buffer[i_], lr, l2, mu
        )
    return nonfinite_


cdef Py_ssize_t nesterov_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double mu = (<const double *> scalars_)[4]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer[i_] = nesterov(
            p[i_], clipped(g[i_], scale, limit), momentum_buffer[i_], lr, l2, mu
        )
    return nonfinite_


cdef inline (floating, floating) adagrad(
    floating p, floating g, floating sum, floating lr, floating l2, floating eps
) noexcept nogil:
    g = g + l2 * p
    sum = sum + g * g
    return p - lr * g / (math.sqrt(sum) + eps), sum


cdef Py_ssize_t adagrad_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array sum = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float eps = (<const float *> scalars_)[4]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], sum[i_] = adagrad(
            p[i_], clipped(g[i_], scale, limit), sum[i_], lr, l2, eps
        )
    return nonfinite_


cdef Py_ssize_t adagrad_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array sum = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double eps = (<const double *> scalars_)[4]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], sum[i_] = adagrad(
            p[i_], clipped(g[i_], scale, limit), sum[i_], lr, l2, eps
        )
    return nonfinite_


cdef inline (floating, floating) rmsprop(
    floating p, floating g, floating square_avg, floating lr, floating l2, floating alpha, floating alpha_c,
    floating eps
) noexcept nogil:
    g = g + l2 * p
    square_avg = alpha * square_avg + alpha_c * (g * g)
    return p - lr * g / (math.sqrt(square_avg) + eps), square_avg


cdef Py_ssize_t rmsprop_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float alpha = (<const float *> scalars_)[4]
    cdef float alpha_c = (<const float *> scalars_)[5]
    cdef float eps = (<const float *> scalars_)[6]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], square_avg[i_] = rmsprop(
            p[i_], clipped(g[i_], scale, limit), square_avg[i_], lr, l2, alpha, alpha_c, eps
        )
    return nonfinite_


cdef Py_ssize_t rmsprop_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double alpha = (<const double *> scalars_)[4]
    cdef double alpha_c = (<const double *> scalars_)[5]
    cdef double eps = (<const double *> scalars_)[6]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], square_avg[i_] = rmsprop(
            p[i_], clipped(g[i_], scale, limit), square_avg[i_], lr, l2, alpha, alpha_c, eps
        )
    return nonfinite_


cdef inline (floating, floating, floating) rmsprop_momentum(
    floating p, floating g, floating square_avg, floating momentum_buffer, floating lr, floating l2, floating alpha,
    floating alpha_c, floating eps, floating mu
) noexcept nogil:
    g = g + l2 * p
    square_avg = alpha * square_avg + alpha_c * (g * g)
    momentum_buffer = mu * momentum_buffer + g / (math.sqrt(square_avg) + eps)
    return p - lr * momentum_buffer, square_avg, momentum_buffer


cdef Py_ssize_t rmsprop_momentum_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array momentum_buffer = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float alpha = (<const float *> scalars_)[4]
    cdef float alpha_c = (<const float *> scalars_)[5]
    cdef float eps = (<const float *> scalars_)[6]
    cdef float mu = (<const float *> scalars_)[7]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], square_avg[i_], momentum_buffer[i_] = rmsprop_momentum(
            p[i_], clipped(g[i_], scale, limit), square_avg[i_], momentum_buffer[i_], lr, l2, alpha, alpha_c, eps, mu
        )
    return nonfinite_


cdef Py_ssize_t rmsprop_momentum_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array momentum_buffer = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double alpha = (<const double *> scalars_)[4]
    cdef double alpha_c = (<const double *> scalars_)[5]
    cdef double eps = (<const double *> scalars_)[6]
    cdef double mu = (<const double *> scalars_)[7]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], square_avg[i_], momentum_buffer[i_] = rmsprop_momentum(
            p[i_], clipped(g[i_], scale, limit), square_avg[i_], momentum_buffer[i_], lr, l2, alpha, alpha_c, eps, mu
        )
    return nonfinite_


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


cdef Py_ssize_t rmsprop_centered_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array grad_avg = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float alpha = (<const float *> scalars_)[4]
    cdef float alpha_c = (<const float *> scalars_)[5]
    cdef float eps = (<const float *> scalars_)[6]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], square_avg[i_], grad_avg[i_] = rmsprop_centered(
            p[i_], clipped(g[i_], scale, limit), square_avg[i_], grad_avg[i_], lr, l2, alpha, alpha_c, eps
        )
    return nonfinite_


cdef Py_ssize_t rmsprop_centered_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array grad_avg = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double alpha = (<const double *> scalars_)[4]
    cdef double alpha_c = (<const double *> scalars_)[5]
    cdef double eps = (<const double *> scalars_)[6]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], square_avg[i_], grad_avg[i_] = rmsprop_centered(
            p[i_], clipped(g[i_], scale, limit), square_avg[i_], grad_avg[i_], lr, l2, alpha, alpha_c, eps
        )
    return nonfinite_


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


cdef Py_ssize_t rmsprop_centered_momentum_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array grad_avg = <float32_array> arrays_[3]
    cdef float32_array momentum_buffer = <float32_array> arrays_[4]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float alpha = (<const float *> scalars_)[4]
    cdef float alpha_c = (<const float *> scalars_)[5]
    cdef float eps = (<const float *> scalars_)[6]
    cdef float mu = (<const float *> scalars_)[7]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], square_avg[i_], grad_avg[i_], momentum_buffer[i_] = rmsprop_centered_momentum(
            p[i_], clipped(g[i_], scale, limit), square_avg[i_], grad_avg[i_], momentum_buffer[i_], lr, l2, alpha,
            alpha_c, eps, mu
        )
    return nonfinite_


cdef Py_ssize_t rmsprop_centered_momentum_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array grad_avg = <float64_array> arrays_[3]
    cdef float64_array momentum_buffer = <float64_array> arrays_[4]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double alpha = (<const double *> scalars_)[4]
    cdef double alpha_c = (<const double *> scalars_)[5]
    cdef double eps = (<const double *> scalars_)[6]
    cdef double mu = (<const double *> scalars_)[7]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], square_avg[i_], grad_avg[i_], momentum_buffer[i_] = rmsprop_centered_momentum(
            p[i_], clipped(g[i_], scale, limit), square_avg[i_], grad_avg[i_], momentum_buffer[i_], lr, l2, alpha,
            alpha_c, eps, mu
        )
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


cdef Py_ssize_t adadelta_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array square_avg = <float32_array> arrays_[2]
    cdef float32_array acc_delta = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float rho = (<const float *> scalars_)[4]
    cdef float rho_c = (<const float *> scalars_)[5]
    cdef float eps = (<const float *> scalars_)[6]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], square_avg[i_], acc_delta[i_] = adadelta(
            p[i_], clipped(g[i_], scale, limit), square_avg[i_], acc_delta[i_], lr, l2, rho, rho_c, eps
        )
    return nonfinite_


cdef Py_ssize_t adadelta_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array square_avg = <float64_array> arrays_[2]
    cdef float64_array acc_delta = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double rho = (<const double *> scalars_)[4]
    cdef double rho_c = (<const double *> scalars_)[5]
    cdef double eps = (<const double *> scalars_)[6]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], square_avg[i_], acc_delta[i_] = adadelta(
            p[i_], clipped(g[i_], scale, limit), square_avg[i_], acc_delta[i_], lr, l2, rho, rho_c, eps
        )
    return nonfinite_


cdef inline (floating, floating, floating) adam(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating lr, floating l2, floating decay,
    floating b1, floating b1_c, floating b2, floating b2_c, floating debias, floating eps
) noexcept nogil:
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    return p - (decay * p + lr * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps)), exp_avg, exp_avg_sq


cdef Py_ssize_t adam_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
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
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = adam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2, b2_c, debias,
            eps
        )
    return nonfinite_


cdef Py_ssize_t adam_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double b1 = (<const double *> scalars_)[5]
    cdef double b1_c = (<const double *> scalars_)[6]
    cdef double b2 = (<const double *> scalars_)[7]
    cdef double b2_c = (<const double *> scalars_)[8]
    cdef double debias = (<const double *> scalars_)[9]
    cdef double eps = (<const double *> scalars_)[10]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = adam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2, b2_c, debias,
            eps
        )
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


cdef Py_ssize_t amsgrad_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array max_exp_avg_sq = <float32_array> arrays_[4]
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
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_], max_exp_avg_sq[i_] = amsgrad(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], max_exp_avg_sq[i_], lr, l2, decay, b1,
            b1_c, b2, b2_c, debias, eps
        )
    return nonfinite_


cdef Py_ssize_t amsgrad_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array max_exp_avg_sq = <float64_array> arrays_[4]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double b1 = (<const double *> scalars_)[5]
    cdef double b1_c = (<const double *> scalars_)[6]
    cdef double b2 = (<const double *> scalars_)[7]
    cdef double b2_c = (<const double *> scalars_)[8]
    cdef double debias = (<const double *> scalars_)[9]
    cdef double eps = (<const double *> scalars_)[10]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_], max_exp_avg_sq[i_] = amsgrad(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], max_exp_avg_sq[i_], lr, l2, decay, b1,
            b1_c, b2, b2_c, debias, eps
        )
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


cdef Py_ssize_t adamax_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_inf = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float b1 = (<const float *> scalars_)[4]
    cdef float b1_c = (<const float *> scalars_)[5]
    cdef float b2 = (<const float *> scalars_)[6]
    cdef float eps = (<const float *> scalars_)[7]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_inf[i_] = adamax(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_inf[i_], lr, l2, b1, b1_c, b2, eps
        )
    return nonfinite_


cdef Py_ssize_t adamax_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_inf = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double b1 = (<const double *> scalars_)[4]
    cdef double b1_c = (<const double *> scalars_)[5]
    cdef double b2 = (<const double *> scalars_)[6]
    cdef double eps = (<const double *> scalars_)[7]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_inf[i_] = adamax(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_inf[i_], lr, l2, b1, b1_c, b2, eps
        )
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


cdef Py_ssize_t nadam_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
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
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = nadam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr_g, lr_m, l2, decay, b1, b1_c, b2, b2_c,
            debias, eps
        )
    return nonfinite_


cdef Py_ssize_t nadam_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr_g = (<const double *> scalars_)[2]
    cdef double lr_m = (<const double *> scalars_)[3]
    cdef double l2 = (<const double *> scalars_)[4]
    cdef double decay = (<const double *> scalars_)[5]
    cdef double b1 = (<const double *> scalars_)[6]
    cdef double b1_c = (<const double *> scalars_)[7]
    cdef double b2 = (<const double *> scalars_)[8]
    cdef double b2_c = (<const double *> scalars_)[9]
    cdef double debias = (<const double *> scalars_)[10]
    cdef double eps = (<const double *> scalars_)[11]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = nadam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr_g, lr_m, l2, decay, b1, b1_c, b2, b2_c,
            debias, eps
        )
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


cdef Py_ssize_t radam_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
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
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = radam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2, b2_c, adapt,
            plain, eps
        )
    return nonfinite_


cdef Py_ssize_t radam_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double b1 = (<const double *> scalars_)[5]
    cdef double b1_c = (<const double *> scalars_)[6]
    cdef double b2 = (<const double *> scalars_)[7]
    cdef double b2_c = (<const double *> scalars_)[8]
    cdef double adapt = (<const double *> scalars_)[9]
    cdef double plain = (<const double *> scalars_)[10]
    cdef double eps = (<const double *> scalars_)[11]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = radam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2, b2_c, adapt,
            plain, eps
        )
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


cdef Py_ssize_t lion_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float decay = (<const float *> scalars_)[3]
    cdef float b1 = (<const float *> scalars_)[4]
    cdef float b1_c = (<const float *> scalars_)[5]
    cdef float b2 = (<const float *> scalars_)[6]
    cdef float b2_c = (<const float *> scalars_)[7]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_] = lion(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], lr, decay, b1, b1_c, b2, b2_c
        )
    return nonfinite_


cdef Py_ssize_t lion_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double decay = (<const double *> scalars_)[3]
    cdef double b1 = (<const double *> scalars_)[4]
    cdef double b1_c = (<const double *> scalars_)[5]
    cdef double b2 = (<const double *> scalars_)[6]
    cdef double b2_c = (<const double *> scalars_)[7]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_] = lion(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], lr, decay, b1, b1_c, b2, b2_c
        )
    return nonfinite_


cdef inline floating signsgd(
    floating p, floating g, floating lr, floating l2
) noexcept nogil:
    g = g + l2 * p
    return p - (lr if g > <floating> 0 else (-lr if g < <floating> 0 else g))


cdef Py_ssize_t signsgd_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_] = signsgd(
            p[i_], clipped(g[i_], scale, limit), lr, l2
        )
    return nonfinite_


cdef Py_ssize_t signsgd_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_] = signsgd(
            p[i_], clipped(g[i_], scale, limit), lr, l2
        )
    return nonfinite_


cdef inline (floating, floating) signum(
    floating p, floating g, floating momentum_buffer, floating lr, floating l2, floating mu, floating mu_c
) noexcept nogil:
    cdef floating step
    momentum_buffer = mu * momentum_buffer + mu_c * (g + l2 * p)
    step = lr if momentum_buffer > <floating> 0 else (-lr if momentum_buffer < <floating> 0 else momentum_buffer)
    return p - step, momentum_buffer


cdef Py_ssize_t signum_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float mu = (<const float *> scalars_)[4]
    cdef float mu_c = (<const float *> scalars_)[5]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer[i_] = signum(
            p[i_], clipped(g[i_], scale, limit), momentum_buffer[i_], lr, l2, mu, mu_c
        )
    return nonfinite_


cdef Py_ssize_t signum_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double mu = (<const double *> scalars_)[4]
    cdef double mu_c = (<const double *> scalars_)[5]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer[i_] = signum(
            p[i_], clipped(g[i_], scale, limit), momentum_buffer[i_], lr, l2, mu, mu_c
        )
    return nonfinite_


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


cdef Py_ssize_t rprop_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array prev = <float32_array> arrays_[2]
    cdef float32_array step_size = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float eta_minus = (<const float *> scalars_)[2]
    cdef float eta_plus = (<const float *> scalars_)[3]
    cdef float smallest = (<const float *> scalars_)[4]
    cdef float largest = (<const float *> scalars_)[5]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], prev[i_], step_size[i_] = rprop(
            p[i_], clipped(g[i_], scale, limit), prev[i_], step_size[i_], eta_minus, eta_plus, smallest, largest
        )
    return nonfinite_


cdef Py_ssize_t rprop_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array prev = <float64_array> arrays_[2]
    cdef float64_array step_size = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double eta_minus = (<const double *> scalars_)[2]
    cdef double eta_plus = (<const double *> scalars_)[3]
    cdef double smallest = (<const double *> scalars_)[4]
    cdef double largest = (<const double *> scalars_)[5]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], prev[i_], step_size[i_] = rprop(
            p[i_], clipped(g[i_], scale, limit), prev[i_], step_size[i_], eta_minus, eta_plus, smallest, largest
        )
    return nonfinite_


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


cdef Py_ssize_t ftrl_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array n = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float beta = (<const float *> scalars_)[3]
    cdef float last_lr = (<const float *> scalars_)[4]
    cdef float last_beta = (<const float *> scalars_)[5]
    cdef float l1 = (<const float *> scalars_)[6]
    cdef float l2 = (<const float *> scalars_)[7]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], z[i_], n[i_] = ftrl(
            p[i_], clipped(g[i_], scale, limit), z[i_], n[i_], lr, beta, last_lr, last_beta, l1, l2
        )
    return nonfinite_


cdef Py_ssize_t ftrl_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array n = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double beta = (<const double *> scalars_)[3]
    cdef double last_lr = (<const double *> scalars_)[4]
    cdef double last_beta = (<const double *> scalars_)[5]
    cdef double l1 = (<const double *> scalars_)[6]
    cdef double l2 = (<const double *> scalars_)[7]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], z[i_], n[i_] = ftrl(
            p[i_], clipped(g[i_], scale, limit), z[i_], n[i_], lr, beta, last_lr, last_beta, l1, l2
        )
    return nonfinite_


cdef inline (floating, floating) asgd(
    floating p, floating g, floating ax, floating lr, floating l2, floating decay, floating keep
) noexcept nogil:
    p = p - (decay * p + lr * (g + l2 * p))
    return p, p + keep * (ax - p)


cdef Py_ssize_t asgd_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array ax = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float keep = (<const float *> scalars_)[5]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], ax[i_] = asgd(
            p[i_], clipped(g[i_], scale, limit), ax[i_], lr, l2, decay, keep
        )
    return nonfinite_


cdef Py_ssize_t asgd_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array ax = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double keep = (<const double *> scalars_)[5]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], ax[i_] = asgd(
            p[i_], clipped(g[i_], scale, limit), ax[i_], lr, l2, decay, keep
        )
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


cdef Py_ssize_t adabelief_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_var = <float32_array> arrays_[3]
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
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_var[i_] = adabelief(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_var[i_], lr, l2, decay, b1, b1_c, b2, b2_c,
            debias, eps
        )
    return nonfinite_


cdef Py_ssize_t adabelief_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_var = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double b1 = (<const double *> scalars_)[5]
    cdef double b1_c = (<const double *> scalars_)[6]
    cdef double b2 = (<const double *> scalars_)[7]
    cdef double b2_c = (<const double *> scalars_)[8]
    cdef double debias = (<const double *> scalars_)[9]
    cdef double eps = (<const double *> scalars_)[10]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_var[i_] = adabelief(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_var[i_], lr, l2, decay, b1, b1_c, b2, b2_c,
            debias, eps
        )
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


cdef Py_ssize_t yogi_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
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
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = yogi(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2_c, debias, eps
        )
    return nonfinite_


cdef Py_ssize_t yogi_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double b1 = (<const double *> scalars_)[5]
    cdef double b1_c = (<const double *> scalars_)[6]
    cdef double b2_c = (<const double *> scalars_)[7]
    cdef double debias = (<const double *> scalars_)[8]
    cdef double eps = (<const double *> scalars_)[9]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = yogi(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2_c, debias, eps
        )
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


cdef Py_ssize_t adabound_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
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
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = adabound(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2, b2_c, eps,
            lowest, highest
        )
    return nonfinite_


cdef Py_ssize_t adabound_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double b1 = (<const double *> scalars_)[5]
    cdef double b1_c = (<const double *> scalars_)[6]
    cdef double b2 = (<const double *> scalars_)[7]
    cdef double b2_c = (<const double *> scalars_)[8]
    cdef double eps = (<const double *> scalars_)[9]
    cdef double lowest = (<const double *> scalars_)[10]
    cdef double highest = (<const double *> scalars_)[11]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = adabound(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2, b2_c, eps,
            lowest, highest
        )
    return nonfinite_


cdef inline (floating, floating, floating) laprop(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating lr, floating l2, floating decay,
    floating b1, floating b1_c, floating b2, floating b2_c, floating debias, floating eps
) noexcept nogil:
    g = g + l2 * p
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    exp_avg = b1 * exp_avg + b1_c * (g / (debias * math.sqrt(exp_avg_sq) + eps))
    return p - (decay * p + lr * exp_avg), exp_avg, exp_avg_sq


cdef Py_ssize_t laprop_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
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
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = laprop(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2, b2_c, debias,
            eps
        )
    return nonfinite_


cdef Py_ssize_t laprop_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double b1 = (<const double *> scalars_)[5]
    cdef double b1_c = (<const double *> scalars_)[6]
    cdef double b2 = (<const double *> scalars_)[7]
    cdef double b2_c = (<const double *> scalars_)[8]
    cdef double debias = (<const double *> scalars_)[9]
    cdef double eps = (<const double *> scalars_)[10]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = laprop(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2, b2_c, debias,
            eps
        )
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


cdef Py_ssize_t adopt_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
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
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = adopt(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2, b2_c, eps,
            largest
        )
    return nonfinite_


cdef Py_ssize_t adopt_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double b1 = (<const double *> scalars_)[5]
    cdef double b1_c = (<const double *> scalars_)[6]
    cdef double b2 = (<const double *> scalars_)[7]
    cdef double b2_c = (<const double *> scalars_)[8]
    cdef double eps = (<const double *> scalars_)[9]
    cdef double largest = (<const double *> scalars_)[10]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = adopt(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2, b2_c, eps,
            largest
        )
    return nonfinite_


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


cdef Py_ssize_t adan_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_diff = <float32_array> arrays_[3]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[4]
    cdef float32_array prev_grad = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float lr_d = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float known = (<const float *> scalars_)[5]
    cdef float b1 = (<const float *> scalars_)[6]
    cdef float b1_c = (<const float *> scalars_)[7]
    cdef float b2 = (<const float *> scalars_)[8]
    cdef float b2_c = (<const float *> scalars_)[9]
    cdef float b3 = (<const float *> scalars_)[10]
    cdef float b3_c = (<const float *> scalars_)[11]
    cdef float debias = (<const float *> scalars_)[12]
    cdef float eps = (<const float *> scalars_)[13]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_diff[i_], exp_avg_sq[i_], prev_grad[i_] = adan(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_diff[i_], exp_avg_sq[i_], prev_grad[i_], lr, lr_d,
            decay, known, b1, b1_c, b2, b2_c, b3, b3_c, debias, eps
        )
    return nonfinite_


cdef Py_ssize_t adan_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_diff = <float64_array> arrays_[3]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[4]
    cdef float64_array prev_grad = <float64_array> arrays_[5]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double lr_d = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double known = (<const double *> scalars_)[5]
    cdef double b1 = (<const double *> scalars_)[6]
    cdef double b1_c = (<const double *> scalars_)[7]
    cdef double b2 = (<const double *> scalars_)[8]
    cdef double b2_c = (<const double *> scalars_)[9]
    cdef double b3 = (<const double *> scalars_)[10]
    cdef double b3_c = (<const double *> scalars_)[11]
    cdef double debias = (<const double *> scalars_)[12]
    cdef double eps = (<const double *> scalars_)[13]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_diff[i_], exp_avg_sq[i_], prev_grad[i_] = adan(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_diff[i_], exp_avg_sq[i_], prev_grad[i_], lr, lr_d,
            decay, known, b1, b1_c, b2, b2_c, b3, b3_c, debias, eps
        )
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


cdef Py_ssize_t ademamix_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_slow = <float32_array> arrays_[3]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[4]
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
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_slow[i_], exp_avg_sq[i_] = ademamix(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_slow[i_], exp_avg_sq[i_], lr, lr_slow, decay, b1,
            b1_c, b2, b2_c, b3, b3_c, debias, eps
        )
    return nonfinite_


cdef Py_ssize_t ademamix_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_slow = <float64_array> arrays_[3]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[4]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double lr_slow = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double b1 = (<const double *> scalars_)[5]
    cdef double b1_c = (<const double *> scalars_)[6]
    cdef double b2 = (<const double *> scalars_)[7]
    cdef double b2_c = (<const double *> scalars_)[8]
    cdef double b3 = (<const double *> scalars_)[9]
    cdef double b3_c = (<const double *> scalars_)[10]
    cdef double debias = (<const double *> scalars_)[11]
    cdef double eps = (<const double *> scalars_)[12]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_slow[i_], exp_avg_sq[i_] = ademamix(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_slow[i_], exp_avg_sq[i_], lr, lr_slow, decay, b1,
            b1_c, b2, b2_c, b3, b3_c, debias, eps
        )
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


cdef Py_ssize_t qhadam_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
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
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = qhadam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr_g, lr_m, l2, decay, b1, b1_c, b2, b2_c,
            now, past, eps
        )
    return nonfinite_


cdef Py_ssize_t qhadam_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr_g = (<const double *> scalars_)[2]
    cdef double lr_m = (<const double *> scalars_)[3]
    cdef double l2 = (<const double *> scalars_)[4]
    cdef double decay = (<const double *> scalars_)[5]
    cdef double b1 = (<const double *> scalars_)[6]
    cdef double b1_c = (<const double *> scalars_)[7]
    cdef double b2 = (<const double *> scalars_)[8]
    cdef double b2_c = (<const double *> scalars_)[9]
    cdef double now = (<const double *> scalars_)[10]
    cdef double past = (<const double *> scalars_)[11]
    cdef double eps = (<const double *> scalars_)[12]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = qhadam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr_g, lr_m, l2, decay, b1, b1_c, b2, b2_c,
            now, past, eps
        )
    return nonfinite_


cdef inline (floating, floating) dog(
    floating p, floating g, floating init_buffer, floating lr, floating l2
) noexcept nogil:
    return p - lr * (g + l2 * p), init_buffer


cdef Py_ssize_t dog_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array init_buffer = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], init_buffer[i_] = dog(
            p[i_], clipped(g[i_], scale, limit), init_buffer[i_], lr, l2
        )
    return nonfinite_


cdef Py_ssize_t dog_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array init_buffer = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], init_buffer[i_] = dog(
            p[i_], clipped(g[i_], scale, limit), init_buffer[i_], lr, l2
        )
    return nonfinite_


cdef inline (floating, floating, floating) dadapt_sgd(
    floating p, floating g, floating s, floating x0, floating lr, floating l2, floating mu_c
) noexcept nogil:
    s = s + lr * (g + l2 * p)
    return p - mu_c * (p - (x0 - s)), s, x0


cdef Py_ssize_t dadapt_sgd_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array s = <float32_array> arrays_[2]
    cdef float32_array x0 = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float mu_c = (<const float *> scalars_)[4]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], s[i_], x0[i_] = dadapt_sgd(
            p[i_], clipped(g[i_], scale, limit), s[i_], x0[i_], lr, l2, mu_c
        )
    return nonfinite_


cdef Py_ssize_t dadapt_sgd_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array s = <float64_array> arrays_[2]
    cdef float64_array x0 = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double mu_c = (<const double *> scalars_)[4]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], s[i_], x0[i_] = dadapt_sgd(
            p[i_], clipped(g[i_], scale, limit), s[i_], x0[i_], lr, l2, mu_c
        )
    return nonfinite_


cdef inline (floating, floating, floating, floating) dadapt_adam(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating s, floating l2, floating decay, floating b1,
    floating lr_m, floating b2, floating b2_c, floating b3, floating lr_s, floating eps
) noexcept nogil:
    g = g + l2 * p
    exp_avg = b1 * exp_avg + lr_m * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    s = b3 * s + lr_s * g
    return p - (decay * p + exp_avg / (math.sqrt(exp_avg_sq) + eps)), exp_avg, exp_avg_sq, s


cdef Py_ssize_t dadapt_adam_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array s = <float32_array> arrays_[4]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float l2 = (<const float *> scalars_)[2]
    cdef float decay = (<const float *> scalars_)[3]
    cdef float b1 = (<const float *> scalars_)[4]
    cdef float lr_m = (<const float *> scalars_)[5]
    cdef float b2 = (<const float *> scalars_)[6]
    cdef float b2_c = (<const float *> scalars_)[7]
    cdef float b3 = (<const float *> scalars_)[8]
    cdef float lr_s = (<const float *> scalars_)[9]
    cdef float eps = (<const float *> scalars_)[10]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_], s[i_] = dadapt_adam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], s[i_], l2, decay, b1, lr_m, b2, b2_c, b3,
            lr_s, eps
        )
    return nonfinite_


cdef Py_ssize_t dadapt_adam_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array s = <float64_array> arrays_[4]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double l2 = (<const double *> scalars_)[2]
    cdef double decay = (<const double *> scalars_)[3]
    cdef double b1 = (<const double *> scalars_)[4]
    cdef double lr_m = (<const double *> scalars_)[5]
    cdef double b2 = (<const double *> scalars_)[6]
    cdef double b2_c = (<const double *> scalars_)[7]
    cdef double b3 = (<const double *> scalars_)[8]
    cdef double lr_s = (<const double *> scalars_)[9]
    cdef double eps = (<const double *> scalars_)[10]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_], s[i_] = dadapt_adam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], s[i_], l2, decay, b1, lr_m, b2, b2_c, b3,
            lr_s, eps
        )
    return nonfinite_


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


cdef Py_ssize_t prodigy_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array s = <float32_array> arrays_[4]
    cdef float32_array p0 = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float b1 = (<const float *> scalars_)[5]
    cdef float d_m = (<const float *> scalars_)[6]
    cdef float b2 = (<const float *> scalars_)[7]
    cdef float d = (<const float *> scalars_)[8]
    cdef float b2_c = (<const float *> scalars_)[9]
    cdef float b3 = (<const float *> scalars_)[10]
    cdef float lr_s = (<const float *> scalars_)[11]
    cdef float eps = (<const float *> scalars_)[12]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_], s[i_], p0[i_] = prodigy(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], s[i_], p0[i_], lr, l2, decay, b1, d_m, b2,
            d, b2_c, b3, lr_s, eps
        )
    return nonfinite_


cdef Py_ssize_t prodigy_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array s = <float64_array> arrays_[4]
    cdef float64_array p0 = <float64_array> arrays_[5]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double b1 = (<const double *> scalars_)[5]
    cdef double d_m = (<const double *> scalars_)[6]
    cdef double b2 = (<const double *> scalars_)[7]
    cdef double d = (<const double *> scalars_)[8]
    cdef double b2_c = (<const double *> scalars_)[9]
    cdef double b3 = (<const double *> scalars_)[10]
    cdef double lr_s = (<const double *> scalars_)[11]
    cdef double eps = (<const double *> scalars_)[12]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_], s[i_], p0[i_] = prodigy(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], s[i_], p0[i_], lr, l2, decay, b1, d_m, b2,
            d, b2_c, b3, lr_s, eps
        )
    return nonfinite_


cdef inline (floating, floating) schedule_free_sgd(
    floating p, floating g, floating z, floating lr, floating l2, floating pull, floating push
) noexcept nogil:
    g = g + l2 * p
    return p - (pull * (p - z) + push * g), z - lr * g


cdef Py_ssize_t schedule_free_sgd_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float pull = (<const float *> scalars_)[4]
    cdef float push = (<const float *> scalars_)[5]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], z[i_] = schedule_free_sgd(
            p[i_], clipped(g[i_], scale, limit), z[i_], lr, l2, pull, push
        )
    return nonfinite_


cdef Py_ssize_t schedule_free_sgd_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double pull = (<const double *> scalars_)[4]
    cdef double push = (<const double *> scalars_)[5]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], z[i_] = schedule_free_sgd(
            p[i_], clipped(g[i_], scale, limit), z[i_], lr, l2, pull, push
        )
    return nonfinite_


cdef inline (floating, floating, floating) schedule_free_adamw(
    floating p, floating g, floating z, floating exp_avg_sq, floating lr, floating weight_decay, floating pull,
    floating push, floating b2, floating b2_c, floating debias, floating eps
) noexcept nogil:
    cdef floating u
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    u = g / (debias * math.sqrt(exp_avg_sq) + eps) + weight_decay * p
    return p - (pull * (p - z) + push * u), z - lr * u, exp_avg_sq


cdef Py_ssize_t schedule_free_adamw_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array z = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float weight_decay = (<const float *> scalars_)[3]
    cdef float pull = (<const float *> scalars_)[4]
    cdef float push = (<const float *> scalars_)[5]
    cdef float b2 = (<const float *> scalars_)[6]
    cdef float b2_c = (<const float *> scalars_)[7]
    cdef float debias = (<const float *> scalars_)[8]
    cdef float eps = (<const float *> scalars_)[9]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], z[i_], exp_avg_sq[i_] = schedule_free_adamw(
            p[i_], clipped(g[i_], scale, limit), z[i_], exp_avg_sq[i_], lr, weight_decay, pull, push, b2, b2_c, debias,
            eps
        )
    return nonfinite_


cdef Py_ssize_t schedule_free_adamw_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array z = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double weight_decay = (<const double *> scalars_)[3]
    cdef double pull = (<const double *> scalars_)[4]
    cdef double push = (<const double *> scalars_)[5]
    cdef double b2 = (<const double *> scalars_)[6]
    cdef double b2_c = (<const double *> scalars_)[7]
    cdef double debias = (<const double *> scalars_)[8]
    cdef double eps = (<const double *> scalars_)[9]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], z[i_], exp_avg_sq[i_] = schedule_free_adamw(
            p[i_], clipped(g[i_], scale, limit), z[i_], exp_avg_sq[i_], lr, weight_decay, pull, push, b2, b2_c, debias,
            eps
        )
    return nonfinite_


cdef inline (floating, floating) alig(
    floating p, floating g, floating momentum_buffer, floating lr, floating mu
) noexcept nogil:
    momentum_buffer = mu * momentum_buffer - lr * g
    return p - (lr * g - mu * momentum_buffer), momentum_buffer


cdef Py_ssize_t alig_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float mu = (<const float *> scalars_)[3]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer[i_] = alig(
            p[i_], clipped(g[i_], scale, limit), momentum_buffer[i_], lr, mu
        )
    return nonfinite_


cdef Py_ssize_t alig_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double mu = (<const double *> scalars_)[3]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer[i_] = alig(
            p[i_], clipped(g[i_], scale, limit), momentum_buffer[i_], lr, mu
        )
    return nonfinite_


cdef inline (floating, floating) secant(
    floating p, floating g, floating prev_grad, floating lr
) noexcept nogil:
    return p - lr * g, g


cdef Py_ssize_t secant_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array prev_grad = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], prev_grad[i_] = secant(
            p[i_], clipped(g[i_], scale, limit), prev_grad[i_], lr
        )
    return nonfinite_


cdef Py_ssize_t secant_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array prev_grad = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], prev_grad[i_] = secant(
            p[i_], clipped(g[i_], scale, limit), prev_grad[i_], lr
        )
    return nonfinite_


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


cdef Py_ssize_t cocob_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array L = <float32_array> arrays_[2]
    cdef float32_array grad_norm_sum = <float32_array> arrays_[3]
    cdef float32_array gradients_sum = <float32_array> arrays_[4]
    cdef float32_array tilde_w = <float32_array> arrays_[5]
    cdef float32_array reward = <float32_array> arrays_[6]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float alpha = (<const float *> scalars_)[3]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], L[i_], grad_norm_sum[i_], gradients_sum[i_], tilde_w[i_], reward[i_] = cocob(
            p[i_], clipped(g[i_], scale, limit), L[i_], grad_norm_sum[i_], gradients_sum[i_], tilde_w[i_], reward[i_],
            lr, alpha
        )
    return nonfinite_


cdef Py_ssize_t cocob_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array L = <float64_array> arrays_[2]
    cdef float64_array grad_norm_sum = <float64_array> arrays_[3]
    cdef float64_array gradients_sum = <float64_array> arrays_[4]
    cdef float64_array tilde_w = <float64_array> arrays_[5]
    cdef float64_array reward = <float64_array> arrays_[6]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double alpha = (<const double *> scalars_)[3]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], L[i_], grad_norm_sum[i_], gradients_sum[i_], tilde_w[i_], reward[i_] = cocob(
            p[i_], clipped(g[i_], scale, limit), L[i_], grad_norm_sum[i_], gradients_sum[i_], tilde_w[i_], reward[i_],
            lr, alpha
        )
    return nonfinite_


cdef inline (floating, floating) novograd(
    floating p, floating g, floating exp_avg, floating lr, floating b1, floating g_c, floating decay
) noexcept nogil:
    exp_avg = b1 * exp_avg + (g_c * g + decay * p)
    return p - lr * exp_avg, exp_avg


cdef Py_ssize_t novograd_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float b1 = (<const float *> scalars_)[3]
    cdef float g_c = (<const float *> scalars_)[4]
    cdef float decay = (<const float *> scalars_)[5]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_] = novograd(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], lr, b1, g_c, decay
        )
    return nonfinite_


cdef Py_ssize_t novograd_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double b1 = (<const double *> scalars_)[3]
    cdef double g_c = (<const double *> scalars_)[4]
    cdef double decay = (<const double *> scalars_)[5]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_] = novograd(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], lr, b1, g_c, decay
        )
    return nonfinite_


cdef inline (floating, floating) qhm(
    floating p, floating g, floating momentum_buffer, floating lr_g, floating lr_m, floating l2, floating mu,
    floating mu_c
) noexcept nogil:
    g = g + l2 * p
    momentum_buffer = mu * momentum_buffer + mu_c * g
    return p - (lr_g * g + lr_m * momentum_buffer), momentum_buffer


cdef Py_ssize_t qhm_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr_g = (<const float *> scalars_)[2]
    cdef float lr_m = (<const float *> scalars_)[3]
    cdef float l2 = (<const float *> scalars_)[4]
    cdef float mu = (<const float *> scalars_)[5]
    cdef float mu_c = (<const float *> scalars_)[6]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer[i_] = qhm(
            p[i_], clipped(g[i_], scale, limit), momentum_buffer[i_], lr_g, lr_m, l2, mu, mu_c
        )
    return nonfinite_


cdef Py_ssize_t qhm_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr_g = (<const double *> scalars_)[2]
    cdef double lr_m = (<const double *> scalars_)[3]
    cdef double l2 = (<const double *> scalars_)[4]
    cdef double mu = (<const double *> scalars_)[5]
    cdef double mu_c = (<const double *> scalars_)[6]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer[i_] = qhm(
            p[i_], clipped(g[i_], scale, limit), momentum_buffer[i_], lr_g, lr_m, l2, mu, mu_c
        )
    return nonfinite_


cdef inline (floating, floating, floating, floating) mechanic_sgd(
    floating p, floating g, floating momentum_buffer, floating delta, floating ref, floating lr, floating mu, floating s
) noexcept nogil:
    momentum_buffer = mu * momentum_buffer + g
    delta = delta + lr * momentum_buffer
    return ref - s * delta, momentum_buffer, delta, ref


cdef Py_ssize_t mechanic_sgd_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array delta = <float32_array> arrays_[3]
    cdef float32_array ref = <float32_array> arrays_[4]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float mu = (<const float *> scalars_)[3]
    cdef float s = (<const float *> scalars_)[4]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer[i_], delta[i_], ref[i_] = mechanic_sgd(
            p[i_], clipped(g[i_], scale, limit), momentum_buffer[i_], delta[i_], ref[i_], lr, mu, s
        )
    return nonfinite_


cdef Py_ssize_t mechanic_sgd_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array delta = <float64_array> arrays_[3]
    cdef float64_array ref = <float64_array> arrays_[4]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double mu = (<const double *> scalars_)[3]
    cdef double s = (<const double *> scalars_)[4]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], momentum_buffer[i_], delta[i_], ref[i_] = mechanic_sgd(
            p[i_], clipped(g[i_], scale, limit), momentum_buffer[i_], delta[i_], ref[i_], lr, mu, s
        )
    return nonfinite_


cdef inline (floating, floating, floating, floating, floating) mechanic_adam(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating delta, floating ref, floating lr,
    floating b1, floating b1_c, floating b2, floating b2_c, floating debias, floating eps, floating s
) noexcept nogil:
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    delta = delta + lr * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps)
    return ref - s * delta, exp_avg, exp_avg_sq, delta, ref


cdef Py_ssize_t mechanic_adam_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array delta = <float32_array> arrays_[4]
    cdef float32_array ref = <float32_array> arrays_[5]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float b1 = (<const float *> scalars_)[3]
    cdef float b1_c = (<const float *> scalars_)[4]
    cdef float b2 = (<const float *> scalars_)[5]
    cdef float b2_c = (<const float *> scalars_)[6]
    cdef float debias = (<const float *> scalars_)[7]
    cdef float eps = (<const float *> scalars_)[8]
    cdef float s = (<const float *> scalars_)[9]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_], delta[i_], ref[i_] = mechanic_adam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], delta[i_], ref[i_], lr, b1, b1_c, b2,
            b2_c, debias, eps, s
        )
    return nonfinite_


cdef Py_ssize_t mechanic_adam_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array delta = <float64_array> arrays_[4]
    cdef float64_array ref = <float64_array> arrays_[5]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double b1 = (<const double *> scalars_)[3]
    cdef double b1_c = (<const double *> scalars_)[4]
    cdef double b2 = (<const double *> scalars_)[5]
    cdef double b2_c = (<const double *> scalars_)[6]
    cdef double debias = (<const double *> scalars_)[7]
    cdef double eps = (<const double *> scalars_)[8]
    cdef double s = (<const double *> scalars_)[9]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_], delta[i_], ref[i_] = mechanic_adam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], delta[i_], ref[i_], lr, b1, b1_c, b2,
            b2_c, debias, eps, s
        )
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


cdef Py_ssize_t cautious_adam_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
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
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = cautious_adam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2, b2_c, debias,
            eps
        )
    return nonfinite_


cdef Py_ssize_t cautious_adam_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double b1 = (<const double *> scalars_)[5]
    cdef double b1_c = (<const double *> scalars_)[6]
    cdef double b2 = (<const double *> scalars_)[7]
    cdef double b2_c = (<const double *> scalars_)[8]
    cdef double debias = (<const double *> scalars_)[9]
    cdef double eps = (<const double *> scalars_)[10]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_], exp_avg_sq[i_] = cautious_adam(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], exp_avg_sq[i_], lr, l2, decay, b1, b1_c, b2, b2_c, debias,
            eps
        )
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


cdef Py_ssize_t cautious_lion_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lr = (<const float *> scalars_)[2]
    cdef float decay = (<const float *> scalars_)[3]
    cdef float b1 = (<const float *> scalars_)[4]
    cdef float b1_c = (<const float *> scalars_)[5]
    cdef float b2 = (<const float *> scalars_)[6]
    cdef float b2_c = (<const float *> scalars_)[7]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_] = cautious_lion(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], lr, decay, b1, b1_c, b2, b2_c
        )
    return nonfinite_


cdef Py_ssize_t cautious_lion_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lr = (<const double *> scalars_)[2]
    cdef double decay = (<const double *> scalars_)[3]
    cdef double b1 = (<const double *> scalars_)[4]
    cdef double b1_c = (<const double *> scalars_)[5]
    cdef double b2 = (<const double *> scalars_)[6]
    cdef double b2_c = (<const double *> scalars_)[7]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], exp_avg[i_] = cautious_lion(
            p[i_], clipped(g[i_], scale, limit), exp_avg[i_], lr, decay, b1, b1_c, b2, b2_c
        )
    return nonfinite_


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


cdef Py_ssize_t madgrad_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array grad_sum_sq = <float32_array> arrays_[2]
    cdef float32_array s = <float32_array> arrays_[3]
    cdef float32_array x0 = <float32_array> arrays_[4]
    cdef float scale = (<const float *> scalars_)[0]
    cdef float limit = (<const float *> scalars_)[1]
    cdef float lamb = (<const float *> scalars_)[2]
    cdef float l2 = (<const float *> scalars_)[3]
    cdef float decay = (<const float *> scalars_)[4]
    cdef float c = (<const float *> scalars_)[5]
    cdef float eps = (<const float *> scalars_)[6]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], grad_sum_sq[i_], s[i_], x0[i_] = madgrad(
            p[i_], clipped(g[i_], scale, limit), grad_sum_sq[i_], s[i_], x0[i_], lamb, l2, decay, c, eps
        )
    return nonfinite_


cdef Py_ssize_t madgrad_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array grad_sum_sq = <float64_array> arrays_[2]
    cdef float64_array s = <float64_array> arrays_[3]
    cdef float64_array x0 = <float64_array> arrays_[4]
    cdef double scale = (<const double *> scalars_)[0]
    cdef double limit = (<const double *> scalars_)[1]
    cdef double lamb = (<const double *> scalars_)[2]
    cdef double l2 = (<const double *> scalars_)[3]
    cdef double decay = (<const double *> scalars_)[4]
    cdef double c = (<const double *> scalars_)[5]
    cdef double eps = (<const double *> scalars_)[6]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        p[i_], grad_sum_sq[i_], s[i_], x0[i_] = madgrad(
            p[i_], clipped(g[i_], scale, limit), grad_sum_sq[i_], s[i_], x0[i_], lamb, l2, decay, c, eps
        )
    return nonfinite_


cdef inline (floating, floating) squared_error(
    floating z, floating y
) noexcept nogil:
    cdef floating r
    r = z - y
    return r * r / <floating> 2, r


cdef Py_ssize_t squared_error_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = squared_error(z[i_], y[i_])
    return nonfinite_


cdef Py_ssize_t squared_error_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = squared_error(z[i_], y[i_])
    return nonfinite_


cdef inline (floating, floating) huber(
    floating z, floating y, floating epsilon
) noexcept nogil:
    cdef floating r, size, value
    r = z - y
    size = math.fabs(r)
    value = r * r / <floating> 2 if size <= epsilon else epsilon * (size - epsilon / <floating> 2)
    return value, epsilon if r > epsilon else (-epsilon if r < -epsilon else r)


cdef Py_ssize_t huber_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef float epsilon = (<const float *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = huber(z[i_], y[i_], epsilon)
    return nonfinite_


cdef Py_ssize_t huber_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef double epsilon = (<const double *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = huber(z[i_], y[i_], epsilon)
    return nonfinite_


cdef inline (floating, floating) epsilon_insensitive(
    floating z, floating y, floating epsilon
) noexcept nogil:
    cdef floating excess, r, slope
    r = z - y
    excess = math.fabs(r) - epsilon
    slope = <floating> 1 if r > epsilon else (-<floating> 1 if r < -epsilon else r * <floating> 0)
    return excess if excess > <floating> 0 else excess * <floating> 0, slope


cdef Py_ssize_t epsilon_insensitive_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef float epsilon = (<const float *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = epsilon_insensitive(z[i_], y[i_], epsilon)
    return nonfinite_


cdef Py_ssize_t epsilon_insensitive_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef double epsilon = (<const double *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = epsilon_insensitive(z[i_], y[i_], epsilon)
    return nonfinite_


cdef inline (floating, floating) squared_epsilon_insensitive(
    floating z, floating y, floating epsilon
) noexcept nogil:
    cdef floating excess, r
    r = z - y
    excess = r - epsilon if r > epsilon else (r + epsilon if r < -epsilon else r * <floating> 0)
    return excess * excess, <floating> 2 * excess


cdef Py_ssize_t squared_epsilon_insensitive_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef float epsilon = (<const float *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = squared_epsilon_insensitive(z[i_], y[i_], epsilon)
    return nonfinite_


cdef Py_ssize_t squared_epsilon_insensitive_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef double epsilon = (<const double *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = squared_epsilon_insensitive(z[i_], y[i_], epsilon)
    return nonfinite_


cdef inline (floating, floating) quantile(
    floating z, floating y, floating q
) noexcept nogil:
    cdef floating r
    r = y - z
    return q * r if r >= <floating> 0 else (q - <floating> 1) * r, -q if r >= <floating> 0 else <floating> 1 - q


cdef Py_ssize_t quantile_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef float q = (<const float *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = quantile(z[i_], y[i_], q)
    return nonfinite_


cdef Py_ssize_t quantile_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef double q = (<const double *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = quantile(z[i_], y[i_], q)
    return nonfinite_


cdef inline (floating, floating) logcosh(
    floating z, floating y, floating log2
) noexcept nogil:
    cdef floating e, r, size, slope
    r = z - y
    size = math.fabs(r)
    e = math.exp(-<floating> 2 * size)
    slope = (<floating> 1 - e) / (<floating> 1 + e)
    return size + math.log1p(e) - log2, slope if r > <floating> 0 else -slope


cdef Py_ssize_t logcosh_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef float log2 = (<const float *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = logcosh(z[i_], y[i_], log2)
    return nonfinite_


cdef Py_ssize_t logcosh_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef double log2 = (<const double *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = logcosh(z[i_], y[i_], log2)
    return nonfinite_


cdef inline (floating, floating) poisson(
    floating z, floating y
) noexcept nogil:
    cdef floating rate
    rate = math.exp(z)
    return rate - y * z, rate - y


cdef Py_ssize_t poisson_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = poisson(z[i_], y[i_])
    return nonfinite_


cdef Py_ssize_t poisson_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = poisson(z[i_], y[i_])
    return nonfinite_


cdef inline (floating, floating) gamma(
    floating z, floating y
) noexcept nogil:
    cdef floating ratio
    ratio = y * math.exp(-z)
    return z + ratio, <floating> 1 - ratio


cdef Py_ssize_t gamma_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = gamma(z[i_], y[i_])
    return nonfinite_


cdef Py_ssize_t gamma_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = gamma(z[i_], y[i_])
    return nonfinite_


cdef inline (floating, floating) tweedie(
    floating z, floating y, floating power
) noexcept nogil:
    cdef floating rate, ratio
    rate = math.exp((<floating> 2 - power) * z)
    ratio = y * math.exp((<floating> 1 - power) * z) if y > <floating> 0 else y * <floating> 0  # far out the exponential is infinite
    return rate / (<floating> 2 - power) - ratio / (<floating> 1 - power), rate - ratio


cdef Py_ssize_t tweedie_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef float power = (<const float *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = tweedie(z[i_], y[i_], power)
    return nonfinite_


cdef Py_ssize_t tweedie_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef double power = (<const double *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = tweedie(z[i_], y[i_], power)
    return nonfinite_


cdef inline (floating, floating) log_loss(
    floating z, floating y
) noexcept nogil:
    cdef floating e, p
    e = math.exp(-math.fabs(z))
    p = (<floating> 1 if z >= <floating> 0 else e) / (<floating> 1 + e)
    return math.log1p(e) + (z if z > <floating> 0 else z * <floating> 0) - y * z, p - y


cdef Py_ssize_t log_loss_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = log_loss(z[i_], y[i_])
    return nonfinite_


cdef Py_ssize_t log_loss_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = log_loss(z[i_], y[i_])
    return nonfinite_


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


cdef Py_ssize_t focal_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef float gamma = (<const float *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = focal(z[i_], y[i_], gamma)
    return nonfinite_


cdef Py_ssize_t focal_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef double gamma = (<const double *> scalars_)[0]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = focal(z[i_], y[i_], gamma)
    return nonfinite_


cdef inline (floating, floating) hinge(
    floating z, floating y
) noexcept nogil:
    cdef floating short
    short = <floating> 1 - y * z
    return short if short > <floating> 0 else short * <floating> 0, -y if short >= <floating> 0 else y * <floating> 0


cdef Py_ssize_t hinge_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = hinge(z[i_], y[i_])
    return nonfinite_


cdef Py_ssize_t hinge_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = hinge(z[i_], y[i_])
    return nonfinite_


cdef inline (floating, floating) squared_hinge(
    floating z, floating y
) noexcept nogil:
    cdef floating short
    short = <floating> 1 - y * z
    short = short if short > <floating> 0 else short * <floating> 0
    return short * short, -<floating> 2 * y * short


cdef Py_ssize_t squared_hinge_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = squared_hinge(z[i_], y[i_])
    return nonfinite_


cdef Py_ssize_t squared_hinge_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = squared_hinge(z[i_], y[i_])
    return nonfinite_


cdef inline (floating, floating) perceptron(
    floating z, floating y
) noexcept nogil:
    cdef floating margin
    margin = y * z
    return -margin if margin <= <floating> 0 else margin * <floating> 0, -y if margin <= <floating> 0 else y * <floating> 0


cdef Py_ssize_t perceptron_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = perceptron(z[i_], y[i_])
    return nonfinite_


cdef Py_ssize_t perceptron_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = perceptron(z[i_], y[i_])
    return nonfinite_


cdef inline (floating, floating) modified_huber(
    floating z, floating y
) noexcept nogil:
    cdef floating margin, short, slope
    margin = y * z
    short = <floating> 1 - margin
    short = short if short > <floating> 0 else short * <floating> 0
    slope = -<floating> 4 * y if margin < -<floating> 1 else -<floating> 2 * y * short
    return -<floating> 4 * margin if margin < -<floating> 1 else short * short, slope


cdef Py_ssize_t modified_huber_float32(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float32_array z = <float32_array> arrays_[0]
    cdef float32_array y = <float32_array> arrays_[1]
    cdef float32_array value = <float32_array> arrays_[2]
    cdef float32_array slope = <float32_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = modified_huber(z[i_], y[i_])
    return nonfinite_


cdef Py_ssize_t modified_huber_float64(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
    cdef float64_array z = <float64_array> arrays_[0]
    cdef float64_array y = <float64_array> arrays_[1]
    cdef float64_array value = <float64_array> arrays_[2]
    cdef float64_array slope = <float64_array> arrays_[3]
    cdef Py_ssize_t i_
    cdef Py_ssize_t nonfinite_ = 0
    for i_ in range(n_):
        value[i_], slope[i_] = modified_huber(z[i_], y[i_])
    return nonfinite_


cdef enum:
    LANES = 16  # partial sums side by side: their order is fixed here, so it is the same for every vector width


cdef inline double folded(double *x) noexcept nogil:
    cdef Py_ssize_t j, width = LANES
    while width > 1:
        width = width // 2
        for j in range(width):
            x[j] += x[j + width]
    return x[0]


cdef inline floating grad_sums(
    floating p, floating g
) noexcept nogil:
    return g * g


cdef void grad_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef Py_ssize_t i_, j_
    cdef double value0_
    cdef double[LANES] sum0_
    for j_ in range(LANES):
        sum0_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_ = grad_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit)
            )
            sum0_[j_] += value0_
    for j_ in range(n_ % LANES):
        value0_ = grad_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit)
        )
        sum0_[j_] += value0_
    sums_[0] = folded(sum0_)


cdef void grad_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef Py_ssize_t i_, j_
    cdef double value0_
    cdef double[LANES] sum0_
    for j_ in range(LANES):
        sum0_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_ = grad_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit)
            )
            sum0_[j_] += value0_
    for j_ in range(n_ % LANES):
        value0_ = grad_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit)
        )
        sum0_[j_] += value0_
    sums_[0] = folded(sum0_)


cdef inline (floating, floating) norm_sums(
    floating p, floating g
) noexcept nogil:
    return p * p, g * g


cdef void norm_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_
    cdef double[LANES] sum0_, sum1_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_ = norm_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit)
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
    for j_ in range(n_ % LANES):
        value0_, value1_ = norm_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit)
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)


cdef void norm_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_
    cdef double[LANES] sum0_, sum1_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_ = norm_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit)
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
    for j_ in range(n_ % LANES):
        value0_, value1_ = norm_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit)
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)


cdef inline (floating, floating, floating) dog_sums(
    floating p, floating g, floating init_buffer, floating l2
) noexcept nogil:
    cdef floating d
    g = g + l2 * p
    d = p - init_buffer
    return g * g, d * d, init_buffer * init_buffer


cdef void dog_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array init_buffer = <float32_array> arrays_[2]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double l2 = scalars_[2]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_, value2_
    cdef double[LANES] sum0_, sum1_, sum2_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = sum2_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_, value2_ = dog_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> init_buffer[i_ * LANES + j_], l2
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
            sum2_[j_] += value2_
    for j_ in range(n_ % LANES):
        value0_, value1_, value2_ = dog_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> init_buffer[n_ // LANES * LANES + j_], l2
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
        sum2_[j_] += value2_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)
    sums_[2] = folded(sum2_)


cdef void dog_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array init_buffer = <float64_array> arrays_[2]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double l2 = scalars_[2]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_, value2_
    cdef double[LANES] sum0_, sum1_, sum2_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = sum2_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_, value2_ = dog_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> init_buffer[i_ * LANES + j_], l2
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
            sum2_[j_] += value2_
    for j_ in range(n_ % LANES):
        value0_, value1_, value2_ = dog_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> init_buffer[n_ // LANES * LANES + j_], l2
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
        sum2_[j_] += value2_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)
    sums_[2] = folded(sum2_)


cdef inline (floating, floating, floating) dadapt_sgd_sums(
    floating p, floating g, floating s, floating x0, floating lr, floating l2
) noexcept nogil:
    cdef floating total
    g = g + l2 * p
    total = s + lr * g
    return g * s, g * g, total * total


cdef void dadapt_sgd_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array s = <float32_array> arrays_[2]
    cdef float32_array x0 = <float32_array> arrays_[3]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double lr = scalars_[2]
    cdef double l2 = scalars_[3]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_, value2_
    cdef double[LANES] sum0_, sum1_, sum2_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = sum2_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_, value2_ = dadapt_sgd_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> s[i_ * LANES + j_], <double> x0[i_ * LANES + j_], lr, l2
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
            sum2_[j_] += value2_
    for j_ in range(n_ % LANES):
        value0_, value1_, value2_ = dadapt_sgd_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> s[n_ // LANES * LANES + j_], <double> x0[n_ // LANES * LANES + j_], lr, l2
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
        sum2_[j_] += value2_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)
    sums_[2] = folded(sum2_)


cdef void dadapt_sgd_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array s = <float64_array> arrays_[2]
    cdef float64_array x0 = <float64_array> arrays_[3]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double lr = scalars_[2]
    cdef double l2 = scalars_[3]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_, value2_
    cdef double[LANES] sum0_, sum1_, sum2_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = sum2_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_, value2_ = dadapt_sgd_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> s[i_ * LANES + j_], <double> x0[i_ * LANES + j_], lr, l2
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
            sum2_[j_] += value2_
    for j_ in range(n_ % LANES):
        value0_, value1_, value2_ = dadapt_sgd_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> s[n_ // LANES * LANES + j_], <double> x0[n_ // LANES * LANES + j_], lr, l2
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
        sum2_[j_] += value2_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)
    sums_[2] = folded(sum2_)


cdef inline (floating, floating) dadapt_adam_sums(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating s, floating l2, floating lr_s, floating b3,
    floating eps
) noexcept nogil:
    g = g + l2 * p
    return g * s / (math.sqrt(exp_avg_sq) + eps), math.fabs(b3 * s + lr_s * g)


cdef void dadapt_adam_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array s = <float32_array> arrays_[4]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double l2 = scalars_[2]
    cdef double lr_s = scalars_[3]
    cdef double b3 = scalars_[4]
    cdef double eps = scalars_[5]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_
    cdef double[LANES] sum0_, sum1_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_ = dadapt_adam_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], <double> exp_avg_sq[i_ * LANES + j_], <double> s[i_ * LANES + j_],
                l2, lr_s, b3, eps
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
    for j_ in range(n_ % LANES):
        value0_, value1_ = dadapt_adam_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], <double> exp_avg_sq[n_ // LANES * LANES + j_],
            <double> s[n_ // LANES * LANES + j_], l2, lr_s, b3, eps
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)


cdef void dadapt_adam_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array s = <float64_array> arrays_[4]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double l2 = scalars_[2]
    cdef double lr_s = scalars_[3]
    cdef double b3 = scalars_[4]
    cdef double eps = scalars_[5]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_
    cdef double[LANES] sum0_, sum1_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_ = dadapt_adam_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], <double> exp_avg_sq[i_ * LANES + j_], <double> s[i_ * LANES + j_],
                l2, lr_s, b3, eps
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
    for j_ in range(n_ % LANES):
        value0_, value1_ = dadapt_adam_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], <double> exp_avg_sq[n_ // LANES * LANES + j_],
            <double> s[n_ // LANES * LANES + j_], l2, lr_s, b3, eps
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)


cdef inline (floating, floating) prodigy_sums(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating s, floating p0, floating l2, floating lr_s,
    floating b3
) noexcept nogil:
    g = g + l2 * p
    return g * (p0 - p), math.fabs(b3 * s + lr_s * g)


cdef void prodigy_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array s = <float32_array> arrays_[4]
    cdef float32_array p0 = <float32_array> arrays_[5]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double l2 = scalars_[2]
    cdef double lr_s = scalars_[3]
    cdef double b3 = scalars_[4]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_
    cdef double[LANES] sum0_, sum1_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_ = prodigy_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], <double> exp_avg_sq[i_ * LANES + j_], <double> s[i_ * LANES + j_],
                <double> p0[i_ * LANES + j_], l2, lr_s, b3
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
    for j_ in range(n_ % LANES):
        value0_, value1_ = prodigy_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], <double> exp_avg_sq[n_ // LANES * LANES + j_],
            <double> s[n_ // LANES * LANES + j_], <double> p0[n_ // LANES * LANES + j_], l2, lr_s, b3
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)


cdef void prodigy_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array s = <float64_array> arrays_[4]
    cdef float64_array p0 = <float64_array> arrays_[5]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double l2 = scalars_[2]
    cdef double lr_s = scalars_[3]
    cdef double b3 = scalars_[4]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_
    cdef double[LANES] sum0_, sum1_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_ = prodigy_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], <double> exp_avg_sq[i_ * LANES + j_], <double> s[i_ * LANES + j_],
                <double> p0[i_ * LANES + j_], l2, lr_s, b3
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
    for j_ in range(n_ % LANES):
        value0_, value1_ = prodigy_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], <double> exp_avg_sq[n_ // LANES * LANES + j_],
            <double> s[n_ // LANES * LANES + j_], <double> p0[n_ // LANES * LANES + j_], l2, lr_s, b3
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)


cdef inline floating hypergradient_sums(
    floating p, floating g, floating momentum_buffer, floating l2
) noexcept nogil:
    return (g + l2 * p) * momentum_buffer


cdef void hypergradient_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double l2 = scalars_[2]
    cdef Py_ssize_t i_, j_
    cdef double value0_
    cdef double[LANES] sum0_
    for j_ in range(LANES):
        sum0_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_ = hypergradient_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> momentum_buffer[i_ * LANES + j_], l2
            )
            sum0_[j_] += value0_
    for j_ in range(n_ % LANES):
        value0_ = hypergradient_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> momentum_buffer[n_ // LANES * LANES + j_], l2
        )
        sum0_[j_] += value0_
    sums_[0] = folded(sum0_)


cdef void hypergradient_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double l2 = scalars_[2]
    cdef Py_ssize_t i_, j_
    cdef double value0_
    cdef double[LANES] sum0_
    for j_ in range(LANES):
        sum0_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_ = hypergradient_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> momentum_buffer[i_ * LANES + j_], l2
            )
            sum0_[j_] += value0_
    for j_ in range(n_ % LANES):
        value0_ = hypergradient_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> momentum_buffer[n_ // LANES * LANES + j_], l2
        )
        sum0_[j_] += value0_
    sums_[0] = folded(sum0_)


cdef inline floating adam_hypergradient_sums(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating l2, floating debias, floating eps
) noexcept nogil:
    return (g + l2 * p) * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps)


cdef void adam_hypergradient_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double l2 = scalars_[2]
    cdef double debias = scalars_[3]
    cdef double eps = scalars_[4]
    cdef Py_ssize_t i_, j_
    cdef double value0_
    cdef double[LANES] sum0_
    for j_ in range(LANES):
        sum0_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_ = adam_hypergradient_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], <double> exp_avg_sq[i_ * LANES + j_], l2, debias, eps
            )
            sum0_[j_] += value0_
    for j_ in range(n_ % LANES):
        value0_ = adam_hypergradient_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], <double> exp_avg_sq[n_ // LANES * LANES + j_], l2, debias, eps
        )
        sum0_[j_] += value0_
    sums_[0] = folded(sum0_)


cdef void adam_hypergradient_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double l2 = scalars_[2]
    cdef double debias = scalars_[3]
    cdef double eps = scalars_[4]
    cdef Py_ssize_t i_, j_
    cdef double value0_
    cdef double[LANES] sum0_
    for j_ in range(LANES):
        sum0_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_ = adam_hypergradient_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], <double> exp_avg_sq[i_ * LANES + j_], l2, debias, eps
            )
            sum0_[j_] += value0_
    for j_ in range(n_ % LANES):
        value0_ = adam_hypergradient_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], <double> exp_avg_sq[n_ // LANES * LANES + j_], l2, debias, eps
        )
        sum0_[j_] += value0_
    sums_[0] = folded(sum0_)


cdef inline (floating, floating, floating) secant_sums(
    floating p, floating g, floating prev_grad
) noexcept nogil:
    cdef floating change
    change = g - prev_grad
    return prev_grad * prev_grad, prev_grad * change, change * change


cdef void secant_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array prev_grad = <float32_array> arrays_[2]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_, value2_
    cdef double[LANES] sum0_, sum1_, sum2_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = sum2_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_, value2_ = secant_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> prev_grad[i_ * LANES + j_]
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
            sum2_[j_] += value2_
    for j_ in range(n_ % LANES):
        value0_, value1_, value2_ = secant_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> prev_grad[n_ // LANES * LANES + j_]
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
        sum2_[j_] += value2_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)
    sums_[2] = folded(sum2_)


cdef void secant_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array prev_grad = <float64_array> arrays_[2]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_, value2_
    cdef double[LANES] sum0_, sum1_, sum2_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = sum2_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_, value2_ = secant_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> prev_grad[i_ * LANES + j_]
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
            sum2_[j_] += value2_
    for j_ in range(n_ % LANES):
        value0_, value1_, value2_ = secant_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> prev_grad[n_ // LANES * LANES + j_]
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
        sum2_[j_] += value2_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)
    sums_[2] = folded(sum2_)


cdef inline (floating, floating) lamb_sums(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating decay, floating b1, floating b1_c,
    floating b2, floating b2_c, floating debias, floating correct, floating eps
) noexcept nogil:
    cdef floating u
    exp_avg = b1 * exp_avg + b1_c * g
    exp_avg_sq = b2 * exp_avg_sq + b2_c * (g * g)
    u = correct * exp_avg / (debias * math.sqrt(exp_avg_sq) + eps) + decay * p
    return p * p, u * u


cdef void lamb_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double decay = scalars_[2]
    cdef double b1 = scalars_[3]
    cdef double b1_c = scalars_[4]
    cdef double b2 = scalars_[5]
    cdef double b2_c = scalars_[6]
    cdef double debias = scalars_[7]
    cdef double correct = scalars_[8]
    cdef double eps = scalars_[9]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_
    cdef double[LANES] sum0_, sum1_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_ = lamb_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], <double> exp_avg_sq[i_ * LANES + j_], decay, b1, b1_c, b2, b2_c,
                debias, correct, eps
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
    for j_ in range(n_ % LANES):
        value0_, value1_ = lamb_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], <double> exp_avg_sq[n_ // LANES * LANES + j_], decay, b1, b1_c,
            b2, b2_c, debias, correct, eps
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)


cdef void lamb_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double decay = scalars_[2]
    cdef double b1 = scalars_[3]
    cdef double b1_c = scalars_[4]
    cdef double b2 = scalars_[5]
    cdef double b2_c = scalars_[6]
    cdef double debias = scalars_[7]
    cdef double correct = scalars_[8]
    cdef double eps = scalars_[9]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_
    cdef double[LANES] sum0_, sum1_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_ = lamb_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], <double> exp_avg_sq[i_ * LANES + j_], decay, b1, b1_c, b2, b2_c,
                debias, correct, eps
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
    for j_ in range(n_ % LANES):
        value0_, value1_ = lamb_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], <double> exp_avg_sq[n_ // LANES * LANES + j_], decay, b1, b1_c,
            b2, b2_c, debias, correct, eps
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)


cdef inline (floating, floating, floating, floating) mechanic_sgd_sums(
    floating p, floating g, floating momentum_buffer, floating delta
) noexcept nogil:
    return g * delta, p * delta, g * g, p * p


cdef void mechanic_sgd_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array momentum_buffer = <float32_array> arrays_[2]
    cdef float32_array delta = <float32_array> arrays_[3]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_, value2_, value3_
    cdef double[LANES] sum0_, sum1_, sum2_, sum3_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = sum2_[j_] = sum3_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_, value2_, value3_ = mechanic_sgd_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> momentum_buffer[i_ * LANES + j_], <double> delta[i_ * LANES + j_]
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
            sum2_[j_] += value2_
            sum3_[j_] += value3_
    for j_ in range(n_ % LANES):
        value0_, value1_, value2_, value3_ = mechanic_sgd_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> momentum_buffer[n_ // LANES * LANES + j_], <double> delta[n_ // LANES * LANES + j_]
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
        sum2_[j_] += value2_
        sum3_[j_] += value3_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)
    sums_[2] = folded(sum2_)
    sums_[3] = folded(sum3_)


cdef void mechanic_sgd_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array momentum_buffer = <float64_array> arrays_[2]
    cdef float64_array delta = <float64_array> arrays_[3]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_, value2_, value3_
    cdef double[LANES] sum0_, sum1_, sum2_, sum3_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = sum2_[j_] = sum3_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_, value2_, value3_ = mechanic_sgd_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> momentum_buffer[i_ * LANES + j_], <double> delta[i_ * LANES + j_]
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
            sum2_[j_] += value2_
            sum3_[j_] += value3_
    for j_ in range(n_ % LANES):
        value0_, value1_, value2_, value3_ = mechanic_sgd_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> momentum_buffer[n_ // LANES * LANES + j_], <double> delta[n_ // LANES * LANES + j_]
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
        sum2_[j_] += value2_
        sum3_[j_] += value3_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)
    sums_[2] = folded(sum2_)
    sums_[3] = folded(sum3_)


cdef inline (floating, floating, floating, floating) mechanic_adam_sums(
    floating p, floating g, floating exp_avg, floating exp_avg_sq, floating delta
) noexcept nogil:
    return g * delta, p * delta, g * g, p * p


cdef void mechanic_adam_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef float32_array exp_avg_sq = <float32_array> arrays_[3]
    cdef float32_array delta = <float32_array> arrays_[4]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_, value2_, value3_
    cdef double[LANES] sum0_, sum1_, sum2_, sum3_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = sum2_[j_] = sum3_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_, value2_, value3_ = mechanic_adam_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], <double> exp_avg_sq[i_ * LANES + j_], <double> delta[i_ * LANES + j_]
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
            sum2_[j_] += value2_
            sum3_[j_] += value3_
    for j_ in range(n_ % LANES):
        value0_, value1_, value2_, value3_ = mechanic_adam_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], <double> exp_avg_sq[n_ // LANES * LANES + j_],
            <double> delta[n_ // LANES * LANES + j_]
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
        sum2_[j_] += value2_
        sum3_[j_] += value3_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)
    sums_[2] = folded(sum2_)
    sums_[3] = folded(sum3_)


cdef void mechanic_adam_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef float64_array exp_avg_sq = <float64_array> arrays_[3]
    cdef float64_array delta = <float64_array> arrays_[4]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_, value2_, value3_
    cdef double[LANES] sum0_, sum1_, sum2_, sum3_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = sum2_[j_] = sum3_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_, value2_, value3_ = mechanic_adam_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], <double> exp_avg_sq[i_ * LANES + j_], <double> delta[i_ * LANES + j_]
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
            sum2_[j_] += value2_
            sum3_[j_] += value3_
    for j_ in range(n_ % LANES):
        value0_, value1_, value2_, value3_ = mechanic_adam_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], <double> exp_avg_sq[n_ // LANES * LANES + j_],
            <double> delta[n_ // LANES * LANES + j_]
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
        sum2_[j_] += value2_
        sum3_[j_] += value3_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)
    sums_[2] = folded(sum2_)
    sums_[3] = folded(sum3_)


cdef inline (floating, floating) cautious_adam_sums(
    floating p, floating g, floating exp_avg, floating l2, floating b1, floating b1_c
) noexcept nogil:
    cdef floating agreement
    g = g + l2 * p
    exp_avg = b1 * exp_avg + b1_c * g
    agreement = exp_avg if g > <floating> 0 else (-exp_avg if g < <floating> 0 else g)
    return (<floating> 1 if agreement > <floating> 0 else <floating> 0), (<floating> 0 if agreement > <floating> 0 else <floating> 1)


cdef void cautious_adam_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double l2 = scalars_[2]
    cdef double b1 = scalars_[3]
    cdef double b1_c = scalars_[4]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_
    cdef double[LANES] sum0_, sum1_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_ = cautious_adam_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], l2, b1, b1_c
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
    for j_ in range(n_ % LANES):
        value0_, value1_ = cautious_adam_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], l2, b1, b1_c
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)


cdef void cautious_adam_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double l2 = scalars_[2]
    cdef double b1 = scalars_[3]
    cdef double b1_c = scalars_[4]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_
    cdef double[LANES] sum0_, sum1_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_ = cautious_adam_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], l2, b1, b1_c
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
    for j_ in range(n_ % LANES):
        value0_, value1_ = cautious_adam_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], l2, b1, b1_c
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)


cdef inline (floating, floating) cautious_lion_sums(
    floating p, floating g, floating exp_avg, floating b1, floating b1_c
) noexcept nogil:
    cdef floating agreement, u
    u = b1 * exp_avg + b1_c * g
    agreement = u if g > <floating> 0 else (-u if g < <floating> 0 else g)
    return (<floating> 1 if agreement > <floating> 0 else <floating> 0), (<floating> 0 if agreement > <floating> 0 else <floating> 1)


cdef void cautious_lion_sums_float32(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float32_array p = <float32_array> arrays_[0]
    cdef float32_array g = <float32_array> arrays_[1]
    cdef float32_array exp_avg = <float32_array> arrays_[2]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double b1 = scalars_[2]
    cdef double b1_c = scalars_[3]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_
    cdef double[LANES] sum0_, sum1_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_ = cautious_lion_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], b1, b1_c
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
    for j_ in range(n_ % LANES):
        value0_, value1_ = cautious_lion_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], b1, b1_c
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)


cdef void cautious_lion_sums_float64(Py_ssize_t n_, void **arrays_, const double *scalars_, double *sums_) noexcept nogil:
    cdef float64_array p = <float64_array> arrays_[0]
    cdef float64_array g = <float64_array> arrays_[1]
    cdef float64_array exp_avg = <float64_array> arrays_[2]
    cdef double scale = scalars_[0]
    cdef double limit = scalars_[1]
    cdef double b1 = scalars_[2]
    cdef double b1_c = scalars_[3]
    cdef Py_ssize_t i_, j_
    cdef double value0_, value1_
    cdef double[LANES] sum0_, sum1_
    for j_ in range(LANES):
        sum0_[j_] = sum1_[j_] = 0
    for i_ in range(n_ // LANES):
        for j_ in range(LANES):
            value0_, value1_ = cautious_lion_sums(
                <double> p[i_ * LANES + j_], clipped(<double> g[i_ * LANES + j_], scale, limit),
                <double> exp_avg[i_ * LANES + j_], b1, b1_c
            )
            sum0_[j_] += value0_
            sum1_[j_] += value1_
    for j_ in range(n_ % LANES):
        value0_, value1_ = cautious_lion_sums(
            <double> p[n_ // LANES * LANES + j_], clipped(<double> g[n_ // LANES * LANES + j_], scale, limit),
            <double> exp_avg[n_ // LANES * LANES + j_], b1, b1_c
        )
        sum0_[j_] += value0_
        sum1_[j_] += value1_
    sums_[0] = folded(sum0_)
    sums_[1] = folded(sum1_)


RULES = {
    ("sgd", "float32"): <size_t> &sgd_float32,
    ("sgd", "float64"): <size_t> &sgd_float64,
    ("momentum", "float32"): <size_t> &momentum_float32,
    ("momentum", "float64"): <size_t> &momentum_float64,
    ("nesterov", "float32"): <size_t> &nesterov_float32,
    ("nesterov", "float64"): <size_t> &nesterov_float64,
    ("adagrad", "float32"): <size_t> &adagrad_float32,
    ("adagrad", "float64"): <size_t> &adagrad_float64,
    ("rmsprop", "float32"): <size_t> &rmsprop_float32,
    ("rmsprop", "float64"): <size_t> &rmsprop_float64,
    ("rmsprop_momentum", "float32"): <size_t> &rmsprop_momentum_float32,
    ("rmsprop_momentum", "float64"): <size_t> &rmsprop_momentum_float64,
    ("rmsprop_centered", "float32"): <size_t> &rmsprop_centered_float32,
    ("rmsprop_centered", "float64"): <size_t> &rmsprop_centered_float64,
    ("rmsprop_centered_momentum", "float32"): <size_t> &rmsprop_centered_momentum_float32,
    ("rmsprop_centered_momentum", "float64"): <size_t> &rmsprop_centered_momentum_float64,
    ("adadelta", "float32"): <size_t> &adadelta_float32,
    ("adadelta", "float64"): <size_t> &adadelta_float64,
    ("adam", "float32"): <size_t> &adam_float32,
    ("adam", "float64"): <size_t> &adam_float64,
    ("amsgrad", "float32"): <size_t> &amsgrad_float32,
    ("amsgrad", "float64"): <size_t> &amsgrad_float64,
    ("adamax", "float32"): <size_t> &adamax_float32,
    ("adamax", "float64"): <size_t> &adamax_float64,
    ("nadam", "float32"): <size_t> &nadam_float32,
    ("nadam", "float64"): <size_t> &nadam_float64,
    ("radam", "float32"): <size_t> &radam_float32,
    ("radam", "float64"): <size_t> &radam_float64,
    ("lion", "float32"): <size_t> &lion_float32,
    ("lion", "float64"): <size_t> &lion_float64,
    ("signsgd", "float32"): <size_t> &signsgd_float32,
    ("signsgd", "float64"): <size_t> &signsgd_float64,
    ("signum", "float32"): <size_t> &signum_float32,
    ("signum", "float64"): <size_t> &signum_float64,
    ("rprop", "float32"): <size_t> &rprop_float32,
    ("rprop", "float64"): <size_t> &rprop_float64,
    ("ftrl", "float32"): <size_t> &ftrl_float32,
    ("ftrl", "float64"): <size_t> &ftrl_float64,
    ("asgd", "float32"): <size_t> &asgd_float32,
    ("asgd", "float64"): <size_t> &asgd_float64,
    ("adabelief", "float32"): <size_t> &adabelief_float32,
    ("adabelief", "float64"): <size_t> &adabelief_float64,
    ("yogi", "float32"): <size_t> &yogi_float32,
    ("yogi", "float64"): <size_t> &yogi_float64,
    ("adabound", "float32"): <size_t> &adabound_float32,
    ("adabound", "float64"): <size_t> &adabound_float64,
    ("laprop", "float32"): <size_t> &laprop_float32,
    ("laprop", "float64"): <size_t> &laprop_float64,
    ("adopt", "float32"): <size_t> &adopt_float32,
    ("adopt", "float64"): <size_t> &adopt_float64,
    ("adan", "float32"): <size_t> &adan_float32,
    ("adan", "float64"): <size_t> &adan_float64,
    ("ademamix", "float32"): <size_t> &ademamix_float32,
    ("ademamix", "float64"): <size_t> &ademamix_float64,
    ("qhadam", "float32"): <size_t> &qhadam_float32,
    ("qhadam", "float64"): <size_t> &qhadam_float64,
    ("dog", "float32"): <size_t> &dog_float32,
    ("dog", "float64"): <size_t> &dog_float64,
    ("dadapt_sgd", "float32"): <size_t> &dadapt_sgd_float32,
    ("dadapt_sgd", "float64"): <size_t> &dadapt_sgd_float64,
    ("dadapt_adam", "float32"): <size_t> &dadapt_adam_float32,
    ("dadapt_adam", "float64"): <size_t> &dadapt_adam_float64,
    ("prodigy", "float32"): <size_t> &prodigy_float32,
    ("prodigy", "float64"): <size_t> &prodigy_float64,
    ("schedule_free_sgd", "float32"): <size_t> &schedule_free_sgd_float32,
    ("schedule_free_sgd", "float64"): <size_t> &schedule_free_sgd_float64,
    ("schedule_free_adamw", "float32"): <size_t> &schedule_free_adamw_float32,
    ("schedule_free_adamw", "float64"): <size_t> &schedule_free_adamw_float64,
    ("alig", "float32"): <size_t> &alig_float32,
    ("alig", "float64"): <size_t> &alig_float64,
    ("secant", "float32"): <size_t> &secant_float32,
    ("secant", "float64"): <size_t> &secant_float64,
    ("cocob", "float32"): <size_t> &cocob_float32,
    ("cocob", "float64"): <size_t> &cocob_float64,
    ("novograd", "float32"): <size_t> &novograd_float32,
    ("novograd", "float64"): <size_t> &novograd_float64,
    ("qhm", "float32"): <size_t> &qhm_float32,
    ("qhm", "float64"): <size_t> &qhm_float64,
    ("mechanic_sgd", "float32"): <size_t> &mechanic_sgd_float32,
    ("mechanic_sgd", "float64"): <size_t> &mechanic_sgd_float64,
    ("mechanic_adam", "float32"): <size_t> &mechanic_adam_float32,
    ("mechanic_adam", "float64"): <size_t> &mechanic_adam_float64,
    ("cautious_adam", "float32"): <size_t> &cautious_adam_float32,
    ("cautious_adam", "float64"): <size_t> &cautious_adam_float64,
    ("cautious_lion", "float32"): <size_t> &cautious_lion_float32,
    ("cautious_lion", "float64"): <size_t> &cautious_lion_float64,
    ("madgrad", "float32"): <size_t> &madgrad_float32,
    ("madgrad", "float64"): <size_t> &madgrad_float64,
}


LOSSES = {
    ("squared_error", "float32"): <size_t> &squared_error_float32,
    ("squared_error", "float64"): <size_t> &squared_error_float64,
    ("huber", "float32"): <size_t> &huber_float32,
    ("huber", "float64"): <size_t> &huber_float64,
    ("epsilon_insensitive", "float32"): <size_t> &epsilon_insensitive_float32,
    ("epsilon_insensitive", "float64"): <size_t> &epsilon_insensitive_float64,
    ("squared_epsilon_insensitive", "float32"): <size_t> &squared_epsilon_insensitive_float32,
    ("squared_epsilon_insensitive", "float64"): <size_t> &squared_epsilon_insensitive_float64,
    ("quantile", "float32"): <size_t> &quantile_float32,
    ("quantile", "float64"): <size_t> &quantile_float64,
    ("logcosh", "float32"): <size_t> &logcosh_float32,
    ("logcosh", "float64"): <size_t> &logcosh_float64,
    ("poisson", "float32"): <size_t> &poisson_float32,
    ("poisson", "float64"): <size_t> &poisson_float64,
    ("gamma", "float32"): <size_t> &gamma_float32,
    ("gamma", "float64"): <size_t> &gamma_float64,
    ("tweedie", "float32"): <size_t> &tweedie_float32,
    ("tweedie", "float64"): <size_t> &tweedie_float64,
    ("log_loss", "float32"): <size_t> &log_loss_float32,
    ("log_loss", "float64"): <size_t> &log_loss_float64,
    ("focal", "float32"): <size_t> &focal_float32,
    ("focal", "float64"): <size_t> &focal_float64,
    ("hinge", "float32"): <size_t> &hinge_float32,
    ("hinge", "float64"): <size_t> &hinge_float64,
    ("squared_hinge", "float32"): <size_t> &squared_hinge_float32,
    ("squared_hinge", "float64"): <size_t> &squared_hinge_float64,
    ("perceptron", "float32"): <size_t> &perceptron_float32,
    ("perceptron", "float64"): <size_t> &perceptron_float64,
    ("modified_huber", "float32"): <size_t> &modified_huber_float32,
    ("modified_huber", "float64"): <size_t> &modified_huber_float64,
}


MEASURES = {
    ("grad_sums", "float32"): <size_t> &grad_sums_float32,
    ("grad_sums", "float64"): <size_t> &grad_sums_float64,
    ("norm_sums", "float32"): <size_t> &norm_sums_float32,
    ("norm_sums", "float64"): <size_t> &norm_sums_float64,
    ("dog_sums", "float32"): <size_t> &dog_sums_float32,
    ("dog_sums", "float64"): <size_t> &dog_sums_float64,
    ("dadapt_sgd_sums", "float32"): <size_t> &dadapt_sgd_sums_float32,
    ("dadapt_sgd_sums", "float64"): <size_t> &dadapt_sgd_sums_float64,
    ("dadapt_adam_sums", "float32"): <size_t> &dadapt_adam_sums_float32,
    ("dadapt_adam_sums", "float64"): <size_t> &dadapt_adam_sums_float64,
    ("prodigy_sums", "float32"): <size_t> &prodigy_sums_float32,
    ("prodigy_sums", "float64"): <size_t> &prodigy_sums_float64,
    ("hypergradient_sums", "float32"): <size_t> &hypergradient_sums_float32,
    ("hypergradient_sums", "float64"): <size_t> &hypergradient_sums_float64,
    ("adam_hypergradient_sums", "float32"): <size_t> &adam_hypergradient_sums_float32,
    ("adam_hypergradient_sums", "float64"): <size_t> &adam_hypergradient_sums_float64,
    ("secant_sums", "float32"): <size_t> &secant_sums_float32,
    ("secant_sums", "float64"): <size_t> &secant_sums_float64,
    ("lamb_sums", "float32"): <size_t> &lamb_sums_float32,
    ("lamb_sums", "float64"): <size_t> &lamb_sums_float64,
    ("mechanic_sgd_sums", "float32"): <size_t> &mechanic_sgd_sums_float32,
    ("mechanic_sgd_sums", "float64"): <size_t> &mechanic_sgd_sums_float64,
    ("mechanic_adam_sums", "float32"): <size_t> &mechanic_adam_sums_float32,
    ("mechanic_adam_sums", "float64"): <size_t> &mechanic_adam_sums_float64,
    ("cautious_adam_sums", "float32"): <size_t> &cautious_adam_sums_float32,
    ("cautious_adam_sums", "float64"): <size_t> &cautious_adam_sums_float64,
    ("cautious_lion_sums", "float32"): <size_t> &cautious_lion_sums_float32,
    ("cautious_lion_sums", "float64"): <size_t> &cautious_lion_sums_float64,
}
