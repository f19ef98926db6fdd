"""Small random multi-task problems in every way that tasks come in, with their entries."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .reference import Entries, Model, Point

WAYS = ["columns", "holes", "array", "frame", "beside"]
# Ways times weights; a weight per label exists for several targets only.
CASES = [(way, weights) for way in WAYS for weights in (None, "rows")]
CASES += [("columns", "labels"), ("holes", "labels")]


@dataclass(frozen=True)
class Problem:
    """What a user would pass (X, y, parameters) and the same thing as Entries."""

    X: object
    y: object
    entries: Entries
    labels: list | None = None  # entries' task k is this label; None where tasks are columns of y
    init: dict = field(default_factory=dict)  # task_column, task_weight
    extra: dict = field(default_factory=dict)  # sample_weight, task

    def fit(self, Estimator, **parameters):
        return Estimator(**self.init, **parameters).fit(self.X, self.y, **self.extra)

    def point(self, fitted, b0=None):
        """The fitted parameters with tasks in the order of the entries."""
        W, b = np.atleast_2d(fitted.coef_), np.atleast_1d(fitted.intercept_)
        if self.labels is not None:
            where = {label: k for k, label in enumerate(list(fitted.tasks_))}
            order = [where[label] for label in self.labels]
            W, b = W[order], b[order]
        w0 = getattr(fitted, "mean_coef_", None)
        w0 = np.zeros(W.shape[1]) if w0 is None else w0
        return Point(W, b, w0, float(np.mean(b)) if b0 is None else b0)

    def model(self, family, fitted):
        """The Model that `fitted` says it minimised (alpha_intercept_ as it resolved it)."""
        p = fitted.get_params()
        return Model(
            family,
            getattr(fitted, "alpha_", p.get("alpha")),
            p["alpha_mean"],
            fitted.alpha_intercept_ if p["fit_intercept"] else 0.0,
            p["fit_intercept"],
            p.get("shared_mean", family == "mean"),
        )


def coefficients(rng, n_tasks, d):
    """A shared model plus deviations, in half the features only; own intercepts."""
    W = rng.normal(size=d) * (rng.random(d) < 0.7) + 0.5 * rng.normal(size=(n_tasks, d)) * (
        rng.random(d) < 0.5
    )
    return W, 1.0 + rng.normal(size=n_tasks)


def make(seed, way, *, weights=None, task_weight=None, n_tasks=4, d=5, rows=(3, 18)):
    """A random problem. weights: None, "rows" or "labels"; task_weight: None, "balanced",
    "array" or "dict". Task sizes are unequal except where every target is observed."""
    rng = np.random.default_rng(seed)
    W, b = coefficients(rng, n_tasks, d)
    if way in ("columns", "holes"):
        n = rows[1]
        X = rng.normal(size=(n, d)) + rng.normal(size=d)
        Y = X @ W.T + b + 0.5 * rng.normal(size=(n, n_tasks))
        if way == "holes":  # column k keeps fewer labels than column k - 1
            for k in range(n_tasks):
                lost = rng.choice(n, size=(k + 1) * (n - rows[0]) // n_tasks, replace=False)
                Y[lost, k] = np.nan
        S, extra = np.ones(Y.shape), {}
        if weights is not None:
            s = rng.gamma(2.0, size=n if weights == "rows" else Y.shape)
            S = np.broadcast_to(s[:, None] if s.ndim == 1 else s, Y.shape)
            extra = {"sample_weight": s}
        row, task = np.nonzero(~np.isnan(Y))
        y, labels, init = Y, None, {}
        parts = X[row], Y[row, task], task, S[row, task]
    else:
        sizes = rng.integers(rows[0], rows[1], size=n_tasks, endpoint=True)
        sizes[:2] = rows
        task = rng.permutation(np.repeat(np.arange(n_tasks), sizes))
        Z = rng.normal(size=(len(task), d)) + rng.normal(size=(n_tasks, d))[task]
        y = np.sum(Z * W[task], axis=1) + b[task] + 0.5 * rng.normal(size=len(task))
        s = np.ones(len(task)) if weights is None else rng.gamma(2.0, size=len(task))
        extra = {} if weights is None else {"sample_weight": s}
        labels = [f"school {k}" for k in rng.permutation(n_tasks)]
        if way == "array":
            labels = [int(k) for k in 3 + 7 * rng.permutation(n_tasks)]
        names = np.array(labels)[task]
        X, init = Z, {}
        if way == "array":
            X, init = np.insert(Z, 2, names, axis=1), {"task_column": 2}
        elif way == "frame":
            X = pd.DataFrame(Z, columns=[f"x{j}" for j in range(d)])
            X.insert(1, "school", names)
            init = {"task_column": "school"}
        else:
            extra["task"] = names
        parts = Z, y, task, s
    omega = np.ones(n_tasks)
    if task_weight == "balanced":
        per_task = np.bincount(parts[2], weights=parts[3], minlength=n_tasks)
        omega = parts[3].sum() / (n_tasks * per_task)
        init["task_weight"] = "balanced"
    elif task_weight is not None:
        omega = rng.uniform(0.3, 3.0, size=n_tasks)
        by_label = dict(zip(range(n_tasks) if labels is None else labels, omega, strict=True))
        in_order = np.array([by_label[label] for label in sorted(by_label)])
        init["task_weight"] = by_label if task_weight == "dict" else in_order
    return Problem(X, y, Entries(*parts, omega), labels, init, extra)


def stacked(X, y, task, *, weight=None, task_weight=None, **extra):
    """A Problem from labelled rows, the label given beside X."""
    labels, index = np.unique(np.asarray(task), return_inverse=True)
    weight_ = np.ones(len(index)) if weight is None else np.asarray(weight, dtype=float)
    omega = np.ones(len(labels)) if task_weight is None else np.asarray(task_weight)
    entries = Entries(
        np.asarray(X, dtype=float), np.asarray(y, dtype=float), index.ravel(), weight_, omega
    )
    extra = {"task": task, **extra}
    if weight is not None:
        extra["sample_weight"] = weight
    init = {} if task_weight is None else {"task_weight": task_weight}
    return Problem(X, y, entries, labels.tolist(), init, extra)
