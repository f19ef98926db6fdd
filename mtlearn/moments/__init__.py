"""Fits of what does not fit into memory: moments of chunks add up, and models need no more."""

from mtlearn.moments.collect import collect_moments
from mtlearn.moments.fit import fit_moments, path_moments
from mtlearn.moments.task_moments import TaskMoments

__all__ = ["TaskMoments", "collect_moments", "fit_moments", "path_moments"]
