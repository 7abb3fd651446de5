"""CUDA kernels of sparse rows (CSR): their products with weights, and the gradient, summed in a fixed order and without atomics.

The gradient's sums run over the entries of a batch sorted by column. A thread walks CHUNK entries, for one lane; columns whose entries lie
within a chunk are done with that. Of a column that goes beyond, each chunk leaves its share, and a second kernel adds the shares up, first
to last: the same bits on every device, and no thread that walks all entries of a popular column.
"""

import functools

from fastgd._kernels import cuda, cuda_launch
from fastgd._kernels.cuda_source import KernelText, computing
from fastgd._kernels.vecio import SIMULATED, SIZES

CHUNK = 4 if SIMULATED else 64  # sorted entries that one thread walks

# Rows by their numbers; one thread for each row and lane, lanes side by side.
PRODUCT = """\
def product_{kind}(n_rows, rows, indptr, indices, data, weights, n_features, n_lanes, out):
    i = i64(cuda.grid(1))
    while i < n_rows * n_lanes:
        r = i // n_lanes
        own = weights + (i - r * n_lanes) * n_features * {size}
        row = ld_i64(rows + r * 8)
        k = ld_i64(indptr + row * 8)
        end = ld_i64(indptr + row * 8 + 8)
        total = _fastgd_T(0)
        while k < end:
            column = ld_i64(indices + k * 8)
            total += _fastgd_mul(ld_{kind}(data + k * {size}), ld_{kind}(own + column * {size}))
            k += 1
        st_{kind}(out + i * {size}, total)
        i += i64(cuda.gridDim.x) * i64(cuda.blockDim.x)
"""

SHARES = """\
def shares_{kind}(n, columns, rows, data, slopes, n_features, n_lanes, out, shares):
    i = i64(cuda.grid(1))
    n_chunks = (n + {last}) // {chunk}
    while i < n_chunks * n_lanes:
        q = i // n_lanes
        lane = i - q * n_lanes
        first = q * {chunk}
        end = min(first + {chunk}, n)
        k = first
        while k < end:
            column = ld_i64(columns + k * 8)
            goes_on = k == first and k > 0 and ld_i64(columns + max(k - 1, 0) * 8) == column
            total = _fastgd_T(0)
            same = True
            while same:
                place = slopes + (ld_i64(rows + k * 8) * n_lanes + lane) * {size}
                total += _fastgd_mul(ld_{kind}(data + k * {size}), ld_{kind}(place))
                k += 1
                same = k < end and ld_i64(columns + min(k, n - 1) * 8) == column
            beyond = k == end and end < n and ld_i64(columns + min(end, n - 1) * 8) == column
            if goes_on:
                st_{kind}(shares + (2 * i) * {size}, total)
            elif beyond:
                st_{kind}(shares + (2 * i + 1) * {size}, total)
            else:
                st_{kind}(out + (lane * n_features + column) * {size}, total)
        i += i64(cuda.gridDim.x) * i64(cuda.blockDim.x)
"""

# A chunk whose last column began in it and goes beyond it adds up that column.
JOIN = """\
def join_{kind}(n, columns, n_features, n_lanes, out, shares):
    i = i64(cuda.grid(1))
    n_chunks = (n + {last}) // {chunk}
    while i < n_chunks * n_lanes:
        q = i // n_lanes
        lane = i - q * n_lanes
        first = q * {chunk}
        end = first + {chunk}
        if end < n:
            column = ld_i64(columns + (end - 1) * 8)
            beyond = ld_i64(columns + end * 8) == column
            before = first > 0 and ld_i64(columns + max(first - 1, 0) * 8) == column
            if beyond and not before:
                total = ld_{kind}(shares + (2 * i + 1) * {size})
                j = i
                while beyond:
                    j += n_lanes
                    total += ld_{kind}(shares + (2 * j) * {size})
                    end += {chunk}
                    beyond = end < n and ld_i64(columns + min(end, n - 1) * 8) == column
                st_{kind}(out + (lane * n_features + column) * {size}, total)
        i += i64(cuda.gridDim.x) * i64(cuda.blockDim.x)
"""


@functools.cache
def text(name: str, kind: str) -> KernelText:
    """Return the text of the kernel "product", "shares" or "join" for values of a kind."""
    template, n_arguments = {"product": (PRODUCT, 9), "shares": (SHARES, 9), "join": (JOIN, 6)}[name]
    compute, dtype = computing(kind)
    body = template.format(kind=kind, size=SIZES[kind], chunk=CHUNK, last=CHUNK - 1)
    return KernelText(body, f"{name}_{kind}", dtype, compute, n_arguments)


def launch(name: str, kind: str, n_threads: int, stream: int, *arguments: int) -> None:
    """Launch a kernel with about so many threads."""
    if n_threads:
        cuda_launch.kernel(text(name, kind))(-(-n_threads // cuda.BLOCK), stream, *arguments)
