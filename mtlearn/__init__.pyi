# Written by `python -m tests.contract.stub`; change __init__.py instead.
from typing import Any

from mtlearn.base import __version__ as __version__
from mtlearn.adapting import adapt as adapt
from mtlearn.baselines import IndependentTasks as _IndependentTasks
from mtlearn.baselines import PooledTasks as _PooledTasks
from mtlearn.compare import compare_tasks as compare_tasks
from mtlearn.estimators.clustered_tasks import ClusteredTasksClassifier as _ClusteredTasksClassifier
from mtlearn.estimators.clustered_tasks import ClusteredTasksClassifierCV as _ClusteredTasksClassifierCV
from mtlearn.estimators.clustered_tasks import ClusteredTasksRegressor as _ClusteredTasksRegressor
from mtlearn.estimators.clustered_tasks import ClusteredTasksRegressorCV as _ClusteredTasksRegressorCV
from mtlearn.estimators.dirty import DirtyClassifier as _DirtyClassifier
from mtlearn.estimators.dirty import DirtyClassifierCV as _DirtyClassifierCV
from mtlearn.estimators.dirty import DirtyRegressor as _DirtyRegressor
from mtlearn.estimators.dirty import DirtyRegressorCV as _DirtyRegressorCV
from mtlearn.estimators.graph_tasks import GraphTasksClassifier as _GraphTasksClassifier
from mtlearn.estimators.graph_tasks import GraphTasksClassifierCV as _GraphTasksClassifierCV
from mtlearn.estimators.graph_tasks import GraphTasksRegressor as _GraphTasksRegressor
from mtlearn.estimators.graph_tasks import GraphTasksRegressorCV as _GraphTasksRegressorCV
from mtlearn.estimators.group_lasso import GroupLassoClassifier as _GroupLassoClassifier
from mtlearn.estimators.group_lasso import GroupLassoClassifierCV as _GroupLassoClassifierCV
from mtlearn.estimators.group_lasso import GroupLassoRegressor as _GroupLassoRegressor
from mtlearn.estimators.group_lasso import GroupLassoRegressorCV as _GroupLassoRegressorCV
from mtlearn.estimators.intervals import prediction_interval as prediction_interval
from mtlearn.estimators.mean_regularized import MeanRegularizedClassifier as _MeanRegularizedClassifier
from mtlearn.estimators.mean_regularized import MeanRegularizedClassifierCV as _MeanRegularizedClassifierCV
from mtlearn.estimators.mean_regularized import MeanRegularizedRegressor as _MeanRegularizedRegressor
from mtlearn.estimators.mean_regularized import MeanRegularizedRegressorCV as _MeanRegularizedRegressorCV
from mtlearn.estimators.mixed_targets import MixedTargets as _MixedTargets
from mtlearn.estimators.random_slopes import RandomSlopesRegressor as _RandomSlopesRegressor
from mtlearn.estimators.random_slopes_classifier import RandomSlopesClassifier as _RandomSlopesClassifier
from mtlearn.estimators.robust_tasks import RobustTasksClassifier as _RobustTasksClassifier
from mtlearn.estimators.robust_tasks import RobustTasksClassifierCV as _RobustTasksClassifierCV
from mtlearn.estimators.robust_tasks import RobustTasksRegressor as _RobustTasksRegressor
from mtlearn.estimators.robust_tasks import RobustTasksRegressorCV as _RobustTasksRegressorCV
from mtlearn.estimators.task_relationships import TaskRelationshipsClassifier as _TaskRelationshipsClassifier
from mtlearn.estimators.task_relationships import TaskRelationshipsClassifierCV as _TaskRelationshipsClassifierCV
from mtlearn.estimators.task_relationships import TaskRelationshipsRegressor as _TaskRelationshipsRegressor
from mtlearn.estimators.task_relationships import TaskRelationshipsRegressorCV as _TaskRelationshipsRegressorCV
from mtlearn.estimators.trace_norm import TraceNormClassifier as _TraceNormClassifier
from mtlearn.estimators.trace_norm import TraceNormClassifierCV as _TraceNormClassifierCV
from mtlearn.estimators.trace_norm import TraceNormRegressor as _TraceNormRegressor
from mtlearn.estimators.trace_norm import TraceNormRegressorCV as _TraceNormRegressorCV
from mtlearn.moments import TaskMoments as TaskMoments
from mtlearn.moments import collect_moments as collect_moments
from mtlearn.moments import fit_moments as fit_moments
from mtlearn.table import make_table_pipeline as make_table_pipeline

class IndependentTasks(_IndependentTasks):
    def __init__(
        self,
        estimator: Any,
        *,
        task_column: Any = ...,
        unseen_task: Any = ...,
    ) -> None: ...

class PooledTasks(_PooledTasks):
    def __init__(
        self,
        estimator: Any,
        *,
        task_dummies: Any = ...,
        task_column: Any = ...,
        unseen_task: Any = ...,
    ) -> None: ...

class ClusteredTasksClassifier(_ClusteredTasksClassifier):
    def __init__(
        self,
        alpha: float = ...,
        *,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
        n_clusters: Any = ...,
        within_ratio: float = ...,
        random_state: Any = ...,
    ) -> None: ...

class ClusteredTasksClassifierCV(_ClusteredTasksClassifierCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
        n_clusters: Any = ...,
        within_ratio: float = ...,
        random_state: Any = ...,
    ) -> None: ...

class ClusteredTasksRegressor(_ClusteredTasksRegressor):
    def __init__(
        self,
        alpha: float = ...,
        *,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
        n_clusters: Any = ...,
        within_ratio: float = ...,
        random_state: Any = ...,
    ) -> None: ...

class ClusteredTasksRegressorCV(_ClusteredTasksRegressorCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
        n_clusters: Any = ...,
        within_ratio: float = ...,
        random_state: Any = ...,
    ) -> None: ...

class DirtyClassifier(_DirtyClassifier):
    def __init__(
        self,
        alpha: float = ...,
        *,
        norm: str = ...,
        specific_ratio: Any = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
    ) -> None: ...

class DirtyClassifierCV(_DirtyClassifierCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        norm: str = ...,
        specific_ratio: Any = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
    ) -> None: ...

class DirtyRegressor(_DirtyRegressor):
    def __init__(
        self,
        alpha: float = ...,
        *,
        norm: str = ...,
        specific_ratio: Any = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
    ) -> None: ...

class DirtyRegressorCV(_DirtyRegressorCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        norm: str = ...,
        specific_ratio: Any = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
    ) -> None: ...

class GraphTasksClassifier(_GraphTasksClassifier):
    def __init__(
        self,
        alpha: float = ...,
        *,
        feature_weight: Any = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
        graph: Any = ...,
        n_neighbors: int = ...,
    ) -> None: ...

class GraphTasksClassifierCV(_GraphTasksClassifierCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        feature_weight: Any = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
        graph: Any = ...,
        n_neighbors: int = ...,
    ) -> None: ...

class GraphTasksRegressor(_GraphTasksRegressor):
    def __init__(
        self,
        alpha: float = ...,
        *,
        feature_weight: Any = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
        graph: Any = ...,
        n_neighbors: int = ...,
    ) -> None: ...

class GraphTasksRegressorCV(_GraphTasksRegressorCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        feature_weight: Any = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
        graph: Any = ...,
        n_neighbors: int = ...,
    ) -> None: ...

class GroupLassoClassifier(_GroupLassoClassifier):
    def __init__(
        self,
        alpha: float = ...,
        *,
        norm: str = ...,
        l1_ratio: float = ...,
        feature_groups: Any = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
    ) -> None: ...

class GroupLassoClassifierCV(_GroupLassoClassifierCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        norm: str = ...,
        l1_ratio: float = ...,
        feature_groups: Any = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
    ) -> None: ...

class GroupLassoRegressor(_GroupLassoRegressor):
    def __init__(
        self,
        alpha: float = ...,
        *,
        norm: str = ...,
        l1_ratio: float = ...,
        feature_groups: Any = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
    ) -> None: ...

class GroupLassoRegressorCV(_GroupLassoRegressorCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        norm: str = ...,
        l1_ratio: float = ...,
        feature_groups: Any = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
    ) -> None: ...

class MeanRegularizedClassifier(_MeanRegularizedClassifier):
    def __init__(
        self,
        alpha: float | str = ...,
        *,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
    ) -> None: ...

class MeanRegularizedClassifierCV(_MeanRegularizedClassifierCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
    ) -> None: ...

class MeanRegularizedRegressor(_MeanRegularizedRegressor):
    def __init__(
        self,
        alpha: float | str = ...,
        *,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
    ) -> None: ...

class MeanRegularizedRegressorCV(_MeanRegularizedRegressorCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
    ) -> None: ...

class MixedTargets(_MixedTargets):
    def __init__(
        self,
        estimator: Any = ...,
        *,
        loss: Any = ...,
        noise: Any = ...,
    ) -> None: ...

class RandomSlopesRegressor(_RandomSlopesRegressor):
    def __init__(
        self,
        *,
        covariance: str = ...,
        method: str = ...,
        alpha_mean: float | str = ...,
        shrinkage: float | str = ...,
        store_covariance: bool = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        unseen_task: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        verbose: int = ...,
    ) -> None: ...

class RandomSlopesClassifier(_RandomSlopesClassifier):
    def __init__(
        self,
        *,
        covariance: str = ...,
        method: str = ...,
        alpha_mean: float | str = ...,
        shrinkage: float | str = ...,
        store_covariance: bool = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        unseen_task: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        verbose: int = ...,
        average_proba: bool = ...,
        class_weight: Any = ...,
    ) -> None: ...

class RobustTasksClassifier(_RobustTasksClassifier):
    def __init__(
        self,
        alpha: float = ...,
        *,
        structure: str | None = ...,
        outlier_ratio: Any = ...,
        weight_by_size: bool = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
    ) -> None: ...

class RobustTasksClassifierCV(_RobustTasksClassifierCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        structure: str | None = ...,
        outlier_ratio: Any = ...,
        weight_by_size: bool = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
    ) -> None: ...

class RobustTasksRegressor(_RobustTasksRegressor):
    def __init__(
        self,
        alpha: float = ...,
        *,
        structure: str | None = ...,
        outlier_ratio: Any = ...,
        weight_by_size: bool = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
    ) -> None: ...

class RobustTasksRegressorCV(_RobustTasksRegressorCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        structure: str | None = ...,
        outlier_ratio: Any = ...,
        weight_by_size: bool = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
    ) -> None: ...

class TaskRelationshipsClassifier(_TaskRelationshipsClassifier):
    def __init__(
        self,
        alpha: float = ...,
        *,
        ridge_ratio: float = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
    ) -> None: ...

class TaskRelationshipsClassifierCV(_TaskRelationshipsClassifierCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        ridge_ratio: float = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
    ) -> None: ...

class TaskRelationshipsRegressor(_TaskRelationshipsRegressor):
    def __init__(
        self,
        alpha: float = ...,
        *,
        ridge_ratio: float = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
    ) -> None: ...

class TaskRelationshipsRegressorCV(_TaskRelationshipsRegressorCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        ridge_ratio: float = ...,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
    ) -> None: ...

class TraceNormClassifier(_TraceNormClassifier):
    def __init__(
        self,
        alpha: float = ...,
        *,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
    ) -> None: ...

class TraceNormClassifierCV(_TraceNormClassifierCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        class_weight: Any = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
    ) -> None: ...

class TraceNormRegressor(_TraceNormRegressor):
    def __init__(
        self,
        alpha: float = ...,
        *,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
    ) -> None: ...

class TraceNormRegressorCV(_TraceNormRegressorCV):
    def __init__(
        self,
        alphas: Any = ...,
        *,
        shared_mean: bool = ...,
        feature_weight: Any = ...,
        alpha_mean: float = ...,
        alpha_intercept: float | str = ...,
        fit_intercept: bool = ...,
        task_column: str | int | None = ...,
        task_weight: Any = ...,
        unseen_task: str = ...,
        solver: str = ...,
        max_iter: int = ...,
        tol: float = ...,
        warm_start: bool = ...,
        verbose: int = ...,
        loss: str = ...,
        huber_scale: float | str = ...,
        quantile: float = ...,
        scale_targets: bool = ...,
        eps: float = ...,
        cv: Any = ...,
        scoring: Any = ...,
        selection: str = ...,
        n_jobs: int | None = ...,
    ) -> None: ...

__all__ = [
    "ClusteredTasksClassifier",
    "ClusteredTasksClassifierCV",
    "ClusteredTasksRegressor",
    "ClusteredTasksRegressorCV",
    "DirtyClassifier",
    "DirtyClassifierCV",
    "DirtyRegressor",
    "DirtyRegressorCV",
    "GraphTasksClassifier",
    "GraphTasksClassifierCV",
    "GraphTasksRegressor",
    "GraphTasksRegressorCV",
    "GroupLassoClassifier",
    "GroupLassoClassifierCV",
    "GroupLassoRegressor",
    "GroupLassoRegressorCV",
    "IndependentTasks",
    "MeanRegularizedClassifier",
    "MeanRegularizedClassifierCV",
    "MeanRegularizedRegressor",
    "MeanRegularizedRegressorCV",
    "MixedTargets",
    "PooledTasks",
    "RandomSlopesClassifier",
    "RandomSlopesRegressor",
    "RobustTasksClassifier",
    "RobustTasksClassifierCV",
    "RobustTasksRegressor",
    "RobustTasksRegressorCV",
    "TaskMoments",
    "TaskRelationshipsClassifier",
    "TaskRelationshipsClassifierCV",
    "TaskRelationshipsRegressor",
    "TaskRelationshipsRegressorCV",
    "TraceNormClassifier",
    "TraceNormClassifierCV",
    "TraceNormRegressor",
    "TraceNormRegressorCV",
    "adapt",
    "collect_moments",
    "compare_tasks",
    "fit_moments",
    "make_table_pipeline",
    "prediction_interval",
]
