"""The `fastgd` command. What a command needs is imported when it runs, so that `fastgd --help` answers at once.

Exit codes: 0 done, 1 an error, 2 wrong usage, 3 the training diverged, 130 interrupted.
"""

from pathlib import Path
from typing import Any

import click

DIVERGED, INTERRUPTED = 3, 130


class _Commands(click.Group):
    """A group whose commands end in one clear line on every error, and in a traceback only with --debug."""

    def invoke(self, ctx: click.Context) -> Any:
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


def _one_line(error: Exception) -> str:
    from fastgd import _validation

    text = " ".join(str(error).split())
    ours = type(error).__module__.startswith("fastgd") or isinstance(error, OSError)
    return _validation.shortened(text if ours and text else f"{type(error).__name__}: {text}".rstrip(": "))


def _remember_debug(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    ctx.meta["debug"] = value


def _common(command: Any) -> Any:
    """Add the options that every command has."""
    debug = click.option(
        "--debug", is_flag=True, expose_value=False, callback=_remember_debug, help="Show the traceback of an error."
    )
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(debug(command))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fastgd", message="%(prog)s %(version)s")
def main() -> None:
    """Gradient descent at the speed of memory, with the learning rate chosen for you."""


@main.command()
@_common
@click.option(
    "--data",
    type=click.Choice(["auto", "fashion-mnist", "digits"]),
    default="auto",
    show_default=True,
    help="auto: Fashion-MNIST where it is installed, else digits.",
)
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the data.  [default: 5, on digits 25]")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Starts and shuffles.")
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    default="fastgd-demo.png",
    show_default=True,
    help="Where to write the curves, a PNG.",
)
def demo(as_json: bool, data: str, epochs: int | None, seed: int, picture: Path) -> None:
    """Train two models with six optimizers, each with a constant and a decaying rate, beside scikit-learn.

    Then train one model with sixteen learning rates at once, and say which is best, and one whose rate `fit` finds by itself.

    About half a minute on Fashion-MNIST, a few seconds on digits.
    """
    _check_picture(picture)
    from rich.console import Console

    from fastgd import _demo, _demo_sweep, datasets

    loaders = {
        "auto": datasets.load_default,
        "fashion-mnist": datasets.load_fashion_mnist,
        "digits": datasets.load_digits,
    }
    log = Console(stderr=True, highlight=False, soft_wrap=True)
    dataset = loaders[data]()
    if dataset.note:
        log.print(dataset.note, markup=False)
    report = _demo.run(dataset, epochs, seed, log)
    swept, accuracy = _demo_sweep.run(dataset, seed)
    raced = _demo_sweep.run_auto(dataset, seed)
    try:
        _demo.picture(report, picture)
        _demo_sweep.picture(swept, _demo_sweep.beside(picture))
        drawn = f"The curves are in {picture}, the sweep is in {_demo_sweep.beside(picture)}."
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        drawn = "No picture: matplotlib is not installed. Run: pip install fastgd[plot]"
    if as_json:
        import json

        model, auto_accuracy, seconds = raced
        found = {**swept.to_dict(), "test_accuracy": accuracy}
        auto = {"learning_rate": model.learning_rate_, "test_accuracy": auto_accuracy, "seconds": seconds}
        click.echo(json.dumps({**_demo.as_dict(report), "sweep": found, "auto": auto}, indent=1))
    else:
        Console(highlight=False).print(_demo.table(report))
        Console(highlight=False).print(_demo_sweep.sentence(swept, accuracy), markup=False)
        Console(highlight=False).print(_demo_sweep.auto_sentence(*raced), markup=False)
    log.print(f"Trained and evaluated in {report.seconds:.1f} s. {drawn}", markup=False)


def _check_picture(path: Path) -> None:
    """Refuse a picture that could not be written, before minutes go into it."""
    import os

    if path.suffix.lower() != ".png":
        raise click.BadParameter(f"the name must end in .png; got {str(path)!r}.", param_hint="'--picture'")
    target = path if path.exists() else path.parent
    if not os.access(target, os.W_OK):
        raise click.BadParameter(f"{str(target)!r} is missing or not writable.", param_hint="'--picture'")


@main.command()
@_common
def info(as_json: bool) -> None:
    """Show the version, the processor level in use, threads, and what was found on this machine."""
    import fastgd

    facts = fastgd.info()
    if as_json:
        import json

        click.echo(json.dumps(facts, indent=1))
    else:
        width = max(map(len, facts))
        for name, value in facts.items():
            click.echo(f"{name:<{width}}  {value}")
