"""What is known of columns of coefficients: sums over their rows, and scatters in blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
    """

    weight: np.ndarray
    x_mean: np.ndarray
    y_mean: np.ndarray
    xy: np.ndarray
    yy: np.ndarray


@dataclass(frozen=True)
class ScatterBlock:
    """Scatters S_t of some tasks: as they are, or as S_t = A_t'A_t with fewer rows than columns.

    ``full`` is (B, d, d) and ``thin`` (B, r, d); one of them is None. A leading axis of one with
    more than one task means that the tasks have it in common.
    """

    tasks: np.ndarray
    full: np.ndarray | None = None
    thin: np.ndarray | None = None
