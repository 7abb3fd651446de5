"""Predictions for sparse rows are SciPy's product, and no index is followed that does not lie in the matrix."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model._base import LinearClassifierMixin

from fastgd._training.predictions import product
from fastgd._validation import ArgumentValueError
from fastgd.linear_model import SGDClassifier, SGDRegressor, _classification

DTYPES, WIDTHS = (np.float32, np.float64), (np.int32, np.int64)


def matrix(n_rows=200, n_features=60, dtype=np.float64, width=np.int32, seed=0):
    rng = np.random.default_rng(seed)
    X = sp.csr_array(
        rng.standard_normal((n_rows, n_features)) * (rng.random((n_rows, n_features)) < rng.random((n_rows, 1)))
    )
    return sp.csr_array((X.data.astype(dtype), X.indices.astype(width), X.indptr.astype(width)), shape=X.shape)


def coefficients(n_lanes, n_features=60, dtype=np.float64):
    return np.random.default_rng(n_lanes).standard_normal((n_lanes, n_features)).astype(dtype)


@pytest.mark.parametrize("n_lanes", [1, 2, 4, 7, 10, 16, 17, 40])
def test_the_product_is_scipys(n_lanes):
    for dtype, width, of_coef, n_rows in itertools.product(DTYPES, WIDTHS, DTYPES, (0, 1, 200)):
        X, coef = matrix(n_rows, dtype=dtype, width=width), coefficients(n_lanes, dtype=of_coef)
        bias = coef[:, 0]
        found, expected = product(X, coef, bias), X @ coef.T + bias
        assert found.dtype == expected.dtype and found.shape == (n_rows, n_lanes)
        atol = 1e-4 if found.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(found, expected, atol=atol)
        assert np.array_equal(found, product(X, coef, bias, n_threads=2))


def test_a_row_has_the_same_bits_alone_and_beside_others():
    """Few rows are multiplied lane by lane, many with lanes side by side."""
    X, coef, bias = matrix(500), coefficients(10), np.arange(10.0)
    every = product(X, coef, bias)
    for k in range(0, 500, 50):
        assert np.array_equal(product(X[k : k + 1], coef, bias)[0], every[k])
    for lane in range(10):
        own = slice(lane, lane + 1)
        assert np.array_equal(product(X, coef[own], bias[own])[:, 0], every[:, lane])


@pytest.mark.parametrize("n_lanes", [1, 5])
def test_the_bias_widens_the_result_but_not_the_product(n_lanes):
    """float32 rows and weights with float64 intercepts, as binary classifiers have them."""
    X, coef = matrix(dtype=np.float32), coefficients(n_lanes, dtype=np.float32)
    bias = np.random.default_rng(0).standard_normal(n_lanes)
    products = product(X, coef, np.zeros(n_lanes, np.float32))
    assert products.dtype == np.float32
    found = product(X, coef, bias)
    assert found.dtype == np.float64 and np.array_equal(found, products + bias)
    narrow = bias.astype(np.float32)
    assert np.array_equal(product(X, coef, narrow), products + narrow)


def test_rows_of_very_different_lengths():
    """Few rows are looked at together where they are long; empty ones, and one longer than all that is looked at together."""
    rng = np.random.default_rng(0)
    lengths = rng.permutation([0] * 40 + [1, 2, 3, 7, 64] * 20 + [600] * 5 + [3000])
    indices = np.concatenate([rng.permutation(4000)[:n] for n in lengths]).astype(np.int32)
    X = sp.csr_array(
        (rng.standard_normal(indices.size), indices, np.r_[0, np.cumsum(lengths)]), shape=(len(lengths), 4000)
    )
    for n_lanes in (1, 5):
        coef = coefficients(n_lanes, 4000)
        np.testing.assert_allclose(product(X, coef, coef[:, 0]), X @ coef.T + coef[:, 0], atol=1e-10)


def test_odd_matrices():
    X = matrix()
    coef, bias = coefficients(3), np.zeros(3)
    doubled = sp.csr_array((np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), X.indptr * 2), shape=X.shape)
    np.testing.assert_allclose(product(doubled, coef, bias), X @ coef.T, atol=1e-12)
    mixed = X.copy()
    mixed.indptr = mixed.indptr.astype(np.int64)
    strided = X.copy()
    strided.data, strided.indices = np.repeat(X.data, 2)[::2], np.repeat(X.indices, 2)[::2]
    swapped = X.copy()
    swapped.data = X.data.astype(X.dtype.newbyteorder())
    for odd in (mixed, strided, swapped):
        assert np.array_equal(product(odd, coef, bias), product(X, coef, bias))
    assert np.array_equal(product(sp.csr_array((5, 60)), coef, bias), np.zeros((5, 3)))
    assert product(X.astype(np.longdouble), coef, bias).dtype == np.longdouble


PLACES = st.tuples(st.sampled_from(["indices", "indptr"]), st.integers(0, 10**9))
VALUES = st.integers(-(2**31), 2**31 - 1) | st.integers(-3, 70) | st.sampled_from([-1, 59, 60, 2**31 - 1, -(2**31)])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(WIDTHS), st.integers(1, 17), st.lists(st.tuples(PLACES, VALUES), min_size=1, max_size=3))
def test_damage_is_refused_or_harmless(width, n_lanes, damages):
    """Whatever stands in the index arrays: the product of a matrix that is sound, otherwise an error."""
    X, coef, bias = matrix(150, width=width), coefficients(n_lanes), np.zeros(n_lanes)
    for (name, place), value in damages:
        array = getattr(X, name)
        array[place % len(array)] = value
    columns, ends = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    sound = ends[0] == 0 and (np.diff(ends) >= 0).all() and ends[-1] <= len(columns)
    sound = sound and (columns[: ends[-1]] >= 0).all() and (columns[: ends[-1]] < 60).all()
    if sound:
        np.testing.assert_allclose(product(X, coef, bias), X @ coef.T, atol=1e-12)
    else:
        with pytest.raises(ArgumentValueError, match="CSR"):
            product(X, coef, bias)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("value", [-1, 60, -(2**31), 2**31 - 1])
def test_every_place_is_looked_at(width, value):
    """In rows of all lengths, in the vectors of sixteen indices and in what is left of them."""
    coef, bias = coefficients(1), np.zeros(1)
    for n in (1, 15, 16, 17, 33):
        for place in range(n):
            indices = np.arange(n).astype(width)
            indices[place] = value
            X = sp.csr_array((np.ones(n), np.arange(n).astype(width), np.array([0, n], width)), shape=(1, 60))
            X.indices = indices
            with pytest.raises(ArgumentValueError, match="row 0 has the column"):
                product(X, coef, bias)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value):
    X = matrix(50)
    y = np.arange(50) % 3
    for model in (SGDClassifier(random_state=0).fit(X, y), SGDRegressor(random_state=0).fit(X, y)):
        odd = X.copy()
        odd.data[7] = value
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            model.predict(odd)
        model.coef_[:] = 0
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            model.predict(odd)


def test_estimators_predict_as_scikit_learn_does():
    for dtype, n_classes in itertools.product(DTYPES, (2, 5)):
        X = matrix(dtype=dtype)
        model = SGDClassifier(max_iter=3, tol=None, random_state=0).fit(X, np.arange(200) % n_classes)
        found = model.decision_function(X)
        expected = X @ model.coef_.T + model.intercept_
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=1e-4, atol=1e-3)
        model.sparsify()
        np.testing.assert_allclose(model.decision_function(X), found, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_are_scikit_learns_however_many_are_numbered_at_once(n_classes, monkeypatch):
    monkeypatch.setattr(_classification, "CHUNK", 7)
    X, names = matrix(), np.array(["no", "yes", "perhaps"])
    for labels in (names, names.astype(object), np.array([5, -1, 3])):
        model = SGDClassifier(max_iter=3, tol=None, random_state=0).fit(X, labels[np.arange(200) % n_classes])
        found, expected = model.predict(X), LinearClassifierMixin.predict(model, X)
        assert found.dtype == expected.dtype and np.array_equal(found, expected) and len(set(found)) == n_classes
