"""The race behind ``learning_rate="auto"``: many rates side by side on a part of the rows, then the leader on all, in ever longer cycles.

First a grid of rates, every one a lane, learns from one pass over a tenth of the rows, each falling to zero in a straight line: rates that
stay constant would be ranked by their noise. Then training begins anew, in cycles of 1, 1, 2, 4, 8 ... epochs. In each the rate falls from
its base to zero, and in the short ones neighbours of the leader run beside it; the weights of the best on the validation rows are where
the next cycle begins (Loshchilov and Hutter, 2017, restart cosines in this way). So whatever ran beside it, the model is that of one
schedule, which the result tells: training with it repeats the weights bit for bit. Networks begin once more after a trial: see `cycles`.
"""

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from fastgd._training import cycles, fit
from fastgd._training.curves import Cycle, RaceResult, diverged
from fastgd._training.epoch_result import EpochResult, of_rate
from fastgd._training.log import DivergedError
from fastgd._training.models import AnyLanes, give_lanes, measured, take_lanes
from fastgd._training.observers import Observer
from fastgd._training.rates import RateTable, falling
from fastgd._training.track import Track, by_rate

GRID = 2.0 ** np.arange(-10, 6)  # times a scale: see `Track`
MOST_GRIDS = 5  # the further ones lie beyond the first, on the side where the best rate is the last
FEWEST_ROWS, SHARE, MOST_ROWS = 1000, 10, 20_000  # of a race: a tenth, at least so many, at most so many
BEFORE_UPDATE = 4  # the last quarter of a race counts as held out: each row is predicted before it is learnt from
# Rates beside the leader's, relative to it: at first larger ones, for more rows than in the race carry them.
FIRST_NEIGHBOURS = np.array([0.5, 1.0, 2.0, 4.0])
NEIGHBOURS = np.array([0.25, 0.5, 1.0, 2.0])  # more epochs want smaller rates
SHORT = 4  # epochs: in longer cycles the leader runs alone, its rate divided by the root of the growth, as theory has it for SGD
ALONE = np.array([2**-0.5])
# Where all rates of a cycle are too large: the race's rows did not show it, nor did a trial.
STEP_BACK, MOST_STEPS_BACK = 64.0, 4
RACE = 2**63  # in the place of the epoch in the seed of the order


@dataclass
class Winner:
    """The trained lanes, one for each output, and what is told of them.

    `n_iter` counts all epochs of the training, those after the model's own included; `history` is as in `Outcome`, of each cycle's best.
    """

    lanes: AnyLanes
    result: RaceResult
    history: dict[str, np.ndarray]
    n_iter: int
    stop_reason: str


def run(track: Track, plan: fit.Plan, seed: int, observer: Observer | None = None) -> Winner:
    """Race, then train until the validation loss stops falling.

    Parameters
    ----------
    track : Track
    plan : Plan
        It ends when the validation loss at the ends of cycles does not fall by `tol` in each output every `n_iter_no_change` epochs.
    seed : int
        Of the orders of rows.
    observer : Observer, optional
        Is told of each epoch after the race, of the rate that was the best then, and may end the training.

    Raises
    ------
    DivergedError
        No rate that was tried leaves the weights finite.
    """
    began = time.perf_counter()
    rates, loss, held_out, lost, n_rows = _race(track, plan, seed)
    growth = len(track.learn) / (n_rows * track.passes(n_rows, plan.max_iter))
    course = _Course(track, plan, seed, began, observer, growth)
    leader = float(rates[np.nanargmin(held_out[-1])])
    while course.stop_reason == "":
        leader = course.cycle(leader)
    seconds = time.perf_counter() - began
    result = RaceResult(rates, loss, held_out, lost, n_rows, tuple(course.cycles), course.n_kept, seconds)
    return Winner(course.lanes(), result, course.history(), course.epoch, course.stop_reason)


def _race(track: Track, plan: fit.Plan, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """Return rates, ascending, their curves as in `RaceResult`, which of them diverged, and the number of rows."""
    n_rows = min(len(track.learn), max(FEWEST_ROWS, min(len(track.learn) // SHARE, MOST_ROWS)))
    part = fit.epoch_order(track.learn, seed, RACE, True)[:n_rows]
    grid = cycles.COARSE if track.networks else GRID
    problem = track.part(part if plan.shuffle else np.sort(part), len(grid))
    scale = 1 / (1 + problem.rows.square_sum() / n_rows) if track.scale is None else track.scale
    rates = grid * max(scale, np.finfo(np.float64).tiny)
    found = np.empty((3, 0))
    for _ in range(MOST_GRIDS):
        found = np.concatenate([found, [rates, *_try(track, problem, rates, plan.max_iter)]], axis=1)
        every, held_out = found[0], found[2]
        best = -np.inf if np.isnan(held_out).all() else every[np.nanargmin(held_out)]
        if best == every.max():
            rates = every.max() * grid[1] / grid[0] * grid / grid[0]
        elif best <= every.min():
            rates = every.min() * grid[0] / grid[1] * grid / grid[-1]
        else:
            break
    every, loss, held_out = found[:, np.argsort(found[0])]
    if np.isnan(held_out).all():
        raise _all_diverged(every)
    return every, loss[None], held_out[None], diverged(held_out, track.untrained), n_rows


def _try(track: Track, problem: fit.Problem, rates: np.ndarray, max_iter: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean loss before the updates of the last pass and that over rows held out, of rates that fall to zero meanwhile."""
    n_rows, lanes = len(problem.learn), track.lanes(len(rates))
    n_steps, each = lanes.n_steps(n_rows), np.repeat(rates, track.lanes_of_rate)
    passes = track.passes(n_rows, max_iter)

    def learn(done: int, *stretch: int) -> EpochResult:
        table = RateTable.steps(falling(each, passes * n_steps, done * n_steps, n_steps))
        return lanes.epoch(problem.rows, problem.targets, problem.learn, table, problem.weight, *stretch)

    last = min(n_rows, lanes.batch_size * (n_steps - max(1, n_steps // BEFORE_UPDATE)))
    with np.errstate(all="ignore"):
        for k in range(passes - 1):
            learn(k)
        first, second = (learn(passes - 1, *stretch) for stretch in ((0, last), (last, n_rows)))
        loss = by_rate(track.folds.own(first.loss_sum + second.loss_sum, len(rates)), len(rates)) / n_rows
    return loss, track.measure(lanes, second if passes == 1 else None)[0]


def _all_diverged(rates: np.ndarray) -> DivergedError:
    return DivergedError(
        f"learning_rate='auto': all learning rates from {rates.min():.3g} to {rates.max():.3g} diverged. Scale X and y, "
        "for instance with StandardScaler, or pass a smaller number as learning_rate. The estimator is as it was before."
    )


class _Attempt(NamedTuple):
    """A cycle, its lanes, and its entries in the history."""

    cycle: Cycle
    lanes: AnyLanes
    epochs: list[dict[str, Any]]

    @property
    def lowest(self) -> float:
        """The lowest validation loss after the last epoch, infinite where none is finite."""
        return float(np.fmin.reduce(self.cycle.val_loss[-1], initial=np.inf))


@dataclass
class _Course:
    """The training after the race: cycle by cycle, each from the best weights of the last."""

    track: Track
    plan: fit.Plan
    seed: int
    began: float
    observer: Observer | None = None
    growth: float = 1.0  # of the rows learnt from, from the race to an epoch
    epoch: int = 0
    first: int = 0  # the epoch in which the weights were fresh
    stop_reason: str = ""
    cycles: list[Cycle] = field(default_factory=list)
    n_kept: int = 0
    epochs: list[dict[str, Any]] = field(default_factory=list)
    now: dict[str, Any] = field(default_factory=dict)  # the state of the last cycle's best, and of the best of all
    kept: dict[str, Any] = field(default_factory=dict)
    lowest: float = np.inf
    bad: int = 0
    steps_back: int = 0
    larger: _Attempt | None = None  # at the next cycle, with rates that seemed too large

    def cycle(self, leader: float) -> float:
        """Train one cycle with rates around the leader's; return the rate of the new leader, or from where to try it again."""
        began = self.epoch
        now = self._attempt(leader)
        if self.larger is not None and now.lowest >= self.larger.lowest:
            now, self.larger = self.larger, None  # which were not too large, then: it is the cycle that gains nothing
            self.epoch = began + len(now.epochs)
        elif self._too_large(now.cycle):
            self.steps_back, self.epoch = self.steps_back + 1, began
            self.larger = now if np.isfinite(now.lowest) else None
            return float(now.cycle.learning_rate.min()) / (cycles.STEP_BACK if self.cycles else STEP_BACK)
        if np.isinf(now.lowest):
            if not self.cycles:
                raise _all_diverged(now.cycle.learning_rate)
            self.stop_reason = "diverged"
            return leader
        self._take(now)
        return float(now.cycle.learning_rate[now.cycle.best])

    def _attempt(self, leader: float) -> _Attempt:
        """Train the next cycle from the weights of the last."""
        length, near, anew = self._ahead()
        rates = leader * near
        lanes, problem = self.track.lanes(len(rates)), self.track.problem(len(rates))
        if anew:
            self.first = self.epoch
        elif self.now:
            give_lanes(lanes, self.now, len(rates))
        epochs: list[dict[str, Any]] = []
        began = self.epoch
        while not epochs or (self.epoch < began + length and not self._out_of_time() and self.stop_reason == ""):
            epochs.append(self._epoch(lanes, problem, rates, self.epoch - began, length))
        return _Attempt(Cycle(rates, np.array([each.pop("decides") for each in epochs]), length, anew), lanes, epochs)

    def _ahead(self) -> tuple[int, np.ndarray, bool]:
        """Return the next cycle's length, its rates relative to the leader's, and whether its weights are fresh."""
        networks, done = self.track.networks, len(self.cycles)
        first = self.track.passes(len(self.track.learn), self.plan.max_iter)
        length = self._length(cycles.AT_ONCE * self.epoch if networks and done == 1 else first)
        if networks and done < 2:
            return cycles.of_networks(length, self.epoch, self.growth)
        return cycles.Ahead(length, ALONE if networks or length > SHORT else NEIGHBOURS if done else FIRST_NEIGHBOURS)

    def _length(self, least: int = 1) -> int:
        """Return the length of the next cycle: as long as all before, and the rest where too little would be left for one more."""
        left, length = self.plan.max_iter - self.epoch, max(least, self.epoch)
        length = left if left <= 2 * length else length
        if self.plan.max_time is None or not self.epochs:
            return length
        seconds = time.perf_counter() - self.began
        return max(1, min(length, int((self.plan.max_time - seconds) / self.epochs[-1]["took"])))

    def _out_of_time(self) -> bool:
        """Return whether no further epoch may begin; the first one always may."""
        late = self.plan.max_time is not None and time.perf_counter() - self.began >= self.plan.max_time
        return late and self.epoch > 0

    def _epoch(self, lanes: AnyLanes, problem: fit.Problem, rates: np.ndarray, done: int, length: int) -> dict:
        """Train one epoch and return its entry in the history, with all lanes in it."""
        began, n, n_steps = time.perf_counter(), len(problem.learn), lanes.n_steps(len(problem.learn))
        if self.observer is not None:
            self.observer.begin(lambda: self._weights(lanes, 0))
        order = fit.epoch_order(problem.learn, self.seed, self.epoch - self.first, self.plan.shuffle)
        each = np.repeat(rates, self.track.lanes_of_rate)
        with np.errstate(all="ignore"):
            table = RateTable.steps(falling(each, length * n_steps, done * n_steps, n_steps))
            result = lanes.epoch(problem.rows, problem.targets, order, table, problem.weight)
            found = measured(lanes, result, n)
        trained = time.perf_counter()
        decides, val_loss = self.track.measure(lanes)
        self.epoch += 1
        now = time.perf_counter()
        entry = {
            "took": now - began,
            "epoch": self.epoch,
            "step": int(lanes.t) - 1,
            "learning_rate": falling(each, length * n_steps, (done + 1) * n_steps, 1)[0][:: lanes.n_outputs],
            "loss": found.loss,
            "objective": found.objective,
            "val_loss": val_loss,
            "grad_norm": found.grad_norm,
            "rows_per_second": n / max(trained - began, 1e-9),
            "seconds": now - self.began,
            **result.by_layer(),
        }
        if found.clipped is not None:
            entry["clipped"] = found.clipped
        for name in entry.keys() - {"val_loss"}:
            if isinstance(entry[name], np.ndarray):
                entry[name] = self.track.folds.own(entry[name], len(rates))
        entry["decides"] = decides
        if self.observer is not None and np.isfinite(decides).any():
            best = int(np.nanargmin(decides))
            shown = {name: v for name, v in of_rate(entry, best, len(rates)).items() if name not in ("took", "decides")}
            if self.observer.end(shown, lambda: self._weights(lanes, best)):
                self.stop_reason = "callback"
        return entry

    def _weights(self, lanes: AnyLanes, rate: int) -> tuple[np.ndarray, np.ndarray]:
        """Return copies of the weights that users see, of one rate."""
        first = rate * self.track.lanes_of_rate
        own = slice(first, first + self.track.width)
        coef, intercept = fit.published(lanes)
        return coef[:, own], intercept[own]

    def _take(self, trained: _Attempt) -> None:
        """Go on from the best lanes of a cycle; keep them if none were better; see whether to stop."""
        cycle, lanes, epochs = trained
        width, best = self.track.lanes_of_rate, cycle.best
        self.larger = None
        self.cycles.append(cycle)
        self.now = take_lanes(lanes, slice(best * width, (best + 1) * width))
        self.epochs += [of_rate(each, best, len(cycle.learning_rate)) for each in epochs]
        value = cycle.value
        self.bad = 0 if value <= self.lowest - self._asked(len(epochs)) else self.bad + len(epochs)
        if value < self.lowest:
            self.lowest, self.kept, self.n_kept = value, self.now, len(self.cycles)
        if self.plan.verbose > 0:
            rate = cycle.learning_rate[best]
            print(f"-- Epoch {self.epoch}, learning_rate {rate:.6g} to 0, val_loss {value:.6g}")
        if self.stop_reason:
            return
        if self._out_of_time():
            self.stop_reason = "max_time"
        elif self.plan.tol is not None and self.bad >= self.plan.n_iter_no_change:
            self.stop_reason = "tol"
        elif self.epoch >= self.plan.max_iter:
            self.stop_reason = "max_iter"

    @cached_property
    def n_models(self) -> int:
        """The number of models of a rate: the outputs, where they do not share one loss."""
        return self.track.width // self.track.begin(1).n_outputs

    def _asked(self, n_epochs: int) -> float:
        """Return the improvement that so many epochs must bring: `tol` in each output, and again every `n_iter_no_change` epochs."""
        return (self.plan.tol or 0.0) * self.n_models * max(1.0, n_epochs / self.plan.n_iter_no_change)

    def _too_large(self, cycle: Cycle) -> bool:
        """Return whether every rate has made things worse in the first cycle, or any of networks: smaller ones should be tried."""
        late = self.cycles and (not self.track.networks or self._out_of_time())
        if late or self.stop_reason or self.steps_back == MOST_STEPS_BACK:
            return False
        limit = np.array([self.lowest]) if cycle.anew else self.track.untrained
        return bool(diverged(cycle.val_loss[-1], limit).all())

    def lanes(self) -> AnyLanes:
        """Return the model's lanes."""
        lanes, beside = self.track.begin(1), self.track.lanes(1)
        give_lanes(beside, self.kept, 1)
        give_lanes(lanes, take_lanes(beside, slice(0, self.track.width)), 1)
        return lanes

    def history(self) -> dict[str, np.ndarray]:
        return {n: np.array([each[n] for each in self.epochs]) for n in self.epochs[0] if n != "took"}
