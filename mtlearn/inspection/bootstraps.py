"""Many refits of one model on resamples: drawn, made side by side, and told of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from mtlearn.exceptions import counted, level_of_user
from mtlearn.inputs.checks import check_count, check_option
from mtlearn.inspection.refits import Refit, Refits
from mtlearn.inspection.resampling import OVER, Resample, draw
from mtlearn.solvers.progress import say


def bootstrap(
    refits: Refits,
    keep: Callable[[Refit, Resample], Any],
    *,
    n_bootstraps: int,
    over: str,
    random_state: Any,
    n_jobs: int | None,
    verbose: int,
    half: bool = False,
    whole: Refit | None = None,
) -> list[Any]:
    """What is kept of the refit on each of many resamples, in the order of drawing.

    Of rows as many are drawn as there are, with replacement, or ``half`` of them without.
    ``whole`` is the fit of all rows, where it is at hand.

    What is drawn does not depend on ``n_jobs``.
    """
    check_count("n_bootstraps", n_bootstraps, low=2)
    check_option("over", over, OVER)
    if over == "tasks" and len(refits.tasks) == 1:
        raise ValueError(
            'over="tasks" draws tasks, and there is one: every draw would be the same. Give '
            'over="rows".'
        )
    start = whole_fit(refits) if whole is None else whole
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=n_bootstraps)

    def one(k: int) -> tuple[Any, bool]:
        resample = draw(refits.data, over, int(seeds[k]), half=half)
        refit = refit_on(refits, resample, start)
        if verbose:
            say(f"bootstrap {k + 1}/{n_bootstraps}")
        return keep(refit, resample), refit.solved

    parallel = Parallel(n_jobs=n_jobs, prefer="threads")
    found = parallel(delayed(one)(k) for k in range(n_bootstraps))
    warn_of_unsolved(refits, [solved for _, solved in found])
    return [kept for kept, _ in found]


def whole_fit(refits: Refits) -> Refit:
    """The fit of all rows."""
    every = np.arange(len(refits.tasks))
    return refits.fit(every, refits.data, refits.total)


def refit_on(refits: Refits, resample: Resample, start: Refit | None = None) -> Refit:
    """The fit of a resample, on moments where these serve."""
    data, tasks, share = refits.data, resample.tasks, resample.share
    if refits.total is None:
        return refits.fit(tasks, resample.of(data), None, start, share)
    named = replace(data, tasks=data.tasks[tasks])
    return refits.fit(tasks, named, resample.moments(data, refits.total), start, share)


def warn_of_unsolved(refits: Refits, solved: list[bool]) -> None:
    """Say once how many refits stopped before their tolerance."""
    n_left = len(solved) - sum(solved)
    if n_left:
        held = refits.held
        warnings.warn(
            f"{counted(n_left, 'refit', 'refits')} of {len(solved)} did not reach tol="
            f"{held.tol:g} in max_iter={held.max_iter} iterations, and count as they are. Raise "
            "max_iter of the model, or loosen its tol.",
            ConvergenceWarning,
            stacklevel=level_of_user(),
        )
