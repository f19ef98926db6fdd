"""Tasks that come later: added to a fitted model, what all tasks share held as it is."""

from __future__ import annotations

import warnings
from copy import copy
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from mtlearn.adapting.grown import Growth, grown
from mtlearn.adapting.own_column import own_column
from mtlearn.adapting.posterior import posteriors
from mtlearn.adapting.shared_part import data_weights, shared_level, shared_part_of
from mtlearn.adapting.smoothed_column import OwnColumn, TaskRows
from mtlearn.estimators.family import Family
from mtlearn.estimators.fitting import Fitting
from mtlearn.estimators.linear import HELD, FittedLinear, loss_of_fit
from mtlearn.estimators.mixed_parameters import RandomSlopes
from mtlearn.estimators.mixed_targets import MixedTargets
from mtlearn.exceptions import counted, level_of_user, plain
from mtlearn.inputs.checks import check_flag
from mtlearn.inputs.counts import check_counts
from mtlearn.inputs.known_classes import encode_known
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.weights import as_repetitions, in_unit
from mtlearn.penalties.trace_norm import TraceNorm
from mtlearn.solvers.threads import blas_threads


def adapt(
    model: Any,
    X: Any,
    y: Any,
    task: Any = None,
    *,
    sample_weight: Any = None,
    replace: bool = False,
) -> Any:
    """A fitted model with tasks added, from their rows alone; what tasks share is held.

    A task t that the model does not have gets the deviations v and the level l_0 + u that are best
    for its own rows, given w_0, l_0 and the deviations V of the tasks of ``model``::

        minimise over v, u
          (T/N) omega_t sum_i s_ti loss(y_ti, l_0 + u + (x_ti - x̄)·(w_0 + v))
          + alpha (Omega([V, v]) - Omega([V, 0])) + (alpha_intercept / 2) u²

    with T/N (``data_scale_``), x̄ (``center_``), the unit of weights (``weight_unit_``) and all
    strengths those of the fit. For the mean-regularised models that is a ridge, whatever other
    tasks are. Under a norm a feature, or a direction, that other tasks use is charged less than one
    that they leave out. A dirty model's split of V is held too. A task beside others in a subspace
    is a mixture of their directions (``loadings_``), a ridge. One beside others in clusters joins
    the one whose mean m_c its rows fit best (``labels_``), and is pulled to that: charged
    (alpha / 2) ‖v - m_c‖² instead, so that a task of the fit is not led back to where it was by its
    own rows, as it is in every other family. Random slopes have the posterior given l_0, w_0 and
    Sigma: the best linear unbiased predictor of a mixed model; of another loss its mode.

    Parameters
    ----------
    model : estimator or Pipeline
        Fitted to rows labelled by task: a model of this library, of any family, or one that
        cross-validation chose; a pipeline that ends in one, whose other steps are held; or a
        finished search for one.
    X : array-like or data frame of shape (n, d)
        New rows, with the columns that ``fit`` had.
    y : array-like of shape (n,)
        Targets; rows without one (NaN) are left out.
    task : array-like of shape (n,), default=None
        Labels beside X, where ``fit`` had them.
    sample_weight : array-like of shape (n,), default=None
        On the scale of those of ``fit``: a row counts as weight / ``weight_unit_`` rows. None is a
        weight of 1 for each, as in ``fit``.
    replace : bool, default=False
        What rows of a task that the model has already are: all that there is of it, or (False)
        more of it. More rows are for random slopes alone, whose posterior is the prior then.

    Returns
    -------
    estimator or Pipeline
        A new one, of the kind of ``model``, which stays as it is. The coefficients of the tasks
        that have no rows in X are the same to the last bit. ``tasks_`` is sorted as after a fit,
        and attributes of tasks with it; ``dual_gap_`` is the largest of that of the fit and those
        of the problems solved here, each over its objective at v = 0.

    Raises
    ------
    ValueError
        For rows of a task that the model has already, without ``replace=True`` (other models than
        random slopes keep no rows); for a model of several targets over one X, or of one target
        without tasks; for a shared subspace of ``loss="multinomial"``; for ``loss="quantile"``
        under a norm; for classes that fit did not see; for labels that no type of numbers holds
        beside those of fit; for other estimators than models of this library.
    TypeError
        For labels that are text where those of fit are numbers, or the reverse.

    Warns
    -----
    ConvergenceWarning
        Where one of these gaps did not reach the model's ``tol``.

    See Also
    --------
    MeanRegularizedRegressor : ``warm_start=True`` fits again from the coefficients of the last fit.
    RandomSlopesRegressor : its variances are what a new task is expected to differ by.

    Notes
    -----
    Tasks of one call do not see each other: each is beside the tasks of ``model``. What tasks
    share learns nothing from them. With many tasks that is little; with few, fit the model again.
    A task alone says nothing of Sigma: variances stay.

    Rows of tasks that were never seen are answered by w_0 and l_0 as before; where a model has no
    ``mean_coef_``, by the average of all tasks, those added included.

    A new task weighs omega_t = 1, and N/(T N_t) under ``task_weight="balanced"``.

    The covariance of a new task's random slopes has that of w_0 in it, as after a fit. Of a known
    task posterior and new rows give what all of its rows give at these variances, w_0 not known:
    as Henderson's equations of all rows have it.

    References
    ----------
    Robinson (1991). That BLUP is a good thing. Statistical Science 6.

    Evgeniou and Pontil (2004). Regularized multi-task learning. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressor, adapt
    >>> rng = np.random.default_rng(0)
    >>> X, shop = rng.standard_normal((200, 2)), np.arange(200) % 20
    >>> y = X @ [1.0, 2.0] + np.sin(shop) + 0.1 * rng.standard_normal(200)
    >>> model = MeanRegularizedRegressor(alpha=0.1).fit(X, y, task=shop)
    >>> later = adapt(model, X[:5], y[:5] + 3.0, task=[20] * 5)
    >>> len(model.tasks_), len(later.tasks_)
    (20, 21)
    >>> later.predict([[0.0, 0.0]], task=[20]).round(1)
    array([3.2])
    """
    check_flag("replace", replace)
    if hasattr(model, "best_estimator_"):
        other = copy(model)
        other.best_estimator_ = adapt(
            model.best_estimator_, X, y, task, sample_weight=sample_weight, replace=replace
        )
        return other
    if isinstance(model, Pipeline):
        other = copy(model)
        inside = model[:-1].transform(X) if len(model) > 1 else X
        name, last = model.steps[-1]
        last = adapt(last, inside, y, task, sample_weight=sample_weight, replace=replace)
        other.steps = [*model.steps[:-1], (name, last)]
        return other
    _check_adaptable(model)
    numeric = not is_classifier(model)
    data = model._reader.more(model, X, y, sample_weight, task, numeric=numeric)
    if getattr(loss_of_fit(model), "loss", None) == "poisson":
        check_counts(data.y, "poisson")
    unit = getattr(model, "weight_unit_", None)  # models of earlier versions have none
    data = as_repetitions(data) if unit is None else in_unit(data, unit)
    if not numeric:
        alone = unit is None
        data = encode_known(data, model.class_weight, model.classes_, same_sum=alone)
    growth = Growth.of(model, data)
    with blas_threads(data):
        if isinstance(model, RandomSlopes):
            return _with_posteriors(model, data, growth, replace)
        return _with_columns(model, data, growth, replace)


def _check_adaptable(model: Any) -> None:
    if hasattr(model, "cv_results_"):
        raise ValueError(
            f"this {type(model).__name__} searched with refit=False and holds no fitted model. "
            "Search with refit=True, or adapt its estimator, fitted after "
            "set_params(**search.best_params_)."
        )
    if isinstance(model, MixedTargets):
        raise ValueError(
            "adapt adds tasks to models of rows labelled by task, and the tasks of MixedTargets "
            "are the columns of y. Fit it again with the new column of y."
        )
    if not isinstance(model, FittedLinear):
        raise ValueError(
            f"adapt holds what the tasks of a model share, and {type(model).__name__} is no model "
            "of this library that shares anything. Give one such as MeanRegularizedRegressor or "
            "RandomSlopesRegressor, fitted, or a pipeline that ends in one."
        )
    if isinstance(model, Family) and not model._takes_new_tasks:
        raise TypeError(
            f"adapt holds what tasks share, and the tasks of {type(model).__name__} share nothing "
            f"but {model._all_that_is_shared}"
        )
    check_is_fitted(model, "tasks_")
    if getattr(loss_of_fit(model), "_is_joint", False) and hasattr(model, "directions_"):
        K = len(vars(model)["classes_"])
        raise ValueError(
            "adapt finds by what a task mixes shared directions one class against the rest, and "
            f'loss="multinomial" of {K} classes is one choice among them. Fit again with all rows, '
            'or use loss="logistic".'
        )
    way = model._reader.way
    if way != "labels":
        has = (
            f"{counted(len(model.tasks_), 'target', 'targets')} over one X"
            if way == "columns"
            else "one target and no tasks"
        )
        again = "with the new column of y" if way == "columns" else "on rows labelled by task"
        raise ValueError(
            f"adapt adds tasks to models of rows labelled by task, and this one was fitted to {has}"
            f". Fit it again {again} (task= or task_column= says which row is of which task)."
        )
    lacking = next((n for n in ("center_", "data_scale_") if not hasattr(model, n)), None)
    if lacking is not None:
        raise ValueError(
            f"the model has no {lacking}, which adapt holds: it was fitted by an earlier version. "
            "Fit it again."
        )


def _with_posteriors(model: Any, data: TaskData, growth: Growth, anew: bool) -> Any:
    if not hasattr(model, "coef_covariance_"):
        raise ValueError(
            "adapt needs the coef_covariance_ of random slopes, which store_covariance=False "
            "leaves out. Fit with store_covariance=True."
        )
    if anew:
        places = np.full(len(growth.known), -1)
    else:
        places = growth.known
    found, gap = posteriors(model, data, places)
    counts = data.counts()
    found["task_counts_"] = counts + np.where(places >= 0, model.task_counts_[places], 0)
    return _finished(model, growth, found, {}, gap)


def _with_columns(model: Any, data: TaskData, growth: Growth, anew: bool) -> Any:
    assert isinstance(model, Fitting)
    again = growth.known[growth.known >= 0]
    if len(again) and not anew:
        raise ValueError(
            f"{counted(len(again), 'task is', 'tasks are')} in the model already (the first: "
            f"{plain(model.tasks_[again[0]])!r}), and {type(model).__name__} keeps no rows that "
            "new ones could be added to. Give all rows of such tasks, old and new, with "
            "replace=True; RandomSlopesRegressor takes new rows alone."
        )
    part, inside = shared_part_of(model, data)
    part, c = part.without(again), data_weights(model, data)
    Y = inside.y.reshape(len(inside.y), -1)
    columns = []
    by_size = getattr(model, "weight_by_size", False)
    each = zip(data.rows_by_task(), data.totals(), strict=True)
    for rows, total in each:  # of unlike numbers of rows, each a problem of its own
        X = inside.X[rows]
        X = (X.toarray() if sparse.issparse(X) else X).astype(np.float64)
        own = TaskRows(X - part.center, Y[rows], c[rows, None], part.offset(X))
        charged = part
        if by_size:
            charged = part.charging(float(np.sqrt(total * model.data_scale_)))
        columns.append(own_column(charged, own))
    found, whole = _attributes(model, part, columns)
    if hasattr(model, "outlier_tasks_"):
        split = hasattr(model, "shared_coef_")
        away = np.array([(c.v - c.shared if split else c.v).any() for c in columns])
        before = np.isin(model.tasks_, model.outlier_tasks_)
        whole["outlier_tasks_"] = growth.tasks[growth.merged(before, away)]
    if hasattr(model, "labels_"):
        found["labels_"] = np.array([column.label for column in columns])
    if hasattr(model, "loadings_"):  # directions are orthonormal
        loadings = growth.merged(model.loadings_, found["loadings_"])
        whole["singular_values_"] = np.linalg.svd(loadings, compute_uv=False)
    found["task_counts_"] = data.counts()
    return _finished(model, growth, found, whole, max(column.gap for column in columns))


def _attributes(model: Any, part: Any, columns: list[OwnColumn]) -> tuple[dict, dict]:
    """Those of tasks, (m, K, ...), and those of the whole model."""
    V = np.stack([column.v for column in columns])  # (m, d, K)
    coef = (V + part.mean).swapaxes(1, 2) * part.unit
    level = part.level + np.stack([column.level for column in columns])
    found: dict[str, Any] = {"coef_": coef, "intercept_": level - coef @ model.center_}
    if not model.fit_intercept:
        found["intercept_"] = np.zeros(level.shape)
    whole: dict[str, Any] = {HELD: shared_level(model)}
    if hasattr(model, "shared_coef_"):
        shared = np.stack([column.shared for column in columns])
        found["shared_coef_"] = shared.swapaxes(1, 2) * part.unit
        found["specific_coef_"] = (V - shared).swapaxes(1, 2) * part.unit
    if hasattr(model, "support_"):
        whole["support_"] = model.support_ | V.any(axis=(0, 2))
    if hasattr(model, "group_support_"):
        label = model.feature_groups_
        whole["group_support_"] = np.bincount(label, whole["support_"]) > 0
    if hasattr(model, "loadings_"):
        found["loadings_"] = np.stack([column.loadings for column in columns])
    elif hasattr(model, "singular_values_"):
        all_of_them = np.concatenate([part.V, V * part.charged[:, None]])
        both = all_of_them.swapaxes(0, 1).reshape(len(part.charged), -1)
        parts = TraceNorm(1.0).parts(both)
        whole |= {"rank_": parts["rank"], "singular_values_": parts["singular_values"]}
    return found, whole


def _finished(model: Any, growth: Growth, found: dict, whole: dict, gap: float) -> Any:
    if not gap <= model.tol:  # NaN is no proof
        warnings.warn(
            f"adapt stopped at a duality gap of {gap:.3g} for one of the tasks, above "
            f"tol={model.tol:g} of {type(model).__name__}. Set tol or max_iter of the model higher "
            "before, or fit again with all rows.",
            ConvergenceWarning,
            stacklevel=level_of_user(),
        )
    gap = max(gap, float(np.max(model.dual_gap_)))
    return grown(model, growth, found, whole | {"dual_gap_": gap})
