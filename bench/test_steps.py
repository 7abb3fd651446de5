"""pytest-benchmark: one step of each optimizer, and of AdamW beside its peers. The times are for reading; `bench.report` compares."""

import functools

import pytest

from bench import contenders as peers
from bench.benchmarks import ADAMW
from bench.streaming import Stream3, streams
from bench.timing import WARM_UP, Contender, difference
from bench.workloads import MANY, MLP, OPTIMIZERS, problem

pytest.importorskip("pytest_benchmark", reason="pytest-benchmark is not installed: pip install 'fastgd[bench]'")
pytestmark = pytest.mark.filterwarnings("default")  # the peers' warnings are not ours

LARGE = [(2**22,)]
SHAPES = {"16 elements": [(16,)], "mlp": MLP, "1000 arrays": MANY, "2**22 elements": LARGE}
CONTENDERS = {
    "fastgd": (None, functools.partial(peers.ours, "fastgd", ADAMW)),
    "torch fused": ("torch", functools.partial(peers.torch_adamw, "torch fused", fused=True)),
    "torch foreach": ("torch", functools.partial(peers.torch_adamw, "torch foreach", foreach=True)),
    "optax": ("optax", functools.partial(peers.optax_adamw, "optax")),
    "numpy": (None, functools.partial(peers.numpy_adamw, "numpy")),
}


@functools.cache
def shared_problem(name):
    return problem(SHAPES[name])


def measure(benchmark, contender: Contender, shapes: str) -> None:
    rounds, steps = (10, 1) if shapes == "2**22 elements" else (10, 20)
    benchmark.group = shapes
    benchmark.pedantic(contender.prepare(0), rounds=rounds, iterations=steps, warmup_rounds=WARM_UP)


def quality(contender: Contender, shapes: str, steps: int = 5) -> float:
    """Return how far a fresh contender ends from fastgd after the same steps, relative to the farthest move."""
    start, gradients = shared_problem(shapes)
    mine = peers.ours("fastgd", ADAMW, start, gradients)
    for k in range(steps):
        mine.prepare(k)()
        contender.prepare(k)()
    return difference(start, mine.parameters(), contender.parameters())


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("name", CONTENDERS)
def test_adamw(benchmark, name, shapes):
    package, make = CONTENDERS[name]
    if package and not peers.installed(package):
        pytest.skip(f"{package} is not installed: pip install 'fastgd[bench]'")
    if (name, shapes) == ("optax", "1000 arrays"):
        pytest.skip("XLA takes too long to compile a thousand arrays")
    contender = make(*shared_problem(shapes))
    benchmark.extra_info["difference"] = quality(contender, shapes)
    assert benchmark.extra_info["difference"] < 1e-3
    measure(benchmark, contender, shapes)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_optimizer(benchmark, optimizer):
    start, gradients = shared_problem("2**22 elements")
    single = optimizer.replace(on_nonfinite="zero")
    measure(benchmark, peers.ours(repr(optimizer), single, start, gradients), "2**22 elements")
    apart = peers.torch_twin_difference(optimizer, *shared_problem("16 elements"), steps=5)
    benchmark.extra_info["difference from torch"] = apart
    assert apart is None or apart < 1e-3


@pytest.mark.parametrize("writes", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [0, 1], ids=["rule", "c"])
def test_stream(benchmark, kernel, writes):
    found = streams(*shared_problem("2**22 elements"), writes)
    if kernel >= len(found):
        pytest.skip("no C compiler found")
    measure(benchmark, found[kernel], "2**22 elements")


def test_clipped_step(benchmark):
    start, gradients = shared_problem("2**22 elements")
    measure(benchmark, peers.ours("clipped", ADAMW.replace(clip_norm=1.0), start, gradients), "2**22 elements")


def test_user_rule(benchmark):
    start, gradients = shared_problem("mlp")
    measure(benchmark, peers.ours("user rule", Stream3(), start, gradients), "mlp")
