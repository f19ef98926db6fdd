"""How unevenly curved a problem is."""

from mtlearn.problems.coupling import Coupling
from mtlearn.solvers.curvature import badly_scaled

from ..checks import STRICT
from ..generators import make
from ..problems.test_problems import build
from .cases import both_forms

pytestmark = STRICT


@both_forms
def test_columns_a_million_times_as_large_are_badly_scaled(form):
    for factor, expected in ((1e5, False), (1e8, True)):
        generated = make(15, "beside")
        generated.entries.X[:, 2] *= factor
        generated.entries.X[:, 4] = 1.0  # constant: of no scale at all
        assert badly_scaled(build(generated, form, Coupling())) is expected
