"""Verdicts on drawn tables: how often "Yes" where nothing is shared, and "No" where something is.

    python benchmarks/verdicts.py        # 120 comparisons, some forty minutes on one core
    python benchmarks/verdicts.py 2      # with two draws a cell instead of five

Tables are dense or sparse in truth, hold numbers or classes, and come as rows labelled by task,
equally or unequally many, or as a matrix of targets with holes. Nothing is shared: the coefficients
of a task are drawn for it alone, or its few features are used by no other. Something is: they
scatter around common ones, or the few features are common. Levels always differ by task.
"""

import sys
import time
from itertools import product

import numpy as np
import pandas as pd

from mtlearn import compare_tasks

MODELS, FOLDS = ["mean-regularized", "group-lasso"], 3
N_TASKS, N_DENSE, N_SPARSE, SUPPORT = 16, 10, 32, 2
LENGTH, APART = 2.0, 1.3  # of a task's coefficients, and of their deviation where they are shared


def coefficients(shared, sparse, rng):
    """(d, T) coefficients of the tasks."""
    if not sparse:
        own, common = rng.normal(size=(N_DENSE, N_TASKS)), rng.normal(size=(N_DENSE, 1))
        W = LENGTH * common + APART * own if shared else LENGTH * own
        return W / np.sqrt(N_DENSE)
    W, order = np.zeros((N_SPARSE, N_TASKS)), rng.permutation(N_SPARSE)
    for t in range(N_TASKS):
        first = 0 if shared else SUPPORT * t
        W[order[first : first + SUPPORT], t] = rng.choice([-1, 1], SUPPORT)
    return LENGTH / np.sqrt(SUPPORT) * W


def draw(shared, sparse, classes, way, seed):
    """X, y and the task of each row, None for a matrix of targets."""
    rng = np.random.default_rng([shared, sparse, classes, way, seed])
    W = coefficients(shared, sparse, rng)
    d, mean = len(W), 64 if classes else 16
    if way == 2:
        n = mean * 2
        X, task = rng.normal(size=(n, d)), None
        score = X @ W
    else:
        rows = np.full(N_TASKS, mean)
        if way == 1:
            rows = np.geomspace(mean / 3, mean * 2.2, N_TASKS).astype(int)
        task = np.repeat(np.arange(N_TASKS), rows)
        X = rng.normal(size=(len(task), d))
        score = (X * W.T[task]).sum(axis=1)
    level = rng.normal(size=N_TASKS) * (1 if classes else 3)
    score = (1.5 * score if classes else score) + (level if way == 2 else level[task])
    if classes:
        y = np.where(score + rng.logistic(size=score.shape) > 0, "yes", "no").astype(object)
    else:
        y = score + rng.normal(size=score.shape)
    if way == 2:
        y[rng.random(y.shape) < 0.3] = None if classes else np.nan
        y = pd.DataFrame(y, columns=[f"y{t}" for t in range(N_TASKS)])
    return pd.DataFrame(X, columns=[f"x{j}" for j in range(d)]), y, task


def count(shared, draws, out=None):
    """Number of "Yes" and of "No" over all cells, each drawn ``draws`` times."""
    yes = 0
    for sparse, classes, way in product((False, True), (False, True), range(3)):
        said = []
        for seed in range(draws):
            X, y, task = draw(shared, sparse, classes, way, seed)
            said.append(compare_tasks(X, y, task=task, models=MODELS, cv=FOLDS))
        yes += sum(result.helps for result in said)
        if out is not None:
            cell = (
                "sparse" if sparse else "dense",
                "classes" if classes else "numbers",
                ("equal", "unequal", "matrix")[way],
            )
            pairs = "; ".join(
                f"{'yes' if r.helps else 'no'} {r.p_value:.2g} {r.best_model}/{r.best_baseline}"
                for r in said
            )
            print(
                f"{'shared' if shared else 'nothing shared'}, {', '.join(cell)}: {pairs}",
                file=out,
                flush=True,
            )
    return yes, 12 * draws - yes


def main(draws):
    start = time.perf_counter()
    for shared in (False, True):
        yes, no = count(shared, draws, sys.stdout)
        print(
            f"{'Something' if shared else 'Nothing'} shared, {yes + no} tables: {yes} yes, {no} no"
        )
    print(f"{time.perf_counter() - start:.0f} seconds")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
