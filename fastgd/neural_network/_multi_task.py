"""Several targets of several kinds, predicted by one network."""

from typing import ClassVar

from sklearn.base import _fit_context

from fastgd._estimators import auto, inputs
from fastgd._estimators.callbacks import observed
from fastgd._estimators.settings import store
from fastgd.neural_network._heads import SeveralHeads


class MLPMultiTask(SeveralHeads):
    """Multi-layer perceptron with several heads: targets of several kinds, learnt together on the same hidden layers.

    Minimises ``sum(head.weight * loss)`` over the heads, each loss being that of `MLPClassifier` or `MLPRegressor`. What is not a parameter
    here is as there by default.

    Parameters
    ----------
    heads : dict of str to Head or str
        For each target its loss; a text stands for ``Head(loss)``.
    hidden_layer_sizes : int or array-like of shape (n_layers - 2,), dtype int, default=(100,)
        The number of units of each hidden layer.
    activation : str, default="relu"
        As in `MLPClassifier`.
    optimizer : Optimizer, optional
        Any of `fastgd.optimizers`; Adam by default.
    learning_rate : {"constant", "auto"}, float or Schedule, default="constant"
        "constant" is the optimizer's own rate, Adam's 0.001; "auto" finds one.
    alpha : float, default=0.0001
        Strength of the L2 penalty on weights.
    batch_size : int or "auto", default="auto"
        Rows in a batch; "auto" is ``min(200, n_samples)``.
    dropout : float or array-like of shape (n_layers - 2,), default=0.0
        The share of units of each hidden layer that are 0 in training.
    clip_norm : float, optional
        The largest norm of the gradient.
    max_iter : int, default=200
        The largest number of epochs.
    tol : float or None, default=1e-4
        Training stops when the objective, or the score, has failed to improve by `tol` in more than `n_iter_no_change` epochs in a row.
    n_iter_no_change : int, default=10
        See `tol`.
    early_stopping : bool, default=False
        Hold a tenth of the rows out, stop by their score, and return the weights of the epoch where it was best.
    warm_start : bool, default=False
        Let `fit` begin with the weights of the last call.
    on_divergence : {"raise", "rollback", "retry"}, default="raise"
        As in `MLPClassifier`.
    max_time : float, optional
        No epoch of `fit` begins after so many seconds.
    random_state : int, RandomState, Generator or None, default=None
        Of initial weights, orders, dropout and held-out rows.
    verbose : bool or int, default=False
        1 prints a line per epoch, 2 and above a row of a table.
    n_jobs : int, optional
        Threads for the larger products; the result has the same bits for any number.

    Attributes
    ----------
    classes_ : dict of str to ndarray of shape (n_classes,)
        The labels of each head with "log_loss", sorted.
    outputs_ : dict of str to slice
        Which of the network's outputs belong to each head.
    coefs_, intercepts_, loss_, loss_curve_, n_iter_, t_, n_layers_, n_outputs_, n_features_in_, stop_reason_, history_
        As in `MLPClassifier`; all heads' outputs lie side by side in the last layer.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.neural_network import Head, MLPMultiTask
    >>> X = np.random.default_rng(0).normal(size=(400, 3))
    >>> y = {"side": np.where(X[:, 0] > 0, "left", "right"), "height": X[:, 1] - X[:, 2]}
    >>> model = MLPMultiTask({"side": "log_loss", "height": Head("huber", weight=0.5)}, (16,), tol=None, random_state=0)
    >>> {name: found.shape for name, found in model.fit(X, y).predict(X[:5]).items()}
    {'side': (5,), 'height': (5,)}
    >>> min(model.scores(X, y).values()) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict] = {**SeveralHeads._parameter_constraints, "heads": [dict]}

    # What this class has no constructor parameter for
    solver = "adam"
    learning_rate_init = 1e-3
    power_t, momentum, nesterovs_momentum = 0.5, 0.9, True
    beta_1, beta_2, epsilon = 0.9, 0.999, 1e-8
    shuffle, validation_fraction = True, 0.1
    l1, decoupled_weight_decay, max_norm, non_negative = 0.0, False, None, False
    init = "auto"

    def __init__(
        self,
        heads,
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        optimizer=None,
        learning_rate="constant",
        alpha=0.0001,
        batch_size="auto",
        dropout=0.0,
        clip_norm=None,
        max_iter=200,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        warm_start=False,
        on_divergence="raise",
        max_time=None,
        random_state=None,
        verbose=False,
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
        y : dict or frame
            For each head its target: labels of shape (n_samples,) and any dtype for "log_loss", else numbers of shape (n_samples,) or
            (n_samples, n_columns).
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0 of the rows, for all heads.
        X_val, y_val : array-like of shape (n_val, n_features), dict or frame, optional
            Validation rows: scored after each epoch; with `early_stopping` they decide instead of a split.
        sample_weight_val : array-like of shape (n_val,), optional
            The weights of the validation rows.
        callbacks : list, optional
            As in `MLPClassifier.fit`.

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
        >>> from fastgd.neural_network import MLPMultiTask
        >>> model = MLPMultiTask({"a": "squared_error", "b": "poisson"}, (4,), tol=None, random_state=0)
        >>> model.fit([[0.0], [1.0]] * 20, {"a": [0.0, 1.0] * 20, "b": [1, 3] * 20}).n_outputs_
        2
        """
        with observed(self, callbacks, self.max_iter, X, y, sample_weight) as observer:
            self._check_settings()
            task = self._task(X, y, sample_weight, (X_val, y_val, sample_weight_val), self._holds_out())
            self._learn(**task, observer=observer)
        self._warn(task["X"].shape[0], in_fit=True)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None, classes=None, *, n_epochs=1, callbacks=None):
        """Go on training, by default for one epoch; weights, optimizer state and step counter go on exactly.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : dict or frame
            As in `fit`.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0 of the rows. When all are 0 nothing changes, the step counter included.
        classes : dict of str to array-like of shape (n_classes,), optional
            For each head with "log_loss" all labels that will ever come; required in the first call where there are such heads.
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
        >>> from fastgd.neural_network import MLPMultiTask
        >>> model = MLPMultiTask({"a": "log_loss", "b": "poisson"}, (4,), random_state=0)
        >>> model.partial_fit([[0.0], [1.0]], {"a": ["x", "y"], "b": [1, 3]}, classes={"a": ["x", "y", "z"]}).n_outputs_
        4
        """
        with observed(self, callbacks, n_epochs, X, y, sample_weight) as observer:
            inputs.check_n_epochs(n_epochs)
            self._check_settings(for_partial_fit=True)
            first = getattr(self, "coefs_", None) is None
            if auto.is_auto(self):
                auto.found_rate(self)
            X = inputs.matrix(self, X, reset=first)
            y = self._given(y, X.shape[0])
            self._note_outputs(y, self._announced(classes, first), not first)
            targets, seed = self._targets(y, X.dtype), self._seed()
            weight = inputs.row_weights(sample_weight, X, allow_all_zero=True)
            if weight is None or weight.any():
                column = None if weight is None else weight[:, None]
                self._learn(X, targets, column, seed=seed, n_epochs=n_epochs, observer=observer)
            elif first:
                self._begin_untrained(X, seed)
        self._warn(X.shape[0], in_fit=False)
        return self

    # ------------------------------------------------------------------------------------------------------------- prediction

    def predict(self, X):
        """Return the prediction of each head: labels for "log_loss", else numbers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        dict of str to ndarray of shape (n_samples,) or (n_samples, n_columns)
            Labels of their own dtype, numbers of the wider dtype of X and the weights.

        Examples
        --------
        >>> from fastgd.neural_network import MLPMultiTask
        >>> model = MLPMultiTask({"a": "squared_error", "b": "log_loss"}, (4,), tol=None, random_state=0)
        >>> model.fit([[0.0], [1.0]] * 20, {"a": [0.0, 1.0] * 20, "b": ["x", "y"] * 20}).predict([[9.0]])["b"].shape
        (1,)
        """
        raw = self._raw(X)
        return {name: self._parts(raw, name) for name in self.outputs_}

    def predict_proba(self, X):
        """Return the probability of each class, for the heads with "log_loss".

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        dict of str to ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`; float32 where rows and weights are.

        Examples
        --------
        >>> from fastgd.neural_network import MLPMultiTask
        >>> model = MLPMultiTask({"a": "squared_error", "b": "log_loss"}, (4,), tol=None, random_state=0)
        >>> model.fit([[0.0], [1.0]] * 20, {"a": [0.0, 1.0] * 20, "b": ["x", "y"] * 20}).predict_proba([[9.0]])["b"].shape
        (1, 2)
        """
        raw = self._raw(X)
        return {name: self._parts(raw, name, chances=True) for name in self.classes_}

    def scores(self, X, y, sample_weight=None):
        """Return the score of each head: accuracy for "log_loss", else the coefficient of determination.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : dict or frame
            As in `fit`.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0 of the rows.

        Returns
        -------
        dict of str to float

        Examples
        --------
        >>> from fastgd.neural_network import MLPMultiTask
        >>> X, y = [[0.0], [1.0]] * 20, {"a": [0.0, 1.0] * 20, "b": ["x", "y"] * 20}
        >>> model = MLPMultiTask({"a": "squared_error", "b": "log_loss"}, (8,), learning_rate=0.05, tol=None, random_state=0)
        >>> min(model.fit(X, y).scores(X, y).values()) > 0.99
        True
        """
        raw = self._raw(X)
        given = self._given(y, len(raw))
        return {name: self._head_score(name, raw, given[name], sample_weight) for name in self.outputs_}

    def score(self, X, y, sample_weight=None):
        """Return the mean of `scores`, weighted as the heads are.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : dict or frame
            As in `fit`.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0 of the rows.

        Returns
        -------
        float

        Examples
        --------
        >>> from fastgd.neural_network import MLPMultiTask
        >>> X, y = [[0.0], [1.0]] * 20, {"a": [0.0, 1.0] * 20, "b": ["x", "y"] * 20}
        >>> model = MLPMultiTask({"a": "squared_error", "b": "log_loss"}, (8,), learning_rate=0.05, tol=None, random_state=0)
        >>> model.fit(X, y).score(X, y) > 0.99
        True
        """
        return self._mean_score(self.scores(X, y, sample_weight))
