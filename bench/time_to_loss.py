"""Seconds to a held-out loss: every contender trains from scratch for longer and longer, and each fit is a point.

Fits are whole calls of `fit`: checks, conversions and the choice of the rate count. Evaluation does not.
"""

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, log_expit, log_softmax

from bench.linear_contenders import EXACT, Learner
from bench.linear_data import Task
from bench.timing import collector_off

WARM_UP_ROWS = 500
LEAST = 1e-15  # of a probability, as in scikit-learn's log_loss


@dataclass(frozen=True)
class Ladder:
    """How far and how often to climb.

    Parameters
    ----------
    rungs : int
        How many rungs of each contender, at most.
    longest : float
        Seconds that no rung should take, going by the one before: in proportion, or half of it where a rung is no exact length.
    rounds : int
        How often each point is measured, at most.
    repeated : float
        Seconds: what takes longer is measured once.
    budget : float
        Seconds for one task; the first round is made whatever it takes.
    """

    rungs: int = 9
    longest: float = 12.0
    rounds: int = 3
    repeated: float = 2.5
    budget: float = 200.0

    def goes_on(self, point: "Point", rung: Any) -> bool:
        """Return whether to try this rung after that point."""
        growth = rung / point.rung if point.learner.unit == EXACT else 2.0
        return growth * point.time <= self.longest


@dataclass
class Point:
    """One contender trained for one length: a sample of each per round."""

    learner: Learner
    rung: Any
    seconds: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)

    @property
    def time(self) -> float:
        return float(np.median(self.seconds))

    @property
    def loss(self) -> float:
        return float(np.median(self.losses))

    @property
    def accuracy(self) -> float:
        return float(np.median(self.accuracies))


def losses(scores: np.ndarray, y: np.ndarray, softmax: bool) -> np.ndarray:
    """Return the log loss of each row: minus the logarithm of the probability of its class.

    Scores (n,) are logits of class 1. Of (n, n_classes) the probabilities are the softmax, or logistic values divided by their sum.
    """
    if scores.ndim == 1:
        return -log_expit(np.where(y > 0, scores, -scores))
    if softmax:
        logs = log_softmax(scores, axis=1)
    else:
        each = expit(scores)
        logs = np.log(np.clip(each / np.maximum(each.sum(axis=1, keepdims=True), LEAST), LEAST, 1))
    return -logs[np.arange(len(y)), y]


def accuracy(scores: np.ndarray, y: np.ndarray) -> float:
    decided = scores > 0 if scores.ndim == 1 else scores.argmax(axis=1)
    return float(np.mean(decided == y))


def measure(point: Point, task: Task, seed: int) -> None:
    """Train once and add what it took and what came out; of several models the one with the lowest held-out loss counts."""
    learner = point.learner
    learner.prepare(task)
    with collector_off(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a solver has not converged is the point of a short rung
        begin = time.perf_counter()
        models = learner.fit(task, point.rung, seed)
        point.seconds.append(time.perf_counter() - begin)
    with np.errstate(all="ignore"):
        scores = [model(task.X_test) for model in models]
        found = [float(np.mean(losses(s, task.y_test, learner.softmax))) for s in scores]
    best = int(np.argmin(np.nan_to_num(found, nan=np.inf)))
    point.losses.append(found[best])
    point.accuracies.append(accuracy(scores[best], task.y_test))


def curves(task: Task, learners: Sequence[Learner], effort: Ladder) -> tuple[list[Point], dict[str, str]]:
    """Measure all contenders in rounds, in random order; the first round also finds how long each rung takes.

    Parameters
    ----------
    task : Task
    learners : sequence of Learner
    effort : Ladder

    Returns
    -------
    points : list of Point
        By contender and rung.
    failures : dict of str to str
        By contender: the error that ended its ladder.
    """
    points: list[Point] = []
    failures: dict[str, str] = {}
    small, order = task.head(WARM_UP_ROWS), np.random.default_rng(0)
    began = time.perf_counter()
    for k in order.permutation(len(learners)):
        try:
            measure(Point(learners[k], learners[k].rungs[0]), small, seed=0)
            for point in _climb(task, learners[k], effort):  # those before a failure stay
                points.append(point)
        except Exception as error:  # of a peer, of whatever kind: the others' figures are still wanted
            failures[learners[k].name] = f"{type(error).__name__}: {error}"
    for r in range(1, effort.rounds):
        for k in order.permutation(len(points)):
            left = effort.budget - (time.perf_counter() - began)
            if points[k].time < min(left, effort.repeated):
                measure(points[k], task, seed=r)
    return [p for learner in learners for p in points if p.learner is learner], failures


def _climb(task: Task, learner: Learner, effort: Ladder) -> Iterator[Point]:
    """Measure rung after rung until the next would take too long."""
    last = None
    for rung in learner.rungs[: effort.rungs]:
        if last is not None and not effort.goes_on(last, rung):
            return
        last = Point(learner, rung)
        measure(last, task, seed=0)
        yield last


def reaching(points: Sequence[Point], loss: float) -> Point | None:
    """Return the fastest point with at most this loss."""
    return min((p for p in points if p.loss <= loss), key=lambda p: p.time, default=None)


def by_learner(points: Sequence[Point]) -> dict[str, list[Point]]:
    """Return the points of each contender by its name."""
    return {
        name: [p for p in points if p.learner.name == name] for name in dict.fromkeys(p.learner.name for p in points)
    }


def given_loss(points: Sequence[Point]) -> float:
    """Return the loss to reach: 1 % above the lowest of all but fastgd."""
    return 1.01 * min(p.loss for p in points if not p.learner.ours)


# ------------------------------------------------------------------------------------------------------------------------- picture

COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#7A5C00", "#808080")
"""Okabe and Ito (2008) for the peers, brown and grey instead of yellow, which is pale on white; fastgd is black."""
MARKERS = "osD^vP*Xp<>h"
STYLES = ("-", (0, (6, 1)), "-.", ":")
"""Of the lines of fastgd."""


def picture(task: Task, points: Sequence[Point], machine: str, path: Path) -> None:
    """Draw held-out loss against seconds, one line per contender; all have markers of their own besides the colour.

    The upper edge is the loss of a model that has learnt nothing.
    """
    import matplotlib
    import matplotlib.ticker

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(9.5, 5.2), layout="constrained")
    top, mine, peers = math.log(task.n_classes), 0, 0
    for k, (name, own) in enumerate(by_learner(points).items()):
        if own[0].learner.ours:
            look = {"color": "#000000", "ls": STYLES[mine % len(STYLES)], "lw": 2.2, "ms": 8, "zorder": 3}
            mine += 1
        else:
            look = {"color": COLOURS[peers % len(COLOURS)], "ls": "--", "lw": 1.3, "ms": 6.5, "zorder": 2}
            peers += 1
        label = name if any(p.loss <= top for p in own) else f"{name} (all worse than untrained)"
        line = sorted((p.time, p.loss) for p in own)
        ax.plot(*zip(*line, strict=True), marker=MARKERS[k % len(MARKERS)], label=label, **look)
    ax.axhline(given_loss(points), color="0.4", lw=1, ls=":", label="1 % above the best peer")
    low = min(p.loss for p in points)
    ax.set(xscale="log", yscale="log", xlabel="seconds of fit", ylabel="held-out log loss")
    ax.set_ylim(low * (low / top) ** 0.05, top)
    ticks = matplotlib.ticker.MaxNLocator(6).tick_values(low, top)
    ax.set_yticks(ticks[(ticks > low * 0.97) & (ticks <= top)], minor=False)
    ax.yaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%.3g"))
    ax.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    ax.xaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
    ax.set_title(f"{task.title}: {task.X_train.shape[0]:,} rows x {task.X_train.shape[1]:,}", loc="left")
    ax.grid(alpha=0.25)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9)
    figure.supxlabel(machine, fontsize=7, color="0.4", x=0.01, ha="left")
    figure.savefig(path, dpi=120)
    plt.close(figure)
