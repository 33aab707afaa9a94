"""Wrong loss: the loss is of another kind than the targets."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup, Severity
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import helps, learnt, measured, nothing_learnt, told
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="The loss falls below zero, or falls while predictions get worse; or a classifier "
    "learns far more slowly than it could.",
    evidence="Constant outputs have a lower loss than perfect ones; a cross-entropy gets numbers "
    "that are no shares; one gets class numbers of another type than it takes: error. One for a "
    "single class gets rows of which several are true: warning. Squared "
    "error on the shares of three classes or more, and a copy trained with cross-entropy brings "
    "that very error down clearly further; rows that are added up, and a copy that takes their "
    "mean learns clearly more: warning. Targets that are whole numbers from 0 or 1 on, one output "
    "for them, and a copy with an output each and cross-entropy that learns most of what there is "
    "where this loss leaves clearly more: warning. Else squared error on classes is info.",
    cause="A loss taken from another task; reduction='sum' with a rate meant for the mean.",
    remedy="CrossEntropyLoss for one class of several, BCEWithLogitsLoss for yes or no, MSELoss "
    "for numbers; the mean over rows.",
    reference="Golik et al. 2013, Cross-entropy vs. squared error training; perfect outputs must "
    "have the lowest loss of a proper one",
)
_NUMBERS = ("mse", "l1", "huber", "difference")


def wrong_loss(setup: Setup, *, classes: int = 3, most: float = 0.6) -> Finding | None:
    """Find a loss that does not fit the targets.

    Args:
        setup: A training before its first step.
        classes: With fewer, squared error and cross-entropy lead to much the same.
        most: Share of all there is that a copy has to learn of numbers as classes: what depends
            on amounts, such as a count with its noise, is not learnt so far.

    Returns:
        The finding, or None.

    >>> from luthier.core import LossFacts
    >>> wrong_loss(Setup(loss=LossFacts(guess=0.0, truth=0.4, endless=True))).severity
    'error'
    """
    output, loss, data = setup.output, setup.loss, setup.data
    if loss.endless:
        return _finding(
            setup,
            "error",
            f"Outputs that are the same for every row have a loss of {loss.guess or 0.0:.3g}, and "
            f"perfect ones {loss.truth or 0.0:.3g}: this loss does not measure the targets.",
            f"For numbers take {words(setup, 'mse')}.",
        )
    continuous = output.target_type == "numbers" and data.rows > 0 and not data.classes
    if continuous and loss.kind == "cross_entropy" and output.shape == output.target_shape:
        outside = data.target_low < 0.0 or data.target_high > 1.0
        if outside:
            return _finding(
                setup,
                "error",
                f"Cross-entropy takes shares or classes, and targets reach from "
                f"{data.target_low:.3g} to {data.target_high:.3g}.",
                f"For numbers take {words(setup, 'mse')}.",
            )
    single = loss.kind in ("cross_entropy", "shares") and output.shape == output.target_shape
    if single and output.tags:
        return _finding(
            setup,
            "warning",
            f"Several of {output.shape[1]} things are true of a row at once, and this loss takes "
            "them for one class: its shares add up to one, whatever is true.",
            f"Take {words(setup, 'binary_logits')}: a yes or no for each.",
        )
    if any(one in loss.error for one in ("dtype", "scalar type")):
        return _finding(
            setup,
            "error",
            f"The loss does not take targets of this type: {loss.error[:160]}.",
            words(setup, "class_targets"),
        )
    if loss.sums and helps(setup, "mean_loss"):
        return _finding(
            setup,
            "error" if nothing_learnt(setup) else "warning",
            "The loss adds rows up: its gradient grows with the batch. A copy that takes their "
            f"mean reached {told(setup, 'mean_loss')}; as it is {setup.fits['own'].last:.3g}.",
            words(setup, "mean_rows"),
        )
    named = learnt(setup, "as_classes")
    if named is not None and named >= most and helps(setup, "as_classes", "adam"):
        return _finding(
            setup,
            "warning",
            f"Targets are the whole numbers from {data.target_low:.0f} to {data.target_high:.0f}. "
            f"As classes, an output each, a copy learnt {named:.0%} of what there is to know; as "
            f"amounts {max(learnt(setup, 'adam') or 0.0, 0.0):.0%}.",
            f"If they are names and no amounts, end with one unit each and take "
            f"{words(setup, 'cross_entropy')}.",
        )
    several = len(data.classes) >= classes
    if several and output.target_type == "shares" and loss.kind in _NUMBERS:
        proven = helps(setup, "cross_entropy")
        return _finding(
            setup,
            "warning" if proven else "info",
            f"{len(data.classes)} classes are learnt with {loss.kind}."
            + (
                f" A copy trained with cross-entropy reached {told(setup, 'cross_entropy')}, in "
                f"that very loss; as it is {setup.fits['own'].last:.3g}."
                if proven
                else " Cross-entropy often learns them faster."
            ),
            f"Take {words(setup, 'cross_entropy')}.",
        )
    return None


def _finding(setup: Setup, severity: Severity, summary: str, advice: str) -> Finding:
    loss = setup.loss
    return Finding(
        problem="wrong_loss",
        severity=severity,
        confidence=0.4 if severity == "info" else 0.9,
        summary=summary,
        evidence={
            "loss": loss.kind,
            "initial": loss.initial,
            "guessing": loss.guess,
            "of_perfect_outputs": loss.truth,
            **measured(setup, "own", "adam", "mean_loss", "cross_entropy", "as_classes"),
        },
        prescriptions=(Prescription(advice),),
    )
