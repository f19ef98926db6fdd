"""How long fits of related tasks take, and how that grows with the number of tasks.

    python -m benchmarks.related_tasks [path] [nearest] [relations] [clusters] [subspace]
        [robust] [robust+low-rank] [robust+group] [columns] [TASKS ...]

Tasks of 50 rows and 40 features: on a path, at random places with their 3 nearest, or with
relations that are learned, or clusters, or in three shared directions; with outliers beside a
mean, patterns or features; or with features of ten columns of four categories. Strengths are
.001, 1 and 100, of penalties that are norms shares of the one from which on tasks are alike: .01,
.1 and .5. Seconds of the process, of one thread where BLAS has one (OPENBLAS_NUM_THREADS=1).
"""

import sys
import time
from functools import partial

import numpy as np

from mtlearn import (
    ClusteredTasksClassifier,
    ClusteredTasksRegressor,
    GraphTasksClassifier,
    GraphTasksRegressor,
    GroupLassoClassifier,
    GroupLassoRegressor,
    RobustTasksClassifier,
    RobustTasksRegressor,
    SharedSubspaceClassifier,
    SharedSubspaceRegressor,
    TaskRelationshipsClassifier,
    TaskRelationshipsRegressor,
)

CLUSTERED = ClusteredTasksRegressor, ClusteredTasksClassifier
SUBSPACE = SharedSubspaceRegressor, SharedSubspaceClassifier
ROWS, FEATURES = 50, 40
STRENGTHS, SHARES = (1e-3, 1.0, 100.0), (0.01, 0.1, 0.5)
ROBUST = {"robust": None, "robust+low-rank": "low_rank", "robust+group": "group"}
NORMS = (*ROBUST, "columns")
NAMES = ("path", "nearest", "relations", "clusters", "subspace", *NORMS)


def drawn(T):
    rng = np.random.default_rng(0)
    slopes = np.cumsum(0.2 * rng.normal(size=(T, FEATURES)), axis=0)
    task = np.repeat(np.arange(T), ROWS)
    X = rng.normal(size=(len(task), FEATURES))
    return X, np.sum(X * slopes[task], axis=1) + rng.normal(size=len(task)), task


def models(name, T):
    """A regressor and a classifier, to be given alpha."""
    if name == "relations":
        return TaskRelationshipsRegressor, TaskRelationshipsClassifier
    if name == "clusters":
        return (partial(Model, n_clusters=4) for Model in CLUSTERED)
    if name == "subspace":
        return (partial(Model, rank=3) for Model in SUBSPACE)
    if name in ROBUST:
        robust = RobustTasksRegressor, RobustTasksClassifier
        return (partial(Model, structure=ROBUST[name]) for Model in robust)
    if name == "columns":
        groups = np.repeat(np.arange(FEATURES // 4), 4)
        lassos = GroupLassoRegressor, GroupLassoClassifier
        return (partial(Model, feature_groups=groups) for Model in lassos)
    places = dict(enumerate(np.random.default_rng(1).random((T, 2))))
    graph = "path" if name == "path" else places
    return (partial(Model, graph=graph) for Model in (GraphTasksRegressor, GraphTasksClassifier))


def seconds(call, *args, **more):
    start = time.process_time()
    call(*args, **more)
    return time.process_time() - start


def main(names, sizes):
    for T in sizes:
        X, y, task = drawn(T)
        for name in names:
            regressor, classifier = models(name, T)
            norm = name in NORMS
            largest = regressor().alpha_max(X, y, task=task) if norm else 1.0
            fits = [
                seconds(regressor(alpha=alpha * largest).fit, X, y, task=task)
                for alpha in (SHARES if norm else STRENGTHS)
            ]
            told = " ".join(f"{s:.2f}" for s in fits)
            print(f"{T:>5} tasks, {name:>15}: fits {told}", end="", flush=True)
            most = classifier().alpha_max(X, y > 0, task=task) if norm else 1.0
            took = seconds(classifier(alpha=0.1 * most).fit, X, y > 0, task=task)
            print(f", classifier {took:.2f}")
            if T <= 100:
                took = seconds(regressor().path, X, y, task=task, alphas=50)
                print(f"{'':>31}path of 50 alphas {took:.2f}")


if __name__ == "__main__":
    given = sys.argv[1:]
    named = [one for one in given if one in NAMES]
    counts = [int(one) for one in given if one not in NAMES]
    main(named or NAMES, counts or [100, 500, 2000])
