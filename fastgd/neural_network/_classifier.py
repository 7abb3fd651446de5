"""Classification by a small neural network."""

import numpy as np
from scipy.special import expit
from sklearn.base import _fit_context
from sklearn.utils.extmath import softmax
from sklearn.utils.metaestimators import available_if

from fastgd._estimators import auto, device_predictions, inputs
from fastgd._estimators.callbacks import observed
from fastgd._estimators.settings import store
from fastgd.neural_network._classification import NetworkClassifier


class MLPClassifier(NetworkClassifier):
    """Multi-layer perceptron for classification.

    Takes the place of ``sklearn.neural_network.MLPClassifier`` by a change of the import: every parameter, default, attribute and method
    has its name and meaning.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of shape (n_layers - 2,), dtype int, default=(100,)
        The number of units of each hidden layer; none with ``()``.
    activation : str, default="relu"
        Of the hidden layers: "identity", "logistic", "tanh", "relu"; beyond scikit-learn "leaky_relu" (slope 0.01), "elu", "silu" and
        "gelu" (by its tanh formula).
    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        "lbfgs" is SciPy's minimiser on all rows at once; the others take a step for each batch. See Notes.
    alpha : float, default=0.0001
        Strength of the L2 penalty ``alpha |W|**2 / 2`` on weights, not intercepts; a batch's sum of losses has it once, so it counts less
        in large batches.
    batch_size : int or "auto", default="auto"
        Rows in a batch; "auto" is ``min(200, n_samples)``.
    learning_rate : {"constant", "invscaling", "adaptive", "auto"}, float or Schedule, default="constant"
        With the solver "sgd" or an `optimizer`: "constant", "invscaling" (``learning_rate_init / (rows + 1)**power_t`` with the rows seen
        in the epochs before) or "adaptive" (divided by 5 where training would stop, until 1e-6). A number is a constant rate, and a
        schedule gives the rate of each step; both take the place of `learning_rate_init`, with "adam" too. "auto" finds the rate by a race
        of many on rows held out (or `X_val`), trains in cycles in which it falls to zero, and keeps the best; see `race_`.
    learning_rate_init : float or Schedule, default=0.001
        The first learning rate; a schedule with ``learning_rate="constant"`` only.
    power_t : float, default=0.5
        The exponent of "invscaling".
    max_iter : int, default=200
        The largest number of epochs, for "lbfgs" of iterations.
    shuffle : bool, default=True
        A new order of the rows for every epoch.
    random_state : int, RandomState, Generator or None, default=None
        Of initial weights, orders, dropout and held-out rows. An int makes every call repeatable, and `partial_fit` go on exactly.
    tol : float or None, default=1e-4
        Training stops when the mean loss plus penalty, or the validation score, has failed to improve by `tol` in more than
        `n_iter_no_change` epochs in a row. None: always `max_iter` epochs. For "lbfgs" the largest entry of the gradient at the end.
    verbose : bool or int, default=False
        1 prints a line per epoch, 2 and above a row of a table.
    warm_start : bool, default=False
        Let `fit` begin with the weights of the last call; the optimizer begins anew.
    momentum : float, default=0.9
        In [0, 1), for the solver "sgd".
    nesterovs_momentum : bool, default=True
        Whether the momentum is Nesterov's.
    early_stopping : bool, default=False
        Hold `validation_fraction` of the rows out, stop by their score, and return the weights of the epoch where it was best.
    validation_fraction : float, default=0.1
        The share of rows that `early_stopping` holds out, stratified for two classes.
    beta_1, beta_2 : float, default=0.9 and 0.999
        The moments' decay in "adam", in [0, 1).
    epsilon : float, default=1e-8
        Added to the root in "adam".
    n_iter_no_change : int or inf, default=10
        See `tol`.
    max_fun : int, default=15000
        The largest number of evaluations of "lbfgs".
    optimizer : Optimizer, optional
        Any of `fastgd.optimizers` in the place of `solver`, for instance ``fastgd.AdamW()``. Its own rate counts unless `learning_rate` or
        `learning_rate_init` are changed; its weight decay acts beside `alpha`, and on intercepts too.
        Those that tune themselves or search their step, such as ``fastgd.DoG()`` and ``fastgd.Armijo()``, and those with `extras`, a
        learned limit or ``cautious=True`` take each step from Python, which larger batches make worth while, and without `max_norm` and
        `decoupled_weight_decay`. Of `EMA` and `Lookahead` the averages are what is fitted.
    clip_norm : float, optional
        The largest norm of the gradient; instead of the optimizer's.
    dropout : float or array-like of shape (n_layers - 2,), default=0.0
        The share of units of each hidden layer that are 0 in training, in [0, 1).
    l1 : float, default=0.0
        Strength of the penalty ``l1 |W|_1``, which counts as `alpha` does.
    decoupled_weight_decay : bool, default=False
        Apply `alpha` and `l1` to the weights directly, times the learning rate, instead of through the gradient (AdamW).
    max_norm : float, optional
        The largest norm of the weights into a unit, after each step.
    non_negative : bool, default=False
        Set negative weights, not intercepts, to 0 after each step.
    init : {"auto", "glorot_uniform", "he_uniform", "lecun_uniform"}, default="auto"
        How weights begin. "auto" is scikit-learn's: "glorot_uniform" with intercepts; the others have intercepts of 0.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, for labels: ``{label: weight}``, or inversely proportional to their frequencies.
    temperature : float, default=1.0
        For three or more classes and for probabilities: the loss is ``T**2`` times that of ``softmax(z / T)`` (distillation);
        `predict_proba` is at 1.
    max_time : float, optional
        No epoch of `fit` begins after so many seconds.
    on_divergence : {"raise", "rollback", "retry"}, default="raise"
        What to do when weights are no longer finite: raise and leave the estimator as it was; go back to the weights of the epoch before
        and stop, as stop_reason_ "diverged"; or go back and on with half of the learning rate, as often as needed. The last two warn
        (`fastgd.GradientHealthWarning`), measure the loss of some rows, of 256 at least, after each epoch, and count ten times the first
        one as divergence too.
    n_jobs : int, optional
        Threads for the larger products; -1 for all processors. The result has the same bits for any number.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; the numbers of the columns for indicators and probabilities.
    coefs_, intercepts_ : list of ndarray of shapes (n_in, n_out) and (n_out,)
        The weights and intercepts of each layer, of the dtype of X (float32 or float64).
    loss_ : float
        The mean loss plus penalty in the last epoch, each row before its update.
    loss_curve_ : list of float
        The same for every epoch; goes on in `partial_fit` and with `warm_start`. Not with "lbfgs", and neither are the next three.
    best_loss_ : float or None
        The least of them; None where there are validation scores.
    validation_scores_ : list of float or None
        After every epoch, with `early_stopping`: the accuracy. "auto" goes by the loss alone, `val_loss` in `history_`.
    best_validation_score_ : float or None
        The best of them.
    learning_rate_, race_ : float, RaceResult
        With ``learning_rate="auto"``: the base rate of the last cycle, and what was measured on the way.
    n_iter_ : int
        The number of epochs of the last call.
    t_ : int
        The number of rows seen.
    pruned_ : list of ndarray of bool, of the shapes of coefs_
        After `prune`: the weights that are zero and stay so while training goes on.
    n_layers_, n_outputs_ : int
        The number of layers, inputs and outputs included, and of outputs.
    out_activation_ : str
        "logistic" for two classes and for indicators, else "softmax".
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,), dtype object
        Their names, where X has names that are strings.
    stop_reason_ : str
        "tol", "max_iter", "max_time", "callback" or "diverged".
    history_ : dict of ndarray
        Of the last call, for each epoch: epoch, step, learning_rate, loss, objective (with the penalty), val_loss, val_score, grad_norm,
        clipped, rows_per_second, seconds, and for each layer, shape (n_epochs, n_layers_ - 1): layer_gradient (norm), update_ratio (norm of
        a step's change relative to the weights) and dead_units (the share of units that send no gradient in a batch).

    Notes
    -----
    Differences from scikit-learn: sums of losses are divided by the mean weight of the epoch's rows, not of each batch's; rows of weight 0
    are not visited; with "sgd" the velocity does not keep old rates when the rate changes, as in `fastgd.SGD`; "adam" adds `epsilon` to
    the root of the bias-corrected moment, as in Kingma and Ba (2015), Algorithm 1, where scikit-learn adds it before the correction;
    `fit` and `partial_fit` that raise, be it by Ctrl-C, leave the estimator as it was; y of a single class is refused.

    Sparse rows are never made dense, but each step visits all weights: with 100,000 columns, large batches save time.

    Sources: X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural networks (2010); D. P. Kingma and
    J. Ba, Adam: a method for stochastic optimization (2015).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastgd.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((16,), learning_rate_init=0.01, tol=None, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95, [coef.shape for coef in model.coefs_]
    (True, [(4, 16), (16, 3)])
    """

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        optimizer=None,
        clip_norm=None,
        dropout=0.0,
        l1=0.0,
        decoupled_weight_decay=False,
        max_norm=None,
        non_negative=False,
        init="auto",
        class_weight=None,
        temperature=1.0,
        max_time=None,
        on_divergence="raise",
        n_jobs=None,
    ):
        store(self, locals())

    # --------------------------------------------------------------------------------------------------------------- training

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None, callbacks=None):
        """Train from the beginning, or with `warm_start` from the last weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; float32 and float64 are used as they are, anything else is converted to float64. Sparse rows stay sparse.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of any dtype; indicators of several labels at once, 0 or 1; or float probabilities of the classes in rows that sum to 1
            (soft targets). Rows of zeros and ones count as indicators, as in scikit-learn.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0 of the rows. Rows of weight 0 are not visited.
        X_val, y_val : array-like of shapes (n_val, n_features) and like y, optional
            Validation rows: scored after each epoch, into `history_`; with `early_stopping` they decide instead of a split.
        sample_weight_val : array-like of shape (n_val,), optional
            The weights of the validation rows in loss and score.
        callbacks : list, optional
            Functions that are called after each epoch with an `EpochInfo`, a frozen record of what it measured and of the weights; one that
            returns True ends the training. Callbacks of scikit-learn's kind are used in this call only; `set_callbacks` keeps them.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        DivergedError
            The weights left the range of floating-point numbers. The estimator is as it was before the call.

        Examples
        --------
        >>> from fastgd.neural_network import MLPClassifier
        >>> MLPClassifier((4,), tol=None, random_state=0).fit([[0.0], [1.0]] * 20, [0, 1] * 20).stop_reason_
        'max_iter'
        """
        with observed(self, callbacks, self.max_iter, X, y, sample_weight) as observer:
            self._check_settings()
            task = self._task(X, y, sample_weight, (X_val, y_val, sample_weight_val), self._holds_out())
            self._learn(**task, observer=observer)
        self._warn(task["X"].shape[0], in_fit=True)
        return self

    @available_if(lambda model: model._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, classes=None, *, n_epochs=1, callbacks=None):
        """Go on training, by default for one epoch.

        The weights, the optimizer's state and the step counter go on exactly: ``fit`` of 4 epochs equals ``fit`` of 2 and
        ``partial_fit(n_epochs=2)`` on the same rows, bit for bit, when `random_state` is an int. Not with the solver "lbfgs".

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of any dtype; indicators of several labels at once, 0 or 1; or float probabilities of the classes in rows that sum to 1
            (soft targets). Rows of zeros and ones count as indicators, as in scikit-learn.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0. When all are 0 nothing changes, the step counter included.
        classes : array-like of shape (n_classes,), optional
            All labels that will ever come; required in the first call.
        n_epochs : int, default=1
            How often to go through the rows.
        callbacks : list, optional
            As in `fit`.

        Returns
        -------
        self : object
            The fitted estimator.

        Examples
        --------
        >>> from fastgd.neural_network import MLPClassifier
        >>> model = MLPClassifier((4,), random_state=0).partial_fit([[0.0], [1.0]], [0, 1], classes=[0, 1], n_epochs=3)
        >>> model.t_
        6
        """
        with observed(self, callbacks, n_epochs, X, y, sample_weight) as observer:
            inputs.check_n_epochs(n_epochs)
            self._check_settings(for_partial_fit=True)
            first = getattr(self, "coefs_", None) is None
            if auto.is_auto(self):
                auto.found_rate(self)
            self._note_classes(classes)
            X, y, kind = self._read(X, y, reset=first)
            if first:
                self._note_kind(kind, y.shape[-1])
            targets = self._targets(y, kind, X.dtype)
            weight, seed = inputs.row_weights(sample_weight, X, allow_all_zero=True), self._seed()
            if weight is None or weight.any():
                self._counts = getattr(self, "_counts", 0) + self._count(y, kind)
                self._learn(
                    X, targets, self._row_weights(y, kind, weight), seed=seed, n_epochs=n_epochs, observer=observer
                )
            elif first:
                self._begin_untrained(X, seed)
        self._warn(X.shape[0], in_fit=False)
        return self

    # ------------------------------------------------------------------------------------------------------------- prediction

    def predict(self, X):
        """Return the most likely label of each row, or for indicators which labels have a probability above 1/2.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_outputs) of int64
            Labels from `classes_`, or indicators.

        Examples
        --------
        >>> from fastgd.neural_network import MLPClassifier
        >>> model = MLPClassifier((4,), learning_rate_init=0.1, random_state=0, tol=None).fit([[0.0], [1.0]] * 20, [0, 1] * 20)
        >>> model.predict([[5.0]])
        array([1])
        """
        raw = self._checked_raw(X)
        if inputs.on_device(X):
            of_one = raw[:, 0] if self.n_outputs_ == 1 else raw
            return (
                device_predictions.indicator(raw)
                if self._multilabel
                else device_predictions.labels(of_one, self.classes_)
            )
        if self._multilabel:
            return (raw > 0).astype(np.int64)
        return self.classes_[(raw[:, 0] > 0).astype(np.intp) if self.n_outputs_ == 1 else raw.argmax(axis=1)]

    def predict_proba(self, X):
        """Return the probability of each class; for indicators those of the single labels, which do not sum to 1.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`; float32 where rows and weights are.

        Examples
        --------
        >>> from fastgd.neural_network import MLPClassifier
        >>> model = MLPClassifier((4,), learning_rate_init=0.1, random_state=0, tol=None).fit([[0.0], [1.0]] * 20, [0, 1] * 20)
        >>> model.predict_proba([[5.0]]).argmax().item()
        1
        """
        raw = self._checked_raw(X)
        if inputs.on_device(X):
            return device_predictions.of_network(raw, self.out_activation_, self._multilabel)
        if self.out_activation_ == "softmax":
            return softmax(raw)
        chance = expit(raw)
        return np.column_stack([1 - chance, chance]) if self.n_outputs_ == 1 else chance

    def predict_log_proba(self, X):
        """Return the logarithm of `predict_proba`; minus infinity where that is 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`; float32 where rows and weights are.

        Examples
        --------
        >>> from fastgd.neural_network import MLPClassifier
        >>> model = MLPClassifier((4,), learning_rate_init=0.1, random_state=0, tol=None).fit([[0.0], [1.0]] * 20, [0, 1] * 20)
        >>> (model.predict_log_proba([[5.0]]) <= 0).all().item()
        True
        """
        if inputs.on_device(X):
            return device_predictions.logarithms(self.predict_proba(X))
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))
