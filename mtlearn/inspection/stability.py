"""How much sets of features that were selected agree: one number, with how sure it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import norm


class Stability(NamedTuple):
    """The index and its interval."""

    value: float
    low: float
    high: float


def stability_index(selected: np.ndarray, confidence: float = 0.95) -> Stability:
    """The stability of M selections among d features, and its asymptotic interval.

    With z_if whether draw i selected feature f, p_f the mean of z_if over draws, k_i = sum_f z_if
    and k̄ their mean::

        stability = 1 - [(1/d) sum_f M/(M - 1) p_f (1 - p_f)] / [(k̄/d) (1 - k̄/d)]

    is 1 where all draws selected the same, and 0 on average where each draws its number of features
    at random. (It may be below zero, down to -1/(M - 1).) Its variance is (4/M²) sum_i (φ_i - φ̄)²::

        φ_i = [(1/d) sum_f z_if p_f - k_i k̄/d²
               + (stability/2) (2 k_i k̄/d² - k_i/d - k̄/d + 1)] / [(k̄/d) (1 - k̄/d)]

    Where every draw selects all features, or none, they agree, and the index is 1.

    Parameters
    ----------
    selected : ndarray of bool, of shape (M, d)
    confidence : float, default=0.95

    Returns
    -------
    Stability

    References
    ----------
    Nogueira, Sechidis and Brown (2018). On the stability of feature selection algorithms. Journal
    of Machine Learning Research 18(174).

    Examples
    --------
    >>> import numpy as np
    >>> stability_index(np.array([[1, 0, 0], [1, 0, 0]], dtype=bool)).value
    1.0
    """
    Z = np.asarray(selected, dtype=float)
    M, d = Z.shape
    p, k = Z.mean(axis=0), Z.sum(axis=1)
    if (Z == Z[0]).all():  # with all features, or none, it would be 0/0
        return Stability(1.0, 1.0, 1.0)
    mean = k.mean()
    chance = mean / d * (1.0 - mean / d)
    value = 1.0 - np.mean(M / (M - 1) * p * (1.0 - p)) / chance
    agree = Z @ p / d - k * mean / d**2
    by_chance = 2.0 * k * mean / d**2 - k / d - mean / d + 1.0
    phi = (agree + value / 2.0 * by_chance) / chance
    error = 2.0 / M * np.sqrt(np.sum((phi - phi.mean()) ** 2))
    width = float(norm.ppf((1.0 + confidence) / 2.0) * error)
    return Stability(float(value), float(value) - width, min(float(value) + width, 1.0))
