"""Wrong gradient sign, before training: perfect outputs have the higher loss."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="The loss would be climbed, or its negative.",
    evidence="The loss of perfect outputs lies above that of outputs far off, in a loss whose form "
    "is known; or an optimizer maximises a loss of which perfect outputs have the lowest. Error.",
    cause="A minus too many or too few, or maximize=True.",
    remedy="Change the sign.",
    reference="a loss must be lowest where outputs are right",
)
_KNOWN = ("mse", "l1", "huber", "difference", "cross_entropy", "bce", "bce_logits", "shares")


def wrong_gradient_sign(setup: Setup) -> Finding | None:
    """Find a loss that is upside down.

    >>> from luthier.core import LossFacts
    >>> wrong_gradient_sign(Setup(loss=LossFacts("mse", truth=0.0, off=-9.0))).severity
    'error'
    """
    loss = setup.loss
    if loss.kind not in _KNOWN or loss.truth is None or loss.off is None:
        return None
    climbs = bool(setup.optimizer.settings.get("maximize"))
    upside_down = loss.truth > loss.off
    if upside_down == climbs:
        return None
    return Finding(
        problem="wrong_gradient_sign",
        severity="error",
        summary=f"The loss is {loss.truth:.3g} for perfect outputs and {loss.off:.3g} for ones "
        f"far off, and it is {'maximised' if climbs else 'minimised'}.",
        evidence={"of_perfect_outputs": loss.truth, "of_wrong_outputs": loss.off},
        prescriptions=(Prescription("Leave maximize=True out." if climbs else "Negate the loss."),),
    )
