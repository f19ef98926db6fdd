"""Class labels of rows that come after fit, as columns of the classes that fit saw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mtlearn.exceptions import plain
from mtlearn.inputs.classes import weigh_classes
from mtlearn.inputs.tasks import TaskData


def encode_known(
    data: TaskData, class_weight: Any, classes: np.ndarray, *, same_sum: bool = True
) -> TaskData:
    """Labelled rows with the classes of a fit for targets, as ``encode`` has them.

    Not all classes have to be there. ``same_sum`` is that of ``weigh_classes``.

    Examples
    --------
    >>> y = np.array(["yes", "yes"])
    >>> rows = TaskData(np.eye(2), y, None, np.zeros(2, dtype=int), np.arange(1), "labels")
    >>> encode_known(rows, None, np.array(["no", "yes"])).y
    array([1., 1.])
    """
    place = {label: k for k, label in enumerate(classes.tolist())}
    labels = data.y.tolist()
    strange = next((label for label in labels if label not in place), None)
    if strange is not None:
        raise ValueError(
            f"y has the class {plain(strange)!r}, and the model was fitted on the classes "
            f"{list(place)[:20]}. What a class is to all tasks is learned in fit: fit again with "
            "all rows."
        )
    positions = np.fromiter(map(place.__getitem__, labels), dtype=float, count=len(labels))
    if class_weight is not None:
        data = weigh_classes(data, positions, classes, class_weight, same_sum=same_sum)
    if len(classes) > 2:
        positions = (positions[:, None] == np.arange(len(classes))).astype(float)
    return replace(data, y=positions)
