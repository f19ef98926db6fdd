"""The order of the notebooks in the gallery: from a first table to the limits of the method."""

NOTEBOOKS = [
    "stores",
    "fares",
    "answers",
    "ticks",
    "schools",
    "marks",
    "growth",
    "years",
    "lecturers",
    "holes",
    "insured",
    "spectra",
    "seasons",
    "opposites",
    "clusters",
    "low_rank",
    "outliers",
    "dirty",
    "negative_transfer",
    "digits",
    "hard_sharing",
    "scheduled_job",
]


class AsListed:
    """What sphinx-gallery sorts the files of a folder by."""

    def __init__(self, folder: str):
        self.folder = folder

    def __call__(self, file: str) -> int:
        return NOTEBOOKS.index(file.removesuffix(".py"))
