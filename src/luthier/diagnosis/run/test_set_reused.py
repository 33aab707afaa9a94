"""Test set reused: every epoch is scored on rows that are to judge the result."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="The score that was watched all along is better than the one on new rows.",
    evidence="The loop's source scores what it calls a test set, and was seen to train there three "
    "times or more: warning. Looking once, after training, is what a test set is for.",
    cause="No validation part: epochs, rates and networks are chosen by the test score, knowingly "
    "or not.",
    remedy="Split a validation part off the training rows and score that; open the test set once.",
    reference="Hastie, Tibshirani, Friedman 2009, The Elements of Statistical Learning, section "
    "7.2; Dwork et al. 2015, The reusable holdout",
)
__test__: dict[str, str] = {}  # its name is that of a problem, and not of a test


def test_set_reused(run: Run, *, often: int = 3) -> Finding | None:  # noqa: PT028 - no test
    """Find a test set that is looked at in every epoch.

    Args:
        run: One training whose loop was read.
        often: How many times it must have gone round.

    Returns:
        The finding, or None.

    >>> from luthier.core import Trace
    >>> facts = {"test_scored": 100, "test_call": "model.evaluate(X_test, y_test)"}
    >>> test_set_reused(Run(trace=Trace(facts=facts))).severity
    'warning'
    """
    count, call = int(run.trace.facts.get("test_scored", 0)), run.trace.facts.get("test_call", "")
    if count < often:
        return None
    return Finding(
        problem="test_set_reused",
        severity="warning",
        confidence=0.95,
        since=1,
        summary=f"Every epoch scores the test set ({call}): {count} looks so far. What is chosen "
        "by them, epochs or rates, makes its score too good.",
        evidence={"looks": count, "call": call},
        prescriptions=(
            Prescription(
                "Split a validation part off the training rows and score that in each epoch; "
                "open the test set once, at the end."
            ),
        ),
    )
