"""``models="all"``: every family that needs nothing from the user, as far as the time allows.

What a family needs beside the table (a graph, an order, groups) it must find there: "graph-path"
takes part where the labels of the tasks are numbers, whose order may mean something,
"group-lasso+columns" where a category has several columns. Families that fit whatever the table
is are all of the others: a name that is added to ``MULTITASK`` takes part without more.

Who asks for all names none in particular, so that beyond the default what takes too long may be
left out (``budget``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mtlearn.compare.contenders import ALL, COLUMNS, DEFAULT, GRAPH_PATH, MULTITASK
from mtlearn.inputs.label_order import in_order, numbers_in_text

FEWEST_ORDERED = 3  # two tasks are a pair, and no order
DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])(?!\d)")  # and whatever follows


@dataclass(frozen=True)
class Field:
    """What takes part where ``models`` may say "all".

    Attributes
    ----------
    models : list of str, dict or None
        As :func:`mtlearn.compare_tasks` takes it, without that word.
    optional : frozenset of str
        Those that nobody named.
    notes : list of str
    """

    models: Any
    optional: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)


def spelt_out_all(models: Any, ordered: bool, has_categories: Callable[[], bool]) -> Field:
    """Names in the place of "all"; anything else as it is.

    ``ordered`` and ``has_categories`` say whether the order of the tasks may mean something, and
    whether one column of the table has become several.
    """
    if isinstance(models, str):
        models = [models]
    if models is None or hasattr(models, "items"):
        return Field(models)
    names = list(models)
    if ALL not in names:
        return Field(names)
    left: set[str] = set() if ordered else {GRAPH_PATH}
    left |= set() if has_categories() else {COLUMNS}
    named = [name for name in names if name != ALL]
    every = [name for name in MULTITASK if name not in left and name not in named]
    notes = []
    if GRAPH_PATH in left and GRAPH_PATH not in named:
        notes.append(
            f"{GRAPH_PATH} is not among all: the labels of the tasks are no numbers, and their "
            f'order may mean nothing. Where it does, write "{GRAPH_PATH}" beside "{ALL}".'
        )
    added = [name for name in named if name.startswith("+")]
    others = [name for name in named if not name.startswith("+")]
    optional = frozenset(every).difference(DEFAULT)
    return Field([*every, *others, *added], optional, notes)


def is_ordered(tasks: np.ndarray, *, by_column: bool) -> bool:
    """Whether the labels of tasks are numbers or dates; of columns, in the order of these.

    Columns 0, 1, … of an array are places, and no labels.
    """
    labels = tasks.tolist()
    if len(labels) < FEWEST_ORDERED:
        return False
    if not all(type(label) in (int, float) for label in labels):
        dates = all(isinstance(label, str) and DATE.match(label) for label in labels)
        if not dates and numbers_in_text(labels) is None:
            return False
    places = list(range(len(labels)))
    return not by_column or (in_order(tasks).tolist() == places != labels)


def several_columns(encoder: Any, n_columns: int) -> bool:
    """Whether some column of a table has become several."""
    return n_columns > len(encoder.numbers_) + len(encoder.levels_)
