"""Steps on an NVIDIA GPU: first whether they are right, then what they take beside a copy of the same bytes: ``python -m bench.gpu``.

Needs fastgd[cuda13], torch with CUDA and a GPU; CuPy, JAX and optax are measured where they are installed. At most 8 minutes
(``--budget``). ``python -m bench.gpu --sim`` runs the checks and the harness's logic in Numba's simulator, without a GPU and without a
figure that means anything.

All contenders of a workload are interleaved in every round, and a device-to-device copy that moves as many bytes as the update must is one
of them: the ceiling. Each sample is CUDA events around as many steps as fill 20 ms; the host's time per step is taken
beside it. The median of the rounds counts. Random gradients; the 0.1 M MLP and the small arrays lie in the L2 cache and are marked.
"""

import argparse
import itertools
import json
import math
import os
import statistics
import sys
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--sim", action="store_true", help="the logic only, in Numba's simulator")
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--budget", type=float, default=450, help="seconds after which no workload is begun")
parser.add_argument("--out", help="a file for all figures, as JSON")
parser.add_argument("--jax", action="store_true", help=argparse.SUPPRESS)
options = parser.parse_args()
if options.sim:
    os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

import numpy as np  # noqa: E402

import fastgd  # noqa: E402
from bench import gpu_around  # noqa: E402

SAMPLE = 0.02
SCHEDULE = fastgd.schedules.warmup(3) >> fastgd.schedules.cosine(1e-2, 1000)
STEPS_AHEAD = 2000


def workloads():
    """Return the sizes of the arrays of each workload."""
    if options.sim:
        return {"mixed": [3, 64, 130, 1]}
    gpt2 = [50257 * 768, 1024 * 768]
    for _ in range(12):
        gpt2 += [768, 768, 768 * 2304, 2304, 768 * 768, 768, 768, 768, 768 * 3072, 3072, 3072 * 768, 768]
    gpt2 += [768, 768]
    resnet = [9408, 64, 64]
    for first, width, last, count in ((64, 64, 256, 3), (256, 128, 512, 4), (512, 256, 1024, 6), (1024, 512, 2048, 3)):
        for j in range(count):
            entering = first if j == 0 else last
            resnet += [entering * width, width, width, width * width * 9, width, width, width * last, last, last]
            resnet += [entering * last, last, last] if j == 0 else []
    resnet += [2048 * 1000, 1000]
    layer = [2048 * 2048, 512 * 2048, 512 * 2048, 2048 * 2048, *[8192 * 2048] * 3, 2048, 2048]
    llama = [128256 * 2048, *layer * 16, 2048]
    return {
        "one array, 268 M": [1 << 28], "LLaMA shapes, 1.2 B": llama, "GPT-2, 124 M": gpt2, "ResNet-50, 26 M": resnet,
        "MLP, 0.1 M (in L2)": [784 * 128, 128, 1280, 10], "1,000 x 1,024 (in L2)": [1024] * 1000, "10,000 x 64 (in L2)": [64] * 10000,
    }  # fmt: skip


class Simulated:
    """Arrays in host memory behind the CUDA array interface, for the simulator."""

    class Array:
        def __init__(self, host):
            self.host = host

        @property
        def __cuda_array_interface__(self):
            data = (self.host.ctypes.data, False)
            return {"shape": self.host.shape, "typestr": self.host.dtype.str, "data": data, "version": 3}

    def put(self, values, shift=0):
        room = np.zeros(values.size + shift, values.dtype)
        room[shift:] = values
        return self.Array(room[shift:])

    def get(self, array):
        return array.host.copy()

    def set(self, array, values):
        array.host[...] = values

    def synchronize(self):
        pass


class Torch:
    """Tensors on the GPU."""

    def __init__(self):
        import torch

        if not torch.cuda.is_available():
            parser.error("there is no NVIDIA GPU that torch can use; --sim runs the checks in Numba's simulator")
        self.torch = torch

    def put(self, values, shift=0):
        room = self.torch.zeros(values.size + shift, dtype=getattr(self.torch, values.dtype.name), device="cuda")
        self.set(room[shift:], values)
        return room[shift:]

    def get(self, array):
        if array.dtype == self.torch.bfloat16:
            from ml_dtypes import bfloat16

            return array.view(self.torch.int16).cpu().numpy().view(bfloat16)
        return array.cpu().numpy()

    def set(self, array, values):
        if values.dtype.name == "bfloat16":
            array.view(self.torch.int16).copy_(self.torch.from_numpy(values.view(np.int16)))
        else:
            array.copy_(self.torch.from_numpy(values))

    def synchronize(self):
        self.torch.cuda.synchronize()


# ---------------------------------------------------------------------------------------------------------- is it right?


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


def check_correctness(device):
    """Raise where a step is wrong; print what was looked at."""
    sizes = (
        [1, 2, 3, 4, 5, 9, 33]
        if options.sim
        else [*range(1, 10), 31, 32, 33, 192, 200, 700, 16383, 16384, 16385, (1 << 20) + 3, 0]
    )
    some = sizes[:3] if options.sim else [1, 33, 16385]
    # NormalizedOnline is not for arrays; factored ones and Armijo are looked at further on
    kinds = [k for k in fastgd.Optimizer.registry.values() if not (k.factored or k.searches or k.needs_rows)]
    for kind in kinds[:4] if options.sim else kinds:
        optimizer = kind(lr=0.1) if "lr" in kind.__dataclass_fields__ else kind()
        measured = optimizer._measure() is not None
        for dtype in ("float32", "float64", "float16"):
            agreement(device, optimizer, some, dtype, exact=not measured)
    print("  every elementwise optimizer, float32, float64, float16: the processor's bits (self-tuning ones: 1e-5)")
    for shifts in itertools.product(range(4), repeat=2):
        agreement(device, fastgd.AdamW(lr=0.01), sizes if shifts == (0, 0) else some, "float32", shifts, steps=1)
    print("  sizes, tails, misaligned parameters and gradients: the processor's bits")
    for size, limit in itertools.product((1e-38, 1e-20, 1.0, 1e20, 1e38), (1e-3, 1.0)):
        agreement(device, fastgd.SGD(lr=1.0, clip_norm=limit), some, "float32", steps=1, size=size)
    print("  clipping, norms from 1e-38 to 1e38: the processor's bits")
    check_replay(device, some)
    print("  replay against single steps, a schedule, a NaN skipped, two runs: bit for bit")
    gpu_around.check(device, [(3, 2), (5,)] if options.sim else [(257, 129), (64, 3, 3, 3), (16385,), (1000, 10)])


def check_replay(device, sizes):
    """Raise unless replayed steps, across a schedule's joint and a NaN, have the bits of single steps on the processor, twice."""
    for _ in range(2):
        rng = np.random.default_rng(1)
        optimizer = fastgd.AdamW(lr=SCHEDULE, clip_norm=1.0, on_nonfinite="skip")
        here = [rng.standard_normal(n).astype(np.float32) for n in sizes]
        there = [device.put(p) for p in here]
        cpu, gpu = optimizer.init(here), optimizer.init(there)
        grads = [device.put(np.zeros_like(p)) for p in here]
        with fastgd.Replay(gpu, grads, 8) as replay:
            for k in range(8):
                values = [rng.standard_normal(n).astype(np.float32) for n in sizes]
                if k == 4:
                    values[-1][-1] = np.nan
                for g, v in zip(grads, values, strict=True):
                    device.set(g, v)
                cpu.step(values)
                replay.step()
        assert (cpu.t, cpu.skipped) == (gpu.t, gpu.skipped) == (7, 1)
        assert all(a.tobytes() == device.get(b).tobytes() for a, b in zip(here, there, strict=True))


# ------------------------------------------------------------------------------------------------------------ how fast is it?


def graphed(torch, step):
    """Return the replay of a CUDA graph of one step."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def fastgd_contenders(device, sizes, clip, torch):
    """Return the steps of fastgd by name: single ones, replayed ones, and those in a graph."""
    rng = np.random.default_rng(2)
    if torch is None:
        params, grads = ([device.put(rng.standard_normal(n).astype(np.float32)) for n in sizes] for _ in range(2))
    else:
        params = [torch.randn(n, device="cuda") for n in sizes]
        grads = [torch.randn(n, device="cuda") * 0.01 for n in sizes]
    optimizer = fastgd.AdamW(lr=1e-3, clip_norm=1.0 if clip else None, on_nonfinite="skip" if clip else "zero")
    found = {"fastgd, State.step": optimizer.init(params)}
    eager, replayed = (
        found["fastgd, State.step"],
        fastgd.Replay(optimizer.init(params), grads, STEPS_AHEAD if torch else 9),
    )

    def replay():
        if replay.left == 0:
            replayed.sync()
            replayed.refill()
            replay.left = replayed._steps
        replay.left -= 1
        replayed.step()

    replay.left = replayed._steps
    steps = {"fastgd, State.step": lambda: eager.step(grads), "fastgd, Replay": replay}
    if torch is not None:
        ahead = fastgd.Replay(optimizer.init(params), grads, 100_000 if sum(sizes) < 1e6 else STEPS_AHEAD)
        steps["fastgd, Replay in a graph"] = graphed(torch, ahead.step)
    return steps, params, grads


def torch_contenders(torch, params, grads, clip):
    """Return torch's steps by name."""

    def made(**kind):
        owned = [torch.nn.Parameter(p) for p in params]
        for p, g in zip(owned, grads, strict=True):
            p.grad = g
        optimizer = torch.optim.AdamW(owned, weight_decay=0.01, **kind)
        if not clip:
            return optimizer.step
        return lambda: (torch.nn.utils.clip_grad_norm_(owned, 1.0, foreach=True), optimizer.step())

    steps = {"torch fused": made(lr=1e-3, fused=True)}
    if sum(p.numel() for p in params) < 5e8:
        steps["torch foreach"] = made(lr=1e-3, foreach=True)
    rate = torch.tensor(1e-3, device="cuda")
    steps["torch fused in a graph"] = graphed(torch, made(lr=rate, fused=True, capturable=True))
    return steps


def cupy_contender(torch, params, grads):
    """Return the step of an elementwise kernel of CuPy for each array."""
    import cupy

    kernel = cupy.ElementwiseKernel(
        "raw float32 h, float32 g",
        "float32 p, float32 m, float32 v",
        "m = h[0]*m + h[1]*g; v = h[2]*v + h[3]*g*g; p = p - (h[4]*p + h[5]*m/(sqrtf(v)*h[6] + h[7]));",
        "adamw",
    )
    arrays = [cupy.from_dlpack(x) for x in (*params, *grads)]
    ps, gs = arrays[: len(params)], arrays[len(params) :]
    ms, vs = [cupy.zeros_like(p) for p in ps], [cupy.zeros_like(p) for p in ps]
    scalars = cupy.array([0.9, 0.1, 0.999, 0.001, 1e-5, 1e-2, 30.0, 1e-8], cupy.float32)

    def step():
        with cupy.cuda.ExternalStream(torch.cuda.current_stream().cuda_stream):
            for each in zip(gs, ps, ms, vs, strict=True):
                kernel(scalars, *each)

    return step


def timed(torch, step, count):
    """Return (seconds on the device, seconds on the host) of one step."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    begun = time.perf_counter()
    for _ in range(count):
        step()
    host = (time.perf_counter() - begun) / count
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1e3 / count, host


def compare(name, sizes, clip, device, torch, log):
    """Measure all contenders of one workload, interleaved, and print them, the fastest first."""
    n, moved = sum(sizes), 32 if clip else 28
    steps, params, grads = fastgd_contenders(device, sizes, clip, torch)
    if torch is None:
        for step in steps.values():
            step()
        print(f"  {name}: {len(steps)} contenders step; nothing is timed in the simulator")
        return
    steps |= torch_contenders(torch, params, grads, clip)
    if not clip and len(sizes) <= 1000:
        try:
            steps["CuPy ElementwiseKernel"] = cupy_contender(torch, params, grads)
        except ImportError:
            print("  CuPy is not installed")
    half = min(n * moved // 2, 4 << 30)  # a larger copy is scaled
    source = torch.empty(half, dtype=torch.uint8, device="cuda").random_()
    target = torch.empty_like(source)
    copy = "copy of as many bytes"
    steps[copy] = lambda: target.copy_(source)
    scale = n * moved / 2 / half
    count = max(3, min(200, int(SAMPLE / (n * moved / 2.5e12 + 20e-6)))) if len(sizes) < 5000 else 3
    times, hosts = {s: [] for s in steps}, {s: [] for s in steps}
    for step in steps.values():
        step(), step()
    for _ in range(options.rounds):
        for label, step in steps.items():
            taken, host = timed(torch, step, count)
            times[label].append(taken * (scale if label == copy else 1.0))
            hosts[label].append(host)
    middle = {label: statistics.median(t) for label, t in times.items()}
    print(
        f"\n{name}{', clip_norm' if clip else ''}: {len(sizes)} arrays, {n / 1e6:.1f} M, {moved} bytes each, {count} steps a sample"
    )
    for label in sorted(middle, key=middle.get):
        t, spread = middle[label], (max(times[label]) - min(times[label])) / middle[label]
        ratios = f"copy/x {middle[copy] / t:5.2f}   torch fused/x {middle['torch fused'] / t:6.2f}"
        print(
            f"  {label:28s} {t * 1e6:10.1f} us   {ratios}   host {statistics.median(hosts[label]) * 1e6:8.1f} us   spread {spread:4.0%}"
        )
    log[f"{name}, clip" if clip else name] = {label: {"seconds": times[label], "host": hosts[label]} for label in steps}


def measure_jax(log):
    """Time optax's AdamW, jitted with donated buffers, in this process, which has not loaded torch."""
    import functools

    import jax
    import jax.numpy as jnp
    import optax

    for name, sizes in workloads().items():
        if len(sizes) > 1000 or sum(sizes) > 5e8:
            continue
        params = [jnp.ones(n) for n in sizes]
        grads = [0.01 * p for p in params]
        optimizer = optax.adamw(1e-3, weight_decay=0.01)
        state = optimizer.init(params)

        @functools.partial(jax.jit, donate_argnums=(0, 1))
        def step(params, state, grads, optimizer=optimizer):
            updates, state = optimizer.update(grads, state, params)
            return optax.apply_updates(params, updates), state

        taken = []
        for _ in range(6):
            begun = time.perf_counter()
            for _ in range(20):
                params, state = step(params, state, grads)
            jax.block_until_ready(params)
            taken.append((time.perf_counter() - begun) / 20)
        log[f"JAX, {name}"] = statistics.median(taken[1:])
        print(f"  JAX + optax, {name}: {log[f'JAX, {name}'] * 1e6:.1f} us")


def describe(torch):
    """Print what is measured on."""
    import importlib.metadata

    for package in ("fastgd", "torch", "numba", "numba-cuda", "cuda-bindings", "cupy-cuda13x", "jax"):
        try:
            print(f"{package} {importlib.metadata.version(package)}", end="   ")
        except importlib.metadata.PackageNotFoundError:
            print(f"{package} -", end="   ")
    print(f"\n{torch.cuda.get_device_name()}" if torch else "\nNumba's simulator")


def launching(device):
    """Return who launches the kernels: the driver itself, or numba-cuda, which takes several times as long on the host."""
    state = fastgd.SGD(lr=0.1).init(device.put(np.ones(1, np.float32)))
    direct = state._plan.tables.segments[0].update.direct
    return "one call of the driver" if direct else "by numba-cuda's dispatcher or simulator"


def main():
    log = {}
    if options.jax:
        measure_jax(log)
        return
    begun = time.perf_counter()
    device = Simulated() if options.sim else Torch()
    torch = None if options.sim else device.torch
    describe(torch)
    print(f"A launch: {launching(device)}")
    print("Correctness")
    check_correctness(device)
    print("Times")
    cases = [(name, sizes, False) for name, sizes in workloads().items()]
    clipped = ("mixed", "one array, 268 M", "GPT-2, 124 M", "ResNet-50, 26 M")
    cases += [(name, sizes, True) for name, sizes in workloads().items() if name in clipped]
    for name, sizes, clip in cases:
        if time.perf_counter() - begun > options.budget:
            print(f"  {name}: left out, the budget of {options.budget:.0f} s is spent")
            continue
        compare(name, sizes, clip, device, torch, log)
        if torch:
            torch.cuda.empty_cache()
    if torch and time.perf_counter() - begun < options.budget:
        import subprocess

        environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        subprocess.run([sys.executable, "-m", "bench.gpu", "--jax"], env=environment, timeout=120, check=False)
    if options.out:
        with open(options.out, "w") as file:
            json.dump(log, file)


if __name__ == "__main__":
    main()
