"""What a mixed model says of its fit: a line for who asked, and warnings of what was not found."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning

from mtlearn.exceptions import UnidentifiedVarianceWarning, counted, in_fold, level_of_user, plain
from mtlearn.selection.likelihood.errors import FEWEST
from mtlearn.selection.likelihood.mixed import MixedModel
from mtlearn.solvers.progress import say

NEARLY = 1e-3  # scaled gradient at which the likelihood is at its maximum to six digits
ENOUGH = 1e-6  # duality gap
DISPERSED = 10.0  # Pearson's dispersion of what is hardly a number of events
NOISELESS = 0.01 * MixedModel.cap  # a variance over that of the noise that has no maximum


def report(model: Any, fits: list[Any]) -> None:
    """Print and warn, of a fitted estimator and its :class:`MixedLines`, one or one a class."""
    fit = max((each.fit for each in fits), key=lambda fit: fit.gradient)
    steps, norm = fit.n_iter, fit.gradient
    name, taken = type(model).__name__, counted(steps, "step", "steps")
    if model.verbose:
        line = f"{name}: log likelihood {model.log_likelihood_:.6g}, {taken}, gradient {norm:.3g}"
        say(line)
    _warn_of_unknown(model, fits)
    if _warn_of_endless(model, fits):
        return
    stopped = norm > NEARLY or fit.unfinished
    if norm > model.tol and stopped and fit.Theta.max(initial=0.0) < NOISELESS:
        warnings.warn(
            f"{name} stopped at gradient_norm_={norm:.3g} after {taken}, above "
            f"tol={model.tol:g}. {_instead(model)}",
            ConvergenceWarning,
            stacklevel=level_of_user(),
        )


def warn_of_gap(model: Any) -> None:
    """Warn of coefficients that are not the best given the variances."""
    if model.dual_gap_ <= max(model.tol, ENOUGH):
        return
    warnings.warn(
        f"{type(model).__name__}: given the variances, coefficients stopped at "
        f"dual_gap_={model.dual_gap_:.3g}, above tol={model.tol:g}. Bring columns to one scale "
        "(StandardScaler), or take MeanRegularizedRegressor with the same loss.",
        ConvergenceWarning,
        stacklevel=level_of_user(),
    )


def warn_of_far(model: Any, beyond: float) -> None:
    """Warn of a quantile that lies where next to no rows do."""
    if beyond >= FEWEST or in_fold():
        return
    warnings.warn(
        f"quantile={model.quantile:g}: {beyond:.2g} rows are to lie beyond it, too few to tell how "
        "errors scatter there, and they were taken for normal. Ask for a quantile nearer to 0.5, "
        "or give more rows.",
        UserWarning,
        stacklevel=level_of_user(),
    )


def _instead(model: Any) -> str:
    """What to do where steps did not end."""
    spread = _overdispersed(model)
    if spread:
        return spread
    if model.covariance == "full":
        less = 'covariance="diagonal", or a larger shrinkage'
    else:
        less = "fewer features" if model.covariance == "common" else 'covariance="common"'
    return f"Raise max_iter, loosen tol, or ask for less: {less}."


def _overdispersed(model: Any) -> str:
    """What to do about counts that vary far more than Poisson's; nothing where they do not."""
    if not getattr(model, "dispersion_", 0.0) > DISPERSED:
        return ""
    return (
        f"Counts vary more than Poisson's, dispersion_={model.dispersion_:.3g} where 1 is "
        "expected: look at the largest ones for mistakes, and at the unit (weight times "
        "target has to be a number of events); for amounts, rather than events, give the squared "
        "loss log(1 + y)."
    )


def warn_separable(model: Any) -> None:
    """Warn that the shared coefficients had no finite value."""
    if in_fold():
        return
    what = "tells the classes apart without error in some of the rows"
    if not is_classifier(model):
        what = "tells some rows without any event from all others"
    warnings.warn(
        f"one model for all tasks {what}, so that the shared coefficients have no finite best "
        "value: alpha_mean=0.001 in columns of unit variance was used. Give "
        f'{type(model).__name__}(alpha_mean="auto"), or a number '
        "above 0, to say how large they may be.",
        UserWarning,
        stacklevel=level_of_user(),
    )


def _warn_of_endless(model: Any, fits: list[Any]) -> bool:
    """Warn of variances that grew until the search ended; whether there are any."""
    places = np.flatnonzero(np.any([getattr(fit, "endless", False) for fit in fits], axis=0))
    if not len(places):
        return False
    if in_fold():
        return True
    fewer = "" if model.covariance == "common" else 'covariance="common", '
    less = "" if model.method == "ml" else 'method="ml", '
    instead = _overdispersed(model) or (
        f"There are too few events to tell. Give {less}{fewer}fewer features, more events, or "
        "one model for all (mtlearn.PooledTasks)."
    )
    warnings.warn(
        f"how much tasks differ in {_named(model, fits, places)} is not known: the likelihood "
        "still grows at the largest variance that is looked at, a standard deviation of ten in the "
        f"scores of a column of unit variance (gradient_norm_={model.gradient_norm_:.3g}), and "
        f"{counted(len(places), 'variance stays', 'variances stay')} there. {instead}",
        UnidentifiedVarianceWarning,
        stacklevel=level_of_user(),
    )
    return True


def _named(model: Any, fits: list[Any], places: np.ndarray) -> str:
    """The level and features at these places, five at most."""
    features = [repr(plain(name)) for name in model._reader.columns.of_features()]
    names = ["the level"] * fits[0].model.first + features
    return ", ".join(names[j] for j in places[:5]) + (", …" if len(places) > 5 else "")


def _warn_of_unknown(model: Any, fits: list[Any]) -> None:
    places = np.flatnonzero(np.any([fit.unknown for fit in fits], axis=0))
    if not len(places) or in_fold():
        return
    why = "there is one task" if len(model.tasks_) == 1 else "it looks the same as the noise"
    warnings.warn(
        f"how much tasks differ in {_named(model, fits, places)} is not known: "
        f"{why}. {counted(len(places), 'variance is', 'variances are')} set to zero. More tasks, "
        "or more rows per task, would tell; one model for all (mtlearn.PooledTasks) is as good.",
        UnidentifiedVarianceWarning,
        stacklevel=level_of_user(),
    )
