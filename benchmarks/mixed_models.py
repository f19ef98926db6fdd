"""Mean-regularised models against those who solve the same problem, or fit the same model.

    OPENBLAS_NUM_THREADS=1 python benchmarks/mixed_models.py            # all of it
    OPENBLAS_NUM_THREADS=1 python benchmarks/mixed_models.py logistic   # or squared, search

logistic, squared: 100,000 rows of 10 features, 1,000 tasks, at two alphas, against scikit-learn on
the sparse design [X | X for each task | dummies], whose columns are scaled so that its penalty is
ours. ``alpha_intercept`` is the estimate of a first fit, given to both as a number, and features
are seen from ``center_``. Ours at its default tolerance; a peer at the loosest one (a third of a
digit apart) with an objective within 1e-6 of the minimum, relative to that without coefficients.

search: 4,000 rows of 7 features, 65 tasks. A search over 100 alphas is what MeanRegularized needs
to know its strengths; mixed models estimate them (random levels and slopes, uncorrelated).

Prints CPU seconds (the best of three runs) and the ratio peer / ours; a peer that is not installed,
or does not get there, with the reason.
"""

import sys
import warnings

import numpy as np
from racing.clock import STEP, least_seconds
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge

import mtlearn

ALPHAS = (1e-2, 1e-3)
GAP, TIMES = 1e-6, 3


def draw(n, d, T, seed=0):
    rng = np.random.default_rng(seed)
    X, task = rng.standard_normal((n, d)), rng.integers(0, T, n)
    W = rng.standard_normal(d) + 0.3 * rng.standard_normal((T, d))
    return X, task, np.einsum("ij,ij->i", X, W[task]), rng


class Same:
    """Our objective as a ridge penalty of strength alpha on the columns of one sparse design."""

    def __init__(self, model, X, y, task):
        self.y, self.alpha, (n, d), T = y, model.alpha, X.shape, len(model.tasks_)
        self.T, self.is_class = T, hasattr(model, "classes_")
        self.mean = np.sqrt(self.alpha / (model.alpha_mean * T))  # what columns are multiplied by
        self.level = np.sqrt(self.alpha / model.alpha_intercept_)
        Z, rows = X - model.center_, np.arange(n)
        own = (Z.ravel(), (np.repeat(rows, d), (task[:, None] * d + np.arange(d)).ravel()))
        dummies = (np.full(n, self.level), (rows, task))
        blocks = [
            sparse.csr_matrix(self.mean * Z),
            sparse.csr_matrix(own, shape=(n, T * d)),
            sparse.csr_matrix(dummies, shape=(n, T)),
        ]
        self.A = sparse.hstack(blocks, format="csr")

    def objective(self, coef, intercept):
        f = self.A @ coef + intercept
        loss = np.logaddexp(0, f) - self.y * f if self.is_class else 0.5 * (self.y - f) ** 2
        return self.T * loss.mean() + 0.5 * self.alpha * coef @ coef

    def null(self):
        q = self.y.mean()
        level = np.log(q / (1 - q)) if self.is_class else q
        return self.objective(np.zeros(self.A.shape[1]), level)

    def of_ours(self, model):
        w_0, x = np.ravel(model.mean_coef_), model.center_
        l_0 = float(np.ravel(model.mean_intercept_)[0]) + x @ w_0
        levels = np.ravel(model.intercept_) + model.coef_ @ x - l_0
        away = levels / self.level if self.level else np.zeros(self.T)
        coef = np.concatenate([w_0 / self.mean, (model.coef_ - w_0).ravel(), away])
        return self.objective(coef, l_0)

    def peers(self):
        n = self.A.shape[0]
        if self.is_class:
            C = self.T / (n * self.alpha)
            return {"newton-cg": lambda tol: LogisticRegression(C=C, solver="newton-cg", tol=tol)}
        strength = self.alpha * n / self.T
        return {
            solver: lambda tol, solver=solver: Ridge(strength, solver=solver, tol=tol)
            for solver in ("sparse_cg", "lsqr")
        }


def at_equal_objective(same, peer, least):
    """CPU seconds of the loosest tolerance that is near enough, or why there are none."""
    tol = 1.0
    while tol > 1e-14:
        model = peer(tol).set_params(max_iter=10_000)
        try:
            model.fit(same.A, same.y)
        except ValueError as error:
            return f"does not run: {error}".splitlines()[0][:80]
        found = same.objective(model.coef_.ravel(), float(np.ravel(model.intercept_)[0]))
        if (found - least) / same.null() <= GAP:
            return least_seconds(lambda: model.fit(same.A, same.y), TIMES)  # noqa: B023
        tol /= STEP
    return "never near enough"


def same_problem(kind):
    X, task, score, rng = draw(100_000, 10, 1_000)
    if kind == "logistic":
        model, y = mtlearn.MeanRegularizedClassifier, score + rng.logistic(size=len(X)) > 0
    else:
        model, y = mtlearn.MeanRegularizedRegressor, score + rng.standard_normal(len(X))
    y = y.astype(float)
    auto = model(alpha=ALPHAS[0]).fit(X, y, task=task)
    took = least_seconds(lambda: model(alpha=ALPHAS[0]).fit(X, y, task=task), TIMES)
    print(f"\n{kind}: {took:.3f} s with the estimate, which is {auto.alpha_intercept_:.3g}\n")
    print("| alpha | ours, s | above the least | peer | its s | ratio |")
    print("|--:|--:|--:|---|--:|--:|")
    for alpha in ALPHAS:
        given = {"alpha": alpha, "alpha_intercept": auto.alpha_intercept_}
        ours = model(**given).fit(X, y, task=task)
        seconds = least_seconds(lambda: model(**given).fit(X, y, task=task), TIMES)  # noqa: B023
        same = Same(ours, X, y, task)
        least = same.of_ours(model(**given, tol=1e-12).fit(X, y, task=task))
        above = (same.of_ours(ours) - least) / same.null()
        for name, peer in same.peers().items():
            theirs = at_equal_objective(same, peer, least)
            text = f"{theirs} | |"
            if not isinstance(theirs, str):
                text = f"{theirs:.3f} | {theirs / seconds:.2f} |"
            print(f"| {alpha:g} | {seconds:.3f} | {above:.0e} | {name} | {text}", flush=True)


def gpboost(X, y, task):
    import gpboost

    def fit():
        one = np.ones(X.shape[1], dtype=int)
        model = gpboost.GPModel(
            group_data=task,
            group_rand_coef_data=X,
            ind_effect_group_rand_coef=one,
            num_parallel_threads=1,
        )
        model.fit(y=y, X=np.column_stack([np.ones(len(X)), X]))

    return fit


def statsmodels(X, y, task):
    from statsmodels.regression.mixed_linear_model import MixedLM, MixedLMParams

    def fit():
        Z = np.column_stack([np.ones(len(X)), X])
        free = MixedLMParams.from_components(np.ones(Z.shape[1]), np.eye(Z.shape[1]))
        MixedLM(y, Z, groups=task, exog_re=Z).fit(free=free)

    return fit


def lme4(X, y, task):
    from rpy2.robjects.packages import importr

    raise ImportError(f"not called yet, though {importr('lme4')} is here")


def search():
    X, task, score, rng = draw(4_000, 7, 65)
    y = score + rng.standard_normal(65)[task] + rng.standard_normal(len(X))
    model = mtlearn.MeanRegularizedRegressorCV()
    ours = least_seconds(lambda: model.fit(X, y, task=task), TIMES)
    print(f"\nsearch: MeanRegularizedRegressorCV {ours:.3f} s\n")
    print("| peer | its s | ratio |\n|---|--:|--:|")
    for peer in (gpboost, statsmodels, lme4):
        try:
            theirs = least_seconds(peer(X, y, task), TIMES)
            print(f"| {peer.__name__} | {theirs:.3f} | {theirs / ours:.2f} |", flush=True)
        except ImportError as error:
            print(f"| {peer.__name__} | not run: {error} | |", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for part in sys.argv[1:] or ["logistic", "squared", "search"]:
        search() if part == "search" else same_problem(part)
