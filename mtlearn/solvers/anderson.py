"""Anderson acceleration of proximal gradient steps, where all features have the same step.

With step tau the map T(Z) = prox(Z) + tau G(prox(Z)) has its fixed point where the normal map is
zero, and V = prox(Z) is then the solution. Once the face of the penalty is found T is all but
affine, and combining the last images so that what is left of their residuals T(Z) - Z is least is
GMRES: about half the iterations of FISTA, and the last digits cost no more than the first. Where a
residual grows it is forgotten what was seen and the best one goes on, from which a plain step does
not lead away.

References
----------
Walker and Ni (2011). Anderson acceleration for fixed-point iterations. SIAM J. Numerical Analysis
49. Mai and Johansson (2020). Anderson acceleration of proximal gradient methods. ICML.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mtlearn.penalties.base import Penalty
from mtlearn.problems.points import Point
from mtlearn.problems.squared import SquaredProblem
from mtlearn.solvers.fista import Metric

MEMORY = 10  # images that are combined
GROWN = 2.0  # times the least residual, from where what was seen misleads
RIDGE = 1e-12  # of nearly equal differences


def anderson(
    problem: SquaredProblem, penalty: Penalty, start: Point, metric: Metric
) -> Iterator[tuple[Point, Metric]]:
    """Iterates from a settled point, for as long as somebody asks for them.

    With each goes the metric that it was made in: L is raised where the curvature met is larger.
    """
    here, seen = start, Seen(start.V.size)
    tau = metric.step
    Z, least, best = here.V + tau * here.G, np.inf, here
    while True:
        new = problem.settle(penalty.prox(Z, tau))
        change = new.V - here.V
        size = float(metric.D * np.vdot(change, change))
        curvature = float(np.vdot(change, here.G - new.G))
        if size > 0 and curvature > 1.0000001 * metric.L * size:
            metric = replace(metric, L=max(1.2 * metric.L, 1.01 * curvature / size))
            tau, seen, least = metric.step, Seen(start.V.size), np.inf
            Z = here.V + tau * here.G
            continue
        image = new.V + tau * new.G
        residual = image - Z
        length = float(np.linalg.norm(residual))
        if length > GROWN * least:
            seen, least = Seen(start.V.size), np.inf
            Z = best.V + tau * best.G
            continue
        if length < least:
            least, best = length, new
        here, Z = new, seen.combined(image, residual)
        yield here, metric


class Seen:
    """The last images and residuals, as differences of neighbours, with their products.

    Differences get smaller with the residuals, so that single precision is enough for them, in
    parts of the first residual: squares of single precision end at 1e38.
    """

    def __init__(self, n_numbers: int, memory: int = MEMORY):
        # Zeros: kernels read past the end of a row, and of what was there before some flag a NaN.
        self.images, self.residuals = np.zeros((2, memory, n_numbers), dtype=np.float32)
        self.products = np.zeros((memory, memory))
        self.memory = memory
        self.n = 0
        self.last: tuple[np.ndarray, np.ndarray] | None = None
        self.unit = 0.0

    def combined(self, image: np.ndarray, residual: np.ndarray) -> np.ndarray:
        """The combination of all images, this one included, that leaves least."""
        if self.last is None:
            largest = float(np.abs(residual).max(initial=0.0))
            self.unit = 2.0 ** -np.frexp(largest)[1]  # a power: no digit is lost
        else:
            i, self.n = self.n % self.memory, self.n + 1
            kept = min(self.n, self.memory)
            self.images[i] = (self.unit * (image - self.last[0])).ravel()
            self.residuals[i] = (self.unit * (residual - self.last[1])).ravel()
            row = self.residuals[:kept] @ self.residuals[i]
            self.products[i, :kept] = self.products[:kept, i] = row
        self.last = image, residual
        kept = min(self.n, self.memory)
        if kept == 0:
            return image
        A = self.products[:kept, :kept].copy()
        scale = np.sqrt(np.maximum(np.diagonal(A), np.finfo(float).tiny))
        A /= scale[:, None] * scale
        A[np.diag_indices(kept)] += RIDGE
        right = self.residuals[:kept] @ (self.unit * residual).ravel().astype(np.float32)
        share = (np.linalg.solve(A, right / scale) / scale).astype(np.float32)
        back = (share @ self.images[:kept]).astype(np.float64) / self.unit
        return image - back.reshape(image.shape)
