"""Rows 1-25 of the adversarial table: the dtypes, layouts, shapes and numbers of parameters and gradients."""

from functools import partial

import ml_dtypes
import numpy as np

import fastgd

from . import naive
from .adversarial import (
    FP,
    LAYOUTS,
    OPTIMIZERS,
    TE,
    VE,
    BadGrads,
    BadParams,
    Check,
    SameGrads,
    SameParams,
    assert_same,
    laid_out,
    problem,
    refused,
    snapshot,
    trained,
    unaligned,
    values,
)


def with_w(w):
    """Return parameters of which only "w" is odd, and not the first."""
    return {"v": values(2), "w": w}


def changed(grads, w):
    return grads | {"w": w}


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


# ------------------------------------------------------------------------------------------------------------- dtypes: rows 1-9

DTYPES = [
    BadParams(1, "int64", lambda: with_w(np.ones(3, "i8")), TE, ("param 'w' has dtype int64", "float32 or float64")),
    BadParams(1, "int8", lambda: with_w(np.ones(3, "i1")), TE, ("'w'", "int8")),
    BadParams(1, "bool", lambda: with_w(np.ones(3, "?")), TE, ("'w'", "bool")),
    BadParams(2, "complex128", lambda: with_w(np.ones(3, "c16")), TE, ("'w'", "complex128")),
    BadParams(2, "complex64", lambda: with_w(np.ones(3, "c8")), TE, ("'w'", "complex64")),
    BadParams(3, "object", lambda: with_w(np.array([1.0, None])), TE, ("'w'", "object")),
    BadParams(4, "string", lambda: with_w(np.array(["1.0"])), TE, ("'w'", "<U3")),
    BadParams(4, "datetime64", lambda: with_w(np.zeros(2, "M8[s]")), TE, ("'w'", "datetime64")),
    BadParams(4, "structured", lambda: with_w(np.zeros(2, "f8,f4")), TE, ("'w'", "f8")),
    BadParams(
        7, "longdouble", lambda: with_w(np.ones(2, np.longdouble)), TE, ("'w'", "float128", "float32 or float64")
    ),
    BadParams(8, "big-endian", lambda: with_w(np.ones(2, ">f8")), TE, ("'w'", ".astype(x.dtype.newbyteorder('='))")),
    BadGrads(8, "big-endian gradient", lambda p, g: changed(g, g["w"].astype(">f8")), TE, ("'w'", ">f8")),
    SameGrads(8, "big-endian gradient, cast", lambda g: g.astype(">f8"), cast=True),
    SameParams(9, "unaligned", unaligned),
    SameGrads(9, "unaligned gradient", unaligned),
    SameParams(9, "unaligned float32", unaligned, dtype="float32"),
    SameParams(9, "unaligned float16", unaligned, dtype="float16"),
]


def narrow_is_float32_rounded_once(optimizer, dtype):
    params, grads = problem(dtype)
    wide_params, wide_grads = ({name: a.astype(np.float32) for name, a in tree.items()} for tree in (params, grads))
    narrow, wide = optimizer.init(params), optimizer.init(wide_params)
    for _ in range(5):
        assert narrow.step(grads).grad_norm == wide.step(wide_grads).grad_norm
        for name, p in wide_params.items():
            p[...] = p.astype(dtype)
            assert params[name].tobytes() == p.astype(dtype).tobytes()
    for name, array in narrow.arrays.items():
        assert array.dtype == np.float32
        assert array.tobytes() == wide.arrays[name].tobytes()


CLIPPED = {f"{name}-clipped": optimizer.replace(clip_norm=0.5) for name, optimizer in OPTIMIZERS.items()}
DTYPES += [
    Check(5, "float16", partial(narrow_is_float32_rounded_once, dtype="float16"), OPTIMIZERS | CLIPPED),
    Check(6, "bfloat16", partial(narrow_is_float32_rounded_once, dtype=ml_dtypes.bfloat16), OPTIMIZERS | CLIPPED),
]

# ---------------------------------------------------------------------------------------------------------- layouts: rows 10-15


def empty_among(optimizer, place):
    (params, grads), (plain, plain_grads) = problem(), problem()
    state, twin = trained(optimizer, params), trained(optimizer, plain)
    names = list(params)
    names.insert(place, "empty")
    params, grads = ({n: tree.get(n, np.zeros((3, 0))) for n in names} for tree in (params, grads))
    state = trained(optimizer, params, grads, grads)
    for _ in range(2):
        twin.step(plain_grads)
    assert all(params[n].tobytes() == plain[n].tobytes() for n in plain)
    assert state.t == twin.t == 2


def zero_dimensional(optimizer):
    """A 0-d param is one element; its gradient may be a NumPy scalar, which is what arithmetic on it gives, but no float."""
    for as_gradient in (np.asarray, np.float64):
        p, plain = np.array(0.5), np.array([0.5])
        state = trained(optimizer, p, as_gradient(1.5), as_gradient(-0.5))
        trained(optimizer, plain, np.array([1.5]), np.array([-0.5]))
        assert p.shape == () and float(p) == plain[0] and state.t == 2
    refused(lambda: state.step(1.5), TE, ("'param'", "float"), state, p)
    refused(lambda: state.step(np.float32(1.5)), TE, ("'param'", "float32", "cast"), state, p)


def many_dimensions(optimizer):
    shape = (2, *(1,) * 61, 3, 2)
    p, g, plain = values(12), values(12, seed=1), values(12)
    for odd in (p.reshape(shape), values(12).reshape(shape[::-1]).T):
        flat = odd.reshape(-1).copy()
        trained(optimizer, odd, g.reshape(shape), g.reshape(shape))
        trained(optimizer, flat, g, g)
        assert odd.tobytes() == flat.tobytes() and odd.ndim == 64
    assert not np.array_equal(p, plain)


def thousand_with_the_last_read_only():
    params = [np.ones(2) for _ in range(999)]
    return [*params, read_only(np.ones(2))]


ARRAYS = [
    *(SameParams(10, name, lambda a, name=name: laid_out(a, name)[1]) for name in LAYOUTS),
    *(SameGrads(10, f"gradient {name}", lambda a, name=name: laid_out(a, name)[1]) for name in LAYOUTS),
    Check(11, "0-d", zero_dimensional, OPTIMIZERS),
    *(Check(12, f"empty at {k}", partial(empty_among, place=k), OPTIMIZERS) for k in (0, 1, 3)),
    Check(13, "64 dimensions", many_dimensions, OPTIMIZERS),
    BadParams(14, "read-only", lambda: with_w(read_only(values(3))), VE, ("'w'", "read-only")),
    BadParams(14, "last of 1000", thousand_with_the_last_read_only, VE, ("'999'", "read-only")),
    SameGrads(15, "read-only gradient", read_only),
]

# ------------------------------------------------------------------------------------------ shapes, dtypes, structure: rows 16-19

SHAPES = [(1,), (), (3, 1), (1, 4), (4,), (4, 3), (12,), (3, 4, 1), (1, 3, 4), (0,), (3, 5), (2, 4)]
FLOAT32 = {"dtype": "float32"}
GRADIENTS = [
    *(
        BadGrads(16, f"shape {s}", lambda p, g, s=s: changed(g, values(*s)), VE, ("'w'", str(s), "(3, 4)"))
        for s in SHAPES
    ),
    BadGrads(16, "NumPy scalar", lambda p, g: changed(g, np.float64(1)), VE, ("'w'", "()", "(3, 4)")),
    BadGrads(16, "key missing", lambda p, g: {"v": g["v"], "b": g["b"]}, VE),
    BadGrads(16, "key unknown", lambda p, g: g | {"x": g["b"]}, VE, ("'x'",)),
    BadGrads(16, "key misspelt", lambda p, g: {"v": g["v"], "W": g["w"], "b": g["b"]}, VE, ("'W'", "'w'")),
    BadGrads(16, "list for dict", lambda p, g: list(g.values()), TE, ("grads", "dict", "list")),
    BadGrads(16, "array for dict", lambda p, g: g["w"], TE, ("grads", "dict", "ndarray")),
    BadGrads(16, "dict for array", lambda p, g: changed(g, {"x": g["w"]}), TE),
    *(
        BadGrads(17, dtype, lambda p, g, d=dtype: changed(g, g["w"].astype(d)), TE, ("'w'", dtype, "cast"), **FLOAT32)
        for dtype in ("float64", "float16", "int64", "uint8")
    ),
    *(
        BadGrads(17, f"{d}, cast", lambda p, g, d=d: changed(g, g["w"].astype(d)), TE, ("'w'", d), cast=True)
        for d in ("complex128", "bool", "object")
    ),
    SameGrads(17, "float64, cast", lambda g: g.astype("f8"), cast=True, **FLOAT32),
    SameGrads(17, "longdouble, cast", lambda g: g.astype("g"), cast=True, **FLOAT32),
]


def none_leaves_one_alone(optimizer):
    (params, grads), (twins, _) = problem(), problem()
    state = trained(optimizer, params, grads)
    before = {name: a.tobytes() for name, a in state._export()[0].items() if name.startswith("w.")}
    info = state.step(changed(grads, None))
    assert (info.t, info.skipped, state.t) == (1, False, 2)
    assert {name: state._export()[0][name].tobytes() for name in before} == before
    # Its own count stood still too: its second step is what the second step of a state that never paused is.
    state.step(grads)
    trained(optimizer, twins, grads, grads)
    assert params["w"].tobytes() == twins["w"].tobytes()


def all_none(optimizer):
    params, grads = problem()
    state = trained(optimizer, params, grads)
    before = snapshot(state, params)
    info = state.step(dict.fromkeys(grads))
    assert info.skipped and info.t == 1 and snapshot(state, params) == before


GRADIENTS += [
    Check(18, "one None", none_leaves_one_alone, OPTIMIZERS),
    Check(19, "all None", all_none, OPTIMIZERS | CLIPPED),
]

# ---------------------------------------------------------------------------------------------------- what they hold: rows 20-25


def spoilt(grads, value):
    grads["w"] = grads["w"].copy()
    grads["w"][1, 2] = value
    return grads


def counted(optimizer, value):
    """`skip` changes nothing and `zero` takes a zero instead; both say how many there were, and neither writes to the gradient."""
    params, grads = problem()
    state = trained(optimizer.replace(on_nonfinite="skip"), params, grads)
    bad = spoilt(dict(grads), value)
    before = snapshot(params, state.arrays, bad)
    info = state.step(bad)
    assert (info.skipped, info.nonfinite, info.t, state.t, state.skipped) == (True, 1, 1, 1, 1)
    assert snapshot(params, state.arrays, bad) == before

    (params, _), (twins, _) = problem(), problem()
    state, twin = (trained(optimizer.replace(on_nonfinite="zero"), p, grads) for p in (params, twins))
    info = state.step(bad)
    twin.step(spoilt(dict(grads), 0.0))
    assert (info.skipped, info.nonfinite, state.t, state.skipped) == (False, 1, 2, 0)
    assert np.isnan(bad["w"][1, 2]) or np.isinf(bad["w"][1, 2])
    assert_same(state, twin)


def bad_param(value):
    w = values(3, 4)
    w[2, 1] = value
    return with_w(w)


def oracle_within_2_ulp(optimizer, small):
    """Huge, tiny and mixed float32 gradients: the first step is the float64 oracle's, of the same float32 numbers."""
    g = np.float32([1e38, -1e38, small, -small, 1.0, -3e38, 1e-20, 1e20])
    for p in (np.linspace(0.5, 1.5, g.size, dtype=np.float32), np.full(g.size, -2, np.float32)):
        not_there = (
            "name",
            "on_nonfinite",
            "extras",
            "cautious",
        )  # what the textbook has not, and no optimizer here uses
        options = {name: value for name, value in optimizer.to_dict().items() if name not in not_there}
        oracle = getattr(naive, type(optimizer).__name__)(**{k: v for k, v in options.items() if v is not None})
        oracle.init([p])
        oracle.step([g])
        trained(optimizer, p, g)
        error = np.abs(p.astype(np.float64) - oracle.params[0]) / np.spacing(
            np.abs(oracle.params[0].astype(np.float32))
        )
        assert (error <= 2).all(), f"{error} ulp: {p} is not {oracle.params[0]}"


# 1 - beta times 1e-45 is 0 in float32: for Lion, whose step does not shrink with the gradient, the smallest gradient that counts is larger.
SMALLEST = {name: 1e-43 if name == "Lion" else 1e-45 for name in OPTIMIZERS}


def zero_keeps_its_sign(optimizer):
    p = np.array([0.0, -0.0])
    trained(optimizer, p, np.zeros(2))
    assert np.signbit(p).tolist() == [False, True]
    g = np.array([0.0, -0.0, 3.0])
    fastgd.clip_value(g, 2.0)
    fastgd.clip_norm(g, 1.0)
    assert np.signbit(g).tolist() == [False, True, False]


HOLDINGS = [
    *(
        BadGrads(
            number, str(bad), lambda p, g, bad=bad: spoilt(g, bad), FP, ("'w'", "(1, 2)"), policies=("raise", "clip")
        )
        for number, bad in ((20, np.nan), (21, np.inf), (22, -np.inf))
    ),
    *(
        Check(number, f"{bad} counted", partial(counted, value=bad), OPTIMIZERS)
        for number, bad in ((20, np.nan), (21, np.inf), (22, -np.inf))
    ),
    BadGrads(
        21, "by a cast", lambda p, g: changed(g, np.full((3, 4), 1e300)), FP, cast=True, policies=("raise",), **FLOAT32
    ),
    *(BadParams(23, str(bad), partial(bad_param, bad), FP, ("'w'", "(2, 1)")) for bad in (np.nan, np.inf, -np.inf)),
    *(
        Check(24, f"1e38 and 1e-45, {label}", partial(oracle_within_2_ulp, small=SMALLEST[label]), {label: optimizer})
        for label, optimizer in OPTIMIZERS.items()
    ),
    # FTRL's weight is computed anew from its state, where a zero has no sign.
    Check(25, "-0.0", zero_keeps_its_sign, {k: v for k, v in OPTIMIZERS.items() if k != "FTRL"}),
]

ROWS = [*DTYPES, *ARRAYS, *GRADIENTS, *HOLDINGS]
