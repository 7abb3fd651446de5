"""The same AdamW step by fastgd and by its peers, which are optional: torch, optax, plain NumPy."""

import functools
import importlib.util
import os
from typing import Any

import numpy as np

from bench.memory import lent_state, params_like, slots_like
from bench.streaming import usable_cores
from bench.timing import Contender
from fastgd.optimizers import Optimizer

HYPER = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 1e-2}
"""AdamW's hyperparameters, by the names that torch and fastgd share."""

Arrays = list[np.ndarray]


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


@functools.cache
def _torch() -> Any:
    import torch

    torch.set_num_threads(usable_cores())
    return torch


def ours(name: str, optimizer: Optimizer, start: Arrays, gradients: list[Arrays]) -> Contender:
    """Return the fastgd contender; a single array is given as such, several as a list."""
    params = params_like(start)
    single = len(params) == 1
    with lent_state():
        state = optimizer.init(params[0] if single else params)
    trees = [g[0] if single else g for g in gradients]
    writes = 1 + len(state.arrays) // len(params)
    looks = optimizer.clip_norm is not None or optimizer.on_nonfinite != "zero"
    return Contender(
        name,
        lambda k: functools.partial(state.step, trees[k % len(trees)]),
        lambda: params,
        arrays=2 * writes + 1 + looks,
    )


def torch_adamw(
    name: str, start: Arrays, gradients: list[Arrays], clip_norm: float | None = None, **how: bool
) -> Contender:
    """Return torch's AdamW, with ``fused=True``, ``foreach=True`` or its own choice; clipped by `clip_grad_norm_` where asked."""
    torch = _torch()
    own = params_like(start)
    params = [torch.from_numpy(a).requires_grad_() for a in own]
    optimizer = torch.optim.AdamW(params, **HYPER, **how)
    moments = slots_like(own, 2)
    if moments is not None:
        lent = dict(zip(("exp_avg", "exp_avg_sq"), map(torch.from_numpy, moments), strict=True))
        optimizer.state[params[0]] = {"step": torch.zeros(()), **lent}

    def clipped_step() -> None:
        torch.nn.utils.clip_grad_norm_(params, clip_norm)
        optimizer.step()

    def prepare(k: int) -> Any:
        for p, g in zip(params, gradients[k % len(gradients)], strict=True):
            if clip_norm is None:
                p.grad = torch.from_numpy(g)
            elif p.grad is None:
                p.grad = torch.from_numpy(g.copy())
            else:
                p.grad.copy_(torch.from_numpy(g))  # clip_grad_norm_ has scaled the last one in place
        return optimizer.step if clip_norm is None else clipped_step

    arrays = 7 if how.get("fused") and clip_norm is None else 0
    return Contender(name, prepare, lambda: [p.detach().numpy() for p in params], arrays)


def optax_adamw(name: str, start: Arrays, gradients: list[Arrays]) -> Contender:
    """Return optax's AdamW under ``jax.jit``, its parameters and state donated, so that XLA may update them in place."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import optax

    (b1, b2) = HYPER["betas"]
    transform = optax.adamw(HYPER["lr"], b1=b1, b2=b2, eps=HYPER["eps"], weight_decay=HYPER["weight_decay"])
    params = [jax.numpy.array(a) for a in start]
    held = [params, transform.init(params)]
    sets = [[jax.numpy.array(g) for g in arrays] for arrays in gradients]

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def update(params, state, grads):
        updates, state = transform.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    def step(grads: list) -> None:
        held[:] = update(*held, grads)
        jax.block_until_ready(held)

    return Contender(
        name,
        lambda k: functools.partial(step, sets[k % len(sets)]),
        lambda: [np.asarray(p) for p in held[0]],
    )


class NumpyAdamW:
    """AdamW as one writes it in NumPy: array expressions."""

    def __init__(self, params: Arrays):
        self.params, self.t = params, 0
        self.moments = [(np.zeros_like(p), np.zeros_like(p)) for p in params]

    def step(self, grads: Arrays) -> None:
        lr, (b1, b2), eps, decay = HYPER.values()
        self.t += 1
        rate, debias = lr / (1 - b1**self.t), 1 / np.sqrt(1 - b2**self.t).item()
        for p, g, (m, v) in zip(self.params, grads, self.moments, strict=True):
            m[...] = b1 * m + (1 - b1) * g
            v[...] = b2 * v + (1 - b2) * g**2
            p -= lr * decay * p + rate * m / (debias * np.sqrt(v) + eps)


def numpy_adamw(name: str, start: Arrays, gradients: list[Arrays]) -> Contender:
    params = [a.copy() for a in start]
    optimizer = NumpyAdamW(params)
    return Contender(name, lambda k: functools.partial(optimizer.step, gradients[k % len(gradients)]), lambda: params)


def torch_twin_difference(optimizer: Optimizer, start: Arrays, gradients: list[Arrays], steps: int) -> float | None:
    """Return how far torch's optimizer of the same name and options ends from ours; None where torch has no such optimizer."""
    if not installed("torch") or not hasattr(_torch().optim, type(optimizer).__name__):
        return None
    from bench.timing import difference

    torch = _torch()
    common = {*Optimizer.__dataclass_fields__}
    options = {name: getattr(optimizer, name) for name in optimizer.__dataclass_fields__ if name not in common}
    mine = ours("", optimizer, start, gradients)
    theirs = [torch.from_numpy(a.copy()).requires_grad_() for a in start]
    twin = getattr(torch.optim, type(optimizer).__name__)(theirs, **options)
    for k in range(steps):
        mine.prepare(k)()
        for p, g in zip(theirs, gradients[k % len(gradients)], strict=True):
            p.grad = torch.from_numpy(g)
        twin.step()
    return difference(start, mine.parameters(), [p.detach().numpy() for p in theirs])
