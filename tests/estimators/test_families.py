"""Every family, both losses, every way in: solved, certified, and equal to cvxpy.

The certificate is computed again from the rows, by definitions that share no code with the
library. One test walks over the combinations (all of them for regressors), one asks cvxpy about
others, and hypothesis draws what nobody thought of.
"""

import itertools
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from mtlearn.penalties.l21 import L21

from ..checks import INTERCEPTS, STRICT, assert_certificate_is_its_own, assert_solves, expected
from ..families import FAMILIES, WITH_ALPHA_MAX
from ..generators import CLASS_WAYS, make, make_classes, separable
from ..penalties.truths import truth
from ..penalties.truths.dirty import split_of_row
from ..reference import Model, alpha_max

pytestmark = STRICT

UNITS = "differ more than tenfold"
WAYS = ["columns", "holes", "frame", "beside", "one"]
MEANS = [(False, 1e-3), (True, 0.0), (True, 1e-3), (True, 0.5)]
FRACTIONS = [0.6, 0.1, 0.01, 1e-3]
WEIGHTS = [
    {},
    {"weights": "rows", "task_weight": "balanced"},
    {"weights": "rows"},
    {"task_weight": "array"},
]
CLASS_WEIGHTS = [
    {"one_class": True},
    {"weights": "rows", "class_weight": "balanced", "task_weight": "dict"},
    {"class_weight": "dict", "one_class": True, "weights": "rows"},
    {"task_weight": "balanced"},
]
COMBINATIONS = [
    pytest.param(name, way, intercept, *mean, number, id=f"{name}-{way}-{intercept}-{mean}")
    for number, (name, way, intercept, mean) in enumerate(
        itertools.product(FAMILIES, [*WAYS, *CLASS_WAYS], INTERCEPTS, MEANS)
    )
    if mean[0] or name != "mean"
]
# Samples whose strides are coprime to the axes, so that they meet every pair of choices.
FOR_CVXPY = [case for case in COMBINATIONS if case.values[-1] % 11 == 0]
CERTIFIED = [
    case
    for case in COMBINATIONS
    if case.values[-1] % 11 and (case.values[1] in WAYS or case.values[-1] % 3 == 0)
]
combinations = "name, way, intercept, shared, alpha_mean, number"
every_family = pytest.mark.parametrize("name", FAMILIES)
every_alpha_max = pytest.mark.parametrize("name", WITH_ALPHA_MAX)


def kind_of(way):
    return "Classifier" if way in CLASS_WAYS else "Regressor"


def draw(way, choice, seed, **size):
    """A problem with some of the weights that this way in can have."""
    if way not in CLASS_WAYS:
        own = dict(WEIGHTS[choice % 4])
        if way in ("columns", "holes") and choice % 4 == 2:
            own["weights"] = "labels"
        return make(seed, way, **own, **size)
    own = dict(CLASS_WEIGHTS[choice % 4])
    if way.endswith("columns") and "weights" in own and choice % 4 == 2:
        own["weights"] = "labels"
    if way in ("two", "three"):
        own.pop("one_class", None)
    return make_classes(seed, way, **own, **size)


def has_minimiser(problem, kind, shared, alpha_mean, fit_intercept=True):
    """A logistic model needs its free part not to separate the classes."""
    if kind == "Regressor" or not (shared and alpha_mean == 0):
        return True
    model = Model(truth(L21), 1.0, 0.0, 0.0, fit_intercept, True, loss="logistic")
    return not any(
        separable(problem.entries, m)
        for m in (model, Model(truth(L21), 1.0, 0.0, 1.0, fit_intercept, True, loss="logistic"))
    )


def solve_combination(name, way, intercept, shared, alpha_mean, number):
    family, kind = FAMILIES[name], kind_of(way)
    Estimator = family.estimator(kind)
    seeds = itertools.count(1000 * number)
    problems = (draw(way, number // 3, seed, d=4) for seed in seeds)
    shared = shared or family.always_has_mean
    problem = next(
        p
        for p in problems
        if has_minimiser(p, kind, shared, alpha_mean, intercept.get("fit_intercept", True))
    )
    parameters = family.parameters(
        shared_mean=shared, alpha_mean=alpha_mean, tol=1e-10, max_iter=50_000, **intercept
    )
    alpha = family.alpha(problem, Estimator, FRACTIONS[number // 5 % 4], **parameters)
    with expected(UNITS):
        return problem, problem.fit(Estimator, alpha=alpha, **parameters)


@pytest.mark.long
@pytest.mark.parametrize(combinations, CERTIFIED)
def test_gap_certifies_the_optimum_on_every_combination(
    name, way, intercept, shared, alpha_mean, number
):
    problem, fitted = solve_combination(name, way, intercept, shared, alpha_mean, number)
    assert fitted.dual_gap_ <= 1e-10
    assert_certificate_is_its_own(problem, fitted)


@pytest.mark.long
@pytest.mark.parametrize(combinations, FOR_CVXPY)
def test_objective_is_cvxpys(name, way, intercept, shared, alpha_mean, number):
    problem, fitted = solve_combination(name, way, intercept, shared, alpha_mean, number)
    assert_solves(problem, fitted, cvxpy_error=1e-7)


@st.composite
def cases(draw, way):
    """(Family, way, how to draw the problem, parameters, share of alpha_max, needs mean)."""
    name = draw(st.sampled_from(list(FAMILIES)))
    own = dict(FAMILIES[name].own)
    if "l1_ratio" in own:
        own["l1_ratio"] = draw(st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0]))
    if name.startswith("dirty"):
        own["specific_ratio"] = draw(st.sampled_from(["auto", 0.1, 0.3, 0.5, 0.8, 1.0, 1.3]))
    columns = way in ("columns", "holes") or way.endswith("columns")
    size = {
        "seed": draw(st.integers(0, 2**32 - 1)),
        "n_tasks": draw(st.integers(2 if columns else 1, 6)),
        "d": draw(st.integers(1, 8)),
        "rows": (draw(st.integers(1, 4)), draw(st.integers(4, 15))),
        "weights": draw(st.sampled_from([None, "rows", "labels" if columns else "rows"])),
        "task_weight": draw(st.sampled_from([None, "balanced", "array", "dict"])),
        "zeros": draw(st.sampled_from([0.0, 0.7])),
    }
    if way in CLASS_WAYS:
        size["class_weight"] = draw(st.sampled_from([None, "balanced", "dict"]))
        size["one_class"] = size["n_tasks"] > 1 and way not in ("two", "three")
        size["one_class"] &= draw(st.booleans())
    parameters = {
        "fit_intercept": draw(st.sampled_from([True, True, True, False])),
        "alpha_intercept": draw(st.sampled_from([0.0, 1e-3, 0.1, 10.0, np.inf, "auto"])),
        "shared_mean": draw(st.booleans()),
        "alpha_mean": draw(st.sampled_from([0.0, 1e-6, 1e-3, 0.1, 10.0])),
        "tol": 1e-10,
    }
    fraction = 10 ** draw(st.floats(-3, 0))
    form = draw(st.sampled_from([None, sparse.csr_array, sparse.csc_matrix]))
    return (
        replace(FAMILIES[name], own=own),
        way,
        size,
        parameters,
        fraction,
        form,
    )


def check_drawn(case):
    family, way, size, parameters, fraction, form = case
    kind = kind_of(way)
    Estimator = family.estimator(kind)
    problem = (make_classes if way in CLASS_WAYS else make)(way=way, **size)
    shared = parameters["shared_mean"] or family.always_has_mean
    assume(
        has_minimiser(problem, kind, shared, parameters["alpha_mean"], parameters["fit_intercept"])
    )
    if form is not None and "task_column" not in problem.init:
        problem = problem.as_sparse(form)
    parameters = family.parameters(**parameters)
    with expected(UNITS, "specific_ratio"):
        alpha = family.alpha(problem, Estimator, fraction, **parameters)
        fitted = problem.fit(Estimator, alpha=alpha, **parameters)
    assert fitted.dual_gap_ <= 1e-10
    assert_certificate_is_its_own(problem, fitted)


@pytest.mark.long
@pytest.mark.parametrize("way", [*WAYS, "array"])
@settings(derandomize=True, deadline=None, max_examples=34)
@given(data=st.data())
def test_any_regression_is_certified(way, data):
    check_drawn(data.draw(cases(way)))


@pytest.mark.long
@pytest.mark.parametrize("way", CLASS_WAYS)
@settings(derandomize=True, deadline=None, max_examples=22)
@given(data=st.data())
def test_any_classification_is_certified(way, data):
    check_drawn(data.draw(cases(way)))


@pytest.mark.parametrize("way", ["holes", "beside", "text columns", "two by task", "three by task"])
@pytest.mark.parametrize("shared", [False, True])
@every_alpha_max
def test_alpha_max_is_the_smallest_alpha_without_deviations(name, shared, way):
    family = FAMILIES[name]
    Estimator = family.estimator(kind_of(way))
    problem = draw(way, 1, 7, d=4)
    parameters = family.parameters(shared_mean=shared, alpha_intercept=0.3, tol=1e-10)
    top = problem.alpha_max(Estimator, **parameters)
    at, below = (
        problem.fit(Estimator, alpha=factor * top, **parameters) for factor in (1 + 1e-9, 0.97)
    )
    assert top == pytest.approx(alpha_max(problem.entries, problem.model(at)), rel=1e-5)
    largest = [
        np.abs(problem.point(fitted).deviations(problem.entries)).max() for fitted in (at, below)
    ]
    assert largest[0] < 1e-12
    assert largest[1] > 1e-6


SHAPES = {  # way: coef_, intercept_, mean_coef_, mean_intercept_ for T = 4, d = 5
    "columns": ((4, 5), (4,), (5,), ()),
    "beside": ((4, 5), (4,), (5,), ()),
    "one": ((5,), (), (5,), ()),
    "text columns": ((4, 5), (4,), (5,), ()),
    "two by task": ((4, 5), (4,), (5,), ()),
    "three by task": ((4, 3, 5), (4, 3), (3, 5), (3,)),
    "two": ((1, 5), (1,), None, None),
    "three": ((3, 5), (3,), (3, 5), (3,)),
}


@pytest.mark.parametrize("way", SHAPES)
@every_family
def test_fitted_attributes_have_the_shapes_of_the_contract(name, way):
    family = FAMILIES[name]
    Estimator = family.estimator(kind_of(way))
    problem = draw(way, 3, 11)
    shapes = SHAPES[way]
    for shared in (True, False) if way == "two by task" and not family.always_has_mean else (True,):
        fitted = problem.fit(
            Estimator, **family.parameters(alpha=0.05, shared_mean=shared, tol=1e-3)
        )
        assert np.shape(fitted.coef_) == shapes[0]
        assert np.shape(fitted.intercept_) == shapes[1]
        assert hasattr(fitted, "mean_coef_") == hasattr(fitted, "mean_intercept_") == shared
        if shared and shapes[2] is not None:
            assert np.shape(fitted.mean_coef_) == shapes[2]
            assert np.shape(fitted.mean_intercept_) == shapes[3]
        assert np.ndim(fitted.alpha_intercept_) == 0
        assert fitted.n_iter_ >= 1
        assert len(fitted.tasks_) == (1 if way in ("one", "two", "three") else 4)
        if way in CLASS_WAYS:
            assert list(fitted.classes_) == CLASS_WAYS[way]
            n = len(problem.y)
            per_row = {"text columns": (n, 4), "three by task": (n, 3), "three": (n, 3)}
            decision = fitted.decision_function(problem.X, **labels_of(problem))
            assert decision.shape == per_row.get(way, (n,))
            proba = fitted.predict_proba(problem.X, **labels_of(problem))
            assert proba.shape == ((n, 4) if way == "text columns" else (n, len(CLASS_WAYS[way])))


def labels_of(problem):
    return {name: problem.extra[name] for name in ("task",) if name in problem.extra}


def fitted_deviations(name, way, shared, seed=13):
    """A fit somewhere on the path, and its V in the order of its own tasks."""
    family = FAMILIES[name]
    Estimator = family.estimator(kind_of(way))
    problem = draw(way, 3, seed, d=9, rows=(10, 30))
    fraction = 0.7 if problem.entries.n_columns > 4 else 0.3
    parameters = family.parameters(shared_mean=shared, tol=1e-10)
    alpha = family.alpha(problem, Estimator, fraction, **parameters)
    fitted = problem.fit(Estimator, alpha=alpha, **parameters)
    K, d = problem.entries.n_classes, 9
    V = np.reshape(fitted.coef_, (-1, K, d)) - np.reshape(
        getattr(fitted, "mean_coef_", 0.0), (-1, d) if shared else ()
    )
    return fitted, V.reshape(-1, d)


OWN_WAYS = ["holes", "beside", "one", "text columns", "three by task", "three"]
own_ways = pytest.mark.parametrize("way", OWN_WAYS)
both_means = pytest.mark.parametrize("shared", [False, True])


@own_ways
@both_means
@pytest.mark.parametrize("name", ["l2", "linf", "sparse group"])
def test_support_says_which_features_have_deviations(name, shared, way):
    fitted, V = fitted_deviations(name, way, shared)
    assert fitted.support_.dtype == bool
    np.testing.assert_array_equal(fitted.support_, np.any(V != 0, axis=0))
    assert 0 < fitted.support_.sum() < 9


@own_ways
@both_means
def test_rank_and_singular_values_are_those_of_the_deviations(shared, way):
    fitted, V = fitted_deviations("trace", way, shared)
    values = np.linalg.svd(V, compute_uv=False)
    rank = fitted.rank_
    assert 0 < rank <= len(values)
    assert len(values) == 1 or rank < len(values)
    np.testing.assert_allclose(
        np.sort(fitted.singular_values_)[::-1][:rank], values[:rank], rtol=1e-8
    )
    assert np.all(values[rank:] <= 1e-10 * values[0])


@own_ways
@both_means
@pytest.mark.parametrize("name", ["dirty l2", "dirty linf"])
def test_shared_and_specific_parts_are_the_best_split(name, shared, way):
    fitted, V = fitted_deviations(name, way, shared)
    assert (
        np.shape(fitted.shared_coef_) == np.shape(fitted.specific_coef_) == np.shape(fitted.coef_)
    )
    B, S = (np.reshape(part, V.shape) for part in (fitted.shared_coef_, fitted.specific_coef_))
    np.testing.assert_allclose(B + S, V, atol=1e-12)
    norm, rho = fitted.norm, fitted.specific_ratio_
    for b, s, v in zip(B.T, S.T, V.T, strict=True):
        least, widest = split_of_row(norm, rho, v)
        reached = np.linalg.norm(b, ord=2 if norm == "l2" else np.inf)
        reached += rho * np.sum(np.abs(s)) if np.any(s != 0) else 0.0  # rho may be infinite
        assert reached == pytest.approx(least, rel=1e-9, abs=1e-12)
        assert np.sum(np.abs(s)) <= np.sum(np.abs(v - widest)) + 1e-7


@pytest.mark.parametrize(
    "norm, shared, ends",
    [
        ("l2", False, lambda T: (T**-0.5, 1.0)),
        ("linf", False, lambda T: (1 / T, 1.0)),
        ("l2", True, lambda T: ((2 * (T // 2)) ** -0.5, (1 - 1 / T) ** 0.5)),
        ("linf", True, lambda T: (1 / (2 * (T // 2)), 0.5)),
    ],
)
@pytest.mark.parametrize("T", [4, 5])
@pytest.mark.parametrize("way", ["beside", "two by task"])
def test_ratio_auto_is_the_geometric_mean_of_its_useful_ends(way, T, norm, shared, ends):
    Estimator = FAMILIES["dirty l2"].estimator(kind_of(way))
    problem = draw(way, 3, 17, n_tasks=T)
    low, high = ends(T)
    own = {"norm": norm, "shared_mean": shared, "alpha": 0.1, "tol": 1e-3}
    fitted = problem.fit(Estimator, **own)
    assert fitted.specific_ratio_ == pytest.approx(np.sqrt(low * high))
    for outside in (0.99 * low, 1.01 * high):
        with pytest.warns(UserWarning, match="specific_ratio"):
            fitted = problem.fit(Estimator, specific_ratio=outside, **own)
        assert fitted.specific_ratio_ == outside
    problem.fit(Estimator, specific_ratio=0.9 * high, **own)  # inside: no warning


@pytest.mark.parametrize(
    "T, norm, shared", [(1, "l2", False), (1, "linf", True), (2, "l2", True), (3, "linf", True)]
)
def test_where_no_ratio_is_useful_nothing_is_specific(T, norm, shared):
    Estimator = FAMILIES["dirty l2"].estimator("Regressor")
    problem = make(19, "beside", n_tasks=T)
    parameters = {"norm": norm, "shared_mean": shared, "tol": 1e-10}
    alpha = 0.3 * problem.alpha_max(Estimator, **parameters)
    fitted = problem.fit(Estimator, alpha=alpha, **parameters)
    np.testing.assert_array_equal(fitted.specific_coef_, 0.0)
    assert np.any(fitted.shared_coef_ != 0)
    assert_certificate_is_its_own(problem, fitted)


@pytest.mark.parametrize("way", ["text columns", "two by task", "three by task"])
@every_family
def test_a_column_of_one_class_is_said_once_with_its_names(name, way):
    Estimator = FAMILIES[name].estimator("Classifier")
    problem = make_classes(23, way, one_class=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Estimator(**problem.init, **FAMILIES[name].parameters(alpha=0.1, alpha_intercept=0.0)).fit(
            problem.X, problem.y, **problem.extra
        )
    assert len(caught) == 1
    name_of_task = 0 if problem.labels is None else problem.labels[0]
    assert str(name_of_task) in str(caught[0].message)
    with warnings.catch_warnings():  # pooled intercepts have a minimiser: nothing to say
        warnings.simplefilter("error")
        Estimator(**problem.init, **FAMILIES[name].parameters(alpha=0.1, alpha_intercept=0.3)).fit(
            problem.X, problem.y, **problem.extra
        )
