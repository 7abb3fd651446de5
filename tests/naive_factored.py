"""More textbook optimizers in plain NumPy: factored second moments, dual averaging, cautious steps; see naive.py for the conventions."""

import numpy as np

from . import naive
from .naive_tuning import SelfTuning


def rms(x):
    return float(np.sqrt(np.mean(x * x)))


class Adafactor(naive.Optimizer):
    """Shazeer and Stern 2018, algorithms 4 and 5, as in torch's documentation: relative steps that `lr` limits."""

    def start(self, **_):
        self.state = {
            "variance": [np.zeros(p.shape) if p.ndim < 2 else None for p in self.params],
            "row_var": [np.zeros((*p.shape[:-1], 1)) if p.ndim >= 2 else None for p in self.params],
            "col_var": [np.zeros((*p.shape[:-2], 1, p.shape[-1])) if p.ndim >= 2 else None for p in self.params],
        }

    def hyper(self):
        eps1, eps2 = self.options["eps"]
        rest = {name: naive._at(option, self.t) for name, option in self.options.items() if name != "eps"}
        return {**rest, "eps": (None if eps1 is None else naive._at(eps1, self.t), naive._at(eps2, self.t))}

    def update(self, i, p, g, k, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0):
        if p.size == 0:
            return p
        eps1 = float(np.finfo(self.epsilon_of).eps) if eps[0] is None else eps[0]
        beta2 = 1 - k**beta2_decay
        if p.ndim < 2:
            self.variance[i] = v = beta2 * self.variance[i] + (1 - beta2) * g * g
        else:
            self.row_var[i] = beta2 * self.row_var[i] + (1 - beta2) * np.mean(g * g, axis=-1, keepdims=True)
            self.col_var[i] = beta2 * self.col_var[i] + (1 - beta2) * np.mean(g * g, axis=-2, keepdims=True)
            whole = np.maximum(np.mean(self.row_var[i], axis=-2, keepdims=True), eps1)
            v = self.row_var[i] @ self.col_var[i] / whole
        u = g / np.sqrt(np.maximum(v, eps1**2))
        rate = max(eps[1], rms(p)) * min(lr, 1 / np.sqrt(k))
        return p - lr * weight_decay * p - rate * u / max(1, rms(u) / d)

    epsilon_of = np.float64  # the dtype whose spacing the first eps is by default


class SM3(naive.Optimizer):
    """Anil et al. 2019, algorithm SM3-II with the slices of each dimension as cover: element by element."""

    def start(self, **_):
        most = max([1, *(p.ndim for p in self.params)])
        for axis in range(most):
            lengths = [p.shape[axis] if p.ndim > axis else (1 if axis == 0 else None) for p in self.params]
            self.state[f"accumulator_{axis}"] = [None if n is None else np.zeros(n) for n in lengths]

    def update(self, i, p, g, k, lr=0.1, momentum=0.9, beta2=1.0, eps=1e-8, weight_decay=0):
        g = g + weight_decay * p
        sums = [self.state[f"accumulator_{axis}"][i] for axis in range(max(1, p.ndim))]
        largest = [np.zeros_like(s) for s in sums]
        u = np.zeros_like(p)
        for index in np.ndindex(p.shape):
            places = index or (0,)
            nu = (1 if beta2 == 1 else 1 - beta2) * g[index] ** 2 + beta2 * min(
                s[j] for s, j in zip(sums, places, strict=True)
            )
            for m, j in zip(largest, places, strict=True):
                m[j] = max(m[j], nu)
            u[index] = g[index] / np.sqrt(nu + eps) if nu > 0 else 0.0
        if p.size:
            for s, m in zip(sums, largest, strict=True):
                s[...] = m
        if momentum == 0:
            return p - lr * u
        self.momentum_buffer[i] = momentum * self.momentum_buffer[i] + (1 - momentum) * u
        return p - lr * self.momentum_buffer[i]


class MADGRAD(naive.Optimizer):
    """Defazio and Jelassi 2021, algorithm 1."""

    arrays = ("grad_sum_sq", "s", "x0")

    def start(self, **_):
        self.state.pop("momentum_buffer", None)
        self.state["x0"] = [p.copy() for p in self.params]

    def update(self, i, p, g, k, lr=1e-2, momentum=0.9, weight_decay=0, eps=1e-6, decoupled_weight_decay=False):
        if not decoupled_weight_decay:
            g = g + weight_decay * p
        rate = lr * np.sqrt(k)
        self.grad_sum_sq[i] = self.grad_sum_sq[i] + rate * g * g
        self.s[i] = self.s[i] + rate * g
        z = self.x0[i] - self.s[i] / (np.cbrt(self.grad_sum_sq[i]) + eps)
        decay = lr * weight_decay * p if decoupled_weight_decay else 0
        return momentum * p + (1 - momentum) * z - decay


def cautious(u, g):
    """Liang et al. 2024, algorithm 1: the step where it agrees with the gradient, over the share of such elements."""
    mask = np.sign(u) * np.sign(g) > 0
    return np.where(mask, u, 0) / max(np.mean(mask) if mask.size else 1, 1e-3)


class CautiousAdam(SelfTuning):
    """Adam with the L2 penalty, cautious."""

    arrays = ("exp_avg", "exp_avg_sq")
    apart = True
    decoupled = False

    def update(self, p, g, k, m, s, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0):
        beta1, beta2 = betas
        g = g if self.decoupled else g + weight_decay * p
        s.exp_avg = beta1 * s.exp_avg + (1 - beta1) * g
        s.exp_avg_sq = beta2 * s.exp_avg_sq + (1 - beta2) * g * g
        u = s.exp_avg / (1 - beta1**k) / (np.sqrt(s.exp_avg_sq / (1 - beta2**k)) + eps)
        return p - lr * cautious(u, g) - (lr * weight_decay * p if self.decoupled else 0)


class CautiousAdamW(CautiousAdam):
    """Adam with decoupled decay, cautious."""

    decoupled = True

    def update(self, p, g, k, m, s, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        return super().update(p, g, k, m, s, lr, betas, eps, weight_decay)


class CautiousLion(SelfTuning):
    """Lion, cautious."""

    arrays = ("exp_avg",)
    apart = True

    def update(self, p, g, k, m, s, lr=1e-4, betas=(0.9, 0.99), weight_decay=0):
        u = np.sign(betas[0] * s.exp_avg + (1 - betas[0]) * g)
        s.exp_avg = betas[1] * s.exp_avg + (1 - betas[1]) * g
        return p - lr * cautious(u, g) - lr * weight_decay * p
