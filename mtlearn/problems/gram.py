"""Scatters between some features of a squared-loss problem, which grow with what is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlearn.problems.picked import gradient_through
from mtlearn.problems.products import transposed_times

KEPT_BYTES = 512e6  # of rows of the scatter of all features
ROOM_BYTES = 64e6  # of scatters with room for more
LONG = 1.0  # features among the rows of X, from where products with X are the cheaper ones
LARGE = 1e5  # numbers in a gradient, from where half as many bytes matter
USEFUL = 1e-2  # error of a gradient, in units of the largest entry of X'y


@dataclass(frozen=True)
class Rough:
    """Minus a gradient in single precision: the columns of ``unit * G``, each +- ``unit * off``.

    With u = 2^-24, sums of n products in any order, of numbers rounded to single precision before,
    are off by at most (n + 2) u / (1 - (n + 2) u) times the sum of their sizes (Higham, 2002,
    Accuracy and stability of numerical algorithms, section 3.1), and by what underflows.
    """

    G: np.ndarray
    unit: float
    off: np.ndarray  # (C,)

    @staticmethod
    def relative(n: int) -> float:
        """What n roundings in a row add up to at most."""
        u = 0.5 * float(np.finfo(np.float32).eps)
        return n * u / (1.0 - n * u)

    def row_dual_norms(self, penalty: Any) -> tuple[np.ndarray, np.ndarray]:
        """Dual norms of the rows, and what those of the gradient itself are at most."""
        norms = penalty.row_dual_norms(self.G).astype(np.float64)
        off = float(penalty.row_dual_norms(self.off[None])[0])
        most = (1.0 + self.relative(2 * len(self.off) + 16)) * norms + off
        return self.unit * norms, self.unit * most


class Gram:
    """The scatter between some features, (C or 1, k, k), and with all others while that is cheap.

    Where tasks share one X of n rows, the k rows of its scatter say what the gradient of all d
    features is in d k products a task, of X it takes d n. They are held in units of their largest
    entries, in single precision where the gradient is large: see :class:`Rough`.

    Parameters
    ----------
    problem : SquaredProblem
        Of all features.
    """

    def __init__(self, problem: Any):
        self.problem = problem
        self.features = np.empty(0, dtype=np.intp)
        self._inner = np.empty((0, 0, 0))
        self._outer: np.ndarray | None = None  # x̄ and the rows of the scatter, (capacity, d)
        self._sizes = np.empty(0)  # of these, their units
        self._picked: Any = None  # what the problem multiplies with instead
        self.n_rows = problem.rows_of_products()
        if self.n_rows is None:
            return
        large = problem.n_features * problem.n_columns >= LARGE
        self.unit = float(np.abs(problem.xy).max(initial=0.0)) or 1.0
        self._outer = np.empty((0, problem.n_features), np.float32 if large else np.float64)
        self._xy = (problem.xy / self.unit).astype(self._outer.dtype) if large else None
        self._append(problem.x_mean.T)

    @property
    def xx(self) -> np.ndarray:
        """Unscaled, as in :class:`Moments`."""
        k = len(self.features)
        return self._inner[:, :k, :k]

    def extend(self, features: np.ndarray) -> None:
        """Take in what ``features`` has beyond those at hand, which are the first of it."""
        k, new = len(self.features), features[len(self.features) :]
        if not len(new):
            return
        self.features, K = features, len(features)
        if self._outer is not None and not self._worth_rows(K, len(new)):
            self._outer = None
        if self._outer is not None:
            rows = self.problem.cross(self.problem.pick(new), None)
            self._append(rows[0])
            block = rows[:, :, features]
        else:
            self._picked = self.problem.pick(features)
            block = self.problem.cross(self.problem.pick(new), self._picked)
        self._inner = _with_room(self._inner, (len(block), K, K))
        self._inner[:, k:K, :K] = block
        self._inner[:, :k, k:K] = block[:, :, :k].transpose(0, 2, 1)

    def _append(self, rows: np.ndarray) -> None:
        assert self._outer is not None
        at = slice(len(self._sizes), len(self._sizes) + len(rows))
        sizes = np.maximum(rows.max(axis=1, initial=0.0), -rows.min(axis=1, initial=0.0))
        self._sizes = np.append(self._sizes, sizes)
        self._outer = _with_room(self._outer, (at.stop, rows.shape[1]))
        np.divide(rows, np.where(sizes, sizes, 1.0)[:, None], self._outer[at], casting="same_kind")

    def _worth_rows(self, k: int, n_new: int) -> bool:
        assert self._outer is not None and self.n_rows is not None
        d, few = self.problem.n_features, 2 * self.problem.n_columns + 16
        kept = self._outer.itemsize * k * d <= KEPT_BYTES
        return k <= LONG * self.n_rows and kept and n_new <= few

    def gradient(self, V: np.ndarray, pulled: np.ndarray) -> np.ndarray:
        """Minus the gradient in all features, (d, C), for deviations V (k, C).

        V belongs to the first of these features; ``pulled`` (C,) is what the levels are pulled by.
        """
        if self._outer is not None and self._xy is None:
            G = self._rows_times(self._in_units(V, pulled))
            G *= self.unit
            G += self.problem.xy
            return G
        picked = self.problem.pick(self.features) if self._picked is None else self._picked
        grown = len(self.features) - len(V)  # since the part that V is of
        V = np.concatenate([V, np.zeros((grown, V.shape[1]))]) if grown else V
        return gradient_through(self.problem, picked, V, pulled)

    def rough(self, V: np.ndarray, pulled: np.ndarray) -> Rough | None:
        """The same in single precision, where that is how the rows of the scatter are held."""
        if self._outer is None or self._xy is None:
            return None
        V = self._in_units(V, pulled)
        terms = 1.0 + np.abs(V).sum(axis=0)
        # Two roundings before the product, one in it, one a sum, and two of X'y.
        n = len(V) + 5
        off = Rough.relative(n) * terms + n * float(np.finfo(np.float32).tiny)
        if not off.max() <= USEFUL:
            return None
        G = self._rows_times(V.astype(np.float32))
        G += self._xy
        return Rough(G, self.unit, off)

    def gradient_of(self, features: np.ndarray, V: np.ndarray, pulled: np.ndarray) -> np.ndarray:
        """Rows of :meth:`gradient`."""
        problem, active = self.problem, np.flatnonzero(V.any(axis=1))
        left, right = problem.pick(features), problem.pick(self.features[active])
        S, V = problem.cross(left, right), -problem.scale * V[active]
        SV = S[0] @ V if len(S) == 1 else np.matmul(S, V.T[:, :, None])[:, :, 0].T
        return problem.xy[features] + SV + pulled * problem.x_mean[features]

    def _in_units(self, V: np.ndarray, pulled: np.ndarray) -> np.ndarray:
        """What the rows that are held are multiplied by, for a gradient in its unit."""
        V = np.concatenate([pulled[None], -self.problem.scale * V])
        V *= (self._sizes[: len(V)] / self.unit)[:, None]
        return V

    def _rows_times(self, V: np.ndarray) -> np.ndarray:
        assert self._outer is not None
        active = np.flatnonzero(V.any(axis=1))
        if len(active) > 0.8 * len(V):
            return transposed_times(self._outer[: len(V)], V)
        return transposed_times(self._outer[active], V[active])


def _with_room(old: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An array of at least this shape that begins with the old one.

    A new one is twice as large in every axis that grows, unless that would be much.
    """
    if all(have >= want for have, want in zip(old.shape, shape, strict=True)):
        return old
    grown = [w if w == h else 2 * w for w, h in zip(shape, old.shape, strict=True)]
    grown[0] = grown[0] if old.ndim == 2 else shape[0]
    if old.ndim == 3 and 8.0 * np.prod(grown, dtype=float) > ROOM_BYTES:
        grown = list(shape)
    new = np.zeros(grown, old.dtype)
    new[tuple(slice(h) for h in old.shape)] = old
    return new
