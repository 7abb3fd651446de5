"""What PTX's instructions compute, on arrays with an element for each thread."""

import ctypes
import functools

import numpy as np

VALUES = {"pred": np.dtype(bool), "f16": np.dtype(np.float16), "f32": np.dtype(np.float32), "f64": np.dtype(np.float64)}
VALUES |= {
    f"{letter}{bits}": np.dtype(f"{'i' if letter == 's' else 'u'}{bits // 8}")
    for letter in "bus"
    for bits in (8, 16, 32, 64)
}


def as_type(value, dtype):
    """Return a literal in a type; integers wrap, and registers without a type hold the bits of a floating-point literal."""
    if isinstance(value, np.floating):
        return (np.array([value]) if dtype.kind in "iu" else np.array([value], dtype)).view(dtype)[0]
    if dtype.kind in "iu":
        return np.array([value & (2 ** (8 * dtype.itemsize) - 1)], f"u{dtype.itemsize}").view(dtype)[0]
    return np.array([value], dtype)[0]


def arithmetic(parts, n, library):
    """Return the types of an instruction's operands and the function of them; `parts` are those of its name."""
    head, kind = parts[0], parts[-1]
    if "f16x2" in parts:
        assert parts == ["cvt", "rn", "f16x2", "f32"], parts
        return ["f32", "f32"], lambda a, b: np.stack([b, a], axis=1).astype(np.float16).view(np.uint32).reshape(-1)
    if head == "cvt":
        return [kind], _conversion(parts)
    if head == "setp":
        return _comparison(parts, n)
    if head in ("add", "sub") and kind == "f16" and "f32" in parts:
        wide = BOTH[head]
        return ["f16", "f32"], lambda a, b: wide(a.astype(np.float32), b)
    if head == "selp":
        return [kind, kind, "pred"], lambda a, b, p: np.where(p, a, b)
    if head in ("shl", "shr"):
        return [kind, "u32"], _shift(head, VALUES[kind])
    if head == "bfi":
        return [kind, kind, "u32", "u32"], _bfi
    if head == "prmt":
        return ["u32"] * 3, _permuted
    if head == "fma":
        return [kind] * 3, functools.partial(_fma, library)
    if head in ("mul", "mad"):
        return _multiplication(parts, kind)
    floating = kind.startswith("f")
    function = (FLOATS if floating else INTEGERS).get(head) or BOTH[head]
    return [kind] * n, function


def _fma(library, a, b, c):
    a, b, c = (np.ascontiguousarray(x) for x in (a, b, c))
    out = np.empty_like(a)
    function = library.stand_in_fma32 if a.dtype == np.float32 else library.stand_in_fma64
    function(*(ctypes.c_void_p(x.ctypes.data) for x in (a, b, c, out)), ctypes.c_size_t(len(a)))
    return out


def _quotient(a, b):
    """Integers, towards zero."""
    if a.dtype.kind == "u":
        return a // b
    whole = np.abs(a) // np.abs(b)
    return np.where((a < 0) != (b < 0), -whole, whole)


BOTH = {
    "add": np.add, "sub": np.subtract, "neg": np.negative, "abs": np.abs, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "not": np.invert,
}  # fmt: skip
FLOATS = {
    "div": np.divide, "sqrt": np.sqrt, "min": np.fmin, "max": np.fmax, "rcp": lambda a: a.dtype.type(1) / a,
    "ex2": np.exp2, "lg2": np.log2, "copysign": lambda a, b: np.copysign(b, a), "rsqrt": lambda a: a.dtype.type(1) / np.sqrt(a),
    "cos": np.cos, "sin": np.sin,
}  # fmt: skip
INTEGERS = {"div": _quotient, "rem": lambda a, b: a - b * _quotient(a, b), "min": np.minimum, "max": np.maximum}


def _multiplication(parts, kind):
    head = parts[0]
    if kind.startswith("f"):
        return [kind] * 2, np.multiply
    if "wide" in parts:
        wide = kind[0] + str(2 * int(kind[1:]))
        to = VALUES[wide]
        if head == "mad":
            return [kind, kind, wide], lambda a, b, c: a.astype(to) * b.astype(to) + c
        return [kind] * 2, lambda a, b: a.astype(to) * b.astype(to)
    if "hi" in parts:
        assert kind.endswith("32"), parts
        to = VALUES[kind[0] + "64"]
        return [kind] * 2, lambda a, b: ((a.astype(to) * b.astype(to)) >> 32).astype(a.dtype)
    return ([kind] * 3, lambda a, b, c: a * b + c) if head == "mad" else ([kind] * 2, np.multiply)


def _shift(head, dtype):
    bits = 8 * dtype.itemsize

    def function(a, count):
        inside = np.minimum(count, bits - 1).astype(dtype)
        if head == "shl":
            return np.where(count >= bits, dtype.type(0), a << inside)
        beyond = a >> dtype.type(bits - 1) if dtype.kind == "i" else dtype.type(0)
        return np.where(count >= bits, beyond, a >> inside)

    return function


def _bfi(a, b, position, length):
    one = b.dtype.type(1)
    assert (position + length <= 8 * b.itemsize).all() and (length < 8 * b.itemsize).all()
    mask = (((one << length.astype(b.dtype)) - one) << position.astype(b.dtype)).astype(b.dtype)
    return (b & ~mask) | ((a << position.astype(b.dtype)) & mask)


def _permuted(a, b, selector):
    bytes_of = np.stack([np.ascontiguousarray(x).view(np.uint8).reshape(-1, 4) for x in (a, b)], axis=1).reshape(-1, 8)
    chosen = (selector[:, None] >> (4 * np.arange(4, dtype=np.uint32))) & 0xF
    assert (chosen < 8).all()
    return (
        np.ascontiguousarray(np.take_along_axis(bytes_of, chosen.astype(np.int64), axis=1)).view(np.uint32).reshape(-1)
    )


ORDERS = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
ORDERS |= {"lo": np.less, "ls": np.less_equal, "hi": np.greater, "hs": np.greater_equal}


def _comparison(parts, n):
    kind, name = parts[-1], parts[1]
    floating = kind.startswith("f")

    def compare(a, b):
        if not floating:
            return ORDERS[name](a, b)
        unordered = np.isnan(a) | np.isnan(b)
        if name in ("num", "nan"):
            return unordered == (name == "nan")
        if len(name) == 3:
            return unordered | ORDERS[name[:2]](a, b)
        return ~unordered & ORDERS[name](a, b)

    if n == 2:
        return [kind] * 2, compare
    join = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}[parts[2]]
    return [kind, kind, "pred"], lambda a, b, p: join(compare(a, b), p)


def _conversion(parts):
    to, of = VALUES[parts[-2]], VALUES[parts[-1]]
    rounding = next((p for p in parts[1:-2] if p in ("rn", "rz", "rm", "rp", "rni", "rzi", "rmi", "rpi")), None)
    whole = {"rni": np.rint, "rzi": np.trunc, "rmi": np.floor, "rpi": np.ceil}.get(rounding)
    assert whole or rounding in (None, "rn"), parts
    if of.kind == "f" and to.kind in "iu":
        least, most = np.iinfo(to).min, np.iinfo(to).max

        def integers(a):
            a = whole(a.astype(np.float64) if a.dtype == np.float16 else a)
            inside = (a > float(least)) & (a < float(most))
            found = np.where(inside, a, 0).astype(to)
            return np.where(
                np.isnan(a), to.type(0), np.where(inside, found, np.where(a <= float(least), least, most).astype(to))
            )

        return integers
    if of.kind == to.kind == "f" and whole:
        return lambda a: whole(a).astype(to)
    return lambda a: a.astype(to)
