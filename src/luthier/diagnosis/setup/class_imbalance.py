"""Class imbalance: some classes have far fewer rows than others."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="Accuracy looks good, and rare classes are never predicted.",
    evidence="The largest class has ten times the rows of the smallest one, or more. Always info: "
    "many trainings do well like that, and only a metric of each class can tell.",
    cause="The world, or the way in which rows were collected.",
    remedy="Look at balanced accuracy or at each class's recall; weight the loss by class if rare "
    "ones matter.",
    reference="Johnson & Khoshgoftaar 2019, Survey on deep learning with class imbalance",
)


def class_imbalance(setup: Setup, *, ratio: float = 10.0, rows: int = 50) -> Finding | None:
    """Find classes with few rows.

    Args:
        setup: A training before its first step.
        ratio: Largest over smallest class; below ten, weights change little in most studies.
        rows: With fewer, a class can be rare by chance.

    Returns:
        The finding, or None.

    >>> from luthier.core import DataFacts
    >>> class_imbalance(Setup(data=DataFacts(rows=99, classes={"0": 95, "1": 4}))).severity
    'info'
    """
    classes = setup.data.classes
    if len(classes) < 2 or setup.data.rows < rows:
        return None
    if sum(classes.values()) > setup.data.rows:
        return None  # classes of positions, where some are rare as a rule
    rarest, most = min(classes, key=classes.__getitem__), max(classes, key=classes.__getitem__)
    if classes[most] < ratio * classes[rarest]:
        return None
    return Finding(
        problem="class_imbalance",
        severity="info",
        confidence=0.5,
        summary=f"Class {most} has {classes[most]} rows and class {rarest} has {classes[rarest]}. "
        "Recall of each class would tell whether that harms.",
        evidence={"largest": classes[most], "smallest": classes[rarest], "classes": len(classes)},
        prescriptions=(
            Prescription("Watch balanced accuracy, or the recall of each class."),
            Prescription(
                f"If rare classes matter, weight the loss: class {rarest} by "
                f"{setup.data.rows / (len(classes) * classes[rarest]):.2g}, class {most} by "
                f"{setup.data.rows / (len(classes) * classes[most]):.2g}."
            ),
        ),
    )
