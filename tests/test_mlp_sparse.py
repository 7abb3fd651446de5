"""Sparse rows of many columns: the first layer is never made dense, in training, validation or prediction."""

import tracemalloc

import numpy as np
import scipy.sparse as sp

from fastgd.neural_network import MLPClassifier


def test_wide_sparse_rows_take_little_memory():
    n, d = 4000, 100_000
    X = sp.random_array((n, d), density=2e-5, format="csr", rng=np.random.default_rng(0), dtype=np.float32)
    y = np.asarray(X[:, : d // 2].sum(axis=1) > X[:, d // 2 :].sum(axis=1))
    model = MLPClassifier((2,), batch_size=1000, max_iter=2, early_stopping=True, tol=None, random_state=0)
    tracemalloc.start()
    model.fit(X, y).predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    dense = n * d * 4
    assert peak < dense / 20
