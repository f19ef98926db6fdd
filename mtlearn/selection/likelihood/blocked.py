"""The likelihood of random slopes from moments in blocks: passes over them, and small sums.

At each Θ a pass adds up W_t, Z_t'V_t⁻¹r_t and the determinants. The W_t are made again where
derivatives and covariances ask for them. What a pass does with a piece is a function of its
scatters, so that it can be done wherever these are.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from mtlearn.problems.blocks import BlockedScatter
from mtlearn.selection.likelihood.mixed import MixedModel
from mtlearn.selection.likelihood.samples import ENOUGH, SHARES
from mtlearn.selection.likelihood.sweep import root_of, swept


@dataclass(frozen=True, eq=False)
class BlockedState:
    """The likelihood at one Θ, as :class:`State` has it, without the W_t.

    Attributes
    ----------
    value, sigma2, shared, K, K_integrated, ridge
        As there.
    model : BlockedModel
    a : ndarray of int
    Theta : ndarray of shape (k, k)
        Θ on these columns.
    move : ndarray of shape (p,)
        From the pooled coefficients to w.
    given : ndarray of shape (T, p) or None
        q, where it was refined.
    known : dict
        What a pass has found since.
    """

    value: float
    sigma2: float
    shared: np.ndarray
    K: np.ndarray
    K_integrated: np.ndarray
    ridge: np.ndarray
    model: BlockedModel
    a: np.ndarray
    Theta: np.ndarray
    move: np.ndarray
    given: np.ndarray | None = None
    known: dict = field(default_factory=dict)

    @property
    def q(self) -> np.ndarray:
        """Z_t'V_t⁻¹(y_t - Z_t w), (T, p)."""
        return self.sums.q if self.given is None else self.given

    @property
    def pull(self) -> np.ndarray:
        """As that of :class:`State`."""
        return self.q

    @property
    def shared_pull(self) -> np.ndarray:
        """As that of :class:`State`."""
        return self.shared

    @property
    def sums(self) -> Sums:
        """What one more pass says."""
        if "sums" not in self.known:
            self.known["sums"] = self.model.sums(self)
        return self.known["sums"]

    def refined(self, q: np.ndarray, shared: np.ndarray) -> BlockedState:
        """With more digits of these."""
        return replace(self, given=q, shared=shared)


@dataclass
class Sums:
    """Sums over the tasks of what derivatives need, of single columns, and q (T, p).

    W_t,ii and |y_ti|² (p,), W_t,ij² and W_t,ij y_ti·y_tj (p, p), q_ti W_t,ij q_tj (p, p), the
    u (p, r) and the C_i (p, r, r).
    """

    q: np.ndarray
    diagonal: np.ndarray
    sizes: np.ndarray
    squares: np.ndarray
    products: np.ndarray
    AI: np.ndarray
    u: np.ndarray
    C: np.ndarray

    def first(self, c: np.ndarray, sigma2: float) -> tuple[np.ndarray, np.ndarray]:
        """The t and s of columns c."""
        return (self.diagonal - self.sizes)[c], (self.q**2).sum(axis=0)[c] / sigma2

    def second(self, c: np.ndarray) -> tuple:
        """sum W², F, sum q W q' (k, k) and u (k, r) of columns c."""
        both, C = np.ix_(c, c), self.C.reshape(len(self.C), -1)[c]
        squares = self.squares[both]
        return squares, squares - 2 * self.products[both] + C @ C.T, self.AI[both], self.u[c]

    def of_prior(self, c: np.ndarray, P: np.ndarray) -> np.ndarray:
        """tr(C_i P) of columns c."""
        return np.einsum("irs,rs->i", self.C[c], P)


class BlockedModel(MixedModel):
    """:class:`MixedModel` of moments in blocks."""

    A: Any

    def samples(self) -> Iterator[MixedModel]:
        """Models of some files of tasks."""
        for share in SHARES:
            found = self.A.xx.some(share)
            if found is not None and ENOUGH <= len(found[0]) < self.n_tasks:
                yield self.of_tasks(*found)

    def of_tasks(self, tasks: np.ndarray, xx: BlockedScatter) -> BlockedModel:
        """The model of some of the tasks, in the same units and with the same prior."""
        part, products = copy(self), self.products
        vars(part).pop("_r", None)
        part.products = replace(products, zy=products.zy[tasks], sizes=products.sizes[tasks])
        part.A, part.r, part.rr = self.A.of_tasks(tasks, xx), self.r[tasks], self.rr[tasks]
        part.N = self.N * float(part.products.sizes.sum() / products.sizes.sum())
        flat = np.count_nonzero(self.ridge[self.shared] == 0) if self.restricted else 0
        part.df = max(part.N - part.products.lost - flat, 1.0)
        return part

    def sweep(self, a: np.ndarray, Theta: np.ndarray) -> tuple:
        """With the sums over tasks alone, (1, p, p) and (1, p)."""
        yy = float(self.rr.sum())
        (W, Wr, lost, logdet), _ = self.A.run(_swept_sums, self._r, common=(a, Theta))
        return W[None], Wr[None], yy - lost, logdet

    def state(self, a, Theta, move, W, Wr, value, sigma2, shared, K, K_integrated, R) -> Any:
        """Of a sweep at Θ."""
        return BlockedState(value, sigma2, shared, K, K_integrated, R, self, a, Theta, move)

    def sums(self, state: BlockedState) -> Sums:
        """What derivatives need, in a pass."""
        same = state.K_integrated is state.K
        common = (state.a, state.Theta, state.move, state.K, None if same else state.K_integrated)
        sums, (q,) = self.A.run(_second, self._r, common=common)
        return Sums(q, *sums)

    def times(self, w: np.ndarray) -> np.ndarray:
        """A_t w_t (T, p)."""
        return self.A.each(_times, w)

    def solved(self, Theta: np.ndarray, right: np.ndarray) -> np.ndarray:
        """(I + A_tΘ)⁻¹ r_t (T, p)."""
        return self.A.each(_solved, right, common=(Theta,))

    def W_times(self, state: Any, move: np.ndarray) -> np.ndarray:
        """W_t w (T, p)."""
        return self.A.each(_W_times, common=(state.a, state.Theta, move))

    def covariances(self, state: Any, function: Any, *own: Any) -> tuple[np.ndarray, ...]:
        """``function(A, W, *parts)`` of pieces: arrays of its tasks."""
        common = (function, state.a, state.Theta)
        return self.A.run(_of_W, self._r, *own, common=common)[1]

    @cached_property
    def _r(self) -> Any:
        return self.A.placed(self.r)


def _times(A: np.ndarray, w: np.ndarray) -> np.ndarray:
    return np.matmul(A, w[:, :, None])[:, :, 0]


def _solved(A: np.ndarray, right: np.ndarray, Theta: np.ndarray) -> np.ndarray:
    return np.linalg.solve(np.eye(len(Theta)) + A @ Theta, right[:, :, None])[:, :, 0]


def _W_times(A: np.ndarray, a: np.ndarray, Theta: np.ndarray, move: np.ndarray) -> np.ndarray:
    return swept(A, A @ move, a, Theta, root_of(Theta))[1]


def _swept_sums(A: np.ndarray, r: np.ndarray, a: np.ndarray, Theta: np.ndarray) -> tuple:
    W, Wr, lost, logdet = swept(A, r, a, Theta, root_of(Theta))
    return (W.sum(axis=0), Wr.sum(axis=0), lost, logdet), ()


def _of_W(A: np.ndarray, r: np.ndarray, *given: Any) -> tuple[tuple, tuple]:
    *own, function, a, Theta = given
    return (), function(A, swept(A, r, a, Theta, root_of(Theta))[0], *own)


def _second(
    A: np.ndarray,
    r: np.ndarray,
    a: np.ndarray,
    Theta: np.ndarray,
    move: np.ndarray,
    K: np.ndarray,
    K_integrated: np.ndarray | None,
) -> tuple[tuple, tuple]:
    """What :class:`Sums` has, of some tasks."""
    W, q, _, _ = swept(A, r - A @ move, a, Theta, root_of(Theta))
    Y = W @ K
    y = Y if K_integrated is None else W @ K_integrated
    own = np.ascontiguousarray(y.transpose(1, 0, 2))
    sums = (
        np.einsum("tii->i", W),
        np.einsum("itr,itr->i", own, own),
        np.einsum("tij,tij->ij", W, W),
        np.einsum("tij,tij->ij", W, y @ y.transpose(0, 2, 1)),
        np.einsum("tij,tij->ij", W, q[:, :, None] * q[:, None]),
        np.einsum("tir,ti->ir", Y, q),
        own.transpose(0, 2, 1) @ own,
    )
    return sums, (q,)
