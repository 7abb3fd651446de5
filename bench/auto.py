"""``learning_rate="auto"`` against the best of 32 rates, and against 16 fits of scikit-learn: ``python -m bench.auto``.

First table: each data set is split into rows to learn from, validation and test rows. 32 rates, constant ones and ones that fall to zero in
a straight line, train for as many epochs as "auto" took, and the best is chosen on the same validation rows. Second table: the test loss
and the seconds of one fit with "auto" and of 16 fits of scikit-learn, interleaved.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse as sp
from sklearn import datasets as toys
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from bench.lanes import measure, rcv1_like
from bench.machine import load, warning
from fastgd._training.race import GRID
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd.datasets import load_default
from fastgd.learning_rate import sweep
from fastgd.linear_model import SGDClassifier, SGDRegressor
from fastgd.schedules import linear

N_RATES, WITHIN = 32, 0.01
ENOUGH = 100  # validation rows: with fewer, any two rates differ by more than 1 % by chance
ALPHA = 1e-6  # with rows like RCV1's


def cases(quick: bool) -> Iterator[tuple]:
    """Yield (name, X, y, estimator)."""

    def scaled(X):
        return StandardScaler().fit_transform(X)

    for name in ("breast_cancer", "wine", "iris"):
        X, y = getattr(toys, f"load_{name}")(return_X_y=True)
        for loss in ("log_loss", "hinge"):
            yield f"{name} {loss}", scaled(X), y, SGDClassifier(loss=loss)
    X, y = toys.load_digits(return_X_y=True)
    for loss in ("log_loss", "hinge"):
        yield f"digits {loss}", X / 16, y, SGDClassifier(loss=loss)
    X, y = toys.load_diabetes(return_X_y=True)
    yield "diabetes", scaled(X), (y - y.mean()) / y.std(), SGDRegressor()
    yield "diabetes, y as it is", scaled(X), y, SGDRegressor()
    for seed in range(2):
        X, y = toys.make_classification(5000, 30, n_informative=10, flip_y=0.1, random_state=seed)
        yield f"make_classification {seed}", X, y, SGDClassifier(loss="log_loss")
        for loss in ("log_loss", "squared_hinge", "modified_huber"):
            yield f"the same, skewed, {loss}", X * np.geomspace(0.01, 10, 30), y, SGDClassifier(loss=loss)
    X, y = toys.make_regression(3000, 40, noise=20, random_state=0)
    for loss in ("squared_error", "huber", "epsilon_insensitive"):
        yield f"make_regression {loss}", X, y / 100, SGDRegressor(loss=loss)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 10))
    yield "poisson counts", X, rng.poisson(np.exp(0.3 * X @ rng.normal(size=10))), SGDRegressor(loss="poisson")
    image = load_default()
    n = 2000 if quick else 10_000
    yield "images", image.X_train[:n], image.y_train[:n], SGDClassifier(loss="log_loss")
    for loss in ("log_loss", "hinge"):
        X, y = rcv1_like(5000 if quick else 20_000)
        yield f"like RCV1 {loss}", X, y, SGDClassifier(loss=loss, alpha=ALPHA)


def svm_file(path: str) -> Iterator[tuple]:
    """Yield the cases of a file in LIBSVM's format."""
    X, y = toys.load_svmlight_file(path)
    for loss in ("log_loss", "hinge"):
        yield f"{path.rpartition('/')[2]} {loss}", sp.csr_matrix(X, dtype=np.float32), y, SGDClassifier(loss=loss)


def mean_loss(model, X, y) -> float:
    """Return the mean of a fitted model's own loss, the sum over its classes."""
    task = model._task(X, y, None, (None, None, None), False)
    lanes = model._new_lanes(task["X"], task["n_lanes"], task["X"].dtype)
    lanes.set_coef(np.atleast_2d(model.coef_).T, model.intercept_)
    result = lanes.epoch(Rows.of(task["X"]), task["targets"], None, RateTable.constant(0.0))
    return float(result.loss_sum.sum() / X.shape[0])


def seconds(fit: Callable[[], object]) -> float:
    begin = time.perf_counter()
    fit()
    return time.perf_counter() - begin


def against_the_best(name: str, X, y, estimator, seed: int) -> tuple[int, list[float], float]:
    """Print a line; return the validation rows, how far auto is above the best constant and falling rate, and its time over one fit's."""
    classes = y if isinstance(estimator, SGDClassifier) else None
    X_rest, X_test, y_rest, y_test = train_test_split(X, y, test_size=0.3, random_state=seed, stratify=classes)
    classes = None if classes is None else y_rest
    X, X_val, y, y_val = train_test_split(X_rest, y_rest, test_size=0.2, random_state=seed, stratify=classes)
    own = {"X_val": X_val, "y_val": y_val}
    estimator.set_params(random_state=seed, learning_rate="auto")
    auto = type(estimator)(**estimator.get_params()).fit(X, y, **own)
    rates = np.geomspace(*auto.race_.learning_rate[[0, -1]], N_RATES)
    above = []
    found = {
        "val": auto.race_.cycles[auto.race_.n_kept - 1].val_loss[-1].min(),
        "test": mean_loss(auto, X_test, y_test),
    }
    for schedule in (0.1, linear("100%")):
        best = type(estimator)(**estimator.get_params()).set_params(learning_rate=schedule)
        result = sweep(best, X, y, learning_rate=rates, n_epochs=auto.n_iter_, **own)
        theirs = {"val": np.nanmin(result.val_loss[-1]), "test": mean_loss(result.best_estimator, X_test, y_test)}
        above += [found[each] / max(theirs[each], 1e-12) - 1 for each in ("val", "test")]
    one = result.best_estimator.set_params(max_iter=auto.n_iter_, tol=None)
    times = [[seconds(lambda m=m: m.fit(X, y, **own)) for m in (auto, one)] for _ in range(5)]
    ratio = float(np.divide(*np.min(times, axis=0)))
    print(
        f"{name:36.36s} {seed} {len(y_val):5d} {auto.n_iter_:5d} {auto.learning_rate_:9.3g}   "
        + "  ".join(f"{100 * each:+7.1f} %" for each in above)
        + f"  {ratio:6.2f}",
        flush=True,
    )
    return len(y_val), above, ratio


def compare_with_the_best(options: argparse.Namespace) -> None:
    print(
        "auto's loss above that of the best of 32 rates with as many epochs, the rate chosen on the same validation rows"
    )
    print(f"{'':38s} n_val epochs     rate   constant: val     test   falling: val     test    time / one fit")
    lines = []
    for case in (*cases(options.quick), *(each for path in options.svm for each in svm_file(path))):
        lines += [against_the_best(*case, seed) for seed in range(options.seeds)]
    for least in (0, ENOUGH):
        some = [(above, ratio) for n_val, above, ratio in lines if n_val >= least]
        shares = [f"{100 * each:.0f} %" for each in (np.array([above for above, _ in some]) <= WITHIN).mean(axis=0)]
        ratios = [ratio for _, ratio in some]
        print(
            f"{len(some)} cases with at least {least} validation rows, within 1 % or better: "
            f"constant {shares[0]} by validation and {shares[1]} by test loss, falling {shares[2]} and {shares[3]}; "
            f"time / one fit: median {np.median(ratios):.2f}, most {max(ratios):.2f}"
        )


def compare_with_sklearn(options: argparse.Namespace) -> None:
    from sklearn.linear_model import SGDClassifier as Theirs
    from sklearn.metrics import log_loss

    X, y = rcv1_like(options.rows * 5 // 4)
    X, X_test, y, y_test = X[: options.rows], X[options.rows :], y[: options.rows], y[options.rows :]
    common = {"loss": "log_loss", "alpha": ALPHA, "random_state": 0}
    losses: dict[str, float] = {}

    def timed(name, *models):
        def run() -> float:
            begin = time.perf_counter()
            for model in models:
                model.fit(X, y)
            took = time.perf_counter() - begin
            losses.setdefault(name, min(log_loss(y_test, m.predict_proba(X_test)) for m in models))
            return took

        return run

    rates = GRID / (1 + X.multiply(X).sum() / X.shape[0])
    grids = ["constant", "invscaling", "adaptive"] if options.schedules else ["constant"]
    fits = {
        f"scikit-learn, 16 fits, {kind}": [
            Theirs(**common, max_iter=5, tol=None, learning_rate=kind, eta0=rate) for rate in rates
        ]
        for kind in grids
    }
    fits["scikit-learn, 1 fit, optimal"] = [Theirs(**common, max_iter=5, tol=None)]
    for epochs in options.epochs:
        fits[f"fastgd, auto, max_iter={epochs}"] = [SGDClassifier(**common, learning_rate="auto", max_iter=epochs)]
    contenders = {name: timed(name, *models) for name, models in fits.items()}
    try:
        from snapml import LogisticRegression
    except ImportError:
        print("Snap ML is not installed")
    else:
        snap = LogisticRegression(regularizer=ALPHA * options.rows, fit_intercept=True, n_jobs=2)
        contenders["Snap ML, 1 fit, 2 threads"] = timed("Snap ML, 1 fit, 2 threads", snap)
    samples = measure(contenders, options.rounds)
    base = np.array(samples["scikit-learn, 16 fits, constant"])
    print(
        f"\n{options.rows} rows like RCV1's, log_loss, {options.rounds} rounds, interleaved: median seconds, test loss"
    )
    for name, each in samples.items():
        print(f"{name:36s} {np.median(each):8.3f} s   {losses[name]:.4f}   {np.median(base / each):6.1f}x faster")


def main(arguments: list[str]) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.auto", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--epochs", type=int, nargs="+", default=[2, 3, 5, 1000], help="max_iter of auto beside scikit-learn"
    )
    parser.add_argument("--svm", nargs="*", default=[], help="files in LIBSVM's format")
    parser.add_argument("--schedules", action="store_true", help="scikit-learn's invscaling and adaptive too")
    parser.add_argument("--quick", action="store_true", help="smaller data, to try the benchmark itself")
    parser.add_argument("--only", choices=("best", "sklearn"), help="one of the tables")
    options = parser.parse_args(arguments)
    before = load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if options.only != "sklearn":
            compare_with_the_best(options)
        if options.only != "best":
            compare_with_sklearn(options)
    print(warning(before))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
