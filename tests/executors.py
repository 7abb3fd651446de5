"""The interpreted executor: rules and losses, element by element, in CPython; what every compiled executor must equal bit for bit.

A rule is run as it stands in its file, on NumPy scalars of the dtype, so that every operation rounds in that dtype. Only its global `math`
is replaced: `sqrt` and `fabs` are NumPy's, `exp` and `log1p` the C library's, which the compiled kernels call as well. (IEEE 754 fixes the
last bit of a square root, not that of an exponential; NumPy has its own.)
"""

import ctypes
import ctypes.util
import types

import numpy as np

from fastgd._kernels import execute, losses, rules

DTYPES = (np.float32, np.float64)
LEVELS = execute._built_levels()
C_LIBRARY = ctypes.CDLL(ctypes.util.find_library("m"))
C_TYPES = {np.float32: ctypes.c_float, np.float64: ctypes.c_double}


def functions_of(module):
    """Return the functions that a module defines, by name."""
    return {name: f for name, f in vars(module).items() if isinstance(f, types.FunctionType)}


RULES = {name: f for name, f in functions_of(rules).items() if name != "clipped"}
LOSSES = functions_of(losses)


def c_function(name, dtype):
    """Return a function of the C library for one dtype: `expf` for float32, `exp` for float64."""
    function = C_LIBRARY[name + "f" if dtype is np.float32 else name]
    function.restype, function.argtypes = C_TYPES[dtype], [C_TYPES[dtype]]
    return lambda x: dtype(function(x))


def interpreted(function, dtype):
    """Return the function with the elementary functions of one dtype as its `math`."""
    math = types.SimpleNamespace(
        sqrt=np.sqrt, fabs=np.abs, exp=c_function("exp", dtype), log1p=c_function("log1p", dtype)
    )
    return types.FunctionType(function.__code__, {"math": math}, function.__name__)


def run_interpreted(function, columns, scalars):
    """Return the columns of outputs of a function called on each row of the columns, then the scalars."""
    dtype = columns[0].dtype.type
    function, hyper = interpreted(function, dtype), [dtype(s) for s in scalars]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        rows = [function(*row, *hyper) for row in zip(*columns, strict=True)]
    rows = [row if isinstance(row, tuple) else (row,) for row in rows]
    return [np.array(column, dtype) for column in zip(*rows, strict=True)]


def step_interpreted(rule, arrays, scalars):
    """Return the new `p, *state`, and how many gradient elements were not finite, from `p, g, *state` and `scale, limit, *hyper`."""
    p, g, *state = arrays
    (seen,) = run_interpreted(rules.clipped, [g], scalars[:2])
    return run_interpreted(rule, [p, seen, *state], scalars[2:]), int(np.count_nonzero(~np.isfinite(g)))


def bits(array):
    """Return the array as unsigned integers, every NaN as the same one: sign and payload of a NaN mean nothing here."""
    whole = np.array(array)
    with np.errstate(invalid="ignore"):  # a signalling NaN
        whole[np.isnan(whole)] = np.nan
    return whole.view(f"u{whole.itemsize}")


def assert_same_bits(found, expected, message=""):
    """Raise unless two lists of arrays are equal bit by bit (-0.0 is not 0.0; a NaN is a NaN)."""
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        assert a.dtype == b.dtype and a.shape == b.shape, (
            f"{message}, output {k}: {a.dtype}{a.shape}, {b.dtype}{b.shape}"
        )
        different = np.argwhere(np.atleast_1d(bits(a) != bits(b)))
        assert not different.size, f"{message}, output {k}, {len(different)} differ, first at {different[0]}"
