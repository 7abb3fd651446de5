"""Callbacks: functions of an epoch given to `fit`, and scikit-learn's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from sklearn.callback import AutoPropagatedCallback, FitCallback

from fastgd._estimators.inputs import unchanged_on_error
from fastgd._training.observers import Weights
from fastgd._validation import ArgumentTypeError, type_error

Attributes = Callable[[np.ndarray, np.ndarray, int], dict[str, Any]]  # fitted, from weights and the number of epochs


class _Model:
    """The weights that an epoch ended with, made at the first use; only while callbacks run, for training then changes them."""

    def __init__(self, epoch: int, make: Callable[[], tuple[np.ndarray, ...]]):
        self.epoch = epoch
        self.make: Callable | None = make
        self.made: tuple | None = None

    def part(self, k: int) -> np.ndarray:
        if self.made is None:
            if self.make is None:
                raise RuntimeError(
                    f"the weights of epoch {self.epoch} are gone: read info.coef and info.intercept while the callback runs."
                )
            self.made = tuple(_read_only(array) for array in self.make())
        return self.made[k]


@dataclass(frozen=True)
class EpochInfo:
    """An epoch, as functions in ``fit(..., callbacks=[...])`` are told of it; it cannot be changed.

    What lanes (the classes of one-vs-rest) differ in is a float for a single lane, otherwise a float64 array of shape (n_lanes,) with NaN
    for lanes that had stopped before.

    Attributes
    ----------
    epoch : int
        Counted from 1 in each call of `fit` or `partial_fit`; a `fit` that goes on with an unfinished one counts on.
    step : int
        The number of steps taken, in all calls.
    learning_rate : float or ndarray of shape (n_lanes,)
        At the next step.
    loss, objective : float or ndarray of shape (n_lanes,)
        The mean loss over the rows, each before its update, and the same plus the penalty.
    val_loss, val_score : float or ndarray of shape (n_lanes,), or None
        On the validation rows, where there are any.
    grad_norm : float or ndarray of shape (n_lanes,)
        The mean norm of the loss's gradient over the steps.
    clipped : float or ndarray of shape (n_lanes,), or None
        The share of steps whose gradient was clipped, where any are.
    rows_per_second, seconds : float
        The speed in this epoch, and the time since training began.
    coef, intercept : ndarray
        The weights after this epoch, read-only copies of the shapes and dtypes of `coef_` and `intercept_` (for `SGDOneClassSVM`, of
        `offset_`; for networks lists as `coefs_` and `intercepts_`). They are made when they are first read, which must be while the
        callback runs.

    Examples
    --------
    >>> from fastgd.linear_model import SGDRegressor
    >>> path = []
    >>> def watch(info):
    ...     path.append(info.coef)
    ...     return info.loss < 0.02
    >>> model = SGDRegressor(random_state=0).fit([[0.0], [1.0]] * 50, [0.0, 1.0] * 50, callbacks=[watch])
    >>> model.stop_reason_, (path[-1] == model.coef_).item()
    ('callback', True)
    """

    epoch: int
    step: int
    learning_rate: Any
    loss: Any
    objective: Any
    val_loss: Any
    val_score: Any
    grad_norm: Any
    clipped: Any
    rows_per_second: float
    seconds: float
    _model: _Model = field(repr=False, compare=False)

    @property
    def coef(self) -> np.ndarray:
        """The coefficients after this epoch."""
        return self._model.part(0)

    @property
    def intercept(self) -> np.ndarray:
        """The intercepts after this epoch."""
        return self._model.part(1)


MEASURED = tuple(each.name for each in fields(EpochInfo) if not each.name.startswith("_"))


def _read_only(value: Any) -> Any:
    for array in value if isinstance(value, list) else [value]:
        array.flags.writeable = False
    return value


def _shown(value: Any) -> Any:
    """Return a value of the history as callbacks see it."""
    if not isinstance(value, np.ndarray):
        return value
    return value.item() if value.size == 1 else _read_only(value.copy())


class CallbackObserver:
    """Tells the callbacks of one call of `fit` or `partial_fit` what happens.

    Parameters
    ----------
    estimator : LinearSGD
        In training.
    functions : list of callables
        Called with an `EpochInfo` after each epoch.
    context : sklearn.callback.CallbackContext or None
        The task "fit" of scikit-learn's callbacks, None where there are none.
    data : dict
        X, y and metadata for scikit-learn's hooks: as the user gave them, so that the columns of a frame keep their names.
    """

    def __init__(self, estimator: Any, functions: list[Callable], context: Any, data: dict[str, Any]):
        self.estimator, self.functions, self.context = estimator, functions, context
        self.told = {"estimator": estimator, **data}
        self.epochs = 0

    def begin_fit(self, attributes: Attributes, epochs: int = 0) -> None:
        """Training begins, or goes on after so many epochs; `attributes` says how the estimator would look."""
        self.attributes, self.epochs = attributes, epochs
        if self.context is not None:
            self.context.call_on_fit_task_begin(**self.told)

    def begin(self, weights: Weights) -> None:
        """An epoch begins."""
        if self.context is not None:
            self.task = self.context.subcontext(task_name="epoch")
            self.task.call_on_fit_task_begin(
                **self.told, reconstruction_attributes=lambda: self._reconstruction(weights)
            )

    def end(self, measured: dict[str, Any], weights: Weights) -> bool:
        """An epoch has ended; return whether any callback wants to stop. All of them are called."""
        self.epochs += 1
        stop = False
        if self.context is not None:
            stop = self.task.call_on_fit_task_end(
                **self.told, reconstruction_attributes=lambda: self._reconstruction(weights)
            )
        if self.functions:
            model = _Model(self.epochs, lambda: tuple(self._fitted(weights).values())[:2])
            info = EpochInfo(**{name: _shown(measured.get(name)) for name in MEASURED}, _model=model)
            for function in self.functions:
                answer = function(info)
                stop |= isinstance(answer, (bool, np.bool_)) and bool(answer)
            model.make = None
        return stop

    def end_fit(self) -> None:
        """The estimator is fitted."""
        if self.context is not None:
            self.context.call_on_fit_task_end(**self.told, reconstruction_attributes={})

    def _fitted(self, weights: Weights) -> dict[str, Any]:
        return self.attributes(*weights(), self.epochs)

    def _reconstruction(self, weights: Weights) -> dict[str, Any]:
        """Return what makes a copy of the estimator one that is fitted so far, and that forgets what an earlier call remembered."""
        return self._fitted(weights) | {"_training": {}}


@contextmanager
def observed(
    estimator: Any, callbacks: Any, max_epochs: Any, X: Any, y: Any, sample_weight: Any
) -> Iterator[CallbackObserver | None]:
    """Run a block that trains; where it raises, the estimator is as before.

    Yields
    ------
    CallbackObserver or None
        None where there are no callbacks: then looking on costs nothing.
    """
    functions, listeners = _sorted_out(estimator, callbacks)
    context = None
    if listeners or hasattr(estimator, "_skl_callbacks"):
        context = _context(estimator, listeners, max_epochs)
    observer = None
    if functions or context is not None:
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        observer = CallbackObserver(estimator, functions, context, {"X": X, "y": y, "metadata": metadata})
    # scikit-learn ends what _context has begun, after errors too: the attributes that it keeps for that must survive them.
    with unchanged_on_error(estimator):
        yield observer


def _context(estimator: Any, listeners: list, max_epochs: Any) -> Any:
    """Begin the task "fit" for the callbacks that are set and, in this call only, for `listeners`."""
    lasting = getattr(estimator, "_skl_callbacks", [])
    new = [each for each in listeners if all(each is not other for other in lasting)]
    estimator.set_callbacks(*lasting, *new)
    try:
        return estimator._init_callback_context(max_subtasks=max_epochs)
    finally:
        estimator.set_callbacks(*lasting)


def _sorted_out(estimator: Any, callbacks: Any) -> tuple[list[Callable], list]:
    """Return the functions and the callbacks of scikit-learn's kind in a list of both."""
    if callbacks is None:
        return [], []
    owner = type(estimator).__name__
    if not isinstance(callbacks, (list, tuple)):
        raise type_error(owner, "callbacks", "a list", callbacks, "For a single callback: callbacks=[callback].")
    functions, listeners = [], []
    for k, each in enumerate(callbacks):
        if isinstance(each, FitCallback) and not isinstance(each, type):
            if isinstance(each, AutoPropagatedCallback) and hasattr(estimator, "_parent_callback_ctx"):
                raise ArgumentTypeError(
                    f"callbacks[{k}] of {owner}, a {type(each).__name__}, belongs to the outermost estimator: use its set_callbacks."
                )
            listeners.append(each)
        elif callable(each) and not isinstance(each, FitCallback):
            functions.append(each)
        else:
            raise type_error(
                owner, f"callbacks[{k}]", "a function of one argument or an instance of a scikit-learn callback", each
            )
    return functions, listeners
