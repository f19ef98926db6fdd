"""What a comparison on moments refuses, as rows of tests/contract/test_messages.py."""

import numpy as np
from sklearn.linear_model import Ridge

from mtlearn import IndependentTasks, RandomSlopesRegressor, collect_moments, compare_tasks

rng = np.random.default_rng(0)
X, y, TASK = rng.normal(size=(40, 2)), rng.normal(size=40), np.repeat(["a", "b"], 20)


def compared(*chunk, n_folds=4, collected=None, **asked):
    """On the moments of a chunk."""
    chunk = chunk or (X, y, TASK)
    return lambda: compare_tasks(
        collect_moments([chunk], n_folds=n_folds, **(collected or {})), **asked
    )


MESSAGES = {
    "targets beside them": (
        lambda: compare_tasks(collect_moments([(X, y, TASK)], n_folds=4), y, groups=TASK),
        ["y and groups"],
        ["Leave them out"],
    ),
    "classes": (
        compared(kind="classification"),
        ["kind='classification'"],
        ["Give a table"],
    ),
    "counts": (compared(loss="poisson"), ["loss='poisson' takes rows"], ["Give a table"]),
    "no tasks": (compared(X, y), ["not of rows labelled by task"], ["task_column="]),
    "weights": (
        compared(X, y, TASK, np.full(40, 2.0)),
        ["weighted rows"],
        ["without weights"],
    ),
    "no folds": (compared(n_folds=None), ["n_folds=None"], ["n_folds=5"]),
    "two folds": (compared(n_folds=2), ["n_folds=2"], ["3 at least"]),
    "folds without rows": (
        lambda: compare_tasks(
            collect_moments(
                [(np.column_stack([X, np.repeat([0.0, 1.0], 20)]), y)],
                n_folds=4,
                task_column=2,
                group_column=2,
            )
        ),
        ["folds of 4 hold no row"],
        ["fewer folds"],
    ),
    "other folds": (compared(cv=5), ["cv=5", "4 folds"], ["Leave cv out"]),
    "a rival": (compared(models=["+boosting"]), ["'boosting'"], ["mean-regularized"]),
    "a model of rows": (
        compared(models={"mine": IndependentTasks(Ridge())}),
        ["'mine'"],
        ["regressors of the library"],
    ),
    "a loss of rows": (
        compared(models={"mine": RandomSlopesRegressor(loss="huber")}),
        ["'mine' learns from rows"],
        ["loss='squared'"],
    ),
    "no targets": (lambda: compare_tasks(X), ["y is None"], ["compare_tasks(X, y"]),
}
