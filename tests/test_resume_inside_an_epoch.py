"""A fit that max_time or Ctrl-C ends inside an epoch goes on at that row, bit for bit, also after pickling."""

import pickle
import signal
import time

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import NotFittedError

import fastgd
from fastgd._training import pauses
from fastgd._training.batches import BatchLanes
from fastgd._training.fit import DivergedError
from fastgd._training.linear import LinearLanes
from fastgd.linear_model import Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor
from fastgd.schedules import cosine, plateau

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning")

ROWS = 7  # of a stretch, or the batch if that is larger
N = 60
generator = np.random.default_rng(0)
X = generator.normal(size=(N, 5)) * (generator.random((N, 5)) < 0.7)
SCORE = X @ np.arange(5) + generator.normal(size=N)
CLASSES = np.searchsorted(np.quantile(SCORE, [0.3, 0.7]), SCORE)
TARGETS = {
    "two classes": (SCORE > 0).astype(int),
    "three classes": CLASSES,
    "labels": np.column_stack([SCORE > 0, X[:, 0] > 0]).astype(int),
    "numbers": SCORE,
    "outputs": np.column_stack([SCORE, X[:, 0]]),
}
ADAM = {"optimizer": fastgd.Adam(), "batch_size": 8, "learning_rate": 0.05}
EVERY = {"max_iter": 4, "tol": None, "random_state": 1}
CASES = {
    "SGD": (SGDClassifier, "two classes", {}),
    "one class": (SGDOneClassSVM, "numbers", {}),
    "perceptron": (Perceptron, "three classes", {}),
    "Adam": (SGDClassifier, "two classes", ADAM),
    "labels": (SGDClassifier, "labels", {"loss": "log_loss", "class_weight": "balanced"}),
    "softmax": (SGDClassifier, "three classes", {"loss": "softmax", "batch_size": 4, "clip_norm": 0.5}),
    "L1, averaged": (SGDClassifier, "three classes", {"penalty": "l1", "average": 20}),
    "threads": (SGDClassifier, "three classes", {"n_jobs": 2}),
    "regression": (SGDRegressor, "numbers", {}),
    "regression, Adam": (SGDRegressor, "outputs", ADAM),
    "AMSGrad, averaged": (SGDRegressor, "numbers", ADAM | {"optimizer": fastgd.Adam(amsgrad=True), "average": 5}),
    "momentum": (SGDRegressor, "numbers", {"optimizer": fastgd.SGD(lr=0.01, momentum=0.9), "batch_size": 3}),
    "adaptive": (SGDRegressor, "outputs", {"learning_rate": "adaptive", "eta0": 0.1, "tol": 0.1, "n_iter_no_change": 1}),
    "a schedule": (SGDRegressor, "numbers", {"learning_rate": 0.05 * cosine("100%")}),
    "a measured schedule": (SGDRegressor, "numbers", {"learning_rate": 0.05 * plateau(0.5, patience=0)}),
    "lanes that stop early": (SGDClassifier, "three classes", {"tol": 0.05, "n_iter_no_change": 1, "max_iter": 9}),
    "rows held out": (SGDClassifier, "three classes", {"early_stopping": True, "restore_best": True, "tol": 0.01}),
}  # fmt: skip
PARAMETERS = [
    pytest.param(name, form, id=f"{name}-{form.__name__}") for name in CASES for form in (np.asarray, sp.csr_array)
]


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch):
    monkeypatch.setattr(pauses, "FIRST", ROWS)
    monkeypatch.setattr(pauses, "SECONDS", 0)
    monkeypatch.setattr(pauses, "KEEP_SECONDS", 0)
    monkeypatch.setattr(pauses, "KEEP_SHARE", np.inf)


def fresh(name, **changes):
    cls, target, options = CASES[name]
    return cls(**EVERY | options | changes), TARGETS[target]


def hasty(name, **changes):
    """Return an estimator that sees one stretch in each fit."""
    return fresh(name, **{"warm_start": True, "max_time": 1e-9} | changes)


def assert_same(found, expected):
    """Bit for bit, the times aside."""
    bias = "offset_" if hasattr(expected, "offset_") else "intercept_"
    for name in ("coef_", bias):
        assert getattr(found, name).tobytes() == getattr(expected, name).tobytes()
    for name in ("n_iter_", "t_", "stop_reason_", "epoch_position_"):
        assert getattr(found, name) == getattr(expected, name), name
    assert found.history_.keys() == expected.history_.keys()
    for name, values in expected.history_.items():
        if "second" not in name:
            assert found.history_[name].tobytes() == values.tobytes(), name


def finished(model, rows, y, **given):
    """Fit until the end, pickling it between; return it and how many calls that took."""
    for calls in range(1, 200):
        model.fit(rows, y, **given)
        if "max_time" not in model.stop_reason_:
            return model, calls
        model = pickle.loads(pickle.dumps(model))
    raise AssertionError("it does not go on")


@pytest.mark.parametrize(("name", "form"), PARAMETERS)
def test_parts_are_the_whole(name, form):
    whole, y = fresh(name)
    whole.fit(form(X), y)
    part, calls = finished(hasty(name)[0], form(X), y)
    assert calls > 3 * whole.n_iter_
    assert_same(part, whole)
    whole.partial_fit(form(X), y, n_epochs=2)
    part.partial_fit(form(X), y, n_epochs=2)
    assert_same(part, whole)


@pytest.mark.parametrize("state", [None, "RandomState", "Generator"])
def test_seeds_that_are_no_number(state):
    """The rows that are held out, and the orders of the rows, are those of the first call."""
    make = {"RandomState": np.random.RandomState, "Generator": np.random.default_rng}.get(state, lambda seed: None)
    whole, y = fresh("rows held out", random_state=make(5))
    part, calls = finished(hasty("rows held out", random_state=make(5))[0], X, y)
    assert calls > 10
    if state is not None:
        assert_same(part, whole.fit(X, y))


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_own_validation_rows_and_weights(form):
    given = {"X_val": form(X[:20]), "y_val": CLASSES[:20], "sample_weight": np.arange(N) % 3 / 2}
    whole, y = fresh("softmax", early_stopping=True, restore_best=True)
    assert_same(finished(hasty("softmax", early_stopping=True, restore_best=True)[0], form(X), y, **given)[0],
                whole.fit(form(X), y, **given))  # fmt: skip


def test_what_the_parts_show():
    model, y = hasty("SGD")
    weights = []
    for k in range(1, 4):
        model.fit(X, y)
        weights.append(model.coef_.tobytes())
        assert (model.n_iter_, model.epoch_position_, model.t_) == (0, ROWS * k, ROWS * k + 1)
        assert model.stop_reason_ == "max_time"
        assert model.history_["step"].tolist() == [ROWS * k] and np.isfinite(model.history_["loss"]).all()
    assert len(set(weights)) == 3
    while model.n_iter_ == 0:
        model.fit(X, y)
    assert (model.epoch_position_, model.t_, len(model.history_["loss"])) == (0, N + 1, 1)
    model.fit(X, y)
    assert (model.n_iter_, model.epoch_position_, model.history_["epoch"].tolist()) == (1, ROWS, [1, 2])
    model.set_params(max_time=None).fit(X, y)
    assert_same(model, fresh("SGD")[0].fit(X, y))


def test_without_warm_start_nothing_goes_on():
    model, y = hasty("SGD", warm_start=False)
    assert model.fit(X, y).coef_.tobytes() == model.fit(X, y).coef_.tobytes()
    assert model.epoch_position_ == ROWS
    model.set_params(warm_start=True).fit(X, y)
    assert model.epoch_position_ == 2 * ROWS


def test_another_number_of_features_begins_anew():
    model, y = hasty("SGD", warm_start=False)
    model.fit(X, y).fit(X[:, :2], y)
    assert model.coef_.shape == (1, 2) and model.epoch_position_ == ROWS


OTHER = {
    "rows": lambda model, y: (X[:50], y[:50]),
    "values": lambda model, y: (X + 1, y),
    "labels": lambda model, y: (X, 1 - y),
    "form": lambda model, y: (sp.csr_array(X), y),
    "alpha": lambda model, y: (model.set_params(alpha=0.1), (X, y))[1],
    "seed": lambda model, y: (model.set_params(random_state=7), (X, y))[1],
    "weights": lambda model, y: (setattr(model, "coef_", model.coef_ * 2), (X, y))[1],
}


@pytest.mark.parametrize("other", OTHER)
def test_anything_else_begins_with_the_last_weights(other):
    model, y = hasty("SGD")
    given = OTHER[other](model.fit(X, y), y)
    begun = (model.coef_.copy(), model.intercept_.copy())
    model.set_params(max_time=None).fit(*given)
    anew = fresh("SGD", alpha=model.alpha, random_state=model.random_state)[0].fit(*given, *begun)
    assert model.coef_.tobytes() == anew.coef_.tobytes() and model.t_ == anew.t_


def test_settings_that_only_say_when_to_stop_may_change():
    model, y = hasty("SGD")
    model.fit(X, y)
    model.set_params(max_iter=6, max_time=None, verbose=0, n_jobs=2).fit(X, y)
    assert_same(model, fresh("SGD", max_iter=6)[0].fit(X, y))


def test_initial_weights_begin_anew():
    model, y = hasty("SGD")
    model.fit(X, y)
    begun = {"coef_init": np.ones(5), "intercept_init": 1.0}
    assert_same(model.fit(X, y, **begun), hasty("SGD")[0].fit(X, y, **begun))


def test_partial_fit_goes_on_with_other_rows():
    model, y = hasty("Adam")
    model.fit(X, y).partial_fit(X[:20], y[:20])
    assert (model.epoch_position_, model.t_) == (0, 8 + 20 + 1)
    model.set_params(max_time=None).fit(X, y)
    assert model.t_ == 4 * N + 1


class Interrupt:
    """Raises KeyboardInterrupt in a stretch, after the lanes have moved."""

    def __init__(self, engine, at):
        self.epoch, self.left = engine.epoch, at

    def __get__(self, lanes, owner):
        def epoch(*args, **kwargs):
            result = self.epoch(lanes, *args, **kwargs)
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return result

        return epoch


@pytest.mark.parametrize("name", ["SGD", "Adam", "threads", "lanes that stop early", "one class"])
def test_ctrl_c_loses_no_more_than_a_stretch(name, monkeypatch):
    whole, y = fresh(name)
    whole.fit(X, y)
    model, y = fresh(name, warm_start=True)
    engine = BatchLanes if name == "Adam" else LinearLanes
    for at in (3, 8):
        with monkeypatch.context() as patched:
            patched.setattr(engine, "epoch", Interrupt(engine, at))
            with pytest.raises(KeyboardInterrupt):
                model.fit(X, y)
        with pytest.raises(NotFittedError):
            model.predict(X)
        assert {key for key in vars(model) if key not in model.get_params()} == {"_training"}
        assert model.epoch_position_ > 0
        model = pickle.loads(pickle.dumps(model))
    assert_same(model.fit(X, y), whole)


def test_ctrl_c_in_a_fitted_estimator(monkeypatch):
    model, y = fresh("SGD", warm_start=True)
    before = model.fit(X, y).coef_.tobytes()
    again = pickle.loads(pickle.dumps(model)).fit(X, y)
    with monkeypatch.context() as patched:
        patched.setattr(LinearLanes, "epoch", Interrupt(LinearLanes, 4))
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y)
    assert model.coef_.tobytes() == before and model.n_iter_ == 4
    assert_same(model.fit(X, y), again)
    cold, y = fresh("SGD")
    with monkeypatch.context() as patched:
        patched.setattr(LinearLanes, "epoch", Interrupt(LinearLanes, 2))
        with pytest.raises(KeyboardInterrupt):
            cold.fit(X, y)
    assert set(vars(cold)) == set(cold.get_params())


def test_callbacks_are_told_of_parts():
    seen = []
    model, y = hasty("SGD")
    for _ in range(2):
        model.fit(X, y, callbacks=[lambda info: seen.append((info.epoch, info.step, info.coef.tobytes()))])
        assert seen[-1][2] == model.coef_.tobytes()
    assert [each[:2] for each in seen] == [(1, ROWS), (1, 2 * ROWS)]


def test_divergence_inside_an_epoch_is_told():
    model, y = hasty("regression", learning_rate=1e300)
    with pytest.raises(DivergedError, match="epoch #1"):
        model.fit(X, y)
    assert not hasattr(model, "coef_") and model.epoch_position_ == 0


def test_an_epoch_is_seen_at_once_where_nothing_may_end_it(monkeypatch):
    calls = []
    epoch = LinearLanes.epoch
    monkeypatch.setattr(LinearLanes, "epoch", lambda *args, **more: calls.append(1) or epoch(*args, **more))
    assert fresh("SGD")[0].fit(X, CLASSES > 1).n_iter_ == len(calls) == 4


def test_real_time(monkeypatch):
    """An epoch that takes long ends soon after max_time, and a signal loses little of it."""
    monkeypatch.undo()
    rows = np.broadcast_to(np.ones(64, np.float32), (2_000_000, 64))
    y = np.arange(len(rows)) % 2
    model = SGDClassifier(max_iter=1000, tol=None, shuffle=False, warm_start=True, max_time=0.2, random_state=0)
    began = time.perf_counter()
    model.fit(rows, y)
    first = time.perf_counter() - began, model.t_
    model.fit(rows, y)
    assert model.t_ > first[1] and model.stop_reason_ == "max_time"
    assert first[0] < 3  # 0.2, and what validation of the data takes on a busy machine

    def interrupt(number, frame):
        raise KeyboardInterrupt

    shown, handler = model.coef_.tobytes(), signal.signal(signal.SIGALRM, interrupt)
    monkeypatch.setattr(pauses, "KEEP_SECONDS", 0.1)
    before = model._training["cut"].pause
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.5)
        with pytest.raises(KeyboardInterrupt):
            model.set_params(max_time=None, max_iter=10**6).fit(rows, y)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    after = model._training["cut"].pause
    assert model.coef_.tobytes() == shown
    assert (len(after.epochs), after.position) > (len(before.epochs), before.position)
