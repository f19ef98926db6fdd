"""Moments of every task as a thing of their own: added, forgotten, kept in a file, fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mtlearn.exceptions import counted, plain
from mtlearn.inputs.features import Columns
from mtlearn.inputs.labels import match_labels, read_labels
from mtlearn.inputs.weights import COUNTED
from mtlearn.moments.equal_rows import EqualRows, together, without
from mtlearn.moments.gathering import Gathering
from mtlearn.moments.matching import (
    columns_with,
    columns_without,
    matched,
    refuse_blocks,
    refuse_negative,
)
from mtlearn.moments.storing import load, save
from mtlearn.moments.storing_blocks import load_blocks
from mtlearn.moments.united import places, sorted_labels, united
from mtlearn.problems.fold_moments import FoldMoments, counts_of
from mtlearn.problems.moment_data import MomentData, added, alike, weighing
from mtlearn.problems.moments import Moments, empty
from mtlearn.table.column_sums import ColumnSums


@dataclass(frozen=True, eq=False)
class TaskMoments:
    """All that the squared loss needs to know of the rows of each task, and of each fold.

    With s_i the weights of the rows of a task (and fold), z = (x, y) and z̄ their weighted mean,
    it holds::

        n      sum_i s_i      z̄      sum_i s_i (z_i - z̄)(z_i - z̄)'

    some (d + 1)² numbers, however many rows there are. Made by :func:`mtlearn.collect_moments` and
    fitted by :func:`mtlearn.fit_moments`. They add up: ``a + b`` is of the rows of both, with the
    tasks of both, and ``a - b`` of the rows of ``a`` without those of ``b``, which must be among
    them. A task left without rows is dropped.

    Attributes
    ----------
    tasks : ndarray of shape (T,)
        Labels of the tasks, sorted; for several targets their names or positions.
    counts : ndarray of shape (T,)
        Number of rows (labels) of each.
    n_folds : int or None
        How many parts the rows were dealt to.
    n_features : int
        d.
    feature_names_in_ : ndarray of str or None
        Names of the features, without targets, labels, weights and groups.
    task_column : str, int or None
        Column that the labels came from.
    nbytes : int
        Memory that the moments take.

    See Also
    --------
    collect_moments : Makes them from chunks of rows.
    fit_moments : Fits a model to them.

    References
    ----------
    Chan, Golub and LeVeque (1979). Updating formulae and a pairwise algorithm for computing
    sample variances. Stanford University, STAN-CS-79-773.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import collect_moments
    >>> X, y = np.array([[1.0], [2.0], [6.0], [3.0]]), np.array([0.0, 1.0, 5.0, 2.0])
    >>> monday = collect_moments([(X[:3], y[:3], ["a", "a", "b"])])
    >>> tuesday = collect_moments([(X[3:], y[3:], ["c"])])
    >>> week = monday + tuesday
    >>> week.tasks.tolist(), week.counts.tolist()
    (['a', 'b', 'c'], [2, 1, 1])
    >>> (week - monday).tasks.tolist()
    ['c']
    """

    _tasks: np.ndarray
    _folds: Sequence[Moments]
    _sums: tuple[np.ndarray, ...]  # of s², log s and fractional weights, (T, 3) of each fold
    _way: str
    _pivot: np.ndarray
    _columns: ColumnSums  # of each of the next, and of one where rows have no label
    _column_tasks: np.ndarray  # the tasks, and others none of whose rows has a target
    n_folds: int | None
    task_column: Any
    _names: tuple[str, ...] | None
    _labels_at: tuple[int, str | None] | None  # place among the columns of X, and name
    _whole: str  # what folds do not tear apart
    _weighted: bool
    encoder: Any = None
    _equal: EqualRows | None = None  # where folds are dealt by row

    @classmethod
    def _gathered(cls, found: Gathering, task_column: Any, encoder: Any) -> TaskMoments:
        reader = found.reader
        way, tasks, order = "single", np.arange(1), np.arange(1)
        column_tasks = known = np.arange(1)
        if reader.targets is not None:
            way, tasks, order = "columns", reader.targets, None
        if reader.kind and way != "columns":
            way = "labels"
            column_tasks, known = sorted_labels(found.place)
            counts = np.zeros(len(known), dtype=np.intp)
            for one in found.folds:
                some = min(one.n_tasks, len(known))  # there is room for more
                counts[:some] += one.count[:some]
            order = known[counts[known] > 0]
            tasks = column_tasks[counts[known] > 0]
        if order is not None:
            found.in_order(order)
        moments = cls(
            tasks,
            tuple(found.folds),
            tuple(found.sums),
            way,
            found.pivot,
            found.columns.take(known),
            column_tasks,
            found.n_folds,
            task_column,
            None if reader.names is None else tuple(reader.names),
            reader.labels_at,
            found.whole,
            found.weighted,
            encoder,
            found.equal,
        )
        if found.files is not None:
            found.files.last_with(moments)
        return moments

    @property
    def tasks(self) -> np.ndarray:
        """Labels of the tasks, sorted (T,)."""
        return self._tasks

    @property
    def counts(self) -> np.ndarray:
        """Number of rows of each task (T,)."""
        return np.sum(counts_of(self._folds), axis=0)

    @property
    def n_features(self) -> int:
        """Number of features, d."""
        return len(self._pivot)

    @property
    def feature_names_in_(self) -> np.ndarray | None:
        """Names of the features, where the chunks had names (d,)."""
        return None if self._names is None else np.array(self._names, dtype=object)

    @property
    def nbytes(self) -> int:
        """Memory that the moments take, in bytes."""
        return sum(one.xx.nbytes + one.xy.nbytes + one.x_mean.nbytes for one in self._folds)

    def __sizeof__(self) -> int:  # what schedulers of many machines go by
        equal = [] if self._equal is None else [self._equal.sums]
        beside = (*self._sums, *vars(self._columns).values(), *equal)
        return self.nbytes + sum(a.nbytes for a in beside)

    def __repr__(self) -> str:
        rows = counted(int(self.counts.sum()), "row", "rows")
        folds = "" if self.n_folds is None else f", {self.n_folds} folds"
        return (
            f"<TaskMoments: {rows} of {counted(len(self._tasks), 'task', 'tasks')}, "
            f"{counted(self.n_features, 'feature', 'features')}{folds}, {self.nbytes / 1e6:.3g} MB>"
        )

    def __add__(self, other: Any) -> TaskMoments:
        if not isinstance(other, TaskMoments):
            return NotImplemented
        refuse_blocks("added", self, other)
        other = matched(self, other)
        if self._way != "labels":
            tasks, mine, theirs = self._tasks, None, None
        else:
            tasks, mine, theirs = united(self._tasks, other._tasks)
            if len(tasks) == len(self._tasks) == len(other._tasks):
                mine = theirs = None  # all of them
        folds, sums = [], []
        for a, b, s, r in zip(self._folds, other._folds, self._sums, other._sums, strict=True):
            if mine is None:
                folds.append(added(a, b))
                sums.append(s + r)
                continue
            total, more = empty(len(tasks), self.n_features), np.zeros((len(tasks), 3))
            total.put(mine, a)
            total.put(theirs, total.take(theirs) + b)
            more[mine] = s
            more[theirs] += r
            folds.append(total)
            sums.append(more)
        return replace(
            self,
            _tasks=tasks,
            _folds=tuple(folds),
            _sums=tuple(sums),
            **columns_with(self, other),
            _weighted=self._weighted or other._weighted,
            _equal=together(self._equal, other._equal),
        )

    def __sub__(self, other: Any) -> TaskMoments:
        if not isinstance(other, TaskMoments):
            return NotImplemented
        refuse_blocks("subtracted", self, other)
        other = matched(self, other)
        at = np.arange(len(self._tasks))
        if self._way == "labels":
            at = places(self._tasks, other._tasks)
            if (at < 0).any():
                raise ValueError(
                    f"task {plain(other._tasks[at < 0][0])!r} is not among the moments it is "
                    "taken from. Subtract only what was added."
                )
        folds, sums = [], []
        for a, b, s, r in zip(self._folds, other._folds, self._sums, other._sums, strict=True):
            a, b = alike(a, b)
            whole = len(at) == a.n_tasks  # also one scatter of all
            own = a if whole else a.take(at)
            rest, weights = own - b, s[at] - r
            refuse_negative(rest, own, b, (weights, s[at]), other._tasks)
            total = rest
            if not whole:
                total = a.take(np.arange(a.n_tasks))
                total.put(at, rest)
            folds.append(total)
            left = s.copy()
            left[at] = np.where((rest.count == 0)[:, None], 0.0, weights)
            sums.append(left)
        equal = without(self._equal, other._equal)
        found = replace(self, _folds=tuple(folds), _sums=tuple(sums), _equal=equal)
        keep = found.counts > 0
        found = replace(found, **columns_without(self, other, self._tasks[keep]))
        if not keep.any() or (self._way == "columns" and not keep.all()):
            raise ValueError(
                "nothing would be left of some target or of all rows. Keep some rows, or collect "
                "anew."
            )
        return found if keep.all() else found._taken(np.flatnonzero(keep))

    def subset(self, tasks: Any) -> TaskMoments:
        """The moments of some of the tasks.

        Parameters
        ----------
        tasks : array-like of shape (k,)
            Labels, in any order.

        Returns
        -------
        TaskMoments
            Columns are standardised, where a pipeline does so, as those of these tasks.

        Raises
        ------
        ValueError
            If a label is not among ``tasks``, or none is given.
        """
        refuse_blocks("cut to some of the tasks", self)
        labels = read_labels(tasks, "tasks")
        at = match_labels(labels, self._tasks, "tasks")
        if not len(at) or (at < 0).any():
            shown = [plain(one) for one in labels.values[labels.codes[at < 0]]][:5]
            said = f"{shown} are not among the tasks" if shown else "no task is named"
            raise ValueError(f"{said}. Give labels among {list(map(plain, self._tasks[:20]))}.")
        found = replace(self._taken(np.unique(at)), _equal=None)  # which is of all tasks
        if self._way != "labels":
            return found
        own = places(self._column_tasks, found._tasks)
        return replace(found, _columns=self._columns.take(own), _column_tasks=found._tasks)

    def save(self, path: Any) -> None:
        """Write them to a file, an npz archive of plain arrays.

        Parameters
        ----------
        path : str or path
            A file that is there is replaced, once all is written.
        """
        refuse_blocks("saved again", self)
        save(self, path)

    @classmethod
    def load(cls, path: Any) -> TaskMoments:
        """Read what :meth:`save` wrote, or the folder of moments in blocks; nothing in it is run.

        Parameters
        ----------
        path : str or path

        Returns
        -------
        TaskMoments

        Raises
        ------
        ValueError
            If the file is cut short, something else, or of a later version.
        """
        return load_blocks(cls, path) if Path(path).is_dir() else load(cls, path)

    def _taken(self, at: np.ndarray) -> TaskMoments:
        folds = tuple(one.take(at) for one in self._folds)
        sums = tuple(one[at] for one in self._sums)
        return replace(self, _tasks=self._tasks[at], _folds=folds, _sums=sums)

    def _data(self, *, later: bool = False) -> MomentData:
        """What a fit sees: weights that repeat rows, or of mean one.

        ``later`` leaves scatters of folds in files there (:meth:`FoldMoments.later`).
        """
        parts = FoldMoments.of(self._folds)
        total = parts.later() if later else parts.together()
        _, logs, fractional = np.sum([one.sum(axis=0) for one in self._sums], axis=0)
        log_precision, change = None, None
        if fractional > 0 or total.weight.sum() > COUNTED:
            n = total.count.sum()
            factor = n / total.weight.sum()
            log_precision, change = float(logs + n * np.log(factor)), factor
        folds = () if self.n_folds is None else self._folds
        data = MomentData(
            total, self._tasks, self._way, self._pivot, self._weighted, log_precision, folds
        )
        if change is None:
            return data
        data = replace(data, weight_unit=float(1 / change))
        return data.moved(lambda one: weighing(one, change))

    def _reader_columns(self, task_column: Any) -> Columns:
        """The columns that a model would have seen, that of labels where it says so."""
        return Columns.of_features_alone(self.n_features, self._names, self._labels_at, task_column)
