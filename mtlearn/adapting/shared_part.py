"""What a task that comes later finds in a fitted model: strengths, w_0, l_0, and the others' V.

All in the columns that the penalty charges for alike, x_j / weight_j (see ``feature_weight``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from mtlearn.estimators.held import held
from mtlearn.estimators.linear import HELD
from mtlearn.inputs.feature_weight import FeatureWeights
from mtlearn.inputs.tasks import TaskData, resolve_task_weight
from mtlearn.inputs.units import Units
from mtlearn.losses.base import Loss
from mtlearn.penalties.base import Penalty


@dataclass(frozen=True)
class SharedPart:
    """What is held; K is 1, or the number of classes.

    Attributes
    ----------
    loss : Loss
    penalty : Penalty
        Omega, at its strength.
    alpha_intercept : float
    fit_intercept : bool
    center : ndarray of shape (d,)
        x̄.
    mean : ndarray of shape (d, K)
        w_0; zeros where there is none.
    level : ndarray of shape (K,)
        l_0; of free levels anything.
    V : ndarray of shape (T, d, K)
        Deviations of the tasks of the model; of a dirty model their shared part.
    charged : ndarray of bool, of shape (d,)
        Features whose deviations are charged for.
    free : ndarray of bool, of shape (d,)
        Those whose deviations are not; the others have none.
    unit : ndarray of shape (d,)
        What columns were multiplied by.
    tol : float
    max_iter : int
    clusters : ndarray of shape (k, d, K) or None
        Deviations of the means of clusters, where tasks are in some.
    directions : ndarray of shape (r, d, K) or None
        What deviations are mixtures of, orthonormal, where that is so.
    """

    loss: Loss
    penalty: Penalty
    alpha_intercept: float
    fit_intercept: bool
    center: np.ndarray
    mean: np.ndarray
    level: np.ndarray
    V: np.ndarray
    charged: np.ndarray
    free: np.ndarray
    unit: np.ndarray
    tol: float
    max_iter: int
    clusters: np.ndarray | None = None
    directions: np.ndarray | None = None

    def without(self, tasks: np.ndarray) -> SharedPart:
        """The same without the deviations of some tasks, which are found anew."""
        return replace(self, V=np.delete(self.V, tasks, axis=0))

    def charging(self, charge: float) -> SharedPart:
        """The same for a task whose own norm is charged so much more than others."""
        penalty: Any = self.penalty
        return replace(self, penalty=replace(penalty, charges=charge))

    def offset(self, X: np.ndarray) -> np.ndarray:
        """Scores (n, K) of rows without anything of their task's own."""
        return (X - self.center) @ self.mean + self.level


def shared_part_of(model: Any, data: TaskData) -> tuple[SharedPart, TaskData]:
    """That of a fitted model, and the rows in its columns, none without a best coefficient."""
    same = held(model)
    same.task_weight = None  # of other tasks
    weights = FeatureWeights.of(same, data)
    d = len(model.center_)
    unit, weight = np.ones(d), np.ones(d)
    if weights is not None:
        data = replace(data, X=weights.columns(data.X), squares=None)
        same._units, unit, weight = Units(weights=weights), weights.unit, weights.weight
    loose = bool(same.fit_intercept) and float(model.alpha_intercept_) == 0
    if loose or (weight == 0).any():  # otherwise one class has a best value
        data = same._solvable(data, warn=True)
    charged = (weight > 0) & np.isfinite(weight)
    inward = np.where(charged, weight, np.where(unit > 0, 1.0, 0.0))
    fitted = model._linear_tasks()
    K = fitted.coef.shape[1]
    mean = np.zeros((d, K))
    if hasattr(model, "mean_coef_"):
        mean = np.reshape(model.mean_coef_, (K, d)).T
    own = "shared_coef_" if hasattr(model, "shared_coef_") else "coef_"
    V = np.reshape(getattr(model, own), (-1, K, d)).swapaxes(1, 2)
    if own == "coef_":
        V = V - mean
    clusters = None
    if hasattr(model, "cluster_coef_"):
        clusters = np.reshape(model.cluster_coef_, (-1, K, d)).swapaxes(1, 2) - mean
        clusters = clusters * inward[:, None] * charged[:, None]
    directions = None
    if hasattr(model, "directions_"):
        directions = np.reshape(model.directions_, (K, d, -1)).T * (inward * charged)[:, None]
    alike = np.ones(K * len(V))  # a task that comes is charged for its own rows
    sizes = SimpleNamespace(n_features=d, n_columns=K * len(V), n_classes=K, weight=alike)
    alpha = getattr(model, "alpha_", None)
    penalty = same._penalty(sizes).at(float(same.alpha if alpha is None else alpha))
    part = SharedPart(
        loss=same._loss,
        penalty=penalty,
        alpha_intercept=float(model.alpha_intercept_),
        fit_intercept=bool(same.fit_intercept),
        center=model.center_ * unit,
        mean=mean * inward[:, None],
        level=shared_level(model),
        V=V * inward[:, None] * charged[:, None],
        charged=charged,
        free=weight == 0,
        unit=unit,
        tol=float(same.tol),
        max_iter=int(same.max_iter),
        clusters=clusters,
        directions=directions,
    )
    return part, data


def shared_level(model: Any) -> np.ndarray:
    """l_0 (K,): of the shared model, or the average of the levels that the fit found.

    The objective is flat in l_0 there, which a task that came later has no part in.
    """
    if not model.fit_intercept:
        return np.zeros(model._linear_tasks().coef.shape[1])
    if hasattr(model, "mean_coef_"):
        mean = np.reshape(model.mean_coef_, (-1, len(model.center_)))
        return np.atleast_1d(model.mean_intercept_) + mean @ model.center_
    if hasattr(model, HELD):
        return getattr(model, HELD)
    fitted = model._linear_tasks()
    return (fitted.intercept + fitted.coef @ model.center_).mean(axis=0)


def data_weights(model: Any, data: TaskData) -> np.ndarray:
    """c_ti = (T/N) omega_t s_ti of every row (n,), T/N that of the fit."""
    totals = data.totals()
    given = model.task_weight
    if isinstance(given, str):  # "balanced": N/(T N_t)
        omega = 1.0 / (model.data_scale_ * totals)
    else:
        tasks = model.tasks_
        of_fit = resolve_task_weight(given, tasks, np.ones(len(tasks))) if _of(given, tasks) else 1
        known = dict(zip(tasks.tolist(), np.broadcast_to(of_fit, len(tasks)), strict=True))
        omega = np.array([known.get(task, 1.0) for task in data.tasks.tolist()])
    s = np.ones(len(data.y)) if data.weight is None else data.weight
    return model.data_scale_ * omega[data.codes] * s


def _of(given: Any, tasks: np.ndarray) -> bool:
    """Whether weights are given, and for the tasks that the model has now."""
    return given is not None and (hasattr(given, "keys") or len(given) == len(tasks))
