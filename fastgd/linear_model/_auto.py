"""``learning_rate="auto"``: from an estimator and its arrays to a race, and back."""

from typing import Any

import numpy as np

from fastgd._estimators import inputs
from fastgd._estimators.auto import CONSTRAINT, SCALE_FREE, forget, found_rate, is_auto, refuse_own_steps, tolerance
from fastgd._estimators.callbacks import CallbackObserver
from fastgd._training import fit, health, race
from fastgd._training.history import History
from fastgd._training.models import Lanes
from fastgd._training.own_lanes import runs_in_lines
from fastgd._training.track import Track
from fastgd._validation import ArgumentValueError
from fastgd.optimizers import SGD

__all__ = ["CONSTRAINT", "forget", "found_rate", "is_auto", "learn"]


def learn(
    model: Any,
    X: Any,
    targets: Any,
    weight: Any,
    n_lanes: int,
    init: tuple[Any, Any],
    held_out: np.ndarray | None,
    validation: tuple[Any, np.ndarray, np.ndarray | None] | None,
    observer: CallbackObserver | None,
) -> None:
    """Find the rate, train, and set every fitted attribute; the arguments are those of `LinearSGD._learn`."""
    if model._perfect_at_zero:
        raise ArgumentValueError(
            "learning_rate='auto' cannot compare rates by the loss 'perceptron': a model of zeros has none. Use 'constant'."
        )
    if not runs_in_lines(model.optimizer):
        refuse_own_steps(model.optimizer)
    assert validation is not None  # fit holds rows out
    rows = inputs.rows_to_learn(X, weight, held_out)

    def begin(n_rates: int) -> Lanes:
        repeated = tuple(None if each is None else np.tile(each, n_rates) for each in init)
        return model._lanes_to_train(X, n_rates * n_lanes, repeated, False)[0]

    def probe(n_rates: int) -> Lanes:
        return model._probe(X, n_rates * n_lanes, X.dtype)

    plan = fit.Plan(
        max_iter=int(model.max_iter),
        tol=tolerance(model, targets[rows]),
        n_iter_no_change=int(model.n_iter_no_change),
        shuffle=bool(model.shuffle),
        max_time=model.max_time,
        verbose=int(model.verbose),
    )
    scale = None if model.optimizer is None or isinstance(model.optimizer, SGD) else SCALE_FREE
    track = Track(X, targets, weight, rows, validation, begin, probe, n_lanes, scale)
    per_epoch = inputs.rows_that_count(X, weight)

    def fitted(coef: np.ndarray, intercept: np.ndarray, n_iter: int) -> dict[str, Any]:
        return {**model._attributes(coef, intercept), "n_iter_": n_iter, "t_": 1 + n_iter * per_epoch}

    if observer is not None:
        observer.begin_fit(fitted)
    winner = race.run(track, plan, model._seed(), observer)
    model._set(fitted(*fit.published(winner.lanes), winner.n_iter))
    model.stop_reason_, model.history_ = winner.stop_reason, History(winner.history)
    model.learning_rate_, model.race_ = winner.result.chosen, winner.result
    pace = (model.learning_rate, model.eta0)
    model._training = {"state": winner.lanes.state(), "epochs": winner.n_iter, "pace": pace, "memory": None}
    if observer is not None:
        observer.end_fit()
    if isinstance(X, np.ndarray):
        health.warn(health.ill_conditioned(X, winner.result.lowest, track.blank), stacklevel=6)
