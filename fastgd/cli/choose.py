"""`fastgd lr-find` and `fastgd sweep`."""

from pathlib import Path
from typing import Any

import click

from fastgd.cli._common import FILE, OUTPUT, common, configurable, print_json, writable
from fastgd.cli._models import model_options
from fastgd.cli._reading import data_options

PICTURE = click.option("--picture", type=OUTPUT, help="Draw the curves there, a PNG.")


def _problem(
    data: Path, target: str | None, n_features: int | None, cache: bool, task: str, flags: dict[str, Any]
) -> tuple[Any, Any, Any]:
    """Return an unfitted estimator, X and y."""
    import numpy as np

    from fastgd.cli import _models, _reading

    rows = _reading.read(data, target=target, n_features=n_features, cache=cache)
    if rows.y is None:
        raise click.BadParameter(f"{data} has no targets; for a table name the column: --target NAME.")
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
@common
@configurable
@click.argument("data", type=FILE)
@data_options
@model_options
@PICTURE
def lr_find(
    as_json: bool,
    data: Path,
    target: str | None,
    n_features: int | None,
    cache: bool,
    task: str,
    picture: Path | None,
    **flags: Any,
) -> None:
    """Suggest a learning rate for DATA from a range test of five seeds at once; less than an epoch."""
    if picture is not None:
        writable(picture, "--picture", (".png",))
    import fastgd

    model, X, y = _problem(data, target, n_features, cache, task, flags)
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
@common
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
def sweep(
    as_json: bool,
    data: Path,
    target: str | None,
    n_features: int | None,
    cache: bool,
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

    epochs = flags["epochs"] or 5
    model, X, y = _problem(data, target, n_features, cache, task, flags)
    result = fastgd.sweep(
        model, X, y, learning_rate=np.geomspace(low, high, rates), n_epochs=epochs, random_state=flags["seed"]
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
