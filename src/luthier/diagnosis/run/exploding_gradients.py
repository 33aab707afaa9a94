"""Exploding gradients: they grow a thousandfold, and the training does not survive it."""

from __future__ import annotations

import math

from luthier.core import Finding, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import LARGEST, adversarial, chance, curve, finite, training
from luthier.diagnosis.prescribe import changed, slower
from luthier.diagnosis.statistics import level, tail
from luthier.diagnosis.traces import ended, epoch_of, left
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="The loss leaps to huge values or NaN, often all at once.",
    evidence="A gradient a thousand times the one of the first steps, or no number at all, as the "
    "optimizer gets it, after any clipping; and harm: the training loss is NaN at the end, or "
    "twice what guessing gives, or twice its start where that is not known. Error. Gradients "
    "that shrink as the loss falls, and spikes that the training survives, are none.",
    cause="Recurrence over long sequences, deep networks without normalisation, steps that are "
    "too large, targets or inputs that are not scaled.",
    remedy="Clip gradients to a norm of 1, lower the rate, scale inputs and targets.",
    reference="Pascanu, Mikolov, Bengio 2013, On the difficulty of training recurrent neural "
    "networks",
)
FIRST = 3  # sampled steps that later ones are measured against


def exploding_gradients(run: Run, *, growth: float = 1e3, harm: float = 2.0) -> Finding | None:
    """Find gradients that blow up and take the training with them.

    Args:
        run: One training that was watched.
        growth: Largest gradient over that of the first steps; healthy ones shrink from there.
        harm: Last training loss over that of guessing, or over its first.

    Returns:
        The finding, or None.
    """
    norms = run.trace.series.get("gradient_norm", ())
    seen = [(s, v) for s, v in zip(run.trace.steps, norms, strict=False) if not _missing(run, s, v)]
    if adversarial(run) or len(seen) <= FIRST:
        return None
    first = level([v for _, v in seen[:FIRST]])
    broken = next((s for s, v in seen if not v < LARGEST), None)
    grown = next((s for s, v in seen if first > 0.0 and v >= growth * first), None)
    if (broken is None and grown is None) or not _harmed(run, harm):
        return None
    known = [v for _, v in seen if v < LARGEST]
    top = max(known, default=math.inf)
    since = epoch_of(run, min(s for s in (broken, grown) if s is not None))
    what = f"from {first:.2g} in the first steps to {top:.2g}"
    name, values = training(run)
    return Finding(
        problem="exploding_gradients",
        severity="error",
        confidence=0.9,
        since=since,
        summary=f"Gradients explode: their norm goes {what}"
        + (" and to no number at all" if broken is not None else "")
        + f"; the training loss {'is no number' if ended(run) else _end(run)} at the end.",
        evidence={
            "first_norm": first if math.isfinite(first) else None,
            "largest_norm": top if math.isfinite(top) else None,
            "no_number": broken is not None,
            **curve("gradient_norm", [v for _, v in seen]),
            **curve(name, values),
        },
        prescriptions=(
            changed(run, words(run, "clip"), {"clip_norm": 1.0}),
            slower(run, "Lower the learning rate."),
        ),
    )


def _missing(run: Run, step: int, value: float) -> bool:
    """Tell a step without gradient from one whose gradient is no number."""
    if not math.isnan(value):
        return False
    losses = run.trace.series.get("loss", ())
    seen = dict(zip(run.trace.steps, losses, strict=False))
    return math.isfinite(seen.get(step, 0.0))


def _harmed(run: Run, harm: float) -> bool:
    values, share = finite(run.curves.train_loss), left(run)
    if ended(run):
        return True
    if share is not None:
        return share >= harm
    return len(values) > 1 and level(tail(values)) >= harm * abs(values[0])


def _end(run: Run) -> str:
    guess, values = chance(run), finite(run.curves.train_loss)
    last = f"is {values[-1]:.3g}" if values else "is high"
    return last if guess is None else f"{last}, where guessing gives {guess:.3g},"
