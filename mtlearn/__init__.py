"""Regularised multi-task learning as scikit-learn estimators.

A name is imported when it is first asked for, so that nobody waits for what they do not use.
Editors and type checkers read ``__init__.pyi``, written by ``python -m tests.contract.stub``.
"""

from importlib import import_module as _import_module

from mtlearn.base import __version__ as __version__

_KINDS = ("Classifier", "ClassifierCV", "Regressor", "RegressorCV")
_NAMES = {
    "mtlearn.adapting": ("adapt",),
    "mtlearn.baselines": ("IndependentTasks", "PooledTasks"),
    "mtlearn.compare": ("compare_tasks",),
    "mtlearn.estimators.clustered_tasks": tuple(f"ClusteredTasks{kind}" for kind in _KINDS),
    "mtlearn.estimators.dirty": tuple(f"Dirty{kind}" for kind in _KINDS),
    "mtlearn.estimators.graph_tasks": tuple(f"GraphTasks{kind}" for kind in _KINDS),
    "mtlearn.estimators.group_lasso": tuple(f"GroupLasso{kind}" for kind in _KINDS),
    "mtlearn.estimators.intervals": ("prediction_interval",),
    "mtlearn.estimators.mean_regularized": tuple(f"MeanRegularized{kind}" for kind in _KINDS),
    "mtlearn.estimators.mixed_targets": ("MixedTargets",),
    "mtlearn.estimators.random_slopes": ("RandomSlopesRegressor",),
    "mtlearn.estimators.random_slopes_classifier": ("RandomSlopesClassifier",),
    "mtlearn.estimators.robust_tasks": tuple(f"RobustTasks{kind}" for kind in _KINDS),
    "mtlearn.estimators.shared_subspace": tuple(f"SharedSubspace{kind}" for kind in _KINDS),
    "mtlearn.estimators.task_relationships": tuple(f"TaskRelationships{kind}" for kind in _KINDS),
    "mtlearn.estimators.trace_norm": tuple(f"TraceNorm{kind}" for kind in _KINDS),
    "mtlearn.moments": ("TaskMoments", "collect_moments", "fit_moments"),
    "mtlearn.table": ("make_table_pipeline",),
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(_import_module(_HOME[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
