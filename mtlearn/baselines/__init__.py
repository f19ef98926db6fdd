"""The two baselines every claim of multi-task learning is measured against.

No pooling (:class:`IndependentTasks`) and complete pooling (:class:`PooledTasks`, by default with
a dummy column per task) around any scikit-learn regressor or classifier, with the same three ways
in, the same label rules and the same policy for unseen tasks as every model of the library.
"""

from mtlearn.baselines.independent import IndependentTasks
from mtlearn.baselines.pooled import PooledTasks

__all__ = ["IndependentTasks", "PooledTasks"]
