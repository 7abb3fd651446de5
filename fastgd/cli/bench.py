"""`fastgd bench`: an epoch of ours beside one of scikit-learn's, on this machine and these data."""

from pathlib import Path
from typing import Any

import click

from fastgd.cli._common import FILE, common, print_json
from fastgd.cli._reading import data_options

ROUNDS, EPOCHS = 5, 3


@click.command()
@click.argument("data", required=False, type=FILE)
@data_options
@common
def bench(as_json: bool, data: Path | None, **reading: Any) -> None:
    """Compare an epoch of SGDClassifier with scikit-learn's, on DATA or on made-up sparse rows.

    Both are run in turn, five times three epochs each; the medians are compared. Close other programs first.
    """
    from fastgd.cli import _reading

    if data is None:
        X, y = _made_up()
    else:
        rows = _reading.read(data, **reading)
        if rows.y is None or not _reading.is_classification(rows.y, "auto"):
            raise click.BadParameter("the data must have classes as targets.")
        X, y = rows.X, rows.y
    times = measure(X, y)
    ratio = times["scikit-learn"] / times["fastgd"]
    if as_json:
        print_json({"rows": X.shape[0], "features": X.shape[1], "seconds_per_epoch": times, "times_faster": ratio})
    else:
        click.echo(f"{X.shape[0]:,} rows, {X.shape[1]:,} features; median seconds for an epoch of log_loss:")
        for name, seconds in times.items():
            click.echo(f"  {name:<14}{seconds:.4g}")
        click.echo(f"fastgd is {ratio:.1f} times as fast.")


def _made_up() -> tuple[Any, Any]:
    import numpy as np
    from scipy.sparse import random

    rng = np.random.default_rng(0)
    X = random(50_000, 20_000, density=50 / 20_000, format="csr", dtype=np.float64, rng=rng)
    return X, (X @ rng.standard_normal(20_000) > 0).astype(int)


def measure(X: Any, y: Any) -> dict[str, float]:
    """Return the median seconds of an epoch of each, after one fit of each that does not count."""
    import time
    from statistics import median

    from sklearn import linear_model as theirs

    from fastgd import linear_model as ours

    models = {
        name: room.SGDClassifier(loss="log_loss", max_iter=EPOCHS, tol=None, random_state=0)
        for name, room in (("scikit-learn", theirs), ("fastgd", ours))
    }
    times: dict[str, list[float]] = {name: [] for name in models}
    for k in range(ROUNDS + 1):
        for name, model in models.items():
            since = time.perf_counter()
            model.fit(X, y)
            if k:
                times[name].append((time.perf_counter() - since) / EPOCHS)
    return {name: median(each) for name, each in times.items()}
