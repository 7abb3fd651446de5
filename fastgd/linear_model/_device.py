"""Linear estimators whose X is on a GPU: what they take there, and scores where the rows are."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from fastgd._estimators.device_inputs import TO_HOST, check_optimizer
from fastgd._training.device import DeviceRows
from fastgd._validation import ArgumentValueError


def check(model: Any) -> None:
    """Refuse parameters that training on a GPU has no answer to."""
    name = type(model).__name__
    if "batch_size" not in model.get_params(deep=False):
        fix = f"Use SGDClassifier or SGDRegressor with a batch_size, {TO_HOST}."
        raise ArgumentValueError(f"{name} makes a step of every single row, for which a GPU is no use. {fix}")
    check_optimizer(model.optimizer, users_rules=False)
    if (model.batch_size or 1) < 2:
        fix = f"Give the rows of a step, such as batch_size=1024, and a learning rate to suit, {TO_HOST}."
        raise ArgumentValueError(
            f"batch_size must be at least 2 for X on a GPU, where steps of single rows are no use; got {model.batch_size!r}. {fix}"
        )


def scores(rows: DeviceRows, coef: Any, intercept: np.ndarray) -> Any:
    """Return the raw predictions, (n_rows,) for one lane, else (n_rows, K)."""
    coef = coef.toarray() if sp.issparse(coef) else coef
    dtype = np.result_type(rows.dtype, coef.dtype)
    rows = rows.astype(dtype)
    found = rows.batch(range(rows.n_rows)).product(rows.own(coef)) + rows.own(intercept)
    return found[:, 0] if found.shape[1] == 1 else found
