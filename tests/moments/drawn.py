"""Rows of many tasks, cut into chunks in several ways, and every regressor."""

import numpy as np

import mtlearn

from ..checks import as_array

STRICT = {"tol": 1e-10}
MODELS = {
    "mean": mtlearn.MeanRegularizedRegressor(0.3, **STRICT),
    "mean, strengths estimated": mtlearn.MeanRegularizedRegressor("auto", **STRICT),
    "mean, free levels, by task": mtlearn.MeanRegularizedRegressor(
        0.3, alpha_intercept=0, task_weight="balanced", **STRICT
    ),
    "mean, no intercepts": mtlearn.MeanRegularizedRegressor(0.3, fit_intercept=False, **STRICT),
    "mean, weights of features": mtlearn.MeanRegularizedRegressor(
        0.3, feature_weight=[1, 0, 2, np.inf], **STRICT
    ),
    "group lasso": mtlearn.GroupLassoRegressor(0.1, **STRICT),
    "group lasso, no slopes for one": mtlearn.GroupLassoRegressor(
        0.1, feature_weight=[1, 0, 2, np.inf], **STRICT
    ),
    "group lasso, mean": mtlearn.GroupLassoRegressor(0.1, shared_mean=True, **STRICT),
    "linf": mtlearn.GroupLassoRegressor(0.1, norm="linf", **STRICT),
    "trace norm": mtlearn.TraceNormRegressor(0.1, **STRICT),
    "dirty": mtlearn.DirtyRegressor(0.05, **STRICT),
    "graph": mtlearn.GraphTasksRegressor(0.3, **STRICT),
    "clusters": mtlearn.ClusteredTasksRegressor(0.3, n_clusters=3, **STRICT),
    "relations": mtlearn.TaskRelationshipsRegressor(0.3, **STRICT),
    "subspace": mtlearn.SharedSubspaceRegressor(0.3, **STRICT),
    "random slopes": mtlearn.RandomSlopesRegressor(tol=1e-8),
    "random slopes, full": mtlearn.RandomSlopesRegressor(covariance="full", tol=1e-8),
}
SEARCHES = {
    "mean": mtlearn.MeanRegularizedRegressorCV(12, **STRICT),
    "graph": mtlearn.GraphTasksRegressorCV(5, alpha_intercept=0.2, **STRICT),
    "group lasso": mtlearn.GroupLassoRegressorCV(12, selection="1se", **STRICT),
    "trace norm": mtlearn.TraceNormRegressorCV(12, **STRICT),
    "clusters": mtlearn.ClusteredTasksRegressorCV(
        4, n_clusters=[1, 2], alpha_intercept=0.2, **STRICT
    ),
    "relations": mtlearn.TaskRelationshipsRegressorCV(5, alpha_intercept=0.2, **STRICT),
    "subspace": mtlearn.SharedSubspaceRegressorCV(4, rank=[1, 2], alpha_intercept=0.2, **STRICT),
    "dirty": mtlearn.DirtyRegressorCV(8, specific_ratio=[0.6, 0.8], **STRICT),
}


def rows(n=400, d=4, T=9, seed=0):
    """X, y and task of rows; tasks are of very different size."""
    rng = np.random.default_rng(seed)
    task = np.minimum(rng.geometric(0.3, n), T) * 3
    X = rng.normal(size=(n, d)) + [0, 3, -1, 0][:d]
    W = rng.normal(size=d) + 0.4 * rng.normal(size=(3 * T + 1, d))
    return X, np.sum(X * W[task], axis=1) + 0.1 * task + rng.normal(size=n), task


def cut(n, how, seed=1):
    """Rows of each chunk, for n rows."""
    if how == "one":
        return [np.arange(n)]
    if how == "rows":
        return [np.array([i]) for i in range(n)]
    order = np.arange(n) if how == "in order" else np.random.default_rng(seed).permutation(n)
    return np.array_split(order, 7)


def chunks(*arrays, how="in order"):
    """Tuples of parts of the arrays."""
    return [tuple(a[at] for a in arrays) for at in cut(len(arrays[0]), how)]


def assert_same(found, expected, rtol=1e-7):
    """All fitted numbers of two models."""
    names = {name for name in vars(expected) if name.endswith("_") and name[0] != "_"}
    assert names == {name for name in vars(found) if name.endswith("_") and name[0] != "_"}
    rounding = {"n_iter_", "dual_gap_", "stationarity_", "gradient_norm_"}
    for name in names - rounding - {"feature_names_in_"}:
        a, b = as_array(getattr(found, name)), as_array(getattr(expected, name))
        if b.dtype.kind not in "fiub":
            np.testing.assert_array_equal(a, b, err_msg=name)
            continue
        size = np.abs(np.where(np.isfinite(b), b, 0.0)).max(initial=0.0)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * size, err_msg=name)
