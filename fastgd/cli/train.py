"""`fastgd train`, `predict` and `eval`."""

import math
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from fastgd.cli._common import FILE, OUTPUT, common, plain, print_json, writable
from fastgd.cli._config import configurable
from fastgd.cli._models import model_options
from fastgd.cli._reading import data_options


@click.command()
@configurable
@click.argument("data", type=FILE)
@data_options
@model_options
@click.option(
    "--learning-rate",
    "--lr",
    default="auto",
    show_default=True,
    help="auto, a number, a name, or a schedule's expression.",
)
@click.option("--validation", metavar="FILE|SHARE", help="Rows to validate on: a file, or a share of DATA such as 10%.")
@click.option(
    "-o", "--out", type=OUTPUT, default="model.safetensors", show_default=True, help="Where to save the model."
)
@click.option("--report", "page", type=OUTPUT, help="Write an HTML report there.")
@click.option(
    "--log", type=OUTPUT, help="Write the run there, a line of JSON per epoch; `fastgd report --serve` shows it live."
)
@click.option("--quiet", is_flag=True, help="No line per epoch, no progress of training.")
@common
def train(
    as_json: bool,
    data: Path,
    task: str,
    learning_rate: str,
    validation: str | None,
    out: Path,
    page: Path | None,
    log: Path | None,
    quiet: bool,
    **flags: Any,
) -> None:
    """Train a model on DATA and save it.

    DATA is libsvm text (also .gz, .bz2, .zst), a cache of it (.fgd), a table (.csv, .tsv, .parquet, .feather; --target names the column to
    predict), or a .npz file with X and y. Exit code 3: the training diverged.
    """
    writable(out, "--out", (".safetensors",))
    for path, option, endings in ((page, "--report", (".html",)), (log, "--log", (".jsonl",))):
        if path is not None:
            writable(path, option, endings)
    share = _share(validation)
    import numpy as np

    from fastgd import report
    from fastgd.cli import _models, _progress, _reading

    began = time.perf_counter()
    reading, flags = _reading.split(flags)
    rows = _reading.with_targets(data, **reading)
    classification = _reading.is_classification(rows.y, task)
    model = _models.build(
        classification, len(np.unique(rows.y)) if classification else 0, learning_rate=learning_rate, **flags
    )
    if share is not None:
        rows, other = _reading.parted(rows, share, flags["seed"], classification)
    elif validation is not None:
        other = _reading.like(rows, _reading.with_targets(Path(validation), **_reading.going_on(reading, rows.base)))
    held_out = {} if validation is None else {"X_val": other.X, "y_val": other.y}
    read_in = time.perf_counter() - began
    facts = {
        "file": str(data),
        "rows": rows.X.shape[0],
        "features": rows.X.shape[1],
        "non_zeros": int(getattr(rows.X, "nnz", rows.X.size)),
    }
    recorder = report.RunLog(log, name=data.stem, data=facts, parameters=plain(model.get_params()), command=_command())
    callbacks: list[Any] = [recorder]
    with nullcontext() if quiet else _progress.Epochs(model.max_iter, model.max_time, lines=not as_json) as shown:
        model.fit(rows.X, rows.y, **held_out, callbacks=[*callbacks, *([] if shown is None else [shown])])
    score = float(model.score(held_out.get("X_val", rows.X), held_out.get("y_val", rows.y)))
    run = recorder.finish(model, score=score, scored_on="validation data" if held_out else "training data")
    _save(model, out, rows)
    if page is not None:
        report.write([run], page)
    result = {
        "model": type(model).__name__,
        "saved": str(out),
        "report": None if page is None else str(page),
        "learning_rate": run.header.get("learning_rate"),
        "epochs": int(model.n_iter_),
        "stop_reason": model.stop_reason_,
        "loss": float(np.mean(model.history_["loss"][-1])),
        "score": score,
        "scored_on": run.header["scored_on"],
        "seconds_reading": read_in,
        "seconds": time.perf_counter() - began,
    }
    if as_json:
        print_json(result)
        return
    rate = "" if result["learning_rate"] is None else f", learning rate {result['learning_rate']:.4g}"
    measure = "accuracy" if classification else "R2"
    click.echo(
        f"{result['model']}: {measure} {score:.4f} on the {result['scored_on']}, loss {result['loss']:.5g}{rate}, "
        f"{result['epochs']} epochs ({result['stop_reason']}), {result['seconds']:.1f} s."
    )
    click.echo(f"Saved {out}." + ("" if page is None else f" Report: {page}."))


def _share(validation: str | None) -> float | None:
    """Return the share that "10%" is, None for the name of a file, which must be there."""
    if validation is None:
        return None
    if os.path.exists(validation):
        return None
    try:
        share = float(validation[:-1]) / 100 if validation.endswith("%") else math.nan
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        raise click.BadParameter(
            f"a file that exists, or a share such as 10%; got {validation!r}.", param_hint="'--validation'"
        )
    return share


def _command() -> str:
    """Return the command line, to be repeated."""
    import shlex

    return shlex.join(["fastgd", *sys.argv[1:]])


def _save(model: Any, path: Path, rows: Any) -> None:
    """Save a model, the names of its columns, and where the indices of its libsvm text began."""
    import fastgd

    for name, value in (("column_names_", rows.names), ("first_index_", rows.base)):
        if value is not None:
            setattr(model, name, value)
    fastgd.save_model(path, model)


def _load(path: Path) -> Any:
    import fastgd

    return fastgd.load_model(path)


def _rows_for(model: Any, data: Path, targets: bool = False, **reading: Any) -> tuple[Any, Any]:
    """Return X, with the model's columns, and y."""
    from fastgd.cli import _reading

    read = _reading.with_targets if targets else _reading.read
    rows = read(data, **_reading.going_on(reading, getattr(model, "first_index_", None)))
    return _reading.aligned(rows, getattr(model, "column_names_", None), model.n_features_in_), rows.y


@click.command()
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@data_options
@click.option("--probabilities", is_flag=True, help="A column for each class, after a line with their names.")
@click.option("-o", "--out", type=OUTPUT, help="Write there instead of to the standard output.")
@common
def predict(
    as_json: bool,
    model: Path,
    data: Path,
    probabilities: bool,
    out: Path | None,
    **reading: Any,
) -> None:
    """Print the prediction of MODEL for each row of DATA, a line each."""
    if out is not None:
        writable(out, "--out")
    estimator = _load(model)
    X, _ = _rows_for(estimator, data, **reading)
    if probabilities and not hasattr(estimator, "predict_proba"):
        raise click.UsageError(f"{type(estimator).__name__} with loss={estimator.loss!r} has no probabilities.")
    found = estimator.predict_proba(X) if probabilities else estimator.predict(X)
    if as_json:
        print_json({"classes": estimator.classes_ if probabilities else None, "predictions": found})
        return
    lines = (
        [",".join(f"{value:.6g}" for value in row) for row in found]
        if probabilities
        else [str(each) for each in found.tolist()]
    )
    if probabilities:
        lines.insert(0, ",".join(map(str, estimator.classes_.tolist())))
    text = "\n".join(lines) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text)


@click.command("eval")
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@data_options
@common
def evaluate(as_json: bool, model: Path, data: Path, **reading: Any) -> None:
    """Print how well MODEL predicts the targets of DATA."""
    from sklearn import metrics
    from sklearn.base import is_classifier

    estimator = _load(model)
    X, y = _rows_for(estimator, data, targets=True, **reading)
    found = estimator.predict(X)
    if is_classifier(estimator):
        result = {
            "rows": len(y),
            "accuracy": metrics.accuracy_score(y, found),
            "balanced_accuracy": metrics.balanced_accuracy_score(y, found),
        }
        if hasattr(estimator, "predict_proba"):
            result["log_loss"] = metrics.log_loss(y, estimator.predict_proba(X), labels=estimator.classes_)
    else:
        result = {
            "rows": len(y),
            "r2": metrics.r2_score(y, found),
            "rmse": metrics.root_mean_squared_error(y, found),
            "mae": metrics.mean_absolute_error(y, found),
        }
    if as_json:
        print_json(result)
    else:
        for name, value in result.items():
            click.echo(
                f"{name.replace('_', ' '):<18}{value:,}"
                if name == "rows"
                else f"{name.replace('_', ' '):<18}{value:.6g}"
            )
