"""More textbook optimizers in plain NumPy, each written from its paper; see naive.py for the conventions."""

import numpy as np

from .naive import Optimizer, _decayed


class AdaBelief(Optimizer):
    """Zhuang et al. 2020, algorithm 2: epsilon also inside the variance."""

    arrays = ("exp_avg", "exp_avg_var")

    def update(self, i, p, g, k, lr=1e-3, betas=(0.9, 0.999), eps=1e-16, weight_decay=0, decoupled_weight_decay=True):
        p, g = _decayed(p, g, lr, weight_decay, decoupled_weight_decay)
        beta1, beta2 = betas
        m = self.exp_avg[i] = beta1 * self.exp_avg[i] + (1 - beta1) * g
        s = self.exp_avg_var[i] = beta2 * self.exp_avg_var[i] + (1 - beta2) * (g - m) ** 2 + eps
        return p - lr * (m / (1 - beta1**k)) / (np.sqrt(s / (1 - beta2**k)) + eps)


class Yogi(Optimizer):
    """Zaheer et al. 2018, algorithm 2, with Adam's bias corrections."""

    arrays = ("exp_avg", "exp_avg_sq")

    def start(self, initial_accumulator_value, **_):
        self.state["exp_avg_sq"] = self.full(initial_accumulator_value)

    def update(
        self,
        i,
        p,
        g,
        k,
        lr=1e-2,
        betas=(0.9, 0.999),
        eps=1e-3,
        weight_decay=0,
        decoupled_weight_decay=True,
        initial_accumulator_value=1e-6,
    ):
        p, g = _decayed(p, g, lr, weight_decay, decoupled_weight_decay)
        beta1, beta2 = betas
        m = self.exp_avg[i] = beta1 * self.exp_avg[i] + (1 - beta1) * g
        v = self.exp_avg_sq[i]
        v = self.exp_avg_sq[i] = v - (1 - beta2) * np.sign(v - g * g) * g * g
        return p - lr * (m / (1 - beta1**k)) / (np.sqrt(v / (1 - beta2**k)) + eps)


class AdaBound(Optimizer):
    """Luo et al. 2019, with the bounds and the scaling of the final rate of the authors' code."""

    arrays = ("exp_avg", "exp_avg_sq")

    def start(self, lr, **_):
        self.base_lr = lr

    def update(self, i, p, g, k, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, final_lr=0.1, gamma=1e-3):
        g = g + weight_decay * p
        beta1, beta2 = betas
        m = self.exp_avg[i] = beta1 * self.exp_avg[i] + (1 - beta1) * g
        v = self.exp_avg_sq[i] = beta2 * self.exp_avg_sq[i] + (1 - beta2) * g * g
        end = final_lr * lr / self.base_lr
        rate = lr * np.sqrt(1 - beta2**k) / (1 - beta1**k) / (np.sqrt(v) + eps)
        return p - np.clip(rate, end * (1 - 1 / (gamma * k + 1)), end * (1 + 1 / (gamma * k))) * m


class LaProp(Optimizer):
    """Ziyin, Wang and Ueda 2020, algorithm 1, weight decay decoupled."""

    arrays = ("exp_avg", "exp_avg_sq")

    def update(self, i, p, g, k, lr=4e-4, betas=(0.9, 0.999), eps=1e-15, weight_decay=0):
        beta1, beta2 = betas
        v = self.exp_avg_sq[i] = beta2 * self.exp_avg_sq[i] + (1 - beta2) * g * g
        ratio = g / (np.sqrt(v / (1 - beta2**k)) + eps)
        m = self.exp_avg[i] = beta1 * self.exp_avg[i] + (1 - beta1) * ratio
        return p - lr * weight_decay * p - lr * m / (1 - beta1**k)


class ADOPT(Optimizer):
    """Taniguchi et al. 2024, algorithm 2: the first gradient is only looked at; in step k the ratio is at most (k - 1)**(1/4)."""

    arrays = ("exp_avg", "exp_avg_sq")

    def update(
        self,
        i,
        p,
        g,
        k,
        lr=1e-3,
        betas=(0.9, 0.9999),
        eps=1e-6,
        weight_decay=0,
        decoupled_weight_decay=False,
        clip_ratio=True,
    ):
        beta1, beta2 = betas
        if k == 1:
            if not decoupled_weight_decay:
                g = g + weight_decay * p
            self.exp_avg_sq[i] = g * g
            return p
        p, g = _decayed(p, g, lr, weight_decay, decoupled_weight_decay)
        ratio = g / np.maximum(np.sqrt(self.exp_avg_sq[i]), eps)
        if clip_ratio:
            ratio = np.clip(ratio, -((k - 1) ** 0.25), (k - 1) ** 0.25)
        m = self.exp_avg[i] = beta1 * self.exp_avg[i] + (1 - beta1) * ratio
        self.exp_avg_sq[i] = beta2 * self.exp_avg_sq[i] + (1 - beta2) * g * g
        return p - lr * m


class Adan(Optimizer):
    """Xie et al. 2022, algorithm 1, with the bias corrections of the authors' code; betas are the factors of the past."""

    arrays = ("exp_avg", "exp_avg_diff", "exp_avg_sq", "prev_grad")

    def update(self, i, p, g, k, lr=1e-3, betas=(0.98, 0.92, 0.99), eps=1e-8, weight_decay=0):
        beta1, beta2, beta3 = betas
        d = g - self.prev_grad[i] if k > 1 else 0 * g
        self.prev_grad[i] = g
        m = self.exp_avg[i] = beta1 * self.exp_avg[i] + (1 - beta1) * g
        u = self.exp_avg_diff[i] = beta2 * self.exp_avg_diff[i] + (1 - beta2) * d
        n = self.exp_avg_sq[i] = beta3 * self.exp_avg_sq[i] + (1 - beta3) * (g + beta2 * d) ** 2
        step = m / (1 - beta1**k) + beta2 * u / (1 - beta2**k)
        return (p - lr * step / (np.sqrt(n / (1 - beta3**k)) + eps)) / (1 + lr * weight_decay)


class AdEMAMix(Optimizer):
    """Pagliardini, Ablin and Grangier 2024, section 3, without warm-ups."""

    arrays = ("exp_avg", "exp_avg_slow", "exp_avg_sq")

    def update(self, i, p, g, k, lr=1e-3, betas=(0.9, 0.999, 0.9999), alpha=5.0, eps=1e-8, weight_decay=0):
        beta1, beta2, beta3 = betas
        fast = self.exp_avg[i] = beta1 * self.exp_avg[i] + (1 - beta1) * g
        slow = self.exp_avg_slow[i] = beta3 * self.exp_avg_slow[i] + (1 - beta3) * g
        v = self.exp_avg_sq[i] = beta2 * self.exp_avg_sq[i] + (1 - beta2) * g * g
        step = (fast / (1 - beta1**k) + alpha * slow) / (np.sqrt(v / (1 - beta2**k)) + eps)
        return p - lr * (step + weight_decay * p)


class QHAdam(Optimizer):
    """Ma and Yarats 2018, section 4.4."""

    arrays = ("exp_avg", "exp_avg_sq")

    def update(
        self,
        i,
        p,
        g,
        k,
        lr=1e-3,
        betas=(0.9, 0.999),
        nus=(1.0, 1.0),
        eps=1e-8,
        weight_decay=0,
        decoupled_weight_decay=False,
    ):
        p, g = _decayed(p, g, lr, weight_decay, decoupled_weight_decay)
        (beta1, beta2), (nu1, nu2) = betas, nus
        m = self.exp_avg[i] = beta1 * self.exp_avg[i] + (1 - beta1) * g
        v = self.exp_avg_sq[i] = beta2 * self.exp_avg_sq[i] + (1 - beta2) * g * g
        m_hat, v_hat = m / (1 - beta1**k), v / (1 - beta2**k)
        return p - lr * ((1 - nu1) * g + nu1 * m_hat) / (np.sqrt((1 - nu2) * g * g + nu2 * v_hat) + eps)
