import pytest

pytestmark = pytest.mark.long


def best_net(scores):
    return scores[scores.index.str.startswith("net")].max()


def test_nets_win_where_it_bends_until_a_spline_does(notebook):
    meats, fewer = notebook["of_meats"], notebook["fewer"]
    for target in ("water", "fat", "protein"):
        assert best_net(meats[target]) > meats.loc["group lasso", target]
    for target in ("water", "fat"):  # far ahead, and as good
        squares = meats.loc["group lasso, squares", target]
        assert best_net(meats[target]) > meats.loc["group lasso", target] + 0.025
        assert abs(squares - best_net(meats[target])) < 0.003
    assert best_net(meats["protein"]) > meats.loc["group lasso, squares", "protein"] + 0.01
    assert fewer.loc["group lasso, squares", "fat"] < 0.97 < 0.99 < fewer.loc["net, alpha=1", "fat"]

    life = notebook["of_life"]["R²"]
    assert round(best_net(life), 3) == 0.984 and round(life["mean-regularized"], 3) == 0.97
    for name in ("random slopes", "mean-regularized"):
        assert life[f"{name}, splines"] > best_net(life) > life[name]

    exam = notebook["of_exam"]["R²"]
    nets = exam[exam.index.str.startswith("net")]
    linear = exam.drop(nets.index)
    assert abs(nets.max() - linear.mean()) < 0.003 and nets.min() < linear.min() - 0.05
