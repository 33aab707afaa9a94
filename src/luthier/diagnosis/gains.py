"""What short trainings of copies tell: how much more a copy learnt with one thing changed."""

from __future__ import annotations

import math

from luthier.core import Setup

# Of all there is to learn, between guessing and the lowest loss. Twins that differ in their seed
# alone were seen to differ by up to 0.15 after a hundred steps.
CLEAR = 0.25
NOTHING = 0.05  # a copy that learnt less than that has learnt nothing


def learnt(setup: Setup, name: str) -> float | None:
    """Return what a copy learnt, with a loss that is no number as less than nothing.

    >>> from luthier.core import Fit, LossFacts
    >>> loss = LossFacts(guess=2.0, floor=0.0)
    >>> learnt(Setup(loss=loss, fits={"own": Fit(9, 2.5, math.inf)}), "own")
    -1.0
    """
    share = setup.learned(name)
    return None if share is None or math.isnan(share) else max(share, -1.0)


def base_of(setup: Setup) -> str:
    """Return the fit that stands for the set-up as it is: the user's optimizer, if there is one."""
    return "own" if "own" in setup.fits else "adam"


def gain(setup: Setup, name: str, base: str | None = None) -> float | None:
    """Return how much more of all there is a copy with a change learnt; None where one is missing.

    >>> from luthier.core import Fit, LossFacts
    >>> fits = {"own": Fit(9, 2.5, 1.5), "reinitialised": Fit(9, 2.5, 0.5)}
    >>> gain(Setup(loss=LossFacts(guess=2.0, floor=0.0), fits=fits), "reinitialised")
    0.5
    """
    better, before = learnt(setup, name), learnt(setup, base or base_of(setup))
    if better is None or before is None:
        return None
    return better - max(before, 0.0)


def helps(setup: Setup, name: str, base: str | None = None, *, clear: float = CLEAR) -> bool:
    """Tell whether a change helps clearly."""
    more = gain(setup, name, base)
    return more is not None and more >= clear


def leaves(setup: Setup, name: str, base: str, *, part: float = 1 / 3, least: float = 0.1) -> bool:
    """Tell whether a change leaves a third of what remains to be learnt without it, or less.

    Args:
        setup: A training before its first step.
        name: The copy with the change.
        base: The copy without.
        part: Of what remains.
        least: What the change must bring, of all there is.

    >>> from luthier.core import Fit, LossFacts
    >>> fits = {"own": Fit(9, 2.5, 0.6), "usual_settings": Fit(9, 2.5, 0.1)}
    >>> leaves(Setup(loss=LossFacts(guess=2.0, floor=0.0), fits=fits), "usual_settings", "own")
    True
    """
    better, before = learnt(setup, name), learnt(setup, base)
    if better is None or before is None:
        return False
    return 1 - better <= part * (1 - before) and better - before >= least


def made_up_for(setup: Setup, name: str, *, near: float = 0.95) -> bool:
    """Tell whether all planned epochs learn about what a copy with a change learns in a few steps.

    >>> from luthier.core import Fit, LossFacts
    >>> fits = {"whole_run": Fit(9, 2.5, 0.4), "standard_inputs": Fit(9, 2.5, 0.4)}
    >>> made_up_for(Setup(loss=LossFacts(guess=2.0, floor=0.0), fits=fits), "standard_inputs")
    True
    """
    whole, better = learnt(setup, "whole_run"), learnt(setup, name)
    return whole is not None and better is not None and whole >= near * better


def scaled_fit(setup: Setup, which: str, other: str, base: str) -> str | None:
    """Return the fit with other scales that learns clearly more, in a short or the whole training.

    Or in a short one with Adam, where neither it nor the user's optimizer gets far as it is. Both
    scales at once speak for one of them only where the other one alone does clearly less.

    Args:
        setup: A training before its first step.
        which: ``inputs`` or ``targets``. Inputs were scaled to between 0 and 1, too.
        other: The other of the two.
        base: The fit as it is.

    >>> from luthier.core import Fit, LossFacts
    >>> fits = {"own": Fit(9, 2.5, 1.9), "standard_inputs": Fit(9, 2.5, 0.4)}
    >>> setup = Setup(loss=LossFacts(guess=2.0, floor=0.0), fits=fits)
    >>> scaled_fit(setup, "inputs", "targets", "own")
    'standard_inputs'
    """
    for mine in (f"standard_{which}", f"ranged_{which}"):
        if helps(setup, mine, base) and not made_up_for(setup, mine):
            return mine
        if helps(setup, whole := f"{mine}_whole", "whole_run"):
            return whole
    if helps(setup, sound := f"standard_{which}_adam", "adam"):
        return sound
    alone = f"standard_{other}"
    for end, before in (("", base), ("_whole", "whole_run")):
        both = f"standard_both{end}"
        if helps(setup, both, before) and helps(setup, both, f"{alone}{end}"):
            return None if not end and made_up_for(setup, both) else both
    return None


def nothing_learnt(setup: Setup, name: str | None = None) -> bool:
    """Tell whether a copy, the user's own by default, learnt nothing."""
    share = learnt(setup, name or base_of(setup))
    return share is not None and share < NOTHING


def told(setup: Setup, name: str) -> str:
    """Return a fit in words.

    >>> from luthier.core import Fit, LossFacts
    >>> setup = Setup(loss=LossFacts(guess=2.0, floor=0.0), fits={"own": Fit(100, 2.5, 0.5)})
    >>> told(setup, "own")
    'a loss of 0.5 after 100 steps, against 2 for guessing'
    """
    fit = setup.fits[name]
    guess = setup.loss.guess if fit.guess is None else fit.guess
    last = f"a loss of {fit.last:.3g}" if math.isfinite(fit.last) else "a loss that is no number"
    against = "" if guess is None else f", against {guess:.3g} for guessing"
    return f"{last} after {fit.steps} steps{against}"


def measured(setup: Setup, *names: str) -> dict[str, float | None]:
    """Return the last losses of fits as evidence.

    >>> from luthier.core import Fit
    >>> measured(Setup(fits={"own": Fit(9, 2.5, 0.5)}), "own", "adam")
    {'loss_own': 0.5}
    """
    values = {f"loss_{name}": setup.fits[name].last for name in names if name in setup.fits}
    return {name: one if math.isfinite(one) else None for name, one in values.items()}
