"""Whose steps `bench.gpu` times: those of fastgd, torch, CuPy and, in a process of its own, JAX with optax."""

import functools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import fastgd

STEP, REPLAY, GRAPH = "fastgd, State.step", "fastgd, Replay", "fastgd, Replay in a graph"
CODED = {"int8": "fastgd, Replay, 8-bit states", "bfloat16": "fastgd, Replay, bfloat16 states"}
FUSED, FUSED_GRAPH, FOREACH, CUPY = "torch fused", "torch fused in a graph", "torch foreach", "CuPy ElementwiseKernel"
COPY = "copy of as many bytes"
MANY = 5e8  # elements, from which torch's foreach and CuPy are left out: there is no memory for everybody's states
RESERVE = 3 << 30  # bytes that stay free, for what steps themselves allocate


class Case(NamedTuple):
    """What is timed: the sizes of the arrays, whether gradients are clipped, how many of them are 0, and states in fewer bits."""

    name: str
    sizes: list[int]
    clip: bool = False
    zeros: float = 0.0
    coded: bool = False

    @property
    def title(self) -> str:
        return self.name + ", clip_norm" * self.clip + f", {self.zeros:.0%} zero gradients" * bool(self.zeros)

    @property
    def bytes_each(self) -> int:
        """What a step must move for each element: parameter and moments read and written, the gradient read, twice for its norm."""
        return 32 if self.clip else 28


def cases(simulated: bool) -> list[Case]:
    """Return what is timed: first what has a target."""
    if simulated:
        mixed = Case("mixed", [3, 64, 130, 1], coded=True)
        return [mixed, mixed._replace(clip=True, coded=False), mixed._replace(zeros=0.9)]
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
    one, large = Case("one array, 268 M", [1 << 28], coded=True), Case("GPT-2, 124 M", gpt2, coded=True)
    return [
        one,
        one._replace(clip=True, coded=False),
        large,
        Case("MLP, 0.1 M (in L2)", [784 * 128, 128, 1280, 10]),
        Case("10,000 x 64 (in L2)", [64] * 10000),
        large._replace(clip=True, coded=False),
        large._replace(zeros=0.9, coded=False),
        Case("1,000 x 1,024 (in L2)", [1024] * 1000),
        Case("ResNet-50, 26 M", resnet),
        Case("ResNet-50, 26 M", resnet, clip=True),
        Case("LLaMA shapes, 1.2 B", [128256 * 2048, *layer * 16, 2048]),
    ]


class Contender(NamedTuple):
    """How to make a step, and how many bytes for each element that takes besides parameters and gradients."""

    name: str
    bytes_each: float
    make: Callable[[], Callable[[], object]]


def contenders(device: Any, case: Case, n_steps: int, replays: list) -> Iterator[Contender]:
    """Yield all contenders of a case, on the same parameters and gradients; each `Replay` has so many steps, and is added to `replays`."""
    params = [device.random(n, 1.0) for n in case.sizes]
    grads = [device.random(n, 0.01, case.zeros) for n in case.sizes]
    settings: dict[str, Any] = {"lr": 1e-3, "weight_decay": 0.01, "on_nonfinite": "zero"}
    if case.clip:
        settings |= {"clip_norm": 1.0, "on_nonfinite": "skip"}

    def single() -> Callable[[], object]:
        state = fastgd.AdamW(**settings).init(params)
        return lambda: state.step(grads)

    @functools.cache
    def replayed(state_dtype: str | None = None) -> Callable[[], object]:
        state = fastgd.AdamW(state_dtype=state_dtype, **settings).init(params)
        replays.append(fastgd.Replay(state, grads, n_steps))
        return replays[-1].step

    yield Contender(STEP, 8, single)
    yield Contender(REPLAY, 8, replayed)
    yield Contender(GRAPH, 0, lambda: device.graphed(replayed()))  # of the same replay
    if case.coded:
        yield Contender(CODED["bfloat16"], 4, lambda: replayed("bfloat16"))
        yield Contender(CODED["int8"], 2.04, lambda: replayed("int8"))
    if device.torch is not None:
        yield from peers(device, case, params, grads)


def peers(device: Any, case: Case, params: list, grads: list) -> Iterator[Contender]:
    """Yield the contenders of torch and CuPy."""
    torch, n = device.torch, sum(case.sizes)

    def by_torch(**kind: Any) -> Callable[[], object]:
        owned = [torch.nn.Parameter(p) for p in params]
        for p, g in zip(owned, grads, strict=True):
            p.grad = g
        optimizer = torch.optim.AdamW(owned, weight_decay=0.01, **kind)
        if not case.clip:
            return optimizer.step
        return lambda: (torch.nn.utils.clip_grad_norm_(owned, 1.0, foreach=True), optimizer.step())

    def in_a_graph() -> Callable[[], object]:
        rate = torch.tensor(1e-3, device="cuda")
        return device.graphed(by_torch(lr=rate, fused=True, capturable=True))

    yield Contender(FUSED, 8, lambda: by_torch(lr=1e-3, fused=True))
    yield Contender(FUSED_GRAPH, 8, in_a_graph)
    if n < MANY:
        yield Contender(FOREACH, 16, lambda: by_torch(lr=1e-3, foreach=True))
    if n < MANY and len(case.sizes) <= 1000 and not case.clip:
        yield Contender(CUPY, 8, lambda: by_cupy(torch, params, grads))


def by_cupy(torch: Any, params: list, grads: list) -> Callable[[], object]:
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

    def step() -> None:
        with cupy.cuda.ExternalStream(torch.cuda.current_stream().cuda_stream):
            for each in zip(gs, ps, ms, vs, strict=True):
                kernel(scalars, *each)

    return step


def measure_jax() -> None:
    """Time optax's AdamW, jitted with donated buffers, in this process, which has not loaded torch."""
    import jax
    import jax.numpy as jnp
    import optax

    device = jax.devices()[0]
    if device.platform != "gpu":
        print(f"  JAX left out: it has no GPU, only {device.device_kind}")
        return
    for case in cases(False):
        if len(case.sizes) > 200 or sum(case.sizes) > MANY or case.clip or case.zeros:
            continue
        params = [jnp.ones(n) for n in case.sizes]
        grads = [0.01 * p for p in params]
        optimizer = optax.adamw(1e-3, weight_decay=0.01)
        state = optimizer.init(params)

        @functools.partial(jax.jit, donate_argnums=(0, 1))
        def step(params: list, state: Any, grads: list, optimizer: Any = optimizer) -> tuple:
            updates, state = optimizer.update(grads, state, params)
            return optax.apply_updates(params, updates), state

        taken = []
        for _ in range(6):
            begun = time.perf_counter()
            for _ in range(20):
                params, state = step(params, state, grads)
            jax.block_until_ready(params)
            taken.append((time.perf_counter() - begun) / 20)
        print(f"  JAX + optax, {case.title}: {statistics.median(taken[1:]) * 1e6:.1f} us", flush=True)
