"""Run calls in threads that live no longer than the calls, so that nothing spins afterwards and a fork is safe."""

import concurrent.futures
import threading
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["together"]

LOOK = 0.1  # seconds between two looks at signals while threads work


def together(calls: Sequence[Callable[[threading.Event], Any]], n_threads: int) -> list:
    """Make the calls, at most `n_threads` at a time, and return their results in order.

    Each call is given an event; once that is set, somebody has failed, or the user has interrupted, and the call should return soon.
    The first exception is raised after all calls have ended.

    Parameters
    ----------
    calls : sequence of callables
    n_threads : int
        1: in this thread, one after the other.

    Returns
    -------
    list
    """
    stop = threading.Event()
    if min(n_threads, len(calls)) <= 1:
        return [call(stop) for call in calls]
    with concurrent.futures.ThreadPoolExecutor(min(n_threads, len(calls)), "fastgd") as pool:
        try:
            futures = [pool.submit(call, stop) for call in calls]
            _wait(futures)
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _wait(futures: list[concurrent.futures.Future]) -> None:
    """Return when all are done; raise as soon as one has failed."""
    pending = set(futures)
    while pending:
        done, pending = concurrent.futures.wait(pending, LOOK, concurrent.futures.FIRST_EXCEPTION)
        for future in done:
            future.result()
