"""All fits of a search at once: those that can are trained as lanes, the others by scikit-learn."""

import logging
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.utils.parallel import Parallel

from fastgd.model_selection._decided import decided
from fastgd.model_selection._kinds import Kind
from fastgd.model_selection._tasks import Task
from fastgd.model_selection._together import Data, Pass

LOG = logging.getLogger("fastgd")


class LaneParallel:
    """Stands where a search has scikit-learn's `Parallel`: takes the same calls of `_fit_and_score`, returns the same results.

    Parameters
    ----------
    search : LaneSearchCV
        Gets the attribute `how_`.
    n_jobs, pre_dispatch
        What `Parallel` takes; lanes are trained in `n_jobs` threads.
    """

    def __init__(self, search: Any, n_jobs: "int | None" = None, pre_dispatch: Any = "2*n_jobs"):
        self.search, self.n_jobs, self.pre_dispatch = search, n_jobs, pre_dispatch

    def __enter__(self) -> "LaneParallel":
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def __call__(self, calls: Iterable[tuple]) -> list:
        calls = list(calls)
        tasks = [Task(*arguments, **named) for _, arguments, named in calls]
        results: list[Any] = [None] * len(calls)
        reasons = self._as_lanes(tasks, results)
        alone = [k for k, result in enumerate(results) if result is None]
        self._tell(tasks, alone, reasons)
        if alone:
            fits = Parallel(n_jobs=self.n_jobs, pre_dispatch=self.pre_dispatch)(calls[k] for k in alone)
            for k, result in zip(alone, fits, strict=True):
                results[k] = result
        return results

    def _as_lanes(self, tasks: list[Task], results: list) -> list[str]:
        """Fill in the results of the tasks that can be lanes; return why others cannot."""
        groups: dict[tuple, list[int]] = {}
        known: dict[int, tuple] = {}  # by candidate
        for k, task in enumerate(tasks):
            if task.candidate not in known:
                why = task.why_alone(self.search)
                known[task.candidate] = why, None if why else task.group()
            why, group = known[task.candidate]
            if not why:
                groups.setdefault((task.fold, group), []).append(k)
        reasons = [why for why, _ in known.values() if why]
        ordered = [groups[key] for key in sorted(groups, key=lambda key: key[0])]
        prepared = Prepared(tasks, ordered, reasons)
        with closing(in_threads(prepared, effective_n_jobs(self.n_jobs), prepared.cancelled)) as jobs:
            for job, outcome in jobs:
                if isinstance(outcome, Exception):
                    reasons.append(f"{type(outcome).__name__}: {outcome}")
                else:
                    for k, result in zip(job.numbers, job.results(*outcome), strict=True):
                        results[k] = result
        return reasons

    def _tell(self, tasks: list[Task], alone: list[int], reasons: list[str]) -> None:
        n = tasks[0].n_candidates if tasks else 0
        separate = {tasks[k].candidate for k in alone}
        self.search.how_ = ["separate fit" if k in separate else "lanes" for k in range(n)]
        why = f": {'; '.join(dict.fromkeys(reasons))}" if reasons else ""
        LOG.info(
            "fastgd trains %d of %d candidates as lanes, %d by separate fits%s",
            n - len(separate),
            n,
            len(separate),
            why,
        )


class Prepared:
    """The jobs of a search, made one by one as they are asked for: few are in memory at a time."""

    def __init__(self, tasks: list[Task], groups: list[list[int]], reasons: list[str]):
        self.tasks, self.groups, self.reasons = tasks, groups, reasons
        self.cancelled = Event()
        self.whole: Data | None = None
        self.fold: Fold | None = None

    def __iter__(self) -> Iterator["Job"]:
        for numbers in self.groups:
            try:
                yield self._job(numbers)
            except Exception as error:  # a fit of its own will raise it again
                self.reasons.append(f"{type(error).__name__}: {error}")

    def _job(self, numbers: list[int]) -> "Job":
        began = time.perf_counter()
        tasks = [self.tasks[k] for k in numbers]
        first = tasks[0]
        if self.fold is None or self.fold.number != first.fold:
            self.fold = Fold(first)
        estimators = [task.estimator() for task in tasks]
        models = [task.model(each) for task, each in zip(tasks, estimators, strict=True)]
        rows, y, weight = first.learnt_from()
        head = None
        if first.prefix:
            head = estimators[0][:-1]
            data = Data.of(head.fit_transform(*self.fold.rows("train")), clone(models[0]))
            rows = np.arange(len(rows))
            for each in estimators:
                each.steps[:-1] = head.steps
        else:
            data = self.whole = self.whole or Data.of(first.X, clone(models[0]))
        kind = Kind.of(models[0])
        assert kind is not None
        work = kind.work(models, data, rows, y, weight, self.cancelled)
        return Job(numbers, tasks, estimators, work, self.fold, head, time.perf_counter() - began)


class Fold:
    """The rows of one fold, copied when they are asked for first."""

    def __init__(self, task: Task):
        self.number, self.task = task.fold, task
        self._rows: dict[str, tuple] = {}

    def rows(self, which: str) -> tuple:
        if which not in self._rows:
            self._rows[which] = self.task.rows(which)
        return self._rows[which]


@dataclass
class Job:
    """Tasks of one fold that are trained together: their places in the search, their estimators, the fitted transformers before them."""

    numbers: list[int]
    tasks: list[Task]
    estimators: list
    work: Pass
    fold: Fold
    head: Any
    seconds: float

    def run(self) -> "Exception | tuple[list, float]":
        try:
            return self.work.run()
        except Exception as error:
            return error

    def results(self, errors: list, seconds: float) -> Iterator[dict]:
        """Yield the result of each task; each took its share of the time."""
        share = (self.seconds + seconds) / len(self.tasks)
        estimators, test, train = self._shown()
        fitted = [model for model, error in zip(self.work.models, errors, strict=True) if error is None]
        with decided(fitted, test[0]):
            for task, estimator, model, error in zip(self.tasks, estimators, self.work.models, errors, strict=True):
                error = error or _warned(self.work, model)
                yield task.failed(error, share) if error else task.scored(estimator, share, test, train)

    def _shown(self) -> tuple[list, tuple, "tuple | None"]:
        """Return the estimators to score, and the test rows, and if asked for the training rows, to show them."""
        first, test = self.tasks[0], self.fold.rows("test")
        train = self.fold.rows("train") if first.with_train_scores else None
        if self.head is not None and first.scores_by_predictions():
            with suppress(Exception):  # the pipelines will raise it again, each as a score that failed
                return self.work.models, self._transformed(test), train and self._transformed(train)
        return self.estimators, test, train

    def _transformed(self, rows: tuple) -> tuple:
        return self.head.transform(rows[0]), rows[1]


def _warned(work: Pass, model: Any) -> "Exception | None":
    """Let a fitted model say what its `fit` would; return the warning where warnings are errors."""
    try:
        work.warn(model)
    except Exception as error:
        return error
    return None


def in_threads(jobs: Iterable[Job], n_threads: int, cancelled: Event) -> Generator[tuple[Job, Any], None, None]:
    """Run jobs, `n_threads` at a time, and yield them with their outcomes in their order; leaving early ends those that run."""
    if n_threads == 1:
        for job in jobs:
            yield job, job.run()
        return
    waiting: deque[tuple[Job, Future]] = deque()
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            for job in jobs:
                waiting.append((job, pool.submit(job.run)))
                if len(waiting) > n_threads:
                    done, future = waiting.popleft()
                    yield done, future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        except BaseException:
            cancelled.set()
            raise
