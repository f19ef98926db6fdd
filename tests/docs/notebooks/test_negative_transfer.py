import numpy as np
import pytest
from sklearn.metrics import mean_squared_error

from mtlearn import MeanRegularizedRegressorCV, make_table_pipeline

pytestmark = pytest.mark.long


def test_planted_schools_are_found_and_two_groups_are_best(notebook):
    planted, report, pairs = (notebook[name] for name in ("planted", "report", "pairs"))
    assert report.tasks["is_outlier"].sum() == 2
    assert set(report.tasks["task"].head(3)) == set(planted)
    harms = pairs.sources.query("verdict == 'harms'")
    assert set(harms["source"]) == set(planted) == set(pairs.sources["source"].head(3))
    assert (notebook["left_out"].sources["verdict"] == "no evidence").all()
    between = notebook["between"].to_numpy()
    assert (between.diagonal() > 0).all() and between[0, 1] < 0 and between[1, 0] < 0
    assert notebook["matrix"].title_.startswith("3 of 24 tasks harm the others")

    errors, y, train = (notebook[name] for name in ("errors", "y", "train"))
    ordinary, odd = errors["ordinary schools"], errors["reversed schools"]
    assert errors.idxmin().unique().tolist() == ["two groups, each together"]
    figures = errors.loc[["together", "each school alone", "two groups, each together"]].round(3)
    assert figures["reversed schools"].tolist()[:2] == [0.793, 0.648]
    assert figures["ordinary schools"].tolist()[::2] == [0.552, 0.542]
    assert ordinary["together"] < ordinary["each school alone"]
    for name in ("group lasso, shared mean", "random slopes"):
        assert odd[name] < odd["together"] - 0.05
        assert ordinary[name] < ordinary["together"] + 0.001
    assert ordinary["together"] - 0.01 < ordinary["together, weight 0.1"] < ordinary["together"]
    assert f"{odd['together, weight 0.1']:.3f}" == "1.428"
    light = MeanRegularizedRegressorCV(task_weight=notebook["light"], task_column="school")
    searched = make_table_pipeline(light).fit(notebook["X"][train], y[train])["model"]
    assert (round(searched.alpha_, 2), round(notebook["alpha"], 2)) == (0.09, 0.48)
    rows = ~train & notebook["reversed_"]
    again = mean_squared_error(y[rows], notebook["predicted"]["random slopes"][rows[~train]])
    assert odd["random slopes"] == pytest.approx(again, rel=1e-12)
    # a school reversed is the school itself: the sign of the mark back, and it is like the others
    assert np.isclose(y[rows], -notebook["table"]["normexam"][rows]).all()
