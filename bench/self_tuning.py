"""Self-tuning optimizers beside the best rate by hand, on three convex problems and a network: ``python -m bench.self_tuning``.

Every optimizer runs with its defaults (SPS and AliG with a cap out of the way, hypergradients from a rate that is 100 times too small, the
bandit from one that is 10 times too small, with factors up to 100), except those of the first rows: SGD, momentum and Adam, each with the
best of 29 rates for the very problem and number of steps, which nobody knows in advance. Those that find no rate themselves stand in the
third part of each table, with the rate that they have by default: what not choosing costs. NormalizedOnline sees the same rows one by one,
where the model is a linear one of a single prediction.

Printed is the loss above the least one, and its ratio to that of the better of SGD and Adam; "diverged" where it is worse than at the
start. What is less than 1e-9 of the loss won is the same to all: solved. Losses are measured on all rows, at `State.evaluation_params`.
The network is 784-32-10 on Fashion-MNIST, where that is installed, otherwise 64-32-10 on digits; its least loss counts as 0.
``--plots docs`` draws the losses now and then of the first two parts of the tables.
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
from fastgd.schedules import bandit

NONE = "not this model"
RATES = np.geomspace(1e-5, 100, 29)
PENALTY = 1e-4  # of the logistic problems
HIDDEN, ROWS = 32, 3000  # units, and rows of Fashion-MNIST
POINTS = 12  # of a curve
OBSERVED = 5  # steps whose mean loss a bandit is told

PAGE = """# Self-tuning optimizers beside the best rate by hand

Made by `python -m bench.self_tuning --plots docs`, whose `--help` says what is compared.

![Losses above the least one](self_tuning.png)

```text
{tables}```
"""


class Problem(NamedTuple):
    """A loss and its gradient at w on a batch; `batches` of the rows each epoch, or one where there is no noise."""

    name: str
    start: np.ndarray
    loss_and_gradient: Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]]
    n_rows: int
    batch_size: int
    steps: int
    least: float
    two_classes: tuple[np.ndarray, np.ndarray] | None = (
        None  # rows and classes, where they are all that the loss is made of
    )


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
    targets, penalty = np.eye(n_classes)[y], PENALTY

    def loss_and_gradient(w, rows):
        W = w.reshape(X.shape[1], n_classes)
        z = X[rows] @ W
        z -= z.max(1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
        loss = -float((targets[rows] * log_p).sum(1).mean()) + 0.5 * penalty * float(w @ w)
        return loss, (X[rows].T @ (np.exp(log_p) - targets[rows]) / len(rows)).ravel() + penalty * w

    start, every = np.zeros(X.shape[1] * n_classes), np.arange(len(X))
    least = minimum(loss_and_gradient, start, every)
    two_classes = (X, y) if n_classes == 2 else None
    steps = 20 * math.ceil(len(X) / 32)
    return Problem(f"logistic, {name}", start, loss_and_gradient, len(X), 32, steps, least, two_classes)


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
    if optimizer.needs_rows:
        return excess_by_rows(problem, optimizer, seed, curve)
    w, rng, rows = problem.start.copy(), np.random.default_rng(seed), np.arange(problem.n_rows)
    state, order, recent = optimizer.init(w), rows, []
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
            if optimizer.searches:
                state.step(gradient, loss=lambda batch=batch: problem.loss_and_gradient(w, batch)[0])
            else:
                state.step(gradient, loss=loss)
            recent.append(loss)
            if len(recent) == OBSERVED:
                state.observe(float(np.mean(recent)))
                recent.clear()
        return problem.loss_and_gradient(state.evaluation_params(), rows)[0] - problem.least


def excess_by_rows(problem: Problem, optimizer: fastgd.Optimizer, seed: int, curve: list | None) -> float:
    """Return the same for an optimizer that learns from single rows, as many as the batches of the others have; NaN where it cannot.

    The difference of both classes' weights is trained, as the logistic loss of one prediction, with the same penalty.
    """
    if problem.two_classes is None:
        return math.nan
    from fastgd.linear_model import SGDClassifier

    X, y = problem.two_classes
    model = SGDClassifier(
        "log_loss", optimizer=optimizer, alpha=PENALTY / 2, fit_intercept=False, tol=None, random_state=seed
    )
    epochs, every = problem.steps // math.ceil(len(X) / problem.batch_size), np.arange(len(X))
    value = problem.loss_and_gradient(problem.start, every)[0] - problem.least
    for epoch in range(epochs):
        if curve is not None:
            curve.append((epoch * problem.steps // epochs, value))
        w = model.partial_fit(X, y, classes=[0, 1]).coef_[0] / 2
        value = problem.loss_and_gradient(np.column_stack([-w, w]).ravel(), every)[0] - problem.least
    return value


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
    factors = bandit(factors=(1.0, 3.0, 10.0, 30.0, 100.0))
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
        "Armijo": fastgd.Armijo(),
        "BarzilaiBorwein": fastgd.BarzilaiBorwein(),
        "COCOB": fastgd.COCOB(),
        "SGDHD": fastgd.SGDHD(lr=sgd_rate / 100, hypergrad_lr=1e-3),
        "AdamHD": fastgd.AdamHD(lr=adam_rate / 100, hypergrad_lr=1e-5),
        "SGD, bandit": fastgd.SGD(lr=sgd_rate / 10 * factors),
        "Adam, bandit": fastgd.Adam(lr=adam_rate / 10 * factors),
        "NormalizedOnline": fastgd.NormalizedOnline(),
    }


def by_default() -> dict[str, fastgd.Optimizer]:
    """Return every optimizer that finds no rate itself, with the rate that it has by default; and some options."""
    tuning = {type(optimizer) for name, optimizer in contenders(1.0, 1.0).items() if "bandit" not in name}
    kinds = [getattr(fastgd.optimizers, name) for name in fastgd.optimizers.__all__]
    rest = [k for k in kinds if isinstance(k, type) and issubclass(k, fastgd.Optimizer) and k is not fastgd.Optimizer]
    found = {kind.__name__: kind() for kind in rest if kind not in tuning}
    return found | {
        "SGD, momentum 0.9": fastgd.SGD(momentum=0.9),
        "Adam, amsgrad": fastgd.Adam(amsgrad=True),
        "Adam, cautious": fastgd.Adam(cautious=True),
        "Adam, Lookahead": fastgd.Adam(extras=fastgd.Lookahead()),
        "Adam, EMA": fastgd.Adam(extras=fastgd.EMA(decay=0.9)),
    }


class Comparison(NamedTuple):
    """What a problem's runs ended with: the parts of its table, each of (who, excess loss, ratio to the best by hand); curves by name."""

    parts: list[list[tuple[str, str, str]]]
    curves: dict[str, list]


def compare(problem: Problem) -> Comparison:
    """Run everybody: with the best rate by hand, those that tune themselves, the others with the rate they have by default."""
    by_hand = {name: best_by_hand(problem, make) for name, make in BY_HAND.items()}
    worst = problem.loss_and_gradient(problem.start, np.arange(problem.n_rows))[0] - problem.least
    solved = 1e-9 * worst
    reference = max(solved, min(by_hand["SGD"][0], by_hand["Adam"][0]))
    known = {f"{name}, best rate {rate:.2g}": BY_HAND[name](float(rate)) for name, (_, rate) in by_hand.items()}
    own, curves, parts = contenders(by_hand["SGD"][1], by_hand["Adam"][1]), {}, []
    for group in (known, own, {f"{name} (default)": optimizer for name, optimizer in by_default().items()}):
        values = {}
        for name, optimizer in group.items():
            curve: list = []
            values[name] = excess(problem, optimizer, curve=curve)
            curves[name] = [(t, max(v, solved)) for t, v in [*curve, (problem.steps, values[name])]]
        names = list(values) if group is known else sorted(values, key=lambda name: _place(values[name], worst))
        parts.append([_row(name, values[name], solved, reference, worst) for name in names])
    return Comparison(parts, {name: curves[name] for part in parts[:2] for name, value, _ in part if value != NONE})


def _place(value: float, worst: float) -> tuple[int, float]:
    """Return what to sort by: who diverged comes after all others, then who cannot take part."""
    return (2, 0.0) if math.isnan(value) else (int(value > worst), value)


def _row(name: str, value: float, solved: float, reference: float, worst: float) -> tuple[str, str, str]:
    if math.isnan(value):
        return name, NONE, ""
    if value > worst:
        return name, "diverged", ""
    return name, f"{max(value, solved):.3g}", f"{max(value, solved) / reference:.3g}"


def table(problem: Problem, comparison: Comparison) -> str:
    """Return a problem's table as text."""
    lines = [f"{problem.name}: {problem.steps} steps, batches of {problem.batch_size}"]
    lines += [f"{'':34}{'excess loss':>14}{'times best by hand':>22}"]
    for part in comparison.parts:
        lines += [f"{name:34}{value:>14}{ratio:>22}".rstrip() for name, value, ratio in part] + [""]
    return "\n".join(lines)


def main() -> None:
    """Print a table for each problem."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--plots", type=Path, help="a folder for the picture self_tuning.png and the tables, self_tuning.md"
    )
    options = parser.parse_args()
    warnings.simplefilter("error")
    found, tables = [], []
    for problem in (quadratic(), logistic("breast_cancer", 2), logistic("digits", 10), network()):
        comparison = compare(problem)
        tables.append(table(problem, comparison))
        print(tables[-1], flush=True)
        found.append((problem.name, comparison.curves))
    if options.plots:
        plot(found, options.plots / "self_tuning.png")
        (options.plots / "self_tuning.md").write_text(PAGE.format(tables="\n".join(tables)))


if __name__ == "__main__":
    main()
