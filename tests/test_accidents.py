"""Accidents of other libraries that must not happen here: non-finite gradients, overflowing norms, clipping limits, float16, counters.

Each test names the incident. Layouts, empty parameters and threads are in `test_accidents_memory`.
"""

import json
import math
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import fastgd
from fastgd._restore import restore

from . import naive
from .adversarial import EVERY_OPTIMIZER, FP, VE, assert_same, refused, snapshot, trained, values

HALF, BRAIN, SINGLE, DOUBLE = (np.dtype(d) for d in (np.float16, ml_dtypes.bfloat16, np.float32, np.float64))
SHAPES = {"first": (5,), "second": (2, 3), "third": ()}
POSITIONS = [(name, index) for name, shape in SHAPES.items() for index in np.ndindex(*shape)]
NOT_FINITE = (np.nan, np.inf, -np.inf)


def group(seed=0):
    return {name: values(*shape, seed=seed) for name, shape in SHAPES.items()}


def with_element(grads, name, index, value):
    grads = {key: g.copy() for key, g in grads.items()}
    grads[name][index] = value
    return grads


# --------------------------------------------- 1. pytorch/pytorch#46849, habitat-lab#2226: clipping lets one NaN ruin every weight


@pytest.mark.parametrize("clip", [None, 0.5], ids=["", "clipped"])
@pytest.mark.parametrize("optimizer", EVERY_OPTIMIZER.values(), ids=EVERY_OPTIMIZER)
def test_a_nonfinite_element_at_any_position_is_refused(optimizer, clip):
    params, good = group(), group(1)
    state = trained(optimizer.replace(clip_norm=clip), params, good)
    for value in NOT_FINITE:
        for name, index in POSITIONS:
            bad = with_element(good, name, index, value)
            refused(lambda bad=bad: state.step(bad), FP, (repr(name), str(index), str(value)), state, params, bad)
    # Of several, the first one is named.
    bad = with_element(with_element(good, "third", (), np.nan), "second", (1, 0), np.inf)
    refused(lambda: state.step(bad), FP, ("'second'", "(1, 0)"), state, params, bad)


@pytest.mark.parametrize("clip", [None, 0.5], ids=["", "clipped"])
@pytest.mark.parametrize("optimizer", EVERY_OPTIMIZER.values(), ids=EVERY_OPTIMIZER)
def test_a_nonfinite_element_at_any_position_skips_the_step(optimizer, clip):
    params, good = group(), group(1)
    state = trained(optimizer.replace(clip_norm=clip, on_nonfinite="skip"), params, good)
    for count, (value, (name, index)) in enumerate([(v, p) for v in NOT_FINITE for p in POSITIONS], start=1):
        bad = with_element(good, name, index, value)
        before = snapshot(params, state.arrays, bad)
        info = state.step(bad)
        assert snapshot(params, state.arrays, bad) == before
        assert (info.t, info.skipped, info.clipped, info.nonfinite) == (1, True, False, 1)
        assert (state.t, state.skipped) == (1, count)


@pytest.mark.parametrize("clip", [None, 2.0**-20], ids=["", "clipped"])
@pytest.mark.parametrize("optimizer", EVERY_OPTIMIZER.values(), ids=EVERY_OPTIMIZER)
def test_a_nonfinite_element_at_any_position_counts_as_zero(optimizer, clip):
    """Elements +-1 or 2 so that the norm is the same however it is computed, and the result the same bit for bit."""
    chosen, good = optimizer.replace(clip_norm=clip, on_nonfinite="zero"), group(1)
    good = {name: np.asarray(np.trunc(g)) for name, g in good.items()}
    for value in NOT_FINITE:
        for name, index in POSITIONS:
            bad, zeroed = with_element(good, name, index, value), with_element(good, name, index, 0.0)
            (state, infos), (twin, twins) = (
                (s, [s.step(g) for g in (good, grads)])
                for s, grads in ((chosen.init(group()), bad), (chosen.init(group()), zeroed))
            )
            assert_same(state, twin)
            assert (infos[1].nonfinite, infos[1].skipped, state.skipped) == (1, False, 0)
            assert infos[1].clipped == twins[1].clipped == (clip is not None)


@pytest.mark.parametrize("name, index", [("first", (3,)), ("second", (1, 2)), ("third", ())])
def test_clipping_functions_refuse_a_nonfinite_element(name, index):
    for value in NOT_FINITE:
        bad = with_element(group(1), name, index, value)
        refused(lambda bad=bad: fastgd.clip_norm(bad, 1.0), FP, (repr(name), str(index)), bad)
        assert not math.isfinite(fastgd.global_norm(bad))


# ------------------------------------------------------ 2. finite 1e30 float32 gradients all become 0 (torch); FeRx-NLME/ferx-core#1112

MAGNITUDES = {
    HALF: [6e-8, 1e-5, 1.0, 6e4],
    BRAIN: [1e-40, 1e-38, 1e-20, 1.0, 1e20, 3e38],
    SINGLE: [1e-45, 1e-41, 1e-38, 1e-30, 1e-20, 1.0, 1e19, 1e20, 1e30, 3e38],
    DOUBLE: [5e-324, 1e-310, 1e-200, 1e-160, 1e-140, 1.0, 1e140, 1e155, 1e200, 1e306],
}


def of_magnitude(dtype, size):
    """Return gradients of this size in three arrays, and some that are much smaller."""
    halved = values(50) / 2
    found = [
        np.full(3, size, dtype),
        (halved[:6] * size).astype(dtype),
        (halved * np.geomspace(1, 1e-3, 50) * size).astype(dtype),
    ]
    assert all(np.isfinite(g).all() for g in found)
    return found


def exact_square(arrays):
    return sum(Fraction(float(x)) ** 2 for a in arrays for x in a.ravel())


def assert_within(norm, square, ulp, count=4):
    """Assert that sqrt(square) is norm within so many ulp: in exact arithmetic, without a root."""
    low, high = max(Fraction(norm) - count * Fraction(ulp), Fraction(0)), Fraction(norm) + count * Fraction(ulp)
    assert low**2 <= square <= high**2, f"{norm} is not the root of {float(square)}"


SIZES = [pytest.param(dtype, size, id=f"{dtype} {size:g}") for dtype, sizes in MAGNITUDES.items() for size in sizes]


@pytest.mark.parametrize("dtype, size", SIZES)
def test_the_norm_is_exact_within_4_ulp(dtype, size):
    grads = of_magnitude(dtype, size)
    norm = fastgd.global_norm(grads)
    assert_within(norm, exact_square(grads), math.ulp(norm))
    assert fastgd.SGD(lr=0.0).init([np.zeros_like(g) for g in grads]).step(grads).grad_norm == norm
    assert fastgd.clip_norm(grads, math.inf) == norm


@pytest.mark.parametrize("dtype, size", SIZES)
def test_the_clipped_norm_is_the_limit_within_4_ulp(dtype, size):
    """By the function and by the optimizer, for limits from just below the norm to the smallest that leaves normal numbers."""
    norm = fastgd.global_norm(of_magnitude(dtype, size))
    info = ml_dtypes.finfo(dtype)
    smallest, largest = 1e4 * float(info.smallest_normal), min(norm, float(info.max))
    limits = [largest * 0.999, norm / 2, norm * 1e-3, norm * 1e-30, 1.0, 1e-10, smallest]
    for limit in (float(dtype.type(x)) for x in limits if smallest <= x < largest):
        ulp = 2 * float(np.spacing(dtype.type(limit / 2)))
        grads = of_magnitude(dtype, size)
        params = [np.zeros_like(g) for g in grads]
        info = fastgd.SGD(lr=1.0, clip_norm=limit).init(params).step(grads)
        assert info.clipped and info.grad_norm == norm
        assert_within(limit, exact_square(params), ulp)
        assert fastgd.clip_norm(grads, limit) == norm
        assert_within(limit, exact_square(grads), ulp)


def test_a_norm_beyond_float64_does_not_stop_a_step_that_needs_none():
    params, grads = np.zeros(1000), np.full(1000, 1.7e308)
    assert fastgd.global_norm(grads) == math.inf
    info = fastgd.SGD(lr=1e-3).init(params).step(grads)
    assert (info.grad_norm, info.nonfinite) == (math.inf, 0) and np.array_equal(params, -1e-3 * grads)
    state = fastgd.SGD(clip_norm=1.0).init(params)
    refused(lambda: state.step(grads), FP, ("norm", "float64"), state, params, grads)
    refused(lambda: fastgd.clip_norm(grads, 1.0), FP, ("norm", "float64"), grads)


# ------------------------ 3. pytorch/pytorch#31367: a negative limit reverses the gradient; google-deepmind/optax#1752: 0/0 at limit 0


@pytest.mark.parametrize("optimizer", EVERY_OPTIMIZER.values(), ids=EVERY_OPTIMIZER)
@pytest.mark.parametrize("option", ["clip_norm", "clip_value"])
def test_a_limit_of_zero_makes_gradients_zero(option, optimizer):
    for bad in (-1, -0.0, np.nan):
        refused(lambda bad=bad: optimizer.replace(**{option: bad}), VE, (option, repr(bad)))
    for grads in (np.zeros(4), values(4)):
        p, plain = values(4, seed=3), values(4, seed=3)
        trained(optimizer.replace(**{option: 0}), p, grads)
        trained(optimizer, plain, np.zeros(4))
        assert np.array_equal(p, plain)
        clipped = grads.copy()
        getattr(fastgd, option)(clipped, 0)
        assert np.array_equal(clipped, np.zeros(4))


# -------------------------------------------------- 4. google-deepmind/optax#1755: float16 eps underflows to 0, and 0/0 is NaN

LINEAR = {"SGD", "momentum", "nesterov", "ASGD"}
"""Whose exact result is as large as the gradients: these get an eighth of the largest, so that ten steps can be held."""


@pytest.mark.parametrize("optimizer", EVERY_OPTIMIZER.values(), ids=EVERY_OPTIMIZER)
@pytest.mark.parametrize("dtype", [HALF, BRAIN, SINGLE, DOUBLE], ids=str)
def test_zero_subnormal_and_maximal_gradients_stay_finite(dtype, optimizer):
    info = ml_dtypes.finfo(dtype)
    smallest, largest = float(info.smallest_subnormal), float(info.max)
    if any(optimizer == EVERY_OPTIMIZER[name] for name in LINEAR):
        optimizer, largest = optimizer.replace(lr=1e-3), largest / 8
    g = np.array([0.0, -0.0, smallest, -smallest, float(info.smallest_normal), largest, -largest, 1.0, -1e-4], dtype)
    for p in (np.zeros(g.size, dtype), np.linspace(-1, 1, g.size).astype(dtype)):
        state = optimizer.init(p)
        for k in range(10):
            state.step(g if k % 3 else -g)
        for name, array in {"p": p, **state.arrays}.items():
            assert np.isfinite(array.astype(np.float64)).all(), f"{name}: {array}"


# ------------------------------------ 5. pytorch/ao#4915: a bfloat16 counter stops at 256; torch's float32 counter stops at 2**24


@pytest.mark.parametrize("optimizer", EVERY_OPTIMIZER.values(), ids=EVERY_OPTIMIZER)
@pytest.mark.parametrize("t", [2**24, 2**31, 2**53], ids=["2**24", "2**31", "2**53"])
def test_the_step_counter_never_stops(t, optimizer):
    """Set through a checkpoint; the textbook optimizer with the same count agrees."""
    p, g = values(6), values(6, seed=1)
    tensors, config = trained(optimizer, p, g, g)._export()
    config = json.loads(json.dumps(config)) | {"t": t}
    config["cohorts"] = [[group, t, carry] for group, _, carry in config["cohorts"]]
    state = restore(tensors, config, p)
    assert state.t == t and type(state.t) is int

    not_there = ("name", "on_nonfinite", "extras", "cautious")  # what the textbook has not, and no optimizer here uses
    described = {k: v for k, v in optimizer.to_dict().items() if k not in not_there and v is not None}
    if isinstance(optimizer, fastgd.SignSGD):
        described["momentum"] = 0
    oracle = getattr(naive, {"SignSGD": "Signum"}.get(type(optimizer).__name__, type(optimizer).__name__))(**described)
    oracle.init([values(6)])
    for _ in range(2):
        oracle.step([g])
    oracle.t, oracle.counts = t, [t]
    for k in range(2):
        assert state.step(g / (k + 2)).t == t + k
        oracle.step([g / (k + 2)])
    assert state.t == t + 2 and state._export()[1]["cohorts"][0][1] == t + 2
    np.testing.assert_allclose(p, oracle.params[0], rtol=1e-12)


def test_the_step_counter_passes_256_for_bfloat16():
    p = np.ones(3, BRAIN)
    state = fastgd.AdamW().init(p)
    for k in range(260):
        assert state.step(np.ones(3, BRAIN)).t == k
    assert state.t == 260


def test_a_schedule_ends_at_2_to_the_53_and_says_so():
    p = values(3)
    tensors, config = fastgd.SGD(lr=fastgd.schedules.linear(1.0, 2**53, end=0.5)).init(p)._export()
    config["t"], config["cohorts"][0][1] = 2**53, 2**53
    state = restore(tensors, config, p)
    assert state.step(values(3)).lr == 0.5
    refused(lambda: state.step(values(3)), VE, ("2**53",), p)
