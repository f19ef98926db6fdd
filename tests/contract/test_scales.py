"""Units and origins of features and targets change the numbers, not the model."""

import numpy as np
import pytest

from mtlearn import GroupLassoRegressor, MeanRegularizedRegressor

from ..checks import STRICT
from ..families import FAMILIES
from ..generators import make, make_classes

pytestmark = STRICT

ESTIMATORS = [
    pytest.param(MeanRegularizedRegressor, {"alpha": 0.3}, id="mean"),
    pytest.param(GroupLassoRegressor, {"alpha": 0.2}, id="group"),
    pytest.param(GroupLassoRegressor, {"alpha": 0.2, "shared_mean": True}, id="group+mean"),
]


@pytest.mark.parametrize("shift, atol", [(1e3, 1e-9), (1e5, 1e-8), (1e7, 1e-6)])
@pytest.mark.parametrize("alpha_intercept", ["auto", 0.0, 0.3, np.inf])
@pytest.mark.parametrize("way", ["columns", "holes", "beside"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_the_origin_of_features_does_not_matter(Estimator, own, way, alpha_intercept, shift, atol):
    """Levels are measured at the mean of the rows; mean/sd = `shift` costs only rounding."""
    problem = make(1, way, weights="rows")
    estimator = Estimator(**own, alpha_intercept=alpha_intercept, tol=1e-10)
    # a power of two near the shift, and rows rounded as they are there: X + far is exact
    far = 2.0 ** np.round(np.log2(shift)) * np.array([1.0, -1.0, 1.0, 0.0, 2.0])
    X = problem.X + far
    near = problem.point(estimator.fit(X - far, problem.y, **problem.extra))
    there = problem.point(estimator.fit(X, problem.y, **problem.extra))
    np.testing.assert_allclose(there.W, near.W, atol=atol)
    np.testing.assert_allclose(there.b, near.b - near.W @ far, rtol=1e-7, atol=shift * atol)


@pytest.mark.parametrize("shift", [1e3, 1e6, 1e8])
@pytest.mark.parametrize("way", ["text columns", "two by task", "three"])
@pytest.mark.parametrize("alpha_intercept", ["auto", 0.0, 0.3])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_origin_of_features_does_not_matter_to_classes(name, alpha_intercept, way, shift):
    problem = make_classes(1, way, weights="rows")
    parameters = FAMILIES[name].parameters(shared_mean=way == "two by task", tol=1e-10)
    estimator = FAMILIES[name].estimator("Classifier")(
        0.02, alpha_intercept=alpha_intercept, **parameters
    )
    estimator.set_params(**problem.init)
    far = 2.0 ** np.round(np.log2(shift)) * np.array([1.0, -1.0, 1.0, 0.0, 2.0])
    X = problem.X + far
    near = problem.point(estimator.fit(X - far, problem.y, **problem.extra))
    mean_intercept = getattr(estimator, "mean_intercept_", None)
    there = problem.point(estimator.fit(X, problem.y, **problem.extra))
    np.testing.assert_allclose(there.W, near.W, atol=1e-9)
    back = there.b + there.W @ far
    np.testing.assert_allclose(back, near.b, atol=1e-14 * shift)
    if hasattr(estimator, "mean_coef_"):
        back = estimator.mean_intercept_ + estimator.mean_coef_ @ far
        np.testing.assert_allclose(back, mean_intercept, atol=1e-14 * shift)


@pytest.mark.parametrize("alpha_intercept", ["auto", 0.0, 0.3, np.inf])
@pytest.mark.parametrize("way", ["holes", "beside"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_the_origin_of_the_target_does_not_matter(Estimator, own, way, alpha_intercept):
    """b_0 is free: only the intercepts follow, pooled or not."""
    problem = make(1, way, weights="rows")
    estimator = Estimator(**own, alpha_intercept=alpha_intercept, tol=1e-10)
    near = problem.point(estimator.fit(problem.X, problem.y, **problem.extra))
    there = problem.point(estimator.fit(problem.X, problem.y + 1e5, **problem.extra))
    np.testing.assert_allclose(there.W, near.W, atol=1e-8)
    np.testing.assert_allclose(there.b, near.b + 1e5, atol=1e-8)


@pytest.mark.parametrize("unit", [1e-9, 1e-3, 1e6])
@pytest.mark.parametrize("way", ["holes", "beside"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_the_unit_of_the_target_does_not_matter(Estimator, own, way, unit):
    problem = make(2, way, weights="rows")
    estimator = Estimator(**own, alpha_intercept=0.2, tol=1e-10)
    one = problem.point(estimator.fit(problem.X, problem.y, **problem.extra))
    if Estimator is GroupLassoRegressor:  # a norm, not a square
        estimator.set_params(alpha=unit * own["alpha"])
    other = problem.point(estimator.fit(problem.X, unit * problem.y, **problem.extra))
    np.testing.assert_allclose(other.W / unit, one.W, atol=1e-8)
    np.testing.assert_allclose(other.b / unit, one.b, atol=1e-8)


@pytest.mark.parametrize("unit", [1e-8, 1e-3, 1e8])
@pytest.mark.parametrize("way", ["holes", "beside"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_one_unit_for_all_features_only_rescales_the_strengths(Estimator, own, way, unit):
    problem = make(3, way)
    power = 1 if Estimator is GroupLassoRegressor else 2
    estimator = Estimator(**own, alpha_mean=0.1, alpha_intercept=0.2, tol=1e-10)
    one = problem.point(estimator.fit(problem.X, problem.y, **problem.extra))
    estimator.set_params(alpha=unit**power * own["alpha"], alpha_mean=unit**2 * 0.1)
    other = problem.point(estimator.fit(unit * problem.X, problem.y, **problem.extra))
    np.testing.assert_allclose(unit * other.W, one.W, atol=1e-7)
    np.testing.assert_allclose(other.b, one.b, atol=1e-7)


@pytest.mark.parametrize("way", ["columns", "holes", "beside"])
def test_least_squares_does_not_care_for_the_units_of_columns(way):
    problem = make(4, way, rows=(12, 20))
    units = 10.0 ** np.array([-8, -4, 0, 4, 8])
    estimator = MeanRegularizedRegressor(0.0, alpha_intercept=0.0)
    one = problem.point(estimator.fit(problem.X, problem.y, **problem.extra))
    other = problem.point(estimator.fit(problem.X * units, problem.y, **problem.extra))
    np.testing.assert_allclose(other.W * units, one.W, atol=1e-7)


@pytest.mark.parametrize("alpha_intercept", ["auto", 0.0, 0.3, np.inf])
@pytest.mark.parametrize("way", ["columns", "holes", "beside"])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_a_constant_feature_is_left_alone(Estimator, own, way, alpha_intercept):
    """A column without variation explains nothing, wherever it lies: levels are free or shared."""
    problem = make(5, way, weights="rows")
    estimator = Estimator(**own, alpha_intercept=alpha_intercept, tol=1e-10)
    estimator.fit(problem.X, problem.y, **problem.extra)
    coef, intercept = estimator.coef_, estimator.intercept_
    for value in (0.0, 1.0, 1e6, 0.1):
        X = np.insert(problem.X, 2, value, axis=1)
        estimator.fit(X, problem.y, **problem.extra)
        np.testing.assert_allclose(estimator.coef_[:, 2], 0.0, atol=1e-12)
        np.testing.assert_allclose(np.delete(estimator.coef_, 2, axis=1), coef, atol=1e-8)
        np.testing.assert_allclose(estimator.intercept_, intercept, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool])
@pytest.mark.parametrize("Estimator, own", ESTIMATORS)
def test_the_type_of_the_numbers_does_not_matter(Estimator, own, dtype):
    problem = make(6, "beside")
    X = (2 * problem.X).astype(dtype) if dtype is not bool else problem.X > 0
    y = np.round(problem.y, 1).astype(np.float32)
    estimator = Estimator(**own, tol=1e-10)
    given = problem.point(estimator.fit(X, y, **problem.extra))
    double = estimator.fit(X.astype(float), y.astype(float), **problem.extra)
    np.testing.assert_allclose(given.W, problem.point(double).W, atol=1e-10)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "parameters",
    [{"alpha": alpha, "alpha_intercept": a} for alpha in (0.0, 0.1) for a in (0.0, 0.3, np.inf)],
)
@pytest.mark.parametrize("way", ["labels", "columns"])
def test_a_constant_column_is_no_feature_whatever_its_rounding(seed, parameters, way):
    """0.1 is no binary fraction: its weighted mean is off by an ulp, and so is what is centred."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(40, 3)), np.full(40, 0.1)])
    y, weight = X[:, 0] + rng.normal(size=40), rng.uniform(0.1, 3.0, size=40)
    extra = {"task": np.arange(40) % 4} if way == "labels" else {}
    if way == "columns":
        y = np.column_stack([y, rng.normal(size=40)])
        y[::3, 1] = np.nan
    model = MeanRegularizedRegressor(**parameters, alpha_mean=0.0)
    with_it = model.fit(X, y, sample_weight=weight, **extra)
    np.testing.assert_allclose(with_it.coef_[:, 3], 0.0, atol=1e-14)
    coef = with_it.coef_[:, :3].copy()
    without = model.fit(X[:, :3], y, sample_weight=weight, **extra)
    np.testing.assert_allclose(coef, without.coef_, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("power", [-70, 70])
@pytest.mark.parametrize("kind", ["Regressor", "Classifier"])
@pytest.mark.parametrize("name", FAMILIES)
def test_powers_of_two_only_rescale(name, kind, power):
    """Features times u (and targets by u), strengths alike: coefficients times 1/u, no digit lost.

    Coefficients are then 1e-42 or 1e42: single precision inside has to be in units of its own.
    """
    family, u = FAMILIES[name], 2.0**power
    problem = make_classes(5, "two by task") if kind == "Classifier" else make(5, "beside")
    target = 1.0 if kind == "Classifier" else 1 / u

    def coef(x, y):
        square = not family.has_alpha_max
        own = family.parameters(alpha=0.05 * (x**2 if square else x * y), alpha_intercept=0.0)
        labels = problem.y if kind == "Classifier" else problem.y * y
        model = family.estimator(kind)(**problem.init, **own, alpha_mean=1e-3 * x**2)
        return model.fit(problem.X * x, labels, **problem.extra).coef_ * (x / y)

    np.testing.assert_allclose(coef(u, target), coef(1.0, 1.0), rtol=1e-9, atol=1e-12)
