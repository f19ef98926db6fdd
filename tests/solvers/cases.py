"""What solvers are tested on: every way in, form, kind of intercept and shared mean."""

import pytest

from ..problems.test_problems import both_forms, every_intercept, every_omega

__all__ = ["both_forms", "every_case", "every_intercept", "every_mean", "every_omega"]

every_case = pytest.mark.parametrize(
    "way, weights", [("columns", "rows"), ("holes", "labels"), ("beside", "rows")]
)
every_mean = pytest.mark.parametrize("alpha_mean", [None, 0.0, 1e-2])
