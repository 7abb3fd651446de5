"""The networks of the tutorials reach their scores."""

import doctest

import pytest

from fastgd.examples import networks, tutorials


@pytest.mark.parametrize("module", [networks, tutorials])
def test_the_tutorials_reach_their_scores(module):
    found = doctest.testmod(module)
    assert found.attempted > 7 and found.failed == 0


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("n_hidden", [32, 128])
def test_clothes_are_told_apart(n_hidden, solver):
    try:
        accuracies = networks.classify_clothes(n_hidden, n_rows=6000, max_iter=4, solver=solver)
    except FileNotFoundError:
        pytest.skip("Fashion-MNIST is not installed")
    assert accuracies[-1] > (0.78 if solver == "adam" else 0.7) and accuracies[-1] > accuracies[0]
