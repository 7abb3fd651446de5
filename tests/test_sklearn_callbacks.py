"""scikit-learn's callbacks (1.9) on our estimators, alone and within pipelines and searches; metadata routing."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn import callback
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastgd.linear_model import Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning")

EPOCHS = {"max_iter": 3, "tol": None, "random_state": 3}
MODELS = {
    "classifier": SGDClassifier(loss="log_loss", average=130, **EPOCHS),
    "perceptron": Perceptron(**EPOCHS),
    "regressor": SGDRegressor(**EPOCHS),
    "one class": SGDOneClassSVM(**EPOCHS),
}
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(80, 5))
Y = np.searchsorted([-0.5, 0.5], X @ np.arange(5.0) / 5 + 0.2 * GENERATOR.normal(size=80))
WEIGHT = GENERATOR.integers(1, 4, 80).astype(float)


class Recorder:
    """Writes down what it is told; stops, or raises, where it is asked to."""

    def __init__(self, stop_at=None, fail_at=None):
        self.stop_at, self.fail_at = stop_at, fail_at
        self.log, self.models, self.told = [], [], []

    def note(self, hook, context, model=None):
        self.log.append((hook, context.task_name, context.task_id))
        self.models.append(model)
        if self.fail_at in (hook, (hook, context.task_name, context.task_id)):
            raise ZeroDivisionError(hook)

    def setup(self, estimator, context):
        self.note("setup", context)

    def teardown(self, estimator, context):
        self.note("teardown", context)

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.told.append((X, y, metadata))
        self.note("begin", context, fitted_estimator)

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.told.append((X, y, metadata))
        self.note("end", context, fitted_estimator)
        return (context.task_name, context.task_id) == ("epoch", self.stop_at)


class Propagated(Recorder):
    max_propagation_depth = None


def weights(model):
    return model.coef_.tobytes(), (model.offset_ if isinstance(model, SGDOneClassSVM) else model.intercept_).tobytes()


def state(model):
    return pickle.dumps({name: value for name, value in vars(model).items() if name != "_skl_callbacks"})


@pytest.mark.parametrize("name", MODELS)
def test_the_hooks_come_in_order_with_the_data_and_a_model_that_predicts(name):
    """After epoch k the fitted_estimator is, bit for bit, what a fit of k epochs gives, and predicts."""
    watch = Recorder()
    model = clone(MODELS[name]).set_callbacks(watch).fit(X, Y, sample_weight=WEIGHT)
    epochs = [(hook, "epoch", k) for k in range(3) for hook in ("begin", "end")]
    assert watch.log == [("setup", "fit", 0), ("begin", "fit", 0), *epochs, ("end", "fit", 0), ("teardown", "fit", 0)]
    for told_X, told_y, metadata in watch.told:
        assert told_X is X and told_y is Y and metadata == {"sample_weight": WEIGHT}
    assert watch.models[1] is None
    ends = [m for m, (hook, _, _) in zip(watch.models, watch.log, strict=True) if hook == "end"]
    begins = [m for m, (hook, _, _) in zip(watch.models, watch.log, strict=True) if hook == "begin"][1:]
    assert not np.any(begins[0].coef_)
    assert [weights(m) for m in begins[1:]] == [weights(m) for m in ends[:2]]
    for k, told in enumerate([*ends[:3], model], 1):
        shorter = clone(MODELS[name]).set_params(max_iter=min(k, 3)).fit(X, Y, sample_weight=WEIGHT)
        assert weights(told) == weights(shorter)
        assert (told.t_, told.n_iter_) == (shorter.t_, shorter.n_iter_)
        assert np.array_equal(told.predict(X), shorter.predict(X))
    assert weights(ends[3]) == weights(model) == weights(clone(MODELS[name]).fit(X, Y, sample_weight=WEIGHT))
    assert {"_callback_fit_ctx", "_skl_callbacks_to_teardown"}.isdisjoint(vars(model))


def test_partial_fit_is_a_fit_of_n_epochs():
    watch = Recorder()
    model = SGDRegressor(random_state=3).set_callbacks(watch)
    model.partial_fit(X, Y, n_epochs=2).partial_fit(X, Y)
    assert [task for hook, *task in watch.log if hook == "end"] == [
        ["epoch", 0],
        ["epoch", 1],
        ["fit", 0],
        ["epoch", 0],
        ["fit", 0],
    ]
    assert watch.models[-2].t_ == model.t_ == 241
    watch.log.clear()
    model.partial_fit(X, Y, sample_weight=np.zeros(80))
    assert watch.log == [("setup", "fit", 0), ("teardown", "fit", 0)]


def test_a_fitted_estimator_of_a_second_fit_remembers_nothing_of_the_first():
    watch = Recorder()
    model = SGDRegressor(**EPOCHS).fit(10 * X, Y).set_callbacks(watch).fit(X, Y)
    early = watch.models[3]  # after the first epoch
    fresh = SGDRegressor(**EPOCHS).set_params(max_iter=1).fit(X, Y)
    assert weights(early) == weights(fresh) != weights(model)
    for each in (early, fresh):
        each.partial_fit(X[:1], Y[:1])  # one row: there is no order to differ in, but the rate falls with the steps
    np.testing.assert_allclose(early.coef_, fresh.coef_, rtol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_a_callback_stops_training(name):
    watch = Recorder(stop_at=1)
    model = clone(MODELS[name]).set_callbacks(watch, Recorder()).fit(X, Y)
    assert (model.stop_reason_, model.n_iter_) == ("callback", 2)
    assert weights(model) == weights(clone(MODELS[name]).set_params(max_iter=2).fit(X, Y))
    assert watch.log[-2:] == [("end", "fit", 0), ("teardown", "fit", 0)]


PLACES = ["setup", ("begin", "fit", 0), ("begin", "epoch", 1), ("end", "epoch", 1), ("end", "fit", 0)]


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("name", MODELS)
def test_an_error_leaves_the_estimator_as_it_was_and_all_are_torn_down(name, place):
    for model in (clone(MODELS[name]), clone(MODELS[name]).fit(X[:, :2], Y > 0)):
        other, failing = Recorder(), Recorder(fail_at=place)
        before = state(model)
        model.set_callbacks(other, failing)
        with pytest.raises(ZeroDivisionError):
            model.fit(X, Y)
        assert state(model) == before
        assert [log[-1][0] for log in (other.log, failing.log)] == ["teardown"] * 2
        model.set_callbacks()
        assert weights(model.fit(X, Y)) == weights(clone(MODELS[name]).fit(X, Y))


def test_wrong_data_begin_no_task():
    watch = Recorder()
    with pytest.raises(ValueError, match="NaN"):
        SGDRegressor().set_callbacks(watch).fit(np.full((3, 1), np.nan), [1, 2, 3])
    assert [hook for hook, *_ in watch.log] == ["setup", "teardown"]


def test_clone_and_pickle_keep_them():
    watch = Recorder()
    model = SGDClassifier(**EPOCHS).set_callbacks(watch)
    clone(model).fit(X, Y)
    assert len(watch.log) == 10
    copied = pickle.loads(pickle.dumps(model.fit(X, Y)))
    (own,) = copied._skl_callbacks
    assert own is not watch and len(own.log) == 20
    copied.fit(X, Y)
    assert len(own.log) == 30 and weights(copied) == weights(model)


def test_those_given_to_fit_are_for_one_call():
    lasting, once, seen = Recorder(), Recorder(stop_at=1), []
    model = SGDRegressor(**EPOCHS).set_callbacks(lasting)
    model.fit(X, Y, callbacks=[once, seen.append, lasting])
    assert (model.n_iter_, len(seen), len(once.log), len(lasting.log)) == (2, 2, 8, 8)
    assert model._skl_callbacks == [lasting]
    model.fit(X, Y)
    assert (len(once.log), len(lasting.log)) == (8, 18)
    with pytest.raises(ZeroDivisionError):
        model.set_callbacks().fit(X, Y, callbacks=[Recorder(fail_at=("end", "epoch", 0))])
    assert not hasattr(model, "_skl_callbacks")
    with pytest.raises(TypeError, match=r"callbacks\[0\].*got <class .*Recorder"):
        model.fit(X, Y, callbacks=[Recorder])


# ----------------------------------------------------------------------------------------------------------- scikit-learn's own


def scores(monitor):
    return [row["r2"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]


def test_the_scoring_monitor_scores_every_epoch():
    monitor = callback.ScoringMonitor(scoring="r2")
    SGDRegressor(**EPOCHS).set_callbacks(monitor).fit(X, Y, sample_weight=WEIGHT)
    expected = [
        SGDRegressor(**EPOCHS | {"max_iter": k}).fit(X, Y, sample_weight=WEIGHT).score(X, Y, WEIGHT) for k in (1, 2, 3)
    ]
    assert scores(monitor) == expected


def test_the_scoring_monitor_in_a_pipeline_in_a_search():
    """One score per setting, fold and epoch, and per epoch of the refit, each as training by hand gives it."""
    monitor = callback.ScoringMonitor(scoring="r2")
    pipeline = make_pipeline(StandardScaler(), SGDRegressor(**EPOCHS).set_callbacks(monitor))
    alphas = [1e-4, 1.0]
    search = GridSearchCV(pipeline, {"sgdregressor__alpha": alphas}, cv=2).fit(X, Y)

    def by_hand(alpha, rows):
        scaled = StandardScaler().fit_transform(X[rows])
        models = [SGDRegressor(alpha=alpha, **EPOCHS | {"max_iter": k}).fit(scaled, Y[rows]) for k in (1, 2, 3)]
        return [model.score(scaled, Y[rows]) for model in models]

    halves = [np.arange(40, 80), np.arange(40)]  # learnt from in the two folds
    refit = by_hand(search.best_params_["sgdregressor__alpha"], np.arange(80))
    expected = sum((by_hand(alpha, rows) for alpha in alphas for rows in halves), start=refit)
    assert scores(monitor) == pytest.approx(expected, rel=1e-12)


def test_propagated_callbacks_reach_the_epochs():
    watch = Propagated()
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SGDClassifier(**EPOCHS)), {"sgdclassifier__alpha": [1e-4]}, cv=2
    )
    search.set_callbacks(watch).fit(X, Y)
    assert len([log for log in watch.log if log[:2] == ("end", "epoch")]) == 3 * 3
    assert [hook for hook, *_ in watch.log].count("setup") == 1
    assert not hasattr(search.best_estimator_[-1], "_skl_callbacks")
    bad = make_pipeline(StandardScaler(), SGDClassifier(**EPOCHS))
    with pytest.raises(
        TypeError, match=r"callbacks\[0\] of SGDClassifier, a Propagated, belongs to the outermost estimator"
    ):
        bad.fit(X, Y, sgdclassifier__callbacks=[Propagated()])
    seen = []
    bad.fit(X, Y, sgdclassifier__callbacks=[seen.append, Recorder()])
    assert len(seen) == 3


def test_the_progress_bar(capsys):
    bar = callback.ProgressBar(max_propagation_depth=None)
    SGDClassifier(**EPOCHS).set_callbacks(bar).fit(X, Y)
    assert "SGDClassifier - fit" in (shown := capsys.readouterr().out) and "100%" in shown
    SGDClassifier(**EPOCHS | {"max_iter": 100}).fit(X, Y, callbacks=[bar, lambda info: info.epoch == 7])
    make_pipeline(StandardScaler(), SGDRegressor(**EPOCHS)).set_callbacks(bar).fit(X, Y)
    shown = capsys.readouterr().out
    assert "Pipeline - fit" in shown and "SGDRegressor" in shown
    with pytest.raises(ZeroDivisionError):
        SGDClassifier(**EPOCHS).set_callbacks(bar, Recorder(fail_at=("end", "epoch", 1))).fit(X, Y)


# -------------------------------------------------------------------------------------------------------------------- routing


@pytest.mark.parametrize("name", MODELS)
def test_callbacks_are_not_routed(name):
    model = clone(MODELS[name])
    for method in ("fit", "partial_fit"):
        requests = getattr(model.get_metadata_routing(), method).requests
        assert "sample_weight" in requests and "callbacks" not in requests
    with pytest.raises(TypeError, match="callbacks"), sklearn.config_context(enable_metadata_routing=True):
        model.set_fit_request(callbacks=True)


def test_weights_and_validation_rows_are_routed():
    own = {"X_val": X[:20], "y_val": Y[:20], "sample_weight_val": WEIGHT[:20]}
    with sklearn.config_context(enable_metadata_routing=True):
        model = SGDClassifier(**EPOCHS).set_fit_request(sample_weight=True, **dict.fromkeys(own, True))
        pipeline = make_pipeline(model).fit(X, Y, sample_weight=WEIGHT, **own)
        direct = SGDClassifier(**EPOCHS).fit(X, Y, sample_weight=WEIGHT, **own)
        assert weights(pipeline[-1]) == weights(direct)
        np.testing.assert_array_equal(pipeline[-1].history_["val_score"], direct.history_["val_score"])
        weighted = SGDClassifier(**EPOCHS).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(make_pipeline(weighted), {"sgdclassifier__alpha": [1e-4]}, cv=2)
        search.fit(X, Y, sample_weight=WEIGHT)
        assert weights(search.best_estimator_[-1]) == weights(SGDClassifier(**EPOCHS).fit(X, Y, sample_weight=WEIGHT))
        with pytest.raises(TypeError, match="callbacks"):
            pipeline.fit(X, Y, callbacks=[print])
        with pytest.raises(ValueError, match="not explicitly set as requested"):
            make_pipeline(SGDClassifier(**EPOCHS)).fit(X, Y, sample_weight=WEIGHT)
