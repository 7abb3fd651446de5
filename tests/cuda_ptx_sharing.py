"""A GPU that threads, streams and other libraries share, and what states take of its memory.

Run by `test_cuda_ptx.py` on what stands for a GPU.
"""

import gc
import threading
import time

import numpy as np
import pytest
from numba import cuda

import fastgd
from fastgd._kernels import cuda_memory
from tests.cuda_arrays import ByDLPack, Exchanging, in_thread, random
from tests.cuda_ptx_ctrl_c import same, values
from tests.cuda_ptx_streams import Array, new_stream


def test_a_new_thread_reads_saves_and_frees(tmp_path, capfd):
    """One that has never used the device, as those that write checkpoints."""
    params, grads = ([Array(v) for v in values()] for _ in range(2))
    state = fastgd.Adam(lr=0.1, extras=fastgd.EMA(0.9)).init(params)
    state.step(grads)
    in_thread(lambda: fastgd.save(tmp_path / "file", state))
    in_thread(lambda: [np.asarray(a) for a in state.arrays.values()])
    in_thread(state.evaluation_params)
    with fastgd.Replay(state, grads, 3) as replay:
        in_thread(replay.step)
        in_thread(replay.sync)
        in_thread(replay.refill)
    names = list(state.arrays)

    def write():
        state.arrays[names[0]] = np.zeros(3, np.float32)

    in_thread(write)
    held = [cuda_memory.Memory(1 << 20) for _ in range(40)]
    before = cuda.current_context().get_memory_info().free
    in_thread(held.clear)
    assert cuda.current_context().get_memory_info().free > before + (20 << 20)
    assert "INVALID_CONTEXT" not in capfd.readouterr().err


def test_two_threads_step_states_of_their_own():
    rng = np.random.default_rng(3)
    grads = [random(rng, (5, 40), "float32") for _ in range(3)]
    expected = [np.ones(5, np.float32), np.ones(40, np.float32)]
    oracle = fastgd.AdamW(lr=0.1).init(expected)
    for g in grads:
        oracle.step(g)
    found = [None, None]

    def train(k):
        stream = new_stream()
        params = [Array(np.ones(n, np.float32), stream) for n in (5, 40)]
        state = fastgd.AdamW(lr=0.1).init(params)
        for g in grads:
            state.step([Array(x, stream) for x in g])
        found[k] = [p.get() for p in params]

    threads = [threading.Thread(target=train, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same(found[0], expected) and same(found[1], expected)


class Slow(int):
    """A number of bytes during whose comparison other threads run."""

    def __lt__(self, other):
        time.sleep(0.01)
        return int(self) < other


def test_threads_get_memory_of_their_own():
    pieces = []
    threads = [threading.Thread(target=lambda: pieces.append(cuda_memory.allocate(Slow(256)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({address for _, address in pieces}) == 4


def test_gradients_are_freed_after_the_step():
    """Of libraries that free in the order of the stream: else they would take their room twice while the next ones are made."""
    gone = []

    class Gradient(Exchanging):
        def __del__(self):
            gone.append(1)

    state = fastgd.SGD(lr=0.1).init(Exchanging(np.ones(3, np.float32)))
    state.step(Gradient(np.ones(3, np.float32)))
    assert gone == [1]


def test_what_a_long_run_takes():
    """Nothing more after two hundred steps with new gradients than after ten, nor after more states."""
    params = [Array(v) for v in values()]
    optimizer = fastgd.AdamW(lr=0.1, on_nonfinite="zero")
    state = optimizer.init(params)
    grads = values()

    def left():
        gc.collect()
        cuda.current_context().deallocations.clear()
        return cuda.current_context().get_memory_info().free

    def run(n):
        for _ in range(n):
            state.step([Array(g) for g in grads])
            cuda.current_context().deallocations.clear()
        return left()

    run(3)
    before = run(3)
    assert run(20) >= before - 1024  # what the last gradients take differs
    before = left()
    for _ in range(30):
        optimizer.init(params)
    assert left() == before or before - left() <= 1 << 21  # a slab


@pytest.mark.usefixtures("lazy")
def test_other_libraries_see_finished_state_arrays(gpu):
    """Whatever stream they work on."""
    stream = new_stream()
    param = Array(np.ones(3, np.float32), stream)
    state = fastgd.SGD(lr=0.1, momentum=0.9).init(param)
    state.step(Array(np.ones(3, np.float32), stream))
    assert gpu.library.stand_in_waiting()
    interface = state.arrays["param.momentum_buffer"].__cuda_array_interface__
    assert interface["stream"] is None and not gpu.library.stand_in_waiting()


@pytest.mark.usefixtures("lazy")
def test_replayed_steps_on_another_stream():
    """Than the one on which their scalars were sent."""
    param, grad = Array(np.ones(3, np.float32), new_stream()), Array(np.ones(3, np.float32))
    state = fastgd.SGD(lr=0.5).init(param)
    with fastgd.Replay(state, grad, 3) as replay:
        for _ in range(2):
            param.stream = new_stream()
            replay.step()
            cuda.synchronize()
        param.stream = new_stream()
        replay.step()
        param.stream = new_stream()
        assert replay.sync().t == 2
    assert param.get().tolist() == [-0.5] * 3


class Old(ByDLPack):
    """What JAX has: DLPack, beside it an interface of version 2, which knows no streams."""

    @property
    def __cuda_array_interface__(self):
        data = (self.host.ctypes.data, False)
        return {"shape": self.host.shape, "typestr": self.host.dtype.str, "data": data, "version": 2}

    def __dlpack__(self, **options):
        self.asked = options["stream"]
        return super().__dlpack__(**options)


@pytest.mark.usefixtures("lazy")
@pytest.mark.parametrize("kind", [ByDLPack, Old])
def test_a_library_that_does_not_wait(gpu, kind):
    """Its arrays are complete after each step, and it is told to complete gradients, each step anew."""
    params, grad = [kind(np.ones(3, np.float32)) for _ in range(2)], kind(np.ones(3, np.float32))
    state = fastgd.SGD(lr=0.25, extras=fastgd.Lookahead(1, 0.5)).init(params)
    for t in range(1, 3):
        grad.asked = None
        state.step([grad, None])
        assert not gpu.library.stand_in_waiting()
        assert params[0].host.tolist() == [1 - 0.125 * t] * 3
        assert kind is ByDLPack or grad.asked == 1


@pytest.mark.usefixtures("lazy")
def test_gradients_that_are_filled_again_on_their_own_stream():
    """As soon as the step has returned."""
    param, grad = (Array(np.ones(3, np.float32), new_stream()) for _ in range(2))
    state = fastgd.SGD(lr=0.5).init(param)
    state.step(grad)
    grad.fill(np.full(3, 7, np.float32))
    grad.get()  # its stream is finished before the other one
    assert param.get().tolist() == [0.5] * 3
