"""The families by name: what the reference calls them, their estimators and own parameters."""

from dataclasses import dataclass, field

import mtlearn


@dataclass(frozen=True)
class Family:
    name: str  # in the reference
    prefix: str  # of the estimators
    own: dict = field(default_factory=dict)

    def estimator(self, kind):
        return getattr(mtlearn, self.prefix + kind)

    @property
    def always_has_mean(self):
        return self.name == "mean"

    def parameters(self, **more):
        """Own parameters and more; MeanRegularized has no choice of a shared mean."""
        if self.always_has_mean:
            more.pop("shared_mean", None)
        return self.own | more

    def alpha(self, problem, Estimator, fraction, **parameters):
        """That share of the smallest alpha without deviations, where there is one."""
        if self.always_has_mean:
            return fraction
        top = problem.alpha_max(Estimator, **parameters)
        return fraction * top if top > 1e-8 else fraction


FAMILIES = {
    "mean": Family("mean", "MeanRegularized"),
    "l2": Family("group", "GroupLasso"),
    "linf": Family("group", "GroupLasso", {"norm": "linf"}),
    "sparse group": Family("group", "GroupLasso", {"l1_ratio": 0.4}),
    "trace": Family("trace", "TraceNorm"),
    "dirty l2": Family("dirty", "Dirty"),
    "dirty linf": Family("dirty", "Dirty", {"norm": "linf"}),
}
WITH_ALPHA_MAX = [name for name in FAMILIES if name != "mean"]
