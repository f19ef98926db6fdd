"""The classes of a benchmark's folder, as benchopt would load them."""

import importlib.util
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@cache
def module(path):
    """The module, or the error that its import raised."""
    spec = importlib.util.spec_from_file_location("_".join(path.with_suffix("").parts[-3:]), path)
    loaded = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(loaded)
    except Exception as error:  # a peer that is not installed or not for this Python
        return error
    return loaded


def objective(folder, **parameters):
    return module(ROOT / folder / "objective.py").Objective.get_instance(**parameters)


def solver_files(folder):
    """Names of solver files, ours first."""
    names = sorted(path.stem for path in (ROOT / folder / "solvers").glob("*.py"))
    return sorted(names, key=lambda name: name != "mtlearn")


def solver(folder, name):
    loaded = module(ROOT / folder / "solvers" / f"{name}.py")
    return loaded if isinstance(loaded, Exception) else loaded.Solver.get_instance()
