"""Busy processes beside the one that is measured."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

SPIN = """
import ctypes
ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL: not to outlive the benchmark, come what may
print("ready", flush=True)
while True:
    pass
"""
SETTLE = 0.05


@contextlib.contextmanager
def busy_neighbours(n: int) -> Iterator[Callable[[bool], None]]:
    """Start n processes that do nothing but work; yields a switch that lets them run (True) or stops them (False).

    They are stopped at first, so that idle and busy samples can alternate.
    """
    processes = [subprocess.Popen([sys.executable, "-c", SPIN], stdout=subprocess.PIPE) for _ in range(n)]

    def switch(on: bool) -> None:
        for process in processes:
            os.kill(process.pid, signal.SIGCONT if on else signal.SIGSTOP)
        time.sleep(SETTLE)

    try:
        for process in processes:
            process.stdout.readline()
        switch(False)
        yield switch
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
            process.stdout.close()
