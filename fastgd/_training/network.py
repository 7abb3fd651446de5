"""Small neural networks in lanes: several networks of one architecture trained on the same batches."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastgd import _validation as check
from fastgd._kernels import execute
from fastgd._training.batch_scalars import RuleScalars
from fastgd._training.epoch_result import EpochResult
from fastgd._training.lane_arguments import accepted_optimizer, aligned, checked_order, checked_rows, checked_state
from fastgd._training.network_shape import INITS, heads_of, initial_weights, layers_of
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd.optimizers import Adam, Optimizer

__all__ = ["NetworkLanes", "NetworkResult"]

OWNER = "NetworkLanes"
WORK = 2**30  # operations between two looks at signals: some ten milliseconds
MOST_STEPS = 4096  # in one slice, for the size of its tables
MOST_SUMS = 2**18  # of the first layer, over groups of features, that stay in a cache from one step to the next
DECIDE_ROWS = 64  # rows that a prediction looks at together, at least
SIGNED = ("lion", "signum", "rprop")  # rules whose step depends on the sign of a state array, however small it is


@dataclass(frozen=True)
class NetworkResult(EpochResult):
    """What a stretch of an epoch of networks measured; see `EpochResult`. `penalty` is 0 where nothing was learnt.

    Attributes
    ----------
    layer_gradient : ndarray (n_layers, K)
        The norm of each layer's gradient, weights and biases together, before clipping.
    update_ratio : ndarray (n_layers, K)
        The norm of the change of each layer's parameters, relative to that of the parameters.
    dead_units : ndarray (n_layers, K)
        The share of the units through which no row of a batch sends a gradient; 0 for the outputs. All three are means over the last
        batches of the slices.
    """

    layer_gradient: np.ndarray
    update_ratio: np.ndarray
    dead_units: np.ndarray

    def by_layer(self) -> dict[str, np.ndarray]:
        """Return what is measured of each layer."""
        return {name: getattr(self, name) for name in ("layer_gradient", "update_ratio", "dead_units")}


class NetworkLanes:
    """`K` networks of one architecture, trained on the same batches in the same order, each with its own learning rate and penalty.

    Each of them has the bits that it would have alone, for any number of threads.

    Parameters
    ----------
    rows_dtype : dtype
        float32 or float64: the dtype of rows and parameters.
    n_features : int
    layers : sequence of (int, str) or (int, str, float)
        Size and activation of each hidden layer, and the parameter of ``leaky_relu`` (0.01) and ``elu`` (1).
    heads : sequence of (int, str), (int, str, float) or (int, str, float, float)
        Number of outputs, loss, weight of the loss (1) and its parameter, for each group of outputs. ``softmax`` takes one column of
        classes, ``softmax_probabilities`` a column for each output; both have a temperature (1) as parameter and ``T**2 * loss(z / T)`` as
        loss. ``log_loss`` (0 and 1), ``squared_error`` (half the square), ``huber`` (parameter ``epsilon``) and ``poisson`` (logarithmic
        link) are summed over their outputs.
    alpha, l1 : float or array-like (K,)
        Strength of the L2 penalty ``alpha |W|**2 / 2`` and the L1 penalty ``l1 |W|_1`` on weights, not biases.
    penalty : {"coupled", "decoupled"}
        Coupled: the penalty's gradient, divided by the batch's rows as in scikit-learn, is part of the gradient. Decoupled: weights are
        multiplied by ``1 - rate * alpha`` before each step, and moved ``rate * l1`` towards 0 after it.
    batch_size : int
    optimizer : Optimizer, optional
        Any built-in one, with the learning rate of the `RateTable` in place of its own; `Adam` by default. A gradient that is not finite
        makes the network count as diverged, unless its ``on_nonfinite`` is ``"zero"``.
    clip_norm : float, optional
        The largest norm of the gradient, coupled penalty included; instead of the optimizer's.
    dropout : float or sequence of float
        The share of units that are 0 in training, for all hidden layers or for each.
    max_norm : float, optional
        The largest norm of the weights into a unit, after each step.
    non_negative : bool
        Set negative weights, not biases, to 0 after each step.
    kept : ndarray of bool (n_parameters,), optional
        The other parameters stay 0, whatever the optimizer remembers: it trains the network that is left when they are cut out.
    init : {"glorot_uniform", "he_uniform", "lecun_uniform", "zeros"}
        See `network_shape.initial_weights`.
    seed : int or array-like (K,)
        Of initial weights and dropout.
    n_threads : int
        So many threads share out the networks, or the rows and then the parameters of a single one, while that is faster.

    Notes
    -----
    The gradient is the sum over the batch of ``row_weight * gradient``, divided by the number of rows in the batch times the mean weight of
    the epoch's rows. A network's parameters lie in one array: for each layer the weights (n_in, n_out), then the biases.

    Every 64th step subnormal numbers in the optimizer's state become 0, but for rules that follow the sign of their state. By itself the
    average of a dead unit's gradients would shrink to such numbers and stay there, and the step would take three times longer.
    """

    average = 0
    n_outputs = 1  # of the lanes, K, one is a model; the raw outputs of a network are `n_decisions`

    def __init__(
        self,
        rows_dtype: Any,
        n_features: int,
        layers: Any = ((32, "relu"),),
        heads: Any = ((10, "softmax"),),
        *,
        alpha: Any = 0.0,
        l1: Any = 0.0,
        penalty: str = "coupled",
        batch_size: int = 32,
        optimizer: Optimizer | None = None,
        clip_norm: float | None = None,
        dropout: Any = 0.0,
        max_norm: float | None = None,
        non_negative: bool = False,
        kept: np.ndarray | None = None,
        init: str = "glorot_uniform",
        seed: Any = 0,
        n_threads: int = 1,
    ):
        self.dtype, self.n_features = np.dtype(rows_dtype), n_features
        self.heads = heads_of(heads)
        self.n_decisions = sum(head.n_out for head in self.heads)
        self.layers = layers_of(n_features, layers, self.n_decisions, dropout)
        self.n_parameters = sum(layer.size for layer in self.layers)
        self.batch_size = check.integer(batch_size, OWNER, "batch_size", 1)
        optimizer = Adam() if optimizer is None else optimizer
        policies = ("raise", "zero")
        accepted_optimizer(OWNER, optimizer, users_rules=True, maximize=True, on_nonfinite=policies)
        self.optimizer = optimizer if clip_norm is None else optimizer.replace(clip_norm=clip_norm)
        check.choice(penalty, OWNER, "penalty", ("coupled", "decoupled"))
        check.choice(init, OWNER, "init", INITS)
        self.max_norm = 0.0 if max_norm is None else check.real(max_norm, OWNER, "max_norm", 0, closed="neither")
        self._kept = self._checked_kept(kept)
        n_threads = check.integer(n_threads, OWNER, "n_threads", 1)
        columns = [np.atleast_1d(np.asarray(a, t)) for a, t in ((alpha, float), (l1, float), (seed, np.uint64))]
        self.n_lanes = max(len(column) for column in columns)
        l2, l1, seeds = (np.ascontiguousarray(np.broadcast_to(column, self.n_lanes)) for column in columns)
        self._clock = np.ones(1)
        self._table = execute.network_table()
        stride = -(-(self.n_parameters + self._table.SLACK) // 16) * 16
        self._parameters = aligned((self.n_lanes, stride), self.dtype)
        self._rules = RuleScalars(self.optimizer, self.dtype)
        self._slots = {name: aligned((self.n_lanes, stride), self.dtype) for name in self._rules.slots}
        for k, each in enumerate(seeds.tolist()):
            self._put(initial_weights(self.layers, init, each), k)
        n_works = min(n_threads, self.n_lanes)
        self._networks = self._table.Networks(
            self._described_layers(), self._described_heads(), self._parameters, list(self._slots.values()),
            execute.sweep_address(self._rules.rule, self.dtype),
            (l2, l1, penalty == "decoupled", self.max_norm, bool(non_negative)), self._kept, seeds,
            [self._work() for _ in range(n_works)], n_threads, self._rules.rule.__name__ not in SIGNED,
        )  # fmt: skip

    def _checked_kept(self, kept: np.ndarray | None) -> np.ndarray | None:
        if kept is None:
            return None
        if np.shape(kept) != (self.n_parameters,):
            raise check.value_error(OWNER, "kept", f"of shape {(self.n_parameters,)}", np.shape(kept))
        return np.asarray(kept, bool).astype(np.uint8)

    def _put(self, parameters: np.ndarray, which: Any = slice(None)) -> None:
        """Set the parameters of some networks, (n_parameters,) or (K, n_parameters), to these where they are kept."""
        self._own(self._parameters)[which] = parameters if self._kept is None else np.where(self._kept, parameters, 0)

    # -----------------------------------------------------------------------------------------------------------------------------
    # What the kernels are told

    def _described_layers(self) -> list[tuple]:
        described, place, rows = [], 0, max(self.batch_size, DECIDE_ROWS)
        for layer in self.layers:
            size = -(-(rows * layer.n_out + self._table.SLACK) // 16) * 16
            address = self._table.ACTIVATIONS[layer.activation, self.dtype.name] if layer.activation else 0
            hyper = (*layer.hyper, 0.0, 0.0)[:2]
            dropped = round(layer.dropout * 2**24)
            described.append(
                (layer.n_in, layer.n_out, address, place, place + size, hyper, dropped, 1 / (1 - layer.dropout))
            )
            place += 2 * size
        self._n_units = place
        return described

    def _described_heads(self) -> list[tuple]:
        return [
            (self._table.KINDS[h.kind], h.first, h.n_out, h.target, h.weight, h.parameter, h.address(self.dtype))
            for h in self.heads
        ]

    def _work(self) -> tuple[np.ndarray | None, ...]:
        """Return the arrays that one thread works in."""
        rows, slack = max(self.batch_size, DECIDE_ROWS), self._table.SLACK
        widest = max(layer.n_out for layer in self.layers)
        inner = sum(layer.size for layer in self.layers[1:])
        sizes = (
            self._n_units,
            self.n_parameters,
            rows * widest,
            inner,
            (rows + self._table.LEAST_ROWS) * (4 * widest + 1),  # heads take some rows together, more than there may be
            self.n_parameters,
            rows,
        )
        arrays: list[np.ndarray | None] = [aligned((1, size + slack), self.dtype) for size in sizes]
        sums = self._table.MOST_GROUPS * rows * self.layers[0].n_out
        arrays.append(aligned((1, sums + slack), self.dtype) if sums <= MOST_SUMS else None)
        parts = sum(-(-layer.n_in // self._table.LEAST_ROWS) for layer in self.layers)  # at most
        return (*arrays, np.zeros((2 * len(self.layers) + 1, rows), np.intp), np.zeros((parts, self._table.N_MEASURED)))

    def _own(self, array: np.ndarray) -> np.ndarray:
        """Return a view of what belongs to the networks, (K, n_parameters), of an array with slack."""
        return array[:, : self.n_parameters]

    # -----------------------------------------------------------------------------------------------------------------------------
    # The parameters

    @property
    def coef(self) -> np.ndarray:
        """A copy of all parameters, ``(n_parameters, K)``: for each layer the weights ``(n_in, n_out)``, then the biases."""
        return self._own(self._parameters).T.copy()

    @property
    def intercept(self) -> np.ndarray:
        """Zeros, ``(K,)``: the biases are among the parameters."""
        return np.zeros(self.n_lanes)

    def set_coef(self, coef: np.ndarray, intercept: Any = 0.0) -> None:
        """Set all parameters, ``(n_parameters, K)``; the optimizer's state and the step counter stay as they are."""
        coef = np.asarray(coef, self.dtype)
        if coef.shape != (self.n_parameters, self.n_lanes):
            raise check.value_error(OWNER, "coef", f"of shape {(self.n_parameters, self.n_lanes)}", coef.shape)
        self._put(coef.T)

    def weights(self) -> list[list[tuple[np.ndarray, np.ndarray]]]:
        """Return copies of the parameters: for each network and layer ``(weights (n_in, n_out), biases (n_out,))``."""
        found = []
        for flat in self._own(self._parameters):
            parts, place = [], 0
            for layer in self.layers:
                w, b = np.split(flat[place : place + layer.size].copy(), [layer.n_in * layer.n_out])
                parts.append((w.reshape(layer.n_in, layer.n_out), b))
                place += layer.size
            found.append(parts)
        return found

    def set_weights(self, weights: list[list[tuple[np.ndarray, np.ndarray]]]) -> None:
        """Set all parameters to what `weights` returned; the optimizer's state and the step counter stay as they are."""
        expected = [s for layer in self.layers for s in ((layer.n_in, layer.n_out), (layer.n_out,))]
        for parts in weights:
            if [np.shape(array) for pair in parts for array in pair] != expected:
                raise check.value_error(
                    OWNER, "weights", f"arrays of shapes {expected}", [np.shape(a) for p in parts for a in p]
                )
        self.set_coef(np.stack([np.concatenate([np.ravel(a) for pair in parts for a in pair]) for parts in weights], 1))

    # -----------------------------------------------------------------------------------------------------------------------------
    # Training

    @property
    def t(self) -> float:
        """The number of the next step, counted from 1. The compiled code counts: an interruption comes before or after both."""
        return float(self._clock[0])

    def n_steps(self, n_rows: int) -> int:
        """Return how many steps so many rows are: one for each batch, the last of which may be smaller."""
        return -(-n_rows // self.batch_size)

    def epoch(
        self,
        rows: Any,
        targets: np.ndarray,
        order: np.ndarray | None,
        rate: RateTable,
        row_weight: np.ndarray | None = None,
        start: int = 0,
        stop: int | None = None,
    ) -> NetworkResult:
        """See the rows once, in this order, one step of all networks for each batch.

        Parameters
        ----------
        rows : Rows, CSR matrix, or ndarray
            Of the dtype and number of features given at the beginning.
        targets : ndarray (n_rows, n_columns)
            The columns of the heads, side by side.
        order : ndarray of integers, or None
            The numbers of the rows to see, in order; each may come never or many times. None: all, as they stand.
        rate : RateTable
            A constant rate of 0 means: measure the losses of the networks as they are, without dropout, and learn nothing.
        row_weight : ndarray (n_rows, 1) or (n_rows, K), optional
        start, stop : int
            See only this stretch of the order; both are multiples of `batch_size`, or the end.

        Returns
        -------
        NetworkResult
        """
        rows = Rows.of(rows, OWNER)
        targets, order, weight, mean_weight = self._checked_rows(rows, targets, order, row_weight)
        stop = len(order) if stop is None else min(stop, len(order))
        if any(each % self.batch_size and each < len(order) for each in (start, stop)):
            accepted = f"multiples of batch_size={self.batch_size}, or the end"
            raise check.value_error(OWNER, "start and stop", accepted, (start, stop))
        learns = rate.formula != "constant" or bool(rate.eta0.any())
        if learns and rate.eta0.size:
            self.optimizer._interval("lr").number(float(rate.eta0.min()), OWNER, "rate (the least of all)")
        if learns and self.t == 1:
            self._begin_slots(rate.values(1, start // self.batch_size, 1)[0])
        sums = np.zeros((self.n_lanes, self._table.N_SUMS))
        reports = np.zeros((2, self.n_lanes, len(self.layers), self._table.N_REPORTS))
        size, n_slices = self._slice_steps(rows) * self.batch_size, 0
        for low in range(start, stop, size):
            part = order[low : min(low + size, stop)]
            steps = self._step_tables(rate, low, self.n_steps(len(part))) if learns else None
            given = (rows, part, self.batch_size, targets, weight, mean_weight, self._clock, steps)
            self._learn(given, sums, reports[0])
            reports[1] += reports[0]
            n_slices += 1
        return self._result(sums, reports[1] / max(1, n_slices), stop - start, learns)

    def _learn(self, given: tuple, sums: np.ndarray, report: np.ndarray) -> None:
        """See the rows of a slice."""
        self._networks.learn(*given, sums, report)

    def _begin_slots(self, rates: np.ndarray) -> None:
        arrays = self._rules.initial(0, np.broadcast_to(rates, self.n_lanes), self._own(self._parameters).T)
        for array, first in zip(self._slots.values(), arrays, strict=True):
            self._own(array)[...] = first.T

    def _step_tables(self, rate: RateTable, low: int, n_steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rates = rate.values(self.t, low // self.batch_size, n_steps)
        rates = np.ascontiguousarray(np.broadcast_to(rates, (n_steps, self.n_lanes)))
        step = int(self.t) - 1
        scalars = self._rules.sweeps(step, rates).transpose(0, 2, 1)  # those of a network side by side
        return np.ascontiguousarray(scalars, self.dtype), self._rules.clip_norms(step, n_steps), rates

    def _slice_steps(self, rows: Rows) -> int:
        inner = sum(layer.n_in * layer.n_out for layer in self.layers[1:])
        outer = rows.data.size // max(1, rows.n_rows) * self.layers[0].n_out
        work = 6 * self.batch_size * (inner + outer) + 20 * self.n_parameters
        return max(1, min(MOST_STEPS, WORK // (work * self.n_lanes)))

    def _checked_rows(self, rows: Rows, targets: Any, order: Any, weight: Any) -> tuple:
        checked_rows(OWNER, rows, self.dtype, self.n_features)
        shape = (rows.n_rows, sum(head.n_targets for head in self.heads))
        if np.shape(targets) != shape:
            raise check.value_error(OWNER, "targets", f"of shape {shape}", np.shape(targets))
        targets = np.ascontiguousarray(targets, self.dtype)
        order = checked_order(OWNER, order, rows.n_rows)
        for head in self.heads:
            head.check_targets(targets)
        return targets, order, *self._checked_weight(rows, order, weight)

    def _checked_weight(self, rows: Rows, order: np.ndarray, weight: Any) -> tuple[np.ndarray | None, np.ndarray]:
        """Return the rows' weights, and the mean weight of the epoch's rows for each network."""
        if weight is None:
            return None, np.ones(self.n_lanes)
        if np.shape(weight) not in ((rows.n_rows, 1), (rows.n_rows, self.n_lanes)):
            accepted = f"of shape ({rows.n_rows}, 1) or ({rows.n_rows}, {self.n_lanes})"
            raise check.value_error(OWNER, "row_weight", accepted, np.shape(weight))
        weight = np.ascontiguousarray(weight, np.float64)
        mean = np.array([column[order].mean() for column in weight.T]) if len(order) else np.ones(self.n_lanes)
        if not (np.isfinite(mean) & (mean > 0)).all():
            raise check.value_error(OWNER, "row_weight", "finite, with a positive mean over the rows in order", mean)
        return weight, np.ascontiguousarray(np.broadcast_to(mean, self.n_lanes))

    def _result(self, sums: np.ndarray, reports: np.ndarray, n_rows: int, learns: bool) -> NetworkResult:
        total = {name: sums[:, k].copy() for name, k in self._table.FIELDS.items()}
        layers = {name: reports[:, :, k].T.copy() for name, k in self._table.MEASURES.items()}
        n_steps = max(1, self.n_steps(n_rows))
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(self._own(self._parameters).sum(axis=1, dtype=np.float64))
        if self.optimizer.on_nonfinite != "zero":
            finite &= total["nonfinite"] == 0
        clipped = None if self.optimizer.clip_norm is None else total["clipped"] / n_steps
        return NetworkResult(
            total["loss"], total["weighted_loss"], total["weight"], total["penalty"], n_rows, total["gradient"] / n_steps, clipped,
            bool(finite.all()), finite, layers["gradient"], layers["update"], layers["dead"],
        )  # fmt: skip

    def decision(self, rows: Any) -> np.ndarray:
        """Return the raw outputs, ``(n_rows, K * n_decisions)``: those of the first network, of the second, and so on."""
        rows = Rows.of(rows, OWNER)
        checked_rows(OWNER, rows, self.dtype, self.n_features)
        out = np.empty((self.n_lanes, rows.n_rows, self.n_decisions), self.dtype)
        self._networks.decide(rows, np.arange(rows.n_rows), max(self.batch_size, DECIDE_ROWS), out)
        return out.transpose(1, 0, 2).reshape(rows.n_rows, -1)

    # -----------------------------------------------------------------------------------------------------------------------------
    # Checkpoints

    def state(self) -> dict[str, Any]:
        """Return copies of everything that training changes; `set_state` in an equal object goes on with the same bits."""
        arrays = {"parameters": self._parameters, **self._slots}
        self._rules.reach(int(self.t) - 1)
        return {"t": self.t} | self._rules.state() | {name: self._own(array).copy() for name, array in arrays.items()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        arrays = {"parameters": self._parameters, **self._slots}
        checked_state(OWNER, state, dict.fromkeys(arrays, (self.n_lanes, self.n_parameters)))
        for name, array in arrays.items():
            self._own(array)[...] = state[name]
        self._clock[0] = state["t"]
        self._rules.set_state(state, int(self.t) - 1)

    def take(self, which: slice) -> dict[str, Any]:
        """Return everything that training has changed in some networks, for `give`."""
        return {name: value[which] if np.ndim(value) else value for name, value in self.state().items()}

    def give(self, taken: dict[str, Any], times: int) -> None:
        """Give the networks what `take` returned, so many times side by side."""
        self.set_state({name: np.concatenate([v] * times) if np.ndim(v) else v for name, v in taken.items()})
