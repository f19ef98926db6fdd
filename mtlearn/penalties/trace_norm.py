"""Trace norm: the tasks' coefficients lie in a subspace of few dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.penalties.barrier import Heights
from mtlearn.penalties.base import InvariantInFeatures, InvariantInTasks, Norm, Smoothable
from mtlearn.penalties.derivative import Factored


class TraceNorm(Smoothable, InvariantInFeatures, InvariantInTasks, Norm):
    """Sum of the singular values (nuclear norm).

    ::

        V = P diag(s) Q'
        Omega(V)  = sum_i s_i
        Omega°(G) = largest singular value of G
        prox      = P diag(f) Q',  f_i = max(s_i - step alpha, 0)
        its derivative: in the basis (P, Q) of singular vectors the symmetric part of a direction
                    is multiplied by (f_i - f_j)/(s_i - s_j), the antisymmetric part by
                    (f_i + f_j)/(s_i + s_j), what is outside the longer basis by f_i / s_i

    References
    ----------
    Argyriou, Evgeniou and Pontil (2008). Convex multi-task feature learning. Machine Learning 73.
    Cai, Candès and Shen (2010). A singular value thresholding algorithm for matrix completion.
    SIAM Journal on Optimization 20. Derivative: Candès, Sing-Long and Trzasko (2013). Unbiased
    risk estimates for singular value thresholding. IEEE Transactions on Signal Processing 61.
    """

    # The last prox, not to be written to, and the sum of its singular values, which is asked for
    # next: columns that are at right angles to 1e-8 have them for their lengths, to rounding.
    _last: tuple[Any, float] = None, 0.0

    def value(self, V: np.ndarray) -> float:
        # Not from V'V: the root of a rounded zero is 1e-8 of the largest, times their number.
        last, total = self._last
        return self.alpha * (total if V is last else float(singular_values(V).sum()))

    def dual_norm(self, G: np.ndarray) -> float:
        gram = G.T @ G if G.shape[0] >= G.shape[1] else G @ G.T
        return float(np.sqrt(max(np.linalg.eigvalsh(gram)[-1], 0.0)))

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        if V.shape[0] < V.shape[1]:
            turned = self.prox(V.T, step)
            last, total = self._last
            V = turned.T
            if turned is last:
                self._last = V, total
            return V
        threshold = self.alpha * float(step)
        if threshold == 0:
            return V.copy()
        squares, Q = np.linalg.eigh(V.T @ V)
        if threshold > SQUARING_LOSES * np.sqrt(max(squares[-1], 0.0)):
            s = np.sqrt(np.maximum(squares, 0.0))
            kept = s > threshold
            Q = Q[:, kept]
            thin = V @ (Q * (1.0 - threshold / s[kept]))
            out = thin @ Q.T
            out.flags.writeable = False
            self._last = out, float(np.linalg.norm(thin, axis=0).sum())
            return out
        P, s, Qt = np.linalg.svd(V, full_matrices=False)
        kept = s > threshold
        return (P[:, kept] * (s[kept] - threshold)) @ Qt[kept]

    def derivative(self, Z: np.ndarray, step: Any) -> SingularValueDerivative:
        return SingularValueDerivative(Z, self.alpha * float(step))

    def smoothed(self, V: np.ndarray, width: float) -> SmoothedTraceNorm:
        """By the barrier of its cone, of strength alpha width."""
        return SmoothedTraceNorm(self.alpha, V, width)

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        s = singular_values(V)
        rank = int((s > s[0] * max(V.shape) * np.finfo(float).eps).sum())
        return {"rank": rank, "singular_values": s}


# An eigenvalue of V'V is known to 1e-16 of the largest one, so a singular value near a threshold
# t to 1e-16 s_1² / 2t: 5e-9 of t at this ratio t / s_1, and the last digits are Newton's. Below it
# an SVD is worth its two to four times the time.
SQUARING_LOSES = 1e-4


def singular_values(V: np.ndarray) -> np.ndarray:
    return np.linalg.svd(V, compute_uv=False)


class SmoothedTraceNorm:
    """Sum of phi(s_i), made by the barrier of the cone of the norm, and its derivatives at V.

    ``‖V‖_*`` is the least of (tr A + tr B) / 2 with [[A, V], [V', B]] >= 0. With the barrier
    -mu log det of that, the best A and B have the singular vectors of V, and what is left is the
    phi of :mod:`mtlearn.penalties.barrier` of each singular value, self-concordant like the
    barrier. With t_i = w + f_i, f_i = (s_i² + w²)^½, w = mu / alpha, the Hessian, in the basis of
    singular vectors, multiplies the symmetric part of a direction by alpha times ::

        (s_i/t_i - s_j/t_j) / (s_i - s_j) = (w + w² (s_i + s_j) / (s_i f_j + s_j f_i)) / (t_i t_j)

    the antisymmetric part by ``(s_i/t_i + s_j/t_j) / (s_i + s_j)``, and what is outside the longer
    basis (s_j = 0) by ``1 / t_i``.

    References
    ----------
    Nesterov and Nemirovskii (1994). Interior-point polynomial algorithms in convex programming.
    SIAM. Lewis and Sendov (2005). Nonsmooth analysis of singular values. Set-Valued Analysis 13.
    """

    def __init__(self, alpha: float, V: np.ndarray, width: float) -> None:
        self.alpha, self.width = alpha, width
        self.P, self.s, self.Qt = np.linalg.svd(V, full_matrices=True)
        self.heights = Heights(self.s, alpha, alpha * width)
        self.value = self.heights.value

    def gradient(self) -> np.ndarray:
        """(d, C)."""
        k = len(self.s)
        return self.alpha * (self.P[:, :k] * (self.s / self.heights.t)) @ self.Qt[:k]

    def hessian(self) -> np.ndarray:
        """(d C, d C), of V flattened row by row."""
        d, C, k, w = len(self.P), len(self.Qt), len(self.s), self.width
        row, column = (np.pad(self.s, (0, n - k)) for n in (d, C))
        a, b = row[:, None], column[None, :]
        fa, fb = np.hypot(a, w), np.hypot(b, w)
        cross = a * fb + b * fa
        least = np.full((d, C), w)  # the limit, where a = b = 0
        inner = np.divide(w * w * (a + b), cross, out=least, where=cross > 0)
        even = (w + inner) / ((w + fa) * (w + fb))
        flat = np.full((d, C), 0.5 / w)
        odd = np.divide(a / (w + fa) + b / (w + fb), a + b, out=flat, where=a + b > 0)
        # Row e of ``inside`` is the e-th unit matrix in the basis of singular vectors.
        inside = np.einsum("ji,lc->jcil", self.P, self.Qt).reshape(d * C, d, C)
        out = inside * (even + odd) / 2
        out[:, :k, :k] += inside[:, :k, :k].swapaxes(1, 2) * ((even - odd) / 2)[:k, :k]
        return self.alpha * (out.reshape(d * C, -1) @ inside.reshape(d * C, -1).T)


class OfSingularValues:
    """A map in the basis of singular vectors that touches the first r of them; d × C × r a product.

    What is (i, j) there has its symmetric part multiplied by ``symmetric``, the antisymmetric one
    by ``antisymmetric``, both (r, m), and what is outside the longer basis by ``outside`` (r,).
    """

    transposed: bool
    P: np.ndarray  # (d, m), of the longer side,
    Q: np.ndarray  # (C, m) and of the shorter one
    rank: int
    symmetric: np.ndarray
    antisymmetric: np.ndarray
    outside: np.ndarray

    def times(self, D: np.ndarray) -> np.ndarray:
        """M D for D of shape (..., d, C)."""
        if self.transposed:
            D = D.swapaxes(-1, -2)
        P, Q, r = self.P, self.Q, self.rank
        right = D @ Q[:, :r]
        rows = (P[:, :r].T @ D) @ Q  # P'DQ, its first r rows ...
        columns = P.T @ right  # ... and its first r columns
        across = columns.swapaxes(-1, -2)
        even = self.symmetric * (rows + across) / 2
        odd = self.antisymmetric * (rows - across) / 2
        lower = (even - odd)[..., r:].swapaxes(-1, -2)
        rest = (right - P @ columns) * self.outside + P[:, r:] @ lower
        result = P[:, :r] @ ((even + odd) @ Q.T) + rest @ Q[:, :r].T
        return result.swapaxes(-1, -2) if self.transposed else result


class SingularValueDerivative(OfSingularValues, Factored):
    """Derivative of singular value thresholding at Z; cost d × C × (values above) a product.

    Only the blocks that touch the r singular values above the threshold are not zero, so
    nothing larger than r × C and d × r is formed.
    """

    def __init__(self, Z: np.ndarray, threshold: float) -> None:
        self.transposed = Z.shape[0] < Z.shape[1]
        self.P, s, Qt = np.linalg.svd(Z.T if self.transposed else Z, full_matrices=False)
        self.Q = Qt.T
        above = (s > threshold) | (threshold == 0)
        self.rank = r = int(above.sum())
        self.dimensions = r * (sum(Z.shape) - r)
        f = np.where(above, s - threshold, 0.0)
        # Rows: values above; columns: all. Where both are above, the difference quotient is 1.
        apart = s[:r, None] - s[None, :]
        self.symmetric = np.divide(f[:r, None], apart, out=np.ones((r, len(s))), where=~above)
        total = s[:r, None] + s[None, :]
        self.antisymmetric = np.divide(
            f[:r, None] + f[None, :], total, out=np.ones((r, len(s))), where=total > 0
        )
        self.outside = np.divide(f[:r], s[:r], out=np.ones(r), where=s[:r] > 0)
        self._face: tuple | None = None

    # In the basis of singular vectors M mixes entry (i, j) with (j, i) alone: their sum and their
    # difference are a dimension of the face each, entries outside the square one on their own.

    def _full(self):
        """Both bases, complete, and of each dimension its two entries and their factors."""
        if self._face is None:
            d, C, r = len(self.P), len(self.Q), self.rank
            P = np.linalg.qr(self.P, mode="complete")[0]
            P[:, :C] = self.P
            i, j = np.nonzero(np.arange(r)[:, None] < np.arange(C))
            here, there = i * C + j, j * C + i
            even, odd = np.sqrt(0.5 * self.symmetric[i, j]), np.sqrt(0.5 * self.antisymmetric[i, j])
            own = np.arange(r) * (C + 1)
            below = (np.arange(C, d)[:, None] * C + np.arange(r)).ravel()
            rest = np.tile(np.sqrt(self.outside), d - C)
            first = np.concatenate([own, here, here, below])
            second = np.concatenate([own, there, there, below])
            a = np.concatenate([np.sqrt(np.diagonal(self.symmetric)[:r]), even, odd, rest])
            b = np.concatenate([np.zeros(r), even, -odd, np.zeros(len(rest))])
            self._face = P, first, second, a, b
        return self._face

    def to_face(self, D: np.ndarray) -> np.ndarray:
        P, first, second, a, b = self._full()
        if self.transposed:
            D = D.swapaxes(0, 1)
        d, C, n = D.shape
        inside = np.matmul(self.Q.T, (P.T @ D.reshape(d, C * n)).reshape(d, C, n)).reshape(d * C, n)
        face, mixed = inside[first], np.flatnonzero(b)
        face *= a[:, None]
        face[mixed] += inside[second[mixed]] * b[mixed, None]
        return face

    def from_face(self, t: np.ndarray) -> np.ndarray:
        P, first, second, a, b = self._full()
        inside = np.bincount(first, a * t, len(P) * len(self.Q))
        inside += np.bincount(second, b * t, len(inside))
        result = P @ inside.reshape(len(P), -1) @ self.Q.T
        return result.T if self.transposed else result

    def squares(self) -> np.ndarray:
        _, _, _, a, b = self._full()
        return np.diag(a**2 + b**2)
