"""Looks at each step whether parameters on a GPU are what they were, and where the gradients lie; thousands of arrays a millisecond.

Three ways, by what an array's type offers. DLPack's exchange of C functions (torch 2.10) says all there is to know of an array in one call.
Else what `cuda_arrays.glance` returns is compared with what it returned when the array in that place was last looked at in
full. Where neither knows, or something is not as expected, `Checks` of `cuda_plan.py` looks in full, and words what is wrong.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

import numpy as np

from fastgd._kernels import cuda_arrays

from fastgd._kernels._dlpack cimport Exchange, Tensor, exchange_of, has_gaps


cdef object kept(now):
    """Return a glance that stays as it is when the producer goes on using its dictionary."""
    return dict(now) if isinstance(now, dict) else now


cdef class Look:
    """What the steps of one state look at.

    Parameters
    ----------
    tree, leaves, guard
        See `CudaPlan`.
    arrays : list of DeviceArray
        The views of the leaves that are computed on.
    device : tuple of int
        Type and number of the device, as DLPack has them.
    checks : object
        ``param(i, leaf)`` raises where a parameter is not what it was; ``gradient(i, gradient, cast)`` returns the view of a gradient, or
        raises what is wrong with it.

    Attributes
    ----------
    gradients : list
        The gradients as the user passed them; None where there is none.
    addresses : ndarray of int64
        Where they lie; 0 where there is none.
    live : ndarray of bool
        Whether there is one.
    n_live : int
    streams : set of int
        The streams on which producers of gradients may still be writing.
    ordered : bool
        Whether all gradients are of libraries with a current stream, which give freed memory to others in the order of that.
    """

    cdef object tree, guard, checks
    cdef list leaves, seen_params, seen_gradients
    cdef readonly list gradients
    cdef readonly object addresses, live
    cdef readonly Py_ssize_t n_live
    cdef readonly set streams
    cdef readonly bint ordered
    cdef Py_ssize_t n
    cdef bint cast
    cdef int32_t device_type, device_id
    # What is expected of each parameter; the shapes, end to end, and where each begins.
    cdef int64_t[::1] places, shapes, firsts, sizes
    cdef uint8_t[::1] codes, bits
    cdef int64_t[::1] found        # the memory of `addresses`
    cdef int64_t[::1] glanced      # where the gradients lay that `seen_gradients` tells of
    cdef uint8_t[::1] present      # the memory of `live`
    # The types of the last parameter and gradient, and what they offer; the stream of the latter, None where each array has its own.
    cdef object param_kind, gradient_kind, gradient_stream
    cdef const Exchange *param_exchange
    cdef const Exchange *gradient_exchange

    def __init__(self, tree, list leaves, list arrays, device, guard, checks):
        self.tree, self.leaves, self.guard, self.checks, self.n = tree, leaves, guard, checks, len(arrays)
        self.device_type, self.device_id = device
        self.places = np.array([a.address for a in arrays], np.int64)
        self.sizes = np.array([a.size for a in arrays], np.int64)
        self.shapes = np.array([length for a in arrays for length in a.shape], np.int64)
        self.firsts = np.cumsum([0, *(a.ndim for a in arrays)])
        dtypes = [cuda_arrays.DLPACK_DTYPES[a.dtype.name] for a in arrays]
        self.codes = np.array([code for code, _ in dtypes], np.uint8)
        self.bits = np.array([bits for _, bits in dtypes], np.uint8)
        self.addresses, self.live = np.zeros(self.n, np.int64), np.zeros(self.n, bool)
        self.found, self.present = self.addresses, self.live.view(np.uint8)
        self.glanced = np.zeros(self.n, np.int64)
        self.seen_params, self.seen_gradients = [None] * self.n, [None] * self.n
        self.streams, self.ordered = set(), True
        self.forget()

    def forget(self):
        """Let go of the gradients."""
        self.gradients = [None] * self.n

    def look(self, gradients, bint cast):
        """Look at all parameters and gradients; raise what is wrong with the first bad one."""
        cdef Py_ssize_t i
        self.cast, self.n_live, self.streams, self.gradient_kind = cast, 0, set(), None
        self.ordered = True
        if self._walk(self.tree, gradients, 0, ()) != self.n:
            self.guard.structure((), self.tree, gradients)
        for i in range(self.n):
            self._look_at_param(i, self.leaves[i])
        for i in range(self.n):  # a loop of its own: taking turns, arrays lie less often where the processor expects the next
            gradient = self.gradients[i]
            self.present[i], self.found[i] = gradient is not None, 0
            if gradient is not None:
                self.found[i] = self._place_of_gradient(i, gradient)
                self.n_live += 1

    cdef Py_ssize_t _walk(self, tree, gradients, Py_ssize_t i, tuple path) except -1:
        if isinstance(tree, dict):
            if not isinstance(gradients, dict) or len(gradients) != len(tree):
                self.guard.structure(path, tree, gradients)
            for key, branch in tree.items():
                if key not in gradients:
                    self.guard.structure(path, tree, gradients)
                i = self._enter(branch, gradients[key], i, path, key)
            return i
        if isinstance(tree, (list, tuple)):
            if not isinstance(gradients, (list, tuple)) or len(gradients) != len(tree):
                self.guard.structure(path, tree, gradients)
            for k in range(len(tree)):
                i = self._enter(tree[k], gradients[k], i, path, k)
            return i
        self._take(i, tree, gradients)
        return i + 1

    cdef Py_ssize_t _enter(self, branch, gradients, Py_ssize_t i, tuple path, key) except -1:
        if isinstance(branch, (list, tuple, dict)):
            return self._walk(branch, gradients, i, path + (key,))
        self._take(i, branch, gradients)
        return i + 1

    cdef int _take(self, Py_ssize_t i, leaf, gradient) except -1:
        if i >= self.n or leaf is not self.leaves[i]:
            self.guard.changed(min(i, self.n - 1))
        self.gradients[i] = gradient
        return 0

    cdef int _look_at_param(self, Py_ssize_t i, leaf) except -1:
        cdef int64_t place = -1
        if type(leaf) is not self.param_kind:
            self.param_exchange, self.param_kind = exchange_of(type(leaf)), type(leaf)
        if self.param_exchange != NULL:
            if not self._fits(self.param_exchange, i, leaf, &place) or place != self.places[i]:
                self.checks.param(i, leaf)
            return 0
        now = cuda_arrays.glance(leaf)
        if now is None or now != self.seen_params[i]:
            self.checks.param(i, leaf)
            self.seen_params[i] = kept(now)
        return 0

    cdef int64_t _place_of_gradient(self, Py_ssize_t i, gradient) except -1:
        cdef int64_t place = 0
        cdef bint another = type(gradient) is not self.gradient_kind
        now = None
        if another:
            self.gradient_exchange, self.gradient_kind = exchange_of(type(gradient)), type(gradient)
        if self.gradient_exchange != NULL:
            if not self._fits(self.gradient_exchange, i, gradient, &place):
                place = self.checks.gradient(i, gradient, self.cast).address
        else:
            now = cuda_arrays.glance(gradient)
            if now is None or now != self.seen_gradients[i]:
                view = self.checks.gradient(i, gradient, self.cast)
                self.seen_gradients[i], self.glanced[i] = kept(now), view.address
                if now is None:
                    self.gradients[i] = view  # which keeps what was exported
            place = self.glanced[i]
        if another:
            self.gradient_stream = cuda_arrays.library_stream(gradient)
            self.ordered = self.ordered and self.gradient_stream is not None
        if another or self.gradient_stream is None:
            self.streams.add(cuda_arrays.stream_in(now) if self.gradient_stream is None else self.gradient_stream)
        return place

    cdef bint _fits(self, const Exchange *exchange, Py_ssize_t i, leaf, int64_t *place) except -1:
        """Say whether an array is of parameter i's shape and dtype, without gaps, on the device; and where it lies."""
        cdef Tensor found
        cdef int32_t axis
        try:
            exchange.describe(<void *> leaf, &found)
        except Exception:  # a tensor without memory of its own, such as a sparse one
            return False
        if (
            found.device_type != self.device_type
            or found.device_id != self.device_id
            or found.code != self.codes[i]
            or found.bits != self.bits[i]
            or found.lanes != 1
            or found.ndim != self.firsts[i + 1] - self.firsts[i]
        ):
            return False
        for axis in range(found.ndim):
            if found.shape[axis] != self.shapes[self.firsts[i] + axis]:
                return False
        place[0] = <int64_t> (found.data + found.offset)
        return self.sizes[i] == 0 or (place[0] != 0 and not has_gaps(&found))
