"""A step towards the minimum of a model whose coefficients are of bounded rank, for any loss."""

from __future__ import annotations

from typing import Any

from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.coupling import whole
from mtlearn.solvers import tuning
from mtlearn.solvers.shared_subspace import Scaled


def towards(
    problem: Any, scaled: Scaled, charge: SquaredNorm, point: Any, ahead: Any, slack: float = 0.0
) -> tuple[Any, float]:
    """The longest of some steps towards a model's minimum that lowers the objective.

    Or raises it by no more than a ``slack`` relative to it, of rounding.
    """
    here = problem.value(point) + charge.value(point.V)
    here += slack * abs(here)
    for t in tuning.LENGTHS:

        def mix(new: Any, old: Any, t: float = t) -> Any:
            return new if t == 1.0 or new is None else old + t * (new - old)

        V, mean = mix(ahead.V, point.V), mix(ahead.mean, point.mean)
        V = V if t == 1.0 else scaled.truncated(V)
        XW = problem.scores(whole(V, mean))
        own = mix(ahead.own, point.own)
        if own is not None:
            XW += problem.own_scores(own)
        b, b0 = mix(ahead.b, point.b), mix(ahead.b0, point.b0)
        new = problem.point(V, mean, b, b0, XW, own=own)
        if problem.value(new) + charge.value(new.V) < here:
            return new, float(t)
    return None, 0.0
