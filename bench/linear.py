"""Linear models beside their peers: seconds of an epoch, seconds to a held-out loss, predictions, memory: ``python -m bench.linear``."""

import importlib.metadata
import json
import math
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench import linear_speed, machine, time_to_loss
from bench.linear_contenders import GRID, LBFGS, PEERS, SNAP, absent, learners, left_out
from bench.linear_data import TASKS, NotInstalledError, Task, folders_of
from bench.report import summary, table
from bench.results import Figure, Result, duration
from bench.time_to_loss import Ladder, Point, by_learner, reaching
from bench.timing import FULL, QUICK, Effort

HOW_TO_GET_PEERS = "pip install 'fastgd[bench-peers]'"
ENOUGH = 0.84
"""Of Fashion-MNIST's test pictures, for a linear model."""


@dataclass(frozen=True)
class Work:
    """How much to measure: fits, rounds of epochs, predictions."""

    ladder: Ladder
    epochs: int
    predictions: Effort


WORK = Work(Ladder(), epochs=3, predictions=replace(FULL, budget=4.0))
QUICK_WORK = Work(Ladder(rungs=2, longest=1.0, rounds=1), epochs=1, predictions=replace(QUICK, budget=0.2))


def _as_good(own: list[Point], theirs: Point, least: float) -> Figure:
    """Return how many times sooner one of ours has a loss that is at least as low; 0 where it never has."""
    there, name = reaching(own, theirs.loss), theirs.learner.name
    ours = there or min(own, key=lambda p: p.loss)
    ratio = theirs.time / ours.time if there else 0.0
    text = f"{ratio:.3g}" if there else "never as good"
    text += f": {duration(ours.time)}, loss {ours.loss:.4f} ({ours.rung:g} {ours.learner.unit})"
    text += f" against {duration(theirs.time)}, {theirs.loss:.4f} ({theirs.rung:g} {theirs.learner.unit})"
    return Figure(f"{own[0].learner.name}: times faster than {name}, at no higher loss", ratio, text, least=least)


def _against_grid(points: list[Point]) -> list[Figure]:
    """Return our choice of the rate against scikit-learn's 16 fits and against one fit of Snap ML's."""
    by_name, found = by_learner(points), []
    for own in by_name.values():
        if own[0].learner.ours:
            found += [_as_good(own, by_name[rival][-1], least) for rival, least in RIVALS.items() if rival in by_name]
    return found


def _to_accuracy(points: list[Point]) -> list[Figure]:
    """Return our seconds to 84 % of the pictures, relative to those of lbfgs to its best accuracy."""
    by_name, found = by_learner(points), []
    theirs = max(by_name[LBFGS], key=lambda p: p.accuracy)
    for name, own in by_name.items():
        if not own[0].learner.ours:
            continue
        there = [p for p in own if p.accuracy >= ENOUGH]
        ours = min(there, key=lambda p: p.time) if there else max(own, key=lambda p: p.accuracy)
        ratio = ours.time / theirs.time if there else math.inf
        text = f"{ratio:.3g}" if there else "never"
        text += f": {duration(ours.time)} ({ours.accuracy:.4f}) against {duration(theirs.time)} ({theirs.accuracy:.4f})"
        what = f"{name}: seconds to {ENOUGH} test accuracy / {LBFGS} to its best"
        found.append(Figure(what, ratio, text, most=0.1))
    return found


RIVALS = {GRID: 20.0, SNAP: 1.0}
"""How many times faster to be than these, at no higher loss."""
PARTS = ("epoch", "losses", "predictions", "memory")
TARGETS = {"rcv1": _against_grid, "fashion": _to_accuracy}
"""What time to a loss must reach, by task."""


def losses(task: Task, work: Work) -> tuple[Result, list[Point]]:
    """Measure time to a held-out loss of everybody."""
    points, failures = time_to_loss.curves(task, learners(task), work.ladder)
    goal = time_to_loss.given_loss(points)
    result = Result(f"{task.title}: seconds to a held-out log loss")
    result.header = ["", "trained for", "median", "runs", "held-out loss", "accuracy", f"loss <= {goal:.4f} in"]
    for name, own in by_learner(points).items():
        there = reaching(own, goal)
        for k, p in enumerate(own):
            first = [name, "not reached" if there is None else duration(there.time)] if k == 0 else ["", ""]
            trained = f"{p.rung:g} {p.learner.unit}"
            result.rows.append(
                [
                    first[0],
                    trained,
                    duration(p.time),
                    f"{len(p.seconds)}",
                    f"{p.loss:.4f}",
                    f"{p.accuracy:.4f}",
                    first[1],
                ]
            )
        result.samples[name] = [
            {"rung": p.rung, "seconds": p.seconds, "losses": p.losses, "accuracies": p.accuracies} for p in own
        ]
    result.figures = TARGETS[task.name](points) if task.name in TARGETS else []
    result.note = (
        "Whole fits from scratch, all interleaved, medians of so many runs; the loss to reach is 1 % above the lowest of a peer. Of the 16 "
        "fits, which count together, the one with the lowest held-out loss counts. "
        f"No run that would have taken more than about {work.ladder.longest:g} s."
    )
    if reason := left_out(task):
        result.note += f" Left out: liblinear-official, Vowpal Wabbit ({reason})."
    result.note += "".join(f" Failed: {name}: {error}." for name, error in failures.items())
    return result, points


def report(task: Task, work: Work, parts: Sequence[str], pictures: Path | None, about: str) -> list[Result]:
    """Measure these parts on one data set."""
    results = []
    if "epoch" in parts:
        results.append(linear_speed.epoch(task, work.epochs))
    if "losses" in parts:
        found, points = losses(task, work)
        results.append(found)
        if pictures:
            pictures.mkdir(parents=True, exist_ok=True)
            time_to_loss.picture(task, points, about, pictures / f"{task.name}.png")
    if "predictions" in parts:
        results.append(linear_speed.predictions(task, work.predictions))
    if "memory" in parts and task.name == "flights":
        results.append(linear_speed.memory(task))
    return results


def _versions() -> dict[str, str]:
    found = machine.describe()
    there = ["numpy", "scipy", "scikit-learn", *(p for p in PEERS if p not in absent())]
    found["Peers"] = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in there)
    if missing := absent():
        found["Not installed"] = f"{', '.join(missing)} ({HOW_TO_GET_PEERS})"
    return found


def arguments(argv: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m bench.linear", description=__doc__)
    parser.add_argument("--data", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, help="losses takes longest; memory: flights"
    )
    parser.add_argument("--quick", action="store_true", help="few rows, one round: to see that everything runs")
    parser.add_argument(
        "--folder", nargs="+", type=Path, default=[], help="where a9a and flights are, besides $FASTGD_DATA"
    )
    parser.add_argument("--alpha", type=float, help="another strength of the penalty, for everybody")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there")
    parser.add_argument("--curves", type=Path, metavar="FOLDER", help="write pictures of loss against seconds there")
    return parser.parse_args(argv)


def _shown(task: Task, results: list[Result]) -> str:
    parts = [f"## {task.title}\n\n{task.describe()}", summary(results)]
    parts += [f"### {r.title}\n\n{table(r.header, r.rows)}\n\n{r.note}" for r in results]
    return "\n\n".join(parts) + "\n"


def main(argv: Sequence[str]) -> int:
    given = arguments(argv)
    before = machine.load()
    about = _versions() | {"Load average before": f"{before:.2f}"}
    warning = machine.warning(before)
    if given.quick:
        warning += " Quick: few rows and one round; these are not the figures that the targets are about."
    command = " ".join(["python -m bench.linear", *argv])
    print(f"Measured by `{command}` on {time.strftime('%Y-%m-%d', time.gmtime())}.\n")
    print("\n".join(f"* {name}: {value}" for name, value in about.items()), end="\n\n")
    if warning:
        print(f"**{warning.strip()}**\n")
    content: dict = {"command": command, "machine": about, "results": {}}
    began = time.perf_counter()
    for name in given.data:
        print(f"{time.perf_counter() - began:5.0f} s  {name}", file=sys.stderr, flush=True)
        try:
            task = TASKS[name](folders_of(given.folder), given.quick)
        except NotInstalledError as error:
            print(f"## {name}\n\nSkipped: {error}\n", flush=True)
            continue
        if given.alpha is not None:
            task = replace(task, alpha=given.alpha)
        where = f"{about['Processor']}; fastgd {about['fastgd'].split(',')[0]}" + ("; quick" if given.quick else "")
        results = report(task, QUICK_WORK if given.quick else WORK, given.parts, given.curves, where)
        print(_shown(task, results), flush=True)
        content["results"][name] = [asdict(result) for result in results]
    print(f"{time.perf_counter() - began:5.0f} s  done", file=sys.stderr)
    if given.json:
        given.json.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
