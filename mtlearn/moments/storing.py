"""Moments in a file: an npz archive of plain arrays and one text, nothing of which is run."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import fields
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from zipfile import BadZipFile

import numpy as np

from mtlearn.moments.sums import ColumnSums
from mtlearn.problems.moments import Moments
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
    about = {"format": FORMAT, "version": VERSION}
    about |= {name: _plain(getattr(moments, name)) for name in PLAIN}
    about["tasks"] = [_plain(task) for task in moments._tasks]
    about["column_tasks"] = [_plain(task) for task in moments._column_tasks]
    about["encoder"] = None if moments.encoder is None else state_of(moments.encoder)
    text = json.dumps(about).encode()
    arrays = {"about": np.frombuffer(text, dtype=np.uint8), "pivot": moments._pivot}
    for name in ("count", "mean", "scatter"):
        arrays[f"columns_{name}"] = getattr(moments._columns, name)
    for k, (fold, sums) in enumerate(zip(moments._folds, moments._sums, strict=True)):
        arrays |= {f"{name}_{k}": getattr(fold, name) for name in OF_FOLD}
        arrays[f"sums_{k}"] = sums
    path = Path(path)
    with NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        try:
            np.savez(file, **arrays)
            file.close()
            os.replace(file.name, path)
        except BaseException:
            file.close()
            os.unlink(file.name)
            raise


def load(cls: type, path: Any) -> Any:
    """Read moments."""
    foreign = f"{str(path)!r} is no file of moments, or is cut short ({{}}). Write one with "
    foreign += "TaskMoments.save."
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            _check_version(about, path)
            arrays = {name: file[name] for name in file.files if name != "about"}
        return _read(cls, about, arrays)
    except FileNotFoundError:
        raise
    except LaterFormatError:
        raise
    except BROKEN as error:
        raise ValueError(foreign.format(f"{type(error).__name__}: {error}")) from error


class LaterFormatError(ValueError):
    """A file of moments that this version does not read."""


def _check_version(about: Any, path: Any) -> None:
    if about["format"] != FORMAT:
        raise KeyError("format")
    if about["version"] > VERSION:
        raise LaterFormatError(
            f"{str(path)!r} holds moments in version {about['version']} of the format, and this "
            f"mtlearn reads up to {VERSION}. Update mtlearn."
        )


def _read(cls: type, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    n_folds = about["n_folds"]
    folds, sums = [], []
    tasks = [tuple(one) if isinstance(one, list) else one for one in about["tasks"]]
    T, d = len(tasks), len(arrays["pivot"])
    shapes = {"xx": (d, d), "xy": (d,), "x_mean": (d,)}
    for k in range(n_folds or 1):
        one = Moments(**{name: arrays[f"{name}_{k}"] for name in OF_FOLD})
        for name in OF_FOLD:
            shape, more = getattr(one, name).shape, shapes.get(name, ())
            shared = name in ("xx", "x_mean") and about["_way"] == "columns"
            if shape[1:] != more or not (shape[0] == T or (shared and shape[0] == 1)):
                raise KeyError(f"{name} of shape {shape}")
        folds.append(one)
        sums.append(arrays[f"sums_{k}"])
    names, labels_at = about["_names"], about["_labels_at"]
    return cls(
        _tasks=_labels(tasks),
        _folds=tuple(folds),
        _sums=tuple(sums),
        _way=about["_way"],
        _pivot=arrays["pivot"],
        _columns=ColumnSums(*(arrays[f"columns_{name}"] for name in ("count", "mean", "scatter"))),
        _column_tasks=_labels(about["column_tasks"]),
        n_folds=n_folds,
        task_column=about["task_column"],
        _names=None if names is None else tuple(names),
        _labels_at=None if labels_at is None else tuple(labels_at),
        _whole=about["_whole"],
        _weighted=about["_weighted"],
        encoder=None if about["encoder"] is None else encoder_of(about["encoder"]),
    )


def _labels(values: list) -> np.ndarray:
    text = any(not isinstance(one, int | float) for one in values)
    found = np.empty(len(values), dtype=object) if text else np.array(values)
    found[:] = values
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value
