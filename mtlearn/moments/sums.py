"""Sums beside the moments that add up as they do."""

from __future__ import annotations

import numpy as np

from mtlearn.inputs.weights import WHOLE


def sums_of_weights(s: np.ndarray) -> np.ndarray:
    """s², log s and whether s is no whole number, of weights above zero (n,): (n, 3)."""
    whole = np.rint(s)
    fractional = (whole < 1) | (np.abs(s - whole) > WHOLE)
    return np.column_stack([s**2, np.log(s), fractional])
