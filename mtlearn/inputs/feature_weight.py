"""How much each feature is charged for, as columns in units of their own.

Omega(diag(weight) V) is Omega of deviations U = diag(weight) V in columns x_j / weight_j: that is
what a fit sees, and all that solvers, penalties and certificates have to know. The shared mean is
charged in the units of the user, ‖w_0‖² = sum_j (u_0j / weight_j)², a ridge that differs by
feature. Two weights are no unit. A feature of weight 0 has deviations that nothing is charged for:
problems eliminate them, as they do intercepts. One of weight inf has none: what it has is w_0's, or
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse

from mtlearn.exceptions import counted, plain
from mtlearn.inputs.tasks import resolve_task_weight

BY_FEATURE = ("coef_", "mean_coef_", "shared_coef_", "specific_coef_")


@dataclass(frozen=True)
class FeatureWeights:
    """The weights of all features, and the columns that they lead to.

    Attributes
    ----------
    weight : ndarray of shape (d,)
        From 0 to inf, not all of them one.
    has_mean : bool
        Whether there is a w_0.
    center : ndarray of shape (d,)
        Means of the columns of weight inf, where nothing is left of them; otherwise of no use.
    """

    weight: np.ndarray
    has_mean: bool
    center: np.ndarray

    @classmethod
    def of(cls, estimator: Any, data: Any) -> FeatureWeights | None:
        """Those of an estimator that has read these data; None where every feature weighs one.

        Raises
        ------
        ValueError
            If they are no weights of its features, or of a family that has no limit at inf.
        """
        given = getattr(estimator, "feature_weight", None)
        if given is None:
            return None
        weight = resolve_feature_weight(given, estimator._reader.columns)
        if (weight == 1.0).all():
            return None
        has_mean = estimator._with_mean() and bool(np.isfinite(estimator.alpha_mean))
        center = np.zeros(len(weight))
        gone = np.isinf(weight)
        if gone.any() and estimator._common_is_free:
            name = plain(estimator._reader.columns.of_features()[np.flatnonzero(gone)[0]])
            raise ValueError(
                f"feature_weight is inf for feature {name!r}, and {type(estimator).__name__} has "
                "no shared mean that would keep it: what connected tasks have in common is not "
                "charged. Give a large number, such as 1e4, for one coefficient of all of them, "
                "or leave the column out."
            )
        if gone.any() and not has_mean and estimator.fit_intercept:
            center[gone] = means(data, np.flatnonzero(gone), estimator.task_weight)
        return cls(weight, has_mean, center)

    @property
    def unit(self) -> np.ndarray:
        """What columns are multiplied by, (d,)."""
        inside = (self.weight > 0) & np.isfinite(self.weight)
        unit = np.divide(1.0, self.weight, out=np.ones_like(self.weight), where=inside)
        if not self.has_mean:
            unit[np.isinf(self.weight)] = 0.0
        return unit

    @property
    def free(self) -> np.ndarray:
        """Positions of the features whose deviations are free."""
        return np.flatnonzero(self.weight == 0)

    @property
    def fixed(self) -> np.ndarray | None:
        """Mask of the features that only w_0 has; None without any."""
        fixed = np.isinf(self.weight)
        return fixed if self.has_mean and fixed.any() else None

    @property
    def charged(self) -> np.ndarray:
        """Mask of the features whose deviations are charged for."""
        return (self.weight > 0) & np.isfinite(self.weight)

    @property
    def mean_unit(self) -> np.ndarray:
        """Units of w_0 in these columns, (d,)."""
        unit = self.unit
        return np.where(unit > 0, unit, 1.0)

    def columns(self, X: Any) -> Any:
        """X in the units of these columns."""
        unit = self.unit
        if sparse.issparse(X):
            X = sparse.csr_matrix(X, dtype=np.float64)
            return sparse.csr_matrix((X.data * unit[X.indices], X.indices, X.indptr), X.shape)
        return X * unit

    def inward(self, V: np.ndarray) -> np.ndarray:
        """Deviations (d, C) of the user in these columns, as far as they are charged for."""
        return np.where(self.charged, self.weight, 0.0)[:, None] * np.where(
            self.charged[:, None], V, 0.0
        )

    def outward(self, fitted: dict[str, Any]) -> dict[str, Any]:
        """Fitted attributes in the columns of the user."""
        out, unit = dict(fitted), self.unit
        for name in out.keys() & set(BY_FEATURE):
            out[name] = out[name] * unit
        if "directions_" in out:
            out["directions_"] = out["directions_"] * unit[:, None]
        if "center_" in out:
            gone = unit == 0
            out["center_"] = np.where(gone, self.center, out["center_"] / np.where(gone, 1, unit))
        return out


def resolve_feature_weight(given: Any, columns: Any) -> np.ndarray:
    """Weights (d,) from an array or a dictionary, for the features of some columns of X."""
    names = columns.of_features()
    if hasattr(given, "keys"):
        given = _of_names(dict(given), columns, names)
    try:
        weight = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        values = np.asarray(given, dtype=object).ravel().tolist()
        wrong = next((value for value in values if not isinstance(value, Real)), given)
        raise ValueError(
            f"feature_weight holds {wrong!r}; give every feature a number >= 0, or inf."
        ) from None
    if weight.shape != (len(names),):
        labels = "" if columns.labels is None else ", that of the task labels not counted"
        raise ValueError(
            f"feature_weight has shape {weight.shape} for "
            f"{counted(len(names), 'feature', 'features')}; give one weight per feature in the "
            f"order of the columns of X{labels}."
        )
    if not (weight >= 0).all():
        bad = int(np.flatnonzero(~(weight >= 0))[0])
        raise ValueError(
            f"feature_weight is {weight[bad]:g} for feature {plain(names[bad])!r}; it must be >= 0 "
            "for every feature: 0 leaves its deviations free, inf allows none."
        )
    return weight


def _of_names(given: dict, columns: Any, names: Any) -> list:
    if columns.names is None:
        raise ValueError(
            "feature_weight is a dictionary of names, and the columns of X have none. Give an "
            "array with one weight per feature, or X as a data frame."
        )
    known = names.tolist()
    strange = [name for name in given if name not in set(known)]
    if strange:
        near = get_close_matches(str(strange[0]), list(map(str, known)), 1)
        raise ValueError(
            f"feature_weight names {plain(strange[0])!r}, which is no feature"
            f"{f'; did you mean {near[0]!r}?' if near else '.'} Give features among {known[:20]}; "
            "those that are not named weigh 1."
        )
    return [given.get(name, 1.0) for name in known]


def means(data: Any, features: np.ndarray, task_weight: Any) -> np.ndarray:
    """Means of some features over all labelled rows, under the weights c_ti."""
    totals = data.totals()
    omega = np.zeros(len(totals))
    known = totals > 0
    if isinstance(task_weight, str):
        omega[known] = resolve_task_weight(task_weight, data.tasks[known], totals[known])
    else:
        omega = resolve_task_weight(task_weight, data.tasks, totals)
    return data.means_of(features, omega)
