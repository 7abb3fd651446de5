"""Threads, processes and signals: every child computes what one thread computes, and nothing hangs, spins or multiplies.

Each case runs in a process of its own, under a watchdog; processes.py beside this file has them.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fastgd

from .processes import CORES, LARGE, SMALL, WAYS

WATCHDOG = 60  # seconds
FOUR = {"OMP_NUM_THREADS": "4"}  # three helpers, on a single processor too


def command(*arguments, **variables):
    """Return what starts a case. BLAS gets one thread, so that the threads beside Python's own are ours."""
    environment = {k: v for k, v in os.environ.items() if k not in ("OMP_NUM_THREADS", "FASTGD_CPU")}
    environment |= {
        "PYTHONPATH": str(Path(fastgd.__file__).parents[1]),
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
    program = str(Path(__file__).with_name("processes.py"))
    return {"args": [sys.executable, program, *map(str, arguments)], "env": environment | variables, "text": True}


def found(*arguments, **variables):
    """Run a case and return what it found."""
    done = subprocess.run(**command(*arguments, **variables), capture_output=True, timeout=WATCHDOG)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def expected():
    """Return what one thread computes."""
    digest, helpers = found("work", OMP_NUM_THREADS="1")
    assert helpers == 0
    return digest


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("way", WAYS)
def test_every_child_computes_what_one_thread_computes(expected, way, moment):
    """Children are made before or after their parent's first threaded step; afterwards the parent works on."""
    digests = [digest for digest, _ in found(way, moment, **FOUR)]
    assert len(digests) >= 3
    assert set(digests) == {expected}


def test_helpers_work_in_the_forked_child_too():
    """The parent's helpers do not exist there; new ones are started."""
    results = found("os.fork", "after", **FOUR)
    assert [helpers for _, helpers in results] == [3] * 4


@pytest.mark.parametrize("elements", [SMALL, LARGE])
def test_8_threads_with_8_optimizers(elements):
    together, one_by_one, _ = found("eight", elements, **FOUR)
    assert together == one_by_one


def test_one_state_in_two_threads_is_refused_and_not_harmed():
    steps, refusals, t, state, replay = found("one state", **FOUR)
    assert refusals > 0
    assert t == steps
    assert state == replay


def test_never_more_threads_than_processors():
    """However many Python threads step at once, they share one set of helpers: one fewer than processors."""
    assert found("eight", LARGE)[2] <= CORES - 1


def test_workers_of_joblib_do_not_multiply_threads():
    """With as many workers as processors, each may use one thread."""
    results = found("loky", "before")[:-1]
    assert [helpers for _, helpers in results] == [0] * len(results)


@pytest.mark.parametrize("limit", ["threadpoolctl", "affinity", "OMP_NUM_THREADS", "few elements"])
def test_no_helper_starts(expected, limit):
    if limit == "few elements":
        assert found("few", **FOUR) == 0
    elif limit == "threadpoolctl":
        limited, free = found("limited", **FOUR)
        assert (limited, free) == ([expected, 0], [expected, 3])
    elif limit == "OMP_NUM_THREADS":
        assert found("work", OMP_NUM_THREADS="1") == [expected, 0]
    else:
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(before)})
        try:
            assert found("work") == [expected, 0]
        finally:
            os.sched_setaffinity(0, before)


def test_idle_helpers_sleep():
    seconds, helpers = found("idle", **FOUR)
    assert helpers == 3
    assert seconds < 0.05


@pytest.mark.parametrize("elements", [SMALL, LARGE])
def test_interrupted_steps_are_whole(elements):
    """After Ctrl-C at any moment, parameters, state arrays and counters are those of a whole number of steps."""
    assert found("interrupted", elements, **FOUR) == []


def test_interrupted_observations_are_whole():
    assert found("observing") == []


@pytest.mark.parametrize("wait", [0, 0.05, 0.11])
def test_ctrl_c_ends_the_process(wait):
    process = subprocess.Popen(**command("endless", **FOUR), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    finally:
        process.kill()
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT


@pytest.mark.parametrize("attempt", range(3))
def test_the_interpreter_ends_in_mid_step(attempt):
    done = subprocess.run(**command("exit", **FOUR), capture_output=True, timeout=WATCHDOG)
    assert (done.returncode, done.stderr) == (0, "")
