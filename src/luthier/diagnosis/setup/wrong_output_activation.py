"""Wrong output activation: the last activation does not fit loss and targets."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup, Severity
from luthier.diagnosis.about import About
from luthier.diagnosis.gains import base_of, helps, leaves, measured, told
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="The loss stops far above zero, or never moves; predictions lie in a range that the "
    "targets do not have.",
    evidence="A softmax over one unit, which is 1 for every row; an activation whose outputs "
    "cannot bring the loss near its lowest, with targets or a loss that it does not fit; a loss of "
    "shares or log-shares that gets other outputs and values no share can have; a relu that is 0 "
    "for every row; a softmax for targets that are several at once: error, or warning where half "
    "can still be learnt. A copy without the activation that learns clearly more, or leaves a "
    "third of what is left to learn: warning. Sigmoids for one class of several, with a loss that "
    "copes: info.",
    cause="A last layer copied from a network for another task.",
    remedy="None for numbers and for losses of logits; softmax over one unit a class, sigmoid over "
    "one unit, where the loss takes shares.",
    reference="Bishop 2006, section 4.3.6, canonical link functions; the bound is the lowest loss "
    "when each row's output is free",
)
LEAST = 0.15  # of all there is to learn: twins that differ in their seed were seen that far apart
_LOGITS = ("cross_entropy", "bce_logits")
_NUMBERS = ("mse", "l1", "huber", "difference")
_BOUNDED = ("softmax", "sigmoid", "relu", "tanh", "hardtanh", "hardsigmoid", "softplus", "exp")


def wrong_output_activation(
    setup: Setup,
    *,
    lost: float = 0.1,
    lost_numbers: float = 0.05,
    much: float = 0.5,
    silent: float = 0.99,
) -> Finding | None:
    """Find a last activation that does not fit.

    Args:
        setup: A training before its first step.
        lost: Share of all there is to learn that the activation keeps out of reach.
        lost_numbers: The same for numbers, where it is a share of their variance: targets that
            noise alone carries out of the range make up less.
        much: Share from which on the result is worthless.
        silent: Share of outputs that are 0 from which on a relu passes no gradient.

    Returns:
        The finding, or None.

    >>> from luthier.core import LossFacts, OutputFacts
    >>> output = OutputFacts("softmax", (9, 1), (9, 1), "numbers")
    >>> wrong_output_activation(Setup(output=output, loss=LossFacts("bce"))).severity
    'error'

    A last relu before logits, and copies with and without it:

    >>> from luthier.core import Fit
    >>> loss = LossFacts("cross_entropy", guess=2.3, floor=0.0)
    >>> fits = {"adam": Fit(100, 2.3, 0.61), "no_output_activation": Fit(100, 2.3, 0.14)}
    >>> relu = Setup(output=OutputFacts("relu", (9, 10), (9,), "labels"), loss=loss, fits=fits)
    >>> wrong_output_activation(relu).severity
    'warning'
    """
    output, loss = setup.output, setup.loss
    units = output.shape[1] if len(output.shape) > 1 else 1
    if output.op in ("softmax", "log_softmax") and units == 1:
        value = 1 if output.op == "softmax" else 0
        return _finding(
            setup,
            "error",
            f"A {output.op} over one unit returns {value} for every row.",
            "End with sigmoid over the one unit, or with one unit a class."
            if setup.data.classes or loss.kind in ("bce", "shares", "cross_entropy")
            else "End with the linear layer: numbers need no activation.",
        )
    if "between 0 and 1" in loss.error and not 0.0 <= output.low <= output.high <= 1.0:
        return _finding(
            setup,
            "error",
            f"Binary cross-entropy takes shares, and the outputs reach from {output.low:.3g} to "
            f"{output.high:.3g}.",
            f"Take {words(setup, 'binary_logits')}, or end with sigmoid.",
        )
    if output.op == "softmax" and output.tags and output.shape == output.target_shape:
        return _finding(
            setup,
            "warning",
            f"Several of {units} things are true of a row at once, and softmax makes them share "
            "one: none of them can come near 1 beside another.",
            f"Take {words(setup, 'binary_logits')} on outputs without an activation.",
        )
    if output.op == "relu" and output.zero_share >= silent:
        return _finding(
            setup,
            "error",
            "The last relu returns 0 for every row, and lets no gradient through.",
            "Leave the last relu out.",
        )
    return _shares(setup, units) or _bounded(setup, lost, lost_numbers, much) or _proven(setup)


def _shares(setup: Setup, units: int) -> Finding | None:
    """Find losses of shares, or of their logarithms, that get something else."""
    output, loss = setup.output, setup.loss
    if loss.kind == "nll" and not output.logs_of_shares and units > 1:
        return _finding(
            setup,
            "error",
            f"{words(setup, 'log_shares_loss')} takes logarithms of shares, and gets outputs "
            f"from {output.low:.3g} to {output.high:.3g}.",
            words(setup, "log_shares"),
        )
    if loss.unlogged:
        low, high = loss.unlogged_range
        instead = ", in place of softmax." if low >= 0.0 and high <= 1.0 else "."
        return Finding(
            problem="wrong_output_activation",
            severity="error",
            confidence=0.95,
            summary=f"{loss.unlogged} takes logarithms of shares, and gets numbers from {low:.3g} "
            f"to {high:.3g}: its lowest value is not that of right answers.",
            evidence={"lowest_given": low, "highest_given": high, "first_loss": loss.initial},
            prescriptions=(Prescription(f"Give it log_softmax of the logits{instead}"),),
        )
    if loss.kind not in ("shares", "bce") or output.op in ("softmax", "exp", "other"):
        return None
    if loss.kind == "bce" and output.op in ("sigmoid", "hardsigmoid"):
        return None
    right = "softmax" if loss.kind == "shares" else "sigmoid"
    advice = f"End with {right}, or take the loss that works on logits."
    impossible = output.low < 0.0 or output.high > 1.0
    better = helps(setup, "right_output_activation", "adam")
    if impossible or better:
        given = "no activation" if output.op == "none" else output.op
        return _finding(
            setup,
            "error" if impossible and output.op in ("none", "tanh") else "warning",
            f"The loss takes shares, and the network ends with {given}: outputs from "
            f"{output.low:.3g} to {output.high:.3g}.",
            advice,
        )
    if output.op == "sigmoid" and units > 2:
        return _finding(
            setup,
            "info",
            f"{units} sigmoids, each on its own, stand for one class of {units}. A copy with "
            "softmax learnt no more.",
            advice,
        )
    return None


def _bounded(setup: Setup, lost: float, lost_numbers: float, much: float) -> Finding | None:
    """Find activations whose range keeps the loss up."""
    output, loss = setup.output, setup.loss
    twice = (output.op, loss.kind) in (("softmax", "cross_entropy"), ("sigmoid", "bce_logits"))
    if loss.reachable is None or loss.guess is None or loss.floor is None or twice:
        return None
    if loss.kind not in (*_LOGITS, *_NUMBERS, "poisson") or output.op not in _BOUNDED:
        return None
    room = loss.guess - loss.floor
    share = (loss.reachable - loss.floor) / room if room > 0 else 0.0
    if share < (lost_numbers if loss.kind in _NUMBERS else lost):
        return None
    what = (
        f"targets reach from {setup.data.target_low:.3g} to {setup.data.target_high:.3g}"
        if loss.kind in _NUMBERS
        else "the loss takes logarithms of rates"
        if loss.kind == "poisson"
        else "the loss takes logits, of any size"
    )
    return _finding(
        setup,
        "error" if share >= much else "warning",
        f"The network ends with {output.op}, and {what}: the loss cannot fall below "
        f"{loss.reachable:.3g} (guessing gives {loss.guess:.3g}).",
        "Leave the last activation out.",
    )


def _proven(setup: Setup) -> Finding | None:
    """Find activations without which a copy learns clearly more."""
    output, loss = setup.output, setup.loss
    if output.op not in _BOUNDED or output.op == "exp":
        return None
    if loss.kind not in (*_LOGITS, *_NUMBERS):
        return None
    if (output.op, loss.kind) in (("softmax", "cross_entropy"), ("sigmoid", "bce_logits")):
        return None
    base = "adam" if "adam" in setup.fits else base_of(setup)
    without = "no_output_activation"
    if not (helps(setup, without, base) or leaves(setup, without, base, least=LEAST)):
        return None
    return _finding(
        setup,
        "warning",
        f"The network ends with {output.op}. A copy without it reached "
        f"{told(setup, 'no_output_activation')}; with it {setup.fits[base].last:.3g}.",
        "Leave the last activation out.",
    )


def _finding(setup: Setup, severity: Severity, summary: str, advice: str) -> Finding:
    output, loss = setup.output, setup.loss
    return Finding(
        problem="wrong_output_activation",
        severity=severity,
        confidence=0.5 if severity == "info" else 0.95,
        summary=summary,
        evidence={
            "activation": output.op,
            "units": output.shape[1] if len(output.shape) > 1 else 1,
            "lowest_output": output.low,
            "highest_output": output.high,
            "lowest_loss": loss.reachable,
            "guessing": loss.guess,
            **measured(setup, "adam", "no_output_activation", "right_output_activation"),
        },
        prescriptions=(Prescription(advice),),
    )
