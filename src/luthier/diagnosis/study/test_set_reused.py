"""Test set reused: the rows that judge had been looked at before."""

from __future__ import annotations

from luthier.core import Finding, History, Prescription, Space
from luthier.diagnosis.about import About

__test__: dict[
    str, str
] = {}  # its name is a problem's: pytest finds no test here, doctest nothing more
ABOUT = About(
    symptom="Test scores creep up from study to study, and new data do not follow.",
    evidence="The storage's ledger says that these test rows were opened before this study judged "
    "by them. Always info: whoever did may have chosen nothing by what they saw.",
    cause="The same test part under several studies, or under one that went on with more budget.",
    remedy="Keep rows aside that no study has seen, and judge on those, once.",
    reference="Dwork et al. 2015, The reusable holdout; Recht et al. 2019, Do ImageNet Classifiers "
    "Generalize to ImageNet?",
)


def test_set_reused(history: History, space: Space) -> Finding | None:
    """Find test rows that were opened before.

    Args:
        history: All trials, and what confirming the winner came to.
        space: What was searched.

    Returns:
        The finding, or None.
    """
    proof = history.proof
    if proof is None or not proof.openings:
        return None
    times = "once" if proof.openings == 1 else f"{proof.openings} times"
    return Finding(
        problem="test_set_reused",
        severity="info",
        confidence=0.9,
        summary=f"The test part had been opened {times} before: whoever looked may have chosen by "
        "it, so the verdict confirms nothing. Rows that nobody has seen would settle it.",
        evidence={"opened_before": proof.openings},
        prescriptions=(Prescription("Judge on rows that no study has opened, once."),),
    )
