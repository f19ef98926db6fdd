"""What is particular to classifiers: labels as targets, the logistic loss, probabilities."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from mtlearn.estimators.base import TaskLinearModel
from mtlearn.estimators.class_answers import ClassAnswers
from mtlearn.inputs.checks import check_option
from mtlearn.inputs.classes import (
    encode,
    soften,
    soften_single_class,
    warn_separable,
    warn_single_class,
)
from mtlearn.inputs.feature_weight import FeatureWeights, means
from mtlearn.inputs.missing_classes import soften_missing, warn_missing
from mtlearn.inputs.reading import read_fit
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.weights import warn_of_many
from mtlearn.losses.base import Loss
from mtlearn.losses.logistic import Logistic
from mtlearn.losses.softmax import Softmax
from mtlearn.problems.separable import separable
from mtlearn.selection.judges import LogLoss, MinusLoss, Named, dressed_classifier

LOSSES = ("logistic", "multinomial")


@dataclass(eq=False, repr=False)
class TaskClassifier(ClassAnswers, TaskLinearModel):
    """Linear classification for many tasks.

    The loss is the logistic log(1 + exp(-y f)), y = ±1. Several columns of ``y`` hold two labels
    in all. One column may hold K > 2: then each class has a column of coefficients per task, all of
    them under one penalty (a shared model for each class): one class against the rest, whose
    probabilities are divided by their sum, or by ``loss="multinomial"`` all classes at once.

    A task that saw one class has no best intercept where intercepts are free. Its targets become
    soft, (N_t + ½)/(N_t + 1) for the class it saw, N_t its sum of weights (see ``fit``), with a
    warning; under ``loss="multinomial"`` each class that it did not see gets a share of
    ½/(N_t + K/2) in its rows.

    Parameters
    ----------
    loss : {"logistic", "multinomial"}
        What scores of K > 2 classes cost. "logistic" is one class against the rest, K logistic
        losses. "multinomial" is the log loss of all classes at once,
        log(sum_j exp(f_j)) - f_y, with the probabilities exp(f_k) / sum_j exp(f_j): the
        choice where probabilities are what matters. A constant in the scores of all classes is
        nobody's business; where it is not charged for, coefficients and intercepts add up to zero
        over the classes. Two classes are one column, and the logistic loss, either way; several
        columns of ``y`` are refused, as are features of ``feature_weight`` 0. With
        ``alpha_intercept="auto"``, and ``alpha="auto"``, strengths are those of one class against
        the rest times K / (K - 1), which the contrast varies more by.
    class_weight : None, "balanced" or dict
        Weights of the class labels, times the sample weights, whose sum they keep: only their
        ratio matters. "balanced" makes the classes of a task weigh the same. Cross-validation
        weighs its log loss alike.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        Class labels, sorted.
    coef_ : ndarray of shape (T, d), or (T, K, d) for K > 2 classes
        Coefficients w_t of each task; (1, d) or (K, d) for one target without tasks.
    intercept_ : ndarray of shape (T,), or (T, K)
        Intercepts; (1,) or (K,) for one target without tasks.
    mean_coef_ : ndarray of shape (d,), or (K, d)
        The shared mean w_0, where the model has one; of features of ``feature_weight`` 0 the
        average of the tasks' best coefficients given w_0.
    mean_intercept_ : float, or ndarray of shape (K,)
        Intercept of the shared model, where there is one: l_0 - x̄·w_0 where levels are pooled,
        otherwise the average of the tasks' best intercepts given w_0.
    """

    _: KW_ONLY
    loss: str = "logistic"
    class_weight: Any = None

    scale_targets = False
    _default_scores = "scores_"

    @property
    def _loss(self) -> Loss:  # type: ignore[override]
        # two classes are one column
        several = len(getattr(self, "classes_", ())) > 2
        return Softmax() if self.loss == "multinomial" and several else Logistic()

    @property
    def _is_joint(self) -> bool:
        """Whether scores of all classes are one choice."""
        return self._loss.joint

    def _take_over(self, found: dict[str, Any], data: TaskData) -> None:
        super()._take_over(found, data)
        self._fitted_by = {"loss": self.loss}  # set_params may name another before the next fit

    def _check_params(self) -> None:
        super()._check_params()
        check_option("loss", self.loss, LOSSES)

    def _read(self, X: Any, y: Any, sample_weight: Any, task: Any) -> TaskData:
        self._check_params()
        data, self._reader = read_fit(self, X, y, sample_weight, task, numeric=False)
        data = self._with_repetitions(data)
        data, self.classes_ = encode(data, self.class_weight, self)
        if self.loss == "multinomial":
            self._check_multinomial(data)
        return data

    def _check_multinomial(self, data: Any) -> None:
        """Refuse data that are not one choice, or not charged for; also of rows in chunks."""
        if not data.stacked:
            raise ValueError(
                f'loss="multinomial" is one choice among classes, and y has {len(data.tasks)} '
                'columns, each with labels of its own. Set loss="logistic", or give one column '
                "(a 1-D y)."
            )
        if self._is_joint and self.feature_weight is not None:
            weights = FeatureWeights.of(self, data)
            if weights is not None and len(weights.free):
                raise ValueError(
                    'feature_weight has 0, and loss="multinomial" of more than two classes charges '
                    "something for every deviation. Give these features a small weight, such as "
                    '0.01, or set loss="logistic".'
                )

    def _solvable(self, data: TaskData, *, warn: bool = False) -> TaskData:
        if self._is_joint:
            if self.fit_intercept and (self._frees_intercepts() or _lacks_class(data)):
                data, names = soften_missing(data, self.classes_ if warn else None)
                if warn and names:
                    warn_of_many(data)
                    warn_missing(names)
            return data
        if self.fit_intercept and (self._frees_intercepts() or _lacks_class(data)):
            data, names = soften_single_class(data, self.classes_ if warn else None)
            if warn and names:
                warn_of_many(data)
                warn_single_class(names)
        weights = self._units.weights
        if weights is None or not len(weights.free) or not isinstance(self._loss, Logistic):
            return data
        free = bool(self.fit_intercept) and self._frees_intercepts()
        origin = None
        if self.fit_intercept and not free:
            origin = means(data, weights.free, self.task_weight)
        apart = separable(data, weights.free, origin, free_intercepts=free)
        data, names = soften(data, apart, self.classes_ if warn else None)
        if warn and names:
            warn_of_many(data)
            warn_separable(names)
        return data

    def _judge(self, scoring: Any) -> Any:
        if scoring is None and isinstance(self._loss, Logistic | Softmax):
            return LogLoss(self.classes_, self._is_joint)
        if scoring is None:
            return MinusLoss(self._loss)
        return Named(scoring, dressed_classifier, self.classes_, joint=self._is_joint)


def _lacks_class(data: TaskData) -> bool:
    """Whether some class is missing altogether, as may happen in a training part."""
    y = data.y if data.stacked and data.y.ndim == 2 else data.y.reshape(-1, 1)
    return bool((np.nanmin(y, axis=0) == np.nanmax(y, axis=0)).any())
