"""A number that a function leaves as it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

ROUNDS = 60  # of which a continuous function needs some six
CLOSE = 1e-9  # relative change that is none
LITTLE = 0.5  # of the change of the round before: slower than halving
FURTHEST = 10.0  # times as large or small, that a secant leads


def fixed_point(image: Callable[[float], float], start: float, *, least: float) -> float:
    """x = max(image(x), least), of a continuous function, found by secants from a start.

    A secant of two changes image(x) - x leads to where the change is zero, which is exact once both
    lie on a linear piece. It counts where it leads between the numbers known to rise and to
    fall; elsewhere x becomes its image. Where a round has brought little, the middle between these
    numbers follows, so that a root is closed in on whatever the function.

    Parameters
    ----------
    image : callable
        Of numbers >= least.
    start : float
        Where to begin, > least; which root is found depends on it, where there are several.
    least : float
        The smallest answer, > 0.

    References
    ----------
    Dekker (1969). Finding a zero by means of successive linear interpolation.

    Examples
    --------
    >>> from mtlearn.selection.fixed_point import fixed_point
    >>> round(fixed_point(lambda x: 1 + x / 2, 10.0, least=1e-3), 9)
    2.0
    """
    now = there = start
    low, high = -np.inf, np.inf  # numbers known to rise, and to fall
    before: tuple[float, float] | None = None
    for _ in range(ROUNDS):
        there = max(image(now), least)
        change = there - now
        low, high = (now, high) if change > 0 else (low, now)
        if abs(change) <= CLOSE * now or high - low <= CLOSE * now:
            break
        ways, slow = [there, 0.5 * (low + high)], False
        if before is not None and change != before[1]:
            x, earlier = before
            secant = now - change * (now - x) / (change - earlier)
            ways.insert(0, min(max(secant, now / FURTHEST), FURTHEST * now))
            slow = abs(change) > LITTLE * abs(earlier)
        before = now, change
        ways = [one for one in ways if low < one < high and one >= least]
        now = ways[-1 if slow and np.isfinite(high - low) else 0]
    return there
