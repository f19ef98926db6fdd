"""Cross-validation over a path, the data read once.

The training moments of a fold are the total minus the fold's own, so K folds cost one pass over
the rows; where moments would not fit, a fold is a problem on its rows.
"""

from __future__ import annotations

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
    folds = [(np.asarray(train), np.asarray(test)) for train, test in check_cv(cv).split(X, y)]
    if data.rows is None:
        return folds
    # Rows without a target were left out when the data were read; folds may name them still.
    position = np.full(np.shape(y)[0], -1)
    position[data.rows] = np.arange(len(data.rows))
    folds = [(position[train], position[test]) for train, test in folds]
    return [(train[train >= 0], test[test >= 0]) for train, test in folds]


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
    scorer = None if scoring is None else check_scoring(_Predictions(None, None), scoring)

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
    mean = np.nanmean(losses, axis=1)
    best = int(np.nanargmin(mean))
    if selection == "1se":
        n = losses.shape[1]
        error = np.nanstd(losses[best], ddof=1) / np.sqrt(n) if n > 1 else 0.0
        best = int(np.flatnonzero(mean <= mean[best] + error)[0])  # alphas descend
    return float(alphas[best])


def _fold_scores(estimator, data, total, train, test, alphas, scorer) -> list[float]:
    kept = data.take(train)
    if total is None:
        setup = set_up(estimator, kept)
    else:
        complement = len(train) + len(test) == len(data.X) and not np.intersect1d(train, test).size
        if complement:
            moments = total - Moments.of_data(data.take(test))
        else:
            moments = Moments.of_data(kept)
        setup = set_up(estimator, kept, moments)
    held_out = data.take(test)
    truth = held_out.y / _target_scale(setup, data)
    weight = held_out.weight
    scores = []
    for solution in follow_path(estimator._scoring_solver(setup), alphas):
        prediction = _predict(estimator, setup, solution.point, held_out)
        if scorer is None:
            scores.append(_mean_square(truth, prediction / _target_scale(setup, data), weight))
        else:
            model = _Predictions(prediction, len(data.tasks))
            scores.append(scorer(model, np.arange(len(test))[:, None], held_out.y))
    return scores


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

    def __init__(self, values, n_tasks):
        self.values = values
        self.n_tasks = n_tasks

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X, y):
        return self

    def predict(self, rows):
        return self.values[rows[:, 0]]
