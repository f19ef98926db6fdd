"""One model on one part of moments: tuned on stored folds, as a job of a comparison is on rows."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Container
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from threadpoolctl import threadpool_limits

from mtlearn.compare.answers import Answer
from mtlearn.compare.contenders import BASELINES, build_model, chosen_alpha, kept_loss
from mtlearn.compare.held_folds import FoldAnswer, MomentRun
from mtlearn.compare.moment_baselines import tuned_baseline
from mtlearn.compare.regression import Regression
from mtlearn.compare.running import FEWEST_TASKS, PILOT_TASKS, in_words, sampled_in_words
from mtlearn.model_selection.whole_tasks import deal_tasks
from mtlearn.moments import TaskMoments, fit_moments
from mtlearn.moments.training import (
    TrainingPart,
    held_out,
    inner_folds,
    of_tasks,
    some_tasks,
)
from mtlearn.problems.models import LinearTasks
from mtlearn.problems.moments import Moments

Tell = Callable[[str, float], None]


def fitted_model(model: Any, moments: TaskMoments) -> Any:
    """A contender that is a regressor of the library, fitted; labels are no column here."""
    built = build_model(model, None, None, Regression())[-1]
    built.set_params(task_column=None)
    return fit_moments(built, moments)


def run_job(
    name: str, model: Any, part: TrainingPart, *, rated: bool
) -> tuple[LinearTasks, Answer]:
    """Tune and fit; the models of the tasks of the part, and an answer without a prediction."""
    start = time.perf_counter()
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if model is BASELINES.get(name):
            found = tuned_baseline(name, inner_folds(part.moments))
            models, alpha, loss = found.models, found.alpha, found.loss
        else:
            fitted = fitted_model(model, part.moments)
            models, pipeline = fitted._linear_tasks(), Pipeline([("model", fitted)])
            alpha, loss = chosen_alpha(pipeline), np.nan
            if rated:
                kept = kept_loss(pipeline, None)
                loss = _inner_loss(model, part.moments) if kept is None else kept
    seconds = time.perf_counter() - start
    return models, Answer(0, np.empty(0), alpha, loss, seconds, in_words(caught))


def _inner_loss(model: Any, moments: TaskMoments) -> float:
    """Mean loss on inner folds of a model that keeps none: it is fitted for each of them."""
    losses = []
    for k in range(len(moments._folds)):
        held = held_out(moments, k)
        if not held.count.any():
            continue
        part = TrainingPart.of(moments, without=k)
        models = part.of_all(fitted_model(model, part.moments)._linear_tasks())
        answer = FoldAnswer.of(models, part.seen(held))
        losses.append(np.average(answer.loss, weights=held.count[held.count > 0]))
    return float(np.mean(losses))


def run_folds(
    contenders: dict[str, Any], moments: TaskMoments, rated: Container[str], tell: Tell
) -> tuple[MomentRun, list[Moments]]:
    """Every model on every fold, and what the fold holds out, as the models see it."""
    found: dict[str, list[Answer]] = {name: [] for name in contenders}
    seen = []
    for k in range(len(moments._folds)):
        held = held_out(moments, k)
        if not held.count.any():
            continue
        part = TrainingPart.of(moments, without=k)
        seen.append(part.seen(held))
        for name, model in contenders.items():
            models, answer = run_job(name, model, part, rated=name in rated)
            prediction: Any = FoldAnswer.of(part.of_all(models), seen[-1])
            found[name].append(_with(answer, len(seen) - 1, prediction))
            tell(name, answer.seconds)
    folds: list[Any] = list(range(len(seen)))
    return MomentRun(found, folds, int(moments.counts.sum())), seen


def run_strangers(
    contenders: dict[str, Any], moments: TaskMoments, n_splits: int, random_state: int, tell: Tell
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Scores of each model on whole tasks that were held out, and what they warned of."""
    counts = moments.counts
    fold = deal_tasks(counts, n_splits, random_state)
    errors = dict.fromkeys(contenders, 0.0)
    said: list[str] = []
    for k in range(fold.max() + 1):
        part, held = TrainingPart.of(some_tasks(moments, fold != k)), of_tasks(moments, fold == k)
        held = part.seen(held)
        for name, model in contenders.items():
            models, answer = run_job(name, model, part, rated=False)
            n = held.n_tasks
            shared = LinearTasks(
                np.broadcast_to(models.mean_coef * part.factor, (n, 1, moments.n_features)),
                np.broadcast_to(models.mean_intercept, (n, 1)),
            )
            errors[name] += float(FoldAnswer.of(shared, held).loss @ held.count)
            said += answer.warnings
            tell(name, answer.seconds)
    n, y = counts.sum(), of_tasks(moments, counts > 0)
    spread = float(y.yy.sum() + counts @ (y.y_mean - counts @ y.y_mean / n) ** 2)
    scores = {
        name: {"new_task_r2": 1 - error / spread, "new_task_rmse": (error / n) ** 0.5}
        for name, error in errors.items()
    }
    return scores, said


def within_budget(
    contenders: dict[str, Any],
    moments: TaskMoments,
    budget: float | None,
    n_fits: int,
    random_state: int,
    rated: Container[str],
) -> tuple[TaskMoments, list[str], dict[str, float]]:
    """The moments, or those of a sample of the tasks where all would take longer than the budget.

    One fold of a few tasks is timed, and time is taken to grow with the number of tasks.
    """
    T = len(moments.tasks)
    if budget is None or T <= 2 * PILOT_TASKS:
        return moments, [], {}
    order = check_random_state(random_state).permutation(T)
    pilot = TrainingPart.of(_of(moments, order[:PILOT_TASKS]), without=0)
    growth = T / PILOT_TASKS
    expected = {
        name: growth * run_job(name, model, pilot, rated=name in rated)[1].seconds
        for name, model in contenders.items()
    }
    estimate = sum(expected.values()) * n_fits
    if estimate <= budget:
        return moments, [], expected
    kept = max(FEWEST_TASKS, int(T * budget / estimate))
    sample = _of(moments, order[:kept])
    rows = int(sample.counts.sum()), int(moments.counts.sum())
    note = sampled_in_words((kept, T), rows, estimate)
    return sample, [note], {name: s * kept / T for name, s in expected.items()}


def _of(moments: TaskMoments, tasks: np.ndarray) -> TaskMoments:
    return moments._taken(np.sort(tasks))


def _with(answer: Answer, job: int, prediction: Any) -> Answer:
    return Answer(job, prediction, answer.alpha, answer.inner_loss, answer.seconds, answer.warnings)
