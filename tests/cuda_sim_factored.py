"""For `test_cuda_sim.py` to run in the simulator: `Adafactor` and `SM3`, whose second moments are numbers of rows and columns.

Tiles are a few rows and columns there, so that small matrices have many. The oracle is the processor's NumPy. Maxima are the same bits in
any order; sums of squares are float64 on both and differ in their last bits, which float32 does not see and float64 does.
"""

import sys

import ml_dtypes
import numpy as np
import pytest

import fastgd
from fastgd._kernels import cuda_factored, cuda_launch
from tests.cuda_arrays import Pair, Produced, few_threads, shifted

sys.setswitchinterval(1e-5)  # the simulator's barriers wait for the interpreter to switch threads
S = fastgd.schedules
SHAPES = [
    (),
    (1,),
    (7,),
    (40,),
    (1, 1),
    (3, 4),
    (9, 13),
    (33, 20),
    (1, 21),
    (19, 1),
    (2, 3, 5),
    (2, 5, 24),
    (2, 1, 3, 8),
    (0,),
    (3, 0),
]
DTYPES = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16]
OPTIMIZERS = {
    "Adafactor": fastgd.Adafactor(lr=0.1),
    "Adafactor, all options": fastgd.Adafactor(lr=0.5, beta2_decay=-0.5, eps=(1e-3, 0.1), d=2.0, weight_decay=0.1, maximize=True),
    "Adafactor, an eps whose square is 0 in float32": fastgd.Adafactor(lr=0.1, eps=(1e-30, 1e-3)),
    "SM3": fastgd.SM3(lr=0.1),
    "SM3, all options": fastgd.SM3(lr=0.1, momentum=0.0, beta2=0.9, eps=0.1, weight_decay=0.1, maximize=True),
}  # fmt: skip
BOTH = [fastgd.Adafactor(lr=0.1), fastgd.SM3(lr=0.1)]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    few_threads(monkeypatch, 2)


def tensors(rng, dtype, shapes=SHAPES):
    return [np.asarray(rng.standard_normal(shape)).astype(dtype) for shape in shapes]


def bound(optimizer, dtype):
    """Return how far float64 may be from the processor: its sums have another order, and what is made of them has their last bits."""
    return 1e-13 if isinstance(optimizer, fastgd.Adafactor) and dtype == np.float64 else 0


@pytest.mark.parametrize(
    ("name", "dtype"), [(name, dtype) for name in OPTIMIZERS for dtype in (DTYPES[:2] if "," in name else DTYPES)]
)
def test_factored_steps_have_the_bits_of_the_processor(name, dtype):
    rng, optimizer = np.random.default_rng(0), OPTIMIZERS[name]
    pair = Pair(optimizer, tensors(rng, dtype))
    for _ in range(2):
        pair.step(tensors(rng, dtype))
    pair.assert_equal(bound(optimizer, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", BOTH)
def test_factored_misaligned_matrices_and_guard_words(optimizer, dtype):
    """Rows that vectors fit into and rows that they do not; nothing beside the arrays changes, nor do gradients."""
    rng = np.random.default_rng(1)
    places = [(a, b) for a in (0, 1, 2) for b in (0, 1)]
    shapes = [((6, 4), (8, 3))[k % 2] for k in range(len(places))]
    made_of = [(shifted(24, dtype, a), shifted(24, dtype, b)) for a, b in places]
    for (p, _, _), (g, _, _) in made_of:
        p[...], g[...] = rng.standard_normal((2, 24)).astype(dtype)
    expected = [p.reshape(shape).copy() for ((p, _, _), _), shape in zip(made_of, shapes, strict=True)]
    grads = [g.reshape(shape) for (_, (g, _, _)), shape in zip(made_of, shapes, strict=True)]
    before = [(p_whole.copy(), g_whole.copy()) for (_, p_whole, _), (_, g_whole, _) in made_of]
    optimizer.init(expected).step([g.copy() for g in grads])
    there = [Produced(p.reshape(shape)) for ((p, _, _), _), shape in zip(made_of, shapes, strict=True)]
    optimizer.init(there).step([Produced(g) for g in grads])
    for ((p, p_whole, start), (_, g_whole, _)), value, (p_before, g_before) in zip(
        made_of, expected, before, strict=True
    ):
        np.testing.assert_allclose(
            p.astype(float), value.astype(float).ravel(), rtol=bound(optimizer, dtype), atol=bound(optimizer, dtype)
        )
        p_before[start : start + 24] = p
        assert p_whole.tobytes() == p_before.tobytes() and g_whole.tobytes() == g_before.tobytes()


@pytest.mark.parametrize("optimizer", BOTH)
def test_factored_groups_schedules_clipping_and_missing_gradients(optimizer):
    rng = np.random.default_rng(2)
    optimizer = optimizer.replace(lr=S.warmup(2) >> S.cosine(0.1, 6), clip_norm=1.0)
    overrides = {"1": {"lr": 0.5, "clip_value": 0.01}, "2": {"maximize": True}}
    if isinstance(optimizer, fastgd.SM3):
        overrides["3"] = {"momentum": 0.0}
    shapes = [(3, 5), (4, 4), (9,), (2, 3, 4)]
    pair = Pair(optimizer, tensors(rng, np.float32, shapes), overrides=overrides)
    for k in range(5):
        grads = tensors(rng, np.float32, shapes)
        if k in (1, 3):
            grads[k] = None
        here, there = pair.step(grads)
        assert (here.t, here.lr, here.clipped) == (there.t, there.lr, there.clipped) and here.clipped
    pair.assert_equal()


@pytest.mark.parametrize(("optimizer", "bad"), [(BOTH[0], np.nan), (BOTH[1], np.inf)])
def test_factored_gradients_that_are_not_finite(optimizer, bad):
    values = [np.ones((5, 3), np.float32), np.ones((4, 8), np.float32)]
    grads = [np.full((5, 3), 0.5, np.float32), np.full((4, 8), 0.5, np.float32)]
    poisoned = [grads[0], grads[1].copy()]
    poisoned[1][2, 5] = bad
    for policy in ("raise", "skip", "zero"):
        pair = Pair(optimizer.replace(on_nonfinite=policy), values)
        pair.step(grads)
        before = [p.copy() for p in pair.there] + [np.asarray(a) for a in pair.gpu.arrays.values()]
        if policy == "raise":
            with pytest.raises(fastgd.NonFiniteError, match=r"at index \(2, 5\), at step 1; nothing was changed"):
                pair.gpu.step([Produced(g) for g in poisoned])
            with pytest.raises(fastgd.NonFiniteError):
                pair.cpu.step(poisoned)
        else:
            here, there = pair.step(poisoned)
            assert (here.skipped, here.nonfinite) == (there.skipped, there.nonfinite) == (policy == "skip", 1)
        after = [p.copy() for p in pair.there] + [np.asarray(a) for a in pair.gpu.arrays.values()]
        assert all(a.tobytes() == b.tobytes() for a, b in zip(before, after, strict=True)) == (policy != "zero")
        pair.step(grads)
        pair.assert_equal()


@pytest.mark.parametrize("optimizer", BOTH)
def test_factored_states_move_between_processor_and_gpu(tmp_path, optimizer):
    rng, shapes = np.random.default_rng(3), [(6, 5), (9,), (2, 3, 4)]
    pair = Pair(optimizer, tensors(rng, np.float32, shapes))
    pair.step(tensors(rng, np.float32, shapes))
    fastgd.save(tmp_path / "cpu", pair.cpu)
    fastgd.save(tmp_path / "gpu", pair.gpu)
    assert (tmp_path / "cpu").read_bytes() == (tmp_path / "gpu").read_bytes()
    here, there = tensors(rng, np.float32, shapes), tensors(rng, np.float32, shapes)
    onto_cpu = fastgd.load(tmp_path / "gpu", here)
    onto_gpu = fastgd.load(tmp_path / "cpu", [Produced(p) for p in there])
    grads = tensors(rng, np.float32, shapes)
    pair.step(grads)
    onto_cpu.step(grads)
    onto_gpu.step([Produced(g) for g in grads])
    for a, b, c in zip(pair.here, here, there, strict=True):
        assert a.tobytes() == b.tobytes() == c.tobytes()


@pytest.mark.parametrize("size", [1e-300, 1e160])
def test_factored_sizes_of_parameters_beyond_the_range_of_squares(size):
    rng = np.random.default_rng(4)
    pair = Pair(fastgd.Adafactor(lr=0.1, eps=(None, 1e-200)), [size * rng.uniform(0.5, 1, (5, 6))])
    for _ in range(2):
        pair.step([rng.standard_normal((5, 6))])
    np.testing.assert_allclose(pair.there[0], pair.here[0], rtol=1e-12)
    assert not np.array_equal(pair.there[0], size * np.ones((5, 6)))


@pytest.mark.parametrize("optimizer", BOTH)
def test_factored_bits_do_not_depend_on_the_number_of_blocks(optimizer, monkeypatch):
    found, run = [], cuda_launch.run
    few_threads(monkeypatch, 8)
    for n_blocks in (1, 3):

        def launched(launches, after, wave=n_blocks):
            for kernel, *_ in launches:
                monkeypatch.setattr(kernel, "wave", wave)
            run(launches, after)

        monkeypatch.setattr(cuda_launch, "run", launched)
        rng, shapes = np.random.default_rng(5), [(9, 20), (17,)]
        host = tensors(rng, np.float64, shapes)
        state = optimizer.init([Produced(p) for p in host])
        for _ in range(2):
            state.step([Produced(g) for g in tensors(rng, np.float64, shapes)])
        found.append([a.tobytes() for a in (*host, *map(np.asarray, state.arrays.values()))])
    assert found[0] == found[1]


@pytest.mark.parametrize(("optimizer", "launches"), [(BOTH[0], 5), (BOTH[1], 2)])
def test_factored_arrays_share_launches(optimizer, launches, monkeypatch):
    rng, counted, updates = np.random.default_rng(6), [], cuda_factored.FactoredPlan.updates
    monkeypatch.setattr(
        cuda_factored.FactoredPlan, "updates", lambda plan: counted.extend(found := updates(plan)) or found
    )
    shapes = [(3, 2), (5,), (2, 2, 2)] * 10
    pair = Pair(optimizer, tensors(rng, np.float32, shapes))
    pair.step(tensors(rng, np.float32, shapes))
    pair.assert_equal()
    assert len(counted) == launches


@pytest.mark.parametrize(
    ("optimizer", "n_kernels"),
    [
        (BOTH[0], 6),
        (BOTH[1], 3),
        (BOTH[1].replace(extras=fastgd.GradientCentralization()), 6),
        (fastgd.SGD(lr=0.1), 2),
    ],
)
def test_factored_arrays_compile_what_they_launch(optimizer, n_kernels, monkeypatch):
    """The kernel of the norm beside their own; not the update of arrays whose states are of their shape."""
    names, launched = {}, set()
    kernel, run, call = cuda_launch.kernel, cuda_launch.run, cuda_launch.Kernel.__call__

    def noted(text):
        found = kernel(text)
        names[found] = text.name
        return found

    def noting(launches, after):
        launched.update(names[found] for found, *_ in launches)
        run(launches, after)

    def counted(found, *arguments):
        launched.add(names[found])
        call(found, *arguments)

    monkeypatch.setattr(cuda_launch, "kernel", noted)
    monkeypatch.setattr(cuda_launch, "run", noting)
    monkeypatch.setattr(cuda_launch.Kernel, "__call__", counted)
    rng, shapes = np.random.default_rng(9), [(3, 4), (5,)]
    pair = Pair(optimizer, tensors(rng, np.float32, shapes))
    pair.step(tensors(rng, np.float32, shapes))
    assert set(names.values()) == launched and len(launched) == n_kernels
    assert any(name.startswith("update_") for name in launched) == isinstance(optimizer, fastgd.SGD)


@pytest.mark.parametrize("optimizer", BOTH)
def test_factored_gradients_of_another_kind(optimizer):
    """A float32 gradient in the place of a float16 one, as what changes gradients before a step may leave it."""
    rng, shapes = np.random.default_rng(7), [(5, 8), (9,)]
    values, grads = tensors(rng, np.float16, shapes), tensors(rng, np.float16, shapes)
    pair = Pair(optimizer, values)
    plan, bind = pair.gpu._plan, pair.gpu._plan.bind

    def bound_and_widened(*arguments):
        live = bind(*arguments)
        for i, g in plan.live_gradients():
            plan.substitute(i, np.asarray(g).astype(np.float32))
        return live

    plan.bind = bound_and_widened
    plan.square_sum = lambda: 1.0  # that of float16 is not for these
    pair.step(grads)
    pair.assert_equal()


def test_factored_momentum_in_bfloat16_and_what_is_refused():
    rng = np.random.default_rng(8)
    pair = Pair(fastgd.SM3(lr=0.1, state_dtype="bfloat16"), tensors(rng, np.float32, [(6, 8), (5,)]))
    for _ in range(3):
        pair.step(tensors(rng, np.float32, [(6, 8), (5,)]))
    pair.assert_equal()
    large = Produced(np.ones((64, 64), np.float32))
    with pytest.raises(fastgd.ArgumentValueError, match=r"state_dtype.*bfloat16"):
        fastgd.SM3(state_dtype="int8").init(large)
    for optimizer in BOTH:
        with pytest.raises(fastgd.ArgumentValueError, match=r"Adafactor|SM3"):
            fastgd.Replay(optimizer.init(large), large, 1)


@pytest.mark.parametrize("kind", [fastgd.Adafactor, fastgd.SM3], ids=["Adafactor", "SM3"])
@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16], ids=["f32", "bf16"])
def test_factored_steps_with_all_that_goes_around_them(kind, dtype):
    extras = (fastgd.GradientCentralization(), fastgd.EMA(0.9), fastgd.Lookahead(k=2, alpha=0.3))
    rng, shapes = np.random.default_rng(7), [(9, 13), (7,), (2, 3, 5)]
    pair = Pair(kind(lr=0.1, extras=extras, clip_norm=2.0), tensors(rng, dtype, shapes), monitor=1, rollback=True)
    for k in range(4):
        grads = tensors(rng, dtype, shapes)
        if k == 2:
            grads[1] = None
        here, there = pair.step(grads)
        assert here.grad_norm == pytest.approx(there.grad_norm, rel=1e-14) and here.clipped == there.clipped
        for one, other in zip(pair.cpu.monitor.arrays.values(), pair.gpu.monitor.arrays.values(), strict=True):
            assert one[2:] == pytest.approx(other[2:], rel=1e-12)
    pair.assert_equal()
