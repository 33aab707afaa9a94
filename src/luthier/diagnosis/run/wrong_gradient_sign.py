"""Wrong gradient sign: the loss is climbed instead of descended."""

from __future__ import annotations

import itertools
import re

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, finite, goal, training
from luthier.diagnosis.statistics import level, noise, sigmas, tail

ABOUT = About(
    symptom="The loss rises from the first epoch on, steadily, and the metric gets worse than "
    "that of guessing.",
    evidence="Nearly every epoch raises training and validation loss, the end is far above the "
    "start, and the metric that decides ends no better than it began. Error. What is called a "
    "reward falls from the first epochs on, beyond noise, is never above its start again, and ends "
    "at its lowest: warning.",
    cause="A loss that is maximised: a missing minus, a reward taken for a loss, an update that "
    "adds the gradient.",
    remedy="Change the sign: negate the loss, or subtract the gradient.",
    reference="TheDeepChecker (Ben Braiek & Khomh 2022) injects this fault; no rate climbs from "
    "the first epoch on without a jump",
)
_REWARD = re.compile(r"reward|(^|_)returns?($|_)|win_rate|success_rate", re.IGNORECASE)
NEAR = 0.05  # a metric that ends within a twentieth of where it began has not got better


def wrong_gradient_sign(
    run: Run, *, rising: float = 0.9, factor: float = 1.5, epochs: int = 4
) -> Finding | None:
    """Find a training that climbs its loss.

    Args:
        run: Curves of one training.
        rising: Share of epochs at which both losses rise.
        factor: Last over first training loss.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.

    >>> from luthier.core import Curves
    >>> up = (2.5, 4.0, 7.0, 12.0, 20.0, 33.0)
    >>> climbs = Curves(up, val_loss=up, metrics={"val_acc": (0.1, 0.05, 0.0, 0.0, 0.0, 0.0)})
    >>> wrong_gradient_sign(Run(climbs)).severity
    'error'
    >>> poorer = Curves(metrics={"reward": (20.0, 21.0, 17.0, 14.0, 11.0) + (9.0, 9.5) * 8})
    >>> wrong_gradient_sign(Run(poorer)).severity
    'warning'
    """
    rewarded = next((n for n in run.curves.metrics if _REWARD.search(n)), None)
    if rewarded is not None:
        return _unrewarded(rewarded, finite(run.curves.metrics[rewarded]))
    name, values = training(run)
    val, decides, guess = finite(run.curves.val_loss), goal(run), chance(run)
    if adversarial(run) or decides is None or min(len(values), len(val)) < epochs:
        return None
    if min(values[0], val[0]) <= 0.0 or values[-1] < factor * values[0]:
        return None
    if min(_rising(values), _rising(val)) < rising or decides.name == "val_loss":
        return None
    spread = max(noise(decides.values), NEAR * abs(decides.values[0]))
    better = level(tail(decides.values)) < decides.values[0] - spread
    learnt = guess is not None and values[0] < 0.9 * guess  # then it had been going down before
    if better or learnt:
        return None
    return Finding(
        problem="wrong_gradient_sign",
        severity="error",
        confidence=0.85,
        since=1,
        summary=f"The loss is climbed: it rose nearly every epoch, from {values[0]:.3g} to "
        f"{values[-1]:.3g}, and {decides.name} got no better.",
        evidence={
            "first": values[0],
            "last": values[-1],
            "share_of_rising_epochs": _rising(values),
            **curve(name, values),
            **curve(decides.name, [decides.sign * one for one in decides.values]),
        },
        prescriptions=(
            Prescription("Check the sign of the loss and of the update."),
            Prescription("If a reward is to be raised, minimise its negative."),
        ),
    )


def _unrewarded(
    name: str, values: list[float], *, epochs: int = 12, first: int = 3, around: int = 5
) -> Finding | None:
    """Find a reward that training brings down: of losses of agents nothing can be told."""
    if len(values) < epochs:
        return None
    start, end = level(values[:first]), level(tail(values))
    # Where a reward has come to its lowest nothing varies any more.
    spread = max(noise(values), noise(values[: max(len(values) // 4, first)]), NEAR * abs(start))
    windows = [values[i : i + around] for i in range(len(values) - around + 1)]
    best, worst = (pick(map(level, windows)) for pick in (max, min))
    fell = end < start - sigmas() * spread
    if not fell or best > start + spread or end > worst + spread:
        return None
    return Finding(
        problem="wrong_gradient_sign",
        severity="warning",
        confidence=0.85,
        since=1,
        summary=f"Training brings the {name} down: from {start:.3g} in the first epochs to "
        f"{end:.3g}, and it was never higher.",
        evidence={"first": start, "last": end, "noise": spread, **curve(name, values)},
        prescriptions=(
            Prescription(
                "Look for a missing minus: what is to be raised enters the loss with one, as in "
                "-(log_prob * advantage).mean()."
            ),
            Prescription(
                "Try a tenth of the learning rate: too long a step ruins an agent, and it never "
                "comes back."
            ),
        ),
    )


def _rising(values: list[float]) -> float:
    pairs = list(itertools.pairwise(values))
    return sum(b > a for a, b in pairs) / len(pairs)
