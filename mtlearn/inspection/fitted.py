"""The fitted model as one object: coefficients of tasks, whatever they were fitted by and behind.

Of an estimator of any family and kind, with any number of classes and any way that tasks came in,
of a pipeline around it and of a finished search this makes one picture, a :class:`FittedTasks`,
which all of :mod:`mtlearn.inspection` and :mod:`mtlearn.plotting` look at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from mtlearn.estimators.linear import FittedLinear
from mtlearn.exceptions import plain
from mtlearn.inspection.columns import names_out, undo
from mtlearn.metrics.answers import unwrap


@dataclass(frozen=True, eq=False)
class FittedTasks:
    """T tasks of K score columns (1, or one for each of more than two classes) over d features.

    Attributes
    ----------
    given : estimator
        What the user gave: the estimator, a pipeline or a search.
    model : FittedLinear
        The estimator of this library in it.
    features : list of str
        Names (d,) of the columns that the estimator saw, without that of labels; ``x0``, ``x1``, …
        by their positions where they have none.
    tasks : ndarray of shape (T,)
    classes : list or None
        The K classes where there are more than two.
    coef, intercept : ndarrays of shape (T, K, d) and (T, K)
    shared_coef, shared_intercept : ndarrays of the same shapes
        The shared model in the units of each task (they differ under ``scale_targets`` only): w_0
        where there is one, otherwise the plain averages over tasks, as strangers are answered.
    has_mean : bool
        Whether there is a w_0.
    joint, specific : ndarrays of shape (T, K, d), or None
        The two parts of V of a dirty model.
    std : ndarray of shape (T, K, d) or None
        Standard errors of ``coef``, where the model has them.
    covariance : ndarray of shape (T, K, d + 1, d + 1) or None
        Of (level at ``center``, coefficients), where the model keeps it.
    n_rows : ndarray of shape (T,)
        Labels of each task in fit; NaN for models pickled by a version that did not count them.
    center : ndarray of shape (d,)
        x̄, where levels are measured.
    shift, scale : ndarrays of shape (d,)
        A column that the estimator saw is (x - shift) / scale of the column that went into the
        pipeline; 0 and 1 where no step, or more than a shift and a scale, is in between.
    """

    given: Any
    model: Any
    features: list[str]
    tasks: np.ndarray
    classes: list | None
    coef: np.ndarray
    intercept: np.ndarray
    shared_coef: np.ndarray
    shared_intercept: np.ndarray
    has_mean: bool
    joint: np.ndarray | None
    specific: np.ndarray | None
    std: np.ndarray | None
    covariance: np.ndarray | None
    n_rows: np.ndarray
    center: np.ndarray
    shift: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, given: Any, *, original_units: bool = False) -> FittedTasks:
        """The picture of a fitted estimator, pipeline or search.

        Raises
        ------
        TypeError
            If it does not end in a model of this library that has coefficients of tasks.
        NotFittedError
            Before ``fit``.
        """
        model, steps = taken_apart(given)
        tasks, d = model._linear_tasks(), model.coef_.shape[-1]
        (T, K, _), n_columns = tasks.coef.shape, model.n_features_in_
        labels, known = model._reader.columns.labels, vars(model)
        kept = np.delete(np.arange(n_columns), [] if labels is None else [labels])
        undone = undo(steps, n_columns)
        unit = np.ones((T, 1, 1))
        if tasks.shared_coef is not None and "target_scale_" in known:
            unit = known["target_scale_"].reshape(T, 1, 1)  # w_0 is that of scaled targets

        def shaped(name: str, *more: int) -> np.ndarray | None:
            return known[name].reshape(T, K, *more) if name in known else None

        found = cls(
            given=given,
            model=model,
            features=[_names(model, steps, n_columns)[j] for j in kept],
            tasks=model.tasks_,
            classes=model.classes_.tolist() if K > 1 else None,
            coef=tasks.coef,
            intercept=tasks.intercept,
            shared_coef=tasks.mean_coef * unit,
            shared_intercept=tasks.mean_intercept * unit[:, :, 0],
            has_mean=tasks.shared_coef is not None,
            joint=shaped("shared_coef_", d),
            specific=shaped("specific_coef_", d),
            std=shaped("coef_std_", d),
            covariance=shaped("coef_covariance_", d + 1, d + 1),
            n_rows=known.get("task_counts_", np.full(T, np.nan)),
            center=known.get("center_", np.zeros(d)),
            shift=undone.shift[kept],
            scale=undone.scale[kept],
        )
        return found.in_original_units() if original_units else found

    @property
    def n_tasks(self) -> int:
        """T."""
        return len(self.tasks)

    @property
    def stacked(self) -> bool:
        """Whether a row is of one task; not for several targets over one X."""
        return self.model._reader.stacked

    @property
    def target_scale(self) -> np.ndarray:
        """What the targets were divided by in fit, (T,); 1 unless ``scale_targets``."""
        return vars(self.model).get("target_scale_", np.ones(self.n_tasks))

    @property
    def labels(self) -> list:
        """The labels of the tasks as plain numbers and text, as frames hold them."""
        return [plain(task) for task in self.tasks.tolist()]

    @property
    def deviation(self) -> np.ndarray:
        """Of the coefficients from the shared model, (T, K, d)."""
        return self.coef - self.shared_coef

    @property
    def penalised(self) -> np.ndarray:
        """V, which the penalty is on, (T, K, d): without a w_0 all of the coefficients."""
        return self.deviation if self.has_mean else self.coef

    @property
    def level(self) -> np.ndarray:
        """Scores at ``center``, (T, K)."""
        return self.intercept + self.coef @ self.center

    @property
    def shared_level(self) -> np.ndarray:
        """The same of the shared model."""
        return self.shared_intercept + self.shared_coef @ self.center

    @property
    def level_std(self) -> np.ndarray | None:
        """Standard errors of ``level``, (T, K), where the model keeps covariances."""
        if self.covariance is None:
            return None
        return np.sqrt(np.maximum(self.covariance[:, :, 0, 0], 0.0))

    @property
    def intercept_std(self) -> np.ndarray | None:
        """Standard errors of ``intercept``, at x = 0, (T, K), there too."""
        if self.covariance is None:
            return None
        a = np.append(1.0, -self.center)
        return np.sqrt(np.maximum(np.einsum("tkij,i,j->tk", self.covariance, a, a), 0.0))

    def in_original_units(self) -> FittedTasks:
        """The same models of the columns that went into the pipeline, exactly.

        With x = (u - shift) / scale: u·(w / scale) + b - w·(shift / scale). Levels stay, and so
        does what the penalty made of coefficients; only their units change.
        """
        scale, moved = self.scale, self.shift / self.scale

        def own(part: np.ndarray | None) -> np.ndarray | None:
            return None if part is None else part / scale

        covariance = self.covariance
        if covariance is not None:
            unit = np.append(1.0, 1.0 / scale)
            covariance = covariance * (unit[:, None] * unit)
        return replace(
            self,
            coef=self.coef / scale,
            intercept=self.intercept - self.coef @ moved,
            shared_coef=self.shared_coef / scale,
            shared_intercept=self.shared_intercept - self.shared_coef @ moved,
            joint=own(self.joint),
            specific=own(self.specific),
            std=own(self.std),
            covariance=covariance,
            center=self.center * scale + self.shift,
            shift=np.zeros_like(self.shift),
            scale=np.ones_like(self.scale),
        )

    def read(self, X: Any, task: Any = None) -> tuple[Any, np.ndarray | None]:
        """Features (n, d) as the estimator sees those of X, and the task of each row (or None).

        X is what the user gives to ``given.predict``. Positions of tasks are -1 where fit has not
        seen them, and None for several targets over one X.
        """
        _, inside = unwrap(self.given, X)
        return self.model._read_rows(inside, task)

    def features_of(self, X: Any) -> Any:
        """Features (n, d) alone: labels beside X are not needed."""
        _, inside = unwrap(self.given, X)
        features, _ = self.model._reader.columns.read(self.model, inside)
        return features


def taken_apart(given: Any) -> tuple[Any, list[Any]]:
    """The model of this library in a pipeline or search, and the fitted steps before it."""
    steps: list[Any] = []
    while True:
        if hasattr(given, "best_estimator_"):
            given = given.best_estimator_
        elif isinstance(given, Pipeline):
            between = [step for _, step in given.steps[:-1]]
            steps += [step for step in between if step is not None and step != "passthrough"]
            given = given[-1]
        else:
            break
    if not isinstance(given, FittedLinear):
        raise TypeError(
            f"{type(given).__name__} has no coefficients of tasks to look at. Give a fitted model "
            "of this library (MeanRegularizedRegressor, GroupLassoClassifierCV, ...), a pipeline "
            "that ends in one, or a finished search for one."
        )
    check_is_fitted(given)
    return given, steps


def _names(model: Any, steps: list[Any], n_columns: int) -> list[str]:
    """Names of all columns that the estimator saw, that of labels included."""
    columns = model._reader.columns
    names = columns.names if columns.names is not None else columns.other_names
    if names is None and steps:
        names = names_out(steps, n_columns)
    return [f"x{j}" for j in range(n_columns)] if names is None else [str(name) for name in names]
