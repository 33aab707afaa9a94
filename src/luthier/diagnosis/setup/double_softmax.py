"""Double softmax: outputs are turned into shares twice."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import helps, measured
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="Accuracy rises, and the loss stays far above zero, whatever the network learns.",
    evidence="The outputs come from a softmax (or sigmoid), the loss applies one itself, and the "
    "lowest loss that such outputs can have is far above that of right answers: warning. Error "
    "where a copy without it learns clearly more. The same where a loss written by hand applies "
    "one before a loss of logits: warning. log_softmax before cross-entropy changes "
    "nothing: info.",
    cause="The loss takes logits, and the network ends with a softmax.",
    remedy="Leave the last activation out; apply it where shares are wanted.",
    reference="documentation of torch.nn.CrossEntropyLoss: it takes unnormalised logits; for K "
    "classes shares cannot bring it below log(1 + (K - 1) / e)",
)
_TWICE = {("softmax", "cross_entropy"), ("sigmoid", "bce_logits")}


def double_softmax(setup: Setup, *, lost: float = 0.1) -> Finding | None:
    """Find a softmax before a loss that has its own.

    Args:
        setup: A training before its first step.
        lost: Share of all there is to learn that stays out of reach.

    Returns:
        The finding, or None.

    >>> from luthier.core import LossFacts, OutputFacts
    >>> loss = LossFacts("cross_entropy", 2.3, guess=2.3, floor=0.0, reachable=1.46)
    >>> double_softmax(Setup(output=OutputFacts("softmax", (9, 10)), loss=loss)).severity
    'warning'
    """
    output, loss = setup.output, setup.loss
    # What a loss of its own is not known by has its first value for that of guessing.
    guess = loss.initial if loss.guess is None else loss.guess
    if loss.doubled and loss.reachable is not None and guess and loss.reachable > lost * guess:
        said = (
            f"The loss applies {loss.doubled} to the outputs, and then takes them for logits: it "
            f"cannot fall below {loss.reachable:.3g}, and began at {loss.initial or 0.0:.3g}."
        )
        values = {"lowest_loss": loss.reachable, "first_loss": loss.initial}
        return _finding(setup, "warning", said, values)
    units = output.shape[1] if len(output.shape) > 1 else 1
    if (output.op, loss.kind) == ("log_softmax", "cross_entropy") and units > 1:
        said = "log_softmax stands before a loss that applies it again: that changes nothing."
        return _finding(setup, "info", said, {"units": units})
    if (output.op, loss.kind) not in _TWICE or (output.op == "softmax" and units < 2):
        return None
    if loss.reachable is None or loss.guess is None or loss.floor is None:
        return None
    share = (loss.reachable - loss.floor) / max(loss.guess - loss.floor, 1e-12)
    if share < lost:
        return None
    base = "adam" if "adam" in setup.fits else None
    proven = helps(setup, "no_output_activation", base)
    return _finding(
        setup,
        "error" if proven else "warning",
        f"The outputs are made by {output.op}, and the loss applies it again: it cannot fall below "
        f"{loss.reachable:.3g} (guessing gives {loss.guess:.3g}).",
        {
            "lowest_loss": loss.reachable,
            "guessing": loss.guess,
            **measured(setup, "adam", "no_output_activation"),
        },
    )


def _finding(
    setup: Setup, severity: str, summary: str, evidence: dict[str, float | None]
) -> Finding:
    return Finding(
        problem="double_softmax",
        severity=severity,  # type: ignore[arg-type]
        confidence=1.0 if severity != "info" else 0.6,
        summary=summary,
        evidence=evidence,
        prescriptions=(
            Prescription(
                f"Remove {setup.loss.doubled} before the loss: it takes logits."
                if setup.loss.doubled
                else "Remove the last activation: this loss takes logits."
            ),
            Prescription(words(setup, "shares_loss")),
        ),
    )
