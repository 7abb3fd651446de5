"""Raw predictions of many models for the same rows, made by one product."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import scipy.sparse as sp

from fastgd._estimators import inputs
from fastgd._training.predictions import product


class _Decided:
    """Stands where a model has `_raw`: knows the answer for one matrix, computes that for any other."""

    def __init__(self, model: Any, X: Any, raw: np.ndarray):
        self.model, self.X, self.raw = model, X, raw

    def __call__(self, X: Any) -> np.ndarray:
        return self.raw.copy() if X is self.X else type(self.model)._raw(self.model, X)


@contextmanager
def decided(models: list, X: Any) -> Iterator[None]:
    """Let fitted models predict for `X` without looking at it again, as long as the block runs.

    Only for linear models and sparse rows, whose product with many columns has the bits of the products with each; of dense rows it
    has not.
    """
    if models and hasattr(models[0], "coef_") and sp.issparse(X) and X.format == "csr":
        with suppress(Exception):  # rows that cannot be predicted: each model will say so
            _decide(models, X)
    try:
        yield
    finally:
        for model in models:
            vars(model).pop("_raw", None)


def _decide(models: list, X: Any) -> None:
    checked = inputs.matrix(models[0], X, reset=False)
    coef = np.concatenate([np.atleast_2d(m.coef_) for m in models])
    bias = np.concatenate([m.intercept_ for m in models])
    parts = product(checked, coef, bias).reshape(X.shape[0], len(models), -1)  # a lane's bits are as alone
    for k, model in enumerate(models):
        raw = np.ascontiguousarray(parts[:, k])
        model._raw = _Decided(model, X, raw.ravel() if raw.shape[1] == 1 else raw)
