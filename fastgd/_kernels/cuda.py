"""Compiles the CUDA kernels with numba-cuda; with ``NUMBA_ENABLE_CUDASIM=1``, prepares them for Numba's simulator.

Nothing here is imported until an array on a GPU is met. Kernels take addresses and counts only, all int64, so that one signature
serves each kind of kernel and a launch carries no array descriptors.
"""

import functools
import importlib.util
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fastgd._kernels import vecio
from fastgd._kernels.cuda_source import CONTROL, KernelText
from fastgd._kernels.ranges import SMALLEST_FACTOR
from fastgd._kernels.vecio import SIMULATED
from fastgd._validation import ArgumentTypeError

BLOCK = 8 if SIMULATED else 256
"""Threads of a block; the simulator has a thread of the operating system for each."""
BOUNDS = (BLOCK, 2)
"""And two blocks on a processor, so 128 registers: left to itself the compiler spills rather than take a few beyond 48 or 64."""


@functools.cache
def module() -> Any:
    """Return `numba.cuda`, or raise, in one line, what is missing."""
    extra = "pip install 'fastgd[cuda13]' (driver 580 or later) or 'fastgd[cuda12]'"
    if not SIMULATED and importlib.util.find_spec("numba_cuda") is None:
        raise ArgumentTypeError(f"arrays on a GPU need the package numba-cuda, which is not installed: {extra}")
    from numba import cuda

    if not SIMULATED and not cuda.is_available():
        raise ArgumentTypeError("arrays on a GPU need an NVIDIA driver and a GPU, and numba-cuda finds none")
    return cuda


def namespace(text: KernelText) -> dict[str, Any]:
    """Return what the names in a kernel's text stand for, the functions it calls compiled."""
    from numba import cuda

    f32, f64, i64, u64 = np.float32, np.float64, int, int
    types: Any = np
    if not SIMULATED:
        from numba.cuda import types

        f32, f64, i64, u64 = types.float32, types.float64, types.int64, types.uint64
    world = {
        "_fastgd_T": f64 if text.compute == "f64" else f32,
        "_fastgd_double": f64,
        "_fastgd_math": math,
        "_fastgd_mul": vecio.primitives()[f"mul_{text.compute}"],
        "cuda": cuda,
        "i64": i64,
        "u64": u64,
        "f64": f64,
        "zero": np.float64(0),
        "shared_type": types.float64,
        "flag_type": types.int64,
        **vecio.primitives(),
        **RANGES,
    }
    return world


# Squares of float64 numbers beyond these bounds may leave its range: they are summed apart, scaled by powers of two.
RANGES = {"smallest": 2.0**-500, "largest": 2.0**500, "shrink": 2.0**-540, "grow": 2.0**540}


def compiled_function(function: Callable) -> Callable:
    """Return a function that kernels call; the simulator calls it as it is."""
    if SIMULATED:
        return function
    from numba import cuda

    jit: Any = cuda.jit  # Numba's own, which has no such option, is what mypy finds
    return jit(device=True, forceinline=True)(function)


def defined(text: KernelText) -> Callable:
    """Return the kernel of a text as a Python function, whatever it calls being compiled."""
    world = namespace(text)
    if "decide(" in text.text:
        world["decide"] = decide()
    if "norm_of(" in text.text:
        world["norm_of"] = norm_of()
    code = compile(text.text, f"<fastgd {text.name}>", "exec", dont_inherit=True)
    exec(code, world)
    for name, value in list(world.items()):
        if name.startswith("_fastgd") and getattr(value, "__code__", None) is not None and value.__globals__ is world:
            world[name] = compiled_function(value)
    return world[text.name]


@functools.cache
def kernel(text: KernelText) -> Any:
    """Return a compiled kernel: ``kernel[blocks, threads, stream](*arguments)``."""
    cuda, function = module(), defined(text)
    if SIMULATED:
        return cuda.jit(function)
    return cuda.jit(f"void({', '.join(['int64'] * text.n_arguments)})", launch_bounds=BOUNDS)(function)


# ------------------------------------------------------------------------------------------------ what a step does, on the device

NORM_OF = """\
def norm_of(s0, s1, s2):
    if s1 > zero:
        return math.sqrt(s1 + s0 * (shrink * shrink)) / shrink
    if s2 > zero:
        return math.sqrt(s0 + s2 / grow / grow) if s0 > zero else math.sqrt(s2) / grow
    return math.sqrt(s0)
"""

DECIDE = """\
def decide(ctl, limits, s0, s1, s2):
    norm = norm_of(s0, s1, s2)
    st_f64(ctl + {sum}, s0 if s1 == zero and s2 == zero else norm * norm)
    st_f64(ctl + {norm}, norm)
    begin_step(ctl, limits, norm)
"""

# Only a step that is taken goes on to the next row: one that is skipped is not a step of the schedule. Policy 0 takes numbers that are
# not finite as 0, 1 skips the step, 2 also lets no later one be taken until the host has looked.
BEGIN_STEP = """\
def begin_step(ctl, limits, norm):
    row = ld_i64(ctl + {next})
    policy = ld_i64(ctl + {policy})
    finite = norm - norm == zero
    st_i64(ctl + {row}, row)
    if row >= ld_i64(ctl + {end}):
        st_i64(ctl + {skip}, 1)
        st_i64(ctl + {overrun}, ld_i64(ctl + {overrun}) + 1)
        return
    if not finite and policy != 0:
        st_i64(ctl + {skip}, 1)
        st_i64(ctl + {skipped}, ld_i64(ctl + {skipped}) + 1)
        if policy == 2:
            st_i64(ctl + {end}, 0)
        return
    st_i64(ctl + {skip}, 0)
    st_i64(ctl + {next}, row + 1)
    limit = ld_f64(limits + 8 * row)
    power, factor, clipped = one, one, 0
    if norm > limit and finite:
        clipped = 1
        factor = limit / norm
        if factor <= least:
            mantissa, exponent = math.frexp(norm)
            power = math.ldexp(one, -exponent)
            factor = limit / mantissa
    st_i64(ctl + {clipped}, clipped)
    st_f64(ctl + {power}, power)
    st_f64(ctl + {factor}, factor)
"""

BEGIN = """\
def begin(ctl, limits):
    if cuda.grid(1) == 0:
        begin_step(ctl, limits, zero)
"""


@functools.cache
def _begin_step() -> Callable:
    return _control_function(BEGIN_STEP, "begin_step", {})


@functools.cache
def decide() -> Callable:
    """Return the function that turns a norm into what the step does."""
    return _control_function(DECIDE, "decide", {"begin_step": _begin_step(), "norm_of": norm_of()})


@functools.cache
def norm_of() -> Callable:
    """Return the function that makes a norm of the sums of squares of three ranges of numbers."""
    return _control_function(NORM_OF, "norm_of", {})


def _control_function(text: str, name: str, callees: dict[str, Callable]) -> Callable:
    whole = KernelText(text.format(**CONTROL), name, np.dtype(np.float64), "f64", 0)
    world = namespace(whole) | {"math": math, "one": np.float64(1), "least": SMALLEST_FACTOR} | callees
    exec(compile(whole.text, f"<fastgd {name}>", "exec", dont_inherit=True), world)
    return compiled_function(world[name])


def defined_begin() -> Callable:
    """Return the kernel, of one thread, that begins a step without a norm, as a Python function."""
    text = KernelText(BEGIN, "begin", np.dtype(np.float64), "f64", 2)
    world = namespace(text) | {"begin_step": _begin_step()}
    exec(compile(text.text, "<fastgd begin>", "exec", dont_inherit=True), world)
    return world["begin"]


@functools.cache
def begin() -> Callable:
    """Return that kernel, compiled."""
    cuda = module()
    return cuda.jit(defined_begin()) if SIMULATED else cuda.jit("void(int64, int64)")(defined_begin())
