"""Random slopes of a task that comes later: Henderson's equations, Sigma, sigma² and w_0 held.

With z = (1, x - x̄), prior mean m and covariance S = FF' of a task's (level, slopes), F e the
deviations from m::

    sum_i s_i loss(y_i, z_i'(m + F e)) + ½ kappa V ‖e‖²
    K = F (F'AF + V I)⁻¹ F',  A = Z'SZ (labels: under the curvature of the loss, kappa = V = 1)
    C = V K,  J = I - K A,  Cov = C + J Cov(w_0) J'

Of numbers kappa is the second derivative that is expected of the loss, and V the noise that is left
for it: 1 and sigma² under the squared loss, and under the others what ``errors_of_fit`` says.

A task that is new has (l_0, w_0) and Sigma. One that is known has its posterior, which knows of
w_0 what can be known: its C is all. The mean of a posterior of labels or counts is off its mode by
-½ C sum_i s_i loss_i (z_i'C z_i) z_i, loss_i the third derivative (Tierney, Kass and Kadane 1989);
of counts with Cov in the place of the inner C, and J times what the prior's own mean is off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from mtlearn.adapting.own_quantile import quantile_ridge
from mtlearn.estimators.errors_of_fit import errors_of_fit
from mtlearn.estimators.linear import loss_of_fit
from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.pinball import Pinball
from mtlearn.solvers.column_newton import ColumnProblem, newton, ridge_gap

NO_MORE = 1e-14  # of a covariance of unit variances: an eigenvalue that is rounding


def posteriors(model: Any, data: TaskData, places: np.ndarray) -> tuple[dict[str, Any], float]:
    """Attributes of the tasks of some rows, a leading axis for these, and the largest gap.

    ``places`` are the positions in ``tasks_`` of those whose posterior is the prior, -1 of others.
    """
    p, center = len(model.center_) + 1, model.center_
    Y = data.y.reshape(len(data.y), -1)
    K = Y.shape[1]
    Sigma, of_mean, m = (
        np.reshape(model.covariance_, (K, p, p)),
        np.reshape(model.mean_coef_covariance_, (K, p, p)),
        _lines(model.mean_coef_, model.mean_intercept_, center, K)[0],
    )
    own = np.reshape(model.coef_covariance_, (-1, K, p, p))
    lines = _lines(model.coef_, model.intercept_, center, K)
    held = _Held.of(model)
    s = np.ones(len(Y)) if data.weight is None else data.weight
    T = len(data.tasks)
    line, skew, gaps = np.empty((T, K, p)), np.zeros((T, K, p)), np.zeros(T)
    cov = np.empty((T, K, p, p))
    for t, rows in enumerate(data.rows_by_task()):  # tasks differ in rows
        X = data.X[rows]
        X = X.toarray() if sparse.issparse(X) else X
        Z = np.column_stack([np.ones(len(rows)), X - center])
        if not model.fit_intercept:
            Z[:, 0] = 0.0
        for k in range(K):
            known = places[t] >= 0
            prior = (lines[places[t], k], own[places[t], k]) if known else (m[k], Sigma[k])
            uncertain = None if known else of_mean[k]
            off = None
            if hasattr(model, "mean_coef_skew_"):
                off = model.coef_skew_[places[t]] if known else model.mean_coef_skew_
            y = Y[rows, k : k + 1]
            found = _posterior(held, Z, y, s[rows, None], prior, uncertain, off)
            line[t, k], cov[t, k], skew[t, k], gap = found
            gaps[t] = max(gaps[t], gap)
    at_zero = np.append(1.0, -center)
    variance = np.einsum("tkij,i,j->tk", cov, at_zero, at_zero)
    attributes = {
        "coef_": line[:, :, 1:],
        "intercept_": line @ at_zero,
        "coef_std_": np.sqrt(np.maximum(np.einsum("tkii->tki", cov[:, :, 1:, 1:]), 0.0)),
        "intercept_std_error_": np.sqrt(np.maximum(variance, 0.0)),
        "coef_covariance_": cov,
    }
    if hasattr(model, "coef_skew_"):
        attributes["coef_skew_"] = skew
    return attributes, float(gaps.max())


def _lines(coef: Any, intercept: Any, center: np.ndarray, K: int) -> np.ndarray:
    """(level, slopes) at x̄, (T, K, d + 1)."""
    coef = np.reshape(coef, (-1, K, len(center)))
    level = np.reshape(intercept, (-1, K)) + coef @ center
    return np.concatenate([level[:, :, None], coef], axis=2)


@dataclass(frozen=True)
class _Held:
    """A loss, what ½ ‖e‖² is charged beside it, V, and whether its curvature is what is expected.

    In units of the rows: where it is, as of numbers, a row tells of its score what its weight is.
    """

    loss: Any
    charge: float
    V: float
    expected: bool

    @classmethod
    def of(cls, model: Any) -> _Held:
        """Those of a fitted model."""
        loss = loss_of_fit(model)._loss
        if not hasattr(model, "noise_std_"):
            return cls(loss, 1.0, 1.0, False)
        errors = errors_of_fit(model)
        kappa, V = float(errors.information[0]), float(errors.variance[0])
        return cls(loss, kappa * V, V, True)


def _posterior(
    held: _Held,
    Z: np.ndarray,
    Y: np.ndarray,
    s: np.ndarray,
    prior: tuple,
    of_mean: Any,
    off: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Line, covariance, how far the mean is off, and the gap of one task and class."""
    (mean, S), loss, V = prior, held.loss, held.V
    F = root_of(S)
    offset, ZF = (Z @ mean)[:, None], Z @ F
    problem = ColumnProblem(loss, ZF, Y, offset, s, np.full(F.shape[1], held.charge))
    e, gap = _mode(problem)
    h = s[:, 0]
    if not held.expected:
        h = h * np.broadcast_to(problem.around(e).curvature, Y.shape)[:, 0]
    values, vectors = np.linalg.eigh((ZF.T * h) @ ZF)
    values = np.maximum(values, 0.0) + V
    known = values > NO_MORE * max(values.max(initial=0.0), 1e-300)
    B, A = F @ vectors, (Z.T * h) @ Z
    K = (B[:, known] / values[known]) @ B[:, known].T
    C = V * K if V > 0 else B[:, ~known] @ B[:, ~known].T
    J = np.eye(len(mean)) - K @ A
    cov = C if of_mean is None else C + J @ of_mean @ J.T
    skew = np.zeros(len(mean))
    if not held.expected:
        third = (s * loss.third(ZF @ e + offset, Y))[:, 0]
        bent = third * np.einsum("ij,jk,ik->i", Z, C if off is None else cov, Z)
        skew = -0.5 * C @ (Z.T @ bent)
        if off is not None:
            skew += J @ off
    return mean + (F @ e)[:, 0], (cov + cov.T) / 2, skew, gap


def _mode(problem: ColumnProblem) -> tuple[np.ndarray, float]:
    """The best e (r, 1), and its gap over the objective at zero."""
    none = np.zeros((problem.Z.shape[1], 1))
    null = float(np.vdot(problem.c, problem.loss.value(problem.offset, problem.Y)))
    if not isinstance(problem.loss, Pinball):
        e = newton(problem, none)
        return e, ridge_gap(problem, e) / null if null > 0 else 0.0
    if not (null > 0 and none.size):
        return none, 0.0
    r = (problem.Y - problem.offset)[:, 0]
    u, gap, _ = quantile_ridge(problem.loss, problem.Z, r, problem.c[:, 0], problem.ridge)
    return u[:, None], gap / null


def root_of(S: np.ndarray) -> np.ndarray:
    """F (p, r) with S = FF', in columns of unit variance, so that units do not matter."""
    unit = np.sqrt(np.maximum(np.diag(S), 0.0))
    over = np.divide(1.0, unit, out=np.zeros_like(unit), where=unit > 0)
    values, vectors = np.linalg.eigh(S * over[:, None] * over)
    known = values > NO_MORE * max(values[-1], 1e-300)
    return unit[:, None] * vectors[:, known] * np.sqrt(values[known])
