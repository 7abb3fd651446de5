"""Monitors: what they say, of which steps, in which words, and that they change nothing."""

import ml_dtypes
import numpy as np
import pytest

import fastgd


def run(optimizer, steps=7, monitor=False, dtype=np.float64):
    rng = np.random.default_rng(0)
    params = {"w": rng.normal(size=(4, 3)).astype(dtype), "b": np.zeros(3, dtype)}
    state, track = optimizer.init(params, monitor=monitor), []
    for _ in range(steps):
        grads = {name: rng.normal(size=p.shape).astype(dtype) for name, p in params.items()}
        before = {name: p.copy() for name, p in params.items()}
        state.step(grads)
        track.append((before, grads, {name: p.copy() for name, p in params.items()}))
    return state, track


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize(
    "optimizer", [fastgd.AdamW(lr=0.1), fastgd.SGD(clip_norm=0.5), fastgd.SGD(clip_value=0.4), fastgd.Adafactor()]
)
def test_values(optimizer, dtype):
    state, track = run(optimizer, 5, 1, dtype)
    before, grads, after = track[-1]
    for name, health in state.monitor.arrays.items():
        old, new, g = (x[name].astype(np.float64) for x in (before, after, grads))
        change = np.linalg.norm(new - old)
        assert health.t == 4
        assert health.grad_norm == pytest.approx(np.linalg.norm(g), rel=1e-6)
        assert health.weight_norm == pytest.approx(np.linalg.norm(old), rel=1e-6)
        assert health.update_norm == pytest.approx(change, rel=1e-5)
        assert health.update_ratio == pytest.approx(change / np.linalg.norm(old), rel=1e-5)
        limited = np.mean(np.abs(g) > 0.4) if optimizer.clip_value else float(optimizer.clip_norm is not None)
        assert health.clipped == pytest.approx(limited)
    assert state.monitor.seen == 5 and state.monitor.clipped == (5 if optimizer.clip_norm else 0)


def test_they_change_nothing_and_look_at_their_turn():
    optimizer = fastgd.Adam(clip_norm=1.0, on_nonfinite="zero")
    plain, _ = run(optimizer)
    for every in (1, 3):
        state, _ = run(optimizer, monitor=every)
        assert (state.params["w"] == plain.params["w"]).all()
        assert state.monitor.seen == len(range(0, 7, every))
        assert state.monitor.arrays["w"].t == max(range(0, 7, every))
    assert plain.monitor is None
    assert fastgd.SGD().init(np.ones(1), monitor=True).monitor.every == 200


def test_norms_neither_overflow_nor_underflow():
    for size in (1e-200, 1e200):
        state = fastgd.SGD(lr=0.5).init([np.full(4, size), np.ones(4)], monitor=1)
        state.step([np.full(4, size), np.ones(4)])
        health = state.monitor.arrays["0"]
        assert health[1:5] == pytest.approx((2 * size, 2 * size, size, 0.5))


def test_arrays_without_a_gradient_and_skipped_steps_are_not_seen():
    state = fastgd.SGD(on_nonfinite="skip").init([np.ones(1), np.ones(1)], monitor=1)
    state.step([None, np.full(1, np.nan)])
    assert state.monitor.arrays == {} and state.monitor.seen == 0
    state.step([None, np.ones(1)])
    assert list(state.monitor.arrays) == ["1"]


@pytest.mark.parametrize(
    ("gradient", "lr", "words"),
    [(1e-9, 1.0, "vanishing"), (1e5, 1e-9, "exploding"), (1.0, 10.0, "rate is too large"), (1.0, 1e-9, "stand still")],
)
def test_warnings_in_plain_words(gradient, lr, words):
    state = fastgd.SGD(lr=lr).init({"layer 3": np.ones(4), "fine": np.ones(4)}, {"fine": {"lr": 0.01}}, monitor=1)
    state.step({"layer 3": np.full(4, gradient), "fine": np.ones(4)})
    (warning,) = state.monitor.warnings()
    assert "'layer 3'" in warning and "step 0" in warning and words in warning


def test_a_loaded_state_is_watched_as_before(tmp_path):
    state, _ = run(fastgd.SGD(), monitor=3)
    fastgd.save(tmp_path / "run", state)
    again = fastgd.load(tmp_path / "run", {"w": np.zeros((4, 3)), "b": np.zeros(3)})
    assert again.monitor.every == 3 and again.monitor.seen == 0


@pytest.mark.parametrize("wrong", [-1, 1.5, "yes", None])
def test_what_cannot_be_used_is_refused(wrong):
    with pytest.raises((fastgd.ArgumentTypeError, fastgd.ArgumentValueError), match="monitor"):
        fastgd.SGD().init(np.ones(1), monitor=wrong)
