"""Every schedule against a literal definition of its formula, at every boundary, and against torch where it has the same."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgd.schedules as S
from fastgd._validation import ArgumentTypeError, ArgumentValueError

FAR = (2**31 - 1, 2**31, 2**53 - 1, 2**53)
N = 120


def close(x, y, rel=1e-13, absolute=0.0):
    return math.isclose(x, y, rel_tol=rel, abs_tol=absolute)


def recursion(a0, factor, n):
    """The literal recursion a_t = a_{t-1} * factor(t), in exact arithmetic."""
    values = [Fraction(a0)]
    for t in range(1, n):
        values.append(values[-1] * factor(t))
    return [float(v) for v in values]


FORMULAS = {
    "constant": (S.constant(0.3), lambda t: 0.3),
    "linear": (S.linear(0.3, 50), lambda t: 0.3 * (1 - min(t, 50) / 50)),
    "linear up": (S.linear(0.1, 49, end=0.3), lambda t: 0.1 + 0.2 * min(t, 49) / 49),
    "exponential": (S.exponential(0.3, 0.5, 7), lambda t: 0.3 * 0.5 ** (t / 7)),
    "exponential 2.5": (S.exponential(0.3, 0.75, 2.5), lambda t: 0.3 * 0.75 ** (t / 2.5)),
    "staircase": (S.exponential(0.3, 0.5, 7, staircase=True), lambda t: 0.3 * 0.5 ** (t // 7)),
    "staircase 2.5": (S.exponential(0.3, 0.5, 2.5, staircase=True), lambda t: 0.3 * 0.5 ** math.floor(t / 2.5)),
    "inverse_time": (S.inverse_time(0.3, 2.5), lambda t: 0.3 / (1 + t / 2.5)),
    "invscaling": (S.power(0.3, 1, 0.25), lambda t: 0.3 / pow(t + 1, 0.25)),
    "power": (S.power(0.3, 10, 2.0), lambda t: 0.3 / (1 + t / 10) ** 2),
    "saturating": (S.saturating(0.3, 4.0, 0.5), lambda t: 0.3 / (1 + 4.0 / (1 + 0.5 * t))),
    "polynomial": (S.polynomial(0.3, 50, 3, end=0.1), lambda t: 0.2 * (1 - min(t, 50) / 50) ** 3 + 0.1),
    "cosine": (S.cosine(0.3, 50, end=0.1), lambda t: 0.1 + 0.2 * (1 + math.cos(math.pi * min(t, 50) / 50)) / 2),
    "step": (S.step(0.3, 10, rate=0.5, start=25), lambda t: 0.3 if t < 25 else 0.3 * 0.5 ** (t // 10)),
    "warmup": (S.warmup(10, start_factor=0.25), lambda t: 0.25 + 0.75 * min(t, 10) / 10),
    "exponential warmup": (S.warmup(10, 0.01, "exponential"), lambda t: 0.01 ** (1 - min(t, 10) / 10)),
    "piecewise": (S.piecewise([10, 30], [3.0, 2.0, 1.0]), lambda t: 3.0 if t < 10 else 2.0 if t < 30 else 1.0),
    "steady walk": (S.random_walk(0.1, 0.01, high=0.5), lambda t: min(0.1 + 0.01 * t, 0.5)),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name):
    schedule, formula = FORMULAS[name]
    for t in (*range(N), 10**6, *FAR):
        assert close(schedule(t), formula(t), absolute=1e-16), t


@pytest.mark.parametrize(
    "schedule, factor",
    [
        (S.compounding_staircase(0.5, 0.75, 7), lambda t: Fraction(3, 4) ** (t // 7)),
        (S.compounding_staircase(0.5, 1.25, 40), lambda t: Fraction(5, 4) ** (t // 40)),
        (S.compounding_staircase(0.5, 0.5, 1), lambda t: Fraction(1, 2) ** t),
        (S.geometric(0.5, 0.25, 7), lambda t: 1 - Fraction(1, 28)),
        (S.geometric(0.5, 0.1, 2.5), lambda t: 1 - Fraction(0.1) / Fraction(5, 2)),
        (S.geometric(0.5, 3.0, 3), lambda t: Fraction(0)),
        (
            S.compounding_polynomial(0.5, 100, 2.0, every=7),
            lambda t: max(0, 1 - Fraction(t, 100)) ** 2 if t % 7 == 0 else 1,
        ),
        (S.compounding_polynomial(0.5, 50, 1.0), lambda t: max(0, 1 - Fraction(t, 50))),
        (
            S.compounding_polynomial(0.5, 20, 3.0, every=30),
            lambda t: max(0, 1 - Fraction(t, 20)) ** 3 if t % 30 == 0 else 1,
        ),
    ],
)
def test_closed_form_is_the_literal_recursion(schedule, factor):
    for t, value in enumerate(recursion(0.5, factor, N)):
        assert close(schedule(t), value, 1e-12, 1e-300), t


def test_geometric_does_not_drift_at_2_to_53():
    with localcontext(prec=60):
        for eta, T in ((0.1, 3e16 / 4), (1.0, 10.0**15), (0.3, 2.0**52 + 1)):
            exact = (1 - Decimal(eta) / Decimal(T)) ** (2**53)
            assert close(S.geometric(0.5, eta, T)(2**53), 0.5 * float(exact), 1e-14)


@pytest.mark.parametrize("T, every, beta", [(10**4, 1, 0.5), (10**6, 7, 1e-3), (999, 10, 0.25), (2**20, 1, 1e-5)])
def test_long_compounding_polynomial_is_the_sum_of_logarithms(T, every, beta):
    schedule = S.compounding_polynomial(1.0, T, beta, every)
    logs = np.log1p(-np.arange(1, -(-T // every)) * (every / T))
    exact = np.exp(beta * np.cumsum(logs, dtype=np.longdouble))
    for m in {
        1,
        2,
        31,
        32,
        33,
        34,
        64,
        100,
        len(logs) // 3,
        len(logs) // 2,
        len(logs) - 40,
        len(logs) - 1,
        len(logs),
    } & set(range(1, len(logs) + 1)):
        assert close(schedule(m * every), float(exact[m - 1]), 1e-11), m
    assert schedule(T + every) == 0.0


SPANS = [
    S.linear(0.3, 50, 0.1),
    S.polynomial(0.3, 50, 2, 0.1),
    S.cosine(0.3, 50, 0.1),
    S.linear(0.1, 7, 0.3),
    S.cosine(0.1, 7, 0.3),
]


@pytest.mark.parametrize("schedule", SPANS)
def test_both_ends_are_exact(schedule):
    T = schedule.duration
    assert schedule(0) == schedule.a0
    assert schedule(T - 1) != schedule.end
    assert [schedule(t) for t in (T, T + 1, *FAR)] == [schedule.end] * 6


@given(st.floats(0, 10), st.floats(0, 10), st.integers(1, 10**6), st.integers(0, 10**6))
def test_monotone_from_start_to_end(a0, end, T, t):
    for schedule in (S.linear(a0, T, end), S.polynomial(a0, T, 1.7, end), S.cosine(a0, T, end)):
        x, y = schedule(t), schedule(t + 1)
        assert (x >= y) if a0 >= end else (x <= y)
        assert min(a0, end) <= x <= max(a0, end)


@given(st.floats(1e-6, 10), st.floats(0.01, 1), st.integers(1, 1000), st.integers(0, 2**53 - 1))
def test_decays_never_rise(a0, rate, T, t):
    decays = [
        S.exponential(a0, rate, T),
        S.exponential(a0, rate, T, staircase=True),
        S.compounding_staircase(a0, rate, T),
        S.inverse_time(a0, T),
        S.step(a0, T, rate),
        S.geometric(a0, rate, T),
        S.power(a0, T, rate),
        S.compounding_polynomial(a0, 1000 * T, rate, T),
    ]
    for schedule in decays:
        assert schedule(t) >= schedule(t + 1) * (1 - 1e-12)
    assert S.saturating(a0, rate, T)(t) <= S.saturating(a0, rate, T)(t + 1)


def test_underflow_is_zero_and_overflow_names_the_step():
    for schedule in (
        S.exponential(1, 0.5, 1),
        S.compounding_staircase(1, 0.5, 1),
        S.geometric(1, 1, 2),
        S.power(1, 1e-300, 9),
    ):
        assert schedule(2**53) == 0.0
    for schedule in (S.exponential(1.0, 2, 1), S.compounding_staircase(1.0, 2, 100), S.random_walk(1e308, 1e308)):
        with pytest.raises(ArgumentValueError, match=r"finite.*t = 4096"):
            schedule(4096)
        assert schedule(0) > 0
    with pytest.raises(ArgumentValueError, match="t = 1024"):
        S.exponential(1.0, 2, 1).values(2000)
    assert S.exponential(1e-6, 2.0, 1).clip(high=1.0)(2**53) == 1.0


@pytest.mark.parametrize(
    "t, error",
    [
        (-1, ValueError),
        (2**53 + 1, ValueError),
        (1.0, TypeError),
        (True, TypeError),
        ("1", TypeError),
        (None, TypeError),
    ],
)
def test_bad_steps(t, error):
    for schedule in (S.cosine(1.0, 10), S.warmup(5) >> S.cosine(1.0, 10)):
        with pytest.raises(error, match="'t'"):
            schedule(t)


def test_step_may_be_a_numpy_integer():
    assert S.linear(1.0, 4)(np.int32(1)) == 0.75


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -0.1, np.float64("nan")])
@pytest.mark.parametrize(
    "make",
    [
        S.constant,
        lambda a: S.linear(a, 10),
        lambda a: S.cosine(1.0, 10, end=a),
        lambda a: S.exponential(0.1, a, 10),
        S.as_schedule,
    ],
)
def test_bad_rates_are_value_errors(make, bad):
    with pytest.raises(ArgumentValueError):
        make(bad)


@pytest.mark.parametrize("bad", [True, None, 1j, np.True_, b"1", [0.1, 0.2], object()])
@pytest.mark.parametrize(
    "make",
    [
        S.constant,
        lambda a: S.linear(a, 10),
        lambda a: S.step(0.1, 10, rate=a),
        S.as_schedule,
        lambda a: S.warmup(2) >> a,
    ],
)
def test_bad_types_are_type_errors(make, bad):
    with pytest.raises(ArgumentTypeError):
        make(bad)


PERIODS = [
    lambda T: S.linear(0.1, T),
    lambda T: S.cosine(0.1, T),
    lambda T: S.polynomial(0.1, T, 2),
    lambda T: S.exponential(0.1, 0.5, T),
    lambda T: S.compounding_staircase(0.1, 0.5, T),
    lambda T: S.geometric(0.1, 0.5, T),
    lambda T: S.inverse_time(0.1, T),
    lambda T: S.power(0.1, T, 0.5),
    lambda T: S.step(0.1, T),
    lambda T: S.compounding_polynomial(0.1, 100, 1.0, T),
    lambda T: S.random(0.1, 1.0, 0, T),
    lambda T: S.piecewise([T], [0.1, 0.2]),
    lambda T: S.warmup(T),
    lambda T: S.constant(0.1).lasting(T),
]


@pytest.mark.parametrize("make", PERIODS)
def test_bad_periods(make):
    for bad in (
        0,
        -1,
        0.0,
        math.nan,
        math.inf,
        -math.inf,
        2**53 + 1,
        "0%",
        "-5%",
        "nan epochs",
        "5 weeks",
        "5",
        "",
        "1 2 steps",
    ):
        with pytest.raises(ArgumentValueError) as caught:
            make(bad)
        assert len(str(caught.value)) <= 300
    for bad in (True, None, 1j, b"5%", object()):
        with pytest.raises(ArgumentTypeError):
            make(bad)
    assert make(np.int64(7)) == make(7) == make("7 steps") == make(7.0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: S.geometric(0.1, 11, 10),
        lambda: S.random(0.2, 0.1, 0),
        lambda: S.random(0.0, 0.1, 0),
        lambda: S.random(0.1, 0.2, -1),
        lambda: S.random(0.1, 0.2, 2**64),
        lambda: S.random_walk(0.1, 0.01, low=0.2),
        lambda: S.random_walk(0.1, (0.2, 0.1)),
        lambda: S.random_walk(0.1, ("normal", 0, -1)),
        lambda: S.random_walk(0.1, ("cauchy", 0, 1)),
        lambda: S.piecewise([10, 5], [1, 2, 3]),
        lambda: S.piecewise([10], [1]),
        lambda: S.warmup(10, shape="exponential"),
        lambda: S.warmup(10, shape="cubic"),
        lambda: S.constant(1).clip(2, 1),
        lambda: S.constant(1) >> S.constant(2),
        lambda: S.maximum(),
        lambda: S.performance(0.1, low=0.2),
        lambda: S.plateau(factor=1.0),
        lambda: S.polynomial(1, 10, 0),
    ],
)
def test_bad_values(make):
    with pytest.raises(ArgumentValueError) as caught:
        make()
    assert len(str(caught.value)) <= 300


def test_misspelt_arguments_and_missing_durations():
    with pytest.raises(ArgumentTypeError, match="'staircase'"):
        S.exponential(0.1, 0.5, 10, stair_case=True)
    with pytest.raises(ArgumentTypeError, match="duration"):
        S.cosine(1e-3)
    assert S.cosine(100) == S.cosine(1.0, 100) == S.cosine(T=100)


TORCH = {
    "LinearLR": (dict(start_factor=0.25, total_iters=10), S.linear(0.025, 10, end=0.1)),
    "PolynomialLR": (dict(total_iters=20, power=2.0), S.polynomial(0.1, 20, 2)),
    "CosineAnnealingLR": (dict(T_max=30, eta_min=0.01), S.cosine(0.1, 30, end=0.01)),
    "ExponentialLR": (dict(gamma=0.9), S.exponential(0.1, 0.9, 1)),
    "StepLR": (dict(step_size=7, gamma=0.5), S.step(0.1, 7, rate=0.5)),
    "MultiStepLR": (dict(milestones=[5, 9], gamma=0.1), S.piecewise([5, 9], [0.1, 0.01, 0.001])),
}


@pytest.mark.parametrize("name", TORCH)
def test_same_as_torch(name):
    torch = pytest.importorskip("torch")
    options, schedule = TORCH[name]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    for t in range(31):
        assert close(schedule(t), optimizer.param_groups[0]["lr"], 1e-12, 1e-15), t
        optimizer.step()
        scheduler.step()


def test_same_as_scikit_learn_optimal():
    alpha, t0 = 1e-4, 1234.5
    schedule = S.inverse_time(1 / (alpha * t0), t0)
    assert all(close(schedule(t), 1 / (alpha * (t0 + t))) for t in range(N))
