"""Data for the tests of the comparison: tasks around a common model, targets, classes."""

import numpy as np
import pandas as pd


def school_data(n_tasks=12, rows=25, seed=0, spread=1.0, noise=1.0):
    """Tasks whose slopes scatter around a common one; a category, holes, string labels."""
    rng = np.random.default_rng(seed)
    n = n_tasks * rows
    task = np.repeat(np.arange(n_tasks), rows)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    slopes = np.array([1.0, -1.0, 0.5]) + spread * rng.normal(size=(n_tasks, 3))
    y = (X.to_numpy() * slopes[task]).sum(axis=1) + noise * rng.normal(size=n)
    X["kind"] = rng.choice(["u", "v"], n)
    X.loc[::17, "a"] = np.nan
    X["school"] = [f"s{t:02d}" for t in task]
    return X, pd.Series(y, name="grade")


def target_matrix(seed=0, n=90):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    W = rng.normal(size=(4, 1)) + 0.3 * rng.normal(size=(4, 5))
    Y = X @ W + rng.normal(size=(n, 5))
    Y[rng.random((n, 5)) < 0.3] = np.nan
    return X, pd.DataFrame(Y, columns=list("vwxyz"))


def class_data(n_tasks=10, rows=30, n_classes=2, seed=0, common=1.0):
    """Rows of few classes labelled by school; the classes are text."""
    rng = np.random.default_rng(seed)
    n = n_tasks * rows
    task = np.repeat(np.arange(n_tasks), rows)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    slopes = common * rng.normal(size=(3, n_classes)) + 0.5 * rng.normal(
        size=(n_tasks, 3, n_classes)
    )
    scores = np.einsum("nj,njk->nk", X.to_numpy(), slopes[task]) + rng.gumbel(size=(n, n_classes))
    X["school"] = [f"s{t:02d}" for t in task]
    names = np.array(["no", "yes"] if n_classes == 2 else ["low", "mid", "top", "very"][:n_classes])
    return X, pd.Series(names[scores.argmax(axis=1)], name="passed")
