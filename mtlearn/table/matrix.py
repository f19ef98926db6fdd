"""A table as one float matrix, by what a fitted encoder knows of its columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mtlearn.inputs.made_columns import tell_sources
from mtlearn.inputs.number_text import Bad
from mtlearn.table.features import check_cells, levels_again, numbers_again
from mtlearn.table.levels import codes_of, counts_of
from mtlearn.table.names import feature_names, sources
from mtlearn.table.reading import columns_of


@dataclass(frozen=True)
class Encoded:
    """Rows of a table as numbers.

    Attributes
    ----------
    matrix : ndarray of shape (n, d)
        Numbers first, scaled, NaN where missing; then dummies.
    raw : ndarray of shape (n, k) or None
        The numbers as they were, where they are asked for.
    bad : dict
        By the name of a column of numbers, its cells that do not read.
    strange : dict
        By the name of a categorical column, how many rows hold each level not seen in fit; where
        there are any.
    """

    matrix: np.ndarray
    raw: np.ndarray | None = None
    bad: dict[str, Bad] = field(default_factory=dict)
    strange: dict[str, Counter[str]] = field(default_factory=dict)


def encoded(
    encoder: Any, columns: dict[str, Any], n_rows: int, *, with_raw: bool = False
) -> Encoded:
    """The columns of a table, by name, through a fitted encoder."""
    k, rows = len(encoder.numbers_), np.arange(n_rows)
    raw = np.empty((n_rows, k)) if with_raw else None
    out = Encoded(np.zeros((n_rows, tell(encoder)), order="F"), raw)
    if k:
        numbers = out.matrix[:, :k]
        for j, name in enumerate(encoder.numbers_):
            read = numbers_again(name, columns[name], encoder._decimals[name])
            numbers[:, j], out.bad[name] = read
            check_cells(name, out.bad[name], encoder.bad_cells)
        if raw is not None:
            raw[:] = numbers
        numbers[:] = encoder.scaler_.transform(numbers, copy=False)
    for name, levels in encoder.levels_.items():
        rare = name in encoder.rare_
        column = levels_again(columns[name])
        codes = codes_of(column, levels, rare)
        known = codes >= 0
        out.matrix[rows[known], k + codes[known]] = 1.0
        k += len(levels) + rare
        if not known.all():
            strange = column.filter((~known).tolist())
            out.strange[name] = counts_of(strange)
            if missing := int(strange.is_null().sum()):
                out.strange[name]["(missing)"] += missing
    return out


def tell(encoder: Any) -> int:
    """Tell models which raw column each feature is made of; how many there are."""
    learned = encoder.numbers_, encoder.levels_, encoder.rare_
    names = feature_names(*learned)
    tell_sources(names, sources(*learned))
    return len(names)


def encode_chunk(encoder: Any, X: Any) -> Encoded:
    """A chunk of the table that an encoder was fitted to, or to a sample of."""
    return encoded(encoder, columns_of(encoder, X, reset=False), X.shape[0], with_raw=True)
