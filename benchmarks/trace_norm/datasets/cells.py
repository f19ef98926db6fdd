from racing.dataset import CellDataset, cells_of


class Dataset(CellDataset):
    parameters = cells_of("trace_norm")
