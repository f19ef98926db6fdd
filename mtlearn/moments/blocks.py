"""Moments of more tasks than fit into memory: collected a block of tasks at a time, to files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from mtlearn.moments.chunks import ChunkReader
from mtlearn.moments.gathering import Gathering
from mtlearn.moments.shuffle import Shuffle
from mtlearn.moments.storing import about_of
from mtlearn.moments.storing_blocks import COLUMNS, SMALL, joined
from mtlearn.moments.task_moments import TaskMoments
from mtlearn.moments.united import sorted_labels
from mtlearn.table.column_sums import ColumnSums


def collect_blocks(
    chunks: Iterable,
    reader: ChunkReader,
    n_numbers: int | None,
    folder: Any,
    task_column: Any,
) -> TaskMoments:
    """The moments of chunks of rows, in blocks of tasks in a folder.

    Raises
    ------
    ValueError
        If the folder holds anything, or its disk is too small.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(
            f"folder {str(folder)!r} is not empty. Give a new one; moments that are there are read "
            "by TaskMoments.load."
        )
    rows = folder / f"rows-{uuid4().hex}"
    rows.mkdir()
    try:
        shuffle = Shuffle(reader, n_numbers, rows)
        for chunk in chunks:
            shuffle.add(chunk)
        found = _collected(shuffle, folder, task_column)
        reader.left_out.say(several=reader.targets is not None)
        return found
    except BaseException:
        for path in folder.iterdir():
            if path.is_file():
                path.unlink()
        raise
    finally:
        shutil.rmtree(rows)


def _collected(shuffle: Shuffle, folder: Path, task_column: Any) -> TaskMoments:
    written: list[np.ndarray] = []  # positions of the tasks of each block, as they appeared
    total: ColumnSums | None = None
    for codes, found in shuffle.blocks():
        own = found.columns.take(np.arange(len(codes))).as_one()
        total = own if total is None else total + own
        kept = _with_rows(found, len(codes))
        if len(kept):
            _write_block(folder, len(written), kept, found)
            written.append(codes[kept])
    if not written or total is None:
        raise ValueError(
            "no chunk has a row with an observed target and a weight above zero; nothing to "
            "collect. Is the iterator used up, or the target missing everywhere?"
        )
    column_tasks, order = sorted_labels(shuffle.known.place)
    rank = np.empty(len(order), dtype=np.intp)  # of each task as they appeared
    rank[order] = np.arange(len(order))
    there = np.zeros(len(order), dtype=bool)
    there[rank[np.concatenate(written)]] = True
    position = np.cumsum(there) - 1
    blocks = [position[rank[codes]] for codes in written]
    np.save(folder / "tasks.npy", np.concatenate(blocks))
    fold, sums = joined(folder, blocks)
    reader = shuffle.reader
    moments = TaskMoments(
        column_tasks[there],
        (fold,),
        (sums,),
        "labels",
        np.asarray(shuffle.pivot),
        total,
        column_tasks,
        None,
        task_column,
        None if reader.names is None else tuple(reader.names),
        reader.labels_at,
        "rows",
        shuffle.weighted,
        reader.encoder,
    )
    about = about_of(moments) | {"blocks": list(map(len, blocks))}
    about |= {"pivot": moments._pivot.tolist()}
    about |= {f"columns_{name}": getattr(total, name).tolist() for name in COLUMNS}
    (folder / "about.json").write_text(json.dumps(about))
    return moments


def _with_rows(found: Gathering, n_tasks: int) -> np.ndarray:
    """Tasks that have rows with a target."""
    if not found.folds:
        return np.empty(0, dtype=np.intp)
    return np.flatnonzero(found.folds[0].count[:n_tasks])  # there is room for more


def _write_block(folder: Path, k: int, kept: np.ndarray, found: Gathering) -> None:
    """Two files: the scatters, and what is small."""
    moments = found.folds[0].take(kept)
    np.save(folder / f"block_{k}.npy", moments.xx)
    part = {name: getattr(moments, name) for name in SMALL}
    part |= {"sums": found.sums[0][kept], "diagonal": np.einsum("tjj->tj", moments.xx)}
    np.savez(folder / f"block_{k}.npz", **part)
