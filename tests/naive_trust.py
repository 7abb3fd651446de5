"""More textbook optimizers in plain NumPy: coin betting, quasi-hyperbolic momentum, and norms of each array; see naive_tuning.py."""

import numpy as np

from . import naive
from .naive_tuning import SelfTuning, norm


class COCOB(naive.Optimizer):
    """Orabona and Tommasi 2017, algorithm 2: the weight is the start plus the bet."""

    arrays = ("L", "grad_norm_sum", "gradients_sum", "tilde_w", "reward")

    def start(self, eps, **_):
        self.state["L"] = self.full(eps)
        self.first = [p.copy() for p in self.params]

    def update(self, i, p, g, k, lr=1.0, alpha=100, eps=1e-8):
        largest = self.L[i] = np.maximum(self.L[i], np.abs(g))
        total = self.grad_norm_sum[i] = self.grad_norm_sum[i] + np.abs(g)
        self.reward[i] = np.maximum(self.reward[i] - g * self.tilde_w[i], 0)
        self.gradients_sum[i] = self.gradients_sum[i] + g
        bet = (
            -self.gradients_sum[i]
            / (largest * np.maximum(total + largest, alpha * largest))
            * (self.reward[i] + largest)
        )
        self.tilde_w[i] = lr * bet
        return self.first[i] + lr * bet


class LARS(SelfTuning):
    """You, Gitman and Ginsburg 2017, algorithm 1."""

    arrays = ("momentum_buffer",)
    apart = True

    def update(self, p, g, k, m, s, lr=0.1, momentum=0.9, weight_decay=0, trust_coefficient=1e-3, eps=1e-8):
        local = 1.0
        if norm(p) > 0 and norm(g) > 0:
            local = trust_coefficient * norm(p) / (norm(g) + weight_decay * norm(p) + eps)
        s.momentum_buffer = momentum * s.momentum_buffer + lr * local * (g + weight_decay * p)
        return p - s.momentum_buffer


class LAMB(SelfTuning):
    """You et al. 2020, algorithm 2, without a limit of the norm."""

    arrays = ("exp_avg", "exp_avg_sq")
    apart = True

    def update(self, p, g, k, m, s, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0):
        beta1, beta2 = betas
        s.exp_avg = beta1 * s.exp_avg + (1 - beta1) * g
        s.exp_avg_sq = beta2 * s.exp_avg_sq + (1 - beta2) * g * g
        u = s.exp_avg / (1 - beta1**k) / (np.sqrt(s.exp_avg_sq / (1 - beta2**k)) + eps) + weight_decay * p
        ratio = norm(p) / norm(u) if norm(p) > 0 and norm(u) > 0 else 1.0
        return p - lr * ratio * u


class NovoGrad(SelfTuning):
    """Ginsburg et al. 2019, algorithm 1."""

    arrays = ("exp_avg",)
    apart = True

    def update(self, p, g, k, m, s, lr=1e-2, betas=(0.95, 0.98), eps=1e-8, weight_decay=0):
        beta1, beta2 = betas
        m.v = beta2 * m.v + (1 - beta2) * norm(g) ** 2 if k > 1 else norm(g) ** 2
        s.exp_avg = beta1 * s.exp_avg + (g / (np.sqrt(m.v) + eps) + weight_decay * p)
        return p - lr * s.exp_avg


class QHM(naive.Optimizer):
    """Ma and Yarats 2018, section 3."""

    arrays = ("momentum_buffer",)

    def update(self, i, p, g, k, lr=1.0, momentum=0.999, nu=0.7, weight_decay=0):
        g = g + weight_decay * p
        self.momentum_buffer[i] = momentum * self.momentum_buffer[i] + (1 - momentum) * g
        return p - lr * ((1 - nu) * g + nu * self.momentum_buffer[i])
