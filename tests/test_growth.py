"""How the best rate falls as training grows: the exponent is that of the curves, within the bounds that theory sets."""

import itertools
import json

import numpy as np
import pytest
import scipy.sparse as sp

import fastgd
from fastgd.learning_rate import _growth as growth
from fastgd.learning_rate import lr_find, sweep
from fastgd.linear_model import SGDClassifier, SGDRegressor
from fastgd.schedules import linear

RATES = 1.5 ** np.arange(-6.0, 6)


def curves(exponent, at=1000.0, rate=1.0, n_rows=None):
    """Losses whose best rate is ``rate * (n / at)**-exponent`` after n rows: parabolas of the logarithm."""
    n_rows = at * np.geomspace(0.25, 1, 9)[1:] if n_rows is None else n_rows
    best = np.log(rate) - exponent * np.log(n_rows / at)
    return growth.Growth(n_rows, 1 + 0.05 * (np.log(RATES) - best[:, None]) ** 2)


@pytest.mark.parametrize("exponent", [0.2, 0.5, 0.8])
def test_a_power_law_is_continued(exponent):
    """Of the exponent measured three quarters count, the rest is the root of theory."""
    mixed = 0.75 * exponent + 0.25 * 0.5
    found = curves(exponent).best(RATES, 5.0, 16_000.0)
    middle = np.exp(np.log(1000 * np.geomspace(0.25, 1, 9)[1:]).mean())
    expected = (middle / 1000) ** -exponent * (16_000 / middle) ** -mixed
    assert found == pytest.approx(expected)


def test_exponents_stay_between_none_and_one():
    """A rate that grew on the way is not continued upwards, and none falls faster than one over the rows."""
    middle = np.exp(np.log(1000 * np.geomspace(0.25, 1, 9)[1:]).mean())
    assert curves(-0.4).best(RATES, 5.0, 8000.0) == pytest.approx((middle / 1000) ** 0.4)
    steep = curves(1.5).best(RATES, 5.0, 8000.0)
    assert steep == pytest.approx((middle / 1000) ** -1.5 * (middle / 8000))


@pytest.mark.parametrize(("exponent", "beyond"), [(-0.4, 0.5), (0.8, 0.75 * 0.8 + 0.125)])
def test_far_beyond_what_was_seen_the_rate_falls_at_least_by_the_root(exponent, beyond):
    found = curves(exponent)
    far = 1000 * growth.TRUSTED
    ratio = found.best(RATES, 5.0, 100 * far) / found.best(RATES, 5.0, far)
    assert ratio == pytest.approx(100**-beyond)


@pytest.mark.parametrize(("n_rows", "batch_size"), [(30_000, 1), (30_000, 32), (300, 7), (300, 200), (3, 1), (1, 32)])
def test_stretches_are_whole_batches_that_end_with_the_training(n_rows, batch_size):
    ends = growth.stretches(n_rows, batch_size)
    assert ends[-1] == n_rows and (np.diff(ends) > 0).all() and (ends[:-1] % batch_size == 0).all()
    assert len(ends) <= growth.N_STRETCHES + 1
    if n_rows > 100 * batch_size:
        assert len(ends) == growth.N_STRETCHES + 1 and abs(ends[0] / n_rows - 0.25) < 0.02


def noisy_line(n, noise, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 8))
    return X, X @ rng.normal(size=8) + noise * rng.normal(size=n)


def sparse_rows(n, seed):
    rng = np.random.default_rng(seed)
    X = sp.random_array((n, 3000), density=0.004, rng=rng, format="csr", data_sampler=rng.standard_normal)
    return X, X @ rng.normal(size=3000)


def above(model, X, y, rate, n_learn, n_epochs=5):
    """By how much the loss at this rate is above that of the best one near it."""
    rates = rate * 2.0 ** np.arange(-5, 6)
    found = sweep(
        model, X[:n_learn], y[:n_learn], learning_rate=rates, n_epochs=n_epochs, X_val=X[n_learn:], y_val=y[n_learn:]
    )
    return found.val_loss[-1][5] / np.nanmin(found.val_loss[-1]) - 1


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_lowers_the_rate_and_sparse_rows_do_not(seed, monkeypatch):
    """The same trial of a part of the rows is continued differently; a root law for both would be wrong for one of them."""
    from fastgd.learning_rate import _trial

    monkeypatch.setattr(_trial, "MOST", 5000)
    lowered = {}
    for name, (X, y) in {"noise": noisy_line(42_000, 3.0, seed), "sparse": sparse_rows(42_000, seed)}.items():
        model = SGDRegressor(learning_rate=0.01, alpha=1e-6, random_state=seed)
        trial = lr_find(model, X[:40_000], y[:40_000]).trial
        assert trial.growth is not None and trial.longer > 30
        at_once = growth.lowest_point(trial.learning_rate, trial.curve, trial.untrained)
        lowered[name] = trial.growth.best(trial.learning_rate, trial.untrained, trial.n_rows) / trial.suggestion
        assert above(model, X, y, trial.suggestion, 40_000) < 0.05
        if name == "sparse":
            assert above(model, X, y, at_once / np.sqrt(trial.longer), 40_000) > 1.0
    assert lowered["noise"] > 3 * lowered["sparse"]


def test_what_shows_no_growth_follows_the_root(monkeypatch):
    """Averages and schedules: the losses on the way are not those of shorter trainings."""
    from fastgd.learning_rate import _trial

    monkeypatch.setattr(_trial, "WORK", 1e5)
    X, y = noisy_line(4000, 1.0, 0)
    options = {"plain": {}, "averaged": {"average": True}, "falling": {"learning_rate": linear(1.0, "100%")}}
    options["few steps"] = {"batch_size": 64}
    options["its own average"] = {"optimizer": fastgd.SGDScheduleFree(), "batch_size": 8}
    for name, more in options.items():
        trial = lr_find(SGDRegressor(random_state=0, **{"learning_rate": 0.1, **more}), X, y).trial
        assert (trial.growth is not None) == (name == "plain")
        if name != "plain":
            best = growth.lowest_point(trial.learning_rate, trial.curve, trial.untrained)
            assert trial.suggestion == pytest.approx(best / np.sqrt(trial.longer))
        described = json.loads(json.dumps(trial.to_dict(), allow_nan=False))["growth"]
        assert described is None if name != "plain" else len(described["loss"]) == len(described["n_rows"]) == 8


def test_the_losses_on_the_way_are_those_before_the_updates():
    """With a rate at which nothing happens each stretch loses what the untrained model does on its rows."""
    from fastgd._training import fit
    from fastgd.learning_rate import _trial
    from fastgd.learning_rate._subject import Subject

    X, y = noisy_line(1000, 1.0, 0)
    subject = Subject.of(SGDClassifier(loss="log_loss", random_state=0), X, y > 0, None, None)
    learn, out = np.arange(800), np.arange(800, 1000)
    _, _, way = _trial._one_fold(subject, np.array([1e-30, 0.05]), learn, out, 640, 1, 3, grows=True)
    np.testing.assert_allclose(way.loss[:, 0], np.log(2), rtol=1e-12)
    order, coef, intercept, losses = fit.epoch_order(learn, 3, 0, True)[:640], np.zeros(8), 0.0, []
    for row in order:
        z, sign = X[row] @ coef + intercept, 2.0 * (y[row] > 0) - 1
        losses.append(np.logaddexp(0, -sign * z))
        slope = -sign / (1 + np.exp(sign * z))
        coef, intercept = coef * (1 - 0.05 * 1e-4) - 0.05 * slope * X[row], intercept - 0.05 * slope
    ends = growth.stretches(640, 1)
    expected = [np.mean(losses[a:b]) for a, b in itertools.pairwise(ends)]
    np.testing.assert_allclose(way.loss[:, 1], expected, rtol=1e-9)
    np.testing.assert_allclose(way.n_rows, (ends[:-1] + ends[1:]) / 2)
