"""From a table as people have it to numbers, the task column untouched."""

from mtlearn.table.encoder import TableEncoder
from mtlearn.table.pipeline import make_table_pipeline

__all__ = ["TableEncoder", "make_table_pipeline"]
