"""What labels, indicators and probabilities mean to a network, and back."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import ClassifierMixin
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import type_of_target

from fastgd._estimators import device_inputs, device_predictions, inputs
from fastgd._validation import ArgumentValueError, shortened
from fastgd.neural_network._base import MultilayerPerceptron

LABELS, INDICATORS, PROBABILITIES = "labels", "indicators", "probabilities"
SUM_WITHIN = 1e-4  # of 1: probabilities of a row, float32 ones included


class NetworkClassifier(device_predictions.DeviceScore, ClassifierMixin, MultilayerPerceptron):
    """The base of the classifier: labels to targets, and raw outputs to scores."""

    _parameter_constraints: ClassVar[dict] = {
        **MultilayerPerceptron._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "temperature": [Interval(Real, 0, None, closed="neither")],
    }

    @property
    def _multilabel(self) -> bool:
        return self.out_activation_ == "logistic" and self.n_outputs_ > 1

    def _head(self):
        if self.out_activation_ == "softmax":
            loss = "softmax_probabilities" if self._soft else "softmax"
            return self.n_outputs_, loss, 1.0, float(self.temperature)
        return self.n_outputs_, "log_loss"

    def _read(self, X: Any, y: Any, reset: bool) -> tuple[Any, np.ndarray, str]:
        """Return X, y and what y is: labels (n_rows,), indicators or probabilities (n_rows, n_outputs)."""
        X, y = inputs.matrix(self, X, y, reset=reset, multi_output=True)
        y = y.toarray() if sp.issparse(y) else y
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if y.ndim == 1:
            return X, y, LABELS
        kind = type_of_target(y, input_name="y")
        if kind == "multilabel-indicator":
            return X, y, INDICATORS
        found = f"{kind} of shape {y.shape}"
        if y.dtype.kind == "f" and (y >= 0).all():
            far = np.abs(y.sum(axis=1) - 1) > SUM_WITHIN
            if not far.any():
                return X, y, PROBABILITIES
            found += f" whose row {far.argmax()} sums to {y[far.argmax()].sum():.6g}"
        raise ArgumentValueError(
            f"y must be labels, indicators (0 and 1) or probabilities (rows that sum to 1); got {found}. "
            "Multioutput target data is not supported with label binarization"
        )

    def _note_kind(self, kind: str, n_columns: int) -> None:
        """Set what follows from `classes_` and the kind of y."""
        self._soft = kind == PROBABILITIES
        several = kind == LABELS and len(self.classes_) > 2
        self.out_activation_ = "softmax" if several or self._soft else "logistic"
        self.n_outputs_ = n_columns if kind != LABELS else len(self.classes_) if several else 1
        if kind != LABELS and len(self.classes_) != n_columns:
            raise ArgumentValueError(
                f"classes must name the {n_columns} columns of y, for instance range({n_columns}); "
                f"got {shortened(repr(self.classes_.tolist()), 80)}."
            )
        if self.temperature != 1 and self.out_activation_ != "softmax":
            raise ArgumentValueError(
                f"temperature={self.temperature!r} is for three or more classes and for probabilities; leave it at 1."
            )
        if self.class_weight is not None and kind != LABELS:
            raise ArgumentValueError(f"class_weight is for labels, not for {kind}; pass sample_weight instead.")

    def _targets(self, y: np.ndarray, kind: str, dtype: Any, name: str = "y") -> np.ndarray:
        """Return the targets (n_rows, n_columns) in the coding of the head."""
        if kind == LABELS and not self._multilabel:
            code = inputs.codes(y, self.classes_, name)
            return np.eye(self.n_outputs_, dtype=dtype)[code] if self._soft else code[:, None].astype(dtype)
        if (
            y.ndim != 2
            or y.shape[1] != self.n_outputs_
            or not (self._soft or (kind == INDICATORS and self._multilabel))
        ):
            expected = "labels" if not self._multilabel and not self._soft else f"of {self.n_outputs_} columns"
            raise ArgumentValueError(f"{name} must be {expected}, as in fit; got {kind} of shape {y.shape}.")
        return y.astype(dtype)

    def _row_weights(self, y: np.ndarray, kind: str, weight: np.ndarray | None) -> np.ndarray | None:
        """Return the weights of the rows times those of their classes, (n_rows, 1)."""
        if kind == LABELS and self.class_weight is not None:
            of_class = inputs.class_weights(self.class_weight, self.classes_, self._counts)
            assert of_class is not None
            of_row = of_class[inputs.codes(y, self.classes_)]
            weight = of_row if weight is None else of_row * weight
        return None if weight is None else weight[:, None]

    def _count(self, y: np.ndarray, kind: str) -> np.ndarray:
        """Return how many rows each class has."""
        if kind == LABELS:
            return np.bincount(inputs.codes(y, self.classes_), minlength=len(self.classes_))
        return np.zeros(len(self.classes_), np.int64)

    def _score_raw(self, raw, y, weight):
        if self.out_activation_ == "softmax":
            best = y.argmax(axis=1) if self._soft else y[:, 0]
            return float(np.average(raw.argmax(axis=1) == best, weights=weight))
        return float(np.average(((raw > 0) == (y > 0)).all(axis=1), weights=weight))

    def score(self, X, y, sample_weight=None):
        """Return the accuracy: the share of rows whose label is predicted, of indicators whose labels all are.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels or indicators; for a network that has learnt probabilities those too: the most likely class counts.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the rows.

        Returns
        -------
        float
            At most 1, which is best.

        Examples
        --------
        >>> from fastgd.neural_network import MLPClassifier
        >>> X, probabilities = [[0.0], [1.0]] * 20, [[0.8, 0.2], [0.1, 0.9]] * 20
        >>> model = MLPClassifier((4,), learning_rate_init=0.1, random_state=0, tol=None).fit(X, probabilities)
        >>> model.score(X, probabilities), model.score(X, [0, 1] * 20)
        (1.0, 1.0)
        """
        return super().score(X, self._most_likely(y), sample_weight)

    def _most_likely(self, y: Any) -> Any:
        """Return the labels of probabilities, for a network that has learnt such; anything else as it is."""
        given = device_inputs.host(y) if inputs.on_device(y) else y
        if not getattr(self, "_soft", False) or np.ndim(given) != 2 or np.shape(given)[1] != self.n_outputs_:
            return y
        return self.classes_[np.asarray(given).argmax(axis=1)]

    def _task(self, X, y, sample_weight, own, split):
        warm = self.warm_start and getattr(self, "coefs_", None) is not None
        X, y, kind = self._read(X, y, reset=not warm)
        classes = inputs.labels(y) if kind == LABELS else np.arange(y.shape[1])
        if warm and not np.array_equal(classes, self.classes_):
            raise ArgumentValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously "
                f"got {shortened(str(self.classes_), 60)}, `y` has {shortened(str(classes), 60)}"
            )
        before = self.n_outputs_ if warm else None
        self.classes_ = classes
        self._note_kind(kind, y.shape[-1])
        if before not in (None, self.n_outputs_):
            raise ArgumentValueError(
                f"warm_start needs the same kind of y: it had {before} outputs, not {self.n_outputs_}."
            )
        self._counts, seed = self._count(y, kind), self._seed()
        targets, weight = self._targets(y, kind, X.dtype), inputs.row_weights(sample_weight, X)
        stratified = kind == LABELS and self.n_outputs_ == 1  # as in scikit-learn
        splitter = StratifiedShuffleSplit if stratified else ShuffleSplit
        task = self._to_learn(X, targets, weight, seed, own, splitter if split else None, y)
        return task | {"weight": self._row_weights(y, kind, weight)}

    def _validation(self, X: Any, y: Any, weight: Any, dtype: Any) -> tuple | None:
        kinds: list[str] = []

        def read(estimator: Any, X: Any, y: Any, *, reset: bool) -> tuple[Any, np.ndarray]:
            X, y, kind = self._read(X, y, reset)
            kinds.append(kind)
            return X, y

        found = inputs.validation(self, X, y, weight, dtype, read)
        if found is None:
            return None
        self._refuse_validation()
        X, y, weight = found
        return X, self._targets(y, kinds[0], dtype, "y_val"), weight

    def _note_classes(self, classes: Any) -> None:
        """Set `classes_` in the first call; later refuse others."""
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ArgumentValueError("classes must be passed on the first call to partial_fit.")
            self.classes_ = inputs.announced(classes)
        elif not isinstance(self.classes_, np.ndarray):
            raise ArgumentValueError("classes_ must be an array of labels, as fit left it.")
        elif classes is not None and not np.array_equal(inputs.announced(classes), self.classes_):
            raise ArgumentValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {self.classes_!r}"
            )

    def _checked_raw(self, X: Any) -> np.ndarray:
        raw = self._raw(X)
        expected = 2 if self.n_outputs_ == 1 else self.n_outputs_
        if not isinstance(self.classes_, np.ndarray) or self.classes_.shape != (expected,):
            raise ArgumentValueError(f"classes_ must be an array of {expected} labels, as fit left it.")
        return raw

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
