"""Scores of a whole path on the held-out rows of every fold, the data read once.

The training moments of a fold are the total minus the fold's own, so K folds cost one pass over
the rows; where moments would not fit, a fold is a problem on its rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse

from mtlearn.certificate import certify
from mtlearn.crossval import Folds
from mtlearn.estimators.setup import set_up
from mtlearn.moments import Moments
from mtlearn.path import follow_path
from mtlearn.prediction import LinearTasks
from mtlearn.progress import tell
from mtlearn.solvers.choose import use_moments
from mtlearn.solvers.rotated import rotate
from mtlearn.solvers.solution import Solution
from mtlearn.tasks import TaskData
from mtlearn.threads import blas_threads

# From the scores of held-out rows, those rows and the scale of their targets to a number.
Judge = Callable[[np.ndarray, TaskData, Any], float]


def path_scores(
    estimator: Any,
    data: TaskData,
    alphas: np.ndarray,
    folds: Folds,
    judge: Judge,
    n_jobs: int | None = None,
) -> np.ndarray:
    """What ``judge`` says of each alpha on each fold, (n_alphas, n_folds).

    A task that is missing from a training part is answered by the shared model.
    """
    data = _in_fewer_features(estimator, data)
    total = None
    if estimator._moments_suffice and use_moments(data, n_alive=len(folds) + 1):
        total = Moments.of_data(data)

    def one(k: int, train: np.ndarray, test: np.ndarray) -> list[float]:
        with blas_threads(data):
            name = f"fold {k + 1}/{len(folds)}"
            return _fold_scores(estimator, data, total, train, test, alphas, judge, name)

    parallel = Parallel(n_jobs=n_jobs, prefer="threads")
    return np.array(parallel(delayed(one)(k, *fold) for k, fold in enumerate(folds))).T


def _in_fewer_features(estimator: Any, data: TaskData) -> TaskData:
    """Data with the same predictions in n rotated features, where these are fewer and serve."""
    n, d = data.X.shape
    asked = estimator._rotation_invariant and estimator._moments_suffice
    if not asked or n >= d or sparse.issparse(data.X):
        return data
    size = np.einsum("ij,ij->j", data.X, data.X, dtype=np.float64)
    even = size.max() <= 1e12 * size[size > 0].min() if size.any() else False
    return rotate(data)[0] if even else data


def _fold_scores(estimator, data, total, train, test, alphas, judge, name) -> list[float]:
    if total is None:
        setup = set_up(estimator, estimator._solvable(data.take(train)))
    else:
        setup = set_up(estimator, data, _training_moments(data, total, train, test))
    held_out, scale = data.take(test), _target_scale(setup, data)
    scores = []
    for k, solution in enumerate(follow_path(estimator._solver(setup, "scores"), alphas)):
        scores.append(judge(_scores(estimator, setup, solution.point, held_out), held_out, scale))
        if estimator.verbose:
            gap = _certified(estimator, setup, float(alphas[k]), solution)
            tell(f"{name}, alpha {k + 1}/{len(alphas)}", alphas[k], solution, gap)
    return scores


def _certified(estimator, setup, alpha: float, solution: Solution) -> float:
    """The gap, which a closed form leaves out where only scores are asked for."""
    if not np.isnan(solution.gap):
        return solution.gap
    point = setup.problem.settle(solution.point.V)
    return certify(setup.problem, estimator._penalty(alpha, setup), point).relative


def _training_moments(data: TaskData, total: Moments, train, test) -> Moments:
    """Total minus the test part where that is the complement and keeps its digits."""
    if (
        len(train) + len(test) != len(data.y)
        or (np.bincount(np.concatenate([train, test]), minlength=len(data.y)) != 1).any()
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


def _target_scale(setup, data: TaskData) -> Any:
    """Scale of each column of y in the units of the fit."""
    if data.codes is not None:
        return 1.0
    scale = np.ones(len(data.tasks))
    scale[setup.present] = setup.problem.target_scale
    return scale


def _scores(estimator, setup, point, held_out: TaskData) -> np.ndarray:
    """Scores of the held-out rows: (n, T) for a 2-D y, else (n, K)."""
    problem, present = setup.problem, setup.present
    K = problem.n_classes
    coef, intercept = problem.user_units(point)
    d = coef.shape[1]
    coef, intercept = coef.reshape(-1, K, d), intercept.reshape(-1, K)
    if estimator._with_mean():
        mean, mean_intercept = problem.mean_model(point)
    else:
        mean, mean_intercept = coef.mean(axis=0), intercept.mean(axis=0)
    if not present.all():  # a task without training rows is answered by the shared model
        known = coef, intercept
        coef = np.tile(mean, (len(present), 1, 1))
        intercept = np.tile(mean_intercept, (len(present), 1))
        coef[present], intercept[present] = known
    model = LinearTasks(coef, intercept, mean, mean_intercept)
    return model.scores(held_out.X, held_out.codes)
