"""Batch too small, before training: normalisation over a handful of rows."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import helps, measured, nothing_learnt, told

ABOUT = About(
    symptom="Training and evaluation mode say different things; the loss stays high and restless.",
    evidence="Batches of four rows or fewer, batch normalisation, and a copy that saw as many rows "
    "in batches of 16 learns clearly more, both in evaluation mode: warning, error where nothing "
    "is learnt.",
    cause="Statistics of two rows are noise: of two values normalisation leaves which is larger.",
    remedy="Batches of 16 and more, or a normalisation over channels: GroupNorm, LayerNorm.",
    reference="Wu & He 2018, Group Normalization, figure 1",
)


def batch_too_small(setup: Setup) -> Finding | None:
    """Find batches that are too few rows to normalise by.

    >>> from luthier.core import Fit, LossFacts
    >>> fits = {"few_rows": Fit(800, 1.1, 0.9), "more_rows": Fit(100, 1.1, 0.2)}
    >>> loss = LossFacts(guess=1.1, floor=0.0)
    >>> batch_too_small(Setup(loss=loss, fits=fits, batch_size=2)).severity
    'warning'
    """
    if not helps(setup, "more_rows", "few_rows"):
        return None
    return Finding(
        problem="batch_too_small",
        severity="error" if nothing_learnt(setup, "few_rows") else "warning",
        confidence=0.9,
        summary=f"Batch normalisation over {setup.batch_size} rows a step: a copy reached "
        f"{told(setup, 'few_rows')}; with as many rows in batches of 16 "
        f"{setup.fits['more_rows'].last:.3g}.",
        evidence={"batch_size": setup.batch_size, **measured(setup, "few_rows", "more_rows")},
        prescriptions=(
            Prescription("Take batches of 16 rows or more."),
            Prescription("Normalise over channels: GroupNorm or LayerNorm."),
        ),
    )
