"""The parameters of the networks' estimators: what they may be, and what they forbid one another."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from fastgd._estimators import auto, settings
from fastgd._training import rollback
from fastgd._training.network_shape import ACTIVATIONS, MOST_LAYERS
from fastgd._training.pacing import Pace
from fastgd._validation import ArgumentTypeError, ArgumentValueError, shortened
from fastgd.neural_network import _solvers
from fastgd.optimizers import Optimizer
from fastgd.schedules import Schedule

LARGEST_AUTO_BATCH = 200


class NetworkSettings:
    """What the constructor's arguments mean; estimators add what they learn."""

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [
            StrOptions({"constant", "invscaling", "adaptive", auto.AUTO}),
            Interval(Real, 0, None, closed="neither"),
            Schedule,
        ],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither"), Schedule],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state", np.random.Generator],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "optimizer": [Optimizer, None],
        "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "l1": [Interval(Real, 0, None, closed="left")],
        "decoupled_weight_decay": ["boolean"],
        "max_norm": [Interval(Real, 0, None, closed="neither"), None],
        "non_negative": ["boolean"],
        "init": [StrOptions({"auto", "glorot_uniform", "he_uniform", "lecun_uniform"})],
        "max_time": [Interval(Real, 0, None, closed="neither"), None],
        "on_divergence": [StrOptions(set(rollback.WAYS))],
        "n_jobs": [Integral, None],
    }

    # The constructors set them.
    hidden_layer_sizes: Any
    solver: str
    batch_size: Any
    dropout: Any
    early_stopping: bool
    random_state: Any
    n_jobs: int | None

    def _check_settings(self, for_partial_fit: bool = False) -> None:
        """Refuse what parameters forbid one another, in scikit-learn's words."""
        if self.early_stopping and for_partial_fit:
            raise ArgumentValueError("partial_fit does not support early_stopping=True")
        if auto.is_auto(self) and self.solver == "lbfgs":
            raise ArgumentValueError("solver='lbfgs' has no learning rate to find; leave learning_rate out.")
        settings.check_n_jobs(self.n_jobs)
        self._hidden()
        _solvers.check(self)

    def _holds_out(self) -> bool:
        """Return whether `fit` needs validation rows."""
        return self.early_stopping or auto.is_auto(self)

    def _hidden(self) -> list[int]:
        """Return the sizes of the hidden layers."""
        given = self.hidden_layer_sizes
        sizes = list(given) if hasattr(given, "__iter__") else [given]
        if not all(isinstance(size, Integral) and not isinstance(size, (bool, np.bool_)) for size in sizes):
            raise ArgumentTypeError(
                f"hidden_layer_sizes must be an integer or integers; got {shortened(repr(given), 80)}."
            )
        if any(size <= 0 for size in sizes):
            raise ArgumentValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        if len(sizes) >= MOST_LAYERS:
            raise ArgumentValueError(
                f"hidden_layer_sizes must have at most {MOST_LAYERS - 1} layers; got {len(sizes)}."
            )
        shares = np.asarray(self.dropout)
        if (
            shares.dtype.kind not in "iuf"
            or not ((shares >= 0) & (shares < 1)).all()
            or shares.shape not in ((), (len(sizes),))
        ):
            raise ArgumentValueError(
                f"dropout must be a number in [0, 1) or one for each of the {len(sizes)} hidden layers; got {self.dropout!r}."
            )
        return [int(size) for size in sizes]

    def _seed(self) -> int:
        return settings.seed(self.random_state)

    def _batch_size(self, n_rows: int) -> int:
        if self.solver == "lbfgs":
            return n_rows
        return min(LARGEST_AUTO_BATCH if self.batch_size == "auto" else int(self.batch_size), n_rows)

    def _rate(self, n_lanes: int, n_rows: int, n_epochs: int, memory: Any = None, rates: Any = None) -> Pace:
        """Return the pace of the lanes; see `_solvers.pace_of`."""
        return _solvers.pace_of(self, n_lanes, n_rows, self._batch_size(n_rows), n_epochs, memory, rates)

    def _with_rate(self, rate: float) -> dict[str, Any]:
        return _solvers.with_rate(self, rate)
