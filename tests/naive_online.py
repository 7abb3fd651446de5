"""Updates of linear models by single rows in plain NumPy, written from the papers: every weight, every row, nothing lazy.

S. Ross, P. Mineiro and J. Langford, Normalized online learning (2013), algorithms 1 and 2. N. Karampatziakis and J. Langford, Online
importance weight aware updates (2011), table 1, for the steps.
"""

import math

import numpy as np
from scipy.special import lambertw

SLOPES = {
    "squared_error": lambda z, y, q: z - y,
    "huber": lambda z, y, q: max(-q, min(q, z - y)),
    "epsilon_insensitive": lambda z, y, q: np.sign(z - y) if abs(z - y) > q else 0.0,
    "squared_epsilon_insensitive": lambda z, y, q: 2 * np.sign(z - y) * max(0.0, abs(z - y) - q),
    "quantile": lambda z, y, q: -q if y >= z else 1 - q,
    "poisson": lambda z, y, q: math.exp(z) - y,
    "gamma": lambda z, y, q: 1 - y * math.exp(-z),
    "log_loss": lambda z, y, q: 1 / (1 + math.exp(-z)) - y,
    "hinge": lambda z, y, q: -y if y * z <= 1 else 0.0,
    "squared_hinge": lambda z, y, q: -2 * y * max(0.0, 1 - y * z),
    "modified_huber": lambda z, y, q: -4 * y if y * z < -1 else -2 * y * max(0.0, 1 - y * z),
}


def table_1(loss, p, y, q, h, xx):
    """Return s(h), the step along the row: `h` is eta times the importance weight, `xx` the squared length of the row."""
    if loss == "squared_error":
        return (p - y) / xx * (1 - math.exp(-h * xx))
    if loss == "log_loss":
        y = 2 * y - 1
        at = h * xx + y * p + math.exp(y * p)
        return (float(lambertw(math.exp(at)).real) - h * xx - math.exp(y * p)) / (y * xx)
    if loss == "hinge":
        return -y * min(h, (1 - y * p) / xx) if y * p < 1 else 0.0
    assert loss == "quantile"
    if y > p:
        return -q * min(h, (y - p) / (q * xx))
    return (1 - q) * min(h, (p - y) / ((1 - q) * xx))


class Online:
    """One linear model; the last feature, always 1, is the intercept's and has no penalty."""

    def __init__(self, n_features, loss, q=0.0, l2=0.0, l1=0.0, adaptive=True, normalized=True, importance_aware=True):
        self.loss, self.q, self.l2, self.l1 = loss, q, l2, l1
        self.adaptive, self.normalized, self.aware = adaptive, normalized, importance_aware
        self.w, self.s, self.G, self.d = (np.zeros(n_features + 1) for _ in range(4))
        self.N = self.T = 0.0

    def see(self, x, y, h, eta):
        """Learn one row of weight `h`."""
        x = np.append(x, 1.0)
        if self.normalized:
            for i in np.flatnonzero(abs(x) > self.s):
                if self.s[i] > 0:
                    self.w[i] *= (self.s[i] / abs(x[i])) ** (1 if self.adaptive else 2)
                self.s[i] = abs(x[i])
        z, named = self.w @ x, x != 0
        self.T += h
        self.N += h * np.sum((x[named] / self.s[named]) ** 2) if self.normalized else 0.0
        slope = SLOPES[self.loss](z, y, self.q)
        common = self.T / self.N if self.normalized else 1.0
        common = math.sqrt(common) if self.adaptive else common
        if slope != 0:
            s = self.s[named] if self.normalized else 1.0
            if self.adaptive:
                self.G[named] += h * (slope * x[named]) ** 2
                self.d[named] = 1 / (s * np.sqrt(self.G[named]))
            else:
                self.d[named] = 1 / s**2
            xx = np.sum(common * self.d * x * x)
            size = table_1(self.loss, z, y, self.q, h * eta, xx) if self.aware else h * eta * slope
            self.w -= size * common * self.d * x
        self.penalize(eta * common * self.d)

    def penalize(self, rates):
        """The flow of both penalties over these rates."""
        w, rates = self.w[:-1], rates[:-1]
        size = np.abs(w)
        ratio = self.l1 / self.l2 if self.l2 else 0.0
        size = (size + ratio) * np.exp(-self.l2 * rates) - (ratio if self.l2 else self.l1 * rates)
        w[...] = np.sign(w) * np.maximum(size, 0)
