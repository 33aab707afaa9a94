"""Wrong metric: what is printed beside the loss does not measure these outputs."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="The loss falls and the accuracy stands still, at 0 or at the share of one class.",
    evidence="A metric whose best value is 1 is computed for outputs that get every row right, "
    "sure of it but not wholly (shares between 0.55 and 0.95, logits between 0.1 and 0.4), or, for "
    "numbers, for the targets themselves. It is below 0.99: warning. Only Keras is told of "
    "metrics.",
    cause="Accuracy of numbers; a threshold of 0.5 on logits; classes compared as one-hot rows, or "
    "the other way; one class of several where several are true at once.",
    remedy="The metric that fits outputs and targets; a threshold of 0 for logits.",
    reference="Keras' documentation of metrics: BinaryAccuracy and Precision compare outputs with "
    "thresholds of 0.5, Accuracy counts equal values",
)


def wrong_metric(setup: Setup, *, right: float = 0.99) -> Finding | None:
    """Find a metric that outputs which are right do not satisfy.

    Args:
        setup: A training before its first step.
        right: Value that such outputs must reach, of at most 1.

    Returns:
        The finding, or None.

    >>> from luthier.core import LossFacts, MetricFacts
    >>> accuracy = MetricFacts("accuracy", "BinaryAccuracy", 0.48)
    >>> found = wrong_metric(Setup(loss=LossFacts("bce_logits"), metrics=(accuracy,)))
    >>> found.summary
    'accuracy (BinaryAccuracy) is 0.48 of outputs that get every row right.'
    """
    poor = [one for one in setup.metrics if one.perfect < right]
    if not poor:
        return None
    worst = min(poor, key=lambda one: one.perfect)
    names = " and ".join(
        f"{one.name} ({one.kind})" if one.name != one.kind else one.name for one in poor
    )
    return Finding(
        problem="wrong_metric",
        severity="warning",
        confidence=0.95,
        summary=f"{names} {'is' if len(poor) == 1 else 'are'} "
        + " and ".join(f"{one.perfect:.2g}" for one in poor)
        + " of outputs that get every row right.",
        evidence={one.name: one.perfect for one in poor},
        prescriptions=(Prescription(_advice(setup, worst.kind)),),
    )


def _advice(setup: Setup, kind: str) -> str:
    output, numeric = setup.output, not setup.data.classes
    if setup.loss.kind == "bce_logits" or (output.tags and setup.loss.kind == "cross_entropy"):
        threshold = "thresholds" if kind in ("Precision", "Recall") else "threshold"
        name = kind if kind in ("Precision", "Recall", "F1Score") else "BinaryAccuracy"
        return f"Take keras.metrics.{name}({threshold}=0.0): outputs are logits."
    if output.tags:
        return "Take keras.metrics.BinaryAccuracy(): several are true of a row at once."
    if numeric and output.target_type == "numbers":
        return 'For numbers take metrics=["mae"], or keras.metrics.RootMeanSquaredError().'
    return 'Take metrics=["accuracy"], by name: Keras then finds the one that fits the targets.'
