"""Self-tuning optimizers beside the best rate by hand, on three convex problems and a network: ``python -m bench.self_tuning``.

Every optimizer runs with its defaults (SPS and AliG with a cap out of the way, hypergradients from a rate that is 100 times too small),
except those of the first rows: SGD, momentum and Adam, each with the best of 29 rates for the very problem and number of steps, which
nobody knows in advance. Printed is the loss above the least one, and its ratio to that of the better of SGD and Adam; "diverged" where it
is worse than at the start. What is less than 1e-9 of the loss won is the same to all: solved. Losses are measured on all rows, at
`State.evaluation_params`. The network is 784-32-10 on Fashion-MNIST, where that is installed, otherwise 64-32-10 on digits; its least loss
counts as 0. ``--plots docs`` draws the losses after each epoch, of all in the table.
"""

import argparse
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import fastgd
from bench.self_tuning_plot import plot

RATES = np.geomspace(1e-5, 100, 29)
HIDDEN, ROWS = 32, 3000  # units, and rows of Fashion-MNIST
POINTS = 12  # of a curve


class Problem(NamedTuple):
    """A loss and its gradient at w on a batch; `batches` of the rows each epoch, or one where there is no noise."""

    name: str
    start: np.ndarray
    loss_and_gradient: Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]
    n_rows: int
    batch_size: int
    steps: int
    least: float


def quadratic() -> Problem:
    """Condition number 1,000, no noise."""
    curvature = np.geomspace(1e-3, 1.0, 50)

    def loss_and_gradient(w, rows):
        return float(0.5 * (curvature * w) @ w), curvature * w

    start = np.random.default_rng(0).normal(size=50)
    return Problem("quadratic, condition 1000", start, loss_and_gradient, 1, 1, 500, 0.0)


def logistic(name: str, n_classes: int) -> Problem:
    """Multinomial logistic regression with a small penalty on standardized data, batches of 32."""
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X = (X - X.mean(0)) / (X.std(0) + 1e-9)
    X = np.hstack([X, np.ones((len(X), 1))])
    targets, penalty = np.eye(n_classes)[y], 1e-4

    def loss_and_gradient(w, rows):
        W = w.reshape(X.shape[1], n_classes)
        z = X[rows] @ W
        z -= z.max(1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
        loss = -float((targets[rows] * log_p).sum(1).mean()) + 0.5 * penalty * float(w @ w)
        return loss, (X[rows].T @ (np.exp(log_p) - targets[rows]) / len(rows)).ravel() + penalty * w

    start, every = np.zeros(X.shape[1] * n_classes), np.arange(len(X))
    least = minimum(loss_and_gradient, start, every)
    return Problem(f"logistic, {name}", start, loss_and_gradient, len(X), 32, 20 * math.ceil(len(X) / 32), least)


def network() -> Problem:
    """A layer of 32 rectified units before softmax, batches of 32, 3 epochs; gradients by hand."""
    from fastgd.datasets import load_default

    data = load_default()
    X, y, n_classes = data.X_train[:ROWS].astype(np.float64), data.y_train[:ROWS], data.n_classes
    shapes = (X.shape[1], HIDDEN), (HIDDEN,), (HIDDEN, n_classes), (n_classes,)
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    targets = np.eye(n_classes)[y]

    def loss_and_gradient(w, rows):
        W, b, V, c = (part.reshape(shape) for part, shape in zip(np.split(w, ends), shapes, strict=True))
        hidden = np.maximum(X[rows] @ W + b, 0)
        z = hidden @ V + c
        z -= z.max(1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
        slope = (np.exp(log_p) - targets[rows]) / len(rows)
        back = (slope @ V.T) * (hidden > 0)
        parts = X[rows].T @ back, back.sum(0), hidden.T @ slope, slope.sum(0)
        return -float((targets[rows] * log_p).sum(1).mean()), np.concatenate([part.ravel() for part in parts])

    rng = np.random.default_rng(0)
    start = [
        rng.uniform(-1, 1, shape) * math.sqrt(6 / sum(shape)) if len(shape) > 1 else np.zeros(shape) for shape in shapes
    ]
    name = f"network {X.shape[1]}-{HIDDEN}-{n_classes}, {data.name}"
    flat = np.concatenate([part.ravel() for part in start])
    return Problem(name, flat, loss_and_gradient, len(X), 32, 3 * math.ceil(len(X) / 32), 0.0)


def minimum(loss_and_gradient, start, rows) -> float:
    from scipy.optimize import minimize

    options = {"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-10}
    return float(minimize(loss_and_gradient, start, (rows,), "L-BFGS-B", jac=True, options=options).fun)


def excess(problem: Problem, optimizer: fastgd.Optimizer, seed: int = 0, curve: list | None = None) -> float:
    """Return the loss above the least one after all steps; infinity where the run left the finite numbers.

    To `curve` it is added as (steps, excess loss) now and then.
    """
    w, rng, rows = problem.start.copy(), np.random.default_rng(seed), np.arange(problem.n_rows)
    state, order = optimizer.init(w), rows
    per_epoch, every = math.ceil(problem.n_rows / problem.batch_size), max(1, problem.steps // POINTS)
    with np.errstate(all="ignore"):
        for t in range(problem.steps):
            if curve is not None and t % every == 0:
                curve.append((t, problem.loss_and_gradient(state.evaluation_params(), rows)[0] - problem.least))
            at = t % per_epoch
            order = rng.permutation(rows) if at == 0 else order
            batch = order[at * problem.batch_size : (at + 1) * problem.batch_size]
            loss, gradient = problem.loss_and_gradient(w, batch)
            if not (math.isfinite(loss) and np.isfinite(gradient).all()):
                return math.inf
            state.step(gradient, loss=loss)
        return problem.loss_and_gradient(state.evaluation_params(), rows)[0] - problem.least


def best_by_hand(problem: Problem, make: Callable[[float], fastgd.Optimizer]) -> tuple[float, float]:
    """Return the least excess loss of all rates, and the rate."""
    found = [(value, rate) for rate in RATES if not math.isnan(value := excess(problem, make(float(rate))))]
    return min(found)


BY_HAND = {
    "SGD": lambda lr: fastgd.SGD(lr=lr),
    "SGD, momentum 0.9": lambda lr: fastgd.SGD(lr=lr, momentum=0.9),
    "Adam": lambda lr: fastgd.Adam(lr=lr),
}


def contenders(sgd_rate: float, adam_rate: float) -> dict[str, fastgd.Optimizer]:
    """Return the self-tuning optimizers; hypergradients start from a hundredth of the best rate."""
    return {
        "DoG": fastgd.DoG(),
        "LDoG": fastgd.LDoG(),
        "DoWG": fastgd.DoWG(),
        "DAdaptSGD": fastgd.DAdaptSGD(),
        "DAdaptAdam": fastgd.DAdaptAdam(),
        "Prodigy": fastgd.Prodigy(),
        "MechanicSGD": fastgd.MechanicSGD(),
        "MechanicAdam": fastgd.MechanicAdam(),
        "SGDScheduleFree": fastgd.SGDScheduleFree(),
        "AdamWScheduleFree": fastgd.AdamWScheduleFree(),
        "SPS": fastgd.SPS(lr=100.0),
        "AliG": fastgd.AliG(lr=100.0),
        "BarzilaiBorwein": fastgd.BarzilaiBorwein(),
        "COCOB": fastgd.COCOB(),
        "SGDHD": fastgd.SGDHD(lr=sgd_rate / 100, hypergrad_lr=1e-3),
        "AdamHD": fastgd.AdamHD(lr=adam_rate / 100, hypergrad_lr=1e-5),
        "Adam, default rate": fastgd.Adam(),
        "SGD, default rate": fastgd.SGD(),
    }


def compare(problem: Problem) -> tuple[list[tuple[str, str, str]], dict[str, list]]:
    """Return the rows of a problem's table, who, excess loss, ratio to the best by hand; and everybody's curve."""
    by_hand = {name: best_by_hand(problem, make) for name, make in BY_HAND.items()}
    worst = problem.loss_and_gradient(problem.start, np.arange(problem.n_rows))[0] - problem.least
    solved = 1e-9 * worst
    reference = max(solved, min(by_hand["SGD"][0], by_hand["Adam"][0]))
    known = {f"{name}, best rate {rate:.2g}": BY_HAND[name](float(rate)) for name, (_, rate) in by_hand.items()}
    own = contenders(by_hand["SGD"][1], by_hand["Adam"][1])
    curves: dict[str, list] = {name: [] for name in (*known, *own)}
    values = {name: excess(problem, o, curve=curves[name]) for name, o in {**known, **own}.items()}
    for name, value in values.items():
        curves[name].append((problem.steps, value))
        curves[name] = [(t, max(v, solved)) for t, v in curves[name]]
    rows = [(name, values[name]) for name in known]
    rows += sorted(((name, values[name]) for name in own), key=lambda row: (not row[1] <= worst, row[1]))
    shown = [
        (name, f"{max(value, solved):.3g}", f"{max(value, solved) / reference:.3g}")
        if value <= worst
        else (name, "diverged", "")
        for name, value in rows
    ]
    return shown, {name: curves[name] for name, _ in rows}


def main() -> None:
    """Print a table for each problem."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plots", type=Path, help="a folder for the picture self_tuning.png")
    options = parser.parse_args()
    warnings.simplefilter("error")
    found = []
    for problem in (quadratic(), logistic("breast_cancer", 2), logistic("digits", 10), network()):
        print(f"\n{problem.name}: {problem.steps} steps, batches of {problem.batch_size}")
        print(f"{'':34}{'excess loss':>14}{'times best by hand':>22}")
        rows, curves = compare(problem)
        for name, value, ratio in rows:
            print(f"{name:34}{value:>14}{ratio:>22}", flush=True)
        found.append((problem.name, curves))
    if options.plots:
        plot(found, options.plots / "self_tuning.png")


if __name__ == "__main__":
    main()
