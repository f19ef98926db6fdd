"""A matrix that knows which parts it is the sum of, so that a split once found is not lost."""

from __future__ import annotations

from typing import Any

import numpy as np


class SumOfParts(np.ndarray):
    """Deviations V (d, C) and the parts that they were found as, each (d, C).

    What is linear keeps the parts: sums and differences of two of them (or of one and zeros), a
    multiple, a product with a matrix from the left. All else answers as the plain matrix would.

    Parameters
    ----------
    *parts : ndarray of shape (d, C)

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.penalties.sum_of_parts import SumOfParts
    >>> V = SumOfParts(np.eye(2), np.ones((2, 2)))
    >>> half = 0.5 * (V - 3.0 * V)
    >>> half.parts[0].tolist(), type(half @ half).__name__
    ([[-1.0, 0.0], [0.0, -1.0]], 'ndarray')
    """

    parts: tuple[np.ndarray, ...] | None = None

    def __new__(cls, *parts: np.ndarray) -> SumOfParts:
        V = sum(parts[1:], parts[0]).view(cls)
        V.parts = parts
        return V

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **how: Any) -> Any:
        plain = [_plain(a) for a in inputs]
        given = how.get("out", ())
        if given:  # which no longer is the sum that it was
            how["out"] = tuple(_plain(a) for a in given)
            for a in given:
                if isinstance(a, SumOfParts):
                    a.parts = None
        result = getattr(ufunc, method)(*plain, **how)
        if method != "__call__" or how:
            return result
        parts = _linear(ufunc, inputs)
        if parts is None:
            return result
        kept = result.view(SumOfParts)
        kept.parts = parts
        return kept


def _plain(a: Any) -> Any:
    return a.view(np.ndarray) if isinstance(a, SumOfParts) else a


def _linear(ufunc: Any, inputs: tuple) -> tuple[np.ndarray, ...] | None:
    """The parts of what a linear operation makes; None where it is none, or has no parts."""
    if len(inputs) != 2:
        return None
    one, other = inputs
    if ufunc in (np.add, np.subtract):
        first, second = _parts(one, other), _parts(other, one)
        if first is None or second is None:
            return None
        return tuple(ufunc(a, b) for a, b in zip(first, second, strict=True))
    if ufunc in (np.multiply, np.matmul) and isinstance(other, SumOfParts):
        scales = ufunc is np.matmul or np.ndim(one) == 0
        if scales and not isinstance(one, SumOfParts) and other.parts is not None:
            return tuple(ufunc(one, part) for part in other.parts)
    if ufunc in (np.multiply, np.divide) and isinstance(one, SumOfParts) and np.ndim(other) == 0:
        return None if one.parts is None else tuple(ufunc(part, other) for part in one.parts)
    return None


def _parts(a: Any, beside: Any) -> tuple[Any, ...] | None:
    """Those of a matrix; of zeros as many as the one beside it has."""
    if isinstance(a, SumOfParts):
        return a.parts
    known = beside.parts if isinstance(beside, SumOfParts) else None
    return (a,) * len(known) if known is not None and not np.any(a) else None
