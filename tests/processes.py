"""The cases of test_processes.py: `python processes.py CASE [ARGUMENT]` runs one in this process and prints what it found as JSON."""

import hashlib
import json
import multiprocessing
import os
import random
import resource
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import fastgd

LARGE = (1 << 20) + 4321  # elements; helpers start from 2**20
SMALL = 100
CORES = len(os.sched_getaffinity(0))


def digest(state):
    arrays = [state.params, *state.arrays.values()]
    return hashlib.sha256(repr(state.t).encode() + b"".join(a.tobytes() for a in arrays)).hexdigest()


def begun(n=LARGE, optimizer=None):
    """Return a state over n numbers, and a gradient."""
    params = np.linspace(-1, 1, n, dtype=np.float32)
    return (optimizer or fastgd.Adam(lr=0.1, clip_norm=1.0)).init(params), np.cos(params)


def work(_=None):
    """Take three steps over many elements; return what they led to, and the threads beside Python's own."""
    state, gradient = begun()
    for _ in range(3):
        state.step(gradient)
    return digest(state), helpers()


def helpers():
    """Return how many threads this process has beside Python's own (those of BLAS are turned off)."""
    time.sleep(0.01)  # a thread that ends leaves Python's list a little before the system's
    return len(os.listdir("/proc/self/task")) - threading.active_count()


def forked():
    """Fork as C programs do; the child forks once more after its own threaded steps."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        result = work()
        grandchild = os.fork()
        if grandchild == 0:
            os.write(write, (json.dumps(work()) + "\n").encode())
        else:
            os.waitpid(grandchild, 0)
            os.write(write, (json.dumps(result) + "\n").encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as lines:
        return [json.loads(line) for line in lines]


def pooled(method):
    with multiprocessing.get_context(method).Pool(2) as pool:
        return pool.map(work, range(4))


def threads():
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(work, range(8)))


def joblib_with(backend):
    import joblib

    return joblib.Parallel(n_jobs=max(2, CORES), backend=backend)(joblib.delayed(work)(i) for i in range(4))


def forked_in_mid_step():
    """Fork again and again while another thread is in the middle of threaded steps."""
    state, gradient = begun()  # here, because a fork in mid-import is what Python itself does not survive
    stop, results = threading.Event(), []

    def others():
        while not stop.is_set():
            state.step(gradient)

    thread = threading.Thread(target=others)
    thread.start()
    for _ in range(5):
        time.sleep(random.random() * 0.01)
        results += forked()
    stop.set()
    thread.join()
    return results


WAYS = {
    "os.fork": forked,
    "os.fork in mid-step": forked_in_mid_step,
    "fork": lambda: pooled("fork"),
    "spawn": lambda: pooled("spawn"),
    "forkserver": lambda: pooled("forkserver"),
    "threads": threads,
    "loky": lambda: joblib_with("loky"),
    "joblib threading": lambda: joblib_with("threading"),
}


def matrix(way, moment):
    """Run a way to have children, before or after the parent's first threaded step; the parent works afterwards too."""
    results = [work()] if moment == "after" else []
    return [*results, *WAYS[way](), work()]


OPTIMIZERS = ("SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "NAdam", "Lion", "FTRL")


def eight(n, steps):
    """Let 8 threads step 8 optimizers at once; return the digests, and those of the same steps one after the other."""
    sys.setswitchinterval(1e-6)

    def train(name):
        state, gradient = begun(n, getattr(fastgd, name)(clip_norm=1.0))
        for _ in range(steps):
            state.step(gradient)
        return digest(state)

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(train, OPTIMIZERS))
    return [together, list(map(train, OPTIMIZERS)), helpers()]


def one_state_two_threads():
    """Let two threads step one state; return the steps taken, the refusals, and what became of the state beside a replay."""
    state, gradient = begun()
    refused = threading.Event()
    stop = time.monotonic() + 20

    def train(_):
        steps = refusals = 0
        while not refused.is_set() and time.monotonic() < stop:
            try:
                state.step(gradient)
                steps += 1
            except fastgd.ConcurrentStepError:
                refusals += 1
                refused.set()
        return steps, refusals

    with ThreadPoolExecutor(2) as pool:
        (steps, refusals), (other_steps, other_refusals) = pool.map(train, range(2))
    replay, _ = begun()
    for _ in range(state.t):
        replay.step(gradient)
    return [steps + other_steps, refusals + other_refusals, state.t, digest(state), digest(replay)]


def idle():
    """Return the processor time that the helpers use while nothing is to be done, and how many there are."""
    work()
    before = resource.getrusage(resource.RUSAGE_SELF)
    time.sleep(0.5)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return [after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, helpers()]


def limited():
    """Work inside and after a limit. It reaches libraries that are loaded already, hence `info`, which loads ours."""
    from threadpoolctl import threadpool_limits

    fastgd.info()
    with threadpool_limits(1):
        first = work()
    return [first, work()]


def few_elements():
    state, gradient = begun((1 << 20) - 1)
    state.step(gradient)
    return helpers()


def interrupted(n, rounds, longest):
    """Interrupt steps by SIGINT at random times, again and again; return the rounds after which the state was not a replay's."""
    rate = fastgd.schedules.linear(0.1, 10_000)
    optimizer = fastgd.AdamW(lr=rate, clip_norm=1.0)
    wrong = []
    for round_ in range(rounds):
        state, gradient = begun(n, optimizer)
        alarm = threading.Timer(random.random() * longest, os.kill, (os.getpid(), signal.SIGINT))
        try:
            alarm.start()
            while True:
                state.step(gradient)
        except KeyboardInterrupt:
            alarm.join()
        state.step(gradient)  # nothing is left locked
        replay, _ = begun(n, optimizer)
        for _ in range(state.t):
            replay.step(gradient)
        if digest(state) != digest(replay) or state.lr != replay.lr:
            wrong.append([round_, state.t])
    return wrong


def observing():
    """Interrupt `observe` at random times; return the memories of groups that differ although they have seen the same losses."""
    plateau = fastgd.schedules.plateau(0.1, patience=10**9)
    wrong = []
    for _ in range(100):
        optimizer = fastgd.SGD(lr=plateau)
        state = optimizer.init([np.ones(1) for _ in range(4)], {str(i): {"weight_decay": i} for i in range(4)})
        try:
            alarm = threading.Timer(random.random() * 0.002, os.kill, (os.getpid(), signal.SIGINT))
            alarm.start()
            while True:
                state.observe(1.0)
        except KeyboardInterrupt:
            alarm.join()
        memory = state._export()[1]["memory"]
        if any(each != memory[0] for each in memory):
            wrong.append(memory)
    return wrong


def endless():
    """Say that it begins, and step until a signal comes."""
    state, gradient = begun()
    state.step(gradient)
    print("ready", flush=True)
    while True:
        state.step(gradient)


def exit_in_mid_step():
    """End the interpreter while a daemon thread is in the middle of a step and helpers are alive."""
    threading.Thread(target=endless, daemon=True).start()
    time.sleep(0.2)
    return []


CASES = {
    "eight": lambda n: eight(int(n), 5 if int(n) > SMALL else 1000),
    "one state": one_state_two_threads,
    "idle": idle,
    "limited": limited,
    "few": few_elements,
    "work": work,
    "interrupted": lambda n: interrupted(int(n), 20, 0.03) if int(n) > SMALL else interrupted(int(n), 150, 0.003),
    "observing": observing,
    "endless": endless,
    "exit": exit_in_mid_step,
}
if __name__ == "__main__":
    case, *arguments = sys.argv[1:]
    print(json.dumps(CASES[case](*arguments) if case in CASES else matrix(case, *arguments)))
