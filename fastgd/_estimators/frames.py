"""What frames (pandas, polars, pyarrow) need beyond scikit-learn's validation, none of them imported unless a stream asks for it."""

import warnings
from typing import Any

import numpy as np

from fastgd._validation import ArgumentTypeError, ArgumentValueError, shortened

TIMES = ("date", "time", "duration", "period")  # how the names of their types begin, in all three
FLOAT32 = {"float32", "float", "float[pyarrow]"}
INT64 = {"int64", "uint64", "int64[pyarrow]", "uint64[pyarrow]"}
EXACT_IN_FLOAT64 = 2**53


class PrecisionWarning(UserWarning):
    """Integers beyond 2**53 lose digits in float64."""


def table(X: Any) -> Any:
    """Return X, an object that only exports Arrow streams as a pyarrow table; refuse frames that are not computed yet."""
    if hasattr(X, "collect_schema") and hasattr(X, "collect"):
        raise ArgumentTypeError(f"X is a {type(X).__name__}, not computed yet; pass X.collect().")
    # scikit-learn reads whatever has __array__, a record batch without its names.
    if not hasattr(X, "__arrow_c_stream__") or (hasattr(X, "__array__") and type(X).__name__ != "RecordBatch"):
        return X
    try:
        import pyarrow
    except ImportError:
        raise ArgumentTypeError(
            f"X, a {type(X).__name__}, exports an Arrow stream, and reading that needs pyarrow: pip install pyarrow."
        ) from None
    return pyarrow.table(X)


def column_types(X: Any) -> list[tuple[Any, str]]:
    """Return the name and the type, in small letters, of each column of a frame; an empty list for anything else."""
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        pairs = zip(X.columns, X.dtypes, strict=True)
    elif hasattr(getattr(X, "schema", None), "types"):
        pairs = zip(X.schema.names, X.schema.types, strict=True)
    else:
        return []
    return [(name, str(kind).lower()) for name, kind in pairs]


def refuse_odd(X: Any, columns: list[tuple[Any, str]]) -> None:
    """Refuse columns of times, which would be read as counts of nanoseconds, and of one name; warn of integers that lose digits."""
    names = [name for name, _ in columns if isinstance(name, str)]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ArgumentValueError(
            f"the names of X's columns must be unique; several are named {shortened(repr(twice), 120)}."
        )
    times = [name for name, kind in columns if kind.startswith(TIMES)]
    if times:
        raise ArgumentTypeError(
            f"X must hold numbers; its columns {shortened(repr(times), 120)} hold times. Convert them to numbers first."
        )
    for name, kind in columns:
        if kind in INT64:
            warn_of_lost_digits(np.asarray(X[name]), f"column {name!r} of X")


def warn_of_lost_digits(values: Any, what: str) -> None:
    """Warn of 64-bit integers that float64 does not hold."""
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8 and values.size:
        largest = max(-int(np.min(values)), int(np.max(values)))
        if largest > EXACT_IN_FLOAT64:
            warnings.warn(f"{what} has integers up to {largest}; float64 is exact up to 2**53.", PrecisionWarning, 5)


def check_order(estimator: Any, columns: list[tuple[Any, str]]) -> None:
    """Refuse the columns of `fit` in another order, naming them; scikit-learn names all other differences."""
    fitted = getattr(estimator, "feature_names_in_", None)
    if fitted is None or not columns:
        return
    names, before = [name for name, _ in columns], list(fitted)
    if names != before and set(names) == set(before) and len(names) == len(before):
        moved = [f"{new!r} for {old!r}" for new, old in zip(names, before, strict=True) if new != old]
        raise ArgumentValueError(
            "The feature names should match those that were passed during fit.\n"
            "Feature names must be in the same order as they were in fit.\n"
            f"Not in their place: {shortened(', '.join(moved), 90)}. Select the columns by feature_names_in_."
        )
