"""Lanes and the models they make up: with softmax the outputs of one model are lanes side by side, otherwise each lane is a model."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastgd._training.batches import BatchLanes
from fastgd._training.coded import Coded
from fastgd._training.device import DeviceRows
from fastgd._training.epoch_result import EpochResult
from fastgd._training.linear import LinearLanes
from fastgd._training.network import NetworkLanes
from fastgd._training.online import OnlineLanes
from fastgd._training.rollback import AnyPace

Lanes = LinearLanes | BatchLanes | OnlineLanes
"""What trains linear models: columns of weights, of which `n_outputs` side by side are one model."""

AnyLanes = Lanes | NetworkLanes
"""What trains: for networks each column has all weights of one."""


def of_models(lanes: AnyLanes, values: np.ndarray, combine: Callable = np.sum) -> np.ndarray:
    """Return one value for each model, (n_models,), from those of its lanes, (K,)."""
    return combine(values.reshape(-1, lanes.n_outputs), axis=1) if lanes.n_outputs > 1 else values


def lanes_of(lanes: AnyLanes, values: np.ndarray) -> np.ndarray:
    """Return the value of its model for each lane, (K,)."""
    return np.repeat(values, lanes.n_outputs)


def rates_of_models(lanes: AnyLanes, rate: AnyPace, t: int) -> np.ndarray:
    """Return the learning rate of each model at step `t`; its lanes share it."""
    return rate.at(t)[:: lanes.n_outputs]


def mean_loss(lanes: AnyLanes, result: EpochResult, n_rows: int) -> np.ndarray:
    """Return the mean loss of each lane over the rows of an epoch: where a step is one row, every row counts once, as in scikit-learn."""
    if lanes.batch_size == 1:
        return result.loss_sum / n_rows
    return result.weighted_loss_sum / result.weight_sum


class Measured(NamedTuple):
    """What an epoch measured, each (n_models,): mean loss, the same plus the penalty, gradient norm, share of the steps clipped."""

    loss: np.ndarray
    objective: np.ndarray
    grad_norm: np.ndarray
    clipped: np.ndarray | None


def measured(lanes: AnyLanes, result: EpochResult, n_rows: int, counts_penalty: bool = True) -> Measured:
    """Return what an epoch of so many rows measured; without `counts_penalty` the objective is the loss alone."""
    loss = of_models(lanes, mean_loss(lanes, result, n_rows))
    objective = loss + of_models(lanes, result.penalty) / n_rows if counts_penalty else loss
    clipped = None if result.clipped is None else of_models(lanes, result.clipped, np.max)
    return Measured(loss, objective, of_models(lanes, result.grad_norm, np.max), clipped)


def side_by_side(columns: Any, times: int) -> Any:
    """Return columns (n_rows, 1) or (n_rows, lanes of one) so many times; a single column is every lane's as it is."""
    if columns is None or columns.shape[1] == 1:
        return columns
    return columns.side_by_side(times) if isinstance(columns, Coded) else np.tile(columns, (1, times))


def stacked(above: Any, below: Any) -> Any:
    """Return rows above others."""
    import scipy.sparse as sp

    if isinstance(above, DeviceRows):
        return above.above(below)
    return sp.vstack([above, below], format="csr") if sp.issparse(above) else np.concatenate([above, below])


def take_lanes(lanes: AnyLanes, which: slice) -> dict[str, Any]:
    """Return everything that training has changed in some lanes at the end of an epoch, for `give_lanes`."""
    if isinstance(lanes, NetworkLanes):
        return lanes.take(which)
    first, last, _ = which.indices(lanes.n_lanes)
    return {name: v[..., first:last].copy() if _of_lanes(lanes, v) else v for name, v in lanes.state().items()}


def give_lanes(lanes: AnyLanes, taken: dict[str, Any], times: int) -> None:
    """Give lanes what `take_lanes` returned, so many times side by side."""
    if isinstance(lanes, NetworkLanes):
        return lanes.give(taken, times)
    state = lanes.state()
    for name, value in taken.items():
        if np.ndim(value) and value.shape[-1] * times == lanes.n_lanes:
            state.setdefault(name, np.zeros((*value.shape[:-1], lanes.n_lanes)))[..., : lanes.n_lanes] = np.tile(
                value, times
            )
        else:
            state[name] = value
    lanes.set_state(state)


def _of_lanes(lanes: AnyLanes, value: Any) -> bool:
    """Return whether a part of the state has a column for each lane; some arrays are padded with columns that are nobody's."""
    return np.ndim(value) > 0 and value.shape[-1] >= lanes.n_lanes
