"""Not learning: the loss is that of guessing, from the first epoch to the last."""

from __future__ import annotations

import math

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import (
    accuracy,
    adversarial,
    chance,
    curve,
    finite,
    goal,
    training,
)
from luthier.diagnosis.prescribe import faster, slower
from luthier.diagnosis.statistics import falls, level, lowest, noise, sigmas, tail

ABOUT = About(
    symptom="The loss stays where it began, and the metric at that of guessing.",
    evidence="Error where training and validation loss both end no better than guessing (known "
    "from the task, or seen: the loss is log K where the accuracy is 1/K), or validation stands "
    "still beside such a training loss. Warning where that gained 7 % at most, or where neither "
    "loss nor metric ever improved beyond noise and the metric is one constant. Else info, also "
    "where validation explained 3 % of the variance at its best.",
    cause="A rate that is far too high or too low, dead units, a penalty that leaves no weights, "
    "inputs or targets that are out of step, or parameters that the optimizer does not have.",
    remedy="Let the network learn one batch by heart; then look at rate, inputs and targets.",
    reference="Karpathy 2019, A Recipe for Training Neural Networks: loss at initialisation",
)


def not_learning(
    run: Run,
    *,
    no_better: float = 0.97,
    hardly: float = 0.93,
    flat: float = 0.05,
    near: float = 0.05,
    some: float = 0.03,
    epochs: int = 5,
) -> Finding | None:
    """Find a training that has learnt nothing at all.

    Args:
        run: Curves of one training.
        no_better: Share of the loss of guessing that counts as guessing.
        hardly: Share of it above which hardly anything was learnt.
        flat: Change of the validation loss within the second half, as a share of it, that is none.
        near: How near the accuracy must come to the one that the loss stands for.
        some: Share of the variance that validation explained at its best, for numbers: of data
            that are mostly noise no more can be learnt.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.

    >>> from luthier.core import Curves
    >>> flat = (2.303, 2.302, 2.304, 2.303, 2.302, 2.303, 2.302, 2.303)
    >>> stuck = Curves(flat, val_loss=flat, metrics={"val_accuracy": (0.1,) * 8})
    >>> not_learning(Run(stuck)).severity
    'error'
    """
    name, values = training(run)
    val = finite(run.curves.val_loss)
    if adversarial(run) or len(values) < epochs:
        return None
    last, guess = level(tail(values)), chance(run) or _seen_guess(run, near)
    checked = level(tail(val)) if len(val) >= epochs else None
    fell = values[0] - last > sigmas() * noise(values)
    if guess is not None:
        worst = min(values[-1], last) / guess
        if worst < hardly:
            return None
        # Validation rows may be easier to guess than those of training, and then lie below it.
        still = name == "train_loss_eval" and _still(val, flat * guess)
        certain = checked is not None and (checked >= hardly * guess or still)
        severity, sure = ("error", 0.95) if worst >= no_better else ("warning", 0.8)
        certain = certain and not _explains(run, some)
        severity, sure = (severity, sure) if certain else ("info", 0.6)
        if severity == "info" and worst < no_better:
            return None
    else:
        if fell or not val or val[0] - min(val) > sigmas(len(val)) * noise(val):
            return None
        severity, sure = ("warning", 0.7) if _constant(run) else ("info", 0.4)
        if severity == "info" and len(values) < 2 * epochs:
            return None
    what = "Hardly anything" if severity == "warning" and guess is not None else "Nothing"
    against = "its start" if guess is None else f"{guess:.3g} for guessing"
    return Finding(
        problem="not_learning",
        severity=severity,  # type: ignore[arg-type]
        confidence=sure,
        since=1,
        summary=f"{what} was learnt: after {len(values)} epochs the training loss is {last:.3g}, "
        f"against {against}" + (f" ({values[0]:.3g})." if guess is None else "."),
        evidence={
            "first": values[0],
            "last": last,
            "loss_of_guessing": guess,
            "last_val_loss": checked,
            **curve(name, values),
        },
        prescriptions=(
            *_rate(run, values, guess),
            Prescription("Train on one batch alone: a network that cannot learn it is broken."),
            Prescription("Look at a few inputs with their targets, as the network gets them."),
        ),
    )


def _rate(run: Run, values: list[float], guess: float | None) -> tuple[Prescription, ...]:
    """Advise on the rate: what the curve says about its side, if it says anything."""
    first = max(values[:1] + finite(run.curves.train_loss)[:1])
    if guess is not None and first > 2.0 * guess:
        return (
            slower(
                run,
                f"Lower the learning rate tenfold, and scale the inputs: the loss of {first:.3g} "
                "in the first epoch is what steps or inputs that are too large give.",
            ),
        )
    if falls(values):
        return (faster(run, "Raise the learning rate tenfold: the loss does fall, and slowly."),)
    return (Prescription("Try learning rates ten times higher and ten times lower."),)


def _seen_guess(run: Run, near: float) -> float | None:
    """Return log K if validation shows it: the loss of guessing beside the accuracy of guessing.

    An accuracy of exp(-loss) is what a uniform guess gives, and hardly ever what learning gives.
    """
    right, val = accuracy(run), finite(run.curves.val_loss)
    if not right or not val:
        return None
    share, loss = level(tail(right)), level(tail(val))
    classes = round(math.exp(min(loss, 20.0)))
    if classes < 2 or abs(loss - math.log(classes)) > near * math.log(classes) / 2:
        return None
    return math.log(classes) if abs(share * classes - 1.0) <= 4 * near else None


def _still(val: list[float], width: float) -> bool:
    """Tell whether the second half of the validation loss brought nothing, whatever its noise."""
    end = val[len(val) // 2 :]
    middle = len(end) // 2
    return len(end) >= 4 and abs(level(end[:middle]) - level(end[middle:])) <= width


def _explains(run: Run, some: float) -> bool:
    """Tell whether a part of the variance of validation targets was explained, beyond noise."""
    values = finite(run.curves.metrics.get("r2", ()))
    if len(values) < 3:
        return False
    best, level_there = lowest([-one for one in values])
    return -level_there > max(some, noise(values[best:]))


def _constant(run: Run) -> bool:
    """Tell whether the metric is one number throughout, and not the best there is."""
    decides = goal(run)
    if decides is None or decides.name == "val_loss" or len(decides.values) < 2:
        return False
    return len(set(decides.values)) == 1 and abs(decides.values[0]) < 1.0
