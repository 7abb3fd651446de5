"""Schedules inside steps: values computed ahead are those of the schedule, bit for bit, and errors come at their own step."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgd
from fastgd import schedules as s
from fastgd._groups import Group
from fastgd._validation import ArgumentValueError
from fastgd.optimizers._base import Interval
from fastgd.plot._gallery import GALLERY

LAST = 2**53
SINGLE = [schedule for schedule, _ in GALLERY.values()]
COMPOSED = [(s.warmup(10) >> s.cosine(1.0, 300)) * each for each in SINGLE] + [
    s.cosine_restarts(1.0, 7, T_mult=3, decay=0.5).clip(0.01, 0.9),
    s.linear(1.0, 40).shift(30) + s.tanh(0.1, 500).shift(-20),
    s.maximum(s.rex(1.0, 90), s.constant(0.2).lasting(33) >> s.exponential(0.5, 0.9, 10, staircase=True)),
    s.random_walk(0.5, ("normal", 0.0, 0.01), seed=3, high=1.0),
]


def value(group, t, memory):
    group.advance(t, memory)
    return group.current.lr


def same(group, schedule, t, memory):
    assert value(group, t, [memory]).hex() == schedule.at(t, memory).hex(), t


@pytest.mark.parametrize("schedule", SINGLE + COMPOSED, ids=str)
def test_a_training_has_the_values_of_the_schedule(schedule):
    group, memory = Group(fastgd.SGD(lr=schedule)), schedule.start()
    for t in [*range(700), *range(650, 660), 5000, 5001, 5002, *range(3)]:
        same(group, schedule, t, memory)


@pytest.mark.parametrize("schedule", [x for x in SINGLE + COMPOSED if "random_walk" not in str(x)], ids=str)
@pytest.mark.parametrize("first", [2**31 - 50, LAST - 300])
def test_far_ahead(schedule, first):
    group, memory = Group(fastgd.SGD(lr=schedule)), schedule.start()
    for t in range(first, min(first + 90, LAST + 1)):
        same(group, schedule, t, memory)


def test_the_last_step_of_all():
    group = Group(fastgd.SGD(lr=s.linear(1.0, LAST)))
    for t in range(LAST - 5, LAST + 1):
        same(group, group.optimizer.lr, t, None)
    with pytest.raises(ArgumentValueError, match="at most 2"):
        value(group, LAST + 1, [None])


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 300)), max_size=5), st.sampled_from(SINGLE + COMPOSED))
@settings(deadline=None, max_examples=60)
def test_any_order_of_steps(runs, schedule):
    group, memory = Group(fastgd.SGD(lr=schedule)), schedule.start()
    for first, n in runs:
        for t in range(first, first + n):
            same(group, schedule, t, memory)


@given(st.lists(st.integers(1, 70), min_size=1, max_size=6), st.randoms())
@settings(deadline=None, max_examples=40)
def test_an_observation_holds_from_the_next_step_on(stretches, random):
    schedule = s.warmup(20) * s.plateau(1.0, factor=0.5, patience=0) * s.performance(1.0)
    group, memory, t = Group(fastgd.SGD(lr=schedule)), schedule.start(), 0
    for n in stretches:
        for _ in range(n):
            same(group, schedule, t, memory)
            t += 1
        memory = schedule.observe(memory, random.random(), t)


def test_errors_come_at_their_own_step_and_no_sooner():
    growing = s.constant(1.0).lasting(290) >> s.exponential(1.0, 1e10, 1)  # beyond float64 from step 321 on
    group = Group(fastgd.SGD(lr=growing))
    for t in range(321):
        same(group, growing, t, None)
    for t in (321, 322, 321):
        with pytest.raises(ArgumentValueError, match=f"must be finite; got inf at step t = {t}"):
            value(group, t, [None])
    same(group, growing, 320, None)


def test_a_walk_ends_at_its_own_step():
    walk = s.maximum(s.random_walk(0.5, (-0.1, 0.1), high=1.0), 0.0)
    walk.parts[0]._starts[2**31 // 4096 - 1] = 0.5  # as if walked
    group = Group(fastgd.SGD(lr=walk))
    for t in range(2**31 - 20, 2**31):
        same(group, walk, t, None)
    same(group, walk, 2**31, None)
    with pytest.raises(ArgumentValueError, match=r"at most 2\*\*31"):
        value(group, 2**31 + 1, [None])


def test_values_out_of_range_name_option_and_step():
    group = Group(fastgd.Adam(betas=(0.9, s.linear(0.5, 50, end=1.0))))
    for t in range(50):
        group.advance(t, [None])
        assert group.current.betas == (0.9, group.optimizer.betas[1](t))
    with pytest.raises(ArgumentValueError, match=r"betas.*its schedule, at step 50"):
        group.advance(50, [None])


def test_several_schedules_and_a_slower_rate():
    optimizer = fastgd.AdamW(lr=s.cosine(0.1, 30), betas=(s.linear(0.5, 9, end=0.9), 0.99), weight_decay=s.step(0.1, 5))
    group = Group(optimizer)
    group.slow(0.5)
    for t in range(40):
        group.advance(t, group.start())
        now = group.current
        assert now.lr == 0.5 * optimizer.lr(t) and now.weight_decay == optimizer.weight_decay(t)
        assert now.betas == (optimizer.betas[0](t), 0.99)
    assert optimizer.lr == s.cosine(0.1, 30)


@pytest.mark.parametrize("closed", ["both", "left", "right", "neither"])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, math.inf), (-math.inf, math.inf), (-0.5, 2)])
def test_ends_are_what_is_accepted(low, high, closed):
    interval = Interval(low, high, closed)
    least, most = interval.ends
    for x in (least, most):
        assert interval.number(x, "owner", "name") == x
    for x in (math.nextafter(least, -math.inf), math.nextafter(most, math.inf)):
        with pytest.raises(ArgumentValueError):
            interval.number(x, "owner", "name")
