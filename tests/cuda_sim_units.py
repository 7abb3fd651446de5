"""Extras that change gradients on a GPU, run by `test_cuda_sim.py` in the simulator; the oracle is the processor's.

Sums of units are in another order than NumPy's, and what is made of them is rounded from float64: float32 has the same bits.
"""

import math
import sys

import ml_dtypes
import numpy as np
import pytest

import fastgd
from fastgd._kernels import cuda_units
from fastgd.optimizers import storage
from tests.cuda_arrays import Pair, Produced, few_threads, shifted

sys.setswitchinterval(1e-5)  # the simulator's barriers wait for the interpreter to switch threads
DTYPES = ["float32", "float64", "float16", ml_dtypes.bfloat16]
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=["f32", "f64", "f16", "bf16"])
SHAPES = [(3, 4), (5,), (), (0, 2), (2, 3, 2), (1, 3), (17, 2)]
FEW = [(9, 2), (5,), ()]
EXTRAS = {
    "centralization": fastgd.GradientCentralization(),
    "centralization of rows": fastgd.GradientCentralization(unit_axis=0),
    "adaptive": fastgd.AdaptiveGradientClipping(0.3, eps=0.5),
    "adaptive of rows": fastgd.AdaptiveGradientClipping(0.1, unit_axis=0),
    "array norm": fastgd.ArrayNormClipping(1.5),
}
every_extra = pytest.mark.parametrize("extras", EXTRAS.values(), ids=EXTRAS)


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    few_threads(monkeypatch, 4)
    monkeypatch.setattr(cuda_units, "CHUNK", 16)


def arrays(rng, dtype, shapes=SHAPES, size=1.0):
    return [np.asarray(size * rng.standard_normal(shape), dtype) for shape in shapes]


def rounding(dtype):
    return 1e-14 if dtype == "float64" else 0


@every_dtype
@every_extra
def test_gradients_are_changed_as_on_the_processor(extras, dtype):
    rng = np.random.default_rng(0)
    pair = Pair(fastgd.SGD(lr=1.0, extras=extras), arrays(rng, dtype))
    for k in range(2):
        grads = arrays(rng, dtype, size=3.0)
        if k == 1:
            grads[0] = None
        before = [None if g is None else g.tobytes() for g in grads]
        here, there = pair.step(grads)
        assert before == [None if g is None else g.tobytes() for g in grads]
        assert math.isclose(here.grad_norm, there.grad_norm, rel_tol=1e-13) and here[3:] == there[3:]
        pair.assert_equal(rounding(dtype))


@pytest.mark.parametrize(
    "optimizer",
    [
        fastgd.AdamW(lr=0.1, clip_norm=0.5),
        fastgd.SGD(lr=0.1, momentum=0.9, clip_value=0.2),
        fastgd.SGD(lr=1.0, clip_norm=1e-42),
        fastgd.DoG(),
        fastgd.Adam(lr=0.1, on_nonfinite="zero", state_dtype="bfloat16"),
    ],
    ids=["AdamW", "clip_value", "tiny clip", "DoG", "no norm"],
)
@pytest.mark.parametrize("dtype", ["float32", ml_dtypes.bfloat16], ids=["f32", "bf16"])
def test_several_in_order_and_the_rule_after_them(optimizer, dtype):
    rng = np.random.default_rng(1)
    extras = (*EXTRAS.values(), fastgd.Lookahead(k=2), fastgd.EMA(0.5))
    pair = Pair(optimizer.replace(extras=extras), arrays(rng, dtype, FEW), monitor=1)
    for _ in range(2):
        here, there = pair.step(arrays(rng, dtype, FEW))
        assert (here.clipped, here.skipped) == (there.clipped, there.skipped)
        assert math.isclose(here.grad_norm, there.grad_norm, rel_tol=1e-13) or math.isnan(here.grad_norm)
        pair.assert_equal(1e-6 if pair.cpu._plan.measuring else 0)
        seen = [[h.clipped for h in state.monitor.arrays.values()] for state in (pair.cpu, pair.gpu)]
        assert seen[0] == seen[1]


@pytest.mark.parametrize("dtype", ["float32", ml_dtypes.bfloat16], ids=["f32", "bf16"])
def test_state_arrays_of_bytes(dtype, monkeypatch):
    monkeypatch.setattr(storage, "SMALLEST", 1)
    rng = np.random.default_rng(4)
    extras = fastgd.ArrayNormClipping(1.0), fastgd.EMA(0.5)
    optimizer = fastgd.AdamW(lr=0.01, state_dtype="int8", extras=extras)
    pair = Pair(optimizer, arrays(rng, dtype, [(7, 37), (256,)]), monitor=1, rollback=fastgd.Rollback(every=1))
    for loss in (1.0, 1.0, math.nan, 1.0):
        for state in (pair.cpu, pair.gpu):
            state.observe(loss)
        pair.step(arrays(rng, dtype, [(7, 37), (256,)]))
        pair.assert_equal()
    assert pair.gpu.recovery.n_rollbacks == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_elements_that_are_not_finite_follow_the_policy(bad):
    rng = np.random.default_rng(2)
    for policy in ("raise", "skip", "zero"):
        extras = EXTRAS["centralization"], EXTRAS["adaptive"]
        pair = Pair(fastgd.SGD(lr=1.0, extras=extras, on_nonfinite=policy), arrays(rng, "float32", FEW))
        grads = arrays(rng, "float32", FEW)
        grads[0][2, 1] = bad
        before = [p.copy() for p in pair.there]
        if policy == "raise":
            for state, given in ((pair.cpu, grads), (pair.gpu, [Produced(g) for g in grads])):
                with pytest.raises(fastgd.NonFiniteError, match=r"grad of '0' is .* at index \(2, 1\)"):
                    state.step(given)
        else:
            here, there = pair.step(grads)
            assert here[3:] == there[3:]
        changed = any(a.tobytes() != b.tobytes() for a, b in zip(before, pair.there, strict=True))
        assert changed == (policy == "zero")
        pair.assert_equal()
        pair.step(arrays(rng, "float32", FEW))
        pair.assert_equal()


@pytest.mark.parametrize("extra", [fastgd.ArrayNormClipping(1.0), fastgd.AdaptiveGradientClipping(1.0, eps=1.0)])
@pytest.mark.parametrize("size", [5e-324, 1e-300, 1e-160, 1e160, 1e308])
def test_norms_keep_their_range(extra, size):
    grads = [np.full((3, 2), size), np.array([size, -size / 2, 0.0, size])]
    pair = Pair(fastgd.SGD(lr=1.0, extras=extra), [np.zeros((3, 2)), np.zeros(4)])
    pair.step(grads)
    pair.assert_equal(1e-15)
    assert all(np.isfinite(p).all() and p.any() for p in pair.there)


@every_dtype
def test_misaligned_gradients_and_what_lies_beside_them(dtype):
    rng = np.random.default_rng(3)
    places = [(shifted(21, dtype, a), shifted(21, dtype, b)) for a in range(2) for b in range(2)]
    for (p, _, _), (g, _, _) in places:
        p[...], g[...] = rng.standard_normal((2, 21)).astype(dtype)
    optimizer = fastgd.SGD(lr=1.0, extras=fastgd.AdaptiveGradientClipping(0.1))
    here = [p.copy() for (p, _, _), _ in places]
    optimizer.init(here).step([g.copy() for _, (g, _, _) in places])
    wholes = [g_whole.copy() for _, (_, g_whole, _) in places]
    optimizer.init([Produced(p) for (p, _, _), _ in places]).step([Produced(g) for _, (g, _, _) in places])
    for ((p, whole, start), (_, g_whole, _)), expected, g_before in zip(places, here, wholes, strict=True):
        np.testing.assert_allclose(p.astype(float), expected.astype(float), rtol=rounding(dtype))
        assert (np.delete(whole, range(start, start + 21)) == 7).all() and g_whole.tobytes() == g_before.tobytes()


def test_an_axis_that_is_not_there():
    pair = Pair(fastgd.SGD(lr=1.0, extras=fastgd.GradientCentralization(unit_axis=3)), [np.ones((2, 2), np.float32)])
    for state, grads in (
        (pair.cpu, [np.ones((2, 2), np.float32)]),
        (pair.gpu, [Produced(np.ones((2, 2), np.float32))]),
    ):
        with pytest.raises(fastgd.ArgumentValueError, match="unit_axis"):
            state.step(grads)
    assert pair.gpu.t == 0 and (pair.there[0] == 1).all()
