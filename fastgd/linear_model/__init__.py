"""scikit-learn's linear models by stochastic gradient descent, trained in lanes: change the import, keep the rest.

>>> from fastgd.linear_model import SGDClassifier
>>> SGDClassifier(random_state=0).fit([[0.0], [1.0], [2.0], [3.0]], ["no", "no", "yes", "yes"]).predict([[9.0]])
array(['yes'], dtype='<U3')

This module imports scikit-learn; `import fastgd` does not.
"""

from fastgd._estimators.callbacks import EpochInfo
from fastgd._estimators.frames import PrecisionWarning
from fastgd._training.log import DivergedError
from fastgd.linear_model._bootstrap import BootstrapResult
from fastgd.linear_model._perceptron import Perceptron
from fastgd.linear_model._sgd_classifier import SGDClassifier
from fastgd.linear_model._sgd_one_class_svm import SGDOneClassSVM
from fastgd.linear_model._sgd_regressor import SGDRegressor

__all__ = [
    "BootstrapResult",
    "DivergedError",
    "EpochInfo",
    "Perceptron",
    "PrecisionWarning",
    "SGDClassifier",
    "SGDOneClassSVM",
    "SGDRegressor",
]
