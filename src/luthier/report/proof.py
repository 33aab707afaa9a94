"""A proof as text: for someone who knows no statistics, and for someone who does."""

from __future__ import annotations

import textwrap
from math import isfinite

from luthier.core import Cost, Proof, Verdict
from luthier.core.cost import WORDS

INDENT = 10  # the column at which a summary's texts begin


def proof_text(proof: Proof, metric: str, *, columns: int = 100) -> str:
    """Return what a proof says of a winner against its baseline, in lines of so many columns.

    >>> print(proof_text(Proof(reason="there are no test rows to judge on"), "rmse"))
    verdict   none: there are no test rows to judge on.
    """
    first, *others = _sentences(proof, metric)
    margin = " " * INDENT
    head = f"{'verdict':{INDENT}}"
    lines = textwrap.wrap(first, columns, initial_indent=head, subsequent_indent=margin)
    for text in others:
        lines += textwrap.wrap(text, columns, initial_indent=margin, subsequent_indent=margin)
    return "\n".join(lines)


def _sentences(proof: Proof, metric: str) -> list[str]:
    verdict = proof.verdict
    if verdict is None:
        texts = [f"none: {proof.reason}."]
        if proof.detectable:
            texts += [
                f"The smallest difference that these test rows could have shown: "
                f"{_size(proof.detectable)} {metric}."
            ]
        return texts
    texts = [
        sentence(verdict, metric),
        f"{verdict.seeds} trainings of each on {verdict.rows} test rows, none of which chose "
        f"the winner: {metric} {_mean(proof.best)} against {_mean(proof.baseline)}",
        f"gain {_signed(verdict.difference)} {metric}, 95 % interval "
        f"{_signed(verdict.interval[0])} to {_signed(verdict.interval[1])}, "
        f"p = {verdict.p_value:.2g} (a claim takes {verdict.level:.2g})",
        f"training noise on these rows alone: {_signed(verdict.seed_interval[0])} to "
        f"{_signed(verdict.seed_interval[1])}; one training of the best beats one of the "
        f"baseline {100 * verdict.superiority:.0f} % of the time",
    ]
    if verdict.verdict == "undecided":
        texts += [_outlook(verdict, metric)]
    if verdict.verdict in ("equivalent", "worse"):
        texts += [_choice(proof)]
    if proof.openings:
        times = "once" if proof.openings == 1 else f"{proof.openings} times"
        texts += [
            f"Not confirmatory: this test part was opened {times} before, and what was "
            "chosen by it flatters."
        ]
    return texts


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
        f"{_size(verdict.min_difference or 0.0)} {metric}.",
        "undecided": "undecided: the difference may be chance. It is no proof that they are equal.",
    }
    return texts[verdict.verdict]


def _choice(proof: Proof) -> str:
    """Return which of the two to take, and why."""
    if proof.verdict is not None and proof.verdict.verdict == "worse":
        return "So the baseline is what to take; it is what is handed over."
    best, baseline = proof.best_cost, proof.baseline_cost
    if proof.choice == "best":
        name, one, other = "best recipe", best, baseline
        why = f"{WORDS[proof.cost]} ({_cost(one, proof.cost)} against {_cost(other, proof.cost)})"
    elif baseline.below(best, proof.cost):
        name = "baseline"
        why = (
            f"{WORDS[proof.cost]} ({_cost(baseline, proof.cost)} against {_cost(best, proof.cost)})"
        )
    else:
        name, why = "baseline", f"costs no more by {proof.cost}, and was there before"
    return f"So cost decides: the {name} {why}; it is what is handed over."


def _cost(cost: Cost, name: str) -> str:
    """Return a cost with its unit.

    >>> _cost(Cost(parameters=8970), "parameters"), _cost(Cost(latency=0.0021), "latency")
    ('8,970', '2.1 ms for 1,000 rows')
    """
    if name == "parameters":
        return f"{cost.parameters or 0:,}"
    if name == "latency":
        return f"{1000 * (cost.latency or 0.0):.2g} ms for 1,000 rows"
    return f"{cost.training_time or 0.0:.2g} s"


def _outlook(verdict: Verdict, metric: str) -> str:
    seen = f"From {_size(verdict.detectable)} {metric} on a gain would have been seen."
    if isfinite(verdict.more_seeds) and verdict.more_seeds > 0:
        more = f"{verdict.more_seeds:.0f} more seeds of each would resolve one of this size."
    else:
        more = "More test rows would help, more seeds would not."
    return f"{seen} {more}"


def _mean(values: tuple[float, ...]) -> str:
    return f"{sum(values) / len(values):#.3g}".rstrip(".")


def _signed(value: float) -> str:
    return f"{value:+.2g}"


def _size(value: float) -> str:
    return f"{abs(value):.2g}"
