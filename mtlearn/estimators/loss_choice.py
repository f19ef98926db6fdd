"""What a regressor's loss may be, and what goes with it."""

from __future__ import annotations

from typing import Any

from mtlearn.inputs.checks import check_number, check_option
from mtlearn.losses.base import Loss
from mtlearn.losses.huber import Huber
from mtlearn.losses.pinball import Pinball
from mtlearn.losses.poisson import HalfPoissonDeviance
from mtlearn.losses.squared import HalfSquaredError

LOSSES = ("squared", "poisson", "huber", "quantile")


def loss_of(name: str, scale: float, quantile: Any) -> Loss:
    """The loss of this name, under errors of a scale or of a quantile."""
    if name == "poisson":
        return HalfPoissonDeviance()
    if name == "huber":
        return Huber(scale)
    if name == "quantile":
        return Pinball(float(quantile))
    return HalfSquaredError()


def check_loss(loss: Any, huber_scale: Any, quantile: Any) -> None:
    """Refuse what is none, whichever loss it is for."""
    check_option("loss", loss, LOSSES)
    if isinstance(huber_scale, str):
        check_option("huber_scale", huber_scale, ("auto", "a number > 0"))
    else:
        check_number("huber_scale", huber_scale, strict=True)
    check_number("quantile", quantile, strict=True)
    if not quantile < 1:
        raise ValueError(
            f"quantile={quantile!r} is not allowed; it must be a number > 0 and < 1: the "
            "share of targets below what is predicted."
        )
