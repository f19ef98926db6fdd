"""scikit-learn's own checks on every estimator, with and without a column of labels; none excused.

As a task column, a feature of the checks makes nearly every row a task of its own, and the models
say so. And what is generated must be as if written: the signatures and the docstrings.
"""

import inspect
import re

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

import mtlearn
from mtlearn import GroupLassoRegressor, IndependentTasks, MixedTargets, PooledTasks

pytestmark = [
    pytest.mark.filterwarnings("ignore::mtlearn.exceptions.UnseenTaskWarning"),
    pytest.mark.filterwarnings("ignore::mtlearn.exceptions.UnidentifiedVarianceWarning"),
    pytest.mark.filterwarnings("ignore:.*different numbers with fractions:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*have no finite best value:UserWarning"),
]

# The checks fit often, and nothing they check needs a long path. They ask what was learnt by heart,
# though, and tasks of one row, strangers in every fold, speak for an alpha that makes tasks equal:
# both alphas are small, and no smaller, as hundreds of tasks of one row take the longer.
QUICK = {"alphas": (0.05, 0.02), "cv": 2}

BASELINES = [
    Baseline(estimator)
    for Baseline in (IndependentTasks, PooledTasks)
    for estimator in (Ridge(), LogisticRegression())
]
MODELS = [
    Model().set_params(**{name: QUICK[name] for name in QUICK if name in Model().get_params()})
    for Model in (getattr(mtlearn, name) for name in mtlearn.__all__)
    if isinstance(Model, type)
    and issubclass(Model, BaseEstimator)
    and Model not in (IndependentTasks, PooledTasks, MixedTargets)
]
MIXED = MixedTargets(GroupLassoRegressor(0.01), loss="squared")


ALL = BASELINES + MODELS
# With hundreds of tasks of one row most of the time goes to solving, and the reading of labels is
# one for all families, their searches one mixin. So what a family does with labels is asked of its
# models; of searches the checks with labels ask both kinds, and a norm. The first column instead
# of the last is a matter of reading alone: of families, two kinds of one and all cheap ones.
SEARCHES_WITH_LABELS = {
    "MeanRegularizedRegressorCV",
    "MeanRegularizedClassifierCV",
    "GroupLassoRegressorCV",
}
OWN_CLASSIFIERS = {"MeanRegularizedClassifier", "RandomSlopesClassifier"}


def named(model):
    return type(model).__name__


NO_SEARCHES = [model for model in ALL if not named(model).endswith("CV")]
LAST = NO_SEARCHES + [model for model in ALL if named(model) in SEARCHES_WITH_LABELS]
FIRST = [
    model
    for model in NO_SEARCHES
    if named(model) in OWN_CLASSIFIERS or not named(model).endswith("Classifier")
]


def with_labels_at(column, models):
    return [clone(model).set_params(task_column=column) for model in models]


@parametrize_with_checks([*with_labels_at(None, ALL), MIXED])
def test_checks(estimator, check):
    check(estimator)


@pytest.mark.long
@parametrize_with_checks(with_labels_at(-1, LAST) + with_labels_at(0, FIRST))
def test_checks_of_labelled_rows(estimator, check):
    check(estimator)


@parametrize_with_checks(
    [
        mtlearn.RandomSlopesRegressor(loss=loss, covariance="common")
        for loss in ("poisson", "huber", "quantile")
    ]
)
def test_checks_of_random_slopes_under_a_loss(estimator, check):
    if estimator.loss == "poisson" and check.func.__name__ == "check_regressor_multioutput":
        pytest.skip("it draws targets below zero, whatever tags say")
    check(estimator)


@pytest.mark.long
@parametrize_with_checks(
    [
        mtlearn.RandomSlopesRegressor(loss=loss, covariance="common")
        for loss in ("huber", "quantile")
    ]
)
def test_checks_of_outliers_and_quantiles(estimator, check):
    check(estimator)


ESTIMATE = (
    "RandomSlopesRegressor",
    "RandomSlopesClassifier",
)  # their strengths; no alpha is given or searched


@pytest.mark.parametrize("model", [m for m in MODELS if type(m).__name__ not in ESTIMATE], ids=repr)
def test_the_signature_is_that_of_the_contract(model):
    parameters = list(inspect.signature(type(model)).parameters.values())
    search = type(model).__name__.endswith("CV")
    assert parameters[0].name == ("alphas" if search else "alpha")
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters[1:])
    default = {p.name: p.default for p in parameters}
    classifier = "Classifier" in type(model).__name__
    assert default.get("alpha") == (None if search else 0.01 if classifier else 1.0)
    assert ("class_weight" in default) == classifier == ("scale_targets" not in default)
    no_choice = type(model).__name__.startswith(("Mean", "Graph", "Clustered"))
    assert ("shared_mean" in default) == (not no_choice)
    assert vars(type(model)()) == default


@pytest.mark.parametrize("name", ESTIMATE)
def test_the_signature_of_models_that_estimate_their_strengths(name):
    Model = getattr(mtlearn, name)
    parameters = list(inspect.signature(Model).parameters.values())
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters)
    assert [(p.name, p.default) for p in parameters[:5]] == [
        ("covariance", "diagonal"),
        ("method", "reml"),
        ("alpha_mean", 0.0),
        ("shrinkage", "auto"),
        ("store_covariance", True),
    ]
    assert vars(Model()) == {p.name: p.default for p in parameters}


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_the_docstring_explains_every_parameter_and_every_attribute(model):
    X = np.random.default_rng(0).normal(size=(40, 3))
    Y = X[:, :2] + np.random.default_rng(1).normal(size=(40, 2))
    fitted = clone(model).fit(X, Y > 0 if "Classifier" in type(model).__name__ else Y)
    _, parameters, attributes, _ = re.split(
        r"^(?:Parameters\n-+|Attributes\n-+|See Also\n-+)\n", fitted.__doc__, flags=re.MULTILINE
    )
    described = re.findall(r"^(\w+) : .*, default=(.+)\n    \S", parameters, re.MULTILINE)
    shown = [(p.name, p.default) for p in inspect.signature(type(model)).parameters.values()]
    assert [(name, eval(default)) for name, default in described] == shown
    explained = re.findall(r"\w+_(?=[ ,])", "\n".join(re.findall(r"^\S.*", attributes, re.M)))
    assert {name for name in vars(fitted) if name.endswith("_")} <= set(explained)
