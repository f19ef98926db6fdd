"""Classifiers fitted to rows in chunks, a pass over all of them for each step of Newton's."""

from mtlearn.passes.chunks import HeldChunks
from mtlearn.passes.fit import fit_passes

__all__ = ["HeldChunks", "fit_passes"]
