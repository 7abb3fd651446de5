"""What the CUDA executor must do, run by `test_cuda_sim.py` in a process with ``NUMBA_ENABLE_CUDASIM=1``: the simulator for the GPU.

The oracle is the processor's executor: states, parameters and what a step says of itself must be the same bits. Norms and measures are
summed in another order, so they agree to rounding; a float32 step has the same bits nevertheless.
"""

import math
import sys

import ml_dtypes
import numpy as np
import pytest

import fastgd
from fastgd._kernels import cuda, cuda_arrays, cuda_source, cuda_tables
from fastgd._kernels.cuda_arrays import DeviceArray
from tests.cuda_arrays import ByDLPack, Pair, Produced, few_threads, random, shifted

sys.setswitchinterval(1e-5)  # the simulator's barriers wait for the interpreter to switch threads
S = fastgd.schedules
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33, 192, 200)
ELEMENTWISE = [
    kind
    for kind in fastgd.Optimizer.registry.values()
    if not (kind.factored or kind.searches or kind.needs_rows or kind.__module__.startswith("tests"))
]
VARIANTS = [
    fastgd.SGD(lr=0.1, momentum=0.9), fastgd.SGD(lr=0.1, momentum=0.9, nesterov=True), fastgd.Adam(amsgrad=True),
    fastgd.Adam(cautious=True), fastgd.RMSprop(centered=True, momentum=0.9), fastgd.RMSprop(momentum=0.9),
    fastgd.RMSprop(centered=True), fastgd.AdamW(maximize=True), fastgd.Lion(cautious=True),
]  # fmt: skip


def made(kind):
    return kind(lr=0.1) if "lr" in kind.__dataclass_fields__ else kind()


KINDS = [*ELEMENTWISE, *VARIANTS]
# The 16-bit dtypes have the float32 formulas, with other loads and stores.
EVERY = [*((k, "float32") for k in KINDS), *((k, "float64") for k in KINDS[::3])]
EVERY += [(k, d) for k in KINDS[::6] for d in ("float16", ml_dtypes.bfloat16)]


@pytest.mark.parametrize(("kind", "dtype"), EVERY, ids=lambda x: getattr(x, "__name__", str(x)))
def test_every_optimizer_has_the_bits_of_the_processor(kind, dtype, monkeypatch):
    few_threads(monkeypatch, 2)
    optimizer = kind if isinstance(kind, fastgd.Optimizer) else made(kind)
    rng = np.random.default_rng(0)
    pair = Pair(optimizer, random(rng, (1, 5, 19), dtype))
    for _ in range(2):
        options = {"loss": 1.0} if optimizer.needs_loss else {}
        pair.step(random(rng, (1, 5, 19), dtype), **options)
    measured = dtype == "float64" and pair.cpu._plan.measuring
    pair.assert_equal(1e-13 if measured else 0)


@pytest.mark.parametrize(
    "optimizer", [fastgd.SGD(lr=0.1), fastgd.AdamW(lr=0.01), fastgd.Adan()], ids=["SGD", "AdamW", "Adan"]
)
def test_sizes(optimizer):
    rng = np.random.default_rng(1)
    sizes = (*SIZES, 0, 700)
    pair = Pair(optimizer, random(rng, sizes, "float32"))
    for _ in range(2):
        pair.step(random(rng, sizes, "float32"))
    pair.assert_equal()


def test_arrays_of_about_a_chunk(monkeypatch):
    """More than one chunk of an array, and one element more or less."""
    monkeypatch.setattr(cuda_tables, "CHUNK", 64)
    rng = np.random.default_rng(2)
    sizes = (63, 64, 65, 127, 128, 129, 300)
    pair = Pair(fastgd.Adam(lr=0.1, clip_norm=0.5), random(rng, sizes, "float32"))
    for _ in range(2):
        infos = pair.step(random(rng, sizes, "float32"))
        assert infos[0].clipped and infos[1].clipped
        assert math.isclose(infos[0].grad_norm, infos[1].grad_norm, rel_tol=1e-14)
    pair.assert_equal()


def test_a_whole_chunk_and_a_tail():
    rng = np.random.default_rng(3)
    n = cuda_source.CHUNK + 1
    pair = Pair(fastgd.SGD(lr=0.1), random(rng, (n,), "float32"))
    pair.step(random(rng, (n,), "float32"))
    pair.assert_equal()


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", ml_dtypes.bfloat16], ids=["f32", "f64", "f16", "bf16"]
)
def test_misaligned_arrays_and_guard_words(dtype):
    """Parameters and gradients at every distance from an aligned address; nothing beside the arrays changes, nor do gradients."""
    rng = np.random.default_rng(4)
    optimizer = fastgd.AdamW(lr=0.01, clip_norm=1.0)
    places = [(a, b) for a in range(4) for b in range(4)]
    made_of = [(shifted(21, dtype, a), shifted(21, dtype, b)) for a, b in places]
    for (p, _, _), (g, _, _) in made_of:
        p[...], g[...] = rng.standard_normal((2, 21)).astype(dtype)
    expected = [p.copy() for (p, _, _), _ in made_of]
    before = [(p_whole.copy(), g_whole.copy()) for (_, p_whole, _), (_, g_whole, _) in made_of]
    grads = [g for _, (g, _, _) in made_of]
    optimizer.init(expected).step([g.copy() for g in grads])
    optimizer.init([Produced(p) for (p, _, _), _ in made_of]).step([Produced(g) for g in grads])
    for ((p, p_whole, start), (_, g_whole, _)), value, (p_before, g_before) in zip(
        made_of, expected, before, strict=True
    ):
        assert p.tobytes() == value.tobytes()
        p_before[start : start + 21] = value
        assert p_whole.tobytes() == p_before.tobytes() and g_whole.tobytes() == g_before.tobytes()


def test_misaligned_state_arrays(monkeypatch):
    """A state array of ours is aligned; where one were not, each stream by itself, the result is the same."""
    whole = cuda_arrays.cuda_memory.allocate
    shifts = iter([0, 4, 8, 12, 4, 4, 12, 0])
    monkeypatch.setattr(
        cuda_arrays.cuda_memory, "allocate", lambda n: (lambda o, a: (o, a + next(shifts, 0)))(*whole(n + 16))
    )
    rng = np.random.default_rng(5)
    pair = Pair(fastgd.AdamW(lr=0.01), random(rng, (37, 37, 37, 37), "float32"))
    pair.step(random(rng, (37, 37, 37, 37), "float32"))
    pair.assert_equal()


@pytest.mark.parametrize("size", [1e-45, 1e-38, 1e-24, 1e-3, 1.0, 1e3, 1e20, 3e38])
@pytest.mark.parametrize("limit", [1e-6, 1.0, 1e30])
def test_clipping(size, limit):
    """From the smallest to the largest float32: neither a square nor the factor leaves its range."""
    rng = np.random.default_rng(6)
    grads = [np.float32(size) * rng.uniform(-1, 1, n).astype(np.float32) for n in (3, 18)]
    pair = Pair(fastgd.SGD(lr=1.0, clip_norm=limit), [np.zeros(3, np.float32), np.zeros(18, np.float32)])
    here, there = pair.step(grads)
    exact = math.sqrt(math.fsum(float(x) ** 2 for g in grads for x in g))
    assert math.isclose(there.grad_norm, exact, rel_tol=1e-14)
    assert here.clipped == there.clipped == (exact > limit)
    pair.assert_equal()
    if there.clipped:
        moved = math.sqrt(math.fsum(float(x) ** 2 for p in pair.there for x in p))
        assert math.isclose(moved, limit, rel_tol=1e-5)


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_norms_of_float64(size):
    grads = [size * np.random.default_rng(7).uniform(-1, 1, 9)]
    pair = Pair(fastgd.SGD(lr=0.5, clip_norm=size), [np.ones(9)])
    here, there = pair.step(grads)
    assert math.isclose(here.grad_norm, there.grad_norm, rel_tol=1e-14)
    pair.assert_equal(1e-15)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite(bad):
    values = [np.ones(5, np.float32), np.ones(30, np.float32)]
    grads = [np.full(5, 0.5, np.float32), np.full(30, 0.5, np.float32)]
    poisoned = [grads[0], grads[1].copy()]
    poisoned[1][17] = bad
    for policy in ("raise", "skip", "zero"):
        pair = Pair(fastgd.AdamW(lr=0.1, on_nonfinite=policy), values)
        pair.step(grads)
        before = [p.copy() for p in pair.there] + [np.asarray(a) for a in pair.gpu.arrays.values()]
        if policy == "raise":
            with pytest.raises(
                fastgd.NonFiniteError, match=r"grad of '1' is .* at index \(17,\), at step 1; nothing was changed"
            ):
                pair.gpu.step([Produced(g) for g in poisoned])
            with pytest.raises(fastgd.NonFiniteError):
                pair.cpu.step(poisoned)
        else:
            here, there = pair.step(poisoned)
            assert (here.skipped, here.nonfinite) == (there.skipped, there.nonfinite) == (policy == "skip", 1)
        after = [p.copy() for p in pair.there] + [np.asarray(a) for a in pair.gpu.arrays.values()]
        same = all(a.tobytes() == b.tobytes() for a, b in zip(before, after, strict=True))
        assert same == (policy != "zero")
        pair.step(grads)
        pair.assert_equal()


def test_groups_schedules_and_missing_gradients():
    rng = np.random.default_rng(8)
    rate = S.warmup(3) >> S.cosine(0.1, 8)
    overrides = {"1": {"lr": 0.5, "weight_decay": 0.0}, "2": {"amsgrad": True, "clip_value": 0.1}}
    pair = Pair(
        fastgd.AdamW(lr=rate, clip_norm=S.linear(1.0, 9)), random(rng, (3, 9, 20), "float32"), overrides=overrides
    )
    for k in range(7):
        grads = random(rng, (3, 9, 20), "float32")
        if k in (2, 5):
            grads[k % 3] = None
        here, there = pair.step(grads)
        assert (here.t, here.lr, here.clipped) == (there.t, there.lr, there.clipped)
    assert pair.gpu.step([None, None, None]).skipped
    pair.cpu.step([None, None, None])
    pair.assert_equal()
    ages = [[state._plan.cohort_of(i).age for i in range(3)] for state in (pair.cpu, pair.gpu)]
    assert ages == [[7, 7, 5]] * 2


def test_mixed_dtypes_in_one_state():
    rng = np.random.default_rng(9)
    values = [
        v.astype(d)
        for v, d in zip(
            random(rng, (5, 6, 7, 8), "float64"), ("float32", "float64", "float16", ml_dtypes.bfloat16), strict=True
        )
    ]
    pair = Pair(fastgd.Adam(lr=0.01), values)
    for _ in range(2):
        pair.step([rng.standard_normal(v.size).astype(v.dtype) for v in values])
    pair.assert_equal()


def test_thousands_of_arrays(monkeypatch):
    few_threads(monkeypatch, 1)
    rng = np.random.default_rng(10)
    values = random(rng, (3,) * 1200, "float32")
    pair = Pair(fastgd.SGD(lr=0.1, momentum=0.9, on_nonfinite="zero"), values)
    pair.step(random(rng, (3,) * 1200, "float32"))
    pair.assert_equal()


@fastgd.rule
def Tanh(p, g, m, /, lr=0.1, mu=0.9):
    m = mu * m + (1 - mu) * g
    return p - lr * math.tanh(2.5 * m) - 1e-3 * max(p, 0.0), m


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rule_of_the_users(dtype):
    rng = np.random.default_rng(11)
    pair = Pair(Tanh(lr=0.05, clip_value=0.5), random(rng, (3, 10), dtype))
    for _ in range(3):
        pair.step(random(rng, (3, 10), dtype))
    pair.assert_equal(0 if cuda.SIMULATED or dtype == "float32" else 1e-15)  # a device has a tanh of its own


@pytest.mark.parametrize("wrap", [ByDLPack, lambda a: ByDLPack(a, versioned=False)], ids=["versioned", "old"])
def test_dlpack(wrap):
    rng = np.random.default_rng(12)
    for dtype in ("float32", "float64", "float16", ml_dtypes.bfloat16):
        pair = Pair(fastgd.AdamW(lr=0.1), [v.reshape(3, 4) for v in random(rng, (12,), dtype)], wrap)
        pair.step([v.reshape(3, 4) for v in random(rng, (12,), dtype)])
        pair.assert_equal()


def test_numbas_own_arrays():
    from numba.cuda import to_device

    host = np.ones(5, np.float32)
    there = to_device(host)
    # The simulator's arrays lack the interface that real ones have.
    state = fastgd.SGD(lr=0.5).init(Produced(there._ary) if cuda.SIMULATED else there)
    state.step(Produced(np.ones(5, np.float32)))
    assert there.copy_to_host().tolist() == [0.5] * 5


def test_a_state_moves_between_processor_and_gpu(tmp_path):
    rng = np.random.default_rng(13)
    optimizer = fastgd.NAdam(lr=S.cosine(0.1, 20), clip_norm=1.0)
    pair = Pair(optimizer, random(rng, (4, 9), "float32"))
    pair.step(random(rng, (4, 9), "float32"))
    fastgd.save(tmp_path / "cpu", pair.cpu)
    fastgd.save(tmp_path / "gpu", pair.gpu)
    assert (tmp_path / "cpu").read_bytes() == (tmp_path / "gpu").read_bytes()
    here, there = [np.zeros(4, np.float32), np.zeros(9, np.float32)], [np.zeros(4, np.float32), np.zeros(9, np.float32)]
    onto_cpu = fastgd.load(tmp_path / "gpu", here)
    onto_gpu = fastgd.load(tmp_path / "cpu", [Produced(p) for p in there])
    grads = random(rng, (4, 9), "float32")
    pair.step(grads)
    onto_cpu.step(grads)
    onto_gpu.step([Produced(g) for g in grads])
    for a, b, c in zip(pair.here, here, there, strict=True):
        assert a.tobytes() == b.tobytes() == c.tobytes()


def test_evaluation_params():
    rng = np.random.default_rng(14)
    for optimizer in (fastgd.AdamWScheduleFree(lr=0.1), fastgd.ASGD(lr=0.1, t0=0), fastgd.FTRL()):
        pair = Pair(optimizer, random(rng, (6,), "float32"))
        for _ in range(2):
            pair.step(random(rng, (6,), "float32"))
        assert pair.cpu.evaluation_params()[0].tobytes() == pair.gpu.evaluation_params()[0].tobytes()
        before, average = pair.there[0].copy(), pair.gpu.evaluation_params()[0]
        with pair.gpu.averaged():
            assert pair.there[0].tobytes() == average.tobytes()
        assert pair.there[0].tobytes() == before.tobytes()


def test_state_arrays_are_seen_and_set():
    state = fastgd.Adam().init(Produced(np.ones((2, 3), np.float32)))
    array = state.arrays["param.exp_avg"]
    assert isinstance(array, DeviceArray) and array.__cuda_array_interface__["shape"] == (2, 3)
    state.arrays["param.exp_avg"] = np.full((2, 3), 0.5, np.float32)
    assert np.asarray(array).tolist() == [[0.5] * 3] * 2
    assert "float32 (2, 3)" in repr(state.arrays)
