"""plateau and performance: the schedules with memory."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgd._validation import ArgumentTypeError, ArgumentValueError
from fastgd.schedules import constant, cosine, parse, performance, plateau, warmup

LOSSES = st.lists(
    st.sampled_from([0.1, 0.5, 0.9, 0.91, 1.0, 1.0001, 2.0, math.inf, -1.0]) | st.floats(-3, 3), max_size=60
)


def driven(schedule, losses):
    memory, rates = schedule.start(), []
    for t, loss in enumerate(losses):
        memory = schedule.observe(memory, loss, t)
        memory = json.loads(json.dumps(memory, allow_nan=False))
        rates.append(schedule.at(t + 1, memory))
    return rates


@settings(deadline=None)  # the first example imports torch
@given(
    LOSSES,
    st.sampled_from([0.0, 0.3, 0.5]),
    st.integers(0, 3),
    st.sampled_from([0.0, 1e-4, 0.2]),
    st.sampled_from(["rel", "abs"]),
    st.integers(0, 3),
    st.sampled_from([0.0, 0.02]),
    st.sampled_from(["min", "max"]),
)
def test_plateau_is_torchs(losses, factor, patience, threshold, threshold_mode, cooldown, min_lr, mode):
    torch = pytest.importorskip("torch")
    if mode == "max":
        losses = [x for x in losses if math.isfinite(x)]  # torch takes +inf for the best metric, for ever
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    options = dict(
        factor=factor,
        patience=patience,
        threshold=threshold,
        threshold_mode=threshold_mode,
        cooldown=cooldown,
        min_lr=min_lr,
        mode=mode,
    )
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    expected = []
    for loss in losses:
        scheduler.step(loss)
        expected.append(optimizer.param_groups[0]["lr"])
    assert driven(plateau(0.1, **options), losses) == expected


def test_plateau_by_hand():
    schedule = plateau(1.0, factor=0.5, patience=2, threshold=0.0)
    assert driven(schedule, [3, 2, 2, 2, 2, 1, 1, 1, 1]) == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25]


def test_performance_by_hand():
    schedule = performance(1.0, grow=2.0, shrink=0.25, low=0.1, high=3.0)
    assert driven(schedule, [5, 4, 4, 3, 3.5, 3, math.inf, 3, 9, 10]) == [
        1,
        2,
        3,
        3,
        0.75,
        1.5,
        0.375,
        0.75,
        0.1875,
        0.1,
    ]


def test_performance_tolerates_noise_and_stays_finite():
    assert driven(performance(1.0, tolerance=0.1, grow=2.0), [1.0, 1.1, 1.3]) == [1, 2, 1]
    assert math.isfinite(driven(performance(1e308, grow=1e300), [1.0, 0.9, 0.8])[-1])


@pytest.mark.parametrize("make", [plateau, performance])
def test_nan_is_refused_and_nothing_changes(make):
    schedule = cosine(1e-3, 100) * make()
    memory = schedule.observe(schedule.start(), 1.0, 0)
    before = json.dumps(memory)
    for bad, error in (
        (math.nan, ArgumentValueError),
        (True, ArgumentTypeError),
        ("1", ArgumentTypeError),
        (None, ArgumentTypeError),
    ):
        with pytest.raises(error, match="'loss'"):
            schedule.observe(memory, bad, 1)
    assert json.dumps(memory) == before


def test_memory_is_not_changed_in_place():
    schedule = warmup(2) >> plateau(0.1, patience=0) * constant(0.5)
    memories = [schedule.start()]
    texts = [json.dumps(memories[0])]
    for t in range(6):
        memories.append(schedule.observe(memories[-1], 1.0, t))
        texts.append(json.dumps(memories[-1]))
    assert [json.dumps(m) for m in memories] == texts


def test_product_with_plateau():
    schedule = cosine(1e-3, 100) * plateau(factor=0.5, patience=0)
    assert schedule.is_stateful and schedule.duration == 100
    assert schedule(50) == schedule.at(50, schedule.start()) == cosine(1e-3, 100)(50)
    memory = schedule.start()
    for t in range(3):
        memory = schedule.observe(memory, 1.0, t)
    assert schedule.at(50, memory) == cosine(1e-3, 100)(50) * 0.25


def test_only_the_part_in_force_observes():
    schedule = warmup(5) >> plateau(0.1, factor=0.5, patience=0)
    memory = schedule.start()
    for t in range(5):
        memory = schedule.observe(memory, 1.0, t)
    assert memory == schedule.start() and schedule.at(5, memory) == 0.1
    memory = schedule.observe(schedule.observe(memory, 1.0, 5), 1.0, 6)
    assert schedule.at(7, memory) == 0.05
    assert schedule.at(1, memory) == schedule(1)


def test_pure_schedules_have_no_memory():
    schedule = warmup(5) >> cosine(0.1, 10)
    assert not schedule.is_stateful and schedule.start() is None and schedule.observe(None, 1.0, 3) is None


def test_wrapped_and_nested():
    schedule = parse("maximum((plateau(0.1, 0.5, 0) + 0.1).clip(0.12, None).shift(2), 1e-3)")
    assert driven(schedule, [1.0] * 5) == [0.2, 0.15000000000000002, 0.125, 0.12, 0.12]
