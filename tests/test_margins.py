"""Line searches of linear models: predictions and directions of a batch in one product, trial steps without the data."""

import numpy as np
import pytest
import scipy.sparse as sp

import fastgd
from fastgd._training import margins
from fastgd._training.margins import products, softmax_losses
from fastgd._training.own_lanes import OwnBatchLanes
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd.linear_model import SGDClassifier
from tests.steps_by_hand import ALPHA, STEPS, assert_as_by_hand, by_hand

every_form = pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix, "int64"], ids=["dense", "sparse", "int64"])


def data(n=50, n_features=23, dtype="float64"):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_features)) * (rng.random((n, n_features)) < 0.5)
    return X.astype(dtype), (X @ rng.normal(size=n_features) > 0).astype(dtype)


def rows_of(X, form):
    if form == "int64":
        X = sp.csr_matrix(X)
        X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
        return Rows.of(X)
    return Rows.of(form(X))


@every_form
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 2, 7, 16, 21])
def test_products(form, dtype, n):
    """Of chosen rows, some of them twice; each column has the bits that it has alone."""
    X, _ = data(dtype=dtype)
    columns = np.random.default_rng(1).normal(size=(X.shape[1] + 1, n)).astype(dtype)
    batch = np.array([3, 0, 49, 3, 17])
    found = products(rows_of(X, form), batch, columns)
    expected = X[batch].astype(float) @ columns[:-1] + columns[-1]
    np.testing.assert_allclose(
        found, expected, rtol=1e-5 if dtype == "float32" else 1e-12, atol=1e-5 if dtype == "float32" else 1e-12
    )
    for k in range(n):
        assert np.array_equal(products(rows_of(X, form), batch, columns[:, k : k + 1])[:, 0], found[:, k])


def test_softmax_losses_of_any_size():
    z = np.array([[1.0, 2.0, 3.0], [1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]])
    found = softmax_losses(z, np.array([0, 1, 2]))
    np.testing.assert_allclose(found, [np.log(1 + np.e + np.e**2), 2e4, np.log(3)])


@pytest.mark.parametrize("loss", ["log_loss", "huber", "softmax", "hinge"])
@every_form
def test_a_trial_is_the_loss_after_the_step(loss, form, monkeypatch):
    """For each step that was tried: other lanes with the weights moved there measure the same."""
    X, y = data()
    rows, one_class = rows_of(X, form), loss == "hinge"
    targets = (np.arange(50) % 3.0 if loss == "softmax" else 2 * y - 1 if one_class else y)[:, None]
    n_outputs = 3 if loss == "softmax" else 1
    options = {"alpha": np.repeat([0.3, 0.0], n_outputs), "l1_ratio": 0.0, "batch_size": 20, "n_outputs": n_outputs}
    options |= {"one_class": one_class} | ({"loss_parameter": 0.4} if loss == "huber" else {})
    lanes = OwnBatchLanes("float64", 23, loss, optimizer=fastgd.Armijo(first=30.0, lr=100.0), **options)
    probe = OwnBatchLanes("float64", 23, loss, optimizer=fastgd.DoG(), **{**options, "batch_size": 50})
    weight, plain, tried = np.random.default_rng(2).uniform(0.5, 2, (50, 2)), margins.BatchMargins.along, []

    def along(self, k, moving, scale):
        of = plain(self, k, moving, scale)
        own = slice(k * n_outputs, (k + 1) * n_outputs)
        *start, bias = lanes._arrays["weights"][:, : lanes.n_lanes].copy()

        def trial(eta):
            coef, intercept = np.array(start), bias.copy()
            coef[:, own] -= eta * moving[0].reshape(coef[:, own].shape)
            intercept[own] -= eta * moving[1]
            probe.set_coef(coef, intercept)
            measured = probe.epoch(rows, targets, self.batch, RateTable.constant(0.0), weight)
            w, b = coef[:, own], intercept[own]
            strength = options["alpha"][own]
            penalty = float(0.5 * strength @ (w**2).sum(0) + one_class * strength @ b)
            mean = weight[:, k].mean()  # of the epoch
            tried.append((of(eta), measured.weighted_loss_sum[own].sum() / (len(self.batch) * mean) + penalty))
            return of(eta)

        return trial

    monkeypatch.setattr(margins.BatchMargins, "along", along)
    lanes.epoch(rows, targets, None, RateTable.constant(100.0), weight)
    assert len(tried) > 12
    np.testing.assert_allclose(*np.transpose(tried), rtol=1e-9)


@pytest.mark.parametrize(("options", "more"), [({}, 0), ({"clip_norm": 0.1}, 0), ({"clip_value": 0.01}, 6)])
def test_two_products_for_all_lanes_however_many_steps_are_tried(options, more, monkeypatch):
    """Of weights and of gradients, in blocks of 8 lanes; with a limit of single elements each lane has a direction of its own."""
    X, y = data()
    seen, plain = [], margins.products
    monkeypatch.setattr(margins, "products", lambda *given: seen.append(given[2].shape[1]) or plain(*given))
    optimizer = fastgd.Armijo(first=30.0, lr=100.0, backtrack=0.9, **options)
    lanes = OwnBatchLanes(
        "float64", 23, "log_loss", alpha=np.zeros(6), l1_ratio=0.0, batch_size=25, optimizer=optimizer
    )
    lanes.epoch(X, y[:, None], None, RateTable.constant(np.geomspace(1, 100, 6)))
    assert seen == [8, 8, 8, 8] if not more else [8, *more * [1]] * 2


@pytest.mark.parametrize(
    "optimizer",
    [
        fastgd.Armijo(clip_value=0.05),
        fastgd.Armijo(clip_norm=0.1, clip_value=0.03),
        fastgd.Armijo(extras=fastgd.AdaptiveGradientClipping(clipping=0.01)),
    ],
    ids=repr,
)
def test_directions_that_are_not_the_gradient(optimizer):
    X, y = data(200)
    options = {"loss": "log_loss", "alpha": ALPHA, "max_iter": 3, "shuffle": False, **STEPS}
    model = SGDClassifier(optimizer=optimizer, **options).fit(X, y)
    assert_as_by_hand(model, by_hand(optimizer, X, y, "log_loss", 3))
