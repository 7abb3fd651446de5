"""Run files: TOML with the same names as a command's flags."""

import datetime
import json
from pathlib import Path
from typing import Any

import click

HINT = "'--config'"


def configurable(command: Any) -> Any:
    """Add --config: a TOML file whose keys are the names of the flags; what the command line says counts more."""
    return click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_read,
        help="A TOML file with the same names as the flags; flags count more.",
    )(command)


def _read(ctx: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    import tomllib

    from fastgd._validation import nearest

    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{path} is not TOML: {error}", param_hint=HINT) from None
    known = _flags(ctx.command)
    defaults = {}
    for key, value in given.items():
        name = key.replace("_", "-")
        if name not in known:
            fix = nearest(name, list(known)) or f"Known are {', '.join(sorted(known))}."
            raise click.BadParameter(f"{path}: unknown name {key!r}. {fix}", param_hint=HINT)
        parameter = known[name]
        defaults[str(parameter.name)] = _value(parameter, key, value, path)
    ctx.default_map = {**(ctx.default_map or {}), **defaults}


def _flags(command: click.Command) -> dict[str, click.Option]:
    """Return the options that a run file may set, by their names without dashes; -o and --no-... are not names."""
    options = [
        each for each in command.params if isinstance(each, click.Option) and each.name not in ("config", "help")
    ]
    return {name: option for option in options for name in _names(option)}


def _names(option: click.Option) -> list[str]:
    return [each.removeprefix("--") for each in option.opts if each.startswith("--")]


def _value(option: click.Option, key: str, value: Any, path: Path) -> Any:
    """Return a TOML value as the option's default; its type must be the flag's."""
    if option.name == "param" and isinstance(value, dict):
        return [f"{name}={toml(each)}" for name, each in value.items()]
    if option.multiple:
        texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
        accepted = "a table, or a list of texts such as ['penalty=l1']" if option.name == "param" else "a list of texts"
        return _required(texts, accepted, key, value, path)
    if option.is_flag:
        return _required(isinstance(value, bool), "true or false", key, value, path)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(option.type, click.types.IntParamType):
        return _required(number and isinstance(value, int), "a whole number", key, value, path)
    if isinstance(option.type, click.types.FloatParamType):
        return _required(number, "a number", key, value, path)
    if option.name == "hidden" and (isinstance(value, list) or number):
        return ",".join(map(str, value if isinstance(value, list) else [value]))
    if option.name == "learning_rate" and number:
        return str(value)
    return _required(isinstance(value, str), "a text", key, value, path)


def _required(right: bool, accepted: str, key: str, value: Any, path: Path) -> Any:
    if not right:
        from fastgd._validation import shortened

        raise click.BadParameter(
            f"{path}: {key} must be {accepted}; got {shortened(toml(value), 80)}.", param_hint=HINT
        )
    return value


def toml(value: Any) -> str:
    """Return a value that TOML has given as TOML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else json.dumps(value)
