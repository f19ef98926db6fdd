import numpy as np
import pytest
from sklearn.linear_model import Lasso

pytestmark = pytest.mark.long


def test_the_figure_is_that_of_the_paper(notebook):
    needed, theory = notebook["needed"], notebook["theory"]
    little, middle, much = (needed.loc[overlap] for overlap in notebook["overlaps"])
    assert little["lasso"] <= little["dirty"] < little["group lasso"]
    assert max(middle["dirty"], much["dirty"]) < 0.9 * min(middle["lasso"], middle["group lasso"])
    assert abs(middle["lasso"] - middle["group lasso"]) < 0.1
    assert much["dirty"] < much["group lasso"] < much["lasso"]
    assert abs(little["lasso"] - little["dirty"]) <= 0.15  # "hardly more"

    # the thresholds of the theory, in order and roughly in size
    for overlap in notebook["overlaps"]:
        limits = {name: limit(overlap) for name, limit in theory.items()}
        assert all(abs(needed.loc[overlap, name] - limit) < 0.4 for name, limit in limits.items())

    # 0.707 is good where nearly all are shared only; near 0.5 it is the lasso
    assert much["dirty, 0.707"] < much["group lasso"]
    assert all(of["dirty, 0.707"] == of.max() for of in (little, middle))
    assert abs(little["dirty, 0.550"] - little["lasso"]) <= 0.15

    # a drawing that the lasso recovers, by scikit-learn
    X, y, task, coef = notebook["draw"](2.8, 0.3, 0)
    assert (coef != 0).sum(axis=1).tolist() == [12, 12]
    assert (coef != 0).all(axis=0).sum() == round(0.3 * 12)
    assert notebook["recovered"](notebook["models"]["lasso"], X, y, task, coef)
    found = [Lasso(alpha=0.1, fit_intercept=False).fit(X[task == t], y[task == t]) for t in (0, 1)]
    assert (np.sign([one.coef_ for one in found]) == coef).all()
