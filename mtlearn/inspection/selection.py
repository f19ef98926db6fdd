"""Whether the same features would be selected from other rows, or from other tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.inputs.frames import library_of, new_frame
from mtlearn.inspection.bootstraps import bootstrap, whole_fit
from mtlearn.inspection.fitted import FittedTasks
from mtlearn.inspection.refits import Refit, refits_of
from mtlearn.inspection.resampling import Resample
from mtlearn.inspection.stability import Stability, stability_index


@dataclass(frozen=True)
class SelectionStability:
    """How often what was selected is selected again.

    Attributes
    ----------
    features : data frame
        ``feature`` and ``frequency``, the share of resamples in which it is selected in any task
        (and class). Of a trace norm ``feature`` is "component k", and the frequency that with
        which the rank is k or more.
    tasks : data frame or None
        ``task``, ``feature`` and ``frequency``, the share of the resamples of this task in which
        it has the feature; NaN where the task was never drawn. None of a trace norm.
    stability : float
        Index of Nogueira, Sechidis and Brown, 1 where all resamples select the same, 0 where they
        agree by chance; NaN of a trace norm.
    low, high : float
        Its 95 % interval.
    n_bootstraps : int
    over : {"rows", "tasks", "both"}
        What was drawn.
    selects : {"features", "components"}
    selected : ndarray of bool, of shape (n_bootstraps, d)
        What each resample selected.

    Examples
    --------
    >>> from mtlearn import GroupLassoRegressor
    >>> from mtlearn.datasets import make_multitask_regression
    >>> from mtlearn.inspection import selection_stability
    >>> drawn = make_multitask_regression(
    ...     n_tasks=6,
    ...     n_samples_per_task=40,
    ...     n_features=5,
    ...     structure="group",
    ...     n_informative=2,
    ...     snr=20,
    ...     shared_X=True,
    ...     random_state=0,
    ... )
    >>> model = GroupLassoRegressor(alpha=0.3).fit(drawn.data, drawn.target)
    >>> found = selection_stability(
    ...     model, drawn.data, drawn.target, n_bootstraps=20, random_state=0
    ... )
    >>> found.selected.shape, bool((found.features["frequency"] > 0.5).sum() == 2)
    ((20, 5), True)
    """

    features: Any
    tasks: Any
    stability: float
    low: float
    high: float
    n_bootstraps: int
    over: str
    selects: str
    selected: np.ndarray


def selection_stability(
    model: Any,
    X: Any,
    y: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    n_bootstraps: int = 100,
    over: str = "rows",
    random_state: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> SelectionStability:
    """How often each feature is selected again, when rows or tasks are drawn anew.

    The model is fitted again on resamples, at the strengths that it was fitted with (``alpha_``,
    ``alpha_intercept_`` and the like; they are not searched again), and a feature counts as
    selected by a task where its deviation

        v_tj != 0

    from the shared model (without one: its coefficient). With a shared mean, and for random slopes,
    whose variances are estimated anew, what is selected are thus the features *in which tasks
    differ*. The stability of the M selections among d features is that of Nogueira, Sechidis and
    Brown: with p_j the frequency of feature j and k̄ the sum of all p_j::

        1 - [(1/d) sum_j M/(M - 1) p_j (1 - p_j)] / [(k̄/d) (1 - k̄/d)]

    They call values above 0.75 excellent and below 0.4 poor.

    Parameters
    ----------
    model : estimator, Pipeline or finished search
        Fitted, of a family that selects: GroupLasso, Dirty, RandomSlopes, or TraceNorm, which
        selects a number of components.
    X, y, task, sample_weight
        The rows that the model was fitted on. What a pipeline does before the model is not fitted
        again.
    n_bootstraps : int, default=100
        M, at least 2.
    over : {"rows", "tasks", "both"}, default="rows"
        What is drawn. "rows": half of the rows of each task, without replacement (of several
        targets over one X the same rows for all): would other rows of these tasks select the
        same? "tasks": as many tasks as there are, with replacement, each with all of its rows:
        would other tasks? "both": tasks, and then half of the rows of each.
    random_state : int, RandomState instance or None, default=None
        What is drawn depends on this alone.
    n_jobs : int, default=None
        Threads.
    verbose : int, default=0
        1 prints a line for each resample.

    Returns
    -------
    SelectionStability
        ``features``, ``tasks`` (data frames in the library of X), ``stability``, ``low``, ``high``.

    Raises
    ------
    ValueError
        For a model that selects nothing, and rows of other tasks than those of ``fit``.

    Warns
    -----
    ConvergenceWarning
        Where a refit did not reach the ``tol`` of the model.

    See Also
    --------
    bootstrap_coef : Intervals of the coefficients.

    Notes
    -----
    Rows are not drawn with replacement. A row that is there twice brings its noise twice, and over
    many tasks the noise of a feature that none of them has adds up to what no new rows would bring:
    in such resamples it is selected nearly always, and its variance is nearly never zero. On half
    of the rows the noise of a gradient is √2 times as large as on all of them, so that the alpha of
    a norm is taken √2 times as large (in general √(n/m) for m of n rows): features without an
    effect are then selected as often as from as many new rows, those with a weak one less often,
    as is right for half of the rows. Random slopes know by themselves how many rows there are.

    A task drawn m times is m columns of the problem, which count m times in the loss, in the
    penalty and in the shared model; one that is not drawn has no estimate, and says nothing of a
    feature. For the squared loss refits are made on moments, of all tasks in one pass over the rows
    and without copies of them, otherwise on the rows; each starts at what all rows lead to.

    References
    ----------
    Nogueira, Sechidis and Brown (2018). On the stability of feature selection algorithms. Journal
    of Machine Learning Research 18(174).

    Meinshausen and Bühlmann (2010). Stability selection. Journal of the Royal Statistical Society B
    72 (half of the rows).

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import GroupLassoRegressor
    >>> from mtlearn.inspection import selection_stability
    >>> rng = np.random.default_rng(0)
    >>> X, shop = rng.standard_normal((400, 4)), np.arange(400) % 10
    >>> y = X[:, 0] * rng.normal(2.0, 1.0, 10)[shop] + rng.standard_normal(400)
    >>> model = GroupLassoRegressor(alpha=1.0).fit(X, y, task=shop)
    >>> found = selection_stability(model, X, y, task=shop, random_state=0)
    >>> found.features["frequency"].to_list(), found.stability
    ([1.0, 0.0, 0.0, 0.0], 1.0)
    """
    library, fitted = library_of(X, "selection_stability"), FittedTasks.of(model)
    refits = refits_of(fitted, X, y, task=task, sample_weight=sample_weight, n_jobs=n_jobs)
    whole = whole_fit(refits)
    selects = _check_selects(fitted.model, whole)
    T, names = fitted.n_tasks, fitted.features

    def keep(refit: Refit, resample: Resample) -> tuple:
        if selects == "components":
            return refit.rank, None, None
        drawn = np.bincount(resample.tasks[refit.present], minlength=T)
        on = refit.selected[refit.present].astype(float)
        of_tasks = np.zeros((T, on.shape[1]))
        np.add.at(of_tasks, resample.tasks[refit.present], on)
        return on.any(axis=0), of_tasks, drawn

    kept = bootstrap(
        refits,
        keep,
        n_bootstraps=n_bootstraps,
        over=over,
        random_state=random_state,
        n_jobs=n_jobs,
        verbose=verbose,
        half=True,
        whole=whole,
    )
    if selects == "components":
        ranks, most = np.array([rank for rank, _, _ in kept]), min(len(names), T * refits.n_classes)
        selected = ranks[:, None] > np.arange(most)
        features = _frequencies([f"component {k + 1}" for k in range(most)], selected, library)
        unknown = Stability(np.nan, np.nan, np.nan)
        return SelectionStability(features, None, *unknown, n_bootstraps, over, selects, selected)
    selected = np.array([on for on, _, _ in kept])
    drawn = np.sum([n for _, _, n in kept], axis=0)[:, None]
    total = np.sum([of_tasks for _, of_tasks, _ in kept], axis=0)
    frequency = np.divide(total, drawn, out=np.full(total.shape, np.nan), where=drawn > 0)
    tasks = new_frame(
        {
            "task": [label for label in fitted.labels for _ in names],
            "feature": names * T,
            "frequency": frequency.ravel(),
        },
        library,
    )
    features, found = _frequencies(names, selected, library), stability_index(selected)
    return SelectionStability(features, tasks, *found, n_bootstraps, over, selects, selected)


def _check_selects(model: Any, refit: Refit) -> str:
    """What the family of a model selects."""
    if refit.selects is None:
        raise ValueError(
            f"{type(model).__name__} selects nothing: every coefficient of it is different from "
            "zero. Give a model that selects features (GroupLasso…, Dirty…), features in which "
            "tasks differ (RandomSlopes…, and those with shared_mean=True), or a number of "
            "components (TraceNorm…)."
        )
    return refit.selects


def _frequencies(names: list[str], selected: np.ndarray, library: Any) -> Any:
    return new_frame({"feature": names, "frequency": selected.mean(axis=0)}, library)
