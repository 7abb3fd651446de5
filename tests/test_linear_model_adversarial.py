"""Odd inputs to the estimators, each with its one right answer: rows 79-112 of the adversarial table.

An error names what is wrong and comes before anything is changed; an odd input that is accepted gives the model of the plain one. Where
scikit-learn's validation speaks, its words are kept. Row 109 (batch_size) has no parameter yet.
"""

import pickle
import signal
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import DataConversionWarning, NotFittedError

from fastgd.linear_model import Perceptron, PrecisionWarning, SGDClassifier, SGDOneClassSVM, SGDRegressor

VE, TE, FP = ValueError, TypeError, FloatingPointError
OPTIONS = {"max_iter": 3, "tol": None, "random_state": 0}
CLASSES = (SGDClassifier, SGDRegressor, Perceptron, SGDOneClassSVM)


def rows(n=20, d=5):
    X = np.random.default_rng(0).normal(size=(n, d))
    return X, (X[:, 0] > 0).astype(int)


def untouched(model):
    return pickle.dumps({name: value for name, value in vars(model).items()})


def refused(model, call, error, words):
    """Assert that the call raises and leaves the model as it was."""
    before = untouched(model)
    with pytest.raises(error) as caught:
        call()
    for word in [words] if isinstance(words, str) else words:
        assert word in str(caught.value), str(caught.value)
    assert untouched(model) == before


def refused_everywhere(X, y, error, words, classes=CLASSES):
    """In fit and partial_fit, of a new and of a fitted model, and in predict where X is the odd one."""
    plain_X, plain_y = rows()
    for cls in classes:
        for model in (cls(**OPTIONS), cls(**OPTIONS).fit(plain_X, plain_y)):
            given = (X, plain_y[: (*np.shape(X), 20)[0]] if y is None else y)
            kinds = {"classes": [0, 1]} if cls in (SGDClassifier, Perceptron) and not hasattr(model, "coef_") else {}
            refused(model, lambda m=model, g=given: m.fit(*g), error, words)
            refused(model, lambda m=model, g=given, k=kinds: m.partial_fit(*g, **k), error, words)
        if y is None:
            refused(model, lambda m=model: m.predict(X), error, words)


def changed(value):
    X = rows()[0]
    X[3, 2] = value
    return X


SHAPED = {
    "1-D": (np.ones(20), "Expected 2D array, got 1D array instead"),
    "0-D": (np.array(1.0), "Expected 2D array"),
    "3-D": (np.ones((20, 2, 2)), "dim 3"),
}
ODD_X = [
    (79, "NaN", changed(np.nan), VE, "NaN"),
    (79, "inf", changed(np.inf), VE, "infinity"),
    *((80, name, X, VE, words) for name, (X, words) in SHAPED.items()),
    (81, "no columns", np.ones((20, 0)), VE, "0 feature"),
    (81, "no rows", np.ones((0, 5)), VE, "0 sample"),
    (82, "strings", np.array([["a"] * 5] * 20, dtype=object), VE, "could not convert"),
    (83, "complex", rows()[0] + 1j, VE, "Complex data not supported"),
    (84, "times", rows()[0].astype("datetime64[s]"), TE, "datetime64"),
    (84, "durations", rows()[0].astype("timedelta64[s]"), TE, "timedelta64"),
    (87, "masked", np.ma.masked_less(rows()[0], -1), VE, "masked"),
]


@pytest.mark.parametrize("X, error, words", [pytest.param(*o[2:], id=f"{o[0]}-{o[1]}") for o in ODD_X])
def test_odd_matrices_are_refused(X, error, words):
    refused_everywhere(X, None, error, words)


EQUAL_X = {
    "82-object": lambda X: X.astype(object),
    "86-float16": lambda X: X.astype(np.float16),
    "86-longdouble": lambda X: X.astype(np.longdouble),
    "86-big-endian": lambda X: X.astype(">f8"),
    "86-bool": lambda X: X > 0,
    "86-int8": lambda X: (10 * X).astype(np.int8),
    "86-negative stride": lambda X: X[::-1],
    "86-list": lambda X: X.tolist(),
    "86-unmasked": np.ma.array,
    "90-explicit zeros": lambda X: sp.csr_array(X),
}


@pytest.mark.filterwarnings("ignore::fastgd.GradientHealthWarning")
@pytest.mark.parametrize("name", EQUAL_X)
def test_odd_matrices_that_are_equal_to_plain_ones(name):
    X, y = rows()
    odd = EQUAL_X[name](np.round(X, 1))
    plain = np.array(odd.toarray() if sp.issparse(odd) else odd, dtype=np.float64)
    for cls in CLASSES:
        a, b = cls(**OPTIONS).fit(odd, y), cls(**OPTIONS).fit(plain, y)
        np.testing.assert_allclose(a.coef_, b.coef_, rtol=1e-12, atol=1e-12 if sp.issparse(odd) else 0)
        np.testing.assert_allclose(a.predict(odd), b.predict(plain), rtol=1e-12)


def test_81_one_row_and_one_column():
    X, y = rows()
    for cls in CLASSES:
        assert cls(**OPTIONS).fit(X[:, :1], y).n_features_in_ == 1
    assert SGDRegressor(**OPTIONS).fit(X[:1], y[:1]).t_ == 4


def test_85_integers_that_lose_digits_warn():
    X, y = rows()
    big = np.full(X.shape, 2**60, np.uint64)
    with pytest.warns(PrecisionWarning, match="2\\*\\*53"), pytest.raises(FP):
        SGDRegressor(learning_rate=1e200, penalty=None, **OPTIONS).fit(big, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SGDRegressor(**OPTIONS).fit(np.ones(X.shape, np.uint64), y)


def test_86_read_only_and_memmap(tmp_path):
    X, y = rows()
    expected = SGDClassifier(**OPTIONS).fit(X, y).coef_
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    for odd in (mapped, sp.csr_array(X)):
        for array in (odd.data, odd.indices, odd.indptr) if sp.issparse(odd) else ():
            array.flags.writeable = False
        np.testing.assert_allclose(SGDClassifier(**OPTIONS).fit(odd, y).coef_, expected, rtol=1e-12)


# ---------------------------------------------------------------------------------------------------------------------- targets

X20, Y20 = rows()
ODD_Y = [
    (91, "NaN", np.where(Y20, np.nan, 0.0), VE, "NaN", None),
    (91, "inf", np.where(Y20, np.inf, 0.0), VE, "infinity", None),
    (91, "None", np.where(Y20, None, 0), VE, "", (SGDClassifier,)),
    (91, "complex", Y20 + 1j, VE, "", None),
    (
        91,
        "masked",
        np.ma.array(Y20, mask=np.arange(20) == 3),
        VE,
        "y has 1 masked cells",
        (SGDClassifier, SGDRegressor),
    ),
    (91, "2-D", np.full((20, 2), 2), VE, "must hold 0 and 1", (SGDClassifier, Perceptron)),
    (91, "3-D", np.ones((20, 2, 2)), VE, "", None),
    (91, "other outputs", np.ones((19, 2)), VE, "inconsistent numbers of samples", (SGDRegressor,)),
    (91, "no outputs", np.ones((20, 0)), VE, "0 feature", (SGDRegressor,)),
    (91, "sparse outputs", sp.csr_array(np.ones((20, 2))), TypeError, "y must be dense", (SGDRegressor,)),
    (91, "wrong length", Y20[:-1], VE, "inconsistent numbers of samples", None),
    (93, "continuous", X20[:, 0], VE, "Unknown label type", (SGDClassifier, Perceptron)),
]


@pytest.mark.parametrize("y, error, words, classes", [pytest.param(*o[2:], id=f"{o[0]}-{o[1]}") for o in ODD_Y])
def test_odd_targets_are_refused(y, error, words, classes):
    for cls in classes or (SGDClassifier, SGDRegressor, Perceptron):
        for model in (cls(**OPTIONS), cls(**OPTIONS).fit(X20, Y20)):
            refused(model, lambda m=model: m.fit(X20, y), error, words)


def test_91_a_column_is_a_vector_with_a_warning():
    for cls in (SGDClassifier, SGDRegressor):
        with pytest.warns(DataConversionWarning):
            model = cls(**OPTIONS).fit(X20, Y20[:, None])
        assert np.array_equal(model.coef_, cls(**OPTIONS).fit(X20, Y20).coef_)


def test_92_one_class():
    model = SGDClassifier()
    refused(model, lambda: model.fit(X20, np.full(20, 7)), VE, ["greater than one; got 1 class", "7"])


def test_94_to_96_classes():
    new = SGDClassifier(**OPTIONS)
    refused(new, lambda: new.partial_fit(X20, Y20), VE, "classes must be passed on the first call to partial_fit.")
    for classes in ([0, 0, 1], [0.0, np.nan], [0, np.inf], [1], 3, [[0, 1]]):
        refused(new, lambda c=classes: new.partial_fit(X20, Y20, classes=c), VE, "class")
    refused(new, lambda: new.partial_fit(X20, Y20 + 5, classes=[0, 1]), VE, ["5, 6", "0, 1"])
    assert new.partial_fit(X20, Y20, classes=[1, 0]).classes_.tolist() == [0, 1]
    refused(
        new, lambda: new.partial_fit(X20, Y20, classes=[0, 2]), VE, "is not the same as on last call to partial_fit"
    )
    refused(new, lambda: new.partial_fit(X20, np.where(Y20, "a", "b")), VE, ["'a', 'b'", "0, 1"])


# ------------------------------------------------------------------------------------------------- rows, weights, initial values


def test_88_and_97_other_features():
    for cls in CLASSES:
        model = cls(**OPTIONS).fit(X20, Y20)
        words = f"X has 4 features, but {cls.__name__} is expecting 5 features as input"
        refused(model, lambda m=model: m.predict(X20[:, :4]), VE, words)
        refused(model, lambda m=model: m.partial_fit(X20[:, :4], Y20), VE, words)


def test_98_empty_batch():
    for cls in CLASSES:
        model = cls(**OPTIONS).fit(X20, Y20)
        refused(model, lambda m=model: m.partial_fit(X20[:0], Y20[:0]), VE, "0 sample(s)")


ODD_WEIGHTS = [
    (99, "negative", np.where(Y20, -1.0, 1.0), VE, "Negative values"),
    (100, "NaN", np.where(Y20, np.nan, 1.0), VE, "NaN"),
    (100, "inf", np.where(Y20, np.inf, 1.0), VE, "infinity"),
    (102, "wrong length", np.ones(19), VE, ""),
    (102, "masked", np.ma.masked_less(np.arange(20.0), 2), VE, "sample_weight has 2 masked cells"),
    (102, "2-D", np.ones((20, 2)), VE, "1D array or scalar"),
    (102, "strings", ["a"] * 20, TE, "real numbers"),
    (102, "complex", np.ones(20) + 1j, TE, "real numbers"),
]


@pytest.mark.parametrize("weight, error, words", [pytest.param(*o[2:], id=f"{o[0]}-{o[1]}") for o in ODD_WEIGHTS])
def test_odd_weights_are_refused(weight, error, words):
    for cls in CLASSES:
        for model in (cls(**OPTIONS), cls(**OPTIONS).fit(X20, Y20)):
            refused(model, lambda m=model: m.fit(X20, Y20, sample_weight=weight), error, words)
        refused(model, lambda m=model: m.partial_fit(X20, Y20, sample_weight=weight), error, words)


def test_101_all_zero_weights():
    zero = np.zeros(20)
    for cls in CLASSES:
        new, model = cls(**OPTIONS), cls(**OPTIONS).fit(X20, Y20)
        refused(model, lambda m=model: m.fit(X20, Y20, sample_weight=zero), VE, "at least one non-zero")
        before = untouched(model)
        assert untouched(model.partial_fit(X20, Y20, sample_weight=zero)) == before
        kinds = {"classes": [0, 1]} if hasattr(model, "classes_") else {}
        new.partial_fit(X20, Y20, sample_weight=zero, **kinds)
        assert new.t_ == 1 and not new.coef_.any()
        later = new.partial_fit(X20, Y20)
        expected = cls(**OPTIONS).partial_fit(X20, Y20, **kinds)
        assert later.coef_.tobytes() == expected.coef_.tobytes() and later.t_ == expected.t_


@pytest.mark.parametrize("penalty", ["l2", None])
def test_103_huge_weights_are_no_huge_weights(penalty):
    for cls in (SGDClassifier, SGDRegressor):
        model = cls(penalty=penalty, learning_rate=0.1, **OPTIONS)
        refused(model, lambda m=model: m.fit(X20, Y20, sample_weight=np.full(20, 1e300)), FP, "under-/overflow")


def test_104_class_weights():
    for weights, words in [({0: 1, 2: 1}, "[2]"), ({0: -1}, ">= 0"), ({0: np.nan}, "finite"), ({1: np.inf}, "finite")]:
        model = SGDClassifier(class_weight=weights)
        refused(model, lambda m=model: m.fit(X20, Y20), VE, words)


def test_105_huge_values():
    for X, y in [(X20 * 1e200, Y20), (X20, (Y20 + 1) * 5e307), (X20 * 1e200, (Y20 + 1) * 5e307)]:
        model = SGDRegressor(**OPTIONS).fit(X20, Y20)
        before = untouched(model)
        try:
            model.fit(X, y)
        except FP:
            assert untouched(model) == before
        else:
            assert np.isfinite(model.coef_).all()
    single = SGDRegressor(**OPTIONS)
    refused(
        single, lambda: single.fit(X20.astype(np.float32), np.full(20, 1e300)), VE, "too large for dtype('float32')"
    )


def test_106_interrupted_first_fit(monkeypatch):
    from fastgd._training.linear import LinearLanes

    epoch, calls = LinearLanes.epoch, []

    def interrupted(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return epoch(*args, **kwargs)

    monkeypatch.setattr(LinearLanes, "epoch", interrupted)
    for cls in CLASSES:
        calls.clear()
        model = cls(**OPTIONS)
        refused(model, lambda m=model: m.fit(X20, Y20), KeyboardInterrupt, "")
        with pytest.raises(NotFittedError):
            model.predict(X20)


@pytest.mark.parametrize("fitted", [False, True])
def test_130_a_signal_in_the_midst_of_an_epoch(fitted):
    """The training would take hours; the signal is answered between two slices of an epoch, and the old model is kept."""
    X = np.broadcast_to(np.ones(64, np.float32), (200_000, 64))
    y = np.arange(200_000) % 2

    def interrupt(number, frame):
        raise KeyboardInterrupt

    model = SGDClassifier(**OPTIONS, shuffle=False)
    if fitted:
        model.fit(X[:10], y[:10])
    before, handler = untouched(model), signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            model.set_params(max_iter=10**6).fit(X, y)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    assert untouched(model.set_params(max_iter=3)) == before
    assert hasattr(model, "coef_") == fitted


ODD_ATTRIBUTES = [
    None,
    [1.0],
    "x",
    np.nan,
    np.ones(3),
    np.ones((7, 7)),
    np.full((1, 5), np.inf),
    np.full((1, 5), "x"),
    np.ones((1, 5)) * 1j,
]


@pytest.mark.parametrize("value", ODD_ATTRIBUTES, ids=lambda v: str(v)[:20])
def test_107_spoilt_attributes(value):
    for cls in CLASSES:
        for name in ("coef_", "offset_" if cls is SGDOneClassSVM else "intercept_"):
            model = cls(**OPTIONS).fit(X20, Y20)
            setattr(model, name, value)
            with pytest.raises((VE, TE, NotFittedError)):
                model.predict(X20)
            if name == "coef_" and value is None:
                continue  # counts as unfitted, as in scikit-learn
            with pytest.raises((VE, TE, NotFittedError)):
                model.partial_fit(X20, Y20)
    for odd in (None, "x", [1], np.ones(7)):
        model = SGDClassifier(**OPTIONS).fit(X20, Y20)
        model.classes_ = odd
        with pytest.raises((VE, TE)):
            model.predict(X20)


def test_108_n_jobs():
    for n_jobs, error in [(0, VE), (1.5, TE), ("2", TE)]:
        model = SGDClassifier(n_jobs=n_jobs)
        refused(model, lambda m=model: m.fit(X20, Y20), error, "n_jobs")
    expected = SGDClassifier(**OPTIONS).fit(X20, Y20).coef_
    for n_jobs in (-1, 1, 500):
        assert np.array_equal(SGDClassifier(n_jobs=n_jobs, **OPTIONS).fit(X20, Y20).coef_, expected)


def test_110_random_state():
    for odd in (0.5, "seed", [1, "x"]):
        model = SGDClassifier(random_state=odd)
        refused(model, lambda m=model: m.fit(X20, Y20), VE, "random_state")


def test_111_initial_weights():
    for cls, bias in [
        (SGDClassifier, "intercept_init"),
        (SGDRegressor, "intercept_init"),
        (SGDOneClassSVM, "offset_init"),
    ]:
        model = cls(**OPTIONS).fit(X20, Y20)
        for odd in (np.ones(4), np.ones((2, 5)), np.full(5, np.nan), "x"):
            refused(model, lambda m=model, o=odd: m.fit(X20, Y20, coef_init=o), VE, "")
        for odd in (np.ones(2), [np.inf]):
            refused(model, lambda m=model, o=odd, b=bias: m.fit(X20, Y20, **{b: o}), VE, bias)


def test_112_validation_splits_and_own_rows():
    y = np.zeros(20, int)
    y[0] = 1
    for cls in (SGDClassifier, SGDRegressor):
        refused(model := cls(early_stopping=True), lambda m=model: m.fit(X20[:1], Y20[:1]), VE, "")
        model = cls(early_stopping=True).fit(X20, Y20)
        refused(model, lambda m=model: m.fit(X20, Y20, X_val=X20), VE, "go together")
        refused(model, lambda m=model: m.fit(X20, Y20, sample_weight_val=np.ones(20)), VE, "needs X_val")
        refused(model, lambda m=model: m.fit(X20, Y20, X_val=X20[:, :2], y_val=Y20), VE, "features")
        refused(model, lambda m=model: m.fit(X20, Y20, X_val=X20[:0], y_val=Y20[:0]), VE, "0 sample")
    refused(model := SGDClassifier(early_stopping=True), lambda: model.fit(X20, y), VE, "least populated class")
    refused(model, lambda: model.fit(X20, Y20, X_val=X20, y_val=Y20 + 1), VE, ["y_val", "[2]"])
    weight = np.zeros(20)
    weight[np.flatnonzero(Y20)[0]] = weight[np.flatnonzero(Y20 == 0)[0]] = 1
    refused(
        model := SGDClassifier(early_stopping=True, random_state=1),
        lambda: model.fit(X20, Y20, sample_weight=weight),
        VE,
        "The sample weights for validation set are all zero",
    )


@pytest.mark.parametrize("n_epochs, error", [(0, VE), (-1, VE), (1.5, TE), (None, TE), (True, TE)])
def test_the_number_of_epochs(n_epochs, error):
    for cls in CLASSES:
        model = cls(**OPTIONS).fit(X20, Y20)
        refused(model, lambda m=model: m.partial_fit(X20, Y20, n_epochs=n_epochs), error, "n_epochs")
