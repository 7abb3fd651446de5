"""What a state knows beside the parameters it steps: estimates of self-tuning optimizers, and averages that are to be evaluated."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from fastgd import _params
from fastgd import _validation as check
from fastgd._arrays import Arrays
from fastgd._kernels import execute
from fastgd._params import Tree


class Readings:
    """The part of `State` that reads what steps have left."""

    optimizer: Any
    params: Tree
    names: list[str]
    arrays: Arrays
    _params: list[np.ndarray]
    _members: list[int]
    _groups: list
    _memories: list
    _around: Any
    _plan: Any
    _lent: bool
    _replay: Any

    @property
    def estimates(self) -> dict[str, dict[str, float]]:
        """The numbers that a self-tuning optimizer has found so far, by parameter and by name, such as ``d`` of `Prodigy`.

        Parameters of one group that have had the same steps share them. Empty for optimizers that do not tune themselves. The step that
        was taken is here; `lr` and `StepInfo.lr` are the factor that the optimizer was given.

        Examples
        --------
        >>> import fastgd, numpy as np
        >>> state = fastgd.DoG().init({"w": np.array([3.0, 4.0])})
        >>> info = state.step({"w": np.array([6.0, 8.0])})
        >>> {key: round(value, 8) for key, value in state.estimates["w"].items()}
        {'rbar': 6e-06, 'G': 100.0, 'eta': 6e-07}
        """
        names = self.optimizer.carried
        found = [(name, self._plan.cohort_of(i).carry) for i, name in enumerate(self.names)] if names else []
        return {name: dict(zip(names, carry, strict=True)) for name, carry in found}

    def evaluation_params(self) -> Tree:
        """Return copies of the parameters as they should be evaluated, arranged as the parameters are.

        Most optimizers step the very weights that are to be used. Schedule-free ones and averaging ones do not: training goes on at
        one point, while another one, the average, is the answer. This gives that one, and leaves the parameters where they are: there
        is no mode to switch between training and evaluation. To end with those weights, copy them in: ``w[...] = ...``.

        Returns
        -------
        array, list, tuple or dict
            New arrays of the parameters' shapes and dtypes.

        Examples
        --------
        >>> import fastgd, numpy as np
        >>> w = np.array([4.0])
        >>> state = fastgd.ASGD(lr=0.9, lambd=0.0, t0=0).init(w)
        >>> for _ in range(50):
        ...     info = state.step(2 * w)
        >>> bool(abs(state.evaluation_params()[0]) < 0.1)
        True
        """
        self._refuse_lent("evaluation_params")
        self._around.settle(self._plan.t)
        copies = []
        for k, (name, p, m) in enumerate(zip(self.names, self._params, self._members, strict=True)):
            if self._around.averages:
                copies.append(np.array(self._around.averages[-1].arrays[k], p.dtype))
                continue
            group = self._groups[m]
            slots = {slot: execute.host(self.arrays[f"{name}.{slot}"]) for slot in execute.slot_names(group.rule)}
            group.advance(max(self._plan.t - 1, 0), self._memories[m])  # as in the last step
            copies.append(np.array(group.current._evaluated(execute.host(p), slots), p.dtype))
        return _params.arranged(self.params, iter(copies))

    @contextlib.contextmanager
    def averaged(self) -> Iterator[Tree]:
        """Put the values of `evaluation_params` into the parameters for the time of a ``with`` block.

        The block gets the parameters; afterwards they are what they were. Meanwhile the state neither steps nor can be saved.

        Examples
        --------
        >>> import fastgd, numpy as np
        >>> w = np.array([1.0])
        >>> state = fastgd.SGD(lr=0.5, extras=fastgd.EMA(decay=0.75)).init(w)
        >>> info = state.step(2 * w)
        >>> with state.averaged() as params:
        ...     print(params)
        [0.75]
        >>> w
        array([0.])
        """
        self._refuse_lent("averaged")
        self._around.settle(self._plan.t)
        averages = [] if self._around.averages else [a for _, a in _params.leaves(self.evaluation_params())]
        before = [execute.copy_of(p) for p in self._params]
        self._lent = True
        try:
            if self._around.averages:
                self._around.averages[-1].show()
            else:
                for p, average in zip(self._params, averages, strict=True):
                    p[...] = average
            yield self.params
        finally:
            for p, value in zip(self._params, before, strict=True):
                p[...] = value
            self._lent = False

    def _refuse_lent(self, owner: str) -> None:
        if self._lent:
            raise check.ConcurrentStepError(
                f"{owner} inside `with state.averaged()`: the parameters hold their averages"
            )
        if self._replay is not None:
            self._replay._catch_up()
