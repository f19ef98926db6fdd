import numpy as np
import pytest
from sklearn.metrics import log_loss

pytestmark = pytest.mark.long


def test_nothing_shared_beats_ten_logistic_regressions(notebook):
    losses = notebook["scores"].pivot(index="images", columns="model", values="log loss")
    behind = losses.sub(losses["ten logistic regressions"], axis=0)
    assert behind["mean-regularized"].between(-0.001, 0.002).all()
    assert behind["group lasso"].between(0.0025, 0.0135).all()
    assert notebook["answer"].verdict.startswith("No, learning together does not help")

    # one loss again, by scikit-learn, of the last model and rows
    model, test = notebook["models"]["group lasso"], notebook["test"]
    p, Y = model.predict_proba(notebook["X"].loc[test]), notebook["Y"].loc[test]
    again = np.mean([log_loss(Y.iloc[:, k], p[:, k]) for k in range(10)])
    assert losses.loc[40, "group lasso"] == pytest.approx(again, abs=1e-8)

    coef, values = notebook["model"].coef_, notebook["alike"].values
    assert np.linalg.norm(coef.mean(axis=0)) < 0.25 * notebook["length"]
    assert notebook["others"].mean() == pytest.approx(-1 / 9, abs=0.03)
    assert np.allclose(values, values.T)
    path = notebook["related"].path
    assert 0 < path.best_relatedness < 0.1 and path.best_score > path.independent > path.pooled
    # one model for all can say 1 in 10 of each digit
    assert -path.pooled == pytest.approx(-0.1 * np.log(0.1) - 0.9 * np.log(0.9), abs=2e-3)
