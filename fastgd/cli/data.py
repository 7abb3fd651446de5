"""`fastgd convert` and `fastgd inspect`."""

from pathlib import Path
from typing import Any

import click

from fastgd.cli._common import FILE, OUTPUT, common, print_json, writable
from fastgd.cli._reading import data_options


@click.command()
@click.argument("data", type=FILE)
@click.argument("out", type=OUTPUT)
@data_options
@common
def convert(as_json: bool, data: Path, out: Path, **reading: Any) -> None:
    """Write DATA as a binary cache OUT (.fgd), which is mapped into memory instead of parsed, and can be streamed."""
    writable(out, "OUT", (".fgd",))
    import os

    import numpy as np
    from scipy.sparse import csr_matrix

    from fastgd.cli import _reading
    from fastgd.io import _cache

    rows = _reading.with_targets(data, **reading)
    if rows.y.dtype.kind not in "biuf":
        raise click.BadParameter(f"the targets must be numbers; {data} has {rows.y.dtype}.")
    X = csr_matrix(rows.X)
    arrays = {"data": X.data, "indices": X.indices, "indptr": X.indptr, "y": np.asarray(rows.y, np.float64)}
    _cache.write(str(out), str(data), {"converted": True}, arrays, X.shape[1])
    result = {"rows": X.shape[0], "features": X.shape[1], "non_zeros": X.nnz, "bytes": os.path.getsize(out)}
    if as_json:
        print_json(result)
    else:
        click.echo(
            f"{out}: {X.shape[0]:,} rows, {X.shape[1]:,} features, {X.nnz:,} stored values, {result['bytes']:,} bytes."
        )


@click.command()
@click.argument("data", type=FILE)
@data_options
@common
def inspect(as_json: bool, data: Path, **reading: Any) -> None:
    """Say what DATA holds: shape, density, targets, the scales of the columns, and what to do about them."""
    from fastgd.cli import _reading

    facts, warnings = examine(_reading.read(data, **reading))
    if as_json:
        print_json({**facts, "warnings": warnings})
        return
    for name, value in facts.items():
        shown = f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if isinstance(value, float) else value
        click.echo(f"{name.replace('_', ' '):<22}{shown}")
    for warning in warnings:
        click.echo(f"! {warning}")


def examine(rows: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the facts about some data, and warnings in plain words."""
    import numpy as np
    from scipy.sparse import csr_matrix

    from fastgd._training.health import FAR_APART
    from fastgd.cli import _reading

    X = csr_matrix(rows.X)
    squares = np.zeros(X.shape[1])
    np.add.at(squares, X.indices, X.data.astype(np.float64) ** 2)
    scale = np.sqrt(squares / X.shape[0])
    used = np.flatnonzero(scale)
    per_row = np.diff(X.indptr)
    facts: dict[str, Any] = {
        "rows": X.shape[0],
        "features": X.shape[1],
        "dtype": str(rows.X.dtype),
        "stored_values": X.nnz,
        "density": X.nnz / max(1, X.shape[0] * X.shape[1]),
        "stored_values_a_row": f"{per_row.min()} to {per_row.max()}, mean {per_row.mean():.1f}",
        "empty_columns": int(X.shape[1] - len(used)),
    }
    warnings = []
    if len(used):
        low, high = used[scale[used].argmin()], used[scale[used].argmax()]
        facts["column_scales"] = f"{scale[low]:.3g} to {scale[high]:.3g} (root mean square)"
        if rows.X.shape[1] == len(used) and scale[high] / scale[low] > FAR_APART:
            worst = high if rows.names is None else rows.names[high]
            warnings.append(
                f"column {worst} is {scale[high] / scale[low]:.3g} times as large as the smallest: no single learning rate suits all "
                "columns. Scale them (StandardScaler, MaxAbsScaler), or use an adaptive optimizer such as Adam."
            )
    if rows.y is not None:
        facts.update(_targets(rows.y, _reading.is_classification(rows.y, "auto"), warnings))
    return facts, warnings


def _targets(y: Any, classification: bool, warnings: list[str]) -> dict[str, Any]:
    import numpy as np

    if not classification:
        y = y.astype(float)
        return {
            "targets": f"numbers from {y.min():.4g} to {y.max():.4g}, mean {y.mean():.4g}, standard deviation {y.std():.4g}"
        }
    classes, counts = np.unique(y, return_counts=True)
    shown = ", ".join(f"{label}: {n:,}" for label, n in zip(classes[:10].tolist(), counts[:10].tolist(), strict=True))
    if counts.max() > 20 * counts.min() and len(classes) <= 20:
        rare = classes[counts.argmin()]
        warnings.append(
            f"class {rare} has {counts.min():,} of {len(y):,} rows: accuracy says little; try --param class_weight=balanced."
        )
    return {"classes": f"{len(classes)} ({shown}{', ...' if len(classes) > 10 else ''})"}
