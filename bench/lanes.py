"""One epoch of linear lanes against scikit-learn's ``SGDClassifier``, interleaved: ``python -m bench.lanes``.

The data has the shape of RCV1: sparse rows of 75 words out of 47,000, popular by Zipf's law. scikit-learn's epoch is the difference
between fits of three epochs and of one, so that its checks and conversions do not count.
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

FEATURES, STORED = 47_000, 75


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


def our_epoch(X, y: np.ndarray, n_lanes: int, alpha: float, l1_ratio: float = 0.0) -> Callable[[], float]:
    """Return a function that trains one epoch with `n_lanes` learning rates, in a new random order, and returns its seconds."""
    rows, targets = Rows.of(X), y[:, None]
    lanes = LinearLanes(X.dtype, X.shape[1], "log_loss", alpha=np.full(n_lanes, alpha), l1_ratio=l1_ratio)
    rate = RateTable.constant(np.logspace(-2, 1, n_lanes) if n_lanes > 1 else 1.0)
    rng = np.random.default_rng(0)

    def epoch() -> float:
        begin = time.perf_counter()
        result = lanes.epoch(rows, targets, rng.permutation(rows.n_rows), rate)
        seconds = time.perf_counter() - begin
        assert result.finite
        return seconds

    return epoch


def their_epoch(X, y: np.ndarray, alpha: float, penalty: str = "l2") -> Callable[[], float]:
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
                eta0=1.0,
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


def main(arguments: list[str]) -> int:
    """Print the median seconds of an epoch and the ratio to scikit-learn's, round by round."""
    parser = argparse.ArgumentParser(prog="python -m bench.lanes", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--l1", type=float, default=0.0, help="l1_ratio; scikit-learn runs l2 or l1")
    options = parser.parse_args(arguments)
    X, y = rcv1_like(options.rows, dtype=getattr(np, options.dtype))
    alpha = 1e-6
    contenders = {f"fastgd, {k} lanes": our_epoch(X, y, k, alpha, options.l1) for k in options.lanes}
    theirs = "scikit-learn, 1 rate"
    contenders[theirs] = their_epoch(X, y, alpha, "l1" if options.l1 else "l2")
    samples = measure(contenders, options.rounds)
    for name, seconds in samples.items():
        ratio = np.median(seconds / samples[theirs])
        print(
            f"{name:24s} {np.median(seconds):8.4f} s   {ratio:6.3f} of scikit-learn's epoch, {1 / ratio:5.2f}x faster"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
