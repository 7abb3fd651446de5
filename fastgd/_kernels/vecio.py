"""What the CUDA kernels do to memory: the one file that knows the compiler behind them, with a twin of each primitive for the simulator.

Every function takes an address in bytes, an int64, never an array: so one kernel walks a table of pointers, and bfloat16, for which arrays
have no type, needs nothing special. A vector of 16 bytes (8 bytes of float16 or bfloat16) is one instruction; numba-cuda has none for it,
so each primitive is written in LLVM's intermediate language. Values are of the computing dtype: float16 and bfloat16 become
float32 as they are loaded, and are rounded to nearest even as they are stored.

``mul_f32`` and ``mul_f64`` are products that are rounded by themselves: the compiler would fuse ``a * b + c`` into one rounding, and a
step on the GPU would have other bits than the same step on the processor.

State arrays of one byte an element are loaded as the integers' float32 values, and stored rounded to the nearest integer; a number
between 2**23 and 2**24 has an integer in its last bits, so that no slow conversion is needed. `coarse` rounds to what bfloat16 holds, by
a given threshold; `warp_max` is the largest value among the threads of a warp (in the simulator, of a block). `atomic_max_f32` and
`atomic_max_f64` raise a number in memory that is not negative to one at least as large: such numbers are in the order of their bits, which
are compared as integers, and a maximum is the same in any order.

With ``NUMBA_ENABLE_CUDASIM=1`` the same names are plain Python on host memory, so that the kernels run, slowly, without a GPU.
"""

import functools
import os
from typing import Any

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM", "0") == "1"

LANES = {"f32": 4, "f64": 2, "f16": 4, "bf16": 4}
"""How many elements one vector access moves."""
SIZES = {"f32": 4, "f64": 8, "f16": 2, "bf16": 2, "i8": 1, "u8": 1}
BYTES = {"i8": 0x80808080, "u8": 0}
"""The kinds of one byte, and what makes four of them unsigned."""
ROUNDING = 1.5 * 2**23  # added to a small number, it leaves the nearest integer, ties to even, in the last bits


def _compiled() -> dict[str, Any]:
    """Return the primitives as intrinsics of numba-cuda."""
    from llvmlite import ir
    from numba import cuda
    from numba.cuda.extending import intrinsic

    types: Any = cuda.types
    i16, i32, i64, f32, f64 = ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType(), ir.DoubleType()
    stored = {"f32": f32, "f64": f64, "f16": ir.HalfType(), "bf16": i16, "i64": i64}
    seen = {"f32": types.float32, "f64": types.float64, "f16": types.float32, "bf16": types.float32, "i64": types.int64}
    widths = {"f32": 4, "f64": 8, "f16": 2, "bf16": 2, "i64": 8}

    def widened(builder, kind, value):
        if kind == "f16":
            return builder.fpext(value, f32)
        if kind == "bf16":
            return builder.bitcast(builder.shl(builder.zext(value, i32), ir.Constant(i32, 16)), f32)
        return value

    def narrowed(builder, kind, value):
        if kind == "f16":
            return builder.fptrunc(value, ir.HalfType())
        if kind != "bf16":
            return value
        bits = builder.bitcast(value, i32)
        high = builder.lshr(bits, ir.Constant(i32, 16))
        odd = builder.and_(high, ir.Constant(i32, 1))
        rounded = builder.lshr(builder.add(builder.add(bits, ir.Constant(i32, 0x7FFF)), odd), ir.Constant(i32, 16))
        size = builder.and_(bits, ir.Constant(i32, 0x7FFFFFFF))
        is_nan = builder.icmp_unsigned(">", size, ir.Constant(i32, 0x7F800000))
        quiet = builder.or_(high, ir.Constant(i32, 0x40))
        return builder.trunc(builder.select(is_nan, quiet, rounded), i16)

    def place(builder, address, memory):
        return builder.inttoptr(address, ir.PointerType(memory, addrspace=1))  # 1: global memory

    def load(kind, count):
        def function(context, address):
            def generate(context, builder, signature, arguments):
                if count == 1:
                    value = builder.load(place(builder, arguments[0], stored[kind]))
                    value.align = widths[kind]
                    return widened(builder, kind, value)
                vector = builder.load(place(builder, arguments[0], ir.VectorType(stored[kind], count)))
                vector.align = count * widths[kind]
                lanes = [builder.extract_element(vector, ir.Constant(i32, k)) for k in range(count)]
                return context.make_tuple(builder, signature.return_type, [widened(builder, kind, x) for x in lanes])

            returned = seen[kind] if count == 1 else types.UniTuple(seen[kind], count)
            return returned(types.int64), generate

        return function

    def stored_values(kind, given):
        def generate(context, builder, signature, arguments):
            pairs = zip(arguments[1:], signature.args[1:], strict=True)
            values = [narrowed(builder, kind, context.cast(builder, x, t, seen[kind])) for x, t in pairs]
            vector = ir.Constant(ir.VectorType(stored[kind], len(values)), ir.Undefined)
            for k, value in enumerate(values):
                vector = builder.insert_element(vector, value, ir.Constant(i32, k))
            whole, memory = (values[0], stored[kind]) if len(values) == 1 else (vector, vector.type)
            builder.store(whole, place(builder, arguments[0], memory)).align = len(values) * widths[kind]
            return context.get_dummy_value()

        return types.void(types.int64, *given), generate

    def store(kind, count):
        # An intrinsic has a fixed number of arguments.
        if count == 1:
            return lambda context, address, a: stored_values(kind, (a,))
        if count == 2:
            return lambda context, address, a, b: stored_values(kind, (a, b))
        return lambda context, address, a, b, c, d: stored_values(kind, (a, b, c, d))

    def product(kind):
        letter = {"f32": "f", "f64": "d"}[kind]

        def function(context, a, b):
            def generate(context, builder, signature, arguments):
                pairs = zip(arguments, signature.args, strict=True)
                values = [context.cast(builder, x, t, seen[kind]) for x, t in pairs]
                form = ir.FunctionType(stored[kind], [stored[kind]] * 2)
                text = f"mul.rn.{kind} $0, $1, $2;"
                return builder.call(ir.InlineAsm(form, text, f"={letter},{letter},{letter}"), values)

            return seen[kind](a, b), generate

        return function

    def atomic_add_i64(context, address, value):
        def generate(context, builder, signature, arguments):
            added = context.cast(builder, arguments[1], signature.args[1], types.int64)
            return builder.atomic_rmw("add", place(builder, arguments[0], i64), added, "monotonic")

        return types.int64(types.int64, value), generate

    def atomic_max(kind):
        whole = {"f32": i32, "f64": i64}[kind]

        def function(context, address, value):
            def generate(context, builder, signature, arguments):
                given = context.cast(builder, arguments[1], signature.args[1], seen[kind])
                sign = ir.Constant(whole, 1 << (whole.width - 1))
                bits = builder.and_(builder.bitcast(given, whole), builder.not_(sign))
                builder.atomic_rmw("umax", place(builder, arguments[0], whole), bits, "monotonic")
                return context.get_dummy_value()

            return types.void(types.int64, value), generate

        return function

    def load_bytes(kind, count):
        word = ir.IntType(8 * count)

        def function(context, address):
            def generate(context, builder, signature, arguments):
                found = builder.load(place(builder, arguments[0], word))
                found.align = count
                found = found if count == 4 else builder.zext(found, i32)
                flipped = builder.xor(found, ir.Constant(i32, BYTES[kind]))
                lanes = []
                for k in range(count):
                    byte = builder.and_(builder.lshr(flipped, ir.Constant(i32, 8 * k)), ir.Constant(i32, 0xFF))
                    value = builder.bitcast(builder.or_(byte, ir.Constant(i32, 0x4B000000)), f32)  # 2**23 + byte
                    lanes.append(builder.fsub(value, ir.Constant(f32, 2.0**23 + (128 if BYTES[kind] else 0))))
                return lanes[0] if count == 1 else context.make_tuple(builder, signature.return_type, lanes)

            returned = types.float32 if count == 1 else types.UniTuple(types.float32, count)
            return returned(types.int64), generate

        return function

    def stored_bytes(given):
        def generate(context, builder, signature, arguments):
            word = ir.Constant(i32, 0)
            for k, (x, t) in enumerate(zip(arguments[1:], signature.args[1:], strict=True)):
                moved = builder.fadd(context.cast(builder, x, t, types.float32), ir.Constant(f32, ROUNDING))
                byte = builder.and_(builder.bitcast(moved, i32), ir.Constant(i32, 0xFF))
                word = builder.or_(word, builder.shl(byte, ir.Constant(i32, 8 * k)))
            memory = ir.IntType(8 * len(given))
            word = word if len(given) == 4 else builder.trunc(word, memory)
            builder.store(word, place(builder, arguments[0], memory)).align = len(given)
            return context.get_dummy_value()

        return types.void(types.int64, *given), generate

    def coarse(context, x, dither):
        def generate(context, builder, signature, arguments):
            x, dither = (
                context.cast(builder, a, t, types.float32) for a, t in zip(arguments, signature.args, strict=True)
            )
            bits = builder.bitcast(x, i32)
            share = builder.fmul(builder.fadd(dither, ir.Constant(f32, 0.5)), ir.Constant(f32, 65536.0))
            cut = builder.and_(builder.add(bits, builder.fptosi(share, i32)), ir.Constant(i32, 0xFFFF0000))
            size = builder.and_(bits, ir.Constant(i32, 0x7FFFFFFF))
            is_nan = builder.icmp_unsigned(">", size, ir.Constant(i32, 0x7F800000))
            return builder.bitcast(builder.select(is_nan, bits, cut), f32)

        return types.float32(x, dither), generate

    def warp_max(context, x):
        def generate(context, builder, signature, arguments):
            value = context.cast(builder, arguments[0], signature.args[0], types.float32)
            name = "llvm.nvvm.shfl.sync.bfly.f32"
            form = ir.FunctionType(f32, [i32, f32, i32, i32])
            shuffle = builder.module.globals.get(name) or ir.Function(builder.module, form, name)
            for distance in (16, 8, 4, 2, 1):
                whole = [ir.Constant(i32, -1), value, ir.Constant(i32, distance), ir.Constant(i32, 31)]
                other = builder.call(shuffle, whole)
                value = builder.select(builder.fcmp_ordered(">", other, value), other, value)
            return value

        return types.float32(x), generate

    made: dict[str, Any] = {"mul_f32": product("f32"), "mul_f64": product("f64"), "atomic_add_i64": atomic_add_i64}
    made |= {"coarse": coarse, "warp_max": warp_max}
    made |= {f"atomic_max_{kind}": atomic_max(kind) for kind in ("f32", "f64")}
    made |= {"st_byte": lambda context, address, a: stored_bytes((a,))}
    made |= {"st_bytex4": lambda context, address, a, b, c, d: stored_bytes((a, b, c, d))}
    made |= {f"ld_{k}{'x4' if n > 1 else ''}": load_bytes(k, n) for k in BYTES for n in (1, 4)}
    for kind, count in [*((kind, 1) for kind in stored), *LANES.items(), ("i64", 2)]:
        suffix = kind if count == 1 else f"{kind}x{count}"
        made |= {f"ld_{suffix}": load(kind, count), f"st_{suffix}": store(kind, count)}
    for name, function in made.items():
        function.__name__ = name
    return {name: intrinsic(function) for name, function in made.items()}


def _simulated() -> dict[str, Any]:
    """Return the primitives as Python functions on host memory."""
    import ctypes
    import threading

    import numpy as np

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

    def load_bytes(kind, count):
        memory = {"i8": ctypes.c_int8, "u8": ctypes.c_uint8}[kind]
        if count == 1:
            return lambda address: np.float32(memory.from_address(int(address)).value)
        return lambda address: tuple(map(np.float32, (memory * 4).from_address(_aligned(address, kind, 4))))

    def store_bytes(address, *values):
        place = _aligned(address, "u8", len(values))
        moved = np.array(values, np.float32) + np.float32(ROUNDING)
        (ctypes.c_uint8 * len(values)).from_address(place)[:] = (moved.view(np.uint32) & 0xFF).tolist()

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
    made |= {"coarse": coarse, "warp_max": warp_max, "st_byte": store_bytes, "st_bytex4": store_bytes}
    made |= {f"atomic_max_{kind}": atomic_max(kind) for kind in ("f32", "f64")}
    made |= {f"ld_{k}{'x4' if n > 1 else ''}": load_bytes(k, n) for k in BYTES for n in (1, 4)}
    for kind, count in [*((kind, 1) for kind in memory), *LANES.items(), ("i64", 2)]:
        suffix = kind if count == 1 else f"{kind}x{count}"
        made |= {f"ld_{suffix}": load(kind, count), f"st_{suffix}": store(kind, count)}
    return made


def _lock_shared_memory(lock: Any) -> None:
    """Let the simulator's threads, which ask for shared memory at the same time, all get the same: its own search is not locked."""
    import sys

    import numpy as np
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


@functools.cache
def primitives() -> dict[str, Any]:
    """Return all primitives by name, for the namespace of a kernel."""
    return _simulated() if SIMULATED else _compiled()
