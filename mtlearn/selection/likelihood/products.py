"""What the likelihood knows of the rows: sums over each task of products of its columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtlearn.problems.blocks import BlockedScatter
from mtlearn.problems.centring import seen_from
from mtlearn.problems.moments import Moments
from mtlearn.problems.scatter import deviation_of
from mtlearn.selection.likelihood.blocked_products import BlockedProducts, products_of


@dataclass(frozen=True)
class CrossProducts:
    """Z_t'S_tZ_t, Z_t'S_ty_t and y_t'S_ty_t of every task, S_t its weights.

    With pooled levels the first column of Z_t is one and the others are x - x̄, the target is
    y - ȳ (means of all rows). Free levels are swept out: rows and targets are seen from the means
    of their own task. Without levels both are as they are.

    Attributes
    ----------
    zz : ndarray of shape (T, p, p) or (1, p, p)
        A leading axis of one where all tasks have the same rows and weights. Of moments in blocks
        it is a :class:`BlockedProducts`.
    zy : ndarray of shape (T, p)
    yy : ndarray of shape (T,)
    sizes : ndarray of shape (T,)
        Rows of each task, n_t: the sum of weights that repeat rows, the number of others.
    size : float
        N, the sum of the weights.
    levels : {"pooled", "free", "none"}
    constant : float
        What the levels and the weights add to -2 log likelihood at every parameter:
        sum_t log N_t of free levels, -sum_i log s_i of relative weights.
    y_mean : float
        ȳ of pooled levels.
    """

    zz: Any
    zy: np.ndarray
    yy: np.ndarray
    sizes: np.ndarray
    size: float
    levels: str
    constant: float
    y_mean: float = 0.0

    @property
    def n_tasks(self) -> int:
        """T."""
        return len(self.zy)

    @property
    def lost(self) -> int:
        """Degrees of freedom that free levels take."""
        return self.n_tasks if self.levels == "free" else 0

    def with_noise(self, ratio: np.ndarray) -> CrossProducts:
        """The same where task t has the noise variance σ² ratio_t: weights over ratio_t."""
        zz = self.zz / ratio[:, None, None]
        left = self.sizes - (self.levels == "free")
        return replace(
            self,
            zz=zz,
            zy=self.zy / ratio[:, None],
            yy=self.yy / ratio,
            constant=self.constant + float(left @ np.log(ratio)),
        )

    @classmethod
    def of(
        cls,
        moments: Moments,
        levels: str,
        log_precision: float | None = None,
        target_scale: np.ndarray | float = 1.0,
    ) -> CrossProducts:
        """From the moments of the rows; targets are divided by ``target_scale`` (T,).

        ``log_precision`` is sum_i log s_i of weights that are relative precisions, None where
        weights are repetitions.
        """
        N, scale = moments.weight, np.broadcast_to(target_scale, moments.weight.shape)
        zz, zy, yy = moments.xx, moments.xy / scale[:, None], moments.yy / scale**2
        y, total, y_mean = moments.y_mean / scale, float(N.sum()), 0.0
        if levels == "pooled":
            y_mean = float(N @ y / total)
            x, y = seen_from(center_of(moments), moments.x_mean), y - y_mean
            z = np.concatenate([np.ones((len(x), 1)), x], axis=1)
            zy = np.pad(zy, ((0, 0), (1, 0)))
        else:
            z = moments.x_mean
        means = (None, None) if levels == "free" else (N[: len(zz)], z)
        zz = (BlockedProducts.of if isinstance(zz, BlockedScatter) else products_of)(zz, *means)
        if levels != "free":
            zy, yy = zy + (N * y)[:, None] * z, yy + N * y**2
        constant = (np.log(N).sum() if levels == "free" else 0.0) - (log_precision or 0.0)
        sizes = N if log_precision is None else moments.count.astype(float)
        return cls(zz, zy, yy, sizes, total, levels, float(constant), y_mean)


def center_of(moments: Moments) -> np.ndarray:
    """x̄ (d,), the mean of all rows under their weights."""
    own = moments.weight[: len(moments.x_mean)]
    origin = moments.x_mean[0]
    return origin + own @ (moments.x_mean - origin) / own.sum()


def target_scale_of(moments: Moments) -> np.ndarray:
    """Standard deviation of each target (T,); 1 where it is constant."""
    deviation, varies = deviation_of(moments.weight, moments.y_mean, moments.yy)
    return np.where(varies, deviation, 1.0)
