"""The bound: kernels that only stream the arrays an optimizer must read and write.

Each adds 0 times the gradient to every array it writes. Two that share nothing: a rule of such additions, run by fastgd's own driver (the
same threads, the same cuts), and a C loop, compiled by the system's compiler for this very processor, on fixed stretches, one per thread.
The faster of the two is the bound.
"""

import ctypes
import functools
import os
import shutil
import subprocess
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np

import fastgd
from bench.memory import lent_state, params_like
from bench.timing import Contender

BY_RULE, BY_C = "stream: a rule of additions", "stream: a C loop"


@fastgd.rule
def Stream1(p, g, /, lr=0.0):
    return p + lr * g


@fastgd.rule
def Stream2(p, g, a, /, lr=0.0):
    return p + lr * g, a + lr * g


@fastgd.rule
def Stream3(p, g, a, b, /, lr=0.0):
    return p + lr * g, a + lr * g, b + lr * g


@fastgd.rule
def Stream4(p, g, a, b, c, /, lr=0.0):
    return p + lr * g, a + lr * g, b + lr * g, c + lr * g


RULES = {1: Stream1, 2: Stream2, 3: Stream3, 4: Stream4}
"""By the number of arrays written; each reads one more, the gradient."""


def _c_function(writes: int) -> str:
    arrays = [f"a{k}" for k in range(writes)]
    arguments = ", ".join(f"float *restrict {a}" for a in arrays)
    body = " ".join(f"{a}[i] += lr * g[i];" for a in arrays)
    return (
        f"void stream_{writes}(float lr, ptrdiff_t n, const float *restrict g, {arguments}) "
        f"{{ for (ptrdiff_t i = 0; i < n; i++) {{ {body} }} }}\n"
    )


@functools.cache
def c_library() -> ctypes.CDLL | None:
    """Return the compiled C loops, or None where there is no C compiler."""
    compiler = shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0]) or shutil.which("cc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "stream.c"), Path(folder, "stream.so")
        source.write_text("#include <stddef.h>\n" + "".join(map(_c_function, RULES)))
        flags = ["-O3", "-march=native", "-shared", "-fPIC"]
        subprocess.run([compiler, *flags, "-o", str(library), str(source)], check=True)
        return ctypes.CDLL(str(library))


class CLoop:
    """The C loop over given arrays: one fixed stretch for each thread, the first done by the caller."""

    def __init__(self, library: ctypes.CDLL, gradient: np.ndarray, written: list[np.ndarray], threads: int):
        self.function = library[f"stream_{len(written)}"]
        self.arrays = [gradient, *written]  # kept alive for their addresses
        cuts = [gradient.size * k // threads // 64 * 64 for k in range(threads)] + [gradient.size]
        self.calls = [self._arguments(low, high) for low, high in pairwise(cuts)]
        self.pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def _arguments(self, low: int, high: int) -> tuple:
        addresses = [a.ctypes.data + 4 * low for a in self.arrays]
        return ctypes.c_float(0), ctypes.c_ssize_t(high - low), *map(ctypes.c_void_p, addresses)

    def __call__(self) -> None:
        others = [self.pool.submit(self.function, *call) for call in self.calls[1:]]
        self.function(*self.calls[0])
        for other in others:
            other.result()


def streams(start: list[np.ndarray], gradients: list[list[np.ndarray]], writes: int) -> list[Contender]:
    """Return the streaming kernels for one array of the parameters' size: reads ``writes + 1`` arrays, writes `writes`.

    Both run on the same memory and leave it as it is.

    Parameters
    ----------
    start : list of one ndarray, float32
        The parameter.
    gradients : list of list of one ndarray, float32
        The gradients, of which the first set is used.
    writes : int
        From 1 to 4.

    Returns
    -------
    list of Contender
    """
    param, gradient = params_like(start)[0], gradients[0][0]
    with lent_state():
        state = RULES[writes](on_nonfinite="zero").init(param)
    step = functools.partial(state.step, gradient)
    found = [Contender(BY_RULE, lambda k: step, arrays=2 * writes + 1)]
    library = c_library()
    if library is not None:
        loop = CLoop(library, gradient, [param, *state.arrays.values()], fastgd.info()["threads"])
        found.append(Contender(BY_C, lambda k: loop, arrays=2 * writes + 1))
    return found


def usable_cores() -> int:
    """Return the processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
