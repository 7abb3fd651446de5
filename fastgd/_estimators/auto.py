"""``learning_rate="auto"`` as estimators know it: their parameter, and what a fit has found."""

from typing import Any

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
