"""What steps do besides their rules, in plain Python and NumPy, each written from its paper: unit by unit, norm by norm."""

import math

import numpy as np


def length(x):
    """Return the Euclidean norm, which can neither overflow nor underflow."""
    return math.hypot(*np.ravel(x).astype(np.float64).tolist())


def units(array, axis):
    """Yield the part of an array that leads into each unit; a vector or a scalar is one unit."""
    if array.ndim < 2:
        yield array[...]
    else:
        yield from np.moveaxis(array, axis, 0)


def centralized(g, axis):
    """Yong et al. 2020, equation 1."""
    g = g.copy()
    for unit in units(g, axis) if g.ndim > 1 and g.size else ():
        unit -= np.mean(unit)
    return g


def adaptively_clipped(p, g, clipping, eps, axis):
    """Brock et al. 2021, equation 3."""
    g = g.copy()
    for weight, unit in zip(units(p, axis), units(g, axis), strict=True):
        limit = clipping * max(length(weight), eps)
        if length(unit) > limit:
            unit[...] = unit / length(unit) * limit
    return g


def clipped(g, limit):
    """Pascanu, Mikolov and Bengio 2013, algorithm 1."""
    return g / length(g) * limit if length(g) > limit else g


def followed(weights, decay, warmup=False):
    """Return the exponential moving average after each of the weights, the first of which is its start."""
    average, found = weights[0], [weights[0]]
    for t, w in enumerate(weights[1:], 1):
        beta = min(decay, (1 + t) / (10 + t)) if warmup else decay
        average = beta * average + (1 - beta) * w
        found.append(average)
    return found


class Lookahead:
    """Zhang et al. 2019, algorithm 1, over gradient descent with momentum."""

    def __init__(self, weights, lr, momentum, k, alpha):
        self.fast, self.slow, self.buffer = weights.copy(), weights.copy(), np.zeros_like(weights)
        self.lr, self.momentum, self.k, self.alpha, self.t = lr, momentum, k, alpha, 0

    def step(self, g):
        self.buffer = self.momentum * self.buffer + g
        self.fast = self.fast - self.lr * self.buffer
        self.t += 1
        if self.t % self.k == 0:
            self.slow = self.slow + self.alpha * (self.fast - self.slow)
            self.fast = self.slow.copy()


def autoclip(norms, percentile, window):
    """Seetharaman et al. 2020, algorithm 1: the limit of each step."""
    return [np.percentile(norms[max(0, t + 1 - window) : t + 1], percentile) for t in range(len(norms))]


def zclip(norms, alpha=0.97, z_thresh=2.5, warmup=25):
    """Kumar et al. 2025, algorithm 1: what each norm is clipped to."""
    found, mean, variance = list(norms[:warmup]), np.mean(norms[:warmup]), np.var(norms[:warmup])
    for norm in norms[warmup:]:
        z = (norm - mean) / np.sqrt(variance)
        kept = mean + z_thresh**2 / z * np.sqrt(variance) if z > z_thresh else norm
        mean = alpha * mean + (1 - alpha) * kept
        variance = alpha * variance + (1 - alpha) * (kept - mean) ** 2
        found.append(kept)
    return found
