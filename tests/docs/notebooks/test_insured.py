import numpy as np
import pytest

pytestmark = pytest.mark.long


def test_columns_of_three_kinds_are_better_learned_together(notebook):
    mean = notebook["mean"]
    overall = mean.loc["mean"]
    assert overall.idxmin() == "together"
    assert overall["together"] == pytest.approx(0.971, abs=0.002)
    assert overall["a model each"] == pytest.approx(0.985, abs=0.002)
    assert mean.loc["hospital", "a model each"] > 1 > mean.loc["hospital", "together"]
    gain = mean["together, noise=None"] - mean["together"]
    assert (gain > -1e-3).all() and gain["visits"] > 0.01
    assert mean.loc["log_dollars", "a model each"] < mean.loc["log_dollars", "together"]

    model, y = notebook["model"], notebook["y"]
    assert model.loss_["visits"] == "poisson" and model.task_noise_[3] > 1.2
    assert model.task_noise_[[2, 4]].tolist() == [1.0, 1.0]
    deviations = y[["log_dollars", "log_drugs"]].std().to_numpy()
    np.testing.assert_allclose(model.task_noise_[:2], deviations, rtol=0.35)
    assert 1 <= notebook["inside"].rank_ <= 5
