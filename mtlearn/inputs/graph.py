"""Which tasks are neighbours: the graph that a user gives, in one of several forms."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from mtlearn.exceptions import counted, in_fold, level_of_user, plain
from mtlearn.inputs.frames import as_frame
from mtlearn.inputs.holes import is_missing
from mtlearn.inputs.label_order import in_order
from mtlearn.inputs.label_text import readable

FORMS = (
    '"path", a list of pairs (label, label) or (label, label, weight), a matrix of weights (T, T) '
    "or a frame of them with labels on both sides, or coordinates {label: place} as a dictionary "
    "or a frame"
)


@dataclass(frozen=True, eq=False)
class TaskGraph:
    """Tasks of a fit first, then labels of the graph that it has no rows of.

    Attributes
    ----------
    tasks, others : list
    weights : sparse array of shape (T + U, T + U)
        a_st >= 0, symmetric.
    kept : dict
        What others make of it for some of the tasks, by their labels.
    """

    tasks: list
    others: list
    weights: Any
    kept: dict[tuple, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, graph: Any, tasks: np.ndarray, n_neighbors: int, sort: bool) -> TaskGraph:
        """What is given as ``graph`` for these tasks.

        Raises
        ------
        ValueError
            For a graph that is of no form, or that none of the tasks is in.
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
        return cls._of_pairs(_once(pairs), known)

    @classmethod
    def _of_pairs(cls, pairs: list[tuple], known: list) -> TaskGraph:
        named = list(dict.fromkeys(label for pair in pairs for label in pair[:2]))
        if any(is_missing(label) for label in named):
            raise ValueError(
                "graph has a label that is missing (NaN or None). Leave out such pairs, rows and "
                "columns, or give the label a name."
            )
        place = {label: k for k, label in enumerate(known)}
        others = [label for label in named if label not in place]
        if named and len(known) > 1 and len(others) == len(named):
            raise ValueError(
                f"graph names {[plain(label) for label in named[:5]]}, none of which is a task; "
                f"tasks are {[plain(label) for label in known[:5]]}. Give the labels of the tasks "
                "in the kind that fit has (text never equals a number)."
            )
        unlike = [one for one in others if isinstance(one, str) != isinstance(known[0], str)]
        if unlike and len(known) > 1:
            raise ValueError(
                f"graph names {plain(unlike[0])!r}, and tasks are {[plain(t) for t in known[:5]]}: "
                "text never equals a number. Give all labels of the graph in the kind that fit has."
            )
        place |= {label: len(known) + k for k, label in enumerate(others)}
        n = len(place)
        ends = np.array([[place[a], place[b]] for a, b, _ in pairs], dtype=np.intp).reshape(-1, 2)
        strength = np.array([pair[2] for pair in pairs], dtype=float)
        if not ((strength >= 0) & np.isfinite(strength)).all():
            a, b, weight = pairs[int(np.flatnonzero(~((strength >= 0) & (strength < np.inf)))[0])]
            raise ValueError(
                f"graph has the weight {weight!r} for {plain(a)!r} and {plain(b)!r}; weights must "
                "be finite and >= 0."
            )
        low, high = ends.min(axis=1), ends.max(axis=1)
        apart = low < high
        half = sparse.coo_array((strength[apart], (low[apart], high[apart])), (n, n)).tocsr()
        found = cls(known, others, half + half.T)
        found._warn_of_labels()
        return found

    def _warn_of_labels(self) -> None:
        """Labels that are no task, where tasks are left alone: they may be misspelt."""
        T = len(self.tasks)
        if not self.others or T < 2 or in_fold():  # a fold may lack tasks
            return
        _, part = connected_components(self.weights, directed=False)
        sizes = np.bincount(part[:T])
        alone = [task for task, own in zip(self.tasks, part[:T], strict=True) if sizes[own] == 1]
        if alone:
            others = counted(len(self.others), "label that is no task", "labels that are no tasks")
            left = counted(len(alone), "task", "tasks")
            warnings.warn(
                f"graph names {others} ({_first(self.others)}), and {left} without neighbours "
                f"among the tasks ({_first(alone)}): they are fitted alone, without any penalty. "
                "If labels are misspelt, correct them; of tasks that are alone that is what "
                "graph says.",
                UserWarning,
                stacklevel=level_of_user(),
            )

    def among(self, tasks: np.ndarray) -> tuple[Any, list, np.ndarray]:
        """The graph that is left for some of its labels when all others are at their best.

        Returns
        -------
        weights : sparse array of shape (T', T')
            Between these tasks: those of the graph, and those that go through others.
        labels : list
            Others that are connected with one of the tasks, (U',).
        answers : ndarray of shape (U', T')
            What their coefficients are made of; rows sum to one.
        """
        labels = self.tasks + self.others
        wanted = {label: k for k, label in enumerate(tasks.tolist())}
        seen = np.array([label in wanted for label in labels], dtype=bool)
        order = np.flatnonzero(seen)
        order = order[np.argsort([wanted[labels[k]] for k in order], kind="stable")]
        _, part = connected_components(self.weights, directed=False)
        joined = np.isin(part, part[seen]) & ~seen
        away = np.flatnonzero(joined)
        W = sparse.csr_array(self.weights)
        own = sparse.csr_array(W[order][:, order])
        if len(away) == 0:
            return own, [], np.zeros((0, len(order)))
        between = sparse.csc_array(W[away][:, order])
        inside = W[away][:, away]
        system = sparse.diags(W[away].sum(axis=1)) - inside
        answers = splu(sparse.csc_array(system)).solve(between.toarray())
        answers = answers.reshape(len(away), len(order))
        through = sparse.csr_array(between.T @ sparse.csr_array(np.where(answers > 0, answers, 0)))
        through = sparse.coo_array((through + through.T) / 2)
        apart = through.row != through.col
        ends = through.row[apart], through.col[apart]
        between_two = sparse.coo_array((through.data[apart], ends), through.shape)
        return own + sparse.csr_array(between_two), [labels[k] for k in away], answers


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
    """A matrix, where the labels on its left and above are the same; pairs; or coordinates."""
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
    if rows == columns:
        return _of_square(sparse.csr_array(graph.to_numpy(dtype=float)), rows)
    twice = next((label for label, many in Counter(rows).items() if many > 1), None)
    if twice is not None:
        raise ValueError(
            f"graph is a frame with {plain(twice)!r} on its left more than once; a label has one "
            "row. Of a frame of pairs give frame.to_numpy().tolist()."
        )
    return _of_coordinates(dict(zip(rows, graph.to_numpy(), strict=True)), n_neighbors)


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


def _first(labels: list) -> str:
    more = ", …" * (len(labels) > 5)
    return ", ".join(repr(plain(label)) for label in labels[:5]) + more


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


def as_labels(labels: list, tasks: np.ndarray) -> np.ndarray:
    """Labels beside those of tasks, of their type where that holds them."""
    if tasks.dtype == object or not labels:
        return np.array(labels, dtype=tasks.dtype)
    found = np.array(labels)
    same = found.astype(tasks.dtype)
    return same if (same == found).all() else found
