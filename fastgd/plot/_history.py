"""Pictures of a training that is over: the losses with the rate, and the health of the gradients."""

from typing import Any

import numpy as np

from fastgd import _drawing as drawing
from fastgd._training.history import carried, drawable
from fastgd._validation import choice, type_error, value_error

OWN = "fastgd."


def history_of(estimator: Any, owner: str) -> dict[str, np.ndarray]:
    """Return the history of a fitted estimator, or of the one inside a pipeline or a search."""
    inner = estimator
    while not hasattr(inner, "history_"):
        inside = [getattr(inner, name, None) for name in ("best_estimator_", "_final_estimator")]
        found = [each for each in inside if each is not None and not isinstance(each, str)]
        if not found:
            break
        inner = found[0]
    if hasattr(inner, "history_"):
        return inner.history_
    if type(inner).__module__.startswith(OWN) or hasattr(inner, "best_index_") or hasattr(inner, "estimator"):
        raise value_error(owner, "estimator", "fitted, with a history_", estimator, "Call its fit first.")
    accepted = "an estimator of fastgd.linear_model, or a pipeline or search with one"
    raise type_error(owner, "estimator", accepted, estimator)


def per_model(values: Any, name: str, owner: str, n: int) -> np.ndarray:
    """Return an (n,) or (n, n_models) array as (n, n_models), each model that has stopped at its last value, NaN for what is not drawn."""
    array = np.array(values, np.float64)
    if array.ndim not in (1, 2) or len(array) != n or not n:
        raise value_error(owner, name, f"an array of shape ({n},) or ({n}, n_models)", array.shape)
    return drawable(carried(array.reshape(n, -1)))


def draw_models(ax: Any, x: np.ndarray, values: np.ndarray, label: str, style: drawing.Style, ms: float = 0) -> Any:
    """Draw the mean over models, and their range where there are several; return the line."""
    if values.shape[1] > 1:
        label = f"{label}, mean and\nrange of {values.shape[1]} models"
        ax.fill_between(x, values.min(axis=1), values.max(axis=1), color=style.color, alpha=0.15, lw=0)
    every = max(1, len(x) // 15)
    look = {"color": style.color, "ls": style.linestyle, "marker": style.marker, "markevery": every}
    look["ms"] = ms if len(x) > 1 else drawing.MARKER  # a line of one point is nothing to see
    return ax.plot(x, values.mean(axis=1), lw=drawing.LINE, label=label, **look)[0]


def told(name: str, x: np.ndarray, curve: np.ndarray, xlabel: str) -> str:
    """Say where a curve is lowest, and from where on it has left what can be drawn."""
    finite = np.isfinite(curve)
    if not finite.any():
        return f"{name} beyond all bounds"
    best, gone = int(np.nanargmin(curve)), "" if finite[-1] else f", beyond all bounds at the last {xlabel}"
    if best == len(curve) - 1 and finite[0]:
        return f"{name} from {curve[0]:.3g} to {curve[-1]:.3g}, lowest at the last {xlabel}"
    return f"{name} lowest at {xlabel} {x[best]:g}: {curve[best]:.3g}{gone}"


def steps_or_epochs(history: dict[str, np.ndarray], x: str, owner: str) -> np.ndarray:
    """Return the horizontal axis that was asked for."""
    return history[choice(x, owner, "x", ("epoch", "step"))]


class LearningCurveDisplay:
    """Loss and validation loss against the epoch, and the learning rate on a second axis.

    Made by `from_estimator` as a rule.

    Parameters
    ----------
    x : array-like of shape (n_epochs,)
        Numbers of the epochs or of the steps, convertible to float64.
    loss : array-like of shape (n_epochs,) or (n_epochs, n_models)
        The mean loss over the rows, each before its update. Several models (classes, outputs) are drawn as mean and range; NaN after a
        model has stopped means that it stays where it was. What is infinite, or above 1e100, is a gap.
    val_loss : array-like like `loss`, optional
        The mean loss over the validation rows.
    learning_rate : array-like like `loss`, optional
        The rates.
    xlabel : str
        What `x` is.

    Attributes
    ----------
    ax_, rate_ax_ : matplotlib Axes
        The axes of the losses, and their twin for the rate (None without).
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Line2D
        The losses, then the rate.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import fastgd
    >>> display = fastgd.plot.LearningCurveDisplay(x=[1, 2, 3], loss=[3.0, 2.0, 1.5], val_loss=[2.5, 2.0, 2.2]).plot()
    >>> display.ax_.get_title(loc="left")
    'validation loss lowest at epoch 2: 2'
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, *, x: Any, loss: Any, val_loss: Any = None, learning_rate: Any = None, xlabel: str = "epoch"):
        self.x, self.loss, self.val_loss, self.learning_rate, self.xlabel = x, loss, val_loss, learning_rate, xlabel

    def plot(self, ax: Any = None) -> "LearningCurveDisplay":
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        LearningCurveDisplay
            Itself.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> ax = Figure().add_subplot()
        >>> fastgd.plot.LearningCurveDisplay(x=[1, 2], loss=[3.0, 2.0]).plot(ax).ax_ is ax
        True
        """
        x = np.asarray(self.x)
        given = {"loss": self.loss, "val_loss": self.val_loss, "learning_rate": self.learning_rate}
        curves = {n: per_model(v, n, "LearningCurveDisplay", len(x)) for n, v in given.items() if v is not None}
        rate = curves.pop("learning_rate", None)
        self.ax_ = drawing.axes(ax, "LearningCurveDisplay.plot")
        names = {"loss": "loss while training", "val_loss": "validation loss"}
        pairs = zip(curves.items(), drawing.STYLES, strict=False)
        self.lines_ = [
            draw_models(self.ax_, x, values, names[name], style, drawing.MARKER) for (name, values), style in pairs
        ]
        yscale = drawing.scale(*curves.values())
        drawing.finish(self.ax_, self._title(x, curves), self.xlabel, "mean loss per row", yscale=yscale)
        drawing.whole_numbers(self.ax_)
        self.rate_ax_ = None if rate is None else self._draw_rate(x, rate)
        drawing.legend(self.ax_, *([] if rate is None else [self.rate_ax_]))
        self.figure_ = self.ax_.figure
        return self

    def _draw_rate(self, x: np.ndarray, rate: np.ndarray) -> Any:
        twin = self.ax_.twinx()
        same = (rate == rate[:, :1]).all()
        self.lines_.append(draw_models(twin, x, rate[:, :1] if same else rate, "learning rate", drawing.STYLES[2]))
        scale = drawing.scale(rate)
        drawing.finish(twin, "", "", "learning rate", yscale=scale)
        if scale == "linear":
            twin.set_ylim(0, 1.05 * np.nanmax(rate, initial=0.0) or 1)
            twin.ticklabel_format(axis="y", scilimits=(-2, 4))  # 2.5 and 1e-4 above, not 0.00025: the legend is near
            twin.yaxis.get_offset_text().set_fontsize(drawing.SMALL)
        return twin

    def _title(self, x: np.ndarray, curves: dict[str, np.ndarray]) -> str:
        name = "validation loss" if "val_loss" in curves else "loss"
        return told(name, x, curves.get("val_loss", curves["loss"]).mean(axis=1), self.xlabel)

    @classmethod
    def from_estimator(cls, estimator: Any, *, x: str = "epoch", ax: Any = None) -> "LearningCurveDisplay":
        """Draw the history of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted, of `fastgd.linear_model`; a pipeline that ends with one, or a search over one, will do.
        x : {"epoch", "step"}
            The horizontal axis.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        LearningCurveDisplay
            Drawn.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            The estimator is of another kind, or not fitted.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> import fastgd
        >>> from fastgd.linear_model import SGDRegressor
        >>> model = SGDRegressor(random_state=0).fit([[0.0], [1.0]] * 50, [0.0, 1.0] * 50)
        >>> display = fastgd.plot.LearningCurveDisplay.from_estimator(model)
        >>> display.ax_.get_xlabel(), display.rate_ax_.get_ylabel()
        ('epoch', 'learning rate')
        >>> matplotlib.pyplot.close(display.figure_)
        """
        history = history_of(estimator, cls.__name__)
        curves = {name: history.get(name) for name in ("loss", "val_loss", "learning_rate")}
        return cls(x=steps_or_epochs(history, x, cls.__name__), xlabel=x, **curves).plot(ax)


class GradientHealthDisplay:
    """The norm of the gradient against the epoch, and the share of the steps that were clipped.

    Made by `from_estimator` as a rule.

    Parameters
    ----------
    x : array-like of shape (n_epochs,)
        Numbers of the epochs or of the steps, convertible to float64.
    grad_norm : array-like of shape (n_epochs,) or (n_epochs, n_models)
        The norm of the gradient, before clipping, the mean over an epoch's steps.
    clipped : array-like like `grad_norm`, optional
        The share of the steps that were clipped, from 0 to 1.
    xlabel : str
        What `x` is.

    Attributes
    ----------
    ax_, clipped_ax_ : matplotlib Axes
        The axes of the norm, and their twin for the share (None without).
    figure_ : matplotlib Figure
        The figure.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import fastgd
    >>> display = fastgd.plot.GradientHealthDisplay(x=[1, 2, 3], grad_norm=[8.0, 2.0, 1.0], clipped=[0.5, 0.1, 0.0]).plot()
    >>> display.ax_.get_title(loc="left")
    'gradient norm from 8 to 1; 20 % of all steps clipped'
    >>> matplotlib.pyplot.close(display.figure_)
    """

    def __init__(self, *, x: Any, grad_norm: Any, clipped: Any = None, xlabel: str = "epoch"):
        self.x, self.grad_norm, self.clipped, self.xlabel = x, grad_norm, clipped, xlabel

    def plot(self, ax: Any = None) -> "GradientHealthDisplay":
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        GradientHealthDisplay
            Itself.

        Examples
        --------
        >>> from matplotlib.figure import Figure
        >>> import fastgd
        >>> display = fastgd.plot.GradientHealthDisplay(x=[1, 2], grad_norm=[20.0, 1.0]).plot(Figure().add_subplot())
        >>> display.ax_.get_yscale()
        'log'
        """
        x = np.asarray(self.x)
        norm = per_model(self.grad_norm, "grad_norm", "GradientHealthDisplay", len(x))
        share = None if self.clipped is None else per_model(self.clipped, "clipped", "GradientHealthDisplay", len(x))
        self.ax_ = drawing.axes(ax, "GradientHealthDisplay.plot")
        draw_models(self.ax_, x, norm, "gradient norm", drawing.STYLES[0], drawing.MARKER)
        means = norm.mean(axis=1)
        means = means[np.isfinite(means)]
        title = (
            f"gradient norm from {means[0]:.3g} to {means[-1]:.3g}" if len(means) else "gradient norm beyond all bounds"
        )
        title += "" if share is None else f"; {np.nanmean(share):.0%} of all steps clipped".replace("%", " %")
        ylabel = "gradient norm, mean over the steps"
        drawing.finish(self.ax_, title, self.xlabel, ylabel, yscale=drawing.scale(norm))
        drawing.whole_numbers(self.ax_)
        self.clipped_ax_ = None if share is None else self._draw_share(x, share)
        drawing.legend(self.ax_, *([] if share is None else [self.clipped_ax_]))
        self.figure_ = self.ax_.figure
        return self

    def _draw_share(self, x: np.ndarray, share: np.ndarray) -> Any:
        twin = self.ax_.twinx()
        draw_models(twin, x, 100 * share, "share clipped", drawing.STYLES[1])
        drawing.finish(twin, "", "", "steps clipped (%)", ylim=(-2, 102))
        return twin

    @classmethod
    def from_estimator(cls, estimator: Any, *, x: str = "epoch", ax: Any = None) -> "GradientHealthDisplay":
        """Draw the history of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted, of `fastgd.linear_model`; a pipeline that ends with one, or a search over one, will do.
        x : {"epoch", "step"}
            The horizontal axis.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        GradientHealthDisplay
            Drawn.

        Raises
        ------
        ArgumentTypeError, ArgumentValueError
            The estimator is of another kind, or not fitted.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("agg")
        >>> import fastgd
        >>> from fastgd.linear_model import SGDRegressor
        >>> model = SGDRegressor(random_state=0).fit([[0.0], [1.0]] * 50, [0.0, 1.0] * 50)
        >>> display = fastgd.plot.GradientHealthDisplay.from_estimator(model)
        >>> display.ax_.get_ylabel()
        'gradient norm, mean over the steps'
        >>> matplotlib.pyplot.close(display.figure_)
        """
        history = history_of(estimator, cls.__name__)
        across = steps_or_epochs(history, x, cls.__name__)
        return cls(x=across, grad_norm=history["grad_norm"], clipped=history.get("clipped"), xlabel=x).plot(ax)
