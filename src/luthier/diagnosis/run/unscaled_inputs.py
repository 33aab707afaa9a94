"""Unscaled inputs, seen in training: large numbers, and a first epoch far worse than guessing."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, finite

ABOUT = About(
    symptom="The first loss is many times that of guessing; the network learns by heart, and "
    "validation stays bad.",
    evidence="Rows were seen to reach beyond 20, and the training loss of the first epoch is twice "
    "that of guessing or more: warning. Seen where rows are handed to Keras' `fit` as arrays, to a "
    "network that does not begin with a layer that scales.",
    cause="Bytes of pixels, or raw units.",
    remedy="Divide pixels by 255; standardise other numbers with the training part's mean and "
    "deviation.",
    reference="LeCun et al. 1998, Efficient BackProp, section 4.3",
)


def unscaled_inputs(run: Run, *, far: float = 20.0, worse: float = 2.0) -> Finding | None:
    """Find inputs whose scale throws the first epoch off.

    Args:
        run: One training whose rows were seen.
        far: How far inputs reach; standardised ones reach to 4, with heavy tails to 10.
        worse: First epoch's training loss over that of guessing.

    Returns:
        The finding, or None.

    >>> from luthier.core import Curves, Trace
    >>> facts = {"inputs_low": 0.0, "inputs_high": 255.0, "loss_of_guessing": 2.3}
    >>> unscaled_inputs(Run(Curves((9.0, 2.0)), trace=Trace(facts=facts))).severity
    'warning'
    """
    facts, values, guess = run.trace.facts, finite(run.curves.train_loss), chance(run)
    low, high = facts.get("inputs_low"), facts.get("inputs_high")
    if adversarial(run) or low is None or high is None or guess is None or not values:
        return None
    if max(abs(low), abs(high)) <= far or values[0] < worse * guess:
        return None
    pixels = low >= 0.0 and 128.0 <= high <= 255.0
    return Finding(
        problem="unscaled_inputs",
        severity="warning",
        confidence=0.9,
        since=1,
        summary=f"Inputs reach from {low:.3g} to {high:.3g}, and the training loss of the first "
        f"epoch is {values[0]:.3g}, where guessing gives {guess:.3g}.",
        evidence={
            "lowest": low,
            "highest": high,
            "loss_of_guessing": guess,
            **curve("train_loss", values),
        },
        prescriptions=(
            Prescription("Divide pixels by 255: x / 255, or a layer keras.layers.Rescaling(1/255).")
            if pixels
            else Prescription(
                "Standardise the inputs: (x - x_train.mean(0)) / x_train.std(0), with the training "
                "part's numbers for every part."
            ),
        ),
    )
