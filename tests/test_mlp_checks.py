"""scikit-learn's own contract for the networks: every check that it has for its estimators."""

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastgd
from fastgd.neural_network import MLPClassifier, MLPRegressor
from fastgd.schedules import cosine

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
    pytest.mark.filterwarnings("ignore:Got `batch_size` less than 1:UserWarning"),
]
SMALL = {"hidden_layer_sizes": (10,), "max_iter": 40}
ESTIMATORS = [
    MLPClassifier(max_iter=60),
    MLPClassifier(solver="sgd", learning_rate=0.1 * cosine("100%"), activation="silu", **SMALL),
    MLPRegressor(max_iter=60),
    MLPRegressor(loss="huber", optimizer=fastgd.AdamW(lr=0.02), dropout=0.1, clip_norm=1.0, **SMALL),
]
WEIGHTS = {
    f"check_sample_weight_equivalence_on_{kind}_data": "a row of weight 2 is one row, whose units drop out together"
    for kind in ("dense", "sparse")
}


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=lambda model: WEIGHTS if model.dropout else {})
def test_scikit_learn_contract(estimator, check):
    """The checks' data fit into one batch, so that weights equal repetition without dropout."""
    check(estimator)


FULL_BATCH = {"batch_size": 10**6, "learning_rate_init": 0.05, "tol": None, "random_state": 0, **SMALL}


@pytest.mark.filterwarnings("ignore::fastgd.GradientHealthWarning")
@parametrize_with_checks([MLPClassifier(solver="sgd", **FULL_BATCH), MLPRegressor(**FULL_BATCH)])
def test_weight_equals_repetition_in_a_full_batch(estimator, check):
    """With all rows in one batch there is no expected failure."""
    check(estimator)


@pytest.mark.parametrize("data", ["dense", "sparse"])
@pytest.mark.parametrize("estimator", [MLPClassifier(solver="lbfgs", **SMALL), MLPRegressor(solver="lbfgs", **SMALL)])
def test_weight_equals_repetition_for_lbfgs(estimator, data):
    check = getattr(estimator_checks, f"check_sample_weight_equivalence_on_{data}_data")
    check(type(estimator).__name__, estimator.set_params(random_state=0))
