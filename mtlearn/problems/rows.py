"""The rows of X as problems use them: sorted by block, centred where they are dense.

A block is what shares rows: all targets over one X are one block of T columns, rows labelled by
task are a block per task, of one column each (of K for a classifier of K > 2 classes). Column
b K + k is the k-th of block b. A sparse X is never densified and never centred; the blocks of
labelled sparse rows are held as one block diagonal matrix, so that a product is one call.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from mtlearn.inputs.tasks import TaskData
from mtlearn.problems.all_rows import AllRows
from mtlearn.problems.centring import (
    centre,
    centre_blocks,
    centre_in_place,
    seen_from,
    weighted_squares,
)
from mtlearn.problems.moments import BLOCK_BYTES, padded_rows, rows_at_once
from mtlearn.problems.products import transposed_times, with_itself
from mtlearn.problems.single_rows import SingleRows

PADDED_BYTES = 64e6
SMALL_BLOCK = 200  # rows a block on average, above which a loop over blocks costs little


class Rows(AllRows):
    """X sorted by block, and its products with coefficients (d, C) and residuals (n, K).

    Parameters
    ----------
    data : TaskData
        No empty task.
    origin : tuple of CSR matrix and ndarray of shape (n,), default=None
        Where rows of ``data`` are copies: the rows they copy, and which of them each one is. What
        is a sum over all tasks is then taken over those.
    centred : bool, default=True
        False takes a dense X of one block as it is, without a copy.

    Attributes
    ----------
    X : ndarray of shape (n, d), SingleRows, or CSR matrix of shape (n, B d)
        Sorted by block; dense rows are centred by the ``middle`` of their block, those of a large X
        in single precision where they are used.
    middle : ndarray of shape (B, d) or None
        What was taken from the rows of each block, seen from the origin; None for a sparse X as
        it is.
    starts : ndarray of shape (B + 1,)
        Where the rows of a block start.
    n_columns : int
        C = B K.
    padded : ndarray of shape (B, m, d) or None
        Many small blocks as one stack, filled up with zeros.
    real : ndarray of shape (B, m)
        Which rows of that are rows.
    """

    def __init__(self, data: TaskData, origin: tuple | None = None, centred: bool = True):
        n, self.n_features = data.X.shape
        self.origin = None if origin is None else (sparse.csr_matrix(origin[0]), origin[1])
        self.order, self.starts = None, np.array([0, n])
        if data.stacked:
            codes = data.codes
            if (np.diff(codes) < 0).any():
                self.order = np.argsort(codes, kind="stable")
                codes = codes[self.order]
            self.starts = np.searchsorted(codes, np.arange(len(data.tasks) + 1))
        self.sizes = np.diff(self.starts)
        self.n_blocks = len(self.sizes)
        self.per_block = data.y.shape[1] if data.y.ndim == 2 else 1
        self.n_columns = self.n_blocks * self.per_block
        self.sparse = sparse.issparse(data.X)
        self.middle: np.ndarray | None = None
        self.padded: np.ndarray | None = None
        if self.sparse:
            X = sparse.csr_matrix(data.X, dtype=np.float64)
            self.X = self._block_diagonal(X if self.order is None else X[self.order])
            return
        X = data.X if self.order is None else data.X[self.order]
        halved = X.dtype == np.float32 and 8 * X.size > PADDED_BYTES
        if self.n_blocks == 1 and not centred:
            self.X = SingleRows(X, None, self.starts) if halved else X.astype(float, copy=False)
            return
        weight = np.ones(n) if data.weight is None else data.weight
        s = self.arrange(weight if weight.ndim == 1 else weight.sum(axis=1))[:, 0]
        if halved:
            self.X = SingleRows.centred(X, self.starts, s)
            self.middle = self.X.middle
            return
        if self.n_blocks == 1:
            if X.dtype == np.float64:
                middle, self.X = centre(X, s)
            else:
                self.X = X.astype(np.float64)
                middle = centre_in_place(self.X, s)
            self.middle = middle[None]
            return
        self.X = X.astype(np.float64, copy=self.order is None)  # centred in place below
        self.middle = centre_blocks(self.X, self.starts, s)
        self._pad()

    def _pad(self) -> None:
        """Many small blocks as one stack, filled up with zeros: a product is then one call."""
        filled = self.n_blocks * int(self.sizes.max())
        if filled > 2 * len(self.X) or 8 * filled * self.n_features > PADDED_BYTES:
            return
        if len(self.X) > SMALL_BLOCK * self.n_blocks:
            return
        at, self.real = padded_rows(self.starts, np.arange(self.n_blocks))
        self.padded = self.X[at] * self.real[:, :, None]

    def arrange(self, values: np.ndarray) -> np.ndarray:
        """What belongs to the rows of the user, (n,) or (n, k), in the order of X: (n, k)."""
        values = values if self.order is None else values[self.order]
        return values[:, None] if values.ndim == 1 else values

    def labels(self, data: TaskData) -> tuple[np.ndarray, np.ndarray]:
        """Targets and weights of ``data`` in the order of X, (n, k) and (n, k) or (n, 1).

        Where there is a weight per label, targets without weight are zero.
        """
        S = np.ones((data.X.shape[0], 1)) if data.weight is None else self.arrange(data.weight)
        Y = self.arrange(data.y).astype(np.float64, copy=False)
        return (np.where(S > 0, Y, 0.0) if S.shape[1] > 1 else Y), S

    def of_one_column(self) -> Rows:
        """The same rows, of blocks with one column each."""
        other = copy(self)
        other.per_block, other.n_columns = 1, self.n_blocks
        return other

    def about(self, origin: np.ndarray) -> Rows:
        """The same rows with another origin (d,); nothing large is copied."""
        other = copy(self)
        if self.middle is None:
            other.middle = np.broadcast_to(-origin, (self.n_blocks, self.n_features))
        else:
            other.middle = seen_from(origin, self.middle)
        return other

    def as_centred(self) -> Rows:
        """The same rows with the middle of each block as its origin: features as they are held."""
        other = copy(self)
        other.middle = None
        return other

    def in_single(self) -> Rows:
        """The same rows in single precision."""
        other = copy(self)
        X = self.X.astype(np.float32)
        other.X = X if self.sparse else np.ascontiguousarray(X)
        other.padded = None if self.padded is None else self.padded.astype(np.float32)
        return other

    def times(self, W: np.ndarray) -> np.ndarray:
        """X w of every column on the rows of its block, (n, k) for W (d, B k)."""
        if self.n_blocks == 1:
            return (W.T @ self.X.T).T if isinstance(self.X, np.ndarray) else self.X @ W
        k = W.shape[1] // self.n_blocks
        if self.sparse:
            return self.X @ self._stacked(W, k)
        per_block = W.reshape(self.n_features, self.n_blocks, k)
        if self.padded is not None:
            stacked = np.ascontiguousarray(per_block.transpose(1, 0, 2))
            return np.matmul(self.padded, stacked)[self.real]
        out = np.empty((len(self.X), k))
        for b, rows in self.pieces():
            np.matmul(self.X[rows], per_block[:, b], out=out[rows])
        return out

    def transposed_times(self, R: np.ndarray) -> np.ndarray:
        """X'r of every column, (d, B k) for R (n, k)."""
        if self.n_blocks == 1:
            whole = isinstance(self.X, np.ndarray)
            return transposed_times(self.X, R) if whole else self.X.T @ R
        if self.sparse:
            return self._unstacked(self.X.T @ R)
        out = np.zeros((self.n_features, self.n_blocks, R.shape[1]))
        if self.padded is not None:
            filled = np.zeros((*self.real.shape, R.shape[1]))
            filled[self.real] = R
            products = np.matmul(self.padded.transpose(0, 2, 1), filled)
            return products.transpose(1, 0, 2).reshape(self.n_features, -1)
        for b, rows in self.pieces():
            out[:, b] += self.X[rows].T @ R[rows]
        return out.reshape(self.n_features, -1)

    def squares_times(self, S: np.ndarray) -> np.ndarray:
        """sum_i s_i x_ij² of every column, (d, B k) for S (n, k)."""
        if self.sparse:
            # Column by column of S with what is squared on the spot: no copy of the numbers in X.
            sums = [self._squares_sum(s) for s in S.T]
            return self._unstacked(np.stack(sums, axis=1))
        out = np.zeros((self.n_features, self.n_blocks, S.shape[1]))
        for b, rows in self.pieces():
            if S.shape[1] == 1:
                out[:, b, 0] += weighted_squares(self.X[rows], S[rows, 0])
            else:
                out[:, b] += (self.X[rows] ** 2).T @ S[rows]
        return out.reshape(self.n_features, -1)

    def _squares_sum(self, s: np.ndarray) -> np.ndarray:
        """sum_i s_i x_i² of a sparse X, a block of rows at a time."""
        X, total = self.X, np.zeros(self.X.shape[1])
        step = max(1, int(BLOCK_BYTES // (8 * max(1, X.nnz // X.shape[0]))))
        for start in range(0, X.shape[0], step):
            pointers = X.indptr[start : start + step + 1]
            at = slice(pointers[0], pointers[-1])
            squares = X.data[at] ** 2, X.indices[at], pointers - pointers[0]  # no copy of indices
            part = sparse.csr_matrix(squares, shape=(len(pointers) - 1, len(total)))
            total += part.T @ s[start : start + step]
        return total

    def sums(self, A: np.ndarray) -> np.ndarray:
        """Sums over the rows of each block: (B k,) for A (n, k)."""
        return np.add.reduceat(A, self.starts[:-1], axis=0).ravel()

    def largest(self, A: np.ndarray) -> np.ndarray:
        """Maxima over the rows of each block: (B k,) for A (n, k)."""
        return np.maximum.reduceat(A, self.starts[:-1], axis=0).ravel()

    def per_row(self, values: np.ndarray) -> np.ndarray:
        """What belongs to the columns, (B k,), on the rows of their block: (n, k) or (1, k)."""
        values = values.reshape(self.n_blocks, -1)
        return values if self.n_blocks == 1 else np.repeat(values, self.sizes, axis=0)

    def middles(self, k: int) -> Any:
        """The middle of its block for every column, (d, B k) or (d, 1); 0 where X is as it is."""
        if self.middle is None:
            return np.zeros((self.n_features, 1))
        return self.middle.T if self.n_blocks == 1 else np.repeat(self.middle.T, k, axis=1)

    def of_features(self, features: np.ndarray) -> Rows:
        """The same rows in some of their features."""
        other = copy(self)
        other.n_features = len(features)
        other.middle = None if self.middle is None else self.middle[:, features]
        if self.sparse and self.n_blocks > 1:
            firsts = np.arange(0, self.n_blocks * self.n_features, self.n_features)
            features = (firsts[:, None] + features).ravel()
        if self.origin is not None:
            other.origin = self.origin[0][:, features[: other.n_features]], self.origin[1]
        other.X = self.X[:, features]
        if self.padded is not None:
            other.padded = self.padded[:, :, features]
        return other

    def grams(self, S: np.ndarray, other: Rows) -> np.ndarray:
        """X'diag(s) Z of every block and column of S, (B k, d, l); ``other`` is Z on these rows."""
        if self.padded is not None and other.padded is not None:
            s = np.zeros((*self.real.shape, S.shape[1]))
            s[self.real] = S
            weighted = self.padded[:, None] * s.transpose(0, 2, 1)[:, :, :, None]
            out = np.matmul(weighted.transpose(0, 1, 3, 2), other.padded[:, None])
            return out.reshape(-1, *out.shape[2:])
        out = np.zeros((self.n_blocks, S.shape[1], self.n_features, other.n_features))
        if self.sparse:
            for b in range(self.n_blocks):
                X, Z = self._block(b), other._block(b)
                for gram, s in zip(out[b], S[self.starts[b] : self.starts[b + 1]].T, strict=True):
                    gram[:] = (X.multiply(s[:, None]).T @ Z).toarray()
            return out.reshape(-1, *out.shape[2:])
        for b, rows in self.pieces():
            X, Z = self.X[rows], None if other is self else other.X[rows]
            for gram, s in zip(out[b], S[rows].T, strict=True):
                if Z is None:
                    gram += with_itself(X, s)
                else:
                    gram += (X if (s == 1.0).all() else X * s[:, None]).T @ Z
        return out.reshape(-1, *out.shape[2:])

    def sparse_gram(self, b: int, s: np.ndarray) -> np.ndarray:
        """X'diag(s) X of one block of a sparse X, (d, d), dense."""
        X = self._block(b)
        return (X.multiply(s[:, None]).T @ X).toarray()

    def weighted_gram(self, s: np.ndarray) -> np.ndarray:
        """X'diag(s) X over all rows, (d, d)."""
        if self.sparse:
            X, s = self._originals(s)
            return (X.multiply(s[:, None]).T @ X).toarray()
        total = np.zeros((self.n_features, self.n_features))
        for rows in self._chunks(0, len(self.X)):
            total += with_itself(self.X[rows], s[rows])
        return total

    def entries(self, S: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row and place in S of the entries of each column, column after column, and the starts.

        Only entries of weight above zero, except where rows belong to one column anyway.
        """
        n, k = S.shape
        if self.n_blocks > 1 and k == 1:
            return np.arange(n), np.zeros(n, dtype=np.intp), self.starts
        block = np.repeat(np.arange(self.n_blocks), self.sizes)
        which, row = np.nonzero(S.T)
        column = block[row] * k + which
        order = np.argsort(column, kind="stable")
        starts = np.searchsorted(column[order], np.arange(self.n_blocks * k + 1))
        return row[order], which[order], starts

    def pieces(self) -> Iterator[tuple[int, slice]]:
        """Blocks and their rows, so many at a time that what is made of them is small beside X."""
        for b, (start, stop) in enumerate(pairwise(self.starts.tolist())):
            for rows in self._chunks(start, stop):
                yield b, rows

    def _chunks(self, start: int, stop: int) -> Iterator[slice]:
        step = getattr(self.X, "at_once", rows_at_once(self.n_features))
        for first in range(start, stop, step):
            yield slice(first, min(first + step, stop))

    def _block(self, b: int) -> sparse.csr_matrix:
        """The rows of one block of a sparse X, (n_b, d)."""
        X, d, rows = self.X, self.n_features, slice(self.starts[b], self.starts[b + 1])
        if self.n_blocks == 1:
            return X
        at = slice(X.indptr[rows.start], X.indptr[rows.stop])
        pointers = X.indptr[rows.start : rows.stop + 1] - at.start
        shape = len(pointers) - 1, d
        return sparse.csr_matrix((X.data[at], X.indices[at] - b * d, pointers), shape=shape)

    def _block_diagonal(self, X: sparse.csr_matrix) -> sparse.csr_matrix:
        if self.n_blocks == 1:
            return X
        width = self.n_blocks * self.n_features
        kind = np.int32 if max(width, X.nnz) < 2**31 else np.int64
        first = np.arange(0, width, self.n_features, dtype=kind)
        entries = np.diff(X.indptr[self.starts])
        indices = np.repeat(first, entries)
        np.add(indices, X.indices, out=indices)
        pointers = X.indptr.astype(kind, copy=False)
        return sparse.csr_matrix((X.data, indices, pointers), shape=(X.shape[0], width))

    def _stacked(self, W: np.ndarray, k: int) -> np.ndarray:
        blocks = W.reshape(self.n_features, self.n_blocks, k).transpose(1, 0, 2)
        return np.ascontiguousarray(blocks).reshape(-1, k)

    def _unstacked(self, flat: np.ndarray) -> np.ndarray:
        blocks = flat.reshape(self.n_blocks, self.n_features, -1).transpose(1, 0, 2)
        return np.ascontiguousarray(blocks).reshape(self.n_features, -1)


def scores_on(rows: Rows, W: np.ndarray) -> np.ndarray:
    """x·w on every row, (n, k), of features seen from the origin."""
    XW = rows.times(W)
    if rows.middle is not None:
        middle = np.broadcast_to(rows.middles(XW.shape[1]), W.shape)
        XW += rows.per_row(np.einsum("jc,jc->c", middle, W))
    return XW
