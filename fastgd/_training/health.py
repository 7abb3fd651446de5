"""What a history says about the gradient, in plain words: loss that rises, gradients that vanish or explode, units that are dead.

Judged when training has ended, from numbers that the kernels report anyway. The limits are wide: each is met only where training cannot
have gone as it should. Where it has hardly got anywhere, a sample of the rows says whether their columns are the reason.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

RISE = 10.0  # of the loss, above its lowest value
RISE_ANYWAY = 1e4  # the same where the rate has fallen meanwhile: then a few odd rows may be the reason
VANISHING = 1e-4  # of the norm of the last layer's gradient
GROWTH = 100.0  # of the norm of a layer's gradient, while the loss rises
WHOLE_STEP = 1.0  # a step's change relative to the weights
DEAD = 0.9  # of a layer's units
DEAD_ROWS, DEAD_BATCH = 100, 32  # rows to judge dead units by, in all and at a time: in small batches many units rest
LITTLE = 0.5  # of the loss of weights that are all 0 is left: then it is worth a look at the columns
FAR_APART = 1000.0  # sizes of two columns: no rate suits both
FAR_FROM_ZERO = 10.0  # standard deviations that a column's mean is away from zero
LARGE = 10.0  # values of a column that was not scaled
SAMPLE = 1000  # rows


class GradientHealthWarning(UserWarning):
    """Training went on, but not as it should: the message says which layer or rate, and by how much.

    At most one for each kind of trouble and call of `fit`: a loss that rises far above its lowest value or, of linear models, ends far
    above that of an untrained one, vanishing or exploding gradients, dead units, divergence that was undone, columns that leave the
    automatic rate little to choose.

    Examples
    --------
    >>> import warnings
    >>> import fastgd
    >>> from fastgd.linear_model import SGDRegressor
    >>> model = SGDRegressor(learning_rate=1.05, max_iter=9, tol=None, shuffle=False)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", fastgd.GradientHealthWarning)
    ...     model = model.fit([[1.0], [-1.5]] * 5, [1.0, 0.0] * 5)
    >>> str(caught[0].message).startswith("loss rose")
    True
    """


def warn(messages: list[str], stacklevel: int) -> None:
    """Emit each as a `GradientHealthWarning`."""
    for message in messages:
        warnings.warn(message, GradientHealthWarning, stacklevel=stacklevel)


def troubles(history: Mapping[str, np.ndarray], batch_rows: int = 1) -> list[str]:
    """Return what is wrong, one text for each kind of trouble.

    Parameters
    ----------
    history : mapping of str to ndarray
        As `fit.Outcome` has it: loss, learning_rate and step, (n_epochs,) or (n_epochs, K); of networks layer_gradient, update_ratio and
        dead_units, (n_epochs, n_layers).
    batch_rows : int
        The number of rows in the last batch of an epoch, on which layers are measured.
    """
    found = [_rise(history)]
    if "layer_gradient" in history:
        gradient = history["layer_gradient"]
        with np.errstate(all="ignore"):
            found += [
                _vanishing(gradient, history["dead_units"]),
                _exploding(gradient, history["update_ratio"], _column(history["loss"])),
                _dead(gradient, history["dead_units"], batch_rows),
            ]
    return [text for text in found if text]


def ill_conditioned(X: np.ndarray, reached: float, blank: float) -> list[str]:
    """Return what is wrong with the columns of dense rows, where a training has left much of the loss of weights that are all 0.

    The gradient of a linear model, or a first layer, is a sum of rows, so that columns of different sizes, or far from zero, need different
    rates.
    """
    if not reached > LITTLE * blank > 0:
        return []
    rows = X[:: max(1, len(X) // SAMPLE)].astype(np.float64)
    with np.errstate(all="ignore"):
        mean, spread = rows.mean(axis=0), rows.std(axis=0)
    varies = np.flatnonzero(rows.max(axis=0) > rows.min(axis=0))  # the deviation of constants may be a rounding error
    if not len(varies):
        return []
    largest, smallest = varies[spread[varies].argmax()], varies[spread[varies].argmin()]
    with np.errstate(all="ignore"):
        far = varies[(np.abs(mean[varies]) / spread[varies]).argmax()]
    if spread[largest] > FAR_APART * spread[smallest]:
        why = f"column {largest} varies {spread[largest] / spread[smallest]:.2g} times as much as column {smallest}"
    elif abs(mean[far]) > FAR_FROM_ZERO * spread[far]:
        why = f"column {far} has mean {mean[far]:.3g} and standard deviation {spread[far]:.3g}"
    else:
        return []
    return [
        f"the loss on rows held out fell from {blank:.3g} to {reached:.3g} only, and {why}: no learning rate suits such columns. "
        "Scale X, for instance with StandardScaler"
    ]


def beyond_untrained(history: Mapping[str, np.ndarray], X: Any, targets: np.ndarray) -> list[str]:
    """Return that the loss of a linear model has ended far above that of an untrained one: so far that nothing has risen since.

    A rate that is far too large has done so within the first epoch. A model of zeros loses at most ``1 + abs(y) + y**2 / 2`` by any loss.
    """
    loss = np.atleast_1d(history["loss"][-1])
    if not (loss > RISE_ANYWAY).any() or not np.isfinite(history["learning_rate"][-1]).all():
        return []  # rates that each row has its own of are not to blame
    with np.errstate(all="ignore"):
        squares = np.einsum("ij,ij->j", targets, targets, dtype=np.float64, casting="unsafe")  # takes no memory
        square = squares / len(targets)
        bound = 1 + np.sqrt(square) + square / 2
    lost = np.flatnonzero(loss > RISE_ANYWAY * bound)
    if not len(lost) or _rise(history):
        return []
    lane = lost[0]
    said = f"the loss ended at {loss[lane]:.3g}, more than {RISE_ANYWAY:g}x that of an untrained model: past the stability edge. "
    if isinstance(X, np.ndarray):
        size = np.abs(X[:: max(1, len(X) // SAMPLE)]).max(axis=0)
        if size.max() > LARGE:
            column = f"column {size.argmax()} has values of {size.max():.2g}"
            return [f"{said}Scale X, for instance with StandardScaler ({column}), or use a smaller learning rate"]
    return [f"{said}Use a smaller learning rate"]


def last_stable(losses: np.ndarray, rates: np.ndarray) -> str:
    """Return words for the rate in the epoch of the lowest loss, where that in the last epoch is larger; both (n_epochs,)."""
    with np.errstate(all="ignore"):
        known = np.where(np.isfinite(losses), losses, np.inf)
        rate = rates[known.argmin()]
        return f"last stable {rate:.2g}" if np.isfinite(known).any() and rate < 0.99 * rates[-1] else ""


def _column(values: np.ndarray, lane: int = 0) -> np.ndarray:
    return values if values.ndim == 1 else values[:, min(lane, values.shape[1] - 1)]


def _rise(history: Mapping[str, np.ndarray]) -> str:
    losses = history["loss"].reshape(len(history["loss"]), -1)
    for lane in range(losses.shape[1]):
        known = np.isfinite(losses[:, lane])
        loss, step = losses[known, lane], history["step"][known]
        rates = _column(history["learning_rate"], lane)[known]  # at the next step
        rates = np.concatenate([rates[:1], rates[:-1]])
        if len(loss) < 2 or not np.isfinite(rates).all():  # rates that each row has its own of cannot be too large
            continue
        lowest = int(loss.argmin())
        limit = RISE if rates[-1] >= 0.99 * rates[lowest] else RISE_ANYWAY
        if loss[-1] > loss[0] > 0 and loss[-1] > limit * loss[lowest]:
            times, rate = loss[-1] / loss[lowest], rates[-1]
            stable = last_stable(loss, rates) or "use a smaller one"
            n_steps = int(step[-1] - step[lowest])
            return f"loss rose {times:.3g}x in {n_steps} steps at learning rate {rate:.2g}: past the stability edge; {stable}"
    return ""


def _vanishing(gradient: np.ndarray, dead: np.ndarray) -> str:
    cut = np.maximum.accumulate(dead[:, ::-1], axis=1)[:, ::-1] == 1  # by a layer of dead units, itself or after it
    share = np.where(cut, np.inf, gradient / gradient[:, -1:])
    worst = np.nan_to_num(share, nan=np.inf).max(axis=0)
    layer = int(worst.argmin())
    if worst[layer] >= VANISHING:
        return ""
    return (
        f"layer {layer + 1}: gradient norm {gradient[-1, layer]:.1g}, vanishing ({share[-1, layer]:.1g} of the last layer's). "
        "Use fewer layers, another activation such as 'relu', or another init"
    )


def _exploding(gradient: np.ndarray, ratio: np.ndarray, loss: np.ndarray) -> str:
    grown = np.where(gradient[0] > 0, gradient[-1] / gradient[0], 0.0)
    layer = int(grown.argmax())
    if grown[layer] > GROWTH and loss[-1] > loss[0]:
        return (
            f"layer {layer + 1}: gradient norm {gradient[-1, layer]:.1g}, {grown[layer]:.2g}x that of the first epoch, exploding. "
            "Use clip_norm or a smaller learning rate"
        )
    late = ratio[len(ratio) // 2 :].min(axis=0)
    layer = int(late.argmax())
    if len(ratio) > 1 and late[layer] >= WHOLE_STEP:
        times = f"{ratio[-1, layer]:.2g}x their own norm"
        return f"layer {layer + 1}: each step changes the weights by {times}, exploding. Use a smaller learning rate"
    return ""


def _dead(gradient: np.ndarray, dead: np.ndarray, batch_rows: int) -> str:
    late = slice(len(dead) // 2, None)
    learns = (gradient[late, -1] > 0).all()  # what is learnt perfectly sends no gradient
    if batch_rows * len(dead[late]) < DEAD_ROWS or not learns:
        return ""
    share = dead[late].min(axis=0)
    layer = int(share.argmax())
    if share[layer] < (DEAD if batch_rows >= DEAD_BATCH else 1):
        return ""
    return (
        f"layer {layer + 1}: {dead[-1, layer]:.0%} of the units are dead: no row sends a gradient through them. "
        "Use a smaller learning rate, or an activation such as 'leaky_relu'"
    )
