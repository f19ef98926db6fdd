from racing.dataset import DrawnDataset


class Dataset(DrawnDataset):
    """20 informative features, columns correlated with their neighbours."""
