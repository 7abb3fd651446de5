"""Optimizers that find their own rate: checkpoints, invariances, convergence beside the best rate by hand, optax's of the same names."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastgd

from .executors import LEVELS, bits
from .test_optimizers import CASES, LOSS, MEASURING, random_grads, random_params, slow

TUNING = [case for case in CASES if getattr(fastgd, case[0])().carried]
every_tuning = pytest.mark.parametrize(("name", "config"), TUNING, ids=[f"{n}{i}" for i, (n, _) in enumerate(TUNING)])


def everything(state):
    return [bits(a).tobytes() for a in (*state.params, *state.arrays.values())], state.estimates


# ---------------------------------------------------------------------------------------------------------------------------------
# State


@every_tuning
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_resumes_bit_for_bit(name, config, dtype, tmp_path):
    """At every stop, after arrays that missed steps; by file and by pickle."""
    grads = random_grads(dtype, 14)
    state = getattr(fastgd, name)(**config).init(random_params(dtype))
    for k, each in enumerate(grads):
        if k in (0, 1, 8, 10):
            fastgd.save(tmp_path / "run", state)
            for again in (fastgd.load(tmp_path / "run", random_params(dtype, 9)), pickle.loads(pickle.dumps(state))):
                plain = getattr(fastgd, name)(**config).init(random_params(dtype))
                for g in grads[:k]:
                    plain.step(g, loss=LOSS)
                for g in grads[k:]:
                    again.step(g, loss=LOSS)
                    plain.step(g, loss=LOSS)
                assert everything(again) == everything(plain)
        state.step(each, loss=LOSS)


@pytest.mark.parametrize("name", sorted(MEASURING))
def test_threads_do_not_change_sums(name):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    rng = np.random.default_rng(0)
    p, g = rng.normal(size=1_100_000).astype(np.float32), rng.normal(size=1_100_000).astype(np.float32)
    found = []
    for threads in (1, 3):
        with threadpoolctl.threadpool_limits(threads):
            state = getattr(fastgd, name)().init([p[:1_000_000].copy(), p[1_000_000:].copy()])
            for _ in range(3):
                state.step([g[:1_000_000], g[1_000_000:]], loss=LOSS)
            found.append(everything(state))
    assert found[0] == found[1]


LEVEL = """
import hashlib, numpy as np, fastgd
digest = hashlib.sha256()
for name in %r:
    for dtype in ("float32", "float64"):
        rng = np.random.default_rng(0)
        state = getattr(fastgd, name)().init([rng.normal(size=n).astype(dtype) for n in (5000, 13)])
        for _ in range(4):
            state.step([rng.normal(size=n).astype(dtype) for n in (5000, 13)], loss=0.7)
        digest.update(repr(state.estimates).encode() + b"".join(p.tobytes() for p in state.params))
print(digest.hexdigest())
"""


def test_every_processor_level_has_the_same_sums():
    found = set()
    for level in LEVELS:
        environment = {**os.environ, "FASTGD_CPU": level, "PYTHONPATH": str(Path(fastgd.__file__).parents[1])}
        command = [sys.executable, "-c", LEVEL % sorted(MEASURING)]
        found.add(
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout
        )
    assert len(found) == 1


@pytest.mark.parametrize("name", ["SPS", "AliG"])
@pytest.mark.parametrize("loss", [None, float("nan"), float("inf"), "0.5"])
def test_a_loss_that_cannot_be_used_is_refused_before_anything_changes(name, loss):
    state = getattr(fastgd, name)().init(np.ones(3))
    before = everything(state)
    with pytest.raises((fastgd.ArgumentTypeError, fastgd.ArgumentValueError), match="loss"):
        state.step(np.ones(3), loss=loss)
    assert everything(state) == before and state.t == 0
    assert state.step(np.ones(3), loss=0.5).t == 0


def test_sums_beyond_float64_are_refused_before_anything_changes():
    state = fastgd.DoG().init(np.full(4, 1e154))
    with pytest.raises(fastgd.NonFiniteError, match="rbar"):
        state.step(np.ones(4))
    assert state.t == 0 and (state.params == 1e154).all()


def test_a_damaged_carry_is_refused(tmp_path):
    state = fastgd.Prodigy().init(np.ones(3))
    state.step(np.ones(3))
    tensors, config = state._export()
    for carry in (None, 1.0, [1.0], [1.0, 2.0, 3.0, "x"]):
        config["cohorts"][0][2] = carry
        fastgd.checkpoint.write_file(tmp_path / "run", tensors, config)
        with pytest.raises(fastgd.ArgumentValueError, match="d_max"):
            fastgd.load(tmp_path / "run", np.zeros(3))


def test_layers_are_measured_apart():
    whole = fastgd.LDoG().init([np.full(3, 1.0), np.full(4, 2.0)])
    single = [fastgd.LDoG().init(np.full(3, 1.0)), fastgd.DoG().init(np.full(4, 2.0))]
    rng = np.random.default_rng(0)
    for _ in range(5):
        grads = [rng.normal(size=3), rng.normal(size=4)]
        whole.step(grads)
        for state, g in zip(single, grads, strict=True):
            state.step(g)
    assert all((a == state.params).all() for a, state in zip(whole.params, single, strict=True))


def test_estimates_are_empty_without_tuning():
    assert fastgd.Adam().init(np.ones(2)).estimates == {}


# ---------------------------------------------------------------------------------------------------------------------------------
# Evaluation


@pytest.mark.parametrize("name", ["SGDScheduleFree", "AdamWScheduleFree"])
def test_evaluation_params_are_the_average(name):
    """Those of the recursion in x, y and z of the paper, arranged as the parameters; the parameters stay."""
    oracle, state = (
        slow(name, lr=0.1),
        getattr(fastgd, name)(lr=0.1).init({"w": random_params()[0], "b": [random_params()[1]]}),
    )
    oracle.init(random_params()[:2])
    rng = np.random.default_rng(0)
    for _ in range(20):
        g = [rng.normal(size=p.shape) for p in oracle.params]
        state.step({"w": g[0], "b": [g[1]]})
        oracle.step(g)
    before = state.params["w"].copy()
    found = state.evaluation_params()
    x = oracle.vectors[0][1].x
    np.testing.assert_allclose(np.concatenate([found["w"].ravel(), found["b"][0]]), x, rtol=1e-11)
    assert (state.params["w"] == before).all() and not np.shares_memory(found["w"], state.params["w"])


def test_evaluation_params_of_others_are_copies():
    for dtype in (np.float16, np.float32, np.float64):
        state = fastgd.Adam().init((np.ones(2, dtype), np.zeros((), dtype)))
        found = state.evaluation_params()
        assert type(found) is tuple and [a.dtype for a in found] == [dtype] * 2 and found[0] is not state.params[0]
        assert (found[0] == 1).all()


# ---------------------------------------------------------------------------------------------------------------------------------
# Invariances and convergence


def quadratic(seed=0, n=20, condition=30.0):
    """Return curvatures and a start of an ill-conditioned quadratic."""
    rng = np.random.default_rng(seed)
    return np.geomspace(1 / condition, 1.0, n), rng.normal(size=n)


@pytest.mark.parametrize(
    ("name", "options"),
    [("DoG", {"eps": 1e-300}), ("DAdaptSGD", {}), ("DAdaptAdam", {"eps": 1e-300}), ("Prodigy", {"eps": 1e-300}), ("LARS", {"eps": 1e-300}),
     ("LAMB", {"eps": 1e-300}), ("NovoGrad", {"eps": 1e-300}), ("BarzilaiBorwein", {})],
)  # fmt: skip
@pytest.mark.parametrize("power", [-13, 17])
def test_the_scale_of_the_loss_does_not_matter(name, options, power):
    """A loss times a power of two: the same iterates; where the first step is a number, that must know."""
    curvature, start = quadratic()
    tracks = []
    for scale in (1.0, 2.0**power):
        first = {"first": 0.01 / scale} if name == "BarzilaiBorwein" else {}
        w = start.copy()
        state = getattr(fastgd, name)(**options, **first).init(w)
        for _ in range(60):
            state.step(scale * curvature * w)
        tracks.append(w)
    np.testing.assert_allclose(tracks[0], tracks[1], rtol=1e-9, atol=1e-12)


def final_loss(optimizer, steps=600, averaged=False):
    curvature, start = quadratic()
    w = start.copy()
    state = optimizer.init(w)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            gradient = curvature * w
            if not np.isfinite(gradient).all():
                return np.inf
            state.step(gradient, loss=float(0.5 * (curvature * w) @ w))
        w = state.evaluation_params() if averaged else w
        return float(0.5 * (curvature * w) @ w)


@pytest.mark.parametrize(
    "name",
    [
        "DoG",
        "LDoG",
        "DoWG",
        "DAdaptSGD",
        "DAdaptAdam",
        "Prodigy",
        "SPS",
        "BarzilaiBorwein",
        "COCOB",
        "SGDScheduleFree",
        "MechanicSGD",
        "MechanicAdam",
    ],
)
def test_without_tuning_close_to_the_best_rate_by_hand(name):
    """On a quadratic, 600 steps: the excess loss, in decades, is at least 40 % of what the best of 25 rates of SGD wins, and 1 decade."""
    start = final_loss(fastgd.SGD(lr=0.0), 1)
    best = min(final_loss(fastgd.SGD(lr=float(lr))) for lr in np.geomspace(1e-3, 10, 25))
    options = {"SPS": {"lr": 100.0}, "DAdaptSGD": {"lr": 0.5}}.get(name, {})  # DAdaptSGD does not see the curvature
    found = final_loss(getattr(fastgd, name)(**options), averaged=True)
    won, most = np.log10(start / found), np.log10(start / best)
    assert won >= min(0.4 * most, 1.0)


@pytest.mark.parametrize("name", ["SGDHD", "AdamHD"])
def test_hypergradients_repair_a_rate_that_is_too_small(name):
    plain = {"SGDHD": fastgd.SGD, "AdamHD": fastgd.Adam}[name](lr=1e-4)
    learned = getattr(fastgd, name)(lr=1e-4, hypergrad_lr={"SGDHD": 1e-3, "AdamHD": 1e-5}[name])
    assert final_loss(learned) < 0.1 * final_loss(plain)


# ---------------------------------------------------------------------------------------------------------------------------------
# Optax

# Ours, optax's name, its options, and what differs by design.
PEERS = [
    ("DoG", {}, "dog", {}),
    ("DoWG", {}, "dowg", {}),
    ("DAdaptAdam", {"use_bias_correction": True, "decoupled_weight_decay": True}, "dadapt_adamw", {}),  # it always corrects
    ("Prodigy", {"use_bias_correction": True}, "prodigy", {}),  # it always corrects
    (
        "Prodigy",
        {"use_bias_correction": True, "safeguard_warmup": True, "d_coef": 2.0},
        "prodigy",
        {"safeguard_warmup": True, "estim_lr_coef": 2.0},
    ),
    ("COCOB", {}, "cocob", {}),
    ("MechanicSGD", {"eps": 1e-13}, "sgd", {"eps": 1e-13}),  # it recomputes delta from the parameters, with eps in the divisor
    ("MechanicAdam", {"eps": 1e-13}, "adam", {"eps": 1e-13}),
    ("SGDScheduleFree", {"lr": 0.1, "momentum": 0.8}, "schedule_free_sgd", {"learning_rate": 0.1, "b1": 0.8}),
    ("AdamWScheduleFree", {"weight_decay": 0.1}, "schedule_free_adamw", {"weight_decay": 0.1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "config", "peer", "options"), PEERS, ids=[f"{p[0]}{i}" for i, p in enumerate(PEERS)])
def test_is_optax(name, config, peer, options):
    optax = pytest.importorskip("optax")
    jax = pytest.importorskip("jax")
    curvature, start = quadratic()
    with jax.enable_x64(True):
        if name.startswith("Mechanic"):
            base = {"sgd": optax.sgd(1.0), "adam": optax.adam(1.0, **options)}[peer]
            theirs = optax.contrib.mechanize(base, **options)
        else:
            theirs = getattr(optax.contrib, peer)(**options)
        weights = {"a": jax.numpy.asarray(start[:5]), "b": jax.numpy.asarray(start[5:])}
        memory = theirs.init(weights)
        update = jax.jit(theirs.update)
        ours = {"a": start[:5].copy(), "b": start[5:].copy()}
        state = getattr(fastgd, name)(**config).init(ours)
        close = {"rtol": 1e-4, "atol": 1e-6} if name.startswith("Mechanic") else {"rtol": 1e-8, "atol": 1e-11}
        for t in range(60):
            gradients = {
                key: curvature[s] * np.asarray(weights[key]) for key, s in (("a", slice(0, 5)), ("b", slice(5, None)))
            }
            updates, memory = update({k: jax.numpy.asarray(g) for k, g in gradients.items()}, memory, weights)
            weights = optax.apply_updates(weights, updates)
            state.step(gradients)
            for key, w in ours.items():
                np.testing.assert_allclose(w, np.asarray(weights[key]), **close, err_msg=f"step {t}")
        if "ScheduleFree" in name:
            evaluated = optax.contrib.schedule_free_eval_params(memory, weights)
            for key, x in state.evaluation_params().items():
                np.testing.assert_allclose(x, np.asarray(evaluated[key]), rtol=1e-8, atol=1e-11)
