"""Missing non-linearity: several layers that together are one straight map."""

from __future__ import annotations

from luthier.core import Finding, LayerFacts, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="The network is no better than a linear model, however deep it is.",
    evidence="Points on a line are mapped to points on a line, up to the last activation, and no "
    "operation between the layers bends anything, with two layers or more: warning. A narrow "
    "layer between wide ones is a factorisation, and info.",
    cause="Layers without an activation between them.",
    remedy="Put ReLU between the layers.",
    reference="a product of matrices is one matrix",
)
_KINDS = ("Linear", "Conv1d", "Conv2d", "Conv3d", "Dense", "Conv1D", "Conv2D", "Conv3D")


def missing_nonlinearity(setup: Setup) -> Finding | None:
    """Find layers that collapse into one.

    >>> from luthier.core import LayerFacts
    >>> layers = tuple(LayerFacts(n, "Linear", (8, 8)) for n in ("0", "1"))
    >>> missing_nonlinearity(Setup(affine=True, layers=layers)).severity
    'warning'
    """
    layers = [one for one in setup.layers if one.reached and one.trained and one.kind in _KINDS]
    if not setup.affine or len(layers) < 2 or setup.activations:
        return None
    narrow = _narrow(layers) or setup.data.target_is_input
    names = ", ".join(one.name for one in layers[:4]) + ", ..." * (len(layers) > 4)
    return Finding(
        problem="missing_nonlinearity",
        severity="info" if narrow else "warning",
        confidence=0.5 if narrow else 0.95,
        summary=f"{len(layers)} layers ({names}) have no non-linearity between them: together "
        "they are one linear layer.",
        evidence={"layers": len(layers)},
        prescriptions=(Prescription(words(setup, "activation")),),
    )


def _narrow(layers: list[LayerFacts]) -> bool:
    """Tell whether a layer in between is narrower than both ends: a map of low rank on purpose."""
    first, last = layers[0].shape, layers[-1].shape
    ends = min(first[1], last[0])
    return any(one.shape[0] < ends for one in layers[:-1])
