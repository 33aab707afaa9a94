"""Learning rate too low, before training: all planned steps together lead nowhere."""

from __future__ import annotations

from luthier.catalog import optimizers
from luthier.core import Finding, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import learnt, measured, told
from luthier.diagnosis.prescribe import rate

ABOUT = About(
    symptom="The loss hardly falls in all of the epochs.",
    evidence="A copy that went the way of all planned epochs in few long steps learnt less than "
    "half of what Adam learnt in as many, or ends at twice Adam's loss where ten times as many are "
    "planned; and the rate is a tenth of the optimizer's usual one or "
    "less: warning, error where it learnt nothing. Needs the number of epochs.",
    cause="Steps that are too short for the number of steps.",
    remedy="The optimizer's usual rate.",
    reference="small steps follow the gradient flow, for which n steps of one rate and n / k of k "
    "times that rate are the same; Bottou 2012, section 4",
)


def learning_rate_too_low(
    setup: Setup,
    *,
    part: float = 0.5,
    usual: float = 10.0,
    enough: float = 0.5,
    clear: float = 0.1,
) -> Finding | None:
    """Find a rate with which the planned epochs are too few.

    Args:
        setup: A training before its first step.
        part: What the whole way learns, of what Adam learns in a few steps.
        usual: Part of the optimizer's usual rate from which on a rate counts as low.
        clear: What Adam must have learnt more, where all planned steps leave twice its loss.
        enough: What Adam must have learnt: where that is little, the rows are hard to learn.

    Returns:
        The finding, or None.
    """
    whole, sound = learnt(setup, "whole_run"), learnt(setup, "adam")
    known = [one for one in optimizers.ALL if one.name == setup.optimizer.kind]
    if whole is None or sound is None or not known or not setup.optimizer.learning_rates:
        return None
    given, best = max(setup.optimizer.learning_rates), known[0].default_learning_rate
    name, longer = "adam", learnt(setup, "adam_longer")
    planned = setup.fits["whole_run"].rate / given * setup.fits["whole_run"].steps
    if longer is not None and sound < longer and planned >= setup.fits["adam_longer"].steps:
        name, sound = "adam_longer", longer
    if given > best / usual or sound < enough or whole < -part:
        return None
    # Adam took far fewer steps than are planned: twice its loss after all of them is harm.
    way = setup.fits["whole_run"].rate / given
    behind = way >= usual and 1 - whole >= 2 * (1 - sound) and sound - whole >= clear
    if whole > part * sound and not behind:
        return None
    return Finding(
        problem="learning_rate_too_low",
        severity="error" if whole < 0.05 else "warning",
        confidence=0.9,
        summary=f"The way of all {setup.epochs} epochs with a rate of {given:.3g} leads to a loss "
        f"of {setup.fits['whole_run'].last:.3g}; Adam reached {told(setup, name)}.",
        evidence={"rate": given, "usual": best, **measured(setup, "own", "whole_run", name)},
        prescriptions=(rate(setup, "Raise the rate to the optimizer's usual one.", best),),
    )
