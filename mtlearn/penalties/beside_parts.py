"""What one more task is charged beside others that are held, by parts that it is the sum of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg


@dataclass(frozen=True, eq=False)
class BesideRows:
    """alpha (sum_j sqrt(m_j² + ‖v^j‖²) - m_j) for the columns V (d, K) of a task.

    m_j = ‖h^j‖ of the others, which are held; smooth for width > 0. With sigma_j² = m_j² + ‖v^j‖² +
    width²::

        value     alpha sum (sigma - m)
        gradient  alpha v^j / sigma_j
        Hessian   alpha (I - v^j v^j' / sigma_j²) / sigma_j  of each row
        conjugate -alpha sum m_j ((1 - ‖g^j‖²/alpha²)^½ - 1)  of G with rows up to alpha

    Parameters
    ----------
    alpha : float
        Strength, > 0.
    held : ndarray of shape (d,)
        m.
    width : float
    """

    alpha: float
    held: np.ndarray
    width: float = 0.0

    def value(self, V: np.ndarray) -> float:
        squares = np.einsum("jk,jk->j", V, V) + self.width**2
        sum_ = np.sqrt(self.held**2 + squares) + self.held
        each = np.divide(squares, sum_, out=np.zeros_like(squares), where=sum_ > 0)
        return self.alpha * float(each.sum())

    def gradient_and_hessian(self, V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(d, K), and (d K, d K) of V flattened row by row."""
        d, K = V.shape
        squares = np.einsum("jk,jk->j", V, V) + self.width**2
        sigma = np.sqrt(self.held**2 + squares)[:, None]
        over = np.divide(1.0, sigma, out=np.zeros_like(sigma), where=sigma > 0)
        U = V * over
        H = np.zeros((d, K, d, K))
        each = np.arange(d)
        H[each, :, each] = over[:, :, None] * (np.eye(K) - U[:, :, None] * U[:, None, :])
        return self.alpha * U, self.alpha * H.reshape(d * K, d * K)

    def dual_scale(self, G: np.ndarray) -> float:
        """The largest s <= 1 that makes s G feasible."""
        size = float(np.linalg.norm(G, axis=1).max(initial=0.0))
        return 1.0 if size <= self.alpha else self.alpha / size

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        """Value, less <V, sG>, and the conjugate of sG, which is feasible."""
        g = np.einsum("jk,jk->j", sG, sG) / self.alpha**2
        lost = g / (1.0 + np.sqrt(np.maximum(1.0 - g, 0.0)))
        value = BesideRows(self.alpha, self.held).value(V)
        return max(value - float(np.vdot(V, sG)) + self.alpha * float(lost @ self.held), 0.0)


@dataclass(frozen=True, eq=False)
class BesideParts:
    """What the parts of V are charged, one below the other, (n d, K).

    Parameters
    ----------
    each : tuple
        What each part is charged, of one width.
    """

    each: tuple[Any, ...]

    def _with(self, V: np.ndarray) -> Any:
        return zip(self.each, np.split(V, len(self.each)), strict=True)

    def value(self, V: np.ndarray) -> float:
        return sum(charge.value(part) for charge, part in self._with(V))

    def gradient_and_hessian(self, V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n d, K), and (n d K, n d K) of V flattened row by row."""
        both = [charge.gradient_and_hessian(part) for charge, part in self._with(V)]
        return np.vstack([g for g, _ in both]), linalg.block_diag(*[H for _, H in both])

    def dual_scale(self, G: np.ndarray) -> float:
        """The largest s <= 1 that makes s G feasible."""
        return min(charge.dual_scale(part) for charge, part in self._with(G))

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        """Value, less <V, sG>, and the conjugate of sG, which is feasible."""
        pairs = zip(self._with(V), np.split(sG, len(self.each)), strict=True)
        return sum(charge.fenchel_gap(part, g) for (charge, part), g in pairs)
