"""Measure fastgd beside its peers and say what it reaches: ``python -m bench.report``."""

import json
import re
import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from bench import machine
from bench.benchmarks import BENCHMARKS
from bench.results import Result
from bench.timing import FULL, QUICK, WARM_UP


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table that is also readable as it stands."""
    widths = [max(len(row[k]) for row in [header, *rows]) for k in range(len(header))]
    ruled = [header, ["-" * width for width in widths], *rows]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in ruled]
    return "\n".join(lines)


def summary(results: list[Result]) -> str:
    """Return the table of figures: what, target, measured, verdict."""
    figures = [f for result in results for f in result.figures]
    return table(["", "target", "measured", ""], [[f.what, f.target, f.measured, f.verdict] for f in figures])


def document(results: list[Result], about: dict[str, str], command: str, warning: str) -> str:
    """Return the whole report as Markdown."""
    parts = [f"Measured by `{command}` on {time.strftime('%Y-%m-%d', time.gmtime())}."]
    parts.append("\n".join(f"* {name}: {value}" for name, value in about.items()))
    if warning:
        parts.append(f"**{warning}**")
    parts.append(
        f"Ratios of medians; in parentheses the median ratio of neighbouring samples. {WARM_UP} untimed steps of each contender come "
        "first. The stream is the faster of two kernels that read and write as many arrays and do one addition for each. Bytes are those "
        "that a step asks for, whether memory or a cache delivers them."
    )
    parts.append(summary(results))
    for result in results:
        if result.rows:
            parts.append(f"### {result.title}\n\n{table(result.header, result.rows)}\n\n{result.note}")
    return "\n\n".join(parts) + "\n"


def arguments(argv: list[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="smaller arrays, fewer rounds: to see that everything runs"
    )
    parser.add_argument(
        "--only", metavar="PATTERN", default="", help=f"a regular expression for the names {', '.join(BENCHMARKS)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report there, as for a README")
    given = parser.parse_args(argv)
    given.chosen = {name: run for name, run in BENCHMARKS.items() if re.search(given.only, name)}
    if not given.chosen:
        parser.error(f"--only {given.only!r} matches none of {', '.join(BENCHMARKS)}")
    return given


def main(argv: list[str]) -> int:
    given = arguments(argv)
    before = machine.load()
    about = machine.describe() | {"Load average before": f"{before:.2f}"}
    warnings = [machine.warning(before)]
    if given.quick:
        warnings.append("Quick: smaller arrays and few rounds; these are not the figures that the targets are about.")
    warning = " ".join(filter(None, warnings))
    if warning:
        print(warning, file=sys.stderr)
    results, began = {}, time.perf_counter()
    for name, run in given.chosen.items():
        print(f"{time.perf_counter() - began:5.0f} s  {run.__doc__.splitlines()[0]}", file=sys.stderr, flush=True)
        results[name] = run(QUICK if given.quick else FULL)
    print(f"{time.perf_counter() - began:5.0f} s  done\n", file=sys.stderr)
    options = ["--quick"] * given.quick + [f"--only '{given.only}'"] * bool(given.only)
    command = " ".join(["python -m bench.report", *options])
    text = document(list(results.values()), about, command, warning)
    print(text)
    if given.markdown:
        given.markdown.write_text(text, encoding="utf-8")
    if given.json:
        content = {"command": command, "machine": about, "results": {n: asdict(r) for n, r in results.items()}}
        given.json.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
