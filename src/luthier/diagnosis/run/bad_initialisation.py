"""Bad initialisation: training begins far above guessing, with steps that are small beside it."""

from __future__ import annotations

import math
import statistics

from luthier.catalog import optimizers
from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, finite, training
from luthier.diagnosis.statistics import level, tail

ABOUT = About(
    symptom="The first epoch's loss is many times that of guessing, and it comes down slowly.",
    evidence="The first epoch's training loss is three times that of guessing or more and no later "
    "one is much higher, the rate lies within what is searched, steps of the first epochs change "
    "the weights by 1 % at most, and more than half of guessing's loss is left at the end. "
    "Warning; error where nothing was learnt; info where updates were not measured, or it is not "
    "known that inputs were scaled: those make large outputs too.",
    cause="Initial weights that are too large for the number of inputs: outputs are sure of "
    "themselves, and wrong.",
    remedy="The layers' own initialisation, or He's; normalisation layers forgive much.",
    reference="Glorot & Bengio 2010; He et al. 2015; an honest start guesses (Karpathy 2019, "
    "A Recipe for Training Neural Networks)",
)
FIRST = 3  # epochs whose steps are looked at


def bad_initialisation(
    run: Run,
    *,
    above: float = 3.0,
    later: float = 1.5,
    small: float = 0.01,
    left: float = 0.5,
    nothing: float = 0.95,
    epochs: int = 4,
) -> Finding | None:
    """Find initial weights whose size training has to undo first.

    Args:
        run: Curves of one training, with recipe and task.
        above: First training loss over that of guessing; usual initialisations begin below 1.5.
        later: Highest over first training loss, up to which it was high from the start.
        small: Relative update of the weights in one step: a rate that is too high makes larger
            ones.
        left: Share of the loss of guessing that is left at the end.
        nothing: Share of it above which nothing was learnt.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.
    """
    name, values = training(run)
    seen, guess, recipe = finite(run.curves.train_loss) or values, chance(run), run.recipe
    if adversarial(run) or guess is None or recipe is None or len(values) < epochs:
        return None
    last = level(tail(values))
    if min(seen[0], values[0]) < above * guess or last < left * guess:
        return None
    high = optimizers.by_name(recipe.optimizer).learning_rates.high
    if max(values) > later * values[0] or not 0.0 < recipe.learning_rate <= high:
        return None
    step = _first_step(run)
    if step is not None and step > small:
        return None
    severity = "error" if last >= nothing * guess else "warning"
    scaled = run.task is not None and recipe.preprocessing != "none"
    certain = step is not None and scaled
    return Finding(
        problem="bad_initialisation",
        severity=severity if certain else "info",  # type: ignore[arg-type]
        confidence=0.85 if certain else 0.5,
        since=1,
        summary=f"The first epoch's training loss is {seen[0]:.3g}, where guessing gives "
        f"{guess:.3g}: initial weights{'' if scaled else ' or inputs'} seem too large. It ends at "
        f"{last:.3g}.",
        evidence={
            "first": seen[0],
            "last": last,
            "loss_of_guessing": guess,
            "update_of_one_step": step,
            **curve(name, values),
        },
        prescriptions=(
            Prescription("Take the layers' own initialisation, or He's for ReLU."),
            Prescription("Put normalisation layers in; or look at the scale of the inputs."),
        ),
    )


def _first_step(run: Run) -> float | None:
    """Return by how much a step of the first epochs changes a weight tensor, in the middle."""
    series = [s[:FIRST] for key, s in run.curves.signals.items() if key.startswith("update_ratio/")]
    known = [one for values in series for one in values if math.isfinite(one)]
    return statistics.median(known) if known else None
