"""Raw predictions of some rows by many columns of weights, and a loss along a ray of them; compiled for each processor level.

A line search needs no further pass over the data: with the predictions ``z`` of the weights and ``d`` of the direction, those after a step
``eta`` are ``z - eta d``. A column has the same bits beside any others.
"""
cimport numpy as cnp
from libc.stdint cimport int32_t, int64_t

from fastgd._kernels.lane_rows cimport Eight, Four, One, Sixteen, block, dot, index, real, schar

cnp.import_array()

ctypedef void (*loss_double)(const double *, const double *, const double *, double *, double *) noexcept nogil


cdef void multiply(
    Py_ssize_t n_rows, const int64_t *order, Py_ssize_t n_features, Py_ssize_t stride, const real *data, const index *indices,
    const index *indptr, const real *w, real *out, block *lanes_,
) noexcept nogil:
    cdef Py_ssize_t r, i, K = sizeof(lanes_[0])
    for r in range(n_rows):
        i = order[r]
        if index is int32_t or index is int64_t:
            dot(indptr[i + 1] - indptr[i], data + indptr[i], indices + indptr[i], w, indices, 0, out + r * K, lanes_)
        else:
            dot(n_features, data + i * stride, indices, w, indices, 0, out + r * K, lanes_)


cdef by_lanes(rows, cnp.ndarray order, cnp.ndarray w, cnp.ndarray out, const real *real_, const index *index_):
    cdef Py_ssize_t n = order.shape[0], n_features = w.shape[0], stride = rows.row_stride
    cdef int lanes = w.shape[1]
    cdef const int64_t *which = <const int64_t *> cnp.PyArray_DATA(order)
    cdef const real *data = <const real *> cnp.PyArray_DATA(<cnp.ndarray> rows.data)
    cdef const index *indices = NULL
    cdef const index *indptr = NULL
    cdef const real *weights = <const real *> cnp.PyArray_DATA(w)
    cdef real *values = <real *> cnp.PyArray_DATA(out)
    if rows.indices is not None:
        indices = <const index *> cnp.PyArray_DATA(<cnp.ndarray> rows.indices)
        indptr = <const index *> cnp.PyArray_DATA(<cnp.ndarray> rows.indptr)
    with nogil:
        if lanes == 1:
            multiply(n, which, n_features, stride, data, indices, indptr, weights, values, <One *> NULL)
        elif lanes == 4:
            multiply(n, which, n_features, stride, data, indices, indptr, weights, values, <Four *> NULL)
        elif lanes == 8:
            multiply(n, which, n_features, stride, data, indices, indptr, weights, values, <Eight *> NULL)
        else:
            multiply(n, which, n_features, stride, data, indices, indptr, weights, values, <Sixteen *> NULL)


cdef by_index(rows, cnp.ndarray order, cnp.ndarray w, cnp.ndarray out, const real *real_):
    if rows.indices is None:
        by_lanes(rows, order, w, out, real_, <const schar *> NULL)
    elif rows.indices.dtype.itemsize == 8:
        by_lanes(rows, order, w, out, real_, <const int64_t *> NULL)
    else:
        by_lanes(rows, order, w, out, real_, <const int32_t *> NULL)


def product(rows, cnp.ndarray order, cnp.ndarray w, cnp.ndarray out):
    """Write the products of these rows (int64) with `w`, ``(n_features, lanes)``, 1, 4, 8 or 16 of them, to `out`, ``(len(order), lanes)``.

    All are of the rows' dtype and in C order.
    """
    if w.dtype.itemsize == 8:
        by_index(rows, order, w, out, <const double *> NULL)
    else:
        by_index(rows, order, w, out, <const float *> NULL)


def loss_along(
    const double[:] z, const double[:] d, const double[:] y, const double[:] weight, double hyper, size_t loss, double eta
):
    """Return the sum of a loss over the predictions ``z - eta d``, each times its weight; `loss` is its loop for one lane of float64."""
    cdef double total = 0, moved, target, value, slope
    cdef Py_ssize_t i
    cdef loss_double of = <loss_double> <void *> loss
    with nogil:
        for i in range(z.shape[0]):
            moved, target = z[i] - eta * d[i], y[i]
            of(&moved, &target, &hyper, &value, &slope)
            total += weight[i] * value
    return total
