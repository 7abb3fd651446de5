"""Whether elementwise steps are right on a GPU, for ``python -m bench.gpu``: what it looks at before it times anything."""

import itertools
import math
import traceback

import numpy as np

import fastgd
from bench import gpu_around

SCHEDULE = fastgd.schedules.warmup(3) >> fastgd.schedules.cosine(1e-2, 1000)


def agreement(device, optimizer, sizes, dtype, shifts=(0, 0), steps=3, size=1.0, exact=True):
    """Raise unless a state on the GPU has the bits (or, where that cannot be, the values) of one on the processor."""
    rng = np.random.default_rng(0)
    values = [rng.standard_normal(n).astype(dtype) for n in sizes]
    here = [v.copy() for v in values]
    there = [device.put(v, shifts[0]) for v in values]
    cpu, gpu = optimizer.init(here), optimizer.init(there)
    for _ in range(steps):
        grads = [(size * rng.standard_normal(n)).astype(dtype) for n in sizes]
        needed = {"loss": 1.0} if optimizer.needs_loss else {}
        a = cpu.step(grads, **needed)
        b = gpu.step([device.put(g, shifts[1]) for g in grads], **needed)
        assert math.isclose(a.grad_norm, b.grad_norm, rel_tol=1e-13) or a.grad_norm != a.grad_norm, (a, b)
    for x, y in zip(
        [*here, *cpu.arrays.values()], [*map(device.get, there), *map(np.asarray, gpu.arrays.values())], strict=True
    ):
        if exact:
            assert x.tobytes() == y.tobytes(), f"{optimizer}, {dtype}: {np.count_nonzero(x != y)} of {x.size} differ"
        else:
            np.testing.assert_allclose(np.asarray(x, float), np.asarray(y, float), rtol=1e-5, atol=1e-7)


def every_optimizer(device, sizes, simulated):
    """Raise where an elementwise optimizer is wrong."""
    # NormalizedOnline is not for arrays; factored ones and Armijo are looked at further on
    kinds = [k for k in fastgd.Optimizer.registry.values() if not (k.factored or k.searches or k.needs_rows)]
    for kind in kinds[:4] if simulated else kinds:
        optimizer = kind(lr=0.1) if "lr" in kind.__dataclass_fields__ else kind()
        measured = optimizer._measure() is not None
        for dtype in ("float32", "float64", "float16"):
            agreement(device, optimizer, sizes, dtype, exact=not measured)


def misalignment(device, sizes, some):
    """Raise where a size, a tail or a misaligned address is not updated right."""
    for shifts in itertools.product(range(4), repeat=2):
        agreement(device, fastgd.AdamW(lr=0.01), sizes if shifts == (0, 0) else some, "float32", shifts, steps=1)


def clipping(device, sizes):
    """Raise where a gradient is clipped wrongly."""
    for size, limit in itertools.product((1e-38, 1e-20, 1.0, 1e20, 1e38), (1e-3, 1.0)):
        agreement(device, fastgd.SGD(lr=1.0, clip_norm=limit), sizes, "float32", steps=1, size=size)


def fewer_bits(device, sizes):
    """Raise where states of 16 or 8 bits are wrong."""
    for how, shift in itertools.product(("bfloat16", "int8"), (0, 1)):
        agreement(device, fastgd.AdamW(lr=0.01, state_dtype=how), sizes, "float32", (shift, 0), steps=2)


def replay(device, sizes):
    """Raise unless replayed steps, across a schedule's joint and a NaN, have the bits of single steps on the processor, twice."""
    for _ in range(2):
        rng = np.random.default_rng(1)
        optimizer = fastgd.AdamW(lr=SCHEDULE, clip_norm=1.0, on_nonfinite="skip")
        here = [rng.standard_normal(n).astype(np.float32) for n in sizes]
        there = [device.put(p) for p in here]
        cpu, gpu = optimizer.init(here), optimizer.init(there)
        grads = [device.put(np.zeros_like(p)) for p in here]
        with fastgd.Replay(gpu, grads, 8) as replayed:
            for k in range(8):
                values = [rng.standard_normal(n).astype(np.float32) for n in sizes]
                if k == 4:
                    values[-1][-1] = np.nan
                for g, v in zip(grads, values, strict=True):
                    device.set(g, v)
                cpu.step(values)
                replayed.step()
        assert (cpu.t, cpu.skipped) == (gpu.t, gpu.skipped) == (7, 1)
        assert all(a.tobytes() == device.get(b).tobytes() for a, b in zip(here, there, strict=True))


def graph(device, sizes):
    """Raise unless a graph of one step, replayed, has the bits of single steps on the processor while the rate changes."""
    rng = np.random.default_rng(2)
    for clip in (None, 1.0):
        optimizer = fastgd.AdamW(lr=SCHEDULE, clip_norm=clip, on_nonfinite="zero" if clip is None else "skip")
        here = [rng.standard_normal(n).astype(np.float32) for n in sizes]
        values = [rng.standard_normal(n).astype(np.float32) for n in sizes]
        there, grads = [device.put(p) for p in here], [device.put(g) for g in values]
        cpu, gpu = optimizer.init(here), optimizer.init(there)
        with fastgd.Replay(gpu, grads, 40) as replayed:
            again = device.graphed(replayed.step)
            for _ in range(20):
                again()
        for _ in range(gpu.t):
            cpu.step(values)
        assert gpu.t >= 20
        assert all(a.tobytes() == device.get(b).tobytes() for a, b in zip(here, there, strict=True))


def check(device, simulated):
    """Look at everything, print what is right and what is not, and return how much is not."""
    odd = [*range(1, 10), 31, 32, 33, 192, 200, 700, 16383, 16384, 16385, (1 << 20) + 3, 0]
    sizes, some = ([1, 2, 3, 4, 5, 9, 33], [1, 2, 3]) if simulated else (odd, [1, 33, 16385])
    coded = [4100] if simulated else [1, 4095, 4096, 4100, 16385, 100_003]
    shapes = [(3, 2), (5,)] if simulated else [(257, 129), (64, 3, 3, 3), (16385,), (1000, 10)]
    around = ("float32",) if simulated else gpu_around.DTYPES  # the tests have the others in the simulator
    looks = {
        "every elementwise optimizer, float32, float64, float16: the processor's bits (self-tuning ones: 1e-5)":
            lambda: every_optimizer(device, some, simulated),
        "sizes, tails, misaligned parameters and gradients: the processor's bits":
            lambda: misalignment(device, sizes, some),
        "clipping, norms from 1e-38 to 1e38: the processor's bits": lambda: clipping(device, some),
        "states in bfloat16 and 8 bits: the processor's bits": lambda: fewer_bits(device, coded),
        "replay against single steps, a schedule, a NaN skipped, two runs: bit for bit": lambda: replay(device, some),
        "a graph of one step, replayed 20 times with a live rate: the processor's bits": lambda: graph(device, some),
        "whole matrices, what surrounds a step, line searches: as printed above": lambda: gpu_around.check(device, shapes, around),
    }  # fmt: skip
    failed = 0
    for what, look in looks.items():
        try:
            look()
            print(f"  {what}", flush=True)
        except Exception:
            failed += 1
            print(f"  WRONG: {what}\n{traceback.format_exc()}", flush=True)
    return failed
