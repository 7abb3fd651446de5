"""What constructors' arguments mean in every estimator: stored as they are, turned into numbers when training begins."""

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from fastgd._kernels.execute import thread_limit
from fastgd._validation import ArgumentValueError

MAX_SEED = np.iinfo(np.int32).max


def store(estimator: Any, given: dict[str, Any]) -> None:
    """Set the arguments of a constructor, its `locals()`, as attributes, as scikit-learn's contract asks."""
    vars(estimator).update({name: value for name, value in given.items() if name not in ("self", "__class__")})


def seed(random_state: Any) -> int:
    """Return the seed of a call: for an int always the same, from a generator the next one."""
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(MAX_SEED))
    return int(check_random_state(random_state).randint(MAX_SEED))


def check_n_jobs(n_jobs: int | None) -> None:
    """Refuse 0."""
    if n_jobs == 0:
        raise ArgumentValueError("n_jobs == 0 has no meaning; use None, a positive number, or -1 for all processors.")


def n_threads(n_jobs: int | None) -> int:
    """Return `n_jobs` as a number of threads: None is 1, negative numbers count down from all processors."""
    jobs = 1 if n_jobs is None else int(n_jobs)
    return jobs if jobs > 0 else max(1, thread_limit() + 1 + jobs)
