"""Held-out squared errors from moments against those of the rows."""

import numpy as np
import pytest

from mtlearn.problems.models import LinearTasks
from mtlearn.problems.moments import Moments
from mtlearn.selection.judges import SquaredError

from ..checks import STRICT
from ..generators import CASES, make
from ..problems.test_moments import data_of

pytestmark = STRICT


def drawn(way, weights, seed=0):
    generated = make(seed, way, weights=weights, d=6)
    data, rng = data_of(generated), np.random.default_rng(seed)
    T = len(data.tasks)
    coef = rng.normal(size=(T, 1, 6))
    coef[:, :, 2] = 0.0  # a feature that no task has
    scale = 1.0 if data.stacked else rng.uniform(0.1, 10.0, size=T)
    return data, LinearTasks(coef, rng.normal(size=(T, 1))), scale


@pytest.mark.parametrize("way, weights", CASES)
def test_errors_from_moments_are_those_of_the_rows(way, weights):
    data, models, scale = drawn(way, weights)
    truth = SquaredError()(models.scores(data.X, data.codes), data, scale)
    others = LinearTasks(2.0 * models.coef, models.intercept)
    theirs = SquaredError()(others.scores(data.X, data.codes), data, scale)
    found = SquaredError().of_moments([models, others], Moments.of_data(data), scale)
    assert found == pytest.approx([truth, theirs], rel=1e-12)


@pytest.mark.parametrize("weights", [None, "rows"])
def test_a_task_without_rows_adds_nothing(weights):
    data, models, scale = drawn("beside", weights)
    some = data.take(np.flatnonzero(data.codes != 1))
    truth = SquaredError()(models.scores(some.X, some.codes), some, scale)
    (found,) = SquaredError().of_moments([models], Moments.of_data(some), scale)
    assert found == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("error", [0.0, 1e-7, 1e-2])
def test_where_digits_would_be_lost_the_rows_are_asked(error):
    rng = np.random.default_rng(1)
    data, models, _ = drawn("columns", None)
    y = models.scores(data.X, None)
    y += error * rng.normal(size=y.shape)
    moments = Moments.of_columns(data.X, y)
    (found,) = SquaredError().of_moments([models], moments, 1.0)
    if error < 1e-3:
        assert found is None
    else:
        assert found == pytest.approx(((y - models.scores(data.X, None)) ** 2).mean(), rel=1e-9)


def test_where_terms_cancel_the_rows_are_asked():
    """Opposite coefficients of all but equal columns, or of columns far from zero."""
    rng = np.random.default_rng(2)
    z, e = rng.normal(size=(2, 500))
    for X, w in [
        (np.c_[z, z + 1e-7 * e], [1e7, -1e7]),
        (np.c_[1e9 + z, 1e9 + z + e], [1.0, -1.0]),
    ]:
        models = LinearTasks(np.array(w)[None, None], np.zeros((1, 1)))
        y = models.scores(X, None) + rng.normal(size=(500, 1))
        assert SquaredError().of_moments([models], Moments.of_columns(X, y), 1.0) == [None]
