"""What a penalty has to say; everything else in the library is written in these words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from mtlearn.penalties.envelope import Envelope


class Derivative(Protocol):
    """A symmetric linear map M on (d, C), 0 <= M <= I."""

    def times(self, D: np.ndarray) -> np.ndarray:
        """M D for D of shape (..., d, C)."""


@dataclass(frozen=True)
class Penalty(ABC):
    """``alpha * Omega(V)`` on the deviations V (d × C), Omega a norm.

    Parameters
    ----------
    alpha : float
        Strength, >= 0.

    Attributes
    ----------
    separable : bool
        Whether Omega is a sum over the rows of V (features); then ``step`` may be one per row.
    """

    alpha: float
    separable: ClassVar[bool] = True

    @abstractmethod
    def value(self, V: np.ndarray) -> float:
        """alpha Omega(V)."""

    @abstractmethod
    def dual_norm(self, G: np.ndarray) -> float:
        """Omega°(G) = max <G, V> over Omega(V) <= 1: the smallest alpha at which V = 0, finite."""

    @abstractmethod
    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        """argmin_U ½ ‖U - V‖² + step * alpha * Omega(U); ``step`` may be one per feature (d, 1).

        Steps per feature are the prox in the metric sum_j ‖u^j - v^j‖² / (2 step_j), which
        penalties that are a sum over features have in closed form.
        """

    @abstractmethod
    def derivative(self, Z: np.ndarray, step: Any) -> Derivative:
        """An element of the generalised (Clarke) Jacobian of ``prox(., step)`` at Z."""

    def to_kinks(self, V: np.ndarray, D: np.ndarray) -> np.ndarray:
        """V + D, except that an entry which would pass a kink of Omega on the way stays on it.

        D comes from a quadratic model that knows the face where V is and no other. A penalty
        without kinks inside a row need not say anything.
        """
        return V + D

    def smoothed(self, V: np.ndarray, width: float) -> Any:
        """A smooth function near alpha Omega: ``value``, ``gradient()`` and ``hessian()`` at V.

        Closer the smaller the ``width``, a length in V. It is asked of penalties that are no sum
        over features where these are of very different scale; what is here serves any of them.
        """
        return Envelope(self, V, width)

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        """What this penalty explains V by: support, rank, shared and specific part."""
        return {}

    def dual_scale(self, G: np.ndarray) -> float:
        """The s <= 1 that makes s G a feasible dual point, Omega°(s G) <= alpha."""
        size = self.dual_norm(G)
        return 1.0 if size <= self.alpha else self.alpha / size

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        """alpha Omega(V) - <V, sG> + conjugate(sG), which is >= 0; sG is feasible."""
        return self.value(V) - float(np.vdot(V, sG))
