from racing.dataset import DrawnDataset


class Dataset(DrawnDataset):
    kind = "dirty"
