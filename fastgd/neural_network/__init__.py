"""scikit-learn's multi-layer perceptrons, trained by compiled code: change the import, keep the rest.

>>> from fastgd.neural_network import MLPClassifier
>>> model = MLPClassifier((8,), learning_rate_init=0.1, max_iter=50, tol=None, random_state=0)
>>> model.fit([[0.0], [1.0], [2.0], [3.0]], ["no", "no", "yes", "yes"]).predict([[9.0]])
array(['yes'], dtype='<U3')

This module imports scikit-learn; `import fastgd` does not.
"""

from fastgd._estimators.callbacks import EpochInfo
from fastgd._training.log import DivergedError
from fastgd.neural_network._classifier import MLPClassifier
from fastgd.neural_network._compression import CompressionReport
from fastgd.neural_network._heads import Head
from fastgd.neural_network._multi_task import MLPMultiTask
from fastgd.neural_network._regressor import MLPRegressor

__all__ = ["CompressionReport", "DivergedError", "EpochInfo", "Head", "MLPClassifier", "MLPMultiTask", "MLPRegressor"]
