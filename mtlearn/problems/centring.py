"""Rows about their weighted means, to rounding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

AT_ONCE = 1 << 16  # numbers, so that what is made of them stays in a cache


def centre(A: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean of the rows and the centred rows; the rounding of a mean is taken out."""
    first = s @ A / s.sum()
    A = A - first
    return _to_rounding(A, s, first), A


def centre_in_place(A: np.ndarray, s: np.ndarray) -> np.ndarray:
    """The same mean of rows in double precision, which are centred where they are."""
    first = s @ A / s.sum()
    A -= first
    return _to_rounding(A, s, first)


def _to_rounding(A: np.ndarray, s: np.ndarray, first: np.ndarray) -> np.ndarray:
    total = s.sum()
    second = s @ A / total
    scatter = weighted_squares(A, s)
    if np.any(total * second**2 > 1e-26 * scatter):
        A -= second
        scatter = weighted_squares(A, s)
    mean = first + second
    constant = is_constant(scatter, total, mean)
    if A.ndim == 2 and constant.any():
        A[:, constant] = 0.0
    return mean


def centre_blocks(A: np.ndarray, starts: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Weighted means (B, d) of blocks of rows, none of them empty, which are centred in place.

    So many blocks at a time that what is made of them is small.
    """
    means = np.empty((len(starts) - 1, A.shape[1]))
    for first, last in _runs(starts, max(1, AT_ONCE // A.shape[1])):
        rows, begins = slice(starts[first], starts[last]), starts[first:last] - starts[first]
        if last == first + 1:
            means[first] = centre_in_place(A[rows], s[rows])
            continue
        part, weight, sizes = A[rows], s[rows, None], np.diff(starts[first : last + 1])
        total = np.add.reduceat(weight, begins)
        mean = np.add.reduceat(weight * part, begins) / total
        part -= np.repeat(mean, sizes, axis=0)
        rounding = np.add.reduceat(weight * part, begins) / total
        scatter = np.add.reduceat(weight * part**2, begins)
        off = total * rounding**2 > 1e-26 * scatter
        if off.any():
            part -= np.repeat(rounding, sizes, axis=0)
            scatter = np.add.reduceat(weight * part**2, begins)
        means[first:last] = mean + rounding
        constant = is_constant(scatter, total, means[first:last])
        if constant.any():
            part[np.repeat(constant, sizes, axis=0)] = 0.0
    return means


def _runs(starts: np.ndarray, most: int) -> Iterator[tuple[int, int]]:
    """First and last (not included) of neighbouring blocks of so many rows together, or of one."""
    first = 0
    while first < len(starts) - 1:
        last = int(np.searchsorted(starts, starts[first] + most, side="right")) - 1
        yield first, max(last, first + 1)
        first = max(last, first + 1)


def weighted_squares(A: np.ndarray, s: np.ndarray) -> np.ndarray:
    """sum_i s_i a_ij² of each column; nothing as large as A is made."""
    if (s == 1.0).all():
        return np.einsum("i...,i...->...", A, A)
    total, step = np.zeros(A.shape[1:]), max(1, AT_ONCE * len(A) // max(1, A.size))
    for start in range(0, len(A), step):
        total += s[start : start + step] @ A[start : start + step] ** 2
    return total


def is_constant(scatter: np.ndarray, weight: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Whether what is left of a column once it is centred is the rounding of its mean."""
    return scatter <= 1e-29 * weight * mean**2


def seen_from(origin: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Means (…, d) of rows as features seen from an origin (d,); their rounding is no distance."""
    away = mean - origin
    away[np.abs(away) <= 1e-14 * np.abs(origin)] = 0.0
    return away
