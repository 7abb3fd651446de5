"""`fastgd lr-find` and `fastgd sweep`."""

from pathlib import Path
from typing import Any

import click

from fastgd.cli._common import FILE, OUTPUT, common, print_json, writable
from fastgd.cli._config import configurable
from fastgd.cli._models import model_options
from fastgd.cli._reading import data_options

PICTURE = click.option("--picture", type=OUTPUT, help="Draw the curves there, a PNG.")


def _problem(data: Path, task: str, flags: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return an unfitted estimator, X and y."""
    import numpy as np

    from fastgd.cli import _models, _reading

    reading, flags = _reading.split(flags)
    rows = _reading.with_targets(data, **reading)
    classification = _reading.is_classification(rows.y, task)
    n_classes = len(np.unique(rows.y)) if classification else 0
    return _models.build(classification, n_classes, learning_rate="constant", **flags), rows.X, rows.y


def _draw(result: Any, picture: Path) -> None:
    """Save a result's plot."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    result.plot(ax=axes)
    figure.savefig(picture, dpi=150)
    plt.close(figure)


@click.command("lr-find")
@configurable
@click.argument("data", type=FILE)
@data_options
@model_options
@PICTURE
@common
def lr_find(
    as_json: bool,
    data: Path,
    task: str,
    picture: Path | None,
    **flags: Any,
) -> None:
    """Suggest a learning rate for DATA from a range test of five seeds at once; less than an epoch."""
    if picture is not None:
        writable(picture, "--picture", (".png",))
    import fastgd
    from fastgd.cli import _progress

    model, X, y = _problem(data, task, flags)
    with _progress.working("trying learning rates"):
        result = fastgd.lr_find(model, X, y, random_state=flags["seed"])
    if picture is not None:
        _draw(result, picture)
    if as_json:
        print_json(result.to_dict())
        return
    for name, found in result.suggestions.items():
        click.echo(f"{name:<12}{found.learning_rate:<12.4g}{found.reason}")
    edge = "nothing diverged" if result.edge is None else f"diverged at {result.edge:.4g}"
    click.echo(f"Suggested: {result.suggest():.4g} ({edge}).")


@click.command()
@configurable
@click.argument("data", type=FILE)
@data_options
@model_options
@click.option(
    "--low", type=click.FloatRange(min=0, min_open=True), default=1e-4, show_default=True, help="The smallest rate."
)
@click.option(
    "--high", type=click.FloatRange(min=0, min_open=True), default=10.0, show_default=True, help="The largest rate."
)
@click.option("--rates", type=click.IntRange(2, 256), default=16, show_default=True, help="How many rates.")
@PICTURE
@common
def sweep(
    as_json: bool,
    data: Path,
    task: str,
    low: float,
    high: float,
    rates: int,
    picture: Path | None,
    **flags: Any,
) -> None:
    """Train DATA with many learning rates in one pass, and show the loss of each after each epoch."""
    if picture is not None:
        writable(picture, "--picture", (".png",))
    if low >= high:
        raise click.BadParameter(f"--low must be below --high; got {low:g} and {high:g}.")
    import numpy as np

    import fastgd
    from fastgd.cli import _progress

    epochs = flags["epochs"] or 5
    model, X, y = _problem(data, task, flags)
    tried = np.geomspace(low, high, rates)
    with _progress.working(f"training with {rates} rates", "epoch") as progress:
        result = fastgd.sweep(
            model, X, y, learning_rate=tried, n_epochs=epochs, random_state=flags["seed"], progress=progress
        )
    if picture is not None:
        _draw(result, picture)
    if as_json:
        print_json(result.to_dict())
        return
    click.echo(f"{'learning rate':>13}  {'loss':>11}  {'val loss':>11}")
    best = result.best_learning_rate
    for rate, loss, val_loss in zip(result.learning_rate, result.loss[-1], result.val_loss[-1], strict=True):
        mark = "  <- best" if rate == best else ""
        click.echo(f"{rate:>13.4g}  {loss:>11.5g}  {val_loss:>11.5g}{mark}".replace("nan", "  -"))
    click.echo(repr(result))
