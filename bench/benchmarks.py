"""The benchmarks of the report: each function measures one comparison and returns its `Result`."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

import fastgd
from bench import contenders as peers
from bench.contenders import HYPER, installed
from bench.memory import one_memory
from bench.neighbours import busy_neighbours
from bench.results import Figure, Result, digit, duration, missing, timing_table
from bench.streaming import streams, usable_cores
from bench.timing import Contender, Effort, Timing, collector_off, compare, interleave
from bench.workloads import MANY, MLP, OPTIMIZERS, arrays, large, problem, size_of
from fastgd.optimizers import Optimizer

DEFAULT, ONE_PASS = "fastgd", 'fastgd, on_nonfinite="zero"'
FUSED, FOREACH, OWN_CHOICE = "torch fused", "torch foreach", "torch default"
OPTAX, NUMPY = "optax, jit", "NumPy"
ADAMW = fastgd.AdamW(**HYPER)
SMALL = (65_536,)
"""Where the results of large comparisons are held against each other, each contender with its own arrays."""


def _torch(start: list, gradients: list, **how: dict) -> list[Contender]:
    """Return torch's AdamW contenders by name, or none where torch is not installed."""
    if not installed("torch"):
        return []
    return [peers.torch_adamw(name, start, gradients, **options) for name, options in how.items()]


def _against(timing: Timing, what: str, slow: str, fast: str, package: str = "torch", **target: float) -> Figure:
    """Return how many times slower a peer is, or that it is not installed."""
    if slow not in timing.seconds:
        return missing(what, package, **target)
    ratio = timing.ratio(slow, fast)
    times = f"{duration(timing.median(slow))} against {duration(timing.median(fast))}"
    return Figure(what, ratio.medians, f"{ratio}: {times}", **target)


def _rate_against_stream(timing: Timing, ours: Contender, bound: list[Contender], what: str, least: float) -> Figure:
    """Return our bytes per second relative to those of the faster streaming kernel."""
    stream = min(bound, key=lambda c: timing.median(c.name))
    ratio = timing.ratio(stream.name, ours.name)
    more = ours.arrays / stream.arrays
    text = f"{ratio.medians * more:.3g} (pairs {ratio.pairs * more:.3g}): {duration(timing.median(ours.name))}"
    text += f" against {duration(timing.median(stream.name))}"
    if more != 1:
        text += f", {1 / ratio.medians:.2f}x the time for {more:.2f}x the bytes"
    return Figure(what, ratio.medians * more, text, least=least)


def adamw(effort: Effort) -> Result:
    """AdamW on one large array: against the streaming bound, torch, optax and NumPy."""
    start, gradients = large(effort.elements)
    with one_memory(start):
        bound = streams(start, gradients, writes=3)
        running = [*_adamw_contenders(start, gradients), *bound]
        timing = interleave(running, effort)
    checked, single = running[:2]
    small = problem([SMALL])
    timing.differences = compare(_adamw_contenders(*small), small[0], replace(effort, rounds=3)).differences
    name = f"AdamW, {effort.elements:,} elements"
    result = Result(name)
    result.figures = [
        _rate_against_stream(timing, single, bound, f'{name}, on_nonfinite="zero" (one pass): bytes/s / stream', 0.95),
        _rate_against_stream(timing, checked, bound, f"{name}, default (reads g twice): bytes/s / stream", 0.95),
        _against(timing, f"{name}, default: times faster than torch fused", FUSED, DEFAULT, least=1.0),
        _against(timing, f"{name}, one pass: times faster than torch fused", FUSED, ONE_PASS, least=1.0),
        _against(timing, f"{name}, default: times faster than optax with jit", OPTAX, DEFAULT, "optax"),
    ]
    timing_table(result, timing, running, effort.elements)
    return result


def _adamw_contenders(start: list, gradients: list) -> list[Contender]:
    """Return ours, checked and in one pass, then torch's, optax's and NumPy's."""
    how = {FUSED: {"fused": True}, FOREACH: {"foreach": True}, OWN_CHOICE: {}}
    running = [
        peers.ours(DEFAULT, ADAMW, start, gradients),
        peers.ours(ONE_PASS, ADAMW.replace(on_nonfinite="zero"), start, gradients),
        *_torch(start, gradients, **how),
    ]
    if installed("optax"):
        running.append(peers.optax_adamw(OPTAX, start, gradients))
    return [*running, peers.numpy_adamw(NUMPY, start, gradients)]


def mlp(effort: Effort) -> Result:
    """AdamW on the four arrays of the 784-32-10 network."""
    start, gradients = problem(MLP)
    how = {FUSED: {"fused": True}, FOREACH: {"foreach": True}, OWN_CHOICE: {}}
    running = [peers.ours(DEFAULT, ADAMW, start, gradients), *_torch(start, gradients, **how)]
    if installed("optax"):
        running.append(peers.optax_adamw(OPTAX, start, gradients))
    running.append(peers.numpy_adamw(NUMPY, start, gradients))
    timing = compare(running, start, effort)
    name = f"AdamW, {len(MLP)} arrays, {size_of(MLP):,} elements"
    result = Result(name)
    result.figures = [
        _against(timing, f"{name}: times faster than torch fused", FUSED, DEFAULT, least=10.0),
        _against(timing, f"{name}: times faster than optax with jit", OPTAX, DEFAULT, "optax"),
        _against(timing, f"{name}: times faster than NumPy", NUMPY, DEFAULT),
    ]
    timing_table(result, timing, running, size_of(MLP))
    return result


def many(effort: Effort) -> Result:
    """AdamW on 1,000 arrays of 1,000 elements."""
    start, gradients = problem(MANY)
    running = [
        peers.ours(DEFAULT, ADAMW, start, gradients),
        *_torch(start, gradients, **{FUSED: {"fused": True}, FOREACH: {"foreach": True}}),
        peers.numpy_adamw(NUMPY, start, gradients),
    ]
    timing = compare(running, start, effort)
    name = "AdamW, 1,000 arrays of 1,000"
    better = timing.fastest([FUSED, FOREACH]) if FUSED in timing.seconds else FUSED
    result = Result(name)
    result.figures = [
        _against(timing, f"{name}: times faster than the better of torch fused, foreach", better, DEFAULT, least=5.0)
    ]
    timing_table(result, timing, running, size_of(MANY))
    return result


def clip(effort: Effort) -> Result:
    """AdamW on one large array with the gradient clipped by its norm."""
    start, gradients = large(effort.elements)
    clipped, unclipped = "fastgd, clip_norm=1", "fastgd, unclipped"
    clipped_torch = "torch clip_grad_norm_ + fused"
    one_pass = f"{unclipped}, one pass"
    elsewhere = {unclipped: ADAMW, one_pass: ADAMW.replace(on_nonfinite="zero")}

    def both(start: list, gradients: list) -> list[Contender]:
        ours = peers.ours(clipped, ADAMW.replace(clip_norm=1.0), start, gradients)
        return [ours, *_torch(start, gradients, **{clipped_torch: {"clip_norm": 1.0, "fused": True}})]

    with one_memory(start):
        running = [*both(start, gradients), *(peers.ours(n, o, start, gradients) for n, o in elsewhere.items())]
        timing = interleave(running, effort)
    small = problem([SMALL])
    timing.differences = compare(both(*small), small[0], replace(effort, rounds=3)).differences
    name = f"AdamW with clip_norm, {effort.elements:,} elements"
    result = Result(name)
    result.figures = [
        _against(timing, f"{name}: times faster than clip_grad_norm_ + torch fused", clipped_torch, clipped, least=1.5),
        _against(timing, f"{name}: time / our unclipped step (default)", clipped, unclipped, most=1.2),
        _against(timing, f"{name}: time / our unclipped step (one pass)", clipped, one_pass, most=1.2),
    ]
    timing_table(result, timing, running, effort.elements)
    return result


def tiny(effort: Effort) -> Result:
    """`state.step` on one array of 16 elements: what a call costs."""
    start, gradients = problem([(16,)])
    running = [
        peers.ours("fastgd AdamW", ADAMW, start, gradients),
        peers.ours("fastgd SGD", fastgd.SGD(lr=1e-3), start, gradients),
        *_torch(start, gradients, **{FUSED: {"fused": True}}),
    ]
    timing = interleave(running, effort)
    result = Result("state.step on one 16-element array")
    for contender in running[:2]:
        seconds = timing.median(contender.name)
        what = f"{result.title}, {contender.name.split()[1]}"
        result.figures.append(Figure(what, seconds * 1e6, duration(seconds), most=5.0, unit=" us"))
    timing_table(result, timing, running, 16)
    return result


# ---------------------------------------------------------------------------------------------------------- beside busy processes


def _mean_step(step: Callable[[], object], seconds: float) -> float:
    """Return the seconds per step over at least so many: a median of single steps would not see the time slices that are lost."""
    steps, begin = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < seconds:
        step()
        steps += 1
    return elapsed / steps


def busy(effort: Effort) -> Result:
    """The small workloads with one busy process per core beside them, in turns with the idle machine."""
    running: list[Contender] = []
    for label, shapes in ((f"{size_of(MLP):,} elements", MLP), ("1,000 arrays", MANY)):
        start, gradients = problem(shapes)
        running.append(peers.ours(f"{DEFAULT}, {label}", ADAMW, start, gradients))
        running += _torch(start, gradients, **{f"{FUSED}, {label}": {"fused": True}})
    start, gradients = problem(MLP)
    running.append(peers.numpy_adamw(f"{NUMPY}, {size_of(MLP):,} elements", start, gradients))
    rounds = min(effort.rounds, 7)
    samples = {(c.name, on): np.empty(rounds) for c in running for on in (False, True)}
    with busy_neighbours(usable_cores()) as switch, collector_off():
        for r in range(rounds):
            for on in (False, True):
                switch(on)
                for contender in running:
                    time.sleep(effort.settle)
                    samples[contender.name, on][r] = _mean_step(contender.prepare(0), effort.busy)
    result = Result(f"Beside {usable_cores()} busy processes")
    result.header = ["", "idle", "beside busy processes", "slower"]
    for contender in running:
        name = contender.name
        idle, slow = (float(np.median(samples[name, on])) for on in (False, True))
        result.rows.append([name, duration(idle), duration(slow), f"{slow / idle:.1f}x"])
        text = f"{slow / idle:.1f}x: {duration(slow)} against {duration(idle)}"
        most = 3.0 if name.startswith(DEFAULT) else None
        result.figures.append(Figure(f"{name}: time beside busy processes / idle", slow / idle, text, most=most))
    result.note = f"Means over {effort.busy:g} s each, medians of {rounds} rounds; idle and busy samples alternate."
    result.samples = {f"{name}, {'busy' if on else 'idle'}": row.tolist() for (name, on), row in samples.items()}
    return result


# -------------------------------------------------------------------------------------------------------------- every optimizer


def _every_row(optimizer: Optimizer, effort: Effort) -> tuple[list[str], Figure, Figure, dict]:
    """Measure one optimizer at the large size: its row, its two figures (one pass, default), its samples."""
    start, gradients = large(effort.elements)
    with one_memory(start):
        checked = peers.ours(DEFAULT, optimizer, start, gradients)
        single = peers.ours(ONE_PASS, optimizer.replace(on_nonfinite="zero"), start, gradients)
        bound = streams(start, gradients, writes=(single.arrays - 1) // 2)
        timing = interleave([checked, single, *bound], effort)
    first, second = (_rate_against_stream(timing, c, bound, repr(optimizer), 0.9) for c in (single, checked))
    small = arrays([(4096,)], 0), [arrays([(4096,)], 1), arrays([(4096,)], 2)]
    apart = peers.torch_twin_difference(optimizer, *small, steps=20)
    row = [
        repr(optimizer),
        str(single.arrays),
        duration(min(timing.median(c.name) for c in bound)),
        duration(timing.median(ONE_PASS)),
        f"{first.value:.2f}",
        duration(timing.median(DEFAULT)),
        f"{second.value:.2f}",
        "no twin" if apart is None else digit(apart),
    ]
    forms = (DEFAULT, optimizer), (ONE_PASS, optimizer.replace(on_nonfinite="zero"))
    same = compare([peers.ours(name, o, *small) for name, o in forms], small[0], replace(effort, rounds=1))
    if same.differences[ONE_PASS] != 0:
        raise AssertionError(f"{optimizer!r}: checking the gradients first must not change a bit")
    return row, first, second, {name: seconds.tolist() for name, seconds in timing.seconds.items()}


def every(effort: Effort) -> Result:
    """Every optimizer on one large array, against the kernel that streams as many arrays."""
    result = Result(f"Every optimizer, {effort.elements:,} elements")
    result.header = [
        "",
        "float32 arrays",
        "stream",
        "one pass",
        "bytes/s / stream",
        "default",
        "bytes/s / stream",
        "torch",
    ]
    effort = replace(effort, rounds=min(effort.rounds, 11), budget=effort.budget / 5)
    figures = []
    for optimizer in OPTIMIZERS:
        row, first, second, result.samples[repr(optimizer)] = _every_row(optimizer, effort)
        result.rows.append(row)
        figures.append((first, second))
    for k, form in enumerate(("one pass", "default (reads g twice)")):
        worst = min((pair[k] for pair in figures), key=lambda f: f.value)
        median = float(np.median([pair[k].value for pair in figures]))
        below = sum(pair[k].value < 0.9 for pair in figures)
        text = f"worst {worst.value:.2f}, {worst.what}; median {median:.2f}; {below} of {len(figures)} below 0.9"
        what = f"each optimizer, {effort.elements:,} elements, {form}: bytes/s / stream"
        result.figures.append(Figure(what, worst.value, text, least=0.9))
    result.note = (
        "Arrays read and written by one step of one pass; the default reads the gradient once more, and its rate counts that. "
        "Torch: the largest difference from torch's optimizer of the same name after 20 steps, relative to the farthest move."
    )
    return result


# -------------------------------------------------------------------------------------------------------------------- start-up

START_UP = """
import time, numpy
begin = time.perf_counter(); import fastgd; imported = time.perf_counter()
params, grads = numpy.ones(1000, numpy.float32), numpy.ones(1000, numpy.float32)
ready = time.perf_counter(); fastgd.AdamW().init(params).step(grads); stepped = time.perf_counter()
print(imported - begin, stepped - ready)
"""


def start_up(effort: Effort) -> Result:
    """What a fresh interpreter waits for: the import, and the first step with all that it imports."""
    root = Path(fastgd.__file__).parent.parent
    command = [sys.executable, "-c", START_UP]
    run = partial(subprocess.run, command, cwd=root, check=True, capture_output=True, text=True)
    run()  # the first may have to read the disk
    seconds = np.array([run().stdout.split() for _ in range(effort.processes)], float)
    imported, stepped = np.median(seconds, axis=0)
    result = Result("Start-up")
    result.figures = [
        Figure("import fastgd on top of import numpy", imported * 1e3, duration(imported), most=60.0, unit=" ms"),
        Figure("the first step after it (all imports, no compilation)", stepped * 1e3, duration(stepped)),
    ]
    result.note = f"Medians of {effort.processes} fresh interpreters."
    result.samples = {"import": seconds[:, 0].tolist(), "first step": seconds[:, 1].tolist()}
    return result


BENCHMARKS = {
    "adamw": adamw,
    "mlp": mlp,
    "many": many,
    "clip": clip,
    "busy": busy,
    "optimizers": every,
    "step": tiny,
    "start-up": start_up,
}
"""By the names that `--only` looks through."""
