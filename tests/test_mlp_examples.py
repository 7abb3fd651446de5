"""The networks of the tutorials reach their scores."""

import doctest

import pytest

from fastgd.examples import networks, tutorials


@pytest.mark.parametrize("module", [networks, tutorials])
def test_the_tutorials_reach_their_scores(module):
    found = doctest.testmod(module)
    assert found.attempted > 7 and found.failed == 0


def test_clothes_are_told_apart():
    try:
        accuracies = networks.classify_clothes(32, n_rows=6000, max_iter=4)
    except FileNotFoundError:
        pytest.skip("Fashion-MNIST is not installed")
    assert accuracies[-1] > 0.78 and accuracies[-1] > accuracies[0]
