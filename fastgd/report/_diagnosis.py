"""What a history says, in plain words, and what to do about it."""

import numpy as np

from fastgd.report._runs import Run

STILL_FALLING = 0.01  # of the loss, over the last tenth of the epochs
OVERFIT = 0.02  # of the validation loss, above its lowest value


def diagnose(run: Run) -> list[str]:
    """Return sentences about one run, the most important first."""
    history = run.history()
    if not run.epochs or "loss" not in history:
        return []
    found = [_end(run), _fall(history["loss"]), _validation(history), _rises(history)]
    return [sentence for sentence in found if sentence]


def _end(run: Run) -> str:
    reasons = {
        "tol": "Training ended because the objective no longer fell by more than tol.",
        "max_iter": "Training ended because max_iter epochs were done.",
        "max_time": "Training ended because max_time was over.",
        "callback": "A callback ended the training.",
    }
    return reasons.get(str(run.header.get("stop_reason", "")), "")


def _fall(loss: np.ndarray) -> str:
    if len(loss) < 2 or not np.isfinite(loss[[0, -1]]).all() or loss[0] == 0:
        return ""
    n = len(loss)
    tail = max(1, n // 10)
    share = 1 - loss[-1] / loss[0]
    text = f"The training loss went from {loss[0]:.4g} to {loss[-1]:.4g} ({-share:+.0%}) in {n} epochs"
    late = 1 - loss[-1] / loss[-1 - tail] if loss[-1 - tail] else 0.0
    if late > STILL_FALLING:
        return f"{text} and was still falling, by {late / tail:.1%} an epoch: more epochs, or a larger learning rate, would lower it."
    return f"{text} and is flat now."


def _validation(history: dict[str, np.ndarray]) -> str:
    loss = history.get("val_loss")
    if loss is None or not np.isfinite(loss).any():
        return ""
    best = int(np.nanargmin(loss))
    rise = loss[-1] / loss[best] - 1 if loss[best] > 0 else 0.0
    if rise > OVERFIT and best < len(loss) - 1:
        return (
            f"The validation loss was lowest after epoch {best + 1} ({loss[best]:.4g}) and has risen by {rise:.0%} since: "
            "the model overfits. Stop earlier (restore_best=True), or use a stronger penalty."
        )
    return f"The validation loss is {loss[-1]:.4g}; its lowest value, after epoch {best + 1}, was {loss[best]:.4g}."


def _rises(history: dict[str, np.ndarray]) -> str:
    loss = history["loss"][np.isfinite(history["loss"])]
    rises = int((np.diff(loss) > 0).sum())
    if len(loss) < 4 or rises < 0.4 * (len(loss) - 1):
        return ""
    rate = history.get("learning_rate", np.array([np.nan]))[-1]
    known = f" ({rate:.3g})" if np.isfinite(rate) else ""
    edge = f"the learning rate{known} is at the edge. Try half of it, or a decaying schedule."
    return f"The loss rose in {rises} of {len(loss) - 1} epochs: {edge}"
