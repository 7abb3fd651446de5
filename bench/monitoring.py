"""What watching costs, and what a schedule costs inside a step: ``python -m bench.monitoring``.

Two tables. The first: steps of AdamW with ``monitor=True``, with a good copy for rollback, and with both, beside plain steps, whole
stretches of 1,000 steps with all looks and copies in them, of one state whose monitor and copy are switched on and off: where arrays
happen to lie makes steps of two states differ by more than is measured here; and epochs of a linear model and of a network with
``on_divergence="retry"`` beside ``"raise"``, which measures the loss of some rows again (their other monitors are always on). The
second: every schedule of the gallery in a composition of three, as `State.step` evaluates it, 2,000 steps again and again from the first
one on (values are computed ahead, up to 256 at once: that is in it, and what one such time takes is told), and steps with the slowest
of them beside steps with a number. Contenders alternate in random order; ratios are medians over rounds of neighbours in time, with the
quartiles.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np

import fastgd
from bench.timing import collector_off
from fastgd._groups import Group
from fastgd.plot._gallery import GALLERY
from fastgd.schedules import Schedule, cosine, warmup
from fastgd.state import NEVER

STRETCH = 1000  # steps that are timed together: five looks and five copies
SHAPES = {
    "one array of 1,000": [(1000,)],
    "network 784-128-10": [(784, 128), (128,), (128, 10), (10,)],
    "one array of 1,000,000": [(1000, 1000)],
}
WATCHED = {"plain": (), "monitor=True": ("monitor",), "rollback=True": ("rollback",), "both": ("monitor", "rollback")}
TARGET, TARGET_NS = 1.02, 1000


def rounds_of(contenders: dict[str, Callable[[], object]], n_rounds: int) -> dict[str, np.ndarray]:
    """Return the seconds of each contender in each round; in a round all run once, in random order."""
    order, seconds = np.random.default_rng(0), {name: np.empty(n_rounds) for name in contenders}
    names = list(contenders)
    with collector_off():
        for name in names:
            contenders[name]()
        for k in range(n_rounds):
            for name in order.permutation(names):
                began = time.perf_counter()
                contenders[name]()
                seconds[name][k] = time.perf_counter() - began
    return seconds


def ratio(seconds: dict[str, np.ndarray], name: str, base: str) -> str:
    """Return the median ratio of neighbours in time, with its quartiles, and whether that is within the target."""
    low, middle, high = np.quantile(seconds[name] / seconds[base], (0.25, 0.5, 0.75))
    return f"{middle:8.3f}   ({low:.3f} to {high:.3f})   {'<=' if middle <= TARGET else '> '} {TARGET}"


def stepping(shapes: list[tuple[int, ...]], n_steps: int) -> dict[str, Callable[[], object]]:
    """Return, for each way to watch, a function that takes so many steps of one and the same state."""
    rng = np.random.default_rng(0)
    params = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    grads = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    state = fastgd.AdamW(lr=1e-4).init(params, monitor=True, rollback=True)
    recovery = state.recovery

    def run(watched: tuple[str, ...]) -> None:
        state._look_due = 0 if "monitor" in watched else NEVER
        state.recovery = recovery if "rollback" in watched else None
        for _ in range(n_steps):
            state.step(grads)

    return {label: partial(run, watched) for label, watched in WATCHED.items()}


def fitting(kind: str, way: str) -> Callable[[], object]:
    """Return a function that fits a model."""
    from fastgd.linear_model import SGDClassifier
    from fastgd.neural_network import MLPClassifier

    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 100)).astype(np.float32)
    y = (X @ rng.normal(size=100) > 0).astype(int)
    options = {"max_iter": 5, "tol": None, "random_state": 0}
    if kind == "linear":
        return lambda: SGDClassifier("log_loss", learning_rate=0.01, on_divergence=way, **options).fit(X, y)
    options |= {"max_iter": 2, "tol": 0, "n_iter_no_change": 100}

    def fit() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that two epochs are few
            MLPClassifier((32,), batch_size=100, on_divergence=way, **options).fit(X[:8000], y[:8000])

    return fit


def watching(n_rounds: int) -> None:
    print(f"{'cost of watching, times the same without':52}{'median':>8}   (quartiles)        target")
    for name, shapes in SHAPES.items():
        size = sum(int(np.prod(shape)) for shape in shapes)
        n_steps = STRETCH if size < 500_000 else STRETCH // 5
        seconds = rounds_of(stepping(shapes, n_steps), n_rounds)
        for label in list(WATCHED)[1:]:
            print(f"AdamW, {name + ', ' + label:45}{ratio(seconds, label, 'plain')}", flush=True)
    for kind in ("linear", "network"):
        seconds = rounds_of({way: fitting(kind, way) for way in ("raise", "retry")}, n_rounds)
        label = f"fit, {kind} model, on_divergence='retry'"
        print(f"{label:52}{ratio(seconds, 'retry', 'raise')}", flush=True)


def compositions() -> dict[str, Schedule]:
    """Return every schedule of the gallery in a composition of three: a warm-up, then it times half a cosine wave."""
    single = [s for s, _ in GALLERY.values() if not s._children()]
    return {str(s): (warmup(10) >> cosine(1.0, 1000)) * s for s in single}


def nanoseconds(function: Callable[[int], object], n: int = 2000, n_stretches: int = 20) -> float:
    """Return the processor time of a call: the median of short stretches."""
    found = np.empty(n_stretches)
    for k in range(n_stretches):
        began = time.thread_time_ns()
        for t in range(n):
            function(t)
        found[k] = (time.thread_time_ns() - began) / n
    return float(np.median(found))


def blocks(group: Group, n: int = 50) -> float:
    """Return what the second step takes, at which the values of the next 256 are computed: the median."""
    found, memory = [], group.start()
    for _ in range(n):
        group.advance(0, memory)
        began = time.thread_time_ns()
        group.advance(1, memory)
        found.append(time.thread_time_ns() - began)
        group.advance(1000, memory)
    return float(np.median(found))


def scheduling(n_rounds: int) -> None:
    """Print what evaluating takes, `Group.advance`, net of the call around it, and what a whole step takes more."""
    found, order = {}, np.random.default_rng(0)
    groups = {name: Group(fastgd.AdamW(lr=schedule)) for name, schedule in compositions().items()}
    with collector_off():
        for name in order.permutation(list(groups)):
            group = groups[name]
            memory = group.start()
            found[name] = nanoseconds(lambda t, g=group, m=memory: g.advance(t, m)) - nanoseconds(lambda t: None)
    slowest = sorted(found, key=found.__getitem__, reverse=True)
    print(f"\nevaluating (warmup(10) >> cosine(1, 1000)) * schedule inside a step, target {TARGET_NS} ns")
    for name in slowest[:5]:
        print(f"    {found[name]:7.0f} ns   {name}")
    call = nanoseconds(lambda t: None)
    print(f"    {np.median(list(found.values())):7.0f} ns   the median of {len(found)}")
    print(f"    {call:7.0f} ns   for comparison: an empty Python function")
    print(f"    {blocks(groups[slowest[0]]):7.0f} ns   the step at which values of the slowest are computed ahead")
    print(f"    {sum(value <= TARGET_NS for value in found.values())} of {len(found)} within the target")
    tiny = [np.ones(4, np.float32)]
    contenders = {"number": fastgd.AdamW(), "scheduled": fastgd.AdamW(lr=compositions()[slowest[0]])}

    def stretch(optimizer: fastgd.Optimizer) -> Callable[[], object]:
        state, grads = optimizer.init([np.ones(4, np.float32)]), tiny
        return lambda: [state.step(grads) for _ in range(STRETCH)] and None

    seconds = rounds_of({name: stretch(optimizer) for name, optimizer in contenders.items()}, n_rounds)
    more = np.quantile((seconds["scheduled"] - seconds["number"]) / STRETCH * 1e9, (0.25, 0.5, 0.75))
    print(f"a step with the slowest takes {more[1]:.0f} ns more than with a number ({more[0]:.0f} to {more[2]:.0f})")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    watching(options.rounds)
    scheduling(options.rounds)


if __name__ == "__main__":
    main()
