"""Random slopes under a loss as its definition has it: whole matrices, by cvxpy and quadrature."""

from dataclasses import dataclass
from itertools import pairwise

import cvxpy as cp
import numpy as np
from scipy import integrate

from .dense import Rows


@dataclass(frozen=True)
class Outliers:
    """Huber's loss."""

    delta: float

    def of(self, r):
        """Of residuals, in cvxpy."""
        return 0.5 * cp.huber(r, self.delta)

    def value(self, e):
        """Of one error."""
        size = abs(e)
        return size**2 / 2 if size <= self.delta else self.delta * (size - self.delta / 2)

    def psi(self, e):
        """The derivative."""
        return np.clip(e, -self.delta, self.delta)

    @property
    def kinks(self):
        """Where it is not smooth."""
        return (-self.delta, self.delta)


@dataclass(frozen=True)
class Quantile:
    """The pinball loss."""

    q: float
    kinks = (0.0,)

    def of(self, r):
        """Of residuals, in cvxpy."""
        return cp.maximum(self.q * r, (self.q - 1) * r)

    def value(self, e):
        """Of one error."""
        return max(self.q * e, (self.q - 1) * e)


def normaliser(loss, m):
    """The integral of exp(-m loss), piece by piece."""
    ends = [-np.inf, *loss.kinks, np.inf]
    return sum(integrate.quad(lambda e: np.exp(-m * loss.value(e)), *p)[0] for p in pairwise(ends))


@dataclass(frozen=True)
class Numbers(Rows):
    """Rows with errors of a loss; ``kappa`` and ``V`` are of each row."""

    loss: object = None
    kappa: np.ndarray | None = None
    V: np.ndarray | None = None

    @property
    def m(self):
        """What the loss of each row is multiplied by, besides its weight."""
        return 1 / (self.kappa * self.V)

    def parts(self, Sigma, ridge):
        """Design of fixed effects and of Sigma^-½ b_t of all tasks, and the ridge of each."""
        values, vectors = np.linalg.eigh(Sigma)
        F = vectors * np.sqrt(np.maximum(values, 0))
        T, k, fixed = self.n_tasks, len(F), self.fixed
        own = np.eye(T)[self.task][:, :, None] * (self.random @ F)[:, None, :]
        R = np.zeros(fixed.shape[1])
        R[fixed.shape[1] - self.X.shape[1] :] = ridge
        return np.hstack([fixed, own.reshape(len(own), T * k)]), np.r_[R, np.ones(T * k)]

    def mode(self, Sigma, ridge=0.0):
        """The scores of least P, and P; ``ridge`` is R in units of the targets."""
        D, R = self.parts(Sigma, ridge)
        unit = np.maximum(np.sqrt(np.mean(D**2, axis=0)), 1e-12)
        x = cp.Variable(D.shape[1])
        cost = cp.sum(cp.multiply(self.weight * self.m, self.loss.of(self.y - (D / unit) @ x)))
        problem = cp.Problem(
            cp.Minimize(cost + 0.5 * cp.sum_squares(cp.multiply(np.sqrt(R) / unit, x)))
        )
        tight = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
        problem.solve(solver=cp.CLARABEL, **tight)
        return (D / unit) @ x.value, problem.value

    def minus_twice(self, Sigma, *, restricted=True, ridge=0.0, repeats=False):
        """-2 log likelihood: Laplace's approximation at the information s/V of each row."""
        D, R = self.parts(Sigma, ridge)
        H = D.T @ ((self.weight / self.V)[:, None] * D) + np.diag(R)
        levels = self.level_columns.shape[1]
        flat = np.flatnonzero(R == 0)
        inside = np.ones(len(R), bool)
        if not restricted:
            inside[flat[levels * (self.levels == "free") :]] = False
        m = self.m if repeats else self.weight * self.m
        logs = np.log([normaliser(self.loss, one) for one in m])
        times = self.weight if repeats else np.ones(len(m))
        _, P = self.mode(Sigma, ridge)
        value = 2 * P + np.linalg.slogdet(H[np.ix_(inside, inside)])[1] + 2 * times @ logs
        return value - np.log(R[R > 0]).sum() - np.sum(inside[flat]) * np.log(2 * np.pi)
