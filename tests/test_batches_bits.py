"""Batches in lanes: K lanes are K fits, bit for bit, on every level; features catch up with what they missed; interrupts; refusals."""

import _thread
import gc
import itertools
import math
import threading

import numpy as np
import pytest
import scipy.sparse as sp

import fastgd
from fastgd import optimizers
from fastgd._kernels import execute
from fastgd._training import batch_tables
from fastgd._training.batch_scalars import RuleScalars
from fastgd._training.rates import RateTable

from . import naive_sgd
from .batch_cases import FEW, OPTIMIZERS, classes, make, ours, rare, trained
from .executors import LEVELS
from .test_lanes import ALPHA, DTYPES, N_FEATURES, N_ROWS, orders, outcome, problem, rate_table

# ---------------------------------------------------------------------------------------------------------------------------------
# The same bits


def lane_options(n_lanes, rng):
    return {
        "alpha": np.geomspace(1e-5, 30, n_lanes),
        "loss_parameter": np.linspace(0.05, 0.9, n_lanes),
        "l1_ratio": rng.permutation(np.linspace(0, 1, n_lanes)),
        "clip_norm": rng.permutation(np.geomspace(0.01, 10, n_lanes)),
    }


def everything(lanes, result):
    slots = [
        a[:, : lanes.n_lanes]
        for n, a in lanes.state().items()
        if getattr(a, "shape", ()) and a.ndim == 2 and len(a) > N_FEATURES
    ]
    return [*outcome(lanes, result), *slots, result.grad_norm, result.clipped]


@pytest.mark.parametrize("n_lanes", [1, 3, 8, 16, 39])
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize(
    ("loss", "average", "name"),
    [
        ("log_loss", 0, "sgd"),
        ("logcosh", 7, "adam"),
        ("huber", 0, "ftrl"),
        ("quantile", 7, "momentum"),
        ("hinge", 0, "adamw"),
    ],
)
def test_lanes_together_are_lanes_alone(loss, average, name, dtype, n_lanes):
    X, y = problem(loss, dtype)
    rng = np.random.default_rng(n_lanes)
    options, rates = lane_options(n_lanes, rng), np.geomspace(1e-3, 0.5, n_lanes)
    targets = np.column_stack([np.roll(y, k) for k in range(n_lanes)])
    weight = rng.integers(0, 3, (N_ROWS, n_lanes)).astype(float)
    common = {"average": average, "optimizer": ours(name), "batch_size": 11}
    for rows in (X, sp.csr_matrix(X)):
        together = trained(
            rows, targets, loss, rate_table("invscaling", eta0=rates), weight=weight, **common, **options
        )
        for lane in rng.permutation(n_lanes)[:4]:
            part = slice(lane, lane + 1)
            own = {option: values[part] for option, values in options.items()}
            alone = trained(
                rows, targets[:, part], loss, rate_table("invscaling", eta0=rates[part]), weight=weight[:, part], **common, **own
            )  # fmt: skip
            for found, expected in zip(everything(*together), everything(*alone), strict=True):
                assert np.array_equal(found[..., lane], expected[..., 0]), (lane, found[..., lane], expected[..., 0])


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
def test_softmax_models_together_are_models_alone(dtype):
    X, y = classes(dtype)
    alphas, rates, clips = np.geomspace(1e-4, 1, 7), np.geomspace(0.01, 0.5, 7), np.geomspace(0.01, 1, 7)
    common = {"n_outputs": 5, "optimizer": ours("adam")}
    for rows in (X, sp.csr_matrix(X)):
        together = trained(
            rows, y, "softmax", rate_table("constant", eta0=np.repeat(rates, 5)), alpha=np.repeat(alphas, 5), clip_norm=np.repeat(clips, 5),
            **common,
        )  # fmt: skip
        for m in range(7):
            alone = trained(
                rows, y, "softmax", rate_table("constant", eta0=rates[m]), alpha=np.full(5, alphas[m]), clip_norm=clips[m], **common
            )  # fmt: skip
            for found, expected in zip(everything(*together), everything(*alone), strict=True):
                assert np.array_equal(found[..., 5 * m : 5 * m + 5], expected)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_level_gives_the_same_bits(name, dtype, monkeypatch):
    X, y = problem("log_loss", dtype, seed=5)
    codes = classes(dtype)[1]
    load = execute.lane_table
    outcomes = []
    for level, n_lanes in itertools.product(LEVELS, (5, 20)):
        monkeypatch.setattr(execute, "lane_table", lambda level=level: load(level))
        options = {
            "l1_ratio": 0.2,
            "average": 9,
            "alpha": np.full(n_lanes, ALPHA),
            "optimizer": ours(name),
            "clip_norm": 0.3,
        }
        cases = [("log_loss", y, {}), ("softmax", codes, {"n_outputs": 5})]
        found = [
            trained(rows, targets, loss, rate_table("invscaling"), **options, **own)
            for rows, (loss, targets, own) in itertools.product((X, sp.csr_matrix(X)), cases)
        ]
        outcomes.append([array[..., -5:] for pair in found for array in everything(*pair)])
    for other in outcomes[1:]:
        for a, b in zip(outcomes[0], other, strict=True):
            assert np.array_equal(a, b)


def test_order_of_indices_and_strides_do_not_matter():
    X, y = problem("log_loss")
    wide = np.zeros((N_ROWS, 2 * N_FEATURES))
    wide[:, :N_FEATURES] = X
    long = sp.csr_matrix(X)
    long.indices, long.indptr = long.indices.astype(np.int64), long.indptr.astype(np.int64)
    for pair in ((X, wide[:, :N_FEATURES]), (sp.csr_matrix(X), long)):
        a, b = (trained(rows, y, "log_loss", rate_table("constant"), optimizer=ours("adam"))[0].coef for rows in pair)
        assert np.array_equal(a, b)


@pytest.mark.parametrize("options", [{}, {"average": 20}, {"l1_ratio": 0.4}], ids=str)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_resuming_in_mid_epoch_changes_no_bit(name, options):
    X, y = rare()
    alphas = np.geomspace(1e-4, 1, 19)
    order, rate = orders(len(X))[0], rate_table("invscaling")
    for rows in (X, sp.csr_matrix(X)):
        whole, first, second = (
            make(X, "log_loss", batch_size=4, optimizer=ours(name), **{"alpha": alphas} | options) for _ in range(3)
        )
        for lanes in (whole, first):
            lanes.epoch(rows, y[:, None], order, rate)
        began = first.t
        whole.epoch(rows, y[:, None], order, rate)
        first.epoch(rows, y[:, None], order, rate, stop=120)
        first.coef, first.average_coef, first.decision(rows)  # reading must not change the future
        second.set_state(first.state())
        second.epoch(rows, y[:, None], order, rate, start=120, began=began)
        found, expected = second.state(), whole.state()
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert np.array_equal(value, found[key]), key


def test_a_diverging_lane_disturbs_no_other_and_says_so():
    X, y = problem()
    rates = np.array([0.01, 1e300, 0.01])
    for rows, name in itertools.product((X, sp.csr_matrix(X)), FEW):
        lanes, result = trained(
            rows, y, "squared_error", RateTable.constant(rates), n_lanes=3, penalty_on=False, optimizer=ours(name)
        )
        alone, _ = trained(rows, y, "squared_error", RateTable.constant(0.01), penalty_on=False, optimizer=ours(name))
        if name != "adam":
            assert result.finite_lanes.tolist() == [True, False, True] and not result.finite
        assert np.array_equal(lanes.coef[:, 0], alone.coef[:, 0]) and np.array_equal(lanes.coef[:, 2], alone.coef[:, 0])


# ---------------------------------------------------------------------------------------------------------------------------------
# Catching up


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_catching_up_in_several_goes_is_dense(name, monkeypatch):
    """The history is begun anew every few steps; decay so strong that its product leaves the range of float64."""
    X, y = rare()
    monkeypatch.setattr(batch_tables, "CAPACITIES", (37, 37))
    options = {
        "optimizer": ours(name),
        "batch_size": 1,
        "alpha": [ALPHA, 15.0, 19.999, 20.0, 50.0],
        "l1_ratio": [0, 0, 0, 0.1, 0.5],
    }
    found = []
    for rows in (X, sp.csr_matrix(X)):
        lanes, _ = trained(rows, y, "log_loss", rate_table("constant"), 5, **options)
        found.append(lanes.coef)
    np.testing.assert_allclose(*found, atol=1e-8)


def test_decay_neither_overflows_nor_underflows():
    """A feature rests while its decay becomes 1e-700 and less: the factor is 0, and others are as they should be."""
    rows = sp.csr_matrix(np.eye(3)[[0] + [1] * 500 + [2, 0]])
    y = np.ones((503, 1))
    lanes = [
        make(X, "squared_error", alpha=[18.0, 0.1], batch_size=1, fit_intercept=False) for X in (rows, rows.toarray())
    ]
    for one, X in zip(lanes, (rows, rows.toarray()), strict=True):
        one.epoch(X, y, None, RateTable.constant(0.05))
    np.testing.assert_allclose(lanes[0].coef, lanes[1].coef, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize(
    "name", ["momentum", "nesterov", "rmsprop momentum", "adam", "amsgrad", "adamax", "nadam", "radam"]
)
def test_momentum_that_is_left_out_moves_nothing(name, dtype):
    """The steps that are run one by one suffice: what the rest would move is below a rounding of the first move."""
    optimizer = ours(name).replace(
        **{"momentum": 0.9} if "momentum" in name or name == "nesterov" else {"betas": (0.9, 0.99)}
    )
    head = RuleScalars(optimizer, np.dtype(dtype), 1.0).idle(True, 10**6).head
    options = optimizer.betas if hasattr(optimizer, "betas") else (optimizer.momentum, 1.0)
    b2 = {"amsgrad": 1.0, "adamax": options[1] ** 2}.get(name, options[1])
    ratio = options[0] / math.sqrt(b2)
    assert ratio**head / (1 - ratio) < np.finfo(dtype).eps / 3 and head < 600


def test_scalars_of_many_steps_are_those_of_each():
    """With libm's bits; schedules of hyperparameters included."""
    linear = fastgd.schedules.linear
    every = [ours(name) for name in OPTIMIZERS] + [
        optimizers.SGD(momentum=linear(0.9, 30)), optimizers.Adam(betas=(linear(0.9, 30), 0.999), clip_value=linear(1.0, 30)),
        optimizers.NAdam(momentum_decay=linear(0.1, 50)), optimizers.RAdam(), optimizers.FTRL(beta=linear(1.0, 40)),
    ]  # fmt: skip
    rates = np.geomspace(0.1, 0.01, 25)[:, None] * np.array([1.0, 0.3])
    for optimizer in every:
        many, single = (RuleScalars(optimizer, np.dtype(float), 1.0) for _ in range(2))
        for rules in (many, single):
            rules.initial(0, rates[0], np.ones((3, 2)))
        whole = many.table(0, rates)
        many.go_on(25)
        for step in range(25):
            for found, expected in zip(single.table(step, rates[step : step + 1]), whole, strict=True):
                assert np.array_equal(found[0], expected[step]), optimizer
            single.go_on(1)
        assert {n: a.tolist() for n, a in many.state().items() if n != "began"} == {
            n: a.tolist() for n, a in single.state().items() if n != "began"
        }


# ---------------------------------------------------------------------------------------------------------------------------------
# Calls


def test_a_rate_of_zero_measures():
    X, y = problem("log_loss")
    for rows, name in itertools.product((X, sp.csr_matrix(X)), OPTIMIZERS):
        lanes, _ = trained(rows, y, "log_loss", rate_table("constant"), optimizer=ours(name))
        before = lanes.state()
        still = lanes.epoch(rows, y[:, None], None, RateTable.constant(0.0))
        expected = naive_sgd.SGD(N_FEATURES, "log_loss", alpha=0.0, eta0=0.0)
        expected.coef, expected.intercept = lanes.coef[:, 0], lanes.intercept[0]
        np.testing.assert_allclose(still.loss_sum, expected.epoch(X, y, np.arange(N_ROWS)).loss_sum)
        after = lanes.state()
        assert all(np.array_equal(value, after[key]) for key, value in before.items() if key not in ("t", "sizes"))


def test_begins_from_given_weights():
    X, y = problem("log_loss")
    coef = np.random.default_rng(0).standard_normal((N_FEATURES, 1))
    for rows, name in itertools.product((X, sp.csr_matrix(X)), OPTIMIZERS):
        lanes, _ = trained(rows, y, "log_loss", rate_table("constant"), optimizer=ours(name))
        lanes.set_coef(coef, 0.5)
        assert np.array_equal(lanes.coef, coef) and lanes.intercept == 0.5
        lanes.epoch(rows, y[:, None], None, rate_table("constant"))
        fresh = make(X, "log_loss", optimizer=ours(name))
        fresh.set_coef(coef, 0.5)
        fresh.epoch(rows, y[:, None], None, rate_table("constant"))
        assert np.array_equal(lanes.coef, fresh.coef) and np.isfinite(lanes.coef).all()


@pytest.mark.parametrize(("change", "named"), [
    ({"order": np.array([0, -1])}, "order"),
    ({"order": np.array([N_ROWS])}, "order"),
    ({"targets": np.zeros((N_ROWS, 2))}, "targets"),
    ({"row_weight": np.zeros(N_ROWS)}, "row_weight"),
    ({"rows": np.zeros((N_ROWS, N_FEATURES), np.float32)}, "rows"),
    ({"rows": np.zeros((N_ROWS, N_FEATURES + 1))}, "rows"),
    ({"rate": RateTable.pa1(0.1)}, "rate"),
    ({"start": 3}, "start"),
], ids=str)  # fmt: skip
def test_refusals_change_nothing(change, named):
    X, y = problem()
    lanes = make(X, "squared_error")
    call = {"rows": X, "targets": y[:, None], "order": None, "rate": RateTable.constant(0.1)} | change
    with pytest.raises(ValueError, match=named):
        lanes.epoch(**call)
    assert lanes.t == 1 and not lanes.coef.any()


@fastgd.rule
def Plain(p, g, /, lr=0.1):
    return p - lr * g


@pytest.mark.parametrize(("options", "message"), [
    ({"optimizer": Plain()}, "built-in optimizer"),
    ({"optimizer": "adam"}, "optimizer"),
    ({"optimizer": optimizers.SGD(maximize=True)}, "maximize=False"),
    ({"optimizer": optimizers.SGD(on_nonfinite="zero")}, "on_nonfinite"),
    ({"optimizer": optimizers.Adam(eps=fastgd.schedules.plateau(0.1))}, "eps"),
    ({"optimizer": optimizers.SGD(clip_norm=fastgd.schedules.linear(1.0, 10))}, "clip_norm"),
    ({"clip_norm": -1.0}, "clip_norm"),
    ({"n_outputs": 2}, "n_outputs"),
    ({"loss": "softmax"}, "n_outputs"),
    ({"loss": "softmax", "n_outputs": 2}, "n_outputs"),
    ({"loss": "huber", "loss_parameter": None}, "loss_parameter"),
], ids=str)  # fmt: skip
def test_what_it_cannot_do_is_refused(options, message):
    loss = options.pop("loss", "squared_error")
    with pytest.raises((ValueError, TypeError), match=message):
        make(np.zeros((3, 2)), loss, **options)
    options["loss"] = loss


def test_coupled_decay_of_sparse_rows_and_codes_out_of_range_are_refused():
    X, y = problem()
    lanes = make(X, "squared_error", optimizer=optimizers.Adam(weight_decay=0.1))
    with pytest.raises(ValueError, match="Use alpha="):
        lanes.epoch(sp.csr_matrix(X), y[:, None], None, RateTable.constant(0.1))
    lanes = make(X, "softmax", 2, n_outputs=2)
    for bad in (np.full((N_ROWS, 1), 2.0), np.full((N_ROWS, 1), -1.0), np.full((N_ROWS, 1), 0.5)):
        with pytest.raises(ValueError, match="targets"):
            lanes.epoch(X, bad, None, RateTable.constant(0.1))
    with pytest.raises(ValueError, match="lr"):
        make(X, "squared_error", optimizer=ours("ftrl")).epoch(X, y[:, None], None, RateTable.constant([0.0, 0.1]))


@pytest.mark.parametrize("name", ["momentum", "nadam", "ftrl"])
def test_control_c_ends_an_epoch_between_slices(name):
    """And what was done until then is as if it had been asked for."""
    X, y = problem(n_rows=50)
    for rows in (X, sp.csr_matrix(X)):
        lanes = make(X, "squared_error", optimizer=ours(name), batch_size=100)
        order = np.zeros(10**7, np.int64) + np.arange(10**7) % 50
        timer = threading.Timer(0.05, _thread.interrupt_main)
        gc.disable()  # in a callback of the collector, such as Hypothesis has, the interrupt would be lost
        try:
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                for _ in range(20):
                    lanes.epoch(rows, y[:, None], order, RateTable.invscaling(0.001, 0.5))
        finally:
            gc.enable()
        done = int(lanes.t) - 1
        if 0 < done < 10**5:
            again = make(X, "squared_error", optimizer=ours(name), batch_size=100)
            again.epoch(rows, y[:, None], order[: done * 100], RateTable.invscaling(0.001, 0.5))
            for one in (lanes, again):
                one.epoch(rows, y[:, None], order[:1000], RateTable.invscaling(0.001, 0.5))
            np.testing.assert_allclose(lanes.coef, again.coef, rtol=1e-10)
