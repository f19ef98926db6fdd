import numpy as np
import pytest

pytestmark = pytest.mark.long


def test_three_kinds_are_found_and_are_worth_it(notebook):
    model, kind, truth = (notebook[name] for name in ("model", "kind", "truth"))
    assert model.n_clusters_ == 3 and notebook["rand"] == 1
    same = kind[:, None] == kind
    np.testing.assert_array_equal(model.labels_[:, None] == model.labels_, same)
    errors = notebook["errors"]
    assert (errors.idxmin() == "in clusters").all()
    apart = np.linalg.norm(model.coef_ - truth) / np.linalg.norm(truth)
    assert errors.loc["in clusters", "coefficients"] == pytest.approx(apart)
    assert (errors["new weeks"] > 1.5).all()
