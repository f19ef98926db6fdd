"""Verdicts on tables drawn with and without something shared.

Four of the 120 of benchmarks/verdicts.py, all of which are right; of the others few are wrong.
"""

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "verdicts.py"


@pytest.mark.long
@pytest.mark.skipif(not SCRIPT.exists(), reason="benchmarks are not part of an installation")
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("shared", [False, True], ids=["nothing shared", "something shared"])
def test_a_verdict_on_a_drawn_table_is_right(shared, sparse):
    from mtlearn import compare_tasks

    script = runpy.run_path(str(SCRIPT))
    X, y, task = script["draw"](shared, sparse, False, 0, 0)
    result = compare_tasks(X, y, task=task, models=script["MODELS"], cv=script["FOLDS"])
    assert result.helps == shared
