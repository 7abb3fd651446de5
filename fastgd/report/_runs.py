"""What a report is made of: runs, kept as a line of JSON per epoch."""

import json
import os
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fastgd._validation import ArgumentValueError

FORMAT = 1
MEASURED = (
    "epoch",
    "step",
    "learning_rate",
    "loss",
    "objective",
    "val_loss",
    "val_score",
    "grad_norm",
    "clipped",
    "rows_per_second",
    "seconds",
)


@dataclass
class Run:
    """One training, or a sweep or range test.

    Attributes
    ----------
    header : dict
        What is known of it as a whole: name, data, parameters, machine, command, and in the end score and reason of stopping.
    epochs : list of dict
        What was measured in each epoch: numbers, the mean over a model's lanes.
    curves : list of dict
        Results of `fastgd.sweep` and `fastgd.lr_find`, as their `to_dict` gives them.

    Examples
    --------
    >>> from fastgd.report import Run
    >>> Run({"name": "empty"}).epochs
    []
    """

    header: dict[str, Any]
    epochs: list[dict[str, Any]] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)

    def history(self) -> dict[str, np.ndarray]:
        """Return the epochs as arrays, NaN where a number is missing."""
        names = dict.fromkeys(name for epoch in self.epochs for name in epoch)
        values = {name: [epoch.get(name) for epoch in self.epochs] for name in names}
        return {name: np.array([np.nan if v is None else v for v in each], float) for name, each in values.items()}


def machine() -> dict[str, Any]:
    """Return what a run was made on: processor, threads, versions."""
    from fastgd._kernels import execute

    return {**execute.info(), "processor": _processor(), "system": f"{platform.system()} {platform.release()}"}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


class RunLog:
    """A callback that remembers a training and, where a file is given, writes each epoch to it at once.

    Parameters
    ----------
    path : str or path, optional
        A file of JSON lines, begun anew; `fastgd report --serve` shows it while it grows.
    name : str, default="run"
        What to call the run.
    data, parameters : dict, optional
        Facts for the header: of the data, and of the estimator.
    command : str, optional
        What repeats the run.

    Examples
    --------
    >>> from fastgd.linear_model import SGDRegressor
    >>> from fastgd.report import RunLog
    >>> log = RunLog(name="line")
    >>> model = SGDRegressor(random_state=0, max_iter=3, tol=None).fit([[0.0], [1.0]] * 9, [0.0, 1.0] * 9, callbacks=[log])
    >>> run = log.finish(model)
    >>> len(run.epochs), run.header["stop_reason"]
    (3, 'max_iter')
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        name: str = "run",
        data: dict[str, Any] | None = None,
        parameters: dict[str, Any] | None = None,
        command: str = "",
    ):
        started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        about = {"data": data or {}, "parameters": parameters or {}, "machine": machine(), "command": command}
        self.run = Run({"name": name, "started": started, **about})
        self._path = None if path is None else os.fspath(path)
        if self._path is not None:
            with open(self._path, "w") as file:
                file.write(_line({"fastgd_run": FORMAT, "header": self.run.header}))

    def __call__(self, info: Any) -> None:
        """Take in an epoch."""
        values = {name: getattr(info, name, None) for name in MEASURED}
        epoch = {name: _number(value) for name, value in values.items() if value is not None}
        self.run.epochs.append(epoch)
        self._append({"epoch": epoch})

    def finish(self, model: Any = None, **facts: Any) -> Run:
        """End the run; take what a fitted estimator says of itself, and further facts, into the header.

        Parameters
        ----------
        model : estimator, optional
            Fitted.
        **facts : object
            JSON-able: a score, say.

        Returns
        -------
        Run
            The whole run.
        """
        found = {name: getattr(model, f"{name}_", None) for name in ("stop_reason", "n_iter", "learning_rate")}
        about = {"model": type(model).__name__, **found} if model is not None else {}
        end = {name: _plain(value) for name, value in {**about, **facts}.items() if value is not None}
        race = getattr(model, "race_", None)
        curves = [] if race is None or not hasattr(race, "to_dict") else [race.to_dict()]
        self.run.header.update(end)
        self.run.curves += curves
        self._append({"end": end, "curves": curves})
        return self.run

    def _append(self, value: dict[str, Any]) -> None:
        if self._path is not None:
            with open(self._path, "a") as file:
                file.write(_line(value))


def _number(value: Any) -> float | int | None:
    """Return the mean over the lanes that are still training, None where there is none."""
    array = np.asarray(value, float)
    known = array[np.isfinite(array)]
    if known.size == 0:
        return None
    return int(value) if isinstance(value, (int, np.integer)) else float(known.mean())


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, default=str) + "\n"


def read_run(path: str | os.PathLike[str]) -> Run:
    """Read what `RunLog` wrote, or the JSON of a sweep or range test; a run that is still going on is read as far as it is.

    Parameters
    ----------
    path : str or path
        A file of `RunLog`, or what ``fastgd sweep --json`` or ``fastgd lr-find --json`` printed.

    Returns
    -------
    Run
        With `curves` alone for a sweep or range test.

    Raises
    ------
    ArgumentValueError
        If the file is neither.

    Examples
    --------
    >>> import os, tempfile
    >>> from fastgd.report import RunLog, read_run
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "run.jsonl")
    ...     _ = RunLog(path, name="first").finish(score=0.5)
    ...     read_run(path).header["score"]
    0.5
    """
    name = os.fspath(path)
    try:
        with open(name, encoding="utf-8", errors="strict") as file:
            text = file.read()
    except UnicodeDecodeError:
        raise ArgumentValueError(f"{name} is not JSON: it is no text.") from None
    if '"fastgd_run"' not in text[:100]:
        return Run({"name": Path(name).stem}, [], [_curve(_parsed(text, name), name)])
    run = Run({})
    lines = text.split("\n")
    for k, line in enumerate(lines[:-1]):  # the last one is empty, or still being written
        _take(run, _parsed(line, f"{name}:{k + 1}"), f"{name}:{k + 1}")
    return run


def _take(run: Run, value: dict[str, Any], place: str) -> None:
    """Add what a line of a run file says."""
    for part, kind in (("header", dict), ("end", dict), ("curves", list), ("epoch", dict)):
        if not isinstance(value.get(part, kind()), kind):
            raise ArgumentValueError(f"{place}: {part} must be a JSON {'object' if kind is dict else 'array'}")
    run.header.update(value.get("header", {}))
    run.header.update(value.get("end", {}))
    run.curves += [_curve(each, place) for each in value.get("curves", [])]
    if "epoch" in value:
        epoch = value["epoch"]
        run.epochs.append({key: each for key, each in epoch.items() if each is None or type(each) in (int, float)})


def _curve(value: Any, place: str) -> dict[str, Any]:
    """Return a sweep or range test, which has a list of rates and a list of losses."""
    known = isinstance(value, dict) and all(isinstance(value.get(part), list) for part in ("learning_rate", "loss"))
    if not known or not value["loss"] or not value["learning_rate"]:
        raise ArgumentValueError(
            f"{place} is neither a run that `fastgd train --log` wrote nor a sweep or range test in JSON."
        )
    found: dict[str, Any] = value
    return found


def _parsed(text: str, place: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ArgumentValueError(f"{place} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ArgumentValueError(f"{place} is not a JSON object")
    return value
