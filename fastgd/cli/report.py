"""`fastgd report`: runs as one HTML page, or live."""

from pathlib import Path

import click

from fastgd.cli._common import OUTPUT, common, print_json, writable


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=OUTPUT, default="report.html", show_default=True)
@click.option("--serve", is_flag=True, help="Show the runs on http://127.0.0.1 while they are written.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="With --serve; 0 for any free one."
)
@common
def report(as_json: bool, runs: tuple[Path, ...], out: Path, serve: bool, port: int) -> None:
    """Write RUNS, which `fastgd train --log` wrote, as one HTML page that needs no network."""
    from fastgd import report as pages

    if serve:
        pages.serve(runs, port=port, announce=lambda url: click.echo(f"{url}  (Ctrl-C ends)"))
        return
    writable(out, "--out", (".html",))
    read = [pages.read_run(path) for path in runs]
    pages.write(read, out)
    if as_json:
        print_json({"report": str(out), "runs": len(read)})
    else:
        click.echo(f"{out}: {len(read)} run{'s' if len(read) > 1 else ''}.")
