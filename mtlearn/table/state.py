"""What a fitted table encoder knows, as plain data that JSON can hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from mtlearn.table.encoder import TableEncoder

LEARNED = ("task_name_", "numbers_", "ignored_", "levels_", "rare_", "_decimals", "_names")
SCALER = ("mean_", "var_", "scale_")


def state_of(encoder: TableEncoder) -> dict[str, Any]:
    """Of a fitted encoder; equal for two that do the same."""
    found: dict[str, Any] = {"parameters": _plain(encoder.get_params())}
    found |= {name: _plain(getattr(encoder, name)) for name in LEARNED}
    found["n_features_in_"] = int(encoder.n_features_in_)
    names = getattr(encoder, "feature_names_in_", None)
    found["feature_names_in_"] = None if names is None else [str(name) for name in names]
    if encoder.numbers_:
        found["scaler"] = {name: getattr(encoder.scaler_, name).tolist() for name in SCALER}
        found["scaler"]["n_samples_seen_"] = _counts(encoder.scaler_)
    return found


def encoder_of(state: dict[str, Any]) -> TableEncoder:
    """The encoder that a state is of."""
    encoder = TableEncoder(**state["parameters"])
    for name in LEARNED:
        setattr(encoder, name, state[name])
    encoder.n_features_in_ = state["n_features_in_"]
    if state["feature_names_in_"] is not None:
        encoder.feature_names_in_ = np.array(state["feature_names_in_"], dtype=object)
    if "scaler" in state:
        scaler = encoder.scaler_ = StandardScaler()
        for name in SCALER:
            setattr(scaler, name, np.array(state["scaler"][name], dtype=float))
        seen = state["scaler"]["n_samples_seen_"]
        scaler.n_samples_seen_ = np.array(seen) if isinstance(seen, list) else np.int64(seen)
        scaler.n_features_in_ = len(encoder.numbers_)
    return encoder


def _plain(value: Any) -> Any:
    """Without types of NumPy, which JSON does not know."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def _counts(scaler: StandardScaler) -> Any:
    return np.asarray(scaler.n_samples_seen_).astype(int).tolist()
