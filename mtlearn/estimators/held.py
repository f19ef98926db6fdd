"""A fitted model at the strengths that its fit found: what refits and later tasks hold."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from mtlearn.estimators.linear import loss_of_fit
from mtlearn.estimators.mixed_parameters import RandomSlopes

# What a fit estimated or searched.
FOUND = ("alpha_intercept_", "alpha_mean_", "specific_ratio_", "outlier_ratio_", "huber_scale_")


def held(model: Any) -> Any:
    """A copy whose parameters are what its fit found, and whose loss is that of the fit."""
    same = copy(loss_of_fit(model))
    searched = getattr(model, "_searched", "")
    for name in (*FOUND, *([f"{searched}_"] if searched else [])):
        found = vars(model).get(name)
        if found is not None and np.ndim(found) == 0:
            setattr(same, name.removesuffix("_"), found)
    if isinstance(model, RandomSlopes):
        same.alpha_mean = model.alpha_mean  # of unit columns, where it was estimated
        if np.ndim(shrinkage := vars(model).get("shrinkage_", model.shrinkage)) == 0:
            same.shrinkage = shrinkage
    elif isinstance(vars(same).get("alpha"), str):
        same.alpha = model.alpha_
    same.warm_start, same.verbose = False, 0
    return same
