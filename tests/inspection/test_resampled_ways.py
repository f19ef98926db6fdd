"""Every family and kind, CV, frames of two libraries, pipelines and searches are resampled."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mtlearn
from mtlearn.inspection import bootstrap_coef, coef_frame, selection_stability, transfer_matrix

CV = {"alphas": 3, "cv": 2}
MODELS = {
    f"{family}{kind}": (getattr(mtlearn, family + kind), CV if kind.endswith("CV") else {})
    for family in ("MeanRegularized", "GroupLasso", "TraceNorm", "Dirty")
    for kind in ("Regressor", "RegressorCV", "Classifier", "ClassifierCV")
} | {
    "RandomSlopesRegressor": (mtlearn.RandomSlopesRegressor, {}),
    "RandomSlopesClassifier": (mtlearn.RandomSlopesClassifier, {}),
}
FEATURES = ["size", "dose", "age"]
rng = np.random.default_rng(0)
N, SCHOOLS = 120, np.array(["east", "north", "south"])
X = rng.standard_normal((N, 3)) * [1.0, 2.0, 1.0] + [0.0, 3.0, 0.0]
CODES = np.arange(N) % 3
SCORE = np.sum(X * np.array([[1.0, 0, 0], [2.0, 0, 1.0], [1.0, -1.0, 0]])[CODES], axis=1)
SCORE = SCORE + rng.standard_normal(N)
COLUMNS = {name: X[:, j] for j, name in enumerate(FEATURES)} | {"school": SCHOOLS[CODES]}
LIBRARIES = {"pandas": pd.DataFrame, "polars": pl.DataFrame}


def target(Estimator, n_classes=2):
    if "Classifier" not in Estimator.__name__:
        return SCORE
    cuts = np.quantile(SCORE, np.linspace(0, 1, n_classes + 1)[1:-1])
    return np.array(["low", "middle", "top"])[np.digitize(SCORE, cuts)]


def piped(model, library):
    scaler = make_column_transformer(
        (StandardScaler(), FEATURES), remainder="passthrough", verbose_feature_names_out=False
    )
    return make_pipeline(scaler.set_output(transform=library), model)


def looked_at(model, X, y, library, n_classes=1, **more):
    """All three functions, in the library of X and with the names of fit."""
    found = bootstrap_coef(model, X, y, n_bootstraps=2, random_state=0, **more)
    assert isinstance(found, LIBRARIES[library])
    assert list(found["feature"][:4]) == ["(level)", *FEATURES]
    assert list(found["task"])[:: 4 * n_classes] == list(SCHOOLS)
    assert ("class" in found.columns) == (n_classes > 1)
    np.testing.assert_allclose(found["coef"], coef_frame(model)["coef"])
    assert (np.array(found["low"]) <= np.array(found["high"])).all()
    found = transfer_matrix(model, X, y, cv=2, **more)
    assert isinstance(found.frame, LIBRARIES[library])
    assert isinstance(found.sources, LIBRARIES[library])
    assert found.tasks == list(SCHOOLS)
    assert list(found.frame.columns) == ["source", "target", "gain", "std_error"]
    assert np.isfinite(np.array(found.frame["gain"])).all()
    if "MeanRegularized" in str(model):
        with pytest.raises(ValueError, match="selects nothing"):
            selection_stability(model, X, y, n_bootstraps=2, **more)
        return
    found = selection_stability(model, X, y, n_bootstraps=2, random_state=0, **more)
    assert isinstance(found.features, LIBRARIES[library])
    if found.selects == "features":
        assert list(found.features["feature"]) == FEATURES
        assert list(found.tasks["task"]) == np.repeat(SCHOOLS, 3).tolist()


pytestmark = pytest.mark.filterwarnings("ignore")  # tiny tables: of separable classes, grids, …


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", MODELS)
def test_frames_and_pipelines(name, library):
    Estimator, own = MODELS[name]
    frame, y = LIBRARIES[library](COLUMNS), target(Estimator)
    model = Estimator(task_column="school", **own)
    looked_at(piped(model, library).fit(frame, y), frame, y, library)


@pytest.mark.parametrize("name", [name for name in MODELS if name.endswith("Classifier")])
def test_more_than_two_classes(name):
    Estimator, own = MODELS[name]
    frame, y = pd.DataFrame(COLUMNS), target(Estimator, 3)
    model = Estimator(task_column="school", **own).fit(frame, y)
    looked_at(model, frame, y, "pandas", n_classes=3)


@pytest.mark.parametrize("name", [name for name in MODELS if not name.endswith("CV")])
def test_targets_over_one_x_with_holes(name):
    Estimator, own = MODELS[name]
    Y = X @ rng.standard_normal((3, 3)) + rng.standard_normal((N, 3))
    Y[rng.random(Y.shape) < 0.2] = np.nan
    if "Classifier" in name:
        Y = np.where(np.isnan(Y), np.nan, Y > 0)
    frame, Y = pd.DataFrame(X, columns=FEATURES), pd.DataFrame(Y, columns=SCHOOLS)
    model = Estimator(**own).fit(frame, Y)
    looked_at(model, frame, Y, "pandas")


@pytest.mark.parametrize("name", ["GroupLassoClassifier", "RandomSlopesRegressor"])
def test_labels_beside_an_array_and_a_search(name):
    Estimator, _ = MODELS[name]
    y, task = target(Estimator), SCHOOLS[CODES]
    model = Estimator().fit(X, y, task=task)
    found = bootstrap_coef(model, X, y, task=task, n_bootstraps=2, random_state=0)
    assert list(found["feature"][:4]) == ["(level)", "x0", "x1", "x2"]
    frame = pd.DataFrame(COLUMNS)
    grid = {"fit_intercept": [True, False]}
    search = GridSearchCV(Estimator(task_column="school"), grid, cv=2).fit(frame, y)
    looked_at(search, frame, y, "pandas")


def test_one_target_without_tasks():
    """A lasso: its rows can be drawn, and there is no other task to draw or to gain from."""
    model = mtlearn.GroupLassoRegressor(0.3).fit(X, SCORE)
    found = selection_stability(model, X, SCORE, n_bootstraps=5, random_state=0)
    assert len(found.tasks) == 3
    assert len(bootstrap_coef(model, X, SCORE, n_bootstraps=2)) == 4


def test_sparse_rows():
    task = SCHOOLS[CODES]
    rows = sparse.csr_array(X)
    model = mtlearn.GroupLassoRegressor(0.1).fit(rows, SCORE, task=task)
    found = selection_stability(model, rows, SCORE, task=task, n_bootstraps=2, random_state=0)
    dense = mtlearn.GroupLassoRegressor(0.1).fit(X, SCORE, task=task)
    other = selection_stability(dense, X, SCORE, task=task, n_bootstraps=2, random_state=0)
    np.testing.assert_array_equal(found.selected, other.selected)
    assert np.isfinite(transfer_matrix(model, rows, SCORE, task=task).frame["gain"]).all()
