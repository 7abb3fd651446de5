"""Composition, units, text, JSON and noise: properties over generated schedules."""

import copy
import dataclasses
import json
import math
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastgd.schedules as S
from fastgd._validation import ArgumentTypeError, ArgumentValueError

RATES = st.sampled_from([0.0, 1.0, 0.1, 1e-3, 1e-300, 3.7]) | st.floats(0, 10)
STEPS = st.integers(1, 40)
DURATIONS = (
    STEPS | STEPS.map(lambda n: f"{n} epochs") | st.sampled_from(["5%", "33.3%", "100%", "0.5 epochs", "7 steps"])
)
SHARES = st.floats(0, 1)
RUN = dict(steps_per_epoch=7, total_steps=200)

LEAVES = st.one_of(
    st.builds(S.constant, RATES),
    st.builds(S.linear, RATES, DURATIONS, RATES),
    st.builds(S.linear, DURATIONS),
    st.builds(S.exponential, RATES, SHARES, DURATIONS, st.booleans()),
    st.builds(S.compounding_staircase, RATES, SHARES, DURATIONS),
    st.builds(S.geometric, RATES, SHARES, DURATIONS),
    st.builds(S.inverse_time, RATES, DURATIONS | st.floats(0.01, 100)),
    st.builds(S.power, RATES, DURATIONS, SHARES),
    st.builds(S.saturating, RATES, RATES, RATES),
    st.builds(S.polynomial, RATES, DURATIONS, st.floats(0.1, 3), RATES),
    st.builds(S.step, RATES, DURATIONS, SHARES, st.just(0) | DURATIONS),
    st.builds(S.compounding_polynomial, RATES, DURATIONS, st.floats(0.1, 3), DURATIONS),
    st.builds(S.random_walk, RATES, st.sampled_from([0.1, (-0.5, 0.5), ("normal", -0.01, 0.3)]), st.integers(0, 9)),
    st.builds(S.random, st.floats(1e-9, 1), st.floats(1, 1e9), st.integers(0, 2**64 - 1), DURATIONS),
    st.builds(S.plateau, RATES, st.floats(0, 0.9), st.integers(0, 3)),
    st.builds(S.performance, RATES),
    st.builds(S.bandit, RATES),
    st.builds(S.warmup, DURATIONS, st.floats(0.01, 1), st.sampled_from(["linear", "exponential"])),
    st.builds(S.cosine, RATES, DURATIONS, RATES),
    st.builds(S.piecewise, st.just([5, 6, "50%"]), st.lists(RATES, min_size=4, max_size=4)),
)


def compounds(children):
    return st.one_of(
        st.builds(lambda a, n, b: a.lasting(n) >> b, children, DURATIONS, children),
        st.builds(lambda n, b: S.warmup(n) >> b, DURATIONS, children),
        st.builds(lambda a, b: a * b, children, children),
        st.builds(lambda x, b: x * b, RATES, children),
        st.builds(lambda a, b: a + b, children, children),
        st.builds(lambda a, x: a + x, children, RATES),
        st.builds(lambda a, low: a.clip(low, low + 1.0), children, RATES),
        st.builds(lambda a, high: a.clip(high=high), children, RATES),
        st.builds(lambda a, n: a.shift(n), children, st.integers(-30, 30) | DURATIONS),
        st.builds(S.maximum, children, children),
        st.builds(S.minimum, children, children, children),
    )


SCHEDULES = st.recursive(LEAVES, compounds, max_leaves=6)


@given(SCHEDULES)
def test_round_trips(schedule):
    for same in (
        S.parse(str(schedule)),
        S.parse(repr(schedule)),
        eval(repr(schedule), vars(S).copy()),
        S.from_dict(json.loads(json.dumps(schedule.to_dict(), allow_nan=False))),
        pickle.loads(pickle.dumps(schedule)),
        copy.deepcopy(schedule),
    ):
        assert same == schedule and hash(same) == hash(schedule) and str(same) == str(schedule)


@given(SCHEDULES, st.integers(0, 150))
@settings(deadline=None)
def test_values_are_the_calls_bit_for_bit(schedule, n):
    run = schedule.resolve(**RUN)
    values = run.values(n)
    assert values.dtype == np.float64 and values.shape == (n,)
    backwards = [run(t) for t in range(n - 1, -1, -1)][::-1]
    assert values.tolist() == backwards == [run.at(t, run.start()) for t in range(n)]
    assert all(type(value) is float for value in backwards)


@given(SCHEDULES)
def test_resolving(schedule):
    run = schedule.resolve(**RUN)
    assert run.is_resolved and run.resolve() is run
    if schedule.is_resolved:
        assert run is schedule
    else:
        with pytest.raises(ArgumentValueError, match=r"total_steps|steps_per_epoch"):
            schedule.resolve()
        for evaluate in (lambda: schedule(0), lambda: schedule.values(3), lambda: schedule.duration):
            with pytest.raises(ArgumentValueError, match="resolve"):
                evaluate()


@given(SCHEDULES, st.lists(st.floats(0, 2), max_size=20))
@settings(deadline=None)
def test_memory_is_json(schedule, losses):
    run = schedule.resolve(**RUN)
    memory = run.start()
    assert (memory is None) is not run.is_stateful
    for t, loss in enumerate(losses):
        memory = json.loads(json.dumps(run.observe(memory, loss, t), allow_nan=False))
        assert math.isfinite(run.at(t + 1, memory))


@given(st.lists(st.integers(1, 10**4), min_size=2, max_size=12), st.integers(1, 2**53))
def test_percentages_tile_the_run(shares, total):
    # hundredths of a per cent that add up to exactly 100 %
    cuts = sorted({x % 10_000 for x in shares} - {0})
    widths = np.diff([0, *cuts, 10_000]).tolist()
    texts = [f"{w // 100}.{w % 100:02d}%" for w in widths]
    sequence = S.parse(" >> ".join(f"linear({text})" for text in texts)).resolve(total_steps=total)
    last_vanishes = round_half_up(cuts[-1] * total, 10_000) == total if cuts else False
    assert sequence.duration == total + last_vanishes
    boundaries = {round_half_up(cut * total, 10_000) for cut in cuts} - {0, total if not last_vanishes else 0}
    assert set(getattr(sequence, "_starts", [0])[1:]) == boundaries


def round_half_up(numerator, denominator):
    return (2 * numerator + denominator) // (2 * denominator)


def test_the_readme_schedule():
    schedule = S.warmup(500) >> S.cosine(1e-3, 10_000)
    assert str(schedule) == "warmup(500) >> cosine(0.001, 10000)"
    assert [schedule(t) for t in (0, 250, 500, 10_500, 2**53)] == [0.0, 5e-4, 1e-3, 0.0, 0.0]
    assert schedule(499) < schedule(500) > schedule(501)
    assert all(schedule(500 + t) == S.cosine(1e-3, 10_000)(t) for t in range(0, 10_001, 97))


def test_text_with_per_cent():
    schedule = S.parse("warmup(5%) >> cosine(95%)")
    assert str(schedule) == "warmup(5%) >> cosine(95%)"
    assert schedule == S.warmup("5%") >> S.cosine("95%")
    scaled = (1e-3 * schedule).resolve(total_steps=1000)
    assert str(scaled) == "0.001 * (warmup(50) >> cosine(950))"
    assert scaled(50) == 1e-3 and scaled(25) == 5e-4 and scaled.duration == 1000


@pytest.mark.parametrize("boundary", [1, 7, 2**31, 2**53 - 8])
def test_parts_count_from_their_own_zero(boundary):
    schedule = S.constant(2.0).lasting(boundary) >> S.linear(1.0, 4) >> S.constant(3.0)
    got = [schedule(boundary + k) for k in range(-1, 6)]
    assert got == [2.0, 1.0, 0.75, 0.5, 0.25, 3.0, 3.0]


def test_warmups_in_a_row_and_before_a_shift():
    schedule = S.warmup(4) >> S.warmup(4, start_factor=0.5) >> S.constant(8.0)
    assert schedule.values(9).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    assert (0.5 * schedule)(4) == 2.0
    assert (S.constant(1.0).lasting(2) >> S.warmup(2) >> S.constant(4.0)).values(5).tolist() == [
        1.0,
        1.0,
        0.0,
        2.0,
        4.0,
    ]


def test_mixture_shift_clip_extremes():
    a, b = S.linear(1e-3, 100), S.cosine(1e-3, 100)
    mixture = 0.5 * a + 0.5 * b
    assert all(mixture(t) == 0.5 * a(t) + 0.5 * b(t) for t in range(110))
    assert str(mixture) == "0.5 * linear(0.001, 100) + 0.5 * cosine(0.001, 100)"
    assert [a.shift(10)(t) for t in (0, 10, 11)] == [a(0), a(0), a(1)] and a.shift(-10)(0) == a(10)
    assert a.shift(10).duration == 110 and a.shift(-200).duration == 0
    assert S.maximum(a, b)(25) == max(a(25), b(25)) and S.minimum(a, b)(25) == min(a(25), b(25))
    assert np.float64(0.5) * a == 0.5 * a == a.__rmul__(np.array(0.5))
    assert str(S.constant(2) * S.constant(3)) == "constant(2.0) * 3.0"


def test_mixed_units_and_short_runs():
    schedule = S.warmup(500) >> S.cosine("95%")
    assert str(schedule.resolve(total_steps=10_000)) == "warmup(500) >> cosine(9500)"
    assert str(S.parse("warmup(5%) >> cosine(95%)").resolve(total_steps=5)) == "cosine(5)"
    assert str(S.parse("cosine(10%)").resolve(total_steps=1)) == "cosine(1)"
    assert str(S.linear(1, "2.5 epochs").resolve(steps_per_epoch=3)) == "linear(8)"
    assert str(S.piecewise(["50%", "75%"], [3, 2, 1]).resolve(total_steps=9)) == "piecewise([5, 7], [3.0, 2.0, 1.0])"
    for bad in (0, -1, 1.5, True, "10"):
        with pytest.raises((ArgumentValueError, ArgumentTypeError)):
            schedule.resolve(total_steps=bad)


TEXT_ERRORS = {
    "": 1,
    "cosin(5)": 1,
    "cosine(5) >>": 13,
    "cosine(5": 9,
    "cosine(5))": 10,
    "cosine(5) cosine(5)": 11,
    "cosine": 7,
    "1 % >> 3": 1,
    "linear(1, $)": 11,
    "cosine(1, T=5, T=6)": 16,
    "cosine(T=5, 6)": 13,
    "cosine(1, 2, 3, 4)": 7,
    "'a'": 1,
    "cosine(5).plot()": 11,
    "(" * 100: 65,
}


@pytest.mark.parametrize("text, column", TEXT_ERRORS.items())
def test_text_errors_say_where(text, column):
    with pytest.raises(ArgumentValueError, match=rf"column {column}\b") as caught:
        S.parse(text)
    assert len(str(caught.value)) <= 300


@given(st.text(max_size=30) | st.text("cosine(5).*+>% 1e-,lr[]='warmup", max_size=30))
def test_any_text_parses_or_is_refused(text):
    try:
        assert isinstance(S.parse(text), S.Schedule)
    except (ArgumentValueError, ArgumentTypeError) as error:
        assert len(str(error)) <= 300


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["cosine", "product", "10 epochs"]),
    lambda x: (
        st.lists(x, max_size=3)
        | st.dictionaries(st.sampled_from(["schedule", "a0", "T", "parts", "of", "x"]), x, max_size=4)
    ),
    max_leaves=8,
)


@given(JSON)
def test_any_json_is_a_schedule_or_refused(description):
    try:
        assert isinstance(S.from_dict(description), S.Schedule)
    except (ArgumentValueError, ArgumentTypeError) as error:
        assert len(str(error)) <= 300


def test_nesting_is_limited():
    schedule = description = None
    with pytest.raises(ArgumentValueError, match="64"):
        schedule = S.constant(1.0)
        for _ in range(100):
            schedule = schedule.clip(0, 1)
    description = {"schedule": "constant", "a0": 1.0}
    for _ in range(10_000):
        description = {"schedule": "clip", "of": description}
    with pytest.raises(ArgumentValueError, match="64"):
        S.from_dict(description)
    chain = S.constant(1.0)
    for _ in range(200):
        chain = chain * 1.0
    assert chain(3) == 1.0


def test_no_field_hides_a_method():
    from fastgd.schedules._algebra import CLASSES

    for cls in CLASSES.values():
        for each in dataclasses.fields(cls):
            assert not hasattr(S.Schedule, each.name), (cls, each.name)


def test_frozen_and_hashable():
    schedule = S.cosine(1e-3, 10)
    with pytest.raises(AttributeError):
        schedule.a0 = 2.0
    assert {schedule: 1}[S.cosine(1e-3, 10)] == 1
    assert schedule != S.linear(1e-3, 10)


def test_every_factory_parses_and_is_documented():
    from fastgd.schedules._algebra import FACTORIES

    assert set(FACTORIES) <= set(S.__all__)
    for name in S.__all__:
        doc = getattr(S, name).__doc__
        assert "Examples\n" in doc and ">>>" in doc, name
        if name in FACTORIES:
            assert "Parameters\n" in doc and ("References\n" in doc or name in ("constant", "maximum", "minimum")), name


# Noise


def test_random_is_log_uniform_and_holds_for_a_period():
    schedule = S.random(1e-4, 1e-2, seed=3, every=5)
    values = schedule.values(50_000)
    assert (values.reshape(-1, 5) == values[::5, None]).all()
    u = np.sort((np.log10(values[::5]) + 4) / 2)
    assert np.abs(u - np.linspace(0, 1, len(u))).max() < 1.95 / math.sqrt(len(u))  # Kolmogorov-Smirnov, 0.1 %
    assert values.min() >= 1e-4 and values.max() <= 1e-2
    assert schedule(2**53) == S.random(1e-4, 1e-2, seed=3, every=5)(2**53)
    assert abs(np.corrcoef(u[:-1], S.random(1e-4, 1e-2, 4).values(9_999))[0, 1]) < 0.05
    assert S.random(5e-324, sys.float_info.max, 0).values(1000).max() <= sys.float_info.max


@pytest.mark.parametrize(
    "delta, mean, deviation", [((-0.01, 0.02), 0.005, 0.03 / 12**0.5), (("normal", 0.0, 0.01), 0.0, 0.01)]
)
def test_walk_is_the_clipped_recursion(delta, mean, deviation):
    free = S.random_walk(1000.0, delta, seed=5)
    increments = np.diff(free.values(20_001))
    assert abs(increments.mean() - mean) < 4 * deviation / math.sqrt(20_000)
    assert abs(increments.std() / deviation - 1) < 0.03
    clipped = S.random_walk(0.1, delta, seed=5, low=0.05, high=0.2)
    exact = [x for block in range(5) for x in clipped._increments(block)]
    value = 0.1
    for t in range(20_000):
        assert clipped(t) == value
        value = min(max(value + exact[t], 0.05), 0.2)


def test_walk_does_not_depend_on_the_order_of_evaluation():
    forward = S.random_walk(0.5, (-0.1, 0.1), 1, high=1.0).values(30_000).tolist()
    other = S.random_walk(0.5, (-0.1, 0.1), 1, high=1.0)
    for t in (29_999, 3, 12_288, 12_287, 0, 8191, 8192, 20_000, 4096, 4095):
        assert other(t) == forward[t], t
    assert pickle.loads(pickle.dumps(other)).values(30_000).tolist() == forward
    assert other != S.random_walk(0.5, (-0.1, 0.1), 2, high=1.0)
    with pytest.raises(ArgumentValueError, match=r"2\*\*31"):
        other(2**53)


def test_the_draws_never_change():
    from fastgd.schedules.noise import uniforms

    assert uniforms(0, 0)[:2] == reference_uniforms(0, [0, 1])
    assert uniforms(2**64 - 1, 7, 1)[5:7] == reference_uniforms(2**64 - 1, [7 * 4096 + 5, 7 * 4096 + 6], 1)


def reference_uniforms(seed, counters, stream=0):
    mask, golden = 2**64 - 1, 0x9E3779B97F4A7C15

    def mixed(z):
        z = (z + golden) & mask
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
        return z ^ (z >> 31)

    key = mixed((seed + stream * golden) & mask)
    return tuple((mixed((c * golden + key) & mask) >> 11) * 2.0**-53 for c in counters)


# Plot


def test_plot_draws_the_values():
    import matplotlib

    matplotlib.use("agg")
    ax = S.cosine(1e-3, 100).plot()
    assert ax.lines[0].get_ydata().tolist() == S.cosine(1e-3, 100).values(101).tolist()
    assert S.constant(0.1).plot(ax, n=5) is ax and len(ax.lines[1].get_ydata()) == 5
    matplotlib.pyplot.close(ax.figure)


def test_plot_without_matplotlib_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install fastgd\[plot\]"):
        S.cosine(1e-3, 100).plot()
