"""Fuzz every reader: `python -m tests.fuzz --seconds 60`, or `make fuzz`. Ends with 1 if anything was found."""

import argparse
import sys
from pathlib import Path

from . import campaign, targets


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", default=[], help=f"some of {', '.join(targets.TARGETS)}; all by default")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target (60)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--findings", type=Path, default=Path("fuzz-findings"), help="where to put files that are findings"
    )
    parser.add_argument("--keep", action="store_true", help="put small files that ended in a new way into tests/corpus")
    asked = parser.parse_args()
    for name in asked.target:
        if name not in targets.TARGETS:
            parser.error(f"no target {name!r}; there are {', '.join(targets.TARGETS)}")
    failed = 0
    for name in asked.target or targets.TARGETS:
        result = campaign.run(name, asked.seconds, asked.seed, asked.findings, asked.keep)
        counts = f"{result.inputs:>8,} files, {result.accepted:>7,} accepted, {result.endings:>4} endings"
        print(f"{name:<11}{counts}, {len(result.findings)} findings", flush=True)
        for finding in result.findings:
            print(f"  {finding}")
        failed += len(result.findings)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
