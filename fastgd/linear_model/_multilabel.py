"""A y of several columns, each 0 or 1: which labels a row has. Every label is a lane, with a yes or no of its own."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.validation import column_or_1d

from fastgd._estimators import inputs
from fastgd._validation import ArgumentValueError, shortened

OTHERWISE = "For several targets with classes of their own use sklearn.multioutput.MultiOutputClassifier."


def has_columns(y: Any) -> bool:
    """Return whether y, of whatever type, has rows with columns."""
    shape = getattr(y, "shape", None)
    if shape is None:
        first = y[0] if isinstance(y, (list, tuple)) and len(y) else 0
        return isinstance(first, (list, tuple, np.ndarray))
    return len(shape) > 1


def read(model: Any, X: Any, y: Any, *, reset: bool) -> tuple[Any, np.ndarray]:
    """Return X and y as they are checked: labels (n_rows,), or an indicator (n_rows, n_labels) of uint8."""
    if not has_columns(y):
        return inputs.matrix(model, X, y, reset=reset)
    if isinstance(y, (list, tuple)) and len({np.size(row) for row in y}) > 1:
        raise ArgumentValueError(
            "the rows of y must have the same number of columns. Of lists of labels sklearn.preprocessing.MultiLabelBinarizer makes them."
        )
    X, y = inputs.matrix(model, X, y, reset=reset, multi_output=True)
    if y.ndim == 2 and y.shape[1] == 1:
        return X, column_or_1d(y.toarray() if sp.issparse(y) else y, warn=True)
    return X, indicator(y, "y")


def indicator(y: Any, name: str) -> np.ndarray:
    """Return y as an indicator of uint8; refuse other numbers than 0 and 1."""
    y = y.toarray() if sp.issparse(y) else y
    known = (y == 0) | (y == 1)
    if y.ndim != 2 or not known.all():
        found = f"an array of shape {y.shape}" if y.ndim != 2 else shortened(repr(np.unique(y[~known]).tolist()), 80)
        raise ArgumentValueError(
            f"{name} with several columns must hold 0 and 1, which labels a row has; got {found}. {OTHERWISE}"
        )
    return (y == 1).astype(np.uint8)


def check_columns(y: np.ndarray, n_labels: int | None, name: str = "y") -> None:
    """Refuse another kind of y than the estimator's, which has so many labels, or None for one label a row."""
    found = f"{y.shape[1]} columns" if y.ndim == 2 else "one label for each row"
    expected = f"{n_labels} columns of 0 and 1" if n_labels else "one label for each row"
    if (y.shape[1] if y.ndim == 2 else None) != n_labels:
        raise ArgumentValueError(f"{name} must have {expected}, as before; got {found}.")


def counts(y: np.ndarray) -> np.ndarray:
    """Return how many rows lack and have each label, (2, n_labels)."""
    having = y.sum(axis=0, dtype=np.int64)
    return np.stack([len(y) - having, having])


def weights(class_weight: Any, y: np.ndarray, counts: np.ndarray) -> np.ndarray | None:
    """Return the weight of each row in the lane of each label, (n_rows, n_labels), None where all weigh 1.

    "balanced" weighs in each lane the rows with and without the label, ``n_samples / (2 * count)``; a dict the rows with the label.
    """
    if class_weight is None:
        return None
    numbers = np.arange(y.shape[1])
    if isinstance(class_weight, str):
        each: Any = [inputs.class_weights(class_weight, np.arange(2), column) for column in counts.T]
        without, having = np.transpose(each)
    else:
        without, having = np.ones(len(numbers)), inputs.class_weights(class_weight, numbers, counts)
    return np.where(y == 1, having, without)


def within_0_and_1(chance: np.ndarray) -> np.ndarray:
    """Return probabilities with 0, 1 and what lies beyond replaced by the next numbers between, as scikit-learn's contract asks."""
    least, one = np.finfo(chance.dtype).tiny, chance.dtype.type(1)
    return np.clip(chance, least, np.nextafter(one, 0, dtype=chance.dtype))
