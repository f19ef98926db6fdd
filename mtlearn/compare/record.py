"""A comparison as JSON, for programs: every attribute under its own name, and strictly JSON.

What JSON has no word for becomes null: NaN, infinities, missing values.
"""

from __future__ import annotations

import dataclasses
import json
import math
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from mtlearn.base import __version__
from mtlearn.compare.extras import import_pandas
from mtlearn.compare.kinds import Kind

PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas")


def record_of(result: Any) -> dict[str, Any]:
    """All that a :class:`~mtlearn.compare.Comparison` says, but predictions and coefficients."""
    said = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    table, tasks = said.pop("table").reset_index(), said.pop("per_task")
    del said["predictions"], said["coefs"]
    said["classes"] = getattr(result.kind, "classes", None)
    said["versions"] = versions()
    return jsonable({**said, "table": table, "tasks": tasks})


def versions() -> dict[str, str]:
    """Of Python, of this library and of what it computes with."""
    return {
        "python": platform.python_version(),
        "mtlearn": __version__,
        **{name: version(name) for name in PACKAGES},
    }


def as_json(value: Any) -> str:
    """Strict JSON, a line for each member, ending in a line break."""
    return json.dumps(jsonable(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def jsonable(value: Any) -> Any:
    """The value in what JSON has; frames become lists of rows."""
    pandas = import_pandas()
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, pandas.DataFrame):
        columns = {str(name): value[name].tolist() for name in value.columns}
        return [
            {name: jsonable(column[i]) for name, column in columns.items()}
            for i in range(len(value))
        ]
    if isinstance(value, Mapping):
        return {str(name): jsonable(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray | pandas.Series | pandas.Index):
        return [jsonable(part) for part in value]
    if isinstance(value, Kind):
        return value.name
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (field.name for field in dataclasses.fields(value))
        return {name: jsonable(getattr(value, name)) for name in names}
    if value is pandas.NA or value is pandas.NaT:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
