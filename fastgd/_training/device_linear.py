"""Linear models in lanes on arrays of any library, as on a GPU: `BatchLanes`, whose arrays and arithmetic are where the rows are."""

from typing import Any, ClassVar

import numpy as np

from fastgd._training.batches import BatchLanes
from fastgd._training.device import Columns, DeviceRows, host
from fastgd._training.device_block import DeviceBlock

__all__ = ["DeviceLanes"]


class DeviceLanes(BatchLanes):
    """`BatchLanes` whose weights are arrays of the rows' library, on the rows' device.

    Arguments, methods and results are those of `BatchLanes`: a step is the same to rounding. Products of rows and weights, losses and
    norms are the library's; the optimizer's rule is run by the kernels of `device_steps.py`. What is read (`coef`, `state`) are copies on
    the host, and an epoch sends there what it measured, a few numbers for each lane.

    Parameters
    ----------
    rows : DeviceRows
        Any rows of the library, on the device, of the dtype and number of features that will be learnt from.
    loss : str
        As in `BatchLanes`.
    **options
        As in `BatchLanes`.

    Notes
    -----
    Weights are ``(K, n_features)`` here. All features are updated in every step, those that sparse rows do not name included.
    """

    block: ClassVar[Any] = DeviceBlock

    def __init__(self, rows: DeviceRows, loss: str, **options: Any):
        self.rows = rows
        self._sent: dict[str, Columns] = {}
        super().__init__(rows.dtype, rows.n_features, loss, **{**options, "n_threads": 1})
        self._block: Any = self._blocks[0]

    def set_average(self, coef: np.ndarray, intercept: Any) -> None:
        """Go on averaging from these averages, which count as those of the steps from `average` to ``t - 1``."""
        super().set_average(coef, intercept)
        self._block.push()

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned, here or in `BatchLanes` on the host."""
        super().set_state(state)
        self._block.push()

    def _steps(
        self, rows: Any, order: np.ndarray, targets: Any, row_weight: Any, eta: np.ndarray, learning: bool
    ) -> None:
        if learning:
            self._fill(int(self.t) - 1, eta)
        targets = self._columns("targets", targets, rows, self.dtype)
        weight = None if row_weight is None else self._columns("weight", row_weight, rows, np.float64)
        with np.errstate(all="ignore"):  # of libraries in host memory
            for numbers, batch in rows.batches(order, self.batch_size):
                self._block.learn(batch, numbers, targets, weight, learning)
                self.t += 1
        self._block.note_lost()

    def _columns(self, name: str, values: Any, rows: DeviceRows, dtype: Any) -> Columns:
        """Return targets or weights on the device, where they stay until others come."""
        kept = self._sent.get(name)
        if kept is None or kept.source is not values:
            kept = self._sent[name] = Columns(values, rows, dtype)
        return kept

    def _result(self, n_rows: int, n_steps: int, weighted: bool) -> Any:
        self._block.report()
        return super()._result(n_rows, n_steps, weighted)

    def decision(self, rows: Any) -> np.ndarray:
        """Return the raw predictions, ``(n_rows, K)``, on the host."""
        block, every = self._block, rows.batch(range(rows.n_rows))
        return host(every.product(block.arrays["weights"][0]) + block.arrays["weights"][1])
