"""Strengths of levels and slopes in logistic models, from the likelihood of a part of the rows.

What is estimated is one variance of the levels and one of all slopes ("common"), under Laplace's
approximation. Both are means over tasks: T of them know a variance to a relative error of √(2/T)
at best (of the slopes √(2/(T d))), so 30 to 50 tasks are enough where a pass over all rows is dear:
a strength that is off by a quarter predicts as well. Rows of a task are dearer to leave out, as
Laplace's approximation needs several for each coefficient; beyond a dozen for each they add little.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from mtlearn.inputs.feature_weight import FeatureWeights
from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.moments import Moments
from mtlearn.selection.likelihood.label_rows import LabelRows
from mtlearn.selection.likelihood.laplace import LaplaceModel
from mtlearn.selection.likelihood.products import CrossProducts, center_of
from mtlearn.selection.likelihood.small_columns import NO_SLOPE
from mtlearn.selection.likelihood.variances import common_groups, fit_variances

PRODUCTS = 8_000_000  # of numbers, that a look at the part may take
ROWS_EACH = 12  # for each coefficient of a task, before tasks are left out
TASKS = 30  # that are looked at in any case
TOL = 0.03  # scaled gradient: -2 log likelihood to three digits
STEPS = 30
CLOSE = 0.01  # change of a score to a mode, whose next one would be 1e-4
SMALL = 1_000_000  # products, up to which equal problems get equal strengths:
SMALL_TOL, SMALL_STEPS, SMALL_CLOSE = 1e-9, 200, 1e-6
SEPARABLE = 1e-3  # ridge in columns of unit variance, where a flat shared model has no best value


@dataclass(frozen=True)
class Strengths:
    """(T/N) σ²/τ² (σ² = 1 of classes), N the sum of the weights: ``inf`` where τ² is zero.

    Attributes
    ----------
    alpha : float or None
        Of slopes, in the units of X; None where these were not looked at.
    alpha_intercept : float
        Of levels.
    """

    alpha: float | None
    alpha_intercept: float

    def of_contrasts(self, n_classes: int | None) -> Strengths:
        """Those of scores that are one choice, from classes each against the rest; None: the same.

        What tells a class from the rest at even odds is its score less the mean of the others. If
        scores vary by τ² that varies by τ² K / (K - 1), which the strengths have to undo.
        """
        if n_classes is None:
            return self
        more = n_classes / (n_classes - 1)
        alpha = None if self.alpha is None else self.alpha * more
        return Strengths(alpha, self.alpha_intercept * more)


def logistic_strengths(
    data: TaskData, alpha_mean: float, weights: FeatureWeights | None = None
) -> Strengths:
    """Strengths of a mean-regularised logistic model, as its two variances say.

    Parameters
    ----------
    data : TaskData
        Labelled rows as ``encode`` returns them: targets in [0, 1], (n,) or (n, K) for K > 2
        classes, and weights as ``as_repetitions`` makes them. Tasks may be empty.
    alpha_mean : float
        Ridge on the shared slopes, w_0 ~ N(0, I/(alpha_mean N)); ``inf`` is w_0 = 0.
    weights : FeatureWeights, default=None
        What the columns of the data were divided by; none is 0.

    Returns
    -------
    Strengths
        Of all rows, from the variances of a part of them; of K classes the mean variances.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.inputs.tasks import TaskData
    >>> rng = np.random.default_rng(0)
    >>> task = np.repeat(np.arange(300), 20)
    >>> X, level = rng.standard_normal((6000, 2)), 0.8 * rng.standard_normal(300)
    >>> y = (rng.random(6000) < 1 / (1 + np.exp(-X[:, 0] - level[task]))).astype(float)
    >>> data = TaskData(X, y, None, task, np.arange(300), "labels")
    >>> strengths = logistic_strengths(data, alpha_mean=1e-3)
    >>> bool(abs(300 / 6000 / strengths.alpha_intercept - 0.8**2) < 0.15)
    True
    """
    totals = data.totals()
    N, T = float(totals.sum()), int(np.count_nonzero(totals))
    return strengths_of_part(_part(data), alpha_mean * N, T / N, weights)


def strengths_of_part(
    part: TaskData, ridge: float, per_noise: float, weights: FeatureWeights | None = None
) -> Strengths:
    """The same from rows that are looked at, whatever has picked them.

    Parameters
    ----------
    part : TaskData
        Rows of tasks that all have some.
    ridge : float
        N alpha_mean of all rows.
    per_noise : float
        T/N of all rows.
    weights : FeatureWeights, default=None
        What the columns were divided by; none is 0.
    """
    mean_unit, fixed = None, np.zeros(part.X.shape[1], dtype=bool)
    if weights is not None:
        fixed = np.isinf(weights.weight)
        unit = np.where(fixed, NO_SLOPE, 1.0)
        part, mean_unit = replace(part, X=part.X * unit), weights.mean_unit * unit
    several = part.y.ndim == 2
    found = np.zeros(2)
    rows: LabelRows | None = None
    K = part.y.shape[1] if several else 1
    for k in range(K):
        own = replace(part, y=np.ascontiguousarray(part.y[:, k])) if several else part
        if own.y.min() == own.y.max():
            continue
        variances, rows = _variances(own, ridge, rows, mean_unit, fixed)
        found += variances / K
    with np.errstate(divide="ignore"):
        slopes, levels = per_noise / found
    return Strengths(float(slopes), float(levels))


def _variances(
    data: TaskData,
    ridge: float,
    rows: LabelRows | None,
    mean_unit: np.ndarray | None,
    fixed: np.ndarray,
) -> tuple[np.ndarray, LabelRows]:
    """Of slopes and levels, under a ridge N alpha_mean; of levels alone where slopes are fixed."""
    moments = Moments.of_data(data)
    products = CrossProducts.of(moments, "pooled")
    center = center_of(moments)

    def placed(scale: np.ndarray) -> LabelRows:
        if rows is not None:
            return rows.of_targets(data)
        return LabelRows.of(data, center, scale, "pooled")

    alpha = ridge / products.size
    p = data.X.shape[1] + 1
    small = float(data.totals().sum()) * p**2 + len(data.tasks) * p**3 <= SMALL
    close = SMALL_CLOSE if small else CLOSE
    # Weights that are whole, but for those of classes, repeat rows; others nearly do.
    common: dict[str, Any] = {"restricted": True, "repeat": True, "close": close}
    unit = None if mean_unit is None else np.r_[1.0, mean_unit]
    model = LaplaceModel(products, placed, alpha_mean=alpha, mean_unit=unit, **common)
    if model.separates:
        common |= {"alpha_mean": SEPARABLE, "of_unit_columns": True}
        model = LaplaceModel(products, placed, **common)
    tol, most = (SMALL_TOL, SMALL_STEPS) if small else (TOL, STEPS)
    groups, scale = common_groups(model), model.scale
    if fixed[np.isfinite(scale[1:])].all():
        groups = groups[:, groups[0] > 0]
    fit = fit_variances(model, groups, tol=tol, max_iter=most)
    theta = np.diag(fit.Theta)
    slopes = theta[1:][np.isfinite(scale[1:])] / scale[1:][np.isfinite(scale[1:])] ** 2
    return np.array([slopes.max(initial=0.0), theta[0]]), model.rows


def looked_at(sizes: np.ndarray, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Which tasks are looked at, of so many labels (T,), and which of their labels; p = d + 1.

    These are places among all labels, task after task. They are even over each task, and so are
    tasks where not all are looked at: where labels lie decides, and nothing that chunks of rows or
    the machines that have them would see differently.
    """
    present = np.flatnonzero(sizes)
    usual = min(float(sizes[present].mean()), ROWS_EACH * p)
    most = max(TASKS, int(PRODUCTS / (usual * p**2 + 3 * p**3)))
    if len(present) > most:
        present = present[np.linspace(0, len(present) - 1, most).astype(np.intp)]
    each = max(ROWS_EACH * p, int(PRODUCTS / len(present) / p**2) - 3 * p)
    if sizes[present].max() <= each and len(present) == np.count_nonzero(sizes):
        return present, np.arange(sizes.sum())
    starts = np.cumsum(sizes) - sizes
    places = [
        starts[t] + np.linspace(0, sizes[t] - 1, min(sizes[t], each)).astype(np.intp)
        for t in present
    ]
    return present, np.concatenate(places)


def _part(data: TaskData) -> TaskData:
    """Rows evenly over each task, of all tasks or evenly some of them, that have any."""
    sizes = np.bincount(data.codes, minlength=len(data.tasks))
    present, places = looked_at(sizes, data.X.shape[1] + 1)
    some = data.take(np.argsort(data.codes, kind="stable")[places])
    if sparse.issparse(some.X):  # few rows of few columns
        some = replace(some, X=some.X.toarray())
    return some.of_tasks(np.isin(np.arange(len(data.tasks)), present))
