"""DLPack's exchange of C functions (torch has it since 2.10): where an array lies and what it is, in one call and without an object."""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid


cdef const Exchange *exchange_of(object kind) except *:
    """Return the C functions of a type of arrays, NULL where it offers none."""
    cdef const char *name = b"dlpack_exchange_api"
    cdef const Exchange *found
    capsule = getattr(kind, "__dlpack_c_exchange_api__", None)
    if capsule is None or not PyCapsule_IsValid(capsule, name):
        return NULL
    found = <const Exchange *> PyCapsule_GetPointer(capsule, name)
    return found if found.major == 1 and found.describe != NULL else NULL


def exchanged_stream(leaf):
    """Return the stream on which the library of an array works now, as a number; None where its type does not offer C functions."""
    cdef const Exchange *exchange = exchange_of(type(leaf))
    cdef Tensor found
    cdef void *stream = NULL
    if exchange == NULL:
        return None
    exchange.describe(<void *> leaf, &found)
    exchange.current_stream(found.device_type, found.device_id, &stream)
    return <size_t> stream


cdef bint has_gaps(const Tensor *found) noexcept:
    """Say whether elements do not lie side by side in C order; the stride of an axis of one element means nothing."""
    cdef int64_t expected = 1
    cdef int32_t axis
    if found.strides == NULL:  # as producers of version 1.1 and before may leave it
        return False
    for axis in range(found.ndim - 1, -1, -1):
        if found.shape[axis] > 1 and found.strides[axis] != expected:
            return True
        expected *= found.shape[axis]
    return False
