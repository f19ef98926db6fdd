"""The best constant answer under a loss, for each group of rows: what a model has to beat."""

from __future__ import annotations

import numpy as np

from mtlearn.losses import HalfPoissonDeviance, Huber, Loss, Pinball
from mtlearn.losses.pinball import quantiles_by_group

ROUNDS = 100
CLOSE = 1e-10  # of the scale


def best_constants(
    loss: Loss,
    y: np.ndarray,
    group: np.ndarray,
    n_groups: int,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """The score of least loss of each group (n_groups,), NaN where it has no row.

    Of counts the logarithm of the mean; of Huber's loss the location that he estimates, from the
    median on by reweighted means; of a pinball loss the quantile; otherwise the mean.
    """
    weight = np.ones(len(y)) if weight is None else weight
    total = np.bincount(group, weight, n_groups)
    if isinstance(loss, Pinball):
        return quantiles_by_group(y, group, weight, loss.quantile, n_groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        if not isinstance(loss, Huber):
            mean = np.bincount(group, weight * y, n_groups) / total
            return np.log(mean) if isinstance(loss, HalfPoissonDeviance) else mean
        level = quantiles_by_group(y, group, weight, 0.5, n_groups)
        for _ in range(ROUNDS):
            size = np.abs(y - level[group])
            pull = weight * loss.delta / np.maximum(size, loss.delta)
            new = np.bincount(group, pull * y, n_groups) / np.bincount(group, pull, n_groups)
            done = np.nanmax(np.abs(new - level), initial=0.0) <= CLOSE * loss.scale
            level = new
            if done:
                break
    return level
