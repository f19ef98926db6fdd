"""Checks of the parameters that all models share, at fit."""

from __future__ import annotations

from typing import Any

from mtlearn.inputs.checks import check_count, check_flag, check_number, check_option


def check_parameters(estimator: Any) -> None:
    """Refuse values that are not allowed; the message says what is."""
    if isinstance(estimator.alpha_mean, str) and estimator._searches:
        check_option("alpha_mean", estimator.alpha_mean, ("auto", "a number >= 0"))
    else:
        check_number("alpha_mean", estimator.alpha_mean, infinite=True)
    check_number("tol", estimator.tol)
    check_count("max_iter", estimator.max_iter)
    check_option("solver", estimator.solver, ("auto",))
    for name in ("fit_intercept", "warm_start"):
        check_flag(name, getattr(estimator, name))
    if isinstance(estimator.alpha_intercept, str):
        check_option("alpha_intercept", estimator.alpha_intercept, ("auto", "a number >= 0"))
    else:
        check_number("alpha_intercept", estimator.alpha_intercept, infinite=True)
    if isinstance(getattr(estimator, "alpha", None), str) and estimator._alpha_may_be_estimated:
        check_option("alpha", estimator.alpha, ("auto", "a number >= 0"))
    elif hasattr(estimator, "alpha"):
        infinite, instead = estimator._alpha_may_be_infinite, estimator._instead_of_inf
        check_number("alpha", estimator.alpha, infinite=infinite, instead=instead)
