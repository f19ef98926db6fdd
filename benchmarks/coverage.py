"""How often intervals of 90 % cover: rows held out of real tables, and whole tasks.

    python benchmarks/coverage.py            # half a minute
    python benchmarks/coverage.py wages pbc  # some of the tables

Prints one row a table, in Markdown: the share of the rows that lie in the interval of
`prediction_interval(model, X)` of random slopes (in a table pipeline, diagonal, with its ridge on
the shared slopes estimated) fitted on the other folds: five folds that keep every task represented,
and five that hold out whole tasks.
"""

import sys
import warnings

import numpy as np

from mtlearn import RandomSlopesRegressor, make_table_pipeline, prediction_interval
from mtlearn.datasets import load
from mtlearn.model_selection import new_task_folds, task_folds

TABLES = [
    *("exam", "hsb82", "bdf", "egsingle", "chem97", "gapminder", "sleepstudy", "wages", "pbc"),
]


def covered(X, y, task_column, fold):
    """Share of the rows in their interval, each predicted by a fit without its fold."""
    inside = np.zeros(len(y), dtype=bool)
    for k in np.unique(fold):
        model = RandomSlopesRegressor(
            alpha_mean="auto", task_column=task_column, unseen_task="mean"
        )
        model = make_table_pipeline(model).fit(X[fold != k], y[fold != k])
        low, high = prediction_interval(model, X[fold == k], coverage=0.9).T
        inside[fold == k] = (low <= y[fold == k]) & (y[fold == k] <= high)
    return inside.mean()


def main(names):
    warnings.simplefilter("ignore")  # of levels that a fold has not seen
    print("| table | rows | tasks | rows held out | tasks held out |")
    print("|---|--:|--:|--:|--:|")
    for name in names or TABLES:
        data = load(name)
        X, y = data.data.assign(**{data.task_name: data.task}), data.target.to_numpy(float)
        codes = data.task.factorize()[0]
        folds = task_folds(codes, 5, random_state=0), new_task_folds(codes, 5, random_state=0)
        shares = [f"{covered(X, y, data.task_name, fold):.1%}" for fold in folds]
        print(f"| {name} | {len(y):,} | {codes.max() + 1:,} | {' | '.join(shares)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
