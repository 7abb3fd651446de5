"""One block of lanes of mini-batch training: its arrays, the tables of its steps, and the compiled loop on them."""

import itertools
from typing import Any

import numpy as np

from fastgd._kernels import execute
from fastgd._training.batch_scalars import Idle
from fastgd._training.batch_tables import TILE, Tables
from fastgd._training.lane_arguments import aligned

__all__ = ["SUMS", "BatchBlock", "cut"]

FEWEST = 8  # lanes that take hardly longer than half of them
SUMS = ("loss", "weighted_loss", "weight", "penalty", "gradient", "clipped")
SIZES = ("squares", "clipped")  # the first and the last of a lane's numbers that training changes, sums included


def cut(n_lanes: int, n_outputs: int, n_threads: int) -> list[slice]:
    """Return which lanes each block holds: whole models, and a block for each thread unless blocks would be too small to pay.

    Which lanes are neighbours changes no bit of any lane.
    """
    n_models = n_lanes // n_outputs
    n = min(n_threads, n_models, -(-n_lanes // FEWEST))
    ends = [n_models * k // n * n_outputs for k in range(n + 1)]
    return [slice(*pair) for pair in itertools.pairwise(ends)]


class BatchBlock:
    """Some neighbouring lanes of a `BatchLanes`, in arrays of their own, padded to 1, 4, 8 or a multiple of 16 lanes.

    Parameters
    ----------
    owner : BatchLanes
    part : slice
        Which of the owner's lanes these are.
    values : dict of ndarray
        The owner's numbers that training does not change, one for each of its lanes, by their names in the table.
    parameter : ndarray (K,)
        The loss's hyperparameter of the owner's lanes.
    """

    def __init__(self, owner: Any, part: slice, values: dict[str, np.ndarray], parameter: np.ndarray):
        self.owner, self.part, self.n = owner, part, part.stop - part.start
        self.width = next((w for w in (1, 4, 8) if w >= self.n), -(-self.n // TILE) * TILE)
        self.table, shape = execute.lane_table(), (owner.n_features + 1, self.width)
        self.arrays = {name: aligned(shape, owner.dtype) for name in ("weights", "gradient", *owner.rules.slots)}
        self.averages = aligned(shape, np.dtype(np.float64)) if owner.average else None
        self.lanes = np.zeros((self.table.N_BATCH_STATE, self.width))
        for name, column in values.items():
            self.row(name)[:] = column[part]
        padded = np.zeros(self.width)
        padded[: self.n] = parameter[part]
        self.hyper = np.resize(padded, max(self.width, TILE)).astype(owner.dtype)
        self.kernel = self._new_kernel(self.arrays, self.averages, self.lanes, owner.most_rows)
        self.tables: Tables | None = None

    def _new_kernel(self, arrays: dict, averages: np.ndarray | None, lanes: np.ndarray, most_rows: int) -> Any:
        owner, dtype, width = self.owner, self.owner.dtype.name, min(TILE, self.width)
        loss = 0 if owner.loss == "softmax" else self.table.LOSSES[owner.loss, dtype, TILE]
        rule = self.table.RULES[owner.rules.rule.__name__, dtype, width]
        return self.table.Batches(
            list(arrays.values()), lanes, averages, self.part.start, self.n, owner.n_outputs, loss, self.hyper, rule, most_rows,
            owner.fit_intercept, owner.penalised, owner.has_l1, owner.rules.intercept_factors,
        )  # fmt: skip

    def row(self, name: str) -> np.ndarray:
        """Return one number of each lane, as a view."""
        return self.lanes[self.table.BATCH_STATE[name], : self.n]

    def changed(self) -> dict[str, np.ndarray]:
        """Return views of all that training changes, the tables aside; the lanes along the last axis, without those that pad the block."""
        first, last = (self.table.BATCH_STATE[name] for name in SIZES)
        every = {name: array for name, array in self.arrays.items() if name != "gradient"}
        every |= {"sizes": self.lanes[first : last + 1]}
        every |= {} if self.averages is None else {"averages": self.averages}
        return {name: array[:, : self.n] for name, array in every.items()}

    def begin(self, coef: np.ndarray, intercept: np.ndarray) -> None:
        """Begin from these weights: no step has been done, nothing averaged."""
        for array in (*self.arrays.values(), self.averages):
            if array is not None:
                array[...] = 0
        weights = self.arrays["weights"]
        weights[:-1, : self.n] = coef + 0.0  # -0.0 becomes 0.0
        weights[-1, : self.n] = intercept
        self.tables = None

    def settled(self) -> "tuple[dict[str, np.ndarray], np.ndarray | None]":
        """Return arrays and averages with every feature caught up; reading them must not change the future."""
        if self.tables is None or not self.tables.sparse or self.tables.position == 0:
            return self.arrays, self.averages
        arrays = {name: array.copy() for name, array in self.arrays.items()}
        averages = None if self.averages is None else self.averages.copy()
        self.tables.settle_copy(self._new_kernel(arrays, averages, self.lanes.copy(), 1))
        return arrays, averages

    def settle(self) -> None:
        """Let every feature catch up."""
        if self.tables is not None:
            self.tables.settle()

    def coef(self) -> np.ndarray:
        return self.settled()[0]["weights"][:-1, : self.n]

    def average_coef(self) -> np.ndarray:
        averages = self.settled()[1]
        assert averages is not None
        return averages[:-1, : self.n]

    def finite(self) -> np.ndarray:
        return np.isfinite(self.arrays["weights"][:, : self.n]).all(axis=0)

    def reader(self, most_rows: int) -> Any:
        """Return the compiled loops on weights with every feature caught up, to predict so many rows at once with."""
        return self._new_kernel(*self.settled(), self.lanes, most_rows)

    # -----------------------------------------------------------------------------------------------------------------------------
    # Steps

    def open(self, sparse: bool, fresh: bool, idle: Idle, mean_weight: np.ndarray) -> None:
        """Prepare for a call of `epoch`."""
        if self.tables is None or self.tables.sparse != sparse:
            self.settle()
            self.tables = self._new_tables(sparse)
        if fresh:
            self.settle()  # an interrupt may have left features behind
        self.tables.plan(idle)
        self.row("mean_weight")[...] = mean_weight[self.part]
        if sparse and fresh:
            self.kernel.weigh()

    def begin_sums(self) -> None:
        """Let what is measured begin at 0."""
        for name in SUMS:
            self.row(name)[...] = 0

    def _new_tables(self, sparse: bool) -> Tables:
        owner = self.owner
        return Tables(self.kernel, owner.rules, sparse, owner.n_features, self.n, self.width, owner.one_class)

    def begin_rule(self, slots: list[np.ndarray]) -> None:
        """Give the optimizer's state arrays their first values, of all the owner's lanes."""
        for name, values in zip(self.owner.rules.slots, slots, strict=True):
            self.arrays[name][:, : self.n] = values[:, self.part]

    def past(self) -> dict[str, Any]:
        return {} if self.tables is None else self.tables.past()

    def set_past(self, state: dict[str, Any]) -> None:
        """Go on from what the owner's lanes have yet to catch up with."""
        self.tables = None
        if "past.position" in state:
            self.tables = self._new_tables(sparse=True)
            self.tables.set_past(state, self.part)
