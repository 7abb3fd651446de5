"""Rows of arrays of any type to new places: what shuffles a buffer of sparse rows, without the GIL."""

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy


def scatter_rows(const uint8_t[::1] source, const int64_t[::1] starts, uint8_t[::1] target, const int64_t[::1] places, Py_ssize_t size):
    """Copy row i, the items `starts` [i] to `starts` [i + 1] of `source`, to the items of `target` from `places` [i] on.

    An item is `size` bytes.
    """
    cdef Py_ssize_t n = places.shape[0], i
    cdef int64_t here = source.shape[0] // size, there = target.shape[0] // size, length
    cdef bint outside = False
    if starts.shape[0] != n + 1:
        raise ValueError(f"{n} places need {n + 1} starts, got {starts.shape[0]}")
    with nogil:
        for i in range(n):
            length = starts[i + 1] - starts[i]
            if length == 0:
                continue
            if not (length > 0 and 0 <= starts[i] <= here - length and 0 <= places[i] <= there - length):
                outside = True
                break
            memcpy(&target[places[i] * size], &source[starts[i] * size], length * size)
    if outside:
        raise ValueError(f"row {i} does not lie in the arrays")
