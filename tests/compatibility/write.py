"""Write the pickles of this version, from the oldest packages that setup.cfg promises.

    python -m tests.compatibility.write

A pickle of NumPy 2 cannot be read by NumPy 1, the other way round it can; so what both ends are to
read has to come from the older one. CONTRIBUTING.md says when these files may change.
"""

import json
import pickle
import sys
from importlib.metadata import requires, version
from pathlib import Path

import numpy as np

import mtlearn

from .models import models

VERSION = mtlearn.__version__.rpartition(".")[0]  # without the third number
PROTOCOL = 4  # whatever the default of this Python is


def check_versions():
    for line in requires("scikit-mtlearn"):
        name, _, floor = line.partition(">=")
        if "extra" not in line and version(name) != floor:
            sys.exit(f"{name} is {version(name)}, not {floor}: use what .ci/floors.py prints.")


def as_array(answer):
    """Predictions as one array; of probabilities by column those of all columns in turn."""
    return np.stack(list(answer.values())) if isinstance(answer, dict) else np.asarray(answer)


def described(kept):
    """The rows and what the model says of them, for JSON; NaN is null."""
    columns = getattr(kept.X, "columns", None)
    more = {} if kept.task is None else {"task": kept.task}
    methods = [name for name in ("predict", "predict_proba") if hasattr(kept.model, name)]
    return {
        "X": [[None if x != x else x for x in row] for row in np.asarray(kept.X).tolist()],
        "columns": None if columns is None else list(columns),
        "task": None if kept.task is None else kept.task.tolist(),
        "answers": {
            name: as_array(getattr(kept.model, name)(kept.X, **more)).tolist() for name in methods
        },
        "versions": {"mtlearn": mtlearn.__version__}
        | {name: version(name) for name in ("numpy", "scikit-learn")},
    }


def main():
    check_versions()
    folder = Path(__file__).parent / VERSION
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    for name, kept in models().items():
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(kept.model, PROTOCOL))
        lines = [
            f"{json.dumps(key)}: {json.dumps(value)}" for key, value in described(kept).items()
        ]
        (folder / f"{name}.json").write_text("{" + ",\n ".join(lines) + "}\n")


if __name__ == "__main__":
    main()
