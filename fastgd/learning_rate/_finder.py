"""The range test: train with a rate that grows from step to step, and see where the loss falls and where it explodes."""

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from fastgd._kernels import execute
from fastgd._training import fit
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd._validation import ArgumentTypeError, ArgumentValueError, NonFiniteError, as_float, integer, real
from fastgd.learning_rate import _trial as trial
from fastgd.learning_rate._range_test import LRFinderResult, exploded, smoothed
from fastgd.learning_rate._subject import Subject, mean_loss
from fastgd.optimizers import SGD, Optimizer

LOW, HIGH = 1e-6, 100.0
FEWEST_ROWS, FEWEST_STEPS = 20, 1  # at least, of a point, for small data in several epochs
SHARE, MOST_STEPS = 50, 500  # at most, for large data: a part of an epoch, so many steps a point
UNSCALED = 1e3  # times the default `low`, and divergence: the rows are so large that other rates are to be tried
LOOK = 5  # points between two looks whether all seeds have diverged


def lr_find(
    model: Any,
    X: Any,
    y: Any,
    *,
    low: float = LOW,
    high: float = HIGH,
    n_points: int = 100,
    n_seeds: int = 5,
    n_epochs: int = 5,
    random_state: Any = None,
    sample_weight: Any = None,
    optimizer: Optimizer | None = None,
) -> LRFinderResult:
    """Run a range test: train once with a rate that grows geometrically from step to step, and suggest rates.

    Two forms: ``lr_find(estimator, X, y)`` for linear estimators and networks, whose seeds are lanes of one pass over the rows, and
    ``lr_find(params, loss_and_grad, batches)`` for a model of one's own. Neither changes what it is given.

    The curve of a range test says where training is stable, but little about which rate will have the lowest loss in the end: so
    estimators also get a short trial, real training of many rates side by side on few rows, and its suggestion is the default. Both
    together take less than the time of one epoch where an epoch takes longer than some tenths of a second, and otherwise up to some tenths
    of a second, many epochs of small data: on fewer rows luck would choose. docs/choosing.md has the tables.

    Parameters
    ----------
    model : estimator, or array, or list, tuple or dict of arrays
        An SGDClassifier, SGDRegressor, Perceptron, or a network with the solver "adam" or "sgd", or a pipeline that ends with one; or
        parameters, as for `Optimizer.init`, on a GPU too, which are put back at the end.
    X : {array-like, sparse matrix} of shape (n_samples, n_features), or callable
        Rows, of dtype float32 or float64; or ``loss_and_grad(params, batch) -> (loss, gradients)``, the gradients shaped like `params`.
    y : array-like of shape (n_samples,), or iterable
        Targets; or batches, gone through again and again.
    low, high : float
        The first and the last rate. Where the defaults are kept and a linear estimator diverges near `low`, because its rows are large,
        both are divided by 1 + the mean squared norm of a row.
    n_points : int
        Points of the curve; for a model of one's own each is one step.
    n_seeds : int
        How often to repeat it: for estimators with rows weighted by Poisson draws (a bootstrap), the first seed without; for one's own
        model with the batches in another order.
    n_epochs : int
        For how many epochs you mean to train an estimator: the longer, the smaller the rate that its trial suggests. The trial follows the
        estimator's `learning_rate` as `sweep` does: a schedule is multiplied by the rates.
    random_state : int, RandomState or numpy Generator, optional
        Takes the place of the estimator's; the order of one's own batches.
    sample_weight : array-like of shape (n_samples,), optional
        Weights >= 0 of the rows.
    optimizer : Optimizer, optional
        For one's own parameters: what makes the steps, plain `SGD` by default. An estimator has its own.

    Returns
    -------
    LRFinderResult
        The curve, its band over the seeds, the suggestion of each rule, and the rate at which training diverged.

    Raises
    ------
    ArgumentTypeError, ArgumentValueError
        For what cannot be tested; nothing has been changed then.

    References
    ----------
    L. N. Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017, section 3.3.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgd
    >>> from fastgd.linear_model import SGDRegressor
    >>> X = np.random.default_rng(0).normal(size=(500, 3))
    >>> result = fastgd.lr_find(SGDRegressor(random_state=0), X, X @ [1.0, 2.0, 3.0])
    >>> 1e-3 < result.suggest() < result.edge < 1
    True
    >>> w, target = np.zeros(3), np.array([1.0, 2.0, 3.0])
    >>> result = fastgd.lr_find(w, lambda w, batch: (((w - target) ** 2).sum(), 2 * (w - target)), [None])
    >>> w, result.edge > 1
    (array([0., 0., 0.]), True)
    """
    began = time.perf_counter()
    low, high = (real(value, "lr_find", name, 0.0, closed="neither") for name, value in (("low", low), ("high", high)))
    if low >= high:
        raise ArgumentValueError(f"the 'low' argument of lr_find must be below high = {high!r}; got {low!r}.")
    n_points, n_seeds = integer(n_points, "lr_find", "n_points", 3), integer(n_seeds, "lr_find", "n_seeds", 1)
    n_epochs = integer(n_epochs, "lr_find", "n_epochs", 1)
    if callable(X):
        if sample_weight is not None:
            raise ArgumentValueError(
                "the 'sample_weight' argument of lr_find is for estimators; weight the loss itself."
            )
        rates = np.geomspace(low, high, n_points)
        loss = _own(model, X, y, rates, n_seeds, random_state, SGD(lr=low) if optimizer is None else optimizer)
        return LRFinderResult(rates, loss, time.perf_counter() - began)
    if optimizer is not None:
        raise ArgumentValueError(
            "the 'optimizer' argument of lr_find is for one's own parameters; give it to the estimator."
        )
    subject = Subject.of(model, X, y, sample_weight, random_state)
    result = _range_test(subject, (low, high), n_points, n_seeds)
    at_low = result.untrained is not None and result.edge is not None and result.edge < UNSCALED * LOW
    if at_low and (low, high) == (LOW, HIGH):
        scale = 1 / (1 + Rows.of(subject.X, finite=False).square_sum() / subject.X.shape[0])
        if LOW * scale > np.finfo(np.float64).tiny:
            low, high = LOW * scale, HIGH * scale
            result = _range_test(subject, (low, high), n_points, n_seeds)
    tried = None if subject.perfect_at_zero else trial.run(subject, low, high, n_epochs, result.edge)
    return replace(result, seconds=time.perf_counter() - began, trial=tried)


# --------------------------------------------------------------------------------------------------------------------- estimators


def _range_test(subject: Subject, ends: tuple[float, float], n_points: int, n_seeds: int) -> LRFinderResult:
    """Return the curves of an estimator."""
    batch_size = subject.begin(1).batch_size
    few = n_points * max(FEWEST_ROWS, FEWEST_STEPS * batch_size)
    n_rows = max(few, min(len(subject.learn) // SHARE, n_points * MOST_STEPS * batch_size))
    subject = subject.part(n_rows)
    lanes, rows = subject.begin(n_seeds), Rows.of(subject.X, finite=False)
    order, stops = _plan(subject.learn, n_rows, n_points, batch_size, subject.seed)
    steps = np.geomspace(*ends, lanes.n_steps(len(order)))
    targets, weights = subject.targets_of(n_seeds), _bootstrap(subject, n_seeds)
    table, ends_of = RateTable.steps(steps), list(itertools.pairwise([0, *stops]))
    loss = np.full((n_points, n_seeds), np.nan)
    for k, (start, stop) in enumerate(ends_of):
        loss[k] = mean_loss(lanes, n_seeds, lanes.epoch(rows, targets, order, table, weights, start, stop))
        if k % LOOK == 0 and (exploded(smoothed(loss[: k + 1])) <= k).all():
            break
    alike = 1 if subject.classifies else k + 1  # an untrained model loses as much on each class
    base = _untrained(subject, n_seeds, order, ends_of[:alike], weights)
    if not subject.classifies:
        loss = _without_luck(loss, base)
    middles = [
        np.sqrt(steps[start // batch_size]) * np.sqrt(steps[(stop - 1) // batch_size]) for start, stop in ends_of
    ]
    untrained = None if subject.network or subject.perfect_at_zero else float(np.nanmean(base))  # of weights of zero
    return LRFinderResult(np.array(middles), loss, 0.0, untrained=untrained)


def _untrained(
    subject: Subject, n_seeds: int, order: np.ndarray, stretches: list[tuple[int, int]], weights: np.ndarray | None
) -> np.ndarray:
    """Return the losses of untrained models in these stretches of the order, (n_stretches, n_seeds)."""
    blank, targets = subject.blank(), subject.targets_of(n_seeds)
    models, still = subject.probe(blank.data, n_seeds), RateTable.constant(0.0)
    results = [models.epoch(blank, targets, order[start:stop], still, weights) for start, stop in stretches]
    return np.array([mean_loss(models, n_seeds, each) for each in results])


def _without_luck(loss: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Return the losses without what an untrained model has on the same rows more or less than on average (a ratio estimator).

    Targets of regression differ so much from row to row that a point of few rows would show them rather than the rate.
    """
    with np.errstate(all="ignore"):
        scale = np.nanmean(base) / base
    every = np.ones_like(loss)
    every[: len(base)] = np.where(np.isfinite(scale), scale, 1.0)
    return loss * every


def _plan(learn: np.ndarray, n_rows: int, n_points: int, batch_size: int, seed: int) -> tuple[np.ndarray, list[int]]:
    """Return the order of the rows, several epochs for small data and a part of one for large, and where each point ends in it."""
    epochs = [fit.epoch_order(learn, seed, k, True) for k in range(-(-n_rows // len(learn)))]
    order = np.concatenate(epochs)[:n_rows]
    n_steps = -(-len(order) // batch_size)
    return order, [min(len(order), int(k) * batch_size) for k in np.linspace(0, n_steps, n_points + 1)[1:].round()]


def _bootstrap(subject: Subject, n_seeds: int) -> np.ndarray | None:
    """Return the weight of each row in each lane: Poisson draws for all seeds but the first."""
    if n_seeds == 1:
        return subject.weight
    draws = np.ones((subject.X.shape[0], n_seeds))
    draws[:, 1:] = np.random.default_rng(subject.seed).poisson(1.0, (len(draws), n_seeds - 1))
    return subject.weights_of(n_seeds, draws)


# ------------------------------------------------------------------------------------------------------------------- one's own model


def _own(
    params: Any,
    loss_and_grad: Callable,
    batches: Iterable,
    rates: np.ndarray,
    n_seeds: int,
    random_state: Any,
    optimizer: Any,
) -> np.ndarray:
    """Return the losses, (n_points, n_seeds), of one's own model; its parameters are put back."""
    if not isinstance(optimizer, Optimizer) or not hasattr(optimizer, "lr"):
        raise ArgumentTypeError(
            f"the 'optimizer' argument of lr_find must be an Optimizer; got {type(optimizer).__name__}."
        )
    batches = list(batches)
    if not batches:
        raise ArgumentValueError("the 'y' argument of lr_find must be at least one batch; got none.")
    arrays = optimizer.init(params)._params  # which says what is wrong with them
    before = [execute.copy_of(array) for array in arrays]
    generator = np.random.default_rng(random_state)
    loss = np.full((len(rates), n_seeds), np.nan)
    try:
        for seed in range(n_seeds):
            order = [batches[k] for k in generator.permutation(len(batches))] if seed else batches
            _one_run(params, loss_and_grad, order, rates, optimizer, loss[:, seed])
            for array, old in zip(arrays, before, strict=True):
                array[...] = old
    finally:
        for array, old in zip(arrays, before, strict=True):
            array[...] = old
    return loss


def _one_run(
    params: Any, loss_and_grad: Callable, batches: list, rates: np.ndarray, optimizer: Any, loss: np.ndarray
) -> None:
    """Write the loss before each step, until it explodes."""
    from fastgd.schedules import interpolate

    ramp = interpolate(list(range(1, len(rates))), rates.tolist())
    state = optimizer.replace(lr=ramp, on_nonfinite="raise").init(params)
    for k, batch in zip(range(len(rates)), itertools.cycle(batches), strict=False):
        with np.errstate(all="ignore"):
            value, grads = loss_and_grad(params, batch)
        value = as_float(value, "lr_find", "loss_and_grad")
        loss[k] = value if np.isfinite(value) else np.nan
        if exploded(smoothed(loss[: k + 1, None]))[0] <= k:
            return
        try:
            with np.errstate(all="ignore"):
                state.step(grads, loss=_searchable(optimizer, value, params, loss_and_grad, batch))
        except NonFiniteError:
            return


def _searchable(optimizer: Any, value: float, params: Any, loss_and_grad: Callable, batch: Any) -> Any:
    """Return the loss as the optimizer wants it: line searches measure it again."""
    return (lambda: loss_and_grad(params, batch)[0]) if optimizer.searches else value
