"""Line searches on arrays of a GPU, run by `test_cuda_sim.py` in the simulator.

The oracle is the processor's executor: the points that are tried, as the user's function sees them, and those that are kept.
"""

import itertools
import sys

import ml_dtypes
import numpy as np
import pytest

import fastgd
from fastgd._kernels import cuda_launch, cuda_memory, cuda_passes, cuda_plan
from tests.cuda_arrays import Pair, Produced, few_threads, shifted

sys.setswitchinterval(1e-5)  # the simulator's barriers wait for the interpreter to switch threads
DTYPES = ["float32", "float64", "float16", ml_dtypes.bfloat16]
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=["f32", "f64", "f16", "bf16"])
SHAPES = [(3, 4), (7,), (), (0,), (33,)]
LONG = {"first": 8.0, "backtrack": 0.5}  # so that several steps are tried


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    few_threads(monkeypatch, 4)


def loss_of(params):
    """Return a loss that curves differently along each array."""
    return float(sum((k + 1) * (p.astype(float) ** 2).sum() for k, p in enumerate(params)))


def slopes(params, sign=1):
    return [np.asarray(sign * 2 * (k + 1) * p.astype(float)).astype(p.dtype) for k, p in enumerate(params)]


class Searched(Pair):
    """Both states search their steps; the points they try are compared."""

    def __init__(self, optimizer, dtype, shapes=SHAPES, **options):
        rng = np.random.default_rng(0)
        super().__init__(optimizer, [np.asarray(rng.standard_normal(s)).astype(dtype) for s in shapes], **options)

    def search(self, grads=None, sign=1, measure=loss_of):
        """Take a step of both and return how many points they have tried."""
        grads = slopes(self.here, sign) if grads is None else grads
        infos, tried = [], []
        wrapped = [None if g is None else self.wrap(g.copy()) for g in grads]
        for state, arrays, own in ((self.cpu, self.here, grads), (self.gpu, self.there, wrapped)):
            points = []

            def loss(arrays=arrays, points=points):
                points.append([p.copy() for p in arrays])
                return sign * measure(arrays)

            infos.append(state.step(own, loss=loss))
            tried.append(points)
        for here, there in zip(*tried, strict=True):
            assert [p.tobytes() for p in here] == [p.tobytes() for p in there]
        assert infos[0][:2] + infos[0][3:] == infos[1][:2] + infos[1][3:]
        assert self.cpu.estimates == self.gpu.estimates
        self.assert_equal()
        if not (infos[0].skipped or self.cpu.optimizer.extras):  # the last one tried is kept
            assert [p.tobytes() for p in self.there] == [p.tobytes() for p in tried[0][-1]]
        return len(tried[0])


@every_dtype
def test_trials_and_steps_have_the_bits_of_the_processor(dtype):
    pair = Searched(fastgd.Armijo(**LONG), dtype)
    assert pair.search() > 3
    for _ in range(3):
        pair.search()
    before = [p.copy() for p in pair.here]
    grads = slopes(pair.here)
    grads[1] = None
    pair.search(grads)
    assert (pair.there[1] == before[1]).all() and (pair.there[4] != before[4]).any()
    pair.search()


OPTIONS = {
    "clip_norm": {"clip_norm": 0.5},
    "a tiny clip_norm": {"clip_norm": 1e-40, "first": 1e38, "lr": 3e38, "backtrack": 0.1},
    "clip_value": {"clip_value": 0.25},
    "maximize": {"maximize": True},
    "no norm": {"on_nonfinite": "zero"},
    "learned limit": {"clip_norm": fastgd.AutoClip(50)},
    "schedules": {"lr": fastgd.schedules.linear(4.0, 9), "backtrack": fastgd.schedules.linear(0.9, 9, end=0.3)},
    "extras": {"extras": (fastgd.GradientCentralization(), fastgd.EMA(0.9), fastgd.Lookahead(k=2, alpha=0.3))},
}


@pytest.mark.parametrize("dtype", ["float32", ml_dtypes.bfloat16], ids=["f32", "bf16"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options_of_searches(options, dtype):
    pair = Searched(fastgd.Armijo(**{**LONG, **options}), dtype)
    tried = [pair.search(sign=-1 if "maximize" in options else 1) for _ in range(3)]
    assert max(tried) >= 2


def test_searches_of_groups():
    overrides = {"0": {"clip_value": 0.1}, "4": {"maximize": True, "lr": 0.1}}
    pair = Searched(fastgd.Armijo(**LONG), "float32", overrides=overrides)

    def measure(arrays):
        return loss_of(arrays[:4]) - loss_of([arrays[4]])

    for _ in range(3):
        grads = slopes(pair.here)
        grads[4] = -2 * pair.here[4]
        pair.search(grads, measure=measure)


@pytest.mark.parametrize("policy", ["raise", "skip", "zero"])
def test_gradients_that_are_not_finite(policy):
    pair = Searched(fastgd.Armijo(on_nonfinite=policy, **LONG), "float32")
    pair.search()
    grads = slopes(pair.here)
    grads[4][3], grads[4][7] = np.nan, np.inf
    if policy == "raise":
        with pytest.raises(fastgd.NonFiniteError):
            pair.gpu.step([Produced(g) for g in grads], loss=lambda: pytest.fail("called"))
    else:
        tried = pair.search(grads)
        assert (tried == 0) == (policy == "skip")
    pair.assert_equal()
    pair.search()


@pytest.mark.parametrize("maximize", [False, True])
def test_a_trial_that_is_not_a_number_is_too_long_on_a_gpu(maximize):
    sign = -1 if maximize else 1
    pair = Searched(fastgd.Armijo(maximize=maximize), "float32", [(2,)])
    for arrays in (pair.here, pair.there):
        arrays[0][...] = 1
    grads = [np.full(2, sign, np.float32)]
    tried = pair.search(grads, sign, lambda arrays: arrays[0].sum() if arrays[0][0] > 0.5 else np.nan)
    assert tried > 3 and 0.5 < pair.there[0][0] < 1


def test_a_search_that_finds_nothing_makes_the_step_of_its_last_trial():
    pair = Searched(fastgd.Armijo(backtrack=0.1), "float32", [(2,)])
    start = pair.here[0].copy()
    assert pair.search(measure=lambda arrays: -1.0 if (arrays[0] == start).all() else 1.0) > 8
    assert (pair.there[0] == start).all()


def test_steps_that_float32_cannot_hold_are_tried_and_shrink():
    pair = Searched(fastgd.Armijo(lr=1e45, first=1e45, backtrack=0.01), "float32", [(5,)])
    assert pair.search() > 20


# ------------------------------------------------------------------------------------------------------------------ what goes wrong


class Number:
    """What a GPU library's array of one is to us."""

    shape, dtype = (), np.dtype(np.float32)

    def __init__(self, value):
        self.value = value

    def item(self):
        return float(np.float32(self.value))


def test_losses_may_be_arrays_of_one():
    pair = Searched(fastgd.Armijo(**LONG), "float32")
    assert pair.search(measure=lambda arrays: loss_of(arrays)) > 2
    info = pair.gpu.step([Produced(g) for g in slopes(pair.there)], loss=lambda: Number(loss_of(pair.there)))
    assert info.t == 1 and not info.skipped
    for optimizer in (fastgd.SPS(), fastgd.AliG()):
        pair = Pair(optimizer, [np.ones(5, np.float32)])
        pair.cpu.step([np.ones(5, np.float32)], loss=2.5)
        pair.gpu.step([Produced(np.ones(5, np.float32))], loss=Number(2.5))
        pair.assert_equal()
    pair = Pair(fastgd.SGD(lr=0.1), [np.ones(5, np.float32)], rollback=True)
    pair.gpu.step([Produced(np.ones(5, np.float32))], loss=Number(1.0))
    assert pair.gpu.step([Produced(np.ones(5, np.float32))], loss=Number(np.nan)).skipped
    pair.gpu.observe(Number(np.inf))
    assert pair.gpu.recovery.n_rollbacks == 2 and pair.gpu.t == 0


@pytest.mark.parametrize("when", [1, 2, 4])
@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_an_error_in_the_loss_leaves_the_gpu_as_it_was(when, error):
    pair = Searched(fastgd.Armijo(**LONG), "float32")
    before, calls = [p.copy() for p in pair.there], []

    def loss():
        calls.append(loss_of(pair.there))
        if len(calls) == when:
            raise error("mine")
        return calls[-1]

    with pytest.raises(error, match="mine"):
        pair.gpu.step([Produced(g) for g in slopes(pair.there)], loss=loss)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(before, pair.there, strict=True)) and pair.gpu.t == 0
    pair.assert_equal()
    pair.search()


class Interrupted:
    """Within it KeyboardInterrupt comes before one line of a search, counted from 0: of copies, trials, and what undoes them."""

    FILES = (cuda_plan.__file__, cuda_passes.__file__, fastgd._search.__file__)
    NAMES = ("keep", "put_back", "sweep", "run", "send", "loss")

    def __init__(self, line):
        self.line, self.seen = line, 0

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.enter)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)

    def enter(self, frame, event, argument):
        ours = frame.f_code.co_filename in self.FILES and frame.f_code.co_name in self.NAMES
        return self.count if ours and frame.f_locals.get("trial", True) else None

    def count(self, frame, event, argument):
        if event == "line":
            self.seen += 1
            if self.seen == self.line + 1:
                raise KeyboardInterrupt
        return self.count


def test_interrupted_at_any_line_of_a_search():
    """Nothing has changed, and the next step is as if nothing had been."""
    optimizer, shapes = fastgd.Armijo(first=2.0, backtrack=0.3), [(5,), (2,)]
    whole, pair = Searched(optimizer, "float32", shapes), Searched(optimizer, "float32", shapes)
    assert whole.search() > 2
    start, grads = [p.copy() for p in pair.there], [Produced(g) for g in slopes(pair.there)]
    for line in itertools.count():
        try:
            with Interrupted(line):
                pair.gpu.step(grads, loss=lambda: loss_of(pair.there))
        except KeyboardInterrupt:
            assert [a.tobytes() for a in start] == [b.tobytes() for b in pair.there] and pair.gpu.t == 0, line
        else:
            break  # there are no more lines
    assert line > 50 and [a.tobytes() for a in whole.there] == [b.tobytes() for b in pair.there]


# ------------------------------------------------------------------------------------------------------------------- where, and how


@every_dtype
def test_searches_leave_alone_what_is_beside_the_arrays(dtype):
    made_of = [shifted(21, dtype, shift, 1.5) for shift in range(4)]
    params = [p for p, _, _ in made_of]
    state = fastgd.Armijo(**LONG).init([Produced(p) for p in params])
    grads = slopes(params)
    before = [g.copy() for g in grads]
    state.step([Produced(g) for g in grads], loss=lambda: loss_of(params))
    assert all((g == b).all() for g, b in zip(grads, before, strict=True))
    for p, whole, first in made_of:
        assert (p != 1.5).all() and (np.delete(whole, range(first, first + 21)) == 7).all()


def test_searches_over_several_chunks(monkeypatch):
    monkeypatch.setattr("fastgd._kernels.cuda_tables.CHUNK", 16)
    monkeypatch.setattr(cuda_passes, "CHUNK", 16)
    pair = Searched(fastgd.Armijo(**LONG), "float32", [(15,), (16,), (17,), (70,)])
    for _ in range(2):
        pair.search()


def test_arrays_of_several_dtypes_are_searched_together():
    values = [np.ones(4, d) for d in DTYPES]
    pair = Searched(fastgd.Armijo(**LONG), "float32")
    Pair.__init__(pair, fastgd.Armijo(**LONG), values)
    assert pair.search() > 2


def test_trials_are_work_for_the_stream_of_the_parameters(monkeypatch):
    """Once a first step has made the copies, a trial allocates nothing, waits for nothing and reads nothing back."""
    optimizer, own = fastgd.Armijo(growth=32, n_batches=1, **LONG), np.ones(9, np.float32)
    state = optimizer.init(Produced(own, stream=7))
    calls, at_loss = [], []
    for owner, name, place in (
        (cuda_launch, "run", None), (cuda_memory, "upload", 2), (cuda_memory, "clear", 2), (cuda_memory, "download", 2),
        (cuda_memory, "synchronize", 0), (cuda_memory, "allocate", None), (cuda_memory, "wait", None),
    ):  # fmt: skip
        found = getattr(owner, name)

        def watched(*args, name=name, place=place, found=found):
            if name == "run":
                calls.extend(("launch", stream) for _, _, stream, _ in args[0])
            else:
                calls.append((name, None if place is None or place >= len(args) else args[place]))
            return found(*args)

        monkeypatch.setattr(owner, name, watched)

    def loss():
        at_loss.append(len(calls))
        return float(own @ own)

    for step in range(2):
        calls.clear(), at_loss.clear()
        own[...] = 1
        state.step(Produced(2 * own, stream=7), loss=loss)
        assert len(at_loss) > 3
        searching = calls[at_loss[0] : at_loss[-1]]
        assert {stream for name, stream in searching if name != "allocate"} == {7}, searching
        assert step == 0 or {name for name, _ in calls[at_loss[1] : at_loss[-1]]} == {"launch", "upload"}
        launches = [name for name, _ in calls[at_loss[1] : at_loss[2]]].count("launch")
        assert launches == 2  # a step back, and the next trial


def test_searches_move_between_processor_and_gpu(tmp_path):
    pair = Searched(fastgd.Armijo(extras=(fastgd.EMA(0.9),), **LONG), "float32")
    for _ in range(2):
        pair.search()
    fastgd.save(tmp_path / "cpu", pair.cpu)
    fastgd.save(tmp_path / "gpu", pair.gpu)
    assert (tmp_path / "cpu").read_bytes() == (tmp_path / "gpu").read_bytes()
    here, there = [[np.zeros(s, np.float32) for s in SHAPES] for _ in range(2)]
    onto_cpu = fastgd.load(tmp_path / "gpu", here)
    onto_gpu = fastgd.load(tmp_path / "cpu", [Produced(p) for p in there])
    pair.search()
    onto_cpu.step(slopes(here), loss=lambda: loss_of(here))
    onto_gpu.step([Produced(g) for g in slopes(there)], loss=lambda: loss_of(there))
    for a, b, c in zip(pair.here, here, there, strict=True):
        assert a.tobytes() == b.tobytes() == c.tobytes()
    assert pair.gpu.estimates == onto_gpu.estimates == onto_cpu.estimates


def test_monitored_searches_see_the_step_and_not_the_trials():
    pair = Searched(fastgd.Armijo(**LONG), "float32", monitor=1)
    for _ in range(2):
        pair.search()
    for name, a in pair.cpu.monitor.arrays.items():
        assert a[1:5] == pytest.approx(pair.gpu.monitor.arrays[name][1:5], rel=2e-15, nan_ok=True)


def test_searches_are_not_replayed():
    w, g = np.ones(4, np.float32), np.ones(4, np.float32)
    state = fastgd.Armijo().init(Produced(w))
    with pytest.raises(
        fastgd.ArgumentValueError, match=r"'state' argument of Replay must be .*nothing measured.*Armijo"
    ):
        fastgd.Replay(state, Produced(g), 10)
    state.step(Produced(g), loss=lambda: float(w.sum()))  # nothing holds it
    assert state.t == 1 and (w < 1).all()


@pytest.mark.parametrize("loss", [None, 0.5, lambda: float("nan"), lambda: "x", lambda: Produced(np.ones(2))])
def test_losses_that_cannot_be_used_are_refused_on_a_gpu(loss):
    w = np.ones(2, np.float32)
    state = fastgd.Armijo().init(Produced(w))
    with pytest.raises((fastgd.ArgumentTypeError, fastgd.ArgumentValueError), match="'loss"):
        state.step(Produced(w.copy()), loss=loss)
    assert (w == 1).all() and state.t == 0


@pytest.mark.parametrize("optimizer", [fastgd.Armijo(), fastgd.SGD(lr=0.1, momentum=0.9)], ids=["Armijo", "SGD"])
def test_the_range_test_of_arrays_on_a_gpu(optimizer):
    def loss_and_grad(params, batch):
        w = params.host if isinstance(params, Produced) else params
        g = 2 * (w - batch)
        return ((w - batch) ** 2).sum(), Produced(g) if isinstance(params, Produced) else g

    here, there = np.ones(5, np.float32), np.ones(5, np.float32)
    curves = [
        fastgd.lr_find(p, loss_and_grad, [0.0, 0.5], optimizer=optimizer, n_points=12, n_seeds=2, random_state=0)
        for p in (here, Produced(there))
    ]
    assert np.array_equal(curves[0].loss, curves[1].loss, equal_nan=True) and np.isfinite(curves[0].loss[:5]).all()
    assert (here == 1).all() and (there == 1).all()
