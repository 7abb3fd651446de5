"""What small networks reach on Fashion-MNIST beside torch's, and how long it takes: ``python -m bench.network_accuracy``.

Two questions, both for 784-32-10 with rectified units, float32, Adam, batches of 32 and 10 epochs:

* does a network trained with the rate 0.001 classify the test images as well as torch's? Every contender is trained with several seeds;
  ours should lie within the spread of torch's, and does where its mean is between torch's least and largest accuracy;
* does ``learning_rate="auto"``, which needs no rate, do as well as the best of 8 torch runs with rates from 1e-4 to 1e-2? A tenth of the
  training images is held out, the same for both. torch's best is the run with the highest accuracy on these, and so is ours chosen by
  them: the test images choose nothing. Beside it stands the run that is the best on the test images, which nobody can know.

Weights and biases begin as scikit-learn's do (Glorot, uniform), in torch too, but for the contender that says otherwise; torch is eager
with the fused Adam and shuffles by `randperm`. Contenders take turns in random order within each seed; seconds are wall-clock.
"""

import argparse
import math
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bench import machine
from bench.report import table
from bench.results import Figure, duration
from fastgd import datasets
from fastgd.neural_network import MLPClassifier

HIDDEN, BATCH, RATE = 32, 32, 1e-3
RATES = np.logspace(-4, -2, 8)
POINTS = 0.3  # that "auto" may be lower than torch's best, in percent
SETTLE = 0.05  # seconds between two contenders: threads of the one spin after its work on the other's cores

Rows = tuple[np.ndarray, np.ndarray]


class Run(NamedTuple):
    """What one training reached: accuracy on the test images, accuracy on those held out, and seconds."""

    test: float
    held_out: float
    seconds: float


Contender = Callable[[int, Rows, Rows, Rows], Run]
"""``train(seed, learnt, held_out, test)``"""


def ours(epochs: int, rate: Any, threads: int | None = None) -> Contender:
    """Return what trains `MLPClassifier`; only "auto" looks at the rows held out."""

    def train(seed: int, learnt: Rows, held_out: Rows, test: Rows) -> Run:
        options: dict[str, Any] = {"batch_size": BATCH, "alpha": 0.0, "max_iter": epochs, "tol": None}
        model = MLPClassifier((HIDDEN,), learning_rate=rate, random_state=seed, n_jobs=threads, **options)
        validation = {"X_val": held_out[0], "y_val": held_out[1]} if rate == "auto" else {}
        begin = time.perf_counter()
        model.fit(*learnt, **validation)
        seconds = time.perf_counter() - begin
        return Run(model.score(*test), model.score(*held_out), seconds)

    return train


def by_torch(epochs: int, rate: float, threads: int, own_init: bool = False) -> Contender:
    """Return what trains the same network in torch."""
    import torch

    def train(seed: int, learnt: Rows, held_out: Rows, test: Rows) -> Run:
        torch.set_num_threads(threads)
        torch.manual_seed(seed)
        data, labels = torch.from_numpy(learnt[0]), torch.from_numpy(learnt[1].astype(np.int64))
        model = torch.nn.Sequential(
            torch.nn.Linear(data.shape[1], HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, 10)
        )  # fmt: skip
        if not own_init:
            for layer in model[::2]:
                bound = math.sqrt(6 / (layer.in_features + layer.out_features))
                torch.nn.init.uniform_(layer.weight, -bound, bound)
                torch.nn.init.uniform_(layer.bias, -bound, bound)
        optimizer, loss = torch.optim.Adam(model.parameters(), lr=rate, fused=True), torch.nn.CrossEntropyLoss()
        begin = time.perf_counter()
        for _ in range(epochs):
            order = torch.randperm(len(data))
            for low in range(0, len(data), BATCH):
                part = order[low : low + BATCH]
                optimizer.zero_grad()
                loss(model(data[part]), labels[part]).backward()
                optimizer.step()
        seconds = time.perf_counter() - begin
        with torch.no_grad():
            right = [float((model(torch.from_numpy(X)).argmax(1).numpy() == y).mean()) for X, y in (test, held_out)]
        return Run(*right, seconds)

    return train


def measure(contenders: dict[str, Contender], seeds: int, data: Any, n_held_out: int) -> dict[str, list[Run]]:
    """Return the runs of every contender with every seed, which also draws the rows held out."""
    order, runs = np.random.default_rng(0), {name: [] for name in contenders}
    for seed in range(seeds):
        rows = np.random.default_rng(seed).permutation(len(data.X_train))
        learnt, held_out = (
            (np.ascontiguousarray(data.X_train[part], np.float32), data.y_train[part])
            for part in (rows[n_held_out:], rows[:n_held_out])
        )
        test = np.ascontiguousarray(data.X_test, np.float32), data.y_test
        for name in order.permutation(list(contenders)):
            time.sleep(SETTLE)
            runs[name].append(contenders[name](seed, learnt, held_out if n_held_out else test, test))
            print(f"seed {seed}, {name}: {runs[name][-1].test:.4f}, {runs[name][-1].seconds:.1f} s", file=sys.stderr)
    return runs


def row(name: str, accuracies: np.ndarray, seconds: Any) -> list[str]:
    low, mean, high = accuracies.min(), accuracies.mean(), accuracies.max()
    return [name, f"{mean:.4f}", f"{low:.4f}", f"{high:.4f}", duration(float(np.median(seconds)))]


def rows_of(runs: dict[str, list[Run]]) -> list[list[str]]:
    """Return a row of the table for each contender: mean, least and largest test accuracy, median seconds."""
    return [row(n, np.array([r.test for r in each]), [r.seconds for r in each]) for n, each in runs.items()]


def same_rate(options: argparse.Namespace, data: Any) -> tuple[list[Figure], list[list[str]]]:
    """Compare trainings with one rate."""
    contenders = {"fastgd": ours(options.epochs, RATE)}
    for threads in options.torch_threads:
        contenders[f"torch, {threads} threads"] = by_torch(options.epochs, RATE, threads)
    contenders["torch, 1 thread, its own initialisation"] = by_torch(options.epochs, RATE, 1, own_init=True)
    runs = measure(contenders, options.seeds, data, 0)
    own = float(np.mean([run.test for run in runs["fastgd"]]))
    figures = []
    for name in list(runs)[1:]:
        theirs = [run.test for run in runs[name]]
        inside = min(own - min(theirs), max(theirs) - own)
        text = f"{100 * own:.2f} %, theirs {100 * np.mean(theirs):.2f} (from {100 * min(theirs):.2f} to {100 * max(theirs):.2f})"
        figures.append(
            Figure(f"Adam {RATE:g}: our mean inside the spread of {name}", 100 * inside, text, least=0, unit=" points")
        )
    return figures, rows_of(runs)


def no_rate(options: argparse.Namespace, data: Any) -> tuple[list[Figure], list[list[str]]]:
    """Compare "auto" with a grid of torch runs."""
    threads = min(options.torch_threads)
    contenders = {"fastgd, auto": ours(options.epochs, "auto"), f"fastgd, {RATE:g}": ours(options.epochs, RATE)}
    grid = {f"torch, {rate:.2g}": by_torch(options.epochs, float(rate), threads) for rate in RATES}
    runs = measure({**contenders, **grid}, options.auto_seeds, data, len(data.X_train) // 10)
    auto, fixed, of_grid = runs["fastgd, auto"], runs[f"fastgd, {RATE:g}"], [runs[name] for name in grid]
    best = {
        "chosen by the rows held out": [max(each, key=lambda run: run.held_out) for each in zip(*of_grid, strict=True)],
        "chosen by the test images": [max(each, key=lambda run: run.test) for each in zip(*of_grid, strict=True)],
    }
    apart = {
        how: 100 * np.array([a.test - b.test for a, b in zip(auto, each, strict=True)]) for how, each in best.items()
    }
    one, own = (np.median([run.seconds for run in each]) for each in ([r for each in of_grid for r in each], fixed))
    mine = np.median([run.seconds for run in auto])
    figures = []
    for how, difference in apart.items():
        text = f"{difference.mean():+.2f} points (from {difference.min():+.2f} to {difference.max():+.2f})"
        asked = {"least": -POINTS} if "held out" in how else {}
        figures.append(
            Figure(f"auto - best of {len(grid)} torch runs, {how}", difference.mean(), text, unit=" points", **asked)
        )
    figures.append(
        Figure(
            "auto's time / one torch run", mine / one, f"{mine / one:.3f} ({duration(mine)}, {duration(one)})", most=1
        )
    )
    figures.append(Figure("auto's time / one fit of ours", mine / own, f"{mine / own:.2f} ({duration(own)})"))
    return figures, [
        *rows_of(runs),
        *rows_of({f"torch, best of {len(grid)}, {how}": each for how, each in best.items()}),
    ]


def main(arguments: list[str]) -> int:
    """Print accuracies, and each comparison beside its target."""
    parser = argparse.ArgumentParser(prog="python -m bench.network_accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rows", type=int, default=60_000, help="fewer, to see that everything runs")
    parser.add_argument("--seeds", type=int, default=10, help="of the trainings with one rate; 0 leaves them out")
    parser.add_argument("--auto-seeds", type=int, default=3, help="of auto and the grid; 0 leaves them out")
    parser.add_argument("--torch-threads", type=int, nargs="+", default=sorted({1, machine.usable_cores()}))
    options = parser.parse_args(arguments)
    before = machine.load()
    for what, text in machine.describe().items():
        print(f"* {what}: {text}")
    print(machine.warning(before))
    data = datasets.load_fashion_mnist()
    data = data._replace(X_train=data.X_train[: options.rows], y_train=data.y_train[: options.rows])
    figures: list[Figure] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for compare, seeds in ((same_rate, options.seeds), (no_rate, options.auto_seeds)):
            if seeds:
                found, rows = compare(options, data)
                figures += found
                print(f"\n{compare.__doc__} Test accuracy with {seeds} seeds, {options.epochs} epochs:\n")
                print(table(["", "mean", "least", "largest", "seconds"], rows), flush=True)
    print("\n" + table(["", "target", "measured", ""], [[f.what, f.target, f.measured, f.verdict] for f in figures]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
