"""Linear classifiers by stochastic gradient descent."""

from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from fastgd._estimators.settings import store
from fastgd.linear_model import _auto
from fastgd.linear_model._bootstrap import BootstrapMixin
from fastgd.linear_model._classification import LinearSGDClassifier


class SGDClassifier(BootstrapMixin, LinearSGDClassifier):
    """Linear classifiers trained by stochastic gradient descent: SVM, logistic regression and others.

    Takes the place of ``sklearn.linear_model.SGDClassifier`` by a change of the import: every parameter, default, attribute and method
    has its name and meaning. The classes of one-vs-rest are lanes: they are trained in one pass over the rows.

    Parameters
    ----------
    loss : str, default="hinge"
        "hinge" (linear SVM), "log_loss" (logistic regression), "modified_huber" (smooth, with probabilities), "squared_hinge",
        "perceptron", or a loss of `SGDRegressor` for targets -1 and 1: "squared_error", "huber", "epsilon_insensitive",
        "squared_epsilon_insensitive". Beyond scikit-learn: "softmax" (multinomial logistic regression: the classes share one loss; with
        two classes the same as "log_loss"; about ten times faster with a `batch_size` such as 32), and "focal" (Lin et al., 2017),
        log_loss times ``(1 - p)**gamma`` with the probability p of the row's class, so that rows already learnt hardly count.
    penalty : {"l2", "l1", "elasticnet"} or None, default="l2"
        What keeps weights small: half the squared norm, the sum of sizes (exact zeros), both, or nothing.
    alpha : float, default=0.0001
        The strength of the penalty, >= 0. The rate "optimal" is made of it.
    l1_ratio : float or None, default=0.15
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
    epsilon : float, default=0.1
        The width of the tube of the "epsilon_insensitive" losses, and where "huber" turns linear.
    n_jobs : int, optional
        Threads inside one model: they share its lanes (of which a softmax model counts as one), or with batches and too few lanes for
        all threads, every large batch of dense rows; small batches, and batches of sparse rows, are not shared. None is 1, -1 all
        processors. The result does not depend on it.
    random_state : int, RandomState, numpy Generator or None, default=None
        The seed of the shuffles and of the split for early stopping. An int repeats the same training.
    learning_rate : str, float or Schedule, default="optimal"
        "constant" (eta0), "optimal" (1 / (alpha (t0 + t)), Bottou's t0), "invscaling" (eta0 / t**power_t), "adaptive" (eta0, divided by 5
        instead of stopping, down to 1e-6), "pa1" and "pa2" (passive-aggressive, only with the loss "hinge"; eta0 is
        the aggressiveness C). Beyond scikit-learn: a number, or a `fastgd.schedules.Schedule` of the
        0-based step, whose durations may be in steps, epochs or per cent; or "auto".
        "auto" holds rows out, races rates on them and trains with the best, falling to zero in cycles of 1, 1, 2, 4 ... epochs, until
        `n_iter_no_change` epochs have not improved the validation loss by `tol`; the weights are those of the lowest. `max_iter` bounds
        the epochs after the race, and `partial_fit` goes on with `learning_rate_`.
    eta0 : float, default=0.01
        The base rate.
    power_t : float, default=0.5
        The exponent of "invscaling".
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
    average : bool or int, default=False
        Publish the mean of the weights over all steps, or over those from the step `average` on.
    restore_best : bool, default=False
        Keep the weights of the epoch with the best validation score, not the last ones. Needs `early_stopping` or `X_val`.
    max_time : float, optional
        Seconds after which `fit` ends, also inside an epoch: then `epoch_position_` is above 0, and the last entry of `history_` is of
        the rows seen. With the rate "auto" it begins no further epoch.
    on_divergence : {"raise", "rollback", "retry"}, default="raise"
        What to do when weights are no longer finite: raise and leave the estimator as it was; go back to the weights of the epoch before
        and stop, as stop_reason_ "diverged"; or go back and on with half of the learning rate, as often as needed. The last two warn
        (`fastgd.GradientHealthWarning`), measure the loss of some rows, of 256 at least, after each epoch, and count ten times the first
        one as divergence too.
    optimizer : Optimizer, optional
        An optimizer of `fastgd.optimizers`, such as ``fastgd.Adam(lr=0.01)``, in place of plain SGD. `learning_rate` takes the place of its
        `lr`, unless it is left at its default. The penalty stays beside the rule: decoupled decay for L2, soft thresholding for L1.
        Those that tune themselves or search, as ``fastgd.DoG()`` and ``fastgd.Armijo()``, those with `extras`, and users' rules take each
        step from Python, with an L2 penalty in loss and gradient and none of L1: give them batches of some hundred rows.
        ``fastgd.NormalizedOnline()`` learns row by row, as Vowpal Wabbit does, without a scaler.
    batch_size : int, optional
        Rows of one step, whose gradients are averaged; None: each row is a step, as in scikit-learn. Must be given for X on a GPU. Row
        weights are divided by their mean, so that a whole number as weight counts like so many rows.
    clip_norm : float, optional
        The largest Euclidean norm of a step's gradient, each lane's own (with softmax that of all classes together).
    sparse_intercept_decay : float, default=1.0
        Factor of the intercept's rate on sparse data. scikit-learn uses 0.01, silently; here dense and sparse data give one model.
    gamma : float, default=2.0
        How strongly "focal" looks away from rows already learnt, >= 0; with 0 it is "log_loss".

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
        penalty), val_loss, val_score, grad_norm (of the loss, mean over the steps), clipped (share of the steps), rows_per_second,
        seconds. With several lanes, what differs between them has shape (n_epochs, n_lanes), NaN after a lane has stopped.
    stop_reason_ : str
        "tol", "max_iter", "max_time", "callback" or "diverged"; several where lanes stopped for different reasons.
    learning_rate_ : float
        Only with the rate "auto": the base rate that was found, that of the model's last cycle.
    race_ : RaceResult
        Only with the rate "auto": rates, curves, the choice, what is as good, where training diverged, and the model's `schedule`.
    n_features_in_ : int
        The number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the columns, where X was a frame with string names.

    Notes
    -----
    Differences from scikit-learn, all deliberate: dense and sparse data give the same model; `tol` sees the whole penalty on sparse data;
    with "log_loss" early stopping counts both classes (scikit-learn counts no negative row as right); rows of weight 0 are not visited and
    negative weights are refused; int64 indices are accepted; the lanes of one-vs-rest share the order of rows; a diverging or interrupted
    call leaves the estimator as it was, but for what `warm_start` remembers.

    A y of several columns of 0 and 1 says which labels a row has (multilabel). Each is a lane: trained in one pass with the others, as it
    would be alone, bit for bit. Probabilities are the labels' own, `score` is the share of rows with all labels right, and `classes_`
    numbers the columns, all as in ``sklearn.neural_network.MLPClassifier``. Rows are held out without regard to their labels.

    ``LogisticRegression(C)`` and ``LinearSVC(C)`` minimise the same objective with ``alpha = 1 / (C * n_samples)``.

    Examples
    --------
    >>> from fastgd.linear_model import SGDClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = [[-1, -1], [-2, -1], [1, 1], [2, 1]], [1, 1, 2, 2]
    >>> make_pipeline(StandardScaler(), SGDClassifier(random_state=0)).fit(X, y).predict([[-0.8, -1]])
    array([1])

    With the learning rate chosen by a race on rows held out, on data that nobody has scaled:

    >>> from sklearn.datasets import load_breast_cancer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = SGDClassifier(loss="log_loss", learning_rate="auto", random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.9, model.learning_rate_ < 0.01
    (True, True)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **LinearSGDClassifier._parameter_constraints,
        "learning_rate": [*LinearSGDClassifier._parameter_constraints["learning_rate"], _auto.CONSTRAINT],
        "gamma": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        loss="hinge",
        *,
        penalty="l2",
        alpha=0.0001,
        l1_ratio=0.15,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-3,
        shuffle=True,
        verbose=0,
        epsilon=0.1,
        n_jobs=None,
        random_state=None,
        learning_rate="optimal",
        eta0=0.01,
        power_t=0.5,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        class_weight=None,
        warm_start=False,
        average=False,
        restore_best=False,
        max_time=None,
        on_divergence="raise",
        optimizer=None,
        batch_size=None,
        clip_norm=None,
        sparse_intercept_decay=1.0,
        gamma=2.0,
    ):
        store(self, locals())
