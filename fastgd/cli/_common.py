"""What every command has: one clear line on every error, --debug, --json, --config, and output that suits a terminal or a pipe."""

import json
import math
import re
from pathlib import Path
from typing import Any, NoReturn

import click

DIVERGED, INTERRUPTED = 3, 130
FLAGS = (  # what the library's messages advise, and what the same is on the command line
    (r"[.;,]( or)? [Pp]ass allow=\('(nonfinite|no_rows)',\)[^.;]*", ""),
    (r"\ballow=\('(\w+)',\)", r"--allow \1"),
    (r"\bzero_based=True", "--zero-based"),
    (r"\bmax_iter\b(?!=)", "--epochs"),
    (r"'nulls' argument of load_table", "'--nulls' option"),
    (r"'target' argument of load_table", "'--target' option"),
)
NO_ARGUMENTS = (
    (click.exceptions.NoArgsIsHelpError,) if hasattr(click.exceptions, "NoArgsIsHelpError") else ()
)  # click >= 8.2
FILE = click.Path(exists=True, path_type=Path)
OUTPUT = click.Path(dir_okay=False, path_type=Path)


class DataError(click.ClickException):
    """A file is readable and holds nothing that the command could use."""


class Commands(click.Group):
    """A group whose commands end in one clear line on every error, and in a traceback only with --debug."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except NO_ARGUMENTS:
            raise
        except click.UsageError as error:
            _end_usage(ctx, error)

    def invoke(self, ctx: click.Context) -> Any:
        import warnings

        warnings.showwarning = _show_warning
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort, BrokenPipeError, *NO_ARGUMENTS):
            raise  # click knows how to end
        except click.UsageError as error:
            _end_usage(ctx, error)
        except click.ClickException as error:
            _end(ctx, error.exit_code, error.format_message())
        except KeyboardInterrupt:
            click.echo("fastgd: interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except Exception as error:
            if ctx.meta.get("debug"):
                raise
            told = f"{_one_line(error)} (--debug shows the traceback)"
            _end(ctx, DIVERGED if isinstance(error, FloatingPointError) else 1, told)


def _end_usage(ctx: click.Context, error: click.UsageError) -> NoReturn:
    told = " ".join(error.format_message().split()).removeprefix("Invalid value: ").rstrip(".")
    _end(ctx, error.exit_code, f"{told}. ({(error.ctx or ctx).command_path} --help lists what is accepted)")


def _end(ctx: click.Context, code: int, text: str) -> NoReturn:
    click.echo(f"fastgd: error: {text}", err=True)
    ctx.exit(code)


def _show_warning(message: Any, *_: Any, **__: Any) -> None:
    from fastgd.cli import _progress

    _progress.say(f"fastgd: warning: {_in_flags(str(message))}")


def _one_line(error: Exception) -> str:
    from fastgd import _validation

    text = _in_flags(str(error))
    ours = type(error).__module__.startswith(("fastgd", "sklearn")) or isinstance(error, (OSError, ModuleNotFoundError))
    if isinstance(error, OSError) and error.strerror:  # without the number
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return _validation.shortened(text if ours and text else f"{type(error).__name__}: {text}".rstrip(": "))


def _in_flags(text: str) -> str:
    """Return a message of the library on one line that no terminal obeys, its arguments called by the names of the flags."""
    for argument, flag in FLAGS:
        text = re.sub(argument, flag, text)
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in " ".join(text.split()))


def common(command: Any) -> Any:
    """Add the options that every command has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
        click.option(
            "--debug",
            is_flag=True,
            expose_value=False,
            callback=_remember_debug,
            help="Show the traceback of an error.",
        ),
    ):
        command = option(command)
    return command


def _remember_debug(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    ctx.meta["debug"] = value


def print_json(value: Any) -> None:
    """Print a value; NaN and infinity, which JSON lacks, become null."""
    click.echo(json.dumps(plain(value), indent=1))


def plain(value: Any) -> Any:
    """Return a value as what JSON has: numbers, texts, lists, dicts, None."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def writable(path: Path, option: str, endings: tuple[str, ...] = ()) -> Path:
    """Refuse a file that could not be written, before minutes go into what shall be in it."""
    import os

    if endings and path.suffix.lower() not in endings:
        raise click.BadParameter(
            f"the name must end in {' or '.join(endings)}; got {str(path)!r}.", param_hint=f"'{option}'"
        )
    target = path if path.exists() else path.parent
    if not os.access(target, os.W_OK):
        raise click.BadParameter(f"{str(target)!r} is missing or not writable.", param_hint=f"'{option}'")
    return path
