"""Monitors: what they say, of which steps, in which words, and that they change nothing."""

import ml_dtypes
import numpy as np
import pytest

import fastgd
from fastgd._kernels import execute


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


# ---------------------------------------------------------------------------------------------------------------------------------
# Looks are taken by the sweep itself


def views(dtype, size):
    """Return arrays of all layouts: contiguous, transposed, strided, reversed, with a gap, empty, scalar."""
    rng = np.random.default_rng(size)
    base = rng.normal(size=(size, 6)).astype(dtype)
    wide = rng.normal(size=2 * size).astype(dtype)
    return [
        base[:, :2].copy(),
        base.T.copy().T,
        wide[::2],
        wide[1::2][::-1],
        np.zeros((0, 3), dtype),
        np.array(2.0, dtype),
    ]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("size", [1, 4096, 3 * 4096 + 7])
def test_every_layout_is_seen_and_nothing_is_changed(dtype, size):
    steps = {}
    for every in (0, 1):
        params = views(dtype, size)
        grads = [np.asarray(0.1 * p + 0.3, dtype) for p in params]
        before = [p.astype(np.float64) for p in params]
        state = fastgd.Adam(lr=0.01).init(params, monitor=every)
        state.step(grads)
        steps[every] = [p.tobytes() for p in params] + [np.asarray(a).tobytes() for a in state.arrays.values()]
    assert steps[0] == steps[1]
    for k, (p, g, old) in enumerate(zip(params, grads, before, strict=True)):
        health = state.monitor.arrays[str(k)]
        expected = [np.linalg.norm(x.ravel()) for x in (g.astype(np.float64), old, p.astype(np.float64) - old)]
        assert health[1:4] == pytest.approx(expected, rel=1e-6)
        if dtype in (np.float32, np.float64):  # the same bits as those of the sum over all
            assert health.weight_norm == fastgd.global_norm(np.asarray(old, dtype))
            assert health.update_norm == fastgd.global_norm(np.asarray(p - np.asarray(old, dtype)))


def test_the_same_bits_for_any_number_of_threads(monkeypatch):
    found = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(execute, "thread_limit", lambda n=threads: n)
        rng = np.random.default_rng(0)
        params = [rng.normal(size=n).astype(np.float32) for n in (1_100_000, 5000, 77)]
        state = fastgd.AdamW().init(params, monitor=1)
        for _ in range(3):
            state.step([p * np.float32(0.5) for p in params])
        found.append(state.monitor.arrays)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("small", [1.0, 1e-160, 1e160])
@pytest.mark.parametrize("large", [1e-300, 1e-200, 1.0, 1e200, 1e300])
def test_norms_of_blocks_of_very_different_sizes(large, small):
    p = np.full(3 * 4096, small)
    p[4096:8000] = large
    before = p.copy()
    state = fastgd.SGD(lr=0.5).init(p, monitor=1)
    state.step(p.copy())
    _, gradient, weight, update, ratio, _ = state.monitor.arrays["param"]
    scale = max(large, small)
    expected = np.linalg.norm(before / scale) * scale
    assert (gradient, weight, update, ratio) == pytest.approx((expected, expected, expected / 2, 0.5), rel=1e-12)


def test_weights_that_are_lost_are_told_as_such():
    params = [np.ones(2), np.ones(1), np.zeros(5000)]
    state = fastgd.SGD(lr=1.0).init(params, monitor=1)
    params[0][0], params[1][0] = np.inf, np.nan
    state.step([np.ones(2), np.ones(1), np.zeros(5000)])
    infinite, unknown, still = state.monitor.arrays.values()
    assert infinite.weight_norm == np.inf and np.isnan(unknown.weight_norm)
    assert still[1:5] == (0, 0, 0, 0)


def test_a_look_that_fails_is_taken_when_the_step_succeeds():
    w = np.ones(2)
    state = fastgd.SGD(lr=0.1).init(w, monitor=5)
    with pytest.raises(fastgd.NonFiniteError):
        state.step(np.array([np.nan, 1.0]))
    state.step(w.copy())
    assert state.monitor.seen == 1 and state.monitor.arrays["param"].t == 0


def test_what_is_loaded_or_put_back_goes_on_looking_at_its_turn(tmp_path):
    state, _ = run(fastgd.SGD(), 4, 3)
    fastgd.save(tmp_path / "run", state)
    again = fastgd.load(tmp_path / "run", {"w": np.zeros((4, 3)), "b": np.zeros(3)})
    looks = []
    for _ in range(4):
        again.step({"w": np.ones((4, 3)), "b": np.ones(3)})
        looks.append(again.monitor.seen)
    assert looks == [0, 0, 1, 1] and again.monitor.arrays["w"].t == 6

    w = np.ones(1)
    state = fastgd.SGD(lr=0.1).init(w, monitor=2, rollback=fastgd.Rollback(every=4))
    for _ in range(4):
        state.step(w.copy(), loss=1.0)
    state.step(w.copy(), loss=float("nan"))
    assert state.t == 0 and state.monitor.seen == 2
    state.step(w.copy())
    assert state.monitor.seen == 3 and state.monitor.arrays["param"].t == 0


def test_lookahead_is_not_in_the_update():
    w = np.array([1.0])
    state = fastgd.SGD(lr=0.5, extras=fastgd.Lookahead(k=1, alpha=0.5)).init(w, monitor=1)
    state.step(np.array([1.0]))
    assert w[0] == 0.75 and state.monitor.arrays["param"].update_norm == 0.5
