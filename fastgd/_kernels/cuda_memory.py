"""Memory on the device: allocated, filled and read back; in the simulator it is the host's."""

import ctypes
import functools
from typing import Any

import numpy as np

from fastgd._kernels import cuda
from fastgd._kernels.vecio import SIMULATED

ALIGNMENT = 256
SLAB = 1 << 21  # small arrays are cut from slabs of this size, because an allocation costs as much as a step


@functools.cache
def driver() -> Any:
    """Return the driver's functions, `cuda.bindings.driver`."""
    from cuda.bindings import driver

    return driver


def check(result: int, doing: str) -> None:
    """Raise where the driver's answer, a CUresult, is not 0, and name it as the driver does."""
    if int(result):
        try:
            name = driver().CUresult(int(result)).name
        except ValueError:  # of a newer driver
            name = f"error {int(result)}"
        raise RuntimeError(f"CUDA failed in {doing}: {name}")


class Memory:
    """Bytes on the current device, freed with the object."""

    def __init__(self, n_bytes: int):
        self.n_bytes = max(n_bytes, ALIGNMENT)
        if SIMULATED:
            self._owner: Any = np.zeros(self.n_bytes + ALIGNMENT, np.uint8)
            self.address = -(-self._owner.ctypes.data // ALIGNMENT) * ALIGNMENT
            return
        try:
            self._owner = cuda.module().device_array(self.n_bytes, np.uint8)
        except Exception as error:
            if "OUT_OF_MEMORY" in str(error):
                raise MemoryError(f"the GPU has no {self.n_bytes} bytes left; nothing was changed") from error
            raise
        self.address = self._owner.__cuda_array_interface__["data"][0]


_slab: tuple[Memory, int, int] | None = None  # the slab, how much of it is taken, the device it is on


def allocate(n_bytes: int) -> tuple[Any, int]:
    """Return the owner and the address of aligned memory; a slab lives as long as anything that was cut from it."""
    global _slab
    if n_bytes > SLAB // 4:
        memory = Memory(n_bytes)
        return memory, memory.address
    device = current_device()
    if _slab is None or _slab[2] != device or _slab[1] + n_bytes > SLAB:
        _slab = Memory(SLAB), 0, device
    memory, taken, _ = _slab
    _slab = memory, taken + -(-max(n_bytes, 1) // ALIGNMENT) * ALIGNMENT, device
    return memory, memory.address + taken


def current_device() -> int:
    """Return the number of the device that allocations and launches go to."""
    return 0 if SIMULATED else cuda.module().get_current_device().id


def device_of(address: int) -> int | None:
    """Return the number of the device that memory belongs to, None where it is not a device's."""
    if SIMULATED:
        return 0
    current_device()  # which gives this thread the context that the driver wants
    kinds, look = driver().CUpointer_attribute, driver().cuPointerGetAttribute
    error, kind = look(kinds.CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address)
    if int(error) or int(kind) != int(driver().CUmemorytype.CU_MEMORYTYPE_DEVICE):
        return None
    error, ordinal = look(kinds.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, address)
    return None if int(error) else int(ordinal)


def upload(address: int, values: np.ndarray, stream: int = 0) -> None:
    """Copy a C-contiguous array to the device; `values` may be changed as soon as this returns."""
    if values.nbytes == 0:
        return
    if SIMULATED:
        ctypes.memmove(address, values.ctypes.data, values.nbytes)
        return
    check(driver().cuMemcpyHtoDAsync(address, values.ctypes.data, values.nbytes, stream)[0], "copying to the GPU")


def download(address: int, values: np.ndarray, stream: int = 0) -> None:
    """Fill a C-contiguous array from the device, after all that `stream` was asked for is done."""
    if SIMULATED:
        ctypes.memmove(values.ctypes.data, address, values.nbytes)
        return
    if values.nbytes:
        check(driver().cuMemcpyDtoHAsync(values.ctypes.data, address, values.nbytes, stream)[0], "copying from the GPU")
    synchronize(stream)


def copy(address: int, source: int, n_bytes: int, stream: int = 0) -> None:
    """Copy from one place on the device to another."""
    if SIMULATED:
        ctypes.memmove(address, source, n_bytes)
        return
    if n_bytes:
        check(driver().cuMemcpyDtoDAsync(address, source, n_bytes, stream)[0], "copying on the GPU")


def clear(address: int, n_bytes: int, stream: int = 0) -> None:
    """Set memory to 0."""
    if SIMULATED:
        ctypes.memset(address, 0, n_bytes)
        return
    if n_bytes:
        check(driver().cuMemsetD8Async(address, 0, n_bytes, stream)[0], "clearing memory")


def synchronize(stream: int = 0) -> None:
    """Wait for all that a stream was asked for; errors of kernels come out here."""
    if not SIMULATED:
        check(driver().cuStreamSynchronize(stream)[0], "a kernel or copy before this point")


def wait() -> None:
    """Wait for all that the device was asked for, on any stream: for copies that no stream's order protects."""
    if not SIMULATED:
        check(driver().cuCtxSynchronize()[0], "a kernel or copy before this point")
