"""Oscillating: the loss jumps up and down and does not settle."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import (
    adversarial,
    chance,
    curve,
    finite,
    keeps_best,
    scale,
    training,
)
from luthier.diagnosis.prescribe import changed, slower
from luthier.diagnosis.statistics import agreement, noise, tail, turns

ABOUT = About(
    symptom="The loss goes up and down from one epoch to the next, until the end.",
    evidence="In the second half, epochs differ by 8 % of what there is to learn, every third "
    "or so turns the direction, and validation jumps along with training, or both by half of "
    "guessing: it is the weights that jump. Warning; info without validation, where the task is "
    "not known, or where the best epoch's weights are kept and are good: of eight such trainings "
    "that were calmed one got better.",
    cause="A rate that is too high for the end of training, a batch that is too small, or too "
    "much momentum.",
    remedy="Let the rate fall towards the end, lower it, or take larger batches.",
    reference="Bottou, Curtis, Nocedal 2018, section 4.2: a constant rate ends in a noise ball; "
    "chosen without each data set in turn (benchmarks/diagnosis)",
)


def oscillating(
    run: Run,
    *,
    share: float = 0.08,
    often: float = 0.35,
    together: float = 0.6,
    violent: float = 0.5,
    bad: float = 0.5,
    epochs: int = 12,
) -> Finding | None:
    """Find a training whose weights jump around to the end.

    Args:
        run: Curves of one training.
        share: Difference from one epoch to the next, as a share of what there is to learn.
        often: Share of epochs at which the direction turns; noise turns at two of three.
        together: Correlation of the jumps in training and validation.
        violent: Jump of both losses, as a share of that of guessing, which no evaluation makes.
        bad: Share of the loss of guessing above which the best epoch is no good, so that keeping
            it does not help.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.
    """
    name, values = training(run)
    val, size = finite(run.curves.val_loss), scale(run)
    if adversarial(run) or size is None or len(values) < epochs:
        return None
    end = tail(values, 0.5)
    jump = noise(end)
    if jump < share * size or turns(end) < often:
        return None
    match = agreement(end, tail(val, 0.5)) if len(val) == len(values) else None
    guess = chance(run)
    wild = guess is not None and min(jump, noise(tail(val, 0.5))) >= violent * guess
    costs = guess is None or not keeps_best(run) or min(values) >= bad * guess
    jumps = guess is not None and ((match is not None and match >= together) or wild)
    certain = jumps and costs
    since = len(values) - len(end) + 1
    return Finding(
        problem="oscillating",
        severity="warning" if certain else "info",
        confidence=0.85 if certain else 0.5,
        since=since,
        summary=f"The loss oscillates: in the second half it jumps by {jump:.2g} from one epoch "
        f"to the next, between {min(end):.3g} and {max(end):.3g}."
        + (" The best epoch's weights are kept, so it costs time alone." if not costs else ""),
        evidence={
            "jump": jump,
            "what_there_is_to_learn": size,
            "turns": turns(end),
            "correlation_with_validation": match,
            **curve(name, values),
            **curve("val_loss", val),
        },
        prescriptions=(
            *_falling(run),
            slower(run, "Lower the learning rate throughout.", by=3.0),
            _larger(run),
        ),
    )


def _falling(run: Run) -> tuple[Prescription, ...]:
    """Advise a schedule, where none is known to be there."""
    if run.recipe is not None and run.recipe.schedule != "constant":
        return ()
    return (changed(run, "Let the rate fall towards the end.", {"schedule": "cosine"}),)


def _larger(run: Run) -> Prescription:
    size = None if run.recipe is None else run.recipe.batch_size
    settings = {"batch_size": 4 * size} if isinstance(size, int) else {}
    return changed(run, "Take larger batches.", settings)
