"""Mini-batch gradient descent of one linear model in plain NumPy: the oracle for batches in lanes.

Written from the textbook on dense rows: a batch's mean gradient, decay of the weights, the optimizer's formula (from `naive.py`), the soft
threshold of proximal descent, the average. Obvious before fast; imports nothing of the package under test.
"""

import math

import numpy as np

from . import naive, naive_more, naive_sgd


def _class(name):
    return getattr(naive, name, None) or getattr(naive_more, name)


class FreeASGD(naive.ASGD):
    """ASGD for an intercept: the same rates, without the decay of the weight."""

    def update(self, i, p, g, k, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0):
        eta = lr / (1 + lambd * lr * (k - 1)) ** alpha
        mu = 1 / max(1, k - 1 - t0)
        p = p - eta * g
        self.ax[i] = self.ax[i] + mu * (p - self.ax[i]) if mu < 1 else p
        return p


def softmax(z, y):
    """Return value and slopes of the multinomial logistic loss."""
    p = np.exp(z - z.max())
    p /= p.sum()
    return -math.log(p[int(y)]), p - (np.arange(len(z)) == int(y))


class Batches:
    """One model: `coef` is (n_features, n_outputs), `intercept` (n_outputs,); `optimizer` names a class of `naive.py` with options."""

    def __init__(
        self, n_features, loss, *, alpha=1e-4, l1_ratio=0.0, penalty_on=True, loss_parameter=0.1, fit_intercept=True, average=0,
        one_class=False, rate="constant", eta0=0.01, power_t=0.5, batch_size=16, optimizer=("SGD", {}), clip_norm=math.inf, n_outputs=1,
    ):  # fmt: skip
        self.loss, self.alpha, self.parameter, self.batch_size = loss, alpha, loss_parameter, batch_size
        self.l1, self.l2 = penalty_on * alpha * l1_ratio, penalty_on * alpha * (1 - l1_ratio)
        self.fit_intercept, self.average, self.one_class, self.clip_norm = fit_intercept, average, one_class, clip_norm
        self.rate = lambda step: naive_sgd.rate_at(rate, step + 1, eta0, power_t, alpha)
        self.coef, self.intercept, self.t = np.zeros((n_features, n_outputs)), np.zeros(n_outputs), 1
        self.average_coef, self.average_intercept = np.zeros_like(self.coef), np.zeros(n_outputs)
        self.loss_sum = self.penalty = self.grad_norm = self.clipped = 0.0
        name, options = optimizer
        options = {**options} if name == "Rprop" else options | {"lr": self.rate}
        self.optimizer = _class(name)(**options)
        free = {option: 0 for option in ("weight_decay", "l1", "l2") if option in self.optimizer.options}
        self.free = (FreeASGD if name == "ASGD" else _class(name))(**options | free)
        self.optimizer.init([self.coef])
        self.free.init([self.intercept])

    def epoch(self, X, y, order, weight=None):
        mean = 1.0 if weight is None or self.batch_size == 1 else weight[order].mean()
        for low in range(0, len(order), self.batch_size):
            rows = order[low : low + self.batch_size]
            self.step(X[rows], y[rows], np.ones(len(rows)) if weight is None else weight[rows], mean)
        return self

    def slopes(self, X, y):
        for x, target in zip(X, y, strict=True):
            z = x @ self.coef + self.intercept
            if self.loss == "softmax":
                yield softmax(z, target)
            else:
                value, slope = naive_sgd.LOSSES[self.loss](float(z[0]), float(target), self.parameter)
                yield value, np.array([max(-1e12, min(1e12, slope))])

    def step(self, X, y, weight, mean):
        values, slopes = zip(*self.slopes(X, y), strict=True)
        slopes = np.array(slopes) * weight[:, None] / (len(X) * mean)
        gradient, bias = X.T @ slopes, slopes.sum(axis=0) * self.fit_intercept
        eta, w = self.rate(self.t - 1), self.coef
        penalty = (
            self.l2 / 2 * (w * w).sum() + self.l1 * np.abs(w).sum() + self.alpha * self.one_class * self.intercept.sum()
        )
        self.penalty += len(X) * penalty
        self.loss_sum += sum(values)
        norm = math.sqrt((gradient**2).sum() + (bias**2).sum())
        self.grad_norm, self.clipped = self.grad_norm + norm, self.clipped + (norm > self.clip_norm)
        if norm > self.clip_norm:
            gradient, bias = gradient * (self.clip_norm / norm), bias * (self.clip_norm / norm)
        self.optimizer.params[0] = w * max(0, 1 - eta * self.l2)
        self.optimizer.step([gradient])
        w = self.optimizer.params[0]
        self.coef = self.optimizer.params[0] = np.sign(w) * np.maximum(0, np.abs(w) - eta * self.l1)
        if self.fit_intercept:
            self.free.step([bias])
            self.intercept = self.free.params[0] = self.free.params[0] - eta * self.alpha * self.one_class
        if self.average and self.t >= self.average:
            n = self.t - self.average + 1
            self.average_coef = self.average_coef + (self.coef - self.average_coef) / n
            self.average_intercept = self.average_intercept + (self.intercept - self.average_intercept) / n
        self.t += 1
