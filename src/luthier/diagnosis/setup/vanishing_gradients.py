"""Vanishing gradients, before training: the first layers get next to none."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import CLEAR, helps, learnt, measured, nothing_learnt, told
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="The loss stays at that of guessing; the first layers do not change.",
    evidence="The first layer's gradient is a thousandth of the largest one or less, no copy of "
    "the network learnt a tenth of what there is, and either one with ReLU in place of the "
    "activations that saturate learnt clearly more, or all rows have the same outputs: "
    "warning, error where nothing was learnt. Or a recurrent network learns less than half, also "
    "in more steps, and clearly more of the same sequences read from their end: warning, error "
    "likewise.",
    cause="Many sigmoids or softmaxes in a row: each one passes a quarter of a gradient at most. "
    "Long sequences in a plain recurrent layer; padding behind what is to be read.",
    remedy="ReLU with He's initialisation, residual connections, or normalisation layers. For "
    "sequences LSTM or GRU, a mean over all outputs, pack_padded_sequence or padding in front.",
    reference="Hochreiter 1991; Glorot & Bengio 2010",
)


def vanishing_gradients(
    setup: Setup, *, faint: float = 1e-3, little: float = 0.1, half: float = 0.5
) -> Finding | None:
    """Find depth that gradients do not get through.

    Args:
        setup: A training before its first step.
        faint: First over largest gradient: five sigmoids at their best pass 4 ** -5.
        little: What a copy learnt at most, of all there is.
        half: The same for copies that took more steps, of sequences.

    Returns:
        The finding, or None.
    """
    if helps(setup, "backwards", "adam"):
        # More steps, or a rate of the user's, may well get through all the same.
        longer = (learnt(setup, name) or 0.0 for name in ("own_longer", "whole_run", "adam_longer"))
        return _backwards(setup) if max(longer) < half else None
    grads = [one.gradient for one in setup.layers if one.gradient is not None and one.reached]
    best = learnt(setup, "adam")
    if len(grads) < 3 or best is None or best > little or not max(grads) > 0:
        return None
    ratio = grads[0] / max(grads)
    through = helps(setup, "unsaturated", "adam", clear=CLEAR)
    if ratio > faint or not (through or setup.output.constant):
        return None
    return Finding(
        problem="vanishing_gradients",
        severity="error" if best < little / 2 else "warning",
        confidence=0.95,
        summary=f"The first layer's gradient is {ratio:.2g} of the largest. "
        + (
            f"A copy with ReLU reached {told(setup, 'unsaturated')}; as it is "
            f"{setup.fits['adam'].last:.3g}."
            if through
            else "Nor do inputs reach the outputs, which are the same for all rows; with Adam a "
            f"copy reached {told(setup, 'adam')}."
        ),
        evidence={"first_over_largest": ratio, **measured(setup, "adam", "unsaturated")},
        prescriptions=(
            Prescription("Take ReLU between the layers, with He's initialisation."),
            Prescription("Put a normalisation layer or a residual connection into each block."),
        ),
    )


def _backwards(setup: Setup) -> Finding:
    little = nothing_learnt(setup, "adam")
    return Finding(
        problem="vanishing_gradients",
        severity="error" if little else "warning",
        confidence=0.9,
        summary="What a sequence begins with does not reach the output: read from the end, a copy "
        f"reached {told(setup, 'backwards')}; as they are {setup.fits['adam'].last:.3g}.",
        evidence=measured(setup, "adam", "backwards"),
        prescriptions=(
            Prescription(words(setup, "sequences")),
            Prescription("Take a mean over all outputs, or attention, for the last one."),
        ),
    )
