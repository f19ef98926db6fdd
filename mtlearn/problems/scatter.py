"""What is known of columns of coefficients: sums over their rows, and scatters in blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.problems.weighted_rows import WeightedRows


@dataclass(frozen=True)
class Statistics:
    """What is known of each column without its scatter, under its own weights.

    Attributes
    ----------
    weight : ndarray of shape (C,)
        Sum of the weights.
    x_mean : ndarray of shape (C, d) or (1, d)
    y_mean : ndarray of shape (C,)
    xy : ndarray of shape (C, d)
        Centred cross products.
    yy : ndarray of shape (C,)
        Centred squares.
    of_targets : tuple of two ndarrays of shape (C,), or None
        Standard deviation of each target and whether it varies. None is what ``yy`` and ``y_mean``
        say; where nothing is centred, and all means are zero, they do not.
    """

    weight: np.ndarray
    x_mean: np.ndarray
    y_mean: np.ndarray
    xy: np.ndarray
    yy: np.ndarray
    of_targets: tuple[np.ndarray, np.ndarray] | None = None

    def deviation(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviation of each target, and whether it varies."""
        if self.of_targets is not None:
            return self.of_targets
        return deviation_of(self.weight, self.y_mean, self.yy)


def deviation_of(
    weight: np.ndarray, y_mean: np.ndarray, yy: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviation of targets with these moments, and whether they vary."""
    return np.sqrt(yy / weight), yy > 1e-28 * weight * y_mean**2  # what is less is rounding of y


@dataclass(frozen=True)
class ScatterBlock:
    """Scatters S_t of some tasks: as they are, or as S_t = A_t'A_t with fewer rows than columns.

    ``full`` is (B, d, d) and ``thin`` (B, r, d); one of them is None. A leading axis of one with
    more than one task means that the tasks have it in common.
    """

    tasks: np.ndarray
    full: np.ndarray | None = None
    thin: np.ndarray | None = None


class Scatters(ABC):
    """The centred scatters S_t of the columns of a squared-loss problem, to multiply with.

    Held as they are, or multiplied through the rows; so are their sums with what the levels add,
    the Hessians H_t = S_t + kappa_t x̄_t x̄_t'.
    """

    n_columns: int

    @abstractmethod
    def scatter_times(self, W: np.ndarray) -> np.ndarray:
        """Columns S_t w_t of W (d, C), under the weights c."""

    @abstractmethod
    def scatter(self, rows: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
        """S_t restricted to some features, (T, k, l), or (1, k, l) where tasks share it."""

    @abstractmethod
    def scatter_diagonal(self) -> np.ndarray:
        """Diagonals of the S_t, (d, C) or (d, 1)."""

    @abstractmethod
    def scatter_sum(self, own: np.ndarray) -> np.ndarray:
        """Sum over columns of own_t S_t, (d, d)."""

    def scatter_sum_times(self, own: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Sum over columns of own_t S_t w, (d,)."""
        return self.scatter_times(np.repeat(w[:, None], self.n_columns, axis=1)) @ own

    @abstractmethod
    def scatter_blocks(self, thin: bool, *, whole: bool = False) -> Iterator[ScatterBlock]:
        """The S_t of blocks of tasks (H_t if ``whole``), factored where smaller and ``thin``."""

    # Of some features, "picked".

    @abstractmethod
    def pick(self, features: np.ndarray) -> Any:
        """What there is of some features, to multiply with."""

    @abstractmethod
    def cross(self, left: Any, right: Any) -> np.ndarray:
        """Scatters between picked features (all of them where ``right`` is None), unscaled.

        Of shape (C, k, l), or (1, k, l) where the rows and weights of all columns are the same.
        """

    @abstractmethod
    def picked_times(self, picked: Any, V: np.ndarray) -> np.ndarray:
        """Columns S_c v_c in all features, (d, C), of V (k, C) in picked ones; unscaled."""

    # What they cost.

    def rows_of_products(self) -> int | None:
        """The rows that a product passes over for all columns at once; None where it does not."""
        return None

    def thin_rows(self) -> float:
        """The r of :meth:`thin`; inf where there is none."""
        return np.inf

    def thin(self, root: np.ndarray, kind: np.dtype) -> np.ndarray:
        """A_c diag(root) (C, r, d), or (1, r, d) where they are the same, with H_c = A_c'A_c.

        In some precision.
        """
        raise NotImplementedError

    def weighted_rows(self) -> WeightedRows | None:
        """The same as one X under the weights of every column, where it is that."""
        return None

    def holds_scatter(self, n_features: int) -> bool:
        """Whether the scatters between so many features are small enough to be held."""
        return True

    @abstractmethod
    def factor_flops(self) -> float:
        """What it takes to factorise the H_t of all columns."""

    @abstractmethod
    def spectrum_bytes(self) -> int:
        """Memory of the eigenvectors of all S_t."""
