"""Split mismatch: validation rows are of another kind than training rows."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="Training goes well, and validation is bad from the first epoch on.",
    evidence="The validation part has classes that the training part lacks, or features whose mean "
    "lies three standard deviations off, far beyond chance, or most of whose values lie outside of "
    "what training rows reach, in half of the features: warning. Smaller shifts beyond chance "
    "are info: parts that follow each other in time differ.",
    cause="Sorted rows that were cut in two, or preprocessing that one part did not get.",
    remedy="Shuffle before splitting, by class; apply the training part's scaling to every part.",
    reference="Rabanser et al. 2019, Failing loudly: detecting dataset shift",
)


def split_mismatch(
    setup: Setup, *, far: float = 3.0, some: float = 0.5, most: float = 0.5
) -> Finding | None:
    """Find parts that differ.

    Args:
        setup: A training before its first step.
        far: Shift of a mean, in standard deviations of the training part, that no sample of the
            same data has.
        some: Shift that is worth a word.
        most: Share of validation values outside of what training rows reach; of rows drawn alike
            it is about one in as many as there are rows.

    Returns:
        The finding, or None.

    >>> from luthier.core import DataFacts
    >>> split_mismatch(Setup(data=DataFacts(shifts={0: 8.0}))).severity
    'warning'
    """
    data = setup.data
    if data.missing_classes:
        names = ", ".join(data.missing_classes[:5])
        count = len(data.missing_classes)
        return Finding(
            problem="split_mismatch",
            severity="warning",
            summary=f"{count} classes of the validation part are not in the training part: "
            f"{names}.",
            evidence={"missing_classes": count, "classes": len(data.classes)},
            prescriptions=(Prescription("Shuffle the rows and split by class (stratified)."),),
        )
    if data.beyond >= most:
        return Finding(
            problem="split_mismatch",
            severity="warning",
            confidence=0.9,
            summary=f"{data.beyond:.0%} of the validation part's values lie outside of what the "
            "training part reaches: the network is asked for what it never saw.",
            evidence={"beyond": data.beyond, "validation_rows": data.val_rows},
            prescriptions=(
                Prescription(
                    "Of a series that grows, learn the changes, not the values; scale each window "
                    "by itself."
                ),
                Prescription("Scale every part with the training part's mean and deviation."),
                Prescription("If rows are sorted, shuffle them before splitting."),
            ),
        )
    if not data.shifts:
        return None
    feature = max(data.shifts, key=data.shifts.__getitem__)
    shift = data.shifts[feature]
    if shift < some:
        return None
    certain = shift >= far
    return Finding(
        problem="split_mismatch",
        severity="warning" if certain else "info",
        confidence=0.9 if certain else 0.5,
        summary=f"{len(data.shifts)} features lie elsewhere in the validation part; feature "
        f"{feature} by {shift:.2g} standard deviations.",
        evidence={"shifted": len(data.shifts), "feature": feature, "largest_shift": shift},
        prescriptions=(
            Prescription("Scale every part with the training part's mean and deviation."),
            Prescription("If rows are sorted, shuffle them before splitting."),
        ),
    )
