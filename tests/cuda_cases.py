"""Runs tests of CUDA kernels in a process of its own, on the simulator or the stand-in for a GPU, and says how each went."""

import ast
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]


def names(paths):
    """Return the tests of files, by name."""
    nodes = [node for path in paths for node in ast.parse(path.read_text()).body]
    return [node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


def results(paths, folder, environment, *options, timeout=900, processes=1):
    """Return, by test, the cases that failed and how many ran; the files are shared among processes that run side by side."""
    shares = [paths[k::processes] for k in range(processes)]
    with ThreadPoolExecutor(processes) as pool:
        reports = [folder / f"report{k}.xml" for k in range(processes)]
        running = [
            pool.submit(_run, *each, environment, options, timeout) for each in zip(shares, reports, strict=True)
        ]
        trees = [each.result() for each in running]
    found = {name: ([], 0) for name in names(paths)}
    for case in (case for tree in trees for case in tree.iter("testcase")):
        name = case.get("name").partition("[")[0]
        failed, ran = found[name]
        trouble = [
            f"{case.get('name')}: {child.text}" for child in case if child.tag in ("failure", "error", "skipped")
        ]
        found[name] = failed + trouble, ran + 1
    return found


def _run(paths, report, environment, options, timeout):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, paths), f"--junitxml={report}"]
    # An inf - inf that the hardware computes in silence is a warning in NumPy.
    command += ["-W", "ignore::RuntimeWarning", "-o", "addopts=--import-mode=importlib", *options]
    whole = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(command, env=whole, capture_output=True, text=True, timeout=timeout, cwd=ROOT)
    assert report.exists(), done.stdout + done.stderr
    return ElementTree.parse(report)


def check(results, name):
    """Fail where a test did not run, or failed."""
    failed, ran = results[name]
    assert ran, f"{name} did not run"
    assert not failed, f"{len(failed)} of {ran} failed\n" + "\n".join(failed)[:4000]
