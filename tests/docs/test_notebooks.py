"""The notebooks of the documentation run from top to bottom, and say what is true."""

import json
import os
import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import r2_score

from mtlearn.exceptions import UnseenTaskWarning

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "docs" / "notebooks"


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    return run("stores", tmp_path_factory.mktemp("notebook"))


@pytest.fixture(scope="module")
def schools(tmp_path_factory):
    return run("schools", tmp_path_factory.mktemp("notebook"))


def run(name, folder):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.chdir(folder)
        # the new process finds the library where this one has it
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # of others, among others
        found = runpy.run_path(str(NOTEBOOKS / f"{name}.py"))
    pytest.importorskip("matplotlib.pyplot").close("all")  # of too many open ones it warns
    return found


def test_there_is_a_test_for_each_notebook():
    assert {path.stem for path in NOTEBOOKS.glob("*.py")} == {"schools", "stores"}


def test_stores_are_better_learned_together(stores):
    y, predicted = stores["y"], stores["predicted"]
    score = {name: r2_score(y, values) for name, values in predicted.items()}
    assert score["together"] > max(score["a model per store"], score["one model for all"])
    off = {
        name: np.sqrt(np.mean((stores[name] - stores["true_reaction"]) ** 2))
        for name in ("reaction", "reaction_alone")
    }
    assert off["reaction"] < off["reaction_alone"]


def test_search_ends_inside_its_grid(stores):
    alphas = stores["search"].param_grid["model__alpha"]
    assert alphas[0] < stores["search"].best_params_["model__alpha"] < alphas[-1]


def test_a_new_process_gives_the_same_answers_and_the_warning(stores):
    with pytest.warns(UnseenTaskWarning, match="store 99"):
        here = stores["best"].predict(stores["X_new"])
    assert json.loads(stores["answer"].stdout) == here.round(1).tolist()
    assert "UnseenTaskWarning: 1 row belongs" in stores["answer"].stderr
    assert "'store 99'" in stores["answer"].stderr


def test_the_saved_model_holds_no_data(stores):
    assert (stores["folder"] / "stores.joblib").stat().st_size < 30_000


def test_nothing_private_is_used():
    text = (NOTEBOOKS / "stores.py").read_text(encoding="utf-8")
    assert "._" not in text and "import _" not in text


def test_pictures_of_the_schools_say_what_the_page_says(schools):
    assert schools["coefficients"].title_.startswith("2 of 4 features differ between the 65 tasks")
    assert "of 65 tasks and hurts none" in schools["gains"].title_
    assert 0 < schools["related"].path.best_relatedness < 1
    assert schools["path"].names_[0] == "schavg" and len(schools["path"].names_) == 4
    assert schools["stable"].frequency_[0] == 1.0
    numbers = schools["slopes"].frame, schools["coefficients"].frame
    assert numbers[0].equals(numbers[1])
