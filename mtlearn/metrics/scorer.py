"""Scorers for ``scoring=`` that hand the task labels on, and pass over holes.

scikit-learn routes metadata to a scorer, but no further: the ``predict`` that its scorers call
gets X alone. The scorer here calls it with the labels, and then asks scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from inspect import Parameter, signature
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer, make_scorer
from sklearn.utils.metadata_routing import MetadataRequest

from mtlearn.metrics.answers import Answers
from mtlearn.metrics.by_task import report_undefined
from mtlearn.metrics.classification import (
    average_precision,
    log_loss,
    nan_accuracy_score,
    roc_auc,
)
from mtlearn.metrics.counts import nan_d2_poisson_score, nan_mean_poisson_deviance
from mtlearn.metrics.parts import Parts
from mtlearn.metrics.quantiles import nan_mean_absolute_error, nan_mean_pinball_loss
from mtlearn.metrics.regression import nan_mean_squared_error, nan_r2_score, nmse


class TaskScorer:
    """A scorer ``scorer(estimator, X, y, sample_weight=None, task=None)``.

    Made by :func:`make_task_scorer`, which documents the parameters.
    """

    def __init__(
        self, scoring: Any, greater_is_better: bool, response_method: Any, options: dict
    ) -> None:
        self.scoring = scoring
        self.greater_is_better = greater_is_better
        self.response_method = response_method
        self.options = options
        self._requests = MetadataRequest(owner="TaskScorer")
        self.set_score_request(task=True, sample_weight=None)

    def __call__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any = None, task: Any = None
    ) -> float:
        """Score a fitted estimator; a larger score is better.

        Parameters
        ----------
        estimator : estimator
            Fitted.
        X : array-like or data frame of shape (n, d)
            Features.
        y : array-like of shape (n,) or (n, T)
            Truth; NaN where not observed.
        sample_weight : array-like of shape (n,) or (n, T), default=None
            Weights, for scores that take them.
        task : array-like of shape (n,), default=None
            Task labels beside X.

        Returns
        -------
        float
            The score.
        """
        answers = Answers(estimator, X, task)
        if self.knows_tasks:
            return self.of_tasks(answers, y, sample_weight)
        parts = Parts.of(answers, y, sample_weight)
        if len(parts.tasks) == 1:  # what scikit-learn says of it is said
            return float(parts.scores(self.scorer(), named=self.is_named)[0])
        scores = parts.quiet_scores(self.scorer(), named=self.is_named)
        defined = ~np.isnan(scores)
        report_undefined(parts.tasks[~defined], len(scores), "warn", f"labels for {self!r}")
        return float(scores[defined].mean()) if defined.any() else float("nan")

    def of_answers(self, answers: Answers, y: Any) -> float:
        """The score without a word about what is undefined, as a search over a path wants it."""
        if self.knows_tasks:
            silent = "undefined" in _parameters(self.scoring)
            return float(self.of_tasks(answers, y, **({"undefined": "ignore"} if silent else {})))
        scores = Parts.of(answers, y).quiet_scores(self.scorer(), named=self.is_named)
        defined = scores[~np.isnan(scores)]
        return float(defined.mean()) if len(defined) else float("nan")

    @property
    def is_named(self) -> bool:
        """Whether it is a score of scikit-learn by its name, with nothing set."""
        return isinstance(self.scoring, str)

    @property
    def knows_tasks(self) -> bool:
        """Whether it is made of a metric that takes ``task``."""
        return callable(self.scoring) and "task" in _parameters(self.scoring)

    def of_tasks(self, answers: Answers, y: Any, sample_weight: Any = None, **options: Any) -> Any:
        """The value of a metric that takes ``task``."""
        if "average" in options and "average" not in _parameters(self.scoring):
            raise ValueError(
                f"{self!r} is one number for all tasks together and has no value for each; "
                "nan_r2_score is one that has."
            )
        answers.column_names(y)  # those of fit, or an error
        answer = answers.response(self.response_method)
        if not answers.has_columns:
            options["task"] = answers.labels
        if "labels" in _parameters(self.scoring) and hasattr(answers.estimator, "classes_"):
            options["labels"] = answers.estimator.classes_
        if sample_weight is not None:
            options["sample_weight"] = sample_weight
        value = self.scoring(y, answer, **(self.options | options))
        return value if self.greater_is_better else -value

    def scorer(self) -> Callable:
        """The scikit-learn scorer behind it."""
        if isinstance(self.scoring, str) or is_scorer(self.scoring):
            return get_scorer(self.scoring)
        return make_scorer(
            self.scoring,
            greater_is_better=self.greater_is_better,
            response_method=self.response_method,
            **self.options,
        )

    def get_metadata_routing(self) -> MetadataRequest:
        """What scikit-learn is asked to route here: the task labels."""
        return self._requests

    def set_score_request(self, **requests: bool | str | None) -> TaskScorer:
        """Ask for ``task`` or ``sample_weight``, or cease to.

        Parameters
        ----------
        **requests : {True, False, None, str}
            As in scikit-learn: True asks for it, False ignores it, None makes it an error to pass
            it, and a text is the name under which it is passed.

        Returns
        -------
        TaskScorer
            Itself.
        """
        for name, alias in requests.items():
            if name not in ("task", "sample_weight"):
                raise TypeError(f"a task scorer takes task and sample_weight, not {name!r}.")
            self._requests.score.add_request(param=name, alias=alias)
        return self

    def __sklearn_clone__(self) -> TaskScorer:
        return deepcopy(self)

    def __repr__(self) -> str:
        name = getattr(self.scoring, "__name__", None) or repr(self.scoring)
        words = [name]
        if not self.greater_is_better:
            words.append("greater_is_better=False")
        if self.response_method != "predict":
            words.append(f"response_method={self.response_method!r}")
        words += [f"{key}={value!r}" for key, value in self.options.items()]
        return f"make_task_scorer({', '.join(words)})"

    def _accept_sample_weight(self) -> bool:
        # scikit-learn asks every scorer of several when routing is off and there are weights
        return not self.knows_tasks or "sample_weight" in _parameters(self.scoring)


def make_task_scorer(
    scoring: Any,
    *,
    greater_is_better: bool = True,
    response_method: Any = "predict",
    **options: Any,
) -> TaskScorer:
    """A scorer that hands task labels to ``predict``, and passes over labels not observed.

    Works wherever scikit-learn takes ``scoring=``, in each of the three ways tasks come in:

    * labels beside X: with metadata routing on, ``search.fit(X, y, task=labels)`` and
      ``cross_validate(..., params={"task": labels})`` bring them here, and from here they go to
      ``predict``. With routing off a scorer never gets them; the error says so.
    * labels in a column of X: nothing to do.
    * 2-D ``y``: the mean over columns, each scored on its observed labels. Columns for which the
      score is undefined are left out and counted in an
      :class:`~sklearn.exceptions.UndefinedMetricWarning`.

    A score given by name ("average_precision", "f1") takes the last of two classes for the positive
    one where none of them is 1; scikit-learn alone refuses classes that are text. With a metric,
    ``pos_label`` says which.

    Labelled rows are scored together, whatever their task, unless the metric takes ``task`` as
    those of :mod:`mtlearn.metrics` do: then it decides.

    Parameters
    ----------
    scoring : str or callable
        A name that scikit-learn knows, a scorer ``f(estimator, X, y)``, or a metric
        ``f(y_true, y_pred)``.
    greater_is_better : bool, default=True
        For a metric: False changes its sign.
    response_method : str or tuple of str, default="predict"
        For a metric: what it is computed from, as in :func:`sklearn.metrics.make_scorer`.
    **options
        For a metric: its further arguments.

    Returns
    -------
    TaskScorer
        Callable as ``scorer(estimator, X, y, sample_weight=None, task=None)``. It requests
        ``task``; ``set_score_request(sample_weight=True)`` makes it request weights too.

    Raises
    ------
    ValueError
        For what is no name, scorer or metric, a name that scikit-learn does not know, or options
        that belong to a metric given to something that is none.

    See Also
    --------
    mtlearn.metrics.task_scores : The scores of each task.

    Examples
    --------
    >>> import numpy as np
    >>> import sklearn
    >>> from sklearn.model_selection import GridSearchCV
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.datasets import make_multitask_regression
    >>> from mtlearn.metrics import make_task_scorer
    >>> drawn = make_multitask_regression(
    ...     n_tasks=4, n_samples_per_task=20, n_features=3, random_state=0
    ... )
    >>> grid = {"alpha": [0.01, 1.0]}
    >>> with sklearn.config_context(enable_metadata_routing=True):
    ...     search = GridSearchCV(
    ...         MeanRegularizedRegressor(),
    ...         grid,
    ...         scoring=make_task_scorer("neg_mean_absolute_error"),
    ...     )
    ...     search = search.fit(drawn.data, drawn.target, task=drawn.task)
    >>> bool(np.isfinite(search.best_score_))
    True
    """
    if isinstance(scoring, TaskScorer):
        return scoring
    if not (isinstance(scoring, str) or callable(scoring)):
        raise ValueError(
            f"scoring must be the name of a score, a scorer or a metric, got {scoring!r}."
        )
    is_metric = callable(scoring) and not is_scorer(scoring)
    if not is_metric:
        get_scorer(scoring)  # an unknown name is refused here, not in the middle of a search
        if options or not greater_is_better or response_method != "predict":
            raise ValueError(
                f"{scoring!r} is a scorer already, so greater_is_better, response_method and "
                f"further options ({', '.join(options) or 'none given'}) have no meaning; give "
                "the metric itself, such as sklearn.metrics.mean_absolute_error."
            )
    return TaskScorer(
        scoring,
        greater_is_better=greater_is_better,
        response_method=response_method,
        options=options,
    )


def is_scorer(scoring: Any) -> bool:
    """Whether it is called with estimator, X and y, not with truth and predictions."""
    parameters = list(signature(scoring).parameters.values())
    needed = [p for p in parameters if p.default is Parameter.empty]
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    several = any(p.kind is Parameter.VAR_POSITIONAL for p in needed)
    second_is_x = len(parameters) > 1 and parameters[1].name == "X"
    return several or second_is_x or sum(p.kind in positional for p in needed) > 2


def _parameters(metric: Callable) -> Any:
    return signature(metric).parameters


nan_r2_scorer = make_task_scorer(nan_r2_score)
neg_nan_mean_squared_error_scorer = make_task_scorer(
    nan_mean_squared_error, greater_is_better=False
)
neg_nan_mean_absolute_error_scorer = make_task_scorer(
    nan_mean_absolute_error, greater_is_better=False
)
nan_d2_poisson_scorer = make_task_scorer(nan_d2_poisson_score)
neg_nan_mean_poisson_deviance_scorer = make_task_scorer(
    nan_mean_poisson_deviance, greater_is_better=False
)
neg_nan_mean_pinball_loss_scorer = make_task_scorer(nan_mean_pinball_loss, greater_is_better=False)
neg_nmse_scorer = make_task_scorer(nmse, greater_is_better=False)
nan_accuracy_scorer = make_task_scorer(nan_accuracy_score)
_SCORES = ("decision_function", "predict_proba")
task_roc_auc_scorer = make_task_scorer(roc_auc, response_method=_SCORES)
task_average_precision_scorer = make_task_scorer(average_precision, response_method=_SCORES)
neg_task_log_loss_scorer = make_task_scorer(
    log_loss, greater_is_better=False, response_method="predict_proba"
)
