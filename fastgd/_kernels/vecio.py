"""What the CUDA kernels do to memory: the one file that knows the compiler behind them. `vecio_twins` has each primitive for the simulator.

Every function takes an address in bytes, an int64, never an array: so one kernel walks a table of pointers, and bfloat16, for which arrays
have no type, needs nothing special. A vector of 16 bytes (8 bytes of float16 or bfloat16) is one instruction; numba-cuda has none for it,
so each primitive is written in LLVM's intermediate language. Values are of the computing dtype: float16 and bfloat16 become
float32 as they are loaded, and are rounded to nearest even as they are stored.

``mul_f32`` and ``mul_f64`` are products that are rounded by themselves: the compiler would fuse ``a * b + c`` into one rounding, and a
step on the GPU would have other bits than the same step on the processor.

State arrays of one byte an element are loaded as a word, of which `byte_i8` and `byte_u8` take an integer as float32, and stored rounded to
the nearest integer; a number between 2**23 and 2**24 has an integer in its last bits, so that no slow conversion is needed. `root_i8`,
`power_i8` and so on are the roots and powers of `codecs`. `coarse` rounds to what bfloat16 holds, by a given threshold; `larger` is the one
of two numbers, a NaN never; `warp_max` is the largest value among the threads of a warp (in the simulator, of a block). `atomic_max_f32`
and `atomic_max_f64` raise a number in memory that is not negative to one at least as large: such numbers are in the order of their bits,
which are compared as integers, and a maximum is the same in any order.

With ``NUMBA_ENABLE_CUDASIM=1`` the same names are those of `vecio_twins`, plain Python on host memory, so that the kernels run, slowly,
without a GPU.
"""

import functools
import os
from typing import Any

from fastgd._kernels import codecs

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM", "0") == "1"

LANES = {"f32": 4, "f64": 2, "f16": 4, "bf16": 4}
"""How many elements one vector access moves."""
SIZES = {"f32": 4, "f64": 8, "f16": 2, "bf16": 2, "i8": 1, "u8": 1}
BYTES = {"i8": 0x80808080, "u8": 0}
"""The kinds of one byte, and what makes four of them unsigned."""
FORMATS = {"i8": "int8", "u8": "uint8"}
"""What `codecs` calls them."""
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

    def known(builder, name, *values):
        """Return what a function of the compiler's own gives: of the type of its second argument."""
        form = ir.FunctionType(values[1].type, [value.type for value in values])
        return builder.call(builder.module.globals.get(name) or ir.Function(builder.module, form, name), values)

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

    def load_bytes(count):
        word = ir.IntType(8 * count)

        def function(context, address):
            def generate(context, builder, signature, arguments):
                found = builder.load(place(builder, arguments[0], word))
                found.align = count
                return found if count == 4 else builder.zext(found, i32)

            return types.int32(types.int64), generate

        return function

    def byte(kind):
        def function(context, word, number):
            def generate(context, builder, signature, arguments):
                unsigned = builder.xor(arguments[0], ir.Constant(i32, BYTES[kind]))
                choice = builder.add(builder.trunc(arguments[1], i32), ir.Constant(i32, 0x7540))
                value = known(builder, "llvm.nvvm.prmt", unsigned, ir.Constant(i32, 0x4B000000), choice)  # 2**23 + byte
                return builder.fsub(
                    builder.bitcast(value, f32), ir.Constant(f32, 2.0**23 + (128 if BYTES[kind] else 0))
                )

            return types.float32(types.int32, types.int64), generate

        return function

    def stored_bytes(given):
        def generate(context, builder, signature, arguments):
            words = []  # with the byte lowest
            for x, t in zip(arguments[1:], signature.args[1:], strict=True):
                moved = builder.fadd(context.cast(builder, x, t, types.float32), ir.Constant(f32, ROUNDING))
                words.append(builder.bitcast(moved, i32))
            while len(words) > 1:  # 4, then 2 with two bytes each
                choice = ir.Constant(i32, 0x0040 if len(words) == 4 else 0x5410)
                words = [
                    known(builder, "llvm.nvvm.prmt", a, b, choice) for a, b in zip(words[::2], words[1::2], strict=True)
                ]
            memory = ir.IntType(8 * len(given))
            word = words[0] if len(given) == 4 else builder.trunc(words[0], memory)
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
            for distance in (16, 8, 4, 2, 1):
                whole = [ir.Constant(i32, -1), value, ir.Constant(i32, distance), ir.Constant(i32, 31)]
                value = known(builder, "llvm.maxnum.f32", value, known(builder, "llvm.nvvm.shfl.sync.bfly.f32", *whole))
            return value

        return types.float32(x), generate

    def of_format(kind):
        return [ir.Constant(i32, table[FORMATS[kind]]) for table in (codecs.SHIFT, codecs.OF_ZERO)]

    def root(kind):
        shift, of_zero = of_format(kind)

        def function(context, x):
            def generate(context, builder, signature, arguments):
                value = context.cast(builder, arguments[0], signature.args[0], types.float32)
                moved = builder.add(builder.lshr(builder.bitcast(value, i32), shift), of_zero)
                return builder.fsub(builder.bitcast(moved, f32), of_zero.bitcast(f32))

            return types.float32(x), generate

        return function

    def power(kind):
        shift, of_zero = of_format(kind)

        def function(context, r):
            def generate(context, builder, signature, arguments):
                value = context.cast(builder, arguments[0], signature.args[0], types.float32)
                moved = builder.bitcast(builder.fadd(value, of_zero.bitcast(f32)), i32)
                return builder.bitcast(builder.shl(builder.sub(moved, of_zero), shift), f32)

            return types.float32(r), generate

        return function

    def larger(context, a, b):
        def generate(context, builder, signature, arguments):
            values = [
                context.cast(builder, x, t, types.float32) for x, t in zip(arguments, signature.args, strict=True)
            ]
            return known(builder, "llvm.maxnum.f32", *values)

        return types.float32(a, b), generate

    made: dict[str, Any] = {"mul_f32": product("f32"), "mul_f64": product("f64"), "atomic_add_i64": atomic_add_i64}
    made |= {"coarse": coarse, "larger": larger, "warp_max": warp_max}
    made |= {f"root_{kind}": root(kind) for kind in BYTES} | {f"power_{kind}": power(kind) for kind in BYTES}
    made |= {f"atomic_max_{kind}": atomic_max(kind) for kind in ("f32", "f64")}
    made |= {"st_byte": lambda context, address, a: stored_bytes((a,))}
    made |= {"st_bytex4": lambda context, address, a, b, c, d: stored_bytes((a, b, c, d))}
    made |= {"ld_byte": load_bytes(1), "ld_bytex4": load_bytes(4)} | {f"byte_{kind}": byte(kind) for kind in BYTES}
    for kind, count in [*((kind, 1) for kind in stored), *LANES.items(), ("i64", 2)]:
        suffix = kind if count == 1 else f"{kind}x{count}"
        made |= {f"ld_{suffix}": load(kind, count), f"st_{suffix}": store(kind, count)}
    for name, function in made.items():
        function.__name__ = name
    return {name: intrinsic(function) for name, function in made.items()}


@functools.cache
def primitives() -> dict[str, Any]:
    """Return all primitives by name, for the namespace of a kernel."""
    if not SIMULATED:
        return _compiled()
    from fastgd._kernels import vecio_twins

    return vecio_twins.primitives()
