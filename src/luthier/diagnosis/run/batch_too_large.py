"""Batch too large: so few steps an epoch that training does not get anywhere."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, step_size, steps, training
from luthier.diagnosis.prescribe import changed
from luthier.diagnosis.statistics import falls, forecast, level, tail

ABOUT = About(
    symptom="The loss falls smoothly and slowly; an epoch is one step or a few.",
    evidence="The last training loss is above a quarter of guessing and still falls beyond "
    "noise, the run had 200 steps or fewer, an epoch has one or two, and a step moves the weights "
    "by as much as it usually does: it is their number that is short. In a watched loop, four "
    "batches and more whose gradients are added up count as one. Warning; error where nothing was "
    "learnt.",
    cause="Progress is made by steps; a batch ten times larger takes ten times fewer of them, "
    "and each is hardly better.",
    remedy="A batch of 32, or the rate raised with the batch.",
    reference="Masters & Luschi 2018, Revisiting Small Batch Training; Goyal et al. 2017 for the "
    "rate; steps counted in luthier's own full-batch trainings",
)


def batch_too_large(
    run: Run,
    *,
    left: float = 0.25,
    begun: float = 0.8,
    nothing: float = 0.95,
    total: int = 200,
    each: int = 2,
    several: int = 4,
    usual: float = 5e-4,
    epochs: int = 5,
) -> Finding | None:
    """Find a training that took too few steps because each took so many rows.

    Args:
        run: Curves of one training, with recipe, task and steps an epoch.
        left: Share of the loss of guessing that is still to learn.
        begun: Share of it above which the fall has hardly begun.
        nothing: Share of it above which nothing was learnt.
        total: Steps of the whole run that are few.
        each: Steps of an epoch that are few: at three, four times as many are seldom the cure.
        several: Passes with a gradient from which on a step adds batches up; with fewer, one batch
            may go through the network in parts.
        usual: Relative update of the weights in one step from which on it is no small one;
            nineteen of twenty healthy trainings of benchmarks/diagnosis had more. Below it, rate,
            clipping or gradients are short, and not steps.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.
    """
    name, values = training(run)
    count, guess, recipe = steps(run), chance(run), run.recipe
    # In a loop that is watched, batches whose gradients are added up make one step.
    added = int(run.trace.facts.get("passes_per_step", 0))
    added = added if added >= several else 1
    if adversarial(run) or recipe is None or guess is None or count is None:
        return None
    small = 32 if recipe.batch_size == "full" else max(8, int(recipe.batch_size) // 4)
    halved = recipe.batch_size == "full" or added * int(recipe.batch_size) > 32
    if len(values) < epochs or count > each or count * len(values) > total or not halved:
        return None
    ratio = step_size(run)
    if ratio is None or ratio < usual:
        return None
    last = level(tail(values))
    what = "The batch is too large" if added == 1 else f"Each step takes {added} batches"
    advice = changed(run, "Take smaller batches.", {"batch_size": small})
    if added > 1:
        advice = Prescription("Step after every batch: optimizer.step() in the inner loop.")
    far = last >= begun * guess or forecast(values)[0] >= 0.1 * guess
    if last < left * guess or not falls(values) or not far:
        return None
    return Finding(
        problem="batch_too_large",
        severity="error" if last >= nothing * guess else "warning",
        confidence=0.8,
        since=1,
        summary=f"{what}: {count * len(values)} steps in {len(values)} epochs, and "
        f"the training loss is still at {last:.3g}, where guessing gives {guess:.3g}.",
        evidence={
            "steps_per_epoch": count,
            "steps": count * len(values),
            "update_of_one_step": ratio,
            "last_training_loss": last,
            "loss_of_guessing": guess,
            **curve(name, values),
        },
        prescriptions=(
            advice,
            changed(run, "Raise the rate.", {"learning_rate": 3 * recipe.learning_rate}),
        ),
    )
