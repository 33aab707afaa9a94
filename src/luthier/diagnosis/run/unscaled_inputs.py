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
    "worth searching, and the training loss ends no lower than guessing, or as no number: error. "
    "Features that reach beyond 20, and a first epoch whose training loss is twice guessing's or "
    "more, though less later: warning.",
    cause="Raw units; bytes of pixels; numbers that were scaled twice.",
    remedy="Subtract the training part's mean and divide by its deviation.",
    reference="LeCun et al. 1998, Efficient BackProp, section 4.3",
)


def unscaled_inputs(
    run: Run, *, nothing: float = 0.95, epochs: int = 2, far: float = 20.0, worse: float = 2.0
) -> Finding | None:
    """Find inputs whose scale keeps a watched training from learning.

    Args:
        run: A training that was watched from its first step.
        nothing: Share of the loss of guessing above which nothing was learnt.
        epochs: With fewer there is silence.
        far: How far inputs reach that throw the first epoch off.
        worse: Its training loss over that of guessing.

    Returns:
        The finding, or None.
    """
    reach, (name, values) = run.trace.facts.get("inputs_reach"), training(run)
    guess, losses = chance(run), run.curves.train_loss
    if reach is None or adversarial(run) or guess is None or len(losses) < epochs:
        return None
    low, high = reach
    ended = not math.isfinite(losses[-1])
    fails = ended or (bool(values) and level(tail(values)) >= nothing * guess)
    late = (
        max(abs(low), abs(high)) > far and math.isfinite(losses[0]) and losses[0] >= worse * guess
    )
    if not fails and not late:
        return None
    if run.recipe is None or run.recipe.optimizer not in [one.name for one in optimizers.ALL]:
        return None
    highest = optimizers.by_name(run.recipe.optimizer).learning_rates.high
    if run.recipe.learning_rate > highest:
        return None
    return Finding(
        problem="unscaled_inputs",
        severity="error" if fails else "warning",
        confidence=0.8 if fails else 0.9,
        since=1,
        summary=f"Inputs reach from {low:.3g} to {high:.3g} and go into the first layer as they "
        "are"
        + (
            f", and nothing was learnt: the training loss ends at {losses[-1]:.3g}"
            if fails
            else f": the training loss of the first epoch is {losses[0]:.3g}"
        )
        + f", where guessing gives {guess:.3g}.",
        evidence={
            "lowest": low,
            "highest": high,
            "loss_of_guessing": guess,
            **curve(name, losses),
        },
        prescriptions=(
            Prescription("Divide pixels by 255.")
            if low >= 0.0 and 128.0 <= high <= 255.0
            else Prescription(
                "Standardise the inputs: (X - X_train.mean(0)) / X_train.std(0), with the "
                "training part's numbers for every part."
            ),
        ),
    )
