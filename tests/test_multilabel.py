"""Several labels a row: lanes of one pass, each label the same bits as a classifier of its own."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import expit
from sklearn.datasets import make_multilabel_classification
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.utils import get_tags

import fastgd
from fastgd.learning_rate import sweep
from fastgd.linear_model import Perceptron, SGDClassifier
from fastgd.model_selection import LaneSearchCV

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning")

X, Y = make_multilabel_classification(150, 6, n_classes=4, random_state=0)
X = X / X.std(axis=0)
WEIGHT = np.arange(150) % 3 / 2
MODELS = {
    "SVM": SGDClassifier(),
    "logistic, averaged": SGDClassifier(loss="log_loss", average=50, max_iter=5, tol=None),
    "L1": SGDClassifier(loss="modified_huber", penalty="l1", learning_rate=0.05, max_iter=5, tol=None),
    "Adam": SGDClassifier(loss="log_loss", optimizer=fastgd.Adam(), batch_size=16, max_iter=5, tol=None),
    "batches": SGDClassifier(batch_size=8, learning_rate=0.05, class_weight="balanced", max_iter=5, tol=None),
    "balanced": SGDClassifier(loss="focal", class_weight="balanced", max_iter=5, tol=None),
    "perceptron": Perceptron(max_iter=5),
}


def fresh(name, **changes):
    return type(MODELS[name])(**MODELS[name].get_params()).set_params(random_state=3, **changes)


def refused(do, *told):
    with pytest.raises(ValueError) as caught:
        do()
    for each in told:
        assert each in str(caught.value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", MODELS)
def test_each_label_is_a_fit_alone(name, form, dtype):
    rows = form(X.astype(dtype))
    together = fresh(name).fit(rows, Y, sample_weight=WEIGHT)
    assert together.coef_.shape == (4, 6) and together.intercept_.shape == (4,) and together.coef_.dtype == dtype
    assert together.classes_.tolist() == [0, 1, 2, 3]
    alone = [fresh(name).fit(rows, y, sample_weight=WEIGHT) for y in Y.T]
    for k, each in enumerate(alone):
        assert together.coef_[k].tobytes() == each.coef_[0].tobytes()
    predicted = together.predict(rows)
    assert predicted.dtype == np.int64
    np.testing.assert_array_equal(predicted, np.column_stack([each.predict(rows) for each in alone]))
    assert together.score(rows, Y) == (predicted == Y).all(axis=1).mean()


@pytest.mark.parametrize("name", ["logistic, averaged", "L1", "balanced"])
def test_probabilities_are_those_of_each_label(name):
    together = fresh(name).fit(X, Y)
    found, scores = together.predict_proba(X), together.decision_function(X)
    for k, y in enumerate(Y.T):
        np.testing.assert_allclose(found[:, k], fresh(name).fit(X, y).predict_proba(X)[:, 1], rtol=1e-12, atol=1e-15)
    assert ((found > 0) & (found < 1)).all()
    np.testing.assert_array_equal(found > 0.5, together.predict(X) == 1)
    if name != "L1":
        np.testing.assert_allclose(found, expit(scores), rtol=1e-12)
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(together.predict_log_proba(X), np.log(found))


def test_the_surface_is_that_of_scikit_learns_networks():
    with pytest.warns(UserWarning, match="Maximum iterations"):
        theirs = MLPClassifier((2,), max_iter=2, random_state=0).fit(X, Y)
    ours = fresh("logistic, averaged").fit(X, Y)
    assert ours.classes_.tolist() == theirs.classes_.tolist()
    for method in ("predict", "predict_proba"):
        assert getattr(ours, method)(X).shape == getattr(theirs, method)(X).shape
    assert ours.predict(X).dtype == theirs.predict(X).dtype
    for estimator in (SGDClassifier(), Perceptron()):
        assert get_tags(estimator).classifier_tags.multi_label


def test_it_is_one_vs_rest():
    parameters = {"loss": "log_loss", "shuffle": False, "max_iter": 5, "tol": None}
    theirs = OneVsRestClassifier(SGDClassifier(**parameters)).fit(X, Y)
    np.testing.assert_array_equal(SGDClassifier(**parameters).fit(X, Y).predict(X), theirs.predict(X))


@pytest.mark.parametrize("form", [list, sp.csr_array, sp.csc_matrix, "bool", "float32", "object"], ids=str)
def test_forms_of_an_indicator(form):
    y = Y.tolist() if form is list else Y.astype(form) if isinstance(form, str) else form(Y)
    assert fresh("SVM").fit(X, y).coef_.tobytes() == fresh("SVM").fit(X, Y).coef_.tobytes()
    assert fresh("SVM").fit(X, Y).score(X, Y if form in (list, "object") else y) > 0


def test_a_single_column_is_two_classes():
    with pytest.warns(UserWarning, match="column-vector"):
        model = fresh("SVM").fit(X, Y[:, :1])
    assert model.coef_.tobytes() == fresh("SVM").fit(X, Y[:, 0]).coef_.tobytes()


def test_labels_that_all_rows_have_or_none():
    constant = np.column_stack([Y[:, 0], np.ones(150, int), np.zeros(150, int)])
    model = fresh("logistic, averaged", class_weight="balanced").fit(X, constant)
    np.testing.assert_array_equal(model.predict(X)[:, 1:], constant[:, 1:])


def test_two_labels_are_two_lanes():
    model = fresh("SVM").fit(X, Y[:, :2])
    assert model.coef_.shape == (2, 6) and model.predict(X).shape == (150, 2)


def test_class_weights():
    by_label = fresh("SVM", class_weight={1: 3.0, 2: 0.5}).fit(X, Y)
    for k, weight in enumerate((1.0, 3.0, 0.5, 1.0)):
        alone = fresh("SVM", class_weight={1: weight}).fit(X, Y[:, k])
        assert by_label.coef_[k].tobytes() == alone.coef_[0].tobytes()
    refused(lambda: fresh("SVM", class_weight={4: 1.0}).fit(X, Y), "class_weight has labels [4]")


@pytest.mark.parametrize("name", ["SVM", "Adam", "balanced"])
def test_partial_fit_goes_on_exactly(name):
    whole = fresh(name, max_iter=5, tol=None).fit(X, Y)
    parts = fresh(name, max_iter=2, tol=None).fit(X, Y)
    if name != "balanced":  # by running counts, which are the same all the same
        parts = pickle.loads(pickle.dumps(parts))
    parts.partial_fit(X, Y, n_epochs=3)
    assert parts.coef_.tobytes() == whole.coef_.tobytes() and parts.t_ == whole.t_
    first = fresh(name).partial_fit(X[:50], Y[:50])
    assert first.coef_.tobytes() == fresh(name).partial_fit(X[:50], Y[:50], classes=range(4)).coef_.tobytes()
    first.partial_fit(X[50:], np.zeros((100, 4)), classes=[0, 1, 2, 3])
    assert first.t_ == 151
    nothing = fresh(name).partial_fit(X, Y, sample_weight=np.zeros(150))
    assert nothing.t_ == 1 and nothing.predict(X).shape == (150, 4)


def test_early_stopping_and_own_validation_rows():
    model = fresh("SVM", early_stopping=True, restore_best=True, n_iter_no_change=2).fit(X, Y)
    assert model.history_["val_score"].shape == (len(model.history_["loss"]), 4)
    options = {"max_iter": 6, "tol": None}
    together = fresh("SVM", **options).fit(X[:100], Y[:100], X_val=X[100:], y_val=Y[100:])
    for k, y in enumerate(Y.T):
        alone = fresh("SVM", **options).fit(X[:100], y[:100], X_val=X[100:], y_val=y[100:])
        assert together.history_["val_score"][:, k].tobytes() == alone.history_["val_score"].tobytes()


def test_warm_starts():
    model = fresh("SVM", max_iter=3, tol=None).fit(X, Y)
    again = fresh("SVM", max_iter=3, tol=None).fit(X, Y, model.coef_, model.intercept_)
    assert again.coef_.tobytes() == model.set_params(warm_start=True).fit(X, Y).coef_.tobytes()


def test_tools_that_train_many_models():
    automatic = SGDClassifier(loss="log_loss", learning_rate="auto", random_state=0).fit(X, Y)
    assert automatic.score(X, Y) > 0.2
    bootstrapped = fresh("logistic, averaged").bootstrap_intervals(X, Y, n_replicates=39, n_epochs=2)
    assert bootstrapped.coef.shape == (39, 4, 6) and bootstrapped.predict_interval(X)[0].shape == (150, 4)
    swept = sweep(fresh("logistic, averaged"), X, Y, learning_rate=[0.01, 0.1], n_epochs=2)
    assert swept.best_estimator.coef_.shape == (4, 6)
    assert cross_val_predict(fresh("SVM", max_iter=3, tol=None), X, Y, cv=3).shape == (150, 4)


def test_a_search_of_several_labels():
    grid = {"alpha": [1e-4, 1e-2, 1.0]}
    ours = LaneSearchCV(fresh("SVM", max_iter=3, tol=None), grid, cv=3).fit(X, Y)
    theirs = GridSearchCV(fresh("SVM", max_iter=3, tol=None), grid, cv=3).fit(X, Y)
    np.testing.assert_array_equal(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])
    assert ours.best_estimator_.coef_.tobytes() == theirs.best_estimator_.coef_.tobytes()


@pytest.mark.parametrize("bad", [Y + 1, 2 * Y - 1, Y.astype(str), Y * 0.5, np.column_stack([Y[:, 0], WEIGHT * 2])])
def test_other_columns_are_refused(bad):
    model = SGDClassifier()
    for do in (lambda: model.fit(X, bad), lambda: model.partial_fit(X, bad)):
        refused(do, "y with several columns must hold 0 and 1", "MultiOutputClassifier")
    assert not hasattr(model, "classes_") and not hasattr(model, "n_features_in_")


def test_another_kind_of_y_is_refused():
    model = fresh("SVM").fit(X, Y)
    before = pickle.dumps(vars(model))
    refused(lambda: model.partial_fit(X, Y[:, 0]), "y must have 4 columns of 0 and 1, as before; got one label")
    refused(lambda: model.partial_fit(X, Y[:, :2]), "y must have 4 columns of 0 and 1, as before; got 2 columns")
    refused(lambda: model.partial_fit(X, Y, classes=[0, 1]), "is not the same as on last call")
    refused(lambda: model.fit(X, Y, X_val=X, y_val=Y[:, 0]), "y_val must have 4 columns")
    assert pickle.dumps(vars(model)) == before
    refused(lambda: model.set_params(warm_start=True).fit(X, Y[:, 0]), "y must have 4 columns")
    single = fresh("SVM").fit(X, Y[:, 0])
    refused(lambda: single.partial_fit(X, Y), "y must have one label for each row, as before; got 4 columns")
    refused(lambda: fresh("SVM", loss="softmax").fit(X, Y), "'softmax' exclude one another", "log_loss")
    sets = [np.flatnonzero(row).tolist() for row in Y]
    refused(lambda: fresh("SVM").fit(X, sets), "same number of columns", "MultiLabelBinarizer")
    made = MultiLabelBinarizer().fit_transform(sets)
    assert fresh("SVM").fit(X, made).coef_.tobytes() == fresh("SVM").fit(X, Y).coef_.tobytes()
    assert single.fit(X, Y).predict(X).shape == (150, 4) and single.fit(X, Y[:, 0]).predict(X).shape == (150,)
