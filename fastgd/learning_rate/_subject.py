"""An estimator with its rows, as the finder sees it: the same questions for linear models and networks."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastgd._training.models import AnyLanes, of_models, side_by_side
from fastgd._training.rows import Rows
from fastgd._validation import ArgumentTypeError


def is_network(estimator: Any, subject: str, others: str = "", fix: str = "") -> bool:
    """Return whether an estimator whose rates are compared is a network or a linear model; refuse what has no lanes, by these words."""
    from fastgd.linear_model import SGDOneClassSVM
    from fastgd.linear_model._base import LinearSGD
    from fastgd.neural_network._base import MultilayerPerceptron

    network = isinstance(estimator, MultilayerPerceptron) and estimator.solver != "lbfgs"
    if not (isinstance(estimator, LinearSGD) or network) or isinstance(estimator, SGDOneClassSVM):
        kinds = "an SGDClassifier, SGDRegressor or Perceptron of fastgd.linear_model, or a network with solver 'adam' or 'sgd'"
        raise ArgumentTypeError(f"{subject} must be {kinds}{others}; got {type(estimator).__name__}.{fix}")
    return network


@dataclass(frozen=True)
class Subject:
    """What is to be trained with many rates.

    Parameters
    ----------
    model : estimator
        A clone, whose `_task` has been called with the rows.
    X : ndarray or CSR, shape (n_rows, n_features)
    targets, weight : ndarray, shape (n_rows, 1) or (n_rows, columns); the weight may be None
    learn : ndarray of int64
        The rows of a weight above 0.
    seed : int
    columns : int
        The number of lanes of a model.
    network : bool
    task : dict
        What `_task` returned.
    """

    model: Any
    X: Any
    targets: np.ndarray
    weight: np.ndarray | None
    learn: np.ndarray
    seed: int
    columns: int
    network: bool
    task: dict[str, Any]

    @classmethod
    def of(cls, estimator: Any, X: Any, y: Any, sample_weight: Any, random_state: Any) -> "Subject":
        """Return the subject of an estimator, which stays as it is."""
        from sklearn.base import clone
        from sklearn.pipeline import Pipeline

        from fastgd._estimators import inputs

        if isinstance(estimator, Pipeline):
            before = clone(estimator[:-1]) if len(estimator) > 1 else None
            X, estimator = X if before is None else before.fit_transform(X, y), estimator[-1]
        others = ", a pipeline that ends with one, or parameters with a function"
        network = is_network(estimator, "the 'model' argument of lr_find", others)
        model = clone(estimator).set_params(**({} if random_state is None else {"random_state": random_state}))
        model._validate_params()
        task = model._task(X, y, sample_weight, (None, None, None), False)
        learn = inputs.rows_to_learn(task["X"], task["weight"], None)
        seed = task["seed"] if network else model._seed()
        columns = task.get("n_lanes", 1)
        return cls(model, task["X"], task["targets"], task["weight"], learn, seed, columns, network, task)

    @property
    def classifies(self) -> bool:
        """Return whether the targets are classes: an untrained model loses as much on each of them."""
        from sklearn.base import is_classifier

        return bool(is_classifier(self.model))

    @property
    def perfect_at_zero(self) -> bool:
        """Return whether weights of zero lose nothing, so that no loss tells what has been learnt."""
        return getattr(self.model, "_perfect_at_zero", False)

    def part(self, n_rows: int) -> "Subject":
        """Return the subject of so many of the rows it learns from, drawn at random and copied; itself where there are no more."""
        if n_rows >= len(self.learn):
            return self
        drawn = np.random.default_rng(self.seed).choice(len(self.learn), n_rows, replace=False, shuffle=False)
        rows = (
            np.sort(drawn) if isinstance(self.learn, range) else self.learn[np.sort(drawn)]
        )  # a range is that of all rows
        X, targets = self.X[rows], self.targets[rows]
        weight = None if self.weight is None else self.weight[rows]
        task = {**self.task, "X": X, "weight": weight}
        return replace(self, X=X, targets=targets, weight=weight, learn=np.arange(n_rows), task=task)

    def begin(self, n_models: int) -> AnyLanes:
        """Return models side by side that have learnt nothing yet."""
        if self.network:
            return self.model._beside(self.task, self.learn, n_models)
        return self.model._new_lanes(self.X, self.columns * n_models, self.X.dtype)

    def probe(self, X: Any, n_models: int) -> AnyLanes:
        """Return models of zeros for rows like X, to measure with."""
        return self.model._probe(X, self.columns * n_models, self.X.dtype)

    def targets_of(self, n_models: int) -> np.ndarray:
        """Return the targets of so many models; networks share them."""
        return self.targets if self.network else side_by_side(self.targets, n_models)

    def weights_of(self, n_models: int, times: np.ndarray | None = None) -> np.ndarray | None:
        """Return the weights of the rows in so many models, multiplied by those of each row in each model, (n_rows, n_models)."""
        own = side_by_side(self.weight, n_models)
        each = None if times is None else np.repeat(times, self.columns, axis=1)
        return own if each is None else each if own is None else each * own

    def blank(self) -> Rows:
        """Return rows of zeros: to any model as good as rows of features that it has not learnt yet."""
        return Rows.of(np.zeros((self.X.shape[0], 1), self.X.dtype))


def mean_loss(lanes: AnyLanes, n_models: int, result: Any) -> np.ndarray:
    """Return the mean loss of each model, (n_models,), the sum over its classes where they are one-vs-rest."""
    with np.errstate(all="ignore"):
        return of_models(lanes, result.weighted_loss_sum / result.weight_sum).reshape(n_models, -1).sum(axis=1)
