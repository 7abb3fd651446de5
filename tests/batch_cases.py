"""Problems and lanes for the tests of mini-batches, and the optimizers that all of them go through."""

import numpy as np

from fastgd import optimizers
from fastgd._training.batches import BatchLanes

from . import naive_batches
from .test_lanes import ALPHA, ETA0, orders, problem

BATCH = 16
# Name of the class, options of ours and of the textbook's. The momenta fade within an epoch.
OPTIMIZERS = {
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.5, "dampening": 0.2}),
    "nesterov": ("SGD", {"momentum": 0.6, "nesterov": True}),
    "asgd": ("ASGD", {"lambd": 0.1}),
    "asgd averaging": ("ASGD", {"lambd": 0.1, "t0": 5.0}),
    "adagrad": ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.1}),
    "rmsprop": ("RMSprop", {"alpha": 0.8}),
    "rmsprop centered": ("RMSprop", {"alpha": 0.8, "centered": True, "eps": 1e-3}),
    "rmsprop momentum": ("RMSprop", {"alpha": 0.8, "momentum": 0.4}),
    "rmsprop centered momentum": ("RMSprop", {"alpha": 0.8, "momentum": 0.4, "centered": True, "eps": 1e-3}),
    "adadelta": ("Adadelta", {}),
    "adam": ("Adam", {"betas": (0.5, 0.9)}),
    "amsgrad": ("Adam", {"betas": (0.5, 0.9), "amsgrad": True}),
    "adamw": ("AdamW", {"betas": (0.5, 0.9), "weight_decay": 0.1}),
    "adamax": ("Adamax", {"betas": (0.5, 0.99), "eps": 1e-3}),
    "nadam": ("NAdam", {"betas": (0.5, 0.9), "weight_decay": 0.1, "decoupled_weight_decay": True}),
    "radam": ("RAdam", {"betas": (0.5, 0.9)}),
    "lion": ("Lion", {"weight_decay": 0.1}),
    "signsgd": ("SignSGD", {}),
    "signum": ("Signum", {}),
    "rprop": ("Rprop", {"lr": ETA0}),
    "ftrl": ("FTRL", {"l1": 0.02, "l2": 0.1}),
    "adabelief": ("AdaBelief", {"betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    "yogi": ("Yogi", {"betas": (0.5, 0.9)}),
    "adabound": ("AdaBound", {"betas": (0.5, 0.9), "gamma": 0.5}),
    "laprop": ("LaProp", {"betas": (0.5, 0.9), "eps": 1e-3}),
    "adopt": ("ADOPT", {"betas": (0.5, 0.9), "eps": 1e-2}),
    "adan": ("Adan", {"betas": (0.5, 0.6, 0.9)}),
    "ademamix": ("AdEMAMix", {"betas": (0.5, 0.9, 0.95), "weight_decay": 0.1}),
    "qhadam": ("QHAdam", {"betas": (0.5, 0.9), "nus": (0.7, 0.5)}),
}  # fmt: skip
FEW = ("sgd", "momentum", "adam")


def ours(name, **options):
    kind, own = OPTIMIZERS[name]
    return getattr(optimizers, kind)(**own | options)


def textbooks(name, **options):
    """Return the textbook's class and options; SignSGD is its Signum without momentum."""
    kind, own = OPTIMIZERS[name]
    return ("Signum", {"momentum": 0} | own | options) if kind == "SignSGD" else (kind, own | options)


def make(X, loss, n_lanes=1, **options):
    defaults = {"alpha": np.full(n_lanes, ALPHA), "l1_ratio": 0.0, "loss_parameter": 0.1, "batch_size": BATCH}
    return BatchLanes(X.dtype, X.shape[1], loss, **defaults | options)


def trained(X, y, loss, rate, n_lanes=1, weight=None, epochs=3, **options):
    lanes = make(X, loss, n_lanes, **options)
    for order in orders(X.shape[0], epochs):
        result = lanes.epoch(X, y.reshape(len(y), -1), order, rate, weight)
    return lanes, result


def textbook(X, y, loss, kind, weight=None, epochs=3, **options):
    model = naive_batches.Batches(
        X.shape[1], loss, **{"alpha": ALPHA, "rate": kind, "eta0": ETA0, "batch_size": BATCH} | options
    )
    for order in orders(len(X), epochs):
        model.loss_sum = model.penalty = model.grad_norm = model.clipped = 0.0
        model.epoch(X, y, order, weight)
    return model


def assert_like(lanes, result, model, tolerance, part=slice(0, 1)):
    scale = np.abs(model.coef).max() + np.abs(model.intercept).max()
    np.testing.assert_allclose(lanes.coef[:, part], model.coef, atol=tolerance * scale, rtol=0)
    np.testing.assert_allclose(lanes.intercept[part], model.intercept, atol=tolerance * scale, rtol=0)
    assert lanes.t == model.t
    np.testing.assert_allclose(result.loss_sum[part].sum(), model.loss_sum, rtol=100 * tolerance, atol=1e-9)


def rare(dtype=np.float64, n_rows=300, n_features=40, loss="log_loss"):
    """Return rows in which most features are rare: named by a few batches, or by none at all."""
    rng = np.random.default_rng(3)
    often = np.minimum(0.5, 1 / np.arange(1, n_features + 1) ** 1.3)
    X = rng.standard_normal((n_rows, n_features)) * (rng.random((n_rows, n_features)) < often)
    X[:, -2:] = 0
    y = X @ rng.standard_normal(n_features) + 0.3 * rng.standard_normal(n_rows)
    y = (y > 0) * 1.0 if loss == "log_loss" else y
    return X.astype(dtype), y.astype(dtype)


def classes(dtype=np.float64, n_outputs=5):
    X, y = problem("squared_error", dtype)
    return X, np.digitize(y, np.quantile(y, np.linspace(0, 1, n_outputs + 1)[1:-1])).astype(dtype)
