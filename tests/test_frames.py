"""Frames of pandas, polars and pyarrow as X, and their columns as y: names, order, times, types (rows 84, 85 and 88)."""

import sys

import numpy as np
import pytest
from sklearn import callback

from fastgd.linear_model import Perceptron, PrecisionWarning, SGDClassifier, SGDOneClassSVM, SGDRegressor

MODELS = [SGDClassifier, SGDRegressor, Perceptron, SGDOneClassSVM]
EPOCHS = {"max_iter": 3, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning")
X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)
NAMES = ["a", "b", "c"]
DAYS = np.arange("2026-01-01", "2026-02-10", dtype="datetime64[D]").astype("datetime64[ms]")


class Stream:
    """What exports an Arrow stream and has no other face."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def frame(kind, columns):
    """Return {name: array} as a frame; skip where its package is missing."""
    name = "pyarrow" if kind in ("stream", "batch") else kind
    package = pytest.importorskip(name, reason=f"{name} is not installed: its frames are not tested")
    if kind == "pyarrow":
        return package.table(columns)
    if kind == "batch":
        return package.RecordBatch.from_pydict(columns)
    return Stream(package.table(columns)) if kind == "stream" else package.DataFrame(columns)


def column(kind, values):
    package = pytest.importorskip(kind, reason=f"{kind} is not installed")
    return package.chunked_array([values]) if kind == "pyarrow" else package.Series(values)


def named(names, values=X):
    return {name: values[:, k % values.shape[1]] for k, name in enumerate(names)}


def trained(cls, X, partial=False):
    model = cls(random_state=0) if partial else cls(**EPOCHS)
    if not partial:
        return model.fit(X, Y)
    return model.partial_fit(
        X, Y, **({"classes": [0, 1]} if hasattr(cls, "predict_proba") or cls is Perceptron else {})
    )


FRAMES = pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "batch", "stream"])


@FRAMES
@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("cls", MODELS)
def test_a_frame_is_its_array_with_names(cls, partial, kind):
    data = frame(kind, named(NAMES))
    model, plain = trained(cls, data, partial), trained(cls, X, partial)
    assert model.feature_names_in_.tolist() == NAMES and not hasattr(plain, "feature_names_in_")
    assert np.array_equal(model.coef_, plain.coef_)
    np.testing.assert_allclose(
        model.predict(data), plain.predict(X), rtol=1e-12
    )  # by columns BLAS sums in another order
    model.partial_fit(data, Y)
    assert np.array_equal(model.coef_, plain.partial_fit(X, Y).coef_)


@FRAMES
@pytest.mark.parametrize("cls", MODELS)
def test_88_other_columns_are_refused_by_name(cls, kind):
    model = trained(cls, frame(kind, named(NAMES)))
    before = model.coef_.copy()
    for names, message in (
        (["b", "a", "c"], "'b' for 'a', 'a' for 'b'. Select the columns by feature_names_in_"),
        (["z", "b", "c"], "unseen at fit time:\n- z\n.*now missing:\n- a"),
        (["a", "b"], "now missing:\n- c"),
        (["a", "b", "c", "d"], "unseen at fit time:\n- d"),
    ):
        other = frame(kind, named(names))
        for call in (model.predict, lambda frame: model.partial_fit(frame, Y)):
            with pytest.raises(ValueError, match=f"(?s)feature names should match.*{message}"):
                call(other)
    assert np.array_equal(model.coef_, before) and model.feature_names_in_.tolist() == NAMES
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)
    with pytest.warns(UserWarning, match="fitted without feature names"):
        trained(cls, X).predict(frame(kind, named(NAMES)))


@FRAMES
def test_validation_rows_must_have_the_same_columns(kind):
    data, other = frame(kind, named(NAMES)), frame(kind, named(["b", "a", "c"]))
    model = SGDClassifier(**EPOCHS).fit(data, Y, X_val=data, y_val=Y)
    assert len(model.history_["val_loss"]) == 3
    with pytest.raises(ValueError, match="feature names should match"):
        SGDClassifier(**EPOCHS).fit(data, Y, X_val=other, y_val=Y)


@FRAMES
def test_float32_stays_float32_and_mixtures_are_float64(kind):
    narrow = X.astype(np.float32)
    model = trained(SGDClassifier, frame(kind, named(NAMES, narrow)))
    assert model.coef_.dtype == np.float32
    assert np.array_equal(model.coef_, trained(SGDClassifier, narrow).coef_)
    mixed = frame(kind, {"a": narrow[:, 0], "b": X[:, 1], "c": np.arange(40)})
    assert trained(SGDClassifier, mixed).coef_.dtype == np.float64


@FRAMES
@pytest.mark.parametrize("values", [DAYS, DAYS - DAYS[0]], ids=["datetime", "duration"])
def test_84_times_are_refused_by_column(kind, values):
    """Read as numbers they would be counts of nanoseconds."""
    for columns in ({"t": values}, {"a": X[:, 0], "t": values}):
        with pytest.raises(TypeError, match=r"X must hold numbers; its columns \['t'\] hold times"):
            SGDClassifier().fit(frame(kind, columns), Y)


@FRAMES
def test_85_integers_that_lose_digits_are_told_by_column(kind):
    with pytest.warns(PrecisionWarning, match=r"column 'n' of X has integers up to 9007199254740993"):
        SGDClassifier(**EPOCHS).fit(frame(kind, {"a": np.arange(40), "n": np.full(40, 2**53 + 1)}), Y)


@FRAMES
def test_text_and_missing_values_are_refused(kind):
    with pytest.raises(ValueError, match="could not convert string to float: 'yes'"):
        SGDClassifier().fit(frame(kind, {"a": ["yes"] * 40}), Y)
    with pytest.raises(ValueError, match="NaN"):
        SGDClassifier().fit(frame(kind, {"a": [None] + [1.0] * 39}), Y)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_columns_as_targets_and_weights(kind):
    labels, weight = np.where(Y, "yes", "no"), np.arange(1.0, 41.0)
    for cls in (SGDClassifier, Perceptron):
        model = cls(**EPOCHS).fit(X, column(kind, labels), sample_weight=column(kind, weight))
        assert model.classes_.tolist() == ["no", "yes"]
        assert np.array_equal(model.coef_, cls(**EPOCHS).fit(X, labels, sample_weight=weight).coef_)
        model.partial_fit(X, column(kind, labels))
        assert model.score(X, column(kind, labels)) > 0.8
    targets = column(kind, X[:, 1])
    assert np.array_equal(SGDRegressor(**EPOCHS).fit(X, targets).coef_, SGDRegressor(**EPOCHS).fit(X, X[:, 1]).coef_)


def test_pandas_of_its_own():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    labels = pandas.Series(np.where(Y, "yes", "no"))
    for dtype in ("string", "category", object):
        assert SGDClassifier(**EPOCHS).fit(X, labels.astype(dtype)).classes_.tolist() == ["no", "yes"]
    twice = pandas.DataFrame(X, columns=["a", "a", "b"])
    with pytest.raises(ValueError, match=r"must be unique; several are named \['a'\]"):
        SGDClassifier().fit(twice, Y)
    index = pandas.DataFrame(X, columns=NAMES, index=np.arange(40)[::-1])  # rows are rows, whatever their labels
    assert np.array_equal(trained(SGDClassifier, index).coef_, trained(SGDClassifier, X).coef_)
    with pytest.raises(ValueError, match="NaN"):
        SGDClassifier().fit(pandas.DataFrame({"a": pandas.array([None] + [1] * 39, dtype="Int64")}), Y)
    numbered = trained(SGDClassifier, pandas.DataFrame(X))
    assert not hasattr(numbered, "feature_names_in_")


def test_a_lazy_frame_must_be_collected():
    polars = pytest.importorskip("polars", reason="polars is not installed")
    lazy = polars.DataFrame(named(NAMES)).lazy()
    with pytest.raises(TypeError, match=r"X is a LazyFrame, not computed yet; pass X\.collect\(\)"):
        SGDClassifier().fit(lazy, Y)
    assert trained(SGDClassifier, lazy.collect()).n_features_in_ == 3


def test_a_stream_without_pyarrow_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(TypeError, match=r"X, a Stream, exports an Arrow stream, and reading that needs pyarrow"):
        SGDClassifier().fit(Stream(None), Y)


def test_callbacks_are_given_the_frame():
    """A scorer that predicts on it needs the names, else scikit-learn warns."""
    data, monitor = frame("pandas", named(NAMES)), callback.ScoringMonitor(scoring="accuracy")
    model = SGDClassifier(**EPOCHS).set_callbacks(monitor).fit(data, Y)
    assert monitor.get_logs().data[-1]["accuracy"] == model.score(data, Y)
    assert len(monitor.get_logs().data_as_pandas) == 4
