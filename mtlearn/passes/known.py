"""All that the first pass says: tasks, classes, weights, and where the columns lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.exceptions import counted, plain
from mtlearn.inputs.class_weight import class_factors
from mtlearn.inputs.classes import read_classes, warn_single_class
from mtlearn.inputs.features import Columns
from mtlearn.inputs.labels import warn_of_similar
from mtlearn.inputs.reading import Reader
from mtlearn.inputs.weights import COUNTED, warn_of_repetitions
from mtlearn.moments.chunks import ChunkReader
from mtlearn.moments.left_out import warn_of_missing
from mtlearn.moments.united import sorted_labels
from mtlearn.passes.reading import Reading
from mtlearn.passes.start import WithoutFeatures
from mtlearn.passes.summary import Summary, summarise
from mtlearn.passes.where import Where


@dataclass(frozen=True)
class Known:
    """What is known of the rows of all chunks; stands where a ``TaskData`` stands.

    Attributes
    ----------
    reading : Reading
    cells : ndarray of shape (T, K')
        Sums of the weights of each task and class, classes weighed.
    count : ndarray of shape (T, K')
        Number of labels.
    x : ndarray of shape (T, K', d)
        Sums of the features under these weights, seen from ``at``.
    at : ndarray of shape (d,)
    largest : ndarray of shape (d,)
        Absolute values of the features.
    weight_unit : float
        What weights were divided by.
    weighted : bool
        Whether there are weights.
    where : Where
        In which chunks the labels of a task are.
    """

    reading: Reading
    cells: np.ndarray
    count: np.ndarray
    x: np.ndarray
    at: np.ndarray
    largest: np.ndarray
    weight_unit: float
    weighted: bool
    where: Where

    @property
    def tasks(self) -> np.ndarray:
        return self.reading.tasks

    @property
    def stacked(self) -> bool:
        """Whether a row is of one task."""
        return self.reading.way != "columns"

    @property
    def n_features(self) -> int:
        return len(self.at)

    def totals(self) -> np.ndarray:
        """N_t (T,)."""
        return self.cells.sum(axis=1)

    def counts(self) -> np.ndarray:
        """Number of labels of each task (T,)."""
        return self.count.sum(axis=1)

    def means_of(self, features: np.ndarray, omega: np.ndarray) -> np.ndarray:
        """Means of some features over all labelled rows, tasks weighing omega (T,)."""
        return self.at[features] + self.away(omega)[features]

    def away(self, omega: np.ndarray) -> np.ndarray:
        """From ``at`` to the mean of all labelled rows, tasks weighing omega (T,)."""
        sums = np.tensordot(omega, self.x.sum(axis=1), axes=1)
        return sums / float(omega @ self.totals())

    def without_features(self) -> WithoutFeatures:
        """Means of the targets of each task."""
        q = self.reading.targets
        share = (self.cells / self.totals()[:, None])[:, :, None]
        return WithoutFeatures(self.totals(), (share * q).sum(axis=1), (share * q**2).sum(axis=1))

    def softened(self, *, warn: bool = True) -> Known:
        """With soft targets in columns that saw one class, where free intercepts have no best."""
        K = self.reading.targets.shape[2]
        seen = self.count if K > 1 else self.count[:, 1:]
        n = self.counts()[:, None]
        affected = (seen == n) | (seen == 0)
        if not affected.any():
            return self
        total = self.totals()[:, None, None]
        low, high = 0.5 / (total + 1.0), (total + 0.5) / (total + 1.0)
        hard = self.reading.targets
        soft = np.where(affected[:, None, :], np.where(hard > 0.5, high, low), hard)
        if warn:
            at = np.argwhere(affected)
            if K == 1:
                names = self.tasks[at[:, 0]].tolist()
            else:
                tasks, classes = self.tasks[at[:, 0]], self.reading.classes[at[:, 1]]
                names = list(zip(tasks.tolist(), classes.tolist(), strict=True))
            if self.weighted:
                warn_of_repetitions(int(n.sum()), float(self.totals().sum()))
            warn_single_class(names)
        return replace(self, reading=replace(self.reading, targets=soft))


def get_to_know(model: Any, chunks: Any) -> Known:
    """The first pass, for a classifier, which then has what it reads rows by."""
    reader = ChunkReader(task_column=model.task_column, numeric=False)
    found, numbers, n_chunks = _summaries(chunks, reader)
    first = found[0]
    reader, d = first.reader, len(first.at)
    T, task_at, tasks = _tasks(found, reader)
    classes = _classes(found, model, 1 if reader.targets is None else T)
    model.classes_ = classes
    place = {label: k for k, label in enumerate(classes.tolist())}
    shape = T, len(classes)
    count, cells, x = np.zeros(shape, dtype=np.intp), np.zeros(shape), np.zeros((*shape, d))
    largest = np.zeros(d)
    lying: list[np.ndarray] = []
    for number, one in zip(numbers, found, strict=True):
        rows = np.arange(T) if task_at is None else task_at(one)
        at = np.ix_(rows, np.array([place[label] for label in one.classes.tolist()]))
        order = _order(one, first)
        count[at] += one.count
        size = one.count.sum(axis=1)
        lying.append(np.stack([np.full(len(size), number), rows, size]))
        cells[at] += one.weight
        apart = one.at[order] - first.at
        x[at] += one.x[:, :, order] + one.weight[:, :, None] * apart
        largest = np.maximum(largest, one.largest[order])
    _refuse_empty(count, tasks, getattr(chunks, "unit", "chunk"))
    way = "labels" if reader.kind else "single"
    way = way if reader.targets is None else "columns"
    if way == "labels":
        warn_of_similar(tasks, "tasks")
    _read_by(model, reader, way, tasks, d)
    unit, weighted = 1.0, any(one.weighted for one in found)
    if not all(one.whole for one in found) or cells.sum() > COUNTED:
        unit = float(cells.sum() / count.sum())
    factor, mean = np.full(shape, 1.0 / unit), 1.0
    if model.class_weight is not None:
        own, mean = class_factors(cells, classes, model.class_weight)
        factor = factor * own
    K = len(classes) if len(classes) > 2 else 1
    target = np.eye(K)[None] if K > 1 else np.array([0.0, 1.0])[None, :, None]
    targets = np.repeat(target, T, axis=0)
    reading = Reading(reader, way, tasks, classes, factor, targets)
    chunk, task, size = np.concatenate(lying, axis=1)
    known = Known(
        reading, cells * factor, count, x * factor[:, :, None], first.at, largest,
        unit * mean, weighted, Where(chunk, task, size, n_chunks),
    )  # fmt: skip
    if weighted and model._estimates():
        warn_of_repetitions(int(count.sum()), float(known.totals().sum()))
    return known


def _summaries(chunks: Any, reader: ChunkReader) -> tuple[list[Summary], list[int], int]:
    """Of the chunks that have labels, the numbers of these, and that of all chunks."""
    found: list[Summary] = []
    numbers: list[int] = []
    number, n_missing, unit = -1, 0, getattr(chunks, "unit", "chunk")
    for number, one in enumerate(chunks.map(summarise, reader)):
        if isinstance(one, Exception):
            raise type(one)(f"{unit} {number}: {one}")
        if not isinstance(one, Summary):
            n_missing += one.left_out.n_missing
            continue
        if found:
            _same(one.reader, found[0].reader, number, numbers[0], unit)
        n_missing += one.n_missing
        found.append(one)
        numbers.append(number)
    if not found:
        raise ValueError(
            f"no {unit} has a row with an observed label and a weight above zero; nothing to fit. "
            "Give some rows a label that is not missing, and a weight."
        )
    if n_missing and found[0].reader.targets is None:
        warn_of_missing(n_missing, "the fit is")
    return found, numbers, number + 1


def _same(one: ChunkReader, first: ChunkReader, number: int, start: int, unit: str) -> None:
    differ = []
    if (one.names is None) != (first.names is None) or one.n_features != first.n_features:
        differ.append(f"{one.n_features} columns of features and not {first.n_features}")
    elif one.names is not None and set(one.names) != set(first.names or []):
        lacks = sorted(map(str, set(first.names or []) - set(one.names)))[:5]
        differ.append(f"columns of other names (without {', '.join(lacks)})")
    if one.kind != first.kind:
        differ.append("task labels of another kind")
    if (one.targets is None) != (first.targets is None) or (
        one.targets is not None and not np.array_equal(one.targets, first.targets)
    ):
        differ.append("other columns of targets")
    if differ:
        raise ValueError(
            f"{unit} {number} has {', '.join(differ)}, other than {unit} {start}. Give all {unit}s "
            "the same columns, and labels and targets of one kind."
        )


def _order(one: Summary, first: Summary) -> Any:
    names, wanted = one.reader.names, first.reader.names
    if names is None or names == wanted:
        return slice(None)
    place = {name: j for j, name in enumerate(names)}
    return np.array([place[name] for name in wanted or []])


def _tasks(found: list[Summary], reader: ChunkReader) -> tuple[int, Any, Any]:
    if reader.targets is not None:
        return len(reader.targets), None, reader.targets
    if not reader.kind:
        return 1, None, np.arange(1)
    labels = {
        label for one in found for label in (one.tasks.tolist() if one.tasks is not None else [])
    }
    tasks, _ = sorted_labels(labels)
    place = {label: t for t, label in enumerate(tasks.tolist())}
    return len(tasks), lambda one: [place[label] for label in one.tasks.tolist()], tasks


def _classes(found: list[Summary], model: Any, n_columns: int) -> np.ndarray:
    parts = [one.classes for one in found]
    if any(part.dtype.kind == "O" for part in parts):
        parts = [part.astype(object) for part in parts]
    values = np.concatenate(parts)
    if n_columns > 1:
        values = np.broadcast_to(values[:, None], (len(values), n_columns))
    return read_classes(values, model)[0]


def _refuse_empty(count: np.ndarray, tasks: np.ndarray, unit: str) -> None:
    empty = np.flatnonzero(count.sum(axis=1) == 0)
    if len(empty):
        many = counted(len(empty), "column of y has", "columns of y have")
        raise ValueError(
            f"{many} no observed label of non-zero weight in any {unit} (the first: "
            f"{plain(tasks[empty[0]])!r}). Drop such columns."
        )


def _read_by(model: Any, reader: ChunkReader, way: str, tasks: np.ndarray, d: int) -> None:
    columns = Columns.of_features_alone(d, reader.names, reader.labels_at, model.task_column)
    model._reader = Reader(way, tasks, columns)
    model.n_features_in_ = columns.count
    model.__dict__.pop("feature_names_in_", None)
    if columns.names is not None:
        model.feature_names_in_ = columns.names
