"""What users hand over, checked before anything is changed: matrices, targets, weights of rows and of classes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, column_or_1d, validate_data

from fastgd._estimators import device_inputs, frames
from fastgd._estimators.device_inputs import host, on_device
from fastgd._training.coded import MOST_IN_A_BYTE, Coded
from fastgd._training.device import DeviceRows
from fastgd._training.orders import width
from fastgd._training.rows import check_sparse
from fastgd._validation import ArgumentTypeError, ArgumentValueError, integer, shortened

DTYPES = [np.float64, np.float32]
CHUNK = 2**16  # rows that are looked at at once: temporary arrays stay small


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """Put an estimator's attributes back when the block raises, be it by Ctrl-C."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def matrix(estimator: Any, X: Any, y: Any = "no_validation", *, reset: bool, product: bool = False, **checks) -> Any:
    """Return X (with y where it is given) as scikit-learn validates it: CSR or dense, float32 or float64, finite.

    Beyond scikit-learn: a damaged sparse matrix is refused before any compiled code walks it, so are masked cells and times, and
    int64 indices are accepted. The float32 columns of every kind of frame stay float32. For a `product`, neither the values of a sparse
    matrix are looked at nor the indices of CSR: the product does so itself. A matrix on a GPU stays there: see `device_inputs.matrix`.
    """
    if on_device(X):
        return device_inputs.matrix(estimator, X, y, reset=reset, **checks)
    X = frames.table(X)
    columns = frames.column_types(X)
    if not (product and sp.issparse(X) and X.format == "csr" and X.dtype in DTYPES):
        _refuse_odd(X)
    _refuse_masked(y, "y")
    frames.refuse_odd(X, columns)
    if not reset:
        frames.check_order(estimator, columns)
    narrow = columns and all(kind in frames.FLOAT32 for _, kind in columns)
    accepted = {"accept_sparse": "csr", "accept_large_sparse": True, "dtype": np.float32 if narrow else DTYPES}
    if product and sp.issparse(X):
        checks["ensure_all_finite"] = False
    return validate_data(estimator, X, y, reset=reset, **accepted, **checks)


def numeric(estimator: Any, X: Any, y: Any, *, reset: bool) -> tuple[Any, np.ndarray]:
    """Return X and numbers y, (n_rows,) or (n_rows, n_outputs); a single column is flattened with scikit-learn's warning."""
    X, y = matrix(estimator, X, y, reset=reset, y_numeric=True, multi_output=True)
    if sp.issparse(y):
        raise ArgumentTypeError("y must be dense; got a sparse matrix. Use y.toarray().")
    return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def _refuse_odd(X: Any) -> None:
    if sp.issparse(X):
        return sound(X)
    _refuse_masked(X, "X")
    dtype = getattr(X, "dtype", None)
    kind = getattr(dtype, "kind", "")
    if kind in ("m", "M"):
        raise ArgumentTypeError(f"X must hold numbers; got {dtype}. Convert times to numbers first.")
    if kind:
        frames.warn_of_lost_digits(X, "X")


def _refuse_masked(values: Any, name: str) -> None:
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        n = np.ma.count_masked(values)
        raise ArgumentValueError(f"{name} has {n} masked cells; fill them first, e.g. by {name}.filled(0).")


def sound(X: Any) -> None:
    """Raise for a sparse matrix whose index arrays contradict each other, whatever its format."""
    if X.format in ("csr", "csc"):
        shape = X.shape if X.format == "csr" else X.shape[::-1]
        check_sparse(np.asarray(X.data), np.asarray(X.indices), np.asarray(X.indptr), shape)
    elif X.format == "bsr":
        blocks = tuple(n // size for n, size in zip(X.shape, X.blocksize, strict=True))
        check_sparse(np.asarray(X.data), np.asarray(X.indices), np.asarray(X.indptr), blocks)
    elif X.format == "coo":
        for axis, (size, where) in enumerate(zip(X.shape, X.coords, strict=True)):
            if len(where) != len(X.data):
                raise ArgumentValueError(
                    f"X is damaged: {len(where)} coordinates along axis {axis} for {len(X.data)} values."
                )
            bad = (where < 0) | (where >= size)
            if bad.any():
                k = int(bad.argmax())
                raise ArgumentValueError(
                    f"X is damaged: entry {k} has coordinate {where[k]} along axis {axis} of size {size}."
                )


def row_weights(sample_weight: Any, X: Any, *, allow_all_zero: bool = False) -> np.ndarray | None:
    """Return checked weights of the rows as float64, None for no weights."""
    if sample_weight is None:
        return None
    if isinstance(X, DeviceRows):
        sample_weight, X = host(sample_weight), np.broadcast_to(X.dtype.type(0), X.shape)
    _refuse_masked(sample_weight, "sample_weight")
    if np.asarray(sample_weight).dtype.kind not in "biuf":
        raise ArgumentTypeError(f"sample_weight must hold real numbers; got {shortened(repr(sample_weight), 80)}.")
    weight = _check_sample_weight(
        sample_weight, X, dtype=X.dtype, ensure_non_negative=True, allow_all_zero_weights=allow_all_zero
    )
    return weight.astype(np.float64, copy=False)


def labels(y: np.ndarray) -> np.ndarray:
    """Return the distinct labels of a classification target."""
    integers = y.dtype.kind in "biu" and y.ndim == 1
    try:
        if not integers:
            check_classification_targets(y)  # which says of integers that they are classes
        classes = _distinct(y) if integers else np.unique(y)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in y.ravel().tolist()})
        raise ArgumentValueError(f"y must hold labels of one kind, all texts or all numbers; got {kinds}.") from None
    if len(classes) < 2:
        raise ArgumentValueError(
            f"The number of classes has to be greater than one; got {len(classes)} class ({shortened(repr(classes.tolist()[0]), 60)})"
        )
    return classes


def _distinct(y: np.ndarray) -> np.ndarray:
    """Return the sorted distinct values without a copy of all."""
    return np.unique(np.concatenate([np.unique(y[low : low + CHUNK]) for low in range(0, max(1, len(y)), CHUNK)]))


def announced(classes: Any) -> np.ndarray:
    """Return the sorted `classes` of a first partial_fit; refuse duplicates and NaN."""
    given = np.asarray(classes)
    if given.ndim != 1 or (given.dtype.kind == "f" and not np.isfinite(given).all()):
        raise ArgumentValueError(
            f"classes must be a flat list of labels without NaN; got {shortened(repr(classes), 80)}."
        )
    unique = np.unique(given)
    if len(unique) != len(given):
        raise ArgumentValueError(f"classes must not repeat a label; got {shortened(repr(classes), 80)}.")
    if len(unique) < 2:
        raise ArgumentValueError(f"The number of classes has to be greater than one; got {len(unique)} class")
    return unique


def codes(y: np.ndarray, classes: np.ndarray, name: str = "y") -> np.ndarray:
    """Return the index of each label within the sorted classes, a byte each where that is enough; refuse unknown labels by name."""
    same_kind = (y.dtype.kind in "biuf") == (classes.dtype.kind in "biuf")
    code = np.empty(len(y), np.uint8 if len(classes) <= MOST_IN_A_BYTE else np.int32)
    unknown = np.zeros(len(y), bool)
    for low in range(0, len(y), CHUNK):
        part = slice(low, low + CHUNK)
        code[part] = where = np.minimum(np.searchsorted(classes, y[part]), len(classes) - 1) if same_kind else 0
        unknown[part] = classes[where] != y[part] if same_kind else True
    if unknown.any():
        new = shortened(repr(np.unique(y[unknown]).tolist()), 80)
        raise ArgumentValueError(
            f"{name} has labels {new} that are not among classes_ {shortened(repr(classes.tolist()), 100)}."
        )
    return code


def counts(code: np.ndarray, n_classes: int) -> np.ndarray:
    """Return how many rows each class has."""
    parts = (code[low : low + CHUNK] for low in range(0, len(code), CHUNK))
    return sum((np.bincount(part, minlength=n_classes) for part in parts), np.zeros(n_classes, np.int64))


def class_weights(class_weight: Any, classes: np.ndarray, counts: np.ndarray) -> np.ndarray | None:
    """Return one weight per class, None where all weigh 1.

    "balanced" gives ``n_samples / (n_classes * count)``, for classes not yet seen 1.
    """
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        present = counts > 0
        weights = counts.sum() / (present.sum() * np.maximum(counts, 1))
        return np.where(present, weights, 1.0)
    known = classes.tolist()
    unknown = [label for label in class_weight if label not in known]
    if unknown:
        raise ArgumentValueError(
            f"class_weight has labels {shortened(repr(unknown), 80)} that are not among {shortened(repr(known), 100)}."
        )
    weights = np.array([class_weight.get(label, 1.0) for label in known], np.float64)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ArgumentValueError(f"class_weight must be finite and >= 0; got {shortened(repr(class_weight), 80)}.")
    return weights


def check_n_epochs(n_epochs: Any) -> None:
    """Refuse a number of epochs that is not an integer >= 1."""
    integer(n_epochs, "partial_fit", "n_epochs", 1)


def initial(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return initial weights in their shape; a single lane's may be flat, or a scalar for the intercept."""
    array = np.asarray(host(value) if on_device(value) else value, dtype=np.float64)
    if array.shape != shape and not (shape[0] == 1 and array.size == np.prod(shape) and array.ndim < 2):
        raise ArgumentValueError(
            f"Provided {name} does not match dataset: its shape must be {shape}; got {array.shape}."
        )
    if not np.isfinite(array).all():
        raise ArgumentValueError(f"{name} must be finite; it contains NaN or infinity.")
    return array.reshape(shape)


def validation(
    estimator: Any, X: Any, y: Any, weight: Any, dtype: Any, read: Callable[..., tuple] = matrix
) -> tuple | None:
    """Return the checked validation data of `fit` as (X, y, weight), None where there are none; `read` checks X and y."""
    if X is None and y is None:
        if weight is not None:
            raise ArgumentValueError("sample_weight_val needs X_val and y_val.")
        return None
    if X is None or y is None:
        raise ArgumentValueError("X_val and y_val go together; got only one of them.")
    X, y = read(estimator, X, y, reset=False)
    return X.astype(dtype, copy=False), y, row_weights(weight, X)


def held_out(X: Any, targets: "np.ndarray | Coded", weight: np.ndarray | None, rows: np.ndarray) -> tuple:
    """Return the validation data (X, targets, weight) that a split for early stopping holds out."""
    kept = None if weight is None else weight[rows]
    if kept is not None and not kept.any():
        raise ArgumentValueError(
            "The sample weights for validation set are all zero, consider using a different random state."
        )
    return X[rows], targets[rows].astype(X.dtype, copy=False), kept


def rows_that_count(X: Any, weight: "np.ndarray | Coded | None") -> int:
    """Return how many rows have a weight in any lane: by so much an epoch raises `t_`, validation rows included as in scikit-learn."""
    return X.shape[0] if weight is None else int(np.count_nonzero(weight.any(axis=1)))


def rows_to_learn(X: Any, weight: Any, held_out: np.ndarray | None) -> Any:
    """Return the numbers of the rows that have a weight and are not held out: a range where these are all, else an array."""
    n_rows = X.shape[0]
    there: np.ndarray = np.ones(n_rows, bool) if weight is None else weight.any(axis=1)
    if held_out is not None:
        there[held_out] = False
    if n_rows and there.all():
        return range(n_rows)
    learn: np.ndarray = np.empty(int(np.count_nonzero(there)), width(n_rows))
    done = 0
    for low in range(0, n_rows, CHUNK):
        part = low + np.flatnonzero(there[low : low + CHUNK])
        learn[done : done + len(part)] = part
        done += len(part)
    if len(learn) == 0:
        raise ArgumentValueError(
            "Sample weights must contain at least one non-zero number among the rows to learn from."
        )
    return learn
