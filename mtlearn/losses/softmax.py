"""The softmax loss: one choice among several classes, with a gap that keeps its digits.

The only loss whose entries do not stand alone: a row of scores is one choice.
"""

from __future__ import annotations

import numpy as np

from mtlearn.losses.base import Expansion, Loss
from mtlearn.losses.divergence import divergence


class Softmax(Loss):
    r"""Multinomial log loss of rows of scores, :math:`\log\sum_j e^{f_j} - \sum_k q_k f_k`.

    Targets q of a row are shares that sum to one: 1 for the class that was seen, or soft ones.
    Probabilities are :math:`p_k = e^{f_k} / \sum_j e^{f_j}`. Arrays are (n, K), and what a row
    costs stands where its targets are, :math:`q_k (\log\sum_j e^{f_j} - f_k)`, which adds up.

    Notes
    -----
    The Hessian of a row is diag(p) - pp'. :meth:`curvature` is a diagonal above it, for models by
    columns: p where no class has more than half; where class m has, 2 p_m (1 - p_m) for it and
    2 p_m p_k for the others. The difference diag(p t) + pp', t the curvature over p less one, is
    semidefinite: all t are >= 0, or t_m = 1 - 2 p_m alone is below and, the others being 2 p_m - 1,
    1 + sum_k p_k / t_k = 0, where the determinant lemma asks for no more than that. Of two classes
    it is the Hessian itself in the direction that there is.

    The conjugate is the negative entropy of shares (Boyd and Vandenberghe, Convex Optimization,
    2004, section 3.3): the gap is the Kullback-Leibler divergence of u = q + s (p - q) from p. By
    entry it is u log(u / p) - (u - p), never negative; u - p adds up to zero.

    References
    ----------
    Böhning (1992). Multinomial logistic regression algorithm. Annals of the Institute of
    Statistical Mathematics 44 (majorisers of the Hessian).

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.losses import Softmax
    >>> Softmax().residual(np.zeros((1, 4)), np.array([[0.0, 1.0, 0.0, 0.0]]))
    array([[-0.25,  0.75, -0.25, -0.25]])
    """

    joint = True

    def value(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``q_k (log sum_j exp(f_j) - f_k)``, whose sum is what a row costs."""
        return -y * _shares(f)[2]

    def residual(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``q - p``."""
        return _residual(y, *_shares(f)[:2])

    def curvature(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """A diagonal above the Hessian of a row, whatever the target."""
        return _above(*_shares(f)[:2]) + np.zeros_like(y)

    def expansion(self, f: np.ndarray, y: np.ndarray) -> Expansion:
        """Value, residual and curvature, of the same exponentials."""
        p, other, log = _shares(f)
        return Expansion(-y * log, _residual(y, p, other), _above(p, other))

    def dual_gap(self, f: np.ndarray, y: np.ndarray, s: np.ndarray | float) -> np.ndarray:
        """``KL(q + s (p - q) || p)`` of a row, as a sum of terms none of which is negative."""
        p, other, log = _shares(f)
        return divergence(p, log, np.subtract(1.0, s) * _residual(y, p, other))


def _shares(f: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p, and 1 - p without a difference, which would lose what is next to zero; and log p."""
    best = f.argmax(axis=1)[:, None]
    log = f - np.take_along_axis(f, best, axis=1)
    p = np.exp(log)
    np.put_along_axis(p, best, 0.0, axis=1)
    rest = p.sum(axis=1, keepdims=True)  # of all but the largest, which is 1
    np.put_along_axis(p, best, 1.0, axis=1)
    p /= 1.0 + rest
    other = 1.0 - p
    np.put_along_axis(other, best, rest / (1.0 + rest), axis=1)
    log -= np.log1p(rest)
    return p, other, log


def _residual(y: np.ndarray, p: np.ndarray, other: np.ndarray) -> np.ndarray:
    return y * other - np.subtract(1.0, y) * p


def _above(p: np.ndarray, other: np.ndarray) -> np.ndarray:
    largest = p.max(axis=1, keepdims=True)
    return p * np.minimum(np.maximum(2.0 * largest, 1.0), 2.0 * other)
