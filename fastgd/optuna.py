"""Optuna: give up trials that are not promising, while they train.

>>> import optuna
>>> from fastgd.linear_model import SGDRegressor
>>> from fastgd.optuna import PruningCallback
>>> optuna.logging.set_verbosity(optuna.logging.ERROR)
>>> X, y = [[0.0], [1.0]] * 50, [0.0, 1.0] * 50
>>> def objective(trial):
...     rate = trial.suggest_float("learning_rate", 1e-4, 1.0, log=True)
...     model = SGDRegressor(learning_rate=rate, max_iter=20, tol=None, random_state=0)
...     model.fit(X, y, X_val=X, y_val=y, callbacks=[PruningCallback(trial)])
...     return model.history_["val_loss"][-1]
>>> study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), pruner=optuna.pruners.MedianPruner(2))
>>> study.optimize(objective, n_trials=8)
>>> sum(trial.state.name == "PRUNED" for trial in study.trials) > 0
True
"""

from typing import Any

import numpy as np

from fastgd._validation import ArgumentValueError, choice

__all__ = ["PruningCallback"]

MONITORS = ("val_loss", "val_score", "objective", "loss")


class PruningCallback:
    """Reports each epoch to a trial, and ends it where the study's pruner says so.

    For ``fit(..., callbacks=[PruningCallback(trial)])`` of linear models and networks. A pruned `fit` raises ``optuna.TrialPruned``, which
    Optuna catches, and leaves the estimator as it was before. Steps are counted over all calls of `fit` and `partial_fit` that the object
    is given to.

    Parameters
    ----------
    trial : optuna.trial.Trial
        Of a study with one objective.
    monitor : {"val_loss", "val_score", "objective", "loss"}
        What to report: the first two are of the validation rows (`X_val` and `y_val`, or held out by ``early_stopping=True``), the last two
        of those learnt from, with and without the penalty. Of several classes or outputs, losses are summed and scores averaged. The
        study's direction is "maximize" for scores, "minimize" for the others.

    Attributes
    ----------
    n_epochs : int
        How many have been reported.

    Raises
    ------
    ArgumentValueError
        In `fit`: it has no validation rows.

    Examples
    --------
    >>> import optuna
    >>> from fastgd.linear_model import SGDRegressor
    >>> from fastgd.optuna import PruningCallback
    >>> trial = optuna.create_study().ask()
    >>> watch = PruningCallback(trial, monitor="loss")
    >>> model = SGDRegressor(max_iter=3, tol=None).fit([[0.0], [1.0]] * 50, [0.0, 1.0] * 50, callbacks=[watch])
    >>> watch.n_epochs
    3
    """

    def __init__(self, trial: Any, monitor: str = "val_loss"):
        self.trial, self.monitor = trial, choice(monitor, "PruningCallback", "monitor", MONITORS)
        self.n_epochs = 0
        self._last: np.ndarray | None = None  # of each lane: those that have stopped keep what they ended with

    def __call__(self, info: Any) -> None:
        """Report an epoch, an `EpochInfo`."""
        import optuna

        value = getattr(info, self.monitor)
        if value is None:
            raise ArgumentValueError(
                f"the 'monitor' argument of PruningCallback is {self.monitor!r}, but fit has no validation rows: pass X_val and y_val, set "
                "early_stopping=True, or monitor 'objective'."
            )
        now = np.atleast_1d(np.asarray(value, np.float64))
        if self._last is not None and now.size > 1:
            now = np.where(np.isnan(now), self._last, now)
        self._last = now
        self.n_epochs += 1
        self.trial.report(float(now.mean() if self.monitor == "val_score" else now.sum()), self.n_epochs)
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"pruned after epoch {self.n_epochs}")
