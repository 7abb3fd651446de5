"""Odd inputs, each with its one right answer: rows 1-78 of the adversarial table as one table-driven test.

An error is fastgd's own, comes before anything is changed, and names what is wrong in at most 300 characters. An odd input that is
accepted gives the result of the plain one, bit for bit. The rows are in `adversarial_arrays`, `adversarial_memory` and
`adversarial_options`; the number in a test's id is the row's.
"""

import pytest

from . import adversarial_arrays, adversarial_memory, adversarial_options, adversarial_schedules

ROWS = [*adversarial_arrays.ROWS, *adversarial_memory.ROWS, *adversarial_options.ROWS, *adversarial_schedules.ROWS]
CASES = [
    pytest.param(
        call, id=f"{row.number:03}-{row.name}{'-' * bool(label)}{label}", marks=[pytest.mark.slow] * (row.number == 39)
    )
    for row in ROWS
    for label, call in row.cases()
]


def test_the_table_is_complete():
    assert sorted({row.number for row in ROWS}) == list(range(1, 79))


@pytest.mark.parametrize("case", CASES)
def test_row(case):
    case()
