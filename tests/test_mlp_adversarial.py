"""Odd inputs to the networks, each with its one right answer: rows 79-112 of the adversarial table.

An error names what is wrong and comes before anything is changed. Where scikit-learn's validation speaks, its words are kept.
"""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.exceptions import DataConversionWarning, NotFittedError

import fastgd
from fastgd.linear_model import PrecisionWarning
from fastgd.neural_network import MLPClassifier, MLPRegressor
from fastgd.schedules import cosine

VE, TE, FP = ValueError, TypeError, FloatingPointError
OPTIONS = {"hidden_layer_sizes": (4,), "max_iter": 3, "tol": None, "random_state": 0}
CLASSES = (MLPClassifier, MLPRegressor)


def rows(n=20, d=5):
    X = np.random.default_rng(0).normal(size=(n, d))
    return X, (X[:, 0] > 0).astype(int)


X20, Y20 = rows()


def untouched(model):
    return pickle.dumps(vars(model))


def refused(model, call, error, words):
    """Assert that the call raises and leaves the model as it was."""
    before = untouched(model)
    with pytest.raises(error) as caught:
        call()
    for word in [words] if isinstance(words, str) else words:
        assert word in str(caught.value), str(caught.value)
    assert untouched(model) == before


def changed(value):
    X = X20.copy()
    X[3, 2] = value
    return X


damaged = sp.csr_array(X20)
damaged.indices[7] = 99
ODD_X = {
    "79-NaN": (changed(np.nan), VE, "NaN"),
    "79-inf": (changed(np.inf), VE, "infinity"),
    "80-1-D": (np.ones(20), VE, "Expected 2D array, got 1D array instead"),
    "80-0-D": (np.array(1.0), VE, "Expected 2D array"),
    "80-3-D": (np.ones((20, 2, 2)), VE, "dim 3"),
    "81-no columns": (np.ones((20, 0)), VE, "0 feature"),
    "81-no rows": (np.ones((0, 5)), VE, "0 sample"),
    "82-strings": (np.array([["a"] * 5] * 20, dtype=object), VE, "could not convert"),
    "83-complex": (X20 + 1j, VE, "Complex data not supported"),
    "84-times": (X20.astype("datetime64[s]"), TE, "datetime64"),
    "87-masked": (np.ma.masked_less(X20, -1), VE, "masked"),
    "89-damaged": (damaged, VE, "99"),
}


@pytest.mark.parametrize("name", ODD_X)
def test_odd_matrices_are_refused(name):
    X, error, words = ODD_X[name]
    y = Y20[: (*X.shape, 20)[0]]
    for cls in CLASSES:
        for model in (cls(**OPTIONS), cls(**OPTIONS).fit(X20, Y20)):
            kinds = {"classes": [0, 1]} if cls is MLPClassifier and not hasattr(model, "classes_") else {}
            refused(model, lambda m=model: m.fit(X, y), error, words)
            refused(model, lambda m=model, k=kinds: m.partial_fit(X, y, **k), error, words)
        refused(model, lambda m=model: m.predict(X), error, words)


EQUAL_X = {
    "82-object": lambda X: X.astype(object),
    "86-float16": lambda X: X.astype(np.float16),
    "86-big-endian": lambda X: X.astype(">f8"),
    "86-int8": lambda X: (10 * X).astype(np.int8),
    "86-negative stride": lambda X: X[::-1],
    "86-column-major": np.asfortranarray,
    "86-list": lambda X: X.tolist(),
    "90-sparse": lambda X: sp.coo_array(X),
}


@pytest.mark.parametrize("name", EQUAL_X)
def test_odd_matrices_that_are_equal_to_plain_ones(name):
    odd = EQUAL_X[name](np.round(X20, 1))
    plain = np.array(odd.toarray() if sp.issparse(odd) else odd, dtype=np.float64)
    for cls in CLASSES:
        a, b = cls(**OPTIONS).fit(odd, Y20), cls(**OPTIONS).fit(plain, Y20)
        np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(a.predict(odd), b.predict(plain), rtol=1e-9)


def test_81_one_row_and_one_column():
    for cls in CLASSES:
        assert cls(**OPTIONS).fit(X20[:, :1], Y20).n_features_in_ == 1
    assert MLPRegressor(**OPTIONS).fit(X20[:1], Y20[:1]).t_ == 3


def test_85_integers_that_lose_digits_warn():
    with pytest.warns(PrecisionWarning, match="2\\*\\*53"):
        MLPRegressor(**OPTIONS).fit(np.full(X20.shape, 2**60, np.uint64), Y20)


ODD_Y = {
    "91-NaN": (np.where(Y20, np.nan, 0.0), VE, "NaN", CLASSES),
    "91-inf": (np.where(Y20, np.inf, 0.0), VE, "infinity", CLASSES),
    "91-None": (np.where(Y20, None, 0), VE, "", (MLPClassifier,)),
    "91-complex": (Y20 + 1j, VE, "", CLASSES),
    "91-mixed types": (np.array(["a", 1] * 10, object), VE, "labels of one kind", (MLPClassifier,)),
    "91-3-D": (np.ones((20, 2, 2)), VE, "", CLASSES),
    "91-wrong length": (Y20[:-1], VE, "inconsistent numbers of samples", CLASSES),
    "91-several kinds": (np.stack([Y20, 2 * Y20], 1), VE, "Multioutput target data is not supported", (MLPClassifier,)),
    "91-sums above 1": (np.full((20, 3), 0.4), VE, ["rows that sum to 1", "row 0 sums to 1.2"], (MLPClassifier,)),
    "91-negative probabilities": (np.tile([1.5, -0.5], (20, 1)), VE, "rows that sum to 1", (MLPClassifier,)),
    "91-sparse outputs": (sp.csr_array(np.ones((20, 2))), TE, "y must be dense", (MLPRegressor,)),
    "92-one class": (np.full(20, 7), VE, "greater than one; got 1 class", (MLPClassifier,)),
    "93-continuous": (X20[:, 0], VE, "Unknown label type", (MLPClassifier,)),
}


@pytest.mark.parametrize("name", ODD_Y)
def test_odd_targets_are_refused(name):
    y, error, words, classes = ODD_Y[name]
    for cls in classes:
        for model in (cls(**OPTIONS), cls(**OPTIONS).fit(X20, Y20)):
            refused(model, lambda m=model: m.fit(X20, y), error, words)


def test_91_poisson_targets_and_other_numbers_of_outputs():
    model = MLPRegressor("poisson", **OPTIONS)
    refused(model, lambda: model.fit(X20, X20[:, 0]), VE, ["y must be >= 0 for the loss 'poisson'", "row"])
    two = MLPRegressor(**OPTIONS).fit(X20, X20[:, :2])
    refused(two, lambda: two.partial_fit(X20, Y20), VE, "as many outputs as before, 2; got 1")
    for shown in (X20[:, 0], X20[:, :3]):
        refused(
            two,
            lambda y=shown: two.fit(X20, X20[:, :2], X_val=X20, y_val=y),
            VE,
            "y_val must have as many outputs as y",
        )
    narrow = MLPRegressor(**OPTIONS)
    refused(
        narrow, lambda: narrow.fit(X20.astype(np.float32), np.full(20, 1e300)), VE, "too large for dtype('float32')"
    )


def test_91_other_kinds_of_labels_when_going_on():
    labels, both = MLPClassifier(**OPTIONS).fit(X20, Y20), np.stack([Y20, 1 - Y20], 1)
    indicators = MLPClassifier(**OPTIONS).fit(X20, both)
    refused(labels, lambda: labels.partial_fit(X20, both), VE, "y must be labels")
    refused(indicators, lambda: indicators.partial_fit(X20, Y20), VE, "of 2 columns")
    refused(indicators, lambda: indicators.fit(X20, both, X_val=X20, y_val=Y20), VE, "y_val must be of 2 columns")
    soft = MLPClassifier(class_weight="balanced", **OPTIONS)
    refused(soft, lambda: soft.fit(X20, np.full((20, 2), 0.5)), VE, "class_weight is for labels")
    cool = MLPClassifier(temperature=2, **OPTIONS)
    refused(cool, lambda: cool.fit(X20, Y20), VE, "temperature=2")


def test_91_a_column_is_a_vector_with_a_warning():
    for cls in CLASSES:
        with pytest.warns(DataConversionWarning):
            model = cls(**OPTIONS).fit(X20, Y20[:, None])
        assert np.array_equal(model.coefs_[0], cls(**OPTIONS).fit(X20, Y20).coefs_[0])


def test_94_to_96_classes():
    new = MLPClassifier(**OPTIONS)
    refused(new, lambda: new.partial_fit(X20, Y20), VE, "classes must be passed on the first call to partial_fit.")
    for classes in ([0, 0, 1], [0.0, np.nan], [1], 3, [[0, 1]]):
        refused(new, lambda c=classes: new.partial_fit(X20, Y20, classes=c), VE, "class")
    refused(new, lambda: new.partial_fit(X20, Y20 + 5, classes=[0, 1]), VE, ["5, 6", "0, 1"])
    for columns in (np.tile([0, 1, 1], (20, 1)), np.tile([0.2, 0.3, 0.5], (20, 1))):
        refused(new, lambda y=columns: new.partial_fit(X20, y, classes=[0, 1]), VE, "the 3 columns of y")
        named = MLPClassifier(**OPTIONS).partial_fit(X20, columns, classes=[0, 1, 2])
        assert len(named.predict(X20)) == 20
    assert new.partial_fit(X20, Y20, classes=[1, 0]).classes_.tolist() == [0, 1]
    refused(
        new, lambda: new.partial_fit(X20, Y20, classes=[0, 2]), VE, "is not the same as on last call to partial_fit"
    )
    refused(new, lambda: new.partial_fit(X20, np.where(Y20, "a", "b")), VE, ["'a', 'b'", "0, 1"])


def test_88_97_98_other_features_and_no_rows():
    for cls in CLASSES:
        model = cls(**OPTIONS).fit(X20, Y20)
        words = f"X has 4 features, but {cls.__name__} is expecting 5 features as input"
        refused(model, lambda m=model: m.predict(X20[:, :4]), VE, words)
        refused(model, lambda m=model: m.partial_fit(X20[:, :4], Y20), VE, words)
        refused(model, lambda m=model: m.partial_fit(X20[:0], Y20[:0]), VE, "0 sample(s)")
        model.set_params(warm_start=True)
        refused(model, lambda m=model: m.fit(X20[:, :4], Y20), VE, words)


ODD_WEIGHTS = {
    "99-negative": (np.where(Y20, -1.0, 1.0), VE, "Negative values"),
    "100-NaN": (np.where(Y20, np.nan, 1.0), VE, "NaN"),
    "102-wrong length": (np.ones(19), VE, ""),
    "102-2-D": (np.ones((20, 2)), VE, "1D array or scalar"),
    "102-strings": (["a"] * 20, TE, "real numbers"),
}


@pytest.mark.parametrize("name", ODD_WEIGHTS)
def test_odd_weights_are_refused(name):
    weight, error, words = ODD_WEIGHTS[name]
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
        kinds = {"classes": [0, 1]} if cls is MLPClassifier else {}
        new.partial_fit(X20, Y20, sample_weight=zero, **kinds)
        assert new.t_ == 0 and new.predict(X20).shape == (20,)
        later, expected = new.partial_fit(X20, Y20), cls(**OPTIONS).partial_fit(X20, Y20, **kinds)
        assert later.coefs_[0].tobytes() == expected.coefs_[0].tobytes() and later.t_ == expected.t_ == 20


def test_104_class_weights():
    for weights, words in [({0: 1, 2: 1}, "[2]"), ({0: -1}, ">= 0"), ({0: np.nan}, "finite")]:
        model = MLPClassifier(class_weight=weights, **OPTIONS)
        refused(model, lambda m=model: m.fit(X20, Y20), VE, words)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_105_huge_values():
    for solver in ("sgd", "adam", "lbfgs"):
        for X, y in [(X20 * 1e200, Y20), (X20, (Y20 + 1) * 5e307)]:
            model = MLPRegressor(solver=solver, **OPTIONS).fit(X20, Y20)
            before = untouched(model)
            try:
                model.fit(X, y)
            except FP:
                assert untouched(model) == before
            else:
                assert all(np.isfinite(coef).all() for coef in model.coefs_)


ODD_ATTRIBUTES = [None, [1.0], "x", [], [None, None], [np.ones((5, 4)), np.ones((4, 2))], [np.full((5, 4), np.nan), np.ones((4, 1))],
                  [np.ones((5, 4)) * 1j, np.ones((4, 1))], [np.full((5, 4), "x"), np.ones((4, 1))]]  # fmt: skip


@pytest.mark.parametrize("value", ODD_ATTRIBUTES, ids=lambda v: str(v)[:20])
def test_107_spoilt_attributes(value):
    for cls in CLASSES:
        for name in ("coefs_", "intercepts_"):
            model = cls(**OPTIONS).fit(X20, Y20)
            setattr(model, name, value)
            with pytest.raises((VE, TE, NotFittedError)):
                model.predict(X20)
    for odd in (None, "x", [1], np.ones(7)):
        model = MLPClassifier(**OPTIONS).fit(X20, Y20)
        model.classes_ = odd
        for call in (model.predict, lambda X, m=model: m.partial_fit(X, Y20)):
            with pytest.raises((VE, TE)):
                call(X20)


ODD_PARAMETERS = [
    ({"n_jobs": 0}, "n_jobs == 0"),
    ({"n_jobs": 1.5}, "n_jobs"),
    ({"batch_size": 0}, "batch_size"),
    ({"batch_size": 2.5}, "batch_size"),
    ({"random_state": 0.5}, "random_state"),
    ({"hidden_layer_sizes": -1}, "hidden_layer_sizes"),
    ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes must be > 0, got [3, 0]."),
    ({"hidden_layer_sizes": (3.5,)}, "hidden_layer_sizes must be an integer"),
    ({"hidden_layer_sizes": (2,) * 64}, "hidden_layer_sizes must have at most 63 layers; got 64."),
    ({"activation": "swish"}, "activation"),
    ({"solver": "newton"}, "solver"),
    ({"learning_rate": "auto!"}, "learning_rate"),
    ({"learning_rate": -1.0}, "learning_rate"),
    ({"learning_rate_init": 0.0}, "learning_rate_init"),
    (
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": cosine(5)},
        "needs a number as learning_rate_init",
    ),
    ({"momentum": 1.0}, "momentum"),
    ({"dropout": 1.0}, "dropout"),
    ({"dropout": [0.1, 0.2]}, "one for each of the 1 hidden layers"),
    ({"dropout": ["a"]}, "dropout"),
    ({"max_norm": 0.0}, "max_norm"),
    ({"l1": np.nan}, "l1"),
    ({"init": "zeros"}, "init"),
    ({"optimizer": "adam"}, "optimizer"),
    ({"solver": "lbfgs", "optimizer": fastgd.Adam()}, "solver='lbfgs' has no use for optimizer="),
    ({"solver": "lbfgs", "dropout": 0.5}, "solver='lbfgs' has no use for dropout=0.5"),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("options, words", ODD_PARAMETERS, ids=[str(odd[0]) for odd in ODD_PARAMETERS])
def test_108_to_110_parameters(options, words):
    for cls in CLASSES:
        model = cls(**OPTIONS | options)
        refused(model, lambda m=model: m.fit(X20, Y20), (VE, TE), words)


@pytest.mark.filterwarnings("ignore::fastgd.GradientHealthWarning")
def test_as_many_layers_as_the_compiled_tables_have_places():
    for cls in CLASSES:
        assert cls(**OPTIONS | {"hidden_layer_sizes": (2,) * 63}).fit(X20, Y20).n_layers_ == 65


def test_109_large_batches_are_one_batch_with_a_warning():
    for cls in CLASSES:
        with pytest.warns(
            UserWarning, match="Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"
        ):
            model = cls(batch_size=10**9, **OPTIONS).fit(X20, Y20)
        assert model.coefs_[0].tobytes() == cls(batch_size=20, **OPTIONS).fit(X20, Y20).coefs_[0].tobytes()


def test_112_validation():
    for cls in CLASSES:
        model = cls(early_stopping=True, **OPTIONS)
        refused(model, lambda m=model: m.fit(X20[:8], Y20[:8]), VE, "validation")
        refused(model, lambda m=model: m.partial_fit(X20, Y20), VE, "partial_fit does not support early_stopping=True")
        for own in ({"X_val": X20}, {"y_val": Y20}, {"sample_weight_val": np.ones(20)}):
            refused(model, lambda m=model, o=own: m.fit(X20, Y20, **o), VE, "X_val and y_val")
        newton = cls(solver="lbfgs", **OPTIONS)
        refused(newton, lambda m=newton: m.fit(X20, Y20, X_val=X20, y_val=Y20), VE, "has no use for X_val")
        assert not hasattr(newton, "partial_fit")
        with pytest.raises(NotFittedError):
            newton.predict(X20)
