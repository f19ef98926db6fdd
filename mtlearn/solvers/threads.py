"""BLAS threads: one around small kernels, where a second one costs up to 80 times the work."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache

from threadpoolctl import ThreadpoolController

from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.moment_data import MomentData

SMALL = 256


def blas_threads(data: TaskData | MomentData) -> AbstractContextManager:
    """One BLAS thread while the matrices of one task are small, all of them otherwise."""
    width = data.n_features if data.stacked else max(data.n_features, data.n_targets)
    return _controller().limit(limits=1, user_api="blas") if width < SMALL else nullcontext()


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
