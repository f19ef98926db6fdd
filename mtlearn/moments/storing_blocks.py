"""Moments in a folder: scatters in a file for each block of tasks, all else beside them.

A block is two files: ``block_0.npy``, the scatters (t, d, d) of its tasks, and ``block_0.npz``,
their other moments. ``tasks.npy`` has the places of the tasks of all blocks, one after the other,
and ``about.json``, written last, says what they are of. Nothing of it is run.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from mtlearn.moments.storing import BROKEN, LaterFormatError, check_version, read
from mtlearn.problems.blocks import FiledScatter, ScatterFile
from mtlearn.problems.moments import Moments

SMALL = tuple(f.name for f in fields(Moments) if f.name != "xx")
COLUMNS = ("count", "mean", "scatter")


def load_blocks(cls: type, path: Any) -> Any:
    """Moments of a folder, whose scatters stay there."""
    folder = Path(path)
    foreign = f"{str(path)!r} is no folder of moments, or some of it is missing ({{}}). Make one "
    foreign += "with collect_moments(..., folder=...)."
    try:
        about = json.loads((folder / "about.json").read_text())
        check_version(about, path)
        T, sizes = len(about["tasks"]), about["blocks"]
        tasks = np.load(folder / "tasks.npy", allow_pickle=False)
        if len(tasks) != sum(sizes) or (np.sort(tasks) != np.arange(T)).any():
            raise KeyError("tasks")
        moments, sums = joined(folder, np.split(tasks, np.cumsum(sizes)[:-1]))
        arrays = {f"{f.name}_0": getattr(moments, f.name) for f in fields(Moments)}
        arrays["sums_0"] = sums
        arrays["pivot"] = np.array(about["pivot"], dtype=float)
        for name in COLUMNS:
            kind = np.dtype(np.intp if name == "count" else np.float64)
            arrays[f"columns_{name}"] = np.array(about[f"columns_{name}"], dtype=kind)
        return read(cls, about, arrays)
    except LaterFormatError:
        raise
    except BROKEN as error:
        raise ValueError(foreign.format(f"{type(error).__name__}: {error}")) from error


def joined(folder: Path, blocks: list[np.ndarray]) -> tuple[Moments, np.ndarray]:
    """Moments of all tasks in their order, and the sums of weights (T, 3), of such files.

    ``blocks`` has the places of the tasks of each.
    """
    T, small, files = sum(map(len, blocks)), dict[str, np.ndarray](), []
    for k, tasks in enumerate(blocks):
        with np.load(folder / f"block_{k}.npz", allow_pickle=False) as file:
            for name in (*SMALL, "sums", "diagonal"):
                part = file[name]
                if k == 0:
                    small[name] = np.empty((T, *part.shape[1:]), dtype=part.dtype)
                if part.shape != (len(tasks), *small[name].shape[1:]):
                    raise KeyError(f"{name} of shape {part.shape}")
                small[name][tasks] = part
        path = folder / f"block_{k}.npy"
        there = np.load(path, mmap_mode="r")  # of which the shape alone is looked at
        n, d = len(tasks), small["diagonal"].shape[1]
        if there.shape != (n, d, d) or there.dtype != np.float64 or not there.flags.c_contiguous:
            raise KeyError(f"scatters of shape {there.shape} and type {there.dtype}")
        files.append(ScatterFile(path, there.offset, np.arange(len(tasks)), tasks))
    xx: Any = FiledScatter(files, small.pop("diagonal"))
    sums = small.pop("sums")
    return Moments(**small, xx=xx), sums
