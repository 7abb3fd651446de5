"""A grid of learning rates by cross-validation beside scikit-learn's, on its own ``SGDClassifier``: ``python -m bench.search``.

The data are those of `bench.lanes`. Both searches get the same grid, folds, threads or processes, and numbers of epochs; the time is that
of `fit`, the last fit on all rows included. Every round has its own seed, the same for both, whose rows still come in different orders:
how far scikit-learn's choices differ from round to round says what "the same best rate" can mean.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.lanes import measure, rcv1_like

RATES, FOLDS, EPOCHS = 16, 5, 5


def searches(n_jobs: int) -> dict[str, Any]:
    """Return the two searches, by name, over the same constant rates."""
    from sklearn.linear_model import SGDClassifier as Theirs
    from sklearn.model_selection import GridSearchCV

    from fastgd.linear_model import SGDClassifier
    from fastgd.model_selection import LaneSearchCV

    options = {"loss": "log_loss", "alpha": 1e-6, "max_iter": EPOCHS, "tol": None, "learning_rate": "constant"}
    grid = {"eta0": np.geomspace(1e-2, 10, RATES).tolist()}
    ours = SGDClassifier(sparse_intercept_decay=0.01, **options)  # scikit-learn's factor for sparse rows
    return {
        "fastgd": LaneSearchCV(ours, grid, cv=FOLDS, n_jobs=n_jobs),
        "scikit-learn": GridSearchCV(Theirs(**options), grid, cv=FOLDS, n_jobs=n_jobs),
    }


def contender(search: Any, X: Any, y: np.ndarray, scores: list[np.ndarray]) -> Callable[[], float]:
    """Return a function that fits the search, with another seed each time, notes the mean scores and returns the seconds."""

    def fit() -> float:
        search.estimator.set_params(random_state=len(scores))
        begin = time.perf_counter()
        search.fit(X, y)
        seconds = time.perf_counter() - begin
        scores.append(search.cv_results_["mean_test_score"])
        return seconds

    return fit


def main(arguments: list[str]) -> int:
    """Print the seconds of both searches, the ratio, the choices, and how much the scores differ."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description="LaneSearchCV beside GridSearchCV.")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3, help="rounds that count, after one that does not")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(arguments)
    X, y = rcv1_like(options.rows)
    pair = searches(options.jobs)
    scores: dict[str, list[np.ndarray]] = {name: [] for name in pair}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits = {name: contender(search, X, y, scores[name]) for name, search in pair.items()}
        samples = measure(fits, options.rounds)
    ratios = samples["scikit-learn"] / samples["fastgd"]
    rates = pair["fastgd"].param_grid["eta0"]
    for name, seconds in samples.items():
        best = ", ".join(f"{rates[int(np.argmax(each))]:.3g}" for each in scores[name])
        print(f"{name:14s} {np.median(seconds):8.3f} s   best eta0 by seed: {best}")
    ours, theirs = (np.array(scores[name]) for name in pair)
    print(f"{options.rows} rows, {RATES} rates, {FOLDS} folds, {EPOCHS} epochs, n_jobs={options.jobs}:")
    print(f"LaneSearchCV is {np.median(ratios):.1f} times faster (rounds: {', '.join(f'{r:.1f}' for r in ratios)})")
    average, spread = theirs.mean(axis=0), np.ptp(theirs, axis=0).max()
    print(
        f"mean scores differ by at most {np.abs(ours - theirs).max():.5f}, scikit-learn's by {spread:.5f} among seeds"
    )
    lost = ", ".join(f"{average.max() - average[np.argmax(each)]:.5f}" for each in ours)
    print(f"our choices, scored by scikit-learn's average over the seeds, are below its best by {lost}")
    print(f"trained as {set(pair['fastgd'].how_)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
