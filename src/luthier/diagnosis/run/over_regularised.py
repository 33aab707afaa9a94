"""Over-regularised: penalties or dropout leave the network too little to fit with."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Recipe, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, finite, training
from luthier.diagnosis.prescribe import changed
from luthier.diagnosis.statistics import level, tail
from luthier.diagnosis.traces import beyond_the_loss, shrunk

ABOUT = About(
    symptom="The training loss stays high, and the validation loss is just as high.",
    evidence="The last training loss is above a third of guessing, validation is not much worse, "
    "and the recipe shows what holds it back: dropout of 0.7 or more, label smoothing of 0.5 or "
    "more, or a decay that takes away more than updates give. Or a penalty with a factor of 0.001 "
    "or more is two fifths of what is minimised at the end, beside a data loss above an eighth "
    "of guessing; or had been half of it where nothing was learnt. In a watched loop: a penalty "
    "that is two fifths of the logged loss, or an l2 of 0.01 or more, has shrunk a tensor to half, "
    "and the loss itself is that high. Warning; error where nothing was learnt.",
    cause="The penalty is cheaper to lower than the loss: weights shrink to nothing.",
    remedy="Divide the penalty by a hundred, halve dropout.",
    reference="Goodfellow, Bengio, Courville 2016, Deep Learning, section 7.1",
)


def over_regularised(
    run: Run,
    *,
    much: float = 1 / 3,
    nothing: float = 0.95,
    gap: float = 1.5,
    beyond: float = 1.3,
    strong: float = 1e-3,
    rivals: float = 0.4,
    some: float = 0.12,
    outweighs: float = 0.5,
    dropped: float = 0.7,
    smoothed: float = 0.5,
    epochs: int = 5,
) -> Finding | None:
    """Find a training whose regularisation, and not whose data, sets its loss.

    Args:
        run: Curves of one training, with recipe and task.
        much: Share of the loss of guessing above which too little was learnt.
        nothing: Share of it above which nothing was learnt.
        gap: Validation over training loss up to which little is learnt by heart; the rows of
            validation may be harder ones.
        beyond: Training loss over that of guessing from which on something else is wrong.
        strong: Factor of l1 or l2 from which on it can be the penalty; below it, a large penalty
            shows weights that a rate or an initialisation made large.
        rivals: Share of the penalty in all that is minimised, at the end.
        some: Share of the loss of guessing above which such a penalty costs something.
        outweighs: Share of the penalty at its largest, where nothing was learnt: weights that it
            has driven to zero pay no penalty any more.
        dropped: Dropout from which on most of the network is missing.
        smoothed: Label smoothing from which on the right class is not the likeliest by far.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.
    """
    shrinks = _shrinking(run, rivals, some)
    if shrinks is not None:
        return shrinks
    name, values = training(run)
    guess, recipe, val = chance(run), run.recipe, finite(run.curves.val_loss)
    if adversarial(run) or guess is None or recipe is None or len(values) < epochs:
        return None
    last = level(tail(values))
    checked = level(tail(val)) if val else last
    # A penalty pulls towards guessing, and never far beyond it.
    if checked > gap * last + 0.05 * guess or last > beyond * guess:
        return None
    peak, share = _shares(run)
    held = (last >= some * guess and share >= rivals) or (
        last >= nothing * guess and peak >= outweighs
    )
    change = {k: recipe.get(k) / 100 for k in ("l1", "l2") if held and recipe.get(k) >= strong}
    if last >= much * guess:
        change |= _weaker(recipe, dropped, smoothed)
    if not change:
        return None
    named = ", ".join(f"{key} {recipe.get(key):g}" for key in change)
    little = last >= much * guess
    does = "keeps the network from learning" if little else "holds the network back"
    return Finding(
        problem="over_regularised",
        severity="error" if last >= nothing * guess else "warning",
        confidence=0.85,
        since=1,
        summary=f"Regularisation ({named}) {does}: training loss "
        f"{last:.3g} and validation loss {checked:.3g}, where guessing gives {guess:.3g}.",
        evidence={
            "last_training_loss": last,
            "last_val_loss": checked,
            "loss_of_guessing": guess,
            "penalty_share": share,
            "penalty_share_at_its_largest": peak,
            **curve(name, values),
        },
        prescriptions=(
            changed(run, "Weaken it.", change),
            changed(run, "Leave it out, and add it back when training overfits.", _none(change)),
        ),
    )


def _shares(run: Run) -> tuple[float, float]:
    """Return the penalty's share in what is minimised: the largest one, and that at the end."""
    pairs = zip(finite(run.curves.penalty), finite(run.curves.train_loss), strict=False)
    shares = [p / (p + abs(d)) if p > 0.0 else 0.0 for p, d in pairs]
    return (max(shares), level(tail(shares))) if shares else (0.0, 0.0)


def _weaker(recipe: Recipe, dropped: float, smoothed: float) -> dict[str, float]:
    change: dict[str, float] = {}
    if recipe.dropout is not None and recipe.dropout >= dropped:
        change["dropout"] = 0.2
    if recipe.label_smoothing >= smoothed:
        change["label_smoothing"] = 0.1
    # A step of decoupled decay takes rate * decay of each weight, and an update of Adam's kind
    # gives about the rate: beyond 1 the weights stay below the size that one update has.
    if recipe.weight_decay >= 1.0 and recipe.learning_rate * recipe.weight_decay > 1e-3:
        change["weight_decay"] = recipe.weight_decay / 100
    return change


def _none(change: dict[str, float]) -> dict[str, float]:
    return dict.fromkeys(change, 0.0)


def _shrinking(
    run: Run, rivals: float, some: float, *, half: float = 0.5, strong: float = 0.01
) -> Finding | None:
    """Find weights that shrank under a penalty which is in no curve, in a loop that is watched.

    Either the loop adds it to its loss by hand, and the logged loss is more than the loss
    function's; or it is the optimizer's (not decoupled) weight decay.
    """
    guess, seen, least = chance(run), beyond_the_loss(run), shrunk(run)
    if adversarial(run) or guess is None or seen is None or least is None:
        return None
    (share, loss), (tensor, left) = seen, least
    val, recipe = finite(run.curves.val_loss), run.recipe
    # Another term of the loss is no penalty: it makes no weights small, and validation has it too.
    added = bool(val) and level(tail(val)) * (1.0 - share / 2) < loss / max(1.0 - share, 1e-9)
    added = added and share >= rivals
    decays = recipe is not None and recipe.l2 >= strong and not any(run.curves.penalty)
    if not (added or decays) or left > half or loss < some * guess:
        return None
    factor = 0.0 if recipe is None else recipe.l2
    what = f"A penalty is {share:.0%} of the training loss" if added else f"Decay (l2 {factor:g})"
    return Finding(
        problem="over_regularised",
        severity="warning",
        confidence=0.85,
        since=1,
        summary=f"{what}{' and' * added} shrank {tensor} to {left:.0%} of its size, while the loss "
        f"itself is still {loss:.3g}, where guessing gives {guess:.3g}.",
        evidence={
            "loss_without_penalty": loss,
            "loss_of_guessing": guess,
            "weights_left": left,
            **({"penalty_share": share} if added else {"l2": factor}),
            **curve("train_loss", run.curves.train_loss),
            **curve("val_loss", val),
        },
        prescriptions=(
            Prescription(
                "Divide the penalty's factor by a hundred."
                if added
                else "Divide the optimizer's weight_decay by a hundred."
            ),
            Prescription("Leave it out, and add it back when training overfits."),
        ),
    )
