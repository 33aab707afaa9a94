"""Schedule collapses: the rate is gone long before the epochs are."""

from __future__ import annotations

import itertools

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import curve
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="The loss falls for a few epochs and then stands still, to the end.",
    evidence="The schedule was run ahead: nine tenths of all that its rates add up to lie in the "
    "first tenth of the steps, 99 in 100 in the first fifth, and the rate ends below a ten "
    "thousandth of its highest: warning; error where nineteen steps in twenty come after that. "
    "Or the rate is 0 for the last half of the steps: warning. Info where nobody said how many "
    "steps there will be. A cosine's or a line's end near zero is fine.",
    cause="A factor that is applied once a step or epoch where once in a while was meant; a factor "
    "of 0, which was to turn the schedule off; a schedule made for fewer steps.",
    remedy="A factor that spreads the decay over all epochs; 1 to turn it off.",
    reference="the way of gradient descent is at most the sum of its rates times the gradient",
)
NONE = 1e-9  # of the highest rate: no step of that size changes a weight in single precision


def schedule_collapses(
    setup: Setup,
    *,
    early: float = 0.2,
    gone: float = 0.99,
    low: float = 1e-4,
    steps: int = 10,
    idle: float = 0.5,
) -> Finding | None:
    """Find a schedule that ends the training before its time.

    Args:
        setup: A training before its first step.
        early: Share of the steps after which the rest does nothing.
        gone: Share of the summed rates that is spent by then.
        low: Last over highest rate.
        steps: With fewer there is silence.
        idle: Share of the steps, at the end, whose rate is 0.

    Returns:
        The finding, or None.

    >>> from luthier.core import ScheduleFacts
    >>> rates = tuple(0.1 * 0.1**i for i in range(100))
    >>> schedule_collapses(Setup(schedule=ScheduleFacts("ExponentialLR", rates, 100))).severity
    'error'

    A factor of 0 after a third of the epochs:

    >>> rates = (0.1,) * 10 + (0.0,) * 20
    >>> schedule_collapses(Setup(schedule=ScheduleFacts("StepLR", rates, 30))).severity
    'warning'
    """
    rates, name = setup.schedule.rates, setup.schedule.name
    top = max(rates, default=0.0)
    if len(rates) < steps or top <= 0.0 or min(rates) < 0.0 or rates[-1] > low * top:
        return None
    total = sum(rates)
    spent = list(itertools.accumulate(rates))
    end = next(i for i, one in enumerate(spent) if one >= gone * total) + 1
    most = next(i for i, one in enumerate(spent) if one >= 0.9 * total) + 1
    still = sum(1 for _ in itertools.takewhile(lambda rate: rate <= NONE * top, reversed(rates)))
    stops = still >= idle * len(rates)
    if not stops and (end > early * len(rates) or most > max(0.1 * len(rates), 1)):
        return None
    end = min(end, len(rates) - still) if stops else end
    # From factor ** n = 1/100: a hundredth is left at the end.
    factor = 0.01 ** (1 / len(rates))
    known = setup.epochs is not None or setup.schedule.epochs is not None
    rest = len(rates) - end
    return Finding(
        problem="schedule_collapses",
        severity=("error" if end <= 0.05 * len(rates) else "warning") if known else "info",
        confidence=0.95 if known else 0.5,
        summary=f"{name} brings the rate from {top:.3g} to {rates[end]:.1g} in {end} of "
        f"{len(rates)} steps: the {rest} after that do nothing.",
        evidence={
            "highest": top,
            "last": rates[-1],
            "useful_steps": end,
            **curve("learning_rate", rates),
        },
        prescriptions=(
            Prescription(
                f"Decay by {factor:.3f} a step, which leaves a hundredth at the end, or take "
                f"{words(setup, 'cosine')}."
            ),
            Prescription("Train without a schedule first."),
        ),
    )
