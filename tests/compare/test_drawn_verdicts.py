"""Verdicts on tables drawn with and without something shared: few of them may be wrong."""

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "verdicts.py"


@pytest.mark.long
@pytest.mark.skipif(not SCRIPT.exists(), reason="benchmarks are not part of an installation")
@pytest.mark.parametrize("shared", [False, True])
def test_verdicts_on_drawn_tables_are_right(shared):
    """A small part of benchmarks/verdicts.py, which draws 120."""
    from mtlearn import compare_tasks

    script = runpy.run_path(str(SCRIPT))
    said = []
    for sparse, seed in [(False, 0), (False, 1), (True, 0), (True, 1)]:
        X, y, task = script["draw"](shared, sparse, False, 0, seed)
        models, cv = script["MODELS"], script["FOLDS"]
        said.append(compare_tasks(X, y, task=task, models=models, cv=cv).helps)
    assert said.count(shared) >= 3
