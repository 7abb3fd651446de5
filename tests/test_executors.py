"""Every executor of the one text of a rule or loss gives the same bits; a loss is the textbook's, and its slope the derivative."""

import ctypes
import itertools
import math

import ml_dtypes
import numpy as np
import pytest

from fastgd import SGD
from fastgd._kernels import _drive, execute, jit

from .executors import (
    DTYPES,
    LEVELS,
    LOSSES,
    RULES,
    assert_same_bits,
    bits,
    run_interpreted,
    step_interpreted,
)

TABLES = {level: execute.load_level(level) for level in LEVELS}
N_RANDOM = 4000
MOST_TAIL = 70  # beyond four vectors of float32 in AVX-512
GUARD = 7.5
SCALE_AND_LIMIT = [(1.0, math.inf), (-0.3, 0.7)]


def specials(dtype):
    """Return zeros, ones, the smallest and largest numbers, and what is not finite."""
    info = np.finfo(dtype)
    sizes = [0, 1, info.smallest_subnormal, info.tiny / 3, info.tiny, info.eps, math.sqrt(info.max), info.max]
    return np.array([s * x for x in sizes for s in (1, -1)] + [math.nan, math.inf, -math.inf], dtype)


def random_numbers(rng, dtype, n):
    """Return numbers of all magnitudes that matter, a tenth of them special."""
    numbers = (rng.standard_normal(n) * 10.0 ** rng.uniform(-4, 2, n)).astype(dtype)
    return np.where(rng.random(n) < 0.1, rng.choice(specials(dtype), n), numbers)


def random_step(rule, dtype, seed=0):
    """Return `p, g, *state` and hyperparameters; half of each state array is nonnegative, as sums of squares are."""
    rng = np.random.default_rng(seed)
    arrays = [random_numbers(rng, dtype, N_RANDOM) for _ in range(2 + len(execute.slot_names(rule)))]
    for state in arrays[2:]:
        state[::2] = abs(state[::2])
    return arrays, list(rng.choice([0.0, 1e-8, 0.001, 0.1, 0.9, 1.0, 1.2], len(execute.hyper_names(rule))))


def swept(address, arrays, scalars, written):
    """Return the written arrays after a compiled sweep, and what it returned; it must leave all others and their neighbours alone."""
    padded = [np.full(a.size + 2, GUARD, a.dtype) for a in arrays]
    for wide, array in zip(padded, arrays, strict=True):
        wide[1:-1] = array
    returned = _drive.run_sweep(address, [wide[1:-1] for wide in padded], scalars)
    assert all(wide[0] == wide[-1] == GUARD for wide in padded)
    unwritten = [k for k in range(len(arrays)) if k not in written]
    assert_same_bits([padded[k][1:-1] for k in unwritten], [arrays[k] for k in unwritten], "only read")
    return [padded[k][1:-1] for k in written], returned


def assert_runs_like(address, arrays, scalars, written, expected, counts, message):
    """Raise unless a sweep gives the expected bits and counts: over everything, and over every length up to `MOST_TAIL`."""
    whole = slice(0, arrays[0].size)
    tails = [slice(n, 2 * n) for n in range(MOST_TAIL + 1)]  # beginning anywhere, so aligned to an element and no more
    for part in [whole, *tails]:
        found, count = swept(address, [a[part] for a in arrays], scalars, written)
        assert_same_bits(found, [e[part] for e in expected], f"{message}, elements {part.start} to {part.stop}")
        assert count == np.count_nonzero(counts[part])


# ---------------------------------------------------------------------------------------------------------------------------------
# Rules


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", RULES)
def test_rule_is_the_interpreted_rule_on_every_level(name, dtype):
    rule = RULES[name]
    written = [0, *range(2, 2 + len(execute.slot_names(rule)))]
    for seed, clipping in enumerate(SCALE_AND_LIMIT):
        arrays, hyper = random_step(rule, dtype, seed)
        scalars = [*clipping, *hyper]
        expected, _ = step_interpreted(rule, arrays, scalars)
        for level, (sweeps, _, _) in TABLES.items():
            address = sweeps[name, dtype.__name__]
            assert_runs_like(address, arrays, scalars, written, expected, ~np.isfinite(arrays[1]), f"{level} {scalars}")


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", RULES)
def test_rule_by_numba_is_the_interpreted_rule(name, dtype, tmp_path, monkeypatch):
    monkeypatch.setenv("FASTGD_CACHE", str(tmp_path / "cache"))
    rule = RULES[name]
    written = [0, *range(2, 2 + len(execute.slot_names(rule)))]
    arrays, hyper = random_step(rule, dtype)
    scalars = [-0.3, 0.7, *hyper]
    expected, _ = step_interpreted(rule, arrays, scalars)
    address = jit.compile_sweep(rule, dtype, quiet=True).address
    assert_runs_like(address, arrays, scalars, written, expected, ~np.isfinite(arrays[1]), "Numba")


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
def test_clipping_by_hand(dtype):
    """The gradient is 0 where it is not finite, else scaled, then limited; seen through gradient descent from 0 with rate 1."""
    g = np.array([math.nan, math.inf, -math.inf, 4.0, -4.0, 0.5, -0.5, 0.0], dtype)
    for scale, limit, seen in [
        (1.0, math.inf, [0, 0, 0, 4, -4, 0.5, -0.5, 0]),
        (-1.0, 1.0, [0, 0, 0, -1, 1, -0.5, 0.5, 0]),
        (0.25, 0.5, [0, 0, 0, 0.5, -0.5, 0.125, -0.125, 0]),
        (1.0, 0.0, [0, 0, 0, 0, 0, 0, 0, 0]),
    ]:
        for sweeps, _, _ in TABLES.values():
            p = np.zeros_like(g)
            assert _drive.run_sweep(sweeps["sgd", dtype.__name__], [p, g], [scale, limit, 1.0, 0.0]) == 3
            assert (-p).tolist() == seen


def test_tables_are_complete():
    for sweeps, losses_, blocks in TABLES.values():
        assert set(sweeps) == {(name, dtype.__name__) for name in RULES for dtype in DTYPES}
        assert set(losses_) == {(name, dtype.__name__) for name in LOSSES for dtype in DTYPES}
        addresses = [*sweeps.values(), *losses_.values(), *blocks.values()]
        assert len(set(addresses)) == len(addresses)


def test_run_sweep_refuses_what_would_be_memory_corruption():
    address, p = TABLES[LEVELS[0]][0]["sgd", "float32"], np.zeros(8, np.float32)
    frozen = p.copy()
    frozen.flags.writeable = False
    for bad in (p[:7], p[::2], p.astype(np.float64), p.reshape(2, 4), frozen, p.astype(">f4")):
        with pytest.raises(ValueError, match="array 1 is not contiguous"):
            _drive.run_sweep(address, [p, bad], [1.0, 1.0, 1.0, 0.0])
    with pytest.raises(ValueError, match="too many"):
        _drive.run_sweep(address, [p] * (_drive.MOST_SLOTS + 3), [])
    with pytest.raises(ValueError, match="too many"):
        _drive.run_sweep(address, [p, p], [1.0] * (_drive.MOST_SCALARS + 1))


# ---------------------------------------------------------------------------------------------------------------------------------
# Losses

REGRESSION, MARGIN, RATE = "any number", "-1 or 1", "positive"
L = np.longdouble
# The textbook's value of each loss in extended precision, its kinds of target, its hyperparameters.
TEXTBOOK = {
    "squared_error": (lambda z, y: (z - y) ** 2 / 2, REGRESSION, {}),
    "huber": (
        lambda z, y, epsilon: np.where(
            abs(z - y) < epsilon, (z - y) ** 2 / 2, epsilon * abs(z - y) - epsilon * epsilon / 2
        ),
        REGRESSION,
        {"epsilon": 0.7},
    ),
    "epsilon_insensitive": (lambda z, y, epsilon: np.maximum(0, abs(z - y) - epsilon), REGRESSION, {"epsilon": 0.3}),
    "squared_epsilon_insensitive": (
        lambda z, y, epsilon: np.maximum(0, abs(z - y) - epsilon) ** 2,
        REGRESSION,
        {"epsilon": 0.3},
    ),
    "quantile": (lambda z, y, q: np.maximum(q * (y - z), (q - 1) * (y - z)), REGRESSION, {"q": 0.8}),
    "logcosh": (lambda z, y, log2: np.log(np.cosh(z - y)), REGRESSION, {"log2": math.log(2)}),
    "poisson": (lambda z, y: np.exp(z) - y * z, RATE, {}),
    "gamma": (lambda z, y: z + y * np.exp(-z), RATE, {}),
    "tweedie": (
        lambda z, y, power: np.exp((2 - power) * z) / (2 - power) - y * np.exp((1 - power) * z) / (1 - power),
        RATE,
        {"power": 1.5},
    ),
    "log_loss": (lambda z, y: np.log(1 + np.exp(z)) - y * z, "probability", {}),
    "focal": (
        lambda z, y, gamma: (1 + np.exp((2 * y - 1) * z)) ** -gamma * np.log(1 + np.exp((1 - 2 * y) * z)),
        "0 or 1",
        {"gamma": 2.0},
    ),
    "hinge": (lambda z, y: np.maximum(0, 1 - y * z), MARGIN, {}),
    "squared_hinge": (lambda z, y: np.maximum(0, 1 - y * z) ** 2, MARGIN, {}),
    "perceptron": (lambda z, y: np.maximum(0, -y * z), MARGIN, {}),
    "modified_huber": (
        lambda z, y: np.where(y * z >= -1, np.maximum(0, 1 - y * z) ** 2, -4 * y * z),
        MARGIN,
        {},
    ),
}
TARGETS = {
    REGRESSION: lambda rng, n: rng.normal(size=n),
    MARGIN: lambda rng, n: rng.choice([-1.0, 1.0], n),
    RATE: lambda rng, n: rng.gamma(2.0, size=n),
    "probability": lambda rng, n: rng.choice([0.0, 1.0, 0.25], n),
    "0 or 1": lambda rng, n: rng.choice([0.0, 1.0], n),
}


def random_samples(name, dtype=np.float64, n=N_RANDOM, spread=3.0):
    rng = np.random.default_rng(0)
    return (rng.normal(size=n) * spread).astype(dtype), TARGETS[TEXTBOOK[name][1]](rng, n).astype(dtype)


def values_and_slopes(name, z, y, level=LEVELS[-1]):
    """Return the compiled loss of samples."""
    dtype = z.dtype.name
    value, slope = np.empty_like(z), np.empty_like(z)
    _drive.run_sweep(TABLES[level][1][name, dtype], [z, y, value, slope], list(TEXTBOOK[name][2].values()))
    return value, slope


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", LOSSES)
def test_loss_is_the_interpreted_loss_on_every_level(name, dtype):
    """Everywhere: no overflow of an intermediate result, no infinity times zero, that one executor has and another has not."""
    rng = np.random.default_rng(1)
    z, y = random_numbers(rng, dtype, N_RANDOM), random_numbers(rng, dtype, N_RANDOM)
    y[::2] = random_samples(name, dtype)[1][::2]
    hyper = list(TEXTBOOK[name][2].values())
    expected = run_interpreted(LOSSES[name], [z, y], hyper)
    for level, (_, sweeps, _) in TABLES.items():
        arrays = [z, y, np.full_like(z, GUARD), np.full_like(z, GUARD)]
        none = np.zeros(N_RANDOM, bool)
        assert_runs_like(sweeps[name, dtype.__name__], arrays, hyper, [2, 3], expected, none, level)


@pytest.mark.parametrize("name", LOSSES)
def test_loss_is_the_textbook_value(name):
    """To four units in the last place of the largest term; the terms of `poisson` and `log_loss` may cancel."""
    z, y = random_samples(name)
    formula, _, hyper = TEXTBOOK[name]
    expected = formula(z.astype(L), y.astype(L), *map(L, hyper.values()))
    tolerance = 4 * np.finfo(float).eps * (np.maximum(abs(expected), 1) + abs(y * z))
    assert (abs(values_and_slopes(name, z, y)[0] - expected) <= tolerance).all()


@pytest.mark.parametrize("name", LOSSES)
def test_slope_is_the_derivative_of_the_value(name):
    """By finite differences; where those to the left and to the right differ there is a kink, or nearly."""
    z, y = random_samples(name)
    formula, _, hyper = TEXTBOOK[name]
    h = L(1e-6)
    low, middle, high = (formula(z + k * h, y.astype(L), *map(L, hyper.values())) for k in (-1, 0, 1))
    left, right = (middle - low) / h, (high - middle) / h
    smooth = abs(right - left) < 1e-4 * (1 + abs(left))
    assert np.count_nonzero(smooth) > 0.99 * N_RANDOM
    expected = ((left + right) / 2).astype(float)
    np.testing.assert_allclose(values_and_slopes(name, z, y)[1][smooth], expected[smooth], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "z", "y", "slope"),
    [
        ("hinge", 1.0, 1.0, -1.0),  # not beyond the kink counts as wrong, as in scikit-learn
        ("hinge", -1.0, -1.0, 1.0),
        ("squared_hinge", 1.0, 1.0, 0.0),
        ("epsilon_insensitive", 1.5, 1.0, 0.0),  # the flat side
        ("epsilon_insensitive", 0.5, 1.0, 0.0),
        ("perceptron", 0.0, 1.0, -1.0),  # an undecided sample counts as wrong
        ("perceptron", 0.0, -1.0, 1.0),
        ("quantile", 2.0, 2.0, -0.8),  # the side of smaller predictions
        ("huber", 1.5, 1.0, 0.5),  # smooth: both sides agree
        ("modified_huber", -1.0, 1.0, -4.0),
        ("log_loss", 0.0, 1.0, -0.5),
        ("logcosh", 1.0, 1.0, 0.0),
        ("tweedie", 0.0, 0.0, 1.0),  # the ratio is 0 without computing 0 * infinity
    ],
)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
def test_slope_at_a_kink(name, z, y, slope, dtype, monkeypatch):
    hyper = {"epsilon_insensitive": {"epsilon": 0.5}, "huber": {"epsilon": 0.5}}.get(name, TEXTBOOK[name][2])
    monkeypatch.setitem(TEXTBOOK, name, (*TEXTBOOK[name][:2], hyper))
    for level in LEVELS:
        assert values_and_slopes(name, np.array([z], dtype), np.array([y], dtype), level)[1] == dtype(slope)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", LOSSES)
def test_loss_far_out_is_finite(name, dtype):
    """At predictions of ±80, where a careless log_loss overflows in float32, values and slopes are finite and values nonnegative."""
    z, y = (np.array(column, dtype) for column in zip(*itertools.product([-80.0, 80.0], [0.0, 1.0]), strict=True))
    if TEXTBOOK[name][1] is MARGIN:
        y = 2 * y - 1
    value, slope = values_and_slopes(name, z, y)
    assert np.isfinite(value).all() and np.isfinite(slope).all()
    assert (value >= 0).all() or name in ("poisson", "gamma")


def test_textbook_knows_every_loss():
    assert TEXTBOOK.keys() == LOSSES.keys()


# ---------------------------------------------------------------------------------------------------------------------------------
# Block functions: 16-bit numbers and sums of squares

HALVES = {"float16": np.dtype(np.float16), "bfloat16": np.dtype(ml_dtypes.bfloat16)}
ALL_16_BITS = np.arange(2**16, dtype=np.uint16)


def finite_numbers(half):
    """Return all finite numbers of a 16-bit dtype, by their bits."""
    infinity = np.array(np.inf, half).view(np.uint16)
    return ALL_16_BITS[infinity > ALL_16_BITS % 2**15].view(half)


def block_function(level, kind, dtype, returns=None):
    address = TABLES[level][2][kind, dtype]
    return ctypes.CFUNCTYPE(returns, ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p)(address)


def converted(level, kind, dtype, source, target_dtype):
    target = np.empty(source.size, target_dtype)
    block_function(level, kind, dtype)(source.size, source.ctypes.data, target.ctypes.data)
    return target


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", HALVES)
def test_every_16_bit_number_widens_exactly(name, level):
    numbers = ALL_16_BITS.view(HALVES[name])
    wide = converted(level, "widen", name, numbers, np.float32)
    with np.errstate(invalid="ignore"):  # signalling NaNs
        assert_same_bits([wide], [numbers.astype(np.float32)])
    assert (np.signbit(wide) == ALL_16_BITS // 2**15).all()
    assert_same_bits([converted(level, "narrow", name, wide, HALVES[name])], [numbers])


def float32_for_rounding(half):
    """Return float32 numbers of all bit patterns at random, and those at, just below and just above every tie between 16-bit numbers."""
    rng = np.random.default_rng(0)
    finite = np.sort(finite_numbers(half).astype(np.float64))
    beyond = 2 * finite[-1] - finite[-2]  # overflow begins halfway to the number that would come next
    steps = np.array([-beyond, *finite, beyond])
    ties = ((steps[1:] + steps[:-1]) / 2).astype(np.float32)
    around = [ties, np.nextafter(ties, np.float32(np.inf)), np.nextafter(ties, np.float32(-np.inf))]
    return np.concatenate([*around, rng.integers(2**32, size=500_000, dtype=np.uint32).view(np.float32)])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", HALVES)
def test_float32_is_rounded_to_nearest_even(name, level):
    numbers = float32_for_rounding(HALVES[name])
    with np.errstate(over="ignore", invalid="ignore"):
        expected = numbers.astype(HALVES[name])
    assert_same_bits([converted(level, "narrow", name, numbers, HALVES[name])], [expected])


@pytest.mark.parametrize("step", [1, 3], ids=["side by side", "strided"])
@pytest.mark.parametrize("name", HALVES)
def test_every_16_bit_parameter_survives_a_step_of_rate_0(name, step):
    numbers = finite_numbers(HALVES[name])
    params = np.ones(step * numbers.size, HALVES[name])
    params[::step] = numbers
    SGD(lr=0.0).init(params[::step]).step(np.ones_like(numbers))
    assert (bits(params[::step]) == bits(numbers)).all()
    assert (np.delete(params, np.s_[::step]) == 1).all()


def square_sum_by_lanes(x):
    """Return the sum of squares in 16 lanes, each in order, then halves onto halves: a fixed order, for any vector width."""
    squares = np.zeros((-(-x.size // 16), 16))
    squares.flat[: x.size] = x.astype(np.float64) ** 2
    lanes = np.zeros(16)
    for row in squares:
        lanes += row
    while lanes.size > 1:
        lanes = lanes[: lanes.size // 2] + lanes[lanes.size // 2 :]
    return lanes[0]


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
def test_square_sum_has_one_order_on_every_level(dtype):
    rng = np.random.default_rng(0)
    for n in [*range(MOST_TAIL), 4095, 4096]:
        x = (rng.standard_normal(n + 1) * 10.0 ** rng.uniform(-18, 18, n + 1)).astype(dtype)[1:]
        for level in LEVELS:
            found = block_function(level, "square_sum", dtype.__name__, ctypes.c_double)(n, x.ctypes.data, None)
            assert found == square_sum_by_lanes(x)
            assert found == pytest.approx(math.fsum(x.astype(np.float64) ** 2), rel=1e-13)


def pairwise(sums):
    return (
        math.fsum(sums) if len(sums) <= 2 else pairwise(sums[: -(len(sums) // 2)]) + pairwise(sums[-(len(sums) // 2) :])
    )


def test_square_sum_of_arrays_is_a_tree_of_blocks():
    """Blocks of 4,096 elements within each array, a tree over its blocks, a tree over the arrays: nothing depends on the machine."""
    rng = np.random.default_rng(0)
    for sizes in [(0,), (1,), (4097,), (5, 0, 9000, 123), (30_000, 1, 1, 1, 1, 4096, 8192)]:
        arrays = [rng.standard_normal(n) for n in sizes]
        blocks = [[square_sum_by_lanes(a[k : k + 4096]) for k in range(0, a.size, 4096)] for a in arrays]
        assert execute.square_sum(arrays) == pairwise([pairwise(b) for b in blocks])
