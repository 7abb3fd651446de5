"""Every picture that fastgd draws of learning rates, as one file each:

    python -m fastgd.examples.learning_rate_pictures FOLDER

>>> import matplotlib
>>> matplotlib.use("agg")
>>> from fastgd.examples import learning_rate_pictures
>>> sorted(learning_rate_pictures.PICTURES)[:3]
['beale', 'finder', 'gradient-health']
"""

import sys
from pathlib import Path

import numpy as np

import fastgd
from fastgd import plot
from fastgd.linear_model import SGDClassifier

SCHEDULES = {
    "constant": "constant",
    "linear to 0": "linear(100%)",
    "cosine to 0": "cosine(100%)",
    "warm-up, cosine": "warmup(5%) >> cosine(95%)",
    "one cycle": "one_cycle(100%)",
    "1 / sqrt(t)": "inverse_sqrt(1, 10%)",
}
OPTIMIZERS = {
    "rosenbrock": {
        "SGD 0.001": fastgd.SGD(lr=1e-3),
        "momentum 0.9": fastgd.SGD(lr=5e-4, momentum=0.9),
        "Adam 0.1": fastgd.Adam(lr=0.1),
        "RMSprop 0.02": fastgd.RMSprop(lr=0.02),
    },
    "beale": {
        "SGD 0.01": fastgd.SGD(lr=0.01),
        "momentum 0.9": fastgd.SGD(lr=3e-3, momentum=0.9),
        "Adam 0.1": fastgd.Adam(lr=0.1),
        "Adagrad 0.5": fastgd.Adagrad(lr=0.5),
    },
    "ravine": {
        "SGD 0.037": fastgd.SGD(lr=0.037),
        "momentum 0.7": fastgd.SGD(lr=0.02, momentum=0.7),
        "Adam 0.2": fastgd.Adam(lr=0.2),
    },
    "saddle": {
        "SGD 0.1": fastgd.SGD(lr=0.1),
        "momentum 0.9": fastgd.SGD(lr=0.03, momentum=0.9),
        "Adam 0.1": fastgd.Adam(lr=0.1),
    },
}
N_STEPS = {"rosenbrock": 300, "beale": 150, "ravine": 50, "saddle": 40}


def classification(n=3000, n_features=20):
    """Return rows of two classes that overlap, float32 (n, n_features), and their classes."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, n_features), dtype=np.float32)
    score = X @ rng.standard_normal(n_features) + rng.standard_normal(n)
    return X, (score > 0).astype(np.intp)


def model(**options):
    """Return logistic regression, not fitted."""
    return SGDClassifier(loss="log_loss", random_state=0, **options)


def fitted():
    """Return logistic regression trained for 20 epochs with a warm-up and a cosine, clipped, with validation rows."""
    X, y = classification()
    rate = fastgd.schedules.parse("warmup(10%) >> cosine(0.3, 90%)")
    trained = model(learning_rate=rate, max_iter=20, tol=None, clip_norm=2.0)
    return trained.fit(X[1000:], y[1000:], X_val=X[:1000], y_val=y[:1000])


def line():
    """Return one feature and what a noisy straight line makes of it."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 2, 50)
    return x, 1 + 2 * x + 0.3 * rng.standard_normal(50)


def race(surface):
    """Draw optimizers that descend a surface."""
    return plot.TrajectoryDisplay.from_optimizers(OPTIMIZERS[surface], surface=surface, n_steps=N_STEPS[surface])


PICTURES = {
    "learning-curve": lambda: plot.LearningCurveDisplay.from_estimator(fitted()),
    "gradient-health": lambda: plot.GradientHealthDisplay.from_estimator(fitted()),
    "finder": lambda: plot.LRFinderDisplay.from_estimator(model(), *classification()),
    "sweep": lambda: plot.SweepDisplay.from_estimator(model(learning_rate=0.1), *classification(), n_epochs=6),
    "heatmap": lambda: plot.RateScheduleHeatmapDisplay.from_estimator(
        model(), *classification(), learning_rate=np.geomspace(1e-3, 10, 9), schedules=SCHEDULES, n_epochs=3
    ),
    "schedule": lambda: plot.ScheduleDisplay.from_schedule("warmup(5%) >> cosine(1e-3, 95%)", total_steps=1000),
    **{surface: lambda surface=surface: race(surface) for surface in OPTIMIZERS},
    "triptych-parabola": lambda: plot.TriptychDisplay.from_quadratic([1.0]),
    "triptych-bowl": lambda: plot.TriptychDisplay.from_quadratic([1.0, 8.0]),
    "triptych-regression": lambda: plot.TriptychDisplay.from_regression(*line()),
}


def write(folder):
    """Write every picture into a folder, one PNG file each, and return their paths."""
    import matplotlib.pyplot as plt

    Path(folder).mkdir(parents=True, exist_ok=True)
    figures = {name: lambda draw=draw: draw().figure_ for name, draw in PICTURES.items()}
    figures["schedules"] = plot.schedule_gallery
    paths = []
    for name, draw in figures.items():
        figure = draw()
        paths.append(Path(folder, f"{name}.png"))
        figure.savefig(paths[-1], dpi=100)
        plt.close(figure)
    return paths


if __name__ == "__main__":
    import matplotlib

    matplotlib.use("agg")
    print(*write(sys.argv[1] if len(sys.argv) > 1 else "pictures"), sep="\n")
