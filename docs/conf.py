"""Sphinx: ``make docs`` builds everything, the executed gallery included, without network."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import catalogue  # noqa: E402

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
exclude_patterns = ["_build", "_catalogue", "gallery"]
html_theme = "pydata_sphinx_theme"
html_title = "fastgd"
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True, "show_toc_level": 2, "secondary_sidebar_items": ["page-toc"]}
html_context = {"default_mode": "auto"}
# Formulas are laid out by MathML in the reader's browser: nothing is fetched.
mathjax_path = ""
html_math_renderer = "mathml"

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

catalogue.write(HERE / "_catalogue")
sphinx_gallery_conf = {
    "examples_dirs": ["gallery", "_catalogue/schedules", "_catalogue/optimizers"],
    "gallery_dirs": ["auto_gallery", "auto_schedules", "auto_optimizers"],
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 10,
    "remove_config_comments": True,
    "image_scrapers": ("matplotlib",),
    "copyfile_regex": "",
}


def setup(app):
    """Add the renderer of formulas."""
    import mathml

    mathml.setup(app)
