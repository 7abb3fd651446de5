"""Every public name is documented in full: what it is, every argument, arrays with their shapes, and an example that runs.

The examples themselves run as doctests of their modules.
"""

import doctest
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc

import fastgd
from fastgd import datasets, linear_model, model_selection, neural_network, optimizers, plot, schedules

ROOT = Path(fastgd.__file__).parents[1]
HOMES = {
    "fastgd": fastgd,
    "optimizers": optimizers,
    "schedules": schedules,
    "datasets": datasets,
    "linear_model": linear_model,
    "model_selection": model_selection,
    "neural_network": neural_network,
    "plot": plot,
}
COMMON_OPTIONS = {"clip_norm", "clip_value", "on_nonfinite", "maximize", "extras", "state_dtype"}


def public():
    """Return every public function and class once, by its name, and the public methods of classes as `Class.method`."""
    found = {}
    for home, module in HOMES.items():
        for name in module.__all__:
            thing = getattr(module, name)
            if callable(thing) and thing not in found.values():
                found[f"{home}.{name}"] = thing
    methods = {}
    for name, thing in found.items():
        if isinstance(thing, type):
            for key, method in inspect.getmembers(thing, inspect.isfunction):
                if (
                    not key.startswith("_")
                    and method.__module__.startswith("fastgd")
                    and method not in methods.values()
                ):
                    methods[f"{name}.{key}"] = method
    return found | methods


PUBLIC = public()
MODULES = {"fastgd": fastgd} | {n: getattr(fastgd, n) for n in fastgd.__all__ if inspect.ismodule(getattr(fastgd, n))}
DESCRIBED = {
    name: thing for name, thing in PUBLIC.items() if not (isinstance(thing, type) and issubclass(thing, Exception))
}
ARRAY = re.compile(r"\barrays?\b|ndarray", re.IGNORECASE)
SHAPE = re.compile(r"\bshape|\(n\b|0-d|1-D|of any", re.IGNORECASE)
DTYPE = re.compile(r"dtype|float(16|32|64|s\b)|\bint(32|64|p)?\b|uint8", re.IGNORECASE)


def parsed(thing):
    return ClassDoc(thing, config={"show_class_members": False}) if isinstance(thing, type) else FunctionDoc(thing)


def documented(doc):
    """Return {argument: (type, description)}; one entry may document several arguments."""
    entries = [*doc["Parameters"], *doc["Other Parameters"], *doc["Attributes"]]
    return {n.strip(" *"): (entry.type, " ".join(entry.desc)) for entry in entries for n in entry.name.split(",")}


def arguments(thing):
    """Return the names of what a caller can pass."""
    own_init = isinstance(thing, type) and inspect.isfunction(thing.__init__)
    parameters = inspect.signature(thing.__init__ if own_init else thing).parameters
    return [name for name in parameters if name not in ("self", "cls")]


@pytest.mark.parametrize("name", [*PUBLIC, *MODULES])
def test_there_is_a_summary(name):
    doc = inspect.getdoc(PUBLIC.get(name) or MODULES[name]) or ""
    summary = doc.strip().partition("\n\n")[0]
    assert summary, f"{name} has no docstring"
    assert summary.rstrip().endswith((".", ":")), f"the summary of {name} is not a sentence: {summary!r}"


@pytest.mark.parametrize("name", DESCRIBED)
def test_there_is_an_example(name):
    """Errors are exempt: they are caught, not called."""
    examples = "\n".join(parsed(DESCRIBED[name])["Examples"])
    assert doctest.DocTestParser().get_examples(examples), f"{name} has no example that runs"


MADE_BY_OTHERS = {
    "fastgd.State": "Optimizer.init and load",
    "fastgd.StepInfo": "State.step",
    "fastgd.Monitor": "Optimizer.init",
    "fastgd.Recovery": "Optimizer.init",
    "fastgd.ArrayHealth": "State.step",
    "schedules.Schedule": "the catalogue",
    "linear_model.EpochInfo": "fit",
    "neural_network.CompressionReport": "prune and quantize",
}


@pytest.mark.parametrize("name", [name for name in DESCRIBED if name not in MADE_BY_OTHERS])
def test_every_argument_is_documented(name):
    thing = DESCRIBED[name]
    described = documented(parsed(thing))
    if isinstance(thing, type) and issubclass(thing, fastgd.Optimizer) and "options" in described:
        for option in COMMON_OPTIONS:
            assert option in described["options"][1], f"{name}: **options does not mention {option}"
            described[option] = ("", "")
        del described["options"]
    fitted = {argument for argument in described if argument.endswith("_")}  # attributes of estimators
    assert set(arguments(thing)) == set(described) - fitted, name


def takes_arrays(thing):
    return any(ARRAY.search(kind) for kind, _ in documented(parsed(thing)).values())


@pytest.mark.parametrize("name", [name for name, thing in DESCRIBED.items() if takes_arrays(thing)])
def test_arrays_are_documented_with_shape_and_dtype(name):
    text = inspect.getdoc(DESCRIBED[name])
    assert SHAPE.search(text), f"{name} takes arrays and says nothing of their shapes"
    assert DTYPE.search(text), f"{name} takes arrays and says nothing of their dtypes"


@pytest.mark.parametrize(
    "name", [n for n, t in DESCRIBED.items() if inspect.isclass(t) and issubclass(t, fastgd.Optimizer)]
)
def test_optimizers_say_what_they_compute_and_keep(name):
    """The equation, the source, and the state arrays: exactly those that an instance has."""
    cls = DESCRIBED[name]
    if cls is fastgd.Optimizer:
        return
    text = inspect.getdoc(cls)
    assert ":math:" in text or ".. math::" in text
    assert re.search(r"Sources?:", text) and re.search(r"\((1[89]|20)\d\d\)", text), f"{name} names no source"
    options = [{}, {"momentum": 0.9}, {"amsgrad": True}, {"centered": True, "momentum": 0.9}]
    fitting = [each for each in options if set(each) <= set(cls.__dataclass_fields__) and not cls.needs_rows]
    states = [cls(**each).init(p) for each in fitting for p in (np.ones(1), np.ones((1, 1)))]
    kept = {key.removeprefix("param.") for state in states for key in state.arrays}
    notes = " ".join(parsed(cls)["Notes"]).partition("Source")[0]
    assert set(re.findall(r"``(\w+)``", notes)) == kept


@pytest.mark.parametrize(
    "name", [n for n, t in PUBLIC.items() if inspect.isclass(t) and issubclass(t, fastgd.Optimizer)]
)
def test_tools_see_the_signature(name):
    """What help() and editors show: the dataclass's own arguments, with their defaults."""
    parameters = inspect.signature(PUBLIC[name]).parameters
    assert {p for p in parameters if parameters[p].kind is inspect.Parameter.KEYWORD_ONLY} == COMMON_OPTIONS


def test_the_python_of_the_readme_runs(tmp_path):
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("installed without its README")
    blocks = re.findall(r"^```python\n(.*?)^```", readme.read_text(), re.DOTALL | re.MULTILINE)
    assert blocks, "the README shows no Python"
    program = tmp_path / "readme.py"
    program.write_text("\n".join(blocks))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FASTGD_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-W", "error", str(program)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_readme_links_to_files_that_exist():
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("installed without its README")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", readme.read_text()):
        assert (ROOT / target).exists(), target
