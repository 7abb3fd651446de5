"""`fastgd schedule`: a schedule expression as numbers and as a curve of characters."""

from typing import Any

import click

from fastgd.cli._common import common, print_json

BARS = " ▁▂▃▄▅▆▇█"
HEIGHT, MOST_COLUMNS = 8, 72


@click.command()
@click.argument("expression")
@click.option(
    "--steps", type=click.IntRange(1, 10**9), default=1000, show_default=True, help="Steps of the whole training."
)
@click.option(
    "--epochs", type=click.IntRange(min=1), help="How many epochs these steps are; needed for durations in epochs."
)
@click.option("--at", "places", type=click.IntRange(0, 2**53), multiple=True, help="Print the value at this step only.")
@common
def schedule(as_json: bool, expression: str, steps: int, epochs: int | None, places: tuple[int, ...]) -> None:
    """Print and plot a schedule EXPRESSION, such as 'warmup(5%) >> cosine(0.1, 95%)'."""
    import numpy as np

    from fastgd import schedules

    parsed = schedules.parse(expression)
    resolved = parsed.resolve(total_steps=steps, steps_per_epoch=steps // epochs if epochs else None)
    if places:
        asked = {t: float(resolved(t)) for t in places}
        if as_json:
            print_json({"schedule": str(parsed), "values": asked})
        else:
            for t, value in asked.items():
                click.echo(f"{t} {value!r}")
        return
    shown = np.unique(np.linspace(0, steps - 1, min(MOST_COLUMNS, steps)).round().astype(np.int64))
    values = np.array([resolved(int(t)) for t in shown])
    if as_json:
        print_json({"schedule": str(parsed), "resolved": str(resolved), "step": shown, "value": values})
        return
    click.echo(str(resolved))
    for line in plot(values):
        click.echo(line)
    first, last = f"step 0: {values[0]:.4g}", f"step {steps - 1}: {values[-1]:.4g}"
    click.echo(" " * 11 + first + last.rjust(max(len(values) - len(first), len(last) + 2)))


def plot(values: Any) -> list[str]:
    """Return the lines of a curve: a column for each value, from 0 (or the lowest, where that is negative) to the highest."""
    low, high = min(0.0, float(values.min())), float(values.max())
    span = (high - low) or 1.0
    eighths = ((values - low) / span * HEIGHT * 8).round().astype(int)
    lines = []
    for row in range(HEIGHT - 1, -1, -1):
        label = high if row == HEIGHT - 1 else low if row == 0 else None
        cells = "".join(BARS[max(0, min(8, each - 8 * row))] for each in eighths.tolist())
        lines.append(f"{'' if label is None else format(label, '.3g'):>9} ┤{cells}".rstrip())
    return lines
