"""The problem of one task beside others, from public attributes: for cvxpy and for a value."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from ..penalties.truths import truth_of_fitted
from ..penalties.truths.outliers import Outliers


@dataclass
class OneTask:
    """What `adapt` minimises for the rows X, y of a new task, given a fitted model.

    y (n,) numbers, or (n, K) zeros and ones of classes.
    """

    model: object
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | float = 1.0
    omega: float = 1.0
    without: tuple = ()

    def __post_init__(self):
        model, d = self.model, self.X.shape[1]
        self.Y = self.y.reshape(len(self.X), -1)
        K = self.K = self.Y.shape[1]
        self.c = model.data_scale_ * self.omega * np.broadcast_to(self.weight, len(self.X))
        mean = getattr(model, "mean_coef_", np.zeros((K, d)))
        self.w0 = np.reshape(mean, (K, d)).T
        coef, intercept = model.coef_.reshape(-1, K, d), model.intercept_.reshape(-1, K)
        self.l0 = np.mean(intercept + coef @ model.center_, axis=0)
        dirty = hasattr(model, "shared_coef_")
        V = model.shared_coef_.reshape(-1, K, d) if dirty else coef - self.w0.T
        V = np.delete(V, self.without, axis=0)
        self.H = V.reshape(-1, d).T  # (d, T K)
        self.a = model.alpha_intercept_ if model.fit_intercept else np.inf
        self.alpha = getattr(model, "alpha_", None) or model.alpha
        self.classes = hasattr(model, "classes_")
        self.joint = self.classes and getattr(model, "loss", None) == "multinomial"
        self.truth = truth_of_fitted(model)

    def objective(self, w, level):
        """Of coefficients (d, K) and the level (K,) at x̄."""
        F = (self.X - self.model.center_) @ w + level
        if self.joint:
            loss = (logsumexp(F, axis=1) - np.sum(self.Y * F, axis=1))[:, None]
        elif self.classes:
            loss = np.logaddexp(0, F) - self.Y * F
        else:
            loss = (self.Y - F) ** 2 / 2
        value = float(self.c @ loss.sum(axis=1)) + self.alpha * self._charge(w - self.w0)
        if np.isinf(self.a):
            assert np.allclose(level, self.l0, atol=1e-10)
            return value
        return value + self.a / 2 * float(np.sum((level - self.l0) ** 2))

    def _charge(self, v):
        from mtlearn.penalties.dirty import Dirty

        if not isinstance(self.truth, Outliers) and self.truth.library is not Dirty:
            return self.truth.omega(np.hstack([self.H, v])) - self.truth.omega(self.H)
        import cvxpy as cp

        B = cp.Variable(v.shape)  # the cheapest split, by another's solver
        charge = self._split(B, v)
        problem = cp.Problem(cp.Minimize(charge))
        problem.solve(solver=cp.CLARABEL)
        if isinstance(self.truth, Outliers):
            return problem.value - self.truth.of_shared(self.H)
        lengths = np.linalg.norm(self.H, ord={"l2": 2, "linf": np.inf}[self.truth.norm], axis=1)
        return problem.value - lengths.sum()

    def _split(self, B, V):
        import cvxpy as cp

        if isinstance(self.truth, Outliers):
            shared = self.truth.shared_in_cvxpy(cp.hstack([self.H, B]))
            return shared + self.truth.outlier_ratio * cp.norm(V - B, "fro")
        order = {"l2": 2, "linf": "inf"}[self.truth.norm]
        rows = cp.sum(cp.norm(cp.hstack([self.H, B]), order, axis=1))
        return rows + self.truth.specific_ratio * cp.sum(cp.abs(V - B))

    def solve(self):
        """Coefficients, level and objective of cvxpy."""
        import cvxpy as cp

        from mtlearn.penalties.dirty import Dirty

        d, K = self.X.shape[1], self.K
        v, u = cp.Variable((d, K)), cp.Variable((1, K))
        X = self.X - self.model.center_
        F = X @ v + np.ones((len(X), 1)) @ u + (X @ self.w0 + self.l0)
        if self.joint:
            each = cp.log_sum_exp(F, axis=1) - cp.sum(cp.multiply(self.Y, F), axis=1)
            loss = self.c @ each
        elif self.classes:
            loss = cp.sum(self.c @ (cp.logistic(F) - cp.multiply(self.Y, F)))
        else:
            loss = cp.sum(self.c @ cp.square(self.Y - F)) / 2
        if isinstance(self.truth, Outliers) or self.truth.library is Dirty:
            charge = self._split(cp.Variable((d, K)), v)
        else:
            charge = self.truth.in_cvxpy(cp.hstack([self.H, v]))
        total, limits = loss + self.alpha * charge, []
        if np.isinf(self.a):
            limits = [u == 0]
        else:
            total = total + self.a / 2 * cp.sum_squares(u)
        cp.Problem(cp.Minimize(total), limits).solve(solver=cp.CLARABEL)
        return v.value + self.w0, u.value[0] + self.l0


def found(model, task):
    """Coefficients (d, K) and level (K,) of a task of a fitted model."""
    t = list(model.tasks_).index(task)
    coef = np.reshape(model.coef_[t], (-1, len(model.center_)))
    return coef.T, np.atleast_1d(model.intercept_[t]) + coef @ model.center_
