"""Stochastic gradient descent of one linear model in plain NumPy: the oracle for lanes.

Written from scikit-learn's documented step, row by row on dense rows, with the weights themselves (no scale factor), the weights' average
itself (no trick), every step's L1 penalty at once. Obvious before fast; imports nothing of the package under test.
"""

import math

import numpy as np


def squared_error(z, y, _):
    return (z - y) ** 2 / 2, z - y


def huber(z, y, epsilon):
    r = z - y
    return (r * r / 2, r) if abs(r) <= epsilon else (epsilon * (abs(r) - epsilon / 2), math.copysign(epsilon, r))


def epsilon_insensitive(z, y, epsilon):
    excess = abs(z - y) - epsilon
    return (excess, math.copysign(1, z - y)) if excess > 0 else (0, 0)


def squared_epsilon_insensitive(z, y, epsilon):
    excess = abs(z - y) - epsilon
    return (excess**2, 2 * math.copysign(excess, z - y)) if excess > 0 else (0, 0)


def quantile(z, y, q):
    return (q * (y - z), -q) if y >= z else ((1 - q) * (z - y), 1 - q)


def logcosh(z, y, _):
    r = abs(z - y)
    return r + math.log1p(math.exp(-2 * r)) - math.log(2), math.tanh(z - y)


def poisson(z, y, _):
    return math.exp(z) - y * z, math.exp(z) - y


def gamma(z, y, _):
    return z + y * math.exp(-z), 1 - y * math.exp(-z)


def tweedie(z, y, p):
    """Half the unit deviance of mean e**z and variance function mean**p, but for what depends on y alone (Jorgensen, 1987)."""
    return math.exp((2 - p) * z) / (2 - p) - y * math.exp((1 - p) * z) / (1 - p), (math.exp(z) - y) * math.exp(z) ** (
        1 - p
    )


def log_loss(z, y, _):
    return float(np.logaddexp(0, z)) - y * z, 1 / (1 + math.exp(-z)) - y


def focal(z, y, gamma):
    """Lin et al. (2017), equation 5, and the derivative of its appendix B."""
    sign = 1 if y == 1 else -1
    p = 1 / (1 + math.exp(-sign * z))
    return -((1 - p) ** gamma) * math.log(p), sign * (1 - p) ** gamma * (gamma * p * math.log(p) + p - 1)


def hinge(z, y, _):
    return (1 - y * z, -y) if y * z <= 1 else (0, 0)


def squared_hinge(z, y, _):
    return ((1 - y * z) ** 2, -2 * y * (1 - y * z)) if y * z <= 1 else (0, 0)


def perceptron(z, y, _):
    return (-y * z, -y) if y * z <= 0 else (0, 0)


def modified_huber(z, y, _):
    margin = y * z
    if margin < -1:
        return -4 * margin, -4 * y
    return ((1 - margin) ** 2, -2 * y * (1 - margin)) if margin < 1 else (0, 0)


MARGIN = (hinge, squared_hinge, perceptron, modified_huber)
POSITIVE = (poisson, gamma, tweedie)
BINARY = (log_loss, focal)  # targets 0 and 1
PARAMETER = {"tweedie": 1.5, "focal": 2.0}  # where that of the others, 0.1, means nothing
LOSSES = {
    f.__name__: f
    for f in (
        squared_error, huber, epsilon_insensitive, squared_epsilon_insensitive, quantile, logcosh, *POSITIVE, *BINARY, *MARGIN
    )
}  # fmt: skip


def rate_at(kind, t, eta0, power_t, alpha):
    """Return the learning rate of step t = 1, 2, ..."""
    if kind == "invscaling":
        return eta0 / t**power_t
    if kind == "optimal":
        typical = math.sqrt(1 / math.sqrt(alpha))
        return 1 / (
            alpha * (1 / (typical * alpha) + t - 1)
        )  # the slope at -typical, target 1, is below 1 for every loss
    return eta0


def passive_aggressive(kind, loss, value, x, z, y, c):
    """Return the step along x (Crammer et al., 2006), or None where PA-I has nothing to do."""
    square = float(x @ x)
    if kind == "pa1":
        if square == 0:
            return None
        size = min(c, value / square)
    else:
        size = value / (square + 1 / (2 * c))
    if loss in ("hinge", "perceptron"):
        return size * y
    return size if y >= z else -size


class SGD:
    """One linear model; the keywords are those of the lanes, each a number. Attributes: coef, intercept, averages, sums, t."""

    def __init__(
        self, n_features, loss, *, alpha=1e-4, l1_ratio=0.0, penalty_on=True, loss_parameter=0.1, fit_intercept=True, intercept_decay=1.0,
        average=0, one_class=False, rate="constant", eta0=0.01, power_t=0.5,
    ):  # fmt: skip
        self.loss, self.alpha, self.parameter = loss, alpha, loss_parameter
        self.l1, self.l2 = penalty_on * alpha * l1_ratio, penalty_on * alpha * (1 - l1_ratio)
        self.fit_intercept, self.intercept_decay, self.average = fit_intercept, intercept_decay, average
        self.one_class, self.rate, self.eta0, self.power_t = one_class, rate, eta0, power_t
        self.coef, self.intercept, self.t = np.zeros(n_features), 0.0, 1
        self.owed, self.paid = 0.0, np.zeros(n_features)
        self.average_coef, self.average_intercept = np.zeros(n_features), 0.0
        self.loss_sum = self.weighted_loss_sum = self.weight_sum = self.penalty = 0.0

    def epoch(self, X, y, order, weight=None):
        for i in order:
            self.step(X[i], y[i], 1.0 if weight is None else weight[i])
        return self

    def step(self, x, y, weight):
        z = float(x @ self.coef) + self.intercept
        value, slope = LOSSES[self.loss](z, y, self.parameter)
        eta = rate_at(self.rate, self.t, self.eta0, self.power_t, self.alpha)
        u = -eta * max(-1e12, min(1e12, slope))
        if self.rate in ("pa1", "pa2"):
            u = passive_aggressive(self.rate, self.loss, value, x, z, y, self.eta0)
        if u is None:
            return
        self.loss_sum += value
        self.weighted_loss_sum += weight * value
        self.weight_sum += weight
        self.penalty += self.l2 / 2 * float(self.coef @ self.coef) + self.l1 * float(np.abs(self.coef).sum())
        self.penalty += self.alpha * self.intercept if self.one_class else 0
        self.coef = max(0, 1 - eta * self.l2) * self.coef + u * weight * x
        if self.fit_intercept:
            self.intercept += (u * weight - (eta * self.alpha if self.one_class else 0)) * self.intercept_decay
        if self.average and self.t >= self.average:
            n = self.t - self.average + 1
            self.average_coef = self.average_coef + (self.coef - self.average_coef) / n
            self.average_intercept += (self.intercept - self.average_intercept) / n
        if self.l1:
            self.truncate(eta)
        self.t += 1

    def truncate(self, eta):
        """Tsuruoka et al. (2009): every weight owes the same; what it cannot pay, being 0, it owes on."""
        self.owed += eta * self.l1
        before = self.coef
        up = np.maximum(0, before - (self.owed + self.paid))
        down = np.minimum(0, before + (self.owed - self.paid))
        self.coef = np.where(before > 0, up, np.where(before < 0, down, before))
        self.paid = self.paid + (self.coef - before)
