"""Write ``_stored_sweeps.pyx`` from ``rules.py`` and ``codecs.py``: the rules over state arrays that are stored in fewer bits.

    python -m fastgd._kernels.emit            rewrites it too; with --check it only says whether it is fresh

Each rule whose state arrays are moving averages becomes two loops with the signature of all sweeps; `STORED` holds their addresses::

    Py_ssize_t sweep(Py_ssize_t n, void **arrays, const void *scalars)

The arrays are ``p, g, *state``, parameters and gradients in float32; for "bfloat16" the state arrays are bfloat16, for "int8" they are int8
or uint8 and their scales follow, one for each block of 256 elements, with which `n` elements begin. The last one of the driver's scalars is
the dither. The step of each element is computed in float32.
"""

from pathlib import Path

from fastgd._kernels import codecs, emit

HERE = Path(__file__).parent
TARGET = HERE / "_stored_sweeps.pyx"

PRELUDE = '''\
# Generated from rules.py and codecs.py by emit_stored.py. Do not edit: change the formula, then run `python -m fastgd._kernels.emit`.
"""Rules over state arrays that are stored in fewer bits; `STORED` holds the loops' addresses."""
from cython cimport floating
from libc.stdint cimport int8_t, uint8_t, uint16_t, uint32_t

from fastgd._kernels cimport cmath as math

cdef extern from *:
    """
    typedef float *__restrict float32_array;
    typedef signed char *__restrict int8_array;
    typedef unsigned char *__restrict uint8_array;
    typedef unsigned short *__restrict bfloat16_array;
    """
    ctypedef float *float32_array
    ctypedef int8_t *int8_array
    ctypedef uint8_t *uint8_array
    ctypedef uint16_t *bfloat16_array

cdef enum:
    BLOCK = 256  # elements that share a scale
    DITHER = 31  # of the scalars

# Added to a number below 2**22, it leaves the nearest integer, ties to even, in the last bits.
cdef float ROUNDING = 12582912

cdef union Bits:
    float f
    uint32_t u


cdef inline float wide(uint16_t half) noexcept nogil:
    cdef Bits bits
    bits.u = <uint32_t> half << 16
    return bits.f


cdef inline uint16_t coarse(float x, uint32_t offset) noexcept nogil:
    """Add the dither, in units of the last bit that is kept, and cut off; a NaN stays a (quiet) NaN."""
    cdef Bits bits
    bits.f = x
    return <uint16_t> (((bits.u >> 16) | 0x40) if (bits.u & 0x7fffffff) > 0x7f800000 else (bits.u + offset) >> 16)


cdef inline uint8_t low_byte(float x) noexcept nogil:
    """Round to nearest, ties to even; the integer must fit into a byte, signed or not."""
    cdef Bits bits
    bits.f = x + ROUNDING
    return <uint8_t> (bits.u & 0xff)
'''

CODEC = """

cdef inline float root_{kind}(float x) noexcept nogil:
    cdef Bits bits, of_zero
    bits.f = {kind}_size(x)
    of_zero.u = {of_zero:#x}
    bits.u = (bits.u >> {shift}) + of_zero.u
    return {kind}_root(x, bits.f - of_zero.f)


cdef inline float decode_{kind}(float code, float scale) noexcept nogil:
    cdef Bits bits, of_zero
    cdef float root = code * scale
    of_zero.u = {of_zero:#x}
    bits.f = math.fabs(root) + of_zero.f
    bits.u = (bits.u - of_zero.u) << {shift}
    return {kind}_value(root, bits.f)


cdef inline float encode_{kind}(Py_ssize_t n, float *x_, float dither, {kind}_t *codes_) noexcept nogil:
    # Encode a block and return its scale. Sizes, which are no NaN, are in the order of their bits: a maximum of integers vectorises.
    cdef float32_array x = <float32_array> x_
    cdef {kind}_array codes = <{kind}_array> codes_
    cdef Bits size, largest
    cdef float scale, per_root
    cdef Py_ssize_t i
    largest.u = 0
    for i in range(n):
        x[i] = root_{kind}(x[i])
    for i in range(n):
        size.f = math.fabs(x[i])
        largest.u = size.u if size.u > largest.u else largest.u
    scale = code_root(largest.f, <float> {share!r})
    per_root = codes_per_root(scale)
    for i in range(n):
        codes[i] = <{kind}_t> low_byte({kind}_code(x[i], per_root, dither))
    return scale
"""

BFLOAT16_LOOP = """

cdef Py_ssize_t {name}_bfloat16(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
{declarations}
    cdef uint32_t offset_ = <uint32_t> (((<const float *> scalars_)[DITHER] + <float> 0.5) * 65536)
    cdef float {values}
    cdef Py_ssize_t i_
    cdef int nonfinite_ = 0
    for i_ in range(n_):
        nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
        {results} = {name}(
{inputs}
        )
{stores}
    return nonfinite_
"""

# The new values of a block stay in the first-level cache until the largest one is known.
INT8_LOOP = """

cdef Py_ssize_t {name}_int8(Py_ssize_t n_, void **arrays_, const void *scalars_) noexcept nogil:
{declarations}
    cdef float dither_ = (<const float *> scalars_)[DITHER]
    cdef float {olds}
    cdef float[BLOCK] {news}
    cdef Py_ssize_t i_, block_, count_
    cdef int nonfinite_ = 0
    for block_ in range((n_ + BLOCK - 1) // BLOCK):
        count_ = min(n_ - block_ * BLOCK, BLOCK)
{scales}
        for i_ in range(count_):
            nonfinite_ += 0 if g[i_] - g[i_] == 0 else 1
            {results} = {name}(
{inputs}
            )
{stores}
    return nonfinite_
"""


def _declarations(rule: emit.Rule, clip: emit.Rule, kinds: list[str]) -> str:
    """Return the declarations of the arrays, which have these types, and of the scalars."""
    names = [*rule.element, *(f"{slot}_scales_" for slot in rule.element[2:])][: len(kinds)]
    lines = [
        f"    cdef {kind}_array {a} = <{kind}_array> arrays_[{k}]"
        for k, (a, kind) in enumerate(zip(names, kinds, strict=True))
    ]
    scalars = enumerate(clip.hyper + rule.hyper)
    return "\n".join([*lines, *(f"    cdef float {s} = (<const float *> scalars_)[{k}]" for k, s in scalars)])


def _inputs(rule: emit.Rule, clip: emit.Rule, values: list[str], indent: int) -> str:
    g = f"{clip.name}(g[i_], {', '.join(clip.hyper)})"
    return emit.wrapped(["p[i_]", g, *values, *rule.hyper], " " * indent)


def _bfloat16_loop(rule: emit.Rule, clip: emit.Rule) -> str:
    slots = rule.element[2:]
    return BFLOAT16_LOOP.format(
        name=rule.name,
        declarations=_declarations(rule, clip, ["float32", "float32", *["bfloat16"] * len(slots)]),
        values=", ".join(f"{slot}_new_" for slot in slots),
        results=", ".join(["p[i_]", *(f"{slot}_new_" for slot in slots)]),
        inputs=_inputs(rule, clip, [f"wide({slot}[i_])" for slot in slots], 12),
        stores="\n".join(f"        {slot}[i_] = coarse({slot}_new_, offset_)" for slot in slots),
    )


def _int8_loop(rule: emit.Rule, clip: emit.Rule) -> str:
    formats = {slot: codecs.AVERAGES[slot] for slot in rule.element[2:]}
    scales, stores = [], []
    for slot, kind in formats.items():
        scale = f"{slot}_scales_[block_]"
        scales.append(f"        {slot}_old_ = {scale}")
        stores.append(f"        {scale} = encode_{kind}(count_, {slot}_new_, dither_, {slot})")
    moved = [f"        {name} += BLOCK" for name in rule.element]
    return INT8_LOOP.format(
        name=rule.name,
        declarations=_declarations(rule, clip, ["float32", "float32", *formats.values(), *["float32"] * len(formats)]),
        olds=", ".join(f"{slot}_old_" for slot in formats),
        news=", ".join(f"{slot}_new_" for slot in formats),
        scales="\n".join(scales),
        results=", ".join(["p[i_]", *(f"{slot}_new_[i_]" for slot in formats)]),
        inputs=_inputs(
            rule, clip, [f"decode_{kind}(<float> {slot}[i_], {slot}_old_)" for slot, kind in formats.items()], 16
        ),
        stores="\n".join(stores + moved),
    )


def module() -> str:
    """Return the text of ``_stored_sweeps.pyx``."""
    rules = emit.parse(HERE / "rules.py")
    clip = rules.pop("clipped")
    text = [PRELUDE, *(f.function() for f in emit.parse(HERE / "codecs.py").values()), clip.function()]
    for kind, shift in codecs.SHIFT.items():
        text.append(CODEC.format(kind=kind, shift=shift, of_zero=codecs.OF_ZERO[kind], share=codecs.SHARE[kind]))
    rows = []
    for rule in rules.values():
        slots = rule.element[2:]
        if slots and set(slots) <= codecs.AVERAGES.keys():
            text += [rule.function(), _bfloat16_loop(rule, clip), _int8_loop(rule, clip)]
            rows += [f'    ("{rule.name}", "{how}"): <size_t> &{rule.name}_{how},' for how in ("bfloat16", "int8")]
    return "".join([*text, emit.TABLE.format(table="STORED", rows="\n".join(rows))])
