"""Writes the text of the CUDA kernels of `Adafactor` and `SM3`, whose second moments are numbers of rows and columns.

What each tile finds of its rows and columns is put together across tiles: sums by a second kernel that adds them up in a fixed order,
maxima, which are the same in any order, by comparing bits as integers. An array of one dimension has its numbers element by element. The
formulas are those of `directions.py`. Gradients may be of another kind than parameters, of as many lanes.
"""

import functools
from collections.abc import Callable

import numpy as np

from fastgd._kernels import directions
from fastgd._kernels.cuda_source import (
    SCALARS,
    Function,
    KernelText,
    computing,
    counted,
    function_of,
    lines_of,
    square_terms,
    tree,
)
from fastgd._kernels.cuda_tiles import (
    MORE,
    PARTS,
    QUADS,
    ROWS,
    STRETCH,
    WORDS,
    Access,
    direction_scalars,
    reduced,
    rule_scalars,
    shared_arrays,
    summed,
    tiles,
    word_loads,
)
from fastgd._kernels.vecio import LANES, SIZES

MEAN = """\
            mean = good
            if a_plain == 0:
                total = zero
                n_parts = (a_n + {last}) // {stretch}
                k = matrix * n_parts
                while k < (matrix + 1) * n_parts:
                    total += ld_f64(a_mean_parts + k * 8)
                    k += 1
                mean = _fastgd_T(total / f64(a_n))
                if tid == 0 and top == 0 and part == 0:
                    st_{compute}(a_mean + matrix * {size}, mean)"""

# The new means of rows and columns, and the sums of the rows' over a stretch.
MEANS = """\
def {name}(arrays, owners, n_stretches, more):
    shared = cuda.shared.array({n_shared}, dtype=shared_type)
    tid = i64(cuda.threadIdx.x)
    nt = i64(cuda.blockDim.x)
    c = i64(cuda.blockIdx.x)
    while c < n_stretches:
        a = arrays + ld_i64(owners + c * 8) * {row_bytes}
{words}
        if a_g != 0:
            share = ld_{compute}(more + a_cohort * {more_bytes} + {share_at})
            n_rows, n_columns = (a_n + {last}) // {stretch}, (a_m + {last}) // {stretch}
            q = c - a_first_stretch
            matrix = q // (n_rows + n_columns)
            q -= matrix * (n_rows + n_columns)
            s0 = zero
            if q < n_rows:
{row_words}
                i = q * {stretch} + tid
                while i < min(a_n, (q + 1) * {stretch}):
                    total, k, at = zero, i64(0), matrix * a_n + i
                    while k < a_n_across:
                        total += ld_f64(a_row_parts + (at * a_n_across + k) * 8)
                        k += 1
                    old = ld_{compute}(a_leading + at * {size})
                    new = {averaged}(old, _fastgd_T(total / f64(a_m)), share)
                    st_{compute}(a_leading + at * {size}, new)
                    s0 += f64(new)
                    i += nt
                shared[tid] = s0
{tree}
                if tid == 0:
                    st_f64(a_mean_parts + (matrix * n_rows + q) * 8, shared[0])
            else:
{column_words}
                i = (q - n_rows) * {stretch} + tid
                while i < min(a_m, (q - n_rows + 1) * {stretch}):
                    total, k, at = zero, i64(0), matrix * a_m + i
                    while k < a_n_down:
                        total += ld_f64(a_column_parts + ((matrix * a_n_down + k) * a_m + i) * 8)
                        k += 1
                    old = ld_{compute}(a_second + at * {size})
                    st_{compute}(a_second + at * {size}, {averaged}(old, _fastgd_T(total / f64(a_n)), share))
                    i += nt
            cuda.syncthreads()
        c += i64(cuda.gridDim.x)
"""

# The factor of each array's normalized gradient, from the sums of its tiles.
FACTORS = """\
def {name}(arrays, n_arrays, more, sums):
    shared = cuda.shared.array({n_shared}, dtype=shared_type)
    tid = i64(cuda.threadIdx.x)
    nt = i64(cuda.blockDim.x)
    c = i64(cuda.blockIdx.x)
    while c < n_arrays:
        a = arrays + c * {row_bytes}
{words}
        if a_g != 0:
            side = i64(0)
            rms, before = zero, zero
            while side < 2:
                before = rms
                s0, s1, s2 = zero, zero, zero
                i = tid
                while i < a_n_tiles:
                    place = sums + (a_first_tile + i) * {parts_bytes} + side * 24
                    s0 += ld_f64(place)
                    s1 += ld_f64(place + 8)
                    s2 += ld_f64(place + 16)
                    i += nt
                shared[tid], shared[nt + tid], shared[2 * nt + tid] = s0, s1, s2
{tree}
                rms = norm_of(shared[0], shared[nt], shared[2 * nt]) / _fastgd_math.sqrt(f64(a_size))
                cuda.syncthreads()
                side += 1
            if tid == 0:
                h = more + a_cohort * {more_bytes}
                factor = {step_scale}(before, rms, ld_f64(h + 40), ld_f64(h + 48), ld_f64(h + 56))
                st_{compute}(a_factor, factor)
        c += i64(cuda.gridDim.x)
"""

# New maxima become the state, and their place is 0 again, for the next step.
TAKE = """\
def {name}(arrays, stretches, n_stretches):
    nt = i64(cuda.blockDim.x)
    c = i64(cuda.blockIdx.x)
    while c < n_stretches:
        owner, accumulator = ld_i64x2(stretches + c * 32)
        new, count = ld_i64x2(stretches + c * 32 + 16)
        if ld_i64(arrays + owner * {row_bytes} + 8) != 0:
            i = i64(cuda.threadIdx.x)
            while i < count:
                st_{compute}(accumulator + i * {size}, ld_{compute}(new + i * {size}))
                st_{compute}(new + i * {size}, _fastgd_T(0))
                i += nt
        c += i64(cuda.gridDim.x)
"""

# The least of the numbers that cover a row, those of all dimensions but the last, inner ones first.
LOW = """\
            a_axes = ld_i64(a + {axes_at})
            a_n_axes = ld_i64(a + {n_axes_at})
            j = tid
            while j < n_here and a_plain == 0:
                low, rest, k = good, first_line + j, i64(0)
                while k < a_n_axes:
                    length, place = ld_i64x2(a_axes + k * 32)
                    above = rest // length if k + 1 < a_n_axes else i64(0)
                    found = ld_{compute}(place + (rest - above * length) * {size})
                    low = found if k == 0 or found < low else low
                    rest = above
                    k += 1
                lows[j] = low
                j += nt
            cuda.syncthreads()"""

RAISE = """\
x, rest, k = shared[j << {quad_bits}], first_line + j, i64(0)
while k < a_n_axes:
    length = ld_i64(a_axes + k * 32)
    above = rest // length if k + 1 < a_n_axes else i64(0)
    atomic_max_{compute}(ld_i64(a_axes + k * 32 + 16) + (rest - above * length) * {size}, x)
    rest = above
    k += 1"""


@functools.cache
def gather(rule: Callable, kind: str, gradient: str, block: int) -> KernelText:
    """Return the kernel that sums squares of gradients by rows and columns, or averages those of vectors, and sums those of parameters."""
    compute, dtype = computing(kind)
    f, (averaged,) = function_of(rule, dtype, [directions.averaged])
    v = Access(LANES[kind], g=gradient, p=kind, second=compute)
    body = [*v.load("x", "g"), *v.load("w", "p")]
    body += v.each(f"x# = {f.clip}(x#, g_scale, g_limit)", "x# = _fastgd_mul(x#, x#)")
    vector = [*v.load("v", "second"), *v.each(f"v# = {averaged}(v#, x#, share)")]
    vector += v.store("v", "second")
    line = " + ".join(f"f64(x{k})" for k in range(v.lanes))
    matrix = [*v.each("c# += f64(x#)"), f"shared[u64(spot)] = {line}"]
    body += ["if a_plain != 0:", *("    " + x for x in vector), "else:", *("    " + x for x in matrix)]
    body += [line for k in range(v.lanes) for line in square_terms(f"w{k}", kind)]
    rows = [f"st_f64(a_row_parts + ((first_line + j) * a_n_across + part) * 8, shared[j << {QUADS.bit_length() - 1}])"]
    column = "st_f64(a_column_parts + (band * a_m + left + j) * 8, x)"
    return tiles(
        f"gather_{kind}_{gradient}", kind, block, v, (), f.text,
        declared=shared_arrays(kind, block, "shared_type"), fixed=direction_scalars(kind, "share"),
        begin=["            s0, s1, s2 = zero, zero, zero"], start=v.each("c# = zero"), body=body,
        finish=v.each(f"upright[item * {v.lanes} + #] = c#"),
        end=[reduced(kind, "x + y", ("row_parts", "column_parts"), rows, [column]), summed(0)],
    )  # fmt: skip


def _normalized(v: Access, kind: str, f: Function, outer: str, normalized: str) -> list[str]:
    """Return the statements that make normalized gradients, u0 and so on."""
    compute, _ = computing(kind)
    lead = f"lead = ld_{compute}(a_leading + (first_line + r) * {SIZES[compute]}) if a_plain == 0 else good"
    lines = [*v.load("x", "g"), *v.load("v", "second"), lead]
    return lines + v.each(
        f"u# = {f.clip}(x#, g_scale, g_limit)",
        f"v# = v# if a_plain != 0 else {outer}(lead, v#, mean, least)",
        f"u# = {normalized}(u#, v#, least_square)",
    )


@functools.cache
def sizes(rule: Callable, kind: str, gradient: str, block: int) -> KernelText:
    """Return the kernel that sums the squares of normalized gradients."""
    compute, dtype = computing(kind)
    f, names = function_of(rule, dtype, [directions.outer, directions.normalized])
    v = Access(LANES[kind], g=gradient, second=compute)
    mean = MEAN.format(stretch=STRETCH, last=STRETCH - 1, compute=compute, size=SIZES[compute])
    body = [*_normalized(v, kind, f, *names), *v.each("u# = u# if count > # else good")]
    body += [line for k in range(v.lanes) for line in square_terms(f"u{k}", kind)]
    return tiles(
        f"sizes_{kind}_{gradient}", kind, block, v, ("leading", "mean_parts", "mean"), f.text,
        declared=[f"shared = cuda.shared.array({3 * block}, dtype=shared_type)"],
        fixed=direction_scalars(kind, "", "least", "least_square"),
        begin=[mean, "            s0, s1, s2 = zero, zero, zero"], body=body, end=[summed(1)],
    )  # fmt: skip


@functools.cache
def scaled(rule: Callable, kind: str, gradient: str, block: int) -> KernelText:
    """Return the kernel that applies the rule of `Adafactor` to normalized gradients times their array's factor."""
    compute, dtype = computing(kind)
    f, names = function_of(rule, dtype, [directions.outer, directions.normalized])
    v = Access(LANES[kind], g=gradient, p=kind, second=compute)
    body = [*_normalized(v, kind, f, *names), *v.load("e_p", "p")]
    body += v.each(
        counted("x#"),
        f"e_p# = {f.call('#', f'{f.clip}(_fastgd_mul(u#, factor), scale, limit)')}",
    )
    body += v.store("e_p", "p")
    return tiles(
        f"scaled_{kind}_{gradient}", kind, block, v, ("leading", "mean", "factor"), f.text,
        fixed=[*direction_scalars(kind, "", "least", "least_square"), *rule_scalars(f, compute), f"factor = ld_{compute}(a_factor)"],
        begin=[f"            mean = ld_{compute}(a_mean + matrix * {SIZES[compute]}) if a_plain == 0 else good"], body=body,
    )  # fmt: skip


@functools.cache
def covered(rule: Callable, kind: str, gradient: str, slot_kind: str | None, block: int) -> KernelText:
    """Return the kernel of `SM3`: it applies the rule to bounded gradients, and finds the new maxima; `slot_kind` is that of momentum."""
    compute, dtype = computing(kind)
    size, bits = SIZES[compute], QUADS.bit_length() - 1
    f, (penalized, cover, bound) = function_of(
        rule, dtype, [directions.penalized, directions.covered, directions.bounded]
    )
    slots = f.elements[2:]  # one, or none
    kinds = {"g": gradient, "p": kind, "second": compute} | ({"slot": slot_kind or compute} if slots else {})
    v = Access(LANES[kind], **kinds)
    body = [*v.load("x", "g"), *v.load("e_p", "p")]
    body += v.load("v", "second")
    for slot in slots:
        body += v.load(f"e_{slot}", "slot")
    results = ", ".join(f"e_{name}#" for name in ("p", *slots))
    body += v.each(
        counted("x#"),
        f"x# = {penalized}({f.clip}(x#, g_scale, g_limit), e_p#, l2)",
        f"v# = {cover}(x#, v# if a_plain != 0 or v# < lows[u64(r)] else lows[u64(r)], fresh, kept)",
        f"{results} = {f.call('#', f'{f.clip}({bound}(x#, v#, eps), scale, limit)')}",
    )
    dithered = slot_kind not in (None, compute)
    for slot in slots:
        body += v.each(f"e_{slot}# = coarse(e_{slot}#, dither)") if dithered else []
        body += v.store(f"e_{slot}", "slot")
    body += v.store("e_p", "p")
    body += [
        "if a_plain != 0:",
        *("    " + x for x in v.store("v", "second")),
        "else:",
        "    most = v0",
    ]
    body += [f"    most = v{k} if v{k} > most else most" for k in range(1, v.lanes)]
    body += ["    shared[u64(spot)] = most", *("    " + x for x in v.each("c# = v# if v# > c# else c#"))]
    column = f"atomic_max_{compute}(a_new + (left + j) * {size}, x)"
    places = {f"{name}_at": 8 * WORDS.index(name) for name in ("axes", "n_axes")}
    low = LOW.format(compute=compute, size=size, **places)
    raised = RAISE.format(quad_bits=bits, compute=compute, size=size).splitlines()
    fixed = [*direction_scalars(kind, "l2", "fresh", "kept", "eps"), *rule_scalars(f, compute)]
    fixed += [f"dither = ld_f32(h + {SIZES['f32'] * (SCALARS - 1)})"] if dithered else []
    return tiles(
        f"covered_{rule.__name__}_{kind}_{gradient}_{slot_kind}", kind, block, v, (), f.text,
        declared=[*shared_arrays(kind, block, "_fastgd_T"), f"lows = cuda.shared.array({ROWS}, dtype=_fastgd_T)"], fixed=fixed,
        begin=[low], start=v.each("c# = good"), body=body,
        finish=v.each(f"upright[item * {v.lanes} + #] = c#"),
        end=[reduced(kind, "x if x > y else y", ("new", "axes", "n_axes"), raised, [column])],
    )  # fmt: skip


@functools.cache
def means(rule: Callable, kind: str, block: int) -> KernelText:
    """Return the kernel that averages what `gather` found into the means of rows and columns."""
    compute, dtype = computing(kind)
    f, (averaged,) = function_of(rule, dtype, [directions.averaged])
    words = ("g", "n", "m", "first_stretch", "cohort")
    text = MEANS.format(
        name=f"means_{compute}", n_shared=block, row_bytes=8 * len(WORDS), more_bytes=SIZES[compute] * MORE,
        share_at=2 * SIZES[compute], stretch=STRETCH, last=STRETCH - 1, compute=compute, size=SIZES[compute], tree=tree(16, 1),
        words=lines_of(word_loads(words), 8), row_words=lines_of(word_loads(("leading", "n_across", "row_parts", "mean_parts")), 16),
        column_words=lines_of(word_loads(("second", "n_down", "column_parts")), 16), averaged=averaged,
    )  # fmt: skip
    return KernelText(f"{f.text}\n\n{text}", f"means_{compute}", dtype, compute, 4)


@functools.cache
def factors(rule: Callable, kind: str, block: int) -> KernelText:
    """Return the kernel that makes each array's factor of the sums of its tiles."""
    compute, _ = computing(kind)
    f, (step_scale,) = function_of(rule, np.dtype(np.float64), [directions.step_scale])
    text = FACTORS.format(
        name=f"factors_{compute}", compute=compute, n_shared=3 * block, row_bytes=8 * len(WORDS), more_bytes=8 * MORE,
        parts_bytes=8 * PARTS, tree=tree(16, 3),
        words=lines_of(word_loads(("g", "size", "first_tile", "n_tiles", "cohort", "factor")), 8), step_scale=step_scale,
    )  # fmt: skip
    return KernelText(f"{f.text}\n\n{text}", f"factors_{compute}", np.dtype(np.float64), "f64", 4)


@functools.cache
def take(kind: str) -> KernelText:
    """Return the kernel that puts new maxima into the state."""
    compute, dtype = computing(kind)
    text = TAKE.format(name=f"take_{compute}", row_bytes=8 * len(WORDS), compute=compute, size=SIZES[compute])
    return KernelText(text, f"take_{compute}", dtype, compute, 3)
