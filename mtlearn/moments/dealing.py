"""Which fold holds out a row: a hash of the row says so, and nothing around it.

However rows are cut into chunks, files or machines, and whatever library has read them, a row is
in the same fold; equal rows are in one fold. A row is its features, targets and label as doubles
(or text), -0 being 0 and every NaN the same. Features that have names may come in any order.
Weights take no part: a row of weight two is a row twice.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np

from mtlearn.problems.moments import rows_at_once

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def mixed(z: np.ndarray) -> np.ndarray:
    """Bits of 64-bit numbers spread over all places: equal ones stay equal, near ones do not.

    References
    ----------
    Steele, Lea and Flood (2014). Fast splittable pseudorandom number generators. OOPSLA.
    """
    z = z + GOLDEN
    z = (z ^ (z >> np.uint64(30))) * FIRST
    z = (z ^ (z >> np.uint64(27))) * SECOND
    return z ^ (z >> np.uint64(31))


def hash_of_labels(values: np.ndarray) -> np.ndarray:
    """Of distinct labels, as :func:`~mtlearn.inputs.labels.read_labels` has them (T,)."""
    if values.dtype.kind == "O":
        texts = (str(value).encode() for value in values)
        digests = b"".join(blake2b(text, digest_size=8).digest() for text in texts)
        return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
    return mixed(_bits(values.astype(np.float64)))


def hash_of_rows(
    parts: list[np.ndarray], labels: np.ndarray | None, names: Any = None
) -> np.ndarray:
    """Of the numbers of each row, (n, k) blocks side by side, and the hash of its label.

    ``names`` are those of the columns of the first block, which count in the place of positions.
    """
    n, width = len(parts[0]), sum(part.shape[1] for part in parts)
    found = np.zeros(n, dtype=np.uint64) if labels is None else labels.copy()
    places = mixed(np.arange(width, dtype=np.uint64))
    if names is not None:
        places[: len(names)] = hash_of_labels(np.array([*names], dtype=object))
        places[len(names) :] = mixed(np.arange(width - len(names), dtype=np.uint64))
    step, at = rows_at_once(width), 0
    for part in parts:
        own = places[at : at + part.shape[1]]
        at += part.shape[1]
        for start in range(0, n, step):
            rows = slice(start, start + step)
            found[rows] += mixed(_bits(part[rows]) ^ own).sum(axis=1, dtype=np.uint64)
    return mixed(found)


def fold_of(hashes: np.ndarray, n_folds: int) -> np.ndarray:
    """The fold from 0 to n_folds - 1 that holds out each row."""
    return (hashes % np.uint64(n_folds)).astype(np.intp)


def _bits(numbers: np.ndarray) -> np.ndarray:
    numbers = numbers.astype(np.float64, order="C") + 0.0
    numbers[np.isnan(numbers)] = np.nan
    return numbers.view(np.uint64)
