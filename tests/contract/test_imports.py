"""No file of the package imports in a circle, nor does any folder: also not for types alone."""

import ast
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from inspect import ismodule
from pathlib import Path

import pytest

import mtlearn

ROOT = Path(mtlearn.__file__).parent
ABOVE = {"__init__.py", "__main__.py", "base.py", "exceptions.py"}


def modules():
    """Name of each module and its file."""
    for file in ROOT.rglob("*.py"):
        parts = ("mtlearn", *file.relative_to(ROOT).with_suffix("").parts)
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


MODULES = dict(modules())


def imported(file):
    """Modules of ours that a file imports, wherever in it: above, in a function, for types."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        if isinstance(node, ast.ImportFrom) and (node.module or "") in MODULES:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module


IMPORTS = {name: set(imported(file)) for name, file in MODULES.items()}


def folder(name):
    """The folder of a module; of what stands at the top, the module itself."""
    parts = name.split(".")
    inside = len(parts) > 2 or (len(parts) == 2 and MODULES[name].name == "__init__.py")
    return parts[1] if inside else name


def without_circle(graph):
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_module_imports_in_a_circle():
    order = without_circle(IMPORTS)
    assert order.index("mtlearn.inputs.tasks") < order.index("mtlearn.solvers.choose")


def test_no_folder_imports_in_a_circle():
    graph = {}
    for name, found in IMPORTS.items():
        here = graph.setdefault(folder(name), set())
        here |= {folder(other) for other in found} - {folder(name)}
    order = [name for name in without_circle(graph) if not name.startswith("mtlearn")]
    formula = ["inputs", "problems", "solvers", "selection", "estimators", "compare", "cli"]
    assert [name for name in order if name in formula] == formula


def test_at_the_top_stands_what_everybody_needs():
    assert {file.name for file in ROOT.glob("*.py")} == ABOVE


def test_the_library_imports_no_underscore_module_of_scikit_learn():
    for file in MODULES.values():
        for node in ast.walk(ast.parse(file.read_text())):
            module = getattr(node, "module", None) or ""
            if isinstance(node, ast.ImportFrom) and module.split(".")[0] == "sklearn":
                assert not any(part.startswith("_") for part in module.split(".")), file


def test_the_tests_import_no_module_that_has_moved():
    """Where another copy is installed too, it would be found there, and the test ask nothing."""
    for file in Path(__file__).parents[1].rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            module = getattr(node, "module", None) or ""
            if isinstance(node, ast.ImportFrom) and module.split(".")[0] == "mtlearn":
                assert module in MODULES, f"{file}: {module}"
                for alias in node.names:
                    name = f"{module}.{alias.name}"
                    found = getattr(import_module(module), alias.name, None)
                    assert name in MODULES or not ismodule(found), f"{file}: {name}"
