"""The families of estimators by name, as the truths of their penalties name them."""

from dataclasses import dataclass, field

import mtlearn

from .penalties.truths import TRUTHS


@dataclass(frozen=True)
class Family:
    prefix: str  # of the estimators
    always_has_mean: bool = False
    has_alpha_max: bool = True
    iterates: bool = True  # also for regressors
    own: dict = field(default_factory=dict)

    def estimator(self, kind):
        return getattr(mtlearn, self.prefix + kind)

    def parameters(self, **more):
        """Own parameters and more; MeanRegularized has no choice of a shared mean."""
        if self.always_has_mean:
            more.pop("shared_mean", None)
        return self.own | more

    def alpha(self, problem, Estimator, fraction, **parameters):
        """That share of the smallest alpha without deviations, where there is one."""
        if not self.has_alpha_max:
            return fraction
        top = problem.alpha_max(Estimator, **parameters)
        return fraction * top if top > 1e-8 else fraction


FAMILIES = {
    name: Family(T.family.__name__, not T.is_norm and T.always_has_mean, T.is_norm, T.iterates, own)
    for T in TRUTHS.values()
    for name, own in T.families.items()
}
WITH_ALPHA_MAX = [name for name, family in FAMILIES.items() if family.has_alpha_max]
