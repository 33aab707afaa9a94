"""What is to be cured, as cures see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier.core import MODEL_PREFIX, Categorical, Edit, Value
from luthier.diagnosis.cures import Patient
from luthier.loop.assembly import Assembly

FURTHER = 30.0  # times what most of a column's numbers span: prices and incomes stay below


def patient_of(parts: Assembly, edits: Sequence[Edit]) -> Patient:
    """Return the recipe with all that can be changed beside it.

    Args:
        parts: Network, recipe and data.
        edits: Changes to the network that are safe.
    """
    choices: dict[str, tuple[Value, ...]] = {
        f"{MODEL_PREFIX}{name}": domain.choices
        for name, domain in parts.build.parameters.items()
        if isinstance(domain, Categorical)
    }
    names = tuple(one.name for one in edits)
    tabular = parts.recipe.preprocessing != "tokens"
    outlying = tabular and any(outlies(one) for one in parts.arrays.train.inputs)
    steps = parts.recipe.epochs * parts.recipe.updates(len(parts.arrays.train))
    return Patient(parts.recipe, names, choices, tabular, outlying, steps)


def outlies(inputs: Any, *, far: float = FURTHER) -> bool:
    """Tell whether some rows' numbers lie far beyond all others', as another unit has it.

    Args:
        inputs: Numbers, rows first.
        far: Times the distance between the lowest and the highest tenth of a column's numbers.

    >>> rows = np.linspace(-1.0, 1.0, 200).reshape(100, 2)
    >>> before = outlies(rows)
    >>> rows[3] *= 1000
    >>> before, outlies(rows)
    (False, True)
    """
    rows = np.asarray(inputs, dtype=float).reshape(len(inputs), -1)
    low, middle, high = np.quantile(rows, (0.1, 0.5, 0.9), axis=0)
    known = high > low
    furthest = np.abs(rows - middle).max(axis=0)
    return bool((furthest[known] > far * (high - low)[known]).any())
