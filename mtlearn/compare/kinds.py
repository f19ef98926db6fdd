"""What depends on the kind of question, regression or classification, and nothing else does.

A kind says what models are given and asked for, the loss of a held-out row, the scores and their
names. Folds, tuning, evidence, tables and the verdict are the same for both and ask it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from inspect import signature
from typing import Any, ClassVar

import numpy as np
from sklearn import get_config

from mtlearn.inputs.groups import takes_groups


@dataclass(frozen=True)
class Shown:
    """A score of the printed table."""

    key: str  # column of Comparison.table
    heading: str
    fixed: bool = False  # three decimals; otherwise as many as the size of errors asks for

    @property
    def words(self) -> str:
        """The heading on one line."""
        return self.heading.replace("-\n", "").replace("\n", " ")


class Kind(ABC):
    """What a comparison predicts and how it is judged."""

    name: ClassVar[str]
    ending: ClassVar[str]  # of the names of the estimators: GroupLasso + "Regressor" + "CV"
    row_loss: ClassVar[str]  # what helped and hurt are said by
    error: ClassVar[str]  # the score that ranks models, a column of Comparison.table
    error_name: ClassVar[str]
    headline: ClassVar[tuple[str, str]]  # score and name in the verdict
    scores: ClassVar[tuple[str, ...]]  # columns of Comparison.table, in this order
    shown: ClassVar[tuple[Shown, ...]]
    new_task_scores: ClassVar[tuple[Shown, ...]]
    pooled_columns: ClassVar[str]  # what the pooled baseline is for a matrix of targets
    loss_name: ClassVar[str] = "squared"  # of compare_tasks
    evenly: ClassVar[bool] = True  # whether rows scatter alike but for what apart() says
    of_search: ClassVar[float] = 1.0  # the loss in that which searches of the library keep
    alpha_mean: float = 1e-3  # of the library's models
    mean_exposure: float = 1.0  # of rows, where models learn rates
    sparse_baseline: ClassVar[bool] = True  # whether one that selects features is of its own

    @property
    def options(self) -> dict[str, Any]:
        """What models of the library are told, beside what all kinds tell them."""
        return {}

    @property
    @abstractmethod
    def scorer(self) -> Any:
        """What searches of models that are not the library's maximise."""

    @abstractmethod
    def inside(self, penalty: str) -> Any:
        """The model inside the baselines."""

    def check_targets(self, y: np.ndarray) -> None:  # noqa: B027
        """Refuse targets that the loss is not for."""

    def on(self, data: Any) -> Kind:
        """The kind, with what it has to know of the table that it is asked of."""
        return self

    @abstractmethod
    def check(self, name: str, model: Any) -> None:
        """Complain about a model of the user's that answers the other kind of question."""

    @abstractmethod
    def unit(self, y: np.ndarray) -> np.ndarray | float:
        """What targets are divided by, so that no column of a matrix outweighs the others."""

    @abstractmethod
    def given(self, y: np.ndarray) -> np.ndarray:
        """Targets as models are given them."""

    @abstractmethod
    def fit_predict(
        self, model: Any, X: Any, y: np.ndarray, groups: np.ndarray | None, X_new: Any
    ) -> np.ndarray:
        """Fit on the rows of a training part and answer for those held out."""

    @abstractmethod
    def loss(self, truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """Loss of each held-out label."""

    @abstractmethod
    def apart(self, answer: np.ndarray, other: np.ndarray) -> np.ndarray:
        """How far the loss difference of two answers moves with the truth."""

    @abstractmethod
    def as_error(self, mean_loss: Any) -> Any:
        """Mean loss in the units in which it is shown."""

    @abstractmethod
    def null_loss(self, truth: np.ndarray, block: np.ndarray) -> float:
        """Mean loss of the best constant answer for each block: a column, or all there is."""

    @abstractmethod
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
        """Scores beside the error: over all (the mean over blocks), and by task."""

    @abstractmethod
    def legend(self, unit: str, null_loss: float) -> str:
        """The scores explained to a reader; ``unit`` is that of the target."""


def fit_by_groups(
    model: Any,
    X: Any,
    y: np.ndarray,
    groups: np.ndarray | None,
    weight: np.ndarray | None = None,
) -> Any:
    """Fit a pipeline, with the groups of the rows where its last step deals folds of its own.

    Raises
    ------
    ValueError
        If there are weights, and the last step does not take any.
    """
    name, last = model.steps[-1]
    given = {} if groups is None or not takes_groups(last) else {"groups": groups}
    routed = get_config()["enable_metadata_routing"]
    if weight is not None:
        takes = signature(last.fit).parameters
        open_ended = any(p.kind is p.VAR_KEYWORD for p in takes.values())
        if not open_ended and "sample_weight" not in takes:
            raise ValueError(
                f"{type(last).__name__} takes no sample_weight, which exposures are to a model of "
                "rates. Give a model that does, or leave exposure= out."
            )
        given["sample_weight"] = weight
        if routed and hasattr(last, "set_fit_request"):
            last.set_fit_request(sample_weight=True)
    return model.fit(X, y, **{key if routed else f"{name}__{key}": v for key, v in given.items()})


def group_means(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Mean over the entries of each group (NaN where there is none)."""
    with np.errstate(invalid="ignore"):
        return np.bincount(group, values) / np.bincount(group)


def mean_of(values: np.ndarray) -> float:
    """Mean of what is defined; NaN where nothing is."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else np.nan
