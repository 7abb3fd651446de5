"""Averages that follow weights on a GPU, by the formula of the processor's: a step of gradient descent on half the squared distance.

The weights are the gradients of that step, in their own dtype; the averages are of the dtype in which steps are computed. By which share of
the way they move is read from device memory, so that replayed steps need no host.
"""

import functools
import math

import numpy as np

from fastgd._kernels import cuda_arrays, cuda_launch, cuda_memory, cuda_passes, rules
from fastgd._kernels.cuda_arrays import DeviceArray
from fastgd._kernels.cuda_launch import Launch
from fastgd._kernels.cuda_passes import Pass
from fastgd._kernels.cuda_source import (
    ALIGNED,
    CONTROL,
    CONTROL_SIZE,
    ELEMENTS,
    KernelText,
    addresses,
    computing,
    function_of,
    lines_of,
    scalars,
)
from fastgd._kernels.vecio import LANES, SIZES

N_SCALARS = 4  # scale, limit, rate, penalty: as the sweep of `rules.sgd` takes them

# Where the share is 0, as between the moves of Lookahead, nothing is read or written.
FOLLOW = (
    """\
def {name}(table, n_chunks, rows, ctl):
    if ld_i64(ctl + {skip}) != 0:
        return
    h = rows + ld_i64(ctl + {row}) * {row_bytes}
{scalars}
    if h_lr == _fastgd_T(0):
        return
    tid = i64(cuda.threadIdx.x)
    nt = i64(cuda.blockDim.x)
    c = i64(cuda.blockIdx.x)
    while c < n_chunks:
        row = table + c * {width}
{addresses}
        n = packed & 0xFFFFFFFF
"""
    + ELEMENTS
    + """\
        c += i64(cuda.gridDim.x)
"""
)


@functools.cache
def follow(average: str, weight: str, give: bool) -> KernelText:
    """Return the kernel that moves averages of one kind towards weights of another, and lets the weights be the averages if they `give`."""
    compute, dtype = computing(average)
    f, _ = function_of(rules.sgd, dtype)
    kinds = {"p": average, "g": weight}

    def lines(suffixes: list[str], wide: str) -> list[str]:
        every = {name: ", ".join(f"e_{name}{s}" for s in suffixes) for name in kinds}
        place = {name: f"a_{name} + i * {SIZES[kind] * len(suffixes)}" for name, kind in kinds.items()}
        found = [f"{every[name]} = ld_{kind}{wide}({place[name]})" for name, kind in kinds.items()]
        found += [f"e_p{s} = {f.call(s, f'{f.clip}(e_g{s}, scale, limit)')}" for s in suffixes]
        return found + [f"st_{kinds[n]}{wide}({place[n]}, {every['p']})" for n in ("p", *(["g"] if give else []))]

    name = f"follow_{average}_{weight}" + ("_give" if give else "")
    body = FOLLOW.format(
        name=name, width=8 * cuda_passes.WORDS, aligned=ALIGNED, lanes=LANES[average], row_bytes=N_SCALARS * SIZES[compute],
        skip=CONTROL["skip"], row=CONTROL["row"], scalars=lines_of(scalars(f.scalars, compute), 4),
        addresses=lines_of(addresses(["p", "g"], cuda_passes.WORDS), 8),
        vector=lines_of(lines([str(k) for k in range(LANES[average])], f"x{LANES[average]}"), 16),
        single=lines_of(lines([""], ""), 12),
    )  # fmt: skip
    return KernelText(f"{f.text}\n\n{body}", name, dtype, compute, 4)


class Following:
    """Averages on a GPU and the weights that they follow.

    Parameters
    ----------
    averages, weights : list of DeviceArray
        The averages are of the weights' shapes, and of the dtypes in which their steps are computed.

    Attributes
    ----------
    t : int
        The number of steps that were followed.
    """

    def __init__(self, averages: list[DeviceArray], weights: list[DeviceArray]):
        self.arrays = [averages, weights]
        self.owner, self.t = weights[0].owner, 0
        self._moves: dict[bool, Pass] = {}
        self._take, self._give = Pass(cuda_passes.copy, self.arrays), Pass(cuda_passes.copy, self.arrays[::-1])
        self._rows: dict[str, cuda_memory.Memory] = {}
        self.control = cuda_memory.Memory(CONTROL_SIZE)  # of the only step whose share is sent
        cuda_memory.clear(self.control.address, CONTROL_SIZE)
        self.stream = cuda_arrays.stream_of(self.owner)
        cuda_memory.wait()  # for the arrays' first values, which were set on no stream in particular

    def _now_stream(self) -> int:
        stream = cuda_arrays.stream_of(self.owner)
        if stream != self.stream:
            cuda_memory.synchronize(self.stream)
            self.stream = stream
        return stream

    def begin(self) -> None:
        """Let the averages be the weights."""
        self._take.run(self._now_stream())

    def give(self) -> None:
        """Let the weights be the averages, rounded where they are narrower."""
        self._give.run(self._now_stream())

    def move(self, share: float) -> None:
        """Move the averages by a share of the way to the weights, and count that."""
        stream = self._now_stream()
        self.prepare(False, stream)
        self.send([share], stream)
        cuda_launch.run(self.moves(self.control.address, False, stream), [(self, "t", self.t + 1)])

    def send(self, shares: list[float], stream: int) -> None:
        """Send the shares of the next steps."""
        rows = np.array([(1.0, math.inf, -share, -1.0) for share in shares])
        for compute in {computing(a.kind)[0] for a in self.arrays[0]}:
            values = np.ascontiguousarray(rows, computing(compute)[1])
            memory = self._rows.get(compute)
            if memory is None or memory.n_bytes < values.nbytes:
                cuda_memory.synchronize(stream)  # a kernel may still read what is about to be freed
                memory = self._rows[compute] = cuda_memory.Memory(values.nbytes)
            cuda_memory.upload(memory.address, values, stream)

    def prepare(self, give: bool, stream: int) -> None:
        """Do what can be done before the first of `moves`, which may be recorded in a graph."""
        if give not in self._moves:
            self._moves[give] = Pass(lambda a, p: follow(a, p, give), self.arrays)
        self._moves[give].send(stream)

    def moves(self, control: int, give: bool, stream: int) -> list[Launch]:
        """Return what moves the averages by the share of the step that a control block is at, unless it is left out."""
        return self._moves[give].ready(stream, lambda kind: (self._rows[computing(kind)[0]].address, control))
