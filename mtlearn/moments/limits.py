"""What does not fit: moments beyond the memory, rows and scatters beyond the disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mtlearn.exceptions import counted


def memory() -> float:
    """Bytes of memory of this machine; inf where it does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return float("inf")


GROWING = 2.5  # times the moments are alive where room is made for more tasks
JOINING = 2.0  # times, where blocks of them are joined


def refuse_beyond_memory(n_tasks: int, d: int, n_folds: int | None, *, unit: str = "chunk") -> None:
    """Before the machine does; ``unit`` is what rows come in."""
    needed = 8.0 * (n_folds or 1) * n_tasks * (d + 1) ** 2
    most = memory()
    if GROWING * needed <= most:
        return
    folds = "" if n_folds is None else f" and {n_folds} folds"
    fewer = "" if n_folds is None else " and n_folds=None"
    advice = f"Collect with folder=...{fewer}, which keeps blocks of tasks in files"
    if unit == "partition":  # which are not collected to a folder
        advice = "Give the cluster more workers, on machines of more memory"
        if n_folds is not None:
            advice += ", estimate the strength instead of searching it (then there are no folds)"
    raise ValueError(
        f"the moments of {_of(n_tasks, d)}{folds} take {needed / 1e9:.3g} GB so far, "
        f"{GROWING} times that while they grow, and this machine has {most / 1e9:.3g} GB of "
        f"memory. {advice}, or leave out columns."
    )


def refuse_joining(
    n_tasks: int, d: int, n_folds: int | None, needed: float, may_stay: bool
) -> None:
    """Blocks that were made apart, and do not fit into one memory; they ``may_stay`` apart."""
    folds = "" if n_folds is None else f" and {n_folds} folds"
    advice = "leave out columns"
    if may_stay:
        advice = "leave persist=False out, and they stay on the workers"
    elif n_folds is not None:
        advice = "estimate the strength instead of searching it on folds, which leaves n_folds "
        advice += 'out (alpha="auto", RandomSlopesRegressor), and they stay on the workers'
    raise ValueError(
        f"the moments of {_of(n_tasks, d)}{folds} take {needed / 1e9:.3g} GB, twice that while "
        f"they are joined, and this machine has {memory() / 1e9:.3g} GB of memory: {advice}."
    )


def refuse_beyond_disk(folder: Path, n_rows: int, n_tasks: int, d: int, held: float) -> None:
    """Scatters that do not fit beside, or in the place of, the rows that are there, ``held``."""
    needed, free = 8.0 * n_tasks * d**2, shutil.disk_usage(folder).free
    if needed <= free + held:
        return
    raise ValueError(
        f"the moments of {counted(n_rows, 'row', 'rows')}, {_of(n_tasks, d)} take "
        f"{needed / 1e9:.3g} GB, and {str(folder)!r} has {(free + held) / 1e9:.3g} GB for them. "
        "Give a folder on a larger disk, or leave out columns."
    )


def refuse_rows_beyond_disk(folder: Path, more: float, held: float) -> None:
    """Rows that are to be written beside those that are there, ``held``."""
    free = shutil.disk_usage(folder).free
    if more > free:
        raise ValueError(
            f"the rows so far take {(more + held) / 1e9:.3g} GB while they are sorted by task, and "
            f"{str(folder)!r} has {free / 1e9:.3g} GB left. Give a folder on a larger disk."
        )


def _of(n_tasks: int, d: int) -> str:
    return f"{counted(n_tasks, 'task', 'tasks')} of {counted(d, 'feature', 'features')}"
