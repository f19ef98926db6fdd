"""What new tasks are answered by in a comparison."""

import numpy as np
import pytest

from mtlearn import collect_moments, compare_tasks


def test_new_tasks_of_many_rows_are_told_the_mean_and_not_a_part_of_it():
    rng = np.random.default_rng(0)
    task, X = np.arange(4000) % 10, rng.normal(size=(4000, 2))
    W = 1.0 + 0.5 * rng.normal(size=(10, 2))
    y = (X * W[task]).sum(axis=1) + 0.1 * rng.normal(size=len(task))
    models = ["mean-regularized", "group-lasso+mean"]
    result = compare_tasks(X, y, task=task, models=models, new_tasks=True, cv=3, full=True)
    found = result.table["new_task_r2"]
    for name in models:  # tasks are of one size: the pooled model is about the mean of them
        assert found[name] == pytest.approx(found["pooled"], abs=0.05)
    moments = collect_moments([(X, y, task)], n_folds=3)
    found = compare_tasks(moments, models=models[:1], new_tasks=True).table["new_task_r2"]
    assert found[models[0]] == pytest.approx(found["pooled"], abs=0.05)
