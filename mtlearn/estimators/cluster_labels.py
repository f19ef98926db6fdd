"""From coefficients that are pulled to clusters which nobody knows to a cluster for each task."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.cluster import KMeans

STARTS = 10  # of k-means
ALIKE = 1e-9  # of the largest coefficient, that equal tasks may differ by


def labels_of(rows: np.ndarray, n_clusters: int, random_state: Any) -> tuple[np.ndarray, bool]:
    """Clusters of tasks by k-means, numbered in the order in which they appear.

    Of all covariances of so many clusters theirs charges V the least, as far as k-means finds out:
    what depends on clusters in tr(V C⁻¹ V') is the sum of squares within them.

    Parameters
    ----------
    rows : ndarray of shape (p, T)
        V, a column for each task.
    n_clusters : int
    random_state : int, RandomState instance or None

    Returns
    -------
    labels : ndarray of int, of shape (T,)
    enough : bool
        Whether there are so many tasks that differ.
    """
    size = float(np.abs(rows).max(initial=0.0))
    T = rows.shape[1]
    if n_clusters == 1 or T == 1 or size == 0:
        return np.zeros(T, dtype=int), True
    points = rows.T / size
    if points.shape[1] > T:  # the same distances, in as many numbers as there are tasks
        P, s, _ = np.linalg.svd(points, full_matrices=False)
        points = P * s
    distinct = len(np.unique(np.round(points / ALIKE), axis=0))
    k = min(n_clusters, distinct)
    if k == T:
        return np.arange(T), k == n_clusters
    found = KMeans(k, n_init=STARTS, random_state=random_state).fit(points).labels_
    _, first, place = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[place.reshape(-1)], k == n_clusters


def means_of(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Means (k, ...) of what belongs to tasks, (T, ...), over those of each cluster."""
    member = labels == np.arange(labels.max() + 1)[:, None]
    return np.tensordot(member / member.sum(axis=1, keepdims=True), values, axes=1)


def charge_of(rows: np.ndarray, labels: np.ndarray, within_ratio: float) -> float:
    """½ tr(V C⁻¹ V') at the covariance of these clusters.

    In full within clusters and of the mean of all, ``within_ratio`` times as much between them.
    """
    mean = rows.mean(axis=1, keepdims=True)
    own = means_of(rows.T, labels)[labels].T
    within, between = rows - own, own - mean
    charged = np.vdot(within, within) + rows.shape[1] * np.vdot(mean, mean)
    return 0.5 * float(charged + within_ratio * np.vdot(between, between))
