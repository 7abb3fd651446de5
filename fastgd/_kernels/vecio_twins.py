"""The primitives of `vecio` for the simulator: plain Python functions on host memory, at the addresses that the kernels are given."""

import ctypes
import sys
import threading
from typing import Any

import numpy as np

from fastgd._kernels import codecs
from fastgd._kernels.vecio import BYTES, FORMATS, LANES, ROUNDING, SIZES


def primitives() -> dict[str, Any]:
    """Return the primitives as Python functions on host memory."""
    lock = threading.Lock()
    _lock_shared_memory(lock)
    memory = {
        "f32": ctypes.c_float, "f64": ctypes.c_double, "f16": ctypes.c_uint16, "bf16": ctypes.c_uint16, "i64": ctypes.c_int64,
    }  # fmt: skip

    def widened(kind, value):
        if kind == "f16":
            return np.float32(np.uint16(value).view(np.float16))
        if kind == "bf16":
            return np.uint32(value << 16).view(np.float32)
        return {"f32": np.float32, "f64": np.float64, "i64": int}[kind](value)

    def narrowed(kind, value):
        if kind == "f16":
            with np.errstate(over="ignore", invalid="ignore"):
                return int(np.float32(value).astype(np.float16).view(np.uint16))
        if kind == "bf16":
            bits = int(np.float32(value).view(np.uint32))
            is_nan = (bits & 0x7FFFFFFF) > 0x7F800000
            return (bits >> 16) | 0x40 if is_nan else ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16) & 0xFFFF
        return int(value) if kind == "i64" else float(value)

    def load(kind, count):
        if count == 1:
            return lambda address: widened(kind, memory[kind].from_address(int(address)).value)
        return lambda address: tuple(
            widened(kind, x) for x in (memory[kind] * count).from_address(_aligned(address, kind, count))
        )

    def store(kind, count):
        def function(address, *values):
            place = _aligned(address, kind, count)
            (memory[kind] * count).from_address(place)[:] = [narrowed(kind, x) for x in values]

        return function

    def atomic_add_i64(address, value):
        with lock:
            place = ctypes.c_int64.from_address(int(address))
            before = place.value
            place.value = before + value
        return before

    def atomic_max(kind):
        def function(address, value):
            with lock:
                place = memory[kind].from_address(int(address))
                place.value = place.value if place.value > value else float(abs(value))

        return function

    def load_bytes(count):
        return lambda address: bytes((ctypes.c_uint8 * count).from_address(_aligned(address, "u8", count)))

    def byte(kind):
        dtype = {"i8": np.int8, "u8": np.uint8}[kind]
        return lambda word, number: np.float32(np.frombuffer(word, dtype)[number])

    def store_bytes(address, *values):
        place = _aligned(address, "u8", len(values))
        moved = np.array(values, np.float32) + np.float32(ROUNDING)
        (ctypes.c_uint8 * len(values)).from_address(place)[:] = (moved.view(np.uint32) & 0xFF).tolist()

    def root(kind):
        shift, of_zero = codecs.SHIFT[FORMATS[kind]], np.uint32(codecs.OF_ZERO[FORMATS[kind]])

        def function(x):
            return ((np.float32(x).view(np.uint32) >> shift) + of_zero).view(np.float32) - of_zero.view(np.float32)

        return function

    def power(kind):
        shift, of_zero = codecs.SHIFT[FORMATS[kind]], np.uint32(codecs.OF_ZERO[FORMATS[kind]])

        def function(r):
            return (((r + of_zero.view(np.float32)).view(np.uint32) - of_zero) << shift).view(np.float32)

        return function

    def coarse(x, dither):
        bits, offset = (
            int(np.float32(x).view(np.uint32)),
            int((np.float32(dither) + np.float32(0.5)) * np.float32(65536)),
        )
        is_nan = (bits & 0x7FFFFFFF) > 0x7F800000
        return np.uint32(bits if is_nan else (bits + offset) & 0xFFFF0000).view(np.float32)

    def warp_max(x):
        thread = threading.current_thread()  # the simulator's
        values = vars(thread._manager).setdefault("_fastgd_values", {})
        values[thread.threadIdx.x] = x
        thread.syncthreads()
        found = max(values.values())
        thread.syncthreads()
        return found

    made: dict[str, Any] = {"mul_f32": _product, "mul_f64": _product, "atomic_add_i64": atomic_add_i64}
    made |= {"coarse": coarse, "larger": np.fmax, "warp_max": warp_max}
    made |= {"st_byte": store_bytes, "st_bytex4": store_bytes}
    made |= {f"root_{kind}": root(kind) for kind in BYTES} | {f"power_{kind}": power(kind) for kind in BYTES}
    made |= {f"atomic_max_{kind}": atomic_max(kind) for kind in ("f32", "f64")}
    made |= {"ld_byte": load_bytes(1), "ld_bytex4": load_bytes(4)} | {f"byte_{kind}": byte(kind) for kind in BYTES}
    for kind, count in [*((kind, 1) for kind in memory), *LANES.items(), ("i64", 2)]:
        suffix = kind if count == 1 else f"{kind}x{count}"
        made |= {f"ld_{suffix}": load(kind, count), f"st_{suffix}": store(kind, count)}
    return made


def _lock_shared_memory(lock: Any) -> None:
    """Let the simulator's threads, which ask for shared memory at the same time, all get the same: its own search is not locked."""
    from numba.cuda.simulator.kernelapi import FakeCUDAShared

    def array(self, shape, dtype):
        frame = sys._getframe(1)
        with lock:
            return self._allocations.setdefault((frame.f_code.co_filename, frame.f_lineno), np.empty(shape, dtype))

    setattr(FakeCUDAShared, "array", array)  # noqa: B010


def _product(a: Any, b: Any) -> Any:
    return a * b


def _aligned(address: int, kind: str, count: int) -> int:
    """Return the address, at which a GPU would refuse a vector that is not aligned to its size."""
    width = SIZES.get(kind, 8) * count
    if address % width:
        raise RuntimeError(f"a {kind}x{count} access at {address:#x}, which is no multiple of {width}")
    return int(address)
