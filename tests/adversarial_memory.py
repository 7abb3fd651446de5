"""Rows 26-50 of the adversarial table: shared memory, objects that are no arrays, arrays that change or are very many, sparse ones.

Rows 41-50, faults within sparse gradients, have one answer for now: sparse gradients are not supported, whatever is in them, and are
refused with the hint to make them dense.
"""

import os
import tempfile
import warnings
from functools import partial

import numpy as np
import pytest
import scipy.sparse

import fastgd

from .adversarial import (
    OPTIMIZERS,
    TE,
    VE,
    BadGrads,
    BadParams,
    Check,
    problem,
    refused,
    trained,
    values,
)
from .adversarial_arrays import changed, with_w

as_strided = np.lib.stride_tricks.as_strided

# ------------------------------------------------------------------------------------------------------ shared memory: rows 26-32


def overlapping_gradient(optimizer, shift):
    """The gradient lies on its own parameter, on another one, or on a state array, `shift` elements further."""
    base = values(20)
    params = {"v": base[:6], "w": values(6)}
    state = trained(optimizer, params)
    for mine, others in ((base[shift : shift + 6], values(6)), (values(6), base[5:11])):
        faulty = {"v": mine, "w": others}
        refused(lambda faulty=faulty: state.step(faulty), VE, ("grad", "'v'", ".copy()"), state, base)
    for array in state.arrays.values():
        faulty = {"v": None, "w": array}
        refused(lambda faulty=faulty: state.step(faulty), VE, ("'w'", "state", ".copy()"), state, base)


def interleaved_gradient(optimizer):
    """Memory that meets in its span but shares no element is none of our business."""
    base = values(12)
    plain, grads = base[::2].copy(), base[1::2].copy()
    trained(optimizer, base[::2], base[1::2], base[1::2])
    trained(optimizer, plain, grads, grads)
    assert base[::2].tobytes() == plain.tobytes() and base[1::2].tobytes() == grads.tobytes()


def views(first, second):
    base = values(10)
    return {"v": values(2), "w": base[first], "b": base[second]}


def neighbours(optimizer):
    """Params that share a buffer and no element of it."""
    base, plain = values(12), values(12)
    trained(optimizer, [base[:6:2], base[1:6:2], base[6:]], [values(3), values(3), values(6)])
    apart = [plain[:6:2].copy(), plain[1:6:2].copy(), plain[6:].copy()]
    trained(optimizer, apart, [values(3), values(3), values(6)])
    plain[:6:2], plain[1:6:2], plain[6:] = apart
    assert base.tobytes() == plain.tobytes()


def stride_0_gradient(optimizer):
    w, plain = values(3, 4), values(3, 4)
    trained(optimizer, w, np.broadcast_to(0.5, (3, 4)), np.broadcast_to(values(4), (3, 4)))
    trained(optimizer, plain, np.full((3, 4), 0.5), np.tile(values(4), (3, 1)))
    assert w.tobytes() == plain.tobytes()


def one_array_twice():
    w = values(3)
    return {"v": values(2), "w": w, "b": [w]}


def in_two_groups(optimizer):
    w = values(3)
    params = {"w": w, "b": w}
    words = ("'w'", "'b'", "share memory")
    refused(lambda: optimizer.init(params, overrides={"b": {"lr": 0.5}}), VE, words, params)


def state_array_is_no_alias(optimizer):
    """What a user assigns is copied in, so that no state array can share memory with a parameter; other shapes are refused."""
    params, grads = problem()
    state = trained(optimizer, params, grads)
    for name in state.arrays:
        array, w = state.arrays[name], params[name.split(".")[0]]
        state.arrays[name] = w
        assert state.arrays[name] is array and not np.shares_memory(array, w) and np.array_equal(array, w)
        for bad in (w[:1], w.astype("f4"), list(w), np.full_like(w, np.nan), None):
            refused(lambda name=name, bad=bad: state.arrays.__setitem__(name, bad), VE, (name,), state, params)
    refused(lambda: state.arrays.__setitem__("w.nothing", params["w"]), VE, ("w.nothing",), state, params)


SHARED = [
    Check(26, "gradient is the param", partial(overlapping_gradient, shift=0), OPTIMIZERS),
    Check(27, "gradient one element further", partial(overlapping_gradient, shift=1), OPTIMIZERS),
    Check(27, "interleaved", interleaved_gradient, OPTIMIZERS),
    BadParams(28, "overlap", lambda: views(slice(0, 6), slice(5, 9)), VE, ("'w'", "'b'", "share memory")),
    BadParams(28, "one within the other", lambda: views(slice(0, 9), slice(4, 5)), VE, ("'w'", "'b'")),
    BadParams(28, "by strides", lambda: views(slice(0, 9, 2), slice(9, 1, -3)), VE, ("'w'", "'b'")),
    Check(28, "neighbours and interleaved", neighbours, OPTIMIZERS),
    BadParams(29, "same array twice", one_array_twice, VE, ("'w'", "'b.0'")),
    Check(30, "in two groups", in_two_groups, OPTIMIZERS),
    BadParams(31, "broadcast", lambda: with_w(np.broadcast_to(values(1), (5,))), VE, ("'w'",)),
    BadParams(31, "stride 0", lambda: with_w(as_strided(values(1), (5,), (0,))), VE, ("'w'", "share memory", "(0,)")),
    BadParams(31, "windows", lambda: with_w(as_strided(values(9), (4, 3), (8, 8))), VE, ("'w'", "share memory")),
    BadParams(31, "half an element", lambda: with_w(as_strided(values(9), (4,), (4,))), VE, ("'w'", "share memory")),
    Check(31, "stride-0 gradient", stride_0_gradient, OPTIMIZERS),
    Check(32, "state array", state_array_is_no_alias, OPTIMIZERS),
]

# ------------------------------------------------------------------------------------------------- what is no array: rows 33-37


def matrix(array):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.matrix(array)


class Subclass(np.ndarray):
    """An array with arithmetic of its own, which must not be used."""

    def __array_ufunc__(self, *args, **kwargs):
        raise AssertionError("a subclass must be used through its base-class view")


class Tensor:
    """Stands in for torch.Tensor, which fastgd knows by name."""


class Series:
    """Stands in for pandas.Series."""

    def __array__(self, dtype=None, copy=None):
        return np.ones((3, 4))


def subclass(optimizer):
    (params, grads), (plain, _) = problem(), problem()
    odd = {name: p.view(Subclass) for name, p in params.items()}
    trained(optimizer, odd, {name: g.view(Subclass) for name, g in grads.items()}, grads)
    trained(optimizer, plain, grads, grads)
    assert all(params[name].tobytes() == p.tobytes() for name, p in plain.items())


def mapped_file(optimizer):
    with tempfile.NamedTemporaryFile() as file:
        plain = values(50)
        plain.tofile(file.name)
        mapped = np.memmap(file.name, np.float64, "r")
        words = ("'param'", "read-only")
        refused(lambda: optimizer.init(mapped), VE, words, mapped)
        mapped = np.memmap(file.name, np.float64, "r+")
        trained(optimizer, mapped, values(50, seed=1))
        trained(optimizer, plain, values(50, seed=1))
        mapped.flush()
        assert np.fromfile(file.name).tobytes() == plain.tobytes()


NO_ARRAYS = {
    "list": ([1.0, 2.0], ("'w.0'", "float", "np.asarray")),
    "float": (1.0, ("'w'", "float", "np.asarray")),
    "NumPy scalar": (np.float64(1), ("'w'", "float64", "np.asarray")),
    "None": (None, ("'w'", "None", "np.asarray")),
    "Series": (Series(), ("'w'", "Series", "np.asarray")),
    "Tensor": (Tensor(), ("'w'", "Tensor", ".numpy()")),
    "string": ("abc", ("'w'", "str")),
}
OBJECTS = [
    BadParams(33, "masked", lambda: with_w(np.ma.array([1.0, 2.0], mask=[0, 1])), TE, ("'w'", "MaskedArray")),
    BadGrads(33, "masked gradient", lambda p, g: changed(g, np.ma.array(g["w"])), TE, ("'w'", "MaskedArray")),
    BadParams(34, "matrix", lambda: with_w(matrix(values(2, 2))), TE, ("'w'", "matrix")),
    BadGrads(34, "matrix gradient", lambda p, g: changed(g, matrix(g["w"])), TE, ("'w'", "matrix")),
    Check(35, "subclass", subclass, OPTIMIZERS),
    *(BadParams(36, name, partial(with_w, w), TE, words) for name, (w, words) in NO_ARRAYS.items()),
    *(
        BadGrads(36, f"gradient {name}", lambda p, g, w=w: changed(g, w), TE)
        for name, (w, _) in NO_ARRAYS.items()
        if name not in ("None", "NumPy scalar")
    ),
    Check(37, "memmap", mapped_file, OPTIMIZERS),
]

# ------------------------------------------------------------------------------------------------------- what changes: row 38


def resized(optimizer, change):
    """The caller's array itself, or what stands in its place, is another one than at init."""
    params, grads = {"v": values(2), "w": values(12), "b": values(4)}, {"v": values(2), "w": values(12), "b": values(4)}
    state = trained(optimizer, params, grads)
    change(params)
    for offered in (
        grads,
        grads | {"w": values(*params["w"].shape)},
        grads | {"w": np.asfortranarray(values(*params["w"].shape))},
    ):
        refused(lambda offered=offered: state.step(offered), VE, ("'w'", "init"), params, offered)
    assert state.t == 1


def reinterpreted(params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        params["w"].dtype = np.int64


CHANGES = {
    "larger": lambda params: params["w"].resize(20, refcheck=False),
    "smaller": lambda params: params["w"].resize(5, refcheck=False),
    "another shape": lambda params: params["w"].resize((3, 4), refcheck=False),
    "another dtype": reinterpreted,
    "replaced": lambda params: params.update(w=params["w"].copy()),
    "read-only": lambda params: params["w"].setflags(write=False),
}
CHANGING = [Check(38, name, partial(resized, change=change), OPTIMIZERS) for name, change in CHANGES.items()]


def structure_changed(optimizer, change):
    params, grads = [values(2), values(3)], [values(2), values(3)]
    state = trained(optimizer, params, grads)
    change(params)
    refused(lambda: state.step(grads), VE, (), grads)
    refused(lambda: state.step([values(*p.shape) for p in params]), VE, (), grads)


CHANGING += [
    Check(38, "one more", partial(structure_changed, change=lambda p: p.append(values(2))), OPTIMIZERS),
    Check(38, "one fewer", partial(structure_changed, change=lambda p: p.pop()), OPTIMIZERS),
    Check(38, "swapped", partial(structure_changed, change=lambda p: p.reverse()), OPTIMIZERS),
]

# -------------------------------------------------------------------------------------------------- very many: rows 39 and 40


def more_than_2_to_the_31():
    """4 GiB of float16 and a gradient without memory of its own: every element moves, the last 17 too."""
    if os.environ.get("FASTGD_SLOW") != "1":
        pytest.skip("needs 4 GiB and half a minute; set FASTGD_SLOW=1")
    n = 2**31 + 17
    p = np.ones(n, np.float16)
    info = trained(fastgd.SGD(lr=0.5), p).step(np.broadcast_to(np.float16(1), (n,)))
    assert info.grad_norm == n**0.5 and info.nonfinite == 0
    assert p[-17:].tolist() == [0.5] * 17
    assert p.min() == p.max() == 0.5


def ten_thousand_tiny(optimizer):
    plain, grads = values(10_000, 3), values(10_000, 3, seed=1)
    tiny = [row.copy() for row in plain]
    state = trained(optimizer, tiny, list(grads), list(grads))
    trained(optimizer, plain, grads, grads)
    assert np.stack(tiny).tobytes() == plain.tobytes() and state.t == 2


MANY = [
    Check(39, "2**31 + 17 elements", more_than_2_to_the_31),
    Check(40, "10,000 tiny params", ten_thousand_tiny, OPTIMIZERS),
]

# ------------------------------------------------------------------------------------------------------------ sparse: rows 41-50


def sparse(**faults):
    """Return a 3 x 4 matrix in compressed rows, some of its arrays replaced behind scipy's back."""
    array = scipy.sparse.csr_array(np.diag(values(4))[:3])
    for name, fault in faults.items():
        setattr(array, name, np.asarray(fault, getattr(array, name).dtype))
    return array


def indexed_by(dtype):
    array = sparse()
    array.indices, array.indptr = array.indices.astype(dtype), array.indptr.astype(dtype)
    return array


SPARSE = {
    41: ("unsorted indices", sparse(indices=[2, 1, 0], indptr=[0, 3, 3, 3])),
    42: ("duplicate indices", sparse(indices=[1, 1, 1], indptr=[0, 3, 3, 3])),
    43: ("index too large", sparse(indices=[0, 9, 2])),
    44: ("index negative", sparse(indices=[0, -1, 2])),
    45: ("indptr not monotone", sparse(indptr=[0, 2, 1, 3])),
    46: ("indptr[0] not 0", sparse(indptr=[1, 1, 2, 3])),
    47: ("lengths differ", sparse(data=[1.0, 2.0])),
    48: ("int64 indices", indexed_by("int64")),
    49: ("no element", sparse(data=[], indices=[], indptr=[0, 0, 0, 0])),
    50: ("NaN", sparse(data=[1.0, np.nan, 2.0])),
}
KINDS = ["csr_array", "csr_matrix", "csc_array", "csc_matrix", "coo_array", "coo_matrix"]
SPARSE_ROWS = [
    *(
        BadGrads(number, name, lambda p, g, s=array: changed(g, s), TE, ("'w'", "csr_array", "toarray"))
        for number, (name, array) in SPARSE.items()
    ),
    *(
        BadGrads(
            41, kind, lambda p, g, k=kind: changed(g, getattr(scipy.sparse, k)(g["w"])), TE, ("'w'", kind, "toarray")
        )
        for kind in KINDS
    ),
    BadParams(41, "param", lambda: with_w(sparse()), TE, ("'w'", "csr_array")),
]

ROWS = [*SHARED, *OBJECTS, *CHANGING, *MANY, *SPARSE_ROWS]
