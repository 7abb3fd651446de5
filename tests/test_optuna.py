"""The pruning callback: what a trial is told, when training ends, and that a study finds its way with it."""

import numpy as np
import pytest

from fastgd import ArgumentValueError
from fastgd.linear_model import SGDClassifier, SGDRegressor
from fastgd.neural_network import MLPClassifier
from fastgd.optuna import PruningCallback

optuna = pytest.importorskip("optuna")
optuna.logging.set_verbosity(optuna.logging.ERROR)

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(120, 4))
Y = np.searchsorted([-0.5, 0.5], X @ np.arange(4.0) / 3)
EPOCHS = {"max_iter": 4, "tol": None, "random_state": 0}
VALIDATION = {"X_val": X[:40], "y_val": Y[:40]}


class Trial:
    """Notes what it is told, and says after which report to stop."""

    def __init__(self, prune_at=None):
        self.reports, self.prune_at = [], prune_at

    def report(self, value, step):
        self.reports.append((step, value))

    def should_prune(self):
        return len(self.reports) == self.prune_at


@pytest.mark.parametrize("monitor", ["val_loss", "val_score", "objective", "loss"])
@pytest.mark.parametrize("y", [Y, (Y > 0).astype(int)], ids=["three lanes", "one lane"])
def test_a_trial_is_told_what_the_history_says(monitor, y):
    trial = Trial()
    model = SGDClassifier(loss="log_loss", learning_rate=0.01, **EPOCHS)
    model.fit(X, y, X_val=X[:40], y_val=y[:40], callbacks=[PruningCallback(trial, monitor)])
    history = model.history_[monitor].reshape(4, -1)
    expected = history.mean(axis=1) if monitor == "val_score" else history.sum(axis=1)
    assert [step for step, _ in trial.reports] == [1, 2, 3, 4]
    np.testing.assert_allclose([value for _, value in trial.reports], expected, rtol=1e-12)


def test_classes_that_have_stopped_keep_their_last_loss():
    trial = Trial()
    model = SGDClassifier(loss="log_loss", learning_rate=0.05, tol=1e-2, random_state=0)
    model.fit(X, Y, **VALIDATION, callbacks=[PruningCallback(trial)])
    history = model.history_["val_loss"]
    assert np.isnan(history).any(), "the lanes must stop at different times for this test to say anything"
    last = history[0].copy()
    for row, (_, value) in zip(history, trial.reports, strict=True):
        last = np.where(np.isnan(row), last, row)
        assert value == pytest.approx(last.sum(), rel=1e-12)


@pytest.mark.filterwarnings("ignore:.*Maximum iterations:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", [SGDClassifier(**EPOCHS), MLPClassifier((3,), **EPOCHS)], ids=["linear", "network"])
def test_pruning_ends_fit_and_leaves_the_estimator_as_it_was(model):
    before = dict(vars(model))
    trial = Trial(prune_at=2)
    with pytest.raises(optuna.TrialPruned, match="after epoch 2"):
        model.fit(X, Y, **VALIDATION, callbacks=[PruningCallback(trial)])
    assert len(trial.reports) == 2
    assert vars(model) == before


def test_steps_go_on_in_partial_fit():
    trial = Trial()
    watch = PruningCallback(trial, "loss")
    model = SGDRegressor(random_state=0)
    for _ in range(3):
        model.partial_fit(X, X[:, 0], callbacks=[watch])
    assert [step for step, _ in trial.reports] == [1, 2, 3]


def test_without_validation_rows_it_says_what_to_do():
    with pytest.raises(ArgumentValueError, match="X_val"):
        SGDRegressor(random_state=0).fit(X, X[:, 0], callbacks=[PruningCallback(Trial())])
    with pytest.raises(ArgumentValueError, match="val_los"):
        PruningCallback(Trial(), "val_los")


def test_a_study_prunes_bad_rates_and_finds_a_good_one():
    def objective(trial):
        rate = trial.suggest_float("learning_rate", 1e-6, 1.0, log=True)
        model = SGDRegressor(learning_rate=rate, max_iter=10, tol=None, random_state=0)
        model.fit(X, X @ np.arange(4.0), X_val=X, y_val=X @ np.arange(4.0), callbacks=[PruningCallback(trial)])
        return model.history_["val_loss"][-1]

    pruner = optuna.pruners.MedianPruner(n_startup_trials=4)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), pruner=pruner)
    study.optimize(objective, n_trials=16, catch=FloatingPointError)
    states = [trial.state.name for trial in study.trials]
    assert states.count("PRUNED") >= 3
    assert study.best_value < 1e-3
