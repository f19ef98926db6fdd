"""Rows of a chunk, as arrays that can be added up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlearn.inputs.holes import is_hole
from mtlearn.inputs.labels import Labels


@dataclass(frozen=True)
class Chunk:
    """Rows of a chunk.

    Attributes
    ----------
    X : ndarray of shape (n, d)
    y : ndarray of shape (n,) or (n, T)
        NaN where a target is missing.
    weight : ndarray of shape (n,) or (n, T), or None
    labels : Labels or None
        Of tasks.
    groups : Labels or None
    raw : ndarray of shape (n, k) or None
        The first columns of X as they were before an encoder scaled them, which says in what fold
        a row is, however the encoder came to know its scales.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None
    labels: Labels | None
    groups: Labels | None
    raw: np.ndarray | None = None

    def known(self) -> tuple[np.ndarray, int]:
        """Which rows have a target and a weight (n,); and how many have no target."""
        holes = np.all(is_hole(self.y).reshape(len(self.y), -1), axis=1)
        keep = ~holes
        if self.weight is not None:
            keep &= self.weight > 0 if self.weight.ndim == 1 else self.weight.any(axis=1)
        return keep, 0 if keep.all() else int(holes.sum())

    def take(self, keep: np.ndarray) -> Chunk:
        """Some of the rows (a mask, or positions)."""
        labels, groups = (
            None if one is None else Labels(one.kind, one.values, one.codes[keep])
            for one in (self.labels, self.groups)
        )
        weight = None if self.weight is None else self.weight[keep]
        raw = None if self.raw is None else self.raw[keep]
        return Chunk(self.X[keep], self.y[keep], weight, labels, groups, raw)

    def as_given(self) -> list[np.ndarray]:
        """X as it was given, (n, k) blocks side by side."""
        return [self.X] if self.raw is None else [self.raw, self.X[:, self.raw.shape[1] :]]
