"""Estimators that differ in what a lane may have of its own, trained side by side: each as its `fit` alone, bit for bit."""

import time
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import numpy as np
import scipy.sparse as sp

from fastgd._estimators import inputs
from fastgd._training import fit
from fastgd._training.history import History
from fastgd._training.models import AnyLanes, side_by_side
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows

MOST_LANES = 64  # in one pass: bounds the memory for weights


class Cancelled(Exception):
    """Another thread has asked the training to end."""


@dataclass(frozen=True)
class _WatchedTable(RateTable):
    """A table that looks at a flag whenever the engine asks for rates, which is every few milliseconds."""

    cancelled: Event = field(default_factory=Event)

    def values(self, t: float, position: int, n: int) -> np.ndarray:
        if self.cancelled.is_set():
            raise Cancelled
        return super().values(t, position, n)


class Paces:
    """The paces of several estimators as one, `width` lanes for each."""

    memory = None

    def __init__(self, paces: list, width: int, cancelled: Event):
        self.paces, self.width, self.cancelled = paces, width, cancelled
        self.counts_penalty = paces[0].counts_penalty

    def table(self, t: int, n_steps: int) -> RateTable:
        tables = [pace.table(t, n_steps) for pace in self.paces]
        first = tables[0]
        if all((each.formula, each.power_t) == (first.formula, first.power_t) for each in tables):
            rates, starts = ([getattr(each, name) for each in tables] for name in ("eta0", "start"))
            return _WatchedTable(
                first.formula, self._wide(rates), first.power_t, self._wide(starts), cancelled=self.cancelled
            )
        every = self._wide([each.values(t, 0, n_steps) for each in tables])
        return _WatchedTable("steps", every, cancelled=self.cancelled)

    def _wide(self, parts: list[np.ndarray]) -> np.ndarray:
        """Return tables (1 or n_steps, 1 or `width`) side by side."""
        n = max(len(part) for part in parts)
        return np.concatenate([np.broadcast_to(part, (n, self.width)) for part in parts], axis=1)

    def at(self, t: int) -> np.ndarray:
        return np.concatenate([pace.at(t) for pace in self.paces])

    def decrease(self, stalled: np.ndarray) -> np.ndarray:
        parts = stalled.reshape(len(self.paces), self.width)
        return np.concatenate([pace.decrease(part) for pace, part in zip(self.paces, parts, strict=True)])

    def observe(self, objective: float, t: int) -> None:
        """A schedule that looks at the objective is alone, so it sees its own."""
        for pace in self.paces:
            pace.observe(objective, t)


@dataclass(frozen=True)
class _Judge(fit.Validation):
    """Validation rows on which each estimator's lanes are scored by the estimator itself."""

    models: tuple = ()
    single: Any = None  # lanes of one estimator
    row_weight: np.ndarray | None = None

    def measure(self, lanes):
        loss, _ = super().measure(lanes)
        width = self.single.n_lanes
        own = [slice(k * width, (k + 1) * width) for k in range(len(self.models))]
        if self.rows.indices is not None:
            every = self.probe.decision(self.rows)
            raw = [every[:, part] for part in own]
        else:  # a matrix product of another number of columns has other bits
            coef, intercept = fit.published(lanes)
            raw = [self._alone(coef[:, part], intercept[part]) for part in own]
        targets = self.targets[:, :width]
        scores = [m._lane_scores(z, targets, self.row_weight) for m, z in zip(self.models, raw, strict=True)]
        return loss, np.concatenate(scores)

    def _alone(self, coef: np.ndarray, intercept: np.ndarray) -> np.ndarray:
        self.single.set_coef(coef, intercept)
        return self.single.decision(self.rows)


@dataclass(frozen=True)
class Data:
    """A validated matrix, and what validating it left on an estimator: the number and the names of its features."""

    X: Any
    rows: Rows
    noted: dict[str, Any]

    @classmethod
    def of(cls, X: Any, model: Any) -> "Data":
        before = set(vars(model))
        X = inputs.matrix(model, X, reset=True)
        return cls(X, Rows.of(X, finite=False), {n: v for n, v in vars(model).items() if n not in before})


@dataclass
class Pass:
    """Estimators to train on the same rows.

    Parameters
    ----------
    models : list of estimators
        Not fitted, linear models; they differ in their penalty, rate and loss parameter only.
    data : Data
    train : ndarray of int64
        The rows to learn from, in the order in which they would stand in a matrix of their own.
    y, weight
        The targets of those rows, and their weights or None.
    cancelled : Event
        Set by others to end the training with `Cancelled`.
    """

    models: list
    data: Data
    train: np.ndarray
    y: Any
    weight: Any
    cancelled: Event

    def __post_init__(self):
        first, X = self.models[0], self.data.X
        parameters = first.get_params(deep=False)
        # Of X the estimators' `_task` looks at shape and dtype; a matrix of zeros takes the place of a copy of the rows.
        self.zeros = sp.csr_array((len(self.train), X.shape[1]), dtype=X.dtype)
        task = first._task(self.zeros, self.y, self.weight, (None, None, None), first.early_stopping)
        noted = {n: v for n, v in vars(first).items() if n not in parameters} | self.data.noted
        for model in self.models:
            vars(model).update(noted)
        self.width = task.get("n_lanes", 1)  # of a model
        self.n_counted = self._counted(task)
        self.learn = self.train[inputs.rows_to_learn(self.zeros, task["weight"], task["held_out"])]
        self.targets, self.lane_weight = (self._spread(task[name]) for name in ("targets", "weight"))
        self.validation = task["validation"]
        if self.validation is not None:
            self.validation = (X[self.train[task["held_out"]]], *self.validation[1:])
        self.seed = task["seed"] if "seed" in task else first._seed()

    def _spread(self, values: np.ndarray | None) -> np.ndarray | None:
        """Return values of the rows to learn from in the places of those rows in the whole matrix."""
        if values is None:
            return None
        spread = np.zeros((self.data.X.shape[0], values.shape[1]), values.dtype)
        spread[self.train] = values
        return spread

    def run(self) -> tuple[list[Exception | None], float]:
        """Train; return the error of each estimator that diverged, None for those that are fitted now, and the seconds this took."""
        began = time.perf_counter()
        errors: list[Exception | None] = []
        size = max(1, self._most())
        for low in range(0, len(self.models), size):
            errors += self._run(self.models[low : low + size])
        return errors, time.perf_counter() - began

    def _run(self, models: list) -> list[Exception | None]:
        first, n_epochs = models[0], int(models[0].max_iter)
        lanes = self._lanes(models)
        paces = [m._rate(self.width, len(self.learn), n_epochs) for m in models]
        pace: Any = Paces(paces, self.width, self.cancelled)
        problem, judge = self._problem(len(models)), self._judge(models, lanes)
        outcome = fit.train(lanes, problem, pace, self._plan(first), self.seed, validation=judge)
        return [self._adopt(model, outcome, k) for k, model in enumerate(models)]

    def _problem(self, n_models: int) -> fit.Problem:
        targets, weight = (side_by_side(each, n_models) for each in (self.targets, self.lane_weight))
        return fit.Problem(self.data.rows, targets, self.learn, weight)

    # -----------------------------------------------------------------------------------------------------------------------------
    # What another kind of models does in another way

    def warn(self, model: Any) -> None:
        """Let a fitted model say what its `fit` would."""
        model._warn()

    def _most(self) -> int:
        """Return how many models one pass trains at most."""
        return MOST_LANES // self.width

    def _counted(self, task: dict[str, Any]) -> int:
        """Return by how much an epoch raises `t_`."""
        return inputs.rows_that_count(self.zeros, task["weight"])

    def _lanes(self, models: list) -> AnyLanes:
        X = self.data.X
        return models[0]._new_lanes(X, self.width * len(models), X.dtype, models)

    def _plan(self, model: Any) -> fit.Plan:
        return fit.Plan(
            max_iter=int(model.max_iter),
            tol=model.tol,
            n_iter_no_change=int(model.n_iter_no_change),
            shuffle=bool(model.shuffle),
            by_score=bool(model.early_stopping),
            restore_best=bool(model.restore_best),
            verbose=int(model.verbose),
            drop_diverged=True,
        )

    def _judge(self, models: list, lanes: AnyLanes) -> fit.Validation | None:
        if self.validation is None:
            return None
        X, targets, weight = self.validation
        probe = models[0]._probe(X, lanes.n_lanes, X.dtype, models)
        single = models[0]._probe(X, self.width, X.dtype)
        column = None if weight is None else weight[:, None]
        repeated = side_by_side(targets, len(models))
        return _Judge(probe, Rows.of(X, finite=False), repeated, column, None, tuple(models), single, weight)

    def _adopt(self, model: Any, outcome: fit.Outcome, k: int) -> Exception | None:
        """Set the fitted attributes of the k-th estimator; return its error if it has diverged."""
        lanes, n = slice(k * self.width, (k + 1) * self.width), self.width // model._n_outputs()
        own = slice(k * n, (k + 1) * n)
        lost = np.flatnonzero(outcome.stop_reason[own] == "diverged")
        if len(lost):
            return outcome.error(own.start + int(lost[0]))
        model._set(model._attributes(outcome.coef[:, lanes].copy(), outcome.intercept[lanes].copy()))
        model.n_iter_ = int(outcome.n_iter[own].max())
        model.t_ = model.n_iter_ * self.n_counted + 1
        model.stop_reason_ = ", ".join(dict.fromkeys(outcome.stop_reason[own].tolist()))
        model.history_ = History((name, _of_lanes(a, own)[: model.n_iter_]) for name, a in outcome.history.items())
        return None


def _of_lanes(history: np.ndarray, own: slice) -> np.ndarray:
    if history.ndim == 1:
        return history
    return history[:, own.start] if own.stop - own.start == 1 else history[:, own]
