"""Where `bench.gpu` runs: a GPU through torch, or Numba's simulator, with one interface for arrays, times and graphs."""

import gc
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

LARGEST_COPY = 4 << 30  # bytes; what a larger copy takes is scaled


class Sample(NamedTuple):
    """Seconds of one step: on the device, of the host's call, and from the call of a single step to its end on the device."""

    device: float
    host: float
    call: float


class Simulated:
    """Arrays in host memory behind the CUDA array interface, for the simulator."""

    torch = None

    class Array:
        def __init__(self, host):
            self.host = host

        @property
        def __cuda_array_interface__(self):
            data = (self.host.ctypes.data, False)
            return {"shape": self.host.shape, "typestr": self.host.dtype.str, "data": data, "version": 3}

    def put(self, values, shift=0):
        room = np.zeros(values.size + shift, values.dtype)
        room[shift:] = values
        return self.Array(room[shift:])

    def get(self, array):
        return array.host.copy()

    def set(self, array, values):
        array.host[...] = values

    def random(self, n, size, zeros=0.0):
        """Return an array of random numbers, a part of them 0."""
        rng = np.random.default_rng(n)
        return self.put((size * rng.standard_normal(n) * (rng.random(n) >= zeros)).astype(np.float32))

    def free(self):
        """Return how many bytes are free."""
        return 1 << 60

    def clean(self):
        """Give back what nobody uses."""

    def graphed(self, step: Callable[[], object]) -> Callable[[], object]:
        """Return what replays a graph of one step; here the step itself."""
        return step

    def copy(self, n_bytes: int) -> tuple[Callable[[], object], float]:
        """Return what copies so many bytes on the device, and by what to multiply its seconds."""
        source, target = (np.zeros(n_bytes, np.uint8) for _ in range(2))
        return lambda: np.copyto(target, source), 1.0

    def timed(self, step: Callable[[], object], count: int) -> Sample:
        """Return what one step takes."""
        begun = time.perf_counter()
        for _ in range(count + 1):
            step()
        each = (time.perf_counter() - begun) / (count + 1)
        return Sample(each, each, each)


class Torch:
    """Tensors on the GPU."""

    def __init__(self):
        import torch

        if not torch.cuda.is_available():
            sys.exit("there is no NVIDIA GPU that torch can use; --sim runs the checks in Numba's simulator")
        self.torch = torch

    def put(self, values, shift=0):
        room = self.torch.zeros(values.size + shift, dtype=getattr(self.torch, values.dtype.name), device="cuda")
        self.set(room[shift:], values)
        return room[shift:]

    def get(self, array):
        if array.dtype == self.torch.bfloat16:
            from ml_dtypes import bfloat16

            return array.view(self.torch.int16).cpu().numpy().view(bfloat16)
        return array.cpu().numpy()

    def set(self, array, values):
        if values.dtype.name == "bfloat16":
            array.view(self.torch.int16).copy_(self.torch.from_numpy(values.view(np.int16)))
        else:
            array.copy_(self.torch.from_numpy(values))

    def random(self, n, size, zeros=0.0):
        found = self.torch.randn(n, device="cuda").mul_(size)
        if zeros:
            found.mul_(self.torch.rand(n, device="cuda") >= zeros)
        return found

    def free(self):
        return self.torch.cuda.mem_get_info()[0]

    def clean(self):
        from numba import cuda

        self.torch.cuda.synchronize()
        gc.collect()
        self.torch.cuda.empty_cache()
        context = cuda.current_context()  # numba-cuda keeps what is to be freed, up to a fifth of the memory
        context.memory_manager.deallocations.clear()

    def graphed(self, step):
        torch = self.torch
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        self.clean()  # memory that were freed while steps are captured would end the capture
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        return graph.replay

    def copy(self, n_bytes):
        moved = min(n_bytes, LARGEST_COPY)
        source = self.torch.empty(moved, dtype=self.torch.uint8, device="cuda").random_()
        target = self.torch.empty_like(source)
        return lambda: target.copy_(source), n_bytes / moved

    def timed(self, step, count):
        cuda = self.torch.cuda
        start, end = (cuda.Event(enable_timing=True) for _ in range(2))
        cuda.synchronize()
        begun = time.perf_counter()
        step()
        cuda.synchronize()
        call = time.perf_counter() - begun
        start.record()
        begun = time.perf_counter()
        for _ in range(count):
            step()
        host = (time.perf_counter() - begun) / count
        end.record()
        cuda.synchronize()
        return Sample(start.elapsed_time(end) / 1e3 / count, host, call)
