import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlearn import IndependentTasks, RandomSlopesClassifier, make_table_pipeline

pytestmark = pytest.mark.long


def test_travellers_differ_in_what_an_hour_is_worth(notebook):
    found, easier = notebook["held_out"], notebook["easier"]
    assert found["log loss"].idxmin() == found["foreseen"].idxmax() == "together"
    assert found["foreseen"].round(2)[["together", "one model for all"]].tolist() == [0.68, 0.60]
    assert 0.67 < found["log loss"]["one model for all"] < np.log(2)
    assert (easier["log loss"] < found["log loss"][easier.index]).all()
    assert easier["log loss"].idxmin() == "together"

    table, choice, last = notebook["table"], notebook["choice"], notebook["last"]
    for_all = make_pipeline(StandardScaler(), LogisticRegression(C=0.01))
    for_all.fit(table[~last].drop(columns="id"), choice[~last])
    proba = for_all.predict_proba(table[last].drop(columns="id"))
    assert log_loss(choice[last], proba) == pytest.approx(
        found["log loss"]["one model for all"], abs=1e-5
    )
    one_answer = choice[~last].groupby(table["id"]).nunique() == 1
    assert one_answer.sum() == 3
    others = last & ~table["id"].map(one_answer)
    alone = make_table_pipeline(IndependentTasks(LogisticRegression(C=0.1), task_column="id"))
    alone.fit(table[~last], choice[~last])
    assert round(log_loss(choice[others], alone.predict_proba(table[others])), 2) == 0.75

    # scaling and back again is no change: the same model on the columns as they are
    plain = RandomSlopesClassifier(task_column="id").fit(table, choice)
    person, errors = notebook["person"], notebook["part_worths"]["std_error"]
    columns = ["price", "time", "changes", "discomfort"]
    np.testing.assert_allclose(person[columns], plain.coef_, rtol=0.02, atol=0.02)
    assert notebook["slopes"].features_[0] == "price"
    likes = person["price"] > 0
    assert likes.sum() == 6
    assert (person["price"] < 2 * errors["price"])[likes].all()
    assert round(plain.slope_std_[1], 1) == 5.1 and round(notebook["error"], 1) == 3.5

    sure, hour = notebook["sure"], notebook["hour"]
    in_a_hurry = person["time"] < np.quantile(person["time"], 0.25)
    assert in_a_hurry[~sure].mean() > 1.5 * in_a_hurry[sure].mean()
    assert sure.sum() == 182 and hour.quantile([0.1, 0.5, 0.9]).round().tolist() == [4, 10, 20]
    assert round(notebook["market"], 1) == round(plain.mean_coef_[1] / plain.mean_coef_[0], 1)
