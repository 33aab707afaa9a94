"""Bad initialisation: units that are copies of each other, or weights of the wrong size."""

from __future__ import annotations

import math

from luthier.core import Finding, Prescription, Setup, Severity
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import (
    base_of,
    helps,
    learnt,
    made_up_for,
    measured,
    nothing_learnt,
    told,
)
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="The first loss lies far above guessing; or a wide layer learns as if it had one unit.",
    evidence="All units of a layer have the same weights and get the same gradient, so that they "
    "stay the same: error. Or there is a sign that the start is bad (a first loss of three times "
    "what guessing gives, outputs that vanish or explode, few rows that cannot be learnt), and a "
    "copy with weights drawn anew learns clearly more with the same optimizer, for which the "
    "planned epochs do not make up: warning, error where nothing is learnt without. Beside such a "
    "first loss it may be Adam that learns clearly more, or all planned epochs. Silent where most "
    "weights are frozen.",
    cause="Constant weights; a standard deviation that does not fit the number of inputs.",
    remedy="Draw weights with He's or Glorot's scheme; biases start at zero.",
    reference="He et al. 2015, Delving deep into rectifiers; Glorot & Bengio 2010",
)


def bad_initialisation(setup: Setup, *, high: float = 3.0, near: float = 0.1) -> Finding | None:
    """Find weights to draw anew.

    Args:
        setup: A training before its first step.
        high: First loss over that of guessing; sound networks begin near 1.
        near: What a copy with a lower rate may have learnt less, and still tell of the rate.

    Returns:
        The finding, or None.

    >>> from luthier.core import LayerFacts
    >>> layer = LayerFacts("0", "Linear", (8, 4), same_units=True, same_gradients=True)
    >>> bad_initialisation(Setup(layers=(layer,))).severity
    'error'
    """
    same = [
        one for one in setup.layers
        if one.trained and one.reached and one.same_units and one.same_gradients
    ]  # fmt: skip
    if same:
        names = ", ".join(one.name for one in same[:3])
        return _finding(
            setup,
            "error",
            f"All units of {names} have the same weights and get the same gradients: "
            f"{same[0].shape[0]} units act as one.",
        )
    if _frozen(setup) > 0.5:
        return None  # what it begins with was learnt, and that is what it was frozen for
    loss = setup.loss
    far = (
        loss.initial is not None and loss.guess is not None and loss.floor is not None
        and loss.initial - loss.floor > high * (loss.guess - loss.floor)
    )  # fmt: skip
    scales = ("standard_inputs", "ranged_inputs", "standard_targets")
    by_scale = any(helps(setup, name) for name in scales)
    sound = helps(setup, "reinitialised_adam", "adam")
    # Long steps are a guess at what many do: what few of the user's own learn is none.
    short, longest = learnt(setup, "own") or 0.0, learnt(setup, "reinitialised_whole") or 0.0
    whole = far and short < longest - near and helps(setup, "reinitialised_whole", "whole_run")
    drawn = (
        "reinitialised_whole"
        if whole
        else "reinitialised"
        if helps(setup, "reinitialised")
        else "reinitialised_adam"
    )
    if "reinitialised" not in setup.fits or by_scale or made_up_for(setup, drawn):
        return None
    if setup.epochs and "own" in setup.fits and "whole_run" not in setup.fits:
        return None  # how far so many epochs lead is not known
    if not (helps(setup, "reinitialised") and (far or sound)) and not (far and (sound or whole)):
        return None
    # Where a lower rate does as well with the very same weights, it is the rate.
    most = learnt(setup, drawn) or 0.0
    slower = [learnt(setup, name) for name in ("slower_10", "slower_100", "slower_1000")]
    if any(one is not None and one >= most - near for one in slower):
        return None
    others = {"reinitialised_adam": "adam", "reinitialised_whole": "whole_run"}
    base = others.get(drawn, base_of(setup))
    begins = (
        f"The first loss is {loss.initial:.3g}, and guessing gives {loss.guess or 0.0:.3g}. "
        if far
        else ""
    )
    return _finding(
        setup,
        "error" if nothing_learnt(setup, base) else "warning",
        begins + f"With weights drawn anew a copy reached {told(setup, drawn)}; as it is "
        f"{setup.fits[base].last:.3g}.",
    )


def _frozen(setup: Setup) -> float:
    """Return the share of weights that are not trained."""
    sizes = [(math.prod(layer.shape), layer.trained) for layer in setup.layers]
    frozen = sum(size for size, trained in sizes if not trained)
    return frozen / max(sum(size for size, _ in sizes), 1)


def _finding(setup: Setup, severity: Severity, summary: str) -> Finding:
    return Finding(
        problem="bad_initialisation",
        severity=severity,
        confidence=0.95,
        summary=summary,
        evidence={
            "first_loss": setup.loss.initial,
            "guessing": setup.loss.guess,
            **measured(setup, "own", "reinitialised", "adam", "reinitialised_adam"),
        },
        prescriptions=(Prescription(words(setup, "draw")),),
    )
