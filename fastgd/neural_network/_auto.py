"""``learning_rate="auto"`` for networks: from an estimator and its arrays to a race, and back."""

from dataclasses import replace
from typing import Any

import numpy as np

from fastgd._estimators import inputs
from fastgd._estimators.auto import SCALE_FREE, refuse_own_steps, tolerance
from fastgd._estimators.callbacks import CallbackObserver
from fastgd._training import fit, health, race
from fastgd._training.history import History
from fastgd._training.network import NetworkLanes
from fastgd._training.own_lanes import runs_in_networks
from fastgd._training.track import Track
from fastgd.neural_network import _solvers
from fastgd.optimizers import SGD


def learn(
    model: Any,
    X: Any,
    targets: np.ndarray,
    weight: np.ndarray | None,
    seed: int,
    held_out: np.ndarray | None,
    validation: tuple[Any, np.ndarray, np.ndarray | None] | None,
    observer: CallbackObserver | None,
) -> None:
    """Find the rate, train, and set every fitted attribute; the arguments are those of `MultilayerPerceptron._learn`."""
    if not runs_in_networks(model.optimizer):
        refuse_own_steps(model.optimizer)
    assert validation is not None  # fit holds rows out
    rows = inputs.rows_to_learn(X, weight, held_out)
    times = model._alpha_times(weight, rows)
    start = model._flat() if model.warm_start and getattr(model, "coefs_", None) is not None else None

    def begin(n_rates: int) -> NetworkLanes:
        lanes = model._new_lanes(X, n_rates, X.dtype, seed, times)
        if start is not None:
            lanes.set_coef(np.tile(start, n_rates))
        return lanes

    def probe(n_rates: int) -> NetworkLanes:
        return model._probe(X, n_rates, X.dtype)

    scale = None if isinstance(_solvers.optimizer_of(model), SGD) else SCALE_FREE
    track = Track(X, targets, weight, rows, validation, begin, probe, 1, scale, networks=True)

    def fitted(coef: np.ndarray, intercept: np.ndarray, n_iter: int) -> dict[str, Any]:
        return {**model._attributes(coef, intercept), "n_iter_": n_iter, "t_": n_iter * len(rows)}

    if observer is not None:
        observer.begin_fit(fitted)
    plan = replace(model._plan(int(model.max_iter), False), tol=tolerance(model, targets[rows]))
    winner = race.run(track, plan, seed, observer)
    model._set(fitted(*fit.published(winner.lanes), winner.n_iter))
    model.n_layers_, model.stop_reason_, model.history_ = (
        len(model.coefs_) + 1,
        winner.stop_reason,
        History(winner.history),
    )
    model._note_losses(fit.Problem(track.X, targets, rows, weight), False)
    model.learning_rate_, model.race_ = winner.result.chosen, winner.result
    pace = _solvers.given_rate(model)
    model._training = {"state": winner.lanes.state(), "epochs": winner.n_iter, "pace": pace, "memory": None}
    if observer is not None:
        observer.end_fit()
    if isinstance(X, np.ndarray):
        health.warn(health.ill_conditioned(X, winner.result.lowest, track.blank), stacklevel=6)
