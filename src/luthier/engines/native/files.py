"""The files of C beside this one, with what is filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any


def written(name: str, texts: Mapping[str, Any] | None = None) -> str:
    """Return a file, with texts for what stands in it between @ signs."""
    text = (resources.files("luthier.engines.native") / name).read_text(encoding="utf-8")
    return re.sub(r"@(\w+)@", lambda found: str((texts or {})[found[1]]), text)


def lines(texts: Iterable[str], indent: int = 0) -> str:
    """Return lines as one text."""
    return "\n".join(" " * indent + line for line in texts)
