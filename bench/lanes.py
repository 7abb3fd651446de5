"""One epoch of linear lanes against scikit-learn's ``SGDClassifier``, interleaved: ``python -m bench.lanes``.

Three tasks: sparse rows with L2, the same with L1, and Fashion-MNIST's ten classes, one against the rest (one lane each). The sparse data
has the shape of RCV1: rows of 75 words out of 47,000, popular by Zipf's law. scikit-learn's epoch is the difference between fits of three
epochs and of one, so that its checks and conversions do not count; where lanes have different rates, scikit-learn trains with one rate.

The floor is what no epoch can go below: reading the rows' values and indices once, in order, in one thread, measured as the time in which
NumPy sums them as 64-bit integers. An epoch reads them in random order, and beside them the weights of every lane twice (and writes them
once), which for many lanes is most of its work: per row and lane 4 operations for each stored value.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

from bench.timing import collector_off
from fastgd._training.linear import LinearLanes
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd.datasets import DatasetNotFoundError, load_fashion_mnist

FEATURES, STORED = 47_000, 75
THEIRS, FLOOR = "scikit-learn, 1 thread", "floor: rows read once"
THEIRS, FLOOR = "scikit-learn, 1 thread", "floor: rows read once"
THEIRS, FLOOR = "scikit-learn, 1 thread", "floor: rows read once"


def rcv1_like(n_rows: int, seed: int = 0, dtype: type = np.float32):
    """Return a CSR matrix of rows of norm 1 and noisy labels 0 and 1 from a fixed seed."""
    import scipy.sparse

    rng = np.random.default_rng(seed)
    popularity = 1 / np.arange(1, FEATURES + 1) ** 0.8
    columns = rng.choice(FEATURES, size=n_rows * STORED, p=popularity / popularity.sum()).astype(np.int32)
    values = np.abs(rng.standard_normal(n_rows * STORED))
    indptr = np.arange(0, n_rows * STORED + 1, STORED, dtype=np.int32)
    X = scipy.sparse.csr_matrix((values, columns, indptr), shape=(n_rows, FEATURES))
    X.sum_duplicates()
    norms = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    X.data /= np.repeat(norms, np.diff(X.indptr))
    y = X @ rng.standard_normal(FEATURES) * 3 + 0.3 * rng.standard_normal(n_rows) > 0
    return X.astype(dtype), y.astype(dtype)


def our_epoch(
    X, targets: np.ndarray, rates: np.ndarray, alpha: float, l1_ratio: float = 0.0, n_threads: int = 1
) -> Callable[[], float]:
    """Return a function that trains one epoch, a lane for each rate, in a new random order, and returns its seconds."""
    rows, n_lanes = Rows.of(X), len(rates)
    alphas = np.full(n_lanes, alpha)
    lanes = LinearLanes(X.dtype, X.shape[1], "log_loss", alpha=alphas, l1_ratio=l1_ratio, n_threads=n_threads)
    rate = RateTable.constant(rates)
    rng = np.random.default_rng(0)

    def epoch() -> float:
        begin = time.perf_counter()
        result = lanes.epoch(rows, targets, rng.permutation(rows.n_rows), rate)
        seconds = time.perf_counter() - begin
        assert result.finite
        return seconds

    return epoch


def floor(X) -> Callable[[], float]:
    """Return a function that reads the rows of `X` once, in order, and returns its seconds."""
    arrays = (X,) if isinstance(X, np.ndarray) else (X.data, X.indices)
    words = [a.reshape(-1).view(np.uint8)[: a.nbytes // 8 * 8].view(np.int64) for a in arrays]

    def read() -> float:
        begin = time.perf_counter()
        for each in words:
            each.sum()
        return time.perf_counter() - begin

    return read


def their_epoch(X, y: np.ndarray, rate: float, alpha: float, penalty: str = "l2") -> Callable[[], float]:
    """Return a function that measures one epoch of scikit-learn's, with one learning rate."""
    from sklearn.linear_model import SGDClassifier

    def epoch() -> float:
        seconds = []
        for epochs in (1, 3):
            model = SGDClassifier(
                loss="log_loss",
                penalty=penalty,
                alpha=alpha,
                max_iter=epochs,
                tol=None,
                learning_rate="constant",
                eta0=rate,
            )
            begin = time.perf_counter()
            model.fit(X, y)
            seconds.append(time.perf_counter() - begin)
        return (seconds[1] - seconds[0]) / 2

    return epoch


def measure(contenders: dict[str, Callable[[], float]], rounds: int) -> dict[str, np.ndarray]:
    """Return the seconds of each contender in each round, after one round that does not count."""
    order = np.random.default_rng(0)
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    with collector_off(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for r in range(rounds + 1):
            for name in order.permutation(list(contenders)):
                seconds = contenders[name]()
                if r:
                    samples[name].append(seconds)
    return {name: np.array(each) for name, each in samples.items()}


def sparse_task(options: argparse.Namespace, l1_ratio: float) -> dict[str, Callable[[], float]]:
    """Return the contenders on sparse rows: the floor, scikit-learn's one rate, our lanes with a rate each."""
    X, y = rcv1_like(options.rows, dtype=getattr(np, options.dtype))
    alpha = 1e-6
    contenders = {FLOOR: floor(X), THEIRS: their_epoch(X, y, 1.0, alpha, "l1" if l1_ratio else "l2")}
    for k in options.lanes:
        rates = np.logspace(-2, 1, k) if k > 1 else np.ones(1)
        for n_threads in options.threads if k > 1 else (1,):
            name = f"fastgd, {k} lanes, {n_threads} threads"
            contenders[name] = our_epoch(X, y[:, None], rates, alpha, l1_ratio, n_threads)
    return contenders


def fashion_task(options: argparse.Namespace) -> dict[str, Callable[[], float]]:
    """Return the contenders on Fashion-MNIST, ten classes one against the rest."""
    data = load_fashion_mnist(options.dtype)
    X, y = data.X_train[: options.rows], data.y_train[: options.rows]
    targets = (y[:, None] == np.arange(10)).astype(X.dtype)
    contenders = {FLOOR: floor(X), THEIRS: their_epoch(X, y, 0.01, 1e-4)}
    for n_threads in options.threads:
        name = f"fastgd, 10 classes, {n_threads} threads"
        contenders[name] = our_epoch(X, targets, np.full(10, 0.01), 1e-4, n_threads=n_threads)
    return contenders


def report(title: str, samples: dict[str, np.ndarray]) -> None:
    """Print the median seconds of each contender, its ratio to scikit-learn's round by round, and the floor's share of it."""
    print(f"\n{title}")
    for name, seconds in samples.items():
        ratio, share = np.median(seconds / samples[THEIRS]), np.median(samples[FLOOR] / seconds)
        print(
            f"  {name:30s} {np.median(seconds):8.4f} s  {ratio:6.3f} of scikit-learn's epoch ({1 / ratio:6.2f}x faster)"
            f"   floor / time {share:5.2f}"
        )


def main(arguments: list[str]) -> int:
    """Print the seconds of an epoch of every contender in every task."""
    parser = argparse.ArgumentParser(prog="python -m bench.lanes", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--tasks", choices=("l2", "l1", "fashion"), nargs="+", default=["l2", "l1", "fashion"])
    options = parser.parse_args(arguments)
    for task in options.tasks:
        if task == "fashion":
            try:
                contenders = fashion_task(options)
            except DatasetNotFoundError as missing:
                print(f"\nFashion-MNIST left out: {missing}")
                continue
            report("Fashion-MNIST, dense, L2", measure(contenders, options.rounds))
        else:
            title = f"{options.rows} sparse rows, {task.upper()}"
            report(title, measure(sparse_task(options, float(task == "l1")), options.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
