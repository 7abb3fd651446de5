"""The perceptron."""

from numbers import Real
from typing import ClassVar

from sklearn.utils._param_validation import Interval

from fastgd._estimators.settings import store
from fastgd.linear_model._classification import LinearSGDClassifier

FIXED = ("loss", "epsilon", "learning_rate", "power_t", "average")


class Perceptron(LinearSGDClassifier):
    """Rosenblatt's perceptron: ``SGDClassifier(loss="perceptron", eta0=1, learning_rate="constant", penalty=None)``.

    Takes the place of ``sklearn.linear_model.Perceptron`` by a change of the import: every parameter, default, attribute and method has
    its name and meaning.

    Parameters
    ----------
    penalty : {"l2", "l1", "elasticnet"} or None, default=None
        What keeps weights small: half the squared norm, the sum of sizes (exact zeros), both, or nothing.
    alpha : float, default=0.0001
        The strength of the penalty, >= 0. The rate "optimal" is made of it.
    l1_ratio : float, default=0.15
        The share of L1 in "elasticnet", from 0 to 1.
    fit_intercept : bool, default=True
        Learn a constant besides the weights.
    max_iter : int, default=1000
        The largest number of epochs of `fit`.
    tol : float or None, default=1e-3
        `fit` stops a lane after `n_iter_no_change` epochs in which mean loss plus penalty (or the validation score) has not improved by
        `tol`. None: always `max_iter` epochs.
    shuffle : bool, default=True
        A new order of the rows for every epoch.
    verbose : int, default=0
        1 prints a line per epoch, 2 a row of a table: learning rate, losses, norm of the gradient, rows per second.
    eta0 : float, default=1.0
        The base rate.
    n_jobs : int, optional
        Threads inside one model: they share its lanes. None is 1, -1 all processors. The result does not depend on it.
    random_state : int, RandomState, numpy Generator or None, default=0
        The seed of the shuffles and of the split for early stopping. An int repeats the same training.
    early_stopping : bool, default=False
        Stop on the score of rows held out of the training data (or of `X_val`) instead of the objective.
    validation_fraction : float, default=0.1
        The share of rows to hold out.
    n_iter_no_change : int, default=5
        The patience, in epochs.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes by label; "balanced": ``n_samples / (n_classes * count)``, in `partial_fit` by running counts. With a y of
        several columns: by column, the weight of its ones; "balanced" weighs its ones and zeros, each as one of two classes.
    warm_start : bool, default=False
        `fit` begins with the last weights. Where `max_time` or Ctrl-C ended the last `fit`, it goes on with that instead, with the same
        data and settings: at the very row, bit for bit as if nothing had been (after Ctrl-C, from some seconds before).
    restore_best : bool, default=False
        Keep the weights of the epoch with the best validation score, not the last ones. Needs `early_stopping` or `X_val`.
    max_time : float, optional
        Seconds after which `fit` ends, also inside an epoch: then `epoch_position_` is above 0, and the last entry of `history_` is of
        the rows seen.
    sparse_intercept_decay : float, default=1.0
        Factor of the intercept's rate on sparse data. scikit-learn uses 0.01, silently; here dense and sparse data give one model.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) for two classes, else (n_classes, n_features)
        The weights, of the dtype of X.
    intercept_ : ndarray of shape (1,) for two classes, else (n_classes,)
        The constants.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; for a y of several columns their numbers.
    n_iter_ : int
        The number of whole epochs, of the longest lane.
    t_ : int
        ``n_iter_ * n_samples + epoch_position_ + 1``, over all calls since `fit`; rows of weight 0 do not count.
    epoch_position_ : int
        How many rows of an unfinished epoch were seen: 0 unless `max_time` or Ctrl-C ended `fit` inside one.
    history_ : dict of ndarray
        Epoch by epoch: epoch, step, learning_rate, loss (mean over the rows, each before its update), objective (loss plus
        penalty), val_loss, val_score, grad_norm (of the loss, mean over the steps), rows_per_second,
        seconds. With several lanes, what differs between them has shape (n_epochs, n_lanes), NaN after a lane has stopped.
    stop_reason_ : str
        "tol", "max_iter", "max_time" or "callback"; several where lanes stopped for different reasons.
    n_features_in_ : int
        The number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the columns, where X was a frame with string names.

    Notes
    -----
    The differences from scikit-learn are those of `SGDClassifier`.

    Examples
    --------
    >>> from fastgd.linear_model import Perceptron
    >>> Perceptron().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]).predict([[-1.0], [4.0]])
    array([0, 1])
    """

    _parameter_constraints: ClassVar[dict] = {
        **{n: each for n, each in LinearSGDClassifier._parameter_constraints.items() if n not in FIXED},
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    }

    loss = "perceptron"
    learning_rate = "constant"

    def __init__(
        self,
        *,
        penalty=None,
        alpha=0.0001,
        l1_ratio=0.15,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-3,
        shuffle=True,
        verbose=0,
        eta0=1.0,
        n_jobs=None,
        random_state=0,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        class_weight=None,
        warm_start=False,
        restore_best=False,
        max_time=None,
        sparse_intercept_decay=1.0,
    ):
        store(self, locals())
