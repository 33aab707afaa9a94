"""What kind of task a target is, and which classes it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.core import DataError, did_you_mean

KINDS = ("classification", "regression")


@dataclass(frozen=True)
class Target:
    """What a target was found to be: kind, labels in order, and what was done to it."""

    kind: str
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def sorted_labels(labels: list[str]) -> tuple[str, ...]:
    """Sort labels, as numbers where all of them are.

    >>> sorted_labels(["10", "9"]), sorted_labels(["b", "10", "9"])
    (('9', '10'), ('10', '9', 'b'))
    """
    try:
        return tuple(sorted(labels, key=lambda label: (float(label), label)))
    except ValueError:
        return tuple(sorted(labels))


def check_kind(task: str | None) -> None:
    """Refuse a kind of task that there is not."""
    if task is not None and task not in KINDS:
        raise DataError(
            f"task is '{task}'.{did_you_mean(task, KINDS)} It is one of "
            f"{' and '.join(KINDS)}. Leave it out to let the target decide."
        )


def inspect_target(
    name: str,
    codes: Any,
    levels: list[str],
    numbers: Any | None,
    task: str | None = None,
    *,
    max_classes: int = 20,
    rows_per_class: int = 5,
    id_share: float = 0.9,
    min_class_rows: int = 3,
    rare_share: float = 0.05,
) -> Target:
    """Decide what a target asks for.

    Args:
        name: How messages call it.
        codes: Number of each row's label in `levels`, -1 where missing.
        levels: The different labels.
        numbers: The values as float64; None for texts and booleans.
        task: What the user says it is.
        max_classes: More different whole numbers than this are amounts, not classes.
        rows_per_class: So many rows a whole number make it a class and not an amount.
        id_share: Texts that differ in more than this share of rows name rows, not classes.
        min_class_rows: Fewer rows cannot be in the training, validation and test part.
        rare_share: Classes too small to split are left out if they hold less than this share
            of the rows; more would change the question.

    Raises:
        DataError: for a target that cannot be learned.
    """
    check_kind(task)
    rows, distinct = len(codes), len(levels)
    missing = int((codes < 0).sum())
    if missing:
        raise DataError(
            f"target '{name}' is missing in {missing} of {rows} rows. Every row that is learned "
            "from needs one. Remove these rows, or fill them in."
        )
    if numbers is not None and not np.isfinite(numbers).all():
        raise DataError(
            f"target '{name}' holds {int((~np.isfinite(numbers)).sum())} infinite values. "
            "Targets are finite numbers. Remove these rows."
        )
    whole = numbers is not None and bool((np.round(numbers) == numbers).all())
    if task is None:
        few = whole and distinct <= max_classes and rows >= rows_per_class * distinct
        task = "classification" if numbers is None or few else "regression"
    if task == "regression":
        return _regression(name, levels, numbers)
    if distinct < 2:
        raise DataError(
            f"target '{name}' has one class only: '{levels[0] if levels else ''}'. A classifier "
            "needs at least two. Name another column: --target COL."
        )
    if numbers is None and distinct > max(id_share * rows, 2):
        raise DataError(
            f"target '{name}' has {distinct} different texts in {rows} rows: it names rows. "
            "A class has several rows. Name another column: --target COL."
        )
    return _classes(name, codes, levels, min_class_rows, rare_share)


def _regression(name: str, levels: list[str], numbers: Any | None) -> Target:
    if numbers is None:
        raise DataError(
            f"target '{name}' holds texts such as '{levels[0]}'. Regression needs numbers. "
            "Use --task classification, or name another column: --target COL."
        )
    if len(levels) < 2:
        raise DataError(
            f"target '{name}' is {levels[0] if levels else 'empty'} in every row. Regression "
            "needs a target that varies. Name another column: --target COL."
        )
    return Target("regression")


def _classes(
    name: str, codes: Any, levels: list[str], min_class_rows: int, rare_share: float
) -> Target:
    counts = np.bincount(codes, minlength=len(levels))
    kept = [level for level, count in zip(levels, counts, strict=True) if count >= min_class_rows]
    rare = [level for level in levels if level not in set(kept)]
    if not rare:
        return Target("classification", sorted_labels(kept))
    lost = int(counts[counts < min_class_rows].sum())
    shown = ", ".join(f"'{label}'" for label in sorted_labels(rare)[:5])
    shown += ", ..." if len(rare) > 5 else ""
    if len(kept) < 2 or lost >= rare_share * len(codes):
        raise DataError(
            f"target '{name}' has {len(rare)} of {len(levels)} classes with fewer than "
            f"{min_class_rows} rows: {shown}. Each class must be in the training, validation and "
            "test part. Remove or merge these classes, or use --task regression if the target "
            "is an amount."
        )
    note = (
        f"{lost} rows left out: their classes ({shown}) have fewer than {min_class_rows} rows each."
    )
    return Target("classification", sorted_labels(kept), (note,))
