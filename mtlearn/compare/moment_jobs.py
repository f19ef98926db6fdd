"""One model on one part of moments: tuned on stored folds, as a job of a comparison is on rows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from threadpoolctl import threadpool_limits

from mtlearn.compare.answers import Answer
from mtlearn.compare.budget import (
    FEWEST_TASKS,
    PILOT_TASKS,
    Budget,
    Trial,
    left_out_in_words,
    sampled_in_words,
)
from mtlearn.compare.contenders import BASELINES, build_model, chosen_alpha, kept_loss, of_size
from mtlearn.compare.held_folds import FoldAnswer, MomentRun
from mtlearn.compare.kinds import Kind
from mtlearn.compare.moment_baselines import tuned_baseline
from mtlearn.compare.regression import Regression
from mtlearn.compare.running import in_words
from mtlearn.estimators.random_slopes import RandomSlopesRegressor
from mtlearn.model_selection.whole_tasks import deal_tasks
from mtlearn.moments import TaskMoments, fit_moments
from mtlearn.moments.training import (
    TrainingPart,
    held_out,
    in_pieces,
    inner_folds,
    of_tasks,
    some_tasks,
)
from mtlearn.problems.fold_moments import counts_of
from mtlearn.problems.models import LinearTasks
from mtlearn.problems.moments import Moments

Tell = Callable[[str, float], None]


def kind_of(moments: TaskMoments) -> Kind:
    """Regression on so many rows and columns."""
    return of_size(Regression(), int(moments.counts.sum()), moments.n_features)


def fitted_model(model: Any, moments: TaskMoments) -> Any:
    """A contender that is a regressor of the library, fitted; labels are no column here."""
    built = build_model(model, None, None, kind_of(moments))[-1]
    built.set_params(task_column=None)
    if isinstance(built, RandomSlopesRegressor):
        built.set_params(store_covariance=False)  # which no comparison shows
        if built.covariance != "full":
            moments = in_pieces(moments)
    return fit_moments(built, moments)


def run_job(
    name: str, model: Any, part: TrainingPart, *, rated: bool
) -> tuple[LinearTasks, Answer]:
    """Tune and fit; the models of the tasks of the part, and an answer without a prediction."""
    start = time.perf_counter()
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if name in BASELINES:
            found = tuned_baseline(name, inner_folds(part.moments))
            models, alpha, loss = found.models, found.alpha, found.loss
        else:
            fitted = fitted_model(model, part.moments)
            models, pipeline = fitted._linear_tasks(), Pipeline([("model", fitted)])
            alpha, loss = chosen_alpha(pipeline), np.nan
            if rated:
                kept = kept_loss(pipeline, None, Regression())
                loss = _inner_loss(model, part.moments) if kept is None else kept
    seconds = time.perf_counter() - start
    return models, Answer(0, np.empty(0), alpha, loss, seconds, in_words(caught))


def _inner_loss(model: Any, moments: TaskMoments) -> float:
    """Mean loss on inner folds of a model that keeps none: it is fitted for each of them."""
    losses = []
    for k, count in enumerate(counts_of(moments._folds)):
        if not count.any():
            continue
        part = TrainingPart.of(moments, without=k)
        models = part.of_all(fitted_model(model, part.moments)._linear_tasks())
        held = held_out(moments, k)  # which is made when it is asked for
        answer = FoldAnswer.of(models, part.seen(held))
        losses.append(np.average(answer.loss, weights=held.count[held.count > 0]))
    return float(np.mean(losses))


@dataclass(frozen=True)
class Job:
    """A model on a part of the moments."""

    name: str
    tasks: np.ndarray | None  # mask of those that are there; None is all
    without: int | None  # the fold that is held out

    def part(self, moments: TaskMoments) -> TrainingPart:
        """What the model is trained on."""
        some = moments if self.tasks is None else some_tasks(moments, self.tasks)
        return TrainingPart.of(some, without=self.without)


def _run(
    jobs: list[Job],
    moments: TaskMoments,
    contenders: dict[str, Any],
    rated: Container[str],
    tell: Tell,
    n_jobs: int | None,
) -> Iterator[tuple[int, LinearTasks, Answer]]:
    """Position of each job as it is done, models of the columns as they were, and the answer."""
    done = Parallel(n_jobs=n_jobs, return_as="generator_unordered")(
        delayed(_done)(at, job, moments, contenders[job.name], rated=job.name in rated)
        for at, job in enumerate(jobs)
    )
    for at, models, answer in done:
        tell(jobs[at].name, answer.seconds)
        yield at, models, answer


def _done(
    at: int, job: Job, moments: TaskMoments, model: Any, *, rated: bool
) -> tuple[int, LinearTasks, Answer]:
    part = job.part(moments)
    models, answer = run_job(job.name, model, part, rated=rated)
    return at, part.of_all(models), answer


def run_folds(
    contenders: dict[str, Any],
    moments: TaskMoments,
    rated: Container[str],
    tell: Tell,
    n_jobs: int | None = None,
) -> tuple[MomentRun, list[Moments]]:
    """Every model on every fold, and what the fold holds out, as the models see it."""
    there = [k for k, count in enumerate(counts_of(moments._folds)) if count.any()]
    seen = [TrainingPart.of(moments, without=k).seen(held_out(moments, k)) for k in there]
    jobs = [Job(name, None, k) for k in there for name in contenders]
    found: dict[str, list[Answer]] = {name: [] for name in contenders}
    for job, models, answer in _run(jobs, moments, contenders, rated, tell, n_jobs):
        fold, name = job // len(contenders), jobs[job].name
        found[name].append(_with(answer, fold, FoldAnswer.of(models, seen[fold])))
    done = {name: sorted(own, key=lambda answer: answer.job) for name, own in found.items()}
    folds: list[Any] = list(range(len(seen)))
    return MomentRun(done, folds, int(moments.counts.sum())), seen


def run_strangers(
    contenders: dict[str, Any],
    moments: TaskMoments,
    n_splits: int,
    random_state: int,
    tell: Tell,
    n_jobs: int | None = None,
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Scores of each model on whole tasks that were held out, and what they warned of."""
    counts = moments.counts
    fold = deal_tasks(counts, n_splits, random_state)
    jobs = [Job(name, fold != k, None) for k in range(fold.max() + 1) for name in contenders]
    errors = {name: np.zeros(fold.max() + 1) for name in contenders}
    said: dict[int, list[str]] = {}
    for job, models, answer in _run(jobs, moments, contenders, (), tell, n_jobs):
        k, name = job // len(contenders), jobs[job].name
        held = of_tasks(moments, fold == k)
        shared = LinearTasks(
            np.broadcast_to(models.mean_coef, (held.n_tasks, 1, moments.n_features)),
            np.broadcast_to(models.mean_intercept, (held.n_tasks, 1)),
        )
        part = jobs[job].part(moments)
        errors[name][k] = FoldAnswer.of(shared, part.seen(held)).loss @ held.count
        said[job] = answer.warnings
    n, y = counts.sum(), of_tasks(moments, counts > 0)
    spread = float(y.yy.sum() + counts @ (y.y_mean - counts @ y.y_mean / n) ** 2)
    scores = {
        name: {"new_task_r2": 1 - own.sum() / spread, "new_task_rmse": (own.sum() / n) ** 0.5}
        for name, own in errors.items()
    }
    return scores, [words for job in sorted(said) for words in said[job]]


def within_budget(
    contenders: dict[str, Any],
    moments: TaskMoments,
    budget: Budget | None,
    random_state: int,
    rated: Container[str],
    optional: frozenset[str] = frozenset(),
) -> tuple[TaskMoments, list[str], dict[str, float], list[str]]:
    """The moments, or those of a sample of the tasks where all would take longer than the budget.

    One fold of a few tasks is timed, and time is taken to grow with the number of tasks. Returns
    moments, what to tell the reader, the seconds that a job of each model should take, and which
    of the ``optional`` ones take too long.
    """
    T = len(moments.tasks)
    whole = T <= 2 * PILOT_TASKS
    if budget is None or (whole and not optional):
        return moments, [], {}, []
    order = check_random_state(random_state).permutation(T)
    pilot = TrainingPart.of(_of(moments, order[:PILOT_TASKS]), without=0)

    def seconds_of(name: str) -> float:
        return run_job(name, contenders[name], pilot, rated=name in rated)[1].seconds

    trial = Trial.of(contenders, optional, seconds_of, budget).times(max(1.0, T / PILOT_TASKS))
    notes = list[str]()
    if trial.of_fold > budget.of_fold and not whole:
        kept = max(FEWEST_TASKS, int(T * budget.of_fold / trial.of_fold))
        sample = _of(moments, order[:kept])
        rows = int(sample.counts.sum()), int(moments.counts.sum())
        notes = [sampled_in_words((kept, T), rows, trial.of_fold * budget.n_fits)]
        moments, trial = sample, trial.times(kept / T)
    left = trial.without(optional, budget)
    return moments, notes + left_out_in_words(left, budget), trial.seconds, left


def _of(moments: TaskMoments, tasks: np.ndarray) -> TaskMoments:
    return moments._taken(np.sort(tasks))


def _with(answer: Answer, job: int, prediction: Any) -> Answer:
    return Answer(job, prediction, answer.alpha, answer.inner_loss, answer.seconds, answer.warnings)
