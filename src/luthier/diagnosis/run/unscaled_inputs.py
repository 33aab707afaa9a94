"""Unscaled inputs, seen while a training runs: far from one, and nothing is learnt."""

from __future__ import annotations

import math

from luthier.catalog import optimizers
from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, training
from luthier.diagnosis.statistics import level, tail

ABOUT = About(
    symptom="The first loss is huge, units die, or the loss is no number.",
    evidence="The first batch has features that reach beyond 20, or most of them stay within 0.1 "
    "of zero, no normalisation stands before the first layer, the rate is not above all that are "
    "worth searching, and the training loss ends no lower than guessing, or as no number: error.",
    cause="Raw units; bytes of pixels; numbers that were scaled twice.",
    remedy="Subtract the training part's mean and divide by its deviation.",
    reference="LeCun et al. 1998, Efficient BackProp, section 4.3",
)


def unscaled_inputs(run: Run, *, nothing: float = 0.95, epochs: int = 2) -> Finding | None:
    """Find inputs whose scale keeps a watched training from learning.

    Args:
        run: A training that was watched from its first step.
        nothing: Share of the loss of guessing above which nothing was learnt.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.
    """
    reach, (name, values) = run.trace.facts.get("inputs_reach"), training(run)
    guess, losses = chance(run), run.curves.train_loss
    if reach is None or adversarial(run) or guess is None or len(losses) < epochs:
        return None
    low, high = reach
    ended = not math.isfinite(losses[-1])
    if not ended and (not values or level(tail(values)) < nothing * guess):
        return None
    if run.recipe is None or run.recipe.optimizer not in [one.name for one in optimizers.ALL]:
        return None
    highest = optimizers.by_name(run.recipe.optimizer).learning_rates.high
    if run.recipe.learning_rate > highest:
        return None
    return Finding(
        problem="unscaled_inputs",
        severity="error",
        confidence=0.8,
        since=1,
        summary=f"Inputs reach from {low:.3g} to {high:.3g} and go into the first layer as they "
        f"are, and nothing was learnt: the training loss ends at {losses[-1]:.3g}, where guessing "
        f"gives {guess:.3g}.",
        evidence={
            "lowest": low,
            "highest": high,
            "loss_of_guessing": guess,
            **curve(name, losses),
        },
        prescriptions=(
            Prescription(
                "Standardise the inputs: (X - X_train.mean(0)) / X_train.std(0), with the "
                "training part's numbers for every part."
            ),
        ),
    )
