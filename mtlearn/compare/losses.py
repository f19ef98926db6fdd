"""From the loss that a comparison is asked for to the kind of question."""

from __future__ import annotations

from typing import Any

from mtlearn.compare.choices import Choices
from mtlearn.compare.counts import Counts
from mtlearn.compare.kinds import Kind
from mtlearn.compare.quantile import Quantile
from mtlearn.compare.regression import Regression
from mtlearn.compare.robust import Robust
from mtlearn.estimators.loss_choice import LOSSES
from mtlearn.inputs.checks import check_option
from mtlearn.metrics.quantiles import check_quantile

MULTINOMIAL = "multinomial"
KINDS = {"squared": Regression, "poisson": Counts, "huber": Robust, MULTINOMIAL: Choices}


def kind_of_loss(
    loss: str = "squared", quantile: Any = None, kind: str = "auto", exposure: Any = None
) -> Kind:
    """The kind of numbers, or of classes, that a loss goes with.

    Raises
    ------
    ValueError
        For an unknown loss, what goes with another loss, or a loss beside the other kind.
    """
    check_option("loss", loss, (*LOSSES, MULTINOMIAL))
    if loss == MULTINOMIAL and kind == "regression":
        raise ValueError(
            f"loss={loss!r} is for classes, and kind='regression' compares numbers. Leave one of "
            "them out."
        )
    if kind == "classification" and loss not in ("squared", MULTINOMIAL):
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
        return KINDS[loss]()
    quantile = 0.5 if quantile is None else quantile
    check_quantile(quantile, "quantile")
    return Quantile(float(quantile))
