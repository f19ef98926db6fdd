import numpy as np
import pytest
from sklearn.linear_model import MultiTaskLasso

pytestmark = pytest.mark.long


def test_models_tie_and_channels_chosen_together_reach_all(notebook):
    X, Y, errors = (notebook[name] for name in ("X", "Y", "errors"))
    assert X.shape == (215, 50) and Y.std()["fat"] > 4 * Y.std()["protein"]
    assert np.allclose(X.std(axis=1), 0.0, atol=1.3)  # half of the channels of a normed spectrum
    tie = errors.drop(index="partial least squares")
    assert ((tie.max() - tie.min()).round(2) <= [0.06, 0.06, 0.06]).all()
    behind = errors.loc["partial least squares"] - tie.mean()
    assert behind["water"] == pytest.approx(0.2, abs=0.05)
    assert behind["fat"] == pytest.approx(0.1, abs=0.05) and -0.05 < behind["protein"] < 0

    by_size, of_all = notebook["by_size"], notebook["of_all"]
    few = {f"{size.left:.0f}": row for size, row in by_size.iterrows()}
    assert f"{of_all:.3f}" == "0.206" and f"{few['12']['equal distances']:.3f}" == "0.223"
    assert f"{few['12']['a lasso for each target']:.3f}" == "0.214"
    assert few["12"]["group lasso"] < of_all + 0.002 < few["12"]["a lasso for each target"]
    assert few["16"]["a lasso for each target"] < of_all + 0.002
    assert (by_size[by_size.index.map(lambda size: size.right) <= 12].min(axis=None)) > 1.1 * of_all

    # the list that is drawn is that of scikit-learn's lasso of the scaled targets
    k = np.argmax(notebook["counts"] >= 12)
    theirs = MultiTaskLasso(alpha=notebook["path"].alphas[k], max_iter=200_000, tol=1e-6)
    theirs.fit(notebook["Z"], Y / Y.std(ddof=0))
    ours = notebook["path"].coefs[:, :, k] / Y.std(ddof=0).to_numpy()[:, None]
    np.testing.assert_allclose(theirs.coef_, ours, atol=0.02 * np.abs(ours).max())
