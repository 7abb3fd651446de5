"""Whole steps through a driver of the tests, which reads each launch and runs its kernel in the simulator; run by `test_cuda_sim.py`.

So every number of a launch is one that a step's bits depend on; those that they do not depend on are compared one by one.
"""

import ctypes
import inspect
import sys

import numpy as np
import pytest

import fastgd
from fastgd._kernels import cuda, cuda_launch, cuda_memory
from fastgd._kernels.cuda_source import CONTROL, SCALARS
from tests.cuda_arrays import ByDLPack, Exchanging, Pair, Produced, random
from tests.cuda_driver import Driver

sys.setswitchinterval(1e-5)  # the simulator's barriers wait for the interpreter to switch threads
S = fastgd.schedules
STREAM = 0x7F00_0000_0040


def words(address, n, dtype):
    return np.frombuffer(ctypes.string_at(address, n * np.dtype(dtype).itemsize), dtype)


@pytest.fixture
def driver(monkeypatch):
    """Return a driver whose launches run in the simulator; each has the kernel's name, and the scalars' rows and step as they were."""
    kernels = {}
    made = Driver({})

    def addresses(dispatcher):
        handle = 0x5500_0000_0000 + 16 * len(kernels)
        kernels[handle], made.counts[handle] = dispatcher, len(inspect.signature(dispatcher.fn).parameters)
        return made.entry, handle

    def run(launch):
        dispatcher, values = kernels[launch.function], launch.values()
        launch.name = dispatcher.fn.__name__
        if launch.name.startswith("update"):
            _, _, rows, stride, control = values
            launch.step = int(words(control + CONTROL["row"], 1, np.int64)[0])
            launch.scalars = words(rows + launch.step * stride, stride // 4, np.float32)
        dispatcher[launch.grid, launch.block](*values)

    made.meanwhile = run
    monkeypatch.setattr(cuda_launch, "_addresses", addresses)
    monkeypatch.setattr(cuda_memory, "driver", made.bindings)
    caches = cuda_launch._kernel, cuda_launch._begin
    for cache in caches:
        cache.cache_clear()
    yield made
    for cache in caches:
        cache.cache_clear()


def of_stream(host):
    return Produced(host, stream=STREAM)


def test_steps_have_the_bits_of_the_processor(driver):
    """A schedule, clipping, two dtypes, hence two tables, more chunks than blocks, parameters without a gradient."""
    rng = np.random.default_rng(0)
    sizes = (3, 40, 5, 7)
    dtypes = ("float32", "float64", "float64", "float32")

    def some():
        return [rng.standard_normal(n).astype(d) for n, d in zip(sizes, dtypes, strict=True)]

    pair = Pair(fastgd.AdamW(lr=S.cosine(0.1, 9), clip_norm=1.0), some(), of_stream, overrides={"2": {"lr": 0.5}})
    tables = pair.gpu._plan.tables
    for k in range(4):
        driver.launches.clear()
        grads = some()
        if k == 2:
            grads[0] = None
        n_cohorts, control = len(pair.gpu._plan.cohorts), tables.control.address
        pair.step(grads)  # which moves the control block where there are more scalars than before
        # A norm over each table, the last of which goes on to all chunks' sums, then an update of each.
        expected = []
        for s, final in zip(tables.segments, (0, tables.n_chunks), strict=True):
            place, n = tables.memory.address + s.place, len(s.owners)
            ends = [tables.partials.address, s.first, final, control, tables.limits.address]
            expected.append((f"norm_{s.kind}_8", min(n, 2), [place, n, *ends]))
        for s in tables.segments:
            place, n = tables.memory.address + s.place, len(s.owners)
            stride = n_cohorts * SCALARS * (8 if s.kind == "f64" else 4)
            ends = [tables.rows[s.compute], stride, tables.control.address]
            expected.append((f"update_adam_{s.kind}", min(n, 2), [place, n, *ends]))
        assert [(each.name, each.grid[0], each.values()) for each in driver.launches] == expected
        for each in driver.launches:
            assert each.grid[1:] == (1, 1) and each.block == (cuda.BLOCK, 1, 1)
            assert (each.shared, each.extra, each.stream) == (0, None, STREAM)
    pair.assert_equal(1e-13)  # clipping by norms that were summed in another order


def test_what_changes_reaches_the_launch(driver):
    """The rate of each step, by single steps and by replayed ones; a replay's launches themselves are all the same."""
    rate = S.linear(0.5, 8)
    state = fastgd.SGD(lr=rate, on_nonfinite="zero").init(Produced(np.ones(5, np.float32)))
    grad = np.full(5, 0.25, np.float32)
    for t in range(3):
        driver.launches.clear()
        state.step(Produced(grad))
        (launch,) = driver.launches
        assert launch.name == "update_sgd_f32" and launch.scalars[2] == np.float32(rate(t)) and launch.step == 0
    driver.launches.clear()
    with fastgd.Replay(state, Produced(grad), 4) as replay:
        for _ in range(4):
            replay.step()
    begins, updates = driver.launches[::2], driver.launches[1::2]
    assert [each.step for each in updates] == [0, 1, 2, 3]
    assert [each.scalars[2] for each in updates] == [np.float32(rate(t)) for t in range(3, 7)]
    assert all(each.values() == updates[0].values() for each in updates)
    tables = state._plan.tables
    for each in begins:
        assert (each.name, each.grid, each.block) == ("begin", (1, 1, 1), (1, 1, 1))
        assert each.values() == [tables.control.address, replay._limits.address]


def test_each_step_is_on_the_stream_of_that_step(driver):
    host, grad = np.ones(3, np.float32), np.ones(3, np.float32)
    param = Produced(host)
    state = fastgd.SGD(lr=0.1).init(param)
    for stream, launched in ((None, 0), (STREAM, STREAM), (1, 0), (2, 2)):
        param.extra["stream"] = stream
        driver.launches.clear()
        state.step(Produced(grad, stream=stream))
        assert {each.stream for each in driver.launches} == {launched}


def test_a_launch_that_fails(driver):
    """Nothing is changed by the driver, so nothing is counted."""
    host = np.ones(3, np.float32)
    state = fastgd.SGD(lr=0.1, momentum=0.9).init(Produced(host))
    run, driver.meanwhile, driver.result = driver.meanwhile, None, 1
    with pytest.raises(RuntimeError, match="launching norm_f32_8: CUDA_ERROR_INVALID_VALUE"):
        state.step(Produced(np.ones(3, np.float32)))
    assert state.t == 0 and (host == 1).all() and not np.asarray(state.arrays["param.momentum_buffer"]).any()
    driver.meanwhile, driver.result = run, 0
    state.step(Produced(np.ones(3, np.float32)))  # nothing holds it
    assert state.t == 1 and (host != 1).all()


# ------------------------------------------------------------------------------------------- arrays whose type has C functions


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_arrays_with_c_functions(dtype):
    rng = np.random.default_rng(1)
    pair = Pair(fastgd.AdamW(lr=0.1), [v.reshape(3, 4) for v in random(rng, (12, 12), dtype)], Exchanging)
    for _ in range(2):
        pair.step([v.reshape(3, 4) for v in random(rng, (12, 12), dtype)])
    pair.step([None, np.ones((3, 4), dtype)])
    pair.assert_equal()


def test_they_are_on_the_stream_of_their_library(driver, monkeypatch):
    state = fastgd.SGD(lr=0.1).init([Exchanging(np.ones(3, np.float32)) for _ in range(3)])
    waited = []
    monkeypatch.setattr(cuda_memory, "synchronize", waited.append)
    for stream in (STREAM, STREAM, 0):
        monkeypatch.setattr(Exchanging, "stream", stream)
        waited.clear()
        driver.launches.clear()
        state.step([Exchanging(np.ones(3, np.float32)), Produced(np.ones(3, np.float32), stream=8), None])
        assert {each.stream for each in driver.launches} == {stream}
        assert 8 in waited  # where the second gradient may still be written


REFUSED = {
    "shape": (lambda: Exchanging(np.ones((4, 5), np.float32)), fastgd.ArgumentValueError, "shape"),
    "axes": (lambda: Exchanging(np.ones((4, 4, 1), np.float32)), fastgd.ArgumentValueError, "shape"),
    "dtype": (lambda: Exchanging(np.ones((4, 4))), fastgd.ArgumentTypeError, "dtype"),
    "bits alike": (lambda: Exchanging(np.ones((4, 4), np.int32)), fastgd.ArgumentTypeError, "dtype"),
    "gaps": (lambda: Exchanging(np.ones((4, 8), np.float32)[:, ::2]), fastgd.ArgumentValueError, "C-contiguous"),
    "order": (lambda: Exchanging(np.ones((4, 4), np.float32).T), fastgd.ArgumentValueError, "C-contiguous"),
    "another GPU": (
        lambda: Exchanging(np.ones((4, 4), np.float32), device=(2, 1)),
        fastgd.ArgumentValueError,
        "GPU 1",
    ),
    "host": (lambda: Exchanging(np.ones((4, 4), np.float32), device=(1, 0)), fastgd.ArgumentTypeError, "host memory"),
}


@pytest.mark.parametrize("wrap", [Exchanging, Produced, ByDLPack])
@pytest.mark.parametrize("name", REFUSED)
def test_what_changed_is_refused(name, wrap):
    """After a step with good gradients, too, and whatever the parameters are; the next good one goes on."""
    make, error, message = REFUSED[name]
    host = np.ones((4, 4), np.float32)
    state = fastgd.SGD(lr=0.1).init(wrap(host))
    good = Exchanging(np.ones((4, 4), np.float32))
    state.step(good)
    before = host.copy()
    with pytest.raises(error, match=message):
        state.step(make())
    assert state.t == 1 and (host == before).all()
    state.step(good)


@pytest.mark.parametrize("wrap", [Exchanging, Produced, ByDLPack])
def test_an_array_that_changes_in_place(wrap):
    """The same objects, with other memory, shape or dtype behind them."""
    host, values = np.ones((2, 2), np.float32), np.ones((2, 2), np.float32)
    param, grad = wrap(host), wrap(values)
    state = fastgd.SGD(lr=0.5).init({"w": param})
    state.step({"w": grad})
    grad.host = np.full((2, 2), 2, np.float32)
    state.step({"w": grad})
    assert (host == 1 - 0.5 - 1).all()
    for changed in (values.reshape(4), np.ones((2, 2), np.int32), np.asfortranarray(np.eye(2, dtype=np.float32))):
        grad.host = changed
        grad.__dict__.get("extra", {})["strides"] = changed.strides
        if hasattr(grad, "typestr"):
            grad.typestr = changed.dtype.str
        with pytest.raises((fastgd.ArgumentValueError, fastgd.ArgumentTypeError)):
            state.step({"w": grad})
    param.host = values
    with pytest.raises(fastgd.ArgumentValueError, match="resized, replaced"):
        state.step({"w": wrap(values.copy())})
    assert state.t == 2
