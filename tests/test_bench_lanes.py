"""The benchmark of lanes runs, on small data, and reports every contender of every task."""

import pytest

from bench import lanes
from fastgd.datasets import DatasetNotFoundError, load_fashion_mnist


def fashion_mnist_installed():
    try:
        load_fashion_mnist()
    except DatasetNotFoundError:
        return False
    return True


@pytest.mark.parametrize("task", ["l2", "l1", "fashion"])
def test_every_contender_is_reported(task, capsys):
    assert lanes.main(["--rows", "300", "--rounds", "1", "--lanes", "1", "3", "--tasks", task]) == 0
    lines = capsys.readouterr().out.splitlines()
    if task == "fashion" and not fashion_mnist_installed():
        assert "left out" in lines[1]
        return
    expected = 2 + (2 if task == "fashion" else 3)  # the floor and scikit-learn; one and two threads, and one lane
    assert sum("of scikit-learn's epoch" in line for line in lines) == expected
    times = {line.split("  ")[1]: line for line in lines[2:]}
    assert len(times) == expected and " 1.000 of" in times[lanes.THEIRS]


def test_the_floor_reads_every_byte():
    X, y = lanes.rcv1_like(50)
    assert X.dtype == y.dtype == "float32" and X.shape == (50, lanes.FEATURES) and set(y) == {0, 1}
    assert lanes.floor(X)() > 0 and lanes.floor(X.toarray())() > 0
