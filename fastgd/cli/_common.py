"""What every command has: one clear line on every error, --debug, --json, --config, and output that suits a terminal or a pipe."""

import json
import math
from pathlib import Path
from typing import Any

import click

DIVERGED, INTERRUPTED = 3, 130
FILE = click.Path(exists=True, path_type=Path)
OUTPUT = click.Path(dir_okay=False, path_type=Path)


class Commands(click.Group):
    """A group whose commands end in one clear line on every error, and in a traceback only with --debug."""

    def invoke(self, ctx: click.Context) -> Any:
        import warnings

        warnings.showwarning = _show_warning
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click has a clear line for these
        except KeyboardInterrupt:
            click.echo("fastgd: interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except Exception as error:
            if ctx.meta.get("debug"):
                raise
            click.echo(f"fastgd: error: {_one_line(error)} (--debug shows the traceback)", err=True)
            ctx.exit(DIVERGED if isinstance(error, FloatingPointError) else 1)


def _show_warning(message: Any, *_: Any, **__: Any) -> None:
    click.echo(f"fastgd: warning: {' '.join(str(message).split())}", err=True)


def _one_line(error: Exception) -> str:
    from fastgd import _validation

    text = " ".join(str(error).split())
    ours = type(error).__module__.startswith(("fastgd", "sklearn")) or isinstance(error, (OSError, ModuleNotFoundError))
    return _validation.shortened(text if ours and text else f"{type(error).__name__}: {text}".rstrip(": "))


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


def configurable(command: Any) -> Any:
    """Add --config: a TOML file whose keys are the names of the flags; what the command line says counts more."""
    return click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_read_config,
        help="A TOML file with the same names as the flags; flags count more.",
    )(command)


def _read_config(ctx: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    import tomllib

    from fastgd._validation import nearest

    try:
        given = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{path} is not TOML: {error}", param_hint="'--config'") from None
    known = {parameter.name: parameter for parameter in ctx.command.params if parameter.expose_value}
    defaults = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        if name not in known:
            raise click.BadParameter(
                f"{path}: unknown name {key!r}. {nearest(name, list(map(str, known)))}", param_hint="'--config'"
            )
        table = isinstance(value, dict) and name == "param"
        defaults[name] = [f"{key}={json.dumps(item)}" for key, item in value.items()] if table else value
    ctx.default_map = {**(ctx.default_map or {}), **defaults}


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
