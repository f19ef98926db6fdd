"""Tasks in clusters that nobody knows: the convex hull of a ridge with a covariance of clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.penalties.base import (
    Differentiable,
    Everywhere,
    InvariantInFeatures,
    InvariantInTasks,
)
from mtlearn.penalties.box_weights import BoxWeights
from mtlearn.penalties.elastic_trace import by_column, by_task
from mtlearn.penalties.spectral_derivative import SpectralDerivative
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.penalties.trace_norm import singular_values


@dataclass(frozen=True, eq=False)
class ClusterPenalty(Everywhere, Differentiable, InvariantInFeatures, InvariantInTasks):
    """½ tr(V C⁻¹ V') at the best covariance C of the tasks: variance 1, more in few directions.

    ::

        Omega(V) = ½ min over C of tr(V C⁻¹ V'),  I <= C <= I / r,  tr(C - I) <= n (1/r - 1)
                 = ½ sum_i s_i² / theta_i,  theta_i = clip(s_i / mu, 1, 1/r)

    with n the number of clusters less one, s the singular values of V in descending order, and mu
    such that the theta_i - 1 sum to n (1/r - 1). Of k clusters with a projection M on their means
    and U on the mean of all, C = I + (1/r - 1)(M - U) is one of these: deviations from the mean of
    a cluster are charged in full, those of the cluster from the mean of all r times as much. With
    lambda = step alpha, and g the singular values of G::

        prox       s_i theta_i / (theta_i + lambda),  theta_i = clip(s_i / mu - lambda, 1, 1/r)
        conjugate  (‖G‖_F² + (1/r - 1) sum_{i<=n} g_i²) / (2 alpha)
        gradient   P diag(s_i / theta_i) Q': r s_i at the top, mu inside, s_i at the bottom

    It is half the square of a norm; every dual point is feasible. Of K > 2 classes V is (d K) × T.

    Parameters
    ----------
    alpha : float
        Strength, >= 0; at ``inf`` V = 0.
    n_directions : int
        n, >= 1: at the rank of V and beyond it is a ridge of r alpha.
    within_ratio : float
        r, 0 < r <= 1.
    n_classes : int
        K.

    References
    ----------
    Jacob, Bach and Vert (2008). Clustered multi-task learning: a convex formulation. NeurIPS.
    Zhou, Chen and Ye (2011). Clustered multi-task learning via alternating structure optimization.
    NeurIPS. McDonald, Pontil and Stamos (2016). New perspectives on k-support and cluster norms.
    Journal of Machine Learning Research 17.
    """

    n_directions: int
    within_ratio: float
    n_classes: int = 1

    def _weights(self, s: np.ndarray, shift: float = 0.0) -> BoxWeights:
        return BoxWeights.of(s, self.n_directions, 1.0 / self.within_ratio, shift)

    def value(self, V: np.ndarray) -> float:
        if np.isinf(self.alpha):
            return 0.0
        s = singular_values(by_task(V, self.n_classes))
        return 0.5 * self.alpha * float((s * s / self._weights(s).theta).sum())

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        if self.alpha == 0:
            return V.copy()
        P, s, Qt = np.linalg.svd(by_task(V, self.n_classes), full_matrices=False)
        theta = self._weights(s, self.alpha * float(step)).theta
        kept = s * theta / (theta + self.alpha * float(step))
        return by_column((P * kept) @ Qt, self.n_classes)

    def derivative(self, Z: np.ndarray, step: Any) -> OfTasks:
        svd = np.linalg.svd(by_task(Z, self.n_classes), full_matrices=False)
        shift, top = self.alpha * float(step), 1.0 / self.within_ratio
        w = self._weights(svd[1], shift)
        f = svd[1] * w.theta / (w.theta + shift)
        slopes = np.repeat([top / (top + shift), 1.0], [w.n_top, w.n_inside])
        inside = slice(w.n_top, w.n_top + w.n_inside)
        base = 1.0 / (1.0 + shift)
        M = SpectralDerivative(svd, f, slopes, base, 1.0, inside, -shift / w.slope)
        return OfTasks(M, 1.0, self.n_classes)

    def gradient(self, V: np.ndarray) -> np.ndarray:
        P, s, Qt = np.linalg.svd(by_task(V, self.n_classes), full_matrices=False)
        slope = self.alpha * s / self._weights(s).theta
        return by_column((P * slope) @ Qt, self.n_classes)

    def bends(self, V: np.ndarray, held: float = 0.0) -> OfTasks:
        svd = np.linalg.svd(by_task(V, self.n_classes), full_matrices=False)
        w = self._weights(svd[1])
        slopes = np.repeat([self.within_ratio, 0.0], [w.n_top, w.n_inside])
        inside = slice(w.n_top, w.n_top + w.n_inside)
        M = SpectralDerivative(svd, svd[1] / w.theta, slopes, 1.0, 0.0, inside, 1.0 / w.slope)
        bound = None
        if held:  # ½ tr(V C⁻¹ V') at the C of this V
            r = w.n_top + w.n_inside
            bound = svd[2][:r].T * np.sqrt(1.0 - 1.0 / w.theta[:r])
        return OfTasks(M, self.alpha, self.n_classes, held, bound)

    def bulk(self, n_features: int, n_columns: int) -> float:
        all_at_top = self.n_directions >= min(
            n_features * self.n_classes, n_columns // self.n_classes
        )
        return self.alpha * (self.within_ratio if all_at_top else 1.0)

    def dual_scale(self, G: np.ndarray) -> float:
        return 1.0

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        if np.isinf(self.alpha):
            return 0.0
        G = by_task(sG, self.n_classes)
        P, s, Qt = np.linalg.svd(by_task(V, self.n_classes), full_matrices=False)
        w, root, n = self._weights(s), np.sqrt(self.alpha), self.n_directions
        r = w.n_top + w.n_inside
        theta, Q = w.theta[:r], Qt[:r].T
        # V C^-½ less G C^½ at the C of V, which are equal at the best V, ...
        apart = root * (P * (s / np.sqrt(w.theta))) @ Qt
        apart -= (G + (G @ (Q * (np.sqrt(theta) - 1.0))) @ Q.T) / root
        # ... and what the C of G has beyond that of V, as a sum of terms that are >= 0.
        _, g, Rt = np.linalg.svd(G, full_matrices=False)
        squares, more = g * g, 1.0 / self.within_ratio - 1.0
        if more == 0 or not len(g):
            return 0.5 * float(np.vdot(apart, apart))
        share = np.minimum((((Rt @ Q) ** 2) @ ((theta - 1.0) / more)), 1.0)
        level = squares[min(n, len(g)) - 1]
        beyond = (np.maximum(squares - level, 0.0) @ (1.0 - share)) + level * max(
            min(n, len(g)) - share.sum(), 0.0
        )
        beyond += np.maximum(level - squares, 0.0) @ share
        return 0.5 * (float(np.vdot(apart, apart)) + more * float(beyond) / self.alpha)

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        return _parts(self, V)


@dataclass(frozen=True, eq=False)
class OneCluster(SquaredNorm):
    """The ridge that is left of one cluster, or where within_ratio = 1.

    Parameters
    ----------
    alpha : float
        Strength, >= 0.
    n_classes : int
        K.
    """

    n_classes: int = 1

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        return _parts(self, V)


def _parts(penalty: ClusterPenalty | OneCluster, V: np.ndarray) -> dict[str, Any]:
    """What labels are made from."""
    rows = by_task(V, penalty.n_classes)
    return {"by_task": rows, "charged": penalty.value(V), "alpha": penalty.alpha}


class OfTasks:
    """A derivative in (d K) × T, times a number, as one in (d, T K).

    A share ``held`` of it is D - D F F', F the ``bound`` (T, r).
    """

    def __init__(
        self,
        inner: SpectralDerivative,
        scale: float,
        n_classes: int,
        held: float = 0.0,
        bound: np.ndarray | None = None,
    ) -> None:
        self.inner, self.scale, self.n_classes = inner, scale, n_classes
        self.held, self.bound = held, bound

    def times(self, D: np.ndarray) -> np.ndarray:
        rows = by_task(D, self.n_classes)
        found = self.inner.times(rows) if self.held < 1 else np.zeros_like(rows)
        if self.bound is not None:
            found *= 1.0 - self.held
            found += self.held * (rows - (rows @ self.bound) @ self.bound.T)
        return self.scale * by_column(found, self.n_classes)
