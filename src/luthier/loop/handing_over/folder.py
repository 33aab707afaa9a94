"""The folder that a study is handed over in, before anything else is imported for it."""

from __future__ import annotations

import os
from pathlib import Path

from luthier.core import LuthierError


def check_folder(folder: Path) -> None:
    """Refuse a place that nothing can be written to, before anything is searched for it.

    Raises:
        LuthierError: with what stands in the way.
    """
    place = folder.expanduser().absolute()
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        raise LuthierError(
            f"'{folder}' cannot hold the results: {place} is a file. A folder is needed, and is "
            "made where there is none. Name another: --out DIR"
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise LuthierError(
            f"'{folder}' cannot hold the results: you may not write to {place}. Change its "
            "rights, or name another: --out DIR"
        )
