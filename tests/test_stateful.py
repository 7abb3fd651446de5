"""A random life of an optimizer state beside the textbook's: steps, holes, NaN, losses, files, copies, mistakes, in any order."""

import copy
import math
import os
import pickle
import shutil
import tempfile

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

import fastgd
from fastgd import schedules

from . import naive

CHOICES = {
    "SGD": (fastgd.SGD, naive.SGD, {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    "Nesterov": (fastgd.SGD, naive.SGD, {"momentum": 0.9, "nesterov": True}),
    "Adagrad": (fastgd.Adagrad, naive.Adagrad, {"lr_decay": 0.1, "initial_accumulator_value": 0.5}),
    "RMSprop": (fastgd.RMSprop, naive.RMSprop, {"momentum": 0.5}),
    "Adadelta": (fastgd.Adadelta, naive.Adadelta, {"weight_decay": 0.1}),
    "AMSGrad": (fastgd.Adam, naive.Adam, {"amsgrad": True, "betas": (0.5, 0.9)}),
    "AdamW": (fastgd.AdamW, naive.AdamW, {"weight_decay": 0.1}),
    "Adamax": (fastgd.Adamax, naive.Adamax, {}),
    "NAdam": (fastgd.NAdam, naive.NAdam, {"momentum_decay": 0.1}),
    "RAdam": (fastgd.RAdam, naive.RAdam, {"betas": (0.5, 0.9)}),
    "Lion": (fastgd.Lion, naive.Lion, {"weight_decay": 0.1}),
    "SignSGD": (fastgd.SignSGD, naive.Signum, {"momentum": 0}),
    "Signum": (fastgd.Signum, naive.Signum, {}),
    "Rprop": (fastgd.Rprop, naive.Rprop, {}),
    "FTRL": (fastgd.FTRL, naive.FTRL, {"l1": 0.125, "l2": 0.5}),
    "ASGD": (fastgd.ASGD, naive.ASGD, {"t0": 2, "lambd": 0.1}),
}
SHAPES = {"w": (2, 3), "b": (2,)}
QUARTERS = st.integers(-8, 8).map(lambda n: n / 4)  # exact, so that no sign hangs on a rounding
ARRAYS = {name: st.lists(QUARTERS, min_size=math.prod(s), max_size=math.prod(s)) for name, s in SHAPES.items()}
GRADIENTS = st.fixed_dictionaries({name: st.none() | numbers for name, numbers in ARRAYS.items()})


class MeasuredRate:
    """The model of `plateau(0.125, factor=0.5, patience=0, threshold=0, eps=0)`: halve whenever the loss is no better than the best."""

    def __init__(self):
        self.rate, self.best = 0.125, math.inf

    def observe(self, loss):
        if loss < self.best:
            self.best = loss
        else:
            self.rate /= 2

    def __call__(self, t):
        return self.rate


class FixedRate:
    """The model of a rate that no loss changes."""

    def __init__(self, function):
        self.function = function

    def observe(self, loss):
        pass

    def __call__(self, t):
        return self.function(t)


def falling(t):
    return 0.125 - (0.125 - 0.0625) * min(t, 8) / 8


RATES = {
    "number": (0.125, lambda: FixedRate(lambda t: 0.125)),
    "linear": (schedules.linear(0.125, 8, 0.0625), lambda: FixedRate(falling)),
    "plateau": (schedules.plateau(0.125, factor=0.5, patience=0, threshold=0.0, eps=0.0), MeasuredRate),
}
MISTAKES = {
    "other shape": lambda s: s.step({"w": np.ones((3, 2)), "b": np.ones(2)}),
    "broadcastable": lambda s: s.step({"w": np.ones((1, 3)), "b": np.ones(2)}),
    "other dtype": lambda s: s.step({"w": np.ones((2, 3)), "b": np.ones(2, np.float32)}),
    "missing": lambda s: s.step({"w": np.ones((2, 3))}),
    "unknown": lambda s: s.step({"w": np.ones((2, 3)), "b": np.ones(2), "c": np.ones(2)}),
    "list": lambda s: s.step([np.ones((2, 3)), np.ones(2)]),
    "number": lambda s: s.step(1.0),
    "the parameter itself": lambda s: s.step({"w": np.ones((2, 3)), "b": s.params["b"]}),
    "loss NaN": lambda s: s.observe(math.nan),
    "loss text": lambda s: s.observe("low"),
    "array shape": lambda s: s.arrays.__setitem__(next(iter(s.arrays), "w.m"), np.ones(7)),
    "array NaN": lambda s: s.arrays.__setitem__(next(iter(s.arrays), "w.m"), np.full((2, 3), np.nan)),
    "array unknown": lambda s: s.arrays.__setitem__("w.expavg", np.ones((2, 3))),
    "lr": lambda s: s.optimizer.replace(lr=-1.0),
    "option": lambda s: s.optimizer.replace(rate=1.0),
}


class Life(RuleBasedStateMachine):
    files = Bundle("files")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.saved = 0

    def teardown(self):
        shutil.rmtree(self.folder)

    @initialize(
        name=st.sampled_from(sorted(CHOICES)),
        rate=st.sampled_from(sorted(RATES)),
        policy=st.sampled_from(["raise", "skip", "zero"]),
        clip_norm=st.sampled_from([None, 1.0]),
        clip_value=st.sampled_from([None, 0.5]),
        maximize=st.booleans(),
        start=st.fixed_dictionaries(ARRAYS),
    )
    def begin(self, name, rate, policy, clip_norm, clip_value, maximize, start):
        cls, model, own = CHOICES[name]
        options = {"clip_norm": clip_norm, "clip_value": clip_value, "maximize": maximize}
        described, self.rate = RATES[rate][0], RATES[rate][1]()
        ours = {key: value for key, value in own.items() if key in cls.__dataclass_fields__}
        params = {key: np.reshape(start[key], shape) for key, shape in SHAPES.items()}
        self.state = cls(lr=described, **ours, **options, on_nonfinite=policy).init(params)
        self.model = model(lr=self.rate, **own, **options)
        self.model.init(list(params.values()))
        self.skipped, self.policy = 0, policy

    def take(self, gradients):
        """Let the model step, and compare what our step says: `gradients` are what is left of them by the policy."""
        live = [g for g in gradients.values() if g is not None]
        rate, t = self.rate(self.model.t), self.model.t
        self.model.step(list(gradients.values()))
        return {"t": t, "lr": rate, "skipped": not live, "norm": naive.global_norm(live) if live else 0.0}

    @rule(numbers=GRADIENTS)
    def step(self, numbers):
        gradients = {k: None if numbers[k] is None else np.reshape(numbers[k], shape) for k, shape in SHAPES.items()}
        expected = self.take(gradients)
        limit = self.model.clip_norm
        info = self.state.step(gradients)
        assert (info.t, info.skipped, info.nonfinite) == (expected["t"], expected["skipped"], 0)
        assert info.lr == pytest.approx(expected["lr"], rel=1e-14)
        if self.policy != "zero" or limit is not None:
            assert info.grad_norm == pytest.approx(expected["norm"], rel=1e-14)
        assert info.clipped == (limit is not None and not info.skipped and expected["norm"] > limit)

    @rule(
        numbers=GRADIENTS,
        where=st.sampled_from(["w", "b"]),
        at=st.integers(0, 1),
        bad=st.sampled_from([math.nan, math.inf, -math.inf]),
    )
    def step_with_a_nonfinite_gradient(self, numbers, where, at, bad):
        gradients = {k: None if numbers[k] is None else np.reshape(numbers[k], shape) for k, shape in SHAPES.items()}
        if gradients[where] is None:
            return
        gradients[where].flat[at] = bad
        if self.policy == "raise":
            with pytest.raises(fastgd.NonFiniteError, match=where):
                self.state.step(gradients)
            return
        info = self.state.step(gradients)
        assert info.nonfinite == 1
        assert info.skipped == (self.policy == "skip")
        if self.policy == "skip":
            self.skipped += 1
            return
        gradients[where].flat[at] = 0
        self.take(gradients)

    @rule(loss=st.sampled_from([1.0, 2.0, 3.0]))
    def observe(self, loss):
        self.state.observe(loss)
        self.rate.observe(loss)

    @rule(target=files)
    def save(self):
        self.saved += 1
        path = os.path.join(self.folder, str(self.saved))
        fastgd.save(path, self.state)
        return path, copy.deepcopy((self.model, self.rate, self.skipped))

    @rule(file=files)
    def load(self, file):
        """Go back to a file, perhaps one of long ago."""
        path, model = file
        self.state = fastgd.load(path, {name: np.full(shape, 7.0) for name, shape in SHAPES.items()})
        self.become(copy.deepcopy(model))

    @rule(file=files, lr=st.sampled_from([0.25, 0.5]), limit=st.sampled_from([None, 0.75]))
    def load_with_other_hyperparameters(self, file, lr, limit):
        path, model = file
        params = {name: np.full(shape, 7.0) for name, shape in SHAPES.items()}
        self.state = fastgd.load(path, params, lr=lr, clip_norm=limit)
        self.become(copy.deepcopy(model))
        self.rate = self.model.options["lr"] = FixedRate(lambda t: lr)
        self.model.clip_norm = limit

    def become(self, model):
        self.model, rate, self.skipped = model
        self.rate = self.model.options["lr"] = rate

    @rule(copier=st.sampled_from([copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))]))
    def go_on_as_a_copy(self, copier):
        original, self.state = self.state, copier(self.state)
        original.step({name: np.ones(shape) for name, shape in SHAPES.items()})  # must not reach the copy

    @rule(mistake=st.sampled_from(sorted(MISTAKES)))
    def make_a_mistake(self, mistake):
        with pytest.raises((fastgd.ArgumentValueError, fastgd.ArgumentTypeError)) as caught:
            MISTAKES[mistake](self.state)
        assert len(str(caught.value)) <= 300

    @rule(data=st.data(), numbers=st.lists(st.integers(1, 8).map(lambda n: n / 4), min_size=6, max_size=6))
    def set_a_state_array(self, data, numbers):
        if not self.state.arrays:
            return
        name = data.draw(st.sampled_from(sorted(self.state.arrays)))
        param, _, slot = name.partition(".")
        begun = self.model.counts[list(SHAPES).index(param)] > 0
        if slot == "n" or (slot == "momentum_buffer" and not begun):
            return  # the textbook keeps the rate beside n, and has no buffer before the first step
        values = np.reshape(numbers[: math.prod(SHAPES[param])], SHAPES[param])
        self.state.arrays[name] = values
        self.model.state[slot][list(SHAPES).index(param)] = values.copy()
        values[...] = -1  # was copied in

    @rule(numbers=st.fixed_dictionaries(ARRAYS), limit=st.sampled_from([0.5, 1.0, 4.0]))
    def clip_by_the_functions(self, numbers, limit):
        grads = {name: np.reshape(numbers[name], shape) for name, shape in SHAPES.items()}
        expected = naive.clip_norm(naive.clip_value(list(grads.values()), 1.5), limit)
        fastgd.clip_value(grads, 1.5)
        assert fastgd.global_norm(grads) == pytest.approx(naive.global_norm(list(grads.values())), rel=1e-14)
        fastgd.clip_norm(grads, limit)
        for found, wanted in zip(grads.values(), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-14)

    @invariant()
    def state_and_model_agree(self):
        if not hasattr(self, "state"):
            return
        assert (self.state.t, self.state.skipped) == (self.model.t, self.skipped)
        assert self.state.lr == pytest.approx(self.rate(self.model.t), rel=1e-14)
        for i, name in enumerate(SHAPES):
            np.testing.assert_allclose(
                self.state.params[name], self.model.params[i], rtol=1e-9, atol=1e-12, err_msg=name
            )
            for slot, arrays in self.model.state.items():
                found = self.state.arrays[f"{name}.{slot}"]
                np.testing.assert_allclose(found, arrays[i], rtol=1e-9, atol=1e-12, err_msg=f"{name}.{slot}")
        assert len(self.state.arrays) == len(SHAPES) * len(self.model.state)


def test_ftrl_begins_at_the_rate_of_init():
    """Its `z` is made for the rate of step 0: a zero gradient leaves the weight, however late it comes."""
    state = fastgd.FTRL(lr=RATES["linear"][0], l1=0.125, l2=0.5).init({"w": np.array([0.25]), "b": np.zeros(1)})
    state.step({"w": None, "b": np.zeros(1)})
    state.step({"w": np.zeros(1), "b": None})
    np.testing.assert_allclose(state.params["w"], 0.25, rtol=1e-12)


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=set(Phase) - {Phase.explain},
)
