"""Points of a problem whose rows lie in chunks, and places between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mtlearn.passes.on_chunk import Sums
from mtlearn.problems.coupling import whole
from mtlearn.solvers.proximal_newton import Minimum


@dataclass(frozen=True)
class PassPoint:
    """Coefficients, and what a pass has found around them.

    ``b`` are intercepts (C,) of features seen from the problem's ``center``, ``own`` (k, C) the
    coefficients that nothing is charged for. ``sums`` are those of the chunks; ``delta`` (C,) is
    the step in intercepts that would make residuals of free ones sum to zero. With r the residuals
    and h the curvatures the dual point is r - delta h, of which ``whole`` is minus the gradient in
    all coefficients and ``G`` in deviations, (d, C).
    """

    V: np.ndarray
    mean: np.ndarray | None
    b: np.ndarray
    b0: np.ndarray
    own: np.ndarray | None
    sums: Sums
    delta: np.ndarray
    whole: np.ndarray
    G: np.ndarray
    known: dict[Any, Any] = field(default_factory=dict, compare=False)

    @property
    def W(self) -> np.ndarray:
        return whole(self.V, self.mean)


@dataclass(frozen=True)
class Free:
    """Features that nothing is charged for."""

    features: np.ndarray


def between(here: Any, there: Any, t: float) -> Minimum:
    """A place on the way from one to another."""

    def mix(old: Any, new: Any) -> Any:
        return new if new is None else old + t * (new - old)

    V, mean = mix(here.V, there.V), mix(here.mean, there.mean)
    b, b0, own = mix(here.b, there.b), mix(here.b0, there.b0), mix(here.own, there.own)
    return Minimum(V, mean, b, b0, there.taken, own)
