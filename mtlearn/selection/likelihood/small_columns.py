"""Columns so small that their slopes do not vary, in the likelihood of two variances.

A large weight of a feature is a column of a small unit. Next to the scatter of the others that of
its own is rounding, and eigenvalues have no digits of it; what it says of its shared coefficient is
as much as ever. Of columns F whose squares in a task are next to nothing of the largest, K the
others, s S_FF is nothing next to 1, and without it the sums of the likelihood are::

    S_KK = E'diag(λ)E      M = E S_KF      D = (I + s S_KK)⁻¹      B = S (I + s S)⁻¹
    B_KK = S_KK D     B_KF = D S_KF = E'diag(1 / (1 + s λ)) M     B_FF = S_FF - s S_FK D S_KF

Of the rows [E, diag(1/λ) M], which to first order are the eigenvectors, these are the products
with λ / (1 + s λ), but for S_FF - M'diag(1/λ)M: what K leaves of F within the task, which does not
depend on s. So does (I + s S)⁻¹ s_t lack s_F - M'diag(1/λ)E s_K. In the limit of the unit 0 nothing
is neglected, so that columns without any slopes are columns of a unit next to 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.problems.scatter import ScatterBlock
from mtlearn.problems.squared import SquaredProblem
from mtlearn.selection.likelihood.chunk import Chunk, Chunks
from mtlearn.solvers.spectrum import Spectrum, decomposed, without_rounding

SMALL = 1e-9  # of the largest square: what is neglected is then as large as rounding of others
NOISE = 1e-28  # of the square of its mean, which is what centring leaves of a constant column
NO_SLOPE = 2.0**-200  # unit of a column without slopes, whose squares are numbers


def are_small(squares: np.ndarray) -> np.ndarray:
    """Mask of the columns, from their squares within the task (..., d)."""
    return (squares > 0) & (squares <= SMALL * squares.max(axis=-1, keepdims=True, initial=0.0))


def small_columns(problem: SquaredProblem, unit: np.ndarray) -> np.ndarray:
    """Mask of columns (d,), in these units, that are small in some task."""
    squares = (problem.scatter_diagonal() / problem.scale).T * unit**2
    constant = NOISE * problem.weight[:, None] * (problem.given_mean.T * unit) ** 2
    return (are_small(squares) & (squares > constant)).any(axis=0)


@dataclass(frozen=True)
class Decomposed:
    """The scatters of all tasks as the likelihood takes them.

    Attributes
    ----------
    chunks : Chunks
    total : ndarray of shape (d, d)
        Their sum.
    largest : float
        Eigenvalue of all.
    small : ndarray of bool, of shape (d,), or None
        Columns that are apart; None if all slopes may vary.
    """

    chunks: Chunks
    total: np.ndarray
    largest: float
    small: np.ndarray | None

    @classmethod
    def of(cls, problem: SquaredProblem, x: np.ndarray, unit: np.ndarray) -> Decomposed:
        """Those of a problem whose columns are in other units, with their means x (T, d)."""
        if (unit == 1.0).all():
            chunks = Chunks.of(Spectrum(problem), x, problem.scale)
            (total,), (largest, squares) = chunks.run(_scatter)
            # These cost nothing, but do not tell small columns from constant ones.
            some = squares <= 2 * SMALL * squares.max(axis=1, keepdims=True, initial=0.0)
            if not (some.any() and small_columns(problem, unit).any()):
                return cls(chunks, total, float(largest.max(initial=0.0)), None)
        chunks = Chunks.of(SpectrumApart(problem, unit), x, problem.scale)
        largest = chunks.run(_scatter)[1][0]
        total = problem.scatter_sum(1.0 / problem.scale) * np.outer(unit, unit)
        small = small_columns(problem, unit)
        return cls(chunks, total, float(largest.max(initial=0.0)), small)


class SpectrumApart(Spectrum):
    """Rows [E, diag(1/λ) M] and λ of all tasks, columns in the units (d,)."""

    def __init__(self, problem: SquaredProblem, unit: np.ndarray):
        self.problem, self.blocks = problem, decomposed(problem, Apart(unit))


@dataclass(frozen=True)
class Apart:
    """The same of a block."""

    unit: np.ndarray

    def __call__(self, block: ScatterBlock) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tasks, rows and λ."""
        if block.thin is not None:
            A = block.thin * self.unit
            large = ~are_small(np.einsum("tij,tij->tj", A, A))[:, None]
            values, vectors = np.linalg.eigh(np.matmul(A * large, (A * large).transpose(0, 2, 1)))
            root = np.sqrt(np.where(values > 0, values, 1.0))
            E = np.matmul((vectors / root[:, None]).transpose(0, 2, 1), A)
            return block.tasks, *without_rounding(E, values)
        S = block.full * self.unit[:, None] * self.unit
        large = ~are_small(np.einsum("tjj->tj", S))[:, None]
        values, vectors = np.linalg.eigh(S * large * large.transpose(0, 2, 1))
        E, values = without_rounding(vectors.transpose(0, 2, 1), values)
        inverse = np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
        E = E * large
        return block.tasks, E + np.where(large, 0.0, inverse[:, :, None] * np.matmul(E, S)), values


@dataclass(frozen=True)
class LeftOut:
    """What the rows leave out of the sum of the S_t and of the s_t, of some or all of the tasks.

    Attributes
    ----------
    problem : SquaredProblem
    unit : ndarray of shape (d,)
    small : ndarray of bool, of shape (d,)
        Columns that are in some task.
    r : ndarray of shape (T, d)
        The s_t.
    """

    problem: SquaredProblem
    unit: np.ndarray
    small: np.ndarray
    r: np.ndarray

    def sums(self, chunks: Chunks, tasks: Any = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """Of tasks, whose chunks these are: (d, d) and (d,)."""
        (total, r), _ = chunks.run(_explained)
        own = np.zeros(self.problem.n_columns)
        own[tasks] = 1.0 / self.problem.scale[tasks]
        whole = self.problem.scatter_sum(own) * self.unit[:, None] * self.unit
        # Of others the difference is rounding.
        both = self.small[:, None] & self.small
        left = np.where(both, whole - total, 0.0)
        return left, np.where(self.small, self.r[tasks].sum(axis=0) - r, 0.0)


def _scatter(chunk: Chunk) -> tuple[tuple, tuple]:
    """The sum of the S_t; of each the largest eigenvalue, and the diagonal."""
    largest = np.broadcast_to(chunk.values.max(axis=1, initial=0.0), chunk.n_tasks)
    squares = np.einsum("tkj,tkj,tk->tj", chunk.E, chunk.E, chunk.values)
    squares = np.broadcast_to(squares, (chunk.n_tasks, squares.shape[1]))
    return (chunk.sandwich([chunk.values])[0],), (largest, squares)


def _explained(chunk: Chunk) -> tuple[tuple, tuple]:
    """Sums of the S_t and s_t that rows make."""
    return (chunk.sandwich([chunk.values])[0], chunk.back_sum(chunk.r)), ()
