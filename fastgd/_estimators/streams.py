"""`fit(stream)`: training on files that are larger than memory, pass by pass, through `partial_fit`."""

import time
import warnings
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning

from fastgd._training.history import History
from fastgd._validation import ArgumentValueError
from fastgd.io import Stream
from fastgd.schedules import Schedule

HISTORY = ("loss", "objective", "grad_norm")
OTHERS = ("y", "coef_init", "intercept_init", "sample_weight", "X_val", "y_val", "sample_weight_val", "callbacks")


def is_stream(X: Any) -> bool:
    """Return whether `X` is a stream of batches instead of a matrix."""
    return isinstance(X, Stream)


def fit(estimator: Any, stream: Stream, *others: Any) -> Any:
    """Train an estimator with `partial_fit` on every batch, until its objective stops to fall or after `max_iter` passes.

    The objective of a pass is the mean of its batches', weighted by their rows. The rate goes on from batch to batch; schedules count
    steps. All happens on a copy: after an error or an interruption the estimator is as it was before.

    Parameters
    ----------
    estimator : SGDClassifier or SGDRegressor
        What to train.
    stream : Stream
        Begun at its position; a classifier's labels are looked up in a pass of their own before the first.
    *others : object
        The other arguments of `fit`, in the order of `OTHERS`, which must be None.

    Returns
    -------
    object
        The estimator.
    """
    _check(estimator, others)
    began = time.perf_counter()
    model = clone(estimator)
    model.set_params(warm_start=False)
    options = {"classes": stream.labels()} if is_classifier(estimator) else {}
    epochs: list[dict[str, Any]] = []
    best, bad, reason = np.inf, 0, "max_iter"
    for _ in range(int(estimator.max_iter)):
        epochs.append(_one_pass(model, stream, options, began))
        value = float(np.mean(epochs[-1]["objective"]))
        bad = bad + 1 if estimator.tol is not None and value > best - estimator.tol else 0
        best = min(best, value)
        if bad >= estimator.n_iter_no_change:
            reason = "tol"
        elif estimator.max_time is not None and time.perf_counter() - began >= estimator.max_time:
            reason = "max_time"
        else:
            continue
        break
    learnt = {name: value for name, value in vars(model).items() if name not in model.get_params(deep=False)}
    vars(estimator).update(learnt)
    estimator.n_iter_ = len(epochs)
    estimator.stop_reason_ = reason
    estimator.history_ = History((name, np.array([each[name] for each in epochs])) for name in epochs[0])
    if reason == "max_iter" and estimator.tol is not None:
        warnings.warn(
            f"fit ended after max_iter={estimator.max_iter} passes over the stream; the objective was still falling.",
            ConvergenceWarning,
            stacklevel=3,
        )
    return estimator


def _check(estimator: Any, others: tuple[Any, ...]) -> None:
    """Refuse what a stream cannot have."""
    for name, value in zip(OTHERS, others, strict=True):
        if value is not None:
            raise ArgumentValueError(
                f"{name} must be None when X is a stream; the stream has the rows and their targets."
            )
    rate = estimator.learning_rate
    for name, wrong, instead in (
        (
            "learning_rate",
            isinstance(rate, str) and rate in ("auto", "adaptive"),
            "a number, a schedule of steps, or another name",
        ),
        ("learning_rate", isinstance(rate, Schedule) and not rate.is_resolved, "a schedule whose durations are steps"),
        ("early_stopping", estimator.early_stopping, "False"),
        ("restore_best", estimator.restore_best, "False"),
        ("class_weight", getattr(estimator, "class_weight", None) == "balanced", "None or a dict"),
        ("warm_start", estimator.warm_start, "False; to go on training call partial_fit"),
    ):
        if wrong:
            given = getattr(estimator, name)
            raise ArgumentValueError(f"{name} must be {instead} when X is a stream; got {given!r}.")


def _one_pass(model: Any, stream: Stream, options: dict[str, Any], began: float) -> dict[str, Any]:
    """Train on every batch; return what the history says of it."""
    since, n_rows = time.perf_counter(), 0
    sums = dict.fromkeys(HISTORY, 0.0)
    for X, y in stream:
        model.partial_fit(X, y, **options)
        n_rows += len(y)
        for name in HISTORY:
            sums[name] = sums[name] + len(y) * model.history_[name][-1]
    if n_rows == 0:
        raise ArgumentValueError("the stream has no rows.")
    now = time.perf_counter()
    return {
        "epoch": stream.epoch,
        "step": model.history_["step"][-1],
        "learning_rate": model.history_["learning_rate"][-1],
        **{name: value / n_rows for name, value in sums.items()},
        "rows_per_second": n_rows / max(now - since, 1e-9),
        "seconds": now - began,
    }
