"""Cannot overfit one batch: a few rows cannot be learnt by heart."""

from __future__ import annotations

import math

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import learnt, measured, told

ABOUT = About(
    symptom="Nothing is learnt, whatever the rate.",
    evidence="A copy trained with Adam on 16 rows alone (on one batch, where only the loss knows "
    "its rows) learnt less than a tenth of what there is, with more weights than rows, and one "
    "trained on all rows learnt nothing either: warning. One of the two alone is info.",
    cause="Outputs that do not depend on the inputs, a broken path for gradients, a loss that does "
    "not measure the targets.",
    remedy="Look at what the network returns for two different rows, and follow the gradient back.",
    reference="Karpathy 2019, A recipe for training neural networks",
)


def cannot_overfit_one_batch(
    setup: Setup, *, little: float = 0.1, steps: int = 50
) -> Finding | None:
    """Find a network that does not learn even a few rows.

    Args:
        setup: A training before its first step.
        little: Share of all there is to learn.
        steps: With fewer, it is too early to tell.

    Returns:
        The finding, or None.

    >>> from luthier.core import Fit, LayerFacts, LossFacts
    >>> fits = {"one_batch": Fit(200, 0.7, 0.69), "adam": Fit(100, 0.7, 0.69)}
    >>> layers = (LayerFacts("0", "Linear", (64, 8)),)
    >>> loss = LossFacts("bce", guess=0.69, floor=0.0)
    >>> cannot_overfit_one_batch(Setup(fits=fits, layers=layers, loss=loss)).severity
    'warning'
    """
    fit, share, all_rows = setup.fits.get("one_batch"), learnt(setup, "one_batch"), None
    if fit is None or share is None or share >= little or fit.steps < steps:
        return None
    weights = sum(math.prod(one.shape) for one in setup.layers if one.trained and one.reached)
    all_rows = learnt(setup, "adam")
    rows = setup.few_rows
    if weights < rows * max(setup.output.shape[1:], default=1):
        return None
    both = all_rows is not None and all_rows < little
    return Finding(
        problem="cannot_overfit_one_batch",
        severity="warning" if both else "info",
        confidence=0.9 if both else 0.5,
        summary=f"A copy was trained on {rows} rows alone, and reached {told(setup, 'one_batch')}.",
        evidence={"learnt": share, "weights": weights, **measured(setup, "one_batch", "adam")},
        prescriptions=(
            Prescription("Check that two different rows get different outputs."),
            Prescription("Check loss and last activation on a target that you know."),
        ),
    )
