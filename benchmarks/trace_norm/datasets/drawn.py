from racing.dataset import DrawnDataset


class Dataset(DrawnDataset):
    """Coefficients that are mixtures of four patterns, columns correlated with their neighbours."""

    kind = "low_rank"
