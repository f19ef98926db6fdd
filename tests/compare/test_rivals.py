"""Models that are not linear, as people would use them otherwise, on the side of the baselines."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score

from mtlearn import compare_tasks
from mtlearn.compare.contenders import DEFAULT, choose_models, spelt_out
from mtlearn.compare.kinds import Kind
from mtlearn.compare.regression import Regression
from mtlearn.compare.rivals import TaskAsCategory


def curved(n_tasks=6, rows=60, seed=0):
    """Tasks share a curve that no line follows; half of them stand on their heads."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rows)
    x = rng.uniform(-2, 2, len(task))
    y = np.where(task % 2, -1, 1) * x**2 + 0.2 * rng.normal(size=len(task))
    return pd.DataFrame({"x": x, "shop": [f"s{t}" for t in task]}), y


@pytest.mark.parametrize("rival", ["boosting", "mlp"])
def test_they_win_where_tasks_share_a_curve(rival):
    X, y = curved()
    result = compare_tasks(X, y, task_column="shop", models=["mean-regularized", f"+{rival}"], cv=2)
    score = result.table["r2"]
    assert score[rival] > 0.8 > 0.6 > score["mean-regularized"]
    assert result.table["kind"][rival] == "baseline"
    assert not result.helps and f"Use {rival}." in result.verdict
    assert not any("lbfgs" in note for note in result.notes)


@pytest.mark.parametrize("target", ["two classes", "three classes", "matrix with holes"])
def test_classes_and_matrices_are_answered(target):
    X, y = curved(4, 30)
    rng = np.random.default_rng(1)
    if target == "matrix with holes":
        Y = np.column_stack([X["x"] ** 2, -(X["x"] ** 2)]) + 0.1 * rng.normal(size=(120, 2))
        Y[rng.random(Y.shape) < 0.2] = np.nan
        result = compare_tasks(X[["x"]], Y, models=["mean-regularized", "+boosting", "+mlp"], cv=2)
        assert (result.table["r2"][["boosting", "mlp"]] > 0.5).all()
        return
    classes = np.array(["no", "yes", "maybe"])[np.digitize(y, [0.5, 2][: 1 + ("three" in target)])]
    asked = ["mean-regularized", "+boosting", "+mlp"]
    result = compare_tasks(X, classes, task_column="shop", models=asked, cv=2)
    score = result.table["log_loss"]
    assert (score[["boosting", "mlp"]] < score["pooled"]).all()


def test_plus_adds_to_the_default_and_to_what_is_named():
    assert spelt_out(["+boosting"]) == [*DEFAULT, "boosting"]
    assert spelt_out(["+mlp", "dirty", "+boosting"]) == ["dirty", "mlp", "boosting"]
    assert spelt_out([]) == []  # the baselines alone
    kind: Kind = Regression()
    assert list(choose_models(["mean-regularized", "+mlp"], "shop", kind))[-1] == "mlp"
    with pytest.raises(ValueError, match=r"no model 'trees'; .* \+boosting and \+mlp"):
        choose_models(["+trees"], "shop", kind)


@pytest.mark.parametrize("n_tasks", [6, 300])
def test_the_task_is_one_column(n_tasks):
    """Levels of tasks are found by trees, be they categories or, of many, means of the target."""
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(n_tasks), 40)
    levels = 3 * rng.normal(size=n_tasks)
    X, y = rng.normal(size=(len(task), 1)), levels[task] + 0.1 * rng.normal(size=len(task))
    model = TaskAsCategory(HistGradientBoostingRegressor(max_iter=60), unseen_task="mean")
    model.fit(X, y, task=task)
    assert r2_score(y, model.predict(X, task=task)) > 0.9
    unseen = model.predict(X[:5], task=np.full(5, -1))
    assert np.isfinite(unseen).all()
    with pytest.warns(match="trees that see a missing value"):
        model.set_params(unseen_task="warn").predict(X[:5], task=np.full(5, -1))


def test_classes_of_many_tasks():
    rng = np.random.default_rng(0)
    task = np.repeat(np.arange(300), 10)
    y = np.array(["a", "b", "c"])[rng.integers(0, 3, 300)][task]
    model = TaskAsCategory(HistGradientBoostingClassifier(max_iter=20))
    model.fit(rng.normal(size=(3000, 1)), y, task=task)
    P = model.predict_proba(np.zeros((300, 1)), task=np.arange(300))
    assert P.shape == (300, 3)
    np.testing.assert_allclose(P.sum(axis=1), 1)
