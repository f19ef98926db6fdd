"""Fits a classifier to rows in chunks: the same that fit would give of all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mtlearn.base import all_or_nothing
from mtlearn.estimators.classifier import TaskClassifier
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.inputs.feature_weight import FeatureWeights
from mtlearn.inputs.tasks import resolve_task_weight
from mtlearn.inputs.units import SAFE, Units
from mtlearn.passes.known import Known, get_to_know
from mtlearn.passes.newton import minimise
from mtlearn.passes.problem import PassProblem
from mtlearn.passes.strengths import estimate
from mtlearn.problems.coupling import Coupling
from mtlearn.solvers.progress import iteration_teller, tell
from mtlearn.solvers.setup import Model, Setup


def fit_passes(model: Any, chunks: Any) -> Any:
    """Fit a classifier to rows in chunks: the same model that ``fit`` would give of all of them.

    A first pass counts classes and tasks. Every step of Newton's method is another: at the
    coefficients of column t, with scores f, probabilities p and weights c of its rows, a pass sums
    up

        g_t = sum_i c_i (q_i - p_i) x_i      h_i = c_i p_i (1 - p_i)

    and the moments of (x, z) under the weights h, where z = f + (q - p) / (p (1 - p)) are the
    working responses. They are those of a squared loss, whose minimum with the penalty is the
    next point.

    Parameters
    ----------
    model : estimator
        A linear classifier of this package, not one that searches alpha.
    chunks : object
        With a method ``map(function, *args, each=None)`` that gives ``function(chunk, *args)`` for
        each chunk, or ``function(chunk, each[k], *args)`` for chunk k where ``each`` is a list,
        in the order of the chunks. A chunk is a tuple (X, y), (X, y, task) or (X, y, task,
        sample_weight). Such as :class:`~mtlearn.passes.HeldChunks`.

    Returns
    -------
    estimator
        ``model`` itself, fitted. ``n_iter_`` counts steps, each one pass or two.

    Raises
    ------
    TypeError
        If the model is no such classifier, or not convex, or ``chunks`` has no ``map``.
    ValueError
        If a chunk cannot be used, or is not like the first; the message says which.

    See Also
    --------
    mtlearn.fit_moments : Regressors, of which moments are enough.

    Notes
    -----
    In memory are, besides a chunk, moments of the columns: C d² numbers, of one chunk and of all.
    A strength that is estimated comes from the rows that ``fit`` would look at, evenly some of each
    task in the order of the chunks: which ones a pass of its own picks. Features of
    ``feature_weight`` 0 that tell the classes apart are not noticed.

    References
    ----------
    Lee, Sun and Saunders (2014). Proximal Newton-type methods for minimizing composite functions.
    SIAM J. Optimization 24.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedClassifier
    >>> from mtlearn.passes import HeldChunks, fit_passes
    >>> rng = np.random.default_rng(0)
    >>> def day():
    ...     X, store = rng.normal(size=(200, 2)), rng.integers(5, size=200)
    ...     return X, X[:, 0] + rng.logistic(size=200) > 0, store
    >>> chunks = HeldChunks([day() for _ in range(10)])
    >>> model = fit_passes(MeanRegularizedClassifier(), chunks)
    >>> model.mean_coef_.round()
    array([1., 0.])
    """
    if not isinstance(model, TaskClassifier) or isinstance(model, AlphaByCV):
        name = type(model).__name__
        does = "searches alpha" if isinstance(model, AlphaByCV) else "is no linear classifier"
        raise TypeError(
            f"{name} {does}, and passes over chunks fit classifiers of a given alpha, such as "
            "MeanRegularizedClassifier(alpha=0.1). Choose alpha on a sample of the rows, or fit to "
            "all rows with model.fit."
        )
    if not model._convex:
        raise TypeError(
            f"passes over chunks end at the one best model, and {type(model).__name__} may have "
            "several that are best nearby. Use a convex one, such as TraceNormClassifier, or fit "
            "to all rows with model.fit."
        )
    if not hasattr(chunks, "map"):
        raise TypeError(
            f"chunks is a {type(chunks).__name__}, which has no method map(function, *args). Give "
            "HeldChunks([(X, y, task), ...]) for chunks in memory."
        )
    return _fit(model, chunks)


@all_or_nothing
def _fit(model: Any, chunks: Any) -> Any:
    model._check_params()
    known = get_to_know(model, chunks)
    if model.loss == "multinomial":
        model._check_multinomial(known)
    if model._is_joint:
        raise ValueError(
            f'passes over chunks fit one class against the rest, and loss="multinomial" of '
            f'{len(model.classes_)} classes is one choice among them. Set loss="logistic", or '
            "fit to all rows with model.fit."
        )
    model._resolved = model._resolve()
    units, known = _units(model, known)
    inside = units.inward(model)
    if model.fit_intercept and model._frees_intercepts():
        known = known.softened()
    asked = inside._model()
    setup = _set_up(asked, known, chunks)
    problem: Any = setup.problem
    found: dict[str, Any] = {}
    alpha = inside.alpha
    if asked.estimates_alpha:
        alpha = found["alpha_"] = setup.alpha
    solution = minimise(
        problem,
        inside._penalty(problem),
        float(alpha),
        inside._start(setup, known),
        tol=model.tol,
        max_iter=model.max_iter,
        report=iteration_teller(model.verbose),
    )
    if model.verbose:
        tell(type(model).__name__, alpha, solution)
    found |= inside._found(setup, known, alpha, solution)
    model._take_over(units.outward(found), known)
    return model


def _units(model: Any, known: Known) -> tuple[Units, Known]:
    """Units of the columns, and how rows are read in these: intercepts see them from x̄."""
    weights = FeatureWeights.of(model, known)
    unit = np.ones(known.n_features) if weights is None else weights.unit
    _refuse_far(known.largest * unit, model)
    units = Units(degree=model._degree, weights=weights)
    shift = np.zeros(known.n_features)
    if model.fit_intercept:
        totals = known.totals()
        omega = resolve_task_weight(model.task_weight, known.tasks, totals)
        shift = (known.at + known.away(omega)) * unit
    reading = replace(known.reading, unit=None if weights is None else unit, shift=shift)
    return units, replace(known, reading=reading)


def _set_up(asked: Model, known: Known, chunks: Any) -> Setup:
    totals = known.totals()
    omega = resolve_task_weight(asked.task_weight, known.tasks, totals)
    shift = known.reading.shift
    problem = PassProblem(chunks, known.reading, shift, known.without_features(), omega, Coupling())
    problem.tasks = known.tasks
    alpha, levels = None, asked.alpha_intercept
    if asked.estimates:
        strengths = estimate(asked, problem, known)
        alpha, levels = strengths.alpha, strengths.alpha_intercept
    assert levels is not None
    problem = problem.recoupled(asked.coupling(levels))
    if asked.weights is not None:
        free = asked.weights.free
        problem = problem.freed(free) if len(free) else problem
        problem.n_charged = int(np.count_nonzero(asked.weights.charged))
    present = np.ones(len(totals), dtype=bool)
    return Setup(problem, present, problem.coupling.alpha_intercept, None, None, alpha)


def _refuse_far(largest: np.ndarray, model: Any) -> None:
    known = largest[largest > 0]
    beyond = (known > 2.0**SAFE) | (known < 2.0**-SAFE)
    if beyond.any():
        raise ValueError(
            f"X holds columns of the order {known[beyond][0]:.0e}, beyond what passes keep their "
            "digits in. Divide them by a power of ten that brings their values near one."
        )
