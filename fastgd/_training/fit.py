"""The one fit loop: epochs, stopping, validation, averaging, best weights, history.

Every estimator trains through `train`. It knows lanes, rows and numbers, and neither labels nor scikit-learn.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np

from fastgd._training.epoch_result import EpochResult
from fastgd._training.models import AnyLanes, Lanes, lanes_of, measured, of_models, rates_of_models
from fastgd._training.observers import Observer, Printer
from fastgd._training.pacing import Pace
from fastgd._training.rates import RateTable
from fastgd._validation import NonFiniteError


class DivergedError(NonFiniteError, ValueError):
    """Training left the range of floating-point numbers; the estimator is as it was before the call.

    Both a FloatingPointError and, as in scikit-learn, a ValueError.
    """


@dataclass(frozen=True)
class Problem:
    """What to learn from.

    Parameters
    ----------
    rows : Rows
        All rows, those that are not learnt from included.
    targets : ndarray, shape (n_rows, 1) or (n_rows, K)
        In the coding of the loss.
    learn : ndarray of int64
        The rows to learn from, in ascending order.
    weight : ndarray, shape (n_rows, 1) or (n_rows, K), optional
        The weights of the rows.
    """

    rows: Any
    targets: np.ndarray
    learn: np.ndarray
    weight: np.ndarray | None = None


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
    verbose: int = 0
    drop_diverged: bool = False


@dataclass
class Outcome:
    """The trained lanes: their weights, how long each took and why it stopped, and the history.

    `coef` has shape (n_features, K), for networks (n_parameters, K), `intercept` (K,), `n_iter` and `stop_reason` (n_models,); `history`
    maps names to arrays of shape (n_epochs,), (n_epochs, n_models) or, for layers, (n_epochs, n_layers, n_models), NaN where a model had
    stopped before.
    """

    coef: np.ndarray
    intercept: np.ndarray
    n_iter: np.ndarray
    stop_reason: np.ndarray
    history: dict[str, np.ndarray] = field(default_factory=dict)

    def error(self, lane: int) -> DivergedError:
        """Return what `train` raises, where it does not drop diverged lanes, for this one."""
        losses = self.history["loss"].reshape(-1, len(self.n_iter))[:, lane]
        return _diverged(min(int(self.n_iter[lane]) + 1, len(losses)), math.nan, losses)


def train(
    lanes: AnyLanes,
    problem: Problem,
    rate: Pace,
    plan: Plan,
    seed: int,
    first_epoch: int = 0,
    validation: Validation | None = None,
    observer: Observer | None = None,
) -> Outcome:
    """Train lanes until each has stopped.

    Parameters
    ----------
    lanes : LinearLanes, BatchLanes or NetworkLanes
        Trained in place. Where a lane stopped earlier than others, its weights are put back to what they were then.
    problem : Problem
        What to learn from.
    rate : Pace
        The rate; its memory goes on.
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

    Returns
    -------
    Outcome
        Fresh arrays.

    Raises
    ------
    DivergedError
        A lane that was still training has weights that are not finite.
    """
    began = time.perf_counter()
    progress = _Progress(lanes, plan)
    log = _Log(plan.verbose)
    for epoch in range(plan.max_iter):
        if observer is not None:
            observer.begin(progress.published)
        t, since = int(lanes.t), time.perf_counter()
        order = epoch_order(problem.learn, seed, first_epoch + epoch, plan.shuffle)
        result = lanes.epoch(
            problem.rows, problem.targets, order, rate.table(t, lanes.n_steps(len(order))), problem.weight
        )
        diverged = progress.active & ~of_models(lanes, result.finite_lanes, np.all)
        if plan.drop_diverged:
            progress.stop(diverged, "diverged")
        elif diverged.any():
            raise log.diverged(epoch + 1, rates_of_models(lanes, rate, t), diverged)
        found = measured(lanes, result, len(order), rate.counts_penalty)
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
            rows_per_second=len(order) / max(now - since, 1e-9),
            seconds=now - began,
            **result.by_layer(),
        )
        if progress.active.any():
            rate.observe(float(found.objective[progress.active].mean()), int(lanes.t))
        stalled = progress.update(-scores if plan.by_score and scores is not None else found.objective, scores)
        lowered = rate.decrease(lanes_of(lanes, stalled))
        progress.stop(stalled & ~of_models(lanes, lowered, np.all), "tol")
        if plan.max_time is not None and now - began >= plan.max_time:
            progress.stop(progress.active, "max_time")
        if observer is not None and observer.end(log.epochs[-1], progress.published):
            progress.stop(progress.active, "callback")
        if not progress.active.any():
            break
    progress.stop(progress.active, "max_iter")
    return progress.outcome(log)


def epoch_order(learn: np.ndarray, seed: int, epoch: int, shuffle: bool) -> np.ndarray:
    """Return the order of the rows in an epoch: a function of its arguments alone."""
    if not shuffle:
        return learn
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, epoch], np.uint64)))
    return generator.permutation(learn)


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

    def outcome(self, log: "_Log") -> Outcome:
        kept = self.kept["best" if "best" in self.kept else "last"]
        shown_coef, shown_intercept = kept[-2:]
        with np.errstate(over="ignore"):
            finite = np.isfinite(np.square(shown_coef, dtype=np.float64).sum(axis=0)) & np.isfinite(shown_intercept)
        finite = of_models(self.lanes, finite, np.all)
        if self.plan.drop_diverged:
            self.reason[~finite] = "diverged"
        elif not finite.all():
            raise log.diverged(self.epochs, np.array([np.nan]), ~finite)
        if "best" in self.kept or (self.n_iter < self.epochs).any():
            self.lanes.set_coef(*kept[:2])
            if averaged(self.lanes) and len(kept) > 2:
                self.lanes.set_average(*kept[2:])
        return Outcome(shown_coef, shown_intercept, self.n_iter, self.reason, log.history())


class _Log:
    """The history, epoch by epoch."""

    def __init__(self, verbose: int):
        self.printer = Printer(verbose)
        self.epochs: list[dict[str, Any]] = []

    def add(self, active: np.ndarray, **values) -> None:
        known = {name: value for name, value in values.items() if value is not None}
        self.epochs.append(
            {n: np.where(active, v, np.nan) if isinstance(v, np.ndarray) else v for n, v in known.items()}
        )
        if self.printer.verbose > 0:
            means = {
                n: float(np.mean(v[active])) if isinstance(v, np.ndarray) else v
                for n, v in known.items()
                if np.ndim(v) < 2
            }
            self.printer.show(means)

    def history(self) -> dict[str, np.ndarray]:
        arrays = {name: np.array([each[name] for each in self.epochs]) for name in self.epochs[0]}
        return {n: a[..., 0] if a.ndim > 1 and a.shape[-1] == 1 else a for n, a in arrays.items()}

    def diverged(self, epoch: int, rate: np.ndarray, which: np.ndarray) -> DivergedError:
        """Return the error of the first of these lanes."""
        lane = int(which.argmax())
        return _diverged(
            epoch, float(rate.flat[min(lane, rate.size - 1)]), [each["loss"][lane] for each in self.epochs]
        )


def _diverged(epoch: int, rate: float, losses: Any) -> DivergedError:
    """Return the error of a lane with these losses, epoch by epoch."""
    known = [loss for loss in losses if np.isfinite(loss)]
    told = f"learning rate {rate:.3g}, " if np.isfinite(rate) else ""
    last = f"{known[-1]:.4g}" if known else "none"
    return DivergedError(
        f"Floating-point under-/overflow occurred at epoch #{epoch} ({told}last finite loss {last}). Scaling input data with "
        "StandardScaler or MinMaxScaler might help, or a smaller learning rate. The estimator is as it was before."
    )
