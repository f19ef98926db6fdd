"""How sure each coefficient is: intervals from refits on resamples."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.inputs.checks import check_coverage
from mtlearn.inputs.frames import library_of, new_frame
from mtlearn.inspection.bootstraps import bootstrap
from mtlearn.inspection.coef_table import LEVEL
from mtlearn.inspection.fitted import FittedTasks
from mtlearn.inspection.refits import Refit, refits_of
from mtlearn.inspection.resampling import Resample


def bootstrap_coef(
    model: Any,
    X: Any,
    y: Any,
    *,
    task: Any = None,
    sample_weight: Any = None,
    coverage: float = 0.9,
    n_bootstraps: int = 200,
    over: str = "rows",
    original_units: bool = True,
    random_state: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Any:
    """Bootstrap intervals of the coefficients of every task.

    The model is fitted again on resamples of the rows, the tasks, or both, at the strengths that it
    was fitted with; those of random slopes are estimated anew. With w*_1 … w*_M what a coefficient
    is in the resamples of its task, its interval is the percentile one::

        [q_(1 - c)/2, q_(1 + c)/2](w*_1 … w*_M)        c = coverage

    which for a sparse model has an end of exactly zero where the coefficient often is.

    Parameters
    ----------
    model : estimator, Pipeline or finished search
        Fitted.
    X, y, task, sample_weight
        The rows that the model was fitted on. What a pipeline does before the model is not fitted
        again.
    coverage : float, default=0.9
        Between 0 and 1.
    n_bootstraps : int, default=200
        M, at least 2.
    over : {"rows", "tasks", "both"}, default="rows"
        What is drawn with replacement. "rows": within each task as many rows as it has (of several
        targets over one X the same rows for all): how sure coefficients are given that these are
        the tasks. "tasks": what they owe to which other tasks were there to share with, their own
        rows as they are; no interval for a task by itself. "both": tasks, and then rows of them.
    original_units : bool, default=True
        Whether coefficients are those of the columns before a pipeline scaled them, where that is
        known, as in :func:`coef_frame`.
    random_state : int, RandomState instance or None, default=None
        What is drawn depends on this alone.
    n_jobs : int, default=None
        Threads.
    verbose : int, default=0
        1 prints a line for each resample.

    Returns
    -------
    data frame
        A row for each task (and class, where there are more than two) and feature, the level
        first: ``task``, [``class``], ``feature``, ``coef`` (of the fitted model), ``std``,
        ``low``, ``high``; NaN where fewer than two resamples had the task. The level is the
        prediction at ``center_``. In the library of X (pandas, polars, pyarrow), otherwise pandas.

    Raises
    ------
    ValueError
        For a coverage that is none, and rows of other tasks than those of ``fit``.

    Warns
    -----
    ConvergenceWarning
        Where a refit did not reach the ``tol`` of the model.

    See Also
    --------
    selection_stability : Which of them are zero, and how often.
    RandomSlopesRegressor : ``coef_std_``, without any resampling.

    Notes
    -----
    **These intervals say how much coefficients vary, and not how far they are off.** A penalty
    pulls them towards the shared model or to zero, in all resamples alike, and the interval stands
    around the coefficient that is pulled: the stronger the penalty, the narrower it is, and the
    less often it has the true coefficient of a task that is unlike the others. Random slopes, whose
    ``coef_std_`` counts what is not known of v_t, have intervals that cover, on average over tasks
    (``prediction_interval``). That strengths are held, and were chosen on the same rows, is not
    counted either.

    A row drawn m times is a weight m, and a task drawn m times m columns of the problem; their
    estimates all count. For the squared loss refits are made on moments, without copies of rows.

    References
    ----------
    Efron and Tibshirani (1993). An introduction to the bootstrap. Chapman and Hall, chapter 13.

    Chatterjee and Lahiri (2011). Bootstrapping lasso estimators. Journal of the American
    Statistical Association 106 (what may be said of coefficients that are zero).

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.inspection import bootstrap_coef
    >>> rng = np.random.default_rng(0)
    >>> X, shop = rng.standard_normal((400, 1)), np.arange(400) % 4
    >>> y = X[:, 0] * np.array([1.0, 1.0, 2.0, 3.0])[shop] + rng.standard_normal(400)
    >>> model = MeanRegularizedRegressor(alpha=0.01).fit(X, y, task=shop)
    >>> found = bootstrap_coef(model, X, y, task=shop, random_state=0)
    >>> slopes = found[found["feature"] == "x0"]
    >>> slopes["low"].round(1).to_list(), slopes["high"].round(1).to_list()
    ([1.0, 1.1, 1.8, 3.0], [1.3, 1.4, 2.1, 3.2])
    """
    check_coverage(coverage)
    library, fitted = library_of(X, "bootstrap_coef"), FittedTasks.of(model)
    refits = refits_of(fitted, X, y, task=task, sample_weight=sample_weight, n_jobs=n_jobs)
    center, (T, K, d) = fitted.center, fitted.coef.shape
    unit = np.append(1.0, fitted.scale) if original_units else np.ones(d + 1)

    def keep(refit: Refit, resample: Resample) -> tuple[np.ndarray, np.ndarray]:
        coef, intercept = refits.outward(refit, resample.tasks)
        lines = _lines(coef, intercept, center) / unit
        return resample.tasks[refit.present], lines[refit.present]

    kept = bootstrap(
        refits,
        keep,
        n_bootstraps=n_bootstraps,
        over=over,
        random_state=random_state,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    drawn = np.concatenate([tasks for tasks, _ in kept])
    lines = np.concatenate([found for _, found in kept])
    ends = (1.0 - coverage) / 2.0, (1.0 + coverage) / 2.0
    std, low, high = np.full((3, T, K, d + 1), np.nan)
    for t in range(T):  # tasks were drawn unequally often
        own = lines[drawn == t]
        if len(own) > 1:
            std[t], (low[t], high[t]) = own.std(axis=0, ddof=1), np.quantile(own, ends, axis=0)
    coef = _lines(fitted.coef, fitted.intercept, center) / unit
    names = [LEVEL, *fitted.features]
    columns: dict[str, Any] = {"task": [t for t in fitted.labels for _ in range(K * len(names))]}
    if fitted.classes is not None:
        columns["class"] = [label for label in fitted.classes for _ in names] * T
    columns |= {"feature": names * (T * K)}
    columns |= {"coef": coef.ravel(), "std": std.ravel(), "low": low.ravel(), "high": high.ravel()}
    return new_frame(columns, library)


def _lines(coef: np.ndarray, intercept: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Levels at the centre, and coefficients beside them, (T, K, d + 1)."""
    return np.concatenate([(intercept + coef @ center)[:, :, None], coef], axis=2)
