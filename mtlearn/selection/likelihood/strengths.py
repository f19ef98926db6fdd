"""Strengths of the penalties on levels and slopes, as variances over that of the noise say.

In the objective the data count (T/N) times: with noise of variance σ² and slopes of variance τ² its
minimiser is the best linear unbiased prediction at alpha = (T/N) σ²/τ², and alike for levels.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import norm

from mtlearn.inputs.feature_weight import FeatureWeights
from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.huber import Huber
from mtlearn.losses.logistic import Logistic
from mtlearn.losses.pinball import Pinball
from mtlearn.problems.base import Problem
from mtlearn.problems.blocked import BlockedProblem
from mtlearn.problems.coupling import Coupling
from mtlearn.problems.design import DesignProblem
from mtlearn.problems.forms import make_problem
from mtlearn.problems.general import LossProblem
from mtlearn.problems.moments import x_bytes
from mtlearn.problems.squared import SquaredProblem
from mtlearn.selection.likelihood.common import CommonLikelihood
from mtlearn.selection.likelihood.logistic_strengths import Strengths, logistic_strengths
from mtlearn.selection.likelihood.one_way import one_way_alpha_intercept
from mtlearn.selection.likelihood.samples import ROUGH, samples_of
from mtlearn.selection.likelihood.variances import climb, identified
from mtlearn.selection.robust import RobustFit, winsorised
from mtlearn.solvers import tuning

TOLERANCE = 1e-9  # scaled gradient of the likelihood: equal problems get equal strengths
MAX_ITER = 100
SWEEPS = 40.0  # products E'diag(.)E, and as many flops as these for the rest, of a search
FLOPS = 1e11  # of it: some ten seconds, beyond which levels alone are not worth it
FEATURES = 60  # up to which Laplace's approximation takes a second on a part of the rows
MOST_FLOPS = 1e13  # a quarter of an hour, where slopes are asked for
ROWS_BYTES = 32e6  # of rows without moments, that are not to be copied for levels alone
LARGEST = 1e80  # scatter, whose cube is a number
DECOMPOSED = 10.0  # factorisations that cost as much as eigenvectors
MOST_BYTES = 4 << 30  # of eigenvectors, where slopes are asked for


def estimate_strengths(
    problem: Problem,
    data: TaskData,
    alpha_mean: float,
    alpha_intercept: float | None = None,
    *,
    fit_intercept: bool = True,
    slopes: bool = False,
    weights: FeatureWeights | None = None,
) -> Strengths:
    """Both strengths by restricted maximum likelihood, one variance for all slopes.

    Of logistic losses by Laplace's approximation, whatever is known of levels, and so of the
    softmax of several classes, one against the rest; of Huber's on targets that are brought as near
    as it looks, and so of quantiles.

    Parameters
    ----------
    problem : Problem
        Under any coupling. Its tasks' weights take no part.
    data : TaskData
        Of which it is.
    alpha_mean : float
        w_0 ~ N(0, σ² / (alpha_mean N) I).
    alpha_intercept : float or None
        That of levels, where it is known.
    fit_intercept : bool
        False: there are no levels, and nothing is centred.
    slopes : bool
        Whether their strength is asked for, however long it takes.
    weights : FeatureWeights, default=None
        What the columns of the problem were divided by.

    Returns
    -------
    Strengths
        ``inf`` where the likelihood is largest without any variance, or does not tell it from the
        noise. Where the likelihood takes too long or too much memory, for other losses and where
        slopes of some features are free, levels are those of
        :func:`one_way_alpha_intercept` and slopes are not looked at.

    Raises
    ------
    ValueError
        Where that of slopes is asked for, and takes too much memory or is not defined.

    References
    ----------
    Patterson and Thompson (1971). Recovery of inter-block information when block sizes are unequal.
    Biometrika 58.
    """
    if isinstance(problem, LossProblem) and isinstance(problem.loss, Pinball):
        known = alpha_mean, alpha_intercept, fit_intercept, slopes, weights
        return _of_quantile(problem, problem.loss.quantile, data, *known)
    T, mean_unit = problem.n_columns, None if weights is None else weights.mean_unit
    joint = isinstance(problem, LossProblem) and problem.loss.joint
    contrast = problem.n_classes if joint else None

    def of_levels_alone() -> Strengths:
        if alpha_intercept is not None:
            return Strengths(None, alpha_intercept)
        levels = one_way_alpha_intercept(problem, alpha_mean, mean_unit)
        return Strengths(None, levels).of_contrasts(contrast)

    if weights is not None and len(weights.free):
        if slopes:
            raise ValueError(
                'alpha="auto" is one variance for the slopes of all features, and feature_weight '
                "has 0. Give alpha a number, or choose it by cross-validation."
            )
        return of_levels_alone()
    logistic = (isinstance(problem, LossProblem) and isinstance(problem.loss, Logistic)) or joint
    if logistic and fit_intercept and (slopes or problem.n_features <= FEATURES):
        rows = data if data.stacked else data.one_row_per_label()[0]
        found = logistic_strengths(rows, alpha_mean, weights).of_contrasts(contrast)
        levels = found.alpha_intercept if alpha_intercept is None else alpha_intercept
        return Strengths(found.alpha, levels)
    if isinstance(problem, LossProblem) and isinstance(problem.loss, Huber):
        if not data.stacked:
            data = replace(data, y=data.y / problem.target_scale)
        data = winsorised(data, problem.loss, fit_intercept)
        omega = np.ones(len(data.tasks))
        problem = make_problem(data, omega, Coupling(), False, centred=fit_intercept)
    if slopes and not isinstance(problem, SquaredProblem):
        raise ValueError(
            'alpha="auto" is defined for the squared loss, Huber\'s and quantiles, with intercepts '
            "for the logistic one, too. Give a number, or choose it by cross-validation; of counts "
            'RandomSlopesRegressor(loss="poisson") estimates variances of the slopes.'
        )
    if not isinstance(problem, SquaredProblem) or not _affordable(problem, slopes):
        return of_levels_alone()
    per_noise, level = T / float(problem.weight.sum()), None
    if not fit_intercept:
        level = 0.0
    elif alpha_intercept is not None:
        level = np.inf if alpha_intercept == 0 else per_noise / alpha_intercept
    # Levels are measured at the mean of the rows, whatever the coupling.
    measured = problem.recoupled(Coupling(np.inf, fit_intercept))
    fixed = None if weights is None else weights.fixed
    likelihood = CommonLikelihood(measured, alpha_mean, level, mean_unit, fixed)
    prior_needed = alpha_mean == 0 and likelihood.df <= T and level is None
    if not slopes and (likelihood.largest > LARGEST or prior_needed):
        return of_levels_alone()
    variance = dict.fromkeys(("level", "slopes"), 0.0)
    # With a row each, what tells variances from the noise is the prior of w_0 alone.
    if 1 < T < problem.weight.sum() and not likelihood.exact:
        variance |= dict(zip(*maximised(likelihood), strict=True))
    with np.errstate(divide="ignore"):
        alpha, levels = (
            float(np.divide(per_noise, variance[name])) for name in ("slopes", "level")
        )
    return Strengths(alpha, levels if alpha_intercept is None else alpha_intercept)


def _of_quantile(
    problem: LossProblem,
    q: float,
    data: TaskData,
    alpha_mean: float,
    alpha_intercept: float | None,
    fit_intercept: bool,
    slopes: bool,
    weights: FeatureWeights | None,
) -> Strengths:
    """Those of Huber's loss at the scale of the errors, taken to the curvature of quantiles.

    A loss whose mean bends by h, with slopes of variance j, is shrunk as the posterior mean is at
    j / (h tau²): at sigma² / tau² the squared one; that of a quantile q has j = q (1 - q) and
    h the density of errors at their quantile, normal errors being phi(z_q) / sigma (Koenker 2005,
    Quantile regression, theorem 4.1).
    """
    if not data.stacked:
        data = replace(data, y=data.y / problem.target_scale)
    found = RobustFit.of(data, fit_intercept=fit_intercept)
    data = found.winsorised(data, Huber(found.scale))
    omega = np.ones(len(data.tasks))
    squared = make_problem(data, omega, Coupling(), False, centred=fit_intercept)
    density = float(norm.pdf(norm.ppf(q))) / found.scale
    # Per noise sigma² it is q (1 - q) / density.
    taken = q * (1.0 - q) / (density * found.scale**2)
    given = None if alpha_intercept is None else alpha_intercept / taken
    options: Any = {"fit_intercept": fit_intercept, "slopes": slopes, "weights": weights}
    strengths = estimate_strengths(squared, data, alpha_mean / taken, given, **options)
    alpha = None if strengths.alpha is None else strengths.alpha * taken
    return Strengths(alpha, strengths.alpha_intercept * taken)


def maximised(likelihood: CommonLikelihood) -> tuple[list[str], np.ndarray]:
    """The variables that the data tell, and their best values."""
    start = _of_samples(likelihood)
    x = np.zeros(len(likelihood.variables)) if start is None else start
    state = likelihood.at(x)
    if state is None:
        start, x = None, np.zeros_like(x)
        state = likelihood.at(x)
    assert state is not None  # at zero there is nothing to overflow
    found = likelihood.derivatives(state)
    told = np.full(len(x), True) if start is not None else identified(found, len(x))[0]
    names = [name for name, known in zip(likelihood.variables, told, strict=True) if known]
    if not names:
        return [], x[:0]
    part = likelihood.among(names)
    top = climb(
        part, x[told], state, found.among(told), len(names), tol=TOLERANCE, max_iter=MAX_ITER
    )
    return names, top.x


def _of_samples(likelihood: CommonLikelihood) -> np.ndarray | None:
    """The best values of a part of many tasks; None where that does not tell all variables.

    What some tasks tell, all of them do.
    """
    x = None
    for part in samples_of(likelihood):
        first = x is None
        x = np.zeros(len(part.variables)) if x is None else x
        state = part.at(x)
        if state is None:
            return None
        found = part.derivatives(state)
        if first and not identified(found, len(x))[0].all():
            return None
        x = climb(part, x, state, found, len(x), tol=ROUGH, max_iter=MAX_ITER).x
    return x


def _affordable(problem: SquaredProblem, asked: bool) -> bool:
    d, needed = float(problem.n_features), problem.spectrum_bytes()
    sizes = needed / (8.0 * d) if d else 0.0  # rows of all E_t
    flops = DECOMPOSED * problem.factor_flops() + SWEEPS * (2 * sizes * d**2 + d**3)
    held = 0 if isinstance(problem, BlockedProblem) else needed  # others are in a file
    if asked and (held > MOST_BYTES or flops > MOST_FLOPS):
        raise ValueError(
            'alpha="auto" decomposes a matrix of '
            f"{problem.n_features:,} columns for each of {problem.n_columns:,} tasks, which takes "
            "too long. Give a number, or choose it by cross-validation."
        )
    large = isinstance(problem, DesignProblem) and x_bytes(problem.rows.X) > ROWS_BYTES
    return asked or (needed <= tuning.KEEP_BYTES and flops <= FLOPS and not large)
