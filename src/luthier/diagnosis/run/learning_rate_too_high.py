"""Learning rate too high: steps overshoot, and what was learnt is lost."""

from __future__ import annotations

import math

from luthier.catalog import optimizers
from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, finite, training
from luthier.diagnosis.prescribe import changed, slower
from luthier.diagnosis.statistics import level, tail

ABOUT = About(
    symptom="The loss jumps far above its start, ends no better than guessing, or is NaN.",
    evidence="The training came to harm (NaN, or a last training loss no better than guessing or "
    "than twice its best, or a training or validation loss above half of guessing under a rate "
    "beyond its range), and two of: a loss that rose to twice what guessing gives; a loss that "
    "had been lower; a rate above the range that is worth searching for this optimizer (three "
    "times above it counts twice); updates that change weights by more than a third at once. Error "
    "where nothing was learnt, else warning.",
    cause="A step longer than the loss is smooth for: beyond 2 / curvature gradient descent "
    "climbs.",
    remedy="Lower the rate to the optimizer's usual one, then search around it.",
    reference="LeCun et al. 1998, Efficient BackProp, section 5; harm and ratios measured on "
    "luthier's own trainings (tests/unit/diagnosis/runs)",
)

FAR = 3.0  # above the range: as good as two signs
MOMENTUM = 0.95  # beyond it steps add up to more than 20 of the last one


def learning_rate_too_high(
    run: Run,
    *,
    no_better: float = 0.9,
    learnt: float = 0.8,
    lost: float = 2.0,
    poor: float = 0.5,
    forgot: float = 0.15,
    blown_up: float = 2.0,
    ratio: float = 1 / 3,
    epochs: int = 3,
) -> Finding | None:
    """Find a rate whose steps destroy what the steps before had learnt.

    Args:
        run: Curves of one training; task and recipe make the evidence stronger.
        no_better: Share of the loss of guessing above which nothing was learnt.
        learnt: Share of it below which something had been learnt.
        lost: Last over best training loss that is harm, if the last is above half of guessing.
        poor: Share of the loss of guessing above which training or validation ended badly, where
            the rate lies beyond what is searched.
        forgot: Rise over the best training loss, as a share of the loss of guessing, by which
            what had been learnt was lost.
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
    val = finite(run.curves.val_loss)
    checked = level(tail(val)) if val else last
    worse = guess is not None and last > max(lost * min([*values, last]), 0.5 * guess)
    badly = guess is not None and max(last, checked) > poor * guess
    signs = _signs(run, [*values, *seen], guess, blown_up, ratio)
    beyond = "rate_far_above_range" in signs or "rate_above_range" in signs
    if not nothing and not worse and not (badly and beyond):
        return None
    held = run.recipe is not None and (run.recipe.l1 or run.recipe.l2)  # a penalty undoes it too
    gone = guess is not None and bool(values) and last - min(values) > forgot * guess
    if not held and guess and values and (gone or (nothing and min(values) < learnt * guess)):
        signs["had_learnt"] = f"the training loss had been down to {min(values):.3g}"
    weight = len(signs) + ended + ("rate_far_above_range" in signs)
    if weight < 2 or not signs:
        return None
    outcome = (
        "the loss is no number at the end"
        if ended
        else f"the training loss ends at {last:.3g}, where guessing gives {guess:.3g}"
        if nothing or worse or not val
        else f"training ends at {last:.3g}, validation at {checked:.3g}, where guessing gives "
        f"{guess:.3g}"
    )
    return Finding(
        problem="learning_rate_too_high",
        severity="error" if nothing else "warning",
        confidence=0.95 if weight > 2 else 0.85,
        since=1,
        summary=f"The learning rate is too high: {'; '.join(signs.values())}; {outcome}.",
        evidence={
            **dict.fromkeys(signs, True),
            "loss_of_guessing": guess,
            "last_training_loss": None if math.isnan(last) else last,
            **curve(name, getattr(run.curves, name)),
        },
        prescriptions=(
            *_calmer(run),
            slower(run, "Lower the learning rate, then search around the new one."),
            _warmed(run),
        ),
    )


def _signs(
    run: Run, values: list[float], guess: float | None, blown_up: float, ratio: float
) -> dict[str, str]:
    """Return independent signs of overshooting, in words."""
    signs: dict[str, str] = {}
    if guess is not None and values and max(values) > blown_up * guess:
        signs["rose_above_guessing"] = f"the training loss rose to {max(values):.3g}"
    if run.recipe is not None:
        optimizer, rate = optimizers.by_name(run.recipe.optimizer), run.recipe.learning_rate
        high = optimizer.learning_rates.high
        if "momentum" in optimizer.settings:  # steps add up to rate / (1 - momentum); 0.9 is usual
            rate *= 0.1 / max(1.0 - run.recipe.momentum, 1e-6)
        if rate > high:
            far = "rate_far_above_range" if rate >= FAR * high else "rate_above_range"
            signs[far] = (
                f"{rate:.3g}{_acts(run, rate)} lies above the {high:.3g} up to which "
                f"{optimizer.name} is searched"
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
    return signs


def _acts(run: Run, rate: float) -> str:
    """Say what momentum makes of a rate, where that is not the usual."""
    if run.recipe is None or rate == run.recipe.learning_rate:
        return ""
    return f" (what {run.recipe.learning_rate:.3g} acts like with momentum {run.recipe.momentum:g})"


def _calmer(run: Run) -> tuple[Prescription, ...]:
    """Advise less momentum, where it is momentum that makes the rate too high."""
    recipe = run.recipe
    if recipe is None or recipe.momentum <= MOMENTUM or recipe.learning_rate > _high(run):
        return ()
    if "momentum" not in optimizers.by_name(recipe.optimizer).settings:
        return ()
    return (
        changed(run, "Lower momentum: steps add up to rate / (1 - momentum).", {"momentum": 0.9}),
    )


def _warmed(run: Run) -> Prescription:
    """Advise the highest rate that is searched, and a warm-up to get there."""
    advice = "If a high rate is wanted, warm it up over the first tenth."
    if run.recipe is None:
        return Prescription(advice)
    rate = min(_high(run), run.recipe.learning_rate / 3)
    return changed(run, advice, {"learning_rate": rate, "warmup": max(0.1, run.recipe.warmup)})


def _high(run: Run) -> float:
    name = "sgd" if run.recipe is None else run.recipe.optimizer
    return optimizers.by_name(name).learning_rates.high
