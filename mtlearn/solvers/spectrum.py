"""The mean-regularised model at many alphas: one eigendecomposition per task serves them all.

With S_t = E_t'diag(lambda) E_t (rows of E_t orthonormal) the inverse (S_t + alpha I)⁻¹ is
I / alpha - E_t'diag(lambda / (alpha (lambda + alpha))) E_t, and on the span of E_t, where all but
x̄_t lives, E_t'diag(1 / (lambda + alpha)) E_t: a point of the path costs products only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.problems.blocked import BlockedProblem
from mtlearn.problems.blocks import Blocks
from mtlearn.problems.linear import stack_times, stack_transposed_times
from mtlearn.problems.scatter import ScatterBlock
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers.all_inverses import HeldInverses, MappedInverses
from mtlearn.solvers.arrow import Arrow

CHUNK = 1 << 18  # numbers of eigenvectors that stay in the cache
SHARED_BYTES = 64e6  # of eigenvectors that stay with a problem, for its next coupling
Listed = list[tuple[np.ndarray, np.ndarray, np.ndarray]]  # tasks, E, lambda
CUTOFF = 1e-15  # relative eigenvalue below which it is rounding


class Spectrum:
    """Eigendecompositions of all tasks' scatters.

    Parameters
    ----------
    problem : SquaredProblem
    """

    def __init__(self, problem: SquaredProblem):
        self.problem = problem
        blocks: Listed | Blocks | None = problem.kept.get("spectrum")
        if blocks is None:
            blocks = decomposed(problem, _decompose)
            if isinstance(blocks, Blocks) or problem.spectrum_bytes() <= SHARED_BYTES:
                problem.kept["spectrum"] = blocks
        self.blocks: Any = blocks

    def in_chunks(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Tasks, E and lambda of a part at a time, but for tasks that share their eigenvectors.

        Not of scatters in blocks.
        """
        for tasks, E, values in self.blocks:
            step = len(tasks) if len(E) == 1 else max(1, CHUNK // (E.shape[1] * E.shape[2]))
            for start in range(0, len(tasks), step):
                own = slice(start, start + step) if len(E) > 1 else slice(None)
                yield tasks[own], E[own], values[own]

    def at(self, alpha: float) -> Arrow:
        """The system for one alpha > 0."""
        if isinstance(self.blocks, Blocks):
            inverses: Any = MappedInverses(self.blocks, InverseOfSpectrum(alpha))
        else:
            known = Inverses(self.blocks, alpha)
            inverses = HeldInverses(self.problem.n_columns, lambda: known, known)
        return Arrow(self.problem, alpha, inverses=inverses)


def forget_spectrum(problem: Any) -> None:
    """Let go of eigenvectors in memory that a problem kept for its next coupling, if any."""
    kept = getattr(problem, "kept", {})  # of squares alone
    if not isinstance(kept.get("spectrum"), Blocks):
        kept.pop("spectrum", None)


@dataclass(frozen=True)
class Inverses:
    """K_t of all blocks, one after the other."""

    blocks: Any
    alpha: float

    def __iter__(self) -> Iterator[SpectralInverse]:
        for tasks, E, values in self.blocks:
            yield SpectralInverse(tasks, E, values, self.alpha)


@dataclass(frozen=True)
class SpectralInverse:
    """K_t = (S_t + alpha I)⁻¹ for the tasks of one block."""

    tasks: np.ndarray
    E: np.ndarray  # (B, r, d)
    values: np.ndarray  # (B, r), zero where the rank is less than r
    alpha: float

    @property
    def nbytes(self) -> int:
        return self.E.nbytes

    def times(self, R: np.ndarray) -> np.ndarray:
        inside = stack_times(self.E, R)
        known = self.values.T > 0
        on_span = stack_transposed_times(self.E, inside * self._inverse().T)
        if self.E.shape[1] == self.E.shape[2] and known.all():
            return on_span
        return on_span + (R - stack_transposed_times(self.E, inside * known)) / self.alpha

    def times_scatter(self, mean: np.ndarray) -> np.ndarray:
        inside = (self.E @ mean) * self.values * self._inverse()
        return stack_transposed_times(self.E, inside.T)

    def alpha_KS_sum(self) -> np.ndarray:
        copies = len(self.tasks) if len(self.E) == 1 else 1
        weight = self.alpha * copies * self.values * self._inverse()
        A = (self.E * np.sqrt(weight)[:, :, None]).reshape(-1, self.E.shape[2])
        return A.T @ A

    def _inverse(self) -> np.ndarray:
        return np.where(self.values > 0, 1.0 / (self.values + self.alpha), 0.0)


@dataclass(frozen=True)
class InverseOfSpectrum:
    """K_t of a piece, from its E and lambda."""

    alpha: float

    def __call__(self, piece: tuple[np.ndarray, np.ndarray]) -> SpectralInverse:
        """As :class:`MappedInverses` makes it."""
        return SpectralInverse(np.arange(len(piece[0])), *piece, self.alpha)


def decomposed(problem: SquaredProblem, decompose: Callable) -> Listed | Blocks:
    """``decompose(block)``, tasks, E and lambda, of all blocks of scatters, wherever these are."""
    if isinstance(problem, BlockedProblem):
        return problem.decomposed(OfPiece(decompose))
    return [decompose(block) for block in problem.scatter_blocks(thin=True)]


@dataclass(frozen=True)
class OfPiece:
    """E and lambda of a piece of scatters, from a function of a block."""

    decompose: Callable

    def __call__(self, S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of S (b, d, d)."""
        return self.decompose(ScatterBlock(np.arange(len(S)), full=S))[1:]


def _decompose(block: ScatterBlock) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if block.thin is None:
        values, vectors = np.linalg.eigh(block.full)
        E = vectors.transpose(0, 2, 1)
    else:
        A = block.thin
        values, vectors = np.linalg.eigh(np.matmul(A, A.transpose(0, 2, 1)))
        # Left singular vectors U and values lambda = sigma² of A': E = diag(1 / sigma) U'A.
        root = np.sqrt(np.where(values > 0, values, 1.0))
        E = np.matmul((vectors / root[:, None, :]).transpose(0, 2, 1), A)
    return block.tasks, *without_rounding(E, values)


def without_rounding(E: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """E (b, r, d) less rows of rounding alone, and ascending eigenvalues, zero where they are."""
    known = values > CUTOFF * values.shape[1] * values[:, -1:]
    first = int(np.argmax(known.any(axis=0)))
    values = np.where(known, values, 0.0)[:, first:]
    return np.ascontiguousarray(E[:, first:]), values
