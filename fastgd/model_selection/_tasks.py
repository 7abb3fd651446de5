"""One fit of a search, as scikit-learn asks for it: whether it can be a lane, beside which others, and how it is scored."""

import time
from traceback import format_exc
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer
from sklearn.model_selection._validation import _score
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params, _num_samples

from fastgd.model_selection._kinds import Kind
from fastgd.schedules import Schedule


class Task:
    """The arguments of one call of scikit-learn's `_fit_and_score`: a candidate in a fold."""

    def __init__(self, estimator, X, y, *, train, test, parameters, scorer, fit_params, score_params, **more):
        self.base, self.X, self.y, self.train, self.test = estimator, X, y, train, test
        self.parameters, self.scorer = parameters, scorer
        self.fit_params, self.score_params = fit_params or {}, score_params or {}
        self.error_score, self.verbose = more["error_score"], more["verbose"]
        self.with_train_scores = more["return_train_score"]
        self.candidate, self.n_candidates = more["candidate_progress"]
        self.fold, self.n_folds = more["split_progress"]
        in_pipeline = type(estimator) is Pipeline and len(estimator.steps) > 1
        self.prefix = f"{estimator.steps[-1][0]}__" if in_pipeline else ""

    def estimator(self) -> Any:
        """Return a new estimator with the candidate's parameters."""
        return clone(self.base).set_params(**clone(self.parameters, safe=False))

    def model(self, estimator: Any) -> Any:
        """Return the model within such an estimator."""
        return estimator.steps[-1][1] if self.prefix else estimator

    def group(self) -> tuple:
        """Return what tasks have in common that can be trained in one pass."""
        model = self.model(self.estimator())
        kind = Kind.of(model)
        assert kind is not None  # what is alone is in no group
        own = {self.prefix + name for name in kind.of_a_lane}
        common = frozenset((name, _token(value)) for name, value in self.parameters.items() if name not in own)
        rate = kind.rate(model)
        if isinstance(rate, Schedule) and rate.is_stateful:
            return common, self.candidate  # what looks at the objective must see its own only
        return common, rate if isinstance(rate, str) and rate in ("pa1", "pa2") else ""

    def why_alone(self, search: Any) -> str:
        """Return why this cannot be a lane, "" if it can."""
        try:
            estimator = self.estimator()
            model = self.model(estimator)
            kind = Kind.of(model)
            if kind is None:
                return f"{type(model).__name__} does not train in lanes"
            foreign = kind.not_for_lanes(model)
            if foreign:
                return f"not for lanes: {', '.join(foreign)}"
            if any(getattr(each, "_skl_callbacks", None) for each in (search, estimator, model)):
                return "callbacks"
            if self.y is None or set(self.fit_params) - {self.prefix + "sample_weight"}:
                return "fit takes more than X, y and sample_weight"
            if getattr(estimator, "transform_input", None):
                return "transform_input"
            model._validate_params()
            model._check_settings()
        except Exception as error:  # its own fit will raise this, and scikit-learn says what is to be done then
            return f"{type(error).__name__}: {error}"
        return ""

    def rows(self, which: str) -> tuple[Any, Any]:
        """Return X and y of the "train" or "test" rows, copied."""
        rows = getattr(self, which)
        return _safe_indexing(self.X, rows), _safe_indexing(self.y, rows)

    def learnt_from(self) -> tuple[np.ndarray, Any, Any]:
        """Return the numbers of the rows to learn from, their targets, and their weights or None."""
        given = _check_method_params(self.X, params=self.fit_params, indices=self.train)
        numbered = np.arange(_num_samples(self.X))[self.train]
        return numbered, _safe_indexing(self.y, self.train), given.get(self.prefix + "sample_weight")

    def scores_by_predictions(self) -> bool:
        """Say whether the scorer is scikit-learn's own, which only asks an estimator for predictions."""
        scorers = self.scorer._scorers.values() if isinstance(self.scorer, _MultimetricScorer) else [self.scorer]
        return all(isinstance(scorer, (_BaseScorer, _PassthroughScorer)) for scorer in scorers)

    # -----------------------------------------------------------------------------------------------------------------------------
    # Results, with the keys of `_fit_and_score`

    def scored(self, estimator: Any, seconds: float, test: tuple, train: "tuple | None") -> dict:
        """Return the result of a fitted estimator on test rows, and on training rows if they are given."""
        began = time.time()
        result = {"fit_error": None, "test_scores": self._scores(estimator, test, self.test)}
        score_seconds = time.time() - began
        if train is not None:
            result["train_scores"] = self._scores(estimator, train, self.train)
        return self._completed(result, seconds, score_seconds)

    def _scores(self, estimator: Any, data: tuple, rows: Any) -> Any:
        params = _check_method_params(self.X, params=self.score_params, indices=rows)
        return _score(estimator, *data, self.scorer, params, self.error_score)

    def failed(self, error: Exception, seconds: float) -> dict:
        """Return the result of a fit that raised this error, or raise it."""
        if self.error_score == "raise":
            raise error
        try:
            raise error
        except Exception:
            told = format_exc()
        scores = self.error_score
        if isinstance(self.scorer, _MultimetricScorer):
            scores = dict.fromkeys(self.scorer._scorers, self.error_score)
        result = {"fit_error": told, "test_scores": scores}
        if self.with_train_scores:
            result["train_scores"] = scores.copy() if isinstance(scores, dict) else scores
        return self._completed(result, seconds, 0.0)

    def _completed(self, result: dict, fit_seconds: float, score_seconds: float) -> dict:
        result |= {"n_test_samples": len(np.arange(_num_samples(self.X))[self.test])}
        result |= {"fit_time": fit_seconds, "score_time": score_seconds}
        if self.verbose > 1:
            told = ", ".join(f"{name}={self.parameters[name]}" for name in sorted(self.parameters))
            scores = f" score={result['test_scores']}" if self.verbose > 2 else ""
            where = f" {self.fold + 1}/{self.n_folds}" if self.verbose > 2 else ""
            print(f"[CV{where}] END {told};{scores} total time={fit_seconds + score_seconds:.3g}s")
        return result


def _token(value: Any) -> Any:
    """Return what equal values have in common, as a key."""
    try:
        hash(value)
    except TypeError:
        return id(value)
    return type(value), value
