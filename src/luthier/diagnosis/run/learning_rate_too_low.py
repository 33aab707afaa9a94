"""Learning rate too low: the weights hardly leave where they began."""

from __future__ import annotations

from collections.abc import Mapping

from luthier.catalog import optimizers
from luthier.core import Finding, Prescription, Recipe, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import (
    adversarial,
    chance,
    curve,
    finite,
    moved,
    pretrained,
    training,
)
from luthier.diagnosis.prescribe import Setting, changed, faster
from luthier.diagnosis.statistics import level, tail
from luthier.diagnosis.traces import clipped_to

ABOUT = About(
    symptom="The loss hardly falls, in a straight line, without noise.",
    evidence="The last training loss is above half of guessing, and steps are short: the rate is a "
    "tenth of the optimizer's usual one or less, and all steps together can have moved the weights "
    "by a fifth of their size at most; or by half at most, and gradients are clipped to 0.1 or "
    "less and to a tenth of their norm, or seen to be of one such norm at every step (sgd and its "
    "kind), or epsilon is 0.001 or more (Adam's "
    "kind). Warning; error where nothing was learnt; info where updates were not measured and the "
    "rate lies below the range that is worth searching. Silent for weights that were trained "
    "before.",
    cause="Steps that are too short for the number of steps.",
    remedy="Raise the rate to the optimizer's usual one; take clipping and epsilon back to theirs.",
    reference="Bottou 2012, Stochastic Gradient Descent Tricks, section 4; Godbole et al. 2023, "
    "Deep Learning Tuning Playbook, for clipping; of 624 healthy trainings of "
    "benchmarks/diagnosis, 99 in 100 moved their weights by 0.17 of their size or more, "
    "19 in 20 by 0.39",
)
GRADIENT_SIZED = ("sgd", "momentum", "nesterov")  # a smaller gradient makes a shorter step


def learning_rate_too_low(
    run: Run,
    *,
    much: float = 0.5,
    nothing: float = 0.95,
    far: float = 0.2,
    far_held: float = 0.5,
    clips: float = 0.1,
    clipped: float = 0.1,
    damped: float = 1e-3,
    epochs: int = 5,
) -> Finding | None:
    """Find a rate with which the weights cannot have got anywhere.

    Args:
        run: Curves of one training, with recipe and task.
        much: Share of the loss of guessing above which most is left to learn.
        nothing: Share of it above which nothing was learnt.
        far: How far weights must be able to move, relative to their size.
        far_held: The same where a setting shows what makes steps short.
        clips: Norm of clipping up to which it may be the cause; 1 is usual, and what lies far
            above that shows gradients that are too large.
        clipped: Norm of clipping over that of gradients from which on down it sets the rate.
        damped: Epsilon from which on it, and not the gradients, is what steps are divided by;
            root mean square gradients lie between 1e-4 and 1e-1.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.
    """
    name, values = training(run)
    guess, recipe = chance(run), run.recipe
    if adversarial(run) or guess is None or recipe is None or len(values) < epochs:
        return None
    last, way = level(tail(values)), moved(run)
    if last < much * guess or pretrained(run):
        return None
    optimizer = optimizers.by_name(recipe.optimizer)
    low, usual = optimizer.learning_rates.low, optimizer.default_learning_rate
    below, held = recipe.learning_rate < low, _held(run, clips, clipped, damped)
    if way is None:
        reasons = [f"{recipe.learning_rate:.3g} lies below {low:.3g}"] if below else []
    elif held and way < far_held:
        reasons = [text for text, _ in held.values()]
    elif way < far and 0.0 < recipe.learning_rate <= max(low, 0.1 * usual):
        reasons = [f"{optimizer.name} usually takes {usual:.3g}, not {recipe.learning_rate:.3g}"]
    else:
        reasons = []
    if not reasons:
        return None
    if way is None:
        reasons[0] += f", from which on {optimizer.name} is searched"
    else:
        reasons.append(f"all steps together moved weights by {way:.2g} of their size")
    severity = "error" if last >= nothing * guess else "warning"
    change = {key: new for key, (_, new) in held.items()}
    return Finding(
        problem="learning_rate_too_low",
        severity="info" if way is None else severity,  # type: ignore[arg-type]
        confidence=0.6 if way is None else 0.95,
        since=1,
        summary=f"{'Steps are too short' if held else 'The learning rate is too low'}: "
        f"{', and '.join(reasons)}; the training loss ends at {last:.3g}, where guessing gives "
        f"{guess:.3g}.",
        evidence={
            "learning_rate": recipe.learning_rate,
            "usual": usual,
            "weights_moved": way,
            "last_training_loss": last,
            "loss_of_guessing": guess,
            **{key: float(recipe.get(key) or clipped_to(run) or 0.0) for key in held},
            **curve(name, values),
        },
        prescriptions=_advice(run, recipe, change),
    )


def _advice(
    run: Run, recipe: Recipe, change: Mapping[str, Setting]
) -> tuple[Prescription, Prescription]:
    longer = changed(run, "Train far longer.", {"epochs": 10 * recipe.epochs})
    if change:
        return changed(run, "Set what shortens the steps back to what is usual.", change), longer
    return faster(run, "Raise the learning rate."), longer


def _held(run: Run, clips: float, clipped: float, damped: float) -> dict[str, tuple[str, Setting]]:
    """Return settings that make steps short, each with what it does and its usual value."""
    recipe, found = run.recipe, dict[str, tuple[str, Setting]]()
    norms = finite(run.curves.signals.get("gradient_norm", ()))
    if recipe is None:
        return {}
    clip, norm = recipe.clip_norm, level(norms) if norms else 0.0
    seen = clipped_to(run)
    if recipe.optimizer in GRADIENT_SIZED and not clip and seen is not None and seen <= clips:
        found["clip_norm"] = (f"gradients of every step are clipped to {seen:.2g}", 1.0)
    if recipe.optimizer in GRADIENT_SIZED and clip and clip <= min(clips, clipped * norm):
        found["clip_norm"] = (f"gradients of norm {norm:.2g} are clipped to {clip:.2g}", 1.0)
    optimizer = optimizers.by_name(recipe.optimizer)
    if "epsilon" in optimizer.settings and recipe.epsilon >= damped:
        usual = float(optimizer.usual.get("epsilon", 1e-8))
        found["epsilon"] = (f"{optimizer.name} divides by no less than {recipe.epsilon:.2g}", usual)
    return found
