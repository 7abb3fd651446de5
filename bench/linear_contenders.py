"""What ``python -m bench.linear`` compares: fastgd, scikit-learn, and the linear solvers that happen to be installed.

A contender trains from the same arrays with the same objective, mean log loss plus ``alpha / 2`` times the squared norm of the weights
(``C = 1 / (alpha n)``), for a number of epochs or to a tolerance, and returns functions from rows to scores. Probabilities are made of
scores in one place, `bench.time_to_loss.losses`, the same way for everybody.
"""

import functools
import inspect
import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import SGDClassifier as TheirSGDClassifier
from sklearn.multiclass import OneVsRestClassifier

from bench.contenders import installed
from bench.linear_data import Task
from bench.streaming import usable_cores
from fastgd.learning_rate import sweep
from fastgd.linear_model import SGDClassifier
from fastgd.schedules import linear

PEERS = {
    "snapml": "snapml",
    "cyanure": "cyanure",
    "vowpalwabbit": "vowpalwabbit",
    "liblinear-official": "liblinear",
}
"""Packages of the extra `bench-peers` and what they are imported as."""
RATES = np.geomspace(1e-4, 10, 16)
"""The grid of `fastgd.sweep`, for scikit-learn too."""
MOST_STORED = 20_000_000
"""The non-zeros beyond which Vowpal Wabbit's text is not written and LIBLINEAR's dual solver, which takes a minute, is left out."""
MUCH = 40_000_000
"""Stored values times classes beyond which the 16 fits have one epoch each."""
BATCH = 64
EXACT = "epochs"
"""The unit of rungs that are kept exactly: time is proportional to them."""

AUTO, GRID, SNAP, LBFGS = (
    "fastgd, auto",
    "scikit-learn SGD, 16 rates",
    "Snap ML, 2 threads",
    "LogisticRegression, lbfgs",
)

Scores = Callable[[Any], np.ndarray]
"""Takes rows; returns (n,) scores of class 1, or (n, n_classes)."""


@dataclass(frozen=True)
class Learner:
    """One way to train.

    Parameters
    ----------
    name : str
        What the tables call it.
    fit : callable
        ``fit(task, rung, seed)`` trains from scratch and returns one or several models; of several the best counts.
    rungs : tuple
        What to train with, from short to long: numbers of epochs, say.
    unit : str
        What a rung is.
    softmax : bool
        Whether scores of several classes are multinomial; else one-vs-rest.
    prepare : callable
        ``prepare(task)`` is called before each `fit`, untimed.
    """

    name: str
    fit: Callable[[Task, Any, int], Sequence[Scores]]
    rungs: tuple
    unit: str = EXACT
    softmax: bool = False
    prepare: Callable[[Task], object] = lambda task: None

    @property
    def ours(self) -> bool:
        return self.name.startswith("fastgd")


def linear_scores(coef: np.ndarray, intercept: np.ndarray) -> Scores:
    """Return the function of a linear model: coef (n_classes or 1, n_features), intercept (n_classes or 1,)."""
    weights, constants = np.atleast_2d(coef), np.ravel(intercept)

    def scores(X: Any) -> np.ndarray:
        found = np.asarray(X @ weights.T + constants)
        return found[:, 0] if found.shape[1] == 1 else found

    return scores


def _of(model: Any) -> list[Scores]:
    return [linear_scores(model.coef_, model.intercept_)]


# --------------------------------------------------------------------------------------------------------------------------- fastgd


@functools.cache
def accepts(**parameters: Any) -> bool:
    """Return whether this fastgd's `SGDClassifier` knows these parameters and trains with them."""
    if not parameters.keys() <= inspect.signature(SGDClassifier).parameters.keys():
        return False
    X = np.random.default_rng(0).normal(size=(300, 2))
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    try:
        SGDClassifier(**{"loss": "log_loss", "max_iter": 1, "tol": None} | parameters).fit(X, y)
    except (TypeError, ValueError):
        return False
    return True


def our_loss(task: Task) -> str:
    return "softmax" if task.n_classes > 2 and accepts(loss="softmax") else "log_loss"


def _auto(task: Task, rung: int, seed: int, **options: Any) -> list[Scores]:
    model = SGDClassifier(
        loss=our_loss(task),
        alpha=task.alpha,
        learning_rate="auto",
        max_iter=rung,
        random_state=seed,
        **options,
    )
    return _of(model.fit(task.X_train, task.y_train))


def _sweep(task: Task, rung: int, seed: int, **options: Any) -> list[Scores]:
    """Sweep 16 rates that fall to nothing, on nine tenths of the rows; train the best on all of them."""
    decaying = SGDClassifier(
        loss=our_loss(task),
        alpha=task.alpha,
        learning_rate=linear(1.0, "100%"),
        max_iter=rung,
        tol=None,
        random_state=seed,
        **options,
    )
    best = sweep(decaying, task.X_train, task.y_train, learning_rate=RATES, n_epochs=rung).best_estimator
    return _of(clone(best).set_params(max_iter=rung, tol=None).fit(task.X_train, task.y_train))


def _ours(task: Task) -> list[Learner]:
    softmax = our_loss(task) == "softmax"
    auto = accepts(learning_rate="auto")
    fit, how = (_auto, "auto") if auto else (_sweep, "sweep of 16 rates + fit")
    variants: dict[str, tuple[Callable, dict]] = {f"fastgd, {how}": (fit, {"n_jobs": 1})}
    if usable_cores() > 1:
        variants[f"fastgd, {how}, n_jobs=2"] = (fit, {"n_jobs": 2})
    if auto:
        variants["fastgd, sweep of 16 rates + fit"] = (_sweep, {"n_jobs": 1})
    rate = {"learning_rate": "auto"} if auto else {}
    if not scipy.sparse.issparse(task.X_train) and accepts(batch_size=BATCH, **rate):
        variants[f"fastgd, {how}, batch_size={BATCH}"] = (fit, {"batch_size": BATCH})
    return [
        Learner(name, functools.partial(each, **options), (1, 3, 10), softmax=softmax)
        for name, (each, options) in variants.items()
    ]


# --------------------------------------------------------------------------------------------------------------------- scikit-learn


def _their_sgd(task: Task, rung: int, seed: int, rates: Sequence[float] | None = None) -> list[Scores]:
    """Fit the default rate "optimal", or one model for each constant rate."""
    found = []
    for options in [{}] if rates is None else [{"learning_rate": "constant", "eta0": rate} for rate in rates]:
        model = TheirSGDClassifier(
            loss="log_loss", alpha=task.alpha, max_iter=rung, tol=None, random_state=seed, **options
        )
        found += _of(model.fit(task.X_train, task.y_train))
    return found


def strength(task: Task) -> float:
    """Return LIBLINEAR's C."""
    return 1 / (task.alpha * len(task.y_train))


def _logistic(task: Task, rung: int, seed: int, solver: str) -> list[Scores]:
    model = LogisticRegression(C=strength(task), solver=solver, max_iter=rung, random_state=seed)
    if solver != "liblinear" or task.n_classes == 2:
        return _of(model.fit(task.X_train, task.y_train))
    each = OneVsRestClassifier(model).fit(task.X_train, task.y_train).estimators_
    return [linear_scores(np.vstack([e.coef_ for e in each]), np.concatenate([e.intercept_ for e in each]))]


def _scikit_learn(task: Task) -> list[Learner]:
    several = task.n_classes > 2
    stored = task.X_train.nnz if scipy.sparse.issparse(task.X_train) else task.X_train.size
    grid_epochs = 1 if stored * task.n_classes > MUCH else 5
    return [
        Learner(GRID, functools.partial(_their_sgd, rates=RATES), (grid_epochs,), "epochs each"),
        Learner("scikit-learn SGD, optimal", _their_sgd, (1, 5, 20)),
        Learner(
            "LogisticRegression, saga",
            functools.partial(_logistic, solver="saga"),
            (2, 5, 20, 60),
            "epochs at most",
            softmax=several,
        ),
        Learner(
            LBFGS,
            functools.partial(_logistic, solver="lbfgs"),
            (10, 30, 100, 300),
            "iterations at most",
            softmax=several,
        ),
        Learner(
            "LogisticRegression, liblinear",
            functools.partial(_logistic, solver="liblinear"),
            (1, 2, 5, 20, 100),
            "iterations at most",
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------------- other peers


def _snap(task: Task, rung: int, seed: int) -> list[Scores]:
    from snapml import LogisticRegression as SnapLogisticRegression

    model = SnapLogisticRegression(
        max_iter=rung, regularizer=1 / strength(task), fit_intercept=True, n_jobs=2, random_state=seed
    )
    return _of(model.fit(task.X_train, task.y_train))


def _cyanure(task: Task, rung: int, seed: int) -> list[Scores]:
    from cyanure.estimators import Classifier

    model = Classifier(
        loss="logistic" if task.n_classes == 2 else "multiclass-logistic",
        penalty="l2",
        lambda_1=task.alpha,
        max_iter=rung,
        n_threads=2,
        random_state=seed,
        verbose=False,
    )
    model.fit(task.X_train, task.y_train)
    return [linear_scores(np.asarray(model.coef_).T, model.intercept_)]


def _liblinear(task: Task, rung: float, seed: int) -> list[Scores]:
    """Solve the dual problem of L2-regularised logistic regression with LIBLINEAR's own binding; it takes no seed."""
    from liblinear.liblinearutil import train

    model = train(task.y_train.astype(float), task.X_train, f"-s 7 -c {strength(task)} -B 1 -e {rung} -q")
    weights, constant = model.get_decfun(label_idx=model.get_labels().index(1))
    return [linear_scores(np.array(weights), np.array([constant]))]


class VowpalWabbit:
    """Vowpal Wabbit in this process, with its default learner, on a text file that it reads and caches itself.

    Writing the file does not count, reading it does. Two classes only.
    """

    def __init__(self):
        self._folder = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def _text(self, task: Task) -> Path:
        return self._folder / f"{len(task.y_train)}.vw"

    def prepare(self, task: Task) -> None:
        """Write the rows once, as ``-1 | column:value ...``."""
        from sklearn.datasets import dump_svmlight_file

        path = self._text(task)
        if path.exists():
            return
        plain = path.with_suffix(".svm")
        dump_svmlight_file(task.X_train, 2 * task.y_train - 1, str(plain))
        with plain.open() as lines, path.open("w") as out:
            out.writelines(line.replace(" ", " | ", 1) for line in lines)
        plain.unlink()

    def fit(self, task: Task, rung: int, seed: int) -> list[Scores]:
        """Train; the rows' order is the file's, whatever the seed."""
        from vowpalwabbit import Workspace

        path, model = self._text(task), self._folder / "model"
        bits = int(np.ceil(np.log2(task.X_train.shape[1] + 1))) + 1
        options = f"-d {path} --loss_function logistic -b {bits} --l2 {task.alpha} --holdout_off --quiet -f {model}"
        passes = f" --passes {rung} --cache_file {path}.cache -k" if rung > 1 else ""
        Workspace(options + passes).finish()
        return [functools.partial(self._scores, model)]

    def _scores(self, model: Path, X: Any) -> np.ndarray:
        from vowpalwabbit import Workspace

        seen = Workspace(f"-i {model} -t --quiet")
        found = np.empty(X.shape[0])
        for k, (a, b) in enumerate(pairwise(X.indptr)):
            found[k] = seen.predict("| " + " ".join(map("{}:{:.9g}".format, X.indices[a:b], X.data[a:b])))
        seen.finish()
        return found


def _other_peers(task: Task) -> list[Learner]:
    found = []
    if installed("snapml"):
        found.append(Learner(SNAP, _snap, (1, 5, 20, 100), "epochs at most"))
    if installed("cyanure"):
        several = task.n_classes > 2
        found.append(Learner("Cyanure, 2 threads", _cyanure, (5, 20, 100), "epochs at most", softmax=several))
    if left_out(task):
        return found
    if installed("liblinear"):
        found.append(Learner("LIBLINEAR, dual", _liblinear, (1.0, 0.1, 0.01), "as tolerance"))
    if installed("vowpalwabbit"):
        wabbit = VowpalWabbit()
        found.append(Learner("Vowpal Wabbit, text", wabbit.fit, (1, 5, 20), prepare=wabbit.prepare))
    return found


def left_out(task: Task) -> str:
    """Return why LIBLINEAR's binding and Vowpal Wabbit do not take part, or nothing where they do."""
    if task.n_classes > 2 or not scipy.sparse.issparse(task.X_train):
        return "they are run on sparse rows of two classes only"
    return f"more than {MOST_STORED:,} non-zeros" if task.X_train.nnz > MOST_STORED else ""


def absent() -> list[str]:
    """Return the packages that are not installed."""
    return [package for package, module in PEERS.items() if not installed(module)]


def learners(task: Task) -> list[Learner]:
    """Return everybody who can learn this task, fastgd first."""
    return [*_ours(task), *_scikit_learn(task), *_other_peers(task)]
