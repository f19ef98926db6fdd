"""The models that a comparison runs: the baselines and the multi-task models, each tuned.

A claim that learning together helps is worth as much as the baseline it beats, so the baselines
get what the multi-task models get: the same preprocessing, the same inner folds, a tuned alpha
(random slopes estimate theirs); and a lasso per task where a multi-task model selects features,
which alone may be what helps.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from copy import copy
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone, is_regressor
from sklearn.pipeline import Pipeline

import mtlearn
from mtlearn.baselines import IndependentTasks, PooledTasks
from mtlearn.compare.choices import Choices
from mtlearn.compare.kinds import Kind
from mtlearn.compare.rivals import RIVALS
from mtlearn.compare.roles import selects_features
from mtlearn.compare.task_table import TaskTable
from mtlearn.compare.tuning import TunedBaseline
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.mixed_targets import MixedTargets
from mtlearn.selection.folds import mean_loss
from mtlearn.table import make_table_pipeline

N_ALPHAS = 15  # on a path of three decades: 30 scored no better and took twice as long

MANY = 500  # rows for each column, which tell what tasks share without a ridge,
LITTLE = 1e-6  # or with this one
WIDEST = 60  # columns of random slopes: of 50 tasks a fit takes 2 s, with 100 columns 5 s

Factory = Callable[[str | None, Any, Kind], Any]


def _independent(task_column: str | None, cv: Any, kind: Kind, *, penalty: str = "l2") -> Any:
    model = IndependentTasks(kind.inside(penalty), task_column=task_column, unseen_task="mean")
    return TunedBaseline(model, penalty=penalty, cv=cv)


def _pooled(task_column: str | None, cv: Any, kind: Kind, *, task_dummies: bool = False) -> Any:
    model = PooledTasks(
        kind.inside("l2"), task_dummies=task_dummies, task_column=task_column, unseen_task="mean"
    )
    return TunedBaseline(model, cv=cv)


def _family(family: str, **own: Any) -> Factory:
    """One of the library's families with the ending of the kind, alpha by cross-validation."""

    def build(task_column: str | None, cv: Any, kind: Kind) -> Any:
        model = getattr(mtlearn, f"{family}{kind.ending}CV")
        options = {"task_column": task_column, "cv": cv, **kind.options, **own}
        ridge = kind.alpha_mean / kind.mean_exposure
        if ridge != Kind.alpha_mean and "alpha_mean" in model().get_params():
            options["alpha_mean"] = ridge
        return model(alphas=N_ALPHAS, unseen_task="mean", **options)

    return build


def _random_slopes(task_column: str | None, cv: Any, kind: Kind) -> Any:
    """No search: the strengths, that of the shared slopes too, are estimated.

    Several targets are divided by deviations of their own, in which they estimate Huber's scale.
    """
    model = getattr(mtlearn, f"RandomSlopes{kind.ending}")
    own = {} if isinstance(kind, Choices) else dict(kind.options)
    if task_column is None:
        own.pop("huber_scale", None)
    return model(alpha_mean="auto", task_column=task_column, unseen_task="mean", **own)


SPARSE_BASELINE = "independent-lasso"
BASELINES: dict[str, Factory] = {
    "independent": _independent,
    SPARSE_BASELINE: partial(_independent, penalty="l1"),
    "pooled": _pooled,
    "pooled+dummies": partial(_pooled, task_dummies=True),
}
RANDOM_SLOPES, GRAPH_PATH, COLUMNS = "random-slopes", "graph-path", "group-lasso+columns"
SHARED_SUBSPACE = "shared-subspace"
MULTITASK: dict[str, Factory] = {  # of "all" those are tried first that come first
    RANDOM_SLOPES: _random_slopes,
    "mean-regularized": _family("MeanRegularized"),
    "group-lasso": _family("GroupLasso"),
    "group-lasso+mean": _family("GroupLasso", shared_mean=True),
    COLUMNS: _family("GroupLasso", feature_groups="columns"),
    "trace-norm": _family("TraceNorm"),
    "trace-norm+mean": _family("TraceNorm", shared_mean=True),
    "dirty": _family("Dirty"),
    "dirty+mean": _family("Dirty", shared_mean=True),
    "clustered": _family("ClusteredTasks"),
    "task-relationships": _family("TaskRelationships", ridge_ratio=0.0),  # .1 is up to 1/3 worse
    SHARED_SUBSPACE: _family("SharedSubspace"),
    GRAPH_PATH: _family("GraphTasks", graph="path"),
    "robust": _family("RobustTasks"),
    "robust+group": _family("RobustTasks", structure="group"),
    "robust+low-rank": _family("RobustTasks", structure="low_rank"),
}
NAMED: dict[str, Factory] = {**BASELINES, **MULTITASK, **RIVALS}
ALL = "all"  # the word for every name that suits the table: see ``every_family``
# Chosen by time: the others take several times as long, and are there by name.
DEFAULT = (RANDOM_SLOPES, "mean-regularized", "group-lasso", "group-lasso+mean")


def spelt_out(names: Iterable[str]) -> list[str]:
    """Names of models: "+name" adds to the others, or to the default where there are no others."""
    names = list(names)
    added = [name[1:] for name in names if name.startswith("+")]
    others = [name for name in names if not name.startswith("+")]
    return [*(others or DEFAULT), *added] if added else others


def choose_models(models: Any, task_column: str | None, kind: Kind) -> dict[str, Any]:
    """The contenders by name, baselines first: factories, or the user's own estimators.

    ``models`` is None (``DEFAULT``), names, or a dictionary of names to estimators; the baselines
    always take part, since helped and hurt are said against them, the sparse one beside models
    that select features.
    """
    if models is None:
        models = DEFAULT
    if isinstance(models, str):
        models = [models]
    if not hasattr(models, "items"):
        models = {name: NAMED.get(name) for name in spelt_out(models)}
    unknown = [name for name, model in models.items() if model is None]
    if unknown:
        raise ValueError(
            f"there is no model {unknown[0]!r}; models are {', '.join([*BASELINES, *MULTITASK])}, "
            f"{ALL} of these, beside these or the default "
            f"{' and '.join('+' + name for name in RIVALS)}, or a dictionary of names and "
            "estimators of your own."
        )
    for name, model in models.items():
        if name in BASELINES and model is not BASELINES[name]:
            raise ValueError(f"{name!r} is the name of a baseline; give your model another one.")
    built = {name: build_model(model, task_column, None, kind) for name, model in models.items()}
    for name, model in built.items():  # complain before the work, not after
        kind.check(name, model)
    needed = [name for name in BASELINES if name != SPARSE_BASELINE]
    sparse = kind.sparse_baseline and any(map(selects_features, built.values()))
    if SPARSE_BASELINE in models or sparse:
        needed.append(SPARSE_BASELINE)
    return {name: BASELINES[name] for name in BASELINES if name in needed} | models


def build_model(model: Any, task_column: str | None, cv: Any, kind: Kind) -> Pipeline:
    """An unfitted pipeline of one contender: preprocessing, then the model tuned on ``cv``.

    An estimator of the user's gets the task column and the inner folds where it has the
    parameters and left them at None (a position is a name by now: columns that were left out
    would shift it); a Pipeline is taken as it is.
    """
    if callable(model) and not hasattr(model, "fit"):
        return make_table_pipeline(model(task_column, cv, kind))
    model = clone(model)
    if isinstance(model, Pipeline):
        return model
    params = model.get_params(deep=False)
    if task_column is not None and not any(
        name.split("__")[-1] == "task_column" for name in model.get_params()
    ):
        if isinstance(model, MixedTargets):
            raise ValueError(
                f"{model!r} is for columns of unlike kinds, and a comparison is of one kind. Score "
                "it by itself: cross_validate(model, X, y) of scikit-learn, or model.scores(X, y) "
                "of rows that were held out."
            )
        raise ValueError(
            f"{model!r} does not know tasks: wrap it in IndependentTasks(...) or PooledTasks(...), "
            "or give a Pipeline that deals with the task column itself."
        )
    if task_column is not None and isinstance(params.get("task_column"), Integral):
        params["task_column"] = None
    for name, value in {"task_column": task_column, "cv": cv}.items():
        if name in params and params[name] is None:
            model.set_params(**{name: value})
    return make_table_pipeline(model)


def leave_out_of_loss(models: dict[str, Any], kind: Kind) -> tuple[dict[str, Any], list[str]]:
    """The models without those that do not know the loss, and a note of each."""
    why = {}
    if isinstance(kind, Choices) and not kind.two:  # which are one choice either way
        why[RANDOM_SLOPES] = "it takes one class against the rest"
    out = [name for name in why if models.get(name) is MULTITASK[name]]
    left = {name: model for name, model in models.items() if name not in out}
    return left, [f"{name} is left out: {why[name]}." for name in out]


def of_size(kind: Kind, n_rows: int, n_columns: int) -> Kind:
    """The kind, where there are so many rows and columns.

    A ridge on what tasks share is one against few rows. Of many it takes little from errors in
    known tasks, whose own rows make up for it, and much from what new ones are told.
    """
    if n_rows < MANY * n_columns:
        return kind
    other = copy(kind)
    object.__setattr__(other, "alpha_mean", LITTLE)  # kinds are frozen
    return other


def fitted_encoder(data: TaskTable) -> tuple[Any, int]:
    """The table's encoder, and how many columns it makes of its features."""
    encoder = build_model(BASELINES["pooled"], data.task_column, None, data.kind)[:-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # every model says it again
        columns = encoder.fit(data.frame, data.y).get_feature_names_out()
    return encoder[0], len(columns) - data.stacked


def left_out_if_wide(models: dict[str, Any], n_columns: int) -> tuple[dict[str, Any], list[str]]:
    """The same, where the number of columns is known."""
    if n_columns <= WIDEST or models.get(RANDOM_SLOPES) is not MULTITASK[RANDOM_SLOPES]:
        return models, []
    left = {name: model for name, model in models.items() if name != RANDOM_SLOPES}
    return left, [
        f"{RANDOM_SLOPES} is left out: it takes up to {WIDEST} columns (features, and a column for "
        f"each level of a category), and here are {n_columns:,}."
    ]


def at_chosen(model: Any, fitted: Pipeline) -> Any:
    """The contender at what it chose in a fit, where a search would choose anew in each fold."""
    if model not in RIVALS.values():
        return model
    chosen = fitted[-1].best_estimator_
    return lambda task_column, cv, kind: clone(chosen)


def chosen_alpha(model: Pipeline) -> float:
    """The alpha that a fitted contender chose, NaN where it has none."""
    return float(getattr(model[-1], "alpha_", np.nan))


def kept_loss(model: Any, cv: Any, kind: Kind) -> float | None:
    """Mean loss of a fitted contender on the inner folds ``cv`` at the alpha it chose.

    None where it did not keep that one: other folds, another score, targets in other units, or a
    model without a search. Classifiers of the library keep it without the bound on probabilities.
    """
    search = model[-1]
    if isinstance(search, TunedBaseline):
        return search.loss_ if search.cv is cv else None
    if not isinstance(search, AlphaByCV) or search.cv is not cv or search.scoring is not None:
        return None
    if getattr(search, "scale_targets", False):
        return None
    kept = vars(search)
    if is_regressor(search):  # of classifiers it is the log loss, whatever they are fitted by
        other = any(kept.get(name) != value for name, value in kind.options.items())
        if other or (not kind.options and "mse_path_" not in kept):
            return None
    losses = kept["mse_path_"] if "mse_path_" in kept else -kept["scores_"]
    # (alphas,), or with a row for each value of a parameter, most of which stop before the chosen.
    mean = mean_loss(losses.reshape(-1, losses.shape[-1])).reshape(losses.shape[:-1])
    at_alpha = np.broadcast_to(kept["alphas_"] == kept["alpha_"], mean.shape)
    least = float(mean[at_alpha].min())
    return kind.of_search * least if np.isfinite(least) else None
