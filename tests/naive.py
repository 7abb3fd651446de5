"""Textbook optimizers and losses in plain NumPy: the oracle that every kernel is compared with.

Written from the papers and, where torch has the optimizer, from the formula in torch's documentation, because the
defaults are torch's. Obvious before fast. Nothing of the package under test is imported: a wrong coefficient there
cannot hide here.

    opt = naive.AdamW(lr=1e-3, clip_norm=1.0)
    opt.init([w, b])            # copies them
    opt.step([grad_w, grad_b])  # None skips an array
    opt.params[0], opt.exp_avg[0]

Conventions, the same for all classes:

* The keywords of `update` are the options of the class. Each is a number or a callable of the 0-based step `t`; in a
  pair such as `betas`, each member may be a callable.
* One step: clip by the global norm over all arrays, clip by value, negate if `maximize`, then `update` array by array.
* A gradient of None leaves that array, its state and its own count `k` of steps taken as they are. Bias corrections use
  `k` and the present beta (`1 - beta**k`, as in torch); schedules use `t`. All gradients None: no step, `t` stays.
* `momentum`, `centered` and `amsgrad` add their state array unless they are the number 0 or False.
* State arrays are lists in the order of the arrays, named as in torch, in `dtype`; scalars are computed in float64.
* Gradients are finite: what to do with others is no matter of a formula.

Where this departs from torch on purpose: the norm is exact and nothing is added to it (torch divides by `norm + 1e-6`);
the variance of centered RMSprop cannot fall below 0 by rounding (torch: NaN); Rprop multiplies signs, not gradients,
whose product may underflow; `mu_product` and `eta` are float64 (torch: float32 unless its default dtype is float64);
ASGD takes the learning rate of the present step (torch: of the step before).
"""

import inspect
import math

import numpy as np


def _largest_and_length(grads):
    """Return the largest magnitude and the Euclidean norm in units of it, which can neither overflow nor underflow."""
    values = np.concatenate([np.zeros(1), *(np.ravel(g).astype(np.float64) for g in grads if g is not None)])
    largest = float(np.abs(values).max())
    return largest, math.hypot(*(values / largest)) if largest else 0.0


def global_norm(grads):
    """Return the Euclidean norm of all arrays together; infinite only where no float64 can hold it."""
    largest, length = _largest_and_length(grads)
    return largest * length


def clip_norm(grads, limit):
    """Return the arrays, shrunk in common so that their global norm is at most `limit`."""
    largest, length = _largest_and_length(grads)
    if largest == 0 or length <= limit / largest:
        return grads
    return [None if g is None else (g.astype(np.float64) / largest * (limit / length)).astype(g.dtype) for g in grads]


def clip_value(grads, limit):
    """Return the arrays, each element brought into `[-limit, limit]`."""
    return [None if g is None else np.clip(g, -limit, limit) for g in grads]


def _at(option, t):
    """Return the value at step `t` of a number, a callable, or a pair of either."""
    if isinstance(option, tuple | list):
        return tuple(_at(member, t) for member in option)
    value = option(t) if callable(option) else option
    return value if value is None or isinstance(value, bool) else float(value)


class Optimizer:
    """The order of a step. A subclass names its state in `arrays` and gives `update`, the formula for one array."""

    arrays = ()

    def __init__(self, *, maximize=False, clip_norm=None, clip_value=None, dtype=np.float64, **options):
        parameters = inspect.signature(self.update).parameters.values()
        self.options = {p.name: p.default for p in parameters if p.default is not p.empty}
        if unknown := options.keys() - self.options.keys():
            raise TypeError(f"{type(self).__name__} has no option {sorted(unknown)}; it has {sorted(self.options)}")
        self.options |= options
        self.maximize, self.clip_norm, self.clip_value, self.dtype = maximize, clip_norm, clip_value, dtype

    def init(self, params):
        self.params = [np.array(p, self.dtype) for p in params]
        self.counts = [0] * len(self.params)
        self.t = 0
        optional = {"momentum": "momentum_buffer", "centered": "grad_avg", "amsgrad": "max_exp_avg_sq"}
        self.state = {name: self.full(0.0) for name in self.arrays}
        self.state |= {name: self.full(0.0) for option, name in optional.items() if self.options.get(option)}
        self.start(**self.hyper())
        for name, arrays in self.state.items():
            setattr(self, name, arrays)

    def step(self, grads):
        grads = [None if g is None else np.array(g, self.dtype) for g in grads]
        if self.clip_norm is not None:
            grads = clip_norm(grads, _at(self.clip_norm, self.t))
        if self.clip_value is not None:
            grads = clip_value(grads, _at(self.clip_value, self.t))
        hyper = self.hyper()
        for i, (p, g) in enumerate(zip(self.params, grads, strict=True)):
            if g is not None:
                self.counts[i] += 1
                self.params[i] = self.update(i, p, -g if self.maximize else g, self.counts[i], **hyper)
        self.t += any(g is not None for g in grads)

    def hyper(self):
        return {name: _at(option, self.t) for name, option in self.options.items()}

    def full(self, value):
        return [np.full_like(p, value) for p in self.params]

    def start(self, **hyper):
        """Give state that does not start at zero its first value."""

    def update(self, i, p, g, k):
        """Return the new value of array `i`, now `p`, for the gradient `g` of its `k`-th step, counted from 1."""
        raise NotImplementedError


class SGD(Optimizer):
    """Polyak 1964 (heavy ball), Sutskever et al. 2013 (Nesterov); as in torch the buffer starts as the gradient."""

    def update(self, i, p, g, k, lr=1e-3, momentum=0, dampening=0, nesterov=False, weight_decay=0):
        g = g + weight_decay * p
        if self.options["momentum"]:
            m = g if k == 1 else momentum * self.momentum_buffer[i] + (1 - dampening) * g
            self.momentum_buffer[i] = m
            g = g + momentum * m if nesterov else m
        return p - lr * g


class Adagrad(Optimizer):
    """Duchi, Hazan and Singer 2011, diagonal."""

    arrays = ("sum",)

    def start(self, initial_accumulator_value, **_):
        self.state["sum"] = self.full(initial_accumulator_value)

    def update(self, i, p, g, k, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10):
        g = g + weight_decay * p
        self.sum[i] = self.sum[i] + g * g
        return p - lr / (1 + (k - 1) * lr_decay) * g / (np.sqrt(self.sum[i]) + eps)


class RMSprop(Optimizer):
    """Hinton 2012, lecture 6e; centered: Graves 2013 (arXiv:1308.0850), with epsilon outside the root as in torch."""

    arrays = ("square_avg",)

    def update(self, i, p, g, k, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False):
        g = g + weight_decay * p
        variance = self.square_avg[i] = alpha * self.square_avg[i] + (1 - alpha) * g * g
        if centered:
            self.grad_avg[i] = alpha * self.grad_avg[i] + (1 - alpha) * g
            variance = np.maximum(variance - self.grad_avg[i] ** 2, 0)
        update = g / (np.sqrt(variance) + eps)
        if self.options["momentum"]:
            update = self.momentum_buffer[i] = momentum * self.momentum_buffer[i] + update
        return p - lr * update


class Adadelta(Optimizer):
    """Zeiler 2012, algorithm 1, with a learning rate before the update."""

    arrays = ("square_avg", "acc_delta")

    def update(self, i, p, g, k, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0):
        g = g + weight_decay * p
        self.square_avg[i] = rho * self.square_avg[i] + (1 - rho) * g * g
        delta = np.sqrt(self.acc_delta[i] + eps) / np.sqrt(self.square_avg[i] + eps) * g
        self.acc_delta[i] = rho * self.acc_delta[i] + (1 - rho) * delta * delta
        return p - lr * delta


class Adam(Optimizer):
    """Kingma and Ba 2015, algorithm 1. AMSGrad: Reddi et al. 2018, maximum before bias correction as in torch."""

    arrays = ("exp_avg", "exp_avg_sq")

    def update(self, i, p, g, k, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False):
        g = g + weight_decay * p
        beta1, beta2 = betas
        self.exp_avg[i] = beta1 * self.exp_avg[i] + (1 - beta1) * g
        v = self.exp_avg_sq[i] = beta2 * self.exp_avg_sq[i] + (1 - beta2) * g * g
        if amsgrad:
            v = self.max_exp_avg_sq[i] = np.maximum(self.max_exp_avg_sq[i], v)
        m_hat = self.exp_avg[i] / (1 - beta1**k)
        v_hat = v / (1 - beta2**k)
        return p - lr * m_hat / (np.sqrt(v_hat) + eps)


class AdamW(Adam):
    """Loshchilov and Hutter 2019, algorithm 2, the decay multiplied by the learning rate as in torch."""

    def update(self, i, p, g, k, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False):
        return super().update(i, p - lr * weight_decay * p, g, k, lr, betas, eps, weight_decay=0, amsgrad=amsgrad)


class Adamax(Optimizer):
    """Kingma and Ba 2015, algorithm 2, with torch's epsilon beside the magnitude of the gradient."""

    arrays = ("exp_avg", "exp_inf")

    def update(self, i, p, g, k, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0):
        g = g + weight_decay * p
        beta1, beta2 = betas
        self.exp_avg[i] = beta1 * self.exp_avg[i] + (1 - beta1) * g
        self.exp_inf[i] = np.maximum(beta2 * self.exp_inf[i], np.abs(g) + eps)
        return p - lr / (1 - beta1**k) * self.exp_avg[i] / self.exp_inf[i]


def _decayed(p, g, lr, weight_decay, decoupled):
    """Return weights and gradient after decoupled weight decay (of the weights) or L2 (added to the gradient)."""
    return (p - lr * weight_decay * p, g) if decoupled else (p, g + weight_decay * p)


class NAdam(Optimizer):
    """Dozat 2016, with the paper's warm-up of the momentum: `mu` at step `k`."""

    arrays = ("exp_avg", "exp_avg_sq")

    def start(self, **_):
        self.mu_product = [1.0] * len(self.params)

    def update(
        self,
        i,
        p,
        g,
        k,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        momentum_decay=4e-3,
        decoupled_weight_decay=False,
    ):
        p, g = _decayed(p, g, lr, weight_decay, decoupled_weight_decay)
        beta1, beta2 = betas
        self.exp_avg[i] = beta1 * self.exp_avg[i] + (1 - beta1) * g
        self.exp_avg_sq[i] = beta2 * self.exp_avg_sq[i] + (1 - beta2) * g * g
        mu = beta1 * (1 - 0.5 * 0.96 ** (k * momentum_decay))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((k + 1) * momentum_decay))
        self.mu_product[i] *= mu
        m_hat = mu_next * self.exp_avg[i] / (1 - self.mu_product[i] * mu_next) + (1 - mu) * g / (1 - self.mu_product[i])
        v_hat = self.exp_avg_sq[i] / (1 - beta2**k)
        return p - lr * m_hat / (np.sqrt(v_hat) + eps)


class RAdam(Optimizer):
    """Liu et al. 2020, algorithm 2, with torch's epsilon and threshold (rectified where rho > 5; the paper: > 4)."""

    arrays = ("exp_avg", "exp_avg_sq")

    def update(self, i, p, g, k, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False):
        p, g = _decayed(p, g, lr, weight_decay, decoupled_weight_decay)
        beta1, beta2 = betas
        self.exp_avg[i] = beta1 * self.exp_avg[i] + (1 - beta1) * g
        self.exp_avg_sq[i] = beta2 * self.exp_avg_sq[i] + (1 - beta2) * g * g
        m_hat = self.exp_avg[i] / (1 - beta1**k)
        rho_max = 2 / (1 - beta2) - 1
        rho = rho_max - 2 * k * beta2**k / (1 - beta2**k)
        if rho <= 5:
            return p - lr * m_hat
        rectifier = math.sqrt((rho - 4) * (rho - 2) * rho_max / ((rho_max - 4) * (rho_max - 2) * rho))
        return p - lr * m_hat * rectifier * math.sqrt(1 - beta2**k) / (np.sqrt(self.exp_avg_sq[i]) + eps)


class Lion(Optimizer):
    """Chen et al. 2023, algorithm 2, weight decay decoupled. The sign of 0 is 0."""

    arrays = ("exp_avg",)

    def update(self, i, p, g, k, lr=1e-4, betas=(0.9, 0.99), weight_decay=0):
        beta1, beta2 = betas
        direction = np.sign(beta1 * self.exp_avg[i] + (1 - beta1) * g)
        self.exp_avg[i] = beta2 * self.exp_avg[i] + (1 - beta2) * g
        return p - lr * (direction + weight_decay * p)


class Signum(Optimizer):
    """Bernstein et al. 2018, algorithm 2; `momentum=0` is algorithm 1, SignSGD. L2 weight decay. The sign of 0 is 0."""

    def update(self, i, p, g, k, lr=1e-3, momentum=0.9, weight_decay=0):
        g = g + weight_decay * p
        if self.options["momentum"]:
            g = self.momentum_buffer[i] = momentum * self.momentum_buffer[i] + (1 - momentum) * g
        return p - lr * np.sign(g)


class Rprop(Optimizer):
    """Riedmiller and Braun 1993, without backtracking (Igel and Hüsken 2000): a gradient whose sign turns counts as 0.

    `lr` is the first step size: of a schedule, its value at 0.
    """

    arrays = ("prev", "step_size")

    def start(self, lr, **_):
        self.state["step_size"] = self.full(lr)

    def update(self, i, p, g, k, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50)):
        agreement = np.sign(g) * np.sign(self.prev[i])
        size = self.step_size[i]
        size = np.where(agreement > 0, size * etas[1], np.where(agreement < 0, size * etas[0], size))
        size = self.step_size[i] = np.clip(size, *step_sizes)
        g = self.prev[i] = np.where(agreement < 0, 0, g)
        return p - np.sign(g) * size


class FTRL(Optimizer):
    """McMahan et al. 2013, algorithm 1 (FTRL-proximal per coordinate); the paper's alpha is `lr`.

    The weight is computed anew from `z` and `n` after each gradient. `n` starts at 0, and `z` such that the weight is
    the initial one. `sigma` is the growth of the inverse rate `(beta + sqrt(n)) / lr` since the array's last step, its
    definition in section 3; for constant `lr` and `beta` it is the `(sqrt(n + g**2) - sqrt(n)) / lr` of algorithm 1.
    """

    arrays = ("z", "n")

    def start(self, lr, beta, l1, l2):
        self.inverse_rate = self.full(beta / lr)
        self.state["z"] = [-w * (beta / lr + l2) - np.sign(w) * l1 for w in self.params]

    def update(self, i, p, g, k, lr=0.1, beta=1.0, l1=0, l2=0):
        n = self.n[i] = self.n[i] + g * g
        inverse_rate = (beta + np.sqrt(n)) / lr
        sigma = inverse_rate - self.inverse_rate[i]
        self.inverse_rate[i] = inverse_rate
        z = self.z[i] = self.z[i] + g - sigma * p
        return np.where(np.abs(z) <= l1, 0, (np.sign(z) * l1 - z) / (inverse_rate + l2))


class ASGD(Optimizer):
    """Polyak and Juditsky 1992, with the rates of Bottou's sgd, as in torch. `ax` is the average."""

    arrays = ("ax",)

    def update(self, i, p, g, k, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0):
        g = g + weight_decay * p
        eta = lr / (1 + lambd * lr * (k - 1)) ** alpha
        mu = 1 / max(1, k - 1 - t0)
        p = p - eta * lambd * p - eta * g
        self.ax[i] = self.ax[i] + mu * (p - self.ax[i]) if mu < 1 else p
        return p


def cross_entropy(scores, label):
    """Return `-log(softmax(scores)[label])` and its gradient with respect to the scores, for one sample."""
    scores = scores - scores.max()  # the same probabilities, and no overflow
    log_total = math.log(np.exp(scores).sum())
    slope = np.exp(scores - log_total)
    slope[label] -= 1
    return log_total - scores[label], slope


def softmax_regression(weight, bias, inputs, labels):
    """Return the mean cross-entropy of `inputs @ weight + bias` and its gradients [weight, bias], sample by sample."""
    loss, grad_weight, grad_bias = 0.0, np.zeros(np.shape(weight)), np.zeros(np.shape(bias))
    for x, label in zip(np.float64(inputs), labels, strict=True):
        value, slope = cross_entropy(x @ weight + bias, label)
        loss += value / len(labels)
        grad_weight += np.outer(x, slope) / len(labels)
        grad_bias += slope / len(labels)
    return loss, [grad_weight, grad_bias]


def relu_mlp(params, inputs, labels):
    """Return the mean cross-entropy of a ReLU network and its gradients, sample by sample.

    `params` is `[weight, bias, weight, bias, ...]`, a weight being `(n_in, n_out)`; the gradients have the same order.
    The slope of ReLU at 0 is 0.
    """
    weights, biases = params[0::2], params[1::2]
    loss, grads = 0.0, [np.zeros(np.shape(p)) for p in params]
    for x, label in zip(np.float64(inputs), labels, strict=True):
        layer_inputs = [x]
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            layer_inputs.append(np.maximum(layer_inputs[-1] @ weight + bias, 0))
        value, slope = cross_entropy(layer_inputs[-1] @ weights[-1] + biases[-1], label)
        loss += value / len(labels)
        for layer in reversed(range(len(weights))):
            grads[2 * layer] += np.outer(layer_inputs[layer], slope) / len(labels)
            grads[2 * layer + 1] += slope / len(labels)
            slope = (weights[layer] @ slope) * (layer_inputs[layer] > 0)
    return loss, grads
