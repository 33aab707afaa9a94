"""Leaked target: one feature is the target in other words."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="Scores are perfect at once, and the network fails where the feature is not known yet.",
    evidence="One feature alone tells the target of every row, no other comes near, and it has no "
    "more values than there are classes, or its ranks are the target's: warning. A feature that "
    "tells all but takes many values is info: some problems are that easy.",
    cause="A column that was computed from the target, or written down after it was known.",
    remedy="Leave the column out.",
    reference="Kaufman et al. 2012, Leakage in data mining",
)


def leaked_target(
    setup: Setup, *, all_of_it: float = 0.999, near: float = 0.9, rows: int = 50
) -> Finding | None:
    """Find a feature that gives the target away.

    Args:
        setup: A training before its first step.
        all_of_it: Share of the target that the feature must tell: all but rounding.
        near: What the next best feature may tell: where two do, the problem is an easy one.
        rows: With fewer, a feature can tell all by chance.

    Returns:
        The finding, or None.

    >>> from luthier.core import DataFacts
    >>> data = DataFacts(rows=99, features=4, classes={"0": 50, "1": 49}, telling_feature=2,
    ...     telling_share=1.0, telling_values=2, other_share=0.3)
    >>> leaked_target(Setup(data=data)).severity
    'warning'
    """
    data = setup.data
    if data.telling_feature is None or data.rows < rows or data.target_is_input:
        return None
    if data.telling_share < all_of_it or data.other_share > near:
        return None
    copy = data.telling_values <= len(data.classes) if data.classes else True
    return Finding(
        problem="leaked_target",
        severity="warning" if copy else "info",
        confidence=0.9 if copy else 0.5,
        summary=f"Feature {data.telling_feature} alone tells {data.telling_share:.1%} of the "
        f"target; the next best tells {data.other_share:.0%}.",
        evidence={
            "feature": data.telling_feature,
            "tells": data.telling_share,
            "next_tells": data.other_share,
            "values": data.telling_values,
        },
        prescriptions=(
            Prescription(
                f"Leave feature {data.telling_feature} out, if it is made from the target."
            ),
        ),
    )
