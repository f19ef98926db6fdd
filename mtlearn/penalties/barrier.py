"""Norms made smooth by the barrier of their cones, so that Newton's steps know no units.

A norm is the least t of a cone, and may be had from inside it: with a barrier of strength mu::

    phi(v) = min over t > ‖v‖ of  alpha t - mu log(t² - ‖v‖²)
           = alpha t - mu log(2 w t),  t = w + h, h = (w² + ‖v‖²)^½, w = mu / alpha the width
    phi'   = alpha v / t
    phi''  = (alpha / t) (I - v v' / (t h))

phi / mu is self-concordant, for so is the barrier of the second-order cone, and what is left of one
in some of its variables at the best of the others. A sum of such functions and of a quadratic one,
all divided by mu, is self-concordant as well. So the steps of Newton's method that it takes from
the minimum at one mu to that at a tenth of it have a bound in which neither the Hessian nor its
condition occurs: columns may be of any scale. Huber's function, which is as near to the norm, has
no such bound: a step leaves the ball where its curvature is true.

At the minimum G = phi' is inside the dual ball, and alpha ‖v‖ - <v, G> <= 2 mu.

References
----------
Nesterov and Nemirovskii (1994). Interior-point polynomial algorithms in convex programming. SIAM
(partial minimisation: proposition 5.1.5).
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Heights:
    """What phi is of lengths r under charges c: a number each, or one for all.

    Parameters
    ----------
    r : ndarray of shape (n,)
        Lengths, or singular values.
    charge : float or ndarray of shape (n,)
        alpha, > 0.
    mu : float
        Strength of the barrier, > 0.

    Attributes
    ----------
    width, h, t : ndarray
        w, h and t as above.
    value : float
        Sum of phi, each less its value at 0, 2 mu.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlearn.penalties.barrier import Heights
    >>> float(Heights(np.array([3.0, 0.0]), 0.5, 2.0).t[0])
    9.0
    """

    def __init__(self, r: np.ndarray, charge: Any, mu: float) -> None:
        self.width = mu / np.broadcast_to(charge, r.shape)
        self.h = np.hypot(r, self.width)
        self.t = self.width + self.h
        beyond = r * (r / self.t)  # h - w, to all digits
        lost = np.log1p(beyond / (2.0 * self.width))
        self.value = float((charge * beyond).sum() - mu * lost.sum())


class SmoothedLengths:
    """Sum over tasks of phi of the length of their coefficients, and its derivatives at V.

    Parameters
    ----------
    V : ndarray of shape (d, T K)
    charges : ndarray of shape (T,)
        alpha c_t.
    mu : float
    """

    def __init__(self, V: np.ndarray, charges: np.ndarray, mu: float) -> None:
        n_tasks = len(charges)
        self.V, self.n_classes = V, V.shape[1] // n_tasks
        squares = np.einsum("jc,jc->c", V, V).reshape(n_tasks, -1).sum(axis=1)
        self.charges, self.heights = charges, Heights(np.sqrt(squares), charges, mu)
        self.value = self.heights.value

    def gradient(self) -> np.ndarray:
        """(d, T K)."""
        return self.V * np.repeat(self.charges / self.heights.t, self.n_classes)

    def hessian(self) -> np.ndarray:
        """(d T K, d T K), of V flattened row by row."""
        d, T, K = len(self.V), len(self.charges), self.n_classes
        flat, at = self.charges / self.heights.t, np.arange(T)
        V = self.V.reshape(d, T, K).swapaxes(0, 1)  # (T, d, K)
        bent = flat / (self.heights.t * self.heights.h)
        H = np.zeros((d, T, K, d, T, K))
        H[:, at, :, :, at] = np.einsum("t,tjk,til->tjkil", -bent, V, V)
        H = H.reshape(self.V.size, -1)
        H[np.diag_indices(len(H))] += np.tile(np.repeat(flat, K), d)
        return H
