"""For `test_cuda_sim.py` to run in the simulator: linear models on arrays of a GPU, their steps taken by the CUDA kernels."""

import itertools
import sys
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning

import fastgd
from fastgd._kernels import cuda_sparse, execute
from fastgd._training.device_sparse import DeviceSparse
from fastgd._training.device_steps import DeviceSteps, HostSteps
from fastgd.linear_model import SGDClassifier, SGDRegressor
from fastgd.neural_network import MLPClassifier
from tests import device_library
from tests.device_library import CSR, on_device

sys.setswitchinterval(1e-5)  # the simulator's barriers wait for the interpreter to switch threads
warnings.simplefilter("ignore", ConvergenceWarning)
rng = np.random.default_rng(0)
CLASSES = rng.integers(0, 3, 40)
X = (rng.standard_normal((40, 5)) + CLASSES[:, None] * [1, -1, 0.5, 0, 0]).astype(np.float32)


def settings(**options):
    return {"batch_size": 16, "max_iter": 2, "tol": None, "random_state": 0} | options


@pytest.mark.parametrize(
    "model",
    [
        SGDClassifier("log_loss", **settings(optimizer=fastgd.Adam(0.1), penalty="elasticnet", alpha=0.01)),
        SGDClassifier("softmax", **settings(learning_rate=fastgd.schedules.cosine(0.1, "100%"), clip_norm=0.3)),
        SGDClassifier("hinge", **settings(fit_intercept=False, learning_rate="constant", average=2)),
        SGDRegressor("huber", **settings(optimizer=fastgd.SGD(lr=0.1, momentum=0.9))),
    ],
    ids=["Adam", "softmax", "no intercept", "regression"],
)
def test_linear_models_train_on_the_device_as_on_the_host(model):
    y = CLASSES if isinstance(model, SGDClassifier) else X[:, 0] - X[:, 1]
    here = model.fit(X, y)
    coef, intercept = here.coef_, here.intercept_
    there = model.fit(on_device(X), on_device(y))
    assert isinstance(there.coef_, device_library.Array) and execute.is_on_device(there.coef_)
    np.testing.assert_allclose(there.coef_.get(), coef, atol=2e-6)
    np.testing.assert_allclose(there.intercept_.get(), intercept, atol=2e-6)
    assert isinstance(there.predict(on_device(X)), device_library.Array)


def test_lanes_with_rates_of_their_own():
    result = fastgd.sweep(
        SGDClassifier("log_loss", **settings(optimizer=fastgd.AdamW())),
        on_device(X),
        CLASSES,
        learning_rate=[1e-3, 0.1],
    )
    expected = fastgd.sweep(
        SGDClassifier("log_loss", **settings(optimizer=fastgd.AdamW())), X, CLASSES, learning_rate=[1e-3, 0.1]
    )
    np.testing.assert_allclose(result.val_loss, expected.val_loss, rtol=1e-5)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("fields", [3, 8])
def test_the_steps_of_a_rule_have_the_bits_of_the_processor(shared, fields):
    """Rows of odd length, so that most lanes begin where no vector may be loaded."""
    shapes = [(3, fields), (3,)]
    host = [[rng.standard_normal(s).astype(np.float32) for _ in range(4)] for s in shapes]
    for parameter in host:
        np.abs(parameter[3], out=parameter[3])
    there = [[on_device(a) for a in parameter] for parameter in host]
    scalars = np.abs(rng.standard_normal((2, 2 + len(execute.hyper_names(fastgd.rules.adam)), 3)))
    scalars = scalars[..., :1].repeat(3, axis=2) if shared else scalars
    for kind, arrays in ((HostSteps, host), (DeviceSteps, there)):
        steps = kind(fastgd.rules.adam, arrays, shared)
        for _ in range(2):
            steps.fill([scalars, 2 * scalars])
            steps.step()
            steps.step()
    for here, found in zip(itertools.chain(*host), itertools.chain(*there), strict=True):
        assert here.tobytes() == found.get().tobytes()


# ---------------------------------------------------------------------------------------------------------------------- sparse rows


def sparse_rows(n_rows, n_features, density, dtype, seed=1):
    """Return rows of which some are empty, and a first column that nearly all of them have."""
    random = np.random.default_rng(seed)
    values = random.standard_normal((n_rows, n_features)) * (random.random((n_rows, n_features)) < density)
    values[:, 0] = random.standard_normal(n_rows)
    values[:: max(2, n_rows // 3)] = 0
    return sp.csr_matrix(values.astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n_rows", "n_features", "n_lanes"), [(1, 1, 1), (9, 3, 2), (23, 11, 1), (17, 1, 3)])
def test_products_of_sparse_rows(n_rows, n_features, n_lanes, dtype):
    matrix = sparse_rows(n_rows, n_features, 0.3, dtype)
    rows = DeviceSparse.of_matrix(CSR(matrix), device_library.library)
    weights, slopes = (rng.standard_normal(s).astype(dtype) for s in ((n_lanes, n_features), (n_rows, n_lanes)))
    order, seen = rng.permutation(n_rows), 0
    tolerance = {"rtol": 0, "atol": 32 * np.finfo(dtype).eps}
    for numbers, batch in rows.batches(order, 5):
        own = matrix[order[seen : seen + 5]]
        assert numbers.get().tolist() == order[seen : seen + 5].tolist()
        np.testing.assert_allclose(batch.product(on_device(weights)).get(), own @ weights.T, **tolerance)
        part = slopes[seen : seen + own.shape[0]]
        found = batch.gradient(on_device(part)).get()
        np.testing.assert_allclose(found, (own.T @ part).T, **tolerance)
        assert found.tobytes() == batch.gradient(on_device(part)).get().tobytes()
        seen += 5
    whole = next(rows.batches(order, n_rows))[1].gradient(on_device(slopes[order])).get()
    np.testing.assert_allclose(whole, (matrix.T @ slopes).T, **tolerance)


def test_a_gradient_is_summed_in_the_order_of_the_rows():
    """So much so that sums which cancel in another order do not."""
    n = 10 * cuda_sparse.CHUNK
    matrix = sp.csr_matrix(np.ones((n, 1), np.float32))
    slopes = np.resize(np.float32([1e8, 1, -1e8, 1]), (n, 1))
    rows = DeviceSparse.of_matrix(CSR(matrix), device_library.library)
    ((_, batch),) = rows.batches(np.arange(n), n)
    shares = [sum(s, np.float32(0)) for s in slopes[:, 0].reshape(10, cuda_sparse.CHUNK)]
    assert batch.gradient(on_device(slopes)).get()[0, 0] == sum(shares, np.float32(0))


def test_rows_of_a_sparse_matrix_are_taken_and_stacked():
    matrix = sparse_rows(12, 4, 0.4, "float32")
    rows = DeviceSparse.of_matrix(CSR(matrix), device_library.library)
    picked = rows[np.array([7, 2, 2, 0])].above(rows[np.arange(12) > 9])
    expected = sp.vstack([matrix[[7, 2, 2, 0]], matrix[10:]])
    identity = on_device(np.eye(4, dtype=np.float32))
    assert picked.batch(range(6)).product(identity).get().tolist() == expected.toarray().tolist()
    assert picked.square_sum() == pytest.approx((expected.toarray() ** 2).sum(), rel=1e-6)


@pytest.mark.parametrize("damage", ["indptr falls", "indptr ends early", "column", "negative column", "lengths"])
def test_damaged_sparse_rows_are_refused(damage):
    matrix = CSR(sparse_rows(6, 4, 0.9, "float32"))
    if damage.startswith("indptr"):
        matrix.indptr[2 if damage.endswith("falls") else -1] = -1
    elif damage == "lengths":
        matrix.data = matrix.data[1:]
    else:
        matrix.indices[3] = 4 if damage == "column" else -1
    with pytest.raises(fastgd.ArgumentValueError, match="X is damaged"):
        SGDRegressor(**settings()).fit(matrix, np.arange(6.0))


@pytest.mark.parametrize("loss", ["log_loss", "softmax"])
def test_linear_models_train_on_sparse_rows(loss):
    matrix = sparse_rows(40, 6, 0.4, "float32")
    model = SGDClassifier(loss, **settings(optimizer=fastgd.Adam(0.1), sparse_intercept_decay=0.5))
    here = model.fit(matrix, CLASSES)
    coef, scores = here.coef_, here.decision_function(matrix)
    there = model.fit(CSR(matrix), CLASSES)
    np.testing.assert_allclose(there.coef_.get(), coef, atol=2e-6)
    np.testing.assert_allclose(there.decision_function(CSR(matrix)).get(), scores, atol=5e-6)
    assert (there.predict(CSR(matrix)).get() == model.fit(matrix, CLASSES).predict(matrix)).all()


@pytest.mark.parametrize("wrap", [on_device, lambda X: CSR(sp.csr_matrix(X))], ids=["dense", "sparse"])
def test_networks_train_on_the_device_as_on_the_host(wrap):
    model = MLPClassifier((4,), batch_size=16, max_iter=2, tol=None, random_state=0, alpha=0.01, clip_norm=0.5)
    coefs = model.fit(X, CLASSES).coefs_
    there = model.fit(wrap(X), CLASSES)
    for found, expected in zip(there.coefs_, coefs, strict=True):
        np.testing.assert_allclose(found.get(), expected, atol=2e-6)
    np.testing.assert_allclose(there.predict_proba(wrap(X)).get(), model.fit(X, CLASSES).predict_proba(X), atol=2e-6)
