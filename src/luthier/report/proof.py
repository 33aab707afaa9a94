"""A proof as text: for someone who knows no statistics, and for someone who does."""

from __future__ import annotations

import textwrap
from math import isfinite

from luthier.core import Cost, Proof, Verdict
from luthier.core.cost import WORDS
from luthier.report.amounts import cost_text, mean_text, signed, size

FEW_ROWS = 100  # the mean of fewer skewed scores is not close to normal (docs/proof.md)
_ADVICE = (
    "So do not say that one is better. Validation rows prefer the best recipe, and that is all "
    "that is known: if it costs you more, the baseline is as good a bet."
)
INDENT = 10  # the column at which a summary's texts begin


def proof_text(proof: Proof, metric: str, *, columns: int = 100) -> str:
    """Return what a proof says of a winner against its baseline, in lines of so many columns.

    >>> print(proof_text(Proof(reason="there are no test rows to judge on"), "rmse"))
    verdict   none: there are no test rows to judge on.
    """
    first, *others = proof_texts(proof, metric)
    margin = " " * INDENT
    head = f"{'verdict':{INDENT}}"
    lines = textwrap.wrap(first, columns, initial_indent=head, subsequent_indent=margin)
    for text in others:
        lines += textwrap.wrap(text, columns, initial_indent=margin, subsequent_indent=margin)
    return "\n".join(lines)


def proof_texts(proof: Proof, metric: str) -> list[str]:
    """Return the same as `proof_text` one sentence or line at a time, the verdict first."""
    verdict = proof.verdict
    if verdict is None:
        texts = [f"none: {proof.reason}."]
        if proof.detectable:
            texts += [
                f"The smallest difference that these test rows could have shown: "
                f"{size(proof.detectable)} {metric}."
            ]
        return texts
    texts = [sentence(verdict, metric), f"against {proof.against}", *_numbers(proof, metric)]
    texts += noise_texts(verdict, "the best", "the baseline")
    if proof.contradicted and proof.own is not None:
        texts += [
            "The trainings that the search compared contradict the fresh ones: "
            f"{metric} {mean_text(proof.own[:1])} of the winner against "
            f"{mean_text(proof.own[1:])} of the baseline on the same test rows, so nothing is "
            "claimed. Rare errors may make the difference: more test rows would tell."
        ]
    elif verdict.verdict == "undecided":
        texts += [_ADVICE, outlook(verdict, metric)]
    return [*texts, *_reservations(proof)]


def brief_texts(proof: Proof, metric: str) -> list[str]:
    """Return the verdict, its numbers, and what speaks against relying on them: for one screen.

    >>> brief_texts(Proof(reason="there are no test rows to judge on"), "rmse")
    ['none: there are no test rows to judge on.']
    """
    verdict = proof.verdict
    if verdict is None:
        return proof_texts(proof, metric)[:1]
    texts = [sentence(verdict, metric), "; ".join(_numbers(proof, metric))]
    if proof.contradicted:
        texts += ["The trainings that the search compared contradict the fresh ones."]
    return [*texts, *_reservations(proof)]


def _numbers(proof: Proof, metric: str) -> list[str]:
    """Return what was trained and what it came to; nothing where there is no verdict."""
    verdict = proof.verdict
    if verdict is None:
        return []
    return [
        f"{verdict.seeds} trainings of each on {verdict.rows} test rows, none of which chose "
        f"the winner: {metric} {mean_text(proof.best)} against {mean_text(proof.baseline)}",
        f"gain {signed(verdict.difference)} {metric}, 95 % interval "
        f"{signed(verdict.interval[0])} to {signed(verdict.interval[1])}, "
        f"p = {verdict.p_value:.2g} (a claim takes {verdict.level:.2g})",
    ]


def _reservations(proof: Proof) -> list[str]:
    """Return what to know before a verdict is relied on, and which of the two to take."""
    verdict, texts = proof.verdict, []
    if verdict is None:
        return []
    if verdict.verdict in ("better", "worse") and verdict.rows < FEW_ROWS:
        texts += [
            f"There are only {verdict.rows} test rows: what errs once in a hundred may not be "
            "among them."
        ]
    if verdict.verdict in ("equivalent", "worse"):
        texts += [_choice(proof)]
    if proof.openings:
        times = "once" if proof.openings == 1 else f"{proof.openings} times"
        texts += [
            f"Not confirmatory: this test part was opened {times} before, and what was "
            "chosen by it flatters."
        ]
    return texts


def noise_texts(verdict: Verdict, one: str, other: str) -> list[str]:
    """Return what a verdict says of the noise of training; nothing where nobody knows it.

    Args:
        verdict: What was judged.
        one: Name of the candidate.
        other: Name of what it is held against.
    """
    if verdict.seed_interval is None or verdict.superiority is None:
        return []
    low, high = verdict.seed_interval
    return [
        f"training noise on these rows alone: {signed(low)} to {signed(high)}; one training of "
        f"{one} beats one of {other} {100 * verdict.superiority:.0f} % of the time"
    ]


def sentence(verdict: Verdict, metric: str) -> str:
    """Return a verdict as one sentence for whoever decides.

    >>> from luthier.core import Verdict
    >>> reach = (0.01, 0.03)
    >>> gain = Verdict("better", 0.02, reach, reach, 0.001, 0.05, 1.0, 3, 360, 0.01, 0)
    >>> sentence(gain, "log_loss")
    'better: trained again on data that it has not seen, the best recipe wins.'
    """
    texts = {
        "better": "better: trained again on data that it has not seen, the best recipe wins.",
        "worse": "worse: trained again on data that it has not seen, the baseline wins.",
        "equivalent": "equivalent: whichever you take, the difference is below "
        f"{size(verdict.min_difference or 0.0)} {metric}.",
        "undecided": "undecided: the difference may be chance. It is no proof that they are equal.",
    }
    return texts[verdict.verdict]


def _choice(proof: Proof) -> str:
    """Return which of the two to take, and why."""
    if proof.tuned and proof.choice == "baseline":
        return "So the tuned baseline is what to take: its study has the recipe."
    if proof.verdict is not None and proof.verdict.verdict == "worse":
        return "So the baseline is what to take; it is what is handed over."
    best, baseline = proof.best_cost, proof.baseline_cost
    if proof.choice == "best":
        name, why = "best recipe", _cheaper(best, baseline, proof.cost)
    elif baseline.below(best, proof.cost):
        name, why = "baseline", _cheaper(baseline, best, proof.cost)
    else:
        name, why = "baseline", f"costs no more by {proof.cost}, and was there before"
    return f"So cost decides: the {name} {why}; it is what is handed over."


def _cheaper(one: Cost, other: Cost, cost: str) -> str:
    return f"{WORDS[cost]} ({cost_text(one, cost)} against {cost_text(other, cost)})"


def outlook(verdict: Verdict, metric: str) -> str:
    """Return what would have been seen, and what would help, after an undecided verdict."""
    seen = f"From {size(verdict.detectable)} {metric} on a gain would have been seen."
    if isfinite(verdict.more_seeds) and verdict.more_seeds > 0:
        more = f"{verdict.more_seeds:.0f} more seeds of each would resolve one of this size."
    elif not verdict.rows:
        more = "That many runs would not resolve it."
    else:
        more = "More test rows would help, more seeds would not."
    return f"{seen} {more}"
