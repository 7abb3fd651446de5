"""The bandit over factors of the rate: its rule written plainly, and what it learns."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgd
from fastgd.schedules import bandit, cosine, parse


def naive_bandit(losses, factors, explore, discount):
    """Discounted UCB (Kocsis and Szepesvari 2006), from the whole history at each step, rewards divided by their mean size."""
    arm, last, history, found = 0, None, [], []
    for loss in losses:
        if last is not None or math.isinf(loss):
            reward = -1.0
            if last is not None and math.isfinite(loss):
                reward = (last - loss) / max(abs(last), abs(loss)) if last or loss else 0.0
            history.append((arm, min(1.0, max(-1.0, reward))))
            ages = range(len(history) - 1, -1, -1)
            weights = [discount**age for age in ages]
            typical = sum(w * abs(r) for w, (_, r) in zip(weights, history, strict=True)) / sum(weights) or 1.0
            bounds = []
            for k in range(len(factors)):
                count = sum(w for w, (a, _) in zip(weights, history, strict=True) if a == k)
                total = sum(w * r for w, (a, r) in zip(weights, history, strict=True) if a == k)
                if not count:
                    bounds.append(math.inf)
                    continue
                bounds.append(total / count / typical + explore * math.sqrt(math.log(max(1, sum(weights))) / count))
            arm = max(range(len(factors)), key=lambda k: bounds[k])
        last = loss if math.isfinite(loss) else last
        found.append(factors[arm])
    return found


def driven(schedule, losses):
    memory, rates = schedule.start(), []
    for t, loss in enumerate(losses):
        memory = json.loads(json.dumps(schedule.observe(memory, loss, t), allow_nan=False))
        rates.append(schedule.at(t + 1, memory))
    return rates


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("discount", [0.5, 0.95, 1.0])
def test_is_the_rule(seed, discount):
    rng = np.random.default_rng(seed)
    losses = (rng.normal(size=60) + 3 * rng.random()).tolist()
    losses[7] = losses[20] = math.inf
    factors = (1.0, 0.3, 3.0, 0.1)[: 1 + seed % 4]
    assert driven(bandit(1.0, factors, 0.3, discount), losses) == naive_bandit(losses, factors, 0.3, discount)


@given(st.lists(st.floats(-1e300, 1e300) | st.just(math.inf), max_size=30))
def test_the_rate_is_always_one_of_them(losses):
    assert set(driven(bandit(0.5, (1.0, 2.0)), losses)) <= {0.5, 1.0}


def test_it_learns_what_pays():
    """Gradient descent on a quadratic whose best rate is 2.0: the bandit gives most steps to it, and ends below half the rate."""
    ends, used = {}, []
    for schedule in (bandit(0.5, (1.0, 0.1, 4.0)), 0.5):
        w = np.array([1.0])
        state = fastgd.SGD(lr=schedule).init(w)
        for _ in range(40):
            used.append(state.step(0.45 * w).lr) if schedule != 0.5 else state.step(0.45 * w)
            state.observe(float(w @ w))
        ends[schedule == 0.5] = abs(w[0])
    assert used[3:].count(2.0) > 25 and ends[False] < 1e-3 * ends[True]


def test_text_and_composition():
    schedule = cosine(0.1, 100) * bandit(explore=0.5)
    assert parse(str(schedule)) == schedule and schedule.is_stateful


@pytest.mark.parametrize(
    "wrong", [{"factors": ()}, {"factors": (-1.0,)}, {"explore": -1}, {"discount": 0}, {"discount": 1.5}]
)
def test_what_cannot_be_used_is_refused(wrong):
    with pytest.raises(fastgd.ArgumentValueError):
        bandit(**wrong)
