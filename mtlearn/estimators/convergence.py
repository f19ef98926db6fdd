"""What is said of a fit that did not reach its tolerance."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from mtlearn.exceptions import counted, level_of_user
from mtlearn.solvers.solution import Solution


def warn_unless_converged(estimator: Any, solution: Solution, alpha: float) -> None:
    """Warn where the gap is above ``tol``, with the figures and with what helps this family."""
    name = type(estimator).__name__
    if solution.diverging:
        said = (
            f"the classes of some task are separable and alpha={alpha:g} does not hold its "
            f"coefficients back: they grow without bound. {name} stopped where "
            f"dual_gap_={solution.gap:.3g}; use a larger alpha for coefficients that mean "
            "something."
        )
    elif not solution.left <= estimator.tol:  # NaN is no proof
        what = "dual_gap_" if solution.stationarity is None else "stationarity_"
        said = (
            f"{name} stopped at {what}={solution.left:.3g} after "
            f"{counted(solution.n_iter, 'iteration', 'iterations')}, above "
            f"tol={estimator.tol:g} (alpha={alpha:g}). {estimator._remedy}"
        )
    else:
        return
    warnings.warn(said, ConvergenceWarning, stacklevel=level_of_user())
