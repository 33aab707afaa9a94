"""Which rows train, validate and test: a function of seed, row number and label. NumPy only.

This module is written into exported scripts as it stands, so it imports nothing of luthier
but what is written beside it. It is no library's split: another version draws the same rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.core.keys import bits, fold

TRAIN, VAL, TEST = 0, 1, 2


def split_rows(raw: dict[str, Any], plan: dict[str, Any]) -> list[NDArray[Any]]:
    """Return the rows of the training, validation and test part, each in rising order."""
    target = raw["target"]
    single = target.dtype.kind == "i" and target.ndim == 1  # rows of several classes have no share
    labels = target if single else np.zeros(len(target), np.int64)
    rows = np.arange(len(target), dtype=np.int64)
    part = np.zeros(len(target), np.int64)
    test = plan["test"]
    if raw["given"] is not None:
        part = raw["given"].copy()
        # Parts that were given stay; only a validation part that is missing is drawn.
        rows, test = rows[part == TRAIN], 0.0
    if raw["given"] is None or not (part == VAL).any():
        shares = (test, plan["val"])
        if raw["group"] is not None:
            part[rows] = grouped(raw["group"][rows], labels[rows], shares, plan["seed"])
        elif raw["time"] is not None:
            part[rows] = latest(raw["time"][rows], shares)
        else:
            part[rows] = stratified(rows, labels[rows], shares, plan["seed"])
    return [np.flatnonzero(part == number).astype(np.int64) for number in (TRAIN, VAL, TEST)]


def sizes(count: int, shares: tuple[float, float]) -> tuple[int, int]:
    """Return how many rows test and validate: rounded, at least one, one left to train."""
    test, val = (max(1, int(count * share + 0.5)) if share > 0 else 0 for share in shares)
    test = max(0, min(test, count - 1 - (val > 0)))
    return test, max(0, min(val, count - 1 - test))


def stratified(
    rows: NDArray[Any], labels: NDArray[Any], shares: tuple[float, float], seed: int
) -> NDArray[Any]:
    """Draw the same share of every class."""
    part = np.zeros(len(rows), np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        order = np.argsort(bits(fold(seed, 1, int(label)), rows[members]), kind="stable")
        test, val = sizes(len(members), shares)
        part[members[order[:test]]] = TEST
        part[members[order[test : test + val]]] = VAL
    return part


def latest(times: NDArray[Any], shares: tuple[float, float]) -> NDArray[Any]:
    """Test on the last rows in time, validate on those just before."""
    order = np.argsort(times, kind="stable")
    test, val = sizes(len(times), shares)
    part = np.zeros(len(times), np.int64)
    part[order[len(times) - test :]] = TEST
    part[order[len(times) - test - val : len(times) - test]] = VAL
    return part


def grouped(
    groups: NDArray[Any], labels: NDArray[Any], shares: tuple[float, float], seed: int
) -> NDArray[Any]:
    """Give whole groups to parts, large ones first, so that every class keeps its shares."""
    _, groups = np.unique(groups, return_inverse=True)
    n_groups = int(groups.max()) + 1
    wanted = np.array([1 - shares[0] - shares[1], shares[1], shares[0]])
    open_parts = np.flatnonzero(wanted > 0)
    counts = np.zeros((n_groups, int(labels.max()) + 1))
    np.add.at(counts, (groups, labels), 1.0)
    counts /= np.maximum(counts.sum(axis=0), 1.0)
    order = np.argsort(bits(fold(seed, 2), np.arange(n_groups)), kind="stable")
    order = order[np.argsort(-np.bincount(groups)[order], kind="stable")]
    held = np.zeros((3, counts.shape[1]))
    of_group = np.zeros(n_groups, np.int64)
    taken: set[int] = set()
    for place, group in enumerate(order):
        empty = [int(number) for number in open_parts if int(number) not in taken]
        # No part may stay empty: the last groups go where there is none yet.
        choices = empty if len(empty) >= n_groups - place else [int(n) for n in open_parts]
        gap = held - wanted[:, None]
        costs = [float((counts[group] * (counts[group] + 2 * gap[n])).sum()) for n in choices]
        best = choices[int(np.argmin(costs))]
        held[best] += counts[group]
        of_group[group] = best
        taken.add(best)
    part: NDArray[Any] = of_group[groups]
    return part
