"""The kind of question whose targets are classes: log loss of probabilities.

Log loss, and not squared (Brier) error, says who is helped and who is hurt: models are tuned by it
and ranked by it, and like squared error it is linear in the truth, which the evidence relies on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_regressor
from sklearn.linear_model import LogisticRegression

from mtlearn.compare.kinds import Kind, Shown, fit_by_groups, group_means, mean_of
from mtlearn.compare.probabilities import auc_by_group, bounded, every_class, log_loss
from mtlearn.metrics.scorer import neg_task_log_loss_scorer


@dataclass(frozen=True)
class Classification(Kind):
    """Classes, judged by the log loss of their probabilities."""

    classes: np.ndarray

    name = "classification"
    ending = "Classifier"
    row_loss = "log loss"
    error, error_name = "log_loss", "log loss"
    headline = "log_loss", "log loss"
    scores = (
        *("log_loss", "auc", "brier", "accuracy", "mean_task_log_loss", "mean_task_auc"),
        *("tasks_without_auc", "worst_task", "worst_task_log_loss"),
    )
    shown = (
        Shown("log_loss", "log\nloss"),
        Shown("auc", "AUC", fixed=True),
        Shown("brier", "Brier", fixed=True),
        Shown("accuracy", "accu-\nracy", fixed=True),
    )
    new_task_scores = (Shown("log_loss", "log loss"), Shown("auc", "AUC", fixed=True))
    pooled_columns = "pooled is one model that gives all targets of a row the same probability."

    @property
    def two(self) -> bool:
        """Whether there are two classes."""
        return len(self.classes) == 2

    @property
    def scorer(self) -> Any:
        """Minus the mean log loss."""
        return neg_task_log_loss_scorer

    def inside(self, penalty: str) -> Any:
        """A logistic regression."""
        return LogisticRegression()

    def check(self, name: str, model: Any) -> None:
        """Refuse regressors and classifiers without probabilities."""
        if is_regressor(model) or not hasattr(model, "predict_proba"):
            raise ValueError(
                f"model {name!r} has no predict_proba, and the target has classes "
                f"({', '.join(map(str, self.classes[:5]))}); give a classifier with probabilities, "
                'or kind="regression" where classes are numbers.'
            )

    def unit(self, y: np.ndarray) -> np.ndarray | float:
        """One: probabilities of all columns are alike."""
        return 1.0

    def given(self, y: np.ndarray) -> np.ndarray:
        """The classes themselves; holes as None among text, as NaN among numbers."""
        known = ~np.isnan(y)
        if known.all():
            return self.classes[y.astype(np.intp)]
        text = self.classes.dtype.kind == "O"
        labels = np.full(y.shape, None if text else np.nan, dtype=object if text else float)
        labels[known] = self.classes[y[known].astype(np.intp)]
        return labels

    def fit_predict(
        self, model: Any, X: Any, y: np.ndarray, groups: np.ndarray | None, X_new: Any
    ) -> np.ndarray:
        """Probabilities of the second class in the shape of the target; (n, K) for more than two.

        A class that was not in the training part gets the least probability that any may have.
        """
        one_target = y.ndim == 1
        fit_by_groups(model, X, self.given(y), groups)
        answer = np.asarray(model.predict_proba(X_new))
        expected = (len(X_new), len(model.classes_) if one_target else y.shape[1])
        if answer.shape != expected:
            raise ValueError(
                f"{model[-1]!r} gave probabilities of shape {answer.shape}, expected {expected}."
            )
        if one_target:
            given, answer = answer, np.zeros((len(X_new), len(self.classes)))
            answer[:, np.searchsorted(self.classes, model.classes_)] = given
            answer = answer[:, 1] if self.two else answer
        return bounded(answer, int((~np.isnan(y)).sum()), len(self.classes))

    def loss(self, truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """Log loss."""
        return log_loss(truth, answer)

    def apart(self, answer: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Slope of the loss difference in the truth: the difference of log-odds.

        Where there are more than two classes, its range over them.
        """
        return np.ptp(np.log(every_class(answer)) - np.log(every_class(other)), axis=1)

    def as_error(self, mean_loss: Any) -> Any:
        """The log loss itself."""
        return mean_loss

    def null_loss(self, truth: np.ndarray, block: np.ndarray) -> float:
        """The entropy of the shares of the classes."""
        shares = [group_means(truth == k, block) for k in range(len(self.classes))]
        return float(self.loss(truth, np.column_stack(shares)[block]).mean())

    def more_scores(
        self,
        truth: np.ndarray,
        answer: np.ndarray,
        *,
        block: np.ndarray,
        task: np.ndarray,
        fold: np.ndarray,
        n_tasks: int,
    ) -> dict[str, Any]:
        """AUC, Brier score and accuracy; the mean AUC over the tasks that have one."""
        every, truth = every_class(answer), truth.astype(np.intp)
        squares = ((every - np.eye(len(self.classes))[truth]) ** 2).sum(axis=1)
        by_task = self._auc(truth, every, task, fold)
        return {
            "auc": mean_of(self._auc(truth, every, block, fold)),
            "brier": float(squares.mean()) / (2 if self.two else 1),
            "accuracy": float((every.argmax(axis=1) == truth).mean()),
            "mean_task_auc": mean_of(by_task),
            "tasks_without_auc": n_tasks - int((~np.isnan(by_task)).sum()),
        }

    def _auc(
        self, truth: np.ndarray, every: np.ndarray, group: np.ndarray, fold: np.ndarray
    ) -> np.ndarray:
        """Area under the curve in each group, one class against the rest averaged over classes."""
        of_class = [
            auc_by_group(truth == k, every[:, k], group, fold)
            for k in ([1] if self.two else range(len(self.classes)))
        ]
        return np.mean(of_class, axis=0)

    def legend(self, unit: str, null_loss: float) -> str:
        """What log loss, AUC and Brier score are."""
        first, second = ("another class", "a class") if not self.two else self.classes
        return (
            "Log loss: minus the mean logarithm of the probability given to what came true (0 is "
            f"perfect, {null_loss:.3f} no better than the shares of the classes); the worst "
            f"task by it (which). AUC: how often a row of {second} gets a higher probability of it "
            f"than one of {first} (0.5 is chance). Brier: mean squared error of the probabilities."
        )
