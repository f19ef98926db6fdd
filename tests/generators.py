"""Small random multi-task problems in every way that tasks come in, with their entries."""

import warnings
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from sklearn.base import is_classifier

from .penalties.truths import truth_of_fitted
from .reference import SOFTMAX, Entries, Model, Point, targets

WAYS = ["columns", "holes", "array", "frame", "beside"]
# Ways times weights; a weight per label exists for several targets only.
CASES = [(way, weights) for way in WAYS for weights in (None, "rows")]
CASES += [("columns", "labels"), ("holes", "labels")]
CLASS_WAYS = {  # the labels of each way in for classifiers, in the order of classes_
    "text columns": ["no", "yes"],  # 2-D, None where not observed
    "number columns": [-1.0, 1.0],  # 2-D, NaN where not observed
    "bool columns": [False, True],  # 2-D, complete
    "two by task": ["dead", "lived"],  # labels of the task beside X
    "three by task": [2, 5, 9],  # labels of the task in a column of a frame
    "two": [0, 1],  # one target, no tasks
    "three": ["a", "b", "c"],
}


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
        return self._call("fit", Estimator, parameters)

    def alpha_max(self, Estimator, **parameters):
        return self._call("alpha_max", Estimator, parameters)

    def _call(self, method, Estimator, parameters):
        estimator = Estimator(**self.init, **parameters)
        with warnings.catch_warnings():
            if self.one_class:
                warnings.filterwarnings("ignore", message=".*one class")
            return getattr(estimator, method)(self.X, self.y, **self.extra)

    @property
    def one_class(self):
        """Whether some column of coefficients has seen one class only (of a classifier)."""
        return any(len(np.unique(self.entries.y[own])) == 1 for own in self.columns())

    def columns(self):
        """The entries of every column of coefficients."""
        return (self.entries.column == c for c in range(self.entries.n_columns))

    def as_sparse(self, form):
        """The same problem with X in that form; not for labels in a column of X."""
        return replace(self, X=form(self.X))

    def in_order(self, values, fitted):
        """Something that `fitted` has for every column of coefficients, in the entries' order."""
        e = self.entries
        values = np.reshape(values, (e.n_tasks, e.n_classes, -1))
        if self.labels is not None:
            where = {label: k for k, label in enumerate(list(fitted.tasks_))}
            values = values[[where[label] for label in self.labels]]
        return values.reshape(e.n_columns, -1)

    def point(self, fitted, b0=None):
        """The fitted parameters with tasks in the order of the entries."""
        e = self.entries
        W, b = self.in_order(fitted.coef_, fitted), self.in_order(fitted.intercept_, fitted)[:, 0]
        d = W.shape[1]
        w0 = getattr(fitted, "mean_coef_", None)
        w0 = np.zeros((e.n_classes, d)) if w0 is None else np.reshape(w0, (e.n_classes, d))
        if b0 is None:  # l_0 is the mean of the levels
            b0 = e.sum_by_class(b + W @ e.center) / e.n_tasks - w0 @ e.center
        b0 = np.atleast_1d(b0)
        return Point(W, b, w0[0], float(b0[0])) if e.n_classes == 1 else Point(W, b, w0, b0)

    def model(self, fitted):
        """The Model that `fitted` says it minimised (alpha_intercept_ as it resolved it)."""
        p = fitted.get_params()
        return Model(
            truth_of_fitted(fitted),
            getattr(fitted, "alpha_", p.get("alpha")),
            p.get("alpha_mean", 0.0),
            fitted.alpha_intercept_ if p["fit_intercept"] else 0.0,
            p["fit_intercept"],
            p.get("shared_mean", "alpha_mean" in p),
            _loss_of(fitted, self.entries) if is_classifier(fitted) else "squared",
        )


def _loss_of(classifier, entries):
    joint = entries.n_classes > 1 and getattr(classifier, "loss", "logistic") == "multinomial"
    return SOFTMAX if joint else "logistic"


def coefficients(rng, n_tasks, d):
    """A shared model plus deviations, in half the features only; own intercepts."""
    W = rng.normal(size=d) * (rng.random(d) < 0.7) + 0.5 * rng.normal(size=(n_tasks, d)) * (
        rng.random(d) < 0.5
    )
    return W, 1.0 + rng.normal(size=n_tasks)


def make(seed, way, *, weights=None, task_weight=None, n_tasks=4, d=5, rows=(3, 18), zeros=0.0):
    """A random problem in one of the WAYS, or "one": a single target without tasks.

    weights: None, "rows" or "labels"; task_weight: None, "balanced", "array" or "dict"; features
    smaller than `zeros` are 0. Task sizes are unequal except where every target is observed.
    """
    rng = np.random.default_rng(seed)
    W, b = coefficients(rng, n_tasks, d)
    if way in ("columns", "holes"):
        n = rows[1]
        X = without_small(rng.normal(size=(n, d)) + rng.normal(size=d), zeros)
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
        parts = X[row], Y[row, task], task, of_mean_one(S[row, task])
    else:
        n_tasks = 1 if way == "one" else n_tasks
        sizes = rng.integers(rows[0], rows[1], size=n_tasks, endpoint=True)
        sizes[:2] = rows if n_tasks > 1 else rows[1]
        task = rng.permutation(np.repeat(np.arange(n_tasks), sizes))
        Z = rng.normal(size=(len(task), d)) + rng.normal(size=(n_tasks, d))[task]
        Z = without_small(Z, zeros)
        y = np.sum(Z * W[task], axis=1) + b[task] + 0.5 * rng.normal(size=len(task))
        s = np.ones(len(task)) if weights is None else rng.gamma(2.0, size=len(task))
        extra = {} if weights is None else {"sample_weight": s}
        labels = [f"school {k}" for k in rng.permutation(n_tasks)]
        if way == "array":
            labels = [int(k) for k in 3 + 7 * rng.permutation(n_tasks)]
        names = np.array(labels)[task]
        X, init = Z, {}
        if way == "array":
            X, init = np.insert(Z, min(2, d), names, axis=1), {"task_column": min(2, d)}
        elif way == "frame":
            X = pd.DataFrame(Z, columns=[f"x{j}" for j in range(d)])
            X.insert(1, "school", names)
            init = {"task_column": "school"}
        elif way == "beside":
            extra["task"] = names
        else:
            labels = None
        parts = Z, y, task, of_mean_one(s)
    omega, asked = _task_weights(rng, task_weight, parts[2], parts[3], labels, n_tasks)
    return Problem(X, y, Entries(*parts, omega), labels, init | asked, extra)


def of_mean_one(weight):
    """What weights that are no whole numbers mean: their ratios."""
    return weight / weight.mean()


def without_small(X, threshold):
    return np.where(np.abs(X) < threshold, 0.0, X)


def _task_weights(rng, task_weight, task, weight, labels, n_tasks):
    """omega and the parameter that asks for it."""
    if task_weight is None:
        return np.ones(n_tasks), {}
    if task_weight == "balanced":
        per_task = np.bincount(task, weights=weight, minlength=n_tasks)
        return weight.sum() / (n_tasks * per_task), {"task_weight": "balanced"}
    omega = rng.uniform(0.3, 3.0, size=n_tasks)
    by_label = dict(zip(range(n_tasks) if labels is None else labels, omega, strict=True))
    in_order = np.array([by_label[label] for label in sorted(by_label)])
    return omega, {"task_weight": by_label if task_weight == "dict" else in_order}


def make_classes(
    seed,
    way,
    *,
    weights=None,
    task_weight=None,
    class_weight=None,
    one_class=False,
    n_tasks=4,
    d=5,
    rows=(4, 18),
    zeros=0.0,
):
    """A random problem for classifiers in one of the CLASS_WAYS.

    weights and task_weight as in `make`; class_weight: None, "balanced" or "dict". `one_class`:
    the first task has seen one class only. The labels are noisy, so that no plane separates.
    """
    rng = np.random.default_rng(seed)
    names, in_columns = CLASS_WAYS[way], way.endswith("columns")
    K, single = len(names), way in ("two", "three")
    n_tasks = 1 if single else n_tasks
    if in_columns:
        n = rows[1]
        row, task = (index.ravel() for index in np.indices((n, n_tasks)))
        keep = np.ones(n * n_tasks, dtype=bool)
        if way != "bool columns":  # column k keeps fewer labels than column k - 1
            for k in range(n_tasks):
                lost = rng.choice(n, size=k * (n - rows[0]) // n_tasks, replace=False)
                keep[lost * n_tasks + k] = False
        row, task = row[keep], task[keep]
        table = without_small(rng.normal(size=(n, d)) + 0.3 * rng.normal(size=d), zeros)
        Z = table[row]
    else:
        sizes = rng.integers(rows[0], rows[1], size=n_tasks, endpoint=True)
        sizes[:2] = rows if n_tasks > 1 else rows[1]
        row = np.arange(sizes.sum())
        task = rng.permutation(np.repeat(np.arange(n_tasks), sizes))
        Z = rng.normal(size=(len(task), d)) + 0.3 * rng.normal(size=(n_tasks, d))[task]
        table = Z = without_small(Z, zeros)
    code = np.argmax(  # of a softmax model per task; every label has one chance in five of noise
        np.stack([np.sum(Z * w[task], axis=1) + b[task] for w, b in _models(rng, K, n_tasks, d)])
        + rng.gumbel(size=(K, len(task))),
        axis=0,
    )
    noise = rng.random(len(task)) < 0.2
    code[noise] = rng.integers(K, size=noise.sum())
    for where, k in _every_class(rng, task, K):
        code[where] = k
    if one_class:
        code[task == 0] = 0
    s, extra = np.ones(len(task)), {}
    if weights == "labels":
        given = rng.gamma(2.0, size=(len(table), n_tasks))
        s, extra = given[row, task], {"sample_weight": given}
    elif weights == "rows":
        given = rng.gamma(2.0, size=len(table))
        s, extra = given[row], {"sample_weight": given}
    init, s = {}, of_mean_one(s)
    if class_weight is not None:
        factor, init["class_weight"] = _class_weights(rng, class_weight, task, code, s, names)
        s = of_mean_one(s * factor)
    labels = None
    label = np.array(names, dtype=object if isinstance(names[0], str) else None)[code]
    X, y = table, label
    if in_columns:
        hole = {"text columns": None, "number columns": np.nan, "bool columns": False}[way]
        y = np.full((len(table), n_tasks), hole, dtype=label.dtype)
        y[row, task] = label
    elif way == "two by task":
        labels = [f"school {k}" for k in rng.permutation(n_tasks)]
        extra["task"] = np.array(labels)[task]
    elif way == "three by task":
        labels = [int(k) for k in 3 + 7 * rng.permutation(n_tasks)]
        X = pd.DataFrame(Z, columns=[f"x{j}" for j in range(d)])
        X.insert(1, "school", np.array(labels)[task])
        init["task_column"] = "school"
    omega, asked = _task_weights(rng, task_weight, task, s, labels, n_tasks)
    if K == 2:
        entries = Entries(Z, code.astype(float), task, s, omega)
    else:
        kind = np.tile(np.arange(K), len(task))
        code, task, s = np.repeat(code, K), np.repeat(task, K), np.repeat(s, K)
        entries = Entries(
            np.repeat(Z, K, axis=0), (code == kind).astype(float), task, s, omega, kind, K
        )
    return Problem(X, y, entries, labels, init | asked, extra)


def _models(rng, K, n_tasks, d):
    for _ in range(K):
        W, b = coefficients(rng, n_tasks, d)
        yield W, 0.5 * (b - 1.0)


def _every_class(rng, task, K):
    """One row of every class in each task that has as many rows."""
    for t in np.unique(task):
        own = np.flatnonzero(task == t)
        if len(own) >= K:
            yield from zip(rng.choice(own, size=K, replace=False), range(K), strict=True)


def _class_weights(rng, class_weight, task, code, s, names):
    """The factor of every label and the parameter that asks for it."""
    if class_weight == "dict":
        given = rng.uniform(0.5, 2.0, size=len(names))
        return given[code], dict(zip(names, given.tolist(), strict=True))
    factor = np.ones(len(code))
    for t in np.unique(task):  # the classes of a task share its weight evenly
        own = task == t
        present = np.unique(code[own])
        for k in present:
            these = own & (code == k)
            factor[these] = s[own].sum() / (len(present) * s[these].sum())
    return factor, "balanced"


def separable(entries, model):
    """Whether the part that nothing holds back (w_0 at alpha_mean = 0, intercepts) separates.

    Then the logistic loss has no minimiser. A linear program looks for a direction in which no
    score gets worse and some get better.
    """
    q = targets(entries, model)
    parts = []
    if model.shared_mean and model.alpha_mean == 0:
        own = np.eye(entries.n_classes)[entries.group[entries.column]]
        parts.append((own[:, :, None] * entries.X[:, None, :]).reshape(len(q), -1))
    if model.free_intercepts:
        parts.append(np.eye(entries.n_columns)[entries.column])
    elif model.fit_intercept:
        parts.append(np.eye(entries.n_classes)[entries.group[entries.column]])
    if not parts:
        return False
    margins = np.hstack(parts) * np.sign(q - 0.5)[:, None]
    hard = (q == 0) | (q == 1)
    found = linprog(
        -margins[hard].sum(axis=0),
        A_ub=np.vstack([-margins[hard], margins[hard]]),
        b_ub=np.repeat([0.0, 1.0], hard.sum()),
        A_eq=margins[~hard] if (~hard).any() else None,
        b_eq=np.zeros((~hard).sum()) if (~hard).any() else None,
        bounds=(None, None),
    )
    return found.status != 0 or found.fun < -1e-7


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
