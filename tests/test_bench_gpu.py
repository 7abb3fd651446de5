"""The benchmarks of steps on a GPU and of states in fewer bits: what they are about, and how they judge."""

import numpy as np
import pytest

from bench import gpu_contenders, gpu_targets, states_quality
from bench.gpu_contenders import CODED, COPY, FUSED, GRAPH, REPLAY, STEP
from bench.gpu_devices import Sample
from bench.states_quality import Run


def test_the_workloads_are_those_of_the_networks_they_are_named_after():
    cases = gpu_contenders.cases(simulated=False)
    found = {case.name: (len(case.sizes), sum(case.sizes)) for case in cases}
    assert found["GPT-2, 124 M"] == (148, 124_439_808)
    assert found["ResNet-50, 26 M"] == (161, 25_557_032)
    assert found["LLaMA shapes, 1.2 B"] == (146, 1_235_814_400)
    assert found["MLP, 0.1 M (in L2)"] == (4, 101_770)
    titles = [case.title for case in cases]
    assert len(set(titles)) == len(titles)
    wanted = (
        gpu_targets.ONE,
        gpu_targets.CLIPPED,
        gpu_targets.GPT2,
        gpu_targets.ZEROS,
        gpu_targets.SMALL,
        gpu_targets.MLP,
    )
    assert set(wanted) <= set(titles)


def verdicts(microseconds):
    """Return the last column where every contender of every case takes as long as is said."""
    samples = {name: [Sample(t * 1e-6, t * 1e-6, t * 1e-6)] for name, t in microseconds.items()}
    lines = gpu_targets.targets({case.title: samples for case in gpu_contenders.cases(False)}).splitlines()[2:]
    return [line.split("|")[-2].strip() for line in lines if line.split("|")[2].strip()]


def test_targets_are_met_or_missed():
    fast = {COPY: 96, FUSED: 5000, REPLAY: 100, STEP: 100, GRAPH: 10, CODED["int8"]: 62, CODED["bfloat16"]: 71}
    assert verdicts(fast) == ["met"] * 8
    slow = fast | {COPY: 94, FUSED: 99, GRAPH: 11, CODED["int8"]: 63}
    assert verdicts(slow) == ["MISSED"] * 8
    assert verdicts({}) == ["not measured"] * 8


def runs(*levels):
    """Return trainings whose loss stays where it begins."""
    return [Run(np.full(20, level), level, 1.0) for level in levels]


@pytest.mark.parametrize(
    "levels, word", [((1.0, 1.1, 1.2), "yes"), ((1.4, 1.5, 1.1), "NO: 12 above, 0 below"), ((0.5, 0.5, 1.1), "NO: 0 above, 12 below")]
)  # fmt: skip
def test_what_is_within_the_seed_spread(levels, word):
    """Ten points of the curve and two final losses."""
    text = states_quality.report({None: runs(0.9, 1.1, 1.3), "int8": runs(*levels)})
    assert text.splitlines()[3].split("|")[-2].strip() == word


@pytest.mark.parametrize("name", states_quality.TASKS)
def test_networks_learn_from_steps_on_their_own_memory(name):
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    try:
        found = states_quality.train(name, 30, "int8", 0)
        again = states_quality.train(name, 30, "int8", 0)
    finally:
        torch.set_num_threads(threads)
    assert found.coded > 0.95
    assert found.losses[-5:].mean() < 0.9 * found.losses[:5].mean()
    assert found.losses.tobytes() == again.losses.tobytes()
