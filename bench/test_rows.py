"""The report is complete and runs: every optimizer and every rule has a row, every benchmark its figures."""

import inspect

import pytest

import fastgd
from bench import report
from bench.benchmarks import BENCHMARKS
from bench.results import Figure
from bench.timing import Effort
from bench.workloads import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("default")  # the peers' warnings are not ours

TINY = Effort(elements=2**12, rounds=2, budget=0.1, batch=1e-4, settle=0.0, busy=1e-3, processes=1)


def public_optimizers():
    found = [getattr(fastgd.optimizers, name) for name in fastgd.optimizers.__all__]
    return {c for c in found if inspect.isclass(c) and issubclass(c, fastgd.Optimizer) and c is not fastgd.Optimizer}


def rule_functions():
    found = inspect.getmembers(fastgd.rules, inspect.isfunction)
    return {function for name, function in found if name != "clipped"}  # what every rule's gradient goes through


def test_every_optimizer_class_has_a_row():
    assert public_optimizers() == {type(o) for o in OPTIMIZERS}


def test_every_rule_has_a_row():
    assert rule_functions() == {o._rule() for o in OPTIMIZERS}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_runs_and_compares_the_same_work(name):
    result = BENCHMARKS[name](TINY)
    assert result.figures and result.samples
    column = result.header.index("difference") if "difference" in result.header else None
    for row in result.rows:
        assert len(row) == len(result.header)
        if column is not None and row[column]:
            assert float(row[column]) < 1e-2, row
    assert all(f.what in report.summary([result]) for f in result.figures)


@pytest.mark.parametrize(
    ("value", "target", "verdict"),
    [
        (1.0, {}, ""),
        (1.0, {"least": 1.0}, "met"),
        (0.99, {"least": 1.0}, "MISSED"),
        (1.2, {"most": 1.2}, "met"),
        (1.21, {"most": 1.2}, "MISSED"),
        (None, {"least": 1.0}, "not measured"),
    ],
)
def test_verdict(value, target, verdict):
    assert Figure("", value, "", **target).verdict == verdict


def test_a_missing_peer_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("bench.benchmarks.installed", lambda name: False)
    for name in ("mlp", "many", "clip"):
        assert "pip install 'fastgd[bench]'" in report.summary([BENCHMARKS[name](TINY)])


def test_only_chooses_by_pattern():
    assert list(report.arguments(["--only", "mlp|many"]).chosen) == ["mlp", "many"]
    with pytest.raises(SystemExit):
        report.arguments(["--only", "nothing"])
