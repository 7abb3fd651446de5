"""The demo's second part: sixteen learning rates in one pass, which is best, and the rate that `fit` finds by itself."""

import time
import warnings
from pathlib import Path

from sklearn.exceptions import ConvergenceWarning

from fastgd.datasets import Dataset
from fastgd.learning_rate import SweepResult, sweep
from fastgd.linear_model import SGDClassifier
from fastgd.schedules import linear

N_EPOCHS = 2


def run(data: Dataset, seed: int) -> tuple[SweepResult, float]:
    """Sweep logistic regression, one lane per rate and class; return the result and the best lane's test accuracy."""
    decaying = SGDClassifier(loss="log_loss", alpha=1e-5, learning_rate=linear(1.0, "100%"), random_state=seed)
    result = sweep(decaying, data.X_train, data.y_train, n_epochs=N_EPOCHS)
    return result, float(result.best_estimator.score(data.X_test, data.y_test))


def run_auto(data: Dataset, seed: int) -> tuple[SGDClassifier, float, float]:
    """Train softmax regression with the rate found by the race; return it, its test accuracy and the seconds of `fit`."""
    model = SGDClassifier(
        loss="softmax", alpha=1e-5, learning_rate="auto", batch_size=32, max_iter=16, random_state=seed
    )
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # sixteen epochs are what a demo has time for
        model.fit(data.X_train, data.y_train)
    seconds = time.perf_counter() - began
    return model, float(model.score(data.X_test, data.y_test)), seconds


def auto_sentence(model: SGDClassifier, accuracy: float, seconds: float) -> str:
    """Say in words what the race found."""
    return (
        f'Softmax regression with learning_rate="auto", batches of 32, {model.n_iter_} epochs in {seconds:.2f} s: found '
        f"{model.learning_rate_:.3g}, test accuracy {accuracy:.4f}."
    )


def sentence(result: SweepResult, accuracy: float) -> str:
    """Say in words what the sweep found."""
    low, high = result.band
    band = "alone within 1 % of the best loss" if low == high else f"rates from {low:.3g} to {high:.3g} are within 1 %"
    edge = f"; from {result.edge:.3g} on, diverged or worse than untrained" if result.edge is not None else ""
    return (
        f"Logistic regression with {len(result.learning_rate)} learning rates at once, {len(result.val_loss)} passes over the "
        f"data in {result.seconds:.2f} s: best {result.best_learning_rate:.3g} ({band}{edge}), test accuracy {accuracy:.4f}."
    )


def picture(result: SweepResult, path: Path) -> None:
    """Draw validation loss against learning rate."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    ax = result.plot()
    ax.figure.savefig(path, dpi=110)
    plt.close(ax.figure)


def beside(path: Path) -> Path:
    """Return the file for the sweep's picture beside that of the curves."""
    return path.with_name(f"{path.stem}-sweep{path.suffix}")
