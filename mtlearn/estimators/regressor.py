"""What is particular to regressors: numbers or counts as targets, their losses, units."""

from __future__ import annotations

import warnings
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from mtlearn.estimators.base import TaskLinearModel
from mtlearn.estimators.linear import NumberAnswers
from mtlearn.estimators.loss_choice import check_loss, loss_of
from mtlearn.exceptions import counted, level_of_user, plain
from mtlearn.inputs.checks import check_flag
from mtlearn.inputs.counts import check_counts, half_an_event, warn_of_nothing
from mtlearn.inputs.reading import read_fit
from mtlearn.inputs.tasks import TaskData
from mtlearn.inputs.units import choose_units
from mtlearn.losses.base import Loss
from mtlearn.problems.base import Problem
from mtlearn.selection.judges import MinusLoss, Named, SquaredError, dressed_regressor
from mtlearn.selection.robust import RobustFit
from mtlearn.solvers.setup import Model, Setup
from mtlearn.solvers.solution import Solution


@dataclass(eq=False, repr=False)
class TaskRegressor(NumberAnswers, TaskLinearModel):
    """Linear regression for many tasks.

    The loss is half the squared error, ½ (y - f)², unless ``loss`` says otherwise. With one X for
    all targets, complete and unweighted, the first term is 1/(2n) ‖Y - XW‖², the scale of
    scikit-learn's MultiTaskLasso.

    Parameters
    ----------
    loss : {"squared", "poisson", "huber", "quantile"}
        What an error costs. "squared" is ½ (y - f)². "poisson" is for counts: half the deviance
        y log(y/mu) - y + mu, mu = exp(f) is predicted; of rates (counts over exposure) the
        exposure is the sample weight, whole or not: to alpha_intercept="auto" a row of weight 2
        is one label watched twice as long and not two, as its estimate knows how counts vary
        beyond Poisson's. "huber" is ½ r² of residuals r up to a size of
        delta = 1.345 ``huber_scale`` and linear beyond, so that outliers pull no harder. "quantile"
        is q r of residuals r >= 0 and (q - 1) r below, q the ``quantile`` that is predicted.
        Moments suffice for "squared" alone.
    huber_scale : "auto" or float
        Standard deviation of errors that are no outliers, in units of ``y`` (of scaled targets
        under ``scale_targets``), where ``loss`` is "huber". "auto" estimates it once from all
        rows: 1.4826 times the median size of residuals of a mean-regularised fit of this loss.
    quantile : float
        Share of targets that are to lie below what is predicted, between 0 and 1, where ``loss``
        is "quantile"; 0.5 is the median, by half the absolute error.
    scale_targets : bool
        For a 2-D ``y``: weigh the targets alike, by dividing each by its standard deviation
        during the fit.

    Attributes
    ----------
    coef_ : ndarray of shape (T, d), or (d,) for one target without tasks
        Coefficients w_t of each task.
    intercept_ : ndarray of shape (T,), or float
        Intercepts.
    mean_coef_ : ndarray of shape (d,)
        The shared mean w_0, where the model has one; in the scaled targets' units under
        ``scale_targets``. Of features of ``feature_weight`` 0 it is the average of the tasks' best
        coefficients given w_0.
    mean_intercept_ : float
        Intercept of the shared model, where there is one: l_0 - x̄·w_0 where levels are pooled,
        otherwise the average of the tasks' best intercepts given w_0.
    target_scale_ : ndarray of shape (T,)
        What the targets were divided by, under ``scale_targets``.
    huber_scale_ : float
        The scale used, where ``loss`` is "huber".
    """

    _: KW_ONLY
    loss: str = "squared"
    huber_scale: float | str = "auto"
    quantile: float = 0.5
    scale_targets: bool = False

    _posed: ClassVar[Any] = None  # what MixedTargets says of the columns of y: a Posed

    @property
    def _loss(self) -> Loss:  # type: ignore[override]
        if self._posed is not None:
            return self._posed.loss
        scale = getattr(self, "_scale", 1.0)  # before a fit any will do
        return loss_of(self.loss, scale, self.quantile)

    def _take_over(self, found: dict[str, Any], data: TaskData) -> None:
        super()._take_over(found, data)
        # set_params may name another loss before the next fit
        self._fitted_by = {"loss": self.loss, "quantile": self.quantile}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = self.loss == "poisson"
        return tags

    def _read(self, X: Any, y: Any, sample_weight: Any, task: Any) -> TaskData:
        self._check_params()
        data, self._reader = read_fit(self, X, y, sample_weight, task)
        data = self._with_repetitions(data)
        if self.loss == "poisson":
            check_counts(data.y, self.loss)
        if self.loss == "huber":
            given, self._scale = self.huber_scale, 1.0
            self._scale = self._scale_of_errors(data) if isinstance(given, str) else float(given)
        return data

    def _scale_of_errors(self, data: TaskData) -> float:
        data, _ = choose_units(data, self)
        scaled = bool(self.scale_targets) and not data.stacked
        options = {"fit_intercept": bool(self.fit_intercept), "scale_targets": scaled}
        return RobustFit.of(data.of_tasks(data.totals() > 0), **options).scale

    def _model(self) -> Model:
        model = super()._model()
        return model if self._posed is None else replace(model, noise=self._posed.noise)

    def _solved(
        self, model: Model, setup: Setup, usable: TaskData, alpha: float, start: Any
    ) -> tuple[Setup, Solution, dict[str, Any]]:
        if self._posed is None:
            return super()._solved(model, setup, usable, alpha, start)
        return self._posed.solved(model, setup, usable, alpha, start)

    def _solvable(self, data: TaskData, *, warn: bool = False) -> TaskData:
        if self._posed is not None:
            free = bool(self.fit_intercept) and self._frees_intercepts()
            return self._posed.solvable(data, bool(self.fit_intercept), free, warn=warn)
        if self.loss != "poisson" or not self.fit_intercept:
            return data
        data, names = half_an_event(data, self._frees_intercepts())
        if warn and names:
            warn_of_nothing(names)
        return data

    def _check_params(self) -> None:
        super()._check_params()
        check_flag("scale_targets", self.scale_targets)
        check_loss(self.loss, self.huber_scale, self.quantile)
        if self.loss == "poisson" and self.scale_targets:
            raise ValueError(
                'scale_targets=True with loss="poisson" is not allowed: counts have no unit that a '
                "deviation would measure. Set scale_targets=False; task_weight makes targets count "
                "more or less."
            )

    @property
    def _default_scores(self) -> str:  # type: ignore[override]
        return "mse_path_" if self._loss.is_quadratic else "scores_"

    def _judge(self, scoring: Any) -> Any:
        if self._posed is not None:
            return self._posed.judge
        if scoring is not None:
            exponents = self._units.y_exponents
            return Named(scoring, dressed_regressor, exponents=exponents, mean=self._loss.mean)
        return SquaredError() if self._loss.is_quadratic else MinusLoss(self._loss)

    def _units_of_targets(self, setup: Setup, data: TaskData) -> dict[str, Any]:
        found = {"huber_scale_": self._scale} if self.loss == "huber" else {}
        if data.stacked or self._posed is not None:
            return found
        if self.scale_targets:
            return found | {"target_scale_": setup.problem.target_scale}
        if self.loss != "poisson":  # whose scores are logarithms
            _warn_of_units(setup.problem, data.tasks, self._units.y)
        return found


def _warn_of_units(problem: Problem, tasks: np.ndarray, exponent: int) -> None:
    deviation, varies = problem.target_deviation()
    deviation = np.ldexp(deviation, exponent)
    if not varies.any() or deviation[varies].max() <= 10 * deviation[varies].min():
        return
    deviation, tasks = deviation[varies], tasks[varies]
    order, middle = np.argsort(-deviation), np.median(deviation)

    def shown(places: Any) -> str:
        return ", ".join(f"{deviation[t]:.3g} for {plain(tasks[t])!r}" for t in places)

    far = [t for t in order if not 0.1 <= deviation[t] / middle <= 10]
    extreme = ""
    if len(tasks) > 2 and far:
        more = ", …" if len(far) > 5 else ""
        extreme = (
            f" {counted(len(far), 'target is', 'targets are')} more than tenfold from the median, "
            f"{middle:.3g}: {shown(far[:5])}{more}."
        )
    warnings.warn(
        "the standard deviations of the targets differ more than tenfold, by a factor of "
        f"{deviation.max() / deviation.min():.3g} ({shown(order[[0, -1]])}).{extreme} The largest "
        "decide the fit; what they share with the others is far off for the smallest, which may "
        "be predicted worse than by their mean (R² below 0). Set scale_targets=True to weigh them "
        "alike.",
        UserWarning,
        stacklevel=level_of_user(),
    )
