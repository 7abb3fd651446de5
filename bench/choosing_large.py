"""`lr_find` on data whose epochs take a while: its time in epochs, and how far its suggestion is above the best rate near it."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

import fastgd
from bench.choosing_cases import BATCH
from bench.lanes import rcv1_like
from fastgd.datasets import load_default
from fastgd.learning_rate import lr_find, sweep
from fastgd.linear_model import SGDClassifier

HEADER = ["larger data", "optimizer", "an epoch", "lr_find", "in epochs", "above the best rate near it"]
N_EPOCHS = 5
NEAR = 2.0 ** np.arange(-4, 5)  # times the suggestion
STEPS = {"sgd": {}, "adam": {"optimizer": fastgd.Adam(), "batch_size": BATCH}}


class Large(NamedTuple):
    """Rows to learn from, rows to judge by, and the options of the classifier."""

    name: str
    X: Any
    y: np.ndarray
    X_val: Any
    y_val: np.ndarray
    options: dict[str, Any]


def data() -> Iterator[Large]:
    """Yield the data sets; none of them has chosen a default."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1_050_000, 30)).astype(np.float32)
    z = X @ rng.normal(size=30).astype(np.float32)
    y = (z + z.std() * rng.normal(size=len(z)) > 0).astype(int)
    n = 1_000_000
    yield Large("1,000,000 × 30", X[:n], y[:n], X[n:], y[n:], {})
    images = load_default()
    yield Large("60,000 images", images.X_train, images.y_train, images.X_test, images.y_test, {})
    X, y = rcv1_like(220_000)
    n = 200_000
    yield Large("like RCV1, 200,000 rows", X[:n], y[:n], X[n:], y[n:], {"alpha": 1e-6})


def epoch_seconds(model: SGDClassifier, X: Any, y: np.ndarray) -> float:
    """Return how long an epoch takes: the difference of fits of three epochs and of one, halved."""
    least = {}
    for n in (1, 3):
        each = clone(model).set_params(max_iter=n, tol=None)
        least[n] = min(seconds(lambda each=each: each.fit(X, y)) for _ in range(2))
    return (least[3] - least[1]) / 2


def seconds(call: Any) -> float:
    """Return the processor's time of a call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def rows() -> Iterator[list[str]]:
    """Yield the rows of the table."""
    for each in data():
        for optimizer, steps in STEPS.items():
            if each.name.startswith("like") and optimizer == "adam":
                continue  # minutes an epoch for all rates together
            model = SGDClassifier(loss="log_loss", learning_rate=0.01, random_state=0, **steps, **each.options)
            took = min(seconds(lambda m=model, e=each: lr_find(m, e.X, e.y, n_epochs=N_EPOCHS)) for _ in range(3))
            epoch = epoch_seconds(model, each.X, each.y)
            rate = lr_find(model, each.X, each.y, n_epochs=N_EPOCHS).suggest()
            validation = {"X_val": each.X_val, "y_val": each.y_val}
            loss = sweep(model, each.X, each.y, learning_rate=rate * NEAR, n_epochs=N_EPOCHS, **validation).val_loss[-1]
            above = loss[len(NEAR) // 2] / np.nanmin(loss) - 1
            times = f"{1e3 * epoch:.0f} ms", f"{1e3 * took:.0f} ms", f"{took / epoch:.2f}"
            yield [each.name, optimizer, *times, f"{100 * above:.2f} %"]
