"""Norms of blocks that stand side by side, [L, S]: each has its own prox."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from mtlearn.penalties.base import Norm, Smoothable
from mtlearn.penalties.derivative import Factored


@dataclass(frozen=True)
class Stacked(Smoothable, Norm):
    """Sum of the norms of blocks of as many columns.

    ::

        Omega([L, S])  = Omega_1(L) + Omega_2(S)
        Omega°([G, H]) = max(Omega_1°(G), Omega_2°(H))
        prox, and its derivative: those of the blocks

    Parameters
    ----------
    alpha : float
    norms : tuple of Norm
        One a block, of any strength; their derivatives are factored.
    """

    norms: tuple[Any, ...]

    def at(self, alpha: float) -> Self:
        return replace(self, alpha=alpha, norms=tuple(n.at(alpha) for n in self.norms))

    def value(self, V: np.ndarray) -> float:
        return sum(n.value(part) for n, part in self._each(V))

    def dual_norm(self, G: np.ndarray) -> float:
        return max(n.dual_norm(part) for n, part in self._each(G))

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        return np.hstack([n.prox(part, step) for n, part in self._each(V)])

    def derivative(self, Z: np.ndarray, step: Any) -> StackedDerivative:
        return StackedDerivative([n.derivative(part, step) for n, part in self._each(Z)])

    def smoothed(self, V: np.ndarray, width: float) -> SmoothedBlocks:
        return SmoothedBlocks([n.smoothed(part, width) for n, part in self._each(V)], V.shape)

    def _each(self, V: np.ndarray) -> Any:
        return zip(self.norms, blocks(V, len(self.norms)), strict=True)


def blocks(V: np.ndarray, n: int) -> list[np.ndarray]:
    """The blocks of (..., n C), views."""
    C = V.shape[-1] // n
    return [V[..., k * C : (k + 1) * C] for k in range(n)]


class StackedDerivative(Factored):
    """Derivatives of the blocks, one after the other on the face.

    Parameters
    ----------
    each : list of Factored
    """

    def __init__(self, each: list[Any]) -> None:
        self.each = each
        self.ends = np.cumsum([M.dimensions for M in each])
        self.dimensions = int(self.ends[-1])

    def times(self, D: np.ndarray) -> np.ndarray:
        parts = blocks(D, len(self.each))
        return np.concatenate([M.times(D) for M, D in zip(self.each, parts, strict=True)], axis=-1)

    def to_face(self, D: np.ndarray) -> np.ndarray:
        parts = np.split(D, len(self.each), axis=1)
        return np.vstack([M.to_face(D) for M, D in zip(self.each, parts, strict=True)])

    def from_face(self, t: np.ndarray) -> np.ndarray:
        parts = np.split(t, self.ends[:-1])
        return np.hstack([M.from_face(t) for M, t in zip(self.each, parts, strict=True)])

    def squares(self) -> np.ndarray:
        A, at = np.zeros((self.dimensions, self.dimensions)), 0
        for M in self.each:
            k = M.dimensions
            if k:
                A[at : at + k, at : at + k] = M.squares()
            at += k
        return A


class SmoothedBlocks:
    """Smooth functions of the blocks, side by side.

    Parameters
    ----------
    each : list
    shape : tuple
        (d, n C).
    """

    def __init__(self, each: list[Any], shape: tuple[int, ...]) -> None:
        self.each, self.shape = each, shape
        self.value = sum(smooth.value for smooth in each)

    def gradient(self) -> np.ndarray:
        """(d, n C)."""
        return np.hstack([smooth.gradient() for smooth in self.each])

    def hessian(self) -> np.ndarray:
        """(d n C, d n C), of V flattened row by row."""
        d, n = self.shape[0], len(self.each)
        C = self.shape[1] // n
        H = np.zeros((d, n, C, d, n, C))
        for k, smooth in enumerate(self.each):
            H[:, k, :, :, k] = smooth.hessian().reshape(d, C, d, C)
        return H.reshape(d * n * C, -1)


@dataclass(frozen=True)
class Turned(Smoothable, Norm):
    """A norm of V', such as one of rows by one of columns.

    Parameters
    ----------
    alpha : float
    norm : Norm
        Of any strength.
    """

    norm: Any

    def at(self, alpha: float) -> Self:
        return replace(self, alpha=alpha, norm=self.norm.at(alpha))

    def value(self, V: np.ndarray) -> float:
        return self.norm.value(V.T)

    def dual_norm(self, G: np.ndarray) -> float:
        return self.norm.dual_norm(G.T)

    def prox(self, V: np.ndarray, step: Any) -> np.ndarray:
        return self.norm.prox(V.T, step).T

    def derivative(self, Z: np.ndarray, step: Any) -> TurnedDerivative:
        return TurnedDerivative(self.norm.derivative(Z.T, step))

    def smoothed(self, V: np.ndarray, width: float) -> TurnedSmooth:
        return TurnedSmooth(self.norm.smoothed(V.T, width), V.shape)


class TurnedDerivative(Factored):
    """That of a norm of V'."""

    def __init__(self, M: Any) -> None:
        self.M, self.dimensions = M, M.dimensions

    def times(self, D: np.ndarray) -> np.ndarray:
        return self.M.times(D.swapaxes(-1, -2)).swapaxes(-1, -2)

    def to_face(self, D: np.ndarray) -> np.ndarray:
        return self.M.to_face(D.swapaxes(0, 1))

    def from_face(self, t: np.ndarray) -> np.ndarray:
        return self.M.from_face(t).T

    def squares(self) -> np.ndarray:
        return self.M.squares()


class TurnedSmooth:
    """A smooth function of V', as one of V."""

    def __init__(self, smooth: Any, shape: tuple[int, ...]) -> None:
        self.smooth, self.shape, self.value = smooth, shape, smooth.value

    def gradient(self) -> np.ndarray:
        """(d, C)."""
        return self.smooth.gradient().T

    def hessian(self) -> np.ndarray:
        """(d C, d C), of V flattened row by row."""
        place = np.arange(np.prod(self.shape)).reshape(self.shape).T.ravel()
        H = np.empty((len(place), len(place)))
        H[np.ix_(place, place)] = self.smooth.hessian()
        return H
