"""Overfitting: validation gets worse while the training loss keeps falling."""

from __future__ import annotations

from luthier.core import Finding, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import (
    Goal,
    adversarial,
    chance,
    curve,
    finite,
    goal,
    keeps_best,
    training,
)
from luthier.diagnosis.prescribe import changed
from luthier.diagnosis.statistics import TINY, level, lowest, noise, sigmas, tail

ABOUT = About(
    symptom="Validation loss climbs again while the training loss goes on falling.",
    evidence="The last epochs all lie above the best validation loss by more than noise and by a "
    "tenth of all that was gained, and the training loss fell meanwhile. Warning where the metric "
    "that decides got worse too, the training loss was measured in evaluation mode, and the best "
    "epoch's weights are not kept; else info.",
    cause="The network learns its training rows by heart: it is large for so little data, and "
    "nothing holds it back.",
    remedy="Keep the best epoch's weights; then stronger weight decay, dropout, augmentation, or "
    "more data.",
    reference="Prechelt 1998, Early Stopping, But When?",
)


def overfitting(
    run: Run, *, share: float = 0.1, patience: int = 5, epochs: int = 8
) -> Finding | None:
    """Find a run that went on memorising after it had stopped generalising.

    Args:
        run: Curves of one training.
        share: Rise over the best validation loss, of all that was gained until then, that counts.
        patience: How many last epochs must lie above the best one.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None for a run that is healthy or too short to tell.

    >>> from luthier.core import Curves
    >>> train = tuple(1 / (1 + i) for i in range(12))
    >>> climbs = (1.2, 0.9, 0.7, 0.6, 0.62, 0.66, 0.7, 0.75, 0.8, 0.84, 0.9, 0.95)
    >>> overfitting(Run(Curves(train_loss_eval=train, val_loss=climbs))).since
    4
    >>> overfitting(Run(Curves(train_loss_eval=train, val_loss=climbs[:4] + (0.6,) * 8)))
    """
    name, train = training(run)
    val, decides = finite(run.curves.val_loss), goal(run)
    if adversarial(run) or len(val) < epochs or len(train) < len(val) or decides is None:
        return None
    best, bottom = lowest(val)
    rise = _rise(val, share, patience, chance(run) or 0.0)
    fell = level(train[max(best - 1, 0) : best + 2]) - level(tail(train))
    if rise is None or fell <= sigmas() * noise(train[best:]) or fell <= TINY:
        return None
    got_worse = _worse(decides, patience)
    certain = name == "train_loss_eval" and got_worse and not keeps_best(run)
    last = level(tail(val, least=patience))
    decay = max(10 * (run.recipe.weight_decay if run.recipe else 0.0), 0.01)
    return Finding(
        problem="overfitting",
        severity="warning" if certain else "info",
        confidence=0.9 if got_worse and name == "train_loss_eval" else 0.6,
        since=best + 1,
        summary=f"Overfitting since epoch {best + 1}: validation loss {bottom:.3g} → {last:.3g}, "
        f"training loss {train[best]:.3g} → {train[-1]:.3g}."
        + (" The best epoch's weights are kept, so it costs time alone." * keeps_best(run)),
        evidence={
            "best_epoch": best + 1,
            "best": bottom,
            "last": last,
            "rise_in_noise": rise if rise < 1e6 else None,
            f"{decides.name}_got_worse": got_worse,
            **curve("val_loss", val),
            **curve(name, train),
        },
        prescriptions=(
            changed(
                run,
                "Keep the best epoch's weights and stop there: it costs nothing.",
                {"early_stopping": max(patience, (best + 1) // 2)},
            ),
            changed(run, "Raise weight decay.", {"weight_decay": min(decay, 1.0)}),
            changed(run, "Raise dropout, augment, or add data.", {"dropout": _dropout(run)}),
        ),
    )


def _rise(values: list[float], share: float, patience: int, guess: float) -> float | None:
    """Return by how many standard deviations the end lies above the best; None if within noise.

    What was gained until then is measured from the first epoch, or from guessing: a first epoch
    may have learnt most of it.
    """
    best, bottom = lowest(values)
    end = tail(values, least=patience)
    if len(values) - best <= len(end):
        return None
    gained = max([*values[: best + 1], guess]) - bottom
    spread = max(noise(values[best:]), TINY)
    rise = level(end) - bottom
    if rise <= share * gained or min(end) <= bottom + spread:
        return None
    return rise / spread if rise > sigmas(len(values)) * spread else None


def _worse(decides: Goal, patience: int) -> bool:
    """Tell whether the deciding metric ends worse than its best, beyond noise."""
    values = decides.values
    best, bottom = lowest(values)
    end = tail(values, least=patience)
    spread = noise(values[best:])
    return len(values) - best > len(end) and level(end) - bottom > sigmas() * max(spread, TINY)


def _dropout(run: Run) -> float | None:
    now = run.recipe.dropout if run.recipe is not None else None
    return None if now is None else min(now + 0.2, 0.6)
