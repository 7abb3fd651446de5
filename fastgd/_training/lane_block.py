"""One block of up to 16 lanes: its arrays, padded to 1, 4, 8 or 16 lanes, and the compiled loops on them."""

from functools import lru_cache
from typing import Any

import numpy as np

from fastgd._training.lane_arguments import aligned
from fastgd._training.rows import Rows

__all__ = ["LaneBlock", "padded", "split"]

WIDTHS = (1, 4, 8, 16)
COST = {1: 1.0, 4: 1.3, 8: 1.5, 16: 2.0}  # of a row, measured on sparse rows
SIGNED_BY_TARGET = ("hinge", "perceptron")  # whose passive-aggressive step goes in the target's direction


@lru_cache(maxsize=256)
def split(n_lanes: int, n_threads: int, n_outputs: int = 1) -> list[list[slice]]:
    """Return for each thread which lanes its blocks hold: the cut into equal blocks whose slowest thread ends first.

    Which lanes are neighbours changes no bit of any lane; the `n_outputs` lanes of a model stay together. The same lists are returned to
    each who asks, and are not to be changed.
    """
    sizes = [w // n_outputs * n_outputs for w in WIDTHS[::-1] if w >= n_outputs]
    cuts = [_share([slice(k, min(k + n, n_lanes)) for k in range(0, n_lanes, n)], n_threads) for n in sizes]
    return min(cuts, key=lambda threads: max(_cost(blocks) for blocks in threads))


def _share(blocks: list[slice], n_threads: int) -> list[list[slice]]:
    """Give each block, the widest first, to the thread that has least to do."""
    threads: list[list[slice]] = [[] for _ in range(min(n_threads, len(blocks)))]
    busy = [0.0] * len(threads)
    for block in blocks:
        k = busy.index(min(busy))
        threads[k].append(block)
        busy[k] += COST[padded(block.stop - block.start)]
    return threads


def _cost(blocks: list[slice]) -> float:
    return sum(COST[padded(block.stop - block.start)] for block in blocks)


def padded(n_lanes: int) -> int:
    """Return how many lanes a block of so many has with those that pad it."""
    return next(w for w in WIDTHS if w >= n_lanes)


class LaneBlock:
    """Some neighbouring lanes of a `LinearLanes`, in arrays of their own.

    Parameters
    ----------
    table : LaneTable
        The compiled loops.
    owner : LinearLanes
    part : slice
        Which of the owner's lanes these are.
    values : dict of ndarray
        The owner's numbers that training does not change, one for each of its lanes, by their names in the table.
    parameter : ndarray (K,)
        The loss's hyperparameter of the owner's lanes.
    has_l1 : bool
        Whether any of the owner's lanes has an L1 penalty.
    """

    def __init__(self, table: Any, owner: Any, part: slice, values: dict, parameter: np.ndarray, has_l1: bool):
        self.table, self.part, self.n = table, part, part.stop - part.start
        self.width, self.n_outputs = padded(self.n), owner.n_outputs
        self.dtype, shape = owner.dtype, (owner.n_features, self.width)
        self.w = aligned(shape, owner.dtype)
        self.state = np.zeros((table.N_STATE, self.width))
        self.hyper = np.zeros((1, WIDTHS[-1]), owner.dtype)
        self.hyper[0, : self.n] = parameter[part]
        if self.width == 1:
            self.hyper[...] = parameter[part]  # of as many rows, whose losses are computed together
        self.paid = aligned(shape, np.dtype(np.float64)) if has_l1 else None
        self.averages = aligned(shape, np.dtype(np.float64)) if owner.average else None
        self.losses = self._losses(owner.loss)
        self.block = self._block(self.w, self.state, self.paid, self.averages)
        self.state[[table.STATE["scale"], table.STATE["divisor"]]] = 1
        for name, column in values.items():
            self.row(name)[...] = column[part]

    def _losses(self, name: str) -> tuple[int, int, int]:
        """Return the addresses of a row's loss in all lanes, of the slope in one, and of the losses of many rows in one."""
        if name == "softmax":
            return 0, 0, 0
        dtype = self.dtype.name
        losses, slopes = self.table.LOSSES, self.table.SLOPES
        return losses[name, dtype, self.width], slopes[name, dtype], losses[name, dtype, WIDTHS[-1]]

    def _block(self, w: np.ndarray, state: np.ndarray, paid: np.ndarray | None, averages: np.ndarray | None) -> Any:
        """Return the compiled loops on these arrays."""
        return self.table.Block(w, state, self.hyper, self.losses, paid, averages, self.n, self.n_outputs)

    def row(self, name: str) -> np.ndarray:
        """Return one number of each lane, as a view."""
        return self.state[self.table.STATE[name], : self.n]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return views of all that training changes, the lanes along the last axis, without those that pad the block."""
        every = {"weights": self.w, "lanes": self.state, "paid": self.paid, "averages": self.averages}
        return {name: array[:, : self.n] for name, array in every.items() if array is not None}

    def begin(self, coef: np.ndarray, intercept: np.ndarray) -> None:
        self.w[:, : self.n] = coef + 0.0  # -0.0 becomes 0.0
        self.row("intercept")[...] = intercept
        for name, value in {"scale": 1, "divisor": 1, "averaged": 0, "owed": 0, "mean_intercept": 0}.items():
            self.row(name)[...] = value
        for array in (self.paid, self.averages):
            if array is not None:
                array[...] = 0

    def begin_average(self, coef: np.ndarray, intercept: np.ndarray) -> None:
        assert self.averages is not None
        self.averages[:, : self.n] = coef
        for name, value in {"divisor": 1, "averaged": 0, "mean_intercept": intercept}.items():
            self.row(name)[...] = value

    def settled(self) -> "tuple[np.ndarray, np.ndarray, np.ndarray | None]":
        """Return copies of weights, state and averages with all L1 penalty collected; reading them must not change the future."""
        if self.paid is None:
            return self.w, self.state, self.averages
        w, state, paid = self.w.copy(), self.state.copy(), self.paid.copy()
        averages = None if self.averages is None else self.averages.copy()
        self._block(w, state, paid, averages).settle()
        return w, state, averages

    def coef(self) -> np.ndarray:
        w, state, _ = self.settled()
        return (w * state[self.table.STATE["scale"]])[:, : self.n].astype(self.dtype)

    def average_coef(self) -> np.ndarray:
        w, state, averages = self.settled()
        if averages is None:
            return np.zeros((len(w), self.n), self.dtype)
        averaged, divisor = state[self.table.STATE["averaged"]], state[self.table.STATE["divisor"]]
        return ((averages + averaged * w) / divisor)[:, : self.n].astype(self.dtype)

    def finite(self) -> np.ndarray:
        weights = np.isfinite(self.w)
        every = weights.all() or weights.all(axis=0)  # the first is much quicker, and mostly true
        return (every & np.isfinite(self.state[self.table.STATE["intercept"]]))[: self.n]

    def open(self, owner: Any, code: int, fresh: bool, go_on: bool = False) -> None:
        """Prepare for a call of `epoch`: its sums begin at 0, unless they `go_on`."""
        if not go_on:
            for name in ("loss", "weighted_loss", "weight", "penalty", "gradient"):
                self.row(name)[...] = 0
        signed = owner.loss in SIGNED_BY_TARGET
        self.block.options(code, signed, owner.fit_intercept, owner.intercept_decay, owner.average)
        if fresh:
            self.block.weigh()

    def learn(
        self,
        rows: Rows,
        order: np.ndarray,
        n: int,
        squares: np.ndarray | None,
        targets: np.ndarray,
        code: np.ndarray | None,
        weight: np.ndarray | None,
        eta: np.ndarray,
        t: float,
        by_step: tuple[bool, bool],
    ) -> float:
        """See the first `n` rows that `order` names, of which the others come next; return the step counter after them.

        Targets have a row for each row, or with `code` for each code of a row. `by_step` says of targets and weights whether they have one
        for each of these steps instead.
        """
        rates = np.zeros((len(eta), self.width))
        rates[:, : self.n] = self._own(eta)
        weight = None if weight is None else self._own(weight)
        return self.block.learn(rows, order, n, squares, self._own(targets), code, weight, rates, t, *by_step)

    def _own(self, values: np.ndarray) -> np.ndarray:
        """Return this block's columns of a table; a single column, which is every lane's, as it is."""
        return values if values.shape[1] == 1 else values[:, self.part]

    def square(self, rows: Rows, out: np.ndarray) -> None:
        self.block.square(rows, out)

    def reader(self) -> Any:
        """Return the compiled loops on weights with all L1 penalty collected, to predict with."""
        w, state, _ = self.settled()
        return self._block(w, state, None, None)
