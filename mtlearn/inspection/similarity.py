"""Which tasks are alike: similarities between tasks, and the clusters that they form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import silhouette_score

from mtlearn.inputs.checks import check_flag, check_option
from mtlearn.inputs.frames import library_of, new_frame
from mtlearn.inspection.coef_table import other_name
from mtlearn.inspection.fitted import FittedTasks
from mtlearn.inspection.metric import second_moment

KINDS = ("prediction", "cosine", "correlation")
MOST_CLUSTERS = 20  # among which a number is suggested
WEAK = 0.5  # silhouette up to which Kaufman and Rousseeuw (1990) call clusters weak or artificial
ORDERED = (
    500  # tasks up to which leaves are ordered so that neighbours are alike: its time is cubic
)
ROUNDING = 1e-10  # of the largest deviation: a smaller one is none


@dataclass(frozen=True, eq=False)
class TaskSimilarity:
    """What :func:`task_similarity` found.

    Attributes
    ----------
    matrix : data frame
        ``task``, and a column for each task by its label as text.
    values : ndarray of shape (T, T)
        The same numbers, tasks in the order of ``tasks_``.
    tasks : data frame
        ``task``, ``cluster`` (1, 2, …, the largest first) and ``position``, the place of the task
        in the dendrogram.
    linkage : ndarray of shape (T - 1, 4)
        The tree, as SciPy has it; empty for one task.
    n_clusters : int
        As asked for, or suggested: 1 where there are none to speak of.
    silhouette : float
        Mean silhouette of these clusters, NaN for one.
    kind : {"prediction", "cosine", "correlation"}

    Examples
    --------
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.datasets import make_multitask_regression
    >>> from mtlearn.inspection import task_similarity
    >>> drawn = make_multitask_regression(
    ...     n_tasks=12, n_features=8, structure="clusters", n_clusters=3, random_state=0
    ... )
    >>> model = MeanRegularizedRegressor(alpha=0.1).fit(drawn.data, drawn.target, task=drawn.task)
    >>> found = task_similarity(model, drawn.data)
    >>> found.values.shape, found.n_clusters
    ((12, 12), 3)
    """

    matrix: Any
    values: np.ndarray
    tasks: Any
    linkage: np.ndarray
    n_clusters: int
    silhouette: float
    kind: str


def task_similarity(
    model: Any,
    X: Any = None,
    *,
    task: Any = None,
    kind: str | None = None,
    centred: bool = True,
    n_clusters: int | None = None,
) -> TaskSimilarity:
    """Which tasks are alike, and the clusters that they form.

    With v_t the deviations of task t from the shared model (all classes one after the other), and
    S the second moment of the rows of X about their mean, the similarity of two tasks is

        prediction     v_s' S v_t / (v_s' S v_s · v_t' S v_t)^½,

    the correlation over rows of what the two tasks predict beyond the shared model. It does not
    change if columns are scaled, or replaced by others that span the same, and is what to look at
    where columns are collinear: one of two equal columns may carry the coefficient in one task and
    the other in another. "cosine" has the identity in the place of S, and "correlation" takes from
    v_t its mean over features first. Levels take no part.

    Clusters are those of average linkage on 1 - similarity, their number that of the largest mean
    silhouette among 2 to 20, or 1 where that is at most 0.5 ("weak, could be artificial"). It is 1,
    too, where tasks differ in one feature alone: of that similarities know the sign and no more.

    Parameters
    ----------
    model : estimator, Pipeline or search
        A fitted model of this library; a pipeline that ends in one; a finished search for one.
    X : array-like or data frame of shape (n, d), default=None
        Rows that say how features vary, as ``predict`` takes them. Needed for "prediction".
    task : array-like of shape (n,), default=None
        Not needed, since all rows count for all tasks alike; taken so that calls look alike.
    kind : {"prediction", "cosine", "correlation"}, default=None
        None is "prediction" where X is given, otherwise "cosine".
    centred : bool, default=True
        Deviations from the shared model. False compares whole coefficients, which are all alike
        where tasks share much.
    n_clusters : int, default=None
        How many clusters; None suggests a number.

    Returns
    -------
    TaskSimilarity
        ``matrix``, ``tasks``, ``linkage``, ``n_clusters``; frames in the library of X, otherwise
        of pandas or polars. Two tasks without any deviation have the similarity 1, with others 0.

    Raises
    ------
    ValueError
        For "prediction" without X, and ``n_clusters`` beyond the number of tasks.
    TypeError
        If the model has no coefficients of tasks.

    See Also
    --------
    structure_report : Which tasks are far from all others.
    mtlearn.plotting.TaskSimilarityDisplay : The picture.

    Notes
    -----
    What is noise in the deviations is noise in their directions, and where tasks differ in few
    features random directions look like clusters: of eight drawn tables of 24 tasks without
    clusters none was given any where tasks differ much in ten features, three where they differ
    little in ten, and seven where they differ little in four. Believe clusters that come back
    with other rows.
    Time and memory grow with T².

    References
    ----------
    Bar-Joseph, Gifford and Jaakkola (2001). Fast optimal leaf ordering for hierarchical clustering.
    Bioinformatics 17.

    Kaufman and Rousseeuw (1990). Finding groups in data. Wiley.

    Rousseeuw (1987). Silhouettes: a graphical aid to the interpretation and validation of cluster
    analysis. Journal of Computational and Applied Mathematics 20.

    Examples
    --------
    >>> from mtlearn import MeanRegularizedRegressor
    >>> from mtlearn.datasets import make_multitask_regression
    >>> from mtlearn.inspection import task_similarity
    >>> drawn = make_multitask_regression(
    ...     n_tasks=12, n_features=8, structure="clusters", n_clusters=3, random_state=0
    ... )
    >>> model = MeanRegularizedRegressor(alpha=0.1).fit(drawn.data, drawn.target, task=drawn.task)
    >>> found = task_similarity(model, drawn.data)
    >>> found.n_clusters, found.values.shape
    (3, (12, 12))
    """
    check_flag("centred", centred)
    if kind is None:
        kind = "cosine" if X is None else "prediction"
    check_option("kind", kind, KINDS)
    if kind == "prediction" and X is None:
        raise ValueError(
            'kind="prediction" weighs features by how they vary, and X is None. Give rows, '
            'task_similarity(model, X), or kind="cosine".'
        )
    fitted = FittedTasks.of(model)
    T = fitted.n_tasks
    if n_clusters is not None and not 1 <= n_clusters <= T:
        raise ValueError(
            f"n_clusters={n_clusters!r} is not allowed; it must be a whole number from 1 to the "
            f"number of tasks, {T}."
        )
    library = library_of(X, asked_by="task_similarity")
    V = fitted.deviation if centred else fitted.coef
    values = _similarities(V, kind, None if X is None else fitted.features_of(X))
    if n_clusters is None and _differ_in_one(V):
        n_clusters = 1
    tree, cluster, order, score = _clusters(values, n_clusters)
    position = np.empty(T, dtype=np.intp)
    position[order] = np.arange(T)
    matrix: dict[str, Any] = {"task": fitted.labels}
    for label, column in zip(fitted.labels, values.T, strict=True):
        matrix[other_name(str(label), matrix)] = column  # a task may be called "task"
    return TaskSimilarity(
        matrix=new_frame(matrix, library),
        values=values,
        tasks=new_frame({"task": fitted.labels, "cluster": cluster, "position": position}, library),
        linkage=tree,
        n_clusters=int(cluster.max()),
        silhouette=score,
        kind=kind,
    )


def _differ_in_one(V: np.ndarray) -> bool:
    """Whether no more than one feature (of one class) has deviations."""
    size = np.abs(V).max(axis=0)
    return int(np.sum(size > ROUNDING * size.max(initial=0.0))) <= 1


def _similarities(V: np.ndarray, kind: str, rows: Any) -> np.ndarray:
    """(T, T) of V (T, K, d)."""
    if kind == "correlation":
        V = V - V.mean(axis=2, keepdims=True)
    weighed = V @ second_moment(rows) if kind == "prediction" else V
    flat = V.reshape(len(V), -1)
    products = flat @ weighed.reshape(len(V), -1).T
    products = (products + products.T) / 2
    size = np.sqrt(np.maximum(np.diag(products), 0.0))
    none = size <= ROUNDING * size.max(initial=0.0)
    unit = np.where(none, 1.0, size)
    values = np.clip(products / np.outer(unit, unit), -1.0, 1.0)
    values[none], values[:, none] = 0.0, 0.0
    values[np.ix_(none, none)] = 1.0
    np.fill_diagonal(values, 1.0)
    return values


def _clusters(
    values: np.ndarray, n_clusters: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Tree, cluster of each task, tasks in the order of the leaves, and the mean silhouette."""
    T = len(values)
    if T == 1:
        return np.empty((0, 4)), np.ones(1, dtype=np.intp), np.zeros(1, dtype=np.intp), np.nan
    distance = np.maximum(1.0 - values, 0.0)
    np.fill_diagonal(distance, 0.0)
    pairs = squareform(distance, checks=False)
    tree = linkage(pairs, method="average", optimal_ordering=T <= ORDERED)

    def cut(k: int) -> tuple[float, np.ndarray]:
        cluster = fcluster(tree, k, criterion="maxclust")
        n = int(cluster.max())
        inside = 2 <= n < T
        score = silhouette_score(distance, cluster, metric="precomputed") if inside else np.nan
        return float(score), cluster

    if n_clusters is None:
        found = [cut(k) for k in range(2, min(MOST_CLUSTERS, T - 1) + 1)]
        score, cluster = max(found, key=lambda one: one[0], default=(np.nan, None))
        if not score > WEAK:
            score, cluster = np.nan, np.ones(T, dtype=np.intp)
    else:
        score, cluster = cut(n_clusters)
    # ties in the tree may leave fewer than asked for; numbers go by size, the first task first
    _, first, code, size = np.unique(
        cluster, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(size), dtype=np.intp)
    rank[np.lexsort((first, -size))] = np.arange(1, len(size) + 1)
    return tree, rank[code.reshape(-1)], leaves_list(tree), score
