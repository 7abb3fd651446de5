"""`fastgd train`, `predict` and `eval`."""

import sys
import time
from pathlib import Path
from typing import Any

import click

from fastgd.cli._common import FILE, OUTPUT, common, configurable, plain, print_json, writable
from fastgd.cli._models import model_options
from fastgd.cli._reading import data_options


@click.command()
@common
@configurable
@click.argument("data", type=FILE)
@data_options
@model_options
@click.option(
    "--learning-rate", default="auto", show_default=True, help="auto, a number, a name, or a schedule's expression."
)
@click.option("--validation", type=FILE, help="Rows to validate on, instead of a part of the data.")
@click.option("--out", type=OUTPUT, default="model.safetensors", show_default=True, help="Where to save the model.")
@click.option("--report", "page", type=OUTPUT, help="Write an HTML report there.")
@click.option(
    "--log", type=OUTPUT, help="Write the run there, a line of JSON per epoch; `fastgd report --serve` shows it live."
)
@click.option("--quiet", is_flag=True, help="No line per epoch.")
def train(
    as_json: bool,
    data: Path,
    target: str | None,
    n_features: int | None,
    cache: bool,
    task: str,
    learning_rate: str,
    validation: Path | None,
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
    import numpy as np

    from fastgd import report
    from fastgd.cli import _models, _reading

    began = time.perf_counter()
    rows = _reading.read(data, target=target, n_features=n_features, cache=cache)
    if rows.y is None:
        raise click.BadParameter(f"{data} has no targets; for a table name the column: --target NAME.")
    classification = _reading.is_classification(rows.y, task)
    model = _models.build(
        classification, len(np.unique(rows.y)) if classification else 0, learning_rate=learning_rate, **flags
    )
    held_out: dict[str, Any] = {}
    if validation is not None:
        other = _reading.read(validation, target=target, n_features=rows.X.shape[1], cache=cache)
        if other.y is None:
            raise click.BadParameter(f"{validation} has no targets.", param_hint="'--validation'")
        held_out = {"X_val": _reading.aligned(other, rows.names, rows.X.shape[1]), "y_val": other.y}
    read_in = time.perf_counter() - began
    facts = {
        "file": str(data),
        "rows": rows.X.shape[0],
        "features": rows.X.shape[1],
        "non_zeros": int(getattr(rows.X, "nnz", rows.X.size)),
    }
    recorder = report.RunLog(log, name=data.stem, data=facts, parameters=plain(model.get_params()), command=_command())
    callbacks: list[Any] = [recorder]
    if not quiet and not as_json:
        callbacks.append(_Lines())
    model.fit(rows.X, rows.y, **held_out, callbacks=callbacks)
    score = float(model.score(held_out.get("X_val", rows.X), held_out.get("y_val", rows.y)))
    run = recorder.finish(model, score=score, scored_on="validation data" if held_out else "training data")
    _save(model, out, rows.names)
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


def _command() -> str:
    """Return the command line, to be repeated."""
    import shlex

    return shlex.join(["fastgd", *sys.argv[1:]])


class _Lines:
    """A line per epoch: an aligned table on a terminal and in a pipe alike."""

    COLUMNS = (
        ("epoch", "d", 5),
        ("learning_rate", ".3e", 13),
        ("loss", ".6g", 11),
        ("val_loss", ".6g", 11),
        ("val_score", ".4f", 9),
    )

    def __init__(self) -> None:
        self._names: list[tuple[str, str, int]] = []

    def __call__(self, info: Any) -> None:
        import numpy as np

        if not self._names:
            self._names = [column for column in self.COLUMNS if getattr(info, column[0], None) is not None]
            click.echo("  ".join(f"{name.replace('_', ' '):>{width}}" for name, _, width in self._names), err=True)
        values = (
            (np.nanmean(getattr(info, name)) if form != "d" else info.epoch, form, width)
            for name, form, width in self._names
        )
        click.echo("  ".join(f"{value:>{width}{form}}" for value, form, width in values), err=True)


def _save(model: Any, path: Path, names: list[str] | None) -> None:
    """Save a model, and the names of its columns."""
    import fastgd

    if names is not None:
        model.column_names_ = names
    fastgd.save_model(path, model)


def _load(path: Path) -> Any:
    import fastgd

    return fastgd.load_model(path)


def _rows_for(model: Any, data: Path, target: str | None, n_features: int | None, cache: bool) -> tuple[Any, Any]:
    """Return X, with the model's columns, and y."""
    from fastgd.cli import _reading

    rows = _reading.read(data, target=target, n_features=n_features, cache=cache)
    return _reading.aligned(rows, getattr(model, "column_names_", None), model.n_features_in_), rows.y


@click.command()
@common
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@data_options
@click.option("--probabilities", is_flag=True, help="A column for each class, after a line with their names.")
@click.option("--out", type=OUTPUT, help="Write there instead of to the standard output.")
def predict(
    as_json: bool,
    model: Path,
    data: Path,
    target: str | None,
    n_features: int | None,
    cache: bool,
    probabilities: bool,
    out: Path | None,
) -> None:
    """Print the prediction of MODEL for each row of DATA, a line each."""
    if out is not None:
        writable(out, "--out")
    estimator = _load(model)
    X, _ = _rows_for(estimator, data, target, n_features, cache)
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
@common
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@data_options
def evaluate(as_json: bool, model: Path, data: Path, target: str | None, n_features: int | None, cache: bool) -> None:
    """Print how well MODEL predicts the targets of DATA."""
    from sklearn import metrics
    from sklearn.base import is_classifier

    estimator = _load(model)
    X, y = _rows_for(estimator, data, target, n_features, cache)
    if y is None:
        raise click.BadParameter(f"{data} has no targets; for a table name the column: --target NAME.")
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
