"""How related tasks are: held-out scores on the way from one model for all to one for each."""

from __future__ import annotations

import warnings
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline

import mtlearn
from mtlearn.compare.question import as_codes
from mtlearn.estimators.linear import FittedLinear
from mtlearn.estimators.mixed_parameters import RandomSlopes
from mtlearn.inputs.checks import check_count
from mtlearn.inputs.frames import library_of, new_frame
from mtlearn.inspection.again import fit_with
from mtlearn.problems.models import LinearTasks

LOWEST = {1: 1e-4, 2: 1e-7}  # last alpha over the first, of norms and of squared penalties
BEYOND = 10.0  # times the smallest alpha without deviations: without any in the folds too
NEAR_THE_LIMIT = 1e8  # times the first alpha of a path, where alpha has to be finite


@dataclass(frozen=True, eq=False)
class RelatednessPath:
    """What :func:`relatedness_path` found.

    Attributes
    ----------
    frame : data frame
        ``alpha``, ``relatedness``, ``score`` and ``std_error``, from one model for all down to one
        for each.
    best_relatedness : float
        Place of the best score, between 0 (independent) and 1 (pooled).
    best_score : float
    pooled, independent : float
        Scores of the ends.
    score_name : str
        What ``score`` is; greater is better.

    Examples
    --------
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.datasets import load_sleepstudy
    >>> from mtlearn.inspection import relatedness_path
    >>> study = load_sleepstudy()
    >>> model = MeanRegularizedRegressor().fit(study.data, study.target, task=study.task)
    >>> path = relatedness_path(model, study.data, study.target, task=study.task, n_alphas=5)
    >>> path.best_score >= max(path.pooled, path.independent)
    True
    """

    frame: Any
    best_relatedness: float
    best_score: float
    pooled: float
    independent: float
    score_name: str


def relatedness_path(
    model: Any,
    X: Any,
    y: Any,
    *,
    task: Any = None,
    groups: Any = None,
    cv: Any = 5,
    n_alphas: int = 30,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> RelatednessPath:
    """How related the tasks are: cross-validated scores from one model for all to one for each.

    With L(alpha) the mean training loss of the fit to all rows at a strength alpha, the place of
    that fit between the two ends is the share of what separate models could fit better that it
    gives up::

        relatedness(alpha) = (L(alpha) - L(0)) / (L(inf) - L(0)),

    0 for independent tasks and 1 for the pooled model. It grows with alpha, and is the same
    question for every penalty and loss, since the ends are the same fits; an alpha is not. The
    relatedness of the best cross-validated score says in one number how related tasks are *for so
    many rows*: the fewer rows a task has, the more is to be borrowed.

    Parameters
    ----------
    model : estimator, Pipeline or finished search
        A model of this library, fitted or not, or a pipeline that ends in one. What comes before
        it is fitted once, on all rows.
    X : array-like or data frame of shape (n, d)
        As ``fit`` of the model takes it.
    y : array-like of shape (n,) or (n, T)
        The target; NaN where not observed.
    task : array-like of shape (n,), default=None
        Task labels beside X.
    groups : array-like of shape (n,), default=None
        Units of rows that no fold tears apart.
    cv : int, splitter or iterable, default=5
        As in the ``…CV`` estimators.
    n_alphas : int, default=30
        Points on the way, both ends included.
    n_jobs : int, default=None
        Threads over the folds.
    verbose : int, default=0
        1 prints a line for each alpha solved.

    Returns
    -------
    RelatednessPath
        ``frame`` (in the library of X, otherwise pandas or polars), ``best_relatedness``,
        ``pooled``, ``independent``.

    Raises
    ------
    TypeError
        If the model is none of this library with a penalty on what tasks do not share.
    ValueError
        If there is one task.

    See Also
    --------
    transfer_gain : Who gains from it.
    mtlearn.plotting.RelatednessDisplay : The picture.

    Notes
    -----
    Norms get a shared mean, without which their other end is no model at all. Random slopes have no
    path: in its place is the mean-regularised model whose ``feature_weight`` is one over their
    ``slope_std_``, all of whose variances grow and shrink together. Levels are pooled all along as
    ``alpha_intercept`` says, so that the pooled end has one vector of slopes and a level for each
    task. The independent end is the last alpha of the grid, 1e-4 of the smallest without deviations
    (of a squared penalty 1e-7 of the first). Scores are minus the mean squared error, minus the log
    loss, or what ``scoring`` of a ``…CV`` says; ``std_error`` is over the folds, and mostly of what
    differs between folds and not between alphas.

    References
    ----------
    Evgeniou and Pontil (2004). Regularized multi-task learning. KDD (the two ends of alpha).

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.inspection import relatedness_path
    >>> rng = np.random.default_rng(0)
    >>> X, shop = rng.standard_normal((300, 4)), np.repeat(np.arange(30), 10)
    >>> alike = X.sum(axis=1) + rng.standard_normal(300)
    >>> apart = np.sum(X * rng.standard_normal((30, 4))[shop], axis=1)
    >>> for y in alike, apart:
    ...     path = relatedness_path(MeanRegularizedRegressor(), X, y, task=shop, n_alphas=10)
    ...     print(bool(path.best_relatedness > 0.5))
    True
    False
    """
    check_count("n_alphas", n_alphas, low=3)
    library = library_of(X, asked_by="relatedness_path")
    final, inside = _before(model, X, y)
    search, single = _models(final, inside, y, task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ends of the grid, and of what the user's fit has said
        first = single.path(inside, y, alphas=2, task=task).alphas[0]
        lowest = LOWEST[search._degree]
        top = BEYOND * first
        if search._degree == 2:
            top = np.inf if search._alpha_may_be_infinite else NEAR_THE_LIMIT * first
        alphas = np.append(top, np.geomspace(first, first * lowest, n_alphas - 1))
        search.set_params(alphas=alphas, cv=cv, n_jobs=n_jobs, verbose=verbose)
        fit_with(search, inside, y, task, groups)
        if len(search.tasks_) == 1:
            raise ValueError(
                "the rows are of one task, which is related to no other. Give rows of two tasks or "
                "more, and their labels as task (or in the task_column of the model)."
            )
        held = {"alpha_intercept": search.alpha_intercept_}
        if isinstance(search.alpha_mean, str):
            held["alpha_mean"] = search.alpha_mean_
        single.set_params(**held)
        path = single.path(inside, y, alphas=alphas, task=task)
    loss = _training_losses(search, path, inside, y, task)
    relatedness = _places(loss)
    name, each = _scores(search)
    score = np.nanmean(each, axis=1)
    n = np.sum(~np.isnan(each), axis=1)
    error = np.nanstd(each, axis=1, ddof=1) / np.sqrt(n)
    best = int(np.nanargmax(score))
    return RelatednessPath(
        frame=new_frame(
            {"alpha": alphas, "relatedness": relatedness, "score": score, "std_error": error},
            library,
        ),
        best_relatedness=float(relatedness[best]),
        best_score=float(score[best]),
        pooled=float(score[0]),
        independent=float(score[-1]),
        score_name=name,
    )


def _before(model: Any, X: Any, y: Any) -> tuple[Any, Any]:
    """The estimator inside pipelines and searches, and X as it sees it."""
    while True:
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif isinstance(model, Pipeline):
            if len(model) > 1:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    X = clone(model[:-1]).fit_transform(X, y)
            model = model[-1]
        else:
            return model, X


def _models(final: Any, X: Any, y: Any, task: Any) -> tuple[Any, Any]:
    """The search and the single model that go the way of an estimator of this library."""
    if not isinstance(final, FittedLinear):
        raise TypeError(
            f"{type(final).__name__} has no strength that leads from one model for all tasks to "
            "one for each. Give a model of this library, such as MeanRegularizedRegressor, or a "
            "pipeline that ends in one."
        )
    given: dict[str, Any] = final.get_params(deep=False)  # type: ignore[attr-defined]
    if isinstance(final, RandomSlopes):
        family, given = "MeanRegularized", _of_slopes(final, given, X, y, task)
    else:
        known = (one.__name__ for one in type(final).__mro__ if one.__name__ in mtlearn.__all__)
        family = next(known).removesuffix("CV")
        family = family.removesuffix("Classifier").removesuffix("Regressor")
        for ratio in ("specific_ratio", "outlier_ratio"):
            if isinstance(given.get(ratio), list | tuple | np.ndarray):
                given[ratio] = vars(final).get(f"{ratio}_", "auto")
    given |= {"shared_mean": True, "warm_start": False}
    kind = "Classifier" if is_classifier(final) else "Regressor"
    made = []
    for ending in ("CV", ""):
        one = getattr(mtlearn, f"{family}{kind}{ending}")()
        own = one.get_params(deep=False).keys() - {"alpha", "alphas", "cv", "n_jobs"}
        made.append(one.set_params(**{name: given[name] for name in own & given.keys()}))
    search, single = made
    if isinstance(single.alpha_mean, str):
        single.set_params(alpha_mean=1e-3)
    return search, single


def _of_slopes(final: Any, given: dict[str, Any], X: Any, y: Any, task: Any) -> dict[str, Any]:
    """Parameters of the mean-regularised model that random slopes are at their own strengths."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = fit_with(clone(final), X, y, task)
    kept = ("fit_intercept", "task_column", "unseen_task", "class_weight", "loss")
    found = {name: given[name] for name in kept if name in given}
    numbers = not is_classifier(final) and found["loss"] == "squared"
    if not fitted._reader.stacked and numbers:
        found["scale_targets"] = True  # as random slopes do
    spread = np.sqrt(
        np.mean(np.square(fitted.slope_std_.reshape(-1, fitted.coef_.shape[-1])), axis=0)
    )
    if spread.any():
        with np.errstate(divide="ignore"):
            found["feature_weight"] = spread.max() / spread
    ridge = float(np.max(fitted.alpha_mean_))
    return found | ({"alpha_mean": ridge} if ridge > 0 else {})


def _training_losses(search: Any, path: Any, X: Any, y: Any, task: Any) -> np.ndarray:
    """L at each alpha: mean over observed labels, and the sum over classes."""
    quiet = copy(search)
    quiet.unseen_task = "mean"  # rows of such tasks have no label
    rows, codes = quiet._read_rows(X, task)
    truth, _ = quiet._reader.targets(quiet, y, numeric=not is_classifier(search))
    T, n_alphas = len(search.tasks_), len(path.alphas)
    d = path.coefs.shape[-2]
    coefs, intercepts = path.coefs.reshape(T, -1, d, n_alphas), path.intercepts
    intercepts = intercepts.reshape(T, -1, n_alphas)
    signs = _signs(search, truth)
    unit = vars(search).get("target_scale_", 1.0)
    losses = np.empty(n_alphas)
    for k in range(n_alphas):  # as many as the user asked for
        scores = LinearTasks(coefs[..., k], intercepts[..., k]).scores(rows, codes)
        scores = scores.reshape(signs.shape)
        known = ~np.isnan(signs)
        f, t = (scores / unit)[known], (signs / unit)[known]
        losses[k] = np.sum(search._loss.value(f, t)) / max(int(known.sum()), 1)
    return losses


def _signs(search: Any, truth: np.ndarray) -> np.ndarray:
    """Targets as the loss takes them, in the shape of scores."""
    if not is_classifier(search):
        return truth.astype(float)
    codes, classes = as_codes(truth)
    if len(classes) == 2:
        return codes
    each = (codes[:, None] == np.arange(len(classes))).astype(float)
    each[np.isnan(codes)] = np.nan
    return each


def _places(loss: np.ndarray) -> np.ndarray:
    """Relatedness of descending alphas; rounding and unequal strengths do not turn it back."""
    pooled, independent = loss[0], loss[-1]
    if not pooled - independent > 1e-10 * abs(pooled):
        return np.ones(len(loss))  # tasks that nothing tells apart
    place = np.clip((loss - independent) / (pooled - independent), 0.0, 1.0)
    return np.maximum.accumulate(place[::-1])[::-1]


def _scores(search: Any) -> tuple[str, np.ndarray]:
    """The name of the score of a search, greater being better, and its values (alphas, folds)."""
    kept = vars(search)
    if "mse_path_" in kept:
        return "neg_mean_squared_error", -kept["mse_path_"]
    if search.scoring is None:
        name = "neg_log_loss" if is_classifier(search) else "neg_loss"
    else:
        name = search.scoring if isinstance(search.scoring, str) else "score"
    return name, kept["scores_"]
