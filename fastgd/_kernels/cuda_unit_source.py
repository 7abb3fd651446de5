"""Writes the text of the CUDA kernels that change gradients unit by unit; `cuda_units.py` says which, and launches them."""

import functools
from collections.abc import Callable

from fastgd._kernels.cuda_passes import n_ranges
from fastgd._kernels.cuda_source import KernelText, computing, lines_of, square_terms
from fastgd._kernels.vecio import SIZES

FIELDS = (
    "g", "p", "out", "value", "partial", "chunks", "wide", "units", "inner", "first", "begin", "end", "limit", "eps", "count", "unused",
)  # fmt: skip
"""The words of a row of the table: a tile of `wide` units from `first` on, and which elements of each, from `begin` to `end`."""
AT = {name: 8 * k for k, name in enumerate(FIELDS)}
VALUES = 3  # numbers of each unit

ROW = """\
        row = table + c * {width}
        g, p = ld_i64x2(row + {g})
        out, value = ld_i64x2(row + {out})
        partial, chunks = ld_i64x2(row + {partial})
        wide, units = ld_i64x2(row + {wide})
        inner, first = ld_i64x2(row + {inner})
        begin, end = ld_i64x2(row + {begin})
        u = first + tid % wide
        threads = nt // wide
""".format(width=8 * len(FIELDS), **AT)

# Each thread walks the elements of one unit: r counts them, and each lies at (o, u, j) of an array of (outer, units, inner). Four loads are
# in flight at a time.
WALK = """\
            r = begin + tid // wide
            o = r // inner
            j = r - o * inner
            at = (o * units + u) * inner + j
            o_step = threads // inner
            j_step = threads - o_step * inner
            at_step = o_step * units * inner + j_step
            wrap = (units - 1) * inner
            while r + 3 * threads < end:
{four}
            while r < end:
{one}
"""
NEXT = ["r += threads", "j += j_step", "at += at_step", "if j >= inner:", "    j -= inner", "    at += wrap"]

TREE = """\
        {store}
        cuda.syncthreads()
        step = nt // 2
        while step >= wide:
            if tid < step:
{adds}
            cuda.syncthreads()
            step = step // 2
        if tid < wide and u < units:
{finish}
        cuda.syncthreads()
"""

HEAD = """\
def {name}(table, n_items, memory, values):
    shared = cuda.shared.array({shared}, dtype=shared_type)
    every = False  # what is not finite counts as 0: where that is not allowed, the step has been refused by now
    tid = i64(cuda.threadIdx.x)
    nt = i64(cuda.blockDim.x)
    c = i64(cuda.blockIdx.x)
    while c < n_items:
"""
TAIL = "        c += i64(cuda.gridDim.x)\n"

PARTIALS = """\
        {sums} = {zeros}
        if u < units:
            r = tid // wide
            while r < chunks:
                place = memory + (partial + r * units + u) * {bytes}
{loads}
                r += threads
"""

NORM = """\
norm{k} = _fastgd_math.sqrt(s{a})
if s{b} > zero:
    norm{k} = _fastgd_math.sqrt(s{b} + s{a} * (shrink * shrink)) / shrink
elif s{c} > zero:
    norm{k} = _fastgd_math.sqrt(s{a} + s{c} / grow / grow) if s{a} > zero else _fastgd_math.sqrt(s{c}) / grow
"""


def _walk(load: Callable[[str], list[str]], use: Callable[[str], list[str]]) -> str:
    """Return the walk of a thread; each element is loaded, then used, by statements that end the names with a suffix."""
    ahead = [line for s in "0123" for line in (f"at{s} = at", *load(s), *NEXT)]
    four = [*ahead, *(line for s in "0123" for line in use(s))]
    one = ["at0 = at", *load("0"), *use("0"), *NEXT]
    return "        if u < units:\n" + WALK.format(four=lines_of(four, 16), one=lines_of(one, 16))


def n_sums(what: str, kind: str) -> int:
    """Return how many sums a unit takes: of gradients, or of squares of gradients and perhaps of weights."""
    return 1 if what == "centralized" else n_ranges(kind) * (2 if what == "adaptive" else 1)


def _store(n: int) -> str:
    return "; ".join(f"shared[{k} * nt + tid] = s{k}" for k in range(n))


def _tree(n: int, finish: list[str]) -> str:
    adds = [f"shared[{k} * nt + tid] += shared[{k} * nt + tid + step]" for k in range(n)]
    return TREE.format(store=_store(n), adds=lines_of(adds, 16), finish=lines_of(finish, 12))


def _kernel(name: str, what: str, kind: str, block: int, body: str) -> KernelText:
    compute, dtype = computing(kind)
    head = HEAD.format(name=name, shared=n_sums(what, kind) * block)
    return KernelText(head + ROW + body + TAIL, name, dtype, compute, 4)


@functools.cache
def sums(what: str, gradient: str, kind: str, block: int) -> KernelText:
    """Return the kernel that sums over the elements of units, chunk by chunk; gradients may be of another kind than weights."""
    n, ranges = n_sums(what, kind), n_ranges(kind)
    others = [f"s{ranges + k}" for k in range(3)]

    def load(s: str) -> list[str]:
        weights = [f"w{s} = ld_{kind}(p + at * {SIZES[kind]})"] if what == "adaptive" else []
        return [f"x{s} = ld_{gradient}(g + at * {SIZES[gradient]})", *weights]

    def use(s: str) -> list[str]:
        if what == "centralized":
            return [f"s0 += f64(x{s}) if x{s} - x{s} == x{s} - x{s} else zero"]
        weights = square_terms(f"w{s}", kind, others) if what == "adaptive" else []
        return [*square_terms(f"x{s}", kind), *weights]

    zeros = f"        {', '.join(f's{k}' for k in range(n))} = {', '.join(['zero'] * n)}\n"
    finish = [f"place = memory + (partial + u) * {8 * n}"]
    finish += [f"st_f64(place + {8 * k}, shared[{k} * nt + tid])" for k in range(n)]
    body = zeros + _walk(load, use) + _tree(n, finish)
    return _kernel(f"unit_sums_{what}_{gradient}_{kind}", what, kind, block, body)


@functools.cache
def numbers(what: str, kind: str, block: int) -> KernelText:
    """Return the kernel that makes of a unit's sums what its gradient is changed by: a mean, or what `_factors` stores."""
    n = n_sums(what, kind)
    loads = [f"s{k} += ld_f64(place + {8 * k})" for k in range(n)]
    every = [f"s{k}" for k in range(n)]
    begin = PARTIALS.format(
        sums=", ".join(every), zeros=", ".join(["zero"] * n), bytes=8 * n, loads=lines_of(loads, 16)
    )
    place = f"place = values + (value + u) * {8 * VALUES}"
    totals = [f"s{k} = shared[{k} * nt + tid]" for k in range(n)]
    if what == "centralized":
        finish = [*totals, place, f"st_f64(place, s0 / ld_f64(row + {AT['count']}))"]
    else:
        finish = [*totals, place, *_factors(what, kind)]
    return _kernel(f"unit_numbers_{what}_{kind}", what, kind, block, begin + _tree(n, finish))


def _norm(k: int, kind: str) -> list[str]:
    """Return the statements that make a norm of sums of squares."""
    ranges = n_ranges(kind)
    if ranges == 1:
        return [f"norm{k} = _fastgd_math.sqrt(s{k})"]
    a, b, c = (ranges * k + j for j in range(3))
    return NORM.format(k=k, a=a, b=b, c=c).splitlines()


def _factors(what: str, kind: str) -> list[str]:
    """Return the statements that store the numbers by which a gradient is scaled, the first of them 0 for one that stays.

    Of float32 that is a quotient: no float64 division for each element. Of float64, whose quotient might leave its range, it is a power
    of two, a divisor and a factor; the power is 1 unless the norm is more than float64 can hold.
    """
    lines = [*_norm(0, kind), f"limit = ld_f64(row + {AT['limit']})"]
    if what == "adaptive":
        lines += [*_norm(1, kind), f"limit = limit * max(norm1, ld_f64(row + {AT['eps']}))"]
    lines += ["over = f64(1) if norm0 > limit else zero", "st_f64(place, over)"]
    if kind != "f64":
        return [*lines, "st_f64(place + 8, limit / norm0 if over > zero else zero)"]
    huge = ["    norm0 = _fastgd_math.sqrt(s1) * (tiny / shrink)", "    st_f64(place, tiny)"]
    lines += [f"tiny = f64({2.0**-64!r})", "if over > zero and norm0 - norm0 != zero:", *huge]
    return [*lines, "st_f64(place + 8, norm0)", "st_f64(place + 16, limit)"]


@functools.cache
def changed(what: str, gradient: str, kind: str, block: int) -> KernelText:
    """Return the kernel that writes the new gradients, in the dtype in which steps are computed."""
    compute, _ = computing(kind)
    stored = (
        ("mean",) if what == "centralized" else ("over", "factor") if kind != "f64" else ("over", "divisor", "limit")
    )
    begin = [f"place = values + (value + u) * {8 * VALUES} if u < units else values"]
    begin += [f"{name} = ld_f64(place + {8 * k})" for k, name in enumerate(stored)]

    def load(s: str) -> list[str]:
        return [f"x{s} = ld_{gradient}(g + at * {SIZES[gradient]})"]

    def use(s: str) -> list[str]:
        y = f"y{s}"
        formula = {
            ("mean",): [f"{y} = {y} - mean"],
            ("over", "factor"): [f"{y} = {y} * factor if over > zero else {y}"],
            ("over", "divisor", "limit"): ["if over > zero:", f"    {y} = {y} * over / divisor * limit"],
        }[stored]
        finite = f"{y} = f64(x{s}) if x{s} - x{s} == x{s} - x{s} else zero"
        return [finite, *formula, f"st_{compute}(out + at{s} * {SIZES[compute]}, _fastgd_T({y}))"]

    return _kernel(
        f"unit_changed_{what}_{gradient}_{kind}", what, kind, block, lines_of(begin, 8) + "\n" + _walk(load, use)
    )
