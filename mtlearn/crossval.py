"""Cross-validation over a path, the data read once.

The training moments of a fold are the total minus the fold's own, so K folds cost one pass over
the rows; where moments would not fit, a fold is a problem on its rows.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv

from mtlearn.estimators.base import TaskLinearRegressor, predict_rows, user_units
from mtlearn.estimators.setup import set_up
from mtlearn.model_selection import task_folds
from mtlearn.moments import Moments
from mtlearn.path import follow_path
from mtlearn.solvers.choose import use_moments
from mtlearn.tasks import TaskData
from mtlearn.threads import blas_threads

Folds = list[tuple[np.ndarray, np.ndarray]]


def make_folds(cv: Any, data: TaskData, X: Any, y: Any) -> Folds:
    """Training and test rows of each fold, as positions in ``data``.

    None or a number of folds deals the rows of every task evenly (and so never leaves a task of
    two rows out of a training part); otherwise what scikit-learn understands as ``cv``.
    """
    if cv is None or isinstance(cv, int | np.integer):
        n_folds = 5 if cv is None else int(cv)
        n_folds = min(n_folds, len(data.X))
        if n_folds < 2:
            raise ValueError(
                f"cv={cv!r} with n_samples={len(data.X)}: cross-validation needs at least two "
                "folds and two rows."
            )
        task = data.observed if data.codes is None else data.codes
        fold = task_folds(task, n_folds)
        folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n_folds)]
        return [(train, test) for train, test in folds if len(test) and len(train)]
    # Rows without a target were left out when the data were read; folds may name them still.
    position = np.arange(len(data.X))
    if data.rows is not None:
        position = np.full(np.shape(y)[0], -1)
        position[data.rows] = np.arange(len(data.rows))
    folds = []
    for k, parts in enumerate(check_cv(cv).split(X, y)):
        train, test = (position[np.asarray(part)] for part in parts)  # positions or masks
        train, test = train[train >= 0], test[test >= 0]
        if len(train) == 0:
            raise ValueError(f"cv leaves no row with a target in the training part of fold {k}.")
        if len(test):
            folds.append((train, test))
    if not folds:
        raise ValueError("cv leaves no row with a target in any test part.")
    return folds


def path_scores(
    estimator: TaskLinearRegressor,
    data: TaskData,
    alphas: np.ndarray,
    folds: Folds,
    *,
    scoring: Any = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Scores of each alpha on each fold, (n_alphas, n_folds).

    Without ``scoring`` the mean squared error over the observed labels of the fold, weighted by
    the sample weights; in units of the scaled targets under ``scale_targets``. A task that is
    missing from a training part is answered by the shared model.
    """
    data = estimator._without_surplus(data)
    total = Moments.of_data(data) if use_moments(data, n_alive=len(folds) + 1) else None
    scorer = None if scoring is None else check_scoring(_Predictions(None), scoring)

    def one(train: np.ndarray, test: np.ndarray) -> list[float]:
        with blas_threads(data):
            return _fold_scores(estimator, data, total, train, test, alphas, scorer)

    parallel = Parallel(n_jobs=n_jobs, prefer="threads")
    return np.array(parallel(delayed(one)(*fold) for fold in folds)).T


def best_alpha(alphas: np.ndarray, losses: np.ndarray, selection: str) -> float:
    """The alpha of least mean loss, or the largest within one standard error of it ("1se").

    References
    ----------
    Breiman, Friedman, Olshen and Stone (1984). Classification and regression trees, section 3.4.
    """
    if np.isnan(losses).all():
        raise ValueError("no fold gave a score; use other folds or another scoring.")
    mean = np.nanmean(losses, axis=1)
    best = int(np.nanargmin(mean))
    if selection == "1se":
        n = int(np.isfinite(losses[best]).sum())
        error = np.nanstd(losses[best], ddof=1) / np.sqrt(n) if n > 1 else 0.0
        best = int(np.flatnonzero(mean <= mean[best] + error)[0])  # alphas descend
    return float(alphas[best])


def _fold_scores(estimator, data, total, train, test, alphas, scorer) -> list[float]:
    if total is None:
        setup = set_up(estimator, data.take(train))
    else:
        setup = set_up(estimator, data, _training_moments(data, total, train, test))
    held_out = data.take(test)
    truth = held_out.y / _target_scale(setup, data)
    weight = held_out.weight
    scores = []
    for solution in follow_path(estimator._scoring_solver(setup), alphas):
        prediction = _predict(estimator, setup, solution.point, held_out)
        if scorer is None:
            scores.append(_mean_square(truth, prediction / _target_scale(setup, data), weight))
        else:
            scores.append(_score(scorer, prediction, held_out))
    return scores


def _training_moments(data: TaskData, total: Moments, train, test) -> Moments:
    """Total minus the test part where that is the complement and keeps its digits."""
    if (
        len(train) + len(test) != len(data.X)
        or (np.bincount(np.concatenate([train, test]), minlength=len(data.X)) != 1).any()
    ):
        return Moments.of_data(data.take(train))
    rest = total - Moments.of_data(data.take(test))
    # Where next to nothing of a scatter is left, most of it is the rounding of what was taken.
    before, after = (np.einsum("tjj->tj", moments.xx) for moments in (total, rest))
    lost = (after < 1e-10 * before).any(axis=1) & (rest.count[: len(after)] > 1)
    if not lost.any():
        return rest
    if data.codes is None:
        return Moments.of_data(data.take(train))
    exact = Moments.of_data(data.take(train[lost[data.codes[train]]]))
    for field in fields(Moments):
        getattr(rest, field.name)[lost] = getattr(exact, field.name)[lost]
    return rest


def _score(scorer: Any, prediction: np.ndarray, held_out: TaskData) -> float:
    """A scikit-learn score; for targets with holes the mean over columns, each on its labels."""
    observed = held_out.observed
    if observed.all():
        rows = np.arange(len(prediction))[:, None]
        return scorer(_Predictions(prediction), rows, held_out.y)
    scores = []
    for values, truth, seen in zip(prediction.T, held_out.y.T, observed.T, strict=True):
        if seen.sum() >= 2:
            rows = np.flatnonzero(seen)[:, None]
            scores.append(scorer(_Predictions(values), rows, truth[seen]))
    return float(np.mean(scores)) if scores else np.nan


def _target_scale(setup, data: TaskData) -> Any:
    """Scale of each column of y in the units of the fit."""
    if data.codes is not None:
        return 1.0
    scale = np.ones(len(data.tasks))
    scale[setup.present] = setup.problem.target_scale
    return scale


def _predict(estimator, setup, point, held_out: TaskData) -> np.ndarray:
    problem, present = setup.problem, setup.present
    coef, intercept = user_units(problem, point)
    if estimator._with_mean():
        mean = np.zeros(coef.shape[1]) if point.mean is None else point.mean
        shared = mean, problem.mean_intercept(point)
    else:
        shared = coef.mean(axis=0), float(intercept.mean())
    if held_out.codes is not None:
        codes = np.where(present, np.cumsum(present) - 1, -1)[held_out.codes]
        return predict_rows(held_out.X, codes, coef, intercept, *shared)
    if present.all():
        return predict_rows(held_out.X, None, coef, intercept, *shared)
    every = np.tile(shared[0], (len(present), 1)), np.full(len(present), shared[1])
    every[0][present], every[1][present] = coef, intercept
    return predict_rows(held_out.X, None, *every, *shared)


def _mean_square(truth: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None) -> float:
    squares = (truth - prediction) ** 2
    if weight is None:
        weight = np.ones(len(truth))
    if squares.ndim == 2 and weight.ndim == 1:
        weight = weight[:, None]
    weight = np.where(np.isnan(squares), 0.0, weight)
    total = weight.sum()
    return float((weight * np.nan_to_num(squares)).sum() / total) if total > 0 else np.nan


class _Predictions(RegressorMixin, BaseEstimator):
    """Predictions made already, in the dress of an estimator, for scikit-learn's scorers.

    Whatever way the tasks came in, a scorer that calls ``predict`` gets the right rows: they are
    what it is given for X.
    """

    def __init__(self, values):
        self.values = values

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X, y):
        return self

    def predict(self, rows):
        return self.values[rows[:, 0]]
