"""Where luthier keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(kind: str) -> Path:
    """Return the folder of one kind of things; it need not exist.

    >>> cache_folder("graphs").parts[-2:]
    ('luthier', 'graphs')
    """
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "luthier" / kind
