"""The house rules that a machine can check: imports go down, importing is cheap, arithmetic is IEEE, files are short."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fastgd

PACKAGE = Path(fastgd.__file__).parent
ROOT = PACKAGE.parent
EXAMPLES = ROOT / "examples"  # installed as fastgd.examples

# The floors, lowest first. A module may import from lower floors and from its own room, never from above or from next door; that holds
# for imports inside functions too. `fastgd` itself, the face with its lazy names, is above all but what people look at.
FLOORS = (
    [{"_validation"}, {"_drawing"}, {"_kernels._shapes"}],
    [{"_kernels"}, {"schedules"}, {"_safetensors"}, {"_sealed_file"}],
    [{"_kernels.execute"}],
    [
        {"_around", "_averages", "_readings", "_search", "_step", "monitor", "recovery", "replay"}
        | {"_arrays", "_groups", "_params", "clipping", "optimizers", "state", "_restore", "user_rule", "checkpoint"}
    ],
    [{"_training"}, {"io"}],
    [{"_estimators"}],
    [{"linear_model"}, {"neural_network"}],
    [{"learning_rate"}, {"model_selection"}],
    [{"datasets"}, {""}],
    [{"plot"}, {"report"}, {"optuna"}],
    [{"examples"}],
    [{"_demo", "_demo_sweep"}],
    [{"cli", "__main__"}],
)
HEAVY = (
    "numba",
    "llvmlite",
    "sklearn",
    "scipy",
    "rich",
    "click",
    "matplotlib",
    "optuna",
    "torch",
    "pandas",
    "ml_dtypes",
    "joblib",
    "pyarrow",
    "zstandard",
)
LONGEST = 450
GENERATED = {
    PACKAGE / "_kernels" / f"{name}.pyx"
    for name in ("_sweeps", "_lane_losses", "_lane_rules", "_activations", "_stored_sweeps")
}  # by emit.py


def module_name(path):
    """Return the name below `fastgd` of a source file: "" for the package itself."""
    parts = (
        ("examples", *path.relative_to(EXAMPLES).parts)
        if path.is_relative_to(EXAMPLES)
        else path.relative_to(PACKAGE).parts
    )
    name = ".".join(parts).rpartition(".")[0]
    return name.removesuffix("__init__").removesuffix(".")


SOURCES = {module_name(p): p for folder in (PACKAGE, EXAMPLES) for p in sorted(folder.rglob("*.py"))}
CYTHON = [p for suffix in ("*.pyx", "*.pxd") for p in sorted(PACKAGE.rglob(suffix))]


def place(name):
    """Return (floor, room) of a module: those of the longest entry of FLOORS that its name begins with."""
    rooms = [(entry, floor, k) for floor, each in enumerate(FLOORS) for k, room in enumerate(each) for entry in room]
    fitting = [place for place in rooms if name == place[0] or (place[0] and name.startswith(place[0] + "."))]
    assert fitting, f"fastgd.{name} has no floor; give it one in FLOORS"
    return max(fitting)[1:]


def below(target):
    """Return the name below `fastgd` of the module that an import names, which may go on with a name inside that module."""
    name = target.removeprefix("fastgd").removeprefix(".")
    while name and name not in SOURCES and not list(PACKAGE.glob(name.replace(".", "/") + ".*")):
        name = name.rpartition(".")[0]
    return name


def imports_of(tree):
    """Yield (node, target) for each import of ours in a syntax tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "fastgd":
                    yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import; this test reads absolute ones"
            if node.module.partition(".")[0] == "fastgd":
                for alias in node.names:
                    yield node, f"{node.module}.{alias.name}"


def typing_only(tree):
    """Return the imports under `if TYPE_CHECKING:`, which never run."""
    blocks = [n for n in ast.walk(tree) if isinstance(n, ast.If) and getattr(n.test, "id", "") == "TYPE_CHECKING"]
    return {node for block in blocks for node in ast.walk(block)}


def goes_down(importer, imported):
    (floor, room), (other_floor, other_room) = place(importer), place(imported)
    return other_floor < floor or (other_floor, other_room) == (floor, room)


@pytest.mark.parametrize("name", SOURCES, ids=lambda name: name or "fastgd")
def test_imports_go_down(name):
    tree = ast.parse(SOURCES[name].read_text())
    if name == "":
        # _openmp is less than a millisecond, and loads OpenMP's runtime where threadpoolctl can see it
        eager = [t for n, t in imports_of(tree) if n not in typing_only(tree)]
        assert eager == ["fastgd._kernels._openmp"], "the face imports on first use only"
        return
    for node, target in imports_of(tree):
        if target == "fastgd" and reads_only_the_version(tree):
            continue
        assert goes_down(name, below(target)), f"line {node.lineno}: fastgd.{name} must not import {target}"


def reads_only_the_version(tree):
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == "fastgd"]
    versions = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr == "__version__"]
    return len(names) == len([v for v in versions if isinstance(v.value, ast.Name) and v.value.id == "fastgd"])


@pytest.mark.parametrize("path", CYTHON, ids=lambda path: path.name)
def test_cython_imports_go_down(path):
    for target in re.findall(r"^\s*(?:from|cimport|import)\s+(fastgd[\w.]*)", path.read_text(), re.MULTILINE):
        assert goes_down(module_name(path), below(target)), f"{path.name} must not import {target}"


def test_no_two_modules_import_each_other():
    """Inside functions they may: an optimizer makes a state, and a state knows its optimizer."""
    graph = {}
    for name, path in SOURCES.items():
        tree = ast.parse(path.read_text())
        top = set(tree.body)
        graph[name] = {below(t) for n, t in imports_of(tree) if n in top} - {name, ""}
    done, open_now = set(), []

    def visit(name):
        assert name not in open_now, f"a circle of imports: {' -> '.join([*open_now, name])}"
        if name not in done:
            open_now.append(name)
            for other in graph.get(name, ()):
                visit(other)
            done.add(open_now.pop())

    for name in graph:
        visit(name)


def run(code):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


TRAIN = """
import numpy as np, os, tempfile
params = {"w": np.ones((2, 3), np.float32)}
state = fastgd.AdamW(lr=fastgd.schedules.parse("warmup(5) >> cosine(0.1, 9)"), clip_norm=1.0).init(params, {"w": {"eps": 1e-6}})
state.step({"w": np.ones((2, 3), np.float32)})
with tempfile.TemporaryDirectory() as folder:
    fastgd.save(os.path.join(folder, "run"), state)
    fastgd.load(os.path.join(folder, "run"), params)
"""


# The estimators are scikit-learn's, and what chooses among them too.
SKLEARNS = {"linear_model", "model_selection", "neural_network", "LaneSearchCV", "sweep", "SweepResult"}
NAMES = f"for name in set(fastgd.__all__) - {SKLEARNS}: getattr(fastgd, name)"


@pytest.mark.parametrize("use", ["", NAMES, TRAIN], ids=["import", "names", "train"])
def test_importing_and_training_import_nothing_heavy(use):
    loaded = run(f"import sys, fastgd\n{use}\nprint(*[m for m in {HEAVY} if m in sys.modules])")
    assert loaded == ""


def test_importing_costs_little():
    """The aim is 60 ms on top of NumPy; the gate is at 150 ms, because machines that run tests are shared and their disks cold."""
    code = "import time, numpy; t = time.perf_counter(); import fastgd; print(time.perf_counter() - t)"
    best = min(float(run(code)) for _ in range(3))
    assert best < 0.150, f"importing fastgd takes {1e3 * best:.0f} ms on top of NumPy; the aim is 60 ms"


FORBIDDEN = re.compile(
    r"fast-?math|-Ofast|unsafe-math|finite-math|associative-math|reciprocal-math|-ffp-contract=fast", re.IGNORECASE
)


@pytest.mark.parametrize("path", [*SOURCES.values(), ROOT / "setup.py"], ids=lambda path: path.name)
def test_no_flag_gives_up_ieee_arithmetic(path):
    """Comments and docstrings may speak of it; keywords and strings that could reach a compiler may not."""
    if path.name == "setup.py" and not path.exists():
        pytest.skip("installed without its setup.py")
    tree = ast.parse(path.read_text())
    prose = {n.value for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword):
            assert not FORBIDDEN.search(node.arg or ""), f"line {node.value.lineno}: {node.arg}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
            assert not FORBIDDEN.search(node.value), f"line {node.lineno}: {node.value}"


@pytest.mark.parametrize("path", [*CYTHON, *sorted(PACKAGE.rglob("*.h"))], ids=lambda path: path.name)
def test_no_compiled_source_gives_up_ieee_arithmetic(path):
    comments = r"/\*.*?\*/" if path.suffix == ".h" else r'""".*?"""|#[^\n]*'
    assert not FORBIDDEN.search(re.sub(comments, "", path.read_text(), flags=re.DOTALL))
    assert not re.search(r"distutils:|#\s*pragma", path.read_text()), "flags belong into setup.py"


def test_files_are_short():
    folders = [PACKAGE, EXAMPLES, ROOT / "tests", ROOT / "bench"]
    paths = [p for folder in folders for suffix in ("py", "pyx", "pxd", "h") for p in folder.rglob(f"*.{suffix}")]
    lengths = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in paths if p not in GENERATED}
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}


@pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="installed without its pyproject.toml")
def test_every_package_is_installed():
    """An editable install finds what the list lacks; a wheel does not."""
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    folders = {p.parent.relative_to(ROOT) for p in PACKAGE.rglob("__init__.py")}
    assert listed == {str(f).replace("/", ".") for f in folders} | {"fastgd.examples"}
