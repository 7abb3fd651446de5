"""``learning_rate="auto"`` as estimators know it: their parameter, and what a fit has found."""

from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils._param_validation import StrOptions

from fastgd._validation import ArgumentValueError

AUTO = "auto"
CONSTRAINT = StrOptions({AUTO})
SCALE_FREE = 0.03  # the middle of the first rates of optimizers whose steps do not grow with the gradient


def is_auto(model: Any) -> bool:
    """Return whether the estimator is to find its rate itself."""
    return isinstance(model.learning_rate, str) and model.learning_rate == AUTO


def refuse_own_steps(optimizer: Any) -> None:
    """Say why no rate is looked for: the optimizer takes its steps itself."""
    raise ArgumentValueError(
        f"learning_rate='auto' finds no rate for {optimizer!r}, whose steps are not compiled into the race: leave learning_rate at its "
        "default, or compare rates with fastgd.sweep."
    )


def tolerance(model: Any, targets: np.ndarray) -> float | None:
    """Return `tol` in the unit of the loss, given the rows to learn from, (n, n_outputs).

    Squared errors are measured against the targets' variance, else the unit in which y is written would decide how long a model is
    trained.
    """
    if model.tol is None or not is_regressor(model) or getattr(model, "loss", None) != "squared_error":
        return model.tol
    with np.errstate(all="ignore"):
        variance = float(np.var(targets, axis=0, dtype=np.float64).mean())
    return model.tol * variance if 0 < variance < np.inf else model.tol


def forget(model: Any) -> None:
    """Drop what an earlier `fit` has found, which a new one may not find again."""
    for name in ("learning_rate_", "race_"):
        vars(model).pop(name, None)


def found_rate(model: Any) -> float:
    """Return the rate that `fit` has found, with which `partial_fit` goes on."""
    try:
        return model.learning_rate_
    except AttributeError:
        raise ArgumentValueError(
            "learning_rate='auto' finds its rate in fit: call fit before partial_fit, or set learning_rate to a number."
        ) from None
