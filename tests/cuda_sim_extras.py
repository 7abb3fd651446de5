"""Averages, monitors and good copies of states on a GPU, run by `test_cuda_sim.py` in the simulator.

The oracle is the processor's executor.
"""

import math
import sys

import ml_dtypes
import numpy as np
import pytest

import fastgd
from fastgd._kernels import cuda_passes
from tests.cuda_arrays import Pair, Produced, few_threads, random, shifted

sys.setswitchinterval(1e-5)  # the simulator's barriers wait for the interpreter to switch threads
DTYPES = ["float32", "float64", "float16", ml_dtypes.bfloat16]
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=["f32", "f64", "f16", "bf16"])
SIZES = (1, 2, 3, 4, 5, 7, 8, 33)
BOTH = (fastgd.EMA(0.9, warmup=True), fastgd.Lookahead(k=2, alpha=0.3))


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    few_threads(monkeypatch, 4)


# ------------------------------------------------------------------------------------------------------------------------ averages


@every_dtype
@pytest.mark.parametrize(
    "optimizer",
    [fastgd.SGD(lr=0.1, momentum=0.9), fastgd.AdamW(lr=0.01, clip_norm=0.5), fastgd.Lion(lr=0.01)],
    ids=["SGD", "AdamW", "Lion"],
)
def test_averages_have_the_bits_of_the_processors(optimizer, dtype):
    rng = np.random.default_rng(0)
    rounding = 1e-14 if dtype == "float64" and optimizer.clip_norm else 0  # norms are summed in another order
    pair = Pair(optimizer.replace(extras=BOTH), random(rng, SIZES, dtype))
    for k in range(5):
        grads = random(rng, SIZES, dtype)
        if k == 3:
            grads[2] = None  # averages follow all the same
        pair.step(grads)
        pair.assert_equal(rounding)
    before = [p.tobytes() for p in pair.there]
    with pair.gpu.averaged():
        slow = [np.asarray(pair.gpu.arrays[f"{k}.slow_weights"]).astype(dtype) for k in range(len(SIZES))]
        assert [p.tobytes() for p in pair.there] == [a.tobytes() for a in slow]
    assert [p.tobytes() for p in pair.there] == before


@every_dtype
def test_averages_of_misaligned_arrays_leave_what_is_beside_them(dtype):
    rng = np.random.default_rng(1)
    made_of = [shifted(21, dtype, shift) for shift in range(4)]
    values = [rng.standard_normal(21).astype(dtype) for _ in made_of]
    for (p, _, _), v in zip(made_of, values, strict=True):
        p[...] = v
    optimizer = fastgd.SGD(lr=0.1, extras=BOTH)
    here, grads = [v.copy() for v in values], random(rng, (21,) * 4, dtype)
    cpu, gpu = optimizer.init(here), optimizer.init([Produced(p) for p, _, _ in made_of])
    for _ in range(3):
        cpu.step(grads)
        gpu.step([Produced(g) for g in grads])
    for (p, whole, start), expected in zip(made_of, here, strict=True):
        assert p.tobytes() == expected.tobytes()
        assert (np.delete(whole, range(start, start + 21)) == 7).all()
    assert all(cpu.arrays[n].tobytes() == np.asarray(gpu.arrays[n]).tobytes() for n in cpu.arrays)


def test_averages_of_several_chunks_and_of_bytes(monkeypatch):
    monkeypatch.setattr("fastgd._kernels.cuda_tables.CHUNK", 64)
    monkeypatch.setattr(cuda_passes, "CHUNK", 64)
    rng = np.random.default_rng(2)
    sizes = (63, 64, 65, 300)
    for state_dtype in (None, "bfloat16"):
        pair = Pair(fastgd.AdamW(lr=0.1, extras=BOTH, state_dtype=state_dtype), random(rng, sizes, "float32"))
        for _ in range(2):
            pair.step(random(rng, sizes, "float32"))
        pair.assert_equal()


def test_averages_move_between_processor_and_gpu(tmp_path):
    rng = np.random.default_rng(3)
    pair = Pair(fastgd.AdamW(lr=0.1, extras=BOTH), random(rng, (4, 9), "float32"))
    for _ in range(3):
        pair.step(random(rng, (4, 9), "float32"))
    fastgd.save(tmp_path / "cpu", pair.cpu)
    fastgd.save(tmp_path / "gpu", pair.gpu)
    assert (tmp_path / "cpu").read_bytes() == (tmp_path / "gpu").read_bytes()
    here, there = [[np.zeros(n, np.float32) for n in (4, 9)] for _ in range(2)]
    onto_cpu = fastgd.load(tmp_path / "gpu", here)
    onto_gpu = fastgd.load(tmp_path / "cpu", [Produced(p) for p in there])
    grads = random(rng, (4, 9), "float32")
    pair.step(grads)
    onto_cpu.step(grads)
    onto_gpu.step([Produced(g) for g in grads])
    for name, array in pair.cpu.arrays.items():
        assert array.tobytes() == onto_cpu.arrays[name].tobytes() == np.asarray(onto_gpu.arrays[name]).tobytes()
    for a, b, c in zip(pair.here, here, there, strict=True):
        assert a.tobytes() == b.tobytes() == c.tobytes()


@pytest.mark.parametrize("place", ["move", "give"])
def test_an_interruption_after_the_sweep_loses_nothing(place, monkeypatch):
    from fastgd._kernels.cuda_averages import Following

    rng = np.random.default_rng(9)
    pair = Pair(fastgd.SGD(lr=0.1, momentum=0.9, extras=BOTH), random(rng, (2, 15), "float32"))
    pair.step(random(rng, (2, 15), "float32"))
    grads, original = random(rng, (2, 15), "float32"), getattr(Following, place)

    def interrupted(self, *args):
        original(self, *args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Following, place, interrupted)
        with pytest.raises(KeyboardInterrupt):
            pair.gpu.step([Produced(g) for g in grads])
    pair.cpu.step(grads)
    pair.step(random(rng, (2, 15), "float32"))
    pair.assert_equal()


def test_an_interruption_of_the_wait_for_a_step_finds_it_counted(monkeypatch):
    from fastgd._kernels import cuda_memory

    rng = np.random.default_rng(9)
    pair = Pair(fastgd.Adam(on_nonfinite="zero", extras=BOTH), random(rng, (2, 15), "float32"))
    grads, download = random(rng, (2, 15), "float32"), cuda_memory.download

    def interrupted(*args):
        download(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cuda_memory, "download", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pair.gpu.step([Produced(g) for g in grads])
    pair.cpu.step(grads)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(pair.here, pair.there, strict=True)) and pair.gpu.t == 1
    pair.step(random(rng, (2, 15), "float32"))
    pair.assert_equal()


@pytest.mark.parametrize("on_nonfinite", ["skip", "zero"])
@pytest.mark.parametrize("dtype", ["float32", ml_dtypes.bfloat16], ids=["f32", "bf16"])
def test_replayed_averages_have_the_bits_of_single_steps(dtype, on_nonfinite):
    rng = np.random.default_rng(8)
    optimizer = fastgd.AdamW(lr=fastgd.schedules.cosine(0.1, 20), extras=BOTH, on_nonfinite=on_nonfinite)
    pair = Pair(optimizer, random(rng, (2, 15), dtype))
    pair.step(random(rng, (2, 15), dtype))
    grads = [np.zeros(2, dtype), np.zeros(15, dtype)]
    with fastgd.Replay(pair.gpu, [Produced(g) for g in grads], 4) as replay:
        for k in range(6):
            for g in grads:
                g[...] = rng.standard_normal(g.size)
            if k == 2:
                grads[1][3] = np.nan
            pair.cpu.step(grads)
            replay.step()
            if k == 3:
                replay.sync()
                pair.assert_equal()
                replay.refill()
    pair.assert_equal()
    pair.step(random(rng, (2, 15), dtype))
    pair.assert_equal()


def test_replay_refuses_what_needs_the_host():
    grads = Produced(np.ones(4, np.float32))
    for options, extras, words in (
        ({}, fastgd.GradientCentralization(), "extras before the rule"),
        ({"monitor": True}, (), "a monitor"),
        ({"rollback": True}, (), "rollback"),
    ):
        state = fastgd.SGD(lr=0.1, extras=extras).init(Produced(np.ones(4, np.float32)), **options)
        with pytest.raises(fastgd.ArgumentValueError, match=words):
            fastgd.Replay(state, grads, 1)
        state.step(grads)  # nothing holds it


# ------------------------------------------------------------------------------------------------------------------------ monitors


def assert_same_health(pair):
    here, there = pair.cpu.monitor, pair.gpu.monitor
    assert (here.seen, here.clipped, list(here.arrays)) == (there.seen, there.clipped, list(there.arrays))
    for name, a in here.arrays.items():
        b = there.arrays[name]
        assert (a.t, a.clipped) == (b.t, b.clipped)
        for x, y in zip(a[1:5], b[1:5], strict=True):
            assert math.isclose(x, y, rel_tol=2e-15), (name, a, b)
    assert here.warnings() == there.warnings()


@every_dtype
@pytest.mark.parametrize(
    "optimizer",
    [
        fastgd.AdamW(lr=0.1, clip_value=0.3),
        fastgd.SGD(lr=0.1, clip_norm=0.5),
        fastgd.SGD(lr=0.5, on_nonfinite="zero"),
    ],
    ids=["clip_value", "clip_norm", "zero"],
)
def test_monitors_see_what_the_processors_see(optimizer, dtype):
    rng = np.random.default_rng(4)
    sizes = (*SIZES, 0)
    pair = Pair(optimizer, random(rng, sizes, dtype), monitor=2)
    plain = Pair(optimizer, pair.here)
    for k in range(4):
        grads = random(rng, sizes, dtype)
        if k == 2:
            grads[1] = None
        pair.step(grads)
        plain.step(grads)
        assert_same_health(pair)
    pair.assert_equal()
    assert pair.gpu.monitor.seen == 2
    assert all(a.tobytes() == b.tobytes() for a, b in zip(pair.there, plain.there, strict=True))


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_monitored_norms_keep_their_range(size):
    rng = np.random.default_rng(5)
    pair = Pair(fastgd.SGD(lr=0.5, clip_value=size / 2), [size * v for v in random(rng, (9, 20), "float64")], monitor=1)
    pair.step([size * v for v in random(rng, (9, 20), "float64")])
    assert_same_health(pair)


def test_monitors_of_several_chunks_and_of_nothing_finite(monkeypatch):
    monkeypatch.setattr("fastgd._kernels.cuda_tables.CHUNK", 16)
    monkeypatch.setattr(cuda_passes, "CHUNK", 16)
    rng = np.random.default_rng(6)
    sizes = (15, 16, 17, 70)
    pair = Pair(fastgd.SGD(lr=0.1, clip_value=0.5, extras=BOTH), random(rng, sizes, "float32"), monitor=1)
    pair.step(random(rng, sizes, "float32"))
    assert_same_health(pair)
    zeroing = Pair(fastgd.SGD(lr=0.1, on_nonfinite="zero"), random(rng, (5,), "float32"), monitor=1)
    zeroing.step([np.array([1, np.nan, 2, 3, 4], np.float32)])
    assert math.isnan(zeroing.gpu.monitor.arrays["0"].grad_norm)
    assert zeroing.cpu.monitor.arrays["0"][2:] == pytest.approx(zeroing.gpu.monitor.arrays["0"][2:], rel=2e-15)


def test_steps_between_looks_ask_the_device_for_nothing_more(monkeypatch):
    """A step that is not looked at launches, sends and reads back what it does without a monitor."""
    from fastgd._kernels import cuda_launch, cuda_memory

    names = ("download", "upload", "copy", "synchronize", "wait")
    watched = [(cuda_launch, "run"), *((cuda_memory, name) for name in names)]
    counts = []
    for monitor in (0, 3):
        pair = Pair(fastgd.AdamW(lr=0.1), [np.ones(5, np.float32)], monitor=monitor)
        pair.step([np.ones(5, np.float32)])
        calls = []
        for owner, name in watched:
            own = getattr(owner, name)
            monkeypatch.setattr(owner, name, lambda *a, n=name, f=own, c=calls, **k: (c.append(n), f(*a, **k))[1])
        pair.step([np.ones(5, np.float32)])
        monkeypatch.undo()
        few_threads(monkeypatch, 4)
        counts.append(calls)
    assert counts[0] == counts[1] and "run" in counts[0]


# ------------------------------------------------------------------------------------------------------------------------ rollback

OPTIMIZERS = {
    "AdamW": fastgd.AdamW(lr=0.1, clip_norm=1.0),
    "extras": fastgd.SGD(lr=0.1, momentum=0.9, extras=BOTH),
    "carry": fastgd.DoG(),
    "learned limit": fastgd.SGD(lr=0.1, clip_norm=fastgd.AutoClip()),
    "bfloat16 state": fastgd.Adam(lr=0.1, state_dtype="bfloat16"),
}


@pytest.mark.parametrize("dtype", ["float32", ml_dtypes.bfloat16], ids=["f32", "bf16"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_divergence_leads_back_to_the_same_bits(optimizer, dtype, tmp_path):
    rng = np.random.default_rng(7)
    pair = Pair(optimizer, random(rng, (3, 9), dtype), rollback=fastgd.Rollback(every=2, slower=0.5))
    if not hasattr(optimizer, "lr"):
        pair = Pair(optimizer, random(rng, (3, 9), dtype), rollback=fastgd.Rollback(every=2, slower=1))
    good = None
    for k in range(6):
        if k == 3:
            copies = {n: np.array(np.asarray(a)) for n, a in pair.gpu.recovery._tensors.items()}
        for state in (pair.cpu, pair.gpu):
            state.observe(1.0 if k != 4 else math.nan)
        if k == 4:
            good = [v.copy() for v in pair.there]
            assert [v.tobytes() for v in good] == [copies[str(i)].tobytes() for i in range(2)]
            assert pair.gpu.t == 2 and pair.gpu.recovery.n_rollbacks == 1
        pair.step(random(rng, (3, 9), dtype))
        compared = 0 if not pair.cpu._plan.measuring else 1e-6
        pair.assert_equal(compared)
    assert pair.cpu.recovery.warnings() == pair.gpu.recovery.warnings()
    fastgd.save(tmp_path / "gpu", pair.gpu)
    if not compared:
        fastgd.save(tmp_path / "cpu", pair.cpu)
        assert (tmp_path / "cpu").read_bytes() == (tmp_path / "gpu").read_bytes()
    there = [np.zeros(n, dtype) for n in (3, 9)]
    again = fastgd.load(tmp_path / "gpu", [Produced(p) for p in there])
    for state in (again, pair.gpu):
        state.observe(math.inf)
    assert [p.tobytes() for p in there] == [p.tobytes() for p in pair.there] and again.t == pair.gpu.t


def test_a_gradient_that_is_not_finite_leads_back():
    pair = Pair(fastgd.SGD(lr=0.1), [np.ones(5, np.float32)], rollback=fastgd.Rollback(every=2))
    for value in (1.0, 1.0, 1.0, np.nan, 1.0):
        here, there = pair.step([np.full(5, value, np.float32)])
        assert (here.t, here.skipped, here.lr) == (there.t, there.skipped, there.lr)
    pair.assert_equal()
    assert pair.gpu.recovery.n_rollbacks == 1 and pair.gpu.lr == 0.05


def test_parameters_that_are_not_finite_are_no_good_copy():
    pair = Pair(fastgd.SGD(lr=0.1), [np.ones(5, np.float32)], rollback=fastgd.Rollback(every=1))
    pair.step([np.ones(5, np.float32)])
    for p in (pair.here[0], pair.there[0]):
        p[3] = np.inf
    here, there = pair.step([np.ones(5, np.float32)])
    assert here.skipped and there.skipped and np.isfinite(pair.there[0]).all()
    pair.assert_equal()


def test_good_copies_stay_on_the_device(monkeypatch):
    from fastgd._kernels.cuda_arrays import DeviceArray

    pair = Pair(fastgd.Adam(lr=0.1), [np.ones(5, np.float32)], rollback=fastgd.Rollback(every=2))
    assert all(isinstance(a, DeviceArray) for a in pair.gpu.recovery._tensors.values())
    monkeypatch.setattr(DeviceArray, "__array__", lambda *a, **k: pytest.fail("read back"))
    for _ in range(5):
        pair.gpu.step([Produced(np.ones(5, np.float32))])
    pair.gpu.observe(math.nan)
