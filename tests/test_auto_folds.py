"""learning_rate="auto" with few rows held out: folds as lanes beside the model."""

import numpy as np
import pytest
from sklearn.base import clone

from fastgd._training import folds
from fastgd._training.track import Track

from .test_auto import LOG, data, rows_learnt

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of iteration:sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("n_classes", [2, 3])
def test_few_rows_held_out_are_joined_by_folds(n_classes, monkeypatch):
    """What decides is a mean over all rows, each measured by weights that have not learnt from it; the history tells the model's own."""
    X, y = data(n=100, n_classes=n_classes)
    weight = np.linspace(0.1, 2, len(y))
    seen = []
    measure = Track.measure
    monkeypatch.setattr(
        Track,
        "measure",
        lambda self, lanes, *more: seen.append((self, lanes, measure(self, lanes, *more))) or seen[-1][2],
    )
    model = clone(LOG).fit(X, y, sample_weight=weight)
    learnt, held_out = rows_learnt(model, y)
    track, lanes, (decides, val_loss) = seen[-1]
    assert track.folds.n == folds.FOLDS
    assert np.bincount(track.folds.numbers[learnt]).tolist() == [18] * 5
    width = 1 if n_classes == 2 else n_classes
    n_rates = lanes.n_lanes // (6 * width)
    targets = y[:, None] == (np.arange(n_classes) if n_classes > 2 else [1])
    z = (X @ lanes.coef + lanes.intercept).reshape(len(y), n_rates, 6, width)
    loss = np.logaddexp(0, np.where(targets[:, None, None], -z, z)).sum(axis=3)
    np.testing.assert_allclose(val_loss, np.average(loss[held_out, :, 0], axis=0, weights=weight[held_out]), rtol=1e-9)
    judges = np.where(np.isin(np.arange(len(y)), held_out), 0, 1 + track.folds.numbers)
    by_judge = np.take_along_axis(loss, judges[:, None, None], axis=2)[..., 0]
    np.testing.assert_allclose(decides, np.average(by_judge, axis=0, weights=weight), rtol=1e-9)


def test_folds_do_not_learn_from_their_own_rows():
    every = folds.Folds.of(np.arange(100), 100, 10)
    learns, judges = every.learns(2, 3), every.judges(np.full((10, 1), 7.0), None, 2, 3)
    own, out = judges[:10].reshape(10, 2, 6, 3), judges[10:]
    assert learns.shape == out.shape == (100, 2 * 6 * 3)
    assert (own[:, :, 0] == 7).all() and not own[:, :, 1:].any(), "the model is measured on the validation rows"
    assert not out.reshape(100, 2, 6, 3)[:, :, 0].any(), "and the folds on theirs"
    by_model = learns.reshape(100, 2, 6, 3)
    assert (by_model[:, :, 0] == 1).all()
    assert (by_model[:, :, 1:] + out.reshape(100, 2, 6, 3)[:, :, 1:] == 1).all()
    assert (by_model[:, :, 1:].sum(axis=2) == folds.FOLDS - 1).all()
    assert folds.Folds.of(np.arange(100), 100, folds.FEW).n == 0
    assert folds.Folds.of(np.arange(5), 100, 10).n == 0


@pytest.mark.parametrize("batch_size", [16, 32, 64, 200])
def test_few_batches_are_enough_for_a_race(batch_size):
    X, y = data(n=100)
    model = clone(LOG).set_params(batch_size=batch_size).fit(X, y)
    assert model.score(X, y) > 0.7
