"""``--models all``."""

import numpy as np
import pandas as pd

from mtlearn.compare.contenders import MULTITASK


def test_the_command_knows_the_word(run, coarse, monkeypatch, tmp_path):
    few = ["random-slopes", "mean-regularized", "task-relationships", "graph-path"]
    for name in set(MULTITASK).difference(few):
        monkeypatch.delitem(MULTITASK, name)
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"year": np.repeat([1990, 1991, 1992], 12), "x": rng.normal(size=36)})
    table["y"] = (table.year - 1990) * table.x + rng.normal(size=36)
    table.to_csv(tmp_path / "years.csv", index=False)
    asked = ["--target", "y", "--task", "year", "--folds", "2", "--models", "all"]
    code, out, err = run("compare", tmp_path / "years.csv", *asked)
    assert code == 0, err
    assert all(name in out for name in MULTITASK)
    code, _, err = run("compare", tmp_path / "years.csv", *asked[:-1], "every")
    assert code == 2 and "or all;" in err
