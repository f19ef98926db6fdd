"""Samples of the tasks, at whose variances to begin where a look at all of them takes long.

Of one task in n the variances are within some √n standard errors of those of all, from where a step
or two of Newton's method lead to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import numpy as np

from mtlearn.selection.likelihood.chunk import Chunk

SHARES = (64, 8)  # one task in so many
ENOUGH = 400  # tasks, of which there are to be
ROUGH = 1e-3  # scaled gradient to end at: samples are further from all tasks anyway


def samples_of(likelihood: Any) -> Iterator[Any]:
    """A ``CommonLikelihood`` of some of the tasks, more and more of them."""
    for share in SHARES:
        chunks = likelihood.chunks[::share]
        if ENOUGH <= sum(len(one.tasks) for one in chunks) < likelihood.n_tasks:
            yield _of_chunks(likelihood, chunks)


def _of_chunks(whole: Any, chunks: list[Chunk]) -> Any:
    """Of the tasks of some chunks alone, under the same prior."""
    part, tasks = copy(whole), np.concatenate([one.tasks for one in chunks])
    part.chunks, part.n_tasks, first = [], len(tasks), 0
    for chunk in chunks:
        own = copy(chunk)
        own.tasks = np.arange(first, first + len(chunk.tasks))
        part.chunks.append(own)
        first += len(chunk.tasks)
    part.weight, part.x = whole.weight[tasks], whole.x[tasks]
    part.y, part.yy, part.N = whole.y[tasks], whole.yy[tasks], float(part.weight.sum())
    free = whole.level == np.inf
    flat = whole.N - whole.df - whole.n_tasks * free
    part.df = max(part.N - part.n_tasks * free - flat, 1.0)
    return part
