import numpy as np
import pytest
from sklearn.linear_model import QuantileRegressor

pytestmark = pytest.mark.long


def test_pictures_say_what_the_page_says(notebook):
    assert notebook["coefficients"].title_.startswith("2 of 4 features differ between the 65 tasks")
    assert "of 65 tasks and hurts none" in notebook["gains"].title_
    assert 0 < notebook["related"].path.best_relatedness < 1
    assert notebook["path"].names_[0] == "schavg" and len(notebook["path"].names_) == 4
    assert notebook["stable"].frequency_[0] == 1.0
    numbers = notebook["slopes"].frame, notebook["coefficients"].frame
    assert numbers[0].equals(numbers[1])


def test_lines_of_tenths_are_best_learned_together(notebook):
    held_out = notebook["held_out"].set_index(["model", "quantile"])
    for q in (0.1, 0.5, 0.9):
        loss = held_out["loss"].xs(q, level="quantile")
        assert loss.idxmin() == "random slopes" and loss.nsmallest(2).iloc[1] > 1.01 * loss.min()
        assert held_out.loc[("random slopes", q), "below"] == pytest.approx(q, abs=0.015)
    # one line for all, by scikit-learn
    reading, y, fold = (notebook[name] for name in ("reading", "y", "fold"))
    x, losses = reading[["standLRT"]].to_numpy(), []
    for k in range(5):
        line = QuantileRegressor(quantile=0.9, alpha=0).fit(x[fold != k], y[fold != k])
        r = y[fold == k] - line.predict(x[fold == k])
        losses.append(np.where(r > 0, 0.9 * r, -0.1 * r))
    expected = 100 * np.concatenate(losses).mean()
    assert held_out.loc[("one line for all", 0.9), "loss"] == pytest.approx(expected, rel=1e-3)
    assert reading["school"].value_counts().mean() / 10 == pytest.approx(6, abs=0.5)


def test_good_for_the_weakest_and_for_the_best(notebook):
    above, sure, tenths = (notebook[name] for name in ("above", "sure", "tenths"))
    assert not (sure[0.1] * sure[0.9] < 0).any()
    assert above[0.1].corr(above[0.9]) == pytest.approx(0.68, abs=0.005)
    counts = [int(chosen.sum()) for _, chosen in notebook["kinds"].values()]
    assert counts == [5, 4, 21, 35] and sum(counts) == 65
    reading, y = notebook["reading"], notebook["y"]
    for q, model in tenths.items():
        assert model.dual_gap_ <= 1e-6
        assert np.mean(y < model.predict(reading)) == pytest.approx(q, abs=0.005)
    first, last = tenths[0.1], tenths[0.9]
    assert last.covariance_[0, 0] > first.covariance_[0, 0]
    assert last.mean_coef_[0] < first.mean_coef_[0]
