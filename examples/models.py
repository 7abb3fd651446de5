"""Softmax regression and a small ReLU network: the models of the first lectures, with their gradients, in plain NumPy.

A model here is a few functions and no hidden state. Its parameters are a dict of float32 arrays, its gradient is a dict
with the same keys, and an optimizer of fastgd turns the one by the other:

>>> import numpy as np, fastgd
>>> from fastgd.examples.models import SoftmaxRegression
>>> rng = np.random.default_rng(0)
>>> X = rng.standard_normal((200, 2), dtype=np.float32)
>>> y = (X[:, 0] > X[:, 1]).astype(np.intp)                    # two classes, divided by a diagonal
>>> model = SoftmaxRegression(n_features=2, n_classes=2)
>>> params = model.init(rng)
>>> state = fastgd.SGD(lr=1.0).init(params)
>>> for epoch in range(50):
...     loss, grads = model.loss_and_gradient(params, X, y)
...     info = state.step(grads)                               # changes params in place
>>> bool((model.predict(params, X) == y).mean() > 0.95)
True

Shapes: `X` is (n, n_features), one example a row; `y` is (n,) and holds the class numbers 0 ... n_classes - 1.
"""

import numpy as np


def cross_entropy(z, y):
    """Return the mean cross-entropy of the scores `z` (n, n_classes), and its gradient by `z`, which overwrites `z`.

    With p = softmax(z), one row each, the loss is the mean of -log p[y] and the gradient (p - onehot(y)) / n.
    """
    rows = np.arange(len(y))
    z -= z.max(axis=1, keepdims=True)  # changes no probability, and exp cannot overflow
    correct = z[rows, y]
    np.exp(z, out=z)
    total = z.sum(axis=1, keepdims=True)
    loss = float(np.mean(np.log(total[:, 0]) - correct))
    z /= total  # now z holds the probabilities
    z[rows, y] -= 1
    z /= len(y)
    return loss, z


class SoftmaxRegression:
    """Multinomial logistic regression: p = softmax(X W + b)."""

    def __init__(self, n_features, n_classes):
        self.n_features, self.n_classes = n_features, n_classes

    def init(self, rng):
        """Return the starting parameters, all zero: the loss is convex, so any start will do (`rng` is not used)."""
        return {
            "weight": np.zeros((self.n_features, self.n_classes), np.float32),
            "bias": np.zeros(self.n_classes, np.float32),
        }

    def scores(self, params, X):
        """Return X W + b, (n, n_classes)."""
        z = X @ params["weight"]
        z += params["bias"]
        return z

    def loss_and_gradient(self, params, X, y):
        """Return the mean cross-entropy and its gradient, a dict with the keys of `params`."""
        loss, dz = cross_entropy(self.scores(params, X), y)
        return loss, {"weight": X.T @ dz, "bias": dz.sum(axis=0)}

    def predict(self, params, X):
        """Return the most probable class of each row, (n,)."""
        return self.scores(params, X).argmax(axis=1)


class ReLUNetwork:
    """One hidden layer: h = max(0, X W1 + b1), p = softmax(h W2 + b2)."""

    def __init__(self, n_features, n_hidden, n_classes):
        self.n_features, self.n_hidden, self.n_classes = n_features, n_hidden, n_classes

    def init(self, rng):
        """Return the starting parameters: weights of variance 2 / fan-in (He et al., 2015), biases zero."""
        weight1 = rng.standard_normal((self.n_features, self.n_hidden), dtype=np.float32)
        weight2 = rng.standard_normal((self.n_hidden, self.n_classes), dtype=np.float32)
        return {
            "weight1": weight1 * (2 / self.n_features) ** 0.5,
            "bias1": np.zeros(self.n_hidden, np.float32),
            "weight2": weight2 * (2 / self.n_hidden) ** 0.5,
            "bias2": np.zeros(self.n_classes, np.float32),
        }

    def hidden(self, params, X):
        """Return the hidden layer h, (n, n_hidden)."""
        h = X @ params["weight1"]
        h += params["bias1"]
        return np.maximum(h, 0, out=h)

    def scores(self, params, X):
        """Return h W2 + b2, (n, n_classes)."""
        z = self.hidden(params, X) @ params["weight2"]
        z += params["bias2"]
        return z

    def loss_and_gradient(self, params, X, y):
        """Return the mean cross-entropy and its gradient (backpropagation), a dict with the keys of `params`."""
        h = self.hidden(params, X)
        z = h @ params["weight2"]
        z += params["bias2"]
        loss, dz = cross_entropy(z, y)
        dh = dz @ params["weight2"].T
        dh *= h > 0  # the slope of max(0, .); at the kink we take 0
        return loss, {
            "weight1": X.T @ dh,
            "bias1": dh.sum(axis=0),
            "weight2": h.T @ dz,
            "bias2": dz.sum(axis=0),
        }

    def predict(self, params, X):
        """Return the most probable class of each row, (n,)."""
        return self.scores(params, X).argmax(axis=1)
