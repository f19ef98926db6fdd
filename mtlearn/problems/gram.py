"""Scatters between some features of a squared-loss problem, which grow with what is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.problems.products import transposed_times

KEPT_BYTES = 512e6  # of rows of the scatter of all features
LONG = 0.5  # features among the rows of X, from where products with X are the cheaper ones


class Gram:
    """The scatter between some features, (C or 1, k, k), and with all others while that is cheap.

    Where tasks share one X of n rows, the k rows of its scatter say what the gradient of all d
    features is in d k products a task, of X it takes d n.

    Parameters
    ----------
    problem : SquaredProblem
        Of all features.
    """

    def __init__(self, problem: Any):
        self.problem = problem
        self.features = np.empty(0, dtype=np.intp)
        self._inner = np.empty((0, 0, 0))
        self._outer: np.ndarray | None = None  # rows of the scatter, (capacity, d)
        self._picked: Any = None  # what the problem multiplies with instead
        self.n_rows = problem.rows_of_products()
        if self.n_rows is not None:
            self._outer = np.empty((0, problem.n_features))

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
            self._outer = _with_room(self._outer, (K + 1, self.problem.n_features))
            self._outer[k + 1 : K + 1] = rows[0]  # the first is for a row that comes with a product
            block = rows[:, :, features]
        else:
            self._picked = self.problem.pick(features)
            block = self.problem.cross(self.problem.pick(new), self._picked)
        self._inner = _with_room(self._inner, (len(block), K, K))
        self._inner[:, k:K, :K] = block
        self._inner[:, :k, k:K] = block[:, :, :k].transpose(0, 2, 1)

    def _worth_rows(self, k: int, n_new: int) -> bool:
        d, few = self.problem.n_features, 2 * self.problem.n_columns + 16
        return k <= LONG * self.n_rows and 8 * k * d <= KEPT_BYTES and n_new <= few

    def times(self, V: np.ndarray, row: Any = None, one: Any = None) -> np.ndarray:
        """Columns S_c v_c in all features, (d, C), for V (k, C) in these; unscaled.

        Plus ``row`` (1, d) transposed times ``one`` (C,), where they are given.
        """
        active = np.flatnonzero(V.any(axis=1))
        if self._outer is None:
            grown = len(self.features) - len(V)  # since the part that V is of
            out = self.problem.picked_times(self._picked, np.pad(V, ((0, grown), (0, 0))))
            if row is not None and one.any():
                out += row.T * one
            return out
        if row is not None:
            self._outer[0], V = row, np.vstack([one, V])
        else:
            V = np.vstack([np.zeros_like(V[:1]), V])
        if len(active) > 0.8 * len(V):
            return transposed_times(self._outer[: len(V)], V)
        active = np.append(0, active + 1)
        return transposed_times(self._outer[active], V[active])


def _with_room(old: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An array of at least this shape that begins with the old one; twice as large if a new one."""
    if all(have >= want for have, want in zip(old.shape, shape, strict=True)):
        return old
    grown = [w if w == h else 2 * w for w, h in zip(shape, old.shape, strict=True)]
    grown[0] = grown[0] if old.ndim == 2 else shape[0]
    new = np.zeros(grown)
    new[tuple(slice(h) for h in old.shape)] = old
    return new
