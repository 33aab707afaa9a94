"""Learning rate too low: the weights hardly leave where they began."""

from __future__ import annotations

from luthier.catalog import optimizers
from luthier.core import Finding, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, moved, pretrained, training
from luthier.diagnosis.prescribe import changed, faster
from luthier.diagnosis.statistics import level, tail

ABOUT = About(
    symptom="The loss hardly falls, in a straight line, without noise.",
    evidence="The last training loss is above half of guessing, the rate is a tenth of the "
    "optimizer's usual one or less, and all steps together can have moved the weights by a fifth "
    "of their size at most. Warning; error where nothing was learnt; info where updates were not "
    "measured and the rate lies below the range that is worth searching. Silent for weights that "
    "were trained before.",
    cause="Steps that are too short for the number of steps.",
    remedy="Raise the rate to the optimizer's usual one.",
    reference="Bottou 2012, Stochastic Gradient Descent Tricks, section 4; of 383 sound "
    "trainings of luthier, nineteen in twenty moved their weights by 0.16 of their size or more",
)


def learning_rate_too_low(
    run: Run, *, much: float = 0.5, nothing: float = 0.95, far: float = 0.2, epochs: int = 5
) -> Finding | None:
    """Find a rate with which the weights cannot have got anywhere.

    Args:
        run: Curves of one training, with recipe and task.
        much: Share of the loss of guessing above which most is left to learn.
        nothing: Share of it above which nothing was learnt.
        far: How far weights must be able to move, relative to their size.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.
    """
    name, values = training(run)
    guess, recipe = chance(run), run.recipe
    if adversarial(run) or guess is None or recipe is None or len(values) < epochs:
        return None
    last = level(tail(values))
    if last < much * guess or pretrained(run):
        return None
    optimizer, way = optimizers.by_name(recipe.optimizer), moved(run)
    low = optimizer.learning_rates.low
    below, stuck = recipe.learning_rate < low, way is not None and way < far
    if not (below and (stuck or way is None)) and not (stuck and _below_usual(run)):
        return None
    certain = stuck
    reasons = [
        f"{recipe.learning_rate:.3g} lies below the {low:.3g} from which on {recipe.optimizer} "
        "is searched"
        if below
        else f"{optimizer.name} usually takes {optimizer.default_learning_rate:.3g}, and not "
        f"{recipe.learning_rate:.3g}"
    ] + [f"all steps together moved weights by {way or 0.0:.2g} of their size"] * stuck
    return Finding(
        problem="learning_rate_too_low",
        severity="info" if not certain else "error" if last >= nothing * guess else "warning",
        confidence=0.95 if certain else 0.6,
        since=1,
        summary=f"The learning rate is too low: {', and '.join(reasons)}; the training loss ends "
        f"at {last:.3g}, where guessing gives {guess:.3g}.",
        evidence={
            "learning_rate": recipe.learning_rate,
            "searched_from": low,
            "weights_moved": way,
            "last_training_loss": last,
            "loss_of_guessing": guess,
            **curve(name, values),
        },
        prescriptions=(
            faster(run, "Raise the learning rate."),
            changed(run, "Or train far longer.", {"epochs": 10 * recipe.epochs}),
        ),
    )


def _below_usual(run: Run) -> bool:
    recipe = run.recipe
    usual = optimizers.by_name(recipe.optimizer).default_learning_rate if recipe else 0.0
    return recipe is not None and recipe.learning_rate <= 0.1 * usual
