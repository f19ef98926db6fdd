"""The cheapest split of V into rows shared by all tasks and entries of single ones."""

from dataclasses import dataclass

import numpy as np

from mtlearn.estimators import dirty as estimators
from mtlearn.penalties.dirty import Dirty

from . import Truth

# For rows of four: below the useful range, its lower end (l2), inside twice, above.
RATIOS = (0.1, 0.5, 0.6, 0.8, 1.5)
NORMS = ("l2", "linf")


@dataclass(frozen=True)
class Split(Truth):
    library, family = Dirty, estimators.Dirty
    examples = [{"norm": norm, "specific_ratio": ratio} for norm in NORMS for ratio in RATIOS]
    typical = {f"dirty {norm}": {"norm": norm, "specific_ratio": 0.6} for norm in NORMS}
    families = {"dirty l2": {}, "dirty linf": {"norm": "linf"}}

    norm: str
    specific_ratio: float

    @property
    def pieces(self):
        return self.norm == "linf"

    def omega(self, V):
        return sum(split_of_row(self.norm, self.specific_ratio, row)[0] for row in V)

    def in_cvxpy(self, V):
        import cvxpy as cp

        order = {"l2": 2, "linf": "inf"}[self.norm]
        if np.isinf(self.specific_ratio):
            return cp.sum(cp.norm(V, order, axis=1))
        B = cp.Variable(V.shape)
        specific = cp.sum(cp.abs(V - B))
        return cp.sum(cp.norm(B, order, axis=1)) + self.specific_ratio * specific

    def dual_norm(self, G):
        rows = np.linalg.norm(G, ord={"l2": 2, "linf": 1}[self.norm], axis=1)
        return max(rows.max(), np.abs(G).max() / self.specific_ratio)

    @classmethod
    def of_fitted(cls, fitted):
        return cls(fitted.norm, fitted.specific_ratio_)


def split_of_row(norm, rho, v):
    """min over b of ‖b‖_q + rho ‖v - b‖_1, and the largest b that reaches it.

    At the minimum b is v clipped at some level: where b differs from v, the slope of the norm
    is rho, the same for all. Every level where the derivative can change its sign is tried: the
    |v_i| themselves, and for q = 2 the stationary point between two of them, level = rho ‖b‖₂.
    """
    q = {"l2": 2, "linf": np.inf}[norm]
    if np.isinf(rho):
        return np.linalg.norm(v, ord=q), v
    size = np.abs(v)
    levels = np.unique(np.append(size, 0.0))
    if norm == "l2":
        for low in levels:
            small, n_large = size[size <= low], np.sum(size > low)
            if 1 - rho**2 * n_large > 0:
                stationary = rho * np.sqrt(np.sum(small**2) / (1 - rho**2 * n_large))
                levels = np.append(levels, min(stationary, size.max()))
    clipped = np.minimum(size, np.sort(levels)[:, None])
    values = np.linalg.norm(clipped, ord=q, axis=1)
    values = values + rho * np.sum(size - clipped, axis=1)
    best = np.flatnonzero(values <= values.min() * (1 + 1e-14))[-1]
    return values.min(), np.sign(v) * clipped[best]
