"""The history of a training: a dict of arrays that notebooks show as curves.

The HTML stands alone: no script, no network, no style that reaches other cells. Text, axes and grid take the colour of the page around
it, and the colours of the curves can be read on white and on black, so there is no theme to find out.
"""

from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from fastgd import _drawing

WIDTH, HEIGHT = 340, 200  # of a chart
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 10, 34  # around its curves
MOST_TICKS = 5
EXTREME = 1e100
MOST_MARKS = 60  # epochs, up to which each has a mark that tells its value
MOST_POINTS = 600  # of a curve: more than there are pixels for


class History(dict):
    """What `history_` is: a dict of ndarray, an entry for each epoch, which notebooks show as curves of loss and rate.

    Examples
    --------
    >>> from fastgd.linear_model import SGDRegressor
    >>> model = SGDRegressor(random_state=0, max_iter=3, tol=None).fit([[0.0], [1.0]] * 9, [0.0, 1.0] * 9)
    >>> isinstance(model.history_, dict), model.history_["epoch"].tolist()
    (True, [1, 2, 3])
    >>> model.history_._repr_html_().count("<svg")
    2
    """

    def _repr_html_(self) -> str | None:
        """Return the history as HTML; None, for which notebooks print the dict, where its entries are not those of a training."""
        try:
            epoch = np.asarray(self["epoch"], np.float64)
            names = ("loss", "val_loss", "val_score", "learning_rate")
            curves = {name: means(self[name]) for name in names if name in self}
            if epoch.ndim != 1 or not len(epoch) or any(values.shape != epoch.shape for values in curves.values()):
                return None
            facts = self._facts(curves)
        except (KeyError, TypeError, ValueError):
            return None
        charts = (
            ("Loss", {"training": "loss", "validation": "val_loss"}),
            ("Learning rate", {"learning rate": "learning_rate"}),
        )
        drawn = [
            _chart(title, epoch, {label: curves[name] for label, name in lines.items() if name in curves})
            for title, lines in charts
        ]
        style = "display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start;font:13px/1.4 system-ui,sans-serif"
        return f'<div style="{style}">{_table(facts)}{"".join(drawn)}</div>'

    def _facts(self, curves: dict[str, np.ndarray]) -> list[tuple[str, str]]:
        """Return what is worth knowing at once, as names and texts."""
        epoch = np.asarray(self["epoch"])
        n_models = np.shape(self.get("loss", ()))[1:]
        facts = [("epochs", f"{len(epoch)}"), *([("curves", f"means over {n_models[0]} models")] if n_models else [])]
        if "loss" in curves:
            facts.append(("training loss", _from_to(curves["loss"])))
        for name, label, best in (
            ("val_loss", "lowest validation loss", np.nanargmin),
            ("val_score", "highest validation score", np.nanargmax),
        ):
            if name in curves and not np.isnan(curves[name]).all():
                k = int(best(curves[name]))
                facts.append((label, f"{curves[name][k]:.4g} after epoch {epoch[k]}"))
        if "learning_rate" in curves:
            facts.append(("learning rate", _from_to(curves["learning_rate"])))
        for name, label, form in (("rows_per_second", "rows a second", ",.0f"), ("seconds", "seconds", ".3g")):
            if name in self:
                values = np.asarray(self[name], np.float64)
                facts.append((label, format(np.median(values) if name == "rows_per_second" else values[-1], form)))
        return facts


def means(values: Any) -> np.ndarray:
    """Return the mean over the models of an (n_epochs,) or (n_epochs, n_models) array, each that has stopped at its last value."""
    array = carried(np.array(values, np.float64))
    return array if array.ndim < 2 else array.mean(axis=tuple(range(1, array.ndim)))


def carried(array: np.ndarray) -> np.ndarray:
    """Put into each NaN what stands before it, epoch by epoch: a model that has stopped stays as it was."""
    if array.ndim > 1:
        for before, row in pairwise(array):
            stopped = np.isnan(row)
            row[stopped] = before[stopped]
    return array


def _from_to(values: np.ndarray) -> str:
    """Return the first and the last of some values, or their range where these two are the same, as a text."""
    first, last = f"{values[0]:.4g}", f"{values[-1]:.4g}"
    low, high = f"{values.min():.4g}", f"{values.max():.4g}"
    if first != last or low == high:
        return first if first == last else f"{first} → {last}"
    return f"{low} to {high}"


def _table(facts: list[tuple[str, str]]) -> str:
    cell = "padding:1px 10px 1px 0;border:0;background:none;text-align:left;color:inherit"
    rows = (
        f'<tr style="background:none"><th scope="row" style="{cell};font-weight:normal;opacity:.75">{escape(name)}</th>'
        f'<td style="{cell};font-variant-numeric:tabular-nums">{escape(text)}</td></tr>'
        for name, text in facts
    )
    return f'<table style="border-collapse:collapse;margin:0;font:inherit;color:inherit">{"".join(rows)}</table>'


class _Scale(NamedTuple):
    """A linear or logarithmic axis from `low` to `high`, in pixels from `begin` to `end`."""

    low: float
    high: float
    begin: float
    end: float
    log: bool

    def __call__(self, value: Any) -> Any:
        low, high, at = (np.log10(v) if self.log else np.asarray(v, float) for v in (self.low, self.high, value))
        return self.begin + (at - low) / (high - low) * (self.end - self.begin)


def _scale(values: np.ndarray, begin: float, end: float, log: bool) -> _Scale:
    """Return the scale that the finite values fill, with some room where they are all the same."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = (low / 2, high * 2) if log else (low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2)
    return _Scale(low, high, begin, end, log)


def _ticks(scale: _Scale) -> list[float]:
    """Return round values within a scale."""
    if scale.log:
        powers = range(int(np.floor(np.log10(scale.low))), int(np.ceil(np.log10(scale.high))) + 1)
        for digits in ((1,), (1, 3), (1, 2, 5)):
            found = [d * 10.0**power for power in powers for d in digits if scale.low <= d * 10.0**power <= scale.high]
            if len(found) > 2:
                return found[:: 1 + (len(found) - 1) // MOST_TICKS]
    span = scale.high - scale.low
    unit = 10.0 ** np.floor(np.log10(span / MOST_TICKS))
    step = next(k * unit for k in (1, 2, 5, 10, 20) if span / (k * unit) <= MOST_TICKS)
    first = int(np.ceil(scale.low / step - 1e-9))
    return [k * step for k in range(first, int(np.floor(scale.high / step + 1e-9)) + 1)]


def drawable(values: np.ndarray) -> np.ndarray:
    """Return NaN, a gap, for what is too large for arithmetic with pixels, and 0 for what is too small."""
    large, small = ~(np.abs(values) < EXTREME), np.abs(values) < 1 / EXTREME
    return np.where(large, np.nan, np.where(small, 0.0, values))


def _chart(title: str, epoch: np.ndarray, curves: dict[str, np.ndarray]) -> str:
    """Return curves over the epochs as SVG, or nothing where no value is finite."""
    curves = {label: drawable(values) for label, values in curves.items()}
    finite = np.concatenate([values[np.isfinite(values)] for values in curves.values()] or [np.empty(0)])
    if not len(finite):
        return ""
    across = _scale(epoch, LEFT, WIDTH - RIGHT, False)
    up = _scale(finite, HEIGHT - BOTTOM, TOP, _drawing.scale(finite) == "log")
    parts = [_grid(across, up, "epoch")]
    pairs = list(zip(curves.items(), _drawing.STYLES, strict=False))
    parts += [
        _curve(label, epoch, values, across, up, style.color, k) for k, ((label, values), style) in enumerate(pairs)
    ]
    told = "; ".join(
        f"{label} {_from_to(values[np.isfinite(values)])}"
        for label, values in curves.items()
        if np.isfinite(values).any()
    )
    names = " ".join(_name(label, style.color, k) for k, ((label, _), style) in enumerate(pairs))
    caption = f"<b>{escape(title)}</b>" + (f" &nbsp; {names}" if len(pairs) > 1 else "")
    return (
        f'<figure style="margin:0;max-width:100%"><figcaption>{caption}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" style="max-width:100%;height:auto" role="img" '
        f'aria-label="{escape(f"{title} over the epochs: {told}")}" fill="none">{"".join(parts)}</svg></figure>'
    )


def _name(label: str, colour: str, k: int) -> str:
    """Return the entry of a curve in the legend."""
    line = f'<span style="color:{colour}" aria-hidden="true">{"- -" if k else "━━"}</span>'
    return f'<span style="white-space:nowrap">{line} {escape(label)}</span>'


def _grid(across: _Scale, up: _Scale, label: str) -> str:
    lines, words = [], []
    for value in _ticks(up):
        y = float(up(value))
        lines.append(f"M{LEFT} {y:.1f}H{WIDTH - RIGHT}")
        words.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>')
    for value in _ticks(across):
        if value == int(value):
            x = float(across(value))
            lines.append(f"M{x:.1f} {TOP}V{HEIGHT - BOTTOM}")
            words.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{value:g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    words.append(f'<text x="{middle}" y="{HEIGHT - 4}" text-anchor="middle">{label}</text>')
    return (
        f'<path d="{"".join(lines)}" stroke="currentColor" stroke-opacity=".15"/>'
        f'<g fill="currentColor" fill-opacity=".8" font-size="11">{"".join(words)}</g>'
    )


def _curve(label: str, epoch: np.ndarray, values: np.ndarray, across: _Scale, up: _Scale, colour: str, k: int) -> str:
    """Return one curve, broken where a value is not finite; the first is solid, the second dashed, told apart without colour too."""
    every = 1 + (len(values) - 1) // MOST_POINTS
    chosen = np.unique(np.append(np.arange(0, len(values), every), len(values) - 1))
    known = [each for each in chosen if np.isfinite(values[each])]
    places = {each: (float(across(epoch[each])), float(up(values[each]))) for each in known}
    path, drawing = "", False
    for each in chosen:
        if each in places:
            path += f"{'L' if drawing else 'M'}{places[each][0]:.1f} {places[each][1]:.1f}"
        drawing = each in places
    dash = ' stroke-dasharray="5 3"' if k else ""
    line = f'<path d="{path}" stroke="{colour}" stroke-width="2" stroke-linejoin="round"{dash}/>'
    if len(values) > MOST_MARKS:
        return line
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{escape(label)}, epoch {epoch[each]:g}: {values[each]:.5g}</title></circle>'
        for each, (x, y) in places.items()
    )
    return f'{line}<g fill="{colour}">{marks}</g>'
