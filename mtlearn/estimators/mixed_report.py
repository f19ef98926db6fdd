"""What a mixed model says of its fit: a line for who asked, and warnings of what was not found."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from mtlearn.estimators.mixed_fit import MixedFit
from mtlearn.exceptions import UnidentifiedVarianceWarning, counted, in_fold, level_of_user, plain
from mtlearn.selection.likelihood.mixed import MixedModel
from mtlearn.solvers.progress import say

NEARLY = 1e-3  # scaled gradient at which the likelihood is at its maximum to six digits
WITHOUT_NOISE = (
    0.01 * MixedModel.cap
)  # a variance over that of the noise with which there is no maximum


def report(model: Any, fit: MixedFit) -> None:
    """Print and warn, of a fitted estimator."""
    steps, norm = fit.fit.n_iter, fit.fit.gradient
    name, taken = type(model).__name__, counted(steps, "step", "steps")
    if model.verbose:
        line = f"{name}: log likelihood {model.log_likelihood_:.6g}, {taken}, gradient {norm:.3g}"
        say(line)
    _warn_of_unknown(model, fit)
    stopped = norm > NEARLY or fit.fit.unfinished
    if norm > model.tol and stopped and fit.fit.Theta.max(initial=0.0) < WITHOUT_NOISE:
        warnings.warn(
            f"{name} stopped at gradient_norm_={norm:.3g} after {taken}, above "
            f"tol={model.tol:g}. Raise max_iter, loosen tol, or ask for less: "
            'covariance="diagonal", or a larger shrinkage.',
            ConvergenceWarning,
            stacklevel=level_of_user(),
        )


def _warn_of_unknown(model: Any, fit: MixedFit) -> None:
    places = np.flatnonzero(fit.unknown)
    if not len(places) or in_fold():
        return
    features = [repr(plain(name)) for name in model._reader.columns.of_features()]
    names = ["the level"] * fit.model.first + features
    more = ", …" if len(places) > 5 else ""
    why = "there is one task" if len(model.tasks_) == 1 else "it looks the same as the noise"
    warnings.warn(
        f"how much tasks differ in {', '.join(names[j] for j in places[:5])}{more} is not known: "
        f"{why}. {counted(len(places), 'variance is', 'variances are')} set to zero. More tasks, "
        "or more rows per task, would tell; one model for all (mtlearn.PooledTasks) is as good.",
        UnidentifiedVarianceWarning,
        stacklevel=level_of_user(),
    )
