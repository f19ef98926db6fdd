"""Penalties on W (features over tasks): value, dual norm, prox. Plain NumPy, float64.

The benchmark's own, so that a mistake in mtlearn's cannot hide: nothing here imports it.
"""

import numpy as np


def row_norms(W):
    return np.sqrt(np.einsum("ij,ij->i", W, W))


def descending(W):
    """The absolute values of each row, the largest first."""
    return -np.sort(-np.abs(W), axis=1)


def project_l1(Z, radius, cap=np.inf):
    """Each row z, outside of it, on the L1 ball of ``radius`` with no entry above ``cap``.

    It is sign(z) clip(|z| - tau, 0, cap); the sum of that is piecewise linear in tau >= 0, with
    knots at the |z| (one more entry counts) and the |z| - cap (one less does).
    """
    A = np.abs(Z)
    knots, slopes = A, np.ones_like(A)
    if cap < np.inf:
        knots, slopes = np.concatenate([A, A - cap], axis=1), np.repeat([1.0, -1.0], A.shape[1])
        slopes = np.broadcast_to(slopes, knots.shape)
    order = np.argsort(-knots, axis=1)
    knots = np.take_along_axis(knots, order, axis=1)
    slopes = np.take_along_axis(slopes, order, axis=1).cumsum(axis=1)
    rise = slopes[:, :-1] * (knots[:, :-1] - knots[:, 1:])
    sums = np.concatenate([np.zeros((len(Z), 1)), rise.cumsum(axis=1)], axis=1)
    row, k = np.arange(len(Z)), (sums < radius).sum(axis=1) - 1  # the last knot below the radius
    tau = knots[row, k] - (radius - sums[row, k]) / np.maximum(slopes[row, k], 1.0)
    return np.sign(Z) * np.clip(A - np.maximum(tau, 0.0)[:, None], 0.0, cap)


class L21:
    """sum_j ‖w^j‖_2"""

    def value(self, W):
        return row_norms(W).sum()

    def dual(self, G):
        return row_norms(G).max()

    def prox(self, Z, r):
        norms = row_norms(Z)
        return Z * np.maximum(1.0 - r / np.maximum(norms, 1e-300), 0.0)[:, None]


class L1inf:
    """sum_j max_t |w_jt|"""

    def value(self, W):
        return np.abs(W).max(axis=1).sum()

    def dual(self, G):
        return np.abs(G).sum(axis=1).max()

    def prox(self, Z, r):
        P = np.zeros_like(Z)
        keep = np.abs(Z).sum(axis=1) > r  # the other rows are in the ball, and their prox is 0
        P[keep] = Z[keep] - project_l1(Z[keep], r)
        return P


class Dirty:
    """min over B + S = W of sum_j ‖b^j‖_q + rho ‖S‖_1, q = 2 or inf."""

    def __init__(self, norm, rho):
        self.norm, self.rho = norm, rho

    def value(self, W):
        W = W[W.any(axis=1)]
        A = descending(W)
        if self.norm == "linf":  # level l costs l + rho sum (|w| - l)_+, least at an entry or 0
            levels = np.concatenate([A, np.zeros((len(A), 1))], axis=1)
            over = np.concatenate([np.zeros((len(A), 1)), A.cumsum(axis=1)], axis=1)
            return (levels + self.rho * (over - levels * np.arange(A.shape[1] + 1.0))).min(1).sum()
        s = self._knee(A)
        return s.sum() + self.rho * np.maximum(A - self.rho * s[:, None], 0.0).sum()

    def _knee(self, A):
        """s with ‖min(a/s, rho)‖_2 = 1 of each (descending) row; 0 where it stays below 1."""
        K, T = A.shape
        tail = np.zeros((K, T + 1))
        tail[:, :T] = (A * A)[:, ::-1].cumsum(axis=1)[:, ::-1]
        left = 1.0 - self.rho**2 * np.arange(T + 1.0)  # k entries are cut: (1 - k rho²) s² = tail
        possible = left > 1e-12
        s = np.sqrt(tail[:, possible] / left[possible])
        following = np.concatenate([A, np.zeros((K, 1))], axis=1)[:, possible]
        right = self.rho * s >= following * (1 - 1e-12)
        right[:, -1] = True
        return s[np.arange(K), right.argmax(axis=1)]

    def dual(self, G):
        ball = row_norms(G) if self.norm == "l2" else np.abs(G).sum(axis=1)
        return max(ball.max(), np.abs(G).max() / self.rho)

    def prox(self, Z, r):
        P = np.zeros_like(Z)
        size = row_norms(Z) if self.norm == "l2" else np.abs(Z).sum(axis=1)
        keep = (size > r) | (np.abs(Z).max(axis=1) > self.rho * r)
        Z = Z[keep]
        if self.norm == "l2":
            s = np.maximum(self._knee(descending(Z)) / r, 1.0)[:, None]
            P[keep] = Z - np.clip(Z / s, -self.rho * r, self.rho * r)
        else:
            P[keep] = Z - project_l1(Z, r, cap=self.rho * r)
        return P


class TraceNorm:
    """sum of the singular values: through the eigenvalues of the smaller Gram matrix."""

    def value(self, W):
        return np.linalg.svd(W, compute_uv=False).sum()

    def dual(self, G):
        return np.sqrt(max(np.linalg.eigvalsh(_smaller(G))[-1], 0.0))

    def prox(self, Z, r):
        squares, Q = np.linalg.eigh(_smaller(Z))
        s = np.sqrt(np.maximum(squares, 0.0))
        keep = s > r
        Q = Q[:, keep]
        scaled = Q * (1.0 - r / s[keep])
        return (Z @ scaled) @ Q.T if Z.shape[0] >= Z.shape[1] else scaled @ (Q.T @ Z)


def _smaller(A):
    return A.T @ A if A.shape[0] >= A.shape[1] else A @ A.T
