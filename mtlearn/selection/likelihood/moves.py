"""How a root of a covariance moves: without rotations, which change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Moves:
    """Moves of V'U, one for each pair i <= j, that change V'QV at (i, j) and (j, i) alone.

    With Q = V Λ V' and U = V Λ^½ + V X, X has a weight at (i, j) and one at (j, i).
    """

    values: np.ndarray

    @cached_property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """i and j (m,)."""
        return np.triu_indices(len(self.values))

    @cached_property
    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        """At (i, j) and at (j, i), (m,) each; the squares of the two add to one."""
        (i, j), values = self.pairs, self.values
        both = values[i] + values[j] + 2e-300
        upper = np.where(i == j, 0.0, np.sqrt((values[j] + 1e-300) / both))
        return upper, np.where(i == j, 1.0, np.sqrt((values[i] + 1e-300) / both))

    @cached_property
    def size(self) -> np.ndarray:
        """By how much V'QV changes, to first order."""
        i, j = self.pairs
        return np.where(i == j, np.sqrt(self.values[i]), np.sqrt(self.values[i] + self.values[j]))

    def matrix(self, m: np.ndarray) -> np.ndarray:
        """The X of moves of these lengths."""
        X, (i, j), (upper, lower) = np.zeros((len(self.values),) * 2), self.pairs, self.weights
        X[i, j] = m * upper
        X[j, i] += m * lower
        return X

    def first(self, slope: np.ndarray) -> np.ndarray:
        """Derivatives (m,) of what has the gradient ``slope`` in V'QV."""
        i, j = self.pairs
        return self.size * (slope[i, j] + slope[j, i])

    def second(self, H: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Second derivatives (m, m): of Q to first order by ``H`` (k, k, k, k), and to second."""
        i, j = self.pairs
        H = H[i, j] + H[j, i]
        out = (H[:, i, j] + H[:, j, i]) * (self.size[:, None] * self.size)
        upper, lower = self.weights
        entries = ((i, j, upper), (j, i, lower))
        for row, column, weight in entries:
            for other_row, other_column, other in entries:
                same = column[:, None] == other_column
                out += 2 * same * slope[row[:, None], other_row] * (weight[:, None] * other)
        return (out + out.T) / 2


def in_basis(H: np.ndarray, V: np.ndarray) -> np.ndarray:
    """H (k², k²) in the basis V, (k, k, k, k): one index after the other."""
    k = len(V)
    for _ in range(4):
        H = H.reshape(k, -1).T @ V
    return H.reshape(k, k, k, k)
