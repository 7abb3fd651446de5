"""Progress with the time left, on a terminal that can move its cursor; elsewhere plain lines, or nothing."""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import click

NARROW = 60  # columns of a terminal below which there is no room for a bar


def animated() -> bool:
    """Say whether standard error is a terminal that can show something that moves."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown", "")


def say(text: str) -> None:
    """Write a line to standard error, above what moves there."""
    if _moving:
        _moving[-1].console.print(text, markup=False, highlight=False, soft_wrap=True)
    else:
        click.echo(text, err=True)


_moving: list[Any] = []  # what is on the terminal now


@contextmanager
def _progress(*columns: Any) -> Iterator[Any]:
    """Show rich's progress on standard error, without its bar where the terminal is narrow; it is wiped out at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress

    console = Console(stderr=True)
    shown = [each for each in columns if console.width >= NARROW or not isinstance(each, BarColumn)]
    with Progress(*shown, console=console, transient=True) as bar:
        _moving.append(bar)
        try:
            yield bar
        finally:
            _moving.remove(bar)


@contextmanager
def reading(name: str) -> Iterator[Any]:
    """Show bytes and time left while a file is parsed; yields what takes the bytes done and the bytes in all, None without a terminal."""
    if not animated():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with _progress(TextColumn("{task.description}", markup=False), *columns) as bar:
        task = bar.add_task(f"reading {os.path.basename(name)}")
        yield lambda done, size: bar.update(task, completed=done, total=size or None)


@contextmanager
def working(what: str, unit: str = "") -> Iterator[Any]:
    """Show that something goes on, and how far where that is told; yields what takes the steps done and the steps in all."""
    if not animated():
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    ends = (TimeElapsedColumn(), TimeRemainingColumn()) if unit else (TimeElapsedColumn(),)
    with _progress(SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), *ends) as bar:
        task = bar.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, description=f"{what}, {unit} {done} of {total}")

        yield show


class Epochs(AbstractContextManager):
    """A callback of `fit` that writes a line per epoch and, on a terminal, shows below them how far training is.

    Parameters
    ----------
    epochs : int
        The most that will be done.
    max_time : float or None
        Seconds after which training ends.
    lines : bool
        Whether to write lines.
    """

    COLUMNS = (
        ("epoch", "d", 5),
        ("learning_rate", ".3e", 13),
        ("loss", ".6g", 11),
        ("val_loss", ".6g", 11),
        ("val_score", ".4f", 9),
    )
    DROPPED = ("learning_rate", "val_score", "val_loss")  # where the terminal is too narrow for all, in this order

    def __init__(self, epochs: int, max_time: float | None, lines: bool):
        self._epochs, self._max_time, self._lines = epochs, max_time, lines
        self._columns: list[tuple[str, str, int]] = []
        self._bar: Any = None
        self._task: Any = None
        self._shown = ExitStack()
        self._told = False  # the first epoch is shown at once

    def __enter__(self) -> "Epochs":
        if animated():
            from rich.progress import BarColumn, SpinnerColumn, TextColumn

            text = TextColumn("{task.description}", markup=False)
            columns = (SpinnerColumn(), text, BarColumn(), TextColumn("{task.fields[left]}"))
            self._bar = self._shown.enter_context(_progress(*columns))
            self._task = self._bar.add_task("training begins", total=None, left="")
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.close()

    def __call__(self, info: Any) -> None:
        """Take in an epoch."""
        if self._lines:
            self._write(info)
        if self._bar is not None:
            done = min(1.0, max(info.epoch / self._epochs, info.seconds / (self._max_time or float("inf"))))
            left = clock(info.seconds * (1 - done) / done)
            told = {"description": f"epoch {info.epoch:,} of {self._epochs:,}", "left": f"at most {left} left"}
            self._bar.update(self._task, completed=done, total=1.0, refresh=not self._told, **told)
            self._told = True

    def _write(self, info: Any) -> None:
        import numpy as np

        if not self._columns:
            self._columns = self._fitting(
                [column for column in self.COLUMNS if getattr(info, column[0], None) is not None]
            )
            say("  ".join(f"{name.replace('_', ' '):>{width}}" for name, _, width in self._columns))
        values = (
            (np.nanmean(getattr(info, name)) if form != "d" else info.epoch, form, width)
            for name, form, width in self._columns
        )
        say("  ".join(f"{value:>{width}{form}}" for value, form, width in values))

    def _fitting(self, columns: list[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
        for name in self.DROPPED if self._bar is not None else ():
            if sum(width + 2 for _, _, width in columns) - 2 > self._bar.console.width:
                columns = [column for column in columns if column[0] != name]
        return columns


def clock(seconds: float) -> str:
    """Return seconds as 1:02 or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
