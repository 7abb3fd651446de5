"""Whole training runs, drawn at random, on what stands for a GPU, whose streams wait; run by `test_cuda_ptx.py`.

The oracle is the processor's executor, bit for bit; where a norm decides, which is summed in another order there, to rounding.
"""

import gc
import pickle

import numpy as np
import pytest
from numba import cuda

import fastgd
from tests.cuda_ptx_streams import new_stream

S = fastgd.schedules
SIZES = (0, 1, 2, 3, 4, 5, 8, 31, 255, 1027)
LARGE = (16383, 16384, 16389)  # about a chunk
TOLERANCES = {"float16": 1e-2, "float32": 1e-5, "float64": 1e-12}


pytestmark = pytest.mark.usefixtures("lazy")


class Shifted:
    """An array on the device that begins some elements after an aligned address; its producer works on a stream."""

    def __init__(self, host, stream=0, shift=0):
        self.shape, self.dtype, self.stream, self.begin = host.shape, host.dtype, stream, shift * host.itemsize
        self.there = cuda.device_array(host.nbytes + self.begin + 64, np.uint8)
        self.address = self.there.__cuda_array_interface__["data"][0] + self.begin if host.size else 0
        self.fill(host)

    def _bytes(self, n):
        return self.there[self.begin : self.begin + n]

    def fill(self, host):
        if host.size:
            bits = np.frombuffer(host.tobytes(), np.uint8)
            self._bytes(host.nbytes).copy_to_device(bits, stream=cuda.external_stream(self.stream))

    def get(self):
        n = int(np.prod(self.shape)) * self.dtype.itemsize
        if not n:
            return np.empty(self.shape, self.dtype)
        cuda.synchronize()
        return self._bytes(n).copy_to_host().view(self.dtype).reshape(self.shape)

    @property
    def __cuda_array_interface__(self):
        data = (self.address, False)
        return {"shape": self.shape, "typestr": self.dtype.str, "data": data, "version": 3, "stream": self.stream or 1}

    def __reduce__(self):
        return Shifted, (self.get(), 0, self.begin // self.dtype.itemsize)


def leaves(tree):
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in leaves(branch)]
    return [leaf for branch in tree for leaf in leaves(branch)] if isinstance(tree, (list, tuple)) else [tree]


def mapped(tree, function):
    if isinstance(tree, dict):
        return {key: mapped(branch, function) for key, branch in tree.items()}
    return type(tree)(mapped(b, function) for b in tree) if isinstance(tree, (list, tuple)) else function(tree)


OPTIMIZERS = (
    lambda **more: fastgd.AdamW(lr=0.1, **more),
    lambda **more: fastgd.AdamW(lr=S.cosine(0.1, 9), weight_decay=S.linear(0.1, 5), **more),
    lambda **more: fastgd.SGD(lr=S.linear(0.1, 12), momentum=0.9, nesterov=True, **more),
    lambda **more: fastgd.SGD(lr=0.1, momentum=0.9, maximize=True, **more),
)


class Run:
    """One training run on both, with whatever the seed draws."""

    def __init__(self, seed):
        self.rng = rng = np.random.default_rng(seed)
        self.streams = [0, new_stream(), new_stream()]
        dtypes = [("float32",), ("float32", "float64"), ("float64",), ("float32", "float16")][rng.integers(4)]
        self.here = mapped(self.tree(), lambda _: self.drawn(str(rng.choice(dtypes))))
        names = [f"p{k}" for k in range(len(leaves(self.here)))]
        more = {"on_nonfinite": str(rng.choice(["raise", "skip", "zero"]))}
        self.rounded = rng.random() < 0.3
        if self.rounded:
            more["clip_norm"] = float(rng.choice([0.5, 5.0, 1e6]))
        if rng.random() < 0.3:
            more["clip_value"] = 0.7
        self.extras = rng.random() < 0.3
        if self.extras:
            more["extras"] = (fastgd.EMA(0.9), fastgd.Lookahead(2, 0.5))[: int(rng.integers(1, 3))]
        if rng.random() < 0.2 and dtypes == ("float32",):
            more["state_dtype"] = "bfloat16"
        self.optimizer = OPTIMIZERS[rng.integers(len(OPTIMIZERS))](**more)
        options = {}
        if rng.random() < 0.25:
            options["monitor"] = int(rng.integers(1, 4))
        if rng.random() < 0.25:
            options["rollback"] = fastgd.Rollback(every=2)
        self.watched = bool(options)
        if rng.random() < 0.3 and isinstance(self.here, dict):
            options["overrides"] = {next(iter(self.here)) + "*": {"lr": 0.5, "weight_decay": 0.25}}
            options["overrides"] = options["overrides"] if isinstance(self.optimizer, fastgd.AdamW) else None
        self.there = mapped(self.here, self.sent)
        self.cpu, self.gpu = (self.optimizer.init(tree, **options) for tree in (self.here, self.there))
        self.names, self.kept = names, []

    def tree(self):
        return [
            lambda: 0,
            lambda: [0],
            lambda: {"w": 0, "b": 0},
            lambda: {"w": [0, 0], "deep": {"a": 0, "b": (0, 0)}},
            lambda: [0] * int(self.rng.integers(2, 9)),
        ][self.rng.integers(5)]()

    def drawn(self, dtype):
        size = int(self.rng.choice(LARGE if self.rng.random() < 0.05 else SIZES))
        shape = [(size,), (size, 1), (), (1, size)][self.rng.integers(4)]
        return np.asarray(self.rng.standard_normal(shape), dtype)

    def sent(self, host):
        return Shifted(host, int(self.rng.choice(self.streams)), int(self.rng.choice([0, 0, 1, 2, 3])))

    def gradients(self, full=False):
        def one(p):
            if not full and self.rng.random() < 0.15:
                return None
            return np.asarray(self.rng.standard_normal(p.shape), p.dtype)

        found = mapped(self.here, one)
        some = [g for g in leaves(found) if g is not None and g.size]
        if some and self.rng.random() < 0.2:
            g = some[self.rng.integers(len(some))]
            g.reshape(-1)[self.rng.integers(g.size)] = self.rng.choice([np.nan, np.inf, -np.inf])
        return found

    # ---------------------------------------------------------------------------------------------------------- what may come

    def step(self):
        grads = self.gradients()
        there = mapped(grads, lambda g: None if g is None else self.sent(g))
        told = []
        for state, given in ((self.cpu, grads), (self.gpu, there)):
            try:
                told.append(state.step(given))
            except fastgd.NonFiniteError as error:
                told.append(str(error))
        if not isinstance(told[0], str):
            np.testing.assert_allclose(told[0].grad_norm, told[1].grad_norm, rtol=1e-12)
            told = [info._replace(grad_norm=0.0) for info in told]
        assert str(told[0]) == str(told[1])
        self.kept.append(there)

    def replay(self):
        if self.watched:
            return
        grads = self.gradients(full=True)
        there = mapped(grads, self.sent)
        with fastgd.Replay(self.gpu, there, 3) as replay:
            for k in range(int(self.rng.integers(1, 6))):
                if k == 3:
                    replay.sync()
                    replay.refill()
                if k:
                    grads = mapped(self.here, lambda p: np.asarray(self.rng.standard_normal(p.shape), p.dtype))
                    cuda.synchronize()
                    for array, host in zip(leaves(there), leaves(grads), strict=True):
                        array.fill(host)
                cuda.synchronize()
                replay.step()
                try:
                    self.cpu.step(grads)
                except fastgd.NonFiniteError:
                    with pytest.raises(fastgd.NonFiniteError):
                        replay.sync()
                    return
            if self.rng.random() < 0.5:
                assert replay.sync().t == self.cpu.t - 1 or self.cpu.skipped

    def change_streams(self):
        cuda.synchronize()
        for array in leaves(self.there):
            array.stream = int(self.rng.choice(self.streams))

    def free(self):
        self.kept.clear()
        gc.collect()

    def average(self):
        with self.cpu.averaged() as here, self.gpu.averaged() as there:
            self.compare(leaves(here), [a.get() for a in leaves(there)])

    def checkpoint(self, folder):
        """Each goes on from the other's file, over new arrays."""
        fastgd.save(folder / "cpu", self.cpu)
        fastgd.save(folder / "gpu", self.gpu)
        if not self.rounded:
            assert (folder / "cpu").read_bytes() == (folder / "gpu").read_bytes()
        self.here, self.there = (
            mapped(self.here, np.zeros_like),
            mapped(self.here, lambda p: self.sent(np.zeros_like(p))),
        )
        self.cpu, self.gpu = fastgd.load(folder / "gpu", self.here), fastgd.load(folder / "cpu", self.there)

    def copy(self):
        self.gpu = pickle.loads(pickle.dumps(self.gpu))
        self.there = self.gpu.params

    # ---------------------------------------------------------------------------------------------------------------- the end

    def compare(self, expected, found):
        for a, b in zip(expected, found, strict=True):
            assert a.dtype == b.dtype and a.shape == b.shape
            if self.rounded and a.dtype.name in TOLERANCES:
                tolerance = TOLERANCES[a.dtype.name]
                np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
            elif not self.rounded:
                assert a.tobytes() == b.tobytes()

    def check(self):
        self.compare(leaves(self.here), [a.get() for a in leaves(self.there)])
        assert list(self.cpu.arrays) == list(self.gpu.arrays)
        self.compare(list(self.cpu.arrays.values()), [np.asarray(a) for a in self.gpu.arrays.values()])
        assert (self.cpu.t, self.cpu.skipped, self.cpu.lr) == (self.gpu.t, self.gpu.skipped, self.gpu.lr)


@pytest.mark.parametrize("seed", range(24))
def test_training_runs(seed, tmp_path):
    run = Run(seed)
    for _ in range(6):
        action = run.rng.choice(
            ["step"] * 6 + ["replay", "replay", "change_streams", "free", "average", "checkpoint", "copy"]
        )
        getattr(run, action)(*([tmp_path] if action == "checkpoint" else []))
    run.step()
    run.check()
