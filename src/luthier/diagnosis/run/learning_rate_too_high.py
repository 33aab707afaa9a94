"""Learning rate too high: steps overshoot, and what was learnt is lost."""

from __future__ import annotations

import math

from luthier.catalog import optimizers
from luthier.core import Finding, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, finite, training
from luthier.diagnosis.prescribe import slower
from luthier.diagnosis.statistics import level, tail

ABOUT = About(
    symptom="The loss jumps far above its start, ends no better than guessing, or is NaN.",
    evidence="The training came to harm (NaN, or a last training loss no better than guessing or "
    "than twice its best), and two of: a loss that rose to twice what guessing gives; a rate "
    "above the range that is worth searching for this optimizer; updates that change weights by "
    "more than a third at once. Error where nothing was learnt, else warning.",
    cause="A step longer than the loss is smooth for: beyond 2 / curvature gradient descent "
    "climbs.",
    remedy="Lower the rate to the optimizer's usual one, then search around it.",
    reference="LeCun et al. 1998, Efficient BackProp, section 5; harm and ratios measured on "
    "luthier's own trainings (tests/unit/diagnosis/runs)",
)


def learning_rate_too_high(
    run: Run,
    *,
    no_better: float = 0.9,
    lost: float = 2.0,
    blown_up: float = 2.0,
    ratio: float = 1 / 3,
    epochs: int = 3,
) -> Finding | None:
    """Find a rate whose steps destroy what the steps before had learnt.

    Args:
        run: Curves of one training; task and recipe make the evidence stronger.
        no_better: Share of the loss of guessing above which nothing was learnt.
        lost: Last over best training loss that is harm, if the last is above half of guessing.
        blown_up: Highest training loss over that of guessing; initialisations stay below.
        ratio: Relative update of a weight tensor in one step that overshoots.
        epochs: With fewer there is silence, unless the loss is NaN.

    Returns:
        The finding, or None.
    """
    name, values = training(run)
    guess, seen = chance(run), finite(run.curves.train_loss) or values
    ended = bool(run.curves.train_loss) and not math.isfinite(run.curves.train_loss[-1])
    if adversarial(run) or (len(values) < epochs and not ended):
        return None
    last = level(tail(values)) if values else math.nan
    nothing = ended or (guess is not None and last >= no_better * guess)
    worse = guess is not None and last > max(lost * min([*values, last]), 0.5 * guess)
    if not nothing and not worse:
        return None
    signs, since = _signs(run, [*values, *seen], guess, blown_up, ratio)
    if len(signs) + ended < 2 or not signs:
        return None
    outcome = (
        "the loss is no number at the end"
        if ended
        else f"the training loss ends at {last:.3g}, where guessing gives {guess:.3g}"
    )
    return Finding(
        problem="learning_rate_too_high",
        severity="error" if nothing else "warning",
        confidence=0.9 if len(signs) + ended > 2 else 0.8,
        since=since,
        summary=f"The learning rate is too high: {'; '.join(signs.values())}; {outcome}.",
        evidence={
            **dict.fromkeys(signs, True),
            "loss_of_guessing": guess,
            "last_training_loss": None if math.isnan(last) else last,
            **curve(name, getattr(run.curves, name)),
        },
        prescriptions=(
            slower(run, "Lower the learning rate, then search around the new one."),
            slower(run, "If a high rate is wanted, warm it up over the first tenth.", by=3.0),
        ),
    )


def _signs(
    run: Run, values: list[float], guess: float | None, blown_up: float, ratio: float
) -> tuple[dict[str, str], int]:
    """Return independent signs of overshooting, in words, and the first epoch of one."""
    signs: dict[str, str] = {}
    if guess is not None and values and max(values) > blown_up * guess:
        signs["rose_above_guessing"] = f"the training loss rose to {max(values):.3g}"
    if run.recipe is not None:
        optimizer, rate = optimizers.by_name(run.recipe.optimizer), run.recipe.learning_rate
        high = optimizer.learning_rates.high
        if rate > high:
            signs["rate_above_range"] = (
                f"{rate:.3g} lies above the {high:.3g} up to which {optimizer.name} is searched"
            )
    penalised = run.recipe is not None and (run.recipe.l1 or run.recipe.l2)
    updates = [
        one
        for key, series in run.curves.signals.items()
        if key.startswith("update_ratio/")
        for one in series
        if math.isfinite(one)
    ]
    # Strong penalties drive weights to zero, where every update is a large one.
    if updates and level(updates) > ratio and not penalised:
        signs["updates_too_large"] = f"updates change weights by {level(updates):.0%} at once"
    return signs, 1
