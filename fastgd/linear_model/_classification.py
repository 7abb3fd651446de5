"""What the linear classifiers share: one lane per class of one-vs-rest or per label, all trained in one pass."""

from typing import Any, ClassVar

import numpy as np
from scipy.special import expit
from sklearn.base import _fit_context
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.extmath import softmax
from sklearn.utils.metaestimators import available_if

from fastgd._estimators import device_predictions, inputs, streams
from fastgd._estimators.callbacks import observed
from fastgd._training.coded import Coded
from fastgd._validation import ArgumentValueError
from fastgd.linear_model import _auto, _multilabel, _resume
from fastgd.linear_model._base import LinearSGD

LOSSES = (
    "hinge",
    "log_loss",
    "modified_huber",
    "squared_hinge",
    "perceptron",
    "focal",
    "squared_error",
    "huber",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
    "softmax",
)
LOGISTIC = ("log_loss", "focal")  # whose targets are 0 and 1, and whose scores are log-odds
PROBABILISTIC = (*LOGISTIC, "modified_huber", "softmax")
CHUNK = 2**14  # rows whose classes are numbered at once: fresh memory costs more than the work on it


def _most_likely(classes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the class with the highest score of each row; of two classes, which have one score, the second if it is above 0."""
    found = np.empty(len(scores), classes.dtype)
    for low in range(0, len(scores), CHUNK):
        part = scores[low : low + CHUNK]
        code = (part > 0).astype(np.intp) if part.ndim == 1 else part.argmax(axis=1)
        np.take(classes, code, out=found[low : low + CHUNK], mode="clip")  # with "raise" it would be buffered
    return found


class LinearSGDClassifier(device_predictions.DeviceScore, LinearClassifierMixin, LinearSGD):
    """The base of the classifiers: labels to lanes, and scores to labels."""

    _parameter_constraints: ClassVar[dict] = {
        **LinearSGD._parameter_constraints,
        "loss": [StrOptions(set(LOSSES))],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    _n_labels: int | None = None  # how many labels a row may have at once, None for one class a row

    # ------------------------------------------------------------------------------------------------------- labels and lanes

    def _attributes(self, coef, intercept):
        narrow = intercept if len(intercept) == 1 else intercept.astype(coef.dtype)  # scikit-learn's dtypes
        return {"coef_": np.ascontiguousarray(coef.T), "intercept_": narrow}

    def _n_lanes(self) -> int:
        return 1 if len(self.classes_) == 2 and self._n_labels is None else len(self.classes_)

    def _n_outputs(self) -> int:
        """Return how many lanes are one model: with softmax all classes, unless two of them are one logistic lane."""
        return self._n_lanes() if self.loss == "softmax" else 1

    def _loss(self) -> tuple[str, float]:
        loss, parameter = super()._loss()
        return ("log_loss" if loss == "softmax" and self._n_lanes() == 1 else loss), parameter

    def _targets(self, code: np.ndarray, dtype: Any) -> np.ndarray | Coded:
        """Return the targets of the rows.

        (n_rows, K): 1 for the lane's class or label, for the others 0 with logistic losses and -1 with all other losses; with softmax
        (n_rows, 1): the number of the class.
        """
        known = np.arange(len(self.classes_))[:, None]
        if self._n_outputs() > 1:
            return Coded(code, known.astype(dtype))
        low = 0 if self._loss()[0] in LOGISTIC else -1
        if code.ndim == 2:
            return np.where(code == 1, 1, low).astype(dtype)
        positive = known == (known.T if self._n_lanes() > 1 else 1)
        return Coded(code, np.where(positive, 1, low).astype(dtype))

    def _lane_weights(self, code: np.ndarray, weight: np.ndarray | None) -> np.ndarray | Coded | None:
        """Return the weight of each row in each lane, its own times that of its class: each class counts in its own lane, if it has one."""
        rows = None if weight is None else weight[:, None]
        if code.ndim == 2:
            of_labels = _multilabel.weights(self.class_weight, code, self._counts)
            return rows if of_labels is None else of_labels if rows is None else of_labels * rows
        of_class = inputs.class_weights(self.class_weight, self.classes_, self._counts)
        if of_class is None:
            return rows
        table = of_class[:, None]
        if self._n_lanes() > 1 and self._n_outputs() == 1:
            table = np.where(np.eye(len(table), dtype=bool), table, 1.0)
        return Coded(code, table, weight)

    def _codes(self, y: np.ndarray, name: str = "y") -> np.ndarray:
        """Return the number of each row's class, (n_rows,), or its indicator of labels, as it is."""
        _multilabel.check_columns(y, self._n_labels, name)
        return y if y.ndim == 2 else inputs.codes(y, self.classes_, name)

    def _count(self, code: np.ndarray) -> np.ndarray:
        """Return how many rows each class has, or lack and have each label."""
        return _multilabel.counts(code) if code.ndim == 2 else inputs.counts(code, len(self.classes_))

    def _set_kind(self, y: np.ndarray) -> None:
        """Note whether y has one label a row or columns of labels; of those, the classes are the numbers."""
        self._n_labels = y.shape[1] if y.ndim == 2 else None
        if self._n_labels is not None:
            if self.loss == "softmax":
                raise ArgumentValueError(
                    "the classes of the loss 'softmax' exclude one another, but y has several labels a row; use 'log_loss'."
                )
            self.classes_ = np.arange(self._n_labels)

    def _lane_scores(self, raw, y, weight):
        if self._n_outputs() > 1:
            return np.atleast_1d(np.average(raw.argmax(axis=1) == y[:, 0], weights=weight))
        right = (raw > 0) == (y > 0)
        return np.average(right, axis=0, weights=weight)

    # --------------------------------------------------------------------------------------------------------------- training

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X,
        y=None,
        coef_init=None,
        intercept_init=None,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        callbacks=None,
    ):
        """Train from the beginning, or with `warm_start` from the last weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows; float32 and float64 are used as they are, anything else is converted to float64. Or a `fastgd.io.stream`, which has the
            targets too: then every other argument must be left out.
        y : array-like of shape (n_samples,), or {array-like, sparse matrix} of shape (n_samples, n_labels)
            Labels, of any dtype; or an indicator of 0 and 1, which labels a row has.
        coef_init : array-like of shape (n_classes, n_features), or (1, n_features) for two classes, optional
            Coefficients to begin with.
        intercept_init : array-like of shape (n_classes,), or (1,) for two classes, optional
            Intercepts to begin with.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0 of the rows, multiplied with those of the classes. Rows of weight 0 are not visited.
        X_val, y_val : array-like of shapes (n_val, n_features) and (n_val,) or (n_val, n_labels), optional
            Validation rows: scored after each epoch, into `history_`; with `early_stopping` they decide instead of a split.
        sample_weight_val : array-like of shape (n_val,), optional
            The weights of the validation rows in the score.
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
        >>> from fastgd.linear_model import Perceptron
        >>> Perceptron().fit([[0.0], [1.0], [2.0], [3.0]], ["no", "no", "yes", "yes"]).predict([[5.0]])
        array(['yes'], dtype='<U3')
        """
        if streams.is_stream(X):
            own = (X_val, y_val, sample_weight_val)
            return streams.fit(self, X, y, coef_init, intercept_init, sample_weight, *own, callbacks)
        looks_on = observed(self, callbacks, self.max_iter, X, y, sample_weight)
        with _resume.remembered(self, coef_init, intercept_init) as call, looks_on as observer:
            self._check_settings()
            own = (X_val, y_val, sample_weight_val)
            split = self.early_stopping or _auto.is_auto(self)
            task = self._task(X, y, sample_weight, own, split, (coef_init, intercept_init))
            self._learn(**task, observer=observer, call=call)
        self._warn()
        return self

    def _task(self, X, y, sample_weight, own, split, init=(None, None)):
        X, y = _multilabel.read(self, X, y, reset=True)
        warm = self.warm_start and getattr(self, "coef_", None) is not None
        if warm:
            _multilabel.check_columns(y, self._n_labels)
        before = self._starting_point() if warm else (None, None)
        self._set_kind(y)
        if self._n_labels is None:
            self.classes_ = inputs.labels(y)
        code = self._codes(y)
        self._counts = self._count(code)
        targets = self._targets(code, X.dtype)
        weight = inputs.row_weights(sample_weight, X)
        init = self._initial(*init, before)
        validation = self._validation(*own, X.dtype)
        held_out = None
        if split and validation is None:
            held_out = self._split(StratifiedShuffleSplit if self._n_labels is None else ShuffleSplit, y)
            validation = inputs.held_out(X, targets, weight, held_out)
        lanes = {"n_lanes": self._n_lanes(), "weight": self._lane_weights(code, weight)}
        return {"X": X, "targets": targets, **lanes, "init": init, "held_out": held_out, "validation": validation}

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None, *, n_epochs=1, callbacks=None):
        """Go on training, by default for one epoch.

        The step counter, the averages, the lazy penalties and the memory of a schedule go on exactly: ``fit`` of 10 epochs equals ``fit``
        of 5 and ``partial_fit(n_epochs=5)`` on the same rows, bit for bit, when `random_state` is an int.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : array-like of shape (n_samples,), or {array-like, sparse matrix} of shape (n_samples, n_labels)
            Labels, of any dtype; or an indicator of 0 and 1, always of the same labels.
        classes : array-like of shape (n_classes,), optional
            All labels that will ever come; required in the first call, but not for an indicator, whose columns they are.
        sample_weight : array-like of shape (n_samples,), optional
            Weights >= 0. When all are 0 nothing changes, the step counter included.
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
        >>> from fastgd.linear_model import SGDClassifier
        >>> model = SGDClassifier(random_state=0)
        >>> for X, y in [([[0.0], [1.0]], [0, 1]), ([[0.2], [0.9]], [0, 1])]:
        ...     model = model.partial_fit(X, y, classes=[0, 1])
        >>> model.t_
        5
        """
        with observed(self, callbacks, n_epochs, X, y, sample_weight) as observer:
            inputs.check_n_epochs(n_epochs)
            first = not hasattr(self, "classes_")
            if first:
                self._check_settings(for_partial_fit=True)
            X, y = _multilabel.read(self, X, y, reset=first)
            self._note_classes(classes, y)
            code = self._codes(y)
            weight = inputs.row_weights(sample_weight, X, allow_all_zero=True)
            if weight is None or weight.any():
                self._counts = getattr(self, "_counts", 0) + self._count(code)
                targets, lane_weight = self._targets(code, X.dtype), self._lane_weights(code, weight)
                self._learn(X, targets, lane_weight, n_lanes=self._n_lanes(), n_epochs=n_epochs, observer=observer)
            elif first:
                self._begin_at_zero(X.dtype, self._n_lanes())
        return self

    def _note_classes(self, classes: Any, y: np.ndarray) -> None:
        """Set `classes_` in the first call; later refuse others."""
        if not hasattr(self, "classes_"):
            self._set_kind(y)
            if self._n_labels is None:
                if classes is None:
                    raise ArgumentValueError("classes must be passed on the first call to partial_fit.")
                self.classes_ = inputs.announced(classes)
                return
        if classes is not None and not np.array_equal(inputs.announced(classes), self.classes_):
            raise ArgumentValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {self.classes_!r}"
            )

    def _initial(self, coef: Any, intercept: Any, before: tuple) -> tuple[Any, Any]:
        shape = (self._n_lanes(), self.n_features_in_)
        coef = before[0] if coef is None else inputs.initial("coef_init", coef, shape).T
        intercept = before[1] if intercept is None else inputs.initial("intercept_init", intercept, shape[:1])
        if coef is not None and coef.shape != shape[::-1]:
            raise ArgumentValueError(
                f"warm_start needs the same classes and features: coef_ has shape {coef.shape[::-1]}, not {shape}."
            )
        return coef, intercept

    def _validation(self, X: Any, y: Any, weight: Any, dtype: Any) -> tuple | None:
        found = inputs.validation(self, X, y, weight, dtype, read=_multilabel.read)
        if found is None:
            return None
        X, y, weight = found
        return X, np.asarray(self._targets(self._codes(np.asarray(y), "y_val"), dtype)), weight

    # ------------------------------------------------------------------------------------------------------------- prediction

    def decision_function(self, X):
        """Return the signed distances to the hyperplanes, up to the norm of the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
            Above 0: more likely the class (the second of two), or the label, than not.

        Examples
        --------
        >>> from fastgd.linear_model import Perceptron
        >>> model = Perceptron().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
        >>> model.decision_function([[5.0]]) > 0
        array([ True])
        """
        scores = self._raw(X)
        lanes = 1 if scores.ndim == 1 else scores.shape[1]
        if not isinstance(self.classes_, np.ndarray) or self.classes_.ndim != 1 or lanes != self._n_lanes():
            raise ArgumentValueError(
                "classes_ must be an array with one label for each row of coef_ (two for a single one)."
            )
        return scores

    def predict(self, X):
        """Return the most likely class of each row; after a y with several columns, which labels it has.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_labels) of int64
            Labels from `classes_`, or an indicator of 0 and 1: whether `decision_function` is above 0.

        Examples
        --------
        >>> from fastgd.linear_model import SGDClassifier
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]] * 10, [[0, 1], [0, 1], [1, 1], [1, 0]] * 10
        >>> SGDClassifier(random_state=0).fit(X, y).predict([[-5.0], [9.0]])
        array([[0, 1],
               [1, 0]])
        """
        scores = self.decision_function(X)
        if inputs.on_device(X):
            return (
                device_predictions.labels(scores, self.classes_)
                if self._n_labels is None
                else device_predictions.indicator(scores)
            )
        return _most_likely(self.classes_, scores) if self._n_labels is None else (scores > 0).astype(np.int64)

    def _check_proba(self) -> bool:
        if self.loss not in PROBABILISTIC:
            raise AttributeError(f"probability estimates are not available for loss={self.loss!r}")
        return True

    @available_if(_check_proba)
    def predict_proba(self, X):
        """Return the probability of each class, for the losses "log_loss", "focal", "softmax" and "modified_huber".

        With two classes and "log_loss" or "focal" it is the logistic function of the score, which "focal" with gamma > 0 draws towards
        1/2 (Charoenphakdee et al., 2021); modified Huber's is (clip(score, -1, 1) + 1) / 2 (Zhang, 2004). With more classes the values
        of one-vs-rest are divided by their sum (Zadrozny and Elkan, 2002); softmax gives ``exp(score_k) / sum_j exp(score_j)``.
        After a y with several columns each label has its own probability, strictly between 0 and 1; they do not sum
        to 1.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.

        Examples
        --------
        >>> from fastgd.linear_model import SGDClassifier
        >>> model = SGDClassifier(loss="log_loss", random_state=0).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
        >>> model.predict_proba([[5.0]]).sum().item()
        1.0
        """
        logistic = self._loss()[0] in LOGISTIC
        if inputs.on_device(X):
            kind = "softmax" if self._n_outputs() > 1 else "logistic" if logistic else "modified_huber"
            return device_predictions.probabilities(self.decision_function(X), kind, self._n_labels is not None)
        if self._n_outputs() > 1:
            return softmax(self.decision_function(X))
        if self._n_labels is not None:
            scores = self.decision_function(X)
            return _multilabel.within_0_and_1(expit(scores) if logistic else (scores + 1) / 2)
        if logistic:
            return self._predict_proba_lr(X)
        chance = (np.clip(self.decision_function(X), -1, 1) + 1) / 2
        if chance.ndim == 1:
            return np.column_stack([1 - chance, chance])
        chance[~chance.any(axis=1)] = 1  # no class claims the row: all are equally likely
        return chance / chance.sum(axis=1, keepdims=True)

    @available_if(_check_proba)
    def predict_log_proba(self, X):
        """Return the logarithm of `predict_proba`; minus infinity where modified Huber gives 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.

        Examples
        --------
        >>> from fastgd.linear_model import SGDClassifier
        >>> model = SGDClassifier(loss="log_loss", random_state=0).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
        >>> model.predict_log_proba([[5.0]]).argmax().item()
        1
        """
        if inputs.on_device(X):
            return device_predictions.logarithms(self.predict_proba(X))
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
