"""A squared-loss problem in some of its features, the deviations of all others at zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlearn.problems.gram import Gram
from mtlearn.problems.moment import MomentProblem
from mtlearn.problems.moments import Moments


class SquaredPart(MomentProblem):
    """The moments of some features, of a problem that may be on moments or on rows.

    Parameters
    ----------
    whole : SquaredProblem
    gram : Gram
        Of the features.
    """

    def __init__(self, whole: Any, gram: Gram):
        self.features, self.gram = gram.features, gram
        xy = (whole.xy[self.features] / whole.scale).T
        mean = whole.given_mean[self.features].T
        known = whole.weight, mean, whole.y_mean, gram.xx, xy, whole.yy / whole.scale
        super().__init__(
            Moments(whole.weight, *known),
            whole.scale,
            whole.coupling,
            n_classes=whole.n_classes,
            origin=whole.mean_of_rows[self.features],
            null_value=whole.null_value,
        )
        self.target_scale = whole.target_scale

    @classmethod
    def of(cls, whole: Any, features: np.ndarray, before: SquaredPart | None) -> SquaredPart:
        """In these features, the first of which are those of ``before``."""
        gram = Gram(whole) if before is None else before.gram
        gram.extend(features)
        return cls(whole, gram)
