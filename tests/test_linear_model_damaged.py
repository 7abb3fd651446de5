"""Damaged and odd sparse matrices in fit, partial_fit and predict: a clear error, never a crash. Rows 41-50, 89 and 90."""

import numpy as np
import pytest
import scipy.sparse as sp

from .test_linear_model_adversarial import CLASSES, OPTIONS, VE, refused_everywhere, rows


def spoilt(form, **arrays):
    X = sp.csr_array(rows()[0] * (np.arange(5) % 2)).asformat(form)
    for name, change in arrays.items():
        setattr(X, name, change(getattr(X, name).copy()))
    return X


def put(position, value):
    def change(array):
        array[position] = value
        return array

    return change


FAULTS = {
    "43-index too large": {"indices": put(3, 10**6)},
    "44-index negative": {"indices": put(0, -1)},
    "44-index very negative": {"indices": put(7, -(2**31))},
    "45-indptr falls": {"indptr": put(2, 39)},
    "45-indptr negative": {"indptr": put(2, -5)},
    "46-indptr begins late": {"indptr": put(0, 1)},
    "46-indptr ends late": {"indptr": put(-1, 10**6)},
    "47-data short": {"data": lambda a: a[:-1]},
    "47-indices short": {"indices": lambda a: a[:-1]},
    "45-indptr short": {"indptr": lambda a: a[:-1]},
}


@pytest.mark.parametrize("form", ["csr", "csc"])
@pytest.mark.parametrize("fault", FAULTS)
def test_89_damaged_sparse_matrices_are_refused(fault, form):
    refused_everywhere(spoilt(form, **FAULTS[fault]), None, VE, "")


@pytest.mark.parametrize("value", [-1, 5, 2**31 - 1])
def test_89_damaged_coordinates_are_refused(value):
    X = sp.coo_array(rows()[0])
    X.coords[1][4] = value
    refused_everywhere(X, None, VE, "coordinate")


def test_89_unsorted_and_duplicate_indices_are_sorted_and_summed():
    X, y = rows()
    plain = sp.csr_array(X)
    shuffled = sp.csr_array((plain.data[::-1].copy(), plain.indices[::-1].copy(), plain.indptr), shape=X.shape)[::-1]
    doubled = sp.csr_array((np.repeat(plain.data / 2, 2), np.repeat(plain.indices, 2), plain.indptr * 2), shape=X.shape)
    for odd in (shuffled, doubled):
        for cls in CLASSES:
            model = cls(**OPTIONS).fit(odd, y)
            np.testing.assert_allclose(model.coef_, cls(**OPTIONS).fit(plain, y).coef_, rtol=1e-12)
            np.testing.assert_allclose(model.predict(odd), model.predict(plain), rtol=1e-12)


def test_90_empty_rows_and_nothing_stored():
    X, y = rows()
    X[::2] = 0
    for cls in CLASSES:
        dense, sparse = cls(**OPTIONS).fit(X, y), cls(**OPTIONS).fit(sp.csr_array(X), y)
        np.testing.assert_allclose(sparse.coef_, dense.coef_, rtol=1e-12)
        assert not cls(**OPTIONS).fit(sp.csr_array((20, 5)), y).coef_.any()
