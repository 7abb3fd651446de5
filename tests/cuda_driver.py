"""A driver for tests: a function with the signature of `cuLaunchKernel` that notes what it was called with."""

import ctypes
import enum
import types

u32, address = ctypes.c_uint, ctypes.c_void_p
SIGNATURE = ctypes.CFUNCTYPE(
    ctypes.c_int, address, u32, u32, u32, u32, u32, u32, u32, address, ctypes.POINTER(address), address
)


class CUresult(enum.IntEnum):
    CUDA_SUCCESS = 0
    CUDA_ERROR_INVALID_VALUE = 1
    CUDA_ERROR_INVALID_CONTEXT = 201


class Launch(types.SimpleNamespace):
    """What the driver was asked for: function, grid, block, shared, stream, extra, and the bytes of the arguments."""

    def values(self):
        return [int.from_bytes(each, "little", signed=True) for each in self.arguments]


class Driver:
    """Answers `cuLaunchKernel` with `result`; `counts` says how many arguments each kernel has, by its handle."""

    def __init__(self, counts):
        self.counts, self.launches, self.result, self.meanwhile = counts, [], 0, None
        self.function = SIGNATURE(self._launch)
        self.entry = ctypes.cast(self.function, address).value

    def _launch(self, function, gx, gy, gz, bx, by, bz, shared, stream, arguments, extra):
        read = [ctypes.string_at(arguments[k], 8) for k in range(self.counts[function])]
        launch = Launch(
            function=function, grid=(gx, gy, gz), block=(bx, by, bz), shared=shared, stream=stream or 0, extra=extra, arguments=read
        )  # fmt: skip
        self.launches.append(launch)
        if self.meanwhile is not None:
            self.meanwhile(launch)
        return self.result

    def bindings(self):
        """Return what stands for `cuda.bindings.driver`."""

        def look_up(name, version, flags):
            assert (name, version, flags) == (b"cuLaunchKernel", 4000, 1)
            return CUresult(0), self.entry, 0

        flags = types.SimpleNamespace(CU_GET_PROC_ADDRESS_LEGACY_STREAM=1)
        return types.SimpleNamespace(CUresult=CUresult, CUdriverProcAddress_flags=flags, cuGetProcAddress=look_up)
