"""Every schedule of fastgd at a glance."""

from typing import Any

import numpy as np

from fastgd import _drawing as drawing
from fastgd import schedules
from fastgd.schedules import Schedule

COLUMNS = 4
N = 100  # steps
_fall = np.exp(-np.arange(N) / 12)
LOSS = np.maximum(_fall, 0.15)  # falls, then stalls: for `plateau`
ROUGH = _fall + 0.15 * np.sin(np.arange(N) / 5) ** 2  # falls, then goes up and down: for `performance`

GALLERY: dict[str, tuple[Schedule, np.ndarray | None]] = {
    str(schedule): (schedule, loss)
    for schedule, loss in (
        (schedules.constant(0.5), None),
        (schedules.linear(1, N), None),
        (schedules.polynomial(1, N, 2), None),
        (schedules.cosine(1, N), None),
        (schedules.k_decay(1, N, 3), None),
        (schedules.rex(1, N), None),
        (schedules.tanh(1, N), None),
        (schedules.exponential(1, 0.5, 20), None),
        (schedules.geometric(1, 0.5, 20), None),
        (schedules.inverse_time(1, 20), None),
        (schedules.power(1, 20, 0.5), None),
        (schedules.inverse_sqrt(1, 10), None),
        (schedules.saturating(1, 5, 0.2), None),
        (schedules.step(1, 25, 0.5), None),
        (schedules.multistep(1, [40, 80], 0.3), None),
        (schedules.piecewise([30, 60], [0.5, 1, 0.2]), None),
        (schedules.interpolate([20, 60], [0.2, 1, 0.1]), None),
        (schedules.compounding_staircase(1, 0.95, 20), None),
        (schedules.compounding_polynomial(1, N, 1, 10), None),
        (schedules.warmup(20) >> schedules.linear(1, 80), None),
        (schedules.noam(64, 20), None),
        (schedules.wsd(1, N, 10, 30), None),
        (schedules.one_cycle(1, N), None),
        (schedules.cyclic(0.1, 1, 15), None),
        (schedules.cosine_restarts(1, 14, 2), None),
        (schedules.chebyshev(0.1, 1, 16), None),
        (schedules.random(0.01, 1, 0, 5), None),
        (schedules.random_walk(0.5, (-0.1, 0.1), 0, 0, 1), None),
        (schedules.maximum(schedules.cosine(1, 50), 0.2), None),
        (schedules.minimum(schedules.linear(1, N), 0.6), None),
        (schedules.plateau(1, 0.5, 10), LOSS),
        (schedules.performance(1, 1.05, 0.9), ROUGH),
        (schedules.bandit(1), ROUGH),
    )
}


def schedule_gallery(figure: Any = None) -> Any:
    """Draw every schedule of `fastgd.schedules`, side by side.

    Those that follow the measured loss, `plateau`, `performance` and `bandit`, are shown a made-up loss, dashed, which falls and then
    stalls or swings.

    Parameters
    ----------
    figure : matplotlib Figure, optional
        Where to draw; a new one by default.

    Returns
    -------
    matplotlib Figure
        With one pair of axes for each schedule, whose title is its text.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import fastgd
    >>> figure = fastgd.plot.schedule_gallery(Figure(figsize=(20, 20)))
    >>> figure.axes[3].get_title(loc="left")
    'cosine(100)'
    """
    rows = -(-len(GALLERY) // COLUMNS)
    if figure is None:
        figure = drawing.pyplot("schedule_gallery").figure(figsize=(4.5 * COLUMNS, 2.7 * rows), layout="constrained")
    for k, (text, (schedule, loss)) in enumerate(GALLERY.items(), 1):
        ax = figure.add_subplot(rows, COLUMNS, k)
        schedule.plot(ax, N, loss)
        if loss is not None:
            ax.plot(loss, ls="--", lw=2, color=drawing.VERMILLION, label="loss")
            ax.legend(["rate", "loss"], ncols=2, loc="upper right", fontsize=drawing.SMALL, frameon=False)
        drawing.finish(ax, text, "step" if k > COLUMNS * (rows - 1) else "", "rate" if k % COLUMNS == 1 else "")
        ax.set_ylim(0, ax.get_ylim()[1] * (1 if loss is None else 1.2))  # room for the legend
    return figure
