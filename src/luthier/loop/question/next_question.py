"""What to ask after an answer."""

from __future__ import annotations

from luthier.core import Float, Space
from luthier.loop.question.asking import Asking
from luthier.report.question import Question
from luthier.report.text import setting

# What a person asks about a training, in the order in which answers tend to matter: the optimizer's
# choice moves scores more than the schedule's, and that more than a network's details.
_ORDER = ("optimizer", "schedule", "preprocessing", "batch_size", "dropout", "augmentation")


def proposals(
    found: Question, asking: Asking, space: Space, *, edge: float = 0.05
) -> tuple[str, ...]:
    """Return what to do next, the most useful first.

    Args:
        found: The answer.
        asking: What was asked.
        space: Ranges of the nuisance parameters.
        edge: A best value within so much of a range's end lies at it: 5 % of a range of four
            orders of magnitude is a factor of 1.6.
    """
    if found.winner is None:
        return ("Find out why every training failed: luthier check.",)
    best = found.values[found.winner]
    texts = []
    numbers = [v for v in asking.values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    at_end = len(numbers) == len(asking.values) > 1 and best.value in (min(numbers), max(numbers))
    if at_end and isinstance(best.value, (int, float)) and best.value != 0:
        side = "above" if best.value == max(numbers) else "below"
        texts.append(
            f"{setting(best.value)} is at the end of what was asked: ask {side} it as well."
        )
    if best.recipe is not None:
        own = asking.of(space, best.value)
        for name in own.parameters:
            domain = own.active(name, best.recipe)
            place = None if domain is None else domain.unit(best.recipe.get(name))
            wide = isinstance(domain, Float) and domain.log  # elsewhere an end is a natural one
            if wide and place is not None and not edge < place < 1 - edge:
                texts.append(
                    f"The best {name} ({setting(best.recipe.get(name))}) lies at the end of its "
                    "range: widen it with --space, and ask again."
                )
    if not found.enough:
        texts.append("Ask again with a larger budget: more points a value would settle the order.")
    verdict = found.proof.verdict
    if verdict is not None and verdict.verdict == "undecided":
        texts.append("Where nothing else speaks for a value, keep the one that you have.")
    if verdict is not None and found.enough and not texts:
        others = [name for name in _ORDER if name != found.question]
        texts.append(
            f"Fix {found.question} at {setting(best.value)} and ask about another parameter, "
            f"{others[0]} say."
        )
    return tuple(texts)
