"""What `fastgd demo` runs: two models, six optimizers, two schedules, beside scikit-learn; a table and a picture.

The models and their gradients are in `fastgd.examples.models`; here are the choices (rates, epochs, batch sizes) and
how the results are shown.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

import fastgd
from fastgd.datasets import Dataset
from fastgd.examples import models

OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "GD": fastgd.SGD,  # the same rule as SGD: its batch is the whole training set
    "SGD": fastgd.SGD,
    "momentum": lambda lr: fastgd.SGD(lr, momentum=0.9),
    "AdaGrad": fastgd.Adagrad,
    "RMSProp": fastgd.RMSprop,
    "Adam": fastgd.Adam,
}
MODELS = ("softmax", "MLP")
N_HIDDEN = 32


class Plan(NamedTuple):
    """How a data set is trained on, so that the demo stays within a minute (Fashion-MNIST) or seconds (digits)."""

    epochs: int
    batch_size: int
    lbfgs_iterations: int
    rates: dict[str, tuple[float, float]]  # the starting rates, for the softmax regression and for the MLP


# The rates were found by a coarse search, on the large side, as one would choose them for a rate that decays: what a
# constant rate then does is part of the lesson.
PLANS = {
    "Fashion-MNIST": Plan(
        epochs=5,
        batch_size=128,
        lbfgs_iterations=25,
        rates={
            "GD": (0.1, 0.1),
            "SGD": (0.3, 0.3),
            "momentum": (0.1, 0.1),
            "AdaGrad": (0.1, 0.1),
            "RMSProp": (0.01, 0.003),
            "Adam": (0.01, 0.01),
        },
    ),
    "digits": Plan(
        epochs=25,
        batch_size=64,
        lbfgs_iterations=100,
        rates={
            "GD": (3.0, 1.0),
            "SGD": (2.0, 1.0),
            "momentum": (0.4, 0.3),
            "AdaGrad": (0.4, 0.2),
            "RMSProp": (0.05, 0.03),
            "Adam": (0.05, 0.05),
        },
    ),
}


class Training(NamedTuple):
    """One row of the table; `curve` is a list of (epoch, training loss), empty where scikit-learn does not tell it."""

    model: str
    trainer: str
    rate: str
    epochs: int
    steps: int
    loss: float
    accuracy: float
    seconds: float
    curve: list[tuple[float, float]]


class Report(NamedTuple):
    """All results of a demo run and what they were measured on."""

    dataset: str
    n_train: int
    n_test: int
    n_features: int
    n_classes: int
    epochs: int
    batch_size: int
    seed: int
    seconds: float
    trainings: list[Training]


class Ticker:
    """Progress on stderr: a bar on a terminal, else one plain line for each finished training."""

    def __init__(self, console: Console, total: int):
        self.console = console
        columns = TextColumn("{task.description:<34}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
        self.bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.task = self.bar.add_task("", total=total)

    def begin(self, text: str) -> None:
        self.bar.update(self.task, description=text)

    def advance(self, epochs: int = 1) -> None:
        self.bar.advance(self.task, epochs)

    def end(self, training: Training) -> None:
        if not self.console.is_terminal:
            t = training
            line = f"{t.model} {t.trainer} {t.rate}: loss {t.loss:.4f}, accuracy {t.accuracy:.4f}, {t.seconds:.2f} s"
            self.console.print(line, highlight=False, soft_wrap=True)


def run(data: Dataset, epochs: int | None, seed: int, console: Console) -> Report:
    """Train everything on `data`; `epochs` None means as many as fit into the promised time."""
    from threadpoolctl import threadpool_limits

    began = time.perf_counter()
    plan = PLANS[data.name]
    plan = plan._replace(epochs=epochs or plan.epochs)
    peers = _peers(plan, seed)
    ticker = Ticker(console, total=plan.epochs * (len(MODELS) * len(OPTIMIZERS) * 2 + len(peers)))
    trainings = []
    # One BLAS thread: with products this small a second one gains a tenth on an idle machine and costs a factor of five
    # on a busy one.
    with threadpool_limits(1, user_api="blas"), ticker.bar:
        for model in MODELS:
            for trainer in OPTIMIZERS:
                for decaying in (False, True):
                    ticker.begin(f"{model}, {trainer}, {'decaying' if decaying else 'constant'} rate")
                    trainings.append(_ours(data, plan, seed, model, trainer, decaying, ticker.advance))
                    ticker.end(trainings[-1])
            for peer in peers:
                if peer.model == model:
                    ticker.begin(f"{model}, {peer.trainer}")
                    trainings.append(_theirs(data, plan, peer, ticker.advance))
                    ticker.end(trainings[-1])
    n_train, n_features = data.X_train.shape
    seconds = time.perf_counter() - began
    sizes = n_train, len(data.y_test), n_features, data.n_classes
    return Report(data.name, *sizes, plan.epochs, plan.batch_size, seed, seconds, trainings)


def _ours(
    data: Dataset, plan: Plan, seed: int, model_name: str, trainer: str, decaying: bool, advance: Callable[..., None]
) -> Training:
    """Train one model with one optimizer of fastgd."""
    n, n_features = data.X_train.shape
    if model_name == "softmax":
        model = models.SoftmaxRegression(n_features, data.n_classes)
    else:
        model = models.ReLUNetwork(n_features, N_HIDDEN, data.n_classes)
    batch_size = n if trainer == "GD" else plan.batch_size
    steps_per_epoch = -(-n // batch_size)
    steps = plan.epochs * steps_per_epoch
    rate = plan.rates[trainer][MODELS.index(model_name)]
    optimizer = OPTIMIZERS[trainer](lr=fastgd.schedules.linear(rate, steps) if decaying else rate)

    rng = np.random.default_rng(seed)
    params = model.init(rng)
    state = optimizer.init(params)
    losses, seconds = [], 0.0
    for _ in range(plan.epochs):
        began = time.perf_counter()
        order = rng.permutation(n)
        for start in range(0, n, batch_size):
            rows = order[start : start + batch_size] if batch_size < n else slice(None)
            loss, grads = model.loss_and_gradient(params, data.X_train[rows], data.y_train[rows])
            state.step(grads)
            losses.append(loss)
        seconds += time.perf_counter() - began
        advance()

    loss, _ = models.cross_entropy(model.scores(params, data.X_train), data.y_train)
    accuracy = float((model.predict(params, data.X_test) == data.y_test).mean())
    curve = [*_averaged(losses, steps_per_epoch), (float(plan.epochs), loss)]
    rate_text = f"{rate:g} to 0" if decaying else f"{rate:g}"
    return Training(model_name, trainer, rate_text, plan.epochs, steps, loss, accuracy, seconds, curve)


def _averaged(losses: list[float], steps_per_epoch: int, points: int = 50) -> list[tuple[float, float]]:
    """Return at most `points` pairs (epoch, mean of that stretch of losses)."""
    windows = np.array_split(np.arange(len(losses)), min(points, len(losses)))
    values = np.asarray(losses)
    return [(float(w.mean()) / steps_per_epoch, float(values[w].mean())) for w in windows]


class Peer(NamedTuple):
    """A scikit-learn estimator, trained epoch by epoch, or by one call of `fit` where `rows_per_step` is 0."""

    model: str
    trainer: str
    rate: str
    estimator: Any
    rows_per_step: int


def _peers(plan: Plan, seed: int) -> list[Peer]:
    """Return scikit-learn's estimators for the same two models, with our batch size and rates where they have one."""
    from sklearn.linear_model import LogisticRegression, SGDClassifier
    from sklearn.neural_network import MLPClassifier

    # A generator, not a number: from a number `partial_fit` would shuffle every epoch alike.
    rng = np.random.RandomState(seed)

    def mlp(solver: str, trainer: str) -> Peer:
        rate = plan.rates[trainer][MODELS.index("MLP")]
        estimator = MLPClassifier(
            (N_HIDDEN,),
            solver=solver,
            batch_size=plan.batch_size,
            learning_rate_init=rate,
            nesterovs_momentum=False,
            random_state=rng,
        )
        return Peer("MLP", f"sklearn MLPClassifier {solver}", f"{rate:g}", estimator, plan.batch_size)

    return [
        Peer("softmax", "sklearn SGDClassifier", "optimal", SGDClassifier(loss="log_loss", random_state=rng), 1),
        Peer("softmax", "sklearn LogisticRegression", "lbfgs", LogisticRegression(max_iter=plan.lbfgs_iterations), 0),
        mlp("sgd", "momentum"),
        mlp("adam", "Adam"),
    ]


def _theirs(data: Dataset, plan: Plan, peer: Peer, advance: Callable[..., None]) -> Training:
    """Train one scikit-learn estimator."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import log_loss

    X, y = data.X_train, data.y_train
    classes = np.arange(data.n_classes)
    epochs, seconds = plan.epochs, 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a fixed number of passes is the point here
        if peer.rows_per_step:
            for _ in range(epochs):
                began = time.perf_counter()
                peer.estimator.partial_fit(X, y, classes=classes)
                seconds += time.perf_counter() - began
                advance()
            steps = epochs * -(-len(y) // peer.rows_per_step)
        else:
            began = time.perf_counter()
            peer.estimator.fit(X, y)
            seconds = time.perf_counter() - began
            advance(epochs)
            epochs = steps = int(peer.estimator.n_iter_[0])
    loss = float(log_loss(y, peer.estimator.predict_proba(X), labels=classes))
    accuracy = float(peer.estimator.score(data.X_test, data.y_test))
    return Training(peer.model, peer.trainer, peer.rate, epochs, steps, loss, accuracy, seconds, [])


def table(report: Report) -> Table:
    """Return the results as a table of at most 80 columns."""
    r = report
    result = Table(
        title=f"{r.dataset}: {r.n_train:,} rows to train on, {r.n_test:,} to test on, {r.n_features} features",
        caption=CAPTION.format(r.batch_size),
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=0,
        show_edge=False,
    )
    result.add_column("trained with", min_width=28)
    for header in ("rate", "epochs", "steps", "train\nloss", "test\naccuracy", "seconds"):
        result.add_column(header, justify="right", no_wrap=True)
    for model in MODELS:
        group = [t for t in r.trainings if t.model == model]
        best = max(t.accuracy for t in group)
        result.add_row(_title(r, model), style="bold")
        for t in group:
            accuracy = f"[bold green]{t.accuracy:.4f}[/]" if t.accuracy == best else f"{t.accuracy:.4f}"
            numbers = str(t.epochs), str(t.steps), f"{t.loss:.4f}", accuracy, f"{t.seconds:.2f}"
            result.add_row(f"  {t.trainer}", t.rate, *numbers)
        result.add_section()
    return result


CAPTION = (
    "rate: 'to 0' falls linearly to zero, else constant. epoch: one pass over the training rows, in one step (GD), in "
    "steps of {} rows, or of one row (SGDClassifier, one model per class); for LogisticRegression an iteration of "
    "lbfgs. seconds: training alone, with one BLAS thread."
)


def _title(report: Report, model: str) -> str:
    if model == "softmax":
        return "softmax regression"
    return f"MLP {report.n_features}-{N_HIDDEN}-{report.n_classes}, ReLU"


def as_dict(report: Report) -> dict[str, Any]:
    """Return the report as nested dicts and lists, ready for JSON."""
    return {**report._asdict(), "trainings": [t._asdict() for t in report.trainings]}


LEAST = 1e-6  # drawn in place of anything below: after many epochs a float32 loss is exactly 0, which no log axis shows
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#C8C8C8"  # Okabe and Ito's palette, told apart by colour-blind readers


def picture(report: Report, path: Path) -> None:
    """Draw the training loss of every optimizer, constant against decaying rate, into a PNG file.

    One panel per model and optimizer; the other optimizers' curves lie behind it in grey.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(MODELS), len(OPTIMIZERS), sharex=True, sharey="row")
    for model, row in zip(MODELS, axes, strict=True):
        group = [t for t in report.trainings if t.model == model]
        reference = min((t for t in group if not t.curve), key=lambda t: t.loss)
        for trainer, ax in zip(OPTIMIZERS, row, strict=True):
            _panel(ax, trainer, group, reference)
        row[0].set_ylabel(f"{_title(report, model)}\ntraining loss", fontsize=12)
    figure.supxlabel("epoch (pass over the training rows)", fontsize=12)
    figure.suptitle(f"{report.dataset}: constant against decaying learning rate", x=0.01, ha="left", fontsize=15)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), fontsize=12, frameon=False)
    figure.savefig(path, dpi=110)


def _panel(ax: Any, trainer: str, group: list[Training], reference: Training) -> None:
    """Draw one optimizer's two curves in front of all the others'."""
    from matplotlib.ticker import LogLocator, NullLocator

    for t in group:
        if t.trainer != trainer and t.curve:
            ax.plot(*_drawn(t.curve), color=GREY, linewidth=0.8, zorder=1)
    pair = [t for t in group if t.trainer == trainer]
    looks = ("constant rate", BLUE, "-", "left", 0), ("rate decaying to 0", ORANGE, (0, (4, 1)), "right", 1)
    for t, (label, color, style, side, x) in zip(pair, looks, strict=True):
        ax.plot(*_drawn(t.curve), color=color, linewidth=2.2, linestyle=style, zorder=3, label=label)
        ax.plot(*_drawn(t.curve[-1:]), "o", color=color, markersize=5, zorder=4, clip_on=False)
        ax.text(x, 1.02, f"test {t.accuracy:.1%}", color=color, ha=side, fontsize=11, transform=ax.transAxes)
    ax.axhline(
        max(reference.loss, LEAST), color="black", linewidth=1.2, linestyle=":", zorder=2, label="scikit-learn's lowest"
    )
    ax.set_title(f"{trainer}, rate {pair[0].rate}", fontsize=13, pad=20)
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 4) if high < 1000 * low else (1,)))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter("{x:g}")
    ax.grid(axis="y", color="#EEEEEE", zorder=0)
    ax.spines[["top", "right"]].set_visible(False)


def _drawn(curve: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [epoch for epoch, _ in curve], [max(loss, LEAST) for _, loss in curve]
