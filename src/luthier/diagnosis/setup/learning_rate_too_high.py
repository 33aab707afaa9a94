"""Learning rate too high, before training: a copy learns clearly more with a lower one."""

from __future__ import annotations

import math

from luthier.catalog import optimizers
from luthier.core import Finding, Setup, Severity
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import CLEAR, gain, helps, learnt, measured, nothing_learnt, told
from luthier.diagnosis.prescribe import rate

ABOUT = About(
    symptom="The loss jumps up with the first steps.",
    evidence="A copy trained with a tenth, a hundredth or a thousandth of the rate learns clearly "
    "more in as many steps; or, above the range that is worth searching, it leaves a third of the "
    "loss; and three times as many steps at the rate itself do not make up for that: "
    "warning, error where nothing is learnt at this rate; info where there was no time to see.",
    cause="Steps longer than the loss is smooth for.",
    remedy="The rate at which the copy learnt most.",
    reference="LeCun et al. 1998, Efficient BackProp, section 5",
)
_SLOWER = {"slower_10": 10.0, "slower_100": 100.0, "slower_1000": 1000.0}


def learning_rate_too_high(setup: Setup, *, part: float = 1 / 3) -> Finding | None:
    """Find a rate below which more is learnt.

    Args:
        setup: A training before its first step.
        part: Of the loss above its lowest, what a slower copy may leave, where the rate is above
            all that are worth searching.

    Returns:
        The finding, or None.
    """
    tried = {name: share for name in _SLOWER if (share := learnt(setup, name)) is not None}
    own = learnt(setup, "own")
    if not tried or own is None or not setup.optimizer.learning_rates:
        return None
    best = max(tried, key=tried.__getitem__)
    known = [one for one in optimizers.ALL if one.name == setup.optimizer.kind]
    above = bool(known) and max(setup.optimizer.learning_rates) > known[0].learning_rates.high
    left = above and tried[best] > 0.5 and 1 - tried[best] <= part * (1 - own)
    longer = learnt(setup, "own_longer")
    late = own if longer is None else longer
    left = left and 1 - tried[best] <= part * (1 - late)
    helped = helps(setup, best, "own") and tried[best] - max(late, 0.0) >= CLEAR
    if not helped and not left:
        return None
    given = setup.optimizer.learning_rates[0]
    # A high rate may make up for a bad beginning; where there was no time to see, it is not told.
    sure = longer is not None or not math.isfinite(setup.fits["own"].last)
    severity: Severity = "error" if nothing_learnt(setup, "own") else "warning"
    return Finding(
        problem="learning_rate_too_high",
        severity=severity if sure else "info",
        confidence=0.9 if sure else 0.5,
        summary=f"With a rate of {given:.3g} a copy reached {told(setup, 'own')}; with "
        f"{given / _SLOWER[best]:.3g} {setup.fits[best].last:.3g}.",
        evidence={
            "rate": given,
            "gain": gain(setup, best, "own") or 0.0,
            "diverged": not math.isfinite(setup.fits["own"].last),
            **measured(setup, "own", "own_longer", *_SLOWER),
        },
        prescriptions=(rate(setup, "Lower the rate.", given / _SLOWER[best]),),
    )
