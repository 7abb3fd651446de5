"""Runs tests of CUDA kernels in a process of its own, on the simulator or the stand-in for a GPU, and says how each went."""

import ast
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).parents[1]


def names(paths):
    """Return the tests of files, by name."""
    nodes = [node for path in paths for node in ast.parse(path.read_text()).body]
    return [node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def results(paths, report, environment, *options, timeout=900):
    """Return, by test, the cases that failed and how many ran."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, paths), f"--junitxml={report}"]
    # An inf - inf that the hardware computes in silence is a warning in NumPy.
    command += ["-W", "ignore::RuntimeWarning", "-o", "addopts=--import-mode=importlib", *options]
    whole = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, env=whole, capture_output=True, text=True, timeout=timeout, cwd=ROOT)
    assert report.exists(), done.stdout + done.stderr
    found = {name: ([], 0) for name in names(paths)}
    for case in ElementTree.parse(report).iter("testcase"):
        failed, ran = found[case.get("name").partition("[")[0]]
        trouble = [
            f"{case.get('name')}: {child.text}" for child in case if child.tag in ("failure", "error", "skipped")
        ]
        found[case.get("name").partition("[")[0]] = failed + trouble, ran + 1
    return found


def check(results, name):
    """Fail where a test did not run, or failed."""
    failed, ran = results[name]
    assert ran, f"{name} did not run"
    assert not failed, f"{len(failed)} of {ran} failed\n" + "\n".join(failed)[:4000]
