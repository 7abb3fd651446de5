"""Never half-written: processes that are killed, limited, unprivileged or in each other's way while they save."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

import pytest

from fastgd.checkpoint import read_file

from .test_sealed_file import save, temporaries, version_at


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


def run_script(source, *arguments):
    """Run a Python program in a process of its own, with one thread, so that it may fork."""
    single = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-W", "error", "-c", source, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, env={**os.environ, **single})


KILLED = """
import os, random, signal, sys, time
import numpy as np
from fastgd.checkpoint import read_file, write_file

path, cycles, rng = sys.argv[1], int(sys.argv[2]), random.Random(0)

def save(version):  # sizes differ, so that parts of two versions cannot look like one
    w = np.full(20_000 + 999 * (version % 20), version, "f4")
    write_file(path, {"w": w}, {"version": version}, keep=1 + version % 3)

save(0)
version = 0
for cycle in range(cycles):
    child = os.fork()
    if child == 0:
        while True:
            version += 1
            save(version)
    time.sleep(rng.uniform(0.002, 0.04))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    tensors, config = read_file(path)
    assert config["version"] >= version, "an older version came back"
    version = config["version"]
    assert tensors["w"].shape == (20_000 + 999 * (version % 20),) and (tensors["w"] == version).all()
    for kept in (path + ".1", path + ".2"):
        if os.path.exists(kept):
            read_file(kept)
print(version)
"""


def test_200_kills(path):
    result = run_script(KILLED, path, 200)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 20, "hardly any save was finished: the kills came too early to test anything"
    assert temporaries(path.parent), "no kill hit a save"


CONCURRENT = """
import os, sys, time
import numpy as np
from fastgd.checkpoint import read_file, write_file

path = sys.argv[1]

def save(version):
    write_file(path, {"w": np.full(5000 + version, version)}, {"version": version}, keep=2)

save(0)
children = []
for worker in (1, 2, 3):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for turn in range(40):
                save(10 * turn + worker)
            status = 0
        finally:
            os._exit(status)
    children.append(child)
seen = set()
while children:
    tensors, config = read_file(path)
    seen.add(config["version"])
    assert tensors["w"].tolist() == [config["version"]] * (5000 + config["version"])
    done, status = os.waitpid(-1, os.WNOHANG)
    if done:
        assert status == 0, status
        children.remove(done)
read_file(path + ".1")
print(len(seen))
"""


def test_processes_that_save_to_one_path(path):
    result = run_script(CONCURRENT, path)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 3
    assert sorted(os.listdir(path.parent)) == [path.name, f"{path.name}.1"]


def test_threads_that_save_to_one_path(path):
    errors = []

    def work(worker):
        try:
            for turn in range(10):
                save(path, 10 * turn + worker)
        except BaseException as error:  # reported by the main thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert version_at(path) >= 90
    assert temporaries(path.parent) == []


LIMITED = """
import resource, signal, sys
import numpy as np
from fastgd.checkpoint import read_file, write_file

path, handler = sys.argv[1], getattr(signal, sys.argv[2])
write_file(path, {"w": np.zeros(1000)}, {})
signal.signal(signal.SIGXFSZ, handler)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_file(path, {"w": np.ones(100_000)}, {})
except OSError as error:
    print(type(error).__name__, error.errno)
"""


def test_the_file_size_limit_is_like_a_full_disk(path):
    result = run_script(LIMITED, path, "SIG_IGN")
    assert result.stdout.split() == ["OSError", str(errno.EFBIG)], result.stderr
    assert os.listdir(path.parent) == [path.name]
    assert not read_file(path)[0]["w"].any()


def test_the_signal_of_the_file_size_limit(path):
    result = run_script(LIMITED, path, "SIG_DFL")
    assert result.returncode == -signal.SIGXFSZ, result.stderr
    assert not read_file(path)[0]["w"].any()


UNPRIVILEGED = """
import os, sys
from fastgd.checkpoint import read_file, write_file

folder, user = sys.argv[1], int(sys.argv[2])
read_file(folder + "/run")
if user:
    os.setuid(user)
for use in (lambda: write_file(folder + "/run", {}, {}), lambda: write_file(folder + "/new", {}, {}),
            lambda: read_file(folder + "/secret")):
    try:
        use()
    except PermissionError as error:
        print(os.path.basename(error.filename), end=" ")
"""


def test_no_permission():
    folder = tempfile.mkdtemp(prefix="read-only")  # pytest's own folders are closed to other users
    try:
        save(f"{folder}/run", 1)
        save(f"{folder}/secret", 1)
        os.chmod(f"{folder}/secret", 0)
        os.chmod(folder, 0o555)
        result = run_script(UNPRIVILEGED, folder, 65534 if os.geteuid() == 0 else 0)
        name = os.path.basename(folder)
        assert result.stdout.split() == [name, name, "secret"], result.stderr
        assert sorted(os.listdir(folder)) == ["run", "secret"]
        assert version_at(f"{folder}/run") == 1
    finally:
        os.chmod(folder, 0o755)
        shutil.rmtree(folder)
