"""Which estimators can be lanes of a search, and in what they may differ then."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastgd._estimators import auto
from fastgd._training.own_lanes import runs_in_networks
from fastgd.linear_model import Perceptron, SGDClassifier, SGDRegressor
from fastgd.model_selection._networks import NetworkPass
from fastgd.model_selection._together import Pass
from fastgd.neural_network import MLPClassifier, MLPRegressor, _solvers

RATES = ("constant", "optimal", "invscaling", "adaptive", "pa1", "pa2")


@dataclass(frozen=True)
class Kind:
    """What those estimators have in common that can be lanes beside one another.

    Parameters
    ----------
    models : tuple of types
        Not their subclasses.
    of_a_lane : tuple of str
        The parameters that a lane may have of its own.
    shared : tuple of str
        What `work` honours beside them: an estimator with any other parameter that is not at its default is left to its own `fit`.
    refused : callable
        Returns the names of those parameters of an estimator whose values are not for lanes.
    rate : callable
        Returns the learning rate of an estimator: a number, name or schedule.
    work : type
        What trains them.
    """

    models: tuple[type, ...]
    of_a_lane: tuple[str, ...]
    shared: tuple[str, ...]
    refused: Callable[[Any], list[str]]
    rate: Callable[[Any], Any]
    work: type[Pass]

    @classmethod
    def of(cls, model: Any) -> "Kind | None":
        """Return the kind of an estimator, None if it cannot be a lane."""
        return next((kind for kind in (LINEAR, NETWORK) if type(model) in kind.models), None)

    def not_for_lanes(self, model: Any) -> list[str]:
        """Return the parameters for which an estimator cannot be a lane."""
        fresh, known = type(model)().get_params(), {*self.of_a_lane, *self.shared}
        given = model.get_params(deep=False)
        foreign = [n for n, value in given.items() if n not in known and repr(value) != repr(fresh[n])]
        return foreign + self.refused(model)


def _refused_of_linear(model: Any) -> list[str]:
    named = isinstance(model.learning_rate, str) and model.learning_rate not in RATES
    found = {"learning_rate": named, "restore_best": model.restore_best and not model.early_stopping}
    return [name for name, refused in found.items() if refused]


def _refused_of_network(model: Any) -> list[str]:
    own_steps = not runs_in_networks(model.optimizer)
    found = {"solver": model.solver == "lbfgs", "learning_rate": auto.is_auto(model), "optimizer": own_steps}
    return [name for name, refused in found.items() if refused]


LINEAR = Kind(
    (SGDClassifier, SGDRegressor, Perceptron),
    ("alpha", "l1_ratio", "penalty", "eta0", "epsilon", "quantile", "power", "gamma", "learning_rate", "power_t"),
    (
        *("loss", "fit_intercept", "max_iter", "tol", "shuffle", "verbose", "n_jobs", "random_state", "early_stopping"),
        *("validation_fraction", "n_iter_no_change", "class_weight", "warm_start", "average", "restore_best"),
        *("sparse_intercept_decay", "optimizer", "batch_size", "clip_norm"),
    ),
    _refused_of_linear,
    lambda model: model.learning_rate,
    Pass,
)

NETWORK = Kind(
    (MLPClassifier, MLPRegressor),
    ("alpha", "l1", "learning_rate_init", "learning_rate", "power_t"),
    (
        *(
            "loss",
            "hidden_layer_sizes",
            "activation",
            "solver",
            "batch_size",
            "max_iter",
            "shuffle",
            "random_state",
            "tol",
        ),
        *("verbose", "warm_start", "momentum", "nesterovs_momentum", "early_stopping", "validation_fraction", "beta_1"),
        *("beta_2", "epsilon", "n_iter_no_change", "max_fun", "optimizer", "clip_norm", "dropout", "max_norm", "init"),
        *("decoupled_weight_decay", "non_negative", "huber_epsilon", "class_weight", "temperature", "n_jobs"),
    ),
    _refused_of_network,
    lambda model: _solvers.given_rate(model)[1],
    NetworkPass,
)
