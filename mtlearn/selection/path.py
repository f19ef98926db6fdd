"""Paths: a descending grid of alphas, each solution the start of the next."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np

from mtlearn.inputs.checks import check_count, check_number
from mtlearn.solvers.solution import Solution
from mtlearn.solvers.solve import Driver


def check_alphas(alphas: Any, eps: float, largest: float, *, infinite: bool = False) -> np.ndarray:
    """The grid: ``alphas`` itself in descending order, or that many from ``largest`` down.

    A grid that is counted out is geometric, from ``largest`` to ``eps * largest``.
    """
    if isinstance(alphas, Integral) and not isinstance(alphas, bool):
        check_count("alphas", alphas)
        check_number("eps", eps, strict=True)
        if eps >= 1:
            raise ValueError(f"eps={eps!r} is not allowed; it must be a number < 1.")
        # Without any signal every alpha gives the same model; the grid still has to be one.
        largest = largest if largest > np.finfo(float).tiny / eps else 1.0
        return np.geomspace(largest, largest * eps, alphas)
    try:
        grid = np.asarray(alphas, dtype=float)
    except (TypeError, ValueError):
        grid = np.empty(0)
    good = grid.ndim == 1 and len(grid) > 0 and bool((grid >= 0).all())
    if not good or (np.isinf(grid).any() and not infinite):
        raise ValueError(
            f"alphas={alphas!r} is not allowed; it must be a whole number of points or a list of "
            "finite numbers >= 0."
        )
    return np.sort(grid)[::-1]


def follow_path(driver: Driver, alphas: np.ndarray) -> Iterator[Solution]:
    """Solutions at each alpha in turn, started at the one before."""
    start = None
    for alpha in alphas:
        solution = driver.solve(float(alpha), start, grid=alphas)
        start = solution
        yield solution
