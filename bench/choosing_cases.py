"""The data sets on which rules for choosing a learning rate are compared: those they were chosen on, and those held out from that."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn import datasets as toys
from sklearn.preprocessing import StandardScaler

import fastgd
from bench.lanes import rcv1_like
from fastgd.datasets import load_default
from fastgd.linear_model import SGDClassifier, SGDRegressor
from fastgd.neural_network import MLPClassifier, MLPRegressor

OPTIMIZERS = ("sgd", "momentum", "adam")
BATCH = 32  # rows, of momentum and Adam; plain SGD of linear models makes a step from each row


class Case(NamedTuple):
    """Rows, targets, and ``make(optimizer, seed)``, which returns an estimator; `held_out`: no default was chosen by looking at it."""

    name: str
    X: Any
    y: np.ndarray
    make: Callable[[str, int], Any]
    held_out: bool


def linear(kind: type, **options: Any) -> Callable[[str, int], Any]:
    """Return what makes linear estimators."""
    steps = {
        "sgd": {},
        "momentum": {"optimizer": fastgd.SGD(momentum=0.9), "batch_size": BATCH},
        "adam": {"optimizer": fastgd.Adam(), "batch_size": BATCH},
    }
    return lambda optimizer, seed: kind(**options, **steps[optimizer], learning_rate=0.01, random_state=seed)


def network(kind: type, **options: Any) -> Callable[[str, int], Any]:
    """Return what makes networks with one hidden layer of 32 units."""
    steps = {
        "sgd": {"solver": "sgd", "momentum": 0.0},
        "momentum": {"solver": "sgd", "momentum": 0.9},
        "adam": {"solver": "adam"},
    }
    common = {"hidden_layer_sizes": (32,), "batch_size": BATCH}
    return lambda optimizer, seed: kind(**common, **options, **steps[optimizer], random_state=seed)


def scaled(X: np.ndarray) -> np.ndarray:
    return StandardScaler().fit_transform(X)


def toy(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return one of scikit-learn's small data sets, standardized."""
    X, y = getattr(toys, f"load_{name}")(return_X_y=True)
    return scaled(X), y


def cases() -> Iterator[Case]:
    """Yield all data sets."""
    log_loss, hinge = (linear(SGDClassifier, loss=loss) for loss in ("log_loss", "hinge"))
    yield Case("breast_cancer", *toy("breast_cancer"), log_loss, False)
    yield Case("wine", *toy("wine"), log_loss, True)
    yield Case("iris", *toy("iris"), log_loss, False)
    X, y = toys.load_digits(return_X_y=True)
    yield Case("digits", X / 16, y, log_loss, True)
    yield Case("digits, network", X / 16, y, network(MLPClassifier), False)
    X, y = toys.make_classification(5000, 30, n_informative=10, flip_y=0.1, random_state=0)
    yield Case("noisy classes", X, y, log_loss, False)
    yield Case("skewed columns", X * np.geomspace(0.01, 10, 30), y, log_loss, True)
    X, y = toys.make_classification(4000, 60, n_informative=20, n_classes=8, class_sep=2.0, random_state=1)
    yield Case("8 classes, hinge", X, y, hinge, False)
    yield Case("8 classes, network", X, y, network(MLPClassifier), True)
    X, y = rcv1_like(2500)
    yield Case("like RCV1", X, y, linear(SGDClassifier, loss="log_loss", alpha=1e-6), False)
    X, y = rcv1_like(2500, seed=1)
    yield Case("like RCV1, hinge", X, y, linear(SGDClassifier, loss="hinge", alpha=1e-5), True)
    images = load_default()
    yield Case("Fashion-MNIST", images.X_train[:3000], images.y_train[:3000], log_loss, True)
    X, y = toy("diabetes")
    yield Case("diabetes", X, (y - y.mean()) / y.std(), linear(SGDRegressor), True)
    X, y = toys.make_regression(3000, 40, noise=50, random_state=0)
    yield Case("noisy line", X, y / 100, linear(SGDRegressor), False)
    X, y = toys.make_friedman1(4000, 10, noise=1.0, random_state=0)
    yield Case("friedman, huber", scaled(X), (y - y.mean()) / y.std(), linear(SGDRegressor, loss="huber"), True)
    yield Case("friedman, network", scaled(X), (y - y.mean()) / y.std(), network(MLPRegressor), False)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 10))
    y = rng.poisson(np.exp(0.3 * X @ rng.normal(size=10)))
    yield Case("poisson counts", X, y.astype(float), linear(SGDRegressor, loss="poisson"), False)
