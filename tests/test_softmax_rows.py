"""Softmax row by row: the textbook's, the batch engine's, and the same bits in any company."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

from fastgd._kernels import execute
from fastgd._training.batches import BatchLanes
from fastgd._training.coded import Coded
from fastgd._training.linear import LinearLanes
from fastgd._training.rates import RateTable
from fastgd._validation import ArgumentValueError
from fastgd.linear_model import SGDClassifier

from . import naive_batches
from .executors import LEVELS

N_ROWS, N_FEATURES, ALPHA = 150, 21, 0.01


def problem(n_classes, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N_ROWS, N_FEATURES)) * (rng.random((N_ROWS, N_FEATURES)) < 0.5)
    y = (X @ rng.standard_normal((N_FEATURES, n_classes)) + rng.standard_normal((N_ROWS, n_classes))).argmax(axis=1)
    return X.astype(dtype), y[:, None].astype(dtype)


def order(epoch):
    return np.random.default_rng(epoch).permutation(N_ROWS)


def trained(rows, y, n_classes, rates=(0.05,), weight=None, kind=LinearLanes, epochs=3, **options):
    """Return lanes, a model for each rate, and the last epoch's result."""
    n = n_classes * len(rates)
    given = {"alpha": np.full(n, ALPHA), "l1_ratio": 0.0, "n_outputs": n_classes} | options
    lanes = kind(rows.dtype, N_FEATURES, "softmax", **given)
    rate = RateTable.invscaling(np.repeat(rates, n_classes), 0.5)
    for epoch in range(epochs):
        result = lanes.epoch(rows, y, order(epoch), rate, weight)
    return lanes, result


def both(X):
    return X, sp.csr_matrix(X)


@pytest.mark.parametrize("n_classes", [2, 3, 10, 16])
@pytest.mark.parametrize("options", [{}, {"average": 20}, {"fit_intercept": False}, {"penalty_on": False}], ids=str)
def test_rows_are_the_textbooks(n_classes, options):
    X, y = problem(n_classes)
    weight = np.random.default_rng(1).integers(0, 3, N_ROWS).astype(float)
    model = naive_batches.Batches(
        N_FEATURES, "softmax", alpha=ALPHA, rate="invscaling", eta0=0.05, batch_size=1, n_outputs=n_classes, **options
    )
    for epoch in range(3):
        model.loss_sum = model.penalty = model.grad_norm = 0.0
        model.epoch(X, y[:, 0], order(epoch), weight)
    for rows in both(X):
        lanes, result = trained(rows, y, n_classes, weight=weight[:, None], **options)
        np.testing.assert_allclose(lanes.coef, model.coef, atol=1e-10)
        np.testing.assert_allclose(lanes.intercept, model.intercept, atol=1e-10)
        np.testing.assert_allclose(lanes.average_coef, model.average_coef, atol=1e-10)
        np.testing.assert_allclose(lanes.average_intercept, model.average_intercept, atol=1e-10)
        np.testing.assert_allclose(result.loss_sum.sum(), model.loss_sum, rtol=1e-9)
        assert not result.loss_sum[1:].any()
        np.testing.assert_allclose(result.grad_norm * N_ROWS, model.grad_norm, rtol=1e-9)
        assert lanes.t == 3 * N_ROWS + 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_batches_of_one(dtype):
    X, y = problem(5, dtype)
    weight = np.random.default_rng(1).random((N_ROWS, 1))
    for rows in both(X):
        (ours, result), (theirs, same) = (
            trained(rows, y, 5, (0.05, 0.2), weight, kind=kind, average=7) for kind in (LinearLanes, BatchLanes)
        )
        tolerance = 1e-4 if dtype is np.float32 else 1e-11
        for name in ("coef", "intercept", "average_coef", "average_intercept"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=tolerance, err_msg=name)
        for name in ("loss_sum", "weighted_loss_sum", "weight_sum", "grad_norm"):
            np.testing.assert_allclose(getattr(result, name), getattr(same, name), rtol=tolerance, err_msg=name)
        np.testing.assert_allclose(result.penalty.sum(), same.penalty.sum(), rtol=max(1e-2, tolerance))


@pytest.mark.parametrize("n_classes", [2, 3, 5, 10])
def test_a_model_has_the_same_bits_in_any_company_and_on_every_processor(n_classes, monkeypatch):
    X, y = problem(n_classes, np.float32)
    rates, load = np.geomspace(0.01, 1, 7), execute.lane_table
    codes = Coded(y[:, 0].astype(np.uint8), np.arange(n_classes, dtype=np.float32)[:, None])
    for rows in both(X):
        together, result = trained(rows, y, n_classes, rates)
        coded, _ = trained(rows, codes, n_classes, rates, n_threads=2)
        assert np.array_equal(coded.coef, together.coef) and np.array_equal(coded.intercept, together.intercept)
        for k, level in zip(range(7), itertools.cycle(LEVELS), strict=False):
            monkeypatch.setattr(execute, "lane_table", lambda level=level: load(level))
            alone, own = trained(rows, y, n_classes, rates[k : k + 1])
            monkeypatch.setattr(execute, "lane_table", load)
            part = slice(k * n_classes, (k + 1) * n_classes)
            assert np.array_equal(alone.coef, together.coef[:, part])
            assert np.array_equal(alone.intercept, together.intercept[part])
            assert np.array_equal(own.loss_sum, result.loss_sum[part])
            assert np.array_equal(own.grad_norm, result.grad_norm[part])


def test_resuming_in_mid_epoch_changes_no_bit():
    X, y = problem(3)
    whole, _ = trained(X, y, 3, epochs=1)
    rate = RateTable.invscaling(np.full(3, 0.05), 0.5)
    first, second = (
        LinearLanes(X.dtype, N_FEATURES, "softmax", alpha=np.full(3, ALPHA), l1_ratio=0.0, n_outputs=3)
        for _ in range(2)
    )
    first.epoch(X, y, order(0), rate, stop=70)
    second.set_state(first.state())
    second.epoch(X, y, order(0), rate, start=70)
    assert np.array_equal(second.coef, whole.coef) and np.array_equal(second.intercept, whole.intercept)


def test_wrong_numbers_of_classes_are_refused():
    X, y = problem(3)
    for n_outputs, n_lanes in ((1, 3), (17, 17), (3, 4)):
        with pytest.raises(ArgumentValueError, match="n_outputs"):
            LinearLanes(X.dtype, N_FEATURES, "softmax", alpha=np.ones(n_lanes), l1_ratio=0.0, n_outputs=n_outputs)
    with pytest.raises(ArgumentValueError, match="n_outputs"):
        LinearLanes(X.dtype, N_FEATURES, "log_loss", alpha=np.ones(3), l1_ratio=0.0, n_outputs=3)
    for wrong in (3.0, -1.0, 0.5):
        targets = y.copy()
        targets[9] = wrong
        for given in (targets, Coded(np.arange(N_ROWS, dtype=np.uint8) % 2, np.array([[0.0], [wrong]]))):
            with pytest.raises(ArgumentValueError, match="classes from 0 to 2"):
                trained(X, given, 3)


def test_estimators_take_rows_where_they_can():
    """With L1 penalties, which both engines collect differently, and for more classes than a block has lanes, batches of one remain."""
    X, y = problem(4)
    for options, n_classes, kind in (
        ({}, 4, LinearLanes),
        ({"penalty": None}, 4, LinearLanes),
        ({"penalty": "l1"}, 4, BatchLanes),
        ({"batch_size": 2}, 4, BatchLanes),
        ({}, 17, BatchLanes),
    ):
        labels = y[:, 0] if n_classes == 4 else np.arange(N_ROWS) % 17
        model = SGDClassifier(loss="softmax", max_iter=3, tol=None, random_state=0, **options).fit(X, labels)
        assert type(model._new_lanes(X, n_classes, X.dtype)) is kind
        assert model.predict(X).shape == (N_ROWS,)
    options = {"loss": "softmax", "learning_rate": 0.05, "max_iter": 3, "tol": None, "random_state": 0}
    rows = SGDClassifier(**options).fit(X, y[:, 0])
    batches = SGDClassifier(**options, clip_norm=1e9).fit(X, y[:, 0])
    np.testing.assert_allclose(rows.coef_, batches.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(rows.history_["loss"], batches.history_["loss"], rtol=1e-9)
    np.testing.assert_allclose(rows.history_["grad_norm"], batches.history_["grad_norm"], rtol=1e-9)
