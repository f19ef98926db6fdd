"""Which tasks are neighbours, and what is left of a graph for some of them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from mtlearn.exceptions import counted, in_fold, level_of_user, plain
from mtlearn.inputs.graph_forms import pairs_of
from mtlearn.inputs.holes import is_missing


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
        return cls._of_pairs(pairs_of(graph, tasks, n_neighbors, sort), tasks.tolist())

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


def _first(labels: list) -> str:
    more = ", …" * (len(labels) > 5)
    return ", ".join(repr(plain(label)) for label in labels[:5]) + more


def as_labels(labels: list, tasks: np.ndarray) -> np.ndarray:
    """Labels beside those of tasks, of their type where that holds them."""
    if tasks.dtype == object or not labels:
        return np.array(labels, dtype=tasks.dtype)
    found = np.array(labels)
    same = found.astype(tasks.dtype)
    return same if (same == found).all() else found
