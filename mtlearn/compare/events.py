"""Means of counts that rows can vouch for: no model of a comparison predicts less."""

from __future__ import annotations

import numpy as np


def least_mean(y: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Half an event in all rows: a mean next to 0 costs next to infinity where it proves wrong.

    ``y`` are counts, or rates with their exposures as weights; the smallest that was seen (NaN is
    none) is taken for an event.
    """
    exposure = np.ones(len(y)) if weight is None else weight
    exposure = np.broadcast_to(exposure if y.ndim == 1 else exposure[:, None], y.shape)
    events = y * exposure
    seen = events[events > 0]  # not NaN
    total = exposure[~np.isnan(y)].sum()
    return 0.5 * float(seen.min() if len(seen) else 1.0) / float(total)
