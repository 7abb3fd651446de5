"""Lanes are the textbook's gradient descent and scikit-learn's; K lanes are K fits, bit for bit, on every processor level."""

import _thread
import ctypes
import itertools
import math
import threading

import numpy as np
import pytest
import scipy.sparse as sp

from fastgd._kernels import emit, execute
from fastgd._training.linear import LinearLanes
from fastgd._training.rates import RateTable, optimal_start

from . import naive_sgd
from .executors import LEVELS, run_interpreted
from .executors import LOSSES as FORMULAS

DTYPES = (np.float32, np.float64)
PENALTIES = {"none": (0.15, False), "l2": (0.0, True), "l1": (1.0, True), "elasticnet": (0.3, True)}
RATES = ("constant", "invscaling", "optimal", "pa1", "pa2")
ALPHA, ETA0, POWER = 0.01, 0.05, 0.5
N_ROWS, N_FEATURES = 120, 21


def problem(loss="squared_error", dtype=np.float64, n_rows=N_ROWS, n_features=N_FEATURES, seed=0):
    """Return rows, two thirds of them zeros and one row all zeros, and targets in the coding of the loss."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features)) * (rng.random((n_rows, n_features)) < 1 / 3)
    X[3] = 0
    y = X @ rng.standard_normal(n_features) + 0.3 * rng.standard_normal(n_rows)
    if loss in {f.__name__ for f in naive_sgd.BINARY}:
        y = (y > 0) * 1.0
    elif loss in {f.__name__ for f in naive_sgd.MARGIN}:
        y = np.where(y > 0, 1.0, -1.0)
    elif loss in {f.__name__ for f in naive_sgd.POSITIVE}:
        y = np.exp(0.3 * y)
    return X.astype(dtype), y.astype(dtype)


def rate_table(kind, alpha=ALPHA, eta0=ETA0):
    if kind == "optimal":
        return RateTable.optimal(alpha, optimal_start(alpha, lambda z: -1.0))
    return RateTable.invscaling(eta0, POWER) if kind == "invscaling" else getattr(RateTable, kind)(eta0)


def orders(n_rows, epochs=3):
    return [np.random.default_rng(seed).permutation(n_rows) for seed in range(epochs)]


def trained(X, y, loss, rate, n_lanes=1, weight=None, epochs=3, **options):
    """Return lanes after some epochs, and the last epoch's result."""
    defaults = {"alpha": np.full(n_lanes, ALPHA), "l1_ratio": 0.0, "loss_parameter": naive_sgd.PARAMETER.get(loss, 0.1)}
    lanes = LinearLanes(X.dtype, X.shape[1], loss, **defaults | options)
    for order in orders(X.shape[0], epochs):
        result = lanes.epoch(X, y.reshape(len(y), -1), order, rate, weight)
    return lanes, result


def textbook(X, y, loss, kind, weight=None, epochs=3, **options):
    defaults = {"alpha": ALPHA, "rate": kind, "eta0": ETA0, "power_t": POWER}
    model = naive_sgd.SGD(
        X.shape[1], loss, **defaults | {"loss_parameter": naive_sgd.PARAMETER.get(loss, 0.1)} | options
    )
    for order in orders(len(X), epochs):
        model.loss_sum = model.weighted_loss_sum = model.weight_sum = model.penalty = 0.0
        model.epoch(X, y, order, weight)
    return model


def assert_like(lanes, model, tolerance, lane=0):
    scale = np.abs(model.coef).max() + abs(model.intercept)
    np.testing.assert_allclose(lanes.coef[:, lane], model.coef, atol=tolerance * scale, rtol=0)
    np.testing.assert_allclose(lanes.intercept[lane], model.intercept, atol=tolerance * scale, rtol=0)
    assert lanes.t == model.t


# ---------------------------------------------------------------------------------------------------------------------------------
# The textbook


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", naive_sgd.LOSSES)
def test_lane_is_the_textbooks_descent(loss, penalty, rate):
    if loss in {f.__name__ for f in naive_sgd.POSITIVE} and rate in ("optimal", "pa2"):
        pytest.skip("its first steps overflow the exponential")
    l1_ratio, on = PENALTIES[penalty]
    X, y = problem(loss)
    model = textbook(X, y, loss, rate, l1_ratio=l1_ratio, penalty_on=on)
    # the first steps of the rate called optimal are enormous where the slope is not bounded: rounding errors grow with them
    grows = rate == "optimal" and loss in (
        "squared_error",
        "squared_hinge",
        "squared_epsilon_insensitive",
        "modified_huber",
    )
    tolerance = 1e-5 if grows else 1e-9
    for rows in (X, sp.csr_matrix(X)):
        if sp.issparse(rows) and penalty == "elasticnet":
            continue  # equal but for a bounded term; see below
        lanes, result = trained(rows, y, loss, rate_table(rate), l1_ratio=l1_ratio, penalty_on=on)
        assert_like(lanes, model, tolerance)
        np.testing.assert_allclose(result.loss_sum, model.loss_sum, rtol=100 * tolerance, atol=1e-9)
        # of sparse weights the penalty counts what is not yet collected, too
        penalty_tolerance = 0.1 if sp.issparse(rows) and penalty == "l1" else 100 * tolerance
        np.testing.assert_allclose(result.penalty, model.penalty, rtol=penalty_tolerance, atol=1e-9)
        assert result.finite and result.finite_lanes.all()


@pytest.mark.parametrize("alpha", [1e-4, 1e-3, 1e-2])
def test_sparse_elastic_net_is_dense_up_to_the_decay_of_debts(alpha):
    """A debt is collected after the decay of the steps since it arose: an error of the second order in rate * alpha."""
    X, y = problem("log_loss")
    options = {"alpha": [alpha], "l1_ratio": 0.3}
    dense, sparse = (
        trained(rows, y, "log_loss", rate_table("constant"), **options)[0] for rows in (X, sp.csr_matrix(X))
    )
    assert np.abs(sparse.coef - dense.coef).max() < 1000 * (ETA0 * alpha) ** 2


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", naive_sgd.LOSSES)
def test_float32_lane_is_near_the_float64_textbook(loss, penalty):
    l1_ratio, on = PENALTIES[penalty]
    X, y = problem(loss, np.float32)
    model = textbook(X.astype(float), y.astype(float), loss, "invscaling", l1_ratio=l1_ratio, penalty_on=on)
    for rows in (X, sp.csr_matrix(X)):
        assert_like(trained(rows, y, loss, rate_table("invscaling"), l1_ratio=l1_ratio, penalty_on=on)[0], model, 2e-5)


@pytest.mark.parametrize("options", [
    {"fit_intercept": False},
    {"intercept_decay": 0.01},
    {"average": 1},
    {"average": 50},
    {"average": 10**6},
    {"average": 20, "l1_ratio": 1.0},
    {"average": 20, "l1_ratio": 0.3},
    {"one_class": True},
    {"alpha": 30.0},  # the weights are set to 0 in every step: 1 - rate * alpha < 0
    {"alpha": 15.0, "average": 5},  # the scale falls below its least value every few steps
], ids=str)  # fmt: skip
def test_options_are_the_textbooks(options):
    X, y = problem("hinge")
    weight = np.random.default_rng(1).integers(0, 3, N_ROWS).astype(float)
    model = textbook(X, y, "hinge", "constant", weight, **options)
    lanes, result = trained(
        X,
        y,
        "hinge",
        rate_table("constant"),
        weight=weight[:, None],
        **options | {"alpha": [options.get("alpha", ALPHA)]},
    )
    assert_like(lanes, model, 1e-9)
    np.testing.assert_allclose(lanes.average_coef[:, 0], model.average_coef, atol=1e-9)
    np.testing.assert_allclose(lanes.average_intercept, model.average_intercept, atol=1e-9)
    for name in ("loss_sum", "weighted_loss_sum", "weight_sum", "penalty"):
        np.testing.assert_allclose(getattr(result, name), getattr(model, name), rtol=1e-9, atol=1e-12, err_msg=name)
    assert result.n_rows == N_ROWS


def test_given_rates_belong_to_positions():
    X, y = problem()
    order, values = np.arange(N_ROWS), np.linspace(0.1, 0.01, N_ROWS)
    lanes = LinearLanes(X.dtype, N_FEATURES, "squared_error", alpha=[0.0, 0.0], l1_ratio=0.0)
    rate = RateTable.steps(np.column_stack([values, np.full(N_ROWS, 0.02)]))
    for low in range(0, N_ROWS, 50):
        lanes.epoch(X, y[:, None], order, rate, start=low, stop=low + 50)
    model = naive_sgd.SGD(N_FEATURES, "squared_error", alpha=0.0, eta0=0.02).epoch(X, y, order)
    assert_like(lanes, model, 1e-12, lane=1)
    model = naive_sgd.SGD(N_FEATURES, "squared_error", alpha=0.0)
    for i in order:
        model.eta0 = values[i]
        model.step(X[i], y[i], 1.0)
    assert_like(lanes, model, 1e-12, lane=0)


def test_l1_makes_exact_zeros():
    X, y = problem()
    lanes, _ = trained(sp.csr_matrix(X), y, "squared_error", rate_table("constant"), alpha=[0.5], l1_ratio=1.0)
    assert 0 < np.count_nonzero(lanes.coef) < N_FEATURES and not np.signbit(lanes.coef[lanes.coef == 0]).any()


# ---------------------------------------------------------------------------------------------------------------------------------
# scikit-learn


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("rate", ["constant", "invscaling", "pa1"])
@pytest.mark.parametrize("penalty", [None, "l2", "l1", "elasticnet"])
@pytest.mark.parametrize("loss", ["hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error", "huber",
                                  "epsilon_insensitive", "squared_epsilon_insensitive"])  # fmt: skip
def test_lane_is_scikit_learns(loss, penalty, rate, dtype):
    from sklearn.linear_model import SGDClassifier, SGDRegressor

    if rate == "pa1" and loss not in ("hinge", "epsilon_insensitive"):
        pytest.skip("scikit-learn has it for two losses alone")
    X, y = problem(loss, dtype)
    margin = loss == "log_loss" or loss in {f.__name__ for f in naive_sgd.MARGIN}
    theirs = (SGDClassifier if margin else SGDRegressor)(
        loss=loss, penalty=penalty, alpha=ALPHA, l1_ratio=0.3, max_iter=3, tol=None, shuffle=False, learning_rate=rate, eta0=ETA0,
        power_t=POWER, epsilon=0.1,
    ).fit(X, y)  # fmt: skip
    l1_ratio, on = PENALTIES[penalty or "none"]
    lanes = LinearLanes(dtype, N_FEATURES, loss, alpha=[ALPHA], l1_ratio=l1_ratio, penalty_on=on, loss_parameter=0.1)
    for _ in range(3):
        lanes.epoch(X, y[:, None], None, rate_table(rate))
    scale = np.abs(theirs.coef_).max()
    tolerance = (1e-10 if dtype is np.float64 else 1e-4) * scale
    np.testing.assert_allclose(lanes.coef[:, 0], np.ravel(theirs.coef_), atol=tolerance)
    np.testing.assert_allclose(lanes.intercept, np.ravel(theirs.intercept_), atol=tolerance)
    assert lanes.t == theirs.t_ or rate == "pa1"  # scikit-learn's attribute counts skipped rows, its averages do not


def test_one_class_is_scikit_learns():
    from sklearn.linear_model import SGDOneClassSVM

    X, _ = problem()
    theirs = SGDOneClassSVM(nu=0.1, max_iter=3, tol=None, shuffle=False, learning_rate="constant", eta0=ETA0).fit(X)
    lanes = LinearLanes(X.dtype, N_FEATURES, "hinge", alpha=[0.1], l1_ratio=0.0, one_class=True)
    lanes.set_coef(np.zeros((N_FEATURES, 1)), 1.0)
    for _ in range(3):
        lanes.epoch(X, np.ones((N_ROWS, 1)), None, RateTable.constant(ETA0))
    np.testing.assert_allclose(lanes.coef[:, 0], theirs.coef_, atol=1e-12)
    np.testing.assert_allclose(1 - lanes.intercept, theirs.offset_, atol=1e-12)


# ---------------------------------------------------------------------------------------------------------------------------------
# The same bits


def lane_options(n_lanes, rng):
    """Return different hyperparameters for each lane."""
    return {
        "alpha": np.geomspace(1e-5, 30, n_lanes),
        "loss_parameter": np.linspace(0.05, 0.9, n_lanes),
        "l1_ratio": rng.permutation(np.linspace(0, 1, n_lanes)),
    }


def outcome(lanes, result):
    """Return everything that training has computed, lane by lane along the last axis."""
    return [lanes.coef, lanes.intercept, lanes.average_coef, lanes.average_intercept, result.loss_sum, result.penalty,
            result.weighted_loss_sum, result.weight_sum, result.finite_lanes]  # fmt: skip


@pytest.mark.parametrize("n_lanes", [1, 2, 4, 5, 8, 11, 16, 17, 39])
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize(
    ("loss", "average", "l1"),
    [("log_loss", 0, False), ("logcosh", 7, False), ("huber", 0, True), ("quantile", 7, True)],
)
def test_lanes_together_are_lanes_alone(loss, average, l1, dtype, n_lanes):
    X, y = problem(loss, dtype)
    rng = np.random.default_rng(n_lanes)
    options, rates = lane_options(n_lanes, rng), np.geomspace(1e-3, 0.5, n_lanes)
    options["l1_ratio"] = options["l1_ratio"] if l1 else np.zeros(n_lanes)
    targets = np.column_stack([np.roll(y, k) for k in range(n_lanes)])
    weight = rng.integers(0, 3, (N_ROWS, n_lanes)).astype(float)
    for rows in (X, sp.csr_matrix(X)):
        together = trained(
            rows, targets, loss, rate_table("invscaling", eta0=rates), weight=weight, average=average, **options
        )
        for lane in rng.permutation(n_lanes)[:5]:
            own = {name: values[lane : lane + 1] for name, values in options.items()}
            part = slice(lane, lane + 1)
            alone = trained(
                rows,
                targets[:, part],
                loss,
                rate_table("invscaling", eta0=rates[part]),
                weight=weight[:, part],
                average=average,
                **own,
            )
            for found, expected in zip(outcome(*together), outcome(*alone), strict=True):
                assert np.array_equal(found[..., lane], expected[..., 0]), (lane, found[..., lane], expected[..., 0])


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("loss", naive_sgd.LOSSES)
def test_every_level_gives_the_same_bits(loss, dtype, monkeypatch):
    X, y = problem(loss, dtype, seed=5)
    load = execute.lane_table
    outcomes = []
    for level, n_lanes in itertools.product(LEVELS, (1, 16)):
        monkeypatch.setattr(execute, "lane_table", lambda level=level: load(level))
        options = {"l1_ratio": 0.2, "average": 9, "alpha": np.full(n_lanes, ALPHA)}
        found = [trained(rows, y, loss, rate_table("invscaling"), **options) for rows in (X, sp.csr_matrix(X))]
        outcomes.append([array[..., -1] for pair in found for array in outcome(*pair)])
    for other in outcomes[1:]:
        for a, b in zip(outcomes[0], other, strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("options", [{}, {"l1_ratio": 0.4}, {"average": 30, "l1_ratio": 1.0}], ids=str)
def test_resuming_in_mid_epoch_changes_no_bit(options):
    X, y = problem("log_loss")
    rows = sp.csr_matrix(X)
    alphas = np.geomspace(1e-4, 1, 19)
    order, rate = orders(N_ROWS)[0], rate_table("invscaling")

    def fresh():
        return LinearLanes(X.dtype, N_FEATURES, "log_loss", **{"alpha": alphas, "l1_ratio": 0.0} | options)

    whole, first, second = fresh(), fresh(), fresh()
    whole.epoch(rows, y[:, None], order, rate)
    first.epoch(rows, y[:, None], order, rate, stop=70)
    first.coef, first.average_coef, first.decision(rows)  # reading must not change the future
    second.set_state(first.state())
    second.epoch(rows, y[:, None], order, rate, start=70)
    for key, value in whole.state().items():
        if key.startswith("lanes"):  # the sums over a call are the call's
            kept = slice(0, execute.lane_table().STATE["loss"])
            value, other = value[kept], second.state()[key][kept]
        else:
            other = second.state()[key]
        assert np.array_equal(value, other), key


def test_a_diverging_lane_disturbs_no_other():
    X, y = problem()
    rates = np.array([0.01, 1e300, 0.01])
    lanes, result = trained(X, y, "squared_error", RateTable.constant(rates), n_lanes=3, penalty_on=False)
    alone, _ = trained(X, y, "squared_error", RateTable.constant(0.01), penalty_on=False)
    assert result.finite_lanes.tolist() == [True, False, True] and not result.finite
    assert np.array_equal(lanes.coef[:, 0], alone.coef[:, 0]) and np.array_equal(lanes.coef[:, 2], alone.coef[:, 0])


# ---------------------------------------------------------------------------------------------------------------------------------
# The losses in lanes


def lane_loss(name, dtype, width, z, y, hyper, level=None):
    """Return values and slopes by the compiled loop over `width` lanes."""
    address = execute.lane_table(*([level] if level else [])).LOSSES[name, np.dtype(dtype).name, width]
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5)(address)
    value, slope, parameter = np.empty_like(z), np.empty_like(z), np.full(width, hyper, dtype)
    for low in range(0, len(z), width):
        columns = [a[low : low + width] for a in (z, y)]
        call(*(a.ctypes.data for a in (*columns, parameter, value[low:], slope[low:])))
    return value, slope


def lane_slope(name, dtype, z, y, hyper, level):
    """Return slopes by the compiled function of one lane."""
    number = ctypes.c_float if dtype is np.float32 else ctypes.c_double
    address = execute.lane_table(level).SLOPES[name, np.dtype(dtype).name]
    call = ctypes.CFUNCTYPE(number, number, number, ctypes.c_void_p)(address)
    parameter = np.full(1, hyper, dtype)
    return np.array([call(a, b, parameter.ctypes.data) for a, b in zip(z, y, strict=True)], dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", FORMULAS)
def test_lane_loss_is_the_one_formula(name, dtype):
    """Up to its own exponential and logarithm, and on every level and number of lanes the same."""
    rng = np.random.default_rng(0)
    z = np.concatenate(
        [
            rng.standard_normal(400) * 10.0 ** rng.uniform(-4, 1.5, 400),
            [0, -0.0, 1, -1, 80, -80, 700, -700, 1e4, -1e4, math.nan],
        ]
    )
    z = np.concatenate([z, np.zeros(-len(z) % 16)]).astype(dtype)
    y = np.where(rng.random(len(z)) < 0.5, 1, 0 if name in ("log_loss", "focal") else -1).astype(dtype)
    y = abs(y) if name in {f.__name__ for f in naive_sgd.POSITIVE} else y
    parameter = naive_sgd.PARAMETER.get(name, 0.25)
    n_hyper = len(execute.hyper_names(FORMULAS[name]))
    expected = run_interpreted(FORMULAS[name], [z, y], [parameter] * n_hyper)
    first = lane_loss(name, dtype, 16, z, y, parameter)
    eps, scale = np.finfo(dtype).eps, 1 + np.nan_to_num(abs(z) * abs(y))
    for found, wanted in zip(first, expected, strict=True):
        finite = np.isfinite(wanted)
        assert np.array_equal(np.isnan(found), np.isnan(wanted)) and np.array_equal(
            found[~finite], wanted[~finite], equal_nan=True
        )
        assert (abs(found[finite] - wanted[finite]) <= 6 * eps * (scale + abs(wanted))[finite]).all()
    for level, width in itertools.product(LEVELS, emit.LANES):
        for found, same in zip(lane_loss(name, dtype, width, z, y, parameter, level), first, strict=True):
            assert np.array_equal(found, same, equal_nan=True)
    for level in LEVELS:
        assert np.array_equal(lane_slope(name, dtype, z, y, parameter, level), first[1], equal_nan=True)


def test_generated_loops_are_fresh(capsys):
    assert emit.main(["--check"]) == 0, capsys.readouterr().out


# ---------------------------------------------------------------------------------------------------------------------------------
# Calls


def test_decision_is_the_product():
    for dtype, n_lanes in itertools.product(DTYPES, (1, 3, 18)):
        X, y = problem("log_loss", dtype)
        lanes, _ = trained(X, y, "log_loss", rate_table("constant"), n_lanes=n_lanes, l1_ratio=0.5)
        expected = X.astype(float) @ lanes.coef + lanes.intercept
        for rows in (X, sp.csr_matrix(X)):
            found = lanes.decision(rows)
            assert found.dtype == dtype and found.shape == (N_ROWS, n_lanes)
            np.testing.assert_allclose(found, expected, atol=1e-5 if dtype is np.float32 else 1e-12)


@pytest.mark.parametrize(("change", "named"), [
    ({"order": np.array([0, -1])}, "order"),
    ({"order": np.array([N_ROWS])}, "order"),
    ({"targets": np.zeros((N_ROWS, 2))}, "targets"),
    ({"row_weight": np.zeros(N_ROWS)}, "row_weight"),
    ({"rows": np.zeros((N_ROWS, N_FEATURES), np.float32)}, "rows"),
    ({"rows": np.zeros((N_ROWS, N_FEATURES + 1))}, "rows"),
], ids=str)  # fmt: skip
def test_refusals_change_nothing(change, named):
    X, y = problem()
    lanes = LinearLanes(X.dtype, N_FEATURES, "squared_error", alpha=[ALPHA], l1_ratio=0.0)
    call = {"rows": X, "targets": y[:, None], "order": None, "rate": RateTable.constant(0.1)} | change
    with pytest.raises(ValueError, match=named):
        lanes.epoch(**call)
    assert lanes.t == 1 and not lanes.coef.any()


def test_control_c_ends_an_epoch_between_slices():
    X, y = problem(n_rows=50)
    lanes = LinearLanes(X.dtype, N_FEATURES, "squared_error", alpha=[ALPHA], l1_ratio=0.0)
    timer = threading.Timer(0.05, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(1000):
            lanes.epoch(X, y[:, None], np.zeros(10**6, np.int64), RateTable.constant(0.001))
    assert np.isfinite(lanes.coef).all() and lanes.t > 1
