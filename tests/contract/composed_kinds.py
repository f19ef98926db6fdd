"""The cells of classes chosen at once, counts of random slopes, and columns of unlike kinds.

Rows of the table of tests/contract/test_composition.py, whose own rows are of models of one kind.
"""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor, VotingRegressor
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import mtlearn
from mtlearn import MixedTargets

from ..composition import (
    ALL_ROWS,
    ALPHAS,
    BESIDE,
    HOLES,
    LABELLED,
    SEVERAL,
    TASK,
    Case,
    Counts,
    F,
    Y,
    n,
    refused,
    take,
    works,
)

ROUTING_OFF = r"task_column=.*write sklearn\.set_config\(enable_metadata_routing=True\)"


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-6)


# Classes, one choice among all

MULTINOMIAL = '`loss="multinomial"` in a search'
JOINT = {"loss": "multinomial"}


class Classes(Case):
    """Three classes, of rows that are labelled by task."""

    @property
    def y(self):
        return np.array(["fail", "pass", "top"])[np.digitize(Y[ALL_ROWS, TASK], [-0.5, 0.7])]


def search_classes(case, **options):
    tool = GridSearchCV(case.make(**JOINT), {"alpha": ALPHAS}, error_score="raise", **options)
    return tool.fit(case.X, case.y, **case.beside)


@works(MULTINOMIAL, *LABELLED, "routed", kinds=["classifier"])
def search_of_classes(case):
    case = Classes(case.model, case.way)
    found = search_classes(case, cv=case.cv)
    means = [np.mean(case.scores(alpha=alpha, **JOINT)) for alpha in ALPHAS]
    close(found.cv_results_["mean_test_score"], means)
    case.same(found.best_estimator_, **JOINT, **found.best_params_)


@works(MULTINOMIAL, *LABELLED, kinds=["classifier"])
def search_of_classes_by_their_probabilities(case):
    case = Classes(case.model, case.way)
    found = search_classes(case, cv=case.cv, scoring="neg_log_loss")
    best = []
    for train, test in case.splits:
        chances = case.predict(
            case.fit(train, **JOINT, **found.best_params_), test, "predict_proba"
        )
        close(chances.sum(axis=1), 1.0)
        best.append(-log_loss(case.y[test], chances))
    assert found.best_score_ == pytest.approx(np.mean(best), abs=1e-6)
    assert found.predict_proba(case.X).shape == (n, 3)


@refused(MULTINOMIAL, *SEVERAL, match="one choice among classes", kinds=["classifier"])
def search_of_several_choices(case):
    search_classes(case, cv=case.cv)


@refused(MULTINOMIAL, "beside", match=ROUTING_OFF, kinds=["classifier"])
def search_of_classes_without_routing(case):
    search_classes(Classes(case.model, case.way), cv=case.cv)


# Random slopes of counts, of outliers, of quantiles

SLOPES = {
    f'`RandomSlopesRegressor(loss="{loss}")` in a search': loss
    for loss in ("poisson", "huber", "quantile")
}
COVARIANCES = ["common", "diagonal"]


class Slopes:
    """Random slopes, for which how much tasks differ is estimated."""

    def make(self, **parameters):
        own = {"unseen_task": "mean", "loss": "poisson", "task_column": self.task_column}
        return mtlearn.RandomSlopesRegressor(**own | parameters)


class SlopesOfCounts(Slopes, Counts):
    """Of counts."""


class SlopesOfNumbers(Slopes, Case):
    """Of numbers."""


def search_slopes(case, tool):
    kind = SlopesOfCounts if SLOPES[tool] == "poisson" else SlopesOfNumbers
    case, asked = kind(case.model, case.way), {"loss": SLOPES[tool]}
    search = GridSearchCV(
        case.make(**asked), {"covariance": COVARIANCES}, cv=case.cv, error_score="raise"
    )
    return case, search.fit(case.X, case.y, **case.beside), asked


for tool in SLOPES:

    @works(tool, *SEVERAL, *LABELLED, "routed", kinds=["regressor"])
    def search_of_slopes(case, tool):
        case, found, asked = search_slopes(case, tool)
        means = [np.mean(case.scores(covariance=one, **asked)) for one in COVARIANCES]
        close(found.cv_results_["mean_test_score"], means)
        case.same(found.best_estimator_, **asked, **found.best_params_)

    @refused(tool, "beside", match=ROUTING_OFF, kinds=["regressor"])
    def search_of_slopes_without_routing(case, tool):
        search_slopes(case, tool)


# Columns of unlike kinds

LOSS = {"up": "squared", "down": "logistic", "left": "poisson"}
PIPELINE, SEARCH, NAMED, CROSS, HELD_OUT, PERMUTED, PARTIAL, AROUND, SELECT, DROP, COPIES = (
    f"`MixedTargets`, {tool}"
    for tool in (
        "Pipeline and set_output",
        "GridSearchCV and RandomizedSearchCV",
        "named scorers",
        "cross_validate and learning_curve",
        "cross_val_predict",
        "permutation_importance",
        "partial_dependence",
        "ensembles and TransformedTargetRegressor",
        "SelectFromModel",
        "RFE",
        "copies and processes",
    )
)


class Mixed(Case):
    """A number, a label of text and a count, of which some may be missing."""

    @property
    def X(self):
        return pd.DataFrame(F, columns=list("abcd"))

    @property
    def y(self):
        y = pd.DataFrame(
            {
                "up": Y[:, 0],
                "down": np.where(Y[:, 1] > 0, "yes", "no").astype(object),
                "left": np.floor(np.exp(0.5 * Y[:, 2])),
            }
        )
        return y.mask(np.isnan(HOLES)) if self.way == "holes" else y

    def make(self, *, alpha=0.05, **parameters):
        inside = getattr(mtlearn, self.model)(alpha=alpha, task_column=self.task_column)
        return MixedTargets(inside, **{"loss": LOSS} | parameters)

    def held_out(self, method="predict", **parameters):
        fits = [(self.fit(train, **parameters), test) for train, test in self.splits]
        return pd.concat([self.predict(fitted, test, method) for fitted, test in fits]).sort_index()


def unlike(case):
    return Mixed(case.model, case.way)


def alike(found, expected):
    """Two tables of predictions, numbers up to what a tolerance leaves."""
    found = pd.DataFrame(np.asarray(found, dtype=object), columns=expected.columns)
    close(found[["up", "left"]].astype(float), expected[["up", "left"]])
    assert found["down"].tolist() == expected["down"].tolist()


def scaled(case):
    """A model of features that are scaled by hand, and what it predicts."""
    Z = pd.DataFrame(StandardScaler().fit_transform(F), columns=list("abcd"))
    return case.make().fit(Z, case.y).predict(Z)


for tool in (
    PIPELINE,
    SEARCH,
    NAMED,
    CROSS,
    HELD_OUT,
    PERMUTED,
    PARTIAL,
    AROUND,
    SELECT,
    DROP,
    COPIES,
):

    @refused(tool, *LABELLED, match=r"task_column=.*of the estimator inside", kinds=["regressor"])
    @refused(tool, *BESIDE, match=r"task= \(of ndarray\)", kinds=["regressor"])
    def labelled_rows(case):
        """Of one target, which the model inside fits by itself."""
        unlike(case).make().fit(case.X, case.y, **case.beside)


@works(PIPELINE, *SEVERAL, kinds=["regressor"])
def pipelines_of_unlike_columns(case):
    case = unlike(case)
    plain = Pipeline([("scale", StandardScaler()), ("model", case.make())])
    alike(plain.fit(case.X, case.y).predict(case.X), scaled(case))
    columns = ColumnTransformer([("scale", StandardScaler(), list("abcd"))])
    framed = Pipeline([("columns", columns), ("model", case.make())])
    framed.set_output(transform="pandas").fit(case.X, case.y)
    assert framed[-1].feature_names_in_.tolist() == [f"scale__{name}" for name in "abcd"]
    found = framed.predict(case.X)
    assert isinstance(found, pd.DataFrame)
    alike(found, scaled(case))
    assert framed.score(case.X, case.y) == pytest.approx(plain.score(case.X, case.y))


@works(SEARCH, *SEVERAL, kinds=["regressor"])
def searches_of_unlike_columns(case):
    case = unlike(case)
    means = [np.mean(case.scores(alpha=alpha)) for alpha in ALPHAS]
    grid = {"estimator__alpha": ALPHAS}
    for tool in (
        GridSearchCV(case.make(), grid, cv=case.cv, error_score="raise"),
        RandomizedSearchCV(
            case.make(), grid, n_iter=2, random_state=0, cv=case.cv, error_score="raise"
        ),
    ):
        found = tool.fit(case.X, case.y)
        tried = [params["estimator__alpha"] for params in found.cv_results_["params"]]
        close(found.cv_results_["mean_test_score"], [means[ALPHAS.index(a)] for a in tried])
        alike(found.predict(case.X), case.fit(alpha=ALPHAS[int(np.argmax(means))]).predict(case.X))


@works(SEARCH, *SEVERAL, kinds=["regressor"])
def searches_by_the_score_of_a_column(case):
    case = unlike(case)

    def of_labels(model, X, y):
        return model.scores(X, y)["down"]

    noise = {"noise": ["estimated", None]}
    found = GridSearchCV(case.make(), noise, cv=case.cv, scoring=of_labels, error_score="raise")
    found.fit(case.X, case.y)
    for params, mean in zip(
        found.cv_results_["params"], found.cv_results_["mean_test_score"], strict=True
    ):
        correct = []
        for train, test in case.splits:
            truth = take(case.y, test)["down"]
            guess = case.predict(case.fit(train, **params), test)["down"]
            correct.append((guess == truth)[truth.notna()].mean())
        assert mean == pytest.approx(np.mean(correct))


@refused(NAMED, *SEVERAL, match="could not convert|NaN|unknown label", kinds=["regressor"])
def searches_by_a_named_score(case):
    case = unlike(case)
    cross_val_score(case.make(), case.X, case.y, cv=case.cv, scoring="r2", error_score="raise")


@works(CROSS, *SEVERAL, kinds=["regressor"])
def folds_of_unlike_columns(case):
    case = unlike(case)
    options = {"cv": case.cv, "error_score": "raise"}
    found = cross_validate(case.make(), case.X, case.y, return_train_score=True, **options)
    close(found["test_score"], case.scores())
    close(found["train_score"], case.scores([(train, train) for train, _ in case.splits]))
    options |= {"train_sizes": [0.5, 1.0]}
    sizes, _, scores = learning_curve(case.make(), case.X, case.y, **options)
    for size, score in zip(sizes, scores, strict=True):
        close(score, case.scores([(train[:size], test) for train, test in case.splits]))


@works(HELD_OUT, *SEVERAL, kinds=["regressor"])
def held_out_rows_of_unlike_columns(case):
    case = unlike(case)
    alike(cross_val_predict(case.make(), case.X, case.y, cv=case.cv), case.held_out())


@refused(HELD_OUT, *SEVERAL, match="no column of y", kinds=["regressor"])
def held_out_probabilities(case):  # answered by a loop of the page
    case = unlike(case)
    cross_val_predict(case.make(), case.X, case.y, cv=case.cv, method="predict_proba")


@works(PERMUTED, *SEVERAL, kinds=["regressor"])
def importance_of_unlike_columns(case):
    case = unlike(case)
    X = case.X.assign(d=0.0)
    found = permutation_importance(case.fit(), X, case.y, random_state=0).importances_mean
    assert found[3] == 0 and found.argmax() == 0


@refused(PARTIAL, *SEVERAL, match="must be a fitted regressor", kinds=["regressor"])
def dependence_of_unlike_columns(case):
    partial_dependence(unlike(case).fit(), F, [1])


UNFIT = r"1d array|NaN|could not convert|no column of y"


@refused(AROUND, *SEVERAL, match=UNFIT, kinds=["regressor"])
def ensembles_of_unlike_columns(case):
    case = unlike(case)
    for tool in (
        VotingRegressor([("model", case.make())]),
        StackingRegressor([("model", case.make())]),
        BaggingRegressor(case.make()),
    ):
        with pytest.raises(ValueError, match=UNFIT):
            tool.fit(case.X, case.y)
    TransformedTargetRegressor(case.make(), transformer=StandardScaler()).fit(case.X, case.y)


def in_units_of_noise(model):
    """Coefficients that may be compared between columns."""
    return model.coef_ / model.task_noise_[:, None]


@works(SELECT, *SEVERAL, kinds=["regressor"])
def selection_of_unlike_columns(case):
    case = unlike(case)
    masks = []
    for unit in (1.0, 1e6):  # of which a column is must not decide what is selected
        y = case.y.assign(up=unit * case.y["up"])
        selector = SelectFromModel(case.make(alpha=0.3), importance_getter=in_units_of_noise)
        selector.set_output(transform="pandas").fit(case.X, y)
        masks.append(selector.get_support().tolist())
    assert masks[0] == masks[1] and 0 < sum(masks[0]) < 4
    size = np.abs(in_units_of_noise(case.fit(alpha=0.3))).sum(axis=0)
    assert masks[0] == (size >= size.mean()).tolist()
    assert selector.transform(case.X).columns.tolist() == case.X.columns[masks[0]].tolist()


@works(DROP, "columns", kinds=["regressor"])
def elimination_of_unlike_columns(case):
    """It makes an array of y, whose columns have positions."""
    case = unlike(case)
    y = case.y.assign(down=case.y["down"] == "yes").to_numpy(dtype=float)
    model = case.make(loss=list(LOSS.values()))
    getter = {"importance_getter": in_units_of_noise}
    found = RFE(model, n_features_to_select=2, **getter).fit(F, y).support_
    kept = np.arange(4)
    while len(kept) > 2:
        size = np.square(in_units_of_noise(clone(model).fit(F[:, kept], y))).sum(axis=0)
        kept = np.delete(kept, size.argmin())
    np.testing.assert_array_equal(np.flatnonzero(found), kept)


@refused(DROP, "holes", match="NaN", kinds=["regressor"])
def elimination_with_missing_labels(case):
    case = unlike(case)
    RFE(case.make(), n_features_to_select=2).fit(case.X, case.y)


@works(COPIES, *SEVERAL, kinds=["regressor"])
def copies_of_unlike_columns(case, tmp_path):
    case = unlike(case)
    fitted = case.fit()
    joblib.dump(fitted, tmp_path / "model.joblib")
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "model.joblib")):
        pd.testing.assert_frame_equal(copy.predict(case.X), fitted.predict(case.X))
    fresh = clone(fitted)
    assert not [name for name in vars(fresh) if name.endswith("_")]
    alike(fresh.fit(case.X, case.y).predict(case.X), fitted.predict(case.X))
    found = cross_validate(case.make(), case.X, case.y, cv=case.cv, n_jobs=2, error_score="raise")
    close(found["test_score"], case.scores())
    joblib.dump(F, tmp_path / "data.joblib")
    mapped = joblib.load(tmp_path / "data.joblib", mmap_mode="r")
    assert isinstance(mapped, np.memmap) and not mapped.flags.writeable
    alike(case.make().fit(mapped, case.y).predict(mapped), fitted.predict(case.X))


def groups_reach_the_folds_inside():
    """With metadata routing on, as they reach those of the searches of one kind."""
    case, persons = Mixed("MeanRegularizedRegressor", "columns"), ALL_ROWS // 4
    inside = mtlearn.MeanRegularizedRegressorCV(alphas=ALPHAS, cv=GroupKFold(2))
    model, outer = MixedTargets(inside, loss=LOSS), GroupKFold(2)
    found = cross_val_score(
        model, case.X, case.y, cv=outer, params={"groups": persons}, error_score="raise"
    )
    by_hand = []
    for train, test in outer.split(case.X, groups=persons):
        fitted = clone(model).fit(case.X.iloc[train], case.y.iloc[train], groups=persons[train])
        by_hand.append(fitted.score(case.X.iloc[test], case.y.iloc[test]))
    close(found, by_hand)
