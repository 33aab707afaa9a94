"""The front of several goals as text."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.core import Compromise, Recipe
from luthier.report.text import number, one_line


def front_text(front: Sequence[Compromise], baseline: Recipe, *, most: int = 12) -> str:
    """Return the trials that no other one beats in every goal, one a line.

    Args:
        front: The best by the metric first.
        baseline: Recipes are told by what differs from it.
        most: Lines; of a longer front, those evenly spread over it.

    >>> from luthier.core import Trial
    >>> one = Compromise(Trial(3, Recipe(), 0), {"log_loss": 0.05, "parameters": 1200.0})
    >>> print(front_text([one], Recipe()))
    front     1 trial that no other beats in log_loss and parameters
              trial  log_loss  parameters  recipe
              3      0.05      1,200       the baseline
    """
    if not front:
        return "front     no trial has all that is asked for"
    names = list(front[0].values)
    shown = front
    if len(front) > most:
        shown = [front[round(i * (len(front) - 1) / (most - 1))] for i in range(most)]
    rows = [("trial", *names, "recipe")]
    for one in shown:
        values = (number(one.values[name]) for name in names)
        rows.append((str(one.trial.number), *values, one_line(one.trial.recipe, baseline)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(names) + 1)]
    count = len(front)
    head = f"{count} trial{'s' * (count != 1)} that no other beats in {' and '.join(names)}"
    if len(shown) < count:
        head += f"; {len(shown)} of them"
    lines = [
        "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]
    margin = " " * 10
    return "\n".join([f"{'front':10}{head}", *(margin + line for line in lines)])
