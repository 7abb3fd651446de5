"""What all pictures share: axes to draw on, colours that the colour-blind can tell apart, and sizes that a projector carries.

matplotlib is imported on first use, and its settings are left alone: whatever a picture wants, it asks for by argument.
"""

from itertools import chain
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np

# M. Okabe and K. Ito, Color Universal Design, 2008
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, BLACK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000"
LINE, MARKER = 2.5, 7.0  # points
SMALL, MEDIUM, LARGE = 11, 12, 13  # points, of ticks and legends, of labels, of titles
TITLE = 72  # characters, of a line
SIZE = (8.0, 4.8)  # inches, of a picture with one pair of axes
WIDE = 10.0  # a range of values from this factor on is drawn on a logarithmic axis


class Style(NamedTuple):
    """How one of several curves looks: told apart by colour, and without colour by its dashes and its marker."""

    color: str
    linestyle: Any
    marker: str


STYLES = (
    Style(BLUE, "-", "o"),
    Style(VERMILLION, (0, (5, 1.5)), "s"),
    Style(GREEN, (0, (1, 1)), "^"),
    Style(PURPLE, (0, (5, 1, 1, 1)), "D"),
    Style(ORANGE, (0, (3, 1, 1, 1, 1, 1)), "v"),
    Style(BLACK, (0, (8, 2)), "P"),
)


def pyplot(owner: str) -> Any:
    """Return matplotlib.pyplot, or raise the error that says how to install it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError(f"{owner} needs matplotlib: pip install fastgd[plot]") from None
    return plt


def axes(ax: Any, owner: str) -> Any:
    """Return `ax`, or the axes of a new figure of pyplot's, which shows it in notebooks and by ``plt.show()``."""
    return pyplot(owner).subplots(figsize=SIZE, layout="constrained")[1] if ax is None else ax


def finish(ax: Any, title: str, xlabel: str, ylabel: str, *, characters: int = TITLE, **properties: Any) -> None:
    """Set the texts of axes and their sizes, the title in lines of so many characters, and other properties such as ``xscale``."""
    ax.set(**properties)
    for axis in (ax.xaxis, ax.yaxis):
        if axis.get_scale() == "log":
            _label_plainly(axis)
    ax.set_title(fill(title, characters), loc="left", fontsize=LARGE)
    ax.set_xlabel(xlabel, fontsize=MEDIUM)
    ax.set_ylabel(ylabel, fontsize=MEDIUM)
    ax.tick_params(which="both", labelsize=SMALL)


def _label_plainly(axis: Any) -> None:
    """Write 0.02 on a logarithmic axis instead of 2 x 10 to the -2, where that is short."""
    from matplotlib.ticker import LogFormatterSciNotation

    class Plain(LogFormatterSciNotation):
        def __call__(self, x: float, pos: Any = None) -> str:
            text = super().__call__(x, pos)
            return f"{x:g}" if text and 1e-3 <= x < 1e5 else text

    axis.set_major_formatter(Plain())
    axis.set_minor_formatter(Plain(labelOnlyBase=False))


def whole_numbers(ax: Any) -> None:
    """Put the ticks of the horizontal axis at whole numbers, few enough for numbers of six digits."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))


def legend(ax: Any, *others: Any) -> None:
    """Put one legend for axes and their twins to the right of them, where it covers no data."""
    entries = [each.get_legend_handles_labels() for each in (ax, *others)]
    handles, labels = (list(chain(*part)) for part in zip(*entries, strict=True))
    from matplotlib.transforms import ScaledTranslation

    room = 65 if others else 8  # points: a twin has its ticks and its label there
    aside = ax.transAxes + ScaledTranslation(room / 72, 0, ax.figure.dpi_scale_trans)
    place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "bbox_transform": aside, "borderaxespad": 0}
    ax.legend(handles, labels, fontsize=SMALL, frameon=False, **place)


def scale(*values: Any) -> str:
    """Return "log" for positive values of several orders of magnitude, else "linear"."""
    finite = np.concatenate([np.ravel(v) for v in values])
    finite = finite[np.isfinite(finite)]
    return "log" if finite.size and finite.min() > 0 and finite.max() > WIDE * finite.min() else "linear"
