"""A run that was saved and loaded goes on bit for bit: train(n) equals train(k), save, another process, load, train(n - k).

Run as a program, this file is that other process.
"""

import copy
import hashlib
import itertools
import json
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import fastgd
from fastgd import schedules
from fastgd._restore import restore

STEPS = 12
STOPS = (0, 1, STEPS // 2, STEPS - 1)
LOSSES = (3.0, 2.0, 2.5, 2.5, 2.4, 2.4, 1.0, 1.1, 1.1, 1.1, 0.5, 0.6)
BETAS = {"betas": (schedules.linear(0.9, 20, 0.8), 0.99), "weight_decay": schedules.step(0.1, 3, 0.5)}

OPTIMIZERS = {
    "SGD": (fastgd.SGD, {}),
    "heavy ball": (fastgd.SGD, {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    "Nesterov": (fastgd.SGD, {"momentum": schedules.linear(0.5, 9, 0.9), "nesterov": True}),
    "Adagrad": (fastgd.Adagrad, {"lr_decay": 0.1, "initial_accumulator_value": 0.3}),
    "RMSprop": (fastgd.RMSprop, {}),
    "centered RMSprop": (fastgd.RMSprop, {"centered": True, "momentum": 0.8}),
    "Adadelta": (fastgd.Adadelta, {"weight_decay": schedules.plateau(0.1, factor=0.5, patience=0)}),
    "Adam": (fastgd.Adam, {}),
    "AMSGrad": (fastgd.Adam, {"amsgrad": True, "betas": (0.8, 0.9)}),
    "AdamW": (fastgd.AdamW, BETAS),
    "Adamax": (fastgd.Adamax, {}),
    "NAdam": (fastgd.NAdam, {"decoupled_weight_decay": True, "weight_decay": 0.1}),
    "RAdam": (fastgd.RAdam, {"betas": (0.9, 0.9)}),  # rectified from step 8 on
    "Lion": (fastgd.Lion, {"weight_decay": 0.1}),
    "SignSGD": (fastgd.SignSGD, {}),
    "Signum": (fastgd.Signum, {}),
    "Rprop": (fastgd.Rprop, {}),
    "FTRL": (fastgd.FTRL, {"l1": 0.01, "l2": 0.1, "beta": schedules.linear(1.0, 30, 0.5)}),
    "ASGD": (fastgd.ASGD, {"t0": 3, "lambd": 0.01}),
    **{
        cls.__name__: (cls, {})
        for cls in (
            fastgd.ADOPT, fastgd.AdEMAMix, fastgd.AdaBelief, fastgd.AdaBound, fastgd.Adan, fastgd.AdamHD, fastgd.AdamWScheduleFree,
            fastgd.AliG, fastgd.BarzilaiBorwein, fastgd.COCOB, fastgd.DAdaptAdam, fastgd.DAdaptSGD, fastgd.DoG, fastgd.DoWG, fastgd.LAMB,
            fastgd.LARS, fastgd.LDoG, fastgd.LaProp,
            fastgd.MechanicAdam, fastgd.MechanicSGD, fastgd.NovoGrad, fastgd.Prodigy, fastgd.QHAdam, fastgd.QHM,
            fastgd.SGDHD,
            fastgd.SGDScheduleFree, fastgd.SPS, fastgd.Yogi, fastgd.Adafactor, fastgd.MADGRAD, fastgd.SM3,
        )
    },
    "cautious AdamW": (fastgd.AdamW, {"cautious": True}),
    "averages": (fastgd.SGD, {"momentum": 0.9, "extras": (fastgd.Lookahead(k=3), fastgd.EMA(0.9))}),
    "clipped": (
        fastgd.RMSprop,
        {"clip_norm": fastgd.ZClip(warmup_steps=3), "extras": (fastgd.GradientCentralization(), fastgd.AdaptiveGradientClipping())},
    ),
    "percentile": (fastgd.Adam, {"clip_norm": fastgd.AutoClip(50, window=4), "extras": fastgd.EMA(0.9, warmup=True)}),
}  # fmt: skip
RATES = {
    "number": 0.05,
    "constant": schedules.constant(0.05),
    "linear": schedules.linear(0.05, 20, 0.01),
    "polynomial": schedules.polynomial(0.05, 20, 2.0),
    "cosine": schedules.cosine(0.05, "100%"),
    "warmup": schedules.warmup(5, 0.1) >> schedules.cosine(0.05, "4 epochs"),
    "piecewise": schedules.piecewise([2, 7], [0.05, 0.02, 0.01]),
    "inverse_time": schedules.inverse_time(0.05, 4),
    "exponential": schedules.exponential(0.05, 0.7, 3),
    "compounding_staircase": schedules.compounding_staircase(0.05, 0.9, 4),
    "geometric": schedules.geometric(0.05, 0.9, 3),
    "power": schedules.power(0.05, 1, 0.5),
    "saturating": schedules.saturating(0.05, 0.5, 2.0) + 0.01,
    "step": schedules.step(0.05, 4, 0.5),
    "compounding_polynomial": schedules.compounding_polynomial(0.05, 40, 0.5, 2),
    "random": schedules.random(0.01, 0.1, seed=3, every=2),
    "random_walk": schedules.random_walk(0.05, ("normal", 0.0, 0.01), seed=5, low=0.01),
    "plateau": schedules.plateau(0.05, factor=0.5, patience=1, cooldown=1),
    "performance": schedules.performance(0.05, high=0.08),
    "bandit": schedules.bandit(0.05),
    "cosine_restarts": schedules.cosine_restarts(0.05, 4, T_mult=2),
    "cyclic": schedules.cyclic(0.01, 0.05, 3),
    "one_cycle": schedules.one_cycle(0.05, 30),
    "chebyshev": schedules.chebyshev(0.01, 0.05, 8),
    "multistep": schedules.multistep(0.05, [3, 9], 0.5),
    "interpolate": schedules.interpolate([5, 20], [0.01, 0.05, 0.02]),
    "inverse_sqrt": schedules.inverse_sqrt(0.05, 3),
    "noam": schedules.noam(400, 6),
    "wsd": schedules.wsd(0.05, 30, warmup=3, decay=10),
    "rex": schedules.rex(0.05, 30),
    "tanh": schedules.tanh(0.05, 30),
    "k_decay": schedules.k_decay(0.05, 30),
    "composed": schedules.maximum(0.01, schedules.warmup(3, 0.2) >> 0.05 * schedules.plateau(factor=0.7, patience=0)),
    "two measured": schedules.performance(0.2) * schedules.plateau(0.5, patience=0).clip(0.01, 0.4),
}
OPTIONS = (
    {},
    {"clip_norm": 1.0},
    {"clip_value": schedules.linear(0.5, 10, 0.2), "maximize": True},
    {"on_nonfinite": "skip", "clip_norm": schedules.plateau(2.0, patience=0, factor=0.5)},
    {"on_nonfinite": "zero"},
    {"on_nonfinite": "zero", "clip_norm": 0.5},
)
DTYPES = (np.float32, np.float64, np.float16, ml_dtypes.bfloat16)
OVERRIDES = {
    "none": None,
    "bias": {"*b*": {"lr": 0.02, "clip_value": 0.3}},
    "all": {"*": {"lr": schedules.linear(0.03, 30)}},
}


def array(dtype, fill, *shape):
    """Return random numbers, or where `fill` is not None, that number."""
    seed = int(np.prod(shape)) + 10 * len(shape)
    numbers = np.random.default_rng(seed).standard_normal(shape) if fill is None else np.full(shape, fill)
    return np.asarray(numbers, dtype)


def nested(dtype, fill):
    layers = [{"w": array(dtype, fill, 6, n), "b": array(dtype, fill, n)} for n in (4, 3)]
    return {"layers": layers, "bias": array(dtype, fill, 2), 7: array(dtype, fill, 3)}


def strided(dtype, fill):
    base = array(dtype, fill, 6, 8)
    return {"a": base[:, 1], "b": base[::2, 4:], "c": base[1, 2::-2], "f": np.asfortranarray(array(dtype, fill, 5, 4))}


STRUCTURES = {
    "array": lambda dtype, fill: array(dtype, fill, 5, 7),
    "list": lambda dtype, fill: [array(dtype, fill, 9), array(dtype, fill), array(dtype, fill, 0, 3)],
    "tuple": lambda dtype, fill: (array(dtype, fill, 4), [array(dtype, fill, 2, 2, 2)]),
    "nested": nested,
    "strided": strided,
    "blocks": lambda dtype, fill: {"w": array(dtype, fill, 2, 4500), "b": array(dtype, fill, 5)},
}


def sampled(count):
    """Return cells, drawn such that every value of every column comes up about equally often."""
    draw = random.Random(7)
    columns = (OPTIMIZERS, RATES, OPTIONS, DTYPES, STRUCTURES, OVERRIDES, (False, True), STOPS)
    lists = []
    for column in columns:
        values = list(itertools.islice(itertools.cycle(column), count))
        draw.shuffle(values)
        lists.append(values)
    return list(zip(*lists, strict=True))


CELLS = sampled(210)
NAMES = [f"{o}-{r}-{np.dtype(d).name}-{s}-{k}" for o, r, _, d, s, _, _, k in CELLS]


def begun(cell):
    """Return the state of a cell at step 0."""
    optimizer, rate, options, dtype, structure, overridden, _, _ = cell
    cls, own = OPTIMIZERS[optimizer]
    params = STRUCTURES[structure](dtype, None)
    overrides = OVERRIDES[overridden] if structure in ("nested", "strided", "blocks") else None
    opt = cls(lr=RATES[rate], **options | own)
    return opt.init(params, overrides, steps_per_epoch=10, total_steps=40)


def gradients(tree, t, holes, poison, path=()):
    """Return gradients that depend on the parameters and the step; with `holes` some are None, with `poison` some are NaN."""
    if isinstance(tree, dict):
        return {key: gradients(branch, t, holes, poison, (*path, i)) for i, (key, branch) in enumerate(tree.items())}
    if isinstance(tree, list | tuple):
        return [gradients(branch, t, holes, poison, (*path, i)) for i, branch in enumerate(tree)]
    if holes and (sum(path) + t) % 3 == 0:
        return None
    noise = np.random.default_rng((t, *path)).standard_normal(tree.shape)
    grad = np.asarray(0.3 * tree.astype(np.float64) + noise).astype(tree.dtype)
    if poison and t % 5 == 2 and grad.size:
        grad.flat[-1] = np.nan
    return grad


def train(state, first, last, holes=False):
    """Take the steps from `first` to `last`, measuring a loss after each, and return what the steps said."""
    infos = []
    for t in range(first, last):
        poison = state.optimizer.on_nonfinite != "raise"
        infos.append(repr(state.step(gradients(state.params, t, holes, poison), loss=LOSSES[t])))
        state.observe(LOSSES[t])
    return infos


def leaves(tree):
    if isinstance(tree, dict | list | tuple):
        return [leaf for branch in (tree.values() if isinstance(tree, dict) else tree) for leaf in leaves(branch)]
    return [tree]


def fingerprint(state):
    """Return a digest of everything that a state is."""
    digest = hashlib.sha256(repr((state.optimizer, state.names, state.t, state.skipped, state.lr)).encode())
    for each in (*leaves(state.params), *state.arrays.values()):
        digest.update(f"{each.dtype.name} {each.shape}".encode() + each.tobytes())
    return digest.hexdigest()


def resumed(i, folder):
    """Load cell i from its file into fresh objects, finish the run, and return everything that it did and became."""
    cell = CELLS[i]
    state = fastgd.load(folder / f"{i}.safetensors", STRUCTURES[cell[4]](cell[3], 7.0))
    return [train(state, cell[-1], STEPS, cell[-2]), fingerprint(state)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    for i, cell in enumerate(CELLS):
        state = begun(cell)
        train(state, 0, cell[-1], cell[-2])
        fastgd.save(folder / f"{i}.safetensors", state)
    return folder


@pytest.fixture(scope="module")
def elsewhere(folder):
    """Finish all cells in one other process."""
    environment = {**os.environ, "PYTHONPATH": str(Path(fastgd.__file__).parents[1])}
    command = [sys.executable, __file__, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("i", range(len(CELLS)), ids=NAMES)
def test_resumed_is_uninterrupted(folder, elsewhere, i):
    state = begun(CELLS[i])
    k, holes = CELLS[i][-1], CELLS[i][-2]
    infos = train(state, 0, STEPS, holes)
    expected = [infos[k:], fingerprint(state)]
    assert resumed(i, folder) == expected
    assert elsewhere[i] == expected


def test_the_sample_covers_every_optimizer_rate_and_stop():
    for column, values in ((0, OPTIMIZERS), (1, RATES), (3, DTYPES), (4, STRUCTURES), (7, STOPS)):
        assert {cell[column] for cell in CELLS} == set(values)
    assert set(schedules.__all__) - {"Schedule", "as_schedule", "from_dict", "parse", "maximum", "minimum"} <= set(
        RATES
    )
    found = {getattr(fastgd.optimizers, name) for name in fastgd.optimizers.__all__ if name[0].isupper()}
    classes = {cls for cls in found if issubclass(cls, fastgd.Optimizer) and not cls.needs_rows}
    assert {cls for cls, _ in OPTIMIZERS.values()} == classes - {fastgd.Optimizer, fastgd.Armijo}  # needs a function


@pytest.mark.parametrize("name", RATES)
def test_the_rates_after_resuming_at_any_step(name):
    params = np.ones(1)
    state = fastgd.SGD(lr=RATES[name]).init(params, steps_per_epoch=10, total_steps=40)
    exported, rates = [], []
    for t in range(501):
        tensors, config = state._export()
        exported.append(({k: v.copy() for k, v in tensors.items()}, json.dumps(config)))
        rates.append(state.step(np.zeros(1)).lr)
        state.observe(LOSSES[t % 7])
    for k in range(500):
        tensors, config = exported[k]
        again = restore(tensors, json.loads(config), np.zeros(1))
        assert again.lr == again.step(np.zeros(1)).lr == rates[k]
        again.observe(LOSSES[k % 7])
        assert again.lr == rates[k + 1]


COPIERS = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "pickle, protocol 2": lambda thing: pickle.loads(pickle.dumps(thing, 2)),
}


@pytest.mark.parametrize("copier", COPIERS.values(), ids=COPIERS)
@pytest.mark.parametrize("i", range(0, len(CELLS), 7), ids=NAMES[::7])
def test_a_copy_goes_on_as_the_original_and_leaves_it_alone(copier, i):
    k, holes = CELLS[i][-1], CELLS[i][-2]
    state = begun(CELLS[i])
    train(state, 0, k, holes)
    before = fingerprint(state)
    twin = copier(state)
    assert fingerprint(twin) == before
    twin_infos = train(twin, k, STEPS, holes)
    assert fingerprint(state) == before
    assert train(state, k, STEPS, holes) == twin_infos
    assert fingerprint(state) == fingerprint(twin)


@pytest.mark.parametrize("copier", COPIERS.values(), ids=COPIERS)
def test_a_model_copied_with_its_state_stays_joined(copier):
    params = {"w": np.ones(3)}
    model = {"params": params, "state": fastgd.Adam().init(params)}
    twin = copier(model)
    twin["state"].step({"w": np.ones(3)})
    assert twin["params"]["w"][0] < 1 and params["w"][0] == 1


@pytest.fixture(scope="module")
def private_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTGD_CACHE", str(tmp_path_factory.mktemp("home") / "cache"))
        yield


@pytest.mark.parametrize("slot", ["sum", "param", "w"])
def test_users_rules_may_give_their_state_arrays_any_name_and_sign(private_cache, tmp_path, slot):
    code = f"def Summing(p, g, {slot}, /, lr=0.5):\n    {slot} = {slot} - g\n    return p + lr * {slot}, {slot}\n"
    source = tmp_path / "rule.py"
    source.write_text(code)
    names = {}
    exec(compile(code, source, "exec"), names)
    state = fastgd.rule(names["Summing"])().init({"w": np.ones(3), "v": np.ones(2)})
    state.step({"w": np.ones(3), "v": np.ones(2)})
    fastgd.save(tmp_path / "run", state)
    again = fastgd.load(tmp_path / "run", {"w": np.full(3, 7.0), "v": np.full(2, 7.0)})
    assert fingerprint(again) == fingerprint(state)
    assert again.params["w"][0] == 0.5 and again.arrays[f"w.{slot}"][0] == -1


if __name__ == "__main__":
    print(json.dumps([resumed(i, Path(sys.argv[1])) for i in range(len(CELLS))]))
