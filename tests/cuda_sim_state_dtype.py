"""State arrays of fewer bits in the CUDA simulator: the processor's bits, whatever the lengths and places; run by test_cuda_sim.py."""

import ml_dtypes
import numpy as np
import pytest

import fastgd
from fastgd import schedules as S
from fastgd._kernels import cuda_source
from fastgd.optimizers import storage
from tests.cuda_arrays import Pair, Produced, random, shifted

DTYPES = pytest.mark.parametrize("dtype", ["float32", "float16", ml_dtypes.bfloat16], ids=["f32", "f16", "bf16"])
HOW = pytest.mark.parametrize("how", storage.STATE_DTYPES)


@pytest.fixture(autouse=True)
def _all_sizes(monkeypatch):
    monkeypatch.setattr(storage, "SMALLEST", 1)  # small arrays too: the simulator is slow


@HOW
@DTYPES
def test_the_processors_bits(dtype, how):
    """Whole blocks, short last blocks, and both in one launch."""
    rng = np.random.default_rng(1)
    sizes = (7, 256, 259)
    pair = Pair(fastgd.AdamW(lr=0.01, on_nonfinite="zero", state_dtype=how), random(rng, sizes, dtype))
    for _ in range(2):
        pair.step(random(rng, sizes, dtype))
    pair.assert_equal()


@HOW
@pytest.mark.parametrize(
    "optimizer",
    [
        fastgd.SGD(lr=0.1, momentum=0.9),
        fastgd.Lion(lr=0.1),
        fastgd.Adam(amsgrad=True),
        fastgd.Adamax(),
        fastgd.AdEMAMix(),
    ],
    ids=lambda o: type(o).__name__,
)
def test_other_rules(optimizer, how):
    rng = np.random.default_rng(2)
    pair = Pair(optimizer.replace(state_dtype=how, on_nonfinite="zero"), random(rng, (260,), "float32"))
    for _ in range(2):
        pair.step(random(rng, (260,), "float32"))
    pair.assert_equal()


@HOW
def test_misaligned_arrays(how):
    """The way of single elements has the bits of that of vectors, and nothing beside the arrays changes."""
    rng = np.random.default_rng(3)
    places = [(0, 0), (1, 0), (0, 3), (2, 2)]
    made_of = [(shifted(260, "float32", a), shifted(260, "float32", b)) for a, b in places]
    for (p, _, _), (g, _, _) in made_of:
        p[...], g[...] = rng.standard_normal((2, 260))
    expected = [p.copy() for (p, _, _), _ in made_of]
    before = [whole.copy() for (_, whole, _), _ in made_of]
    grads = [g for _, (g, _, _) in made_of]
    optimizer = fastgd.AdamW(lr=0.01, state_dtype=how, on_nonfinite="zero")
    here, there = optimizer.init(expected), optimizer.init([Produced(p) for (p, _, _), _ in made_of])
    for _ in range(2):
        here.step(grads)
        there.step([Produced(g) for g in grads])
    for ((p, whole, start), _), value, guard in zip(made_of, expected, before, strict=True):
        guard[start : start + 260] = value
        assert p.tobytes() == value.tobytes() and whole.tobytes() == guard.tobytes()
    for name, array in here.arrays.items():
        assert array.tobytes() == np.asarray(there.arrays[name]).tobytes()


def test_a_whole_chunk_and_a_tail():
    rng = np.random.default_rng(4)
    n = cuda_source.CHUNK + 300
    pair = Pair(fastgd.SGD(lr=0.1, momentum=0.9, state_dtype="int8"), random(rng, (n,), "float32"))
    pair.step(random(rng, (n,), "float32"))
    pair.assert_equal()


def test_groups_schedules_and_missing_gradients():
    """Parameters of different ages and storages in one state."""
    rng = np.random.default_rng(5)
    sizes = (3, 270, 20)
    overrides = {"1": {"lr": 0.5, "state_dtype": "int8"}, "2": {"state_dtype": None}}
    optimizer = fastgd.AdamW(lr=S.cosine(0.1, 8), state_dtype="bfloat16", on_nonfinite="zero")
    pair = Pair(optimizer, random(rng, sizes, "float32"), overrides=overrides)
    for k in range(5):
        grads = random(rng, sizes, "float32")
        grads[k % 3] = None if k in (2, 4) else grads[k % 3]
        if k == 3 and grads[1] is not None:
            grads[1][[5, 260]] = np.nan, np.inf
        here, there = pair.step(grads)
        assert here.nonfinite == there.nonfinite
    pair.assert_equal()


@HOW
def test_a_state_moves_between_processor_and_gpu(tmp_path, how):
    rng = np.random.default_rng(6)
    sizes = (4, 270)
    pair = Pair(fastgd.NAdam(lr=0.1, clip_norm=0.5, state_dtype=how), random(rng, sizes, "float32"))
    pair.step(random(rng, sizes, "float32"))
    fastgd.save(tmp_path / "cpu", pair.cpu)
    fastgd.save(tmp_path / "gpu", pair.gpu)
    assert (tmp_path / "cpu").read_bytes() == (tmp_path / "gpu").read_bytes()
    here, there = ([np.zeros(n, np.float32) for n in sizes] for _ in range(2))
    onto_cpu = fastgd.load(tmp_path / "gpu", here)
    onto_gpu = fastgd.load(tmp_path / "cpu", [Produced(p) for p in there])
    grads = random(rng, sizes, "float32")
    pair.step(grads)
    onto_cpu.step(grads)
    onto_gpu.step([Produced(g) for g in grads])
    for a, b, c in zip(pair.here, here, there, strict=True):
        assert a.tobytes() == b.tobytes() == c.tobytes()


@HOW
def test_replay(how):
    """The dither of each step is among the scalars that are computed ahead."""
    rng = np.random.default_rng(7)
    values, grads = random(rng, (270,), "float32"), random(rng, (270,), "float32")
    pair = Pair(fastgd.AdamW(lr=S.linear(0.1, 9), state_dtype=how), values)
    for _ in range(4):
        pair.cpu.step(grads)
    with fastgd.Replay(pair.gpu, [Produced(g) for g in grads], steps=4) as replay:
        for _ in range(4):
            replay.step()
    pair.assert_equal()
