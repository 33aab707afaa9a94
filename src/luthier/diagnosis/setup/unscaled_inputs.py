"""Unscaled inputs: numbers too large, too small or too uneven for the first layer."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import base_of, measured, nothing_learnt, scaled_fit, told

ABOUT = About(
    symptom="The first loss is huge, or learning is slow, uneven and sensitive to the rate.",
    evidence="Most features stay within 0.1 of zero, or one reaches beyond 20, and a copy that "
    "gets them standardised learns clearly more: with the same optimizer, where the planned epochs "
    "do not make up for it, or with Adam at the better of two rates. Warning, error where nothing "
    "is learnt without. Standardised inputs, and images that a first normalisation layer takes "
    "care of, are fine.",
    cause="Raw units; bytes of pixels; numbers that were scaled twice.",
    remedy="Subtract the training part's mean and divide by its deviation.",
    reference="LeCun et al. 1998, Efficient BackProp, section 4.3",
)
_BYTES = 255.0


def unscaled_inputs(setup: Setup) -> Finding | None:
    """Find inputs whose scale harms."""
    data, base = setup.data, base_of(setup)
    fit = scaled_fit(setup, "inputs", "targets", base)
    if fit is None:
        return None
    base = "whole_run" if fit.endswith("_whole") else "adam" if fit.endswith("_adam") else base
    pixels = data.low >= 0.0 and 128.0 <= data.high <= _BYTES
    return Finding(
        problem="unscaled_inputs",
        severity="error" if nothing_learnt(setup, base) else "warning",
        confidence=0.95,
        summary=f"Inputs reach from {data.low:.3g} to {data.high:.3g}, with deviations from "
        f"{data.narrowest:.3g} to {data.widest:.3g}. {_what(fit)}, a copy reached "
        f"{told(setup, fit)}; as they are {setup.fits[base].last:.3g}.",
        evidence={
            "lowest": data.low,
            "highest": data.high,
            "narrowest": data.narrowest,
            "widest": data.widest,
            **measured(setup, base, fit),
        },
        prescriptions=(
            Prescription("Divide pixels by 255.")
            if pixels
            else Prescription(f"Scale the inputs to 0 to 1: divide them by {data.high:.3g}.")
            if fit.startswith("ranged")
            else Prescription(
                "Standardise the inputs: (X - X_train.mean(0)) / X_train.std(0), with the "
                "training part's numbers for every part."
            ),
        ),
    )


def _what(fit: str) -> str:
    both = fit.startswith("standard_both")
    return "With inputs and targets scaled" if both else "Scaled"
