"""Rows take every sound layout, in place where they can, and refuse every damaged one by name, before anything reads it."""

import logging

import numpy as np
import pytest
import scipy.sparse as sp

from fastgd._training.linear import LinearLanes
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows


def sparse(dtype=np.float64, index=np.int32, shape=(40, 12)):
    X = sp.random_array(shape, density=0.3, format="csr", dtype=dtype, rng=np.random.default_rng(0))
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    return X


def weights(X):
    """Return what one epoch on these rows learns."""
    rows = Rows.of(X)
    lanes = LinearLanes(rows.dtype, rows.n_features, "squared_error", alpha=[0.01, 0.1], l1_ratio=[0.0, 1.0])
    lanes.epoch(rows, np.arange(rows.n_rows, dtype=rows.dtype)[:, None], None, RateTable.constant(0.01))
    return lanes.coef


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sound_sparse_rows_are_used_in_place(dtype):
    for index in (np.int32, np.int64):
        X = sparse(dtype, index)
        rows = Rows.of(X)
        assert all(np.shares_memory(getattr(rows, a), getattr(X, a)) for a in ("data", "indices", "indptr"))
        assert (rows.n_rows, rows.n_features, rows.dtype) == (40, 12, dtype)
        assert np.array_equal(weights(X), weights(sparse(dtype)))
        assert Rows.of(rows) is rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dense_layouts(dtype, caplog):
    X = np.random.default_rng(0).standard_normal((40, 12)).astype(dtype)
    X.flags.writeable = False
    expected = weights(X)
    wide = np.zeros((40, 50), dtype)
    wide[:, 3:15] = X
    strided = np.zeros((80, 24), dtype)
    strided[::2, ::2] = X
    swapped = X.astype(X.dtype.newbyteorder())
    layouts = {"read-only": X, "slice": wide[:, 3:15], "column-major": np.asfortranarray(X), "strided": strided[::2, ::2],
               "reversed": X[::-1][::-1], "foreign": swapped, "every other row": np.repeat(X, 2, axis=0)[::2]}  # fmt: skip
    in_place = {"read-only", "slice", "reversed", "every other row"}
    for name, layout in layouts.items():
        caplog.clear()
        with caplog.at_level(logging.INFO, "fastgd"):
            rows = Rows.of(layout)
        assert np.shares_memory(rows.data, layout) == (name in in_place), name
        assert len(caplog.records) == (name not in in_place), name
        assert np.array_equal(weights(layout), expected), name
    assert np.array_equal(weights(X[::-1])[:, :0], expected[:, :0])


def test_mixed_indices_unsorted_rows_and_spare_room():
    X = sparse()
    mixed = sparse()
    mixed.indptr = mixed.indptr.astype(np.int64)
    roomy = sparse()
    roomy.data, roomy.indices = np.append(roomy.data, np.nan), np.append(roomy.indices, 99).astype(np.int32)
    for other in (mixed, roomy):
        assert np.array_equal(weights(other), weights(X))
    turned = sparse()
    for low, high in zip(turned.indptr[:-1], turned.indptr[1:], strict=True):
        turned.indices[low:high] = turned.indices[low:high][::-1].copy()
        turned.data[low:high] = turned.data[low:high][::-1].copy()
    assert np.shares_memory(Rows.of(turned).data, turned.data)
    np.testing.assert_allclose(weights(turned), weights(X), atol=1e-12)


def test_a_column_named_twice_is_summed_once(caplog):
    twice = sp.csr_array((np.array([1.0, 2.0, 5.0]), np.array([1, 1, 0]), np.array([0, 2, 3])), shape=(2, 3))
    with caplog.at_level(logging.INFO, "fastgd"):
        rows = Rows.of(twice)
    assert rows.data.tolist() == [3.0, 5.0] and "twice" in caplog.text
    assert twice.data.tolist() == [1.0, 2.0, 5.0]  # the caller's is as it was


def test_empty_rows_and_shapes():
    for X in (sp.csr_array((3, 4)), np.zeros((3, 0)), sp.csr_array((3, 0)), np.zeros((0, 4)), sp.csr_array((0, 4))):
        X = X.astype(np.float64)
        assert Rows.of(X).n_rows == X.shape[0] and weights(X).shape == (X.shape[1], 2)


DAMAGES = {
    "column too large": (lambda X: X.indices.__setitem__(7, 12), r"row \d+ has the column 12; columns are 0 to 11"),
    "column negative": (lambda X: X.indices.__setitem__(7, -1), r"row \d+ has the column -1"),
    "column huge": (lambda X: X.indices.__setitem__(-1, 2**31 - 1), r"has the column 2147483647"),
    "row ends before it begins": (lambda X: X.indptr.__setitem__(5, 0), r"row 4 ends at 0, before it begins"),
    "row beyond the end": (lambda X: X.indptr.__setitem__(-1, 10**6), r"indptr ends at 1000000"),
    "row far beyond, then back": (lambda X: X.indptr.__setitem__(5, 10**6), r"row 5 ends at \d+, before it begins at 1000000"),
    "first not 0": (lambda X: X.indptr.__setitem__(0, 1), r"indptr\[0\] is 1"),
    "first negative": (lambda X: X.indptr.__setitem__(0, -5), r"indptr\[0\] is -5"),
    "too few rows": (lambda X: setattr(X, "indptr", X.indptr[:-1]), r"indptr has 40 entries for 40 rows; it needs 41"),
    "short data": (lambda X: setattr(X, "data", X.data[:-3]), r"indptr ends at"),
    "short indices": (lambda X: setattr(X, "indices", X.indices[:-3]), r"indptr ends at"),
    "two dimensions": (lambda X: setattr(X, "data", X.data[:, None]), r"one dimension"),
    "NaN": (lambda X: X.data.__setitem__(7, np.nan), r"finite; got nan. It stands in row \d+"),
    "infinity": (lambda X: X.data.__setitem__(-1, -np.inf), r"finite; got -inf. It stands in row 39"),
}  # fmt: skip


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_rows_are_refused(damage, index):
    X = sparse(index=index)
    change, message = DAMAGES[damage]
    change(X)
    with pytest.raises(ValueError, match=message) as caught:
        Rows.of(X, "SGDClassifier.fit")
    assert "'X' argument of SGDClassifier.fit" in str(caught.value) and len(str(caught.value)) <= 300


def test_dense_rows_must_be_finite_and_known():
    X = np.zeros((5, 3))
    X[4, 2] = np.nan
    with pytest.raises(ValueError, match=r"got nan. It stands in row 4, column 2"):
        Rows.of(X)
    assert Rows.of(X, finite=False).n_rows == 5
    for wrong in (
        np.zeros(3),
        np.zeros((2, 2), int),
        sp.csc_array((2, 2)),
        [[1.0]],
        np.zeros((2, 2), np.float16),
        sparse().astype(int),
    ):
        with pytest.raises(TypeError, match="'X' argument"):
            Rows.of(wrong)
    floating = sparse()
    floating.indices = floating.indices.astype(float)
    with pytest.raises(TypeError, match="int32 or int64"):
        Rows.of(floating)
