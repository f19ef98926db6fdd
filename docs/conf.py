"""Sphinx configuration: ``python -m sphinx -b html docs docs/_build/html``."""

import sys
from pathlib import Path

import mtlearn
from mtlearn import base

sys.path.insert(0, str(Path(__file__).parent))  # where gallery_order is

# a diagram of an estimator on a page of generated/notebooks links to the reference beside it
base.documentation_url = lambda: "../.."

project = "mtlearn"
author = "the mtlearn developers"
copyright = "2026, the mtlearn developers"
version = release = mtlearn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",  # CHANGELOG.md and CONTRIBUTING.md are pages as they are
    "sphinx_design",  # the cards of the start page
    "sphinx_gallery.gen_gallery",  # runs docs/notebooks and shows what comes out
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "notebooks"]
default_role = "code"

autosummary_generate = True
autodoc_typehints = "none"  # types are in the numpydoc sections, with shapes
numpydoc_show_class_members = False  # the class template lists what a class itself documents
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
    "examples_dirs": "notebooks",
    "gallery_dirs": "generated/notebooks",
    "within_subsection_order": "gallery_order.AsListed",
    "filename_pattern": r"/\w+\.py",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1e6,  # nor say on the page how long it took
}

html_theme = "pydata_sphinx_theme"
html_title = f"mtlearn {release}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_theme_options = {
    "navbar_persistent": ["search-field"],
    "navigation_with_keys": False,
    "show_toc_level": 2,
}
html_sidebars = {"index": []}


def skip_inherited_from_sklearn(app, what, name, obj, skip, options):
    """What scikit-learn gives every estimator (metadata requests, …) is its own documentation."""
    return True if str(getattr(obj, "__module__", "")).startswith("sklearn.") else None


def setup(app):
    app.connect("autodoc-skip-member", skip_inherited_from_sklearn)
