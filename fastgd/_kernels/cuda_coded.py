"""Writes the text of the CUDA kernels for state arrays of one byte an element: a warp updates a block of 256 elements at a time.

It decodes, applies the rule, finds the largest new value of the block by exchanging registers, and encodes with the new scale, so that
everything is read and written once. A block that is shorter, or whose addresses do not suit vectors, is computed twice instead: once for
the largest value, once to be stored. Both ways have the same bits. The formulas are those of `codecs.py`.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fastgd._kernels import codecs
from fastgd._kernels._jit_source import signature
from fastgd._kernels.cuda_source import (
    ALIGNED,
    COHORT,
    CONTROL_AT,
    DITHERED,
    SCALARS,
    Function,
    KernelText,
    addresses,
    computing,
    counted,
    function_of,
    lines_of,
    row_words,
    scalars,
)
from fastgd._kernels.vecio import FORMATS, SIZES

BLOCK = 256  # elements that share a scale
WARP = 32
LANES = 4  # of one vector access

UPDATE = """\
def {name}(table, n_chunks, rows, stride, ctl):
    if ld_i64(ctl + {skip}) != 0:
        return
    power = {T}(ld_f64(ctl + {power}))
    factor = {T}(ld_f64(ctl + {factor}))
    good = {T}(0)
    bad = good
    c = i64(cuda.blockIdx.x)
    lane = i64(cuda.threadIdx.x) % {team}
    warp = i64(cuda.threadIdx.x) // {team}
    warps = i64(cuda.blockDim.x) // {team}
    while c < n_chunks:
        row = table + c * {width}
{addresses}
        n = packed & 0xFFFFFFFF
        h = rows + ld_i64(ctl + {row}) * stride + ((packed >> {cohort}) & 0xFFFFFF) * {row_bytes}
{scalars}
        scale = scale * factor
{dither}
        b = warp
        while b * {block} < n:
{old}
            end = min(n, (b + 1) * {block})
            if (packed >> {aligned}) & 1 != 0 and end == (b + 1) * {block}:
{vector}
            else:
                i = b * {block} + lane
                while i < end:
{first}
                    i += {team}
{new}
                i = b * {block} + lane
                while i < end:
{second}
                    i += {team}
            if lane == 0:
{store}
            b += warps
        c += i64(cuda.gridDim.x)
    if bad != good:
        atomic_add_i64(ctl + {nonfinite}, i64(bad))
"""


class _Codec(NamedTuple):
    """One format: the names, in the kernel's text, of its functions in `codecs.py`, as expressions of what they are called with."""

    kind: str
    code_root: str
    codes_per_root: str
    size: str
    signed: str
    code: str
    value: str

    def decoded(self, root: str) -> str:
        return f"{self.value}({root}, power_{self.kind}(abs({root})))"

    def root(self, x: str) -> str:
        return f"{self.signed}({x}, root_{self.kind}({self.size}({x})))"

    def scale(self, largest_root: str) -> str:
        return f"{self.code_root}({largest_root}, _fastgd_T({codecs.SHARE[FORMATS[self.kind]]!r}))"


class _Writer(NamedTuple):
    """What the statements of one kernel are made of."""

    f: Function
    kind: str
    gradient: str
    slots: dict[str, _Codec]  # the formats of the state arrays

    def load(self, suffixes: Sequence[str], at: str) -> list[str]:
        """Return the statements that load vectors, or single elements."""
        wide, count = (f"x{LANES}", LANES) if len(suffixes) > 1 else ("", 1)
        lines = []
        for name in self.f.elements:
            kind = "byte" if name in self.slots else self.gradient if name == "g" else self.kind
            loaded = f"w_{name}{suffixes[0]}" if kind == "byte" else ", ".join(f"e_{name}{s}" for s in suffixes)
            lines.append(f"{loaded} = ld_{kind}{wide}(a_{name} + {at} * {SIZES.get(kind, 1) * count})")
        return lines

    def decode(self, suffixes: Sequence[str], number: int) -> list[str]:
        """Return the statements that decode one element, as late as possible: codes take a fourth of the registers that values do."""
        lines = []
        for name, codec in self.slots.items():
            x = f"e_{name}{suffixes[number]}"
            lines.append(f"{x} = _fastgd_mul(byte_{codec.kind}(w_{name}{suffixes[0]}, {number}), k_{name})")
            lines.append(f"{x} = {codec.decoded(x)}")
        return lines

    def apply(self, suffix: str, counting: bool) -> list[str]:
        """Return the statements that update one element in registers."""
        g = f"e_g{suffix}"
        scaled = f"{g} = _fastgd_mul({g}, power)"
        seen = f"{self.f.clip}({g}, scale, limit)"
        changed = ", ".join(f"e_{name}{suffix}" for name in self.f.elements if name != "g")
        return [scaled, *([counted(g)] if counting else []), f"{changed} = {self.f.call(suffix, seen)}"]

    def compare(self, suffix: str) -> list[str]:
        """Return the statements that take the roots of one element's states, and look whether they are the largest so far."""
        lines = []
        for name, codec in self.slots.items():
            x = f"e_{name}{suffix}"
            lines += [f"{x} = {codec.root(x)}", f"most_{name} = larger(most_{name}, abs({x}))"]
        return lines

    def store(self, suffixes: Sequence[str], at: str) -> list[str]:
        """Return the statements that encode and store."""
        wide = f"x{LANES}" if len(suffixes) > 1 else ""
        values = ", ".join(f"e_p{s}" for s in suffixes)
        lines = [f"st_{self.kind}{wide}(a_p + {at} * {SIZES[self.kind] * len(suffixes)}, {values})"]
        for name, codec in self.slots.items():
            codes = ", ".join(f"{codec.code}(e_{name}{s}, q_{name}, dither)" for s in suffixes)
            lines.append(f"st_byte{wide}(a_{name} + {at} * {len(suffixes)}, {codes})")
        return lines

    def vector(self, team: int) -> list[str]:
        """Return the statements that update a whole block, each thread some vectors of it."""
        vectors = [([f"{j}_{k}" for k in range(LANES)], f"(v + {j * team})") for j in range(BLOCK // LANES // team)]
        lines = [f"v = b * {BLOCK // LANES} + lane"]
        for suffixes, at in vectors:
            lines += self.load(suffixes, at)
        for suffixes, _ in vectors:
            for k, s in enumerate(suffixes):
                lines += [*self.decode(suffixes, k), *self.apply(s, True), *self.compare(s)]
        lines += self.new()
        return lines + [line for suffixes, at in vectors for line in self.store(suffixes, at)]

    def old(self) -> list[str]:
        """Return the statements that load a block's scales, and begin the search for the next ones."""
        return [line for n in self.slots for line in (f"k_{n} = ld_f32(a_{n}_scale + b * 4)", f"most_{n} = good")]

    def new(self) -> list[str]:
        """Return the statements that make the new scales of the largest values that the threads have seen."""
        lines = []
        for name, codec in self.slots.items():
            lines.append(f"scale_{name} = {codec.scale(f'warp_max(most_{name})')}")
            lines.append(f"q_{name} = {codec.codes_per_root}(scale_{name})")
        return lines


@functools.cache
def update(
    rule: Callable, kind: str, slot_kinds: tuple[str, ...], block: int, gradient: str | None = None
) -> KernelText:
    """Return the kernel that applies a rule, with state arrays of bytes; `block` is its threads, for the rest see `cuda_source.update`."""
    compute, dtype = computing(kind)
    parts = "size", "root", "code", "value"
    wanted = [getattr(codecs, f"{form}_{part}") for form in FORMATS.values() for part in parts]
    f, names = function_of(rule, dtype, [codecs.code_root, codecs.codes_per_root, *wanted])
    every, own = names[:2], [names[k : k + 4] for k in (2, 6)]
    formats = {each: _Codec(each, *every, *functions) for each, functions in zip(FORMATS, own, strict=True)}
    slots = signature(rule)[0][2:]
    chosen = {slot: formats[slot_kind] for slot, slot_kind in zip(slots, slot_kinds, strict=True)}
    w = _Writer(f, kind, gradient or kind, chosen)
    words = row_words(2 * len(slots))
    team = min(WARP, block)
    name = f"update_{rule.__name__}_{kind}_bytes_from_{gradient or kind}"
    text = UPDATE.format(
        name=name, T="_fastgd_T", width=8 * words, row_bytes=SCALARS * SIZES[compute], cohort=COHORT, aligned=ALIGNED, team=team,
        block=BLOCK, **CONTROL_AT,
        addresses=lines_of(addresses([*f.elements, *(f"{slot}_scale" for slot in slots)], words), 8),
        scalars=lines_of(scalars(f.scalars, compute), 8),
        dither=lines_of(DITHERED, 8),
        old=lines_of(w.old(), 12),
        vector=lines_of(w.vector(team), 16),
        first=lines_of([*w.load([""], "i"), *w.decode([""], 0), *w.apply("", True), *w.compare("")], 20),
        new=lines_of(w.new(), 16),
        second=lines_of([*w.load([""], "i"), *w.decode([""], 0), *w.apply("", False), *w.compare(""), *w.store([""], "i")], 20),
        store=lines_of([f"st_f32(a_{slot}_scale + b * 4, scale_{slot})" for slot in slots], 16),
    )  # fmt: skip
    return KernelText(f"{f.text}\n\n{text}", name, dtype, compute, 5)
