"""A fitted model in a file: what `mtlearn fit` saves, and what of such a file is trusted.

A .skops file holds data and the names of types, no code; it is loaded if all of its types are ones
that the models of the command are made of. Loading a .joblib or .pkl file runs what is in it.
"""

from __future__ import annotations

import io
import json
import platform
import warnings
import zipfile
from dataclasses import dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

import mtlearn
from mtlearn.cli.errors import SourceError
from mtlearn.compare.at_once import LogisticAtOnce, RidgeAtOnce
from mtlearn.compare.loss_at_once import HuberAtOnce, PoissonAtOnce
from mtlearn.compare.quantile_at_once import QuantileAtOnce
from mtlearn.compare.sparse_at_once import LassoAtOnce, SparseLogisticAtOnce
from mtlearn.compare.tuning import TunedBaseline
from mtlearn.compare.writing import write_whole
from mtlearn.inputs.features import Columns
from mtlearn.inputs.reading import Reader
from mtlearn.table import TableEncoder

SKOPS, PICKLES = ".skops", (".joblib", ".pkl")
MODELS = (SKOPS, *PICKLES)
FORMAT = 1  # of the bundle; another one is refused
HEADER = "mtlearn.json"  # in the archive, readable before anything is loaded
PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas")
RUNS_CODE = (
    "loading such a file runs whatever code is in it, and it belongs to the versions it was "
    "written with"
)


@dataclass(frozen=True)
class Saved:
    """A fitted table pipeline, and what predicting from a new table takes to know."""

    pipeline: Pipeline
    model: str  # its name among the contenders
    features: dict[str, str]  # of each column of the table what became of it
    task: str | None  # the column of labels; None where the targets are the tasks
    targets: list[str]
    kind: str  # "regression" or "classification"
    classes: list[Any] | None
    unit: list[float]  # of each target, by which predictions are multiplied
    source: str
    rows: int
    settings: dict[str, Any] = field(default_factory=dict)  # how the table was read and fitted
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def logarithmic(self) -> bool:
        """Whether what is linear in the columns is the logarithm of what is predicted."""
        return self.settings.get("loss") == "poisson"

    @property
    def used(self) -> list[str]:
        """The columns that a new table has to have, without that of labels."""
        return [name for name, what in self.features.items() if what != "left out"]


def versions_now() -> dict[str, str]:
    """Of Python and of the packages that a saved model depends on."""
    found = {name: version(name) for name in PACKAGES}
    return {"python": platform.python_version(), "mtlearn": mtlearn.__version__, **found}


def trusted_types() -> set[str]:
    """Types that saved models hold beside those of NumPy and scikit-learn.

    These are estimators and readers of this library, and the matrix of a graph of tasks; a function
    or another class is none.
    """
    public = (getattr(mtlearn, name) for name in mtlearn.__all__)
    models = {one for one in public if isinstance(one, type) and issubclass(one, BaseEstimator)}
    inside = {TableEncoder, TunedBaseline, Columns, Reader, sparse.csr_matrix}
    inside |= {PoissonAtOnce, HuberAtOnce, QuantileAtOnce}
    inside |= {RidgeAtOnce, LassoAtOnce, LogisticAtOnce, SparseLogisticAtOnce}
    return {f"{kind.__module__}.{kind.__qualname__}" for kind in models | inside}


def check_can_save(path: str) -> None:
    """Say before the work that a package is missing.

    Raises
    ------
    SourceError
        With one line that says what to do.
    """
    if path.lower().endswith(SKOPS):
        _skops()


def save(saved: Saved, path: str) -> int:
    """Write the file, whole or not at all; its size in bytes.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    bundle = {one.name: getattr(saved, one.name) for one in fields(saved)}
    header = {"format": FORMAT, "versions": saved.versions}
    packed = io.BytesIO()
    if path.lower().endswith(SKOPS):
        packed.write(_skops().dumps(bundle))
        with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(HEADER, json.dumps(header))
    else:
        import joblib

        joblib.dump({**header, "bundle": bundle}, packed)
    write_whole(path, packed.getvalue())
    return len(packed.getvalue())


def load(path: str, *, trust: bool = False) -> tuple[Saved, list[str]]:
    """Read a file that :func:`save` wrote, and what there is to say of its versions.

    Raises
    ------
    SourceError
        With one line on what is wrong with the file.
    """
    if not Path(path).is_file():
        raise SourceError(
            f"there is no file {path}; mtlearn fit SOURCE … --save {path} writes one."
        )
    if not path.lower().endswith(MODELS):
        raise SourceError(f"{path} is no saved model; those of mtlearn fit end in .skops.")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if path.lower().endswith(SKOPS):
            bundle = _load_skops(path)
        else:
            bundle = _load_pickle(path, trust)
    try:
        saved = Saved(**bundle)
        was_by = dict(saved.versions)
    except (TypeError, ValueError) as error:
        raise SourceError(_no_model(path, "its parts are other ones")) from error
    if not isinstance(saved.pipeline, Pipeline) or not isinstance(saved.pipeline[0], TableEncoder):
        raise SourceError(_no_model(path, "it holds no table pipeline"))
    old = any(issubclass(warning.category, InconsistentVersionWarning) for warning in caught)
    now = versions_now()
    differ = [
        f"{name} {was} (now {now[name]})"
        for name, was in was_by.items()
        if name in ("mtlearn", "scikit-learn") and was != now[name]
    ]
    if not differ and not old:
        return saved, []
    return saved, [
        f"{path} was saved by {' and '.join(differ) or 'another scikit-learn'}; fit again if its "
        "predictions look odd."
    ]


def _load_skops(path: str) -> dict[str, Any]:
    sio, content = _skops(), Path(path).read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            header = json.loads(archive.read(HEADER)) if HEADER in archive.namelist() else {}
    except Exception as error:  # cut off, or something else altogether
        raise SourceError(_no_model(path, str(error))) from error
    _check_format(path, header)
    try:
        unknown = set(sio.get_untrusted_types(data=content)) - trusted_types()
    except Exception as error:
        raise SourceError(_no_model(path, str(error), header)) from error
    if unknown:
        raise SourceError(
            f"{path} holds the type {min(unknown)}, which no model of mtlearn fit does; it is not "
            f"loaded.{_written_by(header)}"
        )
    try:
        return sio.loads(content, trusted=sorted(trusted_types()))
    except Exception as error:  # a class of another version, say
        raise SourceError(_no_model(path, str(error), header)) from error


def _load_pickle(path: str, trust: bool) -> dict[str, Any]:
    if not trust:
        raise SourceError(
            f"{path}: {RUNS_CODE}; give --trust if you know where it is from (.skops files need "
            "no trust)."
        )
    import joblib

    try:
        content = joblib.load(path)
    except Exception as error:
        raise SourceError(_no_model(path, str(error))) from error
    header = content if isinstance(content, dict) else {}
    _check_format(path, header)
    return header.get("bundle", {})


def _check_format(path: str, header: dict[str, Any]) -> None:
    if not isinstance(header, dict) or "format" not in header:
        raise SourceError(_no_model(path, "it is not of mtlearn fit"))
    if header["format"] != FORMAT:
        raise SourceError(
            f"{path} is of a format ({header['format']}) that this version of mtlearn "
            f"({mtlearn.__version__}) does not read.{_written_by(header)}"
        )


def _no_model(path: str, why: str, header: dict[str, Any] | None = None) -> str:
    return f"{path} cannot be read as a saved model ({why}).{_written_by(header or {})}"


def _written_by(header: dict[str, Any]) -> str:
    versions = header.get("versions")
    if not isinstance(versions, dict) or "mtlearn" not in versions:
        return ""
    listed = ", ".join(
        f"{name} {versions[name]}" for name in ("mtlearn", "scikit-learn") if name in versions
    )
    return f" It was written by {listed}; fit again, or install these."


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise SourceError(
            '.skops files need skops: python -m pip install "scikit-mtlearn[demo]"; or give the '
            "ending .joblib."
        ) from error
    return skops.io


def plain_list(values: Any) -> list[Any] | None:
    """Labels as Python's own text, numbers and booleans."""
    return None if values is None else np.asarray(values).tolist()
