"""The comparison of self-tuning optimizers, on a problem of seconds, and the measurement of what watching costs."""

import math

import numpy as np
import pytest

import fastgd
from bench import monitoring, self_tuning
from bench.self_tuning import NONE, Problem


def small(two_classes=False):
    rng = np.random.default_rng(0)
    X = np.hstack([rng.normal(size=(40, 3)), np.ones((40, 1))])
    y = (X @ [1.0, -2.0, 0.5, 0.1] > 0).astype(int)

    def loss_and_gradient(w, rows):
        W = w.reshape(4, 2)
        z = X[rows] @ W
        log_p = z - np.logaddexp(z[:, 0], z[:, 1])[:, None]
        loss = -float(log_p[np.arange(len(rows)), y[rows]].mean()) + 0.5 * self_tuning.PENALTY * float(w @ w)
        slope = (np.exp(log_p) - np.eye(2)[y[rows]]) / len(rows)
        return loss, (X[rows].T @ slope).ravel() + self_tuning.PENALTY * w

    start = np.zeros(8)
    least = self_tuning.minimum(loss_and_gradient, start, np.arange(40))
    return Problem("small", start, loss_and_gradient, 40, 10, 40, least, (X, y) if two_classes else None)


def test_everybody_takes_part(monkeypatch):
    monkeypatch.setattr(self_tuning, "RATES", np.array([0.01, 1.0]))
    comparison = self_tuning.compare(small(two_classes=True))
    by_hand, own, default = comparison.parts
    assert [len(by_hand), len(own)] == [3, len(self_tuning.contenders(1.0, 1.0))]
    shown = {name: value for part in comparison.parts for name, value, _ in part}
    assert NONE not in shown.values()
    assert float(shown["NormalizedOnline"]) < 0.3 and float(shown["Armijo"]) < 0.3
    met = {name.partition(" (")[0].partition(",")[0] for name in shown}
    rules = {name for name in fastgd.optimizers.__all__ if name in fastgd.Optimizer.registry}
    assert rules <= met
    assert all(len(curve) > 3 and curve[0][1] == curve[0][1] for curve in comparison.curves.values())
    assert len(default) > 20


def test_who_cannot_take_part_is_said():
    assert math.isnan(self_tuning.excess(small(), fastgd.NormalizedOnline()))
    assert self_tuning._row("x", math.nan, 0.0, 1.0, 1.0) == ("x", NONE, "")
    assert self_tuning._row("x", 2.0, 0.0, 1.0, 1.0)[1] == "diverged"


def test_monitoring_prints_every_row(capsys, monkeypatch):
    monkeypatch.setattr(monitoring, "STRETCH", 20)
    monkeypatch.setattr(monitoring, "SHAPES", {"one array": [(30,)]})
    monkeypatch.setattr(monitoring, "fitting", lambda kind, way: lambda: None)
    monkeypatch.setattr(monitoring, "nanoseconds", lambda function, n=2, n_stretches=1: float(function(0) is None))
    monitoring.watching(2)
    monitoring.scheduling(2)
    shown = capsys.readouterr().out
    for word in (
        "monitor=True",
        "rollback=True",
        "on_divergence='retry'",
        "the median of",
        "ns more than with a number",
    ):
        assert word in shown


@pytest.mark.parametrize("text", monitoring.compositions())
def test_compositions_are_of_three(text):
    schedule = monitoring.compositions()[text]
    leaves = [schedule]
    while any(each._children() for each in leaves):
        leaves = [leaf for each in leaves for leaf in (each._children() or (each,))]
    assert len(leaves) == 3
    assert math.isfinite(schedule(5))
