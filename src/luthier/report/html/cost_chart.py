"""Where the epochs went: to the winner, to other full trainings, to what was cut short."""

from __future__ import annotations

from luthier.core import History
from luthier.report.html.markup import Markup, tag
from luthier.report.html.plot import WIDTH, figure, svg

_ROW, _NAMES = 30, 150


def cost_chart(history: History) -> Markup | None:
    """Return bars of epochs by what became of their trials; None where none was trained."""
    best = history.best
    spent = {"the winner": 0, "trained to the end": 0, "stopped early": 0, "failed": 0}
    for trial in history.trials:
        ended = {"finished": "trained to the end", "failed": "failed"}
        kind = "the winner" if trial is best else ended.get(trial.state, "stopped early")
        spent[kind] += trial.epochs - trial.copied
    total = sum(spent.values())
    if not total:
        return None
    room = WIDTH - _NAMES - 90
    rows = []
    for index, (name, epochs) in enumerate(spent.items()):
        top, length = index * _ROW + 6, round(epochs / total * room, 1)
        text = f"{epochs:,} ({epochs / total * 100:.0f} %)"
        rows.append(
            tag(
                "g",
                tag("text", name, x=_NAMES - 8, y=top + 15, class_="tick end"),
                tag("rect", x=_NAMES, y=top, width=max(length, 1), height=20),
                tag("text", text, x=_NAMES + length + 6, y=top + 15, class_="tick"),
                data_epochs=epochs,
            )
        )
    whole = sum(max(t.recipe.epochs, t.epochs) for t in history.trials)
    note = f"{total:,} epochs in all."
    if whole > total:
        note += f" All trials to their ends would have been {whole:,}."
    return figure(
        "Where the epochs went",
        svg(
            tag("g", *rows, class_="bars"),
            name="; ".join(f"{name}: {epochs} epochs" for name, epochs in spent.items()),
            height=len(rows) * _ROW + 8,
        ),
        note=note,
        id_="cost",
    )
