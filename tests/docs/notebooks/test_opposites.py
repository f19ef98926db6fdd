import numpy as np
import pytest

pytestmark = pytest.mark.long


def test_fat_goes_against_water_and_protein(notebook):
    relations, truth, errors = (notebook[name] for name in ("relations", "truth", "errors"))
    assert relations.index.tolist() == truth.index.tolist() == ["water", "fat", "protein"]
    assert (np.sign(relations) == np.sign(truth)).all(axis=None)
    assert relations.loc["water", "fat"] == pytest.approx(-0.98, abs=0.01)
    better = errors.loc["relations"] < errors.loc["no relations"]
    assert better[["water", "fat"]].all()
    assert errors["protein"].idxmin() == "pulled to a mean"

    meats, known, asked = (notebook[name] for name in ("meats", "known", "asked"))
    assert sorted([*known, *asked]) == list(range(len(meats.data)))
    Y = meats.target
    np.testing.assert_allclose(truth, np.corrcoef(Y.to_numpy().T), atol=1e-12)
    missed = notebook["model"].predict(notebook["X"].iloc[asked]) - Y.iloc[asked]
    expected = np.sqrt((missed**2).mean()) / Y.std()
    np.testing.assert_allclose(errors.loc["relations"], expected)
