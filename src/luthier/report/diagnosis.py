"""A diagnosis as text for a terminal: coloured where that is one."""

from __future__ import annotations

from rich.console import Console
from rich.style import Style

from luthier.core import Diagnosis
from luthier.core.show_text import diagnosis_text as plain_text

_STYLES = {"error": "bold red", "warning": "bold yellow", "info": "bold", "dim": "dim"}


def diagnosis_text(diagnosis: Diagnosis, console: Console | None = None) -> str:
    """Return a diagnosis as text, with colours if the console shows them.

    >>> diagnosis_text(Diagnosis("run", looked_at="2 epochs: val_loss"), Console(no_color=True))
    'Nothing wrong found. Looked at 2 epochs: val_loss.'
    """
    console = console or Console()
    coloured = console.is_terminal and not console.no_color

    def paint(text: str, what: str) -> str:
        return Style.parse(_STYLES[what]).render(text) if coloured else text

    return plain_text(diagnosis.findings, diagnosis.looked_at, diagnosis.notes, paint)
