"""Unshuffled data: every epoch goes through sorted rows in the same order."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.traces import left
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="The loss is low within an epoch and validation poor: what was learnt of one class is "
    "forgotten while the next one is shown.",
    evidence="Every epoch began with the same batches, two comparisons at least. Warning where "
    "two rows of a batch also share their label far more often than any two rows do: half of the "
    "way to always; error where nothing was learnt. Info where labels were not seen; silent where "
    "they are mixed.",
    cause="Data sorted by label, and a loader that does not shuffle.",
    remedy="`DataLoader(..., shuffle=True)`, or a new permutation of the rows each epoch.",
    reference="Bottou 2012, Stochastic Gradient Descent Tricks, section 4.1: randomly shuffle the "
    "examples",
)


def unshuffled_data(
    run: Run,
    *,
    epochs: int = 2,
    sorted_by: float = 0.5,
    chance: float = 0.1,
    nothing: float = 0.95,
) -> Finding | None:
    """Find a training that goes through its rows in one order.

    Args:
        run: One training that was watched.
        epochs: How many comparisons of an epoch with the one before there must be.
        sorted_by: How far batches are sorted by label: 0 for random ones, 1 for one label each.
        chance: What of that is chance: an order that is the same and random does no harm.
        nothing: Share of the loss of guessing above which nothing was learnt.

    Returns:
        The finding, or None.
    """
    compared = run.trace.counts.get("orders_compared", 0)
    if compared < epochs or run.trace.counts.get("orders_repeated", 0) < compared:
        return None
    any_two = run.trace.facts.get("label_agreement")
    within = run.trace.facts.get("label_agreement_within_batches")
    excess = None
    if any_two is not None and within is not None and any_two < 1.0:
        excess = (within - any_two) / (1.0 - any_two)
    if excess is not None and excess < chance:
        return None
    certain = excess is not None and excess >= sorted_by
    text = f"Rows are not shuffled: {compared + 1} epochs began with the same batches"
    if certain:
        text += (
            f", and these are sorted by label: two rows of a batch share it with {within:.0%}, "
            f"any two rows with {any_two:.0%}"
        )
    elif excess is None:
        text += "; whether they are sorted by label was not seen, and the labels would tell"
    return Finding(
        problem="unshuffled_data",
        severity="info" if not certain else "error" if (left(run) or 0.0) >= nothing else "warning",
        confidence=0.95 if certain else 0.5,
        since=1,
        summary=f"{text}.",
        evidence={
            "epochs_compared": compared,
            "label_shared_within_batches": within,
            "label_shared_by_any_two": any_two,
        },
        prescriptions=(Prescription(words(run, "shuffle")),),
    )
