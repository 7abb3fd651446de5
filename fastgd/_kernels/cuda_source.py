"""Writes the text of the CUDA kernels: each rule's and each measure's formula, as `rules.py` has it, within a loop over a table of chunks.

One launch serves any number of arrays. A chunk is a stretch of one array; its row in the table holds the addresses of the parameter, the
gradient and the state arrays where the chunk starts, and one packed number: how many elements, whose scalars, whether all
addresses suit vector access. The lanes of a vector are written out one by one, because a loop over them may end up in slow local memory.
"""

import ast
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastgd._kernels import rules
from fastgd._kernels._jit_source import signature, written_functions
from fastgd._kernels.vecio import LANES, SIZES

CHUNK = (
    16384  # elements of one row of the table, and of one partial sum: fixed, so that sums do not depend on the device
)
SCALARS = 32  # of one rule, at most: scale, limit, then its hyperparameters
SUMS = 4  # of one chunk: partial sums side by side
ALIGNED = 56  # the bit of a row's packed number that allows vector access
COHORT = 32  # where the cohort begins in it; the number of elements is below

# The control block: what a step needs to know and what it found out, in device memory, one word of 8 bytes each.
WORDS = (
    "row", "next", "end", "skip", "policy", "skipped", "clipped", "arrived", "sum", "norm", "power", "factor", "nonfinite", "overrun",
)  # fmt: skip
CONTROL = {name: 8 * k for k, name in enumerate(WORDS)}
CONTROL_SIZE = 128

# What a block does with the elements of a chunk: vectors, where all addresses suit them, and what is left one by one.
ELEMENTS = """\
        i = tid
        if (packed >> {aligned}) & 1 != 0:
            groups = n // {lanes}
            while i < groups:
{vector}
                i += nt
            i = groups * {lanes} + tid
        while i < n:
{single}
            i += nt
"""

UPDATE = (
    """\
def {name}(table, n_chunks, rows, stride, ctl):
    if ld_i64(ctl + {skip}) != 0:
        return
    power = {T}(ld_f64(ctl + {power}))
    factor = {T}(ld_f64(ctl + {factor}))
    good = {T}(0)
    bad = good
    c = i64(cuda.blockIdx.x)
    tid = i64(cuda.threadIdx.x)
    nt = i64(cuda.blockDim.x)
    while c < n_chunks:
        row = table + c * {width}
{addresses}
        n = packed & 0xFFFFFFFF
        h = rows + ld_i64(ctl + {row}) * stride + ((packed >> {cohort}) & 0xFFFFFF) * {row_bytes}
{scalars}
        scale = scale * factor
{dither}"""
    + ELEMENTS
    + """\
        c += i64(cuda.gridDim.x)
    if bad != good:
        atomic_add_i64(ctl + {nonfinite}, i64(bad))
"""
)

# A block sums one chunk at a time, its threads' sums by a fixed tree in shared memory: the same bits on every device.
TREE = """\
{pad}cuda.syncthreads()
{pad}k = nt // 2
{pad}while k > 0:
{pad}    if tid < k:
{adds}
{pad}    cuda.syncthreads()
{pad}    k = k // 2
"""

# The last block to arrive sums the chunks' sums, of all launches, in a fixed order, and decides what the step does.
NORM = """\
def {name}(table, n_chunks, partials, first, n_partials, ctl, limits):
    shared = cuda.shared.array({shared}, dtype=shared_type)
    last = cuda.shared.array(1, dtype=flag_type)
    every = ld_i64(ctl + {policy}) != 0
    tid = i64(cuda.threadIdx.x)
    nt = i64(cuda.blockDim.x)
    c = n_chunks - 1 - i64(cuda.blockIdx.x)
    while c >= 0:
        row = table + c * {width}
        g, packed = ld_i64(row + 8), ld_i64(row + {packed_at})
        n = packed & 0xFFFFFFFF
        s0, s1, s2 = zero, zero, zero
        i = tid
        if (packed >> {aligned}) & 1 != 0:
            groups = n // {lanes}
            while i + 3 * nt < groups:
{loads}
{adds}
                i += 4 * nt
            while i < groups:
{load}
{add}
                i += nt
            i = groups * {lanes} + tid
        while i < n:
            x0 = ld_{kind}(g + i * {size})
{single}
            i += nt
        shared[tid], shared[nt + tid], shared[2 * nt + tid] = s0, s1, s2
{tree}
        if tid == 0:
            place = partials + (first + c) * {partial_bytes}
            st_f64(place, shared[0])
            st_f64(place + 8, shared[nt])
            st_f64(place + 16, shared[2 * nt])
        cuda.syncthreads()
        c -= i64(cuda.gridDim.x)
    if n_partials == 0:
        return
    if tid == 0:
        cuda.threadfence()
        last[0] = 1 if atomic_add_i64(ctl + {arrived}, 1) == i64(cuda.gridDim.x) - 1 else 0
    cuda.syncthreads()
    if last[0] == 0:
        return
    cuda.threadfence()
    s0, s1, s2 = zero, zero, zero
    i = tid
    while i < n_partials:
        place = partials + i * {partial_bytes}
        s0 += ld_f64(place)
        s1 += ld_f64(place + 8)
        s2 += ld_f64(place + 16)
        i += nt
    shared[tid], shared[nt + tid], shared[2 * nt + tid] = s0, s1, s2
{final_tree}
    if tid == 0:
        st_i64(ctl + {arrived}, 0)
        decide(ctl, limits, shared[0], shared[nt], shared[2 * nt])
"""

MEASURE = """\
def {name}(table, n_chunks, rows, partials, first):
    shared = cuda.shared.array({shared}, dtype=shared_type)
    tid = i64(cuda.threadIdx.x)
    nt = i64(cuda.blockDim.x)
    c = i64(cuda.blockIdx.x)
    while c < n_chunks:
        row = table + c * {width}
{addresses}
        n = packed & 0xFFFFFFFF
        h = rows + ((packed >> {cohort}) & 0xFFFFFF) * {row_bytes}
{scalars}
        {sums} = {zeros}
        i = tid
        while i < n:
{single}
            i += nt
        {store}
{tree}
        if tid == 0:
            place = partials + (first + c) * {partial_bytes}
            {write}
        cuda.syncthreads()
        c += i64(cuda.gridDim.x)
"""


class KernelText(NamedTuple):
    """The text of one kernel and what its namespace must hold beside the primitives."""

    text: str
    name: str
    dtype: np.dtype
    compute: str
    n_arguments: int


def row_words(n_slots: int) -> int:
    """Return how many words a row of the table has: the addresses and the packed number, 64 bytes or 128."""
    return 8 if n_slots <= 5 else 16


class _Uncontracted(ast.NodeTransformer):
    """Makes each product a call, so that no compiler fuses it with a sum."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult):
            return ast.Call(ast.Name("_fastgd_mul", ast.Load()), [node.left, node.right], [])
        return node


def uncontracted(text: str) -> str:
    """Return a text whose products are rounded by themselves."""
    return ast.unparse(ast.fix_missing_locations(_Uncontracted().visit(ast.parse(text))))


def lines_of(lines: Sequence[str], pad: int) -> str:
    return "\n".join(" " * pad + line for line in lines)


def addresses(names: Sequence[str], words: int) -> list[str]:
    """Return the statements that load a row's addresses, two at a time, and its packed number, which is the last word."""
    unused = [f"no_a{k}" for k in range(len(names), words - 1)]
    slots = [f"a_{name}" for name in names] + unused + ["packed"]
    pairs = [(slots[k], slots[k + 1], 8 * k) for k in range(0, words, 2)]
    return [f"{a}, {b} = ld_i64x2(row + {at})" for a, b, at in pairs if not {a, b} <= set(unused)]


def scalars(names: Sequence[str], compute: str) -> list[str]:
    """Return the statements that load a cohort's scalars, one vector at a time."""
    lanes, size = LANES[compute], SIZES[compute]
    padded = [*names, *(f"no_h{k}" for k in range(-len(names) % lanes))]
    return [
        f"{', '.join(padded[k : k + lanes])} = ld_{compute}x{lanes}(h + {k * size})"
        for k in range(0, len(names), lanes)
    ]


class Function(NamedTuple):
    """A rule or measure as the loops around it see it."""

    text: str
    name: str
    clip: str
    elements: tuple[str, ...]
    scalars: tuple[str, ...]
    returned: int

    def call(self, suffix: str, seen: str) -> str:
        """Return the call of one lane; `seen` is the gradient as clipped."""
        values = [f"e_{name}{suffix}" for name in self.elements]
        values[1] = seen
        return f"{self.name}({', '.join([*values, *self.scalars[2:]])})"


def function_of(function: Any, dtype: np.dtype, others: Sequence[Any] = ()) -> tuple[Function, list[str]]:
    """Return a rule or measure, the text that it and others need being its own, and the names of the others in that text."""
    clip: Any = rules.clipped
    elements, hyper = signature(function)
    text, names, returned = written_functions([function, clip, *others], dtype)
    scalars = ("scale", "limit", *(f"h_{name}" for name in hyper))
    return Function(uncontracted(text), names[0], names[1], elements, scalars, returned[0]), names[2:]


def counted(g: str) -> str:
    """Return the statement that counts a gradient where it is not finite, by the test that clipping makes as well."""
    return f"bad += good if {g} - {g} == good else _fastgd_T(1)"


def _update_lanes(f: Function, kinds: Sequence[str], lanes: int, dithered: bool) -> list[str]:
    """Return the statements that update one vector of elements, or a single one where `lanes` is 1."""
    suffixes = [str(k) if lanes > 1 else "" for k in range(lanes)]
    moved = {
        name: (f"{kind}x{lanes}" if lanes > 1 else kind, f"a_{name} + i * {SIZES[kind] * lanes}")
        for name, kind in zip(f.elements, kinds, strict=True)
    }
    every = {name: ", ".join(f"e_{name}{s}" for s in suffixes) for name in f.elements}
    lines = [f"{every[name]} = ld_{access}({at})" for name, (access, at) in moved.items()]
    changed = [name for name in f.elements if name != "g"]
    for s in suffixes:
        g = f"e_g{s}"
        lines += [f"{g} = _fastgd_mul({g}, power)", counted(g)]
        seen = f"{f.clip}({g}, scale, limit)"
        lines.append(f"{', '.join(f'e_{name}{s}' for name in changed)} = {f.call(s, seen)}")
        lines += [f"e_{name}{s} = coarse(e_{name}{s}, dither)" for name in changed[1:] if dithered]
    return [*lines, *(f"st_{moved[name][0]}({moved[name][1]}, {every[name]})" for name in changed)]


@functools.cache
def update(rule: Callable, kind: str, slot_kind: str | None = None, gradient: str | None = None) -> KernelText:
    """Return the kernel that applies a rule to parameters of a kind; all state arrays may be "bf16", gradients of a wider kind."""
    compute, dtype = computing(kind)
    f, _ = function_of(rule, dtype)
    words = row_words(len(f.elements) - 2)
    kinds = [kind, gradient or kind, *[slot_kind or compute] * (len(f.elements) - 2)]
    name = f"update_{rule.__name__}_{kind}" + (f"_{slot_kind}" if slot_kind else "") + _from(kind, gradient)
    body = UPDATE.format(
        name=name, T="_fastgd_T", width=8 * words, row_bytes=SCALARS * SIZES[compute], lanes=LANES[kind],
        cohort=COHORT, aligned=ALIGNED, **CONTROL_AT,
        addresses=lines_of(addresses(f.elements, words), 8),
        scalars=lines_of(scalars(f.scalars, compute), 8),
        dither=lines_of(DITHERED if slot_kind else [], 8) + "\n" * bool(slot_kind),
        vector=lines_of(_update_lanes(f, kinds, LANES[kind], bool(slot_kind)), 16),
        single=lines_of(_update_lanes(f, kinds, 1, bool(slot_kind)), 12),
    )  # fmt: skip
    return KernelText(f"{f.text}\n\n{body}", name, dtype, compute, 5)


DITHERED = [f"dither = ld_f32(h + {SIZES['f32'] * (SCALARS - 1)})"]
CONTROL_AT = {name: CONTROL[name] for name in ("skip", "power", "factor", "row", "nonfinite")}


def computing(kind: str) -> tuple[str, np.dtype]:
    """Return in what an array of a kind is computed."""
    return ("f64", np.dtype(np.float64)) if kind == "f64" else ("f32", np.dtype(np.float32))


def tree(pad: int, columns: int) -> str:
    """Return the statements that sum each of some columns of shared memory over the threads of a block."""
    adds = [f"shared[{c} * nt + tid] += shared[{c} * nt + tid + k]" for c in range(columns)]
    return TREE.format(pad=" " * pad, adds=lines_of(adds, pad + 8)).rstrip("\n")


def _from(kind: str, gradient: str | None) -> str:
    """Return what the name of a kernel adds where gradients are of another kind than parameters."""
    return f"_from_{gradient}" if gradient not in (None, kind) else ""


def square_terms(name: str, kind: str, sums: Sequence[str] = ("s0", "s1", "s2")) -> list[str]:
    """Return the statements that add one square: in float64, which no float32 can leave; float64 itself in three ranges (Blue, 1978)."""
    s0, s1, s2 = sums
    kept = f"{name} = f64({name}) if every or {name} - {name} == {name} - {name} else zero"
    if kind != "f64":
        return [kept, f"{s0} += {name} * {name}"]
    return [
        kept,
        f"{s0} += {name} * {name} if smallest <= abs({name}) <= largest else (zero if {name} - {name} == zero else {name} * {name})",
        f"{s1} += ({name} * shrink) * ({name} * shrink) if abs({name}) > largest and {name} - {name} == zero else zero",
        f"{s2} += ({name} * grow) * ({name} * grow) if abs({name}) < smallest else zero",
    ]


@functools.cache
def norm(kind: str, block: int, words: int) -> KernelText:
    """Return the kernel that sums the squares of gradients of one kind and, at the end, decides what the step does."""
    lanes, size = LANES[kind], SIZES[kind]

    def loads(suffix: str, at: str) -> str:
        names = ", ".join(f"x{suffix}{k}" for k in range(lanes))
        return f"{names} = ld_{kind}x{lanes}(g + {at} * {size * lanes})"

    def adds(suffix: str) -> list[str]:
        return [line for k in range(lanes) for line in square_terms(f"x{suffix}{k}", kind)]

    name = f"norm_{kind}_{words}"
    body = NORM.format(
        name=name, shared=3 * block, width=8 * words, packed_at=8 * words - 8, lanes=lanes, kind=kind, size=size, aligned=ALIGNED,
        partial_bytes=8 * SUMS, policy=CONTROL["policy"], arrived=CONTROL["arrived"],
        loads=lines_of([loads("abcd"[k], f"(i + {k} * nt)") for k in range(4)], 16),
        adds=lines_of([line for k in range(4) for line in adds("abcd"[k])], 16),
        load=lines_of([loads("a", "i")], 16), add=lines_of(adds("a"), 16),
        single=lines_of(square_terms("x0", kind), 12), tree=tree(8, 3), final_tree=tree(4, 3),
    )  # fmt: skip
    return KernelText(body, name, np.dtype(np.float64), "f64", 7)


@functools.cache
def measured(measure: Callable, rule: Callable, kind: str, block: int, gradient: str | None = None) -> KernelText:
    """Return the kernel that sums a measure's terms over each chunk, in float64 whatever the arrays' kind."""
    compute, _ = computing(kind)
    f, _ = function_of(measure, np.dtype(np.float64))
    n_slots = len(signature(rule)[0]) - 2
    words = row_words(n_slots)
    kinds = [kind, gradient or kind, *[compute] * (len(f.elements) - 2)]
    terms = range(f.returned)
    lines = [f"e_{n} = f64(ld_{k}(a_{n} + i * {SIZES[k]}))" for n, k in zip(f.elements, kinds, strict=True)]
    lines.append(f"{', '.join(f't{k}' for k in terms)} = {f.call('', f'{f.clip}(e_g, scale, limit)')}")
    lines += [f"s{k} += t{k}" for k in terms]
    name = f"measure_{measure.__name__}_{kind}_{words}" + _from(kind, gradient)
    body = MEASURE.format(
        name=name, shared=f.returned * block, width=8 * words, row_bytes=8 * SCALARS, cohort=COHORT, partial_bytes=8 * SUMS,
        addresses=lines_of(addresses(f.elements, words), 8),
        scalars=lines_of(scalars(f.scalars, "f64"), 8),
        sums=", ".join(f"s{k}" for k in terms), zeros=", ".join("zero" for _ in terms),
        single=lines_of(lines, 12), tree=tree(8, f.returned),
        store="; ".join(f"shared[{k} * nt + tid] = s{k}" for k in terms),
        write="; ".join(f"st_f64(place + {8 * k}, shared[{k} * nt])" for k in terms),
    )  # fmt: skip
    return KernelText(f"{f.text}\n\n{body}", name, np.dtype(np.float64), "f64", 5)
