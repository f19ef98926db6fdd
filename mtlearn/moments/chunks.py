"""What a chunk holds: a frame, or (X, y[, task, sample_weight]), as arrays that can be added up.

The first chunk says which columns there are. Later ones have the same, in whatever order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array, check_consistent_length

from mtlearn.exceptions import naming, plain
from mtlearn.inputs.batches import as_table
from mtlearn.inputs.column_types import are_plain
from mtlearn.inputs.columns_of_numbers import numbers_only
from mtlearn.inputs.features import TABLE
from mtlearn.inputs.frames import as_frame, text_names, values_of
from mtlearn.inputs.labels import Labels, labels_beside, read_labels
from mtlearn.inputs.target_array import read_array
from mtlearn.inputs.tasks import FLOATS, column_names, find_column, raise_tasks_twice, read_weight
from mtlearn.moments.chunk import Chunk
from mtlearn.moments.left_out import LeftOut
from mtlearn.table.matrix import encode_chunk
from mtlearn.table.names import check_same

REMEDY = f"Collect with encoder=..., a fitted TableEncoder: {TABLE}"


@dataclass
class ChunkReader:
    """Reads chunks, and holds later ones to what the first one was.

    Parameters
    ----------
    task_column, weight_column, group_column : str, int or None
        Columns of X that are no features; nor is ``target_column``, a name or a list of them.
    encoder : TableEncoder or None
        Makes numbers of the features.
    numeric : bool
        Whether targets are numbers, not classes.
    """

    task_column: Any = None
    target_column: Any = None
    weight_column: Any = None
    group_column: Any = None
    encoder: Any = None
    numeric: bool = True
    names: list[str] | None = field(default=None, init=False)  # of features, labels left out
    n_features: int | None = field(default=None, init=False)
    labels_at: tuple | None = field(default=None, init=False)  # among features, and the name
    targets: np.ndarray | None = field(default=None, init=False)  # of a 2-D y: their names
    kind: str | None = field(default=None, init=False)  # of labels, "" for none
    group_kind: str | None = field(default=None, init=False)
    left_out: LeftOut = field(default_factory=LeftOut, init=False)
    unit: str = field(default="chunk", init=False)  # what messages call a chunk
    seen: int = field(default=0, init=False)

    def read(self, given: Any) -> Chunk | None:
        """The rows of the next chunk; None of one that has none.

        Raises
        ------
        ValueError
            If they cannot be used, or are not of the kind of the chunks before.
        TypeError
            If it is no chunk at all.
        """
        number, self.seen = self.seen, self.seen + 1
        with naming(f"{self.unit} {number}"):
            shape = getattr(_parts(given)[0], "shape", None)
            if shape and shape[0] == 0:
                return None
            return self._read(given, first=self.n_features is None)

    def _read(self, given: Any, *, first: bool) -> Chunk:
        X, y, task, weight = _parts(given)
        frame = as_frame(X)
        if frame is None and not sparse.issparse(X):
            X = np.asarray(X) if self.encoder is None else X
            if np.ndim(X) != 2:
                raise TypeError(_no_chunk(given))
        table, names = (X, None) if frame is None else (frame, text_names(frame))
        named = list(range(table.shape[1])) if names is None else names
        beside = {
            what: find_column(where, names, table.shape[1], what)
            for what, where in (
                ("task_column", self.task_column),
                ("weight_column", self.weight_column),
                ("group_column", self.group_column),
            )
            if where is not None
        }
        held = {what: _column(table, place) for what, place in beside.items()}
        y, targets, target_names = self._targets(frame, names, table.shape[1], y)
        apart = {*beside.values(), *targets}
        features = [j for j in range(table.shape[1]) if j not in apart]
        if not features:
            raise ValueError(
                "no column is left as a feature, beside targets, labels, weights and groups. Give "
                "columns of features as well."
            )
        raw = None
        if self.encoder is None:
            order = self._aligned(
                [named[j] for j in features], named=names is not None, first=first
            )
            X = self._numbers(table, [features[j] for j in order], names)
        else:
            taken = [named[j] for j in targets]
            taken += [named[j] for what, j in beside.items() if what != "task_column"]
            X, raw = self._encoded(table, taken, named=names is not None)
        labels = self._labels(held.get("task_column"), task, len(X))
        if first and self.encoder is None and "task_column" in beside:
            place = beside["task_column"]
            before = sum(j < place for j in features)
            self.labels_at = before, None if names is None else names[place]
        y = self._read_targets(y, labels, target_names, first=first)
        check_consistent_length(X, y, *([] if labels is None else [labels.codes]))
        groups = None
        if "group_column" in held:
            groups = read_labels(held["group_column"], f"group column {self.group_column!r}")
            if self.group_kind not in (None, groups.kind):
                raise ValueError(
                    f"its groups have {_kind(groups.kind)}, and those of the first chunk "
                    f"{_kind(self.group_kind)}. Give groups of one kind in all chunks, for "
                    "example text with .astype(str)."
                )
            self.group_kind = groups.kind
        weight = self._weights(held.get("weight_column"), weight, y)
        return Chunk(X, y, weight, labels, groups, raw)

    def _targets(self, frame: Any, names: Any, n_columns: int, y: Any) -> tuple:
        """Targets, the places of those that are columns, and the names of several."""
        where = self.target_column
        if y is not None and where is not None:
            raise ValueError(
                "both target_column and the second part of the chunk are targets; give one of them."
            )
        if y is not None:
            return y, [], column_names(y)
        if frame is None or where is None:
            raise ValueError(
                "it has no targets. Give chunks of (X, y) or (X, y, task), or name the column of "
                "a frame with target_column=..."
            )
        several = isinstance(where, list | tuple)
        wanted = where if several else [where]
        places = [find_column(one, names, n_columns, "target_column") for one in wanted]
        columns = np.column_stack(
            [
                read_array(frame[:, at].to_native(), _called(names[at]), numeric=self.numeric)
                for at in places
            ]
        )
        chosen = np.array([names[place] for place in places], dtype=object)
        return (columns, places, chosen) if several else (columns[:, 0], places, None)

    def _aligned(self, found: list, *, named: bool, first: bool) -> list[int]:
        """Places of the features of the first chunk among those of this one."""
        if first:
            self.names, self.n_features = found if named else None, len(found)
            return list(range(len(found)))
        if (self.names is not None) != named:
            had, has = ("names", "none") if not named else ("no names", "some")
            raise ValueError(
                f"its columns have {has}, and those of the first chunk {had}. Give all chunks as "
                "data frames, or all as arrays."
            )
        if not named:
            if len(found) != self.n_features:
                raise ValueError(
                    f"X has {len(found)} features, and the first chunk had {self.n_features}. Give "
                    "chunks of the same columns."
                )
            return list(range(len(found)))
        wanted = self.names or []
        check_same(wanted, found)
        place = {name: j for j, name in enumerate(found)}
        return [place[name] for name in wanted]

    def _numbers(self, table: Any, columns: list[int], names: list | None) -> np.ndarray:
        if names is None:
            X = table if len(columns) == table.shape[1] else table[:, columns]
            X = X.toarray() if sparse.issparse(X) else X
        else:
            chosen = table[:, columns]
            X = chosen.to_numpy() if are_plain(chosen) else numbers_only(chosen, REMEDY)
        X = check_array(X, dtype=FLOATS, input_name="X", ensure_all_finite=False)
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(X.sum()):
                return X
        wrong = [j for j, right in enumerate(np.isfinite(X).all(axis=0)) if not right][:10]
        if not wrong:
            return X
        held = [columns[j] if names is None else names[columns[j]] for j in wrong]
        raise ValueError(
            f"X holds missing or infinite numbers in the columns {held}. Drop such rows, or fill "
            f"in what is missing. {REMEDY}"
        )

    def _encoded(self, table: Any, taken: list, *, named: bool) -> tuple[np.ndarray, np.ndarray]:
        """A chunk of a table, beside the columns that are no features; numbers as they were."""
        encoder = self.encoder
        read = {*encoder.numbers_, *encoder.levels_}
        both = [name for name in taken if (name if named else f"x{name}") in read]
        if both:
            raise ValueError(
                f"column {both[0]!r} is a target, weight or group, and the encoder was fitted to "
                "it as a feature. Fit the encoder without that column."
            )
        found = encode_chunk(encoder, table.to_native() if named else table)
        self.left_out.add(found.bad, found.strange)
        names = encoder.get_feature_names_out().tolist()
        if encoder.task_name_ is not None:
            place = names.index(encoder.task_name_)
            self.labels_at = place, names.pop(place) if named else None
        self.names, self.n_features = names if named else None, len(names)
        X = check_array(found.matrix, ensure_all_finite="allow-nan", input_name="X")
        return X, found.raw

    def _labels(self, column: Any, task: Any, n_rows: int) -> Labels | None:
        if column is not None and task is not None:
            raise ValueError(
                "both task_column and the third part of the chunk name the tasks; give one of them."
            )
        name = "task" if column is None else f"task column {self.task_column!r}"
        column = labels_beside(task, n_rows) if column is None else column
        labels = None if column is None else read_labels(column, name)
        kind = "" if labels is None else labels.kind
        if self.kind is not None and kind != self.kind:
            raise ValueError(
                f"it has {_kind(kind)}, and the first chunk had {_kind(self.kind)}. Give labels of "
                "one kind in all chunks, for example text with .astype(str)."
            )
        self.kind = kind
        return labels

    def _read_targets(self, y: Any, labels: Any, names: Any, *, first: bool) -> np.ndarray:
        y = read_array(y, _called(getattr(y, "name", None)), numeric=self.numeric)
        if y.ndim == 2 and y.shape[1] == 1 and (labels is not None or not self.numeric):
            y = y[:, 0]
        if y.ndim == 2 and labels is not None:
            raise_tasks_twice(y)
        if first:
            if y.ndim == 2:
                self.targets = np.arange(y.shape[1]) if names is None else names
            return y
        if (y.ndim == 2) != (self.targets is not None):
            raise ValueError(
                f"y has {y.ndim} dimension(s), other than in the first chunk. Give all chunks one "
                "target, or all the same columns of targets."
            )
        if y.ndim == 2:
            found = np.arange(y.shape[1]) if names is None else names
            if not np.array_equal(found, self.targets):
                raise ValueError(
                    f"y has the columns {list(map(plain, found))[:10]}, and in the first chunk "
                    f"{list(map(plain, self.targets))[:10]}. Give them all in one order."
                )
        return y

    def _weights(self, column: Any, weight: Any, y: np.ndarray) -> np.ndarray | None:
        if column is not None and weight is not None:
            raise ValueError(
                "both weight_column and the fourth part of the chunk are weights; give one of them."
            )
        weight = weight if column is None else column
        return None if weight is None else read_weight(weight, y)


def _parts(given: Any) -> tuple[Any, Any, Any, Any]:
    if not isinstance(given, tuple):
        given = as_table(given)
        if as_frame(given) is None:
            raise TypeError(_no_chunk(given))
        return given, None, None, None
    if not 2 <= len(given) <= 4:
        raise TypeError(_no_chunk(given))
    X, y, task, weight = [*given, None, None][:4]
    return as_table(X), y, task, weight


def _no_chunk(given: Any) -> str:
    size = f" of {len(given)}" if isinstance(given, tuple) else ""
    return (
        f"it is a {type(given).__name__}{size}, and a chunk is a data frame or a tuple (X, y), "
        "(X, y, task) or (X, y, task, sample_weight). Of one table give [table]."
    )


def _column(table: Any, place: int) -> Any:
    return values_of(table[:, place]) if hasattr(table, "columns") else table[:, place]


def _kind(kind: str) -> str:
    return {"": "no task labels", "text": "labels that are text"}.get(kind, "labels of numbers")


def _called(name: Any) -> str:
    """Targets, in messages."""
    return "y" if name is None else f"y (column {name!r})"
