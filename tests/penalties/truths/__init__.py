"""What the tests know of every penalty without its code, one file each, found by being here.

A new penalty is a new file with a :class:`Truth`. From it come the problems that cvxpy solves, the
certificates that are computed from the rows, and the tests of penalties and of families.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from importlib import import_module
from pkgutil import iter_modules
from typing import ClassVar

import numpy as np

TRUTHS = {}  # of every penalty of the library


@dataclass(frozen=True)
class Truth(ABC):
    """Omega, slowly, from its definition; its fields are the parameters that Omega has.

    Matrices are (d, C): a row is what all tasks (or classes of tasks) make of one feature.
    """

    library: ClassVar[type]  # the penalty that is tested
    examples: ClassVar[list] = [{}]  # parameters to test it with, on rows of four
    typical: ClassVar[dict]  # name -> parameters of a problem to solve
    family: ClassVar[type]  # of estimators that minimise it
    families: ClassVar[dict]  # name -> parameters of such an estimator
    separable: ClassVar[bool] = True  # a sum over features
    pieces: ClassVar[bool] = False  # whether it is linear between kinks
    is_norm: ClassVar[bool] = True
    always_has_mean: ClassVar[bool] = True  # of what is no norm: whether its family has no choice
    iterates: ClassVar[bool] = True  # also for regressors

    def __init_subclass__(cls):
        if hasattr(cls, "library"):
            TRUTHS[cls.library] = cls

    @abstractmethod
    def omega(self, V):
        """Omega(V)."""

    @abstractmethod
    def in_cvxpy(self, V):
        """Omega(V) of an expression of cvxpy."""

    def dual_norm(self, G):
        """max <G, V> over Omega(V) <= 1."""
        raise NotImplementedError

    def largest_dual_norm(self, size):
        """No less than the dual norm of any G of entries up to `size`."""
        return self.dual_norm(size)

    def conjugate(self, G):
        """max <G, V> - Omega(V), of squares."""
        return np.sum(G**2) / 2

    def conjugate_error(self, G, dG):
        """How far that may be off where G is, entry by entry."""
        return np.sum(np.abs(G) * dG + dG**2)

    def left_over(self, G):
        """What of G makes that infinite."""
        return np.zeros_like(G)

    @classmethod
    def of_fitted(cls, fitted):
        """What a fitted estimator of the family minimised; None where that is another penalty."""
        return cls()

    def penalty(self, alpha):
        """The library's."""
        return self.library(alpha, **vars(self))


def truth(Penalty, **parameters):
    return TRUTHS[Penalty](**parameters)


def truth_of(penalty):
    """Of a penalty with its parameters, whatever its alpha."""
    names = [field.name for field in fields(penalty) if field.name != "alpha"]
    return truth(type(penalty), **{name: getattr(penalty, name) for name in names})


def truth_of_fitted(fitted):
    found = [T.of_fitted(fitted) for T in TRUTHS.values() if isinstance(fitted, T.family)]
    (one,) = (truth for truth in found if truth is not None)
    return one


for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

EXAMPLES = [T(**parameters) for T in TRUTHS.values() for parameters in T.examples]
TYPICAL = {name: T(**own) for T in TRUTHS.values() for name, own in T.typical.items()}
