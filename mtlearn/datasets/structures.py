"""True coefficients of related tasks: one function for each way in which tasks can be related.

Every function draws ``coef`` (T, d) for the regular tasks on the informative features, with the
parts it consists of; `draw_coefficients` chooses the features, rescales so that a task's signal
x·w_t has variance 1 on average when x is white, and puts the outlier tasks in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .checks import check_fraction_or_count, check_number, check_whole

Parts = dict[str, np.ndarray]


def _mean(rng, n_tasks, d, deviation, **_) -> Parts:
    """w_t = w_0 + v_t (Evgeniou and Pontil 2004)."""
    mean = rng.standard_normal(d)
    specific = deviation * rng.standard_normal((n_tasks, d))
    return {"coef": mean + specific, "mean_coef": mean}


def _group(rng, n_tasks, d, **_) -> Parts:
    """Independent values on a support common to all tasks (Obozinski, Taskar and Jordan 2010)."""
    return {"coef": rng.standard_normal((n_tasks, d))}


def _low_rank(rng, n_tasks, d, rank, **_) -> Parts:
    """w_t = D a_t, D (d, r) a dictionary common to all tasks (Argyriou, Evgeniou, Pontil 2008)."""
    loadings = rng.standard_normal((n_tasks, rank))
    dictionary = rng.standard_normal((rank, d))
    return {"coef": loadings @ dictionary}


def _dirty(rng, n_tasks, d, n_shared, n_specific, **_) -> Parts:
    """B + S: common rows, and entries of single tasks elsewhere (Jalali et al. 2010).

    The first ``n_shared`` of the d features are the common ones.
    """
    shared, specific = np.zeros((2, n_tasks, d))
    shared[:, :n_shared] = rng.standard_normal((n_tasks, n_shared))
    # The n_specific smallest of uniform draws are a random subset, for all tasks at once.
    order = np.argsort(rng.random((n_tasks, d - n_shared)), axis=1)
    chosen = n_shared + order[:, :n_specific]
    np.put_along_axis(specific, chosen, rng.standard_normal(chosen.shape), axis=1)
    return {"coef": shared + specific, "shared_coef": shared, "specific_coef": specific}


def _clusters(rng, n_tasks, d, deviation, n_clusters, **_) -> Parts:
    """w_t = c_k(t) + v_t, k(t) the cluster of task t (Jacob, Bach and Vert 2008)."""
    centers = rng.standard_normal((n_clusters, d))
    labels = rng.permutation(np.arange(n_tasks) % n_clusters)  # none is empty
    specific = deviation * rng.standard_normal((n_tasks, d))
    return {"coef": centers[labels] + specific, "cluster_centers": centers, "clusters": labels}


STRUCTURES: dict[str, Callable[..., Parts]] = {
    "mean": _mean,
    "group": _group,
    "low_rank": _low_rank,
    "dirty": _dirty,
    "clusters": _clusters,
    "none": _group,  # the same draw; by default it is on all features
}
SCALED = ("coef", "mean_coef", "shared_coef", "specific_coef", "cluster_centers")
PER_TASK = ("coef", "shared_coef", "specific_coef")
SPARSE = ("group", "dirty")  # a quarter of the features unless told otherwise


def checked_relation(
    n_tasks: int,
    n_features: int,
    *,
    structure,
    n_informative,
    n_specific,
    rank,
    n_clusters,
    deviation,
    outlier_tasks,
) -> dict[str, Any]:
    """How the tasks are related, checked and with defaults filled in, for `draw_coefficients`."""
    if not isinstance(structure, str) or structure not in STRUCTURES:
        raise ValueError(f"structure is {structure!r}; write one of {', '.join(STRUCTURES)}.")
    n_outliers = check_fraction_or_count("outlier_tasks", outlier_tasks, n_tasks)
    if n_informative is None:
        n_informative = max(1, n_features // 4) if structure in SPARSE else n_features
    n_informative = check_whole("n_informative", n_informative, 1, n_features)
    if structure == "dirty":
        left = n_features - n_informative
        if n_specific is None:
            n_specific = min(max(1, n_features // 10), left)
        n_specific = check_whole("n_specific", n_specific, 0, left)
    if structure == "low_rank":
        rank = check_whole("rank", rank, 1, min(n_tasks - n_outliers, n_informative))
    if structure == "clusters":
        n_clusters = check_whole("n_clusters", n_clusters, 1, n_tasks - n_outliers)
    return {
        "structure": structure,
        "n_informative": n_informative,
        "n_specific": n_specific,
        "rank": rank,
        "n_clusters": n_clusters,
        "deviation": check_number("deviation", deviation, low=0),
        "n_outliers": n_outliers,
    }


def draw_coefficients(
    rng: np.random.RandomState,
    *,
    n_tasks: int,
    n_features: int,
    structure: str,
    n_informative: int,
    n_specific: int,
    rank: int,
    n_clusters: int,
    deviation: float,
    n_outliers: int,
) -> Parts:
    """Coefficients of all tasks with their parts; the parameters have been checked.

    Returns ``coef`` (T, d), ``support`` (d,), ``outlier_tasks`` (positions) and the parts of the
    structure; in these, outlier tasks have zeros, and cluster -1.
    """
    outliers = np.sort(rng.permutation(n_tasks)[:n_outliers])
    regular = np.setdiff1d(np.arange(n_tasks), outliers)
    # The informative features first: each structure works on a prefix of a random order.
    order = rng.permutation(n_features)
    width = n_features if structure == "dirty" else n_informative
    parts = STRUCTURES[structure](
        rng,
        len(regular),
        width,
        n_shared=n_informative,
        n_specific=n_specific,
        rank=rank,
        n_clusters=n_clusters,
        deviation=deviation,
    )
    scale = np.sqrt(np.mean(np.sum(parts["coef"] ** 2, axis=1)))
    truth: Parts = {}
    for name, part in parts.items():
        if name == "clusters":
            truth[name] = np.full(n_tasks, -1)
            truth[name][regular] = part
            continue
        values = np.zeros((*part.shape[:-1], n_features))
        values[..., order[:width]] = part / scale
        truth[name] = values
        if name in PER_TASK:
            truth[name] = np.zeros((n_tasks, n_features))
            truth[name][regular] = values
    # Variance 1 as for the others, on all features: nothing there to share.
    truth["coef"][outliers] = rng.standard_normal((n_outliers, n_features)) / np.sqrt(n_features)
    truth["support"] = np.isin(np.arange(n_features), order[:n_informative])
    truth["outlier_tasks"] = outliers
    return truth
