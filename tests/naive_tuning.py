"""Textbook self-tuning optimizers in plain NumPy, each written from its paper; see naive.py for the conventions.

What they measure is measured over a vector: all arrays that have had the same steps, end to end (or each array by itself: `apart`). An
array that misses a step leaves its vector and goes on as one of its own, with a copy of what the vector had found.
"""

import types

import numpy as np

from . import naive


class SelfTuning(naive.Optimizer):
    """A subclass gives `update` for a whole vector: parameters, gradient, step number, memory, and state vectors as attributes of `s`."""

    copies = ()  # the state arrays that start as the parameters
    buffer = True  # whether the option momentum adds the state array of that name
    apart = False
    loss = None  # of the step, set by the caller

    def start(self, **_):
        if not self.buffer:
            self.state.pop("momentum_buffer", None)
        for name in self.copies:
            self.state[name] = [p.copy() for p in self.params]
        whole = list(range(len(self.params)))
        self.vectors = (
            [([i], types.SimpleNamespace()) for i in whole] if self.apart else [(whole, types.SimpleNamespace())]
        )

    def step(self, grads):
        grads = [None if g is None else np.array(g, self.dtype) for g in grads]
        if self.clip_norm is not None:
            grads = naive.clip_norm(grads, naive._at(self.clip_norm, self.t))
        if self.clip_value is not None:
            grads = naive.clip_value(grads, naive._at(self.clip_value, self.t))
        hyper, vectors = self.hyper(), []
        for ids, memory in self.vectors:
            live = [i for i in ids if grads[i] is not None]
            rest = [i for i in ids if grads[i] is None]
            if rest:
                vectors.append((rest, self._part(memory, ids, rest)))
            if live:
                vectors.append((live, self._part(memory, ids, live)))
                self._step_vector(live, grads, vectors[-1][1], hyper)
        self.vectors = vectors
        self.t += any(g is not None for g in grads)

    def _part(self, memory, ids, kept):
        """Return a copy of a vector's memory, of vectors in it only what belongs to the arrays kept."""
        mask = np.concatenate([np.full(self.params[i].size, i in kept) for i in ids])
        found = {name: value[mask] if isinstance(value, np.ndarray) else value for name, value in vars(memory).items()}
        return types.SimpleNamespace(**found)

    def _step_vector(self, ids, grads, memory, hyper):
        def joined(arrays):
            return np.concatenate([np.ravel(arrays[i]) for i in ids])

        state = types.SimpleNamespace(**{name: joined(arrays) for name, arrays in self.state.items()})
        for i in ids:
            self.counts[i] += 1
        g = joined(grads)
        p = self.update(joined(self.params), -g if self.maximize else g, self.counts[ids[0]], memory, state, **hyper)
        for name, vector in [(None, p), *vars(state).items()]:
            at = 0
            for i in ids:
                target = self.params if name is None else self.state[name]
                size = target[i].size
                target[i] = vector[at : at + size].reshape(target[i].shape)
                at += size


def norm(x):
    return float(np.sqrt(np.sum(x * x)))


class DoG(SelfTuning):
    """Ivgi, Hinder and Carmon 2023, section 2."""

    copies = ("init_buffer",)

    def update(self, p, g, k, m, s, lr=1.0, reps_rel=1e-6, weight_decay=0, eps=1e-8):
        g = g + weight_decay * p
        m.r = max(m.r, norm(p - s.init_buffer)) if k > 1 else reps_rel * (1 + norm(s.init_buffer))
        m.squares = getattr(m, "squares", 0) + norm(g) ** 2
        return p - lr * m.r / np.sqrt(m.squares + eps) * g


class LDoG(DoG):
    """Ivgi, Hinder and Carmon 2023, layer-wise."""

    apart = True


class DoWG(SelfTuning):
    """Khaled, Mishchenko and Jin 2023, algorithm 1, with the epsilon of the authors' code."""

    copies = ("init_buffer",)

    def update(self, p, g, k, m, s, lr=1.0, weight_decay=0, eps=1e-4):
        g = g + weight_decay * p
        m.r2 = max(m.r2, norm(p - s.init_buffer) ** 2) if k > 1 else eps
        m.v = getattr(m, "v", 0) + m.r2 * norm(g) ** 2
        return p - lr * m.r2 / (np.sqrt(m.v) + eps) * g


class DAdaptSGD(SelfTuning):
    """Defazio and Mishchenko 2023, algorithm 4; the norm is that of the first gradient which is not 0."""

    arrays = ("s",)
    copies = ("x0",)
    buffer = False

    def update(self, p, g, k, m, s, lr=1.0, momentum=0, weight_decay=0, d0=1e-6, growth_rate=None):
        g = g + weight_decay * p
        if k == 1:
            m.d, m.numerator, m.first = d0, 0.0, 0.0
        m.first = m.first or norm(g)
        rate = m.d * lr / m.first if m.first else 0.0
        m.numerator += rate * (g @ s.s)
        s.s = s.s + rate * g
        if norm(s.s) > 0 and lr > 0:
            limit = np.inf if growth_rate is None else growth_rate * m.d
            m.d = max(m.d, min(2 * m.numerator / norm(s.s), limit))
        return momentum * p + (1 - momentum) * (s.x0 - s.s)


def bias_correction(k, betas, use):
    return np.sqrt(1 - betas[1] ** k) / (1 - betas[0] ** k) if use else 1.0


class DAdaptAdam(SelfTuning):
    """Defazio and Mishchenko 2023, algorithm 5, with the root before the step in the weighted product as in the authors' code."""

    arrays = ("exp_avg", "exp_avg_sq", "s")

    def update(
        self,
        p,
        g,
        k,
        m,
        s,
        lr=1.0,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        decoupled_weight_decay=False,
        use_bias_correction=False,
        d0=1e-6,
        growth_rate=None,
    ):
        if k == 1:
            m.d, m.r = d0, 0.0
        (beta1, beta2), root = betas, np.sqrt(betas[1])
        rate = m.d * lr * bias_correction(k, betas, use_bias_correction)
        start = p
        if decoupled_weight_decay:
            start = p - rate * weight_decay * p
        else:
            g = g + weight_decay * p
        product = g @ (s.s / (np.sqrt(s.exp_avg_sq) + eps))
        m.r = root * m.r + (1 - root) * rate * product
        s.exp_avg = beta1 * s.exp_avg + (1 - beta1) * rate * g
        s.exp_avg_sq = beta2 * s.exp_avg_sq + (1 - beta2) * g * g
        s.s = root * s.s + (1 - root) * rate * g
        size = np.sum(np.abs(s.s))
        if size > 0 and lr > 0:
            limit = np.inf if growth_rate is None else growth_rate * m.d
            m.d = max(m.d, min(m.r / ((1 - root) * size), limit))
        return start - s.exp_avg / (np.sqrt(s.exp_avg_sq) + eps)


class Prodigy(SelfTuning):
    """Mishchenko and Defazio 2024, algorithm 4, with the weights d / d0 of the authors' code."""

    arrays = ("exp_avg", "exp_avg_sq", "s")
    copies = ("p0",)

    def update(
        self,
        p,
        g,
        k,
        m,
        s,
        lr=1.0,
        betas=(0.9, 0.999),
        beta3=None,
        eps=1e-8,
        weight_decay=0,
        decoupled_weight_decay=True,
        use_bias_correction=False,
        safeguard_warmup=False,
        d0=1e-6,
        d_coef=1.0,
        growth_rate=None,
    ):
        if k == 1:
            m.d, m.d_max, m.numerator = d0, d0, 0.0
        beta1, beta2 = betas
        beta3 = np.sqrt(beta2) if beta3 is None else beta3
        d = m.d
        rate = d * lr * bias_correction(k, betas, use_bias_correction)
        start = p
        if decoupled_weight_decay:
            start = p - rate * weight_decay * p
        else:
            g = g + weight_decay * p
        m.numerator = beta3 * m.numerator + d / d0 * rate * (g @ (s.p0 - p))
        s.exp_avg = beta1 * s.exp_avg + (1 - beta1) * d * g
        s.exp_avg_sq = beta2 * s.exp_avg_sq + (1 - beta2) * (d * g) ** 2
        s.s = beta3 * s.s + d / d0 * (d if safeguard_warmup else rate) * g
        size = np.sum(np.abs(s.s))
        if size > 0 and lr > 0:
            estimate = d_coef * m.numerator / size
            if d == d0:
                m.d = max(d, estimate)
            m.d_max = max(m.d_max, estimate)
            m.d = m.d_max if growth_rate is None else min(m.d_max, m.d * growth_rate)
        return start - rate * s.exp_avg / (np.sqrt(s.exp_avg_sq) + m.d * eps)


class ScheduleFree(SelfTuning):
    """Defazio et al. 2024, algorithm 1 literally: from y to x and z and back; y is what is trained."""

    copies = ("z",)

    def averaged(self, y, direction, k, m, s, lr, beta, warmup_steps, r, weight_lr_power):
        if k == 1:
            m.total, m.lr_max = 0.0, 0.0
        rate = lr * min(1, k / warmup_steps) if warmup_steps else lr
        x = (y - (1 - beta) * s.z) / beta
        s.z = s.z - rate * direction
        m.lr_max = max(m.lr_max, rate)
        weight = k**r * m.lr_max**weight_lr_power
        m.total += weight
        c = weight / m.total if m.total else 0.0
        m.x = (1 - c) * x + c * s.z
        return (1 - beta) * s.z + beta * m.x


class SGDScheduleFree(ScheduleFree):
    """Defazio et al. 2024, algorithm 1."""

    buffer = False

    def update(self, p, g, k, m, s, lr=1.0, momentum=0.9, weight_decay=0, warmup_steps=0, r=0, weight_lr_power=2):
        return self.averaged(p, g + weight_decay * p, k, m, s, lr, momentum, warmup_steps, r, weight_lr_power)


class AdamWScheduleFree(ScheduleFree):
    """Defazio et al. 2024, section 4: Adam's second moment, decay at y."""

    arrays = ("exp_avg_sq",)

    def update(
        self,
        p,
        g,
        k,
        m,
        s,
        lr=2.5e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        warmup_steps=0,
        r=0,
        weight_lr_power=2,
    ):
        beta1, beta2 = betas
        s.exp_avg_sq = beta2 * s.exp_avg_sq + (1 - beta2) * g * g
        direction = g / (np.sqrt(s.exp_avg_sq / (1 - beta2**k)) + eps) + weight_decay * p
        return self.averaged(p, direction, k, m, s, lr, beta1, warmup_steps, r, weight_lr_power)


class SGDHD(SelfTuning):
    """Baydin et al. 2018, algorithms 4 and 5 (heavy ball); what is learned is added to the rate given."""

    arrays = ("momentum_buffer",)

    def update(self, p, g, k, m, s, lr=1e-3, hypergrad_lr=1e-6, momentum=0, weight_decay=0):
        g = g + weight_decay * p
        m.learned = getattr(m, "learned", 0.0) + hypergrad_lr * (g @ s.momentum_buffer)
        s.momentum_buffer = momentum * s.momentum_buffer + g
        return p - (lr + m.learned) * s.momentum_buffer


class AdamHD(SelfTuning):
    """Baydin et al. 2018, algorithm 6: the derivative of the last step, as it was, by its rate."""

    arrays = ("exp_avg", "exp_avg_sq")

    def update(self, p, g, k, m, s, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, hypergrad_lr=1e-8):
        g = g + weight_decay * p
        beta1, beta2 = betas

        def direction(k):
            return s.exp_avg / (1 - beta1**k) / (np.sqrt(s.exp_avg_sq / (1 - beta2**k)) + eps)

        m.learned = getattr(m, "learned", 0.0) + (hypergrad_lr * (g @ direction(k - 1)) if k > 1 else 0.0)
        s.exp_avg = beta1 * s.exp_avg + (1 - beta1) * g
        s.exp_avg_sq = beta2 * s.exp_avg_sq + (1 - beta2) * g * g
        return p - (lr + m.learned) * direction(k)


class SPS(SelfTuning):
    """Loizou et al. 2021, equation (3): SPS_max."""

    def update(self, p, g, k, m, s, lr=1.0, c=0.5, f_min=0, eps=1e-8):
        gap = f_min - self.loss if self.maximize else self.loss - f_min
        return p - min(max(gap, 0.0) / (c * norm(g) ** 2 + eps), lr) * g


class AliG(SelfTuning):
    """Berrada, Zisserman and Kumar 2020, algorithm 1, and its Nesterov momentum."""

    def update(self, p, g, k, m, s, lr=0.1, momentum=0, f_min=0, eps=1e-5):
        gap = f_min - self.loss if self.maximize else self.loss - f_min
        rate = min(max(gap, 0.0) / (norm(g) ** 2 + eps), lr)
        if not self.options["momentum"]:
            return p - rate * g
        s.momentum_buffer = momentum * s.momentum_buffer - rate * g
        return p - rate * g + momentum * s.momentum_buffer


class BarzilaiBorwein(SelfTuning):
    """Barzilai and Borwein 1988, equations (5) and (6), with iterates and gradients as they were."""

    arrays = ("prev_grad",)

    def update(self, p, g, k, m, s, lr=1.0, first=1e-3, short=False, growth_rate=10):
        if k == 1:
            m.eta = first
        else:
            step, change = p - m.last, g - s.prev_grad
            if step @ change > 0:
                eta = step @ change / (change @ change) if short else step @ step / (step @ change)
                m.eta = min(eta, growth_rate * m.eta)
        m.last, s.prev_grad = p, g
        return p - lr * m.eta * g


class MechanicSGD(SelfTuning):
    """Cutkosky, Defazio and Mehta 2023, algorithm 1, as vectors over the six decays; h limited by m as in the authors' code."""

    arrays = ("delta", "momentum_buffer")
    copies = ("ref",)

    def scaled(self, p, g, k, m, s, direction, eps, weight_decay, s_init):
        decays = 1 - 0.1 ** np.arange(1.0, 7.0)
        if k == 1:
            m.m, m.v, m.r, m.s = (list(6 * [x]) for x in (0.0, 0.0, 0.0, s_init))
        bound, v, r, scale = (np.array(x) for x in (m.m, m.v, m.r, m.s))
        h = (g + weight_decay * np.sum(scale) * norm(g) / (norm(p) + eps) * p) @ s.delta
        r = decays * r + np.clip(h, -bound, bound) * scale
        bound = np.maximum(decays * bound, abs(h) + eps)
        v = decays**2 * v + h**2
        scale = (s_init / 6 * bound + np.maximum(0, r)) / (np.sqrt(v) + eps)
        m.m, m.v, m.r, m.s = (list(x) for x in (bound, v, r, scale))
        s.delta = s.delta + direction
        return s.ref - np.sum(scale) * s.delta

    def update(self, p, g, k, m, s, lr=1.0, momentum=0, eps=1e-8, weight_decay=1e-2, s_init=1e-6):
        s.momentum_buffer = momentum * s.momentum_buffer + g
        return self.scaled(p, g, k, m, s, lr * s.momentum_buffer, eps, weight_decay, s_init)


class MechanicAdam(MechanicSGD):
    """Cutkosky, Defazio and Mehta 2023, algorithm 1, over Adam."""

    arrays = ("delta", "exp_avg", "exp_avg_sq")

    def update(self, p, g, k, m, s, lr=1.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, s_init=1e-6):
        beta1, beta2 = betas
        s.exp_avg = beta1 * s.exp_avg + (1 - beta1) * g
        s.exp_avg_sq = beta2 * s.exp_avg_sq + (1 - beta2) * g * g
        direction = lr * (s.exp_avg / (1 - beta1**k)) / (np.sqrt(s.exp_avg_sq / (1 - beta2**k)) + eps)
        return self.scaled(p, g, k, m, s, direction, eps, weight_decay, s_init)
