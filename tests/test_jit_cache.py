"""The cache of compiled rules: whatever happens to its folder and files, the result is right and one warning is the most.

Rows 132 of the table of adversarial inputs; accidents 21 (damaged file, race), 22 (nowhere to write), 23 (planted file) and 41 (an edited
helper). No test relies on the user who runs it.
"""

import hashlib
import importlib
import json
import math
import os
import resource
import signal
import stat
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest

from fastgd._kernels import _jit_cache, _jit_machine, jit, rules

ROOT = Path(__file__).parents[1]
POSIX = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
ALIEN = 12345  # a user id that is not ours


def scaled(p, g, m, /, lr):
    m = 0.5 * m + math.tanh(g)
    return p - lr * m, m


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Give a process that has compiled nothing, and the path of its cache."""
    forget(monkeypatch)
    monkeypatch.setenv("FASTGD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def forget(monkeypatch):
    monkeypatch.setattr(jit, "_machines", {})
    monkeypatch.setattr(_jit_cache, "_problem", "")
    monkeypatch.setattr(_jit_cache, "_warned", False)


def used():
    """Compile two rules and check one; return the messages of the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sweep = jit.compile_sweep(scaled, "float32", quiet=True)
        other = jit.compile_sweep(rules.sgd, "float32", quiet=True)
    assert sweep.address != other.address
    p, g, m = (np.array([x] * 3, np.float32) for x in (1, 0.5, 2))
    expected = jit.interpreted(scaled, "float32")(p[0], g[0], m[0], np.float32(0.25))
    sweep([p, g, m], [1, math.inf, 0.25])
    assert (p[0], m[0]) == expected and p[0] == p[2]
    assert all(w.category is RuntimeWarning and w.filename == __file__ for w in caught)
    return [str(w.message) for w in caught]


def only_file(folder):
    """Compile `scaled` and return its file."""
    jit.compile_sweep(scaled, "float32", quiet=True)
    [path] = folder.iterdir()
    return path


def test_folder_and_files_are_ours_alone(folder):
    path = only_file(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    header, digest, code = path.read_bytes().split(b"\n", 2)
    assert digest.decode() == hashlib.sha256(header + b"\n" + code).hexdigest()
    assert json.loads(header)["rule"] == "scaled" and code[:4] == b"\x7fELF"


def test_stored_code_is_loaded_not_compiled(folder, monkeypatch):
    only_file(folder)
    jit._machines.clear()
    monkeypatch.setattr(jit, "_numba_kernel", None)
    jit.compile_sweep(scaled, "float32")


def test_every_flipped_byte_and_every_truncation_is_noticed(folder):
    path = only_file(folder)
    content = path.read_bytes()
    _jit_cache._checked(content, path.name)
    for k in range(len(content)):
        damaged = bytearray(content)
        damaged[k] ^= 1 << k % 8
        for bad in (bytes(damaged), content[:k]):
            with pytest.raises(_jit_cache.CacheError):
                _jit_cache._checked(bad, path.name)
    with pytest.raises(_jit_cache.CacheError, match="not what its name says"):
        _jit_cache._checked(content, "another")


def sealed(header, code, key):
    """Return the content of a file whose digest is right."""
    first = json.dumps({"format": _jit_cache.MAGIC, "key": key, **header} if isinstance(header, dict) else header)
    return first.encode() + b"\n" + _jit_cache._digest(first.encode(), code) + code


DAMAGE = {
    "empty": lambda content, key: b"",
    "cut": lambda content, key: content[: len(content) // 2],
    "noise": lambda content, key: np.random.default_rng(0).bytes(4000),
    "pickle": lambda content, key: b"cos\nsystem\n(S'touch hacked'\ntR.",
    "flipped": lambda content, key: content[:-100] + bytes([content[-100] ^ 4]) + content[-99:],
    "no header": lambda content, key: sealed(["x"], b"", key),
    "no JSON": lambda content, key: b"x\n" + _jit_cache._digest(b"x", b""),
    "no object": lambda content, key: sealed({"symbol": "x"}, b"not machine code", key),
    "other symbol": lambda content, key: sealed({"symbol": "x"}, content.split(b"\n", 2)[2], key),
    "no symbol": lambda content, key: sealed({}, content.split(b"\n", 2)[2], key),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_file_costs_a_warning_and_is_replaced(folder, damage, monkeypatch):
    path = only_file(folder)
    content = path.read_bytes()
    path.write_bytes(damage(content, path.name))
    jit._machines.clear()
    [warning] = used()
    assert "compiles them anew" in warning
    forget(monkeypatch)
    assert used() == []  # the file was written again


@POSIX
@pytest.mark.parametrize("kind", ["writable by others", "link", "pipe", "folder", "huge"])
def test_file_that_is_not_ours_alone_is_not_loaded(folder, tmp_path, kind, monkeypatch):
    path = only_file(folder)
    content = path.read_bytes()
    path.unlink()
    if kind == "writable by others":
        path.write_bytes(content)
        path.chmod(0o620)
    elif kind == "link":
        (tmp_path / "elsewhere").write_bytes(content)
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)
    jit._machines.clear()
    assert len(used()) == 1


@POSIX
@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_folder_that_others_may_write_to_is_not_used(folder, mode):
    folder.mkdir()
    folder.chmod(mode)
    [warning] = used()
    assert f"others may write to {folder} (mode {mode:o})" in warning and "FASTGD_CACHE" in warning
    assert list(folder.iterdir()) == []


@POSIX
def test_folder_of_another_user_is_not_used(folder, monkeypatch):
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: ALIEN)
    [warning] = used()
    assert "belongs to user" in warning and list(folder.iterdir()) == []


@POSIX
@pytest.mark.parametrize("tail", ["", "/"])
def test_link_to_a_folder_is_not_used(folder, tmp_path, monkeypatch, tail):
    (tmp_path / "real").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "real")
    monkeypatch.setenv("FASTGD_CACHE", f"{folder}{tail}")
    assert len(used()) == 1
    assert list((tmp_path / "real").iterdir()) == []


@pytest.mark.parametrize("path", ["file", "file/below"])
def test_folder_that_cannot_be_made_costs_a_warning(folder, tmp_path, monkeypatch, path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FASTGD_CACHE", str(tmp_path / path))
    assert len(used()) == 1


def test_nowhere_to_write_costs_a_warning(folder, monkeypatch):
    monkeypatch.delenv("FASTGD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative, hence ignored")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a user without a home
    [warning] = used()
    assert "no home directory" in warning


def test_warning_as_error_leaves_the_rule_usable(folder):
    folder.touch()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="compiles them anew"):
            jit.compile_sweep(scaled, "float32", quiet=True)
        jit.compile_sweep(scaled, "float32", quiet=True)


def test_where_the_folder_is(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("FASTGD_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert _jit_cache.folder() == str(tmp_path / ".cache" / "fastgd")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert _jit_cache.folder() == str(tmp_path / "xdg" / "fastgd")
    monkeypatch.setenv("FASTGD_CACHE", "~/mine")
    assert _jit_cache.folder() == str(tmp_path / "mine")


def test_unknown_symbol_keeps_the_rule_in_memory(folder, monkeypatch):
    monkeypatch.setattr(_jit_machine, "_LIBRARY", set())
    assert used() == []
    assert len(list(folder.iterdir())) == 1  # `sgd`, which calls nothing; `scaled` calls tanh


def test_everything_that_matters_is_in_the_key(folder, monkeypatch):
    key = _jit_cache.key("text")
    assert _jit_cache.key("text") == key != _jit_cache.key("another text")
    parts = _jit_cache._environment()
    for k in range(len(parts)):
        changed = (*parts[:k], parts[k] + " changed", *parts[k + 1 :])
        monkeypatch.setattr(_jit_cache, "_environment", lambda changed=changed: changed)
        assert _jit_cache.key("text") != key


# Accident 41: an edited helper or constant


def module(tmp_path, monkeypatch, name):
    """Return a function that writes a module of this name and imports it, anew if need be."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def written(text):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        importlib.invalidate_caches()
        return importlib.reload(sys.modules[name]) if name in sys.modules else importlib.import_module(name)

    return written


HELPERS = "RATE = {}\ndef damped(g, by=1):\n    return g * {} * by\n"
RULE = "import edited_helpers as h\ndef rule(p, g, m, /, lr):\n    return p - h.RATE * h.damped(g), m\n"


def test_edited_helper_and_constant_are_seen(folder, tmp_path, monkeypatch):
    helpers = module(tmp_path, monkeypatch, "edited_helpers")
    helpers(HELPERS.format(1.0, 0.5))
    rule = module(tmp_path, monkeypatch, "edited_rule")(RULE).rule
    for k, (rate, damping) in enumerate([(1.0, 0.5), (100.0, 0.5), (100.0, 0.25), (1.0, 0.5)]):
        helpers(HELPERS.format(rate, damping))
        p = np.zeros(1, np.float32)
        jit.compile_sweep(rule, "float32", quiet=True)([p, p + 1, p + 1], [1, math.inf, 1])
        assert p[0] == -rate * damping
        assert len(list(folder.iterdir())) == min(k + 1, 3)


def test_rule_whose_file_was_edited_is_refused(folder, tmp_path, monkeypatch):
    rule = module(tmp_path, monkeypatch, "edited_rule")("def rule(p, g, /, lr):\n    return p - lr * g\n").rule
    (tmp_path / "edited_rule.py").write_text("def rule(p, g, /, lr):\n    return p + lr * g\n\n\n")
    with pytest.raises(ValueError, match="edited after the import"):
        jit.compile_sweep(rule, "float32", quiet=True)


# Other processes

SCRIPT = """
import math, os, sys
sys.addaudithook(lambda event, args: sys.exit(event) if event.startswith("pickle") else None)
import numpy as np
from fastgd._kernels import jit

def rule(p, g, m, /, lr):
    m = 0.5 * m + math.exp(g)
    return p - lr * m, m

def result():
    p, g, m = (np.full(9, x, np.float32) for x in (1, 0.5, 2))
    jit.compile_sweep(rule, "float32")([p, g, m], [1, math.inf, 0.25])
    return p.tobytes().hex()

print(result(), "numba" in sys.modules, any(k.startswith("NUMBA") for k in os.environ))
if hasattr(os, "fork"):
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os._exit(result() != result())
    assert os.waitpid(child, 0)[1] == 0
"""


def started(tmp_path, **options):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA")} | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, path], env=environment, stdout=pipe, stderr=pipe, text=True, **options)


def test_processes_race_on_a_cold_cache_and_the_next_needs_no_numba(folder, tmp_path):
    results = [(*p.communicate(), p.returncode) for p in [started(tmp_path) for _ in range(3)]]
    assert {code for *_, code in results} == {0}, results
    assert len({out.split()[0] for out, *_ in results}) == 1
    assert len(list(folder.iterdir())) == 1
    out, error = started(tmp_path).communicate()
    assert out.split() == [results[0][0].split()[0], "False", "False"] and error == ""


@POSIX
def test_full_disk_costs_a_warning(folder, tmp_path):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    process = started(tmp_path, preexec_fn=limit)
    out, error = process.communicate()
    assert process.returncode == 0 and out.split()[1] == "True"
    assert error.count("RuntimeWarning") == 1 and "File too large" in error, textwrap.indent(error, "    ")
    assert list(folder.iterdir()) == []
