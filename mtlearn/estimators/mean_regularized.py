"""Mean-regularised: every task's coefficients are pulled to a mean that all tasks share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlearn.estimators.classifier import TaskClassifier
from mtlearn.estimators.cv import AlphaByCV
from mtlearn.estimators.docs import documented
from mtlearn.estimators.family import Family
from mtlearn.estimators.regressor import TaskRegressor
from mtlearn.penalties.base import Penalty
from mtlearn.penalties.squared_norm import SquaredNorm
from mtlearn.problems.base import Problem

ALIKE = 0.9  # of the mean of the tasks, from where w_0 is taken for it


@dataclass(eq=False, repr=False)
class MeanRegularized(Family):
    """Every task's coefficients w_t are pulled to a mean w_0 that all tasks share.

    Minimises over w_0, w_t, l_0, b_t, with levels l_t = b_t + x̄·w_t::

        (T/N) sum_t omega_t sum_i s_ti loss(y_ti, x_ti·w_t + b_t)
          + (alpha / 2) sum_t ‖w_t - w_0‖² + (alpha_mean T / 2) ‖w_0‖²
          + (alpha_intercept / 2) sum_t (l_t - l_0)²

    with N the sum of the sample weights s_ti and omega_t the task weights. From ``alpha`` = 0 (a
    model per task) to infinity (one pooled model) it goes the whole way between starving tasks
    and blurring them.

    Parameters
    ----------
    alpha : float or "auto"
        How strongly tasks are pulled to the mean, >= 0; ``inf`` makes them equal. "auto" is
        (T/N) sigma²/tau², with sigma² the variance of the noise and tau² that of the slopes, one
        for all, by restricted maximum likelihood, together with that of the levels where
        ``alpha_intercept`` is "auto" too.

    Attributes
    ----------
    alpha_ : float
        The strength used, where it was estimated or searched.

    Notes
    -----
    There is no alpha at which the deviations vanish, so a counted grid of alphas starts at 100 c,
    c the mean over tasks of trace(H_t)/d, H_t the Hessian of a task.

    For the squared loss, with alpha = alpha_intercept = (T/N) sigma²/tau² and alpha_mean = 0, the
    predictions are the BLUP of a mixed model with random levels and slopes of covariance tau² I.
    Levels l_t = b_t + x̄·w_t are predictions at x̄, the mean of all rows (``center_``): a random
    intercept at year 0 would mean nothing, and no answer depends on where features have their
    zero.

    At the minimum w_0 is alpha / (alpha + alpha_mean) of the mean of the tasks' w_t: where tasks
    have many rows and alpha is small, an ``alpha_mean`` that is no smaller shrinks what new tasks
    are answered by, and pulls small tasks to zero and not to the others. Then give
    ``alpha_mean=0``.

    References
    ----------
    Evgeniou and Pontil (2004). Regularized multi-task learning. KDD.

    Robinson (1991). That BLUP is a good thing. Statistical Science 6.
    """

    _alpha_may_be_infinite = True
    _alpha_may_be_estimated = True
    _degree = 2
    _remedy = "Use a larger alpha or alpha_mean, loosen tol, or scale the columns of X."

    def _with_mean(self) -> bool:
        return True

    def _more_of_strangers(self) -> str:
        """How much of the mean of the tasks the ridge leaves of w_0, where it is much less.

        At the minimum alpha sum_t (w_t - w_0) = alpha_mean T w_0, whatever the loss.
        """
        alpha = vars(self).get("alpha_", getattr(self, "alpha", None))
        ridge = vars(self).get("alpha_mean_", self.alpha_mean)
        if not (0 < ridge < np.inf and alpha < np.inf) or (kept := alpha / (alpha + ridge)) > ALIKE:
            return ""
        return (
            f", which alpha_mean={ridge:.3g} beside alpha={alpha:.3g} shrinks to {kept:.0%} "
            "of the mean of the tasks (alpha_mean=0 leaves it as it is)"
        )

    def _penalty(self, problem: Problem) -> Penalty:
        return SquaredNorm(1.0)


@documented
@dataclass(eq=False, repr=False)
class MeanRegularizedRegressor(TaskRegressor, MeanRegularized):
    """Linear regression whose tasks share a mean coefficient vector; a closed form.

    See Also
    --------
    MeanRegularizedRegressorCV : chooses ``alpha`` by cross-validation.
    GroupLassoRegressor : tasks share features instead of a mean.
    PooledTasks, IndependentTasks : the two ends, around any scikit-learn estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressor
    >>> X = np.array([[0.0], [1.0], [2.0], [0.0], [1.0], [2.0]])
    >>> y = np.array([0.0, 1.0, 2.0, 1.0, 4.0, 7.0])
    >>> school = ["north", "north", "north", "south", "south", "south"]
    >>> model = MeanRegularizedRegressor(alpha=0.1, alpha_mean=0).fit(X, y, task=school)
    >>> model.coef_.round(2)
    array([[1.13],
           [2.87]])
    >>> model.predict([[3.0]], task=["south"]).round(1)
    array([9.6])
    """

    alpha: float | str = 1.0


@documented
@dataclass(eq=False, repr=False)
class MeanRegularizedRegressorCV(AlphaByCV, TaskRegressor, MeanRegularized):
    """Mean-regularised regression with ``alpha`` chosen by cross-validation.

    See Also
    --------
    MeanRegularizedRegressor : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedRegressorCV
    >>> rng = np.random.default_rng(0)
    >>> X, task = rng.standard_normal((60, 3)), np.repeat(["a", "b", "c"], 20)
    >>> y = X @ [1.0, 2.0, 3.0] + 0.1 * rng.standard_normal(60)
    >>> model = MeanRegularizedRegressorCV(alphas=20).fit(X, y, task=task)
    >>> bool(model.alpha_ in model.alphas_), model.mse_path_.shape[1]
    (True, 5)
    """


@documented
@dataclass(eq=False, repr=False)
class MeanRegularizedClassifier(TaskClassifier, MeanRegularized):
    """Logistic regression whose tasks share a mean coefficient vector.

    See Also
    --------
    MeanRegularizedClassifierCV : chooses ``alpha`` by cross-validation.
    MeanRegularizedRegressor : the same for numbers.
    GroupLassoClassifier : tasks share features instead of a mean.
    PooledTasks, IndependentTasks : the two ends, around any scikit-learn estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedClassifier
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [0.0], [1.0], [2.0], [3.0]])
    >>> y = ["no", "no", "yes", "yes", "no", "yes", "yes", "yes"]
    >>> school = ["north"] * 4 + ["south"] * 4
    >>> model = MeanRegularizedClassifier(alpha=0.1).fit(X, y, task=school)
    >>> model.predict([[0.0], [3.0]], task=["south", "north"])
    array(['no', 'yes'], dtype='<U3')
    """

    alpha: float | str = 0.01


@documented
@dataclass(eq=False, repr=False)
class MeanRegularizedClassifierCV(AlphaByCV, TaskClassifier, MeanRegularized):
    """Mean-regularised logistic regression with ``alpha`` chosen by cross-validation.

    See Also
    --------
    MeanRegularizedClassifier : for one alpha, and for the path.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn import MeanRegularizedClassifierCV
    >>> rng = np.random.default_rng(0)
    >>> X, task = rng.standard_normal((60, 3)), np.repeat(["a", "b", "c"], 20)
    >>> y = X @ [1.0, 2.0, 3.0] + rng.standard_normal(60) > 0
    >>> model = MeanRegularizedClassifierCV(alphas=10).fit(X, y, task=task)
    >>> model.scores_.shape[1]
    5
    """
