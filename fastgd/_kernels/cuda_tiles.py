"""Writes the text of CUDA kernels that walk matrices by tiles and learn something of their rows and columns; see `cuda_factored_source`.

A block takes one tile of a matrix at a time, ROWS x QUADS vectors; a thread walks down the rows of one column of vectors. On a GPU there
are as many threads as walks; their number is in the text, so that the compiler leaves out the loop over walks. What a tile knows of its
rows and columns is brought together in shared memory by fixed trees. An array of one dimension is walked as a matrix of whole tiles whose
last row may be short, and has no rows and columns to know of.
"""

from collections.abc import Sequence

from fastgd._kernels.cuda_source import CONTROL, SCALARS, Function, KernelText, computing, lines_of, scalars, tree
from fastgd._kernels.vecio import LANES, SIMULATED, SIZES

# Of a tile: rows, vectors of a row, threads that share a column.
ROWS, QUADS, SUBS = (4, 4, 2) if SIMULATED else (64, 64, 4)
STRETCH = 8 if SIMULATED else 1024  # rows or columns that a block brings together at a time
MORE = 8  # scalars of a cohort's direction: scale, limit, then those of the optimizer
PARTS = 6  # sums of a tile: three of the squares of parameters, three of those of normalized gradients

# A row of the table describes an array: addresses first, then its shape as the kernels see it and where its parts begin.
WORDS = (
    "p", "g", "slot", "leading", "second", "size", "n", "m", "n_down", "n_across", "first_tile", "first_stretch", "cohort", "wide",
    "plain", "row_parts", "column_parts", "mean_parts", "factor", "axes", "n_axes", "new", "n_tiles", "mean",
)  # fmt: skip

# A thread is at the vector `spot` of its tile, whose row goes on for `count` elements; where an array is walked, rather than a matrix, that
# is how many are left of it, in the thread's next row `fewer` less.
TILES = """\
def {name}(arrays, owners, n_tiles, rows, more, sums, ctl):
{declared}
    every = True
    good = _fastgd_T(0)
    bad = good
    tid = i64(cuda.threadIdx.x)
    nt = i64(cuda.blockDim.x)
    c = i64(cuda.blockIdx.x)
    while c < n_tiles:
        a = arrays + ld_i64(owners + c * 8) * {row_bytes}
{words}
        if a_g != 0:
            h = more + a_cohort * {more_bytes}
{fixed}
            tile = c - a_first_tile
            band = tile // a_n_across
            part = tile - band * a_n_across
            left = part * {columns}
            matrix = band // a_n_down
            top = (band - matrix * a_n_down) * {rows}
            n_here = min({rows}, a_n - top)
            first_line, base = matrix * a_n + top, matrix * a_m
{begin}
            step = a_m * {subs}
            item = tid
            while item < {items}:
                spot, col = item, left + (item & {last_quad}) * {lanes}
                at = (first_line + (item >> {quad_bits})) * a_m + col
                count, fewer, other = a_m - col, i64(0), base + col
                if a_plain != 0:
                    count, fewer, other = ld_i64(a + {size_at}) - at, step, at
{start}
                while spot < n_here << {quad_bits}:
                    r = spot >> {quad_bits}
                    whole = a_wide != 0 and count >= {lanes}
{body}
                    spot += {items}
                    count -= fewer
{onward}
{finish}
                item += {block}
{end}
        c += i64(cuda.gridDim.x)
    if bad != good:
        atomic_add_i64(ctl + {nonfinite}, i64(bad))
"""

# The numbers of a tile's rows and columns from those of its threads.
REDUCE = """\
            if a_plain == 0:
                cuda.syncthreads()
{words}
                bits = {quad_bits}
                while bits > 0:
                    bits -= 1
                    j = tid
                    while j < n_here << bits:
                        k = ((j >> bits) << {quad_bits}) + (j & ((1 << bits) - 1))
                        x, y = shared[k], shared[k + (1 << bits)]
                        shared[k] = {joined}
                        j += nt
                    cuda.syncthreads()
                j = tid
                while j < n_here:
{row}
                    j += nt
                j = tid
                while j < min({columns}, a_m - left):
                    x = upright[j]
{columns_joined}
{column}
                    j += nt
            cuda.syncthreads()"""

SUMMED = """\
            shared[tid], shared[nt + tid], shared[2 * nt + tid] = s0, s1, s2
{tree}
            if tid == 0:
                place = sums + c * {parts_bytes} + {offset}
                st_f64(place, shared[0])
                st_f64(place + 8, shared[nt])
                st_f64(place + 16, shared[2 * nt])
            cuda.syncthreads()"""


def word_loads(names: Sequence[str]) -> list[str]:
    return [f"a_{name} = ld_i64(a + {8 * WORDS.index(name)})" for name in names]


class Access:
    """Where a thread is in the arrays that it walks along, and the statements that load and store a vector there, or what there is of one.

    Each address goes on from row to row by itself: made of the row's number each time, the addresses, and what the compiler keeps to make
    them, take more registers than there are.

    Parameters
    ----------
    lanes : int
        Elements of a vector.
    **kinds : str
        The kind of each array, by its word in the table. The numbers of ``second`` are those of a matrix's columns, the same in each row.
    """

    def __init__(self, lanes: int, **kinds: str):
        self.lanes, self.kinds = lanes, kinds

    def first(self) -> list[str]:
        """Return the statements that find the first vector of a thread."""
        index = {word: "other" if word == "second" else "at" for word in self.kinds}
        return [
            f"at_{word} = ld_i64(a + {8 * WORDS.index(word)}) + {index[word]} * {SIZES[kind]}"
            for word, kind in self.kinds.items()
        ]

    def onward(self) -> list[str]:
        """Return the statements that go on to the next row of a thread."""
        step = {word: "fewer" if word == "second" else "step" for word in self.kinds}
        return [f"at_{word} += {step[word]} * {SIZES[kind]}" for word, kind in self.kinds.items()]

    def load(self, name: str, word: str) -> list[str]:
        kind, names = self.kinds[word], [f"{name}{k}" for k in range(self.lanes)]
        single = [
            f"    {x} = ld_{kind}(at_{word} + {k * SIZES[kind]}) if count > {k} else good" for k, x in enumerate(names)
        ]
        return ["if whole:", f"    {', '.join(names)} = ld_{kind}x{self.lanes}(at_{word})", "else:", *single]

    def store(self, name: str, word: str) -> list[str]:
        kind, names = self.kinds[word], [f"{name}{k}" for k in range(self.lanes)]
        lines = ["if whole:", f"    st_{kind}x{self.lanes}(at_{word}, {', '.join(names)})", "else:"]
        for k, x in enumerate(names):
            lines += [f"    if count > {k}:", f"        st_{kind}(at_{word} + {k * SIZES[kind]}, {x})"]
        return lines

    def each(self, *texts: str) -> list[str]:
        """Return statements for every lane, whose number stands for the letter # in them."""
        return [text.replace("#", str(k)) for k in range(self.lanes) for text in texts]


def tiles(
    name: str, kind: str, block: int, access: Access, words: Sequence[str], formulas: str, **parts: list[str]
) -> KernelText:
    """Return a kernel over tiles: what is fixed for a tile, what begins it, each element, and what ends it."""
    compute, dtype = computing(kind)
    lanes = LANES[kind]
    needed = ("g", "n", "m", "n_down", "n_across", "first_tile", "cohort", "wide", "plain", *words)
    text = TILES.format(
        name=name, row_bytes=8 * len(WORDS), more_bytes=SIZES[compute] * MORE, rows=ROWS, items=QUADS * SUBS, subs=SUBS, lanes=lanes,
        last_quad=QUADS - 1, quad_bits=QUADS.bit_length() - 1, columns=QUADS * lanes, nonfinite=CONTROL["nonfinite"], block=block,
        size_at=8 * WORDS.index("size"), words=lines_of(word_loads(needed), 8), declared=lines_of(parts.get("declared", []), 4),
        fixed=lines_of(parts["fixed"], 12), begin="\n".join(parts.get("begin", [])),
        start=lines_of([*access.first(), *parts.get("start", [])], 16), body=lines_of(parts["body"], 20),
        onward=lines_of(access.onward(), 20), finish=lines_of(parts.get("finish", []), 16), end="\n".join(parts.get("end", [])),
    )  # fmt: skip
    return KernelText(f"{formulas}\n\n{text}", name, dtype, compute, 7)


def reduced(kind: str, joined: str, words: Sequence[str], row: list[str], column: list[str]) -> str:
    """Return the statements that join what threads found of a tile's rows and columns; `row` and `column` take what was found of one."""
    columns = QUADS * LANES[kind]
    others = [line for k in range(1, SUBS) for line in (f"y = upright[{k * columns} + j]", f"x = {joined}")]
    return REDUCE.format(
        quad_bits=QUADS.bit_length() - 1, columns=columns, joined=joined,
        words=lines_of(word_loads(words), 16), row=lines_of(row, 20), column=lines_of(column, 20),
        columns_joined=lines_of(others, 20),
    )  # fmt: skip


def shared_arrays(kind: str, block: int, dtype: str) -> list[str]:
    """Return the declarations of what a tile's rows and columns are brought together in."""
    return [
        f"shared = cuda.shared.array({max(ROWS * QUADS, 3 * block)}, dtype={dtype})",
        f"upright = cuda.shared.array({SUBS * QUADS * LANES[kind]}, dtype={dtype})",
    ]


def summed(side: int) -> str:
    return SUMMED.format(tree=tree(12, 3), parts_bytes=8 * PARTS, offset=24 * side)


def direction_scalars(kind: str, *names: str) -> list[str]:
    """Return the statements that load the scalars of a direction, those with a name."""
    compute, _ = computing(kind)
    names = ("g_scale", "g_limit", *names)
    return [f"{name} = ld_{compute}(h + {SIZES[compute] * k})" for k, name in enumerate(names) if name]


def rule_scalars(f: Function, compute: str) -> list[str]:
    return [f"h = rows + a_cohort * {SCALARS * SIZES[compute]}", *scalars(f.scalars, compute)]
