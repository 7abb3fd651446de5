"""Factored second moments, dual averaging and cautious steps: optax's of the same names, sizes of state, 16-bit parameters, layouts."""

import ml_dtypes
import numpy as np
import pytest

import fastgd

from .executors import bits

SHAPES = [(6, 4), (5,), (2, 3, 4), ()]


def problem(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=shape), dtype) for shape in SHAPES]


@pytest.mark.parametrize(
    ("ours", "peer"),
    [
        (fastgd.MADGRAD(lr=1e-2 + 1e-6), lambda optax: optax.contrib.madgrad(1e-2)),  # optax adds eps to the rate
        (fastgd.SM3(lr=0.1), lambda optax: optax.sm3(0.1)),
        (fastgd.SM3(lr=0.1, momentum=0.5), lambda optax: optax.sm3(0.1, momentum=0.5)),
    ],
)
def test_is_optax(ours, peer):
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    with jax.enable_x64(True):
        shapes = slice(0, 3)  # optax's SM3 cannot do without a dimension
        theirs, weights, params = peer(optax), problem(0)[shapes], problem(0)[shapes]
        memory, state = theirs.init(weights), ours.init(params)
        for t in range(20):
            grads = problem(t + 1)[shapes]
            updates, memory = theirs.update(grads, memory, weights)
            weights = optax.apply_updates(weights, updates)
            state.step(grads)
            for a, b in zip(params, weights, strict=True):
                np.testing.assert_allclose(a, np.asarray(b), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("optimizer", [fastgd.Adafactor(), fastgd.SM3(momentum=0.0)])
def test_the_state_of_a_matrix_is_small(optimizer):
    state = optimizer.init(np.ones((300, 500), np.float32))
    assert sum(a.size for a in state.arrays.values()) == 800
    state.step(np.ones((300, 500), np.float32))
    assert all(a.dtype == np.float32 and (a > 0).all() for a in state.arrays.values())


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize(
    "optimizer", [fastgd.Adafactor(), fastgd.SM3(lr=0.01), fastgd.MADGRAD(), fastgd.AdamW(cautious=True)]
)
def test_half_precision_is_float32_rounded_once(optimizer, dtype):
    narrow, wide = problem(0, dtype), [p.astype(np.float32) for p in problem(0, dtype)]
    grads = problem(1, dtype)
    state, single = optimizer.init(narrow), optimizer.init(wide)
    state.step(grads)
    single.step([g.astype(np.float32) for g in grads])
    for p, q in zip(narrow, wide, strict=True):
        assert (bits(p) == bits(q.astype(dtype))).all()
    for name, array in state.arrays.items():
        assert (bits(array) == bits(single.arrays[name])).all()


@pytest.mark.parametrize("optimizer", [fastgd.Adafactor(weight_decay=0.1), fastgd.SM3(weight_decay=0.1)])
def test_layouts_overrides_clipping_and_maximize(optimizer):
    """Strides do not matter; what is clipped or turned is the gradient that is averaged."""
    rng = np.random.default_rng(0)
    start, g = rng.normal(size=(6, 4)), rng.normal(size=(6, 4))
    plain, wide = start.copy(), np.zeros((12, 8))
    wide[::2, ::2] = start
    fortran = np.asfortranarray(start)
    state = optimizer.init([plain, wide[::2, ::2], fortran], {"1": {"clip_value": 0.5}, "2": {"maximize": True}})
    limited, turned = optimizer.init(start.copy()), optimizer.init(start.copy())
    for _ in range(3):
        state.step([g, g, -g])
        limited.step(np.clip(g, -0.5, 0.5))
        turned.step(g)
    np.testing.assert_allclose(plain, turned.params, rtol=1e-12)
    np.testing.assert_allclose(fortran, turned.params, rtol=1e-12)
    np.testing.assert_allclose(wide[::2, ::2], limited.params, rtol=1e-12)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "Lion"])
def test_cautious_steps_tell_their_share(name):
    w = np.zeros((2, 4))
    state = getattr(fastgd, name)(lr=0.1, cautious=True, weight_decay=0.0).init({"w": w})
    state.step({"w": np.ones((2, 4))})
    assert state.estimates["w"] == {"share": 1.0}
    before = w.copy()
    state.step({"w": np.where(np.arange(8).reshape(2, 4) < 6, 0.01, -0.01)})
    assert state.estimates["w"] == {"share": 0.75}
    assert ((w != before) == (np.arange(8).reshape(2, 4) < 6)).all()
    assert getattr(fastgd, name)().in_lanes and not getattr(fastgd, name)(cautious=True).in_lanes


@pytest.mark.parametrize(
    "optimizer",
    [fastgd.Adafactor(lr=0.5), fastgd.SM3(lr=0.5), fastgd.MADGRAD(lr=0.1), fastgd.Adam(lr=0.05, cautious=True)],
)
def test_they_go_downhill(optimizer):
    """On an ill-conditioned quadratic in a matrix, the loss falls a hundredfold."""
    rng = np.random.default_rng(0)
    curvature, w = np.geomspace(0.03, 1, 24).reshape(6, 4), rng.normal(size=(6, 4))
    state, start = optimizer.init(w), None
    for _ in range(500):
        loss = float((curvature * w * w).sum())
        start = start or loss
        state.step(curvature * w)
    assert loss < 0.01 * start
