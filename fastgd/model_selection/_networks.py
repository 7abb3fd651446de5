"""Networks trained side by side: each as its `fit` alone, bit for bit."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

from fastgd._training import fit
from fastgd._training.network import NetworkLanes
from fastgd.model_selection._together import Pass

MOST_BYTES = (
    2**21
)  # of parameters in one pass: with more, they and the optimizer's state leave the cache between batches


class NetworkPass(Pass):
    """A pass of networks of one architecture, which differ in their penalty and rate only and share weights of rows and targets."""

    def warn(self, model: Any) -> None:
        """Let a fitted network say what its `fit` would."""
        model._warn(len(self.train), in_fit=True)

    def _most(self) -> int:
        first = self.models[0]
        sizes = [self.zeros.shape[1], *first._hidden(), first.n_outputs_]
        n_parameters = sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
        return min(super()._most(), MOST_BYTES // (n_parameters * self.zeros.dtype.itemsize))

    def _counted(self, task: dict[str, Any]) -> int:
        return len(self.train) - (0 if task["held_out"] is None else len(task["held_out"]))

    def _lanes(self, models: list) -> NetworkLanes:
        times = models[0]._alpha_times(self.lane_weight, self.learn)
        return models[0]._new_lanes(self.zeros, len(models), self.zeros.dtype, self.seed, times, models)

    def _problem(self, n_models: int) -> fit.Problem:
        return fit.Problem(self.data.rows, self.targets, self.learn, self.lane_weight)

    def _plan(self, model: Any) -> fit.Plan:
        return replace(model._plan(int(model.max_iter), False), drop_diverged=True)

    def _judge(self, models: list, lanes: Any) -> fit.Validation | None:
        return models[0]._measured(self.validation, lanes)

    def _adopt(self, model: Any, outcome: fit.Outcome, k: int) -> Exception | None:
        if outcome.stop_reason[k] == "diverged":
            return outcome.error(k)
        model._take(outcome, k, self._problem(1))
        model.t_ = model.n_iter_ * self.n_counted
        return None
