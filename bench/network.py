"""One epoch of small networks on Fashion-MNIST beside torch and scikit-learn: ``python -m bench.network``.

Times are interleaved within each round; ratios are medians over the rounds. A scikit-learn epoch is the difference between fits of two
epochs and of one. The bare products are those of one epoch by NumPy's BLAS: two of the first layer, three of the second, on batches that
lie side by side. torch is eager with the fused Adam; on a busy machine its threads wait for each other, see ``--torch-threads``.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

from bench.lanes import measure
from fastgd import datasets
from fastgd._training.network import NetworkLanes
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows

SETTLE = (
    0.05  # seconds between two contenders: BLAS's and OpenMP's threads spin after their work, on the next one's cores
)
RATES = np.logspace(-4, -2, 8)
SHAPES = {
    "784-32-10, batch 32": (32, 32, 10.0),
    "784-128-10, batch 128": (128, 128, 3.0),
}  # hidden units, batch, target


def seconds_of(function: Callable[[], object]) -> float:
    time.sleep(SETTLE)
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def ours(X: np.ndarray, y: np.ndarray, hidden: int, batch: int, rates, threads: int) -> Callable[[], float]:
    """Return a function that trains one epoch of networks with these rates, in a new random order, and returns its seconds."""
    rows, targets, rate = Rows.of(X), y.astype(X.dtype)[:, None], RateTable.constant(rates)
    alpha = np.zeros(np.size(rates))
    net = NetworkLanes(X.dtype, X.shape[1], [(hidden, "relu")], alpha=alpha, batch_size=batch, n_threads=threads)
    rng = np.random.default_rng(0)

    def epoch() -> float:
        order = rng.permutation(len(X))
        return seconds_of(lambda: net.epoch(rows, targets, order, rate))

    return epoch


def by_torch(X: np.ndarray, y: np.ndarray, hidden: int, batch: int, threads: int) -> Callable[[], float]:
    """Return the same for torch, eager, with its fused Adam."""
    import torch

    torch.set_num_threads(threads)
    data, labels = torch.from_numpy(X), torch.from_numpy(y.astype(np.int64))
    model = torch.nn.Sequential(
        torch.nn.Linear(X.shape[1], hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 10)
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    loss = torch.nn.CrossEntropyLoss()

    def epoch() -> float:
        order = torch.randperm(len(X))
        time.sleep(SETTLE)
        begin = time.perf_counter()
        for low in range(0, len(X), batch):
            part = order[low : low + batch]
            optimizer.zero_grad()
            loss(model(data[part]), labels[part]).backward()
            optimizer.step()
        return time.perf_counter() - begin

    return epoch


def by_sklearn(X: np.ndarray, y: np.ndarray, hidden: int, batch: int) -> Callable[[], float]:
    """Return the same for scikit-learn's MLPClassifier."""
    from sklearn.neural_network import MLPClassifier

    def epoch() -> float:
        one, two = (
            seconds_of(lambda n=n: MLPClassifier((hidden,), batch_size=batch, max_iter=n).fit(X, y)) for n in (1, 2)
        )
        return two - one

    return epoch


def products(X: np.ndarray, hidden: int, batch: int) -> Callable[[], float]:
    """Return a function that does the matrix products of an epoch and nothing else."""
    rng = np.random.default_rng(0)
    A = np.ascontiguousarray(X[:batch])
    W, V = (rng.random(shape, np.float32) for shape in ((X.shape[1], hidden), (hidden, 10)))
    H, Z = rng.random((batch, hidden), np.float32), rng.random((batch, 10), np.float32)
    out_W, out_V, out_H, out_Z = (np.empty_like(a) for a in (W, V, H, Z))

    def epoch() -> float:
        time.sleep(SETTLE)
        begin = time.perf_counter()
        for _ in range(-(-len(X) // batch)):
            np.dot(A, W, out=out_H)
            np.dot(H, V, out=out_Z)
            np.dot(H.T, Z, out=out_V)
            np.dot(Z, V.T, out=out_H)
            np.dot(A.T, H, out=out_W)
        return time.perf_counter() - begin

    return epoch


def eight_fits(X: np.ndarray, y: np.ndarray, threads: int) -> Callable[[], float]:
    """Return a function that trains an epoch with each rate, one after the other."""
    fits = [ours(X, y, 32, 32, rate, threads) for rate in RATES]
    return lambda: sum(fit() for fit in fits)


def row(what: str, ratio: float, target: float) -> None:
    verdict = "reached" if ratio >= target else "missed"
    print(f"{what:66s} {ratio:7.2f}   target {target:5.2f}   {verdict}")


def main(arguments: list[str]) -> int:
    """Print seconds, and each ratio beside its target."""
    parser = argparse.ArgumentParser(prog="python -m bench.network", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="ours")
    parser.add_argument("--torch-threads", type=int, default=2, help="0 leaves torch out")
    options = parser.parse_args(arguments)
    data = datasets.load_fashion_mnist()
    X, y = np.ascontiguousarray(data.X_train[: options.rows], np.float32), data.y_train[: options.rows]
    warnings.simplefilter("ignore")
    for name, (hidden, batch, target) in SHAPES.items():
        contenders = {
            "fastgd": ours(X, y, hidden, batch, 1e-3, options.threads),
            "fastgd, 1 thread": ours(X, y, hidden, batch, 1e-3, 1),
            "bare products": products(X, hidden, batch),
            "scikit-learn": by_sklearn(X, y, hidden, batch),
        }
        if options.torch_threads:
            contenders["torch"] = by_torch(X, y, hidden, batch, options.torch_threads)
        samples = measure(contenders, options.rounds)
        for contender, seconds in samples.items():
            print(f"{name:24s} {contender:18s} {np.median(seconds):8.3f} s, least {seconds.min():8.3f} s")
        peer = np.minimum.reduce([samples[peer] for peer in ("torch", "scikit-learn") if peer in samples])
        row(f"{name}: faster than the better peer", float(np.median(peer / samples["fastgd"])), target)
        share = float(np.median(samples["bare products"] / samples["fastgd"]))
        row(f"{name}: bare products / epoch", share, 0.6 if batch == 128 else 0.0)
    contenders = {
        "8 rates": ours(X, y, 32, 32, RATES, options.threads),
        "8 fits": eight_fits(X, y, options.threads),
    }
    samples = measure(contenders, options.rounds)
    row("8 rates in one pass: faster than 8 fits", float(np.median(samples["8 fits"] / samples["8 rates"])), 2.0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
