"""What finds a good learning rate: every rule of `lr_find` and ``learning_rate="auto"`` against 32 rates: ``python -m bench.choosing``.

A third of each data set is held out. First table: for each seed `lr_find` sees the other rows, and an estimator is trained on them for five
epochs with each rule's suggestion and with 32 rates from 1e-5 to 30, all constant, all lanes of one pass. Loss is the mean over the rows
held out, after the last epoch. A rule succeeds where it is within 2 % of the loss of the best of the 32 rates; this is counted

* by the rates: their losses are means over the trainings with all seeds, so that it is the rate that is judged, not the luck of a run;
* by the fall: the same, within 2 % of the way from the untrained model's loss to the best one's, which is what 2 % means where the best
  loss is near 0 or near that of the untrained;
* by the runs: each seed's own training against the best of 32 in the very same training, who has picked the luckiest of 32.

What can be reached at all is told by the last row: the best rate of a whole sweep, but that of the next seed.

Second table: "auto" holds its validation rows out of those it is given, and 32 rates train with them for as many epochs as it took, both
as constant rates and falling to zero in a straight line. Compared are losses on the third held out; the best rate is the one with the
lowest loss on the validation rows. This is counted by runs, and by cases: the mean loss over the seeds against the mean of the best. What
can be reached by runs is told by the last row: the best of the same 32 constant rates, with another seed, and so other validation rows
and another order. One fit is that with the best rate, for as many epochs. All times are the processor's.

Third table: `lr_find` on larger data (bench/choosing_large.py).
"""

import argparse
import json
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import train_test_split

from bench import choosing_large
from bench.choosing_cases import OPTIMIZERS, Case, cases
from bench.machine import describe
from fastgd._training.rates import RateTable
from fastgd._training.rows import Rows
from fastgd.learning_rate import lr_find, sweep
from fastgd.schedules import linear

RATES = np.geomspace(1e-5, 30, 32)
N_EPOCHS = 5
WITHIN, AUTO_WITHIN = 0.02, 0.01
ANOTHER_SWEEP = "(another seed's whole sweep)"
BETWEEN = "rate", "fall", "run"
AUTO, ANOTHER_SEED = "auto", 1000
TO_BEAT = "constant", "falling"


def split(case: Case, seed: int) -> tuple:
    """Return X, X_val, y, y_val."""
    classes = case.y if is_classifier(case.make("sgd", 0)) else None
    return train_test_split(case.X, case.y, test_size=1 / 3, random_state=seed, stratify=classes)


def epoch_seconds(model, X, y) -> float:
    """Return how long an epoch takes: the difference of fits of six epochs and of one, divided by five."""
    fits = {n: clone(model).set_params(max_iter=n, tol=None) for n in (1, 6)}
    least = dict.fromkeys(fits, np.inf)
    for _ in range(3):
        for n, each in fits.items():
            began = time.process_time()
            each.fit(X, y)
            least[n] = min(least[n], time.process_time() - began)
    return max(1e-9, (least[6] - least[1]) / 5)


def judge_rules(case: Case, optimizer: str, seeds: range) -> dict:
    """Return for each rule and seed whether it succeeds by rate, fall and run, (3,); and lr_find's seconds."""
    parts = [split(case, seed) for seed in seeds]
    models = [case.make(optimizer, seed) for seed in seeds]
    found, seconds = [], []
    for model, (X, _, y, _) in zip(models, parts, strict=True):
        began = time.process_time()
        found.append(lr_find(model, X, y, n_epochs=N_EPOCHS))
        seconds.append(time.process_time() - began)
    rules = found[0].suggestions
    suggested = np.array([[each.suggestions[rule].learning_rate for rule in rules] for each in found])
    every = np.unique(np.concatenate([RATES, suggested.ravel()]))
    loss = np.full((len(parts), len(every)), np.inf)
    untrained = []
    for k, (model, (X, X_val, y, y_val)) in enumerate(zip(models, parts, strict=True)):
        result = sweep(model, X, y, learning_rate=every, n_epochs=N_EPOCHS, X_val=X_val, y_val=y_val)
        loss[k] = np.where(np.isfinite(result.val_loss[-1]), result.val_loss[-1], np.inf)
        untrained.append(_untrained(model, X, y, X_val, y_val))
    grid = np.searchsorted(every, RATES)
    by_rate = loss.mean(axis=0)
    best, fall = by_rate[grid].min(), np.mean(untrained) - by_rate[grid].min()
    hits = defaultdict(list)
    for k in range(len(parts)):
        others = RATES[loss[(k + 1) % len(parts), grid].argmin()]
        for rule, rate in [*zip(rules, suggested[k], strict=True), (ANOTHER_SWEEP, others)]:
            at = np.searchsorted(every, rate)
            own = loss[k, grid].min()
            limits = best * (1 + WITHIN), best + WITHIN * fall, own * (1 + WITHIN)
            hits[rule].append(
                [bool(v <= m) for v, m in zip((by_rate[at], by_rate[at], loss[k, at]), limits, strict=True)]
            )
    one = epoch_seconds(models[0].set_params(learning_rate=1e-3), parts[0][0], parts[0][2])
    return {"hits": dict(hits), "seconds": min(seconds), "epochs": min(seconds) / one, "suggested": suggested.tolist()}


def _untrained(model, X, y, X_val, y_val) -> float:
    """Return the validation loss of the weights that training begins with: that of a rate at which nothing happens."""
    return float(
        sweep(model, X[:50], y[:50], learning_rate=[1e-30], n_epochs=1, X_val=X_val, y_val=y_val).val_loss[0, 0]
    )


def mean_loss(model, X, y) -> float:
    """Return the mean of a fitted model's own loss, the sum over its classes."""
    task = model._task(X, y, None, (None, None, None), False)
    network = "n_lanes" not in task
    probe = model._probe(task["X"], task.get("n_lanes", 1), task["X"].dtype)
    probe.set_coef(*((model._flat(),) if network else (np.atleast_2d(model.coef_).T, model.intercept_)))
    result = probe.epoch(Rows.of(task["X"]), task["targets"], None, RateTable.constant(0.0))
    return float(result.loss_sum.sum() / X.shape[0])


def judge_auto(case: Case, optimizer: str, seed: int) -> dict:
    """Return how far auto's test loss is above that of the best constant and falling rate, and its time over one fit's."""
    X, X_test, y, y_test = split(case, seed)
    model = case.make(optimizer, seed)
    auto = clone(model).set_params(learning_rate="auto").fit(X, y)
    loss, result = {AUTO: mean_loss(auto, X_test, y_test)}, None
    for name, schedule, random_state in (
        ("constant, another seed", 1.0, seed + ANOTHER_SEED),
        ("falling", linear(1.0, "100%"), seed),
        ("constant", 1.0, seed),
    ):
        tried = clone(model).set_params(learning_rate=schedule, random_state=random_state)
        result = sweep(tried, X, y, learning_rate=RATES, n_epochs=auto.n_iter_)
        loss[name] = max(mean_loss(result.best_estimator, X_test, y_test), 1e-12)
    one = clone(result.best_estimator).set_params(max_iter=auto.n_iter_, tol=None, early_stopping=True)
    least = [np.inf, np.inf]
    for _ in range(3):
        for k, each in enumerate((clone(auto), one)):
            began = time.process_time()
            each.fit(X, y)
            least[k] = min(least[k], time.process_time() - began)
    return {
        "loss": loss,
        "ratio": least[0] / least[1],
        "n_iter": int(auto.n_iter_),
        "rate": float(auto.learning_rate_),
    }


def share(values: Iterable[bool]) -> str:
    values = list(values)
    return f"{100 * np.mean(values):.0f} %" if values else "-"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def rules_table(found: list[tuple[Case, str, dict]]) -> str:
    """Return the table of the rules: shares of the cases, those held out apart."""
    groups = {"all": found, "held out": [each for each in found if each[0].held_out]}
    groups |= {optimizer: [each for each in found if each[1] == optimizer] for optimizer in OPTIMIZERS}
    header = ["rule", *(f"{name}: by {what}" for name in ("all", "held out") for what in BETWEEN)]
    header += [f"{optimizer}: by rate, by fall" for optimizer in OPTIMIZERS]
    rows = []
    for rule in dict.fromkeys(rule for *_, each in found for rule in each["hits"]):
        counted = {
            name: [hit for *_, each in group for hit in each["hits"].get(rule, [])] for name, group in groups.items()
        }
        cells = [share(hit[k] for hit in counted[name]) for name in ("all", "held out") for k in range(3)]
        cells += [", ".join(share(hit[k] for hit in counted[each]) for k in (0, 1)) for each in OPTIMIZERS]
        rows.append([rule, *cells])
    return table(header, rows)


def cost_table(found: list[tuple[Case, str, dict]]) -> str:
    """Return the table of what `lr_find` costs."""
    names = list(dict.fromkeys(case.name for case, *_ in found))
    rows = []
    for name in names:
        each = {optimizer: result for case, optimizer, result in found if case.name == name}
        rows.append([name, *(f"{1e3 * r['seconds']:.0f} ms, {r['epochs']:.3g}" for r in each.values())])
    return table(["lr_find: time, as epochs of one fit", *OPTIMIZERS], rows)


def above(runs: list[dict], best: str, judged: str = AUTO) -> np.ndarray:
    """Return by which share the loss of each run is above that of the best rate."""
    return np.array([run["loss"][judged] / run["loss"][best] - 1 for run in runs])


def above_by_case(group: list[tuple[Case, str, list[dict]]], best: str, judged: str = AUTO) -> np.ndarray:
    """Return the same of the mean losses over the seeds of each case."""
    means = [[np.mean([run["loss"][name] for run in runs]) for name in (judged, best)] for *_, runs in group]
    return np.array([mine / other - 1 for mine, other in means])


def auto_table(found: list[tuple[Case, str, list[dict]]]) -> str:
    """Return the table of "auto"."""
    groups = {"all": found, "held out": [each for each in found if each[0].held_out]}
    groups |= {optimizer: [each for each in found if each[1] == optimizer] for optimizer in OPTIMIZERS}
    rows = []
    for name, group in groups.items():
        runs = [run for *_, each in group for run in each]
        ratios = [run["ratio"] for run in runs] or [np.nan]
        within = [
            share(values <= AUTO_WITHIN)
            for best in TO_BEAT
            for values in (above(runs, best), above_by_case(group, best))
        ]
        rows.append([name, str(len(runs)), *within, f"{np.median(ratios):.2f}", f"{np.max(ratios):.2f}"])
    runs, other = [run for *_, each in found for run in each], "constant, another seed"
    within = [
        share(each <= AUTO_WITHIN) for each in (above(runs, "constant", other), above_by_case(found, "constant", other))
    ]
    rows.append(["(best constant, another seed)", str(len(runs)), *within, "", "", "", ""])
    header = [
        "",
        "runs",
        "within 1 % of the best constant: runs",
        "cases",
        "... of the best falling to 0: runs",
        "cases",
    ]
    return table([*header, "time / one fit: median", "most"], rows)


def auto_misses(found: list[tuple[Case, str, list[dict]]]) -> str:
    """Return what "auto" does in each case: by how much it is above the best."""
    rows = []
    for case, optimizer, runs in found:
        each = [" ".join(f"{100 * value:+.1f}" for value in above(runs, best)) for best in TO_BEAT]
        epochs = " ".join(str(run["n_iter"]) for run in runs)
        rows.append([case.name, optimizer, *each, epochs, f"{np.median([run['ratio'] for run in runs]):.2f}"])
    return table(
        ["", "", "% above the best constant, by seed", "% above the best falling", "epochs", "time / one fit"], rows
    )


def main(arguments: list[str]) -> int:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m bench.choosing", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=("rules", "auto", "large"))
    parser.add_argument("--case", nargs="*", help="names of data sets")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    options = parser.parse_args(arguments)
    began, seeds = time.perf_counter(), range(options.seeds)
    chosen = [case for case in cases() if not options.case or case.name in options.case]
    if options.only == "large":
        chosen = []
    rules, auto = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in chosen:
            for optimizer in OPTIMIZERS:
                if options.only != "auto":
                    rules.append((case, optimizer, judge_rules(case, optimizer, seeds)))
                if options.only != "rules":
                    auto.append((case, optimizer, [judge_auto(case, optimizer, seed) for seed in seeds]))
            if options.json:
                every = {"rules": [(c.name, o, r) for c, o, r in rules], "auto": [(c.name, o, r) for c, o, r in auto]}
                options.json.write_text(json.dumps(every))
            print(f"{time.perf_counter() - began:6.1f} s {case.name}", file=sys.stderr, flush=True)
    if rules:
        print(rules_table(rules), cost_table(rules), sep="\n\n")
    if auto:
        print("", auto_table(auto), auto_misses(auto), sep="\n\n")
    if options.only in (None, "large"):
        print("", table(choosing_large.HEADER, choosing_large.rows()), sep="\n\n")
    print(f"\n{len(chosen)} data sets, {options.seeds} seeds, {time.perf_counter() - began:.0f} s.", end=" ")
    print(". ".join(f"{name}: {value}" for name, value in describe().items() if name in ("Processor", "fastgd")))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
