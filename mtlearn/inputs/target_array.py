"""Targets of any library and type as one array, in which a hole is NaN or None.

The one reader of what people give as ``y``, ``y_true`` or ``y_pred``: estimators, metrics and
splitters find the same holes, and refuse the same things, because all of them ask here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from mtlearn.inputs.frames import as_frame, as_labels
from mtlearn.inputs.holes import as_numbers, holds


def read_array(
    y: Any,
    name: str = "y",
    *,
    numeric: bool,
    dtype: Any = np.float64,
    finite: Any = "allow-nan",
    estimator: Any = None,
) -> np.ndarray:
    """One or two dimensions of numbers of type ``dtype``, or of class labels.

    Raises
    ------
    ValueError
        If it is sparse, ragged, of more dimensions, infinite, or of a type that is neither.
    """
    refuse_sparse(y, name)
    as_frame(y, name)  # a lazy one is refused
    array = check_array(
        as_numbers(y, name) if numeric else as_labels(y, name),
        dtype=dtype if numeric else None,
        ensure_2d=False,
        ensure_all_finite=finite,
        input_name=name,
        estimator=estimator,
    )
    if array.dtype.kind == "S" or holds(array, bytes):
        raise ValueError(
            f"{name} holds bytes, and predictions are text. Decode them, for example with "
            f"numpy.char.decode({name}, 'utf-8')."
        )
    return array


def refuse_sparse(y: Any, name: str = "y") -> None:
    """Of a sparse target nobody knows what its empty cells mean."""
    if sparse.issparse(y):
        raise ValueError(
            f"{name} is sparse: is an empty cell 0 or unknown? Give a dense array, with NaN where "
            f"a label was not observed: {name}.toarray() if empty means 0."
        )
