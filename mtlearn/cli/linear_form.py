"""A saved model as coefficients of columns, for each task and for tasks not seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit

from mtlearn.cli.errors import SourceError
from mtlearn.cli.saved import Saved
from mtlearn.compare.tuning import TunedBaseline
from mtlearn.estimators.linear import FittedLinear
from mtlearn.estimators.random_slopes_classifier import RandomSlopesClassifier

ROWS = 20_000  # a baseline is asked about so many rows at a time
SAME = 1e-8  # a linear model is known to so much of the size of its scores
PLUG_IN = (
    "mtlearn predict averages probabilities over what is not known of the coefficients; here they "
    "are put in as if they were known."
)
NO_SHARED = (
    "Tasks that the model has not seen get none: for them it averages the probabilities of all "
    "tasks, which is no formula of the features."
)


@dataclass(frozen=True)
class LinearForm:
    """Scores ``intercept + (columns - mean) · coef``: predictions, their logarithms or log-odds.

    Columns are those of the table, in its units, and the dummies of its categories (of mean 0).
    """

    names: list[str]  # (d,)
    mean: np.ndarray  # (d,), NaN of a column that was never known
    tasks: list[Any]  # (T,) labels, or targets
    coef: np.ndarray  # (T, d)
    intercept: np.ndarray  # (T,)
    shared_coef: np.ndarray | None  # (d,), for tasks not seen
    shared_intercept: float
    comments: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        saved: Saved,
        tasks: list[Any],
        own: tuple[np.ndarray, np.ndarray],
        shared: tuple[np.ndarray, float] | None = None,
        comments: tuple[str, ...] = (),
    ) -> LinearForm:
        """From coefficients and intercepts of the columns as the encoder gives them."""
        encoder = saved.pipeline[0]
        names = encoded_names(saved)
        mean, scale = np.zeros(len(names)), np.ones(len(names))
        if encoder.numbers_:  # they come first
            k = len(encoder.numbers_)
            mean[:k] = encoder.scaler_.mean_
            scale[:k] = np.nan_to_num(encoder.scaler_.scale_, nan=1.0)
        shared_coef, level = (None, np.nan) if shared is None else shared
        if shared_coef is not None:
            shared_coef = shared_coef / scale
        return cls(names, mean, tasks, own[0] / scale, own[1], shared_coef, level, list(comments))


def linear_form(saved: Saved) -> LinearForm:
    """The coefficients of a saved model.

    Raises
    ------
    SourceError
        For more than two classes, and models that are not linear in their columns.
    """
    if saved.classes is not None and len(saved.classes) > 2:
        raise SourceError(
            f"a formula for {len(saved.classes)} classes is not written; a coefficient table "
            "(--to coefficients.csv) has those of each class."
        )
    model = saved.pipeline[-1]
    if isinstance(model, FittedLinear):
        return _of_linear(saved, model)
    if isinstance(model, TunedBaseline):
        return _of_baseline(saved, model)
    raise SourceError(f"{type(model).__name__} has no coefficients to write.")


def encoded_names(saved: Saved) -> list[str]:
    """Of the columns that the model sees, without that of labels."""
    encoder = saved.pipeline[0]
    return [name for name in encoder.get_feature_names_out() if name != encoder.task_name_]


def _of_linear(saved: Saved, model: Any) -> LinearForm:
    fitted, unit = model._linear_tasks(), np.array(saved.unit)
    own = fitted.coef[:, 0] * unit[:, None], fitted.intercept[:, 0] * unit
    if saved.task is None:
        return LinearForm.of(saved, saved.targets, own)
    averages = isinstance(model, RandomSlopesClassifier) and model.average_proba
    shared = fitted.mean_coef[0], float(np.ravel(fitted.mean_intercept)[0])
    said = (PLUG_IN,) if averages else ()
    return LinearForm.of(saved, model.tasks_.tolist(), own, shared, said)


def _of_baseline(saved: Saved, model: TunedBaseline) -> LinearForm:
    """Asked for, at zero and at one of each column: what it is made of does not matter."""
    ask = _Asked(saved, model)
    if saved.task is None:
        unit = np.array(saved.unit)
        coef, intercept = ask.coefficients(saved.targets)
        return LinearForm.of(saved, saved.targets, (coef * unit[:, None], intercept * unit))
    tasks = model.best_estimator_.tasks_.tolist()
    own = ask.coefficients(tasks)
    ask.check(tasks[:ROWS], *own)
    stranger = [_stranger(tasks)]
    coef, level = ask.coefficients(stranger)
    try:
        ask.check(stranger, coef, level)
    except SourceError:
        return LinearForm.of(saved, tasks, own, None, (NO_SHARED,))
    return LinearForm.of(saved, tasks, own, (coef[0], float(level[0])))


class _Asked:
    """Scores of a fitted baseline at encoded rows."""

    def __init__(self, saved: Saved, model: TunedBaseline) -> None:
        self.saved, self.model, self.names = saved, model, encoded_names(saved)

    def scores(self, Z: np.ndarray, tasks: Any) -> np.ndarray:
        """(n,), or (n, T) for several targets."""
        frame = pd.DataFrame(Z, columns=self.names)
        if self.saved.task is not None:
            frame[self.saved.task] = tasks
        if self.saved.kind == "regression":
            found = np.asarray(self.model.predict(frame))
            return np.log(found) if self.saved.logarithmic else found
        answer = np.asarray(self.model.predict_proba(frame))
        return logit(answer if self.saved.task is None else answer[:, 1])

    def coefficients(self, tasks: list[Any]) -> tuple[np.ndarray, np.ndarray]:
        """(T, d) and (T,)."""
        d = len(self.names)
        basis = np.vstack([np.zeros((1, d)), np.eye(d)])
        if self.saved.task is None:
            found = self.scores(basis, None).T
        else:
            step, parts = max(1, ROWS // (d + 1)), []
            for first in range(0, len(tasks), step):
                part = tasks[first : first + step]
                labels = np.repeat(np.array(part, dtype=object), d + 1)
                labels = pd.Series(labels).infer_objects()
                parts.append(self.scores(np.tile(basis, (len(part), 1)), labels))
            found = np.concatenate(parts).reshape(len(tasks), d + 1)
        return found[:, 1:] - found[:, :1], found[:, 0]

    def check(self, tasks: list[Any], coef: np.ndarray, intercept: np.ndarray) -> None:
        """Refuse what is not linear, seen at one more row of each task."""
        Z = np.random.default_rng(0).normal(size=(len(tasks), len(self.names)))
        labels = pd.Series(np.array(tasks, dtype=object)).infer_objects()
        scores, linear = self.scores(Z, labels), intercept + np.sum(Z * coef, axis=1)
        size = 1 + np.abs(intercept) + np.sum(np.abs(Z * coef), axis=1)
        if not (np.abs(scores - linear) <= SAME * size).all():
            raise SourceError(f"{self.saved.model} is not linear in the columns of the table.")


def _stranger(tasks: list[Any]) -> Any:
    """A label that is not among the tasks."""
    if isinstance(tasks[0], str):
        return "".join(tasks) + "_"
    return int(max(tasks)) + 2
