# DLPack's exchange of C functions, of dlpack.h 1.3: what a type of arrays says of each of them without making an object.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef struct Tensor:  # DLTensor of dlpack.h
    char *data
    int32_t device_type
    int32_t device_id
    int32_t ndim
    uint8_t code
    uint8_t bits
    uint16_t lanes
    int64_t *shape
    int64_t *strides
    uint64_t offset

cdef struct Exchange:  # DLPackExchangeAPI of dlpack.h, version 1
    uint32_t major
    uint32_t minor
    void *previous
    void *new_tensor
    void *export_tensor
    void *import_tensor
    int (*describe)(void *leaf, Tensor *found) except -1
    int (*current_stream)(int32_t device_type, int32_t device_id, void **stream) except -1


cdef const Exchange *exchange_of(object kind) except *
cdef bint has_gaps(const Tensor *found) noexcept
