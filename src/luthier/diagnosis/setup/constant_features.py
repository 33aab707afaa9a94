"""Constant features: inputs that are the same in every row."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="Some inputs tell nothing; scaling them divides by zero.",
    evidence="A feature has one value in all rows: info, for pixels at a border are like that. "
    "Error where every feature is constant: rows cannot be told apart.",
    cause="A column filled with a default, or made constant by a filter on the rows.",
    remedy="Leave them out, or look at how they came to be constant.",
    reference="a constant input acts like one more bias",
)


def constant_features(setup: Setup, *, rows: int = 20) -> Finding | None:
    """Find features that do not vary.

    Args:
        setup: A training before its first step.
        rows: With fewer, a feature can have one value by chance.

    Returns:
        The finding, or None.

    >>> from luthier.core import DataFacts
    >>> data = DataFacts(rows=50, features=3, constant_features=(1,))
    >>> constant_features(Setup(data=data)).severity
    'info'
    """
    data = setup.data
    count = len(data.constant_features)
    if not count or data.rows < rows:
        return None
    all_of_them = count == data.features
    places = ", ".join(map(str, data.constant_features[:5])) + ", ..." * (count > 5)
    return Finding(
        problem="constant_features",
        severity="error" if all_of_them else "info",
        summary=f"{count} of {data.features} features have one value in all {data.rows} rows: "
        f"number {places}.",
        evidence={"constant": count, "features": data.features, "rows": data.rows},
        prescriptions=(
            Prescription("Look at how the rows are made: they are all the same.")
            if all_of_them
            else Prescription("Leave constant features out: they tell nothing."),
        ),
    )
