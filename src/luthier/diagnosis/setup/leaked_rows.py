"""Leaked rows: validation rows that are training rows, too."""

from __future__ import annotations

import math

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.statistics import sigmas

ABOUT = About(
    symptom="Validation looks as good as training, and new data do not.",
    evidence="More validation rows have a twin in the training part than training rows have one "
    "among themselves, beyond chance. Warning from one row in twenty on, error from half on; "
    "else info. Silent where duplicates are as common within the training part.",
    cause="Rows were repeated or augmented before the split, or files overlap.",
    remedy="Drop duplicates before splitting, or keep copies of a row in one part.",
    reference="Kapoor & Narayanan 2023, Leakage and the reproducibility crisis",
)


def leaked_rows(setup: Setup, *, much: float = 0.05) -> Finding | None:
    """Find validation rows that were trained on.

    Args:
        setup: A training before its first step.
        much: Share of validation rows, beyond what duplicates explain, that changes a score.

    Returns:
        The finding, or None.

    >>> from luthier.core import DataFacts
    >>> data = DataFacts(rows=900, val_rows=100, shared_rows=30, repeated_rows=0)
    >>> leaked_rows(Setup(data=data)).severity
    'warning'
    """
    data = setup.data
    if not data.val_rows or not data.shared_rows or not data.rows:
        return None
    shared, usual = data.shared_rows / data.val_rows, data.repeated_rows / data.rows
    chance = sigmas() * math.sqrt(
        max(usual * (1 - usual), 1 / data.rows) * (1 / data.val_rows + 1 / data.rows)
    )
    beyond = shared - usual
    if beyond <= chance:
        return None
    severity = "error" if beyond >= 0.5 else "warning" if beyond >= much else "info"
    return Finding(
        problem="leaked_rows",
        severity=severity,  # type: ignore[arg-type]
        confidence=0.95 if severity != "info" else 0.6,
        summary=f"{data.shared_rows} of {data.val_rows} validation rows are training rows, too "
        f"({shared:.0%}); within the training part {usual:.0%} have a twin.",
        evidence={"shared": shared, "twins_in_training": usual, "validation_rows": data.val_rows},
        prescriptions=(
            Prescription("Drop duplicate rows, then split; or split by what copies share."),
        ),
    )
