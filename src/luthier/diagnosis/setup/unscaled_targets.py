"""Unscaled targets: numbers to predict that are far from the size of outputs."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import base_of, measured, nothing_learnt, scaled_fit, told

ABOUT = About(
    symptom="The loss is in the thousands and falls slowly; or it is tiny and nothing is learnt.",
    evidence="Targets vary by less than 0.05 or more than 5, or lie more than 5 deviations off "
    "zero, a copy that is to predict them standardised learns clearly more with the same "
    "optimizer, and the planned epochs do not make up for it: warning, error where nothing is "
    "learnt without.",
    cause="Outputs begin near zero with a spread below one; a step moves them by about the rate.",
    remedy="Standardise targets, and turn predictions back.",
    reference="Bishop 1995, section 8.2",
)


def unscaled_targets(setup: Setup) -> Finding | None:
    """Find targets whose scale harms."""
    data, base = setup.data, base_of(setup)
    fit = scaled_fit(setup, "targets", "inputs", base)
    if fit is None:
        return None
    base = "whole_run" if fit.endswith("_whole") else base
    return Finding(
        problem="unscaled_targets",
        severity="error" if nothing_learnt(setup, base) else "warning",
        confidence=0.95,
        summary=f"Targets have mean {data.target_mean:.3g} and deviation {data.target_std:.3g}. "
        f"Standardised, a copy reached {told(setup, fit)}; as they are "
        f"{setup.fits[base].last:.3g}, where guessing gives {setup.loss.guess or 0.0:.3g}.",
        evidence={
            "mean": data.target_mean,
            "deviation": data.target_std,
            **measured(setup, base, fit),
        },
        prescriptions=(
            Prescription(
                f"Train on (y - {data.target_mean:.3g}) / {data.target_std:.3g}, and turn "
                "predictions back."
            ),
        ),
    )
