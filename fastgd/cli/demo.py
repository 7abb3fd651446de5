"""`fastgd demo` and `fastgd info`."""

from pathlib import Path

import click

from fastgd.cli._common import OUTPUT, common, print_json, writable


@click.command()
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
    type=OUTPUT,
    default="fastgd-demo.png",
    show_default=True,
    help="Where to write the curves, a PNG.",
)
@common
def demo(as_json: bool, data: str, epochs: int | None, seed: int, picture: Path) -> None:
    """Train two models with six optimizers, each with a constant and a decaying rate, beside scikit-learn.

    Then train one model with sixteen learning rates at once, and say which is best, and one whose rate `fit` finds by itself.

    About half a minute on Fashion-MNIST, a few seconds on digits.
    """
    writable(picture, "--picture", (".png",))
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
        model, auto_accuracy, seconds = raced
        found = {**swept.to_dict(), "test_accuracy": accuracy}
        auto = {"learning_rate": model.learning_rate_, "test_accuracy": auto_accuracy, "seconds": seconds}
        print_json({**_demo.as_dict(report), "sweep": found, "auto": auto})
    else:
        Console(highlight=False).print(_demo.table(report))
        Console(highlight=False).print(_demo_sweep.sentence(swept, accuracy), markup=False)
        Console(highlight=False).print(_demo_sweep.auto_sentence(*raced), markup=False)
    log.print(f"Trained and evaluated in {report.seconds:.1f} s. {drawn}", markup=False)


@click.command()
@common
def info(as_json: bool) -> None:
    """Show the version, the processor level in use, threads, and what was found on this machine."""
    import fastgd

    facts = fastgd.info()
    if as_json:
        print_json(facts)
    else:
        width = max(map(len, facts))
        for name, value in facts.items():
            click.echo(f"{name:<{width}}  {value}")
