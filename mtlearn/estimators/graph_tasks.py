"""Tasks on a graph: the coefficients of neighbours are pulled to each other."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
from scipy import sparse

from mtlearn.estimators.classifier import TaskClassifier
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.docs import documented
from mtlearn.estimators.family import Family
from mtlearn.estimators.regressor import TaskRegressor
from mtlearn.exceptions import in_fold
from mtlearn.inputs.checks import check_count
from mtlearn.inputs.classes import warn_separable_parts
from mtlearn.inputs.graph import TaskGraph, as_labels
from mtlearn.inputs.tasks import TaskData
from mtlearn.losses.logistic import Logistic
from mtlearn.penalties.base import Penalty
from mtlearn.penalties.graph import GraphPenalty, Laplacian
from mtlearn.problems.base import Problem
from mtlearn.problems.models import LinearTasks
from mtlearn.problems.separable import separable_parts
from mtlearn.solvers.setup import Setup
from mtlearn.solvers.solution import Solution


@dataclass(eq=False, repr=False)
class GraphTasks(Family):
    """The coefficients w_t of tasks that are neighbours are pulled to each other.

    Minimises over w_t, b_t (and l_0), with levels l_t = b_t + x̄·w_t::

        (T/N) sum_t omega_t sum_i s_ti loss(y_ti, x_ti·w_t + b_t)
          + (alpha / 2) sum over pairs {s, t} of a_st ‖w_s - w_t‖²
          + (alpha_intercept / 2) sum_t (l_t - l_0)²

    with N the sum of the sample weights s_ti, omega_t the task weights, a_st >= 0 the weights of
    the graph. There is no shared mean, and nothing is charged for what tasks of a connected part
    of the graph have in common: as ``alpha`` grows each part becomes one model, and a task without
    neighbours is fitted alone, without any penalty. Levels are free or pulled together by
    ``alpha_intercept``, all alike: the graph says nothing of them.

    Parameters
    ----------
    alpha : float
        How strongly neighbours are pulled to each other, >= 0 and finite.
    graph : "path", list of pairs, matrix, data frame or dict
        Which tasks are neighbours. "path": each and the next in the order of the sorted labels
        (years; text that differs in numbers alone by these: week 2, week 10), or of the columns of
        a 2-D ``y``.
        Pairs are (label, label) or (label, label, weight), each once or from both ends, as a list
        or the rows of a frame. A matrix (T, T), dense or sparse, holds the weights a_st in the
        order of ``tasks_``; a frame of them has labels on both sides. Coordinates, {label: place}
        or a frame with a row for each label, make neighbours of each task and its ``n_neighbors``
        nearest, in Euclidean distance, with weight 1. Labels without rows may be in the graph: then
        neighbours are also those with such a label between them.
    n_neighbors : int
        How many nearest tasks are neighbours, where ``graph`` holds coordinates.

    Attributes
    ----------
    graph_ : sparse matrix of shape (T, T)
        Weights a_st between the tasks, in the order of ``tasks_``.
    component_ : ndarray of int, of shape (T,)
        Which connected part of the graph a task is in, from 0.
    neighbor_tasks_ : ndarray of shape (U,)
        Labels of the graph that had no rows in fit, but a way to tasks that had: ``predict``
        answers them by their neighbours.
    neighbor_weights_ : ndarray of shape (U, T)
        What their coefficients and intercepts are made of: the weighted mean of their neighbours,
        which minimises what the graph charges. Rows sum to one.

    Notes
    -----
    There is no alpha at which the coefficients vanish, so a counted grid of alphas starts at 100 c,
    c the mean over tasks of trace(H_t)/d, H_t the Hessian of a task. In cross-validation a task
    missing from a training part is answered by the average of the others.

    Classes that a linear model can tell apart within a whole connected part have no finite best
    coefficients; the answer is then one within ``tol`` of the infimum, and a warning says so.

    References
    ----------
    Evgeniou, Micchelli and Pontil (2005). Learning multiple tasks with kernel methods. Journal of
    Machine Learning Research 6.
    """

    _: KW_ONLY
    graph: Any = "path"
    n_neighbors: int = 3
    alpha_mean: float = field(default=1e-3, init=False)  # no parameter: of estimated levels only

    _takes_new_tasks = False
    _of_strangers = "the average of all tasks"
    _instead_of_inf = "Give a large one, such as 1e8, for one model in each connected part."
    _all_that_is_shared = (
        "what their neighbours are, which change with them. Fit again with all rows; tasks "
        "of the graph without rows are answered by predict as they are."
    )
    _degree = 2
    _common_is_free = True
    _remedy = "Loosen tol, or scale the columns of X."

    def _with_mean(self) -> bool:
        return False

    def _check_own_params(self) -> None:
        super()._check_own_params()
        check_count("n_neighbors", self.n_neighbors)

    def _learn(self, data: Any, *asked_of: Any) -> Any:
        self._graph = self._graph_of(data.tasks, data.stacked)
        return super()._learn(data, *asked_of)

    def _tried(self, data: Any) -> Any:
        self._graph = self._graph_of(data.tasks, data.stacked)
        return super()._tried(data)

    def _graph_of(self, tasks: np.ndarray, stacked: bool) -> TaskGraph:
        return TaskGraph.of(self.graph, tasks, self.n_neighbors, stacked)

    def _penalty(self, problem: Problem) -> Penalty:
        graph = getattr(self, "_graph", None)
        if graph is None:  # of a model that somebody else has set up
            graph = self._graph_of(problem.tasks, self._reader.stacked)
        some = tuple(problem.tasks.tolist())
        if some not in graph.kept:
            graph.kept[some] = Laplacian(graph.among(problem.tasks)[0])
        return GraphPenalty(1.0, graph.kept[some])

    def _found(
        self, setup: Setup, data: TaskData, alpha: float, solution: Solution
    ) -> dict[str, Any]:
        found = super()._found(setup, data, alpha, solution)
        asked = isinstance(self._loss, Logistic) and isinstance(data, TaskData) and alpha > 0
        if asked and not in_fold():
            self._warn_of_separable(setup, data, solution)
        return found

    def _warn_of_separable(self, setup: Setup, data: TaskData, solution: Solution) -> None:
        """Classes that one model tells apart in a whole connected part: nothing holds it."""
        problem, usable = setup.problem, self._solvable(data).of_tasks(setup.present)
        models = self._coefficients(problem, solution.point)
        T, K = problem.n_tasks, problem.n_classes
        component = self._penalty(problem).laplacian.component  # type: ignore[attr-defined]
        pooled = self.fit_intercept and setup.alpha_intercept > 0
        parts = separable_parts(
            usable,
            component,
            models["coef_"].reshape(T, K, -1),
            models["intercept_"].reshape(T, K),
            problem.center if pooled else None,
            free_intercepts=bool(self.fit_intercept) and not pooled,
        )
        if parts:
            warn_separable_parts([problem.tasks[component == part].tolist() for part in parts])

    def _take_over(self, found: dict[str, Any], data: Any) -> None:
        graph = self.__dict__.pop("_graph", None)
        if graph is None:  # of coefficients that somebody else has found
            graph = self._graph_of(data.tasks, data.stacked)
        weights, labels, answers = graph.among(data.tasks)
        weights = sparse.csr_matrix(weights)  # whose pickles any SciPy reads
        found |= {"graph_": weights, "component_": Laplacian(weights).component}
        found["neighbor_tasks_"] = as_labels(labels, data.tasks)
        found["neighbor_weights_"] = answers
        super()._take_over(found, data)

    def _read_rows(self, X: Any, task: Any = None) -> tuple[Any, np.ndarray | None]:
        """Labels of the graph without rows in fit come after those that had some."""
        if not self._answers_others():
            return super()._read_rows(X, task)
        labels = np.concatenate([self.tasks_, self.neighbor_tasks_])
        order = np.argsort(labels, kind="stable")
        X, codes = self._reader.with_tasks(labels[order]).rows(self, X, task)
        return X, np.where(codes < 0, -1, order[codes])

    def _answers_others(self) -> bool:
        """Whether there are labels without rows that neighbours answer for."""
        found = getattr(self, "neighbor_tasks_", ())
        return len(found) > 0 and self._reader.way == "labels"

    def _answering_tasks(self) -> LinearTasks:
        known = super()._answering_tasks()
        return known.and_mixed(self.neighbor_weights_) if self._answers_others() else known


@documented
@dataclass(eq=False, repr=False)
class GraphTasksRegressor(GraphTasks, TaskRegressor):
    """Linear regression whose tasks are pulled to their neighbours in a graph.

    See Also
    --------
    GraphTasksRegressorCV : chooses ``alpha`` by cross-validation.
    MeanRegularizedRegressor : every task is pulled to the same mean.

    Examples
    --------
    Slopes drift from year to year; 2003 has no rows, and lies between its neighbours.

    >>> import numpy as np
    >>> from mtlearn import GraphTasksRegressor
    >>> year = np.repeat([2001, 2002, 2004], 3)
    >>> X = np.tile([[0.0], [1.0], [2.0]], (3, 1))
    >>> y = X[:, 0] * np.repeat([1.0, 2.0, 4.0], 3)
    >>> pairs = [(2001, 2002), (2002, 2003), (2003, 2004)]
    >>> model = GraphTasksRegressor(alpha=0.01, graph=pairs).fit(X, y, task=year)
    >>> model.coef_.round(2)
    array([[1.01],
           [2.  ],
           [3.99]])
    >>> model.predict([[1.0]], task=[2003]).round(1)
    array([3.])
    """

    alpha: float = 1.0


@documented
@dataclass(eq=False, repr=False)
class GraphTasksRegressorCV(GraphTasks, AlphaByCV, TaskRegressor):
    """Regression on a graph of tasks with ``alpha`` chosen by cross-validation.

    See Also
    --------
    GraphTasksRegressor : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import GraphTasksRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X, year = rng.standard_normal((100, 3)), np.repeat(np.arange(2000, 2010), 10)
    >>> slopes = np.cumsum(rng.standard_normal((10, 3)), axis=0)[year - 2000]
    >>> y = (X * slopes).sum(axis=1) + rng.standard_normal(100)
    >>> model = GraphTasksRegressorCV(alphas=20).fit(X, y, task=year)
    >>> bool(model.alpha_ in model.alphas_), model.mse_path_.shape[1]
    (True, 5)
    """


@documented
@dataclass(eq=False, repr=False)
class GraphTasksClassifier(GraphTasks, TaskClassifier):
    """Logistic regression whose tasks are pulled to their neighbours in a graph.

    See Also
    --------
    GraphTasksClassifierCV : chooses ``alpha`` by cross-validation.
    GraphTasksRegressor : the same for numbers.
    MeanRegularizedClassifier : every task is pulled to the same mean.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import GraphTasksClassifier
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [0.0], [1.0], [2.0], [3.0]])
    >>> y = ["no", "yes", "no", "yes", "no", "no", "yes", "yes"]
    >>> town = ["north"] * 4 + ["south"] * 4
    >>> model = GraphTasksClassifier(graph=[("north", "south")]).fit(X, y, task=town)
    >>> model.predict([[0.0], [3.0]], task=["south", "north"])
    array(['no', 'yes'], dtype='<U3')
    """

    alpha: float = 0.01


@documented
@dataclass(eq=False, repr=False)
class GraphTasksClassifierCV(GraphTasks, AlphaByCV, TaskClassifier):
    """Logistic regression on a graph of tasks with ``alpha`` chosen by cross-validation.

    See Also
    --------
    GraphTasksClassifier : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import GraphTasksClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X, year = rng.standard_normal((100, 2)), np.repeat(np.arange(2000, 2005), 20)
    >>> y = X[:, 0] + (year - 2002) * X[:, 1] + rng.standard_normal(100) > 0
    >>> model = GraphTasksClassifierCV(alphas=5, cv=3).fit(X, y, task=year)
    >>> model.scores_.shape[1]
    3
    """
