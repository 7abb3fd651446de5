"""What a range test says: the curve of loss against rate, and the rates that the known rules read off it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fastgd import _drawing as drawing
from fastgd._validation import choice
from fastgd.learning_rate._trial import Trial

SMOOTHING = 0.9  # of the running mean over neighbouring points
EXPLODED = 4.0  # times the range of the losses before: diverged
ROUNDING = 1e-9  # of the first loss: a fall by less is none
READ_OFF = "valley"  # the rule where there has been no trial


class Suggestion(NamedTuple):
    """A rate, and why."""

    learning_rate: float
    reason: str


def smoothed(loss: np.ndarray) -> np.ndarray:
    """Return the running mean of losses, bias corrected, along the first axis; what is not finite stays so from there on."""
    mean, weight, found = np.zeros(loss.shape[1:]), 0.0, np.empty(loss.shape)
    with np.errstate(all="ignore"):
        for k, value in enumerate(loss):
            mean = SMOOTHING * mean + (1 - SMOOTHING) * value
            weight = SMOOTHING * weight + (1 - SMOOTHING)
            found[k] = mean / weight
    return found


def exploded(curve: np.ndarray, untrained: float | None = None) -> np.ndarray:
    """Return from which point on each curve, (n_points, n), has left its range: n_points where it never does.

    The loss of an `untrained` model, where known, tells a curve that begins beyond its range.
    """
    with np.errstate(all="ignore"):
        start = curve[0] if untrained is None else np.minimum(curve[0], untrained)
        lowest = np.minimum(np.minimum.accumulate(curve, axis=0), start)
        bad = ~np.isfinite(curve) | (curve > lowest + EXPLODED * np.maximum(np.abs(start), np.abs(start - lowest)))
    return np.where(bad.any(axis=0), bad.argmax(axis=0), len(curve))


def _slope(rates: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Return the slope of the loss per factor of the rate, as far as the lowest loss: what falls after a rise is no guide."""
    n = max(2, int(curve.argmin()) + 1)
    return np.gradient(curve[:n], np.log(rates[:n]))


def steepest(rates: np.ndarray, curve: np.ndarray) -> Suggestion:
    """The rate at which the loss falls fastest per factor of the rate (Smith, 2017)."""
    return Suggestion(float(rates[_slope(rates, curve).argmin()]), "the loss falls fastest here")


def minimum(rates: np.ndarray, curve: np.ndarray) -> Suggestion:
    """A tenth of the rate with the lowest loss (Howard and Gugger, fastai)."""
    return Suggestion(float(rates[curve.argmin()]) / 10, "a tenth of the rate with the lowest loss")


def valley(rates: np.ndarray, curve: np.ndarray) -> Suggestion:
    """Two thirds down the longest stretch on which the loss falls (Howard and Gugger, fastai)."""
    longest, end = np.ones(len(curve), int), 0
    for k in range(1, len(curve)):
        before = longest[:k][curve[:k] > curve[k]]
        longest[k] = 1 + (before.max() if len(before) else 0)
        end = k if longest[k] > longest[end] else end
    start, need, level = end, longest[end] - 1, curve[end]
    for k in range(end - 1, -1, -1):
        if need and longest[k] == need and curve[k] > level:
            start, need, level = k, need - 1, curve[k]
    at = start + (end - start) * 2 // 3
    return Suggestion(float(rates[at]), "two thirds down the longest descent")


def slide(rates: np.ndarray, curve: np.ndarray) -> Suggestion:
    """The end of the last stretch over which the slope stays within a half of the steepest one (after Novikov's interval slide rule)."""
    slope = _slope(rates, curve)
    at = int(slope.argmin())
    while at + 1 < len(slope) and slope[at + 1] <= slope.min() / 2:
        at += 1
    return Suggestion(float(rates[at]), "the steep descent ends here")


RULES: dict[str, Callable[[np.ndarray, np.ndarray], Suggestion]] = {
    "steepest": steepest,
    "valley": valley,
    "slide": slide,
    "minimum": minimum,
}


@dataclass(frozen=True, repr=False)
class LRFinderResult:
    """What a range test measured: training with a rate that grows from step to step.

    Attributes
    ----------
    learning_rate : ndarray of float64, shape (n_points,)
        The rates, ascending: the geometric middle of each point's steps.
    loss : ndarray of float64, shape (n_points, n_seeds)
        The mean loss at each point, before its updates; NaN after a seed has diverged.
    seconds : float
        How long it took.
    trial : Trial, optional
        The short trial of an estimator.
    untrained : float, optional
        The loss of a linear estimator before training.

    Examples
    --------
    >>> import numpy as np
    >>> from fastgd.learning_rate import LRFinderResult
    >>> rates = np.geomspace(1e-4, 10, 50)
    >>> result = LRFinderResult(rates, (2 - np.log1p(rates) + rates**4)[:, None], 0.1)
    >>> round(result.suggestions["minimum"].learning_rate, 3)
    0.075
    """

    learning_rate: np.ndarray
    loss: np.ndarray
    seconds: float
    trial: Trial | None = None
    untrained: float | None = None

    @property
    def curve(self) -> np.ndarray:
        """The smoothed loss, the median over the seeds that have not diverged, (n_points,): up to the stability edge."""
        return np.nanmedian(smoothed(self.loss)[: self._end], axis=1)

    @property
    def band(self) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest smoothed loss over the seeds, each (n_points,) up to the stability edge."""
        curves = smoothed(self.loss)[: self._end]
        return np.nanmin(curves, axis=1), np.nanmax(curves, axis=1)

    @property
    def _end(self) -> int:
        return int(np.median(exploded(smoothed(self.loss), self.untrained)))

    @property
    def _seeds(self) -> str:
        n = self.loss.shape[1]
        return f"{n} seeds" if n > 1 else "1 seed"

    @property
    def edge(self) -> float | None:
        """The stability edge: the rate at which half of the seeds have diverged, None where they have not."""
        return float(self.learning_rate[self._end]) if self._end < len(self.learning_rate) else None

    @property
    def suggestions(self) -> dict[str, Suggestion]:
        """The rate of each rule, and why: "steepest", "valley", "slide", "minimum", and "trial" where there has been one."""
        found = self._read_off()
        if self.trial is not None:
            n_rates, reason = len(self.trial.learning_rate), "best of {} rates in a short trial"
            found["trial"] = Suggestion(self.trial.suggestion, reason.format(n_rates))
        return found

    def _read_off(self) -> dict[str, Suggestion]:
        rates = self.learning_rate[: self._end]
        if len(rates) < 3:
            reason = "it diverged at once: begin lower"
            return {name: Suggestion(float(self.learning_rate[0]) / 10, reason) for name in RULES}
        curve = self.curve
        if curve[0] - curve.min() <= ROUNDING * abs(curve[0]):
            reason = "the loss never fell: these rates are too small, or the data has nothing to learn"
            return {name: Suggestion(float(rates[-1]), reason) for name in RULES}
        return {name: rule(rates, curve) for name, rule in RULES.items()}

    @property
    def default_rule(self) -> str:
        """The rule that `suggest` follows: the one that wins in docs/choosing.md, of those there are."""
        return READ_OFF if self.trial is None else "trial"

    def suggest(self, rule: str | None = None) -> float:
        """Return the rate that a rule suggests.

        Parameters
        ----------
        rule : {"steepest", "valley", "slide", "minimum", "trial"}, optional
            The rule; by default `default_rule`.

        Returns
        -------
        float

        Examples
        --------
        >>> import numpy as np
        >>> from fastgd.learning_rate import LRFinderResult
        >>> rates = np.geomspace(1e-4, 10, 50)
        >>> LRFinderResult(rates, (2 - np.log1p(rates))[:, None], 0.1).suggest("steepest") > 1
        True
        """
        found = self.suggestions
        rule = self.default_rule if rule is None else choice(rule, "suggest", "rule", tuple(found))
        return found[rule].learning_rate

    def to_dict(self) -> dict:
        """Return a JSON-able description, None for what is not finite.

        Examples
        --------
        >>> import numpy as np
        >>> from fastgd.learning_rate import LRFinderResult
        >>> result = LRFinderResult(np.array([0.1, 1.0, 10.0]), np.array([[2.0], [1.0], [np.nan]]), 0.1)
        >>> result.to_dict()["loss"], result.to_dict()["edge"]
        ([[2.0], [1.0], [None]], 10.0)
        """
        return {
            "learning_rate": self.learning_rate.tolist(),
            "loss": [[float(v) if np.isfinite(v) else None for v in point] for point in self.loss],
            "suggestions": {name: found._asdict() for name, found in self.suggestions.items()},
            "edge": self.edge,
            "seconds": self.seconds,
            "trial": None if self.trial is None else self.trial.to_dict(),
            "untrained": self.untrained if self.untrained is not None and np.isfinite(self.untrained) else None,
        }

    def __repr__(self) -> str:
        found = ", ".join(f"{name} {each.learning_rate:.3g}" for name, each in self.suggestions.items())
        edge = "no divergence" if self.edge is None else f"diverged at {self.edge:.3g}"
        return f"LRFinderResult({len(self.learning_rate)} rates, {self._seeds}: {found}; {edge})"

    def plot(self, ax=None):
        """Plot the smoothed loss against the rate with the band of the seeds and the suggestions; return the matplotlib axes.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Examples
        --------
        >>> import matplotlib, numpy as np
        >>> matplotlib.use("agg")
        >>> from fastgd.learning_rate import LRFinderResult
        >>> rates = np.geomspace(1e-4, 10, 50)
        >>> LRFinderResult(rates, (2 - np.log1p(rates))[:, None], 0.1).plot().get_xscale()
        'log'
        """
        ax = drawing.axes(ax, "LRFinderResult.plot")
        rates, curve = self.learning_rate[: self._end], self.curve
        band = f"{self._seeds}, smoothed:\nmedian and range"
        ax.fill_between(rates, *self.band, color=drawing.BLUE, alpha=0.25, lw=0, label=band)
        ax.plot(rates, curve, color=drawing.BLUE, lw=drawing.LINE)
        for (name, found), style in zip(self.suggestions.items(), drawing.STYLES[1:], strict=False):
            height = np.interp(np.log(found.learning_rate), np.log(rates), curve) if len(curve) else np.nan
            label = f"{name} {found.learning_rate:.2g}"
            ax.plot(found.learning_rate, height, style.marker, ms=11, mec="white", color=style.color, label=label)
        if self.edge is not None:
            ax.axvline(self.edge, ls="--", lw=drawing.LINE, color=drawing.BLACK, label=f"diverged at {self.edge:.2g}")
        chosen = self.suggestions[self.default_rule]
        title = f"{self.default_rule} suggests {chosen.learning_rate:.2g}: {chosen.reason}"
        drawing.finish(ax, title, "learning rate", "loss before the step", xscale="log")
        fall = curve[0] - curve.min() if len(curve) else 0.0
        if fall > 0:  # the explosion at the end is of no interest, and would flatten the rest
            ax.set_ylim(curve.min() - 0.2 * fall, curve[0] + 0.6 * fall)
        drawing.legend(ax)
        return ax
