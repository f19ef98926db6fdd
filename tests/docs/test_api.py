"""Every public name has a page of the reference, with an example that runs."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import mtlearn

API = Path(__file__).parents[2] / "docs" / "api.rst"
NAMES = re.findall(r"^    ([A-Za-z_][\w.]*)$", API.read_text(encoding="utf-8"), re.MULTILINE)
MODULES = (
    "compare",
    "dask",
    "datasets",
    "exceptions",
    "inspection",
    "metrics",
    "model_selection",
    "plotting",
    "report",
    "table",
)


def named(path):
    """What ``mtlearn.<path>`` is."""
    module, _, name = f"mtlearn.{path}".rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("path", NAMES)
def test_a_listed_name_is_there_and_has_an_example(path):
    """Doctests of the package run the example; here it is asked whether there is one."""
    assert ">>>" in inspect.getdoc(named(path))


def test_every_name_of_the_package_is_listed():
    assert set(mtlearn.__all__) <= set(NAMES)


@pytest.mark.parametrize("module", MODULES)
def test_every_name_of_a_public_module_is_listed(module):
    text = API.read_text(encoding="utf-8")
    names = getattr(importlib.import_module(f"mtlearn.{module}"), "__all__", ())
    callables = [name for name in names if callable(named(f"{module}.{name}"))]
    missing = [name for name in callables if not re.search(rf"\b{name}\b", text)]
    assert not missing
