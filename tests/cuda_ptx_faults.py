"""Launches, copies and allocations that fail on a GPU, run by `test_cuda_ptx.py` on what stands for one.

Afterwards a step is taken or not, and nothing is held.
"""

import ctypes

import numpy as np
import pytest
from numba import cuda

import fastgd
from fastgd._kernels import cuda_launch, cuda_memory
from tests.cuda_arrays import Produced
from tests.cuda_ptx_ctrl_c import OPTIMIZERS, same, values, values_of
from tests.cuda_ptx_streams import Array

S = fastgd.schedules


class Failing:
    """The driver's functions, of which those of a name fail, or the n-th call of all of them does."""

    def __init__(self, result, name=None, n=0):
        self.result, self.name, self.left, self.real = result, name, n, cuda_memory.driver()

    def __getattr__(self, name):
        found = getattr(self.real, name)
        if not name.startswith(("cuMem", "cuStream", "cuCtxSync")):
            return found

        def called(*arguments):
            if self.name in (None, name):
                self.left -= 1
                if self.left < 0:
                    self.name = "no more"
                    return (self.real.CUresult(self.result),)
            return found(*arguments)

        return called


def test_each_call_of_a_step_fails_once(monkeypatch):
    """The error says which; the step is taken or not, and can be gone on from."""
    optimizer = OPTIMIZERS["clipped"]
    grads = [Array(np.full(v.shape, 0.5, v.dtype)) for v in values()]
    expected = None
    for n in range(20):
        params = [Array(v) for v in values()]
        state = optimizer.init(params)
        start = values_of(state, params)
        failing = Failing(2, n=n)
        monkeypatch.setattr(cuda_memory, "driver", lambda failing=failing: failing)
        try:
            state.step(grads)
        except RuntimeError as error:
            assert "CUDA_ERROR_OUT_OF_MEMORY" in str(error)
            monkeypatch.undo()
            assert state.t == 0 and same(values_of(state, params), start)
            state.step(grads)
        monkeypatch.undo()
        expected = expected or values_of(state, params)
        assert state.t == 1 and same(values_of(state, params), expected)
        if failing.left >= 0:
            break
    assert 4 < n < 19


def test_a_launch_among_several_fails(monkeypatch):
    """Then the arrays of one dtype have been updated: the error says so. Where it is the first, nothing has been."""
    params = [Array(v) for v in values()]
    state = fastgd.SGD(lr=0.1, on_nonfinite="zero").init(params)
    grads = [Array(np.ones(v.shape, v.dtype)) for v in values()]
    for failing, message in ((0, "ILLEGAL_ADDRESS$"), (1, "ILLEGAL_ADDRESS; the arrays of some dtypes were updated")):

        def launch_all(launches, after, failing=failing):
            return failing, 700

        monkeypatch.setattr(cuda_launch, "launch_all", launch_all)
        with pytest.raises(RuntimeError, match=message):
            state.step(grads)
        monkeypatch.undo()
    state.step(grads)
    assert state.t == 1


def full(monkeypatch, n=0):
    """Let the n-th allocation from now on find no memory."""
    left, real = [n], cuda_memory.Memory.__init__

    def made(memory, n_bytes):
        left[0] -= 1
        if left[0] < 0:
            raise MemoryError(f"the GPU has no {n_bytes} bytes left; nothing was changed")
        real(memory, n_bytes)

    monkeypatch.setattr(cuda_memory.Memory, "__init__", made)


def test_full_memory_while_steps_are_replayed(monkeypatch):
    """Whatever is lacking when it begins, the state is as before, and not held."""
    optimizer = fastgd.AdamW(lr=S.linear(0.1, 50), clip_norm=1.0, extras=fastgd.EMA(0.9))
    grads = [Array(np.full(v.shape, 0.5, v.dtype)) for v in values()]
    for n in range(20):
        params = [Array(v) for v in values()]
        state = optimizer.init(params)
        full(monkeypatch, n)
        try:
            replay = fastgd.Replay(state, grads, 40)
        except MemoryError:
            monkeypatch.undo()
            state.step(grads)
            assert state.t == 1
            continue
        monkeypatch.undo()
        break
    assert n > 1
    with replay:
        for _ in range(3):
            replay.step()
        replay.sync()
        failing = Failing(2, "cuMemcpyHtoDAsync", 1)
        monkeypatch.setattr(cuda_memory, "driver", lambda: failing)
        with pytest.raises(RuntimeError, match="OUT_OF_MEMORY"):
            replay.refill()
        monkeypatch.undo()
        with pytest.raises(fastgd.ArgumentValueError, match="after refill"):
            replay.step()
        assert state.t == 3
        replay.sync()
        assert state.t == 3
        replay.refill()
        replay.step()
    assert state.t == 4


def test_refill_before_sync():
    """Its steps would never be counted."""
    params, grads = ([Array(v) for v in values()] for _ in range(2))
    state = fastgd.SGD(lr=0.1).init(params)
    with fastgd.Replay(state, grads, 4) as replay:
        replay.step()
        with pytest.raises(fastgd.ArgumentValueError, match="after sync"):
            replay.refill()
    assert state.t == 1


def test_replayed_steps_of_empty_arrays_count():
    empty = [Produced(np.ones((2, 0), np.float32))]
    state = fastgd.SGD(lr=0.1).init(empty)
    with fastgd.Replay(state, empty, 4) as replay:
        replay.step()
        assert replay.sync().t == 0
    assert state.t == 1


def test_a_checkpoint_among_replayed_steps(tmp_path):
    """The file is of the steps that were launched, also where nobody has asked for them yet."""
    params, grads = ([Array(v) for v in values()] for _ in range(2))
    state = fastgd.Adam(lr=S.linear(0.1, 9)).init(params)
    with fastgd.Replay(state, grads, 4) as replay:
        for _ in range(2):
            replay.step()
        fastgd.save(tmp_path / "file", state)
        assert state.t == 2
        replay.step()
    assert state.t == 3
    loaded = fastgd.load(tmp_path / "file", [np.zeros_like(v) for v in values()])
    loaded.step([g.get() for g in grads])
    assert same(list(loaded.params), [p.get() for p in params])


def test_memory_that_is_full(gpu):
    param, grad = (cuda.to_device(np.ones(1 << 19, np.float32)) for _ in range(2))
    gpu.library.stand_in_leaves(ctypes.c_size_t(1 << 20))
    try:
        with pytest.raises(MemoryError, match="nothing was changed"):
            fastgd.Adan().init(param)
    finally:
        gpu.library.stand_in_leaves(ctypes.c_size_t(1 << 31))
    fastgd.Adan().init(param).step(grad)
    assert np.isfinite(param.copy_to_host()).all()
