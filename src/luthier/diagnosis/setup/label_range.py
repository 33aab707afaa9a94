"""Label range: targets that the loss or the outputs cannot stand for."""

from __future__ import annotations

from luthier.core import IGNORED, Finding, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="An index error, a device-side assertion, or a loss below zero.",
    evidence="Class numbers below 0 or beyond the outputs for a cross-entropy, or targets outside "
    "of [0, 1] for a binary one: error.",
    cause="Classes counted from 1, -1 and 1 for two classes, a missing class as -1.",
    remedy="Number the classes 0, 1, 2, ...; give the last layer one unit a class.",
    reference="documentation of torch.nn.CrossEntropyLoss and BCEWithLogitsLoss",
)
_ENTROPIES = ("cross_entropy", "nll", "shares")


def label_range(setup: Setup) -> Finding | None:
    """Find targets out of range.

    >>> from luthier.core import DataFacts, LossFacts, OutputFacts
    >>> output = OutputFacts(shape=(9, 3), target_shape=(9,), target_type="classes")
    >>> data = DataFacts(rows=9, classes={"1": 3, "2": 3, "3": 3})
    >>> label_range(Setup(data, output, LossFacts(error="IndexError: Target 3 is out of bounds.")))
    ... # doctest: +ELLIPSIS
    Finding(problem='label_range', severity='error', summary='Class numbers reach from 1 to 3, ...
    """
    output, loss, data = setup.output, setup.loss, setup.data
    if len(output.target_shape) > 1 and output.target_type == "classes":
        return _of_positions(setup)
    if output.target_type == "classes" and len(output.shape) > 1 and data.classes:
        numbers = sorted(int(name) for name in data.classes if int(name) != IGNORED)
        units = output.shape[1]
        one = units == 1 and loss.kind not in _ENTROPIES
        entropic = loss.kind in _ENTROPIES or "out of bounds" in loss.error
        if numbers and entropic and not one and not 0 <= numbers[0] <= numbers[-1] < units:
            if units == 1:
                return None  # too few units, which is said of the outputs
            return _finding(
                f"Class numbers reach from {numbers[0]} to {numbers[-1]}, and {units} outputs "
                f"stand for 0 to {units - 1}.",
                {"lowest": numbers[0], "highest": numbers[-1], "outputs": units},
                "Subtract 1 from the class numbers."
                if numbers[0] == 1 and numbers[-1] == units
                else f"Number the classes 0 to {len(numbers) - 1}, and end with as many units.",
            )
    binary = loss.kind in ("bce", "bce_logits") or "between 0 and 1" in loss.error
    outside = data.target_low < 0.0 or data.target_high > 1.0
    shares = 0.0 <= output.low <= output.high <= 1.0 or loss.kind == "bce_logits"
    if binary and outside and shares and data.rows:
        few = len(data.classes) == 2 or data.target_low == -1.0
        return _finding(
            f"Targets reach from {data.target_low:.3g} to {data.target_high:.3g}, and binary "
            "cross-entropy takes 0 to 1.",
            {"lowest": data.target_low, "highest": data.target_high},
            "Map the two classes to 0 and 1."
            if few
            else f"For classes use {words(setup, 'cross_entropy')} with a unit each; for numbers "
            f"{words(setup, 'mse')}.",
        )
    return None


def _of_positions(setup: Setup) -> Finding | None:
    """Find class numbers that a loss calls out of bounds: which axis has the classes is its own."""
    loss, numbers = setup.loss, sorted(map(int, setup.data.classes))
    if not numbers or "out of bounds" not in loss.error:
        return None
    advice = "Number the classes from 0 on, as many as there are outputs."
    marks = [n for n in (numbers[0], numbers[-1]) if n < 0 or n == 255]
    if marks:
        advice = (
            f"If {marks[0]} marks what counts nothing, say so to the loss: "
            f"ignore_index={marks[0]}; or write {IGNORED} there."
        )
    return _finding(
        f"Class numbers reach from {numbers[0]} to {numbers[-1]}, and the loss has no such class: "
        f"{loss.error[:100]}",
        {"lowest": numbers[0], "highest": numbers[-1]},
        advice,
    )


def _finding(summary: str, evidence: dict[str, float], advice: str) -> Finding:
    return Finding(
        problem="label_range",
        severity="error",
        summary=summary,
        evidence=evidence,
        prescriptions=(Prescription(advice),),
    )
