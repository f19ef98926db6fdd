"""What tasks share, in numbers: who belongs together, who gains, who is an outlier, what differs.

Every function takes a fitted estimator of any family and kind, a pipeline that ends in one or a
finished search for one (``fitted`` makes one picture of them, ``columns`` knows what a pipeline did
to the columns), speaks of the columns that the estimator saw and of tasks by their labels, and
answers with frames in the library of the user's X.
"""

from mtlearn.inspection.coef_table import coef_frame
from mtlearn.inspection.gains import transfer_gain
from mtlearn.inspection.intervals import bootstrap_coef
from mtlearn.inspection.relatedness import RelatednessPath, relatedness_path
from mtlearn.inspection.selection import SelectionStability, selection_stability
from mtlearn.inspection.similarity import TaskSimilarity, task_similarity
from mtlearn.inspection.structure import StructureReport, structure_report
from mtlearn.inspection.transfer import TransferMatrix, transfer_matrix

__all__ = [
    "RelatednessPath",
    "SelectionStability",
    "StructureReport",
    "TaskSimilarity",
    "TransferMatrix",
    "bootstrap_coef",
    "coef_frame",
    "relatedness_path",
    "selection_stability",
    "structure_report",
    "task_similarity",
    "transfer_gain",
    "transfer_matrix",
]
