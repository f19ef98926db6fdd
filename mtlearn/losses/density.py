"""Losses that are densities: what a likelihood needs of them, beside what a fit does."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from mtlearn.losses.base import Loss


class MinusLogDensity(Loss):
    """Minus the logarithm of the density of a target given its score, up to a constant of targets.

    Its third derivative says how the curvature moves with the score, which Laplace's approximation
    asks for.

    Attributes
    ----------
    tells_spread : bool
        Whether a single target says how much scores vary beside it: a count does, being further
        from its mean than the mean alone would have it; a class label does not.
    """

    tells_spread: ClassVar[bool]

    @abstractmethod
    def third(self, f: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Third derivative of the value in ``f``."""

    @abstractmethod
    def level(self, mean: np.ndarray) -> np.ndarray:
        """The score, one for all, of least loss for targets of this mean."""

    @abstractmethod
    def lacks(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """What the weighted value lacks of minus the log density."""
