"""Sphinx: ``make docs`` builds everything, the executed gallery included, without network."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import catalogue  # noqa: E402
import mathml  # noqa: E402
import reference  # noqa: E402

import fastgd  # noqa: E402

project = "fastgd"
author = "The fastgd developers"
copyright = author
release = version = fastgd.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_catalogue", "gallery", "**sg_execution_times.rst"]  # its page would fetch scripts
default_role = "py:obj"
html_theme = "pydata_sphinx_theme"
html_title = "fastgd"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["fastgd.css"]
html_theme_options = {"navigation_with_keys": True, "show_toc_level": 2, "secondary_sidebar_items": ["page-toc"]}
html_context = {"default_mode": "auto"}
# Formulas are laid out by MathML in the reader's browser: nothing is fetched.
mathjax_path = ""
html_math_renderer = "mathml"

suppress_warnings = ["ref.term"]  # docstrings inherited from scikit-learn refer to its glossary
autosummary_generate = False  # reference.py writes the pages
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

catalogue.write(HERE / "_catalogue")
reference.write(HERE / "generated")
sphinx_gallery_conf = {
    "examples_dirs": ["gallery", "_catalogue/schedules", "_catalogue/optimizers"],
    "gallery_dirs": ["auto_gallery", "auto_schedules", "auto_optimizers"],
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "capture_repr": (),
    "show_memory": False,
    "write_computation_times": False,
    "min_reported_time": 10,
    "remove_config_comments": True,
    "image_scrapers": ("matplotlib",),
    "copyfile_regex": "",
}


def as_prose(app, what, name, thing, options, lines):
    """Keep prose from being taken for markup: "I. Loshchilov" for the first point of a list, "(n_features_in_,)" for a link."""
    example = False
    for k, line in enumerate(lines):
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if not example:
            line = re.sub(r"^(\s*[A-Z])\. (?=[A-Z])", r"\1\\. ", line)
            parts = re.split(r"(`+.*?`+_?|\*\*.*?\*\*)", line)
            parts[::2] = [re.sub(r"(?<=\w)_(?=[\s,.;:)]|$)", r"\\_", part) for part in parts[::2]]
            lines[k] = "".join(parts)


PLACES = {path.rpartition(".")[2]: path for module in reference.MODULES for path in reference.documented(module)}


def link_by_name(app, env, node, content):
    """Link `SGDClassifier` in prose to its page; lower-case names are as a rule parameters."""
    name = node["reftarget"]
    if node.get("reftype") != "obj" or not name[:1].isupper() or name.partition(".")[0] not in PLACES:
        return None
    path = PLACES[name.partition(".")[0]] + name[len(name.partition(".")[0]) :]
    return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", path, node, content)


def setup(app):
    """Add the renderer of formulas, and mend what would go wrong in docstrings."""
    mathml.setup(app)
    app.connect("missing-reference", link_by_name)
    app.connect("autodoc-process-docstring", as_prose, priority=900)
