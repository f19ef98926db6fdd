"""Labelled rows of many tasks, cut into chunks, and every family of classifiers."""

import numpy as np

import mtlearn

from ..checks import as_array

STRICT = {"tol": 1e-12}
MEAN, GROUP = mtlearn.MeanRegularizedClassifier, mtlearn.GroupLassoClassifier
MODELS = {
    "mean": MEAN(0.3, **STRICT),
    "mean, strengths estimated": MEAN("auto", **STRICT),
    "mean, estimated, weights": MEAN("auto", feature_weight=[1, 3, 2, np.inf], **STRICT),
    "mean, free levels, by task": MEAN(0.3, alpha_intercept=0, task_weight="balanced", **STRICT),
    "mean, one level": MEAN(0.3, alpha_intercept=np.inf, alpha_mean=0.1, **STRICT),
    "mean, levels pulled": MEAN(0.3, alpha_intercept=0.2, alpha_mean=0, **STRICT),
    "mean, no intercepts": MEAN(0.3, fit_intercept=False, **STRICT),
    "mean, weights of features": MEAN(0.3, feature_weight=[1, 0, 2, np.inf], **STRICT),
    "all alike": MEAN(np.inf, **STRICT),
    "group lasso": GROUP(0.03, **STRICT),
    "group lasso, no slopes for one": GROUP(0.03, feature_weight=[1, 0, 2, np.inf], **STRICT),
    "sparse, mean": GROUP(0.03, l1_ratio=0.5, shared_mean=True, **STRICT),
    "linf": GROUP(0.03, norm="linf", alpha_intercept=0, **STRICT),
    "trace norm": mtlearn.TraceNormClassifier(0.03, **STRICT),
    "robust": mtlearn.RobustTasksClassifier(0.03, **STRICT),
    "dirty": mtlearn.DirtyClassifier(0.03, **STRICT),
    "clusters": mtlearn.ClusteredTasksClassifier(0.03, **STRICT),
    "relations": mtlearn.TaskRelationshipsClassifier(0.03, **STRICT),
    "graph": mtlearn.GraphTasksClassifier(0.03, alpha_intercept=0.1, **STRICT),
}
APART = {"n_iter_", "dual_gap_"}


def rows(n=420, T=6, seed=0):
    """X, scores with logistic noise and task of rows; tasks are of very different size."""
    rng = np.random.default_rng(seed)
    task = np.minimum(rng.geometric(0.3, n) - 1, T - 1)
    X = rng.normal(size=(n, 4)) * [1.0, 0.5, 2.0, 1.0] + [0.0, 3.0, 0.0, -1.0]
    W = [1.0, 0.0, -0.5, 0.5] + 0.4 * rng.normal(size=(T, 4))
    return X, np.sum(X * W[task], axis=1) + rng.logistic(size=n), np.array(list("fedcba"))[task]


def cut(*columns, size=110):
    """Chunks of so many rows; None is a part that is not there."""
    n = len(columns[0])
    return [
        tuple(None if part is None else part[start : start + size] for part in columns)
        for start in range(0, n, size)
    ]


def assert_same(found, expected, tol=1e-6):
    """All fitted attributes are the same, coefficients to what the gaps leave of them."""
    names = {name for name in vars(expected) if name.endswith("_")} - APART
    assert names == {name for name in vars(found) if name.endswith("_")} - APART
    for name in sorted(names):
        ours, theirs = (as_array(getattr(one, name)) for one in (found, expected))
        assert ours.shape == theirs.shape, name
        if theirs.dtype.kind == "f":
            np.testing.assert_allclose(ours, theirs, rtol=tol, atol=tol, err_msg=name)
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=name)
    assert 0 <= found.dual_gap_ <= found.tol
