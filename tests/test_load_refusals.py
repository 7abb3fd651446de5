"""What `load` changes on request, and what it refuses: files that do not fit, and files whose bytes are right and whose meaning is not."""

import hashlib
import itertools

import numpy as np
import pytest

import fastgd
from fastgd import schedules
from fastgd.checkpoint import read_file, write_file

LOSSES = (3.0, 2.0, 2.5, 2.5, 2.4, 2.4, 1.0, 1.1, 1.1, 1.1, 0.5, 0.6)
VALUE_OR_TYPE = (fastgd.ArgumentValueError, fastgd.ArgumentTypeError)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


def make(fill=None):
    """Return parameters: random, or where `fill` is given, all of that number."""
    rng = np.random.default_rng(0)
    params = {"w": rng.standard_normal((3, 4)), "b": rng.standard_normal(4)}
    return params if fill is None else {name: np.full_like(p, fill) for name, p in params.items()}


def train(state, first, last, without=()):
    """Take steps with gradients that depend on the step and the parameter's name alone; no gradients for the steps `without`."""
    for t in range(first, last):
        grads = {
            n: np.random.default_rng((t, len(n), ord(n[0]))).standard_normal(p.shape) for n, p in state.params.items()
        }
        if t in without:
            grads["b"] = None
        state.step(grads, loss=0.7)
        state.observe(LOSSES[t])


def bits(params):
    return {name: p.tobytes() for name, p in params.items()}


def everything(state):
    return bits(state.params), bits(dict(state.arrays)), state.t, state.lr


def refused(path, params, *words, error=fastgd.ArgumentValueError, **options):
    """Assert that loading raises an error that has the words, is short, and leaves the parameters as they were."""
    before = bits(params)
    with pytest.raises(error) as caught:
        fastgd.load(path, params, **options)
    assert bits(params) == before
    message = str(caught.value)
    assert len(message) <= 300
    for word in words:
        assert word in message


# ---------------------------------------------------------------------------------------------------------------------------------
# What load changes on request


def saved(path, optimizer, steps=6, **how):
    state = optimizer.init(make(), **how)
    train(state, 0, steps)
    fastgd.save(path, state)
    return state


@pytest.mark.parametrize("change", [{"lr": 0.01}, {"optimizer": fastgd.AdamW(lr=0.01)}], ids=["lr", "optimizer"])
def test_a_new_rate_from_here_on(path, change):
    saved(path, fastgd.AdamW(lr=0.1))
    state = fastgd.load(path, make(7), **change)
    train(state, 6, 12)
    planned = fastgd.AdamW(lr=schedules.piecewise([6], [0.1, 0.01])).init(make())
    train(planned, 0, 12)
    assert everything(state) == everything(planned)


def test_a_new_schedule_is_entered_at_the_saved_step(path):
    saved(path, fastgd.SGD(lr=0.1))
    assert fastgd.load(path, make(7), lr=schedules.linear(1.0, 10)).lr == schedules.linear(1.0, 10)(6)


def test_overrides_stay_when_the_optimizer_is_replaced(path):
    saved(path, fastgd.SGD(lr=0.1, momentum=0.9), overrides={"b": {"momentum": 0.5}})
    state = fastgd.load(path, make(7), optimizer=fastgd.SGD(lr=0.01, momentum=0.8))
    planned = fastgd.SGD(lr=schedules.piecewise([6], [0.1, 0.01]), momentum=schedules.piecewise([6], [0.9, 0.8]))
    planned = planned.init(make(), overrides={"b": {"momentum": 0.5}})
    train(state, 6, 12)
    train(planned, 0, 12)
    assert everything(state) == everything(planned)


MEASURED = {
    "plateau": schedules.plateau(0.4, factor=0.5, patience=0),
    "performance": schedules.performance(0.4, grow=2.0),
    "product": schedules.plateau(0.4, patience=0) * schedules.performance(1.0),
    "constant": schedules.constant(0.4),
}


@pytest.mark.parametrize(("old", "new"), [*itertools.permutations(MEASURED, 2), ("plateau", "plateau")])
def test_a_measured_schedule_that_is_replaced_starts_afresh(path, old, new):
    saved(path, fastgd.SGD(lr=MEASURED[old]))
    rate = MEASURED[new] if old != new else schedules.plateau(0.4, factor=0.25, patience=2)
    state = fastgd.load(path, make(7), lr=rate)
    fresh = fastgd.SGD(lr=rate).init(make())
    assert state.lr == fresh.lr == 0.4
    for loss in (1.0, 1.0, 1.0, 1.0, 0.5, 1.0):
        state.observe(loss)
        fresh.observe(loss)
        assert state.lr == fresh.lr


@pytest.mark.parametrize("scheduled", [True, False])
def test_replacing_one_schedule_keeps_the_memory_of_the_other(path, scheduled):
    state = saved(path, fastgd.SGD(lr=MEASURED["performance"], weight_decay=MEASURED["plateau"]))
    rate = schedules.piecewise([6], [9.0, state.lr]) if scheduled else state.lr
    again = fastgd.load(path, make(7), lr=rate)
    for each in (state, again):
        each.step({"w": np.ones((3, 4)), "b": np.ones(4)})
    assert everything(again)[0] == everything(state)[0]


def test_a_dict_in_another_order_is_loaded_by_name(path):
    how = {"overrides": {"b": {"lr": 0.02}}}
    uninterrupted = fastgd.NAdam().init(make(), **how)
    train(uninterrupted, 0, 12, without=(2, 3, 8))
    state = fastgd.NAdam().init(make(), **how)
    train(state, 0, 6, without=(2, 3))
    fastgd.save(path, state)
    other = dict(reversed(make(7).items()))
    again = fastgd.load(path, other)
    train(again, 6, 12, without=(8,))
    assert again.names == ["b", "w"]
    assert (bits(other), bits(dict(again.arrays))) == (bits(uninterrupted.params), bits(dict(uninterrupted.arrays)))


def test_saving_what_was_loaded_gives_the_same_bytes(path, tmp_path):
    saved(path, fastgd.FTRL(lr=MEASURED["plateau"], l1=0.1), overrides={"b": {"l1": 0.2}})
    fastgd.save(tmp_path / "again", fastgd.load(path, make(7)))
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


# ---------------------------------------------------------------------------------------------------------------------------------
# Files that do not fit what they are loaded into


UNFIT = {
    "missing": (lambda p: {"w": p["w"]}, ["'b'"]),
    "extra": (lambda p: {**p, "c": np.full(2, 7.0)}, ["'c'"]),
    "renamed": (lambda p: {"w": p["w"], "bias": p["b"]}, ["'b'", "'bias'"]),
    "list": (lambda p: [p["w"], p["b"]], ["'w'", "'b'", "'0'", "'1'"]),
    "transposed": (lambda p: {"w": p["w"].T, "b": p["b"]}, ["'w'", "(4, 3)", "(3, 4)"]),
    "flat": (lambda p: {"w": p["w"].reshape(-1), "b": p["b"]}, ["'w'", "(12,)", "(3, 4)"]),
    "narrow": (lambda p: {"w": p["w"], "b": p["b"].astype(np.float32)}, ["'b'", "float32", "float64"]),
}


@pytest.mark.parametrize("case", UNFIT)
def test_parameters_that_are_not_those_saved(path, case):
    saved(path, fastgd.Adam())
    arrange, words = UNFIT[case]
    params = arrange(make(7.0))
    if isinstance(params, list):
        params = dict(enumerate(params))
    refused(path, params, *words)


def test_a_long_list_of_differences_is_shortened(path):
    fastgd.save(path, fastgd.SGD().init({f"parameter_{i}": np.ones(1) for i in range(100)}))
    refused(path, {f"weight_{i}": np.ones(1) for i in range(100)}, "parameter_0", "weight_99")


CLASSES = [
    cls
    for cls in vars(fastgd.optimizers).values()
    if isinstance(cls, type)
    and issubclass(cls, fastgd.Optimizer)
    and cls not in (fastgd.Optimizer, fastgd.Armijo)
    and not cls.needs_rows
]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_other_optimizer_is_refused_by_name(path, cls):
    saved(path, cls(), steps=1)
    for other in CLASSES:
        if other is not cls:
            refused(path, make(7), cls.__name__, other.__name__, optimizer=other())


@pytest.mark.parametrize(
    ("optimizer", "change"),
    [
        (fastgd.Adam(), {"amsgrad": True}),
        (fastgd.Adam(amsgrad=True), {"amsgrad": False}),
        (fastgd.SGD(momentum=0.9), {"momentum": 0.0}),
        (fastgd.SGD(), {"momentum": 0.9}),
        (fastgd.RMSprop(), {"centered": True}),
    ],
    ids=repr,
)
def test_options_with_other_state_arrays_are_refused(path, optimizer, change):
    saved(path, optimizer)
    refused(path, make(7), next(iter(change)), **change)
    refused(path, make(7), next(iter(change)), optimizer=optimizer.replace(**change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lr": -1.0}, ["lr", "-1.0"]),
        ({"lr": float("nan")}, ["lr", "nan"]),
        ({"lr": "fast"}, ["lr", "'fast'"]),
        ({"betas": (0.9, 2.0)}, ["betas", "2.0"]),
        ({"eps": 0}, ["eps", "0"]),
        ({"weight_decy": 0.1}, ["weight_decy", "weight_decay"]),
        ({"on_nonfinite": "ignore"}, ["on_nonfinite", "ignore"]),
        ({"lr": schedules.linear(0.1, "10 epochs")}, ["epochs", "steps_per_epoch"]),
        ({"optimizer": "AdamW"}, ["str", "AdamW"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_changes_that_are_no_hyperparameters(path, change, words):
    saved(path, fastgd.AdamW())
    refused(path, make(7), *words, error=VALUE_OR_TYPE, **change)


def test_a_parameter_and_a_state_array_may_not_share_a_name():
    """They would be one entry of the file."""
    params = {"w": np.ones(2), "w.exp_avg": np.ones(2)}
    with pytest.raises(fastgd.ArgumentValueError, match=r"w\.exp_avg"):
        fastgd.Adam().init(params)
    fastgd.SGD().init(params)


# ---------------------------------------------------------------------------------------------------------------------------------
# Right bytes, wrong meaning


def put(*keys, value):
    """Return the edit that sets one entry of the tensors or of the configuration."""

    def edit(tensors, config):
        at = {"tensors": tensors, "config": config}
        for key in keys[:-1]:
            at = at[key]
        at[keys[-1]] = value

    return edit


def drop(kind, key):
    return lambda tensors, config: {"tensors": tensors, "config": config}[kind].pop(key)


def rename(old, new):
    return lambda tensors, config: tensors.update({new: tensors.pop(old)})


def element(name, value):
    return lambda tensors, config: tensors[name].reshape(-1).__setitem__(1, value)


ADAM, SGD = fastgd.Adam(lr=MEASURED["plateau"]), fastgd.SGD(lr=0.1)
HUGE = 10**400
TAMPERED = {
    "v < 0": (ADAM, element("w.exp_avg_sq", -1e-9), ["w.exp_avg_sq"]),
    "v NaN": (ADAM, element("w.exp_avg_sq", np.nan), ["w.exp_avg_sq", "nan"]),
    "m infinite": (ADAM, element("b.exp_avg", np.inf), ["b.exp_avg", "inf"]),
    "parameter NaN": (ADAM, element("w", np.nan), ["w", "nan"]),
    "sum < 0": (fastgd.Adagrad(), element("w.sum", -1.0), ["w.sum"]),
    "u < 0": (fastgd.Adamax(), element("w.exp_inf", -1.0), ["w.exp_inf"]),
    "delta < 0": (fastgd.Adadelta(), element("w.acc_delta", -1.0), ["w.acc_delta"]),
    "n < 0": (fastgd.FTRL(), element("w.n", -1.0), ["w.n"]),
    "step size < 0": (fastgd.Rprop(), element("w.step_size", -1.0), ["w.step_size"]),
    "array missing": (ADAM, drop("tensors", "b.exp_avg"), ["missing ['b.exp_avg']"]),
    "array extra": (ADAM, put("tensors", "b.sum", value=np.ones(4)), ["extra ['b.sum']"]),
    "array renamed": (ADAM, rename("b.exp_avg", "b.exp_ave"), ["missing ['b.exp_avg']", "extra ['b.exp_ave']"]),
    "arrays of SGD": (ADAM, put("config", "optimizer", "name", value="SGD"), ["betas"]),
    "array shape": (ADAM, put("tensors", "b.exp_avg", value=np.ones(5)), ["b.exp_avg", "(5,)", "(4,)"]),
    "array dtype": (ADAM, put("tensors", "b.exp_avg", value=np.ones(4, np.float32)), ["b.exp_avg", "float32"]),
    "step -5": (ADAM, put("config", "t", value=-5), ["-5"]),
    "step 2.5": (ADAM, put("config", "t", value=2.5), ["2.5"]),
    "step text": (ADAM, put("config", "t", value="6"), ["'6'"]),
    "step true": (ADAM, put("config", "t", value=True), ["True"]),
    "step null": (ADAM, put("config", "t", value=None), ["None"]),
    "step beyond any": (SGD, put("config", "t", value=HUGE), ["'t'"]),
    "skipped -1": (ADAM, put("config", "skipped", value=-1), ["-1"]),
    "beta 2": (ADAM, put("config", "optimizer", "betas", value=[0.9, 2.0]), ["betas", "2.0"]),
    "beta 2 in a group": (ADAM, put("config", "groups", 0, "betas", value=[0.9, 2.0]), ["betas", "2.0"]),
    "one beta": (ADAM, put("config", "groups", 0, "betas", value=[0.9]), ["betas"]),
    "lr -1": (SGD, put("config", "groups", 0, "lr", value=-1.0), ["lr", "-1.0"]),
    "lr null": (SGD, put("config", "groups", 0, "lr", value=None), ["lr", "None"]),
    "lr text": (SGD, put("config", "groups", 0, "lr", value="0.1"), ["lr", "0.1"]),
    "lr huge": (SGD, put("config", "groups", 0, "lr", value=HUGE), ["lr"]),
    "lr no schedule": (SGD, put("config", "groups", 0, "lr", value={"schedule": {"schedule": "magic"}}), ["magic"]),
    "lr empty": (SGD, put("config", "groups", 0, "lr", value={}), []),
    "schedule T -3": (ADAM, put("config", "groups", 0, "lr", "schedule", "patience", value=-3), ["patience", "-3"]),
    "nesterov 1": (SGD, put("config", "groups", 0, "nesterov", value=1), ["nesterov", "1"]),
    "eps underflows": (ADAM, put("config", "groups", 0, "eps", value=0.0), ["eps"]),
    "unknown optimizer": (SGD, put("config", "optimizer", "name", value="SDG"), ["SDG", "SGD"]),
    "abstract optimizer": (SGD, put("config", "optimizer", "name", value="_Moments"), ["_Moments"]),
    "unknown option": (SGD, put("config", "optimizer", "momentun", value=0.9), ["momentun", "momentum"]),
    "other group": (SGD, put("config", "groups", 0, "momentum", value=0.9), ["momentum_buffer"]),
    "group of another class": (SGD, put("config", "groups", 0, value=fastgd.SignSGD().to_dict()), []),
    "no groups": (SGD, put("config", "groups", value=[]), []),
    "group number": (SGD, put("config", "members", 0, value=1), ["members"]),
    "group number -1": (SGD, put("config", "members", 0, value=-1), ["members"]),
    "group number true": (SGD, put("config", "members", value=[True, True]), ["members"]),
    "names": (SGD, put("config", "names", value=["w", "c"]), ["'b'"]),
    "names twice": (SGD, put("config", "names", value=["w", "w"]), ["'b'"]),
    "names too many": (SGD, put("config", "names", value=["w", "b", "c"]), []),
    "members too few": (SGD, put("config", "members", value=[0]), []),
    "age > t": (ADAM, put("config", "cohorts", 0, 1, value=7), []),
    "age < 0": (ADAM, put("config", "cohorts", 0, 1, value=-1), ["-1"]),
    "cohort number": (ADAM, put("config", "cohort_of", value=[0, 1]), []),
    "cohort number -1": (ADAM, put("config", "cohort_of", value=[0, -1]), []),
    "cohort of two": (ADAM, put("config", "cohorts", 0, value=[0, 6]), []),
    "carry of Adam": (ADAM, put("config", "cohorts", 0, 2, value=0.5), ["carry"]),
    "carry of NAdam missing": (fastgd.NAdam(), put("config", "cohorts", 0, 2, value=None), ["carry"]),
    "carry of NAdam > 1": (fastgd.NAdam(), put("config", "cohorts", 0, 2, value=2.0), ["carry"]),
    "carry of NAdam a pair": (fastgd.NAdam(), put("config", "cohorts", 0, 2, value=[0.5, 0.5]), ["carry"]),
    "carry of NAdam text": (fastgd.NAdam(), put("config", "cohorts", 0, 2, value="0.5"), ["carry"]),
    "carry of FTRL a number": (fastgd.FTRL(), put("config", "cohorts", 0, 2, value=0.5), ["carry"]),
    "carry of FTRL lr 0": (fastgd.FTRL(), put("config", "cohorts", 0, 2, value=[0.0, 1.0]), ["carry"]),
    "memory of no schedule": (SGD, put("config", "memory", value=[[[0.1, 2.0, 0, 0]]]), ["memory"]),
    "memory missing": (ADAM, put("config", "memory", value=[[]]), ["memory"]),
    "memory short": (ADAM, put("config", "memory", value=[[[0.1]]]), ["memory"]),
    "memory text": (ADAM, put("config", "memory", value=[["plateau"]]), ["memory"]),
    "memory of text": (ADAM, put("config", "memory", value=[[["0.1", "2", "0", "0"]]]), ["memory"]),
    "memory rate < 0": (ADAM, put("config", "memory", value=[[[-0.1, 2.0, 0, 0]]]), ["-0.1"]),
    "memory null": (ADAM, put("config", "memory", value=None), []),
    "lead memory": (ADAM, put("config", "lead_memory", value=[7]), ["memory"]),
    **{
        f"no {key}": (ADAM, drop("config", key), [key])
        for key in ("optimizer", "groups", "names", "members", "t", "cohorts")
    },
    **{
        f"{value!r} as groups": (SGD, put("config", "groups", value=value), [])
        for value in (None, 3, "SGD", {"SGD": 1}, [[]])
    },
}


@pytest.mark.parametrize("case", TAMPERED)
def test_right_bytes_with_a_wrong_meaning(path, case):
    optimizer, edit, words = TAMPERED[case]
    saved(path, optimizer)
    tensors, config = read_file(path)
    edit(tensors, config)
    write_file(path, tensors, config)
    refused(path, make(7), *words, error=VALUE_OR_TYPE)


@pytest.mark.parametrize("config", [{}, {"optimizer": None}, {"optimizer": {}, "groups": []}], ids=repr)
def test_a_configuration_that_is_none(path, config):
    saved(path, SGD)
    write_file(path, read_file(path)[0], config)
    refused(path, make(7), error=VALUE_OR_TYPE)


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_json_cannot_hold(path, literal):
    """The digest of such a file is right; only its text is none that save writes."""
    saved(path, fastgd.SGD(lr=0.123456789012345))
    raw = path.read_bytes()[:-32].replace(b"0.123456789012345", literal.ljust(17).encode())
    path.write_bytes(raw + hashlib.sha256(raw).digest())
    refused(path, make(7))


def test_unknown_entries_of_the_configuration_are_left_alone(path):
    state = saved(path, ADAM)
    tensors, config = read_file(path)
    write_file(path, tensors, {**config, "written for a later version": [1, 2]})
    assert everything(fastgd.load(path, make(7))) == everything(state)
