"""Constants of the preprocessing, fitted on training rows alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier.core import DataError, did_you_mean

PREPROCESSING = ("none", "raw", "standard", "minmax", "robust", "quantile", "tokens")
ENCODINGS = ("onehot", "ordinal", "embedding")
IMPUTATIONS = ("median", "mean", "zero", "most_frequent")


def check_choice(key: str, value: str, known: Sequence[str]) -> None:
    """Refuse a choice that there is not."""
    if value not in known:
        raise DataError(
            f"{key} is '{value}'.{did_you_mean(value, known)} It is one of {', '.join(known)}. "
            f"Set the recipe's {key} to one of these."
        )


def fit_fill(values: Any, imputation: str) -> Any:
    """Return what replaces a missing value in each column; 0 where nothing is known."""
    check_choice("imputation", imputation, IMPUTATIONS)
    fill = np.zeros(values.shape[1])
    if imputation == "zero":
        return fill
    missing = np.isnan(values)
    for index in np.flatnonzero(missing.any(axis=0)):
        present = values[~missing[:, index], index]
        if not len(present):
            continue
        if imputation == "most_frequent":
            different, counts = np.unique(present, return_counts=True)
            fill[index] = different[counts.argmax()]
        else:
            fill[index] = np.median(present) if imputation == "median" else present.mean()
    return fill


def fit_scaler(
    values: Any, method: str, imputation: str, *, max_quantiles: int = 1000
) -> dict[str, Any]:
    """Return fill, centre and scale of each column, or the knots of a quantile map.

    Args:
        values: Training rows, float64, NaN where missing.
        method: One of `PREPROCESSING`.
        imputation: One of `IMPUTATIONS`.
        max_quantiles: Knots of the quantile map; scikit-learn's default.
    """
    check_choice("preprocessing", method, PREPROCESSING)
    fill = fit_fill(values, imputation)
    columns = values.shape[1]
    center, scale = np.zeros(columns), np.ones(columns)
    knots: list[Any] = []
    if columns and method not in ("none", "raw", "tokens"):
        filled = np.where(np.isnan(values), fill, values)
        if method == "quantile":
            knots = _quantile_knots(filled, max_quantiles)
        else:
            center, scale = _center_and_scale(filled, method)
    return {
        "fill": fill.tolist(),
        "center": center.tolist(),
        "scale": scale.tolist(),
        "knots": knots,
    }


def _center_and_scale(values: Any, method: str) -> tuple[Any, Any]:
    # What scikit-learn's scalers compute. Importing them takes as long as a short search does.
    least, largest = values.min(axis=0), values.max(axis=0)
    constant = least == largest
    if method == "standard":
        center, scale = values.mean(axis=0), values.std(axis=0)
        # A column that differs by rounding alone: scikit-learn's bound for the error of a variance.
        constant |= scale <= len(values) * np.abs(center) * np.finfo(np.float64).eps
    elif method == "minmax":
        center, scale = least, largest - least
    else:
        low, center, high = np.percentile(values, (25.0, 50.0, 75.0), axis=0)
        scale = high - low
    center = np.where(constant, values[0], center)
    return center, np.where(constant | (scale == 0), 1.0, scale)


def _quantile_knots(values: Any, max_quantiles: int) -> list[Any]:
    """Return (values, normal scores) of each column.

    A tie gets the score of its middle rank, and the ends that of half a knot: scikit-learn sends
    both to -5.2 and 5.2, so that a column of 0 and 1 would dwarf every other.
    """
    from scipy.stats import norm
    from sklearn.preprocessing import QuantileTransformer

    count = min(max_quantiles, len(values))
    sample = max(100_000, count)
    fitted = QuantileTransformer(n_quantiles=count, subsample=sample, random_state=0).fit(values)
    ranks = fitted.references_
    edge = 0.5 / count
    knots = []
    for column in fitted.quantiles_.T:
        x, first, ties = np.unique(column, return_index=True, return_counts=True)
        middle = (ranks[first] + ranks[first + ties - 1]) / 2
        knots.append([x.tolist(), norm.ppf(np.clip(middle, edge, 1 - edge)).tolist()])
    return knots


def fit_categories(
    raw: Any,
    rows: Any,
    names: Sequence[str],
    encoding: str,
    *,
    rare_count: int = 2,
    rare_share: float = 0.005,
) -> list[dict[str, Any]]:
    """Return which texts of each column are told apart.

    Args:
        raw: The data set's arrays.
        rows: Training rows.
        names: Names of the columns of texts.
        encoding: One of `ENCODINGS`.
        rare_count: A text in fewer training rows is pooled: one row teaches nothing general.
        rare_share: So is one in a smaller share of them, as each costs a column; this bounds a
            column to 200. An embedding shares its weights, and pools by `rare_count` alone.
    """
    check_choice("encoding", encoding, ENCODINGS)
    least = max(rare_count, 0 if encoding == "embedding" else rare_share * len(rows))
    categories = []
    for index, name in enumerate(names):
        codes = raw["codes"][rows, index]
        levels = raw["levels"][index]
        counts = np.bincount(codes[codes >= 0], minlength=len(levels))
        kept = [level for level, count in zip(levels, counts, strict=True) if count >= least]
        missing = bool((codes < 0).any())
        categories.append(
            {
                "name": name,
                "missing": missing,
                "rare": bool(((counts > 0) & (counts < least)).any()),
                "levels": kept,
                "size": 1 + missing + len(kept),
            }
        )
    return categories
