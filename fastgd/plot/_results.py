"""Displays of what draws itself: range tests, sweeps and schedules. Their own ``.plot`` draws; here stand the ways to get there."""

from typing import Any

from fastgd import _drawing as drawing
from fastgd._validation import shortened, type_error
from fastgd.learning_rate import LRFinderResult, SweepResult, lr_find, sweep
from fastgd.schedules import Schedule, as_schedule


class LRFinderDisplay:
    """The curve of a range test: loss against a rate that grows from step to step, with every rule's suggestion.

    Made by `from_estimator` or `from_result` as a rule.

    Parameters
    ----------
    result : LRFinderResult
        Of `fastgd.lr_find`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.

    Examples
    --------
    >>> import matplotlib, numpy as np
    >>> matplotlib.use("agg")
    >>> import fastgd
    >>> w = np.ones(3)
    >>> result = fastgd.lr_find(w, lambda w, batch: ((w**2).sum(), 2 * w), [None])
    >>> display = fastgd.plot.LRFinderDisplay(result=result).plot()
    >>> display.ax_.get_xscale()
    'log'
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, *, result: LRFinderResult):
        self.result = result

    def plot(self, ax: Any = None) -> "LRFinderDisplay":
        """Draw, by ``result.plot``.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        LRFinderDisplay
            Itself.

        Examples
        --------
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> result = fastgd.lr_find(np.ones(3), lambda w, batch: ((w**2).sum(), 2 * w), [None])
        >>> ax = Figure().add_subplot()
        >>> fastgd.plot.LRFinderDisplay(result=result).plot(ax).ax_ is ax
        True
        """
        self.ax_ = _checked(self.result, LRFinderResult, "LRFinderDisplay").plot(ax)
        self.figure_ = self.ax_.figure
        return self

    @classmethod
    def from_result(cls, result: LRFinderResult, *, ax: Any = None) -> "LRFinderDisplay":
        """Draw the result of `fastgd.lr_find`.

        Parameters
        ----------
        result : LRFinderResult
            The result.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        LRFinderDisplay
            Drawn.

        Examples
        --------
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> result = fastgd.lr_find(np.ones(3), lambda w, batch: ((w**2).sum(), 2 * w), [None])
        >>> fastgd.plot.LRFinderDisplay.from_result(result, ax=Figure().add_subplot()).ax_.get_xlabel()
        'learning rate'
        """
        return cls(result=result).plot(ax)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **options: Any) -> "LRFinderDisplay":
        """Run `fastgd.lr_find` and draw its result; the estimator is not changed.

        Parameters
        ----------
        estimator : SGDClassifier, SGDRegressor or Perceptron
            Of `fastgd.linear_model`.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : array-like of shape (n_samples,)
            Targets.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **options
            Those of `fastgd.lr_find`.

        Returns
        -------
        LRFinderDisplay
            Drawn.

        Examples
        --------
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> from fastgd.linear_model import SGDRegressor
        >>> X = np.random.default_rng(0).normal(size=(500, 3))
        >>> y, ax = X @ [1.0, 2.0, 3.0], Figure().add_subplot()
        >>> display = fastgd.plot.LRFinderDisplay.from_estimator(SGDRegressor(random_state=0), X, y, n_seeds=3, ax=ax)
        >>> display.result.loss.shape
        (100, 3)
        """
        return cls(result=lr_find(estimator, X, y, **options)).plot(ax)


class SweepDisplay:
    """Validation loss against learning rate after each epoch of a sweep, as a fan.

    Made by `from_estimator` or `from_result` as a rule.

    Parameters
    ----------
    result : SweepResult
        Of `fastgd.sweep`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import fastgd
    >>> from fastgd.linear_model import SGDRegressor
    >>> result = fastgd.sweep(SGDRegressor(random_state=0), [[0.0], [1.0]] * 50, [0.0, 1.0] * 50, learning_rate=[0.01, 0.1])
    >>> display = fastgd.plot.SweepDisplay(result=result).plot()
    >>> display.ax_.get_ylabel()
    'validation loss'
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, *, result: SweepResult):
        self.result = result

    def plot(self, ax: Any = None) -> "SweepDisplay":
        """Draw, by ``result.plot``.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        SweepDisplay
            Itself.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> from fastgd.linear_model import SGDRegressor
        >>> result = fastgd.sweep(SGDRegressor(random_state=0), [[0.0], [1.0]] * 50, [0.0, 1.0] * 50, learning_rate=[0.01, 0.1])
        >>> fastgd.plot.SweepDisplay(result=result).plot(Figure().add_subplot()).ax_.get_xscale()
        'log'
        """
        self.ax_ = _checked(self.result, SweepResult, "SweepDisplay").plot(ax)
        self.figure_ = self.ax_.figure
        return self

    @classmethod
    def from_result(cls, result: SweepResult, *, ax: Any = None) -> "SweepDisplay":
        """Draw the result of `fastgd.sweep`.

        Parameters
        ----------
        result : SweepResult
            The result.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        SweepDisplay
            Drawn.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> from fastgd.linear_model import SGDRegressor
        >>> result = fastgd.sweep(SGDRegressor(random_state=0), [[0.0], [1.0]] * 50, [0.0, 1.0] * 50, learning_rate=[0.01, 0.1])
        >>> fastgd.plot.SweepDisplay.from_result(result, ax=Figure().add_subplot()).result is result
        True
        """
        return cls(result=result).plot(ax)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **options: Any) -> "SweepDisplay":
        """Run `fastgd.sweep` and draw its result; the estimator is not changed.

        Parameters
        ----------
        estimator : SGDClassifier, SGDRegressor or Perceptron
            Of `fastgd.linear_model`.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, of dtype float32 or float64, or convertible.
        y : array-like of shape (n_samples,), or (n_samples, n_outputs) for regression
            Targets.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **options
            Those of `fastgd.sweep`.

        Returns
        -------
        SweepDisplay
            Drawn.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> from fastgd.linear_model import SGDRegressor
        >>> X, y, ax = [[0.0], [1.0]] * 50, [0.0, 1.0] * 50, Figure().add_subplot()
        >>> display = fastgd.plot.SweepDisplay.from_estimator(SGDRegressor(random_state=0), X, y, n_epochs=3, ax=ax)
        >>> display.result.val_loss.shape
        (3, 16)
        """
        return cls(result=sweep(estimator, X, y, **options)).plot(ax)


class ScheduleDisplay:
    """A schedule's rate against the step.

    Made by `from_schedule` as a rule.

    Parameters
    ----------
    schedule : Schedule
        Its durations in steps.
    n : int, optional
        The number of steps; the schedule's duration by default, or 1000 for an endless one.
    loss : array-like of shape (n,), optional
        Losses, convertible to float64, one a step, for measured parts (`plateau`, `performance`) to follow.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import fastgd
    >>> display = fastgd.plot.ScheduleDisplay(schedule=fastgd.schedules.cosine(0.1, 100)).plot()
    >>> display.ax_.get_title(loc="left")
    'cosine(0.1, 100)'
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, *, schedule: Schedule, n: int | None = None, loss: Any = None):
        self.schedule, self.n, self.loss = schedule, n, loss

    def plot(self, ax: Any = None) -> "ScheduleDisplay":
        """Draw, by ``schedule.plot``.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        ScheduleDisplay
            Itself.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> ax = Figure().add_subplot()
        >>> fastgd.plot.ScheduleDisplay(schedule=fastgd.schedules.cosine(0.1, 100)).plot(ax).ax_.get_ylabel()
        'learning rate'
        """
        self.ax_ = _checked(self.schedule, Schedule, "ScheduleDisplay").plot(ax, self.n, self.loss)
        drawing.finish(self.ax_, shortened(str(self.schedule), 80), "step", "learning rate")
        self.figure_ = self.ax_.figure
        return self

    @classmethod
    def from_schedule(
        cls,
        schedule: Schedule | str | float,
        *,
        total_steps: int | None = None,
        steps_per_epoch: int | None = None,
        loss: Any = None,
        ax: Any = None,
    ) -> "ScheduleDisplay":
        """Draw a schedule, or the text of one.

        Parameters
        ----------
        schedule : Schedule, str or float
            What to draw; durations may have units.
        total_steps : int, optional
            The number of steps, which durations in per cent are of. By default the schedule's duration, or 1000 for an endless one.
        steps_per_epoch : int, optional
            Needed by durations in epochs.
        loss : array-like of shape (n,), optional
            Losses, convertible to float64, one a step, for measured parts (`plateau`, `performance`) to follow.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        ScheduleDisplay
            Drawn.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> ax = Figure().add_subplot()
        >>> display = fastgd.plot.ScheduleDisplay.from_schedule("warmup(5%) >> cosine(1e-3, 95%)", total_steps=200, ax=ax)
        >>> print(display.schedule)
        warmup(10) >> cosine(0.001, 190)
        """
        asked = as_schedule(schedule, cls.__name__)
        resolved = asked.resolve(total_steps=total_steps, steps_per_epoch=steps_per_epoch)
        return cls(schedule=resolved, n=total_steps, loss=loss).plot(ax)


def _checked(value: Any, kind: type, owner: str) -> Any:
    if not isinstance(value, kind):
        name = "schedule" if kind is Schedule else "result"
        raise type_error(owner, name, f"a {kind.__name__}", value)
    return value
