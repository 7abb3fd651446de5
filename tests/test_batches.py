"""Mini-batches are the textbook's, with every loss, penalty and optimizer, on dense and on sparse rows."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.special

import fastgd
from fastgd import optimizers
from fastgd._training.batches import BatchLanes
from fastgd._training.linear import LinearLanes
from fastgd._training.rates import RateTable

from . import naive_batches, naive_sgd
from .batch_cases import FEW, OPTIMIZERS, assert_like, classes, make, ours, rare, textbook, textbooks, trained
from .test_lanes import ALPHA, DTYPES, N_FEATURES, N_ROWS, PENALTIES, orders, problem, rate_table

# ---------------------------------------------------------------------------------------------------------------------------------
# The textbook


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", naive_sgd.LOSSES)
def test_batches_are_the_textbooks(loss, penalty, name):
    l1_ratio, on = PENALTIES[penalty]
    X, y = problem(loss)
    model = textbook(X, y, loss, "invscaling", l1_ratio=l1_ratio, penalty_on=on, optimizer=textbooks(name))
    for rows in (X, sp.csr_matrix(X)):
        lanes, result = trained(
            rows, y, loss, rate_table("invscaling"), l1_ratio=l1_ratio, penalty_on=on, optimizer=ours(name)
        )
        assert_like(lanes, result, model, 1e-9)
        np.testing.assert_allclose(result.grad_norm * 8, model.grad_norm, rtol=1e-7)
        # of sparse weights the penalty counts what features have not caught up with, too
        np.testing.assert_allclose(result.penalty, model.penalty, rtol=0.05 if sp.issparse(rows) else 1e-7, atol=1e-9)
        assert result.finite and result.finite_lanes.all() and result.clipped is None and result.n_rows == N_ROWS


@pytest.mark.parametrize("rate", ["constant", "invscaling"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_the_textbooks_on_dense_and_sparse_rows(name, penalty, rate):
    """On sparse rows most features miss most steps: they must catch up with what dense rows do."""
    l1_ratio, on = PENALTIES[penalty]
    X, y = rare()
    options = {"l1_ratio": l1_ratio, "penalty_on": on, "batch_size": 2}
    model = textbook(X, y, "log_loss", rate, optimizer=textbooks(name), **options)
    for rows in (X, sp.csr_matrix(X)):
        lanes, result = trained(rows, y, "log_loss", rate_table(rate), optimizer=ours(name), **options)
        assert_like(lanes, result, model, 1e-8)
        assert np.array_equal(lanes.coef[:, 0] == 0, model.coef[:, 0] == 0) or penalty not in ("l1", "elasticnet")
        found = lanes.state()
        for slot in set(model.optimizer.state) & set(found):
            wanted = model.optimizer.state[slot][0]
            np.testing.assert_allclose(found[slot][:-1], wanted, atol=1e-8 * np.abs(wanted).max(), err_msg=slot)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float32_rows_are_near_the_float64_textbook(name):
    X, y = rare(np.float32)
    eps = (
        {"eps": 1e-2} if "eps" in ours(name).__dataclass_fields__ else {}
    )  # a rounded small gradient is not divided by itself
    model = textbook(
        X.astype(float), y.astype(float), "log_loss", "invscaling", l1_ratio=0.3, optimizer=textbooks(name, **eps)
    )
    for rows in (X, sp.csr_matrix(X)):
        lanes, result = trained(
            rows, y, "log_loss", rate_table("invscaling"), l1_ratio=0.3, optimizer=ours(name, **eps)
        )
        if name in ("lion", "signum", "signsgd", "rprop"):  # a sign may turn by rounding
            assert np.abs(lanes.coef - model.coef).max() < 0.2
        else:
            assert_like(lanes, result, model, 2e-5)


@pytest.mark.parametrize("options", [
    {"fit_intercept": False},
    {"average": 1},
    {"average": 10},
    {"average": 10**6},
    {"average": 5, "l1_ratio": 0.3},
    {"one_class": True},
    {"alpha": 30.0},  # the weights are set to 0 in every step: 1 - rate * alpha < 0
    {"batch_size": 1},
    {"batch_size": 7, "average": 3},
    {"batch_size": 10**6},
    {"clip_norm": 0.1},
    {"clip_norm": 0.1, "fit_intercept": False},
    {"optimizer": "coupled"},
], ids=str)  # fmt: skip
def test_options_are_the_textbooks(options):
    X, y = problem("hinge")
    weight = np.random.default_rng(1).integers(0, 3, N_ROWS).astype(float)
    coupled = {"momentum": 0.5, "weight_decay": 0.3}
    theirs = {"optimizer": ("SGD", coupled)} if "optimizer" in options else {}
    own = {"optimizer": optimizers.SGD(**coupled)} if "optimizer" in options else {}
    model = textbook(X, y, "hinge", "constant", weight, **options | theirs)
    for rows in (X, sp.csr_matrix(X)):
        if own and sp.issparse(rows):
            continue  # refused; see below
        lanes, result = trained(
            rows, y, "hinge", rate_table("constant"), weight=weight[:, None], **options | own | {"alpha": [options.get("alpha", ALPHA)]}
        )  # fmt: skip
        assert_like(lanes, result, model, 1e-9)
        np.testing.assert_allclose(lanes.average_coef, model.average_coef, atol=1e-9)
        np.testing.assert_allclose(lanes.average_intercept, model.average_intercept, atol=1e-9)
        np.testing.assert_allclose(result.weight_sum, weight.sum())
        n_steps = lanes.n_steps(N_ROWS)
        np.testing.assert_allclose(result.grad_norm * n_steps, model.grad_norm, rtol=1e-7)
        if "clip_norm" in options:
            np.testing.assert_allclose(result.clipped * n_steps, model.clipped)
            assert result.clipped[0] > 0


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("loss", naive_sgd.LOSSES)
def test_batches_of_one_row_are_the_engine_by_rows(loss, dtype):
    X, y = problem(loss, dtype)
    weight = np.random.default_rng(1).integers(0, 3, (N_ROWS, 1)).astype(float)
    options = {
        "alpha": np.geomspace(1e-4, 1, 3),
        "l1_ratio": 0.0,
        "loss_parameter": 0.1,
        "average": 40,
        "intercept_decay": 0.1,
    }
    for rows in (X, sp.csr_matrix(X)):
        both = []
        for kind in (LinearLanes, BatchLanes):
            lanes = kind(dtype, N_FEATURES, loss, **options)
            for order in orders(N_ROWS):
                result = lanes.epoch(rows, y[:, None], order, rate_table("invscaling"), weight)
            both.append([lanes.coef, lanes.intercept, lanes.average_coef, lanes.average_intercept, result.loss_sum, result.grad_norm,
                         result.weighted_loss_sum, result.weight_sum, lanes.decision(rows), lanes.t])  # fmt: skip
        for a, b in zip(*both, strict=True):
            np.testing.assert_allclose(
                a, b, atol=1e-11 if dtype is np.float64 else 1e-4, rtol=1e-11 if dtype is np.float64 else 1e-4
            )


def test_weights_of_a_full_batch_are_repetitions():
    X, y = problem("log_loss")
    weight = np.random.default_rng(1).integers(0, 4, (N_ROWS, 1)).astype(float)
    often = np.repeat(np.arange(N_ROWS), weight[:, 0].astype(int))
    for rows in (X, sp.csr_matrix(X)):
        both = []
        for order, given in ((None, weight), (often, None)):
            lanes = make(X, "log_loss", batch_size=10**6, optimizer=optimizers.Adam())
            for _ in range(5):
                lanes.epoch(rows, y[:, None], order, rate_table("constant"), given)
            both.append(lanes.coef)
        np.testing.assert_allclose(*both, atol=1e-12)


def test_given_rates_belong_to_steps():
    X, y = problem()
    values = np.linspace(0.1, 0.01, 8)
    lanes = make(X, "squared_error", alpha=[0.0, 0.0])
    rate = RateTable.steps(np.column_stack([values, np.full(8, 0.02)]))
    for low in range(0, N_ROWS, 48):
        lanes.epoch(X, y[:, None], None, rate, start=low, stop=low + 48)
    for lane, eta in enumerate((values, np.full(8, 0.02))):
        model = naive_batches.Batches(N_FEATURES, "squared_error", alpha=0.0)
        model.optimizer.options["lr"] = model.free.options["lr"] = lambda t, eta=eta: eta[t]
        model.epoch(X, y, np.arange(N_ROWS))
        np.testing.assert_allclose(lanes.coef[:, lane], model.coef[:, 0], atol=1e-12)


@pytest.mark.parametrize("n_lanes", [1, 5])
def test_wide_rows_are_predicted_a_few_at_a_time(n_lanes):
    """And the same as narrow ones: here most features are in no row."""
    X, y = problem("log_loss", n_rows=37)
    wide = np.zeros((37, 40000))
    wide[:, :: 40000 // N_FEATURES + 1] = X
    for narrow, rows in ((X, wide), (sp.csr_matrix(X), sp.csr_matrix(wide))):
        lanes, few = (
            trained(r, y, "log_loss", rate_table("constant"), n_lanes, optimizer=ours("adam"))[0]
            for r in (rows, narrow)
        )
        np.testing.assert_allclose(lanes.coef[:: 40000 // N_FEATURES + 1], few.coef, atol=1e-12)
        np.testing.assert_allclose(lanes.decision(rows), few.decision(narrow), atol=1e-12)


def test_scheduled_hyperparameters_follow_the_step():
    X, y = rare()
    schedule = fastgd.schedules.linear(0.9, 300)
    model = textbook(X, y, "log_loss", "constant", optimizer=("SGD", {"momentum": lambda t: schedule(t)}))
    for rows in (X, sp.csr_matrix(X)):
        lanes, result = trained(
            rows, y, "log_loss", rate_table("constant"), optimizer=optimizers.SGD(momentum=schedule)
        )
        assert_like(lanes, result, model, 1e-9)


# ---------------------------------------------------------------------------------------------------------------------------------
# Softmax


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.2}, {"l1_ratio": 0.4}], ids=str)
def test_softmax_is_the_textbooks(options, name):
    X, y = classes()
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 3, (N_ROWS, 4)).astype(float)
    alphas = np.geomspace(1e-3, 1, 4)
    for rows in (X, sp.csr_matrix(X)):
        lanes, result = trained(
            rows, y, "softmax", rate_table("constant"), weight=weight, n_outputs=5, optimizer=ours(name),
            alpha=np.repeat(alphas, 5), **options,
        )  # fmt: skip
        for m in range(4):
            model = textbook(
                X, y, "softmax", "constant", weight[:, m], n_outputs=5, optimizer=textbooks(name), **options | {"alpha": alphas[m]}
            )  # fmt: skip
            part = slice(5 * m, 5 * m + 5)
            assert_like(lanes, result, model, 1e-9, part)
            np.testing.assert_allclose(result.grad_norm[part] * 8, model.grad_norm)
            assert result.loss_sum[part][1:].tolist() == [0] * 4


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
def test_softmax_is_scipys_and_stable(dtype):
    rng = np.random.default_rng(0)
    z = rng.standard_normal((64, 10)) * 10.0 ** rng.uniform(-3, 2.5, (64, 1))
    y = rng.integers(0, 10, 64)
    lanes = BatchLanes(dtype, 64, "softmax", alpha=np.zeros(10), l1_ratio=0, n_outputs=10, batch_size=100)
    lanes.set_coef(z, 0.0)
    still = lanes.epoch(np.eye(64, dtype=dtype), y[:, None], None, RateTable.constant(0.0))
    z = z.astype(dtype).astype(float)
    expected = -scipy.special.log_softmax(z, axis=1)[np.arange(64), y]
    np.testing.assert_allclose(still.loss_sum[0], expected.sum(), rtol=20 * np.finfo(dtype).eps)
    lanes.epoch(np.eye(64, dtype=dtype), y[:, None], None, RateTable.constant(64.0))
    moved = z - lanes.coef
    np.testing.assert_allclose(moved, scipy.special.softmax(z, axis=1) - np.eye(10)[y], atol=1e3 * np.finfo(dtype).eps)
