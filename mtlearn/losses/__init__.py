"""Losses: what a score costs, one a file."""

from mtlearn.losses.base import Loss
from mtlearn.losses.by_task import LossByTask
from mtlearn.losses.huber import Huber
from mtlearn.losses.logistic import Logistic
from mtlearn.losses.pinball import Pinball
from mtlearn.losses.poisson import HalfPoissonDeviance
from mtlearn.losses.softmax import Softmax
from mtlearn.losses.squared import HalfSquaredError

__all__ = [
    "HalfPoissonDeviance",
    "HalfSquaredError",
    "Huber",
    "Logistic",
    "Loss",
    "LossByTask",
    "Pinball",
    "Softmax",
]
