"""What a fit of random slopes to numbers found of their errors, as later steps take them up."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.estimators.linear import loss_of_fit
from mtlearn.losses.huber import EFFICIENT
from mtlearn.selection.likelihood.errors import Errors, huber_errors


def errors_of_fit(model: Any) -> Errors:
    """kappa and V of each task (T,), or of all in one (1,), in units of the scaled targets.

    A mode minimises ``sum_i s_i loss_i + kappa V / 2 ‖e‖²`` over unit normal e, and V is the noise
    that what is not known of coefficients is due to (``selection/likelihood/information.py``).
    Under the squared loss kappa is one and V the variance of the noise.
    """
    kept = loss_of_fit(model)
    scale = vars(model).get("target_scale_", 1.0)
    sigma = np.atleast_1d(np.asarray(model.noise_std_, dtype=float) / scale)
    if kept.loss == "huber":
        return huber_errors(EFFICIENT * model.huber_scale_, sigma)
    if kept.loss == "quantile":  # whose noise_std_ is the root of V
        root = np.sqrt(kept.quantile * (1 - kept.quantile))
        return Errors(root / sigma, sigma**2)
    return Errors(np.ones(len(sigma)), sigma**2)
