"""Ctrl-C at any line of an epoch: the steps done are whole, and training goes on from there with the same bits."""

import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import fastgd
from fastgd._training import batches, network
from fastgd._training.own_lanes import batch_lanes, network_lanes
from fastgd._training.rates import RateTable

N_ROWS, BATCH = 60, 10
FOLDER = str(Path(network.__file__).parent)
RATE = RateTable.steps(np.geomspace(0.1, 0.01, N_ROWS // BATCH)[:, None] * np.array([1.0, 0.3]))
OPTIMIZERS = [
    fastgd.NAdam(momentum_decay=0.1),
    fastgd.FTRL(beta=fastgd.schedules.linear(2.0, 10, end=1.0)),
    fastgd.AdaBound(),
    fastgd.Adam(),
    fastgd.DoG(reps_rel=1e-2),
    fastgd.SPS(),
    fastgd.AdamWScheduleFree(),
    fastgd.Armijo(),
    fastgd.SGD(momentum=0.9, extras=(fastgd.GradientCentralization(), fastgd.EMA(0.9))),
]


def problem():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_ROWS, 7)) * (rng.random((N_ROWS, 7)) < 0.5)
    return X, (X[:, :1] + rng.standard_normal((N_ROWS, 1)) > 0) * 1.0


def networks(optimizer):
    layers, heads = [(5, "tanh")], [(1, "log_loss")]
    return network_lanes("float64", 7, layers, heads, batch_size=BATCH, optimizer=optimizer, seed=[1, 2])


def lines(optimizer):
    options = {"alpha": [0.0, 0.1], "l1_ratio": 0.0, "batch_size": BATCH, "optimizer": optimizer}
    return batch_lanes("float64", 7, "log_loss", average=2 * isinstance(optimizer, fastgd.DoG), **options)


class Interrupted:
    """Within it KeyboardInterrupt comes before the given line of our Python code, or of these functions, counted from 0."""

    def __init__(self, line, functions=()):
        self.line, self.functions, self.seen = line, functions, 0

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.enter)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)

    def enter(self, frame, event, argument):
        code = frame.f_code
        ours = code.co_filename.startswith(FOLDER) and (not self.functions or code.co_name in self.functions)
        return self.count if ours else None

    def count(self, frame, event, argument):
        if event == "line":
            self.seen += 1
            if self.seen == self.line + 1:
                raise KeyboardInterrupt
        return self.count


def interrupted_and_resumed(make, rows, y, line, functions=()):
    """Return lanes after two epochs, the first of them interrupted and resumed, and whether it has been."""
    lanes, interrupted = make(), False
    try:
        with Interrupted(line, functions):
            lanes.epoch(rows, y, None, RATE)
    except KeyboardInterrupt:
        interrupted = True
    lanes.epoch(rows, y, None, RATE, start=(int(lanes.t) - 1) * BATCH)
    resumed = make()
    resumed.set_state(lanes.state())
    resumed.epoch(rows, y, None, RATE)
    return resumed, interrupted


def straight(make, rows, y, functions=()):
    """Return lanes after two epochs, and how many lines one of them ran."""
    lanes = make()
    with Interrupted(10**9, functions) as trace:
        lanes.epoch(rows, y, None, RATE)
    lanes.epoch(rows, y, None, RATE)
    return lanes, trace.seen


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("make", [networks, lines])
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_interrupted_anywhere_training_goes_on_with_the_same_bits(monkeypatch, optimizer, make, sparse):
    monkeypatch.setattr(network, "WORK", 1)  # each step is a slice of its own
    monkeypatch.setattr(batches, "WORK", 1)
    X, y = problem()
    rows = sp.csr_matrix(X) if sparse else X
    whole, n_lines = straight(lambda: make(optimizer), rows, y)
    interrupts = 0
    for line in range(0, n_lines, n_lines // 20):
        resumed, interrupted = interrupted_and_resumed(lambda: make(optimizer), rows, y, line)
        interrupts += interrupted
        assert resumed.t == whole.t
        assert np.array_equal(resumed.coef, whole.coef), line
    assert interrupts > 10


TAKING = ("finish", "_take", "_count_into_average", "_measured")
TRYING = ("_told", "<lambda>", "tried", "_tried", "_losses", "_penalties", "_constrain")


@pytest.mark.parametrize(
    ("optimizer", "functions"), [(fastgd.DoG(reps_rel=1e-2), TAKING), (fastgd.Armijo(), TRYING)], ids=["DoG", "Armijo"]
)
@pytest.mark.parametrize("make", [networks, lines])
def test_interrupted_between_the_steps_of_two_models(make, optimizer, functions):
    """At every line where models take their own steps, the average and a search's trials included."""
    X, y = problem()
    whole, n_lines = straight(lambda: make(optimizer), X, y, functions)
    for line in range(n_lines // 2):
        resumed, interrupted = interrupted_and_resumed(lambda: make(optimizer), X, y, line, functions)
        assert interrupted
        assert np.array_equal(resumed.coef, whole.coef), line
        if whole.average:
            assert np.array_equal(resumed.average_coef, whole.average_coef), line
