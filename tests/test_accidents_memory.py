"""Accidents of other libraries with memory: strided arrays, lost copies, empty parameters, two threads in one step."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastgd

from .adversarial import EVERY_OPTIMIZER, LAYOUTS, OPTIMIZERS, assert_same, laid_out, problem, snapshot, trained, values

# ------------- 7. bitsandbytes#1185, pytorch/pytorch#106951, #110758: strided gradients give a wrong update; axolotl#3785: a lost copy

SHAPES = [(5, 1, 8), (3, 4), (7,), (1,), (), (0,), (3, 0, 2)]


def assert_like_contiguous(optimizer, shape, p_layout, dtype="float64"):
    """Train a parameter of one layout on gradients of all layouts; look at whole bases, so that what lies around them counts."""
    p, first, second = (values(*shape, dtype=dtype, seed=seed) for seed in range(3))
    plain = p.copy()
    trained(optimizer, plain, first, second)
    expected_base, _ = laid_out(plain, p_layout)
    for g_layout in LAYOUTS:
        p_base, param = laid_out(p, p_layout)
        bases, grads = zip(*(laid_out(g, g_layout) for g in (first, second)), strict=True)
        before = snapshot(bases)
        trained(optimizer, param, *grads)
        assert p_base.tobytes() == expected_base.tobytes(), f"{shape}, gradient {g_layout}"
        assert snapshot(bases) == before


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("p_layout", LAYOUTS)
def test_every_layout_of_param_and_gradient_is_like_contiguous(p_layout, optimizer):
    for shape in SHAPES:
        assert_like_contiguous(optimizer, shape, p_layout)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("p_layout", LAYOUTS)
def test_every_layout_is_like_contiguous_across_blocks(p_layout, dtype):
    assert_like_contiguous(OPTIMIZERS["AdamW"], (70, 1, 90), p_layout, dtype)


@pytest.mark.parametrize("p_layout", LAYOUTS)
def test_every_layout_is_clipped_alike(p_layout):
    """A norm summed in another order may differ in its last digits, no more."""
    p, grads = values(70, 1, 90), values(70, 1, 90, seed=1)
    plain = p.copy()
    expected = fastgd.SGD(lr=1.0, clip_norm=0.5).init(plain).step(grads)
    for g_layout in LAYOUTS:
        param, gradient = laid_out(p, p_layout)[1], laid_out(grads, g_layout)[1]
        info = fastgd.SGD(lr=1.0, clip_norm=0.5).init(param).step(gradient)
        np.testing.assert_allclose(info.grad_norm, expected.grad_norm, rtol=1e-15)
        np.testing.assert_allclose(param, plain, rtol=1e-15)
        assert fastgd.clip_norm(gradient, 0.5) == fastgd.global_norm(laid_out(grads, g_layout)[1])
        np.testing.assert_allclose(p - gradient, plain, rtol=1e-15)


def random_view(generator, base, shape):
    """Return a view of `base`, of this shape and any strides, that has no element twice."""
    while True:
        strides = generator.integers(-9, 10, len(shape)) * base.itemsize
        reach = [(n - 1) * int(s) for n, s in zip(shape, strides, strict=True)]
        low, high = -sum(min(r, 0) for r in reach), base.nbytes - base.itemsize - sum(max(r, 0) for r in reach)
        start = int(generator.integers(low, high + 1)) // base.itemsize * base.itemsize
        view = np.ndarray(shape, base.dtype, base.data, start, strides.tolist())
        if start >= low and np.unique(every_address(view)).size == view.size:
            return view


def every_address(view):
    offsets = np.tensordot(view.strides, np.indices(view.shape), 1)
    return view.__array_interface__["data"][0] + offsets


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_random_views_of_one_buffer_are_refused_where_they_share_an_element(optimizer):
    """NumPy's own method for memory overlap: what shares no element gives the result of copies, all else is refused."""
    generator, refusals = np.random.default_rng(0), 0
    for _ in range(150):
        base = values(120)
        shape = tuple(generator.integers(1, 4, generator.integers(1, 4)).tolist())
        first, second, gradient = (random_view(generator, base, shape) for _ in range(3))
        alone = [a.copy() for a in (first, second)]
        before, taken = base.tobytes(), [set(every_address(a).ravel().tolist()) for a in (first, second, gradient)]
        if taken[0] & taken[1]:
            with pytest.raises(fastgd.ArgumentValueError, match="'0' and '1' share memory"):
                optimizer.init([first, second])
            assert base.tobytes() == before
            refusals += 1
            continue
        state, grads = optimizer.init([first, second]), [gradient, gradient]
        if (taken[0] | taken[1]) & taken[2]:
            with pytest.raises(fastgd.ArgumentValueError, match="shares memory"):
                state.step(grads)
            assert base.tobytes() == before
            refusals += 1
            continue
        trained(optimizer, alone, [gradient.copy()] * 2)
        state.step(grads)
        assert first.tobytes() == alone[0].tobytes() and second.tobytes() == alone[1].tobytes()
    assert 30 < refusals < 120


# ---------------------------------------------------------------- 8. pytorch/pytorch#100701: an empty parameter in a fused list


@pytest.mark.parametrize("optimizer", EVERY_OPTIMIZER.values(), ids=EVERY_OPTIMIZER)
@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.5}, {"on_nonfinite": "zero"}], ids=["", "clipped", "zero"])
def test_an_empty_parameter_anywhere_changes_nothing(options, optimizer):
    chosen = optimizer.replace(**options)
    plain = [values(3), values(4, 2)]
    trained(chosen, plain, [values(3), values(4, 2)], [values(3, seed=1), values(4, 2, seed=1)])
    for place in range(3):
        params, first, second = ([values(3, seed=s), values(4, 2, seed=s)] for s in (0, 0, 1))
        for tree in (params, first, second):
            tree.insert(place, np.zeros((0, 5)))
        state = trained(chosen, params, first, second)
        del params[place]
        assert snapshot(params) == snapshot(plain) and state.t == 2
    empty = chosen.init(np.zeros((2, 0)))
    assert empty.step(np.zeros((2, 0))).nonfinite == 0 and empty.t == 1


# -------------------------------------------------------------- Row 133: two threads step the same state, or each one of its own


class Blocking(np.ndarray):
    """A gradient that holds up the step that looks at it, until it is let go."""

    def view(self, *args):
        started.set()
        assert let_go.wait(30)
        return np.asarray(super().view(*args))


started, let_go = threading.Event(), threading.Event()


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_second_thread_in_the_same_step_is_refused(optimizer):
    started.clear()
    let_go.clear()
    (params, grads), (plain, _) = problem(), problem()
    state = optimizer.init(params)
    blocking = grads | {"w": grads["w"].view(Blocking)}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(state.step, blocking)
        try:
            assert started.wait(30)
            for _ in range(2):
                with pytest.raises(fastgd.ConcurrentStepError, match="its own state"):
                    state.step(grads)
        finally:
            let_go.set()
        assert first.result(30).t == 0
    state.step(grads)
    assert_same(state, trained(optimizer, plain, grads, grads))


@pytest.fixture
def hasty():
    """Let threads take turns as often as the interpreter can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.parametrize("size", [50, 200_000])
def test_threads_that_share_a_state_corrupt_nothing(hasty, size):
    """However many of the steps get through, the result is that of as many steps in a row."""
    p, g = values(size, dtype="float32"), values(size, dtype="float32", seed=1)
    plain, state = p.copy(), fastgd.AdamW(lr=0.1).init(p)

    def work(_):
        refusals = 0
        for _ in range(40):
            try:
                state.step(g)
            except fastgd.ConcurrentStepError:
                refusals += 1
        return refusals

    with ThreadPoolExecutor(4) as pool:
        refusals = sum(pool.map(work, range(4), timeout=60))
    assert state.t + refusals == 160
    assert_same(state, trained(fastgd.AdamW(lr=0.1), plain, *[g] * state.t))


def test_threads_with_states_of_their_own_are_like_one(hasty):
    jobs = [(optimizer, seed) for optimizer in OPTIMIZERS.values() for seed in range(4)]

    def work(job):
        optimizer, seed = job
        p = values(3000, seed=seed)
        grads = [values(3000, seed=seed + k) for k in range(1, 4)]
        return trained(optimizer.replace(clip_norm=1.0), p, *grads * 5)

    serial = [work(job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        for state, expected in zip(pool.map(work, jobs, timeout=60), serial, strict=True):
            assert_same(state, expected)
