"""The tables of steps that the compiled mini-batch loop reads, and with sparse rows the past that features catch up with."""

from typing import Any

import numpy as np

from fastgd._training.batch_scalars import Idle, RuleScalars

TILE = 16
DENSE_STEPS = 256
CAPACITIES = (1024, 65536)  # steps of sparse rows, least and most
PORTION = 512  # steps that are computed at once
HISTORY = 3  # mantissa, exponent, debt; see batch_lazy.pxd


class Tables:
    """What each step does; with sparse rows all steps since every feature was last caught up.

    Parameters
    ----------
    kernel : object
        The compiled loop, which reads and writes them.
    rules : RuleScalars
    sparse : bool
    n_features, n_lanes, stride : int
        `stride` counts the lanes with padding.
    one_class : bool
        Whether intercepts drift.

    """

    def __init__(
        self,
        kernel: Any,
        rules: RuleScalars,
        sparse: bool,
        n_features: int,
        n_lanes: int,
        stride: int,
        one_class: bool,
    ):
        self.kernel, self.rules, self.sparse, self.n_lanes = kernel, rules, sparse, n_lanes
        self.width = min(TILE, stride)
        # Catching up all features costs n_features steps, once in `capacity`; the history is small beside the weights
        self.capacity = min(max(n_features // 64, CAPACITIES[0]), CAPACITIES[1]) if sparse else DENSE_STEPS
        tiles = max(1, stride // TILE)
        self.scalars = np.zeros((tiles, self.capacity, len(rules.intercept_factors), self.width), rules.dtype)
        self.shares = np.zeros(self.capacity)
        self.drifts = np.zeros((self.capacity, stride)) if one_class else None
        self.seen = np.zeros(n_features if sparse else 0, np.int64)
        self.touched = np.zeros_like(self.seen)
        self.history = np.zeros((tiles, self.capacity + 1 if sparse else 1, HISTORY, self.width))
        self.history[:, 0, 0] = 1
        self.idle: Idle | None = None
        kernel.now = 0
        kernel.use_tables(self.scalars, self.shares, self.drifts)

    @property
    def position(self) -> int:
        """How many of the steps have been done."""
        return self.kernel.now

    @property
    def room(self) -> int:
        """How many steps may be filled in next."""
        return min(self.capacity - self.position, PORTION)

    def plan(self, idle: Idle) -> None:
        """Set how features catch up."""
        if self.sparse:
            self.idle = idle
            self._lend_history(self.kernel, self.seen, self.touched)

    def _lend_history(self, kernel: Any, seen: np.ndarray, touched: np.ndarray) -> None:
        assert self.idle is not None
        fades = np.ones((len(self.idle.fades), self.capacity + 1))
        for row, factor in zip(fades, self.idle.fades, strict=True):
            row[1:] = np.multiply.accumulate(np.full(self.capacity, factor))
        zeros = np.zeros(self.width, self.rules.dtype)
        kernel.use_history(seen, touched, self.history, fades, zeros, self.idle.head, self.idle.tail)

    def fill(self, scalars: np.ndarray, shares: np.ndarray | None, drifts: np.ndarray) -> None:
        """Fill in the next steps: scalars ``(n, n_scalars, K)``, shares in the averages ``(n,)``, drifts of the intercepts ``(n, K)``."""
        place = slice(self.position, self.position + len(scalars))
        _deal(scalars, self.scalars[:, place])
        if shares is not None:
            self.shares[place] = shares
        if self.drifts is not None:
            self.drifts[place, : self.n_lanes] = drifts

    def settle(self) -> None:
        """Let every feature catch up, and begin the tables anew."""
        if self.sparse and self.position:
            self.kernel.settle()
            self.kernel.weigh()
        self.kernel.now = 0

    def settle_copy(self, kernel: Any) -> None:
        """Let the features of a copy catch up."""
        kernel.use_tables(self.scalars, self.shares, self.drifts)
        self._lend_history(kernel, self.seen.copy(), self.touched)
        kernel.now = self.position
        kernel.settle()

    def past(self) -> dict[str, Any]:
        """Return copies of what features have yet to catch up with; nothing where there is nothing."""
        n = self.position
        if not (self.sparse and n):
            return {}
        assert self.idle is not None
        return {
            "past.position": n,
            "past.scalars": self._gathered(self.scalars[:, :n]),
            "past.shares": self.shares[:n].copy(),
            "past.history": self._gathered(self.history[:, : n + 1]),
            "past.seen": self.seen.copy(),
            "past.idle": tuple(self.idle),
        }

    def _gathered(self, tiles: np.ndarray) -> np.ndarray:
        """Return a table of tiles, ``(n_tiles, n, m, width)``, as one of lanes, ``(n, m, K)``."""
        return np.concatenate(list(tiles), axis=-1)[..., : self.n_lanes]

    def set_past(self, state: dict[str, Any], part: slice) -> None:
        """Go on from what `past` returned; these lanes are that part of those of the state."""
        self.kernel.now = n = int(state["past.position"])
        _deal(state["past.scalars"][..., part], self.scalars[:, :n])
        _deal(state["past.history"][..., part], self.history[:, : n + 1])
        self.shares[:n], self.seen[...] = state["past.shares"], state["past.seen"]
        self.idle = Idle(*state["past.idle"])


def _deal(table: np.ndarray, tiles: np.ndarray) -> None:
    """Copy a table of lanes, ``(n, m, K)``, to one of tiles, ``(n_tiles, n, m, width)``; what pads a tile does what its first lane does."""
    width = tiles.shape[-1]
    for k, tile in enumerate(tiles):
        part = table[..., k * width : (k + 1) * width]
        tile[..., : part.shape[-1]] = part
        tile[..., part.shape[-1] :] = part[..., :1]  # of weights that stay 0


def step_scalars(rules: RuleScalars, step: int, eta: np.ndarray, l2: np.ndarray, l1: np.ndarray) -> np.ndarray:
    """Return all scalars ``(n, n_scalars, K)`` of the steps from `step` (from 0) on, with the rates `eta` and penalties of each lane."""
    scalars, decay = rules.table(step, eta)
    share, decay = np.minimum(1, eta * l2), np.minimum(1, decay)
    scalars[:, 2] = share + decay - share * decay
    scalars[:, 3] = eta * l1
    return scalars
