"""Double softmax: cross-entropy gets shares instead of logits, and cannot fall below a floor."""

from __future__ import annotations

import math

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import accuracy, adversarial, chance, curve, finite, training
from luthier.diagnosis.statistics import forecast, level, tail

ABOUT = About(
    symptom="Accuracy is high, and the loss stands still far above zero.",
    evidence="Neither loss ever falls below log(1 + (K - 1) / e), the lowest that outputs between "
    "0 and 1 can reach as logits of K classes; the training loss stands still near it; and the "
    "accuracy is so high that an honest loss would be three fifths of it at most. Warning. Silent "
    "under label smoothing, and where the number of classes is not known.",
    cause="A softmax or sigmoid before a loss that applies its own.",
    remedy="Take the softmax out, and give the loss the raw outputs.",
    reference="Bridle 1990 for the softmax; the floor follows from one output of 1 and the others "
    "of 0",
)


def double_softmax(
    run: Run, *, near: float = 0.15, part: float = 0.6, epochs: int = 8
) -> Finding | None:
    """Find a loss that stands on the floor of a softmax that is applied twice.

    Args:
        run: Curves of one training, with its task and an accuracy.
        near: How far above the floor the training loss may end, as a share of it.
        part: Share of the floor below which an honest loss would lie at that accuracy.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.

    >>> from luthier.core import Curves, Task
    >>> task = Task("classification", "accuracy", "maximize", (4,), 10)
    >>> stuck = (2.0, 1.7, 1.55, 1.5, 1.49, 1.48, 1.48, 1.48)
    >>> right = {"accuracy": (0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.98, 0.98)}
    >>> double_softmax(Run(Curves(stuck, val_loss=stuck, metrics=right), task=task)).severity
    'warning'
    """
    name, values = training(run)
    val, guess, recipe = finite(run.curves.val_loss), chance(run), run.recipe
    right = accuracy(run)
    smoothed = recipe is not None and (recipe.label_smoothing > 0.0 or bool(recipe.mixup))
    if adversarial(run) or guess is None or not right or smoothed:
        return None
    if run.task is not None and run.task.kind != "classification":
        return None
    floor = math.log(1.0 + (math.exp(guess) - 1.0) / math.e)
    if min(len(values), len(val)) < epochs or min([*values, *val]) < floor * (1.0 - 1e-3):
        return None
    last, wrong = level(tail(values)), 1.0 - level(tail(right))
    # Wrong rows at the loss of guessing, and right ones sure of it: about what accuracy allows.
    honest = wrong * guess + _entropy(wrong)
    if last > (1.0 + near) * floor or honest > part * floor or forecast(values)[0] > near * floor:
        return None
    return Finding(
        problem="double_softmax",
        severity="warning",
        confidence=0.9,
        since=1,
        summary=f"Softmax, or a sigmoid, seems to be applied twice: {1.0 - wrong:.0%} are right, "
        f"and the training loss stands at {last:.3g}; with outputs between 0 and 1 as logits it "
        f"cannot fall below {floor:.3g}.",
        evidence={
            "accuracy": 1.0 - wrong,
            "last_training_loss": last,
            "lowest_possible": floor,
            "honest_loss_at_that_accuracy": honest,
            **curve(name, values),
        },
        prescriptions=(
            Prescription("Take the last softmax or sigmoid out: the loss applies its own."),
        ),
    )


def _entropy(share: float) -> float:
    """Return the entropy of being wrong that often, in nats."""
    return -sum(p * math.log(p) for p in (share, 1.0 - share) if p > 0.0)
