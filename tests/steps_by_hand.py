"""What training with an optimizer that takes its steps itself should give: its own `State` on gradients by NumPy."""

import numpy as np
import pytest

import fastgd
from fastgd._training.network import NetworkLanes
from fastgd._training.rates import RateTable

STEPS = {"batch_size": 32, "tol": None, "random_state": 0}
ALPHA = 1e-2


def losses_and_slopes(z, y, loss):
    """Return each row's loss and slope; `y` is 0 and 1, a number, or with softmax the class."""
    if loss == "log_loss":
        z = z[:, 0]
        return np.logaddexp(0, z) - y * z, (1 / (1 + np.exp(-z)) - y)[:, None]
    if loss == "squared_error":
        return (z[:, 0] - y) ** 2 / 2, z - y[:, None]
    shifted = z - z.max(axis=1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(y)), y]), p - (y[:, None] == np.arange(z.shape[1]))


def by_hand(optimizer, X, y, loss, n_epochs, n_outputs=1, weight=None, alpha=ALPHA):
    """Return weights, intercepts and the last epoch's mean loss with the L2 penalty, after mini-batches in the order of the rows.

    Weights and intercepts are those that ``with state.averaged()`` shows.
    """
    shape = (X.shape[1],) if n_outputs == 1 else (X.shape[1], n_outputs)
    params = {"coef": np.zeros(shape), "intercept": np.zeros(n_outputs)}
    weight = np.ones(len(X)) if weight is None else weight / weight.mean()
    state = optimizer.init(params)

    def slopes_and_objective(rows):
        z = (X[rows] @ params["coef"]).reshape(len(X[rows]), -1) + params["intercept"]
        values, slopes = losses_and_slopes(z, y[rows], loss)
        objective = float((weight[rows] * values).mean() + alpha / 2 * (params["coef"] ** 2).sum())
        return slopes * weight[rows, None] / len(values), objective

    for _ in range(n_epochs):
        total = 0.0
        for low in range(0, len(X), STEPS["batch_size"]):
            rows = slice(low, low + STEPS["batch_size"])
            slopes, objective = slopes_and_objective(rows)
            grads = {"coef": (X[rows].T @ slopes).reshape(shape) + alpha * params["coef"]}
            state.step(grads | {"intercept": slopes.sum(axis=0)}, loss=lambda rows=rows: slopes_and_objective(rows)[1])
            total += len(slopes) * objective / len(X)
    with state.averaged():
        return params["coef"].reshape(X.shape[1], -1).T.copy(), params["intercept"].copy(), total


def assert_as_by_hand(model, expected):
    np.testing.assert_allclose(np.atleast_2d(model.coef_), expected[0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(model.intercept_, expected[1], rtol=1e-6, atol=1e-9)
    assert model.history_["objective"][-1] == pytest.approx(expected[2], rel=1e-6)


class NetworkByHand:
    """Loss and gradient of a network, taken from steps of plain descent with the rate 1, each of which starts anew."""

    def __init__(self, *args, **options):
        self.lanes = NetworkLanes("float64", *args, optimizer=fastgd.SGD(), **options)
        self.params = [array for pair in self.lanes.weights()[0] for array in pair]

    def measured(self, X, targets):
        """Return the loss over these rows, penalty included, and the gradients."""
        start = np.concatenate([p.ravel() for p in self.params])[:, None]
        self.lanes.set_coef(start)
        result = self.lanes.epoch(X, targets, None, RateTable.constant(1.0))
        flat, grads = (start - self.lanes.coef)[:, 0], []
        for p in self.params:
            grads.append(flat[: p.size].reshape(p.shape))
            flat = flat[p.size :]
        return float(result.loss_sum[0] + result.penalty[0]) / len(X), grads
