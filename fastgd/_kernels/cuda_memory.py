"""Memory on the device: allocated, filled and read back; in the simulator it is the host's."""

import contextlib
import ctypes
import functools
import threading
from typing import Any

import numpy as np

from fastgd._kernels import cuda
from fastgd._kernels.vecio import SIMULATED

ALIGNMENT = 256
SLAB = 1 << 21  # small arrays are cut from slabs of this size, because an allocation costs as much as a step
INVALID_CONTEXT = 201  # CUDA_ERROR_INVALID_CONTEXT: this thread has not used the device yet


@functools.cache
def driver() -> Any:
    """Return the driver's functions, `cuda.bindings.driver`."""
    from cuda.bindings import driver

    return driver


def check(result: int, doing: str, more: str = "") -> None:
    """Raise where the driver's answer, a CUresult, is not 0, and name it as the driver does."""
    if int(result):
        try:
            name = driver().CUresult(int(result)).name
        except ValueError:  # of a newer driver
            name = f"error {int(result)}"
        raise RuntimeError(f"CUDA failed in {doing}: {name}{more}")


def _ask(doing: str, function: str, *arguments: int) -> None:
    """Call a function of the driver; in a thread that has not used the device yet, make that its own first."""
    (result,) = getattr(driver(), function)(*arguments)
    if int(result) == INVALID_CONTEXT:
        cuda.module().get_current_device()
        (result,) = getattr(driver(), function)(*arguments)
    check(result, doing)


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

    def __del__(self) -> None:
        if not SIMULATED and hasattr(self, "_owner"):
            with contextlib.suppress(Exception):  # as where the interpreter ends
                current_device()  # the driver frees nothing in a thread that has not used the device
            del self._owner


_slab: tuple[Memory, int, int] | None = None  # the slab, how much of it is taken, the device it is on
_cutting = threading.Lock()


def allocate(n_bytes: int) -> tuple[Any, int]:
    """Return the owner and the address of aligned memory; a slab lives as long as anything that was cut from it."""
    global _slab
    if n_bytes > SLAB // 4:
        memory = Memory(n_bytes)
        return memory, memory.address
    device = current_device()
    with _cutting:  # no two threads get the same piece
        if _slab is None or _slab[2] != device or _slab[1] + n_bytes > SLAB:
            _slab = Memory(SLAB), 0, device
        memory, taken, _ = _slab
        _slab = memory, taken + -(-max(n_bytes, 1) // ALIGNMENT) * ALIGNMENT, device
    return memory, memory.address + taken


def current_device() -> int:
    """Return the number of the device that allocations and launches go to; a thread that has none gets the first."""
    if SIMULATED:
        return 0
    module = cuda.module()
    result, device = driver().cuCtxGetDevice()
    return int(module.get_current_device().id) if int(result) else int(device)


def home(address: int) -> Any:
    """Return the context, for a ``with`` block, in which the device that memory belongs to is the current one."""
    device = device_of(address) if address else None
    return contextlib.nullcontext() if device in (None, current_device()) else cuda.module().gpus[device]


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
    _ask("copying to the GPU", "cuMemcpyHtoDAsync", address, values.ctypes.data, values.nbytes, stream)


def download(address: int, values: np.ndarray, stream: int = 0) -> None:
    """Fill a C-contiguous array from the device, after all that `stream` was asked for is done."""
    if SIMULATED:
        ctypes.memmove(values.ctypes.data, address, values.nbytes)
        return
    if values.nbytes:
        _ask("copying from the GPU", "cuMemcpyDtoHAsync", values.ctypes.data, address, values.nbytes, stream)
    synchronize(stream)


def copy(address: int, source: int, n_bytes: int, stream: int = 0) -> None:
    """Copy from one place on the device to another."""
    if SIMULATED:
        ctypes.memmove(address, source, n_bytes)
        return
    if n_bytes:
        _ask("copying on the GPU", "cuMemcpyDtoDAsync", address, source, n_bytes, stream)


def clear(address: int, n_bytes: int, stream: int = 0) -> None:
    """Set memory to 0."""
    if SIMULATED:
        ctypes.memset(address, 0, n_bytes)
        return
    if n_bytes:
        _ask("clearing memory", "cuMemsetD8Async", address, 0, n_bytes, stream)


def synchronize(stream: int = 0) -> None:
    """Wait for all that a stream was asked for; errors of kernels come out here."""
    if not SIMULATED:
        _ask("a kernel or copy before this point", "cuStreamSynchronize", stream)


def wait() -> None:
    """Wait for all that the device was asked for, on any stream: for copies that no stream's order protects."""
    if not SIMULATED:
        _ask("a kernel or copy before this point", "cuCtxSynchronize")
