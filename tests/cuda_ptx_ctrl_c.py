"""Ctrl-C within a step on a GPU, run by `test_cuda_ptx.py` on what stands for one.

A step is taken or not, wherever it comes. The oracle is a state that nothing disturbs.
"""

import os
import sys

import numpy as np
import pytest

import fastgd
from tests.cuda_ptx_streams import Array

S = fastgd.schedules
SHAPES = ((3,), (2, 5), (7,))
MOST = int(
    os.environ.get("FASTGD_CTRL_C", "8")
)  # points that are tried of an optimizer: each costs a tenth of a second
NEVER = 1 << 30
tried: set = set()  # of all optimizers together


class Interrupted:
    """Raises KeyboardInterrupt at the n-th of the points where Python handles signals: functions begin, or have returned from C.

    Only those in our own files count. `points` says which they were: file, line and event.
    """

    def __init__(self, n):
        self.n, self.points, self.reached = n, [], False

    def __enter__(self):
        sys.setprofile(self._seen)
        return self

    def __exit__(self, kind, *error):
        sys.setprofile(None)
        return self.reached and kind is KeyboardInterrupt

    def _seen(self, frame, event, argument):
        code = frame.f_code
        if event not in ("call", "c_return") or "/fastgd/" not in code.co_filename or in_finalizer(frame):
            return
        self.points.append((code.co_filename, frame.f_lineno, event))
        if len(self.points) > self.n and not self.reached:
            self.reached = True
            raise KeyboardInterrupt


def in_finalizer(frame):
    """Say whether an object is being deleted, where Python swallows what is raised."""
    while frame is not None and frame.f_code.co_name != "__del__":
        frame = frame.f_back
    return frame is not None


def values_of(state, params):
    return [p.get() for p in params] + [np.asarray(a) for a in state.arrays.values()]


def same(found, expected):
    return all(a.tobytes() == b.tobytes() for a, b in zip(found, expected, strict=True))


def values(dtypes=("float32", "float64", "float32")):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(s).astype(d) for s, d in zip(SHAPES, dtypes, strict=True)]


OPTIMIZERS = {
    "plain": fastgd.AdamW(lr=S.cosine(0.1, 9)),
    "zero": fastgd.SGD(lr=0.1, momentum=0.9, on_nonfinite="zero"),
    "clipped": fastgd.Adam(lr=0.1, clip_norm=0.1),
    "averages": fastgd.SGD(lr=0.1, on_nonfinite="zero", extras=(fastgd.EMA(0.9), fastgd.Lookahead(2, 0.5))),
    "directions": fastgd.SGD(lr=0.1, extras=fastgd.GradientCentralization()),
    "measured": fastgd.Prodigy(),
    "rows and columns": fastgd.Adafactor(lr=0.1),
    "maxima": fastgd.SM3(lr=0.1, momentum=0.9),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ctrl_c_in_a_step(name):
    """The step is taken or it is not, nothing stays locked, and what is left of it can be done again."""
    optimizer, rng = OPTIMIZERS[name], np.random.default_rng(1)
    grads = [Array(rng.standard_normal(v.shape).astype(v.dtype)) for v in values()]

    def begun():
        params = [Array(v) for v in values()]
        return optimizer.init(params), params

    def settled(state, params):
        if optimizer.extras and optimizer.extras[-1].slot:
            with state.averaged():  # which brings averages up to date
                pass
        return values_of(state, params)

    state, params = begun()
    expected = [settled(state, params)]
    state.step(grads)
    expected.append(settled(state, params))
    state, params = begun()
    with Interrupted(NEVER) as whole:
        state.step(grads)
    last = {point: n for n, point in enumerate(whole.points)}
    points = sorted(n for point, n in last.items() if point not in tried)
    for n in points[:: max(1, len(points) // MOST)]:
        state, params = begun()
        with Interrupted(n) as interrupted:
            state.step(grads)
        assert interrupted.reached
        assert same(settled(state, params), expected[state.t]), whole.points[n]
        if state.t == 0:
            state.step(grads)
            assert same(settled(state, params), expected[1]), whole.points[n]
    tried.update(last)
