"""Samples of the tasks, at whose variances to begin where a look at all of them takes long.

Of one task in n the variances are within some √n standard errors of those of all, from where a step
or two of Newton's method lead to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import numpy as np

from mtlearn.selection.likelihood.chunk import Chunks

SHARES = (64, 8)  # one task in so many
ENOUGH = 400  # tasks, of which there are to be
ROUGH = 1e-3  # scaled gradient to end at: samples are further from all tasks anyway


def samples_of(likelihood: Any) -> Iterator[Any]:
    """A ``CommonLikelihood`` of some of the tasks, more and more of them."""
    for share in SHARES:
        found = likelihood.chunks.some(share)
        if found is not None and ENOUGH <= len(found[0]) < likelihood.n_tasks:
            yield _of_some(likelihood, *found)


def _of_some(whole: Any, tasks: np.ndarray, chunks: Chunks) -> Any:
    """Of some tasks alone, under the same prior."""
    part = copy(whole)
    part.chunks, part.n_tasks = chunks, len(tasks)
    part.weight, part.x = whole.weight[tasks], whole.x[tasks]
    part.y, part.yy, part.N = whole.y[tasks], whole.yy[tasks], float(part.weight.sum())
    if whole.left_out is not None:
        part.left = whole.left_out.sums(chunks, tasks)
    free = whole.level == np.inf
    flat = whole.N - whole.df - whole.n_tasks * free
    part.df = max(part.N - part.n_tasks * free - flat, 1.0)
    return part
