"""What a penalty has to say; everything else in the library is written in these words.

A penalty says what it can do by the classes that it is made of: :class:`Norm`, a sum over features
(:class:`RowSeparable`), with a derivative of its prox (:class:`Differentiable`), and so on. Solvers
say what they need in the same words, and nobody finds out by trying.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from mtlearn.penalties.envelope import Envelope
from mtlearn.penalties.splitting import cheapest_split, nearest
from mtlearn.penalties.sum_of_parts import SumOfParts


class Derivative(Protocol):
    """A symmetric linear map M on (d, C), 0 <= M <= I."""

    def times(self, D: np.ndarray) -> np.ndarray:
        """M D for D of shape (..., d, C)."""


@dataclass(frozen=True)
class Penalty(ABC):
    """``alpha * Omega(V)`` on the deviations V (d × C), Omega convex and zero at V = 0.

    Parameters
    ----------
    alpha : float
        Strength, >= 0.
    """

    alpha: float

    def at(self, alpha: float) -> Self:
        """The same penalty of another strength."""
        return replace(self, alpha=alpha)

    @abstractmethod
    def value(self, V: np.ndarray) -> float:
        """alpha Omega(V)."""

    @abstractmethod
    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        """argmin_U ½ ‖U - V‖² + step * alpha * Omega(U)."""

    @abstractmethod
    def dual_scale(self, G: np.ndarray) -> float:
        """The largest s <= 1 that makes s G a feasible dual point."""

    @abstractmethod
    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        """alpha Omega(V) - <V, sG> + conjugate(sG), which is >= 0; sG is feasible."""

    def parts(self, V: np.ndarray) -> dict[str, Any]:
        """What this penalty explains V by: support, rank, shared and specific part."""
        return {}


class Norm(Penalty):
    """Omega is a norm: V = 0 from some alpha on, and dual points are feasible or not."""

    ridge: float = 0.0  # of ½‖V‖², which may come with it and stays where alpha changes

    @abstractmethod
    def dual_norm(self, G: np.ndarray) -> float:
        """Omega°(G) = max <G, V> over Omega(V) <= 1: the smallest alpha at which V = 0, finite."""

    def dual_scale(self, G: np.ndarray) -> float:
        """The s <= 1 with Omega°(s G) <= alpha."""
        size = self.dual_norm(G)
        return 1.0 if size <= self.alpha else self.alpha / size

    def fenchel_gap(self, V: np.ndarray, sG: np.ndarray) -> float:
        """alpha Omega(V) - <V, sG>: the conjugate of a norm is 0 where it is feasible."""
        return self.value(V) - float(np.vdot(V, sG))


class Composite(Norm):
    """Omega is that of the cheapest sum of parts, each under a norm of its own.

    The dual norm is the largest of theirs. Where the cheapest split has no closed form, solvers
    look for the parts side by side.
    """

    stacked: Any  # the sum of the norms of the parts, of parts side by side

    def dual_norm(self, G: np.ndarray) -> float:
        return max(norm.at(1.0).dual_norm(G) for norm in self.stacked.norms)

    def value(self, V: np.ndarray) -> float:
        return self.stacked.value(np.hstack(self.split(V)))

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        return nearest(self.stacked, V, step)

    def split(self, V: np.ndarray) -> tuple[np.ndarray, ...]:
        """The parts that V was found as; of any other V the cheapest."""
        known = V.parts if isinstance(V, SumOfParts) else None
        return cheapest_split(self.stacked, V) if known is None else known


class QuadraticPenalty(Penalty):
    """Omega is ½ tr(V K V') of some K >= 0: stationary points are linear systems.

    A dual point is feasible where what is charged nothing leaves nothing of it.
    """

    def free_part(self, G: np.ndarray) -> np.ndarray | None:
        """What a gradient (d, C) is along the directions that are charged nothing, if any are."""
        return None


class Ridge(QuadraticPenalty):
    """Omega is ½‖V‖²: every direction is charged alike, so that alpha = inf leaves none."""


class SquareOfNorm(Penalty):
    """Omega is half the square of a norm times some number, and a ridge; no norm itself.

    It is the norm at a strength of its own: V minimises ``f + c/2 ‖V‖²`` where it minimises
    ``f + tau ‖V‖`` with tau = c ‖V‖, and ``tau - c ‖V(tau)‖`` grows with tau at least as fast.
    """

    @property
    @abstractmethod
    def steepness(self) -> float:
        """c, alpha included."""

    @property
    @abstractmethod
    def ridge(self) -> float:
        """What ½‖V‖_F² is charged beside the square, alpha included."""

    @abstractmethod
    def norm(self) -> Norm:
        """The norm, of any strength, and the ridge with it."""

    @abstractmethod
    def size(self, V: np.ndarray) -> float:
        """The norm of V, without ridge or strength."""


class RowSeparable(Penalty):
    """Omega is a sum over features (rows of V), or over groups of them.

    ``step`` may be one per feature, (d, 1): that is the prox in the metric
    sum_j ‖u^j - v^j‖² / (2 step_j), and how a solver works in columns of equal scale. Where steps
    differ within a group the derivative is in columns divided by their roots.
    """

    def inner(self, A: np.ndarray, B: np.ndarray) -> np.ndarray:
        """<A^j, B^j> of each feature, or of its group, (d,)."""
        return np.einsum("jc,jc->j", A, B)


class RowNorms(RowSeparable, Norm):
    """Omega is a sum of norms of the rows: a feature alone says whether it would stay at zero.

    Or the group that it is in, which then stays or enters as a whole.
    """

    by_feature: ClassVar[bool] = True  # each by itself

    @abstractmethod
    def row_dual_norms(self, G: np.ndarray) -> np.ndarray:
        """The dual norm of each row of G, (d,): v^j = 0 is best where it is below alpha.

        No larger where entries are smaller; G may be in single precision.
        """

    def dual_norm(self, G: np.ndarray) -> float:
        return float(self.row_dual_norms(G).max(initial=0.0))

    def taking(self, features: np.ndarray) -> RowNorms:
        """The same on some features, whole groups of them, the others at zero."""
        return self

    def together(self, some: np.ndarray) -> np.ndarray:
        """Mask of the features that some, a mask, enter with."""
        return some


class Differentiable(Penalty):
    """The prox has a derivative to take Newton steps with."""

    @abstractmethod
    def derivative(self, Z: np.ndarray, step: Any) -> Derivative:
        """An element of the generalised (Clarke) Jacobian of ``prox(., step)`` at Z."""

    def to_kinks(self, V: np.ndarray, D: np.ndarray) -> np.ndarray:
        """V + D, except that an entry which would pass a kink of Omega on the way stays on it.

        D comes from a quadratic model that knows the face where V is and no other. A penalty
        without kinks inside a row need not say anything.
        """
        return V + D


class Smoothable(Differentiable):
    """What is solved by Newton on a smooth function near it in columns of very unlike scale."""

    def smoothed(self, V: np.ndarray, width: float) -> Any:
        """A smooth function near alpha Omega: ``value``, ``gradient()`` and ``hessian()`` at V.

        Closer the smaller the ``width``, a length in V. The Moreau envelope, which any derivative
        gives, unless a penalty knows a better one: a barrier of strength alpha width.
        """
        return Envelope(self, V, width)


class Everywhere(Penalty):
    """Omega has a gradient everywhere, zero at V = 0: no path has an end, no entry is zero.

    Every dual point is feasible.
    """

    @abstractmethod
    def gradient(self, V: np.ndarray) -> np.ndarray:
        """That of alpha Omega, (d, C)."""

    @abstractmethod
    def bends(self, V: np.ndarray, held: float = 0.0) -> Derivative:
        """An element of the generalised Jacobian of the gradient at V, 0 <= M.

        ``held``, from 0 to 1, is the share of M that is that of a quadratic above alpha Omega which
        touches it at V: a step that has all of it cannot climb.
        """

    @abstractmethod
    def bulk(self, n_features: int, n_columns: int) -> float:
        """The curvature of most directions."""


class InvariantInTasks(Penalty):
    """Omega(V Q) = Omega(V) for Q with orthonormal columns in whose span the rows of V are."""


class InvariantInFeatures(Penalty):
    """Omega(QV) = Omega(V) for rotations Q: X may be rotated to as many features as it has rows."""
