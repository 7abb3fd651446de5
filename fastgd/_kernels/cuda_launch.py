"""Launches the compiled kernels: by one call of the driver, or as numba-cuda does it.

numba-cuda looks at the type of each argument at each launch and makes an object of it, which takes several times as long as what the driver
does. All our kernels take int64, so that there is nothing to look at. Private attributes of numba-cuda lead to the loaded kernel; where
they are not what they were in the version that this was written for, numba-cuda launches.
"""

import functools
import importlib.metadata
from typing import Any

from fastgd._kernels import cuda, cuda_memory
from fastgd._kernels._cuda_launch import launch, launch_all, set_all
from fastgd._kernels.cuda_source import KernelText
from fastgd._kernels.vecio import SIMULATED

VERSION = "0.30."  # of numba-cuda, as pyproject.toml pins it

Launch = tuple["Kernel", int, int, tuple[int, ...]]
"""A kernel, for how many pieces of work, the stream, and the arguments."""


class Kernel:
    """A kernel on the current device; ``kernel(n, stream, *arguments)`` launches a block for each of `n` pieces of work, one wave at most.

    Parameters
    ----------
    dispatcher : object
        What numba-cuda or its simulator made of the kernel.
    n_threads : int
        Threads of a block.

    Attributes
    ----------
    wave : int
        How many blocks the device holds at a time; a second wave may be nearly empty.
    direct : tuple of int or None
        The addresses of the driver's `cuLaunchKernel` and of the kernel; None where numba-cuda, or its simulator, launches.
    """

    def __init__(self, dispatcher: Any, n_threads: int):
        self.dispatcher, self.n_threads = dispatcher, n_threads
        self.wave = 2 if SIMULATED else _resident_blocks(dispatcher, n_threads)
        self.direct = _addresses(dispatcher)

    def __call__(self, n: int, stream: int, *arguments: int) -> None:
        n_blocks = min(n, self.wave)
        if self.direct:
            result = launch(*self.direct, n_blocks, self.n_threads, stream, arguments)
            if result == 0:
                return
            if result != cuda_memory.INVALID_CONTEXT:
                cuda_memory.check(result, f"launching {self.dispatcher.__name__}")
        if SIMULATED:
            self.dispatcher[n_blocks, self.n_threads](*arguments)
        else:  # which also makes the device this thread's
            self.dispatcher[n_blocks, self.n_threads, cuda.module().external_stream(stream)](*arguments)


def run(launches: list[Launch], after: list[tuple[Any, str, Any]]) -> None:
    """Launch kernels one after the other, and then set attributes, (owner, name, value), without a signal being handled between.

    So an interrupt finds either all done or nothing: save where numba-cuda, or its simulator, launches.
    """
    if not all(kernel.direct for kernel, *_ in launches):
        for kernel, n, stream, arguments in launches:
            kernel(n, stream, *arguments)
        set_all(after)
        return
    ready = [(kernel, min(n, kernel.wave), stream, arguments) for kernel, n, stream, arguments in launches]
    done, result = launch_all(ready, after)
    if result == cuda_memory.INVALID_CONTEXT and not done:
        cuda_memory.current_device()  # which makes the device this thread's
        done, result = launch_all(ready, after)
    if result:
        half = "; the arrays of some dtypes were updated, others were not: go back to a checkpoint" if done else ""
        cuda_memory.check(result, f"launching {launches[done][0].dispatcher.__name__}", half)


def kernel(text: KernelText) -> Kernel:
    """Return the kernel of a text, compiled and loaded on the current device."""
    return _kernel(text, cuda.BLOCK, cuda_memory.current_device())


@functools.cache
def _kernel(text: KernelText, n_threads: int, device: int) -> Kernel:
    return Kernel(cuda.kernel(text), n_threads)


def begin() -> Kernel:
    """Return the kernel that begins a step without a norm, on the current device."""
    return _begin(cuda_memory.current_device())


@functools.cache
def _begin(device: int) -> Kernel:
    return Kernel(cuda.begin(), 1)


def _resident_blocks(dispatcher: Any, n_threads: int) -> int:
    """Return how many blocks of a kernel the device holds at a time: by their registers, of which a processor has 65536."""
    found = dispatcher.get_regs_per_thread()
    registers = max(found.values()) if isinstance(found, dict) else found
    per_processor = max(1, min(8, 65536 // (n_threads * -(-registers // 8) * 8)))
    return per_processor * cuda.module().get_current_device().MULTIPROCESSOR_COUNT


def _addresses(dispatcher: Any) -> tuple[int, int] | None:
    """Return the addresses of `cuLaunchKernel` and of the kernel on the current device; None where numba-cuda must launch it."""
    if SIMULATED or not importlib.metadata.version("numba-cuda").startswith(VERSION):
        return None
    try:
        (compiled,) = dispatcher.overloads.values()
        if compiled.debug:  # such a kernel reports errors through memory that numba-cuda reads after each launch
            return None
        return _entry(), int(compiled._codelibrary.get_cufunc().handle)
    except (AttributeError, TypeError, ValueError):
        return None


@functools.cache
def _entry() -> int:
    """Return the address of `cuLaunchKernel`, for which stream 0 is the default one that all threads share."""
    driver = cuda_memory.driver()
    flag = driver.CUdriverProcAddress_flags.CU_GET_PROC_ADDRESS_LEGACY_STREAM
    result, entry, *_ = driver.cuGetProcAddress(b"cuLaunchKernel", 4000, int(flag))  # as it is since CUDA 4.0
    cuda_memory.check(result, "looking for cuLaunchKernel")
    return int(entry)
