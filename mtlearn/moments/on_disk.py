"""Folds of moments in files, where a comparison needs the memory for what it makes of them."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

from mtlearn.moments.task_moments import TaskMoments
from mtlearn.problems.fold_scatter import FoldScatter

HELD = 1 << 25  # bytes of moments, which are kept in memory


def folds_on_disk(moments: TaskMoments) -> TaskMoments:
    """The same moments, the scatters of their folds in files that are gone with these.

    Few of them stay in memory, and so do those that the disk has no room for.
    """
    scatters = sum(one.xx.nbytes for one in moments._folds)
    if scatters <= HELD or shutil.disk_usage(tempfile.gettempdir()).free < 2 * scatters:
        return moments
    folder, folds = Path(tempfile.mkdtemp(prefix="mtlearn-")), []
    for k, one in enumerate(moments._folds):
        scatters_of_fold: Any = FoldScatter.written(one.xx, folder / f"fold_{k}")
        folds.append(replace(one, xx=scatters_of_fold))
    found = replace(moments, _folds=tuple(folds))
    weakref.finalize(found, shutil.rmtree, folder, ignore_errors=True)
    return found
