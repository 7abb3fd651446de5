"""An array library for tests that need no other: what the Array API standard has and nothing else, on host memory that it does not share.

As on a GPU, nothing becomes a NumPy array but by `Array.get`, which notes how many elements went to the host. With ``ON_DEVICE``, in the
simulator or on what stands for a GPU, arrays are behind ``__cuda_array_interface__``, as CuPy's are, so that the CUDA kernels step them.
"""

import os

import numpy as np

from tests import cuda_arrays

ON_DEVICE = "1" in (os.environ.get("NUMBA_ENABLE_CUDASIM"), os.environ.get("FASTGD_TEST_PTX"))
STANDARD = {
    "abs", "all", "any", "arange", "argmax", "argsort", "asarray", "astype", "bool", "clip", "concat", "cumulative_sum",
    "exp", "expm1", "finfo", "float32", "float64", "full", "int32", "int64", "isfinite", "log", "log1p", "max",
    "maximum", "min", "minimum", "nonzero", "ones", "permute_dims", "repeat", "reshape", "searchsorted", "sign", "sqrt",
    "stack", "sum", "take", "tanh", "where", "zeros",
}  # fmt: skip

fetched: list[int] = []
"""How many elements each copy to the host had."""


def bare(value):
    if isinstance(value, Array):
        return value._values
    if isinstance(value, (list, tuple)):
        return type(value)(bare(each) for each in value)
    return value


def wrapped(value):
    if isinstance(value, tuple):
        return tuple(wrapped(each) for each in value)
    return Array(np.asarray(value)) if isinstance(value, (np.ndarray, np.generic)) else value


class Library:
    """The namespace."""

    __name__ = "library"

    def __getattr__(self, name):
        if name not in STANDARD:
            raise AttributeError(f"the standard has no {name!r}")
        found = getattr(np, name)
        if isinstance(found, type):
            return found if name != "finfo" else lambda dtype: np.finfo(dtype)

        def function(*args, **kwargs):
            device = kwargs.pop("device", None)
            assert device in (None, "library 0")
            if name == "argsort":
                kwargs["kind"] = "stable" if kwargs.pop("stable") else None
            for value in (*args, *kwargs.values()):
                assert not isinstance(value, np.ndarray) or name == "asarray", f"{name} of an array in host memory"
            return wrapped(found(*bare(args), **bare_of(kwargs)))

        return function


def bare_of(options):
    return {name: bare(value) for name, value in options.items()}


library = Library()


class Array:
    """An array of this library."""

    device = "library 0"

    def __init__(self, values):
        self._values = values
        self.shape, self.dtype, self.ndim, self.size = values.shape, values.dtype, values.ndim, values.size

    def __array_namespace__(self, api_version=None):
        return library

    def __array__(self, *args, **kwargs):
        raise TypeError("implicit conversion to a NumPy array is not allowed; use get()")

    def get(self):
        """Return a copy on the host."""
        fetched.append(self.size)
        return self._values.copy()

    @property
    def T(self):
        assert self.ndim == 2
        return Array(self._values.T)

    def __getitem__(self, key):
        return wrapped(self._values[bare(key)])

    def __setitem__(self, key, value):
        assert not isinstance(value, np.ndarray)
        self._values[bare(key)] = bare(value)

    def __len__(self):
        return len(self._values)

    def __bool__(self):
        return bool(self._values)

    def __float__(self):
        return float(self._values)

    def __int__(self):
        return int(self._values)

    if ON_DEVICE:

        @property
        def __cuda_array_interface__(self):
            strides = None if self._values.flags.c_contiguous else self._values.strides
            cuda_arrays.lend(self._values)
            place = self._values.ctypes.data if self.size else 0, False
            return {"shape": self.shape, "typestr": self.dtype.str, "data": place, "version": 3, "strides": strides}

    else:

        def __dlpack__(self, **options):
            return self._values.__dlpack__(**options)

        def __dlpack_device__(self):
            return self._values.__dlpack_device__()


def _operator(name):
    def apply(self, other=None):
        assert not isinstance(other, np.ndarray), f"{name} with an array in host memory"
        function = getattr(self._values, name)
        result = function() if other is None else function(bare(other))
        if name.startswith("__i") and name != "__invert__":
            return self
        return wrapped(result)

    return apply


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "rshift"):
    for _form in ("__{}__", "__r{}__", "__i{}__"):
        setattr(Array, _form.format(_name), _operator(_form.format(_name)))
for _name in ("lt", "le", "gt", "ge", "eq", "ne", "neg", "abs", "invert"):
    setattr(Array, f"__{_name}__", _operator(f"__{_name}__"))
Array.__hash__ = object.__hash__


def on_device(values):
    """Return a copy of a NumPy array in this library."""
    return Array(np.array(values, order="C"))


class CSR:
    """A sparse matrix by rows, as cupyx.scipy.sparse has it."""

    format, ndim = "csr", 2

    def __init__(self, matrix):
        self.data, self.indices, self.indptr = (on_device(a) for a in (matrix.data, matrix.indices, matrix.indptr))
        self.shape, self.dtype = matrix.shape, matrix.dtype
