"""An array of zeros that takes the time and the memory of what is written to it."""

from __future__ import annotations

import mmap

import numpy as np


def zeros(shape: tuple[int, ...]) -> np.ndarray:
    """As ``np.zeros``, page by page.

    NumPy asks for pages of 2 MiB, and one number written to each has all of them cleared: of the
    coefficients of a path, nearly all zero, that is longer than finding them.
    """
    size = int(np.prod(shape))
    return np.frombuffer(mmap.mmap(-1, 8 * max(size, 1)), count=size).reshape(shape)
