import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

pytestmark = pytest.mark.long


def test_answers_of_persons_are_better_learned_together(notebook):
    measured, found = notebook["measured"], notebook["found"]
    said, held_out, table = notebook["said"], notebook["held_out"], notebook["table"]
    assert (held_out.groupby(table["id"]).sum() == 8).all()
    for name, chance in found.items():
        np.testing.assert_allclose(chance.sum(axis=1), 1.0)
        assert measured["log loss"][name] == pytest.approx(log_loss(said[held_out], chance))
    expected = [0.936, 0.804, 1.241, 0.759, 0.757]
    np.testing.assert_allclose(measured["log loss"], expected, atol=0.002)
    assert measured["foreseen"].idxmax() == "together, multinomial"
    level, each = measured["foreseen"].iloc[[1, 2]]
    assert abs(level - each) < 0.01

    # a model for each: what a person has not said is impossible, and some say it all the same
    never, alone = notebook["never"], found["a model for each person"]
    truth = alone[notebook["rows"], notebook["position"]]
    assert ((truth == 0) == never).all() and 0.005 < never.mean() < 0.02
    others = notebook["others"]
    assert others["together, multinomial"] < others["a model for each person"] - 0.02

    # one choice and one against the rest: no more than luck, and sums that are not one
    assert -2 * notebook["error"] < notebook["difference"].mean() < 0
    few, many = np.quantile(notebook["apart"], [0.01, 0.99])
    assert 0.8 < few < 0.9 and 1.1 < many < 1.2
    np.testing.assert_allclose(notebook["joint"], notebook["chosen_at_once"])

    wants = notebook["persons"].loc[notebook["order"][[0, -1]], "no"]
    assert wants["do"].iloc[0] < wants["want"].iloc[0] and wants["do"].iloc[1] > 0.7
    assert 0.8 < np.mean(notebook["held_back"] > 0) < 0.9


def test_one_model_for_all_is_scikit_learns_of_the_questions(notebook):
    """Its dots are as many as there are questions and kinds of persons."""
    table, said, held_out = (notebook[name] for name in ("table", "said", "held_out"))
    X = pd.get_dummies(table.drop(columns="id"), dtype=float)
    X = (X - X[~held_out].mean()) / X[~held_out].std(ddof=0)
    losses = []
    for C in (0.1, 1, 10):
        model = LogisticRegression(C=C, max_iter=1000).fit(X[~held_out], said[~held_out])
        losses.append(log_loss(said[held_out], model.predict_proba(X[held_out])))
    assert notebook["measured"]["log loss"].iloc[0] == pytest.approx(min(losses), abs=0.01)
