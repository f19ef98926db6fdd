"""From the loss that a comparison is asked for to the kind of question."""

from __future__ import annotations

from typing import Any

from mtlearn.compare.counts import Counts
from mtlearn.compare.quantile import Quantile
from mtlearn.compare.regression import Regression
from mtlearn.compare.robust import Robust
from mtlearn.estimators.regressor import LOSSES
from mtlearn.inputs.checks import check_option
from mtlearn.metrics.quantiles import check_quantile


def kind_of_loss(
    loss: str = "squared", quantile: Any = None, kind: str = "auto", exposure: Any = None
) -> Regression:
    """The kind of numbers that a loss goes with.

    Raises
    ------
    ValueError
        For an unknown loss, what goes with another loss, or a loss beside classes.
    """
    if loss == "multinomial":
        raise ValueError(
            'loss="multinomial" is for classifiers of one\'s own, such as '
            'MeanRegularizedClassifier(loss="multinomial") among models=; comparisons of classes '
            "are by their log loss in any case. Leave loss out."
        )
    check_option("loss", loss, LOSSES)
    if kind == "classification" and loss != "squared":
        raise ValueError(
            f"loss={loss!r} is for numbers, and kind='classification' compares classes, by their "
            "log loss. Leave one of them out."
        )
    if exposure is not None and loss != "poisson":
        raise ValueError(
            f'exposure= goes with loss="poisson", and loss is {loss!r}: rates are of counts. '
            "Leave it out, or ask for that loss."
        )
    if loss != "quantile":
        if quantile is not None:
            raise ValueError(
                f'quantile={quantile!r} goes with loss="quantile", and loss is {loss!r}. Leave '
                "it out, or ask for that loss."
            )
        return {"squared": Regression, "poisson": Counts, "huber": Robust}[loss]()
    quantile = 0.5 if quantile is None else quantile
    check_quantile(quantile, "quantile")
    return Quantile(float(quantile))
