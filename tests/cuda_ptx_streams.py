"""Streams that do nothing before something waits for them, run by `test_cuda_ptx.py` on what stands for a GPU.

There a missing wait gives wrong numbers each time: see `ptx_gpu/driver.c`. The oracle is the processor's executor.
"""

import numpy as np
import pytest
from numba import cuda

import fastgd
from tests.cuda_arrays import in_thread, random

S = fastgd.schedules
SIZES = (1, 37, 300)
streams: list = []  # which live as long as their objects


pytestmark = pytest.mark.usefixtures("lazy")


class Array:
    """A device array whose producer works on a stream; `fill` only asks for a copy."""

    def __init__(self, host, stream=0):
        self.there, self.stream = cuda.device_array(host.shape, host.dtype), stream
        self.fill(host)

    def fill(self, host):
        self.there.copy_to_device(host.copy(), stream=cuda.external_stream(self.stream))

    def get(self):
        stream = cuda.external_stream(self.stream)
        found = self.there.copy_to_host(stream=stream)
        stream.synchronize()
        return found

    @property
    def __cuda_array_interface__(self):
        return {**self.there.__cuda_array_interface__, "stream": self.stream or None}


def new_stream():
    made = cuda.stream()
    streams.append(made)
    return int(made.handle)


class Both:
    """One state on the processor and one on the device, whose streams wait."""

    def __init__(self, optimizer, values, stream=0, **options):
        self.here = [v.copy() for v in values]
        self.there = [Array(v, stream) for v in values]
        self.cpu, self.gpu = optimizer.init(self.here, **options), optimizer.init(self.there, **options)

    def step(self, grads, stream=0, **options):
        sent = [None if g is None else Array(g, stream) for g in grads]
        return self.cpu.step(grads, **options), self.gpu.step(sent, **options)

    def assert_equal(self):
        for a, b in zip(self.here, self.there, strict=True):
            assert a.tobytes() == b.get().tobytes()
        for name, a in self.cpu.arrays.items():
            assert a.tobytes() == np.asarray(self.gpu.arrays[name]).tobytes(), name
        assert (self.cpu.t, self.cpu.skipped) == (self.gpu.t, self.gpu.skipped)


def test_work_waits_here(gpu):
    """Else none of these tests could fail."""
    stream = new_stream()
    param, grad = (Array(np.ones(3, np.float32), stream) for _ in range(2))
    with fastgd.Replay(fastgd.SGD(lr=0.5).init(param), grad, 2) as replay:
        cuda.synchronize()
        launched = len(gpu.launched)
        replay.step()
        assert gpu.library.stand_in_waiting() and len(gpu.launched) == launched
        assert param.get().tolist() == [0.5] * 3 and len(gpu.launched) > launched


OPTIMIZERS = {
    "plain": (fastgd.SGD(lr=0.1, momentum=0.9, on_nonfinite="zero"), {}),
    "scheduled and clipped": (fastgd.AdamW(lr=S.cosine(0.1, 9), clip_norm=0.5), {}),
    "left out": (fastgd.Adam(lr=0.1, on_nonfinite="skip"), {}),
    "measured": (fastgd.Prodigy(), {}),
    "factored": (fastgd.SM3(lr=0.1, momentum=0.9), {}),
    "averages": (fastgd.SGD(lr=0.1, extras=(fastgd.EMA(0.9), fastgd.Lookahead(2, 0.5))), {}),
    "directions": (fastgd.SGD(lr=0.1, extras=(fastgd.ArrayNormClipping(0.1), fastgd.GradientCentralization())), {}),
    "watched": (fastgd.Lion(lr=0.1), {"monitor": 2, "rollback": True}),
    "small states": (fastgd.AdamW(lr=0.1, state_dtype="bfloat16"), {}),
}


@pytest.mark.parametrize("apart", [False, True], ids=["one stream", "gradients on another"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps(name, apart):
    rng = np.random.default_rng(0)
    optimizer, options = OPTIMIZERS[name]
    stream = new_stream()
    both = Both(optimizer, random(rng, SIZES, "float32"), stream, **options)
    producers = new_stream() if apart else stream
    for t in range(4):
        grads = random(rng, SIZES, "float32")
        if t == 1:
            grads[2] = None
        if t == 2:
            grads[1][5] = np.nan
        if optimizer.on_nonfinite == "raise":
            grads = [None if g is None else np.nan_to_num(g) for g in grads]
        both.step(grads, producers)
    both.assert_equal()


def test_the_stream_changes():
    rng = np.random.default_rng(1)
    both = Both(fastgd.AdamW(lr=0.1), random(rng, SIZES, "float32"), new_stream())
    for _ in range(3):
        for param in both.there:
            param.stream = new_stream() if param is both.there[0] else both.there[0].stream
        both.step(random(rng, SIZES, "float32"), both.there[0].stream)
    both.assert_equal()


def test_replayed_steps():
    rng = np.random.default_rng(2)
    stream, values = new_stream(), random(rng, SIZES, "float32")
    optimizer = fastgd.AdamW(lr=S.linear(0.1, 20), clip_norm=1.0, extras=fastgd.EMA(0.9))
    both = Both(optimizer, values, stream)
    grads = [Array(g, stream) for g in random(rng, SIZES, "float32")]
    with fastgd.Replay(both.gpu, grads, 3) as replay:
        for t in range(6):
            fresh = random(rng, SIZES, "float32")
            for there, here in zip(grads, fresh, strict=True):
                there.fill(here)
            replay.step()
            both.cpu.step(fresh)
            if t == 2:
                replay.sync()
                replay.refill()
    for a, b in zip(both.here, both.there, strict=True):
        np.testing.assert_allclose(b.get(), a, rtol=1e-6)
    with both.cpu.averaged(), both.gpu.averaged():
        for a, b in zip(both.here, both.there, strict=True):
            np.testing.assert_allclose(b.get(), a, rtol=1e-6)


def test_a_checkpoint_waits(tmp_path):
    rng = np.random.default_rng(3)
    both = Both(fastgd.Adam(lr=0.1), random(rng, SIZES, "float32"), new_stream())
    both.step(random(rng, SIZES, "float32"), both.there[0].stream)
    fastgd.save(tmp_path / "gpu", both.gpu)
    fastgd.save(tmp_path / "cpu", both.cpu)
    assert (tmp_path / "gpu").read_bytes() == (tmp_path / "cpu").read_bytes()
    loaded = fastgd.load(tmp_path / "gpu", both.there)
    grads = random(rng, SIZES, "float32")
    both.cpu.step(grads)
    loaded.step([Array(g, new_stream()) for g in grads])
    for a, b in zip(both.here, both.there, strict=True):
        assert a.tobytes() == b.get().tobytes()


def test_a_thread_that_has_not_used_the_device():
    rng = np.random.default_rng(4)
    both = Both(fastgd.AdamW(lr=0.1, clip_norm=1.0), random(rng, SIZES, "float32"))

    both.step(random(rng, SIZES, "float32"))
    sent = [Array(g) for g in random(rng, SIZES, "float32")]

    def step():
        both.gpu.step(sent)
        fastgd.SGD(lr=0.0).init(both.there)

    in_thread(step)
    both.cpu.step([a.get() for a in sent])
    both.assert_equal()
