"""How a comparison is run: outer folds, one job for each model and fold, a budget of time."""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.model_selection import PredefinedSplit, check_cv
from threadpoolctl import threadpool_limits

from mtlearn.compare.answers import Answer, Fold, Run
from mtlearn.compare.contenders import at_chosen, build_model, chosen_alpha, kept_loss
from mtlearn.compare.task_table import TaskTable
from mtlearn.exceptions import SimilarLabelsWarning, UnseenTaskWarning, counted
from mtlearn.model_selection import TaskTimeSeriesSplit, new_task_folds, task_folds

INNER_FOLDS = 5


@dataclass(frozen=True)
class Progress:
    """What a progress callback is told when a job (one model on one outer fold) is finished.

    Attributes
    ----------
    done, total : int
        Jobs.
    remaining : float
        Seconds, estimated.
    model : str
        The one just finished.
    at_least : bool
        Some model was not timed yet, and counts nothing in ``remaining``.

    Examples
    --------
    >>> from mtlearn.compare import Progress
    >>> Progress(done=3, total=40, remaining=61.0, model="pooled").left
    'about 61 s left'
    """

    done: int
    total: int
    remaining: float
    model: str
    at_least: bool = False

    @property
    def left(self) -> str:
        """The seconds in words."""
        about, seconds = "at least" if self.at_least else "about", self.remaining
        if seconds < 90:
            return f"{about} {seconds:.0f} s left"
        return f"{about} {seconds / 60:.0f} min left"


def outer_folds(cv: Any, data: TaskTable, random_state: int) -> list[Fold]:
    """The outer folds, in each of which every task is represented unless ``cv`` says otherwise."""
    n = len(data.y)
    if cv is None or isinstance(cv, Integral):
        n_splits = 5 if cv is None else int(cv)
        units = n if data.groups is None else len(np.unique(data.groups))
        if units < 2 * n_splits:
            raise ValueError(
                f"{units} {'rows' if data.groups is None else 'groups'} are too few for "
                f"{n_splits} folds (and as many inside each): give more data, or fewer folds."
            )
        cv = task_folds(data.parts, n_splits, groups=data.groups, random_state=random_state)
    elif isinstance(cv, np.ndarray) and cv.shape == (data.n_given,):
        cv = cv[data.rows]
    elif not hasattr(cv, "split"):  # positions among the rows given
        place = np.full(data.n_given, -1)
        place[data.rows] = np.arange(n)
        cv = [tuple(place[part][place[part] >= 0] for part in fold) for fold in cv]
    if isinstance(cv, TaskTimeSeriesSplit):
        folds = _time_folds(data, cv.n_splits)
    elif isinstance(cv, np.ndarray):
        folds = [(np.flatnonzero(cv != k), np.flatnonzero(cv == k)) for k in np.unique(cv)]
    else:
        folds = list(check_cv(cv).split(data.frame, data.y, data.groups))
    held_out = np.bincount(np.concatenate([test for _, test in folds]), minlength=n)
    if len(held_out) != n or held_out.max() > 1:
        raise ValueError(
            f"cv holds out {counted(int((held_out > 1).sum()), 'row', 'rows')} more than once; "
            "each row is predicted once at most (KFold and GroupKFold do that, ShuffleSplit does "
            "not)."
        )
    return folds


def stranger_folds(data: TaskTable, n_splits: int, random_state: int) -> list[Fold]:
    """Whole tasks held out; rows of a group that is held out are in no training part.

    A fold for which this leaves less than two units to train on is left out, maybe all of them.
    """
    if not data.stacked:
        raise ValueError(
            "new_tasks needs rows labelled by task; the columns of a 2-D y cannot be held out. "
            "Leave new_tasks out."
        )
    fold = new_task_folds(data.codes, n_splits, random_state=random_state)
    folds = []
    for k in range(fold.max() + 1):
        train = fold != k
        if data.groups is not None:
            train &= ~np.isin(data.groups, data.groups[~train])
        units = train.sum() if data.groups is None else len(np.unique(data.groups[train]))
        if units >= 2:  # inner folds take two
            folds.append((np.flatnonzero(train), np.flatnonzero(fold == k)))
    return folds


def strangers_in_words(strange: list[Fold], n_rows: int) -> list[str]:
    """A note where not every row can be held out as one of a new task."""
    held_out = sum(len(test) for _, test in strange)
    if held_out == n_rows:
        return []
    how_many = f"Only {held_out:,} of {n_rows:,} rows" if held_out else "No rows"
    return [
        f"{how_many} can be held out as those of new tasks: groups reach into other tasks, and "
        "without their rows there too little is left to train on. Leave the groups out for "
        "scores on new tasks."
    ]


def run_job(
    job: int, model: Any, data: TaskTable, fold: Fold, random_state: int, *, rated: bool = False
) -> Answer:
    """Tune and fit one model on a training part; predict what was held out.

    ``rated`` asks for its loss on the inner folds of the training part too.
    """
    start = time.perf_counter()
    past, new = data.take(fold[0]), data.take(fold[1])
    cv = inner_folds(past, random_state)
    # many small fits: more than one BLAS thread only gets in the way
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pipeline = build_model(model, data.task_column, cv, data.kind)
        prediction = _answered(pipeline, past, new)
        loss = np.nan
        if rated:
            kept = kept_loss(pipeline, cv, data.kind)
            rest = at_chosen(model, pipeline)
            if kept is None:
                loss = _inner_loss(rest, past, cv, random_state)
            else:  # of rates, to that of counts
                loss = kept * (1.0 if past.exposure is None else past.exposure.mean())
    alpha = chosen_alpha(pipeline)
    return Answer(job, prediction, alpha, loss, time.perf_counter() - start, in_words(caught))


def _answered(pipeline: Any, past: TaskTable, new: TaskTable) -> np.ndarray:
    """Fit on the one and answer the other."""
    more = {} if past.exposure is None else {"exposure": (past.exposure, new.exposure)}
    return past.kind.fit_predict(pipeline, past.frame, past.y, past.groups, new.frame, **more)


def in_words(caught: list[warnings.WarningMessage]) -> list[str]:
    """What fits warned of, once each; that folds lack a task is no news."""
    silent = UnseenTaskWarning | SimilarLabelsWarning
    said = {
        str(warning.message)
        for warning in caught
        if issubclass(warning.category, UserWarning) and not issubclass(warning.category, silent)
    }
    return sorted(said)


def inner_folds(past: TaskTable, random_state: int) -> Any:
    """The folds on which a model is tuned, each of which keeps every task represented.

    In time where the outer ones are, fewer where the past is short; where there is none, not.
    """
    for n_splits in range(INNER_FOLDS, 1, -1) if past.times is not None else ():
        with suppress(ValueError):  # some fold holds out nothing
            return check_cv(_time_folds(past, n_splits))
    fold = task_folds(past.parts, INNER_FOLDS, groups=past.groups, random_state=random_state)
    return PredefinedSplit(fold)


def _time_folds(data: TaskTable, n_splits: int) -> list[Fold]:
    """The past of every task predicts its future, whatever columns the models see."""
    assert data.times is not None
    splitter = TaskTimeSeriesSplit(0, n_splits, shared_clock=data.shared_clock)
    return list(splitter.split(data.times[:, None], task=data.codes))


def _inner_loss(model: Any, past: TaskTable, cv: Any, random_state: int) -> float:
    """Mean loss on inner folds of a model that keeps none: it is fitted for each of them."""
    kind, unit, losses = past.kind, past.kind.unit(past.y), []
    for train, test in cv.split():
        part, new = past.take(train), past.take(test)
        pipeline = build_model(model, past.task_column, inner_folds(part, random_state), kind)
        answer = _answered(pipeline, part, new) / unit
        known = ~np.isnan(new.y)
        losses.append(kind.loss((new.y / unit)[known], answer[known]).mean())
    return float(np.mean(losses))


def run_jobs(
    models: dict[str, Any],
    data: TaskTable,
    folds: list[Fold],
    random_state: int,
    n_jobs: int | None,
    tell: Callable[[str, float], None],
    rated: Container[str] = (),
) -> Run:
    """Every model on every fold; the answers of each model in the order of the folds."""
    plan = [(name, fold) for fold in folds for name in models]
    answers = Parallel(n_jobs=n_jobs, return_as="generator_unordered")(
        delayed(run_job)(job, models[name], data, fold, random_state, rated=name in rated)
        for job, (name, fold) in enumerate(plan)
    )
    found: dict[str, list[Answer]] = {name: [] for name in models}
    for answer in answers:
        name = plan[answer.job][0]
        found[name].append(answer)
        tell(name, answer.seconds)
    answered = {name: sorted(done, key=lambda answer: answer.job) for name, done in found.items()}
    return Run(answered, folds, len(data.y))


class Clock:
    """Counts jobs, and knows from those done how long the others will take."""

    def __init__(
        self,
        jobs: Counter[str],
        workers: int,
        expected: dict[str, float],
        callback: Callable[[Progress], None] | None,
        verbose: int,
    ) -> None:
        self.left, self.total, self.workers = jobs.copy(), jobs.total(), workers
        self.expected, self.callback, self.verbose = dict(expected), callback, verbose

    def tick(self, name: str, seconds: float) -> None:
        """One job is done."""
        self.left[name] -= 1
        self.expected[name] = seconds  # the last one is as good an estimate as any
        left = {model: n for model, n in self.left.items() if n}
        # what was not timed counts nothing: the baselines come first, and are faster than the rest
        known = {model: self.expected.get(model, 0.0) for model in left}
        remaining = sum(n * known[model] for model, n in left.items()) / self.workers
        told = Progress(
            self.total - self.left.total(),
            self.total,
            max([remaining, *known.values()]),  # no worker halves the last job
            name,
            at_least=not left.keys() <= self.expected.keys(),
        )
        if self.verbose:
            said = f"[{told.done}/{told.total}] {name}: {seconds:.1f} s; {told.left}"
            print(said, file=sys.stderr)
        if self.callback is not None:
            self.callback(told)
