import json

import numpy as np
import pytest
from sklearn.metrics import r2_score

from mtlearn.exceptions import UnseenTaskWarning

pytestmark = pytest.mark.long


def test_stores_are_better_learned_together(notebook):
    y, predicted = notebook["y"], notebook["predicted"]
    score = {name: r2_score(y, values) for name, values in predicted.items()}
    assert score["together"] > max(score["a model per store"], score["one model for all"])
    off = {
        name: np.sqrt(np.mean((notebook[name] - notebook["true_reaction"]) ** 2))
        for name in ("reaction", "reaction_alone")
    }
    assert off["reaction"] < off["reaction_alone"]


def test_search_ends_inside_its_grid(notebook):
    alphas = notebook["search"].param_grid["model__alpha"]
    assert alphas[0] < notebook["search"].best_params_["model__alpha"] < alphas[-1]


def test_a_new_process_gives_the_same_answers_and_the_warning(notebook):
    with pytest.warns(UnseenTaskWarning, match="store 99"):
        here = notebook["best"].predict(notebook["X_new"])
    assert json.loads(notebook["answer"].stdout) == here.round(1).tolist()
    assert "UnseenTaskWarning: 1 row belongs" in notebook["answer"].stderr
    assert "'store 99'" in notebook["answer"].stderr


def test_the_saved_model_holds_no_data(notebook):
    assert (notebook["folder"] / "stores.joblib").stat().st_size < 30_000
