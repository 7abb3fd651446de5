"""A fit of a linear model needs little memory beside the rows and targets that its caller holds."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

from fastgd._estimators import inputs
from fastgd._training import fit, orders
from fastgd._training.coded import Coded
from fastgd.linear_model import SGDClassifier, SGDOneClassSVM, SGDRegressor

N_ROWS, N_FEATURES = 300_000, 20
ALLOWED = 0.1  # of the data


def dense(dtype):
    return np.ones((N_ROWS, N_FEATURES), dtype)


def sparse(dtype):
    """Ten values a row, as the flights have."""
    columns = np.tile(np.arange(0, 50, 5, dtype=np.int32), N_ROWS)
    ends = np.arange(0, 10 * N_ROWS + 1, 10, dtype=np.int32)
    return sp.csr_array((np.ones(10 * N_ROWS, dtype), columns, ends), shape=(N_ROWS, 50))


def labels(n):
    return np.arange(N_ROWS) % n


def bytes_of(*arrays):
    parts = [
        a for given in arrays for a in ((given.data, given.indices, given.indptr) if sp.issparse(given) else (given,))
    ]
    return sum(a.nbytes for a in parts)


def most_beside(model, X, *targets):
    """Return the peak of what a fit holds beside its arguments, in bytes."""
    model.fit(X[:1000], *(y[:1000] for y in targets))  # what is imported or made once
    tracemalloc.start()
    try:
        model.fit(X, *targets)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


CASES = {
    "two classes, dense": (SGDClassifier, {"class_weight": "balanced"}, dense, lambda: labels(2)),
    "two classes, CSR": (SGDClassifier, {"loss": "log_loss"}, sparse, lambda: labels(2)),
    "ten classes, dense": (SGDClassifier, {}, dense, lambda: labels(10)),
    "ten classes, CSR": (SGDClassifier, {}, sparse, lambda: labels(10)),
    "softmax, dense": (SGDClassifier, {"loss": "softmax"}, dense, lambda: labels(10)),
    "in order": (SGDClassifier, {"shuffle": False}, dense, lambda: labels(2)),
    "regression, dense": (SGDRegressor, {}, dense, lambda: np.linspace(0, 1, N_ROWS)),
    "regression, CSR": (SGDRegressor, {}, sparse, lambda: np.linspace(0, 1, N_ROWS)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fit_takes_a_tenth_of_the_data(case):
    kind, options, rows, targets = CASES[case]
    X, y = rows(np.float32), targets()
    beside = most_beside(kind(max_iter=2, tol=None, learning_rate="constant", eta0=0.001, **options), X, y)
    assert beside < ALLOWED * bytes_of(X, y), f"{beside / bytes_of(X, y):.1%}"


def test_a_fit_without_targets_takes_a_tenth_of_the_data():
    X = dense(np.float32)
    beside = most_beside(SGDOneClassSVM(max_iter=2, tol=None), X)
    assert beside < ALLOWED * X.nbytes, f"{beside / X.nbytes:.1%}"


def test_the_order_is_that_of_a_permutation():
    """As long as NumPy permutes as it does, orders are those of earlier versions."""
    for learn in (range(1000), np.arange(3, 1000, 2), np.arange(3, 1000, 2, dtype=np.int32)):
        generator = np.random.Generator(np.random.Philox(key=np.array([7, 3], np.uint64)))
        order = fit.epoch_order(learn, 7, 3, True)
        assert order.tolist() == generator.permutation(np.asarray(learn, np.int64)).tolist()
        assert fit.epoch_order(learn, 7, 3, False) is learn
    assert fit.epoch_order(range(1000), 0, 0, True).dtype == np.int32 and orders.width(2**31 + 1) is np.int64


def test_rows_to_learn():
    X, weight = np.zeros((100_000, 1)), (np.arange(100_000) % 3 > 0)[:, None] * 1.0
    held_out = np.random.default_rng(0).permutation(100_000)[:1000]
    assert inputs.rows_to_learn(X, None, None) == range(100_000)
    for each in (None, weight):
        for out in (None, held_out):
            every = np.arange(100_000) if each is None else np.flatnonzero(each)
            expected = every if out is None else np.setdiff1d(every, out)
            assert np.array_equal(inputs.rows_to_learn(X, each, out), expected)


@pytest.mark.parametrize("n_classes", [2, 5, 300])
def test_coded_tables_are_the_arrays_they_stand_for(n_classes):
    rng = np.random.default_rng(0)
    y, table = rng.integers(0, n_classes, 2000), rng.standard_normal((n_classes, 3))
    y[:n_classes] = np.arange(n_classes)
    table[1] = 0
    factor = rng.integers(0, 3, 2000).astype(float)
    code = inputs.codes(y, np.arange(n_classes))
    assert code.dtype == (np.uint8 if n_classes <= 256 else np.int32)
    assert np.array_equal(inputs.counts(code, n_classes), np.bincount(y, minlength=n_classes))
    for weights in (None, factor):
        coded, rows = Coded(code, table, weights), rng.integers(0, 2000, 50)
        whole = table[y] if weights is None else table[y] * weights[:, None]
        assert np.array_equal(np.asarray(coded), whole) and coded.shape == whole.shape and len(coded) == 2000
        assert np.array_equal(coded.take(rows), whole[rows]) and np.array_equal(coded[rows], whole[rows])
        assert np.array_equal(coded.any(axis=1), whole.any(axis=1))
        assert np.array_equal(np.asarray(coded.side_by_side(2)), np.tile(whole, (1, 2)))


def test_codes_that_fill_a_byte_and_more():
    """256 classes are the most that a byte tells apart; a kernel and NumPy look the targets up, with the same bits."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 4))
    for n_classes in (256, 257):
        y = np.arange(2000) % n_classes
        model = SGDClassifier(max_iter=2, tol=None, random_state=0).fit(X, y)
        for k in (0, 255, n_classes - 1):
            alone = SGDClassifier(max_iter=2, tol=None, random_state=0).fit(X, y == k)
            assert np.array_equal(model.coef_[k], alone.coef_[0])
