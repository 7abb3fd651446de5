"""A grid of learning rates by cross-validation beside scikit-learn's, on its own ``SGDClassifier``: ``python -m bench.search``.

The data are those of `bench.lanes`. Both searches get the same grid, folds, threads or processes, and numbers of epochs; the time is that
of `fit`, the last fit on all rows included.
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


def searches(n_jobs: int, seed: int = 0) -> dict[str, Any]:
    """Return the two searches, by name, over the same constant rates."""
    from sklearn.linear_model import SGDClassifier as Theirs
    from sklearn.model_selection import GridSearchCV

    from fastgd.linear_model import SGDClassifier
    from fastgd.model_selection import LaneSearchCV

    options = {"loss": "log_loss", "alpha": 1e-6, "max_iter": EPOCHS, "tol": None, "learning_rate": "constant"}
    grid = {"eta0": np.geomspace(1e-2, 10, RATES).tolist()}
    ours = SGDClassifier(
        random_state=seed, sparse_intercept_decay=0.01, **options
    )  # scikit-learn's factor for sparse rows
    return {
        "fastgd": LaneSearchCV(ours, grid, cv=FOLDS, n_jobs=n_jobs),
        "scikit-learn": GridSearchCV(Theirs(random_state=seed, **options), grid, cv=FOLDS, n_jobs=n_jobs),
    }


def contender(search: Any, X: Any, y: np.ndarray) -> Callable[[], float]:
    """Return a function that fits the search and returns its seconds."""

    def fit() -> float:
        begin = time.perf_counter()
        search.fit(X, y)
        return time.perf_counter() - begin

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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        samples = measure({name: contender(search, X, y) for name, search in pair.items()}, options.rounds)
    ratios = samples["scikit-learn"] / samples["fastgd"]
    for name, seconds in samples.items():
        best = pair[name].best_params_["eta0"]
        print(f"{name:14s} {np.median(seconds):8.3f} s   best eta0 {best:.4g}, score {pair[name].best_score_:.5f}")
    apart = np.abs(pair["fastgd"].cv_results_["mean_test_score"] - pair["scikit-learn"].cv_results_["mean_test_score"])
    print(f"{options.rows} rows, {RATES} rates, {FOLDS} folds, {EPOCHS} epochs, n_jobs={options.jobs}:")
    print(f"LaneSearchCV is {np.median(ratios):.1f} times faster (rounds: {', '.join(f'{r:.1f}' for r in ratios)})")
    print(f"mean scores differ by at most {apart.max():.5f}; trained as {set(pair['fastgd'].how_)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
