"""scikit-learn's own contract: every check that it has for its estimators, on each of ours."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastgd.linear_model import Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor
from fastgd.schedules import cosine

ESTIMATORS = [
    SGDClassifier(max_iter=5),
    SGDClassifier(loss="log_loss", penalty="elasticnet", learning_rate="adaptive", eta0=0.1, max_iter=5),
    SGDClassifier(loss="modified_huber", penalty="l1", learning_rate=0.01, average=True, max_iter=5),
    SGDRegressor(max_iter=5),
    SGDRegressor(loss="logcosh", learning_rate=0.1 * cosine("100%"), max_iter=5),
    SGDRegressor(loss="squared_epsilon_insensitive", penalty=None, average=10, max_iter=5),
    SGDClassifier(loss="focal", max_iter=5),
    Perceptron(max_iter=5),
    SGDOneClassSVM(max_iter=5),
]
WEIGHTS = {
    f"check_sample_weight_equivalence_on_{kind}_data": "a row of weight 2 takes one step twice as long, not two"
    for kind in ("dense", "sparse")
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings(
    "ignore::fastgd.GradientHealthWarning"
)  # of rows that are not scaled, in an order drawn by chance
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=lambda estimator: WEIGHTS)
def test_scikit_learn_contract(estimator, check):
    check(estimator)
