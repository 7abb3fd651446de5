"""The grid search that trains its candidates in lanes."""

import inspect
from functools import partial
from types import FunctionType
from typing import Any

from sklearn.base import _fit_context
from sklearn.model_selection import GridSearchCV

from fastgd._estimators.inputs import unchanged_on_error
from fastgd.model_selection._evaluate import LaneParallel

REPLACED = "Parallel"  # in the names that scikit-learn's `fit` uses


class LaneSearchCV(GridSearchCV):
    """Grid search with cross-validation that trains many parameter combinations in one pass over the rows.

    Takes the place of ``sklearn.model_selection.GridSearchCV`` by a change of the import: every parameter, default, attribute and method
    has its name and meaning, and every candidate gets the model that its own `fit` on the rows of the fold would give, bit for bit, when
    `random_state` is an int.

    Candidates that differ in `alpha`, `l1_ratio`, `penalty`, `eta0`, `learning_rate`, `power_t`, `epsilon` or `quantile` are lanes: loading
    a row costs the same for 1 and for 16 of them. Values of any other parameter make one set of lanes each. Models of several lanes
    (classes, also of softmax; labels; outputs) lie side by side. Networks are lanes if they differ in `alpha`, `l1`, `learning_rate_init`,
    `learning_rate` or `power_t`, as many at a time as a cache holds: they share rows, batches and checks, not the products of their
    layers.

    Parameters
    ----------
    estimator : estimator object
        An SGDClassifier, SGDRegressor or Perceptron of `fastgd.linear_model`, an MLPClassifier or MLPRegressor of `fastgd.neural_network`,
        or a `Pipeline` that ends in one: its transformers are fitted once for each fold and set of lanes. Any other estimator is searched
        as by `GridSearchCV`.
    param_grid : dict or list of dicts
        Names of parameters with lists of values to try, in all combinations; or several such grids.
    scoring : str, callable, list, tuple or dict, optional
        The score, or several; by default the estimator's own.
    n_jobs : int, optional
        How many folds are trained at the same time, in threads; -1 for one on each processor. Results do not depend on it. What is no lane
        is fitted by so many processes.
    refit : bool, str or callable, default=True
        Fit the best candidate on all rows; with several scores, the name of the one that decides; or a function of `cv_results_` that
        returns the index of the best.
    cv : int, cross-validation generator or iterable, optional
        The folds; 5 by default.
    verbose : int, default=0
        Above 0, the number of fits is printed; above 1, one line for each.
    pre_dispatch : int or str, default="2*n_jobs"
        How many separate fits are dispatched ahead.
    error_score : "raise" or numeric, default=np.nan
        The score of a candidate whose training fails, for example because it diverges.
    return_train_score : bool, default=False
        Score the rows learnt from, too.

    Attributes
    ----------
    how_ : list of str
        For each candidate "lanes" or "separate fit". The logger "fastgd" tells why, at level INFO.
    cv_results_ : dict of ndarray
        Scores (float64) and times by candidate, in arrays of shape (n_candidates,): `params`, `param_*`, `split*_test_score`, `mean_*`,
        `std_*`, `rank_*`. The fit time of a lane is its share of the time of all that were trained with it.
    best_estimator_ : estimator
        The best candidate, fitted on all rows. Only with `refit`.
    best_score_ : float
        Its mean score.
    best_params_ : dict
        Its parameters.
    best_index_ : int
        Its place in `cv_results_`.
    scorer_ : callable or dict
        The score, or several.
    n_splits_ : int
        The number of folds.
    refit_time_ : float
        Seconds that the last fit took. Only with `refit`.
    multimetric_ : bool
        Whether there are several scores.
    classes_ : ndarray of shape (n_classes,)
        The labels. Only with `refit` and a classifier.
    n_features_in_ : int
        The number of features. Only with `refit`.
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the columns, where X was a frame with string names.

    Notes
    -----
    A candidate is fitted separately if its estimator is none of the above or a subclass, if `max_time`, `on_divergence` or another
    parameter that lanes do not share is set, if `fit` is given more than X, y and `sample_weight`, or if there are callbacks; and so is a
    network with the solver "lbfgs", ``learning_rate="auto"`` or an optimizer that finds its step sizes itself. In a pipeline,
    scikit-learn's own scorers see the last step and transformed rows; other callables see the pipeline and the rows as they are. Without
    an int as `random_state`, the candidates of a fold share one order of the rows, and networks their first weights. An interrupted or
    failing `fit` leaves the search as it was.

    Source: Sparks, E. R. et al., "Automating model search for large scale machine learning", ACM SoCC (2015), shares passes over the data
    between candidates.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.linear_model import SGDClassifier
    >>> from fastgd.model_selection import LaneSearchCV
    >>> X = np.random.default_rng(0).normal(size=(200, 4))
    >>> grid = {"alpha": [1e-4, 1e-2, 1.0], "penalty": ["l1", "l2"]}
    >>> search = LaneSearchCV(SGDClassifier(random_state=0), grid).fit(X, X[:, 0] > 0)
    >>> set(search.how_), len(search.cv_results_["params"]), bool(search.best_score_ > 0.9)
    ({'lanes'}, 6, True)

    Networks:

    >>> from fastgd.neural_network import MLPClassifier
    >>> network = MLPClassifier((4,), max_iter=20, tol=None, random_state=0)
    >>> LaneSearchCV(network, {"learning_rate_init": [1e-4, 1e-2], "alpha": [0.0, 1e-3]}).fit(X, X[:, 0] > 0).how_
    ['lanes', 'lanes', 'lanes', 'lanes']
    """

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Evaluate all candidates by cross-validation, and fit the best one on all rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible; whatever a pipeline takes.
        y : array-like of shape (n_samples,), optional
            Targets.
        **params : dict of str to object
            What to pass on to `fit` of the estimator, to the scorer and to the splitter, such as `sample_weight` and `groups`. Arrays
            with one element for each row are split like X.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError
            All fits failed, or what `GridSearchCV` refuses. The search is as it was before the call.

        Examples
        --------
        >>> import numpy as np
        >>> from fastgd.linear_model import SGDRegressor
        >>> from fastgd.model_selection import LaneSearchCV
        >>> X = np.random.default_rng(0).normal(size=(100, 3))
        >>> model = SGDRegressor(max_iter=5, tol=None, random_state=0)
        >>> search = LaneSearchCV(model, {"eta0": [1e-4, 1e-2]}).fit(X, X @ [1.0, 2.0, 3.0])
        >>> search.best_params_
        {'eta0': 0.01}
        """
        with unchanged_on_error(self):
            vars(self).pop("how_", None)
            _fit_with(partial(LaneParallel, self))(self, X, y, **params)
            if not hasattr(self, "how_"):
                self.how_ = ["separate fit"] * len(self.cv_results_["params"])
        return self


def _fit_with(parallel: Any) -> Any:
    """Return scikit-learn's `fit` of a search, with something else in the place of `Parallel`.

    That method splits, clones, collects, ranks and refits, and has no hook between: it hands one call of `_fit_and_score` for each
    candidate and fold to `Parallel`. So its own text runs here, with a namespace in which that name means ours: nothing of it is copied,
    and nothing that others see is patched. Should a later scikit-learn use another name, candidates are fitted one by one as ever.
    """
    plain = inspect.unwrap(GridSearchCV.fit)
    names = {**plain.__globals__, REPLACED: parallel}
    return FunctionType(plain.__code__, names, plain.__name__, plain.__defaults__, plain.__closure__)
