"""The forms in which a graph of tasks is given, all of them read as pairs of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from mtlearn.exceptions import plain
from mtlearn.inputs.frames import as_frame
from mtlearn.inputs.label_order import in_order
from mtlearn.inputs.label_text import readable

FORMS = (
    '"path", a list of pairs (label, label) or (label, label, weight), a matrix of weights (T, T) '
    "or a frame of them with labels on both sides, or coordinates {label: place} as a dictionary "
    "or a frame"
)
FEW_COORDINATES = 3  # up to which a frame holds places, whatever its columns are called


def pairs_of(graph: Any, tasks: np.ndarray, n_neighbors: int, sort: bool) -> list[tuple]:
    """(label, label, weight), each pair once.

    Raises
    ------
    ValueError
        For a graph that is of no form, and for pairs of more than one weight.
    """
    known = tasks.tolist()
    frame = None if sparse.issparse(graph) else as_frame(graph, "graph")
    if isinstance(graph, str) and graph == "path":
        order = in_order(tasks) if sort else np.arange(len(tasks))
        pairs = [(known[a], known[b], 1.0) for a, b in pairwise(order)]
    elif isinstance(graph, str) or graph is None:
        raise ValueError(f"graph={graph!r} is not allowed; give {FORMS}.")
    elif sparse.issparse(graph) or (frame is None and getattr(graph, "ndim", 1) == 2):
        pairs = _of_matrix(graph, known)
    elif isinstance(graph, Mapping):
        pairs = _of_coordinates(graph, n_neighbors)
    elif frame is not None:
        pairs = _of_frame(graph, frame, known, n_neighbors)
    else:
        pairs = _of_pairs(graph)
    return _once(pairs)


def _of_pairs(graph: Any) -> list[tuple]:
    if hasattr(graph, "__next__"):
        raise ValueError(
            f"graph is {type(graph).__name__!r}, which can be read once only; give a list of it."
        )
    try:
        pairs = [tuple(pair) for pair in graph]
    except TypeError:
        raise ValueError(f"graph={graph!r} is not allowed; give {FORMS}.") from None
    for pair in pairs:
        if len(pair) not in (2, 3) or isinstance(pair[-1] if len(pair) == 3 else 1.0, str):
            raise ValueError(f"graph holds {pair!r}, which is no pair; give {FORMS}.")
    return [(*(_label(end) for end in pair[:2]), (pair[2:] or (1.0,))[0]) for pair in pairs]


def _of_matrix(graph: Any, known: list) -> list[tuple]:
    T = len(known)
    if graph.shape != (T, T):
        raise ValueError(
            f"graph is a matrix of shape {graph.shape} for {T} tasks; give one of shape ({T}, {T}) "
            "in the order of tasks_, or pairs of labels as a list (of an array, its .tolist())."
        )
    return _of_square(sparse.csr_array(graph), known)


def _of_frame(graph: Any, frame: Any, known: list, n_neighbors: int) -> list[tuple]:
    """A matrix, where the labels on its left are those above; pairs; or coordinates."""
    columns = [_label(one) for one in frame.columns]
    if not hasattr(graph, "index"):  # of other libraries: rows are in the order of the columns
        if frame.shape[0] == len(columns) and set(columns) & set(known):
            return _of_square(sparse.csr_array(frame.to_numpy().astype(float)), columns)
        if len(columns) in (2, 3):
            return _of_pairs(frame.rows())
        raise ValueError(
            f"graph is a frame of {frame.shape[0]} rows and {len(columns)} columns without labels "
            f"on its left; give {FORMS}."
        )
    rows = [_label(one) for one in graph.index]
    unnamed = rows == list(range(len(rows))) and len(rows) < len(known)  # two or three pairs?
    if (rows != columns or unnamed) and _are_pairs(frame, rows, known):
        return _of_pairs(frame.rows())
    twice = next((label for label, many in Counter(rows).items() if many > 1), None)
    if twice is not None:
        raise ValueError(
            f"graph is a frame with {plain(twice)!r} on its left more than once; a label has one "
            "row. Of a frame of pairs give frame.to_numpy().tolist()."
        )
    order = _order_above(rows, columns)
    if order is not None:
        labels = max(
            rows, [columns[k] for k in order], key=lambda side: len(set(side) & set(known))
        )
        return _of_square(sparse.csr_array(graph.to_numpy(dtype=float)[:, order]), labels)
    return _of_coordinates(dict(zip(rows, graph.to_numpy(), strict=True)), n_neighbors)


def _order_above(rows: list, columns: list) -> list[int] | None:
    """Where the labels on the left of a frame are above it; None if it is no matrix.

    The same as text is the same: a file that is read has labels on its left of another kind.

    Raises
    ------
    ValueError
        If some are on both sides, and others on one.
    """
    left, above = [str(one) for one in rows], [str(one) for one in columns]
    both = set(left) & set(above)
    if len(both) == len(left) == len(above):
        place = {label: k for k, label in enumerate(above)}
        return [place[label] for label in left]
    unnamed = columns == list(range(len(columns)))
    few = len(columns) <= FEW_COORDINATES and (unnamed or len(columns) < len(rows) - 1)
    if not both or few:  # places, one of whose names is that of a task
        return None
    lacking = [one for one in above if one not in both] or [one for one in left if one not in both]
    raise ValueError(
        f"graph is a frame with {len(rows)} labels on its left and {len(columns)} above, and "
        f"{lacking[0]!r} is not on both sides: give a matrix of weights all of its labels on both "
        "(graph.reindex(index=labels, columns=labels, fill_value=0)), and the same weight on both "
        "sides of the diagonal; coordinates as a dictionary {label: place}."
    )


def _are_pairs(frame: Any, rows: list, known: list) -> bool:
    """Whether a frame is one of pairs of labels, and not of the places of those on its left.

    Raises
    ------
    ValueError
        If it may be either.
    """
    if frame.shape[1] not in (2, 3):
        return False
    ends = [_label(end) for row in frame.rows() for end in row[:2]]
    if any(isinstance(end, str) for end in ends):
        return True
    tasks = set(known)
    there = sum(end in tasks for end in ends)
    if 2 * there < len(ends) or not there:
        return False
    if tasks.isdisjoint(rows):
        return True
    raise ValueError(
        f"graph is a frame of {frame.shape[1]} columns whose values are labels of tasks, as those "
        "on its left are: are its rows pairs of tasks, or the places of tasks? Give pairs as a "
        "list, frame.to_numpy().tolist(), and places as a dictionary, "
        "dict(zip(frame.index, frame.to_numpy()))."
    )


def _once(pairs: list[tuple]) -> list[tuple]:
    """Pairs of which each is there once; one that is given from both ends is one pair.

    Raises
    ------
    ValueError
        If a pair is given again, or from its other end with another weight.
    """
    found: dict[frozenset, tuple] = {}
    back: set[frozenset] = set()
    for pair in pairs:
        ends = frozenset(pair[:2])
        first = found.setdefault(ends, pair)
        if first is pair or len(ends) == 1:
            continue
        if pair != (first[1], first[0], first[2]) or ends in back:
            raise ValueError(
                f"graph has the pair {plain(pair[0])!r} and {plain(pair[1])!r} more than once, "
                f"with the weights {first[2]!r} and {pair[2]!r}. Give a pair once, or from both "
                "ends with one weight; the sum of the weights if that is meant."
            )
        back.add(ends)
    return list(found.values())


def _of_square(weights: Any, labels: list) -> list[tuple]:
    away = abs(weights - weights.T).max() if weights.nnz else 0.0
    if away > 1e-9 * abs(weights).max():
        raise ValueError(
            f"graph is a matrix that is not symmetric (by up to {away:.3g}); a pair of tasks has "
            "one weight. Give (A + A.T) / 2 if that is meant."
        )
    upper = sparse.coo_array(sparse.triu(weights, 1))
    ends = zip(upper.row.tolist(), upper.col.tolist(), upper.data.tolist(), strict=True)
    return [(labels[a], labels[b], weight) for a, b, weight in ends]


def _of_coordinates(graph: Mapping, n_neighbors: int) -> list[tuple]:
    labels = [_label(label) for label in graph]
    try:
        places = np.array([np.ravel(place) for place in graph.values()], dtype=float)
    except (TypeError, ValueError):
        places = np.full((1, 1), np.nan)
    if not np.isfinite(places).all() or places.ndim != 2:
        raise ValueError(
            "graph holds no coordinates: they are finite numbers, as many for every label. Give "
            f"{FORMS}. Of a frame of pairs give frame.to_numpy().tolist()."
        )
    k = min(n_neighbors + 1, len(labels))
    if k < 2:
        return []
    near = cKDTree(places).query(places, k)[1].tolist()
    # Of places that coincide, itself need not be among the nearest.
    others = [[b for b in row if b != a][: k - 1] for a, row in enumerate(near)]
    pairs = {(min(a, b), max(a, b)) for a, row in enumerate(others) for b in row}
    return [(labels[a], labels[b], 1.0) for a, b in sorted(pairs)]


def _label(value: Any) -> Any:
    """As labels of tasks are read: dates are text."""
    if isinstance(value, np.generic) and value.dtype.kind not in "mM":
        value = value.item()
    if isinstance(value, bytes | date | timedelta | np.generic):
        value = readable([value], "graph")[0]
    return value
