"""The architecture of a small network: its layers and heads, checked, and the weights that training starts from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import execute, losses

__all__ = ["ACTIVATIONS", "HEADS", "INITS", "Head", "Layer", "heads_of", "initial_weights", "layers_of"]

OWNER = "NetworkLanes"
# What each activation takes after its input: values that users may give, then constants.
ACTIVATIONS: dict[str, tuple[float, ...]] = {
    "identity": (), "logistic": (), "tanh": (), "relu": (), "leaky_relu": (0.01,), "elu": (1.0,), "silu": (),
    "gelu": (math.sqrt(8 / math.pi), 0.044715),
}  # fmt: skip
PARAMETRIC = ("leaky_relu", "elu")
SOFTMAX = {"softmax": "codes", "softmax_probabilities": "probabilities"}
HEADS = (*SOFTMAX, "log_loss", "squared_error", "huber", "poisson")
MOST_LAYERS = MOST_HEADS = 64  # the outputs are a layer; the tables in network_pass.pxd have so many places
INITS = ("glorot_uniform", "he_uniform", "lecun_uniform", "zeros")


@dataclass(frozen=True)
class Layer:
    """One layer: `activation` is None for the outputs; `hyper` is what the activation takes beside its input; `dropout` a share."""

    n_in: int
    n_out: int
    activation: str | None
    hyper: tuple[float, ...]
    dropout: float

    @property
    def size(self) -> int:
        """The number of weights and biases."""
        return (self.n_in + 1) * self.n_out


@dataclass(frozen=True)
class Head:
    """Some of the outputs with their loss.

    Attributes
    ----------
    first, n_out : int
        Its outputs.
    target, n_targets : int
        Its columns of the targets: one of classes for ``softmax``, otherwise one for each output.
    loss : str
    weight : float
        The factor of its loss in the sum of all heads.
    parameter : float
        The temperature of a softmax, ``epsilon`` of ``huber``.
    """

    first: int
    n_out: int
    target: int
    n_targets: int
    loss: str
    weight: float
    parameter: float

    @property
    def kind(self) -> str:
        """The kind of loss as the kernels know it."""
        return SOFTMAX.get(self.loss, "single")

    def address(self, dtype: np.dtype) -> int:
        """Return the address of the loop of a loss of single outputs, else 0."""
        return 0 if self.loss in SOFTMAX else execute.LOSSES[self.loss, dtype.name]

    def check_targets(self, targets: np.ndarray) -> None:
        """Raise when targets are not what the loss is defined for."""
        y = targets[:, self.target : self.target + self.n_targets]
        if not y.size:
            return
        low, high = float(y.min()), float(y.max())
        if self.loss == "softmax":
            accepted = f"classes from 0 to {self.n_out - 1} for the {self.loss!r} loss"
            good = low >= 0 and high < self.n_out and bool((y == np.floor(y)).all())
        elif self.loss in ("softmax_probabilities", "log_loss"):
            accepted, good = f"probabilities for the {self.loss!r} loss", low >= 0 and high <= 1
        elif self.loss == "poisson":
            accepted, good = "finite and 0 or more for the 'poisson' loss", low >= 0 and high < math.inf
        else:
            accepted, good = "finite", -math.inf < low and high < math.inf
        if not good:
            raise check.value_error(OWNER, "targets", accepted, [low, high])


def layers_of(n_features: int, hidden: Sequence[tuple], n_outputs: int, dropout: Any) -> list[Layer]:
    """Return all layers, checked, from ``(size, activation)`` or ``(size, activation, parameter)`` for each hidden one."""
    shares = [dropout] * len(hidden) if np.ndim(dropout) == 0 else list(dropout)
    if len(shares) != len(hidden):
        raise check.value_error(OWNER, "dropout", f"one number or {len(hidden)}, one for each hidden layer", dropout)
    layers, n_in = [], n_features
    for k, (entry, share) in enumerate(zip(hidden, shares, strict=True)):
        size, activation, *parameter = entry
        check.integer(size, OWNER, f"layers[{k}]", 1)
        check.choice(activation, OWNER, f"layers[{k}]", tuple(ACTIVATIONS))
        share = check.real(share, OWNER, "dropout", 0, 1, "left")
        hyper = ACTIVATIONS[activation]
        if parameter and activation in PARAMETRIC:
            hyper = (check.real(parameter[0], OWNER, f"layers[{k}]", 0),)
        elif parameter:
            raise check.value_error(OWNER, f"layers[{k}]", f"without a parameter: {activation} has none", entry)
        layers.append(Layer(n_in, size, activation, hyper, share))
        n_in = size
    return [*layers, Layer(n_in, n_outputs, None, (), 0.0)]


def heads_of(entries: Sequence[tuple]) -> list[Head]:
    """Return the heads, checked, from ``(n_outputs, loss)``, ``(..., weight)`` or ``(..., weight, parameter)``."""
    if not entries:
        raise check.value_error(OWNER, "heads", "at least one head", entries)
    heads: list[Head] = []
    first = target = 0
    for k, entry in enumerate(entries):
        n_out, loss, weight, parameter = tuple(entry) + (1.0, None)[len(entry) - 2 :]
        check.integer(n_out, OWNER, f"heads[{k}]", 1)
        check.choice(loss, OWNER, f"heads[{k}]", HEADS)
        weight = check.real(weight, OWNER, f"heads[{k}]", 0)
        if loss not in SOFTMAX and not execute.hyper_names(getattr(losses, loss)):
            parameter = 0.0
        elif parameter is None and loss in SOFTMAX:
            parameter = 1.0
        else:
            parameter = check.real(parameter, OWNER, f"heads[{k}]", 0, closed="neither")
        n_targets = 1 if loss == "softmax" else n_out
        heads.append(Head(first, n_out, target, n_targets, loss, weight, parameter))
        first, target = first + n_out, target + n_targets
    return heads


def initial_weights(layers: Sequence[Layer], init: str, seed: int) -> np.ndarray:
    """Return the parameters that training starts from, float64: a function of its arguments alone.

    ``glorot_uniform`` is scikit-learn's: weights and biases are uniform within ``sqrt(6 / (n_in + n_out))``, with 2 instead of 6 where the
    activation is logistic (the outputs count as the layer before them). ``he_uniform`` has ``sqrt(6 / n_in)``, ``lecun_uniform``
    ``sqrt(3 / n_in)``, both without biases; ``zeros`` is for weights that will be set. Sources: Glorot and Bengio (2010); He et al. (2015);
    LeCun et al. (1998).
    """
    if init == "zeros":
        return np.zeros(sum(layer.size for layer in layers))
    parts, activation = [], None
    for k, layer in enumerate(layers):
        activation = layer.activation or activation
        random = np.random.Generator(np.random.Philox(key=np.array([seed, k], np.uint64)))
        if init == "glorot_uniform":
            bound = math.sqrt((2 if activation == "logistic" else 6) / (layer.n_in + layer.n_out))
        else:
            bound = math.sqrt((6 if init == "he_uniform" else 3) / layer.n_in)
        parts.append(random.uniform(-bound, bound, layer.n_in * layer.n_out))
        biases = random.uniform(-bound, bound, layer.n_out)
        parts.append(biases if init == "glorot_uniform" else np.zeros(layer.n_out))
    return np.concatenate(parts)
