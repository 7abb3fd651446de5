"""Divergence undone in a state: what leads back to the good copy, that it is the copy to the bit, in checkpoints too."""

import json
import math
import pickle

import numpy as np
import pytest

import fastgd
from fastgd.schedules import cosine, plateau

from .executors import bits

OPTIMIZERS = {
    "SGD": fastgd.SGD(lr=0.1, momentum=0.9),
    "Adam": fastgd.Adam(lr=0.01, clip_norm=1.0),
    "a schedule": fastgd.AdamW(lr=cosine(0.1, 30)),
    "a measured schedule": fastgd.SGD(lr=plateau(0.1, factor=0.5, patience=1) * cosine(1.0, 50)),
    "a carry": fastgd.Prodigy(),
    "carries apart": fastgd.LDoG(),
    "factors": fastgd.Adafactor(lr=0.1),
    "averages": fastgd.SGD(lr=0.1, extras=(fastgd.Lookahead(k=3), fastgd.EMA(decay=0.9))),
    "a learned limit": fastgd.SGD(lr=0.1, clip_norm=fastgd.AutoClip()),
    "NAdam": fastgd.NAdam(lr=0.01),
}
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
NAN = math.nan


def fresh(dtype=np.float64):
    rng = np.random.default_rng(0)
    return {"w": rng.normal(size=(3, 4)).astype(dtype), "b": rng.normal(size=4).astype(dtype)}


def gradient(params, t):
    """A function of the parameters, and every third step without one of them."""
    rng = np.random.default_rng(t)
    grads = {name: (p + 0.1 * rng.normal(size=p.shape)).astype(p.dtype) for name, p in sorted(params.items())}
    return grads | ({"b": None} if t % 3 == 2 else {})


def run(state, steps):
    for _ in range(steps):
        state.observe(1.0 + 0.01 * (state.t % 7))
        state.step(gradient(state.params, state.t))
    return state


def everything(state):
    _, config = state._exported()
    arrays = {name: bits(a).tobytes() for name, a in {**state.params, **state.arrays}.items()}
    return arrays, {k: v for k, v in config.items() if k not in ("optimizer", "groups")}, state.lr


# ---------------------------------------------------------------------------------------------------------------------------------
# To the bit


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_goes_back_to_the_copy_and_on_as_from_a_checkpoint(optimizer, dtype, tmp_path):
    """With an unchanged rate the run goes on as the one that was saved when the copy was made, and never diverged."""
    policy = fastgd.Rollback(every=5, slower=1)
    state = run(optimizer.init(fresh(dtype), rollback=policy), 5)
    plain = run(optimizer.init(fresh(dtype)), 5)
    assert everything(state) == everything(plain)
    run(state, 4)  # the copy is made in the sixth step, before anything changes
    state.observe(NAN)
    plain.observe(1.0 + 0.01 * 5)
    assert state.t == 5 and state.recovery.n_rollbacks == 1
    assert everything(state) == everything(plain)
    assert everything(run(state, 8)) == everything(run(plain, 8))


@pytest.mark.parametrize("lr", [0.1, cosine(0.1, 30)], ids=["number", "schedule"])
def test_goes_on_with_a_smaller_rate(lr):
    state = run(fastgd.Adam(lr=lr).init(fresh(), rollback=fastgd.Rollback(every=4)), 7)
    for k in (1, 2):
        state.observe(NAN)
        plain = run(fastgd.Adam(lr=lr).init(fresh()), 4)
        slower = fastgd.Adam(lr=0.5**k * lr)
        plain._groups[0].__init__(slower)
        assert state.t == 4 and state.lr == pytest.approx(0.5**k * (lr if lr == 0.1 else lr(4)), rel=1e-15)
        assert everything(run(state, 3))[0] == everything(run(plain, 3))[0]


@every_optimizer
@pytest.mark.parametrize("stop", [0, 3, 6, 9])
def test_checkpoints_hold_the_copy(optimizer, stop, tmp_path):
    """Saved between copy and divergence, in a file or a pickle, with the parameters named in another order."""
    state = run(optimizer.init(fresh(), rollback=fastgd.Rollback(every=5)), 9 if stop == 9 else stop)
    if stop == 9:
        state.observe(NAN)
        run(state, 2)
    fastgd.save(tmp_path / "run", state)
    again = fastgd.load(tmp_path / "run", dict(reversed(fresh().items())))
    for other in (again, pickle.loads(pickle.dumps(state))):
        assert other.recovery.policy == state.recovery.policy
        assert other.recovery.warnings() == state.recovery.warnings()
    pickled = pickle.loads(pickle.dumps(state))
    for each in (state, again, pickled):
        run(each, 3)
        each.observe(NAN)
        run(each, 3)
    for other in (again, pickled):
        assert other.t == state.t and other.lr == state.lr
        assert all((bits(other.params[n]) == bits(state.params[n])).all() for n in state.params)
        assert all((bits(other.arrays[n]) == bits(state.arrays[n])).all() for n in state.arrays)
    json.dumps(state._export()[1], allow_nan=False)


def test_another_rate_begins_anew(tmp_path):
    state = run(fastgd.SGD(lr=0.1).init(fresh(), rollback=True), 3)
    state.observe(NAN)
    run(state, 2)
    fastgd.save(tmp_path / "run", state)
    again = fastgd.load(tmp_path / "run", fresh(), lr=0.3)
    assert again.lr == 0.3 and again.recovery.n_rollbacks == 0
    at = again.params["w"].copy()
    run(again, 1).observe(NAN)
    assert again.t == 2 and (again.params["w"] == at).all() and again.lr == 0.15


# ---------------------------------------------------------------------------------------------------------------------------------
# What leads back


@pytest.mark.parametrize("loss", [NAN, math.inf, -math.inf, 10.001, np.float32(11)])
@pytest.mark.parametrize("how", ["observe", "step"])
def test_a_lost_loss(loss, how):
    w = np.array([1.0, 2.0])
    state = fastgd.SGD(lr=0.1).init(w, rollback=True)
    state.step(w.copy(), loss=1.0)
    if how == "observe":
        state.observe(loss)
    else:
        info = state.step(w.copy(), loss=loss)
        assert info.skipped and info.t == 0 and info.lr == 0.05
    assert (w == [1, 2]).all() and state.t == 0 and state.lr == 0.05
    (line,) = state.recovery.warnings()
    assert line.startswith("step 1: the loss") and line.endswith("back to step 0, the learning rate times 0.5")


def test_a_loss_that_is_high_enough_is_fine():
    w = np.ones(2)
    state = fastgd.SGD(lr=0.1).init(w, rollback=fastgd.Rollback(too_high=math.inf))
    for loss in (1.0, 9.9, 1e300, -5.0):
        state.observe(loss)
    assert state.recovery.n_rollbacks == 0
    negative = fastgd.SGD(lr=0.1).init(w, rollback=True)
    for loss in (-1.0, 50.0):  # nothing is known of the scale of such losses
        negative.observe(loss)
    assert negative.recovery.n_rollbacks == 0


def test_a_gradient_that_is_not_finite():
    w = np.ones(2)
    state = fastgd.SGD(lr=0.1).init(w, rollback=True)
    state.step(np.ones(2))
    info = state.step(np.array([1.0, NAN]))
    assert info.skipped and state.t == 0 and (w == 1).all()
    assert "grad of 'param'" in state.recovery.warnings()[0]
    with pytest.raises(fastgd.ArgumentValueError, match="shape"):
        state.step(np.ones(3))  # a mistake is no divergence
    assert state.recovery.n_rollbacks == 1


def test_one_nan_beside_zeros_alone_is_found():
    """Python's max() of 0 and NaN is 0."""
    grads = [np.zeros(3), np.array([NAN, 0.0])]
    assert math.isnan(fastgd.global_norm(grads))
    with pytest.raises(fastgd.NonFiniteError, match="'1'"):
        fastgd.SGD(lr=0.1).init([np.ones(3), np.ones(2)]).step(grads)


@pytest.mark.parametrize("policy", ["skip", "zero"])
def test_parameters_that_are_not_finite(policy):
    """Where gradients are not looked at, the next copy finds it."""
    w = np.full(2, 1e300)
    state = fastgd.SGD(lr=1e10, on_nonfinite=policy).init(w, rollback=fastgd.Rollback(every=3, slower=1e-12))
    for _ in range(5):
        with np.errstate(all="ignore"):
            state.step(2 * w)
    assert np.isfinite(w).all() and state.recovery.n_rollbacks == 1
    assert "not finite" in state.recovery.warnings()[0]


def test_training_that_would_diverge_arrives():
    """Plain descent at 40 times the stable rate."""
    curvature = np.geomspace(0.01, 1, 20)
    w = np.ones(20)
    state = fastgd.SGD(lr=80.0).init(w, rollback=fastgd.Rollback(every=20))
    for _ in range(600):
        state.step(curvature * w, loss=float(curvature @ w**2))
    assert float(curvature @ w**2) < 1e-2 and 4 <= state.recovery.n_rollbacks <= 7


def test_it_does_not_go_back_for_ever():
    w = np.ones(2)
    state = fastgd.SGD(lr=0.1).init(w, rollback=fastgd.Rollback(most=3))
    for _ in range(3):
        state.observe(NAN)
    with pytest.raises(fastgd.NonFiniteError, match=r"again after 3 rollbacks.*those of step 0"):
        state.observe(NAN)
    assert (w == 1).all() and state.t == 0


def test_an_error_inside_averaged_is_no_divergence():
    state = fastgd.SGD(lr=0.1, extras=fastgd.EMA()).init(np.ones(2), rollback=True)
    with state.averaged(), pytest.raises(fastgd.ConcurrentStepError):
        state.step(np.ones(2))
    assert state.recovery.n_rollbacks == 0


# ---------------------------------------------------------------------------------------------------------------------------------
# What it costs, and refusals


def test_the_copy_is_one_more_of_everything():
    state = fastgd.Adam().init([np.ones((30, 20), np.float32), np.ones(7)], rollback=True)
    kept, _ = state.recovery._export({})
    assert sum(a.nbytes for a in kept.values()) == 3 * (30 * 20 * 4 + 7 * 8)
    assert fastgd.Adam().init(np.ones(2)).recovery is None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: fastgd.Rollback(every=0), "every"),
        (lambda: fastgd.Rollback(slower=0.0), "slower"),
        (lambda: fastgd.Rollback(slower=1.5), "slower"),
        (lambda: fastgd.Rollback(too_high=0.5), "too_high"),
        (lambda: fastgd.Rollback(most=0), "most"),
        (lambda: fastgd.SGD(lr=0.1).init(np.ones(2), rollback="retry"), "rollback"),
        (lambda: fastgd.SGD(lr=0.1).init(np.ones(2), rollback=5), "rollback"),
    ],
)
def test_refusals(make, words):
    with pytest.raises((fastgd.ArgumentTypeError, fastgd.ArgumentValueError), match=words):
        make()


def test_a_rule_without_a_rate():
    @fastgd.rule
    def still(p, g, /, pace=0.1):
        return p - pace * g

    with pytest.raises(fastgd.ArgumentValueError, match="slower=1"):
        still().init(np.ones(2), rollback=True)
    w = np.ones(2)
    state = still().init(w, rollback=fastgd.Rollback(slower=1))
    state.step(w.copy())
    state.observe(NAN)
    assert (w == 1).all()


@pytest.mark.parametrize(
    "damage",
    [
        {"factor": 2.0},
        {"first_loss": "x"},
        {"n_rollbacks": -1},
        {"since": 0.5},
        {"told": "x"},
        {"every": 0},
        {"copy": {}},
        {"copy": None},
        {"surplus": 1},
    ],
    ids=str,
)
def test_a_damaged_file_is_refused_before_anything_changes(damage, tmp_path):
    tensors, config = run(fastgd.SGD(lr=0.1).init(fresh(), rollback=True), 3)._export()
    config["rollback"] |= damage
    if "surplus" in damage:
        tensors["rollback:w"] = tensors["rollback:w"][:1]
    fastgd.checkpoint.write_file(tmp_path / "run", tensors, config)
    params = fresh()
    with pytest.raises((fastgd.ArgumentTypeError, fastgd.ArgumentValueError)):
        fastgd.load(tmp_path / "run", params)
    assert all((params[name] == value).all() for name, value in fresh().items())
