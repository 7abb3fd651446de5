"""Lanes for optimizers that no compiled loop over lanes can run: those that measure the whole gradient or search, and users' rules.

The engines of `BatchLanes` and `NetworkLanes` measure loss and gradient of each batch without moving anything; then each model's optimizer
takes its step itself, by `State.step`, with the penalty in loss and gradient. That is Python for each batch and model, about a tenth of a
millisecond beside what the batch costs, and on sparse rows a gradient of all features: batches of some hundred rows make it small.
"""

from typing import Any

from fastgd._training.batches import BatchLanes
from fastgd._training.lane_arguments import BUILT_IN
from fastgd._training.network import NetworkLanes
from fastgd._training.online import OnlineLanes
from fastgd._training.own_batches import OwnBatchLanes
from fastgd._training.own_networks import OwnNetworkLanes
from fastgd.optimizers._base import Optimizer
from fastgd.optimizers.online import NormalizedOnline

__all__ = ["OwnBatchLanes", "OwnNetworkLanes", "batch_lanes", "network_lanes", "runs_in_lines", "runs_in_networks"]


def runs_in_lines(optimizer: Optimizer | None) -> bool:
    """Return whether compiled loops take this optimizer's steps in linear models."""
    return optimizer is None or (optimizer.in_lanes and type(optimizer).__module__.startswith(BUILT_IN))


def runs_in_networks(optimizer: Optimizer | None) -> bool:
    """Return whether compiled loops take this optimizer's steps in networks."""
    return optimizer is None or optimizer.in_lanes


def batch_lanes(
    rows_dtype: Any, n_features: int, loss: str, *, optimizer: Optimizer | None, **options: Any
) -> BatchLanes | OnlineLanes:
    """Return linear models for any optimizer; the arguments are those of `BatchLanes`."""
    if isinstance(optimizer, NormalizedOnline):
        return OnlineLanes(rows_dtype, n_features, loss, optimizer=optimizer, **options)
    kind = BatchLanes if runs_in_lines(optimizer) else OwnBatchLanes
    return kind(rows_dtype, n_features, loss, optimizer=optimizer, **options)


def network_lanes(rows_dtype: Any, n_features: int, *args: Any, optimizer: Optimizer, **options: Any) -> NetworkLanes:
    """Return networks for any optimizer; the arguments are those of `NetworkLanes`."""
    kind = NetworkLanes if runs_in_networks(optimizer) else OwnNetworkLanes
    return kind(rows_dtype, n_features, *args, optimizer=optimizer, **options)
