"""Moments in a file: an npz archive of plain arrays and one text, nothing of which is run."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import fields
from pathlib import Path
from shutil import copymode
from typing import Any
from uuid import uuid4
from zipfile import BadZipFile

import numpy as np

from mtlearn.moments.equal_rows import EqualRows
from mtlearn.moments.united import sorted_labels
from mtlearn.problems.blocks import BlockedScatter
from mtlearn.problems.moments import Moments
from mtlearn.table.column_sums import ColumnSums
from mtlearn.table.state import encoder_of, state_of

FORMAT, VERSION = "mtlearn TaskMoments", 1
PLAIN = ("n_folds", "task_column", "_names", "_labels_at", "_way", "_whole", "_weighted")
# What NumPy and zipfile raise of files that are none of theirs.
BROKEN = (
    *(BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError),
    *(ValueError, TypeError, LookupError, AttributeError, SyntaxError),
)
OF_FOLD = tuple(f.name for f in fields(Moments))


def save(moments: Any, path: Any) -> None:
    """Write moments; a file that is there is replaced once all is written."""
    text = json.dumps(about_of(moments)).encode()
    arrays = {"about": np.frombuffer(text, dtype=np.uint8), "pivot": moments._pivot}
    for name in ("count", "mean", "scatter"):
        arrays[f"columns_{name}"] = getattr(moments._columns, name)
    for k, (fold, sums) in enumerate(zip(moments._folds, moments._sums, strict=True)):
        arrays |= {f"{name}_{k}": getattr(fold, name) for name in OF_FOLD}
        arrays[f"sums_{k}"] = sums
    if moments._equal is not None:  # not in files of earlier versions
        arrays["equal"] = moments._equal.as_array()
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{str(path.parent)!r} is no folder. Make it first.")
    beside = path.with_name(f"{path.name}.{uuid4().hex}")
    with beside.open("xb") as file:
        try:
            np.savez(file, **arrays)
            file.close()
            if path.exists():
                copymode(path, beside)
            os.replace(beside, path)
        except BaseException:
            file.close()
            beside.unlink()
            raise


def about_of(moments: Any) -> dict[str, Any]:
    """All but the arrays."""
    about = {"format": FORMAT, "version": VERSION}
    about |= {name: _plain(getattr(moments, name)) for name in PLAIN}
    about["tasks"] = [_plain(task) for task in moments._tasks]
    about["named"] = moments._way == "columns" and moments._tasks.dtype.kind == "O"
    about["column_tasks"] = [_plain(task) for task in moments._column_tasks]
    about["encoder"] = None if moments.encoder is None else state_of(moments.encoder)
    return about


def load(cls: type, path: Any) -> Any:
    """Read moments."""
    foreign = f"{str(path)!r} is no file of moments, or is cut short ({{}}). Write one with "
    foreign += "TaskMoments.save."
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            check_version(about, path)
            arrays = {name: file[name] for name in file.files if name != "about"}
        return read(cls, about, arrays)
    except FileNotFoundError:
        raise
    except LaterFormatError:
        raise
    except BROKEN as error:
        raise ValueError(foreign.format(f"{type(error).__name__}: {error}")) from error


class LaterFormatError(ValueError):
    """A file of moments that this version does not read."""


def check_version(about: Any, path: Any) -> None:
    """Refuse what is none, or of a later version."""
    if about["format"] != FORMAT:
        raise KeyError("format")
    if type(about["version"]) is not int or about["version"] < 1:
        raise KeyError("version")
    if about["version"] > VERSION:
        raise LaterFormatError(
            f"{str(path)!r} holds moments in version {about['version']} of the format, and this "
            f"mtlearn reads up to {VERSION}. Update mtlearn."
        )


def read(cls: type, about: dict[str, Any], arrays: dict[str, Any]) -> Any:
    """Moments of what :func:`about_of` and the arrays say; where blocks are, ``xx_0`` is these."""
    _check(about)
    n_folds, names, labels_at = (about[name] for name in ("n_folds", "_names", "_labels_at"))
    tasks = [tuple(one) if isinstance(one, list) else one for one in about["tasks"]]
    column_tasks = _labels(about["column_tasks"])
    T, d = len(tasks), len(arrays["pivot"])
    of_labels = about["_way"] == "labels"
    if not (set(tasks) <= set(about["column_tasks"]) if of_labels else len(column_tasks) == 1):
        raise KeyError("column_tasks")
    encoder = None if about["encoder"] is None else encoder_of(about["encoder"])
    k = d if encoder is None else len(encoder.numbers_)
    _check_array("pivot", arrays["pivot"], (d,))
    if names is not None and len(names) != d:
        raise KeyError(f"{len(names)} names of {d} columns")
    shapes = {"xx": (d, d), "xy": (d,), "x_mean": (d,)}
    folds, sums = [], []
    for at in range(n_folds or 1):
        one = Moments(**{name: arrays[f"{name}_{at}"] for name in OF_FOLD})
        shared = about["_way"] == "columns" and len(one.xx) == len(one.x_mean) == 1
        for name in OF_FOLD:
            rows = 1 if shared and name in ("xx", "x_mean") else T
            _check_array(name, getattr(one, name), (rows, *shapes.get(name, ())))
        folds.append(one)
        sums.append(_check_array("sums", arrays[f"sums_{at}"], (T, 3)))
    parts = {name: arrays[f"columns_{name}"] for name in ("count", "mean", "scatter")}
    in_blocks = isinstance(folds[0].xx, BlockedScatter)
    for name, part in parts.items():
        _check_array(name, part, (1 if in_blocks else len(column_tasks), k))
    return cls(
        _tasks=_named(tasks) if about["named"] else _labels(tasks),
        _folds=tuple(folds),
        _sums=tuple(sums),
        _way=about["_way"],
        _pivot=arrays["pivot"],
        _columns=ColumnSums(**parts),
        _column_tasks=column_tasks,
        n_folds=n_folds,
        task_column=about["task_column"],
        _names=None if names is None else tuple(names),
        _labels_at=None if labels_at is None else tuple(labels_at),
        _whole=about["_whole"],
        _weighted=about["_weighted"],
        encoder=encoder,
        _equal=EqualRows.of_array(arrays["equal"]) if n_folds and "equal" in arrays else None,
    )


def _check(about: dict[str, Any]) -> None:
    """What is known of each entry but the arrays."""
    n_folds, names, labels_at = (about[name] for name in ("n_folds", "_names", "_labels_at"))
    place = labels_at if isinstance(labels_at, list) and len(labels_at) == 2 else [None, 0]
    right = {
        "n_folds": n_folds is None or (type(n_folds) is int and n_folds >= 2),
        "_way": about["_way"] in ("single", "labels", "columns"),
        "_whole": about["_whole"] in ("rows", "groups", "tasks"),
        "_weighted": isinstance(about["_weighted"], bool),
        "named": about["named"] in ((True, False) if about["_way"] == "columns" else (False,)),
        "task_column": isinstance(about["task_column"], str | int | None),
        "_names": names is None or all(isinstance(one, str) for one in names),
        "_labels_at": labels_at is None
        or (type(place[0]) is int and isinstance(place[1], str | None)),
    }
    wrong = [name for name, is_right in right.items() if not is_right]
    if wrong:
        raise KeyError(wrong[0])


def _check_array(name: str, array: Any, shape: tuple[int, ...]) -> Any:
    if isinstance(array, BlockedScatter):
        _check_array(name, array.diagonal, shape[:2])
        return array
    counts = name == "count"
    right = array.dtype.kind in "iu" if counts else array.dtype == np.float64
    if array.shape != shape or not right:
        raise KeyError(f"{name} of shape {array.shape} and type {array.dtype}")
    if not counts and not np.isfinite(array).all():
        raise KeyError(f"{name} that is not finite")
    if name in ("count", "weight", "yy", "scatter") and (array < 0).any():
        raise KeyError(f"{name} below zero")
    return array


def _labels(values: list) -> np.ndarray:
    """Labels that are all different and sorted."""
    found, order = sorted_labels(values)
    if len(set(values)) < len(values) or (order != np.arange(len(order))).any():
        raise KeyError("labels that are not sorted")
    if not all(isinstance(one, str) or np.isfinite(one) for one in values):
        raise KeyError("labels that are no numbers")
    return found


def _named(values: list) -> np.ndarray:
    """Names of targets, in their own order."""
    found = np.empty(len(values), dtype=object)
    found[:] = values
    if len(set(values)) < len(values):
        raise KeyError("targets of one name")
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value
