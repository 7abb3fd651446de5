"""A textbook multi-layer perceptron in plain NumPy: the oracle of the compiled one. Nothing of the package under test is imported.

    net = Network([(w1, b1), (w2, b2)], ["tanh"], [Head(3, "softmax")], alpha=1e-4)
    net.gradient(X, targets)         # [(gw1, gb1), (gw2, gb2)] of the mean loss plus penalty
    net.train(naive.Adam(lr=1e-3), X, targets, batches)

A target is one 2-D array: for each head its columns, one of classes for ``softmax``.
"""

import math
from dataclasses import dataclass

import numpy as np


def _erf_free_gelu(z):
    u = math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)
    du = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z**2)
    t = np.tanh(u)
    return z * (1 + t) / 2, (1 + t) / 2 + z * (1 - t**2) * du / 2


def activate(name, z, parameter=None):
    """Return value and derivative of an activation."""
    if name == "identity":
        return z, np.ones_like(z)
    if name == "logistic":
        p = 1 / (1 + np.exp(-z))
        return p, p * (1 - p)
    if name == "tanh":
        return np.tanh(z), 1 - np.tanh(z) ** 2
    if name == "relu":
        return np.maximum(z, 0), (z > 0).astype(z.dtype)
    if name == "leaky_relu":
        negative = 0.01 if parameter is None else parameter
        return np.where(z > 0, z, negative * z), np.where(z > 0, 1, negative).astype(z.dtype)
    if name == "elu":
        a = 1.0 if parameter is None else parameter
        return np.where(z > 0, z, a * np.expm1(np.minimum(z, 0))), np.where(z > 0, 1, a * np.exp(np.minimum(z, 0)))
    if name == "silu":
        p = 1 / (1 + np.exp(-z))
        return z * p, p + z * p * (1 - p)
    return _erf_free_gelu(z)


@dataclass
class Head:
    n_out: int
    loss: str
    weight: float = 1.0
    parameter: float | None = None

    @property
    def n_targets(self):
        return 1 if self.loss == "softmax" else self.n_out

    def measure(self, z, y):
        """Return the loss of each row and its derivative for z."""
        if self.loss in ("softmax", "softmax_probabilities"):
            T = 1.0 if self.parameter is None else self.parameter
            if self.loss == "softmax":
                y = np.eye(self.n_out)[y[:, 0].astype(int)]
            e = np.exp(z / T - (z / T).max(axis=1, keepdims=True))
            p = e / e.sum(axis=1, keepdims=True)
            return -(T**2) * (y * np.log(p)).sum(axis=1), T * (p * y.sum(axis=1, keepdims=True) - y)
        if self.loss == "log_loss":
            return (np.logaddexp(0, z) - y * z).sum(axis=1), 1 / (1 + np.exp(-z)) - y
        if self.loss == "squared_error":
            return ((z - y) ** 2 / 2).sum(axis=1), z - y
        if self.loss == "huber":
            r, e = z - y, self.parameter
            value = np.where(np.abs(r) <= e, r**2 / 2, e * (np.abs(r) - e / 2))
            return value.sum(axis=1), np.clip(r, -e, e)
        return (np.exp(z) - y * z).sum(axis=1), np.exp(z) - y


MASK32, MASK64 = 2**32 - 1, 2**64 - 1


def _mixed64(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK64
    return x ^ (x >> 31)


def _mixed32(x):
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & MASK32
    x = ((x ^ (x >> 15)) * 0x846CA68B) & MASK32
    return x ^ (x >> 16)


def dropout_mask(seed, step, layer, shape, share):
    """Return the factors of inverted dropout: 0, or 1 / (1 - share). Steps are counted from 1."""
    key = _mixed64((_mixed64((_mixed64(seed) + step) & MASK64) + layer) & MASK64)
    draws = [_mixed32(_mixed32(i ^ (key & MASK32)) ^ (key >> 32)) >> 8 for i in range(math.prod(shape))]
    kept = np.array(draws).reshape(shape) >= round(share * 2**24)
    return kept / (1 - share)


class Network:
    def __init__(
        self, weights, activations, heads, *, alpha=0.0, l1=0.0, decoupled=False, dropout=None, max_norm=None, seed=0,
        non_negative=False, kept=None,
    ):  # fmt: skip
        self.weights = [(np.array(w), np.array(b)) for w, b in weights]
        self.activations = [a if isinstance(a, tuple) else (a, None) for a in activations]
        self.heads, self.alpha, self.l1, self.decoupled = heads, alpha, l1, decoupled
        self.dropout, self.max_norm, self.seed = dropout, max_norm, seed
        self.non_negative, self.kept = non_negative, kept

    def forward(self, X, step=None):
        """Return the raw outputs, and the inputs and the activation's derivatives of each layer."""
        values, slopes = [X], []
        for k, (w, b) in enumerate(self.weights):
            z = values[-1] @ w + b
            if k == len(self.activations):
                return z, values, slopes
            name, parameter = self.activations[k]
            value, slope = activate(name, z, parameter)
            if self.dropout is not None and step is not None:
                mask = dropout_mask(self.seed, step, k, value.shape, self.dropout[k])
                value, slope = value * mask, slope * mask
            values.append(value)
            slopes.append(slope)
        raise AssertionError

    def losses(self, z, targets):
        """Return the loss of each row over all heads, and its derivative for the outputs."""
        value, slope, first, column = 0.0, np.zeros_like(z), 0, 0
        for head in self.heads:
            part = slice(first, first + head.n_out)
            v, s = head.measure(z[:, part], targets[:, column : column + head.n_targets])
            value, slope[:, part] = value + head.weight * v, head.weight * s
            first, column = first + head.n_out, column + head.n_targets
        return value, slope

    def gradient(self, X, targets, weight=None, mean_weight=1.0, step=None):
        z, values, slopes = self.forward(X, step)
        _, delta = self.losses(z, targets)
        if weight is not None:
            delta = delta * weight[:, None]
        delta = delta / (len(X) * mean_weight)
        found = []
        for k in range(len(self.weights) - 1, -1, -1):
            w, _ = self.weights[k]
            g = values[k].T @ delta
            if not self.decoupled:
                g = g + (self.alpha * w + self.l1 * np.sign(w)) / len(X)
            found.append((g, delta.sum(axis=0)))
            if k:
                delta = delta @ w.T * slopes[k - 1]
        return found[::-1]

    def train(self, optimizer, X, targets, batches, weight=None, rate=None):
        """Take one step of a `naive` optimizer for each batch of row numbers."""
        mean_weight = 1.0 if weight is None else weight[np.concatenate(batches)].mean()
        for t, batch in enumerate(batches):
            part = None if weight is None else weight[batch]
            g = self.gradient(X[batch], targets[batch], part, mean_weight, t + 1)
            if self.kept is not None:
                g = [(gw * kept, gb) for (gw, gb), kept in zip(g, self.kept, strict=True)]
            if self.decoupled:
                self.weights = [(w - rate * self.alpha * w, b) for w, b in self.weights]
            if t == 0:
                optimizer.init([a for pair in self.weights for a in pair])
            optimizer.params = [a.copy() for pair in self.weights for a in pair]
            optimizer.step([a for pair in g for a in pair])
            flat = optimizer.params
            self.weights = list(zip(flat[::2], flat[1::2], strict=True))
            if self.decoupled:
                amount = rate * self.l1
                self.weights = [(np.sign(w) * np.maximum(np.abs(w) - amount, 0), b) for w, b in self.weights]
            if self.kept is not None:
                self.weights = [(w * kept, b) for (w, b), kept in zip(self.weights, self.kept, strict=True)]
            if self.non_negative:
                self.weights = [(np.maximum(w, 0), b) for w, b in self.weights]
            if self.max_norm:
                self.weights = [(self._constrained(w), b) for w, b in self.weights]

    def _constrained(self, w):
        norms = np.linalg.norm(w, axis=0)
        return w * np.where(norms > self.max_norm, self.max_norm / np.where(norms > 0, norms, 1), 1)
