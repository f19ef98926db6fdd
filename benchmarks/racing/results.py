"""results/<date>.json: times of every cell, versions of everything, the processor."""

import datetime
import json
import math
import platform
import subprocess
from importlib import metadata
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "results"
PACKAGES = (
    "numpy scipy scikit-learn celer skglm adelie spams-bin cyanure mutar"
    " sklearn-contrib-lightning numba benchopt"
).split()


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def revision(folder):
    """The commit of the mtlearn that is measured, "" where it is no checkout."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def versions():
    import mtlearn

    ours = f"{mtlearn.__version__} {revision(Path(mtlearn.__file__).parent)}".strip()
    found = {"python": platform.python_version(), "mtlearn": ours}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def file(name=None):
    return FOLDER / f"{name or datetime.date.today().isoformat()}.json"


def latest(name=None, missing=None):
    """The stored results of a name, or the last ones by date."""
    path = file(name) if name else max(FOLDER.glob("*.json"), default=None)
    if path and path.exists():
        return json.loads(path.read_text())
    if missing is None:
        raise SystemExit("There are no results yet: run python benchmarks/race.py first.")
    return missing


def _add(name, key, value):
    path = file(name)
    stored = json.loads(path.read_text()) if path.exists() else {"cells": {}, "small": {}}
    stored |= {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "versions": versions(),
        "threads": 1,
    }
    stored[key].update(value)
    FOLDER.mkdir(exist_ok=True)
    path.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n")


def finite(record):
    """JSON has no infinity."""
    return {k: None if v != v or v == math.inf else v for k, v in record.items()}


def keep(cell, times, name=None):
    """Store a cell's times (at once: a race may be stopped); returns what was stored."""
    record = {key: getattr(cell, key) for key in ("group", "gap", "must", "aim", "plain_counts")}
    record["times"] = {solver: finite(time.record()) for solver, time in times.items()}
    _add(name, "cells", {cell.name: record})
    return record


def keep_small(record, name=None):
    _add(name, "small", record)
    return record
