"""Unscaled targets: numbers to predict that are far from the size of outputs."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import (
    base_of,
    helps,
    learnt,
    measured,
    nothing_learnt,
    scaled_fit,
    told,
)

ABOUT = About(
    symptom="The loss is in the thousands and falls slowly; or it is tiny and nothing is learnt.",
    evidence="Targets vary by less than 0.05 or more than 5, or lie more than 5 deviations off "
    "zero, a copy that is to predict them standardised learns clearly more with the same "
    "optimizer, and the planned epochs do not make up for it: warning, error where nothing is "
    "learnt without. Or a column varies less than a tenth of another one, and a copy that is to "
    "predict each column standardised learns those that vary least clearly better: likewise.",
    cause="Outputs begin near zero with a spread below one; a step moves them by about the rate. "
    "One loss of several columns is that of the widest: a tenth of its spread is a hundredth of "
    "its squared error.",
    remedy="Standardise targets, each column by itself, and turn predictions back.",
    reference="Bishop 1995, section 8.2",
)


def unscaled_targets(setup: Setup) -> Finding | None:
    """Find targets whose scale harms."""
    data, base = setup.data, base_of(setup)
    fit = scaled_fit(setup, "targets", "inputs", base)
    if fit is None:
        return _columns(setup) if helps(setup, "columns_scaled", "columns_raw") else None
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


def _columns(setup: Setup) -> Finding:
    data = setup.data
    raw, scaled = (max(learnt(setup, f"columns_{how}") or 0.0, 0.0) for how in ("raw", "scaled"))
    return Finding(
        problem="unscaled_targets",
        severity="error" if nothing_learnt(setup, "columns_raw") else "warning",
        confidence=0.9,
        summary=f"Columns of targets have deviations from {data.target_narrowest:.3g} to "
        f"{data.target_widest:.3g}, and the loss hardly sees those that vary least. A copy "
        f"explained {raw:.0%} of their variance; {scaled:.0%} with each column standardised.",
        evidence={
            "narrowest": data.target_narrowest,
            "widest": data.target_widest,
            "explained": raw,
            "explained_standardised": scaled,
        },
        prescriptions=(
            Prescription(
                "Train on (y - y.mean(0)) / y.std(0), each column by itself, and turn predictions "
                "back."
            ),
        ),
    )
