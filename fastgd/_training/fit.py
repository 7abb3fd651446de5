"""The one fit loop: epochs, stopping, validation, averaging, best weights, history.

Every estimator trains through `train`. It knows lanes, rows and numbers, and neither labels nor scikit-learn.
"""

import copy
import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np

from fastgd._training import orders
from fastgd._training.epoch_result import EpochResult
from fastgd._training.log import DivergedError, Log, diverged_error
from fastgd._training.models import AnyLanes, Lanes, lanes_of, measured, of_models, rates_of_models
from fastgd._training.observers import Observer
from fastgd._training.pauses import Pause, Walk
from fastgd._training.rates import RateTable
from fastgd._training.rollback import AnyPace, RecoveringPace

JUDGED_ROWS = (
    256  # at least: ten times the first loss is seen on them as well as on all, at a hundredth of the time of an epoch
)


@dataclass(frozen=True)
class Problem:
    """What to learn from.

    Parameters
    ----------
    rows : Rows
        All rows, those that are not learnt from included.
    targets : ndarray or Coded, shape (n_rows, 1) or (n_rows, K)
        In the coding of the loss.
    learn : ndarray of int32 or int64, or range
        The rows to learn from, in ascending order.
    weight : ndarray, shape (n_rows, 1) or (n_rows, K), optional
        The weights of the rows.
    """

    rows: Any
    targets: Any
    learn: Any
    weight: Any = None

    @functools.cached_property
    def judged(self) -> Any:
        """The rows on which divergence is judged: all or, where there are many, some, spread evenly, unless they have no weight."""
        some = self.learn[:: max(1, len(self.learn) // JUDGED_ROWS)]
        weighs = self.weight is None or (self.weight[some] > 0).any(axis=0).all()
        return some if weighs else self.learn


@dataclass(frozen=True)
class Validation:
    """What to measure on rows that are not learnt from.

    Parameters
    ----------
    probe : Lanes
        Lanes of the same shape, that the published weights are put into; those that train are not touched.
    rows : Rows
        The validation rows.
    targets : ndarray, shape (n_rows, 1) or (n_rows, K)
        In the coding of the loss.
    weight : ndarray, shape (n_rows, 1), optional
        The weights of the rows.
    score : callable, optional
        ``score(raw predictions (n_rows, K)) -> ndarray, shape (n_models,)``, higher is better.
    """

    probe: AnyLanes
    rows: Any
    targets: np.ndarray
    weight: np.ndarray | None
    score: Callable[[np.ndarray], np.ndarray] | None = None

    def epoch(self, lanes: AnyLanes) -> EpochResult:
        """Return the losses of the published weights."""
        self.probe.set_coef(*published(lanes))
        return self.probe.epoch(self.rows, self.targets, None, RateTable.constant(0.0), self.weight)

    def measure(self, lanes: AnyLanes) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the mean loss and the score, where there is one, of each model."""
        still = self.epoch(lanes)
        score = None if self.score is None else self.score(self.probe.decision(self.rows))
        return of_models(self.probe, still.weighted_loss_sum / still.weight_sum), score


@dataclass(frozen=True)
class Plan:
    """How long to train and when to stop.

    Parameters
    ----------
    max_iter : int
        The largest number of epochs.
    tol : float or None
        The least improvement that counts; None trains for all of `max_iter`.
    n_iter_no_change : int
        A lane stops after so many epochs in a row without improvement.
    shuffle : bool
        A new order of the rows for each epoch, a function of the seed and the number of the epoch alone.
    by_score : bool
        Improvement means a higher validation score instead of a lower objective.
    restore_best : bool
        Return each lane as it was after the epoch of its best validation score.
    max_time : float or None
        No epoch begins after so many seconds.
    cuts_epochs : bool
        `max_time` ends an epoch, too, at the next stretch of rows.
    verbose : int
        1 prints a line per epoch, 2 and above a row of a table.
    drop_diverged : bool
        A lane whose weights are no longer finite stops, for that reason, instead of ending the training of all.
    """

    max_iter: int
    tol: float | None = None
    n_iter_no_change: int = 5
    shuffle: bool = True
    by_score: bool = False
    restore_best: bool = False
    max_time: float | None = None
    cuts_epochs: bool = False
    verbose: int = 0
    drop_diverged: bool = False


@dataclass
class Outcome:
    """The trained lanes: their weights, how long each took and why it stopped, and the history.

    `coef` has shape (n_features, K), for networks (n_parameters, K), `intercept` (K,), `n_iter` and `stop_reason` (n_models,); `history`
    maps names to arrays of shape (n_epochs,), (n_epochs, n_models) or, for layers, (n_epochs, n_layers, n_models), NaN where a model had
    stopped before. Where `max_time` has ended training that may end inside an epoch, `pause` is what can go on there; if it was inside one,
    the history's last entry is of the rows seen.
    """

    coef: np.ndarray
    intercept: np.ndarray
    n_iter: np.ndarray
    stop_reason: np.ndarray
    history: dict[str, np.ndarray] = field(default_factory=dict)
    pause: Pause | None = None

    def error(self, lane: int) -> DivergedError:
        """Return what `train` raises, where it does not drop diverged lanes, for this one."""
        losses = self.history["loss"].reshape(-1, len(self.n_iter))[:, lane]
        epoch = min(int(self.n_iter[lane]) + 1, len(losses))
        return diverged_error(epoch, int(self.history["step"][epoch - 1]), [math.nan], losses)


def train(
    lanes: AnyLanes,
    problem: Problem,
    rate: AnyPace,
    plan: Plan,
    seed: int,
    first_epoch: int = 0,
    validation: Validation | None = None,
    observer: Observer | None = None,
    resumed: Pause | None = None,
    keep: Callable[[Pause], None] | None = None,
) -> Outcome:
    """Train lanes until each has stopped.

    Parameters
    ----------
    lanes : LinearLanes, BatchLanes or NetworkLanes
        Trained in place. Where a lane stopped earlier than others, its weights are put back to what they were then.
    problem : Problem
        What to learn from.
    rate : Pace or RecoveringPace
        The rate, whose memory goes on, and what to do about divergence, unless diverged lanes are dropped.
    plan : Plan
        When to stop.
    seed : int
        Of the shuffles.
    first_epoch : int
        The number of epochs done before, so that training in parts shuffles like training at once.
    validation : Validation, optional
        What to measure after each epoch.
    observer : Observer, optional
        Is told of each epoch and may end the training.
    resumed : Pause, optional
        Where to go on: the lanes are to be new, `rate` is to have the pause's memory.
    keep : callable, optional
        Is given, every few seconds, what can go on from there after an interruption.

    Returns
    -------
    Outcome
        Fresh arrays.

    Raises
    ------
    DivergedError
        A lane that was still training has weights that are not finite, or a loss that cannot be undone.
    """
    began = time.perf_counter()
    progress = _Progress(lanes, plan)
    log = Log(plan.verbose)
    late = math.inf if plan.max_time is None else began + plan.max_time
    undoes = rate if isinstance(rate, RecoveringPace) else None
    cuts = plan.cuts_epochs and undoes is None  # what may be undone is whole epochs
    walk = Walk(lanes, problem, late if cuts else math.inf, keep if cuts else None)
    t, position, pause = float(lanes.t), 0, None
    if resumed is not None:
        seed, t, position = resumed.seed, resumed.t, resumed.position
        lanes.set_state(resumed.lanes)
        progress.go_on(resumed.progress)
        log.epochs = list(resumed.epochs)
        began -= resumed.seconds

    if undoes is not None:
        undoes.begin(_losses(lanes, problem))

    def paused(position: int) -> Pause:
        seconds, memory = time.perf_counter() - began, copy.deepcopy(rate.memory)
        return Pause(lanes.state(), progress.state(), tuple(log.epochs), memory, seed, t, position, seconds)

    n_rows = len(problem.learn)
    for epoch in range(progress.epochs, plan.max_iter):
        if observer is not None:
            observer.begin(progress.published)
        since, before = time.perf_counter(), position
        order = epoch_order(problem.learn, seed, first_epoch + epoch, plan.shuffle)
        seen = _epoch(walk, order, rate, t, position, paused, progress, log)
        del order  # two of them would be many
        if seen is None:
            break
        result, position = seen
        if position < n_rows:
            pause = paused(position)
        found = measured(lanes, result, position, rate.counts_penalty)
        val_loss, scores = (None, None) if validation is None else validation.measure(lanes)
        now = time.perf_counter()
        log.add(
            progress.active,
            epoch=epoch + 1,
            step=int(lanes.t) - 1,
            learning_rate=rates_of_models(lanes, rate, int(lanes.t)),
            loss=found.loss,
            objective=found.objective,
            val_loss=val_loss,
            val_score=scores,
            grad_norm=found.grad_norm,
            clipped=found.clipped,
            rows_per_second=(position - before) / max(now - since, 1e-9),
            seconds=now - began,
            **result.by_layer(),
        )
        if pause is not None:
            progress.cut()
            if observer is not None:
                observer.end(log.epochs[-1], progress.published)
            break
        t, position = float(lanes.t), 0
        if progress.active.any():
            rate.observe(float(found.objective[progress.active].mean()), int(lanes.t))
        stalled = progress.update(-scores if plan.by_score and scores is not None else found.objective, scores)
        lowered = rate.decrease(lanes_of(lanes, stalled))
        progress.stop(stalled & ~of_models(lanes, lowered, np.all), "tol")
        if now >= late and progress.epochs < plan.max_iter and progress.active.any():
            pause = paused(0) if plan.cuts_epochs else None
            progress.stop(progress.active, "max_time")
        if observer is not None and observer.end(log.epochs[-1], progress.published):
            progress.stop(progress.active, "callback")
        if not progress.active.any():
            break
    progress.stop(progress.active, "max_iter")
    return progress.outcome(log, pause)


def _epoch(
    walk: Walk,
    order: Any,
    rate: AnyPace,
    t: float,
    position: int,
    paused: Callable[[int], Pause],
    progress: "_Progress",
    log: "Log",
) -> tuple[EpochResult, int] | None:
    """Do an epoch, again where divergence is undone; return its result and how many rows it saw, None when no model is left for it."""
    lanes, problem, plan = walk.lanes, walk.problem, progress.plan
    undoes = rate if isinstance(rate, RecoveringPace) else None
    before = lanes.state() if undoes else {}
    while True:
        result, seen = walk.epoch(order, rate.table(int(t), lanes.n_steps(len(order))), t, position, paused)
        diverged = progress.active & ~of_models(lanes, result.finite_lanes, np.all)
        if undoes and (undoes.retries or progress.epochs > 0):  # without an epoch to go back to, what is finite is kept
            diverged |= progress.active & undoes.diverged(_losses(lanes, problem))
        if plan.drop_diverged:
            progress.stop(diverged, "diverged")
        if plan.drop_diverged or not diverged.any():
            return result, seen
        if undoes is None or not undoes.goes_back(lanes_of(lanes, diverged), progress.epochs):
            raise log.diverged(progress.epochs + 1, int(lanes.t) - 1, rates_of_models(lanes, rate, int(t)), diverged)
        lanes.set_state(before)
        if not undoes.retries:
            progress.stop(diverged, "diverged")
            if not progress.active.any():
                return None


def _losses(lanes: AnyLanes, problem: Problem) -> np.ndarray:
    """Return the mean losses of the models as they are, on the judged rows."""
    before = lanes.state()
    still = lanes.epoch(problem.rows, problem.targets, problem.judged, RateTable.constant(0.0), problem.weight)
    lanes.set_state(before)
    return measured(lanes, still, len(problem.judged)).loss


def epoch_order(learn: Any, seed: int, epoch: int, shuffle: bool) -> Any:
    """Return the order of the rows in an epoch, an array or without shuffling what `learn` is: a function of its arguments alone."""
    if not shuffle:
        return learn
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, epoch], np.uint64)))
    return orders.shuffled(learn, generator)


def published(lanes: AnyLanes) -> tuple[np.ndarray, np.ndarray]:
    """Return copies of the weights that users see: the running averages once averaging has begun, otherwise the last ones."""
    if averaged(lanes):
        return lanes.average_coef, lanes.average_intercept
    return lanes.coef, lanes.intercept


def averaged(lanes: AnyLanes) -> TypeGuard[Lanes]:
    """Return whether averaging has begun."""
    return 0 < lanes.average <= lanes.t - 1


class _Progress:
    """Which models are still training, their best values, and the weights of those that have stopped."""

    def __init__(self, lanes: AnyLanes, plan: Plan):
        self.lanes, self.plan = lanes, plan
        k = lanes.n_lanes // lanes.n_outputs
        self.active = np.ones(k, bool)
        self.best = np.full(k, np.inf)
        self.best_score = np.full(k, -np.inf)
        self.bad = np.zeros(k, np.int64)
        self.epochs = 0
        self.n_iter = np.zeros(k, np.int64)
        self.reason = np.full(k, "", dtype="U8")
        self.kept: dict[str, list[np.ndarray]] = {}  # weights and intercepts, then the averages of both
        self.moved = False  # lanes that had stopped, by a part of an epoch

    def state(self) -> dict[str, Any]:
        """Return copies of what goes on."""
        known = {name: value for name, value in vars(self).items() if name not in ("lanes", "plan")}
        return copy.deepcopy(known)

    def go_on(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        vars(self).update(copy.deepcopy(state))

    def update(self, value: np.ndarray, scores: np.ndarray | None) -> np.ndarray:
        """Take in the values of an epoch (lower is better); return the models that have not improved for too long."""
        self.epochs += 1
        if self.plan.restore_best and scores is not None:
            better = self.active & (scores > self.best_score)
            self.best_score[better] = scores[better]
            self._keep("best", better)
        if self.plan.tol is None:
            return np.zeros_like(self.active)
        bad = value > self.best - self.plan.tol
        self.bad = np.where(bad, self.bad + 1, 0)
        self.best = np.fmin(self.best, value)
        stalled = self.active & (self.bad >= self.plan.n_iter_no_change)
        self.bad[stalled] = 0
        return stalled

    def stop(self, which: np.ndarray, reason: str) -> None:
        which = which & self.active
        self.n_iter[which], self.reason[which] = self.epochs, reason
        self.active &= ~which
        self._keep("last", which)

    def cut(self) -> None:
        """Stop all that are training, inside an epoch."""
        self.moved = not self.active.all()
        self.stop(self.active, "max_time")

    def published(self) -> tuple[np.ndarray, np.ndarray]:
        """Return copies of the weights that users would see if training ended now, best ones aside."""
        coef, intercept = published(self.lanes)
        if "last" in self.kept:
            stopped = ~self.active
            for shown, kept in zip((coef, intercept), self.kept["last"][-2:], strict=True):
                shown[..., stopped] = kept[..., stopped]
        return coef, intercept

    def _keep(self, name: str, which: np.ndarray) -> None:
        """Copy the weights of these models, and their averages."""
        if not which.any():
            return
        which = lanes_of(self.lanes, which)
        now = [self.lanes.coef, self.lanes.intercept]
        if averaged(self.lanes):
            now += [self.lanes.average_coef, self.lanes.average_intercept]
        kept = self.kept.setdefault(name, now)
        if len(kept) < len(now):  # lanes kept before averaging began have no average: their weights stand for it
            kept += [array.copy() for array in kept]
        for old, new in zip(kept, now, strict=True):
            old[..., which] = new[..., which]

    def outcome(self, log: "Log", pause: Pause | None = None) -> Outcome:
        kept = self.kept["best" if "best" in self.kept else "last"]
        shown_coef, shown_intercept = kept[-2:]
        with np.errstate(over="ignore"):
            finite = np.isfinite(np.square(shown_coef, dtype=np.float64).sum(axis=0)) & np.isfinite(shown_intercept)
        finite = of_models(self.lanes, finite, np.all)
        if self.plan.drop_diverged:
            self.reason[~finite] = "diverged"
        elif not finite.all():
            raise log.diverged(self.epochs, int(self.lanes.t) - 1, np.array([np.nan]), ~finite)
        if "best" in self.kept or self.moved or (self.n_iter < self.epochs).any():
            self.lanes.set_coef(*kept[:2])
            if averaged(self.lanes) and len(kept) > 2:
                self.lanes.set_average(*kept[2:])
        return Outcome(shown_coef, shown_intercept, self.n_iter, self.reason, log.history(), pause)
