"""The rows of a pinball loss inside of its kinks: where a step of an interior-point method is made.

With the residual r = u - v of u, v > 0 and the dual point g between q - 1 and q, the loss of a row
is solved where u (q - g) = v (g + 1 - q) = 0. Along the central path both are mu > 0, and a Newton
step from there has

    dg = (r - df - mu (1/(q - g) - 1/(g + 1 - q))) / (u/(q - g) + v/(g + 1 - q))

for a change df of the score: g + dg is the residual of a weighted square. So a step is the
quadratic model of a loss whose curvature is one over the denominator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mtlearn.losses.smoothed_pinball import from_bounds

NEARLY = 0.995  # of the way to where a row would leave the inside


@dataclass(frozen=True)
class BarrierStep:
    """Changes of g, u and v, (n, k) each."""

    dg: np.ndarray
    du: np.ndarray
    dv: np.ndarray


@dataclass(frozen=True)
class Barrier:
    """Where rows are inside, (n, k) each.

    Attributes
    ----------
    quantile : float
    c : ndarray
        Weights; of rows that weigh nothing there is nothing to say.
    s, rest : ndarray
        How far the dual point g is from q and from q - 1; one in all, and either keeps its digits.
    above, below : ndarray
        u and v.
    near : float, default=0
        What a change dg is charged, near / 2 dg², so that no row bends more than by one over that:
        steps are those of a proximal method, whose end is the same.
    """

    quantile: float
    c: np.ndarray
    s: np.ndarray
    rest: np.ndarray
    above: np.ndarray
    below: np.ndarray
    near: float = 0.0

    @classmethod
    def central(
        cls, quantile: float, c: np.ndarray, r: np.ndarray, mu: float, near: float = 0.0
    ) -> Barrier:
        """On the central path for these residuals, where all products are mu."""
        s, rest = from_bounds(r, mu)
        return cls(quantile, c, s, rest, mu / s, mu / rest, near)

    @property
    def g(self) -> np.ndarray:
        """Dual points."""
        q = self.quantile
        return np.where(self.s < self.rest, q - self.s, self.rest - (1.0 - q))

    @property
    def weight(self) -> np.ndarray:
        """What the rows bend like."""
        return 1.0 / (self.above / self.s + self.below / self.rest + self.near)

    @property
    def mu(self) -> float:
        """Mean of the products that are to be zero."""
        products = self.above * self.s + self.below * self.rest
        return float(np.vdot(self.c, products) / (2.0 * self.c.sum()))

    def target(self, r: np.ndarray, mu: float, ahead: BarrierStep | None = None) -> np.ndarray:
        """What ``weight`` times it is the change of g by, in a step that changes no score.

        For products of ``mu``. ``ahead`` is a first step, whose products with each other are not
        small (Mehrotra 1992).
        """
        more = (0.0, 0.0) if ahead is None else (ahead.du * ahead.dg, -ahead.dv * ahead.dg)
        return r - (mu + more[0]) / self.s + (mu + more[1]) / self.rest

    def step(self, dg: np.ndarray, mu: float, ahead: BarrierStep | None = None) -> BarrierStep:
        """The step that changes dual points by ``dg``."""
        more = (0.0, 0.0) if ahead is None else (ahead.du * ahead.dg, -ahead.dv * ahead.dg)
        there = self.c > 0
        dg = np.where(there, dg, 0.0)
        du = (mu + more[0] + self.above * dg) / self.s - self.above
        dv = (mu + more[1] - self.below * dg) / self.rest - self.below
        return BarrierStep(dg, np.where(there, du, 0.0), np.where(there, dv, 0.0))

    def longest(self, step: BarrierStep) -> float:
        """How much of a step stays inside, one at most."""
        most = max(
            float(np.max(step.dg / self.s)),
            float(np.max(-step.dg / self.rest)),
            float(np.max(-step.du / self.above)),
            float(np.max(-step.dv / self.below)),
        )
        return 1.0 if most <= NEARLY else NEARLY / most

    def corrected(
        self, r: np.ndarray, moved_by: Callable[[np.ndarray], np.ndarray]
    ) -> tuple[BarrierStep, float]:
        """A step towards the end of the path, and how much of it stays inside.

        It is taken twice with one weight: first to see how far the products may fall, then with
        what the first says of second order (Mehrotra 1992). ``moved_by`` has the change of scores
        in a model whose dual points are what it is given, where no score changes; of the last call
        it is that of the step.
        """
        weight, ahead, aim, length = self.weight, None, 0.0, 0.0
        for _ in range(2):
            target = self.target(r, aim, ahead)
            ahead = self.step(weight * (target - moved_by(self.g + weight * target)), aim, ahead)
            length = self.longest(ahead)
            aim = (self.after(ahead, length).mu / self.mu) ** 3 * self.mu
        assert ahead is not None
        return ahead, length

    def after(self, step: BarrierStep, t: float) -> Barrier:
        """Where a part t of a step leads."""
        s, rest = self.s - t * step.dg, self.rest + t * step.dg
        above, below = self.above + t * step.du, self.below + t * step.dv
        return replace(self, s=s, rest=rest, above=above, below=below)
