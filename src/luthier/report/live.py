"""The view of a study that is being searched: for a terminal, or one line at a time."""

from __future__ import annotations

import math

from rich.console import Group
from rich.table import Table
from rich.text import Text

from luthier.core import History
from luthier.core.sparkline import sparkline
from luthier.report.text import number, one_line, seconds


def best_so_far(history: History) -> list[float]:
    """Return the best score after each trial, in the order in which they began."""
    best, series = math.inf, []
    for trial in history.trials:
        best = min(best, history.loss(trial))
        if best != math.inf:
            series.append(best if history.direction == "minimize" else -best)
    return series


def view(title: str, history: History) -> Group:
    """Return the live view: best score, its recipe, trials, what is spent and left."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="ellipsis", no_wrap=True)
    best = history.best
    if best is not None:
        score = Text(f"{history.metric} {number(history.score(best))}", style="bold green")
        score.append(f"   {sparkline(best_so_far(history))}", style="not bold")
        grid.add_row("best", score)
        line = one_line(best.recipe, history.trials[0].recipe)
        grid.add_row("recipe", f"trial {best.number}: {line}")
    counts = {state: n for state, n in history.counts().items() if n}
    grid.add_row("trials", "  ".join(f"{n} {state}" for state, n in counts.items()) or "none yet")
    grid.add_row("spent", f"{history.epochs:,} epochs, {seconds(history.seconds)}{_left(history)}")
    return Group(Text(title, style="bold"), grid)


def line(history: History) -> str:
    """Return the state of a search in one plain line."""
    best = history.best
    counts = ", ".join(f"{n} {state}" for state, n in history.counts().items() if n)
    text = f"{history.epochs:>5} epochs, {seconds(history.seconds)}{_left(history)}"
    text += f"; {counts}" if counts else ""
    if best is not None:
        text += f"; best {history.metric} {number(history.score(best))} (trial {best.number})"
    return text


def _left(history: History) -> str:
    if history.epochs_left != math.inf:
        return f", about {history.epochs_left:,.0f} epochs left"
    if history.trials_left != math.inf:
        return f", {history.trials_left:,.0f} trials left"
    return ""
