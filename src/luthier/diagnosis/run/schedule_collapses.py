"""Schedule collapses: the rate is next to nothing long before there is nothing left to learn."""

from __future__ import annotations

import itertools

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, curve, finite, training
from luthier.diagnosis.statistics import level, tail
from luthier.diagnosis.traces import left

ABOUT = About(
    symptom="The loss falls in the first epochs, then stands still on a high level.",
    evidence="The rate falls to a fifth or less from one epoch to the next, three times in a row, "
    "and never comes back; no usual schedule does that, even at its end. Or it is 0 for the last "
    "half of the epochs, and was more. Error where the training "
    "loss is 0.9 of guessing or more at the end, warning where it is a fifth or more, or where "
    "guessing is not known and the loss stood still from then on. Else info.",
    cause="A factor that is applied each epoch instead of once in many, a schedule made for "
    "epochs that is stepped at each batch, or a factor of 0.",
    remedy="Apply the factor once in a third of the epochs, or step the schedule once an epoch.",
    reference="Godbole et al. 2023, Deep Learning Tuning Playbook: schedules fall over the whole "
    "training; cosine, linear and one-cycle schedules fall fivefold twice in a row at most",
)


def schedule_collapses(
    run: Run,
    *,
    factor: float = 0.2,
    times: int = 3,
    back: float = 0.01,
    much: float = 0.2,
    nothing: float = 0.9,
    idle: float = 0.5,
) -> Finding | None:
    """Find a learning rate that is gone after a few epochs.

    Args:
        run: Curves of one training, with the rates that the optimizer had.
        factor: Ratio of two epochs' rates that is a fall.
        times: How many falls in a row; the end of a cosine over few epochs has two.
        back: Share of the rate before the falls that no later epoch may have.
        much: Share of the loss of guessing above which most of the work was still to be done.
        nothing: Share of it above which nothing was learnt.
        idle: Share of the epochs, at the end, whose rate is 0.

    Returns:
        The finding, or None.

    >>> from luthier.core import Curves
    >>> rates = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
    >>> curves = Curves((2.0, 1.9, 1.89, 1.89, 1.89), learning_rate=rates)
    >>> schedule_collapses(Run(curves)).severity
    'warning'
    """
    rates, (name, values) = finite(run.curves.learning_rate), training(run)
    stop = _stop(rates, idle)
    start = _collapse(rates, factor, times) if stop is None else stop
    if adversarial(run) or start is None:
        return None
    if stop is None and max(rates[start + times :]) > back * rates[start]:
        return None
    share = left(run)
    if share is None:
        severity = "warning" if _stands(values, start) else "info"
    else:
        severity = "error" if share >= nothing else "warning" if share >= much else "info"
    end = len(rates)
    after = min(start + times, end - 1)
    ratio = (rates[start] / max(rates[after], 1e-300)) ** (1 / times)
    how = (
        f"The learning rate collapses: from {rates[start]:.3g} in epoch {start + 1} to "
        f"{rates[after]:.3g} in epoch {after + 1}, {ratio:.3g} times less each epoch"
        + (f", and {rates[-1]:.3g} in epoch {end}" if end > after + 1 else "")
        if stop is None
        else f"The learning rate is {rates[start]:.3g} up to epoch {start + 1}, and 0 in the "
        f"{end - start - 1} epochs after that"
    )
    return Finding(
        problem="schedule_collapses",
        severity=severity,  # type: ignore[arg-type]
        confidence=0.99 if severity != "info" else 0.5,
        since=start + 1,
        summary=how
        + ("." if share is None else f"; the training loss is still {share:.0%} of guessing's."),
        evidence={
            "rate_before": rates[start],
            "rate_after": rates[after],
            "share_of_guessing": share,
            **curve("learning_rate", rates),
            **curve(name, values),
        },
        prescriptions=(
            Prescription(
                f"Keep the rate at {rates[start]:.3g} and let it fall over the whole training: "
                "a cosine, or a factor of 0.1 after each third of the epochs."
            ),
            Prescription("If the schedule counts epochs, step it once an epoch, not each batch."),
        ),
    )


def _collapse(rates: list[float], factor: float, times: int) -> int | None:
    """Return the epoch, counted from 0, after which the rate falls so often in a row."""
    falls = [b <= factor * a and a > 0.0 for a, b in itertools.pairwise(rates)]
    return next((i for i in range(len(falls) - times + 1) if all(falls[i : i + times])), None)


def _stop(rates: list[float], idle: float, least: int = 5) -> int | None:
    """Return the last epoch, counted from 0, before the rate is 0 to the end, for long enough."""
    still = sum(1 for _ in itertools.takewhile(lambda rate: rate == 0.0, reversed(rates)))
    begun = 0 < still < len(rates) and min(rates) >= 0.0
    return len(rates) - still - 1 if begun and still >= max(idle * len(rates), least) else None


def _stands(values: list[float], start: int, share: float = 0.02) -> bool:
    """Tell whether the loss moved by next to nothing after the falls began."""
    rest = values[start + 2 :]
    if len(rest) < 2 or not rest[0]:
        return False
    return abs(rest[0] - level(tail(rest))) <= share * abs(rest[0]) and rest[-1] > 0.5 * values[0]
