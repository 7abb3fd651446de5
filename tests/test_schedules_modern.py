"""The second block of schedules: literal formulas at every boundary, torch's and optax's schedule of the same meaning, properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgd.schedules as S
from fastgd._validation import ArgumentTypeError, ArgumentValueError

FAR = (10**6, 2**31 - 1, 2**31, 2**53 - 1, 2**53)
N = 130


def half_wave(a, b, x):
    return b + (a - b) * (1 + math.cos(math.pi * x)) / 2


def sgdr(t, T, mult, a0, end, decay):
    """Count the steps one by one, as the paper does."""
    cycle, length = 0, T
    while t >= length:
        t, length, cycle = t - length, length * mult, cycle + 1
    return end + (a0 - end) * decay**cycle * (1 + math.cos(math.pi * t / length)) / 2


def triangle(t, up, down):
    r = t % (up + down)
    return r / up if r < up else 1 - (r - up) / down


def one_cycle(t, top, T, rise, divide, final):
    """torch's formula: the peak is at rise*T - 1, the end at T - 1."""
    first, last, peak = top / divide, top / divide / final, rise * T - 1
    if t <= peak:
        return half_wave(first, top, t / peak)
    return half_wave(top, last, (t - peak) / (T - 1 - peak)) if t < T - 1 else last


FORMULAS = {
    "multistep": (S.multistep(0.3, [7, 50], 0.5), lambda t: 0.3 * 0.5 ** ((t >= 7) + (t >= 50))),
    "interpolate": (S.interpolate([10, 30], [0.0, 0.3, 0.1]), lambda t: float(np.interp(t, [0, 10, 30], [0.0, 0.3, 0.1]))),
    "interpolate nothing": (S.interpolate([], [0.3]), lambda t: 0.3),
    "inverse_sqrt": (S.inverse_sqrt(0.3, 2.5), lambda t: 0.3 / math.sqrt(1 + t / 2.5)),
    "noam": (S.noam(512, 40, 2.0), lambda t: 2 * 512**-0.5 * min((t + 1) ** -0.5, (t + 1) * 40**-1.5)),
    "rex": (S.rex(0.3, 50, 0.1), lambda t: 0.1 + 0.2 * (1 - min(t, 50) / 50) / (0.5 + 0.5 * (1 - min(t, 50) / 50))),
    "tanh": (S.tanh(0.3, 50, -5, 2, 0.1), lambda t: 0.1 + 0.1 * (1 - math.tanh(-5 + 7 * min(t, 50) / 50))),
    "k_decay": (S.k_decay(0.3, 50, 3, 2, 0.1), lambda t: 0.1 + 0.2 * (1 - (min(t, 50) / 50) ** 3) ** 2),
    "k_decay is polynomial": (S.k_decay(0.3, 50, 1, 3), S.polynomial(0.3, 50, 3)),
    "cyclic": (S.cyclic(0.1, 0.3, 7, 20), lambda t: 0.1 + 0.2 * triangle(t, 7, 20)),
    "triangular2": (S.cyclic(0.1, 0.3, 7, mode="triangular2"), lambda t: 0.1 + 0.2 * triangle(t, 7, 7) * 0.5 ** min(t // 14, 1000)),
    "exp_range": (S.cyclic(0.1, 0.3, 7, mode="exp_range", gamma=0.9), lambda t: 0.1 + 0.2 * triangle(t, 7, 7) * 0.9**t),
    "cosine_restarts": (S.cosine_restarts(0.3, 20, end=0.1), lambda t: sgdr(t % 20, 20, 1, 0.3, 0.1, 1)),
    "one_cycle": (S.one_cycle(0.3, 100), lambda t: one_cycle(t, 0.3, 100, 0.3, 25, 1e4)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name):
    schedule, formula = FORMULAS[name]
    for t in (*range(N), *FAR):
        assert math.isclose(schedule(t), formula(t), rel_tol=1e-12, abs_tol=1e-15), t


@pytest.mark.parametrize(("mult", "decay"), [(2, 1.0), (3, 0.5), (1, 0.5)])
def test_restarts_of_growing_cycles(mult, decay):
    schedule = S.cosine_restarts(0.3, 7, T_mult=mult, end=0.1, decay=decay)
    for t in range(400):
        assert math.isclose(schedule(t), sgdr(t, 7, mult, 0.3, 0.1, decay), rel_tol=1e-12)
    assert 0.1 <= schedule(2**53) <= 0.3


@pytest.mark.parametrize("tail", ["linear", "1-sqrt", "cosine"])
def test_wsd_is_its_parts(tail):
    schedule = S.wsd(0.3, 100, warmup=10, decay=40, tail=tail, end=0.1)
    fall = {"linear": lambda x: 1 - x, "1-sqrt": lambda x: 1 - math.sqrt(x), "cosine": lambda x: half_wave(1, 0, x)}[
        tail
    ]
    for t in range(N):
        want = 0.3 * t / 10 if t < 10 else 0.3 if t <= 60 else 0.1 + 0.2 * fall(min(t - 60, 40) / 40)
        assert math.isclose(schedule(t), want, rel_tol=1e-12, abs_tol=1e-15), t
    assert S.wsd(1.0, 10, warmup=0, decay=10)(0) == 1.0
    whole = S.wsd(0.3, "100%").resolve(total_steps=200)
    assert (whole.warmup, whole.decay, whole.T) == (10, 40, 200)


def test_chebyshev_steps_solve_a_quadratic():
    """After T steps the error of every curvature between 1/high and 1/low has shrunk by the Chebyshev bound, whatever the order."""
    low, high, T = 0.02, 1.0, 16
    bound = 1 / math.cosh(T * math.acosh((1 / low + 1 / high) / (1 / low - 1 / high)))
    for fractal in (True, False):
        rates = S.chebyshev(low, high, T, fractal).values(T)
        curvatures = np.linspace(1 / high, 1 / low, 1001)
        left = np.abs(np.prod(1 - rates[:, None] * curvatures, axis=0))
        assert left.max() <= bound * (1 + 1e-9)
        assert sorted(rates) == sorted(S.chebyshev(low, high, T, not fractal).values(T))
    assert S.chebyshev(low, high, T)(T + 3) == S.chebyshev(low, high, T)(3)


def test_the_fractal_order_bounds_every_stretch():
    """In the fractal order an error of the steepest direction never grows a thousandfold on the way; from long to short it does."""
    growth = {}
    for fractal in (True, False):
        factors = np.abs(1 - S.chebyshev(0.01, 1.0, 64, fractal).values(64) / 0.01)
        growth[fractal] = np.cumprod(factors).max()
    assert growth[True] < 100 < 1e3 < growth[False]


@given(st.floats(0, 10), st.floats(0, 10), st.integers(1, 10**6), st.integers(0, 10**6), st.floats(0.1, 8))
def test_monotone_from_start_to_end(a0, end, T, t, k):
    for schedule in (S.rex(a0, T, end), S.tanh(a0, T, end=end), S.k_decay(a0, T, k, 1.3, end)):
        x, y = schedule(t), schedule(t + 1)
        assert (x >= y) if a0 >= end else (x <= y)
        assert min(a0, end) <= x <= max(a0, end)


@given(st.integers(1, 1000), st.integers(1, 4), st.integers(0, 2**53), st.floats(0, 1), st.floats(0, 1))
def test_restarts_stay_between_their_rates(T, mult, t, a0, end):
    assert min(a0, end) - 1e-15 <= S.cosine_restarts(a0, T, mult, end, 0.9)(t) <= max(a0, end) + 1e-15


NEW = [
    S.multistep(0.3, ["10%", "50%"]),
    S.interpolate(["10%", "50%"], [1.0, 0.5, 0.0]),
    S.inverse_sqrt(0.3, "5%"),
    S.noam(64, "4 epochs"),
    S.wsd(0.3, "100%", decay="30%", tail="cosine"),
    S.rex("95%"),
    S.tanh(0.3, 100, lower=-4),
    S.k_decay(0.3, 100, k=3),
    S.cosine_restarts("10%", T_mult=2),
    S.cyclic(0.1, 0.3, "5%", "10%", mode="triangular2"),
    S.one_cycle(0.3, "100%", three_phase=True),
    S.chebyshev(0.1, 1.0, 8, fractal=False),
]


@pytest.mark.parametrize("schedule", NEW, ids=str)
def test_text_json_and_units(schedule):
    assert S.parse(str(schedule)) == schedule
    assert S.parse(repr(schedule)) == schedule
    assert S.from_dict(schedule.to_dict()) == schedule
    resolved = schedule.resolve(steps_per_epoch=10, total_steps=200)
    assert resolved.is_resolved
    values = (S.warmup(7) >> resolved).values(300)
    assert values.tolist() == [(S.warmup(7) >> resolved)(t) for t in range(300)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: S.multistep(0.1, [5, 3]),
        lambda: S.interpolate([5], [0.1]),
        lambda: S.interpolate([5, 3], [0.1, 0.2, 0.3]),
        lambda: S.cyclic(0.3, 0.1, 5),
        lambda: S.cyclic(0.1, 0.3, 5, mode="square"),
        lambda: S.one_cycle(0.1, 10, rise=1.5),
        lambda: S.one_cycle(0.1, 10, divide=0),
        lambda: S.wsd(0.1, 10, warmup=6, decay=6),
        lambda: S.wsd(0.1, 10, 1, 2, tail="cubic"),
        lambda: S.chebyshev(0.1, 1.0, 12),
        lambda: S.chebyshev(1.0, 0.1, 8),
        lambda: S.chebyshev(0.1, 1.0, 2**21),
        lambda: S.cosine_restarts(0.1, 10, T_mult=0),
        lambda: S.noam(0, 10),
        lambda: S.k_decay(0.1, 10, k=0),
        lambda: S.tanh(0.1, 10, lower=math.nan),
    ],
)
def test_bad_values(make):
    with pytest.raises(ArgumentValueError) as caught:
        make()
    assert len(str(caught.value)) <= 300


def test_bad_types():
    for make in (
        lambda: S.multistep(0.1, 5),
        lambda: S.interpolate([1], 0.1),
        lambda: S.cosine_restarts(0.1, 10, T_mult=1.5),
    ):
        with pytest.raises(ArgumentTypeError):
            make()


@pytest.mark.parametrize(
    ("name", "options", "schedule"),
    [
        ("CosineAnnealingWarmRestarts", {"T_0": 7, "T_mult": 2, "eta_min": 0.01}, S.cosine_restarts(0.1, 7, 2, 0.01)),
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.3, "step_size_up": 5, "step_size_down": 9}, S.cyclic(0.1, 0.3, 5, 9)),
        (
            "CyclicLR",
            {"base_lr": 0.1, "max_lr": 0.3, "step_size_up": 5, "mode": "triangular2"},
            S.cyclic(0.1, 0.3, 5, mode="triangular2"),
        ),
        (
            "CyclicLR",
            {"base_lr": 0.1, "max_lr": 0.3, "step_size_up": 5, "mode": "exp_range", "gamma": 0.9},
            S.cyclic(0.1, 0.3, 5, mode="exp_range", gamma=0.9),
        ),
        ("OneCycleLR", {"max_lr": 0.3, "total_steps": 60}, S.one_cycle(0.3, 60)),
        (
            "OneCycleLR",
            {"max_lr": 0.3, "total_steps": 61, "anneal_strategy": "linear", "pct_start": 0.2},
            S.one_cycle(0.3, 61, rise=0.2, shape="linear"),
        ),
        (
            "OneCycleLR",
            {"max_lr": 0.3, "total_steps": 60, "three_phase": True},
            S.one_cycle(0.3, 60, three_phase=True),
        ),
        ("MultiStepLR", {"milestones": [5, 9], "gamma": 0.5}, S.multistep(0.1, [5, 9], 0.5)),
    ],
)
def test_same_as_torch(name, options, schedule):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    for t in range(60):
        assert math.isclose(schedule(t), optimizer.param_groups[0]["lr"], rel_tol=1e-12, abs_tol=1e-15), t
        optimizer.step()
        if t < 59:
            scheduler.step()


def test_same_as_optax():
    optax = pytest.importorskip("optax")
    cycle = {"init_value": 0.3, "peak_value": 0.3, "decay_steps": 10, "warmup_steps": 0, "end_value": 0.1}
    pairs = [
        (optax.sgdr_schedule([cycle] * 3), S.cosine_restarts(0.3, 10, end=0.1)),
        (
            optax.piecewise_interpolate_schedule("linear", 0.1, {10: 3.0, 30: 0.5}),
            S.interpolate([10, 30], [0.1, 0.3, 0.15]),
        ),
    ]
    for theirs, ours in pairs:
        for t in range(29):
            assert math.isclose(ours(t), float(theirs(t)), rel_tol=1e-5), t


def test_an_interpolation_with_units_has_a_duration_too():
    """What is true of it in steps is true before its units are resolved: it can stand before another part."""
    schedule = S.interpolate(["5%", "50%"], [0.0, 0.1, 0.05]) >> S.cosine(0.05, "50%")
    assert S.parse(str(schedule)) == schedule
    assert schedule.resolve(total_steps=200) == S.interpolate([10, 100], [0.0, 0.1, 0.05]) >> S.cosine(0.05, 100)
