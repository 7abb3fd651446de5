"""Extras of a step and learned limits: the papers' formulas, torch and optax, checkpoints, interruptions, what cannot be used."""

import pickle

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgd

from . import naive_extras
from .executors import bits

SHAPES = [(3, 4), (5,), (), (0, 2), (2, 3, 4)]


def arrays(seed=0, dtype=np.float64, size=1.0):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=s) * size, dtype) for s in SHAPES]


def seen(extras, params, grads, **options):
    """Return the gradients that the rule saw."""
    after = [p.copy() for p in params]
    info = fastgd.SGD(lr=1.0, extras=extras, **options).init(after).step(grads)
    return [p - a for p, a in zip(params, after, strict=True)], info


# ---------------------------------------------------------------------------------------------------------------------------------
# Before the step


@pytest.mark.parametrize("axis", [-1, 0])
def test_transforms_are_the_papers(axis):
    params, grads = arrays(0), arrays(1, size=3.0)
    expected = {
        fastgd.GradientCentralization(unit_axis=axis): [naive_extras.centralized(g, axis) for g in grads],
        fastgd.AdaptiveGradientClipping(0.3, eps=0.5, unit_axis=axis): [
            naive_extras.adaptively_clipped(p, g, 0.3, 0.5, axis) for p, g in zip(params, grads, strict=True)
        ],
        fastgd.ArrayNormClipping(1.5): [naive_extras.clipped(g, 1.5) for g in grads],
    }
    for extra, wanted in expected.items():
        found, info = seen(extra, params, grads)
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
        assert info.grad_norm == pytest.approx(naive_extras.length(np.concatenate([np.ravel(g) for g in wanted])))


def test_extras_apply_in_order_and_before_clip_norm():
    params, grads = arrays(0), arrays(1)
    both = (fastgd.GradientCentralization(), fastgd.ArrayNormClipping(1.0))
    wanted = [naive_extras.clipped(naive_extras.centralized(g, -1), 1.0) for g in grads]
    norm = naive_extras.length(np.concatenate([np.ravel(g) for g in wanted]))
    found, info = seen(both, params, grads, clip_norm=norm / 2)
    assert info.clipped and info.grad_norm == pytest.approx(norm)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b / 2, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64])
@pytest.mark.parametrize("size", ["smallest", "largest"])
def test_norms_neither_overflow_nor_underflow(dtype, size):
    info = ml_dtypes.finfo(dtype)
    value = float(info.max) if size == "largest" else float(info.tiny)
    params, grads = [np.zeros((2, 2), dtype)], [np.full((2, 2), value, dtype)]
    for extra in (fastgd.ArrayNormClipping(1.0), fastgd.AdaptiveGradientClipping(1.0, eps=1.0)):
        found, _ = seen(extra, params, grads)
        wanted = 0.5 if extra == fastgd.ArrayNormClipping(1.0) else 0.5**0.5
        np.testing.assert_allclose(found[0].astype(float), wanted if size == "largest" else value, rtol=float(info.eps))


def test_nothing_of_the_callers_changes_and_non_finite_elements_follow_the_policy():
    extras = (fastgd.GradientCentralization(), fastgd.AdaptiveGradientClipping(), fastgd.ArrayNormClipping())
    grads = [np.array([[np.nan, 1.0], [2.0, np.inf]])]
    before = grads[0].copy()
    for policy in ("raise", "skip", "zero"):
        w = np.ones((2, 2))
        state = fastgd.SGD(lr=1.0, extras=extras, on_nonfinite=policy).init([w])
        if policy == "raise":
            with pytest.raises(fastgd.NonFiniteError):
                state.step(grads)
        else:
            assert state.step(grads).skipped == (policy == "skip")
        assert np.isfinite(w).all() and (w == 1).all() == (policy != "zero")
        np.testing.assert_array_equal(grads[0], before)


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
@pytest.mark.parametrize("extras", [(), fastgd.ArrayNormClipping(1.0)], ids=["none", "one"])
def test_a_limit_that_float32_cannot_hold_on_an_array_without_axes(extras, dtype):
    found, info = seen(extras, [np.zeros((), dtype)], [np.array(-3.0, dtype)], clip_norm=1e-42)
    assert info.clipped and float(found[0]) == pytest.approx(-1e-42, rel=0.1)


def test_transforms_are_optax():
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    params, grads = arrays(0)[:2], arrays(1, size=3.0)[:2]
    with jax.enable_x64(True):
        for theirs, extra in (
            (optax.adaptive_grad_clip(0.1), fastgd.AdaptiveGradientClipping(0.1)),
            (optax.centralize(), fastgd.GradientCentralization(unit_axis=0)),
        ):
            wanted, _ = theirs.update(grads, theirs.init(params), params)
            for a, b in zip(seen(extra, params, grads)[0], wanted, strict=True):
                np.testing.assert_allclose(a, np.asarray(b), rtol=1e-12, atol=1e-14)


# ---------------------------------------------------------------------------------------------------------------------------------
# After the step


def trained(extras, steps=12, dtype=np.float64, **options):
    """Return a state after some steps on a quadratic, and its weights after each."""
    w = np.linspace(-1, 1, 6).reshape(2, 3).astype(dtype)
    state = fastgd.SGD(lr=0.1, momentum=0.9, extras=extras, **options).init(w)
    track = [w.copy()]
    for _ in range(steps):
        state.step(w * np.asarray(2, dtype))
        track.append(w.copy())
    return state, track


@pytest.mark.parametrize("warmup", [False, True])
def test_ema_is_the_recursion(warmup):
    state, track = trained(fastgd.EMA(0.8, warmup=warmup))
    _, same = trained(())
    np.testing.assert_array_equal(track, same)
    wanted = naive_extras.followed(track, 0.8, warmup)[-1]
    np.testing.assert_allclose(state.arrays["param.ema"], wanted, rtol=1e-13)
    np.testing.assert_array_equal(state.evaluation_params(), state.arrays["param.ema"])


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
def test_the_average_of_narrow_weights_is_wide(dtype):
    state, track = trained(fastgd.EMA(0.999), steps=40, dtype=dtype)
    assert state.arrays["param.ema"].dtype == np.float32
    wanted = naive_extras.followed([w.astype(np.float64) for w in track], 0.999)[-1]
    np.testing.assert_allclose(state.arrays["param.ema"], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("k", [1, 3])
def test_lookahead_is_the_algorithm(k):
    state, track = trained(fastgd.Lookahead(k=k, alpha=0.3))
    oracle = naive_extras.Lookahead(track[0], 0.1, 0.9, k, 0.3)
    for w in track[1:]:
        oracle.step(2 * oracle.fast)
        np.testing.assert_allclose(w, oracle.fast, rtol=1e-12)
    np.testing.assert_allclose(state.arrays["param.slow_weights"], oracle.slow, rtol=1e-12)


def test_averages_are_torchs_and_optaxs():
    torch = pytest.importorskip("torch")
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    state, track = trained(fastgd.EMA(0.9))
    model = torch.nn.Linear(3, 2, bias=False, dtype=torch.float64)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    for w in track:
        model.weight.data[...] = torch.tensor(w)
        average.update_parameters(model)
    np.testing.assert_allclose(state.arrays["param.ema"], average.module.weight.detach().numpy(), rtol=1e-13)

    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    _, track = trained(fastgd.Lookahead(k=5, alpha=0.5))
    with jax.enable_x64(True):
        theirs = optax.lookahead(optax.sgd(0.1, momentum=0.9), sync_period=5, slow_step_size=0.5)
        params = optax.LookaheadParams.init_synced(jax.numpy.asarray(track[0]))
        memory = theirs.init(params)
        for w in track[1:]:
            updates, memory = theirs.update(2 * params.fast, memory, params)
            params = optax.apply_updates(params, updates)
            np.testing.assert_allclose(w, np.asarray(params.fast), rtol=1e-12)


BOTH = (fastgd.Lookahead(k=4), fastgd.EMA(0.9))


@pytest.mark.parametrize("done", [0, 3, 4, 7])
@pytest.mark.parametrize("limit", [None, fastgd.AutoClip(60, window=3), fastgd.ZClip(warmup_steps=4)])
def test_a_run_resumes_bit_for_bit(tmp_path, done, limit):
    whole, _ = trained(BOTH, 12, clip_norm=limit)
    part, _ = trained(BOTH, done, clip_norm=limit)
    fastgd.save(tmp_path / "run", part)
    w = np.zeros((2, 3))
    for again in (fastgd.load(tmp_path / "run", w), pickle.loads(pickle.dumps(part))):
        for _ in range(12 - done):
            again.step(2 * again.params)
        assert again.optimizer == whole.optimizer
        for name, array in {**whole.arrays, "param": whole.params}.items():
            found = again.params if name == "param" else again.arrays[name]
            assert (bits(found) == bits(array)).all(), name


def test_averaged_lends_the_parameters():
    state, track = trained(BOTH)
    average = state.evaluation_params()
    with pytest.raises(ValueError, match="mine"), state.averaged() as params:
        assert params is state.params and (params == average).all() and (average != track[-1]).any()
        for use in (lambda: state.step(params.copy()), state._export, lambda: state.averaged().__enter__()):
            with pytest.raises(fastgd.ConcurrentStepError, match="averaged"):
                use()
        raise ValueError("mine")
    assert (state.params == track[-1]).all()
    state.step(2 * state.params)


class Interrupted(BaseException):
    pass


@pytest.mark.parametrize(("owner", "place"), [("_Moves", "move"), ("Averages", "settle")])
def test_an_interruption_after_the_sweep_loses_nothing(owner, place, monkeypatch):
    from fastgd import _averages

    whole, _ = trained(BOTH, 8)
    state, _ = trained(BOTH, 7)
    original = getattr(getattr(_averages, owner), place)

    def interrupted(self, *args):
        original(self, *args) if place == "move" or args[0] < 8 else None
        if place == "move" or args[0] == 8:
            raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(getattr(_averages, owner), place, interrupted)
        with pytest.raises(Interrupted):
            state.step(2 * state.params)
    assert state.t == 8
    tensors, _ = state._export()
    for name, array in whole._export()[0].items():
        assert (bits(tensors[name]) == bits(array)).all(), name


def test_skipped_steps_and_missing_gradients():
    """An average follows all arrays in every step that was taken, and rests in one that was not."""
    params = [np.ones(2), np.ones(3)]
    state = fastgd.SGD(lr=0.5, extras=fastgd.EMA(0.5), on_nonfinite="skip").init(params)
    state.step([np.ones(2), None])
    assert state.arrays["0.ema"].tolist() == [0.75, 0.75] and state.arrays["1.ema"].tolist() == [1, 1, 1]
    assert state.step([np.full(2, np.nan), np.ones(3)]).skipped
    assert state.arrays["0.ema"].tolist() == [0.75, 0.75]


# ---------------------------------------------------------------------------------------------------------------------------------
# Learned limits


@settings(max_examples=50, deadline=None)
@given(
    norms=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30),
    percentile=st.floats(0, 100),
    window=st.integers(1, 9),
)
def test_autoclip_is_the_percentile(norms, percentile, window):
    rule = fastgd.AutoClip(percentile, window=window)
    state = fastgd.SGD(lr=1.0, clip_norm=rule).init(np.zeros(1))
    for norm, limit in zip(norms, naive_extras.autoclip(norms, percentile, window), strict=True):
        before = state.params[0]
        state.step(np.array([norm]))
        assert before - state.params[0] == pytest.approx(min(norm, limit), rel=1e-9, abs=1e-9)


def test_zclip_is_the_algorithm():
    rng = np.random.default_rng(0)
    norms = np.exp(rng.normal(size=80)) * np.where(rng.random(80) < 0.1, 30.0, 1.0)
    state = fastgd.SGD(lr=1.0, clip_norm=fastgd.ZClip(warmup_steps=10)).init(np.zeros(1))
    found = []
    for norm in norms:
        before = state.params[0]
        state.step(np.array([norm]))
        found.append(before - state.params[0])
    np.testing.assert_allclose(found, naive_extras.zclip(norms, warmup=10), rtol=1e-9)
    assert 3 < sum(a < b * 0.999 for a, b in zip(found, norms, strict=True)) < 40


@pytest.mark.parametrize("memory", [[1.0, float("nan")], [-1.0], "x", [1], [1.0] * 9])
def test_a_damaged_memory_of_norms_is_refused(memory):
    from fastgd._restore import restore

    tensors, config = trained((), clip_norm=fastgd.AutoClip(window=8))[0]._export()
    with pytest.raises(fastgd.ArgumentValueError):
        restore(tensors, {**config, "norms": memory}, np.zeros((2, 3)))


# ---------------------------------------------------------------------------------------------------------------------------------
# Descriptions


EVERY = (
    fastgd.GradientCentralization(0), fastgd.AdaptiveGradientClipping(0.1, 0.01, 1), fastgd.ArrayNormClipping(2), *BOTH,
)  # fmt: skip


@pytest.mark.parametrize("limit", [fastgd.AutoClip(5, 7), fastgd.ZClip(0.9, 3, 4)])
def test_descriptions_survive_json_and_pickle(limit):
    import json

    optimizer = fastgd.AdamW(extras=EVERY, clip_norm=limit)
    assert fastgd.optimizers.from_dict(json.loads(json.dumps(optimizer.to_dict()))) == optimizer
    assert pickle.loads(pickle.dumps(optimizer)) == optimizer == optimizer.replace(lr=optimizer.lr)
    assert fastgd.SGD(extras=EVERY[0]).extras == EVERY[:1]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: fastgd.SGD(extras="EMA"),
        lambda: fastgd.SGD(extras=(fastgd.EMA(), 1)),
        lambda: fastgd.SGD(extras=(fastgd.EMA(), fastgd.EMA(0.5))),
        lambda: fastgd.EMA(1.0),
        lambda: fastgd.Lookahead(k=0),
        lambda: fastgd.Lookahead(alpha=0.0),
        lambda: fastgd.ArrayNormClipping(-1),
        lambda: fastgd.AdaptiveGradientClipping(eps=0),
        lambda: fastgd.AutoClip(101),
        lambda: fastgd.ZClip(alpha=1.0),
        lambda: fastgd.SGD(clip_value=fastgd.AutoClip()),
        lambda: fastgd.SGD().init([np.ones(1)], {"0": {"extras": fastgd.EMA()}}),
        lambda: fastgd.SGD(extras=fastgd.GradientCentralization(5)).init(np.ones((2, 2))).step(np.ones((2, 2))),
        lambda: fastgd.Adam(amsgrad=True, cautious=True),
    ],
)
def test_what_cannot_be_used_is_refused(wrong):
    with pytest.raises((fastgd.ArgumentValueError, fastgd.ArgumentTypeError)):
        wrong()
