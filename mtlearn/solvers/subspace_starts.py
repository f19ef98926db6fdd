"""Where else a fit of bounded rank may start: of few rows, the nearest optimum may be a bad one.

Ridges of larger alpha see what tasks have in common before they see noise, and a direction that the
truncation of one leaves out may belong to the best of all. So V starts at r singular triples of
several ridges: the r largest, and those with one exchanged for one that was left out. All are
determined by the data, and do not depend on the order of tasks or features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mtlearn.penalties.elastic_trace import by_column, by_task
from mtlearn.penalties.rank_at_most import NO_RANK, RankAtMost
from mtlearn.problems.base import Problem, Quadratic

STRONGER = (10.0, 100.0, 1000.0)  # times alpha
EXCHANGES = 6  # of a triple for another, the largest first


def other_starts(
    problem: Problem, penalty: RankAtMost, V: np.ndarray, ridge: Callable[[float], Any]
) -> Iterator[np.ndarray]:
    """Deviations (d, C) of rank r to start at, none of them zero.

    Parameters
    ----------
    problem : Problem
        That says by how much features and tasks curve.
    penalty : RankAtMost
    V : ndarray of shape (d, C)
        The ridge at the same alpha, whose r largest triples are not given again.
    ridge : callable
        The solution of the ridge at an alpha.
    """
    scale = _scale(problem, penalty)
    # A fit of another loss is many quadratic ones: of it only the other ridges are tried.
    most = EXCHANGES if isinstance(problem, Quadratic) else 0
    yield from list(_of_triples(V, penalty, scale, most))[1:]
    for times in STRONGER:
        more = ridge(times * penalty.alpha).point.V
        if more.any():
            yield from _of_triples(more, penalty, scale, most)


def _scale(problem: Problem, penalty: RankAtMost) -> np.ndarray:
    """What features (d K, 1) are multiplied by, that they curve alike."""
    shape = problem.n_features, problem.n_columns
    curvature = np.broadcast_to(problem.hessian_diagonal(), shape)
    bends = np.maximum(by_task(curvature, penalty.n_classes), 0.0).mean(axis=1, keepdims=True)
    return np.sqrt(bends + penalty.alpha)


def _of_triples(
    V: np.ndarray, penalty: RankAtMost, scale: np.ndarray, most: int
) -> Iterator[np.ndarray]:
    """V at its r largest triples, and with one exchanged, of so many at most."""
    P, s, Qt = np.linalg.svd(scale * by_task(V, penalty.n_classes), full_matrices=False)
    r, n = penalty.bound, int((s > NO_RANK * s[0]).sum())
    # The smallest of those kept for the largest of those left out, and so on.
    pairs = sorted(((i, j) for i in range(min(r, n)) for j in range(r, n)), key=_apart(s))
    chosen = [list(range(min(r, n)))]
    chosen += [[k for k in chosen[0] if k != i] + [j] for i, j in pairs[:most]]
    for kept in chosen:
        yield by_column((P[:, kept] * s[kept]) @ Qt[kept] / scale, penalty.n_classes)


def _apart(s: np.ndarray) -> Callable[[tuple[int, int]], float]:
    """By how much a truncation is worse of an exchange."""
    return lambda pair: float(s[pair[0]] ** 2 - s[pair[1]] ** 2)
