"""Underfitting: training has settled, far from the data, and validation is no worse."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, finite, training
from luthier.diagnosis.statistics import falls, forecast, level, tail

ABOUT = About(
    symptom="Training and validation loss settle together, and high.",
    evidence="The training loss has stopped falling above four tenths of guessing (seven tenths "
    "for numbers), above it the validation loss by a tenth at most. Always info: data that cannot "
    "be told apart look the same.",
    cause="A network that is too small or too held back; or inputs that do not say more.",
    remedy="A wider or deeper network settles it: if that fits no better, the data is the limit.",
    reference="Goodfellow, Bengio, Courville 2016, Deep Learning, section 5.2",
)


def underfitting(
    run: Run,
    *,
    high: float = 0.4,
    high_numbers: float = 0.7,
    gap: float = 1.1,
    settled: float = 0.02,
    epochs: int = 15,
) -> Finding | None:
    """Find a network that may be too small for its data.

    Args:
        run: Curves of one training, with its task.
        high: Last training loss, as a share of that of guessing, for classes.
        high_numbers: The same for numbers, most of whose variance is often noise.
        gap: Validation over training loss up to which nothing is learnt by heart.
        settled: Forecast fall, as a share of the loss of guessing, that is none.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.
    """
    name, values = training(run)
    val, guess = finite(run.curves.val_loss), chance(run)
    if adversarial(run) or guess is None or run.task is None:
        return None
    if min(len(values), len(val)) < epochs:
        return None
    last, checked = level(tail(values)), level(tail(val))
    floor = high if run.task.kind == "classification" else high_numbers
    if not floor * guess <= last < 0.97 * guess or checked > gap * last:
        return None
    if falls(values) and forecast(values)[0] > settled * guess:
        return None
    return Finding(
        problem="underfitting",
        severity="info",
        confidence=0.5,
        since=None,
        summary=f"The network may be too small: training loss {last:.3g} and validation loss "
        f"{checked:.3g} have settled, where guessing gives {guess:.3g}. A wider one would tell.",
        evidence={
            "last_training_loss": last,
            "last_val_loss": checked,
            "loss_of_guessing": guess,
            **curve(name, values),
            **curve("val_loss", val),
        },
        prescriptions=(
            Prescription("Widen or deepen the network, and see whether the training loss falls."),
            Prescription("If it does not, the inputs do not say more: look for better ones."),
        ),
    )
