"""Some tasks, a part that stays in the cache, in the coordinates of their eigenvectors."""

from __future__ import annotations

import numpy as np

from mtlearn.problems.linear import stack_times


class Chunk:
    """Some tasks, S_t = E_t'diag(values)E_t; ``E`` is (b, k, d), or (1, k, d) where they share it.

    ``c`` and ``r`` are x̄_t and s_t in the coordinates of E_t, ``x_out`` what of x̄_t lies outside of
    them (None if nothing does) and ``outside`` its square. E may be :class:`Stored`.
    """

    def __init__(self, tasks, E, values, x, scale):
        self.tasks, self._E = tasks, E
        self.values = values / scale[tasks[: len(values)], None]
        self.copies = len(tasks) if E.shape[0] == 1 else 1
        own = x[tasks]
        self.c = stack_times(self.E, own.T).T
        self.x_out, self.outside = None, np.zeros(len(tasks))
        if E.shape[1] < E.shape[2] or not (values > 0).all():
            self.c = self.c * (values > 0)
            self.x_out = own - self.back(self.c)
            self.outside = np.einsum("tj,tj->t", self.x_out, self.x_out)
        self.r = np.zeros_like(self.c)

    @property
    def E(self) -> np.ndarray:
        """Eigenvectors."""
        return self._E if isinstance(self._E, np.ndarray) else self._E.read()

    @property
    def rows(self) -> np.ndarray:
        """Those of all tasks, one below the other."""
        E = self.E
        return E.reshape(-1, E.shape[2])

    def take(self, r: np.ndarray) -> None:
        """Cross products of all tasks (T, d)."""
        self.r = stack_times(self.E, r[self.tasks].T).T * (self.values > 0)

    def inside(self, w: np.ndarray) -> np.ndarray:
        """E_t w, (b or 1, k)."""
        return (self.rows @ w).reshape(self.values.shape)

    def back(self, C: np.ndarray, outside: np.ndarray | None = None) -> np.ndarray:
        """E_t'c_t, (b, d)."""
        C = np.broadcast_to(C, (len(self.tasks), C.shape[1]))
        out = C @ self.E[0] if len(self.E) == 1 else np.matmul(C[:, None], self.E)[:, 0]
        return out if outside is None else out + outside

    def back_sum(self, C: np.ndarray) -> np.ndarray:
        """The sum of these, (d,)."""
        return (C.sum(axis=0) if len(self.E) == 1 else C.ravel()) @ self.rows

    def sandwich(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """Sums over the tasks of E_t'diag(weight_t)E_t, (d, d)."""
        out = []
        for one in weights:
            A = self.rows * np.sqrt(self.copies * one).reshape(-1, 1)
            out.append(A.T @ A)
        return out
