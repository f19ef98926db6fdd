"""Frames and results as the functions of inspection give them, of any size."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage


def coefficients(n_tasks=6, differing=("b", "d"), features="abcde", seed=0, classes=None, **parts):
    """A long frame of coefficients; only the features named differ between tasks."""
    rng = np.random.default_rng(seed)
    blocks = {} if classes is None else {"class": classes}
    rows = []
    shared = {(label, name): rng.normal() for label in classes or [None] for name in features}
    for t in range(n_tasks):
        for label in classes or [None]:
            base = {"task": f"task {t}"} | ({"class": label} if blocks else {})
            level = rng.normal()
            rows.append(base | {"feature": "(level)", "coef": level, "shared": 0.0})
            for name in features:
                own = rng.normal() if name in differing else 0.0
                common = shared[label, name]
                row = base | {"feature": name, "coef": common + own, "shared": common}
                if parts.get("dirty"):
                    row |= {"joint": own if t else 0.0, "specific": 0.0 if t else own}
                rows.append(row)
    frame = pd.DataFrame(rows)
    return frame.assign(deviation=frame["coef"] - frame["shared"], n_rows=10)


def gains(n_tasks=6, seed=0):
    rng = np.random.default_rng(seed)
    gain = rng.normal(size=n_tasks)
    verdict = np.where(gain > 0.8, "helped", np.where(gain < -0.8, "hurt", "no evidence"))
    return pd.DataFrame(
        {
            "task": [f"task {t}" for t in range(n_tasks)],
            "n_rows": rng.integers(3, 300, n_tasks),
            "gain": gain,
            "std_error": rng.uniform(0.1, 1.0, n_tasks),
            "shrunk": 0.5 * gain,
            "probability": 0.5,
            "verdict": verdict,
        }
    )


def similarity(n_tasks=6, seed=0):
    rng = np.random.default_rng(seed)
    Z = np.eye(3)[np.arange(n_tasks) % 3] + 0.1 * rng.normal(size=(n_tasks, 3))
    Z /= np.linalg.norm(Z, axis=1, keepdims=True)
    tree = linkage(Z, "average")
    frame = pd.DataFrame(
        {
            "task": [f"task {t}" for t in range(n_tasks)],
            "cluster": fcluster(tree, 3, "maxclust"),
            "position": np.argsort(leaves_list(tree)),
        }
    )
    return SimpleNamespace(values=Z @ Z.T, tasks=frame, linkage=tree, kind="cosine")


def stability(n_tasks=6, n_features=5, seed=0):
    rng = np.random.default_rng(seed)
    names, tasks = [f"x{j}" for j in range(n_features)], [f"task {t}" for t in range(n_tasks)]
    frequency = rng.permutation(np.linspace(0, 1, n_features))
    own = frequency * rng.random((n_tasks, n_features))
    return SimpleNamespace(
        features=pd.DataFrame({"feature": names, "frequency": frequency}),
        tasks=pd.DataFrame(
            {
                "task": np.repeat(tasks, n_features),
                "feature": names * n_tasks,
                "frequency": own.ravel(),
            }
        ),
        stability=0.5,
        low=0.4,
        high=0.6,
        n_bootstraps=100,
    )


def relatedness(best=0.7):
    place = np.linspace(1, 0, 11)
    frame = pd.DataFrame(
        {"relatedness": place, "score": -((place - best) ** 2), "std_error": 0.01 + place}
    )
    return SimpleNamespace(
        frame=frame,
        best_relatedness=best,
        score_name="R²",
        pooled=frame["score"].iloc[0],
        independent=frame["score"].iloc[-1],
    )


def path(n_lines=9, n_alphas=12):
    alpha = np.geomspace(0.01, 1, n_alphas)
    value = np.maximum(np.arange(1, n_lines + 1)[:, None] / n_lines - alpha, 0)
    return pd.DataFrame(
        {
            "alpha": np.tile(alpha, n_lines),
            "name": np.repeat([f"x{j}" for j in range(n_lines)], n_alphas),
            "value": value.ravel(),
        }
    )


def transfer(n_tasks=9, seed=0):
    """Gains within three blocks, and one task that harms all others."""
    rng = np.random.default_rng(seed)
    block = np.arange(n_tasks) % 3
    values = (block[:, None] == block) + 0.1 * rng.normal(size=(n_tasks, n_tasks))
    values[4] = -2.0
    np.fill_diagonal(values, np.nan)
    tasks = [f"task {t}" for t in range(n_tasks)]
    verdict = ["harms" if t == 4 else "no evidence" for t in range(n_tasks)]
    sources = pd.DataFrame({"source": tasks, "gain": np.nanmean(values, 1), "verdict": verdict})
    return SimpleNamespace(values=values, tasks=tasks, sources=sources.sort_values("gain"))
