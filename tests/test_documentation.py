"""The documentation: examples of the guides run, galleries and reference have every public name, formulas are drawn as they stand.

``make docs`` builds the pages themselves, with warnings as errors.
"""

import doctest
import importlib.util
import inspect
import re
import shlex
import sys
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner
from sklearn.exceptions import ConvergenceWarning

import fastgd
from fastgd import cli

DOCS = Path(fastgd.__file__).parents[1] / "docs"
pytestmark = pytest.mark.skipif(not (DOCS / "conf.py").exists(), reason="installed without its documentation")
PAGES = sorted([*DOCS.glob("guide/*.rst"), DOCS / "index.rst"])
COMMAND = re.compile(r"^   \$ (fastgd .*)$", re.M)
SETTINGS = re.compile(r"^\.\. code-block:: toml\n   :caption: (\S+)\n\n((?:   .*\n|\n)+)", re.M)


@pytest.fixture(scope="module")
def generators():
    """Return docs/formulas.py, docs/catalogue.py, and docs/reference.py, which import each other by these names."""
    pytest.importorskip("matplotlib")
    loaded = {}
    for name in ("formulas", "catalogue", "reference"):
        spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
        loaded[name] = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded[name])
    yield loaded
    for name in loaded:
        del sys.modules[name]


def command(line):
    """Run a line of the shell that calls fastgd."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a line on the terminal for users
        done = CliRunner().invoke(cli.main, shlex.split(line)[1:])
    assert done.exit_code == 0, f"{line}: exit code {done.exit_code}\n{done.output}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_run(page, tmp_path, monkeypatch):
    """Python's and the shell's, in their order, in a folder of their own; TOML files lie there under the names of their captions."""
    monkeypatch.chdir(tmp_path)
    text = page.read_text()
    for name, content in SETTINGS.findall(text):
        (tmp_path / name).write_text(inspect.cleandoc(content))
    text = COMMAND.sub(lambda found: f"   >>> command({found[1]!r})", text)
    test = doctest.DocTestParser().get_doctest(text, {"command": command}, page.stem, str(page), 0)
    output = []
    done = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=output.append)
    assert not done.failed, "".join(output)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_there_is_no_code_that_does_not_run(page):
    text = page.read_text()
    assert set(re.findall(r"\.\. code-block:: (\w+)", text)) <= {"console", "toml"}
    assert not re.search(r"::\n\n", text.replace(".. code-block::", "")), "a literal block would not be run"
    shown = re.findall(r"\.\. code-block:: console\n\n((?:   .*\n)+)", text)
    assert all(COMMAND.fullmatch(line) for block in shown for line in block.rstrip("\n").split("\n"))


def test_every_page_is_in_a_table_of_contents():
    listed = set(re.findall(r"^   (\w+)$", (DOCS / "guide" / "index.rst").read_text(), re.M))
    assert listed == {page.stem for page in DOCS.glob("guide/*.rst")} - {"index"}


def test_files_that_how_it_works_names_exist():
    text = (DOCS / "guide" / "how_it_works.rst").read_text()
    package = Path(fastgd.__file__).parent
    for name in re.findall(r"``([\w/*]+\.(?:py|pyx|pxd|h|md))``", text):
        places = [package / name, package / "_kernels" / name, package.parent / name]
        assert any(list(p.parent.glob(p.name)) for p in places), name


def test_galleries_have_every_schedule_and_optimizer(generators, tmp_path):
    generators["catalogue"].write(tmp_path)
    made = {kind: {p.stem[5:] for p in (tmp_path / kind).glob("plot_*.py")} for kind in ("schedules", "optimizers")}
    assert made == {kind: set(names) for kind, names in generators["catalogue"].entries().items()}
    kinds = {name: getattr(fastgd.optimizers, name) for name in fastgd.optimizers.__all__}
    rules = {n for n, k in kinds.items() if isinstance(k, type) and issubclass(k, fastgd.Optimizer)} - {"Optimizer"}
    assert made["optimizers"] == rules
    factories = {n for n in fastgd.schedules.__all__ if n in fastgd.schedules._algebra.FACTORIES}
    assert factories - made["schedules"] <= {"maximum", "minimum"}  # these join other schedules
    for script in tmp_path.rglob("plot_*.py"):
        compile(script.read_text(), str(script), "exec")


def test_pages_show_formula_source_and_example(generators):
    page = generators["catalogue"].schedule_page("cosine")
    assert r":math:`\displaystyle a_t = \text{end} + " in page
    assert 'schedules.parse("cosine(100)")' in page
    assert "# >>> " in page and "Source: " in page
    assert ".. math::" in generators["catalogue"].optimizer_page("Adam")


class NeedsMatrices(fastgd.SGD):
    """A rule that a picture of two parameters cannot show."""

    def init(self, *args, **kwargs):
        raise fastgd.ArgumentValueError("matrices only")


class Around(fastgd.SGD):
    """A wrapper."""

    def __init__(self, optimizer, k=5):
        super().__init__(optimizer.lr)


def test_the_catalogue_copes_with_optimizers_of_other_kinds(generators, monkeypatch):
    catalogue = generators["catalogue"]
    for kind in (NeedsMatrices, Around):
        monkeypatch.setattr(fastgd.optimizers, kind.__name__, kind, raising=False)
        monkeypatch.setattr(fastgd, kind.__name__, kind, raising=False)
    assert catalogue.best_call("NeedsMatrices")[0] is None
    assert "TrajectoryDisplay" not in catalogue.optimizer_page("NeedsMatrices")
    assert re.fullmatch(r"fastgd\.Around\(fastgd\.SGD\(lr=0\.\d+\)\)", catalogue.best_call("Around")[0])


def test_the_reference_has_every_public_name(generators, tmp_path):
    reference = generators["reference"]
    reference.write(tmp_path)
    api = (DOCS / "api.rst").read_text()
    documented = set()
    for module in reference.MODULES:
        assert f"generated/{module}.index\n" in api
        documented |= {id(_resolve(path)) for path in reference.documented(module)}
        assert all((tmp_path / f"{path}.rst").exists() for path in reference.documented(module))
    for module in reference.MODULES:
        home = importlib.import_module(module)
        things = {name: getattr(home, name) for name in home.__all__}
        assert [n for n, thing in things.items() if not inspect.ismodule(thing) and id(thing) not in documented] == []


def _resolve(path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("a_t = a0 * (1 - t/T)", r"a_t = a_0 \, (1 - t / T)"),
        ("a_t = a0 / (1 + t/T)", r"a_t = \frac{a_0}{1 + t / T}"),
        ("(a/b)**2 * (a/b) * c", r"(a / b)^{2} \, (a / b) \, c"),
        ("a_t = a_{t-1} * rate**floor(t/T)", r"a_t = a_{t-1} \, \text{rate}^{\lfloor t / T \rfloor}"),
        ("a - (b - c)", "a - (b - c)"),
        ("(a + b)**-0.5", "(a + b)^{-0.5}"),
        ("(a*b)**2 * -c", r"(a \, b)^{2} \, -c"),
        ("sqrt(1 - x) <= 2", r"\sqrt{1 - x} \le 2"),
    ],
)
def test_formula(generators, formula, latex):
    assert generators["formulas"].latex(formula) == latex


def test_what_is_no_formula_stays(generators):
    text = '``warmup(500) >> cosine(1e-3, 10_000)`` and ``learning_rate="auto"`` and ``rates[i]`` and ``2T + k``'
    assert generators["formulas"].drawn(text) == text


@pytest.mark.parametrize(
    "name", [n for n in fastgd.schedules.__all__ if n not in ("Schedule", "from_dict", "parse", "as_schedule")]
)
def test_formulas_are_drawn_without_network(generators, name):
    convert = pytest.importorskip("latex2mathml.converter", reason="the extra docs has it").convert
    text = generators["formulas"].drawn(inspect.getdoc(getattr(fastgd.schedules, name)))
    for formula in re.findall(r":math:`(.+?)`", text):
        assert convert(formula).startswith("<math")
