"""More for `test_cuda_sim.py` to run in the simulator: replayed steps, and what is refused, with nothing changed."""

import sys

import numpy as np
import pytest

import fastgd
from fastgd._kernels import cuda_launch, cuda_plan
from tests.cuda_arrays import ByDLPack, Pair, Produced, lend, random

sys.setswitchinterval(1e-5)  # the simulator's barriers wait for the interpreter to switch threads
S = fastgd.schedules

# ------------------------------------------------------------------------------------------------------------------------- replay


@pytest.mark.parametrize(
    "optimizer",
    [
        fastgd.AdamW(lr=S.warmup(2) >> S.cosine(0.1, 9), clip_norm=1.0),
        fastgd.NAdam(clip_norm=S.linear(1e-30, 20), on_nonfinite="skip"),
        fastgd.SGD(lr=0.1, momentum=0.9, on_nonfinite="zero"),
    ],
    ids=["schedule", "tiny clip", "no norm"],
)
def test_replay_has_the_bits_of_single_steps(optimizer):
    rng = np.random.default_rng(15)
    pair = Pair(optimizer, random(rng, (2, 15), "float32"), overrides={"1": {"lr": 0.5}})
    grads = [np.zeros(2, np.float32), np.zeros(15, np.float32)]
    with fastgd.Replay(pair.gpu, [Produced(g) for g in grads], 4) as replay:
        for k in range(8):
            for g in grads:
                g[...] = rng.standard_normal(g.size) * 10.0 ** rng.integers(-5, 37)
            if k == 2 and optimizer.on_nonfinite != "raise":
                grads[1][3] = np.nan
            here = pair.cpu.step(grads)
            replay.step()
            if k % 4 == 3:
                there = replay.sync()
                assert here[:2] == there[:2] and here[3:5] == there[3:5]
                replay.refill()
            with pytest.raises(fastgd.ConcurrentStepError):
                pair.gpu.step([Produced(g) for g in grads])
    pair.assert_equal()
    last = random(rng, (2, 15), "float32")
    pair.step(last)
    pair.assert_equal()


@pytest.mark.parametrize("on_nonfinite", ["zero", "skip"])
def test_replayed_steps_load_no_kernel(on_nonfinite, monkeypatch):
    """While launches are captured in a graph, nothing can be loaded: all is there before the first step."""
    optimizer = fastgd.AdamW(lr=0.1, extras=fastgd.EMA(0.9), on_nonfinite=on_nonfinite)
    pair = Pair(optimizer, [np.ones(4, np.float32)])
    grads = np.ones(4, np.float32)
    with fastgd.Replay(pair.gpu, [Produced(grads)], 1) as replay, monkeypatch.context() as patched:
        for name in ("kernel", "begin"):
            patched.delattr(cuda_launch, name)
        replay.step()
    pair.cpu.step([grads])
    pair.assert_equal()


def test_replay_raises_late_and_changes_nothing():
    pair = Pair(fastgd.SGD(lr=0.1), [np.ones(4, np.float32)])
    grads = np.ones(4, np.float32)
    replay = fastgd.Replay(pair.gpu, [Produced(grads)], 9)
    for value in (1.0, np.inf, 1.0):
        grads[2] = value
        replay.step()
    with pytest.raises(fastgd.NonFiniteError, match="at step 1; that step and those after it changed nothing"):
        replay.__exit__()
    assert pair.gpu.t == 1 and pair.there[0].tolist() == [np.float32(1) - np.float32(0.1)] * 4


def test_a_closed_replay():
    """The state has all steps and steps by itself again; closing twice is nothing, anything else is refused."""
    pair = Pair(fastgd.Adam(lr=0.1), [np.ones(4, np.float32)])
    grads = np.ones(4, np.float32)
    replay = fastgd.Replay(pair.gpu, [Produced(grads)], 3)
    replay.step()
    replay.step()
    replay.close()
    replay.close()
    for call in (replay.step, replay.refill, replay.sync):
        with pytest.raises(fastgd.ArgumentValueError, match="before close"):
            call()
    pair.gpu.step([Produced(grads)])
    for _ in range(3):
        pair.cpu.step([grads])
    pair.assert_equal()


def test_replay_refuses():
    state = fastgd.SGD(lr=0.1).init(Produced(np.ones(4, np.float32)))
    grad = Produced(np.ones(4, np.float32))
    replay = fastgd.Replay(state, grad, 1)
    replay.step()
    replay.step()
    with pytest.raises(fastgd.ArgumentValueError, match="as many as are taken before refill"):
        replay.__exit__()
    assert state.t == 1
    with pytest.raises(fastgd.ArgumentValueError, match="a gradient for each parameter"):
        fastgd.Replay(state, None, 1)
    with pytest.raises(fastgd.ArgumentValueError, match="nothing measured"):
        fastgd.Replay(fastgd.DoG().init(Produced(np.ones(4, np.float32))), grad, 1)
    with pytest.raises(fastgd.ArgumentTypeError, match="on a GPU"):
        fastgd.Replay(fastgd.SGD(lr=0.1).init(np.ones(2)), np.ones(2), 1)
    state.step(grad)  # nothing holds it


# ---------------------------------------------------------------------------------------------------------------- what is refused


class NoMemory(Produced):
    @property
    def __cuda_array_interface__(self):
        return super().__cuda_array_interface__ | {"data": (0, False)}


ONE = np.ones((4, 4), np.float32)
REFUSED_PARAMS = {
    "read-only": (lambda: Produced(ONE.copy(), readonly=True), fastgd.ArgumentValueError, "read-only"),
    "read-only by DLPack": (lambda: ByDLPack(ONE.copy(), readonly=True), fastgd.ArgumentValueError, "read-only"),
    "mask": (lambda: Produced(ONE.copy(), mask=Produced(ONE)), fastgd.ArgumentTypeError, "mask"),
    "gaps": (lambda: Produced(ONE.copy()[:, ::2]), fastgd.ArgumentValueError, "C-contiguous"),
    "Fortran order": (
        lambda: Produced(np.ones((3, 4), np.float32, order="F")),
        fastgd.ArgumentValueError,
        "C-contiguous",
    ),
    "integers": (lambda: Produced(np.ones(4, np.int32)), fastgd.ArgumentTypeError, "dtype"),
    "integers by DLPack": (lambda: ByDLPack(np.ones(4, np.int32)), fastgd.ArgumentTypeError, "dtype"),
    "byte order": (lambda: Produced(np.ones(4, ">f4")), fastgd.ArgumentTypeError, "dtype"),
    "another GPU": (lambda: ByDLPack(ONE.copy(), device=(2, 1)), fastgd.ArgumentValueError, "GPU 1"),
    "NaN": (lambda: Produced(np.full(4, np.nan, np.float32)), fastgd.NonFiniteError, "nan at index"),
    "half here": (lambda: [Produced(ONE.copy()), ONE.copy()], fastgd.ArgumentTypeError, "host memory"),
    "no memory": (lambda: NoMemory(np.ones(4, np.float32)), fastgd.ArgumentValueError, "no memory behind it"),
    "shared": (lambda: [Produced(ONE), Produced(ONE[1:])], fastgd.ArgumentValueError, "share memory"),
}


@pytest.mark.parametrize("name", REFUSED_PARAMS)
def test_params_that_are_refused(name):
    make, error, message = REFUSED_PARAMS[name]
    with pytest.raises(error, match=message):
        fastgd.AdamW().init(make())


REFUSED_GRADS = {
    "in host memory": (lambda p: np.ones((4, 4), np.float32), fastgd.ArgumentTypeError, "host memory"),
    "shape": (lambda p: Produced(np.ones((4, 5), np.float32)), fastgd.ArgumentValueError, "shape"),
    "dtype": (lambda p: Produced(np.ones((4, 4))), fastgd.ArgumentTypeError, "dtype"),
    "gaps": (lambda p: Produced(np.ones((4, 8), np.float32)[:, ::2]), fastgd.ArgumentValueError, "C-contiguous"),
    "the parameter": (lambda p: Produced(p), fastgd.ArgumentValueError, "shares memory"),
    "structure": (
        lambda p: [Produced(np.ones((4, 4), np.float32))],
        fastgd.ArgumentTypeError,
        "arranged as params|arrays|list",
    ),
    "another GPU": (lambda p: ByDLPack(np.ones((4, 4), np.float32), device=(2, 1)), fastgd.ArgumentValueError, "GPU 1"),
    "mask": (lambda p: Produced(np.ones((4, 4), np.float32), mask=Produced(ONE)), fastgd.ArgumentTypeError, "mask"),
}


@pytest.mark.parametrize("name", REFUSED_GRADS)
def test_gradients_that_are_refused(name):
    make, error, message = REFUSED_GRADS[name]
    host = np.ones((4, 4), np.float32)
    state = fastgd.AdamW().init(Produced(host) if name != "structure" else {"w": Produced(host)}["w"])
    with pytest.raises(error, match=message):
        state.step(make(host))
    assert state.t == 0 and (host == 1).all()
    state.step(Produced(np.ones((4, 4), np.float32)))  # nothing holds it


def test_an_optimizer_of_rows_is_refused():
    with pytest.raises(
        fastgd.ArgumentTypeError, match=r"steps by gradients.*got 'NormalizedOnline'. Use SGDClassifier"
    ):
        fastgd.NormalizedOnline().init(Produced(np.ones(4, np.float32)))


def test_a_parameter_that_moved():
    host = np.ones(4, np.float32)
    param = Produced(host)
    state = fastgd.SGD(lr=0.1).init(param)
    param.host = lend(np.ones(4, np.float32))
    with pytest.raises(fastgd.ArgumentValueError, match="replaced"):
        state.step(Produced(np.ones(4, np.float32)))


def test_out_of_memory(monkeypatch):
    def full(n_bytes):
        raise MemoryError(f"the GPU has no {n_bytes} bytes left; nothing was changed")

    host = np.ones(4)
    state = fastgd.SGD(lr=0.1).init(Produced(host))
    monkeypatch.setattr(cuda_plan.cuda_memory, "Memory", full)
    with pytest.raises(MemoryError):
        state.step(Produced(np.ones(4)))
    assert (host == 1).all() and state.t == 0
    monkeypatch.undo()
    state.step(Produced(np.ones(4)))
