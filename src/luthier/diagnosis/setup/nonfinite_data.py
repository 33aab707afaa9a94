"""Non-finite data: NaN or infinity among inputs or targets."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="The loss is NaN from the first step on, and stays it.",
    evidence="At least one input or target is NaN or infinite: error.",
    cause="Missing values, a division by zero, a logarithm of zero, a unit that overflowed.",
    remedy="Fill the values in or drop their rows, before scaling.",
    reference="IEEE 754: no operation on NaN gives a number again",
)


def nonfinite_data(setup: Setup) -> Finding | None:
    """Find values that are no numbers.

    >>> from luthier.core import DataFacts
    >>> nonfinite_data(Setup(data=DataFacts(rows=9, nonfinite_inputs=2))).severity
    'error'
    """
    inputs, targets = setup.data.nonfinite_inputs, setup.data.nonfinite_targets
    if not inputs + targets:
        return None
    found = [f"{n} {what}" for n, what in ((inputs, "inputs"), (targets, "targets")) if n]
    return Finding(
        problem="nonfinite_data",
        severity="error",
        summary=f"{' and '.join(found)} are NaN or infinite, in {setup.data.rows} rows.",
        evidence={"inputs": inputs, "targets": targets, "rows": setup.data.rows},
        prescriptions=(
            Prescription("Fill them in, say with the feature's median, or drop their rows."),
        ),
    )
