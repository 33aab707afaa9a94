"""Diverging: the training loss turns and climbs."""

from __future__ import annotations

from luthier.core import Finding, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, finite, training
from luthier.diagnosis.prescribe import changed, slower
from luthier.diagnosis.statistics import TINY, level, lowest, noise, sigmas, tail

ABOUT = About(
    symptom="The training loss falls, then climbs and does not come back.",
    evidence="The last epochs all lie above the best training loss, by more than noise and by "
    "half of all that was gained or more, a twentieth of guessing's loss at least; validation "
    "climbed too. Error where it ends above where "
    "it began or guessing, else warning; info without validation.",
    cause="Steps that overshoot, a moment estimate that explodes, or data that changed.",
    remedy="Lower the rate, warm it up, clip gradients.",
    reference="Godbole et al. 2023, Deep Learning Tuning Playbook: training instability",
)


def diverging(
    run: Run, *, share: float = 0.5, least: float = 0.05, patience: int = 3, epochs: int = 6
) -> Finding | None:
    """Find a training loss that climbed for good.

    Args:
        run: Curves of one training.
        share: Rise over the best, as a share of all that was gained until then.
        least: The same rise as a share of the loss of guessing, where that is known: who has
            gained nothing loses nothing.
        patience: How many last epochs must lie above the best one.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.

    >>> from luthier.core import Curves
    >>> climbs = (2.0, 1.5, 1.2, 1.1, 2.5, 4.0, 5.0, 7.0)
    >>> diverging(Run(Curves(train_loss=climbs, val_loss=climbs))).severity
    'error'
    """
    name, values = training(run)
    val, guess = finite(run.curves.val_loss), chance(run)
    if adversarial(run) or len(values) < epochs:
        return None
    rise, best = _rise(values, share, patience)
    if rise is None or (guess is not None and rise < least * guess):
        return None
    last = level(tail(values, least=patience))
    seen_too = len(val) >= epochs and _rise(val, share, patience)[0] is not None
    worthless = last > max(values[0], guess or 0.0)
    return Finding(
        problem="diverging",
        severity="info" if not seen_too else "error" if worthless else "warning",
        confidence=0.9 if seen_too else 0.5,
        since=best + 2,
        summary=f"Training diverges after epoch {best + 1}: training loss {values[best]:.3g} → "
        f"{last:.3g}" + (f", validation loss {min(val):.3g} → {val[-1]:.3g}." if val else "."),
        evidence={
            "best_epoch": best + 1,
            "best": values[best],
            "last": last,
            "first": values[0],
            **curve(name, values),
            **curve("val_loss", val),
        },
        prescriptions=(
            slower(run, "Lower the learning rate.", by=3.0),
            changed(run, "Clip gradients.", {"clip_norm": 1.0}),
        ),
    )


def _rise(values: list[float], share: float, patience: int) -> tuple[float | None, int]:
    """Return how far the end lies above the best, and where the best is; None if within noise."""
    best, bottom = lowest(values)
    end = tail(values, least=patience)
    if len(values) - best <= len(end):
        return None, best
    gained = max(values[0] - bottom, 0.0)
    rise = level(end) - bottom
    spread = noise(values[: best + len(end)])
    enough = rise > max(share * gained, sigmas(len(values)) * spread, TINY * abs(bottom))
    above = min(end) > bottom + share * rise
    # Without a gain there is nothing that the rise could be measured in but the loss itself.
    return (rise if enough and above and (gained > 0.0 or rise > abs(bottom)) else None), best
