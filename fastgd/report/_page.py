"""The page: data, style, script and chart library in one HTML file."""

import contextlib
import html
import json
import math
import os
from functools import cache
from importlib.resources import files
from typing import Any

from fastgd._validation import value_error
from fastgd.report._diagnosis import diagnose
from fastgd.report._runs import Run


@cache
def _asset(name: str) -> str:
    return files("fastgd.report").joinpath("assets", name).read_text(encoding="utf-8")


def page(runs: list[Run], title: str = "", live: bool = False) -> str:
    """Return the HTML of a page that shows these runs; a live one listens for more."""
    data = json.dumps([as_dict(run) for run in runs], allow_nan=False, separators=(",", ":"))
    title = title or "fastgd: " + ", ".join(str(run.header.get("name", "run")) for run in runs)[:80]
    parts = {
        "TITLE": html.escape(title),
        "STYLE": _asset("uPlot.min.css") + _asset("page.css"),
        "LICENSE": _asset("uPlot.LICENSE").replace("--", ""),
        "UPLOT": _asset("uPlot.iife.min.js"),
        "SCRIPT": _asset("page.js"),
        # Whatever a name holds, the script element ends only where we end it.
        "DATA": data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"),
        "LIVE": "true" if live else "false",
    }
    text = _asset("page.html")
    pieces = text.split("%%")
    return "".join(parts[piece] if k % 2 else piece for k, piece in enumerate(pieces))


def as_dict(run: Run) -> dict[str, Any]:
    """Return a run as the page's script reads it."""
    return {
        "header": _finite(run.header),
        "epochs": _finite(run.epochs),
        "curves": _finite(run.curves),
        "diagnosis": diagnose(run),
    }


def _finite(value: Any) -> Any:
    """Return a JSON-able value with None for what JSON lacks."""
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def write(runs: list[Run], path: str | os.PathLike[str], title: str = "") -> None:
    """Write runs as one HTML file that needs neither network nor server.

    Parameters
    ----------
    runs : list of Run
        At least one; several are drawn over one another.
    path : str or path
        Ends in .html; replaced as a whole or not at all.
    title : str, optional
        By default the runs' names.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastgd.linear_model import SGDRegressor
    >>> from fastgd.report import RunLog, write
    >>> log = RunLog()
    >>> model = SGDRegressor(random_state=0).fit([[0.0], [1.0]] * 9, [0.0, 1.0] * 9, callbacks=[log])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "report.html")
    ...     write([log.finish(model)], path)
    ...     os.path.getsize(path) > 50_000
    True
    """
    name = os.fspath(path)
    if not runs:
        raise value_error("write", "runs", "at least one run", runs)
    if not name.endswith(".html"):
        raise value_error("write", "path", "a name that ends in .html", name)
    target = os.path.realpath(name)
    temporary = f"{target}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    try:
        with open(temporary, "x", encoding="utf-8") as file:
            file.write(page(runs, title))
        os.replace(temporary, target)
    finally:
        with contextlib.suppress(FileNotFoundError):  # after a success there is none
            os.unlink(temporary)
