"""The picture of ``python -m bench.self_tuning --plots docs``."""

from pathlib import Path

import numpy as np

from fastgd import _drawing as drawing

BY_HAND = 3  # the first curves are those by hand
BEST = 3  # so many of the others get a colour, and the two worst that did not diverge; the rest is grey


def plot(found: list[tuple[str, dict[str, list]]], path: Path) -> None:
    """Draw the curves of each problem: black by hand, in colour the three best and the two worst of the others, the rest in grey."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(17.0, 4.8 * ((len(found) + 1) // 2)), layout="constrained")
    panels = figure.subplots(-(-len(found) // 2), 2, squeeze=False).ravel()
    for ax, (title, curves) in zip(panels, found, strict=False):
        _panel(ax, title, curves)
    for ax in panels[len(found) :]:
        ax.remove()
    figure.savefig(path, dpi=80)


def _panel(ax, title: str, curves: dict[str, list]) -> None:
    names = list(curves)
    worst = next(iter(curves.values()))[0][1]
    stayed = [name for name in names[BY_HAND:] if np.isfinite(curves[name][-1][1]) and curves[name][-1][1] <= worst]
    coloured = dict.fromkeys([*stayed[:BEST], *stayed[-2:]])
    for name in stayed:
        if name not in coloured:
            ax.plot(*np.transpose(curves[name]), color="0.75", lw=1.5, zorder=1)
    for name, dashes in zip(names[:BY_HAND], ("-", (0, (5, 1.5)), (0, (1, 1))), strict=True):
        points = [(t, value) for t, value in curves[name] if np.isfinite(value)]
        ax.plot(*np.transpose(points), color=drawing.BLACK, lw=drawing.LINE, ls=dashes, label=name, zorder=2)
    for name, style in zip(coloured, drawing.STYLES, strict=False):
        label = f"{name} (worst)" if name == stayed[-1] else name
        look = {"color": style.color, "ls": style.linestyle, "marker": style.marker, "ms": drawing.MARKER}
        ax.plot(*np.transpose(curves[name]), lw=drawing.LINE, label=label, zorder=3, **look)
    lost = len(names) - BY_HAND - len(stayed)
    text = f"{title}; grey: the others" + (f"; {lost} diverged" if lost else "")
    drawing.finish(ax, text, "step", "loss above the least", yscale="log", ylim=(None, 2 * worst))
    ax.legend(fontsize=drawing.SMALL, loc="upper left", bbox_to_anchor=(1.0, 1.03), frameon=False)
