"""Pictures of what tasks share, each with the numbers that it shows.

Displays as scikit-learn has them: ``from_estimator`` computes by a function of
:mod:`mtlearn.inspection` and draws, the constructor takes what such a function returned, ``plot``
draws again, elsewhere. They are legible for five tasks and for hundreds, and their titles say what
they show. They need matplotlib, the extra ``plot``.
"""

from mtlearn.plotting.coefficients import CoefficientDisplay
from mtlearn.plotting.gains import TransferGainDisplay
from mtlearn.plotting.paths import PathDisplay
from mtlearn.plotting.relatedness import RelatednessDisplay
from mtlearn.plotting.similarity import TaskSimilarityDisplay
from mtlearn.plotting.slopes import SlopesDisplay
from mtlearn.plotting.stability import StabilityDisplay
from mtlearn.plotting.transfer import TransferMatrixDisplay

__all__ = [
    "CoefficientDisplay",
    "PathDisplay",
    "RelatednessDisplay",
    "SlopesDisplay",
    "StabilityDisplay",
    "TaskSimilarityDisplay",
    "TransferGainDisplay",
    "TransferMatrixDisplay",
]
